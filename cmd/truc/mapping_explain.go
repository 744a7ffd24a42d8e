package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lienthong/truc/mapping"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/schemas"
)

func mappingExplainVerb() verb {
	return verb{
		name: "mapping explain", args: "FILE", least: 1, most: 1,
		summary: problem.Text{VI: "giải thích từng thuộc tính của ánh xạ", EN: "say how each property of a mapping is made"},
		help: problem.Text{VI: `
Với mỗi thuộc tính của văn bản (hoặc mỗi cột được ghi): các cột nó đọc, hàm và bảng mã được dùng, cách tính, và những gì
có thể làm nó không hợp lệ. Với -c, kiểu cột lấy từ bảng thật của kênh dùng ánh xạ này; không có -c thì không hỏi máy chủ nào.

Mã thoát 2: ánh xạ có lỗi. 4: với -c, máy chủ không trả lời.`, EN: `
For each property of the documents (or each column that is written): the columns it reads, the functions and code tables in
it, how it is computed, and what could make it invalid. With -c the columns have the types of the real table, as the pipeline
that uses the mapping sees it; without, no server is asked.

Exit code 2: the mapping has faults. 4: with -c, the server did not answer.`},
		define: func(*flag.FlagSet) action {
			return func(ctx context.Context, p *program) error { return p.mappingExplain(ctx, p.args[0]) }
		},
	}
}

// explained is what mapping explain prints with --json.
type explained struct {
	File        string                 `json:"file"`
	Direction   string                 `json:"direction"`
	Dataset     string                 `json:"dataset"`
	Table       string                 `json:"table"`
	Typed       bool                   `json:"typed"` // the columns have the types of the real table
	Key         []string               `json:"key,omitempty"`
	Fingerprint string                 `json:"fingerprint"`
	Values      []mapping.Explanation  `json:"values"`
	Functions   []mapping.FunctionHelp `json:"functions"` // those in use
	Warnings    problem.List           `json:"warnings,omitempty"`
}

func (p *program) mappingExplain(ctx context.Context, path string) error {
	m, err := p.mappingToExplain(ctx, path)
	if err != nil {
		return err
	}
	x, problems := m.explain()
	if err := problems.Err(); err != nil {
		return err
	}
	if p.json {
		return p.printJSON(x)
	}
	printProblems(p.stderr, p.languages(), x.Warnings)
	return printExplained(p.stdout, x)
}

// explainable is a mapping with what is known around it.
type explainable struct {
	file    *mapping.File
	dataset *schemas.Dataset
	table   *record.Table // nil: not asked for
	named   string        // the table's name
	env     mapping.Env
	// told is what reading the file found that does not stand in the way.
	told problem.List
}

// mappingToExplain reads a mapping, alone or as a pipeline of the configuration that -c names uses it.
func (p *program) mappingToExplain(ctx context.Context, path string) (*explainable, error) {
	if p.configFile != "" {
		return p.configuredMapping(ctx, path)
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, &usageError{what: problem.Say("there is no file %s", path), fix: problem.Say("correct the path: it is relative to the working directory")}
	}
	set, problems := p.datasetsFor(filepath.Dir(path))
	if problems != nil {
		return nil, problems
	}
	m := &mappings{set: set, dir: folderAround(path), read: map[string]*mapping.File{}}
	file, problems := m.parse(path, displayed(path), path)
	if problems.Err() != nil || file == nil {
		return nil, inOrder(problems)
	}
	dataset, err := set.Dataset(file.Dataset)
	if err != nil {
		return nil, problemsOf(err, file.DatasetPlace(), "mapping.unknown-dataset", problem.Say("name a dataset that this version has"))
	}
	return &explainable{file: file, dataset: dataset, named: file.Table, env: mapping.Env{Set: set}, told: problems}, nil
}

// folderAround is the folder whose files a mapping may name when no configuration says it: that of the nearest truc.yaml
// above it, else the working directory, else its own.
func folderAround(path string) string {
	whole, err := filepath.Abs(path)
	if err != nil {
		return filepath.Dir(path)
	}
	if file := configAround(filepath.Dir(whole)); file != "" {
		return filepath.Dir(file)
	}
	if here, err := os.Getwd(); err == nil {
		if within, err := filepath.Rel(here, whole); err == nil && filepath.IsLocal(within) {
			return here
		}
	}
	return filepath.Dir(whole)
}

// configuredMapping finds the pipeline that uses a mapping and asks its server for the table.
func (p *program) configuredMapping(ctx context.Context, path string) (*explainable, error) {
	c, problems := p.load()
	if err := problems.Err(); err != nil {
		return nil, err
	}
	n, problems := build(c, p.adapters, slog.New(slog.DiscardHandler))
	same := func(mapped string) bool { return sameFile(mapped, path) }
	var file *mapping.File
	var dataset *schemas.Dataset
	var server any
	var table string
	var err error
	if n != nil {
		if i := slices.IndexFunc(n.publish, func(x publishing) bool { return same(x.Mapping) }); i >= 0 {
			x := n.publish[i]
			file, dataset, table = x.mapping, x.dataset, x.table
			if problems.Err() == nil {
				server, err = n.openSource(x.Source)
			}
		} else if i := slices.IndexFunc(n.subscribe, func(x subscription) bool { return same(x.Mapping) }); i >= 0 {
			x := n.subscribe[i]
			if file, dataset = x.mapping, x.dataset; file != nil {
				table = file.Table
			}
			if problems.Err() == nil {
				server, err = n.openSink(x.Sink)
			}
		} else {
			return nil, &usageError{what: problem.Say("no pipeline of %s uses the mapping %s", p.configFile, path), fix: problem.Say("name a mapping of its publish or subscribe, or leave -c out")}
		}
	}
	if faults := problems.Err(); faults != nil {
		return nil, faults
	}
	if err != nil {
		return nil, err
	}
	if closer, ok := server.(io.Closer); ok {
		defer closer.Close()
	}
	out := &explainable{file: file, dataset: dataset, named: table, env: n.env(""), told: problems}
	if d, ok := server.(describer); ok {
		asking, cancel := context.WithTimeout(ctx, serverTimeout)
		defer cancel()
		infos, err := d.Describe(asking, table)
		if err != nil {
			return nil, err
		}
		if len(infos) == 1 {
			out.table, out.env.IdentityFix = infos[0].Table, infos[0].IdentityFix
		}
	}
	return out, nil
}

