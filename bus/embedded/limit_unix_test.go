//go:build unix

package embedded_test

import (
	"os/signal"
	"strconv"
	"syscall"
)

const canLimitFiles = true

// limitFiles makes writes beyond a size fail, as on a full disk.
func limitFiles(bytes string) error {
	n, err := strconv.ParseUint(bytes, 10, 64)
	if err != nil {
		return err
	}
	signal.Ignore(syscall.SIGXFSZ)
	return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: n, Max: n})
}
