package pipeline

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/record"
)

const (
	// sweepRows is how many rows a sweep of a sink holds at a time, sweepSuspects how many keys (16 bytes and overhead each).
	sweepRows     = 10_000
	sweepSuspects = 1 << 20
)

var errEnoughRows = errors.New("enough rows for now")

// sweep deletes the rows that the replay did not write and that no topic has any more. A row that it did not write may be of an
// entity that lives: its last event became a dead letter, whether that is open still or was closed by hand. So the topics are
// asked about every row that is suspected.
func (w *writer) sweep(ctx context.Context) (deleted int, err error) {
	d := w.d
	all := &sorter[[1]uint64]{}
	defer all.close()
	err = w.unwritten(ctx, func(row *adapters.SinkRow) error { return all.add([1]uint64{rowHash(row.Key)}) })
	if err != nil {
		return 0, err
	}
	sorted, err := all.sorted()
	if err != nil {
		return 0, err
	}
	for {
		// Whether a suspect was found alive.
		suspects := map[uint64]bool{}
		for len(suspects) < sweepSuspects {
			row, more, err := sorted.next()
			if err != nil {
				return deleted, err
			}
			if !more {
				break
			}
			suspects[row[0]] = false
		}
		if len(suspects) == 0 {
			return deleted, nil
		}
		if d.target.OnDelete != record.DeleteRow {
			d.cfg.Log.Warn("rows that the replay did not write were left as they are, because on_delete does not delete", "pipeline", d.cfg.Name)
			return deleted, nil
		}
		blind, err := w.findAlive(ctx, suspects)
		if err != nil {
			return deleted, err
		}
		if blind > 0 {
			w.warnBlind(blind)
			return deleted, nil
		}
		before := len(suspects)
		maps.DeleteFunc(suspects, func(_ uint64, lives bool) bool { return lives })
		if n := before - len(suspects); n > 0 {
			d.cfg.Log.Warn("rows that the replay did not write were left as they are, because their entities live on the topics: their last events became dead letters", "pipeline", d.cfg.Name, "rows", n, "fix", "truc dlq list "+d.cfg.Name)
		}
		n, err := w.deleteSuspects(ctx, suspects)
		if deleted += n; err != nil {
			return deleted, err
		}
		d.stats.Swept.Add(int64(n))
	}
}

// unwritten hands out rows of an older generation whose agency's topic was replayed, until fn has enough.
func (w *writer) unwritten(ctx context.Context, fn func(row *adapters.SinkRow) error) error {
	d := w.d
	err := w.sink.(adapters.SinkReader).Rows(ctx, d.target, func(row adapters.SinkRow) error { //nolint:forcetypeassert // raise has refused the others
		if row.Generation >= w.generation.number || w.generation.Until[d.topicOf(row.Source)] == nil {
			return nil
		}
		return fn(&row)
	})
	if errors.Is(err, errEnoughRows) {
		return nil
	}
	return err
}

// findAlive reads the topics of the replay and marks the suspects whose entity lives there. blind counts the records whose row
// nobody knows.
func (w *writer) findAlive(ctx context.Context, suspects map[uint64]bool) (blind int, err error) {
	b := w.d.bus()
	for topic, until := range w.generation.Until {
		var parts []kafka.TopicPartition
		for n := range until {
			parts = append(parts, kafka.TopicPartition{Topic: topic, Partition: int32(n)})
		}
		ranges, err := b.Ranges(ctx, parts...)
		if err != nil {
			return blind, err
		}
		for _, tp := range parts {
			err := b.ReadRange(ctx, tp, ranges[tp].Start, ranges[tp].End, func(r *bus.Delivered) error {
				ev, bad := w.examine(r)
				row, live, ok := w.ex.footprint(r, &ev.change, bad)
				if !ok {
					return nil
				}
				if row == nil {
					blind++
					return nil
				}
				for _, hash := range eventHashes(row) {
					if _, ok := suspects[hash]; ok {
						suspects[hash] = live
					}
				}
				return nil
			})
			if err != nil {
				return blind, err
			}
		}
	}
	return blind, nil
}

// deleteSuspects deletes rows, some at a time. Their sequence is the lowest there is: whatever comes after the replay is newer.
func (w *writer) deleteSuspects(ctx context.Context, suspects map[uint64]bool) (deleted int, err error) {
	for len(suspects) > 0 {
		var gone []delivery
		err := w.unwritten(ctx, func(row *adapters.SinkRow) error {
			fp := rowHash(row.Key)
			if _, ok := suspects[fp]; !ok {
				return nil
			}
			delete(suspects, fp)
			gone = append(gone, w.goneRow(*row, w.generation.number, strings.Repeat("0", sequenceSize)))
			if len(gone) == sweepRows {
				return errEnoughRows
			}
			return nil
		})
		if err != nil || len(gone) == 0 {
			return deleted, err // what is suspected and not there any more was deleted by somebody else
		}
		for group := range slices.Chunk(gone, w.d.cfg.BatchSize) {
			if err := w.apply(ctx, group); err != nil {
				return deleted, err
			}
		}
		deleted += len(gone)
	}
	return deleted, nil
}

// goneRow is the deletion of a row that no topic has. There is no event of it; its letter, should the sink refuse it, stands under
// the key of the row.
func (w *writer) goneRow(row adapters.SinkRow, generation uint32, sequence string) delivery {
	return delivery{key: sinkKey(row.Key), change: record.Change{
		Target: w.d.target, Delete: true, Key: row.Key.Clone(), Source: row.Source, Generation: generation, Sequence: sequence,
	}}
}

// warnBlind says why nothing is deleted.
func (w *writer) warnBlind(records int) {
	w.d.cfg.Log.Warn("rows that seem to be on no topic were left as they are: the mapping finds no key for some events, and any row may be theirs",
		"pipeline", w.d.cfg.Name, "events", records, "fix", "truc dlq list "+w.d.cfg.Name+", mend the mapping of the key, then do it again")
}

// parkedEvery is how often deletions that a foreign key holds up are tried again.
const parkedEvery = 500 * time.Millisecond

// waitForDeletions returns when no deletion of a sweep is parked: nobody but this process knows of them, because no event says
// what they do. Each is through, or has a letter.
func (w *writer) waitForDeletions(ctx context.Context) error {
	waits := func(p parkedChange) bool { return p.change.Topic == "" }
	for slices.ContainsFunc(w.parked, waits) {
		if !sleep(ctx, parkedEvery) {
			return ctx.Err()
		}
		if err := w.retryParked(ctx); err != nil {
			return err
		}
	}
	return nil
}
