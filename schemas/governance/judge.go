package governance

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas/compat"
)

// DefaultLevel is the compatibility of datasets that name no level.
const DefaultLevel = compat.FullTransitive

// Text is a version of a dataset: the schema and the shared types it uses, by $id.
type Text struct {
	// Name is how people call it: "hotich.khaisinh.v1@1.0.0", or a file.
	Name    string
	Version Version
	Schema  []byte
	Types   map[string][]byte
}

// Judgement says whether a version may follow the earlier ones.
type Judgement struct {
	Level      compat.Level `json:"level"`
	Mode       compat.Mode  `json:"mode"`
	Compatible bool         `json:"compatible"`
	Refusals   []Refusal    `json:"refusals,omitempty"`
}

// Refusal says with which earlier version, and how, a version does not get along.
type Refusal struct {
	// With is the earlier version.
	With string `json:"with"`
	// Direction is BACKWARD when readers of the new version break, FORWARD when those of the earlier one do, "" when both.
	Direction compat.Level `json:"direction,omitempty"`
	// What says what breaks.
	What problem.Text `json:"what"`
	// Document is accepted by the writer's version and refused by the reader's; nil when there is none to show.
	Document json.RawMessage `json:"document,omitempty"`
	// Fix is the smallest change that would pass.
	Fix problem.Text `json:"fix"`
}

// LevelOf is the level that a schema declares, DefaultLevel without one.
func LevelOf(schema []byte) (compat.Level, error) {
	v, err := decode(schema)
	if err != nil {
		return "", err
	}
	m, _ := v.(map[string]any)
	declared, given := m[LevelKeyword]
	if !given {
		return DefaultLevel, nil
	}
	name, _ := declared.(string)
	if level := compat.Level(name); slices.Contains(compat.Levels(), level) {
		return level, nil
	}
	return "", problem.Problem{
		Code: "governance.level", Where: "#/" + LevelKeyword, What: problem.Say("%v is no compatibility level", declared),
		Fix: problem.Say("use one of %s", joined(compat.Levels())),
	}
}

func joined[T ~string](all []T) string {
	out := make([]string, len(all))
	for i, t := range all {
		out[i] = string(t)
	}
	return strings.Join(out, ", ")
}

// Judge asks whether a version may follow the earlier ones, the oldest first.
//
// Under compat.Sound producers are held to the closed schema and consumers read by the open one: a property that a reader does not
// know is no fault, so that an optional one can be added. Under compat.Strict the texts are compared as they are, as the registries
// of the field do.
func Judge(level compat.Level, mode compat.Mode, updated Text, earlier []Text) (Judgement, error) {
	if !strings.HasSuffix(string(level), "TRANSITIVE") {
		earlier = earlier[max(0, len(earlier)-1):]
	}
	refusals, err := refusalsOf(mode, updated, earlier)
	return verdict(level, mode, refusals), err
}

// refusalsOf judges against each earlier version, in both directions.
func refusalsOf(mode compat.Mode, updated Text, earlier []Text) ([][]Refusal, error) {
	out := make([][]Refusal, len(earlier))
	for i := range earlier {
		var err error
		if out[i], err = judgePair(mode, updated, earlier[i]); err != nil {
			return nil, fmt.Errorf("compare %s with %s: %w", updated.Name, earlier[i].Name, err)
		}
	}
	return out, nil
}

// verdict takes out of all refusals, those of the oldest version first, what counts at a level.
func verdict(level compat.Level, mode compat.Mode, all [][]Refusal) Judgement {
	j := Judgement{Level: level, Mode: mode}
	if !strings.HasSuffix(string(level), "TRANSITIVE") {
		all = all[max(0, len(all)-1):]
	}
	for i := len(all) - 1; i >= 0 && level != compat.None; i-- {
		for _, r := range all[i] {
			if includes(level, r.Direction) {
				j.Refusals = append(j.Refusals, r)
			}
		}
	}
	j.Compatible = len(j.Refusals) == 0
	return j
}

func judgePair(mode compat.Mode, updated, earlier Text) ([]Refusal, error) {
	refusals, err := beside(updated, earlier)
	if err != nil {
		return nil, err
	}
	for _, direction := range []compat.Level{compat.Backward, compat.Forward} {
		// Who reads by a version reads by the open schema.
		now, err := parsed(updated, mode == compat.Sound && direction == compat.Backward)
		if err != nil {
			return nil, err
		}
		then, err := parsed(earlier, mode == compat.Sound && direction == compat.Forward)
		if err != nil {
			return nil, err
		}
		verdict, err := compat.Check(direction, mode, now, []*compat.Document{then})
		if err != nil {
			return nil, err
		}
		for _, r := range verdict.Refusals {
			refusals = append(refusals, Refusal{
				With: earlier.Name, Direction: direction, What: broken(direction, updated, earlier), Document: r.Witness, Fix: r.Remedy,
			})
		}
	}
	return refusals, nil
}

