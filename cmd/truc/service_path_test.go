//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lienthong/truc/adapters/all"
)

// A line break in a path would end the line of the unit and begin a setting of its own.
func TestServicePathsAreOneLine(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]int{"so ho tich": exitDone, "so\nExecStartPre=x": exitUsage} {
		dir := filepath.Join(t.TempDir(), name)
		file := filepath.Join(dir, "truc.yaml")
		text := "agency: H44.15\nregistry: { url: https://chuan.vidu.example/ }\nbus: { embedded: { dir: data } }\n"
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		p := &program{stdin: strings.NewReader(""), stdout: &out, stderr: io.Discard, adapters: all.Registry()}
		if code := p.execute(context.Background(), []string{"service", "install", "--print", "--json", "-c", file}); code != want {
			t.Errorf("%q: exit code %d, want %d", name, code, want)
		}
		var unit struct{ Name, Text string }
		if err := json.Unmarshal(out.Bytes(), &unit); want == exitDone && (err != nil || unit.Name != "truc" || !strings.Contains(unit.Text, "ExecStart=")) {
			t.Errorf("%q: --json prints %v, %q", name, err, &out)
		}
	}
}
