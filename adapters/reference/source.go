package reference

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
)

// Source says what is in the tables of the standards.
type Source struct {
	env  adapters.Env
	load func() (map[string]*table, error)
	now  func() time.Time

	closing sync.Once
	closed  chan struct{}

	// The rest belongs to Open and Read.
	position position
	wanted   []adapters.TableStart
	saying   []record.Record // what is left of the plan

	mu    sync.Mutex
	await []byte        // the position that must be saved before the plan's first record leaves
	saved chan struct{} // closed when it is
}

var (
	_ adapters.Source    = (*Source)(nil)
	_ adapters.Describer = (*Source)(nil)
	_ adapters.Scanner   = (*Source)(nil)
)

// batchSize is the greatest number of records in a batch.
const batchSize = 500

// NewSource makes a source of the tables that the environment has.
func NewSource(env adapters.Env) *Source {
	return &Source{env: env, now: time.Now, closed: make(chan struct{}), load: sync.OnceValues(func() (map[string]*table, error) {
		tables := map[string]*table{}
		if env.Reference == nil {
			return tables, nil
		}
		found, err := env.Reference()
		if err != nil {
			return nil, fmt.Errorf("source %s: %w", env.Name, err)
		}
		for _, t := range found {
			tables[t.Table.String()] = newTable(t)
		}
		return tables, nil
	})}
}

// Open implements adapters.Source.
func (s *Source) Open(ctx context.Context, start adapters.Start) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	tables, err := s.load()
	if err != nil {
		return err
	}
	was := position{Format: positionFormat}
	if start.Position != nil {
		if err := json.Unmarshal(start.Position, &was); err != nil || was.Format != positionFormat {
			return &adapters.RefusedError{Where: s.env.Name, What: problem.Say("the saved position is not one of this version"), Fix: problem.Say("use the truc that wrote it, or newer")}
		}
	}
	if start.Floor.Major > was.Major {
		return &adapters.DivergenceError{
			Source: s.env.Name, Reason: problem.Say("the saved position ends before what is on the topics"),
			Saved: fmt.Sprintf("plan %d", was.Major), Found: fmt.Sprintf("plan %d", start.Floor.Major),
		}
	}
	s.position = position{Format: positionFormat, Major: was.Major, Tables: map[string]state{}}
	for _, t := range start.Tables {
		if tables[t.Table] == nil {
			return &adapters.RefusedError{Where: s.env.Name, What: problem.Say("there is no table %s", t.Table), Fix: problem.Say("use one of the tables that are there: %s", strings.Join(names(tables), ", "))}
		}
		t.Run = max(1, t.Run)
		s.wanted = append(s.wanted, t)
		s.position.Tables[t.Table] = was.Tables[t.Table] // one that is left out is forgotten
	}
	s.takeUp(was.Plan, tables)
	for _, t := range s.wanted {
		if d := between(s.position.Tables[t.Table], tables[t.Table], s.run(t)); d.vanished > 0 {
			return &adapters.RefusedError{
				Where: s.env.Name,
				What:  problem.Say("%d rows of %s that were published are not there any more, and nothing says that they were withdrawn", d.vanished, t.Table),
				Fix:   problem.Say(`a code that is over stays in its list with "to"; one that was a mistake stays with "withdrawn"; if a whole list was taken out on purpose: truc resnapshot %s deletes its codes at all subscribers`, s.env.Name),
			}
		}
	}
	return nil
}

// takeUp goes on with a plan that was begun, or gives it up.
func (s *Source) takeUp(p *plan, tables map[string]*table) {
	// A snapshot that begins now has an epoch of its own: its end tells what is left of all that was said before.
	for _, t := range s.wanted {
		if is := s.position.Tables[t.Table]; s.run(t) > 0 && (p == nil || p.Table != t.Table || p.Run != t.Run) {
			is.Touched = nil
			s.position.Tables[t.Table] = is
		}
	}
	if p == nil {
		return
	}
	i := slices.IndexFunc(s.wanted, func(t adapters.TableStart) bool { return t.Table == p.Table })
	if i < 0 {
		return
	}
	is, run, now := s.position.Tables[p.Table], s.run(s.wanted[i]), tables[p.Table]
	switch {
	case p.Run != run: // a snapshot begins
	case p.Content == now.content:
		s.position.Plan = p
		s.saying = s.placed(between(is, now, run).records)[p.Said:]
	default:
		is.Touched = unpack(is.Touched).with(unpack(p.Touches)).pack()
		s.position.Tables[p.Table] = is
	}
}

// run is the snapshot of a table that is still to be said, 0 when there is none.
func (s *Source) run(t adapters.TableStart) uint32 {
	if s.position.Tables[t.Table].Run < t.Run {
		return t.Run
	}
	return 0
}

