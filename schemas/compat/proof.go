package compat

import "slices"

// direct proves a conclusion keyword by keyword: each one must follow from the premise. That it is false was recognised before.
func (p *proof) direct(a premise, b *place) bool {
	p.work.spend(8 + 4*len(a.members) + a.bulk)
	if slices.ContainsFunc(a.members, func(m *place) bool { return p.identical(m, b) }) {
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
	if a.types&^b.types != 0 || !sameIntegers(a, b) {
		return false
	}
	return (!a.types.has(typeNumber) || p.numbersFollow(a, b)) &&
		(!a.types.has(typeString) || stringsFollow(a, b) && a.codesFollow(b)) &&
		(!a.types.has(typeArray) || p.arraysFollow(a, b)) &&
		(!a.types.has(typeObject) || p.objectsFollow(a, b)) &&
		p.branchesFollow(a, b)
}

// sameIntegers says that both sides mean the same by integer: 1.0 is one from draft 6 on.
func sameIntegers(a premise, b *place) bool {
	if b.draft != Draft4 || !a.types.has(typeInteger) || b.types.has(typeFraction) {
		return true
	}
	return slices.ContainsFunc(a.speaking(), func(m *place) bool {
		return m.draft == Draft4 && !m.types.has(typeFraction)
	})
}

// identical places say the same, word for word, in the same surroundings where they refer to something.
func (p *proof) identical(a, b *place) bool {
	if a.draft != b.draft || a.digest != b.digest || !p.sameWorld(a.set, b.set) {
		return false
	}
	return !a.refers || a.resource == b.resource && a.base == b.base && a.set.digest == b.set.digest
}

// sameWorld says that what is beside two sets, lists and formats, is the same.
func (p *proof) sameWorld(a, b *set) bool {
	pair := [2]*set{a, b}
	same, known := p.worlds[pair]
	if !known {
		p.work.spend(8 * len(a.lists))
		same = a.sameLists(b) && a.world.sameFormats(b.world)
		p.worlds[pair] = same
	}
	return same
}
