package memory

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
)

// Options are the sizes of what a source hands out.
type Options struct {
	// Batch is the greatest number of records in a batch; 500 when zero. A transaction may span batches.
	Batch int
	// Chunk is the number of rows a snapshot reads at once; 500 when zero.
	Chunk int
}

// Source reads the log of a Store.
type Source struct {
	store *Store
	env   adapters.Env
	opts  Options

	closing sync.Once
	closed  chan struct{}

	// The rest belongs to Open and Read.
	names    []string
	position position
	fresh    bool // the position is where reading began, and nobody knows it yet
	pacer    *adapters.Pacer
	chunk    *chunk
	progress map[string]adapters.Progress // guarded by store.mu
}

var (
	_ adapters.Source     = (*Source)(nil)
	_ adapters.Describer  = (*Source)(nil)
	_ adapters.Checker    = (*Source)(nil)
	_ adapters.Fetcher    = (*Source)(nil)
	_ adapters.Scanner    = (*Source)(nil)
	_ adapters.Scanner    = (*Source)(nil)
	_ adapters.Retention  = (*Source)(nil)
	_ adapters.Progresser = (*Source)(nil)
)

// position is what a batch carries: everything up to Order was handed out.
type position struct {
	Version int                      `json:"version"`
	Store   string                   `json:"store"`
	Order   record.Order             `json:"order"`
	Tables  map[string]snapshotState `json:"tables"`
}

// snapshotState is how far the run of a table's snapshot is. Cursor is the last key read.
type snapshotState struct {
	Run    uint32       `json:"run"`
	Done   bool         `json:"done"`
	Since  record.Order `json:"since"`
	Cursor []byte       `json:"cursor,omitempty"`
}

// chunk holds rows of a table as they were at the order at, until the changes up to there are handed out.
type chunk struct {
	table *table
	keys  []string
	rows  []record.Row
	at    record.Order
	last  bool
}

// NewSource makes a source on a store.
func NewSource(store *Store, env adapters.Env, opts Options) *Source {
	if opts.Batch == 0 {
		opts.Batch = 500
	}
	if opts.Chunk == 0 {
		opts.Chunk = 500
	}
	pacer := adapters.NewPacer(env.Pace)
	opts.Chunk = pacer.Chunk(opts.Chunk)
	return &Source{store: store, env: env, opts: opts, pacer: pacer, closed: make(chan struct{}), progress: map[string]adapters.Progress{}}
}

// Open implements adapters.Source.
func (s *Source) Open(ctx context.Context, start adapters.Start) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	st := s.store
	st.mu.Lock()
	defer st.mu.Unlock()
	if err := st.reachable(s.env); err != nil {
		return err
	}
	if start.Floor.Major > st.last.Major {
		return &adapters.DivergenceError{
			Source: s.env.Name, Reason: problem.Say("the log ends before what is on the topics"),
			Saved: fmt.Sprintf("transaction %d", start.Floor.Major), Found: fmt.Sprintf("transaction %d", st.last.Major),
		}
	}
	s.position = position{Version: 1, Store: st.identity, Order: st.last, Tables: map[string]snapshotState{}}
	s.fresh = start.Position == nil
	if start.Position != nil {
		if err := s.resume(start.Position); err != nil {
			return err
		}
	}
	// A table that is left out is forgotten: its changes are passed over from here on.
	maps.DeleteFunc(s.position.Tables, func(name string, _ snapshotState) bool {
		return !slices.ContainsFunc(start.Tables, func(t adapters.TableStart) bool { return t.Table == name })
	})
	for _, t := range start.Tables {
		if st.tables[t.Table] == nil {
			return &adapters.RefusedError{Where: s.env.Name, What: problem.Say("there is no table %s", t.Table), Fix: problem.Say("define it in the store")}
		}
		if len(st.tables[t.Table].definition.Key) == 0 {
			return &adapters.RefusedError{Where: s.env.Name, What: problem.Say("table %s has no key", t.Table), Fix: problem.Say("define one")}
		}
		s.names = append(s.names, t.Table)
		if state := s.position.Tables[t.Table]; state.Run < max(1, t.Run) {
			s.position.Tables[t.Table] = snapshotState{Run: max(1, t.Run), Since: after(s.position.Order, s.position.Order.Major)}
		}
		if !s.position.Tables[t.Table].Done {
			s.progress[t.Table] = adapters.Progress{Table: t.Table, Total: -1}
		}
	}
	return nil
}

// resume takes up a saved position, or says why its meaning is lost.
func (s *Source) resume(saved []byte) error {
	var p position
	if err := json.Unmarshal(saved, &p); err != nil || p.Version != 1 {
		return &adapters.RefusedError{Where: s.env.Name, What: problem.Say("the saved position is not one of this version"), Fix: problem.Say("use the truc that wrote it, or newer")}
	}
	st := s.store
	if p.Store != st.identity || p.Order.Major > st.last.Major {
		return &adapters.DivergenceError{Source: s.env.Name, Reason: problem.Say("the store is not the one the position was saved for"), Saved: p.Store, Found: st.identity}
	}
	if p.Order.Compare(st.pruned) < 0 {
		return &adapters.GapError{
			Source: s.env.Name, Reason: problem.Say("the log was cut"),
			From: fmt.Sprintf("transaction %d", p.Order.Major), To: fmt.Sprintf("transaction %d", st.pruned.Major),
		}
	}
	if p.Tables == nil {
		p.Tables = map[string]snapshotState{}
	}
	s.position = p
	return nil
}

