package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
)

// Limits of a batch, and of a chunk of a snapshot. A single row may be larger.
const (
	batchRows  = 500
	batchBytes = 1 << 20
)

// Source follows truc_change.
type Source struct {
	config *Config
	env    adapters.Env

	// closed is closed by Close; running is held by Open, Read and Ack while they use db, so that Close waits for them.
	closing sync.Once
	closed  chan struct{}
	running sync.RWMutex
	db      *database

	// The rest belongs to Open and Read.
	conn     *sql.Conn // data_version compares only within one connection
	names    []string
	position position
	fresh    bool                     // the position is where reading began, and nobody knows it yet
	captures map[int64]bool           // all that are in the file
	versions map[int64]*record.Table  // by capture
	current  map[string]*record.Table // the newest version of each table
	tableOf  map[string]*table
	pending  *chunk
	pacer    *adapters.Pacer
	schema   int64 // PRAGMA schema_version when the tables were last looked at
	seen     int64 // PRAGMA data_version when there was last nothing to say

	counting sync.Mutex
	counts   map[string]adapters.Progress
}

var (
	_ adapters.Source     = (*Source)(nil)
	_ adapters.Describer  = (*Source)(nil)
	_ adapters.Checker    = (*Source)(nil)
	_ adapters.Fetcher    = (*Source)(nil)
	_ adapters.Scanner    = (*Source)(nil)
	_ adapters.Progresser = (*Source)(nil)
)

// NewSource builds a source without touching the file.
func NewSource(c *Config, env adapters.Env) *Source {
	return &Source{config: c.in(env.Dir), env: env, closed: make(chan struct{}), seen: -1, pacer: adapters.NewPacer(env.Pace), counts: map[string]adapters.Progress{}}
}

// Open implements adapters.Source.
func (s *Source) Open(ctx context.Context, start adapters.Start) error {
	s.running.RLock()
	defer s.running.RUnlock()
	db, err := open(ctx, s.config)
	if err != nil {
		return err
	}
	s.db = db
	for _, t := range start.Tables {
		s.names = append(s.names, t.Table)
	}
	if s.conn, err = db.Conn(ctx); err != nil {
		return db.explain(ctx, "connect", err)
	}
	return db.change(ctx, func(tx *sql.Tx) error {
		saved := position{Tables: map[string]progress{}}
		if start.Position != nil {
			if saved, err = decodePosition(start.Position, db.where); err != nil {
				return err
			}
		}
		tables, err := s.tables(ctx, tx, s.names)
		if err != nil {
			return err
		}
		if start.Position != nil {
			if err := s.compare(ctx, tx, saved, tables); err != nil {
				return err
			}
		}
		c, err := s.capture(ctx, db, tx, tables, s.config.Capture)
		if err != nil {
			return err
		}
		s.remember(c, tables)
		return s.begin(ctx, tx, start, saved, c)
	})
}

// begin sets the position from which to read.
func (s *Source) begin(ctx context.Context, tx *sql.Tx, start adapters.Start, saved position, c *capturing) error {
	s.position = saved
	if start.Position == nil {
		id, tag, err := lastChange(ctx, tx)
		if errors.Is(err, sql.ErrNoRows) {
			if _, err = tx.ExecContext(ctx, `INSERT INTO truc_change (capture, op) VALUES (0, '`+opStart+`')`); err == nil {
				id, tag, err = lastChange(ctx, tx)
			}
		}
		if err != nil {
			return s.db.explain(ctx, "begin reading", err)
		}
		s.position = position{Version: positionVersion, Database: c.identity, ID: id, Tag: tag, Tables: map[string]progress{}}
		s.fresh = true
	}
	last, err := s.sequence(ctx, tx)
	if err != nil {
		return err
	}
	if start.Floor.Major > last {
		return diverged(s.env.Name, start.Floor.Major, last)
	}
	since := s.position.next()
	// A table that is left out is forgotten: its changes are passed over from here on.
	maps.DeleteFunc(s.position.Tables, func(name string, _ progress) bool { return !slices.Contains(s.names, name) })
	for _, t := range start.Tables {
		if run := max(1, t.Run); s.position.Tables[t.Table].Run < run {
			s.position.Tables[t.Table] = progress{Run: run, SinceID: since.Major, SinceMinor: since.Minor}
		}
		if !s.position.Tables[t.Table].Done {
			s.counting.Lock()
			s.counts[t.Table] = adapters.Progress{Table: t.Table, Total: -1}
			s.counting.Unlock()
		}
	}
	return nil
}

