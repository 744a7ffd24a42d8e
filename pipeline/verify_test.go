package pipeline

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/adapters/memory"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
)

// TestVerifyUpdateOnly: what such a delivery rightly never inserted is not missing; what it wrote and somebody changed differs.
func TestVerifyUpdateOnly(t *testing.T) {
	w := newTown(t)
	w.change(func(tx *memory.Tx) error {
		return errors.Join(tx.Insert("ks", row(1, "An", 0)), tx.Insert("ks", row(2, "Bình", 0)))
	})
	w.damage(func(tx *memory.Tx) error { return tx.Insert("tre_em", sinkRow("KS1", "cũ")) })
	stopReader := running(t, w.reader().Run)
	only := func() *Delivery {
		return w.remapped("table: tre_em", "table: tre_em\nwrite: update\non_delete: ignore", "on_create: { trang_thai: { const: moi } }\n", "")
	}
	verify := func() Verdict {
		t.Helper()
		v, err := only().Verify(t.Context(), VerifyOptions{Settle: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	stop := running(t, only().Run)
	w.arrives("KS1=An")
	w.eventually("verify is content", func() bool { return verify().Equal })
	if v := verify(); !v.Equal || v.LeftKeys != 1 || v.RightKeys != 1 || v.Absent != 1 {
		t.Errorf("one row is there, one is not: %+v", v)
	}
	if err := errors.Join(stop(), stopReader()); err != nil {
		t.Fatal(err)
	}
	w.damage(func(tx *memory.Tx) error { return tx.Update("tre_em", sinkKeyOf("KS1"), sinkRow("KS1", "Sai")) })
	if v := verify(); v.Equal || v.DifferenceCount != 1 || v.Differences[0].What != "content differs" {
		t.Errorf("a row was changed: %+v", v)
	}
	// A row that its owner deletes is not for such a delivery to insert again: it is absent, like one that never was.
	w.damage(func(tx *memory.Tx) error { return tx.Delete("tre_em", sinkKeyOf("KS1")) })
	if v := verify(); !v.Equal || v.RightKeys != 0 || v.Absent != 2 {
		t.Errorf("a row was deleted: %+v", v)
	}
	// A row that truc wrote, and no topic has, is too much.
	w.haunt("KS8", older)
	if v := verify(); v.Equal || v.DifferenceCount != 1 || v.Differences[0].What != "only in the sink, not in the topic" {
		t.Errorf("a row too much: %+v", v)
	}
	w.damage(func(tx *memory.Tx) error { return tx.Delete("tre_em", sinkKeyOf("KS8")) })
	// A row that truc has not written is its owner's.
	w.damage(func(tx *memory.Tx) error { return tx.Insert("tre_em", sinkRow("KS9", "Riêng")) })
	if v := verify(); !v.Equal || v.RightKeys != 0 || v.Absent != 2 {
		t.Errorf("a row of the table's owner: %+v", v)
	}
}

// TestVerifyAppend: an inbox has no state to compare, and the verdict says so instead of a difference.
func TestVerifyAppend(t *testing.T) {
	w := newTown(t)
	d := w.delivery()
	d.target.Write = record.AppendOnly
	v, err := d.Verify(t.Context(), VerifyOptions{})
	if err != nil || v.Equal || v.Skipped == (problem.Text{}) {
		t.Errorf("got %+v, %v; want it skipped", v, err)
	}
}

// hookedSource does something before its table is read for the first time.
type hookedSource struct {
	*memory.Source
	before func()
}

func (s *hookedSource) Scan(ctx context.Context, table string, fn func(t *record.Table, rows []record.Row) error) error {
	if f := s.before; f != nil {
		s.before = nil
		f()
	}
	return s.Source.Scan(ctx, table, fn)
}

// hookedSink does something when its table is read for the first time.
type hookedSink struct {
	*memory.Sink
	before func()
}

func (s *hookedSink) Rows(ctx context.Context, t *record.Target, fn func(adapters.SinkRow) error) error {
	if f := s.before; f != nil {
		s.before = nil
		f()
	}
	return s.Sink.Rows(ctx, t, fn)
}

// TestVerifyWhileLettersOpen: a row that becomes a dead letter while the sides are compared is excluded like one that was one
// before, and is not missing.
func TestVerifyWhileLettersOpen(t *testing.T) {
	w := newTown(t)
	w.change(func(tx *memory.Tx) error { return tx.Insert("ks", row(1, "An", 0)) })
	r := w.reader()
	running(t, r.Run)
	stats := r.Stats().Publish["khaisinh"]
	w.eventually("it is published", func() bool { return stats.Snapshot.Load() == 1 })
	src := &hookedSource{Source: memory.NewSource(w.source, adapters.Env{Name: "hotich", Log: w.log}, memory.Options{}), before: func() {
		w.change(func(tx *memory.Tx) error { return tx.Insert("ks", row(2, "", 0)) })
		w.eventually("a letter is open", func() bool { return stats.Open.Load() == 1 })
	}}
	defer src.Close()
	v, err := VerifyPublish(t.Context(), KafkaBus{w.client}, src, "hotich", w.publish, VerifyOptions{Settle: 2 * time.Second})
	if err != nil || !v.Equal || v.Excluded != 1 || v.LeftKeys != 1 {
		t.Errorf("verify of the publisher: %+v, %v; want it equal but for one letter", v, err)
	}

	d := w.wrongNames()
	open := d.cfg.Open
	d.cfg.Open = func() (adapters.Sink, error) {
		s, err := open()
		return &hookedSink{s.(*memory.Sink), func() {
			running(t, w.wrongNames().Run)
			w.eventually("the event has a letter", func() bool { return len(w.sinkLetters()) == 1 })
		}}, err
	}
	v, err = d.Verify(t.Context(), VerifyOptions{Settle: 2 * time.Second})
	if err != nil || !v.Equal || v.Excluded != 1 {
		t.Errorf("verify of the delivery: %+v, %v; want it equal but for one letter", v, err)
	}
}

// TestVerifyUnmapped: an event that the mapping cannot deliver, and of which no letter tells, is no difference of the table's
// but a delivery that does not run, or another mapping; verify says so.
func TestVerifyUnmapped(t *testing.T) {
	w := newTown(t)
	w.change(func(tx *memory.Tx) error { return tx.Insert("ks", row(1, "An", 0)) })
	r := w.reader()
	running(t, r.Run)
	w.eventually("it is published", func() bool { return r.Stats().Publish["khaisinh"].Snapshot.Load() == 1 })
	v, err := w.wrongNames().Verify(t.Context(), VerifyOptions{Settle: time.Millisecond})
	if err == nil || !strings.Contains(err.Error(), "is the delivery running") {
		t.Errorf("verify: %+v, %v; want it to ask whether the delivery runs", v, err)
	}
	// What a later event has made of it is not asked about.
	w.change(func(tx *memory.Tx) error { return tx.Delete("ks", record.Row{record.IntValue(1)}) })
	w.eventually("verify is content", func() bool {
		v, err := w.wrongNames().Verify(t.Context(), VerifyOptions{Settle: time.Millisecond})
		return err == nil && v.Equal
	})
}
