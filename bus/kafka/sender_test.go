package kafka_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/embedded"
	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/tests/servers"
)

// ledger notes what a sender was given and what it said, and compares that with the partition.
type ledger struct {
	tp       kafka.TopicPartition
	produced []string

	mu    sync.Mutex
	bases map[string]int64
	order []string
	errs  []error
}

func newLedger(tp kafka.TopicPartition) *ledger {
	return &ledger{tp: tp, bases: make(map[string]int64)}
}

// produce queues a group of n messages.
func (l *ledger) produce(t *testing.T, s *kafka.Sender, n int) {
	t.Helper()
	var msgs []bus.Message
	first := strconv.Itoa(len(l.produced))
	for range n {
		v := strconv.Itoa(len(l.produced))
		l.produced = append(l.produced, v)
		msgs = append(msgs, text("k", v))
	}
	err := s.Produce(testContext(t), l.tp, msgs, func(base int64, err error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if err != nil {
			l.errs = append(l.errs, err)
			return
		}
		if _, twice := l.bases[first]; twice {
			l.errs = append(l.errs, fmt.Errorf("done of %s was called twice", first))
		}
		l.bases[first] = base
		l.order = append(l.order, first)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// check flushes and compares: every message once, in order, where the sender said.
func (l *ledger) check(t *testing.T, c *kafka.Client, s *kafka.Sender, groups int) {
	t.Helper()
	if err := s.Flush(testContext(t)); err != nil {
		t.Fatal(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := errors.Join(l.errs...); err != nil {
		t.Fatal(err)
	}
	if len(l.order) != groups {
		t.Errorf("done was called %d times for %d groups", len(l.order), groups)
	}
	for i := 1; i < len(l.order); i++ {
		if l.bases[l.order[i]] <= l.bases[l.order[i-1]] {
			t.Errorf("done of %s came before that of %s", l.order[i-1], l.order[i])
		}
	}
	at := make(map[string]int64)
	var stored []string
	for _, d := range records(t, c, l.tp) {
		stored = append(stored, string(d.Value))
		at[string(d.Value)] = d.Offset
	}
	if diff := cmp.Diff(l.produced, stored); diff != "" {
		t.Errorf("partition differs (-produced +stored): %s", diff)
	}
	for first, base := range l.bases {
		if at[first] != base {
			t.Errorf("group %s stands at %d, done said %d", first, at[first], base)
		}
	}
}

func TestSenderPublishesInOrder(t *testing.T) {
	onEachBroker(t, func(t *testing.T, cfg kafka.Config) {
		c := newClient(t, cfg)
		topic := newTopic(t, c, 2)
		one, two := newLedger(kafka.TopicPartition{Topic: topic}), newLedger(kafka.TopicPartition{Topic: topic, Partition: 1})
		// Small limits make groups that fill several batches, and batches of several groups.
		s, err := c.OpenSender(testContext(t), kafka.SenderConfig{
			TransactionalID: topic, Partitions: []kafka.TopicPartition{one.tp, two.tp}, MaxBatchRecords: 7, MaxBatchBytes: 300, MaxQueued: 40,
		})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = s.Close() }()
		const groups = 60
		for i := range groups {
			one.produce(t, s, 1+i%17)
			two.produce(t, s, 1)
		}
		one.check(t, c, s, groups)
		two.check(t, c, s, groups)
	})
}

func TestEmptyGroupIsDoneInOrder(t *testing.T) {
	c := newClient(t, startEmbedded(t).ClientConfig())
	tp := kafka.TopicPartition{Topic: newTopic(t, c, 1)}
	s := openSender(t, c, tp.Topic, tp)
	if base := mustBase(t, produce(t, s, tp)); base != -1 {
		t.Errorf("base of nothing = %d", base)
	}
	mustBase(t, produce(t, s, tp, text("k", "v")))
}

// fate is what happens to a produce request on its way.
type fate int

const (
	arrives fate = iota
	requestIsLost
	answerIsLost
)

// flakyConn decides the fate of each produce request on it.
type flakyConn struct {
	net.Conn
	decide  func() fate
	remain  int
	current fate
}

func (f *flakyConn) Write(b []byte) (int, error) {
	const produceKey = 0
	if f.remain == 0 {
		f.remain = 4 + int(binary.BigEndian.Uint32(b))
		f.current = arrives
		if binary.BigEndian.Uint16(b[4:]) == produceKey {
			f.current = f.decide()
		}
	}
	if f.current == requestIsLost {
		_ = f.Close()
		return 0, io.ErrClosedPipe
	}
	n, err := f.Conn.Write(b)
	f.remain -= n
	return n, err
}

func (f *flakyConn) Read(b []byte) (int, error) {
	n, err := f.Conn.Read(b)
	if f.current == answerIsLost {
		_ = f.Close()
		return 0, io.EOF
	}
	return n, err
}

// A request or its answer gets lost: the batch is repeated and stored once.
func TestLostRequestsAndAnswers(t *testing.T) {
	onEachBroker(t, func(t *testing.T, cfg kafka.Config) {
		c := newClient(t, cfg)
		l := newLedger(kafka.TopicPartition{Topic: newTopic(t, c, 1)})
		flaky := newClient(t, cfg)
		var lost atomic.Int32
		var mu sync.Mutex
		random := rand.New(rand.NewPCG(1, 2))
		flaky.WrapConns(func(conn net.Conn) net.Conn {
			return &flakyConn{Conn: conn, decide: func() fate {
				mu.Lock()
				defer mu.Unlock()
				f := []fate{arrives, arrives, requestIsLost, answerIsLost}[random.IntN(4)]
				if f != arrives {
					lost.Add(1)
				}
				return f
			}}
		})
		s, err := flaky.OpenSender(testContext(t), kafka.SenderConfig{
			TransactionalID: l.tp.Topic, Partitions: []kafka.TopicPartition{l.tp}, MaxBatchRecords: 3,
		})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = s.Close() }()
		const groups = 80
		for i := range groups {
			l.produce(t, s, 1+i%2)
		}
		l.check(t, c, s, groups)
		if lost.Load() < 10 {
			t.Errorf("only %d requests or answers were lost: the test shows nothing", lost.Load())
		}
	})
}

// The broker is away for some seconds: that only delays.
func TestBrokerGoesAwayAndComesBack(t *testing.T) {
	t.Parallel() // it mostly waits
	run := func(t *testing.T, cfg kafka.Config, away ...func()) {
		c := newClient(t, cfg)
		l := newLedger(kafka.TopicPartition{Topic: newTopic(t, c, 1)})
		s := openSender(t, c, l.tp.Topic, l.tp)
		groups := 0
		for _, outage := range away {
			done := make(chan struct{})
			go func() {
				defer close(done)
				outage()
			}()
			for running := true; running; groups++ {
				l.produce(t, s, 2)
				select {
				case <-done:
					running = false
				case <-time.After(5 * time.Millisecond):
				}
			}
		}
		l.check(t, c, s, groups)
	}
	t.Run("embedded", func(t *testing.T) {
		dir := t.TempDir()
		b, err := embedded.Start(embedded.Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = b.Close() }()
		_, port, _ := net.SplitHostPort(b.Addr())
		run(t, b.ClientConfig(), func() {
			time.Sleep(200 * time.Millisecond)
			_ = b.Close()
			time.Sleep(2 * time.Second)
			if b, err = embedded.Start(embedded.Config{Dir: dir, Port: atoi(t, port)}); err != nil {
				t.Error(err)
			}
		})
	})
	t.Run("kafka", func(t *testing.T) {
		k := servers.NewKafka(t)
		run(t, kafka.Config{Brokers: []string{k.Addr}},
			func() { k.Pause(); time.Sleep(3 * time.Second); k.Resume() },
			func() { k.Kill(); k.Start(); time.Sleep(time.Second) },
			func() { k.Stop(); k.Start(); time.Sleep(time.Second) })
	})
}

// After an error that cannot be repeated nothing is sent any more, on no partition.
func TestPoisonedSenderSendsNothing(t *testing.T) {
	onEachBroker(t, func(t *testing.T, cfg kafka.Config) {
		c := newClient(t, cfg)
		topic := newTopic(t, c, 2)
		one, two := kafka.TopicPartition{Topic: topic}, kafka.TopicPartition{Topic: topic, Partition: 1}
		s := openSender(t, c, topic, one, two)
		mustBase(t, produce(t, s, one, text("k", "before")))
		successor := openSender(t, c, topic, one, two)

		var failed *kafka.FencedError
		if o := await(t, produce(t, s, one, text("k", "zombie"))); !errors.As(o.err, &failed) {
			t.Fatalf("got %v, want FencedError", o.err)
		}
		if err := s.Flush(testContext(t)); !errors.As(err, &failed) {
			t.Errorf("Flush = %v, want FencedError", err)
		}
		if !errors.As(s.Err(), &failed) {
			t.Errorf("Err = %v, want FencedError", s.Err())
		}
		for _, tp := range []kafka.TopicPartition{one, two} {
			err := s.Produce(testContext(t), tp, []bus.Message{text("k", "later")}, func(int64, error) { t.Error("done was called for a refused group") })
			if !errors.As(err, &failed) {
				t.Errorf("Produce to %s = %v, want FencedError", tp, err)
			}
		}
		mustBase(t, produce(t, successor, two, text("k", "successor")))
		if diff := cmp.Diff([]string{"before"}, values(t, c, one)); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"successor"}, values(t, c, two)); diff != "" {
			t.Error(diff)
		}
	})
}

// Everything that waits when the sender is closed is told so.
func TestCloseTellsWhatWasQueued(t *testing.T) {
	b := startEmbedded(t)
	c := newClient(t, b.ClientConfig())
	tp := kafka.TopicPartition{Topic: newTopic(t, c, 1)}
	s, err := c.OpenSender(testContext(t), kafka.SenderConfig{TransactionalID: tp.Topic, Partitions: []kafka.TopicPartition{tp}, MaxQueued: 2})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil { // nothing is acknowledged any more
		t.Fatal(err)
	}
	var outcomes []<-chan outcome
	for range 2 {
		outcomes = append(outcomes, produce(t, s, tp, text("k", "v"), text("k", "w")))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err = s.Produce(ctx, tp, []bus.Message{text("k", "x"), text("k", "y")}, func(int64, error) { t.Error("done was called for a refused group") })
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Produce into a full queue = %v, want its context's error", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for i, o := range outcomes {
		if got := await(t, o); !errors.Is(got.err, kafka.ErrSenderClosed) {
			t.Errorf("group %d ended with %v, want ErrSenderClosed", i, got.err)
		}
	}
	if err := s.Produce(t.Context(), tp, []bus.Message{text("k", "z")}, nil); !errors.Is(err, kafka.ErrSenderClosed) {
		t.Errorf("Produce after Close = %v, want ErrSenderClosed", err)
	}
}

// A message that its topic cannot take is refused before anything is sent, and the sender goes on.
func TestTooLargeMessage(t *testing.T) {
	onEachBroker(t, func(t *testing.T, cfg kafka.Config) {
		c := newClient(t, cfg)
		small := kafka.TopicSpec{Name: fmt.Sprintf("test.%x", rand.Uint64()), Partitions: 1, MaxMessageBytes: 10_000}
		large := kafka.TopicSpec{Name: fmt.Sprintf("test.%x", rand.Uint64()), Partitions: 1, MaxMessageBytes: 3 << 20}
		if err := c.EnsureTopics(testContext(t), small, large); err != nil {
			t.Fatal(err)
		}
		toSmall, toLarge := kafka.TopicPartition{Topic: small.Name}, kafka.TopicPartition{Topic: large.Name}
		s := openSender(t, c, small.Name, toSmall, toLarge)
		big := text("k", strings.Repeat("x", 2<<20))
		var tooLarge *kafka.TooLargeError
		err := s.Produce(testContext(t), toSmall, []bus.Message{text("k", "v"), big}, func(int64, error) { t.Error("done was called for a refused group") })
		if !errors.As(err, &tooLarge) || tooLarge.Index != 1 || tooLarge.Limit != 10_000 {
			t.Fatalf("got %v, want TooLargeError for message 1", err)
		}
		mustBase(t, produce(t, s, toSmall, text("k", "goes on")))
		mustBase(t, produce(t, s, toLarge, text("k", "first"), big, text("k", "last")))
		if got := values(t, c, toLarge); len(got) != 3 || got[1] != string(big.Value) {
			t.Errorf("the larger topic holds %d messages", len(got))
		}
		if diff := cmp.Diff([]string{"goes on"}, values(t, c, toSmall)); diff != "" {
			t.Error(diff)
		}
	})
}

// The largest message that is let through is one that the broker takes, whatever its shape.
func TestSizeBoundHoldsAtTheBroker(t *testing.T) {
	onEachBroker(t, func(t *testing.T, cfg kafka.Config) {
		c := newClient(t, cfg)
		spec := kafka.TopicSpec{Name: fmt.Sprintf("test.%x", rand.Uint64()), Partitions: 1, MaxMessageBytes: 20_000}
		if err := c.EnsureTopics(testContext(t), spec); err != nil {
			t.Fatal(err)
		}
		tp := kafka.TopicPartition{Topic: spec.Name}
		s := openSender(t, c, spec.Name, tp)
		shared := bus.NewSharedHeaders(bus.Header{Key: "a", Value: []byte("b")}, bus.Header{Key: "null"})
		for size := 21_000; ; size -= 7 {
			m := bus.Message{Value: make([]byte, size), Shared: shared, Headers: []bus.Header{{Key: "c", Value: make([]byte, 200)}}}
			out := make(chan outcome, 1)
			err := s.Produce(testContext(t), tp, []bus.Message{m, m}, func(base int64, err error) { out <- outcome{base, err} })
			if err == nil {
				mustBase(t, out)
				return
			}
		}
	})
}

func TestUnfencedSenderStoresOnce(t *testing.T) {
	onEachBroker(t, func(t *testing.T, cfg kafka.Config) {
		c := newClient(t, cfg)
		l := newLedger(kafka.TopicPartition{Topic: newTopic(t, c, 1)})
		s, err := c.OpenSender(testContext(t), kafka.SenderConfig{Unfenced: true, Partitions: []kafka.TopicPartition{l.tp}})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = s.Close() }()
		l.produce(t, s, 3)
		l.produce(t, s, 1)
		l.check(t, c, s, 2)
		if end := len(records(t, c, l.tp)); end != 4 {
			t.Errorf("the partition has %d records", end)
		}
	})
}

// A source whose clock runs ahead, or that knows no time, must not stop its pipeline: brokers refuse records of the future.
func TestTimesTheBrokerWouldRefuse(t *testing.T) {
	onEachBroker(t, func(t *testing.T, cfg kafka.Config) {
		c := newClient(t, cfg)
		tp := kafka.TopicPartition{Topic: newTopic(t, c, 1)}
		s := openSender(t, c, tp.Topic, tp)
		before := time.Now()
		for _, at := range []time.Time{before.Add(7 * time.Hour), {}, before.AddDate(-40, 0, 0)} {
			m := text("k", "v")
			m.UnixMilli = at.UnixMilli()
			mustBase(t, produce(t, s, tp, m))
		}
		for _, d := range records(t, c, tp)[:2] {
			if at := time.UnixMilli(d.UnixMilli); at.Before(before.Add(-time.Second)) || at.After(time.Now()) {
				t.Errorf("offset %d has the time %v, want that of sending", d.Offset, at)
			}
		}
	})
}
