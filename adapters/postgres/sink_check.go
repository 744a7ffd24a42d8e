package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
)

// CheckTargets implements adapters.SinkChecker. A place is "<pipeline>: <table>".
func (s *sink) CheckTargets(ctx context.Context, targets []*record.Target) (problem.List, error) {
	var found problem.List
	err := s.once(ctx, func(c *sinkConn) error {
		state, err := c.checkState(ctx)
		if err != nil {
			return err
		}
		found = append(found, state...)
		role, err := c.checkRole(ctx)
		if err != nil {
			return err
		}
		found = append(found, role...)
		for _, target := range targets {
			where := target.Pipeline + ": " + target.Table
			t, err := c.describeSink(ctx, target.Table)
			if err != nil {
				return err
			}
			var list problem.List
			if t == nil {
				list, err = c.unknownTarget(ctx, target.Table)
			} else {
				list = t.check(target, c.server.config.User)
				if list.Err() == nil {
					var adoption problem.List
					adoption, err = c.checkAdoption(ctx, t, target)
					list = append(list, adoption...)
				}
			}
			if err != nil {
				return err
			}
			for i := range list {
				list[i].Where = where
			}
			found = append(found, list...)
		}
		return nil
	})
	return found, err
}

// checkState says whether the bookkeeping is there or can be made.
func (c *sinkConn) checkState(ctx context.Context) (problem.List, error) {
	f, err := c.askRow(ctx, `SELECT
		CASE WHEN n.oid IS NULL THEN has_database_privilege(current_database(), 'CREATE')
		     WHEN EXISTS (SELECT 1 FROM pg_class c WHERE c.relnamespace = n.oid AND c.relname = 'sink_entity') THEN has_schema_privilege(n.oid, 'USAGE')
		     ELSE has_schema_privilege(n.oid, 'USAGE, CREATE') AND has_schema_privilege(n.oid, 'CREATE') END
		FROM (SELECT 1) x LEFT JOIN pg_namespace n ON n.nspname = $1`, []byte(c.sink.schema))
	if err != nil || isTrue(f[0]) {
		return nil, err
	}
	refused, ok := errors.AsType[*adapters.RefusedError](c.refuseState(ctx))
	if !ok {
		return nil, nil
	}
	return problem.List{{Code: "sink.bookkeeping", Where: c.sink.name, What: refused.What, Fix: refused.Fix}}, nil
}

// checkRole warns of a setting, of the role or the database, that takes the agency's own rules out of force.
func (c *sinkConn) checkRole(ctx context.Context) (problem.List, error) {
	f, err := c.askRow(ctx, "SELECT current_setting('session_replication_role')")
	if err != nil || string(f[0]) != "replica" {
		return nil, err
	}
	user := c.server.config.User
	return problem.List{{
		Code: "sink.replica-role", Where: c.sink.name, Warning: true,
		What: problem.Say("user %s works with session_replication_role = replica: foreign keys are not checked and triggers do not run for what is delivered", user),
		Fix:  problem.Say("ALTER ROLE %s RESET session_replication_role, or the same for the database", quote(user)),
	}}, nil
}

func (c *sinkConn) unknownTarget(ctx context.Context, name string) (problem.List, error) {
	rows, err := c.ask(ctx, "SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'f')")
	if err != nil {
		return nil, err
	}
	known := make(map[string]uint32, len(rows))
	for _, f := range rows {
		known[string(f[0])] = 0
	}
	p := unknownTable("", name, known)
	p.Code = "sink.unknown-table"
	return problem.List{*p}, nil
}

// check compares a target with its table. Places are left to the caller.
func (t *sinkTable) check(target *record.Target, user string) problem.List {
	var found problem.List
	add := func(code string, fix, what problem.Text) {
		found = append(found, problem.Problem{Code: "sink." + code, What: what, Fix: fix})
	}
	known := true
	named := map[string]bool{}
	for _, role := range [][]string{target.Key, target.Columns, target.OnCreate, target.DeleteSet} {
		for _, name := range role {
			column := t.column(name)
			if named[name] {
				continue // on_delete may set what an upsert sets
			}
			named[name] = true
			switch {
			case column == nil:
				known = false
				add("unknown-column", problem.Say("correct the mapping%s, or add the column", t.resembling(name)), problem.Say("table %s has no column %s", t, name))
			case column.generated:
				add("generated-column", problem.Say("take it out of the mapping"), problem.Say("column %s of %s is computed by the database and cannot be written", name, t))
			case column.identity == 'a' && !slices.Contains(target.Key, name):
				add("identity-column", problem.Say("take it out of the mapping"), problem.Say("column %s of %s is numbered by the database and cannot be updated", name, t))
			}
		}
	}
	if known && target.Write == record.Upsert && t.keyIndex(target.Key) == nil {
		add("no-unique-key", problem.Verbatim(t.uniqueIndexSQL(target.Key)), problem.Say("no unique index of %s is over exactly the key columns %s: truc could not find its rows, nor could the database keep them unique", t, strings.Join(target.Key, ", ")))
	}
	for i := range t.columns {
		column := &t.columns[i]
		written := slices.Contains(target.Key, column.name) || slices.Contains(target.Columns, column.name) || slices.Contains(target.OnCreate, column.name)
		if column.required && !written && target.Write != record.UpdateOnly {
			found = append(found, problem.Problem{
				Code: "sink.unfilled-column", Warning: target.Write == record.Upsert,
				What: problem.Say("column %s of %s must not be null, has no default, and no part of the mapping fills it: every insert will be rejected", column.name, t),
				Fix:  problem.Say("give it a value in columns or on_create, or a default in the table"),
			})
		}
	}
	if impossible := t.impossible(target); len(impossible) > 0 {
		add("not-writable", problem.Say("deliver into a table, or give the view an INSTEAD OF trigger for it"), problem.Say("%s is a view that takes no %s", t, strings.Join(impossible, ", ")))
	}
	if missing := t.missingPrivileges(target); len(missing) > 0 {
		fix := fmt.Sprintf("GRANT %s ON %s TO %s", strings.Join(missing, ", "), t.sql(), quote(user))
		if !t.mayUse {
			fix = fmt.Sprintf("GRANT USAGE ON SCHEMA %s TO %s; %s", quote(t.schema), quote(user), fix)
		}
		add("privilege", problem.Verbatim(fix), problem.Say("user %s lacks privileges on %s: %s", user, t, strings.Join(missing, ", ")))
	}
	return found
}

