package pipeline

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
)

// handOverAll takes chunks in the order in which they were read, waits for their translation and puts their events on the bus.
func (s *session) handOverAll(ctx context.Context, in <-chan *chunk, out chan<- *chunk) error {
	var failed error
	for c := range in {
		select {
		case <-c.translated:
		case <-ctx.Done():
			return nil
		}
		if failed = c.err; failed == nil {
			failed = s.handOver(ctx, c)
		}
		if failed != nil {
			return failed
		}
		c.done()
		select {
		case out <- c:
		case <-ctx.Done():
			return nil
		}
		select {
		case <-s.positioned:
		case <-ctx.Done():
			return nil
		}
	}
	return nil
}

// handOver produces the events of one chunk. What is on the topic already is not produced again, but its bookkeeping is
// done all the same: an open letter of the entity is closed.
func (s *session) handOver(ctx context.Context, c *chunk) error {
	for i := 0; i < len(c.events); i++ {
		e := &c.events[i]
		switch e.kind {
		case publishEvent:
			if e.isPublished() {
				e.pipe.stats.Skipped.Add(1)
			} else {
				g := &c.groups[e.part]
				g.msgs = append(g.msgs, e.msg)
				if !e.redelivery {
					g.last = e.sequence
				}
				e.pipe.stats.published(e)
			}
			if !e.redelivery && e.pipe.letters.has(e.key) {
				if err := s.closeLetter(ctx, c, e); err != nil {
					return err
				}
			}
			e.pipe.stats.window.good(s.cfg.Budget)
		case letterEvent:
			// A letter is acknowledged before any later event leaves; letters that stand together travel together.
			last := i
			for last+1 < len(c.events) && c.events[last+1].kind == letterEvent && c.events[last+1].pipe == e.pipe {
				last++
			}
			if err := s.sendLetters(ctx, e.pipe, c.events[i:last+1]); err != nil {
				return err
			}
			i = last
		case completeEvent:
			e.pipe.rereads.free()
			if e.before.Epoch <= 1 {
				continue // in the first epoch nothing can be on the topic that the source does not have
			}
			if err := s.flushAndSweep(ctx, c, e); err != nil {
				return err
			}
		case sweepEvent:
			if err := s.flushAndSweep(ctx, c, e); err != nil {
				return err
			}
		}
	}
	c.waiting = slices.ContainsFunc(s.pipes, func(p *pipe) bool { return p.rereads.waiting() })
	return s.flush(ctx, c)
}

// isPublished reports whether an event is on the topic already, and notes that it will be when it is not. Retries are
// published whatever is there.
func (e *event) isPublished() bool {
	p := e.pipe
	switch {
	case e.redelivery:
	case p.tails[e.part-p.first].published(e.sequence, e.id):
		return true
	case e.op == bus.Snapshot && p.rereads.take(e.key, e.msg.Value):
		return true
	}
	p.rereads.forget(e.key)
	return false
}

func (s *session) flushAndSweep(ctx context.Context, c *chunk, e *event) error {
	if err := s.flush(ctx, c); err != nil {
		return err
	}
	if err := s.sweep(ctx, e); err != nil {
		return fmt.Errorf("sweep of publish.%s: %w", e.pipe.Name, err)
	}
	s.at(PointSwept)
	return nil
}

// flush hands the collected groups to the sender.
func (s *session) flush(ctx context.Context, c *chunk) error {
	for i := range c.groups {
		g := &c.groups[i]
		msgs := g.msgs[g.sent:]
		if len(msgs) == 0 {
			continue
		}
		g.sent = len(g.msgs)
		n, last := int64(len(msgs)), g.last
		c.pending.Add(1)
		err := s.sender.Produce(ctx, s.parts[i], msgs, func(base int64, err error) {
			if err != nil {
				s.fail(err) // the sender is poisoned: the session ends and recovers
				return
			}
			c.marks[i] = written{next: base + n, last: string(last)}
			c.done()
		})
		if err != nil {
			return err
		}
		s.at(PointProduced)
	}
	return nil
}

// closeLetter writes the tombstone that resolves the entity's open letter, to be acknowledged with the chunk.
func (s *session) closeLetter(ctx context.Context, c *chunk, e *event) error {
	c.pending.Add(1)
	err := s.sender.Produce(ctx, e.pipe.dlq, []bus.Message{{Key: e.msg.Key, Headers: pipelineHeader(e.pipe.Name)}}, func(_ int64, err error) {
		if err != nil {
			s.fail(err)
			return
		}
		c.done()
	})
	if err != nil {
		return err
	}
	e.pipe.letters.remove(e.key)
	e.pipe.stats.Resolved.Add(1)
	e.pipe.stats.Open.Store(e.pipe.letters.n.Load())
	return nil
}

func pipelineHeader(name string) []bus.Header {
	return []bus.Header{{Key: "truc_pipeline", Value: []byte(name)}}
}

