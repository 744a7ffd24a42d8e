// The conformance suite runs on this adapter in package adaptertest, together with variants that are broken on purpose.
package memory_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/adapters/memory"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var ctx = context.Background()

func newStore(tb testing.TB, rows ...record.Row) *memory.Store {
	tb.Helper()
	store := memory.NewStore()
	store.Define(memory.TableSpec{
		Table:  record.Table{Name: "t", Key: []int{0}, Columns: []record.Column{{Name: "id", Kind: record.Int}, {Name: "v", Kind: record.Text, Nullable: true}}},
		Unique: [][]string{{"v"}},
	})
	insert(tb, store, rows...)
	return store
}

func row(id int64, v string) record.Row { return record.Row{record.IntValue(id), record.TextValue(v)} }

func insert(tb testing.TB, store *memory.Store, rows ...record.Row) {
	tb.Helper()
	err := store.Transact(func(tx *memory.Tx) error {
		for _, r := range rows {
			if err := tx.Insert("t", r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
}

func open(store *memory.Store, position []byte, reset bool) (*memory.Source, error) {
	s := memory.NewSource(store, adapters.Env{Name: "nguon"}, memory.Options{})
	return s, s.Open(ctx, adapters.Start{Position: position, Reset: reset, Tables: []adapters.TableStart{{Table: "t", Run: 1}}})
}

func TestTransactionsAreAtomic(t *testing.T) {
	store := newStore(t, row(1, "a"), row(2, "b"))
	length := store.LogLength()
	for name, fn := range map[string]func(tx *memory.Tx) error{
		"fn fails": func(tx *memory.Tx) error { return errors.Join(tx.Delete("t", row(1, "")[:1]), errors.New("no")) },
		"key is taken": func(tx *memory.Tx) error {
			return errors.Join(tx.Insert("t", row(3, "c")), tx.Insert("t", row(1, "d")))
		},
		"not unique": func(tx *memory.Tx) error {
			return errors.Join(tx.Truncate("t"), tx.Insert("t", row(3, "c")), tx.Insert("t", row(4, "c")))
		},
		"null":          func(tx *memory.Tx) error { return tx.Insert("t", record.Row{record.NullValue, record.NullValue}) },
		"no such row":   func(tx *memory.Tx) error { return tx.Update("t", row(9, "")[:1], row(9, "x")) },
		"no such table": func(tx *memory.Tx) error { return tx.Truncate("x") },
	} {
		if err := store.Transact(fn); err == nil {
			t.Errorf("%s: the transaction was committed", name)
		}
	}
	if diff := cmp.Diff([]record.Row{row(1, "a"), row(2, "b")}, store.Rows("t")); diff != "" {
		t.Errorf("failed transactions left something (-want +got)\n%s", diff)
	}
	if store.LogLength() != length {
		t.Errorf("failed transactions are in the log")
	}
	err := store.Transact(func(tx *memory.Tx) error {
		return errors.Join(tx.Update("t", row(1, "")[:1], row(1, "b")), tx.Update("t", row(2, "")[:1], row(2, "a")))
	})
	if err != nil {
		t.Errorf("two rows cannot swap a unique value within a transaction: %v", err)
	}
}

func TestGapAndDivergence(t *testing.T) {
	for name, c := range map[string]struct {
		happens func(*memory.Store)
		want    any
	}{
		"nothing":        {func(*memory.Store) {}, nil},
		"log cut":        {(*memory.Store).Forget, new(*adapters.GapError)},
		"other database": {(*memory.Store).Replace, new(*adapters.DivergenceError)},
		"unreachable":    {func(s *memory.Store) { s.SetReachable(false) }, new(*adapters.UnreachableError)},
	} {
		t.Run(name, func(t *testing.T) {
			store := newStore(t, row(1, "a"))
			s, err := open(store, nil, false)
			if err != nil {
				t.Fatal(err)
			}
			b, err := s.Read(ctx)
			if err != nil {
				t.Fatal(err)
			}
			s.Close()
			insert(t, store, row(2, "b"))
			c.happens(store)
			_, err = open(store, b.Position, false)
			if c.want == nil && err != nil || c.want != nil && !errors.As(err, c.want) {
				t.Errorf("got %T %v, want %T", err, err, c.want)
			}
			store.SetReachable(true)
			if _, err := open(store, nil, true); err != nil {
				t.Errorf("a reset does not mend it: %v", err)
			}
		})
	}
}

func TestReleaseDestroysMemory(t *testing.T) {
	s, err := open(newStore(t, row(1, "a")), nil, false)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := s.Read(ctx); err != nil || len(b.Records) != 0 {
		t.Fatalf("the first batch has %d records and should carry only the position (%v)", len(b.Records), err)
	}
	b, err := s.Read(ctx)
	if err != nil {
		t.Fatal(err)
	}
	v := b.Records[0].After[1]
	b.Release()
	if string(v.Bytes) == "a" {
		t.Error("memory is still readable after Release, so no test finds who reads it")
	}
}

func TestFetchSeesOneMoment(t *testing.T) {
	store := newStore(t, row(1, "a"), row(2, "b"))
	s, err := open(store, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	view, err := s.Begin(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer view.Close()
	insert(t, store, row(3, "c"))
	_, rows, err := view.Fetch(ctx, "t", []string{"id"}, []record.Row{row(2, "")[:1], row(3, "")[:1]})
	if diff := cmp.Diff([]record.Row{row(2, "b")}, rows); err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}

func TestScanReadsByChunk(t *testing.T) {
	store := newStore(t, row(1, "a"), row(2, "b"), row(3, "c"))
	s := memory.NewSource(store, adapters.Env{}, memory.Options{Chunk: 2})
	var sizes []int
	err := s.Scan(ctx, "t", func(_ *record.Table, rows []record.Row) error { sizes = append(sizes, len(rows)); return nil })
	if diff := cmp.Diff([]int{2, 1}, sizes); err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}

// What a sink writes does not come out of a source on the same store.
func TestSinkStaysOutOfTheLog(t *testing.T) {
	store := newStore(t)
	sink := memory.NewSink(store, adapters.Env{})
	target := &record.Target{Pipeline: "p", Table: "t", Key: []string{"id"}, Columns: []string{"v"}}
	at := adapters.TopicPartition{Topic: "x"}
	change := record.Change{Target: target, Key: row(1, "")[:1], Values: row(1, "a")[1:], Source: "s", Sequence: "1"}
	if err := sink.Apply(ctx, target.Pipeline, []record.Change{change}, adapters.Offsets{at: {Next: 0}}, adapters.Offsets{at: {Next: 1}}); err != nil {
		t.Fatal(err)
	}
	if store.LogLength() != 0 {
		t.Error("a delivered row is in the log")
	}
}

func TestAdapterByConfiguration(t *testing.T) {
	r := &adapters.Registry{}
	adapters.Register(r, memory.Adapter(map[string]*memory.Store{"hotich": newStore(t, row(1, "a"))}))
	decode := func(store string) adapters.Decode {
		return func(into any) problem.List { into.(*memory.Config).Store = store; return nil }
	}
	if _, l := r.Source("memory", decode("khac")); l.Err() == nil {
		t.Error("an unknown store is accepted")
	}
	build, l := r.Source("memory", decode("hotich"))
	if l.Err() != nil {
		t.Fatal(l)
	}
	source, err := build(adapters.Env{})
	if err != nil {
		t.Fatal(err)
	}
	infos, err := source.(adapters.Describer).Describe(ctx)
	if err != nil || len(infos) != 1 || infos[0].Rows != 1 {
		t.Errorf("Describe gives %+v, %v", infos, err)
	}
}
