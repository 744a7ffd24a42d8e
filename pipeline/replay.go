package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/record"
)

// A replay writes again what the topics say, over whatever the sink holds:
//
//	raise the generation ─► set the offsets back ─► deliver, as always ─► sweep what was not written ─► done, request closed
//
// Each step is one transaction at the sink that is on record when it is done, so that a crash anywhere goes on with this
// replay and never begins another. What comes from before is older than anything of the new generation; and as every Apply
// has the generation for a condition, nobody who was stopped meanwhile can move an offset over what is yet to be replayed.

// beginReplay begins or goes on with what is asked for. It returns errBeginAnew when the offsets have been set back.
func (w *writer) beginReplay(ctx context.Context, open map[string]Request) error {
	g := &w.generation
	if g.Phase == replayDone {
		if err := w.closeRequest(ctx, open, g.Request); err != nil {
			return err
		}
	}
	if g.Phase == "" || g.Phase == replayDone {
		q := nextReplay(open)
		if q == nil {
			return nil
		}
		if why := w.cannotReplay(q); why != "" {
			// Whoever asked was told by the command; a delivery does not stop for it.
			w.d.cfg.Log.Error("a replay is refused", "pipeline", w.d.cfg.Name, "why", why)
			return w.closeRequest(ctx, open, q.ID)
		}
		if err := w.raise(ctx, q); err != nil {
			return err
		}
	}
	if g.Phase == replayRewinds {
		if err := w.rewind(ctx); err != nil {
			return err
		}
		return errBeginAnew
	}
	return nil
}

// nextReplay is the oldest open request for a replay.
func nextReplay(open map[string]Request) *Request {
	var next *Request
	for _, q := range open {
		if q.Replay != nil && (next == nil || cmp.Or(q.Made.Compare(next.Made), strings.Compare(q.ID, next.ID)) < 0) {
			next = &q
		}
	}
	return next
}

// cannotReplay says why a request cannot be done; "" when it can.
func (w *writer) cannotReplay(q *Request) string {
	if w.d.target.Write == record.AppendOnly {
		return "the delivery appends to an inbox table: a replay would add every row a second time"
	}
	if _, ok := w.sink.(adapters.SinkReader); !ok && q.Replay.whole() {
		return "the sink cannot be read back, so what is gone from the topics cannot be found"
	}
	return ""
}

// raise fences off everybody who delivers under the present generation.
func (w *writer) raise(ctx context.Context, q *Request) error {
	d := w.d
	next := generation{number: w.generation.number + 1, Stale: w.generation.Stale, Request: q.ID, Phase: replayRewinds, Since: d.cfg.Now().UTC(), Replay: *q.Replay}
	if err := w.setGeneration(ctx, next, nil, nil); err != nil {
		return err
	}
	d.cfg.Log.Warn("replay begins: what the topics say is written again", "pipeline", d.cfg.Name, "generation", next.number, "whole", next.whole())
	d.at(PointRaised)
	return nil
}

// rewind sets the offsets of all partitions back, also of those that other instances deliver: their next Apply fails, and
// they ask where they stand.
func (w *writer) rewind(ctx context.Context) error {
	d, next := w.d, w.generation
	topics, err := d.Topics(ctx)
	if err != nil {
		return err
	}
	infos, err := d.cfg.Client.Describe(ctx, topics...)
	if err != nil {
		return err
	}
	var parts []kafka.TopicPartition
	var wanted []adapters.TopicPartition
	for topic, info := range infos {
		for n := range info.Partitions {
			parts = append(parts, kafka.TopicPartition{Topic: topic, Partition: int32(n)})
			wanted = append(wanted, adapters.TopicPartition{Topic: topic, Partition: int32(n)})
		}
	}
	from, err := w.sink.Offsets(ctx, d.cfg.Name, wanted)
	if err != nil {
		return err
	}
	ranges, err := d.cfg.Client.Ranges(ctx, parts...)
	if err != nil {
		return err
	}
	var since map[kafka.TopicPartition]int64
	if !next.From.IsZero() {
		if since, err = d.cfg.Client.OffsetsAt(ctx, next.From, parts...); err != nil {
			return err
		}
	}
	next.Phase, next.Until = replayRuns, map[string][]int64{}
	to := adapters.Offsets{}
	for i, tp := range parts {
		start, until := ranges[tp].Start, ranges[tp].End
		if since != nil {
			start = since[tp]
		}
		if !next.whole() {
			// What was not delivered yet comes as always.
			until = min(until, from[wanted[i]].Next)
			start = min(start, until)
		}
		to[wanted[i]] = adapters.Offset{Next: start, Mark: deliveryMark{TopicID: infos[tp.Topic].ID}.String()}
		if next.Until[tp.Topic] == nil {
			next.Until[tp.Topic] = make([]int64, infos[tp.Topic].Partitions)
		}
		next.Until[tp.Topic][tp.Partition] = until
	}
	if err := w.setGeneration(ctx, next, from, to); err != nil {
		return err
	}
	d.at(PointRewound)
	return nil
}

