package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/discover"
	"github.com/lienthong/truc/problem"
)

func discoverVerb() verb {
	return verb{
		name: "discover", args: "SOURCE [TABLE...]", least: 1, most: -1,
		summary: problem.Text{VI: "xem bảng của một nguồn, viết nháp ánh xạ", EN: "look at tables, draft mappings"},
		help: problem.Text{VI: `
Xem các bảng của một nguồn trong cấu hình: cột, kiểu, khóa, khóa ngoại, và tối đa 1000 hàng của mỗi bảng. Cho biết
bộ dữ liệu nào hợp với bảng, và viết nháp ánh xạ: mỗi dòng có độ tin cậy và lý do. Điều chưa chắc chỉ là chú thích;
bảng mã văn bản nghi ngờ chỉ được nêu ra, không tự áp dụng. Không in giá trị của hàng nào nếu không có --samples;
riêng mã của cột mã (giới tính, trạng thái) được liệt kê để điền nghĩa.

Mã thoát 3: không bộ dữ liệu nào hợp.`, EN: `
Looks at the tables of a source: columns, types, keys, foreign keys, and at most 1000 rows of each. Says which dataset
a table resembles, and drafts a mapping in which each line has a confidence and a reason. What is not certain is only a
comment; a suspected text encoding is named and never applied. No value of a row is shown without --samples; only the
codes of coded columns are listed, to be given a meaning. Nothing is changed anywhere.

Exit code 3: no dataset fits.`},
		define: func(fs *flag.FlagSet) action {
			var o discoverOptions
			fs.StringVar(&o.dataset, "dataset", "", "viết nháp cho bộ dữ liệu `ID` / draft for this dataset, whatever fits best")
			fs.StringVar(&o.out, "out", "", "ghi bản nháp vào `FILE` mới / write the draft into a new file")
			fs.BoolVar(&o.samples, "samples", false, "in vài giá trị của mỗi cột / show some values of each column")
			return func(ctx context.Context, p *program) error { return p.discover(ctx, o) }
		},
	}
}

type discoverOptions struct {
	dataset, out string
	samples      bool
}

func (p *program) discover(ctx context.Context, o discoverOptions) error {
	meter := newMeter(p.stderr)
	n, src, err := p.openOneSource(p.args[0])
	if err != nil {
		return err
	}
	defer src.Close()
	describer, ok := src.(adapters.Describer)
	if !ok {
		return &adapters.RefusedError{Where: "source " + p.args[0], What: problem.Say("its adapter cannot describe tables"), Fix: problem.Say("write the mapping by hand: truc mapping new")}
	}
	if o.dataset != "" {
		if _, err := n.set.Dataset(o.dataset); err != nil {
			return problemList(problemsOf(err, "--dataset", "discover.dataset", problem.Say("name a dataset that this version has")))
		}
	}
	if o.out != "" {
		if _, err := os.Lstat(o.out); err == nil {
			return fileExists(o.out)
		}
	}
	infos, err := describer.Describe(ctx, p.args[1:]...)
	if err != nil {
		return sourceError(err, "sources."+p.args[0])
	}
	opt := discover.Options{Set: n.set, Dataset: o.dataset, Samples: o.samples, Languages: p.languages()}
	if !n.config.Faulty("agency") {
		opt.Agency = n.config.Agency
	}
	finder, err := discover.New(opt)
	if err != nil {
		return err
	}
	if scanner, ok := src.(adapters.Scanner); ok {
		if err := finder.LearnFrom(ctx, describer, scanner); err != nil {
			return sourceError(err, "sources."+p.args[0])
		}
	}
	tables := make([]discover.Table, 0, len(infos))
	for i, info := range infos {
		meter.show("%d/%d %s", i+1, len(infos), problem.Visible(info.Table.String()))
		t, err := look(ctx, src, info, finder)
		if err != nil {
			meter.done()
			return sourceError(err, "sources."+p.args[0])
		}
		tables = append(tables, t)
	}
	meter.done()
	return p.printDiscovery(tables, o)
}

// openOneSource builds the node as far as it is sound and opens one of its sources. What is wrong elsewhere in the
// configuration, such as a mapping that is not written yet, does not matter here.
func (p *program) openOneSource(name string) (*node, adapters.Source, error) {
	c, problems := p.load()
	if c == nil {
		return nil, nil, problems
	}
	if _, ok := c.Sources[name]; !ok {
		return nil, nil, unknownName(problem.Say("source"), name, c.SourceNames())
	}
	n, found := build(c, p.adapters, slog.New(slog.DiscardHandler))
	problems = append(problems, found...)
	if n == nil {
		return nil, nil, problems
	}
	if n.noDatasets != nil || c.Faulty("datasets") {
		return nil, nil, about(problems, "datasets")
	}
	if n.sources[name] == nil || c.Faulty("sources."+name) {
		return nil, nil, about(problems, "sources."+name)
	}
	src, err := n.openSource(name)
	if err != nil {
		return nil, nil, sourceError(err, "sources."+name)
	}
	return n, src, nil
}

