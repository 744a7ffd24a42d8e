package compat

import (
	"encoding/json"
	"math/big"
	"strings"
	"unicode/utf8"
)

// evaluation judges values by the places of schemas, out of the steps that a comparison may cost. That is why it is no validator
// from elsewhere: none of those can be told when to stop.
type evaluation struct {
	work *work
	// unsure is set when something was asked that cannot be told: a code of a list that is not known, a pattern that is not run, or
	// anything when the steps are used up.
	unsure bool
	// explain asks for at, the place that refuses the value: the last one named on the way, that of branches after the branches.
	explain bool
	at      string
}

// accepts says that a place accepts a value, refuses that it does not; neither does so when it cannot be told.
func (e *evaluation) accepts(p *place, v any) bool {
	e.unsure = false
	return e.holds(p, v, nil) && !e.unsure
}

func (e *evaluation) refuses(p *place, v any) bool {
	e.unsure = false
	return !e.holds(p, v, nil) && !e.unsure
}

// refusedAt is the place in the schema that refuses a value, "#/properties/ten/maxLength".
func (e *evaluation) refusedAt(p *place, v any) string {
	e.at, e.explain = "#", true
	e.holds(p, v, nil)
	e.explain = false
	return e.at
}

func (e *evaluation) fail(p *place, keyword ...string) bool {
	if e.explain {
		e.at = under(p.pointer, join(keyword...))
	}
	return false
}

func (e *evaluation) unknown() bool {
	e.unsure = true
	return false
}

// seen are the members and items that a schema has judged, for unevaluatedProperties and unevaluatedItems.
type seen struct {
	members map[string]bool
	items   map[int]bool
}

func (s *seen) member(name string) {
	if s.members == nil {
		s.members = map[string]bool{}
	}
	s.members[name] = true
}

func (s *seen) item(i int) {
	if s == nil {
		return
	}
	if s.items == nil {
		s.items = map[int]bool{}
	}
	s.items[i] = true
}

func (e *evaluation) holds(p *place, v any, outer *seen) bool {
	if !e.work.spend(4 + width(v)) {
		return e.unknown()
	}
	if p.raw == false {
		return e.fail(p)
	}
	if len(p.object()) == 0 {
		return true
	}
	if p.target != nil && p.draft <= Draft7 {
		return e.holds(p.target, v, outer)
	}
	var own *seen
	if outer != nil || p.draft >= Draft2019 && (p.child("unevaluatedProperties") != nil || p.child("unevaluatedItems") != nil) {
		own = &seen{}
	}
	ok := e.typed(p, v) && e.listed(p, v) && e.formatted(p, v) && (p.target == nil || e.holds(p.target, v, own)) &&
		e.inside(p, v, own) && e.branches(p, v, own) && e.coded(p, v) && e.unseen(p, v, own)
	if ok && outer != nil {
		e.work.spend(4 * (len(own.members) + len(own.items)))
		for name := range own.members {
			outer.member(name)
		}
		for i := range own.items {
			outer.item(i)
		}
	}
	return ok
}

// width is what a look at a value costs, without what lies inside.
func width(v any) int {
	switch v := v.(type) {
	case string:
		return len(v) / 16
	case []any:
		return len(v)
	case map[string]any:
		return 4 * len(v)
	}
	return 0
}

func (e *evaluation) typed(p *place, v any) bool {
	n, isNumber := v.(json.Number)
	if !isNumber {
		return p.types.has(typesOf(v)) || e.fail(p, "type")
	}
	if p.types.has(typeFraction) {
		return true
	}
	if !p.types.has(typeInteger) {
		return e.fail(p, "type")
	}
	if !strings.ContainsAny(string(n), ".eE") {
		return true
	}
	r := e.work.decimal(n)
	switch {
	case r == nil:
		return e.unknown()
	case !r.IsInt():
		return e.fail(p, "type")
	case p.draft == Draft4:
		e.unsure = true // 1.0 is an integer to some validators of draft 4, and not to others
	}
	return true
}

func (e *evaluation) listed(p *place, v any) bool {
	m := p.object()
	if c, given := m["const"]; given && p.draft > Draft4 && !e.same(c, v) {
		return e.fail(p, "const")
	}
	list, given := m["enum"].([]any)
	if !given {
		return true
	}
	if len(list) > 8 {
		values, ok := e.work.values(p)
		if !ok {
			return e.unknown()
		}
		return values[e.work.key(v)] || e.fail(p, "enum")
	}
	for _, one := range list {
		if e.same(one, v) {
			return true
		}
	}
	return e.fail(p, "enum")
}