// impossible lists the statements that a target needs and a view cannot take.
func (t *sinkTable) impossible(target *record.Target) []string {
	return needed(target, true, t.updatable, t.deletable, t.insertable)
}

func (t *sinkTable) missingPrivileges(target *record.Target) []string {
	return needed(target, t.mayUse && t.maySelect, t.mayUse && t.mayUpdate, t.mayUse && t.mayDelete, t.mayUse && t.mayInsert)
}

// needed lists the statements of a target that are not to be had.
func needed(target *record.Target, mayRead, update, remove, insert bool) []string {
	var missing []string
	need := func(has bool, name string) {
		if !has {
			missing = append(missing, name)
		}
	}
	if target.Write != record.AppendOnly {
		need(mayRead, "SELECT")
		need(update || len(target.Columns)+len(target.DeleteSet) == 0, "UPDATE")
		if target.OnDelete == record.DeleteRow {
			need(remove, "DELETE")
		}
	}
	if target.Write != record.UpdateOnly {
		need(insert, "INSERT")
	}
	return missing
}

// resembling offers the column that was probably meant.
func (t *sinkTable) resembling(name string) string {
	best, distance := "", max(2, len(name)/4)+1
	for i := range t.columns {
		if d := problem.Distance(strings.ToLower(t.columns[i].name), strings.ToLower(name)); d < distance {
			best, distance = t.columns[i].name, d
		}
	}
	if best == "" {
		return ""
	}
	return " (did you mean " + best + "?)"
}

// countedRows is how far rows are counted before an estimate is good enough.
const countedRows = 100_000

// checkAdoption warns of rows that truc did not write: those whose key an event brings will be overwritten.
func (c *sinkConn) checkAdoption(ctx context.Context, t *sinkTable, target *record.Target) (problem.List, error) {
	if target.Write == record.AppendOnly || !t.maySelect {
		return nil, nil
	}
	f, err := c.askRow(ctx, fmt.Sprintf("SELECT count(*) FROM (SELECT 1 FROM %s LIMIT %d) x", t.sql(), countedRows+1))
	if err != nil {
		return nil, err
	}
	total, about := int64Of(f[0]), ""
	if total > countedRows {
		total, about = max(total, t.rows), "about "
	}
	known := int64(0)
	f, err = c.askRow(ctx, "SELECT to_regclass(format('%I.sink_entity', $1::text)) IS NOT NULL", []byte(c.sink.schema))
	if err != nil {
		return nil, err
	}
	if isTrue(f[0]) {
		schema := quote(c.sink.schema)
		f, err = c.askRow(ctx, fmt.Sprintf("SELECT count(*) FROM %[1]s.sink_entity e JOIN %[1]s.sink_name n ON n.id = e.target WHERE n.name = $1 AND NOT e.deleted", schema), []byte(t.String()))
		if err != nil {
			return nil, err
		}
		known = int64Of(f[0])
	}
	if total <= known {
		return nil, nil
	}
	return problem.List{{
		Code: "sink.adopts-rows", Warning: true,
		What: problem.Say("%s holds %s%d rows that truc did not write; where an event brings the key of one, its columns %s are overwritten and a deletion applies to it", t, about, total-known, strings.Join(target.Columns, ", ")),
		Fix:  problem.Say("make sure that the key columns mean the same there, and keep a copy of the table"),
	}}, nil
}

// Describe implements adapters.SinkDescriber.
func (s *sink) Describe(ctx context.Context, tables ...string) ([]adapters.TableInfo, error) {
	c, err := s.server.sql(ctx)
	if err != nil {
		return nil, err
	}
	defer c.close()
	found, err := c.find(ctx, tables)
	if err != nil {
		if p, ok := errors.AsType[*problem.Problem](err); ok {
			p.Code = "sink.unknown-table"
		}
		return nil, err
	}
	infos := make([]adapters.TableInfo, len(found))
	for i, t := range found {
		infos[i] = adapters.TableInfo{Table: t.table, Rows: t.rows}
	}
	return infos, nil
}
