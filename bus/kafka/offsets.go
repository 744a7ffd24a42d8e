package kafka

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/segmentio/kafka-go/protocol"
	"golang.org/x/sync/errgroup"
)

// Range is what a partition holds: the offsets from Start up to, not including, End (the high watermark).
type Range struct{ Start, End int64 }

const (
	rangesRetryInterval = 50 * time.Millisecond
	rangesConcurrency   = 8
	listOffsetsVersion  = 5
	// The special times of ListOffsets.
	latestOffset   = -1
	earliestOffset = -2
)

// Ranges asks for the first offset and the high watermark of partitions. While leaders move it retries; a topic that does
// not exist is an error after unknownTopicPatience.
func (c *Client) Ranges(ctx context.Context, partitions ...TopicPartition) (map[TopicPartition]Range, error) {
	out := make(map[TopicPartition]Range, len(partitions))
	c.knowTopicsOf(partitions)
	var mu sync.Mutex
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(rangesConcurrency)
	for _, tp := range partitions {
		g.Go(func() error {
			r, err := c.rangeOf(gctx, tp)
			if err != nil {
				return fmt.Errorf("list offsets of %s: %w", tp, c.unreachable(ctx, err))
			}
			mu.Lock()
			defer mu.Unlock()
			out[tp] = r
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return out, nil
}

// OffsetsAt asks for the first offsets of partitions whose records the broker took at a time or later; the end of a partition
// that has none.
func (c *Client) OffsetsAt(ctx context.Context, at time.Time, partitions ...TopicPartition) (map[TopicPartition]int64, error) {
	out := make(map[TopicPartition]int64, len(partitions))
	c.knowTopicsOf(partitions)
	for _, tp := range partitions {
		offset, err := c.offsetAt(ctx, tp, at.UnixMilli())
		if err == nil && offset < 0 {
			offset, err = c.offsetAt(ctx, tp, latestOffset)
		}
		if err != nil {
			return nil, fmt.Errorf("find offset of %s at a time: %w", tp, c.unreachable(ctx, err))
		}
		out[tp] = offset
	}
	return out, nil
}

func (c *Client) rangeOf(ctx context.Context, tp TopicPartition) (Range, error) {
	start, err := c.offsetAt(ctx, tp, earliestOffset)
	if err != nil {
		return Range{}, err
	}
	end, err := c.offsetAt(ctx, tp, latestOffset)
	return Range{Start: start, End: end}, err
}

func (c *Client) offsetAt(ctx context.Context, tp TopicPartition, at int64) (int64, error) {
	deadline := time.Now().Add(unknownTopicPatience)
	for {
		res, err := roundTripTo[*offsetResponse](ctx, c, tp.Topic, requestTimeout, &offsetRequest{clientID: c.cfg.ClientID, tp: tp, at: at})
		if err == nil {
			err = responseError(res.code)
		}
		if err == nil {
			return res.offset, nil
		}
		if !isRetriable(err) || time.Now().After(deadline) || pause(ctx, rangesRetryInterval) != nil {
			return 0, err
		}
	}
}

// offsetRequest asks the leader of one partition for the offset of a time. kafka-go's own type turns every error of one
// partition among several into "unknown".
type offsetRequest struct {
	clientID string
	tp       TopicPartition
	at       int64
}

type offsetResponse struct {
	code   int16
	offset int64
}

func (*offsetRequest) ApiKey() protocol.ApiKey                 { return protocol.ListOffsets }
func (*offsetResponse) ApiKey() protocol.ApiKey                { return protocol.ListOffsets }
func (*offsetRequest) Required(map[protocol.ApiKey]int16) bool { return true }

func (q *offsetRequest) Broker(cluster protocol.Cluster) (protocol.Broker, error) {
	return leaderOf(cluster, q.tp)
}

func (q *offsetRequest) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	answer, err := exchange(rw, protocol.ListOffsets, listOffsetsVersion, q.clientID, false, q.append, nil)
	if err != nil {
		return nil, err
	}
	r := &wireReader{b: answer}
	r.int32() // throttled for
	r.int32() // topics: 1
	r.skipString()
	r.int32() // partitions: 1
	r.int32() // partition
	res := &offsetResponse{code: r.int16()}
	r.int64() // time
	res.offset = r.int64()
	if r.err != nil {
		return nil, fmt.Errorf("read offsets: %w", r.err)
	}
	return res, nil
}

func (q *offsetRequest) append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, 1<<32-1) // replica: a consumer
	dst = append(dst, 0)                              // read uncommitted: the high watermark
	dst = binary.BigEndian.AppendUint32(dst, 1)
	dst = appendString(dst, q.tp.Topic)
	dst = binary.BigEndian.AppendUint32(dst, 1)
	dst = binary.BigEndian.AppendUint32(dst, uint32(q.tp.Partition))
	dst = binary.BigEndian.AppendUint32(dst, 1<<32-1) // leader epoch: unknown
	return binary.BigEndian.AppendUint64(dst, uint64(q.at))
}
