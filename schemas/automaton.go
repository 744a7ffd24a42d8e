package schemas

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
)

// automaton matches a pattern as package regexp does, one table look-up a byte. Text beyond ASCII, and patterns whose
// table would be large or that look around (\b, multi-line), are left to regexp.
type automaton struct {
	next   [][128]uint8 // by state: the state after an ASCII character; state 0 never matches any more
	atEnd  []bool       // by state: the text may end here
	regexp *regexp.Regexp
}

const maxStates = 256

func newAutomaton(pattern string) (*automaton, error) {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, err
	}
	a := &automaton{regexp: re}
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil, err
	}
	prog, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return nil, err
	}
	if !a.build(prog) {
		a.next = nil
	}
	return a, nil
}

func (a *automaton) match(s []byte) bool {
	if a.next == nil {
		return a.regexp.Match(s)
	}
	state, all := uint8(1), byte(0)
	for _, c := range s {
		all |= c
		state = a.next[state][c&127]
	}
	if all >= 128 {
		return a.regexp.Match(s)
	}
	return a.atEnd[state]
}

// build makes the table by subset construction: a state is the set of instructions that may come next.
func (a *automaton) build(prog *syntax.Prog) bool {
	for _, inst := range prog.Inst {
		if inst.Op == syntax.InstEmptyWidth && syntax.EmptyOp(inst.Arg)&^(syntax.EmptyBeginText|syntax.EmptyEndText) != 0 {
			return false
		}
	}
	n := subsets{prog: prog, ids: map[string]uint8{}}
	a.add(&n, nil, false) // the dead state, number 0
	start := []uint32{uint32(prog.Start)}
	a.add(&n, n.closure(start, syntax.EmptyBeginText), true)
	for state := 1; state < len(n.sets); state++ {
		for c := range rune(128) {
			if n.matches(n.sets[state]) { // matched, whatever follows
				a.next[state][c] = uint8(state)
				continue
			}
			// A search may begin at every position: the start joins each set. Anchored, it goes nowhere from there.
			into := n.closure(append(n.after(n.sets[state], c), start...), 0)
			id, known := n.ids[key(into)]
			if !known {
				if len(n.sets) == maxStates {
					return false
				}
				id = a.add(&n, into, false)
			}
			a.next[state][c] = id
		}
	}
	return true
}

// subsets holds the states found so far.
type subsets struct {
	prog *syntax.Prog
	sets [][]uint32
	ids  map[string]uint8
}

func (a *automaton) add(n *subsets, set []uint32, first bool) uint8 {
	id := uint8(len(n.sets))
	n.sets = append(n.sets, set)
	// The first state alone knows that it stands at the beginning, so no other position may come back to it.
	at := syntax.EmptyEndText
	if first {
		at |= syntax.EmptyBeginText
	} else {
		n.ids[key(set)] = id
	}
	a.next = append(a.next, [128]uint8{})
	a.atEnd = append(a.atEnd, n.matches(n.closure(set, at)))
	return id
}

func key(set []uint32) string {
	var k []byte
	for _, pc := range set {
		k = strconv.AppendUint(append(k, ','), uint64(pc), 10)
	}
	return string(k)
}

// closure follows instructions that consume nothing, under the conditions that hold at this position.
func (n *subsets) closure(from []uint32, holds syntax.EmptyOp) []uint32 {
	seen := map[uint32]bool{}
	var out []uint32
	var visit func(uint32)
	visit = func(pc uint32) {
		if seen[pc] {
			return
		}
		seen[pc] = true
		switch inst := n.prog.Inst[pc]; inst.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			visit(inst.Out)
			visit(inst.Arg)
		case syntax.InstCapture, syntax.InstNop:
			visit(inst.Out)
		case syntax.InstEmptyWidth:
			if syntax.EmptyOp(inst.Arg)&^holds == 0 {
				visit(inst.Out)
			} else if syntax.EmptyOp(inst.Arg)&^(holds|syntax.EmptyEndText) == 0 {
				out = append(out, pc) // the end may still come
			}
		case syntax.InstFail:
		default:
			out = append(out, pc)
		}
	}
	for _, pc := range from {
		visit(pc)
	}
	slices.Sort(out)
	return out
}

func (n *subsets) after(set []uint32, c rune) []uint32 {
	var out []uint32
	for _, pc := range set {
		inst := &n.prog.Inst[pc]
		switch inst.Op {
		case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
			if inst.MatchRune(c) {
				out = append(out, inst.Out)
			}
		}
	}
	return out
}

func (n *subsets) matches(set []uint32) bool {
	return slices.ContainsFunc(set, func(pc uint32) bool { return n.prog.Inst[pc].Op == syntax.InstMatch })
}
