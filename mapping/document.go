package mapping

import (
	"bytes"
	"strings"

	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas"
)

// docProperty is a place of the dataset's schema as expressions of a sink mapping see it. Children are made when they are
// named: a schema may be recursive.
type docProperty struct {
	path     string
	name     string
	typ      typ
	slot     int // -1: nothing reads it by itself
	children map[string]*docProperty
}

func newDocProperty(path, name string, p *schemas.Node, nullable bool) *docProperty {
	return &docProperty{path: path, name: name, typ: typeOfSchema(p, nullable), slot: -1, children: map[string]*docProperty{}}
}

// typeOfSchema is the kind a property's values have in expressions.
func typeOfSchema(n *schemas.Node, nullable bool) typ {
	t := typ{kind: kindAny, nullable: nullable, schema: n}
	name := ""
	for _, s := range n.Types {
		switch {
		case s == "null":
			t.nullable = true
		case name == "":
			name = s
		default:
			return t
		}
	}
	switch name {
	case "string":
		t.kind = kindText
		switch n.Format {
		case "date":
			t.kind = kindDate
		case "date-time":
			t.kind = kindTimestamp
		}
	case "integer":
		t.kind = kindInt
	case "number":
		t.kind = kindDecimal
	case "boolean":
		t.kind = kindBool
	case "object":
		t.kind = kindObject
	case "array":
		t.kind = kindList
	}
	return t
}

// child resolves a property of this one; a name that leads nowhere comes back as a fault with its fix.
func (p *docProperty) child(name string) (child *docProperty, fault, fix problem.Text) {
	if c := p.children[name]; c != nil {
		return c, problem.Text{}, problem.Text{}
	}
	if p.typ.kind != kindObject && p.typ.kind != kindAny || len(p.typ.schema.Properties) == 0 {
		fix := problem.Say("use the property by itself")
		if p.typ.kind == kindList {
			fix = problem.Say("use the whole list: size(x), or x.exists(e, …) with a condition; columns cannot hold parts of its elements")
		}
		return nil, problem.Say("property %s is %s, it has no part %q", p.path, article(p.typ.kind), name), fix
	}
	found := p.typ.schema.Property(name)
	if found == nil {
		var names []string
		for _, q := range p.typ.schema.Properties {
			names = append(names, q.Name)
		}
		return nil, problem.Say("property %s has no part %q", p.path, name), suggestion(name, names)
	}
	c := newDocProperty(p.path+"."+name, name, found.Node, p.typ.nullable || !found.Required)
	p.children[name] = c
	return c, problem.Text{}, problem.Text{}
}

// read puts the parts of a document that the plan reads into the frame's slots. ok is false for what is not JSON.
func (p *docProperty) read(f *frame, doc []byte) bool {
	s := scanner{text: doc}
	ok := s.value(f, p)
	s.blank()
	return ok && s.at == len(doc)
}

// scanner walks a JSON text once and stops at nothing the plan does not read.
type scanner struct {
	text []byte
	at   int
	deep int
}

// maxDepth bounds nesting: documents were checked before they were published, but a topic can hold anything.
const maxDepth = 200

func (s *scanner) blank() {
	for s.at < len(s.text) && (s.text[s.at] == ' ' || s.text[s.at] == '\n' || s.text[s.at] == '\t' || s.text[s.at] == '\r') {
		s.at++
	}
}

// value reads one value; p is the property it belongs to, nil when nothing in it is read.
func (s *scanner) value(f *frame, p *docProperty) bool {
	s.blank()
	start := s.at
	if s.at >= len(s.text) {
		return false
	}
	k := kindText
	var ok bool
	switch c := s.text[s.at]; c {
	case '{':
		k, ok = kindObject, s.object(f, p)
	case '[':
		k, ok = kindList, s.array()
	case '"':
		ok = s.str()
	case 't':
		k, ok = kindBool, s.word("true")
	case 'f':
		k, ok = kindBool, s.word("false")
	case 'n':
		k, ok = kindNull, s.word("null")
	default:
		k, ok = kindDecimal, s.number()
	}
	if ok && p != nil && p.slot >= 0 {
		f.slots[p.slot] = p.cell(f, k, s.text[start:s.at])
		f.stamps[p.slot] = f.stamp
	}
	return ok
}

