package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/tests/servers"
)

// everyShape is one message of each shape that has to survive the way.
func everyShape() []bus.Message {
	shared := bus.NewSharedHeaders(bus.Header{Key: "ce_specversion", Value: []byte("1.0")}, bus.Header{Key: "null"}, bus.Header{Key: "empty", Value: []byte{}})
	return []bus.Message{
		{Key: []byte("k"), Value: []byte(`{"hoTen":"Nguyễn Thị Thử"}`), Shared: shared, UnixMilli: 1_700_000_000_123},
		{Key: []byte("k"), Value: nil, Shared: shared, Headers: []bus.Header{{Key: "ce_id", Value: []byte("1")}}, UnixMilli: 1_700_000_000_456},
		{Key: []byte("k"), Value: []byte{}, Headers: []bus.Header{{Key: "ce_id", Value: []byte("2")}, {Key: "ce_id", Value: []byte("twice")}}, UnixMilli: 1_699_999_999_999},
		{Key: nil, Value: []byte("no key"), UnixMilli: 1},
		{Key: []byte{}, Value: []byte(strings.Repeat("long", 100_000)), UnixMilli: 1_700_000_000_123},
	}
}

func headersOf(m bus.Message) []bus.Header {
	var out []bus.Header
	if m.Shared != nil {
		out = append(out, bus.Header{Key: "ce_specversion", Value: []byte("1.0")}, bus.Header{Key: "null"}, bus.Header{Key: "empty", Value: []byte{}})
	}
	return append(out, m.Headers...)
}

// cmp looks at bytes one by one, which under the race detector takes ten seconds for the largest of these values.
var (
	byText = cmp.Transformer("text", func(b []byte) []string {
		if b == nil {
			return nil
		}
		return []string{string(b)}
	})
	byTextOrEmpty = cmp.Transformer("textOrEmpty", func(b []byte) string { return string(b) })
	noHeaders     = cmp.FilterValues(func(a, b []bus.Header) bool { return len(a)+len(b) == 0 }, cmp.Ignore())
)

// What the sender writes is read alike by our reader, by kafka-go and by franz-go, however it is compressed.
func TestOthersReadWhatWeWrite(t *testing.T) {
	onEachBroker(t, func(t *testing.T, cfg kafka.Config) {
		for codec, name := range []string{"none", "gzip", "snappy", "lz4", "zstd"} { // as Kafka numbers them
			cfg.Compression = name
			t.Run(name, func(t *testing.T) { readByOthers(t, cfg, codec) })
		}
	})
}

func readByOthers(t *testing.T, cfg kafka.Config, codec int) {
	t.Helper()
	c := newClient(t, cfg)
	tp := kafka.TopicPartition{Topic: newTopic(t, c, 1)}
	s := openSender(t, c, tp.Topic, tp)
	base := mustBase(t, produce(t, s, tp, everyShape()...))
	var want []bus.Delivered
	for i, m := range everyShape() {
		want = append(want, bus.Delivered{
			Topic: tp.Topic, Offset: base + int64(i), UnixMilli: m.UnixMilli, Key: m.Key, Value: m.Value, Headers: headersOf(m),
		})
	}
	if diff := cmp.Diff(want, records(t, c, tp), byText); diff != "" {
		t.Errorf("our reader: %s", diff)
	}
	if diff := cmp.Diff(want, readWithKafkaGo(t, c, tp, base), byTextOrEmpty, noHeaders); diff != "" {
		t.Errorf("kafka-go: %s", diff)
	}
	got, codecs := readWithFranz(t, cfg, tp, len(want))
	if diff := cmp.Diff(want, got, byText); diff != "" {
		t.Errorf("franz-go: %s", diff)
	}
	for _, used := range codecs {
		if used != codec {
			t.Errorf("compressed by codec %d", used)
		}
	}
}

