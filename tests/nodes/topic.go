//go:build linux

package nodes

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"testing"
	"time"
)

// Event is a record of a topic as kcat prints it.
type Event struct {
	Partition int
	Offset    int64
	Headers   []string
	Key       string
	Payload   *string // nil for a tombstone
}

// Header returns a header, "" when there is none.
func (e *Event) Header(name string) string {
	for i := 0; i+1 < len(e.Headers); i += 2 {
		if e.Headers[i] == name {
			return e.Headers[i+1]
		}
	}
	return ""
}

const (
	// quiet is how long kcat may say nothing before it counts as hung: about one in a hundred times it never sees the end of a topic.
	quiet    = 60 * time.Second
	attempts = 3
)

var errQuiet = fmt.Errorf("kcat said nothing for %s", quiet)

// ReadTopic reads a topic from offset 0 to its end.
func ReadTopic(tb testing.TB, broker, topic string, each func(*Event)) {
	tb.Helper()
	next := map[int]int64{} // by partition: an attempt goes on where the one before ended
	for attempt := 1; ; attempt++ {
		err := readTopic(tb, broker, topic, func(e *Event) {
			if e.Offset >= next[e.Partition] {
				next[e.Partition] = e.Offset + 1
				each(e)
			}
		})
		if err == nil {
			return
		}
		if !errors.Is(err, errQuiet) || attempt == attempts {
			tb.Fatalf("read topic %s, attempt %d: %v", topic, attempt, err)
		}
		tb.Logf("read topic %s: %v; it is started again", topic, err)
	}
}

func readTopic(tb testing.TB, broker, topic string, each func(*Event)) error {
	tb.Helper()
	ctx, cancel := context.WithCancelCause(tb.Context())
	defer cancel(nil)
	cmd := exec.CommandContext(ctx, Tool(tb, "kcat"), "-b", broker, "-C", "-e", "-q", "-J", "-t", topic, "-o", "beginning")
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	hung := time.AfterFunc(quiet, func() { cancel(errQuiet) })
	defer hung.Stop()
	lines := bufio.NewReaderSize(out, 1<<20)
	for err == nil {
		var line []byte
		line, err = lines.ReadBytes('\n')
		hung.Reset(quiet)
		if len(line) == 0 || err != nil && ctx.Err() != nil { // the last line of one that was killed is cut
			continue
		}
		var e Event
		if bad := json.Unmarshal(line, &e); bad != nil {
			err = fmt.Errorf("kcat -J: %w", bad)
			break
		}
		each(&e)
	}
	if !errors.Is(err, io.EOF) {
		cancel(err)
	}
	ended := cmd.Wait()
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return ended
}
