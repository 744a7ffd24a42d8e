package compat

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/lienthong/truc/problem"
)

// Includes tells whether the reader accepts every document that the writer accepts, as far as the schemas say; nil when
// it does. A refusal carries a document as a witness, or says that nothing was proven. It never errs on the side of
// "accepts": what the rules of proof do not cover is refused.
func Includes(writer, reader *Document) (*Refusal, error) {
	return includes(newWork(allSteps), writer, reader)
}

func includes(w *work, writer, reader *Document) (*Refusal, error) {
	p, proven, exhausted := newProof(w), false, false
	if !writer.dynamic() && !reader.dynamic() {
		w.within(proofSteps, func() {
			proven = p.settle(p.claim(premise{}.with(p, writer.root()), reader.root()))
			exhausted = w.over()
		})
	}
	if proven && !exhausted {
		return nil, nil //nolint:nilnil // no refusal, no error
	}
	refusal := &Refusal{}
	w.within(besideSteps, func() {
		differences, err := diff(w, writer, reader)
		if err != nil {
			return // the table is not what the verdict rests on
		}
		for _, d := range differences {
			if !d.Compatible {
				refusal.Differences = append(refusal.Differences, d)
			}
		}
	})
	var witness json.RawMessage
	var place string
	var impeded error
	w.within(searchSteps, func() { witness, place, impeded = refute(p, writer, reader) })
	if exhausted && witness == nil {
		return nil, tooComplex(writer, reader)
	}
	if refusal.Witness, refusal.Pointer = witness, place; witness == nil {
		refusal.unproven = unproven(writer, reader, impeded)
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
	return slices.ContainsFunc(d.root().set.order, func(p *place) bool {
		return p.object()["$dynamicRef"] != nil || p.object()["$recursiveRef"] != nil
	})
}

// claim: every value that meets the premise is accepted by the conclusion.
type claim struct {
	premise    int
	conclusion *place
}

type belief struct {
	premise       premise
	conclusion    *place
	holds, queued bool
	askedBy       []*belief
	pointers      []string // some of the places that say what the conclusion does
}

// proof finds the greatest fixed point of the rules of proof, as comparison does for the rule table. Assuming a claim
// while proving it is right because every circle steps into a part of the value, and values are finite.
type proof struct {
	work     *work
	values   evaluation
	table    map[claim]*belief
	all      []*belief
	queue    []*belief
	current  *belief
	numbers  map[*place]int
	premises map[string]int
	clashes  map[claim]bool
	worlds   map[[2]*set]bool
	odd      map[string]bool // values that a conclusion refuses
}

func newProof(w *work) *proof {
	return &proof{
		work: w, values: evaluation{work: w}, table: map[claim]*belief{}, numbers: map[*place]int{}, premises: map[string]int{},
		clashes: map[claim]bool{}, worlds: map[[2]*set]bool{}, odd: map[string]bool{},
	}
}

func (p *proof) claim(a premise, b *place) *belief {
	c := claim{p.id(a), b.same}
	known := p.table[c]
	if known == nil {
		p.work.spend(20)
		known = &belief{premise: a, conclusion: b.same, holds: true, queued: true}
		known.premise.id = c.premise
		p.table[c] = known
		p.all, p.queue = append(p.all, known), append(p.queue, known)
	}
	if len(known.pointers) < 4 && !slices.Contains(known.pointers, b.pointer) {
		known.pointers = append(known.pointers, b.pointer)
	}
	return known
}

// includes asks for a claim on the way to another one.
func (p *proof) includes(a premise, b *place) bool {
	if b == nil || b.raw == true {
		return true
	}
	if !p.work.spend(10) {
		return false
	}
	asked := p.claim(a, b)
	if n := len(asked.askedBy); asked.holds && p.current != nil && (n == 0 || asked.askedBy[n-1] != p.current) {
		asked.askedBy = append(asked.askedBy, p.current)
	}
	return asked.holds
}

// settle says that a claim is proven.
func (p *proof) settle(goal *belief) bool {
	for len(p.queue) > 0 && !p.work.over() && goal.holds {
		b := p.queue[0]
		p.queue = p.queue[1:]
		b.queued = false
		if !b.holds {
			continue
		}
		p.current = b
		if p.follows(b.premise, b.conclusion) {
			continue
		}
		b.holds = false
		for _, other := range b.askedBy {
			if other.holds && !other.queued {
				other.queued = true
				p.queue = append(p.queue, other)
			}
		}
		b.askedBy = nil
	}
	return goal.holds && !p.work.over()
}

// follows is one step: the keywords of the conclusion one by one, or else by cases of the premise.
func (p *proof) follows(a premise, b *place) bool {
	if p.impossible(a, 3) {
		return true
	}
	if values, finite := a.values(); finite {
		for _, v := range values {
			if p.work.over() {
				return false
			}
			if !p.accepts(b, v) && !p.refuses(a, v) {
				p.odd[valueKey(v)] = true
				return false
			}
		}
		return true
	}
	plain := a.plain()
	plain.id = p.id(plain)
	for _, n := range a.negatives {
		if !p.clash(plain, n) && p.includes(plain, n) {
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

func (p *proof) accepts(b *place, v any) bool { return p.values.accepts(b, v) }

func (p *proof) refuses(a premise, v any) bool {
	if !a.types.has(typesOf(v)) {
		return true
	}
	for _, m := range a.speaking() { // quickly told, and frequent in unions
		if c, given := m.object()["const"]; given && m.draft > Draft4 && !p.values.same(c, v) {
			return true
		}
	}
	for _, m := range a.members {
		if p.values.refuses(m, v) {
			return true
		}
	}
	return false
}

// suspects are the names of the properties on the way to what could not be proven.
func (p *proof) suspects() map[string]bool {
	out := map[string]bool{}
	for _, b := range p.all {
		if b.holds {
			continue
		}
		for _, pointer := range b.pointers {
			if !p.work.spend(4 + len(pointer)/4) {
				return out
			}
			tokens := strings.Split(pointer, "/")
			for i, token := range tokens[1:] {
				if tokens[i] == "properties" {
					out[unescape(token)] = true
				}
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
