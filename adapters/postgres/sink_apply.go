package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/lienthong/truc/record"
)

// beginSQL does not rely on defaults that the role or the database may have changed. Read committed: a statement that
// waited for another instance's row goes on with what that one left.
const beginSQL = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"

// errIsolate says that some change of the batch cannot be applied; which ones is found out by isolate.
var errIsolate = errors.New("a change of the batch cannot be applied")

// carefulBatches is for how many batches no row is inserted unseen after a batch that went well in small steps only: most likely
// the agency has rows of its own there.
const carefulBatches = 100

// apply writes a batch in one transaction, as fast as it goes; when that fails through the fault of a change, once more
// in small steps that tell which.
func (c *sinkConn) apply(ctx context.Context, batches []*targetBatch, move *offsetMove) error {
	err := c.applyAtOnce(ctx, batches, move)
	if faultOf(err) == faultOfTable {
		// Perhaps the table was altered since it was described.
		if !c.settle(ctx) {
			return err
		}
		c.forget()
		err = c.applyAtOnce(ctx, batches, move)
	}
	if !errors.Is(err, errIsolate) && faultOf(err) != faultOfChange {
		return err
	}
	if !c.settle(ctx) {
		return err
	}
	c.forget()
	c.sink.log.DebugContext(ctx, "batch fails as a whole, looking for the changes at fault", "pipeline", move.pipeline)
	if err = c.isolate(ctx, batches, move); err == nil {
		c.careful = carefulBatches
	}
	return err
}

// addBegin opens the transaction and moves the offsets. It returns the place of the answer to the latter.
func (c *sinkConn) addBegin(b *pgconn.Batch, plans []*plan, move *offsetMove) int {
	b.ExecParams(beginSQL, nil, nil, nil, nil)
	answer := 1
	if deferrable(plans) {
		b.ExecParams("SET CONSTRAINTS ALL DEFERRED", nil, nil, nil, nil)
		answer++
	}
	move.add(b, c.sink.schema)
	return answer
}

// plansOf are the plans of the batches, aligned with them; the sources of their changes get their numbers.
func (c *sinkConn) plansOf(ctx context.Context, batches []*targetBatch) ([]*plan, error) {
	plans := make([]*plan, len(batches))
	for i, b := range batches {
		p, err := c.plan(ctx, b.target)
		if err != nil {
			return nil, err
		}
		plans[i] = p
		for _, round := range b.rounds {
			for _, o := range round {
				if o.id, err = c.id(ctx, o.change.Source); err != nil {
					return nil, err
				}
			}
		}
	}
	return plans, nil
}

func deferrable(plans []*plan) bool {
	for _, p := range plans {
		if p.table.deferrable {
			return true
		}
	}
	return false
}

// sendable reports whether every cell of a round can be sent.
func (c *sinkConn) sendable(p *plan, ops []*op) bool {
	for _, o := range ops {
		if _, reason := c.unsendable(p, o); reason != "" {
			return false
		}
	}
	return true
}

// unsendable names the first cell of an op that the server would not even read, and why.
func (c *sinkConn) unsendable(p *plan, o *op) (column *sinkColumn, reason string) {
	for i, column := range p.key {
		if o.change.Key[i].IsNull() {
			return column, "not-null"
		}
		if !column.fits(o.change.Key[i], c.raw) {
			return column, "type"
		}
	}
	columns, values := p.columns, o.change.Values
	if o.change.Delete {
		columns = p.deleteSet
		if p.target.OnDelete != record.DeleteSets {
			return nil, ""
		}
	}
	for i, column := range columns {
		if !column.fits(values[i], c.raw) {
			return column, "type"
		}
	}
	if !o.change.Delete {
		for i, column := range p.onCreate {
			if !column.fits(o.change.OnCreate[i], c.raw) {
				return column, "type"
			}
		}
	}
	return nil, ""
}

