package bench

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/lienthong/truc/tests/nodes"
	"github.com/lienthong/truc/tests/servers"
	"github.com/lienthong/truc/tests/workload"
)

// rounds is how often each contestant drains a backlog; the backlogs are new, the order moves on by one each round.
const rounds = 3

// BenchmarkDrain lets `truc run` drain a backlog of inserts from PostgreSQL into Kafka, every row translated and checked,
// and pg_recvlogical drain the same backlog into a file, in turn. What first reached Kafka is delivered to a table. Run it
// with -benchtime=1x; a benchmark that appears several times ("#01") is one of several rounds.
func BenchmarkDrain(b *testing.B) {
	rows := backlog(b)
	binary := buildTruc(b)
	// PostgreSQL and Kafka as the tests have them: fsync off, so that loading takes seconds. Draining only reads the log.
	pg := servers.NewPostgres(b)
	dsn := pg.Database(b)
	execute(b, dsn, workload.CreateTable)
	execute(b, dsn, "CREATE PUBLICATION bench FOR TABLE "+workload.Table)
	sink := pg.Database(b)
	execute(b, sink, workload.CreateSink)
	broker := servers.NewKafka(b)

	publish := func(source string) string {
		return fmt.Sprintf("sources: { %s: { postgres: { dsn: %q } } }\npublish: { congdan: { source: %s, mapping: %s } }\n", source, dsn, source, workload.Mapping)
	}
	toKafka := newNode(b, binary, broker.Addr, "truc_h25_26_dancu", publish("dancu"))
	embedded := newNode(b, binary, "", "truc_h25_26_embedded", publish("embedded"))
	deliver := newNode(b, binary, broker.Addr, "",
		fmt.Sprintf("sinks: { bhyt: { postgres: { dsn: %q } } }\nsubscribe: { nguoi_dan: { agencies: [%s], sink: bhyt, mapping: %s } }\n", sink, workload.Agency, workload.SinkMapping))
	settle(b, toKafka, dsn)
	settle(b, embedded, dsn)

	for round := range rounds {
		slot := fmt.Sprintf("recvlogical_%d", round)
		execute(b, dsn, "SELECT pg_create_logical_replication_slot($1, 'pgoutput')", slot)
		load(b, dsn, round*rows, rows)
		total := (round + 1) * rows
		contestants := []func(){
			func() { b.Run("pg_recvlogical", func(b *testing.B) { recvlogical(b, pg, dsn, slot, rows) }) },
			func() { b.Run("truc to Kafka", func(b *testing.B) { drain(b, toKafka, dsn, rows, total) }) },
			func() { b.Run("truc to the embedded bus", func(b *testing.B) { drain(b, embedded, dsn, rows, total) }) },
		}
		for i := range contestants {
			contestants[(i+round)%len(contestants)]()
		}
		if round == 0 { // once: it has nobody to be compared with
			b.Run("truc from Kafka to PostgreSQL", func(b *testing.B) { fill(b, deliver, sink, rows) })
		}
	}
}

// backlog is how many rows there are to drain: TRUC_BENCH_ROWS, rounded to whole transactions.
func backlog(b *testing.B) int {
	b.Helper()
	text := os.Getenv("TRUC_BENCH_ROWS")
	if text == "" {
		return 300_000
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 10*workload.Patterns {
		b.Fatalf("TRUC_BENCH_ROWS=%s is not a number of at least %d", text, 10*workload.Patterns)
	}
	return n / workload.Patterns * workload.Patterns
}

// load inserts rows with ids from first on.
func load(b *testing.B, dsn string, first, rows int) {
	b.Helper()
	conn := connect(b, dsn)
	defer conn.Close(context.WithoutCancel(b.Context()))
	if err := workload.Load(b.Context(), conn, workload.Usual, first, rows); err != nil {
		b.Fatal(err)
	}
}

func connect(tb testing.TB, dsn string) *pgx.Conn {
	tb.Helper()
	conn, err := pgx.Connect(tb.Context(), dsn)
	if err != nil {
		tb.Fatal(err)
	}
	return conn
}

func buildTruc(b *testing.B) string {
	b.Helper()
	binary := filepath.Join(b.TempDir(), "truc")
	cmd := exec.CommandContext(b.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, "github.com/lienthong/truc/cmd/truc")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("build truc: %v\n%s", err, out)
	}
	return binary
}

// settle lets a node take the snapshot of the empty table and stops it, so that all it finds afterwards is a backlog.
func settle(b *testing.B, n *node, dsn string) {
	b.Helper()
	r := n.start()
	defer r.stop()
	conn := connect(b, dsn)
	defer conn.Close(context.WithoutCancel(b.Context()))
	// Else it would take the backlog's rows for the table's, and read them once more.
	r.until("take the snapshot", func() (bool, error) { return strings.Contains(r.log(), "snapshot is complete"), nil })
	r.catchUp(conn)
	r.note(b)
}

// note remembers where its topic ends.
func (r *run) note(b *testing.B) {
	b.Helper()
	client := r.client()
	defer client.Close()
	var err error
	if r.node.end, err = topicEnd(b.Context(), client, r.node.of...); err != nil {
		b.Fatal(err)
	}
}

