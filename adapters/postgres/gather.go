package postgres

import (
	"io"
	"net"
	"sync"
	"time"
)

const (
	// gatherBytes is how much of a flood is to lie in the socket before the reader is woken, gatherTime how long it waits for that.
	gatherBytes = 128 << 10
	gatherTime  = 2 * time.Millisecond
	// floodRate is from how many bytes a millisecond on the log comes in floods; a thousand small transactions a second are an
	// eighth of it. It is looked at every floodWindow. It must be well below what comes row by row on a busy machine: a backlog that
	// came slower than that would stay slow, for want of being gathered.
	floodRate   = 4 << 10
	floodWindow = 4 * time.Millisecond
)

// gatherer lets a flood gather in the socket. The server sends every row by itself, and each one that wakes a waiting reader costs the
// sender, which has one core at most, half as much again as the row: a reader that is never caught up with the server lets it be
// faster. So in a flood the kernel is told not to wake anyone for less than gatherBytes (SO_RCVLOWAT), or gatherTime after
// the socket was found empty. A sleep here instead would not do: Go's poller is woken for every arrival, whoever waits for it.
type gatherer struct {
	in io.Reader
	// lowWater sets how many bytes wake a reader.
	lowWater func(bytes int)

	since time.Time // when the present window began
	bytes int       // what was read in it
	flood bool

	mu     sync.Mutex
	raised bool
	timer  *time.Timer
}

// gather returns a reader of what comes over a connection; in itself where the kernel cannot be told.
func gather(in io.Reader, socket net.Conn) io.Reader {
	set := lowWater(socket)
	if set == nil {
		return in
	}
	return newGatherer(in, set)
}

func newGatherer(in io.Reader, lowWater func(bytes int)) *gatherer {
	g := &gatherer{in: in, lowWater: lowWater}
	g.timer = time.AfterFunc(time.Hour, g.lower)
	g.timer.Stop()
	return g
}

// Read is called by one goroutine at a time.
func (g *gatherer) Read(p []byte) (int, error) {
	if g.flood {
		g.raise()
	}
	n, err := g.in.Read(p)
	g.bytes += n
	now := time.Now()
	if d := now.Sub(g.since); d >= floodWindow {
		flood := int64(g.bytes) >= floodRate*int64(d)/int64(time.Millisecond)
		if g.flood && !flood {
			g.lower()
		}
		g.flood, g.since, g.bytes = flood, now, 0
	}
	return n, err
}

func (g *gatherer) raise() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.timer.Reset(gatherTime)
	if !g.raised {
		g.raised = true
		g.lowWater(gatherBytes)
	}
}

// lower lets whatever has arrived wake the reader.
func (g *gatherer) lower() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.timer.Stop()
	if g.raised {
		g.raised = false
		g.lowWater(1)
	}
}
