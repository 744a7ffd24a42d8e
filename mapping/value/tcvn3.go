package value

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// tcvn3Runes gives the letters of TCVN3 (TCVN 5712:1993 VN3, "ABC") from 0xA0 on; 0 is a byte without a meaning. The bytes below
// 0x80 are ASCII. VN1 has more (toned capitals, combining marks), but no .VnTime font draws them, so that here they are errors.
const tcvn3First = 0xA0

var tcvn3Runes = [...]rune{
	//    0    1    2    3    4    5    6    7    8    9    A    B    C    D    E    F
	'\u00A0', 'Ă', 'Â', 'Ê', 'Ô', 'Ơ', 'Ư', 'Đ', 'ă', 'â', 'ê', 'ô', 'ơ', 'ư', 'đ', 0, // A0
	0, 0, 0, 0, 0, 'à', 'ả', 'ã', 'á', 'ạ', 0, 'ằ', 'ẳ', 'ẵ', 'ắ', 0, // B0
	0, 0, 0, 0, 0, 0, 'ặ', 'ầ', 'ẩ', 'ẫ', 'ấ', 'ậ', 'è', 0, 'ẻ', 'ẽ', // C0
	'é', 'ẹ', 'ề', 'ể', 'ễ', 'ế', 'ệ', 'ì', 'ỉ', 0, 0, 0, 'ĩ', 'í', 'ị', 'ò', // D0
	0, 'ỏ', 'õ', 'ó', 'ọ', 'ồ', 'ổ', 'ỗ', 'ố', 'ộ', 'ờ', 'ở', 'ỡ', 'ớ', 'ợ', 'ù', // E0
	0, 'ủ', 'ũ', 'ú', 'ụ', 'ừ', 'ử', 'ữ', 'ứ', 'ự', 'ỳ', 'ỷ', 'ỹ', 'ý', 'ỵ', 0, // F0
}

// tcvn3Texts is tcvn3Runes in UTF-8; "" is a byte without a meaning.
var tcvn3Texts = func() (texts [len(tcvn3Runes)]string) {
	for i, r := range tcvn3Runes {
		if r != 0 {
			texts[i] = string(r)
		}
	}
	return texts
}()

// tcvn3Bytes is tcvn3Runes read backwards.
var tcvn3Bytes = func() map[rune]byte {
	m := make(map[rune]byte, len(tcvn3Runes))
	for i, r := range tcvn3Runes {
		if r != 0 {
			m[r] = byte(tcvn3First + i)
		}
	}
	return m
}()

// AppendTCVN3 decodes raw TCVN3 (ABC) bytes to UTF-8 in NFC. ok is false at a byte that has no meaning in TCVN3.
//
// TCVN3 has no toned capitals: a font (".VnTimeH") drew lower-case letters as capitals, so that a name typed in it arrives
// in lower or mixed case. 0xAD is "ư" here and a soft hyphen in Latin-1, which tools strip: a name that lacks it ("Hơng" for
// "Hương") was damaged before it got here, and cannot be mended.
func AppendTCVN3(dst, src []byte) (out []byte, ok bool) {
	start := len(dst)
	for i := 0; i < len(src); {
		n := asciiPrefix(src[i:])
		dst = append(dst, src[i:i+n]...)
		i += n
		for i < len(src) && src[i] >= utf8.RuneSelf {
			letter := tcvn3Text(src[i])
			if letter == "" {
				return dst[:start], false
			}
			dst = append(dst, letter...)
			i++
		}
	}
	return dst, true
}

// AppendTCVN3Latin1 decodes TCVN3 text that was taken for Latin-1 or CP1252 on its way and arrives as UTF-8: "NguyÔn V¨n An"
// gives "Nguyễn Văn An". It is for columns of a database that hands out UTF-8 (its encoding is UTF8, LATIN1 or WIN1252), where
// AppendTCVN3 is for bytes nobody converted (SQL_ASCII, BLOB, dBase). ok is false where src is not UTF-8, holds a character
// that is neither in Latin-1 nor in CP1252 (the text is Vietnamese already), or a byte that has no meaning in TCVN3.
//
// Which of the two applies is a fact of the source, not of the value: raw bytes can happen to be valid UTF-8
// (0xCC 0xB5 is "èà" raw, and U+0335 read as UTF-8), so it is declared and never guessed.
func AppendTCVN3Latin1(dst, src []byte) (out []byte, ok bool) {
	start := len(dst)
	for i := 0; i < len(src); {
		n := asciiPrefix(src[i:])
		dst = append(dst, src[i:i+n]...)
		i += n
		for i < len(src) && src[i] >= utf8.RuneSelf {
			// A byte of TCVN3 is a character from U+00A0 to U+00FF: C2 or C3, and one more byte. What else CP1252 has, TCVN3 has not.
			if src[i]&^1 != 0xC2 || i+1 == len(src) || src[i+1]&0xC0 != 0x80 {
				return dst[:start], false
			}
			letter := tcvn3Text(src[i]<<6 | src[i+1]&0x3F)
			if letter == "" {
				return dst[:start], false
			}
			dst = append(dst, letter...)
			i += 2
		}
	}
	return dst, true
}

