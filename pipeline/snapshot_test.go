package pipeline

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/adapters/memory"
	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/mapping"
	"github.com/lienthong/truc/record"
)

// press is a source with two tables, on the model of a bus.
type press struct {
	t     *testing.T
	bus   *modelBus
	store *memory.Store
	first Publish // of table ks
	other Publish // of table ks2
}

func newPress(t *testing.T) *press {
	t.Helper()
	p := &press{t: t, bus: newModelBus(), store: memory.NewStore(), first: testPublish(t, 3), other: testPublish(t, 3)}
	file, problems := mapping.Parse("ks2.yaml", []byte(strings.Replace(testMapping, "table: ks", "table: ks2", 1)), nil)
	if problems.Err() != nil {
		t.Fatal(problems)
	}
	p.other.Name, p.other.Table, p.other.Topic, p.other.Mapping = "khaisinh2", "ks2", p.first.Topic+"-2", file
	second := *testTable
	second.Name = "ks2"
	p.store.Define(memory.TableSpec{Table: *testTable})
	p.store.Define(memory.TableSpec{Table: second})
	return p
}

func (p *press) fill(table string, rows int) {
	p.t.Helper()
	if err := p.store.Transact(func(tx *memory.Tx) error {
		for i := range rows {
			if err := tx.Insert(table, row(i+1, "An", 0)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		p.t.Fatal(err)
	}
}

func (p *press) delete(table string, id int) {
	p.t.Helper()
	if err := p.store.Transact(func(tx *memory.Tx) error { return tx.Delete(table, record.Row{record.IntValue(int64(id))}) }); err != nil {
		p.t.Fatal(err)
	}
}

func (p *press) reader(i *instance, saveEvery time.Duration, pipelines ...Publish) *Reader {
	log := slog.New(slog.DiscardHandler)
	return NewReader(ReaderConfig{
		Agency: "H44.15", Source: "hotich", Bus: i, Pipelines: pipelines, SaveEvery: saveEvery, Log: log,
		Open: func() (adapters.Source, error) {
			return memory.NewSource(p.store, adapters.Env{Name: "hotich", Log: log}, memory.Options{Chunk: 5, Batch: 5}), nil
		},
	})
}

// run lets a reader work until it crashes, or enough says so; then it drains.
func (p *press) run(i *instance, r *Reader, enough func() bool) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 20*time.Second)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	for !enough() && ctx.Err() == nil {
		select {
		case err := <-done:
			p.t.Fatalf("reader stopped: %v", err)
		case <-i.crashed:
			cancel()
			<-done //nolint:errcheck // whatever a dead process says
			return
		case <-time.After(200 * time.Microsecond):
		}
	}
	if ctx.Err() != nil {
		p.t.Fatalf("not within 20 s: %+v", r.Stats().Condition())
	}
	cancel()
	if err := <-done; err != nil {
		p.t.Fatal(err)
	}
}

// complete reports whether every snapshot of a reader is.
func complete(r *Reader, tables int) func() bool {
	return func() bool {
		n := 0
		for _, p := range r.Stats().Progress() {
			if p.Done {
				n++
			}
		}
		return n == tables
	}
}

// contents returns the live keys of a topic and how many events and tombstones stand on it.
func (p *press) contents(topic string) (live map[string]bool, events, tombstones int) {
	live = map[string]bool{}
	for _, part := range p.bus.topics[topic] {
		for _, d := range part {
			events++
			live[string(d.Key)] = true
			if d.Value == nil {
				tombstones++
				delete(live, string(d.Key))
			}
		}
	}
	return live, events, tombstones
}

// TestCrashInFirstSnapshot: rows that were published beyond the last saved position are read again and not published again.
func TestCrashInFirstSnapshot(t *testing.T) {
	p := newPress(t)
	p.fill("ks", 300)
	i := p.bus.process(60, false)
	p.run(i, p.reader(i, time.Hour, p.first), func() bool { return false })
	_, before, _ := p.contents(p.first.Topic)
	if before < 20 || before >= 300 {
		t.Fatalf("the crash left %d events: it is not in the middle", before)
	}
	i = p.bus.process(1<<30, false)
	r := p.reader(i, time.Hour, p.first)
	p.run(i, r, complete(r, 1))
	live, events, tombstones := p.contents(p.first.Topic)
	if len(live) != 300 || events != 300 || tombstones != 0 {
		t.Errorf("%d live keys, %d events, %d tombstones; want 300, 300, 0", len(live), events, tombstones)
	}
	if skipped := r.Stats().Publish["khaisinh"].Skipped.Load(); int(skipped) != before {
		t.Errorf("%d rows were skipped, want the %d that were published before the crash", skipped, before)
	}
}

// TestResnapshotPublishesAgain: what a person asks to be read again is published again, although its documents are the same,
// and nothing of it is swept.
func TestResnapshotPublishesAgain(t *testing.T) {
	p := newPress(t)
	p.fill("ks", 50)
	i := p.bus.process(1<<30, false)
	r := p.reader(i, time.Millisecond, p.first)
	p.run(i, r, complete(r, 1))
	if err := PutRequest(t.Context(), i, "H44.15", "hotich", Request{ID: "1", Resnapshot: []string{"khaisinh"}}); err != nil {
		t.Fatal(err)
	}
	r = p.reader(i, time.Millisecond, p.first)
	p.run(i, r, complete(r, 1))
	if live, events, tombstones := p.contents(p.first.Topic); len(live) != 50 || events != 100 || tombstones != 0 {
		t.Errorf("%d live keys, %d events, %d tombstones; want 50, 100, 0", len(live), events, tombstones)
	}
}

// TestResnapshotCrashes: a crash in a resnapshot sweeps no row that the run had published before, and does not end it.
func TestResnapshotCrashes(t *testing.T) {
	for _, saveEvery := range []time.Duration{time.Millisecond, time.Hour} {
		for after := 5; after < 120; after += 23 {
			p := newPress(t)
			p.fill("ks", 200)
			i := p.bus.process(1<<30, false)
			r := p.reader(i, time.Millisecond, p.first)
			p.run(i, r, complete(r, 1))
			if err := PutRequest(t.Context(), i, "H44.15", "hotich", Request{ID: "1", Resnapshot: []string{"khaisinh"}}); err != nil {
				t.Fatal(err)
			}
			i = p.bus.process(after, true)
			r = p.reader(i, saveEvery, p.first)
			p.run(i, r, complete(r, 1))
			p.delete("ks", 7)
			i = p.bus.process(1<<30, false)
			r = p.reader(i, time.Millisecond, p.first)
			p.run(i, r, complete(r, 1))
			if live, _, tombstones := p.contents(p.first.Topic); len(live) != 199 || tombstones == 0 || tombstones > 2 {
				t.Errorf("crash after %d groups, saved every %s: %d live keys, want 199; %d tombstones, want 1 (2 when the request is taken up again)", after, saveEvery, len(live), tombstones)
			}
		}
	}
}

// TestResnapshotSparesOtherSnapshots: a resnapshot of one table raises the epoch while another table's first snapshot is half
// done. When that ends, the rows it published in the old epoch are as live as before.
func TestResnapshotSparesOtherSnapshots(t *testing.T) {
	p := newPress(t)
	p.fill("ks", 5)
	p.fill("ks2", 600)
	i := p.bus.process(1<<30, false)
	r := p.reader(i, time.Millisecond, p.first, p.other)
	stats := r.Stats().Publish["khaisinh2"]
	p.run(i, r, func() bool { return stats.Snapshot.Load() > 50 })
	if n := stats.Snapshot.Load(); n >= 600 {
		t.Fatalf("the first session published all %d rows: there is nothing left to interrupt", n)
	}
	if err := PutRequest(t.Context(), i, "H44.15", "hotich", Request{ID: "1", Resnapshot: []string{"khaisinh"}}); err != nil {
		t.Fatal(err)
	}
	r = p.reader(i, time.Millisecond, p.first, p.other)
	p.run(i, r, complete(r, 2))
	if live, _, tombstones := p.contents(p.other.Topic); len(live) != 600 || tombstones != 0 {
		t.Errorf("%d live keys of 600, %d tombstones of rows that exist", len(live), tombstones)
	}
	if live, _, tombstones := p.contents(p.first.Topic); len(live) != 5 || tombstones != 0 {
		t.Errorf("%d live keys of 5, %d tombstones of rows that exist", len(live), tombstones)
	}
}

// TestPipelineComesBack: a pipeline that was out of the configuration for a while is read again, and what vanished meanwhile
// is deleted.
func TestPipelineComesBack(t *testing.T) {
	p := newPress(t)
	p.fill("ks", 5)
	p.fill("ks2", 20)
	i := p.bus.process(1<<30, false)
	r := p.reader(i, time.Millisecond, p.first, p.other)
	p.run(i, r, complete(r, 2))
	p.delete("ks2", 7)
	r = p.reader(i, time.Millisecond, p.first)
	p.run(i, r, func() bool { return r.Stats().LastSaved.Load() > 0 && p.store.LogLength() == 0 })
	r = p.reader(i, time.Millisecond, p.first, p.other)
	p.run(i, r, complete(r, 1))
	if live, _, tombstones := p.contents(p.other.Topic); len(live) != 19 || tombstones != 1 {
		t.Errorf("%d live keys, want 19; %d tombstones, want 1", len(live), tombstones)
	}
}

// TestPipelineJoinsATable: a second pipeline on a table that was snapshotted long ago gets its rows too.
func TestPipelineJoinsATable(t *testing.T) {
	p := newPress(t)
	p.fill("ks", 20)
	i := p.bus.process(1<<30, false)
	r := p.reader(i, time.Millisecond, p.first)
	p.run(i, r, complete(r, 1))
	p.other.Table, p.other.Mapping = p.first.Table, p.first.Mapping
	r = p.reader(i, time.Millisecond, p.first, p.other)
	p.run(i, r, complete(r, 1))
	if live, _, _ := p.contents(p.other.Topic); len(live) != 20 {
		t.Errorf("the new pipeline published %d of 20 rows", len(live))
	}
	if live, _, tombstones := p.contents(p.first.Topic); len(live) != 20 || tombstones != 0 {
		t.Errorf("the old pipeline has %d live keys of 20, and %d tombstones", len(live), tombstones)
	}
}

// TestDeletionBetweenFirstStarts: a row that was published in the first moments, and deleted before the next start, is
// deleted on the topic, wherever the first process died.
func TestDeletionBetweenFirstStarts(t *testing.T) {
	for after := range 12 {
		p := newPress(t)
		p.fill("ks", 4)
		i := p.bus.process(after, true)
		i.slow = bus.PositionsTopic
		r := p.reader(i, time.Hour, p.first)
		p.run(i, r, complete(r, 1))
		p.delete("ks", 1)
		p.delete("ks", 2)
		p.delete("ks", 3)
		i = p.bus.process(1<<30, false)
		r = p.reader(i, time.Millisecond, p.first)
		p.run(i, r, func() bool { return p.store.LogLength() == 0 && r.Stats().LastSaved.Load() > 0 })
		if live, _, _ := p.contents(p.first.Topic); len(live) != 1 {
			t.Errorf("crash after %d groups: %d live keys, want 1", after, len(live))
		}
	}
}

// TestRereadsForget: whatever else is published under a key, its row is published when it is read again.
func TestRereadsForget(t *testing.T) {
	const sequence = "00000001000000000000000500000000"
	newer := []byte("00000001000000000000000600000000")
	document := []byte(`{"so":"1"}`)
	key := fingerprint([]byte("k"))
	snapshot := bus.Event{ID: "a", Sequence: sequence, Op: bus.Snapshot, Data: document}
	row := func(p *pipe, op bus.Op, doc []byte) *event {
		return &event{pipe: p, op: op, sequence: newer, id: []byte("b"), key: key, msg: bus.Message{Key: []byte("k"), Value: doc}}
	}
	for name, c := range map[string]struct {
		happens func(p *pipe)
		want    bool
	}{
		"nothing":                 {func(*pipe) {}, true},
		"a change before":         {func(p *pipe) { e := snapshot; e.Op = bus.Updated; p.rereads.note(&e, key) }, false},
		"another document before": {func(p *pipe) { e := snapshot; e.Data = []byte("{}"); p.rereads.note(&e, key) }, false},
		"a retry before":          {func(p *pipe) { e := snapshot; e.Redelivery = "retry"; p.rereads.note(&e, key) }, false},
		"a foreign record before": {func(p *pipe) { p.rereads.forget(key) }, false},
		"a deletion now":          {func(p *pipe) { row(p, bus.Deleted, nil).isPublished() }, false},
		"a retry now":             {func(p *pipe) { e := row(p, bus.Snapshot, document); e.redelivery = true; e.isPublished() }, false},
		"a newer epoch before": {func(p *pipe) {
			e := snapshot
			e.Sequence = "00000002" + sequence[8:]
			p.rereads.note(&e, key+1)
		}, false},
		"completion": {func(p *pipe) { p.rereads.free() }, false},
	} {
		p := &pipe{tails: make([]tail, 1)}
		p.rereads.collect(1)
		p.rereads.note(&snapshot, key)
		c.happens(p)
		if got := row(p, bus.Snapshot, bytes.Clone(document)).isPublished(); got != c.want {
			t.Errorf("%s: skipped %v, want %v", name, got, c.want)
		}
	}
	var p pipe
	p.tails = make([]tail, 1)
	p.rereads.collect(2)
	p.rereads.note(&snapshot, key)
	if row(&p, bus.Snapshot, document).isPublished() {
		t.Error("an event of an older epoch keeps a resnapshot from publishing its row again")
	}
}

// TestCrashBeforeReread: the log goes on, and positions are saved, before the rows that were published before the first crash
// are read again. A second crash must not make the third process forget them.
func TestCrashBeforeReread(t *testing.T) {
	p := newPress(t)
	p.fill("ks", 100)
	i := p.bus.process(50, false)
	p.run(i, p.reader(i, time.Hour, p.first), func() bool { return false })
	_, before, _ := p.contents(p.first.Topic)
	if err := p.store.Transact(func(tx *memory.Tx) error {
		for n := range 300 {
			if err := tx.Insert("ks", row(1000+n, "Bình", 0)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	i = p.bus.process(100, false)
	p.run(i, p.reader(i, time.Millisecond, p.first), func() bool { return false })
	if _, events, _ := p.contents(p.first.Topic); before == 0 || events <= before || events >= before+300 {
		t.Fatalf("%d events before the first crash, %d before the second: it is not in the middle of the log", before, events)
	}
	saved, err := loadCheckpoint(t.Context(), p.bus.process(1, false), "H44.15", "hotich")
	if err != nil || saved.Marks[0].Behind == 0 {
		t.Fatalf("the second process saved nothing of the log, %v", err)
	}
	i = p.bus.process(1<<30, false)
	r := p.reader(i, time.Millisecond, p.first)
	p.run(i, r, complete(r, 1))
	seen := map[string]int{}
	for _, part := range p.bus.topics[p.first.Topic] {
		for _, d := range part {
			if e, err := bus.ParseEvent(&d); err == nil && e.Op == bus.Snapshot {
				seen[string(d.Key)]++
			}
		}
	}
	for key, n := range seen {
		if n > 1 {
			t.Fatalf("row %s was published %d times", key, n)
		}
	}
	if saved, err = loadCheckpoint(t.Context(), i, "H44.15", "hotich"); err != nil || saved.Marks[0].Behind != 0 {
		t.Errorf("the position still looks back, %v", err)
	}
}
