package mapping

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/lienthong/truc/problem"
)

// similar returns up to three of the names that resemble name, best first.
func similar(name string, names []string) []string {
	type candidate struct {
		name string
		d    int
	}
	var found []candidate
	folded := fold(name)
	for _, n := range names {
		f := fold(n)
		d := problem.Distance(folded, f)
		limit := (max(utf8.RuneCountInString(folded), utf8.RuneCountInString(f)) + 1) / 3
		if d <= limit || len(folded) >= 3 && (strings.Contains(f, folded) || len(f) >= 3 && strings.Contains(folded, f)) {
			found = append(found, candidate{n, d})
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return a.d - b.d })
	var out []string
	for _, c := range found[:min(len(found), 3)] {
		out = append(out, c.name)
	}
	return out
}

// suggestion is the fix for a name that does not exist: those that resemble it, or all when they are few.
func suggestion(name string, names []string) problem.Text {
	if s := similar(name, names); len(s) > 0 {
		return problem.Say("did you mean %s?", strings.Join(s, ", "))
	}
	sorted := slices.Sorted(slices.Values(names))
	if len(sorted) > 12 {
		return problem.Say("possible are %s, …", strings.Join(sorted[:12], ", "))
	}
	if len(sorted) == 0 {
		return problem.Say("remove it")
	}
	return problem.Say("possible are %s", strings.Join(sorted, ", "))
}

// fold makes hoTen, ho_ten and HO-TEN alike.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || r == ' ' {
			return -1
		}
		return r
	}, strings.ToLower(s))
}
