package pipeline

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/record"
)

// writer turns events into changes and applies them: rows and offsets in one transaction.
type writer struct {
	d       *Delivery
	sink    adapters.Sink
	letters *sinkLetters
	state   *sinkState
	ex      *examiner
	// parked are changes whose unique or foreign key does not hold yet. The stored offset stays behind them, so that a
	// crash brings them back; what was applied beyond is then skipped as not newer.
	parked []parkedChange
	// again is set while letters are tried again: nothing is parked then, because the stored offset would go back to it.
	again bool
	// asked is the next offset to read on the requests topic, for retries of letters.
	asked int64
	// reconcile is set while the topics are read again; nil otherwise.
	reconcile *reconcile
	// generation is what the sink has counted; swept says that a replay at its end has deleted what it did not write.
	generation generation
	swept      bool
}

type parkedChange struct {
	change record.Change
	key    []byte
	since  time.Time
	size   int // bytes
}

// delivery is one event on its way to the sink.
type delivery struct {
	change record.Change
	key    []byte
	// at is the commit time of the change at its source, for the end-to-end latency.
	at time.Time
}

// maxApplyBytes closes a batch early, so that memory is bounded in bytes too.
const maxApplyBytes = 8 << 20

// take collects what has been fetched, up to a batch, and applies it.
func (w *writer) take(ctx context.Context, first fetched, f *fetchers) error {
	var events []delivery
	size := int64(0)
	defer func() { f.done(size) }()
	for more := true; more; {
		size += first.size
		var err error
		if events, err = w.translate(ctx, first, events); err != nil {
			return err
		}
		w.state.advance(&first)
		w.d.stats.setBehind(first.partition, first.behind)
		if len(events) >= w.d.cfg.BatchSize || size >= maxApplyBytes {
			break
		}
		select {
		case first = <-f.out:
		default:
			more = false
		}
	}
	w.d.at(PointFetched)
	if err := w.apply(ctx, events); err != nil {
		return err
	}
	w.d.at(PointApplied)
	return nil
}

// examine is what becomes of a record under the present generation.
func (w *writer) examine(r *bus.Delivered) (delivery, *unusable) {
	w.ex.generation = w.generation.number
	return w.ex.examine(r)
}

// translate collects the changes of what was fetched. What cannot be used becomes a dead letter at once, acknowledged before
// the offset can pass it.
func (w *writer) translate(ctx context.Context, f fetched, into []delivery) ([]delivery, error) {
	for i := range f.records {
		r := &f.records[i]
		w.d.stats.Events.Add(1)
		if w.reconcile == nil && w.generation.passesOver(r) {
			continue
		}
		var ev delivery
		var bad *unusable
		if f.examined != nil {
			ev, bad = f.examined[i].event, f.examined[i].bad
		} else {
			ev, bad = w.examine(r)
		}
		if w.reconcile != nil {
			w.reconcile.note(w, r, &ev.change, bad)
		}
		if bad != nil {
			if err := w.letters.write(ctx, r, bad.reason, bad.violations); err != nil {
				return into, err
			}
			continue
		}
		into = append(into, ev)
	}
	return into, nil
}

// apply writes a batch. Changes the sink refuses are parked or become dead letters, and the rest is tried again.
func (w *writer) apply(ctx context.Context, events []delivery) error {
	pause := newBackoff()
	for {
		changes := make([]record.Change, len(events))
		for i := range events {
			changes[i] = events[i].change
		}
		to := w.target()
		err := w.commit(ctx, changes, to)
		var rejected *adapters.RejectedError
		var away *adapters.UnreachableError
		switch {
		case err == nil:
			w.state.committed = to
			w.d.stats.applied(events)
			if err := w.letters.resolve(ctx, events); err != nil {
				return err
			}
			if len(w.parked) == 0 {
				w.letters.settled()
			}
			return nil
		case errors.As(err, &rejected):
			if events, err = w.reject(ctx, events, rejected); err != nil {
				return err
			}
		case errors.As(err, &away):
			// The commit may have landed although its answer did not; then the next try finds the offsets moved, and the
			// delivery asks the sink where it stands.
			w.d.stats.setState(StateRetrying, err)
			if !sleep(ctx, pause.next()) {
				return ctx.Err()
			}
			w.d.stats.setState(StateRunning, nil)
		default:
			return err
		}
	}
}

// commit writes changes and offsets, on the condition that nobody has raised the generation: whoever works under an older one
// was stopped for a while, and would move offsets over what a replay has yet to write.
func (w *writer) commit(ctx context.Context, changes []record.Change, to adapters.Offsets) error {
	from := maps.Clone(w.state.committed)
	from[generationPartition] = adapters.Offset{Next: int64(w.generation.number)}
	return w.sink.Apply(ctx, w.d.cfg.Name, changes, from, to)
}

