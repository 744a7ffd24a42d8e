package pipeline

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/record"
)

// chosen leaves of some letters those that a filter means.
func chosen(ctx context.Context, b Bus, dlq kafka.TopicPartition, keyTopic, pipeline string, places []letterPlace, f LetterFilter) ([]letterPlace, error) {
	if f.IsZero() {
		return places, nil
	}
	var out []letterPlace
	err := readLetters(ctx, b, dlq, pipeline, places, func(l openLetter) error {
		if f.Match(&OpenLetter{Key: KeyHash(keyTopic, l.raw), Letter: l.letter, Since: l.since()}) {
			out = append(out, l.letterPlace)
		}
		return nil
	})
	return out, err
}

// rowSize is about what the row took when the letter was written.
func (l *Letter) rowSize() (n int) {
	for _, c := range l.Row {
		n += max(c.Size, len(c.Text)+len(c.Raw))
	}
	return n
}

// forget drops what a retry does not need: the cells beside the key of a row that can be read again.
func (l *Letter) forget() {
	if l.Op == record.Delete.String() {
		return
	}
	for name := range l.Row {
		if !slices.Contains(l.RowKey, name) {
			delete(l.Row, name)
		}
	}
}

// key returns the values of RowKey; ok is false when the letter does not know them all.
func (l *Letter) key() (key record.Row, ok bool) {
	for _, name := range l.RowKey {
		v, ok := l.Row[name].value()
		if !ok {
			return nil, false
		}
		key = append(key, v)
	}
	return key, len(key) > 0
}

// row makes the row of the letter again; cells that it does not carry are Unchanged.
func (l *Letter) row(t *record.Table) record.Row {
	row := make(record.Row, len(t.Columns))
	for i := range t.Columns {
		if v, ok := l.Row[t.Columns[i].Name].value(); ok {
			row[i] = v
		}
	}
	return row
}

// keyText makes a key comparable, whatever kinds its columns had when the letter was written.
func keyText(key record.Row) string {
	var b []byte
	for _, v := range key {
		text := v.Append(nil)
		b = strconv.AppendInt(b, int64(len(text)), 10)
		b = append(append(b, ':'), text...)
	}
	return string(b)
}

// group tries letters whose rows are found by the same columns.
func (r *retrial) group(ctx context.Context, letters []openLetter) error {
	columns := letters[0].letter.RowKey
	// Several letters can stand for one row: of entities that it was in turn, or without a key.
	byRow := map[string][]openLetter{}
	var keys []record.Row
	for _, l := range letters {
		key, ok := l.letter.key()
		_, known := ParseSequence(l.letter.Sequence)
		if !ok || !known {
			r.result.Unknown++
			continue
		}
		text := keyText(key)
		if len(byRow[text]) == 0 {
			keys = append(keys, key)
		}
		byRow[text] = append(byRow[text], l)
	}
	if len(keys) == 0 {
		return r.save(ctx)
	}
	view, err := r.fetcher.Begin(ctx, nil)
	if err != nil {
		return err
	}
	table, rows, err := view.Fetch(ctx, r.p.Table, columns, keys)
	if err = errors.Join(err, view.Close()); err != nil {
		return err
	}
	c := newChunk(len(r.s.parts))
	c.reset(record.Batch{})
	close(c.translated)
	t := &trial{retrial: r, c: c}
	for _, row := range rows {
		key := make(record.Row, len(columns))
		for i, name := range columns {
			key[i] = row[table.Index(name)]
		}
		text := keyText(key)
		of := byRow[text]
		delete(byRow, text)
		if len(of) == 0 {
			continue
		}
		if err := t.try(ctx, of, &record.Record{Table: table, Op: record.Snapshot, After: row}); err != nil {
			return err
		}
	}
	for _, of := range byRow {
		if err := t.gone(ctx, of, table); err != nil {
			return err
		}
	}
	return t.finish(ctx)
}

// trial is what one group comes to.
type trial struct {
	*retrial
	c *chunk
	// settled are letters to be closed at the end.
	settled []event
}

func (t *trial) settle(l *openLetter) {
	t.settled = append(t.settled, event{kind: letterEvent, pipe: t.p, key: l.key, msg: bus.Message{Key: l.raw}})
}

