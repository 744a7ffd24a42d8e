package kafka

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lienthong/truc/bus"
)

// A flood gathers until a request is full, for gatherTime at most; nothing else waits.
func TestFloodGathers(t *testing.T) {
	const full = 100 // messages of 5 kB in a request of 500 kB
	for _, c := range []struct {
		name string
		// bytes of the batch before, and how long ago it was acknowledged
		bytes int
		ago   time.Duration
		// meanwhile is what happens after a millisecond.
		meanwhile func(*testing.T, *queue)
		waits     time.Duration
	}{
		{name: "small batch before", bytes: gatherFrom - 1, waits: 0},
		{name: "flood that ends", bytes: 500_000, waits: gatherTime},
		{name: "acknowledged a while ago", bytes: 500_000, ago: gatherTime / 2, waits: gatherTime / 2},
		{name: "acknowledged long ago", bytes: 500_000, ago: time.Hour, waits: 0},
		{name: "request is full", bytes: 500_000, meanwhile: func(t *testing.T, q *queue) { put(t, q, full-1) }, waits: time.Millisecond},
		{name: "request is not quite full", bytes: 500_000, meanwhile: func(t *testing.T, q *queue) { put(t, q, full-2) }, waits: gatherTime},
		{name: "somebody waits for the end", bytes: 500_000, meanwhile: func(t *testing.T, q *queue) {
			ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
			defer cancel()
			if err := q.drain(ctx); err == nil {
				t.Error("drained by nobody")
			}
		}, waits: time.Millisecond},
		{name: "stopped", bytes: 500_000, meanwhile: func(_ *testing.T, q *queue) { q.stop(errors.New("poisoned")) }, waits: time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := newQueue(defaultMaxQueued)
				put(t, q, 1)
				p := &partitionSender{sender: &Sender{cfg: SenderConfig{MaxBatchRecords: defaultBatchRecords}}, queue: q, limit: 500_000}
				p.last.count, p.last.bytes, p.last.at = max(1, c.bytes/5_000), c.bytes, time.Now().Add(-c.ago)
				if c.meanwhile != nil {
					go func() {
						time.Sleep(time.Millisecond)
						c.meanwhile(t, q)
					}()
				}
				began := time.Now()
				p.gather()
				if waited := time.Since(began); waited != c.waits {
					t.Errorf("waited %s, want %s", waited, c.waits)
				}
				time.Sleep(time.Second) // meanwhile comes to its end
			})
		})
	}
}

func put(t *testing.T, q *queue, messages int) {
	t.Helper()
	if err := q.put(context.Background(), group{msgs: make([]bus.Message, messages), done: func(int64, error) {}}); err != nil {
		t.Error(err)
	}
}
