package adaptertest

import (
	"context"
	"errors"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/record"
)

// stream is one instance of a source, from Open to Close, and everything it handed out.
type stream struct {
	*sourceBench
	source  adapters.Source
	records []record.Record // cloned
	batches []batchEnd
	last    record.Order
	closed  bool
}

// batchEnd is the position of a batch and the number of records up to its end.
type batchEnd struct {
	position []byte
	records  int
}

// start names the tables to open, with the run of their snapshots.
func start(position []byte, run uint32, tables ...string) adapters.Start {
	s := adapters.Start{Position: position}
	for _, t := range tables {
		s.Tables = append(s.Tables, adapters.TableStart{Table: t, Run: run})
	}
	return s
}

// open builds and opens an instance that begins at a position (nil: anew) with the first standard table.
func (b *sourceBench) open(position []byte) *stream {
	b.Helper()
	return b.openAt(start(position, 1, b.table))
}

func (b *sourceBench) openAt(at adapters.Start) *stream {
	b.Helper()
	s := &stream{sourceBench: b, source: b.fixture.Source(b.env())}
	b.streams = append(b.streams, s)
	ctx, cancel := context.WithTimeout(context.Background(), b.spec.Patience)
	defer cancel()
	if err := s.source.Open(ctx, at); err != nil {
		b.Fatalf("Open failed: %v", err)
	}
	return s
}

// read takes one batch, keeps clones of its records and releases it.
func (s *stream) read() {
	s.Helper()
	batch := s.take()
	batch.Release()
}

// take reads one batch, checks and keeps it; the caller releases.
func (s *stream) take() record.Batch {
	s.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), s.spec.Patience)
	defer cancel()
	batch, err := s.source.Read(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		s.Fatalf("Read gave nothing for %v although there was something to say; %d records had come, the last of order %v", s.spec.Patience, len(s.records), s.last)
	}
	if err != nil {
		s.Fatalf("Read failed: %v", err)
	}
	s.keep(batch)
	return batch
}

// keep checks a batch and keeps clones of its records.
func (s *stream) keep(batch record.Batch) {
	s.Helper()
	if batch.Position == nil {
		s.Fatalf("a batch has no Position; every batch carries one, heartbeats too")
	}
	for _, r := range batch.Records {
		s.check(r)
		s.last = r.Order
		r.Before, r.After = r.Before.Clone(), r.After.Clone()
		s.records = append(s.records, r)
	}
	s.batches = append(s.batches, batchEnd{append([]byte(nil), batch.Position...), len(s.records)})
}

// quiet reads for a time in which little or nothing comes.
func (s *stream) quiet(d time.Duration) {
	s.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), min(d, time.Second))
	defer cancel()
	for {
		batch, err := s.source.Read(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			s.Fatalf("Read failed: %v", err)
		}
		s.keep(batch)
		batch.Release()
	}
}

// until reads until a record fits; the records up to now count too.
func (s *stream) until(what string, fits func(record.Record) bool) {
	s.Helper()
	deadline := time.Now().Add(s.spec.Patience)
	for seen := 0; ; {
		for ; seen < len(s.records); seen++ {
			if fits(s.records[seen]) {
				return
			}
		}
		if time.Now().After(deadline) {
			s.Fatalf("%s did not come within %v; %d records came", what, s.spec.Patience, len(s.records))
		}
		s.read()
	}
}

// untilRow reads until a row of the table has been created, or read in a snapshot.
func (s *stream) untilRow(table string, id int64) {
	s.Helper()
	s.until("the row written last", func(r record.Record) bool {
		return r.Table.String() == table && (r.Op == record.Create || r.Op == record.Snapshot) && idOf(r.Table, r.After) == id
	})
}

// caughtUp reads until the rows that are there now have come: to the end of the snapshot, where there is one.
func (s *stream) caughtUp(tables ...string) {
	s.Helper()
	for _, table := range tables {
		if s.can.Snapshot {
			s.until("the SnapshotEnd of "+table, func(r record.Record) bool {
				return r.Op == record.SnapshotEnd && r.Table.String() == table
			})
			continue
		}
		for len(s.fold(table)) < len(s.written[table]) {
			s.read()
		}
	}
}

// position of the last batch.
func (s *stream) position() []byte { return s.batches[len(s.batches)-1].position }

func (s *stream) ack(position []byte) {
	s.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), s.spec.Patience)
	defer cancel()
	if err := s.source.Ack(ctx, position); err != nil {
		s.Fatalf("Ack of a position that was handed out failed: %v", err)
	}
}

func (s *stream) close() {
	if s.closed {
		return
	}
	s.closed = true
	if err := s.source.Close(); err != nil {
		s.Errorf("Close failed: %v", err)
	}
}