// try translates a row in the place of its latest letter; the others of the row are closed.
func (t *trial) try(ctx context.Context, of []openLetter, rec *record.Record) error {
	latest := &of[0]
	for i := range of {
		if of[i].letter.Sequence > latest.letter.Sequence {
			latest = &of[i]
		}
	}
	seq, _ := ParseSequence(latest.letter.Sequence)
	rec.Order, rec.Time = seq.Order, time.Now()
	first := len(t.c.events)
	t.t.epoch = seq.Epoch
	if err := t.t.record(t.c, t.p, rec); err != nil {
		return err
	}
	if t.c.err != nil {
		return t.c.err
	}
	made := t.c.events[first:]
	if postpone, err := t.ask(ctx, made); err != nil {
		return err
	} else if postpone {
		t.c.events = t.c.events[:first]
		for i := range of {
			t.postponed = append(t.postponed, of[i].letterPlace)
		}
		return nil
	}
	stays := uint64(0) // the key under which a letter of the row stays open
	published := 0
	kept := made[:0]
	for i := range made {
		e := &made[i]
		switch e.kind {
		case publishEvent:
			if t.newest[e.key].Compare(seq) >= 0 {
				continue
			}
			t.newest[e.key] = seq // another row of the same entity, with an older letter, is refused
			published++
		case letterEvent:
			stays = e.key
			if err := t.again(e, latest); err != nil {
				return err
			}
		case sweepEvent, completeEvent: // a row makes none
		}
		e.markRedelivery(latest.letter.Sequence)
		kept = append(kept, *e)
	}
	switch {
	case stays != 0: // counted by again
	case published > 0:
		t.result.Resolved++
	case len(made) > 0:
		t.result.Newer++
	default:
		t.result.Gone++ // outside the filter now
	}
	t.c.events = t.c.events[:first+len(kept)]
	for i := range of {
		l := &of[i]
		if l != latest {
			t.result.Newer++
		}
		if stays == 0 || l.key != stays {
			t.settle(l)
		}
	}
	return nil
}

// ask finds out what the topic holds of entities nobody has asked for yet: at once when that is the last pass, else with
// others together, so that the row is tried again (postpone).
func (t *trial) ask(ctx context.Context, made []event) (postpone bool, err error) {
	unknown := map[uint64]Sequence{}
	for i := range made {
		if _, known := t.newest[made[i].key]; !known && made[i].kind == publishEvent {
			unknown[made[i].key] = Sequence{}
		}
	}
	if len(unknown) == 0 {
		return false, nil
	}
	if t.asked == nil {
		if err := t.s.findNewest(ctx, t.p, unknown); err != nil {
			return false, err
		}
		for key, seq := range unknown {
			t.newest[key] = seq
		}
		return false, nil
	}
	for key := range unknown {
		t.asked[key] = Sequence{}
	}
	return true, nil
}

// again makes of a new letter the one that goes on with an old one.
func (t *trial) again(e *event, old *openLetter) error {
	l, err := DecodeLetter(e.msg.Value)
	if err != nil {
		return err
	}
	since := old.since()
	l.Since, l.Times, l.Op = &since, old.seen()+1, old.letter.Op
	t.result.wrong(l)
	e.msg.Value, err = l.encodeWithin(t.p.dlqLimit - len(e.msg.Key) - headerRoom)
	return err
}

// gone closes the letters of a row that is not there any more: its deletion was, or will be, published. Only where the
// letter is the deletion itself, because the old row gave no key, nothing else would bring it.
func (t *trial) gone(ctx context.Context, of []openLetter, table *record.Table) error {
	i := slices.IndexFunc(of, func(l openLetter) bool { return l.letter.Op == record.Delete.String() })
	if i >= 0 && table != nil {
		return t.try(ctx, of, &record.Record{Table: table, Op: record.Delete, Before: of[i].letter.row(table)})
	}
	for i := range of {
		t.result.Gone++
		t.settle(&of[i])
	}
	return nil
}

// finish publishes what the group has made, and then closes its letters.
func (t *trial) finish(ctx context.Context) error {
	if err := t.s.handOver(ctx, t.c); err != nil {
		return err
	}
	if err := t.s.sender.Flush(ctx); err != nil {
		return err
	}
	if len(t.settled) > 0 {
		if err := t.s.sendLetters(ctx, t.p, t.settled); err != nil {
			return err
		}
	}
	return t.save(ctx)
}
