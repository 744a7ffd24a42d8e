package mapping

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	celast "cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/lienthong/truc/problem"
)

// celNode is what no plan node covers, run by CEL. Its parts that nodes do cover come in as the variables @0, @1 …
type celNode struct {
	program cel.Program
	parts   []node
	fail    failure
}

// residual leaves an expression to CEL, except for the parts that nodes cover.
func (l *lowering) residual(e celast.Expr) (node, typ) {
	r := &remainder{lowering: l, factory: celast.NewExprFactory()}
	before := len(l.problems)
	rest := r.walk(e, true)
	if l.problems[before:].Err() != nil {
		return &literalNode{null}, typ{}
	}
	var options []cel.EnvOption
	for i, t := range r.types {
		options = append(options, cel.Variable(partName(i), celType(t.kind)))
	}
	env, err := l.cel.Extend(options...)
	if err != nil {
		return l.problem(e, "unsupported", problem.Say("%s is not supported by this version", l.source(e)), problem.Say("write it with the functions of `truc mapping explain`"))
	}
	message, err := celast.ToProto(celast.NewAST(rest, l.info))
	if err != nil {
		return l.problem(e, "unsupported", problem.Say("%s is not supported by this version", l.source(e)), problem.Say("write it with the functions of `truc mapping explain`"))
	}
	checked, issues := env.Check(cel.CheckedExprToAst(message))
	if issues.Err() != nil {
		what, fix := l.complaint(e, issues.Errors()[0].Message)
		return l.problem(e, "wrong-type", what, fix)
	}
	program, err := env.Program(checked)
	if err != nil {
		return l.problem(e, "unsupported", problem.Say("%s is not supported by this version", l.source(e)), problem.Say("write constants, such as the pattern of matches(), so that they are valid"))
	}
	t, ok := typeOfCEL(checked.OutputType())
	if !ok {
		return l.problem(e, "unsupported", problem.Say("%s gives a value that a document cannot hold", l.source(e)), problem.Say("make it a text, a number, true/false or a date"))
	}
	return &celNode{program: program, parts: r.parts, fail: newFailure(ruleType, l.source(e))}, t
}

func partName(i int) string { return "@" + strconv.Itoa(i) }

// remainder is an expression with its plan-covered parts taken out.
type remainder struct {
	*lowering
	factory celast.ExprFactory
	parts   []node
	types   []typ
	// depth is how many comprehensions are around.
	depth int
}

// maxComprehensions bounds how often all, exists and their like stand inside one another: each multiplies the steps.
const maxComprehensions = 2

// walk copies what CEL must run and takes out the rest. root is the expression itself, which nodes do not cover.
func (r *remainder) walk(e celast.Expr, root bool) celast.Expr {
	switch e.Kind() {
	case celast.LiteralKind:
		return r.factory.CopyExpr(e)
	case celast.IdentKind:
		if slices.Contains(r.bound, e.AsIdent()) {
			return r.factory.CopyExpr(e)
		}
	case celast.SelectKind:
		if r.usesBound(e) {
			s := e.AsSelect()
			operand := r.walk(s.Operand(), false)
			if s.IsTestOnly() {
				return r.factory.NewPresenceTest(e.ID(), operand, s.FieldName())
			}
			return r.factory.NewSelect(e.ID(), operand, s.FieldName())
		}
	case celast.CallKind:
		if root || r.usesBound(e) || r.leftToCEL(e) {
			return r.call(e)
		}
	case celast.ListKind:
		list := e.AsList()
		elements := make([]celast.Expr, 0, list.Size())
		for _, x := range list.Elements() {
			elements = append(elements, r.walk(x, false))
		}
		return r.factory.NewList(e.ID(), elements, nil)
	case celast.MapKind:
		m := e.AsMap()
		entries := make([]celast.EntryExpr, 0, m.Size())
		for _, x := range m.Entries() {
			entry := x.AsMapEntry()
			entries = append(entries, r.factory.NewMapEntry(x.ID(), r.walk(entry.Key(), false), r.walk(entry.Value(), false), false))
		}
		return r.factory.NewMap(e.ID(), entries)
	case celast.ComprehensionKind:
		return r.comprehension(e)
	}
	return r.takeOut(e)
}

func (r *remainder) takeOut(e celast.Expr) celast.Expr {
	n, t := r.lower(e)
	r.parts, r.types = append(r.parts, n), append(r.types, t)
	return r.factory.NewIdent(e.ID(), partName(len(r.parts)-1))
}

