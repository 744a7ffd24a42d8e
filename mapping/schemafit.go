package mapping

import (
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"unicode/utf8"

	"github.com/lienthong/truc/mapping/value"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas"
)

// allows reports whether a property may have a JSON type.
func allows(n *schemas.Node, types ...string) bool {
	return len(n.Types) == 0 || slices.ContainsFunc(types, func(t string) bool { return slices.Contains(n.Types, t) })
}

// schemaWords describes what a property takes.
func schemaWords(n *schemas.Node) problem.Text {
	var words []problem.Text
	for _, t := range n.Types {
		switch t {
		case "string":
			switch {
			case n.Format == "date":
				words = append(words, problem.Say("a date"))
			case n.Format == "date-time":
				words = append(words, problem.Say("a date and time"))
			case n.CodeList != "":
				words = append(words, problem.Say("a code of %s", n.CodeList))
			case n.Format != "":
				words = append(words, problem.Say("text in the format %s", n.Format))
			default:
				words = append(words, problem.Say("text"))
			}
		case "integer":
			words = append(words, problem.Say("a whole number"))
		case "number":
			words = append(words, problem.Say("a number"))
		case "boolean":
			words = append(words, problem.Say("true/false"))
		case "array":
			words = append(words, problem.Say("a list"))
		case "object":
			words = append(words, problem.Say("an object"))
		}
	}
	if len(words) == 0 {
		return problem.Say("anything")
	}
	all := words[0]
	for _, w := range words[1:] {
		all = problem.Say("%s or %s", all, w)
	}
	return all
}

// fits reports an expression whose kind the property does not take.
func (c *compiler) fits(e *Expression, name string, t typ, n *schemas.Node) {
	if e.Const != nil {
		c.constantFits(e, name, e.Const, n)
		return
	}
	ok := true
	fix := problem.Say("write an expression that gives %s", schemaWords(n))
	switch t.kind {
	case kindAny, kindNull:
	case kindText:
		ok = allows(n, "string")
		switch {
		case ok && n.Format == "date":
			ok, fix = false, problem.Say(`write date(%s, "dd/MM/yyyy") with the layout the column has`, e.text())
		case ok && n.Format == "date-time":
			ok, fix = false, problem.Say(`write dateTime(%s, "dd/MM/yyyy HH:mm") with the layout the column has`, e.text())
		case allows(n, "integer", "number"):
			fix = problem.Say("write decimal(%s)", e.text())
		case allows(n, "boolean"):
			fix = problem.Say(`compare it: %s == "…"`, e.text())
		case isPartialDate(n):
			fix = problem.Say(`write partialDate(%s, ["dd/MM/yyyy", "MM/yyyy", "yyyy"])`, e.text())
		case allows(n, "array"):
			fix = problem.Say(`write split(%s, ";") with the separator the column has`, e.text())
		}
		c.codesFit(e, name, t, n)
		if t.list != "" && n.CodeList != "" && t.list != n.CodeList {
			c.report(e.At, "wrong-code-list", problem.Say("%s takes codes of %s, %s gives codes of %s", name, n.CodeList, e.text(), t.list), problem.Say("write lookup(%q, x)", n.CodeList))
		}
	case kindInt:
		ok = allows(n, "integer", "number")
		fix = numberFix(n, e, fix)
	case kindFloat, kindDecimal:
		ok = allows(n, "number") || t.kind == kindDecimal && allows(n, "integer")
		fix = numberFix(n, e, fix)
	case kindBool:
		ok = allows(n, "boolean")
	case kindDate:
		ok = allows(n, "string") && (n.Format == "" || n.Format == "date")
		if isPartialDate(n) {
			fix = problem.Say(`write partialDate(%s, "yyyy-MM-dd")`, e.text())
		}
	case kindTimestamp:
		ok = allows(n, "string") && (n.Format == "" || n.Format == "date-time")
	case kindTime:
		ok = allows(n, "string") && (n.Format == "" || n.Format == "time")
	case kindDateTime:
		ok = allows(n, "string") && n.Format == ""
		switch n.Format {
		case "date-time":
			fix = problem.Say("declare its zone: columns: { %s: { zone: Asia/Ho_Chi_Minh } }", e.text())
		case "date":
			fix = problem.Say("write date(%s)", e.text())
		}
	case kindPartial:
		ok = isPartialDate(n)
	case kindJSON:
		ok = allows(n, "object", "array")
	case kindList:
		ok = allows(n, "array")
		if ok && n.Items != nil && t.item != nil && !c.elementFits(*t.item, n.Items) {
			c.report(e.At, "wrong-type", problem.Say("an element of %s takes %s, but those of %s are %s", name, schemaWords(n.Items), e.text(), article(t.item.kind)), problem.Say("write { each: '%s', as: x, value: … } with an expression that makes %s of x", e.text(), schemaWords(n.Items)))
			return
		}
	case kindObject:
		ok = allows(n, "object")
		if i := slices.IndexFunc(t.made, func(name string) bool { return n.Property(name) == nil }); ok && i >= 0 {
			c.report(e.At, "wrong-type", problem.Say("%s has no property %q, which %s holds", name, t.made[i], e.text()), madeFor(t))
		}
		if allows(n, "string") {
			if fix = problem.Say(`name the part that is meant: address(x, "tinh")`); slices.Equal(t.made, unitProperties[:]) {
				fix = madeFor(t)
			}
		}
	default:
		ok = false
	}
	if !ok {
		c.report(e.At, "wrong-type", problem.Say("%s takes %s, but %s is %s", name, schemaWords(n), e.text(), article(t.kind)), fix)
	}
}

