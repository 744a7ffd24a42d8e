package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/tests/servers"
)

// with changes one part of a DSN.
func with(t *testing.T, dsn string, change func(*url.URL)) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	change(u)
	return u.String()
}

// A server that cannot be reached is to be waited for; one that refuses is not. Neither tells the password.
func TestOpenFails(t *testing.T) {
	const secret = "mat-khau-bi-mat"
	dsn := servers.Postgres(t).Database(t)
	newDatabase(t, dsn, `DROP ROLE IF EXISTS truc_test_plain`, `CREATE ROLE truc_test_plain LOGIN PASSWORD '`+secret+`'`, `CREATE TABLE a (id int PRIMARY KEY)`)
	user := func(name, password string) func(*url.URL) {
		return func(u *url.URL) { u.User = url.UserPassword(name, password) }
	}
	refused := func(what string) func(error) bool {
		return func(err error) bool {
			e, ok := errors.AsType[*adapters.RefusedError](err)
			return ok && strings.Contains(e.What.EN, what) && e.Fix.EN != "" && e.Where != ""
		}
	}
	unreachable := func(err error) bool {
		_, ok := errors.AsType[*adapters.UnreachableError](err)
		return ok
	}
	tests := map[string]struct {
		change func(*url.URL)
		table  string
		want   func(error) bool
	}{
		"nobody listens":        {func(u *url.URL) { user("postgres", secret)(u); u.Host = "127.0.0.1:1" }, "public.a", unreachable},
		"unknown host":          {func(u *url.URL) { user("postgres", secret)(u); u.Host = "khong-co.invalid:5432" }, "public.a", unreachable},
		"wrong password":        {user("truc_test_plain", secret+"x"), "public.a", refused("password")},
		"unknown role":          {user("khong_co", secret), "public.a", refused("refuses")},
		"unknown database":      {func(u *url.URL) { u.Path = "/khong_co" }, "public.a", refused("does not exist")},
		"without privileges":    {user("truc_test_plain", secret), "public.a", refused("may not read the log")},
		"unknown table":         {func(*url.URL) {}, "public.aa", refused("there is no table public.aa")},
		"table without a name":  {func(*url.URL) {}, "", refused("there is no table")},
		"keyword/value unknown": {func(u *url.URL) { u.RawQuery = "sslmode=require" }, "public.a", func(err error) bool { return err != nil }},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			c := defaults()
			c.DSN = with(t, dsn, test.change)
			s, err := newSource(c, adapters.Env{Name: "hotich", Agency: "H44.15", Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			err = s.Open(t.Context(), start(nil, test.table))
			if !test.want(err) {
				t.Errorf("open: %T %v", err, err)
			}
			for what, text := range map[string]string{"error": fmt.Sprintf("%v %+v", err, err), "log": log.String()} {
				if strings.Contains(text, secret) {
					t.Errorf("the %s holds the password", what)
				}
			}
		})
	}
}

// What the server says is repeated only where it cannot hold a value.
func TestServerErrorsHoldNoValues(t *testing.T) {
	const secret = "Nguyễn Văn An"
	s := &server{name: "postgres h:5432/d", config: &pgconn.Config{User: "doc", Database: "d"}}
	for _, code := range []string{"22P02", "22021", "23505", "23514", "27000", "38000", "39000", "44000", "HV000", "P0001"} {
		err := s.explain(&pgconn.PgError{Code: code, Message: secret, Detail: secret, Hint: secret, Where: secret, InternalQuery: secret})
		if text := fmt.Sprintf("%v %+v", err, err); strings.Contains(text, secret) || !strings.Contains(text, code) {
			t.Errorf("%s: %s", code, text)
		}
	}
	for _, code := range []string{"42601", "53300", "57P01", "40P01", "28000", "42501", "55006"} {
		err := s.explain(&pgconn.PgError{Code: code, Message: "reason", Detail: secret, Hint: secret, Where: secret, InternalQuery: secret})
		if text := fmt.Sprintf("%v %+v", err, err); strings.Contains(text, secret) || !strings.Contains(text, "reason") {
			t.Errorf("%s: %s", code, text)
		}
	}
}

func TestConfig(t *testing.T) {
	const secret = "mat-khau"
	for dsn, want := range map[string]int{
		"":                                  1,
		"postgres://u:" + secret + "@h:x/d": 1,
		"host=h password=" + secret + " port=abc":   1,
		"postgres://u:" + secret + "@h:5432/d":      0,
		"host=h user=u dbname=d password=" + secret: 0,
	} {
		c := defaults()
		c.DSN = dsn
		l := c.Validate()
		if len(l) != want {
			t.Errorf("%q: %v", dsn, l)
		}
		if strings.Contains(l.Error(), secret) {
			t.Errorf("the problem repeats the password: %v", l)
		}
	}
	c := &Config{DSN: "host=h", Slot: "Có Dấu", Publication: strings.Repeat("x", 64), Schema: "truc"}
	var where []string
	for _, p := range c.Validate() {
		where = append(where, p.Where)
	}
	if diff := cmp.Diff([]string{"slot", "publication", "chunk_rows"}, where); diff != "" {
		t.Error(diff)
	}
	if got := ownName(adapters.Env{Name: "Hộ-tịch", Agency: "H44.15"}); !slotNames.MatchString(got) || !strings.HasPrefix(got, "truc_h44_15_h") {
		t.Errorf("slot %q", got)
	}
}

