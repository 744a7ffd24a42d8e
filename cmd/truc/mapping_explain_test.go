package main

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lienthong/truc/mapping"
)

// TestMappingExplainWithConfiguration: the columns have the types of the table that the pipeline reads or writes.
func TestMappingExplainWithConfiguration(t *testing.T) {
	b := newBench(t)
	b.write(t, "mappings/khai_sinh.yaml", strings.Replace(birthsMapping, "  so: so_dk", "  so: text(id)", 1))
	for _, c := range []struct {
		file, name, reads string
		rules             []string
	}{
		{"khai_sinh.yaml", "so", "id", []string{"minLength", "maxLength"}}, // a whole number is always there and has no encoding
		{"khai_sinh.yaml", "quyenSo", "quyen", []string{"encoding", "minLength", "maxLength", "required"}},
		{"tre_em.yaml", "ho_ten", "nguoiDuocKhaiSinh.hoTen", nil},
	} {
		code, stdout, stderr := b.truc(context.Background(), "mapping", "explain", "--json", filepath.Join(b.dir, "mappings", c.file))
		var x explained
		if err := json.Unmarshal([]byte(stdout), &x); err != nil || code != exitDone || !x.Typed {
			t.Fatalf("%s: exit %d, %v\n%s%s", c.file, code, err, stdout, stderr)
		}
		var found *mapping.Explanation
		for i := range x.Values {
			if x.Values[i].Name == c.name {
				found = &x.Values[i]
			}
		}
		if found == nil || strings.Join(found.Reads, " ") != c.reads {
			t.Errorf("%s: %+v", c.name, found)
			continue
		}
		var rules []string
		for _, f := range found.Failures {
			rules = append(rules, f.Rule)
		}
		if strings.Join(rules, " ") != strings.Join(c.rules, " ") {
			t.Errorf("%s may fail by %q, want %q", c.name, rules, c.rules)
		}
	}
	b.write(t, "mappings/khai_sinh.yaml", strings.Replace(birthsMapping, "  so: so_dk", "  so: so_dkk", 1))
	code, stdout, stderr := b.truc(context.Background(), "mapping", "explain", filepath.Join(b.dir, "mappings", "khai_sinh.yaml"))
	if code != exitUsage || stdout != "" || !strings.Contains(stderr, `unknown column "so_dkk"`) {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
}
