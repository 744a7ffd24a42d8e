package demo

import (
	"os/exec"
	"syscall"
)

// endWithParent ends a command, of which lowerRights has made a process group, when the thread that starts it dies: a demo
// that is killed leaves no server behind. PostgreSQL takes it for a fast shutdown.
func endWithParent(c *exec.Cmd) { c.SysProcAttr.Pdeathsig = syscall.SIGINT }
