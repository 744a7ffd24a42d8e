package pipeline

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
)

// reconcile reads the topics of a delivery again from their start, and then deletes at the sink what is no longer on them.
// It mends an absence longer than tombstones live, a lost piece of a topic, and a sink that was tampered with.
type reconcile struct {
	// seen holds what every event read does to a row: the hash of the row's key, and the place of the event among those read, with
	// in its lowest bit whether it lives. failed is why it could not be kept.
	seen   sorter[[2]uint64]
	place  uint64
	failed error
	// latest is the highest sequence read of each source: a deletion carries it, so that nothing older undoes it and
	// everything newer does.
	latest map[string]string
	// marks are those of the last records read.
	marks map[adapters.TopicPartition]deliveryMark
	// blind counts records that became letters and whose row nobody knows: it may be any.
	blind int
}

// reconcileAll does it, before the delivery goes on from the ends of the topics. Stopped half-way it begins again at the
// next start: the stored offsets move at its end only. It needs all partitions of every topic: what stands on the others would
// be taken for gone. requests are closed when it is done.
func (w *writer) reconcileAll(ctx context.Context, requests []string) error {
	name := w.d.cfg.Name
	if err := w.ownsAll(ctx); err != nil {
		return err
	}
	// On record before anything is applied: each Apply makes the absence look over, and a crash would end the reconcile half-way.
	if err := w.setStale(ctx, true); err != nil {
		return err
	}
	w.d.cfg.Log.Warn("delivery reads its topics again and deletes what is no longer on them", "pipeline", name, "partitions", len(w.state.committed))
	w.reconcile = &reconcile{latest: map[string]string{}, marks: map[adapters.TopicPartition]deliveryMark{}}
	defer func() {
		w.reconcile.seen.close()
		w.reconcile = nil
	}()
	// What was read before says nothing here: a topic that was created anew ends before it.
	w.state.read = maps.Clone(w.state.committed)
	for tp := range w.state.committed {
		if err := w.deliverAgain(ctx, tp); err != nil {
			return fmt.Errorf("reconcile subscribe.%s: %w", name, err)
		}
	}
	live, deleted, err := w.deleteUnseen(ctx)
	if err == nil {
		err = w.waitForDeletions(ctx)
	}
	if err != nil {
		return fmt.Errorf("reconcile subscribe.%s: %w", name, err)
	}
	for tp := range w.state.committed {
		w.state.read[tp] = adapters.Offset{Next: w.state.ranges[kafka.TopicPartition(tp)].End, Mark: w.reconcile.marks[tp].String()}
	}
	if err := w.apply(ctx, nil); err != nil {
		return err
	}
	if err := w.setStale(ctx, false); err != nil {
		return err
	}
	w.d.cfg.Log.Info("delivery is reconciled", "pipeline", name, "live", live, "deleted", deleted)
	if len(requests) == 0 {
		return nil
	}
	msgs := make([]bus.Message, len(requests))
	for i, key := range requests {
		msgs[i] = bus.Message{Key: []byte(key)}
	}
	return w.letters.closeRequests(ctx, msgs)
}

// ownsAll refuses to go on with a part of a topic.
func (w *writer) ownsAll(ctx context.Context) error {
	counts := map[string]int{}
	for tp := range w.state.committed {
		counts[tp.Topic]++
	}
	infos, err := w.d.cfg.Client.Describe(ctx, slices.Collect(maps.Keys(counts))...)
	if err != nil {
		return err
	}
	for topic, n := range counts {
		if infos[topic].Partitions != n {
			return fmt.Errorf("reconcile subscribe.%s: this instance has %d of the %d partitions of %s: stop the other instances until it is done", w.d.cfg.Name, n, infos[topic].Partitions, topic)
		}
	}
	return nil
}

// deliverAgain applies a whole partition; what the sink has already is skipped there as not newer.
func (w *writer) deliverAgain(ctx context.Context, tp adapters.TopicPartition) error {
	span := w.state.ranges[kafka.TopicPartition(tp)]
	w.reconcile.marks[tp] = deliveryMark{TopicID: w.state.topicIDs[tp.Topic]}
	if span.Start >= span.End {
		return nil
	}
	var batch []bus.Delivered
	size := int64(0)
	flush := func() error {
		w.reconcile.marks[tp] = w.reconcile.marks[tp].after(batch)
		events, err := w.translate(ctx, fetched{partition: tp, records: batch}, nil)
		batch, size = nil, 0
		if err = errors.Join(err, w.reconcile.failed); err != nil {
			return err
		}
		return w.apply(ctx, events)
	}
	err := w.d.cfg.Client.ReadRange(ctx, kafka.TopicPartition(tp), span.Start, span.End, func(d *bus.Delivered) error {
		batch = append(batch, cloneDelivered([]bus.Delivered{*d})...)
		if size += sizeOfDelivered([]bus.Delivered{*d}); len(batch) < w.d.cfg.BatchSize && size < maxApplyBytes {
			return nil
		}
		return flush()
	})
	if err != nil {
		return err
	}
	return flush()
}

