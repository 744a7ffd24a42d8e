package adaptertest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/record"
)

// fullSink is what the sink of a complete adapter can do.
type fullSink interface {
	adapters.Sink
	adapters.SinkReader
	adapters.Sweeper
}

// brokenSink is a sink with one defect, which an author may well make.
type brokenSink struct {
	fullSink
	env   adapters.Env
	ended <-chan struct{} // closed when the case is over
	// change alters a change before it is applied, or drops it.
	change  func(*record.Change) bool
	apply   func(ctx context.Context, pipeline string, changes []record.Change, from, to adapters.Offsets) error
	offsets func(pipeline string, p []adapters.TopicPartition) (string, []adapters.TopicPartition)
	rows    func(*adapters.SinkRow) bool
	opening func(error) error
	closing func() error
	last    func(int64) int64
	// bare hides the methods beyond adapters.Sink, as a changed signature does.
	bare bool
}

func (s *brokenSink) Open(ctx context.Context) error {
	err := s.fullSink.Open(ctx)
	if s.opening != nil {
		err = s.opening(err)
	}
	return err
}

func (s *brokenSink) Offsets(ctx context.Context, pipeline string, partitions []adapters.TopicPartition) (adapters.Offsets, error) {
	if s.offsets != nil {
		pipeline, partitions = s.offsets(pipeline, partitions)
	}
	return s.fullSink.Offsets(ctx, pipeline, partitions)
}

func (s *brokenSink) Apply(ctx context.Context, pipeline string, changes []record.Change, from, to adapters.Offsets) error {
	if s.change != nil {
		var altered []record.Change
		for _, c := range changes {
			target := *c.Target
			c.Target = &target
			if s.change(&c) {
				altered = append(altered, c)
			}
		}
		changes = altered
	}
	if s.apply != nil {
		return s.apply(ctx, pipeline, changes, from, to)
	}
	return s.fullSink.Apply(ctx, pipeline, changes, from, to)
}

func (s *brokenSink) Rows(ctx context.Context, target *record.Target, fn func(adapters.SinkRow) error) error {
	return s.fullSink.Rows(ctx, target, func(row adapters.SinkRow) error {
		if s.rows != nil && !s.rows(&row) {
			return nil
		}
		return fn(row)
	})
}

func (s *brokenSink) LastApply(ctx context.Context, pipeline string) (int64, error) {
	at, err := s.fullSink.LastApply(ctx, pipeline)
	if s.last != nil {
		at = s.last(at)
	}
	return at, err
}

func (s *brokenSink) Close() error {
	err := s.fullSink.Close()
	if s.closing != nil {
		err = s.closing()
	}
	return err
}

// changes makes a defect that alters each change.
func changes(alter func(*record.Change)) func(*brokenSink) {
	return func(s *brokenSink) {
		s.change = func(c *record.Change) bool { alter(c); return true }
	}
}

// rejecting makes a defect in what a rejection says.
func rejecting(alter func(*adapters.Rejection)) func(*brokenSink) {
	return func(s *brokenSink) {
		s.apply = func(ctx context.Context, pipeline string, changes []record.Change, from, to adapters.Offsets) error {
			err := s.fullSink.Apply(ctx, pipeline, changes, from, to)
			var rejected *adapters.RejectedError
			if errors.As(err, &rejected) {
				for i := range rejected.Rejections {
					alter(&rejected.Rejections[i])
				}
			}
			return err
		}
	}
}

