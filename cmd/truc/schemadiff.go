package main

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/lienthong/truc/pipeline"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas"
	"github.com/lienthong/truc/schemas/compat"
	"github.com/lienthong/truc/schemas/governance"
)

func schemaDiffVerb() verb {
	return verb{
		name: "schema diff", args: "DATASET | A B", least: 1, most: 2,
		summary: problem.Text{VI: "hai phiên bản khác nhau chỗ nào, và có tương thích không", EN: "what changed between two versions, and whether anybody breaks"},
		help: problem.Text{VI: `
Đọc như một bản ghi thay đổi. Một DATASET: bản nháp so với các phiên bản đã công bố, DATASET@1.0.0 thì với phiên bản ấy. A và B là tệp lược đồ, bộ dữ liệu hoặc
DATASET@PHIÊN-BẢN, bản cũ trước. Cho biết ở mỗi mức có tương thích không; khi không, cho thấy một tài liệu mà bên ghi được viết
còn bên đọc từ chối, và thay đổi nhỏ nhất sẽ qua được.

--mode sound (mặc định): bên ghi theo lược đồ đóng, bên đọc bỏ qua thuộc tính lạ. --mode strict: bảng quy tắc của các registry.

Mã thoát 3: không tương thích ở mức của bộ dữ liệu.`, EN: `
Reads like a changelog. One DATASET: its draft against the published versions, DATASET@1.0.0 against that one. A and B are schema files, datasets or
DATASET@VERSION, the older one first. Says for each level whether it is compatible; when it is not, shows a document that
writers may write and readers refuse, and the smallest change that would pass.

--mode sound (default): writers keep to the closed schema, readers pass over properties they do not know. --mode strict: the
rule table of the field's registries.

Exit code 3: not compatible at the dataset's level.`},
		define: func(fs *flag.FlagSet) action {
			dir := defineDir(fs)
			mode := fs.String("mode", string(compat.Sound), "cách xét `MODE`: sound hoặc strict / how to judge, `MODE`: sound or strict")
			level := fs.String("level", "", "mức `LEVEL` thay cho mức của bộ dữ liệu / `LEVEL` instead of the dataset's own")
			return func(ctx context.Context, p *program) error {
				return p.schemaDiff(ctx, *dir, compat.Mode(*mode), compat.Level(strings.ToUpper(*level)))
			}
		},
	}
}

// diffShown is what truc schema diff prints with --json.
type diffShown struct {
	From string `json:"from,omitempty"`
	To   string `json:"to"`
	governance.Comparison
	// Users are whom a refusal concerns; absent where nobody breaks, or no bus could be asked.
	Users []pipeline.Use `json:"users,omitempty"`
	// NewCodes are what the lists of the newer version have more.
	NewCodes []listNews `json:"newCodes,omitempty"`
}

func (p *program) schemaDiff(ctx context.Context, dir string, mode compat.Mode, level compat.Level) error {
	if mode != compat.Sound && mode != compat.Strict {
		return &usageError{what: problem.Say("%q is no way of judging", mode), fix: problem.Say("write --mode sound or --mode strict")}
	}
	f, done, err := p.standards(dir)
	if err != nil {
		return err
	}
	defer done()
	updated, earlier, err := p.compared(f)
	if err != nil {
		return err
	}
	if level == "" && len(earlier) > 0 {
		if level, err = governance.LevelOf(earlier[len(earlier)-1].Schema); err != nil {
			return err
		}
	}
	if level == "" {
		level = governance.DefaultLevel
	}
	if !known(level) {
		return &usageError{what: problem.Say("%q is no compatibility level", level), fix: problem.Say("use one of %s", levelNames())}
	}
	c, err := governance.Compare(level, mode, updated, earlier)
	if err != nil {
		return problem.Problem{Code: "governance.compare", What: problem.Say("the two cannot be compared: %v", err), Fix: problem.Say("both must be JSON Schemas; what a $ref leads to must be in the folder (--dir)")}
	}
	shown := diffShown{To: updated.Name, Comparison: *c}
	if len(earlier) > 0 {
		shown.From = earlier[len(earlier)-1].Name
	}
	asked, name := false, governedName(append(earlier, updated)...)
	if !c.Judgement.Compatible && name != "" {
		shown.Users, asked = p.usersOf(ctx, name)
	}
	shown.NewCodes = p.newCodes(ctx, f, name, c.Lists)
	if p.json {
		err = p.printJSON(shown)
	} else {
		p.printDiff(shown)
		err = p.printNewCodes(shown.NewCodes)
		if err == nil && asked {
			err = p.printUsers(name, shown.Users)
		}
	}
	if err == nil && !c.Judgement.Compatible {
		err = &codeError{code: exitNo}
	}
	return err
}

func known(level compat.Level) bool {
	for _, l := range compat.Levels() {
		if l == level {
			return true
		}
	}
	return false
}

