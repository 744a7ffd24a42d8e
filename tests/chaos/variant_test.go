//go:build linux

package chaos

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lienthong/truc/tests/nodes"
)

// edit replaces a text, which must be there once, in a file of the project or of Go's library; in the binary that is built, not on
// disk. Without an old text it adds a file.
type edit struct{ file, old, new string }

// killPoints makes the binary end itself at a boundary of its loops.
var killPoints = []edit{
	{"cmd/truc/assemble.go", "Budget: n.budget(), Log: n.log,", "Budget: n.budget(), Log: n.log, At: killAt(),"},
	{"cmd/truc/assemble.go", "Replication: n.replication(), Log: n.log,\n\t\t}))", "Replication: n.replication(), Log: n.log, At: killAt(),\n\t\t}))"},
}

// build builds truc with edits, besides the kill points.
func build(tb testing.TB, edits ...edit) string {
	tb.Helper()
	dir := tb.TempDir()
	root, err := filepath.Abs("../..")
	if err != nil {
		tb.Fatal(err)
	}
	instrument, err := filepath.Abs("testdata/killpoint.go.txt")
	if err != nil {
		tb.Fatal(err)
	}
	replace := map[string]string{filepath.Join(root, "cmd/truc/killpoint.go"): instrument}
	for _, e := range append(append([]edit(nil), killPoints...), edits...) {
		path := e.file
		if !filepath.IsAbs(path) {
			path = filepath.Join(root, path)
		}
		from := path
		if earlier, ok := replace[path]; ok {
			from = earlier
		}
		text, err := os.ReadFile(from)
		if e.old == "" {
			text, err, e.old = []byte("new"), nil, "new"
		}
		if err != nil {
			tb.Fatal(err)
		}
		if n := strings.Count(string(text), e.old); n != 1 {
			tb.Fatalf("%s has %q %d times: the code has changed, and the edit must follow it", e.file, e.old, n)
		}
		replace[path] = filepath.Join(dir, strings.ReplaceAll(e.file, "/", "_"))
		nodes.Write(tb, replace[path], strings.Replace(string(text), e.old, e.new, 1))
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		tb.Fatal(err)
	}
	nodes.Write(tb, filepath.Join(dir, "overlay.json"), string(overlay))
	binary := filepath.Join(dir, "truc")
	out := nodes.Command(tb, root, "go", "build", "-overlay="+filepath.Join(dir, "overlay.json"), "-o", binary, "./cmd/truc")
	if out.Code != 0 {
		tb.Fatalf("build truc: %s", out)
	}
	return binary
}
