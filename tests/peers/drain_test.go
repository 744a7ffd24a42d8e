//go:build linux

package main

import (
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/tests/nodes"
	"github.com/lienthong/truc/tests/workload"
)

// measure is one thing that is measured.
type measure struct {
	name    string
	minutes float64 // about, on two quiet cores
	run     func(m *measuring, name string)
}

// backlog is a kind of work that waits in the log until a tool is started.
type backlog struct {
	size   workload.Size
	rows   int // that are changed
	rounds int
	base   int // rows that are there before
	// deleted is which part of the changes are deletions: Debezium as shipped says each twice, in an event and a tombstone.
	deleted     float64
	load        func(m *measuring, conn *pgx.Conn, b backlog) error
	contestants []string
	// warmUp is for a round before the first, which does not count: Kafka's compiler takes a tenth of the processors for the first
	// four million events of a kind.
	warmUp bool
}

func inserts(m *measuring, conn *pgx.Conn, b backlog) error {
	return workload.Load(m.ctx, conn, b.size, b.base, b.rows)
}

// drain measures how fast tools drain a backlog. All slots are made beforehand; the backlog is loaded once.
func drain(b backlog) func(*measuring, string) {
	return func(m *measuring, name string) {
		b.rows, b.base = m.rows(b.rows), b.base/1000*1000
		if b.base > 0 {
			b.base = m.rows(b.base)
		}
		rounds := m.rounds(b.rounds)
		nodesEach := rounds
		if b.warmUp {
			nodesEach++
		}
		dsn, conn := m.table(b.size, b.base)
		tools := map[string]func(round int) tool{}
		// Debezium first: it must have seen a change before it saves where it stands.
		profiles := map[string]profile{}
		for _, c := range b.contestants {
			switch c {
			case Debezium:
				profiles[c] = asShipped()
			case DebeziumTuned:
				p := forThroughput()
				if b.size == workload.Huge { // a queue of 100,000 such rows would not fit into its heap
					p.connector = append(p.connector, "max.batch.size=2000", "max.queue.size=10000")
				}
				profiles[c] = p
			}
		}
		maps.Copy(tools, m.prepareDebezium(dsn, conn, profiles))
		there := ask[int](m, conn, "SELECT count(*) FROM cong_dan")
		for _, c := range b.contestants {
			switch c {
			case Truc, TrucAgain, TrucPlain, TrucEmbedded:
				mapping := workload.Mapping
				if c == TrucPlain {
					mapping = workload.PlainMapping
				}
				var prepared []tool
				for range nodesEach {
					n := m.newTruc(dsn, mapping, c == TrucEmbedded)
					m.settle(n, conn, there)
					prepared = append(prepared, n)
				}
				tools[c] = func(round int) tool { return prepared[round] }
			case RecvLogical:
				m.execute(conn, "SELECT pg_create_logical_replication_slot('recvlogical_t', 'pgoutput')")
			}
		}
		m.t.Logf("prepared; loading %d rows", b.rows)
		if err := b.load(m, conn, b); err != nil {
			m.t.Fatal(err)
		}
		m.execute(conn, "CHECKPOINT")
		once := func(contestant string, round int) map[string]float64 {
			if contestant == RecvLogical {
				return m.recvlogical(dsn, conn, b.rows)
			}
			records := b.rows
			if contestant == Debezium {
				records += int(float64(b.rows) * b.deleted)
			}
			return m.drainOnce(tools[contestant](round), b.rows, records)
		}
		if b.warmUp && m.left(name, rounds, b.contestants) > 0 {
			for _, contestant := range b.contestants {
				m.alive()
				m.t.Logf("warming up, %s: %v", contestant, once(contestant, rounds))
			}
		}
		m.alternate(name, rounds, b.contestants, func(contestant string, round int) {
			m.record(name, contestant, round, b.rows, once(contestant, round))
		})
	}
}

// table makes a database with the table of citizens, rows in it, and the publication for Debezium and pg_recvlogical. It is
// dropped with all its slots at the end of the measure.
func (m *measuring) table(size workload.Size, rows int) (dsn string, conn *pgx.Conn) {
	m.t.Helper()
	dsn = m.pg.Database(m.t)
	conn = m.connect(dsn)
	m.execute(conn, workload.CreateTable)
	m.execute(conn, "CREATE PUBLICATION dbz FOR TABLE cong_dan")
	if rows > 0 {
		if err := workload.Load(m.ctx, conn, size, 0, rows); err != nil {
			m.t.Fatal(err)
		}
	}
	return dsn, conn
}

