package mapping

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"cel.dev/cel-go/cel"
	celast "cel.dev/cel-go/common/ast"

	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/schemas"
)

// maxExpression bounds one expression: a person's has some dozens of characters, one made by a program may take the compiler
// and every row hostage.
const maxExpression = 8000

// compiler turns the expressions of one file into nodes and collects every problem on the way.
type compiler struct {
	file  *File
	env   Env
	cel   *cel.Env
	names map[string]*binding
	// elements are what the names of each stand for.
	elements map[*scope]*binding
	columns  []*column
	document *docProperty
	// untyped: the table was not described, so that nobody knows which columns can be null.
	untyped bool
	// slots is how many the frames of this plan need.
	slots    int
	problems problem.List
	// used are the table columns read by what is being compiled.
	used map[int]bool
	// allReads are the table columns that the documents are made of.
	allReads map[int]bool
	// parts are the paths of the document named by what is being compiled.
	parts map[string]bool
	// codes are the code tables by name.
	codes map[string]*codeTable
	// uses are the functions and code tables of what is being compiled, explained is what was told of what is done.
	uses      uses
	explained []Explanation
}

// binding is what a name stands for in an expression.
type binding struct {
	node     node
	typ      typ
	document *docProperty
	event    bool
	let      *Assignment
	// reads are the table columns behind the name.
	reads []int
	// parts are the paths of the document behind the name.
	parts []string
	// uses are the functions and code tables behind the name.
	uses  uses
	state letState
}

// letState guards lets against naming each other in a circle.
type letState uint8

const (
	letUnread letState = iota
	letOpen
	letDone
)

func newCompiler(f *File, env Env) (*compiler, error) {
	celEnv, err := cel.NewEnv(cel.CrossTypeNumericComparisons(true), cel.EnableMacroCallTracking(), cel.DefaultUTCTimeZone(true),
		cel.ASTValidators(cel.ValidateRegexLiterals()), cel.ExpressionNestingDepthLimit(100))
	if err != nil {
		return nil, fmt.Errorf("build expression environment: %w", err)
	}
	return &compiler{file: f, env: env, cel: celEnv, names: map[string]*binding{}, elements: map[*scope]*binding{}, used: map[int]bool{}, allReads: map[int]bool{}, parts: map[string]bool{}, codes: map[string]*codeTable{}, uses: uses{}}, nil
}

func (c *compiler) report(at Place, code string, what, fix problem.Text) {
	c.problems = append(c.problems, problem.Problem{Code: "mapping." + code, Where: at.String(), What: what, Fix: fix})
}

func (c *compiler) warn(at Place, code string, what, fix problem.Text) {
	c.problems = append(c.problems, problem.Problem{Code: "mapping." + code, Where: at.String(), What: what, Fix: fix, Warning: true})
}

// sound reports whether there can be a plan. A file that had faults of its own never gets one: they were told when it was read.
func (c *compiler) sound() bool { return c.problems.Err() == nil && !c.file.broken }

func (c *compiler) slot() int {
	c.slots++
	return c.slots - 1
}

// bindColumns makes the table's columns known under their names, as the mapping declares them.
func (c *compiler) bindColumns(t *record.Table) {
	for i, col := range t.Columns {
		c.columns = append(c.columns, newColumn(i, col))
	}
	names := make([]string, len(t.Columns))
	for i := range t.Columns {
		names[i] = t.Columns[i].Name
	}
	renamed := map[int]string{}
	for _, r := range c.file.Columns {
		if r.Name == "*" {
			for _, col := range c.columns {
				col.apply(r, false)
			}
		}
	}
	for _, r := range c.file.Columns {
		if r.Name == "*" {
			continue
		}
		real := r.Name
		if r.From != "" {
			real = r.From
		}
		i := t.Index(real)
		if i < 0 {
			c.report(r.At, "unknown-column", problem.Say("table %s has no column %q", t, real), suggestion(real, names))
			continue
		}
		if what, fix := c.columns[i].apply(r, true); !what.Empty() {
			c.report(r.At, "wrong-type", what, fix)
		}
		if r.From != "" {
			if !identifier(r.Name) {
				c.report(r.At, "bad-name", problem.Say("%q cannot be used as a name in expressions", r.Name), problem.Say("use letters, digits and _, beginning with a letter, and no word that expressions keep for themselves"))
				continue
			}
			renamed[i] = r.Name
		}
	}
	for i, col := range c.columns {
		name := names[i]
		if n, ok := renamed[i]; ok {
			if j := t.Index(n); j >= 0 && j != i {
				c.report(c.file.at, "bad-name", problem.Say("%q is given to column %q, and is the name of another column", n, name), problem.Say("choose another name"))
				continue
			}
			name = n
		}
		slot := c.slot()
		c.names[name] = &binding{node: &columnNode{slot, col}, typ: col.typ, reads: []int{i}}
	}
}

