package compat

import (
	"encoding/json"
	"fmt"

	"github.com/lienthong/truc/problem"
)

// Level says with which versions a new one must agree, and in which direction.
type Level string

// The levels of the registries of the field.
const (
	None               Level = "NONE"
	Backward           Level = "BACKWARD"            // the new version accepts what the latest accepted
	BackwardTransitive Level = "BACKWARD_TRANSITIVE" // … what any earlier one accepted
	Forward            Level = "FORWARD"             // the latest version accepts what the new one accepts
	ForwardTransitive  Level = "FORWARD_TRANSITIVE"
	Full               Level = "FULL" // both
	FullTransitive     Level = "FULL_TRANSITIVE"
)

// Levels lists all levels.
func Levels() []Level {
	return []Level{None, Backward, BackwardTransitive, Forward, ForwardTransitive, Full, FullTransitive}
}

func (l Level) backward() bool {
	return l == Backward || l == BackwardTransitive || l == Full || l == FullTransitive
}

func (l Level) forward() bool {
	return l == Forward || l == ForwardTransitive || l == Full || l == FullTransitive
}

func (l Level) transitive() bool {
	return l == BackwardTransitive || l == ForwardTransitive || l == FullTransitive
}

// Mode says whose judgement counts.
type Mode string

// The two judgements.
const (
	Strict Mode = "strict" // the rule table of Confluent Schema Registry
	Sound  Mode = "sound"  // what documents the two versions accept
)

// Verdict is the answer to a new version.
type Verdict struct {
	Compatible bool
	// Refusals hold one entry for each earlier version and direction that fails; none when Compatible.
	Refusals []Refusal
	// Work is what the judgement cost, in steps: the same for the same schemas, on each machine.
	Work int
}

// MaxWork is what one comparison of two versions in one direction can cost at most, in steps of some 50 ns.
const MaxWork = allSteps

// Refusal says why a new version cannot follow an earlier one.
type Refusal struct {
	// Version is the index in the history.
	Version int
	// Direction is Backward when the new version refuses a document of the earlier one, Forward in the other case.
	Direction Level
	// Differences are what the judgement rests on, the incompatible ones only.
	Differences []Difference
	// Witness is a document that the writer's version accepts and the reader's refuses; nil in strict mode, and when
	// none was found: then the versions were not proven to agree, and NotProven says why.
	Witness   json.RawMessage
	NotProven string
	// Pointer is the place in the reader's version that refuses the document, "#/properties/ten/maxLength"; in strict mode
	// the place of the first difference.
	Pointer string
	// Changes are edits of the new version after which this refusal is gone; nil when none were found in a moment.
	Changes []Change
	// Remedy is the smallest change that would pass.
	Remedy problem.Text
	// Fix is the English of Remedy.
	Fix string

	unproven problem.Text
}

// Change is one edit of the new version.
type Change struct {
	// Pointer is a place in the new version, "#/properties/ten/maxLength".
	Pointer string
	// Value is what stood there in the earlier version; nil to leave the place out.
	Value json.RawMessage
}

// Check judges a new version against the earlier ones, the oldest first. It fails for an unknown level or mode, and with
// ErrTooComplex.
func Check(level Level, mode Mode, updated *Document, history []*Document) (Verdict, error) {
	known := false
	for _, l := range Levels() {
		known = known || l == level
	}
	if !known {
		return Verdict{}, fmt.Errorf("%q is no compatibility level; use one of %v", level, Levels())
	}
	if mode != Strict && mode != Sound {
		return Verdict{}, fmt.Errorf("%q is no way of judging; use %s or %s", mode, Strict, Sound)
	}
	v := Verdict{Compatible: true}
	from := 0
	if !level.transitive() {
		from = max(0, len(history)-1)
	}
	judge := func(version int, direction Level, writer, reader *Document) error {
		w := newWork(allSteps)
		defer func() { v.Work += w.spent }()
		refusal, err := judgeOne(w, mode, writer, reader)
		if err != nil || refusal == nil {
			return err
		}
		refusal.Version, refusal.Direction = version, direction
		if refusal.Changes = mend(w, mode, direction, updated, history[version], refusal); len(refusal.Changes) > 0 {
			refusal.Remedy = changesText(refusal.Changes)
		} else if direction == Forward && refusal.Witness != nil {
			refusal.Remedy = problem.Say("change the new version until it refuses the document shown, as the earlier one does at %s", refusal.Pointer)
		}
		refusal.Fix = refusal.Remedy.EN
		v.Compatible = false
		v.Refusals = append(v.Refusals, *refusal)
		return nil
	}
	for i := len(history) - 1; i >= from; i-- {
		if level.backward() {
			if err := judge(i, Backward, history[i], updated); err != nil {
				return Verdict{Work: v.Work}, err
			}
		}
		if level.forward() {
			if err := judge(i, Forward, updated, history[i]); err != nil {
				return Verdict{Work: v.Work}, err
			}
		}
	}
	return v, nil
}

// judgeOne is nil when the reader accepts what the writer does.
func judgeOne(w *work, mode Mode, writer, reader *Document) (*Refusal, error) {
	if mode == Sound {
		return includes(w, writer, reader)
	}
	var differences []Difference
	var err error
	w.within(tableSteps, func() { differences, err = diff(w, writer, reader) })
	if err != nil {
		return nil, err
	}
	var refusal *Refusal
	for _, d := range differences {
		if d.Compatible {
			continue
		}
		if refusal == nil {
			refusal = &Refusal{Pointer: d.Pointer, Remedy: fixAt(d)}
		}
		refusal.Differences = append(refusal.Differences, d)
	}
	return refusal, nil
}
