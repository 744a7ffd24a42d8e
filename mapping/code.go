package mapping

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"

	celast "cel.dev/cel-go/common/ast"

	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas"
)

// codeTable is a code map made ready: both ways, and the list its targets belong to.
type codeTable struct {
	source *CodeMap
	to     map[string][]byte
	back   map[string][]byte
	// strayList is whether the list is not known, which was told.
	strayList bool
	twofold   string // a target that two codes map to; the table cannot be read backwards then
	used      bool
}

// bindCodes checks the code tables against their lists.
func (c *compiler) bindCodes() {
	for i := range c.file.Codes {
		m := &c.file.Codes[i]
		t := &codeTable{source: m, to: map[string][]byte{}, back: map[string][]byte{}}
		var list *schemas.CodeList
		if m.List != "" {
			var err error
			if list, err = c.env.Set.CodeList(m.List); err != nil {
				what, fix := fromProblem(err)
				c.report(m.ListAt, "unknown-code-list", what, fix)
				t.strayList = true
			}
		}
		for _, e := range m.Entries {
			if list != nil && !list.Has(e.To) {
				var have []string
				for _, code := range list.Codes() {
					have = append(have, code.Code)
				}
				c.report(e.At, "unknown-code", problem.Say("%q is not a code of %s", e.To, m.List), suggestion(e.To, have))
			}
			t.to[e.From] = []byte(e.To)
			if _, twice := t.back[e.To]; twice && t.twofold == "" {
				t.twofold = e.To
			}
			t.back[e.To] = []byte(e.From)
		}
		c.codes[m.Name] = t
	}
}

type codeNode struct {
	a     node
	table map[string][]byte
	// small is the table for the whole numbers from 0 on that most codes are; nil for a number that it does not have.
	small [][]byte
	fail  failure
}

func newCodeNode(a node, table map[string][]byte, fail failure) *codeNode {
	const numbers = 128
	n := &codeNode{a: a, table: table, fail: fail, small: make([][]byte, numbers)}
	for i := range n.small {
		n.small[i] = table[strconv.Itoa(i)]
	}
	return n
}

func (l *lowering) codeTable(fn string, arg celast.Expr) *codeTable {
	name, ok := l.constantText(fn, arg, problem.Say("the name of the code table"))
	if !ok {
		return nil
	}
	t := l.codes[name]
	if t == nil {
		var names []string
		for _, m := range l.file.Codes {
			names = append(names, m.Name)
		}
		fix := suggestion(name, names)
		if len(names) == 0 {
			fix = problem.Say(`add codes: { %s: { list: …, map: { "1": "1" } } }`, name)
		}
		l.problem(arg, "unknown-code-table", problem.Say("there is no code table %q under codes", name), fix)
		return nil
	}
	t.used, l.uses["codes."+name] = true, true
	return t
}

// unusedCodes warns of code tables that no expression names.
func (c *compiler) unusedCodes() {
	for i := range c.file.Codes {
		m := &c.file.Codes[i]
		if t := c.codes[m.Name]; t != nil && !t.used && !m.shared && !c.file.broken && c.problems.Err() == nil {
			c.warn(m.At, "never-used", problem.Say("no expression uses the code table %s", m.Name), problem.Say("write code(%q, x), or remove it", m.Name))
		}
	}
}

func lowerCode(l *lowering, _ celast.Expr, args []celast.Expr) (node, typ) {
	t := l.codeTable("code", args[0])
	n, ta := l.lower(args[1])
	l.wantKind("code", args[1], ta, kindText, kindInt, kindDecimal, kindBool)
	if t == nil {
		return &literalNode{null}, typ{}
	}
	if ta.schema != nil && t.source.List != "" && ta.schema.CodeList == t.source.List {
		return l.problem(args[0], "wrong-code-list", problem.Say("code() gives codes of %s, and %s is one already", t.source.List, l.source(args[1])), problem.Say("write codeOf(%q, %s) for your own code", t.source.Name, l.source(args[1])))
	}
	return newCodeNode(n, t.to, newFailure(schemas.RuleUnmappedCode, "codes."+t.source.Name)), typ{kind: kindText, nullable: ta.nullable, codes: t}
}

func lowerCodeOf(l *lowering, e celast.Expr, args []celast.Expr) (node, typ) {
	t := l.codeTable("codeOf", args[0])
	n, ta := l.lower(args[1])
	l.wantKind("codeOf", args[1], ta, kindText, kindInt, kindDecimal)
	if t == nil {
		return &literalNode{null}, typ{}
	}
	if t.twofold != "" {
		var from []string
		for _, entry := range t.source.Entries {
			if entry.To == t.twofold {
				from = append(from, entry.From)
			}
		}
		slices.Sort(from)
		return l.problem(e, "not-one-to-one", problem.Say("the code table %s cannot be read backwards: %q has the codes %s", t.source.Name, t.twofold, quotedList(from)), problem.Say("make a second table for this direction, with one code for each"))
	}
	l.codesFrom(args[1], ta, t)
	return newCodeNode(n, t.back, newFailure(schemas.RuleUnmappedCode, "codes."+t.source.Name)), typ{kind: kindText, nullable: ta.nullable}
}

// codesFrom checks that a property of the document has the codes that a table gives back.
func (l *lowering) codesFrom(arg celast.Expr, ta typ, t *codeTable) {
	m := t.source
	if ta.schema == nil || ta.schema.CodeList == "" || m.List == "" || t.strayList {
		return
	}
	if ta.schema.CodeList != m.List {
		l.problem(arg, "wrong-code-list", problem.Say("%s is a code of %s, the table %s gives codes of %s", l.source(arg), ta.schema.CodeList, m.Name, m.List), problem.Say("use a code table with list: %s", ta.schema.CodeList))
		return
	}
	list, err := l.env.Set.CodeList(m.List)
	if err != nil {
		return // told when the table was read
	}
	var missing []string
	for _, code := range list.Codes() {
		if possible := len(ta.schema.Enum) == 0 || slices.Contains(ta.schema.Enum, code.Code); possible && t.back[code.Code] == nil {
			missing = append(missing, code.Code)
		}
	}
	if n := len(missing); n > 0 {
		more := ""
		if missing = missing[:min(n, 5)]; n > len(missing) {
			more = fmt.Sprintf(" and %d others", n-len(missing))
		}
		l.warn(l.expr.At, "incomplete-codes", problem.Say("the code table %s has nothing for %s%s of %s: events with them become dead letters", m.Name, quotedList(missing), more, m.List), problem.Say("add a line: \"…\": %q", missing[0]))
	}
}

func quotedList(s []string) string {
	var b bytes.Buffer
	for i, x := range s {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%q", x)
	}
	return b.String()
}

func (n *codeNode) eval(f *frame) cell {
	v := n.a.eval(f)
	if v.isNull() || v.isFailed() {
		return v
	}
	if v.is(kindInt) && v.num >= 0 && v.num < int64(len(n.small)) {
		if to := n.small[v.num]; to != nil {
			return textCell(to)
		}
		return failed(n.fail)
	}
	var buf [64]byte
	b := v.bytes()
	if !v.is(kindText) {
		var ok bool
		if v.is(kindDecimal) {
			b, ok = v.appendDecimal(buf[:0])
		} else {
			b, ok = v.appendText(buf[:0])
		}
		if !ok {
			return failed(n.fail)
		}
	}
	if to, ok := n.table[string(bytes.TrimSpace(b))]; ok {
		return textCell(to)
	}
	return failed(n.fail)
}
