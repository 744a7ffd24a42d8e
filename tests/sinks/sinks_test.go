package sinks

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	_ "github.com/jackc/pgx/v5/stdlib" // database/sql on PostgreSQL
	"go.yaml.in/yaml/v4"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/adapters/all"
	"github.com/lienthong/truc/adapters/memory"
	"github.com/lienthong/truc/mapping"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/schemas"
	"github.com/lienthong/truc/tests/servers"
)

func TestMain(m *testing.M) { os.Exit(servers.Main(m)) }

// columns are those of the table of every case: an identity, what is delivered, and what belongs to the agency.
var columns = []string{"khoa", "so", "ten", "viec", "trang_thai", "ghi_chu"}

const definition = "(khoa varchar(200), so varchar(200), ten varchar(200), viec varchar(200), trang_thai varchar(200), ghi_chu varchar(200)"

// base is a database with one table, and what a test sees of it.
type base struct {
	// schema stands before the names of tables.
	schema string
	open   func(t *testing.T) adapters.Sink
	// make gives a new, empty table; unique says that khoa is its key.
	make func(t *testing.T, table string, unique bool)
	// own puts a row of the agency's into it.
	own  func(t *testing.T, table string, row ...string)
	rows func(t *testing.T, table string) []string
}

func bases(t *testing.T) map[string]base {
	t.Helper()
	registry := all.Registry()
	file := filepath.Join(t.TempDir(), "a.db")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	dsn := servers.Postgres(t).Database(t)
	return map[string]base{
		"memory":   inMemory(),
		"sqlite":   inSQL(t, registry, "sqlite", file, "sqlite", "path: "+file),
		"postgres": inSQL(t, registry, "pgx", dsn, "postgres", "dsn: "+dsn),
	}
}

func inMemory() base {
	store := memory.NewStore()
	return base{
		open: func(t *testing.T) adapters.Sink {
			return memory.NewSink(store, adapters.Env{Name: "bhyt", Log: slog.New(slog.DiscardHandler)})
		},
		make: func(_ *testing.T, table string, unique bool) {
			of := record.Table{Name: table, Version: 1}
			for _, name := range columns {
				of.Columns = append(of.Columns, record.Column{Name: name, Kind: record.Text, Type: "text", Nullable: true})
			}
			if unique {
				of.Key = []int{0}
			}
			store.Define(memory.TableSpec{Table: of})
		},
		own: func(t *testing.T, table string, cells ...string) {
			row := record.Row{}
			for _, c := range cells {
				row = append(row, record.TextValue(c))
			}
			if err := store.Transact(func(tx *memory.Tx) error { return tx.Insert(table, row) }); err != nil {
				t.Fatal(err)
			}
		},
		rows: func(_ *testing.T, table string) []string {
			var out []string
			for _, row := range store.Rows(table) {
				var cells []string
				for _, v := range row {
					if v.IsNull() {
						cells = append(cells, "-")
					} else {
						cells = append(cells, string(v.Bytes))
					}
				}
				out = append(out, strings.Join(cells, " "))
			}
			slices.Sort(out)
			return out
		},
	}
}

