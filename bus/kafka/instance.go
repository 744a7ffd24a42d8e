package kafka

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Instance names a process among all that there are and were, so that another on its machine can find out whether it has
// ended. It travels as a client id.
type Instance struct {
	Host string
	PID  int
	// Start is when the process started, in the clock of its machine; Boot names the run of the machine's kernel, and Space the
	// numbering of processes the PID is of (containers have their own). Boot is "" where these are not known.
	Start, Boot, Space string
}

const instancePrefix = "truc"

func (i Instance) String() string {
	return strings.Join([]string{instancePrefix, idPart(i.Host), strconv.Itoa(i.PID), idPart(i.Start), idPart(i.Boot), idPart(i.Space)}, "_")
}

// Name is the process for people: host:pid.
func (i Instance) Name() string { return fmt.Sprintf("%s:%d", i.Host, i.PID) }

// parseInstance reads what String wrote; false for any other client id.
func parseInstance(s string) (Instance, bool) {
	f := strings.Split(s, "_")
	if len(f) != 6 || f[0] != instancePrefix {
		return Instance{}, false
	}
	pid, err := strconv.Atoi(f[2])
	return Instance{Host: f[1], PID: pid, Start: f[3], Boot: f[4], Space: f[5]}, err == nil
}

// idPart keeps what a client id may hold everywhere, brokers' metrics included.
func idPart(s string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '-' {
			return c
		}
		return '-'
	}, s)
}

// ThisInstance is this process.
func ThisInstance() Instance {
	i := Instance{PID: os.Getpid()}
	i.Host, _ = os.Hostname()
	i.Host = idPart(i.Host)
	if locate(&i); i.Boot == "" {
		// Two machines can have one name: at least the moment tells them apart.
		i.Start = strconv.FormatInt(time.Now().UnixNano(), 36)
	}
	return i
}

// gone reports whether another process has certainly ended: it ran on this machine since it was last started, under the
// same numbering of processes, and its number is free or belongs to a process that started at another time. Of a process
// that it cannot know it says no.
func (i Instance) gone(other Instance) bool {
	if i.Boot == "" || other.Host != i.Host || other.Boot != i.Boot || other.Space != i.Space {
		return false
	}
	start, alive := startOf(other.PID)
	return !alive || start != "" && start != other.Start
}
