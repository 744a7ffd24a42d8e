package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/problem"
)

// Check implements adapters.Checker on a connection of its own.
func (s *source) Check(ctx context.Context, names []string) (problem.List, error) {
	c, err := s.server.sql(ctx)
	if err != nil {
		return nil, err
	}
	defer c.close()
	if err := s.checkServer(ctx, c); err != nil {
		if r, ok := errors.AsType[*adapters.RefusedError](err); ok {
			return problem.List{{Code: "postgres.server", Where: r.Where, What: r.What, Fix: r.Fix}}, nil
		}
		return nil, err
	}
	var list problem.List
	var tables []*catalogTable
	for _, name := range names { // one by one, so that every unknown name is told
		found, err := c.find(ctx, []string{name})
		if p, ok := errors.AsType[*problem.Problem](err); ok {
			list = append(list, *p)
			continue
		}
		if err != nil {
			return nil, err
		}
		tables = append(tables, found...)
	}
	if slot, err := c.findSlot(ctx, s.slot); err != nil {
		return nil, err
	} else if slot != nil && !slot.lost.Empty() {
		list = append(list, problem.Problem{Code: adapters.GapCode, Where: s.server.name, What: slot.lost, Fix: problem.Say("truc resnapshot %s", s.name)})
	}
	found, err := s.preflight(ctx, c, tables)
	return append(list, found...), err
}

// settingsSQL is what the server allows, and what our role may do there.
const settingsSQL = `
SELECT current_setting('wal_level'),
       current_setting('max_replication_slots')::int8 - (SELECT count(*) FROM pg_replication_slots),
       current_setting('max_wal_senders')::int8 - (SELECT count(*) FROM pg_stat_replication),
       (SELECT setting::int8 FROM pg_settings WHERE name = 'max_slot_wal_keep_size'),
       CASE WHEN nullif(current_setting('idle_replication_slot_timeout', true), '0')::interval < interval '10 days'
            THEN current_setting('idle_replication_slot_timeout', true) END,
       current_user, rolreplication OR rolsuper,
       has_database_privilege(current_database(), 'CREATE'), quote_ident(current_database())
  FROM pg_roles WHERE rolname = current_user`

// preflight finds what is missing on the server for the tables. Open refuses on its first finding that is not a warning.
func (s *source) preflight(ctx context.Context, c *session, tables []*catalogTable) (problem.List, error) {
	row, err := c.row(ctx, settingsSQL)
	if err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	slot, err := c.findSlot(ctx, s.slot)
	if err != nil {
		return nil, err
	}
	role := quote(string(row[5]))
	f := findings{where: s.server.name}
	if level := string(row[0]); level != "logical" {
		f.add("wal-level", problem.Say("wal_level is %s, the log does not carry rows", level), problem.Say("ALTER SYSTEM SET wal_level = 'logical'; then restart the server"))
	}
	if slot == nil && int64Of(row[1]) <= 0 {
		f.add("slots", problem.Say("all replication slots are taken"), problem.Say("ALTER SYSTEM SET max_replication_slots = 20; then restart the server (or drop a slot nobody reads: SELECT slot_name, active FROM pg_replication_slots)"))
	}
	if (slot == nil || !slot.active) && int64Of(row[2]) <= 0 {
		f.add("wal-senders", problem.Say("all connections for replication are taken"), problem.Say("ALTER SYSTEM SET max_wal_senders = 20; then restart the server"))
	}
	if !isTrue(row[6]) {
		r := s.server.mayNotReplicate()
		f.add("replication-privilege", r.What, r.Fix)
	}
	switch keep := int64Of(row[3]); {
	case keep < 0:
		f.warn("slot-wal-keep", problem.Say("nothing bounds the log the server keeps for a slot: a source that is not read fills the disk"), problem.Say("ALTER SYSTEM SET max_slot_wal_keep_size = '50GB' (what the disk can spare); then SELECT pg_reload_conf()"))
	case keep < 1024:
		f.warn("slot-wal-keep", problem.Say("the server keeps only %d MB of log for a slot: a short outage of the reader loses it, and every table is read again", keep), problem.Say("ALTER SYSTEM SET max_slot_wal_keep_size = '50GB' (what the disk can spare); then SELECT pg_reload_conf()"))
	}
	if timeout := string(row[4]); timeout != "" { // the longest public holidays last nine days
		f.warn("idle-slot-timeout", problem.Say("the server gives up a slot that nobody has read for %s: a node that is stopped for longer loses changes", timeout), problem.Say("ALTER SYSTEM SET idle_replication_slot_timeout = 0, or 10 days and more (max_slot_wal_keep_size bounds the disk); then SELECT pg_reload_conf()"))
	}
	if err := s.checkStandbys(ctx, c, &f); err != nil {
		return nil, err
	}
	publication, err := c.findPublication(ctx, s.published)
	if err != nil {
		return nil, err
	}
	for _, t := range tables {
		f.table(t, role)
	}
	f.publication(s.published, publication, tables, isTrue(row[7]), role, string(row[8]))
	return f.list, nil
}

