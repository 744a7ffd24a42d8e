package governance

import (
	"slices"
	"strings"

	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas"
	"github.com/lienthong/truc/schemas/compat"
)

// Change is one difference between two versions, as a changelog tells it.
type Change struct {
	// Kind is "added", "removed", "changed", or "text" when documents are judged as before.
	Kind string `json:"kind"`
	// Where is the place in a document, "noiDangKy.ma"; "" is the document.
	Where string       `json:"where"`
	What  problem.Text `json:"what"`
}

// Comparison is what lies between two versions.
type Comparison struct {
	Changes []Change `json:"changes"`
	// Lists are the code lists that the newer version names in another version than the last before it.
	Lists []ListChange `json:"lists,omitempty"`
	// Judgement is that of the dataset's level; ByLevel says for each level whether the newer version may follow.
	Judgement Judgement       `json:"judgement"`
	ByLevel   map[string]bool `json:"byLevel"`
	// Bump is what the changes demand, and Needed the version that they make of the earlier one.
	Bump   Bump   `json:"-"`
	Demand string `json:"bump"`
	Needed string `json:"needed,omitempty"`
}

// Compare tells what lies between the earlier versions, the oldest first, and a newer one. Changes are those since the last of them.
func Compare(level compat.Level, mode compat.Mode, updated Text, earlier []Text) (*Comparison, error) {
	c := &Comparison{ByLevel: map[string]bool{}, Changes: []Change{}}
	refusals, err := refusalsOf(mode, updated, earlier)
	if err != nil {
		return nil, err
	}
	c.Judgement = verdict(level, mode, refusals)
	for _, l := range compat.Levels() {
		c.ByLevel[string(l)] = verdict(l, mode, refusals).Compatible
	}
	if len(earlier) == 0 {
		return c, nil
	}
	latest := earlier[len(earlier)-1]
	if c.Changes, err = Changes(updated, latest); err != nil {
		return nil, err
	}
	if c.Lists, err = listChanges(updated, latest); err != nil {
		return nil, err
	}
	if c.Bump, err = bumpOf(updated, latest, c.Judgement.Compatible); err != nil {
		return nil, err
	}
	c.Demand = c.Bump.String()
	if c.Bump != BumpNone && latest.Version != (Version{}) {
		c.Needed = latest.Version.After(c.Bump).String()
	}
	return c, nil
}

// Changes lists what is different in the newer version, place by place.
func Changes(updated, earlier Text) ([]Change, error) {
	then, err := fieldsOf(earlier)
	if err != nil {
		return nil, err
	}
	now, err := fieldsOf(updated)
	if err != nil {
		return nil, err
	}
	var out []Change
	if a, b := shown(then.key), shown(now.key); a != b {
		out = append(out, Change{"changed", "", problem.Say("key: %s, was %s", b, a)})
	}
	paths := append(sortedKeys(then.byPath), sortedKeys(now.byPath)...)
	slices.Sort(paths)
	for _, at := range slices.Compact(paths) {
		a, b := then.byPath[at], now.byPath[at]
		above := parent(at)
		switch {
		case a == nil && then.byPath[above] == nil, b == nil && now.byPath[above] == nil: // told by the place above
		case a == nil && b.required:
			out = append(out, Change{"added", at, problem.Say("new property, required: %s", b.title())})
		case a == nil:
			out = append(out, Change{"added", at, problem.Say("new property, optional: %s", b.title())})
		case b == nil:
			out = append(out, Change{"removed", at, problem.Say("the property is gone: %s", a.title())})
		default:
			out = append(out, changesAt(at, a, b)...)
		}
	}
	return out, nil
}

// parent is the place above a place.
func parent(at string) string {
	if inner, item := strings.CutSuffix(at, "[]"); item {
		return inner
	}
	if i := strings.LastIndexByte(at, '.'); i >= 0 {
		return at[:i]
	}
	return ""
}

