package pipeline

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/mapping"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/schemas"
)

// translator turns the records of a chunk into events. There is one a worker; it reuses everything.
type translator struct {
	s *session
	// epoch is the session's, but for a letter that is retried: that of the letter.
	epoch uint32
	plans map[planKey]*planTranslator
	// table is that of the last record, and pipes what it feeds: records come many of one table in a row.
	table *record.Table
	pipes []*pipe
	// time of the last record and its text: the rows of a transaction share it.
	at     time.Time
	atText []byte
}

type planKey struct {
	pipe  *pipe
	table *record.Table
}

type planTranslator struct {
	plan  *mapping.SourcePlan
	tr    *mapping.Translator
	reads []int
}

func newTranslator(s *session) *translator {
	return &translator{s: s, epoch: s.epoch, plans: map[planKey]*planTranslator{}}
}

func (t *translator) pipesOf(table *record.Table) []*pipe {
	if table != t.table {
		t.table, t.pipes = table, t.s.byTable[table.String()]
	}
	return t.pipes
}

func (t *translator) plan(p *pipe, table *record.Table) (*planTranslator, error) {
	k := planKey{p, table}
	if pt := t.plans[k]; pt != nil {
		return pt, nil
	}
	plan, err := p.plan(table)
	if err != nil {
		return nil, err
	}
	pt := &planTranslator{plan: plan, tr: plan.NewTranslator(), reads: plan.Columns()}
	t.plans[k] = pt
	return pt, nil
}

// translate fills c.events from c.batch.
func (t *translator) translate(ctx context.Context, c *chunk) error {
	f, err := t.newFiller(ctx, c.batch.Records)
	if err != nil {
		return err
	}
	defer f.close()
	for i := range c.batch.Records {
		r := &c.batch.Records[i]
		if err := f.fill(ctx, i); err != nil {
			return err
		}
		for _, p := range t.pipesOf(r.Table) {
			if err := t.record(c, p, r); err != nil {
				return err
			}
		}
		f.forget(i)
	}
	return nil
}

func (t *translator) record(c *chunk, p *pipe, r *record.Record) error {
	seq := Sequence{Epoch: t.epoch, Order: r.Order}
	switch r.Op {
	case record.Truncate:
		c.events = append(c.events, event{kind: sweepEvent, pipe: p, before: seq, sequence: t.sequence(c, seq)})
		return nil
	case record.SnapshotEnd:
		// A run begins with an epoch, so that all of that epoch, and of any that followed while it lasted, was seen by it.
		c.completed = append(c.completed, p)
		c.events = append(c.events, event{kind: completeEvent, pipe: p, before: Sequence{Epoch: t.s.begun[p.Table]}, sequence: t.sequence(c, seq)})
		return nil
	case record.Create, record.Update, record.Delete, record.Snapshot: // a row, translated below
	}
	pt, err := t.plan(p, r.Table)
	if err != nil {
		return err
	}
	sequence := t.sequence(c, seq)
	if r.Op == record.Delete {
		if r.Before == nil {
			return fmt.Errorf("source %s sent a delete without the old row of %s: this is a defect of its adapter", t.s.cfg.Source, r.Table)
		}
		if keep := pt.tr.Keep(r.Before); keep == mapping.Filtered || keep == mapping.Gone {
			return nil
		}
		key, ok := t.key(c, p, pt, r.Before)
		if !ok {
			t.letter(c, p, r, sequence, nil, "key", nil)
			return nil
		}
		t.tombstone(c, p, r, sequence, key)
		return nil
	}

	// A cell the log did not carry and that could not be re-read means that the row is gone. Its deletion follows, under the key
	// that it has now; if it had another, this is the end of that.
	if slices.ContainsFunc(pt.reads, func(col int) bool { return r.After[col].Kind == record.Unchanged }) {
		if r.Op == record.Update && r.Before != nil {
			was := pt.tr.Keep(r.Before)
			old, ok := t.key(c, p, pt, r.Before)
			key, known := t.key(c, p, pt, r.After)
			if ok && !(known && bytes.Equal(old, key)) && (was == mapping.Live || was == mapping.Unknown) {
				t.tombstone(c, p, r, sequence, old)
			}
		}
		return nil
	}
	keep := pt.tr.Keep(r.After)
	key, known := t.key(c, p, pt, r.After)
	began := false // this update began an entity: its key is new
	if r.Op == record.Update && r.Before != nil {
		was := pt.tr.Keep(r.Before)
		old, ok := t.key(c, p, pt, r.Before)
		switch {
		case !ok && keyCarried(pt, r.Before):
			// The old row had no key, so it was never published.
		case ok && !(known && bytes.Equal(old, key)):
			// A key change is the end of one entity and the beginning of another.
			if was == mapping.Live || was == mapping.Unknown {
				t.tombstone(c, p, r, sequence, old)
			}
			if keep != mapping.Live {
				return nil
			}
			began = true
		case keep != mapping.Live && (was == mapping.Filtered || was == mapping.Gone):
			return nil
		}
	}
	if keep != mapping.Live {
		// Whether an older version was published cannot be seen from here when the log carries no old row: a tombstone is
		// then right either way. A row that begins its life outside the filter was never there.
		if r.Op == record.Update && known {
			t.tombstone(c, p, r, sequence, key)
		}
		p.stats.Filtered.Add(1)
		return nil
	}
	start := len(c.arena)
	// The arena keeps the document only when it is published: one of 20 MB must not stay with the chunk.
	doc, remarks, violations := pt.tr.Document(c.arena, r.After)
	p.stats.remarked(remarks)
	switch {
	case len(violations) > 0:
		t.letter(c, p, r, sequence, key, "violation", violations)
	case !known:
		t.letter(c, p, r, sequence, nil, "key", nil)
	case !p.fits(bus.Snapshot, len(key), len(doc)-start):
		t.letter(c, p, r, sequence, key, "oversize", nil)
	default:
		c.arena = doc
		op := bus.Created
		switch {
		case r.Op == record.Snapshot:
			op = bus.Snapshot
		case r.Op == record.Update && !began:
			op = bus.Updated
		}
		t.publish(c, p, r, op, sequence, key, doc[start:len(doc):len(doc)])
	}
	return nil
}

