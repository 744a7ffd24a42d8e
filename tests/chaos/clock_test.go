//go:build linux

package chaos

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/truc/tests/nodes"
)

// clocks are faults of the wall clock. Linux has one for all processes, and setting it would harm whatever else runs on the
// machine. So the nodes of such a run are built with a time.Now, in Go's own library, that is wrong by what a file says; like
// Linux it leaves the monotonic clock alone. Nothing of truc is changed.
func clocks() []fault {
	return []fault{{name: "clock stepped", mechanism: monotonic, inject: (*office).clockStepped, stepped: true, alone: true}}
}

// stepping are the edits of that build.
func stepping(tb testing.TB) []edit {
	tb.Helper()
	root := strings.TrimSpace(nodes.Command(tb, ".", "go", "env", "GOROOT").Stdout)
	clock, err := os.ReadFile("testdata/clock.go.txt")
	if err != nil {
		tb.Fatal(err)
	}
	return []edit{
		{root + "/src/time/time.go", "import (\n", "import (\n\t\"sync/atomic\"\n"},
		{root + "/src/time/time.go", "func Now() Time {\n\tsec, nsec, mono := runtimeNow()\n", "var Stepped atomic.Int64\n\nfunc Now() Time {\n\tsec, nsec, mono := runtimeNow()\n\tsec += Stepped.Load()\n"},
		{"cmd/truc/clock.go", "", string(clock)},
	}
}

// clockStepped sets the clock of both nodes forth and back. Some of them start while it is wrong.
func (o *office) clockStepped() error {
	step := func(by time.Duration) {
		nodes.Write(o.tb, o.file("clock"), strconv.Itoa(int(by.Seconds())))
		o.note("the clock is wrong by %s", by)
	}
	steps := []time.Duration{-time.Hour, 30 * time.Minute, -40 * 24 * time.Hour, 40 * 24 * time.Hour}
	o.rng.Shuffle(len(steps), func(i, j int) { steps[i], steps[j] = steps[j], steps[i] })
	for _, by := range steps {
		step(by)
		o.pause(500*time.Millisecond, 2*time.Second)
		if p := []*process{o.pub, o.sub, nil}[o.rng.IntN(3)]; p != nil {
			if err := o.killed(p); err != nil {
				return err
			}
		}
		o.pause(500*time.Millisecond, time.Second)
	}
	step(0)
	return nil
}
