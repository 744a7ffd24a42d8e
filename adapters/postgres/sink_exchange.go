package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/lienthong/truc/record"
)

// exchange applies upserts that block one another: two rows of a batch that swap a unique value, or several that pass it
// round. PostgreSQL checks a unique index row by row, so that no single statement can do it.
//
// It looks up which row holds each wanted value. A set of ops in which every holder is itself an op of the set is applied
// together, after the rows have let go of their values:
//
//   - by setting a nullable column of the index to null first, or else
//   - by deleting the rows and inserting them again in one statement, every column carried over. This is not tried where
//     somebody would notice (sinkTable.replaceable): triggers, rules, foreign keys that act on the deletion.
//
// Indexes over expressions, with a predicate or over columns the mapping does not name are out of its reach, and so is a
// value that a row outside of the batch holds: these stay failures, and are parked.
func (x *isolation) exchange(ctx context.Context, p *plan, failed []failure) ([]failure, error) {
	var stuck, rest []failure
	blocks := false
	for _, f := range failed {
		// A foreign key on the value itself can close the ring: the row must not let go before the other has taken it.
		if (f.pg.Code == uniqueViolation || f.pg.Code == foreignKeyViolation) && !f.op.change.Delete && p.target.Write == record.Upsert {
			stuck = append(stuck, f)
			blocks = blocks || f.pg.Code == uniqueViolation
		} else {
			rest = append(rest, f)
		}
	}
	if len(stuck) < 2 || !blocks {
		return failed, nil
	}
	indexes := p.exchangeable()
	groups, err := x.groups(ctx, p, stuck, indexes)
	if err != nil {
		return nil, err
	}
	for _, group := range groups {
		done, err := x.exchangeGroup(ctx, p, group, indexes)
		if err != nil {
			return nil, err
		}
		if done {
			stuck = slices.DeleteFunc(stuck, func(f failure) bool { return slices.Contains(group, f.op) })
		}
	}
	return append(rest, stuck...), nil
}

// exchangeable are the unique indexes all of whose columns the target writes at every upsert, the key's own excepted.
func (p *plan) exchangeable() []*sinkIndex {
	var out []*sinkIndex
	for i := range p.table.unique {
		x := &p.table.unique[i]
		written := !slices.ContainsFunc(x.columns, func(c int) bool {
			column := &p.table.columns[c]
			return !slices.Contains(p.columns, column) && !slices.Contains(p.key, column)
		})
		moves := slices.ContainsFunc(x.columns, func(c int) bool { return slices.Contains(p.columns, &p.table.columns[c]) })
		if written && moves {
			out = append(out, x)
		}
	}
	return out
}

// groups divides ops into sets that block only one another, and leaves out those that a row beyond them blocks.
func (x *isolation) groups(ctx context.Context, p *plan, stuck []failure, indexes []*sinkIndex) ([][]*op, error) {
	ops := make([]*op, len(stuck))
	for i, f := range stuck {
		ops[i] = f.op
	}
	holders := make([][]int, len(ops)) // places in ops; -1 a row beyond
	for _, index := range indexes {
		found, err := x.holders(ctx, p, ops, index)
		if err != nil {
			return nil, err
		}
		for i, h := range found {
			holders[i] = append(holders[i], h...)
		}
	}
	blocked := make([]bool, len(ops))
	for changed := true; changed; {
		changed = false
		for i := range ops {
			if !blocked[i] && slices.ContainsFunc(holders[i], func(h int) bool { return h < 0 || blocked[h] }) {
				blocked[i], changed = true, true
			}
		}
	}
	group := make([]int, len(ops)) // the smallest member, by merging
	for i := range group {
		group[i] = i
	}
	for i := range ops {
		for _, h := range holders[i] {
			if blocked[i] {
				continue
			}
			from, to := max(group[i], group[h]), min(group[i], group[h])
			for j := range group {
				if group[j] == from {
					group[j] = to
				}
			}
		}
	}
	var groups [][]*op
	for first := range ops {
		var members []*op
		for i, o := range ops {
			if group[i] == first && !blocked[i] {
				members = append(members, o)
			}
		}
		if len(members) > 0 {
			groups = append(groups, members)
		}
	}
	return groups, nil
}

// holders finds for each op the rows, other than its own, that hold what it wants in a unique index.
func (x *isolation) holders(ctx context.Context, p *plan, ops []*op, index *sinkIndex) ([][]int, error) {
	in := unnested{}
	in.columns("k", p.key)
	in.columns("c", p.columns)
	var same []string
	for _, c := range index.columns {
		column := &p.table.columns[c]
		var expr string
		if i := slices.Index(p.key, column); i >= 0 {
			expr = in.exprs[i]
		} else {
			expr = in.exprs[len(p.key)+slices.Index(p.columns, column)]
		}
		operator := "="
		if index.nullsEqual {
			operator = "IS NOT DISTINCT FROM"
		}
		same = append(same, fmt.Sprintf("t.%s %s %s", quote(column.name), operator, expr))
	}
	// The holder's key is compared with all keys of the input: its place there, or null when it is a row beyond.
	other := unnested{names: in.names, types: in.types}
	for _, e := range in.exprs {
		other.exprs = append(other.exprs, "o"+strings.TrimPrefix(e, "r"))
	}
	sql := fmt.Sprintf("SELECT r.n, (SELECT o.n FROM %s WHERE %s) FROM %s JOIN %s t ON %s WHERE NOT (%s)",
		other.from("o"), other.matches(p.key), in.from("r"), p.table.sql(), strings.Join(same, " AND "), in.matches(p.key))
	params := append(cells(p.key, ops, func(o *op) record.Row { return o.change.Key }), cells(p.columns, ops, func(o *op) record.Row { return o.change.Values })...)
	r := x.pg.ExecParams(ctx, sql, params, in.types, nil, nil).Read()
	if r.Err != nil {
		return nil, x.lost(ctx, r.Err)
	}
	found := make([][]int, len(ops))
	for _, f := range r.Rows {
		n, holder := int64Of(f[0])-1, -1
		if f[1] != nil {
			holder = int(int64Of(f[1])) - 1
		}
		found[n] = append(found[n], holder)
	}
	return found, nil
}

