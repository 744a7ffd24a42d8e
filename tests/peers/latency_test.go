//go:build linux

package main

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	kafkago "github.com/segmentio/kafka-go"

	"github.com/lienthong/truc/tests/workload"
)

// consumer reads a topic as it grows and notes when the event of each row arrives. It shares no code with truc.
type consumer struct {
	first   int
	arrived []atomic.Int64 // by id-first, Unix nanoseconds; 0: not yet
	stop    context.CancelFunc
	readers sync.WaitGroup
}

// consume waits for the events of ids from first on. The topic must be there.
func (m *measuring) consume(topic string, first, ids int) *consumer {
	m.t.Helper()
	ctx, stop := context.WithCancel(m.ctx)
	c := &consumer{first: first, arrived: make([]atomic.Int64, ids), stop: stop}
	for p := range partitions {
		r := kafkago.NewReader(kafkago.ReaderConfig{
			Brokers: []string{m.broker.Addr}, Topic: topic, Partition: p, MinBytes: 1, MaxBytes: 4 << 20, MaxWait: time.Second, QueueCapacity: 10_000,
		})
		c.readers.Go(func() {
			defer r.Close()
			for {
				message, err := r.ReadMessage(ctx)
				if err != nil {
					return
				}
				now := time.Now().UnixNano()
				if id, ok := idOf(numberIn(string(message.Key))); ok && id >= first && id < first+ids {
					c.arrived[id-first].CompareAndSwap(0, now)
				}
			}
		})
	}
	m.t.Cleanup(c.close)
	return c
}

func (c *consumer) close() {
	c.stop()
	c.readers.Wait()
}

func (c *consumer) received(id int) bool { return c.arrived[id-c.first].Load() != 0 }

func (c *consumer) at(id int) time.Time { return time.Unix(0, c.arrived[id-c.first].Load()) }

// latency measures from the moment in which a commit is known to its client to the moment in which a consumer has the event.
// Every tool lives through both rates in one process: its settings are the same.
func latency(m *measuring, _ string) {
	seconds := 10
	if m.book.Quick {
		seconds = 3
	}
	dsn, conn := m.table(workload.Usual, 0)
	next := 0
	m.book.KeepRounds(Latency1k, 0)
	m.book.KeepRounds(Latency5k, 0)
	m.alternate(Latency1k, m.rounds(3), []string{Truc, DebeziumTuned, DebeziumLatency}, func(contestant string, round int) {
		var t tool
		switch contestant {
		case Truc:
			n := m.newTruc(dsn, workload.Mapping, false)
			m.createTopic(n.topic())
			t = n
			m.execute(conn, "TRUNCATE cong_dan")
		case DebeziumTuned:
			t = m.newDebezium(dsn, "no_data", forThroughput())
		default:
			t = m.newDebezium(dsn, "no_data", forLatency())
		}
		t.start()
		m.untilWorking(t, "its slot is active", func() bool {
			return ask[bool](m, conn, "SELECT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1 AND active)", t.slot())
		})
		phase := func(rate, seconds int) map[string]float64 {
			m.t.Helper()
			first := next
			next += (rate*seconds/1000 + 1) * 1000
			return m.latencies(t, dsn, first, rate, seconds)
		}
		phase(1000, max(seconds/2, 3)) // warm-up
		for _, part := range []struct {
			name string
			rate int
		}{{Latency1k, 1000}, {Latency5k, 5000}} {
			m.record(part.name, contestant, round, part.rate*seconds, phase(part.rate, seconds))
		}
		t.stop()
		m.dropSlot(conn, t)
		m.deleteTopic(t.topic())
	})
}

// latencies inserts rows one by one, each a transaction, at a rate, and returns how long their events took.
func (m *measuring) latencies(t tool, dsn string, first, rate, seconds int) map[string]float64 {
	m.t.Helper()
	n := rate * seconds
	c := m.consume(t.topic(), first, n)
	defer c.close()
	// The readers are there when the newest event of before has passed; without one they have the whole first second.
	time.Sleep(500 * time.Millisecond)
	committed := make([]time.Time, n)
	const sessions = 8
	var clients sync.WaitGroup
	errs := make([]error, sessions)
	started := time.Now().Add(300 * time.Millisecond)
	for s := range sessions {
		clients.Go(func() {
			conn, err := pgx.Connect(m.ctx, dsn)
			if err == nil {
				defer conn.Close(context.Background())
				err = workload.Prepare(m.ctx, conn, workload.Usual)
			}
			if err != nil {
				errs[s] = err
				return
			}
			for i := s; i < n && errs[s] == nil; i += sessions {
				time.Sleep(time.Until(started.Add(time.Duration(i) * time.Second / time.Duration(rate))))
				_, errs[s] = conn.Exec(m.ctx, workload.One, first+i)
				committed[i] = time.Now()
			}
		})
	}
	clients.Wait()
	took := time.Since(started)
	if err := errors.Join(errs...); err != nil {
		m.t.Fatal(err)
	}
	m.untilWorking(t, "every event has arrived", func() bool {
		for i := range n {
			if !c.received(first + i) {
				return false
			}
		}
		return true
	})
	waited := make([]float64, n)
	for i := range n {
		// An event may be there before the commit is known to its client.
		waited[i] = max(0, float64(c.at(first+i).Sub(committed[i]).Microseconds())/1000)
	}
	return map[string]float64{
		P50: Percentile(waited, 50), P99: Percentile(waited, 99), Longest: Percentile(waited, 100), Achieved: float64(n) / took.Seconds(),
	}
}
