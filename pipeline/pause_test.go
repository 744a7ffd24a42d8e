package pipeline

import (
	"context"
	"testing"
	"time"

	"github.com/lienthong/truc/adapters/memory"
)

// TestPauseSource: a paused reader publishes nothing and loses nothing, stays paused over restarts of the node, and goes on
// where it was. What was asked for meanwhile waits.
func TestPauseSource(t *testing.T) {
	w := newTown(t)
	b := KafkaBus{w.client}
	w.change(func(tx *memory.Tx) error { return tx.Insert("ks", row(1, "An", 0)) })
	r := w.reader()
	stop := running(t, r.Run)
	running(t, w.delivery().Run)
	w.arrives("KS1=An")

	since := time.Date(2026, 11, 3, 8, 0, 0, 0, time.UTC)
	if err := PutPause(t.Context(), b, "H44.15", "hotich", since); err != nil {
		t.Fatal(err)
	}
	paused := func(r *Reader) func() bool {
		return func() bool {
			c := r.Stats().Condition()
			return c.State == StatePaused && c.Since.Equal(since) && c.Err() == nil
		}
	}
	w.eventually("the reader is paused", paused(r))
	w.change(func(tx *memory.Tx) error { return tx.Insert("ks", row(2, "Bình", 0)) })
	w.eventually("what the server keeps is known", func() bool { return r.Stats().PausedRetained() >= 0 })
	if err := stop(); err != nil {
		t.Fatal(err)
	}

	r = w.reader()
	stop = running(t, r.Run)
	w.eventually("another start is paused, too", paused(r))
	if err := PutRequest(t.Context(), b, "H44.15", "hotich", Request{ID: "1", Resnapshot: []string{"khaisinh"}}); err != nil {
		t.Fatal(err)
	}
	// Nothing can be waited for that does not happen; the polls of the reader are 20 ms apart.
	time.Sleep(200 * time.Millisecond)
	if got := w.sinkNames(); len(got) != 1 {
		t.Fatalf("a paused source published: %v", got)
	}
	if err := Resume(t.Context(), b, "H44.15", "hotich"); err != nil {
		t.Fatal(err)
	}
	w.arrives("KS1=An", "KS2=Bình")
	w.eventually("what was asked for is done", func() bool { return r.Stats().Epoch.Load() == 2 })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	publish, _ := w.verify()
	if !publish.Equal {
		t.Errorf("verify: %+v", publish)
	}
}

// TestPauseLimit: what the server of a paused source keeps has a limit. Beyond it the source stays paused and says what will
// happen, unless it was told to resume.
func TestPauseLimit(t *testing.T) {
	for _, resume := range []bool{false, true} {
		w := newTown(t)
		b := KafkaBus{w.client}
		if err := PutPause(t.Context(), b, "H44.15", "hotich", time.Now()); err != nil {
			t.Fatal(err)
		}
		w.change(func(tx *memory.Tx) error { return tx.Insert("ks", row(1, "An", 0)) })
		r := w.reader()
		r.cfg.Pause = PauseLimit{Bytes: 1, Resume: resume}
		running(t, r.Run)
		if resume {
			w.eventually("the reader resumes by itself", func() bool { return r.Stats().Condition().State == StateRunning })
			if since, err := Paused(t.Context(), b, "H44.15", "hotich"); err != nil || !since.IsZero() {
				t.Errorf("the order still stands: since %v, %v", since, err)
			}
			continue
		}
		w.eventually("the reader warns", func() bool {
			c := r.Stats().Condition()
			return c.State == StatePaused && c.Warning != ""
		})
	}
}

// TestPauseDelivery: a paused delivery applies nothing, keeps its offsets, stays paused over restarts, and goes on.
func TestPauseDelivery(t *testing.T) {
	w := newTown(t)
	b := KafkaBus{w.client}
	w.change(func(tx *memory.Tx) error { return tx.Insert("ks", row(1, "An", 0)) })
	running(t, w.reader().Run)
	d := w.delivery()
	stop := running(t, d.Run)
	w.arrives("KS1=An")
	if err := PutPause(t.Context(), b, "H26", DeliveryRequests("tre_em"), time.Now()); err != nil {
		t.Fatal(err)
	}
	paused := func() bool { return d.Stats().Condition().State == StatePaused }
	w.eventually("the delivery is paused", paused)
	before := [3]int64{w.stored(0), w.stored(1), w.stored(2)}
	w.change(func(tx *memory.Tx) error { return tx.Insert("ks", row(2, "Bình", 0)) })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	d = w.delivery()
	running(t, d.Run)
	w.eventually("another start is paused, too", paused)
	time.Sleep(2 * ordersEvery)
	if got := w.sinkNames(); len(got) != 1 {
		t.Fatalf("a paused delivery applied: %v", got)
	}
	if after := [3]int64{w.stored(0), w.stored(1), w.stored(2)}; after != before {
		t.Errorf("a paused delivery moved its offsets from %v to %v", before, after)
	}
	if err := Resume(t.Context(), b, "H26", DeliveryRequests("tre_em")); err != nil {
		t.Fatal(err)
	}
	w.arrives("KS1=An", "KS2=Bình")
}

// TestPausedMeanwhile: a pause that comes while a session recovers stops it before the source is opened.
func TestPausedMeanwhile(t *testing.T) {
	w := newTown(t)
	b := KafkaBus{w.client}
	w.change(func(tx *memory.Tx) error { return tx.Insert("ks", row(1, "An", 0)) })
	r := w.reader()
	r.cfg.At = func(p Point) {
		if p != PointFenced {
			return
		}
		if err := PutPause(context.Background(), b, "H44.15", "hotich", time.Now()); err != nil {
			t.Error(err)
		}
	}
	running(t, r.Run)
	w.eventually("the reader is paused", func() bool { return r.Stats().Condition().State == StatePaused })
	if n := r.Stats().Records.Load(); n != 0 {
		t.Errorf("%d records were read", n)
	}
}

// openRequests returns the requests of a reader or a delivery that were not done yet, by their keys.
func openRequests(ctx context.Context, b Bus, agency, reader string) (map[string]Request, error) {
	o, err := readOrders(ctx, b, agency, reader, 0)
	return o.open, err
}
