//go:build linux

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/lienthong/truc/tests/nodes"
)

// demoSummary is what `truc demo --json` prints.
type demoSummary struct {
	FirstEventSeconds float64
	Events, Delivered map[string]int64
	DeadLetters       struct{ Opened, Resolved, Open int64 }
	Verify            []struct {
		Pipeline            string
		Source, Topic, Sink *int64
		Equal               bool
	}
	Record2019   *struct{ Name, OldProvince, OldCommune, Province, Commune string }
	Broker, HTTP string
}

// runDemo lets the demo work for some seconds in a folder and checks its summary.
func runDemo(t *testing.T, dir string, prefix ...string) {
	t.Helper()
	argv := slices.Concat(prefix, []string{nodes.Binary(t), "demo", "--for", "10s", "--dir", dir, "--json"})
	got := nodes.Command(t, t.TempDir(), argv[0], argv[1:]...)
	if got.Code != 0 {
		t.Fatalf("truc demo: %s", got)
	}
	var s demoSummary
	if err := json.Unmarshal([]byte(got.Stdout), &s); err != nil {
		t.Fatalf("truc demo prints no JSON object: %v\n%s", err, got)
	}
	if s.FirstEventSeconds <= 0 || s.FirstEventSeconds >= 5 {
		t.Errorf("first event after %g s, want less than 5", s.FirstEventSeconds)
	}
	if n := s.Events["hotich.khaisinh.v1"]; n < 150 { // 300 in 20 s
		t.Errorf("%d events in 10 s, want at least 150", n)
	}
	if n := s.Events["danhmuc.ma.v1"]; n != 0 && n < 500 { // a second start has nothing to say of them
		t.Errorf("%d codes published, want all or none", n)
	}
	if n := s.Delivered["tre_em"]; n < 100 {
		t.Errorf("%d delivered, want at least 100", n)
	}
	if l := s.DeadLetters; l.Opened < 1 || l.Resolved < 1 || l.Open != 0 {
		t.Errorf("dead letters %+v, want one opened and resolved, none open", l)
	}
	var names []string
	for _, v := range s.Verify {
		names = append(names, v.Pipeline)
		if !v.Equal || v.Topic == nil || (v.Source == nil) == (v.Sink == nil) {
			t.Errorf("verify %+v, want equal, and the topic with one other side", v)
		}
	}
	if got, want := strings.Join(names, " "), "khaisinh_haiduong khaisinh_hanoi danh_muc tre_em dan_toc"; got != want {
		t.Errorf("verified %q, want %q", got, want)
	}
	if m := s.Record2019; m == nil || m.OldProvince != "30" || m.OldCommune != "10978" || m.Province != "31" || m.Commune != "10966" {
		t.Errorf("the record of 2019 is %+v in the insurer's table, want province 30 and commune 10978 of 2019, 31 and 10966 of today", m)
	}
	if s.Broker == "" || !strings.HasPrefix(s.HTTP, "http://127.0.0.1:") {
		t.Errorf("broker %q, http %q", s.Broker, s.HTTP)
	}
}

// demoCheck runs the independent comparison; with topics the broker is kept up by a node meanwhile.
func demoCheck(t *testing.T, dir string, topics bool) nodes.Outcome {
	t.Helper()
	for _, name := range []string{"sqlite3", "iconv", "kcat"} {
		nodes.Tool(t, name)
	}
	args := []string{dir}
	if topics {
		n := start(t, filepath.Join(dir, "truc.yaml"))
		n.serving()
		args = append(args, n.Log.Attribute("truc is running", "bus"))
		defer n.interrupt()
	}
	got := nodes.Command(t, ".", "./demo_check.sh", args...)
	if got.Code > 1 {
		t.Fatalf("demo_check.sh: %s", got)
	}
	return got
}

