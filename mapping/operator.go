package mapping

import (
	"slices"
	"strings"

	celast "cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"

	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas"
)

// typeFailure is what a value of another kind than expected becomes at run time.
func (l *lowering) typeFailure(e celast.Expr) failure {
	return newFailure(ruleType, l.source(e))
}

// wantValue reports an operand that can be null where null makes the operator fail.
func (l *lowering) wantValue(e celast.Expr, t typ, op string) bool {
	if !t.nullable {
		return true
	}
	s := l.source(e)
	fix := problem.Say("write or(%s, %s) to say what holds then", s, sample(t.kind))
	if op == "+" && t.kind == kindText {
		fix = problem.Say(`write join([%s, …], "") to leave out what is null, or or(%s, "")`, s, s)
	}
	l.problem(e, "nullable", problem.Say("%s can be null, and %s fails on null", s, op), fix)
	return false
}

// sample is a constant of a kind, for advice.
func sample(k kind) string {
	switch k {
	case kindBool:
		return "false"
	case kindInt, kindDecimal:
		return "0"
	case kindFloat:
		return "0.0"
	case kindDate:
		return `date("01/01/1900", "dd/MM/yyyy")`
	case kindText:
		return `""`
	}
	return "…"
}

func (l *lowering) wantBool(e celast.Expr, t typ, op string) {
	switch t.kind {
	case kindBool, kindAny:
		l.wantValue(e, t, op)
	default:
		l.problem(e, "wrong-type", problem.Say("%s takes true/false, but %s is %s", op, l.source(e), article(t.kind)), problem.Say("compare it: %s == %s", l.source(e), sample(t.kind)))
	}
}

func (l *lowering) equality(e, left, right celast.Expr, not bool) (node, typ) {
	a, ta := l.lower(left)
	b, tb := l.lower(right)
	if !canEqual(ta.kind, tb.kind) {
		return l.problem(e, "wrong-type", problem.Say("%s compares %s with %s: they are never equal", l.source(e), article(ta.kind), article(tb.kind)), l.alike(left, ta, right, tb))
	}
	return &equalNode{a, b, not}, typ{kind: kindBool}
}

// alike advises how to make two operands of different kinds comparable.
func (l *lowering) alike(left celast.Expr, ta typ, right celast.Expr, tb typ) problem.Text {
	if ta.kind == kindText {
		left, ta, right, tb = right, tb, left, ta
	}
	if tb.kind != kindText {
		return problem.Say("compare values of one kind")
	}
	switch {
	case ta.kind == kindDate:
		return problem.Say(`write date(%s, "dd/MM/yyyy")`, l.source(right))
	case ta.kind == kindTimestamp:
		return problem.Say(`write dateTime(%s, "dd/MM/yyyy HH:mm")`, l.source(right))
	case left.Kind() == celast.LiteralKind && ta.kind.number():
		return problem.Say("write \"%s\" in double quotes: %s is text", l.source(left), l.source(right))
	case right.Kind() == celast.LiteralKind && ta.kind.number():
		return problem.Say("write the number without quotes: %s is %s", l.source(left), article(ta.kind))
	case ta.kind.number():
		return problem.Say("write text(%s)", l.source(left))
	}
	return problem.Say("compare values of one kind")
}

func canEqual(a, b kind) bool {
	return a == b || a == kindAny || b == kindAny || a == kindNull || b == kindNull || a.number() && b.number()
}

func (l *lowering) ordering(e, left, right celast.Expr, op string) (node, typ) {
	a, ta := l.lower(left)
	b, tb := l.lower(right)
	sign := strings.Trim(op, "_")
	ordered := func(k kind) bool {
		return k.number() || k == kindText || k == kindDate || k == kindTime || k == kindDateTime || k == kindTimestamp || k == kindBool || k == kindAny
	}
	for _, side := range []struct {
		e celast.Expr
		t typ
	}{{left, ta}, {right, tb}} {
		if !ordered(side.t.kind) {
			return l.problem(e, "wrong-type", problem.Say("%s: %s is %s, which has no order", l.source(e), l.source(side.e), article(side.t.kind)), problem.Say("compare numbers, texts or dates"))
		}
	}
	if !canEqual(ta.kind, tb.kind) {
		return l.problem(e, "wrong-type", problem.Say("%s compares %s with %s", l.source(e), article(ta.kind), article(tb.kind)), l.alike(left, ta, right, tb))
	}
	l.wantValue(left, ta, sign)
	l.wantValue(right, tb, sign)
	ops := map[string]comparison{operators.Less: less, operators.LessEquals: lessEqual, operators.Greater: greater, operators.GreaterEquals: greaterEqual}
	return &compareNode{a, b, ops[op], l.typeFailure(e)}, typ{kind: kindBool}
}

