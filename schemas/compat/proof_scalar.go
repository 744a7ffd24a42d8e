package compat

import (
	"math/big"
	"slices"
)

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
