package postgres

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/adapters/adaptertest"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/tests/servers"
)

var suiteKinds = []record.Kind{
	record.Float, record.Decimal, record.Bool, record.Bytes, record.Date, record.Time, record.DateTime, record.Timestamp, record.JSON,
}

// TestSourceConformance runs the suite with the replica identities that differ in what the log carries: the key, the whole row.
func TestSourceConformance(t *testing.T) {
	for identity, before := range map[string]adaptertest.BeforeImage{
		"DEFAULT": adaptertest.BeforeKey, "FULL": adaptertest.BeforeFull,
	} {
		t.Run(strings.ToLower(identity), func(t *testing.T) {
			dsn, cases := servers.Postgres(t).Database(t), 0
			adaptertest.RunSource(t, adaptertest.SourceSpec{
				New: func(tb testing.TB) adaptertest.SourceFixture {
					cases++ // a schema for each is much faster to make than a database
					return sourceFixture(tb, dsn, fmt.Sprint("ho_tich", cases), identity)
				},
				Capabilities: adaptertest.SourceCapabilities{
					Kinds: suiteKinds, Infinity: true, Before: before, Unchanged: true, Truncate: true,
					Transactions: true, Snapshot: true, Replays: true, TwoTables: true, AddColumn: true, Unreachable: true,
				},
			})
		})
	}
}

func sourceFixture(tb testing.TB, dsn, schema, identity string) adaptertest.SourceFixture {
	native := map[record.Kind]string{
		record.Int: "bigint", record.Text: "text", record.Float: "double precision", record.Decimal: "numeric", record.Bool: "boolean", record.Bytes: "bytea",
		record.Date: "date", record.Time: "time", record.DateTime: "timestamp", record.Timestamp: "timestamptz", record.JSON: "json",
	}
	columns := map[string]string{}
	var definition []string
	for _, c := range adaptertest.SourceColumns(suiteKinds) {
		columns[c.Name] = native[c.Kind]
		definition = append(definition, c.Name+" "+native[c.Kind])
	}
	db := newDatabase(tb, dsn, "CREATE SCHEMA "+schema)
	tables := [2]string{schema + ".ho_khau", schema + ".tam_tru"}
	tb.Cleanup(func() {
		db.released()
		db.run("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database()",
			"DROP PUBLICATION IF EXISTS truc_h44_15_suite", "DROP SCHEMA "+schema+" CASCADE")
	})
	for _, table := range tables {
		db.run(
			fmt.Sprintf("CREATE TABLE %s (%s, PRIMARY KEY (id))", table, strings.Join(definition, ", ")),
			"ALTER TABLE "+table+" ALTER large SET STORAGE external", // a log without what did not change
		)
		db.run("ALTER TABLE " + table + " REPLICA IDENTITY " + identity)
	}
	address, err := url.Parse(dsn)
	if err != nil {
		tb.Fatal(err)
	}
	secret, _ := address.User.Password()
	nowhere := *address
	nowhere.Host = "127.0.0.1:1"
	source := func(dsn string) func(adapters.Env) adapters.Source {
		return func(env adapters.Env) adapters.Source {
			c := defaults()
			c.DSN, c.ChunkRows = dsn, 300
			s, err := newSource(c, env)
			if err != nil {
				tb.Fatal(err)
			}
			return s
		}
	}
	return adaptertest.SourceFixture{
		Source: source(dsn), Unreachable: source(nowhere.String()), Secret: secret,
		Tables: tables,
		Write: func(ctx context.Context, changes ...adaptertest.Change) error {
			conn, err := pgx.Connect(ctx, dsn)
			if err != nil {
				return err
			}
			defer conn.Close(context.Background())
			return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
				for _, c := range changes {
					sql, args := statement(c, columns)
					if _, err := tx.Exec(ctx, sql, args...); err != nil {
						return err
					}
				}
				return nil
			})
		},
		AddColumn: func(ctx context.Context, table, column string) error {
			_, err := db.Exec(ctx, "ALTER TABLE "+table+" ADD COLUMN "+column+" text")
			return err
		},
	}
}

// statement writes a change of the suite as SQL; the values go as text and are cast by the server.
func statement(c adaptertest.Change, columns map[string]string) (string, []any) {
	names, values, sets := []string{"id"}, []string{strconv.FormatInt(c.NewID, 10)}, []string{fmt.Sprint("id = ", c.NewID)}
	var args []any
	for name, v := range c.Set {
		cast := columns[name]
		if cast == "" {
			cast = "text" // a column that was added
		}
		var arg *string
		if !v.IsNull() {
			text := string(appendParameter(nil, v))
			arg = &text
		}
		args = append(args, arg)
		value := fmt.Sprintf("$%d::text::%s", len(args), cast)
		names, values, sets = append(names, name), append(values, value), append(sets, name+" = "+value)
	}
	switch c.Op {
	case record.Create:
		return fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", c.Table, strings.Join(names, ", "), strings.Join(values, ", ")), args
	case record.Update:
		return fmt.Sprintf("UPDATE %s SET %s WHERE id = %d", c.Table, strings.Join(sets, ", "), c.ID), args
	case record.Delete:
		return fmt.Sprintf("DELETE FROM %s WHERE id = %d", c.Table, c.ID), nil
	default:
		return "TRUNCATE " + c.Table, nil
	}
}
