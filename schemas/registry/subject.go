package registry

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// DefaultContext is where subjects without a context are.
	DefaultContext = "."
	// AnyContext stands for all contexts in a prefix of subjects.
	AnyContext = "*"

	maxSubject = 512 // bytes
)

// Subject is the name under which the versions of one schema stand, within a context. In a context of its own it is written
// ":.context:name".
type Subject struct{ Context, Name string }

// ParseSubject reads a subject as clients write it. Name is "" for a context alone: ":.context:".
func ParseSubject(text string) Subject {
	if rest, ok := strings.CutPrefix(text, ":"); ok {
		if context, name, ok := strings.Cut(rest, ":"); ok && (strings.HasPrefix(context, ".") || context == AnyContext) {
			return Subject{context, name}
		}
	}
	return Subject{DefaultContext, text}
}

// String is the subject as clients write it.
func (s Subject) String() string {
	if s.Context == DefaultContext {
		return s.Name
	}
	return ":" + s.Context + ":" + s.Name
}

// valid reports whether versions can stand under the subject.
func (s Subject) valid() error {
	text := s.String()
	if s.Name == "" || s.Name == "__GLOBAL" || s.Name == "__EMPTY" || !s.plain() {
		return invalidSubject(strings.ToValidUTF8(text, "?"))
	}
	return nil
}

// plain reports whether the names can be stored and printed. A context alone may be plain.
func (s Subject) plain() bool {
	text := s.String()
	return s.Context != AnyContext && len(text) <= maxSubject && utf8.ValidString(text) && strings.IndexFunc(text, unicode.IsControl) < 0
}

// matches reports whether a subject begins with a prefix, which names a context, or all of them by ":*:".
func (s Subject) matches(prefix Subject) bool {
	return (prefix.Context == AnyContext || prefix.Context == s.Context) && strings.HasPrefix(s.Name, prefix.Name)
}
