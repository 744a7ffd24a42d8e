//go:build unix

package alerts

import (
	"os/exec"
	"syscall"
)

// killFamily makes the end of a command's time the end of whatever it has started, too.
func killFamily(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
