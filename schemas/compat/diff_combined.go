package compat

import "fmt"

// fits returns the branch of a new combination that takes the place of a lone old schema, nil when none does.
func (c *comparison) fits(old, updated *shape) *shape {
	if len(updated.subs) > 1 && updated.of == "allOf" {
		return nil
	}
	for _, sub := range updated.subs {
		if c.work.over() {
			return nil
		}
		if c.compatible(pair{old, sub}) {
			return sub
		}
	}
	return nil
}

// covers returns the branch of an old allOf, or of a combination of one, that a lone new schema can replace.
func (c *comparison) covers(old, updated *shape) *shape {
	if len(old.subs) > 1 && old.of != "allOf" {
		return nil
	}
	for _, sub := range old.subs {
		if c.work.over() {
			return nil
		}
		if c.compatible(pair{sub, updated}) {
			return sub
		}
	}
	return nil
}

func (c *comparison) compareCombined(o *outcome, old, updated *shape) {
	if old.of != updated.of {
		alone, aloneNow := len(old.subs) == 1, len(updated.subs) == 1
		if updated.of != "anyOf" && !(alone && (aloneNow || updated.of == "oneOf")) && !(aloneNow && old.of == "allOf") {
			o.say("", "COMBINED_TYPE_CHANGED")
			return
		}
		o.say("", "COMBINED_TYPE_EXTENDED")
	}
	c.work.spend(4 * (len(old.subs) + len(updated.subs)))
	before, after := old.distinct(), updated.distinct()
	switch {
	case len(before) < len(after) && updated.of == "allOf":
		o.say("", "PRODUCT_TYPE_EXTENDED")
	case len(before) < len(after):
		o.say("", "SUM_TYPE_EXTENDED")
	case len(before) > len(after) && old.of == "allOf":
		o.say("", "PRODUCT_TYPE_NARROWED")
	case len(before) > len(after):
		o.say("", "SUM_TYPE_NARROWED")
	}
	partner := c.match(before, after)
	matched := 0
	for i, j := range partner {
		if j >= 0 {
			matched++
			o.meet(fmt.Sprintf("%s/%d", old.of, i), before[i], after[j])
		}
	}
	if matched < min(len(before), len(after)) {
		o.say("", "COMBINED_TYPE_SUBSCHEMAS_CHANGED")
	}
}

// match pairs as many old branches as possible with a compatible new branch each; -1 is a branch left alone.
func (c *comparison) match(before, after []*shape) []int {
	partner, taken := make([]int, len(before)), make([]int, len(after))
	for i := range partner {
		partner[i] = -1
	}
	for j := range taken {
		taken[j] = -1
	}
	fits := make([][]int, len(before))
	for i, a := range before {
		for j, b := range after {
			if c.work.over() {
				return partner
			}
			if c.compatible(pair{a, b}) {
				fits[i] = append(fits[i], j)
			}
		}
	}
	var seek func(i int, tried []bool) bool
	seek = func(i int, tried []bool) bool {
		for _, j := range fits[i] {
			if !c.work.spend(1) {
				return false
			}
			if tried[j] {
				continue
			}
			tried[j] = true
			if taken[j] < 0 || seek(taken[j], tried) {
				partner[i], taken[j] = j, i
				return true
			}
		}
		return false
	}
	for i := range before {
		c.work.spend(len(after) / 16)
		seek(i, make([]bool, len(after)))
	}
	return partner
}
