package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sync/semaphore"
	"pgregory.net/rapid"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/mapping"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/schemas"
)

// testMapping makes birth registrations from four columns. A row without a name is a violation; a draft is not published.
const testMapping = `dataset: hotich.khaisinh.v1
table: ks
only: nhap == 0
fields:
  so: so
  quyenSo: { const: "2026" }
  noiDangKy: { ma: { const: H44.15 } }
  ngayDangKy: { const: "2026-01-02" }
  loaiDangKy: { const: "1" }
  nguoiDuocKhaiSinh:
    hoTen: text(ten)
    ngaySinh: { giaTri: { const: "2026" }, doChinhXac: { const: nam } }
    gioiTinh: { const: "2" }
`

var testTable = &record.Table{
	Name: "ks",
	Columns: []record.Column{
		{Name: "id", Kind: record.Int},
		{Name: "so", Kind: record.Text},
		{Name: "ten", Kind: record.Text, Nullable: true},
		{Name: "nhap", Kind: record.Int},
	},
	Key:     []int{0},
	Version: 1,
}

func testPublish(t testing.TB, partitions int) Publish {
	t.Helper()
	set, err := schemas.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	ds, err := set.Dataset("hotich.khaisinh.v1")
	if err != nil {
		t.Fatal(err)
	}
	file, problems := mapping.Parse("ks.yaml", []byte(testMapping), nil)
	if problems.Err() != nil {
		t.Fatal(problems)
	}
	return Publish{
		Name: "khaisinh", Table: "ks", Agency: "H44.15", Topic: bus.EventTopic("hotich.khaisinh.v1", "H44.15"), Partitions: partitions,
		Dataset: ds, DataSchema: ds.SchemaURL("https://chuan.example/"), Mapping: file, Env: mapping.Env{Set: set, Agency: "H44.15"},
	}
}

func row(id int, name string, draft int) record.Row {
	r := record.Row{record.IntValue(int64(id)), record.TextValue("KS" + strconv.Itoa(id)), record.NullValue, record.IntValue(int64(draft))}
	if name != "" {
		r[2] = record.TextValue(name)
	}
	return r
}

// expectation is what the topic must hold for one record of the log, in order.
type expectation struct {
	key       string
	sequence  string
	tombstone bool
}

// oracle says what must come out of a log, from the rules alone: it shares nothing with the loop.
func oracle(log []record.Record) (events []expectation, open map[string]bool) {
	open = map[string]bool{}
	keyOf := func(r record.Row) string { return `["` + string(r[1].Bytes) + `","2026","H44.15"]` }
	published := func(r record.Row) bool { return r[3].Num == 0 }
	for _, r := range log {
		seq := Sequence{Epoch: 1, Order: r.Order}.String()
		tombstone := func(key string) {
			events = append(events, expectation{key, seq, true})
			delete(open, key)
		}
		switch {
		case r.Op == record.Delete:
			if published(r.Before) {
				tombstone(keyOf(r.Before))
			}
			continue
		case r.Op == record.Update && keyOf(r.Before) != keyOf(r.After):
			if published(r.Before) {
				tombstone(keyOf(r.Before))
			}
		case r.Op == record.Update && !published(r.After):
			if published(r.Before) {
				tombstone(keyOf(r.After))
			}
			continue
		}
		switch {
		case !published(r.After):
		case r.After[2].IsNull():
			open[keyOf(r.After)] = true
		default:
			events = append(events, expectation{keyOf(r.After), seq, false})
			delete(open, keyOf(r.After))
		}
	}
	return events, open
}

// drawLog makes a history over few keys, so that they are changed, moved, spoiled and mended often.
func drawLog(t *rapid.T) []record.Record {
	rows := map[int]record.Row{} // by id
	var log []record.Record
	n := rapid.IntRange(5, 60).Draw(t, "changes")
	for i := range n {
		r := record.Record{Table: testTable, Order: record.Order{Major: uint64(i/3 + 1), Minor: uint32(i % 3)}, Time: time.Unix(int64(1_800_000_000+i), 0)}
		id := rapid.IntRange(1, 6).Draw(t, "id")
		name := rapid.SampledFrom([]string{"An", "Bình", "Chi", ""}).Draw(t, "name")
		draft := rapid.SampledFrom([]int{0, 0, 0, 1}).Draw(t, "draft")
		old, exists := rows[id]
		switch kind := rapid.IntRange(0, 9).Draw(t, "kind"); {
		case !exists:
			r.Op, r.After = record.Create, row(id, name, draft)
			rows[id] = r.After
		case kind == 0:
			r.Op, r.Before = record.Delete, old
			delete(rows, id)
		case kind == 1:
			to := id + 10*rapid.IntRange(1, 2).Draw(t, "to")
			if rows[to] != nil {
				continue
			}
			r.Op, r.Before, r.After = record.Update, old, row(to, name, draft)
			delete(rows, id)
			rows[to] = r.After
		default:
			r.Op, r.Before, r.After = record.Update, old, row(id, name, draft)
			rows[id] = r.After
		}
		log = append(log, r)
	}
	return log
}

