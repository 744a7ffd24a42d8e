package mapping

import (
	"bytes"

	celast "cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"

	"github.com/lienthong/truc/mapping/value"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas"
)

func (l *lowering) function(e celast.Expr, fn *function, args []celast.Expr) (node, typ) {
	if len(args) < fn.min || len(args) > fn.max {
		return l.problem(e, "wrong-arguments", problem.Say("%s() takes %s, found %d", fn.name, arity(fn), len(args)), problem.Say("write %s", fn.usage))
	}
	l.uses[fn.name+"()"] = true
	return fn.lower(l, e, args)
}

func arity(fn *function) problem.Text {
	switch {
	case fn.min != fn.max:
		return problem.Say("%d to %d values", fn.min, fn.max)
	case fn.min == 1:
		return problem.Say("1 value")
	}
	return problem.Say("%d values", fn.min)
}

// wantKind reports an argument of a kind the function does not take.
func (l *lowering) wantKind(fn string, arg celast.Expr, t typ, kinds ...kind) {
	if t.kind == kindAny || t.kind == kindNull {
		return
	}
	var words []problem.Text
	for _, k := range kinds {
		if k == t.kind {
			return
		}
		words = append(words, article(k))
	}
	fix := problem.Say("write %s", functionNamed(fn).usage)
	if t.kind.number() && kinds[0] == kindText {
		fix = problem.Say("write text(%s)", l.source(arg))
	}
	l.problem(arg, "wrong-type", problem.Say("%s() takes %s, but %s is %s", fn, alternatives(words), l.source(arg), article(t.kind)), fix)
}

// alternatives joins words: "a, b or c".
func alternatives(words []problem.Text) problem.Text {
	if len(words) == 1 {
		return words[0]
	}
	return problem.Say("%s or %s", problem.Join(words[:len(words)-1], ", "), words[len(words)-1])
}

// constantText returns an argument that must be a text written in the expression itself.
func (l *lowering) constantText(fn string, arg celast.Expr, what problem.Text) (string, bool) {
	if arg.Kind() == celast.LiteralKind {
		if s, ok := arg.AsLiteral().(types.String); ok {
			return string(s), true
		}
	}
	l.problem(arg, "wrong-arguments", problem.Say("%s(): %s must be a text in double quotes, found %s", fn, what, l.source(arg)), problem.Say("write %s", functionNamed(fn).usage))
	return "", false
}

// scalarKinds are those with a canonical text.
func scalarKinds() []kind {
	return []kind{kindText, kindInt, kindFloat, kindDecimal, kindBool, kindDate, kindTime, kindDateTime, kindTimestamp, kindPartial}
}

type textNode struct {
	a    node
	fail failure
}

func lowerText(l *lowering, e celast.Expr, args []celast.Expr) (node, typ) {
	n, t := l.lower(args[0])
	l.wantKind("text", args[0], t, scalarKinds()...)
	return &textNode{n, newFailure(schemas.RuleEncoding, l.source(e))}, typ{kind: kindText, nullable: t.nullable}
}

func (n *textNode) eval(f *frame) cell {
	v := n.a.eval(f)
	if v.isNull() || v.isFailed() {
		return v
	}
	start := len(f.scratch)
	var ok bool
	if v.is(kindText) {
		if v.plain {
			return v
		}
		f.scratch, ok = value.AppendText(f.scratch, v.bytes())
	} else {
		f.scratch, ok = v.appendText(f.scratch)
	}
	if !ok {
		return failed(n.fail)
	}
	return textCell(f.since(start))
}

type orNode struct {
	of []node
	// constant says of each whether it is written in the expression: taking it leaves a remark.
	constant []bool
}

func lowerOr(l *lowering, e celast.Expr, args []celast.Expr) (node, typ) {
	n := &orNode{}
	t := typ{kind: kindNull, nullable: true}
	for i, a := range args {
		m, tm := l.lower(a)
		n.of = append(n.of, m)
		n.constant = append(n.constant, a.Kind() == celast.LiteralKind)
		j, ok := joined(t, tm)
		if !ok {
			return l.problem(a, "wrong-type", problem.Say("%s: %s is %s, the value before it %s", l.source(e), l.source(a), article(tm.kind), article(t.kind)), problem.Say("make all values of one kind"))
		}
		j.nullable = t.nullable && tm.nullable
		t = j
		if !tm.nullable && i < len(args)-1 && tm.kind != kindAny && (!l.untyped || n.constant[i]) {
			l.warn(l.expr.At, "never-null", problem.Say("%s: %s is never null, what follows it is never used", l.source(e), l.source(a)), problem.Say("write %s alone", l.source(a)))
		}
	}
	return n, t
}

func (n *orNode) eval(f *frame) cell {
	for i, m := range n.of {
		v := m.eval(f)
		if v.isNull() {
			continue
		}
		if n.constant[i] {
			f.remark(Remark{Group: schemas.GroupMissing, Rule: "default"})
		}
		return v
	}
	return null
}

type joinNode struct {
	of        []node
	separator []byte
	fail      failure
}

