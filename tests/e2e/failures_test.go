//go:build linux

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/truc/tests/nodes"
	"github.com/lienthong/truc/tests/servers"
)

// outageTime is how long a server stays away after that was noticed.
func outageTime() time.Duration {
	if fullRun() {
		return 20 * time.Second
	}
	return time.Second
}

// A broker, a sink and a source go away while work goes on, and come back: nothing is lost, nothing is twice.
func TestOutages(t *testing.T) {
	t.Parallel()
	nodes.Tool(t, "kcat")
	source, sink, kafka := servers.NewPostgres(t), servers.NewPostgres(t), servers.NewKafka(t)
	r := newRegistry(t, source.Database(t), sink.Database(t), kafka.Addr, 500)
	const rows = 3000
	r.fill(1, rows)
	pub, sub := start(t, r.pub()), start(t, r.sub())
	pub.await("the publisher streams", (*status).streaming)
	c := r.work(rows, true)
	sub.await("the subscriber delivers", func(s *status) bool { return s.Deliveries[0].Applied > 500 })

	flows := func(what string) {
		t.Helper()
		from := pub.await("status", func(*status) bool { return true })
		applied := sub.await("status", func(*status) bool { return true }).Deliveries[0].Applied
		pub.await("published again after "+what, func(s *status) bool { return s.streaming() && s.records() > from.records()+50 })
		sub.await("delivered again after "+what, func(s *status) bool {
			return s.Deliveries[0].State == "running" && s.Deliveries[0].Applied > applied+50
		})
	}
	retrying := func(n *node) func() bool {
		return func() bool {
			s, ok := n.status()
			return ok && (len(s.Readers) > 0 && s.Readers[0].State == "retrying" || len(s.Deliveries) > 0 && s.Deliveries[0].State == "retrying")
		}
	}
	const repeats = "batch is repeated until the broker takes it"
	told := 0
	repeating := func() bool {
		before := told
		told = strings.Count(pub.Log.String(), repeats)
		return told > before
	}
	for _, outage := range []struct {
		what        string
		stop, start func()
		noticed     func() bool
	}{
		{"the broker was stopped", kafka.Stop, kafka.Start, repeating},
		{"the broker was killed", kafka.Kill, kafka.Start, repeating},
		{"the sink was restarted", sink.Stop, sink.Start, retrying(sub)},
		{"the source was restarted", source.Stop, source.Start, retrying(pub)},
		{"the source was killed", source.Kill, source.Start, retrying(pub)},
	} {
		told = strings.Count(pub.Log.String(), repeats)
		outage.stop()
		eventually(t, "the outage is noticed: "+outage.what, outage.noticed)
		time.Sleep(outageTime())
		outage.start()
		flows(outage.what)
	}
	c.rest(t)
	r.verified()
	r.equal()
	pub.fits("publisher after outages")
	sub.fits("subscriber after outages")
}

// Ctrl-C in the middle of work: the node drains and ends with 130, and the next start finds nothing to skip.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	r := sharedRegistry(t, 200)
	const rows = 3000
	r.fill(1, rows)
	c := r.work(rows, false)
	inSnapshot := start(t, r.pub())
	inSnapshot.await("snapshot", (*status).snapshotting)
	if code := inSnapshot.interrupt(); code != 130 {
		t.Errorf("ended with %d in a snapshot, want 130", code)
	}
	for range 2 {
		pub, sub := start(t, r.pub()), start(t, r.sub())
		pub.await("streaming", (*status).streaming)
		before := pub.await("status", func(*status) bool { return true })
		s := pub.await("work", func(s *status) bool { return s.records() > before.records()+100 })
		if n := s.Readers[0].Pipelines[0].Skipped; n != 0 {
			t.Errorf("%d events were read again after an orderly end", n)
		}
		sub.await("delivery", func(s *status) bool { return s.Deliveries[0].Applied > 50 })
		for name, n := range map[string]*node{"publisher": pub, "subscriber": sub} {
			if code := n.interrupt(); code != 130 {
				t.Errorf("%s ended with %d, want 130:\n%s", name, code, n.Log.Tail(10))
			}
		}
	}
	c.rest(t)
	start(t, r.pub())
	start(t, r.sub())
	r.verified()
	r.equal()
}

