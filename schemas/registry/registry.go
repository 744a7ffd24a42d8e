package registry

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
)

// Options of a registry. The zero value is usable.
type Options struct {
	// Own tells subjects whose default policy is SOUND; nil means none.
	Own func(Subject) bool
	Log *slog.Logger
}

// Registry answers from what the log says, and writes to it. Run works it; it is safe for concurrent use.
type Registry struct {
	log  Log
	own  func(Subject) bool
	slog *slog.Logger
	// node and commands name commands, so that they are recognised when they come back from the log.
	node     string
	commands atomic.Uint64
	queue    chan *command
	// gathering is how long a command may wait for others.
	gathering time.Duration
	ready     chan struct{}
	// judging bounds the memory that schemas take while they are parsed and compared, in bytes of their texts.
	judging   *semaphore.Weighted
	documents documents
	// checking bounds the comparisons that run at the same time.
	checking chan struct{}

	mu    sync.RWMutex
	state *state
	next  int64 // the log is known up to here
	// moved is closed when next changes.
	moved chan struct{}
	// under are the commands whose records may be in the log.
	under map[string]*command
}

// New returns a registry on a log. It knows nothing until Run runs; Ready says when.
func New(log Log, o Options) *Registry {
	if o.Own == nil {
		o.Own = func(Subject) bool { return false }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	var node [6]byte
	_, _ = rand.Read(node[:]) // never fails
	return &Registry{
		log: log, own: o.Own, slog: o.Log, node: hex.EncodeToString(node[:]), queue: make(chan *command, 1024), gathering: defaultGathering,
		ready: make(chan struct{}), checking: make(chan struct{}, runtime.GOMAXPROCS(0)), judging: semaphore.NewWeighted(judgingBytes), state: newState(),
		moved: make(chan struct{}), under: map[string]*command{},
	}
}

// Run follows the log and writes to it until ctx is done, which is then its error, or until the log cannot be followed.
func (r *Registry) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var writing sync.WaitGroup
	writing.Go(func() { r.write(ctx) })
	defer writing.Wait()
	defer stop()
	end := int64(-1)
	return r.log.Follow(ctx, func(b Batch) error {
		if end < 0 {
			end = b.End
		}
		if err := r.see(b); err != nil {
			return err
		}
		if b.Next >= end {
			select {
			case <-r.ready:
			default:
				close(r.ready)
			}
		}
		return nil
	})
}

// Ready is closed when everything is known that was in the log when Run began.
func (r *Registry) Ready() <-chan struct{} { return r.ready }

// see takes in what was read of the log.
func (r *Registry) see(b Batch) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, record := range b.Records {
		if record.Place < r.next {
			continue // known since it was written
		}
		e, ok, err := decodeEntry(record)
		if err != nil {
			return err
		}
		if ok {
			r.take(e)
		}
	}
	r.reach(b.Next)
	return nil
}

// take takes an entry in, and tells the command that it is the last one of. The state is locked by the caller.
func (r *Registry) take(e entry) {
	r.state.take(e)
	if c := r.under[e.By]; c != nil {
		delete(r.under, e.By)
		close(c.seen)
	}
}

// reach notes that the log is known up to next. The state is locked by the caller.
func (r *Registry) reach(next int64) {
	if next <= r.next {
		return
	}
	r.next = next
	close(r.moved)
	r.moved = make(chan struct{})
}
