// Package journal is a log that several processes share, each of which writes only to what it has read: a partition of one
// topic, with the fence of bus/kafka as the pen. Who writes first takes the pen from whoever has it, and so learns where the
// log ends; who has it appends without asking, because nobody else can.
package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
)

// Config configures a Journal.
type Config struct {
	// Topic is created when it is missing: one partition, compacted.
	Topic string
	// Replication of a topic that is created; 0 is the cluster's default.
	Replication int
	// MaxRecordBytes bounds a record of a topic that is created.
	MaxRecordBytes int
	Log            *slog.Logger
}

// Record is one entry. Of the records with one key the last one counts; older ones may vanish. Value nil removes the key.
type Record struct {
	Key, Value []byte
	// Place is the record's offset. Append does not look at it.
	Place int64
}

// Batch is what the journal has to tell next; it may hold no record. Its memory is valid until the function that got it
// returns.
type Batch struct {
	Records []Record
	// Next is the offset behind the records, End the end of the journal as far as it is known.
	Next, End int64
}

// MovedError says that the journal may hold records that the writer has not read: everything up to End is to be read first.
type MovedError struct{ End int64 }

func (e *MovedError) Error() string { return fmt.Sprintf("the journal goes on to offset %d", e.End) }

// Journal is one process's access. Append and Follow may run side by side, each of them once at a time.
type Journal struct {
	client *kafka.Client
	cfg    Config
	tp     kafka.TopicPartition

	pen *kafka.Sender // nil when somebody else may have it
	end int64         // of the journal, while this process has the pen
	// taken says that another process took the pen away.
	taken bool

	// known is how far the caller knows the journal: Follow goes on from there.
	known atomic.Int64
	// own is where the records that this process wrote last end, or will when they are written.
	own atomic.Int64
	// hurry tells Follow that somebody waits for what it brings.
	hurry chan struct{}
}

// New prepares access. It does no I/O.
func New(client *kafka.Client, cfg Config) *Journal {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Journal{client: client, cfg: cfg, tp: kafka.TopicPartition{Topic: cfg.Topic}, hurry: make(chan struct{}, 1)}
}

// Ensure creates the topic if it is missing. A topic with several partitions fails with *kafka.TopicMismatchError.
func (j *Journal) Ensure(ctx context.Context) error {
	return j.client.EnsureTopics(ctx, kafka.TopicSpec{
		Name: j.cfg.Topic, Partitions: 1, Replication: j.cfg.Replication, Compact: true, MaxMessageBytes: j.cfg.MaxRecordBytes,
	})
}

// Close gives the pen back. It must not run beside Append.
func (j *Journal) Close() error {
	if j.pen == nil {
		return nil
	}
	err := j.pen.Close()
	j.pen = nil
	return err
}

// Append adds records behind everything that the caller knows, which is up to after, and returns the place of the first when
// they are safe. A first of after says that nothing stands between: who remembers what it wrote need not read it back, and says
// so with the after of its next Append. When others may have written since, it adds nothing and fails with *MovedError. After
// any other error the records may be in the journal or not, until an Append fails with *MovedError: what does not stand before
// its End never comes.
func (j *Journal) Append(ctx context.Context, after int64, records []Record) (first int64, err error) {
	j.known.Store(after)
	first, err = j.append(ctx, after, records)
	var moved *MovedError
	if errors.As(err, &moved) || err == nil && first != after {
		select {
		case j.hurry <- struct{}{}:
		default:
		}
	}
	return first, err
}

func (j *Journal) append(ctx context.Context, after int64, records []Record) (first int64, err error) {
	if j.pen != nil && j.pen.Err() != nil {
		j.drop(j.pen.Err()) // it was taken away while nothing was written
	}
	if j.pen == nil {
		if err := j.yield(ctx); err != nil {
			return 0, err
		}
		if err := j.take(ctx); err != nil {
			return 0, fmt.Errorf("take the right to write %s: %w", j.cfg.Topic, err)
		}
	}
	if after < j.end {
		return 0, &MovedError{j.end}
	}
	j.own.Store(after + int64(len(records)))
	if first, err = j.produce(ctx, records); err != nil {
		j.drop(err) // whatever became of the records, only the fence makes it certain
		return 0, fmt.Errorf("write to %s: %w", j.cfg.Topic, err)
	}
	// The records of several batches need not stand side by side only where somebody else could have written between.
	j.end = first + int64(len(records))
	return first, nil
}

