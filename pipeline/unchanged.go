package pipeline

import (
	"context"
	"fmt"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
)

// filler re-reads the cells that the log does not carry and a mapping needs, set by set, from one view that is not older
// than the changes. A row that is not there any more keeps its Unchanged cells and is passed over. What was re-read is
// forgotten when its record is translated, so that few rows are in memory at a time, however big they are.
type filler struct {
	view adapters.View // nil when nothing is wanted
	// wanted are the records that lack cells, in order, each with the columns it lacks; next is the first not fetched yet.
	wanted []lacking
	next   int
	// biggest is the largest row of the last fetch; 0 when unknown.
	biggest int
	// filled are fetched and not yet forgotten.
	filled []lacking
}

// lacking is a record with cells that are needed and were not carried.
type lacking struct {
	index   int // of the record in its chunk
	record  *record.Record
	columns []int
}

const (
	// maxFill is how many rows are re-read at a time at most; one, while their size is not known.
	maxFill = 500
	// fillBytes is about how much is re-read at a time.
	fillBytes = 2 << 20
)

func (t *translator) newFiller(ctx context.Context, records []record.Record) (*filler, error) {
	f := &filler{}
	var after []uint64
	for i := range records {
		r := &records[i]
		if r.After == nil {
			continue
		}
		columns, err := t.lacks(r)
		if err != nil {
			return nil, err
		}
		if columns != nil {
			f.wanted = append(f.wanted, lacking{i, r, columns})
			after = append(after, r.Tx)
		}
	}
	if f.wanted == nil {
		return f, nil
	}
	fetcher, ok := t.s.src.(adapters.Fetcher)
	if !ok {
		return nil, &adapters.RefusedError{
			Where: "source " + t.s.cfg.Source, What: problem.Say("its log leaves out cells that a mapping needs, and the adapter cannot re-read rows"),
			Fix: problem.Say("make the log carry whole rows, or leave the column out of the mapping"),
		}
	}
	var err error
	f.view, err = fetcher.Begin(ctx, after)
	return f, err
}

// lacks lists the columns that some mapping reads and the record does not carry.
func (t *translator) lacks(r *record.Record) (columns []int, err error) {
	for _, p := range t.pipesOf(r.Table) {
		pt, err := t.plan(p, r.Table)
		if err != nil {
			return nil, err
		}
		for _, col := range pt.reads {
			if r.After[col].Kind == record.Unchanged {
				columns = append(columns, col)
			}
		}
	}
	return columns, nil
}

func (f *filler) close() {
	if f.view != nil {
		_ = f.view.Close()
	}
}

// fill makes sure that a record has what can be had of it. Records must be asked for in order.
func (f *filler) fill(ctx context.Context, index int) error {
	if f.next == len(f.wanted) || f.wanted[f.next].index != index {
		return nil
	}
	n := 1
	if f.biggest > 0 {
		n = min(max(fillBytes/f.biggest, 1), maxFill)
	}
	table := f.wanted[f.next].record.Table
	last := f.next + 1
	for last < len(f.wanted) && last-f.next < n && f.wanted[last].record.Table == table {
		last++
	}
	group := f.wanted[f.next:last]
	f.next = last
	f.filled = append(f.filled, group...)
	return f.fetch(ctx, table, group)
}

func (f *filler) fetch(ctx context.Context, table *record.Table, group []lacking) error {
	columns := rowKey(table)
	keys := make([]record.Row, len(group))
	byKey := map[string][]lacking{}
	for i, l := range group {
		keys[i] = make(record.Row, len(table.Key))
		for j, c := range table.Key {
			keys[i][j] = l.record.After[c]
		}
		k := rowText(keys[i])
		byKey[k] = append(byKey[k], l)
	}
	now, rows, err := f.view.Fetch(ctx, table.String(), columns, keys)
	if err != nil {
		return fmt.Errorf("re-read rows of %s: %w", table, err)
	}
	from := make([]int, len(table.Columns))
	for i := range table.Columns {
		from[i] = now.Index(table.Columns[i].Name)
	}
	f.biggest = 0
	for _, row := range rows {
		size := 1
		for i := range row {
			size += len(row[i].Bytes)
		}
		f.biggest = max(f.biggest, size)
		key := make(record.Row, len(table.Key))
		for j, c := range table.Key {
			if from[c] < 0 {
				return fmt.Errorf("re-read rows of %s: key column %q is gone", table, columns[j])
			}
			key[j] = row[from[c]]
		}
		for _, l := range byKey[rowText(key)] {
			for _, c := range l.columns {
				if from[c] >= 0 {
					l.record.After[c] = row[from[c]]
				}
			}
		}
	}
	return nil
}

// forget gives back what was re-read for a record that is translated now.
func (f *filler) forget(index int) {
	if len(f.filled) == 0 || f.filled[0].index != index {
		return
	}
	l := f.filled[0]
	f.filled = f.filled[1:]
	for _, c := range l.columns {
		l.record.After[c] = record.Value{Kind: record.Unchanged}
	}
}