// of returns the records of a table, of the given operations if any are given.
func (s *stream) of(table string, ops ...record.Op) []record.Record {
	var out []record.Record
	for _, r := range s.records {
		if r.Table.String() != table {
			continue
		}
		fits := len(ops) == 0
		for _, op := range ops {
			fits = fits || r.Op == op
		}
		if fits {
			out = append(out, r)
		}
	}
	return out
}

// check holds a record to what is true of all of them.
func (s *stream) check(r record.Record) {
	s.Helper()
	if r.Table == nil {
		s.Fatalf("a record has no Table")
	}
	where := r.Op.String() + " of " + r.Table.String()
	if len(s.records) > 0 && r.Order.Compare(s.last) <= 0 {
		s.Fatalf("%s: order %v follows %v; orders grow strictly over all records of a source", where, r.Order, s.last)
	}
	if len(r.Table.Key) == 0 || r.Table.Version == 0 {
		s.Fatalf("%s: the table has no key or no version; versions count from 1", where)
	}
	var before, after bool // must there be a row?
	switch r.Op {
	case record.Create, record.Snapshot:
		after = true
	case record.Update:
		before, after = r.Before != nil, true
		if s.can.Before == BeforeFull && !before {
			s.Fatalf("%s has no Before; the source declares BeforeFull", where)
		}
	case record.Delete:
		before = true
	case record.SnapshotEnd, record.Truncate:
	default:
		s.Fatalf("%s: unknown operation", where)
	}
	s.checkRow(where+": Before", r, r.Before, before)
	s.checkRow(where+": After", r, r.After, after)
	if r.Op != record.SnapshotEnd && r.Since != (record.Order{}) {
		s.Fatalf("%s has Since, which belongs to a SnapshotEnd", where)
	}
	if r.Time.IsZero() {
		s.Fatalf("%s has no Time; it is when the change was committed", where)
	}
}

func (s *stream) checkRow(where string, r record.Record, row record.Row, wanted bool) {
	s.Helper()
	if !wanted {
		if row != nil {
			s.Fatalf("%s must be nil", where)
		}
		return
	}
	if len(row) != len(r.Table.Columns) {
		s.Fatalf("%s has %d cells for %d columns; rows are aligned with their Table", where, len(row), len(r.Table.Columns))
	}
	for i, v := range row {
		column := r.Table.Columns[i]
		if v.Kind == record.AnyKind {
			s.Fatalf("%s: column %s has a value of AnyKind, which is a kind of columns only", where, column.Name)
		}
		if v.Kind != record.Null && v.Kind != record.Unchanged && column.Kind != record.AnyKind && v.Kind != column.Kind {
			s.Fatalf("%s: column %s is declared %v and holds %v", where, column.Name, column.Kind, v.Kind)
		}
	}
	for _, i := range r.Table.Key {
		if row[i].Kind == record.Unchanged {
			s.Fatalf("%s lacks key column %s; the key must always be known", where, r.Table.Columns[i].Name)
		}
	}
}

// fold plays the records of a table and returns what a reader of them believes the table to hold.
func (s *stream) fold(table string) rowsByID {
	rows := rowsByID{}
	play(rows, s.of(table))
	return rows
}

// play applies records to rows in their order.
func play(rows rowsByID, records []record.Record) {
	for _, r := range records {
		switch r.Op {
		case record.Truncate:
			clear(rows)
		case record.Delete:
			delete(rows, idOf(r.Table, r.Before))
		case record.Create, record.Update, record.Snapshot:
			id := idOf(r.Table, r.After)
			old := rows[id]
			if r.Op == record.Update && r.Before != nil {
				before := idOf(r.Table, r.Before)
				old = rows[before]
				delete(rows, before)
			}
			row := Row{}
			for i, c := range r.Table.Columns {
				switch {
				case c.Name == ID || r.After[i].IsNull():
				case r.After[i].Kind == record.Unchanged:
					if v, known := old[c.Name]; known {
						row[c.Name] = v
					}
				default:
					row[c.Name] = r.After[i]
				}
			}
			rows[id] = row
		case record.SnapshotEnd: // no row
		}
	}
}

// idOf reads the key of a standard row.
func idOf(t *record.Table, row record.Row) int64 {
	if i := t.Index(ID); i >= 0 && i < len(row) {
		return row[i].Num
	}
	return 0
}

// cell reads a cell by name; Unchanged when there is no such column.
func cell(t *record.Table, row record.Row, column string) record.Value {
	if i := t.Index(column); i >= 0 && i < len(row) {
		return row[i]
	}
	return record.Value{}
}
