package postgres

import (
	"fmt"

	"github.com/lienthong/truc/record"
)

// decideUpsert writes the bookkeeping of a round and returns the places of the ops that must not be written: not newer
// than what is known of the key (same source), or, of another source, a deletion or an upsert of a live key. Deciding and
// keeping are one statement, so that two instances cannot both decide on the same state; later statements of the
// transaction find these rows locked, in key order.
func (p *plan) decideUpsert(entity string, targetID, pipelineID int32) sinkStatement {
	in := unnested{}
	in.columns("k", p.key)
	in.state()
	return sinkStatement{fmt.Sprintf(`
WITH i AS MATERIALIZED (SELECT r.n, (%s) COLLATE "C" AS key, %s AS there, r.source, r.generation, r.sequence COLLATE "C" AS sequence, r.deleted FROM %s),
e AS (INSERT INTO %s AS b SELECT %d, key, %d, source, generation, sequence, deleted, now() FROM i WHERE there
	ON CONFLICT (target, key) DO UPDATE SET pipeline = excluded.pipeline, source = excluded.source, generation = excluded.generation,
		sequence = excluded.sequence, deleted = excluded.deleted, changed_at = excluded.changed_at
	WHERE %s
	RETURNING b.key)
SELECT array_agg(n), NULL, false FROM i WHERE key NOT IN (SELECT key FROM e)`,
		p.keyExpression(in), p.there(in), in.from("r"), entity, targetID, pipelineID, p.newer("excluded")), in.types}
}

// newer compares what the bookkeeping has of a key, b, with what is to be written.
func (p *plan) newer(than string) string {
	takeOver := "b.deleted"
	if p.target.Conflict == record.ConflictReplaces {
		takeOver = "true"
	}
	return fmt.Sprintf(`CASE WHEN b.source = %[1]s.source THEN (b.generation, b.sequence) < (%[1]s.generation, %[1]s.sequence)
		ELSE NOT %[1]s.deleted AND %[2]s END`, than, takeOver)
}

// decideSwiftly is decideUpsert for a batch that goes well. INSERT … ON CONFLICT looks a key up, writes a row that does not count
// yet, and then says in a record of the log that it does; instead, the keys that are known are updated, and what is left is
// looked up and inserted plainly. LIMIT keeps the planner from reading all of the bookkeeping for that. Its second answer is the places of ops whose key was not known. A key that
// somebody else makes known meanwhile is a unique violation, and left to the steps of isolate; so is a round that has a key twice
// (its third answer), in two ways of writing it: an update would take one of them.
//
// What is looked up first, and what is updated after it, costs one search less for keys that are not known (mostlyNew), and one
// more for those that are.
func (p *plan) decideSwiftly(entity string, targetID, pipelineID int32, mostlyNew bool) sinkStatement {
	in := unnested{}
	in.columns("k", p.key)
	in.state()
	parts := []any{p.keyExpression(in), p.there(in), in.from("r"), entity, targetID, pipelineID, p.newer("i"), p.twice()}
	if mostlyNew {
		return sinkStatement{fmt.Sprintf(`
WITH i AS MATERIALIZED (SELECT s.*, (SELECT true FROM %[4]s b WHERE b.target = %[5]d AND b.key = s.key LIMIT 1) IS TRUE AS known
	FROM (SELECT r.n, (%[1]s) COLLATE "C" AS key, %[2]s AS there, r.source, r.generation, r.sequence COLLATE "C" AS sequence, r.deleted FROM %[3]s OFFSET 0) s),
u AS (UPDATE %[4]s b SET pipeline = %[6]d, source = i.source, generation = i.generation, sequence = i.sequence, deleted = i.deleted, changed_at = now()
	FROM i WHERE i.known AND i.there AND b.target = %[5]d AND b.key = i.key AND %[7]s RETURNING i.n),
e AS (INSERT INTO %[4]s SELECT %[5]d, key, %[6]d, source, generation, sequence, deleted, now() FROM i WHERE there AND NOT known)
SELECT array_agg(n) FILTER (WHERE NOT there OR known), array_agg(n) FILTER (WHERE there AND NOT known), %[8]s FROM i WHERE n NOT IN (SELECT n FROM u)`, parts...), in.types}
	}
	return sinkStatement{fmt.Sprintf(`
WITH i AS MATERIALIZED (SELECT r.n, (%[1]s) COLLATE "C" AS key, %[2]s AS there, r.source, r.generation, r.sequence COLLATE "C" AS sequence, r.deleted FROM %[3]s),
u AS (UPDATE %[4]s b SET pipeline = %[6]d, source = i.source, generation = i.generation, sequence = i.sequence, deleted = i.deleted, changed_at = now()
	FROM i WHERE i.there AND b.target = %[5]d AND b.key = i.key AND %[7]s RETURNING i.n),
x AS MATERIALIZED (SELECT *, (SELECT true FROM %[4]s b WHERE b.target = %[5]d AND b.key = i.key LIMIT 1) IS TRUE AS known FROM i WHERE n NOT IN (SELECT n FROM u)),
e AS (INSERT INTO %[4]s SELECT %[5]d, key, %[6]d, source, generation, sequence, deleted, now() FROM x WHERE there AND NOT known)
SELECT array_agg(n) FILTER (WHERE NOT there OR known), array_agg(n) FILTER (WHERE there AND NOT known), %[8]s FROM x`, parts...), in.types}
}

