package discover

import (
	"maps"
	"slices"
	"strings"
)

// matcher compares names of columns with those of the properties of one dataset.
type matcher struct {
	leaves []*leaf
	// context are words that say little in this table: those of the dataset's and the table's name. own are those of the
	// table's name alone.
	context, own map[string]bool
	// subjects are the words of the objects that a column may speak of; naming another one than the leaf's tells against it.
	subjects map[string]bool
	// present are the optional objects that a column fills already: a name that stands nowhere else need not name them.
	present map[string]bool
}

func newMatcher(k *known, table string) *matcher {
	m := &matcher{leaves: k.leaves, context: map[string]bool{}, own: map[string]bool{}}
	for _, name := range []string{k.dataset.Title("vi"), k.dataset.Name(), table} {
		for _, r := range k.v.read(name) {
			for _, w := range r.words {
				if name == table && r.certain && !m.context[w] {
					m.own[w] = true
				}
				// An abbreviation that could be many things is no context: ht is not only hộ tịch.
				m.context[w] = m.context[w] || r.certain
			}
		}
	}
	m.subjects = subjects(m.leaves)
	return m
}

// within is the matcher for the elements of a list: what the list is called says nothing about its elements.
func (m *matcher) within(l *listProperty) *matcher {
	in := &matcher{leaves: l.leaves, context: maps.Clone(m.context), own: m.own, subjects: subjects(l.leaves)}
	for _, name := range l.names {
		for _, w := range name {
			in.context[w] = true
		}
	}
	return in
}

// subjects are the words of the optional objects above leaves.
func subjects(leaves []*leaf) map[string]bool {
	out := map[string]bool{}
	for _, l := range leaves {
		for _, o := range l.owners {
			if o.required {
				continue
			}
			for _, words := range o.names {
				for _, w := range words {
					out[w] = true
				}
			}
		}
	}
	return out
}

// understand reads the names of columns and of what stands inside them, as the dataset's words allow.
func (m *matcher) understand(columns []*profile, v *vocabulary) {
	for _, p := range columns {
		p.read, p.words = m.readings(p, v), v
		m.settle(p)
	}
}

// readings are the ways to understand a name. What stands inside a document is named by its path, and by the column before it
// as well where that names an object of the dataset: the "hoTen" in a column cha is the father's.
func (m *matcher) readings(p *profile, v *vocabulary) []reading {
	if p.of == nil {
		return v.read(p.column.Name)
	}
	last := len(p.path) - 1
	outer := []string{p.column.Name}
	inner := p.path
	if p.of.document == "xml" && last > 0 {
		outer, inner = append(outer, p.path[0]), p.path[1:]
	}
	if p.member {
		return v.read(strings.Join(inner, " "))
	}
	whole := around(v.read(strings.Join(slices.Concat(outer, inner), " ")), v, outer)
	if m.speaksOf(v.read(strings.Join(outer, " "))) {
		return whole
	}
	return slices.Concat(v.read(strings.Join(inner, " ")), whole)
}

func around(readings []reading, v *vocabulary, names []string) []reading {
	words := map[string]bool{}
	for _, r := range v.read(strings.Join(names, " ")) {
		for _, w := range r.words {
			words[w] = true
		}
	}
	for i := range readings {
		readings[i].around = words
	}
	return readings
}

// speaksOf reports whether a name holds that of an object of the dataset.
func (m *matcher) speaksOf(readings []reading) bool {
	for _, r := range readings {
		for _, l := range m.leaves {
			for _, o := range l.above {
				if slices.ContainsFunc(o.names, func(words []string) bool { _, ok := without(r.words, words); return ok }) {
					return true
				}
			}
		}
	}
	return false
}

// weight is how much a word says.
func weight(word string) float64 {
	switch word {
	case "va", "cua", "theo", "cac", "la", "of", "and", "thong", "tin":
		return 0
	case "so", "ma", "ten", "loai", "nguoi":
		return 0.7
	case "id", "list":
		return 0.3
	}
	return 1
}

