// Package messages finds in the source code everything that truc says to people: the findings with their codes, and the parts
// of which sentences are made. From it the guide "When something is wrong" is written, and a test holds the translations to it.
package messages

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
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
	s := &Source{Formats: map[string]string{}}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || slices.Contains([]string{"tests", "tools", "testdata", "bin"}, d.Name())):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		return s.file(root, path)
	})
	slices.SortStableFunc(s.Messages, func(a, b Message) int {
		return strings.Compare(a.Code+" "+a.Place, b.Code+" "+b.Place)
	})
	return s, err
}

func (s *Source) file(root, path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	files := token.NewFileSet()
	f, err := parser.ParseFile(files, path, data, parser.SkipObjectResolution)
	if err != nil {
		return fmt.Errorf("parse %s: %w", path, err)
	}
	name, _ := filepath.Rel(root, path)
	r := &reader{source: s, file: filepath.ToSlash(name), pkg: f.Name.Name, files: files, constants: map[string]string{}}
	r.readConstants(f)
	for _, decl := range f.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if !ok || fn.Body == nil {
			ast.Inspect(decl, r.says)
			continue
		}
		r.assigned = map[string][]string{}
		ast.Inspect(fn.Body, r.assignments)
		ast.Inspect(fn.Body, r.says)
		ast.Inspect(fn.Body, r.messages)
	}
	return nil
}

type reader struct {
	source    *Source
	file, pkg string
	files     *token.FileSet
	constants map[string]string
	// assigned are the formats that the variables of a function may hold.
	assigned map[string][]string
}

func (r *reader) place(n ast.Node) string {
	return r.file + ":" + strconv.Itoa(r.files.Position(n.Pos()).Line)
}

func (r *reader) readConstants(f *ast.File) {
	ast.Inspect(f, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok {
			for i, name := range v.Names {
				if i < len(v.Values) {
					if text, ok := literal(v.Values[i]); ok {
						r.constants[name.Name] = text
					}
				}
			}
		}
		return true
	})
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

// say returns the call problem.Say, nil when the expression is another.
func (r *reader) say(e ast.Node) *ast.CallExpr {
	call, ok := e.(*ast.CallExpr)
	if !ok || len(call.Args) == 0 {
		return nil
	}
	switch fun := call.Fun.(type) {
	case *ast.SelectorExpr:
		if x, ok := fun.X.(*ast.Ident); ok && x.Name == "problem" && fun.Sel.Name == "Say" {
			return call
		}
	case *ast.Ident:
		if r.pkg == "problem" && fun.Name == "Say" {
			return call
		}
	}
	return nil
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
	if call := r.say(n); call != nil {
		if text, ok := r.format(call); ok {
			if _, known := r.source.Formats[text]; !known {
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
		name, ok := a.Lhs[i].(*ast.Ident)
		if !ok {
			continue
		}
		r.assigned[name.Name] = append(r.assigned[name.Name], r.texts(a.Rhs[i])...)
	}
	return true
}

// texts are the formats an expression may give.
func (r *reader) texts(e ast.Expr) []string {
	if call := r.say(e); call != nil {
		if text, ok := r.format(call); ok {
			return []string{text}
		}
		return nil
	}
	if name, ok := e.(*ast.Ident); ok {
		return r.assigned[name.Name]
	}
	return nil
}

var codeForm = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)*$`)

// messages finds Problem literals, and calls of functions that report: a code, then what, then the remedy.
func (r *reader) messages(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.CompositeLit:
		m := Message{Place: r.place(n)}
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
				m.Code, _ = literal(kv.Value)
			case "What":
				m.What = r.texts(kv.Value)
			case "Fix":
				m.Fixes = r.texts(kv.Value)
			}
		}
		r.add(m)
	case *ast.CallExpr:
		r.reported(n)
	case *ast.ReturnStmt:
		// a function that gives what and remedy to the one that knows the code
	}
	return true
}

func (r *reader) reported(call *ast.CallExpr) {
	if r.say(call) != nil {
		return
	}
	m := Message{Place: r.place(call)}
	texts := 0
	for _, a := range call.Args {
		if text, ok := literal(a); ok && texts == 0 && m.Code == "" && codeForm.MatchString(text) {
			m.Code = text
			continue
		}
		found := r.texts(a)
		if len(found) == 0 {
			continue
		}
		switch texts++; texts {
		case 1:
			m.What = found
		case 2:
			m.Fixes = found
		}
	}
	if texts > 0 && m.Code != "" {
		r.add(m)
	}
}

func (r *reader) add(m Message) {
	if len(m.What) == 0 || m.Code == "" {
		return
	}
	if !strings.Contains(m.Code, ".") {
		m.Code = r.pkg + "." + m.Code
	}
	r.source.Messages = append(r.source.Messages, m)
}
