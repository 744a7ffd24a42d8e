package value

import "unicode/utf8"

// fromLatin1 reads text of another encoding whose bytes were taken for Latin-1 or CP1252 and arrive as UTF-8.
func fromLatin1(decode func(dst, src []byte) ([]byte, bool)) func(dst, src []byte) ([]byte, bool) {
	return func(dst, src []byte) ([]byte, bool) {
		start := len(dst)
		dst, ok := appendLatin1Bytes(dst, src)
		if !ok {
			return dst[:start], false
		}
		// The bytes stand in dst itself, so that nothing is allocated; the result follows them and is moved to their place.
		middle := len(dst)
		if dst, ok = decode(dst, dst[start:]); !ok {
			return dst[:start], false
		}
		return dst[:start+copy(dst[start:], dst[middle:])], true
	}
}

// toLatin1 is the way back. A byte from 0x80 to 0x9F becomes the character that CP1252 has for it, where it has one.
func toLatin1(encode func(dst, src []byte) ([]byte, bool)) func(dst, src []byte) ([]byte, bool) {
	return func(dst, src []byte) ([]byte, bool) {
		start := len(dst)
		dst, ok := encode(dst, src)
		if !ok {
			return dst[:start], false
		}
		middle := len(dst)
		for _, b := range dst[start:middle] {
			dst = utf8.AppendRune(dst, cp1252Rune(b))
		}
		return dst[:start+copy(dst[start:], dst[middle:])], true
	}
}

func appendLatin1Bytes(dst, src []byte) ([]byte, bool) {
	for i := 0; i < len(src); {
		if src[i] < utf8.RuneSelf {
			dst = append(dst, src[i])
			i++
			continue
		}
		r, size := utf8.DecodeRune(src[i:])
		b, ok := latin1Byte(r)
		if !ok {
			return dst, false
		}
		dst = append(dst, b)
		i += size
	}
	return dst, true
}

// cp1252Bytes are the characters that CP1252 has where Latin-1 has control characters.
var cp1252Bytes = map[rune]byte{
	'€': 0x80, '‚': 0x82, 'ƒ': 0x83, '„': 0x84, '…': 0x85, '†': 0x86, '‡': 0x87, 'ˆ': 0x88, '‰': 0x89, 'Š': 0x8A, '‹': 0x8B, 'Œ': 0x8C, 'Ž': 0x8E,
	'‘': 0x91, '’': 0x92, '“': 0x93, '”': 0x94, '•': 0x95, '–': 0x96, '—': 0x97, '˜': 0x98, '™': 0x99, 'š': 0x9A, '›': 0x9B, 'œ': 0x9C, 'ž': 0x9E, 'Ÿ': 0x9F,
}

// cp1252Runes is cp1252Bytes read backwards, from 0x80 on; 0 where CP1252 has nothing.
var cp1252Runes = func() (runes [32]rune) {
	for r, b := range cp1252Bytes {
		runes[b-0x80] = r
	}
	return runes
}()

func cp1252Rune(b byte) rune {
	if b >= 0x80 && b < 0xA0 && cp1252Runes[b-0x80] != 0 {
		return cp1252Runes[b-0x80]
	}
	return rune(b)
}

// latin1Byte gives the byte that Latin-1 or CP1252 has for a character beyond ASCII.
func latin1Byte(r rune) (byte, bool) {
	if r >= 0x80 && r <= 0xFF {
		return byte(r), true
	}
	b, ok := cp1252Bytes[r]
	return b, ok
}
