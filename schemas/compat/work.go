package compat

import (
	"encoding/json"
	"math/big"
	"regexp"
	"regexp/syntax"
)

// What a comparison may cost, in steps of some 50 ns: a part of a second for all of them together. Proof, table, search and
// suggestions have shares of their own, so that what one of them cannot afford does not silence the others.
const (
	tableSteps  = 6_000_000 // where the rule table is the judge
	proofSteps  = 4_000_000
	besideSteps = 2_000_000 // of the table, where it only adds to what a document shows
	searchSteps = 4_000_000
	mendSteps   = 2_000_000
	allSteps    = proofSteps + besideSteps + searchSteps + mendSteps
)

// work is what a comparison may cost still. Steps are counted, not timed: a verdict is the same on each machine.
type work struct {
	left, spent int
	patterns    map[string]*pattern
	keys        map[*place]map[string]bool // the values of an enum
}

func newWork(steps int) *work {
	return &work{left: steps, patterns: map[string]*pattern{}, keys: map[*place]map[string]bool{}}
}

// spend takes steps and says whether any are left.
func (w *work) spend(steps int) bool {
	w.left -= steps
	w.spent += steps
	return w.left > 0
}

func (w *work) over() bool { return w.left <= 0 }

// within lets a part of the comparison cost no more than some steps of those that are left.
func (w *work) within(steps int, part func()) {
	before := w.left
	granted := min(before, steps)
	w.left = granted
	part()
	w.left += before - granted
}

// values are the values of a place's enum by their keys; ok is false when the steps do not suffice for them.
func (w *work) values(p *place) (values map[string]bool, ok bool) {
	if known := w.keys[p]; known != nil {
		return known, true
	}
	list, _ := p.object()["enum"].([]any)
	values = make(map[string]bool, len(list))
	for _, v := range list {
		if values[w.key(v)] = true; w.over() {
			return nil, false
		}
	}
	w.keys[p] = values
	return values, true
}

// key is valueKey, counted.
func (w *work) key(v any) string {
	key := valueKey(v)
	if _, isText := v.(string); isText {
		w.spend(4 + len(key)/16)
	} else {
		w.spend(4 + len(key)/2)
	}
	return key
}

// decimal is decimal, counted.
func (w *work) decimal(n json.Number) *big.Rat {
	w.spend(8 + len(n))
	if !isPlainInteger(string(n)) {
		w.spend(80)
	}
	return decimal(n)
}

// Patterns beyond these bounds are compared by their text and not run.
const (
	maxPattern     = 2000 // bytes
	maxPatternSize = 5000 // steps of the automaton, with all repetitions written out
)

// pattern is a regular expression that is run in bounded time.
type pattern struct {
	re      *regexp.Regexp // nil when it is none, or too large
	invalid bool           // it is none
	size    int
}

func (w *work) pattern(text string) *pattern {
	known := w.patterns[text]
	if known == nil {
		known = newPattern(text)
		w.spend(40 + len(text) + 8*known.size)
		w.patterns[text] = known
	}
	return known
}

func newPattern(text string) *pattern {
	if len(text) > maxPattern {
		return &pattern{}
	}
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return &pattern{invalid: true}
	}
	p := &pattern{size: sizeOf(tree)}
	if p.size > maxPatternSize {
		p.size = 0
		return p
	}
	if p.re, err = regexp.Compile(text); err != nil {
		p.invalid = true
	}
	return p
}

// sizeOf counts the steps of a pattern with all repetitions written out, up to a little more than maxPatternSize.
func sizeOf(re *syntax.Regexp) int {
	n := 1
	if re.Op == syntax.OpLiteral {
		n = len(re.Rune)
	}
	for _, sub := range re.Sub {
		n += sizeOf(sub)
	}
	if re.Op == syntax.OpRepeat {
		n *= max(re.Min, re.Max, 1)
	}
	return min(n, maxPatternSize+1)
}

// matches runs the pattern; known is false when it cannot be run.
func (w *work) matches(text, value string) (matched, known bool) {
	p := w.pattern(text)
	if p.re == nil || !w.spend(2+len(value)*p.size/4) {
		return false, false
	}
	return p.re.MatchString(value), true
}
