package postgres

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
)

// catalogTable is a table as the catalog has it now.
type catalogTable struct {
	oid         uint32
	table       *record.Table
	codecs      []codec
	types       []uint32 // as in Relation messages: domains by their own OID
	casts       []string // type names without length, of domains the base type's, for parameters
	operands    []string // columns as they are compared with such parameters
	path        string   // search_path under which the operators of these types are found
	kind        byte     // pg_class.relkind
	persistence byte
	identity    byte // pg_class.relreplident
	partition   bool
	rows        int64
	// candidate is a unique index that could stand for a missing primary key; "" when there is none.
	candidate string
	// deferrable and generated say why a primary key, or a REPLICA IDENTITY index, cannot be used: it is checked at commit,
	// or holds a generated column, which is not in the log.
	deferrable, generated bool
	// strange are the partitions whose rows in the log do not carry the key of the partitioned table.
	strange []string
	// of the connected role
	canSelect, owner, filtered bool
}

func (t *catalogTable) name() tableName { return tableName{t.table.Schema, t.table.Name} }

// named is the table as records of it are handed out. SQL needs the name it has now.
func (t *catalogTable) named(as tableName) *catalogTable {
	if t.name() == as {
		return t
	}
	named, table := *t, *t.table
	table.Schema, table.Name = as.schema, as.name
	named.table = &table
	return &named
}

// fullIdentity is the statement that makes Before carry all columns; "" when it does.
func (t *catalogTable) fullIdentity() string {
	if t.identity == 'f' {
		return ""
	}
	return "ALTER TABLE " + quoteTable(t.table) + " REPLICA IDENTITY FULL"
}

// catalogSQL describes tables, one row a column, in the order of the log's own messages: generated columns are left out
// because the log leaves them out. NOT NULL may be NOT VALID from PostgreSQL 18 on: rows of before hold nulls. $1 is an array of OIDs or null for all.
const catalogSQL = `
SELECT c.oid, n.nspname, c.relname, c.relkind, c.relpersistence, c.relreplident, c.relispartition, c.reltuples::int8,
       has_table_privilege(c.oid, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE'), pg_has_role(c.relowner, 'USAGE'), row_security_active(c.oid),
       (SELECT quote_ident(u.relname) FROM pg_index i JOIN pg_class u ON u.oid = i.indexrelid
         WHERE i.indrelid = c.oid AND i.indisunique AND i.indimmediate AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
           AND NOT EXISTS (SELECT 1 FROM unnest(i.indkey[0:i.indnkeyatts-1]) k JOIN pg_attribute x ON x.attrelid = c.oid AND x.attnum = k
                            WHERE NOT x.attnotnull OR x.attgenerated <> ''
                               OR EXISTS (SELECT 1 FROM pg_constraint o WHERE o.conrelid = c.oid AND o.contype = 'n' AND NOT o.convalidated AND o.conkey[1] = k))
         ORDER BY i.indnkeyatts, i.indexrelid LIMIT 1),
       a.attname, a.atttypid, format_type(a.atttypid, a.atttypmod), format_type(a.atttypid, -1), a.attnotnull AND NOT EXISTS (SELECT 1 FROM pg_constraint o WHERE o.conrelid = c.oid AND o.contype = 'n' AND NOT o.convalidated AND o.conkey[1] = a.attnum),
       array_position(p.indkey[0:p.indnkeyatts-1]::int2[], a.attnum),
       array_position(r.indkey[0:r.indnkeyatts-1]::int2[], a.attnum),
       quote_ident(tn.nspname),
       EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary AND NOT i.indimmediate),
       p.indnkeyatts, r.indnkeyatts,
       CASE WHEN c.relkind = 'p' THEN (SELECT array_to_string(array_agg(l.oid::regclass::text ORDER BY l.oid), E'\n') FROM pg_partition_tree(c.oid) x JOIN pg_class l ON l.oid = x.relid
         WHERE x.isleaf AND l.relkind = 'r' AND l.relreplident <> 'f' AND (l.relreplident <> c.relreplident OR l.relreplident = 'n' OR l.relreplident = 'i' AND
           (SELECT array_agg(y.attname ORDER BY y.attname) FROM pg_index i JOIN pg_attribute y ON y.attrelid = l.oid AND y.attnum = ANY (i.indkey[0:i.indnkeyatts-1]) WHERE i.indrelid = l.oid AND i.indisreplident) IS DISTINCT FROM
           (SELECT array_agg(y.attname ORDER BY y.attname) FROM pg_attribute y WHERE y.attrelid = c.oid AND y.attnum = ANY (r.indkey[0:r.indnkeyatts-1])))) END
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
  LEFT JOIN pg_type t ON t.oid = a.atttypid
  LEFT JOIN pg_namespace tn ON tn.oid = t.typnamespace
  LEFT JOIN pg_index p ON p.indrelid = c.oid AND p.indisprimary AND p.indimmediate
  LEFT JOIN pg_index r ON r.indrelid = c.oid AND r.indisreplident
 WHERE CASE WHEN $1::oid[] IS NULL
            THEN c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND NOT c.relispartition
                 AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
            ELSE c.oid = ANY ($1::oid[]) END
 ORDER BY n.nspname, c.relname, a.attnum`

