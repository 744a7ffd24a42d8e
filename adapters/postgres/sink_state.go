package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/problem"
)

// stateFormat is the version of the bookkeeping's tables. A sink refuses one that is newer than it knows. Format 1 had no marks
// beside the offsets (the last of it had), and no generation among them.
const stateFormat = 2

// raiseDDL makes bookkeeping of format 1 one of format 2; %[1]s is its schema.
const raiseDDL = `ALTER TABLE %[1]s.sink_offset ADD COLUMN IF NOT EXISTS mark text NOT NULL DEFAULT ''; UPDATE %[1]s.sink_format SET version = 2`

// stateDDL makes the bookkeeping; %s is its schema.
//
//	sink_offset   how far each pipeline has read: written in the same transaction as the rows
//	sink_entity   per (target table, key) the newest event applied, deletions too. key is the canonical text of the key
//	              columns' values (plan.keyExpression); pipeline, source and target are ids of sink_name
//	              (fillfactor: an update of every row finds room in its own page and leaves the index alone, for two
//	              thirds of the cost; without that room both table and index double at the first of them)
//	sink_name     numbers for the long names in sink_entity, which has one row for each row delivered
const stateDDL = `
CREATE TABLE IF NOT EXISTS %[1]s.sink_format (version int NOT NULL);
CREATE TABLE IF NOT EXISTS %[1]s.sink_offset (
	pipeline text COLLATE "C" NOT NULL, topic text COLLATE "C" NOT NULL, partition int NOT NULL,
	next_offset bigint NOT NULL, mark text NOT NULL, applied_at timestamptz NOT NULL,
	PRIMARY KEY (pipeline, topic, partition));
CREATE TABLE IF NOT EXISTS %[1]s.sink_name (
	id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text COLLATE "C" NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS %[1]s.sink_entity (
	target int NOT NULL, key text COLLATE "C" NOT NULL, pipeline int NOT NULL, source int NOT NULL,
	generation bigint NOT NULL, sequence text COLLATE "C" NOT NULL, deleted boolean NOT NULL, changed_at timestamptz NOT NULL,
	PRIMARY KEY (target, key)) WITH (fillfactor = 50);
INSERT INTO %[1]s.sink_format SELECT %[2]d WHERE NOT EXISTS (SELECT 1 FROM %[1]s.sink_format);`

// stateLock is the advisory lock under which the bookkeeping is made: two nodes may start at once, and IF NOT EXISTS alone
// fails on a race. The number spells "trucsink".
const stateLock = 0x7472756373696e6b

// prepareBookkeeping makes the schema of the bookkeeping when it is missing, and checks that it is one this version knows.
func (c *sinkConn) prepareBookkeeping(ctx context.Context) error {
	err := c.makeBookkeeping(ctx)
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.Code == insufficientPrivilege {
		return c.refuseState(ctx)
	}
	return err
}

func (c *sinkConn) makeBookkeeping(ctx context.Context) error {
	schema := quote(c.sink.schema)
	here, err := c.askRow(ctx, `SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1), EXISTS (SELECT 1 FROM pg_tables WHERE schemaname = $1 AND tablename = 'sink_entity'), pg_is_in_recovery()`, []byte(c.sink.schema))
	if err != nil {
		return err
	}
	if isTrue(here[2]) {
		return c.server.unreachable(errors.New("the server is a standby and takes no writes; the dsn must lead to the primary"))
	}
	if !isTrue(here[1]) {
		// Statements that are sent together are one transaction.
		ddl := fmt.Sprintf("SELECT pg_advisory_xact_lock(%d);", int64(stateLock))
		if !isTrue(here[0]) {
			// Not when the schema is there: even IF NOT EXISTS wants the privilege to create one.
			ddl += "CREATE SCHEMA IF NOT EXISTS " + schema + ";"
		}
		if err := c.exec(ctx, ddl+fmt.Sprintf(stateDDL, schema, stateFormat)); err != nil {
			return err
		}
	}
	format, err := c.askRow(ctx, "SELECT max(version) FROM "+schema+".sink_format")
	if err != nil {
		return err
	}
	if int64Of(format[0]) == 1 {
		if err := c.raiseState(ctx); err != nil {
			return err
		}
		format[0] = []byte(strconv.Itoa(stateFormat))
	}
	switch v := int64Of(format[0]); {
	case v > stateFormat:
		return &adapters.RefusedError{
			Where: c.server.name, What: problem.Say("the bookkeeping in schema %s has format %d, this truc knows up to %d", c.sink.schema, v, stateFormat),
			Fix: problem.Say("run the newer truc that wrote it"),
		}
	case v < 1:
		return &adapters.RefusedError{
			Where: c.server.name, What: problem.Say("the tables of the bookkeeping in schema %s have no format", c.sink.schema),
			Fix: problem.Say("name another schema for the bookkeeping in the sink's configuration"),
		}
	}
	allowed, err := c.askRow(ctx, `SELECT bool_and(has_table_privilege(format('%I.%I', $1::text, t), p))
		FROM unnest(ARRAY['sink_offset', 'sink_name', 'sink_entity']) t, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE']) p`, []byte(c.sink.schema))
	if err != nil {
		return err
	}
	if !isTrue(allowed[0]) {
		return c.refuseState(ctx)
	}
	return nil
}