// Every finding of the preflight carries the statement that mends it, and mending them all in turn leaves nothing.
func TestPreflight(t *testing.T) {
	pg := servers.NewPostgres(t, "wal_level=replica", "max_replication_slots=1", "max_slot_wal_keep_size=10MB")
	dsn := pg.Database(t)
	db := newDatabase(t, dsn,
		`CREATE ROLE doc LOGIN PASSWORD 'doc'`,
		`CREATE TABLE khai_sinh (id int PRIMARY KEY)`,
		`CREATE TABLE khong_khoa (id int)`,
		`CREATE TABLE co_chi_muc (id int NOT NULL UNIQUE)`,
		`CREATE TABLE khong_dinh_danh (id int PRIMARY KEY)`, `ALTER TABLE khong_dinh_danh REPLICA IDENTITY NOTHING`,
		`CREATE UNLOGGED TABLE tam (id int PRIMARY KEY)`,
		`CREATE VIEW xem AS SELECT * FROM khai_sinh`,
		`CREATE TABLE p (id int PRIMARY KEY) PARTITION BY LIST (id)`, `CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1)`,
		`CREATE TABLE an (id int PRIMARY KEY)`, `ALTER TABLE an ENABLE ROW LEVEL SECURITY`,
		`SELECT pg_create_physical_replication_slot('taken')`,
	)
	reader := with(t, dsn, func(u *url.URL) { u.User = url.UserPassword("doc", "doc") })
	tables := []string{"public.khai_sinh", "public.khong_khoa", "public.co_chi_muc", "public.khong_dinh_danh", "public.tam", "public.xem", "public.p1", "public.an", "public.khai_sin"}
	check := func(dsn string, tables ...string) (codes []string, list problem.List) {
		t.Helper()
		list, err := build(t, dsn).Check(t.Context(), tables)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range list {
			if p.Fix.EN == "" || p.Where == "" {
				t.Errorf("no remedy: %+v", p)
			}
			codes = append(codes, strings.TrimPrefix(p.Code, "postgres."))
		}
		return codes, list
	}
	want := []string{
		"source.unknown-table", "wal-level", "slots", "replication-privilege", "slot-wal-keep",
		"select-privilege",           // khai_sinh
		"no-key", "select-privilege", // khong_khoa
		"no-key", "select-privilege", // co_chi_muc
		"replica-identity", "select-privilege", // khong_dinh_danh
		"unlogged", "not-a-table", "partition",
		"select-privilege", "row-security", "publication",
	}
	err := build(t, reader).Scan(t.Context(), "public.khai_sinh", func(*record.Table, []record.Row) error { return nil })
	if e, ok := errors.AsType[*adapters.RefusedError](err); !ok || e.Fix.EN != `GRANT USAGE ON SCHEMA "public" TO "doc"; GRANT SELECT ON "public"."khai_sinh" TO "doc"` {
		t.Errorf("a table that may not be read: %v", err)
	}
	got, list := check(reader, tables...)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if list[0].Fix.EN != "did you mean public.khai_sinh?" {
		t.Errorf("unknown table: %s", list[0].Fix)
	}
	mend := func(list problem.List) {
		for _, p := range list {
			switch strings.TrimPrefix(p.Code, "postgres.") {
			case "replication-privilege", "select-privilege", "row-security", "replica-identity", "unlogged":
				db.run(p.Fix.EN)
			case "no-key":
				if strings.Contains(p.What.EN, "co_chi_muc") {
					db.run(p.Fix.EN)
				}
			case "publication":
				db.run(strings.TrimPrefix(p.Fix.EN, "as their owner: "))
			}
		}
	}
	mend(list[:len(list)-1])
	db.run(`ALTER TABLE khong_khoa ADD PRIMARY KEY (id)`, `SELECT pg_drop_replication_slot('taken')`,
		`ALTER SYSTEM SET wal_level = 'logical'`, `ALTER SYSTEM SET max_slot_wal_keep_size = -1`)
	good := []string{"public.khai_sinh", "public.khong_khoa", "public.co_chi_muc", "public.khong_dinh_danh", "public.tam", "public.an"}
	_, list = check(reader, good...)
	mend(list)
	_ = db.Close(context.Background())
	pg.Stop()
	pg.Start()
	// The test's server has its wal_level on the command line, above ALTER SYSTEM.
	if got, _ := check(reader, good...); !cmp.Equal(got, []string{"wal-level", "slot-wal-keep"}) {
		t.Errorf("after everything was mended: %v", got)
	}
}

