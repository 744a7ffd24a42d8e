package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/lienthong/truc/bus"
)

// ReaderConfig configures a Reader.
type ReaderConfig struct {
	// MaxBytes bounds one fetch, unless its first batch alone is larger; default 1 MiB.
	MaxBytes int
	// MinBytes is what the broker waits for, at most MaxWait; default 1.
	MinBytes int
	// MaxWait is how long the broker holds a fetch that has nothing to give; default 500 ms.
	MaxWait time.Duration
}

const (
	defaultFetchBytes = 1 << 20
	// rangeFetchBytes is larger, because nobody waits for a first record.
	rangeFetchBytes = 4 << 20
	defaultMaxWait  = 500 * time.Millisecond
)

// Reader reads one partition in order. It shows records up to the high watermark: what every replica that counts has.
// Transaction markers, which the fence of every sender leaves on its partitions, are hidden.
//
// A Reader has no goroutine of its own and is not safe for concurrent use.
type Reader struct {
	client        *Client
	tp            TopicPartition
	cfg           ReaderConfig
	offset        int64
	highWatermark int64
	buf           []byte
	decoder       batchDecoder
}

// NewReader prepares to read from an offset on. It does no I/O.
func (c *Client) NewReader(tp TopicPartition, offset int64, cfg ReaderConfig) *Reader {
	cfg.MaxBytes = orDefault(cfg.MaxBytes, defaultFetchBytes)
	cfg.MinBytes = orDefault(cfg.MinBytes, 1)
	if cfg.MaxWait <= 0 {
		cfg.MaxWait = defaultMaxWait
	}
	return &Reader{client: c, tp: tp, cfg: cfg, offset: offset, highWatermark: -1, decoder: batchDecoder{tp: tp}}
}

// Offset is where the next Read starts. It is beyond what was returned, also where only markers or removed records stood.
func (r *Reader) Offset() int64 { return r.offset }

// HighWatermark is the end of the partition as the last fetch saw it; -1 before the first.
func (r *Reader) HighWatermark() int64 { return r.highWatermark }

// SeekTo makes the next Read start at an offset.
func (r *Reader) SeekTo(offset int64) { r.offset = offset }

// Read blocks until there is at least one record. Its memory is valid until the next Read. While ctx lives it retries
// whatever mends itself: lost connections, moved leaders. It fails with *OutOfRangeError when the partition does not hold the
// offset, with *CorruptBatchError, and with an error about the topic when that has been unknown for unknownTopicPatience.
func (r *Reader) Read(ctx context.Context) ([]bus.Delivered, error) {
	for {
		fetched, err := r.fetchPatiently(ctx)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", r.tp, err)
		}
		if len(fetched.records) > 0 {
			return fetched.records, nil
		}
	}
}

// ReadOn is Read, but returns without records, too, once Offset is beyond markers or removed records: who waits for an offset
// to be passed would wait for ever where nothing else stands before the end of a partition.
func (r *Reader) ReadOn(ctx context.Context) ([]bus.Delivered, error) {
	for from := r.offset; ; {
		end := r.highWatermark
		fetched, err := r.fetchPatiently(ctx)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", r.tp, err)
		}
		// Passed over is only what was below the end before this fetch was sent: an answer may tell of an end that is newer
		// than the look at the log it was made from.
		if fetched.vacant && end > r.offset && r.highWatermark >= end {
			r.offset = end
		}
		if len(fetched.records) > 0 || r.offset > from {
			return fetched.records, nil
		}
	}
}

// fetched is the outcome of one fetch.
type fetched struct {
	records []bus.Delivered
	// vacant says that the broker has nothing between Offset and the high watermark: everything there was removed.
	vacant bool
}

