package kafka_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/embedded"
	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/tests/servers"
)

func TestMain(m *testing.M) {
	code := servers.Main(m)
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// onEachBroker runs a test on the embedded broker and on Apache Kafka.
func onEachBroker(t *testing.T, test func(t *testing.T, cfg kafka.Config)) {
	t.Run("embedded", func(t *testing.T) { test(t, startEmbedded(t).ClientConfig()) })
	t.Run("kafka", func(t *testing.T) { test(t, kafka.Config{Brokers: []string{servers.Kafka(t).Addr}}) })
}

func startEmbedded(tb testing.TB) *embedded.Broker {
	tb.Helper()
	b, err := embedded.Start(embedded.Config{Dir: tb.TempDir()})
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

func newClient(tb testing.TB, cfg kafka.Config) *kafka.Client {
	tb.Helper()
	c, err := kafka.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.Close)
	return c
}

// newTopic creates a topic of a name that no other test has.
func newTopic(tb testing.TB, c *kafka.Client, partitions int) string {
	tb.Helper()
	name := fmt.Sprintf("test.%x", rand.Uint64())
	if err := c.EnsureTopics(testContext(tb), kafka.TopicSpec{Name: name, Partitions: partitions}); err != nil {
		tb.Fatal(err)
	}
	return name
}

func testContext(tb testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	tb.Cleanup(cancel)
	return ctx
}

func openSender(tb testing.TB, c *kafka.Client, id string, partitions ...kafka.TopicPartition) *kafka.Sender {
	tb.Helper()
	s, err := c.OpenSender(testContext(tb), kafka.SenderConfig{TransactionalID: id, Partitions: partitions})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.Close() })
	return s
}

// outcome is what done was called with.
type outcome struct {
	base int64
	err  error
}

// produce queues one group and returns where its outcome will be.
func produce(tb testing.TB, s *kafka.Sender, tp kafka.TopicPartition, msgs ...bus.Message) <-chan outcome {
	tb.Helper()
	out := make(chan outcome, 2)
	if err := s.Produce(testContext(tb), tp, msgs, func(base int64, err error) { out <- outcome{base, err} }); err != nil {
		tb.Fatal(err)
	}
	return out
}

func await(tb testing.TB, c <-chan outcome) outcome {
	tb.Helper()
	select {
	case o := <-c:
		return o
	case <-time.After(time.Minute):
		tb.Fatal("done was not called within a minute")
		return outcome{}
	}
}

// mustBase waits for an acknowledgement and returns the base offset.
func mustBase(tb testing.TB, c <-chan outcome) int64 {
	tb.Helper()
	o := await(tb, c)
	if o.err != nil {
		tb.Fatal(o.err)
	}
	return o.base
}

func text(key, value string) bus.Message { return bus.Message{Key: []byte(key), Value: []byte(value)} }

// records reads the whole partition.
func records(tb testing.TB, c *kafka.Client, tp kafka.TopicPartition) []bus.Delivered {
	tb.Helper()
	ctx := testContext(tb)
	ranges, err := c.Ranges(ctx, tp)
	if err != nil {
		tb.Fatal(err)
	}
	var out []bus.Delivered
	err = c.ReadRange(ctx, tp, ranges[tp].Start, ranges[tp].End, func(d *bus.Delivered) error {
		out = append(out, clone(d))
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

// clone copies a record out of its reader's memory.
func clone(d *bus.Delivered) bus.Delivered {
	out := *d
	out.Key, out.Value = bytes.Clone(d.Key), bytes.Clone(d.Value)
	out.Headers = slices.Clone(d.Headers)
	for i := range out.Headers {
		out.Headers[i].Value = bytes.Clone(out.Headers[i].Value)
	}
	return out
}

// values is records, as text.
func values(tb testing.TB, c *kafka.Client, tp kafka.TopicPartition) []string {
	tb.Helper()
	var out []string
	for _, d := range records(tb, c, tp) {
		out = append(out, string(d.Value))
	}
	return out
}

func atoi(tb testing.TB, s string) int {
	tb.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		tb.Fatal(err)
	}
	return n
}