// A connection that breaks is an UnreachableError, and what was read before is not lost: the next source goes on after it.
func TestServerDies(t *testing.T) {
	pg := servers.NewPostgres(t)
	dsn := pg.Database(t)
	db := newDatabase(t, dsn, `CREATE TABLE a (id int PRIMARY KEY)`)
	c := open(t, dsn, nil, "public.a")
	c.snapshotted(1)
	db.run(`INSERT INTO a VALUES (1)`)
	c.take(1)
	broken := make(chan error, 1)
	go func() {
		for {
			b, err := c.Read(context.Background())
			if err != nil {
				broken <- err
				return
			}
			b.Release()
		}
	}()
	pg.Kill()
	err := <-broken
	if _, ok := errors.AsType[*adapters.UnreachableError](err); !ok {
		t.Errorf("read: %v", err)
	}
	if _, err := c.Read(t.Context()); err == nil {
		t.Error("a broken source reads on")
	}
	if err := c.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	pg.Start()
	newDatabase(t, dsn, `INSERT INTO a VALUES (2)`)
	c = open(t, dsn, c.position, "public.a")
	if diff := cmp.Diff([]string{"public.a create +(2)"}, show(c.take(1))); diff != "" {
		t.Error(diff)
	}
}

// The slot of a predecessor that hangs is taken from it.
func TestTerminate(t *testing.T) {
	db := newDatabase(t, servers.Postgres(t).Database(t), `CREATE TABLE a (id int PRIMARY KEY)`)
	first := open(t, db.dsn, nil, "public.a")
	first.snapshotted(1)
	second := build(t, db.dsn)
	if err := second.Terminate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := second.Open(t.Context(), start(first.position, "public.a")); err != nil {
		t.Fatal(err)
	}
	if _, err := first.Read(t.Context()); err == nil {
		t.Error("the predecessor reads on")
	}
	db.run(`INSERT INTO a VALUES (1)`)
	(&client{source: second, t: t}).take(1)
	third := build(t, db.dsn)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err := third.Open(ctx, start(first.position, "public.a"))
	if _, ok := errors.AsType[*adapters.UnreachableError](err); !ok || !strings.Contains(err.Error(), "active") {
		t.Errorf("a slot in use: %v", err)
	}
}

