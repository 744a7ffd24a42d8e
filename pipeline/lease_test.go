package pipeline

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/lienthong/truc/adapters/memory"
	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
)

// hub gives a lease to one of several readers.
type hub struct {
	mu     sync.Mutex
	holder string
	held   context.Context
	lose   context.CancelFunc
	term   int
}

func (h *hub) give(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.lose != nil {
		h.lose()
	}
	h.holder = name
	h.held, h.lose = context.WithCancel(context.Background())
}

// hubLease is one reader's part in a hub. Its knobs are for tests of what happens to a session that was fenced off.
type hubLease struct {
	*hub
	name      string
	uncertain bool
	shared    bool
	onDoubt   func()
}

func (l *hubLease) Run(ctx context.Context) error { <-ctx.Done(); return nil }

func (l *hubLease) Hold(ctx context.Context, waiting func(string)) (context.Context, int, error) {
	for {
		l.mu.Lock()
		holder, held, term := l.holder, l.held, l.term
		l.mu.Unlock()
		if holder == l.name {
			return held, term, nil
		}
		waiting(holder)
		if !sleep(ctx, 2*time.Millisecond) {
			return nil, 0, ctx.Err()
		}
	}
}

func (l *hubLease) Certain() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.holder == l.name && !l.uncertain
}

func (l *hubLease) Doubt() {
	if l.onDoubt != nil {
		l.onDoubt()
	}
}

func (l *hubLease) Shared() bool { return l.shared }

// nodes are readers of the same source that share a lease.
func (w *town) nodes(h *hub, names ...string) []*Reader {
	var out []*Reader
	for _, name := range names {
		r := w.reader()
		r.cfg.Lease = &hubLease{hub: h, name: name}
		out = append(out, r)
	}
	return out
}

// TestStandby: a reader without the lease reads nothing and obeys no order, says for whom it waits, and goes on when the lease
// comes to it; the one that has lost it stands by and does not end.
func TestStandby(t *testing.T) {
	w := newTown(t)
	w.change(func(tx *memory.Tx) error { return tx.Insert("ks", row(1, "An", 0)) })
	h := &hub{}
	h.give("a")
	both := w.nodes(h, "a", "b")
	a, b := both[0], both[1]
	running(t, w.delivery().Run)
	running(t, a.Run)
	stop := running(t, b.Run)
	w.arrives("KS1=An")
	stands := func(r *Reader, holder string) bool {
		c := r.Stats().Condition()
		return c.State == StateStandby && c.Holder == holder && c.Err() == nil
	}
	w.eventually("b stands by", func() bool { return stands(b, "a") })
	if b.Stats().Records.Load() != 0 || b.Stats().Recovered.Load() != 0 {
		t.Error("b has read or fenced while it stands by")
	}
	if err := PutPause(t.Context(), KafkaBus{w.client}, "H44.15", "hotich", time.Now()); err != nil {
		t.Fatal(err)
	}
	w.eventually("a is paused", func() bool { return a.Stats().Condition().State == StatePaused })
	h.give("b")
	w.eventually("b is paused", func() bool { return b.Stats().Condition().State == StatePaused })
	w.eventually("a stands by, though it was paused", func() bool { return stands(a, "b") })
	if err := Resume(t.Context(), KafkaBus{w.client}, "H44.15", "hotich"); err != nil {
		t.Fatal(err)
	}
	w.change(func(tx *memory.Tx) error { return tx.Insert("ks", row(2, "Bình", 0)) })
	w.arrives("KS1=An", "KS2=Bình")
	h.give("a")
	w.eventually("b stands by", func() bool { return stands(b, "a") })
	if s := b.Stats(); s.LastChange.Load() != s.LastAcknowledged.Load() || s.Progress() != nil {
		t.Error("b, standing by, shows work of its own")
	}
	w.change(func(tx *memory.Tx) error { return tx.Insert("ks", row(3, "Chi", 0)) })
	w.arrives("KS1=An", "KS2=Bình", "KS3=Chi")
	if err := stop(); err != nil || b.Stats().Condition().State != StateStopped {
		t.Errorf("b, told to stop while it stands by, ends with %v in state %s", err, b.Stats().Condition().State)
	}
}

