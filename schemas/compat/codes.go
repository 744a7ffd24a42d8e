package compat

import (
	"slices"

	santhosh "github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/message"
)

// codesKeyword names the code list whose codes a text may be: its id, or {"id", "version"}. To a new version of a schema a
// list is what an enum is: one that only gained codes accepts what it accepted.
const codesKeyword = "x-danh-muc"

// codeList is a code list as a schema names it.
type codeList struct {
	id, version string
	known       bool
	codes       []string
	values      []any // the codes, of a list that is not long
	set         map[string]bool
}

// listOf reads the code list that a schema names, nil when it names none.
func (s *set) listOf(m map[string]any) *codeList {
	l := codeList{}
	switch named := m[codesKeyword].(type) {
	case string:
		l.id = named
	case map[string]any:
		l.id, _ = named["id"].(string)
		l.version, _ = named["version"].(string)
	}
	if l.id == "" {
		return nil
	}
	key := l.id + "\x00" + l.version
	if known := s.lists[key]; known != nil {
		return known
	}
	if s.world.Codes != nil {
		l.codes, l.known = s.world.Codes(l.id, l.version)
	}
	l.set = make(map[string]bool, len(l.codes))
	for _, c := range l.codes {
		l.set[c] = true
	}
	if len(l.codes) <= maxListed {
		l.values = anyOf(l.codes)
	}
	s.lists[key] = &l
	return &l
}

// within says that each code of l is one of m.
func (l *codeList) within(m *codeList) bool {
	if !l.known || !m.known {
		return l.id == m.id && l.version == m.version
	}
	return !slices.ContainsFunc(l.codes, func(c string) bool { return !m.set[c] })
}

// sameLists says that what both sets call by the same name is the same list.
func (s *set) sameLists(other *set) bool {
	for key, l := range s.lists {
		if m := other.lists[key]; m != nil && (!l.within(m) || !m.within(l)) {
			return false
		}
	}
	return true
}

// codesFollow says that what the premise knows of a text makes it a code of b's list.
func (a premise) codesFollow(b *place) bool {
	return b.list == nil || slices.ContainsFunc(a.speaking(), func(m *place) bool { return m.list != nil && m.list.within(b.list) })
}

// oddCodes are the codes of either set's lists that a list of the same id in the other lacks, some of each.
func oddCodes(w *work, sets ...*set) []any {
	const some = 20
	byID := map[string][]*codeList{}
	for _, s := range sets {
		for _, key := range sortedKeys(s.lists) {
			l := s.lists[key]
			byID[l.id] = append(byID[l.id], l)
		}
	}
	var out []any
	for _, id := range sortedKeys(byID) {
		for _, l := range byID[id] {
			for _, m := range byID[id] {
				n := 0
				for _, c := range l.codes {
					if !w.spend(1) || n == some {
						break
					}
					if m.known && !m.set[c] {
						n++
						out = append(out, c)
					}
				}
			}
		}
	}
	return out
}

// vocabulary lets the validator judge codes. It notes where it cannot, since a list is not known.
func (s *set) vocabulary(unsure *bool) *santhosh.Vocabulary {
	return &santhosh.Vocabulary{
		URL: "urn:truc:codes",
		Compile: func(_ *santhosh.CompilerContext, m map[string]any) (santhosh.SchemaExt, error) {
			if l := s.listOf(m); l != nil {
				return membership{l, unsure}, nil
			}
			return nil, nil //nolint:nilnil // what the validator expects of a vocabulary that has nothing to say
		},
	}
}

type membership struct {
	list   *codeList
	unsure *bool
}

// Validate refuses a text that is no code of the list.
func (m membership) Validate(ctx *santhosh.ValidatorContext, v any) {
	code, isText := v.(string)
	switch {
	case !isText:
	case !m.list.known:
		*m.unsure = true
	case !m.list.set[code]:
		ctx.AddError(noMember{})
	}
}

type noMember struct{}

func (noMember) KeywordPath() []string { return []string{codesKeyword} }

func (noMember) LocalizedString(*message.Printer) string { return "no code of the list" }
