package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/lienthong/truc/problem"
)

// nobody owns no folder.
const nobody = 65534

func TestFolderWithoutRight(t *testing.T) {
	top := t.TempDir()
	dir := filepath.Join(top, "locked")
	if err := os.Mkdir(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{filepath.Dir(top), top} { // they may be entered, so that it is the last that is refused
		if err := os.Chmod(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	var what problem.Text
	asNobody(t, func() { what, _ = folderFault(filepath.Join(dir, "bus")) })
	if !strings.Contains(what.EN, "may not be written by this user") {
		t.Errorf("%q", what.EN)
	}
}

// asNobody runs fn without root's right to write everywhere, where the tests run as root. To Linux a user is a matter of the
// thread: fn gets a thread of its own, which ends with it.
func asNobody(t *testing.T, fn func()) {
	t.Helper()
	if os.Getuid() != 0 {
		fn()
		return
	}
	done := make(chan syscall.Errno)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread is of no use to others
		_, _, err := syscall.RawSyscall(syscall.SYS_SETRESUID, nobody, nobody, nobody)
		if err == 0 {
			fn()
		}
		done <- err
	}()
	if err := <-done; err != 0 {
		t.Fatal(err)
	}
}
