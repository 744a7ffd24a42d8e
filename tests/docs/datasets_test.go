package docs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lienthong/truc/schemas"
)

// TestDatasetsPage holds docs/datasets.md to the standards that are built in: every dataset and every code list stands there with
// its source and with what is provisional in it, in the very words of the file.
func TestDatasetsPage(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs", "datasets.md"))
	if err != nil {
		t.Fatal(err)
	}
	set, err := schemas.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, d := range set.Datasets() {
		key := "`" + strings.Join(d.KeyProperties(), "`, `") + "`"
		want = append(want, fmt.Sprintf("| `%s` | %s · %s | %s | %s |", d.ID(), d.Title("vi"), d.Title("en"), key, d.Root().Source))
	}
	for _, l := range set.CodeLists() {
		want = append(want, fmt.Sprintf("| `%s` | %s · %s | %d | %s | %s |", l.ID, l.Title["vi"], l.Title["en"], len(l.Codes()), l.Source, l.Provisional))
	}
	for _, line := range want {
		if !strings.Contains(string(text), "\n"+line+"\n") {
			t.Errorf("docs/datasets.md lacks the line\n%s", line)
		}
	}
	if rows := strings.Count(string(text), "\n| `"); rows != len(want) {
		t.Errorf("docs/datasets.md has %d lines about datasets and code lists, there are %d", rows, len(want))
	}
}
