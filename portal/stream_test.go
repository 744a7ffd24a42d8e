package portal

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// stage is a portal whose node, clock and ticks a test moves by hand.
type stage struct {
	t    *testing.T
	site *Portal
	url  string
	tick chan time.Time
	stop func()

	mu    sync.Mutex
	now   time.Time
	state Status
	looks int
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{t: t, now: noon(), state: running(), tick: make(chan time.Time)}
	s.site = New(&Node{})
	s.site.live.look = func(_ context.Context, thorough bool) Status {
		s.mu.Lock()
		defer s.mu.Unlock()
		if thorough {
			s.looks++
		}
		copied := s.state // what was handed out is not changed any more
		copied.Readers, copied.Deliveries = slices.Clone(copied.Readers), slices.Clone(copied.Deliveries)
		return copied
	}
	s.site.live.now = func() time.Time { s.mu.Lock(); defer s.mu.Unlock(); return s.now }
	server := httptest.NewServer(s.site)
	s.url = server.URL
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan struct{})
	ready := make(chan struct{})
	go func() {
		defer close(ran)
		close(ready)
		s.site.live.run(ctx, s.tick)
	}()
	<-ready
	s.tick <- time.Time{} // from here on it runs
	s.stop = func() { cancel(); <-ran }
	t.Cleanup(func() {
		s.stop()
		server.CloseClientConnections()
		server.Close()
		http.DefaultClient.CloseIdleConnections()
	})
	return s
}

// pass lets time go by, changes the node, and lets the portal notice.
func (s *stage) pass(d time.Duration, change func(*Status)) {
	s.mu.Lock()
	s.now = s.now.Add(d)
	if change != nil {
		change(&s.state)
	}
	s.mu.Unlock()
	s.tick <- time.Time{}
	s.tick <- time.Time{} // the first is over when the second is taken
}

// client is an open stream.
type client struct {
	t     *testing.T
	body  io.ReadCloser
	lines *bufio.Scanner
}

func (s *stage) open(lang string) *client {
	s.t.Helper()
	response, err := http.Get(s.url + "/" + lang + "/events")
	if err != nil {
		s.t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "text/event-stream" || response.Header.Get("Cache-Control") != "no-store" || response.Header.Get("X-Accel-Buffering") != "no" {
		s.t.Fatalf("status %d, headers %v", response.StatusCode, response.Header)
	}
	s.t.Cleanup(func() { response.Body.Close() })
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 64<<20)
	return &client{s.t, response.Body, lines}
}

// next waits for the next event; ok is false when the stream has ended.
func (c *client) next() (m message, ok bool) {
	c.t.Helper()
	for c.lines.Scan() {
		if data, is := strings.CutPrefix(c.lines.Text(), "data: "); is {
			if err := json.Unmarshal([]byte(data), &m); err != nil {
				c.t.Fatal(err)
			}
			return m, true
		}
	}
	return m, false
}

func TestStreamSendsWhatChanged(t *testing.T) {
	s := newStage(t)
	vi, en := s.open("vi"), s.open("en")
	first, _ := vi.next()
	if len(first.Shapes) != 7 || first.Shapes["p0-0"].HTML == "" || first.Cells["p0-0"]["total"] != "1.234.567" || first.Boot == "" {
		t.Errorf("the first event is not the whole page: %v", first.Cells)
	}
	if m, _ := en.next(); m.Cells["p0-0"]["total"] != "1,234,567" {
		t.Errorf("in English: %v", m.Cells["p0-0"])
	}

	// A number that grows: that cell, the sums it is in, and no shape.
	s.pass(time.Second, func(n *Status) { n.Deliveries[0].Applied = 2_000_000 })
	m, _ := vi.next()
	if len(m.Shapes) != 0 || m.Cells["d0"]["applied"] != "2.000.000" || m.Cells["p0-0"] != nil {
		t.Errorf("a delivery went on; sent were the shapes %v and the cells %v", m.Shapes, m.Cells)
	}

	// A reader that fails: its shape, and what must be done.
	s.pass(time.Second, func(n *Status) { n.Readers[0].State, n.Readers[0].Fault = "failed", faultGap })
	m, _ = vi.next()
	for _, id := range []string{"r0", "p0-0", "summary", "issues"} {
		if m.Shapes[id].HTML == "" {
			t.Errorf("a reader failed, and %s was not sent anew", id)
		}
	}
	if m.Shapes["d0"].HTML != "" || !strings.Contains(m.Shapes["issues"].HTML, "truc resnapshot hotich") {
		t.Errorf("a reader failed; sent were %v", m.Shapes)
	}

	// Nothing but time goes by: what says how long ago something was.
	s.pass(time.Hour, func(n *Status) { n.Readers[0].LastSaved, n.Deliveries[0].LastApplied = nil, nil })
	m, _ = vi.next()
	if m.Cells["node"]["started"] == "" {
		t.Errorf("an hour went by; sent were %v", m.Cells)
	}

	// Nothing at all: silence, and then a sign of life.
	s.pass(time.Second, func(n *Status) { n.Readers, n.Deliveries = nil, nil })
	vi.next()
	before := s.at()
	s.pass(2*time.Second, nil)
	s.pass(heartbeat, nil)
	m, _ = vi.next()
	if len(m.Shapes)+len(m.Cells) != 0 || m.At == before {
		t.Errorf("a sign of life was due; sent were %v, %v, %v", m.At, m.Shapes, m.Cells)
	}
	s.pass(time.Second, func(n *Status) { n.Version = "2.0.0" })
	if m, _ = vi.next(); !strings.Contains(m.Shapes["node"].HTML, "2.0.0") {
		t.Errorf("after silence: %v", m.Shapes)
	}
}