const (
	// otherSubject is the weight of a word that names another object than the leaf's.
	otherSubject = 2
	// ofContext is the weight of a word that the dataset is about, ofTable of one that only the table is about: in a table of
	// cards the number of the card is not the number of the birth.
	ofContext, ofTable = 0.15, 0.3
	// unnamed and unnamedPart are the factors for an optional object above the leaf that the column does not name.
	unnamed, unnamedPart = 0.6, 0.9
	// ambiguous is the factor of a word with several meanings.
	ambiguous = 0.8
	// asCalled is the factor where a column is called as the object above the property.
	asCalled = 0.85
	// asBrief is the factor of a short name that the values bear out.
	asBrief = 0.85
	// asLone is the factor of a name without that of the property that it belongs to.
	asLone = 0.8
	// settled is how well a reading must fit somewhere to count as possible.
	settled = 0.5
)

// score is how well a column's name fits a leaf, from 0 to 1.
func (m *matcher) score(p *profile, l *leaf) float64 {
	best := 0.0
	for _, r := range p.read {
		for _, name := range l.names {
			s := m.fit(r, name, l.owners)
			if !r.certain {
				s *= ambiguous
			}
			best = max(best, s)
		}
		for _, name := range l.lone {
			best = max(best, m.fit(r, name, l.owners)*asLone)
		}
		for _, name := range l.brief {
			if p.share(l.form.MatchString) >= mostlyFits {
				best = max(best, m.fit(r, name, l.owners)*asBrief)
			}
		}
		for _, name := range l.called {
			if s := m.fit(r, name, nil) * asCalled; r.certain {
				best = max(best, s)
			}
		}
	}
	return best
}

// settle drops the readings of a name that mean nothing in this dataset: if one is left, the name is no longer ambiguous.
func (m *matcher) settle(p *profile) {
	if len(p.read) < 2 {
		return
	}
	var possible []reading
	for _, r := range p.read {
		if slices.ContainsFunc(m.leaves, func(l *leaf) bool {
			return slices.ContainsFunc(l.names, func(name []string) bool { return m.fit(r, name, l.owners) >= settled })
		}) {
			possible = append(possible, r)
		}
	}
	switch len(possible) {
	case 0:
	case 1:
		possible[0].certain = true
		p.read = possible
	default:
		p.read = possible
	}
}

// fit compares the words of a column with one name of a leaf and with the objects above it.
func (m *matcher) fit(r reading, name []string, owners []owner) float64 {
	column := r.words
	rest := slices.Clone(column)
	matched, wanted := 0.0, 0.0
	for _, w := range name {
		wanted += weight(w)
		if i := slices.Index(rest, w); i >= 0 {
			matched += weight(w)
			rest = slices.Delete(rest, i, i+1)
		}
	}
	if wanted == 0 || matched == 0 {
		return 0
	}
	factor := 1.0
	for _, o := range owners {
		named := false
		for _, words := range o.names {
			if left, ok := without(rest, words); ok {
				rest, named = left, true
				break
			}
		}
		switch {
		case named || o.required:
		case o.part || m.present[o.path]:
			factor *= unnamedPart
		default:
			factor *= unnamed
		}
	}
	total, strange := 0.0, 0.0
	for _, w := range column {
		total += weight(w)
	}
	for _, w := range rest {
		switch {
		case m.subjects[w] && !m.context[w]:
			strange += otherSubject
		case m.own[w] && !r.around[w]:
			strange += ofTable * weight(w)
		case m.context[w] || r.around[w]:
			strange += ofContext * weight(w)
		default:
			strange += weight(w)
		}
	}
	precision := max(0, 1-strange/max(total, 1))
	recall := matched / wanted
	return recall * precision * factor
}

// without takes words out of a list; ok is false when one of them is not there.
func without(list, words []string) ([]string, bool) {
	left := slices.Clone(list)
	for _, w := range words {
		i := slices.Index(left, w)
		if i < 0 {
			return list, false
		}
		left = slices.Delete(left, i, i+1)
	}
	return left, len(words) > 0
}
