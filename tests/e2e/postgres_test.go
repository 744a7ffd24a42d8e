//go:build linux

package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/lienthong/truc/tests/nodes"
)

// bigTable is how many rows the long tests use.
func bigTable(t *testing.T) int {
	t.Helper()
	text := os.Getenv("TRUC_E2E_ROWS")
	if text == "" {
		return 20_000
	}
	rows, err := strconv.Atoi(text)
	if err != nil || rows < 10_000 {
		t.Fatalf("TRUC_E2E_ROWS is %q, and must be a number from 10000", text)
	}
	return rows
}

// pauseBefore lets a process run on for a random moment, so that it is killed anywhere.
func pauseBefore(most time.Duration) { time.Sleep(rand.N(most)) }

// await polls the status until it is as wanted, and returns it.
func (n *node) await(what string, is func(*status) bool) status {
	n.t.Helper()
	var s status
	eventually(n.t, what, func() bool {
		if n.Ended() {
			n.t.Fatalf("truc ended with %d while waiting for: %s\n%s", n.ExitCode(), what, n.Log.Tail(40))
		}
		var ok bool
		s, ok = n.status()
		return ok && is(&s)
	})
	return s
}

// killWhile kills the node at a random moment of a phase: the status before the kill is the proof of the phase.
func (n *node) killWhile(phase string, most time.Duration, is func(*status) bool) {
	n.t.Helper()
	for {
		n.await(phase, is)
		pauseBefore(most)
		s, ok := n.status()
		if !ok || !is(&s) {
			continue // the phase was over before the kill: another one of its kind comes
		}
		n.Kill()
		line := phase
		for _, r := range s.Readers {
			line += fmt.Sprintf("; %d records read, snapshots %v, published %v", r.Records, r.Snapshots, r.Pipelines[0].Published)
		}
		for _, d := range s.Deliveries {
			line += fmt.Sprintf("; %d applied, %d behind", d.Applied, d.Behind)
		}
		n.t.Logf("killed in %s", line)
		n.fits("killed in " + phase)
		return
	}
}

// The whole promise: while clerks work, both nodes are killed again and again in every phase, and in the end source, topic
// and sink are equal, with nothing twice.
func TestKilledAndExact(t *testing.T) {
	t.Parallel()
	rows := bigTable(t)
	r := sharedRegistry(t, min(rows/100, 2000))
	r.fill(1, rows)
	c := r.work(rows, false)

	for i := range 2 {
		least := int64(i * rows / 4)
		start(t, r.pub()).killWhile("snapshot", 200*time.Millisecond, func(s *status) bool {
			return s.snapshotting() && s.Readers[0].Snapshots[0].Rows > least && s.Readers[0].Pipelines[0].Published["snapshot"] > 0
		})
	}
	pub := start(t, r.pub())
	pub.await("the snapshot is done", (*status).streaming)
	for range 2 {
		from := int64(-1)
		pub.killWhile("stream", 300*time.Millisecond, func(s *status) bool {
			if from < 0 {
				from = s.records()
			}
			return s.streaming() && s.records() > from+50
		})
		pub = start(t, r.pub())
	}

	for range 2 {
		start(t, r.sub()).killWhile("delivery", 100*time.Millisecond, func(s *status) bool {
			return len(s.Deliveries) > 0 && s.Deliveries[0].Applied > 0 && s.Deliveries[0].Behind > 0
		})
	}
	sub := start(t, r.sub())

	// One transaction over the whole table, and a kill in the middle of it.
	for i := range 2 {
		before := pub.await("running", (*status).streaming)
		r.exec(r.source, fmt.Sprintf("LOCK TABLE khai_sinh IN SHARE ROW EXCLUSIVE MODE; UPDATE khai_sinh SET nguoi_ky = 'Người ký %d'", i))
		pub.killWhile("a transaction of the whole table", 50*time.Millisecond, func(s *status) bool {
			n := s.records() - before.records()
			return n > int64(rows/100) && n < int64(rows*9/10)
		})
		pub = start(t, r.pub())
	}

	c.rest(t)
	r.verified()
	r.equal()
	pub.fits("publisher at its end")
	sub.fits("subscriber at its end")
	if code := pub.interrupt(); code != 130 {
		t.Errorf("publisher ends with %d, want 130", code)
	}
	r.damaged()
}

// verified asks truc itself whether all sides are equal, after everything has arrived.
func (r *registry) verified() {
	r.t.Helper()
	for _, config := range []string{r.pub(), r.sub()} {
		if got := nodes.Run(r.t, r.dir, "verify", "-c", config, "--settle", patience().String()); got.Code != 0 {
			r.t.Fatalf("truc verify -c %s: %s", config, got)
		}
	}
}

// damaged damages one row of the sink, then one of the source, with the publisher stopped: truc verify must name it.
func (r *registry) damaged() {
	r.t.Helper()
	const one = `(SELECT so FROM tre_em ORDER BY so LIMIT 1)`
	r.exec(r.sink, `UPDATE tre_em SET ho_ten = ho_ten || 'x' WHERE so = `+one)
	got := nodes.Run(r.t, r.dir, "verify", "-c", r.sub(), "--settle", "1s")
	if got.Code != 3 || !regexp.MustCompile(`(?m)^tre_em: NOT EQUAL: .*\n  khóa · key [0-9a-f]{12}: .* · content differs$`).MatchString(got.Stdout) {
		r.t.Errorf("one row of the sink is damaged: %s", got)
	}
	r.exec(r.sink, `UPDATE tre_em SET ho_ten = left(ho_ten, -1) WHERE so = `+one)
	r.exec(r.source, `DELETE FROM khai_sinh WHERE so = (SELECT so FROM khai_sinh WHERE trang_thai = 2 ORDER BY so LIMIT 1)`)
	got = nodes.Run(r.t, r.dir, "verify", "-c", r.pub(), "--settle", "1s")
	if got.Code != 3 || !regexp.MustCompile(`(?m)^khaisinh: NOT EQUAL: .*\n  khóa · key [0-9a-f]{12}: .* · only in the topic, not in the source$`).MatchString(got.Stdout) {
		r.t.Errorf("one row of the source is gone behind truc's back: %s", got)
	}
}
