//go:build linux

package nodes

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Node is a running truc.
type Node struct {
	Log *Journal

	tb     testing.TB
	cmd    *exec.Cmd
	done   chan struct{}
	memory memory
}

// Start starts `truc run` with a configuration; it is killed at the end of the test.
func Start(tb testing.TB, config string) *Node {
	tb.Helper()
	return StartBinary(tb, Binary(tb), config)
}

// StartBinary starts another build of truc, with variables "NAME=value" over those of the test.
func StartBinary(tb testing.TB, binary, config string, variables ...string) *Node {
	tb.Helper()
	return StartVerb(tb, binary, []string{"run", "-c", config}, variables...)
}

// StartVerb starts any verb of truc that runs until it is told to stop.
func StartVerb(tb testing.TB, binary string, args []string, variables ...string) *Node {
	tb.Helper()
	cmd := exec.Command(binary, args...)
	cmd.Env = append(os.Environ(), variables...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	n := &Node{tb: tb, cmd: cmd, Log: &Journal{}, done: make(chan struct{})}
	cmd.Stderr = n.Log
	started := make(chan error)
	go func() {
		// The death signal comes when the thread that started the process ends: it is kept until then.
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		_ = cmd.Wait()
		close(n.done)
	}()
	if err := <-started; err != nil {
		tb.Fatalf("start truc: %v", err)
	}
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		n.memory.watch(cmd.Process.Pid, n.done)
	}()
	tb.Cleanup(func() {
		n.Signal(syscall.SIGCONT)
		n.Kill()
		<-watched
		if tb.Failed() {
			tb.Logf("log of %s:\n%s", filepath.Base(args[len(args)-1]), n.Log.Tail(6))
		}
	})
	return n
}

// Signal sends a signal, to a process that has ended none.
func (n *Node) Signal(s syscall.Signal) { _ = n.cmd.Process.Signal(s) }

// Kill ends the process as a power cut would.
func (n *Node) Kill() {
	n.Signal(syscall.SIGKILL)
	<-n.done
}

// Done is closed when the process has ended.
func (n *Node) Done() <-chan struct{} { return n.done }

// Ended reports whether the process has ended.
func (n *Node) Ended() bool {
	select {
	case <-n.done:
		return true
	default:
		return false
	}
}

// ExitCode is that of a process that has ended, -1 when a signal ended it.
func (n *Node) ExitCode() int { return n.cmd.ProcessState.ExitCode() }

// Frozen reports whether the process is stopped by a signal.
func (n *Node) Frozen() bool {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(n.cmd.Process.Pid) + "/stat")
	_, after, ok := strings.Cut(string(text), ") ")
	return err == nil && ok && strings.HasPrefix(after, "T")
}

// MiB is the highest resident size the process had.
func (n *Node) MiB() int { return n.memory.mib() }

// Usage is that of the node, which is running.
func (n *Node) Usage(tb testing.TB) Usage {
	tb.Helper()
	u, err := UsageOf(n.cmd.Process.Pid)
	if err != nil {
		tb.Fatal(err)
	}
	return u
}

// Journal collects what a process logs.
type Journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (j *Journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *Journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// Has reports whether a text was logged.
func (j *Journal) Has(text string) bool { return strings.Contains(j.String(), text) }

// Count is how often a text was logged.
func (j *Journal) Count(text string) int { return strings.Count(j.String(), text) }

// Attribute returns an attribute of the first line with a message, "" when there is none.
func (j *Journal) Attribute(message, name string) string {
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

// Tail returns the last lines.
func (j *Journal) Tail(lines int) string {
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
		text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
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
