package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/tests/servers"
)

// version is the major version of the server.
func (d *database) version() int {
	d.t.Helper()
	var n int
	if err := d.QueryRow(context.Background(), `SELECT current_setting('server_version_num')::int / 10000`).Scan(&n); err != nil {
		d.t.Fatal(err)
	}
	return n
}

// eventually waits until a query gives true.
func (d *database) eventually(sql string) {
	d.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); d.text(sql) != "true"; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			d.t.Fatalf("waiting for %s", sql)
		}
	}
}

// at is a DSN that leads to another server.
func at(t *testing.T, dsn, server string) string {
	t.Helper()
	other, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	return with(t, dsn, func(u *url.URL) { u.Host = other.Host })
}

// A standby is promoted after the primary died. From PostgreSQL 17 on the slot is there too, and the source goes on; what
// it read before the standby had it, it does not read as long as the server keeps the order. Whatever else there is, is
// a gap or a divergence with a name.
func TestFailover(t *testing.T) {
	for name, ordered := range map[string]bool{"standby first": true, "truc first": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			primary := servers.NewPostgres(t)
			version := newDatabase(t, primary.DSN).version()
			var settings []string
			if version >= failoverSince {
				settings = []string{"sync_replication_slots=on"}
			}
			standby := primary.NewStandby(t, settings...)
			dsn := primary.Database(t)
			db := newDatabase(t, dsn, `CREATE TABLE a (id int PRIMARY KEY)`)
			newDatabase(t, standby.DSN).eventually(`SELECT (count(*) = 1)::text FROM pg_database WHERE datname = '` + db.text(`SELECT current_database()`) + `'`)
			if version >= failoverSince && ordered {
				db.run(`ALTER SYSTEM SET synchronized_standby_slots = 'standby'`, `SELECT pg_reload_conf()`)
				db.eventually(`SELECT (current_setting('synchronized_standby_slots') = 'standby')::text`)
			}
			c := open(t, dsn, nil, "public.a")
			c.snapshotted(1)
			acknowledge := func(row int) {
				t.Helper()
				db.run(fmt.Sprintf(`INSERT INTO a VALUES (%d)`, row))
				c.take(1)
				if err := c.Ack(t.Context(), c.position); err != nil {
					t.Fatal(err)
				}
			}
			acknowledge(1)
			replica := newDatabase(t, at(t, dsn, standby.DSN))
			if version >= failoverSince {
				// The standby keeps the slot once the primary's has moved to where the standby can begin to read the log.
				deadline := time.Now().Add(time.Minute)
				for row := 100; replica.text(`SELECT (count(*) > 0)::text FROM pg_replication_slots WHERE synced AND NOT temporary AND failover`) != "true"; row++ {
					if time.Now().After(deadline) {
						t.Fatal("the standby does not take over the slot")
					}
					db.run(`SELECT pg_log_standby_snapshot()`)
					acknowledge(row)
				}
			}
			db.run(`INSERT INTO a VALUES (2)`)
			c.take(1)
			replica.eventually(`SELECT (count(*) = 1)::text FROM a WHERE id = 2`)
			_ = replica.Close(t.Context())
			standby.Stop()
			follows := version >= failoverSince && ordered
			if follows || !ordered {
				db.run(`INSERT INTO a VALUES (3)`)
				early, err := c.attempt(time.Second)
				if err != nil || follows != (len(early) == 0) {
					t.Fatalf("before a standby had it, the source read %v, %v", show(early), err)
				}
			}
			primary.Kill()
			_ = c.Close()
			standby.Start()
			replica = newDatabase(t, at(t, dsn, standby.DSN), `SELECT pg_promote()`, `INSERT INTO a VALUES (4)`)

			if !follows {
				err := build(t, replica.dsn).Open(t.Context(), start(c.position, "public.a"))
				diverged, isDivergence := errors.AsType[*adapters.DivergenceError](err)
				gap, isGap := errors.AsType[*adapters.GapError](err)
				if !ordered && (!isDivergence || !strings.Contains(diverged.Reason.EN, "left the saved timeline")) ||
					ordered && (!isGap || !strings.Contains(gap.Reason.EN, "did not follow the promotion")) {
					t.Fatalf("open: %v", err)
				}
				return
			}
			c = open(t, replica.dsn, c.position, "public.a")
			if diff := cmp.Diff([]string{"public.a create +(4)"}, show(c.take(1))); diff != "" {
				t.Errorf("read on the promoted standby (-want +got):\n%s", diff)
			}
		})
	}
}

