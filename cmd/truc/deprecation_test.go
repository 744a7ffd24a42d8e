package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/truc/adapters/memory"
	"github.com/lienthong/truc/portal"
	"github.com/lienthong/truc/schemas/governance"
)

const cardSchema = `{
  "$schema": "http://json-schema.org/draft-07/schema#",
  "$id": "https://chuan.vidu.example/thuvien.the/1.0.0",
  "title": "Thẻ bạn đọc", "x-title-en": "Library card", "x-khoa": ["so"],
  "type": "object", "required": ["so"], "additionalProperties": false,
  "properties": {
    "so": {"title": "Số", "x-title-en": "Number", "type": "string", "minLength": 1, "maxLength": 20},
    "ten": {"title": "Tên", "x-title-en": "Name", "type": "string", "minLength": 1, "maxLength": 100},
    "hang": {"title": "Hạng", "x-title-en": "Class", "type": "string", "x-danh-muc": {"id": "danhmuc.hang", "version": "1.0.0"}}
  }
}
`

// breakingCard is a next version that no reader of the first gets along with.
var breakingCard = strings.NewReplacer("thuvien.the/1.0.0", "thuvien.the/1.1.0", `"maxLength": 100`, `"maxLength": 10`).Replace(cardSchema)

// governedBench is a node that publishes and receives a dataset of its own folder, of which version 1.0.0 is published.
func governedBench(t *testing.T) *bench {
	t.Helper()
	b := newBench(t)
	b.write(t, "chuan/thuvien.the/v1/schema.json", cardSchema)
	b.write(t, "chuan/thuvien.the/v1/examples/valid/1.json", `{"so": "1"}`)
	b.write(t, "chuan/thuvien.the/v1/examples/invalid/1.json", `{"about": "none", "expect": [{"pointer": "/so", "rule": "required"}], "document": {}}`)
	b.write(t, "chuan/codelists/danhmuc.hang.json", `{"id":"danhmuc.hang","version":"1.0.0","title":{"vi":"Hạng","en":"Class"},"source":"mẫu","codes":[{"code":"A","vi":"Hạng A"}]}`)
	b.write(t, "mappings/khai_sinh.yaml", "dataset: thuvien.the.v1\ntable: public.khai_sinh\nfields: { so: so_dk, ten: ho_ten }\n")
	b.write(t, "mappings/tre_em.yaml", "dataset: thuvien.the.v1\ntable: bhyt.tre_em\nkey: { co_quan: event.agency, so_ks: so }\ncolumns: { ho_ten: 'join([ten, codeOf(\"hang\", hang)], \" \")' }\ncodes: { hang: { list: danhmuc.hang, map: { X: \"A\" } } }\n")
	config, err := os.ReadFile(filepath.Join(b.dir, "truc.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	b.write(t, "truc.yaml", string(config)+"datasets: [chuan]\n")
	for _, args := range [][]string{{"init", "-q"}, {"config", "user.name", "Nguyễn Thị Mẫu"}, {"config", "user.email", "mau@chuan.example"}} {
		if out, err := exec.Command("git", append([]string{"-C", b.dir}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	by := func(name string) governance.Decision {
		return governance.Decision{By: governance.Person{Name: name, Email: name + "@chuan.example"}, At: time.Now()}
	}
	b.step(t, func(f *governance.Folder) error { _, _, err := f.Propose("thuvien.the", by("mau")); return err })
	b.step(t, func(f *governance.Folder) error { _, err := f.Approve("thuvien.the", by("thu")); return err })
	b.step(t, func(f *governance.Folder) error { _, err := f.Publish("thuvien.the", by("mau")); return err })
	return b
}

func (b *bench) step(t *testing.T, do func(*governance.Folder) error) {
	t.Helper()
	f, err := governance.Open(filepath.Join(b.dir, "chuan"), "chuan")
	if err == nil {
		err = do(f)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestDeprecationIsSeen: a deprecation and a refusal name who uses the dataset, and after the next start the node says in its
// status, and in its events, that the version comes to its end.
func TestDeprecationIsSeen(t *testing.T) {
	background := context.Background()
	b := governedBench(t)
	dir := filepath.Join(b.dir, "chuan")
	// Without a bus nobody is asked, and none is laid out.
	b.write(t, "chuan/thuvien.the/v1/schema.json", breakingCard)
	if code, stdout, stderr := b.truc(background, "schema", "diff", "thuvien.the", "--dir", dir, "--lang", "en"); code != exitNo || strings.Contains(stdout, "this concerns") || stderr != "" {
		t.Errorf("without a bus: exit %d\n%s%s", code, stdout, stderr)
	}
	if _, err := os.Stat(filepath.Join(b.dir, "bus")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a question laid out a bus: %v", err)
	}
	// One that does not answer is told, and holds nothing up.
	b.write(t, "away.yaml", "agency: H44\nregistry: { url: https://chuan.vidu.example/ }\ndatasets: [chuan]\nbus: { kafka: { brokers: [\""+freeAddress(t)+"\"] } }\n")
	if code, stdout, stderr := b.truc(background, "-c", filepath.Join(b.dir, "away.yaml"), "schema", "diff", "thuvien.the", "--dir", dir, "--lang", "en"); code != exitNo || strings.Contains(stdout, "this concerns") ||
		!strings.HasPrefix(stderr, "who uses thuvien.the.v1 could not be asked: ") || !strings.Contains(stderr, "ask later: truc schema uses thuvien.the.v1") {
		t.Errorf("with a bus that does not answer: exit %d\n%s%s", code, stdout, stderr)
	}
	b.write(t, "chuan/thuvien.the/v1/schema.json", cardSchema)

	if err := b.stores["births"].Transact(func(tx *memory.Tx) error { return tx.Insert(birthsTable, birth(1, "12", "02/03/2020")) }); err != nil {
		t.Fatal(err)
	}
	stop := b.run(t)
	status := func() (s portal.Status, text string) {
		if code, stdout, _ := b.truc(background, "status", "--json"); code == 0 {
			_ = json.Unmarshal([]byte(stdout), &s)
		}
		_, text, _ = b.truc(background, "status", "--lang", "en")
		return s, text
	}
	delivered := func() bool { s, _ := status(); return len(s.Deliveries) == 1 && s.Deliveries[0].Applied == 1 }
	until(t, "the row is delivered", delivered)
	until(t, "both pipelines are announced", func() bool {
		_, stdout, _ := b.truc(background, "schema", "uses", "thuvien.the")
		return strings.Count(stdout, "thuvien.the.v1") == 2
	})
	if s, text := status(); s.Readers[0].Pipelines[0].Deprecated != nil || s.Deliveries[0].Deprecated != nil || strings.Contains(text, "comes to its end") {
		t.Errorf("before the announcement:\n%s", text)
	}
	b.write(t, "chuan/thuvien.the/v1/schema.json", breakingCard)
	for _, verb := range []string{"diff", "propose"} {
		code, stdout, stderr := b.truc(background, "schema", verb, "thuvien.the", "--dir", dir, "--lang", "en")
		if code != exitNo || !strings.Contains(stdout, "this concerns, as nodes have announced it") || !strings.Contains(stdout, "H44.15  subscribe.tre_em") || !strings.Contains(stdout, "H44.15  publish.khaisinh") {
			t.Errorf("%s: exit %d\n%s%s", verb, code, stdout, stderr)
		}
		var shown struct{ Users []struct{ Pipeline string } }
		if _, stdout, _ := b.truc(background, "schema", verb, "thuvien.the", "--dir", dir, "--json"); json.Unmarshal([]byte(stdout), &shown) != nil || len(shown.Users) != 2 {
			t.Errorf("%s --json: %s", verb, stdout)
		}
	}
	b.write(t, "chuan/codelists/danhmuc.hang.json", `{"id":"danhmuc.hang","version":"1.1.0","title":{"vi":"Hạng","en":"Class"},"source":"mẫu","codes":[{"code":"A","vi":"Hạng A"},{"code":"B","vi":"Hạng B","since":"1.1.0"}]}`)
	b.write(t, "chuan/thuvien.the/v1/schema.json", strings.NewReplacer("thuvien.the/1.0.0", "thuvien.the/1.1.0", `"version": "1.0.0"`, `"version": "1.1.0"`).Replace(cardSchema))
	if code, stdout, stderr := b.truc(background, "schema", "diff", "thuvien.the", "--dir", dir, "--lang", "en"); code != 0 || !strings.Contains(stdout, "danhmuc.hang has codes in 1.1.0 that it had not in 1.0.0: B\n") ||
		!strings.Contains(stdout, "lack them") || !strings.Contains(stdout, "H44.15  subscribe.tre_em") || strings.Contains(stdout, "publish.khaisinh") {
		t.Errorf("a new code: exit %d\n%s%s", code, stdout, stderr)
	}
	b.write(t, "chuan/thuvien.the/v1/schema.json", cardSchema)
	code, stdout, stderr := b.truc(background, "schema", "deprecate", "thuvien.the", "--successor", "hotich.khaisinh.v1", "--date", "2999-12-31", "--dir", dir, "--lang", "en")
	if code != 0 || !strings.Contains(stdout, "thuvien.the.v1@1.0.0 is deprecated") || !strings.Contains(stdout, "H44.15  subscribe.tre_em") {
		t.Errorf("deprecate: exit %d\n%s%s", code, stdout, stderr)
	}
	stop()

	stop = b.run(t)
	until(t, "the node is up again", func() bool { s, _ := status(); return len(s.Deliveries) == 1 && s.Readers[0].State == "running" })
	s, text := status()
	if d := s.Readers[0].Pipelines[0].Deprecated; d == nil || d.Date != "2999-12-31" || d.Successor != "hotich.khaisinh.v1" {
		t.Errorf("the publisher says %+v", d)
	}
	for _, name := range []string{"khaisinh", "tre_em"} {
		if !strings.Contains(text, name+": the version of thuvien.the.v1 comes to its end: from 2999-12-31 on nobody may look after it, and hotich.khaisinh.v1 takes its place") {
			t.Errorf("status does not say it of %s:\n%s", name, text)
		}
	}
	stop()
}
