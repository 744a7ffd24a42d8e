package postgres

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lienthong/truc/record"
)

// targetBatch is what one Apply has for one target, in rounds that are applied one after another.
type targetBatch struct {
	target *record.Target
	rounds [][]*op
}

// op is what remains of the changes of one key in one round: within a round keys are distinct, so that a round can be
// written set-based. An append target has an op for every change.
type op struct {
	change *record.Change
	index  int // of change in the batch
	// key tells keys apart within the batch. The ops of a round are sorted by it: whoever writes several rows locks them in
	// the same order.
	key string
	// folded are the indexes of changes that this op stands for too: older ones of its key and source.
	folded []int
	// id is the source's number in the bookkeeping.
	id int32
}

// fold brings the changes of a batch into rounds, so that the result is what applying them one by one would leave. An
// upsert carries its whole row, so that older ones of the same key and source, right before it, need not be written, nor
// deletions before a newer deletion. Everything else on the key must see what became of the change before it (a row that is
// created again starts anew; another source's event has a say only on a dead key; an older event counts when the newer
// one did not) and waits for the next round. Batches with much of that are slower, which is two round trips for each.
func fold(changes []record.Change) ([]*targetBatch, error) {
	var batches []*targetBatch
	byTarget := map[*record.Target]*folding{}
	ops := make([]op, len(changes))
	keys := make([]byte, 0, 24*len(changes))
	ends := make([]int, len(changes))
	for i := range changes {
		c := &changes[i]
		if err := aligned(c); err != nil {
			return nil, err
		}
		keys = appendKey(keys, c.Key)
		ends[i] = len(keys)
	}
	all, start := string(keys), 0
	for i := range changes {
		c := &changes[i]
		f := byTarget[c.Target]
		if f == nil {
			f = &folding{batch: &targetBatch{target: c.Target}, last: make(map[string]place, len(changes))}
			byTarget[c.Target] = f
			batches = append(batches, f.batch)
		}
		ops[i] = op{change: c, index: i, key: all[start:ends[i]]}
		start = ends[i]
		if c.Target.Write == record.AppendOnly {
			f.append(&ops[i])
		} else {
			f.add(&ops[i])
		}
	}
	for _, b := range batches {
		if b.target.Write == record.AppendOnly {
			continue // an inbox keeps the order of the events
		}
		for _, round := range b.rounds {
			slices.SortFunc(round, func(a, b *op) int { return strings.Compare(a.key, b.key) })
		}
	}
	return batches, nil
}

// folding is the fold of one target in progress.
type folding struct {
	batch *targetBatch
	// last is the latest op of each key.
	last map[string]place
}

type place struct{ round, op int }

func (f *folding) add(o *op) {
	at, known := f.last[o.key]
	if !known {
		f.put(o, 0)
		return
	}
	before := f.batch.rounds[at.round][at.op]
	earlier, later := before.change, o.change
	if earlier.Source != later.Source || earlier.Delete != later.Delete || !newerThan(later, earlier) || !equalRows(earlier.OnCreate, later.OnCreate) {
		f.put(o, at.round+1)
		return
	}
	before.folded = append(before.folded, before.index)
	before.change, before.index = later, o.index
}

func equalRows(a, b record.Row) bool {
	return slices.EqualFunc(a, b, record.Value.Equal)
}

func (f *folding) put(o *op, round int) {
	if round == len(f.batch.rounds) {
		f.batch.rounds = append(f.batch.rounds, nil)
	}
	f.last[o.key] = place{round, len(f.batch.rounds[round])}
	f.batch.rounds[round] = append(f.batch.rounds[round], o)
}

// append keeps every change of an append target that is newer than the one before it of its key and source.
func (f *folding) append(o *op) {
	if len(f.batch.rounds) == 0 {
		f.batch.rounds = make([][]*op, 1)
	}
	id := o.change.Source + "\x00" + o.key
	if at, known := f.last[id]; known && !newerThan(o.change, f.batch.rounds[0][at.op].change) {
		return
	}
	f.last[id] = place{0, len(f.batch.rounds[0])}
	f.batch.rounds[0] = append(f.batch.rounds[0], o)
}

func newerThan(a, b *record.Change) bool {
	if a.Generation != b.Generation {
		return a.Generation > b.Generation
	}
	return a.Sequence > b.Sequence
}

// aligned checks what the pipeline promises: cells aligned with the target's columns.
func aligned(c *record.Change) error {
	t := c.Target
	switch {
	case t == nil:
		return errors.New("apply: a change without a target")
	case len(c.Key) != len(t.Key) || len(t.Key) == 0:
		return fmt.Errorf("apply: a change of %s has %d key cells, its target %d key columns", t.Table, len(c.Key), len(t.Key))
	case c.Delete && t.OnDelete == record.DeleteSets && len(c.Values) != len(t.DeleteSet):
		return fmt.Errorf("apply: a deletion in %s has %d cells for %d columns to set", t.Table, len(c.Values), len(t.DeleteSet))
	case !c.Delete && (len(c.Values) != len(t.Columns) || len(c.OnCreate) != len(t.OnCreate)):
		return fmt.Errorf("apply: a change of %s has %d and %d cells for %d and %d columns", t.Table, len(c.Values), len(c.OnCreate), len(t.Columns), len(t.OnCreate))
	}
	return nil
}

// appendKey writes a key so that different keys differ: a NUL, which no text of PostgreSQL holds, ends each cell.
func appendKey(dst []byte, key record.Row) []byte {
	for _, v := range key {
		dst = v.Append(dst)
		if v.IsNull() {
			dst = append(dst, 0) // not the empty text
		}
		dst = append(dst, 0)
	}
	return dst
}
