//go:build unix

package compat

import (
	"syscall"
	"testing"
	"time"
)

// used is the processor time of this process: a machine that is busy with other things does not make it longer.
func used(t testing.TB) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
