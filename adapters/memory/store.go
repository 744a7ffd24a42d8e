// Package memory is an adapter to a database inside the process, for tests: of truc, and of programs built on it. It has
// everything the contract knows: transactions, a log with old and unchanged cells, snapshots by chunk, constraints, gaps.
//
//	Store ── Transact ──► tables, log ──► Source
//	Sink ── Apply ──► tables, bookkeeping
//
// It is strict where a real database would be lenient: the memory of a batch is overwritten when it is released, so a test
// finds who reads it later.
package memory

import (
	"crypto/rand"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/record"
)

// Store is the database. Its zero value is not usable; NewStore makes one. All methods may be called from any goroutine.
type Store struct {
	mu       sync.Mutex
	identity string
	tables   map[string]*table
	// log holds the committed changes that no source has acknowledged; pruned is the order up to which it was cut.
	log     []record.Record
	last    record.Order
	pruned  record.Order
	changed chan struct{} // closed at every commit
	down    bool

	offsets   map[string]adapters.Offsets
	entities  map[entityID]entity
	lastApply map[string]time.Time
}

// NewStore makes an empty store.
func NewStore() *Store {
	return &Store{
		identity:  rand.Text(),
		tables:    map[string]*table{},
		changed:   make(chan struct{}),
		offsets:   map[string]adapters.Offsets{},
		entities:  map[entityID]entity{},
		lastApply: map[string]time.Time{},
	}
}

// Define creates a table, or alters it when it is there: columns of the same name keep their cells, new ones are null.
func (s *Store) Define(spec TableSpec) {
	s.mu.Lock()
	defer s.mu.Unlock()
	definition := spec.Table
	t := &table{definition: &definition, spec: spec, rows: map[string]record.Row{}}
	if old := s.tables[definition.String()]; old != nil {
		definition.Version = old.definition.Version + 1
		for _, key := range old.keys {
			row := make(record.Row, len(definition.Columns))
			for i, c := range definition.Columns {
				row[i] = record.NullValue
				if j := old.definition.Index(c.Name); j >= 0 {
					row[i] = old.rows[key][j]
				}
			}
			t.put(row)
		}
	} else {
		definition.Version = 1
	}
	s.tables[definition.String()] = t
}

// Transact runs fn on the tables and commits what it did, as one transaction in the log. When fn or a constraint fails,
// nothing has happened. fn must not use the store but through tx.
func (s *Store) Transact(fn func(tx *Tx) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	tx := &Tx{store: s}
	if err := fn(tx); err != nil {
		tx.rollback()
		return err
	}
	if violations := tx.violations(); len(violations) > 0 {
		tx.rollback()
		return violations[0].err
	}
	tx.commit(true)
	return nil
}

// Rows returns copies of the rows of a table, in the order of their keys' bytes.
func (s *Store) Rows(name string) []record.Row {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tables[name]
	if t == nil {
		return nil
	}
	var rows []record.Row
	for _, key := range t.keys {
		rows = append(rows, t.rows[key].Clone())
	}
	return rows
}

// Forget drops the log, acknowledged or not: a source that still needs it finds a gap.
func (s *Store) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log, s.pruned = nil, s.last
}

// Replace makes the store another database with the same contents, as a restore on another server does: a source with a
// position finds a divergence.
func (s *Store) Replace() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.identity = rand.Text()
}

// SetReachable cuts the connection of every source and sink, or mends it.
func (s *Store) SetReachable(reachable bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = !reachable
	s.wake()
}

// LogLength is the number of changes that the store keeps because no source has acknowledged them.
func (s *Store) LogLength() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.log)
}

func (s *Store) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *Store) reachable(env adapters.Env) error {
	if s.down {
		return &adapters.UnreachableError{Where: "memory store " + env.Name, Err: errDown}
	}
	return nil
}

// Tx is a transaction of Transact. It must not be used after fn has returned.
type Tx struct {
	store   *Store
	undo    []func()
	records []record.Record
	touched []touch
	// cause is what a violation found at the end of the transaction is put down to.
	cause int
}

// touch is a row that was written, and by which change.
type touch struct {
	table *table
	key   string
	cause int
}

// ConstraintError says which rule of a table a row breaks. It never holds a value.
type ConstraintError struct {
	// Reason is "unique", "not-null", "key" (there is a row with this key, or none) or "table".
	Reason, Table string
	Columns       []string
}

func (e *ConstraintError) Error() string {
	return fmt.Sprintf("%s constraint on %s %v", e.Reason, e.Table, e.Columns)
}

