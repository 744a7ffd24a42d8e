//go:build linux

package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/lienthong/truc/tests/servers"
)

func TestMain(m *testing.M) {
	code := servers.Main(m)
	if binary.dir != "" {
		_ = os.RemoveAll(binary.dir)
	}
	os.Exit(code)
}

// patience is how long something may take that normally takes a moment: machines are busy. In the full run a moment is
// that of a million rows.
func patience() time.Duration {
	if fullRun() {
		return 20 * time.Minute
	}
	return 90 * time.Second
}

// fullRun reports whether the tests were given sizes of their own.
func fullRun() bool { return os.Getenv("TRUC_E2E_ROWS") != "" }

// binary is truc, built once for all tests.
var binary struct {
	once sync.Once
	dir  string
	path string
	err  error
}

// truc returns the path of the binary.
func truc(tb testing.TB) string {
	tb.Helper()
	binary.once.Do(func() {
		if binary.dir, binary.err = os.MkdirTemp("", "truc-e2e-"); binary.err != nil { //nolint:usetesting // the binary outlives the test that builds it
			return
		}
		binary.path = filepath.Join(binary.dir, "truc")
		build := exec.Command("go", "build", "-o", binary.path, "../../cmd/truc")
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

// outcome is what a finished command said.
type outcome struct {
	code           int
	stdout, stderr string
}

func (o outcome) String() string {
	return fmt.Sprintf("exit code %d\nstdout:\n%s\nstderr:\n%s", o.code, o.stdout, o.stderr)
}

// run runs truc to its end in a directory.
func run(t *testing.T, dir string, args ...string) outcome {
	t.Helper()
	return command(t, dir, truc(t), args...)
}

// command runs any program to its end in a directory.
func command(t *testing.T, dir, program string, args ...string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience())
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("run %s: %v", filepath.Base(program), err)
	}
	return outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// tool returns the path of a program that setup installs.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if servers.SkipAllowed() {
			t.Skipf("no %s here", name)
		}
		t.Fatalf("no %s here; `make setup` installs it (ALLOW_SKIP=1 skips the tests that need it)", name)
	}
	return path
}

// write writes a file of a node.
func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// eventually waits until something is so; why is told when it never is.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience())
	for !is() {
		if time.Now().After(deadline) {
			t.Fatalf("after %s still not: %s", patience(), what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// node is a running truc.
type node struct {
	t    *testing.T
	cmd  *exec.Cmd
	log  *journal
	done chan struct{}
	mem  *memory
}

// start starts `truc run` with a configuration; it is killed at the end of the test.
func start(t *testing.T, config string, args ...string) *node {
	t.Helper()
	cmd := exec.Command(truc(t), append([]string{"run", "-c", config}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	n := &node{t: t, cmd: cmd, log: &journal{}, done: make(chan struct{}), mem: &memory{}}
	cmd.Stderr = n.log
	started := make(chan error)
	go func() {
		// The death signal comes when the thread that started the process ends: it is kept until then.
		lockThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		_ = cmd.Wait()
		close(n.done)
	}()
	if err := <-started; err != nil {
		t.Fatalf("start truc: %v", err)
	}
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		n.mem.watch(cmd.Process.Pid, n.done)
	}()
	t.Cleanup(func() {
		n.signal(syscall.SIGCONT)
		n.kill()
		<-watched
		if t.Failed() {
			t.Logf("log of %s:\n%s", filepath.Base(config), n.log.tail(8))
		}
	})
	return n
}

func (n *node) signal(s syscall.Signal) { _ = n.cmd.Process.Signal(s) }

// kill ends the process as a power cut would.
func (n *node) kill() {
	n.signal(syscall.SIGKILL)
	<-n.done
}

// interrupt asks the process to end in order and returns its exit code.
func (n *node) interrupt() int {
	n.t.Helper()
	n.signal(syscall.SIGINT)
	return n.wait()
}

// wait waits until the process has ended by itself and returns its exit code.
func (n *node) wait() int {
	n.t.Helper()
	select {
	case <-n.done:
	case <-time.After(patience()):
		n.t.Fatalf("truc does not end\n%s", n.log.tail(40))
	}
	return n.cmd.ProcessState.ExitCode()
}

func (n *node) ended() bool {
	select {
	case <-n.done:
		return true
	default:
		return false
	}
}

// serving waits until the node serves HTTP; it fails the test when the node ends instead.
func (n *node) serving() {
	n.t.Helper()
	eventually(n.t, "truc is running", func() bool {
		if n.ended() {
			n.t.Fatalf("truc ended with %d:\n%s", n.cmd.ProcessState.ExitCode(), n.log.tail(40))
		}
		return n.log.attribute("truc is running", "http") != ""
	})
}

// journal collects what a process logs.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func (j *journal) has(text string) bool { return strings.Contains(j.String(), text) }

// attribute returns an attribute of the first line with a message.
func (j *journal) attribute(message, name string) string {
	for line := range strings.Lines(j.String()) {
		if !strings.Contains(line, message) || !strings.HasSuffix(line, "\n") {
			continue
		}
		if _, value, ok := strings.Cut(line, " "+name+"="); ok {
			value, _, _ = strings.Cut(strings.TrimSpace(value), " ")
			return value
		}
	}
	return ""
}

func (j *journal) tail(lines int) string {
	all := strings.Split(strings.TrimSpace(j.String()), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// memory is the highest resident size (VmHWM) a process had, in KiB. The kernel keeps the high-water mark itself: the last
// look before the end tells nearly all of it.
type memory struct {
	mu  sync.Mutex
	kib int
}

func (m *memory) watch(pid int, done <-chan struct{}) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err == nil {
			if _, after, ok := strings.Cut(string(text), "VmHWM:"); ok {
				kib, _ := strconv.Atoi(strings.Fields(after)[0])
				m.mu.Lock()
				m.kib = max(m.kib, kib)
				m.mu.Unlock()
			}
		}
		select {
		case <-done:
			return
		case <-tick.C:
		}
	}
}

func (m *memory) mib() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.kib >> 10
}

// limit is what a node may take of memory whatever it carries.
const limitMiB = 200

// fits fails the test when a node took more memory than it may.
func (n *node) fits(when string) {
	n.t.Helper()
	n.t.Logf("%s: VmHWM %d MiB", when, n.mem.mib())
	if n.mem.mib() >= limitMiB {
		n.t.Errorf("%s: truc took %d MiB, the limit is %d", when, n.mem.mib(), limitMiB)
	}
}