// TestSuiteFindsBrokenSinks runs each case on a sink that is broken in the way the case is about.
func TestSuiteFindsBrokenSinks(t *testing.T) {
	type defect struct {
		cases string // that must fail, by "; "
		spoil func(*brokenSink)
	}
	sequence := int64(1 << 40)
	defects := map[string]defect{
		"drops deletes": {"delete; a deleted key is not resurrected; another source takes a deleted key; key change", func(s *brokenSink) {
			s.change = func(c *record.Change) bool { return !c.Delete }
		}},
		"applies only inserts": {"insert and update; an already filled table is adopted; update only; columns that are not named stay", changes(func(c *record.Change) { c.Target.Write = record.AppendOnly })},
		"trims text":           {"text and numbers arrive as they are", changes(func(c *record.Change) { c.Values = c.Values.Clone(); trimAll(c.Values) })},
		"keys as floats":       {"text and numbers arrive as they are", changes(func(c *record.Change) { c.Key = c.Key.Clone(); c.Key[1].Num = int64(float64(c.Key[1].Num)) })},
		"touches other columns": {"columns that are not named stay; an already filled table is adopted", changes(func(c *record.Change) {
			if !c.Delete {
				c.Target.Columns, c.Values = append(slices.Clip(c.Target.Columns), "note"), append(slices.Clip(c.Values), record.NullValue)
			}
		})},
		"on create at every write": {"on create; columns that are not named stay", changes(func(c *record.Change) {
			if !c.Delete {
				c.Target.Columns, c.Values = append(slices.Clip(c.Target.Columns), c.Target.OnCreate...), append(slices.Clip(c.Values), c.OnCreate...)
				c.Target.OnCreate, c.OnCreate = nil, nil
			}
		})},
		"forgets on create": {"on create; insert and update", changes(func(c *record.Change) { c.Target.OnCreate, c.OnCreate = nil, nil })},
		"ignores the stored offsets": {"a moved offset refuses the write; replay is a no-op; one of two instances wins; an Apply without changes moves the offsets; append only", func(s *brokenSink) {
			s.apply = func(ctx context.Context, pipeline string, changes []record.Change, from, to adapters.Offsets) error {
				for {
					stored, err := s.fullSink.Offsets(ctx, pipeline, keysOf(from))
					if err != nil {
						return err
					}
					if err = s.fullSink.Apply(ctx, pipeline, changes, stored, to); !errors.Is(err, adapters.ErrOffsetMoved) {
						return err
					}
				}
			}
		}},
		"checks one offset only": {"a moved offset refuses the write", func(s *brokenSink) {
			s.apply = func(ctx context.Context, pipeline string, changes []record.Change, from, to adapters.Offsets) error {
				checked := adapters.Offsets{partition(0): from[partition(0)]}
				return s.fullSink.Apply(ctx, pipeline, changes, checked, to)
			}
		}},
		"checks only what moves": {"a partition that only from names is a condition", func(s *brokenSink) {
			s.apply = func(ctx context.Context, pipeline string, changes []record.Change, from, to adapters.Offsets) error {
				checked := maps.Clone(from)
				maps.DeleteFunc(checked, func(p adapters.TopicPartition, _ adapters.Offset) bool { _, moves := to[p]; return !moves })
				return s.fullSink.Apply(ctx, pipeline, changes, checked, to)
			}
		}},
		"writes before it checks": {"a moved offset refuses the write; replay is a no-op", func(s *brokenSink) {
			s.apply = func(ctx context.Context, pipeline string, changes []record.Change, from, to adapters.Offsets) error {
				stored, err := s.fullSink.Offsets(ctx, pipeline, keysOf(from))
				if err == nil {
					err = s.fullSink.Apply(ctx, pipeline, fresh(changes, &sequence), stored, stored)
				}
				if err == nil {
					err = s.fullSink.Apply(ctx, pipeline, nil, from, to)
				}
				return err
			}
		}},
		"one offset for all pipelines": {"two pipelines keep apart", func(s *brokenSink) {
			s.offsets = func(_ string, p []adapters.TopicPartition) (string, []adapters.TopicPartition) { return pipeline, p }
			s.apply = func(ctx context.Context, _ string, changes []record.Change, from, to adapters.Offsets) error {
				return s.fullSink.Apply(ctx, pipeline, changes, from, to)
			}
		}},
		"guesses whose offsets an empty Apply moves": {"an Apply without changes moves its own pipeline", func(s *brokenSink) {
			asked := ""
			s.offsets = func(name string, p []adapters.TopicPartition) (string, []adapters.TopicPartition) {
				asked = name
				return name, p
			}
			s.apply = func(ctx context.Context, pipeline string, changes []record.Change, from, to adapters.Offsets) error {
				if len(changes) == 0 {
					pipeline = asked
				}
				return s.fullSink.Apply(ctx, pipeline, changes, from, to)
			}
		}},
		"forgets partitions that were never seen": {"offsets", func(s *brokenSink) {
			s.offsets = func(name string, p []adapters.TopicPartition) (string, []adapters.TopicPartition) { return name, p[:1] }
		}},
		"skips an empty Apply": {"an Apply without changes moves the offsets", func(s *brokenSink) {
			s.apply = func(ctx context.Context, pipeline string, changes []record.Change, from, to adapters.Offsets) error {
				if len(changes) == 0 {
					return nil
				}
				return s.fullSink.Apply(ctx, pipeline, changes, from, to)
			}
		}},
		"forgets sequences": {"older never overwrites newer; a deleted key is not resurrected; append only; delete is ignored; delete sets columns; a replay's generation is newer; replay is a no-op", func(s *brokenSink) {
			s.apply = func(ctx context.Context, pipeline string, changes []record.Change, from, to adapters.Offsets) error {
				return s.fullSink.Apply(ctx, pipeline, fresh(changes, &sequence), from, to)
			}
		}},
		"forgets generations":           {"a replay's generation is newer", changes(func(c *record.Change) { c.Generation = 0 })},
		"does not know sources":         {"another source's event for a live key; another source cannot delete; another source takes a deleted key", changes(func(c *record.Change) { c.Source = phutho })},
		"takes over without being told": {"another source's event for a live key", changes(func(c *record.Change) { c.Target.Conflict = record.ConflictReplaces })},
		"keeps a key for its first owner": {"another source takes a deleted key", func(s *brokenSink) {
			s.change = func(c *record.Change) bool { return c.Source == phutho }
		}},
		"writes the good half": {"a rejected row isolates; a unique violation is parked", func(s *brokenSink) {
			s.apply = func(ctx context.Context, pipeline string, changes []record.Change, from, to adapters.Offsets) error {
				err := s.fullSink.Apply(ctx, pipeline, changes, from, to)
				var rejected *adapters.RejectedError
				if errors.As(err, &rejected) {
					good := slices.Delete(slices.Clone(changes), rejected.Rejections[0].Index, rejected.Rejections[0].Index+1)
					if failed := s.fullSink.Apply(ctx, pipeline, good, from, from); failed != nil {
						return failed
					}
				}
				return err
			}
		}},
		"names the wrong change":        {"a rejected row isolates; a unique violation is parked", rejecting(func(r *adapters.Rejection) { r.Index = 0 })},
		"parks nothing":                 {"a unique violation is parked", rejecting(func(r *adapters.Rejection) { r.Park = false })},
		"parks everything":              {"a rejected row isolates; another source's event for a live key", rejecting(func(r *adapters.Rejection) { r.Park = true })},
		"rejection shows a row":         {"a rejected row isolates", rejecting(func(r *adapters.Rejection) { r.Err = errors.New(filler(1)) })},
		"has its own words for reasons": {"a rejected row isolates", rejecting(func(r *adapters.Rejection) { r.Reason = "23502" })},
		"applies one by one": {"a unique value swapped between two rows; key change", func(s *brokenSink) {
			s.apply = func(ctx context.Context, pipeline string, changes []record.Change, from, to adapters.Offsets) error {
				for i := range changes {
					if err := s.fullSink.Apply(ctx, pipeline, changes[i:i+1], from, from); err != nil {
						return err
					}
				}
				return s.fullSink.Apply(ctx, pipeline, nil, from, to)
			}
		}},
		"update only inserts":      {"update only", changes(func(c *record.Change) { c.Target.Write = record.Upsert })},
		"append only updates":      {"append only", changes(func(c *record.Change) { c.Target.Write = record.Upsert })},
		"deletes instead":          {"delete sets columns; delete is ignored; append only", changes(func(c *record.Change) { c.Target.OnDelete = record.DeleteRow })},
		"rows lacks rows":          {"rows for verify", func(s *brokenSink) { s.rows = func(r *adapters.SinkRow) bool { return r.Key[1].Num != 3 } }},
		"rows lacks bookkeeping":   {"rows for verify", func(s *brokenSink) { s.rows = func(r *adapters.SinkRow) bool { r.Sequence = ""; return true } }},
		"lost its further methods": {"capabilities are declared; rows for verify; last apply", func(s *brokenSink) { s.bare = true }},
		"never applied anything":   {"last apply", func(s *brokenSink) { s.last = func(int64) int64 { return 0 } }},
		"second Close fails":       {"sink lifecycle", func(s *brokenSink) { s.closing = func() error { return errors.New("already closed") } }},
		"unreachable is an ordinary error": {"sink unreachable", func(s *brokenSink) {
			s.opening = hide
		}},
		"error shows the secret": {"sink unreachable", func(s *brokenSink) {
			s.opening = func(err error) error {
				if err != nil {
					err = fmt.Errorf("open memory:%s: %w", secret, err)
				}
				return err
			}
		}},
		"log shows the secret": {"insert and update", func(s *brokenSink) { s.env.Log.Info("connecting", "dsn", "memory:"+secret) }},
		"leaks a goroutine":    {"insert and update", func(s *brokenSink) { go func() { <-s.ended }() }},
	}
	found := map[string]bool{}
	var mu sync.Mutex
	for name, d := range defects {
		t.Run(name, func(t *testing.T) {
			for _, c := range named(t, sinkCases(), func(c sinkCase) string { return c.name }, d.cases) {
				result := watch(t, func(tb testing.TB) { c.runOn(tb, brokenSinkSpec(d.spoil)) })
				if !result.Failed() {
					t.Errorf("the case %q passes a sink that %s\n%s", c.name, name, result.text())
				}
				mu.Lock()
				found[c.name] = true
				mu.Unlock()
			}
		})
	}
	for _, c := range sinkCases() {
		if !found[c.name] {
			t.Errorf("no broken sink shows that the case %q can fail", c.name)
		}
	}
}