func (r *remainder) call(e celast.Expr) celast.Expr {
	call := e.AsCall()
	if fn := functionNamed(call.FunctionName()); fn != nil {
		r.problem(e, "unsupported", problem.Say("%s() on the variable of all, exists or map is not supported by this version", fn.name), problem.Say("use %s() on columns or properties only", fn.name))
		return r.factory.CopyExpr(e)
	}
	operator := strings.Trim(call.FunctionName(), "_@")
	operand := func(x celast.Expr) celast.Expr {
		taken := len(r.types)
		out := r.walk(x, false)
		if len(r.types) == taken+1 && out.Kind() == celast.IdentKind && !strings.HasPrefix(call.FunctionName(), "_==") && !strings.HasPrefix(call.FunctionName(), "_!=") {
			r.wantValue(x, r.types[taken], operator)
		}
		return out
	}
	args := make([]celast.Expr, 0, len(call.Args()))
	if call.IsMemberFunction() {
		target := operand(call.Target())
		for _, a := range call.Args() {
			args = append(args, operand(a))
		}
		return r.factory.NewMemberCall(e.ID(), call.FunctionName(), target, args...)
	}
	for _, a := range call.Args() {
		args = append(args, operand(a))
	}
	return r.factory.NewCall(e.ID(), call.FunctionName(), args...)
}

func (r *remainder) comprehension(e celast.Expr) celast.Expr {
	c := e.AsComprehension()
	if r.depth++; r.depth > maxComprehensions {
		r.problem(e, "too-large", problem.Say("all, exists, map and filter stand inside one another more than twice: every row would take too long"), problem.Say("write it with fewer, or publish a view"))
		return r.factory.CopyExpr(e)
	}
	defer func() { r.depth-- }()
	over := r.walk(c.IterRange(), false)
	outer := r.bound
	r.bound = append(slices.Clone(outer), c.IterVar(), c.AccuVar())
	if c.HasIterVar2() {
		r.bound = append(r.bound, c.IterVar2())
	}
	start, condition, step, result := r.walk(c.AccuInit(), false), r.walk(c.LoopCondition(), false), r.walk(c.LoopStep(), false), r.walk(c.Result(), false)
	r.bound = outer
	if c.HasIterVar2() {
		return r.factory.NewComprehensionTwoVar(e.ID(), over, c.IterVar(), c.IterVar2(), c.AccuVar(), start, condition, step, result)
	}
	return r.factory.NewComprehension(e.ID(), over, c.IterVar(), c.AccuVar(), start, condition, step, result)
}

// usesBound reports whether a macro's variable occurs in an expression.
func (r *remainder) usesBound(e celast.Expr) bool {
	found := false
	celast.PreOrderVisit(e, celast.NewExprVisitor(func(x celast.Expr) {
		found = found || x.Kind() == celast.IdentKind && slices.Contains(r.bound, x.AsIdent())
	}))
	return found
}

// leftToCEL reports whether a call is one that lower would hand to CEL anyway: it stays where it is, with its operands taken out.
func (r *remainder) leftToCEL(e celast.Expr) bool {
	call := e.AsCall()
	name := call.FunctionName()
	if functionNamed(name) != nil || strings.HasPrefix(name, "_") && name != "_/_" && name != "_%_" && name != "_[_]" || name == "!_" {
		return false
	}
	if textTest(name) != nil && call.Args()[0].Kind() == celast.LiteralKind {
		return false
	}
	return r.cel.HasFunction(name)
}

func celType(k kind) *cel.Type {
	switch k {
	case kindBool:
		return cel.BoolType
	case kindInt:
		return cel.IntType
	case kindFloat:
		return cel.DoubleType
	case kindText:
		return cel.StringType
	case kindTimestamp:
		return cel.TimestampType
	case kindList:
		return cel.ListType(cel.DynType)
	case kindObject:
		return cel.MapType(cel.StringType, cel.DynType)
	case kindDate, kindTime, kindDateTime, kindDecimal, kindPartial, kindBytes:
		return cel.OpaqueType(k.String())
	}
	return cel.DynType
}

func typeOfCEL(t *cel.Type) (typ, bool) {
	switch t.Kind() {
	case types.BoolKind:
		return typ{kind: kindBool}, true
	case types.IntKind:
		return typ{kind: kindInt}, true
	case types.DoubleKind:
		return typ{kind: kindFloat}, true
	case types.StringKind:
		return typ{kind: kindText}, true
	case types.TimestampKind:
		return typ{kind: kindTimestamp}, true
	case types.DynKind:
		return typ{}, true
	}
	return typ{}, false
}

var noOverload = regexp.MustCompile(`^found no matching overload for '(.*)' applied to '(.*)'$`)

