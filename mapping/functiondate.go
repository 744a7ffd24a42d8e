package mapping

import (
	"errors"
	"slices"
	"strings"
	"time"

	celast "cel.dev/cel-go/common/ast"

	"github.com/lienthong/truc/mapping/value"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas"
)

// layouts reads an argument that is a layout or a list of layouts. least is the precision each of them must state.
func (l *lowering) layouts(fn string, arg celast.Expr, least value.Precision) ([]*value.Layout, bool) {
	items := []celast.Expr{arg}
	if arg.Kind() == celast.ListKind {
		items = arg.AsList().Elements()
	}
	var out []*value.Layout
	for _, item := range items {
		s, ok := l.constantText(fn, item, problem.Say("the layout"))
		if !ok {
			return nil, false
		}
		layout, err := value.CompileLayout(s)
		if err != nil {
			reason := problem.Say("%s", err)
			if bad, ok := errors.AsType[*value.LayoutError](err); ok {
				reason = bad.Why
			}
			fix := problem.Say("use yyyy, MM, dd, HH, mm, ss and what stands between them: dd/MM/yyyy")
			if len(similar(s, []string{value.ExcelLayout})) > 0 {
				fix = suggestion(s, []string{value.ExcelLayout})
			}
			l.problem(item, "bad-layout", problem.Say("%q is not a date layout: %s", s, reason), fix)
			return nil, false
		}
		if layout.Precision() < least && least == value.Time {
			l.problem(item, "bad-layout", problem.Say("%s() needs a time of day, and %q does not state it", fn, s), problem.Say("write the layout the column has, such as \"dd/MM/yyyy HH:mm\"; for a date alone date(x, %q)", s))
			return nil, false
		}
		if layout.Precision() < least {
			l.problem(item, "bad-layout", problem.Say("%s() needs the whole date, and %q does not state it", fn, s), problem.Say(`for dates of which less may be known write partialDate(x, ["dd/MM/yyyy", "yyyy"])`))
			return nil, false
		}
		out = append(out, layout)
	}
	for _, serial := range out {
		for _, other := range out {
			// A year alone is a serial too, of a day in 1905.
			if n := other.DigitsOnly(); serial.Serial() && n > 0 && n < len("2958466")+1 {
				l.problem(arg, "bad-layout", problem.Say("%s(): a text of %d digits is a date by the layout %q and by %q", fn, n, serial, other), problem.Say("keep one of the two"))
				return nil, false
			}
		}
	}
	for i, first := range out {
		for _, later := range out[i+1:] {
			if text := first.Ambiguous(later); text != "" {
				l.warn(l.expr.At, "ambiguous-layout", problem.Say("%s(): %s is one date by the layout %q and another by %q: the first is taken, right or wrong", fn, text, first, later), problem.Say("keep the layout that the column has; where it has both, publish a view that tells them apart"))
			}
		}
	}
	if len(out) == 0 {
		l.problem(arg, "wrong-arguments", problem.Say("%s(): no layout is given", fn), problem.Say("write %s", functionNamed(fn).usage))
		return nil, false
	}
	return out, true
}

func dateFailure(layouts []*value.Layout) failure {
	var names []string
	for _, l := range layouts {
		names = append(names, l.String())
	}
	return newFailure(schemas.RuleDate, strings.Join(names, ", "))
}

// dateKinds are the kinds of columns that layouts read: texts, and numbers that are serials of a spreadsheet.
func dateKinds(layouts []*value.Layout) []kind {
	if slices.ContainsFunc(layouts, (*value.Layout).Serial) {
		return []kind{kindText, kindInt, kindDecimal, kindFloat}
	}
	return []kind{kindText}
}

// dateText is what layouts read of a cell; ok is false for a cell of another kind than dateKinds.
func dateText(layouts []*value.Layout, v cell, buf []byte) (b []byte, ok bool) {
	switch {
	case v.is(kindText):
		return v.bytes(), true
	case v.kind.number() && len(dateKinds(layouts)) > 1:
		return v.appendDecimal(buf)
	}
	return nil, false
}

func parseAny(layouts []*value.Layout, b []byte) (value.DateTime, bool) {
	for _, l := range layouts {
		if t, ok := l.Parse(b); ok {
			return t, true
		}
	}
	return value.DateTime{}, false
}

