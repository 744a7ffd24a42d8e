package compat

import "reflect"

const (
	maxSteps       = 2_000_000
	maxDifferences = 1000
)

// Diff lists what changed from the old to the new version, judged by the rule table: a document that the old version
// accepts is accepted by the new one when every difference is compatible. It fails with ErrTooComplex only.
func Diff(old, updated *Document) ([]Difference, error) {
	c := &comparison{table: map[pair]*judgement{}}
	root := pair{shapeOf(old.root), shapeOf(updated.root)}
	c.compatible(root)
	if !c.settle() {
		return nil, tooComplex(old, updated)
	}
	r := report{comparison: c, walked: map[pair]bool{}, said: map[Difference]bool{}}
	r.add(root, "#")
	return r.differences, nil
}

// pair is an old and a new shape that meet; nil stands for an absent schema.
type pair struct{ old, updated *shape }

// judgement is what is believed about a pair: compatible until a step finds otherwise.
type judgement struct {
	compatible, queued bool
	askedBy            map[pair]bool
}

// comparison finds the greatest fixed point: all pairs are believed compatible, and whoever relied on a pair that
// turns out not to be is judged again. Recursive schemas and unions of many types need no special care then, and each
// pair is judged a bounded number of times.
type comparison struct {
	table   map[pair]*judgement
	queue   []pair
	current pair
	steps   int
}

func (c *comparison) compatible(p pair) bool {
	j := c.table[p]
	if j == nil {
		j = &judgement{compatible: true, queued: true, askedBy: map[pair]bool{}}
		c.table[p] = j
		c.queue = append(c.queue, p)
	}
	j.askedBy[c.current] = true
	c.steps++
	return j.compatible
}

// settle says that it came to an end.
func (c *comparison) settle() bool {
	for len(c.queue) > 0 {
		if c.steps > maxSteps {
			return false
		}
		p := c.queue[0] // in turn: whoever waits for several answers is judged again once, after all of them
		c.queue = c.queue[1:]
		j := c.table[p]
		j.queued = false
		if !j.compatible {
			continue
		}
		c.current = p
		if c.holds(c.step(p)) {
			continue
		}
		j.compatible = false
		for q := range j.askedBy {
			if k := c.table[q]; k != nil && k.compatible && !k.queued {
				k.queued = true
				c.queue = append(c.queue, q)
			}
		}
	}
	return true
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
}

func (r *report) add(p pair, path string) {
	if r.walked[p] || len(r.differences) >= maxDifferences {
		return
	}
	r.walked[p] = true
	o := r.step(p)
	for _, f := range o.found {
		d := Difference{Rule: f.rule, Pointer: under(path, f.path), Compatible: ruleOf(f.rule).compatible()}
		if !r.said[d] {
			r.said[d] = true
			r.differences = append(r.differences, d)
		}
	}
	for _, l := range o.links {
		r.add(l.pair, under(path, l.path))
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
	annotations(&o, old, updated)
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
		compareEnums(&o, old, updated)
	case kindConst:
		if !equal(old.value("const"), updated.value("const")) {
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