// EncodeTCVN3 is the way back: UTF-8 (NFC or not) to TCVN3 bytes. ok is false for everything TCVN3 cannot say, toned
// capitals ("Ễ") among it: lower-casing them here would change a name silently.
func EncodeTCVN3(dst, src []byte) (out []byte, ok bool) {
	if !norm.NFC.IsNormal(src) {
		src = norm.NFC.Bytes(src)
	}
	start := len(dst)
	for i := 0; i < len(src); {
		n := asciiPrefix(src[i:])
		dst = append(dst, src[i:i+n]...)
		i += n
		for i < len(src) && src[i] >= utf8.RuneSelf {
			r, size := utf8.DecodeRune(src[i:])
			b, ok := tcvn3Bytes[r]
			if !ok {
				return dst[:start], false
			}
			dst = append(dst, b)
			i += size
		}
	}
	return dst, true
}

// EncodeTCVN3Latin1 is the way back of AppendTCVN3Latin1: TCVN3 bytes, each written as the Latin-1 character of that number.
func EncodeTCVN3Latin1(dst, src []byte) (out []byte, ok bool) {
	if !norm.NFC.IsNormal(src) {
		src = norm.NFC.Bytes(src)
	}
	start := len(dst)
	for i := 0; i < len(src); {
		n := asciiPrefix(src[i:])
		dst = append(dst, src[i:i+n]...)
		i += n
		for i < len(src) && src[i] >= utf8.RuneSelf {
			r, size := utf8.DecodeRune(src[i:])
			b, ok := tcvn3Bytes[r]
			if !ok {
				return dst[:start], false
			}
			dst = utf8.AppendRune(dst, rune(b))
			i += size
		}
	}
	return dst, true
}

func tcvn3Text(b byte) string {
	if b < tcvn3First {
		return ""
	}
	return tcvn3Texts[b-tcvn3First]
}

func asciiPrefix(b []byte) int {
	for i, c := range b {
		if c >= utf8.RuneSelf {
			return i
		}
	}
	return len(b)
}

// AppendTCVN3Capitals decodes TCVN3 that was typed in a capital font (.VnTimeH, .VnArialH), which draws every letter as a capital: "nguyÔn"
// gives "NGUYỄN". Read by AppendTCVN3 it comes out in lower or mixed case, as nobody ever saw it.
func AppendTCVN3Capitals(dst, src []byte) (out []byte, ok bool) {
	start := len(dst)
	if dst, ok = AppendTCVN3(dst, src); !ok {
		return dst, false
	}
	for i := start; i < len(dst); {
		r, size := utf8.DecodeRune(dst[i:])
		// A letter of TCVN3 has as many bytes as its capital.
		utf8.EncodeRune(dst[i:i+size], unicode.ToUpper(r))
		i += size
	}
	return dst, true
}

// EncodeTCVN3Capitals writes for a capital font: whatever the case was, the reader sees capitals. Toned letters are written in lower case, the
// only one TCVN3 has for them.
func EncodeTCVN3Capitals(dst, src []byte) (out []byte, ok bool) {
	start := len(dst)
	dst, ok = encodeRunes(dst, src, func(dst []byte, r rune) ([]byte, bool) {
		b, ok := tcvn3Bytes[unicode.ToUpper(r)]
		if !ok {
			b, ok = tcvn3Bytes[unicode.ToLower(r)]
		}
		return append(dst, b), ok
	})
	for i := start; i < len(dst); i++ {
		if dst[i] >= 'a' && dst[i] <= 'z' {
			dst[i] -= 'a' - 'A'
		}
	}
	return dst, ok
}