func levelNames() string {
	names := make([]string, 0, len(compat.Levels()))
	for _, l := range compat.Levels() {
		names = append(names, string(l))
	}
	return strings.Join(names, ", ")
}

// compared finds what the arguments name.
func (p *program) compared(f *governance.Folder) (updated governance.Text, earlier []governance.Text, err error) {
	set, wrong := f.Set()
	if wrong != nil {
		if set, err = schemas.Builtin(); err != nil {
			return governance.Text{}, nil, err
		}
	}
	if len(p.args) == 1 {
		if wrong != nil {
			return governance.Text{}, nil, wrong
		}
		d, t, err := f.WorkingCopy(set, p.args[0])
		if err != nil {
			return governance.Text{}, nil, err
		}
		if d.Problems != nil {
			return governance.Text{}, nil, d.Problems
		}
		if _, _, version := governance.SplitName(p.args[0]); version != "" {
			earlier, err := d.At(version)
			return t, []governance.Text{earlier}, err
		}
		return t, d.Versions, nil
	}
	texts := make([]governance.Text, 2)
	for i, name := range p.args {
		if texts[i], err = oneText(f, set, wrong, name); err != nil {
			return governance.Text{}, nil, err
		}
	}
	return texts[1], texts[:1], nil
}

// oneText finds a schema file, a published version or a working copy.
func oneText(f *governance.Folder, set *schemas.Set, wrong error, name string) (governance.Text, error) {
	if strings.HasSuffix(name, ".json") {
		raw, err := readNamed(name)
		return governance.FileText(name, raw, set), err
	}
	dataset, major, version := governance.SplitName(name)
	d, notFound := f.Dataset(name)
	switch {
	case notFound == nil && version != "" && d.Problems != nil:
		return governance.Text{}, d.Problems
	case notFound == nil && version != "":
		return d.At(version)
	case notFound == nil && wrong != nil:
		return governance.Text{}, wrong
	case notFound == nil:
		_, t, err := f.WorkingCopy(set, name)
		return t, err
	}
	// What comes with truc has no history; its one version is the published one.
	for _, d := range set.Datasets() {
		if d.Name() == dataset && (major == 0 || d.Major() == major) && (version == "" || d.Version() == version) {
			return governance.LoadedText(d), nil
		}
	}
	return governance.Text{}, notFound
}

func (p *program) printDiff(s diffShown) {
	for i, l := range p.languages() {
		if i > 0 {
			fmt.Fprintln(p.stdout)
		}
		if s.From == "" {
			fmt.Fprintln(p.stdout, problem.Say("%s: nothing is published yet", s.To).In(l))
		} else {
			fmt.Fprintf(p.stdout, "%s → %s\n", s.From, s.To)
		}
		if s.From != "" && len(s.Changes) == 0 {
			fmt.Fprintln(p.stdout, "  "+problem.Say("nothing has changed").In(l))
		}
		p.printChanges(l, s.Changes)
		p.printComparison(l, &s.Comparison)
	}
}

// printChanges writes a changelog.
func (p *program) printChanges(l problem.Language, changes []governance.Change) {
	t := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	for _, c := range changes {
		sign := map[string]string{"added": "+", "removed": "-", "changed": "~", "text": "·"}[c.Kind]
		where := c.Where
		if where == "" {
			where = "#"
		}
		fmt.Fprintf(t, "  %s %s\t%s\n", sign, where, c.What.In(l))
	}
	_ = t.Flush()
}

// printComparison writes the verdict: at the dataset's level, at all levels, and the refusals with their documents.
func (p *program) printComparison(l problem.Language, c *governance.Comparison) {
	say := func(t problem.Text) { fmt.Fprintln(p.stdout, t.In(l)) }
	if c.Judgement.Compatible {
		say(problem.Say("compatible at %s (%s)", c.Judgement.Level, c.Judgement.Mode))
	} else {
		say(problem.Say("NOT compatible at %s (%s)", c.Judgement.Level, c.Judgement.Mode))
	}
	var yes, no []string
	for _, level := range compat.Levels() {
		if c.ByLevel[string(level)] {
			yes = append(yes, string(level))
		} else {
			no = append(no, string(level))
		}
	}
	if len(no) > 0 {
		say(problem.Say("  yes at %s", strings.Join(yes, ", ")))
		say(problem.Say("  no at %s", strings.Join(no, ", ")))
	}
	for _, r := range c.Judgement.Refusals {
		say(problem.Say("  %s", r.What))
		if r.Document != nil {
			say(problem.Say("    a document that shows it: %s", r.Document))
		}
		say(problem.Say("    smallest change that would pass: %s", r.Fix))
	}
	switch {
	case c.Bump == governance.BumpMajor && c.Needed != "":
		major, _, _ := strings.Cut(c.Needed, ".")
		say(problem.Say("or make it a new major version, another dataset in a folder v%s beside this one: %s", major, c.Needed))
	case c.Needed != "":
		say(problem.Say("the change asks for version %s at least", c.Needed))
	}
}