// findings collects problems of one server.
type findings struct {
	where string
	list  problem.List
}

func (f *findings) add(code string, what, fix problem.Text) {
	f.list = append(f.list, problem.Problem{Code: "postgres." + code, Where: f.where, What: what, Fix: fix})
}

func (f *findings) warn(code string, what, fix problem.Text) {
	f.add(code, what, fix)
	f.list[len(f.list)-1].Warning = true
}

func (f *findings) table(t *catalogTable, role string) {
	name, quoted := t.table.String(), quoteTable(t.table)
	switch {
	case !t.isTable():
		f.add("not-a-table", problem.Say("%s is a view or a foreign table: it has no changes of its own", name), problem.Say("name the table behind it"))
		return
	case t.persistence != 'p':
		f.add("unlogged", problem.Say("table %s is temporary or unlogged: its changes are not in the log", name), problem.Say("ALTER TABLE %s SET LOGGED", quoted))
		return
	case t.partition:
		f.add("partition", problem.Say("table %s is a partition: its changes are published under the name of the partitioned table", name), problem.Say("name the partitioned table"))
		return
	}
	if len(t.table.Key) == 0 {
		r := noKey(t)
		f.add("no-key", r.What, r.Fix)
	} else if t.identity == 'n' || t.identity == 'd' && len(t.table.Identity) == 0 {
		f.add("replica-identity", problem.Say("table %s has REPLICA IDENTITY NOTHING: the log does not say which row was updated or deleted", name), problem.Say("ALTER TABLE %s REPLICA IDENTITY DEFAULT", quoted))
	}
	if len(t.strange) > 0 {
		r := strangePartitions(t)
		f.add("partition-identity", r.What, r.Fix)
	}
	if !t.canSelect {
		f.add("select-privilege", problem.Say("role %s may not read table %s", role, name), problem.Say("GRANT USAGE ON SCHEMA %s TO %s; GRANT SELECT ON %s TO %s", quote(t.table.Schema), role, quoted, role))
	}
	if t.filtered {
		f.add("row-security", problem.Say("row-level security hides rows of table %s from role %s, which the log does not", name, role), problem.Say("ALTER ROLE %s BYPASSRLS", role))
	}
}

// noKey refuses a table whose rows cannot be told apart.
func noKey(t *catalogTable) *adapters.RefusedError {
	quoted := quoteTable(t.table)
	what := problem.Say("table %s has neither a primary key nor a REPLICA IDENTITY index: its rows cannot be told apart", t.table)
	fix := problem.Verbatim("ALTER TABLE " + quoted + " ADD PRIMARY KEY (…)")
	switch {
	case t.generated:
		what = problem.Say("table %s has a generated column in its key, which is not in the log: its rows cannot be told apart", t.table)
		fix = problem.Say("make the key of ordinary columns, or: ALTER TABLE %s REPLICA IDENTITY USING INDEX … (a unique index on ordinary columns that are NOT NULL)", quoted)
	case t.deferrable:
		what = problem.Say("table %s has a DEFERRABLE primary key, which PostgreSQL does not take to tell rows apart in the log", t.table)
		fix = problem.Say("drop the primary key and add it again without DEFERRABLE")
	}
	if t.candidate != "" {
		fix = problem.Verbatim("ALTER TABLE " + quoted + " REPLICA IDENTITY USING INDEX " + t.candidate)
	}
	return &adapters.RefusedError{Where: "table " + t.table.String(), What: what, Fix: fix}
}

// strangePartitions refuses a partitioned table with partitions of another replica identity. The log says what the old
// row carries by the table's identity and fills it by the partition's: columns that are not there read as null.
func strangePartitions(t *catalogTable) *adapters.RefusedError {
	identity := "FULL" // agrees with any
	if t.identity == 'd' {
		identity = "DEFAULT"
	}
	var fix []string
	for _, name := range t.strange {
		fix = append(fix, "ALTER TABLE "+name+" REPLICA IDENTITY "+identity)
	}
	return &adapters.RefusedError{
		Where: "table " + t.table.String(),
		What:  problem.Say("%d partitions of table %s have another REPLICA IDENTITY than it: the log does not carry its key with their updates and deletes", len(t.strange), t.table),
		Fix:   problem.Verbatim(strings.Join(fix, "; ")),
	}
}

// publication is a publication as the catalog has it.
type publication struct {
	all, owner bool
	// version changes with every ALTER PUBLICATION of its options or owner.
	version string
	// tables are those published whole, with the OID of the membership; filtered those whose rows or columns are not.
	tables   map[uint32]uint32
	filtered map[uint32]bool
	// flaws are what makes it publish less than everything.
	flaws []string
}

