package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/mapping"
	"github.com/lienthong/truc/pipeline"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/schemas"
	"github.com/lienthong/truc/trial"
)

// tryRows is how many rows are tried when nothing is said.
const tryRows = 10_000

func tryVerb() verb {
	return verb{
		name: "try", args: "NAME", least: 1, most: 1,
		summary: problem.Text{VI: "dịch và kiểm tra hàng thật, không công bố gì", EN: "translate and check real rows, publish nothing"},
		help: problem.Text{VI: `
Đọc hàng thật của một luồng công bố, dịch và kiểm tra như khi chạy, nhưng không ghi gì ở đâu cả. Cho biết bao nhiêu tài
liệu hợp lệ, vi phạm và nhận xét theo trường, quy tắc và tám nhóm lỗi, khóa trùng, và năm chỉ số chất lượng. Không in
giá trị nào: khóa của các hàng lỗi đầu tiên hiện dưới dạng băm, như trong truc dlq list.

Mỗi chỉ số là tỷ lệ hàng (không kể hàng bị lọc, đã xóa) không có vi phạm hay nhận xét thuộc các nhóm của nó:

  Đúng        bất thường, mâu thuẫn, lệch dữ liệu quốc gia
  Đủ          thiếu
  Sạch        sai định dạng, trùng
  Sống        quá cũ; chưa đo khi không quy tắc nào xét
  Thống nhất  sai tham chiếu
  DQI         trung bình của các chỉ số đo được
  Định danh   khóa lập được và không trùng, thuộc tính có mẫu không lỗi: phải đạt 100 %

Mã thoát 3: có vi phạm.`, EN: `
Reads real rows of a publishing pipeline, translates and checks them as a run would, and writes nothing anywhere. Says
how many documents are valid, violations and remarks by field, rule and the eight error groups, duplicate keys, and the
five indicators of quality. No value is shown: keys of the first bad rows show as hashes, as in truc dlq list.

Each indicator is the share of rows (without filtered and deleted ones) without violation or remark of its groups:

  right        outlier, contradiction, national
  full         missing
  clean        format, duplicate
  alive        stale; not measured while no rule looks at it
  consistent   reference
  DQI          mean of those measured
  identifiers  key made and unique, properties with a pattern in order: must reach 100 %

Exit code 3: there is a violation.`},
		define: func(fs *flag.FlagSet) action {
			var o tryOptions
			fs.Int64Var(&o.rows, "rows", tryRows, "đọc nhiều nhất `N` hàng / read at most N rows")
			fs.BoolVar(&o.all, "all", false, "đọc cả bảng / read the whole table")
			fs.StringVar(&o.at, "at", "", "thử như vào ngày `DATE` / try as on this day, 2026-03-02")
			fs.IntVar(&o.documents, "document", 0, "in `N` tài liệu đầu tiên, cần --values / show the first N documents, needs --values")
			fs.BoolVar(&o.values, "values", false, "cho phép in dữ liệu của hàng / allow data of rows to be shown")
			return func(ctx context.Context, p *program) error { return p.try(ctx, o) }
		},
	}
}

type tryOptions struct {
	rows      int64
	all       bool
	at        string
	documents int
	values    bool
}

func (o *tryOptions) check() (now func() time.Time, err error) {
	switch {
	case o.rows < 1:
		return nil, &usageError{what: problem.Say("--rows %d reads nothing", o.rows), fix: problem.Say("write a number from 1, or --all")}
	case o.documents > 0 && !o.values:
		return nil, &usageError{what: problem.Say("--document shows data of rows"), fix: problem.Say("add --values if that is what you want, and nobody looks over your shoulder")}
	case o.documents < 0:
		return nil, &usageError{what: problem.Say("--document cannot be %d", o.documents), fix: problem.Say("write how many documents to show")}
	case o.at == "":
		return nil, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, o.at); err == nil {
			return func() time.Time { return t }, nil
		}
	}
	return nil, &usageError{what: problem.Say("--at cannot be %q", o.at), fix: problem.Say("write a day, 2026-03-02, or a time, 2026-03-02T08:00:00+07:00")}
}

// tryResult is what try prints with --json.
type tryResult struct {
	Pipeline string `json:"pipeline"`
	trial.Report
	Documents []tryDocument `json:"documents,omitempty"`
}

type tryDocument struct {
	Document   json.RawMessage     `json:"document"`
	Violations []schemas.Violation `json:"violations"`
}

