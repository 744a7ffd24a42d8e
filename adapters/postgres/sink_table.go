package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/problem"
)

// sinkTable is a table of the agency as its catalog describes it, for writing.
type sinkTable struct {
	schema, name string
	columns      []sinkColumn
	unique       []sinkIndex
	// deferrable: a constraint of the table may be checked at the end of the transaction.
	deferrable bool
	// replaceable: nothing would notice that a row is deleted and inserted again in one statement. Not so with triggers or
	// rules, or where a foreign key of another table acts on the deletion.
	replaceable bool
	// withholds: a trigger may keep an update from taking place, so that a row which was not updated may be there.
	withholds bool
	// traces: an insert that fails leaves something behind: numbers of a sequence that are used up, or whatever a trigger or a
	// function of the agency does beyond the transaction.
	traces bool
	// copyable: COPY may write it. Row security forbids that.
	copyable bool
	// renewable: an update that is undone leaves nothing behind, as there is no trigger or rule that sees it.
	renewable bool
	// The statements that are possible at all: every one on a table, some on a view.
	insertable, updatable, deletable bool
	// Of the connected role.
	mayUse, maySelect, mayInsert, mayUpdate, mayDelete bool
	// estimate of the rows; -1 when the table was never analysed.
	rows int64
}

type sinkColumn struct {
	name string
	// typ is the type for people, "character varying(50)"; cast the type in which values travel, without its length, for SQL.
	typ, cast string
	codec     codec
	base      uint32 // type OID; of a domain the type it is made of
	// arrayType is the OID of the array type in which values travel, 0 when they travel as text and are cast one by one:
	// arrays (unnest would flatten them), and whatever has no array type. Cells for a domain travel in its base type, and
	// become the domain's on assignment: a cast to a domain over varchar(n) would cut a text that is too long.
	arrayType uint32
	number    int16 // attnum
	length    int   // of varchar(n) and char(n); 0 for others
	required  bool  // not null without a default
	nullable  bool
	generated bool // computed from others, cannot be written
	identity  byte // 'a' always, 'd' by default
	citext    bool
}

// whole tells the columns of whole numbers, whose text is that of the number.
func (c *sinkColumn) whole() bool { return c.base == 20 || c.base == 21 || c.base == 23 }

// sinkIndex is a unique index over plain columns, without a predicate.
type sinkIndex struct {
	columns []int // into sinkTable.columns
	// nullsEqual ones take null as a value that only one row may have.
	nullsEqual bool
}

func (t *sinkTable) String() string { return t.schema + "." + t.name }
func (t *sinkTable) sql() string    { return quote(t.schema) + "." + quote(t.name) }

func (t *sinkTable) column(name string) *sinkColumn {
	for i := range t.columns {
		if t.columns[i].name == name {
			return &t.columns[i]
		}
	}
	return nil
}

// keyIndex finds a unique index over exactly these columns.
func (t *sinkTable) keyIndex(key []string) *sinkIndex {
	for i, x := range t.unique {
		if len(x.columns) != len(key) {
			continue
		}
		if !slices.ContainsFunc(x.columns, func(c int) bool { return !slices.Contains(key, t.columns[c].name) }) {
			return &t.unique[i]
		}
	}
	return nil
}

// sinkTableSQL reads triggers and foreign keys of partitions too: a partition may have its own. The bits of tgtype are 1
// row, 2 before, 4 insert, 8 delete, 16 update; those of pg_relation_is_updatable 4 update, 8 insert, 16 delete.
const sinkTableSQL = `
SELECT c.oid, n.nspname, c.relname,
       EXISTS (SELECT 1 FROM pg_constraint k WHERE (k.conrelid = c.oid OR k.confrelid = c.oid) AND k.condeferrable),
       NOT c.relhasrules
       AND NOT EXISTS (SELECT 1 FROM pg_trigger g WHERE g.tgrelid = ANY (tree.oids) AND NOT g.tgisinternal AND g.tgenabled <> 'D' AND g.tgtype & 12 <> 0)
       AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.confrelid = ANY (tree.oids) AND k.contype = 'f' AND k.confdeltype <> 'a'),
       EXISTS (SELECT 1 FROM pg_trigger g WHERE g.tgrelid = ANY (tree.oids) AND NOT g.tgisinternal AND g.tgenabled <> 'D' AND g.tgtype & 19 = 19),
       w.events & 8 <> 0, w.events & 4 <> 0, w.events & 16 <> 0,
       has_schema_privilege(n.oid, 'USAGE'),
       has_table_privilege(c.oid, 'SELECT') OR has_any_column_privilege(c.oid, 'SELECT'),
       has_table_privilege(c.oid, 'INSERT') OR has_any_column_privilege(c.oid, 'INSERT'),
       has_table_privilege(c.oid, 'UPDATE') OR has_any_column_privilege(c.oid, 'UPDATE'),
       has_table_privilege(c.oid, 'DELETE'), c.reltuples::int8,
       c.relhasrules OR c.relkind NOT IN ('r', 'p')
       OR EXISTS (SELECT 1 FROM pg_trigger g WHERE g.tgrelid = ANY (tree.oids) AND NOT g.tgisinternal AND g.tgenabled <> 'D' AND g.tgtype & 4 <> 0)
       OR EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = ANY (tree.oids) AND a.attnum > 0 AND a.attidentity <> '')
       OR EXISTS (SELECT 1 FROM pg_attrdef d JOIN pg_depend p ON p.classid = 'pg_attrdef'::regclass AND p.objid = d.oid WHERE d.adrelid = ANY (tree.oids)
         AND (p.refclassid = 'pg_proc'::regclass OR p.refclassid = 'pg_class'::regclass AND p.refobjid <> d.adrelid)),
       c.relkind = 'r' AND NOT row_security_active(c.oid),
       c.relkind IN ('r', 'p') AND NOT c.relhasrules
       AND NOT EXISTS (SELECT 1 FROM pg_trigger g WHERE g.tgrelid = ANY (tree.oids) AND NOT g.tgisinternal AND g.tgenabled <> 'D' AND g.tgtype & 16 <> 0)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
       LATERAL (SELECT ARRAY(SELECT c.oid UNION SELECT relid FROM pg_partition_tree(c.oid)) AS oids) tree,
       LATERAL (SELECT pg_relation_is_updatable(c.oid, true) AS events) w
 WHERE n.nspname || '.' || c.relname = $1 AND c.relkind IN ('r', 'p', 'v', 'f')`

