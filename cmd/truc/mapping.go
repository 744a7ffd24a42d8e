package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lienthong/truc/discover"
	"github.com/lienthong/truc/mapping"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas"
)

func mappingNewVerb() verb {
	return verb{
		name: "mapping new", args: "DATASET", least: 1, most: 1,
		summary: problem.Text{VI: "viết khung ánh xạ để bắt đầu", EN: "write a mapping to begin with"},
		help: problem.Text{VI: `
Viết một ánh xạ có mọi thuộc tính của bộ dữ liệu làm chú thích, kèm tên và biểu thức mẫu. Khi đã có cơ sở dữ liệu thì
truc discover viết nháp tốt hơn.`, EN: `
Writes a mapping with every property of the dataset as a comment, its title and a sample expression. With the database
at hand, truc discover drafts a better one.`},
		define: func(fs *flag.FlagSet) action {
			table := fs.String("table", "", "tên bảng `T` / name of the table")
			sink := fs.Bool("sink", false, "ánh xạ đích: tài liệu thành hàng / a sink mapping: documents become rows")
			out := fs.String("out", "", "ghi vào `FILE` mới / write into a new file")
			return func(_ context.Context, p *program) error { return p.mappingNew(*table, *sink, *out) }
		},
	}
}

func (p *program) mappingNew(table string, sink bool, out string) error {
	if table == "" {
		return &usageError{what: problem.Say("truc mapping new needs --table"), fix: problem.Say("name the table: truc mapping new %s --table public.khai_sinh", p.args[0])}
	}
	set, problems := p.datasetsFor(".")
	if problems != nil {
		return problems
	}
	dataset, err := set.Dataset(p.args[0])
	if err != nil {
		return problemList(problemsOf(err, "", "mapping.unknown-dataset", problem.Say("name a dataset that this version has")))
	}
	text := discover.Starter(dataset, table, sink, set)
	switch {
	case out != "":
		if err := writeNew(out, text); err != nil {
			return err
		}
		text = fmt.Sprintf("Đã ghi %s. / %s is written.\n", out, out)
		if p.json {
			return p.printJSON(map[string]string{"file": out})
		}
	case p.json:
		return p.printJSON(map[string]string{"yaml": text})
	}
	if _, err := io.WriteString(p.stdout, text); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}

func mappingTestVerb() verb {
	return verb{
		name: "mapping test", args: "FILE...", least: 1, most: -1,
		summary: problem.Text{VI: "chạy ví dụ trong ánh xạ", EN: "run the examples in mappings"},
		help: problem.Text{VI: `
Chạy examples: trong các tệp ánh xạ, không cần cơ sở dữ liệu, và cho biết thuộc tính nào khác mong đợi.

Mã thoát 3: một ví dụ sai. 2: ánh xạ sai.`, EN: `
Runs examples: of mapping files without a database, and says which properties are not as expected.

Exit code 3: an example fails. 2: a mapping is wrong.`},
		define: func(*flag.FlagSet) action {
			return func(_ context.Context, p *program) error { return p.mappingTest() }
		},
	}
}

// mappingResult is what mapping test says of one file.
type mappingResult struct {
	File     string          `json:"file"`
	Dataset  string          `json:"dataset,omitempty"`
	OK       bool            `json:"ok"`
	Examples []exampleResult `json:"examples"`
	// Problems are why examples failed, or what keeps the mapping from being compiled.
	Problems problem.List `json:"problems"`
	wrong    bool
}

type exampleResult struct {
	Name  string `json:"name"`
	Where string `json:"where"`
	OK    bool   `json:"ok"`
}

