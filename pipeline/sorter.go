package pipeline

import (
	"bufio"
	"container/heap"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/lienthong/truc/problem"
)

// words are the records of a sorter: numbers that are compared one by one, the first of them being the key.
type words interface {
	~[1]uint64 | ~[2]uint64 | ~[3]uint64 | ~[4]uint64 | ~[5]uint64 | ~[6]uint64
}

const (
	// sorterBytes is what a sorter holds in memory; beyond it records go to a file, in sorted runs.
	sorterBytes = 16 << 20
	// A run is read back through a buffer: all of them together take as much as one run does, unless there are thousands.
	minRunBuffer, maxRunBuffer = 4 << 10, 64 << 10
)

// sorter puts any number of records in order. Few stay in memory; many are spilled to one temporary file in the folder that
// TMPDIR names (on Windows TMP), which only this user can read and which is gone when the sorter is closed, or the process dies.
type sorter[R words] struct {
	// dir is where the file is made and limit how many records are held; zero values are the defaults, tests have others.
	dir   string
	limit int

	held []R
	file *os.File
	// named says that the file could not be unlinked while it is open (Windows).
	named bool
	runs  []sortedRun
	end   int64
}

// sortedRun is where a run stands in the file.
type sortedRun struct{ from, to int64 }

// TempSpaceError says that a temporary file could not be written or read back: the disk is full, or the folder is not there.
type TempSpaceError struct {
	Dir string
	Err error
}

func (e *TempSpaceError) Error() string {
	return fmt.Sprintf("temporary folder %s: hashes of keys could not be kept in a file: %v; fix: free disk space there, or set TMPDIR (on Windows TMP) to a folder with room", e.Dir, e.Err)
}

func (e *TempSpaceError) Unwrap() error { return e.Err }

func (e *TempSpaceError) explain() problem.Problem {
	return problem.Problem{
		Code: "run.temp-space", Where: e.Dir,
		What: problem.Say("hashes of keys could not be kept in a temporary file: %v", e.Err),
		Fix:  problem.Say("free disk space there (about 100 bytes a key), or set TMPDIR (on Windows TMP) to a folder with room, then do it again"),
	}
}

func (s *sorter[R]) folder() string {
	if s.dir == "" {
		return os.TempDir()
	}
	return s.dir
}

func recordSize[R words]() int {
	var r R
	return len(r) * 8
}

// add takes a record.
func (s *sorter[R]) add(r R) error {
	s.held = append(s.held, r)
	limit := s.limit
	if limit == 0 {
		limit = sorterBytes / recordSize[R]()
	}
	if len(s.held) < limit {
		return nil
	}
	return s.spill()
}

func compareWords[R words](a, b R) int {
	for i := range len(a) {
		switch {
		case a[i] < b[i]:
			return -1
		case a[i] > b[i]:
			return 1
		}
	}
	return 0
}

// spill writes what is held as a run.
func (s *sorter[R]) spill() error {
	if s.file == nil {
		f, err := os.CreateTemp(s.folder(), "truc-keys-*")
		if err != nil {
			return &TempSpaceError{s.folder(), err}
		}
		s.file, s.named = f, os.Remove(f.Name()) != nil
	}
	slices.SortFunc(s.held, compareWords[R])
	w := bufio.NewWriterSize(s.file, maxRunBuffer)
	var b []byte
	for _, r := range s.held {
		b = b[:0]
		for i := range len(r) {
			b = binary.LittleEndian.AppendUint64(b, r[i])
		}
		if _, err := w.Write(b); err != nil {
			return &TempSpaceError{s.folder(), err}
		}
	}
	if err := w.Flush(); err != nil {
		return &TempSpaceError{s.folder(), err}
	}
	next := s.end + int64(len(s.held))*int64(recordSize[R]())
	s.runs = append(s.runs, sortedRun{s.end, next})
	s.end, s.held = next, s.held[:0]
	return nil
}

