package units

import (
	"slices"

	"github.com/lienthong/truc/schemas/match"
)

// read finds the units that parts name: from the last part on a province, a district, a commune, each of which may be left
// out; or the other way round. The reading that explains the most parts counts; of two, the one with a province.
func (r *reading) read(parts []part) Result {
	for len(parts) > 1 && isCountry(parts[len(parts)-1]) {
		parts = parts[:len(parts)-1]
	}
	if len(parts) == 0 {
		return Result{}
	}
	if len(parts) == 1 && parts[0].kind.levels == anyLevel {
		return r.result(r.find(parts[0], anyLevel, nil, nil), nil)
	}
	best := r.fromEnd(parts)
	if best.score < len(parts)*scorePart && len(parts) > 1 && len(r.find(parts[0], provinces, nil, nil)) > 0 {
		turned := slices.Clone(parts)
		slices.Reverse(turned)
		// Turned round only when everything is explained: the first part of an address is a house more often than a province.
		if other := r.fromEnd(turned); other.score >= len(parts)*scorePart {
			best = other
		}
	}
	return r.result(best.units, best.within)
}

func isCountry(p part) bool { return string(p.key) == "vietnam" || string(p.key) == "vn" }

// scorePart is what each part that names a unit is worth, so that one unit more outweighs a province.
const scorePart = 2

// assignment is a way to read the parts.
type assignment struct {
	units  []*Unit // the smallest units that were found
	within []*Unit // of a way that failed: what it had found before
	score  int
}

func (r *reading) fromEnd(parts []part) assignment {
	var best assignment
	for _, way := range [...]struct{ province, district bool }{{true, true}, {true, false}, {false, true}, {false, false}} {
		a := r.assign(parts, way.province, way.district)
		switch {
		case a.units == nil:
			if best.units == nil && (best.within == nil || len(a.within) == 1 && a.within[0].Level > best.within[0].Level) {
				best.within = a.within
			}
		case best.units == nil || a.score > best.score:
			best = a
		case a.score == best.score:
			best.units = slices.Concat(best.units, a.units) // "Hòa Bình, Hòa Bình" is a city or a commune
		}
		if len(parts) == 3 && way.province && way.district && a.score > len(parts)*scorePart {
			break // province, district and commune: no other way explains as much
		}
	}
	return best
}

func (r *reading) assign(parts []part, province, district bool) assignment {
	i, score := len(parts)-1, 0
	var ps, ds, found []*Unit
	if province {
		if ps = r.find(parts[i], provinces, nil, nil); len(ps) == 0 {
			return assignment{}
		}
		found = ps
		score += scorePart + 1
		i--
	}
	for r.noDistricts && i >= 0 && parts[i].kind.levels == districts {
		i-- // an address of today that still names the district
		score += scorePart
	}
	if district {
		if i < 0 || r.noDistricts {
			return assignment{}
		}
		if ds = r.find(parts[i], districts, ps, nil); len(ds) == 0 {
			return assignment{within: ps}
		}
		found = ds
		score += scorePart
		i--
	}
	if i >= 0 {
		if cs := r.find(parts[i], communes, ps, ds); len(cs) > 0 {
			found = cs
			score += scorePart
			i--
		}
	}
	for ; i >= 0; i-- {
		// What is left over is a house or a street, unless it says that it is a unit: then that one is not there.
		if parts[i].kind.unit != "" && parts[i].kind.levels&(districts|communes) != 0 && !r.harmless(parts[i], found) {
			if ds != nil {
				return assignment{within: ds}
			}
			return assignment{within: ps}
		}
	}
	return assignment{units: found, score: score}
}

// harmless: a word for a kind before the commune, as in "P. 502" of a house, contradicts nothing when no unit of any day is
// called so.
func (r *reading) harmless(p part, found []*Unit) bool {
	return len(found) > 0 && found[0].Level == Commune &&
		!slices.ContainsFunc(r.c.byName[string(p.key)], func(u *Unit) bool { return p.kind.levels.has(u.Level) })
}