// describe reads the catalog entries of tables by OID, of all user tables when oids is nil.
func (c *session) describe(ctx context.Context, oids []uint32, bases domainBases) ([]*catalogTable, error) {
	var filter []byte
	if oids != nil {
		filter = []byte("{")
		for i, oid := range oids {
			if i > 0 {
				filter = append(filter, ',')
			}
			filter = strconv.AppendUint(filter, uint64(oid), 10)
		}
		filter = append(filter, '}')
	}
	rows, err := c.prepared(ctx, catalogSQL, filter)
	if err != nil {
		return nil, fmt.Errorf("read catalog: %w", err)
	}
	var tables []*catalogTable
	var primary, identity [][2]int // (place in the index, column)
	var keyed, identified int      // columns of the indexes
	finish := func() {
		if len(tables) > 0 {
			t := tables[len(tables)-1]
			if len(primary) < keyed {
				primary, t.generated = nil, true
			}
			if t.identity == 'i' && len(identity) < identified {
				primary, identity, t.generated = nil, nil, true
			}
			t.setKey(primary, identity)
		}
		primary, identity = nil, nil
	}
	for _, f := range rows {
		oid := number(f[0])
		if len(tables) == 0 || tables[len(tables)-1].oid != oid {
			finish()
			tables = append(tables, &catalogTable{
				oid:   oid,
				table: &record.Table{Schema: string(f[1]), Name: string(f[2]), Version: 1},
				kind:  f[3][0], persistence: f[4][0], identity: f[5][0],
				partition: isTrue(f[6]), rows: int64Of(f[7]),
				canSelect: isTrue(f[8]), owner: isTrue(f[9]), filtered: isTrue(f[10]),
				candidate: string(f[11]), path: usualPath, deferrable: isTrue(f[20]),
			})
			if f[23] != nil {
				tables[len(tables)-1].strange = strings.Split(string(f[23]), "\n")
			}
			keyed, identified = int(int64Of(f[21])), int(int64Of(f[22]))
		}
		if f[12] == nil {
			continue // a table without columns
		}
		t := tables[len(tables)-1]
		typ := number(f[13])
		codec := codecOf(bases.resolve(typ))
		operand, cast, schema := quote(string(f[12])), string(f[15]), string(f[19])
		if base, ok := bases[typ]; ok {
			cast, schema = base.name, base.schema
			operand += "::" + cast
		}
		t.operands = append(t.operands, operand)
		t.table.Columns = append(t.table.Columns, record.Column{
			Name: string(f[12]), Kind: codec.kind(), Type: string(f[14]), Nullable: !isTrue(f[16]),
		})
		t.types = append(t.types, typ)
		t.codecs = append(t.codecs, codec)
		t.casts = append(t.casts, cast)
		if !slices.Contains(strings.Split(t.path, ", "), schema) {
			t.path += ", " + schema
		}
		column := len(t.table.Columns) - 1
		if f[17] != nil {
			primary = append(primary, [2]int{int(int64Of(f[17])), column})
		}
		if f[18] != nil {
			identity = append(identity, [2]int{int(int64Of(f[18])), column})
		}
	}
	finish()
	return tables, nil
}

