package pipeline

import (
	"context"
	"errors"
	"fmt"
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
// session reads, with the fenced sender, so that nothing of the same entity can be under way: an open letter means that
// nothing newer of its entity was published. What is published carries the letter's sequence and a marker.
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
		if err := s.retryOnce(ctx, p, t, fetcher, group); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) retryOnce(ctx context.Context, p *pipe, t *translator, fetcher adapters.Fetcher, group []openLetter) error {
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
		r := record.Record{Table: table, Op: record.Snapshot, After: row, Order: seq.Order, Time: time.Now()}
		if err := t.record(c, p, &r); err != nil {
			return err
		}
		for i := first; i < len(c.events); i++ {
			c.events[i].markRedelivery(l.letter.Sequence)
		}
		if len(c.events) == first {
			// The row is outside the filter now: there is nothing left to publish.
			c.events = append(c.events, event{kind: letterEvent, pipe: p, key: fingerprint(l.key), msg: bus.Message{Key: l.key}})
		}
	}
	// A row that is gone needs no retry; its deletion was, or will be, published.
	for _, l := range byKey {
		c.events = append(c.events, event{kind: letterEvent, pipe: p, key: fingerprint(l.key), msg: bus.Message{Key: l.key}})
	}
	if err := s.handOver(ctx, c); err != nil {
		return err
	}
	return s.sender.Flush(ctx)
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
