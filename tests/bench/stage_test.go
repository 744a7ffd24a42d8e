package bench

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/embedded"
	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/mapping"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/schemas"
	"github.com/lienthong/truc/tests/nodes"
	"github.com/lienthong/truc/tests/servers"
	"github.com/lienthong/truc/tests/workload"
)

// BenchmarkStage measures what happens to a row between the decoder and the sender. Decoding and the encoding of record
// batches are measured in their own packages, with rows and documents of about the same size.
func BenchmarkStage(b *testing.B) {
	file, d, env := citizenMapping(b)
	tr := translator(b, workload.RecordTable(), file, d, env)
	row := workload.RecordRow(7, workload.Usual)
	doc, _, violations := tr.Document(nil, row)
	if len(violations) > 0 {
		b.Fatal(violations)
	}
	b.Run("translate and check", func(b *testing.B) { translate(b, tr, row) })
	b.Run("translate and check TCVN3", func(b *testing.B) {
		file, d, env := birthMapping(b)
		translate(b, translator(b, birthTable(), file, d, env), birthRow(b, 7))
	})
	b.Run("check of the bytes", func(b *testing.B) {
		b.ReportAllocs()
		defer reportCPU(b, 1)()
		for b.Loop() {
			if !d.Accepts(doc) {
				b.Fatal("not proven")
			}
		}
	})
	b.Run("check by gojsonschema instead", func(b *testing.B) {
		b.ReportAllocs()
		defer reportCPU(b, 1)()
		for b.Loop() {
			if violations := d.Check(doc); violations != nil {
				b.Fatal(violations)
			}
		}
	})
}

// translate is what a worker of the pipeline does with a row.
func translate(b *testing.B, tr *mapping.Translator, row record.Row) {
	b.Helper()
	buf := make([]byte, 0, 4096)
	b.ReportAllocs()
	defer reportCPU(b, 1)()
	for b.Loop() {
		if tr.Keep(row) != mapping.Live {
			b.Fatal("filtered")
		}
		buf, _ = tr.Key(buf[:0], row)
		var violations []schemas.Violation
		if buf, _, violations = tr.Document(buf, row); len(violations) > 0 {
			b.Fatal(violations)
		}
	}
}

// BenchmarkPublish measures encoding, sending and the broker's acknowledgement. CPU is that of this process, in which the
// embedded bus runs and Kafka does not.
func BenchmarkPublish(b *testing.B) {
	b.Run("publish to Kafka", func(b *testing.B) {
		publish(b, kafka.Config{Brokers: []string{servers.Kafka(b).Addr}})
	})
	b.Run("publish to the embedded bus", func(b *testing.B) {
		broker, err := embedded.Start(embedded.Config{Dir: b.TempDir()})
		if err != nil {
			b.Fatal(err)
		}
		defer broker.Close()
		publish(b, broker.ClientConfig())
	})
}

// reportCPU starts to count the CPU time of this process; the function it returns reports it per row. Unlike the time on
// the wall it does not grow with what else the machine has to do (but for the caches and cores that are shared).
func reportCPU(b *testing.B, rows int) func() {
	b.Helper()
	cpu := func() time.Duration {
		u, err := nodes.UsageOf(os.Getpid())
		if err != nil {
			b.Fatal(err)
		}
		return u.CPU
	}
	before := cpu()
	return func() { b.ReportMetric(float64((cpu()-before).Nanoseconds())/float64(b.N*rows), "cpu-ns/row") }
}

const dataSchema = "https://chuan.vidu.example/schemas/dancu.congdan.v1/1.0.0"

// citizenMapping is the workload's mapping with the dataset it is for.
func citizenMapping(tb testing.TB) (*mapping.File, *schemas.Dataset, mapping.Env) {
	tb.Helper()
	text, err := workload.Text(workload.Mapping)
	if err != nil {
		tb.Fatal(err)
	}
	return parse(tb, workload.Mapping, text, workload.Dataset, workload.Agency)
}