// Slots have names in the whole server: one of another database is not taken from its reader.
func TestTerminateSparesOtherDatabases(t *testing.T) {
	first := newDatabase(t, servers.Postgres(t).Database(t), `CREATE TABLE a (id int PRIMARY KEY)`)
	second := newDatabase(t, servers.Postgres(t).Database(t), `CREATE TABLE a (id int PRIMARY KEY)`)
	c := open(t, first.dsn, nil, "public.a")
	c.snapshotted(1)
	s := build(t, second.dsn)
	if err := s.Terminate(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := s.Open(t.Context(), start(nil, "public.a"))
	if e, ok := errors.AsType[*adapters.RefusedError](err); !ok || !strings.Contains(e.What.EN, "belongs to somebody else") {
		t.Errorf("open: %v", err)
	}
	first.run(`INSERT INTO a VALUES (1)`)
	c.take(1)
}

// A standby is refused by name. After its promotion the timeline is another: a position from before the switch goes on,
// one from beyond it has diverged.
func TestPromotion(t *testing.T) {
	pg := servers.NewPostgres(t)
	dsn := pg.Database(t)
	db := newDatabase(t, dsn, `CREATE TABLE a (id int PRIMARY KEY)`)
	c := open(t, dsn, nil, "public.a")
	c.snapshotted(1)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	_ = db.Close(context.Background())
	pg.Stop()
	signal := filepath.Join(pg.DataDir, "standby.signal")
	if err := os.WriteFile(signal, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	pg.Start()
	err := build(t, dsn).Open(t.Context(), start(c.position, "public.a"))
	if e, ok := errors.AsType[*adapters.RefusedError](err); !ok || !strings.Contains(e.What.EN, "standby") {
		t.Fatalf("a standby: %v", err)
	}
	db = newDatabase(t, dsn, `SELECT pg_promote()`, `INSERT INTO a VALUES (1)`)
	beyond := edit(t, c.position, func(p map[string]any) { p["confirmed"] = db.text(`SELECT pg_current_wal_lsn()::text`) })
	err = build(t, dsn).Open(t.Context(), start(beyond, "public.a"))
	if e, ok := errors.AsType[*adapters.DivergenceError](err); !ok || !strings.Contains(e.Reason.EN, "left the saved timeline") {
		t.Fatalf("beyond the switch: %v", err)
	}
	c = open(t, dsn, c.position, "public.a")
	if diff := cmp.Diff([]string{"public.a create +(1)"}, show(c.take(1))); diff != "" {
		t.Error(diff)
	}
	if p, _, _ := parsePosition(c.position); p.Timeline != 2 {
		t.Errorf("timeline %d", p.Timeline)
	}
}

func TestSwitchPoint(t *testing.T) {
	history := []byte("1\t0/3000000\tno recovery target specified\n\n2\t0/5000060\tbefore 2026-01-01\n")
	for timeline, want := range map[int32]lsn{1: 0x3000000, 2: 0x5000060} {
		if got, ok := switchPoint(history, timeline); !ok || got != want {
			t.Errorf("timeline %d was left at %s, %v", timeline, got, ok)
		}
	}
	if _, ok := switchPoint(history, 3); ok {
		t.Error("timeline 3 is not in the history")
	}
}

func TestDescribe(t *testing.T) {
	db := newDatabase(t, servers.Postgres(t).Database(t),
		`CREATE TABLE khai_sinh (nam int, so varchar(10), ho_ten text NOT NULL, do_dai int GENERATED ALWAYS AS (length(ho_ten)) STORED, tuoi numeric(3,1), PRIMARY KEY (so, nam))`,
		`CREATE SCHEMA "Khác"`, `CREATE TABLE "Khác"."Bảng" (id int PRIMARY KEY, nam_ks int, so_ks varchar(10), cha int REFERENCES "Khác"."Bảng", FOREIGN KEY (nam_ks, so_ks) REFERENCES khai_sinh (nam, so))`, `ALTER TABLE "Khác"."Bảng" REPLICA IDENTITY FULL`)
	s := build(t, db.dsn)
	all, err := s.Describe(t.Context())
	if err != nil || len(all) != 2 {
		t.Fatalf("%d tables, %v", len(all), err)
	}
	one, err := s.Describe(t.Context(), "public.khai_sinh")
	if err != nil {
		t.Fatal(err)
	}
	var columns []string
	for _, c := range one[0].Table.Columns {
		columns = append(columns, fmt.Sprint(c.Name, " ", c.Type, " ", c.Kind, " ", c.Nullable))
	}
	want := []string{"nam integer int false", "so character varying(10) text false", "ho_ten text text false", "tuoi numeric(3,1) decimal true"}
	if diff := cmp.Diff(want, columns); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]int{1, 0}, one[0].Table.Key); diff != "" {
		t.Error(diff)
	}
	if one[0].IdentityFix == "" || all[0].IdentityFix != "" {
		t.Errorf("identity fixes %q, %q", one[0].IdentityFix, all[0].IdentityFix)
	}
	relations := []adapters.Relation{
		{Columns: []string{"cha"}, Table: "Khác.Bảng", References: []string{"id"}},
		{Columns: []string{"nam_ks", "so_ks"}, Table: "public.khai_sinh", References: []string{"nam", "so"}},
	}
	if diff := cmp.Diff(relations, all[0].Relations); diff != "" || one[0].Relations != nil {
		t.Errorf("%s\nkhai_sinh has %v", diff, one[0].Relations)
	}
	_, err = s.Describe(t.Context(), "khai_sinh")
	if p, ok := errors.AsType[*problem.Problem](err); !ok || p.Code != "source.unknown-table" || p.Fix.EN != "did you mean public.khai_sinh?" {
		t.Errorf("unknown table: %v", err)
	}
	db.run(`CREATE VIEW ten AS SELECT ho_ten FROM khai_sinh`)
	_, err = s.Describe(t.Context(), "public.ten")
	if p, ok := errors.AsType[*problem.Problem](err); !ok || p.Code != "postgres.not-a-table" || p.Fix.EN != "name the table behind it" {
		t.Errorf("a view: %v", err)
	}
	db.run(`DROP VIEW ten`, `CREATE SCHEMA "a.b"`, `CREATE SCHEMA a`, `CREATE TABLE "a.b".c (id int PRIMARY KEY)`, `CREATE TABLE a."b.c" (id int PRIMARY KEY)`)
	_, err = s.Describe(t.Context(), "a.b.c")
	if p, ok := errors.AsType[*problem.Problem](err); !ok || p.Code != "source.ambiguous-table" {
		t.Errorf("two tables of one name: %v", err)
	}
	// A table whose rows hold a generated column is read without it, as the log is.
	c := open(t, db.dsn, nil, "public.khai_sinh", "Khác.Bảng")
	c.snapshotted(2)
	db.run(`INSERT INTO khai_sinh VALUES (1, 's', 'An')`)
	if diff := cmp.Diff([]string{"public.khai_sinh create +(1,s,An,∅)"}, show(c.take(1))); diff != "" {
		t.Error(diff)
	}
}
