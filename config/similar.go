package config

import (
	"strings"

	"github.com/lienthong/truc/problem"
)

// Similar returns the known word that a mistyped one most likely means, or "" when none is close.
func Similar(word string, known []string) string {
	best, bestDistance := "", 1+len([]rune(word))/3
	folded := fold(word)
	for _, k := range known {
		if fold(k) == folded {
			return k
		}
		if d := problem.Distance(folded, fold(k)); d <= bestDistance && (best == "" || d < bestDistance) {
			best, bestDistance = k, d
		}
	}
	return best
}

// fold makes snake_case, kebab-case and camelCase spellings of a word equal.
func fold(s string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(s))
}