// TestTakeOversInSnapshot: the lease goes to and fro while a snapshot runs and a row is inserted; every row is on the topic, none
// twice. The row inserted may be there once as streamed and once as a snapshot that had not come to its key has read it.
func TestTakeOversInSnapshot(t *testing.T) {
	w := newTown(t)
	const rows = 3000
	w.change(func(tx *memory.Tx) error {
		for i := range rows {
			if err := tx.Insert("ks", row(i, fmt.Sprintf("Tên %d", i), 0)); err != nil {
				return err
			}
		}
		return nil
	})
	h := &hub{}
	h.give("a")
	both := w.nodes(h, "a", "b")
	for _, r := range both {
		running(t, r.Run)
	}
	published := func() (n int64) {
		for _, r := range both {
			for _, p := range r.Stats().Publish {
				n += p.Snapshot.Load() + p.Created.Load()
			}
		}
		return n
	}
	for i := range 8 {
		before := published()
		w.eventually("something is published", func() bool { return published() > before || published() >= rows })
		h.give([]string{"b", "a"}[i%2])
	}
	w.change(func(tx *memory.Tx) error { return tx.Insert("ks", row(rows, "Cuối", 0)) })
	type act struct{ key, op string }
	seen, keys := map[act]int{}, map[string]bool{}
	w.eventually("all is published", func() bool {
		clear(seen)
		clear(keys)
		for p := range int32(3) {
			tp := kafka.TopicPartition{Topic: w.publish.Topic, Partition: p}
			ranges, err := w.client.Ranges(t.Context(), tp)
			if err != nil {
				t.Fatal(err)
			}
			if err := w.client.ReadRange(t.Context(), tp, ranges[tp].Start, ranges[tp].End, func(d *bus.Delivered) error {
				keys[string(d.Key)] = true
				seen[act{string(d.Key), d.Header(bus.HeaderType)}]++
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		return len(keys) == rows+1
	})
	for a, n := range seen {
		if n != 1 {
			t.Errorf("%s of %s is on the topic %d times", a.op, a.key, n)
		}
	}
	if len(seen) > rows+2 {
		t.Errorf("%d events of %d rows, one of which was inserted meanwhile", len(seen), rows+1)
	}
}

// TestFencedWhileHolding: whether a holder whose session was fenced off begins another.
func TestFencedWhileHolding(t *testing.T) {
	fenced := fmt.Errorf("publish: %w", &kafka.FencedError{})
	for _, tc := range []struct {
		name      string
		err       error
		shared    bool
		meanwhile func(h *hub)
		want      bool
	}{
		{"something else failed", errors.New("other"), true, nil, false},
		{"somebody outside the group has taken over", fenced, false, nil, false},
		{"another member fenced before it was told", fenced, true, nil, true},
		{"the group has missed this process", fenced, false, func(h *hub) { h.term++ }, true},
		{"the lease went away and came back", fenced, false, func(h *hub) { h.give("b"); h.give("a") }, true},
	} {
		h := &hub{}
		h.give("a")
		lease := &hubLease{hub: h, name: "a", shared: tc.shared}
		if tc.meanwhile != nil {
			lease.onDoubt = func() { tc.meanwhile(h) }
		}
		cfg := newTown(t).reader().cfg
		cfg.Lease = lease
		tenure := newTenure(t.Context(), &cfg, newReaderStats(cfg))
		if _, err := tenure.hold(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := tenure.mayGoOn(t.Context(), tc.err); got != tc.want {
			t.Errorf("%s: it goes on: %t", tc.name, got)
		}
		if tc.name == "another member fenced before it was told" {
			n := 1
			for ; n < 10 && tenure.mayGoOn(t.Context(), tc.err); n++ {
			}
			if n != takeBacks {
				t.Errorf("among members, it goes on %d times in a row, want %d", n, takeBacks)
			}
		}
		tenure.end()
	}
}

// awayLease cannot ask its group for a while.
type awayLease struct {
	*hubLease
	until time.Time
}

func (l *awayLease) Hold(ctx context.Context, waiting func(string)) (context.Context, int, error) {
	if time.Now().Before(l.until) {
		return nil, 0, &kafka.UnreachableError{Brokers: "kafka.example:9092", Err: errors.New("refused")}
	}
	return l.hubLease.Hold(ctx, waiting)
}

// TestLeaseIsAway: that the group cannot be asked is told like any other outage, and mends itself.
func TestLeaseIsAway(t *testing.T) {
	w := newTown(t)
	h := &hub{}
	h.give("a")
	r := w.reader()
	r.cfg.Lease = &awayLease{&hubLease{hub: h, name: "a"}, time.Now().Add(500 * time.Millisecond)}
	running(t, r.Run)
	w.eventually("it says what is away", func() bool {
		c := r.Stats().Condition()
		return c.State == StateRetrying && c.Err() != nil
	})
	w.eventually("it runs", func() bool { return r.Stats().Condition().State == StateRunning })
}

// TestUncertainFencesNobody: a process that the group has not answered for long, frozen perhaps, fences nobody off.
func TestUncertainFencesNobody(t *testing.T) {
	lease := &hubLease{hub: &hub{}, name: "a"}
	lease.give("a")
	fencing, done := whileCertain(t.Context(), lease)
	lease.mu.Lock()
	lease.uncertain = true
	lease.mu.Unlock()
	<-fencing.Done()
	if err := done(fencing.Err()); !errors.Is(err, errUncertain) {
		t.Errorf("fencing ends with %v", err)
	}
	_, done = whileCertain(t.Context(), nil)
	if err := done(errPaused); !errors.Is(err, errPaused) {
		t.Errorf("without a lease: %v", err)
	}
}
