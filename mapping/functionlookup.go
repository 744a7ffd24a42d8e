package mapping

import (
	celast "cel.dev/cel-go/common/ast"

	"github.com/lienthong/truc/mapping/value"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas"
)

// lookupIndex finds entries of a code list by their codes, names and aliases. An entry of -1 stands for several codes.
type lookupIndex struct {
	codes [][]byte
	exact map[string]int
	// written is by text in small letters, folded by match key, without marks. What is found as it is written is not looked for without marks:
	// "Thổ" is one people, "Tho" may be several.
	written, folded map[string]int
}

func newLookupIndex(list *schemas.CodeList) *lookupIndex {
	x := &lookupIndex{exact: map[string]int{}, written: map[string]int{}, folded: map[string]int{}}
	add := func(m map[string]int, key []byte, i int) {
		if before, there := m[string(key)]; there && before != i {
			i = -1
		}
		m[string(key)] = i
	}
	for i, c := range list.Codes() {
		x.codes = append(x.codes, []byte(c.Code))
		x.exact[c.Code] = i
		for _, name := range append([]string{c.Code, c.VI, c.EN}, c.Aliases...) {
			text, ok := value.AppendText(nil, []byte(name))
			if !ok || len(text) == 0 {
				continue
			}
			folded, _ := value.AppendMatchKey(nil, text)
			add(x.written, value.AppendLower(nil, text), i)
			add(x.folded, folded, i)
		}
	}
	return x
}

type lookupNode struct {
	a                   node
	index               *lookupIndex
	lenient             bool
	unlisted, ambiguous *failure
}

func lowerLookup(l *lowering, _ celast.Expr, args []celast.Expr) (node, typ) {
	args, lenient, ok := l.lenient("lookup", args, 2)
	if !ok {
		return &literalNode{null}, typ{}
	}
	name, ok := l.constantText("lookup", args[0], problem.Say("the code list"))
	a, t := l.lower(args[1])
	l.wantKind("lookup", args[1], t, kindText, kindInt)
	if !ok {
		return &literalNode{null}, typ{}
	}
	list, err := l.env.Set.CodeList(name)
	if err != nil {
		what, fix := fromProblem(err)
		if l.codes[name] != nil {
			fix = problem.Say("%s is a code table of this file: write code(%q, %s)", name, name, l.source(args[1]))
		}
		return l.problem(args[0], "unknown-code-list", what, fix)
	}
	return &lookupNode{
		a: a, index: newLookupIndex(list), lenient: lenient,
		unlisted: &failure{schemas.RuleUnlisted, name}, ambiguous: &failure{schemas.RuleAmbiguous, name},
	}, typ{kind: kindText, nullable: true, list: name}
}

func (n *lookupNode) eval(f *frame) cell {
	v := n.a.eval(f)
	if v.isNull() || v.isFailed() {
		return v
	}
	if !v.is(kindText) && !v.is(kindInt) {
		return failed(n.unlisted)
	}
	var number [24]byte
	b, _ := v.appendText(number[:0])
	if v.is(kindText) {
		b = v.b
	}
	start := len(f.scratch)
	defer func() { f.scratch = f.scratch[:start] }()
	var ok bool
	if f.scratch, ok = value.AppendText(f.scratch, b); !ok {
		return failed(n.unlisted)
	}
	text := f.since(start)
	if len(text) == 0 {
		return null
	}
	i, found := n.find(f, text)
	switch {
	case found && i >= 0:
		return textCell(n.index.codes[i])
	case n.lenient && found:
		f.remark(Remark{Group: schemas.GroupReference, Rule: schemas.RuleAmbiguous})
		return null
	case n.lenient:
		f.remark(Remark{Group: schemas.GroupReference, Rule: schemas.RuleUnlisted})
		return null
	case found:
		return failed(n.ambiguous)
	}
	return failed(n.unlisted)
}

func (n *lookupNode) find(f *frame, text []byte) (i int, found bool) {
	if i, found = n.index.exact[string(text)]; found {
		return i, true
	}
	start := len(f.scratch)
	f.scratch = value.AppendLower(f.scratch, text)
	if i, found = n.index.written[string(f.since(start))]; found {
		return i, true
	}
	start = len(f.scratch)
	f.scratch, _ = value.AppendMatchKey(f.scratch, text)
	i, found = n.index.folded[string(f.since(start))]
	return i, found
}