func TestDemo(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("runs the demo for 10 s twice")
	}
	dir := t.TempDir()
	runDemo(t, dir)
	for _, topics := range []bool{false, true} {
		if got := demoCheck(t, dir, topics); got.Code != 0 {
			t.Fatalf("the sink is not what the sources say (topics: %v): %s", topics, got)
		}
	}

	t.Run("damage", func(t *testing.T) { testDamage(t, dir) })

	t.Run("a second start continues", func(t *testing.T) {
		before := size(t, filepath.Join(dir, "bus"))
		runDemo(t, dir)
		if after := size(t, filepath.Join(dir, "bus")); after <= before {
			t.Errorf("the bus has %d bytes, had %d: the second start began anew", after, before)
		}
		if got := demoCheck(t, dir, true); got.Code != 0 {
			t.Errorf("after the second start: %s", got)
		}
	})
}

func size(t *testing.T, dir string) (bytes int64) {
	t.Helper()
	if err := filepath.Walk(dir, func(_ string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() {
			bytes += info.Size()
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return bytes
}

// testDamage damages copies of a demo's folder by hand; each damage must be named by the independent script and by
// `truc verify`, under the right pipeline.
func testDamage(t *testing.T, intact string) {
	sql := func(file, statements string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			t.Helper()
			if got := nodes.Command(t, dir, nodes.Tool(t, "sqlite3"), "-bail", file, statements); got.Code != 0 {
				t.Fatalf("sqlite3: %s", got)
			}
		}
	}
	for _, tc := range []struct {
		name     string
		damage   func(t *testing.T, dir string)
		pipeline string
		what     string
		// topics asks the script to compare the topics too. A node must run for that, and would publish a change of a source:
		// then the sink alone is compared.
		topics bool
		script string
	}{
		{
			"sink row changed", sql("bhyt.db", `UPDATE tre_em SET ho_ten = ho_ten || 'x' WHERE rowid = (SELECT min(rowid) FROM tre_em)`),
			"tre_em", "content differs", false, "sink: .* differs",
		},
		{
			"sink row deleted", sql("bhyt.db", `DELETE FROM tre_em WHERE rowid = (SELECT min(rowid) FROM tre_em)`),
			"tre_em", "missing in the sink", false, "sink: .* missing",
		},
		{
			"source row changed", sql("hanoi.db", `UPDATE khai_sinh SET ten = ten || 'x' WHERE ma = (SELECT min(ma) FROM khai_sinh WHERE xac_nhan = 1 AND ngay_sinh > '2022')`),
			"khaisinh_hanoi", "content differs", false, "sink: .* differs",
		},
		{
			"source row changed past the triggers",
			func(t *testing.T, dir string) {
				t.Helper()
				drop := nodes.Command(t, dir, nodes.Tool(t, "sqlite3"), "haiduong.db", `SELECT 'DROP TRIGGER "' || name || '";' FROM sqlite_master WHERE type = 'trigger';`)
				restore := nodes.Command(t, dir, nodes.Tool(t, "sqlite3"), "haiduong.db", `SELECT sql || ';' FROM sqlite_master WHERE type = 'trigger';`)
				sql("haiduong.db", drop.Stdout+`DELETE FROM ht_khaisinh WHERE id = (SELECT min(id) FROM ht_khaisinh WHERE trang_thai = 2 AND da_xoa = 0 AND substr(ngay_sinh, -4) >= '2014');`+restore.Stdout)(t, dir)
			},
			"khaisinh_haiduong", "only in the topic, not in the source", false, "sink: .* should not be there",
		},
		{"topic record written by hand", forge(nil), "khaisinh_hanoi", "content differs", true, "topic: .* differs"},
		{
			"topic record forged with headers", forge([]string{
				"-H", "ce_specversion=1.0", "-H", "ce_id=forged", "-H", "ce_source=/agencies/H26.10/hanoi/khaisinh_hanoi",
				"-H", "ce_type=hotich.khaisinh.v1.updated", "-H", "ce_time=2026-01-01T00:00:00Z",
				"-H", "ce_sequence=000000010000000000ffffff00000000", "-H", "content-type=application/json",
			}),
			"khaisinh_hanoi", "content differs", true, "topic: .* differs",
		},
		{
			"topic record forged as another pipeline's", forge([]string{
				"-H", "ce_specversion=1.0", "-H", "ce_id=forged", "-H", "ce_source=/agencies/H26.10/other/other",
				"-H", "ce_type=hotich.khaisinh.v1.updated", "-H", "ce_time=2026-01-01T00:00:00Z",
				"-H", "ce_sequence=000000010000000000ffffff00000000", "-H", "content-type=application/json",
			}),
			"khaisinh_hanoi", "content differs", true, "topic: .* differs",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "demo")
			if err := os.CopyFS(dir, os.DirFS(intact)); err != nil {
				t.Fatal(err)
			}
			tc.damage(t, dir)
			got := nodes.Run(t, ".", "verify", "-c", filepath.Join(dir, "truc.yaml"), "--settle", "1s")
			named := regexp.MustCompile(`(?m)^` + tc.pipeline + `: NOT EQUAL: .*\n  khóa · key [0-9a-f]{12}: .* · ` + tc.what + `$`)
			if got.Code != 3 || !named.MatchString(got.Stdout) {
				t.Errorf("verify names no key of %s as %q: %s", tc.pipeline, tc.what, got)
			}
			if check := demoCheck(t, dir, tc.topics); check.Code != 1 || !regexp.MustCompile(tc.script).MatchString(check.Stdout) {
				t.Errorf("demo_check.sh does not say %q: %s", tc.script, check)
			}
		})
	}
}

