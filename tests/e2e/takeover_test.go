//go:build linux

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lienthong/truc/tests/nodes"
)

// within is how soon another node must go on.
const within = 15 * time.Second

func standby(s *status) bool { return len(s.Readers) > 0 && s.Readers[0].State == "standby" }

// walsender is the process of the server that the slot of the source feeds; another number means another session. 0: none.
func (r *registry) walsender() int {
	r.t.Helper()
	var pid int
	if err := r.source.QueryRow(r.t.Context(), `SELECT coalesce(max(active_pid), 0) FROM pg_replication_slots WHERE database = current_database()`).Scan(&pid); err != nil {
		r.t.Fatal(err)
	}
	return pid
}

// askable is a configuration with which truc status finds a node that listens on a port of its own choice.
func (r *registry) askable(n *node) string {
	r.t.Helper()
	text, err := os.ReadFile(r.pub())
	if err != nil {
		r.t.Fatal(err)
	}
	path := filepath.Join(r.dir, "status.yaml")
	address := strings.TrimPrefix(n.Log.Attribute("truc is running", "http"), "http://")
	nodes.Write(r.t, path, strings.Replace(string(text), "127.0.0.1:0", address, 1))
	return path
}

// goesOn waits until a node that stood by publishes, and fails the test when that took too long since an event.
func (n *node) goesOn(since time.Time, after string) {
	n.t.Helper()
	n.await("the other node goes on after "+after, func(s *status) bool {
		return s.streaming() && s.Readers[0].Pipelines[0].Published["updated"] > 0
	})
	took := time.Since(since)
	n.t.Logf("the other node has published %s after %s", took.Round(10*time.Millisecond), after)
	if took > within {
		n.t.Errorf("the other node goes on %s after %s, it has %s", took, after, within)
	}
}

// Two publishers with one configuration. The second stands by without disturbing the first. The first is frozen in full flow,
// with requests under way, for longer than its session: the second takes over. The first thaws: nothing of it lands, and it
// stands by. The second is killed: the first goes on.
func TestTwoNodes(t *testing.T) {
	t.Parallel()
	r := sharedRegistry(t, 500)
	const rows = 5000
	r.fill(1, rows)
	c := r.work(rows, false)
	first := start(t, r.pub())
	start(t, r.sub())
	first.await("the first streams", (*status).streaming)
	feeds := r.walsender()

	second := start(t, r.pub())
	s := second.await("the second stands by", standby)
	if s.Readers[0].Holder == "" || s.Standby == nil || len(s.NotReady) > 0 {
		t.Errorf("the second stands by, but does not say well for whom: %+v", s)
	}
	eventually(t, "the second logs that it stands by", func() bool { return second.Log.Has("standing by: another node reads the source") })
	if got := nodes.Run(t, r.dir, "status", "-c", r.askable(second)); got.Code != 0 || !strings.Contains(got.Stdout, "source hotich: standby since ") ||
		!strings.Contains(got.Stdout, s.Readers[0].Holder+" đang đọc nguồn này; nút này tự tiếp quản") {
		t.Errorf("truc status of the second: %s", got)
	}
	before := first.await("the first goes on", func(s *status) bool { return s.records() > 0 })
	first.await("the first goes on", func(s *status) bool { return s.records() > before.records()+50 })
	if now := r.walsender(); now != feeds {
		t.Errorf("the second, standing by, interrupts the first: the slot fed process %d, and feeds %d", feeds, now)
	}

	r.exec(r.source, "LOCK TABLE khai_sinh IN SHARE ROW EXCLUSIVE MODE; UPDATE khai_sinh SET nguoi_ky = 'Người ký khác'")
	before = first.await("the first is in the middle of a transaction", func(s *status) bool { return s.records() > before.records()+200 })
	first.Signal(syscall.SIGSTOP)
	frozen := time.Now()
	t.Logf("frozen after %d records", before.records())
	second.goesOn(frozen, "the first was frozen")
	feeds = r.walsender()
	first.Signal(syscall.SIGCONT)
	first.await("the first, thawed, stands by", standby)
	before = second.await("the second goes on", func(s *status) bool { return s.records() > 0 })
	second.await("the second goes on", func(s *status) bool { return s.records() > before.records()+50 })
	if now := r.walsender(); now != feeds {
		t.Errorf("the first, thawed, interrupts the second: the slot fed process %d, and feeds %d", feeds, now)
	}

	before = first.await("the first still stands by", standby)
	published := before.Readers[0].Pipelines[0].Published["updated"]
	second.Kill()
	killed := time.Now()
	first.await("the first goes on after the second was killed", func(s *status) bool {
		return s.streaming() && s.Readers[0].Pipelines[0].Published["updated"] > published
	})
	if took := time.Since(killed); took > within {
		t.Errorf("the first goes on %s after the second was killed, it has %s", took, within)
	} else {
		t.Logf("the first has published %s after the second was killed", took.Round(10*time.Millisecond))
	}
	c.rest(t)
	r.verified()
	r.equal()
}

