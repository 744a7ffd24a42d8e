package problem

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
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

// Visible is a text as a terminal can show it and a line can hold it: control characters, what moves or hides text, and bytes
// that are no UTF-8 stand there as \xNN or \u{NNNN}. Names of tables and columns are data of somebody else.
func Visible(text string) string {
	harmless := func(r rune) bool {
		return r != utf8.RuneError && !unicode.IsControl(r) && !unicode.Is(unicode.Cf, r) && r != '\u2028' && r != '\u2029'
	}
	if strings.IndexFunc(text, func(r rune) bool { return !harmless(r) }) < 0 {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case harmless(r) || r == utf8.RuneError && size > 1:
			b.WriteRune(r)
		case r < 0x80 || r == utf8.RuneError:
			fmt.Fprintf(&b, `\x%02X`, text[i])
		default:
			fmt.Fprintf(&b, `\u{%04X}`, r)
		}
		i += size
	}
	return b.String()
}
