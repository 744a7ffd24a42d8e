package compat

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// kind is what the rule table sees in a schema.
type kind uint8

const (
	kindEmpty kind = iota
	kindFalse
	kindString
	kindNumber
	kindBoolean
	kindNull
	kindObject
	kindArray
	kindEnum
	kindConst
	kindNot
	kindConditional
	kindCombined
)

// shape is the reading of a schema by the rule table: one of its kinds, or a combination of shapes.
type shape struct {
	kind    kind
	place   *place
	integer bool
	// of: allOf, anyOf or oneOf the subs; types says that it stands for a list of types.
	of    string
	subs  []*shape
	types bool
	// same is the shape that a place before this one has in its place, when that says the same.
	same *shape
}

var keywordsOf = map[kind][]string{
	kindString: {"minLength", "maxLength", "pattern", "format"},
	kindNumber: {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"},
	kindObject: {
		"properties", "required", "minProperties", "maxProperties", "dependencies", "patternProperties",
		"additionalProperties", "propertyNames", "dependentRequired", "dependentSchemas", "unevaluatedProperties",
	},
	kindArray: {
		"items", "additionalItems", "minItems", "maxItems", "uniqueItems", "contains", "prefixItems", "minContains",
		"maxContains", "unevaluatedItems",
	},
}

// shapeOf reads a place; the set must be finite.
func shapeOf(p *place) *shape {
	if p == nil {
		return nil
	}
	if p.shape == nil {
		p.shape = read(p)
		if p.same != p {
			p.shape.follow(shapeOf(p.same))
		}
	}
	return p.shape
}

func read(p *place) *shape {
	if b, isBool := p.raw.(bool); isBool {
		if b {
			return &shape{kind: kindEmpty, place: p}
		}
		return &shape{kind: kindFalse, place: p}
	}
	m := p.object()
	var parts []*shape
	if p.target != nil {
		target := shapeOf(p.target)
		if p.draft <= Draft7 {
			return target
		}
		parts = append(parts, target)
	}
	if types, many := m["type"].([]any); many {
		union := &shape{kind: kindCombined, place: p, of: "anyOf", types: true}
		for _, t := range types {
			name, _ := t.(string)
			union.subs = append(union.subs, typed(p, name))
		}
		parts = append(parts, union)
	} else if name, one := m["type"].(string); one {
		parts = append(parts, typed(p, name))
	} else {
		for _, k := range []kind{kindString, kindNumber, kindObject, kindArray} {
			if slices.ContainsFunc(keywordsOf[k], func(word string) bool { return m[word] != nil }) {
				parts = append(parts, &shape{kind: k, place: p})
			}
		}
	}
	for k, word := range map[kind]string{kindEnum: "enum", kindConst: "const", kindNot: "not", kindConditional: "if"} {
		if _, given := m[word]; given {
			parts = append(parts, &shape{kind: k, place: p})
		}
	}
	for _, of := range []string{"allOf", "anyOf", "oneOf"} {
		list, given := m[of].([]any)
		if !given {
			continue
		}
		c := &shape{kind: kindCombined, place: p, of: of}
		for i := range list {
			c.subs = append(c.subs, shapeOf(p.child(of, strconv.Itoa(i))))
		}
		parts = append(parts, c)
	}
	switch len(parts) {
	case 0:
		return &shape{kind: kindEmpty, place: p}
	case 1:
		return parts[0]
	}
	slices.SortStableFunc(parts, func(a, b *shape) int { return int(a.kind) - int(b.kind) })
	return &shape{kind: kindCombined, place: p, of: "allOf", subs: parts}
}

func typed(p *place, name string) *shape {
	s := &shape{place: p, kind: map[string]kind{
		"string": kindString, "number": kindNumber, "integer": kindNumber, "boolean": kindBoolean, "null": kindNull,
		"object": kindObject, "array": kindArray,
	}[name]}
	s.integer = name == "integer"
	return s
}

// follow notes which shape says the same, part by part.
func (s *shape) follow(first *shape) {
	if s == first || s.same != nil {
		return
	}
	s.same = first
	for i, sub := range s.subs {
		sub.follow(first.subs[i])
	}
}

// first is the first shape that says the same.
func (s *shape) first() *shape {
	for s.same != nil {
		s = s.same
	}
	return s
}

// distinct leaves out branches that stand in a combination twice.
func (s *shape) distinct() []*shape {
	type wording struct {
		place          *place
		kind           kind
		integer, types bool
		of             string
	}
	seen := make(map[wording]bool, len(s.subs))
	var out []*shape
	for _, sub := range s.subs {
		if w := (wording{sub.place.same, sub.kind, sub.integer, sub.types, sub.of}); !seen[w] {
			seen[w] = true
			out = append(out, sub)
		}
	}
	return out
}

// at returns the shape of a subschema, nil when the keyword is absent.
func (s *shape) at(tokens ...string) *shape { return shapeOf(s.place.child(tokens...)) }

func (s *shape) value(keyword string) any { return s.place.object()[keyword] }

func (s *shape) members(keyword string) map[string]any {
	m, _ := s.value(keyword).(map[string]any)
	return m
}

func stringsOf(list []any) []string {
	var out []string
	for _, v := range list {
		if name, ok := v.(string); ok {
			out = append(out, name)
		}
	}
	return out
}

// number returns a keyword's number exactly, nil when it is absent.
func (s *shape) number(keyword string) *big.Rat { return s.place.number(keyword) }

// maxExponent keeps 1e999999999 from becoming a gigabyte of digits.
const maxExponent = 400

func decimal(v any) *big.Rat {
	n, ok := v.(json.Number)
	if !ok || len(n) > 1000 {
		return nil
	}
	if whole, err := strconv.ParseInt(string(n), 10, 64); err == nil { // nearly all
		return new(big.Rat).SetInt64(whole)
	}
	if _, exponent, found := strings.Cut(strings.ToLower(string(n)), "e"); found {
		var e int
		if _, err := fmt.Sscanf(exponent, "%d", &e); err != nil || e > maxExponent || e < -maxExponent {
			return nil
		}
	}
	r, ok := new(big.Rat).SetString(string(n))
	if !ok {
		return nil
	}
	return r
}
