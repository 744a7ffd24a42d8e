//go:build linux

package e2e

import (
	"testing"
	"time"

	"github.com/lienthong/truc/tests/nodes"
)

// asked runs a command about a node and fails the test unless it is obeyed.
func (r *registry) asked(config string, args ...string) {
	r.t.Helper()
	if got := nodes.Run(r.t, r.dir, append(args, "-c", config)...); got.Code != 0 {
		r.t.Fatalf("truc %v: %s", args, got)
	}
}

// slots counts the replication slots of the office's database.
func (r *registry) slots() (n int) {
	r.t.Helper()
	if err := r.source.QueryRow(r.t.Context(), "SELECT count(*) FROM pg_replication_slots WHERE database = current_database()").Scan(&n); err != nil {
		r.t.Fatal(err)
	}
	return n
}

// While the node is down its slot is dropped by hand, and rows are deleted, changed, re-keyed and added. The node names the
// gap; the resnapshot that mends it is killed in the middle; in the end source, topic and sink are equal.
func TestForcedGap(t *testing.T) {
	t.Parallel()
	const rows = 10_000
	r := sharedRegistry(t, 500)
	r.fill(1, rows)
	start(t, r.sub())
	n := start(t, r.pub())
	before := n.await("streaming", (*status).streaming)
	n.Kill()
	eventually(t, "the slot is free", func() bool {
		_, err := r.source.Exec(t.Context(), "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database() AND NOT active")
		return err == nil && r.slots() == 0
	})
	r.exec(r.source, "DELETE FROM khai_sinh WHERE so LIKE '%3'; UPDATE khai_sinh SET ten = 'Khác' WHERE so LIKE '%4'; UPDATE khai_sinh SET so = 'K' || so WHERE so LIKE '%5'")
	r.fill(rows+1, rows+500)

	n = start(t, r.pub())
	if code := n.wait(); code != 5 || !n.Log.Has("gap in source hotich") || !n.Log.Has("truc resnapshot hotich") {
		t.Fatalf("ended with %d, want 5 and the advice:\n%s", code, n.Log.Tail(10))
	}
	r.asked("pub.yaml", "resnapshot", "hotich", "--yes")
	start(t, r.pub()).killWhile("resnapshot", 100*time.Millisecond, func(s *status) bool {
		return s.snapshotting() && s.Readers[0].Epoch > before.Readers[0].Epoch
	})
	n = start(t, r.pub())
	n.await("the resnapshot is done", func(s *status) bool { return s.streaming() && s.Readers[0].Epoch > before.Readers[0].Epoch })
	r.verified()
	r.equal()
}

// The insurer's table is damaged by hand in every way; a replay writes it again and is killed in the middle, while clerks
// work. In the end the table equals the topic and the source, under the first generation.
func TestReplayDamagedSink(t *testing.T) {
	t.Parallel()
	const rows = 20_000
	r := sharedRegistry(t, 1000)
	r.fill(1, rows)
	start(t, r.pub()).await("all is published", (*status).streaming)
	sub := start(t, r.sub())
	sub.await("all is delivered", func(s *status) bool { return len(s.Deliveries) == 1 && s.Deliveries[0].Applied >= rows*9/10 })
	r.exec(r.source, "DELETE FROM khai_sinh WHERE so LIKE '%77'")
	r.verified()
	r.exec(r.sink, `UPDATE tre_em SET ho_ten = 'Sai Rồi', so_the = so_the WHERE so LIKE '%1'; DELETE FROM tre_em WHERE so LIKE '%6';
INSERT INTO tre_em SELECT co_quan, '01/2026', '10077', 'Thêm Tay', '2020', 'M', NULL, NULL, NULL, NULL, NULL FROM tre_em LIMIT 1`)
	c := r.work(rows, false)
	r.asked("sub.yaml", "replay", "tre_em", "--yes")
	sub.killWhile("replay", 50*time.Millisecond, func(s *status) bool {
		return len(s.Deliveries) == 1 && s.Deliveries[0].Replay != nil && s.Deliveries[0].Behind > 0
	})
	sub = start(t, r.sub())
	done := sub.await("the replay is done", func(s *status) bool {
		return len(s.Deliveries) == 1 && s.Deliveries[0].Generation > 0 && s.Deliveries[0].Replay == nil
	})
	if g := done.Deliveries[0].Generation; g != 1 {
		t.Errorf("generation %d: the kill has begun another replay", g)
	}
	c.rest(t)
	r.verified()
	r.equal()
}

// A paused source stays paused over a kill, its server tells what it keeps, and nothing of what came meanwhile is lost.
func TestPaused(t *testing.T) {
	t.Parallel()
	r := sharedRegistry(t, 500)
	r.fill(1, 1000)
	start(t, r.sub())
	n := start(t, r.pub())
	n.await("streaming", (*status).streaming)
	c := r.work(1000, false)
	r.asked("pub.yaml", "pause", "hotich")
	paused := func(s *status) bool { return len(s.Readers) == 1 && s.Readers[0].State == "paused" }
	n.await("paused", paused)
	n.Kill()
	n = start(t, r.pub())
	s := n.await("paused again, and known what the server keeps", func(s *status) bool { return paused(s) && s.Readers[0].RetainedBytes != nil })
	t.Logf("the server keeps %d bytes", *s.Readers[0].RetainedBytes)
	if r.slots() != 1 {
		t.Errorf("%d slots, want the one of the paused source", r.slots())
	}
	c.rest(t)
	if s, ok := n.status(); !ok || s.records() != 0 {
		t.Errorf("a paused source read %d records", s.records())
	}
	r.asked("pub.yaml", "resume", "hotich")
	n.await("streaming again", (*status).streaming)
	r.verified()
	r.equal()
}