type dateNode struct {
	a       node
	layouts []*value.Layout
	fail    failure
}

func lowerDate(l *lowering, e celast.Expr, args []celast.Expr) (node, typ) {
	n, t := l.lower(args[0])
	out := typ{kind: kindDate, nullable: t.nullable}
	if len(args) == 1 {
		if t.kind == kindText {
			return l.problem(e, "wrong-arguments", problem.Say("date(): %s is text, so its layout must be given", l.source(args[0])), problem.Say(`write date(x, "dd/MM/yyyy")`))
		}
		l.wantKind("date", args[0], t, kindDate, kindDateTime)
		return &dateNode{n, nil, newFailure(schemas.RuleDate, l.source(e))}, out
	}
	layouts, ok := l.layouts("date", args[1], value.Day)
	if !ok {
		return &literalNode{null}, typ{}
	}
	l.wantKind("date", args[0], t, dateKinds(layouts)...)
	return &dateNode{n, layouts, dateFailure(layouts)}, out
}

func (n *dateNode) eval(f *frame) cell {
	v := n.a.eval(f)
	var t value.DateTime
	var ok bool
	switch {
	case v.isNull() || v.isFailed() || v.is(kindDate):
		return v
	case v.is(kindDateTime):
		t, _, ok = value.ParseISODateTime(v.bytes())
	default:
		var buf [64]byte
		var b []byte
		if b, ok = dateText(n.layouts, v, buf[:0]); ok {
			t, ok = parseAny(n.layouts, b)
		}
	}
	if !ok {
		return failed(n.fail)
	}
	start := len(f.scratch)
	f.scratch = value.AppendISODate(f.scratch, t)
	return bytesCell(kindDate, f.since(start))
}

type dateTimeNode struct {
	a       node
	layouts []*value.Layout
	zone    *time.Location
	fail    failure
}

func lowerDateTime(l *lowering, _ celast.Expr, args []celast.Expr) (node, typ) {
	n, t := l.lower(args[0])
	layouts, ok := l.layouts("dateTime", args[1], value.Time)
	if !ok {
		return &literalNode{null}, typ{}
	}
	l.wantKind("dateTime", args[0], t, dateKinds(layouts)...)
	zone := l.localZone()
	if len(args) == 3 {
		if zone, ok = l.zone("dateTime", args[2]); !ok {
			return &literalNode{null}, typ{}
		}
	}
	return &dateTimeNode{n, layouts, zone, dateFailure(layouts)}, typ{kind: kindTimestamp, nullable: t.nullable}
}

func (n *dateTimeNode) eval(f *frame) cell {
	v := n.a.eval(f)
	if v.isNull() || v.isFailed() {
		return v
	}
	var buf [64]byte
	b, ok := dateText(n.layouts, v, buf[:0])
	if !ok {
		return failed(n.fail)
	}
	t, ok := parseAny(n.layouts, b)
	if !ok {
		return failed(n.fail)
	}
	start := len(f.scratch)
	f.scratch = appendZoned(f.scratch, t, n.zone)
	return bytesCell(kindTimestamp, f.since(start))
}

type partialDateNode struct {
	a       node
	layouts []*value.Layout
	fail    failure
}

func lowerPartialDate(l *lowering, _ celast.Expr, args []celast.Expr) (node, typ) {
	n, t := l.lower(args[0])
	layouts, ok := l.layouts("partialDate", args[1], value.Year)
	if !ok {
		return &literalNode{null}, typ{}
	}
	l.wantKind("partialDate", args[0], t, append(dateKinds(layouts), kindDate)...)
	return &partialDateNode{n, layouts, dateFailure(layouts)}, typ{kind: kindPartial, nullable: t.nullable}
}

func (n *partialDateNode) eval(f *frame) cell {
	v := n.a.eval(f)
	switch {
	case v.isNull() || v.isFailed():
		return v
	case v.is(kindDate):
		return bytesCell(kindPartial, v.bytes())
	}
	var buf [64]byte
	b, ok := dateText(n.layouts, v, buf[:0])
	if !ok {
		return failed(n.fail)
	}
	p, ok := value.ParsePartial(n.layouts, b)
	if !ok {
		return failed(n.fail)
	}
	start := len(f.scratch)
	f.scratch = value.AppendPartialValue(f.scratch, p)
	return bytesCell(kindPartial, f.since(start))
}
