package compat

import (
	"encoding/json"
	"math/big"
	"slices"
	"strconv"

	"pgregory.net/rapid"
)

// drawSchema makes a schema of all keywords of draft 7.
func drawSchema(t *rapid.T, depth int) any {
	if depth == 0 {
		return rapid.SampledFrom([]any{
			true,
			map[string]any{"type": "string"},
			map[string]any{"type": "integer"},
			map[string]any{"const": "a"},
			map[string]any{"enum": []any{"a", "b", json.Number("1")}},
			map[string]any{"type": []any{"number", "null"}},
		}).Draw(t, "leaf")
	}
	m := map[string]any{}
	sub := func() any { return drawSchema(t, depth-1) }
	small := func() any { return json.Number(strconv.Itoa(rapid.IntRange(0, 4).Draw(t, "n"))) }
	names := []string{"a", "b", "ab"}
	for range rapid.IntRange(0, 3).Draw(t, "keywords") {
		switch k := rapid.SampledFrom(keywordNames).Draw(t, "keyword"); k {
		case "type":
			m[k] = rapid.SampledFrom([]any{"string", "integer", "number", "object", "array", []any{"string", "null"}, []any{"object", "array"}}).Draw(t, "type")
		case "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum":
			m[k] = small()
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
			m[k] = rapid.SampledFrom([]any{sub(), []any{sub()}}).Draw(t, "items")
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
		return rapid.SampledFrom([]any{"", "a", "b", "ab", "123", "aaaaa", "2024-02-29", "192.0.2.1"}).Draw(t, "text")
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

// loosen relaxes one keyword, at any depth: whatever was accepted is accepted still.
func loosen(t *rapid.T, v any) any {
	m, isObject := v.(map[string]any)
	if !isObject || len(m) == 0 {
		return v
	}
	k := rapid.SampledFrom(sortedKeys(m)).Draw(t, "loosened")
	next := clone(m)
	number := func(by int64) {
		next[k] = exact(new(big.Rat).Add(decimal(m[k]), big.NewRat(by, 1)))
	}
	switch k {
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
		next[k] = append(slices.Clone(list), "moi")
	case "type":
		if name, one := m[k].(string); one {
			next[k] = []any{name, "boolean"}
		} else {
			delete(next, k)
		}
	case "maxLength", "maxItems", "maxProperties", "maximum", "exclusiveMaximum":
		number(1)
	case "minimum", "exclusiveMinimum":
		number(-1)
	default:
		delete(next, k)
	}
	return next
}
