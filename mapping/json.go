package mapping

import (
	"slices"
	"unicode/utf8"
)

// growAhead is the length from which room for a text is made in one go.
const growAhead = 64 << 10

const hexDigits = "0123456789abcdef"

// appendQuoted appends a JSON string of what needs no escape.
func appendQuoted(dst, s []byte) []byte {
	dst = append(dst, '"')
	return append(append(dst, s...), '"')
}

// appendJSONString appends a JSON string. s is valid UTF-8: every text that reaches a document was decoded or validated.
func appendJSONString(dst, s []byte) []byte {
	if len(s) > growAhead {
		dst = slices.Grow(dst, len(s)+len(s)/16) // piece by piece it would be copied again and again
	}
	dst = append(dst, '"')
	start := 0
	for i, c := range s {
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(append(dst, s[start:]...), '"')
}

// appendUnescaped appends the content of a JSON string (without its quotes) with its escapes resolved. A lone surrogate
// becomes U+FFFD, as everywhere in Go.
func appendUnescaped(dst, s []byte) []byte {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c != '\\' || i+1 >= len(s) {
			dst = append(dst, c)
			continue
		}
		i++
		switch s[i] {
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'u':
			r, ok := hex4(s[i+1:])
			if !ok {
				continue
			}
			i += 4
			if r >= 0xd800 && r < 0xdc00 && len(s) > i+6 && s[i+1] == '\\' && s[i+2] == 'u' {
				if low, ok := hex4(s[i+3:]); ok && low >= 0xdc00 && low < 0xe000 {
					r = 0x10000 + (r-0xd800)<<10 + (low - 0xdc00)
					i += 6
				}
			}
			dst = utf8.AppendRune(dst, r)
		default:
			dst = append(dst, s[i])
		}
	}
	return dst
}

func hex4(s []byte) (rune, bool) {
	if len(s) < 4 {
		return 0, false
	}
	var r rune
	for _, c := range s[:4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
