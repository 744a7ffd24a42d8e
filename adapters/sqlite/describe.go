package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
)

// maxColumns of a captured table: truc_change holds each twice, and SQLite allows 2000.
const maxColumns = 990

// briefly opens the file for one question, beside a running reader or before any.
func (s *Source) briefly(ctx context.Context, ask func(*database) error) error {
	return briefly(ctx, s.config, ask)
}

func briefly(ctx context.Context, c *Config, ask func(*database) error) error {
	db, err := open(ctx, c)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := ask(db); err != nil {
		return db.explain(ctx, "ask", err)
	}
	return nil
}

// Describe implements adapters.Describer.
func (s *Source) Describe(ctx context.Context, names ...string) ([]adapters.TableInfo, error) {
	return describe(ctx, s.config, names, true)
}

// Describe implements adapters.SinkDescriber.
func (s *Sink) Describe(ctx context.Context, names ...string) ([]adapters.TableInfo, error) {
	return describe(ctx, s.config, names, false)
}

func describe(ctx context.Context, c *Config, names []string, captured bool) ([]adapters.TableInfo, error) {
	var infos []adapters.TableInfo
	err := briefly(ctx, c, func(db *database) error {
		known, err := tableNames(ctx, db)
		if err != nil {
			return err
		}
		if len(names) == 0 {
			names = known
		}
		for _, name := range names {
			t, err := readTable(ctx, db, name)
			if err != nil {
				return err
			}
			if t == nil {
				p := unknownTable("source", db.where, name, known)
				view, err := isView(ctx, db, name)
				if err != nil {
					return err
				}
				if view && captured {
					p = notATable(db.where, name)
				}
				return &p
			}
			info := adapters.TableInfo{Table: &t.Table}
			if err := db.QueryRowContext(ctx, "SELECT count(*) FROM "+quote(name)).Scan(&info.Rows); err != nil {
				return err
			}
			if info.Relations, err = relations(ctx, db, t); err != nil {
				return err
			}
			infos = append(infos, info)
		}
		return nil
	})
	return infos, err
}

// relations reads the foreign keys of a table. One that names no columns means the other table's primary key.
func relations(ctx context.Context, q querier, t *table) ([]adapters.Relation, error) {
	var found []adapters.Relation
	last := -1
	err := each(ctx, q, func(r *sql.Rows) error {
		var id int
		var other, from string
		var to sql.NullString
		if err := r.Scan(&id, &other, &from, &to); err != nil {
			return err
		}
		if id != last {
			found = append(found, adapters.Relation{Table: other})
			last = id
		}
		f := &found[len(found)-1]
		f.Columns = append(f.Columns, from)
		if to.Valid {
			f.References = append(f.References, to.String)
		}
		return nil
	}, `SELECT id, "table", "from", "to" FROM pragma_foreign_key_list(?) ORDER BY id, seq`, t.Name)
	if err != nil {
		return nil, fmt.Errorf("describe foreign keys of %s: %w", t.Name, err)
	}
	for i := range found {
		if len(found[i].References) > 0 {
			continue
		}
		other, err := readTable(ctx, q, found[i].Table)
		if err != nil {
			return nil, err
		}
		for _, k := range keyColumns(other) {
			found[i].References = append(found[i].References, other.Columns[k].Name)
		}
	}
	return found, nil
}

// keyColumns is the key of a table that may not be there: SQLite lets a foreign key name what does not exist.
func keyColumns(t *table) []int {
	if t == nil {
		return nil
	}
	return t.Key
}

