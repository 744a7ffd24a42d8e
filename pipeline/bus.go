package pipeline

import (
	"context"

	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
)

// Bus is what the loops need of a Kafka. KafkaBus is the real one; the state machine test has a model of it that can lose
// answers, keep zombies alive and crash at any step.
type Bus interface {
	EnsureTopics(ctx context.Context, topics ...kafka.TopicSpec) error
	Describe(ctx context.Context, topics ...string) (map[string]kafka.TopicInfo, error)
	Ranges(ctx context.Context, partitions ...kafka.TopicPartition) (map[kafka.TopicPartition]kafka.Range, error)
	// ReadRange hands every record of [from, to) to fn, in order; transaction markers and compacted holes are passed over.
	ReadRange(ctx context.Context, p kafka.TopicPartition, from, to int64, fn func(*bus.Delivered) error) error
	// OpenSender fences every earlier sender with the same transactional id off the partitions, then returns a new one.
	OpenSender(ctx context.Context, cfg kafka.SenderConfig) (Sender, error)
}

// Sender appends to partitions in order. It is *kafka.Sender.
type Sender interface {
	Produce(ctx context.Context, p kafka.TopicPartition, msgs []bus.Message, done func(base int64, err error)) error
	Flush(ctx context.Context) error
	// MessageLimit is what a topic takes in one message, in bytes.
	MessageLimit(topic string) int
	Err() error
	Close() error
}

// KafkaBus makes a client a Bus.
type KafkaBus struct{ *kafka.Client }

// OpenSender implements Bus.
func (b KafkaBus) OpenSender(ctx context.Context, cfg kafka.SenderConfig) (Sender, error) {
	s, err := b.Client.OpenSender(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return s, nil
}

var _ Bus = KafkaBus{}
