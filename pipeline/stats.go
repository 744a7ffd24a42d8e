package pipeline

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/mapping"
	"github.com/lienthong/truc/record"
)

// State is what a reader or a delivery is doing.
type State string

const (
	StateStarting State = "starting"
	StateRunning  State = "running"
	StateRetrying State = "retrying"
	StateFailed   State = "failed"
	StateStopped  State = "stopped"
	// StatePaused: a person wants it so; since when is since when it was ordered.
	StatePaused State = "paused"
	// StateStandby: another node holds the lease of the source, and this one takes over when that ends.
	StateStandby State = "standby"
)

// Condition is a state with its reason and since when.
type Condition struct {
	State State     `json:"state"`
	Since time.Time `json:"since"`
	// Error says what is wrong and what to do; it holds no row value.
	Error string `json:"error,omitempty"`
	// Warning says what will go wrong if nobody does anything.
	Warning string `json:"warning,omitempty"`
	// Holder is the node that works while this one stands by, as host:process; "" where that is not known.
	Holder string `json:"holder,omitempty"`
	err    error
}

// NewCondition is a condition since now, for what runs beside the loops.
func NewCondition(s State, err error) Condition {
	c := Condition{State: s, Since: time.Now(), err: err}
	if err != nil {
		c.Error = err.Error()
	}
	return c
}

// Err is the error behind the condition, nil while all is well.
func (c Condition) Err() error { return c.err }

type condition struct {
	mu  sync.Mutex
	now Condition
}

func (c *condition) setState(s State, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now.State == s && c.now.err == nil && err == nil {
		return
	}
	c.now = NewCondition(s, err)
}

// setStandby reports whether that is news. What was left when another node took over is that node's now.
func (s *ReaderStats) setStandby(holder string) bool {
	if !s.condition.setStandby(holder) {
		return false
	}
	s.setSource(nil)
	s.LastChange.Store(s.LastAcknowledged.Load())
	for _, p := range s.Publish {
		p.Open.Store(0)
	}
	return true
}

func (c *condition) setStandby(holder string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now.State == StateStandby && c.now.Holder == holder {
		return false
	}
	since := time.Now()
	if c.now.State == StateStandby {
		since = c.now.Since
	}
	c.now = Condition{State: StateStandby, Since: since, Holder: holder}
	return true
}

// setPaused says since when it is paused, and what that will lead to; "" when to nothing.
func (c *condition) setPaused(since time.Time, warning string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = Condition{State: StatePaused, Since: since, Warning: warning}
}

// Condition returns the present state.
func (c *condition) Condition() Condition {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// ReaderStats are the live counters of a reader. All of it may be read at any time.
type ReaderStats struct {
	condition
	Source  string
	Records atomic.Int64
	// LastChange and LastAcknowledged are commit times (Unix nanoseconds) of the newest change read and acknowledged; 0 when none.
	LastChange, LastAcknowledged atomic.Int64
	// LastSaved is when the position was last saved (Unix nanoseconds).
	LastSaved atomic.Int64
	Recovered atomic.Int64
	Epoch     atomic.Uint32
	Publish   map[string]*PublishStats

	mu   sync.Mutex
	src  adapters.Source
	pace adapters.Pace
	// retained is what the server keeps for a paused source, in bytes; -1 when it was not told.
	retained atomic.Int64
}

// PublishStats are the live counters of a publishing pipeline.
type PublishStats struct {
	Name, Table, Topic, Dataset string
	// Deprecated is what events tell of the end of the dataset's version; nil when nothing.
	Deprecated *Deprecation

	Created, Updated, Deleted, Snapshot atomic.Int64
	// Skipped were on the topic already when the source sent them again.
	Skipped  atomic.Int64
	Filtered atomic.Int64
	Swept    atomic.Int64
	Opened   atomic.Int64
	Resolved atomic.Int64
	Open     atomic.Int64
	// Retry is how far the retry of dead letters is that runs, or ran last, in this process; nil when there was none.
	Retry atomic.Pointer[RetryResult]

	window window

	mu      sync.Mutex
	reasons map[string]int64
	remarks map[Remark]int64
	mapping string
	changed *MappingChange
}

// Remark is what a remark is counted under.
type Remark struct{ Field, Group, Rule string }

func newReaderStats(cfg ReaderConfig) *ReaderStats {
	s := &ReaderStats{Source: cfg.Source, pace: cfg.Pace, Publish: map[string]*PublishStats{}}
	s.retained.Store(-1)
	for _, p := range cfg.Pipelines {
		s.Publish[p.Name] = &PublishStats{Name: p.Name, Table: p.Table, Topic: p.Topic, Dataset: p.Dataset.ID(), Deprecated: p.Deprecated, reasons: map[string]int64{}, remarks: map[Remark]int64{}}
	}
	return s
}

func (s *ReaderStats) read(b record.Batch) {
	if n := len(b.Records); n > 0 {
		s.Records.Add(int64(n))
		s.LastChange.Store(b.Records[n-1].Time.UnixNano())
	}
}

func (s *ReaderStats) acknowledged(c *chunk) {
	if c.rows > 0 {
		s.LastAcknowledged.Store(c.read.UnixNano())
	}
}

func (s *ReaderStats) saved(c *checkpoint) { s.LastSaved.Store(c.Saved.UnixNano()) }

func (s *ReaderStats) recovered(epoch uint32, c *checkpoint) {
	s.Recovered.Add(1)
	s.Epoch.Store(epoch)
	for name, print := range c.Mappings {
		p := s.Publish[name]
		p.mu.Lock()
		p.mapping, p.changed = print, nil
		if change, open := c.Changed[name]; open {
			p.changed = &change
		}
		p.mu.Unlock()
	}
}

func (s *ReaderStats) setSource(src adapters.Source) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.src = src
}

