package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/record"
)

// retryGroup is how many letters are tried at a time.
const retryGroup = 500

// openLetter is a letter with its key.
type openLetter struct {
	key    []byte
	letter *Letter
}

// retryLetters tries the open letters that somebody asked for again, on the rows as they are now. It runs before the
// session reads, with the fenced sender, so that nothing of the same entity can be under way. What is published carries the
// letter's sequence and a marker; it is refused when the topic holds something newer of the entity: a crash can fall between
// that and the closing of the letter, and a row whose letter has no key may have got one since. A letter is closed when what
// it stood for is acknowledged: nothing would bring it back.
func (s *session) retryLetters(ctx context.Context) error {
	for _, q := range s.retries {
		for _, p := range s.pipes {
			if p.Name != q.Retry {
				continue
			}
			if err := s.retryPipe(ctx, p, q); err != nil {
				return fmt.Errorf("retry dead letters of publish.%s: %w", p.Name, err)
			}
		}
	}
	s.retries = nil
	return nil
}

func (s *session) retryPipe(ctx context.Context, p *pipe, q Request) error {
	fetcher, ok := s.src.(adapters.Fetcher)
	if !ok {
		s.cfg.Log.Warn("letters cannot be retried: the source cannot re-read rows; they resolve when their rows change", "source", s.cfg.Source, "pipeline", p.Name)
		return nil
	}
	wanted := map[string]bool{}
	for _, k := range q.RetryKeys {
		wanted[k] = true
	}
	letters, err := openLettersOf(ctx, s.cfg.Bus, p.dlq, p.Name)
	if err != nil {
		return err
	}
	newest := map[uint64]string{}
	for _, l := range letters {
		newest[fingerprint(l.key)] = ""
	}
	if err := s.findNewest(ctx, p, newest); err != nil {
		return err
	}
	t := newTranslator(s)
	for len(letters) > 0 {
		n := min(retryGroup, len(letters))
		group := letters[:n]
		letters = letters[n:]
		if len(wanted) > 0 {
			var some []openLetter
			for _, l := range group {
				if wanted[KeyHash(p.Topic, l.key)] {
					some = append(some, l)
				}
			}
			group = some
		}
		if len(group) == 0 {
			continue
		}
		if err := s.retryOnce(ctx, p, t, fetcher, group, newest); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) retryOnce(ctx context.Context, p *pipe, t *translator, fetcher adapters.Fetcher, group []openLetter, newest map[uint64]string) error {
	byKey := map[string]openLetter{}
	var columns []string
	var keys []record.Row
	for _, l := range group {
		key := make(record.Row, 0, len(l.letter.RowKey))
		for _, name := range l.letter.RowKey {
			v, ok := l.letter.Row[name].value()
			if !ok {
				break
			}
			key = append(key, v)
		}
		if len(key) == 0 || len(key) != len(l.letter.RowKey) {
			s.cfg.Log.Warn("a dead letter does not know its row; truc dlq drop closes it", "pipeline", p.Name, "key", KeyHash(p.Topic, l.key))
			continue
		}
		columns = l.letter.RowKey
		byKey[rowText(key)] = l
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil
	}
	view, err := fetcher.Begin(ctx, nil)
	if err != nil {
		return err
	}
	table, rows, err := view.Fetch(ctx, p.Table, columns, keys)
	if err = errors.Join(err, view.Close()); err != nil {
		return err
	}
	c := newChunk(len(s.parts))
	c.reset(record.Batch{})
	close(c.translated)
	var settled []event // letters to be closed at the end
	settle := func(l openLetter) {
		settled = append(settled, event{kind: letterEvent, pipe: p, key: fingerprint(l.key), msg: bus.Message{Key: l.key}})
	}
	for _, row := range rows {
		key := make(record.Row, len(columns))
		for i, name := range columns {
			key[i] = row[table.Index(name)]
		}
		l, ok := byKey[rowText(key)]
		if !ok {
			continue
		}
		delete(byKey, rowText(key))
		seq, ok := ParseSequence(l.letter.Sequence)
		if !ok {
			continue
		}
		first := len(c.events)
		t.epoch = seq.Epoch
		r := record.Record{Table: table, Op: record.Snapshot, After: row, Order: seq.Order, Time: time.Now()}
		if err := t.record(c, p, &r); err != nil {
			return err
		}
		if len(c.events) == first || c.events[first].kind == publishEvent {
			settle(l) // nothing is left to publish when the row is outside the filter now
		}
		for i := first; i < len(c.events); i++ {
			c.events[i].markRedelivery(l.letter.Sequence)
		}
	}
	// A row that is gone needs no retry; its deletion was, or will be, published.
	for _, l := range byKey {
		settle(l)
	}
	if err := s.refuseOlder(ctx, p, c, newest); err != nil {
		return err
	}
	if err := s.handOver(ctx, c); err != nil {
		return err
	}
	if err := s.sender.Flush(ctx); err != nil || len(settled) == 0 {
		return err
	}
	return s.sendLetters(ctx, p, settled)
}

// refuseOlder takes the events out of a retry of whose entity the topic holds something newer. newest is known for the keys
// of letters; others are looked for.
func (s *session) refuseOlder(ctx context.Context, p *pipe, c *chunk, newest map[uint64]string) error {
	unknown := map[uint64]string{}
	for i := range c.events {
		if _, known := newest[c.events[i].key]; !known && c.events[i].kind == publishEvent {
			unknown[c.events[i].key] = ""
		}
	}
	if err := s.findNewest(ctx, p, unknown); err != nil {
		return err
	}
	c.events = slices.DeleteFunc(c.events, func(e event) bool {
		return e.kind == publishEvent && max(newest[e.key], unknown[e.key]) >= string(e.sequence)
	})
	return nil
}

// findNewest fills in the highest sequence that the topic holds of each key.
func (s *session) findNewest(ctx context.Context, p *pipe, keys map[uint64]string) error {
	if len(keys) == 0 {
		return nil
	}
	parts := s.parts[p.first : p.first+p.Partitions]
	ranges, err := s.cfg.Bus.Ranges(ctx, parts...)
	if err != nil {
		return err
	}
	for _, tp := range parts {
		r := ranges[tp]
		if r.Start >= r.End {
			continue
		}
		err := s.cfg.Bus.ReadRange(ctx, tp, r.Start, r.End, func(d *bus.Delivered) error {
			fp := fingerprint(d.Key)
			if known, wanted := keys[fp]; wanted {
				if e, err := bus.ParseEvent(d); err == nil && e.Source == p.source && e.Sequence > known {
					keys[fp] = e.Sequence
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// markRedelivery gives a retried event the sequence of its letter, so that newer wins at every subscriber, and marks it.
func (e *event) markRedelivery(sequence string) {
	e.redelivery = true
	e.sequence = []byte(sequence)
	if e.kind != publishEvent {
		return
	}
	e.id = appendHex64(append([]byte(sequence), '-'), e.key)
	e.msg.Headers = []bus.Header{
		{Key: bus.HeaderID, Value: e.id},
		{Key: bus.HeaderSubject, Value: e.msg.Key},
		{Key: bus.HeaderTime, Value: e.msg.Headers[2].Value},
		{Key: bus.HeaderSequence, Value: e.sequence},
		{Key: bus.HeaderRedelivery, Value: []byte("retry")},
	}
}
