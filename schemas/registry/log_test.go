package registry

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"
)

// memory is a log of several writers, with what may happen to one: appends of which the writer does not hear, and compaction.
type memory struct {
	mu      sync.Mutex
	records []*Record // nil: compacted away
	grown   chan struct{}
	// fault decides what becomes of an append: nil lets it pass.
	fault func() fault
	// delay is how long an append takes.
	delay time.Duration
	// held keeps Follow from handing anything out but the first batch, until it is closed; nil does not.
	held chan struct{}
	// owner is the writer that appended last without an error.
	appends int
}

type fault int

const (
	fine fault = iota
	lostAnswer
	lostRecords
	marked // something that is no record comes first
)

func newMemory() *memory { return &memory{grown: make(chan struct{})} }

// end is one writer's end of a memory.
type end struct {
	*memory
	sure bool // the writer knows what became of all its appends
}

func (m *memory) end() *end { return &end{memory: m} }

func (e *end) Append(_ context.Context, after int64, records []Record) (first int64, err error) {
	m := e.memory
	time.Sleep(m.delay)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.appends++
	if !e.sure || after < int64(len(m.records)) {
		e.sure = true
		return 0, &MovedError{int64(len(m.records))}
	}
	what := fine
	if m.fault != nil {
		what = m.fault()
	}
	if what == marked {
		m.records = append(m.records, nil)
	}
	first = int64(len(m.records))
	if what != lostRecords {
		for _, r := range records {
			m.records = append(m.records, &Record{slices.Clone(r.Key), slices.Clone(r.Value), int64(len(m.records))})
		}
		close(m.grown)
		m.grown = make(chan struct{})
	}
	if what == lostAnswer || what == lostRecords {
		e.sure = false
		return 0, errors.New("the answer was lost")
	}
	return first, nil
}

func (e *end) Follow(ctx context.Context, see func(Batch) error) error {
	for next, first := 0, true; ; first = false {
		e.mu.Lock()
		var b Batch
		for ; next < len(e.records) && len(b.Records) < 3; next++ {
			if r := e.records[next]; r != nil {
				b.Records = append(b.Records, *r)
			}
		}
		b.Next, b.End = int64(next), int64(len(e.records))
		grown := e.grown
		e.mu.Unlock()
		if first || len(b.Records) > 0 {
			if err := see(b); err != nil {
				return err
			}
			if first && e.held != nil {
				select {
				case <-e.held:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			continue
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// compact keeps the last record of each key, but what is removed goes entirely.
func (m *memory) compact() {
	m.mu.Lock()
	defer m.mu.Unlock()
	last := map[string]int{}
	for i, r := range m.records {
		if r != nil {
			last[string(r.Key)] = i
		}
	}
	for i, r := range m.records {
		if r != nil && (last[string(r.Key)] != i || r.Value == nil) {
			m.records[i] = nil
		}
	}
}

// open makes a registry and runs it.
func open(t *testing.T, m *memory, o Options) (r *Registry, stop func()) {
	t.Helper()
	r = New(m.end(), o)
	return r, run(t, r)
}

// run runs a registry until the test ends, or stop is called.
func run(t *testing.T, r *Registry) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("Run ended with %v", err)
			}
		})
	}
	t.Cleanup(stop)
	select {
	case <-r.Ready():
	case <-time.After(10 * time.Second):
		t.Fatal("the registry is not ready")
	}
	return stop
}
