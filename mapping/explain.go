package mapping

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/lienthong/truc/schemas"
)

// Explanation says how one value of a mapping is made.
type Explanation struct {
	// Part is what the value is for: "fields", "when", "each", "only", "deleted"; in a sink mapping "key", "columns",
	// "on_create", "on_delete" or "only".
	Part string `json:"part"`
	// Name is the document property, "nguoiDuocKhaiSinh.hoTen" (elements of a list: "giayTo[].so"), or the sink's column;
	// empty for only and deleted.
	Name string `json:"name,omitempty"`
	// Title is the property's in the schema, by language.
	Title map[string]string `json:"title,omitempty"`
	// Where is the place of the expression, Expression its text.
	Where      string `json:"where"`
	Expression string `json:"expression"`
	// Reads are the columns (of a sink mapping the document's properties and parts of the event) behind it, those behind
	// lets included.
	Reads []string `json:"reads"`
	// Functions are truc's functions in it, Codes its code tables; those behind lets included.
	Functions []string `json:"functions,omitempty"`
	Codes     []string `json:"codes,omitempty"`
	// By is how it is computed: "constant", "plan" (nodes, fast) or "cel" (the part that no node covers is run by CEL).
	By string `json:"by"`
	// Failures are the reasons for which a row's document would not be valid on its account.
	Failures []Failure `json:"failures,omitempty"`
}

// Failure is one reason for which a value may not be valid.
type Failure struct {
	// Rule is that of the violation it would be, Detail what it is about: the encoding, the layouts, the pattern.
	Rule   string `json:"rule"`
	Detail string `json:"detail,omitempty"`
	// VI and EN say it in a sentence.
	VI string `json:"vi"`
	EN string `json:"en"`
}

// FunctionHelp is one of truc's functions for people.
type FunctionHelp struct {
	Name string `json:"name"`
	// Usage is how it is written: "text(x)".
	Usage string `json:"usage"`
	VI    string `json:"vi"`
	EN    string `json:"en"`
}

// Functions lists truc's functions.
func Functions() []FunctionHelp {
	var out []FunctionHelp
	for _, f := range functions() {
		out = append(out, FunctionHelp{f.name, f.usage, f.vi, f.en})
	}
	return out
}

// Explain says for each value of the documents how it is made, in the order of the mapping.
func (p *SourcePlan) Explain() []Explanation { return slices.Clone(p.explained) }

// Explain says for each value that is written how it is made, in the order key, columns, on_create, on_delete, only.
func (p *SinkPlan) Explain() []Explanation { return slices.Clone(p.explained) }

// inParts orders the explanations of a sink mapping.
func inParts(list []Explanation) []Explanation {
	order := []string{"key", "columns", "on_create", "on_delete", "only"}
	slices.SortStableFunc(list, func(a, b Explanation) int {
		return slices.Index(order, a.Part) - slices.Index(order, b.Part)
	})
	return list
}

// Dataset is the dataset the documents belong to.
func (p *SourcePlan) Dataset() *schemas.Dataset { return p.dataset }

// uses collects what an expression is made of while it is compiled: "text()" for a function, "codes.x" for a code table.
type uses map[string]bool

// usesOf is what stood behind an explanation.
func usesOf(x Explanation) uses {
	out := uses{}
	for _, f := range x.Functions {
		out[f+"()"] = true
	}
	for _, t := range x.Codes {
		out["codes."+t] = true
	}
	return out
}

func (c *compiler) takeUses() (functions, codes []string) {
	for u := range c.uses {
		if name, ok := strings.CutSuffix(u, "()"); ok {
			functions = append(functions, name)
		} else {
			codes = append(codes, strings.TrimPrefix(u, "codes."))
		}
	}
	slices.Sort(functions)
	slices.Sort(codes)
	c.uses = uses{}
	return functions, codes
}

// explain records how a value is made: e was just compiled to n, of kind t; schema is that of the property it is for, nil when
// it is for none. It returns the columns and the parts of the document that were read since the last call.
func (c *compiler) explain(part, name string, e *Expression, n node, t typ, schema *schemas.Node) (used []int, parts []string) {
	used, parts = c.takeUsed(), c.takeParts()
	x := Explanation{Part: part, Name: name, Where: e.At.String(), Expression: e.text(), Reads: []string{}}
	x.Functions, x.Codes = c.takeUses()
	var a anatomy
	for _, i := range used {
		x.Reads = append(x.Reads, c.columns[i].name)
		a.loose = a.loose || c.columns[i].typ.kind == kindAny && !c.untyped
	}
	a.visit(reflect.ValueOf(n))
	x.Reads = append(append(x.Reads, parts...), a.event...)
	switch {
	case a.cel:
		x.By = "cel"
	case e.CEL == "":
		x.By = "constant"
	default:
		x.By = "plan"
	}
	for _, f := range a.failures {
		// Where every kind is known, the compiler has seen to it that operators get what they take.
		if f.rule() != ruleType || a.loose {
			x.add(f)
		}
	}
	if schema != nil {
		x.Title = schema.Title
		if x.By != "constant" { // constants were checked when the mapping was compiled
			for _, f := range schemaFailures(t, schema) {
				x.add(f)
			}
		}
	}
	c.explained = append(c.explained, x)
	return used, parts
}

