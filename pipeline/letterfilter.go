package pipeline

import (
	"slices"
	"strings"
	"time"
)

// LetterFilter says which dead letters are meant. What is empty does not limit.
type LetterFilter struct {
	// Keys are keyed hashes (KeyHash).
	Keys []string
	// Reason is the reason of the letter ("violation", "unique"), or the rule of one of its violations ("pattern").
	Reason string
	// Field is a JSON pointer, or a dotted path: that field and what is below it. A * stands for any place in a list.
	Field string
	// Group is the error group of a violation.
	Group string
	// Since leaves out what is open for longer.
	Since time.Time
}

// IsZero reports whether all letters are meant.
func (f *LetterFilter) IsZero() bool {
	return len(f.Keys) == 0 && f.Reason == "" && f.Field == "" && f.Group == "" && f.Since.IsZero()
}

// Match reports whether a letter is meant. A rule, a field and a group must come together in one violation.
func (f *LetterFilter) Match(o *OpenLetter) bool {
	if len(f.Keys) > 0 && !slices.Contains(f.Keys, o.Key) || o.Since.Before(f.Since) {
		return false
	}
	if f.Field == "" && f.Group == "" && (f.Reason == "" || f.Reason == o.Letter.Reason) {
		return true
	}
	field := FieldPattern(f.Field)
	return slices.ContainsFunc(o.Letter.Violations, func(v LetterViolation) bool {
		at := FieldPattern(v.Field)
		return (f.Reason == "" || f.Reason == v.Rule || f.Reason == o.Letter.Reason) &&
			(field == "" || at == field || strings.HasPrefix(at, field+"/")) &&
			(f.Group == "" || f.Group == v.Group)
	})
}

// FieldPattern makes pointers into different places of a list one: /cha/0/ten becomes /cha/*/ten. A dotted path becomes a
// pointer.
func FieldPattern(field string) string {
	if field == "" {
		return ""
	}
	if field[0] != '/' {
		field = "/" + strings.ReplaceAll(field, ".", "/")
	}
	tokens := strings.Split(field, "/")
	for i, t := range tokens {
		if t != "" && strings.Trim(t, "0123456789") == "" {
			tokens[i] = "*"
		}
	}
	return strings.Join(tokens, "/")
}
