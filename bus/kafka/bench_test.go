package kafka_test

import (
	"fmt"
	"testing"

	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/tests/servers"
)

// chunk is what the pipeline produces at once: documents of 600 bytes with the nine headers of an event.
func chunk(n int) []bus.Message {
	shared := bus.NewSharedHeaders(
		bus.Header{Key: bus.HeaderSpecVersion, Value: []byte("1.0")},
		bus.Header{Key: bus.HeaderSource, Value: []byte("/agencies/H44.15/hotich/khaisinh")},
		bus.Header{Key: bus.HeaderType, Value: []byte("hotich.khaisinh.v1.created")},
		bus.Header{Key: bus.HeaderDataSchema, Value: []byte("https://chuan.phutho.example/schemas/hotich.khaisinh/1.0.0")},
		bus.Header{Key: bus.HeaderContentType, Value: []byte("application/json")},
		bus.Header{Key: bus.HeaderTime, Value: []byte("2026-03-01T08:00:00.000000Z")},
	)
	msgs := make([]bus.Message, n)
	for i := range msgs {
		key := fmt.Appendf(nil, "KS-%08d", i)
		msgs[i] = bus.Message{Key: key, Value: make([]byte, 600), Shared: shared, UnixMilli: 1_700_000_000_000, Headers: []bus.Header{
			{Key: bus.HeaderID, Value: fmt.Appendf(nil, "%032x", i)},
			{Key: bus.HeaderSequence, Value: fmt.Appendf(nil, "%032x", i)},
			{Key: bus.HeaderSubject, Value: key},
		}}
	}
	return msgs
}

func BenchmarkProduceEmbedded(b *testing.B) { benchmarkProduce(b, startEmbedded(b).ClientConfig()) }

func BenchmarkProduceKafka(b *testing.B) {
	benchmarkProduce(b, kafka.Config{Brokers: []string{servers.Kafka(b).Addr}})
}

// benchmarkProduce measures the acknowledgement of one chunk of 500 messages over three partitions.
func benchmarkProduce(b *testing.B, cfg kafka.Config) {
	c := newClient(b, cfg)
	const partitions = 3
	topic := newTopic(b, c, partitions)
	var tps []kafka.TopicPartition
	for p := range partitions {
		tps = append(tps, kafka.TopicPartition{Topic: topic, Partition: int32(p)})
	}
	s := openSender(b, c, topic, tps...)
	msgs := chunk(500)
	ctx := testContext(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		err := s.Produce(ctx, tps[i%partitions], msgs, func(_ int64, err error) {
			if err != nil {
				b.Error(err)
			}
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Flush(ctx); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N*len(msgs))/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkReadEmbedded(b *testing.B) { benchmarkRead(b, startEmbedded(b).ClientConfig()) }

func BenchmarkReadKafka(b *testing.B) {
	benchmarkRead(b, kafka.Config{Brokers: []string{servers.Kafka(b).Addr}})
}

// benchmarkRead measures reading a partition of 100,000 messages from its start to its end.
func benchmarkRead(b *testing.B, cfg kafka.Config) {
	c := newClient(b, cfg)
	tp := kafka.TopicPartition{Topic: newTopic(b, c, 1)}
	s := openSender(b, c, tp.Topic, tp)
	const total = 100_000
	ctx := testContext(b)
	msgs := chunk(500)
	for range total / len(msgs) {
		if err := s.Produce(ctx, tp, msgs, func(int64, error) {}); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Flush(ctx); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		r := c.NewReader(tp, 0, kafka.ReaderConfig{})
		for n := 0; n < total; {
			records, err := r.Read(ctx)
			if err != nil {
				b.Fatal(err)
			}
			n += len(records)
		}
	}
	b.ReportMetric(float64(b.N)*total/b.Elapsed().Seconds(), "rows/s")
}
