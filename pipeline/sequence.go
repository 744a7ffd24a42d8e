package pipeline

import (
	"encoding/binary"
	"encoding/hex"
	"hash/fnv"
	"io"
	"strconv"

	"github.com/lienthong/truc/record"
)

// Sequence is the place of a change among all changes a source ever published: truc's own epoch, then the adapter's order
// within it. Its text is 32 lower-case hex digits (epoch 8, major 16, minor 8), so that comparing texts compares sequences.
type Sequence struct {
	Epoch uint32
	Order record.Order
}

// sequenceSize is the length of a sequence's text.
const sequenceSize = 32

// Append writes the text of the sequence.
func (s Sequence) Append(dst []byte) []byte {
	var raw [16]byte
	binary.BigEndian.PutUint32(raw[:4], s.Epoch)
	binary.BigEndian.PutUint64(raw[4:12], s.Order.Major)
	binary.BigEndian.PutUint32(raw[12:], s.Order.Minor)
	return hex.AppendEncode(dst, raw[:])
}

func (s Sequence) String() string { return string(s.Append(nil)) }

// Compare orders as cmp.Compare does.
func (s Sequence) Compare(t Sequence) int {
	switch {
	case s.Epoch < t.Epoch:
		return -1
	case s.Epoch > t.Epoch:
		return 1
	}
	return s.Order.Compare(t.Order)
}

// ParseSequence reads the text of a sequence.
func ParseSequence(text string) (Sequence, bool) {
	var raw [16]byte
	if len(text) != sequenceSize {
		return Sequence{}, false
	}
	if _, err := hex.Decode(raw[:], []byte(text)); err != nil {
		return Sequence{}, false
	}
	return Sequence{
		Epoch: binary.BigEndian.Uint32(raw[:4]),
		Order: record.Order{Major: binary.BigEndian.Uint64(raw[4:12]), Minor: binary.BigEndian.Uint32(raw[12:])},
	}, true
}

// fingerprint is a 64-bit hash of a key for sets that must stay small. It is not secret: it never leaves the process
// except inside ce_id, beside the key itself.
func fingerprint(key []byte) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(key)
	return h.Sum64()
}

// contentHash is a 64-bit hash over several parts, for comparing contents key by key.
func contentHash(parts ...[]byte) uint64 {
	h := fnv.New64a()
	for _, p := range parts {
		_, _ = io.WriteString(h, strconv.Itoa(len(p)))
		_, _ = h.Write([]byte{0})
		_, _ = h.Write(p)
	}
	return h.Sum64()
}
