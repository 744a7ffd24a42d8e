package pipeline

import (
	"errors"
	"testing"
	"time"

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
	if v := verify(); v.Equal || v.DifferenceCount != 1 {
		t.Errorf("a row was changed: %+v", v)
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
