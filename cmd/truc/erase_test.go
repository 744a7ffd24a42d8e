package main

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/lienthong/truc/adapters/memory"
	"github.com/lienthong/truc/record"
)

// TestErase is an erasure from the first look to the record of it, at a node that publishes and receives.
func TestErase(t *testing.T) {
	const key = `["12","01/2020","H44.15"]`
	b := newBench(t)
	b.write(t, "mappings/ma.yaml", `dataset: danhmuc.ma.v1
table: public.khai_sinh
fields:
  danhMuc: { const: danhmuc.thu }
  phienBan: { const: "1.0.0" }
  ma: so_dk
  ten: ho_ten
`)
	b.write(t, "truc.yaml", `agency: H44.15
registry: { url: https://chuan.phutho.example/ }
sources: { hotich: { memory: { store: births } } }
publish:
  khaisinh: { source: hotich, mapping: mappings/khai_sinh.yaml, partitions: 1 }
  ma: { source: hotich, mapping: mappings/ma.yaml, partitions: 1 }
sinks: { bhyt: { memory: { store: insurer } } }
subscribe: { tre_em: { agencies: [H44.*], sink: bhyt, mapping: mappings/tre_em.yaml } }
http: { listen: "`+b.listen+`" }
`)
	births, insurer := b.stores["births"], b.stores["insurer"]
	change := func(fn func(tx *memory.Tx) error) {
		t.Helper()
		if err := births.Transact(fn); err != nil {
			t.Fatal(err)
		}
	}
	change(func(tx *memory.Tx) error {
		return errors.Join(tx.Insert(birthsTable, birth(1, "12", "05/03/2020")), tx.Insert(birthsTable, birth(2, "13", "06/03/2020")))
	})
	stop := b.run(t)
	delivered := func(rows int) {
		t.Helper()
		until(t, "the rows are delivered", func() bool { return len(insurer.Rows(childrenTable)) == rows })
	}
	delivered(2)
	background := context.Background()
	until(t, "the node has announced itself", func() bool {
		_, stdout, _ := b.truc(background, "schema", "uses", "--json")
		return strings.Contains(stdout, "subscribe.tre_em")
	})

	for _, c := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"no key", []string{"khaisinh", "--reason", "x"}, exitUsage, "the key of the entity is missing"},
		{"no reason", []string{"khaisinh", key}, exitUsage, "an erasure needs a reason"},
		{"the key in the reason", []string{"khaisinh", key, "--reason", "vì " + key}, exitUsage, "is kept for ever"},
		{"a delivery", []string{"tre_em", key, "--reason", "x"}, exitUsage, "only who publishes an entity can erase it"},
		{"a slip", []string{"khaisin", key, "--reason", "x"}, exitUsage, "did you mean khaisinh?"},
		{"records that only end", []string{"ma", `["danhmuc.thu","12"]`, "--reason", "x"}, exitUsage, "tells its end in hieuLucDen"},
		{"an empty input", []string{"khaisinh", "-", "--reason", "x"}, exitUsage, "holds no key"},
		{"nobody", []string{"khaisinh", "nobody", "--reason", "x"}, exitNo, ""},
		{"the row is there", []string{"khaisinh", key, "--reason", "x", "--yes"}, exitUsage, "public.khai_sinh of source hotich still has the row"},
		{"without --yes", []string{"khaisinh", key, "--reason", "x", "--force"}, exitUsage, "nothing was done"},
	} {
		code, stdout, stderr := b.truc(background, append([]string{"erase", "--lang", "en"}, c.args...)...)
		if code != c.code || !strings.Contains(stderr, c.want) || strings.Contains(stdout+stderr, key) {
			t.Errorf("%s: exit %d, want %d and %q\n%s%s", c.name, code, c.code, c.want, stdout, stderr)
		}
	}
	delivered(2)

	var report erasureReport
	erase := func(args ...string) {
		t.Helper()
		report = erasureReport{}
		code, stdout, stderr := b.truc(background, append([]string{"erase", "--json"}, args...)...)
		if err := json.Unmarshal([]byte(stdout), &report); code != exitDone || err != nil || strings.Contains(stdout, "01/2020") {
			t.Fatalf("erase %v: exit %d, %v\n%s%s", args, code, err, stdout, stderr)
		}
	}
	erase("khaisinh", key, "--dry-run")
	if h := report.Held; h.Documents != 1 || !h.Live || report.Source.Live != 1 || !report.Compaction.Embedded || len(report.Subscribers) != 1 || report.Request != "" {
		t.Errorf("dry run: %+v", report)
	}
	// By its dataset, with blanks in the key, and although the row is there.
	erase("hotich.khaisinh.v1", `[ "12", "01/2020", "H44.15" ]`, "--reason", "Quyết định 12", "--force", "--yes")
	if r := report.Result; r == nil || !r.Done || !r.Live {
		t.Errorf("erased: %+v", report)
	}
	delivered(1)

	// The row of the other goes as it should: its deletion is on the topic before the erasure.
	change(func(tx *memory.Tx) error { return tx.Delete(birthsTable, record.Row{record.IntValue(2)}) })
	delivered(0)
	code, stdout, stderr := b.truc(background, "erase", "khaisinh", `["13","01/2020","H44.15"]`, "--reason", "Quyết định 13", "--yes", "--lang", "en")
	for _, want := range []string{
		"source hotich: table public.khai_sinh has no row of it", "1 event(s) hold its document, the last event is its deletion", "the embedded bus is never compacted",
		"subscriber: agency H44.15, tre_em", "erased: its deletion was on the topic already, 0 dead letter(s) are closed",
	} {
		if code != exitDone || !strings.Contains(stdout, want) {
			t.Errorf("erase of a deleted row: exit %d, without %q\n%s%s", code, want, stdout, stderr)
		}
	}
	// One that was never published has its letters only; its row is not valid.
	change(func(tx *memory.Tx) error { return tx.Insert(birthsTable, birth(3, "14", "31/02/2020")) })
	var open []shownLetter
	until(t, "the row is a letter", func() bool {
		_, stdout, _ := b.truc(background, "dlq", "list", "khaisinh", "--json")
		return json.Unmarshal([]byte(stdout), &open) == nil && len(open) == 1
	})
	change(func(tx *memory.Tx) error { return tx.Delete(birthsTable, record.Row{record.IntValue(3)}) })
	code, stdout, stderr = b.truc(background, "erase", "khaisinh", `["14","01/2020","H44.15"]`, "--reason", "Quyết định 15", "--yes", "--lang", "en")
	if code != exitDone || !strings.Contains(stdout, "dead letter(s) are closed") || !strings.Contains(stdout, "1 record(s) about it stay on their topics") {
		t.Errorf("erase of a letter: exit %d\n%s%s", code, stdout, stderr)
	}
	if _, stdout, _ := b.truc(background, "dlq", "list", "khaisinh", "--json"); json.Unmarshal([]byte(stdout), &open) != nil || len(open) != 0 {
		t.Errorf("letters are open: %s", stdout)
	}
	if code, stdout, _ := b.truc(background, "erase", "khaisinh", "--log"); code != exitDone || strings.Count(stdout, "\n") != 3 || !strings.Contains(stdout, "Quyết định 12\n") || strings.Contains(stdout, "01/2020") {
		t.Errorf("log: exit %d\n%s", code, stdout)
	}
	if code, log := stop(); code != exitInterrupted || strings.Contains(log, `12","01/2020`) || !strings.Contains(log, "an entity was erased") {
		t.Errorf("run ended with %d\n%s", code, log)
	}
	// Without a node the request waits.
	erase("khaisinh", key, "--reason", "Quyết định 14", "--force", "--yes", "--wait", "0s")
	if report.Request == "" || report.Result != nil {
		t.Errorf("without a node: %+v", report)
	}
	b.run(t)
	until(t, "the next node runs", func() bool { code, _, _ := b.truc(background, "status"); return code == exitDone })
	until(t, "it does it", func() bool {
		_, stdout, _ := b.truc(background, "erase", "khaisinh", "--log", "--json")
		return strings.Count(stdout, `"done": true`) == 4
	})
}
