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
		name: "verify", args: "[NAME...]", most: -1, summary: problem.Text{VI: "so nguồn, chủ đề và bảng đích, từng khóa một", EN: "compare source, topic and sink key by key"},
		help: problem.Text{VI: `
Với luồng công bố: so bảng (đã dịch) với chủ đề, và để lại tổng kiểm trên bus khi hai bên khớp; với luồng nhận: so chủ
đề (đã dịch) với bảng đích và với tổng kiểm. Khóa nào khác được xem lại cho đến khi khớp hoặc hết thời gian --settle.
Khóa khác nhau hiện dưới dạng băm ngắn. Với write: update, những khóa mà luồng nhận không ghi dòng nào được bỏ ra và
đếm; với write: append không có gì để so, và lệnh nói rõ điều đó. Mã thoát 3: có chỗ khác nhau.`, EN: `
For a publishing pipeline the table, translated, is compared with the topic, and control totals are left on the
bus when they agree; for a delivery the topics, translated, with the sink's table and with the control totals. A
key that differs is looked at again until it agrees or the time given by --settle has passed. Differing keys are
named by a short hash. With write: update, keys of which the delivery wrote no row are left out and counted; with write:
append there is nothing to compare, which is said. Exit code 3: something differs.`},
		define: func(fs *flag.FlagSet) action {
			settle := fs.Duration("settle", 10*time.Second, "một khóa được khác bao lâu (`DURATION`) trước khi bị tính / how long a key may differ before it counts, as `DURATION`")
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
				fmt.Fprintf(&b, "%s: %s: %s\n", v.Pipeline, problem.Say("skipped").In(l), v.Skipped.In(l))
			}
			continue
		}
		for _, l := range p.languages() {
			fmt.Fprintf(&b, "%s: %s\n", v.Pipeline, verdictText(&v).In(l))
		}
		for _, d := range v.Differences {
			fmt.Fprintf(&b, "  %s %s: %s\n", p.short(problem.Say("key")), d.Key, p.short(differenceText(d.What)))
		}
		if more := v.DifferenceCount - int64(len(v.Differences)); more > 0 && !v.Equal {
			fmt.Fprintf(&b, "  %s\n", p.short(problem.Say("and %d more", more)))
		}
	}
	if _, err := fmt.Fprint(p.stdout, b.String()); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}

// verdictText says how a comparison ended.
func verdictText(v *pipeline.Verdict) problem.Text {
	parts := []problem.Text{problem.Say("equal")}
	if !v.Equal {
		parts[0] = problem.Say("NOT EQUAL")
	}
	parts[0] = problem.Say("%s: %s %d keys, %s %d keys", parts[0], sideText(v.Left), v.LeftKeys, sideText(v.Right), v.RightKeys)
	if v.Excluded > 0 {
		parts = append(parts, problem.Say("%d with an open dead letter left out", v.Excluded))
	}
	if v.Absent > 0 {
		parts = append(parts, problem.Say("%d that were never written left out (write: update)", v.Absent))
	}
	if v.Totals != "" {
		parts = append(parts, problem.Say("control totals: %s", totalsText(v.Totals)))
	}
	return problem.Join(parts, ", ")
}

// sideText names what is compared.
func sideText(side string) problem.Text {
	switch side {
	case "source":
		return problem.Say("source")
	case "topic":
		return problem.Say("topic")
	case "sink":
		return problem.Say("sink")
	}
	return problem.Verbatim(side)
}

// differenceText says in both languages how a key differs.
func differenceText(what string) problem.Text {
	switch what {
	case "content differs":
		return problem.Say("content differs")
	case "missing in the topic":
		return problem.Say("missing in the topic")
	case "missing in the sink":
		return problem.Say("missing in the sink")
	case "only in the topic, not in the source":
		return problem.Say("only in the topic, not in the source")
	case "only in the sink, not in the topic":
		return problem.Say("only in the sink, not in the topic")
	}
	return problem.Verbatim(what)
}

// totalsText says in both languages what came of the control totals.
func totalsText(what string) problem.Text {
	topic, differs := strings.CutSuffix(strings.TrimPrefix(what, "the topic "), " differs from the control totals its publisher left")
	switch {
	case what == "equal":
		return problem.Say("equal")
	case differs:
		return problem.Say("the topic %s differs from the control totals its publisher left", topic)
	}
	return problem.Verbatim(what)
}
