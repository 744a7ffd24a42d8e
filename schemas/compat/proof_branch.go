package compat

import "slices"

// branchesFollow proves allOf, anyOf, oneOf, not and if.
func (p *proof) branchesFollow(a premise, b *place) bool {
	for _, branch := range b.all("allOf") {
		if !p.includes(a, branch) {
			return false
		}
	}
	if some := b.all("anyOf"); len(some) > 0 {
		found := false
		for _, i := range p.likely(a, some) {
			branch := some[i]
			found = found || !p.clash(a, branch) && p.includes(a, branch)
		}
		if !found {
			return false
		}
	}
	if one := b.all("oneOf"); len(one) > 0 {
		exactly := false
		for _, i := range p.likely(a, one) {
			branch := one[i]
			exactly = exactly || !p.clash(a, branch) && p.includes(a, branch) && p.apartFromOthers(a, one, i)
		}
		if !exactly {
			return false
		}
	}
	if n := b.child("not"); n != nil && !p.apart(a, n) {
		return false
	}
	if condition := b.child("if"); condition != nil && b.draft >= Draft7 {
		if !p.includes(a.with(p, condition), b.child("then")) {
			return false
		}
		if otherwise := b.child("else"); otherwise != nil {
			return p.includes(a.without(p, condition), otherwise)
		}
	}
	return true
}

// likely puts the branch first that stands where a member of the premise does: most unions keep their order from version to
// version, and long ones would take long to match otherwise.
func (p *proof) likely(a premise, branches []*place) []int {
	p.work.spend(len(branches) * (1 + len(a.members)/4))
	order := make([]int, 0, len(branches)+1)
	for i, branch := range branches {
		if slices.ContainsFunc(a.members, func(m *place) bool { return m.pointer == branch.pointer }) {
			order = append(order, i)
			break
		}
	}
	for i := range branches {
		if len(order) == 0 || i != order[0] {
			order = append(order, i)
		}
	}
	return order
}

func (p *proof) apartFromOthers(a premise, branches []*place, chosen int) bool {
	for i, branch := range branches {
		if i != chosen && !p.apart(a, branch) {
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
	p.work.spend(4)
	c := claim{p.id(a), b.same}
	answer, known := p.clashes[c]
	if !known {
		if p.work.over() {
			return false
		}
		answer = p.impossible(a.with(p, b), 3)
		p.clashes[c] = answer
	}
	return answer
}
