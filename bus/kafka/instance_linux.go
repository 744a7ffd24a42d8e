package kafka

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// locate fills in what Linux knows of this process.
func locate(i *Instance) {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return
	}
	space, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return
	}
	start, alive := startOf(i.PID)
	if !alive || start == "" {
		return
	}
	i.Start, i.Boot, i.Space = start, strings.TrimSpace(string(boot)), idPart(space)
}

// startOf says when a process started, in ticks since the boot, and whether it lives. One that nobody has collected yet is
// dead. A process that may not be looked at lives, at a time that is not known.
func startOf(pid int) (start string, alive bool) {
	// A file that is missing would not do as a proof: /proc may hide the processes of others.
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return "", false
	}
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	// The name of the program, in parentheses, may hold anything.
	end := strings.LastIndexByte(string(text), ')')
	if err != nil || end < 0 {
		return "", true
	}
	f := strings.Fields(string(text[end+1:]))
	if len(f) < 20 {
		return "", true
	}
	return f[19], f[0] != "Z" && f[0] != "X"
}
