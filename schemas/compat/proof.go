package compat

import (
	"math/big"
	"reflect"
	"regexp"
	"slices"
	"strconv"
)

// direct proves a conclusion keyword by keyword: each one must follow from the premise.
func (p *proof) direct(a premise, b *place) bool {
	if b.raw == false {
		return false // an impossible premise was recognised before
	}
	if slices.ContainsFunc(a.members, func(m *place) bool { return identical(m, b) }) {
		return true
	}
	if b.target != nil {
		if !p.includes(a, b.target) {
			return false
		}
		if b.draft <= Draft7 {
			return true
		}
	}
	m := b.object()
	if _, given := m["const"]; m["enum"] != nil || given && b.draft > Draft4 {
		return false // the premise has no finite list of values
	}
	if a.types&^b.allowed() != 0 || !sameIntegers(a, b) {
		return false
	}
	return (!a.types.has(typeNumber) || p.numbersFollow(a, b)) &&
		(!a.types.has(typeString) || stringsFollow(a, b)) &&
		(!a.types.has(typeArray) || p.arraysFollow(a, b)) &&
		(!a.types.has(typeObject) || p.objectsFollow(a, b)) &&
		p.branchesFollow(a, b)
}

// sameIntegers says that both sides mean the same by integer: 1.0 is one from draft 6 on.
func sameIntegers(a premise, b *place) bool {
	if b.draft != Draft4 || !a.types.has(typeInteger) || b.allowed().has(typeFraction) {
		return true
	}
	return slices.ContainsFunc(a.speaking(), func(m *place) bool {
		return m.draft == Draft4 && !m.allowed().has(typeFraction)
	})
}

// identical places say the same, word for word, in the same surroundings where they refer to something.
func identical(a, b *place) bool {
	if a == b {
		return true
	}
	if a.draft != b.draft || !reflect.DeepEqual(a.raw, b.raw) {
		return false
	}
	if !mentions(a.raw, "$ref") {
		return true
	}
	return a.resource == b.resource && a.pointer == b.pointer && reflect.DeepEqual(a.set.raw, b.set.raw)
}

func atMost(known, wanted *big.Rat) bool {
	return wanted == nil || known != nil && known.Cmp(wanted) <= 0
}

func atLeast(known, wanted *big.Rat) bool {
	return wanted == nil || known != nil && known.Cmp(wanted) >= 0
}

// limits are the bounds of a place: draft 4 writes the exclusive ones as flags.
func (p *place) limits() (minimum, above, maximum, below *big.Rat) {
	s := &shape{place: p}
	return s.number("minimum"), s.exclusive("exclusiveMinimum", "minimum"), s.number("maximum"), s.exclusive("exclusiveMaximum", "maximum")
}

func (p *proof) numbersFollow(a premise, b *place) bool {
	minimum, above, maximum, below := b.limits()
	holds := func(wanted *big.Rat, enough func(minimum, above, maximum, below *big.Rat) bool) bool {
		return wanted == nil || slices.ContainsFunc(a.speaking(), func(m *place) bool { return enough(m.limits()) })
	}
	if !holds(minimum, func(lo, over, _, _ *big.Rat) bool { return atLeast(lo, minimum) || atLeast(over, minimum) }) ||
		!holds(above, func(lo, over, _, _ *big.Rat) bool { return lo != nil && lo.Cmp(above) > 0 || atLeast(over, above) }) ||
		!holds(maximum, func(_, _, hi, under *big.Rat) bool { return atMost(hi, maximum) || atMost(under, maximum) }) ||
		!holds(below, func(_, _, hi, under *big.Rat) bool { return hi != nil && hi.Cmp(below) < 0 || atMost(under, below) }) {
		return false
	}
	step := decimal(b.object()["multipleOf"])
	if step == nil || !a.types.has(typeFraction) && divides(step, big.NewRat(1, 1)) {
		return true
	}
	return slices.ContainsFunc(a.speaking(), func(m *place) bool {
		n := decimal(m.object()["multipleOf"])
		return n != nil && divides(step, n)
	})
}

func stringsFollow(a premise, b *place) bool {
	m := b.object()
	least := decimal(m["minLength"])
	if !(least != nil && least.Sign() == 0) && !atLeast(a.least("minLength"), least) || !atMost(a.most("maxLength"), decimal(m["maxLength"])) {
		return false
	}
	return (m["pattern"] == nil || a.says("pattern", m["pattern"])) && (m["format"] == nil || a.sameFormat(b))
}

func (a premise) sameFormat(b *place) bool {
	return slices.ContainsFunc(a.speaking(), func(m *place) bool {
		return m.draft == b.draft && equal(m.object()["format"], b.object()["format"])
	})
}