// sinkColumnsSQL follows a domain down to the type that is none; the innermost length counts, as PostgreSQL allows no other.
const sinkColumnsSQL = `
SELECT a.attname, format_type(a.atttypid, a.atttypmod), format_type(d.base, -1), d.base,
       CASE WHEN t.typtype IN ('b', 'e') AND t.typcategory <> 'A' AND t.typdelim = ',' THEN t.typarray ELSE 0 END,
       a.attnum, a.attnotnull OR d.required, a.atthasdef OR a.attidentity <> '' OR o.typdefault IS NOT NULL, a.attgenerated <> '', a.attidentity, t.typname = 'citext',
       CASE WHEN d.base IN (1042, 1043) AND d.typmod > 4 THEN d.typmod - 4 ELSE 0 END
  FROM pg_attribute a JOIN pg_type o ON o.oid = a.atttypid,
       LATERAL (
         WITH RECURSIVE step(oid, typmod, typtype, required) AS (
           SELECT o.oid, a.atttypmod, o.typtype, o.typnotnull
           UNION ALL
           SELECT b.oid, p.typtypmod, b.typtype, b.typnotnull FROM step JOIN pg_type p ON p.oid = step.oid JOIN pg_type b ON b.oid = p.typbasetype WHERE step.typtype = 'd')
         SELECT max(oid) FILTER (WHERE typtype <> 'd') AS base, max(typmod) AS typmod, bool_or(required) AS required FROM step) d
       JOIN pg_type t ON t.oid = d.base
 WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped
 ORDER BY a.attnum`

const sinkIndexesSQL = `
SELECT array_to_string(i.indkey[0:i.indnkeyatts-1], ' '), i.indnullsnotdistinct
  FROM pg_index i
 WHERE i.indrelid = $1::oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
 ORDER BY i.indexrelid`

// describeSink reads a table from the catalog; nil when there is none of that name.
func (c *sinkConn) describeSink(ctx context.Context, name string) (*sinkTable, error) {
	rows, err := c.ask(ctx, sinkTableSQL, []byte(name))
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	f := rows[0]
	t := &sinkTable{
		schema: string(f[1]), name: string(f[2]), deferrable: isTrue(f[3]), replaceable: isTrue(f[4]), withholds: isTrue(f[5]),
		insertable: isTrue(f[6]), updatable: isTrue(f[7]), deletable: isTrue(f[8]),
		mayUse: isTrue(f[9]), maySelect: isTrue(f[10]), mayInsert: isTrue(f[11]), mayUpdate: isTrue(f[12]), mayDelete: isTrue(f[13]), rows: int64Of(f[14]), traces: isTrue(f[15]), copyable: isTrue(f[16]), renewable: isTrue(f[17]),
	}
	columns, err := c.ask(ctx, sinkColumnsSQL, f[0])
	if err != nil {
		return nil, err
	}
	for _, f := range columns {
		s := sinkColumn{
			name: string(f[0]), typ: string(f[1]), cast: string(f[2]), base: number(f[3]), arrayType: number(f[4]), number: int16(int64Of(f[5])),
			nullable: !isTrue(f[6]), required: isTrue(f[6]) && !isTrue(f[7]), generated: isTrue(f[8]), citext: isTrue(f[10]), length: int(int64Of(f[11])),
		}
		if len(f[9]) > 0 {
			s.identity = f[9][0]
		}
		s.codec = codecOf(s.base)
		t.columns = append(t.columns, s)
	}
	indexes, err := c.ask(ctx, sinkIndexesSQL, f[0])
	if err != nil {
		return nil, err
	}
	for _, f := range indexes {
		x := sinkIndex{nullsEqual: isTrue(f[1])}
		for n := range strings.FieldsSeq(string(f[0])) {
			x.columns = append(x.columns, slices.IndexFunc(t.columns, func(s sinkColumn) bool { return int64(s.number) == int64Of([]byte(n)) }))
		}
		t.unique = append(t.unique, x)
	}
	return t, nil
}

// uniqueIndexSQL is the statement that gives the target its key.
func (t *sinkTable) uniqueIndexSQL(key []string) string {
	quoted := make([]string, len(key))
	for i, name := range key {
		quoted[i] = quote(name)
	}
	return fmt.Sprintf("CREATE UNIQUE INDEX CONCURRENTLY ON %s (%s)", t.sql(), strings.Join(quoted, ", "))
}

// missingTable is the refusal of a target whose table is not there.
func (c *sinkConn) missingTable(name string) error {
	return &adapters.RefusedError{
		Where: c.server.name, What: problem.Say("there is no table %s", name),
		Fix: problem.Say("create the table, or correct `table:` in the mapping; it is written schema.table, as the catalog spells it"),
	}
}
