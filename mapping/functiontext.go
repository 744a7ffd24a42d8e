package mapping

import (
	celast "cel.dev/cel-go/common/ast"

	"github.com/lienthong/truc/mapping/value"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas"
)

type titleNode struct {
	a    node
	fail failure
}

func lowerTitleCase(l *lowering, e celast.Expr, args []celast.Expr) (node, typ) {
	n, t := l.lower(args[0])
	l.wantKind("titleCase", args[0], t, kindText)
	return &titleNode{n, newFailure(schemas.RuleEncoding, l.source(e))}, typ{kind: kindText, nullable: t.nullable}
}

func (n *titleNode) eval(f *frame) cell {
	v := n.a.eval(f)
	if v.isNull() || v.isFailed() {
		return v
	}
	if !v.is(kindText) {
		return failed(n.fail)
	}
	start := len(f.scratch)
	var ok bool
	if f.scratch, ok = value.AppendTitle(f.scratch, v.bytes()); !ok {
		return failed(n.fail)
	}
	return textCell(f.since(start))
}

type moneyNode struct {
	a        node
	grouping value.Grouping
	fail     failure
}

func lowerMoney(l *lowering, e celast.Expr, args []celast.Expr) (node, typ) {
	n, t := l.lower(args[0])
	l.wantKind("money", args[0], t, kindText, kindInt, kindFloat, kindDecimal)
	grouping := value.EitherGrouping
	if len(args) == 2 {
		word, ok := l.constantText("money", args[1], problem.Say("the way of writing"))
		if !ok {
			return &literalNode{null}, typ{}
		}
		switch word {
		case "vi":
			grouping = value.VietnameseGrouping
		case "en":
			grouping = value.EnglishGrouping
		default:
			return l.problem(args[1], "wrong-arguments", problem.Say("money(): %q is no way of writing an amount", word), problem.Say(`write "vi" for 1.234.567,50 or "en" for 1,234,567.50`))
		}
	}
	return &moneyNode{n, grouping, newFailure(schemas.RuleAmount, l.source(e))}, typ{kind: kindDecimal, nullable: true}
}

func (n *moneyNode) eval(f *frame) cell {
	v := n.a.eval(f)
	if v.isNull() || v.isFailed() {
		return v
	}
	start := len(f.scratch)
	ok := false
	switch {
	case v.is(kindText) && blank(v.bytes()):
		return null
	case v.is(kindText):
		f.scratch, ok = value.AppendMoney(f.scratch, v.bytes(), n.grouping)
	case v.kind.number():
		f.scratch, ok = v.appendDecimal(f.scratch)
	}
	if !ok {
		f.scratch = f.scratch[:start]
		return failed(n.fail)
	}
	return bytesCell(kindDecimal, f.since(start))
}

// addressPart is what address() gives: the whole as an object, or one part as text.
type addressPart uint8

const (
	wholeAddress addressPart = iota
	provincePart
	districtPart
	communePart
	restPart
)

type addressNode struct {
	a    node
	part addressPart
	fail failure
}

func lowerAddress(l *lowering, e celast.Expr, args []celast.Expr) (node, typ) {
	a, t := l.lower(args[0])
	l.wantKind("address", args[0], t, kindText)
	n := &addressNode{a: a, fail: newFailure(schemas.RuleEncoding, l.source(e))}
	if len(args) == 1 {
		return n, typ{kind: kindObject, nullable: true, made: []string{"chiTiet"}}
	}
	words := map[string]addressPart{"tinh": provincePart, "huyen": districtPart, "xa": communePart, "conLai": restPart}
	word, ok := l.constantText("address", args[1], problem.Say("the part"))
	if !ok {
		return &literalNode{null}, typ{}
	}
	if n.part = words[word]; n.part == wholeAddress {
		return l.problem(args[1], "wrong-arguments", problem.Say("address(): %q is no part of an address", word), problem.Say(`write "tinh", "huyen", "xa" or "conLai" (what stands before them), or nothing for the whole`))
	}
	return n, typ{kind: kindText, nullable: true}
}

func (n *addressNode) eval(f *frame) cell {
	v := n.a.eval(f)
	if v.isNull() || v.isFailed() {
		return v
	}
	if !v.is(kindText) {
		return failed(n.fail)
	}
	start := len(f.scratch)
	var ok bool
	if f.scratch, ok = value.AppendText(f.scratch, v.bytes()); !ok {
		return failed(n.fail)
	}
	text := f.since(start)
	if len(text) == 0 {
		return null
	}
	if n.part == wholeAddress {
		start = len(f.scratch)
		f.scratch = append(f.scratch, `{"chiTiet":`...)
		f.scratch = append(appendJSONString(f.scratch, text), '}')
		return bytesCell(kindObject, f.since(start))
	}
	parsed := value.ParseAddress(text)
	var part []byte
	switch n.part {
	case provincePart:
		part = parsed.Province
	case districtPart:
		part = parsed.District
	case communePart:
		part = parsed.Commune
	default:
		part = parsed.Rest
	}
	if part == nil {
		return null
	}
	return textCell(part)
}