func (p *program) try(ctx context.Context, o tryOptions) error {
	meter := newMeter(p.stderr)
	now, err := o.check()
	if err != nil {
		return err
	}
	n, pub, src, err := p.openPublishing(p.args[0])
	if err != nil {
		return err
	}
	defer src.Close()
	scanner, ok := src.(adapters.Scanner)
	if !ok {
		return &adapters.RefusedError{Where: "source " + pub.Source, What: problem.Say("its adapter cannot read rows outside of a run"), Fix: problem.Say("use an adapter that can")}
	}
	if err := n.typed(ctx, src, pub, now); err != nil {
		return err
	}
	result := tryResult{Pipeline: pub.name}
	run := trial.Run{
		Scanner: scanner, Table: pub.table, Dataset: pub.dataset, Rows: o.rows,
		Compile: func(t *record.Table) (*mapping.SourcePlan, error) {
			plan, l := mapping.CompileSource(pub.mapping, t, pub.dataset, n.tryEnv("", now))
			if plan == nil {
				return nil, l
			}
			return plan, nil
		},
		Hash:     func(key []byte) string { return pipeline.KeyHash(pub.topic, key) },
		Progress: func(rows int64) { meter.show("%s: %s", pub.name, p.both(problem.Say("%d rows", rows))) },
	}
	if o.all {
		run.Rows = 0
	}
	if o.documents > 0 {
		run.Document = func(doc []byte, violations []schemas.Violation) bool {
			result.Documents = append(result.Documents, tryDocument{slices.Clone(doc), append([]schemas.Violation{}, violations...)})
			return len(result.Documents) < o.documents
		}
	}
	report, err := run.Do(ctx)
	meter.done()
	if err != nil && !report.Interrupted {
		return sourceError(err, "sources."+pub.Source)
	}
	result.Report = report
	if p.json {
		if failed := p.printJSON(result); failed != nil {
			return failed
		}
	} else if failed := p.printTrial(result); failed != nil {
		return failed
	}
	if err == nil && report.Invalid > 0 {
		err = &codeError{code: exitNo}
	}
	return err
}

func (n *node) tryEnv(identityFix string, now func() time.Time) mapping.Env {
	env := n.env(identityFix)
	env.Now = now
	return env
}

// openPublishing builds the node as far as one publishing pipeline needs it, and opens its source.
func (p *program) openPublishing(name string) (*node, publishing, adapters.Source, error) {
	c, problems := p.load()
	if c == nil {
		return nil, publishing{}, nil, problems
	}
	pub, ok := c.Publish[name]
	if !ok {
		return nil, publishing{}, nil, unknownName(problem.Say("publishing pipeline"), name, c.PublishNames())
	}
	n, found := build(c, p.adapters, slog.New(slog.DiscardHandler))
	if n == nil {
		return nil, publishing{}, nil, append(problems, found...)
	}
	problems = append(problems, found...)
	if n.noDatasets != nil {
		return nil, publishing{}, nil, n.noDatasets
	}
	i := slices.IndexFunc(n.publish, func(q publishing) bool { return q.name == name })
	if i < 0 {
		return nil, publishing{}, nil, problems
	}
	q := n.publish[i]
	var own problem.List
	for _, f := range distinct(problems) {
		for _, path := range []string{" publish." + name, " sources." + pub.Source, displayed(pub.Mapping) + ":", " agency", " registry", " datasets"} {
			if pub.Mapping != "" && !f.Warning && strings.Contains(f.Where, path) {
				own = append(own, f)
				break
			}
		}
	}
	if own != nil {
		return nil, q, nil, own
	}
	if q.mapping == nil || q.dataset == nil || n.sources[pub.Source] == nil {
		return nil, q, nil, problems
	}
	src, err := n.openSource(pub.Source)
	if err != nil {
		return nil, q, nil, sourceError(err, "sources."+pub.Source)
	}
	return n, q, src, nil
}

// typed compiles the mapping against the table as the source describes it, and reports everything that is wrong.
func (n *node) typed(ctx context.Context, src adapters.Source, pub publishing, now func() time.Time) error {
	d, ok := src.(adapters.Describer)
	if !ok {
		return nil
	}
	infos, err := d.Describe(ctx, pub.table)
	if err != nil {
		return sourceError(err, n.tableWhere(pub))
	}
	plan, l := mapping.CompileSource(pub.mapping, infos[0].Table, pub.dataset, n.tryEnv(infos[0].IdentityFix, now))
	if plan == nil {
		return l
	}
	return nil
}

