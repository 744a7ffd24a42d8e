package schemas

import (
	"regexp/syntax"

	"github.com/lienthong/truc/problem"
)

// RE2 matches in linear time, but a short pattern with nested repetitions can compile to gigabytes. A pattern's
// size is the number of single-character steps it expands to.
const (
	maxPatternLength = 512
	maxPatternSize   = 5_000
	maxPatternsSize  = 100_000 // of all patterns of a file
)

func (p *parser) pattern(pattern, at string) {
	if len(pattern) > maxPatternLength {
		p.unsafe = true
		p.add("schema.pattern", at, problem.Say("the pattern is longer than %d bytes", maxPatternLength), problem.Say("shorten it; a long list of alternatives belongs in a code list (x-danh-muc)"))
		return
	}
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		p.unsafe = true
		p.add("schema.pattern", at, problem.Say("the pattern is not a regular expression in RE2 syntax"), problem.Say("correct it; look-ahead and back-references do not exist in RE2"))
		return
	}
	size := patternSize(re)
	p.patterns += size
	if size > maxPatternSize || p.patterns > maxPatternsSize {
		p.unsafe = true
		p.add("schema.pattern", at, problem.Say("the pattern expands to too many steps"), problem.Say("lower its repetition counts, or bound the text with maxLength instead"))
	}
}

// patternSize never exceeds maxPatternSize by more than one factor, however repetitions are nested.
func patternSize(re *syntax.Regexp) int {
	size := max(1, len(re.Rune))
	for _, sub := range re.Sub {
		size += patternSize(sub)
	}
	if re.Op == syntax.OpRepeat {
		size *= max(re.Min, re.Max, 1)
	}
	return min(size, maxPatternSize+1)
}