// Insert adds a row, aligned with the table's columns.
func (tx *Tx) Insert(name string, row record.Row) error {
	t, err := tx.table(name)
	if err != nil {
		return err
	}
	row = row.Clone()
	if err := t.check(row); err != nil {
		return err
	}
	if _, there := t.rows[t.keyOf(row)]; there {
		return &ConstraintError{"key", name, t.keyNames()}
	}
	tx.write(t, "", row)
	tx.records = append(tx.records, record.Record{Table: t.definition, Op: record.Create, After: row})
	return nil
}

// Update changes the row with this key; cells that are Unchanged in row keep their value. The key itself may change.
func (tx *Tx) Update(name string, key, row record.Row) error {
	t, err := tx.table(name)
	if err != nil {
		return err
	}
	id := encodeKey(key)
	before, there := t.rows[id]
	if !there {
		return &ConstraintError{"key", name, t.keyNames()}
	}
	after := before.Clone()
	for i, v := range row {
		if v.Kind != record.Unchanged {
			after[i] = v.Clone()
		}
	}
	if err := t.check(after); err != nil {
		return err
	}
	newID := t.keyOf(after)
	if _, taken := t.rows[newID]; taken && newID != id {
		return &ConstraintError{"key", name, t.keyNames()}
	}
	tx.write(t, id, after)
	tx.records = append(tx.records, record.Record{
		Table: t.definition, Op: record.Update,
		Before: t.loggedBefore(before, newID != id), After: t.loggedAfter(before, after),
	})
	return nil
}

// Delete removes the row with this key.
func (tx *Tx) Delete(name string, key record.Row) error {
	t, err := tx.table(name)
	if err != nil {
		return err
	}
	id := encodeKey(key)
	before, there := t.rows[id]
	if !there {
		return &ConstraintError{"key", name, t.keyNames()}
	}
	tx.write(t, id, nil)
	tx.records = append(tx.records, record.Record{Table: t.definition, Op: record.Delete, Before: t.loggedBefore(before, true)})
	return nil
}

// Truncate empties a table without naming its rows.
func (tx *Tx) Truncate(name string) error {
	t, err := tx.table(name)
	if err != nil {
		return err
	}
	for _, id := range slices.Clone(t.keys) {
		tx.write(t, id, nil)
	}
	tx.records = append(tx.records, record.Record{Table: t.definition, Op: record.Truncate})
	return nil
}

// Row returns the row with this key, nil when there is none. It must not be changed.
func (tx *Tx) Row(name string, key record.Row) record.Row {
	if t := tx.store.tables[name]; t != nil {
		return t.rows[encodeKey(key)]
	}
	return nil
}

func (tx *Tx) table(name string) (*table, error) {
	t := tx.store.tables[name]
	if t == nil {
		return nil, &ConstraintError{Reason: "table", Table: name}
	}
	return t, nil
}

// write replaces the row stored under id ("" for none) by row (nil for none).
func (tx *Tx) write(t *table, id string, row record.Row) {
	before, there := t.rows[id]
	if there {
		t.remove(id)
	}
	newID := ""
	if row != nil {
		newID = t.put(row)
		tx.touched = append(tx.touched, touch{t, newID, tx.cause})
	}
	tx.undo = append(tx.undo, func() {
		if row != nil {
			t.remove(newID)
		}
		if there {
			t.put(before)
		}
	})
}

// violation is a broken unique constraint and the change it is put down to.
type violation struct {
	cause int
	err   *ConstraintError
}

// violations looks for duplicates at the end of the transaction, so that two rows may swap their unique values.
func (tx *Tx) violations() []violation {
	var found []violation
	for _, w := range tx.touched {
		row, there := w.table.rows[w.key]
		if !there {
			continue
		}
		for _, columns := range w.table.spec.Unique {
			if w.table.duplicate(columns, w.key, row) {
				found = append(found, violation{w.cause, &ConstraintError{"unique", w.table.definition.String(), columns}})
			}
		}
	}
	return found
}

func (tx *Tx) rollback() {
	for _, undo := range slices.Backward(tx.undo) {
		undo()
	}
	tx.undo = nil
}

// commit makes the changes visible; logged says whether the log carries them.
func (tx *Tx) commit(logged bool) {
	if !logged || len(tx.records) == 0 {
		return
	}
	s := tx.store
	now := time.Now()
	s.last = record.Order{Major: s.last.Major + 1}
	for _, r := range tx.records {
		s.last.Minor++
		r.Order, r.Tx, r.Time = s.last, s.last.Major, now
		s.log = append(s.log, r)
	}
	s.wake()
}
