package postgres

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/tests/servers"
)

// BenchmarkSinkApply applies batches of changes to a table of ten columns with a primary key. Read changes/s.
func BenchmarkSinkApply(b *testing.B) {
	for _, size := range []int{1000, 4000} {
		benchmarkSinkApply(b, size)
	}
}

func benchmarkSinkApply(b *testing.B, size int) {
	for _, c := range []struct {
		name string
		// key and sequence of change j in batch i
		key  func(i, j int) int
		kind func(j int) (remove bool)
	}{
		{"insert", func(i, j int) int { return i*size + j }, func(int) bool { return false }},
		{"update", func(i, j int) int { return (i*size + j) % 40_000 }, func(int) bool { return false }},
		{"mixed", func(i, j int) int { return (i*size/4 + j*7) % 200_000 }, func(j int) bool { return j%10 == 9 }},
	} {
		b.Run(fmt.Sprintf("%s/%d", c.name, size), func(b *testing.B) {
			dsn := servers.Postgres(b).Database(b)
			execute(b, dsn, `CREATE SCHEMA bhyt; CREATE TABLE bhyt.tre_em (agency text, id text, ho_ten text NOT NULL, ngay_sinh date, gioi_tinh smallint,
				so_dinh_danh text, xa text, tien numeric, sua_luc timestamptz, trang_thai text, ghi_chu text, PRIMARY KEY (agency, id))`)
			s, err := newSink(&Config{DSN: dsn}, adapters.Env{Name: "bhyt"})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			ctx := context.Background()
			if err := s.Open(ctx); err != nil {
				b.Fatal(err)
			}
			target := &record.Target{
				Pipeline: "tre_em", Table: "bhyt.tre_em", Key: []string{"agency", "id"},
				Columns:  []string{"ho_ten", "ngay_sinh", "gioi_tinh", "so_dinh_danh", "xa", "tien", "sua_luc"},
				OnCreate: []string{"trang_thai"},
			}
			partition := adapters.TopicPartition{Topic: "hotich.khaisinh.v1.h44.15", Partition: 0}
			batch := func(i int) []record.Change {
				changes := make([]record.Change, size)
				for j := range changes {
					n := c.key(i, j)
					changes[j] = record.Change{
						Target: target, Delete: c.kind(j), Source: "/agencies/H44.15/hotich/khaisinh", Sequence: fmt.Sprintf("%012x%020x", 1, i*size+j),
						Key: record.Row{record.TextValue("H44.15"), record.TextValue(fmt.Sprintf("%08d", n))},
						Values: record.Row{
							record.TextValue("Nguyễn Thị Thu Hương"), record.BytesOf(record.Date, []byte("2019-06-12")), record.IntValue(int64(n % 3)),
							record.TextValue("001319012345"), record.TextValue("08233"), record.BytesOf(record.Decimal, []byte("1250000.50")),
							record.BytesOf(record.Timestamp, []byte("2026-11-23T10:22:00.123456Z")),
						},
						OnCreate: record.Row{record.TextValue("moi")},
					}
				}
				return changes
			}
			i := 0
			before := backendCPU(b, dsn)
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				changes := batch(i)
				from, to := adapters.Offsets{partition: {Next: int64(i)}}, adapters.Offsets{partition: {Next: int64(i + 1)}}
				i++
				b.StartTimer()
				if err := s.Apply(ctx, target.Pipeline, changes, from, to); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((backendCPU(b, dsn)-before).Nanoseconds())/float64(b.N*size), "backend-ns/change")
			b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "changes/s")
		})
	}
}

// backendCPU is the CPU time so far of the backends of the benchmark's sink, by proc_pid_stat(5); 0 where the server does not
// show it.
func backendCPU(b *testing.B, dsn string) time.Duration {
	b.Helper()
	const question = `SELECT coalesce(sum(f[12]::int8 + f[13]::int8), 0) FROM pg_stat_activity a,
		LATERAL string_to_array(substring(pg_read_file('/proc/' || a.pid || '/stat', 0, 1000, true) from '\) (.*)'), ' ') f
		WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND a.backend_type = 'client backend'`
	ticks, err := strconv.Atoi(answers(b, dsn, question)[0])
	if err != nil {
		b.Fatal(err)
	}
	return time.Duration(ticks) * time.Second / 100
}