// exchangeGroup applies one set of ops that block only one another; false when it cannot be done.
func (x *isolation) exchangeGroup(ctx context.Context, p *plan, group []*op, indexes []*sinkIndex) (bool, error) {
	var ways []func([]*op) error
	if columns, ok := p.letGo(indexes); ok {
		ways = append(ways, func(applied []*op) error { return x.clear(ctx, p, applied, columns) })
	}
	if p.table.replaceable {
		ways = append(ways, func(applied []*op) error { return x.replace(ctx, p, applied) })
	}
	for _, way := range ways {
		refused, err := x.protected(ctx, func() error {
			conflicts, err := x.step(ctx, p, group, way)
			if err == nil {
				x.rejectConflicts(p, conflicts)
			}
			return err
		})
		if err == nil && refused == nil {
			return true, nil
		}
		// A missing privilege (on columns that only a replacement touches) rules a way out, and no more.
		if err != nil {
			if pg, ok := errors.AsType[*pgconn.PgError](err); !ok || pg.Code != insufficientPrivilege {
				return false, err
			}
			if err := x.exec(ctx, "ROLLBACK TO SAVEPOINT attempt; RELEASE SAVEPOINT attempt"); err != nil {
				return false, err
			}
		}
	}
	return false, nil
}

// letGo chooses for every index a column that may be null for a moment.
func (p *plan) letGo(indexes []*sinkIndex) ([]*sinkColumn, bool) {
	var columns []*sinkColumn
	for _, index := range indexes {
		i := slices.IndexFunc(index.columns, func(c int) bool {
			column := &p.table.columns[c]
			return column.nullable && slices.Contains(p.columns, column)
		})
		if i < 0 || index.nullsEqual {
			return nil, false
		}
		if column := &p.table.columns[index.columns[i]]; !slices.Contains(columns, column) {
			columns = append(columns, column)
		}
	}
	return columns, len(columns) > 0
}

// clear sets columns of the ops' rows to null.
func (x *isolation) clear(ctx context.Context, p *plan, ops []*op, columns []*sinkColumn) error {
	in := unnested{}
	in.columns("k", p.key)
	sets := make([]string, len(columns))
	for i, column := range columns {
		sets[i] = quote(column.name) + " = NULL"
	}
	sql := fmt.Sprintf("UPDATE %s t SET %s FROM %s WHERE %s", p.table.sql(), strings.Join(sets, ", "), in.from("r"), in.matches(p.key))
	r := x.pg.ExecParams(ctx, sql, cells(p.key, ops, func(o *op) record.Row { return o.change.Key }), in.types, nil, nil).Read()
	return x.lost(ctx, r.Err)
}

// replace deletes the ops' rows and inserts them with their new values in one statement, all other columns carried over.
// Sorting the deleted rows makes sure that all are gone before the first comes back; foreign keys without an action look
// only after the statement, and find the keys there.
func (x *isolation) replace(ctx context.Context, p *plan, ops []*op) error {
	in := unnested{}
	in.columns("k", p.key)
	in.columns("c", p.columns)
	var names, kept, values []string
	for i := range p.table.columns {
		column := &p.table.columns[i]
		if column.generated {
			continue
		}
		names = append(names, quote(column.name))
		if j := slices.Index(p.columns, column); j >= 0 {
			values = append(values, fmt.Sprintf("i.c%d", j))
			continue
		}
		kept = append(kept, fmt.Sprintf(", t.%s AS t%d", quote(column.name), i))
		values = append(values, fmt.Sprintf("gone.t%d", i))
	}
	sql := fmt.Sprintf(`
WITH i AS MATERIALIZED (SELECT %s, r.n FROM %s), gone AS (DELETE FROM %s t USING i WHERE %s RETURNING i.n%s)
INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM gone JOIN i USING (n) ORDER BY n`,
		in.selectList(), in.from("r"), p.table.sql(), in.matchesSelected(p.key), strings.Join(kept, ""), p.table.sql(), strings.Join(names, ", "), strings.Join(values, ", "))
	params := append(cells(p.key, ops, func(o *op) record.Row { return o.change.Key }), cells(p.columns, ops, func(o *op) record.Row { return o.change.Values })...)
	r := x.pg.ExecParams(ctx, sql, params, in.types, nil, nil).Read()
	return x.lost(ctx, r.Err)
}