// lastChange is the newest change that a reader may see.
func lastChange(ctx context.Context, q querier) (id uint64, tag string, err error) {
	err = q.QueryRowContext(ctx, `SELECT id, tag FROM truc_change WHERE op <> '`+opReplaced+`' ORDER BY id DESC LIMIT 1`).Scan(&id, &tag)
	return id, tag, err
}

// remember keeps what the cells of truc_change mean.
func (s *Source) remember(c *capturing, tables []*table) {
	if s.versions == nil {
		s.versions = map[int64]*record.Table{}
	}
	s.tableOf, s.current = map[string]*table{}, map[string]*record.Table{}
	for _, t := range tables {
		s.tableOf[t.Name] = t
	}
	version := map[string]uint64{}
	if s.captures == nil {
		s.captures = map[int64]bool{0: true} // of no table: the start
	}
	for _, one := range c.captures {
		s.captures[one.id] = true
		version[one.table]++
		t := s.tableOf[one.table]
		if t == nil || s.versions[one.id] != nil {
			continue
		}
		v := &record.Table{Name: one.table, Version: version[one.table]}
		for _, name := range one.columns {
			column := record.Column{Name: name, Kind: record.AnyKind, Nullable: true}
			if i := t.Index(name); i >= 0 {
				column = t.Columns[i]
			}
			v.Columns = append(v.Columns, column)
		}
		for _, name := range one.key {
			v.Key = append(v.Key, v.Index(name))
		}
		s.versions[one.id] = v
	}
	for _, t := range tables {
		s.current[t.Name] = s.versions[c.latest(t.Name).id]
	}
}

// Read implements adapters.Source.
func (s *Source) Read(ctx context.Context) (record.Batch, error) {
	s.running.RLock()
	defer s.running.RUnlock()
	if s.isClosed() {
		return record.Batch{}, adapters.ErrClosed
	}
	if s.fresh {
		// Once this is saved, a deletion that comes while nobody reads is found in truc_change.
		s.fresh = false
		return record.Batch{Position: s.position.encode()}, nil
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer s.cancelOnClose(cancel)()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return record.Batch{}, context.Cause(ctx)
		case <-timer.C:
		}
		records, err := s.next(ctx)
		switch {
		case err == nil && records != nil: // before ctx is asked: the position has moved over them
			return record.Batch{Records: records, Position: s.position.encode()}, nil
		case ctx.Err() != nil:
			return record.Batch{}, context.Cause(ctx)
		case err != nil && isBusy(err):
			s.env.Log.Debug("the file is locked, trying again", "source", s.env.Name)
		case err != nil:
			return record.Batch{}, s.db.explain(ctx, "read changes", err)
		}
		timer.Reset(s.config.Poll)
	}
}

// cancelOnClose cancels with ErrClosed when Close is called; the function it returns ends the watch.
func (s *Source) cancelOnClose(cancel context.CancelCauseFunc) func() {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-s.closed:
			cancel(adapters.ErrClosed)
		case <-done:
		}
	}()
	return func() { close(done); <-ended }
}