// target is where the offsets may go: as far as was read, but not past a parked change.
func (w *writer) target() adapters.Offsets {
	to := maps.Clone(w.state.read)
	for i := range w.parked {
		c := &w.parked[i].change
		tp := adapters.TopicPartition{Topic: c.Topic, Partition: c.Partition}
		if c.Offset < to[tp].Next {
			// The mark of what is stored stands before the parked change, too.
			to[tp] = adapters.Offset{Next: c.Offset, Mark: w.state.committed[tp].Mark}
		}
	}
	return to
}

// reject takes the refused changes out of a batch.
func (w *writer) reject(ctx context.Context, events []delivery, e *adapters.RejectedError) ([]delivery, error) {
	if len(e.Rejections) == 0 {
		return nil, errors.New("the sink rejected a batch without naming a change: this is a defect of its adapter")
	}
	out := map[int]bool{}
	for _, r := range e.Rejections {
		if r.Index < 0 || r.Index >= len(events) {
			return nil, errors.New("the sink rejected a change that was not in the batch: this is a defect of its adapter")
		}
		if out[r.Index] {
			continue
		}
		out[r.Index] = true
		ev := &events[r.Index]
		if r.Park && !w.again && w.park(ev) {
			w.d.stats.Parked.Store(int64(len(w.parked)))
			continue
		}
		if err := w.letters.rejected(ctx, &ev.change, ev.key, r.Reason, r.Err); err != nil {
			return nil, err
		}
	}
	rest := make([]delivery, 0, len(events)-len(out))
	for i := range events {
		if !out[i] {
			rest = append(rest, events[i])
		}
	}
	return rest, nil
}

// park keeps a change for later, in memory of its own: what it came with is as large as a whole fetch. It refuses when there
// are too many, or too large ones.
func (w *writer) park(ev *delivery) bool {
	c := ev.change
	c.Key, c.Values, c.OnCreate = c.Key.Clone(), c.Values.Clone(), c.OnCreate.Clone()
	size := len(ev.key)
	for _, row := range [...]record.Row{c.Key, c.Values, c.OnCreate} {
		for i := range row {
			size += len(row[i].Bytes)
		}
	}
	held := 0
	for i := range w.parked {
		held += w.parked[i].size
	}
	if len(w.parked) >= maxParked || held > 0 && held+size > maxParkedBytes {
		return false
	}
	w.parked = append(w.parked, parkedChange{change: c, key: append([]byte(nil), ev.key...), since: time.Now(), size: size})
	return true
}

// retryParked tries everything parked again, together: two rows that swap a unique value heal only as one batch. What has
// waited too long becomes a dead letter.
func (w *writer) retryParked(ctx context.Context) error {
	waiting := w.parked
	w.parked = nil
	events := make([]delivery, len(waiting))
	for i, p := range waiting {
		events[i] = delivery{change: p.change, key: p.key}
	}
	for len(events) > 0 {
		changes := make([]record.Change, len(events))
		for i := range events {
			changes[i] = events[i].change
		}
		// The offsets stay where they are: those refused again are still in flight.
		err := w.commit(ctx, changes, w.state.committed)
		var rejected *adapters.RejectedError
		if errors.As(err, &rejected) && len(rejected.Rejections) > 0 {
			refused := map[int]adapters.Rejection{}
			for _, r := range rejected.Rejections {
				refused[r.Index] = r
			}
			var rest []delivery
			var still []parkedChange
			for i := range waiting {
				if r, ok := refused[i]; !ok {
					rest = append(rest, events[i])
					still = append(still, waiting[i])
				} else if r.Park && time.Since(waiting[i].since) < w.d.cfg.ParkFor {
					w.parked = append(w.parked, waiting[i])
				} else if err := w.letters.rejected(ctx, &waiting[i].change, waiting[i].key, r.Reason, r.Err); err != nil {
					return err
				}
			}
			events, waiting = rest, still
			continue
		}
		if err != nil {
			w.parked = append(w.parked, waiting...)
			var away *adapters.UnreachableError
			if errors.As(err, &away) {
				return nil // the next batch, or the next tick, tries again
			}
			return err
		}
		w.d.stats.applied(events)
		if err := w.letters.resolve(ctx, events); err != nil {
			return err
		}
		break
	}
	w.d.stats.Parked.Store(int64(len(w.parked)))
	to := w.target()
	if maps.Equal(to, w.state.committed) {
		return nil
	}
	err := w.commit(ctx, nil, to)
	if err == nil {
		w.state.committed = to
	}
	var away *adapters.UnreachableError
	if errors.As(err, &away) {
		return nil
	}
	return err
}
