//go:build !unix

package demo

import "os/exec"

// lowerRights leaves a command as it is.
func lowerRights(string) (func(*exec.Cmd), error) { return func(*exec.Cmd) {}, nil }