// bindLets makes the file's lets known. They are read when first used, so that they may stand in any order.
func (c *compiler) bindLets() {
	for i := range c.file.Let {
		a := &c.file.Let[i]
		if !identifier(a.Name) {
			c.report(a.At, "bad-name", problem.Say("%q cannot be used as a name in expressions", a.Name), problem.Say("use letters, digits and _, beginning with a letter"))
			continue
		}
		if c.names[a.Name] != nil || a.Name == "event" {
			c.report(a.At, "bad-name", problem.Say("let gives the name %s, which something else has already", a.Name), problem.Say("choose another name"))
			continue
		}
		c.names[a.Name] = &binding{let: a}
	}
}

// readLets compiles those lets that nothing has used, so that their faults are told too. Those of an included file may be
// meant for other tables.
func (c *compiler) readLets() {
	for _, a := range c.file.Let {
		if b := c.names[a.Name]; b != nil && b.let != nil && b.state == letUnread && !a.shared {
			c.readLet(b)
		}
	}
}

func (c *compiler) readLet(b *binding) {
	b.state = letOpen
	used, parts, made := c.used, c.parts, c.uses
	c.used, c.parts, c.uses = map[int]bool{}, map[string]bool{}, uses{}
	n, t := c.compile(&b.let.Value)
	b.reads, b.parts, b.uses = c.takeUsed(), c.takeParts(), c.uses
	c.used, c.parts, c.uses = used, parts, made
	b.node, b.typ, b.state = &sharedNode{slot: c.slot(), node: n}, t, letDone
}

// compile turns an expression into a node. After a fault, which is reported, the node is null and its kind anything, so that
// one fault is told once.
func (c *compiler) compile(e *Expression) (node, typ) {
	if e.CEL == "" {
		return constantNode(e.Const)
	}
	if len(e.CEL) > maxExpression {
		c.report(e.At, "too-large", problem.Say("the expression has %d characters, %d are possible", len(e.CEL), maxExpression), problem.Say("give parts of it names under let:, write codes as a table under codes:, or publish a view"))
		return &literalNode{null}, typ{}
	}
	parsed, issues := c.cel.Parse(e.CEL)
	if issues.Err() != nil {
		c.syntax(e, issues)
		return &literalNode{null}, typ{}
	}
	ast := parsed.NativeRep()
	l := &lowering{compiler: c, expr: e, info: ast.SourceInfo(), root: ast.Expr().ID()}
	return l.lower(ast.Expr())
}

// identifiers lists the names an expression uses, for tables that are not described.
func (c *compiler) identifiers(e *Expression, into map[string]bool) {
	if e == nil {
		return
	}
	names, _ := c.namesIn(e)
	for _, name := range names {
		switch {
		case e.scope.element(name) != nil:
		case slices.ContainsFunc(c.file.Let, func(a Assignment) bool { return a.Name == name }):
		default:
			into[e.scope.columnPrefix()+name] = true
		}
	}
}

// namesIn are the names in an expression; ok is false when it cannot be read.
func (c *compiler) namesIn(e *Expression) (names []string, ok bool) {
	if e.CEL == "" {
		return nil, true
	}
	if len(e.CEL) > maxExpression {
		return nil, false
	}
	parsed, issues := c.cel.Parse(e.CEL)
	if issues.Err() != nil {
		return nil, false
	}
	celast.PreOrderVisit(parsed.NativeRep().Expr(), celast.NewExprVisitor(func(x celast.Expr) {
		if x.Kind() == celast.IdentKind && identifier(x.AsIdent()) {
			names = append(names, x.AsIdent())
		}
	}))
	return names, true
}

