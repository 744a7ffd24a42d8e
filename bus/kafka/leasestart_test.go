package kafka

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	kafkago "github.com/segmentio/kafka-go"
)

// takes returns how long it takes until a node holds the lease (or, with another's name, waits for that one); -1: never.
func (n *modelNode) takes(holder string) time.Duration {
	for start := time.Now(); time.Since(start) < time.Minute; time.Sleep(10 * time.Millisecond) {
		n.mu.Lock()
		is := holder == "" && n.holds || holder != "" && n.holder == holder
		n.mu.Unlock()
		if is {
			return time.Since(start)
		}
	}
	return -1
}

func (n *modelNode) reads() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.holds
}

// TestLeaseStart: who may start at once, and how long the others wait. The broker lets the first member of a group wait for
// others for 3 s, as Kafka does.
func TestLeaseStart(t *testing.T) {
	none := func() []*modelNode { return nil }
	never := func(string) bool { return false }
	within := func(t *testing.T, what string, took, least, most time.Duration) {
		t.Helper()
		if took < least || took > most {
			t.Errorf("%s: %s, want %s to %s", what, took, least, most)
		}
	}
	test := func(name string, run func(t *testing.T, g *modelGroup)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { run(t, newModelGroup(3*time.Second)) })
		})
	}
	test("alone", func(t *testing.T, g *modelGroup) {
		a := g.start("a", never, none)
		defer a.stop()
		within(t, "the first", a.takes(""), 0, 100*time.Millisecond)
		time.Sleep(20 * time.Second)
		if !a.reads() || !a.lease.Certain() || a.lease.Shared() {
			t.Error("the first does not hold the lease for itself")
		}
	})
	test("another holds it and is silent", func(t *testing.T, g *modelGroup) {
		a := g.start("a", never, none)
		defer a.stop()
		time.Sleep(10 * time.Second)
		a.link.freeze()
		b := g.start("b", never, none)
		defer b.stop()
		within(t, "the second knows whom it waits for", b.takes("a:1"), 0, 100*time.Millisecond)
		within(t, "the second", b.takes(""), 4*time.Second, 8*time.Second)
		a.link.unfreeze()
		within(t, "the first is told", a.takes("b:1"), 0, time.Second)
	})
	test("another leaves in good order", func(t *testing.T, g *modelGroup) {
		a := g.start("a", never, none)
		time.Sleep(10 * time.Second)
		b := g.start("b", never, none)
		defer b.stop()
		time.Sleep(10 * time.Second)
		a.stop()
		within(t, "the second", b.takes(""), 0, time.Second)
	})
	test("the predecessor was killed on this machine", func(t *testing.T, g *modelGroup) {
		a := g.start("a", never, none)
		time.Sleep(10 * time.Second)
		a.link.freeze()
		b := g.start("b", func(id string) bool { return id == a.link.clientID }, none)
		within(t, "the successor", b.takes(""), 0, 100*time.Millisecond)
		b.stop()
		a.stop()
	})
	test("two at once", func(t *testing.T, g *modelGroup) {
		a, b := g.start("a", never, none), g.start("b", never, none)
		defer a.stop()
		defer b.stop()
		time.Sleep(10 * time.Second)
		if a.reads() == b.reads() || !a.lease.Shared() || !b.lease.Shared() {
			t.Errorf("a holds the lease: %t, b: %t", a.reads(), b.reads())
		}
	})
	test("doubt", func(t *testing.T, g *modelGroup) {
		a := g.start("a", never, none)
		defer a.stop()
		time.Sleep(10 * time.Second)
		_, before, _ := a.lease.Hold(t.Context(), nil)
		a.lease.Doubt()
		if a.lease.Certain() {
			t.Error("what is doubted is certain")
		}
		// The group still has this member: it is asked at once, and nothing has changed.
		asked := time.Now()
		if _, term, err := a.lease.Hold(t.Context(), nil); err != nil || term != before || time.Since(asked) > 100*time.Millisecond {
			t.Errorf("term %d after %d, %v, after %s", term, before, err, time.Since(asked))
		}
		// It has given this member up meanwhile, and nobody else came.
		g.mu.Lock()
		for _, id := range g.order {
			g.remove(id)
		}
		g.mu.Unlock()
		a.lease.Doubt()
		if _, term, err := a.lease.Hold(t.Context(), nil); err != nil || term != before+1 || !a.reads() {
			t.Errorf("term %d after %d, %v; it was not a member for a moment, and may have been fenced off rightly", term, before, err)
		}
	})
	test("the broker is away", func(t *testing.T, g *modelGroup) {
		l := (&Client{}).NewLease(LeaseConfig{Group: "g", Topic: "t", Log: discard()})
		l.coordinator = away{}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- l.Run(ctx) }()
		asked := time.Now()
		if _, _, err := l.Hold(ctx, nil); !errors.Is(err, io.EOF) {
			t.Errorf("Hold ends with %v", err)
		}
		within(t, "it says so", time.Since(asked), 2*time.Second, 4*time.Second)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	test("not allowed", func(t *testing.T, _ *modelGroup) {
		l := (&Client{}).NewLease(LeaseConfig{Group: "g", Topic: "t", Log: discard()})
		l.coordinator = refusing{}
		if err := l.Run(t.Context()); !isGroupError(err) {
			t.Errorf("Run ends with %v", err)
		}
		if _, _, err := l.Hold(t.Context(), nil); !isGroupError(err) {
			t.Errorf("Hold ends with %v", err)
		}
	})
}

func isGroupError(err error) bool {
	_, ok := errors.AsType[*GroupError](err)
	return ok
}

type away struct{ leaseCoordinator }

func (away) members(context.Context) ([]groupMember, error) { return nil, io.EOF }

type refusing struct{ leaseCoordinator }

func (refusing) members(context.Context) ([]groupMember, error) {
	return nil, kafkago.GroupAuthorizationFailed
}
