package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/record"
)

// registry is a source database with a table that is snapshotted while it changes. Chunks enter the log at watermarks, and
// what is read again after a crash enters at new ones, as a log-based source does it.
type registry struct {
	mu sync.Mutex
	// rows is the table as of the end of the log.
	rows map[int]record.Row
	// coming are the changes that were not made yet: they happen while the log is read.
	coming []record.Record
	// log holds changes and watermarks (Op 0).
	log      []record.Record
	pruned   int
	complete bool // the snapshot was acknowledged to its end
	lost     error
}

// registryPosition is what a batch of a registry carries.
type registryPosition struct {
	Next   int
	Cursor int
	Done   bool
}

type registrySource struct {
	g      *registry
	sizes  func() int
	at     registryPosition
	chunk  *registryChunk
	closed chan struct{}
	once   sync.Once
}

type registryChunk struct {
	mark int // index of its watermark in the log
	ids  []int
	rows []record.Row
	last bool
}

// drawRegistry makes a registry that has rows from the beginning, and a history to come.
func drawRegistry(t *rapid.T) *registry {
	g := &registry{rows: map[int]record.Row{}}
	past := drawLog(t)
	cut := rapid.IntRange(0, len(past)).Draw(t, "before the snapshot")
	for _, r := range past[:cut] {
		g.change(&r)
	}
	g.coming = past[cut:]
	return g
}

func idOf(r record.Row) int { return int(r[0].Num) }

func (g *registry) change(r *record.Record) {
	if r.Before != nil {
		delete(g.rows, idOf(r.Before))
	}
	if r.After != nil {
		g.rows[idOf(r.After)] = r.After
	}
}

func (g *registry) open(sizes func() int) adapters.Source {
	return &registrySource{g: g, sizes: sizes, closed: make(chan struct{})}
}

func (g *registry) settled() (all bool, lost error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.complete && len(g.coming) == 0 && g.pruned == len(g.log), g.lost
}

func (s *registrySource) Open(_ context.Context, start adapters.Start) error {
	if start.Position != nil {
		if err := json.Unmarshal(start.Position, &s.at); err != nil {
			return err
		}
	}
	s.g.mu.Lock()
	defer s.g.mu.Unlock()
	if s.at.Next < s.g.pruned {
		s.g.lost = fmt.Errorf("position %d was saved, but the source was told to forget up to %d", s.at.Next, s.g.pruned)
		return s.g.lost
	}
	return nil
}

func (s *registrySource) Read(ctx context.Context) (record.Batch, error) {
	for {
		if records := s.records(); records != nil {
			p, err := json.Marshal(s.at)
			return record.Batch{Records: records, Position: p}, err
		}
		select {
		case <-time.After(200 * time.Microsecond):
		case <-ctx.Done():
			return record.Batch{}, ctx.Err()
		case <-s.closed:
			return record.Batch{}, adapters.ErrClosed
		}
	}
}

// records lets some changes happen, then returns what comes next in the log.
func (s *registrySource) records() (out []record.Record) {
	g := s.g
	g.mu.Lock()
	defer g.mu.Unlock()
	for range min(s.sizes()/3, len(g.coming)) {
		r := g.coming[0]
		g.coming = g.coming[1:]
		r.Order = record.Order{Major: uint64(len(g.log) + 1)}
		g.change(&r)
		g.log = append(g.log, r)
	}
	if !s.at.Done && s.chunk == nil {
		s.chunk = g.read(s.at.Cursor, s.sizes())
	}
	for n := s.sizes(); s.at.Next < len(g.log) && n > 0; n-- {
		r := g.log[s.at.Next]
		s.at.Next++
		switch {
		case r.Op != 0:
			r.Before, r.After = r.Before.Clone(), r.After.Clone()
			out = append(out, r)
		case s.chunk != nil && s.chunk.mark == s.at.Next-1:
			return append(out, s.hand()...)
		}
		// Another watermark is one of an earlier session.
	}
	if out == nil && s.at.Next > 0 && s.at.Next == len(g.log) && g.pruned < len(g.log) {
		out = []record.Record{} // a heartbeat behind watermarks
	}
	return out
}

// read reads a chunk and puts its watermark into the log. Nothing changes meanwhile.
func (g *registry) read(cursor, n int) *registryChunk {
	c := &registryChunk{mark: len(g.log)}
	g.log = append(g.log, record.Record{})
	for _, id := range slices.Sorted(maps.Keys(g.rows)) {
		if id > cursor {
			c.ids = append(c.ids, id)
		}
	}
	c.last = len(c.ids) <= n
	c.ids = c.ids[:min(n, len(c.ids))]
	for _, id := range c.ids {
		c.rows = append(c.rows, g.rows[id].Clone())
	}
	return c
}

