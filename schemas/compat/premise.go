package compat

import (
	"encoding/binary"
	"encoding/json"
	"math/big"
	"slices"
)

// types is a set of JSON types.
type types uint8

const (
	typeNull types = 1 << iota
	typeBoolean
	typeInteger // numbers without a fraction
	typeFraction
	typeString
	typeArray
	typeObject
	anyType    = typeNull | typeBoolean | typeNumber | typeString | typeArray | typeObject
	typeNumber = typeInteger | typeFraction
)

func (t types) has(u types) bool { return t&u != 0 }

func typeNamed(name any) types {
	return map[any]types{
		"null": typeNull, "boolean": typeBoolean, "integer": typeInteger, "number": typeNumber, "string": typeString,
		"array": typeArray, "object": typeObject,
	}[name]
}

func typesOf(v any) types {
	switch v.(type) {
	case nil:
		return typeNull
	case bool:
		return typeBoolean
	case json.Number:
		return typeNumber // which of them are integers depends on the draft
	case string:
		return typeString
	case []any:
		return typeArray
	}
	return typeObject
}

// allowed are the types that the keyword type lets through.
func (p *place) allowed() types {
	switch t := p.object()["type"].(type) {
	case string:
		return typeNamed(t)
	case []any:
		var out types
		for _, name := range t {
			out |= typeNamed(name)
		}
		return out
	}
	return anyType
}

// premise is what is known about a value: schemas that accept it and schemas that do not.
type premise struct {
	types     types
	members   []*place // with those of their $refs and allOf
	speak     []*place // the members whose own keywords count: those beside a $ref do not in the older drafts
	negatives []*place
	split     []*place // whose cases have been told apart
	bulk      int      // what reckoning with the numbers of those who speak costs
	id        int      // the same for premises that say the same, 0 when nobody has asked yet
}

func (a premise) with(p *proof, more ...*place) premise {
	if a.types == 0 && len(a.members) == 0 {
		a.types = anyType
	}
	p.work.spend(8 + 4*len(a.members) + len(a.negatives))
	a.members, a.negatives, a.id = slices.Clone(a.members), slices.Clone(a.negatives), 0
	known := make(map[*place]bool, len(a.members)+len(more))
	for _, m := range a.members {
		known[m] = true
	}
	for len(more) > 0 && p.work.spend(8) {
		m := more[0]
		more = more[1:]
		if m == nil || known[m.same] {
			continue
		}
		m = m.same
		known[m] = true
		p.number(m) // in the order in which they are met
		a.members = append(a.members, m)
		if m.target != nil {
			more = append(more, m.target)
			if m.draft <= Draft7 {
				continue
			}
		}
		a.types &= m.types
		if n := m.child("not"); n != nil {
			a.negatives = append(a.negatives, n.same)
		}
		more = append(more, m.all("allOf")...)
	}
	slices.SortFunc(a.members, func(x, y *place) int { return p.number(x) - p.number(y) })
	a.speak, a.bulk = nil, 0
	for _, m := range a.members {
		if m.target == nil || m.draft > Draft7 {
			a.speak = append(a.speak, m)
			a.bulk += m.bulk
		}
	}
	return a
}

// without adds schemas that do not accept the value.
func (a premise) without(p *proof, refusing ...*place) premise {
	p.work.spend(len(a.negatives) + len(refusing))
	a.negatives, a.id = slices.Clone(a.negatives), 0
	for _, n := range refusing {
		a.negatives = append(a.negatives, n.same)
	}
	return a
}

// plain is the premise without what the value does not meet.
func (a premise) plain() premise {
	a.negatives, a.id = nil, 0
	return a
}

func (a premise) only(t types) premise {
	a.types, a.id = a.types&t, 0
	return a
}

// toldApart notes that the cases of a member have been told apart.
func (a premise) toldApart(m *place) premise {
	a.split, a.id = append(slices.Clone(a.split), m), 0
	return a
}

func (p *proof) number(at *place) int {
	n, known := p.numbers[at]
	if !known {
		n = len(p.numbers) + 1
		p.numbers[at] = n
	}
	return n
}

