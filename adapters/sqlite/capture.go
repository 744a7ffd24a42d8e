package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/problem"
)

// Capture: what the source puts into the database so that no change is missed.
//
//	truc_meta     identity of this database, version of these tables
//	truc_capture  for each table and list of columns a number
//	truc_change   one row a change: b0, b1, … the old cells, a0, a1, … the new ones, in the storage class they had
//
// and five triggers a table. The statements run inside the application, with the SQLite it brought along, which may be ten
// years old: nothing in here needs more than 3.8. Identifiers begin with truc_.
//
// A REPLACE deletes rows without firing delete triggers (unless the application sets recursive_triggers). So the BEFORE
// trigger sets aside the rows that the new one collides with (op R); when the AFTER trigger runs, the statement was
// carried out and they are gone. Had it been ignored, the next BEFORE trigger clears them away.

// captureVersion is the format of the tables above. Format 1 did not know opMissed, and took it for a deletion: what it wrote is
// read as it is, and is of this format from then on.
const (
	captureVersion      = "2"
	captureVersionFirst = "1"
)

// Operations in truc_change. Start marks the place where a source began when there was no change yet.
const (
	opInsert   = "I"
	opUpdate   = "U"
	opDelete   = "D"
	opReplaced = "R"
	opStart    = "S"
	opMissed   = "X" // the triggers of a table came back: what was changed without them is not known
)

// captureTables are the statements that create truc's tables for n columns.
func captureTables(n int) []string {
	cells := make([]string, 0, 2*n)
	for i := range n {
		cells = append(cells, fmt.Sprintf("b%d", i), fmt.Sprintf("a%d", i))
	}
	return []string{
		`CREATE TABLE IF NOT EXISTS truc_meta (name TEXT PRIMARY KEY, value TEXT)`,
		`INSERT OR IGNORE INTO truc_meta (name, value) VALUES ('identity', lower(hex(randomblob(16))))`,
		`INSERT OR IGNORE INTO truc_meta (name, value) VALUES ('capture_version', '` + captureVersion + `')`,
		`CREATE TABLE truc_capture (id INTEGER PRIMARY KEY, tbl TEXT NOT NULL, key TEXT NOT NULL, columns TEXT NOT NULL)`,
		`CREATE TABLE truc_change (id INTEGER PRIMARY KEY AUTOINCREMENT, capture INTEGER NOT NULL, op TEXT NOT NULL, ` +
			`at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')), tag TEXT NOT NULL DEFAULT (lower(hex(randomblob(8)))), ` +
			strings.Join(cells, ", ") + `)`,
		`CREATE INDEX truc_replaced ON truc_change (capture) WHERE op = '` + opReplaced + `'`,
	}
}

// capture is one entry of truc_capture: the meaning of the cells in truc_change.
type capture struct {
	id      int64
	table   string
	key     []string
	columns []string
}

// fits reports whether a table still has the columns that are captured.
func (c *capture) fits(t *table) bool {
	return slices.Equal(c.columns, t.columnNames()) && slices.Equal(c.key, t.keyNames())
}

// names of columns are stored one a line.
func lines(names []string) string { return strings.Join(names, "\n") }

// cells lists the columns of truc_change that hold a row: "b0, b1, b2".
func cells(prefix string, n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("%s%d", prefix, i)
	}
	return strings.Join(names, ", ")
}

// columnsOf lists the columns of a row by its name: `NEW."a", NEW."b"`.
func columnsOf(row string, names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = row + "." + quote(name)
	}
	return strings.Join(quoted, ", ")
}

// triggerName names the trigger of a table for an event: "before_insert".
func triggerName(table, event string) string { return "truc_" + table + "_" + event }

