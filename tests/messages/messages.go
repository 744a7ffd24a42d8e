// Package messages finds in the source code everything that truc says to people: the findings with their codes, and the parts
// of which sentences are made. From it the guide "When something is wrong" is written, and a test holds the translations to it.
package messages

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Message is one finding as it stands in the code.
type Message struct {
	// Code is "room.kind".
	Code string
	// What are the English formats of what is wrong, Fixes those of what to do; a place in the code may have several.
	What, Fixes []string
	// Place is the file and line, from the root of the repository.
	Place string
}

// Source is what was found.
type Source struct {
	// Formats are all English formats, each with a place where it stands.
	Formats map[string]string
	// Messages are the findings, by code and place.
	Messages []Message
	// Faults are calls whose format is not a constant: nobody could translate them.
	Faults []string
}

// Read looks through the Go files below a folder, tests and tools left out.
func Read(root string) (*Source, error) {
	folders := map[string][]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || slices.Contains([]string{"tests", "tools", "testdata", "bin"}, d.Name())):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		folders[filepath.Dir(path)] = append(folders[filepath.Dir(path)], path)
		return nil
	})
	if err != nil {
		return nil, err
	}
	s := &Source{Formats: map[string]string{}}
	for _, files := range folders {
		if err := s.folder(root, files); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(s.Messages, func(a, b Message) int { return strings.Compare(a.Code+" "+a.Place, b.Code+" "+b.Place) })
	return s, nil
}

func (s *Source) folder(root string, paths []string) error {
	r := &reader{source: s, root: root, files: token.NewFileSet(), constants: map[string]string{}, functions: map[string]*function{}, returned: map[string][]string{}}
	var parsed []*ast.File
	for _, path := range paths {
		f, err := parser.ParseFile(r.files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return fmt.Errorf("parse %s: %w", path, err)
		}
		r.pkg = f.Name.Name
		ast.Inspect(f, r.declare)
		parsed = append(parsed, f)
	}
	// What functions give back is known only when the functions are; twice, because they call each other.
	for range 2 {
		for _, f := range parsed {
			r.eachFunction(f, func(fn *ast.FuncDecl) {
				ast.Inspect(fn.Body, func(n ast.Node) bool {
					if ret, ok := n.(*ast.ReturnStmt); ok && len(ret.Results) == 1 {
						r.returned[fn.Name.Name] = distinct(append(r.returned[fn.Name.Name], r.texts(ret.Results[0])...))
					}
					return true
				})
			})
		}
	}
	for _, f := range parsed {
		ast.Inspect(f, r.says)
		ast.Inspect(f, r.slips)
		r.eachFunction(f, func(fn *ast.FuncDecl) { ast.Inspect(fn.Body, r.messages) })
	}
	return nil
}

// function is one that reports: the places of its arguments, -1 for those it has not.
type function struct {
	code, what, fix int
	// fixed is the code it always gives, prefix what it puts before the one it is given, through the function that it leaves the
	// code to.
	fixed, prefix, through string
	// fixes are the remedies that it always gives.
	fixes []string
}

type reader struct {
	source    *Source
	root, pkg string
	files     *token.FileSet
	constants map[string]string
	// functions are those that report, by name; local are the closures of the function at hand that do.
	functions, local map[string]*function
	// returned are the formats that a function may give back.
	returned map[string][]string
	// assigned are the formats that the variables of the function at hand may hold.
	assigned map[string][]string
	// inReporter is whether the function at hand reports what others tell it.
	inReporter bool
}

func (r *reader) eachFunction(f *ast.File, do func(*ast.FuncDecl)) {
	for _, decl := range f.Decls {
		if fn, ok := decl.(*ast.FuncDecl); ok && fn.Body != nil {
			r.assigned, r.local = map[string][]string{}, map[string]*function{}
			r.inReporter = r.functions[fn.Name.Name] != nil
			ast.Inspect(fn.Body, r.closures)
			for range 2 {
				ast.Inspect(fn.Body, r.assignments)
			}
			do(fn)
		}
	}
}

func (r *reader) place(n ast.Node) string {
	p := r.files.Position(n.Pos())
	name, _ := filepath.Rel(r.root, p.Filename)
	return filepath.ToSlash(name) + ":" + strconv.Itoa(p.Line)
}