func (p *program) mappingTest() error {
	results := make([]mappingResult, 0, len(p.args))
	sets := map[string]*schemas.Set{} // by folder
	for _, path := range p.args {
		dir := filepath.Dir(path)
		if sets[dir] == nil {
			set, problems := p.datasetsFor(dir)
			if problems != nil {
				return problems
			}
			sets[dir] = set
		}
		results = append(results, testMapping(path, sets[dir]))
	}
	ok := !slices.ContainsFunc(results, func(r mappingResult) bool { return !r.OK })
	var err error
	if p.json {
		err = p.printJSON(map[string]any{"ok": ok, "files": results})
	} else {
		err = p.printMappingTests(results)
	}
	switch {
	case err != nil:
		return err
	case slices.ContainsFunc(results, func(r mappingResult) bool { return r.wrong }):
		return &codeError{code: exitUsage}
	case !ok:
		return &codeError{code: exitNo}
	}
	return nil
}

func testMapping(path string, set *schemas.Set) mappingResult {
	r := mappingResult{File: path, Examples: []exampleResult{}, Problems: problem.List{}}
	fault := func(l problem.List) mappingResult {
		r.Problems, r.wrong = l, true
		return r
	}
	data, err := readSmall(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fault(problem.List{{Code: "mapping.unreadable", Where: path, What: problem.Say("the mapping does not exist"), Fix: problem.Say("correct the path")}})
	case err != nil:
		return fault(problem.List{{Code: "mapping.unreadable", Where: path, What: problem.Say("the mapping cannot be read: %v", err), Fix: problem.Say("check that it is a file that you may read")}})
	}
	whole, err := filepath.Abs(path)
	if err != nil {
		whole = path
	}
	root, within, err := filesOf(mappingRoot(whole), whole)
	if err != nil {
		return fault(problem.List{{Code: "mapping.unreadable", Where: path, What: problem.Say("the folder of the mapping cannot be read: %v", err), Fix: problem.Say("check that you may read it")}})
	}
	defer root.Close()
	file, problems := mapping.Parse(path, data, &mapping.Files{Root: root.FS(), Path: within})
	if file == nil {
		return fault(problems)
	}
	r.Dataset = file.Dataset
	dataset, err := set.Dataset(file.Dataset)
	if err != nil {
		if !file.LacksDataset() {
			problems = append(problems, problemsOf(err, file.DatasetPlace(), "mapping.unknown-dataset", problem.Say("name a dataset that this version has"))...)
		}
		return fault(problems)
	}
	examples, found := file.RunExamples(nil, dataset, mapping.Env{Set: set, Agency: "H00"})
	problems = append(problems, found...)
	if examples == nil && problems.Err() != nil {
		return fault(problems)
	}
	for _, e := range examples {
		r.Examples = append(r.Examples, exampleResult{Name: e.Name, Where: e.At.String(), OK: e.OK})
	}
	r.Problems = append(r.Problems, problems...)
	r.OK = problems.Err() == nil
	return r
}

// mappingRoot is the folder that holds the other files of a mapping: the nearest one above with a truc.yaml, as when the
// configuration names the mapping, else the mapping's own. path is absolute.
func mappingRoot(path string) string {
	if file := configAround(filepath.Dir(path)); file != "" {
		return filepath.Dir(file)
	}
	return filepath.Dir(path)
}

func (p *program) printMappingTests(results []mappingResult) error {
	var b strings.Builder
	good, bad := 0, 0
	for _, r := range results {
		fmt.Fprintf(&b, "%s: %s\n", r.File, orDash(r.Dataset))
		for _, e := range r.Examples {
			word := "đúng / as expected"
			if e.OK {
				good++
			} else {
				bad++
				word = "SAI / NOT as expected"
			}
			fmt.Fprintf(&b, "  %s: %s\n", e.Name, word)
		}
		if len(r.Examples) == 0 && !r.wrong {
			b.WriteString("  không có ví dụ nào / there are no examples\n")
		}
		printProblems(&b, p.languages(), r.Problems)
	}
	fmt.Fprintf(&b, "%d ví dụ đúng, %d sai / %d examples as expected, %d not\n", good, bad, good, bad)
	if _, err := io.WriteString(p.stdout, b.String()); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}

// mappingVerbs are what can be done with mappings alone.
func mappingVerbs() []verb { return []verb{mappingNewVerb(), mappingTestVerb()} }
