package mapping

import (
	"maps"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	celast "cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"github.com/lienthong/truc/problem"
)

// lowering turns one parsed expression into nodes.
type lowering struct {
	*compiler
	expr *Expression
	info *celast.SourceInfo
	// root is the id of the whole expression.
	root int64
	// bound are the variables of the macros around (all, exists, map …): what uses them is left to CEL.
	bound []string
}

// problem reports a fault at a part of the expression.
func (l *lowering) problem(e celast.Expr, code string, what, fix problem.Text) (node, typ) {
	at := l.expr.At
	if !strings.Contains(l.expr.CEL, "\n") {
		at.Column += l.expr.quote + l.start(e)
	}
	l.report(at, code, what, fix)
	return &literalNode{null}, typ{}
}

// start is the column, from 0, at which a part of the expression begins. CEL keeps the place of the operator or the bracket.
func (l *lowering) start(e celast.Expr) int {
	column := -1
	celast.PreOrderVisit(e, celast.NewExprVisitor(func(x celast.Expr) {
		loc := l.info.GetStartLocation(x.ID())
		if loc.Line() != 1 {
			return
		}
		at := loc.Column()
		if x.Kind() == celast.CallKind {
			if call := x.AsCall(); !call.IsMemberFunction() && identifier(call.FunctionName()) {
				at -= len(call.FunctionName())
			}
		}
		if column < 0 || at < column {
			column = at
		}
	}))
	return max(column, 0)
}

// source is a part of the expression as text.
func (l *lowering) source(e celast.Expr) string {
	if e.ID() == l.root {
		return l.expr.text()
	}
	s, err := cel.ExprToString(e, l.info)
	if err != nil {
		return l.expr.text()
	}
	return shortened(s)
}

func (l *lowering) lower(e celast.Expr) (node, typ) {
	switch e.Kind() {
	case celast.LiteralKind:
		return l.literal(e)
	case celast.IdentKind, celast.SelectKind:
		return l.reference(e)
	case celast.CallKind:
		return l.call(e)
	case celast.StructKind:
		return l.problem(e, "unsupported", problem.Say("messages (Name{…}) are not part of the mapping language"), problem.Say("write an object as indented fields"))
	case celast.MapKind:
		return l.problem(e, "unsupported", problem.Say("a map {…} in an expression is not supported by this version"), problem.Say("write an object as indented fields"))
	case celast.ListKind:
		return l.problem(e, "unsupported", problem.Say("a list […] in an expression is not a value by itself"), problem.Say(`write the list as YAML: one line "- expression" for each element; inside expressions lists stand in join([a, b], " ") and in x in [1, 2]`))
	default:
		return l.residual(e)
	}
}

func (l *lowering) literal(e celast.Expr) (node, typ) {
	switch v := e.AsLiteral().(type) {
	case types.String:
		return &literalNode{textCell([]byte(v))}, typ{kind: kindText}
	case types.Int:
		return &literalNode{intCell(int64(v))}, typ{kind: kindInt}
	case types.Double:
		return &literalNode{floatCell(float64(v))}, typ{kind: kindFloat}
	case types.Bool:
		return &literalNode{boolCell(bool(v))}, typ{kind: kindBool}
	case types.Null:
		return &literalNode{null}, typ{kind: kindNull, nullable: true}
	case types.Uint:
		return l.problem(e, "unsupported", problem.Say("%su is not part of the mapping language", strings.TrimSuffix(l.source(e), "u")), problem.Say("write the number without u"))
	}
	return l.problem(e, "unsupported", problem.Say("this constant is not part of the mapping language"), problem.Say("write a text in double quotes, a number, true, false or null"))
}

// constantNode is a value written as a YAML constant.
func constantNode(json []byte) (node, typ) {
	s := string(json)
	switch {
	case s == "":
		return &literalNode{null}, typ{} // reported when it was read
	case s == "true" || s == "false":
		return &literalNode{boolCell(s == "true")}, typ{kind: kindBool}
	case s[0] == '"':
		return &literalNode{textCell(appendUnescaped(nil, json[1:len(json)-1]))}, typ{kind: kindText}
	case s[0] == '{' || s[0] == '[':
		return &literalNode{bytesCell(kindJSON, json)}, typ{kind: kindJSON}
	}
	if n, ok := wholeNumber(s); ok {
		return &literalNode{intCell(n)}, typ{kind: kindInt}
	}
	return &literalNode{bytesCell(kindDecimal, json)}, typ{kind: kindDecimal}
}

