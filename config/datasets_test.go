package config

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestDatasetFolders(t *testing.T) {
	none := func(string) (string, bool) { return "", false }
	many := strings.Repeat("a, ", maxDatasetFolders+1)
	for _, tt := range []struct{ text, want string }{ // "code where: what" of the one finding
		{"datasets: [chuan, khac/chuan]", ""},
		{"datasets:", ""},
		{"datasets: chuan", `config.wrong-type truc.yaml:1:1 datasets: a list was expected, "chuan" was found; fix: write datasets: [chuan]`},
		{`datasets: [""]`, "config.missing-value truc.yaml:1:12 datasets[0]: the key has no value"},
		{"datasets: [chuan, ./chuan/]", "config.bad-value truc.yaml:1:19 datasets[1]: the folder is in the list twice"},
		{"datasets: [" + many + "]", "config.bad-value truc.yaml:1:1 datasets: the list has 51 folders, 50 are possible"},
		{"dataset: [chuan]", `config.unknown-key truc.yaml:1:1 dataset: there is no key "dataset" here; fix: write "datasets"`},
	} {
		c, problems := load("truc.yaml", []byte(tt.text), none)
		got := ""
		for _, p := range problems {
			if got == "" && strings.Contains(p.Where, "dataset") {
				got = p.Code + " " + p.Error()
			}
		}
		if !strings.HasPrefix(got, tt.want) || (got == "") != (tt.want == "") {
			t.Errorf("%.40s: got %q, want %q", tt.text, got, tt.want)
		}
		if tt.want == "" && len(c.Datasets) > 0 && c.Datasets[1] != filepath.Join(c.Dir, "khac", "chuan") {
			t.Errorf("%s: %v", tt.text, c.Datasets)
		}
	}
}
