package memory

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
)

// Sink applies changes to the tables of a Store. What it writes does not enter the store's log, so that a source on the
// same store never sends back what was delivered.
type Sink struct {
	store *Store
	env   adapters.Env
}

var (
	_ adapters.Sink          = (*Sink)(nil)
	_ adapters.SinkDescriber = (*Sink)(nil)
	_ adapters.SinkChecker   = (*Sink)(nil)
	_ adapters.SinkReader    = (*Sink)(nil)
	_ adapters.Sweeper       = (*Sink)(nil)
)

// entityID names one key of one table in the bookkeeping.
type entityID struct{ table, key string }

// entity is what the bookkeeping knows of a key: the newest event applied to it. Deletions stay, so that an older event
// cannot bring the row back.
type entity struct {
	pipeline   string
	key        record.Row
	source     string
	generation uint32
	sequence   string
	deleted    bool
}

// NewSink makes a sink on a store.
func NewSink(store *Store, env adapters.Env) *Sink {
	return &Sink{store: store, env: env}
}

// Open implements adapters.Sink.
func (s *Sink) Open(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	return s.store.reachable(s.env)
}

// Close implements adapters.Sink.
func (s *Sink) Close() error { return nil }

// Offsets implements adapters.Sink.
func (s *Sink) Offsets(ctx context.Context, pipeline string, partitions []adapters.TopicPartition) (adapters.Offsets, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	if err := s.store.reachable(s.env); err != nil {
		return nil, err
	}
	offsets := adapters.Offsets{}
	for _, p := range partitions {
		offsets[p] = s.store.offsets[pipeline][p]
	}
	return offsets, nil
}

// Apply implements adapters.Sink.
func (s *Sink) Apply(ctx context.Context, pipeline string, changes []record.Change, from, to adapters.Offsets) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	st := s.store
	st.mu.Lock()
	defer st.mu.Unlock()
	if err := st.reachable(s.env); err != nil {
		return err
	}
	for p, offset := range from {
		if st.offsets[pipeline][p].Next != offset.Next {
			return adapters.ErrOffsetMoved
		}
	}
	a := &application{tx: &Tx{store: st}, entities: maps.Clone(st.entities)}
	for i := range changes {
		a.tx.cause = i
		if err := a.apply(&changes[i]); err != nil {
			a.reject(i, err)
		}
	}
	for _, v := range a.tx.violations() {
		a.reject(v.cause, v.err)
	}
	if len(a.rejections) > 0 {
		a.tx.rollback()
		return &adapters.RejectedError{Rejections: slices.SortedFunc(maps.Values(a.rejections), func(x, y adapters.Rejection) int { return x.Index - y.Index })}
	}
	a.tx.commit(false)
	st.entities = a.entities
	if st.offsets[pipeline] == nil {
		st.offsets[pipeline] = adapters.Offsets{}
	}
	maps.Copy(st.offsets[pipeline], to)
	st.lastApply[pipeline] = time.Now()
	return nil
}

// application is one Apply in progress.
type application struct {
	tx         *Tx
	entities   map[entityID]entity
	rejections map[int]adapters.Rejection
}

func (a *application) reject(i int, err error) {
	if a.rejections == nil {
		a.rejections = map[int]adapters.Rejection{}
	}
	r := adapters.Rejection{Index: i, Reason: "type", Err: err}
	var constraint *ConstraintError
	if errors.As(err, &constraint) {
		r.Reason, r.Park = constraint.Reason, constraint.Reason == "unique"
	}
	if errors.Is(err, errConflict) {
		r.Reason = "conflict"
	}
	a.rejections[i] = r
}

var errConflict = errors.New("another source owns this key; choose a conflict rule in the mapping")

// apply decides whether a change is the newest word on its key, and writes it.
func (a *application) apply(c *record.Change) error {
	target := c.Target
	id := entityID{target.Table, encodeKey(c.Key)}
	known, exists := a.entities[id]
	switch {
	case !exists:
	case known.source == c.Source:
		if !newer(c, known) {
			return nil
		}
	case c.Delete:
		return nil // only the owner of a key deletes it
	case known.deleted:
	case target.Conflict == record.ConflictIgnores:
		return nil
	case target.Conflict == record.ConflictRejects:
		return errConflict
	}
	written, err := a.write(c)
	if err != nil || !written {
		return err
	}
	a.entities[id] = entity{target.Pipeline, c.Key.Clone(), c.Source, c.Generation, c.Sequence, c.Delete}
	return nil
}

func newer(c *record.Change, known entity) bool {
	if c.Generation != known.generation {
		return c.Generation > known.generation
	}
	return c.Sequence > known.sequence
}