// The preflight says what is missing for a failover, where there are standbys.
func TestStandbyFindings(t *testing.T) {
	primary := servers.NewPostgres(t, "max_slot_wal_keep_size=10GB")
	db := newDatabase(t, primary.Database(t), `CREATE TABLE a (id int PRIMARY KEY)`)
	version := db.version()
	check := func() (codes []string) {
		t.Helper()
		list, err := build(t, db.dsn).Check(t.Context(), []string{"public.a"})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range list {
			if !p.Warning || p.Fix.Empty() || p.Where == "" {
				t.Errorf("not a warning with a remedy: %+v", p)
			}
			codes = append(codes, strings.TrimPrefix(p.Code, "postgres."))
		}
		return codes
	}
	expect := func(state string, want ...string) {
		t.Helper()
		if version < failoverSince && want != nil {
			want = []string{"failover"}
		}
		if diff := cmp.Diff(want, check()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", state, diff)
		}
	}
	setting := func(name, value string) {
		t.Helper()
		if version < failoverSince {
			return
		}
		db.run(`ALTER SYSTEM SET `+name+` = '`+value+`'`, `SELECT pg_reload_conf()`)
		db.eventually(`SELECT (current_setting('` + name + `') = '` + value + `')::text`)
	}
	expect("alone")
	_ = db.Close(t.Context())
	standby := primary.NewStandby(t, "hot_standby_feedback=off")
	db = newDatabase(t, db.dsn)
	db.eventually(`SELECT (count(*) = 1)::text FROM pg_stat_replication WHERE state = 'streaming'`)
	expect("a standby", "failover-sync", "failover-feedback", "failover-order")
	setting("sync_replication_slots", "on")
	setting("synchronized_standby_slots", "standby")
	expect("configured here", "failover-feedback")
	replica := newDatabase(t, standby.DSN)
	if err := build(t, db.dsn, func(c *Config) { c.DSN = at(t, db.dsn, standby.DSN) }).Open(t.Context(), start(nil, "public.a")); err == nil || !strings.Contains(err.Error(), "standby") {
		t.Errorf("a standby as source: %v", err)
	}
	_ = replica.Close(t.Context())
	standby.Stop()
	db.eventually(`SELECT (NOT active)::text FROM pg_replication_slots WHERE slot_name = 'standby'`)
	expect("the standby is down", "failover-waits")
	setting("synchronized_standby_slots", "")
	db.run(`SELECT pg_drop_replication_slot('standby')`)
	expect("the standby was taken away")
	list, err := build(t, db.dsn, func(c *Config) { c.Failover = false }).Check(t.Context(), []string{"public.a"})
	if err != nil || len(list) > 0 {
		t.Errorf("without failover: %v, %v", list, err)
	}
}

// The slot follows a promotion as the configuration says, also one that was there before.
func TestSlotFollowsConfiguration(t *testing.T) {
	db := newDatabase(t, servers.Postgres(t).Database(t), `CREATE TABLE a (id int PRIMARY KEY)`)
	slot := "truc_" + db.text(`SELECT current_database()`)
	db.run(`SELECT pg_create_logical_replication_slot('` + slot + `', 'pgoutput')`)
	want := func(failover bool) string {
		if db.version() < failoverSince {
			return "no such thing"
		}
		return strconv.FormatBool(failover)
	}
	for _, failover := range []bool{true, false} {
		s := build(t, db.dsn, func(c *Config) { c.Slot, c.Failover = slot, failover })
		if err := s.Open(t.Context(), start(nil, "public.a")); err != nil {
			t.Fatal(err)
		}
		got := db.text(`SELECT coalesce(to_jsonb(s)->>'failover', 'no such thing') FROM pg_replication_slots s WHERE slot_name = '` + slot + `'`)
		if got != want(failover) {
			t.Errorf("failover %v: the slot has %s", failover, got)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	fresh := build(t, db.dsn, func(c *Config) { c.Slot = slot + "_moi" })
	if err := fresh.Open(t.Context(), start(nil, "public.a")); err != nil {
		t.Fatal(err)
	}
	if got := db.text(`SELECT coalesce(to_jsonb(s)->>'failover', 'no such thing') FROM pg_replication_slots s WHERE slot_name = '` + slot + `_moi'`); got != want(true) {
		t.Errorf("a new slot has %s", got)
	}
}
