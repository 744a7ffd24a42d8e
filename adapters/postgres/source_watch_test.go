package postgres

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/tests/servers"
)

// What a publication leaves out leaves no trace in the log: a running source looks for it, and the next start finds it too.
func TestPublicationAlteredWhileReading(t *testing.T) {
	gap := func(reason string) func(error) bool {
		return func(err error) bool {
			e, ok := errors.AsType[*adapters.GapError](err)
			return ok && strings.Contains(e.Reason.EN, reason)
		}
	}
	for name, test := range map[string]struct {
		damage []string
		want   func(error) bool
	}{
		"unpublished":       {[]string{`ALTER PUBLICATION truc_h44_15_hotich DROP TABLE a`}, gap("was altered")},
		"unpublished while": {[]string{`ALTER PUBLICATION truc_h44_15_hotich DROP TABLE a`, `ALTER PUBLICATION truc_h44_15_hotich ADD TABLE a`}, gap("was altered")},
		"inserts only":      {[]string{`ALTER PUBLICATION truc_h44_15_hotich SET (publish = 'insert')`}, gap("was altered")},
		"some columns":      {[]string{`ALTER PUBLICATION truc_h44_15_hotich SET TABLE a (id)`}, gap("was altered")},
		"dropped":           {[]string{`DROP PUBLICATION truc_h44_15_hotich`}, gap("was altered")},
		"created again":     {[]string{`DROP TABLE a`, `CREATE TABLE a (id int PRIMARY KEY)`}, gap("another table")},
		"exchanged":         {[]string{`ALTER TABLE a RENAME TO c`, `ALTER TABLE b RENAME TO a`}, gap("another table")},
		"table dropped": {[]string{`DROP TABLE a`}, func(err error) bool {
			e, ok := errors.AsType[*adapters.RefusedError](err)
			return ok && strings.Contains(e.What.EN, "does not exist any more")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := newDatabase(t, servers.Postgres(t).Database(t), `CREATE TABLE a (id int PRIMARY KEY)`, `CREATE TABLE b (id int PRIMARY KEY)`)
			s := build(t, db.dsn, func(c *Config) { c.Slot = "truc_watch_" + strings.ReplaceAll(name, " ", "_") })
			s.watchEvery = 20 * time.Millisecond
			if err := s.Open(t.Context(), start(nil, "public.a")); err != nil {
				t.Fatal(err)
			}
			c := &client{source: s, t: t}
			c.snapshotted(1)
			// What does not concern it does not stop it.
			db.run(`ANALYZE a`, `ALTER TABLE a RENAME TO d`, `ALTER TABLE d RENAME TO a`, `ALTER PUBLICATION truc_h44_15_hotich ADD TABLE b`, `ALTER TABLE a ADD COLUMN v text`)
			if got := c.during(200 * time.Millisecond); len(got) > 0 {
				t.Fatal(show(got))
			}
			db.run(strings.Join(test.damage, "; ")) // in one transaction
			if _, err := c.attempt(5 * time.Second); !test.want(err) {
				t.Errorf("read: %v", err)
			}
		})
	}
}

// A publication that hides rows or columns is refused: what somebody hid on purpose truc does not publish by itself.
func TestFilteringPublication(t *testing.T) {
	db := newDatabase(t, servers.Postgres(t).Database(t), `CREATE TABLE a (id int PRIMARY KEY, v text)`, `CREATE TABLE b (id int PRIMARY KEY, v text)`,
		`CREATE PUBLICATION truc_h44_15_hotich FOR TABLE a (id), b WHERE (id > 5) WITH (publish_via_partition_root = true)`)
	list, err := build(t, db.dsn).Check(t.Context(), []string{"public.a", "public.b"})
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	for _, p := range list {
		codes = append(codes, p.Code)
	}
	if diff := cmp.Diff([]string{"postgres.slot-wal-keep", "postgres.publication-filter", "postgres.publication-filter"}, codes); diff != "" {
		t.Fatal(diff)
	}
	for _, p := range list[1:] {
		err := build(t, db.dsn).Open(t.Context(), start(nil, "public.a", "public.b"))
		if e, ok := errors.AsType[*adapters.RefusedError](err); !ok || !strings.Contains(e.What.EN, "filters rows or columns") {
			t.Fatalf("open: %v", err)
		}
		db.run(p.Fix.EN)
	}
	c := open(t, db.dsn, nil, "public.a", "public.b")
	c.snapshotted(2)
	db.run(`INSERT INTO b VALUES (1, 'x')`)
	if diff := cmp.Diff([]string{"create +(1,x)"}, short(c.take(1))); diff != "" {
		t.Error(diff)
	}
}
