package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"go.uber.org/goleak"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/adapters/memory"
	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/embedded"
	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/mapping"
	"github.com/lienthong/truc/record"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const sinkMapping = `dataset: hotich.khaisinh.v1
table: tre_em
key: { co_quan: event.agency, so: so, quyen: quyenSo }
columns:
  ho_ten: nguoiDuocKhaiSinh.hoTen
on_create: { trang_thai: { const: moi } }
`

var sinkTable = record.Table{
	Name: "tre_em",
	Columns: []record.Column{
		{Name: "co_quan", Kind: record.Text},
		{Name: "so", Kind: record.Text},
		{Name: "quyen", Kind: record.Text},
		{Name: "ho_ten", Kind: record.Text, Nullable: true},
		{Name: "trang_thai", Kind: record.Text, Nullable: true},
	},
	Key: []int{0, 1, 2}, Version: 1,
}

// town is a small world: a source, an embedded bus and a sink.
type town struct {
	t       *testing.T
	source  *memory.Store
	sink    *memory.Store
	client  *kafka.Client
	broker  string
	publish Publish
	log     *slog.Logger
}

func newTown(t *testing.T) *town {
	t.Helper()
	broker, err := embedded.Start(embedded.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = broker.Close() })
	client, err := kafka.New(broker.ClientConfig())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	w := &town{t: t, source: memory.NewStore(), sink: memory.NewStore(), client: client, broker: broker.Addr(), publish: testPublish(t, 3), log: slog.New(slog.DiscardHandler)}
	w.source.Define(memory.TableSpec{Table: *testTable})
	w.sink.Define(memory.TableSpec{Table: sinkTable})
	return w
}

func (w *town) reader() *Reader {
	return NewReader(ReaderConfig{
		Agency: "H44.15", Source: "hotich", Bus: KafkaBus{w.client}, Pipelines: []Publish{w.publish}, SaveEvery: 20 * time.Millisecond, Log: w.log,
		Open: func() (adapters.Source, error) {
			return memory.NewSource(w.source, adapters.Env{Name: "hotich", Log: w.log}, memory.Options{}), nil
		},
	})
}

func (w *town) delivery() *Delivery {
	file, problems := mapping.Parse("tre_em.yaml", []byte(sinkMapping), nil)
	if problems.Err() != nil {
		w.t.Fatal(problems)
	}
	plan, problems := mapping.CompileSink(file, w.publish.Dataset, &sinkTable, w.publish.Env)
	if problems.Err() != nil {
		w.t.Fatal(problems)
	}
	return NewDelivery(DeliveryConfig{
		Agency: "H26", Name: "tre_em", Agencies: []string{"H44.*"}, Dataset: w.publish.Dataset, Plan: plan, Client: w.client, Log: w.log,
		RefreshEvery: 200 * time.Millisecond,
		Open: func() (adapters.Sink, error) {
			return memory.NewSink(w.sink, adapters.Env{Name: "bhyt", Log: w.log}), nil
		},
	})
}

// running starts a loop and returns what stops it and gives its error.
func running(t *testing.T, run func(context.Context) error) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	stopped := false
	var err error
	stop = func() error {
		if !stopped {
			stopped = true
			cancel()
			err = <-done
		}
		return err
	}
	t.Cleanup(func() { _ = stop() })
	return stop
}

func (w *town) change(fn func(tx *memory.Tx) error) {
	w.t.Helper()
	if err := w.source.Transact(fn); err != nil {
		w.t.Fatal(err)
	}
}

// sinkNames returns "so=ho_ten" of every row at the sink, sorted.
func (w *town) sinkNames() []string {
	var out []string
	for _, r := range w.sink.Rows("tre_em") {
		out = append(out, string(r[1].Bytes)+"="+string(r[3].Bytes))
	}
	slices.Sort(out)
	return out
}

