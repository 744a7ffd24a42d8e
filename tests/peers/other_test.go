//go:build linux

package main

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	kafkago "github.com/segmentio/kafka-go"

	"github.com/lienthong/truc/tests/workload"
)

// The measures, the most important first: a run that is cut short has measured those.
func measures() []measure {
	usual := []string{Truc, DebeziumTuned, RecvLogical}
	sizes := []string{TrucPlain, DebeziumTuned, RecvLogical}
	return []measure{
		{Inserts, 14, drain(backlog{size: workload.Usual, rows: 1_000_000, rounds: 3, warmUp: true, load: inserts, contestants: []string{
			Truc, TrucPlain, DebeziumTuned, TrucAgain, TrucEmbedded, RecvLogical, Debezium,
		}})},
		{Kill, 3, killed},
		{Snapshot, 4, snapshot},
		{Latency, 6, latency},
		{Delivery, 7, delivery},
		{AtOnce, 2, drain(backlog{size: workload.Usual, rows: 1_000_000, rounds: 1, load: atOnce, contestants: []string{Truc, DebeziumTuned, RecvLogical}})},
		{Start, 2, starts},
		{Updates, 2.5, drain(backlog{size: workload.Usual, rows: 300_000, base: 300_000, rounds: 2, load: updates, contestants: usual})},
		{Mix, 2.5, drain(backlog{size: workload.Usual, rows: 300_000, base: 300_000, rounds: 2, deleted: 0.2, load: mix, contestants: usual})},
		{Small, 1.5, drain(backlog{size: workload.Small, rows: 500_000, rounds: 1, load: inserts, contestants: sizes})},
		{Large, 1.5, drain(backlog{size: workload.Large, rows: 300_000, rounds: 1, load: inserts, contestants: sizes})},
		{Huge, 1.5, drain(backlog{size: workload.Huge, rows: 40_000, rounds: 1, load: inserts, contestants: sizes})},
		{Raw, 0.5, producer},
	}
}

func atOnce(m *measuring, conn *pgx.Conn, b backlog) error {
	return workload.LoadAtOnce(m.ctx, conn, b.size, 0, b.rows)
}

func updates(m *measuring, conn *pgx.Conn, b backlog) error {
	return workload.Update(m.ctx, conn, 0, b.rows)
}

func mix(m *measuring, conn *pgx.Conn, b backlog) error {
	return workload.Mix(m.ctx, conn, b.size, 0, b.rows)
}

// snapshot measures the first reading of a table, from the start of the process. Every round has a tool that knows nothing.
func snapshot(m *measuring, name string) {
	rows := m.rows(1_000_000)
	dsn, conn := m.table(workload.Usual, rows)
	m.execute(conn, "VACUUM ANALYZE cong_dan")
	m.alternate(name, m.rounds(3), []string{Truc, DebeziumTuned, Copy}, func(contestant string, round int) {
		var t tool
		switch contestant {
		case Copy:
			m.record(name, contestant, round, rows, m.copyOut(conn, rows))
			return
		case Truc:
			t = m.newTruc(dsn, workload.Mapping, false)
		default:
			t = m.newDebezium(dsn, "initial", forThroughput())
		}
		m.record(name, contestant, round, rows, m.drainOnce(t, rows, rows))
		m.dropSlot(conn, t)
	})
}

// copyOut is the ceiling: the server writes the table as text to a client that throws it away.
func (m *measuring) copyOut(conn *pgx.Conn, rows int) map[string]float64 {
	m.t.Helper()
	var sink counter
	started := time.Now()
	if _, err := conn.PgConn().CopyTo(m.ctx, &sink, "COPY cong_dan TO STDOUT"); err != nil {
		m.t.Fatal(err)
	}
	rate := float64(rows) / time.Since(started).Seconds()
	return map[string]float64{Rate: rate, RateStart: rate, Bytes: float64(sink) / float64(rows)}
}

// counter counts what is written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// dropSlot drops the slot of a tool that was stopped a moment ago.
func (m *measuring) dropSlot(conn *pgx.Conn, t tool) {
	m.t.Helper()
	m.until("slot "+t.slot()+" is dropped", time.Minute, func() bool {
		_, err := conn.Exec(m.ctx, "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1", t.slot())
		return err == nil
	})
}

// killed ends a tool with SIGKILL in the middle of a backlog, starts it again and counts what is on the topic afterwards.
func killed(m *measuring, name string) {
	rows, rounds := m.rows(400_000), m.rounds(2)
	dsn, conn := m.table(workload.Usual, 0)
	peers := m.prepareDebezium(dsn, conn, map[string]profile{Debezium: asShipped()})
	there := ask[int](m, conn, "SELECT count(*) FROM cong_dan")
	var nodes []*trucTool
	for range rounds {
		n := m.newTruc(dsn, workload.Mapping, false)
		m.settle(n, conn, there)
		nodes = append(nodes, n)
	}
	if err := workload.Load(m.ctx, conn, workload.Usual, 0, rows); err != nil {
		m.t.Fatal(err)
	}
	m.execute(conn, "CHECKPOINT")
	m.alternate(name, rounds, []string{Truc, Debezium}, func(contestant string, round int) {
		if contestant == Truc {
			m.record(name, contestant, round, rows, m.killOnce(nodes[round], rows))
			return
		}
		m.record(name, contestant, round, rows, m.killOnce(peers[contestant](round), rows))
	})
}

