package main

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/tests/messages"
)

// TestFindingsAsRead reads every finding of the configurations in testdata as a person does: it says where, what and what to do,
// in both languages.
func TestFindingsAsRead(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatal(err)
	}
	kinds := map[string]bool{}
	for _, path := range archives {
		a, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		for _, f := range a.Files {
			name := filepath.Join(dir, filepath.FromSlash(f.Name))
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, f.Data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(name) != ".yaml" || isMapping(name) {
				return err
			}
			var stdout, stderr strings.Builder
			Main(t.Context(), []string{"check", "--offline", "--json", "-c", name}, strings.NewReader(""), &stdout, &stderr, func(string) (string, bool) { return "", false })
			var r checkResult
			_ = json.Unmarshal([]byte(stdout.String()), &r) // what is no list holds no findings: the session in the archive holds it
			for _, p := range r.Problems {
				kinds[p.Code+p.What.EN] = true
				judge(t, filepath.Base(path), p)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(kinds) < 90 {
		t.Errorf("%d different findings were read", len(kinds))
	}
}

func judge(t *testing.T, from string, p problem.Problem) {
	t.Helper()
	for _, fault := range messages.Faults(p) {
		t.Errorf("%s: %s (%s) %s\n    %s | %s", from, p.Code, p.Where, fault, p.What.EN, p.Fix.EN)
	}
}

// isMapping tells a mapping from a configuration.
func isMapping(name string) bool {
	text, err := os.ReadFile(name)
	return err == nil && (strings.Contains(string(text), "dataset:") || strings.Contains(string(text), "fields:")) && !strings.Contains(string(text), "agency:")
}
