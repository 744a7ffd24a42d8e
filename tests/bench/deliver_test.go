package bench

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/adapters/postgres"
	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/mapping"
	"github.com/lienthong/truc/pipeline"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/tests/nodes"
	"github.com/lienthong/truc/tests/servers"
	"github.com/lienthong/truc/tests/workload"
)

// createChildren is the table that deliveries fill, under any name.
const createChildren = `CREATE TABLE %s (co_quan text, quyen text, so text, ho_ten text NOT NULL, ngay_sinh text, gioi text, noi_sinh text,
	ngay_dk date, me text, cha text, cap_nhat timestamptz, PRIMARY KEY (co_quan, quyen, so))`

// BenchmarkDeliver lets `truc run` deliver a topic into an empty table, and then a newer event of every row into the table that
// is filled; in turn with it PostgreSQL moves the same rows by itself, with no bus, no check and no bookkeeping: INSERT … SELECT …
// ON CONFLICT from a table without keys, and COPY from a file. truc's rows count from the start of its process. CPU is that of
// truc, and of the server's process that writes. Run it with -benchtime=1x.
func BenchmarkDeliver(b *testing.B) {
	rows := backlog(b)
	binary := buildTruc(b)
	pg := servers.NewPostgres(b)
	broker := servers.NewKafka(b)
	client, err := kafka.New(kafka.Config{Brokers: []string{broker.Addr}})
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	type contest struct {
		dsn  string
		node *node
	}
	var contests []contest
	for round := range rounds {
		dsn := pg.Database(b)
		execute(b, dsn, fmt.Sprintf(createChildren, "tre_em"))
		execute(b, dsn, fmt.Sprintf(createChildren, "moved"))
		contests = append(contests, contest{dsn, newNode(b, binary, broker.Addr, "", fmt.Sprintf(
			"sinks: { bhyt: { postgres: { dsn: %q } } }\nsubscribe: { tre_em_%d: { agencies: [%s], sink: bhyt, mapping: tre_em.yaml } }\n", dsn, round, birthAgency))})
		contests[round].node.write("tre_em.yaml", string(deliveryMapping(b)))
	}
	for version, state := range []string{"empty", "filled"} {
		publishBirths(b, client, rows, version)
		for round, c := range contests {
			b.Run("truc, "+state+" table", func(b *testing.B) { deliver(b, c.node, client, c.dsn, fmt.Sprintf("tre_em_%d", round), rows) })
			b.Run("INSERT SELECT ON CONFLICT, "+state+" table", func(b *testing.B) { upsertStaged(b, c.dsn, rows) })
			if version == 0 {
				b.Run("COPY, "+state+" table", func(b *testing.B) { copyStaged(b, pg, c.dsn, rows) })
			}
		}
	}
}

// BenchmarkDeliverLoop runs a delivery inside the benchmark's process, to be looked into, as BenchmarkLoop does.
func BenchmarkDeliverLoop(b *testing.B) {
	rows := backlog(b)
	dsn := servers.NewPostgres(b).Database(b)
	execute(b, dsn, fmt.Sprintf(createChildren, "tre_em"))
	client, err := kafka.New(kafka.Config{Brokers: []string{servers.NewKafka(b).Addr}})
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	for version, state := range []string{"empty", "filled"} {
		publishBirths(b, client, rows, version)
		b.Run(state, func(b *testing.B) {
			d := newDelivery(b, client, dsn)
			conn := connect(b, dsn)
			defer conn.Close(context.WithoutCancel(b.Context()))
			ctx, stop := context.WithTimeout(b.Context(), 5*time.Minute)
			defer stop()
			ended := make(chan error, 1)
			stopCPU := reportCPU(b, rows)
			b.ResetTimer()
			go func() { ended <- d.Run(ctx) }()
			for d.Stats().Applied.Load() == 0 {
				time.Sleep(time.Millisecond)
			}
			started := time.Now()
			for d.Stats().Applied.Load() < int64(rows) && ctx.Err() == nil {
				time.Sleep(5 * time.Millisecond)
			}
			took := time.Since(started)
			b.StopTimer()
			stopCPU()
			b.ReportMetric(0, "ns/op") // not shown
			b.ReportMetric(float64(writerCPU(b, conn, "application_name LIKE 'truc%'").Nanoseconds())/float64(rows), "backend-ns/row")
			b.ReportMetric(float64(rows)/took.Seconds(), "running-rows/s")
			stop()
			if err := <-ended; err != nil {
				b.Fatal(err)
			}
		})
	}
}

