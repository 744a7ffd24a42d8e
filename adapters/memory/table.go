package memory

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/record"
)

var errDown = errors.New("the store was made unreachable")

// TableSpec defines a table.
type TableSpec struct {
	// Table gives name, columns, key and identity; the store sets Version. Columns that are not Nullable refuse nulls.
	Table record.Table
	// Unique lists the columns of each unique constraint beside the key. They are checked at the end of a transaction.
	Unique [][]string
	// Sparse names columns that an update leaves out of the log when it does not change them (PostgreSQL: TOAST).
	Sparse []string
	// Relations are foreign keys: described, not enforced.
	Relations []adapters.Relation
}

// table is the present state of one table.
type table struct {
	definition *record.Table
	spec       TableSpec
	rows       map[string]record.Row // by encodeKey; a row is never changed once it is in here
	keys       []string              // sorted, for reading by chunk
	keyless    int64                 // rows ever put into a table without a key
}

// keyOf returns the name under which a row is stored: its key, or a number of its own where the table has none.
func (t *table) keyOf(row record.Row) string {
	if len(t.definition.Key) == 0 {
		t.keyless++
		return encodeKey(record.Row{record.IntValue(t.keyless)})
	}
	key := make(record.Row, len(t.definition.Key))
	for i, c := range t.definition.Key {
		key[i] = row[c]
	}
	return encodeKey(key)
}

func (t *table) keyNames() []string {
	names := make([]string, len(t.definition.Key))
	for i, c := range t.definition.Key {
		names[i] = t.definition.Columns[c].Name
	}
	return names
}

func (t *table) put(row record.Row) string {
	id := t.keyOf(row)
	if _, there := t.rows[id]; !there {
		i, _ := slices.BinarySearch(t.keys, id)
		t.keys = slices.Insert(t.keys, i, id)
	}
	t.rows[id] = row
	return id
}

func (t *table) remove(id string) {
	delete(t.rows, id)
	if i, there := slices.BinarySearch(t.keys, id); there {
		t.keys = slices.Delete(t.keys, i, i+1)
	}
}

// after returns at most n keys beyond one key.
func (t *table) after(key string, n int) []string {
	i, there := slices.BinarySearch(t.keys, key)
	if there {
		i++
	}
	return t.keys[i:min(len(t.keys), i+n)]
}

func (t *table) check(row record.Row) error {
	for i, c := range t.definition.Columns {
		if !c.Nullable && (row[i].IsNull() || row[i].Kind == record.Unchanged) {
			return &ConstraintError{"not-null", t.definition.String(), []string{c.Name}}
		}
	}
	return nil
}

func (t *table) duplicate(columns []string, id string, row record.Row) bool {
	for other, candidate := range t.rows {
		if other == id {
			continue
		}
		same := true
		for _, name := range columns {
			i := t.definition.Index(name)
			same = same && !row[i].IsNull() && row[i].Equal(candidate[i])
		}
		if same {
			return true
		}
	}
	return false
}

// loggedBefore is the old row as the log carries it. A table with an Identity has it only where the key is lost.
func (t *table) loggedBefore(before record.Row, keyLost bool) record.Row {
	if t.definition.Identity == nil {
		return before
	}
	if !keyLost {
		return nil
	}
	part := make(record.Row, len(before))
	for _, i := range t.definition.Identity {
		part[i] = before[i]
	}
	return part
}

func (t *table) loggedAfter(before, after record.Row) record.Row {
	logged := slices.Clone(after)
	for _, name := range t.spec.Sparse {
		if i := t.definition.Index(name); before[i].Equal(after[i]) && !after[i].IsNull() {
			logged[i] = record.Value{}
		}
	}
	return logged
}

// encodeKey makes cells comparable as a string; different cells never give the same one.
func encodeKey(key record.Row) string {
	var b []byte
	for _, v := range key {
		text := v.Append(nil)
		b = append(b, byte(v.Kind))
		b = binary.BigEndian.AppendUint32(b, uint32(len(text)))
		b = append(b, text...)
	}
	return string(b)
}
