package compat

import (
	"encoding/json"
	"math/big"
	"slices"
	"strconv"

	"pgregory.net/rapid"
)

// dialect is what a draft can say.
type dialect struct {
	draft    string // as in rules.txt
	keywords []string
}

func (d dialect) old() bool { return d.draft == "4" }

// drawSchema makes a schema of all keywords of draft 7.
func drawSchema(t *rapid.T, depth int) any { return dialect{"7", keywordNames}.draw(t, depth, "") }

// draw makes a schema that has a keyword, any if it is "".
func (d dialect) draw(t *rapid.T, depth int, wanted string) any {
	if depth == 0 {
		leaves := []any{
			map[string]any{"type": "string"},
			map[string]any{"type": "integer"},
			map[string]any{"enum": []any{"a", "b", json.Number("1")}},
			map[string]any{"type": []any{"number", "null"}},
		}
		if d.old() {
			leaves = append(leaves, map[string]any{})
		} else {
			leaves = append(leaves, true, map[string]any{"const": "a"})
		}
		return rapid.SampledFrom(leaves).Draw(t, "leaf")
	}
	m := map[string]any{}
	sub := func() any { return d.draw(t, depth-1, "") }
	small := func() any { return json.Number(strconv.Itoa(rapid.IntRange(0, 4).Draw(t, "n"))) }
	names := []string{"a", "b", "ab"}
	keywords := rapid.SliceOfN(rapid.SampledFrom(d.keywords), 0, 3).Draw(t, "keywords")
	if wanted != "" {
		keywords = append(keywords, wanted)
	}
	for _, k := range keywords {
		switch k {
		case "type":
			m[k] = rapid.SampledFrom([]any{"string", "integer", "number", "object", "array", []any{"string", "null"}, []any{"object", "array"}}).Draw(t, "type")
		case "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "minimum", "maximum":
			m[k] = small()
		case "exclusiveMinimum", "exclusiveMaximum":
			if m[k] = small(); d.old() {
				m["minimum"], m["maximum"], m[k] = small(), small(), true
			}
		case "minContains", "maxContains":
			m[k], m["contains"] = small(), sub()
		case "unevaluatedItems", "unevaluatedProperties":
			m[k] = rapid.SampledFrom([]any{sub(), false}).Draw(t, "unevaluated")
		case "prefixItems":
			m[k] = []any{sub()}
		case "dependentRequired":
			m[k] = map[string]any{rapid.SampledFrom(names).Draw(t, "name"): []any{"b"}}
		case "dependentSchemas":
			m[k] = map[string]any{rapid.SampledFrom(names).Draw(t, "name"): map[string]any{"minProperties": json.Number("2")}}
		case "$ref":
			m[k] = "#/definitions/d"
		case codesKeyword:
			m["type"] = "string"
			m[k] = rapid.SampledFrom([]any{"thu", map[string]any{"id": "thu", "version": "2"}, map[string]any{"id": "khac", "version": "1"}}).Draw(t, "list")
		case "multipleOf":
			m[k] = rapid.SampledFrom([]any{json.Number("1"), json.Number("2"), json.Number("0.5")}).Draw(t, "step")
		case "pattern":
			m[k] = rapid.SampledFrom([]string{"^a", "b$", "^[0-9]+$"}).Draw(t, "pattern")
		case "format":
			m[k] = rapid.SampledFrom([]string{"date", "ipv4"}).Draw(t, "format")
		case "uniqueItems":
			m[k] = true
		case "enum":
			m[k] = []any{"a", json.Number("2"), nil, map[string]any{}}[:rapid.IntRange(1, 4).Draw(t, "values")]
		case "const":
			m[k] = rapid.SampledFrom([]any{"a", json.Number("2"), nil}).Draw(t, "value")
		case "required":
			m[k] = []any{rapid.SampledFrom(names).Draw(t, "name")}
		case "properties":
			m[k] = map[string]any{rapid.SampledFrom(names).Draw(t, "name"): sub()}
		case "patternProperties":
			m[k] = map[string]any{rapid.SampledFrom([]string{"^a", "b"}).Draw(t, "name"): sub()}
		case "dependencies":
			m[k] = map[string]any{rapid.SampledFrom(names).Draw(t, "name"): rapid.SampledFrom([]any{[]any{"b"}, map[string]any{"minProperties": json.Number("2")}}).Draw(t, "dependency")}
		case "items":
			if m[k] = sub(); d.draft != "2020-12" && rapid.Bool().Draw(t, "tuple") {
				m[k] = []any{sub()}
			}
		case "allOf", "anyOf", "oneOf":
			m[k] = []any{sub(), sub()}
		case "if":
			m["if"], m["then"], m["else"] = sub(), sub(), sub()
		default: // one schema
			m[k] = sub()
		}
	}
	return m
}