// madeFor says where an object belongs that a function made.
func madeFor(t typ) problem.Text {
	if slices.Equal(t.made, unitProperties[:]) {
		return problem.Say("write it to a property that is an administrative unit, such as donVi of an address")
	}
	return problem.Say("write it to a property that is an address")
}

// elementFits reports whether the elements of a list may stand in an array as they are.
func (c *compiler) elementFits(t typ, n *schemas.Node) bool {
	before := len(c.problems)
	c.fits(&Expression{CEL: "x"}, "", t, n)
	fits := len(c.problems) == before
	c.problems = c.problems[:before]
	return fits
}

// outcomesFit checks the constants that an expression may come out as, such as the default of or(): a row that gets it would
// become a dead letter.
func (c *compiler) outcomesFit(e *Expression, name string, from node, n *schemas.Node) {
	if e.CEL == "" || c.toldAt(e.At) {
		return
	}
	for _, v := range outcomes(from) {
		var raw []byte
		switch v.kind {
		case kindText:
			raw = appendJSONString(nil, v.bytes())
		case kindBool, kindInt, kindFloat:
			raw, _ = v.appendText(nil)
		}
		if raw != nil {
			c.constantFits(e, name, raw, n)
		}
	}
}

// outcomes are the constants among the values that a node may have.
func outcomes(n node) []cell {
	switch n := n.(type) {
	case *literalNode:
		return []cell{n.value}
	case *orNode:
		var out []cell
		for _, m := range n.of {
			out = append(out, outcomes(m)...)
		}
		return out
	case *conditionNode:
		return append(outcomes(n.then), outcomes(n.otherwise)...)
	case *sharedNode:
		return outcomes(n.node)
	}
	return nil
}

func numberFix(n *schemas.Node, e *Expression, fix problem.Text) problem.Text {
	switch {
	case n.CodeList != "":
		return problem.Say(`write code("…", %s) with a code table`, e.text())
	case allows(n, "string") && n.Format == "":
		return problem.Say("write text(%s)", e.text())
	}
	return fix
}

func isPartialDate(n *schemas.Node) bool {
	return allows(n, "object") && n.Property("giaTri") != nil && n.Property("doChinhXac") != nil
}

// codesFit checks that a code table's targets are possible for the property.
func (c *compiler) codesFit(e *Expression, name string, t typ, n *schemas.Node) {
	if t.codes == nil || t.codes.strayList {
		return
	}
	m := t.codes.source
	if n.CodeList != "" && m.List != "" && n.CodeList != m.List {
		c.report(e.At, "wrong-code-list", problem.Say("%s takes codes of %s, the table %s gives codes of %s", name, n.CodeList, m.Name, m.List), problem.Say("use a code table with list: %s", n.CodeList))
		return
	}
	var list *schemas.CodeList
	if n.CodeList != "" && m.List == "" {
		if list = c.env.Set.CodesOf(n); list == nil {
			return // the schema's own fault, told where schemas are loaded
		}
	}
	for _, entry := range m.Entries {
		if list != nil && !list.Has(entry.To) || len(n.Enum) > 0 && !slices.Contains(n.Enum, entry.To) {
			c.report(entry.At, "unknown-code", problem.Say("%q is not possible for %s, which takes %s", entry.To, name, schemaWords(n)), problem.Say("correct the code, or remove the line"))
		}
	}
}