// setKey fills Key and Identity: the primary key, or else the index chosen by REPLICA IDENTITY USING INDEX, in index order.
func (t *catalogTable) setKey(primary, identity [][2]int) {
	columns := func(places [][2]int) []int {
		slices.SortFunc(places, func(a, b [2]int) int { return a[0] - b[0] })
		var out []int
		for _, p := range places {
			out = append(out, p[1])
		}
		return out
	}
	key, index := columns(primary), columns(identity)
	if t.identity != 'i' {
		index = nil
	}
	if key == nil {
		key = index
	}
	t.table.Key = key
	switch t.identity {
	case 'f':
		t.table.Identity = nil
	case 'i':
		t.table.Identity = append([]int{}, index...)
	case 'd':
		t.table.Identity = append([]int{}, columns(primary)...)
	default:
		t.table.Identity = []int{}
	}
}

// domainBases maps each domain to the type under all its domains.
type domainBases map[uint32]baseType

// baseType is a type that is no domain. A parameter for a domain's column is cast to it: the operators are found in its
// schema (those of enums exist between equal types only, so the column is cast too), its collation gives way to the column's, and no CHECK of the domain is run.
type baseType struct {
	oid          uint32
	name, schema string // as SQL
}

func (c *session) domains(ctx context.Context) (domainBases, error) {
	rows, err := c.prepared(ctx, `
WITH RECURSIVE d(oid, base) AS (
       SELECT oid, typbasetype FROM pg_type WHERE typtype = 'd'
       UNION ALL SELECT d.oid, t.typbasetype FROM d JOIN pg_type t ON t.oid = d.base AND t.typtype = 'd')
SELECT d.oid, t.oid, format_type(t.oid, -1), quote_ident(n.nspname)
  FROM d JOIN pg_type t ON t.oid = d.base AND t.typtype <> 'd' JOIN pg_namespace n ON n.oid = t.typnamespace`)
	if err != nil {
		return nil, fmt.Errorf("read domains: %w", err)
	}
	bases := domainBases{}
	for _, f := range rows {
		bases[number(f[0])] = baseType{oid: number(f[1]), name: string(f[2]), schema: string(f[3])}
	}
	return bases, nil
}

func (d domainBases) resolve(typ uint32) uint32 {
	if base, ok := d[typ]; ok {
		return base.oid
	}
	return typ
}

// find describes tables by the names of the configuration, in the same order; all user tables when there is no name. A name
// that is not there is a *problem.Problem.
func (c *session) find(ctx context.Context, names []string) ([]*catalogTable, error) {
	bases, err := c.domains(ctx)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return c.describe(ctx, nil, bases)
	}
	rows, err := c.query(ctx, `SELECT c.oid, n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')`)
	if err != nil {
		return nil, fmt.Errorf("read table names: %w", err)
	}
	known := make(map[string]uint32, len(rows))
	ambiguous := map[string]bool{}
	for _, f := range rows {
		name := string(f[1])
		if _, ok := known[name]; ok {
			ambiguous[name] = true
		}
		known[name] = number(f[0])
	}
	oids := make([]uint32, len(names))
	for i, name := range names {
		oid, ok := known[name]
		if !ok {
			return nil, unknownTable(c.server.name, name, known)
		}
		if ambiguous[name] {
			return nil, &problem.Problem{Code: "source.ambiguous-table", Where: c.server.name, What: problem.Say("more than one table is named %s, in schemas whose names hold a dot", name), Fix: problem.Say("rename one of the schemas or tables")}
		}
		oids[i] = oid
	}
	tables, err := c.describe(ctx, oids, bases)
	if err != nil {
		return nil, err
	}
	byOID := make(map[uint32]*catalogTable, len(tables))
	for _, t := range tables {
		byOID[t.oid] = t
	}
	out := make([]*catalogTable, len(names))
	for i, oid := range oids {
		if out[i] = byOID[oid]; out[i] == nil {
			return nil, unknownTable(c.server.name, names[i], nil) //nolint:gosec // oids has one for each name; this one was dropped meanwhile
		}
	}
	return out, nil
}

