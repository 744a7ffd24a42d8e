package alerts

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lienthong/truc/pipeline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// board is a web server that collects what is posted to it.
type board struct {
	*httptest.Server
	mu      sync.Mutex
	notices []Notice
	headers []http.Header
	bodies  []string
	paths   []string
	tries   int
	// answer decides the status of a try, from 1; nil takes everything.
	answer func(try int) int
	// posted has an element for every try.
	posted chan struct{}
}

func newBoard(t *testing.T, answer func(try int) int) *board {
	t.Helper()
	b := &board{answer: answer, posted: make(chan struct{}, 1000)}
	b.Server = httptest.NewServer(b)
	t.Cleanup(func() {
		b.Close()
		http.DefaultTransport.(*http.Transport).CloseIdleConnections() //nolint:forcetypeassert,nolintlint // it is one
	})
	return b
}

func (b *board) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	b.mu.Lock()
	defer b.mu.Unlock()
	defer func() { b.posted <- struct{}{} }()
	b.tries++
	if b.answer != nil {
		if code := b.answer(b.tries); code != 0 {
			http.Redirect(w, r, "/elsewhere", code)
			return
		}
	}
	var n Notice
	if err := json.Unmarshal(body, &n); err != nil {
		http.Error(w, "no JSON", http.StatusBadRequest)
		return
	}
	b.notices, b.headers, b.bodies = append(b.notices, n), append(b.headers, r.Header), append(b.bodies, string(body))
	b.paths = append(b.paths, r.URL.Path)
}

func (b *board) taken() []Notice {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]Notice(nil), b.notices...)
}

func testConfig(targets ...Target) Config {
	for i := range targets {
		targets[i].Name = "alerts[" + string(rune('0'+i)) + "]"
		if targets[i].Stale == 0 {
			targets[i].Rules = DefaultRules()
		}
	}
	return Config{
		Agency: "H44.15", Node: "may1", Targets: targets, Every: time.Hour, FirstRetry: time.Millisecond, Log: slog.New(slog.DiscardHandler),
		Sample: func(context.Context) Sample {
			return Sample{Loops: []Loop{{Where: "source hotich", State: pipeline.StateFailed, Err: errors.New("no such table"), Retained: -1}}}
		},
	}
}

// watched runs an alerter until enough says so, then ends it.
func watched(t *testing.T, cfg Config, enough func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- New(cfg).Run(ctx) }()
	enough()
	cancel()
	select {
	case err := <-done:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the alerts do not end")
	}
}

