package adapters

import (
	"testing"
	"time"
)

// TestPacer: over any stretch of time not more rows come than the pace allows, and outside the hours none.
func TestPacer(t *testing.T) {
	now := time.Date(2026, 3, 1, 18, 0, 0, 0, time.UTC)
	evening := now.Add(time.Hour)
	p := NewPacer(Pace{Rows: 100, Now: func() time.Time { return now }, Opens: func(at time.Time) (bool, time.Time) { return !at.Before(evening), evening }})
	rows, from := 0, time.Time{}
	for range 100_000 {
		wait := p.Delay()
		if wait > paceStep {
			t.Fatalf("a wait of %s: the clock may be set meanwhile", wait)
		}
		if wait > 0 {
			now = now.Add(wait)
			continue
		}
		if from.IsZero() {
			from = now
		}
		n := p.Chunk(2000)
		if n > 50 {
			t.Fatalf("a chunk of %d rows is more than half a second's", n)
		}
		rows += n
		p.Took(n)
		if now.Sub(from) >= time.Minute {
			break
		}
	}
	if from.Before(evening) {
		t.Errorf("the first rows came at %s, before the hours", from)
	}
	if rows < 5900 || rows > 6100 {
		t.Errorf("%d rows in a minute, want 6000", rows)
	}
	// What was not used while nothing was read is not made up for.
	now = now.Add(time.Hour)
	p.Took(100)
	if d := p.Delay(); d == 0 {
		t.Error("an hour without rows allows a burst")
	}
	if free := NewPacer(Pace{}); free.Delay() != 0 || free.Chunk(2000) != 2000 {
		t.Error("the zero pace holds up")
	}
}
