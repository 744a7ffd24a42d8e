//go:build !unix

package alerts

import "os/exec"

// killFamily does nothing here: the command itself is killed, what it has started is not.
func killFamily(*exec.Cmd) {}
