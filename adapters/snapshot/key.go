package snapshot

import (
	"encoding/binary"

	"github.com/lienthong/truc/record"
)

// identity returns the columns by which a change in the log is matched with a row of a chunk: those that the old row of a
// deletion carries, or the primary key where it carries all.
func identity(t *record.Table) []int {
	if t.Identity != nil {
		return t.Identity
	}
	return t.Key
}

// appendKey writes the cells of the columns so that two rows give the same bytes only if these cells are equal. It is
// false when the row does not carry them.
func appendKey(dst []byte, row record.Row, columns []int) ([]byte, bool) {
	for _, c := range columns {
		v := row[c]
		dst = append(dst, byte(v.Kind))
		switch v.Kind {
		case record.Unchanged:
			return dst, false
		case record.Null:
		case record.Bool, record.Int, record.Float:
			dst = binary.BigEndian.AppendUint64(dst, uint64(v.Num))
		default:
			dst = binary.AppendUvarint(dst, uint64(len(v.Bytes)))
			dst = append(dst, v.Bytes...)
		}
	}
	return dst, true
}

// size is about what a row holds in memory.
func size(row record.Row) int {
	n := 0
	for i := range row {
		n += len(row[i].Bytes) + 16
	}
	return n
}