// sendLetters writes dead letters and waits for them, then asks whether the pipeline may go on.
func (s *session) sendLetters(ctx context.Context, p *pipe, letters []event) error {
	msgs := make([]bus.Message, len(letters))
	for i := range letters {
		msgs[i] = letters[i].msg
		msgs[i].Headers = pipelineHeader(p.Name)
	}
	if err := produceAndWait(ctx, s.sender, p.dlq, msgs); err != nil {
		return fmt.Errorf("write dead letters of publish.%s to %s (the pipeline stops rather than lose a record): %w", p.Name, p.dlq.Topic, err)
	}
	s.at(PointLetter)
	grown := false
	for i := range letters {
		if letters[i].msg.Value == nil {
			// A retried letter whose row needs publishing no more.
			p.letters.remove(letters[i].key)
			p.stats.Resolved.Add(1)
			continue
		}
		p.letters.add(letters[i].key)
		if letters[i].redelivery {
			continue // tried again, and still not valid: the letter stays open, perhaps under the key that it has now
		}
		grown = true
		p.stats.lettered(letters[i].reason)
		p.stats.window.bad(s.cfg.Budget)
	}
	p.stats.Open.Store(p.letters.n.Load())
	// Letters that are closed, or stay open, must not stop the retry that may be the cure.
	if grown && (p.stats.window.exhausted(s.cfg.Budget) || p.letters.n.Load() > maxOpenLetters) {
		return &BudgetError{Pipeline: p.Name, Letters: p.letters.n.Load(), Window: s.cfg.Budget.Window}
	}
	return nil
}

// sweep writes tombstones for the keys of a pipeline that were last seen before a sequence and are still live: rows that
// vanished while nobody was looking. It reads the topic itself, in bounded memory, and is repeated after a crash.
func (s *session) sweep(ctx context.Context, e *event) error {
	if err := s.sender.Flush(ctx); err != nil {
		return err
	}
	p := e.pipe
	spared, ok, err := s.sparedBySweep(ctx, p, e.before)
	if err != nil || !ok {
		return err
	}
	parts := make([]kafka.TopicPartition, p.Partitions)
	copy(parts, s.parts[p.first:p.first+p.Partitions])
	ranges, err := s.cfg.Bus.Ranges(ctx, parts...)
	if err != nil {
		return err
	}
	for _, tp := range parts {
		w := sweeper{bus: s.cfg.Bus, partition: tp, span: ranges[tp], source: p.source, before: e.before.String()}
		err := w.vanished(ctx, func(keys [][]byte) error {
			keys = slices.DeleteFunc(keys, func(key []byte) bool { _, there := spared[fingerprint(key)]; return there })
			if len(keys) == 0 {
				return nil
			}
			p.stats.Swept.Add(int64(len(keys)))
			for _, key := range keys {
				p.rereads.forget(fingerprint(key))
			}
			var moved, here [][]byte
			for _, key := range keys {
				if kafka.PartitionFor(key, p.Partitions) == tp.Partition {
					here = append(here, key)
				} else {
					moved = append(moved, key)
				}
			}
			// Keys whose place was here before the topic was given more partitions: what stands here of them is over, but they may
			// live elsewhere, which that deletion must not undo. It is older than all that is published since.
			msgs := append(p.tombstones(moved, []byte(e.before.String())), p.tombstones(here, e.sequence)...)
			return produceAndWait(ctx, s.sender, tp, msgs)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// tombstones makes deletions for a sweep; all carry the sequence of the record that asked for it.
func (p *pipe) tombstones(keys [][]byte, sequence []byte) []bus.Message {
	msgs := make([]bus.Message, len(keys))
	for i, key := range keys {
		id := appendHex64(append(append([]byte(nil), sequence...), '-'), fingerprint(key))
		msgs[i] = bus.Message{Key: key, Shared: p.shared[bus.Deleted], Headers: []bus.Header{
			{Key: bus.HeaderID, Value: id},
			{Key: bus.HeaderSubject, Value: key},
			{Key: bus.HeaderTime, Value: []byte(time.Now().UTC().Format(time.RFC3339Nano))},
			{Key: bus.HeaderSequence, Value: sequence},
		}}
	}
	return msgs
}

// sparedBySweep are the entities whose rows were there, and became dead letters: they have not vanished, and a tombstone would
// stand in the way of their retry. Where a row gave no key nobody knows whose it was: then nothing is swept (ok is false).
func (s *session) sparedBySweep(ctx context.Context, p *pipe, before Sequence) (spared map[uint64]struct{}, ok bool, err error) {
	if p.letters.n.Load() == 0 {
		return nil, true, nil
	}
	places, _, err := openPlaces(ctx, s.cfg.Bus, p.dlq, p.Name)
	if err != nil {
		return nil, false, err
	}
	spared, keyless, since := map[uint64]struct{}{}, 0, before.String()
	err = readLetters(ctx, s.cfg.Bus, p.dlq, p.Name, places, func(l openLetter) error {
		switch {
		case l.letter.Sequence < since:
		case len(l.raw) > 0 && l.raw[0] == '@':
			keyless++
		default:
			spared[l.key] = struct{}{}
		}
		return nil
	})
	if err == nil && keyless > 0 {
		s.cfg.Log.Warn("rows gave no key: what vanished meanwhile is not deleted from the topic, since they may be its; mend the letters, then truc resnapshot again",
			"pipeline", p.Name, "letters", keyless)
	}
	return spared, keyless == 0, err
}
