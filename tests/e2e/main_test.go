//go:build linux

package e2e

import (
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/lienthong/truc/tests/nodes"
)

func TestMain(m *testing.M) { os.Exit(nodes.Main(m)) }

// patience is how long something may take that normally takes a moment: machines are busy. In the full run a moment is
// that of a million rows.
func patience() time.Duration {
	if fullRun() {
		return 20 * time.Minute
	}
	return nodes.Patience
}

// fullRun reports whether the tests were given sizes of their own.
func fullRun() bool { return os.Getenv("TRUC_E2E_ROWS") != "" }

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

// node is a running truc whose troubles are a test's.
type node struct {
	*nodes.Node
	t *testing.T
}

// start starts `truc run` with a configuration; it is killed at the end of the test.
func start(t *testing.T, config string) *node {
	t.Helper()
	return &node{nodes.Start(t, config), t}
}

// interrupt asks the process to end in order and returns its exit code.
func (n *node) interrupt() int {
	n.t.Helper()
	n.Signal(syscall.SIGINT)
	return n.wait()
}

// wait waits until the process has ended by itself and returns its exit code.
func (n *node) wait() int {
	n.t.Helper()
	select {
	case <-n.Done():
	case <-time.After(patience()):
		n.t.Fatalf("truc does not end\n%s", n.Log.Tail(40))
	}
	return n.ExitCode()
}

// serving waits until the node serves HTTP; it fails the test when the node ends instead.
func (n *node) serving() {
	n.t.Helper()
	eventually(n.t, "truc is running", func() bool {
		if n.Ended() {
			n.t.Fatalf("truc ended with %d:\n%s", n.ExitCode(), n.Log.Tail(40))
		}
		return n.Log.Attribute("truc is running", "http") != ""
	})
}

// limit is what a node may take of memory whatever it carries.
const limitMiB = 200

// fits fails the test when a node took more memory than it may.
func (n *node) fits(when string) {
	n.t.Helper()
	n.t.Logf("%s: VmHWM %d MiB", when, n.MiB())
	if n.MiB() >= limitMiB {
		n.t.Errorf("%s: truc took %d MiB, the limit is %d", when, n.MiB(), limitMiB)
	}
}
