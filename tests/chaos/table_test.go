//go:build linux

package chaos

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lienthong/truc/tests/nodes"
)

// report is what runs found, as TRUC_CHAOS_REPORT names a file for it.
type report struct {
	Passed, Failed int
	Changes        int // that clerks committed
	MemoryMiB      int // the most that a node took
	SettledSeconds float64
	Faults         []*faultRow
	Mutants        []*mutantRow
}

// faultRow counts the runs in which a fault happened and how they ended.
type faultRow struct {
	Name, Mechanism string
	Gap             bool `json:",omitempty"`
	Runs, Failed    int
	Found           []string `json:",omitempty"`
	SettledSeconds  float64  // the longest, until the sink had everything
}

// mutantRow says what told that a mechanism is missing.
type mutantRow struct {
	Name   string
	Faults []string
	Runs   int
	Told   []string // kinds of wrong; none: it was not told
}

// results collects what the runs of several lanes find.
type results struct {
	mu     sync.Mutex
	report report
}

func (r *results) add(o *office, v *verdict) {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := &r.report
	if v.ok() {
		all.Passed++
	} else {
		all.Failed++
	}
	all.SettledSeconds, all.MemoryMiB = max(all.SettledSeconds, o.settled.Seconds()), max(all.MemoryMiB, o.memoryMiB)
	all.Changes += o.book.changes()
	for _, name := range slices.Compact(slices.Sorted(slices.Values(o.injected))) {
		i := slices.IndexFunc(all.Faults, func(f *faultRow) bool { return f.Name == name })
		if i < 0 {
			i = len(all.Faults)
			f := faultNamed(name)
			all.Faults = append(all.Faults, &faultRow{Name: name, Mechanism: f.mechanism, Gap: f.mechanism == namedGap})
		}
		f := all.Faults[i]
		f.Runs++
		f.SettledSeconds = max(f.SettledSeconds, o.settled.Seconds())
		if !v.ok() {
			f.Failed++
		}
		f.Found = slices.Compact(slices.Sorted(slices.Values(append(f.Found, slices.Collect(maps.Keys(v.kinds))...))))
	}
}

func faultNamed(name string) fault {
	all := faults()
	return all[slices.IndexFunc(all, func(f fault) bool { return f.name == name })]
}

// keep puts a part of the report into the file that the environment names; the other parts stay.
func keep(tb testing.TB, change func(*report)) {
	tb.Helper()
	path := os.Getenv("TRUC_CHAOS_REPORT")
	if path == "" {
		return
	}
	var all report
	if text, err := os.ReadFile(path); err == nil {
		if err := json.Unmarshal(text, &all); err != nil {
			tb.Fatalf("%s: %v", path, err)
		}
	}
	change(&all)
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		tb.Fatal(err)
	}
	nodes.Write(tb, path, string(text)+"\n")
}

// Markdown is the table: promise, mechanism, fault, runs, outcome.
func (r *report) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d runs passed, %d failed; %d changes; a node took at most %d MiB (limit %d); the sink had everything at most %s after the last change.\n\n",
		r.Passed, r.Failed, r.Changes, r.MemoryMiB, limitMiB, time.Duration(r.SettledSeconds*float64(time.Second)).Round(100*time.Millisecond))
	b.WriteString("| promise | mechanism | fault | runs | outcome | settled within |\n|---|---|---|---|---|---|\n")
	slices.SortStableFunc(r.Faults, func(a, b *faultRow) int {
		return strings.Compare(strconv.FormatBool(a.Gap)+a.Mechanism+a.Name, strconv.FormatBool(b.Gap)+b.Mechanism+b.Name)
	})
	for _, f := range r.Faults {
		promise, outcome := "nothing lost, twice or out of order; no operator", "held"
		if f.Gap {
			promise = "never silent; the advice mends it"
		}
		if f.Failed > 0 {
			outcome = fmt.Sprintf("%d failed: %s", f.Failed, strings.Join(f.Found, ", "))
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %d | %s | %.1f s |\n", promise, f.Mechanism, f.Name, f.Runs, outcome, f.SettledSeconds)
	}
	if len(r.Mutants) > 0 {
		b.WriteString("\n| mechanism taken out | fault | told in run | verdict |\n|---|---|---|---|\n")
	}
	for _, m := range r.Mutants {
		told := strings.Join(m.Told, ", ")
		if told == "" {
			told = "not told"
		}
		fmt.Fprintf(&b, "| %s | %s | %d | %s |\n", m.Name, strings.Join(m.Faults, ", "), m.Runs, told)
	}
	return b.String()
}

var update = flag.Bool("update", false, "write the table of results into docs/chaos.md")

const (
	page   = "../../docs/chaos.md"
	begins = "<!-- results: begin -->\n"
	ends   = "<!-- results: end -->\n"
)

// The page shows the report that is kept beside the tests.
func TestPage(t *testing.T) {
	text, err := os.ReadFile("testdata/report.json")
	if err != nil {
		t.Fatal(err)
	}
	var r report
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	shown, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(shown), begins)
	old, after, ok2 := strings.Cut(rest, ends)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the results", page)
	}
	if want := r.Markdown(); old != want && *update {
		nodes.Write(t, page, before+begins+want+ends+after)
	} else if old != want {
		t.Errorf("%s does not show testdata/report.json; go test ./tests/chaos -run TestPage -update", page)
	}
}
