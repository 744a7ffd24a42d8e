package alerts

import (
	"context"
	"encoding/json"
	"sync"

	"github.com/ThreeDotsLabs/watermill/message"
)

// queueLength bounds the notices that wait for a target. When it is full the oldest goes: what lasts is told again.
const queueLength = 64

// queue carries notices from the watch to the router, which takes them as it takes messages of any topic. It is bounded and
// never blocks: Watermill's own channel starts a goroutine for each message that waits.
type queue struct {
	mu      sync.Mutex
	waiting []*message.Message
	closed  bool
	// changed has an element when there may be something new.
	changed chan struct{}
	dropped func()
}

var _ message.Subscriber = (*queue)(nil)

func newQueue(dropped func()) *queue {
	return &queue{changed: make(chan struct{}, 1), dropped: dropped}
}

// put queues a notice.
func (q *queue) put(n *Notice) error {
	body, err := json.Marshal(n)
	if err != nil {
		return err
	}
	q.mu.Lock()
	if len(q.waiting) == queueLength {
		q.waiting = append(q.waiting[:0], q.waiting[1:]...)
		q.dropped()
	}
	q.waiting = append(q.waiting, message.NewMessage(n.ID, body))
	q.mu.Unlock()
	q.wake()
	return nil
}

func (q *queue) wake() {
	select {
	case q.changed <- struct{}{}:
	default:
	}
}

func (q *queue) take() (m *message.Message, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		return nil, q.closed
	}
	m = q.waiting[0]
	q.waiting = append(q.waiting[:0], q.waiting[1:]...)
	return m, false
}

// Subscribe implements message.Subscriber: one message at a time. The channel is closed when the queue is closed and empty, or
// ctx is done.
func (q *queue) Subscribe(ctx context.Context, _ string) (<-chan *message.Message, error) {
	out := make(chan *message.Message)
	go func() {
		defer close(out)
		for {
			m, closed := q.take()
			if closed {
				return
			}
			if m == nil {
				select {
				case <-q.changed:
				case <-ctx.Done():
					return
				}
				continue
			}
			m.SetContext(ctx)
			select {
			case out <- m:
			case <-ctx.Done():
				return
			}
			select {
			case <-m.Acked():
			case <-m.Nacked(): // the handler acknowledges what it gives up: only the end of the router comes to this
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, nil
}

// Close implements message.Subscriber: what waits is still handed out.
func (q *queue) Close() error {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.wake()
	return nil
}