// id numbers premises.
func (p *proof) id(a premise) int {
	if a.id != 0 {
		return a.id
	}
	p.work.spend(4 + len(a.members) + len(a.negatives) + len(a.split))
	key := []byte{byte(a.types)}
	for _, list := range [][]*place{a.members, a.negatives, a.split} {
		key = binary.AppendUvarint(key, uint64(len(list)))
		for _, m := range list {
			key = binary.AppendUvarint(key, uint64(p.number(m)))
		}
	}
	n, known := p.premises[string(key)]
	if !known {
		n = len(p.premises) + 1
		p.premises[string(key)] = n
	}
	return n
}

// speaking are the members whose own keywords count.
func (a premise) speaking() []*place { return a.speak }

// maxListed is up to how many codes of a list are tried one by one; longer lists are compared as a whole.
const maxListed = 500

// values lists the values that can meet the premise, when it says so itself.
func (a premise) values() (values []any, finite bool) {
	for _, m := range a.speaking() {
		if c, given := m.object()["const"]; given && m.draft > Draft4 {
			return []any{c}, true
		}
		if list, given := m.object()["enum"].([]any); given {
			return list, true
		}
	}
	for _, m := range a.speaking() {
		if m.list != nil && m.list.known && a.types == typeString && len(m.list.codes) <= maxListed {
			return m.list.values, true
		}
	}
	if a.types&^(typeNull|typeBoolean) != 0 {
		return nil, false
	}
	if a.types.has(typeNull) {
		values = append(values, nil)
	}
	if a.types.has(typeBoolean) {
		values = append(values, true, false)
	}
	return values, true
}

// least and most are the tightest bounds of a keyword, nil without one.
func (a premise) most(keyword string) *big.Rat {
	var out *big.Rat
	for _, m := range a.speaking() {
		if n := m.number(keyword); n != nil && (out == nil || n.Cmp(out) < 0) {
			out = n
		}
	}
	return out
}

func (a premise) least(keyword string) *big.Rat {
	var out *big.Rat
	for _, m := range a.speaking() {
		if n := m.number(keyword); n != nil && (out == nil || n.Cmp(out) > 0) {
			out = n
		}
	}
	return out
}

// says tells whether a member has this value for a keyword.
func (a premise) says(keyword string, v any) bool {
	return slices.ContainsFunc(a.speaking(), func(m *place) bool { return equal(m.object()[keyword], v) })
}

func (a premise) requires(name string) bool {
	return slices.ContainsFunc(a.speaking(), func(m *place) bool { return m.required[name] })
}

// property is what is known about the value of a property.
func (a premise) property(p *proof, name string) premise {
	var about []*place
	p.work.spend(2 * len(a.speak))
	for _, m := range a.speaking() {
		covered := false
		if c := m.child("properties", name); c != nil {
			about, covered = append(about, c), true
		}
		for _, pattern := range m.names("patternProperties") {
			if matched, known := p.work.matches(pattern, name); !known {
				covered = true // it may apply: then the rest does not
			} else if matched {
				about, covered = append(about, m.child("patternProperties", pattern)), true
			}
		}
		if !covered {
			about = append(about, m.others("additionalProperties", "unevaluatedProperties"))
		}
	}
	return premise{}.with(p, about...)
}

// others is the schema of what is not named; unevaluated is the same as additional where no branch can evaluate.
func (p *place) others(additional, unevaluated string) *place {
	if c := p.child(additional); c != nil {
		return c
	}
	if p.draft >= Draft2019 && len(p.judging) == 0 {
		return p.child(unevaluated)
	}
	return nil
}

// undeclared is what is known about the value of a name that no member declares and no pattern of a member matches.
func (a premise) undeclared(p *proof) premise {
	var about []*place
	p.work.spend(len(a.speak))
	for _, m := range a.speaking() {
		about = append(about, m.others("additionalProperties", "unevaluatedProperties"))
	}
	return premise{}.with(p, about...)
}

// declared are the names that members declare, patterns their patterns.
func (a premise) declared() []string { return a.namesIn("properties") }
func (a premise) patterns() []string { return a.namesIn("patternProperties") }