// reference resolves a name, or a path into the event or the document.
func (l *lowering) reference(e celast.Expr) (node, typ) {
	if e.Kind() == celast.SelectKind && e.AsSelect().IsTestOnly() {
		operand, _ := l.path(e.AsSelect().Operand(), e.AsSelect().FieldName())
		return &presentNode{operand}, typ{kind: kindBool}
	}
	if e.Kind() == celast.SelectKind {
		return l.path(e.AsSelect().Operand(), e.AsSelect().FieldName())
	}
	name, b, ok := l.resolve(e)
	switch {
	case !ok:
		return &literalNode{null}, typ{}
	case name == "event" && b == nil && l.file.Direction == Source:
		return l.problem(e, "unknown-name", problem.Say("event is known in sink mappings only"), problem.Say("use the columns of the table: a source mapping has nothing else"))
	case name == "event" && b != nil && b.event:
		return l.problem(e, "wrong-type", problem.Say("event is not a value by itself"), problem.Say("name a part of it: %s", strings.Join(eventFields(), ", ")))
	case b == nil:
		what := problem.Say("unknown column %q", name)
		if l.file.Direction == Sink {
			what = problem.Say("the dataset has no property %q", name)
		}
		if hint := spokenConstant(e.AsIdent()); !hint.Empty() {
			return l.problem(e, "unknown-name", what, hint)
		}
		if known := similar(name, l.known()); l.names[e.AsIdent()] != nil && (len(known) == 0 || fold(known[0]) != fold(name)) {
			return l.problem(e, "unknown-column", what, problem.Say("give what is used without the prefix a name under let: in this shape every column gets %s before it", l.expr.scope.columnPrefix()))
		}
		if fn := functionNamed(e.AsIdent()); fn != nil {
			return l.problem(e, "unknown-name", what, problem.Say("%s is a function: write %s", name, fn.usage))
		}
		known := slices.DeleteFunc(l.known(), func(n string) bool { return n == name }) // a let, which has no prefix
		return l.problem(e, "unknown-column", what, suggestion(name, known))
	case b.document != nil:
		return l.documentPart(b.document)
	case b.let != nil:
		if b.state == letOpen {
			return l.problem(e, "let-circle", problem.Say("let %s is defined by itself", name), problem.Say("write one of the expressions out"))
		}
		if b.state == letUnread {
			l.readLet(b)
		}
	}
	for _, i := range b.reads {
		l.used[i] = true
	}
	for _, path := range b.parts {
		l.parts[path] = true
	}
	maps.Copy(l.uses, b.uses)
	return b.node, b.typ
}

// resolve finds what a name stands for where it is written: the element of an each, a let, or a column, whose name in a
// shape begins with the prefix of the use. ok is false after a report.
func (l *lowering) resolve(e celast.Expr) (name string, b *binding, ok bool) {
	name = e.AsIdent()
	if in := l.expr.scope.element(name); in != nil {
		return name, l.elements[in], true
	}
	prefix := l.expr.scope.columnPrefix()
	if prefix == "" || name == "event" {
		return name, l.names[name], true
	}
	column := l.names[prefix+name]
	if let := l.names[name]; let != nil && let.let != nil {
		if column != nil && column.let == nil {
			l.problem(e, "ambiguous-name", problem.Say("%s is a let, and with the prefix of this use column %s", name, prefix+name), problem.Say("give the let another name"))
			return name, nil, false
		}
		return name, let, true
	}
	if column != nil && column.let != nil {
		column = nil // lets have no prefix
	}
	return prefix + name, column, true
}

// spokenConstant helps with words that other languages have for constants.
func spokenConstant(name string) problem.Text {
	switch strings.ToLower(name) {
	case "yes", "on":
		return problem.Say("write true")
	case "no", "off":
		return problem.Say("write false")
	case "nil", "none":
		return problem.Say("write null")
	}
	return problem.Text{}
}

// path resolves operand.name.
func (l *lowering) path(operand celast.Expr, name string) (node, typ) {
	whole := l.source(operand) + "." + name
	if p, ok := l.property(operand); ok {
		if p == nil {
			return &literalNode{null}, typ{}
		}
		child, fault, fix := p.child(name)
		if !fault.Empty() {
			return l.problem(operand, "unknown-property", fault, fix)
		}
		return l.documentPart(child)
	}
	if operand.Kind() == celast.IdentKind && l.expr.scope.element(operand.AsIdent()) == nil {
		if b := l.names[operand.AsIdent()]; b != nil && b.event {
			i := slices.Index(eventFields(), "event."+name)
			if i < 0 {
				return l.problem(operand, "unknown-property", problem.Say("the event has no %q", name), suggestion("event."+name, eventFields()))
			}
			t := typ{kind: kindText}
			if name == "time" {
				t.kind = kindTimestamp
			}
			return &eventNode{field: eventField(i)}, t
		}
	}
	before := len(l.problems)
	n, t := l.lower(operand)
	if len(l.problems) > before {
		return &literalNode{null}, typ{}
	}
	if t.parts {
		return &partNode{of: n, name: name, fail: newFailure(ruleType, whole)}, typ{nullable: true, parts: true}
	}
	if operand.Kind() == celast.IdentKind && t.kind == kindAny {
		return l.problem(operand, "wrong-type", problem.Say("%s: %s is a column, which has no parts", whole, l.source(operand)), problem.Say("use the column by itself"))
	}
	return l.problem(operand, "wrong-type", problem.Say("%s: %s is %s, which has no parts", whole, l.source(operand), article(t.kind)), problem.Say("use the column by itself"))
}

