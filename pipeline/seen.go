package pipeline

import (
	"slices"

	"github.com/lienthong/truc/record"
)

// seenRows are the rows that live on the topics a delivery reads, by the fingerprints of their keys (8 bytes and overhead each).
//
// What an event calls a row and what the sink gives back need not be of one kind: an event says "12.50", a column of numbers
// 12.5. In a column of texts, though, "2.39" and "2.390" are two rows, and the end of the one says nothing of the other.
type seenRows struct {
	rows map[uint64]struct{}
	// numbers are rows with texts that may be numbers at the sink, as numbers are written.
	numbers map[uint64]struct{}
}

func newSeenRows() seenRows {
	return seenRows{rows: map[uint64]struct{}{}, numbers: map[uint64]struct{}{}}
}

func (s seenRows) lives(key record.Row) {
	s.rows[fingerprint(exactRow(key))] = struct{}{}
	if hasNumeral(key) {
		s.numbers[fingerprint(canonicalRow(key))] = struct{}{}
	}
}

func (s seenRows) died(key record.Row) {
	delete(s.rows, fingerprint(exactRow(key)))
	if hasNumeral(key) {
		delete(s.numbers, fingerprint(canonicalRow(key)))
	}
}

// has reports whether a row of the sink lives.
func (s seenRows) has(key record.Row) bool {
	_, ok := s.rows[fingerprint(exactRow(key))]
	if !ok && !hasNumeral(key) {
		_, ok = s.numbers[fingerprint(canonicalRow(key))]
	}
	return ok
}

// hasNumeral reports whether a key has a text that reads as a number.
func hasNumeral(key record.Row) bool {
	return slices.ContainsFunc(key, func(v record.Value) bool { return v.Kind == record.Text && number(v.Bytes) })
}
