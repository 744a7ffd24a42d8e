//go:build linux

package e2e

import (
	"context"
	"net/url"
	"regexp"
	"testing"
	"time"

	"github.com/lienthong/truc/tests/nodes"
	"github.com/lienthong/truc/tests/servers"
)

// failoverSince is the version of PostgreSQL from which on a slot follows a promotion.
const failoverSince = 17

// The database dies while clerks work, and its standby is promoted. From PostgreSQL 17 on, with what truc check asks for,
// the publisher goes on there, and in the end all sides are equal. Before, it stops and names what is missing, and a
// resnapshot mends it.
func TestFailover(t *testing.T) {
	t.Parallel()
	nodes.Tool(t, "kcat")
	primary := servers.NewPostgres(t)
	var version int
	if err := pool(t, primary.DSN).QueryRow(t.Context(), `SELECT current_setting('server_version_num')::int / 10000`).Scan(&version); err != nil {
		t.Fatal(err)
	}
	var settings []string
	if version >= failoverSince {
		settings = []string{"sync_replication_slots=on"}
	}
	standby := primary.NewStandby(t, settings...)
	r := newRegistry(t, either(t, primary.Database(t), standby.DSN), servers.Postgres(t).Database(t), servers.Kafka(t).Addr, 500)
	const rows = 1000
	r.fill(1, rows)
	admin, replica := pool(t, primary.DSN), pool(t, standby.DSN)
	if version >= failoverSince {
		r.exec(admin, `ALTER SYSTEM SET synchronized_standby_slots = 'standby'`)
		r.exec(admin, `SELECT pg_reload_conf()`)
	}
	pub := start(t, r.pub())
	start(t, r.sub())
	pub.await("the publisher streams", (*status).streaming)
	c := r.work(rows, true)
	if version >= failoverSince {
		eventually(t, "the standby has the slot", func() bool {
			var has bool
			r.exec(admin, `SELECT pg_log_standby_snapshot()`)
			err := replica.QueryRow(t.Context(), `SELECT count(*) > 0 FROM pg_replication_slots WHERE synced AND NOT temporary`).Scan(&has)
			return err == nil && has
		})
	}
	before := pub.await("changes flow", func(s *status) bool { return s.records() > rows+100 })
	primary.Kill()
	promote, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := replica.Exec(promote, `SELECT pg_promote()`); err != nil {
		t.Fatal(err)
	}
	if version >= failoverSince {
		pub.await("changes flow from the promoted standby", func(s *status) bool {
			return s.streaming() && s.records() > before.records()+50
		})
	} else {
		if code := pub.wait(); code != 5 || !regexp.MustCompile(`(gap|divergence) in source hotich: .*fix: .*truc resnapshot hotich`).MatchString(pub.Log.String()) {
			t.Errorf("ended with %d, want 5 and the advice:\n%s", code, pub.Log.Tail(10))
		}
		if got := nodes.Run(t, r.dir, "resnapshot", "hotich", "--yes", "-c", "pub.yaml"); got.Code != 0 {
			t.Fatalf("resnapshot: %s", got)
		}
		pub = start(t, r.pub())
		pub.await("the resnapshot is done", func(s *status) bool { return s.streaming() && s.Readers[0].Epoch > 1 })
	}
	c.rest(t)
	r.verified()
	r.equal()
}

// either is a DSN that finds whichever of two servers may be written to.
func either(t *testing.T, dsn, other string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	second, err := url.Parse(other)
	if err != nil {
		t.Fatal(err)
	}
	u.Host += "," + second.Host
	query := u.Query()
	query.Set("target_session_attrs", "read-write")
	u.RawQuery = query.Encode()
	return u.String()
}