func unknownTable(where, name string, known map[string]uint32) *problem.Problem {
	type candidate struct {
		name     string
		distance int
	}
	var similar []candidate
	for k := range known {
		if strings.HasPrefix(k, "pg_") || strings.HasPrefix(k, "information_schema.") {
			continue
		}
		d := problem.Distance(strings.ToLower(k), strings.ToLower(name))
		if _, bare, _ := strings.Cut(k, "."); bare == name {
			d = 0
		}
		if d <= max(2, len(name)/4) {
			similar = append(similar, candidate{k, d})
		}
	}
	slices.SortFunc(similar, func(a, b candidate) int {
		if a.distance != b.distance {
			return a.distance - b.distance
		}
		return strings.Compare(a.name, b.name)
	})
	fix := problem.Say("name a table as schema.table; truc discover lists them")
	if len(similar) > 0 {
		names := make([]string, 0, 3)
		for _, s := range similar[:min(3, len(similar))] {
			names = append(names, s.name)
		}
		fix = problem.Say("did you mean %s?", strings.Join(names, ", "))
	}
	return &problem.Problem{Code: "source.unknown-table", Where: where, What: problem.Say("there is no table %s", name), Fix: fix}
}

// Describe implements adapters.Describer on a connection of its own.
func (s *source) Describe(ctx context.Context, tables ...string) ([]adapters.TableInfo, error) {
	c, err := s.server.sql(ctx)
	if err != nil {
		return nil, err
	}
	defer c.close()
	found, err := c.find(ctx, tables)
	if err != nil {
		return nil, err
	}
	relations, err := c.relations(ctx)
	if err != nil {
		return nil, err
	}
	infos := make([]adapters.TableInfo, len(found))
	for i, t := range found {
		if !t.isTable() {
			return nil, &problem.Problem{Code: "postgres.not-a-table", Where: c.server.name, What: problem.Say("%s is a view or a foreign table: it has no changes of its own", t.table), Fix: problem.Say("name the table behind it")}
		}
		infos[i] = adapters.TableInfo{Table: t.table, Rows: t.rows, IdentityFix: t.fullIdentity(), Relations: relations[t.oid]}
	}
	return infos, nil
}

// isTable reports whether changes of it are in the log.
func (t *catalogTable) isTable() bool { return t.kind == 'r' || t.kind == 'p' }

// relations reads the foreign keys of all tables, by the OID of the table that has them.
func (c *session) relations(ctx context.Context) (map[uint32][]adapters.Relation, error) {
	rows, err := c.query(ctx, `
SELECT k.oid, k.conrelid, n.nspname || '.' || r.relname, a.attname, b.attname
  FROM pg_constraint k
  JOIN pg_class r ON r.oid = k.confrelid
  JOIN pg_namespace n ON n.oid = r.relnamespace
  JOIN LATERAL unnest(k.conkey, k.confkey) WITH ORDINALITY AS u(own, other, place) ON true
  JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.own
  JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = u.other
 WHERE k.contype = 'f' AND k.conparentid = 0
 ORDER BY k.conrelid, k.conname, u.place`)
	if err != nil {
		return nil, fmt.Errorf("read foreign keys: %w", err)
	}
	found := map[uint32][]adapters.Relation{}
	var last uint32
	for _, f := range rows {
		constraint, table := number(f[0]), number(f[1])
		if constraint != last {
			found[table] = append(found[table], adapters.Relation{Table: string(f[2])})
			last = constraint
		}
		r := &found[table][len(found[table])-1]
		r.Columns = append(r.Columns, string(f[3]))
		r.References = append(r.References, string(f[4]))
	}
	return found, nil
}

// quote writes an identifier as SQL.
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func quoteTable(t *record.Table) string { return quote(t.Schema) + "." + quote(t.Name) }

func number(b []byte) uint32 {
	n, _ := parseInt(b)
	return uint32(n)
}

func int64Of(b []byte) int64 {
	n, _ := parseInt(b)
	return n
}

func isTrue(b []byte) bool { return len(b) == 1 && b[0] == 't' }
