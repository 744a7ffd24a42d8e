package compat

import (
	"encoding/json"
	"math/big"
	"slices"
	"strings"
)

const (
	maxSampleDepth = 4
	maxRootSamples = 1500
	maxNames       = 60   // of an object
	maxText        = 4000 // in characters
	maxTexts       = 2000 // texts that are tried everywhere
	maxMade        = 6000 // places visited
)

// refute looks for a document that the writer accepts and the reader refuses, the shortest of those found, and tells
// where the reader refuses it. Properties at which the proof failed are tried first.
func refute(p *proof, writer, reader *Document) (document json.RawMessage, at string, impeded error) {
	second, err := secondOpinion(writer, reader)
	if err != nil {
		return nil, "", err
	}
	s := &sampler{proof: p, suspects: p.suspects(), known: map[wanted][]any{}}
	s.texts = oddCodes(p.work, writer.root().set, reader.root().set)
	for _, d := range []*Document{reader, writer} {
		for _, name := range sortedKeys(d.raw) {
			s.collect(d.raw[name])
		}
	}
	for depth := 1; depth <= maxSampleDepth && document == nil; depth++ { // short ones first
		for _, root := range []*place{writer.root(), reader.root()} {
			if s.made = 0; document != nil || p.work.over() {
				break
			}
			for _, v := range s.samples(premise{}.with(s.proof, root), depth, true) {
				if p.work.over() {
					break
				}
				if !p.accepts(writer.root(), v) || !p.values.refuses(reader.root(), v) || !second(v) {
					continue
				}
				text := encode(v)
				p.work.spend(len(text) / 4)
				if document == nil || len(text) < len(document) {
					document, at = text, p.values.refusedAt(reader.root(), v)
				}
			}
		}
	}
	return document, at, nil
}

// sampler makes values that a schema may accept, with the constants of both schemas in mind: a bound of the one is
// where the other is broken.
type sampler struct {
	proof    *proof
	made     int
	known    map[wanted][]any
	numbers  []any
	lengths  []int
	texts    []any
	names    []string
	suspects map[string]bool
	matched  map[string][]string // texts, by their pattern
	counted  bool                // a schema counts properties
}

// wanted are samples that are asked for more than once.
type wanted struct {
	premise int
	depth   int
	root    bool
}

// samples lists values that may meet the premise, a few or many by depth. They are shared and must not be changed.
func (s *sampler) samples(a premise, depth int, root bool) []any {
	w := wanted{s.proof.id(a), depth, root}
	known, found := s.known[w]
	if !found {
		known = s.make(a, depth, root)
		s.known[w] = known
	}
	return known
}

func (s *sampler) make(a premise, depth int, root bool) []any {
	n := 6
	if depth > 1 {
		n = 6 * depth
	}
	if root {
		n = maxRootSamples
	}
	if s.made++; depth < 0 || s.made > maxMade || !s.proof.work.spend(50) {
		return nil
	}
	if values, finite := a.values(); finite {
		return s.oddFirst(values, maxRootSamples)
	}
	if !slices.ContainsFunc(a.members, func(m *place) bool { return len(m.object()) > 0 }) && a.types == anyType {
		return []any{"a", json.Number("0"), nil, true, []any{}, map[string]any{}, json.Number("0.5"), "", "không"}
	}
	for _, next := range a.cases(s.proof) {
		var lists [][]any
		for _, one := range next {
			lists = append(lists, s.samples(one, depth, root))
			s.proof.work.spend(4 + len(lists[len(lists)-1]))
		}
		if len(lists) > 0 {
			return mixed(lists, n)
		}
	}
	switch {
	case a.types.has(typeNumber):
		return s.ofNumbers(a, n)
	case a.types.has(typeString):
		return s.ofStrings(a, n)
	case a.types.has(typeArray):
		return s.ofArrays(a, depth, n)
	case a.types.has(typeObject):
		return s.ofObjects(a, depth, n)
	}
	return nil
}

// mixed takes from each list in turn.
func mixed(lists [][]any, n int) []any {
	var out []any
	for i := 0; len(out) < n; i++ {
		more := false
		for _, l := range lists {
			if i < len(l) {
				out, more = append(out, l[i]), true
			}
		}
		if !more {
			break
		}
	}
	return out
}

// fitting keeps the first n values that the members accept, or of all where that cannot be told.
func (s *sampler) fitting(a premise, values []any, n int) []any {
	rough := premise{types: a.types, members: a.members} // the whole document is judged in the end
	var out []any
	seen := map[string]bool{}
	for _, v := range values {
		if s.proof.work.over() || len(out) == n {
			break
		}
		key := s.proof.work.key(v)
		if !seen[key] && !s.proof.refuses(rough, v) {
			seen[key] = true
			out = append(out, v)
		}
	}
	return out
}

func (s *sampler) ofNumbers(a premise, n int) []any {
	values := []any{json.Number("0"), json.Number("1"), json.Number("0.5"), json.Number("-1"), json.Number("-0.5"), json.Number("7")}
	values = append(values, s.numbers...)
	for _, m := range a.speaking() {
		if step := m.number("multipleOf"); step != nil {
			for _, n := range s.numbers {
				if !s.proof.work.spend(40 + m.bulk) {
					return nil
				}
				q := new(big.Rat).Quo(decimal(n), step)
				whole := new(big.Int).Quo(q.Num(), q.Denom())
				values = append(values, exact(new(big.Rat).Mul(step, new(big.Rat).SetInt(whole))))
			}
			for i := int64(1); i <= 7; i += 2 {
				values = append(values, exact(new(big.Rat).Mul(step, big.NewRat(i, 1))))
			}
		}
	}
	values = append(values, json.Number("1000000007"), json.Number("-1000000007"))
	return s.fitting(a, values, n)
}