func isView(ctx context.Context, q querier, name string) (bool, error) {
	n := 0
	err := q.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema WHERE type = 'view' AND name = ? COLLATE NOCASE`, name).Scan(&n)
	return n > 0, err
}

// notATable says that a view has rows, and no changes that could be captured.
func notATable(where, name string) problem.Problem {
	return problem.Problem{Code: "source.not-a-table", Where: where, What: problem.Say("%s is a view: it has no changes of its own, and cannot be captured", name), Fix: problem.Say("name the table behind it")}
}

func unknownTable(side, where, name string, known []string) problem.Problem {
	return problem.Problem{Code: side + ".unknown-table", Where: where, What: problem.Say("there is no table %s", name), Fix: suggest(problem.Say("table"), name, known)}
}

// suggest names what resembles a name, or all there is when that is little.
func suggest(what problem.Text, name string, known []string) problem.Text {
	plain := func(s string) string { return strings.ReplaceAll(strings.ToLower(s), "_", "") }
	alike := slices.DeleteFunc(slices.Clone(known), func(k string) bool {
		a, b := plain(name), plain(k)
		return !strings.Contains(a, b) && !strings.Contains(b, a) && a[:min(4, len(a))] != b[:min(4, len(b))]
	})
	if len(alike) == 0 && len(known) <= 10 {
		alike = known
	}
	if len(alike) == 0 {
		return problem.Say("correct the name of the %s", what)
	}
	return problem.Say("write one of: %s", strings.Join(alike, ", "))
}

// tables reads the tables to be captured and refuses those that cannot be.
func (s *Source) tables(ctx context.Context, q querier, names []string) ([]*table, error) {
	where := "sqlite " + s.config.Path
	var tables []*table
	for _, name := range names {
		t, found, err := inspect(ctx, q, where, name)
		if err != nil {
			return nil, err
		}
		for _, p := range found {
			if !p.Warning {
				return nil, &adapters.RefusedError{Where: where, What: p.What, Fix: p.Fix}
			}
		}
		tables = append(tables, t)
	}
	return tables, nil
}

// Check implements adapters.Checker.
func (s *Source) Check(ctx context.Context, names []string) (problem.List, error) {
	var found problem.List
	err := s.briefly(ctx, func(db *database) error {
		var tables []*table
		for _, name := range names {
			t, l, err := inspect(ctx, db, db.where, name)
			if err != nil {
				return err
			}
			found = append(found, l...)
			if l.Err() == nil {
				tables = append(tables, t)
			}
		}
		c, err := readCapturing(ctx, db, db.where)
		if err != nil {
			return err
		}
		if statements := c.plan(tables); len(statements) > 0 && s.config.Capture == captureManual {
			found = append(found, problem.Problem{
				Code: "source.not-captured", Where: db.where, What: problem.Say("the changes of its tables are not captured yet"),
				Fix: problem.Say("run these statements in one transaction:\n%s;", strings.Join(statements, ";\n")),
			})
		}
		return nil
	})
	return found, err
}

// inspect reads a table and says what stands against capturing it.
func inspect(ctx context.Context, q querier, where, name string) (*table, problem.List, error) {
	t, err := readTable(ctx, q, name)
	if err != nil {
		return nil, nil, err
	}
	var found problem.List
	add := func(code string, what, fix problem.Text, warning bool) {
		found = append(found, problem.Problem{Code: "source." + code, Where: where, What: what, Fix: fix, Warning: warning})
	}
	if t == nil {
		if view, err := isView(ctx, q, name); view || err != nil {
			return nil, problem.List{notATable(where, name)}, err
		}
		known, err := tableNames(ctx, q)
		return nil, problem.List{unknownTable("source", where, name, known)}, err
	}
	if len(t.Key) == 0 {
		add("no-key", problem.Say("table %s has no primary key, so a change cannot say which row it is about", name),
			problem.Say("create it anew with PRIMARY KEY: CREATE TABLE %s (…, PRIMARY KEY (…)); INSERT INTO %s SELECT * FROM %s; DROP TABLE %s; ALTER TABLE %s RENAME TO %s", quote(name+"_new"), quote(name+"_new"), quote(name), quote(name), quote(name+"_new"), quote(name)), false)
	}
	if len(t.Columns) > maxColumns {
		add("too-wide", problem.Say("table %s has %d columns, more than the %d that can be captured", name, len(t.Columns), maxColumns), problem.Say("share a narrower table"), false)
	}
	if t.expressions {
		add("expression-index", problem.Say("table %s has a unique index over an expression or a part of the table: a row that a REPLACE removes because of it is not seen", name),
			problem.Say("use no REPLACE on this table, or let the application set PRAGMA recursive_triggers = ON"), true)
	}
	written, err := writtenBySink(ctx, q, name)
	if err != nil {
		return nil, nil, err
	}
	if written {
		add("own-sink", problem.Say("table %s is filled by truc itself: sharing it would send back what was delivered", name), problem.Say("share a table of the agency's own"), false)
	}
	return t, found, nil
}

func writtenBySink(ctx context.Context, q querier, name string) (bool, error) {
	var there, written bool
	if err := q.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema WHERE name = 'truc_sink_entity'`).Scan(&there); err != nil || !there {
		return false, err
	}
	err := q.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM truc_sink_entity WHERE tbl = ?)`, name).Scan(&written)
	return written, err
}

// Scan implements adapters.Scanner.
func (s *Source) Scan(ctx context.Context, name string, fn func(*record.Table, []record.Row) error) error {
	return s.briefly(ctx, func(db *database) error {
		tables, err := s.tables(ctx, db, []string{name})
		if err != nil {
			return err
		}
		t := tables[0]
		for cursor, last := "", false; !last; {
			var rows []record.Row
			if rows, cursor, last, err = t.rowsAfter(ctx, db, cursor, batchRows); err != nil {
				return db.explain(ctx, "read "+name, err)
			}
			if len(rows) == 0 {
				return nil
			}
			if err := fn(&t.Table, rows); err != nil {
				return err
			}
		}
		return nil
	})
}

// CheckTargets implements adapters.SinkChecker.
func (s *Sink) CheckTargets(ctx context.Context, targets []*record.Target) (problem.List, error) {
	var found problem.List
	err := briefly(ctx, s.config, func(db *database) error {
		for _, target := range targets {
			l, err := checkTarget(ctx, db, db.where, target)
			if err != nil {
				return err
			}
			found = append(found, l...)
		}
		return nil
	})
	return found, err
}

func checkTarget(ctx context.Context, q querier, where string, target *record.Target) (problem.List, error) {
	t, err := readTable(ctx, q, target.Table)
	if err != nil {
		return nil, err
	}
	if t == nil {
		known, err := tableNames(ctx, q)
		return problem.List{unknownTable("sink", where, target.Table, known)}, err
	}
	var found problem.List
	add := func(code string, what, fix problem.Text) {
		found = append(found, problem.Problem{Code: "sink." + code, Where: where, What: what, Fix: fix})
	}
	named := map[string]bool{}
	for _, columns := range [][]string{target.Key, target.Columns, target.OnCreate, target.DeleteSet} {
		for _, name := range columns {
			if t.Index(name) < 0 && !named[name] {
				add("unknown-column", problem.Say("table %s has no column %s", target.Table, name), suggest(problem.Say("column"), name, t.columnNames()))
			}
			if t.generated[name] && !named[name] {
				add("generated-column", problem.Say("column %s of table %s is computed by the database and cannot be written", name, target.Table), problem.Say("take it out of the mapping"))
			}
			named[name] = true
		}
	}
	if target.Write != record.AppendOnly && !t.uniqueBy(target.Key) && len(found) == 0 {
		var columns []string
		for _, name := range target.Key {
			columns = append(columns, quote(name))
		}
		add("no-unique-key", problem.Say("nothing makes the key (%s) of table %s unique", strings.Join(target.Key, ", "), target.Table),
			problem.Say("CREATE UNIQUE INDEX %s ON %s (%s)", quote("truc_key_"+target.Table), quote(target.Table), strings.Join(columns, ", ")))
	}
	for i, c := range t.Columns {
		if target.Write != record.UpdateOnly && !c.Nullable && t.defaults[i] == "NULL" && !named[c.Name] && !t.generated[c.Name] && c.Name != t.rowid {
			add("missing-column", problem.Say("column %s of table %s must not be null and has no default, but the mapping does not name it", c.Name, target.Table), problem.Say("name it in columns: or on_create:"))
		}
	}
	var captured bool
	err = q.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'trigger' AND name = ?)`, triggerName(target.Table, "insert")).Scan(&captured)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, err
	}
	if captured {
		add("own-source", problem.Say("table %s is shared by a truc source: what is delivered into it would be sent back", target.Table), problem.Say("deliver into a table of its own; where no source reads this one any more, drop its triggers %s", triggerName(target.Table, "*")))
	}
	return found, nil
}

// uniqueBy reports whether a unique index covers exactly or fewer than the columns.
func (t *table) uniqueBy(columns []string) bool {
	return slices.ContainsFunc(t.unique, func(index []indexColumn) bool {
		return !slices.ContainsFunc(index, func(c indexColumn) bool { return !slices.Contains(columns, c.name) })
	})
}
