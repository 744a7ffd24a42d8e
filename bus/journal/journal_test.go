package journal_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lienthong/truc/bus/embedded"
	"github.com/lienthong/truc/bus/journal"
	"github.com/lienthong/truc/bus/kafka"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func broker(t *testing.T) *embedded.Broker {
	t.Helper()
	b, err := embedded.Start(embedded.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// writer is a process that follows the journal and writes to it.
type writer struct {
	*journal.Journal
	t      *testing.T
	client *kafka.Client

	mu    sync.Mutex
	moved *sync.Cond
	keys  []string
	next  int64
	seen  bool
}

func open(t *testing.T, b *embedded.Broker) *writer {
	t.Helper()
	client, err := kafka.New(b.ClientConfig())
	if err != nil {
		t.Fatal(err)
	}
	w := &writer{t: t, client: client, Journal: journal.New(client, journal.Config{Topic: "truc.schemas", MaxRecordBytes: 4 << 20})}
	w.moved = sync.NewCond(&w.mu)
	if err := w.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var following sync.WaitGroup
	following.Go(func() {
		err := w.Follow(ctx, func(b journal.Batch) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			for _, r := range b.Records {
				w.keys = append(w.keys, string(r.Key))
			}
			w.next, w.seen = b.Next, true
			w.moved.Broadcast()
			return nil
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("follow: %v", err)
		}
	})
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		cancel()
		following.Wait()
		client.Close()
	})
	w.await(0)
	return w
}

// await returns when the journal is read up to a place, and what stands there.
func (w *writer) await(end int64) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	for !w.seen || w.next < end {
		w.moved.Wait()
	}
	return slices.Clone(w.keys)
}

func (w *writer) place() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.next
}

// write appends keys that depend on how many there are, and takes that again as often as others were first.
func (w *writer) write(ctx context.Context, key func(have int) string) (attempts int) {
	for ; ; attempts++ {
		w.mu.Lock()
		after, have := w.next, len(w.keys)
		w.mu.Unlock()
		_, err := w.Append(ctx, after, []journal.Record{{Key: []byte(key(have)), Value: []byte("x")}})
		var moved *journal.MovedError
		switch {
		case err == nil:
			w.await(after + 1)
			return attempts
		case errors.As(err, &moved):
			w.await(moved.End)
		case ctx.Err() != nil:
			w.t.Errorf("write: %v", err)
			return attempts
		}
	}
}

func TestOneWriterAppendsWithoutAsking(t *testing.T) {
	w := open(t, broker(t))
	for i := range 20 {
		if n := w.write(t.Context(), strconv.Itoa); n > 0 && i > 0 {
			t.Errorf("write %d took %d more attempts", i, n)
		}
	}
	if keys := w.await(0); len(keys) != 20 || keys[19] != "19" {
		t.Error(keys)
	}
}

// Each writes what depends on all that was written before: nobody writes to what it has not read, and nothing is lost.
func TestSeveralWriters(t *testing.T) {
	b := broker(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	const writers, each = 3, 8
	var all []*writer
	var wg sync.WaitGroup
	for range writers {
		w := open(t, b)
		all = append(all, w)
		wg.Go(func() {
			for range each {
				w.write(ctx, strconv.Itoa)
			}
		})
	}
	wg.Wait()
	var end int64
	for _, w := range all {
		end = max(end, w.place())
	}
	for _, w := range all {
		keys := w.await(end)
		if len(keys) != writers*each {
			t.Fatalf("%d records, want %d", len(keys), writers*each)
		}
		for i, k := range keys {
			if k != strconv.Itoa(i) {
				t.Fatalf("record %d was written when %s were read", i, k)
			}
		}
	}
}

// A writer that lost the pen finds out although its own records are the last that it knows.
func TestPenIsTaken(t *testing.T) {
	b := broker(t)
	one, two := open(t, b), open(t, b)
	one.write(t.Context(), func(int) string { return "a" })
	two.write(t.Context(), func(int) string { return "b" })
	var moved *journal.MovedError
	_, err := one.Append(t.Context(), one.place(), []journal.Record{{Key: []byte("c")}})
	if err == nil {
		t.Fatal("written without the pen")
	}
	if errors.As(err, &moved) {
		t.Fatalf("whether it was written is not known yet: %v", err)
	}
	if _, err := one.Append(t.Context(), one.place(), nil); !errors.As(err, &moved) {
		t.Fatalf("after the pen was taken back: %v", err)
	}
	if keys := one.await(moved.End); !slices.Equal(keys, []string{"a", "b"}) {
		t.Error(keys)
	}
}

func TestLargeRecordsAndRestart(t *testing.T) {
	b := broker(t)
	one := open(t, b)
	large := make([]byte, 3<<20)
	for {
		_, err := one.Append(t.Context(), one.place(), []journal.Record{{Key: []byte("a"), Value: large}, {Key: []byte("b")}, {Key: []byte("c"), Value: large}})
		var moved *journal.MovedError
		if errors.As(err, &moved) {
			one.await(moved.End)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		break
	}
	two := open(t, b)
	for len(one.await(0)) < 3 {
		one.await(one.place() + 1)
	}
	if keys := two.await(one.place()); !slices.Equal(keys, []string{"a", "b", "c"}) {
		t.Error(keys)
	}
}

// After an append that was given up nothing is written before it is certain what became of it.
func TestGivenUp(t *testing.T) {
	w := open(t, broker(t))
	w.write(t.Context(), func(int) string { return "a" })
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.Append(gone, w.place(), []journal.Record{{Key: []byte("b")}}); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	var moved *journal.MovedError
	if _, err := w.Append(t.Context(), w.place(), []journal.Record{{Key: []byte("c")}}); !errors.As(err, &moved) {
		t.Fatalf("written although it is not known what became of the append before: %v", err)
	}
}

// Who remembers what it wrote is told where it stands, and need not read it back; what another writes it reads.
func TestPassesOverWhatIsKnown(t *testing.T) {
	b := broker(t)
	client, err := kafka.New(b.ClientConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	j := journal.New(client, journal.Config{Topic: "truc.schemas"})
	if err := j.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	busy, handed := make(chan struct{}), make(chan string, 100)
	var following sync.WaitGroup
	following.Go(func() {
		_ = j.Follow(ctx, func(b journal.Batch) error {
			<-busy
			for _, r := range b.Records {
				handed <- string(r.Key) + " at " + strconv.FormatInt(r.Place, 10)
			}
			return nil
		})
	})
	defer following.Wait()
	defer cancel()
	var after int64
	write := func(key string) (at int64) {
		t.Helper()
		for {
			first, err := j.Append(t.Context(), after, []journal.Record{{Key: []byte(key)}})
			var moved *journal.MovedError
			switch {
			case errors.As(err, &moved):
				after = moved.End // nothing stands there
				continue
			case err != nil:
				t.Fatal(err)
			case first != after:
				t.Fatalf("written at %d, behind what was known up to %d", first, after)
			}
			after = first + 1
			return first
		}
	}
	for range 20 {
		write("known")
	}
	last := write("last") // which the caller has not said yet that it knows
	other := open(t, b)
	other.write(t.Context(), func(have int) string { return "other behind " + strconv.Itoa(have) })
	close(busy)
	for _, want := range []string{"last at " + strconv.FormatInt(last, 10), "other behind 21 at " + strconv.FormatInt(other.place()-1, 10)} {
		select {
		case got := <-handed:
			if got != want {
				t.Errorf("handed out %s, want %s", got, want)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s was not handed out", want)
		}
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
}