// declare notes constants, and functions that take what is wrong as an argument.
func (r *reader) declare(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.ValueSpec:
		for i, name := range n.Names {
			if i < len(n.Values) {
				if text, ok := literal(n.Values[i]); ok {
					r.constants[name.Name] = text
				}
			}
		}
	case *ast.FuncDecl:
		if fn := r.reporter(n.Type, n.Body); fn != nil {
			r.functions[n.Name.Name] = fn
		}
	}
	return true
}

// closures notes the closures of a function that report.
func (r *reader) closures(n ast.Node) bool {
	a, ok := n.(*ast.AssignStmt)
	if !ok || len(a.Rhs) != 1 {
		return true
	}
	name, ok := a.Lhs[0].(*ast.Ident)
	lit, isFunc := a.Rhs[0].(*ast.FuncLit)
	if !ok || !isFunc {
		return true
	}
	if fn := r.reporter(lit.Type, lit.Body); fn != nil {
		r.local[name.Name] = fn
	}
	return true
}

// reporting is the function of a call, if it is one that reports.
func (r *reader) reporting(call *ast.CallExpr) *function {
	if name, ok := call.Fun.(*ast.Ident); ok && r.local[name.Name] != nil {
		return r.local[name.Name]
	}
	return r.functions[called(call)]
}

func (r *reader) reporter(t *ast.FuncType, body *ast.BlockStmt) *function {
	if body == nil {
		return nil
	}
	fn := &function{code: -1, what: -1, fix: -1}
	i := 0
	for _, p := range t.Params.List {
		for _, n := range p.Names {
			switch n.Name {
			case "code":
				fn.code = i
			case "what":
				fn.what = i
			case "fix":
				fn.fix = i
			}
			i++
		}
	}
	if fn.what < 0 {
		return nil
	}
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.KeyValueExpr:
			key, _ := n.Key.(*ast.Ident)
			switch {
			case key != nil && key.Name == "Code":
				fn.fixed, fn.prefix = codeOf(n.Value)
			case key != nil && key.Name == "Fix":
				fn.fixes = r.texts(n.Value)
			}
		case *ast.CallExpr:
			if len(n.Args) > 0 && fn.fixed == "" && fn.code < 0 {
				if text, ok := literal(n.Args[0]); ok && strings.Contains(text, ".") && !strings.ContainsAny(text, " %") {
					fn.fixed = text
				}
			}
			if to := called(n); fn.code >= 0 && fn.prefix == "" && len(n.Args) > 0 {
				if name, ok := n.Args[0].(*ast.Ident); ok && name.Name == "code" {
					fn.through = to
				}
			}
		}
		return true
	})
	return fn
}

// codeOf reads the value of Code: a constant, or a prefix before a variable.
func codeOf(e ast.Expr) (fixed, prefix string) {
	if text, ok := literal(e); ok {
		return text, ""
	}
	if b, ok := e.(*ast.BinaryExpr); ok {
		prefix, _ = literal(b.X)
	}
	return "", prefix
}

func literal(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			text, err := strconv.Unquote(e.Value)
			return text, err == nil
		}
	case *ast.BinaryExpr:
		a, ok := literal(e.X)
		b, also := literal(e.Y)
		return a + b, ok && also && e.Op == token.ADD
	}
	return "", false
}

// called is the name of the function of a call, with its package if it is of another.
func called(call *ast.CallExpr) string {
	switch fun := call.Fun.(type) {
	case *ast.SelectorExpr:
		if x, ok := fun.X.(*ast.Ident); ok && x.Name == "problem" {
			return "problem." + fun.Sel.Name
		}
		return fun.Sel.Name
	case *ast.Ident:
		return fun.Name
	}
	return ""
}

func (r *reader) isSay(call *ast.CallExpr) bool {
	name := called(call)
	return len(call.Args) > 0 && (name == "problem.Say" || r.pkg == "problem" && name == "Say")
}

func (r *reader) format(call *ast.CallExpr) (string, bool) {
	if text, ok := literal(call.Args[0]); ok {
		return text, true
	}
	if name, ok := call.Args[0].(*ast.Ident); ok {
		text, ok := r.constants[name.Name]
		return text, ok
	}
	return "", false
}

func (r *reader) says(n ast.Node) bool {
	if call, ok := n.(*ast.CallExpr); ok && r.isSay(call) {
		if text, ok := r.format(call); ok {
			if at, known := r.source.Formats[text]; !known || r.place(n) < at {
				r.source.Formats[text] = r.place(n)
			}
		} else {
			r.source.Faults = append(r.source.Faults, r.place(n))
		}
	}
	return true
}

