package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
)

// Sink writes rows by key. Beside the agency's tables it keeps two of its own in the same file:
//
//	truc_sink_offset  for each pipeline and partition the next offset
//	truc_sink_entity  for each key of a table the newest event applied to it, deletions included
type Sink struct {
	config *Config
	env    adapters.Env

	mu     sync.Mutex // one transaction at a time
	opened bool
	closed bool
	db     *database // nil also while there is no file at the path
	conn   *sql.Conn
	tables map[*record.Target]*writer
}

var (
	_ adapters.Sink          = (*Sink)(nil)
	_ adapters.SinkDescriber = (*Sink)(nil)
	_ adapters.SinkChecker   = (*Sink)(nil)
	_ adapters.SinkReader    = (*Sink)(nil)
	_ adapters.Sweeper       = (*Sink)(nil)
)

// sinkVersion is the format of the bookkeeping. Format 1 had no marks beside the offsets, and no generation among them.
const (
	sinkVersion      = "2"
	sinkVersionFirst = "1"
)

func sinkTables() []string {
	return []string{
		`CREATE TABLE IF NOT EXISTS truc_meta (name TEXT PRIMARY KEY, value TEXT)`,
		`INSERT OR IGNORE INTO truc_meta (name, value) VALUES ('sink_version', '` + sinkVersion + `')`,
		`CREATE TABLE IF NOT EXISTS truc_sink_offset (pipeline TEXT NOT NULL, topic TEXT NOT NULL, part INTEGER NOT NULL,
			next INTEGER NOT NULL, mark TEXT NOT NULL, applied INTEGER NOT NULL, PRIMARY KEY (pipeline, topic, part))`,
		`CREATE TABLE IF NOT EXISTS truc_sink_entity (tbl TEXT NOT NULL, key TEXT NOT NULL, pipeline TEXT NOT NULL, source TEXT NOT NULL,
			generation INTEGER NOT NULL, sequence TEXT NOT NULL, deleted INTEGER NOT NULL, applied INTEGER NOT NULL, PRIMARY KEY (tbl, key))`,
	}
}

// NewSink builds a sink without touching the file.
func NewSink(c *Config, env adapters.Env) *Sink {
	return &Sink{config: c.in(env.Dir), env: env, tables: map[*record.Target]*writer{}}
}

// Open implements adapters.Sink.
func (s *Sink) Open(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opened = true
	return s.open(ctx)
}

func (s *Sink) open(ctx context.Context) error {
	db, err := open(ctx, s.config)
	if err != nil {
		return err
	}
	s.db = db
	if s.conn, err = db.Conn(ctx); err != nil {
		return db.explain(ctx, "connect", err)
	}
	return db.change(ctx, func(tx *sql.Tx) error {
		for _, statement := range sinkTables() {
			if _, err := tx.ExecContext(ctx, statement); err != nil {
				return db.explain(ctx, "create bookkeeping", err)
			}
		}
		version, err := meta(ctx, tx, "sink_version")
		if err == nil && version == sinkVersionFirst {
			version, err = sinkVersion, raiseSink(ctx, tx)
		}
		if err == nil && version != sinkVersion {
			err = &adapters.RefusedError{Where: db.where, What: problem.Say("its bookkeeping was written by a newer truc (format %s)", version), Fix: problem.Say("use that truc, or a newer one")}
		}
		return err
	})
}