// triggers are the CREATE statements of a table, by trigger name.
func triggers(t *table, id int64) [][2]string {
	names := t.columnNames()
	n := len(names)
	before, after := cells("b", n), cells("a", n)
	old, created := columnsOf("OLD", names), columnsOf("NEW", names)
	setAside := fmt.Sprintf("op = '%s' AND capture = %d", opReplaced, id)
	clear := "DELETE FROM truc_change WHERE " + setAside + ";"
	// sameKey compares the key of a row set aside with that of another.
	sameKey := func(row string) string {
		var parts []string
		for _, i := range t.Key {
			parts = append(parts, fmt.Sprintf("b%d IS %s.%s", i, row, quote(t.Columns[i].Name)))
		}
		return strings.Join(parts, " AND ")
	}
	notItself := make([]string, len(t.Key))
	for i, name := range t.keyNames() {
		notItself[i] = "o." + quote(name) + " IS OLD." + quote(name)
	}
	collect := func(where string) string {
		return fmt.Sprintf("INSERT INTO truc_change (capture, op, %s) SELECT %d, '%s', %s FROM %s o WHERE %s;",
			before, id, opReplaced, columnsOf("o", names), quote(t.Name), where)
	}
	insert := func(op, into, from string) string {
		return fmt.Sprintf("INSERT INTO truc_change (capture, op, %s) SELECT %d, '%s', %s", into, id, op, from)
	}
	return [][2]string{
		trigger(t, "before_insert", "BEFORE INSERT", clear, collect(t.collides())),
		trigger(t, "insert", "AFTER INSERT",
			insert(opDelete, before, before+" FROM truc_change WHERE "+setAside+" AND NOT ("+sameKey("NEW")+") ORDER BY id;"),
			insert(opUpdate, before+", "+after, before+", "+created+" FROM truc_change WHERE "+setAside+" AND "+sameKey("NEW")+";"),
			insert(opInsert, after, created+" WHERE changes() = 0;"),
			clear),
		trigger(t, "before_update", "BEFORE UPDATE", clear,
			collect("("+t.collides()+") AND NOT ("+strings.Join(notItself, " AND ")+")")),
		trigger(t, "update", "AFTER UPDATE",
			insert(opDelete, before, before+" FROM truc_change WHERE "+setAside+" ORDER BY id;"),
			insert(opUpdate, before+", "+after, old+", "+created+";"),
			clear),
		trigger(t, "delete", "AFTER DELETE",
			"DELETE FROM truc_change WHERE "+setAside+" AND "+sameKey("OLD")+";", // with recursive_triggers a REPLACE comes here
			insert(opDelete, before, old+";")),
	}
}

func trigger(t *table, event, when string, statements ...string) [2]string {
	name := triggerName(t.Name, event)
	return [2]string{name, fmt.Sprintf("CREATE TRIGGER %s %s ON %s BEGIN\n  %s\nEND",
		quote(name), when, quote(t.Name), strings.Join(statements, "\n  "))}
}

// collides is the condition under which row o has a unique value of NEW.
func (t *table) collides() string {
	var indexes []string
	for _, index := range t.unique {
		var columns []string
		for _, c := range index {
			columns = append(columns, fmt.Sprintf("o.%s = NEW.%s COLLATE %s", quote(c.name), quote(c.name), quote(c.collation)))
			if c.name == t.rowid && len(index) == 1 {
				columns = append(columns, "NEW."+quote(c.name)+" <> -1") // -1: SQLite has yet to choose the number
			}
		}
		indexes = append(indexes, strings.Join(columns, " AND "))
	}
	return strings.Join(indexes, " OR ")
}

// capturing is what a database holds of the above.
type capturing struct {
	identity string // "" while truc_meta is missing
	width    int    // columns a row of truc_change has room for; 0 while the table is missing
	captures []capture
	triggers map[string]string // name → statement
}

