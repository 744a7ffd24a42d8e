package mapping

import (
	"encoding/json"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/lienthong/truc/problem"
)

// expression decodes a scalar or {const: …}.
func (d *decoder) expression(n *yaml.Node, path string) *Expression {
	e := &Expression{At: d.place(n, path), comment: n.LineComment, line: d.line(n.Line)}
	switch n.Kind {
	case yaml.MappingNode:
		if len(n.Content) == 2 && n.Content[0].Value == "const" {
			if e.Const = d.constant(n.Content[1], join(path, "const")); e.Const == nil {
				return nil
			}
			return e
		}
		d.report(e.At, "wrong-type", problem.Say("expected an expression or a constant, found %s", kindOfNode(n)), problem.Say("write the expression in single quotes, or { const: … }"))
		return nil
	case yaml.SequenceNode:
		d.report(e.At, "wrong-type", problem.Say("expected an expression or a constant, found a list"), problem.Say("quote an expression that begins with [: '[…]'; for a constant list write { const: [ … ] }"))
		return nil
	}
	switch {
	case n.Tag == "!!null" && n.Style == 0:
		d.report(e.At, "wrong-type", problem.Say("nothing stands here; expected an expression or a constant"), problem.Say("write an expression, or remove the line: what is not named is absent"))
		return nil
	case n.Style == 0 && (n.Tag == "!!int" || n.Tag == "!!float" || n.Tag == "!!bool"):
		e.Const = []byte(strings.ToLower(n.Value))
		return e
	}
	e.CEL = n.Value
	e.plain = n.Style == 0
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		e.quote = 1
	}
	if strings.TrimSpace(e.CEL) == "" {
		d.report(e.At, "wrong-type", problem.Say("the expression is empty"), problem.Say(`write an expression; for an empty text write '""'`))
		return nil
	}
	return e
}

// constant turns a YAML tree into JSON text, in the order written.
func (d *decoder) constant(n *yaml.Node, path string) []byte {
	out, ok := d.appendJSON(nil, n, path)
	if !ok {
		return nil
	}
	return out
}

func (d *decoder) appendJSON(dst []byte, n *yaml.Node, path string) ([]byte, bool) {
	switch n.Kind {
	case yaml.MappingNode:
		dst = append(dst, '{')
		for i := 0; i+1 < len(n.Content); i += 2 {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendJSONString(dst, []byte(n.Content[i].Value))
			dst = append(dst, ':')
			var ok bool
			if dst, ok = d.appendJSON(dst, n.Content[i+1], join(path, n.Content[i].Value)); !ok {
				return dst, false
			}
		}
		return append(dst, '}'), true
	case yaml.SequenceNode:
		dst = append(dst, '[')
		for i, item := range n.Content {
			if i > 0 {
				dst = append(dst, ',')
			}
			var ok bool
			if dst, ok = d.appendJSON(dst, item, path+"["+strconv.Itoa(i)+"]"); !ok {
				return dst, false
			}
		}
		return append(dst, ']'), true
	}
	switch {
	case n.Tag == "!!null" && n.Style == 0:
		d.report(d.place(n, path), "wrong-type", problem.Say("a constant cannot be null: a property that is null is absent"), problem.Say("remove the line"))
		return dst, false
	case n.Style == 0 && (n.Tag == "!!int" || n.Tag == "!!float" || n.Tag == "!!bool"):
		v := strings.ToLower(n.Value)
		if !json.Valid([]byte(v)) {
			if _, told := differentMeaning(n); told {
				return dst, false
			}
			d.report(d.place(n, path), "wrong-type", problem.Say("%s is not a number a document can hold", v), problem.Say("write a finite number"))
			return dst, false
		}
		return append(dst, v...), true
	}
	return appendJSONString(dst, []byte(n.Value)), true
}

// assignments decodes name: expression entries; encoded allows {value, text}.
func (d *decoder) assignments(n *yaml.Node, path string, encoded bool) []Assignment {
	var out []Assignment
	for _, p := range d.entries(n, path, problem.Say("names with expressions")) {
		a := Assignment{At: p.at, Name: p.key}
		value := p.value
		if encoded && value.Kind == yaml.MappingNode && !(len(value.Content) == 2 && value.Content[0].Value == "const") {
			value = nil
			for _, q := range d.entries(p.value, p.at.Path, problem.Say("value and text")) {
				switch q.key {
				case "value":
					value = q.value
				case "text":
					a.Text = d.encoding(q.value, q.at.Path)
				default:
					d.unknown(q, []string{"value", "text", "const"})
				}
			}
			if value == nil {
				d.report(p.at, "missing-key", problem.Say("value is missing"), problem.Say("write { value: expression, text: encoding }"))
				continue
			}
		}
		if e := d.expression(value, p.at.Path); e != nil {
			a.Value = *e
			out = append(out, a)
		}
	}
	return out
}
