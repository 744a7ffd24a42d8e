package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"runtime"
	"time"

	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
)

var positionsPartition = kafka.TopicPartition{Topic: bus.PositionsTopic}

// saveRecords is how many records are acknowledged at most before the position is saved, however short the time: in a flood
// they are what a crash makes the source send again.
const saveRecords = 20_000

// finishAll waits for the chunks in the order in which they were read, and saves the position behind the last that is
// acknowledged without a hole. The source is told only when the position is saved.
func (s *session) finishAll(ctx context.Context, in <-chan *chunk) error {
	next := *s.saved
	next.Marks = append([]mark(nil), s.saved.Marks...)
	next.Changed = maps.Clone(s.saved.Changed)
	first := next.Position == nil
	// A request that was taken is closed by the first position saved; a source that begins anew has none to save yet.
	dirty := len(s.done) > 0 && next.Position != nil
	records := 0 // since the last save
	save := func() error {
		if !dirty {
			return nil
		}
		dirty, records = false, 0
		return s.save(ctx, &next)
	}
	ticker := time.NewTicker(s.cfg.SaveEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			if err := save(); err != nil {
				return err
			}
		case c, open := <-in:
			if !open {
				return save()
			}
			select {
			case <-c.acknowledged:
			case <-ctx.Done():
				return nil
			}
			s.at(PointAcknowledged)
			for i, w := range c.marks {
				if w.next > 0 {
					if c.waiting {
						next.Marks[i].Behind += w.next - next.Marks[i].Next
					}
					next.Marks[i].Next = w.next
					if w.last != "" {
						next.Marks[i].Last = w.last
					}
					dirty = true
				}
			}
			if !c.waiting {
				for i := range next.Marks {
					next.Marks[i].Behind = 0
				}
			}
			if string(next.Position) != string(c.position) {
				next.Position = c.position
				dirty = true
			}
			records += c.rows
			s.republished(&next, c.completed)
			s.stats.acknowledged(c)
			if c.size > bigChunk {
				runtime.GC() // a few milliseconds now, or the garbage of one such row beside the next
			}
			s.room.Release(c.size)
			s.free <- c
			if first || records >= saveRecords {
				if err := save(); err != nil {
					return err
				}
			}
			if first {
				first = false
				close(s.positioned)
			}
		}
	}
}

// save writes the position, waits for the broker, then tells the source.
func (s *session) save(ctx context.Context, c *checkpoint) error {
	if err := s.put(ctx, c); err != nil {
		return err
	}
	s.at(PointSaved)
	if err := s.src.Ack(ctx, c.Position); err != nil {
		return fmt.Errorf("acknowledge at source %s: %w", s.cfg.Source, err)
	}
	s.at(PointSourceAcked)
	return s.closeRequests(ctx)
}

// put writes the position to the bus and waits for it.
func (s *session) put(ctx context.Context, c *checkpoint) error {
	c.Saved = time.Now().UTC()
	value, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("encode position: %w", err)
	}
	m := bus.Message{Key: []byte(checkpointKey(s.cfg.Agency, s.cfg.Source)), Value: value}
	if err := produceAndWait(ctx, s.sender, positionsPartition, []bus.Message{m}); err != nil {
		return fmt.Errorf("save position of source %s: %w", s.cfg.Source, err)
	}
	s.stats.saved(c)
	return nil
}

// closeRequests writes tombstones over the requests this session has done.
func (s *session) closeRequests(ctx context.Context) error {
	if len(s.done) == 0 {
		return nil
	}
	msgs := make([]bus.Message, len(s.done))
	for i, key := range s.done {
		msgs[i] = bus.Message{Key: []byte(key)}
	}
	if err := produceAndWait(ctx, s.sender, requestsPartition, msgs); err != nil {
		return fmt.Errorf("close requests: %w", err)
	}
	s.done = nil
	return nil
}