// addDecide puts the decision on a round into a batch. Only a nested loop locks the rows in the order of the ops; the agency's
// own functions, which may run in later statements, are planned as always.
func (c *sinkConn) addDecide(b *pgconn.Batch, p *plan, ops []*op) {
	addNestedLoops(b)
	s := p.decide
	if c.filling {
		s = p.decideNew
	}
	b.ExecParams(s.sql, c.state(p, ops), s.types, nil, nil)
}

var joinKinds = [...]string{"enable_hashjoin", "enable_mergejoin"}

func addNestedLoops(b *pgconn.Batch) {
	for _, kind := range joinKinds {
		b.ExecParams("SET LOCAL "+kind+" = off", nil, nil, nil, nil)
	}
}

func addUsualJoins(b *pgconn.Batch) {
	for _, kind := range joinKinds {
		b.ExecParams("SET LOCAL "+kind+" TO DEFAULT", nil, nil, nil, nil)
	}
}

// state is the parameters of decide and findConflicts: keys, sources, generations, sequences, deletions.
func (c *sinkConn) state(p *plan, ops []*op) [][]byte {
	params := cells(p.key, ops, func(o *op) record.Row { return o.change.Key })
	var sources, generations, sequences, deletions array
	for _, o := range ops {
		sources.integer(int64(o.id))
		generations.integer(int64(o.change.Generation))
		sequences.text(o.change.Sequence)
		deletions.boolean(o.change.Delete)
	}
	return append(params, sources.close(), generations.close(), sequences.close(), deletions.close())
}

// cells turns a role of the ops into parameters, one a column.
func cells(columns []*sinkColumn, ops []*op, row func(*op) record.Row) [][]byte {
	arrays := make([]array, len(columns))
	for _, o := range ops {
		values := row(o)
		for i, column := range columns {
			arrays[i].value(values[i], column)
		}
	}
	params := make([][]byte, len(columns))
	for i := range arrays {
		params[i] = arrays[i].close()
	}
	return params
}

// split divides a round by the answer to decide: an array of the places (from 1) of ops that must not be written, or null.
func split(round []*op, answer *pgconn.Result) (applied, skipped []*op) {
	out := places(answer.Rows[0][0])
	if len(out) == 0 {
		return round, nil
	}
	skip := make([]bool, len(round))
	for _, n := range out {
		skip[n-1] = true
	}
	for i, o := range round {
		if skip[i] {
			skipped = append(skipped, o)
		} else {
			applied = append(applied, o)
		}
	}
	return applied, skipped
}

// places reads "{1,5}"; nil stays nil.
func places(text []byte) []int {
	var out []int
	n := 0
	for _, c := range text {
		switch {
		case c >= '0' && c <= '9':
			n = n*10 + int(c-'0')
		case n > 0:
			out = append(out, n)
			n = 0
		}
	}
	return out
}

// findConflicts returns those of the skipped ops that are another source's upserts of a live key, where the target
// rejects them. It reads after decide has waited for whoever held the keys.
func (c *sinkConn) findConflicts(ctx context.Context, p *plan, skipped []*op) ([]*op, error) {
	if p.conflicts.sql == "" || p.target.Conflict != record.ConflictRejects {
		return nil, nil
	}
	skipped = slices.DeleteFunc(skipped, func(o *op) bool { return o.change.Delete })
	if len(skipped) == 0 {
		return nil, nil
	}
	r := c.pg.ExecParams(ctx, p.conflicts.sql, c.state(p, skipped), p.conflicts.types, nil, nil).Read()
	if r.Err != nil {
		return nil, c.lost(ctx, r.Err)
	}
	_, conflicts := split(skipped, r)
	return conflicts, nil
}

