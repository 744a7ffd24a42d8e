package mapping

import (
	"time"

	celast "cel.dev/cel-go/common/ast"

	"github.com/lienthong/truc/mapping/value"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas"
)

type ageNode struct {
	born, at node
	zone     *time.Location
	// fail is no date, unborn one after the other.
	fail, unborn failure
}

func lowerAge(l *lowering, e celast.Expr, args []celast.Expr) (node, typ) {
	born, tb := l.lower(args[0])
	at, ta := l.lower(args[1])
	if tb.kind == kindObject && (tb.schema == nil || tb.schema.Property("giaTri") == nil) {
		return l.problem(args[0], "wrong-type", problem.Say("age() takes a date, but %s is an object", l.source(args[0])), problem.Say("name the date inside it"))
	}
	l.wantKind("age", args[0], tb, kindDate, kindPartial, kindObject, kindDateTime, kindText)
	l.wantKind("age", args[1], ta, kindTimestamp, kindDate, kindDateTime)
	return &ageNode{born, at, l.localZone(), newFailure(schemas.RuleDate, l.source(e)), newFailure(schemas.RuleUnborn, l.source(e))}, typ{kind: kindInt, nullable: tb.nullable || ta.nullable}
}

// eval counts what is certain: an unknown day or month is taken for the last one (value.AgeAt). The day of an instant is that in Vietnam.
func (n *ageNode) eval(f *frame) cell {
	b := n.born.eval(f)
	if b.isNull() || b.isFailed() {
		return b
	}
	a := n.at.eval(f)
	if a.isNull() || a.isFailed() {
		return a
	}
	born, ok := birthDate(b)
	if !ok {
		return failed(n.fail)
	}
	at, ok := n.day(a)
	if !ok {
		return failed(n.fail)
	}
	years, ok := value.AgeAt(born, at)
	if !ok {
		return failed(n.unborn)
	}
	return intCell(int64(years))
}

func birthDate(c cell) (value.Partial, bool) {
	switch c.kind {
	case kindDate, kindPartial, kindText:
		return value.ParsePartialISO(c.bytes())
	case kindDateTime:
		t, _, ok := value.ParseISODateTime(c.bytes())
		return t.Partial(), ok
	case kindObject, kindJSON:
		v, ok := member(c.bytes(), "giaTri")
		if !ok || len(v) < 2 || v[0] != '"' {
			return value.Partial{}, false
		}
		return value.ParsePartialISO(v[1 : len(v)-1])
	}
	return value.Partial{}, false
}

func (n *ageNode) day(c cell) (value.DateTime, bool) {
	switch c.kind {
	case kindDate:
		return value.ParseISODate(c.bytes())
	case kindDateTime:
		t, _, ok := value.ParseISODateTime(c.bytes())
		return t, ok
	case kindTimestamp:
		t, ok := instant(c.bytes())
		return wallClock(t, n.zone), ok
	}
	return value.DateTime{}, false
}
