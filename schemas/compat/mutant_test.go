package compat

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// judging are the functions whose comparisons are removed one by one; "" stands for all of a file.
var judging = map[string][]string{
	"diff.go": {"holds", "meet", "step", "annotations"}, "diff_array.go": nil, "diff_combined.go": nil, "diff_object.go": nil,
	"diff_scalar.go": nil, "sound.go": {"follows", "accepts", "refuses"}, "premise.go": nil, "evaluate.go": nil, "evaluate_inside.go": nil, "proof.go": nil, "proof_array.go": nil,
	"proof_branch.go": nil, "proof_object.go": nil, "proof_scalar.go": nil, "codes.go": {"within", "sameLists", "codesFollow"},
}

// spared are comparisons, or all of a function, whose removal changes no verdict, and why.
var spared = map[string]string{
	"premise.go with: never known[m.same]": "a member twice says nothing more",
	"premise.go with: without slices.SortFunc(a.members, func(x, y *place) int { return p.number(x) - p.number(y) })": "the order of members only decides what is shared",
	"proof_branch.go likely":                                     "the order only decides how soon it is found",
	"evaluate.go holds: never len(p.object()) == 0":              "nothing is said, and nothing refuses",
	"evaluate.go listed: never len(list) > 8":                    "few values are compared one by one, with the same result",
	"evaluate.go listed: never !ok":                              "the steps are used up: TestHostilePairs",
	"diff_scalar.go valueKey: never isPlainInteger(string(v))":   "big.Rat writes the same",
	"diff_scalar.go plain: never isPlainInteger(string(v))":      "big.Rat writes the same",
	"evaluate.go text: never !given":                             "every text matches the empty pattern",
	"evaluate.go branches: never found > 1":                      "two are as wrong as three",
	"evaluate_inside.go members: always own != nil":              "nobody writes down what nobody asks for",
	"premise.go with: without p.number(m)":                       "the order of members only decides what is shared",
	"premise.go id: never a.id != 0":                             "the same number is found once more",
	"premise.go namesIn: never len(a.speak) == 1":                "the same names are sorted once more",
	"premise.go cases: always a.types&t != 0":                    "the case of no type is impossible, and proven",
	"premise.go cases: never len(a.split) >= 8":                  "it bounds the work",
	"proof_branch.go branchesFollow: always !p.clash(a, branch)": "what excludes the premise is not proven of it either: it saves work",
	"sound.go follows: always !p.clash(plain, n)":                "what excludes the premise is not proven of it either: it saves work",
	"proof_object.go propertiesFollow: never others == nil":      "all follows from nothing that is asked: it saves work",
	"proof.go identical: always a.resource == b.resource":        "where all texts are equal, the roots are identical",
	"proof.go identical: always a.base == b.base":                "where all texts are equal, the roots are identical",
}

