//go:build linux

package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/truc/tests/nodes"
)

// entityKey is the key of a registration on the topic.
func (r *registry) entityKey(number int) string {
	return fmt.Sprintf(`["%d","01/2026","%s"]`, number, r.agency)
}

// erased are the erasures that are done, as truc erase --log has them.
func (r *registry) erased() (done int) {
	r.t.Helper()
	got := nodes.Run(r.t, r.dir, "erase", "khaisinh", "--log", "--json", "-c", r.pub())
	var log struct{ Erasures []struct{ Done, Live bool } }
	if err := json.Unmarshal([]byte(got.Stdout), &log); err != nil || got.Code != 0 {
		r.t.Fatalf("erase --log: %v, %s", err, got)
	}
	for _, e := range log.Erasures {
		if e.Done && e.Live {
			done++
		}
	}
	return done
}

// Entities are erased while clerks work, and the node is killed on the way: each gets one deletion, whatever is sent again, its
// row goes from the insurer's table, and everything else is as it would have been.
func TestErase(t *testing.T) {
	t.Parallel()
	const rows = 2000
	r := sharedRegistry(t, 500)
	r.fill(1, rows)
	numbers := []int{rows + 1, rows + 2, rows + 6, rows + 7} // the clerks do not touch them, and the insurer takes them
	r.fill(rows+1, rows+9)
	pub, sub := start(t, r.pub()), start(t, r.sub())
	pub.await("streaming", (*status).streaming)
	there := func() (n int) {
		t.Helper()
		var list []string
		for _, number := range numbers {
			list = append(list, fmt.Sprintf("'%d'", number))
		}
		if err := r.sink.QueryRow(t.Context(), "SELECT count(*) FROM tre_em WHERE so IN ("+strings.Join(list, ",")+")").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	eventually(t, "the rows are delivered", func() bool { return there() == len(numbers) })
	if got := nodes.Run(t, r.dir, "erase", "khaisinh", r.entityKey(numbers[0]), "--reason", "Quyết định 1", "--yes", "-c", r.pub()); got.Code != 2 || !strings.Contains(got.Stderr, "still has the row") {
		t.Errorf("erase of a row that is there: %s", got)
	}
	c := r.work(rows, false)
	pub.Kill()
	for _, number := range numbers {
		r.asked("pub.yaml", "erase", "khaisinh", r.entityKey(number), "--reason", "Quyết định 1", "--force", "--yes", "--wait", "0s")
	}
	if got := nodes.Run(t, r.dir, "erase", "khaisinh", r.entityKey(numbers[0]), "--dry-run", "--json", "-c", r.pub()); got.Code != 0 || !strings.Contains(got.Stdout, `"live": true`) || strings.Contains(got.Stdout, r.entityKey(numbers[0])) {
		t.Errorf("what is where: %s", got)
	}
	for kill := range 4 {
		pub = start(t, r.pub())
		for begin := time.Now(); !pub.Log.Has("an entity was erased") && !pub.Ended() && time.Since(begin) < time.Duration(300+200*kill)*time.Millisecond; {
			time.Sleep(5 * time.Millisecond)
		}
		pub.Kill()
	}
	pub = start(t, r.pub())
	eventually(t, "all are erased", func() bool { return r.erased() == len(numbers) })
	eventually(t, "their rows are gone from the insurer's table", func() bool { return there() == 0 })
	deletions := map[string]int{}
	nodes.ReadTopic(t, r.broker, r.topic, func(e *nodes.Event) {
		if e.Payload == nil && e.Header("ce_trucredelivery") == "erase" {
			deletions[e.Key]++
		}
	})
	for _, number := range numbers {
		if n := deletions[r.entityKey(number)]; n != 1 || len(deletions) != len(numbers) {
			t.Errorf("registration %d was erased %d times, of %d entities", number, n, len(deletions))
		}
	}
	r.exec(r.source, fmt.Sprintf("DELETE FROM khai_sinh WHERE so::text = ANY (ARRAY['%d', '%d', '%d', '%d'])", numbers[0], numbers[1], numbers[2], numbers[3]))
	got := nodes.Run(t, r.dir, "erase", "khaisinh", r.entityKey(numbers[0]), "--reason", "Quyết định 2", "--yes", "--lang", "en", "-c", r.pub())
	if got.Code != 0 || !strings.Contains(got.Stdout, "its deletion was on the topic already") || !strings.Contains(got.Stdout, "delete.retention.ms") {
		t.Errorf("erase of what was deleted: %s", got)
	}
	c.rest(t)
	r.verified()
	r.equal()
	for name, n := range map[string]*node{"publisher": pub, "subscriber": sub} {
		if n.Log.Has(r.entityKey(numbers[0])) {
			t.Errorf("the log of the %s holds a key", name)
		}
	}
}
