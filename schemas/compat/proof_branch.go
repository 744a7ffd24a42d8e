package compat

import (
	"slices"
	"strconv"
)

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
		if p.steps++; p.steps > maxProofSteps {
			p.exhausted = true
			return false
		}
		answer = p.impossible(a.with(p, b), 3)
		p.clashes[c] = answer
	}
	return answer
}
