package config

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/lienthong/truc/problem"
)

// nobody owns no file.
const nobody = 65534

func TestSecretFileWithoutRight(t *testing.T) {
	dir := t.TempDir()
	path := write(t, dir, "pw", "x")
	// The folder may be entered, so that it is the file that is refused.
	for _, folder := range []string{filepath.Dir(dir), dir} {
		if err := os.Chmod(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	var problems problem.List
	asNobody(t, func() {
		_, problems = load(filepath.Join(dir, "truc.yaml"), []byte(strings.Replace(withDSN, "DSN", "${file:pw}", 1)), environment())
	})
	if err := problems.Err(); err == nil || !strings.Contains(err.Error(), "pw cannot be read: permission denied") {
		t.Errorf("problems = %v", problems)
	}
}

// asNobody runs fn without root's right to read every file, where the tests run as root. Linux keeps the user of file
// accesses by thread: fn gets a thread of its own, which ends with it.
func asNobody(t *testing.T, fn func()) {
	t.Helper()
	if os.Getuid() != 0 {
		fn()
		return
	}
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread is of no use to others
		err := syscall.Setfsuid(nobody)
		if err == nil {
			fn()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
