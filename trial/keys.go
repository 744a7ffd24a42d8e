package trial

import (
	"bufio"
	"cmp"
	"container/heap"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"os"
	"slices"
)

// keys finds keys that stand in several rows. It holds a hash of each, and writes them to a file in sorted runs when they
// become many: 17 bytes a row on disk, and a bounded number in memory.
type keys struct {
	dir  string
	seed maphash.Seed
	held []keyMark
	// limit is how many are held before they are spilled; 0 is the default. Tests lower it.
	limit int
	file  *os.File
	runs  []span
	end   int64
}

// span is where a run stands in the file.
type span struct{ from, to int64 }

// keyMark is one row: a hash that tells keys apart, the one under which it shows, and what else is wrong with the row.
type keyMark struct {
	hash  uint64
	shown [8]byte
	marks mark
}

const (
	heldKeys   = 1 << 20
	markLength = 8 + 8 + 1
)

// add takes the key of a row; shown is up to 16 hexadecimal digits.
func (k *keys) add(key []byte, shown string, marks mark) error {
	if k.held == nil {
		k.seed = maphash.MakeSeed()
	}
	m := keyMark{hash: maphash.Bytes(k.seed, key), marks: marks}
	if b, err := hex.DecodeString(shown); err == nil {
		copy(m.shown[8-min(8, len(b)):], b)
	}
	k.held = append(k.held, m)
	limit := k.limit
	if limit == 0 {
		limit = heldKeys
	}
	if len(k.held) < limit {
		return nil
	}
	return k.spill()
}

func (k *keys) sort() {
	slices.SortFunc(k.held, func(a, b keyMark) int { return cmp.Compare(a.hash, b.hash) })
}

func (k *keys) spill() error {
	if k.file == nil {
		f, err := os.CreateTemp(k.dir, "truc-try-*")
		if err != nil {
			return fmt.Errorf("create a file for the hashes of keys: %w", err)
		}
		k.file = f
	}
	k.sort()
	w := bufio.NewWriterSize(k.file, 1<<16)
	for _, m := range k.held {
		if _, err := w.Write(m.append(nil)); err != nil {
			return fmt.Errorf("write hashes of keys: %w", err)
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write hashes of keys: %w", err)
	}
	next := k.end + int64(len(k.held))*markLength
	k.runs = append(k.runs, span{k.end, next})
	k.end, k.held = next, k.held[:0]
	return nil
}

func (m keyMark) append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint64(dst, m.hash)
	return append(append(dst, m.shown[:]...), byte(m.marks))
}

// close removes the file.
func (k *keys) close() {
	if k.file != nil {
		_ = k.file.Close()
		_ = os.Remove(k.file.Name())
		k.file = nil
	}
}

// duplicates says how many keys stand in several rows.
type duplicates struct {
	// keys that do, and rows beyond the first of each.
	keys, rows int64
	// unclean and unnamed of those rows were not counted against these indicators already.
	unclean, unnamed int64
	first            []string
}

// duplicates goes through all keys in the order of their hashes.
func (k *keys) duplicates() (duplicates, error) {
	var d duplicates
	var current keyMark
	var n, unclean, unnamed int64
	flush := func() {
		if n > 1 {
			d.keys++
			d.rows += n - 1
			d.unclean += min(n-1, unclean)
			d.unnamed += unnamed // every one of them is in doubt
			if len(d.first) < keysShown {
				d.first = append(d.first, hex.EncodeToString(current.shown[2:]))
			}
		}
		n, unclean, unnamed = 0, 0, 0
	}
	err := k.each(func(m keyMark) {
		if n > 0 && m.hash != current.hash {
			flush()
		}
		current = m
		n++
		if m.marks&cleanMark == 0 {
			unclean++
		}
		if m.marks&identifierMark == 0 {
			unnamed++
		}
	})
	flush()
	return d, err
}

// each merges the runs.
func (k *keys) each(fn func(keyMark)) error {
	k.sort()
	if k.file == nil {
		for _, m := range k.held {
			fn(m)
		}
		return nil
	}
	if len(k.held) > 0 {
		if err := k.spill(); err != nil {
			return err
		}
	}
	var open runs
	for _, s := range k.runs {
		r := &run{r: bufio.NewReaderSize(io.NewSectionReader(k.file, s.from, s.to-s.from), 1<<14)}
		if more, err := r.next(); err != nil {
			return err
		} else if more {
			open = append(open, r)
		}
	}
	heap.Init(&open)
	for len(open) > 0 {
		fn(open[0].current)
		more, err := open[0].next()
		switch {
		case err != nil:
			return err
		case more:
			heap.Fix(&open, 0)
		default:
			heap.Pop(&open)
		}
	}
	return nil
}

// run is one sorted part of the file.
type run struct {
	r       *bufio.Reader
	current keyMark
}

func (r *run) next() (bool, error) {
	var b [markLength]byte
	if _, err := io.ReadFull(r.r, b[:]); errors.Is(err, io.EOF) {
		return false, nil
	} else if err != nil {
		return false, fmt.Errorf("read hashes of keys: %w", err)
	}
	r.current.hash = binary.BigEndian.Uint64(b[:8])
	copy(r.current.shown[:], b[8:16])
	r.current.marks = mark(b[16])
	return true, nil
}

// runs is a heap of runs by their next hash.
type runs []*run

func (r runs) Len() int           { return len(r) }
func (r runs) Less(i, j int) bool { return r[i].current.hash < r[j].current.hash }
func (r runs) Swap(i, j int)      { r[i], r[j] = r[j], r[i] }

// Push implements heap.Interface.
func (r *runs) Push(x any) { *r = append(*r, x.(*run)) }

// Pop implements heap.Interface.
func (r *runs) Pop() any {
	old := *r
	last := old[len(old)-1]
	*r = old[:len(old)-1]
	return last
}