func readWithKafkaGo(t *testing.T, c *kafka.Client, tp kafka.TopicPartition, from int64) []bus.Delivered {
	t.Helper()
	res, err := c.KafkaGo(tp.Topic).Fetch(testContext(t), &kafkago.FetchRequest{
		Topic: tp.Topic, Partition: int(tp.Partition), Offset: from, MinBytes: 1, MaxBytes: 10 << 20, MaxWait: time.Second,
	})
	if err != nil || res.Error != nil {
		t.Fatal(err, res.Error)
	}
	all := func(b kafkago.Bytes) []byte {
		if b == nil {
			return nil
		}
		out, err := io.ReadAll(b)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	var out []bus.Delivered
	for {
		r, err := res.Records.ReadRecord()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		d := bus.Delivered{Topic: tp.Topic, Offset: r.Offset, UnixMilli: r.Time.UnixMilli(), Key: all(r.Key), Value: all(r.Value)}
		for _, h := range r.Headers {
			d.Headers = append(d.Headers, bus.Header{Key: h.Key, Value: h.Value})
		}
		out = append(out, d)
	}
}

func readWithFranz(t *testing.T, cfg kafka.Config, tp kafka.TopicPartition, n int) (out []bus.Delivered, codecs []int) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(cfg.Brokers...), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{
		tp.Topic: {tp.Partition: kgo.NewOffset().AtStart()},
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for len(out) < n {
		fetches := client.PollFetches(testContext(t))
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			d := bus.Delivered{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, UnixMilli: r.Timestamp.UnixMilli(), Key: r.Key, Value: r.Value}
			for _, h := range r.Headers {
				d.Headers = append(d.Headers, bus.Header{Key: h.Key, Value: h.Value})
			}
			out, codecs = append(out, d), append(codecs, int(r.Attrs.CompressionType()))
		})
	}
	return out, codecs
}

// What others write, compressed as they do it, is read.
func TestReadsWhatOthersWrite(t *testing.T) {
	onEachBroker(t, func(t *testing.T, cfg kafka.Config) {
		c := newClient(t, cfg)
		for _, codec := range []kgo.CompressionCodec{kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression()} {
			tp := kafka.TopicPartition{Topic: newTopic(t, c, 1)}
			client, err := kgo.NewClient(kgo.SeedBrokers(cfg.Brokers...), kgo.ProducerBatchCompression(codec))
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for i := range 50 {
				want = append(want, strings.Repeat(fmt.Sprint("value ", i), 10))
				if err := client.ProduceSync(testContext(t), &kgo.Record{Topic: tp.Topic, Value: []byte(want[i])}).FirstErr(); err != nil {
					t.Fatal(err)
				}
			}
			client.Close()
			if diff := cmp.Diff(want, values(t, c, tp)); diff != "" {
				t.Errorf("%v: %s", codec, diff)
			}
		}
	})
}

