package bench

import (
	"fmt"
	"testing"
	"time"

	"github.com/lienthong/truc/tests/servers"
	"github.com/lienthong/truc/tests/workload"
)

// BenchmarkStart measures from the start of the process to its first event, with a change waiting in the log: in order, and
// after kill -9. It tells the CPU time of the process until then, which a busy machine stretches less.
func BenchmarkStart(b *testing.B) {
	binary := buildTruc(b)
	dsn := servers.NewPostgres(b).Database(b)
	execute(b, dsn, workload.CreateTable)
	n := newNode(b, binary, servers.NewKafka(b).Addr, "truc_h25_26_dancu",
		fmt.Sprintf("sources: { dancu: { postgres: { dsn: %q } } }\npublish: { congdan: { source: dancu, mapping: %s } }\n", dsn, workload.Mapping))
	settle(b, n, dsn)
	for i, name := range []string{"after a stop", "after kill -9", "after kill -9 again"} {
		load(b, dsn, i*workload.Patterns, workload.Patterns)
		b.Run(name, func(b *testing.B) {
			r := n.start()
			client := r.client()
			defer client.Close()
			var took time.Duration
			r.until("publish its first event", func() (bool, error) {
				now, err := topicEnd(b.Context(), client, partitions()...)
				took = time.Since(r.started)
				return now > n.end+10*topicPartitions, err
			})
			b.StopTimer()
			b.ReportMetric(0, "ns/op") // not shown
			b.ReportMetric(float64(took.Milliseconds()), "ms")
			b.ReportMetric(float64(r.usage().CPU.Milliseconds()), "cpu-ms")
			count := 0
			r.until("publish every row", func() (bool, error) {
				var err error
				count, err = countEvents(b.Context(), client)
				return count == (i+1)*workload.Patterns, err
			})
			var err error
			if n.end, err = topicEnd(b.Context(), client, partitions()...); err != nil {
				b.Fatal(err)
			}
			r.kill()
		})
	}
}

// kill ends the process as a crash does.
func (r *run) kill() {
	r.stopped = true
	_ = r.cmd.Process.Kill()
	<-r.done
}
