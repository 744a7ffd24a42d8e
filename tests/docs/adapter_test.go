package docs

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const adapterPage = "docs/adding-an-adapter.md"

const (
	adapterFile = "adapters/journal/journal.go"
	listFile    = "adapters/all/all.go"
)

// adapterModule puts the page's adapter and its test into a module beside this checkout, which needs no network: every
// module it can want is one that truc itself uses.
func adapterModule(t *testing.T, adapter string) (dir string) {
	t.Helper()
	checkout := absolute(t, root)
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(checkout, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	own, requirements, found := strings.Cut(read("go.mod"), "require (")
	if !found {
		t.Fatal("go.mod requires nothing")
	}
	module := strings.Replace(own, "module github.com/lienthong/truc\n", "module github.com/lienthong/truc/adapters/journal\n", 1)
	dir = t.TempDir()
	write(t, dir,
		"go.mod", module+"require github.com/lienthong/truc v0.0.0\n\nreplace github.com/lienthong/truc => "+filepath.ToSlash(checkout)+"\n\nrequire ("+requirements,
		"go.sum", read("go.sum"),
		"journal.go", adapter,
		"journal_test.go", file(t, adapterPage, "adapters/journal/journal_test.go"))
	return dir
}

// TestAdapterPasses builds the adapter of the page and holds it to the suite.
func TestAdapterPasses(t *testing.T) {
	adapter := file(t, adapterPage, adapterFile)
	lines := 0
	for line := range strings.Lines(adapter) {
		if strings.TrimSpace(line) != "" {
			lines++
		}
	}
	if lines >= 100 {
		t.Errorf("the adapter has %d lines; the page and the README promise less than 100", lines)
	}
	dir := adapterModule(t, adapter)
	toolchain(t, dir, "vet", "-mod=mod", ".")
	if out := toolchain(t, dir, "test", "-mod=mod", "-count=1", "-v", "."); !strings.Contains(out, "\nok ") || !strings.Contains(out, "--- PASS: TestSource/") {
		t.Errorf("go test of the adapter:\n%s", out)
	}
}

// TestSuiteHoldsTheAdapter makes sure that the page's adapter passes for what it does: each of its mechanisms, taken out, is missed.
func TestSuiteHoldsTheAdapter(t *testing.T) {
	notShort(t)
	adapter := file(t, adapterPage, adapterFile)
	for name, change := range map[string][2]string{
		"the position does not move":       {"&s.run, &s.next)", "&s.run, new(int64))"},
		"all records have one order":       {"Major: uint64(s.next)", "Major: 1"},
		"a missing file is any error":      {`return &adapters.UnreachableError{Where: "journal " + s.path, Err: err}`, "return err"},
		"a second file is read as another": {"t.Table != s.table.Name", "false"},
		"Close is not noticed":             {"case errors.Is(err, os.ErrClosed):\n\t\t\treturn b, adapters.ErrClosed\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			broken := strings.Replace(adapter, change[0], change[1], 1)
			if broken == adapter {
				t.Fatal("the page no longer has this mechanism; take it out of this test, too")
			}
			if out := goCommand(t, adapterModule(t, broken), false, "test", "-mod=mod", "-count=1", "."); !strings.Contains(out, "--- FAIL: TestSource/") {
				t.Errorf("the suite did not run, or did not notice:\n%s", out)
			}
		})
	}
}

// TestAdapterInTheBinary puts the adapter into the list as the page says, builds truc and lets it publish the page's file.
func TestAdapterInTheBinary(t *testing.T) {
	notShort(t)
	list := file(t, adapterPage, listFile)
	present, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(listFile)))
	if err != nil {
		t.Fatal(err)
	}
	var others strings.Builder
	for line := range strings.Lines(list) {
		if !strings.Contains(line, "journal") {
			others.WriteString(line)
		}
	}
	if diff := cmp.Diff(string(present), others.String()); diff != "" {
		t.Errorf("the page's list is not the present one with one adapter more (-present +page without journal):\n%s", diff)
	}

	sources, checkout := t.TempDir(), absolute(t, root)
	replace := map[string]string{}
	for name, text := range map[string]string{adapterFile: file(t, adapterPage, adapterFile), listFile: list} {
		write(t, sources, name, text)
		replace[filepath.Join(checkout, filepath.FromSlash(name))] = filepath.Join(sources, filepath.FromSlash(name))
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	write(t, sources, "overlay.json", string(overlay))

	n := &node{t: t, binary: build(t, "-overlay", filepath.Join(sources, "overlay.json")), dir: t.TempDir()}
	const data = "data/khai_sinh.jsonl"
	write(t, n.dir,
		"truc.yaml", file(t, adapterPage, "truc.yaml")+"http: { listen: \""+freeAddress(t)+"\" }\n",
		"khai_sinh.yaml", file(t, startPage, "khai_sinh.yaml"),
		data, file(t, adapterPage, data))
	n.truc(0, "check")
	r := n.run()
	r.until("one of the two rows is published", func() bool { return n.published() == 1 })

	// The program goes on writing: the draft is registered.
	path := filepath.Join(n.dir, filepath.FromSlash(data))
	lines := strings.SplitAfter(file(t, adapterPage, data), "\n")
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteString(strings.Replace(lines[1], `"trang_thai":0`, `"trang_thai":2`, 1))
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	r.until("the draft that was registered is published", func() bool { return n.published() == 2 })
	r.stop()

	// Another, shorter file in its place is no continuation; a person says that it may be read.
	write(t, n.dir, data, lines[0])
	n.run().endsWith(5)
	n.truc(0, "resnapshot", "so_bo", "--yes")
	n.run().until("the new file is published", func() bool { return n.published() == 1 })
}

// published is how many events with a document the node's one pipeline has published since it started.
func (n *node) published() int64 {
	cmd := n.command(n.t.Context(), "status", "--json")
	out, err := cmd.Output()
	if err != nil {
		return 0 // not up yet
	}
	var status struct {
		Readers []struct {
			Pipelines []struct{ Published map[string]int64 }
		}
	}
	if err := json.Unmarshal(out, &status); err != nil {
		n.t.Fatalf("truc status --json: %v", err)
	}
	if len(status.Readers) != 1 || len(status.Readers[0].Pipelines) != 1 {
		return 0
	}
	p := status.Readers[0].Pipelines[0].Published
	return p["created"] + p["updated"] + p["snapshot"]
}
