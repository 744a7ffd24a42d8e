package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/addpartitionstotxn"
	"github.com/segmentio/kafka-go/protocol/describeconfigs"
	"github.com/segmentio/kafka-go/protocol/endtxn"
	"github.com/segmentio/kafka-go/protocol/initproducerid"
)

const (
	// fenceTransactionTimeout is when the coordinator aborts the fence's transaction if this process dies within it. It is
	// longer than any step may take: the coordinator aborts with a new epoch, so that a fence which a restart of the broker
	// holds up would find itself fenced off, by nobody.
	fenceTransactionTimeout = fencePatience + 30*time.Second
	// markerPollInterval is how often the fence asks whether the markers are written.
	markerPollInterval = 20 * time.Millisecond
	// fencePatience bounds one step of the fence. A coordinator that has just started loads its log first.
	fencePatience = 60 * time.Second
)

// producer is what batches carry so that the broker can tell repetitions and predecessors.
type producer struct {
	id    int64
	epoch int16
}

// fence makes this process the only producer with a transactional id.
//
// A new epoch alone is not enough: a partition learns of it only with the first batch, or the first transaction marker, that
// carries it, and until then it takes what a predecessor has in flight. So an empty transaction over all partitions is
// aborted, which writes a marker to each. The answer to EndTxn comes before the markers are written; only when
// InitProducerID is granted again have all of them been.
func (c *Client) fence(ctx context.Context, id string, partitions []TopicPartition) (producer, error) {
	p, err := c.initProducer(ctx, id)
	if err != nil {
		return producer{}, fmt.Errorf("get producer epoch: %w", err)
	}
	if err := c.markPartitions(ctx, id, p, partitions); err != nil {
		return producer{}, err
	}
	if p, err = c.initProducer(ctx, id); err != nil {
		return producer{}, fmt.Errorf("await fence: %w", err)
	}
	return p, nil
}

// markPartitions aborts an empty transaction over the partitions. Afterwards their markers are on the way.
func (c *Client) markPartitions(ctx context.Context, id string, p producer, partitions []TopicPartition) error {
	if err := c.addPartitions(ctx, id, p, partitions); err != nil {
		return fmt.Errorf("fence partitions: %w", err)
	}
	if err := c.abort(ctx, id, p); err != nil {
		return fmt.Errorf("abort fence: %w", err)
	}
	return nil
}

func (c *Client) initProducer(ctx context.Context, id string) (producer, error) {
	var p producer
	err := c.coordinate(ctx, id, func() error {
		res, err := roundTrip[*initproducerid.Response](ctx, c, requestTimeout, &initproducerid.Request{
			TransactionalID:      id,
			TransactionTimeoutMs: int32(fenceTransactionTimeout.Milliseconds()),
			ProducerID:           -1,
			ProducerEpoch:        -1,
		})
		if err != nil {
			return err
		}
		p = producer{res.ProducerID, res.ProducerEpoch}
		return responseError(res.ErrorCode)
	})
	return p, err
}

func (c *Client) addPartitions(ctx context.Context, id string, p producer, partitions []TopicPartition) error {
	req := &addpartitionstotxn.Request{TransactionalID: id, ProducerID: p.id, ProducerEpoch: p.epoch}
	byTopic := make(map[string]int)
	seen := make(map[TopicPartition]bool)
	for _, tp := range partitions {
		if seen[tp] {
			continue
		}
		seen[tp] = true
		i, ok := byTopic[tp.Topic]
		if !ok {
			i = len(req.Topics)
			byTopic[tp.Topic] = i
			req.Topics = append(req.Topics, addpartitionstotxn.RequestTopic{Name: tp.Topic})
		}
		req.Topics[i].Partitions = append(req.Topics[i].Partitions, tp.Partition)
	}
	return c.coordinate(ctx, id, func() error {
		res, err := roundTrip[*addpartitionstotxn.Response](ctx, c, requestTimeout, req)
		if err != nil {
			return err
		}
		var refused error
		for _, t := range res.Results {
			for _, r := range t.Results {
				// 55 says that this partition is fine and another is not.
				const notAttempted = 55
				if r.ErrorCode != 0 && (refused == nil || r.ErrorCode != notAttempted) {
					refused = fmt.Errorf("%s: %w", TopicPartition{t.Name, r.PartitionIndex}, responseError(r.ErrorCode))
				}
			}
		}
		return refused
	})
}

func (c *Client) abort(ctx context.Context, id string, p producer) error {
	return c.coordinate(ctx, id, func() error {
		res, err := roundTrip[*endtxn.Response](ctx, c, requestTimeout, &endtxn.Request{
			TransactionalID: id, ProducerID: p.id, ProducerEpoch: p.epoch,
		})
		if err != nil {
			return err
		}
		return responseError(res.ErrorCode)
	})
}

// coordinate repeats a request to the transaction coordinator until it is granted or refused for good. All requests of the
// fence may be repeated.
func (c *Client) coordinate(ctx context.Context, id string, request func() error) error {
	deadline := time.Now().Add(fencePatience)
	for attempt := 0; ; attempt++ {
		err := request()
		switch {
		case err == nil:
			return nil
		case errors.Is(err, kafkago.InvalidProducerEpoch), errors.Is(err, kafkago.ProducerFenced), errors.Is(err, kafkago.InvalidProducerIDMapping):
			return &FencedError{TransactionalID: id, Err: err}
		case !isRetriable(err) || time.Now().After(deadline):
			return c.unreachable(ctx, err)
		}
		wait := backoff(attempt)
		if errors.Is(err, kafkago.ConcurrentTransactions) {
			wait = markerPollInterval
		}
		if pause(ctx, wait) != nil {
			return fmt.Errorf("%w (last: %w)", ctx.Err(), err)
		}
	}
}

// messageLimits asks for max.message.bytes of the topics. Where the cluster does not let this user see it, Kafka's default
// holds.
func (c *Client) messageLimits(ctx context.Context, partitions []TopicPartition) (map[string]int, error) {
	const setting = "max.message.bytes"
	limits := make(map[string]int)
	req := &describeconfigs.Request{}
	for _, tp := range partitions {
		if _, ok := limits[tp.Topic]; !ok {
			limits[tp.Topic] = defaultBatchBytes
			req.Resources = append(req.Resources, describeconfigs.RequestResource{
				ResourceType: int8(kafkago.ResourceTypeTopic), ResourceName: tp.Topic, ConfigNames: []string{setting},
			})
		}
	}
	res, err := roundTrip[*describeconfigs.Response](ctx, c, requestTimeout, req)
	if err != nil {
		return nil, fmt.Errorf("ask for %s: %w", setting, c.unreachable(ctx, err))
	}
	for _, r := range res.Resources {
		for _, e := range r.ConfigEntries {
			if n, err := strconv.Atoi(e.ConfigValue); err == nil && e.ConfigName == setting {
				limits[r.ResourceName] = n
			}
		}
	}
	return limits, nil
}
