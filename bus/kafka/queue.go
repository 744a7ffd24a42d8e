package kafka

import (
	"context"
	"sync"
	"time"

	"github.com/lienthong/truc/bus"
)

// group is what one Produce accepted. Its messages leave in one batch, or in several that follow each other.
type group struct {
	msgs []bus.Message
	done func(base int64, err error)
	// taken and acknowledged count its messages; only the partition's goroutine touches them and base.
	taken, acknowledged int
	// base is the offset of the first message.
	base int64
}

// queue holds the groups of one partition from Produce until their done was called.
type queue struct {
	maxWaiting int

	mu sync.Mutex
	// changed is signalled whenever waiting shrinks, groups or err change.
	changed *sync.Cond
	groups  []*group
	// waiting counts the messages that are not in a batch yet.
	waiting int
	// drains counts those who wait in drain.
	drains int
	err    error
}

func newQueue(maxWaiting int) *queue {
	q := &queue{maxWaiting: maxWaiting}
	q.changed = sync.NewCond(&q.mu)
	return q
}

// put appends a group, waiting for room. A group larger than the whole queue is taken when the queue is empty.
func (q *queue) put(ctx context.Context, g group) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	full := func() bool { return q.err == nil && q.waiting > 0 && q.waiting+len(g.msgs) > q.maxWaiting }
	if err := q.await(ctx, full); err != nil {
		return err
	}
	if q.err != nil {
		return q.err
	}
	q.groups = append(q.groups, &g)
	q.waiting += len(g.msgs)
	q.changed.Broadcast()
	return nil
}

// next waits for a group; false when the queue has stopped.
func (q *queue) next() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.err == nil && len(q.groups) == 0 {
		q.changed.Wait()
	}
	return q.err == nil
}

// gather waits for the time until, unless earlier so many messages wait, somebody waits for the queue to be empty, or it stops.
func (q *queue) gather(messages int, until time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	wait := time.Until(until)
	if wait <= 0 {
		return
	}
	over := false
	timer := time.AfterFunc(wait, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		over = true
		q.changed.Broadcast()
	})
	defer timer.Stop()
	for !over && q.err == nil && q.drains == 0 && q.waiting < messages {
		q.changed.Wait()
	}
}

// take hands the messages that are in no batch yet to add, in order, until it refuses one, and returns how many it took.
func (q *queue) take(add func(*bus.Message) bool) (taken int) {
	q.mu.Lock()
	groups := q.groups
	q.mu.Unlock()
	defer func() {
		q.mu.Lock()
		q.waiting -= taken
		q.changed.Broadcast()
		q.mu.Unlock()
	}()
	for _, g := range groups {
		for ; g.taken < len(g.msgs); g.taken++ {
			if !add(&g.msgs[g.taken]) {
				return taken
			}
			taken++
		}
	}
	return taken
}

// acknowledge counts off the messages of a batch that stands at base, and calls done of the groups that are complete.
func (q *queue) acknowledge(base int64, count int) {
	q.mu.Lock()
	groups := q.groups
	q.mu.Unlock()
	complete := 0
	for _, g := range groups {
		n := min(count, len(g.msgs)-g.acknowledged)
		if g.acknowledged == 0 {
			g.base = base
		}
		g.acknowledged += n
		base += int64(n)
		count -= n
		if g.acknowledged < len(g.msgs) {
			break
		}
		g.done(g.base, nil)
		complete++
	}
	q.drop(complete)
}

// fail calls done of all groups with what stopped the queue.
func (q *queue) fail() {
	q.mu.Lock()
	groups, err := q.groups, q.err
	q.mu.Unlock()
	for _, g := range groups {
		g.done(-1, err)
	}
	q.drop(len(groups))
}

// drop removes the first n groups.
func (q *queue) drop(n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	clear(q.groups[:n])
	q.groups = q.groups[n:]
	q.changed.Broadcast()
}

// drain waits until every group is done.
func (q *queue) drain(ctx context.Context) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.drains++
	defer func() { q.drains-- }()
	q.changed.Broadcast()
	return q.await(ctx, func() bool { return len(q.groups) > 0 })
}

// stop lets nothing in any more and wakes everybody who waits.
func (q *queue) stop(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.err = err
	q.changed.Broadcast()
}

// stopped reports whether stop was called.
func (q *queue) stopped() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.err != nil
}

// await waits, with the lock held, while busy says so.
func (q *queue) await(ctx context.Context, busy func() bool) error {
	if !busy() {
		return nil
	}
	stop := context.AfterFunc(ctx, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.changed.Broadcast()
	})
	defer stop()
	for busy() {
		if err := ctx.Err(); err != nil {
			return err
		}
		q.changed.Wait()
	}
	return nil
}
