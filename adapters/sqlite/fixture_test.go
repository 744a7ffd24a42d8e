package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/adapters/adaptertest"
	"github.com/lienthong/truc/record"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// application is a program that uses the database file beside truc.
type application struct {
	tb   testing.TB
	db   *sql.DB
	path string
}

func newApplication(tb testing.TB, statements ...string) *application {
	tb.Helper()
	a := reopenApplication(tb, filepath.Join(tb.TempDir(), "hồ sơ #1.db"))
	a.exec(statements...)
	return a
}

func reopenApplication(tb testing.TB, path string) *application {
	tb.Helper()
	db, err := sql.Open("sqlite", path+"?_pragma=busy_timeout(10000)&_pragma=synchronous(off)&_txlock=immediate")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { db.Close() })
	a := &application{tb, db, path}
	a.exec("PRAGMA journal_mode = WAL")
	return a
}

func (a *application) exec(statements ...string) {
	a.tb.Helper()
	for _, s := range statements {
		if _, err := a.db.Exec(s); err != nil {
			a.tb.Fatalf("%s: %v", s, err)
		}
	}
}

// query returns all cells of a query, a line each row.
func (a *application) query(query string, arguments ...any) string {
	a.tb.Helper()
	rows, err := a.db.Query(query, arguments...)
	if err != nil {
		a.tb.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		a.tb.Fatal(err)
	}
	var lines []string
	for rows.Next() {
		row, err := scanRow(rows, len(columns))
		if err != nil {
			a.tb.Fatal(err)
		}
		var cells []string
		for _, v := range row {
			if v.IsNull() {
				cells = append(cells, "-")
			} else {
				cells = append(cells, string(v.Append(nil)))
			}
		}
		lines = append(lines, strings.Join(cells, " "))
	}
	if err := rows.Err(); err != nil {
		a.tb.Fatalf("%s: %v", query, err)
	}
	return strings.Join(lines, "\n")
}

func (a *application) config() *Config {
	c := defaults()
	c.Path, c.Poll = a.path, 2*time.Millisecond
	return c
}

func env(name string) adapters.Env {
	return adapters.Env{Name: name, Agency: "H44.15", Log: slog.New(slog.DiscardHandler)}
}

// kinds of cells that SQLite has beside Int and Text.
var storageClasses = []record.Kind{record.Float, record.Bytes}

func sourceFixture(tb testing.TB) adaptertest.SourceFixture {
	a := newApplication(tb,
		`CREATE TABLE ho_so (id INTEGER PRIMARY KEY, name TEXT, note TEXT, large TEXT, number INTEGER, ratio REAL, raw BLOB)`,
		`CREATE TABLE "đăng ký" (id INTEGER NOT NULL, name TEXT, note TEXT, large TEXT, number INTEGER, ratio REAL, raw BLOB, PRIMARY KEY (id)) WITHOUT ROWID`)
	return adaptertest.SourceFixture{
		Tables: [2]string{"ho_so", "đăng ký"},
		Source: func(env adapters.Env) adapters.Source { return NewSource(a.config(), env) },
		Unreachable: func(env adapters.Env) adapters.Source {
			c := a.config()
			c.Path += ".gone"
			return NewSource(c, env)
		},
		AddColumn: func(ctx context.Context, table, column string) error {
			_, err := a.db.ExecContext(ctx, "ALTER TABLE "+quote(table)+" ADD COLUMN "+quote(column)+" TEXT")
			return err
		},
		Write: func(ctx context.Context, changes ...adaptertest.Change) error {
			tx, err := a.db.BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			defer tx.Rollback()
			for _, c := range changes {
				query, arguments := statement(c)
				if _, err := tx.ExecContext(ctx, query, arguments...); err != nil {
					return fmt.Errorf("%s: %w", query, err)
				}
			}
			return tx.Commit()
		},
	}
}

func statement(c adaptertest.Change) (string, []any) {
	names, marks, set := []string{"id"}, []string{"?"}, []string{"id = ?"}
	arguments := []any{c.NewID}
	for name, v := range c.Set {
		names, marks, set = append(names, quote(name)), append(marks, "?"), append(set, quote(name)+" = ?")
		arguments = append(arguments, argumentOf(v))
	}
	switch c.Op {
	case record.Create:
		return "INSERT INTO " + quote(c.Table) + " (" + strings.Join(names, ", ") + ") VALUES (" + strings.Join(marks, ", ") + ")", arguments
	case record.Update:
		return "UPDATE " + quote(c.Table) + " SET " + strings.Join(set, ", ") + " WHERE id = ?", append(arguments, c.ID)
	default:
		return "DELETE FROM " + quote(c.Table) + " WHERE id = ?", []any{c.ID}
	}
}

func TestSourceConformance(t *testing.T) {
	adaptertest.RunSource(t, adaptertest.SourceSpec{
		New: sourceFixture,
		Capabilities: adaptertest.SourceCapabilities{
			Kinds: storageClasses, Before: adaptertest.BeforeFull, Transactions: true, Snapshot: true, Replays: true,
			TwoTables: true, AddColumn: true, Unreachable: true,
		},
	})
}

func sinkFixture(tb testing.TB) adaptertest.SinkFixture {
	const columns = `agency TEXT %[1]s, id INTEGER %[1]s, name TEXT %[1]s, code TEXT %[2]s, status TEXT, note TEXT`
	a := newApplication(tb,
		`CREATE TABLE tre_em (`+fmt.Sprintf(columns, "NOT NULL", "UNIQUE")+`, PRIMARY KEY (agency, id))`,
		`CREATE TABLE hop_thu (`+fmt.Sprintf(columns, "", "")+`)`)
	return adaptertest.SinkFixture{
		Table: "tre_em", Inbox: "hop_thu",
		Sink: func(env adapters.Env) adapters.Sink { return NewSink(a.config(), env) },
		Unreachable: func(env adapters.Env) adapters.Sink {
			c := a.config()
			c.Path += ".gone"
			return NewSink(c, env)
		},
		Insert: func(ctx context.Context, row adaptertest.Row) error {
			var names, marks []string
			var arguments []any
			for name, v := range row {
				names, marks, arguments = append(names, name), append(marks, "?"), append(arguments, argumentOf(v))
			}
			_, err := a.db.ExecContext(ctx, "INSERT INTO tre_em ("+strings.Join(names, ", ")+") VALUES ("+strings.Join(marks, ", ")+")", arguments...)
			return err
		},
		Rows: func(ctx context.Context, table string) ([]adaptertest.Row, error) {
			var rows []adaptertest.Row
			names := []string{"agency", "id", "name", "code", "status", "note"}
			err := each(ctx, a.db, func(r *sql.Rows) error {
				cells, err := scanRow(r, len(names))
				row := adaptertest.Row{}
				for i, v := range cells {
					row[names[i]] = v
				}
				rows = append(rows, row)
				return err
			}, "SELECT "+strings.Join(names, ", ")+" FROM "+quote(table))
			return rows, err
		},
	}
}

func TestSinkConformance(t *testing.T) {
	adaptertest.RunSink(t, adaptertest.SinkSpec{New: sinkFixture, Capabilities: adaptertest.SinkCapabilities{
		Unique: true, NotNull: true, Reads: true, Sweeps: true, Unreachable: true,
	}})
}
