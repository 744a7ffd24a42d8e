package compat

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/lienthong/truc/problem"
)

// Includes tells whether the reader accepts every document that the writer accepts, as far as the schemas say; nil when
// it does. A refusal carries a document as a witness, or says that nothing was proven. It never errs on the side of
// "accepts": what the rules of proof do not cover is refused.
func Includes(writer, reader *Document) (*Refusal, error) {
	p := newProof()
	goal := p.claim(premise{}.with(p, writer.root), reader.root)
	proven := !writer.dynamic() && !reader.dynamic() && p.settle(goal)
	if proven {
		return nil, nil //nolint:nilnil // no refusal, no error
	}
	refusal := &Refusal{}
	differences, err := Diff(writer, reader)
	if err == nil {
		for _, d := range differences {
			if !d.Compatible {
				refusal.Differences = append(refusal.Differences, d)
			}
		}
	}
	witness, place, impeded := refute(p, writer, reader)
	refusal.effort = p.steps + p.checks
	if refusal.Witness, refusal.Pointer = witness, place; witness == nil {
		refusal.unproven = unproven(p, writer, reader, impeded)
		refusal.NotProven = refusal.unproven.EN
	}
	switch {
	case witness != nil:
		refusal.Remedy = problem.Say("%s: leave it out, or loosen it until it accepts the document shown", place)
	case len(refusal.Differences) > 0:
		refusal.Pointer, refusal.Remedy = refusal.Differences[0].Pointer, fixAt(refusal.Differences[0])
	default:
		refusal.Pointer, refusal.Remedy = "#", problem.Say("keep the wording of the old version where the meaning did not change")
	}
	refusal.Fix = refusal.Remedy.EN
	return refusal, nil
}

// dynamic says that a schema uses references that depend on the way on which they were reached.
func (d *Document) dynamic() bool {
	for _, raw := range d.raw {
		if mentions(raw, "$dynamicRef") || mentions(raw, "$recursiveRef") {
			return true
		}
	}
	return false
}

func mentions(v any, key string) bool {
	switch v := v.(type) {
	case map[string]any:
		if _, found := v[key]; found {
			return true
		}
		for _, e := range v {
			if mentions(e, key) {
				return true
			}
		}
	case []any:
		for _, e := range v {
			if mentions(e, key) {
				return true
			}
		}
	}
	return false
}

// claim: every value that meets the premise is accepted by the conclusion.
type claim struct {
	premise    string
	conclusion *place
}

type belief struct {
	premise       premise
	conclusion    *place
	holds, queued bool
	askedBy       map[claim]bool
}

// proof finds the greatest fixed point of the rules of proof, as comparison does for the rule table. Assuming a claim
// while proving it is right because every circle steps into a part of the value, and values are finite.
type proof struct {
	table     map[claim]*belief
	queue     []claim
	current   claim
	steps     int
	exhausted bool
	numbers   map[*place]int
	valid     map[*place]*checker
	compilers map[*set]*compiler
	clashes   map[claim]bool
	enums     map[*place]map[string]bool
	odd       map[string]bool // values that a conclusion refuses
	checks    int             // values validated
	maxChecks int
}

func newProof() *proof {
	return &proof{
		table: map[claim]*belief{}, numbers: map[*place]int{}, valid: map[*place]*checker{}, compilers: map[*set]*compiler{},
		clashes: map[claim]bool{}, odd: map[string]bool{}, enums: map[*place]map[string]bool{},
	}
}

const maxProofSteps = 60_000

func (p *proof) claim(a premise, b *place) claim {
	c := claim{a.key(p), b}
	if p.table[c] == nil {
		p.table[c] = &belief{premise: a, conclusion: b, holds: true, queued: true, askedBy: map[claim]bool{}}
		p.queue = append(p.queue, c)
	}
	return c
}

// includes asks for a claim on the way to another one.
func (p *proof) includes(a premise, b *place) bool {
	if b == nil || b.raw == true {
		return true
	}
	if p.steps++; p.steps > maxProofSteps {
		p.exhausted = true
		return false
	}
	belief := p.table[p.claim(a, b)]
	belief.askedBy[p.current] = true
	return belief.holds
}

func (p *proof) settle(goal claim) bool {
	for len(p.queue) > 0 && !p.exhausted && p.table[goal].holds {
		c := p.queue[0]
		p.queue = p.queue[1:]
		b := p.table[c]
		b.queued = false
		if !b.holds {
			continue
		}
		p.current = c
		if p.follows(b.premise, b.conclusion) {
			continue
		}
		b.holds = false
		for q := range b.askedBy {
			if other := p.table[q]; other.holds && !other.queued {
				other.queued = true
				p.queue = append(p.queue, q)
			}
		}
	}
	return p.table[goal].holds && !p.exhausted
}

// follows is one step: the keywords of the conclusion one by one, or else by cases of the premise.
func (p *proof) follows(a premise, b *place) bool {
	if p.impossible(a, 3) {
		return true
	}
	if values, finite := a.values(); finite {
		for _, v := range values {
			if !p.accepts(b, v) && !p.refuses(a, v) {
				p.odd[valueKey(v)] = true
				return false
			}
		}
		return true
	}
	for _, n := range a.negatives {
		if plain := (premise{types: a.types, members: a.members, split: a.split}); !p.clash(plain, n) && p.includes(plain, n) {
			return true // accepted and refused by the same schema: there is no such value
		}
	}
	if p.clash(a, b) {
		return false
	}
	if p.direct(a, b) {
		return true
	}
	for _, next := range a.cases(p) {
		if len(next) == 0 {
			continue
		}
		for _, one := range next {
			if !p.includes(one, b) {
				return false
			}
		}
		return true
	}
	return false
}

func (p *proof) accepts(b *place, v any) bool {
	if accepted, known := p.plainly(b, v); known {
		return accepted
	}
	p.checks++
	c := p.checker(b)
	return c.ok() && c.valid(v)
}

func (p *proof) refuses(a premise, v any) bool {
	if !a.types.has(typesOf(v)) {
		return true
	}
	for _, m := range a.speaking() { // quickly told, and frequent in unions
		if c, given := m.object()["const"]; given && m.draft > Draft4 && !equal(c, v) {
			return true
		}
	}
	for _, m := range a.members {
		p.checks++
		if c := p.checker(m); c.ok() && c.refuses(v) {
			return true
		}
	}
	for _, n := range a.negatives {
		if p.accepts(n, v) {
			return true
		}
	}
	return false
}

func (p *proof) checker(at *place) *checker {
	if p.valid[at] == nil {
		if p.compilers[at.set] == nil {
			p.compilers[at.set] = newCompiler(at.set)
		}
		p.valid[at] = p.compilers[at.set].checker(at)
	}
	return p.valid[at]
}

// suspects are the names of the properties on the way to what could not be proven.
func (p *proof) suspects() map[string]bool {
	out := map[string]bool{}
	for _, b := range p.table {
		if b.holds {
			continue
		}
		_, tail, found := strings.Cut(b.conclusion.pointer, "/properties/")
		for found {
			var name string
			if name, tail, found = strings.Cut(tail, "/"); name != "" {
				out[strings.ReplaceAll(strings.ReplaceAll(name, "~1", "/"), "~0", "~")] = true
			}
			if found {
				_, tail, found = strings.Cut("/"+tail, "/properties/")
			}
		}
	}
	return out
}

// encode writes a JSON value without blanks, and without disguising < and &.
func encode(v any) json.RawMessage {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
