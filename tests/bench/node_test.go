package bench

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
	"time"

	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/tests/nodes"
	"github.com/lienthong/truc/tests/workload"
)

// topicPartitions is the default of a publishing pipeline.
const topicPartitions = 3

// node is a truc of its own: a directory with a configuration, started and stopped as a process.
type node struct {
	tb     testing.TB
	binary string
	dir    string
	// address of the bus; "" where every process has an embedded one of its own.
	address string
	// slot is that of its source; "" without one.
	slot string
	// of are the partitions of its event topic.
	of []kafka.TopicPartition
	// end is where the topic ended when the node was last stopped: the sum over the partitions.
	end int64
}

// newNode writes a configuration: bus, and what follows it.
func newNode(tb testing.TB, binary, address, slot, rest string) *node {
	tb.Helper()
	n := &node{tb: tb, binary: binary, dir: tb.TempDir(), address: address, slot: slot, of: partitions()}
	if err := workload.Write(n.dir); err != nil {
		tb.Fatal(err)
	}
	to := "{ embedded: { dir: bus } }"
	if address != "" {
		to = fmt.Sprintf("{ kafka: { brokers: [%q], replication: 1 } }", address)
	}
	n.write("truc.yaml", fmt.Sprintf("agency: %s\nregistry: { url: https://chuan.vidu.example/ }\nhttp: { listen: 127.0.0.1:0 }\nbus: %s\n%s", workload.Agency, to, rest))
	return n
}

func (n *node) write(name, text string) {
	n.tb.Helper()
	if err := os.WriteFile(filepath.Join(n.dir, name), []byte(text), 0o600); err != nil {
		n.tb.Fatal(err)
	}
}

// run is one life of the node's process.
type run struct {
	node    *node
	cmd     *exec.Cmd
	started time.Time
	done    chan struct{}
	stopped bool
}

func (n *node) start() *run {
	n.tb.Helper()
	out, err := os.OpenFile(filepath.Join(n.dir, "log"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		n.tb.Fatal(err)
	}
	defer out.Close()
	r := &run{node: n, done: make(chan struct{})}
	r.cmd = exec.CommandContext(n.tb.Context(), n.binary, "-c", filepath.Join(n.dir, "truc.yaml"), "run")
	r.cmd.Stdout, r.cmd.Stderr = out, out
	r.started = time.Now()
	if err := r.cmd.Start(); err != nil {
		n.tb.Fatal(err)
	}
	go func() {
		defer close(r.done)
		_ = r.cmd.Wait() // stopped by a signal: the exit code says only that
	}()
	n.tb.Cleanup(r.stop)
	return r
}

// stop ends the process in order: it saves its position.
func (r *run) stop() {
	if r.stopped {
		return
	}
	r.stopped = true
	_ = r.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-r.done:
	case <-time.After(30 * time.Second):
		_ = r.cmd.Process.Kill()
		<-r.done
		r.node.tb.Errorf("truc did not stop within 30 s; its log:\n%s", r.log())
	}
}

func (r *run) log() string {
	text, err := os.ReadFile(filepath.Join(r.node.dir, "log"))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// until asks every 10 ms until the answer is yes. An error is an answer too: the process may not be there yet.
func (r *run) until(what string, ask func() (yes bool, err error)) {
	tb := r.node.tb
	tb.Helper()
	deadline := time.After(3 * time.Minute)
	for {
		yes, err := ask()
		if yes {
			return
		}
		select {
		case <-r.done:
			tb.Fatalf("truc ended while it was expected to %s; its log:\n%s", what, r.log())
		case <-deadline:
			tb.Fatalf("truc did not %s within 3 minutes: %v; its log:\n%s", what, err, r.log())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// running is what truc logs when its bus is up. The file with the bus's address is no help: the check at the start of the
// process opens an embedded bus too, at another port.
var running = regexp.MustCompile(`msg="truc is running".* bus=(\S+)`)

// client connects to the bus of the process, waiting for it to come up where it is embedded.
func (r *run) client() *kafka.Client {
	tb := r.node.tb
	tb.Helper()
	address := r.node.address
	if address == "" {
		r.until("start its embedded bus", func() (bool, error) {
			m := running.FindStringSubmatch(r.log())
			if m == nil {
				return false, nil
			}
			address = m[1]
			return true, nil
		})
	}
	c, err := kafka.New(kafka.Config{Brokers: []string{address}})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func partitions() []kafka.TopicPartition {
	return partitionsOf(bus.EventTopic(workload.Dataset, workload.Agency))
}

func partitionsOf(topic string) []kafka.TopicPartition {
	var all []kafka.TopicPartition
	for p := range topicPartitions {
		all = append(all, kafka.TopicPartition{Topic: topic, Partition: int32(p)})
	}
	return all
}

// topicEnd is the sum of the end offsets. Besides events it counts a few transaction markers, which every start of a
// reader leaves behind.
func topicEnd(ctx context.Context, c *kafka.Client, of ...kafka.TopicPartition) (int64, error) {
	ranges, err := c.Ranges(ctx, of...)
	if err != nil {
		return 0, err
	}
	sum := int64(0)
	for _, r := range ranges {
		sum += r.End
	}
	return sum, nil
}

// countEvents counts what is on the topic without the markers.
func countEvents(ctx context.Context, c *kafka.Client) (int, error) {
	ranges, err := c.Ranges(ctx, partitions()...)
	if err != nil {
		return 0, err
	}
	n := 0
	for tp, r := range ranges {
		if err := c.ReadRange(ctx, tp, r.Start, r.End, func(*bus.Delivered) error { n++; return nil }); err != nil {
			return n, err
		}
	}
	return n, nil
}

func (r *run) usage() nodes.Usage {
	tb := r.node.tb
	tb.Helper()
	u, err := nodes.UsageOf(r.cmd.Process.Pid)
	if err != nil {
		tb.Fatal(err)
	}
	return u
}