// Progress returns how far the running snapshots are; nil when the adapter does not tell.
func (s *ReaderStats) Progress() []adapters.Progress {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p, ok := s.src.(adapters.Progresser); ok {
		return p.Progress()
	}
	return nil
}

// WaitsUntil is when the running snapshots go on; the zero time when they do not wait, or when none is running.
func (s *ReaderStats) WaitsUntil() time.Time {
	for _, p := range s.Progress() {
		if !p.Done {
			return s.pace.Until()
		}
	}
	return time.Time{}
}

// Retention returns what tells how much log the source holds back; nil when the adapter does not.
func (s *ReaderStats) Retention() adapters.Retention {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, _ := s.src.(adapters.Retention)
	return r
}

func (p *PublishStats) published(e *event) {
	switch e.op {
	case bus.Created:
		p.Created.Add(1)
	case bus.Updated:
		p.Updated.Add(1)
	case bus.Deleted:
		p.Deleted.Add(1)
	case bus.Snapshot:
		p.Snapshot.Add(1)
	}
}

func (p *PublishStats) lettered(reason string) {
	p.Opened.Add(1)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reasons[reason]++
}

func (p *PublishStats) remarked(remarks []mapping.Remark) {
	if len(remarks) == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range remarks {
		p.remarks[Remark{r.Pointer, r.Group, r.Rule}]++
	}
}

// Reasons returns how many letters were opened, by reason.
func (p *PublishStats) Reasons() map[string]int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make(map[string]int64, len(p.reasons))
	for k, v := range p.reasons {
		out[k] = v
	}
	return out
}

// Remarks returns how many remarks there were, by field, group and rule.
func (p *PublishStats) Remarks() map[Remark]int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make(map[Remark]int64, len(p.remarks))
	for k, v := range p.remarks {
		out[k] = v
	}
	return out
}

// Mapping returns the fingerprint of the mapping that new events are made with.
func (p *PublishStats) Mapping() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mapping
}

// window is the error budget's memory: which of the last records failed. It is used by the hand-over only.
type window struct {
	failed []bool
	next   int
	full   bool
	bads   int
	letter int
}

func (w *window) put(b Budget, bad bool) {
	if w.failed == nil {
		w.failed = make([]bool, b.Window)
	}
	if w.failed[w.next] {
		w.bads--
	}
	w.failed[w.next] = bad
	if bad {
		w.bads++
	}
	w.next++
	if w.next == len(w.failed) {
		w.next, w.full = 0, true
	}
}

func (w *window) good(b Budget) {
	if w.letter > 0 {
		w.put(b, false)
	}
}

func (w *window) bad(b Budget) {
	w.letter++
	w.put(b, true)
}

// exhausted also holds before the window is full: a mapping that fails on the first thousand rows will not get better.
func (w *window) exhausted(b Budget) bool {
	n := w.next
	if w.full {
		n = len(w.failed)
	}
	return w.letter >= b.Least && float64(w.bads) >= b.Share*float64(n)
}
