package mapping

import (
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/lienthong/truc/problem"
)

// fields decodes an object of the document.
func (d *decoder) fields(n *yaml.Node, path string) []Field {
	var out []Field
	for _, p := range d.entries(n, path, problem.Say("document properties")) {
		out = append(out, d.field(p))
	}
	return out
}

// field decodes one property of a document, or one element of a list.
func (d *decoder) field(p pair) Field {
	f := Field{At: p.at, Name: p.key}
	f.At.Line, f.At.Column = p.value.Line, p.value.Column
	before := len(d.problems)
	switch n := p.value; {
	case n.Kind == yaml.SequenceNode:
		d.list(&f, n)
	case n.Kind != yaml.MappingNode || len(n.Content) == 2 && n.Content[0].Value == "const":
		f.Value = d.expression(n, p.at.Path)
		f.broken = f.Value == nil
	case d.brokenConstant(p):
		f.broken = true
	case hasKey(n, "each"):
		d.each(&f, p)
		f.broken = len(d.problems) > before
	default:
		d.block(&f, p)
	}
	return f
}

func hasKey(n *yaml.Node, key string) bool {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return true
		}
	}
	return false
}

// list decodes a list written out: elements that are absent are left out.
func (d *decoder) list(f *Field, n *yaml.Node) {
	f.List = true
	if len(n.Content) == 0 {
		d.report(f.At, "wrong-type", problem.Say("the list has no elements"), problem.Say("write an expression or an object for each, or remove the line: what is not named is absent"))
		f.broken = true
	}
	for i, item := range n.Content {
		index := "[" + strconv.Itoa(i) + "]"
		f.Items = append(f.Items, d.field(pair{key: f.Name + index, at: d.place(item, f.At.Path+index), value: item}))
	}
}

// each decodes { each: list, as: name, value: expression } or, for objects, with fields in place of value.
func (d *decoder) each(f *Field, p pair) {
	e := &Each{Item: Field{Name: f.Name + "[]"}}
	var value, fields *pair
	for _, q := range d.entries(p.value, p.at.Path, problem.Say("each, as, and value or fields")) {
		switch q.key {
		case "each":
			e.Over = d.expression(q.value, q.at.Path)
		case "as":
			e.As, e.AsAt = d.name(q.value, q.at.Path), d.place(q.value, q.at.Path)
			if e.As != "" && (!identifier(e.As) || e.As == "event") {
				d.report(e.AsAt, "bad-name", problem.Say("%q cannot be used as a name in expressions", e.As), problem.Say("use letters, digits and _, beginning with a letter"))
			}
		case "when":
			if c := d.expression(q.value, q.at.Path); c != nil {
				e.Item.When = append(e.Item.When, c)
			}
		case "value":
			value = &q
		case "fields":
			fields = &q
		default:
			d.unknown(q, []string{"each", "as", "when", "value", "fields"})
		}
	}
	if e.AsAt.Line == 0 {
		d.report(p.at, "missing-key", problem.Say("as is missing: the element needs a name"), problem.Say(`write { each: 'split(sdt, ";")', as: s, value: digits(s) }`))
	}
	if (value == nil) == (fields == nil) {
		d.report(p.at, "missing-key", problem.Say("each needs value, or fields for an object, and not both: what becomes of an element"), problem.Say(`write { each: 'split(sdt, ";")', as: s, value: digits(s) }`))
		return
	}
	body := value
	if body == nil {
		body = fields
		if body.value.Kind != yaml.MappingNode {
			d.report(body.at, "wrong-type", problem.Say("expected document properties, found %s", kindOfNode(body.value)), problem.Say("write fields: followed by indented name: expression lines, or value: for one expression"))
			return
		}
	}
	when := e.Item.When
	e.Item = d.field(pair{key: e.Item.Name, at: body.at, value: body.value})
	e.Item.When = append(when, e.Item.When...)
	f.Each = e
}

// block decodes an object: fields, of its own and of the shape it uses, and the condition under which it is there.
func (d *decoder) block(f *Field, p pair) {
	uses := hasKey(p.value, "use")
	if len(p.value.Content) == 0 {
		d.report(p.at, "wrong-type", problem.Say("the object has no fields"), problem.Say("name its properties; an expression that begins with { must be quoted"))
	}
	if uses {
		f.use = &use{}
	}
	for _, q := range d.entries(p.value, p.at.Path, problem.Say("document properties")) {
		switch {
		case q.key == "use":
			f.use.shape, f.use.at = d.name(q.value, q.at.Path), d.place(q.value, q.at.Path)
			f.broken = f.broken || f.use.shape == ""
		case q.key == "when":
			c := d.expression(q.value, q.at.Path)
			if f.broken = f.broken || c == nil; c != nil {
				f.When = append(f.When, c)
			}
		case uses && q.key == "prefix":
			f.use.prefix = d.prefix(q)
			f.broken = f.broken || f.use.prefix == ""
		case uses && misspelt(q.key, "prefix", "when"):
			d.unknown(q, []string{"use", "prefix", "when"})
			f.broken = true
		default:
			f.Fields = append(f.Fields, d.field(q))
		}
	}
	if !uses && len(f.When) > 0 && len(f.Fields) == 0 {
		d.report(p.at, "wrong-type", problem.Say("the object has no fields"), problem.Say("name its properties beside when; for one value write condition ? value : null"))
		f.broken = true
	}
}

// prefix decodes what is put before the names of columns.
func (d *decoder) prefix(q pair) string {
	s := d.name(q.value, q.at.Path)
	if s != "" && !identifier(s) {
		d.report(q.at, "bad-name", problem.Say("%q cannot begin the names of columns in expressions", s), problem.Say("use letters, digits and _, beginning with a letter, such as me_"))
		return ""
	}
	return s
}

func misspelt(key string, words ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return problem.Distance(strings.ToLower(key), w) == 1 })
}

// brokenConstant reports an object that was meant to be a constant: const beside other words, or misspelt alone.
func (d *decoder) brokenConstant(p pair) bool {
	for i := 0; i+1 < len(p.value.Content); i += 2 {
		switch k := p.value.Content[i]; {
		case k.Value == "const":
			d.report(d.place(k, join(p.at.Path, "const")), "constant-form", problem.Say("const stands with other words here"), problem.Say("write { const: … } alone, or name each property with its own expression"))
			return true
		case len(p.value.Content) == 2 && k.Value != "const" && problem.Distance(strings.ToLower(k.Value), "const") == 1:
			d.report(d.place(k, join(p.at.Path, k.Value)), "unknown-key", problem.Say("unknown key %q", k.Value), problem.Say("did you mean const?"))
			return true
		}
	}
	return false
}

// shapes decodes blocks of fields with names.
func (d *decoder) shapes(n *yaml.Node) []Shape {
	var out []Shape
	for _, p := range d.entries(n, "shapes", problem.Say("shapes, each with its fields")) {
		s := Shape{At: p.at, Name: p.key}
		if p.value.Kind != yaml.MappingNode || hasKey(p.value, "each") || hasKey(p.value, "const") {
			d.report(p.at, "wrong-type", problem.Say("a shape is an object with fields"), problem.Say("write its name, and below it indented name: expression lines"))
			s.Body.broken = true
		} else {
			s.Body = d.field(p)
		}
		out = append(out, s)
	}
	return out
}
