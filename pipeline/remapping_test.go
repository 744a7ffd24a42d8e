package pipeline

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/adapters/memory"
	"github.com/lienthong/truc/mapping"
	"github.com/lienthong/truc/record"
)

// TestRemapping: after a changed mapping the reader knows since when, over restarts, until the table is published anew.
func TestRemapping(t *testing.T) {
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
	file, problems := mapping.Parse("ks.yaml", []byte(strings.Replace(testMapping, "text(ten)", `join(["Họ", ten], " ")`, 1)))
	if problems.Err() != nil {
		t.Fatal(problems)
	}
	before := newPipe(w.publish, "hotich", nil).fingerprint
	w.publish.Mapping = file
	var since time.Time
	for range 2 {
		r := w.reader()
		stop = running(t, r.Run)
		w.eventually("the reader runs", func() bool { return r.Stats().Condition().State == StateRunning })
		got := r.Stats().Publish["khaisinh"].Remapping()
		if got == nil || got.Before != before || !since.IsZero() && !got.Since.Equal(since) {
			t.Fatalf("remapped %+v, want since %s from %s", got, since, before)
		}
		since = got.Since
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	}
	r := w.reader()
	running(t, r.Run)
	w.change(func(tx *memory.Tx) error { return tx.Update("ks", record.Row{record.IntValue(1)}, row(1, "An Nhiên", 0)) })
	w.arrives("KS1=Họ An Nhiên", "KS2=Bình")
	if err := PutRequest(t.Context(), KafkaBus{w.client}, "H44.15", "hotich", Request{ID: "1", Resnapshot: []string{"khaisinh"}}); err != nil {
		t.Fatal(err)
	}
	w.arrives("KS1=Họ An Nhiên", "KS2=Họ Bình")
	if got := r.Stats().Publish["khaisinh"].Remapping(); got != nil {
		t.Errorf("remapped %+v after every row was published anew", got)
	}
}

// TestTwoVersions: two mappings of one table to two topics run side by side. The second, added later, disturbs nothing of the
// first, and both equal the source.
func TestTwoVersions(t *testing.T) {
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
	second := w.publish
	file, problems := mapping.Parse("ks2.yaml", []byte(strings.Replace(testMapping, "text(ten)", `join(["Họ", ten], " ")`, 1)))
	if problems.Err() != nil {
		t.Fatal(problems)
	}
	second.Name, second.Mapping = "khaisinh2", file
	second.Topic = strings.Replace(w.publish.Topic, ".h44.15", ".h44.99", 1)
	second.Agency = "H44.99"
	r := w.reader()
	r = NewReader(ReaderConfig{Agency: r.cfg.Agency, Source: r.cfg.Source, Open: r.cfg.Open, Bus: r.cfg.Bus, Log: w.log, SaveEvery: r.cfg.SaveEvery, Pipelines: []Publish{w.publish, second}})
	running(t, r.Run)
	w.change(func(tx *memory.Tx) error {
		return errors.Join(tx.Delete("ks", record.Row{record.IntValue(1)}), tx.Insert("ks", row(3, "Chi", 0)))
	})
	w.arrives("KS2=Bình", "KS3=Chi", "KS2=Họ Bình", "KS3=Họ Chi")
	for _, p := range []Publish{w.publish, second} {
		src := memory.NewSource(w.source, adapters.Env{Name: "hotich", Log: w.log}, memory.Options{})
		verdict, err := VerifyPublish(t.Context(), KafkaBus{w.client}, src, "hotich", p, VerifyOptions{Settle: time.Second})
		if err != nil || !verdict.Equal || verdict.LeftKeys != 2 {
			t.Errorf("%s: %+v, %v", p.Name, verdict, err)
		}
		_ = src.Close()
		if got := r.Stats().Publish[p.Name].Remapping(); got != nil {
			t.Errorf("%s is remapped: %+v", p.Name, got)
		}
	}
}
