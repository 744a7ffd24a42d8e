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
)

// BenchmarkLoop runs the publishing loop inside the benchmark's process, to be looked into:
//
//	go test -run='^$' -bench=Loop -benchtime=1x -cpuprofile=cpu.out ./tests/bench && go tool pprof -top cpu.out
func BenchmarkLoop(b *testing.B) {
	rows := backlog(b)
	dsn := servers.NewPostgres(b).Database(b)
	execute(b, dsn, createBirths)
	execute(b, dsn, "ALTER TABLE khai_sinh REPLICA IDENTITY FULL")
	client, err := kafka.New(kafka.Config{Brokers: []string{servers.NewKafka(b).Addr}})
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	// The first rows take the reader through its snapshot; then it goes on with the log.
	runLoop(b, client, dsn, patterns)
	for b.Loop() {
		b.StopTimer()
		first := int(topicRows(b, client))
		loadBirths(b, dsn, first, rows)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		b.StartTimer()
		runLoop(b, client, dsn, rows)
		b.StopTimer()
		runtime.ReadMemStats(&after)
		b.StartTimer()
		b.ReportMetric(float64(after.Mallocs-before.Mallocs)/float64(rows), "allocs/row")
		b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/float64(rows), "B/row")
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows), "ns/row")
}
