package mapping

import (
	celast "cel.dev/cel-go/common/ast"

	"github.com/lienthong/truc/mapping/value"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas"
)

type lookupNode struct {
	a                   node
	list                *schemas.CodeList
	codes               [][]byte
	lenient             bool
	unlisted, ambiguous failure
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
	var codes [][]byte
	for _, c := range list.Codes() {
		codes = append(codes, []byte(c.Code))
	}
	return &lookupNode{
		a: a, list: list, codes: codes, lenient: lenient,
		unlisted: newFailure(schemas.RuleUnlisted, name), ambiguous: newFailure(schemas.RuleAmbiguous, name),
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
		b = v.bytes()
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
	switch found := n.list.Find(text, f.scratch[len(f.scratch):]); {
	case len(found) == 1:
		return textCell(n.codes[found[0]])
	case n.lenient && len(found) > 1:
		f.remark(Remark{Group: schemas.GroupReference, Rule: schemas.RuleAmbiguous})
		return null
	case n.lenient:
		f.remark(Remark{Group: schemas.GroupReference, Rule: schemas.RuleUnlisted})
		return null
	case len(found) > 1:
		return failed(n.ambiguous)
	}
	return failed(n.unlisted)
}