func (s *registrySource) hand() (out []record.Record) {
	c := s.chunk
	s.chunk = nil
	at := record.Order{Major: uint64(c.mark + 1)}
	for i, row := range c.rows {
		at.Minor++
		out = append(out, record.Record{Table: testTable, Op: record.Snapshot, After: row, Order: at, Time: time.Unix(1_800_000_000, 0)})
		s.at.Cursor = c.ids[i]
	}
	if c.last {
		at.Minor++
		s.at.Done = true
		out = append(out, record.Record{Table: testTable, Op: record.SnapshotEnd, Order: at, Since: record.Order{Major: uint64(c.mark + 1)}, Time: time.Unix(1_800_000_000, 0)})
	}
	return out
}

func (s *registrySource) Ack(_ context.Context, p []byte) error {
	var at registryPosition
	if err := json.Unmarshal(p, &at); err != nil {
		return err
	}
	s.g.mu.Lock()
	defer s.g.mu.Unlock()
	s.g.pruned, s.g.complete = max(s.g.pruned, at.Next), s.g.complete || at.Done
	return nil
}

func (s *registrySource) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

// checkSnapshotTopic: every change of the log once and in order, every row of the table there as it is now, and no row that
// was read again published again.
func checkSnapshotTopic(t fatal, b *modelBus, p Publish, g *registry) {
	var changes []record.Record
	for _, r := range g.log {
		if r.Op != 0 {
			changes = append(changes, r)
		}
	}
	want := map[string][]expectation{}
	expected, _ := oracle(changes)
	for _, e := range expected {
		want[e.key] = append(want[e.key], e)
	}
	streamed := map[string][]expectation{}
	latest := map[string]bus.Event{}
	ids := map[string]bool{}
	for n, part := range b.topics[p.Topic] {
		last := ""
		for _, d := range part {
			e, err := bus.ParseEvent(&d)
			if err != nil {
				t.Fatalf("partition %d offset %d: %v", n, d.Offset, err)
			}
			if ids[e.ID] || e.Sequence < last {
				t.Fatalf("partition %d offset %d: sequence %s after %s, or an id for the second time", n, d.Offset, e.Sequence, last)
			}
			ids[e.ID], last = true, e.Sequence
			if was, ok := latest[string(e.Key)]; ok && e.Op == bus.Snapshot && was.Op == bus.Snapshot && bytes.Equal(was.Data, e.Data) {
				t.Fatalf("partition %d offset %d: a row that was published before the crash is published again", n, d.Offset)
			}
			latest[string(e.Key)] = e
			if e.Op != bus.Snapshot {
				streamed[string(e.Key)] = append(streamed[string(e.Key)], expectation{string(e.Key), e.Sequence, e.Data == nil})
			}
		}
	}
	if fmt.Sprint(streamed) != fmt.Sprint(want) {
		t.Fatalf("changes:\n got %v\nwant %v", streamed, want)
	}
	open := map[string]bool{}
	for _, r := range g.rows {
		key := `["` + string(r[1].Bytes) + `","2026","H44.15"]`
		switch {
		case r[3].Num != 0:
		case r[2].IsNull():
			open[key] = true
		default:
			if e, ok := latest[key]; !ok || !bytes.Contains(e.Data, append([]byte(`"hoTen":"`), r[2].Bytes...)) {
				t.Fatalf("row %s is not on the topic as it is now", key)
			}
			delete(latest, key)
		}
	}
	for key, e := range latest {
		if e.Data != nil && !open[key] {
			t.Fatalf("key %s is live on the topic, and no row has it", key)
		}
	}
	letters := map[string]bool{}
	for _, d := range b.topics[p.Topic+bus.DLQSuffix][0] {
		if d.Value == nil {
			delete(letters, string(d.Key))
		} else {
			letters[string(d.Key)] = true
		}
	}
	if fmt.Sprint(letters) != fmt.Sprint(open) {
		t.Fatalf("open dead letters:\n got %v\nwant %v", letters, open)
	}
}

// TestSnapshotRecoveryModel is TestRecoveryModel for a table that is snapshotted while it changes: a crash makes the source
// read rows again, under new sequences.
func TestSnapshotRecoveryModel(t *testing.T) {
	p := testPublish(t, 3)
	rapid.Check(t, func(t *rapid.T) {
		b := newModelBus()
		g := drawRegistry(t)
		seed := rapid.Uint32().Draw(t, "batches")
		sizes := func() int { seed = seed*1664525 + 1013904223; return int(seed>>24)%7 + 1 }
		for range rapid.IntRange(0, 5).Draw(t, "crashes") {
			runProcess(t, g, b.process(rapid.IntRange(0, 25).Draw(t, "after"), rapid.Bool().Draw(t, "stored")), p, sizes)
		}
		runProcess(t, g, b.process(1<<30, false), p, sizes)
		checkSnapshotTopic(t, b, p, g)
	})
}
