package postgres

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/adapters/memory"
	"github.com/lienthong/truc/record"
)

// TestSinkBatchesLikeOneByOne: folding, rounds and set-based decisions leave what applying the changes one by one to the
// plainest sink leaves, in the table and in what was rejected.
func TestSinkBatchesLikeOneByOne(t *testing.T) {
	b := newBed(t, people(), "CREATE SCHEMA bhyt; CREATE TABLE bhyt.nguoi (id int PRIMARY KEY, name text, code text, status text)")
	conn, err := pgx.Connect(b.ctx, b.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(b.ctx)
	run := func(sql string) {
		if _, err := conn.Exec(b.ctx, sql); err != nil {
			t.Fatal(err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		run("TRUNCATE bhyt.nguoi, truc.sink_entity, truc.sink_offset")
		store := memory.NewStore()
		store.Define(memory.TableSpec{Table: record.Table{Schema: "bhyt", Name: "nguoi", Key: []int{0}, Columns: []record.Column{
			{Name: "id", Kind: record.Int}, {Name: "name", Kind: record.Text, Nullable: true}, {Name: "code", Kind: record.Text, Nullable: true}, {Name: "status", Kind: record.Text, Nullable: true},
		}}})
		model := memory.NewSink(store, adapters.Env{Name: "model"})
		target := &record.Target{
			Pipeline: "giao_tre_em", Table: "bhyt.nguoi", Key: []string{"id"}, Columns: []string{"name"}, OnCreate: []string{"status"},
			Write:    rapid.SampledFrom([]record.Write{record.Upsert, record.UpdateOnly}).Draw(t, "write"),
			OnDelete: rapid.SampledFrom([]record.OnDelete{record.DeleteRow, record.DeleteSets, record.DeleteIgnored}).Draw(t, "on delete"),
			Conflict: rapid.SampledFrom([]record.Conflict{record.ConflictRejects, record.ConflictReplaces, record.ConflictIgnores}).Draw(t, "conflict"),
		}
		if target.OnDelete == record.DeleteSets {
			target.DeleteSet = []string{"code"}
		}
		for id := range rapid.IntRange(0, 4).Draw(t, "rows that are there") {
			run(fmt.Sprintf("INSERT INTO bhyt.nguoi (id, name) VALUES (%d, 'có sẵn')", id))
			err := store.Transact(func(tx *memory.Tx) error {
				return tx.Insert("bhyt.nguoi", record.Row{record.IntValue(int64(id)), record.TextValue("có sẵn"), record.NullValue, record.NullValue})
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		change := rapid.Custom(func(t *rapid.T) record.Change {
			n := rapid.IntRange(0, 1_000_000).Draw(t, "value")
			c := record.Change{
				Target: target, Key: rowOf(rapid.IntRange(0, 5).Draw(t, "key")),
				Source: rapid.SampledFrom([]string{"a", "a", "a", "b"}).Draw(t, "source"), Generation: uint32(rapid.IntRange(0, 5).Draw(t, "generation") / 5),
				Sequence: fmt.Sprintf("%04d", rapid.IntRange(0, 30).Draw(t, "sequence")),
				Delete:   rapid.IntRange(0, 3).Draw(t, "delete") == 0,
			}
			switch {
			case !c.Delete:
				c.Values, c.OnCreate = rowOf(fmt.Sprint("v", n)), rowOf(fmt.Sprint("s", n))
			case target.OnDelete == record.DeleteSets:
				c.Values = rowOf(fmt.Sprint("d", n))
			}
			return c
		})
		offset := int64(0)
		for range rapid.IntRange(1, 3).Draw(t, "batches") {
			batch := rapid.SliceOfN(change, 1, 30).Draw(t, "batch")
			for i := range batch {
				batch[i].Offset = int64(i)
			}
			var refused []int64
			for _, c := range batch {
				err := model.Apply(b.ctx, target.Pipeline, []record.Change{c}, nil, nil)
				if _, ok := errors.AsType[*adapters.RejectedError](err); ok {
					refused = append(refused, c.Offset)
				} else if err != nil {
					t.Fatal(err)
				}
			}
			var rejected []int64
			from, to := adapters.Offsets{bedPartition: {Next: offset}}, adapters.Offsets{bedPartition: {Next: offset + 1}}
			err := b.sink.Apply(b.ctx, target.Pipeline, batch, from, to)
			for r, ok := errors.AsType[*adapters.RejectedError](err); ok; r, ok = errors.AsType[*adapters.RejectedError](err) {
				for _, x := range slices.Backward(r.Rejections) {
					rejected = append(rejected, batch[x.Index].Offset)
					batch = slices.Delete(batch, x.Index, x.Index+1)
				}
				err = b.sink.Apply(b.ctx, target.Pipeline, batch, from, to)
			}
			if err != nil {
				t.Fatal(err)
			}
			offset++
			slices.Sort(rejected)
			if !slices.Equal(refused, rejected) {
				t.Fatalf("rejected: one by one %v, at once %v", refused, rejected)
			}
			var want []string
			for _, r := range store.Rows("bhyt.nguoi") {
				cells := make([]string, len(r))
				for i, v := range r {
					cells[i] = string(v.Append(nil))
					if v.IsNull() {
						cells[i] = "-"
					}
				}
				want = append(want, strings.Join(cells, " "))
			}
			slices.Sort(want)
			if got := answersOn(b, conn, "SELECT id, name, code, status FROM bhyt.nguoi"); !slices.Equal(got, want) {
				t.Fatalf("table:\n at once    %q\n one by one %q", got, want)
			}
		}
	})
}