// write changes the table; false says that the change left no trace and the bookkeeping must not know of it.
func (a *application) write(c *record.Change) (bool, error) {
	target := c.Target
	t, err := a.tx.table(target.Table)
	if err != nil {
		return false, err
	}
	columns, values := target.Columns, c.Values
	if c.Delete {
		columns = target.DeleteSet
	}
	if target.Write == record.AppendOnly {
		if c.Delete && target.OnDelete != record.DeleteSets {
			return true, nil
		}
		return true, a.insert(t, c, columns, values)
	}
	id, row := a.find(t, target.Key, c.Key)
	switch {
	case c.Delete && (target.OnDelete == record.DeleteIgnored || row == nil):
		return true, nil
	case c.Delete && target.OnDelete == record.DeleteRow:
		a.tx.write(t, id, nil)
		return true, nil
	case row == nil && target.Write == record.UpdateOnly:
		return false, nil
	case row == nil:
		return true, a.insert(t, c, columns, values)
	}
	after := slices.Clone(row)
	if err := set(t, after, columns, values); err != nil {
		return false, err
	}
	if err := t.check(after); err != nil {
		return false, err
	}
	a.tx.write(t, id, after)
	return true, nil
}

func (a *application) insert(t *table, c *record.Change, columns []string, values record.Row) error {
	row := make(record.Row, len(t.definition.Columns))
	for i := range row {
		row[i] = record.NullValue
	}
	if err := set(t, row, c.Target.Key, c.Key); err != nil {
		return err
	}
	if err := set(t, row, columns, values); err != nil {
		return err
	}
	if !c.Delete {
		if err := set(t, row, c.Target.OnCreate, c.OnCreate); err != nil {
			return err
		}
	}
	if err := t.check(row); err != nil {
		return err
	}
	if _, there := t.rows[t.keyOf(row)]; there {
		return &ConstraintError{"unique", c.Target.Table, t.keyNames()}
	}
	a.tx.write(t, "", row)
	return nil
}

// find returns the row whose key columns, as the target names them, hold the key.
func (a *application) find(t *table, columns []string, key record.Row) (string, record.Row) {
	if slices.Equal(columns, t.keyNames()) {
		id := encodeKey(key)
		return id, t.rows[id]
	}
	for id, row := range t.rows {
		same := true
		for i, name := range columns {
			c := t.definition.Index(name)
			same = same && c >= 0 && row[c].Equal(key[i])
		}
		if same {
			return id, row
		}
	}
	return "", nil
}

func set(t *table, row record.Row, columns []string, values record.Row) error {
	for i, name := range columns {
		c := t.definition.Index(name)
		if c < 0 || i >= len(values) || values[i].Kind == record.Unchanged {
			return fmt.Errorf("column %s of %s cannot be set", name, t.definition)
		}
		row[c] = values[i].Clone()
	}
	return nil
}

// CheckTargets implements adapters.SinkChecker.
func (s *Sink) CheckTargets(ctx context.Context, targets []*record.Target) (problem.List, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	if err := s.store.reachable(s.env); err != nil {
		return nil, err
	}
	var found problem.List
	for _, target := range targets {
		t := s.store.tables[target.Table]
		if t == nil {
			p := unknownTable(s.env, target.Table, slices.Sorted(maps.Keys(s.store.tables)))
			p.Code = "sink.unknown-table"
			found = append(found, p)
			continue
		}
		for _, columns := range [][]string{target.Key, target.Columns, target.OnCreate, target.DeleteSet} {
			for _, name := range columns {
				if t.definition.Index(name) < 0 {
					found = append(found, problem.Problem{
						Code: "sink.unknown-column", Where: s.env.Name,
						What: problem.Say("table %s has no column %s", target.Table, name), Fix: problem.Say("correct the mapping or define the column"),
					})
				}
			}
		}
	}
	return found, nil
}

// Rows implements adapters.SinkReader.
func (s *Sink) Rows(ctx context.Context, target *record.Target, fn func(adapters.SinkRow) error) error {
	s.store.mu.Lock()
	if err := s.store.reachable(s.env); err != nil {
		s.store.mu.Unlock()
		return err
	}
	t := s.store.tables[target.Table]
	var rows []adapters.SinkRow
	for id, e := range s.store.entities {
		if t == nil || id.table != target.Table || e.deleted || e.pipeline != target.Pipeline {
			continue
		}
		row := adapters.SinkRow{Key: e.key, Values: make(record.Row, len(target.Columns)), Source: e.source, Generation: e.generation, Sequence: e.sequence}
		for i := range row.Values {
			row.Values[i] = record.NullValue
		}
		a := application{}
		if _, cells := a.find(t, target.Key, e.key); cells != nil {
			row.Found = true
			for i, name := range target.Columns {
				if c := t.definition.Index(name); c >= 0 {
					row.Values[i] = cells[c]
				}
			}
		}
		rows = append(rows, row)
	}
	s.store.mu.Unlock()
	for _, row := range rows {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := fn(row); err != nil {
			return err
		}
	}
	return nil
}

// LastApply implements adapters.Sweeper.
func (s *Sink) LastApply(ctx context.Context, pipeline string) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	at, there := s.store.lastApply[pipeline]
	if !there {
		return 0, nil
	}
	return at.Unix(), nil
}
