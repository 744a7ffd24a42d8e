package snapshot

// transactions is a set of transaction numbers. They are dense, and a chunk that waits for a lock may see millions of them
// pass: so a bit each, 64 to an entry.
type transactions map[uint64]uint64

func (s transactions) add(tx uint64) { s[tx/64] |= 1 << (tx % 64) }

func (s transactions) addAll(other transactions) {
	for block, bits := range other {
		s[block] |= bits
	}
}

// forget removes those for which seen is true.
func (s transactions) forget(seen func(tx uint64) bool) {
	for block, bits := range s {
		for i := range uint64(64) {
			if bits>>i&1 != 0 && seen(block*64+i) {
				bits &^= 1 << i
			}
		}
		if bits == 0 {
			delete(s, block)
		} else {
			s[block] = bits
		}
	}
}