func (p *proof) arraysFollow(a premise, b *place) bool {
	m := b.object()
	least, most := a.least("minItems"), a.most("maxItems")
	if want := decimal(m["minItems"]); want != nil && want.Sign() > 0 && !atLeast(least, want) || !atMost(most, decimal(m["maxItems"])) {
		return false
	}
	if m["uniqueItems"] == true && !a.says("uniqueItems", true) && !atMost(most, big.NewRat(1, 1)) {
		return false
	}
	if b.child("unevaluatedItems") != nil && b.draft >= Draft2019 && len(b.inPlace()) > 0 {
		return false // what is unevaluated depends on branches
	}
	first, others := b.tuple()
	longest := len(first)
	for _, member := range a.speaking() {
		tuple, _ := member.tuple()
		longest = max(longest, len(tuple))
	}
	for i := range longest {
		if most != nil && most.Cmp(big.NewRat(int64(i), 1)) <= 0 {
			break
		}
		want := others
		if i < len(first) {
			want = first[i]
		}
		if item := a.item(p, i); want != nil && !p.includes(item, want) {
			return false
		}
	}
	if others != nil && !(most != nil && most.Cmp(big.NewRat(int64(longest), 1)) <= 0) && !p.includes(a.item(p, -1), others) {
		return false
	}
	return p.containsFollows(a, b, least, most)
}

func (p *proof) containsFollows(a premise, b *place, least, most *big.Rat) bool {
	wanted := b.child("contains")
	if wanted == nil || b.draft == Draft4 {
		return true
	}
	atLeastSo, atMostSo := big.NewRat(1, 1), (*big.Rat)(nil)
	if n := decimal(b.object()["minContains"]); n != nil && b.draft >= Draft2019 {
		atLeastSo = n
	}
	if b.draft >= Draft2019 {
		atMostSo = decimal(b.object()["maxContains"])
	}
	enough, fewEnough := atLeastSo.Sign() == 0, atMost(most, atMostSo)
	for _, m := range a.speaking() {
		c := m.child("contains")
		if c == nil || m.draft == Draft4 {
			continue
		}
		count, limit := big.NewRat(1, 1), (*big.Rat)(nil)
		if m.draft >= Draft2019 {
			if n := decimal(m.object()["minContains"]); n != nil {
				count = n
			}
			limit = decimal(m.object()["maxContains"])
		}
		enough = enough || count.Cmp(atLeastSo) >= 0 && p.includes(premise{}.with(p, c), wanted)
		fewEnough = fewEnough || limit != nil && limit.Cmp(atMostSo) <= 0 && p.includes(premise{}.with(p, wanted), c)
	}
	if !enough && atLeast(least, atLeastSo) {
		first := false
		for _, m := range a.speaking() {
			tuple, _ := m.tuple()
			first = first || len(tuple) > 0
		}
		enough = !first && p.includes(a.item(p, -1), wanted)
	}
	return enough && fewEnough
}

func (p *proof) objectsFollow(a premise, b *place) bool {
	m := b.object()
	required, _ := m["required"].([]any)
	for _, name := range stringsOf(required) {
		if !a.requires(name) {
			return false
		}
	}
	if want := decimal(m["minProperties"]); want != nil && want.Sign() > 0 && !atLeast(a.least("minProperties"), want) {
		sure := map[string]bool{}
		for _, member := range a.speaking() {
			list, _ := member.object()["required"].([]any)
			for _, name := range stringsOf(list) {
				sure[name] = true
			}
		}
		if big.NewRat(int64(len(sure)), 1).Cmp(want) < 0 {
			return false
		}
	}
	if want := decimal(m["maxProperties"]); want != nil && !atMost(a.most("maxProperties"), want) {
		if !p.closed(a) || big.NewRat(int64(len(a.declared())), 1).Cmp(want) > 0 {
			return false
		}
	}
	if b.child("unevaluatedProperties") != nil && b.draft >= Draft2019 && len(b.inPlace()) > 0 {
		return false // what is unevaluated depends on branches
	}
	return p.propertiesFollow(a, b) && p.namesFollow(a, b) && p.dependenciesFollow(a, b)
}

// closed says that only declared properties can occur.
func (p *proof) closed(a premise) bool {
	return len(a.patterns()) == 0 && p.impossible(a.undeclared(p), 0)
}

func (p *proof) propertiesFollow(a premise, b *place) bool {
	m := b.object()
	properties, _ := m["properties"].(map[string]any)
	for _, name := range sortedKeys(properties) {
		if !p.includes(a.property(p, name), b.child("properties", name)) {
			return false
		}
	}
	patterns, _ := m["patternProperties"].(map[string]any)
	var compiled []*regexp.Regexp
	for _, pattern := range sortedKeys(patterns) {
		re, err := regexp.Compile(pattern)
		if err != nil {
			return false
		}
		compiled = append(compiled, re)
		want := b.child("patternProperties", pattern)
		if p.includes(a.pattern(p, pattern), want) {
			continue
		}
		if !p.restFollows(a, want, func(name string) bool { return re.MatchString(name) }, nil) {
			return false
		}
	}
	others := b.others("additionalProperties", "unevaluatedProperties")
	if others == nil {
		return true
	}
	return p.restFollows(a, others, func(name string) bool {
		_, declared := properties[name]
		return !declared && !slices.ContainsFunc(compiled, func(re *regexp.Regexp) bool { return re.MatchString(name) })
	}, patterns)
}

