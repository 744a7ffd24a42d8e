package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/lienthong/truc/tests/servers"
)

const module = "github.com/lienthong/truc/"

// versioned are the tests that depend on the version of PostgreSQL: everything of its adapter, and of the end-to-end tests
// a reader that dies and one whose source changes under it. Packages that only need some database are not among them.
func versioned() map[string]string {
	return map[string]string{
		module + "adapters/postgres": "",
		module + "tests/e2e":         "^(TestTwoNodes|TestRestoredBackup|TestFailover)$",
	}
}

// plan finds the rounds on other versions of PostgreSQL for the arguments of go test.
func plan(ctx context.Context, args []string) ([]round, error) {
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
	return rounds(version, flags, strings.Fields(string(out))), nil
}

// rounds are the runs of go test on each version but the default one. A -run among the flags goes before ours. The race
// detector is left out: it has seen the same code on the default version, and doubles what a round costs.
func rounds(version int, flags, packages []string) []round {
	chosen := slices.ContainsFunc(flags, func(f string) bool { return strings.HasPrefix(f, "-run=") })
	tests := versioned()
	var runs [][]string
	for _, p := range packages {
		run, ok := tests[p]
		if !ok {
			continue
		}
		args := slices.DeleteFunc(slices.Clone(flags), func(f string) bool { return f == "-race" })
		if run != "" && !chosen {
			args = append(args, "-run="+run)
		}
		runs = append(runs, append(args, p))
	}
	if runs == nil {
		return nil
	}
	var out []round
	for _, v := range servers.PostgresVersions() {
		if v != version {
			out = append(out, round{postgres: v, tests: runs})
		}
	}
	return out
}
