package compat

import (
	"math/big"
	"slices"
)

func (p *proof) objectsFollow(a premise, b *place) bool {
	p.work.spend(len(b.requiredList) * (1 + len(a.speak)))
	for _, name := range b.requiredList {
		if !a.requires(name) {
			return false
		}
	}
	if want := b.number("minProperties"); !atLeast(a.least("minProperties"), want) {
		sure := map[string]bool{}
		for _, member := range a.speaking() {
			p.work.spend(len(member.requiredList))
			for _, name := range member.requiredList {
				sure[name] = true
			}
		}
		if big.NewRat(int64(len(sure)), 1).Cmp(want) < 0 {
			return false
		}
	}
	if want := b.number("maxProperties"); !atMost(a.most("maxProperties"), want) {
		if !p.closed(a) || big.NewRat(int64(len(a.declared())), 1).Cmp(want) > 0 {
			return false
		}
	}
	if b.child("unevaluatedProperties") != nil && b.draft >= Draft2019 && len(b.judging) > 0 {
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
	for _, name := range b.names("properties") {
		if p.work.over() {
			return false
		}
		if !p.includes(a.property(p, name), b.child("properties", name)) {
			return false
		}
	}
	patterns, _ := m["patternProperties"].(map[string]any)
	matches := func(pattern, name string) bool {
		matched, _ := p.work.matches(pattern, name)
		return matched
	}
	for _, pattern := range b.names("patternProperties") {
		if p.work.pattern(pattern).re == nil {
			return false
		}
		want := b.child("patternProperties", pattern)
		if p.includes(a.pattern(p, pattern), want) {
			continue
		}
		if !p.restFollows(a, want, func(name string) bool { return matches(pattern, name) }, nil) {
			return false
		}
	}
	others := b.others("additionalProperties", "unevaluatedProperties")
	if others == nil {
		return true
	}
	return p.restFollows(a, others, func(name string) bool {
		_, declared := properties[name]
		return !declared && !slices.ContainsFunc(b.names("patternProperties"), func(pattern string) bool { return matches(pattern, name) })
	}, patterns)
}

// restFollows judges the names that a place speaks about without declaring them. own are its patterns, to which it
// does not apply.
func (p *proof) restFollows(a premise, want *place, applies func(name string) bool, own map[string]any) bool {
	declared := a.declared()
	p.work.spend(4 * len(declared))
	for _, name := range declared {
		if p.work.over() {
			return false
		}
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
	if b.draft == Draft4 {
		return true
	}
	names := premise{types: typeString}
	for _, m := range a.speaking() {
		if m.draft > Draft4 {
			names = names.with(p, m.child("propertyNames"))
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
		for _, name := range b.names(keyword) {
			if p.work.over() {
				return false
			}
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