// drop lets the pen go after an error.
func (j *Journal) drop(err error) {
	var fenced *kafka.FencedError
	j.taken = errors.As(err, &fenced)
	_ = j.Close()
}

// yield lets whoever has taken the pen away write for a moment: two that take it from each other at once would get nowhere.
func (j *Journal) yield(ctx context.Context) error {
	if !j.taken {
		return nil
	}
	j.taken = false
	select {
	case <-time.After(yieldLeast + rand.N(yieldLeast)): //nolint:gosec // the two only must not keep step
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

const yieldLeast = 30 * time.Millisecond

// take fences off whoever wrote before. From then on nothing of theirs can arrive, so that the end is known.
func (j *Journal) take(ctx context.Context) error {
	pen, err := j.client.OpenSender(ctx, kafka.SenderConfig{
		TransactionalID: j.cfg.Topic, Partitions: []kafka.TopicPartition{j.tp}, Log: j.cfg.Log,
	})
	if err != nil {
		return err
	}
	ranges, err := j.client.Ranges(ctx, j.tp)
	if err != nil {
		return errors.Join(err, pen.Close())
	}
	j.pen, j.end = pen, ranges[j.tp].End
	return nil
}

func (j *Journal) produce(ctx context.Context, records []Record) (first int64, err error) {
	messages := make([]bus.Message, len(records))
	for i, r := range records {
		messages[i] = bus.Message{Key: r.Key, Value: r.Value}
	}
	type answer struct {
		base int64
		err  error
	}
	answers := make(chan answer, 1)
	err = j.pen.Produce(ctx, j.tp, messages, func(base int64, err error) { answers <- answer{base, err} })
	if err != nil {
		return 0, err
	}
	select {
	case a := <-answers:
		return a.base, a.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// Follow hands the journal to see from its beginning, at least one batch at once even if it is empty, until ctx is done or
// see fails. It passes over what the caller knows already, not always: see must look at the places. While the bus is away it
// waits.
func (j *Journal) Follow(ctx context.Context, see func(Batch) error) error {
	ranges, err := j.client.Ranges(ctx, j.tp)
	if err != nil {
		return fmt.Errorf("follow %s: %w", j.cfg.Topic, err)
	}
	at := ranges[j.tp]
	reader := j.client.NewReader(j.tp, at.Start, kafka.ReaderConfig{MaxWait: 5 * time.Second})
	if at.Start == at.End {
		if err := see(Batch{Next: at.Start, End: at.End}); err != nil {
			return err
		}
	}
	var records []Record
	for {
		if known := j.known.Load(); known > reader.Offset() {
			reader.SeekTo(known)
		}
		got, err := reader.ReadOn(ctx)
		if err != nil {
			return fmt.Errorf("follow %s: %w", j.cfg.Topic, err)
		}
		records = records[:0]
		for i := range got {
			records = append(records, Record{Key: got[i].Key, Value: got[i].Value, Place: got[i].Offset})
		}
		if err := see(Batch{Records: records, Next: reader.Offset(), End: max(at.End, reader.HighWatermark())}); err != nil {
			return err
		}
		if reader.Offset() <= j.own.Load() {
			if err := j.rest(ctx); err != nil {
				return fmt.Errorf("follow %s: %w", j.cfg.Topic, err)
			}
		}
	}
}

// rest waits before reading on where this process writes itself: to fetch each batch as soon as it is written takes as much as
// to write it, and while nobody else writes tells nothing.
func (j *Journal) rest(ctx context.Context) error {
	enough := time.NewTimer(restLength)
	defer enough.Stop()
	select {
	case <-enough.C:
		return nil
	case <-j.hurry:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// restLength is how much later a process that has just written learns what another writes.
const restLength = 10 * time.Millisecond