func inSQL(t *testing.T, registry *adapters.Registry, driver, dsn, kind, node string) base {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	execute := func(t *testing.T, statement string, args ...any) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), statement, args...); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	schema := ""
	if kind == "postgres" {
		schema = "public."
	}
	return base{
		schema: schema,
		open: func(t *testing.T) adapters.Sink {
			build, problems := registry.Sink(kind, func(into any) problem.List {
				if err := yaml.Unmarshal([]byte(node), into); err != nil {
					return problem.List{{Code: "test", What: err.Error()}}
				}
				return nil
			})
			if problems.Err() != nil {
				t.Fatal(problems)
			}
			s, err := build(adapters.Env{Name: "bhyt", Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			return s
		},
		make: func(t *testing.T, table string, unique bool) {
			key := ")"
			if unique {
				key = ", PRIMARY KEY (khoa))"
			}
			execute(t, "CREATE TABLE "+table+" "+definition+key)
		},
		own: func(t *testing.T, table string, cells ...string) {
			var quoted []string
			for _, c := range cells {
				quoted = append(quoted, "'"+c+"'")
			}
			execute(t, "INSERT INTO "+table+" VALUES ("+strings.Join(quoted, ", ")+")")
		},
		rows: func(t *testing.T, table string) []string {
			t.Helper()
			rows, err := db.QueryContext(t.Context(), "SELECT "+strings.Join(columns, ", ")+" FROM "+table)
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			var out []string
			for rows.Next() {
				cells, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
				for i := range cells {
					into[i] = &cells[i]
				}
				if err := rows.Scan(into...); err != nil {
					t.Fatal(err)
				}
				var words []string
				for _, c := range cells {
					if !c.Valid {
						c.String = "-"
					}
					words = append(words, c.String)
				}
				out = append(out, strings.Join(words, " "))
			}
			if err := rows.Err(); err != nil {
				t.Fatal(err)
			}
			slices.Sort(out)
			return out
		},
	}
}

// event is one event of an agency about the birth with a number; without a name it is a deletion.
type event struct {
	agency, so, ten string
	op              string
}

const document = `{"so":%q,"quyenSo":"1","ngayDangKy":"2020-03-05","loaiDangKy":"1","noiDangKy":{"ma":%q},"nguoiDuocKhaiSinh":{"hoTen":%q,"ngaySinh":{"giaTri":"2020","doChinhXac":"nam"},"gioiTinh":"2"}}`

func (e event) view(i int) (ev mapping.EventView, doc []byte) {
	ev = mapping.EventView{
		ID: fmt.Sprintf("e%d", i), Op: e.op, Agency: e.agency, Sequence: fmt.Sprintf("%016x", i), Dataset: "hotich.khaisinh.v1",
		Time: time.Date(2026, 1, 1, 0, 0, i, 0, time.UTC), Key: fmt.Appendf(nil, `[%q,"1",%q]`, e.so, e.agency),
	}
	if e.ten == "" {
		ev.Op = "deleted"
		return ev, nil
	}
	return ev, fmt.Appendf(nil, document, e.so, e.agency, e.ten)
}

// TestWriteModes delivers the same events under every write, conflict, on_create and on_delete, at every adapter. A row is
// khoa so ten viec trang_thai ghi_chu, "-" for null.
func TestWriteModes(t *testing.T) {
	const bySo = "key: { khoa: so }\ncolumns: { ten: nguoiDuocKhaiSinh.hoTen, so: so, viec: event.op }\n"
	const perEvent = "key: { khoa: event.id }\ncolumns: { ten: nguoiDuocKhaiSinh.hoTen, so: so, viec: event.op }\n"
	life := []event{{"H44.15", "1", "A", "created"}, {"H44.15", "1", "B", "updated"}, {"H44.15", "2", "C", "snapshot"}, {"H44.15", "1", "", ""}, {"H44.15", "9", "", ""}}
	cases := []struct {
		name, mapping string
		inbox         bool
		own           []string
		events        []event
		want          []string
		rejected      int
	}{
		{name: "upsert, delete by default", mapping: bySo + "on_create: { trang_thai: { const: moi } }\n", events: life, want: []string{"2 2 C snapshot moi -"}},
		{name: "on_create only when the row is made", mapping: bySo + "on_create: { trang_thai: { const: moi } }\n", events: life[:2], want: []string{"1 1 B updated moi -"}},
		{
			name: "an adopted row keeps what is not named", mapping: bySo + "on_create: { trang_thai: { const: moi } }\n", own: []string{"1", "x", "x", "x", "cu", "tay"},
			events: life[:1], want: []string{"1 1 A created cu tay"},
		},
		{name: "on_delete: set", mapping: bySo + "on_delete: { set: { trang_thai: { const: huy }, viec: event.op } }\n", events: life, want: []string{"1 1 B deleted huy -", "2 2 C snapshot - -"}},
		{name: "on_delete: ignore", mapping: bySo + "on_delete: ignore\n", events: life, want: []string{"1 1 B updated - -", "2 2 C snapshot - -"}},
		{
			name: "update never inserts", mapping: "write: update\n" + bySo + "on_delete: ignore\n", own: []string{"1", "x", "x", "x", "cu", "tay"},
			events: life, want: []string{"1 1 B updated cu tay"},
		},
		{
			name: "update and delete", mapping: "write: update\n" + bySo + "on_delete: delete\n", own: []string{"1", "x", "x", "x", "cu", "tay"},
			events: life, want: nil,
		},
		{
			name: "append: a row for each event, deletions ignored by default", mapping: "write: append\n" + perEvent, inbox: true,
			events: life, want: []string{"e1 1 A created - -", "e2 1 B updated - -", "e3 2 C snapshot - -"},
		},
		{
			name: "append: deletions as rows", mapping: "write: append\n" + perEvent + "on_create: { trang_thai: { const: moi } }\non_delete: { set: { so: so, viec: event.op } }\n", inbox: true,
			events: life, want: []string{"e1 1 A created moi -", "e2 1 B updated moi -", "e3 2 C snapshot moi -", "e4 1 - deleted - -", "e5 9 - deleted - -"},
		},
		{
			name: "append: named by the entity", mapping: "write: append\nkey: { khoa: so }\ncolumns: { viec: event.id }\non_delete: { set: { viec: event.id } }\n", inbox: true,
			events: life, want: []string{"1 - - e1 - -", "1 - - e2 - -", "1 - - e4 - -", "2 - - e3 - -", "9 - - e5 - -"},
		},
		{
			name: "what leaves the filter is deleted", mapping: bySo + "only: nguoiDuocKhaiSinh.hoTen != \"B\"\n", events: life[:3], want: []string{"2 2 C snapshot - -"},
		},
		{
			name: "conflict: reject by default", mapping: bySo, events: []event{{"H44.15", "1", "A", "created"}, {"H26", "1", "D", "created"}}, want: []string{"1 1 A created - -"}, rejected: 1,
		},
		{
			name: "conflict: replace", mapping: bySo + "conflict: replace\n", events: []event{{"H44.15", "1", "A", "created"}, {"H26", "1", "D", "created"}}, want: []string{"1 1 D created - -"},
		},
		{
			name: "conflict: ignore", mapping: bySo + "conflict: ignore\n", events: []event{{"H44.15", "1", "A", "created"}, {"H26", "1", "D", "created"}}, want: []string{"1 1 A created - -"},
		},
		{
			name: "only the owner deletes", mapping: bySo + "conflict: replace\n", events: []event{{"H44.15", "1", "A", "created"}, {"H26", "1", "", ""}}, want: []string{"1 1 A created - -"},
		},
	}
	set, err := schemas.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	dataset, err := set.Dataset("hotich.khaisinh.v1")
	if err != nil {
		t.Fatal(err)
	}
	for kind, b := range bases(t) {
		sink := b.open(t)
		defer sink.Close()
		if err := sink.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		for i, c := range cases {
			t.Run(kind+"/"+c.name, func(t *testing.T) {
				table := fmt.Sprintf("%sbang%d", b.schema, i)
				b.make(t, table, !c.inbox)
				if c.own != nil {
					b.own(t, table, c.own...)
				}
				infos, err := sink.(adapters.SinkDescriber).Describe(t.Context(), table)
				if err != nil || len(infos) != 1 {
					t.Fatal(infos, err)
				}
				file, problems := mapping.Parse("m.yaml", []byte("dataset: hotich.khaisinh.v1\ntable: "+table+"\n"+c.mapping), nil)
				if problems != nil {
					t.Fatal(problems)
				}
				plan, problems := mapping.CompileSink(file, dataset, infos[0].Table, mapping.Env{Set: set, Agency: "H26"})
				if problems != nil {
					t.Fatal(problems)
				}
				if checker, ok := sink.(adapters.SinkChecker); ok {
					found, err := checker.CheckTargets(t.Context(), []*record.Target{plan.Target(table)})
					if err != nil || found.Err() != nil {
						t.Fatal(found, err)
					}
				}
				rejected := deliver(t, sink, plan, plan.Target(table), c.events)
				if diff := cmp.Diff(c.want, b.rows(t, table)); diff != "" || rejected != c.rejected {
					t.Errorf("%d rejected, want %d: %s", rejected, c.rejected, diff)
				}
			})
		}
	}
}

// deliver applies events one by one and counts those that the sink rejects.
func deliver(t *testing.T, sink adapters.Sink, plan *mapping.SinkPlan, target *record.Target, events []event) (rejected int) {
	t.Helper()
	tr := plan.NewTranslator()
	at := adapters.TopicPartition{Topic: target.Table}
	for i, e := range events {
		ev, doc := e.view(i + 1)
		c := record.Change{Target: target, Source: "urn:" + e.agency, Generation: 1, Sequence: ev.Sequence, Topic: at.Topic, Offset: int64(i)}
		if _, violations := tr.Change(ev, doc, &c); len(violations) > 0 {
			t.Fatal(violations)
		}
		from, to := adapters.Offsets{at: {Next: int64(i)}}, adapters.Offsets{at: {Next: int64(i) + 1}}
		err := sink.Apply(context.WithoutCancel(t.Context()), target.Pipeline, []record.Change{c}, from, to)
		var refused *adapters.RejectedError
		if errors.As(err, &refused) {
			rejected += len(refused.Rejections)
			err = sink.Apply(context.WithoutCancel(t.Context()), target.Pipeline, nil, from, to)
		}
		if err != nil {
			t.Fatalf("event %d: %v", i+1, err)
		}
	}
	return rejected
}