// restFollows judges the names that a place speaks about without declaring them. own are its patterns, to which it
// does not apply.
func (p *proof) restFollows(a premise, want *place, applies func(name string) bool, own map[string]any) bool {
	for _, name := range a.declared() {
		if applies(name) && !p.includes(a.property(p, name), want) {
			return false
		}
	}
	for _, pattern := range a.patterns() {
		if _, same := own[pattern]; !same && !p.includes(a.pattern(p, pattern), want) {
			return false
		}
	}
	return p.includes(a.undeclared(p), want)
}

func (p *proof) namesFollow(a premise, b *place) bool {
	want := b.child("propertyNames")
	if want == nil || b.draft == Draft4 {
		return true
	}
	names := premise{types: typeString}
	for _, m := range a.speaking() {
		if c := m.child("propertyNames"); c != nil && m.draft > Draft4 {
			names = names.with(p, c)
		}
	}
	if p.includes(names, want) {
		return true
	}
	if !p.closed(a) {
		return false
	}
	return !slices.ContainsFunc(a.declared(), func(name string) bool {
		return !p.impossible(a.property(p, name), 0) && !p.accepts(want, name)
	})
}

func (p *proof) dependenciesFollow(a premise, b *place) bool {
	for _, keyword := range []string{"dependencies", "dependentRequired", "dependentSchemas"} {
		members, _ := b.object()[keyword].(map[string]any)
		for _, name := range sortedKeys(members) {
			if p.impossible(a.property(p, name), 1) {
				continue
			}
			with, needed := a.dependent(p, name)
			if list, isList := members[name].([]any); isList {
				for _, other := range stringsOf(list) {
					if other != name && !with.requires(other) && !slices.Contains(needed, other) {
						return false
					}
				}
			} else if !p.includes(with, b.child(keyword, name)) {
				return false
			}
		}
	}
	return true
}

// dependent is what is known in addition when an object has a property.
func (a premise) dependent(p *proof, name string) (with premise, needed []string) {
	with = a
	for _, m := range a.speaking() {
		words := []string{"dependentRequired", "dependentSchemas"}
		if m.draft <= Draft7 {
			words = []string{"dependencies"}
		}
		for _, word := range words {
			members, _ := m.object()[word].(map[string]any)
			if list, isList := members[name].([]any); isList {
				needed = append(needed, stringsOf(list)...)
			} else if c := m.child(word, name); c != nil {
				with = with.with(p, c)
			}
		}
	}
	return with, needed
}

// branchesFollow proves allOf, anyOf, oneOf, not and if.
func (p *proof) branchesFollow(a premise, b *place) bool {
	m := b.object()
	every, _ := m["allOf"].([]any)
	for i := range every {
		if !p.includes(a, b.child("allOf", strconv.Itoa(i))) {
			return false
		}
	}
	if some, _ := m["anyOf"].([]any); len(some) > 0 {
		found := false
		for i := range some {
			branch := b.child("anyOf", strconv.Itoa(i))
			found = found || !p.clash(a, branch) && p.includes(a, branch)
		}
		if !found {
			return false
		}
	}
	if one, _ := m["oneOf"].([]any); len(one) > 0 {
		exactly := false
		for i := range one {
			branch := b.child("oneOf", strconv.Itoa(i))
			exactly = exactly || !p.clash(a, branch) && p.includes(a, branch) && p.apartFromOthers(a, b, i, len(one))
		}
		if !exactly {
			return false
		}
	}
	if n := b.child("not"); n != nil && !p.apart(a, n) {
		return false
	}
	if condition := b.child("if"); condition != nil && b.draft >= Draft7 {
		if then := b.child("then"); then != nil && !p.includes(a.with(p, condition), then) {
			return false
		}
		if otherwise := b.child("else"); otherwise != nil {
			with := a
			with.negatives = append(slices.Clone(a.negatives), condition)
			return p.includes(with, otherwise)
		}
	}
	return true
}

func (p *proof) apartFromOthers(a premise, b *place, chosen, n int) bool {
	for i := range n {
		if i != chosen && !p.apart(a, b.child("oneOf", strconv.Itoa(i))) {
			return false
		}
	}
	return true
}

// apart proves that no value meets both.
func (p *proof) apart(a premise, b *place) bool {
	if p.clash(a, b) {
		return true
	}
	for _, n := range a.negatives {
		if p.includes(premise{}.with(p, b), n) {
			return true
		}
	}
	return false
}

// clash says that two schemas plainly exclude each other, such as types of a union with different tags.
func (p *proof) clash(a premise, b *place) bool {
	c := claim{a.key(p), b}
	answer, known := p.clashes[c]
	if !known {
		answer = p.impossible(a.with(p, b), 3)
		p.clashes[c] = answer
	}
	return answer
}
