package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/lienthong/truc/record"
)

const (
	// leastRenewal is how many ops a round that is renewed has at least: the commit waits for one more answer.
	leastRenewal = 200
	// hesitation is for how many batches no renewal is tried after one that had to be done again.
	hesitation = 50
)

// renewal is how a batch of one round is written whose keys are all known and whose rows are all there: by an update of the
// bookkeeping and one of the table, with nothing that notes which op found what. Each must find as many rows as there are
// ops; keys are unique in both, so that it has found one for every op. Otherwise all of it is undone and the batch goes the
// usual way.
type renewal struct{ entity, table sinkStatement }

// renewalOf is nil where an update that is undone leaves a trace, or updates of rows are not what the target wants.
func (p *plan) renewalOf(entity string, targetID, pipelineID int32) *renewal {
	if p.target.Write != record.Upsert || len(p.columns) == 0 || !p.table.renewable {
		return nil
	}
	in := unnested{}
	in.columns("k", p.key)
	in.state()
	return &renewal{sinkStatement{fmt.Sprintf(`
UPDATE %[1]s b SET pipeline = %[3]d, source = i.source, generation = i.generation, sequence = i.sequence, deleted = i.deleted, changed_at = now()
  FROM (SELECT (%[4]s) COLLATE "C" AS key, r.source, r.generation, r.sequence COLLATE "C" AS sequence, r.deleted FROM %[5]s) i
 WHERE b.target = %[2]d AND b.key = i.key AND %[6]s`, entity, targetID, pipelineID, p.keyExpression(in), in.from("r"), p.newer("i")), in.types}, p.updateAll()}
}

// renewable is the one round of a batch that is worth a renewal, because the last batch would have been one.
func (c *sinkConn) renewable(plans []*plan, batches []*targetBatch) (*plan, []*op) {
	c.hesitant = max(0, c.hesitant-1)
	if !c.steady || c.hesitant > 0 || len(batches) != 1 || len(batches[0].rounds) != 1 || plans[0].renewal == nil {
		return nil, nil
	}
	round := batches[0].rounds[0]
	if len(round) < leastRenewal || !c.sendable(plans[0], round) {
		return nil, nil
	}
	for _, o := range round {
		if o.change.Delete {
			return nil, nil
		}
	}
	return plans[0], round
}

// renew writes a round, or undoes what it did. The bookkeeping comes first: who holds a key there writes its row.
func (c *sinkConn) renew(ctx context.Context, p *plan, round []*op, move *offsetMove) (done bool, err error) {
	ahead := p.encodeAhead(round)
	b := &pgconn.Batch{}
	answer := c.addBegin(b, []*plan{p}, move)
	addNestedLoops(b)
	b.ExecParams(p.renewal.entity.sql, c.state(p, round), p.renewal.entity.types, nil, nil)
	results, err := c.run(ctx, b)
	encoded := <-ahead
	if err != nil {
		return false, err
	}
	if err := move.check(results[answer]); err != nil {
		return false, err
	}
	if found := results[len(results)-1].CommandTag.RowsAffected(); found == int64(len(round)) {
		b = &pgconn.Batch{}
		addUsualJoins(b)
		b.ExecParams(p.renewal.table.sql, encoded[:len(p.key)+len(p.columns)], p.renewal.table.types, nil, nil)
		if results, err = c.run(ctx, b); err != nil {
			return false, err
		}
		if found := results[len(results)-1].CommandTag.RowsAffected(); found == int64(len(round)) {
			c.renewals++
			return true, c.exec(ctx, "COMMIT")
		}
	}
	c.steady, c.hesitant = false, hesitation
	return false, c.exec(ctx, "ROLLBACK")
}