// catchUp waits until the slot of a running node needs no log from before now, as is the case with a node that has been
// running for a while. A slot that was only just confirmed still makes the server decode the log since its last
// checkpoint at the next start, of which nothing is sent: the next drain would measure that.
func (r *run) catchUp(conn *pgx.Conn) {
	tb := r.node.tb
	tb.Helper()
	now := ask[string](tb, conn, "SELECT pg_current_wal_lsn()::text")
	r.until("let go of the log", func() (bool, error) {
		// A checkpoint logs the place where decoding may begin; the message after it is what there is to confirm.
		ask[string](tb, conn, "SELECT pg_logical_emit_message(true, 'bench', 'catch up')::text")
		if _, err := conn.Exec(tb.Context(), "CHECKPOINT"); err != nil {
			tb.Fatal(err)
		}
		time.Sleep(200 * time.Millisecond)
		return ask[bool](tb, conn, "SELECT restart_lsn >= $2::text::pg_lsn FROM pg_replication_slots WHERE slot_name = $1", r.node.slot, now), nil
	})
}

func ask[T any](tb testing.TB, conn *pgx.Conn, question string, args ...any) (answer T) {
	tb.Helper()
	if err := conn.QueryRow(tb.Context(), question, args...).Scan(&answer); err != nil {
		tb.Fatal(err)
	}
	return answer
}

// drain measures one node from the start of its process, and from its first event, until every row is on the topic, which
// then holds total events.
func drain(b *testing.B, n *node, dsn string, rows, total int) {
	r := n.start()
	defer r.stop()
	client := r.client()
	defer client.Close()
	ctx := b.Context()
	var firstEvent, end time.Time
	r.until("publish the backlog", func() (bool, error) {
		now, err := topicEnd(ctx, client, partitions()...)
		end = time.Now()
		if firstEvent.IsZero() && now > n.end+10*topicPartitions { // more than markers
			firstEvent = end
		}
		return now >= n.end+int64(rows), err
	})
	b.StopTimer()
	u := r.usage()
	// A few markers were counted for events: the last ones may still be on their way.
	r.until("publish every row once", func() (bool, error) {
		count, err := countEvents(ctx, client)
		if count > total {
			b.Fatalf("%d events on the topic, of %d rows; the node's log:\n%s", count, total, r.log())
		}
		return count == total, err
	})
	var err error
	if n.end, err = topicEnd(ctx, client, partitions()...); err != nil {
		b.Fatal(err)
	}
	conn := connect(b, dsn)
	defer conn.Close(context.WithoutCancel(ctx))
	r.catchUp(conn)
	report(b, rows, end.Sub(r.started), u)
	b.ReportMetric(float64(rows)/end.Sub(firstEvent).Seconds(), "running-rows/s")
}

func report(b *testing.B, rows int, took time.Duration, u nodes.Usage) {
	b.Helper()
	b.ReportMetric(0, "ns/op") // not shown
	b.ReportMetric(float64(rows)/took.Seconds(), "rows/s")
	b.ReportMetric(u.CPU.Seconds()*1e6/float64(rows), "cpu-s/Mrow")
	if u.Peak > 0 {
		b.ReportMetric(u.Peak, "peak-MB")
	}
}

// recvlogical measures pg_recvlogical from the start of its process to its end, which is the end of the backlog. It does
// not sync its file.
func recvlogical(b *testing.B, pg *servers.PostgresServer, dsn, slot string, rows int) {
	conn := connect(b, dsn)
	defer conn.Close(context.WithoutCancel(b.Context()))
	end := ask[string](b, conn, "SELECT pg_current_wal_lsn()::text")
	file := filepath.Join(b.TempDir(), "out")
	// The client programs may stand elsewhere than the server.
	program := filepath.Join(pg.Bin, "pg_recvlogical")
	if _, err := os.Stat(program); err != nil {
		program = "pg_recvlogical"
	}
	cmd := exec.CommandContext(b.Context(), program, "-d", dsn, "--slot", slot, "--start", "--no-loop",
		"--endpos", end, "--fsync-interval=0", "-o", "proto_version=1", "-o", "publication_names=bench", "-f", file)
	started := time.Now()
	out, err := cmd.CombinedOutput()
	took := time.Since(started)
	b.StopTimer()
	if err != nil {
		b.Fatalf("pg_recvlogical: %v\n%s", err, out)
	}
	info, err := os.Stat(file)
	if err != nil {
		b.Fatal(err)
	}
	if info.Size() < int64(rows)*300 {
		b.Fatalf("pg_recvlogical wrote %d bytes, which cannot be %d rows", info.Size(), rows)
	}
	state := cmd.ProcessState
	report(b, rows, took, nodes.Usage{CPU: state.UserTime() + state.SystemTime()})
	b.ReportMetric(float64(info.Size())/float64(rows), "B/row")
	execute(b, dsn, "SELECT pg_drop_replication_slot($1)", slot)
}

// fill measures the delivery of what the first drain has put on the topic.
func fill(b *testing.B, n *node, dsn string, rows int) {
	conn := connect(b, dsn)
	defer conn.Close(context.WithoutCancel(b.Context()))
	r := n.start()
	defer r.stop()
	r.until("fill the table", func() (bool, error) {
		time.Sleep(200 * time.Millisecond) // counting costs the server something too
		return ask[int](b, conn, "SELECT count(*) FROM nguoi_dan") >= rows, nil
	})
	took := time.Since(r.started)
	b.StopTimer()
	report(b, rows, took, r.usage())
	r.stop()
}

func execute(b *testing.B, dsn, statement string, args ...any) {
	b.Helper()
	ctx := b.Context()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, statement, args...); err != nil {
		b.Fatal(err)
	}
}