// close removes the file. It may be called again.
func (s *sorter[R]) close() {
	s.held = nil
	if s.file == nil {
		return
	}
	_ = s.file.Close()
	if s.named {
		_ = os.Remove(s.file.Name())
	}
	s.file = nil
}

// sorted gives the records in order. It may be called again, when the one before has been read; nothing is added after it.
func (s *sorter[R]) sorted() (*sortedRecords[R], error) {
	if s.file == nil {
		slices.SortFunc(s.held, compareWords[R])
		return &sortedRecords[R]{held: s.held}, nil
	}
	if len(s.held) > 0 {
		if err := s.spill(); err != nil {
			return nil, err
		}
	}
	s.held = nil // the buffers of the runs take its room
	size := min(max(sorterBytes/len(s.runs), minRunBuffer), maxRunBuffer)
	size -= size % recordSize[R]()
	out := &sortedRecords[R]{dir: s.folder()}
	for _, at := range s.runs {
		r := &runReader[R]{buffer: make([]byte, 0, size), file: io.NewSectionReader(s.file, at.from, at.to-at.from), left: at.to - at.from}
		if more, err := r.next(); err != nil {
			return nil, &TempSpaceError{out.dir, err}
		} else if more {
			out.runs = append(out.runs, r)
		}
	}
	heap.Init(&out.runs)
	return out, nil
}

// sortedRecords are the records of a sorter in order.
type sortedRecords[R words] struct {
	dir  string
	held []R
	runs runHeap[R]
}

func (s *sortedRecords[R]) next() (r R, more bool, err error) {
	if len(s.runs) == 0 {
		if len(s.held) == 0 {
			return r, false, nil
		}
		r, s.held = s.held[0], s.held[1:]
		return r, true, nil
	}
	r = s.runs[0].current
	more, err = s.runs[0].next()
	switch {
	case err != nil:
		return r, false, &TempSpaceError{s.dir, err}
	case more:
		heap.Fix(&s.runs, 0)
	default:
		heap.Pop(&s.runs)
	}
	return r, true, nil
}

// runReader reads a run.
type runReader[R words] struct {
	file    *io.SectionReader
	left    int64 // bytes that are not in the buffer yet
	buffer  []byte
	at      int
	current R
}

func (r *runReader[R]) next() (more bool, err error) {
	if r.at == len(r.buffer) {
		if r.left == 0 {
			return false, nil
		}
		r.buffer, r.at = r.buffer[:min(int64(cap(r.buffer)), r.left)], 0
		if _, err := io.ReadFull(r.file, r.buffer); err != nil {
			return false, err
		}
		r.left -= int64(len(r.buffer))
	}
	for i := range len(r.current) {
		r.current[i] = binary.LittleEndian.Uint64(r.buffer[r.at:])
		r.at += 8
	}
	return true, nil
}

// runHeap has the run with the lowest next record first.
type runHeap[R words] []*runReader[R]

func (h runHeap[R]) Len() int           { return len(h) }
func (h runHeap[R]) Less(i, j int) bool { return compareWords(h[i].current, h[j].current) < 0 }
func (h runHeap[R]) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push implements heap.Interface.
func (h *runHeap[R]) Push(x any) { *h = append(*h, x.(*runReader[R])) } //nolint:forcetypeassert // of this heap

// Pop implements heap.Interface.
func (h *runHeap[R]) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}

// lastOfKeys passes on the last record of each key.
type lastOfKeys[R words] struct {
	from    *sortedRecords[R]
	ahead   R
	waiting bool
}

func (l *lastOfKeys[R]) next() (r R, more bool, err error) {
	if !l.waiting {
		if l.ahead, l.waiting, err = l.from.next(); err != nil || !l.waiting {
			return r, false, err
		}
	}
	for {
		r = l.ahead
		if l.ahead, l.waiting, err = l.from.next(); err != nil {
			return r, false, err
		}
		if !l.waiting || l.ahead[0] != r[0] {
			return r, true, nil
		}
	}
}
