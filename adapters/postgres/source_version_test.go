package postgres

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/tests/servers"
)

// From PostgreSQL 18 on a slot that nobody reads may be given up after a time: it is foretold, and named when it happened.
func TestIdleSlot(t *testing.T) {
	pg := servers.NewPostgres(t, "max_slot_wal_keep_size=10GB")
	db := newDatabase(t, pg.Database(t), `CREATE TABLE a (id int PRIMARY KEY)`)
	c := open(t, db.dsn, nil, "public.a")
	c.snapshotted(1)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	check := func() problem.List {
		t.Helper()
		list, err := build(t, db.dsn).Check(t.Context(), []string{"public.a"})
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	if list := check(); len(list) > 0 {
		t.Errorf("on a server without such a bound: %v", list)
	}
	if db.version() < 18 {
		return
	}
	db.run(`ALTER SYSTEM SET idle_replication_slot_timeout = '1s'`, `SELECT pg_reload_conf()`)
	// A checkpoint looks for such slots.
	for db.text(`SELECT coalesce(invalidation_reason, '') FROM pg_replication_slots`) != "idle_timeout" {
		db.run(`CHECKPOINT`)
	}
	list := check()
	if len(list) != 2 || list[0].Code != adapters.GapCode || list[1].Code != "postgres.idle-slot-timeout" || !strings.Contains(list[1].What.EN, "1s") {
		t.Errorf("check: %v", list)
	}
	err := build(t, db.dsn).Open(t.Context(), start(c.position, "public.a"))
	if e, ok := errors.AsType[*adapters.GapError](err); !ok || !strings.Contains(e.Reason.EN, "nobody has read it since 20") {
		t.Errorf("open: %v", err)
	}
	db.run(`ALTER SYSTEM SET idle_replication_slot_timeout = '30d'`, `SELECT pg_reload_conf()`)
	db.eventually(`SELECT (current_setting('idle_replication_slot_timeout') = '30d')::text`)
	if list := check(); len(list) != 1 {
		t.Errorf("with room for a holiday: %v", list)
	}
}

// Generated columns are left out of the snapshot and of the log alike, whatever kind the version has; a publication that
// sends them (PostgreSQL 18) is refused with the statement that mends it.
func TestGeneratedColumns(t *testing.T) {
	db := newDatabase(t, servers.Postgres(t).Database(t),
		`CREATE TABLE a (id int PRIMARY KEY, v text, dai int GENERATED ALWAYS AS (length(v)) STORED)`)
	want := []string{"public.a +(1,An)", "public.a create +(2,Bình)", "public.a update +(2,Bảo)"}
	if db.version() >= 18 {
		db.run(`ALTER TABLE a ADD ao int GENERATED ALWAYS AS (id * 2) VIRTUAL`)
		slot := "truc_" + db.text(`SELECT current_database()`)
		db.run(`CREATE PUBLICATION ` + slot + ` FOR TABLE a WITH (publish_via_partition_root = true, publish_generated_columns = stored)`)
		s := build(t, db.dsn, func(c *Config) { c.Publication, c.Slot = slot, slot })
		err := s.Open(t.Context(), start(nil, "public.a"))
		e, ok := errors.AsType[*adapters.RefusedError](err)
		if !ok || !strings.Contains(e.Fix.EN, "publish_generated_columns = none") {
			t.Fatalf("open: %v", err)
		}
		db.run(e.Fix.EN)
		if err := s.Open(t.Context(), start(nil, "public.a")); err != nil {
			t.Fatalf("after the remedy: %v", err)
		}
		_ = s.Close()
	}
	db.run(`INSERT INTO a (id, v) VALUES (1, 'An')`)
	c := open(t, db.dsn, nil, "public.a")
	got := show(c.snapshotted(1))
	db.run(`INSERT INTO a (id, v) VALUES (2, 'Bình')`, `UPDATE a SET v = 'Bảo' WHERE id = 2`)
	got = append(got, show(c.take(2))...)
	got = slices.DeleteFunc(got, func(s string) bool { return strings.Contains(s, "snapshot-end") })
	for i := range got {
		got[i] = strings.Replace(got[i], " snapshot", "", 1)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// NOT NULL that was never checked for the rows of before (PostgreSQL 18) promises nothing.
func TestNotNullNotValid(t *testing.T) {
	db := newDatabase(t, servers.Postgres(t).Database(t), `CREATE TABLE a (id int PRIMARY KEY, v text)`, `INSERT INTO a VALUES (1, NULL)`)
	nullable := func() bool {
		t.Helper()
		found, err := build(t, db.dsn).Describe(t.Context(), "public.a")
		if err != nil {
			t.Fatal(err)
		}
		return found[0].Table.Columns[1].Nullable
	}
	if db.version() >= 18 {
		db.run(`ALTER TABLE a ADD CONSTRAINT v_co NOT NULL v NOT VALID`)
	}
	if !nullable() {
		t.Error("a column that holds a null is said to hold none")
	}
	db.run(`UPDATE a SET v = 'x'`, `ALTER TABLE a ALTER v SET NOT NULL`)
	if nullable() {
		t.Error("a column that holds no null is said to hold some")
	}
}

// A transaction that was prepared is read when it is committed, once, and not at all when it is rolled back.
func TestPreparedTransactions(t *testing.T) {
	pg := servers.NewPostgres(t, "max_prepared_transactions=5")
	db := newDatabase(t, pg.Database(t), `CREATE TABLE a (id int PRIMARY KEY)`)
	c := open(t, db.dsn, nil, "public.a")
	c.snapshotted(1)
	db.run(`BEGIN`, `INSERT INTO a VALUES (1)`, `PREPARE TRANSACTION 'mot'`,
		`BEGIN`, `INSERT INTO a VALUES (2)`, `PREPARE TRANSACTION 'hai'`,
		`INSERT INTO a VALUES (3)`, `ROLLBACK PREPARED 'hai'`, `COMMIT PREPARED 'mot'`)
	if diff := cmp.Diff([]string{"public.a create +(3)", "public.a create +(1)"}, show(c.take(2))); diff != "" {
		t.Error(diff)
	}
}
