//go:build linux

package e2e

import (
	"syscall"
	"testing"
)

// Two publishers with one configuration. The first is frozen in full flow, with requests under way; the second takes over;
// the first thaws. Nothing of the first may land any more, and it must end and say why.
func TestTakeOver(t *testing.T) {
	t.Parallel()
	r := sharedRegistry(t, 500)
	const rows = 5000
	r.fill(1, rows)
	c := r.work(rows, false)
	first := start(t, r.pub())
	start(t, r.sub())
	before := first.await("the first streams", (*status).streaming)

	r.exec(r.source, "LOCK TABLE khai_sinh IN SHARE ROW EXCLUSIVE MODE; UPDATE khai_sinh SET nguoi_ky = 'Người ký khác'")
	s := first.await("the first is in the middle of a transaction", func(s *status) bool { return s.records() > before.records()+100 })
	first.Signal(syscall.SIGSTOP)
	t.Logf("frozen after %d records, of which %d were read before the transaction", s.records(), before.records())

	second := start(t, r.pub())
	second.await("the second has published on its own", func(s *status) bool {
		return s.streaming() && s.Readers[0].Pipelines[0].Published["updated"] > 100
	})
	first.Signal(syscall.SIGCONT)
	if code := first.wait(); code != 6 {
		t.Errorf("the first ends with %d, want 6: a node that is started again would take the source back", code)
	}
	if !first.Log.Has("another truc has taken this source over") {
		t.Errorf("the first does not say that it was taken over:\n%s", first.Log.Tail(10))
	}
	c.rest(t)
	r.verified()
	r.equal()
	if second.Ended() {
		t.Errorf("the second has ended too:\n%s", second.Log.Tail(10))
	}
}

// The same with the delivering side: a frozen subscriber writes nothing after another has taken its partitions.
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
	c.rest(t)
	r.verified()
	r.equal()
}