func (p *program) printTrial(r tryResult) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s → %s\n", r.Pipeline, problem.Visible(r.Table), r.Dataset)
	extent := problem.Say("the whole table")
	switch {
	case r.Interrupted:
		extent = problem.Say("interrupted")
	case !r.Complete:
		extent = problem.Say("not the whole table: --all")
	}
	p.printCounts(&b, []count{
		{title: problem.Say("read"), n: r.Rows, note: extent},
		{title: problem.Say("valid"), n: r.Valid},
		{title: problem.Say("invalid"), n: r.Invalid},
		{title: problem.Say("remarked"), n: r.Remarked, quiet: true},
		{title: problem.Say("filtered"), n: r.Filtered, quiet: true},
		{title: problem.Say("deleted"), n: r.Deleted, quiet: true},
		{title: problem.Say("without a key"), n: r.NoKey, quiet: true},
		{title: problem.Say("duplicate keys"), n: r.DuplicateRows, quiet: true},
	})
	p.printIndicators(&b, r.Indicators)
	p.printFindings(&b, r.Report)
	for i, d := range r.Documents {
		fmt.Fprintf(&b, "\n%s\n", p.both(problem.Say("document %d", i+1)))
		var pretty bytes.Buffer
		if json.Indent(&pretty, d.Document, "  ", "  ") == nil {
			b.WriteString("  " + pretty.String() + "\n")
		}
		for _, v := range d.Violations {
			fmt.Fprintf(&b, "  %s %s: %s\n", v.Pointer, v.Rule, p.both(problem.Text{VI: v.VI, EN: v.EN}))
		}
	}
	if _, err := io.WriteString(p.stdout, b.String()); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}

// count is a line of the report: how many rows are of a kind. A quiet one is left out when it is zero.
type count struct {
	title, note problem.Text
	n           int64
	quiet       bool
}

func (p *program) printCounts(b *strings.Builder, counts []count) {
	counts = slices.DeleteFunc(counts, func(c count) bool { return c.n == 0 && c.quiet })
	width := 0
	for _, c := range counts {
		width = max(width, utf8.RuneCountInString(p.both(c.title)))
	}
	for _, c := range counts {
		fmt.Fprintf(b, "  %s  %d", padded(p.both(c.title), width), c.n)
		if !c.note.Empty() {
			fmt.Fprintf(b, " (%s)", p.both(c.note))
		}
		b.WriteByte('\n')
	}
}

func (p *program) printIndicators(b *strings.Builder, i trial.Indicators) {
	fmt.Fprintf(b, "\n%s\n", p.both(problem.Say("quality")))
	indicators := []struct {
		title problem.Text
		share *float64
	}{
		{problem.Say("right"), i.Right},
		{problem.Say("full"), i.Full},
		{problem.Say("clean"), i.Clean},
		{problem.Say("alive"), i.Alive},
		{problem.Say("consistent"), i.Consistent},
		{problem.Verbatim("DQI"), i.Overall},
		{problem.Say("identifiers"), i.Identifiers},
	}
	width := 0
	for _, x := range indicators {
		width = max(width, utf8.RuneCountInString(p.both(x.title)))
	}
	for _, x := range indicators {
		note := ""
		if x.share == i.Identifiers && x.share != nil && *x.share < 1 {
			note = "   " + p.both(problem.Say("must reach 100 %%"))
		}
		fmt.Fprintf(b, "  %s  %s%s\n", padded(p.both(x.title), width), p.percentage(x.share), note)
	}
}

// percentage rounds down: 100 % is only what is whole.
func (p *program) percentage(share *float64) string {
	if share == nil {
		return p.both(problem.Say("not measured"))
	}
	return strconv.FormatFloat(float64(int64(*share*10_000))/100, 'f', 2, 64) + " %"
}

const findingsShown = 40

func (p *program) printFindings(b *strings.Builder, r trial.Report) {
	if len(r.Findings) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s\n", p.both(problem.Say("error groups")))
	for _, g := range r.Groups {
		if g.Violations+g.Remarks == 0 {
			continue
		}
		fmt.Fprintf(b, "  %s", p.both(problem.Say("%s: %d violations, %d remarks", g.Title, g.Violations, g.Remarks)))
		if len(g.Keys) > 0 {
			fmt.Fprintf(b, "; %s", p.both(problem.Say("keys: %s", strings.Join(g.Keys, " "))))
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(b, "\n%s\n", p.both(problem.Say("findings")))
	for i, f := range r.Findings {
		if i == findingsShown {
			fmt.Fprintf(b, "  … %s\n", p.both(problem.Say("%d more kinds, see --json", len(r.Findings)-i)))
			break
		}
		kind := problem.Say("remark")
		if f.Violation {
			kind = problem.Say("violation")
		}
		at := f.Field
		if at == "" {
			at = p.both(problem.Say("document"))
		}
		fmt.Fprintf(b, "  %6d  %s  %s  %s", f.Count, p.both(kind), at, f.Rule)
		if !f.Says.Empty() {
			fmt.Fprintf(b, ": %s", p.both(f.Says))
		}
		b.WriteByte('\n')
	}
}
