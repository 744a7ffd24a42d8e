package compat

import (
	"encoding/json"
	"math/big"
	"slices"
	"strings"
)

// compareBound reports a changed bound; name is the beginning of its rules.
func compareBound(o *outcome, keyword, name string, old, updated *big.Rat) {
	change := ""
	switch {
	case old == nil && updated == nil:
	case old == nil:
		change = "_ADDED"
	case updated == nil:
		change = "_REMOVED"
	case old.Cmp(updated) < 0:
		change = "_INCREASED"
	case old.Cmp(updated) > 0:
		change = "_DECREASED"
	}
	if change != "" {
		o.say(keyword, Rule(name+change))
	}
}

func compareStrings(o *outcome, old, updated *shape) {
	compareBound(o, "maxLength", "MAX_LENGTH", old.number("maxLength"), updated.number("maxLength"))
	compareBound(o, "minLength", "MIN_LENGTH", old.number("minLength"), updated.number("minLength"))
	switch before, after := old.value("pattern"), updated.value("pattern"); {
	case before == nil && after != nil:
		o.say("pattern", "PATTERN_ADDED")
	case before != nil && after == nil:
		o.say("pattern", "PATTERN_REMOVED")
	case !equal(before, after):
		o.say("pattern", "PATTERN_CHANGED")
	}
}

func compareNumbers(o *outcome, old, updated *shape) {
	compareBound(o, "maximum", "MAXIMUM", old.number("maximum"), updated.number("maximum"))
	compareBound(o, "minimum", "MINIMUM", old.number("minimum"), updated.number("minimum"))
	compareBound(o, "exclusiveMaximum", "EXCLUSIVE_MAXIMUM", old.place.exclusive("exclusiveMaximum", "maximum"), updated.place.exclusive("exclusiveMaximum", "maximum"))
	compareBound(o, "exclusiveMinimum", "EXCLUSIVE_MINIMUM", old.place.exclusive("exclusiveMinimum", "minimum"), updated.place.exclusive("exclusiveMinimum", "minimum"))
	switch before, after := old.number("multipleOf"), updated.number("multipleOf"); {
	case before == nil && after == nil, before != nil && after != nil && before.Cmp(after) == 0:
	case before == nil:
		o.say("multipleOf", "MULTIPLE_OF_ADDED")
	case after == nil:
		o.say("multipleOf", "MULTIPLE_OF_REMOVED")
	case divides(before, after):
		o.say("multipleOf", "MULTIPLE_OF_EXPANDED")
	case divides(after, before):
		o.say("multipleOf", "MULTIPLE_OF_REDUCED")
	default:
		o.say("multipleOf", "MULTIPLE_OF_CHANGED")
	}
	if old.integer != updated.integer {
		if old.integer {
			o.say("", "TYPE_EXTENDED")
		} else {
			o.say("", "TYPE_NARROWED")
		}
	}
}

// exclusive reads an exclusive bound, also draft 4's flag beside the bound.
func (p *place) exclusive(keyword, bound string) *big.Rat {
	if flag, isFlag := p.object()[keyword].(bool); isFlag {
		if flag {
			return p.number(bound)
		}
		return nil
	}
	return p.number(keyword)
}

// divides says that b is a multiple of a, which is not 0: Parse refuses that.
func divides(a, b *big.Rat) bool { return new(big.Rat).Quo(b, a).IsInt() }

func (c *comparison) compareEnums(o *outcome, old, updated *shape) {
	before, _ := c.work.values(old.place)
	after, _ := c.work.values(updated.place)
	kept, known := c.subset(before, after), c.subset(after, before)
	switch {
	case kept && known:
	case kept:
		o.say("enum", "ENUM_ARRAY_EXTENDED")
	case known:
		o.say("enum", "ENUM_ARRAY_NARROWED")
	default:
		o.say("enum", "ENUM_ARRAY_CHANGED")
	}
}

func (c *comparison) subset(a, b map[string]bool) bool {
	c.work.spend(len(a))
	for v := range a {
		if !b[v] {
			return false
		}
	}
	return true
}

// within says that each value of a is one of b.
func within(a, b []any) bool {
	values := keysOf(b)
	return !slices.ContainsFunc(a, func(v any) bool { return !values[valueKey(v)] })
}

func keysOf(list []any) map[string]bool {
	out := make(map[string]bool, len(list))
	for _, v := range list {
		out[valueKey(v)] = true
	}
	return out
}

func equal(a, b any) bool { return valueKey(a) == valueKey(b) }

// valueKey is the same text for equal JSON values; 1.0 equals 1.
func valueKey(v any) string {
	switch v := v.(type) { // what long enums are made of
	case string:
		return "text " + v
	case json.Number:
		if isPlainInteger(string(v)) { // no fraction has another spelling of it, and 150,000 of them are compared
			return "number " + string(v)
		}
		if r := decimal(v); r != nil {
			return "number " + r.RatString()
		}
	}
	text, _ := json.Marshal(plain(v)) //nolint:errchkjson // it came out of JSON
	return string(text)
}

// isPlainInteger tells whether a number is an integer as big.Rat would write it; 0 is left to that.
func isPlainInteger(n string) bool {
	digits := strings.TrimPrefix(n, "-")
	return !strings.HasPrefix(digits, "0") && strings.Trim(digits, "0123456789") == ""
}

func plain(v any) any {
	switch v := v.(type) {
	case json.Number:
		if isPlainInteger(string(v)) {
			return []string{"number", string(v)}
		}
		if r := decimal(v); r != nil {
			return []string{"number", r.RatString()}
		}
		return []string{"number", string(v)}
	case []any:
		out := make([]any, 0, len(v)+1)
		out = append(out, "list")
		for _, e := range v {
			out = append(out, plain(e))
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = plain(e)
		}
		return out
	}
	return v
}
