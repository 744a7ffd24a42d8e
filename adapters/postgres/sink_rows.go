package postgres

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
)

// rowsChunk is how many rows Rows holds at once.
const rowsChunk = 1000

// Rows implements adapters.SinkReader. Each chunk is read in a transaction of its own: consistent in itself, and the
// server is not held up by a long snapshot.
func (s *sink) Rows(ctx context.Context, target *record.Target, fn func(adapters.SinkRow) error) error {
	return s.once(ctx, func(c *sinkConn) error {
		// Instants are read in UTC; the writing connections keep the time zone of the agency's role.
		if err := c.exec(ctx, "SET timezone = 'UTC'"); err != nil {
			return err
		}
		p, err := c.plan(ctx, target)
		if err != nil {
			return err
		}
		if target.Write == record.AppendOnly {
			return &adapters.RefusedError{
				Where: c.server.name, What: problem.Say("%s is an inbox, with one row an event: it has no present state to read", p.table),
				Fix: problem.Say("verify a delivery with write: upsert or update"),
			}
		}
		r := rowReader{sinkConn: c, plan: p, fn: fn}
		for more := true; more; {
			if err := c.exec(ctx, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"); err != nil {
				return err
			}
			if more, err = r.chunk(ctx); err != nil {
				return err
			}
			if err := c.exec(ctx, "COMMIT"); err != nil {
				return err
			}
		}
		return nil
	})
}

// rowReader goes through the live keys of a target in the order of the bookkeeping.
type rowReader struct {
	*sinkConn
	plan  *plan
	fn    func(adapters.SinkRow) error
	after []byte // the last key read; nil before the first
}

func (r *rowReader) chunk(ctx context.Context) (more bool, err error) {
	schema := quote(r.sink.schema)
	known, err := r.ask(ctx, fmt.Sprintf(`
SELECT e.key, s.name, e.generation, e.sequence FROM %[1]s.sink_entity e JOIN %[1]s.sink_name s ON s.id = e.source
 WHERE e.target = (SELECT id FROM %[1]s.sink_name WHERE name = $1) AND e.pipeline = (SELECT id FROM %[1]s.sink_name WHERE name = $2)
   AND NOT e.deleted AND ($3::text IS NULL OR e.key > $3::text COLLATE "C") ORDER BY e.key LIMIT %[2]d`, schema, rowsChunk),
		[]byte(r.plan.table.String()), []byte(r.plan.target.Pipeline), r.after)
	if err != nil || len(known) == 0 {
		return false, err
	}
	r.after = known[len(known)-1][0]
	keys := make([]array, len(r.plan.key))
	for _, f := range known {
		parts, err := splitKey(f[0], len(keys))
		if err != nil {
			return false, err
		}
		for i := range keys {
			keys[i].next()
			keys[i].buf = appendQuoted(keys[i].buf, parts[i])
		}
	}
	params := make([][]byte, len(keys))
	for i := range keys {
		params[i] = keys[i].close()
	}
	in := unnested{}
	in.columns("k", r.plan.key)
	list := []string{"i.n", "t." + quote(r.plan.key[0].name) + " IS NOT NULL"}
	for i, column := range r.plan.key {
		list = append(list, fmt.Sprintf("coalesce(t.%s, i.k%d)", quote(column.name), i))
	}
	for _, column := range r.plan.columns {
		list = append(list, "t."+quote(column.name))
	}
	sql := fmt.Sprintf("WITH i AS MATERIALIZED (SELECT %s, r.n FROM %s) SELECT %s FROM i LEFT JOIN %s t ON %s ORDER BY i.n",
		in.selectList(), in.from("r"), strings.Join(list, ", "), r.plan.table.sql(), in.matchesSelected(r.plan.key))
	result := r.pg.ExecParams(ctx, sql, params, in.types, nil, nil)
	var failed error
	for result.NextRow() && failed == nil {
		f := result.Values()
		failed = r.row(known[int64Of(f[0])-1], f[1:])
	}
	if _, err := result.Close(); failed == nil && err != nil {
		return false, r.lost(ctx, err)
	}
	return len(known) == rowsChunk, failed
}

// row hands one row over.
func (r *rowReader) row(known, cells [][]byte) error {
	row := adapters.SinkRow{
		Found: isTrue(cells[0]), Source: string(known[1]), Generation: number(known[2]), Sequence: string(known[3]),
		Key: make(record.Row, len(r.plan.key)), Values: make(record.Row, len(r.plan.columns)),
	}
	cells = cells[1:]
	for _, role := range []struct {
		columns []*sinkColumn
		into    record.Row
	}{{r.plan.key, row.Key}, {r.plan.columns, row.Values}} {
		for i, column := range role.columns {
			if cells[i] == nil {
				role.into[i] = record.NullValue
			} else if err := column.codec.read(&role.into[i], cells[i]); err != nil {
				return fmt.Errorf("read column %s of %s: %w", column.name, r.plan.table, err)
			}
		}
		cells = cells[len(role.columns):]
	}
	return r.fn(row)
}

// splitKey reads keyExpression backwards.
func splitKey(key []byte, n int) ([][]byte, error) {
	parts := make([][]byte, 0, n)
	for len(parts) < n-1 {
		digits, rest, ok := bytes.Cut(key, []byte(":"))
		size, isNumber := parseInt(digits)
		if !ok || !isNumber || size < 0 || size > int64(len(rest)) {
			return nil, fmt.Errorf("a key of the bookkeeping does not have %d cells; did the mapping's key change? run truc resnapshot", n)
		}
		parts = append(parts, rest[:size])
		key = rest[size:]
	}
	return append(parts, key), nil
}