// about keeps the findings on one path of the configuration and below; all of them when none is.
func about(l problem.List, path string) problem.List {
	var out problem.List
	for _, p := range distinct(l) {
		if i := strings.Index(p.Where, path); i >= 0 && !p.Warning {
			out = append(out, p)
		}
	}
	if out == nil {
		return l
	}
	return out
}

// problemList is a list as an error, also when it holds warnings only.
func problemList(l problem.List) error {
	if len(l) == 0 {
		return nil
	}
	return l
}

// sourceError gives what a source answered the place of its configuration and the exit code of its kind.
func sourceError(err error, where string) error {
	var one problem.Problem
	var ref *problem.Problem
	if errors.As(err, &one) || errors.As(err, &ref) {
		return placed(problemsOf(err, "", "", problem.Text{}), nil, where)
	}
	return err
}

func fileExists(path string) error {
	return problem.List{{Code: "cmd.file-exists", Where: path, What: problem.Say("the file is there already, and nothing is overwritten"), Fix: problem.Say("name another file, or move this one away")}}
}

// look describes one table with a sample of its rows. A table whose rows cannot be read is described without them.
func look(ctx context.Context, src adapters.Source, info adapters.TableInfo, finder *discover.Discoverer) (discover.Table, error) {
	scanner, ok := src.(adapters.Scanner)
	if !ok {
		return described(info, problem.Say("its adapter cannot read rows outside of a run"), problem.Say("use an adapter that can"), finder), nil
	}
	table, rows, err := discover.Rows(ctx, scanner, info.Table.String(), discover.MaxRows)
	var refused *adapters.RefusedError
	switch {
	case errors.As(err, &refused):
		return described(info, refused.What, refused.Fix, finder), nil
	case err != nil:
		return discover.Table{}, err
	}
	return finder.Describe(info, table, rows), nil
}

func described(info adapters.TableInfo, unread, fix problem.Text, finder *discover.Discoverer) discover.Table {
	t := finder.Describe(info, nil, nil)
	t.Unread, t.UnreadFix = unread, fix
	return t
}

func (p *program) printDiscovery(tables []discover.Table, o discoverOptions) error {
	var drafted []discover.Table
	for _, t := range tables {
		if t.Draft != nil {
			drafted = append(drafted, t)
		}
	}
	if o.out != "" {
		if len(drafted) > 1 {
			return &usageError{what: problem.Say("--out takes one draft, and %d tables fit a dataset", len(drafted)), fix: problem.Say("name one table: truc discover %s %s --out %s", p.args[0], drafted[0].Name, o.out)}
		}
		if len(drafted) == 1 {
			if err := writeNew(o.out, drafted[0].Draft.YAML); err != nil {
				return err
			}
		}
	}
	if p.json {
		if err := p.printJSON(map[string]any{"source": p.args[0], "tables": tables}); err != nil {
			return err
		}
	} else {
		var b strings.Builder
		for _, t := range tables {
			p.printTable(&b, t)
			if t.Draft != nil && o.out == "" {
				fmt.Fprintf(&b, "\n%s\n", t.Draft.YAML)
			}
			b.WriteByte('\n')
		}
		switch {
		case len(tables) == 0:
			b.WriteString(p.both(problem.Say("The source has no tables.")) + "\n")
		case len(drafted) == 0:
			b.WriteString(p.both(problem.Say("No dataset fits these tables; --dataset ID drafts all the same.")) + "\n")
		case o.out != "":
			b.WriteString(p.both(problem.Say("The draft is %s. Mend it, then run: truc check.", problem.Visible(o.out))) + "\n")
		}
		if _, err := io.WriteString(p.stdout, b.String()); err != nil {
			return fmt.Errorf("write result: %w", err)
		}
	}
	if len(drafted) == 0 {
		return &codeError{code: exitNo}
	}
	return nil
}

// writeNew creates a file and refuses one that is there.
func writeNew(path, content string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // a file for people, as an editor would create it
	if errors.Is(err, os.ErrExist) {
		return fileExists(path)
	}
	if err != nil {
		return fmt.Errorf("create file: %w", err)
	}
	_, err = io.WriteString(f, content)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("write file: %w", err)
	}
	return nil
}