// forge puts a record with other contents under a live key of Hà Nội's topic, as somebody with kcat would.
func forge(headers []string) func(t *testing.T, dir string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		n := start(t, filepath.Join(dir, "truc.yaml"))
		n.serving()
		defer n.interrupt()
		broker, kcat := n.Log.Attribute("truc is running", "bus"), nodes.Tool(t, "kcat")
		const topic = "hotich.khaisinh.v1.h26.10"
		for _, partition := range []string{"0", "1", "2"} {
			last := map[string]string{}
			var victim string
			all := nodes.Command(t, dir, kcat, "-b", broker, "-C", "-e", "-q", "-t", topic, "-p", partition, "-o", "beginning", "-f", "%k\t%S\t%s\n")
			for line := range strings.Lines(all.Stdout) {
				key, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
				length, document, _ := strings.Cut(rest, "\t")
				if last[key] = document; length == "-1" {
					delete(last, key)
				}
			}
			for key := range last {
				if key > victim {
					victim = key
				}
			}
			if victim == "" {
				continue
			}
			file := filepath.Join(dir, "forged")
			nodes.Write(t, file, victim+"\t"+strings.Replace(last[victim], `"hoTen":"`, `"hoTen":"X `, 1)+"\n")
			args := append([]string{"-b", broker, "-P", "-t", topic, "-p", partition, "-K", "\t"}, headers...)
			if got := nodes.Command(t, dir, kcat, append(args, "-l", file)...); got.Code != 0 {
				t.Fatalf("kcat -P: %s", got)
			}
			return
		}
		t.Fatal("there is no live key on Hà Nội's topic")
	}
}

// A machine without any network but loopback runs the demo all the same.
func TestDemoWithoutNetwork(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("runs the demo for 10 s")
	}
	unshare, ip := nodes.Tool(t, "unshare"), nodes.Tool(t, "ip")
	inside := []string{unshare, "--net"}
	if os.Geteuid() != 0 {
		inside = []string{unshare, "--net", "--map-root-user"}
	}
	inside = append(inside, "sh", "-c", ip+` link set lo up && exec "$@"`, "sh")
	if probe := nodes.Command(t, ".", inside[0], append(inside[1:], "true")...); probe.Code != 0 {
		t.Skipf("this user may not make a network namespace: %s", strings.TrimSpace(probe.Stderr))
	}
	dir := t.TempDir()
	runDemo(t, dir, inside...)
	if got := demoCheck(t, dir, false); got.Code != 0 {
		t.Errorf("in a namespace with loopback only: %s", got)
	}
}