func (c *session) findPublication(ctx context.Context, name string) (*publication, error) {
	rows, err := c.query(ctx, "SELECT oid, puballtables, pg_has_role(pubowner, 'USAGE'), pubinsert AND pubupdate AND pubdelete AND pubtruncate, pubviaroot, xmin, coalesce(to_jsonb(p)->>'pubgencols', 'n') FROM pg_publication p WHERE pubname = $1", []byte(name))
	if err != nil {
		return nil, fmt.Errorf("read publication: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	f := rows[0]
	p := &publication{all: isTrue(f[1]), owner: isTrue(f[2]), version: string(f[0]) + "." + string(f[5]), tables: map[uint32]uint32{}, filtered: map[uint32]bool{}}
	if !isTrue(f[3]) {
		p.flaws = append(p.flaws, "publish = 'insert, update, delete, truncate'")
	}
	if !isTrue(f[4]) {
		p.flaws = append(p.flaws, "publish_via_partition_root = true")
	}
	if string(f[6]) != "n" { // from PostgreSQL 18 on; a snapshot does not read them
		p.flaws = append(p.flaws, "publish_generated_columns = none")
	}
	members, err := c.query(ctx, `SELECT prrelid, oid, prqual IS NOT NULL OR prattrs IS NOT NULL FROM pg_publication_rel WHERE prpubid = $1
UNION ALL SELECT c.oid, n.oid, false FROM pg_publication_namespace n JOIN pg_class c ON c.relnamespace = n.pnnspid WHERE n.pnpubid = $1`, f[0])
	if err != nil {
		return nil, fmt.Errorf("read publication: %w", err)
	}
	for _, m := range members {
		if isTrue(m[2]) {
			p.filtered[number(m[0])] = true
		} else if _, ok := p.tables[number(m[0])]; !ok {
			p.tables[number(m[0])] = number(m[1])
		}
	}
	return p, nil
}

// missing are the tables that the publication, which may not exist, does not publish whole.
func (p *publication) missing(tables []*catalogTable) []*catalogTable {
	if p != nil && p.all {
		return nil
	}
	var out []*catalogTable
	for _, t := range tables {
		if p != nil {
			if _, ok := p.tables[t.oid]; ok {
				continue
			}
		}
		out = append(out, t)
	}
	return out
}

func createPublication(name string, tables []*catalogTable) string {
	sql := "CREATE PUBLICATION " + quote(name)
	if len(tables) > 0 {
		sql += " FOR TABLE " + tableList(tables)
	}
	return sql + " WITH (publish_via_partition_root = true)"
}

func extendPublication(name string, tables []*catalogTable) string {
	return "ALTER PUBLICATION " + quote(name) + " ADD TABLE " + tableList(tables)
}

func tableList(tables []*catalogTable) string {
	names := make([]string, len(tables))
	for i, t := range tables {
		names[i] = t.from()
	}
	return strings.Join(names, ", ")
}

// publication checks that it is there, or that the role may make it so.
func (f *findings) publication(name string, p *publication, tables []*catalogTable, mayCreate bool, role, database string) {
	if p != nil && len(p.flaws) > 0 {
		f.add("publication-options", problem.Say("publication %s does not publish every change under its table's name, or generated columns besides", name), problem.Say("ALTER PUBLICATION %s SET (%s)", quote(name), strings.Join(p.flaws, ", ")))
	}
	missing := p.missing(tables)
	if len(missing) == 0 && p != nil {
		return
	}
	if p != nil {
		// Somebody wanted it so: it is not for truc to publish more of the table.
		filtered := false
		for _, t := range missing {
			if p.filtered[t.oid] {
				filtered = true
				f.add("publication-filter", problem.Say("publication %s filters rows or columns of table %s: what it hides would be missing, or stay for ever", name, t.table.String()),
					problem.Say("ALTER PUBLICATION %s DROP TABLE %s; %s", quote(name), t.from(), extendPublication(name, []*catalogTable{t})))
			}
		}
		if filtered {
			return
		}
	}
	owner := true
	for _, t := range missing {
		owner = owner && t.owner
	}
	switch {
	case p == nil && mayCreate && owner, p != nil && p.owner && owner:
		return
	case p == nil && owner:
		f.add("publication", problem.Say("publication %s does not exist, and role %s may not create it", name, role), problem.Say("GRANT CREATE ON DATABASE %s TO %s", database, role))
	case p == nil:
		f.add("publication", problem.Say("publication %s does not exist, and role %s does not own the tables", name, role), problem.Say("as their owner: %s", createPublication(name, tables)))
	default:
		f.add("publication", problem.Say("publication %s lacks %d of the tables, and role %s does not own it and them", name, len(missing), role), problem.Say("as their owner: %s", extendPublication(name, missing)))
	}
}