// Read implements adapters.Source.
func (s *Source) Read(ctx context.Context) (record.Batch, error) {
	for {
		select {
		case <-s.closed:
			return record.Batch{}, adapters.ErrClosed
		default:
		}
		if err := ctx.Err(); err != nil {
			return record.Batch{}, err
		}
		if s.fresh {
			s.fresh = false
			return s.batch(nil)
		}
		s.store.mu.Lock()
		records, err := s.next()
		changed := s.store.changed
		s.store.mu.Unlock()
		if err != nil {
			return record.Batch{}, err
		}
		if records != nil {
			return s.batch(records)
		}
		var again <-chan time.Time
		if wait := s.pacer.Delay(); wait > 0 {
			again = time.After(wait)
		}
		select {
		case <-changed:
		case <-again:
		case <-s.closed:
		case <-ctx.Done():
		}
	}
}

// next returns the records that come next and moves the position; nil when there is nothing to say. The store is locked.
func (s *Source) next() ([]record.Record, error) {
	if err := s.store.reachable(s.env); err != nil {
		return nil, err
	}
	if s.chunk == nil && s.pacer.Delay() == 0 {
		if s.chunk = s.readChunk(); s.chunk != nil {
			s.pacer.Took(len(s.chunk.rows))
		}
	}
	until := s.store.last
	if s.chunk != nil {
		until = s.chunk.at
	}
	if changes := s.changes(until); changes != nil {
		return changes, nil
	}
	if s.chunk == nil {
		return nil, nil
	}
	rows := s.snapshotRecords(s.chunk)
	s.chunk = nil
	return rows, nil
}

// changes returns the next changes up to an order; empty but not nil when all of them are of tables nobody asked for.
func (s *Source) changes(until record.Order) []record.Record {
	log := s.store.log
	first, _ := slices.BinarySearchFunc(log, s.position.Order, func(r record.Record, o record.Order) int {
		if r.Order.Compare(o) <= 0 {
			return -1
		}
		return 1
	})
	var records []record.Record
	for _, r := range log[first:] {
		if r.Order.Compare(until) > 0 || len(records) == s.opts.Batch {
			break
		}
		if records == nil {
			records = []record.Record{}
		}
		s.position.Order = r.Order
		if slices.Contains(s.names, r.Table.String()) {
			records = append(records, r)
		}
	}
	return records
}

// readChunk reads the next rows of the first table whose snapshot is not done.
func (s *Source) readChunk() *chunk {
	for _, name := range s.names {
		state := s.position.Tables[name]
		if state.Done {
			continue
		}
		t := s.store.tables[name]
		c := &chunk{table: t, at: s.store.last}
		c.keys = slices.Clone(t.after(string(state.Cursor), s.opts.Chunk))
		for _, key := range c.keys {
			c.rows = append(c.rows, t.rows[key])
		}
		c.last = len(c.keys) < s.opts.Chunk
		return c
	}
	return nil
}

func (s *Source) snapshotRecords(c *chunk) []record.Record {
	name, now := c.table.definition.String(), time.Now()
	state := s.position.Tables[name]
	records := make([]record.Record, 0, len(c.rows)+1)
	add := func(r record.Record) {
		s.position.Order = after(s.position.Order, c.at.Major)
		r.Table, r.Order, r.Time = c.table.definition, s.position.Order, now
		records = append(records, r)
	}
	for _, row := range c.rows {
		add(record.Record{Op: record.Snapshot, After: row})
	}
	if len(c.keys) > 0 {
		state.Cursor = []byte(c.keys[len(c.keys)-1])
	}
	if c.last {
		add(record.Record{Op: record.SnapshotEnd, Since: state.Since})
		state.Done, state.Cursor = true, nil
	}
	s.position.Tables[name] = state
	p := s.progress[name]
	s.progress[name] = adapters.Progress{Table: name, Rows: p.Rows + int64(len(c.rows)), Total: int64(len(c.table.keys)), Done: c.last}
	return records
}

// after is the order that follows o once transaction major is reached.
func after(o record.Order, major uint64) record.Order {
	if major > o.Major {
		return record.Order{Major: major, Minor: 1}
	}
	return record.Order{Major: o.Major, Minor: o.Minor + 1}
}

// batch gives the records memory of their own, and destroys it at Release: whoever reads it later is found.
func (s *Source) batch(records []record.Record) (record.Batch, error) {
	position, err := json.Marshal(s.position)
	if err != nil {
		return record.Batch{}, fmt.Errorf("encode position: %w", err)
	}
	for i := range records {
		records[i].Before = records[i].Before.Clone()
		records[i].After = records[i].After.Clone()
	}
	destroy := func() {
		for _, r := range records {
			for _, v := range append(slices.Clip(r.Before), r.After...) {
				copy(v.Bytes, bytes.Repeat([]byte{0xDB}, len(v.Bytes)))
			}
		}
	}
	return record.Batch{Records: records, Position: position, Done: destroy}, nil
}

// Ack implements adapters.Source: it cuts the log.
func (s *Source) Ack(ctx context.Context, saved []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var p position
	if err := json.Unmarshal(saved, &p); err != nil {
		return fmt.Errorf("decode acknowledged position: %w", err)
	}
	st := s.store
	st.mu.Lock()
	defer st.mu.Unlock()
	if err := st.reachable(s.env); err != nil {
		return err
	}
	n := 0
	for n < len(st.log) && st.log[n].Order.Compare(p.Order) <= 0 {
		st.pruned = st.log[n].Order
		n++
	}
	st.log = slices.Delete(st.log, 0, n)
	return nil
}

// Close implements adapters.Source.
func (s *Source) Close() error {
	s.closing.Do(func() { close(s.closed) })
	return nil
}
