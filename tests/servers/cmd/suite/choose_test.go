package main

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"maps"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A test that works on PostgreSQL must not be missing in the rounds because nobody thought of the list: packages that ask
// for a server are on it, and what it names is there.
func TestVersionedPackages(t *testing.T) {
	t.Parallel()
	asking, err := exec.CommandContext(t.Context(), "git", "grep", "--full-name", "-lE", `servers\.(New)?Postgres\(`, "--", ":/*_test.go").Output()
	if err != nil {
		t.Skipf("no git here: %v", err)
	}
	// Three measure, two run everything with faults or for long, one is about servers.
	exempt := []string{module + "tests/bench", module + "tests/peers", module + "tests/workload", module + "tests/chaos", module + "tests/year", module + "tests/servers"}
	for file := range strings.FieldsSeq(string(asking)) {
		p := module + path.Dir(file)
		if !slices.ContainsFunc(versioned(), func(s selection) bool { return s.pkg == p }) && !slices.Contains(exempt, p) {
			t.Errorf("%s asks for PostgreSQL, and its package is in no round", file)
		}
	}
	all := packages(t)
	for _, s := range versioned() {
		_, pattern, ok := strings.Cut(s.flag, "=^(")
		for name := range strings.SplitSeq(strings.TrimSuffix(pattern, ")$"), "|") {
			if ok && !slices.Contains(all[s.pkg].tests, name) {
				t.Errorf("%s has no test %s, which its flag names: %s", s.pkg, name, s.flag)
			}
		}
	}
}

// The detector is left out where it sees nothing, and only there: a package that begins to start goroutines gets it back.
func TestWithoutRace(t *testing.T) {
	t.Parallel()
	// What a package that drives the binary takes of truc itself, and for what.
	lent := map[string][]string{
		"tests/e2e":  {"bus/kafka", "demo"}, // the clerks of the demo, for work; what starts goroutines there is for its command
		"tests/docs": {"adapters/postgres"}, // examples are read and written by it, one after the other
	}
	all := packages(t)
	for name, p := range all {
		short := strings.TrimPrefix(name, module)
		reason := withoutRace()[short]
		var starts []string // the packages of truc in which goroutines are started
		for _, linked := range all.linked(name) {
			if (linked == name || !strings.HasPrefix(linked, module+"tests/")) && all[linked].starts {
				starts = append(starts, strings.TrimPrefix(linked, module))
			}
		}
		slices.Sort(starts)
		switch {
		case len(p.tests) == 0 && reason == "":
		case len(starts) == 0 && !p.testsStart && reason == "":
			t.Errorf("%s is tested with the race detector: %s", short, alone)
		case reason == alone && (len(starts) > 0 || p.testsStart):
			t.Errorf("%s is tested without the race detector, but goroutines are started in its tests (%t) or in %v", short, p.testsStart, starts)
		case (reason == drives || reason == measures) && !strings.HasPrefix(short, "tests/"):
			t.Errorf("%s is the product, not a test that drives it", short)
		case reason == drives && !slices.Equal(starts, lent[short]):
			t.Errorf("%s is tested without the race detector, but calls what starts goroutines: %v, of which it may have %v", short, starts, lent[short])
		}
	}
	for short := range withoutRace() {
		if all[module+short] == nil {
			t.Errorf("there is no package %s", short)
		}
	}
}

// goPackage is a package as `go list` sees it, and what stands in its files.
type goPackage struct {
	ImportPath, Dir                    string
	GoFiles, TestGoFiles, XTestGoFiles []string
	Imports, TestImports, XTestImports []string
	starts, testsStart                 bool // goroutines
	tests                              []string
}

type goPackages map[string]*goPackage

// packages reads all packages of truc.
func packages(t *testing.T) goPackages {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Dir,GoFiles,TestGoFiles,XTestGoFiles,Imports,TestImports,XTestImports", module+"...").Output()
	if err != nil {
		t.Fatal(err)
	}
	all := goPackages{}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		p := &goPackage{}
		if err := d.Decode(p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all[p.ImportPath] = p
		for _, name := range p.GoFiles {
			starts, _ := p.read(t, name)
			p.starts = p.starts || starts
		}
		for _, name := range slices.Concat(p.TestGoFiles, p.XTestGoFiles) {
			starts, tests := p.read(t, name)
			p.testsStart = p.testsStart || starts
			p.tests = append(p.tests, tests...)
		}
	}
}

// read tells whether a file starts goroutines, itself or by a server that does for each request, and which tests it has.
func (p *goPackage) read(t *testing.T, name string) (starts bool, tests []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			starts = true
		case *ast.SelectorExpr:
			// sync.WaitGroup.Go, errgroup's, time.AfterFunc, testing.T.Parallel, httptest.NewServer, http.Server.Serve…
			if slices.Contains([]string{"Go", "AfterFunc", "Parallel", "NewServer", "Serve", "ListenAndServe"}, n.Sel.Name) {
				starts = true
			}
		case *ast.FuncDecl:
			if n.Recv == nil && strings.HasPrefix(n.Name.Name, "Test") && n.Name.Name != "TestMain" {
				tests = append(tests, n.Name.Name)
			}
		}
		return true
	})
	return starts, tests
}

// linked are the packages of truc that a package's tests are linked with, itself among them.
func (all goPackages) linked(name string) []string {
	seen := map[string]bool{name: true}
	next := slices.Concat(all[name].Imports, all[name].TestImports, all[name].XTestImports)
	for len(next) > 0 {
		p := next[0]
		next = next[1:]
		if all[p] != nil && !seen[p] {
			seen[p] = true
			next = append(next, all[p].Imports...)
		}
	}
	return slices.Collect(maps.Keys(seen))
}