// mutants puts a switch at each comparison of a file: a condition that is never met, a condition that always is, a call that is
// left out. It returns the new text and a name for each switch, numbered from first on.
func mutants(t *testing.T, file string, first int) (text []byte, names []string) {
	t.Helper()
	files := token.NewFileSet()
	f, err := parser.ParseFile(files, file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	made := map[ast.Node]bool{}
	written := func(n ast.Node) string {
		var b bytes.Buffer
		if err := printer.Fprint(&b, files, n); err != nil {
			t.Fatal(err)
		}
		return strings.Join(strings.Fields(b.String()), " ")
	}
	off := func(n ast.Node, in, what string) ast.Expr {
		names = append(names, fmt.Sprintf("%s %s: %s %s", file, in, what, written(n)))
		call := &ast.CallExpr{Fun: ast.NewIdent("mutant"), Args: []ast.Expr{&ast.BasicLit{Kind: token.INT, Value: strconv.Itoa(first + len(names) - 1)}}}
		made[call] = true
		return call
	}
	always := func(x ast.Expr, in string) ast.Expr {
		b := &ast.BinaryExpr{X: &ast.ParenExpr{X: x}, Op: token.LOR, Y: off(x, in, "always")}
		made[b] = true
		return &ast.ParenExpr{X: b}
	}
	never := func(x ast.Expr, in string) ast.Expr {
		b := &ast.BinaryExpr{X: &ast.ParenExpr{X: x}, Op: token.LAND, Y: &ast.UnaryExpr{Op: token.NOT, X: off(x, in, "never")}}
		made[b] = true
		return &ast.ParenExpr{X: b}
	}
	joined := func(x ast.Expr) bool {
		for p, inParens := x.(*ast.ParenExpr); inParens; p, inParens = x.(*ast.ParenExpr) {
			x = p.X
		}
		b, ok := x.(*ast.BinaryExpr)
		return ok && (b.Op == token.LAND || b.Op == token.LOR)
	}
	plainly := func(x ast.Expr) bool {
		return !joined(x) && !strings.Contains(written(x), "err ")
	}
	others := map[ast.Node]bool{} // returns of functions inside that say no yes or no
	ast.Inspect(f, func(n ast.Node) bool {
		if fn, ok := n.(*ast.FuncLit); ok && (fn.Type.Results == nil || written(fn.Type.Results.List[0].Type) != "bool") {
			ast.Inspect(fn.Body, func(n ast.Node) bool {
				if r, ok := n.(*ast.ReturnStmt); ok {
					others[r] = true
				}
				return true
			})
		}
		return true
	})
	for _, decl := range f.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if !ok || fn.Body == nil || len(judging[file]) > 0 && !slices.Contains(judging[file], fn.Name.Name) {
			continue
		}
		in := fn.Name.Name
		ast.Inspect(fn.Body, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BinaryExpr:
				if made[n] {
					break
				}
				for _, side := range []*ast.Expr{&n.X, &n.Y} {
					switch {
					case !plainly(*side):
					case n.Op == token.LAND:
						*side = always(*side, in)
					case n.Op == token.LOR:
						*side = never(*side, in)
					}
				}
			case *ast.IfStmt:
				if !made[n] && plainly(n.Cond) {
					n.Cond = never(n.Cond, in)
				}
			case *ast.SwitchStmt:
				for _, c := range n.Body.List {
					clause, _ := c.(*ast.CaseClause)
					for i, x := range clause.List {
						if n.Tag == nil && plainly(x) {
							clause.List[i] = never(x, in)
						}
					}
				}
			case *ast.ReturnStmt:
				if len(n.Results) != 1 || others[n] {
					break
				}
				switch x := n.Results[0].(type) {
				case *ast.CallExpr:
					if fn.Type.Results != nil && len(fn.Type.Results.List) == 1 && written(fn.Type.Results.List[0].Type) == "bool" {
						n.Results[0] = always(x, in)
					}
				case *ast.BinaryExpr:
					if slices.Contains([]token.Token{token.EQL, token.NEQ, token.LSS, token.LEQ, token.GTR, token.GEQ}, x.Op) {
						n.Results[0] = always(x, in)
					}
				}
			case *ast.BlockStmt:
				for i, s := range n.List {
					if call, ok := s.(*ast.ExprStmt); ok && !made[s] {
						made[call] = true
						n.List[i] = &ast.IfStmt{
							Cond: &ast.UnaryExpr{Op: token.NOT, X: off(call, in, "without")}, Body: &ast.BlockStmt{List: []ast.Stmt{call}},
						}
						made[n.List[i]] = true
					}
				}
			}
			return true
		})
	}
	var b bytes.Buffer
	if err := printer.Fprint(&b, files, f); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), names
}

// quick are the tests that tell most mutants.
const quick = "^(TestRules|TestSound|TestRefusalsInWords|TestSoundOnRules|TestEvaluate|TestEvaluateKnows|TestSoundAcrossDrafts|TestCodeLists|TestCodesOfTwoWorlds|TestOwnFormats|TestLevels|TestCyclicUnion|TestDifferences|TestManyDifferences|TestSharedShapes|TestValueKey)$"

