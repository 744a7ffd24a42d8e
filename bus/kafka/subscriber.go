package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	kafkago "github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"

	"github.com/lienthong/truc/bus"
)

// SubscriberConfig configures a Subscriber.
type SubscriberConfig struct {
	// Group names whom the messages are for: all subscribers of one group share them, each group gets all. In Kafka it is one
	// consumer group a topic, named <Group>.<topic>, so that topics do not disturb each other.
	Group string
	// Topic is how SubscribeInitialize creates a topic; its Name is not used, and Partitions is 1 by default.
	Topic TopicSpec
	// SessionTimeout is how long the broker waits for a silent subscriber; default 6 s.
	SessionTimeout time.Duration
	// RedeliverAfter is the pause after a nack; default 100 ms.
	RedeliverAfter time.Duration
	// Log defaults to the client's.
	Log *slog.Logger
}

const defaultRedeliverAfter = 100 * time.Millisecond

// Subscriber is a Watermill subscriber in a consumer group. For each partition there is one message in flight: the next comes
// when the one before is acknowledged, and a nack delivers the same message again. The offset is committed after the
// acknowledgement, so a message may come again after a crash or when the partitions are shared out anew.
type Subscriber struct {
	client  *Client
	cfg     SubscriberConfig
	closing chan struct{}
	running sync.WaitGroup

	mu     sync.Mutex
	closed bool
}

var (
	_ message.Subscriber           = (*Subscriber)(nil)
	_ message.SubscribeInitializer = (*Subscriber)(nil)
)

// NewSubscriber prepares a subscriber.
func (c *Client) NewSubscriber(cfg SubscriberConfig) (*Subscriber, error) {
	if cfg.Group == "" {
		return nil, errors.New("configure subscriber: group is missing")
	}
	if cfg.RedeliverAfter <= 0 {
		cfg.RedeliverAfter = defaultRedeliverAfter
	}
	if cfg.Log == nil {
		cfg.Log = c.log
	}
	cfg.Topic.Partitions = orDefault(cfg.Topic.Partitions, 1)
	return &Subscriber{client: c, cfg: cfg, closing: make(chan struct{})}, nil
}

// SubscribeInitialize implements message.SubscribeInitializer: it creates the topic if it is missing.
func (s *Subscriber) SubscribeInitialize(topic string) error {
	ctx, cancel := context.WithTimeout(context.Background(), defaultPublishTimeout)
	defer cancel()
	spec := s.cfg.Topic
	spec.Name = topic
	return s.client.EnsureTopics(ctx, spec)
}

// Subscribe implements message.Subscriber. A topic that does not exist yet is waited for. The channel is closed when ctx is
// done or the subscriber is closed.
func (s *Subscriber) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, fmt.Errorf("subscribe to %s: subscriber is closed", topic)
	}
	ctx, cancel := context.WithCancel(ctx)
	out := make(chan *message.Message)
	s.running.Go(func() {
		defer cancel()
		select {
		case <-s.closing:
		case <-ctx.Done():
		}
	})
	s.running.Go(func() {
		defer close(out)
		defer cancel()
		sub := &subscription{subscriber: s, log: s.cfg.Log.With("topic", topic, "group", s.cfg.Group), out: out}
		err := s.client.runGroup(ctx, GroupConfig{
			ID:             s.cfg.Group + "." + topic,
			Topics:         func(context.Context) ([]string, error) { return []string{topic}, nil },
			SessionTimeout: s.cfg.SessionTimeout,
		}, sub.consume)
		if ctx.Err() == nil {
			sub.log.Error("subscription ends", "err", err)
		}
	})
	return out, nil
}

// Close implements message.Subscriber. It waits until all subscriptions have ended.
func (s *Subscriber) Close() error {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.closing)
	}
	s.mu.Unlock()
	s.running.Wait()
	return nil
}

// subscription is one call of Subscribe.
type subscription struct {
	subscriber *Subscriber
	log        *slog.Logger
	out        chan<- *message.Message
}

// consume delivers the partitions of one generation.
func (s *subscription) consume(ctx context.Context, gen *kafkago.Generation) error {
	commits := newCommitter(s.log, gen)
	var committing sync.WaitGroup
	committing.Go(func() { commits.run() })
	g, ctx := errgroup.WithContext(ctx)
	for topic, assigned := range gen.Assignments {
		for _, a := range assigned {
			g.Go(func() error { return s.partition(ctx, TopicPartition{topic, int32(a.ID)}, a.Offset, commits) })
		}
	}
	g.Go(func() error { <-ctx.Done(); return ctx.Err() })
	err := g.Wait()
	commits.close()
	committing.Wait()
	return err
}

func (s *subscription) partition(ctx context.Context, tp TopicPartition, from int64, commits *committer) error {
	if from == kafkago.FirstOffset {
		r, err := s.subscriber.client.Ranges(ctx, tp)
		if err != nil {
			return err
		}
		from = r[tp].Start
	}
	r := s.subscriber.client.NewReader(tp, from, ReaderConfig{})
	for {
		records, err := r.Read(ctx)
		if err != nil {
			return err
		}
		for i := range records {
			if err := s.deliver(ctx, &records[i]); err != nil {
				return err
			}
			commits.add(tp, records[i].Offset+1)
		}
	}
}

// deliver hands a record out until it is acknowledged.
func (s *subscription) deliver(ctx context.Context, d *bus.Delivered) error {
	for {
		acked, err := s.offer(ctx, toWatermill(d))
		if acked || err != nil {
			return err
		}
		if err := pause(ctx, s.subscriber.cfg.RedeliverAfter); err != nil {
			return err
		}
	}
}

func (s *subscription) offer(ctx context.Context, m *message.Message) (acked bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m.SetContext(ctx)
	select {
	case s.out <- m:
	case <-ctx.Done():
		return false, ctx.Err()
	}
	select {
	case <-m.Acked():
		return true, nil
	case <-m.Nacked():
		return false, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// committer commits offsets of one generation in the background, always the newest: a commit costs a round trip, which the
// next message does not wait for.
type committer struct {
	log *slog.Logger
	gen *kafkago.Generation

	mu      sync.Mutex
	changed *sync.Cond
	offsets map[string]map[int]int64
	closed  bool
}

func newCommitter(log *slog.Logger, gen *kafkago.Generation) *committer {
	c := &committer{log: log, gen: gen, offsets: make(map[string]map[int]int64)}
	c.changed = sync.NewCond(&c.mu)
	return c
}

func (c *committer) add(tp TopicPartition, next int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.offsets[tp.Topic] == nil {
		c.offsets[tp.Topic] = make(map[int]int64)
	}
	c.offsets[tp.Topic][int(tp.Partition)] = next
	c.changed.Signal()
}

// close lets run end when everything is committed.
func (c *committer) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.changed.Signal()
}

func (c *committer) run() {
	for {
		c.mu.Lock()
		for len(c.offsets) == 0 && !c.closed {
			c.changed.Wait()
		}
		offsets := maps.Clone(c.offsets)
		clear(c.offsets)
		c.mu.Unlock()
		if len(offsets) == 0 {
			return
		}
		if err := c.gen.CommitOffsets(offsets); err != nil {
			c.log.Info("offsets are not committed: messages may come again", "err", err)
		}
	}
}
