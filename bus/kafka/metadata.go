package kafka

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/segmentio/kafka-go/protocol"
)

// metadataVersion is the first version of Kafka 3.1; kafka-go's own type ends before topic ids came.
const metadataVersion = 12

// metadataRequest asks any broker for topics (nil: all), with their ids. It never creates one.
type metadataRequest struct {
	clientID string
	topics   []string
}

type metadataResponse struct{ topics []topicMetadata }

type topicMetadata struct {
	name     string
	id       string
	internal bool
	err      error
	// leaders by partition; -1 where there is none.
	leaders map[int32]int32
	// replicas are the brokers that hold a partition.
	replicas map[int32][]int32
}

func (*metadataRequest) ApiKey() protocol.ApiKey                 { return protocol.Metadata }
func (*metadataResponse) ApiKey() protocol.ApiKey                { return protocol.Metadata }
func (*metadataRequest) Required(map[protocol.ApiKey]int16) bool { return true }

func (q *metadataRequest) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	answer, err := exchange(rw, protocol.Metadata, metadataVersion, q.clientID, true, q.append, nil)
	if err != nil {
		return nil, err
	}
	return readMetadata(answer)
}

func (q *metadataRequest) append(dst []byte) []byte {
	if q.topics == nil {
		dst = append(dst, 0)
	} else {
		dst = binary.AppendUvarint(dst, uint64(len(q.topics)+1))
	}
	for _, t := range q.topics {
		var anyID [16]byte
		dst = append(dst, anyID[:]...)
		dst = appendCompactString(dst, t)
		dst = append(dst, 0)
	}
	const noAutoCreation, noOperations, noTags = 0, 0, 0
	return append(dst, noAutoCreation, noOperations, noTags)
}

func readMetadata(answer []byte) (*metadataResponse, error) {
	r := &wireReader{b: answer}
	r.tags()
	r.int32() // throttled for
	for range r.compactArray() {
		r.int32()         // node
		r.compactString() // host
		r.int32()         // port
		r.compactString() // rack
		r.tags()
	}
	r.compactString() // cluster
	r.int32()         // controller
	out := &metadataResponse{}
	for range r.compactArray() {
		if r.err != nil {
			break
		}
		t := topicMetadata{err: responseError(r.int16()), name: r.compactString(), id: formatUUID(r.bytes(16)), internal: r.int8() != 0}
		n := r.compactArray()
		t.leaders, t.replicas = make(map[int32]int32), make(map[int32][]int32)
		for range n {
			if r.err != nil {
				break
			}
			r.int16() // a partition without a leader says so by leader -1 too
			index, leader := r.int32(), r.int32()
			t.leaders[index] = leader
			r.int32() // leader epoch
			for range r.compactArray() {
				if r.err != nil {
					break
				}
				t.replicas[index] = append(t.replicas[index], r.int32())
			}
			for range 2 {
				r.bytes(4 * r.compactArray()) // in sync, offline
			}
			r.tags()
		}
		r.int32() // authorised operations
		r.tags()
		out.topics = append(out.topics, t)
	}
	if r.err != nil {
		return nil, fmt.Errorf("read metadata: %w", r.err)
	}
	return out, nil
}

// metadata asks past the transport's cache. topics nil asks for all, an empty list for none.
func (c *Client) metadata(ctx context.Context, topics []string) ([]topicMetadata, error) {
	res, err := roundTrip[*metadataResponse](ctx, c, requestTimeout, &metadataRequest{clientID: c.cfg.ClientID, topics: topics})
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	return res.topics, nil
}

// TopicInfo describes an existing topic.
type TopicInfo struct {
	Name string
	// ID is the topic's UUID: another one under the same name means that the topic was deleted and created again.
	ID         string
	Partitions int
}

// Describe returns what exists of the named topics; those that do not are absent from the result.
func (c *Client) Describe(ctx context.Context, topics ...string) (map[string]TopicInfo, error) {
	out := make(map[string]TopicInfo, len(topics))
	if len(topics) == 0 {
		return out, nil
	}
	found, err := c.metadata(ctx, topics)
	if err != nil {
		return nil, fmt.Errorf("describe topics: %w", err)
	}
	for _, t := range found {
		if t.err != nil && !isLeaderless(t.err) {
			if isUnknownTopic(t.err) {
				continue
			}
			return nil, fmt.Errorf("describe topic %s: %w", t.name, t.err)
		}
		out[t.name] = TopicInfo{Name: t.name, ID: t.id, Partitions: len(t.leaders)}
	}
	return out, nil
}

// Topics lists the topics of the cluster, without Kafka's internal ones, in no order.
func (c *Client) Topics(ctx context.Context) ([]string, error) {
	found, err := c.metadata(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("list topics: %w", err)
	}
	var names []string
	var errs []error
	for _, t := range found {
		switch {
		case t.err != nil && !isLeaderless(t.err):
			errs = append(errs, fmt.Errorf("list topic %s: %w", t.name, t.err))
		case !t.internal:
			names = append(names, t.name)
		}
	}
	return names, errors.Join(errs...)
}
