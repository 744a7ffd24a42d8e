package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/lienthong/truc/bus"
)

const (
	// defaultBatchBytes is just under half of 1 MiB, what a region of a broker's heap has as shipped: a request from there on is
	// a humongous object to Java's collector, and a flood of those keeps it marking. A broker takes 1 MiB (message.max.bytes).
	defaultBatchBytes   = 500 << 10
	defaultBatchRecords = 5000
	defaultMaxQueued    = 20_000
	defaultRefreshEvery = 12 * time.Hour
)

// SenderConfig configures a Sender.
type SenderConfig struct {
	// TransactionalID names the producer: opening a sender fences every earlier one with the same id.
	TransactionalID string
	// Unfenced opens a sender without a name that fences nobody and that nobody fences, for what is not recovered. It still
	// stores each message once. Exactly one of TransactionalID and Unfenced is set.
	Unfenced bool
	// Partitions are all that the sender may write to. Each of them is fenced.
	Partitions []TopicPartition
	// MaxBatchBytes bounds a request; a larger message goes alone, up to what its topic takes. Default 500 KiB.
	MaxBatchBytes int
	// MaxBatchRecords bounds a request; default 5,000.
	MaxBatchRecords int
	// MaxQueued bounds the messages that wait in one partition's queue; default 20,000.
	MaxQueued int
	// RefreshEvery is how often the fence is renewed, default 12 h. The coordinator forgets an id that it has not heard of for
	// transactional.id.expiration.ms (7 days), although its producer is publishing: a successor would then be a stranger to the
	// partitions, and fence nobody. A partition forgets an epoch after producer.id.expiration.ms (1 day) without a record.
	RefreshEvery time.Duration
	// Log defaults to the client's.
	Log *slog.Logger
}

// Sender publishes to a fixed set of partitions, each message once and in the order of Produce for each partition. One
// goroutine a partition sends whatever is queued as soon as its previous request is acknowledged, and never two requests at a
// time. Only in a flood, behind a request of 64 KiB or more, it lets the next one fill, for 6 ms at most.
//
// A request that may or may not have arrived is repeated with the same bytes and the same sequence number, which the broker
// stores once, for as long as it takes. Any other failure poisons the sender: nothing is sent after it on any partition, and
// the owner goes through recovery (open a new sender, read the topic's tail).
//
// A Sender is safe for concurrent use.
type Sender struct {
	client   *Client
	cfg      SenderConfig
	log      *slog.Logger
	producer producer
	queues   map[TopicPartition]*queue
	// limits is what one batch may take, by topic.
	limits  map[string]int
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu  sync.Mutex
	err error
}

// OpenSender fences every predecessor with the same transactional id and returns a sender. When it returns, nothing that a
// predecessor sent or still sends to the partitions can be appended any more, so what the partitions hold then is all there is.
func (c *Client) OpenSender(ctx context.Context, cfg SenderConfig) (*Sender, error) {
	if (cfg.TransactionalID == "") != cfg.Unfenced || len(cfg.Partitions) == 0 {
		return nil, errors.New("open sender: a transactional id (or Unfenced) and at least one partition are needed")
	}
	cfg.MaxBatchBytes = orDefault(cfg.MaxBatchBytes, defaultBatchBytes)
	cfg.MaxBatchRecords = orDefault(cfg.MaxBatchRecords, defaultBatchRecords)
	cfg.MaxQueued = orDefault(cfg.MaxQueued, defaultMaxQueued)
	if cfg.RefreshEvery <= 0 {
		cfg.RefreshEvery = defaultRefreshEvery
	}
	if cfg.Log == nil {
		cfg.Log = c.log
	}
	c.knowTopicsOf(cfg.Partitions)
	limits, err := c.messageLimits(ctx, cfg.Partitions)
	if err != nil {
		return nil, fmt.Errorf("open sender %s: %w", cfg.TransactionalID, err)
	}
	var as producer
	if cfg.Unfenced {
		as, err = c.initProducer(ctx, "")
	} else {
		as, err = c.fence(ctx, cfg.TransactionalID, cfg.Partitions)
	}
	if err != nil {
		return nil, fmt.Errorf("open sender %s: %w", cfg.TransactionalID, err)
	}
	return c.startSender(cfg, limits, as), nil //nolint:contextcheck // the sender outlives the call that opens it; Close ends it
}

func (c *Client) startSender(cfg SenderConfig, limits map[string]int, as producer) *Sender {
	sending, cancel := context.WithCancel(context.Background())
	s := &Sender{
		client: c, cfg: cfg, log: cfg.Log.With("producer", cfg.TransactionalID), producer: as, limits: limits,
		queues: make(map[TopicPartition]*queue, len(cfg.Partitions)), cancel: cancel,
	}
	for _, tp := range cfg.Partitions {
		if _, ok := s.queues[tp]; ok {
			continue
		}
		q := newQueue(cfg.MaxQueued)
		s.queues[tp] = q
		p := &partitionSender{sender: s, tp: tp, queue: q, limit: min(cfg.MaxBatchBytes, s.limits[tp.Topic])}
		s.running.Go(func() { p.run(sending) })
	}
	if cfg.TransactionalID != "" {
		s.running.Go(func() { s.refresh(sending) })
	}
	return s
}

