package postgres

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/tests/servers"
)

// TestHistoryBeyondThePosition: a server that was restored from a backup and written to since has something else where events
// came from that are on the topics. That is told also where no position says so, because they are newer than it, or it is the first.
func TestHistoryBeyondThePosition(t *testing.T) {
	for name, saved := range map[string]bool{"before the first position": false, "after a position": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := newDatabase(t, servers.Postgres(t).Database(t), `CREATE TABLE a (id int PRIMARY KEY)`)
			slot := "truc_history_" + strings.Fields(name)[0]
			named := func(c *Config) { c.Slot = slot }
			again := func(floor uint64, position []byte) (*client, error) {
				st := start(position, "public.a")
				st.Opened, st.Floor.Major = position == nil && floor > 0, floor
				s := build(t, db.dsn, named)
				return &client{source: s, t: t}, s.Open(t.Context(), st)
			}
			c, err := again(0, nil)
			if err != nil {
				t.Fatal(err)
			}
			c.snapshotted(1)
			var position []byte
			if saved {
				position = c.position
			}
			db.run(`INSERT INTO a VALUES (1)`)
			published := c.take(1)[0].Order.Major
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			db.released()
			db.run(`INSERT INTO a VALUES (2)`, `INSERT INTO a VALUES (3)`)

			if c, err = again(published, position); err != nil {
				t.Fatal(err)
			}
			c.until("what came after", func(r record.Record) bool { return r.After != nil && r.After[0].Num == 3 })
			_ = c.Close()
			db.released()

			if c, err = again(published+8, position); err != nil {
				t.Fatal(err)
			}
			got, err := c.attempt(10 * time.Second)
			if e, ok := errors.AsType[*adapters.DivergenceError](err); !ok || !strings.Contains(e.Reason.EN, "written to since") {
				t.Errorf("read %v: %v", show(got), err)
			}
			_ = c.Close()
			db.released()

			db.run(`SELECT pg_drop_replication_slot('`+slot+`')`, `SELECT pg_create_logical_replication_slot('`+slot+`', 'pgoutput')`)
			_, err = again(published, position)
			if e, ok := errors.AsType[*adapters.GapError](err); !ok || !strings.Contains(e.Reason.EN, "created again") {
				t.Errorf("open with another slot: %v", err)
			}
		})
	}
}
