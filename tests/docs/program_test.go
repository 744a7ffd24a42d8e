package docs

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/lienthong/truc/tests/servers"
)

func TestMain(m *testing.M) { os.Exit(servers.Main(m)) }

// patience is how long something may take that normally takes a moment: machines are busy.
const patience = 60 * time.Second

// notShort leaves a test that builds programs out of `go test -short`.
func notShort(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("builds programs, and this is a short run")
	}
}

// build builds truc with further arguments of `go build` and returns the binary.
func build(t *testing.T, args ...string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "truc.exe") // Windows wants the suffix, others do not mind
	toolchain(t, root, append([]string{"build", "-ldflags=-s -w", "-o", binary}, append(args, "./cmd/truc")...)...)
	return binary
}

// toolchain runs a go command that needs no network and returns what it said.
func toolchain(t *testing.T, dir string, args ...string) string {
	t.Helper()
	return goCommand(t, dir, true, args...)
}

func goCommand(t *testing.T, dir string, succeeds bool, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOPROXY=off", "GOWORK=off", "GOFLAGS=")
	out, err := cmd.CombinedOutput()
	if (err == nil) != succeeds {
		t.Fatalf("go %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// node is a configuration and the binary that runs it.
type node struct {
	t           *testing.T
	binary, dir string
	env         []string
}

func (n *node) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, n.binary, args...)
	cmd.Dir = n.dir
	cmd.Env = append(os.Environ(), n.env...)
	return cmd
}

// truc runs a command to its end and returns what it printed; it wants the exit code.
func (n *node) truc(want int, args ...string) string {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), patience)
	defer cancel()
	cmd := n.command(ctx, args...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		n.t.Fatalf("truc %v: %v", args, err)
	}
	if got := cmd.ProcessState.ExitCode(); got != want {
		n.t.Fatalf("truc %v: exit code %d, want %d\n%s", args, got, want, out)
	}
	return string(out)
}

// run starts `truc run`. It is stopped when the test ends, if not before.
func (n *node) run() *running {
	n.t.Helper()
	r := &running{t: n.t, cmd: n.command(context.Background(), "run"), ended: make(chan struct{})}
	r.cmd.Stderr = &r.log
	if err := r.cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	go func() {
		defer close(r.ended)
		_ = r.cmd.Wait()
	}()
	n.t.Cleanup(r.stop)
	return r
}

// running is `truc run` at work.
type running struct {
	t     *testing.T
	cmd   *exec.Cmd
	ended chan struct{}
	log   output
}

// stop tells truc to stop and waits until it has obeyed.
func (r *running) stop() {
	r.t.Helper()
	if r.cmd.Process.Signal(syscall.SIGTERM) != nil {
		_ = r.cmd.Process.Kill() // it has ended, or this is Windows, which knows no signals
	}
	select {
	case <-r.ended:
	case <-time.After(patience):
		_ = r.cmd.Process.Kill()
		<-r.ended
		r.t.Errorf("truc run did not stop when it was told to")
	}
}

// endsWith waits until truc ends by itself.
func (r *running) endsWith(code int) {
	r.t.Helper()
	select {
	case <-r.ended:
	case <-time.After(patience):
		r.t.Fatalf("truc run goes on\n%s", r.log.String())
	}
	if got := r.cmd.ProcessState.ExitCode(); got != code {
		r.t.Fatalf("truc run ended with %d, want %d\n%s", got, code, r.log.String())
	}
}

// until waits for something that a running node brings about.
func (r *running) until(what string, is func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(patience); !is(); {
		select {
		case <-r.ended:
			r.t.Fatalf("truc run ended with %d before %s\n%s", r.cmd.ProcessState.ExitCode(), what, r.log.String())
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("waited in vain until %s\n%s", what, r.log.String())
		}
	}
}

// output is written by a process and read by a test.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