func (s *stage) at() string {
	return newFormat(vietnamese).as(s.site.live.now()).stamp(s.site.live.now())
}

func TestManyViewersCostOneLook(t *testing.T) {
	s := newStage(t)
	var clients []*client
	for i := range 100 {
		c := s.open([]string{"vi", "en"}[i%2])
		clients = append(clients, c)
	}
	for _, c := range clients {
		if _, ok := c.next(); !ok {
			t.Fatal("a stream ended")
		}
	}
	s.mu.Lock()
	s.looks = 0
	s.mu.Unlock()
	s.pass(time.Second, func(n *Status) { n.Readers[0].Records++ })
	for _, c := range clients {
		if m, ok := c.next(); !ok || m.Cells["r0"]["records"] == "" {
			t.Fatal("a viewer was forgotten")
		}
	}
	if s.looks != 1 {
		t.Errorf("100 viewers made the node be looked at %d times in a second, want once", s.looks)
	}
}

// TestSlowViewerGetsTheWhole does not read for a while: nobody waits, and what it gets next is complete.
func TestSlowViewerGetsTheWhole(t *testing.T) {
	s := newStage(t)
	v, ok := s.site.live.join("vi") // as stream does, but nobody reads
	if !ok {
		t.Fatal("refused")
	}
	s.pass(0, nil) // the whole stands in its channel now
	for i := range 20 {
		s.pass(time.Second, func(n *Status) { n.Readers[0].Records = int64(i) })
	}
	<-v.message // long out of date
	s.pass(time.Second, func(n *Status) { n.Readers[0].Records = 77 })
	for records := ""; records != "77"; records = func() string {
		var m message
		if err := json.Unmarshal([]byte(strings.TrimPrefix(string(<-v.message), "data: ")), &m); err != nil {
			t.Fatal(err)
		}
		if m.Shapes["p0-0"].HTML == "" {
			t.Fatal("a viewer that missed something did not get the whole")
		}
		return m.Cells["r0"]["records"]
	}() {
		s.pass(time.Second, func(n *Status) { n.Started = n.Started.Add(-time.Hour) }) // something to say
	}
}

func TestGoneViewerIsForgotten(t *testing.T) {
	s := newStage(t)
	c := s.open("vi")
	c.next()
	c.body.Close()
	for {
		s.site.live.mu.Lock()
		n := len(s.site.live.viewers)
		s.site.live.mu.Unlock()
		if n == 0 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	looks := s.looks
	s.pass(10*time.Second, nil)
	if s.looks != looks {
		t.Error("nobody looks, and the node is looked at")
	}
	// Whoever comes then starts from the present, not from what the last viewer had.
	s.pass(time.Second, func(n *Status) { n.Readers[0].Records = 4711 })
	if m, _ := s.open("vi").next(); m.Cells["r0"]["records"] != "4.711" || m.Shapes["r0"].HTML == "" {
		t.Error("the next viewer does not get the whole")
	}
}

func TestStreamsEndWithThePortal(t *testing.T) {
	s := newStage(t)
	c := s.open("vi")
	c.next()
	s.stop()
	if _, ok := c.next(); ok {
		t.Error("something came after the end")
	}
	if err := c.lines.Err(); err != nil {
		t.Errorf("the stream was cut off, not ended: %v", err)
	}
	w := get(t, s.site, "/vi/events")
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("after the end: status %d", w.Code)
	}
	if w := get(t, s.site, "/vi"); w.Code != http.StatusOK {
		t.Errorf("the page itself: status %d", w.Code)
	}
}

// TestStuckViewer holds a connection open and never reads. It holds nothing up, and the server can go.
func TestStuckViewer(t *testing.T) {
	s := newStage(t)
	s.state = many()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET /vi/events HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	reading := s.open("vi")
	reading.next()
	for i := range 30 { // far more than the buffers of a connection hold
		s.pass(time.Second, func(n *Status) { n.Readers[0].Source = strings.Repeat("x", i+1); n.Readers[0].Records = int64(i) })
	}
	for {
		m, ok := reading.next()
		if !ok {
			t.Fatal("a viewer that reads was given up")
		}
		if m.Cells["r0"]["records"] == "29" {
			break
		}
		if strings.Contains(m.Shapes["r0"].HTML, ">29<") {
			break
		}
	}
}

func TestTooManyViewers(t *testing.T) {
	s := newStage(t)
	for range maxViewers {
		if _, ok := s.site.live.join("vi"); !ok {
			t.Fatal("refused too early")
		}
	}
	w := get(t, s.site, "/vi/events")
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("one too many: status %d", w.Code)
	}
}