// fatal is what a check needs of *testing.T, *rapid.T or a recorder.
type fatal interface {
	Fatalf(format string, args ...any)
}

// origin is where the model's records come from.
type origin interface {
	open(sizes func() int) adapters.Source
	// settled reports whether everything there is was acknowledged, and what was acknowledged too early.
	settled() (all bool, lost error)
}

// runProcess runs a reader until its process crashes, or until everything was published and saved.
func runProcess(t fatal, w origin, i *instance, p Publish, sizes func() int) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r := NewReader(ReaderConfig{
		Agency: "H44.15", Source: "hotich", Bus: i, Pipelines: []Publish{p}, SaveEvery: 300 * time.Microsecond,
		Open: func() (adapters.Source, error) { return w.open(sizes), nil },
		Log:  slog.New(slog.DiscardHandler),
	})
	var failed error
	done := make(chan struct{})
	go func() {
		defer close(done)
		failed = r.Run(ctx)
	}()
	drained := time.NewTicker(200 * time.Microsecond)
	defer drained.Stop()
	limit := time.After(3 * time.Second)
	for {
		select {
		case <-done:
			if failed != nil && !errors.Is(failed, ErrTakenOver) {
				t.Fatalf("reader stopped: %v", failed)
			}
			return
		case <-i.crashed:
			cancel()
			<-done
			return
		case <-drained.C:
			all, lost := w.settled()
			if lost != nil {
				t.Fatalf("%v", lost)
			}
			if all {
				cancel()
				<-done
				return
			}
		case <-limit:
			t.Fatalf("the reader neither crashed nor published everything in time: %+v", r.Stats().Condition())
		}
	}
}

// checkTopic compares the topic with the oracle: nothing missing, nothing twice, every key in order.
func checkTopic(t fatal, b *modelBus, p Publish, log []record.Record) {
	want, open := oracle(log)
	got := map[string]int{}
	perKey := map[string][]expectation{}
	for n, part := range b.topics[p.Topic] {
		last := ""
		for _, d := range part {
			e, err := bus.ParseEvent(&d)
			if err != nil {
				t.Fatalf("partition %d offset %d: %v", n, d.Offset, err)
			}
			got[e.ID]++
			if got[e.ID] > 1 {
				t.Fatalf("partition %d offset %d: event %s is there twice", n, d.Offset, e.Sequence)
			}
			if e.Sequence < last {
				t.Fatalf("partition %d offset %d: sequence %s after %s", n, d.Offset, e.Sequence, last)
			}
			last = e.Sequence
			perKey[string(e.Key)] = append(perKey[string(e.Key)], expectation{string(e.Key), e.Sequence, e.Data == nil})
		}
	}
	wantKey := map[string][]expectation{}
	for _, e := range want {
		wantKey[e.key] = append(wantKey[e.key], e)
	}
	for key, events := range wantKey {
		if fmt.Sprint(perKey[key]) != fmt.Sprint(events) {
			t.Fatalf("key %s:\n got %v\nwant %v", key, perKey[key], events)
		}
		delete(perKey, key)
	}
	if len(perKey) > 0 {
		t.Fatalf("events nobody caused: %v", perKey)
	}
	letters := map[string]bool{}
	for _, d := range b.topics[p.Topic+bus.DLQSuffix][0] {
		if d.Value == nil {
			delete(letters, string(d.Key))
		} else {
			letters[string(d.Key)] = true
		}
	}
	if fmt.Sprint(letters) != fmt.Sprint(open) {
		t.Fatalf("open dead letters:\n got %v\nwant %v", letters, open)
	}
}

// TestRecoveryModel: whatever is interleaved (crashes before and after a group is stored, answers that are lost, batches cut
// anywhere, partitions ahead of each other, zombies whose requests arrive after the take-over), the topic ends up with each
// event once and in order, and the source is never told to forget what is not there.
func TestRecoveryModel(t *testing.T) {
	p := testPublish(t, 3)
	rapid.Check(t, func(t *rapid.T) {
		b := newModelBus()
		w := &world{table: testTable, log: drawLog(t)}
		seed := rapid.Uint32().Draw(t, "batches")
		sizes := func() int { seed = seed*1664525 + 1013904223; return int(seed>>24)%7 + 1 }
		var zombies []*instance
		for range rapid.IntRange(0, 5).Draw(t, "crashes") {
			i := b.process(rapid.IntRange(0, 25).Draw(t, "after"), rapid.Bool().Draw(t, "stored"))
			runProcess(t, w, i, p, sizes)
			zombies = append(zombies, i)
		}
		last := b.process(1<<30, false)
		if len(zombies) > 0 && rapid.Bool().Draw(t, "lands before the fence") {
			last.beforeFence = zombies[len(zombies)-1].wake
		}
		// A zombie's requests arrive once the next instance has opened its sender: at any time after the fence.
		wakeAfter := rapid.IntRange(0, 20).Draw(t, "zombies wake")
		woken := make(chan struct{})
		go func() {
			defer close(woken)
			for b.epochOf(readerID) <= len(zombies) {
				time.Sleep(50 * time.Microsecond)
			}
			time.Sleep(time.Duration(wakeAfter) * 50 * time.Microsecond)
			for _, z := range zombies {
				z.wake()
			}
		}()
		runProcess(t, w, last, p, sizes)
		<-woken
		checkTopic(t, b, p, w.log)
	})
}