func (l *lowering) logic(e, left, right celast.Expr, or bool) (node, typ) {
	a, ta := l.lower(left)
	b, tb := l.lower(right)
	sign := "&&"
	if or {
		sign = "||"
	}
	l.wantBool(left, ta, sign)
	l.wantBool(right, tb, sign)
	return &logicNode{a, b, or, l.typeFailure(e)}, typ{kind: kindBool}
}

func (l *lowering) conditional(e celast.Expr, args []celast.Expr) (node, typ) {
	when, tw := l.lower(args[0])
	then, tt := l.lower(args[1])
	otherwise, to := l.lower(args[2])
	l.wantBool(args[0], tw, "? :")
	t, ok := joined(tt, to)
	if !ok {
		return l.problem(e, "wrong-type", problem.Say("%s is %s or %s, depending on the condition", l.source(e), article(tt.kind), article(to.kind)), problem.Say("make both sides of one kind"))
	}
	return &conditionNode{when, then, otherwise, l.typeFailure(e)}, t
}

// joined is the type of what is one or the other.
func joined(a, b typ) (typ, bool) {
	t := typ{kind: a.kind, nullable: a.nullable || b.nullable, schema: a.schema, codes: a.codes, parts: a.parts && b.parts, made: slices.Concat(a.made, b.made)}
	if a.item == b.item {
		t.item = a.item
	}
	if a.list == b.list || b.kind == kindNull {
		t.list = a.list
	} else if a.kind == kindNull {
		t.list = b.list
	}
	switch {
	case a.codes == nil:
		t.codes = b.codes
	case b.codes != nil && b.codes != a.codes:
		t.codes = nil
	}
	switch {
	case a.kind == b.kind:
	case a.kind == kindNull:
		t.kind, t.schema = b.kind, b.schema
	case b.kind == kindNull:
	case a.kind == kindAny || b.kind == kindAny:
		t.kind, t.schema = kindAny, nil
	case a.kind.number() && b.kind.number():
		t.kind = kindAny
	default:
		return typ{}, false
	}
	return t, true
}

func (l *lowering) arithmetic(e, left, right celast.Expr, op string) (node, typ) {
	a, ta := l.lower(left)
	b, tb := l.lower(right)
	sign := op[1]
	wantA, wantB := l.wantValue(left, ta, string(sign)), l.wantValue(right, tb, string(sign))
	if !wantA || !wantB {
		return &literalNode{null}, typ{}
	}
	n := &arithmeticNode{a, b, sign, l.typeFailure(e), newFailure(schemas.RuleNumber, l.source(e))}
	fits := func(k kind) bool {
		return k == kindInt || k == kindFloat || k == kindText && sign == '+' || k == kindAny
	}
	if fits(ta.kind) && fits(tb.kind) && (ta.kind == tb.kind || ta.kind == kindAny || tb.kind == kindAny) {
		t := ta
		if ta.kind == kindAny {
			t = tb
		}
		return n, typ{kind: t.kind}
	}
	fix := problem.Say("make both sides of one kind")
	switch {
	case ta.kind == kindText && sign == '+':
		fix = problem.Say("write %s + text(%s)", l.source(left), l.source(right))
	case tb.kind == kindText && sign == '+':
		fix = problem.Say("write text(%s) + %s", l.source(left), l.source(right))
	case ta.kind == kindDecimal || tb.kind == kindDecimal:
		fix = problem.Say("arithmetic on exact decimals is not supported by this version: compute it in a view")
	case ta.kind == kindDate || tb.kind == kindDate:
		fix = problem.Say("use age(date, at) for whole years: dates are not added")
	}
	return l.problem(e, "wrong-type", problem.Say("%s: %c does not take %s and %s", l.source(e), sign, article(ta.kind), article(tb.kind)), fix)
}

func (l *lowering) member(e, element celast.Expr, of []celast.Expr) (node, typ) {
	v, tv := l.lower(element)
	n := &memberNode{value: v}
	for _, x := range of {
		m, tm := l.lower(x)
		if !canEqual(tv.kind, tm.kind) {
			return l.problem(x, "wrong-type", problem.Say("%s looks for %s, but %s is %s", l.source(e), article(tv.kind), l.source(x), article(tm.kind)), l.alike(element, tv, x, tm))
		}
		n.of = append(n.of, m)
	}
	return n, typ{kind: kindBool}
}
