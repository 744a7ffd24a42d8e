package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/record"
)

// isolation finds out which changes of a batch cannot be applied, in one transaction with a savepoint for each attempt.
type isolation struct {
	*sinkConn
	rejections map[int]adapters.Rejection
}

// failure is an op that could not be applied, and why.
type failure struct {
	op *op
	pg *pgconn.PgError
}

// healPasses bounds how often what failed is tried again after others succeeded: a row that refers to a later one of the
// batch needs one pass, chains of such rows as many as they have links.
const healPasses = 4

// isolate applies a batch in small steps. When all of it can be applied after all (two rows that swap a unique value, a
// row the agency inserted in between), it is committed; otherwise everything is rolled back and every bad change is named.
func (c *sinkConn) isolate(ctx context.Context, batches []*targetBatch, move *offsetMove) error {
	plans, err := c.plansOf(ctx, batches)
	if err != nil {
		return err
	}
	begin := &pgconn.Batch{}
	answer := c.addBegin(begin, plans, move)
	results, err := c.run(ctx, begin)
	if err != nil {
		return err
	}
	if err := move.check(results[answer]); err != nil {
		return err
	}
	x := &isolation{c, map[int]adapters.Rejection{}}
	for i, b := range batches {
		for _, round := range b.rounds {
			if err := x.round(ctx, plans[i], x.rejectUnsendable(plans[i], round)); err != nil {
				return err
			}
		}
	}
	if len(x.rejections) == 0 {
		return c.exec(ctx, "COMMIT")
	}
	if err := c.exec(ctx, "ROLLBACK"); err != nil {
		return err
	}
	rejected := &adapters.RejectedError{}
	for _, r := range x.rejections {
		rejected.Rejections = append(rejected.Rejections, r)
	}
	slices.SortFunc(rejected.Rejections, func(a, b adapters.Rejection) int { return a.Index - b.Index })
	return rejected
}

// rejectUnsendable returns the ops of a round without those that hold a cell the server would not read.
func (x *isolation) rejectUnsendable(p *plan, round []*op) []*op {
	return slices.DeleteFunc(slices.Clone(round), func(o *op) bool {
		column, reason := x.unsendable(p, o)
		switch reason {
		case "":
			return false
		case "not-null":
			x.reject(p, failure{o, &pgconn.PgError{Code: notNullViolation}}, column.name)
		default:
			x.reject(p, failure{o, &pgconn.PgError{Code: "22021"}}, column.name)
		}
		return true
	})
}

func (x *isolation) reject(p *plan, f failure, column string) {
	x.rejections[f.op.index] = rejection(f.op.index, p.table, f.pg, column)
}

// rejectConflicts refuses ops and what was folded into them: it is the source that has no say on the key.
func (x *isolation) rejectConflicts(p *plan, conflicts []*op) {
	for _, o := range conflicts {
		for _, index := range append([]int{o.index}, o.folded...) {
			x.rejections[index] = adapters.Rejection{
				Index: index, Reason: "conflict",
				Err: fmt.Errorf("table %s: another source owns this key and it is alive; `conflict:` in the mapping says what to do", p.table),
			}
		}
	}
}

// round applies what can be applied and rejects the rest.
func (x *isolation) round(ctx context.Context, p *plan, ops []*op) error {
	failed, err := x.attempt(ctx, p, ops)
	if err != nil {
		return err
	}
	for range healPasses {
		var again []*op
		for _, f := range failed {
			if f.pg.Code == uniqueViolation || f.pg.Code == foreignKeyViolation || f.pg.Code == exclusionViolation {
				again = append(again, f.op)
			}
		}
		if len(again) == 0 || len(again) == len(ops) {
			break
		}
		still, err := x.attempt(ctx, p, again)
		if err != nil {
			return err
		}
		healed := len(again) - len(still)
		failed = append(slices.DeleteFunc(failed, func(f failure) bool { return slices.Contains(again, f.op) }), still...)
		if healed == 0 {
			break
		}
	}
	if failed, err = x.exchange(ctx, p, failed); err != nil {
		return err
	}
	for _, f := range failed {
		column := ""
		if f.pg.Code[:2] == "22" {
			if column, err = x.misfit(ctx, p, f.op); err != nil {
				return err
			}
		}
		x.reject(p, f, column)
	}
	return nil
}

// attempt applies ops in as few steps as their faults allow: all at once, or else each half for itself. What can be applied stays.
func (x *isolation) attempt(ctx context.Context, p *plan, ops []*op) ([]failure, error) {
	if len(ops) == 0 {
		return nil, nil
	}
	refused, err := x.protected(ctx, func() error {
		conflicts, err := x.step(ctx, p, ops, nil)
		if err == nil {
			x.rejectConflicts(p, conflicts)
		}
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case refused == nil:
		return nil, nil
	case len(ops) == 1:
		return []failure{{ops[0], refused}}, nil
	}
	left, err := x.attempt(ctx, p, ops[:len(ops)/2])
	if err != nil {
		return nil, err
	}
	right, err := x.attempt(ctx, p, ops[len(ops)/2:])
	return append(left, right...), err
}

// protected runs fn inside a savepoint. What it did is undone when it fails; a failure through the fault of a change is returned as such.
func (x *isolation) protected(ctx context.Context, fn func() error) (*pgconn.PgError, error) {
	if err := x.exec(ctx, "SAVEPOINT attempt"); err != nil {
		return nil, err
	}
	err := fn()
	if err == nil {
		return nil, x.exec(ctx, "RELEASE SAVEPOINT attempt")
	}
	if faultOf(err) != faultOfChange {
		return nil, err
	}
	pg, _ := errors.AsType[*pgconn.PgError](err)
	return pg, x.exec(ctx, "ROLLBACK TO SAVEPOINT attempt; RELEASE SAVEPOINT attempt")
}

// misfit names the first column whose type does not take the op's cell; "" when none is found (a trigger's own computation).
func (x *isolation) misfit(ctx context.Context, p *plan, o *op) (string, error) {
	type cell struct {
		column *sinkColumn
		value  record.Value
	}
	var all []cell
	add := func(columns []*sinkColumn, row record.Row) {
		for i, column := range columns {
			all = append(all, cell{column, row[i]})
		}
	}
	add(p.key, o.change.Key)
	switch {
	case !o.change.Delete:
		add(p.columns, o.change.Values)
		add(p.onCreate, o.change.OnCreate)
	case p.target.OnDelete == record.DeleteSets:
		add(p.deleteSet, o.change.Values)
	}
	for _, c := range all {
		if c.value.IsNull() {
			continue
		}
		if n := c.column.length; n > 0 && utf8.RuneCount(c.value.Append(nil)) > n {
			return c.column.name, nil
		}
		var one array
		one.value(c.value, c.column)
		in := unnested{}
		in.columns("c", []*sinkColumn{c.column})
		refused, err := x.protected(ctx, func() error {
			r := x.pg.ExecParams(ctx, fmt.Sprintf("SELECT (%s)::%s FROM %s", in.exprs[0], c.column.typ, in.from("r")), [][]byte{one.close()}, in.types, nil, nil).Read()
			return x.lost(ctx, r.Err)
		})
		if err != nil {
			return "", err
		}
		if refused != nil {
			return c.column.name, nil //nolint:nilerr // that the server refuses this value is the answer
		}
	}
	return "", nil
}
