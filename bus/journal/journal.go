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
type Record struct{ Key, Value []byte }

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
}

// New prepares access. It does no I/O.
func New(client *kafka.Client, cfg Config) *Journal {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Journal{client: client, cfg: cfg, tp: kafka.TopicPartition{Topic: cfg.Topic}}
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

// Append adds records behind everything that the caller has read, which is up to after, and returns when they are safe. When
// others may have written since, it adds nothing and fails with *MovedError. After any other error the records may be in the
// journal or not, until an Append fails with *MovedError: what does not stand before its End never comes.
func (j *Journal) Append(ctx context.Context, after int64, records []Record) error {
	if j.pen != nil && j.pen.Err() != nil {
		j.drop(j.pen.Err()) // it was taken away while nothing was written
	}
	if j.pen == nil {
		if err := j.yield(ctx); err != nil {
			return err
		}
		if err := j.take(ctx); err != nil {
			return fmt.Errorf("take the right to write %s: %w", j.cfg.Topic, err)
		}
	}
	if after < j.end {
		return &MovedError{j.end}
	}
	end, err := j.produce(ctx, records)
	if err != nil {
		j.drop(err) // whatever became of the records, only the fence makes it certain
		return fmt.Errorf("write to %s: %w", j.cfg.Topic, err)
	}
	j.end = end
	return nil
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

func (j *Journal) produce(ctx context.Context, records []Record) (end int64, err error) {
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
		// The records of several batches need not stand side by side only where somebody else could have written between.
		return a.base + int64(len(records)), a.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// Follow hands the journal to see from its beginning, at least one batch at once even if it is empty, until ctx is done or
// see fails. While the bus is away it waits.
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
		got, err := reader.ReadOn(ctx)
		if err != nil {
			return fmt.Errorf("follow %s: %w", j.cfg.Topic, err)
		}
		records = records[:0]
		for i := range got {
			records = append(records, Record{Key: got[i].Key, Value: got[i].Value})
		}
		if err := see(Batch{Records: records, Next: reader.Offset(), End: max(at.End, reader.HighWatermark())}); err != nil {
			return err
		}
	}
}
