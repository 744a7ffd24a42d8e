package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/adapters/memory"
	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/record"
)

// damage writes into the agency's table behind truc's back.
func (w *town) damage(fn func(tx *memory.Tx) error) {
	w.t.Helper()
	if err := w.sink.Transact(fn); err != nil {
		w.t.Fatal(err)
	}
}

func sinkKeyOf(so string) record.Row {
	return record.Row{record.TextValue("H44.15"), record.TextValue(so), record.TextValue("2026")}
}

func sinkRow(so, name string) record.Row {
	return append(sinkKeyOf(so), record.TextValue(name), record.TextValue("tay"))
}

// haunt puts a row into the sink as a delivery did whose deletion was compacted away.
func (w *town) haunt(so, sequence string) {
	w.t.Helper()
	w.hauntOf("H44.15", so, sequence)
}

// hauntOf does so with a row of some agency's.
func (w *town) hauntOf(agency, so, sequence string) {
	w.t.Helper()
	sink := memory.NewSink(w.sink, adapters.Env{Name: "bhyt", Log: w.log})
	defer sink.Close()
	change := record.Change{
		Target: w.delivery().target, Key: sinkKeyOf(so), Values: record.Row{record.TextValue("Ma")}, OnCreate: record.Row{record.TextValue("moi")},
		Source: bus.SourceName(agency, "hotich", "khaisinh"), Sequence: sequence,
	}
	if err := errors.Join(sink.Open(w.t.Context()), sink.Apply(w.t.Context(), "tre_em", []record.Change{change}, adapters.Offsets{}, adapters.Offsets{})); err != nil {
		w.t.Fatal(err)
	}
}

