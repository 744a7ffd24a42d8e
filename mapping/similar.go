package mapping

import (
	"slices"
	"strings"

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
		d := distance(folded, f)
		limit := (max(len(folded), len(f)) + 1) / 3
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

// distance counts the insertions, deletions, replacements and swaps of neighbours that turn a into b, in bytes.
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before, last, row = last, row, before
		row[0] = i + 1
		for j := range len(b) {
			row[j+1] = last[j]
			if a[i] != b[j] {
				row[j+1] = min(last[j], last[j+1], row[j]) + 1
			}
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}
	return row[len(b)]
}