// next returns what comes next and moves the position: changes, or the chunk of a snapshot at its place among them. It
// returns nil when there is nothing to say, and records that are empty but not nil when only the position moves.
func (s *Source) next(ctx context.Context) ([]record.Record, error) {
	if err := s.db.moved(); err != nil {
		return nil, err
	}
	var version int64
	if err := s.conn.QueryRowContext(ctx, `PRAGMA data_version`).Scan(&version); err != nil {
		return nil, err
	}
	if version == s.seen {
		return nil, nil
	}
	if err := s.adapt(ctx); err != nil {
		return nil, err
	}
	// Its queries end with ctx; the transaction does not, or a ROLLBACK in the background would meet the next BEGIN.
	tx, err := s.conn.BeginTx(context.WithoutCancel(ctx), &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	// The file may have been restored to an older state while it was open, or another truc may have deleted what it read.
	if err := s.find(ctx, tx, s.position); err != nil {
		return nil, err
	}
	postponed := s.pending == nil && s.unread() && s.pacer.Delay() > 0
	if s.pending == nil && !postponed {
		if s.pending, err = s.readChunk(ctx, tx); err != nil {
			return nil, err
		}
	}
	until := int64(-1)
	if s.pending != nil {
		until = int64(s.pending.at)
	}
	records, err := s.changes(ctx, tx, until)
	if errors.Is(err, errUnknownCapture) {
		s.schema = lookAgain
		return nil, nil
	}
	if err != nil || records != nil {
		return records, err
	}
	if s.pending != nil {
		return s.hand(), nil
	}
	if !postponed {
		s.seen = version
	}
	return nil, nil
}

// unread reports whether a snapshot is not done.
func (s *Source) unread() bool {
	return slices.ContainsFunc(s.names, func(name string) bool { return !s.position.Tables[name].Done })
}

// errUnknownCapture says that a capture was made since the tables were last looked at.
var errUnknownCapture = errors.New("a change of a capture that is not known yet")

// lookAgain is no schema_version that a file has.
const lookAgain = -1

// changes returns the next changes up to a number, -1 for all there are.
func (s *Source) changes(ctx context.Context, tx *sql.Tx, until int64) ([]record.Record, error) {
	width := 0
	for _, v := range s.versions {
		width = max(width, len(v.Columns))
	}
	var records []record.Record
	bytes := 0
	position := s.position
	err := each(ctx, tx, func(r *sql.Rows) error {
		if bytes > batchBytes {
			return errEnough
		}
		var id uint64
		var captured int64
		var op, at, tag string
		cells := make([]any, 2*width)
		into := []any{&id, &captured, &op, &at, &tag}
		for i := range cells {
			into = append(into, &cells[i])
		}
		if err := r.Scan(into...); err != nil {
			return err
		}
		t, known := s.versions[captured], s.captures[captured]
		if !known || op == opMissed && s.reading(t) {
			switch {
			case records != nil:
				return errEnough // what came before it goes first
			case known:
				return s.gap(position, problem.Say("the triggers of %s were away for a while", t.Name), fmt.Sprintf("change %d", id))
			}
			s.captures[captured] = true // looked for once: that of a table which was removed since stays unknown
			return errUnknownCapture
		}
		if records == nil {
			records = []record.Record{}
		}
		position.ID, position.Minor, position.Tag = id, 0, tag
		if op == opMissed || t == nil || !slices.Contains(s.names, t.Name) {
			return nil
		}
		change := record.Record{Table: t, Op: operation(op), Order: record.Order{Major: id}}
		var err error
		if change.Time, err = time.Parse(time.RFC3339Nano, at); err != nil {
			return fmt.Errorf("read time of change %d: not as the triggers write it", id)
		}
		if op != opInsert {
			change.Before = rowOf(cells[:len(t.Columns)])
		}
		if op != opDelete {
			change.After = rowOf(cells[width : width+len(t.Columns)])
		}
		bytes += size(change.Before) + size(change.After)
		records = append(records, change)
		return nil
	}, fmt.Sprintf(`SELECT id, capture, op, at, tag, %s, %s FROM truc_change WHERE id > ? AND (? < 0 OR id <= ?) AND op <> '%s' ORDER BY id LIMIT %d`,
		cells("b", width), cells("a", width), opReplaced, batchRows), s.position.ID, until, until)
	if err != nil {
		return nil, err
	}
	s.position = position
	return records, nil
}

// reading reports whether rows of a table were handed out in its present run; one that is yet to begin misses nothing.
func (s *Source) reading(t *record.Table) bool {
	if t == nil || !slices.Contains(s.names, t.Name) {
		return false
	}
	p := s.position.Tables[t.Name]
	return p.Done || p.Cursor != ""
}

func operation(op string) record.Op {
	switch op {
	case opInsert:
		return record.Create
	case opUpdate:
		return record.Update
	default:
		return record.Delete
	}
}

// Ack implements adapters.Source: it deletes what is before the position from truc_change. The change at the position
// stays, by which a restored backup is recognized.
func (s *Source) Ack(ctx context.Context, acknowledged []byte) error {
	s.running.RLock()
	defer s.running.RUnlock()
	if s.isClosed() {
		return adapters.ErrClosed
	}
	p, err := decodePosition(acknowledged, s.db.where)
	if err != nil {
		return err
	}
	for !s.isClosed() { // what remains is deleted by a later acknowledgement
		result, err := s.db.ExecContext(ctx, `DELETE FROM truc_change WHERE id IN (SELECT id FROM truc_change WHERE id < ? ORDER BY id LIMIT 1000)`, p.ID)
		if err != nil && isBusy(err) {
			return nil // the next acknowledgement deletes it too
		}
		if err != nil {
			return s.db.explain(ctx, "delete acknowledged changes", err)
		}
		if n, err := result.RowsAffected(); err != nil || n < 1000 {
			return err
		}
	}
	return nil
}

func (s *Source) isClosed() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}

// Close implements adapters.Source.
func (s *Source) Close() error {
	var err error
	s.closing.Do(func() {
		close(s.closed)
		s.running.Lock()
		defer s.running.Unlock()
		if s.conn != nil {
			err = s.conn.Close()
		}
		if s.db != nil {
			err = s.db.Close()
		}
	})
	return err
}