// What is wrong with servers is said by check and by run alike, with the exit code that the documentation gives.
func TestFaultsOfServers(t *testing.T) {
	t.Parallel()
	r := sharedRegistry(t, 100)
	r.fill(1, 10)
	pub, sub := read(t, r.pub()), read(t, r.sub())
	dsn := read(t, filepath.Join(r.dir, "secrets/source"))
	password := regexp.MustCompile(`:[^:@/]+@`)
	for _, tc := range []struct {
		name, config, secret string
		check, run           int // exit codes; run 0: it goes on waiting
		says                 []string
	}{
		{"wrong password", pub, password.ReplaceAllString(dsn, ":WRONG-PASSWORD@"), 2, 2, []string{"pub.yaml:5:12 sources.hotich", "password", "fix:"}},
		{"no such database", pub, strings.Replace(dsn, "?", "x?", 1), 2, 2, []string{"pub.yaml:5:12 sources.hotich", "does not exist", "fix:"}},
		{"unreachable server", pub, regexp.MustCompile(`:\d+/`).ReplaceAllString(dsn, ":9/"), 4, 0, []string{"sources.hotich", "127.0.0.1:9/", "unreachable"}},
		{"missing table", strings.Replace(pub, "mapping: khai_sinh.yaml", "mapping: khai_sinh.yaml, table: public.khai_sin", 1), dsn, 2, 2, []string{"public.khai_sin", "public.khai_sinh", "fix:"}},
		{"unreachable broker", strings.Replace(pub, r.broker, "127.0.0.1:9", 1), dsn, 4, 0, []string{"127.0.0.1:9"}},
		{"missing secret", strings.Replace(pub, "secrets/source", "secrets/none", 1), dsn, 2, 2, []string{"pub.yaml:5:", "secrets/none", "fix:"}},
		{"missing table at the sink", strings.Replace(sub, "tre_em.yaml", "khac.yaml", 1), dsn, 2, 2, []string{"khac.yaml", "public.tre_emm", "fix:"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			nodes.Write(t, filepath.Join(r.dir, "secrets/source"), tc.secret)
			nodes.Write(t, filepath.Join(r.dir, "khac.yaml"), strings.Replace(insurerMapping, "public.tre_em", "public.tre_emm", 1))
			config := filepath.Join(r.dir, "pub.yaml")
			nodes.Write(t, config, tc.config)
			got := nodes.Run(t, r.dir, "check", "-c", "pub.yaml")
			said := func(where, text string) {
				t.Helper()
				for _, s := range tc.says {
					if !strings.Contains(text, s) {
						t.Errorf("%s does not say %q:\n%s", where, s, text)
					}
				}
				if strings.Contains(text, "WRONG-PASSWORD") || strings.Contains(text, "SQLSTATE") {
					t.Errorf("%s shows a secret, or the driver's own words:\n%s", where, text)
				}
			}
			if got.Code != tc.check {
				t.Errorf("check ends with %d, want %d: %s", got.Code, tc.check, got)
			}
			said("check", got.Stdout+got.Stderr)
			n := start(t, config)
			if tc.run == 0 {
				n.t = t
				eventually(t, "run says that it waits", func() bool { return n.Log.Has(tc.says[len(tc.says)-1]) && n.Log.Has("127.0.0.1:9") })
				if code := n.interrupt(); code != 130 {
					t.Errorf("run ends with %d when interrupted, want 130:\n%s", code, n.Log.Tail(10))
				}
				return
			}
			if code := n.wait(); code != tc.run {
				t.Errorf("run ends with %d, want %d", code, tc.run)
			}
			said("run", n.Log.String())
		})
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A topic with other partitions than the configuration expects: keys would move, so the publisher refuses.
func TestOtherPartitions(t *testing.T) {
	t.Parallel()
	r := sharedRegistry(t, 100)
	r.fill(1, 10)
	n := start(t, r.pub())
	n.await("streaming", (*status).streaming)
	n.interrupt()
	nodes.Write(t, r.pub(), strings.Replace(read(t, r.pub()), "mapping: khai_sinh.yaml", "mapping: khai_sinh.yaml, partitions: 5", 1))
	n = start(t, r.pub())
	if code := n.wait(); code != 2 {
		t.Errorf("run ends with %d, want 2", code)
	}
	for _, text := range []string{r.topic, "3 partitions", "5"} {
		if !n.Log.Has(text) {
			t.Errorf("run does not say %q:\n%s", text, n.Log.Tail(10))
		}
	}
	if got := nodes.Run(t, r.dir, "check", "-c", "pub.yaml"); got.Code != 2 || !strings.Contains(got.Stdout, r.topic) {
		t.Errorf("check says nothing of the topic: %s", got)
	}
}

// A second node on an embedded bus that is in use is told so, and harms nobody.
func TestEmbeddedBusInUse(t *testing.T) {
	t.Parallel()
	dir := emptyDemo(t)
	first := start(t, filepath.Join(dir, "truc.yaml"))
	first.serving()
	second := start(t, filepath.Join(dir, "truc.yaml"))
	if code := second.wait(); code == 0 || code == 130 || !second.Log.Has(filepath.Join(dir, "bus")) || !second.Log.Has("is open in another process") {
		t.Errorf("the second node ends with %d and says:\n%s", code, second.Log.String())
	}
	first.await("the first goes on", func(s *status) bool { return s.Readers[0].State == "running" })
	if got := nodes.Run(t, dir, "verify", "-c", "truc.yaml"); got.Code != 0 {
		t.Errorf("verify beside the running node: %s", got)
	}
}

// emptyDemo lays out a demo's folder, as short a demo as there can be.
func emptyDemo(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if got := nodes.Run(t, dir, "demo", "--for", "1s", "--dir", dir, "--json"); got.Code != 0 && got.Code != 3 {
		t.Fatalf("truc demo: %s", got)
	}
	return dir
}

// The disk under the embedded bus is full: the node says so, acknowledges nothing that is not on disk, and goes on when there
// is room again.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs root to mount a small disk")
	}
	if testing.Short() {
		t.Skip("fills a disk")
	}
	sqlite3, mount, umount := nodes.Tool(t, "sqlite3"), nodes.Tool(t, "mount"), nodes.Tool(t, "umount")
	dir := t.TempDir()
	bus := filepath.Join(dir, "bus")
	if err := os.Mkdir(bus, 0o755); err != nil {
		t.Fatal(err)
	}
	if got := nodes.Command(t, dir, mount, "-t", "tmpfs", "-o", "size=3m", "tmpfs", bus); got.Code != 0 {
		t.Skipf("root may not mount here: %s", got.Stderr)
	}
	t.Cleanup(func() {
		if out, err := exec.Command(umount, "-l", bus).CombinedOutput(); err != nil {
			t.Errorf("umount: %v\n%s", err, out)
		}
	})
	if got := nodes.Run(t, dir, "demo", "--for", "1s", "--dir", dir, "--json"); got.Code != 0 && got.Code != 3 {
		t.Fatalf("truc demo: %s", got)
	}
	n := start(t, filepath.Join(dir, "truc.yaml"))
	n.serving()
	insert := fmt.Sprintf(`PRAGMA busy_timeout = 20000; WITH RECURSIVE i(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM i WHERE i < 8000)
		INSERT INTO khai_sinh SELECT 100000 + i, 100000 + i, '03/2026', '2026-06-15', 'Nguyễn', 'Thị', 'Thử', '%d-01-01', 'Nữ', NULL, 1 FROM i`, time.Now().Year()-1)
	if got := nodes.Command(t, dir, sqlite3, "-bail", "hanoi.db", insert); got.Code != 0 {
		t.Fatalf("sqlite3: %s", got)
	}
	eventually(t, "the node says that the disk is full", func() bool { return n.Log.Has("no space left") || n.Ended() })
	if n.Ended() || !n.Log.Has("no space left") {
		t.Errorf("the node does not say that the disk is full:\n%s", n.Log.Tail(20))
	}
	n.Kill()
	if got := nodes.Command(t, dir, mount, "-o", "remount,size=64m", bus); got.Code != 0 {
		t.Fatalf("remount: %s", got)
	}
	n = start(t, filepath.Join(dir, "truc.yaml"))
	n.serving()
	if got := nodes.Run(t, dir, "verify", "-c", "truc.yaml", "--settle", "1m"); got.Code != 0 {
		t.Errorf("after there was room again: %s", got)
	}
	n.interrupt()
	if got := demoCheck(t, dir, true); got.Code != 0 {
		t.Errorf("after there was room again: %s", got)
	}
}

