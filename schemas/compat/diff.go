package compat

import (
	"reflect"
	"slices"
	"strings"
)

// maxDifferences is how many are listed, of those that pass and of those that do not.
const maxDifferences = 1000

// Diff lists what changed from the old to the new version, judged by the rule table: a document that the old version
// accepts is accepted by the new one when every difference is compatible. It fails with ErrTooComplex only.
func Diff(old, updated *Document) ([]Difference, error) {
	return diff(newWork(tableSteps), old, updated)
}

func diff(w *work, old, updated *Document) ([]Difference, error) {
	c := &comparison{work: w, table: map[pair]*judgement{}}
	root := pair{shapeOf(old.root()), shapeOf(updated.root())}
	verdict := c.believed(root)
	c.settle()
	if w.over() {
		return nil, tooComplex(old, updated)
	}
	c.current, c.reporting = nil, true
	r := report{comparison: c, walked: map[pair]bool{}, said: map[Difference]bool{}}
	r.add(root, &trail{})
	if !verdict.compatible && r.refusing == 0 {
		return nil, tooComplex(old, updated) // the steps were used up on the way to the difference
	}
	return r.differences, nil
}

// pair is an old and a new shape that meet; nil stands for an absent schema.
type pair struct{ old, updated *shape }

// judgement is what is believed about a pair: compatible until a step finds otherwise.
type judgement struct {
	pair               pair
	compatible, queued bool
	askedBy            []*judgement
}

// comparison finds the greatest fixed point: all pairs are believed compatible, and whoever relied on a pair that
// turns out not to be is judged again. Recursive schemas and unions of many types need no special care then, and each
// pair is judged a bounded number of times. Shapes that say the same are one to it.
type comparison struct {
	work      *work
	table     map[pair]*judgement
	queue     []*judgement
	current   *judgement
	reporting bool
}

func (c *comparison) believed(p pair) *judgement {
	p = pair{p.old.first(), p.updated.first()}
	j := c.table[p]
	if j == nil {
		c.work.spend(10)
		j = &judgement{pair: p, compatible: true, queued: true}
		c.table[p] = j
		c.queue = append(c.queue, j)
	}
	return j
}

func (c *comparison) compatible(p pair) bool {
	c.work.spend(4)
	j := c.believed(p)
	if n := len(j.askedBy); j.compatible && c.current != nil && (n == 0 || j.askedBy[n-1] != c.current) {
		j.askedBy = append(j.askedBy, c.current)
	}
	return j.compatible
}

func (c *comparison) settle() {
	for len(c.queue) > 0 && !c.work.over() {
		j := c.queue[0] // in turn: whoever waits for several answers is judged again once, after all of them
		c.queue = c.queue[1:]
		j.queued = false
		if !j.compatible {
			continue
		}
		c.current = j
		if c.holds(c.step(j.pair)) {
			continue
		}
		j.compatible = false
		for _, asked := range j.askedBy {
			if asked.compatible && !asked.queued {
				asked.queued = true
				c.queue = append(c.queue, asked)
			}
		}
		j.askedBy = nil
	}
}

func (c *comparison) holds(o outcome) bool {
	for _, f := range o.found {
		if !ruleOf(f.rule).compatible() {
			return false
		}
	}
	ok := true
	for _, l := range o.links {
		ok = c.compatible(l.pair) && ok
	}
	return ok
}

// outcome of one step: the differences of a pair itself, and the pairs inside that must be compatible too.
type outcome struct {
	found []finding
	links []link
}

type finding struct {
	path string
	rule Rule
}

type link struct {
	path string
	pair pair
}

func (o *outcome) say(path string, r Rule) { o.found = append(o.found, finding{path, r}) }

// meet compares two subschemas; nil is an absent one.
func (o *outcome) meet(path string, old, updated *shape) {
	switch {
	case old == nil && updated == nil:
	case old == nil:
		o.say(path, "SCHEMA_ADDED")
	case updated == nil:
		o.say(path, "SCHEMA_REMOVED")
	default:
		o.links = append(o.links, link{path, pair{old, updated}})
	}
}