func brokenSinkSpec(spoil func(*brokenSink)) SinkSpec {
	return SinkSpec{Capabilities: fullSinkCapabilities, Patience: time.Second, New: func(tb testing.TB) SinkFixture {
		f := memorySink(tb)
		f.Secret = secret
		ended := make(chan struct{})
		tb.Cleanup(func() { close(ended) })
		broken := func(build func(adapters.Env) adapters.Sink) func(adapters.Env) adapters.Sink {
			return func(env adapters.Env) adapters.Sink {
				s := &brokenSink{fullSink: build(env).(fullSink), env: env, ended: ended}
				spoil(s)
				if s.bare {
					return struct{ adapters.Sink }{s}
				}
				return s
			}
		}
		f.Sink, f.Unreachable = broken(f.Sink), broken(f.Unreachable)
		return f
	}}
}

// fresh gives changes sequences that are newer than all before.
func fresh(changes []record.Change, sequence *int64) []record.Change {
	changes = slices.Clone(changes)
	for i := range changes {
		*sequence++
		changes[i].Sequence = fmt.Sprintf("%032x", *sequence)
	}
	return changes
}

func keysOf(offsets adapters.Offsets) []adapters.TopicPartition {
	var keys []adapters.TopicPartition
	for p := range offsets {
		keys = append(keys, p)
	}
	return keys
}

func trimAll(row record.Row) {
	for i := range row {
		row[i].Bytes = []byte(strings.TrimSpace(string(row[i].Bytes)))
	}
}