func readCapturing(ctx context.Context, q querier, where string) (*capturing, error) {
	c := &capturing{triggers: map[string]string{}}
	here := map[string]bool{}
	err := each(ctx, q, func(r *sql.Rows) error {
		var kind, name, statement string
		err := r.Scan(&kind, &name, &statement)
		if kind == "trigger" {
			c.triggers[name] = statement
		}
		here[name] = true
		return err
	}, `SELECT type, name, coalesce(sql, '') FROM sqlite_schema WHERE name LIKE 'truc\_%' ESCAPE '\'`)
	if err != nil {
		return nil, fmt.Errorf("read capture: %w", err)
	}
	if here["truc_meta"] {
		if c.identity, err = meta(ctx, q, "identity"); err != nil {
			return nil, err
		}
		version, err := meta(ctx, q, "capture_version")
		if err != nil {
			return nil, err
		}
		if version != "" && version != captureVersion && version != captureVersionFirst {
			return nil, &adapters.RefusedError{Where: where, What: problem.Say("its capture was written by a newer truc (format %s)", version), Fix: problem.Say("use that truc, or a newer one")}
		}
	}
	if here["truc_change"] {
		if err := q.QueryRowContext(ctx, `SELECT count(*) FROM pragma_table_info('truc_change') WHERE name GLOB 'b[0-9]*'`).Scan(&c.width); err != nil {
			return nil, fmt.Errorf("read capture: %w", err)
		}
	}
	if here["truc_capture"] {
		err = each(ctx, q, func(r *sql.Rows) error {
			var one capture
			var key, columns string
			err := r.Scan(&one.id, &one.table, &key, &columns)
			one.key, one.columns = strings.Split(key, "\n"), strings.Split(columns, "\n")
			c.captures = append(c.captures, one)
			return err
		}, `SELECT id, tbl, key, columns FROM truc_capture ORDER BY id`)
		if err != nil {
			return nil, fmt.Errorf("read capture: %w", err)
		}
	}
	return c, nil
}

func meta(ctx context.Context, q querier, name string) (string, error) {
	var value string
	err := q.QueryRowContext(ctx, `SELECT value FROM truc_meta WHERE name = ?`, name).Scan(&value)
	if err != nil && err != sql.ErrNoRows {
		return "", fmt.Errorf("read truc_meta: %w", err)
	}
	return value, nil
}

// latest returns the present capture of a table, nil when it has none.
func (c *capturing) latest(table string) *capture {
	for i := len(c.captures) - 1; i >= 0; i-- {
		if c.captures[i].table == table {
			return &c.captures[i]
		}
	}
	return nil
}

// intact reports whether every trigger of a table is there: then no change was missed.
func (c *capturing) intact(t *table) bool {
	for _, trigger := range triggers(t, 0) {
		if _, there := c.triggers[trigger[0]]; !there {
			return false
		}
	}
	return c.latest(t.Name) != nil
}

// plan lists the statements that are missing for tables to be captured as they are now.
func (c *capturing) plan(tables []*table) []string {
	var statements []string
	width, next := c.width, int64(1)
	for _, t := range tables {
		width = max(width, len(t.Columns))
	}
	if n := len(c.captures); n > 0 {
		next = c.captures[n-1].id + 1
	}
	if c.width == 0 {
		statements = captureTables(width)
	}
	for i := c.width; c.width > 0 && i < width; i++ {
		statements = append(statements, fmt.Sprintf("ALTER TABLE truc_change ADD COLUMN b%d", i), fmt.Sprintf("ALTER TABLE truc_change ADD COLUMN a%d", i))
	}
	for _, t := range tables {
		known := c.latest(t.Name)
		id := next
		if known != nil && known.fits(t) {
			id = known.id
		} else {
			next++
			statements = append(statements, fmt.Sprintf("INSERT INTO truc_capture (id, tbl, key, columns) VALUES (%d, %s, %s, %s)",
				id, literal(t.Name), literal(lines(t.keyNames())), literal(lines(t.columnNames()))))
		}
		whole := c.intact(t)
		for _, trigger := range triggers(t, id) {
			present, there := c.triggers[trigger[0]]
			if present == trigger[1] {
				continue
			}
			if there {
				statements = append(statements, "DROP TRIGGER "+quote(trigger[0]))
			}
			statements = append(statements, trigger[1])
		}
		if known != nil && !whole {
			statements = append(statements, fmt.Sprintf("INSERT INTO truc_change (capture, op) VALUES (%d, '%s')", id, opMissed))
		}
		if whole && known.id != id {
			statements = append(statements, catchUp(t, known, id)...)
		}
	}
	return statements
}

