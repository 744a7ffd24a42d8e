//go:build linux

package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/tests/nodes"
)

// createTopic makes a topic like those of truc. One that was just deleted may still be there for a moment.
func (m *measuring) createTopic(name string) {
	m.t.Helper()
	m.until("topic "+name+" is made", time.Minute, func() bool {
		return m.bus.EnsureTopics(m.ctx, kafka.TopicSpec{Name: name, Partitions: partitions, Replication: 1}) == nil
	})
}

// deleteTopic makes room. Failing does not matter.
func (m *measuring) deleteTopic(name string) {
	_, _ = m.admin.DeleteTopics(m.ctx, &kafkago.DeleteTopicsRequest{Topics: []string{name}})
}

// events is what kcat finds on a topic, from its beginning to its end. It hides the markers.
type events struct {
	count    int
	distinct int // keys
	keys     map[string]int
}

// read reads a topic with a program that shares nothing with truc or Connect.
func (m *measuring) read(address, topic string, withKeys bool) events {
	m.t.Helper()
	format := "\\n"
	if withKeys {
		format = "%k\\n"
	}
	cmd := exec.CommandContext(m.ctx, nodes.Tool(m.t, "kcat"), "-b", address, "-C", "-e", "-q", "-t", topic, "-o", "beginning", "-f", format)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		m.t.Fatal(err)
	}
	e := events{keys: map[string]int{}}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		e.count++
		if withKeys {
			e.keys[numberIn(lines.Text())]++
		}
	}
	if err := cmd.Wait(); err != nil {
		m.t.Fatalf("kcat: %v", err)
	}
	e.distinct = len(e.keys)
	return e
}

// size is how many bytes a topic takes on the broker's disk, as it is: batches, headers, all.
func (m *measuring) size(topic string) int64 {
	segments, _ := filepath.Glob(filepath.Join(m.broker.DataDir, topic+"-[0-9]*", "*.log"))
	sum := int64(0)
	for _, path := range segments {
		if info, err := os.Stat(path); err == nil {
			sum += info.Size()
		}
	}
	return sum
}
