package pipeline

import (
	"slices"

	"github.com/lienthong/truc/record"
)

// What an event calls a row and what the sink gives back need not be of one kind: an event says "12.50", a column of numbers 12.5.
// In a column of texts, though, "2.39" and "2.390" are two rows, and the end of the one says nothing of the other. So an event
// stands for its key as it is written, and apart from that for its key as numbers are written; a row of the sink is looked up
// under the first if it has a text that reads as a number, which is one then, and under the second if not.

// asNumbers is set in the hash of a key whose texts were written as numbers are.
const asNumbers = 1 << 63

// eventHashes are those under which an event's key is kept, rowHash is the one that a row of the sink is looked up under.
func eventHashes(key record.Row) [2]uint64 {
	return [2]uint64{keyHash(exactRow(key)) &^ asNumbers, keyHash(canonicalRow(key)) | asNumbers}
}

func rowHash(key record.Row) uint64 {
	hashes := eventHashes(key)
	if slices.ContainsFunc(key, func(v record.Value) bool { return v.Kind == record.Text && number(v.Bytes) }) {
		return hashes[0]
	}
	return hashes[1]
}