// cell makes a value of a JSON text, of the kind the schema promises where the text has it.
func (p *docProperty) cell(f *frame, k kind, raw []byte) cell {
	switch k {
	case kindNull:
		return null
	case kindBool:
		return boolCell(raw[0] == 't')
	case kindDecimal:
		if n, ok := wholeNumber(string(raw)); ok {
			return intCell(n)
		}
		if p.typ.kind == kindInt {
			// 1.0 and 1e2 are integers to JSON Schema.
			start := len(f.scratch)
			var ok bool
			if f.scratch, ok = bytesCell(kindDecimal, raw).appendDecimal(f.scratch); ok {
				if n, whole := wholeNumber(string(f.since(start))); whole {
					return intCell(n)
				}
			}
		}
		return bytesCell(kindDecimal, raw)
	case kindText:
		b := raw[1 : len(raw)-1]
		if bytes.IndexByte(b, '\\') >= 0 {
			start := len(f.scratch)
			f.scratch = appendUnescaped(f.scratch, b)
			b = f.since(start)
		}
		switch p.typ.kind {
		case kindDate, kindTimestamp:
			return bytesCell(p.typ.kind, b)
		}
		return textCell(b)
	}
	return bytesCell(k, raw)
}

func (s *scanner) object(f *frame, p *docProperty) bool {
	if s.deep++; s.deep > maxDepth {
		return false
	}
	defer func() { s.deep-- }()
	s.at++
	for first := true; ; first = false {
		s.blank()
		if s.at >= len(s.text) {
			return false
		}
		if s.text[s.at] == '}' && first {
			s.at++
			return true
		}
		start := s.at
		if !s.str() {
			return false
		}
		var child *docProperty
		if p != nil && len(p.children) > 0 {
			child = p.named(s.text[start+1 : s.at-1])
		}
		s.blank()
		if s.at >= len(s.text) || s.text[s.at] != ':' {
			return false
		}
		s.at++
		if !s.value(f, child) {
			return false
		}
		s.blank()
		if s.at >= len(s.text) {
			return false
		}
		s.at++
		switch s.text[s.at-1] {
		case ',':
		case '}':
			return true
		default:
			return false
		}
	}
}

func (p *docProperty) named(key []byte) *docProperty {
	if bytes.IndexByte(key, '\\') < 0 {
		return p.children[string(key)]
	}
	return p.children[string(appendUnescaped(nil, key))]
}

func (s *scanner) array() bool {
	if s.deep++; s.deep > maxDepth {
		return false
	}
	defer func() { s.deep-- }()
	s.at++
	for first := true; ; first = false {
		s.blank()
		if s.at >= len(s.text) {
			return false
		}
		if s.text[s.at] == ']' && first {
			s.at++
			return true
		}
		if !s.value(nil, nil) {
			return false
		}
		s.blank()
		if s.at >= len(s.text) {
			return false
		}
		s.at++
		switch s.text[s.at-1] {
		case ',':
		case ']':
			return true
		default:
			return false
		}
	}
}

// str moves over a JSON string.
func (s *scanner) str() bool {
	if s.at >= len(s.text) || s.text[s.at] != '"' {
		return false
	}
	for s.at++; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case c == '"':
			s.at++
			return true
		case c == '\\':
			s.at++
		case c < 0x20:
			return false
		}
	}
	return false
}

func (s *scanner) word(w string) bool {
	if !bytes.HasPrefix(s.text[s.at:], []byte(w)) {
		return false
	}
	s.at += len(w)
	return true
}

func (s *scanner) number() bool {
	start := s.at
	for s.at < len(s.text) && strings.IndexByte("+-.eE0123456789", s.text[s.at]) >= 0 {
		s.at++
	}
	_, ok := bytesCell(kindDecimal, s.text[start:s.at]).appendDecimal(nil)
	return ok
}

// member returns the raw value of a property of a JSON object.
func member(object []byte, name string) (raw []byte, ok bool) {
	s := scanner{text: object}
	s.blank()
	if s.at >= len(object) || object[s.at] != '{' {
		return nil, false
	}
	s.at++
	for {
		s.blank()
		start := s.at
		if !s.str() {
			return raw, raw != nil
		}
		key := object[start+1 : s.at-1]
		if bytes.IndexByte(key, '\\') >= 0 {
			key = appendUnescaped(nil, key)
		}
		s.blank()
		if s.at >= len(object) || object[s.at] != ':' {
			return nil, false
		}
		s.at++
		s.blank()
		start = s.at
		if !s.value(nil, nil) {
			return nil, false
		}
		if string(key) == name {
			raw = object[start:s.at]
		}
		s.blank()
		if s.at >= len(object) || object[s.at] != ',' {
			return raw, raw != nil
		}
		s.at++
	}
}
