package mapping

import (
	"slices"
	"strings"
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
func suggestion(name string, names []string) string {
	if s := similar(name, names); len(s) > 0 {
		return "did you mean " + strings.Join(s, ", ") + "?"
	}
	sorted := slices.Sorted(slices.Values(names))
	if len(sorted) > 12 {
		return "possible are " + strings.Join(sorted[:12], ", ") + ", …"
	}
	if len(sorted) == 0 {
		return "remove it"
	}
	return "possible are " + strings.Join(sorted, ", ")
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

// distance is Levenshtein's, in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = min(diagonal, row[j], row[j+1]) + 1
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