func keyCarried(pt *planTranslator, row record.Row) bool {
	for _, col := range pt.plan.KeyColumns() {
		if row[col].Kind == record.Unchanged {
			return false
		}
	}
	return true
}

func (t *translator) sequence(c *chunk, s Sequence) []byte {
	start := len(c.arena)
	c.arena = s.Append(c.arena)
	return c.arena[start:len(c.arena):len(c.arena)]
}

// key computes the entity key of a row. One that no message could carry is as good as none.
func (t *translator) key(c *chunk, p *pipe, pt *planTranslator, row record.Row) ([]byte, bool) {
	start := len(c.arena)
	out, ok := pt.tr.Key(c.arena, row)
	if ok && !p.fits(bus.Deleted, len(out)-start, 0) {
		return nil, false
	}
	c.arena = out
	return out[start:len(out):len(out)], ok
}

func (t *translator) tombstone(c *chunk, p *pipe, r *record.Record, sequence, key []byte) {
	t.publish(c, p, r, bus.Deleted, sequence, key, nil)
}

// publish appends one event: shared headers, then id, subject, time and sequence, each a view of the arena.
func (t *translator) publish(c *chunk, p *pipe, r *record.Record, op bus.Op, sequence, key, doc []byte) {
	start := len(c.arena)
	c.arena = append(c.arena, sequence...)
	c.arena = append(c.arena, '-')
	fp := fingerprint(key)
	c.arena = appendHex64(c.arena, fp)
	id := c.arena[start:len(c.arena):len(c.arena)]
	first := len(c.headers)
	c.headers = append(c.headers,
		bus.Header{Key: bus.HeaderID, Value: id},
		bus.Header{Key: bus.HeaderSubject, Value: key},
		bus.Header{Key: bus.HeaderTime, Value: t.time(c, r.Time)},
		bus.Header{Key: bus.HeaderSequence, Value: sequence},
	)
	c.events = append(c.events, event{
		kind:     publishEvent,
		pipe:     p,
		part:     p.first + int(kafka.PartitionFor(key, p.Partitions)),
		sequence: sequence,
		id:       id,
		key:      fp,
		op:       op,
		msg: bus.Message{
			Key:       key,
			Value:     doc,
			Shared:    p.shared[op],
			Headers:   c.headers[first:len(c.headers):len(c.headers)],
			UnixMilli: r.Time.UnixMilli(),
		},
	})
}

// time gives the text of a change's time, RFC 3339 in UTC, formatted once a transaction.
func (t *translator) time(c *chunk, at time.Time) []byte {
	if !at.Equal(t.at) || t.atText == nil {
		t.at = at
		t.atText = at.UTC().AppendFormat(t.atText[:0], time.RFC3339Nano)
	}
	start := len(c.arena)
	c.arena = append(c.arena, t.atText...)
	return c.arena[start:len(c.arena):len(c.arena)]
}

func (t *translator) letter(c *chunk, p *pipe, r *record.Record, sequence, key []byte, reason string, violations []schemas.Violation) {
	row := r.After
	if row == nil {
		row = r.Before
	}
	l := Letter{
		Pipeline: p.Name, Time: r.Time, Sequence: string(sequence), Reason: reason, Violations: letterViolations(violations),
		Table: r.Table.String(), Op: r.Op.String(), Row: letterRow(r.Table, row, p.dlqLimit/2), RowKey: rowKey(r.Table), Mapping: p.fingerprint,
	}
	if len(key) == 0 || len(key) > p.dlqLimit/4 {
		// Without an entity key the letter stands under its place in the source; a person has to close it.
		key = append([]byte("@"), sequence...)
	}
	value, err := l.encodeWithin(p.dlqLimit - len(key) - headerRoom)
	if err != nil {
		c.err = err
		return
	}
	c.events = append(c.events, event{
		kind: letterEvent, pipe: p, sequence: sequence, key: fingerprint(key), reason: reason,
		msg: bus.Message{Key: append([]byte(nil), key...), Value: value, UnixMilli: r.Time.UnixMilli()},
	})
}

func appendHex64(dst []byte, v uint64) []byte {
	const digits = "0123456789abcdef"
	for shift := 60; shift >= 0; shift -= 4 {
		dst = append(dst, digits[v>>shift&15])
	}
	return dst
}

// rowText makes a row comparable.
func rowText(row record.Row) string {
	var b []byte
	for _, v := range row {
		b = strconv.AppendInt(b, int64(v.Kind), 10)
		text := v.Append(nil)
		b = strconv.AppendInt(append(b, ':'), int64(len(text)), 10)
		b = append(append(b, ':'), text...)
	}
	return string(b)
}