func lowerJoin(l *lowering, e celast.Expr, args []celast.Expr) (node, typ) {
	if args[0].Kind() != celast.ListKind {
		return l.problem(e, "wrong-arguments", problem.Say("join(): the first value must be a list, found %s", l.source(args[0])), problem.Say(`write join([a, b], " ")`))
	}
	if args[0].AsList().Size() == 0 {
		return l.problem(e, "wrong-arguments", problem.Say("join(): the list is empty"), problem.Say(`write join([a, b], " ")`))
	}
	separator, ok := l.constantText("join", args[1], problem.Say("the separator"))
	if !ok {
		return &literalNode{null}, typ{}
	}
	n := &joinNode{separator: []byte(separator), fail: l.typeFailure(e)}
	for _, a := range args[0].AsList().Elements() {
		m, t := l.lower(a)
		l.wantKind("join", a, t, scalarKinds()...)
		n.of = append(n.of, m)
	}
	return n, typ{kind: kindText, nullable: true}
}

// eval leaves out what is null or blank; when nothing is left, the result is null.
func (n *joinNode) eval(f *frame) cell {
	// The parts come first: they may append to scratch themselves.
	var space [8]cell
	parts := space[:0]
	for _, m := range n.of {
		v := m.eval(f)
		if v.isFailed() {
			return v
		}
		if !v.isNull() {
			parts = append(parts, v)
		}
	}
	start := len(f.scratch)
	for _, v := range parts {
		if v.kind.inText() && len(bytes.TrimSpace(v.bytes())) == 0 {
			continue
		}
		if len(f.scratch) > start {
			f.scratch = append(f.scratch, n.separator...)
		}
		var ok bool
		if f.scratch, ok = v.appendText(f.scratch); !ok {
			return failed(n.fail)
		}
	}
	if len(f.scratch) == start {
		return null
	}
	return textCell(f.since(start))
}

type digitsNode struct {
	a    node
	fail failure
}

func lowerDigits(l *lowering, e celast.Expr, args []celast.Expr) (node, typ) {
	n, t := l.lower(args[0])
	l.wantKind("digits", args[0], t, kindText, kindInt, kindDecimal)
	return &digitsNode{n, l.typeFailure(e)}, typ{kind: kindText, nullable: true}
}

// eval gives null, with a remark, for a text without any digit: "không có" is no number.
func (n *digitsNode) eval(f *frame) cell {
	v := n.a.eval(f)
	if v.isNull() || v.isFailed() {
		return v
	}
	var buf [64]byte
	b, ok := v.appendText(buf[:0])
	if !ok {
		return failed(n.fail)
	}
	start := len(f.scratch)
	f.scratch = value.AppendDigits(f.scratch, b)
	if len(f.scratch) == start {
		if len(bytes.TrimSpace(b)) > 0 {
			f.remark(Remark{Group: schemas.GroupFormat, Rule: "no-digits"})
		}
		return null
	}
	return cell{kind: kindText, plain: true, text: view(f.since(start))}
}

type padNode struct {
	a      node
	length int
	fail   failure
}

func lowerPad(l *lowering, e celast.Expr, args []celast.Expr) (node, typ) {
	const longest = 64
	n, t := l.lower(args[0])
	l.wantKind("pad", args[0], t, kindText, kindInt)
	length, ok := types.Int(0), false
	if args[1].Kind() == celast.LiteralKind {
		length, ok = args[1].AsLiteral().(types.Int)
	}
	if !ok || length < 1 || length > longest {
		return l.problem(e, "wrong-arguments", problem.Say("pad(): the length must be a whole number from 1 to %d, found %s", longest, l.source(args[1])), problem.Say("write pad(x, 12)"))
	}
	return &padNode{n, int(length), l.typeFailure(e)}, typ{kind: kindText, nullable: t.nullable}
}

func (n *padNode) eval(f *frame) cell {
	v := n.a.eval(f)
	if v.isNull() || v.isFailed() {
		return v
	}
	var buf [64]byte
	if !v.is(kindText) && (!v.is(kindInt) || v.num < 0) {
		return failed(n.fail)
	}
	b, _ := v.appendText(buf[:0])
	start := len(f.scratch)
	f.scratch = value.AppendPad(f.scratch, bytes.TrimSpace(b), n.length)
	return textCell(f.since(start))
}

type decimalNode struct {
	a    node
	fail failure
}

func lowerDecimal(l *lowering, e celast.Expr, args []celast.Expr) (node, typ) {
	n, t := l.lower(args[0])
	l.wantKind("decimal", args[0], t, kindText, kindInt, kindFloat, kindDecimal)
	return &decimalNode{n, newFailure(schemas.RuleNumber, l.source(e))}, typ{kind: kindDecimal, nullable: t.nullable}
}

func (n *decimalNode) eval(f *frame) cell {
	v := n.a.eval(f)
	if v.isNull() || v.isFailed() {
		return v
	}
	if !v.kind.number() && !v.is(kindText) {
		return failed(n.fail)
	}
	start := len(f.scratch)
	var ok bool
	if f.scratch, ok = v.appendDecimal(f.scratch); !ok {
		f.scratch = f.scratch[:start]
		return failed(n.fail)
	}
	return bytesCell(kindDecimal, f.since(start))
}
