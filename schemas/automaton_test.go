package schemas

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func requireSameMatch(t interface {
	Helper()
	Errorf(string, ...any)
}, pattern, text string,
) {
	t.Helper()
	re, err := regexp.Compile(pattern)
	if err != nil {
		return
	}
	a, err := newAutomaton(pattern)
	if err != nil {
		t.Errorf("pattern %q: %v", pattern, err)
		return
	}
	if got, want := a.match([]byte(text)), re.MatchString(text); got != want {
		t.Errorf("pattern %q, text %q: automaton %v, regexp %v", pattern, text, got, want)
	}
}

func TestAutomatonMatchesAsRegexpDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := patternGen(3).Draw(t, "pattern")
		for range 10 {
			requireSameMatch(t, pattern, rapid.OneOf(rapid.StringMatching("[ab0-9\\-]{0,8}"), rapid.StringMatching("[abạ\\n]{0,4}"), rapid.SampledFrom(textValues)).Draw(t, "text"))
		}
	})
}

func TestAutomatonOnKnownPatterns(t *testing.T) {
	for _, pattern := range patterns {
		for _, text := range textValues {
			requireSameMatch(t, pattern, text)
		}
	}
}

func patternGen(depth int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		if depth == 0 {
			return rapid.SampledFrom([]string{"a", "b", "[0-9]", "[^a]", ".", "ạ", "^", "$", "-", `\d`, `\b`, "(?i:A)", "(?s:.)", "(?m:^a$)", ""}).Draw(t, "atom")
		}
		inner := patternGen(depth - 1)
		one := inner.Draw(t, "one")
		switch rapid.IntRange(0, 4).Draw(t, "operator") {
		case 0:
			return one + inner.Draw(t, "two")
		case 1:
			return "(" + one + "|" + inner.Draw(t, "two") + ")"
		case 2:
			return "(" + one + ")" + rapid.SampledFrom([]string{"?", "*", "+", "{2}", "{1,3}", "*?"}).Draw(t, "repetition")
		case 3:
			return "^" + one + "$"
		}
		return one
	})
}

// The patterns of the built-in schemas run on the table, without regexp.
func TestAutomatonCoversBuiltinPatterns(t *testing.T) {
	patterns := 0
	for _, f := range birth(t).file.reached() {
		for _, s := range f.all {
			if s.pattern == "" {
				continue
			}
			patterns++
			a, err := newAutomaton(s.pattern)
			if err != nil || a.next == nil {
				t.Errorf("pattern %q needs regexp (%v)", s.pattern, err)
			}
		}
	}
	if patterns == 0 {
		t.Error("no pattern was looked at")
	}
	if a, err := newAutomaton("^[ab]{300}$"); err != nil || a.next != nil || !a.match([]byte(strings.Repeat("ab", 150))) {
		t.Error("a pattern with too many states does not fall back to regexp")
	}
}

func FuzzAutomaton(f *testing.F) {
	for _, p := range patterns {
		for _, text := range textValues {
			f.Add(p, text)
		}
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if len(pattern) < 40 {
			requireSameMatch(t, pattern, text)
		}
	})
}