// prepareDebezium lets connectors, by name, see a change and stops them. What it returns gives one back to every round as it is
// now: its slot is a copy, and where it stands is put back.
func (m *measuring) prepareDebezium(dsn string, conn *pgx.Conn, profiles map[string]profile) map[string]func(round int) tool {
	m.t.Helper()
	if err := workload.Prepare(m.ctx, conn, workload.Usual); err != nil {
		m.t.Fatal(err)
	}
	// All at once: none is to find what another was shown.
	started := map[string]*debezium{}
	for name, p := range profiles {
		started[name] = m.newDebezium(dsn, "no_data", p)
		started[name].start()
	}
	for _, d := range started {
		m.untilWorking(d, "its slot is active", func() bool {
			return ask[bool](m, conn, "SELECT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1 AND active)", d.slot())
		})
	}
	// Without a saved place it begins with the present, which may be some moments after its slot is active: rows are added
	// until each has shown one.
	for _, d := range started {
		var added time.Time
		m.untilWorking(d, "it publishes", func() bool {
			if time.Since(added) > 2*time.Second {
				m.execute(conn, workload.One, 900_000_000+m.next())
				added = time.Now()
			}
			return m.end(m.bus, d.topic()) > 0
		})
	}
	m.execute(conn, "CHECKPOINT")
	tools := map[string]func(int) tool{}
	for name, d := range started {
		time.Sleep(time.Second) // it takes note of the acknowledgement
		d.stop()
		offsets := d.worker.Offsets()
		m.execute(conn, "SELECT pg_copy_logical_replication_slot($1::text, $2::text)", d.slot(), d.slot()+"_t")
		tools[name] = func(int) tool {
			m.dropSlot(conn, d)
			m.execute(conn, "SELECT pg_copy_logical_replication_slot($1::text, $2::text)", d.slot()+"_t", d.slot())
			d.worker.SetOffsets(offsets)
			m.emptyTopic(d.topic())
			return d
		}
	}
	return tools
}

// emptyTopic makes a topic anew.
func (m *measuring) emptyTopic(topic string) {
	m.t.Helper()
	m.deleteTopic(topic)
	m.until("topic "+topic+" is empty", time.Minute, func() bool {
		err := m.bus.EnsureTopics(m.ctx, kafka.TopicSpec{Name: topic, Partitions: partitions, Replication: 1})
		switch {
		case err != nil || !m.leaders(topic):
			return false
		case m.end(m.bus, topic) == 0:
			return true
		}
		m.deleteTopic(topic) // a busy broker may have refused
		time.Sleep(time.Second)
		return false
	})
}

// leaders reports whether every partition of a topic can be asked.
func (m *measuring) leaders(topic string) bool {
	var all []kafka.TopicPartition
	for p := range partitions {
		all = append(all, kafka.TopicPartition{Topic: topic, Partition: int32(p)})
	}
	_, err := m.bus.Ranges(m.ctx, all...)
	return err == nil
}

// settle lets a node take the snapshot of what is in the table and stops it, so that all it finds afterwards is a backlog.
func (m *measuring) settle(n *trucTool, conn *pgx.Conn, rows int) {
	m.t.Helper()
	n.start()
	client := m.client(n)
	// Of an empty table, too: else it would take the backlog's rows for the table's, and publish them once more.
	m.untilWorking(n, "the snapshot is complete", func() bool { return n.node.Log.Has("snapshot is complete") })
	m.untilWorking(n, "the snapshot is published", func() bool {
		return m.end(client, n.topic()) >= int64(rows) && (rows == 0 || m.read(m.address(n), n.topic(), false).count >= rows)
	})
	// A slot that was only just confirmed makes the server decode the log since its last checkpoint at the next start. A node
	// that has been running for a while has let go of it.
	now := ask[string](m, conn, "SELECT pg_current_wal_lsn()::text")
	m.untilWorking(n, "its slot lets go of the log", func() bool {
		ask[string](m, conn, "SELECT pg_logical_emit_message(true, 'bench', 'catch up')::text")
		m.execute(conn, "CHECKPOINT")
		time.Sleep(200 * time.Millisecond)
		return ask[bool](m, conn, "SELECT restart_lsn >= $2::text::pg_lsn FROM pg_replication_slots WHERE slot_name = $1", n.slot(), now)
	})
	n.was.end, n.was.count = m.end(client, n.topic()), m.read(m.address(n), n.topic(), false).count
	n.stop()
}