// report collects the differences of a settled comparison.
type report struct {
	*comparison
	walked      map[pair]bool
	said        map[Difference]bool
	differences []Difference
	refusing    int // how many of them are incompatible
}

// trail is the way to a pair, written out only where something is found.
type trail struct {
	before *trail
	tail   string
}

func (t *trail) pointer() string {
	var tails []string
	for ; t != nil; t = t.before {
		if t.tail != "" {
			tails = append(tails, t.tail)
		}
	}
	slices.Reverse(tails)
	return strings.Join(append([]string{"#"}, tails...), "/")
}

func (r *report) add(p pair, at *trail) {
	if r.walked[p] || !r.work.spend(10) {
		return
	}
	r.walked[p] = true
	o := r.step(p)
	if len(o.found) > 0 {
		pointer := at.pointer()
		r.work.spend(len(pointer) / 16)
		for _, f := range o.found {
			r.say(Difference{Rule: f.rule, Pointer: under(pointer, f.path), Compatible: ruleOf(f.rule).compatible()})
		}
	}
	for _, l := range o.links {
		r.add(l.pair, &trail{at, l.path})
	}
}

func (r *report) say(d Difference) {
	if r.said[d] || d.Compatible && len(r.differences)-r.refusing >= maxDifferences || !d.Compatible && r.refusing >= maxDifferences {
		return
	}
	r.said[d] = true
	r.differences = append(r.differences, d)
	if !d.Compatible {
		r.refusing++
	}
}

func under(path, tail string) string {
	if tail == "" {
		return path
	}
	return path + "/" + tail
}

// step compares two shapes, without what lies inside.
func (c *comparison) step(p pair) outcome {
	var o outcome
	old, updated := p.old, p.updated
	c.work.spend(20 + old.place.bulk + updated.place.bulk)
	if old.kind != kindCombined {
		if sub := c.fits(old, updated); sub != nil {
			o.meet("", old, sub)
			if len(updated.subs) > 1 {
				o.say("", "SUM_TYPE_EXTENDED")
			}
			return o
		}
	}
	if updated.kind != kindCombined {
		if sub := c.covers(old, updated); sub != nil {
			o.meet("", sub, updated)
			if len(old.subs) > 1 {
				o.say("", "PRODUCT_TYPE_NARROWED")
			}
			return o
		}
	}
	if old.kind != updated.kind {
		if old.kind != kindFalse && updated.kind != kindEmpty {
			o.say("", "TYPE_CHANGED")
		}
		return o
	}
	if c.reporting {
		annotations(&o, old, updated)
	}
	switch old.kind {
	case kindString:
		compareStrings(&o, old, updated)
	case kindNumber:
		compareNumbers(&o, old, updated)
	case kindObject:
		c.compareObjects(&o, old, updated)
	case kindArray:
		c.compareArrays(&o, old, updated)
	case kindEnum:
		c.compareEnums(&o, old, updated)
	case kindConst:
		if values := (evaluation{work: c.work}); !values.same(old.value("const"), updated.value("const")) {
			o.say("const", "ENUM_ARRAY_CHANGED")
		}
	case kindNot:
		if c.compatible(pair{updated.at("not"), old.at("not")}) { // what was forbidden is the wider one
			o.say("not", "NOT_TYPE_NARROWED")
		} else {
			o.say("not", "NOT_TYPE_EXTENDED")
		}
	case kindCombined:
		c.compareCombined(&o, old, updated)
	case kindEmpty, kindFalse, kindBoolean, kindNull, kindConditional: // nothing more to compare
	}
	return o
}

func annotations(o *outcome, old, updated *shape) {
	for _, a := range []struct {
		keyword string
		rule    Rule
	}{
		{"$id", "ID_CHANGED"},
		{"id", "ID_CHANGED"},
		{"title", "TITLE_CHANGED"},
		{"description", "DESCRIPTION_CHANGED"},
		{"default", "DEFAULT_CHANGED"},
	} {
		if !reflect.DeepEqual(old.value(a.keyword), updated.value(a.keyword)) {
			o.say("", a.rule)
		}
	}
}
