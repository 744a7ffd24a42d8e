package pipeline

import (
	"errors"
	"testing"

	"github.com/lienthong/truc/adapters/memory"
	"github.com/lienthong/truc/record"
)

// A row is renamed, without the cell that the log leaves out, and gone before it can be read again: what it was called before
// ends all the same, also where it is renamed twice.
func TestRenamedRowIsGone(t *testing.T) {
	w := newTown(t)
	w.source.Define(memory.TableSpec{Table: *testTable, Sparse: []string{"ten"}})
	w.change(func(tx *memory.Tx) error {
		return errors.Join(tx.Insert("ks", row(1, "An", 0)), tx.Insert("ks", row(2, "Bình", 0)), tx.Insert("ks", row(3, "Chi", 0)))
	})
	running(t, w.delivery().Run)
	stop := running(t, w.reader().Run)
	w.arrives("KS1=An", "KS2=Bình", "KS3=Chi")
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	id := func(n int64) record.Row { return record.Row{record.IntValue(n)} }
	w.change(func(tx *memory.Tx) error { return tx.Update("ks", id(1), row(11, "An", 0)) })
	w.change(func(tx *memory.Tx) error { return tx.Delete("ks", id(11)) })
	w.change(func(tx *memory.Tx) error { return tx.Update("ks", id(2), row(12, "Bình", 0)) })
	w.change(func(tx *memory.Tx) error { return tx.Update("ks", id(12), row(22, "Bình", 0)) })
	running(t, w.reader().Run)
	w.arrives("KS22=Bình", "KS3=Chi")
}
