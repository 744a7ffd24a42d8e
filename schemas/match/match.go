// Package match makes keys under which the spellings of one name are equal. Names of people, places and peoples are
// written in several ways in Vietnamese (Hoà and Hòa, Quy and Qui, Đắk and Đăk, with marks and without); a source's
// spelling is kept as it is, and only keys are compared.
package match

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// AppendName appends the key of a name: small letters without marks, đ as d, digits without zeros before them, and
// nothing else: blanks, hyphens and apostrophes vanish. Two spellings of one sound are one: i and y except after a (Qui
// Nhơn, Quy Nhơn; but Hai, Hay), k and c except in kh (Đắk, Đắc). It is for comparing, never for display, and does not
// depend on whether the name is composed. What is not UTF-8 gives no letters.
func AppendName(dst, name []byte) []byte {
	k := key{out: dst, start: len(dst)}
	for i := 0; i < len(name); {
		if c := name[i]; c < utf8.RuneSelf {
			k.ascii(c)
			i++
			continue
		}
		r, size := utf8.DecodeRune(name[i:])
		k.wide(r, name[i:i+size])
		i += size
	}
	return k.out
}

// Name is AppendName for texts.
func Name(name string) string { return string(AppendName(nil, []byte(name))) }

// AppendSound appends a key that keeps the marks too, for choosing among names that AppendName takes for one: Tân Hưng and
// Tân Hùng. The tone stands at the end of its syllable, so that it does not matter over which vowel it was written.
func AppendSound(dst, name []byte) []byte {
	s := sound{key: key{out: dst, start: len(dst)}}
	for i := 0; i < len(name); {
		if c := name[i]; c < utf8.RuneSelf {
			s.letter(rune(c))
			i++
			continue
		}
		r, size := utf8.DecodeRune(name[i:])
		parts := norm.NFD.Properties(name[i : i+size]).Decomposition()
		if parts == nil {
			s.letter(r)
		}
		for len(parts) > 0 {
			d, n := utf8.DecodeRune(parts)
			s.letter(d)
			parts = parts[n:]
		}
		i += size
	}
	return s.end()
}

// sound is a key with marks that is being made.
type sound struct {
	key
	tone byte // of the syllable, 0 for none
}

func (s *sound) letter(r rune) {
	switch {
	case r == '\u0300', r == '\u0301', r == '\u0303', r == '\u0309', r == '\u0323': // the tones
		s.tone = byte(r) | 0x80
	case r == '\u0302', r == '\u0306', r == '\u031B': // circumflex, breve and horn make other letters
		s.out = append(s.out, byte(r)|0xC0)
	case r == 'đ', r == 'Đ':
		s.ascii('d')
		s.out = append(s.out, '-')
	case r < utf8.RuneSelf:
		if c := byte(r) | 0x20; c < 'a' || c > 'z' {
			s.end()
		}
		s.ascii(byte(r))
	default:
		s.wide(r, utf8.AppendRune(nil, r))
	}
}

// end writes the tone of a syllable that ends here.
func (s *sound) end() []byte {
	if s.tone != 0 {
		s.out, s.tone = append(s.out, s.tone), 0
	}
	return s.out
}

// key is a key that is being made; it begins at start.
type key struct {
	out   []byte
	start int
	k     bool // the letter before was a k, written as c
}

func (k *key) ascii(c byte) {
	if c >= 'A' && c <= 'Z' {
		c += 'a' - 'A'
	}
	last := byte(0)
	if len(k.out) > k.start {
		last = k.out[len(k.out)-1]
	}
	wasK := k.k
	k.k = false
	switch {
	case c == '0' && (last < '0' || last > '9'):
		return
	case c >= '0' && c <= '9':
	case c < 'a' || c > 'z':
		return
	case c == 'y' && last != 'a':
		c = 'i'
	case c == 'k':
		c, k.k = 'c', true
	case c == 'h' && wasK:
		k.out[len(k.out)-1] = 'k'
	}
	k.out = append(k.out, c)
}

// wide adds a character beyond ASCII: the letter under its marks.
func (k *key) wide(r rune, encoded []byte) {
	switch {
	case r >= 0x1EA0 && r <= 0x1EB7, r >= 0xC0 && r <= 0xC3, r >= 0xE0 && r <= 0xE3, r == 'ă', r == 'Ă':
		k.ascii('a')
	case r >= 0x1EB8 && r <= 0x1EC7, r >= 0xC8 && r <= 0xCA, r >= 0xE8 && r <= 0xEA:
		k.ascii('e')
	case r >= 0x1EC8 && r <= 0x1ECB, r == 'ì', r == 'í', r == 'ĩ', r == 'Ì', r == 'Í', r == 'Ĩ':
		k.ascii('i')
	case r >= 0x1ECC && r <= 0x1EE3, r >= 0xD2 && r <= 0xD5, r >= 0xF2 && r <= 0xF5, r == 'ơ', r == 'Ơ':
		k.ascii('o')
	case r >= 0x1EE4 && r <= 0x1EF1, r == 'ù', r == 'ú', r == 'ũ', r == 'ư', r == 'Ù', r == 'Ú', r == 'Ũ', r == 'Ư':
		k.ascii('u')
	case r >= 0x1EF2 && r <= 0x1EF9, r == 'ý', r == 'Ý':
		k.ascii('y')
	case r == 'đ', r == 'Đ', r == 'ð', r == 'Ð': // the last two are Icelandic, and look like the first in capitals
		k.ascii('d')
	case r == utf8.RuneError, unicode.Is(unicode.Mn, r):
	default:
		k.foreign(encoded)
	}
}

// foreign adds letters of other alphabets, without marks as far as they have any.
func (k *key) foreign(encoded []byte) {
	parts := norm.NFD.Properties(encoded).Decomposition()
	if parts == nil {
		parts = encoded
	}
	for len(parts) > 0 {
		d, size := utf8.DecodeRune(parts)
		parts = parts[size:]
		switch {
		case d < utf8.RuneSelf:
			k.ascii(byte(d))
		case unicode.IsLetter(d) || unicode.IsDigit(d):
			k.k = false
			k.out = utf8.AppendRune(k.out, unicode.ToLower(d))
		default:
			k.k = false
		}
	}
}
