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
	return p.number("minimum"), p.exclusive("exclusiveMinimum", "minimum"), p.number("maximum"), p.exclusive("exclusiveMaximum", "maximum")
}

func (p *proof) numbersFollow(a premise, b *place) bool {
	p.work.spend(8*len(a.speak) + b.bulk*len(a.speak))
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
	step := b.number("multipleOf")
	if step == nil || !a.types.has(typeFraction) && divides(step, big.NewRat(1, 1)) {
		return true
	}
	return slices.ContainsFunc(a.speaking(), func(m *place) bool {
		n := m.number("multipleOf")
		return n != nil && divides(step, n)
	})
}

func stringsFollow(a premise, b *place) bool {
	m := b.object()
	length := a.formatLength()
	least, most := b.number("minLength"), b.number("maxLength")
	if !(least != nil && least.Sign() == 0) && !atLeast(a.least("minLength"), least) && !atLeast(length, least) {
		return false
	}
	if !atMost(a.most("maxLength"), most) && !atMost(length, most) {
		return false
	}
	return (m["pattern"] == nil || a.says("pattern", m["pattern"])) && (m["format"] == nil || a.formatFollows(b))
}

// wider are the formats that accept all that another one does. Formats of one's own are not among them.
var wider = map[string][]string{
	"uri": {"uri-reference", "iri", "iri-reference"}, "iri": {"iri-reference"}, "uri-reference": {"iri-reference"},
	"email": {"idn-email"}, "hostname": {"idn-hostname"},
}

func (a premise) formatFollows(b *place) bool {
	return slices.ContainsFunc(a.speaking(), func(m *place) bool {
		known, _ := m.object()["format"].(string)
		wanted, _ := b.object()["format"].(string)
		own := b.set.world.Formats[wanted] != nil // no wider than that of the drafts, maybe stricter
		if known == wanted {
			return m.draft == b.draft && (!own || m.set.world.Formats[known] != nil)
		}
		return m.draft == b.draft && !own && slices.Contains(wider[known], wanted)
	})
}

// formatLength is the length of all texts of a format, in characters; nil when they differ.
func (a premise) formatLength() *big.Rat {
	for _, m := range a.speaking() {
		switch m.object()["format"] {
		case "date":
			return big.NewRat(int64(len("2006-01-02")), 1)
		case "uuid":
			return big.NewRat(int64(len("123e4567-e89b-42d3-a456-426614174000")), 1)
		}
	}
	return nil
}
