package pipeline

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
)

// sortedBy reads a sorter to its end.
func sortedBy[R words](t *testing.T, s *sorter[R]) (out []R) {
	t.Helper()
	from, err := s.sorted()
	if err != nil {
		t.Fatal(err)
	}
	for {
		r, more, err := from.next()
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			return out
		}
		out = append(out, r)
	}
}

// TestSorter: whatever is held and whatever is spilled, all records come back in order, as often as they were added, twice over.
func TestSorter(t *testing.T) {
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 1))
	for range 300 {
		s := sorter[[3]uint64]{dir: t.TempDir(), limit: 1 + rnd.IntN(20)}
		var all [][3]uint64
		for range rnd.IntN(200) {
			r := [3]uint64{rnd.Uint64N(30), rnd.Uint64N(3), rnd.Uint64() >> rnd.IntN(64)}
			all = append(all, r)
			if err := s.add(r); err != nil {
				t.Fatal(err)
			}
		}
		slices.SortFunc(all, func(a, b [3]uint64) int { return slices.Compare(a[:], b[:]) })
		for range 2 {
			if got := sortedBy(t, &s); !slices.Equal(got, all) {
				t.Fatalf("seed %d, %d records of %d held at a time: got %v, want %v", seed, len(all), s.limit, got, all)
			}
		}
		s.close()
	}
}

// TestSorterReadsLongRuns: a run is longer than the buffer through which it is read back.
func TestSorterReadsLongRuns(t *testing.T) {
	s := sorter[[5]uint64]{dir: t.TempDir(), limit: 5000}
	defer s.close()
	const n = 12_345
	for i := range uint64(n) {
		if err := s.add([5]uint64{(i * 7919) % n, i}); err != nil {
			t.Fatal(err)
		}
	}
	got := sortedBy(t, &s)
	for i, r := range got {
		if r[0] != uint64(i) {
			t.Fatalf("record %d has the key %d", i, r[0])
		}
	}
	if len(got) != n {
		t.Errorf("%d records, want %d", len(got), n)
	}
}

// TestSorterFile: few records need no file; with many there is one, which nobody else can read and which does not outlive it.
func TestSorterFile(t *testing.T) {
	dir := t.TempDir()
	s := sorter[[1]uint64]{dir: dir, limit: 10}
	add := func(n int) {
		t.Helper()
		for i := range n {
			if err := s.add([1]uint64{uint64(i)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	add(9)
	if s.file != nil {
		t.Error("9 records of 10 are in a file")
	}
	add(1)
	if s.file == nil {
		t.Fatal("10 records are held")
	}
	if info, err := s.file.Stat(); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("others can read it: %v, %v", info.Mode(), err)
	}
	if left, err := os.ReadDir(dir); err != nil || runtime.GOOS != "windows" && len(left) > 0 {
		t.Errorf("a process that is killed leaves %v, %v", left, err)
	}
	s.close()
	s.close()
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("it leaves %v, %v", left, err)
	}
}

// TestSorterWithoutRoom: what cannot be written or read back is an error that says where, never fewer records.
func TestSorterWithoutRoom(t *testing.T) {
	nowhere := filepath.Join(t.TempDir(), "missing")
	s := sorter[[2]uint64]{dir: nowhere, limit: 2}
	_ = s.add([2]uint64{1})
	err := s.add([2]uint64{2})
	if p := Explain(err); p.Code != "run.temp-space" || p.Where != nowhere || p.Fix.VI == p.Fix.EN {
		t.Errorf("no such folder: %+v", p)
	}
	full := sorter[[2]uint64]{limit: 2}
	if full.file, err = os.OpenFile("/dev/full", os.O_RDWR, 0); err != nil {
		t.Skip("this system has no device that is always full")
	}
	defer full.close()
	_ = full.add([2]uint64{1})
	if _, ok := errors.AsType[*TempSpaceError](full.add([2]uint64{2})); !ok {
		t.Error("a full disk goes unnoticed")
	}
	cut := sorter[[2]uint64]{dir: t.TempDir(), limit: 2}
	defer cut.close()
	for i := range uint64(4) {
		if err := cut.add([2]uint64{i}); err != nil {
			t.Fatal(err)
		}
	}
	if err := cut.file.Truncate(48); err != nil {
		t.Fatal(err)
	}
	if _, err := cut.sorted(); err == nil {
		t.Error("a file that was cut short gives what is left of it")
	}
}

// BenchmarkSorter says what a key costs that is spilled and read back.
func BenchmarkSorter(b *testing.B) {
	s := sorter[[3]uint64]{dir: b.TempDir()}
	defer s.close()
	rnd := rand.New(rand.NewPCG(1, 2))
	for range b.N {
		if err := s.add([3]uint64{rnd.Uint64()}); err != nil {
			b.Fatal(err)
		}
	}
	from, err := s.sorted()
	if err != nil {
		b.Fatal(err)
	}
	for more := true; more; {
		if _, more, err = from.next(); err != nil {
			b.Fatal(err)
		}
	}
}
