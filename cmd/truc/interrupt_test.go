package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/truc/adapters/all"
	"github.com/lienthong/truc/problem"
)

// TestInterrupted presses Ctrl-C while servers that take connections and say nothing are waited for: every verb ends at once,
// with the exit code of an interruption and not with what the servers "answered" then.
func TestInterrupted(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	b := &bench{dir: t.TempDir()}
	b.write(t, "khai_sinh.yaml", birthsMapping)
	b.write(t, "tre_em.yaml", childrenMapping)
	b.write(t, "truc.yaml", strings.ReplaceAll(`agency: H44.15
registry: { url: https://chuan.phutho.example/ }
bus: { kafka: { brokers: ["SILENT"] } }
sources: { hotich: { postgres: { dsn: "postgres://truc@SILENT/hotich" } } }
publish: { khaisinh: { source: hotich, mapping: khai_sinh.yaml } }
sinks: { bhyt: { postgres: { dsn: "postgres://truc@SILENT/bhyt" } } }
subscribe: { tre_em: { agencies: [H44.*], sink: bhyt, mapping: tre_em.yaml } }
http: { listen: "127.0.0.1:0" }
`, "SILENT", silent.Addr().String()))
	t.Chdir(b.dir)
	for _, args := range []string{"check", "check --json", "run", "verify", "dlq list", "resnapshot hotich --yes"} {
		t.Run(args, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			stop := time.AfterFunc(500*time.Millisecond, cancel)
			defer stop.Stop()
			var stdout, stderr lockedBuffer
			started := time.Now()
			code := Main(ctx, strings.Fields(args), strings.NewReader(""), &stdout, &stderr, os.LookupEnv)
			if took := time.Since(started); took > 5*time.Second {
				t.Errorf("took %s", took)
			}
			if code != exitInterrupted || stdout.String() != "" || stderr.String() != "truc: interrupted\n" {
				t.Errorf("exit %d\n%s%s", code, stdout.String(), stderr.String())
			}
		})
	}
}

// TestConfirmWithoutTerminal: cron and systemd give /dev/null, which looks like a terminal and has no answer.
func TestConfirmWithoutTerminal(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	var stderr bytes.Buffer
	p := &program{stdin: null, stderr: &stderr, adapters: all.Registry()}
	err = p.confirm(t.Context(), false, problem.Say("every row will be read again"))
	if got := exitCode(t.Context(), err); got != exitUsage || !strings.Contains(fmt.Sprint(err), "nothing was done") {
		t.Errorf("exit code %d, %v", got, err)
	}
}