// known lists the names an expression may use, in order, so that of equally similar ones always the same is advised.
func (c *compiler) known() []string { return slices.Sorted(maps.Keys(c.names)) }

// dataset checks that the mapping is for the dataset it is compiled for.
func (c *compiler) dataset(d *schemas.Dataset) bool {
	switch {
	case c.file.Dataset == "": // told when the file was read
		return d != nil
	case d == nil:
		_, err := c.env.Set.Dataset(c.file.Dataset)
		what, fix := problem.Say("dataset %q is not known", c.file.Dataset), problem.Say("name a dataset of the registry")
		if err != nil {
			what, fix = fromProblem(err)
		}
		c.report(c.file.datasetAt, "unknown-dataset", what, fix)
		return false
	case c.file.Dataset != d.ID():
		c.report(c.file.datasetAt, "unknown-dataset", problem.Say("the mapping is for dataset %q, not for %q", c.file.Dataset, d.ID()), problem.Say("write dataset: %s", d.ID()))
		return false
	}
	return true
}

func (c *compiler) takeUsed() []int {
	var out []int
	for i := range c.used {
		out = append(out, i)
	}
	slices.Sort(out)
	c.used = map[int]bool{}
	return out
}

// syntax translates a parser's complaint: where it stands, and the slips that people make.
func (c *compiler) syntax(e *Expression, issues *cel.Issues) {
	first := issues.Errors()[0]
	at := e.At
	if first.Location.Line() == 1 {
		at.Column += e.quote + first.Location.Column()
	}
	fix := problem.Say("compare with ==, join conditions with && and ||, put texts in double quotes, and close every bracket")
	switch {
	case e.plain && strings.HasPrefix(e.comment, "#"):
		if fixed := corrections(e.line); len(fixed) > 0 {
			c.report(e.At, "yaml-quote", problem.Say("YAML takes what follows # for a comment: the expression must be quoted"), problem.Verbatim(strings.TrimSpace(fixed[0])))
			return
		}
	default:
		if s := slipIn(e.CEL); !s.Empty() {
			fix = s
			break
		}
		switch message := first.Message; {
		case strings.Contains(message, "reserved identifier"):
			fix = problem.Say(`give a column with such a name another one under columns: { ten: { from: "%s" } }`, lastWord(message))
		case strings.Contains(message, "invalid int literal"):
			fix = problem.Say("put it in double quotes, which makes it a text: whole numbers end at 9223372036854775807")
		case strings.Contains(message, "nesting"), strings.Contains(message, "recursion"), strings.Contains(message, "max"):
			fix = problem.Say("it is nested too deeply: give parts of it names under let:")
		case strings.ContainsFunc(e.CEL, isLetterBeyondASCII):
			fix = problem.Say(`give a column with such a name another one under columns: { ten: { from: "…" } }; texts stand in double quotes`)
		}
	}
	what := problem.Say("%s cannot be read as an expression, from its character %d on", e.text(), first.Location.Column()+1)
	if _, name, found := problem.Strange(withoutTexts(e.CEL)); found {
		what, fix = problem.Say("the expression holds %s", name), problem.Say("write %s", shortened(problem.Plain(e.CEL)))
	}
	c.report(at, "syntax", what, fix)
}

func isLetterBeyondASCII(r rune) bool { return r > 0x7F && unicode.IsLetter(r) }

// withoutTexts leaves out what stands in quotes, where every character is meant.
func withoutTexts(s string) string {
	var b strings.Builder
	var quote rune
	for _, r := range s {
		switch {
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case r == '"' || r == '\'':
			quote = r
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// shortened bounds an expression that a message quotes.
func shortened(s string) string {
	const most = 200
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

func lastWord(s string) string {
	fields := strings.Fields(s)
	return strings.Trim(fields[len(fields)-1], "'\"")
}
