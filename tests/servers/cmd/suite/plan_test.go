package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestJobs(t *testing.T) {
	t.Parallel()
	const adapter, e2e, records, pipelines = module + "adapters/postgres", module + "tests/e2e", module + "record", module + "pipeline"
	skip := versioned()[0].flag
	alone := func(postgres int, args ...string) job {
		return job{postgres, []string{"CGO_ENABLED=0"}, append([]string{"-p=1"}, args...), 1}
	}
	tests := map[string]struct {
		others   []int
		flags    []string
		packages []string
		want     []job
	}{
		"everything": {
			[]int{17, 18},
			[]string{"-race", "-shuffle=on"},
			[]string{records, adapter, e2e, pipelines},
			[]job{
				{0, nil, []string{"-p=2", "-race", "-shuffle=on", adapter, pipelines}, 2},
				alone(0, "-shuffle=on", records),
				alone(0, "-shuffle=on", e2e),
				alone(17, "-shuffle=on", skip, e2e), alone(18, "-shuffle=on", skip, e2e),
				alone(17, "-shuffle=on", adapter), alone(18, "-shuffle=on", adapter),
			},
		},
		"without the detector": {
			[]int{18},
			nil,
			[]string{records, e2e},
			[]job{{0, nil, []string{"-p=2", records, e2e}, 2}, alone(18, skip, e2e)},
		},
		"a test of choice": {
			[]int{15, 18},
			[]string{"-race", "-run=TestWire"},
			[]string{e2e},
			[]job{alone(0, "-run=TestWire", e2e), alone(15, "-run=TestWire", e2e), alone(18, "-run=TestWire", e2e)},
		},
		"nothing on PostgreSQL": {[]int{17}, []string{"-race"}, []string{pipelines}, []job{{0, nil, []string{"-p=2", "-race", pipelines}, 2}}},
		"a server of choice":    {nil, []string{"-race"}, []string{adapter}, []job{{0, nil, []string{"-p=2", "-race", adapter}, 2}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, jobs(test.others, test.flags, test.packages, 2), cmp.AllowUnexported(job{})); diff != "" {
				t.Errorf("jobs (-want +got):\n%s", diff)
			}
		})
	}
}
