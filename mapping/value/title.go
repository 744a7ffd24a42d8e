package value

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// AppendTitle cleans text as AppendText does and gives every word a capital and small letters after it: "NGUYỄN  VĂN ĐỨC" gives "Nguyễn Văn
// Đức". A word begins at a letter that follows neither a letter nor a digit: "H'HEN NIÊ" gives "H'Hen Niê", "Ê-ĐÊ" gives "Ê-Đê", and "12A"
// stays. ok is false when src is not valid UTF-8. It is idempotent.
func AppendTitle(dst, src []byte) (out []byte, ok bool) {
	start := len(dst)
	if dst, ok = AppendText(dst, src); !ok {
		return dst, false
	}
	clean := len(dst)
	inWord, afterDigit := false, false
	for i := start; i < clean; {
		r, size := utf8.DecodeRune(dst[i:])
		i += size
		switch {
		case unicode.IsLetter(r):
			switch {
			case afterDigit: // "12A": as it is
			case inWord:
				r = unicode.ToLower(r)
			default:
				r = unicode.ToUpper(r)
			}
			inWord = true
		case unicode.IsMark(r):
			// It belongs to the letter before it.
		default:
			inWord = false
			afterDigit = unicode.IsDigit(r)
		}
		dst = utf8.AppendRune(dst, r)
	}
	title := dst[clean:]
	if !norm.NFC.IsNormal(title) {
		title = norm.NFC.Bytes(title)
	}
	return append(dst[:start], title...), true
}
