package value

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/lienthong/truc/schemas/match"
)

// AppendText cleans UTF-8 text: NFC, no blanks at the ends, every run of blanks inside (spaces, tabs, line ends, NBSP and the other
// spaces of Unicode) one space, characters that show nothing (zero-width, byte order mark, soft hyphen, direction marks)
// removed. Case, tone placement (hoà, hòa) and i/y stay as they are. ok is false when src is not valid UTF-8. It is idempotent.
func AppendText(dst, src []byte) (out []byte, ok bool) {
	start := len(dst)
	// flushed is how far src has been copied; blank says that a space is owed before the next visible character.
	flushed, blank, sureNFC := 0, false, true
	for i := 0; i < len(src); {
		c := src[i]
		if c < utf8.RuneSelf {
			if c > ' ' || !asciiBlank(c) {
				i++
				continue
			}
			// A single space between two characters is the common case, and is copied with its surroundings.
			if c == ' ' && i > flushed && i+1 < len(src) && src[i+1] > ' ' && src[i+1] < utf8.RuneSelf {
				i += 2
				continue
			}
			dst, _ = flushText(dst, src[flushed:i], start, blank)
			blank = true
			i++
			flushed = i
			continue
		}
		r, size := utf8.DecodeRune(src[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			return dst[:start], false
		case r < 0x300 && r != 0x85 && r != 0xA0 && r != 0xAD, r >= 0x1EA0 && r <= 0x1EF9:
			// Letters that NFC leaves alone whatever stands beside them, unless a combining mark follows, which clears sureNFC.
		case unicode.IsSpace(r):
			dst, _ = flushText(dst, src[flushed:i], start, blank)
			blank = true
			flushed = i + size
		case invisible(r):
			dst, blank = flushText(dst, src[flushed:i], start, blank)
			flushed = i + size
		default:
			sureNFC = false
		}
		i += size
	}
	dst, _ = flushText(dst, src[flushed:], start, blank)
	if !sureNFC && !norm.NFC.IsNormal(dst[start:]) {
		// Not norm.NFC.Append: it would compose across start, with what the caller has before.
		dst = append(dst[:start], norm.NFC.Bytes(dst[start:])...)
	}
	return dst, true
}

// flushText copies visible text, with the space that is owed before it, and returns whether one is still owed.
func flushText(dst, text []byte, start int, blank bool) ([]byte, bool) {
	if len(text) == 0 {
		return dst, blank
	}
	if blank && len(dst) > start {
		dst = append(dst, ' ')
	}
	return append(dst, text...), false
}

func asciiBlank(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

func invisible(r rune) bool {
	return r == 0xAD || r == 0x180E || r >= 0x200B && r <= 0x200F || r >= 0x202A && r <= 0x202E ||
		r >= 0x2060 && r <= 0x2064 || r >= 0x2066 && r <= 0x206F || r == 0xFEFF
}

// AppendMatchKey appends a key under which spellings of a name that differ in marks or case are equal: decomposed, marks
// dropped, đ as d, lower case: "Nguyễn Đức" gives "nguyen duc". It is for matching, never for display. Blanks stay: apply
// it to the result of AppendText. ok is false when src is not valid UTF-8. It is idempotent.
func AppendMatchKey(dst, src []byte) (out []byte, ok bool) { return match.AppendFolded(dst, src) }