// raiseState brings bookkeeping of format 1 to this one.
func (c *sinkConn) raiseState(ctx context.Context) error {
	statements := fmt.Sprintf(raiseDDL, quote(c.sink.schema))
	err := c.exec(ctx, fmt.Sprintf("SELECT pg_advisory_xact_lock(%d);", int64(stateLock))+statements)
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.Code == insufficientPrivilege {
		return &adapters.RefusedError{
			Where: c.server.name, What: problem.Say("the bookkeeping in schema %s has format 1, this truc needs format %d, and user %s may not alter it", c.sink.schema, stateFormat, c.server.config.User),
			Fix: problem.Say("as the owner of the schema, while no truc delivers: BEGIN; %s; COMMIT", statements),
		}
	}
	return err
}

// refuseState names the statement that gives truc its bookkeeping.
func (c *sinkConn) refuseState(ctx context.Context) error {
	schema, user := quote(c.sink.schema), quote(c.server.config.User)
	fix := problem.Say("as a superuser or the owner of the database: CREATE SCHEMA %s AUTHORIZATION %s", schema, user)
	rows, err := c.ask(ctx, "SELECT 1 FROM pg_namespace WHERE nspname = $1", []byte(c.sink.schema))
	if err == nil && len(rows) > 0 {
		fix = problem.Say("as the owner of the schema: GRANT USAGE, CREATE ON SCHEMA %[1]s TO %[2]s; GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA %[1]s TO %[2]s", schema, user)
	}
	return &adapters.RefusedError{
		Where: c.server.name, What: problem.Say("user %s may not keep truc's bookkeeping in schema %s", c.server.config.User, c.sink.schema), Fix: fix,
	}
}

// offsetMove is the compare-and-set of one Apply, as array parameters.
type offsetMove struct {
	pipeline                              string
	partitions                            int
	topics, numbers, before, after, marks []byte
	// Those of the partitions that are conditions only.
	fixedTopics, fixedNumbers, fixed []byte
}

func newOffsetMove(pipeline string, from, to adapters.Offsets) (*offsetMove, error) {
	partitions := make([]adapters.TopicPartition, 0, len(to))
	for p := range to {
		if _, ok := from[p]; !ok {
			return nil, fmt.Errorf("apply: partition %s/%d has no offset to start from", p.Topic, p.Partition)
		}
		partitions = append(partitions, p)
	}
	// In one order, so that two instances that fight for several partitions do not deadlock.
	slices.SortFunc(partitions, func(a, b adapters.TopicPartition) int {
		if c := strings.Compare(a.Topic, b.Topic); c != 0 {
			return c
		}
		return int(a.Partition) - int(b.Partition)
	})
	m := &offsetMove{pipeline: pipeline, partitions: len(from)}
	var topics, numbers, before, after, marks, fixedTopics, fixedNumbers, fixed array
	for p, at := range from {
		if _, moves := to[p]; !moves {
			fixedTopics.text(p.Topic)
			fixedNumbers.integer(int64(p.Partition))
			fixed.integer(at.Next)
		}
	}
	for _, p := range partitions {
		topics.text(p.Topic)
		numbers.integer(int64(p.Partition))
		before.integer(from[p].Next)
		after.integer(to[p].Next)
		marks.text(to[p].Mark)
	}
	m.topics, m.numbers, m.before, m.after, m.marks = topics.close(), numbers.close(), before.close(), after.close(), marks.close()
	m.fixedTopics, m.fixedNumbers, m.fixed = fixedTopics.close(), fixedNumbers.close(), fixed.close()
	return m, nil
}