// TestWebhook: a notice is posted, signed as Standard Webhooks says, and again until it is taken.
func TestWebhook(t *testing.T) {
	b := newBoard(t, func(try int) int {
		switch try {
		case 1:
			return http.StatusServiceUnavailable
		case 2:
			return http.StatusTemporaryRedirect // a signed notice is not carried on to elsewhere
		}
		return 0
	})
	cfg := testConfig(Target{Webhook: b.URL + "/hook", Secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"})
	cfg.Now = func() time.Time { return time.Unix(1_770_000_000, 0) }
	watched(t, cfg, func() {
		for range 3 {
			<-b.posted
		}
	})
	got := b.taken()
	if len(got) != 1 || got[0].Status != Firing || got[0].Event != Stopped || got[0].Agency != "H44.15" || got[0].Node != "may1" || got[0].Detail != "no such table" || b.paths[0] != "/hook" {
		t.Fatalf("taken: %+v", got)
	}
	h := b.headers[0]
	if id := h.Get("Webhook-Id"); id != got[0].ID || h.Get("Webhook-Timestamp") != "1770000000" || h.Get("Content-Type") != "application/json" {
		t.Errorf("headers %v", h)
	}
	if want := sign(signingKey("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), got[0].ID, "1770000000", []byte(b.bodies[0])); h.Get("Webhook-Signature") != want {
		t.Errorf("signature %q, want %q", h.Get("Webhook-Signature"), want)
	}
}

// TestSign: the example of the Standard Webhooks specification.
func TestSign(t *testing.T) {
	got := sign(signingKey("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestUnreachableHoldsUpNobody: a target that does not answer holds up neither the others nor the end, and its address, which may
// be a secret, is in no log.
func TestUnreachableHoldsUpNobody(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	b := newBoard(t, nil)
	var log strings.Builder
	cfg := testConfig(Target{Webhook: "http://" + l.Addr().String() + "/SECRET-PATH"}, Target{Webhook: b.URL}, Target{Webhook: "http://127.0.0.1:1/SECRET-PATH"})
	cfg.Log = slog.New(slog.NewTextHandler(&lockedWriter{w: &log}, nil))
	cfg.Drain = 200 * time.Millisecond
	watched(t, cfg, func() { <-b.posted })
	if len(b.taken()) != 1 {
		t.Errorf("taken: %+v", b.taken())
	}
	if strings.Contains(log.String(), "SECRET") || !strings.Contains(log.String(), "was not delivered") {
		t.Errorf("log:\n%s", log.String())
	}
}

type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// TestGivenUp: what nobody takes is given up, and the next notice has its turn.
func TestGivenUp(t *testing.T) {
	b := newBoard(t, func(try int) int {
		if try <= retries+1 {
			return http.StatusInternalServerError
		}
		return 0
	})
	cfg := testConfig(Target{Webhook: b.URL})
	cfg.FirstRetry = time.Microsecond
	var log strings.Builder
	cfg.Log = slog.New(slog.NewTextHandler(&lockedWriter{w: &log}, nil))
	cfg.Sample = func(context.Context) Sample {
		return Sample{Loops: []Loop{
			{Where: "source a", State: pipeline.StateFailed, Retained: -1}, {Where: "source b", State: pipeline.StateFailed, Retained: -1},
		}}
	}
	watched(t, cfg, func() {
		for range retries + 2 {
			<-b.posted
		}
	})
	if got := b.taken(); len(got) != 1 || got[0].Where != "source b" || strings.Count(log.String(), "an alert was given up") != 1 {
		t.Errorf("taken: %+v\n%s", got, log.String())
	}
}

// TestLastWords: what ends the node is still told.
func TestLastWords(t *testing.T) {
	b := newBoard(t, nil)
	cfg := testConfig(Target{Webhook: b.URL})
	looks := make(chan struct{}, 10)
	failed := cfg.Sample
	first := true
	cfg.Sample = func(ctx context.Context) Sample {
		defer func() { looks <- struct{}{} }()
		if first {
			first = false
			return Sample{}
		}
		return failed(ctx)
	}
	watched(t, cfg, func() { <-looks })
	if got := b.taken(); len(got) != 1 {
		t.Errorf("taken: %+v", got)
	}
}

// TestQueueIsBounded: nobody waits for a place, and the oldest goes.
func TestQueueIsBounded(t *testing.T) {
	dropped := 0
	q := newQueue(func() { dropped++ })
	for i := range queueLength + 3 {
		if err := q.put(&Notice{ID: string(rune('A' + i))}); err != nil {
			t.Fatal(err)
		}
	}
	if m, _ := q.take(); dropped != 3 || len(q.waiting) != queueLength-1 || m.UUID != "D" {
		t.Errorf("%d dropped, %d wait, the first is %q", dropped, len(q.waiting)+1, m.UUID)
	}
}

func script(t *testing.T, text string) string {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("a shell script")
	}
	path := filepath.Join(t.TempDir(), "sms")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestCommand: a command gets its arguments as they are and the notice on its standard input, and no secret of the node.
func TestCommand(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	t.Setenv("HOTICH_DSN", "SECRET")
	path := script(t, `{ echo "$1|$HOTICH_DSN|$TRUC_ALERT_ID"; cat; } > "$2.part" && mv "$2.part" "$2"`)
	cfg := testConfig(Target{Command: []string{path, "a; rm -rf $HOME", out}})
	if got := New(cfg).Test(t.Context()); len(got) != 1 || got[0].Error != "" {
		t.Fatalf("test: %+v", got)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	head, body, _ := strings.Cut(string(text), "\n")
	var n Notice
	if err := json.Unmarshal([]byte(body), &n); err != nil || n.Status != Test || head != "a; rm -rf $HOME||"+n.ID {
		t.Errorf("%v: %s", err, text)
	}
}

// TestCommandFails: what a command says of its failure is told.
func TestCommandFails(t *testing.T) {
	said := New(testConfig(Target{Command: []string{script(t, "echo 'hết tiền' >&2; exit 3")}})).Test(t.Context())
	if !strings.HasSuffix(said[0].Error, "exit status 3: hết tiền") {
		t.Errorf("failed: %+v", said)
	}
	said = New(testConfig(Target{Command: []string{filepath.Join(t.TempDir(), "none")}})).Test(t.Context())
	if said[0].Error == "" {
		t.Error("a command that is not there is no failure")
	}
}
