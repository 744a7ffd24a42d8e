package kafka

import (
	"context"
	"fmt"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// kafka-go's transport asks the cluster every second or two what it holds, to know the leaders, and unless it is told which
// topics matter it asks about all of them: on a cluster of ten thousand topics every node would fetch and parse megabytes
// all day. So a client has a transport for what concerns no topic, which asks about none, and further ones for the topics it works with.

// route is the transport that knows the leaders of a topic.
func (c *Client) route(topic string) *kafkago.Transport {
	c.know(topic)
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.routes[topic]
}

// know makes one transport for those of the topics that have none. Topics that are used together should be named together.
func (c *Client) know(topics ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var unknown []string
	for _, topic := range topics {
		if c.routes[topic] == nil {
			c.routes[topic] = c.transport // until it has its own: names may repeat
			unknown = append(unknown, topic)
		}
	}
	if len(unknown) == 0 {
		return
	}
	t := c.transportTo(unknown)
	for _, topic := range unknown {
		c.routes[topic] = t
	}
}

// transportTo makes a transport that knows these topics only.
func (c *Client) transportTo(topics []string) *kafkago.Transport {
	like := c.transport
	return &kafkago.Transport{
		Dial: like.Dial, DialTimeout: like.DialTimeout, MetadataTTL: like.MetadataTTL, ClientID: like.ClientID, Context: like.Context,
		TLS: like.TLS, SASL: like.SASL, MetadataTopics: topics,
	}
}

func (c *Client) knowTopicsOf(partitions []TopicPartition) {
	topics := make([]string, len(partitions))
	for i, tp := range partitions {
		topics[i] = tp.Topic
	}
	c.know(topics...)
}

// roundTripTo is roundTrip for a request that goes to the leader of a partition of a topic.
func roundTripTo[Response protocol.Message](ctx context.Context, c *Client, topic string, timeout time.Duration, req protocol.Message) (Response, error) {
	return roundTripBy[Response](ctx, c, c.route(topic), timeout, req)
}

func roundTripBy[Response protocol.Message](ctx context.Context, c *Client, by *kafkago.Transport, timeout time.Duration, req protocol.Message) (Response, error) {
	var none Response
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	res, err := by.RoundTrip(ctx, c.bootstrap, req)
	if err != nil {
		return none, err
	}
	typed, ok := res.(Response)
	if !ok {
		return none, fmt.Errorf("unexpected answer %T", res)
	}
	return typed, nil
}