// placed gives the records of the plan their places.
func (s *Source) placed(records []record.Record) []record.Record {
	for i := range records {
		records[i].Order = record.Order{Major: s.position.Major, Minor: uint32(i + 1)}
		if records[i].Op == record.SnapshotEnd {
			records[i].Since = record.Order{Major: s.position.Major}
		}
	}
	return records
}

// Read implements adapters.Source.
func (s *Source) Read(ctx context.Context) (record.Batch, error) {
	tables, err := s.load()
	if err != nil {
		return record.Batch{}, err
	}
	for {
		if err := s.ready(ctx); err != nil {
			return record.Batch{}, err
		}
		if s.position.Plan != nil {
			return s.say(tables)
		}
		if s.plan(tables) {
			return s.announce()
		}
		select {
		case <-s.closed:
		case <-ctx.Done():
		}
	}
}

// ready waits until the plan is saved.
func (s *Source) ready(ctx context.Context) error {
	s.mu.Lock()
	saved := s.saved
	s.mu.Unlock()
	if saved == nil {
		saved = make(chan struct{})
		close(saved)
	}
	select {
	case <-s.closed:
		return adapters.ErrClosed
	default:
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-saved:
		return nil
	case <-s.closed:
		return adapters.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// plan finds the next table of which there is something to say.
func (s *Source) plan(tables map[string]*table) bool {
	for _, t := range s.wanted {
		is, now := s.position.Tables[t.Table], tables[t.Table]
		run := s.run(t)
		d := between(is, now, run)
		if len(d.records) == 0 {
			continue
		}
		// Not before the clock: where the bus was lost and begins anew, subscribers still know the numbers of the plans before. The plan
		// is on record before it is carried out, so that the clock is asked once.
		s.position.Major = max(s.position.Major+1, uint64(s.now().Unix()))
		s.position.Plan = &plan{Table: t.Table, Run: run, Content: now.content, Touches: d.touches.pack()}
		s.saying = s.placed(d.records)
		return true
	}
	return false
}

// announce is a batch that says only what is about to come.
func (s *Source) announce() (record.Batch, error) {
	b, err := s.batch(nil)
	s.mu.Lock()
	s.await, s.saved = b.Position, make(chan struct{})
	s.mu.Unlock()
	return b, err
}

// say hands the next records of the plan out.
func (s *Source) say(tables map[string]*table) (record.Batch, error) {
	n := min(len(s.saying), batchSize)
	records := s.saying[:n]
	s.saying = s.saying[n:]
	p := *s.position.Plan
	p.Said += n
	s.position.Plan = &p
	if len(s.saying) == 0 {
		run := max(s.position.Tables[p.Table].Run, p.Run)
		s.position.Tables[p.Table] = state{Run: run, Rows: tables[p.Table].digests.pack()}
		s.position.Plan = nil
	}
	return s.batch(records)
}

func (s *Source) batch(records []record.Record) (record.Batch, error) {
	position, err := s.position.encode()
	if err != nil {
		return record.Batch{}, fmt.Errorf("encode position: %w", err)
	}
	return record.Batch{Records: records, Position: position}, nil
}

// Ack implements adapters.Source: a plan that is on record may begin.
func (s *Source) Ack(ctx context.Context, position []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.await != nil && string(s.await) == string(position) {
		close(s.saved)
		s.await = nil
	}
	return nil
}

// Close implements adapters.Source.
func (s *Source) Close() error {
	s.closing.Do(func() { close(s.closed) })
	return nil
}

// Describe implements adapters.Describer.
func (s *Source) Describe(ctx context.Context, wanted ...string) ([]adapters.TableInfo, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	tables, err := s.load()
	if err != nil {
		return nil, err
	}
	if len(wanted) == 0 {
		wanted = names(tables)
	}
	var infos []adapters.TableInfo
	for _, name := range wanted {
		t := tables[name]
		if t == nil {
			return nil, &problem.Problem{Code: "source.unknown-table", Where: s.env.Name, What: problem.Say("there is no table %s", name), Fix: problem.Say("use one of the tables that are there: %s", strings.Join(names(tables), ", "))}
		}
		infos = append(infos, adapters.TableInfo{Table: t.Table, Rows: int64(len(t.Rows))})
	}
	return infos, nil
}

// Scan implements adapters.Scanner.
func (s *Source) Scan(ctx context.Context, name string, fn func(t *record.Table, rows []record.Row) error) error {
	infos, err := s.Describe(ctx, name)
	if err != nil {
		return err
	}
	tables, err := s.load()
	if err != nil {
		return err
	}
	for group := range slices.Chunk(tables[name].Rows, batchSize) {
		if err := fn(infos[0].Table, group); err != nil {
			return err
		}
	}
	return nil
}

func names(tables map[string]*table) []string {
	var out []string
	for name := range tables {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}
