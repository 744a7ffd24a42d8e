package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/pipeline"
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
		{"failed", running, errors.New("disk full"), 1, "error: disk full\n    fix: look at the log of the node around this time; when it comes again after a restart, report it\n"},
		{"usage", running, &usageError{problem.Say("no such flag"), problem.Say("try another")}, 2, "truc: no such flag\n    try another\n"},
		{"problems", running, fmt.Errorf("load: %w", problem.List{{Where: "truc.yaml:1:1", What: problem.Say("wrong"), Fix: problem.Say("mend it")}}), 2, "truc.yaml:1:1: error: wrong\n    fix: mend it\n"},
		{"problem", running, problem.Problem{What: problem.Say("wrong")}, 2, "error: wrong\n"},
		{"refused", running, &adapters.RefusedError{Where: "a", What: problem.Say("b"), Fix: problem.Say("c")}, 2, "a: error: b\n    fix: c\n"},
		{"other partitions", running, &kafka.TopicMismatchError{Topic: "t", Want: 3, Have: 1}, 2, "t: error: the topic has 1 partitions, 3 are configured\n    fix: write partitions: 1, or publish a new major version of the dataset\n"},
		{"no right to the group", running, fmt.Errorf("source s: %w", &kafka.GroupError{Group: "truc-h44-source-s", Err: errors.New("refused")}), 2, "truc-h44-source-s: error: Kafka does not let this user take part in the consumer group that decides which node reads a source: refused\n    fix: allow this user READ on the group truc-h44-source-s, and let nothing else use its name\n"},
		{"no, said on stdout", running, &codeError{code: exitNo}, 3, ""},
		{"adapter's server", running, fmt.Errorf("open: %w", &adapters.UnreachableError{Where: "postgres h:5432/d", Err: errors.New("refused")}), 4, "postgres h:5432/d: error: the server cannot be reached or broke off: refused\n    fix: start the server, or correct its address; a running node tries again by itself and loses nothing\n"},
		{"broker", running, &kafka.UnreachableError{Brokers: "k:9092", Err: errors.New("refused")}, 4, "k:9092: error: Kafka cannot be reached: refused\n    fix: check the address, the network and that the broker runs; a running node tries again by itself and loses nothing\n"},
		{"gap", running, &adapters.GapError{Source: "s", From: "1", To: "2", Reason: problem.Verbatim("r")}, 5, "sources.s: error: changes are missing from 1 to 2: r\n    fix: truc resnapshot s reads the tables again and deletes from the topics what vanished meanwhile\n"},
		{"divergence", running, &adapters.DivergenceError{Source: "s", Reason: problem.Verbatim("r"), Saved: "1", Found: "2"}, 5, "sources.s: error: the source is not the one that was read before: r; saved 1, found 2\n    fix: make sure that this is the right database, then truc resnapshot s\n"},
		{"taken over", running, fmt.Errorf("source s: %w", pipeline.ErrTakenOver), 6, "error: another truc has taken this source over: it publishes now, and nothing of this one can land any more\n    fix: let the other one run; should this one publish, stop the other and start this one again\n"},
		{"fenced off", running, errors.Join(errors.New("other"), &kafka.FencedError{}), 6, "error: another truc has taken this source over: it publishes now, and nothing of this one can land any more\n    fix: let the other one run; should this one publish, stop the other and start this one again\n"},
		{"interrupted", interrupted, fmt.Errorf("read: %w", context.Canceled), 130, "truc: interrupted\n"},
		{"failed while interrupted", interrupted, errors.New("disk full"), 1, "error: disk full\n    fix: look at the log of the node around this time; when it comes again after a restart, report it\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var stderr bytes.Buffer
			p := &program{stderr: &stderr, lang: "en"}
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
		l := redacted(problem.List{{Where: text, What: problem.Verbatim(text), Fix: problem.Verbatim(text)}}, secrets)
		if l[0].Where != want || l[0].What.EN != want || l[0].Fix.EN != want {
			t.Errorf("finding: %v, want %q", l, want)
		}
	}
}
