package pipeline

import (
	"context"
	"fmt"
	"time"

	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/record"
)

// sinkLetters writes the dead letters of a delivery. They point at the event instead of carrying it.
type sinkLetters struct {
	d      *Delivery
	topic  kafka.TopicPartition
	sender Sender
	known  openLetters
	// opened are the offsets of letters by the fingerprints of their keys, as long as something that comes before them on the
	// topic may be applied yet: what is in the same batch, or parked.
	opened map[uint64]int64
	// noted hears of every letter that is written; nil most of the time.
	noted func(l *Letter)
}

func newSinkLetters(d *Delivery) *sinkLetters {
	return &sinkLetters{d: d, topic: kafka.TopicPartition{Topic: bus.SinkDLQTopic(d.cfg.Agency, d.cfg.Name)}}
}

// open prepares the topic and reads which entities have an open letter. Several instances may write letters at once, so
// nobody is fenced off.
func (s *sinkLetters) open(ctx context.Context) error {
	b := KafkaBus{s.d.cfg.Client}
	if err := b.EnsureTopics(ctx, append(stateTopics(s.d.cfg.Replication), dlqTopic(s.topic.Topic, s.d.cfg.Replication))...); err != nil {
		return err
	}
	sender, err := b.OpenSender(ctx, kafka.SenderConfig{Unfenced: true, Partitions: []kafka.TopicPartition{s.topic, requestsPartition}, Log: s.d.cfg.Log})
	if err != nil {
		return err
	}
	s.sender = sender
	err = s.known.load(ctx, b, s.topic, s.d.cfg.Name)
	s.d.stats.Open.Store(s.known.n.Load())
	return err
}

// closeRequests writes tombstones over requests that are done.
func (s *sinkLetters) closeRequests(ctx context.Context, msgs []bus.Message) error {
	return produceAndWait(ctx, s.sender, requestsPartition, msgs)
}

func (s *sinkLetters) close() {
	if s.sender != nil {
		_ = s.sender.Close()
	}
}

// letterKey keeps letters of different topics apart: two agencies may use the same entity key.
func letterKey(topic string, key []byte) []byte {
	return append(append([]byte(topic), ' '), key...)
}

func (s *sinkLetters) write(ctx context.Context, r *bus.Delivered, reason string, violations []LetterViolation) error {
	return s.put(ctx, letterKey(r.Topic, r.Key), &Letter{
		Sequence: r.Header(bus.HeaderSequence), Reason: reason, Violations: violations,
		Topic: r.Topic, Partition: r.Partition, Offset: r.Offset,
	})
}

func (s *sinkLetters) rejected(ctx context.Context, c *record.Change, key []byte, reason string, cause error) error {
	return s.put(ctx, letterKey(c.Topic, key), &Letter{
		Sequence: c.Sequence, Reason: reason, Topic: c.Topic, Partition: c.Partition, Offset: c.Offset,
		Violations: []LetterViolation{{Rule: reason, VI: "Cơ sở dữ liệu đích từ chối thay đổi này.", EN: "The sink refused this change: " + cause.Error()}},
	})
}

func (s *sinkLetters) put(ctx context.Context, key []byte, l *Letter) error {
	l.Pipeline, l.Time, l.Target = s.d.cfg.Name, time.Now().UTC(), s.d.target.Table
	limit := s.sender.MessageLimit(s.topic.Topic)
	if len(key) > limit/4 {
		// A letter under a key that its topic cannot take would hold up the delivery; a person has to close this one.
		key = fmt.Appendf(nil, "%s @%d/%d", l.Topic, l.Partition, l.Offset)
	}
	value, err := l.encodeWithin(limit - len(key) - headerRoom)
	if err != nil {
		return err
	}
	if err := produceAndWait(ctx, s.sender, s.topic, []bus.Message{{Key: key, Value: value, Headers: pipelineHeader(s.d.cfg.Name)}}); err != nil {
		return fmt.Errorf("write a dead letter of subscribe.%s to %s (the delivery stops rather than lose an event): %w", s.d.cfg.Name, s.topic.Topic, err)
	}
	s.known.add(fingerprint(key))
	if s.opened == nil {
		s.opened = map[uint64]int64{}
	}
	s.opened[fingerprint(key)] = l.Offset
	s.d.stats.lettered(l.Reason)
	if s.noted != nil {
		s.noted(l)
	}
	s.d.stats.Open.Store(s.known.n.Load())
	return nil
}

// resolvePatience is how long closing letters may hold up a member that is losing its partitions; the broker waits longer.
const resolvePatience = 4 * time.Second

// settled says that nothing is under way any more that comes before a letter.
func (s *sinkLetters) settled() { clear(s.opened) }

// resolve closes the letters of entities of which a later version was applied.
func (s *sinkLetters) resolve(ctx context.Context, events []delivery) error {
	if s.known.n.Load() == 0 {
		return nil
	}
	var msgs []bus.Message
	for i := range events {
		key := letterKey(events[i].change.Topic, events[i].key)
		if at, behind := s.opened[fingerprint(key)]; behind && events[i].change.Offset < at {
			continue // an earlier version, which says nothing about the one that was refused
		}
		if s.known.has(fingerprint(key)) {
			msgs = append(msgs, bus.Message{Key: key, Headers: pipelineHeader(s.d.cfg.Name)})
		}
	}
	if len(msgs) == 0 {
		return nil
	}
	// The change is committed and does not come again: a partition that is taken away just now must not leave its letter open.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), resolvePatience)
	defer cancel()
	if err := produceAndWait(ctx, s.sender, s.topic, msgs); err != nil {
		return fmt.Errorf("close dead letters of subscribe.%s: %w", s.d.cfg.Name, err)
	}
	for i := range msgs {
		s.known.remove(fingerprint(msgs[i].Key))
	}
	s.d.stats.Resolved.Add(int64(len(msgs)))
	s.d.stats.Open.Store(s.known.n.Load())
	return nil
}

// closeAll closes letters by their keys.
func (s *sinkLetters) closeAll(ctx context.Context, keys [][]byte) error {
	if len(keys) == 0 {
		return nil
	}
	if err := produceAndWait(ctx, s.sender, s.topic, closings(s.d.cfg.Name, keys)); err != nil {
		return fmt.Errorf("close dead letters of subscribe.%s: %w", s.d.cfg.Name, err)
	}
	for _, key := range keys {
		s.known.remove(fingerprint(key))
	}
	s.d.stats.Resolved.Add(int64(len(keys)))
	s.d.stats.Open.Store(s.known.n.Load())
	return nil
}
