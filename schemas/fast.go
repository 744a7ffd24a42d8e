package schemas

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
)

// checker is a schema compiled for Accepts. It can say "certainly valid" and nothing else. It is sound against
// gojsonschema, not against the specification: whatever the two read differently is not proven (fuzzed in fast_test.go).
type checker struct {
	kinds jsonKind // allowed JSON types, 0 = all

	properties []fastProperty
	required   uint64 // bit i: properties[i] must be there
	closed     bool

	items              *checker
	minItems, maxItems int

	minLength, maxLength int
	pattern              *automaton
	format               string
	list                 *CodeList

	limited  bool // enum or const: only strings and integers below are proven
	strings  []string
	integers []int64
	bounded  bool // minimum or maximum
	min, max int64

	allOf, anyOf []*checker
}

type fastProperty struct {
	quoted string // name":
	check  *checker
}

type jsonKind uint8

const (
	kindObject jsonKind = 1 << iota
	kindArray
	kindString
	kindInteger
	kindNumber
	kindBoolean
	kindNull
	kindNever
)

// anyValue proves syntax only.
var anyValue = &checker{maxItems: -1, maxLength: -1, min: math.MinInt64, max: math.MaxInt64}

// needsText says that a string's content matters, not only its length: an escaped text is then not proven.
func (c *checker) needsText() bool {
	return c.pattern != nil || c.format != "" || c.list != nil || c.limited
}

// compileFast returns the checker of a schema, or the reason why none of its documents can be proven.
func compileFast(root *schema) (*checker, string) {
	f := fastCompiler{done: map[*schema]*checker{}}
	c := f.compile(root)
	return c, f.slow
}

type fastCompiler struct {
	done map[*schema]*checker
	slow string
}

func (f *fastCompiler) giveUp(s *schema, why string) {
	if f.slow == "" {
		f.slow = fmt.Sprintf("%s uses %s", s.where(), why)
	}
}

func (f *fastCompiler) compile(s *schema) *checker {
	if c, ok := f.done[s]; ok {
		return c
	}
	if s.target != nil { // $ref stands alone, and never comes back to itself: the gate saw to both
		return f.compile(s.target)
	}
	c := &checker{}
	f.done[s] = c
	*c = *anyValue
	if s.boolean != nil {
		if !*s.boolean {
			c.kinds = kindNever
		}
		return c
	}
	if len(s.other) > 0 {
		f.giveUp(s, s.other[0])
	}
	for _, t := range s.types {
		c.kinds |= kindOf(t)
	}
	c.minItems, c.maxItems, c.minLength, c.maxLength = s.minItems, s.maxItems, s.minLength, s.maxLength
	c.format, c.list = s.format, s.list
	if s.format == "email" || s.format == "uri" {
		f.giveUp(s, "format "+s.format)
	}
	f.numbers(c, s)
	f.literals(c, s)
	if s.pattern != "" {
		var err error
		if c.pattern, err = newAutomaton(s.pattern); err != nil {
			f.giveUp(s, "a pattern that does not compile")
		}
	}
	f.object(c, s)
	if s.items != nil {
		c.items = f.compile(s.items)
	}
	for _, branch := range s.allOf {
		c.allOf = append(c.allOf, f.compile(branch))
	}
	for _, branch := range s.anyOf {
		c.anyOf = append(c.anyOf, f.compile(branch))
	}
	return c
}

func kindOf(t string) jsonKind {
	switch t {
	case "object":
		return kindObject
	case "array":
		return kindArray
	case "string":
		return kindString
	case "integer":
		return kindInteger
	case "number":
		return kindNumber | kindInteger
	case "boolean":
		return kindBoolean
	case "null":
		return kindNull
	}
	return kindNever
}

func (f *fastCompiler) numbers(c *checker, s *schema) {
	for _, bound := range []struct {
		text json.Number
		to   *int64
	}{{s.minimum, &c.min}, {s.maximum, &c.max}} {
		if bound.text == "" {
			continue
		}
		i, ok := small(bound.text)
		if !ok {
			f.giveUp(s, "a bound that is not a small whole number")
		}
		*bound.to, c.bounded = i, true
	}
}

func (f *fastCompiler) literals(c *checker, s *schema) {
	if s.enum != nil && s.hasConst {
		f.giveUp(s, "enum and const together")
	}
	allowed := s.enum
	if s.hasConst {
		allowed = []any{s.constant}
	}
	c.limited = allowed != nil
	for _, v := range allowed {
		switch t := v.(type) {
		case string:
			c.strings = append(c.strings, t)
			continue
		case json.Number:
			if i, ok := small(t); ok {
				c.integers = append(c.integers, i)
				continue
			}
		}
		f.giveUp(s, "enum or const with values other than text and small whole numbers")
	}
}

func (f *fastCompiler) object(c *checker, s *schema) {
	c.closed = s.closed()
	if s.additional != nil && s.additional.boolean == nil {
		f.giveUp(s, "additionalProperties with a schema")
	}
	names := make([]string, 0, len(s.properties))
	add := func(name string, check *checker) {
		if strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' }) {
			f.giveUp(s, "a property name that needs escapes")
		}
		names = append(names, name)
		c.properties = append(c.properties, fastProperty{name + `":`, check})
	}
	for _, m := range s.properties {
		add(m.name, f.compile(m.schema))
	}
	for _, name := range s.required {
		i := slices.Index(names, name)
		if i < 0 {
			if c.closed {
				f.giveUp(s, "a required property that its closed object does not declare")
			}
			i = len(names)
			add(name, anyValue)
		}
		c.required |= 1 << min(i, 63)
	}
	if len(names) > 64 {
		f.giveUp(s, "more than 64 properties in one object")
	}
}
