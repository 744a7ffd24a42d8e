package adaptertest

import (
	"slices"

	"github.com/lienthong/truc/record"
)

// Row is one row by column name. A column that is not named is null.
type Row map[string]record.Value

// Names of the columns that every standard source table has.
const (
	// ID is the key, an Int.
	ID = "id"
	// Name and Note are Text.
	Name = "name"
	Note = "note"
	// Large is Text; the suite puts long values in it, for systems whose log leaves such cells out (Capabilities.Unchanged).
	Large = "large"
)

// SourceColumns are the columns of a standard source table in a system that has these kinds: id (the key), name, note, large
// and number always, and one column for each further kind. All but id are nullable.
func SourceColumns(kinds []record.Kind) []record.Column {
	columns := []record.Column{
		{Name: ID, Kind: record.Int},
		{Name: Name, Kind: record.Text, Nullable: true},
		{Name: Note, Kind: record.Text, Nullable: true},
		{Name: Large, Kind: record.Text, Nullable: true},
		{Name: "number", Kind: record.Int, Nullable: true},
	}
	for _, c := range []record.Column{
		{Name: "ratio", Kind: record.Float},
		{Name: "amount", Kind: record.Decimal},
		{Name: "flag", Kind: record.Bool},
		{Name: "raw", Kind: record.Bytes},
		{Name: "born", Kind: record.Date},
		{Name: "clock", Kind: record.Time},
		{Name: "local", Kind: record.DateTime},
		{Name: "seen", Kind: record.Timestamp},
		{Name: "doc", Kind: record.JSON},
	} {
		if slices.Contains(kinds, c.Kind) {
			c.Nullable = true
			columns = append(columns, c)
		}
	}
	return columns
}

// Change is one statement that a fixture runs on a standard source table, in the system's own way.
type Change struct {
	// Op is Create, Update, Delete or Truncate.
	Op    record.Op
	Table string
	// ID is the key of the row; NewID the key it has after an Update.
	ID, NewID int64
	// Set holds all cells of a created row beside the key, and only the changed ones of an updated row.
	Set Row
}

// Insert creates a row.
func Insert(table string, id int64, set Row) Change {
	return Change{Op: record.Create, Table: table, ID: id, NewID: id, Set: set}
}

// Update changes cells of a row.
func Update(table string, id int64, set Row) Change {
	return Change{Op: record.Update, Table: table, ID: id, NewID: id, Set: set}
}

// ChangeKey gives a row another key.
func ChangeKey(table string, id, newID int64) Change {
	return Change{Op: record.Update, Table: table, ID: id, NewID: newID}
}

// Delete removes a row.
func Delete(table string, id int64) Change {
	return Change{Op: record.Delete, Table: table, ID: id, NewID: id}
}

// Truncate empties a table in the way that does not name the rows.
func Truncate(table string) Change { return Change{Op: record.Truncate, Table: table} }

// rowsByID is what a table holds.
type rowsByID map[int64]Row

// apply keeps the suite's own idea of a table in step with what it writes.
func (m rowsByID) apply(c Change) {
	switch c.Op {
	case record.Create:
		m[c.ID] = clone(c.Set)
	case record.Update:
		row := m[c.ID]
		delete(m, c.ID)
		for name, v := range c.Set {
			row[name] = v
		}
		m[c.NewID] = row
	case record.Delete:
		delete(m, c.ID)
	case record.Truncate:
		clear(m)
	case record.Snapshot, record.SnapshotEnd: // the suite writes none
	}
}

func clone(row Row) Row {
	out := Row{}
	for name, v := range row {
		out[name] = v.Clone()
	}
	return out
}
