//go:build linux

package clients

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/truc/tests/nodes"
	"github.com/lienthong/truc/tests/servers"
)

func TestMain(m *testing.M) { os.Exit(nodes.Main(m)) }

// registry is a running truc registry.
type registry struct {
	*nodes.Node
	url string
}

// start runs a registry; its log says where it listens.
func start(t testing.TB, args ...string) registry {
	t.Helper()
	return await(t, nodes.StartVerb(t, nodes.Binary(t), append([]string{"registry", "--listen", "127.0.0.1:0"}, args...)))
}

// await waits until a process says where its registry listens.
func await(t testing.TB, n *nodes.Node) registry {
	t.Helper()
	for deadline := time.Now().Add(nodes.Patience); ; time.Sleep(10 * time.Millisecond) {
		if url := n.Log.Attribute("the registry is running", "http"); url != "" {
			return registry{n, url}
		}
		if n.Ended() || time.Now().After(deadline) {
			t.Fatalf("the registry does not run:\n%s", n.Log)
		}
	}
}

func TestClients(t *testing.T) {
	r := start(t, "--dir", t.TempDir())
	t.Run("franz-go", func(t *testing.T) {
		succeeds(t, nodes.Command(t, "go", nodes.Tool(t, "go"), "run", ".", r.url))
	})
	home := installed(t)
	t.Run("confluent-kafka", func(t *testing.T) {
		succeeds(t, nodes.Command(t, "python", filepath.Join(home, "python/bin/python"), "client.py", r.url))
	})
	for _, script := range []string{"confluent.mjs", "kafkajs.mjs"} {
		t.Run(script, func(t *testing.T) {
			// Packages are looked for beside the script.
			dir := t.TempDir()
			text, err := os.ReadFile(filepath.Join("js", script))
			if err != nil {
				t.Fatal(err)
			}
			nodes.Write(t, filepath.Join(dir, script), string(text))
			if err := os.Symlink(filepath.Join(home, "js/node_modules"), filepath.Join(dir, "node_modules")); err != nil {
				t.Fatal(err)
			}
			succeeds(t, nodes.Command(t, dir, nodes.Tool(t, "node"), script, r.url))
		})
	}
}

func succeeds(t *testing.T, o nodes.Outcome) {
	t.Helper()
	if o.Code != 0 || !strings.HasSuffix(strings.TrimSpace(o.Stdout), "deleted") {
		t.Error(o)
	}
}

// installed is where tests/scripts/setup.sh has put the clients.
func installed(t *testing.T) string {
	t.Helper()
	sum := sha256.New()
	for _, lock := range []string{"js/package-lock.json", "python/requirements.txt"} {
		text, err := os.ReadFile(lock)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = sum.Write(text)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	home := filepath.Join(cache, "truc", "registry-clients-"+hex.EncodeToString(sum.Sum(nil))[:12])
	if _, err := os.Stat(filepath.Join(home, "js/node_modules")); err != nil {
		if servers.SkipAllowed() {
			t.Skip("no clients of schema registries here")
		}
		t.Fatal("no clients of schema registries here; `make setup` installs them (ALLOW_SKIP=1 skips the tests that need them)")
	}
	return home
}