func (m *measuring) killOnce(t tool, rows int) map[string]float64 {
	m.t.Helper()
	before := t.before()
	t.start()
	m.untilWorking(t, "half of the backlog is published", func() bool { return m.end(m.bus, t.topic())-before.end >= int64(rows/2) })
	t.kill()
	end := int64(0)
	m.until("nothing arrives any more", time.Minute, func() bool { // a request may have been under way
		last := end
		end = m.end(m.bus, t.topic())
		time.Sleep(100 * time.Millisecond)
		return end == last
	})
	at := end - before.end
	w := watch{started: time.Now(), want: int64(rows) + markers}
	t.start()
	m.untilWorking(t, "it publishes again", func() bool {
		seen := m.end(m.bus, t.topic()) - end
		w.see(time.Now(), seen)
		return !w.first.IsZero()
	})
	goesOn := w.first.Sub(w.started).Seconds()
	m.untilWorking(t, "the backlog is published", func() bool { return m.end(m.bus, t.topic())-before.end >= int64(rows) })
	quiet, last := time.Now(), int64(0)
	m.untilWorking(t, "nothing arrives any more", func() bool {
		now := m.end(m.bus, t.topic())
		if now != last {
			quiet, last = time.Now(), now
		}
		return time.Since(quiet) > 5*time.Second
	})
	e := m.read(m.broker.Addr, t.topic(), true)
	t.stop()
	m.deleteTopic(t.topic())
	duplicates, found := 0, 0
	for number, times := range e.keys {
		if id, ok := idOf(number); ok && id < rows {
			found++
			duplicates += times - 1
		}
	}
	return map[string]float64{Duplicates: float64(duplicates), Lost: float64(rows - found), GoOn: goesOn, KilledAt: float64(at)}
}

// starts measures the time from the start of a process to its first event, with one change waiting, and what it uses while
// nothing changes.
func starts(m *measuring, name string) {
	rounds := m.rounds(3)
	idle := 10 * time.Second
	dsn, conn := m.table(workload.Usual, 0)
	peers := m.prepareDebezium(dsn, conn, map[string]profile{Debezium: asShipped()})
	there := ask[int](m, conn, "SELECT count(*) FROM cong_dan")
	n := m.newTruc(dsn, workload.Mapping, false)
	m.settle(n, conn, there)
	if err := workload.Prepare(m.ctx, conn, workload.Usual); err != nil {
		m.t.Fatal(err)
	}
	m.alternate(name, rounds, []string{Truc, Debezium}, func(contestant string, round int) {
		var t tool = n
		if contestant == Debezium {
			t = peers[contestant](round)
		}
		id := 800_000_000 + m.next()
		m.execute(conn, workload.One, id)
		c := m.consume(t.topic(), id, 1)
		started := time.Now()
		t.start()
		m.untilWorking(t, "the waiting change is published", func() bool { return c.received(id) })
		first := c.at(id).Sub(started)
		time.Sleep(2 * time.Second)
		before := t.usage()
		time.Sleep(idle)
		after := t.usage()
		t.stop()
		c.close()
		m.record(name, contestant, round, 1, map[string]float64{
			FirstEvent: first.Seconds(), IdleCPU: (after.CPU - before.CPU).Seconds() * float64(time.Hour/idle), IdleRSS: after.RSS, Peak: after.Peak,
		})
	})
}

// producer is what a client of the broker can do that has nothing else to do: 600 bytes a message, acks of all replicas.
func producer(m *measuring, name string) {
	rows := m.rows(1_000_000)
	m.alternate(name, m.rounds(3), []string{Producer}, func(contestant string, round int) {
		rate := float64(rows) / m.produceRaw(rows).Seconds()
		m.record(name, contestant, round, rows, map[string]float64{Rate: rate, RateStart: rate})
	})
}

// produceRaw produces to a topic of its own, which it deletes, and returns how long that took.
func (m *measuring) produceRaw(rows int) time.Duration {
	m.t.Helper()
	topic := fmt.Sprintf("raw%d", m.next())
	m.createTopic(topic)
	m.until("topic "+topic+" has leaders", time.Minute, func() bool { return m.leaders(topic) })
	w := &kafkago.Writer{
		// The transport that all writers share may have asked for the topics a moment too early.
		Transport: &kafkago.Transport{},
		Addr:      kafkago.TCP(m.broker.Addr), Topic: topic, RequiredAcks: kafkago.RequireAll, BatchSize: 5000, BatchBytes: 1 << 20,
		BatchTimeout: 5 * time.Millisecond, Balancer: kafkago.Murmur2Balancer{Consistent: true},
	}
	const batch, writers = 5000, 4
	value := []byte(strings.Repeat("abcdefghijklmnopqrst", 30))
	errs := make([]error, writers)
	var all sync.WaitGroup
	started := time.Now()
	for n := range writers {
		all.Go(func() {
			messages := make([]kafkago.Message, batch)
			for at := n * batch; at < rows && errs[n] == nil; at += writers * batch {
				for i := range messages {
					messages[i] = kafkago.Message{Key: []byte(workload.Number(at + i)), Value: value}
				}
				errs[n] = w.WriteMessages(m.ctx, messages[:min(batch, rows-at)]...)
			}
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		m.t.Fatal(err)
	}
	took := time.Since(started)
	if err := w.Close(); err != nil {
		m.t.Fatal(err)
	}
	m.deleteTopic(topic)
	return took
}
