package postgres

import (
	"context"

	"github.com/jackc/pgx/v5/pgconn"
)

// attempt is a batch being written in one transaction, as fast as it goes.
type attempt struct {
	*sinkConn
	move    *offsetMove
	pending *pgconn.Batch
	// answer is the place of the answer to move in the first round trip.
	answer int
	begun  bool
}

// applyAtOnce needs two round trips for a batch that folds into one round: begin, offsets and decision; rows and commit. A round
// of new keys that is copied takes two more.
func (c *sinkConn) applyAtOnce(ctx context.Context, batches []*targetBatch, move *offsetMove) error {
	plans, err := c.plansOf(ctx, batches)
	if err != nil {
		return err
	}
	c.careful = max(0, c.careful-1)
	if p, round := c.renewable(plans, batches); p != nil {
		if done, err := c.renew(ctx, p, round, move); done || err != nil {
			return err
		}
	}
	a := &attempt{sinkConn: c, move: move, pending: &pgconn.Batch{}}
	a.answer = c.addBegin(a.pending, plans, move)
	for i, b := range batches {
		for _, round := range b.rounds {
			if !c.sendable(plans[i], round) {
				return errIsolate
			}
			if err := a.write(ctx, plans[i], round); err != nil {
				return err
			}
		}
	}
	if !a.begun { // no changes: the offsets must be known to stand right before the commit is sent
		if _, err := a.flush(ctx); err != nil {
			return err
		}
	}
	a.pending.ExecParams("COMMIT", nil, nil, nil, nil)
	_, err = a.flush(ctx)
	return err
}

// flush sends what is pending and returns the answer to the last of it.
func (a *attempt) flush(ctx context.Context) (last *pgconn.Result, err error) {
	results, err := a.run(ctx, a.pending)
	a.pending = &pgconn.Batch{}
	if err != nil {
		return nil, err
	}
	if !a.begun {
		a.begun = true
		if err := a.move.check(results[a.answer]); err != nil {
			return nil, err
		}
	}
	return results[len(results)-1], nil
}

// write decides on a round and writes it, or leaves the writing pending.
func (a *attempt) write(ctx context.Context, p *plan, round []*op) error {
	if a.untouched && a.careful == 0 {
		if done, err := a.copyNew(ctx, p, round); done || err != nil {
			return err
		}
	}
	a.addDecide(a.pending, p, round)
	ahead := p.encodeAhead(round)
	decision, err := a.flush(ctx)
	encoded := <-ahead
	if err != nil {
		return err
	}
	if isTrue(decision.Rows[0][2]) {
		return errIsolate
	}
	applied, skipped := split(round, decision)
	unknown := len(places(decision.Rows[0][1]))
	a.filling, a.untouched = unknown > len(round)/2, unknown == len(round)
	a.steady = unknown == 0 && len(skipped) == 0
	fresh := unknown == len(applied) && a.careful == 0
	if len(skipped) > 0 {
		encoded = nil
	}
	if conflicts, err := a.findConflicts(ctx, p, skipped); err != nil {
		return err
	} else if len(conflicts) > 0 {
		return errIsolate
	}
	addUsualJoins(a.pending)
	a.addWrite(a.pending, p, applied, fresh, encoded)
	return nil
}

// copyNew writes a round by COPY if it is one of keys that nobody knows.
func (a *attempt) copyNew(ctx context.Context, p *plan, round []*op) (done bool, err error) {
	keys, ok := p.canonicalKeys(round)
	if !ok {
		return false, nil
	}
	a.addProbe(a.pending, p, keys)
	ahead := make(chan []byte, 1)
	go func() { ahead <- p.copyText(round) }()
	answer, err := a.flush(ctx)
	rows := <-ahead
	if err != nil {
		return false, err
	}
	if a.untouched = !isTrue(answer.Rows[0][0]); !a.untouched {
		return false, nil
	}
	a.copied++
	return true, a.copy(ctx, p, round, keys, rows, answer.Rows[0][1])
}