func (w *town) askReplay(id string, q Replay) {
	w.t.Helper()
	if err := PutRequest(w.t.Context(), KafkaBus{w.client}, "H26", DeliveryRequests("tre_em"), Request{ID: id, Made: time.Now(), Replay: &q}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *town) answered() {
	w.t.Helper()
	w.eventually("the request is closed", func() bool {
		open, err := openRequests(w.t.Context(), KafkaBus{w.client}, "H26", DeliveryRequests("tre_em"))
		return err == nil && len(open) == 0
	})
}

// generationOf is what the sink counts.
func (w *town) generationOf() int64 {
	w.t.Helper()
	sink := memory.NewSink(w.sink, adapters.Env{Name: "bhyt", Log: w.log})
	stored, err := sink.Offsets(w.t.Context(), "tre_em", []adapters.TopicPartition{generationPartition})
	if err != nil {
		w.t.Fatal(err)
	}
	return stored[generationPartition].Next
}

// damaged is a town whose sink holds four rows, of which one was changed, one deleted, one deleted on the topic and added again
// by hand, and one that no topic has any more. want is what the topics say.
func damaged(t *testing.T) (w *town, want []string) {
	w = newTown(t)
	w.change(func(tx *memory.Tx) error {
		return errors.Join(tx.Insert("ks", row(1, "An", 0)), tx.Insert("ks", row(2, "Bình", 0)), tx.Insert("ks", row(3, "Chi", 0)), tx.Insert("ks", row(4, "Dung", 0)))
	})
	running(t, w.reader().Run)
	stop := running(t, w.delivery().Run)
	w.arrives("KS1=An", "KS2=Bình", "KS3=Chi", "KS4=Dung")
	w.change(func(tx *memory.Tx) error { return tx.Delete("ks", record.Row{record.IntValue(4)}) })
	want = []string{"KS1=An", "KS2=Bình", "KS3=Chi"}
	w.arrives(want...)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	w.damage(func(tx *memory.Tx) error {
		return errors.Join(tx.Update("tre_em", sinkKeyOf("KS1"), sinkRow("KS1", "Sai")), tx.Delete("tre_em", sinkKeyOf("KS2")), tx.Insert("tre_em", sinkRow("KS4", "Dung tay")))
	})
	w.haunt("KS9", strings.Repeat("f", sequenceSize))
	return w, want
}

// TestReplay: a damaged sink equals the topic afterwards, and the delivery goes on under the new generation.
func TestReplay(t *testing.T) {
	w, want := damaged(t)
	d := w.delivery()
	running(t, d.Run)
	w.eventually("the delivery runs", func() bool { return d.Stats().Condition().State == StateRunning })
	if got := w.sinkNames(); slices.Equal(got, want) {
		t.Fatalf("the damage mends itself: %v", got)
	}
	w.askReplay("1", Replay{})
	w.arrives(want...)
	w.answered()
	if n := w.generationOf(); n != 1 || d.Stats().Generation.Load() != 1 || d.Stats().Replay() != nil {
		t.Errorf("generation %d at the sink, %d shown, replay %+v; want 1, 1 and none", n, d.Stats().Generation.Load(), d.Stats().Replay())
	}
	w.change(func(tx *memory.Tx) error {
		return errors.Join(tx.Update("ks", record.Row{record.IntValue(1)}, row(1, "An Nhiên", 0)), tx.Insert("ks", row(9, "Giang", 0)))
	})
	w.arrives("KS1=An Nhiên", "KS2=Bình", "KS3=Chi", "KS9=Giang")
	if _, subscribe := w.verify(); !subscribe.Equal {
		t.Errorf("verify: %+v", subscribe)
	}
	w.askReplay("2", Replay{})
	w.answered()
	if n := w.generationOf(); n != 2 {
		t.Errorf("generation %d after a second replay, want 2", n)
	}
}

// TestReplayCrashes: a process that dies at any step of a replay leaves it to the next one, which goes on with the same.
func TestReplayCrashes(t *testing.T) {
	for _, point := range []Point{PointRaised, PointRewound, PointFetched, PointApplied, PointSwept, PointReplayed} {
		t.Run(string(point), func(t *testing.T) {
			w, want := damaged(t)
			w.askReplay("1", Replay{})
			for range 2 { // dies there twice
				d := w.delivery()
				ctx, die := context.WithCancel(t.Context())
				died := make(chan struct{})
				d.cfg.BatchSize = 1
				d.cfg.At = func(p Point) {
					if p == point && ctx.Err() == nil && (p == PointRaised || d.Stats().Replay() != nil || p == PointReplayed) {
						die() // nothing is written any more: every write wants a living context
						close(died)
					}
				}
				done := make(chan error, 1)
				go func() { done <- d.Run(ctx) }()
				select {
				case <-died:
				case <-time.After(time.Second): // it died behind this point before: the second life does not come by
				}
				die()
				if err := <-done; err != nil {
					t.Fatal(err)
				}
			}
			running(t, w.delivery().Run)
			w.answered()
			w.arrives(want...)
			if n := w.generationOf(); n != 1 {
				t.Errorf("generation %d: the crash has begun another replay", n)
			}
		})
	}
}

// TestReplayShared: two instances that share the partitions do one replay together, also when one of them goes in the middle.
func TestReplayShared(t *testing.T) {
	w, want := damaged(t)
	one, other := w.delivery(), w.delivery()
	one.cfg.BatchSize, other.cfg.BatchSize = 1, 1
	running(t, one.Run)
	stop := running(t, other.Run)
	w.eventually("both have partitions", func() bool {
		return one.Stats().Partitions.Load() > 0 && other.Stats().Partitions.Load() > 0 && one.Stats().Partitions.Load()+other.Stats().Partitions.Load() == 3
	})
	w.askReplay("1", Replay{})
	w.answered()
	w.arrives(want...)
	w.askReplay("2", Replay{})
	w.eventually("the second replay has begun", func() bool { return w.generationOf() == 2 })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	w.answered()
	w.arrives(want...)
	if n := w.generationOf(); n != 2 {
		t.Errorf("generation %d after two replays", n)
	}
}

// TestReplaySweepCrash: a process that dies in the middle of the sweep leaves it to the next one.
func TestReplaySweepCrash(t *testing.T) {
	w, want := damaged(t)
	w.haunt("KS8", strings.Repeat("f", sequenceSize))
	w.askReplay("1", Replay{})
	d := w.delivery()
	d.cfg.BatchSize = 1
	open := d.cfg.Open
	ctx, die := context.WithCancel(t.Context())
	defer die()
	d.cfg.Open = func() (adapters.Sink, error) {
		s, err := open()
		return &sweptSink{Sink: s.(*memory.Sink), die: die}, err
	}
	if err := d.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if got := w.sinkNames(); len(got) != len(want)+1 {
		t.Fatalf("the sweep was not stopped in the middle: %v", got)
	}
	running(t, w.delivery().Run)
	w.answered()
	w.arrives(want...)
	if n := w.generationOf(); n != 1 {
		t.Errorf("generation %d: the crash has begun another replay", n)
	}
}

// sweptSink dies with the first row that a sweep has deleted.
type sweptSink struct {
	*memory.Sink
	die context.CancelFunc
}

func (s *sweptSink) Apply(ctx context.Context, pipeline string, changes []record.Change, from, to adapters.Offsets) error {
	err := s.Sink.Apply(ctx, pipeline, changes, from, to)
	if len(changes) > 0 && changes[0].Sequence == strings.Repeat("0", sequenceSize) {
		s.die()
	}
	return err
}

// TestReplayZombie: an instance that was stopped with a batch in its hands, and wakes when the replay has brought the offsets
// back to exactly where it stood, writes nothing and moves nothing.
func TestReplayZombie(t *testing.T) {
	w := newTown(t)
	w.publish = testPublish(t, 1)
	w.change(func(tx *memory.Tx) error { return tx.Insert("ks", row(1, "An", 0)) })
	running(t, w.reader().Run)
	stop := running(t, w.delivery().Run)
	w.arrives("KS1=An")
	w.eventually("the offset is stored", func() bool { return w.stored(0) > 0 })
	stands := w.stored(0)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	zombie := w.delivery()
	sink := memory.NewSink(w.sink, adapters.Env{Name: "bhyt", Log: w.log})
	z := w.newWriter(zombie)
	tp := adapters.TopicPartition{Topic: w.publish.Topic}
	at, err := sink.Offsets(t.Context(), "tre_em", []adapters.TopicPartition{tp})
	if err != nil {
		t.Fatal(err)
	}
	if err := z.loadGeneration(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	z.state.committed = at
	z.state.read = adapters.Offsets{tp: {Next: stands + 1}}

	w.askReplay("1", Replay{})
	stop = running(t, w.delivery().Run)
	w.answered()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if got := w.stored(0); got != stands {
		t.Fatalf("the offset is %d, want %d: the replay must have brought it back to where the zombie stands", got, stands)
	}
	// The event that the zombie has in its hands, as everybody else will read it.
	w.change(func(tx *memory.Tx) error {
		return tx.Update("ks", record.Row{record.IntValue(1)}, row(1, "An Nhiên", 0))
	})
	w.eventually("the event is on the topic", func() bool {
		r, err := w.client.Ranges(t.Context(), kafka.TopicPartition(tp))
		return err == nil && r[kafka.TopicPartition(tp)].End > stands
	})
	late := record.Change{Target: zombie.target, Key: sinkKeyOf("KS1"), Values: record.Row{record.TextValue("An Nhiên")}, OnCreate: record.Row{record.TextValue("moi")}, Source: bus.SourceName("H44.15", "hotich", "khaisinh"), Sequence: strings.Repeat("f", sequenceSize)}
	if err := z.commit(t.Context(), []record.Change{late}, z.state.read); !errors.Is(err, adapters.ErrOffsetMoved) {
		t.Errorf("the zombie's Apply: %v, want %v", err, adapters.ErrOffsetMoved)
	}
	running(t, w.delivery().Run)
	w.arrives("KS1=An Nhiên")
}

// TestReplayPart: a replay of some keys, or since a time, writes these and sweeps nothing.
func TestReplayPart(t *testing.T) {
	w, _ := damaged(t)
	key := func(so string) string {
		return KeyHash(w.publish.Topic, fmt.Appendf(nil, `["%s","2026","H44.15"]`, so))
	}
	d := w.delivery()
	running(t, d.Run)
	w.askReplay("1", Replay{Keys: []string{key("KS1")}})
	w.answered()
	w.arrives("KS1=An", "KS3=Chi", "KS4=Dung tay", "KS9=Ma")
	w.change(func(tx *memory.Tx) error { return tx.Insert("ks", row(5, "Em", 0)) })
	w.arrives("KS1=An", "KS3=Chi", "KS4=Dung tay", "KS5=Em", "KS9=Ma")

	w.askReplay("2", Replay{From: time.Now().Add(time.Hour)})
	w.answered()
	w.arrives("KS1=An", "KS3=Chi", "KS4=Dung tay", "KS5=Em", "KS9=Ma")
	w.askReplay("3", Replay{From: time.Now().Add(-time.Hour)})
	w.answered()
	w.arrives("KS1=An", "KS2=Bình", "KS3=Chi", "KS5=Em", "KS9=Ma")
}

// TestReplayEndsBehindMarkers: a partition may end with what is no record, as the fence of a publisher leaves it.
func TestReplayEndsBehindMarkers(t *testing.T) {
	w := newTown(t)
	w.change(func(tx *memory.Tx) error { return tx.Insert("ks", row(1, "An", 0)) })
	for range 2 { // the second start leaves markers behind the event, too
		stop := running(t, w.reader().Run)
		w.eventually("the event is published", func() bool { return w.source.LogLength() == 0 })
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	}
	running(t, w.delivery().Run)
	w.arrives("KS1=An")
	w.askReplay("1", Replay{})
	w.answered()
}

// TestReconcileCrash: a reconcile after a long absence that dies half-way is done by the next start, although its first Apply
// has made the absence look over.
func TestReconcileCrash(t *testing.T) {
	w, _ := damaged(t)
	w.haunt("KS8", strings.Repeat("0", sequenceSize))
	w.change(func(tx *memory.Tx) error { return tx.Insert("ks", row(5, "Em", 0)) })
	d := w.delivery()
	d.cfg.Now = func() time.Time { return time.Now().Add(DeleteRetention) }
	open := d.cfg.Open
	ctx, die := context.WithCancel(t.Context())
	d.cfg.Open = func() (adapters.Sink, error) {
		s, err := open()
		return &dyingSink{Sink: s, die: die}, err
	}
	_ = d.Run(ctx)
	if got := w.sinkNames(); !slices.Contains(got, "KS8=Ma") {
		t.Fatalf("the reconcile was done before the crash: %v", got)
	}
	running(t, w.delivery().Run)
	w.eventually("the ghost is gone", func() bool { return !slices.Contains(w.sinkNames(), "KS8=Ma") })
}

// dyingSink dies with the first changes it has applied.
type dyingSink struct {
	adapters.Sink
	die context.CancelFunc
}

func (s *dyingSink) LastApply(ctx context.Context, pipeline string) (int64, error) {
	return s.Sink.(adapters.Sweeper).LastApply(ctx, pipeline)
}

func (s *dyingSink) Apply(ctx context.Context, pipeline string, changes []record.Change, from, to adapters.Offsets) error {
	err := s.Sink.Apply(ctx, pipeline, changes, from, to)
	if len(changes) > 0 {
		s.die()
	}
	return err
}