// finishReplay ends a replay that has come to its end: it sweeps, says so to the sink, and closes the request.
func (w *writer) finishReplay(ctx context.Context) error {
	g := &w.generation
	if g.Phase != replayRuns || len(w.parked) > 0 {
		return nil
	}
	if complete, err := w.replayed(ctx); err != nil || !complete {
		return err
	}
	if g.whole() && !w.swept {
		deleted, err := w.sweep(ctx)
		if err != nil {
			return fmt.Errorf("sweep subscribe.%s: %w", w.d.cfg.Name, err)
		}
		w.swept = true
		w.d.cfg.Log.Info("replay has swept", "pipeline", w.d.cfg.Name, "generation", g.number, "deleted", deleted)
		w.d.at(PointSwept)
		if len(w.parked) > 0 {
			return nil // a deletion that is parked is known here only: it is not done before it is through
		}
	}
	next := *g
	next.Phase, next.Until = replayDone, nil
	if err := w.setGeneration(ctx, next, nil, nil); err != nil {
		return err
	}
	w.d.cfg.Log.Info("replay is complete", "pipeline", w.d.cfg.Name, "generation", g.number)
	w.d.at(PointReplayed)
	return errBeginAnew // which closes the request, and begins what else is asked for
}

// replayed reports whether every partition was delivered up to where the replay goes. Partitions of other instances are the sink's to tell.
func (w *writer) replayed(ctx context.Context) (bool, error) {
	var others []adapters.TopicPartition
	for topic, until := range w.generation.Until {
		for n, end := range until {
			tp := adapters.TopicPartition{Topic: topic, Partition: int32(n)}
			if at, mine := w.state.committed[tp]; !mine {
				others = append(others, tp)
			} else if at.Next < end && w.state.ranges[kafka.TopicPartition(tp)].Start < end {
				return false, nil
			}
		}
	}
	if len(others) == 0 {
		return true, nil
	}
	infos, err := w.d.cfg.Client.Describe(ctx, slices.Collect(maps.Keys(w.generation.Until))...)
	if err != nil {
		return false, err
	}
	stored, err := w.sink.Offsets(ctx, w.d.cfg.Name, others)
	if err != nil {
		return false, err
	}
	for _, tp := range others {
		// A topic that was deleted meanwhile brings nothing any more.
		if infos[tp.Topic].Partitions > 0 && stored[tp].Next < w.generation.Until[tp.Topic][tp.Partition] {
			return false, nil
		}
	}
	return true, nil
}

// topicOf is the topic on which the events of a source come.
func (d *Delivery) topicOf(source string) string {
	parts := strings.Split(source, "/") // "", agencies, <agency>, …
	if len(parts) < 3 {
		return ""
	}
	return bus.EventTopic(d.cfg.Dataset.ID(), parts[2])
}

// closeRequest writes the tombstone over a request for a replay that is done.
func (w *writer) closeRequest(ctx context.Context, open map[string]Request, id string) error {
	key := requestKey(w.d.cfg.Agency, w.d.orders(), id)
	if _, ok := open[key]; !ok {
		return nil
	}
	if err := w.letters.closeRequests(ctx, []bus.Message{{Key: []byte(key)}}); err != nil {
		return fmt.Errorf("close request: %w", err)
	}
	delete(open, key)
	return nil
}

// ReplayStatus is a replay under way.
type ReplayStatus struct {
	Since time.Time `json:"since"`
	// Whole: it ends with a sweep.
	Whole bool `json:"whole"`
}
