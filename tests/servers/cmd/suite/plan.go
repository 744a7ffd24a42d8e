package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/lienthong/truc/tests/servers"
)

const module = "github.com/lienthong/truc/"

// selection is a package with tests on PostgreSQL, and the flag that chooses those that depend on its version.
type selection struct{ pkg, flag string }

// versioned are the packages that run on every version of PostgreSQL, the longest first.
func versioned() []selection {
	return []selection{
		{module + "tests/e2e", "-skip=" + anyOf(onOneVersion())},
		{module + "adapters/postgres", ""},
		{module + "tests/docs", "-run=^(TestExamples|TestFirstDataset|TestGettingStarted|TestSubscriber|TestAbsent)$"},
		{module + "cmd/truc", "-run=^(TestCheckPostgres|TestLostSlot)$"},
		{module + "tests/sinks", ""},
		{module + "discover", ""},
	}
}

// job is one call of go test.
type job struct {
	postgres  int      // major version, 0 for the default one
	variables []string // of the environment, over those that name the servers
	args      []string
	places    int // packages that it works on at once
}

// plan makes of the arguments of go test what has to be done, in the order in which it is begun.
func plan(ctx context.Context, args []string, processors int) ([]job, error) {
	others, err := otherVersions(ctx)
	if err != nil {
		return nil, err
	}
	var flags, patterns []string
	for _, arg := range args {
		if strings.HasPrefix(arg, "-") {
			flags = append(flags, arg)
		} else {
			patterns = append(patterns, arg)
		}
	}
	list := exec.CommandContext(ctx, "go", append([]string{"list"}, patterns...)...)
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("list packages (a flag's value is written with =): %w", err)
	}
	return jobs(others, flags, strings.Fields(string(out)), processors), nil
}

// otherVersions are those of PostgreSQL that truc supports, but the default one; none when the environment chooses a server.
func otherVersions(ctx context.Context) ([]int, error) {
	for _, chosen := range []string{"TRUC_TEST_POSTGRES", "TRUC_TEST_PGBIN", "TRUC_TEST_PGVERSION"} {
		if os.Getenv(chosen) != "" {
			return nil, nil
		}
	}
	version, err := servers.PostgresVersion(ctx)
	if err != nil {
		if servers.IsMissing(err) && servers.SkipAllowed() {
			return nil, nil
		}
		return nil, err
	}
	return slices.DeleteFunc(servers.PostgresVersions(), func(v int) bool { return v == version }), nil
}

// jobs begins with the packages under the race detector, which are many and take turns on all processors, as go test has them
// do. What runs without it, and again on other versions of PostgreSQL, fills what they leave, a package at a time. A -run among
// the flags goes before ours.
func jobs(otherVersions []int, flags, packages []string, processors int) []job {
	raced := packages
	var plain []string
	if slices.Contains(flags, "-race") {
		raced, plain = nil, nil
		for _, p := range packages {
			if withoutRace()[strings.TrimPrefix(p, module)] == "" {
				raced = append(raced, p)
			} else {
				plain = append(plain, p)
			}
		}
	}
	var out []job
	if len(raced) > 0 {
		out = append(out, job{args: slices.Concat([]string{fmt.Sprint("-p=", processors)}, flags, raced), places: processors})
	}
	flags = slices.DeleteFunc(slices.Clone(flags), func(f string) bool { return f == "-race" })
	chosen := slices.ContainsFunc(flags, func(f string) bool { return strings.HasPrefix(f, "-run=") })
	// The binaries that are released, cross-compiled and linted are built without cgo: what is built like them is built once.
	alone := func(postgres int, args ...string) job {
		return job{postgres: postgres, variables: []string{"CGO_ENABLED=0"}, args: slices.Concat([]string{"-p=1"}, flags, args), places: 1}
	}
	var on []job
	for _, s := range versioned() {
		if i := slices.Index(plain, s.pkg); i >= 0 {
			on = append(on, alone(0, s.pkg))
			plain = slices.Delete(plain, i, i+1)
		}
		if !slices.Contains(packages, s.pkg) {
			continue
		}
		for _, v := range otherVersions {
			if s.flag == "" || chosen {
				on = append(on, alone(v, s.pkg))
			} else {
				on = append(on, alone(v, s.flag, s.pkg))
			}
		}
	}
	if len(plain) > 0 {
		out = append(out, alone(0, plain...))
	}
	return append(out, on...)
}

// anyOf is the pattern of the tests that a table names.
func anyOf(tests map[string]string) string {
	return "^(" + strings.Join(slices.Sorted(maps.Keys(tests)), "|") + ")$"
}
