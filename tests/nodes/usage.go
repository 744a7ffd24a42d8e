package nodes

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Usage is what a process has used so far.
type Usage struct {
	CPU  time.Duration // user and system
	Peak float64       // MiB, the high-water mark of its resident memory (VmHWM)
	RSS  float64       // MiB that are resident now
}

// UsageOf reads proc_pid_stat(5) and proc_pid_status(5).
func UsageOf(pid int) (Usage, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return Usage{}, fmt.Errorf("read usage of a process: %w", err)
	}
	const tick = time.Second / 100 // USER_HZ, 100 on every Linux that Go runs on
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 13 {
		return Usage{}, errors.New("read usage of a process: /proc/PID/stat is too short")
	}
	user, errUser := strconv.Atoi(fields[11])
	system, errSystem := strconv.Atoi(fields[12])
	if err := errors.Join(errUser, errSystem); err != nil {
		return Usage{}, fmt.Errorf("read usage of a process: %w", err)
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return Usage{}, fmt.Errorf("read usage of a process: %w", err)
	}
	u := Usage{CPU: time.Duration(user+system) * tick}
	for line := range strings.Lines(string(status)) {
		name, rest, _ := strings.Cut(line, ":")
		if name != "VmHWM" && name != "VmRSS" {
			continue
		}
		kB, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(rest), " kB"))
		if err != nil {
			return Usage{}, fmt.Errorf("read usage of a process: %w", err)
		}
		if name == "VmHWM" {
			u.Peak = float64(kB) / 1024
		} else {
			u.RSS = float64(kB) / 1024
		}
	}
	return u, nil
}

// Machine is the time that all processors have worked so far, for anybody.
func Machine(tb testing.TB) time.Duration {
	tb.Helper()
	text, err := os.ReadFile("/proc/stat") // proc_stat(5)
	if err != nil {
		tb.Fatal(err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	fields := strings.Fields(line)
	if len(fields) < 8 || fields[0] != "cpu" {
		tb.Fatalf("/proc/stat does not begin with the sum of all processors: %q", line)
	}
	ticks := 0
	for i, f := range fields[1:8] { // user nice system idle iowait irq softirq
		n, err := strconv.Atoi(f)
		if err != nil {
			tb.Fatal(err)
		}
		if i != 3 && i != 4 {
			ticks += n
		}
	}
	return time.Duration(ticks) * time.Second / 100
}
