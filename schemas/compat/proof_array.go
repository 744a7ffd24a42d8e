package compat

import (
	"math/big"
)

func (p *proof) arraysFollow(a premise, b *place) bool {
	m := b.object()
	least, most := a.least("minItems"), a.most("maxItems")
	if want := b.number("minItems"); want != nil && want.Sign() > 0 && !atLeast(least, want) || !atMost(most, b.number("maxItems")) {
		return false
	}
	if m["uniqueItems"] == true && !a.says("uniqueItems", true) && !atMost(most, big.NewRat(1, 1)) {
		return false
	}
	if b.child("unevaluatedItems") != nil && b.draft >= Draft2019 && len(b.judging) > 0 {
		return false // what is unevaluated depends on branches
	}
	first, others := b.tuple()
	longest := len(first)
	for _, member := range a.speaking() {
		tuple, _ := member.tuple()
		longest = max(longest, len(tuple))
	}
	for i := range longest {
		if p.work.over() {
			return false
		}
		if most != nil && most.Cmp(big.NewRat(int64(i), 1)) <= 0 {
			break
		}
		want := others
		if i < len(first) {
			want = first[i]
		}
		if !p.includes(a.item(p, i), want) {
			return false
		}
	}
	if !(most != nil && most.Cmp(big.NewRat(int64(longest), 1)) <= 0) && !p.includes(a.item(p, -1), others) {
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
	if n := b.number("minContains"); n != nil && b.draft >= Draft2019 {
		atLeastSo = n
	}
	if b.draft >= Draft2019 {
		atMostSo = b.number("maxContains")
	}
	enough, fewEnough := atLeastSo.Sign() == 0, atMost(most, atMostSo)
	for _, m := range a.speaking() {
		c := m.child("contains")
		if c == nil || m.draft == Draft4 {
			continue
		}
		count, limit := big.NewRat(1, 1), (*big.Rat)(nil)
		if m.draft >= Draft2019 {
			if n := m.number("minContains"); n != nil {
				count = n
			}
			limit = m.number("maxContains")
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
