package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestFolderFault(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	for path, want := range map[string]string{
		".":            "",
		"bus/deep":     "",
		"file":         "file is a file, a folder is needed",
		"file/bus/dir": "file is a file, a folder is needed",
	} {
		if what, _ := folderFault(filepath.Join(dir, path)); what.EN != want {
			t.Errorf("%s: %q, want %q", path, what.EN, want)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("the question left something behind: %v, %v", entries, err)
	}
}

func TestOverlap(t *testing.T) {
	for _, c := range []struct{ a, b, want string }{
		{"H44.15", "H44.15", "H44.15"},
		{"H44.*", "H44.15.2", "H44.15.2"},
		{"H44.15", "H44.*", "H44.15"},
		{"*", "H26.*", "H26.*"},
		{"H44.*", "H44", "H44"},
		{"H44.15", "H44.16", ""},
		{"H44.*", "H4.4", ""},
		{"H44.1", "H44.15", ""},
		{"H44.1.*", "H44.15", ""},
		{"H44", "H44.15", ""},
	} {
		if got := overlap([]string{"H99", c.a}, []string{c.b, "H98"}); got != c.want {
			t.Errorf("%s and %s: %q, want %q", c.a, c.b, got, c.want)
		}
	}
}
