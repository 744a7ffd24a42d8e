package pipeline

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/adapters/memory"
	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/record"
)

func (w *town) askReconcile(id string) {
	w.t.Helper()
	if err := PutRequest(w.t.Context(), KafkaBus{w.client}, "H26", DeliveryRequests("tre_em"), Request{ID: id, Made: time.Now(), Reconcile: true}); err != nil {
		w.t.Fatal(err)
	}
}

// wrongNames is the delivery with a mapping that takes every name for a date: each event becomes a letter.
func (w *town) wrongNames() *Delivery {
	return w.remapped("nguoiDuocKhaiSinh.hoTen", `text(date(nguoiDuocKhaiSinh.hoTen, "dd/MM/yyyy"))`)
}

// older is a sequence that comes before those of every reader.
var older = strings.Repeat("0", sequenceSize)

// TestSweepSparesSinkLetters: the row of an entity that lives on a topic stays, although its last event became a dead letter and
// everything before is compacted away; what no topic has is deleted meanwhile. The letter, tried again once the mapping is
// right, then brings the row up to date: a deletion under a later sequence would have it refused as not newer.
func TestSweepSparesSinkLetters(t *testing.T) {
	for name, ask := range map[string]func(*town){
		"reconcile": func(w *town) { w.askReconcile("1") },
		"replay":    func(w *town) { w.askReplay("1", Replay{}) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t)
			for _, so := range []string{"KS1", "KS2", "KS3", "KS9"} {
				w.haunt(so, older)
			}
			w.change(func(tx *memory.Tx) error {
				return errors.Join(tx.Insert("ks", row(1, "An", 0)), tx.Insert("ks", row(2, "Bình", 0)), tx.Insert("ks", row(3, "Chi", 0)))
			})
			running(t, w.reader().Run)
			stop := running(t, w.wrongNames().Run)
			w.eventually("all have letters", func() bool { return len(w.sinkLetters()) == 3 })
			w.change(func(tx *memory.Tx) error { return tx.Delete("ks", record.Row{record.IntValue(3)}) })
			w.eventually("there are letters, and the deletion is through", func() bool { return len(w.sinkLetters()) == 2 && len(w.sinkNames()) == 3 })
			ask(w)
			w.answered()
			if got, want := w.sinkNames(), []string{"KS1=Ma", "KS2=Ma"}; !slices.Equal(got, want) {
				t.Fatalf("the sink has %v, want %v: what lives on the topic, and nothing else", got, want)
			}
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			running(t, w.delivery().Run)
			if err := PutRequest(t.Context(), KafkaBus{w.client}, "H26", DeliveryRetries("tre_em"), Request{ID: "2", Retry: "tre_em"}); err != nil {
				t.Fatal(err)
			}
			w.arrives("KS1=An", "KS2=Bình")
		})
	}
}

// TestSweepSparesDroppedLetters: somebody may have closed the letter; the entity lives on the topic all the same.
func TestSweepSparesDroppedLetters(t *testing.T) {
	w := newTown(t)
	w.haunt("KS1", older)
	w.change(func(tx *memory.Tx) error { return tx.Insert("ks", row(1, "An", 0)) })
	running(t, w.reader().Run)
	d := w.wrongNames()
	running(t, d.Run)
	w.eventually("there is a letter", func() bool { return len(w.sinkLetters()) == 1 })
	w.askReplay("1", Replay{})
	w.answered()
	letters := newSinkLetters(w.delivery())
	if err := letters.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer letters.close()
	if err := letters.closeAll(t.Context(), [][]byte{w.sinkLetters()[0].Raw}); err != nil {
		t.Fatal(err)
	}
	w.askReplay("2", Replay{})
	w.answered()
	w.arrives("KS1=Ma")
}

// TestSweepSparesHiddenEntities: a record that is no event hides what stood under its key from compaction on; a key that no
// entity can have hides nothing.
func TestSweepSparesHiddenEntities(t *testing.T) {
	for name, ask := range map[string]func(*town){
		"reconcile": func(w *town) { w.askReconcile("1") },
		"replay":    func(w *town) { w.askReplay("1", Replay{}) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t)
			w.change(func(tx *memory.Tx) error { return tx.Insert("ks", row(1, "An", 0)) })
			running(t, w.reader().Run)
			w.haunt("KS7", older)
			w.haunt("KS8", older)
			w.haunt("KS9", older)
			running(t, w.delivery().Run)
			w.arrives("KS1=An", "KS7=Ma", "KS8=Ma", "KS9=Ma")
			tp := kafka.TopicPartition{Topic: w.publish.Topic}
			foreign := eventHeaders("/agencies/H26/hotich/khaisinh", w.publish.Dataset.ID()+".created", strings.Repeat("f", sequenceSize))
			w.put(tp,
				bus.Message{Key: []byte(`["KS7","2026","H44.15"]`), Value: []byte("x")},
				bus.Message{Key: []byte(`["KS8","2026","H44.15"]`), Value: []byte("{}"), Headers: foreign},
				bus.Message{Key: []byte("no key of an entity"), Value: []byte("x")})
			w.eventually("there are letters", func() bool { return len(w.sinkLetters()) == 3 })
			ask(w)
			w.answered()
			w.arrives("KS1=An", "KS7=Ma", "KS8=Ma")
		})
	}
}