// A backup is restored as source: the publisher must not go on as if nothing had happened. A resnapshot mends it.
func TestRestoredBackup(t *testing.T) {
	t.Parallel()
	nodes.Tool(t, "kcat")
	for _, tc := range []struct {
		name  string
		later int // registrations written to the restored database before truc sees it
	}{
		{"older than what was published", 0},
		// Its log has grown over the saved position: system, timeline and log position fit, and only its history differs.
		{"written to until its log is longer than what was published", 3000},
	} {
		t.Run(tc.name, func(t *testing.T) {
			source := servers.NewPostgres(t)
			r := newRegistry(t, source.Database(t), servers.Postgres(t).Database(t), servers.Kafka(t).Addr, 500)
			r.fill(1, 500)
			start(t, r.sub())
			n := start(t, r.pub())
			n.await("streaming", (*status).streaming)
			if code := n.interrupt(); code != 130 {
				t.Fatalf("ended with %d", code)
			}
			backup := source.DataDir + ".backup"
			source.Stop()
			copyAll := func(from, to string) {
				t.Helper()
				if got := nodes.Command(t, "/", "cp", "-a", from, to); got.Code != 0 {
					t.Fatalf("cp: %s", got)
				}
			}
			copyAll(source.DataDir, backup)
			source.Start()
			n = start(t, r.pub())
			n.await("streaming", (*status).streaming)
			r.fill(501, 1500)
			r.exec(r.source, "DELETE FROM khai_sinh WHERE length(so) = 2")
			n.await("published", func(s *status) bool { return s.records() >= 1000 })
			if code := n.interrupt(); code != 130 {
				t.Fatalf("ended with %d", code)
			}

			source.Stop()
			if err := os.RemoveAll(source.DataDir); err != nil {
				t.Fatal(err)
			}
			copyAll(backup, source.DataDir)
			source.Start()
			r.source.Reset()
			if tc.later > 0 {
				r.fill(10_001, 10_000+tc.later)
			}
			n = start(t, r.pub())
			if code := n.wait(); code != 5 || !n.Log.Has("divergence in source hotich") || !n.Log.Has("truc resnapshot hotich") {
				t.Errorf("ended with %d, want 5 and the advice:\n%s", code, n.Log.Tail(10))
			}
			if got := nodes.Run(t, r.dir, "resnapshot", "hotich", "--yes", "-c", "pub.yaml"); got.Code != 0 {
				t.Fatalf("resnapshot: %s", got)
			}
			n = start(t, r.pub())
			n.await("the resnapshot is done", func(s *status) bool { return s.streaming() && s.Readers[0].Epoch > 1 })
			r.verified()
			r.equal()
		})
	}
}
