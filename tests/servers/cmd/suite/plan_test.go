package main

import (
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRounds(t *testing.T) {
	t.Parallel()
	const adapter, e2e = module + "adapters/postgres", module + "tests/e2e"
	tests := map[string]struct {
		version  int
		flags    []string
		packages []string
		want     []round
	}{
		"everything": {
			15,
			[]string{"-race", "-shuffle=on"},
			[]string{module + "record", adapter, e2e},
			[]round{
				{17, [][]string{{"-shuffle=on", adapter}, {"-shuffle=on", versioned()[e2e], e2e}}},
				{18, [][]string{{"-shuffle=on", adapter}, {"-shuffle=on", versioned()[e2e], e2e}}},
			},
		},
		"a test of choice": {
			17,
			[]string{"-run=TestWire"},
			[]string{e2e},
			[]round{{15, [][]string{{"-run=TestWire", e2e}}}, {18, [][]string{{"-run=TestWire", e2e}}}},
		},
		"nothing on PostgreSQL": {15, nil, []string{module + "record"}, nil},
		"a version of somebody's own": {
			16, nil,
			[]string{adapter},
			[]round{{15, [][]string{{adapter}}}, {17, [][]string{{adapter}}}, {18, [][]string{{adapter}}}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, rounds(test.version, test.flags, test.packages), cmp.AllowUnexported(round{})); diff != "" {
				t.Errorf("rounds (-want +got):\n%s", diff)
			}
		})
	}
}

// A test that works on PostgreSQL must not be missing in the rounds because nobody thought of the list: packages that ask
// for a server are on it, and the tests that it leaves out do not ask.
func TestVersionedPackages(t *testing.T) {
	t.Parallel()
	asking, err := exec.CommandContext(t.Context(), "git", "grep", "--full-name", "-lE", `servers\.(New)?Postgres\(`, "--", ":/*_test.go").Output()
	if err != nil {
		t.Skipf("no git here: %v", err)
	}
	// Three measure, two run everything with faults or for long, one is about servers.
	exempt := []string{module + "tests/bench", module + "tests/peers", module + "tests/workload", module + "tests/chaos", module + "tests/year", module + "tests/servers"}
	for file := range strings.FieldsSeq(string(asking)) {
		p := module + path.Dir(file)
		if _, ok := versioned()[p]; !ok && !slices.Contains(exempt, p) {
			t.Errorf("%s asks for PostgreSQL, and its package is in no round", file)
		}
	}
}