// drawDocument makes a small JSON value of the alphabet of drawSchema.
func drawDocument(t *rapid.T, depth int) any {
	switch n := rapid.IntRange(0, 7).Draw(t, "kind"); {
	case n >= 6 && depth > 0:
		m := map[string]any{}
		for range rapid.IntRange(0, 3).Draw(t, "members") {
			m[rapid.SampledFrom([]string{"a", "b", "ab", "c"}).Draw(t, "name")] = drawDocument(t, depth-1)
		}
		return m
	case n == 5 && depth > 0:
		list := []any{}
		for range rapid.IntRange(0, 3).Draw(t, "items") {
			list = append(list, drawDocument(t, depth-1))
		}
		return list
	case n <= 1:
		return rapid.SampledFrom([]any{"", "a", "b", "ab", "123", "aaaaa", "2024-02-29", "192.0.2.1", "01", "02", "03"}).Draw(t, "text")
	case n <= 3:
		return json.Number(rapid.SampledFrom([]string{"0", "1", "2", "3", "4", "5", "0.5", "-1", "2.5"}).Draw(t, "number"))
	}
	return rapid.SampledFrom([]any{nil, true, false}).Draw(t, "other")
}

var keywordNames = []string{
	"type", "minLength", "maxLength", "pattern", "format", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
	"multipleOf", "minItems", "maxItems", "uniqueItems", "items", "additionalItems", "contains", "minProperties",
	"maxProperties", "required", "properties", "patternProperties", "additionalProperties", "propertyNames",
	"dependencies", "enum", "const", "allOf", "anyOf", "oneOf", "not", "if",
}

func parseDrawn(t *rapid.T, v any) *Document {
	d, err := Parse(encode(v), nil)
	if err != nil {
		t.Fatalf("parse %s: %v", encode(v), err)
	}
	return d
}

// seeing are the keywords that evaluate properties and items.
var seeing = []string{
	"properties", "patternProperties", "additionalProperties", "items", "prefixItems", "additionalItems", "contains",
	"allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas", "$ref", "definitions", "$schema", "minContains",
}

// loosen relaxes one keyword, at any depth: whatever was accepted is accepted still.
func loosen(t *rapid.T, v any) any {
	m, isObject := v.(map[string]any)
	if !isObject || len(m) == 0 {
		return v
	}
	keys := slices.DeleteFunc(sortedKeys(m), func(k string) bool { return k == "$schema" || k == "definitions" })
	if len(keys) == 0 {
		return v
	}
	k := rapid.SampledFrom(keys).Draw(t, "loosened")
	next := clone(m)
	if m["unevaluatedItems"] != nil || m["unevaluatedProperties"] != nil { // these see what other keywords have seen
		if slices.Contains(seeing, k) {
			return v
		}
	}
	number := func(by int64) {
		next[k] = exact(new(big.Rat).Add(decimal(m[k]), big.NewRat(by, 1)))
	}
	switch k {
	case "prefixItems", "$ref":
	case "minContains":
		next[k] = json.Number("0")
	case "if", "oneOf", "additionalItems", "contains", "dependencies", "propertyNames", "not":
		if k == "not" || k == "contains" || k == "dependencies" || k == "propertyNames" {
			delete(next, k)
		}
	case "additionalProperties", "then", "else":
		next[k] = loosen(t, m[k])
	case "items":
		if list, tuple := m[k].([]any); tuple {
			next[k] = []any{loosen(t, list[0])}
		} else {
			next[k] = loosen(t, m[k])
		}
	case "properties", "patternProperties":
		inner := clone(m[k].(map[string]any))
		for name := range inner {
			inner[name] = loosen(t, inner[name])
		}
		next[k] = inner
	case "allOf", "anyOf":
		list, _ := m[k].([]any)
		next[k] = []any{list[0], loosen(t, list[1])}
		if k == "anyOf" && rapid.Bool().Draw(t, "branch") {
			next[k] = append([]any{map[string]any{"type": "boolean"}}, list...)
		}
	case "enum":
		list, _ := m[k].([]any)
		next[k] = append(slices.Clone(list), "moi"+strconv.Itoa(len(list)))
	case "type":
		if name, one := m[k].(string); one {
			next[k] = []any{name, "boolean"}
		} else {
			delete(next, k)
		}
	case "maxLength", "maxItems", "maxProperties", "maximum", "exclusiveMaximum", "maxContains":
		if decimal(m[k]) == nil {
			delete(next, k) // a flag of draft 4
		} else {
			number(1)
		}
	case "minimum", "exclusiveMinimum":
		if decimal(m[k]) == nil {
			delete(next, k)
		} else {
			number(-1)
		}
	default:
		delete(next, k)
	}
	return next
}