func changesAt(at string, a, b *field) []Change {
	var out []Change
	switch {
	case b.required && !a.required:
		out = append(out, Change{"changed", at, problem.Say("it is required now")})
	case a.required && !b.required:
		out = append(out, Change{"changed", at, problem.Say("it is optional now")})
	}
	keywords := append(sortedKeys(a.facts), sortedKeys(b.facts)...)
	slices.Sort(keywords)
	for _, k := range slices.Compact(keywords) {
		x, before := a.facts[k]
		y, after := b.facts[k]
		if before == after && shown(x) == shown(y) {
			continue
		}
		kind := "changed"
		if remark(k) {
			kind = "text"
		}
		name := keywordText(k)
		switch added, gone := listed(x, y); {
		case !before:
			out = append(out, Change{kind, at, problem.Say("%s: %s, not said before", name, valueText(k, y))})
		case !after:
			out = append(out, Change{kind, at, problem.Say("%s: no longer said, was %s", name, valueText(k, x))})
		case k == "enum" && len(added)+len(gone) > 0:
			out = append(out, Change{kind, at, problem.Say("%s: added %s, removed %s", name, namesOrNone(added), namesOrNone(gone))})
		default:
			out = append(out, Change{kind, at, problem.Say("%s: %s, was %s", name, valueText(k, y), valueText(k, x))})
		}
	}
	return out
}

// listed are the values that a list has more and less than before.
func listed(x, y any) (added, gone []string) {
	before, _ := x.([]any)
	after, _ := y.([]any)
	has := func(list []any, v any) bool {
		return slices.ContainsFunc(list, func(o any) bool { return shown(o) == shown(v) })
	}
	for _, v := range after {
		if !has(before, v) {
			added = append(added, shown(v))
		}
	}
	for _, v := range before {
		if !has(after, v) {
			gone = append(gone, shown(v))
		}
	}
	return added, gone
}

func namesOrNone(names []string) problem.Text {
	if len(names) == 0 {
		return problem.Say("nothing")
	}
	return problem.Verbatim(strings.Join(names, ", "))
}

func valueText(keyword string, v any) problem.Text {
	if keyword == classKeyword {
		switch v {
		case schemas.ClassPublic:
			return problem.Say("not personal (%s)", v)
		case schemas.ClassBasic:
			return problem.Say("basic personal data (%s)", v)
		case schemas.ClassSensitive:
			return problem.Say("sensitive personal data (%s)", v)
		}
	}
	if keyword == "additionalProperties" && v == false {
		return problem.Say("forbidden")
	}
	return problem.Verbatim(shown(v))
}

// keywordText is a keyword in the words of people who do not program.
func keywordText(k string) problem.Text {
	switch k {
	case "type":
		return problem.Say("type")
	case "format":
		return problem.Say("format")
	case "pattern":
		return problem.Say("pattern")
	case "enum":
		return problem.Say("allowed values")
	case "const":
		return problem.Say("the only value")
	case "minLength":
		return problem.Say("least number of characters")
	case "maxLength":
		return problem.Say("largest number of characters")
	case "minItems":
		return problem.Say("least number of entries")
	case "maxItems":
		return problem.Say("largest number of entries")
	case "minimum":
		return problem.Say("smallest value")
	case "maximum":
		return problem.Say("largest value")
	case "additionalProperties":
		return problem.Say("other properties")
	case codesKeyword:
		return problem.Say("code list")
	case classKeyword:
		return problem.Say("data class")
	case "x-can-cu":
		return problem.Say("legal ground")
	case "x-nguon":
		return problem.Say("source")
	case "title":
		return problem.Say("title (vi)")
	case "x-title-en":
		return problem.Say("title (en)")
	case "description":
		return problem.Say("description (vi)")
	case "x-description-en":
		return problem.Say("description (en)")
	case LevelKeyword:
		return problem.Say("compatibility level")
	case RetentionKeyword:
		return problem.Say("retention")
	case ErasureKeyword:
		return problem.Say("rule of erasure")
	}
	return problem.Verbatim(k)
}
