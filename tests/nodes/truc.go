//go:build linux

package nodes

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/lienthong/truc/tests/servers"
)

// Patience is how long something may take that normally takes a moment: machines are busy.
const Patience = 90 * time.Second

// binary is truc, built once for all tests of a process.
var binary struct {
	once sync.Once
	dir  string
	path string
	err  error
}

// Binary returns the path of truc, built at first use with build tags, "" for none; the first caller's tags hold.
func Binary(tb testing.TB, tags ...string) string {
	tb.Helper()
	binary.once.Do(func() {
		if binary.dir, binary.err = os.MkdirTemp("", "truc-binary-"); binary.err != nil { //nolint:usetesting // the binary outlives the test that builds it
			return
		}
		binary.path = filepath.Join(binary.dir, "truc")
		args := []string{"build", "-o", binary.path}
		for _, tag := range tags {
			args = append(args, "-tags="+tag)
		}
		build := exec.Command("go", append(args, "github.com/lienthong/truc/cmd/truc")...)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			binary.err = fmt.Errorf("build truc: %w\n%s", err, out)
		}
	})
	if binary.err != nil {
		tb.Fatal(binary.err)
	}
	return binary.path
}

// Main runs the tests of a package, stops the servers they shared, removes the binary and returns the exit code.
func Main(m *testing.M) int {
	code := servers.Main(m)
	if binary.dir != "" {
		_ = os.RemoveAll(binary.dir)
	}
	return code
}

// Outcome is what a finished command said.
type Outcome struct {
	Code           int
	Stdout, Stderr string
}

func (o Outcome) String() string {
	return fmt.Sprintf("exit code %d\nstdout:\n%s\nstderr:\n%s", o.Code, o.Stdout, o.Stderr)
}

// longest is how long a command may take: one that hangs ends its test, well before the time of the whole package is over, so
// that the test can say which.
const longest = 10 * time.Minute

// Run runs truc to its end in a directory.
func Run(tb testing.TB, dir string, args ...string) Outcome {
	tb.Helper()
	return Command(tb, dir, Binary(tb), args...)
}

// Command runs any program to its end in a directory.
func Command(tb testing.TB, dir, program string, args ...string) Outcome {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), longest)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGQUIT) } // truc then says where it hangs
	cmd.WaitDelay = 10 * time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if ctx.Err() != nil {
		tb.Fatalf("%s %v took longer than %s:\n%s", filepath.Base(program), args[:min(1, len(args))], longest, &stderr)
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		tb.Fatalf("run %s: %v", filepath.Base(program), err)
	}
	return Outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// Tool returns the path of a program that setup installs.
func Tool(tb testing.TB, name string) string {
	tb.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if servers.SkipAllowed() {
			tb.Skipf("no %s here", name)
		}
		tb.Fatalf("no %s here; `make setup` installs it (ALLOW_SKIP=1 skips the tests that need it)", name)
	}
	return path
}

// Write writes a file of a node.
func Write(tb testing.TB, path, text string) {
	tb.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
}