// fetchPatiently fetches once, and repeats that until it has an answer.
func (r *Reader) fetchPatiently(ctx context.Context) (fetched, error) {
	var unknownSince time.Time
	for attempt := 0; ; attempt++ {
		f, err := r.fetch(ctx)
		if err == nil || !isRetriable(err) {
			return f, err
		}
		if ctx.Err() != nil {
			return fetched{}, ctx.Err()
		}
		switch {
		case !isUnknownTopic(err):
			unknownSince = time.Time{}
		case unknownSince.IsZero():
			unknownSince = time.Now()
		case time.Since(unknownSince) > unknownTopicPatience:
			return fetched{}, err
		}
		if attempt == 3 {
			r.client.log.Warn("reading is retried", "partition", r.tp.String(), "err", err)
		}
		if err := pause(ctx, backoff(attempt)); err != nil {
			return fetched{}, err
		}
	}
}

func (r *Reader) fetch(ctx context.Context) (fetched, error) {
	req := &fetchRequest{clientID: r.client.cfg.ClientID, tp: r.tp, offset: r.offset, cfg: r.cfg, buf: r.buf}
	r.buf = nil
	res, err := roundTripTo[*fetchResponse](ctx, r.client, r.tp.Topic, r.cfg.MaxWait+requestTimeout, req)
	if err != nil {
		return fetched{}, err
	}
	if cap(res.answer) <= 2*max(r.cfg.MaxBytes, defaultFetchBytes) {
		r.buf = res.answer[:0] // one huge batch must not stay with every reader that ever met one
	}
	if err := responseError(res.code); err != nil {
		if errors.Is(err, kafkago.OffsetOutOfRange) {
			return fetched{}, r.outOfRange(ctx)
		}
		return fetched{}, err
	}
	r.highWatermark = res.highWatermark
	records, next, err := r.decoder.decode(res.batches, r.offset)
	if err != nil && len(records) == 0 {
		return fetched{}, err
	}
	// With an error, the records before it are good; the next fetch meets it again.
	r.offset = next
	return fetched{records: records, vacant: len(res.batches) == 0 && !res.throttled}, nil
}

func (r *Reader) outOfRange(ctx context.Context) error {
	have, err := r.client.rangeOf(ctx, r.tp)
	if err != nil {
		return err
	}
	if r.offset >= have.Start && r.offset <= have.End {
		// The range moved meanwhile: a leader that had just been elected did not know its end yet.
		return kafkago.OffsetNotAvailable
	}
	return &OutOfRangeError{TopicPartition: r.tp, Asked: r.offset, Have: have}
}

// ReadRange calls fn for each record of a partition from one offset up to, not including, another, which must not be beyond
// the high watermark. It ends there even when the last offsets hold only markers or removed records. The memory of a record
// is valid until fn returns. from before the start of the log, and to beyond its end, fail with *OutOfRangeError, also when the
// log is cut off or made anew while it is read.
func (c *Client) ReadRange(ctx context.Context, tp TopicPartition, from, to int64, fn func(*bus.Delivered) error) error {
	if from >= to {
		return nil
	}
	have, err := c.Ranges(ctx, tp)
	if err != nil {
		return err
	}
	if r := have[tp]; from < r.Start || to > r.End {
		return &OutOfRangeError{TopicPartition: tp, Asked: outside(from, to, r), Have: r}
	}
	r := c.NewReader(tp, from, ReaderConfig{MaxBytes: rangeFetchBytes})
	var shortSince time.Time
	for r.Offset() < to {
		f, err := r.fetchPatiently(ctx)
		if err != nil {
			return fmt.Errorf("read %s: %w", tp, err)
		}
		for i := range f.records {
			if f.records[i].Offset >= to {
				return nil
			}
			if err := fn(&f.records[i]); err != nil {
				return err
			}
		}
		switch {
		case !f.vacant:
			shortSince = time.Time{}
		case r.HighWatermark() >= to:
			return nil
		case shortSince.IsZero():
			shortSince = time.Now() // a leader that was just elected learns the end from its followers
		case time.Since(shortSince) > c.leaderPatience:
			return &OutOfRangeError{TopicPartition: tp, Asked: to, Have: Range{have[tp].Start, r.HighWatermark()}}
		}
	}
	return nil
}

func outside(from, to int64, r Range) int64 {
	if from < r.Start {
		return from
	}
	return to
}