// TestSweepDeletesNothingBlindly: where the mapping finds no sink key for an entity, any row may be its row.
func TestSweepDeletesNothingBlindly(t *testing.T) {
	for name, ask := range map[string]func(*town){
		"reconcile": func(w *town) { w.askReconcile("1") },
		"replay":    func(w *town) { w.askReplay("1", Replay{}) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t)
			w.haunt("KS1", older)
			w.haunt("KS9", older)
			w.change(func(tx *memory.Tx) error { return tx.Insert("ks", row(1, "An", 0)) })
			running(t, w.reader().Run)
			d := w.remapped("so: so", `so: "text(date(so, \"dd/MM/yyyy\"))"`)
			running(t, d.Run)
			w.eventually("there is a letter", func() bool { return len(w.sinkLetters()) == 1 })
			ask(w)
			w.answered()
			w.arrives("KS1=Ma", "KS9=Ma")
		})
	}
}

// referencedSink refuses to delete some rows: another table points at them.
type referencedSink struct {
	*memory.Sink
	refuse func() bool
}

func (s *referencedSink) Apply(ctx context.Context, pipeline string, changes []record.Change, from, to adapters.Offsets) error {
	rejected := &adapters.RejectedError{}
	for i := range changes {
		if changes[i].Delete && s.refuse() {
			rejected.Rejections = append(rejected.Rejections, adapters.Rejection{Index: i, Reason: "foreign-key", Park: true, Err: errors.New("constraint tre_em_fk")})
		}
	}
	if len(rejected.Rejections) > 0 {
		return rejected
	}
	return s.Sink.Apply(ctx, pipeline, changes, from, to)
}

// TestReconcileWaitsForParkedDeletions: a deletion that a foreign key holds up is known to the reconcile alone, which is not done
// before it is through; one that does not come through has a letter of its own.
func TestReconcileWaitsForParkedDeletions(t *testing.T) {
	w := newTown(t)
	w.haunt("KS8", older)
	w.haunt("KS9", older)
	w.change(func(tx *memory.Tx) error { return tx.Insert("ks", row(1, "An", 0)) })
	running(t, w.reader().Run)
	tries := 0
	start := func(parkFor time.Duration, refuse func() bool) (stop func() error) {
		d := w.delivery()
		d.cfg.ParkFor = parkFor
		d.cfg.Open = func() (adapters.Sink, error) {
			return &referencedSink{memory.NewSink(w.sink, adapters.Env{Name: "bhyt", Log: w.log}), refuse}, nil
		}
		return running(t, d.Run)
	}
	stop := start(time.Millisecond, func() bool { return true })
	w.arrives("KS1=An", "KS8=Ma", "KS9=Ma")
	w.askReconcile("1")
	w.answered()
	w.arrives("KS1=An", "KS8=Ma", "KS9=Ma")
	if n := len(w.sinkLetters()); n != 2 {
		t.Errorf("%d letters for two rows that cannot be deleted", n)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	start(time.Hour, func() bool { tries++; return tries <= 6 })
	w.askReconcile("2")
	w.answered()
	if got := w.sinkNames(); !slices.Equal(got, []string{"KS1=An"}) {
		t.Errorf("the reconcile says it is done, and the sink has %v", got)
	}
	w.eventually("the letters are closed", func() bool { return len(w.sinkLetters()) == 0 })
}

// TestSweepLeavesWhatMayNotBeDeleted: a mapping that does not delete rows has no sweep of a replay delete them, nor mark them, as
// there is no event to fill in what a mark says.
func TestSweepLeavesWhatMayNotBeDeleted(t *testing.T) {
	for _, onDelete := range []string{"ignore", "{ set: { trang_thai: { const: huy } } }"} {
		t.Run(onDelete, func(t *testing.T) {
			w := newTown(t)
			w.haunt("KS9", older)
			w.change(func(tx *memory.Tx) error { return tx.Insert("ks", row(1, "An", 0)) })
			running(t, w.reader().Run)
			d := w.remapped("table: tre_em", "table: tre_em\non_delete: "+onDelete)
			running(t, d.Run)
			w.arrives("KS1=An", "KS9=Ma")
			w.askReplay("1", Replay{})
			w.answered()
			w.arrives("KS1=An", "KS9=Ma")
			for _, r := range w.sink.Rows("tre_em") {
				if string(r[4].Bytes) != "moi" {
					t.Errorf("the row of %s has the state %q", r[1].Bytes, r[4].Bytes)
				}
			}
			if n := d.Stats().Swept.Load(); n != 0 {
				t.Errorf("%d rows are told to be swept", n)
			}
		})
	}
}

// TestSweepAsksItsOwnTopicsOnly: of a row that came from an agency whose topic is not there, or not subscribed to any more, no
// topic of the sweep can say that it is gone.
func TestSweepAsksItsOwnTopicsOnly(t *testing.T) {
	for name, ask := range map[string]func(*town){
		"reconcile": func(w *town) { w.askReconcile("1") },
		"replay":    func(w *town) { w.askReplay("1", Replay{}) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t)
			w.hauntOf("H45.01", "KS8", older)
			w.haunt("KS9", older)
			w.change(func(tx *memory.Tx) error { return tx.Insert("ks", row(1, "An", 0)) })
			running(t, w.reader().Run)
			running(t, w.delivery().Run)
			w.arrives("KS1=An", "KS8=Ma", "KS9=Ma")
			ask(w)
			w.answered()
			w.arrives("KS1=An", "KS8=Ma")
		})
	}
}
