//go:build linux || darwin

package main

import "syscall"

// writable asks whether this user may make files in a folder.
func writable(dir string) bool {
	const write, enter = 2, 1
	return syscall.Access(dir, write|enter) == nil
}