// assignments notes which formats a variable may hold.
func (r *reader) assignments(n ast.Node) bool {
	a, ok := n.(*ast.AssignStmt)
	if !ok || len(a.Lhs) != len(a.Rhs) {
		return true
	}
	for i := range a.Lhs {
		if name, ok := a.Lhs[i].(*ast.Ident); ok {
			r.assigned[name.Name] = distinct(append(r.assigned[name.Name], r.texts(a.Rhs[i])...))
		}
	}
	return true
}

// Statement stands for a remedy that the program makes up: an SQL statement, a line to be written.
const Statement = "%s"

// texts are the formats an expression may give.
func (r *reader) texts(e ast.Expr) []string {
	switch e := e.(type) {
	case *ast.CallExpr:
		if r.isSay(e) {
			if text, ok := r.format(e); ok {
				return []string{text}
			}
			return nil
		}
		if name := called(e); name == "problem.Verbatim" {
			return []string{Statement}
		}
		return r.returned[called(e)]
	case *ast.Ident:
		return r.assigned[e.Name]
	}
	return nil
}

// remedies are the formats of a remedy; where the code around decides it, a Statement.
func (r *reader) remedies(e ast.Expr) []string {
	if texts := r.texts(e); len(texts) > 0 {
		return texts
	}
	if _, none := e.(*ast.CompositeLit); none { // problem.Text{}
		return nil
	}
	return []string{Statement}
}

// messages finds Problem literals, and calls of functions that report.
func (r *reader) messages(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.CompositeLit:
		m := Message{Place: r.place(n), Code: "run.refused"} // as an adapters.RefusedError appears
		for _, e := range n.Elts {
			kv, ok := e.(*ast.KeyValueExpr)
			if !ok {
				return true
			}
			key, ok := kv.Key.(*ast.Ident)
			if !ok {
				return true
			}
			switch key.Name {
			case "Code":
				m.Code, _ = codeOf(kv.Value)
			case "What":
				m.What = r.texts(kv.Value)
			case "Fix":
				m.Fixes = r.remedies(kv.Value)
			}
		}
		if len(m.Fixes) > 0 || !r.inReporter {
			r.add(m)
		}
	case *ast.CallExpr:
		if fn := r.reporting(n); fn != nil {
			r.reported(n, fn)
		}
	}
	return true
}

// slips finds the tables of slips in YAML and in expressions: what and remedy without a name.
func (r *reader) slips(n ast.Node) bool {
	lit, ok := n.(*ast.CompositeLit)
	if !ok || lit.Type != nil {
		return true
	}
	var texts [][]string
	for _, e := range lit.Elts {
		if call, ok := e.(*ast.CallExpr); ok && r.isSay(call) {
			texts = append(texts, r.texts(call))
		}
	}
	if len(texts) == 2 {
		r.add(Message{Code: r.pkg + ".syntax", What: texts[0], Fixes: texts[1], Place: r.place(n)})
	}
	return true
}

func (r *reader) reported(call *ast.CallExpr, fn *function) {
	m := Message{Place: r.place(call), Code: fn.fixed}
	if fn.code >= 0 && fn.code < len(call.Args) {
		text, ok := literal(call.Args[fn.code])
		if !ok {
			return // another one that reports: its own callers are read
		}
		prefix := fn.prefix
		if to := r.functions[fn.through]; prefix == "" && to != nil {
			prefix = to.prefix
		}
		m.Code = prefix + text
	}
	if fn.what < len(call.Args) {
		m.What = r.texts(call.Args[fn.what])
	}
	m.Fixes = fn.fixes
	if fn.fix >= 0 && fn.fix < len(call.Args) {
		m.Fixes = r.remedies(call.Args[fn.fix])
	}
	r.add(m)
}

func (r *reader) add(m Message) {
	if len(m.What) == 0 || m.Code == "" || len(m.Fixes) == 0 && strings.Trim(m.What[0], "%s: ") == "" {
		return // the last: a frame around what is told elsewhere
	}
	r.source.Messages = append(r.source.Messages, m)
}

func distinct(s []string) []string {
	var out []string
	for _, x := range s {
		if !slices.Contains(out, x) {
			out = append(out, x)
		}
	}
	return out
}