const readerID = "truc-h44.15-hotich"

func (b *modelBus) epochOf(id string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.epochs[id]
}

// TestRecoveryModelNeedsFence takes the fence out and shows that the model then catches a zombie.
func TestRecoveryModelNeedsFence(t *testing.T) {
	p := testPublish(t, 1)
	caught := false
	for attempt := 0; attempt < 40 && !caught; attempt++ {
		b := newModelBus()
		b.neverFences = true
		w := &world{table: testTable}
		for i := range 30 {
			w.log = append(w.log, record.Record{Table: testTable, Op: record.Create, After: row(i, "An", 0), Order: record.Order{Major: uint64(i + 1)}, Time: time.Unix(int64(i), 0)})
		}
		first := b.process(3+attempt%5, false)
		runProcess(t, w, first, p, func() int { return 1 })
		runProcess(t, w, b.process(1<<30, false), p, func() int { return 1 })
		first.wake()
		f := &failer{}
		checkTopic(f, b, p, w.log)
		caught = f.failed != ""
	}
	if !caught {
		t.Fatal("without the fence no zombie ever landed: the model cannot show what the fence is for")
	}
}

type failer struct{ failed string }

func (f *failer) Fatalf(format string, args ...any) {
	if f.failed == "" {
		f.failed = fmt.Sprintf(format, args...)
	}
}

// TestTailKeyChange: a key change is two events of one sequence; a crash between them must lose neither.
func TestTailKeyChange(t *testing.T) {
	const sequence = "00000001000000000000000700000000"
	var seen tail
	seen.note(&bus.Event{ID: sequence + "-old", Sequence: sequence})
	if !seen.published([]byte(sequence), []byte(sequence+"-old")) {
		t.Error("the tombstone that is on the topic would be published again")
	}
	if seen.published([]byte(sequence), []byte(sequence+"-new")) {
		t.Error("the document that is not on the topic would be skipped")
	}
}

// TestTailIgnoresRedelivery: a retried letter carries an old sequence; it says nothing about what came between.
func TestTailIgnoresRedelivery(t *testing.T) {
	const old, recent = "00000001000000000000000300000000", "00000001000000000000000900000000"
	var seen tail
	seen.note(&bus.Event{ID: "a", Sequence: recent, Redelivery: "retry"})
	if seen.published([]byte(old), []byte("b")) {
		t.Error("a redelivered event made older events look published")
	}
}

// TestTailKeepsTheHighest: a sweep ends keys that moved to other partitions with an older sequence, after newer events.
func TestTailKeepsTheHighest(t *testing.T) {
	const old, recent = "00000002000000000000000000000000", "00000002000000000000000900000000"
	var seen tail
	seen.note(&bus.Event{ID: "a", Sequence: recent})
	seen.note(&bus.Event{ID: "b", Sequence: old})
	if !seen.published([]byte(recent), []byte("a")) {
		t.Error("what is on the topic would be published again, because an older event stands behind it")
	}
}

// TestBusGapStopsTheReader: the topic lost what was acknowledged.
func TestBusGapStopsTheReader(t *testing.T) {
	p := newPress(t)
	p.fill("ks", 9)
	i := p.bus.process(1<<30, false)
	r := p.reader(i, time.Millisecond, p.first)
	p.run(i, r, complete(r, 1))
	part := &p.bus.topics[p.first.Topic][0]
	*part = (*part)[:len(*part)-1]
	var gap *BusGapError
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := p.reader(i, time.Millisecond, p.first).Run(ctx); !errors.As(err, &gap) || gap.Partition != 0 || gap.To != gap.From+1 {
		t.Fatalf("got %v, want a bus gap of one offset", err)
	}
}

// TestUnderWayIsBoundedInBytes: a chunk waits until earlier ones have given their room back.
func TestUnderWayIsBoundedInBytes(t *testing.T) {
	s := &session{room: semaphore.NewWeighted(maxUnderWay), free: make(chan *chunk, 2)}
	s.free <- newChunk(1)
	s.free <- newChunk(1)
	toTranslate, toHandOver := make(chan *chunk, 2), make(chan *chunk, 2)
	released := false
	batch := func() record.Batch {
		row := record.Row{record.BytesOf(record.Bytes, make([]byte, maxUnderWay/2+1))}
		return record.Batch{Records: []record.Record{{After: row}}, Done: func() { released = true }}
	}
	if !s.push(t.Context(), batch(), toTranslate, toHandOver) {
		t.Fatal("the first batch found no room")
	}
	// Only the second may wait, and does so for as long as it is let: making the batches takes its time on a loaded machine.
	large := batch()
	work, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if s.push(work, large, toTranslate, toHandOver) || !released {
		t.Error("the second batch did not wait for room, or was not given back when the work ended")
	}
}