// property resolves an expression that is a path into the document; ok is false for everything else. A path that leads
// nowhere is reported and nil.
func (l *lowering) property(e celast.Expr) (p *docProperty, ok bool) {
	switch e.Kind() {
	case celast.IdentKind:
		if b := l.names[e.AsIdent()]; b != nil && b.document != nil { // sinks have no scopes
			return b.document, true
		}
	case celast.SelectKind:
		s := e.AsSelect()
		if s.IsTestOnly() {
			return nil, false
		}
		parent, ok := l.property(s.Operand())
		if !ok || parent == nil {
			return nil, ok
		}
		child, fault, fix := parent.child(s.FieldName())
		if !fault.Empty() {
			l.problem(e, "unknown-property", fault, fix)
			return nil, true
		}
		return child, true
	}
	return nil, false
}

func (l *lowering) documentPart(p *docProperty) (node, typ) {
	if p.slot < 0 {
		p.slot = l.slot()
	}
	l.parts[p.path] = true
	return &slotNode{p.slot}, p.typ
}

func (l *lowering) call(e celast.Expr) (node, typ) {
	call := e.AsCall()
	name := call.FunctionName()
	args := call.Args()
	if call.IsMemberFunction() {
		return l.method(e)
	}
	switch name {
	case operators.Equals, operators.NotEquals:
		return l.equality(e, args[0], args[1], name == operators.NotEquals)
	case operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
		return l.ordering(e, args[0], args[1], name)
	case operators.LogicalAnd, operators.LogicalOr:
		return l.logic(e, args[0], args[1], name == operators.LogicalOr)
	case operators.LogicalNot:
		n, t := l.lower(args[0])
		l.wantBool(args[0], t, "!")
		return &notNode{n, l.typeFailure(e)}, typ{kind: kindBool}
	case operators.Conditional:
		return l.conditional(e, args)
	case operators.Add, operators.Subtract, operators.Multiply:
		return l.arithmetic(e, args[0], args[1], name)
	case operators.In:
		if args[1].Kind() == celast.ListKind {
			return l.member(e, args[0], args[1].AsList().Elements())
		}
	}
	if fn := functionNamed(name); fn != nil {
		return l.function(e, fn, args)
	}
	if !l.cel.HasFunction(name) || strings.HasPrefix(name, "@") && name != operators.In {
		fix := otherwise(name)
		if fix.Empty() {
			fix = suggestion(name, functionNames())
		}
		return l.problem(e, "unknown-function", problem.Say("unknown function %s()", name), fix)
	}
	return l.residual(e)
}

// method lowers x.startsWith("…") and its like; the rest is CEL's.
func (l *lowering) method(e celast.Expr) (node, typ) {
	call := e.AsCall()
	name, args := call.FunctionName(), call.Args()
	test := textTest(name)
	if test == nil || len(args) != 1 || args[0].Kind() != celast.LiteralKind {
		if functionNamed(name) != nil {
			return l.problem(e, "unknown-function", problem.Say("%s is not a method", name), problem.Say("write %s", functionNamed(name).usage))
		}
		if !l.cel.HasFunction(name) {
			fix := otherwise(name)
			if fix.Empty() {
				fix = suggestion(name, []string{"startsWith", "endsWith", "contains", "matches", "size"})
			}
			return l.problem(e, "unknown-function", problem.Say("unknown method .%s()", name), fix)
		}
		return l.residual(e)
	}
	n, t := l.lower(call.Target())
	part, ok := args[0].AsLiteral().(types.String)
	if !ok || t.kind != kindText && t.kind != kindAny {
		return l.problem(e, "wrong-type", problem.Say("%s is a test between texts; %s is %s", name, l.source(call.Target()), article(t.kind)), problem.Say(`write text(%s).%s("…")`, l.source(call.Target()), name))
	}
	l.wantValue(call.Target(), t, "."+name+"()")
	return &textTestNode{text: n, part: []byte(part), how: test, fail: l.typeFailure(e)}, typ{kind: kindBool}
}
