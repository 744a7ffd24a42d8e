package mapping

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
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
		d.report(e.At, "wrong-type", "expected an expression or a constant, found "+kindOfNode(n), "write the expression in single quotes, or { const: … }")
		return nil
	case yaml.SequenceNode:
		d.report(e.At, "wrong-type", "expected an expression or a constant, found a list", "quote an expression that begins with [: '[…]'; for a constant list write { const: [ … ] }")
		return nil
	}
	switch {
	case n.Tag == "!!null" && n.Style == 0:
		d.report(e.At, "wrong-type", "nothing stands here; expected an expression or a constant", "write an expression, or remove the line: what is not named is absent")
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
		d.report(e.At, "wrong-type", "the expression is empty", `write an expression; for an empty text write '""'`)
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
		d.report(d.place(n, path), "wrong-type", "a constant cannot be null: a property that is null is absent", "remove the line")
		return dst, false
	case n.Style == 0 && (n.Tag == "!!int" || n.Tag == "!!float" || n.Tag == "!!bool"):
		v := strings.ToLower(n.Value)
		if !json.Valid([]byte(v)) {
			if _, told := differentMeaning(n); told {
				return dst, false
			}
			d.report(d.place(n, path), "wrong-type", v+" is not a number a document can hold", "write a finite number")
			return dst, false
		}
		return append(dst, v...), true
	}
	return appendJSONString(dst, []byte(n.Value)), true
}

// fields decodes an object of the document.
func (d *decoder) fields(n *yaml.Node, path string) []Field {
	var out []Field
	for _, p := range d.entries(n, path, "document properties") {
		f := Field{At: p.at, Name: p.key}
		f.At.Line, f.At.Column = p.value.Line, p.value.Column
		if p.value.Kind != yaml.MappingNode || len(p.value.Content) == 2 && p.value.Content[0].Value == "const" {
			f.Value = d.expression(p.value, p.at.Path)
			f.broken = f.Value == nil
			out = append(out, f)
			continue
		}
		if d.brokenConstant(p) {
			f.broken = true
			out = append(out, f)
			continue
		}
		if word := blockWord(p.value); word != "" {
			d.unsupported(p.at, word, "write the fields out, each with its own expression")
			f.broken = true
			out = append(out, f)
			continue
		}
		f.Fields = d.fields(p.value, p.at.Path)
		if len(f.Fields) == 0 && len(p.value.Content) == 0 {
			d.report(p.at, "wrong-type", "the object has no fields", "name its properties; an expression that begins with { must be quoted")
		}
		out = append(out, f)
	}
	return out
}

// brokenConstant reports an object that was meant to be a constant: const beside other words, or misspelt alone.
func (d *decoder) brokenConstant(p pair) bool {
	for i := 0; i+1 < len(p.value.Content); i += 2 {
		switch k := p.value.Content[i]; {
		case k.Value == "const":
			d.report(d.place(k, join(p.at.Path, "const")), "constant-form", "const stands with other words here", "write { const: … } alone, or name each property with its own expression")
			return true
		case len(p.value.Content) == 2 && k.Value != "const" && distance(strings.ToLower(k.Value), "const") == 1:
			d.report(d.place(k, join(p.at.Path, k.Value)), "unknown-key", fmt.Sprintf("unknown key %q", k.Value), "did you mean const?")
			return true
		}
	}
	return false
}

// blockWord names the word of the language that makes an object something other than a group of fields.
func blockWord(n *yaml.Node) string {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if k := n.Content[i].Value; k == "use" || k == "each" || k == "when" {
			return k
		}
	}
	return ""
}

// assignments decodes name: expression entries; encoded allows {value, text}.
func (d *decoder) assignments(n *yaml.Node, path string, encoded bool) []Assignment {
	var out []Assignment
	for _, p := range d.entries(n, path, "names with expressions") {
		a := Assignment{At: p.at, Name: p.key}
		value := p.value
		if encoded && value.Kind == yaml.MappingNode && !(len(value.Content) == 2 && value.Content[0].Value == "const") {
			value = nil
			for _, q := range d.entries(p.value, p.at.Path, "value and text") {
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
				d.report(p.at, "missing-key", "value is missing", "write { value: expression, text: encoding }")
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
