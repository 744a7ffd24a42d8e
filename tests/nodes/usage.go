package nodes

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
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
