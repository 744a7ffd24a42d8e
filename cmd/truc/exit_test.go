package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/problem"
)

func TestExitCodes(t *testing.T) {
	running := context.Background()
	interrupted, cancel := context.WithCancel(running)
	cancel()
	for _, c := range []struct {
		name string
		ctx  context.Context
		err  error
		want int
		says string
	}{
		{"done", running, nil, 0, ""},
		{"failed", running, errors.New("disk full"), 1, "truc: disk full\n"},
		{"usage", running, &usageError{"no such flag", "try another"}, 2, "truc: no such flag\n    try another\n"},
		{"problems", running, fmt.Errorf("load: %w", problem.List{{Where: "truc.yaml:1:1", What: "wrong", Fix: "mend it"}}), 2, "truc.yaml:1:1: error: wrong\n    fix: mend it\n"},
		{"problem", running, problem.Problem{What: "wrong"}, 2, "error: wrong\n"},
		{"refused", running, &adapters.RefusedError{Where: "a", What: "b", Fix: "c"}, 2, "truc: a: b; fix: c\n"},
		{"other partitions", running, &kafka.TopicMismatchError{Topic: "t", Want: 3, Have: 1}, 2, "truc: topic t has 1 partitions, 3 are configured: set the configuration to 1, or create a new major version of the dataset\n"},
		{"no, said on stdout", running, &codeError{code: exitNo}, 3, ""},
		{"adapter's server", running, fmt.Errorf("open: %w", &adapters.UnreachableError{Where: "postgres h:5432/d", Err: errors.New("refused")}), 4, "truc: open: postgres h:5432/d is unreachable: refused\n"},
		{"broker", running, &kafka.UnreachableError{Brokers: "k:9092", Err: errors.New("refused")}, 4, "truc: reach Kafka at k:9092: refused; check the address, the network and that the broker runs\n"},
		{"gap", running, &adapters.GapError{Source: "s", From: "1", To: "2", Reason: "r"}, 5, "truc: gap in source s: r; missing from 1 to 2; fix: truc resnapshot s\n"},
		{"divergence", running, &adapters.DivergenceError{Source: "s", Reason: "r", Saved: "1", Found: "2"}, 5, "truc: divergence in source s: r; saved 1, found 2; fix: make sure that this is the right database, then truc resnapshot s\n"},
		{"interrupted", interrupted, fmt.Errorf("read: %w", context.Canceled), 130, "truc: interrupted\n"},
		{"failed while interrupted", interrupted, errors.New("disk full"), 1, "truc: disk full\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var stderr bytes.Buffer
			p := &program{stderr: &stderr}
			if got := p.exit(c.ctx, c.err); got != c.want {
				t.Errorf("code %d, want %d", got, c.want)
			}
			if stderr.String() != c.says {
				t.Errorf("stderr %q, want %q", stderr.String(), c.says)
			}
		})
	}
}

func TestRedactor(t *testing.T) {
	secrets := []string{"hunter2", "postgres://u:hunter2@h/d", "a", "p\"w\\1"}
	for text, want := range map[string]string{
		"connect postgres://u:hunter2@h/d: password hunter2 is wrong": "connect [secret]: password [secret] is wrong",
		`there is no table "a", as there is a "b"`:                    `there is no table "[secret]", as there is a "b"`,
		`level=WARN what="the table p\"w\\1 is not there"`:            `level=WARN what="the table [secret] is not there"`,
	} {
		var out bytes.Buffer
		if _, err := fmt.Fprint(newRedactor(&out, secrets), text); err != nil {
			t.Fatal(err)
		}
		if out.String() != want {
			t.Errorf("got %q, want %q", out.String(), want)
		}
		l := redacted(problem.List{{Where: text, What: text, Fix: text}}, secrets)
		if l[0].Where != want || l[0].What != want || l[0].Fix != want {
			t.Errorf("finding: %v, want %q", l, want)
		}
	}
}