// find returns the units of the day that a part names, of some levels, within provinces and districts where these are given.
// What it returns lies in r.found.
func (r *reading) find(p part, of levels, ps, ds []*Unit) []*Unit {
	of &= p.kind.levels
	if of == 0 {
		return nil
	}
	from := len(r.found)
	kinds := 0 // how many are of the very kind that the part says
	for _, u := range r.c.byName[string(p.key)] {
		if of.has(u.Level) && u.In(r.at) && inAny(u.District, ds) && (ds != nil || inAny(u.Province, ps)) {
			r.found = append(r.found, u)
			if u.Type == p.kind.unit {
				kinds++
			}
		}
	}
	units := r.found[from:len(r.found):len(r.found)]
	switch {
	case len(units) == 0:
		return nil
	case kinds > 0 && kinds < len(units):
		units = keep(units, func(u *Unit) bool { return u.Type == p.kind.unit })
	case kinds == 0 && p.kind.unit == "thành phố" && of == provinces && r.c.hasCity(p.key, r.at):
		return nil // the city below a province is meant
	}
	if r.marked && len(units) > 1 {
		units = r.bySound(units, p)
	}
	return sameCode(units)
}

func (c *Catalogue) hasCity(key []byte, at Date) bool {
	return slices.ContainsFunc(c.byName[string(key)], func(u *Unit) bool {
		return u.Level == District && u.Type == "thành phố" && u.In(at)
	})
}

func inAny(code string, units []*Unit) bool {
	if units == nil {
		return true
	}
	for _, u := range units {
		if u.Code == code {
			return true
		}
	}
	return false
}

func keep(units []*Unit, which func(*Unit) bool) []*Unit {
	n := 0
	for _, u := range units {
		if which(u) {
			units[n] = u
			n++
		}
	}
	return units[:n]
}

// bySound keeps those that are written with the same marks, if there are any.
func (r *reading) bySound(units []*Unit, p part) []*Unit {
	var a, b [128]byte
	sound := match.AppendSound(a[:0], p.name)
	equal := func(u *Unit) bool { return string(match.AppendSound(b[:0], []byte(u.Name))) == string(sound) }
	if !slices.ContainsFunc(units, equal) {
		return units
	}
	return keep(units, equal)
}

// sameCode drops units that are another one a while before: between two lists both may be in force.
func sameCode(units []*Unit) []*Unit {
	for i := 0; i < len(units); i++ {
		for j := len(units) - 1; j > i; j-- {
			if units[i].Code == units[j].Code {
				if units[j].From > units[i].From {
					units[i] = units[j]
				}
				units = append(units[:j], units[j+1:]...)
			}
		}
	}
	return units
}

func (r *reading) result(units, within []*Unit) Result {
	units = sameCode(units)
	switch len(units) {
	case 0:
		if within = sameCode(within); len(within) == 1 {
			return Result{Within: within[0]}
		}
		return Result{}
	case 1:
		return Result{Outcome: ByText, Unit: units[0]}
	}
	units = slices.Clone(units) // they lie in what is used again
	slices.SortStableFunc(units, func(a, b *Unit) int { return int(a.Level) - int(b.Level) })
	return Result{Outcome: Ambiguous, Candidates: units, Within: r.above(units)}
}

// above is the smallest unit that all of several are in.
func (r *reading) above(units []*Unit) *Unit {
	same := func(code func(*Unit) string) *Unit {
		first := code(units[0])
		if first == "" || slices.ContainsFunc(units[1:], func(u *Unit) bool { return code(u) != first }) {
			return nil
		}
		return r.c.ByCode(first, r.at)
	}
	if u := same(func(u *Unit) string { return u.District }); u != nil {
		return u
	}
	return same(func(u *Unit) string { return u.Province })
}
