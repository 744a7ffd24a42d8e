package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/truc/adapters/memory"
	"github.com/lienthong/truc/pipeline"
	"github.com/lienthong/truc/portal"
	"github.com/lienthong/truc/record"
)

// TestPauseAndReplay is what an operator does to a running node from another process: pause, resume, replay.
func TestPauseAndReplay(t *testing.T) {
	b := newBench(t)
	background := context.Background()
	insert := func(id int64, number string) {
		t.Helper()
		if err := b.stores["births"].Transact(func(tx *memory.Tx) error { return tx.Insert(birthsTable, birth(id, number, "05/03/2020")) }); err != nil {
			t.Fatal(err)
		}
	}
	insert(1, "12")
	b.run(t)
	status := func() (s portal.Status) {
		_, stdout, _ := b.truc(background, "status", "--json")
		_ = json.Unmarshal([]byte(stdout), &s)
		return s
	}
	delivered := func(n int) func() bool {
		return func() bool { return len(b.stores["insurer"].Rows(childrenTable)) == n }
	}
	until(t, "the row is delivered", delivered(1))
	do := func(code int, says string, args ...string) {
		t.Helper()
		got, stdout, stderr := b.truc(background, args...)
		if got != code || !strings.Contains(stdout+stderr, says) {
			t.Errorf("truc %s: exit %d, want %d and %q\n%s%s", strings.Join(args, " "), got, code, says, stdout, stderr)
		}
	}
	do(2, "did you mean hotich?", "pause", "hotic")
	do(0, "hotich is not paused; nothing was changed", "resume", "hotich")
	do(0, "source hotich (khaisinh) is paused within seconds", "pause", "khaisinh") // all that is read from its source
	until(t, "the source is paused", func() bool {
		s := status()
		return len(s.Readers) == 1 && s.Readers[0].State == pipeline.StatePaused && len(s.Paused) == 1 && len(s.NotReady) == 0
	})
	do(0, "hotich has been paused since", "pause", "hotich")
	do(0, "source hotich: paused since", "status")
	address := "http://" + b.listen
	if code, body := get(t, address+"/readyz"); code != http.StatusOK || !strings.Contains(body, "publish.khaisinh") {
		t.Errorf("/readyz of a paused node: %d\n%s", code, body)
	}
	if _, body := get(t, address+"/metrics"); !strings.Contains(body, `truc_pipeline_paused_timestamp_seconds{pipeline="publish.khaisinh"} 1.`) {
		t.Errorf("/metrics of a paused node does not say since when")
	}
	insert(2, "13")
	do(0, "hotich goes on where it stopped", "resume", "hotich")
	until(t, "what came meanwhile is delivered", delivered(2))

	if err := b.stores["insurer"].Transact(func(tx *memory.Tx) error {
		return tx.Delete(childrenTable, record.Row{record.TextValue("H44.15"), record.TextValue("12")})
	}); err != nil {
		t.Fatal(err)
	}
	do(2, "nothing was done", "replay", "tre_em")
	do(2, "--all and --from exclude each other", "replay", "tre_em", "--all", "--from", "2026-01-01", "--yes")
	do(2, "--from lies in the future", "replay", "tre_em", "--from", "2999-01-01", "--yes")
	do(2, `--from cannot be "yesterday"`, "replay", "tre_em", "--from", "yesterday", "--yes")
	do(2, `--key-hash cannot be "Nguyễn"`, "replay", "tre_em", "--key-hash", "Nguyễn", "--yes")
	do(2, "cannot be published again in part", "replay", "khaisinh", "--from", "2026-01-01", "--yes")
	do(0, "the node that runs tre_em will replay", "replay", "tre_em", "--yes")
	until(t, "the deleted row is back", delivered(2))
	until(t, "the replay is over", func() bool {
		s := status()
		return len(s.Deliveries) == 1 && s.Deliveries[0].Generation == 1 && s.Deliveries[0].Replay == nil
	})
	do(0, "delivery tre_em is paused within seconds", "pause", "tre_em")
	do(0, "tre_em is paused: the replay begins after truc resume tre_em", "replay", "tre_em", "--yes")
	do(0, "goes on where it stopped", "resume", "tre_em")
	until(t, "the second replay is over", func() bool {
		s := status()
		return len(s.Deliveries) == 1 && s.Deliveries[0].Generation == 2 && s.Deliveries[0].Replay == nil
	})
	epoch := status().Readers[0].Epoch
	do(0, "khaisinh will be read again by the node that runs source hotich", "replay", "khaisinh", "--yes")
	until(t, "the rows are published again", func() bool { s := status(); return len(s.Readers) == 1 && s.Readers[0].Epoch > epoch })
}

// TestPauseOneOfTwo: the pipelines of a source share a reader, so that one of them cannot be paused alone.
func TestPauseOneOfTwo(t *testing.T) {
	b := newBench(t)
	b.write(t, "truc.yaml", `agency: H44.15
registry: { url: https://chuan.phutho.example/ }
sources: { hotich: { memory: { store: births } } }
publish:
  khaisinh: { source: hotich, mapping: mappings/khai_sinh.yaml }
  khaisinh_cu: { source: hotich, mapping: mappings/khai_sinh.yaml, agency: H44.16 }
`)
	code, _, stderr := b.truc(context.Background(), "pause", "khaisinh")
	if code != exitUsage || !strings.Contains(stderr, "khaisinh cannot be paused alone") || !strings.Contains(stderr, "truc pause hotich pauses all of them") {
		t.Errorf("exit %d\n%s", code, stderr)
	}
}

// TestSnapshotHours: outside the hours a snapshot waits, status says until when, and changes are delivered.
func TestSnapshotHours(t *testing.T) {
	b := newBench(t)
	now := time.Now().In(time.FixedZone("", 7*60*60))
	hours := now.Add(2*time.Hour).Format("15:00") + "-" + now.Add(3*time.Hour).Format("15:00")
	b.write(t, "truc.yaml", `agency: H44.15
registry: { url: https://chuan.phutho.example/ }
sources: { hotich: { memory: { store: births }, limit: { rows: 100/s, snapshotHours: "`+hours+`" } } }
publish: { khaisinh: { source: hotich, mapping: mappings/khai_sinh.yaml, partitions: 1 } }
sinks: { bhyt: { memory: { store: insurer } } }
subscribe: { tre_em: { agencies: [H44.*], sink: bhyt, mapping: mappings/tre_em.yaml } }
http: { listen: "`+b.listen+`" }
`)
	insert := func(id int64, number string) {
		t.Helper()
		if err := b.stores["births"].Transact(func(tx *memory.Tx) error { return tx.Insert(birthsTable, birth(id, number, "05/03/2020")) }); err != nil {
			t.Fatal(err)
		}
	}
	insert(1, "12")
	b.run(t)
	until(t, "status says until when the snapshot waits", func() bool {
		_, stdout, _ := b.truc(context.Background(), "status")
		return strings.Contains(stdout, "snapshot of public.khai_sinh: 0 rows, waiting until "+hours[:5])
	})
	insert(2, "13")
	until(t, "the change is delivered", func() bool { return len(b.stores["insurer"].Rows(childrenTable)) == 1 })
}

func get(t *testing.T, url string) (code int, body string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}
