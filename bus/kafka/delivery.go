package kafka

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/lienthong/truc/bus"
)

const (
	// produceTimeout bounds one attempt; brokerTimeout is what the broker may wait for its replicas within it.
	produceTimeout = 10 * time.Second
	brokerTimeout  = 8 * time.Second

	firstBackoff = 20 * time.Millisecond
	lastBackoff  = time.Second

	// unknownTopicPatience is how long a topic may be unknown, because its leader moves or news of it is on the way, before
	// it counts as gone.
	unknownTopicPatience = 30 * time.Second
)

// partitionSender is the goroutine that writes to one partition.
type partitionSender struct {
	sender *Sender
	tp     TopicPartition
	queue  *queue
	// limit is the size a batch of several messages may have.
	limit    int
	sequence int32
	// buf is kept from batch to batch, unless a request that was given up may still read it.
	buf []byte
	// packed is what compression works in.
	packed bytes.Buffer
	// last is the batch that was sent last: its messages, their bytes before compression, and when it was acknowledged.
	last struct {
		count, bytes int
		at           time.Time
	}
}

const (
	// gatherFrom is how large a batch is that tells of a flood: what follows it gathers, for gatherTime at most. A thousand
	// changes a second, and five thousand, stay far below it and are never held up.
	gatherFrom = 64 << 10
	gatherTime = 6 * time.Millisecond
)

// leastCompressed is how large a batch is before it is compressed: a lone event would gain little and come later.
const leastCompressed = 4 << 10

func (p *partitionSender) run(ctx context.Context) {
	defer p.queue.fail()
	for p.queue.next() {
		p.gather()
		batch, count := p.encode()
		base := int64(-1)
		if count > 0 {
			var err error
			if base, err = p.deliver(ctx, batch); err != nil {
				p.sender.poison(p.sender.failure(p.tp, len(batch)-sizePrefix, err))
				return
			}
			p.sequence = advance(p.sequence, int32(count))
		}
		p.last.at = time.Now()
		p.queue.acknowledge(base, count)
	}
}

// gather lets a flood fill the next request. A broker that answers at once would otherwise get requests of a fifth of what
// they may hold, and each costs it nearly as much as a full one: processor time that those who fill the queue need as well.
func (p *partitionSender) gather() {
	if p.last.bytes < gatherFrom {
		return
	}
	full := min(p.last.count*p.limit/p.last.bytes, p.sender.cfg.MaxBatchRecords)
	p.queue.gather(full, p.last.at.Add(gatherTime))
}

// encode makes one batch of what is queued.
func (p *partitionSender) encode() (batch []byte, count int) {
	var e batchEncoder
	e.reset(p.buf)
	now := time.Now().UnixMilli()
	count = p.queue.take(func(m *bus.Message) bool {
		return int(e.count) < p.sender.cfg.MaxBatchRecords && e.add(m, now, p.limit)
	})
	p.last.count, p.last.bytes = count, e.size()
	if codec := p.sender.client.codec; codec != nil && e.size() >= leastCompressed {
		if err := e.compress(codec, &p.packed); err != nil {
			p.sender.log.Warn("batch is sent without compression", "partition", p.tp.String(), "codec", codec.Name(), "err", err)
		}
	}
	as := p.sender.producer
	p.buf = e.finish(as.id, as.epoch, p.sequence)
	return p.buf, count
}

// deliver sends a batch until the broker has it and returns its base offset. Repeating it is safe, because the broker
// recognises the sequence number: this goroutine never has another request in flight.
func (p *partitionSender) deliver(ctx context.Context, batch []byte) (int64, error) {
	var unknownSince time.Time
	for attempt := 0; ; attempt++ {
		base, err := p.post(ctx, batch)
		if err == nil {
			return base, nil
		}
		if p.queue.stopped() || !mayRepeat(err) {
			return 0, err
		}
		switch {
		case !isUnknownTopic(err):
			unknownSince = time.Time{}
		case unknownSince.IsZero():
			unknownSince = time.Now()
		case time.Since(unknownSince) > unknownTopicPatience:
			return 0, err
		}
		if attempt == 0 {
			p.sender.log.Warn("batch is repeated until the broker takes it", "partition", p.tp.String(), "err", err)
		}
		if pause(ctx, backoff(attempt)) != nil {
			return 0, err
		}
	}
}

// post makes one attempt.
func (p *partitionSender) post(ctx context.Context, batch []byte) (int64, error) {
	res, err := roundTripTo[*produceResponse](ctx, p.sender.client, p.tp.Topic, produceTimeout, &produceRequest{clientID: p.sender.client.cfg.ClientID, tp: p.tp, batch: batch})
	if err != nil {
		// The transport's goroutine may read the batch after it has given up waiting.
		p.buf = nil
		return 0, err
	}
	if err := responseError(res.code); err != nil {
		if errors.Is(err, kafkago.DuplicateSequenceNumber) {
			return 0, ErrOffsetUnknown
		}
		return 0, err
	}
	if res.baseOffset < 0 {
		return 0, ErrOffsetUnknown
	}
	return res.baseOffset, nil
}

// mayRepeat reports whether a batch may be sent again with the same sequence number. Everything that isRetriable says, and
// an open transaction of this producer, which only the fence and its refresh make, and only for a moment.
func mayRepeat(err error) bool {
	return isRetriable(err) || errors.Is(err, kafkago.InvalidTransactionState)
}

// backoff grows from firstBackoff to lastBackoff, with jitter so that partitions do not knock together.
func backoff(attempt int) time.Duration {
	d := min(firstBackoff<<min(attempt, 10), lastBackoff)
	return d/2 + rand.N(d/2) //nolint:gosec // jitter keeps no secret
}