// moveSQL returns how many partitions stood where the caller believed them to be; a partition without a row stands at 0.
// Two that insert the same row at once do not fail: the second waits and counts one less. l locks the rows in one order
// before u updates them, which u's condition on l enforces. s holds what is a condition only until the commit, first of all,
// without keeping others from the same; what has no row stands at 0, and nothing holds that.
const moveSQL = `
WITH f AS (SELECT * FROM unnest($7::text[], $8::int4[], $9::int8[]) AS f(topic, partition, at)),
s AS MATERIALIZED (SELECT 1 FROM %[1]s.sink_offset o JOIN f USING (topic, partition) WHERE o.pipeline = $1 AND o.next_offset = f.at FOR SHARE OF o),
z AS (SELECT 1 FROM f WHERE f.at = 0 AND NOT EXISTS (SELECT 1 FROM %[1]s.sink_offset o WHERE o.pipeline = $1 AND o.topic = f.topic AND o.partition = f.partition)),
i AS (SELECT * FROM unnest($2::text[], $3::int4[], $4::int8[], $5::int8[], $6::text[]) AS i(topic, partition, before, after, mark)),
l AS MATERIALIZED (SELECT o.topic, o.partition FROM %[1]s.sink_offset o JOIN i USING (topic, partition) WHERE o.pipeline = $1 AND (SELECT count(*) FROM s) >= 0 ORDER BY o.topic, o.partition FOR UPDATE OF o),
u AS (UPDATE %[1]s.sink_offset o SET next_offset = i.after, mark = i.mark, applied_at = now() FROM i
	WHERE o.pipeline = $1 AND o.topic = i.topic AND o.partition = i.partition AND o.next_offset = i.before AND (SELECT count(*) FROM l) >= 0 RETURNING 1),
n AS (INSERT INTO %[1]s.sink_offset (pipeline, topic, partition, next_offset, mark, applied_at) SELECT $1, i.topic, i.partition, i.after, i.mark, now() FROM i
	WHERE i.before = 0 AND NOT EXISTS (SELECT 1 FROM %[1]s.sink_offset o WHERE o.pipeline = $1 AND o.topic = i.topic AND o.partition = i.partition)
	ORDER BY 2, 3 ON CONFLICT DO NOTHING RETURNING 1)
SELECT (SELECT count(*) FROM u) + (SELECT count(*) FROM n) + (SELECT count(*) FROM s) + (SELECT count(*) FROM z)`

// add puts the compare-and-set into a batch.
func (m *offsetMove) add(b *pgconn.Batch, schema string) {
	b.ExecParams(fmt.Sprintf(moveSQL, quote(schema)), [][]byte{[]byte(m.pipeline), m.topics, m.numbers, m.before, m.after, m.marks, m.fixedTopics, m.fixedNumbers, m.fixed}, nil, nil, nil)
}

// check reads the answer.
func (m *offsetMove) check(r *pgconn.Result) error {
	if int64Of(r.Rows[0][0]) != int64(m.partitions) {
		return adapters.ErrOffsetMoved
	}
	return nil
}

func (c *sinkConn) offsets(ctx context.Context, pipeline string, partitions []adapters.TopicPartition) (adapters.Offsets, error) {
	var topics, numbers array
	offsets := make(adapters.Offsets, len(partitions))
	for _, p := range partitions {
		offsets[p] = adapters.Offset{}
		topics.text(p.Topic)
		numbers.integer(int64(p.Partition))
	}
	rows, err := c.ask(ctx, "SELECT o.topic, o.partition, o.next_offset, o.mark FROM "+quote(c.sink.schema)+`.sink_offset o
		JOIN unnest($2::text[], $3::int4[]) AS i(topic, partition) USING (topic, partition) WHERE o.pipeline = $1`, []byte(pipeline), topics.close(), numbers.close())
	if err != nil {
		return nil, err
	}
	for _, f := range rows {
		offsets[adapters.TopicPartition{Topic: string(f[0]), Partition: int32(int64Of(f[1]))}] = adapters.Offset{Next: int64Of(f[2]), Mark: string(f[3])}
	}
	return offsets, nil
}

func (c *sinkConn) lastApply(ctx context.Context, pipeline string) (int64, error) {
	f, err := c.askRow(ctx, "SELECT coalesce(extract(epoch FROM max(applied_at))::int8, 0) FROM "+quote(c.sink.schema)+".sink_offset WHERE pipeline = $1", []byte(pipeline))
	if err != nil {
		return 0, err
	}
	return int64Of(f[0]), nil
}

// id returns the number of a name in the bookkeeping, which is made outside of any transaction.
func (c *sinkConn) id(ctx context.Context, name string) (int32, error) {
	if id, ok := c.names[name]; ok {
		return id, nil
	}
	table := quote(c.sink.schema) + ".sink_name"
	for range 2 {
		rows, err := c.ask(ctx, "SELECT id FROM "+table+" WHERE name = $1", []byte(name))
		if err != nil {
			return 0, err
		}
		if len(rows) == 1 {
			id := int32(int64Of(rows[0][0]))
			c.names[name] = id
			return id, nil
		}
		if _, err := c.ask(ctx, "INSERT INTO "+table+" (name) VALUES ($1) ON CONFLICT DO NOTHING", []byte(name)); err != nil {
			return 0, err
		}
	}
	return 0, fmt.Errorf("%s: the bookkeeping does not keep a name", c.server.name)
}
