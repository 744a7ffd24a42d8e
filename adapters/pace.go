package adapters

import (
	"sync"
	"time"
)

// Pace spares a source while its tables are read whole. It concerns snapshots only: changes are read as they come, because
// what is not read the server has to keep. The zero Pace does not spare.
type Pace struct {
	// Rows a second, at most; 0: as fast as it goes.
	Rows int
	// Opens says whether tables may be read at a time, and if not, when next. nil: always.
	Opens func(now time.Time) (open bool, next time.Time)
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Until is when tables may be read again; the zero time while they may be.
func (p Pace) Until() time.Time {
	if p.Opens == nil {
		return time.Time{}
	}
	if open, next := p.Opens(p.now()); !open {
		return next
	}
	return time.Time{}
}

func (p Pace) now() time.Time {
	if p.Now == nil {
		return time.Now()
	}
	return p.Now()
}

// Pacer keeps the pace of one source. A source asks it before each chunk of a snapshot, and tells it how many rows came. It may be
// used by several goroutines.
type Pacer struct {
	pace Pace
	mu   sync.Mutex
	free time.Time // when the rows that were read have had their time
}

// NewPacer keeps a pace.
func NewPacer(p Pace) *Pacer { return &Pacer{pace: p} }

// paceStep is the longest time after which a source asks again: hours are a matter of the clock on the wall, which may be set.
const paceStep = 500 * time.Millisecond

// Delay is how long to wait before asking again; 0: the next chunk may be read.
func (p *Pacer) Delay() time.Duration {
	wait := time.Duration(0)
	now := p.pace.now()
	if next := p.pace.Until(); !next.IsZero() {
		wait = max(next.Sub(now), time.Millisecond)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return min(max(wait, p.free.Sub(now)), paceStep)
}

// Took says that rows were read.
func (p *Pacer) Took(rows int) {
	if p.pace.Rows == 0 {
		return
	}
	now := p.pace.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.free.Before(now) {
		p.free = now
	}
	p.free = p.free.Add(time.Duration(rows) * time.Second / time.Duration(p.pace.Rows))
}

// Chunk is how many rows a chunk may have that would have so many without a pace: not more than half a second's.
func (p *Pacer) Chunk(rows int) int {
	if p.pace.Rows == 0 {
		return rows
	}
	return max(min(rows, p.pace.Rows/2), 1)
}
