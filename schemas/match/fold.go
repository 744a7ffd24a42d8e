package match

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// AppendLower appends UTF-8 text in NFC in small letters, every mark kept.
func AppendLower(dst, src []byte) []byte {
	for i := 0; i < len(src); {
		r, size := utf8.DecodeRune(src[i:])
		dst = utf8.AppendRune(dst, unicode.ToLower(r))
		i += size
	}
	return dst
}

// AppendFolded appends text in small letters without marks, đ as d; blanks and signs stay: "Nguyễn Đức" gives "nguyen duc".
// ok is false when src is not valid UTF-8. It is idempotent.
func AppendFolded(dst, src []byte) (out []byte, ok bool) {
	start := len(dst)
	for i := 0; i < len(src); {
		c := src[i]
		if c < utf8.RuneSelf {
			if c >= 'A' && c <= 'Z' {
				c += 'a' - 'A'
			}
			dst = append(dst, c)
			i++
			continue
		}
		r, size := utf8.DecodeRune(src[i:])
		if r == utf8.RuneError && size == 1 {
			return dst[:start], false
		}
		dst = appendFolded(dst, r, src[i:i+size])
		i += size
	}
	return dst, true
}

func appendFolded(dst []byte, r rune, encoded []byte) []byte {
	switch {
	case r == 'đ' || r == 'Đ':
		return append(dst, 'd')
	case unicode.Is(unicode.Mn, r):
		return dst
	case unicode.ToLower(r) != r:
		r = unicode.ToLower(r)
	}
	decomposition := norm.NFD.Properties(encoded).Decomposition()
	if decomposition == nil {
		return utf8.AppendRune(dst, r)
	}
	for i := 0; i < len(decomposition); {
		d, size := utf8.DecodeRune(decomposition[i:])
		i += size
		if !unicode.Is(unicode.Mn, d) {
			dst = utf8.AppendRune(dst, unicode.ToLower(d))
		}
	}
	return dst
}
