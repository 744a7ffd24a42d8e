package postgres

import (
	"errors"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/tests/servers"
)

// Settings of the role or the database that end statements, waits and idle sessions do not end the source's.
func TestSettingsThatCutShort(t *testing.T) {
	for setting, hindrance := range map[string]func(*testing.T, *database, *client){
		"statement_timeout = '1ms'": func(*testing.T, *database, *client) {},
		"lock_timeout = '1ms'": func(t *testing.T, db *database, _ *client) {
			holder := newDatabase(t, db.dsn, `SET lock_timeout = 0`, `BEGIN`, `LOCK TABLE a`)
			released := make(chan struct{})
			t.Cleanup(func() { <-released })
			go func() {
				defer close(released)
				time.Sleep(300 * time.Millisecond)
				holder.run(`COMMIT`)
			}()
		},
		"idle_in_transaction_session_timeout = '1ms'": func(t *testing.T, _ *database, c *client) {
			v, err := c.Begin(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer v.Close()
			time.Sleep(100 * time.Millisecond)
			if _, rows, err := v.Fetch(t.Context(), "public.a", []string{"id"}, []record.Row{{record.IntValue(1)}}); err != nil || len(rows) != 1 {
				t.Errorf("fetched %d rows, %v", len(rows), err)
			}
		},
		"idle_session_timeout = '20ms'":      func(*testing.T, *database, *client) { time.Sleep(200 * time.Millisecond) },
		"default_transaction_read_only = on": func(*testing.T, *database, *client) {},
		"standard_conforming_strings = off":  func(*testing.T, *database, *client) {},
		"client_encoding = 'LATIN1'":         func(*testing.T, *database, *client) {},
	} {
		t.Run(setting, func(t *testing.T) {
			t.Parallel()
			dsn := servers.Postgres(t).Database(t)
			db := newDatabase(t, dsn, `CREATE TABLE a (id int PRIMARY KEY, v text)`, `INSERT INTO a VALUES (1, 'Nguyễn \ ''An''')`)
			db.run("ALTER DATABASE " + db.text("SELECT quote_ident(current_database())") + " SET " + setting)
			s := build(t, dsn, func(c *Config) { c.Slot = "truc_" + db.text("SELECT current_database()") })
			if err := s.Open(t.Context(), start(nil, "public.a")); err != nil {
				t.Fatal(err)
			}
			c := &client{source: s, t: t}
			hindrance(t, db, c)
			if diff := cmp.Diff([]string{`snapshot +(1,Nguyễn \ 'An')`, "snapshot-end"}, short(c.snapshotted(1))); diff != "" {
				t.Error(diff)
			}
			hindrance(t, db, c)
			db.run(`INSERT INTO a VALUES (2, 'Nguyễn \ ''An''')`) // a session that is older than the setting
			if diff := cmp.Diff([]string{`create +(2,Nguyễn \ 'An')`}, short(c.take(1))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A role with no more than REPLICATION and SELECT reads everything, partitions included. Row-level security that is put
// in its way later stops the snapshot: it does not leave rows out.
func TestSmallRole(t *testing.T) {
	dsn := servers.Postgres(t).Database(t)
	db := newDatabase(t, dsn, `CREATE ROLE truc_nho LOGIN REPLICATION PASSWORD 'nho'`,
		`CREATE TABLE p (nam int, id int, PRIMARY KEY (nam, id)) PARTITION BY LIST (nam)`, `CREATE TABLE p24 PARTITION OF p FOR VALUES IN (2024)`,
		`CREATE TABLE me (id int PRIMARY KEY)`, `CREATE TABLE con (PRIMARY KEY (id)) INHERITS (me)`, `CREATE TABLE an (id int PRIMARY KEY)`,
		`INSERT INTO p VALUES (2024, 1)`, `INSERT INTO me VALUES (1)`, `INSERT INTO con VALUES (2)`, `INSERT INTO an VALUES (1)`,
		`GRANT SELECT ON p, me, an TO truc_nho`,
		`CREATE PUBLICATION truc_h44_15_hotich FOR TABLE p, ONLY me, an WITH (publish_via_partition_root = true)`)
	t.Cleanup(func() { db.run(`DROP OWNED BY truc_nho`, `DROP ROLE truc_nho`) })
	small := with(t, dsn, func(u *url.URL) { u.User = url.UserPassword("truc_nho", "nho") })
	c := open(t, small, nil, "public.p", "public.me")
	want := []string{"snapshot +(2024,1)", "snapshot-end", "snapshot +(1)", "snapshot-end"}
	if diff := cmp.Diff(want, short(c.snapshotted(2))); diff != "" {
		t.Error(diff)
	}
	db.run(`INSERT INTO p VALUES (2024, 2)`, `INSERT INTO con VALUES (3)`, `DELETE FROM ONLY me`)
	if diff := cmp.Diff([]string{"create +(2024,2)", "delete -(1)"}, short(c.take(2))); diff != "" {
		t.Error(diff)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	c = open(t, small, c.position, "public.p", "public.me", "public.an")
	db.run(`ALTER TABLE an ENABLE ROW LEVEL SECURITY`)
	got, err := c.attempt(5 * time.Second)
	if _, ok := errors.AsType[*adapters.RefusedError](err); !ok || len(got) > 0 {
		t.Errorf("a table behind row-level security: %v, %v", show(got), err)
	}
	_ = c.Close()
}
