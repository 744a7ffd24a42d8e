package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
)

// chunk holds rows as they were after change at. They are handed out when all changes up to there have been: so they are
// never older than what came before them, and never newer than what comes after.
type chunk struct {
	table  *table
	at     uint64
	rows   []record.Row
	cursor string
	last   bool
}

// readChunk reads the next rows of the first table whose snapshot is not done; nil when all are.
func (s *Source) readChunk(ctx context.Context, tx *sql.Tx) (*chunk, error) {
	for _, name := range s.names {
		state := s.position.Tables[name]
		if state.Done {
			continue
		}
		c := &chunk{table: s.tableOf[name]}
		var err error
		if c.at, _, err = lastChange(ctx, tx); err != nil {
			return nil, err
		}
		if state.Cursor == "" {
			if err := s.countRows(ctx, tx, c.table); err != nil {
				return nil, err
			}
		}
		c.rows, c.cursor, c.last, err = c.table.rowsAfter(ctx, tx, state.Cursor, s.pacer.Chunk(batchRows))
		s.pacer.Took(len(c.rows))
		return c, err
	}
	return nil, nil
}

// rowsAfter reads rows in the order of their keys. Rows whose key holds a null come first, all at once: no key follows null.
func (t *table) rowsAfter(ctx context.Context, q querier, cursor string, most int) (rows []record.Row, next string, last bool, err error) {
	key := make([]string, len(t.Key))
	for i, name := range t.keyNames() {
		key[i] = quote(name)
	}
	var nulls, noNulls []string
	for _, name := range t.nullableKey() {
		nulls = append(nulls, quote(name)+" IS NULL")
		noNulls = append(noNulls, quote(name)+" IS NOT NULL")
	}
	base := "SELECT " + t.selection() + " FROM " + quote(t.Name)
	bytes := 0
	collect := func(r *sql.Rows) error {
		if bytes > batchBytes {
			return errEnough
		}
		row, err := scanRow(r, len(t.Columns))
		bytes += size(row)
		rows = append(rows, row)
		return err
	}
	if cursor == "" && len(nulls) > 0 {
		if err := each(ctx, q, collect, base+" WHERE "+strings.Join(nulls, " OR ")); err != nil {
			return nil, "", false, err
		}
		if bytes > batchBytes { // perhaps not all came
			return nil, "", false, &adapters.RefusedError{
				Where: "table " + t.Name, What: problem.Say("the rows whose key holds a null are more than 1 MiB; without a key they cannot be read in pieces"),
				Fix: problem.Say("give these rows keys, or delete them: SELECT … FROM %s WHERE %s", quote(t.Name), strings.Join(nulls, " OR ")),
			}
		}
	}
	where, arguments := noNulls, []any{}
	if cursor != "" {
		after, err := decodeKey(cursor)
		if err != nil {
			return nil, "", false, err
		}
		arguments = argumentsOf(after)
		where = append(where, "("+strings.Join(key, ", ")+") > (?"+strings.Repeat(", ?", len(key)-1)+")")
	}
	query := base
	if len(where) > 0 {
		query += " WHERE " + strings.Join(where, " AND ")
	}
	before := len(rows)
	bytes = 0
	if err := each(ctx, q, collect, fmt.Sprintf("%s ORDER BY %s LIMIT %d", query, strings.Join(key, ", "), most), arguments...); err != nil {
		return nil, "", false, err
	}
	next = cursor
	if len(rows) > before {
		lastRow := rows[len(rows)-1]
		found := make(record.Row, len(t.Key))
		for i, c := range t.Key {
			found[i] = lastRow[c]
		}
		next = encodeKey(found)
	}
	return rows, next, len(rows)-before < most && bytes <= batchBytes, nil
}

// hand turns the pending chunk into records and moves the position over it.
func (s *Source) hand() []record.Record {
	c, now := s.pending, time.Now()
	s.pending = nil
	state := s.position.Tables[c.table.Name]
	var records []record.Record
	add := func(r record.Record) {
		r.Table, r.Order, r.Time = s.current[c.table.Name], s.position.next(), now
		s.position.Minor++
		records = append(records, r)
	}
	for _, row := range c.rows {
		add(record.Record{Op: record.Snapshot, After: row})
	}
	state.Cursor = c.cursor
	if c.last {
		add(record.Record{Op: record.SnapshotEnd, Since: record.Order{Major: state.SinceID, Minor: state.SinceMinor}})
		state.Done, state.Cursor = true, ""
	}
	s.position.Tables = maps.Clone(s.position.Tables)
	s.position.Tables[c.table.Name] = state

	s.counting.Lock()
	defer s.counting.Unlock()
	p := s.counts[c.table.Name]
	p.Table, p.Done = c.table.Name, c.last
	p.Rows += int64(len(c.rows))
	s.counts[c.table.Name] = p
	return records
}

func (s *Source) countRows(ctx context.Context, q querier, t *table) error {
	p := adapters.Progress{Table: t.Name}
	if err := q.QueryRowContext(ctx, "SELECT count(*) FROM "+quote(t.Name)).Scan(&p.Total); err != nil {
		return err
	}
	s.counting.Lock()
	defer s.counting.Unlock()
	s.counts[t.Name] = p
	return nil
}

// Progress implements adapters.Progresser.
func (s *Source) Progress() []adapters.Progress {
	s.counting.Lock()
	defer s.counting.Unlock()
	return slices.SortedFunc(maps.Values(s.counts), func(a, b adapters.Progress) int { return strings.Compare(a.Table, b.Table) })
}

// adapt looks at the tables again when the schema of the file has changed: columns that came, went or were renamed.
func (s *Source) adapt(ctx context.Context) error {
	var version int64
	if err := s.conn.QueryRowContext(ctx, `PRAGMA schema_version`).Scan(&version); err != nil || version == s.schema {
		return err
	}
	first := s.schema == 0
	err := s.db.change(ctx, func(tx *sql.Tx) error {
		if err := s.find(ctx, tx, s.position); err != nil {
			return err // before anything is written into what may be another database
		}
		tables, err := s.tables(ctx, tx, s.names)
		if err != nil {
			return err
		}
		c, err := readCapturing(ctx, tx, s.db.where)
		if err != nil {
			return err
		}
		for _, t := range tables {
			if !c.intact(t) {
				return s.gap(s.position, problem.Say("the triggers of %s were removed, or the table was replaced by another of its name", t.Name), "now")
			}
		}
		if c, err = s.capture(ctx, s.db, tx, tables, s.config.Capture); err != nil {
			return err
		}
		s.remember(c, tables)
		return tx.QueryRowContext(ctx, `PRAGMA schema_version`).Scan(&version)
	})
	if err != nil {
		return err
	}
	s.schema = version
	if !first && s.pending != nil {
		s.pending = nil // its rows have the old columns
	}
	return nil
}
