//go:build linux

package e2e

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/truc/tests/nodes"
)

// A mapping whose codes are those of another office: every row is wrong.
var wrongCodes = strings.NewReplacer(`"Nam": "1", "Nữ": "2"`, `"M": "1", "F": "2"`)

// mapped writes the publisher's mapping.
func (r *registry) mapped(text string) {
	nodes.Write(r.t, filepath.Join(r.dir, "khai_sinh.yaml"), text)
}

// retried is the result of truc dlq retry, as --json prints it.
type retried struct {
	Requested int64
	Result    retryResult
}

type retryResult struct {
	Total, Resolved, Gone, Newer, Unknown int64
	Wrong                                 map[string]int64
	Resumed                               int
	Done                                  bool
}

func (r *registry) retry(wait string) retried {
	r.t.Helper()
	got := nodes.Run(r.t, r.dir, "dlq", "retry", "khaisinh", "-c", r.pub(), "--json", "--wait", wait)
	var out retried
	if err := json.Unmarshal([]byte(got.Stdout), &out); err != nil || got.Code != 0 {
		r.t.Fatalf("dlq retry: %v, %s", err, got)
	}
	return out
}

// noLetters fails the test when a dead letter is open.
func (r *registry) noLetters() {
	r.t.Helper()
	if got := nodes.Run(r.t, r.dir, "dlq", "list", "-c", r.pub(), "--limit", "3"); got.Code != 0 || got.Stdout != "0 thư lỗi đang mở · 0 open dead letters\n" {
		r.t.Errorf("letters are open: %s", got)
	}
}

// A wrong mapping over many rows stops with few letters; once it is mended, the rows that were not read are read, and one
// retry closes all letters.
func TestWrongMappingStops(t *testing.T) {
	t.Parallel()
	r := sharedRegistry(t, 500)
	right := fmt.Sprintf(registryMapping, r.agency)
	r.mapped(wrongCodes.Replace(right))
	r.fill(1, bigTable(t))
	pub := start(t, r.pub())
	if code := pub.wait(); code != 1 || !pub.Log.Has("the mapping does not fit the data") {
		t.Fatalf("a wrong mapping ends the node with %d:\n%s", code, pub.Log.Tail(10))
	}
	pub.fits("a wrong mapping")
	r.exec(r.source, "DELETE FROM khai_sinh WHERE so::int % 7 = 0")
	r.exec(r.source, "UPDATE khai_sinh SET ten = 'Đổi' WHERE so::int % 11 = 0")
	r.exec(r.source, "UPDATE khai_sinh SET so = 'M' || so WHERE so::int % 13 = 0")
	r.mapped(right)
	pub = start(t, r.pub())
	got := r.retry(patience().String())
	if s := got.Result; !s.Done || s.Total < 500 || s.Gone == 0 || len(s.Wrong) > 0 || s.Unknown > 0 {
		t.Errorf("retry: %+v", got)
	}
	t.Logf("retry: %+v", got)
	pub.await("the snapshot is done", (*status).streaming)
	start(t, r.sub())
	r.verified()
	r.noLetters()
	r.equal()
	pub.fits("publisher at its end")
}

// As many letters as rows, while clerks work; a retry that is killed again and again closes them all, and nothing is on the
// topic twice.
func TestRetryOfManyLetters(t *testing.T) {
	t.Parallel()
	rows := bigTable(t)
	r := sharedRegistry(t, 2000)
	right := fmt.Sprintf(registryMapping, r.agency)
	r.mapped(wrongCodes.Replace(right))
	nodes.Write(t, r.pub(), read(t, r.pub())+"errorBudget: { openLetters: 1000000000 }\n")
	r.fill(1, rows)
	pub := start(t, r.pub())
	pub.await("the snapshot is through", (*status).streaming)
	c := r.work(rows, false)
	pub.await("changes have letters", func(s *status) bool { return s.records() > int64(rows+100) })
	c.rest(t)
	pub.await("all is read", func(s *status) bool {
		return s.Readers[0].Pipelines[0].DeadLetters.Open > int64(rows)/2 && s.Readers[0].State == "running"
	})
	pub.fits("publisher of dead letters")
	if code := pub.interrupt(); code != 130 {
		t.Fatalf("the publisher ends with %d", code)
	}
	c = r.work(rows, false)
	time.Sleep(outageTime()) // rows change and vanish while nobody reads
	c.rest(t)
	r.mapped(right)
	if got := r.retry("0s"); got.Requested < int64(rows)/2 {
		t.Errorf("%d letters were asked for", got.Requested)
	}
	began := time.Now()
	total := int64(0)
	for kill := range int64(3) {
		pub = start(t, r.pub())
		pub.await("letters are being closed", func(s *status) bool {
			l := s.Readers[0].Pipelines[0].DeadLetters
			total = max(total, l.Open)
			return l.Open > 0 && l.Open < total*(4-kill)/5
		})
		pub.Kill()
		pub.fits("killed in a retry")
	}
	pub = start(t, r.pub())
	got := r.awaitRetry()
	t.Logf("retry, with kills, took %s: %+v", time.Since(began).Round(time.Millisecond), got)
	if !got.Done || got.Resumed < 1 || got.Resolved < int64(rows)/4 || got.Gone == 0 || len(got.Wrong) > 0 || got.Unknown > 0 {
		t.Errorf("retry: %+v", got)
	}
	start(t, r.sub())
	r.verified()
	r.noLetters()
	r.equal()
	pub.fits("publisher at its end")
}

// awaitRetry waits until the last retry is done, and returns its result.
func (r *registry) awaitRetry() (result retryResult) {
	r.t.Helper()
	eventually(r.t, "the retry is done", func() bool {
		got := nodes.Run(r.t, r.dir, "dlq", "list", "khaisinh", "-c", r.pub(), "--summary", "--json")
		var out []struct{ LastRetry json.RawMessage }
		if err := json.Unmarshal([]byte(got.Stdout), &out); err != nil || len(out) != 1 || out[0].LastRetry == nil {
			return false
		}
		return json.Unmarshal(out[0].LastRetry, &result) == nil && result.Done
	})
	return result
}