// A node that runs alone and is killed waits for nobody when it is started again.
func TestLoneRestart(t *testing.T) {
	t.Parallel()
	r := sharedRegistry(t, 500)
	const rows = 500
	r.fill(1, rows)
	c := r.work(rows, false)
	pub := start(t, r.pub())
	pub.await("it streams", func(s *status) bool { return s.streaming() && s.records() > rows })
	pub.Kill()
	started := time.Now()
	pub = start(t, r.pub())
	pub.await("it publishes again", func(s *status) bool { return s.records() > 0 })
	t.Logf("from the start of the process to the first change: %s", time.Since(started).Round(10*time.Millisecond))
	if pub.Log.Has("standing by") {
		t.Errorf("it waits for the one that was killed:\n%s", pub.Log.Tail(10))
	}
	c.rest(t)
	if got := nodes.Run(t, r.dir, "verify", "-c", r.pub(), "--settle", patience().String()); got.Code != 0 {
		t.Fatalf("truc verify: %s", got)
	}
	r.topicEqual(&complaints{t: t}, documents)
}

// Delivery scales over both nodes: they share the partitions. The first is frozen for longer than its session, and thaws: it
// writes nothing that the second has delivered. Then the second is killed, and the first delivers what is left.
func TestSubscriberTakeOver(t *testing.T) {
	t.Parallel()
	r := sharedRegistry(t, 1000)
	const rows = 10_000
	r.fill(1, rows)
	start(t, r.pub()).await("all is published", func(s *status) bool { return s.streaming() })
	first := start(t, r.sub())
	first.await("the first delivers", func(s *status) bool {
		return len(s.Deliveries) > 0 && s.Deliveries[0].Applied > 0 && s.Deliveries[0].Behind > 0
	})
	first.Signal(syscall.SIGSTOP)
	c := r.work(rows, false)
	second := start(t, r.sub())
	second.await("the second delivers", func(s *status) bool {
		return len(s.Deliveries) > 0 && s.Deliveries[0].Applied > 100
	})
	first.Signal(syscall.SIGCONT)
	shared := func(s *status) bool { return len(s.Deliveries) > 0 && s.Deliveries[0].Partitions > 0 }
	a := first.await("the first has partitions again", shared)
	b := second.await("the second has partitions too", func(s *status) bool {
		return shared(s) && s.Deliveries[0].Partitions+a.Deliveries[0].Partitions == 6
	})
	t.Logf("shared: %d and %d partitions", a.Deliveries[0].Partitions, b.Deliveries[0].Partitions)
	first.await("the first delivers its share", func(s *status) bool { return s.Deliveries[0].Applied > a.Deliveries[0].Applied })
	second.Kill()
	c.rest(t)
	r.verified()
	r.equal()
}