func deliveryMapping(b *testing.B) []byte {
	b.Helper()
	text, err := os.ReadFile("testdata/tre_em.yaml")
	if err != nil {
		b.Fatal(err)
	}
	return text
}

// newDelivery is the delivery of testdata/tre_em.yaml.
func newDelivery(b *testing.B, client *kafka.Client, dsn string) *pipeline.Delivery {
	b.Helper()
	_, d, env := birthMapping(b)
	file, problems := mapping.Parse("tre_em.yaml", deliveryMapping(b), nil)
	if err := problems.Err(); err != nil {
		b.Fatal(err)
	}
	compile := func(t *record.Table) (*mapping.SinkPlan, error) {
		plan, problems := mapping.CompileSink(file, d, t, env)
		return plan, problems.Err()
	}
	plan, err := compile(nil)
	if err != nil {
		b.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	return pipeline.NewDelivery(pipeline.DeliveryConfig{
		Agency: birthAgency, Name: "tre_em", Agencies: []string{birthAgency}, Dataset: d, Plan: plan, Replan: compile, Client: client, Replication: 1, Log: log,
		Open: func() (adapters.Sink, error) {
			cfg := postgres.Adapter.Defaults()
			cfg.DSN = dsn
			return postgres.Adapter.Sink(cfg, adapters.Env{Name: "bhyt", Agency: birthAgency, Log: log})
		},
	})
}

// publishBirths appends one event of each of so many births to their topic; a later version of them has other names.
func publishBirths(b *testing.B, client *kafka.Client, rows, version int) {
	b.Helper()
	ctx := b.Context()
	topic := bus.EventTopic(birthDataset, birthAgency)
	if err := client.EnsureTopics(ctx, kafka.TopicSpec{Name: topic, Partitions: topicPartitions, Replication: 1}); err != nil {
		b.Fatal(err)
	}
	sender, err := client.OpenSender(ctx, kafka.SenderConfig{TransactionalID: "bench", Partitions: partitionsOf(topic)})
	if err != nil {
		b.Fatal(err)
	}
	defer sender.Close()
	var births []record.Row
	for n := range workload.Patterns {
		row, other := birthRow(b, n), birthRow(b, n+version)
		row[6], row[11] = other[6], other[11]
		births = append(births, row)
	}
	file, d, env := birthMapping(b)
	tr := translator(b, birthTable(), file, d, env)
	shared := bus.NewSharedHeaders(
		bus.Header{Key: bus.HeaderSpecVersion, Value: []byte("1.0")},
		bus.Header{Key: bus.HeaderSource, Value: []byte(bus.SourceName(birthAgency, "hotich", "khaisinh"))},
		bus.Header{Key: bus.HeaderType, Value: []byte(birthDataset + ".updated")},
		bus.Header{Key: bus.HeaderDataSchema, Value: []byte("https://chuan.vidu.example/schemas/hotich.khaisinh/1.0.0")},
		bus.Header{Key: bus.HeaderContentType, Value: []byte("application/json")},
	)
	for first := 0; first < rows; first += workload.Patterns {
		groups := make([][]bus.Message, topicPartitions)
		for n, birth := range births {
			row := slices.Clone(birth)
			row[0], row[1] = record.IntValue(int64(first+n)), record.TextValue(fmt.Sprintf("%08d", first+n))
			key, _ := tr.Key(nil, row)
			doc, _, violations := tr.Document(nil, row)
			if len(violations) > 0 {
				b.Fatal(violations)
			}
			sequence := fmt.Appendf(nil, "%016x%016x", version+1, first+n)
			p := kafka.PartitionFor(key, topicPartitions)
			groups[p] = append(groups[p], bus.Message{Key: key, Value: doc, Shared: shared, UnixMilli: 1_767_323_045_678, Headers: []bus.Header{
				{Key: bus.HeaderID, Value: sequence},
				{Key: bus.HeaderSubject, Value: key},
				{Key: bus.HeaderTime, Value: []byte("2026-01-02T03:04:05.678901Z")},
				{Key: bus.HeaderSequence, Value: sequence},
			}})
		}
		for p, group := range groups {
			if err := sender.Produce(ctx, partitionsOf(topic)[p], group, func(_ int64, err error) {
				if err != nil {
					b.Error(err)
				}
			}); err != nil {
				b.Fatal(err)
			}
		}
	}
	if err := sender.Flush(ctx); err != nil {
		b.Fatal(err)
	}
}

// deliver measures one node until its offsets are at the end of the topic.
func deliver(b *testing.B, n *node, client *kafka.Client, dsn, name string, rows int) {
	ctx := b.Context()
	conn := connect(b, dsn)
	defer conn.Close(context.WithoutCancel(ctx))
	end, err := topicEnd(ctx, client, partitionsOf(bus.EventTopic(birthDataset, birthAgency))...)
	if err != nil {
		b.Fatal(err)
	}
	r := n.start()
	defer r.stop()
	var first time.Time
	behind := int64(0)
	r.until("deliver the topic", func() (bool, error) {
		var at int64
		if err := conn.QueryRow(ctx, "SELECT coalesce(sum(next_offset), 0)::int8 FROM truc.sink_offset WHERE pipeline = $1 AND topic <> ''", name).Scan(&at); err != nil {
			return false, err // the table may not be there yet
		}
		if first.IsZero() {
			if behind == 0 {
				behind = at
			}
			if at > behind {
				first = time.Now()
			}
		}
		return at >= end, nil
	})
	took, running := time.Since(r.started), time.Since(first)
	b.StopTimer()
	report(b, rows, took, r.usage())
	b.ReportMetric(float64(rows)/running.Seconds(), "running-rows/s")
	b.ReportMetric(writerCPU(b, conn, "application_name LIKE 'truc%'").Seconds()*1e6/float64(rows), "backend-cpu-s/Mrow")
	r.stop()
	if got := ask[int](b, conn, "SELECT count(*) FROM tre_em"); got != rows {
		b.Fatalf("%d rows were delivered, want %d", got, rows)
	}
}

// upsertStaged lets the server move what truc has delivered into another table of the same kind.
func upsertStaged(b *testing.B, dsn string, rows int) {
	measureStatement(b, dsn, rows, `INSERT INTO moved SELECT * FROM staged ON CONFLICT (co_quan, quyen, so) DO UPDATE SET ho_ten = excluded.ho_ten,
		ngay_sinh = excluded.ngay_sinh, gioi = excluded.gioi, noi_sinh = excluded.noi_sinh, ngay_dk = excluded.ngay_dk, me = excluded.me,
		cha = excluded.cha, cap_nhat = excluded.cap_nhat`)
}

func copyStaged(b *testing.B, pg *servers.PostgresServer, dsn string, rows int) {
	file := filepath.Join(pg.DataDir, "staged.copy")
	execute(b, dsn, fmt.Sprintf(createChildren, "copied"))
	execute(b, dsn, "COPY tre_em TO '"+file+"'")
	measureStatement(b, dsn, rows, "COPY copied FROM '"+file+"'")
	execute(b, dsn, "DROP TABLE copied")
}

func measureStatement(b *testing.B, dsn string, rows int, statement string) {
	b.Helper()
	conn := connect(b, dsn)
	defer conn.Close(context.WithoutCancel(b.Context()))
	execute(b, dsn, "DROP TABLE IF EXISTS staged")
	execute(b, dsn, "CREATE TABLE staged AS SELECT * FROM tre_em")
	started, before := time.Now(), writerCPU(b, conn, "pid = pg_backend_pid()")
	if _, err := conn.Exec(b.Context(), statement); err != nil {
		b.Fatal(err)
	}
	took := time.Since(started)
	b.StopTimer()
	report(b, rows, took, nodes.Usage{CPU: writerCPU(b, conn, "pid = pg_backend_pid()") - before})
}

// writerCPU is the CPU time so far of processes of the server that serve this database, by proc_pid_stat(5).
func writerCPU(b *testing.B, conn *pgx.Conn, which string) time.Duration {
	b.Helper()
	ticks := ask[int64](b, conn, `SELECT coalesce(sum(f[12]::int8 + f[13]::int8), 0)::int8 FROM pg_stat_activity a,
		LATERAL string_to_array(substring(pg_read_file('/proc/' || a.pid || '/stat', 0, 1000, true) from '\) (.*)'), ' ') f
		WHERE a.datname = current_database() AND a.backend_type = 'client backend' AND `+which)
	return time.Duration(ticks) * time.Second / 100
}