// complaint translates what CEL's checker says of an expression.
func (l *lowering) complaint(e celast.Expr, message string) (what, fix problem.Text) {
	if m := noOverload.FindStringSubmatch(message); m != nil {
		name, kinds := strings.Trim(m[1], "_@"), celWords(m[2])
		fix = problem.Say("give it values of the kinds it takes; text(x) makes a text of anything, int(x) a whole number")
		if name == "/" || name == "%" {
			fix = problem.Say("both sides must be whole numbers, or both floating-point: int(x) or double(x) converts")
		}
		return problem.Say("%s: %s does not take %s", l.source(e), name, kinds), fix
	}
	if strings.Contains(message, "matches") {
		return problem.Say("%s: the pattern is not a regular expression", l.source(e)), problem.Say("use the syntax of RE2: letters, [0-9], *, +, ^ and $")
	}
	return problem.Say("%s: the kinds of its parts do not fit together", l.source(e)), problem.Say("compare and combine values of one kind")
}

// celWords puts CEL's names of types into ours: "(string, int)" becomes "text, a whole number".
func celWords(signature string) problem.Text {
	words := map[string]problem.Text{
		"string": article(kindText), "int": article(kindInt), "uint": problem.Say("an unsigned number"), "double": article(kindFloat), "bool": article(kindBool),
		"bytes": article(kindBytes), "timestamp": article(kindTimestamp), "duration": problem.Say("a duration"), "null": article(kindNull), "dyn": article(kindAny),
	}
	receiver, rest, method := strings.Cut(signature, ".(")
	if !method {
		receiver, rest = "", strings.TrimPrefix(signature, "(")
	}
	var out []problem.Text
	for _, w := range append([]string{receiver}, strings.Split(strings.TrimSuffix(rest, ")"), ", ")...) {
		switch {
		case w == "":
		case !words[w].Empty():
			out = append(out, words[w])
		case strings.HasPrefix(w, "list"):
			out = append(out, article(kindList))
		case strings.HasPrefix(w, "map"):
			out = append(out, article(kindObject))
		default:
			out = append(out, problem.Verbatim(strings.TrimPrefix(w, "opaque_")))
		}
	}
	return problem.Join(out, ", ")
}

// inputs are the taken-out parts, evaluated when CEL asks for them.
type inputs struct {
	node  *celNode
	frame *frame
	fail  failure
}

func (in *inputs) Parent() cel.Activation { return nil }

func (in *inputs) ResolveName(name string) (any, bool) {
	digits, ok := strings.CutPrefix(name, "@")
	if !ok {
		return nil, false
	}
	i, err := strconv.Atoi(digits)
	if err != nil || i >= len(in.node.parts) {
		return nil, false
	}
	v := in.node.parts[i].eval(in.frame)
	if v.isFailed() && in.fail == "" {
		in.fail = v.failure()
	}
	return toCEL(v), true
}

func (n *celNode) eval(f *frame) cell {
	in := &inputs{node: n, frame: f}
	v, _, err := n.program.Eval(in)
	if err == nil {
		if c, ok := fromCEL(f, v); ok {
			return c
		}
	}
	if in.fail != "" {
		return failed(in.fail)
	}
	return failed(n.fail)
}

// toCEL hands a value to CEL. Texts are copied: CEL may keep them.
func toCEL(c cell) ref.Val {
	switch c.kind {
	case kindNull:
		return types.NullValue
	case kindBool:
		return types.Bool(c.num != 0)
	case kindInt:
		return types.Int(c.num)
	case kindFloat:
		return types.Double(c.float())
	case kindText:
		return types.String(strings.Clone(c.text))
	case kindTimestamp:
		if t, ok := instant(c.bytes()); ok {
			return types.Timestamp{Time: t}
		}
	case kindJSON, kindObject, kindList:
		var v any
		d := json.NewDecoder(bytes.NewReader(c.bytes()))
		d.UseNumber()
		if d.Decode(&v) == nil {
			return types.DefaultTypeAdapter.NativeToValue(plain(v))
		}
	case kindDate, kindTime, kindDateTime, kindDecimal, kindPartial:
		return scalar{c.kind, strings.Clone(c.text)}
	}
	return types.NewErr("no value")
}

// plain turns json.Number into int64 where it is one, else into float64.
func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = plain(v[k])
		}
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, _ := v.Float64() // beyond float64 it is infinite, and compares so
		return f
	}
	return v
}

func fromCEL(f *frame, v ref.Val) (cell, bool) {
	switch v := v.(type) {
	case types.Null:
		return null, true
	case types.Bool:
		return boolCell(bool(v)), true
	case types.Int:
		return intCell(int64(v)), true
	case types.Double:
		return floatCell(float64(v)), true
	case types.String:
		start := len(f.scratch)
		f.scratch = append(f.scratch, v...)
		return textCell(f.since(start)), true
	case types.Timestamp:
		start := len(f.scratch)
		f.scratch = v.AppendFormat(f.scratch, time.RFC3339Nano)
		return bytesCell(kindTimestamp, f.since(start)), true
	case scalar:
		return bytesCell(v.kind, []byte(v.text)), true
	}
	return cell{}, false
}
