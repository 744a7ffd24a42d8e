package pipeline

import (
	"context"
	"math/rand/v2"
	"time"
)

// backoff gives growing pauses with jitter: 100 ms to 15 s.
type backoff struct{ last time.Duration }

func newBackoff() *backoff { return &backoff{} }

func (b *backoff) reset() { b.last = 0 }

func (b *backoff) next() time.Duration {
	b.last = min(max(2*b.last, 100*time.Millisecond), 15*time.Second)
	return b.last/2 + rand.N(b.last/2) //nolint:gosec // jitter needs no secrecy
}

// sleep waits and reports whether ctx is still alive.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
