package main

import (
	"context"
	"flag"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas"
	"github.com/lienthong/truc/schemas/governance"
)

func schemaListVerb() verb {
	return verb{
		name: "schema list", args: "[DATASET]", most: 1,
		summary: problem.Text{VI: "các bộ dữ liệu và trạng thái, hoặc lịch sử của một bộ", EN: "the datasets and their states, or the history of one"},
		help: problem.Text{VI: `
Mỗi phiên bản một dòng: nháp, đã đề nghị, đã duyệt, đã công bố, sắp ngừng (kèm ngày và bộ thay thế), đã ngừng. Với DATASET: ai đã
quyết định gì, khi nào, vì sao. Những bộ đi kèm truc cũng được liệt kê.`, EN: `
A line for each version: draft, proposed, approved, published, deprecated (with the day and the successor), retired. With a
DATASET: who decided what, when and why. Those that come with truc are listed too.`},
		define: func(fs *flag.FlagSet) action {
			dir := defineDir(fs)
			return func(_ context.Context, p *program) error { return p.schemaList(*dir) }
		},
	}
}

// versionShown is a line of truc schema list.
type versionShown struct {
	Dataset   string           `json:"dataset"`
	Version   string           `json:"version"`
	State     governance.State `json:"state"`
	Builtin   bool             `json:"builtin,omitempty"`
	Origin    string           `json:"origin,omitempty"`
	Since     string           `json:"since,omitempty"`
	By        string           `json:"by,omitempty"`
	Successor string           `json:"successor,omitempty"`
	Date      string           `json:"date,omitempty"`
	Title     problem.Text     `json:"title"`
}

func (p *program) schemaList(dir string) error {
	f, done, err := p.standards(dir)
	if err != nil {
		return err
	}
	defer done()
	if len(p.args) == 1 {
		return p.schemaHistory(f)
	}
	builtin, err := schemas.Builtin()
	if err != nil {
		return err
	}
	all := []versionShown{}
	for _, d := range builtin.Datasets() {
		all = append(all, versionShown{
			Dataset: d.ID(), Version: d.Version(), State: governance.Published, Builtin: true, Title: problem.Text{VI: d.Title("vi"), EN: d.Title("en")},
		})
	}
	var problems problem.List
	for _, d := range f.Datasets() {
		all = append(all, versionsOf(f, d)...)
		problems = append(problems, d.Problems...)
	}
	if p.json {
		return p.printJSON(all)
	}
	t := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	p.headings(t, "", problem.Say("dataset"), problem.Say("version"), problem.Say("state"), problem.Say("since"), problem.Say("by"), problem.Say("until"), problem.Say("successor"), problem.Say("title"))
	for _, v := range all {
		by := orDash(v.By)
		switch {
		case v.Builtin:
			by = "truc"
		case v.Origin != "":
			by = v.Origin
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", v.Dataset, orDash(v.Version), p.short(v.State.Text()), orDash(v.Since), by, orDash(v.Date), orDash(v.Successor), p.short(v.Title))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return problems.Err()
}

// versionsOf are the versions of a dataset about which something was decided, and its draft.
func versionsOf(f *governance.Folder, d *governance.Dataset) []versionShown {
	title := governance.Title(d.Working.Schema)
	origin, _ := f.Origin(d)
	var out []versionShown
	seen := map[string]bool{}
	for _, e := range d.History {
		if seen[e.Version] {
			continue
		}
		seen[e.Version] = true
		last := d.Last(e.Version)
		out = append(out, versionShown{
			Dataset: d.ID, Version: e.Version, State: last.State, Since: last.At.Local().Format(time.DateOnly), By: last.By.Name, Origin: origin,
			Successor: last.Successor, Date: last.Date, Title: title,
		})
	}
	if d.State() == governance.Draft {
		out = append(out, versionShown{Dataset: d.ID, Version: draftVersion(d), State: governance.Draft, Title: title})
	}
	return out
}

// draftVersion is the version of a working copy, "" while its schema names none that can be read.
func draftVersion(d *governance.Dataset) string {
	if d.Working.Version == (governance.Version{}) {
		return ""
	}
	return d.Working.Version.String()
}

func (p *program) schemaHistory(f *governance.Folder) error {
	d, err := f.Dataset(p.args[0])
	if err != nil {
		return err
	}
	if p.json {
		entries := d.History
		if entries == nil {
			entries = []governance.Entry{}
		}
		return p.printJSON(entries)
	}
	t := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	p.headings(t, "", problem.Say("version"), problem.Say("state"), problem.Say("at"), problem.Say("by"), problem.Say("until"), problem.Say("successor"), problem.Say("why"))
	for _, e := range d.History {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", e.Version, p.short(e.State.Text()), e.At.Local().Format("2006-01-02 15:04"), e.By, orDash(e.Date), orDash(e.Successor), orDash(e.Why))
	}
	if d.State() == governance.Draft {
		fmt.Fprintf(t, "%s\t%s\t\t\t\t\t\n", orDash(draftVersion(d)), p.short(governance.Draft.Text()))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return d.Problems.Err()
}
