package main

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/pipeline"
	"github.com/lienthong/truc/problem"
)

func verifyVerb() verb {
	return verb{
		name: "verify", args: "[NAME...]", most: -1, summary: "compare source, topic and sink key by key",
		help: `
For a publishing pipeline the table, translated, is compared with the topic, and control totals are left on the
bus when they agree; for a delivery the topics, translated, with the sink's table and with the control totals. A
key that differs is looked at again until it agrees or the time given by --settle has passed. Differing keys are
named by a short hash. With write: update, keys of which the delivery wrote no row are left out and counted; with write:
append there is nothing to compare, which is said. Exit code 3: something differs.`,
		define: func(fs *flag.FlagSet) action {
			settle := fs.Duration("settle", 10*time.Second, "how long a key may differ before it counts, as `DURATION`")
			return func(ctx context.Context, p *program) error { return p.verify(ctx, *settle) }
		},
	}
}

func (p *program) verify(ctx context.Context, settle time.Duration) error {
	n, conn, err := p.openNode(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := n.knownPipelines(p.args); err != nil {
		return err
	}
	verdicts, err := n.verify(ctx, conn, p.args, pipeline.VerifyOptions{Settle: settle})
	if err != nil {
		return err
	}
	if p.json {
		err = p.printJSON(map[string]any{"verify": verdicts, "equal": allEqual(verdicts)})
	} else {
		err = p.printVerdicts(verdicts)
	}
	if err == nil && !allEqual(verdicts) {
		err = &codeError{code: exitNo}
	}
	return err
}

// knownPipelines refuses names that the configuration does not have.
func (n *node) knownPipelines(names []string) error {
	var known []string
	for _, b := range n.letterboxes() {
		known = append(known, b.pipeline)
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return unknownName(problem.Say("pipeline"), name, known)
		}
	}
	return nil
}

// verify compares the named pipelines, all of them when none is named.
func (n *node) verify(ctx context.Context, conn *connection, names []string, opt pipeline.VerifyOptions) ([]pipeline.Verdict, error) {
	wanted := func(name string) bool { return len(names) == 0 || slices.Contains(names, name) }
	l, err := n.assemble(ctx, conn)
	if err != nil {
		return nil, err
	}
	var verdicts []pipeline.Verdict
	for _, p := range n.publish {
		if !wanted(p.name) {
			continue
		}
		v, err := n.verifyPublish(ctx, conn, p, opt)
		if err != nil {
			return nil, err
		}
		verdicts = append(verdicts, v)
	}
	for _, d := range l.deliveries {
		if !wanted(d.Stats().Name) {
			continue
		}
		v, err := d.Verify(ctx, opt)
		if err != nil {
			return nil, err
		}
		if v.Skipped != (problem.Text{}) && len(names) > 0 {
			return nil, &adapters.RefusedError{Where: "subscribe." + v.Pipeline, What: v.Skipped, Fix: problem.Say("leave %s out: truc verify without names passes it over", v.Pipeline)}
		}
		verdicts = append(verdicts, v)
	}
	return verdicts, nil
}

func (n *node) verifyPublish(ctx context.Context, conn *connection, p publishing, opt pipeline.VerifyOptions) (pipeline.Verdict, error) {
	src, err := n.openSource(p.Source)
	if err != nil {
		return pipeline.Verdict{}, err
	}
	defer src.Close()
	return pipeline.VerifyPublish(ctx, pipeline.KafkaBus{Client: conn.Client}, src, p.Source, n.pipelineOf(p), opt)
}

func allEqual(verdicts []pipeline.Verdict) bool {
	return !slices.ContainsFunc(verdicts, func(v pipeline.Verdict) bool { return !v.Equal && v.Skipped == problem.Text{} })
}

func (p *program) printVerdicts(verdicts []pipeline.Verdict) error {
	var b strings.Builder
	for _, v := range verdicts {
		if v.Skipped != (problem.Text{}) {
			for _, l := range p.languages() {
				fmt.Fprintf(&b, "%s: %s: %s\n", v.Pipeline, map[problem.Language]string{problem.Vietnamese: "bỏ qua", problem.English: "skipped"}[l], v.Skipped.In(l))
			}
			continue
		}
		verdict := "equal"
		if !v.Equal {
			verdict = "NOT EQUAL"
		}
		fmt.Fprintf(&b, "%s: %s: %s %d keys, %s %d keys", v.Pipeline, verdict, v.Left, v.LeftKeys, v.Right, v.RightKeys)
		if v.Excluded > 0 {
			fmt.Fprintf(&b, ", %d with an open dead letter left out", v.Excluded)
		}
		if v.Absent > 0 {
			fmt.Fprintf(&b, ", %d that were never written left out (write: update)", v.Absent)
		}
		if v.Totals != "" {
			fmt.Fprintf(&b, ", control totals: %s", v.Totals)
		}
		b.WriteByte('\n')
		for _, d := range v.Differences {
			fmt.Fprintf(&b, "  key %s: %s\n", d.Key, d.What)
		}
		if more := v.DifferenceCount - int64(len(v.Differences)); more > 0 && !v.Equal {
			fmt.Fprintf(&b, "  and %d more\n", more)
		}
	}
	if _, err := fmt.Fprint(p.stdout, b.String()); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}