func orDefault(n, value int) int {
	if n <= 0 {
		return value
	}
	return n
}

// ProducerEpoch returns the producer id and epoch that every batch carries. A successor with the same transactional id has a
// higher epoch, or another id.
func (s *Sender) ProducerEpoch() (id int64, epoch int16) { return s.producer.id, s.producer.epoch }

// MessageLimit is what the topic of one of the sender's partitions takes (its max.message.bytes), as of the opening.
func (s *Sender) MessageLimit(topic string) int { return s.limits[topic] }

// Produce queues messages for a partition and blocks while that partition's queue is full. A nil error means that done will
// be called exactly once, from the sender's goroutine and in the order of Produce: with the offset of the first message, or
// with what went wrong. done must not block. Until then the memory of msgs must not change.
//
// The messages of a group that fits one batch have contiguous offsets.
//
// It fails, and done is never called, with *TooLargeError for a message that its topic cannot take (nothing is poisoned then),
// with the sender's error when it is poisoned or closed, and with ctx's.
func (s *Sender) Produce(ctx context.Context, tp TopicPartition, msgs []bus.Message, done func(base int64, err error)) error {
	q := s.queues[tp]
	if q == nil {
		return fmt.Errorf("produce to %s: the sender was not opened for it", tp)
	}
	limit := s.limits[tp.Topic]
	for i := range msgs {
		if size := batchSizeBound(&msgs[i]); size > limit {
			return &TooLargeError{Topic: tp.Topic, Index: i, Size: size, Limit: limit}
		}
	}
	if err := q.put(ctx, group{msgs: msgs, done: done}); err != nil {
		return fmt.Errorf("produce to %s: %w", tp, err)
	}
	return nil
}

// Flush waits until everything that was queued has been acknowledged. It returns the sender's error when it is poisoned.
func (s *Sender) Flush(ctx context.Context) error {
	for tp, q := range s.queues {
		if err := q.drain(ctx); err != nil {
			return fmt.Errorf("flush %s: %w", tp, err)
		}
	}
	return s.Err()
}

// Err returns what poisoned the sender, ErrSenderClosed after Close, or nil.
func (s *Sender) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Close stops sending and waits for the sender's goroutines. What is queued is dropped: its done gets ErrSenderClosed, and
// so does that of a request in flight, which may still arrive. It returns nil, and may be called more than once.
func (s *Sender) Close() error {
	s.poison(ErrSenderClosed)
	s.cancel()
	s.running.Wait()
	return nil
}

// refresh keeps the coordinator and the partitions from forgetting this producer, by an empty transaction as in the fence.
func (s *Sender) refresh(ctx context.Context) {
	for pause(ctx, s.cfg.RefreshEvery) == nil {
		err := s.client.markPartitions(ctx, s.cfg.TransactionalID, s.producer, s.cfg.Partitions)
		if fenced := (*FencedError)(nil); errors.As(err, &fenced) {
			s.poison(fenced)
			return
		}
		if err != nil && ctx.Err() == nil {
			s.log.Warn("fence is not renewed", "err", err)
		}
	}
}

// poison stops the sender for good. Only the first error counts.
func (s *Sender) poison(err error) {
	s.mu.Lock()
	first := s.err == nil
	if first {
		s.err = err
	}
	err = s.err
	s.mu.Unlock()
	if !first {
		return
	}
	if !errors.Is(err, ErrSenderClosed) {
		s.log.Warn("sender stops", "err", err)
	}
	for _, q := range s.queues {
		q.stop(err)
	}
}

// failure words an error of the broker that cannot be retried.
func (s *Sender) failure(tp TopicPartition, size int, err error) error {
	switch {
	case errors.Is(err, kafkago.InvalidProducerEpoch), errors.Is(err, kafkago.ProducerFenced):
		return &FencedError{TransactionalID: s.cfg.TransactionalID, Err: err}
	case errors.Is(err, kafkago.MessageSizeTooLarge), errors.Is(err, kafkago.RecordListTooLarge):
		return &TooLargeError{Topic: tp.Topic, Index: -1, Size: size, Limit: s.limits[tp.Topic]}
	case errors.Is(err, kafkago.Unknown), errors.Is(err, kafkago.KafkaStorageError):
		return &StorageError{TopicPartition: tp, Err: err}
	}
	return fmt.Errorf("produce to %s: %w", tp, err)
}