func (s *sampler) ofStrings(a premise, n int) []any {
	values := []any{"", "a", "A1", " "}
	for _, m := range a.speaking() {
		if pattern, ok := m.object()["pattern"].(string); ok {
			values = append(values, anyOf(s.matching(pattern))...)
		}
		if format, ok := m.object()["format"].(string); ok {
			values = append(values, formats[format]...)
		}
		if m.list != nil {
			for _, c := range m.list.codes[:min(len(m.list.codes), 3)] {
				values = append(values, c)
			}
		}
	}
	s.proof.work.spend(20*len(s.lengths) + len(s.texts))
	for _, n := range s.lengths {
		values = append(values, strings.Repeat("a", n), strings.Repeat("1", n))
	}
	values = append(values, s.texts...)
	values = append(values, "không ✓", "2024-02-30", "x y", "\x01")
	return s.fitting(a, values, n)
}

func (s *sampler) ofArrays(a premise, depth, n int) []any {
	values := []any{[]any{}}
	lengths := append([]int{1, 2, 3}, s.lengths...)
	rest := s.samples(a.item(s.proof, -1), depth-1, false)
	for _, n := range lengths {
		if n > 40 {
			continue
		}
		list, other := make([]any, 0, n), make([]any, 0, n)
		for i := range n {
			if s.proof.work.over() {
				break
			}
			item := s.samples(a.item(s.proof, i), depth-2, false)
			if len(item) == 0 {
				item = rest
			}
			if len(item) > 0 {
				list = append(list, item[0])
				other = append(other, item[i%len(item)])
			}
		}
		values = append(values, list, other)
	}
	for i := range 4 {
		for _, v := range s.samples(a.item(s.proof, i), depth-1, false) {
			list := make([]any, 0, i+1)
			for j := range i {
				if before := s.samples(a.item(s.proof, j), depth-2, false); len(before) > 0 {
					list = append(list, before[0])
				}
			}
			values = append(values, append(list, v))
			if i > 0 {
				break
			}
		}
	}
	for _, m := range a.speaking() {
		if c := m.child("contains"); c != nil {
			for _, v := range s.samples(premise{}.with(s.proof, c), depth-1, false) {
				values = append(values, []any{v}, []any{v, v})
			}
		}
	}
	return s.fitting(a, values, n)
}

func (s *sampler) ofObjects(a premise, depth, n int) []any {
	names := slices.Clone(a.declared())
	s.proof.work.spend(40*len(names) + 500)
	declared := make(map[string]bool, len(names))
	for _, n := range names {
		declared[n] = true
	}
	for _, n := range s.names {
		if !declared[n] {
			names = append(names, n)
		}
	}
	extra := 1
	if s.counted {
		extra = max(1, min(slices.Max(append(s.lengths, 0)), 12))
	}
	for i := range extra {
		names = append(names, "khac"+strings.Repeat("c", i))
	}
	slices.SortStableFunc(names, func(x, y string) int { return s.rank(a, x) - s.rank(a, y) })
	choices := map[string][]any{}
	base, full := map[string]any{}, map[string]any{}
	tried := names[:min(len(names), maxNames)]
	for i, name := range names {
		if s.proof.work.over() {
			return nil
		}
		if i >= maxNames && !a.requires(name) {
			continue
		}
		about := a.property(s.proof, name)
		if s.proof.impossible(about, 1) {
			continue
		}
		choices[name] = s.samples(about, depth-1, false)
		if len(choices[name]) == 0 {
			if a.requires(name) {
				return nil // deeper, perhaps
			}
			continue
		}
		if a.requires(name) {
			base[name] = choices[name][0]
		}
		if declared[name] {
			full[name] = choices[name][0]
		}
	}
	values := []any{base, full}
	clone := func(m map[string]any) map[string]any {
		s.proof.work.spend(4 + 2*len(m))
		return clone(m)
	}
	grown := clone(base)
	for _, name := range tried { // as many as minProperties may want
		if len(choices[name]) > 0 && grown[name] == nil {
			grown = clone(grown)
			grown[name] = choices[name][0]
			values = append(values, grown)
		}
	}
	var lists [][]any
	for _, name := range tried {
		var list []any
		for _, v := range choices[name] {
			if s.proof.work.over() {
				return nil
			}
			for _, start := range []map[string]any{base, full} {
				next := clone(start)
				next[name] = v
				list = append(list, next)
			}
		}
		without := clone(full)
		delete(without, name)
		lists = append(lists, append(list, without))
	}
	return s.fitting(a, append(values[:min(len(values), 20)], mixed(lists, maxRootSamples)...), n)
}

// rank puts suspects first and what is required before what is not.
func (s *sampler) rank(a premise, name string) int {
	switch {
	case s.suspects[name]:
		return 0
	case a.requires(name):
		return 1
	}
	return 2
}

// oddFirst are the first n of some values, those that a proof failed at before all others.
func (s *sampler) oddFirst(values []any, n int) []any {
	var odd, others []any
	for _, v := range values {
		switch {
		case s.proof.work.over():
			return append(odd, others...)
		case len(s.proof.odd) > 0 && s.isOdd(v):
			odd = append(odd, v)
		case len(others) < n:
			others = append(others, v)
		}
	}
	return append(odd, others...)
}

func (s *sampler) isOdd(v any) bool {
	return s.proof.odd[s.proof.work.key(v)]
}

func clone(m map[string]any) map[string]any {
	out := make(map[string]any, len(m)+1)
	for k, v := range m {
		out[k] = v
	}
	return out
}
