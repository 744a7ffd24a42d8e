package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lienthong/truc/record"
)

// table is what SQLite says about one table. Its texts come from the schema as they stand there.
type table struct {
	record.Table
	// unique lists the columns of every unique index that a REPLACE may collide with, the key included.
	unique [][]indexColumn
	// expressions: there are unique indexes over expressions or parts of the table, whose collisions cannot be foreseen.
	expressions bool
	// rowid names the column that is an alias of the row number; it is never null, and not known before an insert.
	rowid string
	// conflicts: its schema may say what an insert does on a conflict (ON CONFLICT REPLACE, IGNORE, ...).
	conflicts bool
	// generated are the columns that SQLite computes and nobody writes.
	generated map[string]bool
	// defaults are the default expressions by column, "NULL" where there is none.
	defaults []string
}

type indexColumn struct{ name, collation string }

// querier is what can be asked: the database, one of its connections, a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// errEnough ends each before the last row.
var errEnough = errors.New("enough")

// each calls fn for every row of a query, until it returns errEnough; fn scans the row.
func each(ctx context.Context, q querier, fn func(*sql.Rows) error, query string, args ...any) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := fn(rows); errors.Is(err, errEnough) {
			return nil
		} else if err != nil {
			return err
		}
	}
	return rows.Err()
}

// tableNames lists the tables that are not SQLite's and not truc's.
func tableNames(ctx context.Context, q querier) ([]string, error) {
	var names []string
	err := each(ctx, q, func(r *sql.Rows) error {
		var name string
		err := r.Scan(&name)
		if !strings.HasPrefix(name, "truc_") {
			names = append(names, name)
		}
		return err
	}, `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY name`)
	return names, err
}

// readTable describes a table; nil when there is none of this name.
func readTable(ctx context.Context, q querier, name string) (*table, error) {
	t := &table{Table: record.Table{Name: name, Version: 1}, generated: map[string]bool{}}
	var kind string
	var withoutRowid, strict bool
	err := q.QueryRowContext(ctx, `SELECT type, wr, strict, coalesce((SELECT sql FROM sqlite_schema s WHERE s.name = l.name AND s.type = l.type) LIKE '%on%conflict%', 0)
		FROM pragma_table_list l WHERE schema = 'main' AND name = ?`, name).Scan(&kind, &withoutRowid, &strict, &t.conflicts)
	if errors.Is(err, sql.ErrNoRows) || err == nil && kind != "table" {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("describe %s: %w", name, err)
	}
	keyPlaces := map[int]int{} // place in the key, from 1 → column
	err = each(ctx, q, func(r *sql.Rows) error {
		var c record.Column
		var notNull bool
		var place, hidden int
		var standard sql.NullString
		if err := r.Scan(&c.Name, &c.Type, &notNull, &place, &standard, &hidden); err != nil {
			return err
		}
		t.generated[c.Name] = hidden == 2 || hidden == 3
		c.Kind = record.AnyKind
		if strict {
			c.Kind = strictKind(c.Type)
		}
		c.Nullable = !notNull && !(place > 0 && withoutRowid)
		if place > 0 {
			keyPlaces[place] = len(t.Columns)
		}
		if !standard.Valid {
			standard.String = "NULL"
		}
		t.defaults = append(t.defaults, standard.String)
		t.Columns = append(t.Columns, c)
		return nil
	}, `SELECT name, type, "notnull", pk, dflt_value, hidden FROM pragma_table_xinfo(?) WHERE hidden <> 1 ORDER BY cid`, name)
	if err != nil {
		return nil, fmt.Errorf("describe columns of %s: %w", name, err)
	}
	for place := 1; place <= len(keyPlaces); place++ {
		t.Key = append(t.Key, keyPlaces[place])
	}
	if len(t.Key) == 1 && !withoutRowid && strings.EqualFold(t.Columns[t.Key[0]].Type, "INTEGER") {
		t.rowid = t.Columns[t.Key[0]].Name
		t.Columns[t.Key[0]].Nullable = false
		t.unique = append(t.unique, []indexColumn{{name: t.rowid, collation: "BINARY"}})
	}
	return t, t.readIndexes(ctx, q)
}

func (t *table) readIndexes(ctx context.Context, q querier) error {
	type index struct {
		name    string
		partial bool
	}
	var indexes []index
	err := each(ctx, q, func(r *sql.Rows) error {
		var i index
		err := r.Scan(&i.name, &i.partial)
		indexes = append(indexes, i)
		return err
	}, `SELECT name, partial FROM pragma_index_list(?) WHERE "unique" ORDER BY seq`, t.Name)
	if err != nil {
		return fmt.Errorf("describe indexes of %s: %w", t.Name, err)
	}
	for _, i := range indexes {
		var columns []indexColumn
		plain := !i.partial
		err := each(ctx, q, func(r *sql.Rows) error {
			var name sql.NullString
			var c indexColumn
			err := r.Scan(&name, &c.collation)
			c.name = name.String
			plain = plain && name.Valid
			columns = append(columns, c)
			return err
		}, `SELECT name, coll FROM pragma_index_xinfo(?) WHERE key ORDER BY seqno`, i.name)
		if err != nil {
			return fmt.Errorf("describe indexes of %s: %w", t.Name, err)
		}
		if plain {
			t.unique = append(t.unique, columns)
		} else {
			t.expressions = true
		}
	}
	return nil
}

// strictKind is the kind of every cell in a column of a STRICT table.
func strictKind(declared string) record.Kind {
	switch strings.ToUpper(declared) {
	case "INT", "INTEGER":
		return record.Int
	case "REAL":
		return record.Float
	case "TEXT":
		return record.Text
	case "BLOB":
		return record.Bytes
	}
	return record.AnyKind
}

func (t *table) columnNames() []string {
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = c.Name
	}
	return names
}

// selection lists the columns for a SELECT, as expressions: the driver makes times of columns declared DATE.
func (t *table) selection() string {
	names := t.columnNames()
	for i, name := range names {
		names[i] = "+" + quote(name)
	}
	return strings.Join(names, ", ")
}

func (t *table) keyNames() []string {
	names := make([]string, len(t.Key))
	for i, c := range t.Key {
		names[i] = t.Columns[c].Name
	}
	return names
}

// nullableKey names the key columns that may hold null: SQLite allows that in ordinary tables.
func (t *table) nullableKey() []string {
	return slices.DeleteFunc(t.keyNames(), func(name string) bool { return !t.Columns[t.Index(name)].Nullable })
}