// raiseSink makes bookkeeping of format 1 one of this format. Some of it has marks already.
func raiseSink(ctx context.Context, tx *sql.Tx) error {
	var marked bool
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM pragma_table_info('truc_sink_offset') WHERE name = 'mark'`).Scan(&marked); err != nil {
		return fmt.Errorf("look at the bookkeeping: %w", err)
	}
	statements := []string{`UPDATE truc_meta SET value = '` + sinkVersion + `' WHERE name = 'sink_version'`}
	if !marked {
		statements = append(statements, `ALTER TABLE truc_sink_offset ADD COLUMN mark TEXT NOT NULL DEFAULT ''`)
	}
	for _, statement := range statements {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("raise the format of the bookkeeping: %w", err)
		}
	}
	return nil
}

// Close implements adapters.Sink.
func (s *Sink) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return s.letGo()
}

// letGo closes the file.
func (s *Sink) letGo() error {
	if s.db == nil {
		return nil
	}
	for _, w := range s.tables {
		w.close()
	}
	var errs []error
	if s.conn != nil {
		errs = append(errs, s.conn.Close())
	}
	errs = append(errs, s.db.Close())
	s.db, s.conn, s.tables = nil, nil, map[*record.Target]*writer{}
	return errors.Join(errs...)
}

// present makes sure that the file which is open is the one at the path. Another in its place, a backup brought back, is
// opened: it knows itself how far it was delivered into.
func (s *Sink) present(ctx context.Context) error {
	if s.closed || !s.opened {
		return adapters.ErrClosed
	}
	if s.db != nil {
		moved := s.db.moved()
		if moved == nil {
			return nil
		}
		s.env.Log.Warn("the sink is opened again", "sink", s.env.Name, "err", moved)
		if err := s.letGo(); err != nil {
			s.env.Log.Debug("closing the file that was moved failed", "sink", s.env.Name, "err", err)
		}
	}
	if err := s.open(ctx); err != nil {
		return errors.Join(err, s.letGo())
	}
	return nil
}

// Offsets implements adapters.Sink.
func (s *Sink) Offsets(ctx context.Context, pipeline string, partitions []adapters.TopicPartition) (adapters.Offsets, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.present(ctx); err != nil {
		return nil, err
	}
	offsets := adapters.Offsets{}
	for _, p := range partitions {
		at, err := storedOffset(ctx, s.conn, pipeline, p)
		if err != nil {
			return nil, s.db.explain(ctx, "read offsets", err)
		}
		offsets[p] = at
	}
	return offsets, nil
}

func storedOffset(ctx context.Context, q querier, pipeline string, p adapters.TopicPartition) (adapters.Offset, error) {
	var at adapters.Offset
	err := q.QueryRowContext(ctx, `SELECT next, mark FROM truc_sink_offset WHERE pipeline = ? AND topic = ? AND part = ?`, pipeline, p.Topic, p.Partition).Scan(&at.Next, &at.Mark)
	if err == sql.ErrNoRows {
		err = nil
	}
	return at, err
}

// Apply implements adapters.Sink.
func (s *Sink) Apply(ctx context.Context, pipeline string, changes []record.Change, from, to adapters.Offsets) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.present(ctx); err != nil {
		return err
	}
	if _, err := s.conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return s.db.explain(ctx, "begin", err)
	}
	err := s.apply(ctx, pipeline, changes, from, to)
	if err == nil {
		if _, err = s.conn.ExecContext(ctx, "COMMIT"); err == nil {
			return nil
		}
	}
	// The transaction must not stay open whatever has become of ctx.
	if _, failed := s.conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK"); failed != nil {
		s.env.Log.Debug("rollback failed", "sink", s.env.Name, "err", failed)
	}
	return s.db.explain(ctx, "apply changes", err)
}

func (s *Sink) apply(ctx context.Context, pipeline string, changes []record.Change, from, to adapters.Offsets) error {
	for p, expected := range from {
		stored, err := storedOffset(ctx, s.conn, pipeline, p)
		if err != nil {
			return err
		}
		if stored.Next != expected.Next {
			return adapters.ErrOffsetMoved
		}
	}
	b := &batch{Sink: s, changes: changes, now: time.Now().Unix(), suspect: -1}
	if err := b.apply(ctx); err != nil {
		return err
	}
	for p, at := range to {
		_, err := s.conn.ExecContext(ctx, `INSERT INTO truc_sink_offset (pipeline, topic, part, next, mark, applied) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (pipeline, topic, part) DO UPDATE SET next = excluded.next, mark = excluded.mark, applied = excluded.applied`,
			pipeline, p.Topic, p.Partition, at.Next, at.Mark, b.now)
		if err != nil {
			return err
		}
	}
	return nil
}

// Rows implements adapters.SinkReader. It reads beside Apply, a page at a time.
func (s *Sink) Rows(ctx context.Context, target *record.Target, fn func(adapters.SinkRow) error) error {
	return briefly(ctx, s.config, func(db *database) error {
		w, err := prepareRead(ctx, db, target)
		if err != nil {
			return db.explain(ctx, "read "+target.Table, err)
		}
		defer w.Close()
		for after, more := "", true; more; {
			var page []bookkept
			if page, err = entities(ctx, db, target, after); err != nil {
				return db.explain(ctx, "read bookkeeping", err)
			}
			for _, e := range page {
				row := e.row
				if row.Key, err = decodeKey(e.key); err != nil {
					return err
				}
				if row.Values, row.Found, err = readRow(ctx, w, row.Key, len(target.Columns)); err != nil {
					return db.explain(ctx, "read "+target.Table, err)
				}
				if err := fn(row); err != nil {
					return err
				}
				after = e.key
			}
			more = len(page) == pageSize
		}
		return nil
	})
}

// LastApply implements adapters.Sweeper.
func (s *Sink) LastApply(ctx context.Context, pipeline string) (int64, error) {
	var at int64
	err := briefly(ctx, s.config, func(db *database) error {
		return db.QueryRowContext(ctx, `SELECT coalesce(max(applied), 0) FROM truc_sink_offset WHERE pipeline = ?`, pipeline).Scan(&at)
	})
	return at, err
}
