package postgres

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/adapters/adaptertest"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/tests/servers"
)

const suiteTables = `
CREATE SCHEMA %[1]s;
CREATE TABLE %[1]s.tre_em (agency text, id bigint, name text NOT NULL, code text UNIQUE, status text, note text, PRIMARY KEY (agency, id));
CREATE TABLE %[1]s.hop_thu (agency text, id bigint, name text, code text, status text, note text)`

func TestSinkConformance(t *testing.T) {
	dsn := servers.Postgres(t).Database(t)
	cases := 0
	adaptertest.RunSink(t, adaptertest.SinkSpec{
		// A schema for each case is much faster to make than a database.
		New: func(tb testing.TB) adaptertest.SinkFixture {
			cases++
			return suiteFixture(tb, dsn, fmt.Sprintf("bhyt%d", cases))
		},
		Capabilities: adaptertest.SinkCapabilities{Unique: true, NotNull: true, Reads: true, Sweeps: true, Unreachable: true},
	})
}

func suiteFixture(tb testing.TB, dsn, schema string) adaptertest.SinkFixture {
	execute(tb, dsn, fmt.Sprintf(suiteTables, schema))
	address, err := url.Parse(dsn)
	if err != nil {
		tb.Fatal(err)
	}
	secret, _ := address.User.Password()
	open := func(dsn string) func(adapters.Env) adapters.Sink {
		return func(env adapters.Env) adapters.Sink {
			s, err := newSink(&Config{DSN: dsn, Schema: "truc_" + schema}, env)
			if err != nil {
				tb.Fatal(err)
			}
			return s
		}
	}
	nowhere := *address
	nowhere.Host = "127.0.0.1:1"
	return adaptertest.SinkFixture{
		Sink: open(dsn), Unreachable: open(nowhere.String()), Secret: secret,
		Table: schema + ".tre_em", Inbox: schema + ".hop_thu",
		Insert: func(ctx context.Context, row adaptertest.Row) error {
			var names, marks []string
			var args []any
			for name, v := range row {
				names = append(names, name)
				args = append(args, cellOf(v))
				marks = append(marks, fmt.Sprintf("$%d", len(args)))
			}
			conn, err := pgx.Connect(ctx, dsn)
			if err != nil {
				return err
			}
			defer conn.Close(ctx)
			_, err = conn.Exec(ctx, fmt.Sprintf("INSERT INTO %s.tre_em (%s) VALUES (%s)", schema, strings.Join(names, ", "), strings.Join(marks, ", ")), args...)
			return err
		},
		Rows: func(ctx context.Context, table string) ([]adaptertest.Row, error) {
			conn, err := pgx.Connect(ctx, dsn)
			if err != nil {
				return nil, err
			}
			defer conn.Close(ctx)
			rows, err := conn.Query(ctx, "SELECT agency, id, name, code, status, note FROM "+table)
			if err != nil {
				return nil, err
			}
			return pgx.CollectRows(rows, func(r pgx.CollectableRow) (adaptertest.Row, error) {
				cells, err := r.Values()
				row := adaptertest.Row{}
				for i, field := range r.FieldDescriptions() {
					row[field.Name] = valueOf(cells[i])
				}
				return row, err
			})
		},
	}
}

func cellOf(v record.Value) any {
	switch v.Kind {
	case record.Null:
		return nil
	case record.Int:
		return v.Num
	default:
		return string(v.Bytes)
	}
}

func valueOf(cell any) record.Value {
	switch c := cell.(type) {
	case nil:
		return record.NullValue
	case int64:
		return record.IntValue(c)
	default:
		return record.TextValue(fmt.Sprint(c))
	}
}

// execute runs SQL as the superuser.
func execute(tb testing.TB, dsn, sql string) {
	tb.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		tb.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, sql); err != nil {
		tb.Fatal(err)
	}
}
