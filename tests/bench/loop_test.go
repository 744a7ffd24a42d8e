package bench

import (
	"context"
	"log/slog"
	"runtime"
	"testing"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/adapters/postgres"
	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/pipeline"
	"github.com/lienthong/truc/tests/servers"
	"github.com/lienthong/truc/tests/workload"
)

// BenchmarkLoop runs the publishing loop inside the benchmark's process, to be looked into:
//
//	go test -run='^$' -bench=Loop -benchtime=1x -cpuprofile=cpu.out ./tests/bench && go tool pprof -top cpu.out
func BenchmarkLoop(b *testing.B) {
	rows := backlog(b)
	dsn := servers.NewPostgres(b).Database(b)
	execute(b, dsn, workload.CreateTable)
	client, err := kafka.New(kafka.Config{Brokers: []string{servers.NewKafka(b).Addr}})
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	// Until the snapshot of the empty table is saved; then the log remains.
	runLoop(b, client, dsn, func(s *pipeline.ReaderStats) bool { return s.LastSaved.Load() > 0 })
	load(b, dsn, 0, rows)
	start, err := topicEnd(b.Context(), client, partitions()...)
	if err != nil {
		b.Fatal(err)
	}

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	b.ResetTimer()
	runLoop(b, client, dsn, func(*pipeline.ReaderStats) bool {
		now, err := topicEnd(b.Context(), client, partitions()...)
		return err == nil && now >= start+int64(rows)
	})
	b.StopTimer()
	runtime.ReadMemStats(&after)
	b.ReportMetric(0, "ns/op") // not shown
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(rows), "ns/row")
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/float64(rows), "allocs/row")
	b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/float64(rows), "B/row")
	b.ReportMetric(float64(after.NumGC-before.NumGC), "collections")
}

// runLoop runs a reader until done says so.
func runLoop(b *testing.B, client *kafka.Client, dsn string, done func(*pipeline.ReaderStats) bool) {
	b.Helper()
	file, d, env := citizenMapping(b)
	log := slog.New(slog.DiscardHandler)
	r := pipeline.NewReader(pipeline.ReaderConfig{
		Agency: workload.Agency, Source: "dancu", Bus: pipeline.KafkaBus{Client: client}, Log: log,
		Open: func() (adapters.Source, error) {
			cfg := postgres.Adapter.Defaults()
			cfg.DSN = dsn
			return postgres.Adapter.Source(cfg, adapters.Env{Name: "dancu", Agency: workload.Agency, Log: log})
		},
		Pipelines: []pipeline.Publish{{
			Name: "congdan", Table: "public." + workload.Table, Agency: workload.Agency, Topic: bus.EventTopic(workload.Dataset, workload.Agency), Partitions: topicPartitions,
			Dataset: d, DataSchema: dataSchema, Mapping: file, Env: env,
		}},
	})
	ctx, stop := context.WithTimeout(b.Context(), 3*time.Minute)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	for !done(r.Stats()) {
		select {
		case err := <-ended:
			b.Fatalf("the reader ended: %v, %v", err, context.Cause(ctx))
		case <-time.After(10 * time.Millisecond):
		}
	}
	stop()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
}
