package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/tests/servers"
)

// TestLease takes a lease through a life on a real broker, which a model of one (TestLeaseModel) cannot prove right: members
// find each other, the holder is not disturbed, a member that has ended is removed, and one that leaves hands over at once.
func TestLease(t *testing.T) {
	cfg := kafka.Config{Brokers: []string{servers.Kafka(t).Addr}}
	group := fmt.Sprintf("lease-%x", rand.Uint64())
	open := func(host string) (*kafka.Lease, func()) {
		c := newClient(t, cfg)
		self := kafka.ThisInstance()
		self.Host = host
		l := c.NewLease(kafka.LeaseConfig{Group: group, Topic: "truc.requests", Self: self})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- l.Run(ctx) }()
		var left atomic.Bool
		leave := func() {
			if left.CompareAndSwap(false, true) {
				cancel()
				if err := <-done; err != nil {
					t.Error(err)
				}
			}
		}
		t.Cleanup(leave)
		return l, leave
	}
	hold := func(l *kafka.Lease, most time.Duration) context.Context {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), most)
		defer cancel()
		held, _, err := l.Hold(ctx, func(string) {})
		if err != nil {
			t.Fatalf("not held within %s: %v", most, err)
		}
		return held
	}
	waits := func(l *kafka.Lease, holder string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		_, _, err := l.Hold(ctx, func(name string) {
			if name == holder {
				cancel()
			}
		})
		if err == nil || errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
			t.Fatalf("it does not wait for %s: %v", holder, err)
		}
	}

	// The first is said to be a process that has ended: its successor on this machine need not wait, as everybody else must.
	ended := exec.Command("true")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	dead := newClient(t, cfg)
	self := kafka.ThisInstance()
	self.PID, self.Start = ended.Process.Pid, "1"
	first := dead.NewLease(kafka.LeaseConfig{Group: group, Topic: "truc.requests", Self: self})
	ctx, kill := context.WithCancel(t.Context())
	running := make(chan struct{})
	go func() { defer close(running); _ = first.Run(ctx) }()
	hold(first, 20*time.Second)
	for !first.Assigned() {
		time.Sleep(10 * time.Millisecond)
	}
	dead.Close() // and so it cannot leave either
	kill()
	<-running

	started := time.Now()
	a, leaveA := open(kafka.ThisInstance().Host)
	held := hold(a, 4*time.Second)
	t.Logf("held %s after the start", time.Since(started).Round(time.Millisecond))
	for !a.Assigned() {
		time.Sleep(10 * time.Millisecond)
	}
	b, _ := open("may-2")
	waits(b, kafka.ThisInstance().Name())
	if held.Err() != nil || !a.Certain() {
		t.Error("a member that joins takes the lease from the holder")
	}
	left := time.Now()
	leaveA()
	if held.Err() == nil {
		t.Error("who has left still holds the lease")
	}
	hold(b, 20*time.Second)
	t.Logf("handed over in %s", time.Since(left).Round(time.Millisecond))
}
