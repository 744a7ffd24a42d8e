package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
)

const (
	// sinkRetrySlice is how many letters are looked up on the topics together.
	sinkRetrySlice = 10_000
	// sinkRetryGap is how many records between two letters are read over rather than fetched apart.
	sinkRetryGap = 5000
)

// retryLetters tries open letters of the delivery again when somebody has asked for it: the events they point at are read
// and applied once more. What is on the topic behind such an event was, or will be, delivered in its turn, and the sink takes
// nothing that is older than what it has.
func (w *writer) retryLetters(ctx context.Context) error {
	cfg := &w.d.cfg
	b := KafkaBus{cfg.Client}
	o, err := readOrders(ctx, b, cfg.Agency, DeliveryRetries(cfg.Name), w.asked)
	if err != nil {
		return nil //nolint:nilerr // the broker is away; the fetchers notice in their own way
	}
	w.asked = o.next
	for _, key := range slices.SortedFunc(maps.Keys(o.open), func(a, b string) int { return o.open[a].Made.Compare(o.open[b].Made) }) {
		if err := w.ownsAll(ctx); err != nil {
			cfg.Log.Warn("dead letters are not tried again by an instance that has a part of the topics only; stop the others until it is done", "pipeline", cfg.Name)
			return nil //nolint:nilerr // the request stays for the instance that has them all
		}
		r := &sinkRetrial{w: w, bus: b}
		if err := r.run(ctx, o.open[key]); err != nil {
			return fmt.Errorf("retry dead letters of subscribe.%s: %w", cfg.Name, err)
		}
		if err := w.letters.closeRequests(ctx, []bus.Message{{Key: []byte(key)}}); err != nil {
			return err
		}
	}
	return nil
}

// sinkRetrial is one retry of the letters of a delivery.
type sinkRetrial struct {
	w      *writer
	bus    Bus
	result RetryResult
}

// sinkTarget is the event that a letter points at.
type sinkTarget struct {
	at     adapters.TopicPartition
	offset int64
	raw    []byte // key of the letter
}

func (r *sinkRetrial) run(ctx context.Context, q Request) error {
	w, cfg := r.w, &r.w.d.cfg
	result, places, err := beginRetry(ctx, r.bus, cfg.Agency, DeliveryRetries(cfg.Name), w.letters.topic, w.letters.topic.Topic, q)
	if err != nil || result.Done {
		return err
	}
	r.result = result
	w.again = true
	defer func() { w.again, w.letters.noted = false, nil }()
	if err := r.save(ctx); err != nil {
		return err
	}
	for group := range slices.Chunk(places, sinkRetrySlice) {
		if err := r.slice(ctx, group); err != nil {
			return err
		}
	}
	r.result.Done = true
	cfg.Log.Info("dead letters were tried again", "pipeline", cfg.Name, "letters", r.result.Total, "resolved", r.result.Resolved,
		"newer", r.result.Newer, "still_wrong", r.result.StillWrong(), "unknown", r.result.Unknown)
	return r.save(ctx)
}

func (r *sinkRetrial) save(ctx context.Context) error {
	m, err := r.result.message(r.w.d.cfg.Agency, DeliveryRetries(r.w.d.cfg.Name))
	if err != nil {
		return err
	}
	shown := r.result
	shown.Wrong = maps.Clone(r.result.Wrong)
	r.w.d.stats.Retry.Store(&shown)
	return produceAndWait(ctx, r.w.letters.sender, requestsPartition, []bus.Message{m})
}

