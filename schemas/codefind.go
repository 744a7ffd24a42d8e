package schemas

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/lienthong/truc/schemas/match"
)

// codeNames finds entries of a code list by code, name and alias. The maps are from the strictest to the loosest way to
// compare; what is found in one is not looked for in the next: "Thổ" is one people, "Tho" may be several.
type codeNames struct {
	exact []int // 0, 1, 2, …: slices of it are what is found by code
	// written is by text in small letters, folded by text without marks, spelled by match.Name, without the codes.
	written, folded, spelled map[string][]int
}

func namesOf(l *CodeList) *codeNames {
	n := &codeNames{written: map[string][]int{}, folded: map[string][]int{}, spelled: map[string][]int{}}
	add := func(m map[string][]int, key []byte, i int) {
		if is := m[string(key)]; len(key) > 0 && (len(is) == 0 || is[len(is)-1] != i) {
			m[string(key)] = append(is, i)
		}
	}
	for i, c := range l.codes {
		n.exact = append(n.exact, i)
		for j, name := range append([]string{c.Code, c.VI, c.EN}, c.Aliases...) {
			text := []byte(strings.Join(strings.Fields(norm.NFC.String(name)), " "))
			folded, _ := match.AppendFolded(nil, text)
			add(n.written, match.AppendLower(nil, text), i)
			add(n.folded, folded, i)
			if j > 0 {
				add(n.spelled, match.AppendName(nil, text), i)
			}
		}
	}
	return n
}

// Find returns the places in Codes of the entries that a text means: none, one, or several when the text does not tell them
// apart. It compares codes, names and aliases: as they are, then without case, then without marks, then by their sound (i and
// y, k and c) without blanks and hyphens. The text is NFC without blanks around it; keys are made behind buf, so that a buffer
// with room for three times the text spares memory.
func (l *CodeList) Find(text, buf []byte) []int {
	n := l.names()
	if i, ok := l.index[string(text)]; ok {
		return n.exact[i : i+1]
	}
	buf = match.AppendLower(buf[:0], text)
	if found := n.written[string(buf)]; found != nil {
		return found
	}
	buf, ok := match.AppendFolded(buf[:0], text)
	if found := n.folded[string(buf)]; found != nil || !ok || !isName(text) {
		return found
	}
	return n.spelled[string(match.AppendName(buf[:0], text))]
}

// isName reports whether a text is letters and what stands between words: in "A-" and "A?" the sign may be what matters.
func isName(text []byte) bool {
	letters := false
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		i += size
		switch {
		case unicode.IsLetter(r) || unicode.Is(unicode.Mn, r):
			letters = true
		case r == '-' && i == len(text):
			return false
		case r >= '0' && r <= '9', r == ' ', r == '-', r == '\'', r == '’', r == '.', r == ',':
		default:
			return false
		}
	}
	return letters
}
