package pipeline

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/truc/adapters/memory"
	"github.com/lienthong/truc/mapping"
	"github.com/lienthong/truc/record"
)

// remapped is the delivery with another mapping.
func (w *town) remapped(oldnew ...string) *Delivery {
	w.t.Helper()
	file, problems := mapping.Parse("tre_em.yaml", []byte(strings.NewReplacer(oldnew...).Replace(sinkMapping)), nil)
	if problems.Err() != nil {
		w.t.Fatal(problems)
	}
	plan, problems := mapping.CompileSink(file, w.publish.Dataset, &sinkTable, w.publish.Env)
	if problems.Err() != nil {
		w.t.Fatal(problems)
	}
	cfg := w.delivery().cfg
	cfg.Plan, cfg.ParkFor = plan, time.Millisecond
	return NewDelivery(cfg)
}

// TestSinkRetry: letters of a delivery are closed by applying their events again, once what was wrong is mended; what is still
// wrong stays open, and the stored offset goes back for none of it.
func TestSinkRetry(t *testing.T) {
	const rows = 40
	w := newTown(t)
	w.publish = testPublish(t, 1)
	w.uniqueNames()
	w.change(func(tx *memory.Tx) error {
		for id := range rows {
			if err := tx.Insert("ks", row(id, "An", 0)); err != nil {
				return err
			}
		}
		return nil
	})
	stopReader := running(t, w.reader().Run)
	d := w.remapped()
	stop := running(t, d.Run)
	w.eventually("all have a letter: they take the name from each other", func() bool { return len(w.sinkLetters()) == rows && d.Stats().Parked.Load() == 0 })
	w.eventually("the offset is stored", func() bool { return w.stored(0) >= rows })
	before := w.stored(0)

	ask := func(id string) *RetryResult {
		t.Helper()
		if err := PutRequest(t.Context(), KafkaBus{w.client}, "H26", DeliveryRetries("tre_em"), Request{ID: id, Retry: "tre_em"}); err != nil {
			t.Fatal(err)
		}
		var last *RetryResult
		w.eventually("the retry is done", func() bool {
			var err error
			last, err = LastRetry(t.Context(), KafkaBus{w.client}, "H26", DeliveryRetries("tre_em"), "tre_em")
			return err == nil && last != nil && last.ID == id && last.Done
		})
		return last
	}
	if got := ask("1"); got.Total != rows || got.Wrong["unique"] != rows || len(w.sinkLetters()) != rows {
		t.Errorf("under the same mapping: %+v", got)
	}
	if at := w.stored(0); at != before {
		t.Errorf("the stored offset went from %d to %d", before, at)
	}
	if open := w.sinkLetters()[0]; open.Times != 2 {
		t.Errorf("%d letters are counted, want 2", open.Times)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}

	w.change(func(tx *memory.Tx) error {
		key := func(id int64) record.Row { return record.Row{record.IntValue(id)} }
		if err := tx.Delete("ks", key(5)); err != nil {
			return err
		}
		return tx.Update("ks", key(6), row(6, "Bình", 0))
	})
	w.eventually("the changes are published", func() bool { return w.source.LogLength() == 0 })
	if err := stopReader(); err != nil {
		t.Fatal(err)
	}
	running(t, w.remapped("nguoiDuocKhaiSinh.hoTen", `so + " " + nguoiDuocKhaiSinh.hoTen`).Run)
	if got := ask("2"); got.Resolved != got.Total || got.Total < rows-3 {
		t.Errorf("under a mapping that fits: %+v", got)
	}
	var want []string
	for id := range rows {
		switch id {
		case 5:
		case 6:
			want = append(want, "KS6=KS6 Bình")
		default:
			want = append(want, fmt.Sprintf("KS%d=KS%[1]d An", id))
		}
	}
	w.eventually("no letter is open", func() bool { return len(w.sinkLetters()) == 0 })
	w.arrives(want...)
}
