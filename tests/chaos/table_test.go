//go:build linux

package chaos

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// table counts, for each fault, the runs in which it happened and how they ended.
type results struct {
	faults    map[string]*result
	longest   time.Duration
	memoryMiB int
	changes   int
}

type result struct {
	runs, failed, restarts int
	longest                time.Duration // until the sink had everything
	kinds                  map[string]bool
}

func newTable() *results { return &results{faults: map[string]*result{}} }

func (r *results) add(o *office, v *verdict) {
	r.longest, r.memoryMiB = max(r.longest, o.settled), max(r.memoryMiB, o.memoryMiB)
	r.changes += o.book.changes()
	for _, name := range slices.Compact(slices.Sorted(slices.Values(o.injected))) {
		f := r.faults[name]
		if f == nil {
			f = &result{kinds: map[string]bool{}}
			r.faults[name] = f
		}
		f.runs++
		f.restarts += o.restarts
		f.longest = max(f.longest, o.settled)
		if !v.ok() {
			f.failed++
		}
		for kind := range v.kinds {
			f.kinds[kind] = true
		}
	}
}

// String is the table in Markdown.
func (r *results) String() string {
	var b strings.Builder
	b.WriteString("| fault | runs | failed | found | settled within |\n|---|---|---|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(r.faults)) {
		f := r.faults[name]
		found := strings.Join(slices.Sorted(maps.Keys(f.kinds)), ", ")
		fmt.Fprintf(&b, "| %s | %d | %d | %s | %.1f s |\n", name, f.runs, f.failed, found, f.longest.Seconds())
	}
	fmt.Fprintf(&b, "\n%d changes; a node took at most %d MiB; the sink had everything at most %.1f s after the last change.", r.changes, r.memoryMiB, r.longest.Seconds())
	return b.String()
}
