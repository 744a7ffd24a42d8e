package reference

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/record"
)

// digest stands for a row: its key, and what it says. A key that another row happens to share the number with would be taken for
// it; with a hundred thousand rows that is one chance in four thousand million.
type digest struct {
	key     uint64
	content uint32
}

// digests are those of a table, by key. A saved position has 12 bytes of each, so that one of fifty thousand rows fits into a message.
type digests []digest

const digestSize = 12

// pack writes them as a position has them.
func (d digests) pack() []byte {
	out := make([]byte, 0, digestSize*len(d))
	for _, one := range d {
		out = binary.BigEndian.AppendUint64(out, one.key)
		out = binary.BigEndian.AppendUint32(out, one.content)
	}
	return out
}

func unpack(b []byte) digests {
	out := make(digests, 0, len(b)/digestSize)
	for ; len(b) >= digestSize; b = b[digestSize:] {
		out = append(out, digest{binary.BigEndian.Uint64(b), binary.BigEndian.Uint32(b[8:])})
	}
	return out
}

// find returns the content of a key.
func (d digests) find(key uint64) (content uint32, there bool) {
	i, there := slices.BinarySearchFunc(d, key, func(one digest, key uint64) int { return cmp.Compare(one.key, key) })
	if !there {
		return 0, false
	}
	return d[i].content, true
}

// with adds the keys of others that are not among them.
func (d digests) with(others digests) digests {
	out := slices.Clone(d)
	for _, o := range others {
		if _, there := d.find(o.key); !there {
			out = append(out, o)
		}
	}
	out.sort()
	return out
}

func (d digests) sort() {
	slices.SortFunc(d, func(a, b digest) int { return cmp.Compare(a.key, b.key) })
}

// table is a table with the digests of its rows, both in the order of the keys' numbers.
type table struct {
	adapters.ReferenceTable
	digests   digests
	withdrawn digests // content is the place in Withdrawn
	// content tells one state of the table from another.
	content string
}

func newTable(t adapters.ReferenceTable) *table {
	out := &table{ReferenceTable: t}
	type numbered struct {
		digest
		row record.Row
	}
	rows := make([]numbered, len(t.Rows))
	for i, row := range t.Rows {
		key := make(record.Row, len(t.Table.Key))
		for j, c := range t.Table.Key {
			key[j] = row[c]
		}
		rows[i] = numbered{digest{number(key), uint32(number(row) >> 32)}, row}
	}
	slices.SortFunc(rows, func(a, b numbered) int { return cmp.Compare(a.key, b.key) })
	out.Rows = make([]record.Row, len(rows))
	for i, r := range rows {
		out.Rows[i] = r.row
		out.digests = append(out.digests, r.digest)
	}
	for i, key := range t.Withdrawn {
		out.withdrawn = append(out.withdrawn, digest{number(key), uint32(i)})
	}
	out.withdrawn.sort()
	sum := sha256.New()
	sum.Write(out.digests.pack())
	for _, w := range out.withdrawn {
		sum.Write(binary.BigEndian.AppendUint64(nil, w.key))
	}
	out.content = hex.EncodeToString(sum.Sum(nil)[:16])
	return out
}

// number is the first half of a hash of some cells.
func number(row record.Row) uint64 {
	var text []byte
	for _, v := range row {
		text = append(text, byte(v.Kind))
		before := len(text)
		text = v.Append(text)
		text = binary.BigEndian.AppendUint32(text, uint32(len(text)-before))
	}
	sum := sha256.Sum256(text)
	return binary.BigEndian.Uint64(sum[:])
}
