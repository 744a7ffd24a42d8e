//go:build unix

package demo

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// lowerRights returns what makes a command run without root's rights, in a folder it owns: PostgreSQL refuses root.
func lowerRights(dir string) (func(*exec.Cmd), error) {
	var credential *syscall.Credential
	if os.Geteuid() == 0 {
		u, err := user.Lookup("postgres")
		if err != nil {
			u, err = user.Lookup("nobody")
		}
		if err != nil {
			return nil, errors.New("PostgreSQL does not run as root, and there is no user postgres or nobody")
		}
		uid, _ := strconv.ParseUint(u.Uid, 10, 32)
		gid, _ := strconv.ParseUint(u.Gid, 10, 32)
		credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(dir, int(uid), int(gid)); err != nil {
			return nil, fmt.Errorf("give PostgreSQL its folder: %w", err)
		}
	}
	return func(c *exec.Cmd) {
		// A group of its own: Ctrl-C in the terminal is for the demo, which ends the server in order.
		c.SysProcAttr = &syscall.SysProcAttr{Credential: credential, Setpgid: true}
	}, nil
}