// catchUp tells again the rows of a table that got a column since: changes of that column may have been made before the
// triggers knew of it, and only rows that differ from its default can have been.
func catchUp(t *table, known *capture, id int64) []string {
	var differs []string
	for i, c := range t.Columns {
		if !slices.Contains(known.columns, c.Name) {
			differs = append(differs, fmt.Sprintf("%s IS NOT (%s)", quote(c.Name), t.defaults[i]))
		}
	}
	if len(t.Columns) <= len(known.columns) {
		return nil // renamed: the triggers followed
	}
	names := columnsOf(quote(t.Name), t.columnNames())
	return []string{fmt.Sprintf("INSERT INTO truc_change (capture, op, %s, %s) SELECT %d, '%s', %s, %s FROM %s WHERE %s",
		cells("b", len(t.Columns)), cells("a", len(t.Columns)), id, opUpdate, names, names, quote(t.Name), strings.Join(differs, " OR "))}
}

// Plan returns the statements that capturing the tables still needs; none when everything is in place. It works without Open.
func (s *Source) Plan(ctx context.Context, names ...string) ([]string, error) {
	var statements []string
	err := s.briefly(ctx, func(db *database) error {
		tables, err := s.tables(ctx, db, names)
		if err != nil {
			return err
		}
		c, err := readCapturing(ctx, db, db.where)
		if err != nil {
			return err
		}
		statements = c.plan(tables)
		return nil
	})
	return statements, err
}

// Apply runs what Plan lists, in one transaction. It works without Open.
func (s *Source) Apply(ctx context.Context, names ...string) error {
	return s.briefly(ctx, func(db *database) error {
		return db.change(ctx, func(tx *sql.Tx) error {
			tables, err := s.tables(ctx, tx, names)
			if err != nil {
				return err
			}
			_, err = s.capture(ctx, db, tx, tables, captureAuto)
			return err
		})
	})
}

// Remove takes the triggers of the tables away, and truc's tables with the last of them. A source that was reading them
// finds a gap at its next start; truc_capture remembers the tables, so that it does also when they come back before.
func (s *Source) Remove(ctx context.Context, names ...string) error {
	return s.briefly(ctx, func(db *database) error {
		return db.change(ctx, func(tx *sql.Tx) error {
			c, err := readCapturing(ctx, tx, db.where)
			if err != nil {
				return err
			}
			var statements []string
			for _, name := range names {
				for _, trigger := range triggers(&table{}, 0) {
					full := triggerName(name, strings.TrimPrefix(trigger[0], triggerName("", "")))
					if _, there := c.triggers[full]; there {
						statements = append(statements, "DROP TRIGGER "+quote(full))
						delete(c.triggers, full)
					}
				}
			}
			if len(c.triggers) == 0 {
				statements = append(statements, "DROP TABLE IF EXISTS truc_change", "DROP TABLE IF EXISTS truc_capture", "DELETE FROM truc_meta WHERE name IN ('identity', 'capture_version')")
			}
			for _, statement := range statements {
				if _, err := tx.ExecContext(ctx, statement); err != nil {
					return db.explain(ctx, "remove capture", err)
				}
			}
			return nil
		})
	})
}

// capture makes sure, within a transaction, that the tables are captured as they are now; the manual way is to say what
// is missing.
func (s *Source) capture(ctx context.Context, db *database, tx *sql.Tx, tables []*table, way string) (*capturing, error) {
	c, err := readCapturing(ctx, tx, db.where)
	if err != nil {
		return nil, db.explain(ctx, "read capture", err)
	}
	if c.width > 0 {
		_, err := tx.ExecContext(ctx, `UPDATE truc_meta SET value = ? WHERE name = 'capture_version' AND value = ?`, captureVersion, captureVersionFirst)
		if err != nil {
			return nil, db.explain(ctx, "raise the format of the capture", err)
		}
	}
	statements := c.plan(tables)
	if len(statements) == 0 {
		return c, nil
	}
	if way == captureManual {
		return nil, &adapters.RefusedError{
			Where: db.where, What: problem.Say("the changes of its tables are not captured, and capture: manual forbids truc to create triggers"),
			Fix: problem.Say("run these statements in one transaction:\n%s;", strings.Join(statements, ";\n")),
		}
	}
	for _, statement := range statements {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return nil, db.explain(ctx, "create capture", err)
		}
	}
	for _, t := range tables {
		s.env.Log.Info("created capture triggers; they write every change of the table into truc_change until they are dropped",
			"source", s.env.Name, "table", t.Name, "triggers", triggerName(t.Name, "*"))
	}
	return readCapturing(ctx, tx, db.where)
}
