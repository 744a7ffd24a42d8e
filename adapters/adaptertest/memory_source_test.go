package adaptertest

import (
	"context"
	"testing"

	"go.uber.org/goleak"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/adapters/memory"
	"github.com/lienthong/truc/record"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var everyKind = []record.Kind{
	record.Float, record.Decimal, record.Bool, record.Bytes, record.Date, record.Time, record.DateTime, record.Timestamp, record.JSON,
}

var smallBatches = memory.Options{Batch: 100, Chunk: 100}

// memorySource is a store with the two standard tables; alter changes their definition.
func memorySource(options memory.Options, alter func(*memory.TableSpec)) SourceFixture {
	store := memory.NewStore()
	tables := [2]string{"a.one", "b.two"}
	definitions := map[string]memory.TableSpec{}
	for _, name := range tables {
		spec := memory.TableSpec{Table: record.Table{Schema: name[:1], Name: name[2:], Columns: SourceColumns(everyKind), Key: []int{0}}}
		alter(&spec)
		store.Define(spec)
		definitions[name] = spec
	}
	aligned := func(c Change, missing record.Value) record.Row {
		columns := definitions[c.Table].Table.Columns
		row := make(record.Row, len(columns))
		for i, column := range columns {
			row[i] = missing
			if v, named := c.Set[column.Name]; named {
				row[i] = v
			}
		}
		row[0] = record.IntValue(c.NewID)
		return row
	}
	write := func(tx *memory.Tx, c Change) error {
		key := record.Row{record.IntValue(c.ID)}
		switch c.Op {
		case record.Create:
			return tx.Insert(c.Table, aligned(c, record.NullValue))
		case record.Update:
			return tx.Update(c.Table, key, aligned(c, record.Value{}))
		case record.Delete:
			return tx.Delete(c.Table, key)
		default:
			return tx.Truncate(c.Table)
		}
	}
	return SourceFixture{
		Tables: tables,
		Source: func(env adapters.Env) adapters.Source {
			return memory.NewSource(store, env, options)
		},
		Write: func(_ context.Context, changes ...Change) error {
			return store.Transact(func(tx *memory.Tx) error {
				for _, c := range changes {
					if err := write(tx, c); err != nil {
						return err
					}
				}
				return nil
			})
		},
		Unreachable: func(env adapters.Env) adapters.Source {
			down := memory.NewStore()
			down.SetReachable(false)
			return memory.NewSource(down, env, memory.Options{})
		},
		AddColumn: func(_ context.Context, table, column string) error {
			spec := definitions[table]
			spec.Table.Columns = append(spec.Table.Columns[:len(spec.Table.Columns):len(spec.Table.Columns)],
				record.Column{Name: column, Kind: record.Text, Nullable: true})
			definitions[table] = spec
			store.Define(spec)
			return nil
		},
	}
}

var fullCapabilities = SourceCapabilities{
	Kinds: everyKind, Infinity: true, Before: BeforeFull, Truncate: true, Transactions: true, Snapshot: true, Replays: true,
	TwoTables: true, AddColumn: true, Unreachable: true,
}

func TestMemorySource(t *testing.T) {
	RunSource(t, SourceSpec{
		New:          func(testing.TB) SourceFixture { return memorySource(smallBatches, func(*memory.TableSpec) {}) },
		Capabilities: fullCapabilities,
	})
}

// A table whose log leaves out what PostgreSQL's does with its default replica identity and TOAST.
func TestMemorySourceOfSparseLog(t *testing.T) {
	can := fullCapabilities
	can.Before, can.Unchanged = BeforeKey, true
	RunSource(t, SourceSpec{
		New: func(testing.TB) SourceFixture {
			return memorySource(smallBatches, func(spec *memory.TableSpec) {
				spec.Table.Identity = []int{0}
				spec.Sparse = []string{Large}
			})
		},
		Capabilities: can,
	})
}
