package mapping

import (
	"time"

	celast "cel.dev/cel-go/common/ast"

	"github.com/lienthong/truc/mapping/value"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas"
)

// lowerWhen makes a condition without a second side of it.
func lowerWhen(l *lowering, e celast.Expr, args []celast.Expr) (node, typ) {
	condition, tc := l.lower(args[0])
	then, t := l.lower(args[1])
	l.wantBool(args[0], tc, "when()")
	t.nullable = true
	return &conditionNode{condition, then, &literalNode{null}, l.typeFailure(e)}, t
}

type zoneNode struct {
	a    node
	zone *time.Location
	fail failure
}

func lowerZone(l *lowering, e celast.Expr, args []celast.Expr) (node, typ) {
	n, t := l.lower(args[0])
	switch t.kind {
	case kindTimestamp:
		return l.problem(args[0], "wrong-type", problem.Say("zone(): %s has a zone already", l.source(args[0])), problem.Say("write %s alone", l.source(args[0])))
	case kindText:
		return l.problem(args[0], "wrong-type", problem.Say("zone() takes a date and time without zone, but %s is text", l.source(args[0])), problem.Say(`write dateTime(%s, "dd/MM/yyyy HH:mm", "Asia/Ho_Chi_Minh") with the layout the column has`, l.source(args[0])))
	}
	l.wantKind("zone", args[0], t, kindDateTime)
	zone, ok := l.zone("zone", args[1])
	if !ok {
		return &literalNode{null}, typ{}
	}
	return &zoneNode{n, zone, newFailure(schemas.RuleDate, l.source(e))}, typ{kind: kindTimestamp, nullable: t.nullable}
}

// zone reads an argument that names a time zone.
func (l *lowering) zone(fn string, arg celast.Expr) (*time.Location, bool) {
	name, ok := l.constantText(fn, arg, problem.Say("the zone"))
	if !ok {
		return nil, false
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		l.problem(arg, "unknown-zone", problem.Say("%q is not a time zone", name), problem.Say("write a name such as Asia/Ho_Chi_Minh or UTC"))
		return nil, false
	}
	return zone, true
}

func (n *zoneNode) eval(f *frame) cell {
	v := n.a.eval(f)
	if v.isNull() || v.isFailed() {
		return v
	}
	t, utc, ok := value.ParseISODateTime(v.bytes())
	if !v.is(kindDateTime) || !ok || utc {
		return failed(n.fail)
	}
	start := len(f.scratch)
	f.scratch = appendZoned(f.scratch, t, n.zone)
	return bytesCell(kindTimestamp, f.since(start))
}
