//go:build linux

package nodes

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os/exec"
	"testing"
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

// ReadTopic reads a topic from offset 0 to its end.
func ReadTopic(tb testing.TB, broker, topic string, each func(*Event)) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), longest)
	defer cancel()
	cmd := exec.CommandContext(ctx, Tool(tb, "kcat"), "-b", broker, "-C", "-e", "-q", "-J", "-t", topic, "-o", "beginning")
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	lines := bufio.NewReaderSize(out, 1<<20)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var e Event
			if err := json.Unmarshal(line, &e); err != nil {
				tb.Fatalf("kcat -J: %v", err)
			}
			each(&e)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	if err := cmd.Wait(); err != nil {
		tb.Fatalf("kcat: %v", err)
	}
}
