//go:build unix

package alerts

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestCommandIsKilled: a command that does not end is killed, with all that it has started.
func TestCommandIsKilled(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { // reads until the last process that writes to the pipe is gone
		f, err := os.Open(pipe)
		if err == nil {
			_, err = io.ReadAll(f)
			_ = f.Close()
		}
		ended <- err
	}()
	target := Target{Command: []string{script(t, `(exec sleep 60 > "$1") & exec sleep 60 > "$1"`), pipe}, Timeout: 300 * time.Millisecond}
	if said := New(testConfig(target)).Test(t.Context()); !strings.Contains(said[0].Error, "did not end within 300ms and was killed") {
		t.Errorf("it hangs: %+v", said)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Error("what the command has started lives on")
	}
}