// note takes a record into account. One that became a letter is a version that the sink does not have, and its entity lives on
// the topic: what stood there before it may be compacted away.
func (r *reconcile) note(w *writer, rec *bus.Delivered, c *record.Change, bad *unusable) {
	if c.Sequence > r.latest[c.Source] {
		r.latest[c.Source] = c.Sequence
	}
	row, live, ok := w.ex.footprint(rec, c, bad)
	switch {
	case !ok:
	case row == nil:
		r.blind++
	default:
		r.place += 2
		for _, hash := range eventHashes(row) {
			seen := [2]uint64{hash, r.place}
			if live {
				seen[1] |= 1
			}
			if r.failed == nil {
				r.failed = r.seen.add(seen)
			}
		}
	}
}

// unseen gives the hashes of the rows that truc wrote and that no topic has any more, and says how many rows the topics have.
func (r *reconcile) unseen(rows *sorter[[1]uint64]) (gone *sorter[[1]uint64], count, live int, err error) {
	events, err := r.seen.sorted()
	if err != nil {
		return nil, 0, 0, err
	}
	there, err := rows.sorted()
	if err != nil {
		return nil, 0, 0, err
	}
	gone = &sorter[[1]uint64]{dir: rows.dir, limit: rows.limit}
	last := lastOfKeys[[2]uint64]{from: events}
	row, more, err := there.next()
	for err == nil {
		var e [2]uint64
		var some bool
		if e, some, err = last.next(); err != nil {
			break
		}
		lives := some && e[1]&1 == 1
		if lives && e[0]&asNumbers == 0 {
			live++
		}
		for err == nil && more && (!some || row[0] <= e[0]) {
			if row[0] != e[0] || !lives {
				count++
				err = gone.add(row)
			}
			if err == nil {
				row, more, err = there.next()
			}
		}
		if !some {
			break
		}
	}
	if err != nil {
		gone.close()
	}
	return gone, count, live, err
}

// deleteUnseen deletes the rows that truc wrote and that no topic has any more. live is how many rows the topics have.
func (w *writer) deleteUnseen(ctx context.Context) (live, deleted int, err error) {
	r := w.reconcile
	reader, ok := w.sink.(adapters.SinkReader)
	if !ok {
		return 0, 0, &adapters.RefusedError{Where: "subscribe." + w.d.cfg.Name, What: problem.Say("its sink cannot be read back, so what is gone cannot be found"), Fix: problem.Say("empty the table and deliver anew, or use an adapter that can")}
	}
	rows := &sorter[[1]uint64]{dir: r.seen.dir, limit: r.seen.limit}
	defer rows.close()
	err = reader.Rows(ctx, w.d.target, func(row adapters.SinkRow) error {
		if _, read := r.latest[row.Source]; !read {
			return nil // another delivery's, or of an agency whose topic is not read here
		}
		return rows.add([1]uint64{rowHash(row.Key)})
	})
	if err != nil {
		return 0, 0, err
	}
	gone, count, live, err := r.unseen(rows)
	if err != nil {
		return 0, 0, err
	}
	defer gone.close()
	if count > 0 && r.blind > 0 {
		w.warnBlind(r.blind)
		return live, 0, nil
	}
	if count > 0 && w.d.target.OnDelete == record.DeleteSets {
		// What a deletion writes is computed from its event, and there is none: a person decides.
		w.d.cfg.Log.Warn("rows that are no longer on any topic were left as they are, because on_delete sets columns", "pipeline", w.d.cfg.Name, "rows", count)
		return live, 0, nil
	}
	sorted, err := gone.sorted()
	if err != nil {
		return live, 0, err
	}
	for {
		some := map[uint64]struct{}{}
		for len(some) < sweepSuspects {
			row, more, err := sorted.next()
			if err != nil {
				return live, deleted, err
			}
			if !more {
				break
			}
			some[row[0]] = struct{}{}
		}
		if len(some) == 0 {
			return live, deleted, nil
		}
		n, err := w.deleteGone(ctx, reader, some)
		if deleted += n; err != nil {
			return live, deleted, err
		}
	}
}

// goneRows is how many rows a reconcile deletes between two looks at the sink.
const goneRows = 100_000

// deleteGone deletes rows by the hashes of their keys, so many at a time that memory can hold them.
func (w *writer) deleteGone(ctx context.Context, reader adapters.SinkReader, hashes map[uint64]struct{}) (deleted int, err error) {
	for len(hashes) > 0 {
		var gone []delivery
		err := reader.Rows(ctx, w.d.target, func(row adapters.SinkRow) error {
			hash := rowHash(row.Key)
			latest, read := w.reconcile.latest[row.Source]
			if _, is := hashes[hash]; !is || !read {
				return nil
			}
			delete(hashes, hash)
			gone = append(gone, w.goneRow(row, max(row.Generation, w.generation.number), max(latest, row.Sequence)))
			if len(gone) == goneRows {
				return errEnoughRows
			}
			return nil
		})
		if err != nil && !errors.Is(err, errEnoughRows) || len(gone) == 0 {
			return deleted, err // what is not there any more was deleted by somebody else
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
