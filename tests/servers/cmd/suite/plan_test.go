package main

import (
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
				{17, [][]string{{"-shuffle=on", adapter}, {"-shuffle=on", "-run=" + versioned()[e2e], e2e}}},
				{18, [][]string{{"-shuffle=on", adapter}, {"-shuffle=on", "-run=" + versioned()[e2e], e2e}}},
			},
		},
		"a test of choice": {
			17,
			[]string{"-run=TestWire"},
			[]string{e2e},
			[]round{{15, [][]string{{"-run=TestWire", e2e}}}, {18, [][]string{{"-run=TestWire", e2e}}}},
		},
		"nothing that reads the log": {15, nil, []string{module + "record"}, nil},
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