// addWrite puts the statements that write ops into a batch: deletions first, so that what they free (a unique value after
// a key change) is free; an inbox in the order of the events. fresh says that the bookkeeping knew none of the keys: then no
// row is looked for that could be updated. encoded are the parameters of the upserts, where they are known already.
func (c *sinkConn) addWrite(b *pgconn.Batch, p *plan, ops []*op, fresh bool, encoded [][]byte) {
	if p.target.Write == record.AppendOnly {
		for len(ops) > 0 {
			n := 1
			for n < len(ops) && ops[n].change.Delete == ops[0].change.Delete {
				n++
			}
			c.addSide(b, p, p.side(ops[0].change.Delete, false), ops[:n], nil)
			ops = ops[n:]
		}
		return
	}
	upserts, deletions := sides(ops)
	c.addSide(b, p, p.remove, deletions, nil)
	c.addSide(b, p, p.side(false, fresh), upserts, encoded)
}

func sides(ops []*op) (upserts, deletions []*op) {
	for _, o := range ops {
		if o.change.Delete {
			deletions = append(deletions, o)
		} else {
			upserts = append(upserts, o)
		}
	}
	return upserts, deletions
}

// encodeAhead makes the parameters of a round's upserts while the server decides on the round; nil for an inbox, and where the
// wait would be longer than the work.
func (p *plan) encodeAhead(round []*op) <-chan [][]byte {
	done := make(chan [][]byte, 1)
	if p.target.Write == record.AppendOnly || len(round) < 100 {
		done <- nil
		return done
	}
	go func() {
		upserts, _ := sides(round)
		done <- p.rows(upserts, false)
	}()
	return done
}

// side is the statement that writes one kind of ops.
func (p *plan) side(deletions, fresh bool) sinkStatement {
	switch {
	case deletions:
		return p.remove
	case fresh && p.insert.sql != "":
		return p.insert
	}
	return p.upsert
}

func (c *sinkConn) addSide(b *pgconn.Batch, p *plan, s sinkStatement, ops []*op, encoded [][]byte) {
	if len(ops) == 0 || s.sql == "" {
		return
	}
	if encoded == nil {
		encoded = p.rows(ops, ops[0].change.Delete)
	}
	b.ExecParams(s.sql, encoded, s.types, nil, nil)
}

// rows is the parameters of upsert or remove.
func (p *plan) rows(ops []*op, deletions bool) [][]byte {
	params := cells(p.key, ops, func(o *op) record.Row { return o.change.Key })
	values := func(o *op) record.Row { return o.change.Values }
	switch {
	case deletions && p.target.OnDelete == record.DeleteSets:
		return append(params, cells(p.deleteSet, ops, values)...)
	case deletions:
		return params
	}
	params = append(params, cells(p.columns, ops, values)...)
	if p.target.Write == record.UpdateOnly {
		return params
	}
	return append(params, cells(p.onCreate, ops, func(o *op) record.Row { return o.change.OnCreate })...)
}

// step decides on and writes ops, within an open transaction, and checks deferred constraints. It returns the conflicts.
func (c *sinkConn) step(ctx context.Context, p *plan, ops []*op, before func(applied []*op) error) ([]*op, error) {
	b := &pgconn.Batch{}
	b.ExecParams("SET CONSTRAINTS ALL DEFERRED", nil, nil, nil, nil)
	b.ExecParams(p.decideAlone.sql, c.state(p, ops), p.decideAlone.types, nil, nil)
	results, err := c.run(ctx, b)
	if err != nil {
		return nil, err
	}
	applied, skipped := split(ops, results[1])
	conflicts, err := c.findConflicts(ctx, p, skipped)
	if err != nil {
		return nil, err
	}
	if before != nil {
		if err := before(applied); err != nil {
			return nil, err
		}
	}
	b = &pgconn.Batch{}
	c.addWrite(b, p, applied, false, nil)
	b.ExecParams("SET CONSTRAINTS ALL IMMEDIATE", nil, nil, nil, nil)
	if _, err := c.run(ctx, b); err != nil {
		return nil, fmt.Errorf("write %s: %w", p.table, err)
	}
	return conflicts, nil
}