// constantFits checks a constant against the schema as far as it can be judged before there is a document.
func (c *compiler) constantFits(e *Expression, name string, raw []byte, n *schemas.Node) {
	wrong := func(found problem.Text) {
		c.report(e.At, "wrong-type", problem.Say("%s takes %s, but the constant is %s", name, schemaWords(n), found), problem.Say("correct the constant"))
	}
	switch raw[0] {
	case '"':
		if !allows(n, "string") {
			wrong(article(kindText))
			return
		}
		s := string(appendUnescaped(nil, raw[1:len(raw)-1]))
		c.constantAllowed(e, name, s, n)
	case 't', 'f':
		if !allows(n, "boolean") {
			wrong(article(kindBool))
		}
	case '{':
		if !allows(n, "object") {
			wrong(article(kindObject))
			return
		}
		c.constantObject(e, name, raw, n)
	case '[':
		if !allows(n, "array") {
			wrong(article(kindList))
		}
	default:
		_, whole := wholeNumber(string(raw))
		if !allows(n, "number") && !(whole && allows(n, "integer")) {
			found := problem.Say("a number")
			switch {
			case allows(n, "string") && e.CEL != "":
				found = problem.Say(`a number (for the text write "%s")`, raw)
			case allows(n, "string"):
				found = problem.Say(`a number (for the text write { const: "%s" })`, raw)
			}
			wrong(found)
		}
	}
}

func (c *compiler) constantAllowed(e *Expression, name, s string, n *schemas.Node) {
	if len(n.Enum) > 0 && !slices.Contains(n.Enum, s) {
		c.report(e.At, "unknown-code", problem.Say("%q is not possible for %s", s, name), suggestion(s, n.Enum))
	}
	if want, ok := n.Const.(string); ok && want != s {
		c.report(e.At, "unknown-code", problem.Say("%q is not possible for %s, which is always %q", s, name, want), problem.Say("write that"))
	}
	c.constantForm(e, name, s, n)
	if n.CodeList == "" {
		return
	}
	if list := c.env.Set.CodesOf(n); list != nil && !list.Has(s) {
		c.report(e.At, "unknown-code", problem.Say("%q is not a code of %s", s, n.CodeList), problem.Say("choose a code of the list"))
	}
}

// constantForm reports a constant that no document could hold: every row would become a dead letter.
func (c *compiler) constantForm(e *Expression, name, s string, n *schemas.Node) {
	report := func(why, fix problem.Text) {
		c.report(e.At, "constant-form", problem.Say("the constant %q cannot stand in %s: %s", s, name, why), fix)
	}
	if n.Pattern != "" {
		if form, err := regexp.Compile(n.Pattern); err == nil && !form.MatchString(s) {
			report(problem.Say("it must have the form %s", n.Pattern), problem.Say("correct the constant"))
		}
	}
	switch length := utf8.RuneCountInString(s); {
	case length < n.MinLength:
		report(problem.Say("it needs %d characters at least", n.MinLength), problem.Say("write more, or leave the property out"))
	case n.MaxLength >= 0 && length > n.MaxLength:
		report(problem.Say("it may have %d characters at most", n.MaxLength), problem.Say("shorten it"))
	}
	if n.Format == "date" {
		if _, ok := value.ParseISODate([]byte(s)); !ok {
			report(problem.Say("it is no date"), problem.Say("write it as 2026-03-02"))
		}
	}
}

func (c *compiler) constantObject(e *Expression, name string, raw []byte, n *schemas.Node) {
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil || len(n.Properties) == 0 {
		return
	}
	var names []string
	for _, p := range n.Properties {
		names = append(names, p.Name)
		v, there := members[p.Name]
		switch {
		case there:
			c.constantFits(e, name+"."+p.Name, v, p.Node)
		case p.Required:
			c.report(e.At, "missing-property", problem.Say("the dataset requires %s in %s, and the constant has none", p.Name, name), problem.Say("add it to the constant"))
		}
	}
	for m := range members {
		if !slices.Contains(names, m) {
			c.report(e.At, "unknown-property", problem.Say("%s has no property %q", name, m), suggestion(m, names))
		}
	}
}

// fromProblem takes what and fix from an error that is a problem.
func fromProblem(err error) (what, fix problem.Text) {
	var p problem.Problem
	if errors.As(err, &p) {
		return p.What, p.Fix
	}
	return problem.Verbatim(err.Error()), problem.Text{}
}