// untilWorking waits for something that a tool does, and fails with what the tool says when it cannot.
func (m *measuring) untilWorking(t tool, what string, yes func() bool) {
	m.t.Helper()
	checked := time.Now()
	m.until(what, 10*time.Minute, func() bool {
		if yes() {
			return true
		}
		if time.Since(checked) > time.Second {
			checked = time.Now()
			if err := t.check(); err != nil {
				m.t.Fatalf("waiting until %s: %v", what, err)
			}
		}
		return false
	})
}

// drainOnce starts a tool, waits until so many records more are on its topic, and stops it. changes is how many changes of
// rows they stand for.
func (m *measuring) drainOnce(t tool, changes, records int) map[string]float64 {
	m.t.Helper()
	before := t.before()
	sizeBefore := m.size(t.topic())
	started := time.Now()
	t.start()
	if m.address(t) != m.broker.Addr { // a client that is refused would wait before it tries again
		m.untilWorking(t, "the embedded bus listens", func() bool {
			conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(m.ctx, "tcp", m.address(t))
			if err == nil {
				_ = conn.Close()
			}
			return err == nil
		})
	}
	client := m.client(t)
	w := watch{started: started, want: int64(records)}
	m.untilWorking(t, fmt.Sprintf("%d records are on the topic", records), func() bool {
		seen := m.end(client, t.topic()) - before.end // which may wait; then it is later
		return w.see(time.Now(), seen)
	})
	u := t.usage()
	// A few markers were counted for events: the last ones may still be on their way.
	want := before.count + records
	m.untilWorking(t, "every change is published once", func() bool {
		count := m.read(m.address(t), t.topic(), false).count
		if count > want {
			m.t.Fatalf("%d events on the topic, %d expected", count, want)
		}
		return count == want
	})
	bytes := float64(m.size(t.topic())-sizeBefore) / float64(records)
	t.stop()
	m.deleteTopic(t.topic())
	values := w.values(float64(changes) / float64(records))
	values[CPU] = u.CPU.Seconds() * 1e6 / float64(changes)
	values[Peak] = u.Peak
	if bytes > 0 {
		values[Bytes] = bytes
	}
	return values
}

// recvlogical measures the server's own client from the start of its process to the end of the backlog. It does not sync its
// file.
func (m *measuring) recvlogical(dsn string, conn *pgx.Conn, rows int) map[string]float64 {
	m.t.Helper()
	slot := fmt.Sprintf("recvlogical_%d", m.next())
	m.execute(conn, "SELECT pg_copy_logical_replication_slot('recvlogical_t', $1::text)", slot)
	file := filepath.Join(m.t.TempDir(), "out")
	program := filepath.Join(m.pg.Bin, "pg_recvlogical")
	if _, err := os.Stat(program); err != nil {
		program = nodes.Tool(m.t, "pg_recvlogical")
	}
	cmd := exec.CommandContext(m.ctx, program, "-d", dsn, "--slot", slot, "--start", "--no-loop", "--endpos", ask[string](m, conn, "SELECT pg_current_wal_lsn()::text"),
		"--fsync-interval=0", "-o", "proto_version=1", "-o", "publication_names=dbz", "-f", file)
	started := time.Now()
	out, err := cmd.CombinedOutput()
	took := time.Since(started)
	if err != nil {
		m.t.Fatalf("pg_recvlogical: %v\n%s", err, out)
	}
	info, err := os.Stat(file)
	if err != nil || info.Size() < int64(rows)*20 {
		m.t.Fatalf("pg_recvlogical wrote too little to be %d rows: %v", rows, err)
	}
	_ = os.Remove(file)
	m.execute(conn, "SELECT pg_drop_replication_slot($1)", slot)
	state := cmd.ProcessState
	rate := float64(rows) / took.Seconds()
	return map[string]float64{
		Rate: rate, RateStart: rate, CPU: (state.UserTime() + state.SystemTime()).Seconds() * 1e6 / float64(rows),
		Bytes: float64(info.Size()) / float64(rows),
	}
}
