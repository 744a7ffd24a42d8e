//go:build linux

package nodes

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"maps"
	"os/exec"
	"regexp"
	"strconv"
	"sync"
	"syscall"
	"testing"

	"github.com/segmentio/kafka-go"
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

// ReadTopic reads a topic from offset 0 to where it ended when the reading began; others may go on writing meanwhile.
func ReadTopic(tb testing.TB, broker, topic string, each func(*Event)) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), longest)
	defer cancel()
	ends, err := TopicEnds(ctx, broker, topic)
	if err != nil {
		tb.Fatalf("where %s ends: %v", topic, err)
	}
	cmd := exec.CommandContext(ctx, Tool(tb, "kcat"), "-b", broker, "-C", "-e", "-J", "-t", topic, "-o", "beginning")
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	said, err := cmd.StderrPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	// kcat writes what it has read when it is told to end.
	open := &openPartitions{ends: maps.Clone(ends), closed: func() { _ = cmd.Process.Signal(syscall.SIGTERM) }}
	complaint := make(chan string, 1)
	go func() { complaint <- open.listen(said) }()
	lines := bufio.NewReaderSize(out, 1<<20)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var e Event
			if err := json.Unmarshal(line, &e); err != nil {
				tb.Fatalf("kcat -J: %v", err)
			}
			if e.Offset < ends[e.Partition] {
				each(&e)
			}
			open.reached(e.Partition, e.Offset+1)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	text := <-complaint
	if err := cmd.Wait(); err != nil || len(open.ends) > 0 {
		tb.Fatalf("kcat: %v, not read to the end: %v (offsets by partition)\n%s", err, open.ends, text)
	}
}

// openPartitions are those not yet read to the end. The last offset alone does not tell: a record there may be compacted away, or
// be one that only brokers see. Then kcat says that nothing comes any more.
type openPartitions struct {
	mu     sync.Mutex
	ends   map[int]int64 // of the open ones
	closed func()        // called when none is open any more
}

// reached notes that everything before an offset was read.
func (o *openPartitions) reached(partition int, next int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if end, ok := o.ends[partition]; ok && next >= end {
		delete(o.ends, partition)
		if len(o.ends) == 0 {
			o.closed()
		}
	}
}

var partitionEnd = regexp.MustCompile(`^% Reached end of topic \S+ \[(\d+)\] at offset (\d+)`)

// listen reads what kcat says beside the records, and returns what is not about ends.
func (o *openPartitions) listen(said io.Reader) (text string) {
	for lines := bufio.NewScanner(said); lines.Scan(); {
		m := partitionEnd.FindStringSubmatch(lines.Text())
		if m == nil {
			text += lines.Text() + "\n"
			continue
		}
		partition, _ := strconv.Atoi(m[1])
		next, _ := strconv.ParseInt(m[2], 10, 64)
		o.reached(partition, next)
	}
	return text
}

// TopicEnds are the offsets behind the last records, of the partitions that have records.
func TopicEnds(ctx context.Context, broker, topic string) (map[int]int64, error) {
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: kafka.TCP(broker), Transport: transport}
	meta, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		return nil, err
	}
	var ask []kafka.OffsetRequest
	for _, t := range meta.Topics {
		if t.Error != nil {
			return nil, t.Error
		}
		for _, p := range t.Partitions {
			ask = append(ask, kafka.LastOffsetOf(p.ID))
		}
	}
	answer, err := client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{topic: ask}})
	if err != nil {
		return nil, err
	}
	ends := map[int]int64{}
	for _, p := range answer.Topics[topic] {
		if p.Error != nil {
			return nil, p.Error
		}
		if p.LastOffset > 0 {
			ends[p.Partition] = p.LastOffset
		}
	}
	return ends, nil
}