func (a premise) namesIn(keyword string) []string {
	if len(a.speak) == 1 {
		return a.speak[0].names(keyword)
	}
	all := map[string]bool{}
	for _, m := range a.speaking() {
		for _, name := range m.names(keyword) {
			all[name] = true
		}
	}
	return sortedKeys(all)
}

func (a premise) pattern(p *proof, pattern string) premise {
	var about []*place
	for _, m := range a.speaking() {
		about = append(about, m.child("patternProperties", pattern))
	}
	return premise{}.with(p, about...)
}

// tuple splits a place's schemas of items: the first ones, and that of the rest.
func (p *place) tuple() (first []*place, others *place) {
	if p.rest == nil && p.draft >= Draft2019 && len(p.judging) == 0 {
		return p.first, p.child("unevaluatedItems")
	}
	return p.first, p.rest
}

// item is what is known about the i-th item; a negative i means any item after all tuples.
func (a premise) item(p *proof, i int) premise {
	var about []*place
	p.work.spend(len(a.speak))
	for _, m := range a.speaking() {
		if first, others := m.tuple(); i >= 0 && i < len(first) {
			about = append(about, first[i])
		} else {
			about = append(about, others)
		}
	}
	return premise{}.with(p, about...)
}

// cases tells the cases of one undecided member apart; the first that is not empty is used.
func (a premise) cases(p *proof) [][]premise {
	if len(a.split) >= 8 {
		return nil
	}
	for _, m := range a.speaking() {
		if slices.Contains(a.split, m) {
			continue
		}
		for _, of := range []string{"oneOf", "anyOf"} {
			branches := m.all(of)
			if len(branches) == 0 {
				continue
			}
			var out []premise
			for i, branch := range branches {
				if p.work.over() {
					return nil
				}
				next := a.toldApart(m).with(p, branch)
				if of == "oneOf" {
					next = next.without(p, slices.Delete(slices.Clone(branches), i, i+1)...)
				}
				out = append(out, next)
			}
			return [][]premise{out}
		}
		if condition := m.child("if"); condition != nil && m.draft >= Draft7 {
			told := a.toldApart(m)
			return [][]premise{{told.with(p, condition, m.child("then")), told.with(p, m.child("else")).without(p, condition)}}
		}
	}
	var out []premise
	for _, t := range []types{typeNull, typeBoolean, typeNumber, typeString, typeArray, typeObject} {
		if a.types&t != 0 && a.types&^t != 0 {
			out = append(out, a.only(t))
		}
	}
	return [][]premise{out}
}

// impossible says that no value can meet the premise; a false answer means nothing.
func (p *proof) impossible(a premise, depth int) bool {
	p.work.spend(2*len(a.members) + len(a.negatives)*(1+len(a.members)/8) + a.bulk/4)
	for _, m := range a.members {
		if m.raw == false {
			return true
		}
	}
	for _, n := range a.negatives {
		if n.everything() || slices.Contains(a.members, n) {
			return true
		}
	}
	if values, finite := a.values(); finite {
		return !slices.ContainsFunc(values, func(v any) bool { return !p.refuses(a, v) })
	}
	if a.contradicts() {
		return true
	}
	if a.types != typeObject || depth == 0 {
		return false
	}
	for _, m := range a.speaking() {
		for _, name := range m.requiredList {
			if p.work.over() {
				return false
			}
			if p.impossible(a.property(p, name), depth-1) {
				return true
			}
		}
	}
	return false
}

// everything says that a place accepts all values, by saying nothing.
func (p *place) everything() bool { return p.raw == true || p.object() != nil && len(p.object()) == 0 }

// contradicts says that bounds of the only type that is left exclude each other.
func (a premise) contradicts() bool {
	more := func(least, most string) bool {
		lo, hi := a.least(least), a.most(most)
		return lo != nil && hi != nil && lo.Cmp(hi) > 0
	}
	switch {
	case a.types&^typeNumber == 0:
		return more("minimum", "maximum")
	case a.types == typeString:
		return more("minLength", "maxLength")
	case a.types == typeArray:
		return more("minItems", "maxItems")
	case a.types == typeObject:
		return more("minProperties", "maxProperties")
	}
	return false
}
