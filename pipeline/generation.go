package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/problem"
)

// generationPartition is where a sink keeps the generation of a delivery, as the offset of a partition that no bus can have.
// The name comes before that of every topic, so that its row is locked first.
var generationPartition = adapters.TopicPartition{Topic: "#generation"}

// generation counts the deliberate replays of a delivery, in the sink itself: every Apply has it for a condition. Beside it
// stands what must outlive a crash of the last replay and of a reconcile.
type generation struct {
	number uint32

	// Stale: the sink was away longer than tombstones live, and the reconcile that mends it is not done yet.
	Stale bool `json:"stale,omitempty"`
	// Request is the id of the request for the last replay. Together with Phase it makes a request count once.
	Request string      `json:"request,omitempty"`
	Phase   replayPhase `json:"phase,omitempty"`
	Since   time.Time   `json:"since,omitzero"`
	Replay
	// Until holds for each partition of the topics the offset up to which the replay goes.
	Until map[string][]int64 `json:"until,omitempty"`
}

// replayPhase is how far a replay has come.
type replayPhase string

const (
	// replayRewinds: the generation is raised, which fences off whoever delivers under the last one; the offsets are not set back yet.
	replayRewinds replayPhase = "rewinds"
	// replayRuns: the offsets are set back, and the topics are delivered again.
	replayRuns replayPhase = "runs"
	// replayDone: what there was to sweep is swept.
	replayDone replayPhase = "done"
)

func (g *generation) rewinds() bool { return g.Phase == replayRewinds }

// passesOver reports whether a replay of some keys leaves an event alone. Beyond what was delivered before, none is.
func (g *generation) passesOver(r *bus.Delivered) bool {
	if g.Phase != replayRuns || len(g.Keys) == 0 {
		return false
	}
	until := g.Until[r.Topic]
	return int(r.Partition) < len(until) && r.Offset < until[r.Partition] && !slices.Contains(g.Keys, KeyHash(r.Topic, r.Key))
}

// offset is the generation as the sink stores it.
func (g *generation) offset() (adapters.Offset, error) {
	mark, err := json.Marshal(g)
	if err != nil {
		return adapters.Offset{}, fmt.Errorf("encode generation: %w", err)
	}
	return adapters.Offset{Next: int64(g.number), Mark: string(mark)}, nil
}

// loadGeneration asks the sink, and sees to it that there is something to compare with. away is kept with it when it is
// written: writing makes an absence look over.
func (w *writer) loadGeneration(ctx context.Context, away bool) error {
	d := w.d
	stored, err := w.sink.Offsets(ctx, d.cfg.Name, []adapters.TopicPartition{generationPartition})
	if err != nil {
		return err
	}
	at := stored[generationPartition]
	w.generation = generation{number: uint32(at.Next)}
	if at.Mark != "" {
		if err := json.Unmarshal([]byte(at.Mark), &w.generation); err != nil {
			return &adapters.RefusedError{Where: "subscribe." + d.cfg.Name, What: problem.Say("the sink's bookkeeping holds a generation that this version cannot read"), Fix: problem.Say("run the newer truc that wrote it")}
		}
	}
	if at.Mark == "" || w.generation.number < d.cfg.Generation {
		next := w.generation
		next.number, next.Stale = max(next.number, d.cfg.Generation), next.Stale || away
		if err := w.setGeneration(ctx, next, nil, nil); err != nil {
			return err
		}
	}
	d.stats.setGeneration(&w.generation)
	return nil
}

// setGeneration stores a generation, and offsets with it, where nobody has raised it meanwhile.
func (w *writer) setGeneration(ctx context.Context, next generation, from, to adapters.Offsets) error {
	if from == nil {
		from, to = adapters.Offsets{}, adapters.Offsets{}
	}
	at, err := next.offset()
	if err != nil {
		return err
	}
	from[generationPartition], to[generationPartition] = adapters.Offset{Next: int64(w.generation.number)}, at
	if err := w.sink.Apply(ctx, w.d.cfg.Name, nil, from, to); err != nil {
		return err
	}
	w.generation = next
	w.d.stats.setGeneration(&w.generation)
	return nil
}

func (w *writer) setStale(ctx context.Context, stale bool) error {
	if w.generation.Stale == stale {
		return nil
	}
	next := w.generation
	next.Stale = stale
	return w.setGeneration(ctx, next, nil, nil)
}