func broken(direction compat.Level, updated, earlier Text) problem.Text {
	if direction == compat.Backward {
		return problem.Say("whoever reads by %s cannot read all that was written by %s", updated.Name, earlier.Name)
	}
	return problem.Say("whoever reads by %s cannot read all that is written by %s", earlier.Name, updated.Name)
}

func includes(level, direction compat.Level) bool {
	return strings.HasPrefix(string(level), string(direction)) || strings.HasPrefix(string(level), "FULL")
}

func parsed(t Text, open bool) (*compat.Document, error) {
	read := func(text []byte) ([]byte, error) {
		text, err := versionless(text)
		if err != nil || !open {
			return text, err
		}
		return opened(text)
	}
	schema, err := read(t.Schema)
	if err != nil {
		return nil, err
	}
	types := map[string][]byte{}
	for id, text := range t.Types {
		if types[id], err = read(text); err != nil {
			return nil, err
		}
	}
	return compat.Parse(schema, types)
}

// beside judges what schemas do not say to validators: the key, by which events are told apart, and code lists.
func beside(updated, earlier Text) ([]Refusal, error) {
	then, err := fieldsOf(earlier)
	if err != nil {
		return nil, err
	}
	now, err := fieldsOf(updated)
	if err != nil {
		return nil, err
	}
	var refusals []Refusal
	if a, b := shown(then.key), shown(now.key); a != b {
		refusals = append(refusals, Refusal{
			With: earlier.Name,
			What: problem.Say("the key is %s now, and was %s: the same entity would go by two keys on the bus", b, a), Fix: problem.Say("keep the key %s", a),
		})
	}
	for _, at := range sortedKeys(then.byPath) {
		f, still := now.byPath[at]
		if !still {
			continue
		}
		a, b := listID(then.byPath[at].facts[codesKeyword]), listID(f.facts[codesKeyword])
		if a == b {
			v, named := listVersion(then.byPath[at].facts[codesKeyword])
			if w, still := listVersion(f.facts[codesKeyword]); named && still && w.Compare(v) < 0 {
				refusals = append(refusals, Refusal{
					With: earlier.Name, Direction: compat.Backward,
					What: problem.Say("%s takes the codes of %s %s only, and %s those of %s", shownPath(at), b, w, earlier.Name, v),
					Fix:  problem.Say("name the version %s of the list, or a later one", v),
				})
			}
			continue
		}
		if b != "" {
			refusals = append(refusals, Refusal{
				With: earlier.Name, Direction: compat.Backward,
				What: problem.Say("%s takes codes of %s only, and %s allowed others", shownPath(at), b, earlier.Name),
				Fix:  keepCodes(at, a),
			})
		}
		if a != "" {
			refusals = append(refusals, Refusal{
				With: earlier.Name, Direction: compat.Forward,
				What: problem.Say("%s takes what is no code of %s, and readers of %s know those only", shownPath(at), a, earlier.Name),
				Fix:  keepCodes(at, a),
			})
		}
	}
	return refusals, nil
}

func keepCodes(at, list string) problem.Text {
	if list == "" {
		return problem.Say("leave %s out at %s; a new code is a new version of a list, not another list", codesKeyword, shownPath(at))
	}
	return problem.Say("keep %s: %s at %s; a new code is a new version of the list, not another list", codesKeyword, list, shownPath(at))
}

// bumpOf is what a change demands, given whether it is compatible.
func bumpOf(updated, latest Text, compatible bool) (Bump, error) {
	if sum(updated.Schema) == sum(latest.Schema) && maps.EqualFunc(updated.Types, latest.Types, func(a, b []byte) bool { return sum(a) == sum(b) }) {
		return BumpNone, nil
	}
	if !compatible {
		return BumpMajor, nil
	}
	same, err := judgesAlike(updated, latest)
	if err != nil || !same {
		return BumpMinor, err
	}
	return BumpPatch, nil
}

func judgesAlike(a, b Text) (bool, error) {
	if len(a.Types) != len(b.Types) {
		return false, nil
	}
	pairs := [][2][]byte{{a.Schema, b.Schema}}
	for id := range a.Types {
		other, both := b.Types[id]
		if !both {
			return false, nil
		}
		pairs = append(pairs, [2][]byte{a.Types[id], other})
	}
	for _, p := range pairs {
		x, err := bare(p[0])
		if err != nil {
			return false, err
		}
		y, err := bare(p[1])
		if err != nil {
			return false, err
		}
		if string(x) != string(y) {
			return false, nil
		}
	}
	return true, nil
}
