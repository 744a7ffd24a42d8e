package adaptertest

import (
	"context"
	"testing"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/adapters/memory"
	"github.com/lienthong/truc/record"
)

func memorySink(testing.TB) SinkFixture {
	store := memory.NewStore()
	columns := func(nullable bool) []record.Column {
		return []record.Column{
			{Name: "agency", Kind: record.Text},
			{Name: "id", Kind: record.Int},
			{Name: "name", Kind: record.Text, Nullable: nullable},
			{Name: "code", Kind: record.Text, Nullable: true},
			{Name: "status", Kind: record.Text, Nullable: true},
			{Name: "note", Kind: record.Text, Nullable: true},
		}
	}
	store.Define(memory.TableSpec{Table: record.Table{Name: "tre_em", Columns: columns(false), Key: []int{0, 1}}, Unique: [][]string{{"code"}}})
	store.Define(memory.TableSpec{Table: record.Table{Name: "hop_thu", Columns: columns(true)}})
	return SinkFixture{
		Table: "tre_em", Inbox: "hop_thu",
		Sink: func(env adapters.Env) adapters.Sink { return memory.NewSink(store, env) },
		Insert: func(_ context.Context, named Row) error {
			row := make(record.Row, len(columns(true)))
			for i, c := range columns(true) {
				row[i] = record.NullValue
				if v, ok := named[c.Name]; ok {
					row[i] = v
				}
			}
			return store.Transact(func(tx *memory.Tx) error { return tx.Insert("tre_em", row) })
		},
		Rows: func(_ context.Context, table string) ([]Row, error) {
			var rows []Row
			for _, cells := range store.Rows(table) {
				row := Row{}
				for i, c := range columns(true) {
					row[c.Name] = cells[i]
				}
				rows = append(rows, row)
			}
			return rows, nil
		},
		Unreachable: func(env adapters.Env) adapters.Sink {
			down := memory.NewStore()
			down.SetReachable(false)
			return memory.NewSink(down, env)
		},
	}
}

var fullSinkCapabilities = SinkCapabilities{Unique: true, NotNull: true, Reads: true, Sweeps: true, Unreachable: true}

func TestMemorySink(t *testing.T) {
	RunSink(t, SinkSpec{New: memorySink, Capabilities: fullSinkCapabilities})
}
