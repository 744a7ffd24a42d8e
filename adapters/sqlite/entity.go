package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/record"
)

// entity is what the bookkeeping knows of a key: the newest event applied to it. Deletions stay, so that an older event
// cannot bring the row back.
type entity struct {
	source     string
	generation uint32
	sequence   string
	deleted    bool
}

// errConflict says that another source owns a live key.
var errConflict = errors.New("another source owns this key; set conflict: in the mapping if it may change hands")

// decide reports whether a change is to be written, given what is known of its key (nil: nothing).
func decide(c *record.Change, known *entity) (bool, error) {
	switch {
	case known == nil:
		return true, nil
	case known.source == c.Source:
		return c.Generation > known.generation || c.Generation == known.generation && c.Sequence > known.sequence, nil
	case c.Delete:
		return false, nil // only its owner deletes a key
	case known.deleted:
		return true, nil
	case c.Target.Conflict == record.ConflictReplaces:
		return true, nil
	case c.Target.Conflict == record.ConflictIgnores:
		return false, nil
	}
	return false, errConflict
}

func readEntity(ctx context.Context, q querier, table, key string) (*entity, error) {
	var e entity
	err := q.QueryRowContext(ctx, `SELECT source, generation, sequence, deleted FROM truc_sink_entity WHERE tbl = ? AND key = ?`, table, key).
		Scan(&e.source, &e.generation, &e.sequence, &e.deleted)
	if err == sql.ErrNoRows {
		return nil, nil
	}
	return &e, err
}

func saveEntity(ctx context.Context, conn *sql.Conn, c *record.Change, key string, now int64) error {
	_, err := conn.ExecContext(ctx, `INSERT INTO truc_sink_entity (tbl, key, pipeline, source, generation, sequence, deleted, applied) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (tbl, key) DO UPDATE SET pipeline = excluded.pipeline, source = excluded.source, generation = excluded.generation,
			sequence = excluded.sequence, deleted = excluded.deleted, applied = excluded.applied`,
		c.Target.Table, key, c.Target.Pipeline, c.Source, c.Generation, c.Sequence, c.Delete, now)
	return err
}

// pageSize is how many entities Rows reads at once.
const pageSize = 500

// bookkept is a live key of a pipeline.
type bookkept struct {
	key string
	row adapters.SinkRow
}

func entities(ctx context.Context, q querier, target *record.Target, after string) ([]bookkept, error) {
	var page []bookkept
	err := each(ctx, q, func(r *sql.Rows) error {
		var e bookkept
		err := r.Scan(&e.key, &e.row.Source, &e.row.Generation, &e.row.Sequence)
		page = append(page, e)
		return err
	}, `SELECT key, source, generation, sequence FROM truc_sink_entity
		WHERE tbl = ? AND pipeline = ? AND NOT deleted AND key > ? ORDER BY key LIMIT ?`, target.Table, target.Pipeline, after, pageSize)
	return page, err
}

// prepareRead prepares the SELECT of a target's columns by key.
func prepareRead(ctx context.Context, db *database, target *record.Target) (*sql.Stmt, error) {
	selected := []string{"1"}
	for _, name := range target.Columns {
		selected = append(selected, "+"+quote(name)) // an expression: the driver makes times of columns declared DATE
	}
	return db.PrepareContext(ctx, "SELECT "+strings.Join(selected, ", ")+" FROM "+quote(target.Table)+" WHERE "+whereKey(target.Key))
}

func readRow(ctx context.Context, stmt *sql.Stmt, key record.Row, n int) (record.Row, bool, error) {
	row, err := scanRow(stmt.QueryRowContext(ctx, argumentsOf(key)...), n+1)
	if errors.Is(err, sql.ErrNoRows) {
		missing := make(record.Row, n)
		for i := range missing {
			missing[i] = record.NullValue
		}
		return missing, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	return row[1:], true, nil
}

// whereKey is the condition that selects rows by these columns; null finds null.
func whereKey(columns []string) string {
	conditions := make([]string, len(columns))
	for i, name := range columns {
		conditions[i] = quote(name) + " IS ?"
	}
	return strings.Join(conditions, " AND ")
}