func parse(tb testing.TB, name string, text []byte, dataset, agency string) (*mapping.File, *schemas.Dataset, mapping.Env) {
	tb.Helper()
	file, problems := mapping.Parse(name, text, nil)
	if err := problems.Err(); err != nil {
		tb.Fatal(err)
	}
	set, err := schemas.Builtin()
	if err != nil {
		tb.Fatal(err)
	}
	d, err := set.Dataset(dataset)
	if err != nil {
		tb.Fatal(err)
	}
	return file, d, mapping.Env{Set: set, Agency: agency}
}

func translator(tb testing.TB, table *record.Table, file *mapping.File, d *schemas.Dataset, env mapping.Env) *mapping.Translator {
	tb.Helper()
	plan, problems := mapping.CompileSource(file, table, d, env)
	if err := problems.Err(); err != nil {
		tb.Fatal(err)
	}
	return plan.NewTranslator()
}

// publish sends chunks of 500 events spread over three partitions, as the pipeline hands them over.
func publish(b *testing.B, cfg kafka.Config) {
	const size, partitions = 500, 3
	client, err := kafka.New(cfg)
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	ctx := b.Context()
	topic := fmt.Sprintf("bench.publish.%d", b.N)
	if err := client.EnsureTopics(ctx, kafka.TopicSpec{Name: topic, Partitions: partitions, Replication: 1}); err != nil {
		b.Fatal(err)
	}
	var to []kafka.TopicPartition
	for p := range partitions {
		to = append(to, kafka.TopicPartition{Topic: topic, Partition: int32(p)})
	}
	sender, err := client.OpenSender(ctx, kafka.SenderConfig{TransactionalID: topic, Partitions: to})
	if err != nil {
		b.Fatal(err)
	}
	defer sender.Close()
	groups := events(b, size, partitions)
	// As many groups are under way as the pipeline has chunks.
	underWay := make(chan struct{}, 12*partitions)
	b.ReportAllocs()
	defer reportCPU(b, size)()
	for b.Loop() {
		for p, group := range groups {
			underWay <- struct{}{}
			err := sender.Produce(ctx, to[p], group, func(_ int64, err error) {
				<-underWay
				if err != nil {
					b.Error(err)
				}
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	if err := sender.Flush(ctx); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*size), "ns/row")
}

// events makes the events of n citizens, by partition.
func events(tb testing.TB, n, partitions int) [][]bus.Message {
	tb.Helper()
	file, d, env := citizenMapping(tb)
	tr := translator(tb, workload.RecordTable(), file, d, env)
	shared := bus.NewSharedHeaders(
		bus.Header{Key: bus.HeaderSpecVersion, Value: []byte("1.0")},
		bus.Header{Key: bus.HeaderSource, Value: []byte(bus.SourceName(workload.Agency, "dancu", "congdan"))},
		bus.Header{Key: bus.HeaderType, Value: []byte(workload.Dataset + ".created")},
		bus.Header{Key: bus.HeaderDataSchema, Value: []byte(dataSchema)},
		bus.Header{Key: bus.HeaderContentType, Value: []byte("application/json")},
	)
	groups := make([][]bus.Message, partitions)
	for i := range n {
		row := workload.RecordRow(i, workload.Usual)
		key, _ := tr.Key(nil, row)
		doc, _, violations := tr.Document(nil, row)
		if len(violations) > 0 {
			tb.Fatal(violations)
		}
		p := kafka.PartitionFor(key, partitions)
		groups[p] = append(groups[p], bus.Message{Key: key, Value: doc, Shared: shared, UnixMilli: 1_767_323_045_678, Headers: []bus.Header{
			{Key: bus.HeaderID, Value: fmt.Appendf(nil, "%032x-%016x", i, i)},
			{Key: bus.HeaderSubject, Value: key},
			{Key: bus.HeaderTime, Value: []byte("2026-01-02T03:04:05.678901Z")},
			{Key: bus.HeaderSequence, Value: fmt.Appendf(nil, "%032x", i)},
		}})
	}
	return groups
}
