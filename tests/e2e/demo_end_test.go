//go:build linux

package e2e

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lienthong/truc/tests/nodes"
)

// TestDemoEnds ends the demo in every way there is. It leaves neither a process nor, but for a kill, a folder behind.
func TestDemoEnds(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("runs the demo five times")
	}
	for _, c := range []struct {
		name string
		// wait is for a line that holds this; "" sends the signals at once.
		wait    string
		signals []syscall.Signal
		pipe    bool // nobody reads what it prints any more
		code    int
		stays   bool
	}{
		{name: "while it is laid out", signals: []syscall.Signal{syscall.SIGINT}, code: 130},
		{name: "with something on its way", wait: "on file", signals: []syscall.Signal{syscall.SIGINT}, code: 0},
		{name: "terminated", wait: "corrected", signals: []syscall.Signal{syscall.SIGTERM}, code: 0},
		{name: "by an impatient person", wait: "registered", signals: []syscall.Signal{syscall.SIGINT, syscall.SIGINT}, code: 130},
		{name: "killed", wait: "registered", signals: []syscall.Signal{syscall.SIGKILL}, code: -1, stays: true},
		{name: "piped into head", wait: "on file", pipe: true, code: -1, stays: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			tmp, err := os.MkdirTemp("", "truc-demo-ends-") //nolint:usetesting // not below t.TempDir, where PostgreSQL's own user may not go
			if err == nil {
				err = os.Chmod(tmp, 0o755)
			}
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.RemoveAll(tmp) })
			cmd := exec.Command(nodes.Binary(t), "demo")
			cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewScanner(out)
			for found := c.wait == ""; !found && lines.Scan(); {
				found = strings.Contains(lines.Text(), c.wait)
			}
			if c.wait == "" {
				time.Sleep(200 * time.Millisecond)
			}
			for _, s := range c.signals {
				_ = cmd.Process.Signal(s)
				time.Sleep(20 * time.Millisecond) // the same signal twice at once is one
			}
			if c.pipe {
				out.Close()
			} else {
				_, _ = io.Copy(io.Discard, out)
			}
			_ = cmd.Wait()
			if code := cmd.ProcessState.ExitCode(); code != c.code && (c.code != 130 || len(c.signals) < 2 || code != 0) { // it may be faster than the second signal
				t.Errorf("exit code %d, want %d: %s", code, c.code, stderr.String())
			}
			if text := stderr.String(); text != "" && text != "truc: interrupted\n" {
				t.Errorf("it says %q", text)
			}
			deadline := time.Now().Add(patience())
			for len(processesIn(t, tmp)) > 0 && time.Now().Before(deadline) {
				time.Sleep(50 * time.Millisecond)
			}
			if left := processesIn(t, tmp); len(left) > 0 {
				t.Errorf("processes %v are left", left)
			}
			if left, _ := os.ReadDir(tmp); len(left) > 0 && !c.stays {
				t.Errorf("%d folders are left, the first is %s", len(left), left[0].Name())
			}
		})
	}
}

// processesIn lists processes that have a folder on their command line.
func processesIn(t *testing.T, dir string) []string {
	t.Helper()
	found, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var pids []string
	for _, path := range found {
		if line, err := os.ReadFile(path); err == nil && bytes.Contains(line, []byte(dir)) {
			pids = append(pids, filepath.Base(filepath.Dir(path)))
		}
	}
	return pids
}