func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

func (m *explainable) explain() (*explained, problem.List) {
	out := &explained{File: m.file.Name, Direction: m.file.Direction.String(), Dataset: m.dataset.ID(), Table: m.named, Typed: m.table != nil}
	var problems problem.List
	if m.file.Direction == mapping.Source {
		plan, l := mapping.CompileSource(m.file, m.table, m.dataset, m.env)
		if problems = l; plan != nil {
			out.Key, out.Fingerprint, out.Values = plan.Key(), plan.Fingerprint(), plan.Explain()
		}
	} else {
		plan, l := mapping.CompileSink(m.file, m.dataset, m.table, m.env)
		if problems = l; plan != nil {
			out.Fingerprint, out.Values = plan.Fingerprint(), plan.Explain()
		}
	}
	problems = append(slices.Clone(m.told), problems...)
	out.Warnings = problems
	for _, f := range mapping.Functions() {
		if slices.ContainsFunc(out.Values, func(x mapping.Explanation) bool { return slices.Contains(x.Functions, f.Name) }) {
			out.Functions = append(out.Functions, f)
		}
	}
	return out, inOrder(problems)
}

// partNames are the parts of a mapping for people.
func partNames(part string) string {
	switch part {
	case "fields":
		return "thuộc tính / properties"
	case "when":
		return "chỉ có khi / there when"
	case "each":
		return "danh sách từ / list made of"
	case "only":
		return "chỉ các dòng / only rows"
	case "deleted":
		return "xóa mềm / softly deleted"
	case "key":
		return "khóa của dòng / the row's key"
	case "columns":
		return "cột / columns"
	case "on_create":
		return "khi tạo dòng / when the row is made"
	case "on_delete":
		return "khi xóa / when it is deleted"
	}
	return part
}

func printExplained(w io.Writer, x *explained) error {
	var b strings.Builder
	title := "Ánh xạ nguồn / source mapping"
	if x.Direction == mapping.Sink.String() {
		title = "Ánh xạ đích / sink mapping"
	}
	typed := "chưa rõ kiểu cột / column types not known (-c)"
	if x.Typed {
		typed = "kiểu cột từ máy chủ / column types from the server"
	}
	fmt.Fprintf(&b, "%s  %s\n", title, x.File)
	fmt.Fprintf(&b, "bộ dữ liệu / dataset  %s\nbảng / table          %s (%s)\n", x.Dataset, orDash(x.Table), typed)
	if x.Key != nil {
		fmt.Fprintf(&b, "khóa / key            %s\n", strings.Join(x.Key, ", "))
	}
	fmt.Fprintf(&b, "dấu vân / fingerprint %s\n", x.Fingerprint)
	for _, v := range x.Values {
		printExplanation(&b, v)
	}
	if len(x.Functions) > 0 {
		b.WriteString("\nHàm / functions\n")
		for _, f := range x.Functions {
			fmt.Fprintf(&b, "  %s\n      %s\n      %s\n", f.Usage, f.VI, f.EN)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func orDash(s string) string {
	if s == "" {
		return "—"
	}
	return s
}

func printExplanation(b *strings.Builder, v mapping.Explanation) {
	name := v.Name
	if name == "" || v.Part == "when" || v.Part == "each" || v.Part == "key" || v.Part == "on_create" || v.Part == "on_delete" {
		name = strings.TrimSpace(name + "  [" + partNames(v.Part) + "]")
	}
	fmt.Fprintf(b, "\n%s", name)
	if v.Title["vi"] != "" {
		fmt.Fprintf(b, "  (%s / %s)", v.Title["vi"], v.Title["en"])
	}
	fmt.Fprintf(b, "\n  = %s\n  %s\n", v.Expression, v.Where)
	row := func(label, value string) {
		if value != "" {
			fmt.Fprintf(b, "  %-22s %s\n", label, value)
		}
	}
	row("đọc / reads", strings.Join(v.Reads, ", "))
	row("hàm / functions", strings.Join(v.Functions, ", "))
	row("bảng mã / code tables", strings.Join(v.Codes, ", "))
	row("cách tính / by", map[string]string{"constant": "hằng số / a constant", "plan": "nút kế hoạch / plan nodes", "cel": "CEL (chậm hơn / slower)"}[v.By])
	for i, f := range v.Failures {
		label := ""
		if i == 0 {
			label = "lỗi có thể / may fail"
		}
		fmt.Fprintf(b, "  %-22s %s: %s / %s\n", label, f.Rule, f.VI, f.EN)
	}
}
