package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/embedded"
	"github.com/lienthong/truc/bus/kafka"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		os.Exit(child(dir))
	}
	goleak.VerifyTestMain(m)
}

var events = kafka.TopicPartition{Topic: "events"}

func start(tb testing.TB, dir string) *embedded.Broker {
	tb.Helper()
	b, err := embedded.Start(embedded.Config{Dir: dir})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := b.Close(); err != nil {
			tb.Error(err)
		}
	})
	return b
}

func client(tb testing.TB, b *embedded.Broker) *kafka.Client {
	tb.Helper()
	c, err := kafka.New(b.ClientConfig())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.Close)
	return c
}

func testContext(tb testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	tb.Cleanup(cancel)
	return ctx
}

func open(tb testing.TB, c *kafka.Client) *kafka.Sender {
	tb.Helper()
	if err := c.EnsureTopics(testContext(tb), kafka.TopicSpec{Name: events.Topic, Partitions: 1, Compact: true}); err != nil {
		tb.Fatal(err)
	}
	s, err := c.OpenSender(testContext(tb), kafka.SenderConfig{TransactionalID: "publisher", Partitions: []kafka.TopicPartition{events}})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.Close() })
	return s
}

// publish returns when one message is acknowledged.
func publish(ctx context.Context, s *kafka.Sender, value string) error {
	acknowledged := make(chan error, 1)
	err := s.Produce(ctx, events, []bus.Message{{Key: []byte("k"), Value: []byte(value)}}, func(_ int64, err error) { acknowledged <- err })
	if err != nil {
		return err
	}
	return <-acknowledged
}

func stored(tb testing.TB, c *kafka.Client) []string {
	tb.Helper()
	ranges, err := c.Ranges(testContext(tb), events)
	if err != nil {
		tb.Fatal(err)
	}
	var out []string
	err = c.ReadRange(testContext(tb), events, ranges[events].Start, ranges[events].End, func(d *bus.Delivered) error {
		out = append(out, string(d.Value))
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

func TestKeepsEverythingOverARestart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	var want []string
	id := ""
	for life := range 3 {
		b := start(t, dir)
		c := client(t, b)
		s := open(t, c)
		for i := range 5 {
			v := fmt.Sprintf("life %d, message %d", life, i)
			if err := publish(testContext(t), s, v); err != nil {
				t.Fatal(err)
			}
			want = append(want, v)
		}
		if diff := cmp.Diff(want, stored(t, c)); diff != "" {
			t.Errorf("life %d: %s", life, diff)
		}
		topics, err := c.Describe(testContext(t), events.Topic)
		if err != nil {
			t.Fatal(err)
		}
		if life > 0 && topics[events.Topic].ID != id {
			t.Errorf("the topic's id changed from %s to %s", id, topics[events.Topic].ID)
		}
		id = topics[events.Topic].ID
		size, err := b.Size()
		if err != nil || size < int64(len(strings.Join(want, ""))) {
			t.Errorf("Size = %d, %v", size, err)
		}
		_ = s.Close()
		c.Close()
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestListensOnLoopbackOnly(t *testing.T) {
	b := start(t, t.TempDir())
	host, _, err := net.SplitHostPort(b.Addr())
	if err != nil || host != "127.0.0.1" {
		t.Fatalf("listens on %s (%v)", b.Addr(), err)
	}
	c := client(t, b)
	if err := c.Ping(testContext(t)); err != nil {
		t.Error(err)
	}
}

func TestTemporaryDirectoryIsRemoved(t *testing.T) {
	b, err := embedded.Start(embedded.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(b.Dir()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(b.Dir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after Close: %v", err)
	}
}

func TestDirectoryIsOpenedOnce(t *testing.T) {
	dir := t.TempDir()
	b := start(t, dir)
	var inUse *embedded.InUseError
	if _, err := embedded.Start(embedded.Config{Dir: dir}); !errors.As(err, &inUse) || inUse.Dir != dir {
		t.Fatalf("a second broker: %v", err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	start(t, dir)
}

func TestPortInUse(t *testing.T) {
	dir := t.TempDir()
	taken := start(t, t.TempDir())
	_, port, _ := net.SplitHostPort(taken.Addr())
	var n int
	if _, err := fmt.Sscan(port, &n); err != nil {
		t.Fatal(err)
	}
	if _, err := embedded.Start(embedded.Config{Dir: dir, Port: n}); err == nil {
		t.Fatal("two brokers on one port")
	}
	start(t, dir) // the failed start has let go of the directory
}

// Even a topic that some other client creates as compacted is left alone.
func TestCleanerIsOutOfReach(t *testing.T) {
	b := start(t, t.TempDir())
	k, err := kgo.NewClient(kgo.SeedBrokers(b.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	create := kmsg.NewCreateTopicsRequest()
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = events.Topic, 1, 1
	for name, value := range map[string]string{"cleanup.policy": "compact", "segment.ms": "1", "min.cleanable.dirty.ratio": "0", "max.compaction.lag.ms": "1"} {
		entry := kmsg.NewCreateTopicsRequestTopicConfig()
		entry.Name, entry.Value = name, &value
		topic.Configs = append(topic.Configs, entry)
	}
	create.Topics = append(create.Topics, topic)
	if _, err := create.RequestWith(testContext(t), k); err != nil {
		t.Fatal(err)
	}
	c := client(t, b)
	s := open(t, c)
	for i := range 10 {
		if err := publish(testContext(t), s, strconv.Itoa(i)); err != nil {
			t.Fatal(err)
		}
	}
	config := kmsg.NewDescribeConfigsRequest()
	resource := kmsg.NewDescribeConfigsRequestResource()
	resource.ResourceType, resource.ResourceName = kmsg.ConfigResourceTypeBroker, "0"
	config.Resources = append(config.Resources, resource)
	res, err := config.RequestWith(testContext(t), k)
	if err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{}
	for _, c := range res.Resources[0].Configs {
		if c.Value != nil {
			settings[c.Name] = *c.Value
		}
	}
	every, err := time.ParseDuration(settings["log.cleaner.backoff.ms"] + "ms")
	if err != nil || every < 10*365*24*time.Hour {
		t.Errorf("the cleaner runs every %v (%v)", every, err)
	}
	if settings["log.retention.ms"] != "-1" {
		t.Errorf("log.retention.ms = %q", settings["log.retention.ms"])
	}
	if got := stored(t, c); len(got) != 10 {
		t.Errorf("%d of 10 records are left", len(got))
	}
}