// same says that two values are equal; 1.0 equals 1.
func (e *evaluation) same(a, b any) bool {
	if !e.work.spend(1) {
		return e.unknown()
	}
	switch a := a.(type) {
	case json.Number:
		n, isNumber := b.(json.Number)
		if !isNumber || a == n {
			return isNumber
		}
		if isPlainInteger(string(a)) && isPlainInteger(string(n)) {
			return false
		}
		x, y := e.work.decimal(a), e.work.decimal(n)
		if x == nil || y == nil {
			return e.unknown()
		}
		return x.Cmp(y) == 0
	case []any:
		list, isList := b.([]any)
		if !isList || len(list) != len(a) {
			return false
		}
		for i := range a {
			if !e.same(a[i], list[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		m, isObject := b.(map[string]any)
		if !isObject || len(m) != len(a) {
			return false
		}
		for _, k := range sortedKeys(a) {
			if v, has := m[k]; !has || !e.same(a[k], v) {
				return false
			}
		}
		return true
	case string:
		text, isText := b.(string)
		e.work.spend(min(len(a), len(text)) / 64)
		return isText && a == text
	case bool:
		return b == a
	}
	return b == nil
}

func (e *evaluation) formatted(p *place, v any) bool {
	text, isText := v.(string)
	name, _ := p.object()["format"].(string)
	if !isText {
		return true
	}
	e.work.spend(8 + len(text)/4)
	if name == "regex" {
		pattern := e.work.pattern(text)
		if pattern.re == nil && !pattern.invalid {
			return e.unknown()
		}
		return !pattern.invalid || e.fail(p, "format")
	}
	matches := p.set.world.Formats[name]
	if matches == nil {
		matches = knownFormats()[name]
	}
	return matches == nil || matches(text) || e.fail(p, "format")
}

func (e *evaluation) coded(p *place, v any) bool {
	text, isText := v.(string)
	switch {
	case p.list == nil || !isText:
		return true
	case !p.list.known:
		e.unsure = true
		return true
	}
	return p.list.set[text] || e.fail(p, codesKeyword)
}

// inside judges what the keywords of one type say.
func (e *evaluation) inside(p *place, v any, own *seen) bool {
	switch v := v.(type) {
	case map[string]any:
		return e.object(p, v, own)
	case []any:
		return e.array(p, v, own)
	case string:
		return e.text(p, v)
	case json.Number:
		return e.number(p, v)
	}
	return true
}

func (e *evaluation) text(p *place, text string) bool {
	if !e.counted(p, "minLength", "maxLength", func() int { return utf8.RuneCountInString(text) }) {
		return false
	}
	pattern, given := p.object()["pattern"].(string)
	if !given {
		return true
	}
	matched, known := e.work.matches(pattern, text)
	if !known {
		return e.unknown()
	}
	return matched || e.fail(p, "pattern")
}

// counted compares a count with its bounds.
func (e *evaluation) counted(p *place, least, most string, count func() int) bool {
	lo, hi := p.number(least), p.number(most)
	if lo == nil && hi == nil {
		return true
	}
	n := big.NewRat(int64(count()), 1)
	if lo != nil && n.Cmp(lo) < 0 {
		return e.fail(p, least)
	}
	return hi == nil || n.Cmp(hi) <= 0 || e.fail(p, most)
}

func (e *evaluation) number(p *place, v json.Number) bool {
	minimum, above, maximum, below := p.limits()
	step := p.number("multipleOf")
	if minimum == nil && above == nil && maximum == nil && below == nil && step == nil {
		return true
	}
	e.work.spend(p.bulk)
	n := e.work.decimal(v)
	switch {
	case n == nil:
		return e.unknown()
	case minimum != nil && n.Cmp(minimum) < 0:
		return e.fail(p, "minimum")
	case maximum != nil && n.Cmp(maximum) > 0:
		return e.fail(p, "maximum")
	case above != nil && n.Cmp(above) <= 0:
		return e.fail(p, "exclusiveMinimum")
	case below != nil && n.Cmp(below) >= 0:
		return e.fail(p, "exclusiveMaximum")
	}
	return step == nil || divides(step, n) || e.fail(p, "multipleOf")
}

func (e *evaluation) branches(p *place, v any, own *seen) bool {
	if c := p.child("not"); c != nil && e.holds(c, v, nil) {
		return e.fail(p, "not")
	}
	for _, c := range p.all("allOf") {
		if !e.holds(c, v, own) {
			return false
		}
	}
	if some := p.all("anyOf"); len(some) > 0 {
		found := false
		for _, c := range some {
			if found = e.holds(c, v, own) || found; found && own == nil {
				break
			}
		}
		if !found {
			return e.fail(p, "anyOf")
		}
	}
	if one := p.all("oneOf"); len(one) > 0 {
		found := 0
		for _, c := range one {
			if e.holds(c, v, own) {
				found++
			}
			if found > 1 {
				break
			}
		}
		if found != 1 {
			return e.fail(p, "oneOf")
		}
	}
	if c := p.child("if"); c != nil && p.draft >= Draft7 {
		next := "else"
		if e.holds(c, v, own) {
			next = "then"
		}
		if then := p.child(next); then != nil {
			return e.holds(then, v, own)
		}
	}
	return true
}

// unseen judges what no other keyword has seen.
func (e *evaluation) unseen(p *place, v any, own *seen) bool {
	if own == nil {
		return true
	}
	switch v := v.(type) {
	case map[string]any:
		c := p.child("unevaluatedProperties")
		if c == nil {
			return true
		}
		for _, name := range sortedKeys(v) {
			if !own.members[name] && !e.holds(c, v[name], nil) {
				return false
			}
			own.member(name)
		}
	case []any:
		c := p.child("unevaluatedItems")
		if c == nil {
			return true
		}
		for i := range v {
			if !own.items[i] && !e.holds(c, v[i], nil) {
				return false
			}
			own.item(i)
		}
	}
	return true
}