// mayFail adds a reason to what was explained last.
func (c *compiler) mayFail(f failure) { c.explained[len(c.explained)-1].add(f) }

// propertyName is a pointer as a person writes it: "giayTo[].so".
func propertyName(pointer string) string {
	return strings.ReplaceAll(dotted(pointer), "."+anIndex, "[]")
}

func (x *Explanation) add(f failure) {
	if slices.ContainsFunc(x.Failures, func(have Failure) bool { return have.Rule == f.rule() && have.Detail == f.detail() }) {
		return
	}
	v := f.violation("")
	x.Failures = append(x.Failures, Failure{Rule: f.rule(), Detail: f.detail(), VI: v.VI, EN: v.EN})
}

// schemaFailures are the rules of a property that a value of a kind may break.
func schemaFailures(t typ, n *schemas.Node) []failure {
	var out []failure
	switch t.kind {
	case kindFloat, kindDecimal:
		return []failure{newFailure(schemas.RuleNumber, "")} // NaN and the infinities
	case kindText, kindAny:
	default:
		return nil
	}
	if n.Pattern != "" {
		out = append(out, newFailure("pattern", n.Pattern))
	}
	if n.Format != "" {
		out = append(out, newFailure("format", n.Format))
	}
	if n.MinLength > 0 {
		out = append(out, newFailure("minLength", strconv.Itoa(n.MinLength)))
	}
	if n.MaxLength >= 0 {
		out = append(out, newFailure("maxLength", strconv.Itoa(n.MaxLength)))
	}
	if t.codes == nil {
		if len(n.Enum) > 0 {
			out = append(out, newFailure("enum", strings.Join(n.Enum, ", ")))
		}
		if n.CodeList != "" {
			out = append(out, newFailure(schemas.RuleCode, n.CodeList))
		}
	}
	return out
}

// anatomy is what can be seen of a tree of nodes from outside, whatever their kinds.
type anatomy struct {
	failures []failure
	event    []string
	cel      bool
	// loose: a value has a kind that only shows when it is there.
	loose bool
}

func (a *anatomy) visit(v reflect.Value) {
	switch v.Kind() {
	case reflect.Interface:
		a.visit(v.Elem())
	case reflect.Pointer:
		switch {
		case v.IsNil():
		case v.Type() == reflect.TypeFor[*column]():
			a.column(v.Elem())
		case v.Type().Implements(reflect.TypeFor[node]()):
			a.visit(v.Elem())
		}
	case reflect.String:
		if v.Type() == reflect.TypeFor[failure]() && v.Len() > 0 {
			a.failures = append(a.failures, failure(v.String()))
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			a.visit(v.Index(i))
		}
	case reflect.Struct:
		a.step(v)
	default: // numbers, texts, functions: nothing stands behind them
	}
}

// step looks at one node.
func (a *anatomy) step(v reflect.Value) {
	switch v.Type() {
	case reflect.TypeFor[celNode]():
		a.cel = true
		a.visit(v.FieldByName("parts"))
		a.visit(v.FieldByName("fail"))
		return
	case reflect.TypeFor[textNode]():
		if a.visit(v.FieldByName("a")); !a.loose {
			return // whatever comes in has a text
		}
	case reflect.TypeFor[partNode]():
		a.loose = true
	case reflect.TypeFor[eventNode]():
		a.event = append(a.event, eventFields()[v.FieldByName("field").Int()])
	}
	for i := range v.NumField() {
		a.visit(v.Field(i))
	}
}

// column adds the reasons for which a cell cannot be read.
func (a *anatomy) column(v reflect.Value) {
	name := "column " + v.FieldByName("name").String()
	switch kind(v.FieldByName("typ").FieldByName("kind").Uint()) {
	case kindText, kindAny:
		encoding := "utf-8"
		if e := v.FieldByName("encoding"); !e.IsNil() {
			encoding = e.Elem().FieldByName("Name").String()
		}
		a.failures = append(a.failures, newFailure(schemas.RuleEncoding, encoding))
	case kindDate, kindDateTime, kindTimestamp:
		a.failures = append(a.failures, newFailure(schemas.RuleDate, name))
	}
	if v.FieldByName("pad").Int() != 0 {
		a.failures = append(a.failures, newFailure(schemas.RuleNumber, name))
	}
}
