package pipeline

import (
	"context"
	"slices"

	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
)

// sweeper finds the keys on one partition that are live and were last written before a sequence. It reads the partition
// twice for each slice of the key space: first the fingerprints of what was seen since, then the candidates, so that memory
// stays bounded however large the topic is.
type sweeper struct {
	bus       Bus
	partition kafka.TopicPartition
	span      kafka.Range
	source    string
	before    string
}

const (
	// sweepSlice is how many fingerprints are held at a time (32 MB).
	sweepSlice = 4 << 20
	// sweepGroup is how many keys are handed out at a time.
	sweepGroup = 1000
	// sweepCandidates bounds the candidates held. When there are more, they are handed out early: a key that had its
	// tombstone already gets a second one, which changes nothing.
	sweepCandidates = 100_000
)

func (w *sweeper) vanished(ctx context.Context, emit func(keys [][]byte) error) error {
	if w.span.Start >= w.span.End {
		return nil
	}
	slicesOfKeys := uint64((w.span.End-w.span.Start)/sweepSlice) + 1
	for n := range slicesOfKeys {
		var seen []uint64
		err := w.scan(ctx, slicesOfKeys, n, func(e *bus.Event, fp uint64) error {
			if e.Sequence >= w.before {
				seen = append(seen, fp)
			}
			return nil
		})
		if err != nil {
			return err
		}
		slices.Sort(seen)
		seen = slices.Compact(seen)
		candidates := map[string]struct{}{}
		err = w.scan(ctx, slicesOfKeys, n, func(e *bus.Event, fp uint64) error {
			if e.Sequence >= w.before {
				return nil
			}
			if _, ok := slices.BinarySearch(seen, fp); ok {
				return nil
			}
			if e.Data == nil {
				delete(candidates, string(e.Key))
				return nil
			}
			candidates[string(e.Key)] = struct{}{}
			if len(candidates) < sweepCandidates {
				return nil
			}
			return hand(candidates, emit)
		})
		if err == nil {
			err = hand(candidates, emit)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *sweeper) scan(ctx context.Context, slicesOfKeys, n uint64, fn func(e *bus.Event, fp uint64) error) error {
	return w.bus.ReadRange(ctx, w.partition, w.span.Start, w.span.End, func(d *bus.Delivered) error {
		fp := fingerprint(d.Key)
		if fp%slicesOfKeys != n {
			return nil
		}
		e, err := bus.ParseEvent(d)
		if err != nil || e.Source != w.source {
			return nil //nolint:nilerr // what is not an event of this pipeline is not its to sweep
		}
		return fn(&e, fp)
	})
}

// hand gives the candidates out in groups, in key order, and empties the set.
func hand(candidates map[string]struct{}, emit func(keys [][]byte) error) error {
	keys := make([][]byte, 0, len(candidates))
	for k := range candidates {
		keys = append(keys, []byte(k))
	}
	clear(candidates)
	slices.SortFunc(keys, slices.Compare)
	for group := range slices.Chunk(keys, sweepGroup) {
		if err := emit(group); err != nil {
			return err
		}
	}
	return nil
}
