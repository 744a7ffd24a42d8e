package kafka

import (
	"context"
	"net"
	"time"

	kafkago "github.com/segmentio/kafka-go"
)

// WrapConns lets a test stand between a client and its brokers. It must be called before the client is used.
func (c *Client) WrapConns(wrap func(net.Conn) net.Conn) {
	c.transport.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := c.dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return wrap(conn), nil
	}
}

// OpenSenderByEpochAlone opens a sender with the fence reduced to one InitProducerID.
func (c *Client) OpenSenderByEpochAlone(ctx context.Context, cfg SenderConfig) (*Sender, error) {
	cfg.MaxBatchBytes, cfg.MaxBatchRecords, cfg.MaxQueued, cfg.Log = defaultBatchBytes, defaultBatchRecords, defaultMaxQueued, c.log
	cfg.RefreshEvery = defaultRefreshEvery
	limits, err := c.messageLimits(ctx, cfg.Partitions)
	if err != nil {
		return nil, err
	}
	as, err := c.initProducer(ctx, cfg.TransactionalID)
	if err != nil {
		return nil, err
	}
	return c.startSender(cfg, limits, as), nil
}

// KafkaGo is a kafka-go client for a topic, over the same transport.
func (c *Client) KafkaGo(topic string) *kafkago.Client {
	return &kafkago.Client{Addr: c.bootstrap, Transport: c.route(topic)}
}

// WaitForLeaders sets how long EnsureTopics waits for leaders, and a range for an end that has gone back.
func (c *Client) WaitForLeaders(d time.Duration) { c.leaderPatience = d }

// Assigned reports whether the group has given the lease to this member.
func (l *Lease) Assigned() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.held != nil && l.assigned != 0
}
