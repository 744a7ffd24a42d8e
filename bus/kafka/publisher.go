package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/lienthong/truc/bus"
)

// PublisherConfig configures a Publisher.
type PublisherConfig struct {
	// Timeout bounds one Publish; default 30 s.
	Timeout time.Duration
}

const defaultPublishTimeout = 30 * time.Second

// Publisher is a Watermill publisher on a Sender: for dead letters, alerts and the programs of agencies, not for the hot path.
// Publish returns when all its messages are acknowledged by all replicas that count. After an error it is not known which of
// them are on the topic.
type Publisher struct {
	client *Client
	cfg    PublisherConfig

	mu     sync.Mutex
	topics map[string]*publishedTopic
	closed bool
}

var _ message.Publisher = (*Publisher)(nil)

// errPublisherClosed is returned by Publish after Close.
var errPublisherClosed = errors.New("publisher is closed")

// publishedTopic is a topic with the sender that writes to all its partitions.
type publishedTopic struct {
	name       string
	partitions int
	sender     *Sender
}

// NewPublisher prepares a publisher. The topics it publishes to must exist.
func (c *Client) NewPublisher(cfg PublisherConfig) *Publisher {
	if cfg.Timeout <= 0 {
		cfg.Timeout = defaultPublishTimeout
	}
	return &Publisher{client: c, cfg: cfg, topics: make(map[string]*publishedTopic)}
}

// Publish implements message.Publisher.
func (p *Publisher) Publish(topic string, messages ...*message.Message) error {
	if len(messages) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(messages[0].Context(), p.cfg.Timeout)
	defer cancel()
	t, err := p.topic(ctx, topic)
	if err != nil {
		return fmt.Errorf("publish to %s: %w", topic, err)
	}
	if err := t.publish(ctx, messages); err != nil {
		if t.sender.Err() != nil || ctx.Err() != nil {
			// Closing it stops whoever still sends these messages, so that they cannot arrive after the caller has been told.
			p.forget(t)
		}
		return fmt.Errorf("publish to %s: %w", topic, err)
	}
	return nil
}

// Close implements message.Publisher. Messages that another goroutine is publishing fail.
func (p *Publisher) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, t := range p.topics {
		_ = t.sender.Close()
	}
	clear(p.topics)
	return nil
}

// topic opens a sender at the first message for a topic.
func (p *Publisher) topic(ctx context.Context, name string) (*publishedTopic, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errPublisherClosed
	}
	if t, ok := p.topics[name]; ok {
		return t, nil
	}
	found, err := p.client.Describe(ctx, name)
	if err != nil {
		return nil, err
	}
	info, ok := found[name]
	if !ok {
		return nil, fmt.Errorf("topic does not exist: create it first, truc never creates topics by using them")
	}
	t := &publishedTopic{name: name, partitions: info.Partitions}
	var partitions []TopicPartition
	for i := range info.Partitions {
		partitions = append(partitions, TopicPartition{name, int32(i)})
	}
	if t.sender, err = p.client.OpenSender(ctx, SenderConfig{Unfenced: true, Partitions: partitions}); err != nil {
		return nil, err
	}
	p.topics[name] = t
	return t, nil
}

// forget closes a sender that cannot be used any more; the next Publish opens another.
func (p *Publisher) forget(t *publishedTopic) {
	p.mu.Lock()
	if p.topics[t.name] == t {
		delete(p.topics, t.name)
	}
	p.mu.Unlock()
	_ = t.sender.Close()
}

func (t *publishedTopic) publish(ctx context.Context, messages []*message.Message) error {
	byPartition := make(map[int32][]bus.Message)
	for _, m := range messages {
		record := fromWatermill(m)
		at := PartitionFor(record.Key, t.partitions)
		byPartition[at] = append(byPartition[at], record)
	}
	acknowledged := make(chan error, len(byPartition))
	for at, group := range byPartition {
		err := t.sender.Produce(ctx, TopicPartition{t.name, at}, group, func(_ int64, err error) { acknowledged <- err })
		if err != nil {
			return err
		}
	}
	for range byPartition {
		select {
		case err := <-acknowledged:
			if err != nil {
				return err
			}
		case <-ctx.Done():
			return fmt.Errorf("await acknowledgement: %w", ctx.Err())
		}
	}
	return nil
}
