package discover

import (
	"slices"
	"strconv"
	"strings"

	"github.com/lienthong/truc/problem"
)

// leastList is how well the name of a list must fit, leastElements the share of what its elements hold that must find a place
// where the name fits only half.
const leastList, leastElements = 0.4, 0.5

// listed reports whether a leaf belongs to a list that is filled already.
func (x *proposer) listed(l *leaf) bool {
	return slices.ContainsFunc(x.found, func(p *listProperty) bool { return strings.HasPrefix(l.String(), p.String()+".") })
}

// lists proposes what fills lists of objects: lists in JSON, and groups of columns that are numbered.
func (x *proposer) lists(columns []*profile) []*Proposal {
	var out []*Proposal
	for _, l := range x.k.lists {
		best, most := (*array)(nil), 0.0
		for _, c := range columns {
			for _, a := range c.arrays {
				if s := x.called(a, l); s > most && !x.used[a.members[0]] {
					best, most = a, s
				}
			}
		}
		if best != nil && most >= leastList {
			if found := x.inJSON(best, l, most); found != nil {
				out = append(out, found...)
				continue
			}
		}
		out = append(out, x.numbered(l, columns)...)
	}
	return out
}

// called is how well a list in JSON is called like a property.
func (x *proposer) called(a *array, l *listProperty) float64 {
	whole := &profile{column: a.column.column, path: a.path, of: a.column}
	if len(a.path) == 0 {
		whole.of = nil
	}
	best := 0.0
	for _, r := range x.m.readings(whole, x.k.v) {
		for _, name := range l.names {
			s := x.m.fit(r, name, l.owners)
			if !r.certain {
				s *= ambiguous
			}
			best = max(best, s)
		}
	}
	// What wraps the list in the cell, {"ds": […]}, may say nothing.
	if len(a.path) == 1 {
		for _, r := range x.k.v.read(a.column.column.Name) {
			for _, name := range l.names {
				if s := x.m.fit(r, name, l.owners); r.certain {
					best = max(best, s*unnamedPart)
				}
			}
		}
	}
	return best
}

// inJSON proposes a list in JSON for a property, and what its elements hold for those of the property's.
func (x *proposer) inJSON(a *array, l *listProperty, name float64) []*Proposal {
	m := x.m.within(l)
	m.understand(a.members, x.k.v)
	inner := x.pair(m, m.leaves, a.members, map[*leaf]bool{})
	placed := 0
	for _, p := range inner {
		if p.Confidence >= Threshold {
			placed++
		}
	}
	share := float64(placed) / float64(min(len(a.members), len(m.leaves)))
	if placed == 0 || name < settled && share < leastElements {
		for _, q := range a.members {
			delete(x.used, q)
		}
		return nil
	}
	over := x.ids[a.column]
	if len(a.path) > 0 {
		over = a.column.at(over, a.path, "json")
	}
	why := []problem.Text{say("danh sách trong cột JSON", "a list in a JSON column"), say("%d trong %d phần của phần tử có chỗ", "%d of %d parts of its elements find a place", placed, len(a.members))}
	return x.fill(l, inner, &Proposal{Columns: []string{a.column.column.Name}, Expression: over, Confidence: rounded(name * (0.8 + 0.15*share)), Reasons: why})
}

// fill makes proposals for an element proposals for a list; one that is not certain takes them with it.
func (x *proposer) fill(l *listProperty, inner []*Proposal, list *Proposal) []*Proposal {
	x.found = append(x.found, l)
	list.Property, list.leaf, list.over = l.String(), &leaf{path: l.path}, list.Expression
	list.Live = list.Confidence >= Threshold && slices.ContainsFunc(inner, func(p *Proposal) bool { return p.Live })
	for _, p := range inner {
		p.place(l)
		p.Confidence = min(p.Confidence, list.Confidence)
		p.Live = p.Live && list.Live
		p.over = list.Expression
	}
	return append([]*Proposal{list}, inner...)
}

// place moves a proposal for an element to the list that it belongs to.
func (p *Proposal) place(l *listProperty) {
	moved := *p.leaf
	moved.path, moved.must = slices.Concat(l.path, p.leaf.path), false
	p.leaf, p.Property, p.Required = &moved, moved.String(), false
}

// numbered proposes groups of columns with numbers in their names, gt1_so and gt2_so, as the elements of a list.
func (x *proposer) numbered(l *listProperty, columns []*profile) []*Proposal {
	groups := map[int][]*profile{}
	original := map[*profile]*profile{}
	for _, p := range columns {
		if x.used[p] || p.document != "" {
			continue
		}
		n, readings := numberOf(p, l, x.k.v)
		if n == 0 {
			continue
		}
		q := *p
		q.read = readings
		original[&q] = p
		x.ids[&q] = x.ids[p]
		groups[n] = append(groups[n], &q)
	}
	if len(groups[1]) < 2 || len(groups[2]) < 2 {
		return nil
	}
	var out []*Proposal
	m := x.m.within(l)
	for n := 1; len(groups[n]) > 0; n++ {
		for _, q := range groups[n] {
			m.settle(q)
		}
		for _, p := range x.pair(m, m.leaves, groups[n], map[*leaf]bool{}) {
			p.place(l)
			p.element = n
			for _, q := range p.parts {
				x.used[original[q]] = true
			}
			out = append(out, p)
		}
	}
	if len(out) > 0 {
		x.found = append(x.found, l)
	}
	return out
}

// numberOf takes the number and the words of a list out of a column's name; 0 when it has none.
func numberOf(p *profile, l *listProperty, v *vocabulary) (int, []reading) {
	n := 0
	var rest []string
	for _, w := range split(p.column.Name) {
		if allDigits(w) && len(w) == 1 && n == 0 {
			n, _ = strconv.Atoi(w)
			continue
		}
		rest = append(rest, w)
	}
	if n == 0 {
		return 0, nil
	}
	var out []reading
	for _, r := range v.read(strings.Join(rest, " ")) {
		for _, name := range l.names {
			if left, ok := without(r.words, name); ok && len(left) > 0 {
				out = append(out, reading{words: left, certain: true})
			}
		}
	}
	if len(out) == 0 {
		return 0, nil
	}
	return n, out
}

// split proposes the lists whose elements stand in one cell with separators between them.
func (x *proposer) split(proposals []*Proposal) []*Proposal {
	var out []*Proposal
	for _, p := range proposals {
		if p.over == "" {
			continue
		}
		end := strings.LastIndex(p.Property, "[]") + 2
		path := strings.Split(p.Property[:end], ".")
		out = append(out, &Proposal{
			Property: p.Property[:end], Columns: p.Columns, Expression: p.over, Confidence: p.Confidence, Live: p.Live,
			Reasons: p.Reasons[len(p.Reasons)-1:], leaf: &leaf{path: path}, parts: p.parts, over: p.over,
		})
	}
	return out
}
