package problem

import (
	"strings"
	"unicode"
)

// Strange finds the first character of a text that looks like another or like nothing: what a word processor or an input
// method leaves behind in a copied line. at is its offset in bytes; name says what it is and what was probably meant.
func Strange(text string) (at int, name Text, found bool) {
	for i, r := range text {
		if name := strange(r); !name.Empty() {
			return i, name, true
		}
	}
	return 0, Text{}, false
}

// Plain is a text with every such character replaced by what was probably meant.
func Plain(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case strange(r).Empty():
			return r
		case unicode.Is(unicode.Zs, r):
			return ' '
		case unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029':
			return -1
		case r == '‘' || r == '’':
			return '\''
		case r >= '！' && r <= '～':
			return r - '！' + '!'
		case r == '–' || r == '—' || r == '−':
			return '-'
		}
		return '"'
	}, text)
}

func strange(r rune) Text {
	switch {
	case r == '\u00A0' || r == '\u202F' || r != ' ' && unicode.Is(unicode.Zs, r):
		return Say("a blank that is none (U+%04X, as word processors write it)", r)
	case unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029':
		return Say("an invisible character (U+%04X)", r)
	case r == '“' || r == '”' || r == '„' || r == '‘' || r == '’' || r == '«' || r == '»':
		return Say("the typographic quotation mark %c instead of \" or '", r)
	case r == '–' || r == '—' || r == '−':
		return Say("the dash %c instead of the minus sign -", r)
	case r >= '！' && r <= '～':
		return Say("the full-width %c instead of %c", r, r-'！'+'!')
	}
	return Text{}
}
