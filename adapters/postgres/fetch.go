package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
)

// Begin implements adapters.Fetcher, on a connection of its own that lasts as long as the view. It begins again until the
// view sees all the given transactions: the log may show a commit before any query does.
func (s *source) Begin(ctx context.Context, after []uint64) (adapters.View, error) {
	c, err := s.server.sql(ctx)
	if err != nil {
		return nil, err
	}
	pause := time.Millisecond
	for {
		v, err := c.beginView(ctx)
		if err != nil {
			return nil, errors.Join(err, c.close())
		}
		if seesAll(v, after) {
			return &readView{session: c, source: s, tables: map[string]*catalogTable{}}, nil
		}
		if _, err := c.query(ctx, "ROLLBACK"); err != nil {
			return nil, errors.Join(err, c.close())
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), c.close())
		case <-time.After(pause):
			pause = min(2*pause, 100*time.Millisecond)
		}
	}
}

func (c *session) beginView(ctx context.Context) (*visibility, error) {
	if _, err := c.query(ctx, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"); err != nil {
		return nil, err
	}
	return c.visibility(ctx)
}

func seesAll(v *visibility, txs []uint64) bool {
	for _, tx := range txs {
		if !v.sees(tx) {
			return false
		}
	}
	return true
}

// readView is one REPEATABLE READ transaction.
type readView struct {
	*session
	source *source
	tables map[string]*catalogTable
}

// Close implements adapters.View.
func (v *readView) Close() error {
	return v.close()
}

// Fetch implements adapters.View with one statement for all values.
func (v *readView) Fetch(ctx context.Context, table string, columns []string, values []record.Row) (*record.Table, []record.Row, error) {
	t, err := v.table(ctx, table)
	if err != nil {
		return nil, nil, err
	}
	var names, arrays []string
	arguments := make([][]byte, len(columns))
	for i, column := range columns {
		c := t.table.Index(column)
		if c < 0 {
			return nil, nil, &adapters.RefusedError{Where: "table " + table, What: problem.Say("it has no column %s", column), Fix: problem.Say("correct the mapping; truc discover lists the columns")}
		}
		names = append(names, t.operands[c])
		arrays = append(arrays, fmt.Sprintf("$%d::%s[]", i+1, t.casts[c]))
		arguments[i] = arrayOf(values, i)
	}
	var selected []string
	for _, c := range t.table.Columns {
		selected = append(selected, quote(c.Name))
	}
	sql := "SELECT " + strings.Join(selected, ", ") + " FROM " + t.from() + " WHERE "
	if len(names) == 1 {
		sql += names[0] + " = ANY (" + arrays[0] + ")"
	} else {
		sql += "(" + strings.Join(names, ", ") + ") IN (SELECT * FROM unnest(" + strings.Join(arrays, ", ") + "))"
	}
	if t.path != usualPath {
		// Parsed under a path that finds the operators of extensions' types, read under the usual one.
		return v.fetchUnderPath(ctx, t, sql, arguments)
	}
	rows, err := v.read(ctx, t, sql, arguments)
	return t.table, rows, err
}

func (v *readView) fetchUnderPath(ctx context.Context, t *catalogTable, sql string, arguments [][]byte) (*record.Table, []record.Row, error) {
	if err := v.setPath(ctx, t.path); err != nil {
		return nil, nil, err
	}
	if _, err := v.query(ctx, "DECLARE truc_fetch NO SCROLL CURSOR FOR "+sql, arguments...); err != nil {
		return nil, nil, err
	}
	if err := v.setPath(ctx, usualPath); err != nil {
		return nil, nil, err
	}
	rows, err := v.read(ctx, t, "FETCH ALL FROM truc_fetch", nil)
	if err != nil {
		return nil, nil, err
	}
	_, err = v.query(ctx, "CLOSE truc_fetch")
	return t.table, rows, err
}

func (v *readView) read(ctx context.Context, t *catalogTable, sql string, arguments [][]byte) ([]record.Row, error) {
	var (
		memory   arena
		cells    slab
		rows     []record.Row
		relation = t.relation(t.table.String())
	)
	err := v.each(ctx, sql, arguments, func(fields [][]byte) error {
		row := cells.row(len(fields))
		if err := relation.decodeTuple(&input{b: appendTuple(memory.room(tupleSize(fields)), fields)}, row); err != nil {
			return err
		}
		rows = append(rows, row)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("fetch rows of %s: %w", t.table, err)
	}
	return rows, nil
}

// table describes a table once a view, and holds it against being altered until the view ends. A table that was rewritten
// after the view began looks empty to it: that is an error, lest its rows pass for deleted.
func (v *readView) table(ctx context.Context, name string) (*catalogTable, error) {
	if t := v.tables[name]; t != nil {
		return t, nil
	}
	t, err := v.lookUp(ctx, name)
	if err != nil {
		return nil, err
	}
	if _, err := v.query(ctx, "LOCK TABLE "+quoteTable(t.table)+" IN ACCESS SHARE MODE"); err != nil {
		return nil, err
	}
	// pg_class is read as of the view, pg_relation_filenode as of now.
	row, err := v.row(ctx, `SELECT count(*) FROM pg_class c
 WHERE (c.oid = $1 OR c.oid IN (SELECT relid FROM pg_partition_tree($1::oid::regclass)))
   AND c.relfilenode IS DISTINCT FROM coalesce(pg_relation_filenode(c.oid), 0)`, fmt.Appendf(nil, "%d", t.oid))
	if err != nil {
		return nil, err
	}
	if int64Of(row[0]) != 0 {
		return nil, &adapters.UnreachableError{Where: v.server.name, Err: errors.New("table " + name + " was rewritten or truncated while it was being read")}
	}
	v.tables[name] = t
	return t, nil
}

// lookUp finds a table that the source captures by what it is, for it may have been renamed since; any other by its name.
func (v *readView) lookUp(ctx context.Context, name string) (*catalogTable, error) {
	for oid, as := range v.source.tables {
		if as.String() != name {
			continue
		}
		bases, err := v.domains(ctx)
		if err != nil {
			return nil, err
		}
		found, err := v.describe(ctx, []uint32{oid}, bases)
		if err != nil {
			return nil, err
		}
		if len(found) == 1 {
			return found[0], nil
		}
	}
	found, err := v.find(ctx, []string{name})
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

// arrayOf writes one column of the values as an array literal.
func arrayOf(rows []record.Row, column int) []byte {
	dst := []byte{'{'}
	var text []byte
	for i, row := range rows {
		if i > 0 {
			dst = append(dst, ',')
		}
		if k := row[column].Kind; k == record.Null || k == record.Unchanged {
			dst = append(dst, "NULL"...) // equal to nothing
			continue
		}
		dst = append(dst, '"')
		text = appendParameter(text[:0], row[column])
		for _, b := range text {
			if b == '"' || b == '\\' {
				dst = append(dst, '\\')
			}
			dst = append(dst, b)
		}
		dst = append(dst, '"')
	}
	return append(dst, '}')
}