// Markers of the fence are hidden: between records, at the end, and where there is nothing else.
func TestReaderHidesMarkers(t *testing.T) {
	onEachBroker(t, func(t *testing.T, cfg kafka.Config) {
		c := newClient(t, cfg)
		tp := kafka.TopicPartition{Topic: newTopic(t, c, 1)}
		fenceAgain := func() *kafka.Sender { return openSender(t, c, tp.Topic, tp) }
		fenceAgain()
		if got := values(t, c, tp); len(got) != 0 {
			t.Fatalf("a partition of markers has %q", got)
		}
		first := mustBase(t, produce(t, fenceAgain(), tp, text("k", "one")))
		fenceAgain()
		second := mustBase(t, produce(t, fenceAgain(), tp, text("k", "two")))
		fenceAgain()
		if diff := cmp.Diff([]string{"one", "two"}, values(t, c, tp)); diff != "" {
			t.Error(diff)
		}
		ranges, err := c.Ranges(testContext(t), tp)
		if err != nil {
			t.Fatal(err)
		}
		if end := ranges[tp].End; end <= second+1 || second <= first+1 {
			t.Fatalf("records at %d and %d, end %d: there are no markers, the test shows nothing", first, second, end)
		}

		r := c.NewReader(tp, 0, kafka.ReaderConfig{MaxWait: 50 * time.Millisecond})
		var got []string
		for len(got) < 2 {
			records, err := r.Read(testContext(t))
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range records {
				got = append(got, string(d.Value))
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		if records, err := r.Read(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("reading on gave %d records, %v", len(records), err)
		}
		if r.Offset() != ranges[tp].End || r.HighWatermark() != ranges[tp].End {
			t.Errorf("reader is at %d of %d, the end is %d: it does not move over markers", r.Offset(), r.HighWatermark(), ranges[tp].End)
		}
		r.SeekTo(second)
		records, err := r.Read(testContext(t))
		if err != nil || len(records) != 1 || string(records[0].Value) != "two" {
			t.Errorf("after SeekTo: %d records, %v", len(records), err)
		}
	})
}

func TestReadRangeBounds(t *testing.T) {
	onEachBroker(t, func(t *testing.T, cfg kafka.Config) {
		c := newClient(t, cfg)
		tp := kafka.TopicPartition{Topic: newTopic(t, c, 1)}
		s := openSender(t, c, tp.Topic, tp)
		base := mustBase(t, produce(t, s, tp, text("k", "a"), text("k", "b"), text("k", "c"), text("k", "d")))
		read := func(from, to int64) (out []string, err error) {
			err = c.ReadRange(testContext(t), tp, from, to, func(d *bus.Delivered) error {
				out = append(out, string(d.Value))
				return nil
			})
			return out, err
		}
		if got, err := read(base+1, base+3); err != nil || !cmp.Equal(got, []string{"b", "c"}) {
			t.Errorf("from the middle of a batch to its middle: %q, %v", got, err)
		}
		if got, err := read(base+2, base+2); err != nil || got != nil {
			t.Errorf("an empty range: %q, %v", got, err)
		}
		var out *kafka.OutOfRangeError
		if _, err := read(base, base+5); !errors.As(err, &out) || out.Asked != base+5 || out.Have.End != base+4 {
			t.Errorf("beyond the end: %v", err)
		}
		wanted := errors.New("enough")
		if err := c.ReadRange(testContext(t), tp, base, base+4, func(*bus.Delivered) error { return wanted }); !errors.Is(err, wanted) {
			t.Errorf("error of fn: %v", err)
		}

		deleteBefore(t, cfg, tp, base+2)
		if _, err := read(base, base+4); !errors.As(err, &out) || out.Have.Start != base+2 {
			t.Errorf("before the start: %v", err)
		}
		_, err := c.NewReader(tp, base, kafka.ReaderConfig{}).Read(testContext(t))
		if !errors.As(err, &out) || out.Asked != base || out.Have != (kafka.Range{Start: base + 2, End: base + 4}) {
			t.Errorf("reading before the start: %v", err)
		}
		_, err = c.NewReader(tp, base+9, kafka.ReaderConfig{}).Read(testContext(t))
		if !errors.As(err, &out) || out.Asked != base+9 {
			t.Errorf("reading beyond the end: %v", err)
		}
	})
}

// deleteBefore moves the start of a partition, as retention does.
func deleteBefore(t *testing.T, cfg kafka.Config, tp kafka.TopicPartition, offset int64) {
	t.Helper()
	req := kmsg.NewDeleteRecordsRequest()
	req.TimeoutMillis = 10_000
	topic := kmsg.NewDeleteRecordsRequestTopic()
	topic.Topic = tp.Topic
	partition := kmsg.NewDeleteRecordsRequestTopicPartition()
	partition.Partition, partition.Offset = tp.Partition, offset
	topic.Partitions = append(topic.Partitions, partition)
	req.Topics = append(req.Topics, topic)
	request(t, cfg, &req)
}

// request sends something that only tests need.
func request(t *testing.T, cfg kafka.Config, req kmsg.Request) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(cfg.Brokers...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.Request(testContext(t), req); err != nil {
		t.Fatal(err)
	}
}

// A topic that is made anew while it is read holds less than it did: the end of the range is never reached.
func TestReadRangeOfTopicMadeAnew(t *testing.T) {
	onEachBroker(t, func(t *testing.T, cfg kafka.Config) {
		c := newClient(t, cfg)
		c.WaitForLeaders(5 * time.Second)
		tp := kafka.TopicPartition{Topic: newTopic(t, c, 1)}
		s := openSender(t, c, "before "+tp.Topic, tp)
		large := strings.Repeat("a", 900_000) // some fetches
		base := mustBase(t, produce(t, s, tp, text("k", large)))
		for range 8 {
			mustBase(t, produce(t, s, tp, text("k", large)))
		}
		anew := sync.OnceFunc(func() {
			_ = s.Close()
			deleteTopic(t, c, cfg, tp.Topic)
			if err := c.EnsureTopics(testContext(t), kafka.TopicSpec{Name: tp.Topic, Partitions: 1}); err != nil {
				t.Fatal(err)
			}
			after := openSender(t, c, "after "+tp.Topic, tp)
			for range 6 {
				mustBase(t, produce(t, after, tp, text("k", "b")))
			}
		})
		var out *kafka.OutOfRangeError
		err := c.ReadRange(testContext(t), tp, base, base+9, func(*bus.Delivered) error {
			anew()
			return nil
		})
		if !errors.As(err, &out) || out.Asked != base+9 || out.Have.End >= base+9 {
			t.Errorf("read a topic that was made anew: %v", err)
		}
	})
}

// A compacted topic has holes; the last offsets before the end may be among them.
func TestReadRangeOverCompactedHoles(t *testing.T) {
	t.Parallel() // it mostly waits
	k := servers.NewKafka(t, "log.cleaner.backoff.ms=100")
	cfg := kafka.Config{Brokers: []string{k.Addr}}
	c := newClient(t, cfg)
	tp := kafka.TopicPartition{Topic: "compacted"}
	create := kmsg.NewCreateTopicsRequest()
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = tp.Topic, 1, 1
	for name, value := range map[string]string{"cleanup.policy": "compact", "segment.ms": "100", "min.cleanable.dirty.ratio": "0.01", "delete.retention.ms": "0"} {
		entry := kmsg.NewCreateTopicsRequestTopicConfig()
		entry.Name, entry.Value = name, &value
		topic.Configs = append(topic.Configs, entry)
	}
	create.Topics = append(create.Topics, topic)
	request(t, cfg, &create)
	if err := c.EnsureTopics(testContext(t), kafka.TopicSpec{Name: tp.Topic, Partitions: 1}); err != nil {
		t.Fatal(err)
	}
	s := openSender(t, c, "compacting", tp)
	for i := range 20 {
		mustBase(t, produce(t, s, tp, text("a", strconv.Itoa(i)), text("b", strconv.Itoa(i))))
	}
	// Keys that are deleted again leave nothing behind, tombstones included.
	mustBase(t, produce(t, s, tp, bus.Message{Key: []byte("b")}))
	deadline := time.Now().Add(time.Minute)
	for {
		// Whatever is appended rolls the segment, so that the cleaner may have the one before.
		time.Sleep(150 * time.Millisecond)
		mustBase(t, produce(t, s, tp, text("c", "newest")))
		got := records(t, c, tp)
		if len(got) < 5 {
			if got[0].Offset == 0 {
				t.Errorf("the first record is still at 0: nothing was compacted")
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the topic still has %d records: the cleaner did not run", len(got))
		}
	}
}

// TestReadOnPassesRemovedRecords: where compaction left nothing before the end of a partition, the broker answers with nothing.
// Whoever waits for the end to be passed must not wait for ever, and what comes later must not be passed over.
func TestReadOnPassesRemovedRecords(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	c := newClient(t, kafka.Config{Brokers: cluster.ListenAddrs()})
	tp := kafka.TopicPartition{Topic: newTopic(t, c, 1)}
	s := openSender(t, c, tp.Topic, tp)
	base := mustBase(t, produce(t, s, tp, text("a", "1"), text("b", "2"), text("c", "3")))
	end := base + 3
	// Of offsets within the partition it has nothing, and tells of this end.
	var tells atomic.Int64
	tells.Store(end)
	cluster.ControlKey(int16(kmsg.Fetch), func(q kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		asked := q.(*kmsg.FetchRequest)
		if at := asked.Topics[0].Partitions[0].FetchOffset; at <= base || at >= tells.Load() {
			return nil, nil, false
		}
		part := kmsg.NewFetchResponseTopicPartition()
		part.HighWatermark = tells.Load()
		topic := kmsg.NewFetchResponseTopic()
		topic.Topic, topic.Partitions = tp.Topic, append(topic.Partitions, part)
		res := asked.ResponseKind().(*kmsg.FetchResponse)
		res.Topics = append(res.Topics, topic)
		if part.HighWatermark > end {
			tells.Store(end)
		}
		return res, nil, true
	})
	r := c.NewReader(tp, base+1, kafka.ReaderConfig{MaxWait: 10 * time.Millisecond})
	if got, err := r.ReadOn(testContext(t)); err != nil || len(got) != 0 || r.Offset() != end {
		t.Fatalf("ReadOn = %d records, %v, at %d; want it to pass over what is gone, to %d", len(got), err, r.Offset(), end)
	}
	// An answer made before a record came may tell of the end after it.
	mustBase(t, produce(t, s, tp, text("d", "4")))
	tells.Store(end + 1)
	if got, err := r.ReadOn(testContext(t)); err != nil || len(got) != 1 || got[0].Offset != end {
		t.Errorf("ReadOn = %v, %v; want the record that came meanwhile", got, err)
	}
}

func TestReaderGivesUpWithItsContext(t *testing.T) {
	b := startEmbedded(t)
	c := newClient(t, b.ClientConfig())
	tp := kafka.TopicPartition{Topic: newTopic(t, c, 1)}
	r := c.NewReader(tp, 0, kafka.ReaderConfig{MaxWait: time.Minute})
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := r.Read(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Read = %v", err)
	}
	// It can go on, although the broker still holds the fetch that was given up.
	s := openSender(t, c, tp.Topic, tp)
	mustBase(t, produce(t, s, tp, text("k", "v")))
	if got, err := r.Read(testContext(t)); err != nil || len(got) != 1 {
		t.Errorf("reading on: %d records, %v", len(got), err)
	}
}

// TestLeaderless: a topic whose brokers are down is named after a while, with them, and a wait for it can be given up.
func TestLeaderless(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	cfg := kafka.Config{Brokers: cluster.ListenAddrs()}
	spec := kafka.TopicSpec{Name: newTopic(t, newClient(t, cfg), 2), Partitions: 2}
	var asked atomic.Int64
	cluster.ControlKey(int16(kmsg.Metadata), func(q kmsg.Request) (kmsg.Response, error, bool) {
		m := q.(*kmsg.MetadataRequest)
		if len(m.Topics) != 1 || m.Version != 12 {
			return nil, nil, false
		}
		cluster.KeepControl()
		asked.Add(1)
		topic := kmsg.NewMetadataResponseTopic()
		topic.Topic = &spec.Name
		for n := range int32(2) {
			part := kmsg.NewMetadataResponseTopicPartition()
			part.Partition, part.Leader, part.Replicas = n, -n, []int32{7, 8}
			if n == 1 {
				part.ErrorCode = 5 // LEADER_NOT_AVAILABLE
			}
			topic.Partitions = append(topic.Partitions, part)
		}
		res := m.ResponseKind().(*kmsg.MetadataResponse)
		res.Topics = append(res.Topics, topic)
		return res, nil, true
	})
	c := newClient(t, cfg)
	c.WaitForLeaders(100 * time.Millisecond)
	var without *kafka.LeaderlessError
	soon, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()
	if err := c.EnsureTopics(soon, spec); !errors.As(err, &without) || soon.Err() != nil || without.Topic != spec.Name || without.Partition != 1 || without.Brokers() != "7, 8" {
		t.Errorf("EnsureTopics = %v, want the topic, its partition and its brokers", err)
	}
	c.WaitForLeaders(time.Hour)
	asked.Store(0)
	ctx, cancel := context.WithCancel(testContext(t))
	done := make(chan error)
	go func() { done <- c.EnsureTopics(ctx, spec) }()
	for asked.Load() < 3 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("EnsureTopics = %v after it was given up", err)
	}
}

func TestTopics(t *testing.T) {
	onEachBroker(t, func(t *testing.T, cfg kafka.Config) {
		c := newClient(t, cfg)
		ctx := testContext(t)
		spec := kafka.TopicSpec{
			Name: fmt.Sprintf("test.%x", rand.Uint64()), Partitions: 3, Replication: 1, Compact: true,
			DeleteRetention: 30 * 24 * time.Hour, MaxMessageBytes: 2 << 20, MinInsync: 1,
		}
		other := kafka.TopicSpec{Name: fmt.Sprintf("test.%x", rand.Uint64()), Partitions: 1, Retention: kafka.Forever}
		if err := c.EnsureTopics(ctx, spec, other); err != nil {
			t.Fatal(err)
		}
		if err := c.EnsureTopics(ctx, spec, other); err != nil {
			t.Errorf("a second time: %v", err)
		}
		found, err := c.Describe(ctx, spec.Name, other.Name, "test.missing")
		if err != nil {
			t.Fatal(err)
		}
		if len(found) != 2 || found[spec.Name].Partitions != 3 || found[other.Name].Partitions != 1 {
			t.Errorf("Describe = %v", found)
		}
		names, err := c.Topics(ctx)
		if err != nil {
			t.Fatal(err)
		}
		all := strings.Join(names, " ")
		if !strings.Contains(all, spec.Name) || !strings.Contains(all, other.Name) || strings.Contains(all, "__consumer_offsets") {
			t.Errorf("Topics = %s", all)
		}

		settings := describeConfigs(t, cfg, spec.Name)
		wantPolicy := "compact"
		if cfg.NeverCompact {
			wantPolicy = "delete"
			if settings["retention.ms"] != "-1" || settings["retention.bytes"] != "-1" {
				t.Errorf("retention of a topic that must keep everything: %v ms, %v bytes", settings["retention.ms"], settings["retention.bytes"])
			}
		} else if settings["delete.retention.ms"] != "2592000000" {
			t.Errorf("delete.retention.ms = %s", settings["delete.retention.ms"])
		}
		if settings["cleanup.policy"] != wantPolicy || settings["max.message.bytes"] != "2097152" || settings["min.insync.replicas"] != "1" {
			t.Errorf("settings = %v", settings)
		}
		if got := describeConfigs(t, cfg, other.Name)["retention.ms"]; got != "-1" {
			t.Errorf("retention.ms of Forever = %s", got)
		}

		var mismatch *kafka.TopicMismatchError
		spec.Partitions = 5
		if err := c.EnsureTopics(ctx, spec); !errors.As(err, &mismatch) || *mismatch != (kafka.TopicMismatchError{Topic: spec.Name, Want: 5, Have: 3}) {
			t.Errorf("another partition count: %v", err)
		}

		// A topic that is deleted and created again has another id.
		id := found[other.Name].ID
		if len(id) != 36 || id == "00000000-0000-0000-0000-000000000000" {
			t.Errorf("topic id = %q", id)
		}
		deleteTopic(t, c, cfg, other.Name)
		if err := c.EnsureTopics(ctx, other); err != nil {
			t.Fatal(err)
		}
		found, err = c.Describe(ctx, other.Name)
		if err != nil || found[other.Name].ID == id {
			t.Errorf("the new topic has the id of the old one, %v", err)
		}
	})
}

// deleteTopic returns when the topic is gone.
func deleteTopic(t *testing.T, c *kafka.Client, cfg kafka.Config, topic string) {
	t.Helper()
	remove := kmsg.NewDeleteTopicsRequest()
	remove.TimeoutMillis = 10_000
	remove.TopicNames = []string{topic}
	gone := kmsg.NewDeleteTopicsRequestTopic()
	gone.Topic = &topic
	remove.Topics = append(remove.Topics, gone)
	request(t, cfg, &remove)
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if found, err := c.Describe(testContext(t), topic); err != nil {
			t.Fatal(err)
		} else if len(found) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("topic is still there")
		}
	}
}

func describeConfigs(t *testing.T, cfg kafka.Config, topic string) map[string]string {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(cfg.Brokers...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	req := kmsg.NewDescribeConfigsRequest()
	resource := kmsg.NewDescribeConfigsRequestResource()
	resource.ResourceType, resource.ResourceName = kmsg.ConfigResourceTypeTopic, topic
	req.Resources = append(req.Resources, resource)
	res, err := req.RequestWith(testContext(t), client)
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[string]string)
	for _, r := range res.Resources {
		for _, c := range r.Configs {
			if c.Value != nil {
				out[c.Name] = *c.Value
			}
		}
	}
	return out
}