const mutantSwitch = `package compat

import (
	"os"
	"strconv"
)

var mutantNow, _ = strconv.Atoi(os.Getenv("TRUC_COMPAT_MUTANT"))

func mutant(n int) bool { return n == mutantNow }
`

// TestMutants removes single comparisons and wants the tests to fail: each of them with `make compat-mutants`, which takes some minutes,
// and one of forty otherwise. All mutants are one binary, and a variable of the environment chooses among them.
func TestMutants(t *testing.T) {
	chosen := os.Getenv("TRUC_COMPAT_MUTANTS")
	dir, here := t.TempDir(), must(filepath.Abs("."))
	replace := map[string]string{filepath.Join(here, "mutant.go"): filepath.Join(dir, "mutant.go")}
	writeFile(t, filepath.Join(dir, "mutant.go"), []byte(mutantSwitch))
	names := []string{"nothing is removed"}
	for _, file := range sortedKeys(judging) {
		text, more := mutants(t, file, len(names))
		names = append(names, more...)
		replace[filepath.Join(here, file)] = filepath.Join(dir, file)
		writeFile(t, filepath.Join(dir, file), text)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "overlay.json"), overlay)
	binary := filepath.Join(dir, "compat.test")
	if out, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-vet=off", "-overlay="+filepath.Join(dir, "overlay.json"), "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	killed, left, spare, ofWork := 0, 0, 0, 0
	for i, name := range names {
		if chosen != "" && !among(chosen, i) || chosen == "" && i%40 != 0 {
			continue
		}
		in, _, _ := strings.Cut(name, ":")
		if spared[name] != "" || spared[in] != "" {
			spare++
			continue
		}
		if strings.Contains(name, ": never e.fail(") || strings.HasSuffix(name, ": always e.unknown()") { // that is false anyway, or not heeded
			spare++
			continue
		}
		if strings.Contains(name, ".work.") { // how much is spent, and when it ends, is TestHostilePairs' matter
			ofWork++
			continue
		}
		var out []byte
		var err error
		for _, run := range []string{quick, "^(TestWidenings|TestEvidence)$"} { // what takes long only when the rest says nothing
			ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
			cmd := exec.CommandContext(ctx, binary, "-test.failfast", "-test.run="+run)
			cmd.Env = append(os.Environ(), "TRUC_COMPAT_CHECKS=800", "TRUC_COMPAT_MUTANT="+strconv.Itoa(i))
			out, err = cmd.CombinedOutput()
			cancel()
			if err != nil {
				break
			}
		}
		switch {
		case i == 0 && err != nil:
			t.Fatalf("the tests fail without a mutant: %s", out)
		case i == 0:
		case err != nil:
			killed++
		default:
			left++
			t.Errorf("survives: %d %s", i, name)
		}
	}
	t.Logf("%d comparisons, %d of the budget, %d spared with a reason: %d mutants killed, %d survive", len(names)-1, ofWork, spare, killed, left)
	for name := range spared {
		if !slices.ContainsFunc(names, func(n string) bool { return n == name || strings.HasPrefix(n, name+":") }) {
			t.Errorf("%q is spared and is not there", name)
		}
	}
}

// among reads "all", or "3,7,20-40": some numbers.
func among(chosen string, i int) bool {
	for part := range strings.SplitSeq(chosen, ",") {
		first, last, isRange := strings.Cut(part, "-")
		from, _ := strconv.Atoi(first)
		to, _ := strconv.Atoi(last)
		if part == "all" || from == i || isRange && from <= i && i <= to {
			return true
		}
	}
	return false
}

func must(path string, err error) string {
	if err != nil {
		panic(err)
	}
	return path
}

func writeFile(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}