func (w *town) eventually(what string, ok func() bool) {
	w.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			w.t.Fatalf("%s: not within 20 s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (w *town) arrives(want ...string) {
	w.t.Helper()
	slices.Sort(want)
	w.eventually(fmt.Sprintf("sink holds %v (has %v)", want, w.sinkNames()), func() bool { return slices.Equal(w.sinkNames(), want) })
}

func (w *town) verify() (publish, subscribe Verdict) {
	w.t.Helper()
	src := memory.NewSource(w.source, adapters.Env{Name: "hotich", Log: w.log}, memory.Options{})
	defer src.Close()
	publish, err := VerifyPublish(w.t.Context(), KafkaBus{w.client}, src, "hotich", w.publish, VerifyOptions{Settle: time.Second})
	if err != nil {
		w.t.Fatal(err)
	}
	subscribe, err = w.delivery().Verify(w.t.Context(), VerifyOptions{Settle: time.Second})
	if err != nil {
		w.t.Fatal(err)
	}
	return publish, subscribe
}

// TestFlow walks a row through everything: snapshot, change, filter, key change, dead letter and its resolution, deletion,
// a restart, and the proof that all sides agree.
func TestFlow(t *testing.T) {
	w := newTown(t)
	w.change(func(tx *memory.Tx) error {
		return errors.Join(tx.Insert("ks", row(1, "An", 0)), tx.Insert("ks", row(2, "Bình", 0)), tx.Insert("ks", row(3, "nháp", 1)))
	})
	r, d := w.reader(), w.delivery()
	stopReader := running(t, r.Run)
	running(t, d.Run)
	w.arrives("KS1=An", "KS2=Bình")

	w.change(func(tx *memory.Tx) error { return tx.Update("ks", record.Row{record.IntValue(3)}, row(3, "Chi", 0)) })
	w.change(func(tx *memory.Tx) error { return tx.Update("ks", record.Row{record.IntValue(1)}, row(11, "An", 0)) })
	w.arrives("KS11=An", "KS2=Bình", "KS3=Chi")

	stats := r.Stats().Publish["khaisinh"]
	w.change(func(tx *memory.Tx) error { return tx.Update("ks", record.Row{record.IntValue(2)}, row(2, "", 0)) })
	w.eventually("a letter is open", func() bool { return stats.Open.Load() == 1 })
	letters, err := OpenLetters(t.Context(), KafkaBus{w.client}, w.publish.Topic+bus.DLQSuffix, w.publish.Topic, "khaisinh")
	if err != nil || len(letters) != 1 || letters[0].Letter.Violations[0].Field == "" || letters[0].Letter.Violations[0].VI == "" {
		t.Fatalf("open letters: %+v, %v", letters, err)
	}
	w.change(func(tx *memory.Tx) error { return tx.Insert("ks", row(4, "Dũng", 0)) })
	w.arrives("KS11=An", "KS2=Bình", "KS3=Chi", "KS4=Dũng")

	if err := stopReader(); err != nil {
		t.Fatal(err)
	}
	w.change(func(tx *memory.Tx) error {
		return errors.Join(tx.Update("ks", record.Row{record.IntValue(2)}, row(2, "Bình An", 0)), tx.Delete("ks", record.Row{record.IntValue(4)}))
	})
	r = w.reader()
	running(t, r.Run)
	w.arrives("KS11=An", "KS2=Bình An", "KS3=Chi")
	stats = r.Stats().Publish["khaisinh"]
	w.eventually("the letter is resolved", func() bool { return stats.Open.Load() == 0 && stats.Resolved.Load() == 1 })
	if n := stats.Snapshot.Load(); n != 0 {
		t.Errorf("the second start published %d snapshot rows again", n)
	}
	publish, subscribe := w.verify()
	if !publish.Equal || !subscribe.Equal || publish.LeftKeys != 3 || subscribe.RightKeys != 3 || subscribe.Totals != "equal" {
		t.Errorf("verify: %+v %+v", publish, subscribe)
	}
}

// TestFloodIsSaved: what a crash makes the source send again is bounded by records, not by time alone.
func TestFloodIsSaved(t *testing.T) {
	w := newTown(t)
	r := w.reader()
	r.cfg.SaveEvery = time.Hour
	running(t, r.Run)
	w.eventually("the first position is saved", func() bool { return r.Stats().LastSaved.Load() > 0 })
	first := r.Stats().LastSaved.Load()
	w.change(func(tx *memory.Tx) error {
		for id := range saveRecords + 1000 {
			if err := tx.Insert("ks", row(id+1, "An", 0)); err != nil {
				return err
			}
		}
		return nil
	})
	w.eventually("a position is saved in the middle of the hour", func() bool { return r.Stats().LastSaved.Load() > first })
}

// TestResnapshotSweeps: what vanished while the log was lost is deleted everywhere.
func TestResnapshotSweeps(t *testing.T) {
	w := newTown(t)
	w.change(func(tx *memory.Tx) error {
		return errors.Join(tx.Insert("ks", row(1, "An", 0)), tx.Insert("ks", row(2, "Bình", 0)))
	})
	stop := running(t, w.reader().Run)
	running(t, w.delivery().Run)
	w.arrives("KS1=An", "KS2=Bình")
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	w.change(func(tx *memory.Tx) error { return tx.Delete("ks", record.Row{record.IntValue(1)}) })
	w.source.Forget()
	if err := w.reader().Run(t.Context()); !IsGap(err) {
		t.Fatalf("a forgotten log: got %v, want a gap", err)
	}
	if err := PutRequest(t.Context(), KafkaBus{w.client}, "H44.15", "hotich", Request{ID: "1", Resnapshot: []string{"khaisinh"}}); err != nil {
		t.Fatal(err)
	}
	r := w.reader()
	running(t, r.Run)
	w.arrives("KS2=Bình")
	if r.Stats().Epoch.Load() != 2 {
		t.Errorf("epoch is %d, want 2", r.Stats().Epoch.Load())
	}
	w.eventually("the request is closed", func() bool {
		open, err := openRequests(t.Context(), KafkaBus{w.client}, "H44.15", "hotich")
		return err == nil && len(open) == 0
	})
	publish, subscribe := w.verify()
	if !publish.Equal || !subscribe.Equal {
		t.Errorf("verify: %+v %+v", publish, subscribe)
	}
}

// TestMorePartitions: when the topic was given more partitions, a resnapshot ends what stands under the old ones, and none of that
// takes away at a sink what lives under the new ones.
func TestMorePartitions(t *testing.T) {
	w := newTown(t)
	var want []string
	w.change(func(tx *memory.Tx) error {
		var errs []error
		for i := range 12 {
			errs = append(errs, tx.Insert("ks", row(100+i, "An", 0)))
			want = append(want, fmt.Sprintf("KS%d=An", 100+i))
		}
		return errors.Join(errs...)
	})
	stop, stopDelivery := running(t, w.reader().Run), running(t, w.delivery().Run)
	w.arrives(want...)
	if err := errors.Join(stop(), stopDelivery()); err != nil {
		t.Fatal(err)
	}
	transport := &kafkago.Transport{}
	defer transport.CloseIdleConnections()
	admin := &kafkago.Client{Addr: kafkago.TCP(w.broker), Transport: transport}
	answer, err := admin.CreatePartitions(t.Context(), &kafkago.CreatePartitionsRequest{Topics: []kafkago.TopicPartitionsConfig{{Name: w.publish.Topic, Count: 5}}})
	if err := errors.Join(err, answer.Errors[w.publish.Topic]); err != nil {
		t.Fatal(err)
	}
	w.publish.Partitions = 5
	if err := w.reader().Run(t.Context()); !IsGap(err) {
		t.Fatalf("more partitions: got %v, want a gap", err)
	}
	w.change(func(tx *memory.Tx) error { return tx.Delete("ks", record.Row{record.IntValue(105)}) })
	if err := PutRequest(t.Context(), KafkaBus{w.client}, "H44.15", "hotich", Request{ID: "1", Resnapshot: []string{"khaisinh"}}); err != nil {
		t.Fatal(err)
	}
	r := w.reader()
	running(t, r.Run)
	w.eventually("the request is closed", func() bool {
		open, err := openRequests(t.Context(), KafkaBus{w.client}, "H44.15", "hotich")
		return err == nil && len(open) == 0 && r.Stats().Publish["khaisinh"].Swept.Load() > 0
	})
	running(t, w.delivery().Run)
	w.change(func(tx *memory.Tx) error { return tx.Insert("ks", row(200, "Cuối", 0)) })
	want = append(slices.Delete(want, 5, 6), "KS200=Cuối")
	w.arrives(want...)
	publish, subscribe := w.verify()
	if !publish.Equal || !subscribe.Equal {
		t.Errorf("verify: %+v %+v", publish, subscribe)
	}
}

// TestReconcile: a sink that was away for longer than tombstones live, or whose delivery is told to, reads the topics again
// and deletes what they no longer have. The tombstone that compaction would have removed is skipped here by hand.
func TestReconcile(t *testing.T) {
	w := newTown(t)
	w.change(func(tx *memory.Tx) error {
		return errors.Join(tx.Insert("ks", row(1, "An", 0)), tx.Insert("ks", row(2, "Bình", 0)))
	})
	running(t, w.reader().Run)
	stop := running(t, w.delivery().Run)
	w.arrives("KS1=An", "KS2=Bình")
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	// A row whose deletion was compacted away: the sink has it, with truc's bookkeeping, and no topic does.
	ghost := record.Change{
		Target: w.delivery().target, Key: record.Row{record.TextValue("H44.15"), record.TextValue("KS9"), record.TextValue("2026")},
		Values: record.Row{record.TextValue("Ma")}, OnCreate: record.Row{record.TextValue("moi")},
		Source: bus.SourceName("H44.15", "hotich", "khaisinh"), Sequence: strings.Repeat("0", sequenceSize),
	}
	apply := func() {
		sink := memory.NewSink(w.sink, adapters.Env{Name: "bhyt", Log: w.log})
		defer sink.Close()
		if err := sink.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := sink.Apply(t.Context(), ghost.Target.Pipeline, []record.Change{ghost}, adapters.Offsets{}, adapters.Offsets{}); err != nil {
			t.Fatal(err)
		}
	}
	apply()
	if got := w.sinkNames(); !slices.Contains(got, "KS9=Ma") {
		t.Fatalf("the ghost was not written: %v", got)
	}
	w.change(func(tx *memory.Tx) error { return tx.Insert("ks", row(3, "Chi", 0)) })
	d := w.delivery()
	d.cfg.Now = func() time.Time { return time.Now().Add(DeleteRetention) }
	stop = running(t, d.Run)
	w.arrives("KS1=An", "KS2=Bình", "KS3=Chi")

	ghost.Key[1], ghost.Sequence = record.TextValue("KS8"), strings.Repeat("0", sequenceSize-1)+"1"
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	apply()
	running(t, w.delivery().Run)
	time.Sleep(300 * time.Millisecond)
	if got := w.sinkNames(); !slices.Contains(got, "KS8=Ma") {
		t.Fatalf("a delivery that was not away deleted a row: %v", got)
	}
	if err := PutRequest(t.Context(), KafkaBus{w.client}, "H26", DeliveryRequests("tre_em"), Request{ID: "1", Reconcile: true}); err != nil {
		t.Fatal(err)
	}
	w.arrives("KS1=An", "KS2=Bình", "KS3=Chi")
	w.eventually("the request is closed", func() bool {
		open, err := openRequests(t.Context(), KafkaBus{w.client}, "H26", DeliveryRequests("tre_em"))
		return err == nil && len(open) == 0
	})
}

// TestRetryLetters: a letter that a corrected code list or mapping would let pass is tried again on the present row.
func TestRetryLetters(t *testing.T) {
	w := newTown(t)
	w.change(func(tx *memory.Tx) error { return tx.Insert("ks", row(1, "", 0)) })
	r := w.reader()
	stop := running(t, r.Run)
	running(t, w.delivery().Run)
	w.eventually("a letter is open", func() bool { return r.Stats().Publish["khaisinh"].Open.Load() == 1 })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	file, problems := mapping.Parse("ks.yaml", []byte(strings.Replace(testMapping, "text(ten)", `or(text(ten), "Chưa đặt tên")`, 1)), nil)
	if problems.Err() != nil {
		t.Fatal(problems)
	}
	w.publish.Mapping = file
	if err := PutRequest(t.Context(), KafkaBus{w.client}, "H44.15", "hotich", Request{ID: "1", Retry: "khaisinh"}); err != nil {
		t.Fatal(err)
	}
	r = w.reader()
	running(t, r.Run)
	w.arrives("KS1=Chưa đặt tên")
	w.eventually("no letter is open", func() bool { return r.Stats().Publish["khaisinh"].Open.Load() == 0 })
}

// TestBudgetStopsAWrongMapping: a mapping that fails on every row stops with few letters, whatever the table's size.
func TestBudgetStopsAWrongMapping(t *testing.T) {
	w := newTown(t)
	w.change(func(tx *memory.Tx) error {
		for i := range 5000 {
			if err := tx.Insert("ks", row(i, "", 0)); err != nil {
				return err
			}
		}
		return nil
	})
	err := w.reader().Run(t.Context())
	var budget *BudgetError
	if !errors.As(err, &budget) {
		t.Fatalf("got %v, want a BudgetError", err)
	}
	if budget.Letters < 1000 || budget.Letters > 2500 {
		t.Errorf("stopped after %d letters", budget.Letters)
	}
}

// TestBusGap: a topic that lost its tail, or was made anew, stops the reader by name.
func TestBusGap(t *testing.T) {
	w := newTown(t)
	w.change(func(tx *memory.Tx) error { return tx.Insert("ks", row(1, "An", 0)) })
	stop := running(t, w.reader().Run)
	running(t, w.delivery().Run)
	w.arrives("KS1=An")
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	saved, err := loadCheckpoint(t.Context(), KafkaBus{w.client}, "H44.15", "hotich")
	if err != nil {
		t.Fatal(err)
	}
	infos, err := w.client.Describe(t.Context(), w.publish.Topic)
	if err != nil {
		t.Fatal(err)
	}
	var m mark
	for _, candidate := range saved.Marks {
		if candidate.Next > 0 {
			m = candidate
		}
	}
	tp := kafka.TopicPartition{Topic: m.Topic, Partition: m.Partition}
	ranges, err := w.client.Ranges(t.Context(), tp)
	if err != nil {
		t.Fatal(err)
	}
	info, r := infos[m.Topic], ranges[tp]
	for name, spoil := range map[string]func(m *mark, info *kafka.TopicInfo, r *kafka.Range){
		"intact":      func(*mark, *kafka.TopicInfo, *kafka.Range) {},
		"made anew":   func(m *mark, _ *kafka.TopicInfo, _ *kafka.Range) { m.TopicID = "another" },
		"gone":        func(_ *mark, i *kafka.TopicInfo, _ *kafka.Range) { *i = kafka.TopicInfo{} },
		"partitions":  func(m *mark, _ *kafka.TopicInfo, _ *kafka.Range) { m.Count = 7 },
		"tail lost":   func(m *mark, _ *kafka.TopicInfo, r *kafka.Range) { r.End = m.Next - 1 },
		"overwritten": func(m *mark, _ *kafka.TopicInfo, _ *kafka.Range) { m.Last = strings.Repeat("0", sequenceSize) },
	} {
		m, info, r := m, info, r
		spoil(&m, &info, &r)
		err := checkMark(t.Context(), KafkaBus{w.client}, "hotich", m, info, r)
		var gap *BusGapError
		if got := errors.As(err, &gap); got != (name != "intact") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestTopicsThatTakeLess: topics that somebody else created take less than truc's would. What does not fit becomes a letter
// that fits, and the next record flows.
func TestTopicsThatTakeLess(t *testing.T) {
	w := newTown(t)
	small := kafka.TopicSpec{Name: w.publish.Topic, Partitions: 3, MaxMessageBytes: 1300}
	letters := kafka.TopicSpec{Name: w.publish.Topic + bus.DLQSuffix, Partitions: 1, MaxMessageBytes: 2300}
	if err := w.client.EnsureTopics(t.Context(), small, letters); err != nil {
		t.Fatal(err)
	}
	long := row(2, strings.Repeat("Ạ", 150), 0)
	control := row(3, strings.Repeat("\x01", 1100), 0) // six times as long in JSON
	key := row(4, "An", 0)
	key[1] = record.TextValue(strings.Repeat("Ạ", 1000))
	w.change(func(tx *memory.Tx) error {
		return errors.Join(tx.Insert("ks", row(1, "An", 0)), tx.Insert("ks", long), tx.Insert("ks", control), tx.Insert("ks", key), tx.Insert("ks", row(5, "Chi", 0)))
	})
	r := w.reader()
	running(t, r.Run)
	running(t, w.delivery().Run)
	w.arrives("KS1=An", "KS5=Chi")
	stats := r.Stats().Publish["khaisinh"]
	w.eventually("three letters are open", func() bool { return stats.Open.Load() == 3 })
	open, err := OpenLetters(t.Context(), KafkaBus{w.client}, letters.Name, w.publish.Topic, "khaisinh")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range open {
		if id, ok := l.Letter.Row["id"].value(); !ok || len(l.Letter.RowKey) != 1 || id.Num < 2 || id.Num > 4 {
			t.Errorf("a letter (%s) does not know its row: %v", l.Letter.Reason, l.Letter.RowKey)
		}
		if l.Letter.Row["id"].Text == "2" && l.Letter.Reason != "oversize" {
			t.Errorf("the long document has a letter for %q", l.Letter.Reason)
		}
	}
	w.change(func(tx *memory.Tx) error { return tx.Update("ks", record.Row{record.IntValue(2)}, row(2, "Bình", 0)) })
	w.arrives("KS1=An", "KS2=Bình", "KS5=Chi")
	w.eventually("its letter is resolved", func() bool { return stats.Open.Load() == 2 })
}

// TestLetterKeepsItsKey: a huge cell before the key does not push the key out of the letter.
func TestLetterKeepsItsKey(t *testing.T) {
	table := &record.Table{Name: "t", Columns: []record.Column{{Name: "anh", Kind: record.Bytes}, {Name: "ghi_chu", Kind: record.Text}, {Name: "id", Kind: record.Int}}, Key: []int{2}}
	cells := letterRow(table, record.Row{record.BytesOf(record.Bytes, make([]byte, 20<<20)), record.TextValue("x"), record.IntValue(7)}, MaxMessageBytes/2)
	if v, ok := cells["id"].value(); !ok || v.Num != 7 || cells["ghi_chu"].Text != "x" || cells["anh"].Size != 20<<20 {
		t.Errorf("the letter has %+v", cells)
	}
}