// twice tells whether a round has a key twice. Texts are different when they are written differently.
func (p *plan) twice() string {
	for _, column := range p.key {
		if column.citext || column.base != textType && column.base != varcharType {
			return "(SELECT count(*) > count(DISTINCT key) FROM i)"
		}
	}
	return "false"
}

// there tells whether the bookkeeping concerns itself with a key: an update-only target knows nothing of one without a row.
func (p *plan) there(in unnested) string {
	if p.target.Write != record.UpdateOnly {
		return "true"
	}
	return fmt.Sprintf("EXISTS (SELECT 1 FROM %s t WHERE %s)", p.table.sql(), p.matches(in))
}

// decideAppend is decideUpsert for an inbox: every event newer than the last of its key, source and pipeline is a row.
// Nobody else writes these keys: the transaction holds the offset of their partition.
func (p *plan) decideAppend(entity string, targetID, pipelineID int32) sinkStatement {
	in := unnested{}
	in.columns("k", p.key)
	in.state()
	return sinkStatement{fmt.Sprintf(`
WITH i AS MATERIALIZED (SELECT r.n, ('%[4]d:' || r.source || ':' || %[1]s) COLLATE "C" AS key, r.source, r.generation, r.sequence COLLATE "C" AS sequence, r.deleted FROM %[2]s),
old AS MATERIALIZED (SELECT i.n FROM i JOIN %[5]s b ON b.target = %[3]d AND b.key = i.key WHERE (b.generation, b.sequence) >= (i.generation, i.sequence)),
e AS (INSERT INTO %[5]s AS b SELECT DISTINCT ON (key) %[3]d, key, %[4]d, source, generation, sequence, deleted, now() FROM i
	WHERE n NOT IN (SELECT n FROM old) ORDER BY key, generation DESC, sequence DESC
	ON CONFLICT (target, key) DO UPDATE SET generation = excluded.generation, sequence = excluded.sequence, deleted = excluded.deleted, changed_at = excluded.changed_at)
SELECT array_agg(n), NULL, false FROM old`, p.keyExpression(in), in.from("r"), targetID, pipelineID, entity), in.types}
}

// findConflicts returns the places of ops whose key another source holds live.
func (p *plan) findConflicts(entity string, targetID int32) sinkStatement {
	in := unnested{}
	in.columns("k", p.key)
	in.state()
	return sinkStatement{fmt.Sprintf(`
SELECT array_agg(r.n) FROM %s JOIN %s b ON b.target = %d AND b.key = (%s) COLLATE "C" WHERE NOT b.deleted AND b.source <> r.source AND %s`,
		in.from("r"), entity, targetID, p.keyExpression(in), p.there(in)), in.types}
}