// slice looks the events of some letters up, in the order in which they stand on the topics.
func (r *sinkRetrial) slice(ctx context.Context, places []letterPlace) error {
	var targets []sinkTarget
	err := readLetters(ctx, r.bus, r.w.letters.topic, r.w.d.cfg.Name, places, func(l openLetter) error {
		tp := adapters.TopicPartition{Topic: l.letter.Topic, Partition: l.letter.Partition}
		if _, ours := r.w.state.committed[tp]; !ours {
			r.result.Unknown++ // of a topic that the delivery does not read any more
			return nil
		}
		targets = append(targets, sinkTarget{tp, l.letter.Offset, l.raw})
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(targets, func(a, b sinkTarget) int {
		return cmp.Or(cmp.Compare(a.at.Topic, b.at.Topic), cmp.Compare(a.at.Partition, b.at.Partition), cmp.Compare(a.offset, b.offset))
	})
	for len(targets) > 0 {
		n := 1
		for n < len(targets) && targets[n].at == targets[0].at && targets[n].offset-targets[n-1].offset <= sinkRetryGap {
			n++
		}
		if err := r.stretch(ctx, targets[:n]); err != nil {
			return err
		}
		targets = targets[n:]
	}
	return nil
}

// stretch reads one stretch of a partition and applies the events in it that letters point at.
func (r *sinkRetrial) stretch(ctx context.Context, targets []sinkTarget) error {
	tp := kafka.TopicPartition(targets[0].at)
	ranges, err := r.bus.Ranges(ctx, tp)
	if err != nil {
		return err
	}
	span := ranges[tp]
	from, to := max(targets[0].offset, span.Start), min(targets[len(targets)-1].offset+1, span.End)
	var batch []bus.Delivered
	var of []sinkTarget
	size := int64(0)
	flush := func() error {
		err := r.apply(ctx, batch, of)
		batch, of, size = nil, nil, 0
		return err
	}
	// superseded are letters whose event compaction has taken: there is something newer of its entity, or it is deleted.
	superseded := func(until int64) error {
		var raw [][]byte
		for len(targets) > 0 && targets[0].offset < until {
			raw = append(raw, targets[0].raw)
			targets = targets[1:]
		}
		r.result.Newer += int64(len(raw))
		return r.w.letters.closeAll(ctx, raw)
	}
	if from < to {
		err = r.bus.ReadRange(ctx, tp, from, to, func(d *bus.Delivered) error {
			if err := superseded(d.Offset); err != nil || len(targets) == 0 || targets[0].offset != d.Offset {
				return err
			}
			batch = append(batch, cloneDelivered([]bus.Delivered{*d})...)
			of = append(of, targets[0])
			targets = targets[1:]
			if size += sizeOfDelivered(batch[len(batch)-1:]); len(batch) < r.w.d.cfg.BatchSize && size < maxApplyBytes {
				return nil
			}
			return flush()
		})
		if err != nil {
			return err
		}
	}
	if len(batch) > 0 {
		if err := flush(); err != nil {
			return err
		}
	}
	if err := superseded(span.End); err != nil {
		return err
	}
	r.result.Unknown += int64(len(targets)) // behind the end: this is another topic of that name
	return r.save(ctx)
}

// apply gives events to the sink again. Those it does not take have a new letter in place of the old one.
func (r *sinkRetrial) apply(ctx context.Context, batch []bus.Delivered, of []sinkTarget) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	w := r.w
	wrong := map[int64]bool{}
	w.letters.noted = func(l *Letter) {
		wrong[l.Offset] = true
		r.result.wrong(l)
	}
	events, err := w.translate(ctx, fetched{partition: of[0].at, records: batch}, nil)
	if err != nil {
		return err
	}
	for i := range events {
		events[i].at = time.Time{} // how long this took says nothing about the delivery
	}
	if err := w.apply(ctx, events); err != nil {
		return err
	}
	var rest [][]byte
	for i := range of {
		if wrong[of[i].offset] {
			continue
		}
		r.result.Resolved++
		if w.letters.known.has(fingerprint(of[i].raw)) {
			rest = append(rest, of[i].raw) // one that does not stand under its key
		}
	}
	if err := w.letters.closeAll(ctx, rest); err != nil {
		return err
	}
	return r.save(ctx)
}
