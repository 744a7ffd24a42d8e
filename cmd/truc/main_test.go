package main

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/lienthong/truc/tests/servers"
)

func TestMain(m *testing.M) {
	testscript.Main(withServers{m}, map[string]func(){"truc": main})
}

// withServers stops the servers that tests started when the last of them is done.
type withServers struct{ *testing.M }

func (w withServers) Run() int { return servers.Main(w.M) }

// TestScripts runs the sessions in testdata: what a user types, what truc answers.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
		Setup: func(e *testscript.Env) error {
			e.Setenv("TRUC_CONFIG", "")
			e.Setenv("TRUC_LANG", "en")
			return nil
		},
	})
}

// TestVerbsExplainThemselves: a flag of a verb under the name of one that all verbs have would end the program.
func TestVerbsExplainThemselves(t *testing.T) {
	for _, v := range verbs() {
		var stdout, stderr strings.Builder
		code := Main(t.Context(), append(strings.Fields(v.name), "-h"), strings.NewReader(""), &stdout, &stderr, func(string) (string, bool) { return "", false })
		if code != 0 || !strings.Contains(stdout.String(), "usage: truc "+v.name) {
			t.Errorf("truc %s -h ends with %d\n%s%s", v.name, code, stdout.String(), stderr.String())
		}
	}
}

// exits runs a command and demands an exit code: `exits 2 truc check`.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARGS...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var failed *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &failed) {
		got = failed.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}
