package value

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// cp1258Differs are the bytes from 0xA0 on that Windows-1258 has otherwise than Latin-1; below, it is CP1252 without four letters. The tones
// are combining characters, in the order of cp1258Tones.
var cp1258Differs = map[byte]rune{
	0xC3: 'Ă', 0xD0: 'Đ', 0xD5: 'Ơ', 0xDD: 'Ư', 0xE3: 'ă', 0xF0: 'đ', 0xF5: 'ơ', 0xFD: 'ư', 0xFE: '₫',
}

// cp1258Tones are the bytes of the tones, in the order of the tone constants.
var cp1258Tones = [toneCount]byte{graveTone: 0xCC, hookTone: 0xD2, tildeTone: 0xDE, acuteTone: 0xEC, dotTone: 0xF2}

type cp1258Table struct {
	runes [256]rune // 0 has no meaning; tones are not here
	tones [256]uint8
	// composed is letter and tone → letter, toned letter → letter and tone.
	composed   map[rune][toneCount]rune
	decomposed map[rune][2]byte
	bytes      map[rune]byte
}

var cp1258 = newCP1258Table()

func newCP1258Table() *cp1258Table {
	t := &cp1258Table{composed: map[rune][toneCount]rune{}, decomposed: map[rune][2]byte{}, bytes: map[rune]byte{}}
	for tone, b := range cp1258Tones {
		t.tones[b] = uint8(tone)
	}
	t.tones[0] = noTone
	for i := range 256 {
		b := byte(i)
		r := cp1252Rune(b)
		if other, ok := cp1258Differs[b]; ok {
			r = other
		}
		// Š š Ž ž and what CP1252 leaves free have no meaning.
		if t.tones[b] != noTone || b >= 0x80 && b < 0xA0 && r == rune(b) || strings.ContainsRune("ŠšŽž", r) {
			continue
		}
		t.runes[b] = r
		t.bytes[r] = b
	}
	for _, row := range vowelRows {
		for _, fold := range []func(rune) rune{unicode.ToLower, unicode.ToUpper} {
			var letters [toneCount]rune
			for tone, r := range []rune(row) {
				letters[tone] = fold(r)
			}
			t.composed[letters[noTone]] = letters
			for tone := noTone + 1; tone < toneCount; tone++ {
				t.decomposed[letters[tone]] = [2]byte{t.bytes[letters[noTone]], cp1258Tones[tone]}
			}
		}
	}
	return t
}

// AppendCP1258 decodes raw Windows-1258 bytes to UTF-8 in NFC: letter and tone become one character. ok is false at a byte without a meaning, and
// at a tone that follows no Vietnamese vowel: the text is in another encoding.
func AppendCP1258(dst, src []byte) (out []byte, ok bool) {
	start, last := len(dst), len(dst) // last is where the last character begins
	for i, b := range src {
		if b < utf8.RuneSelf {
			last = len(dst)
			dst = append(dst, b)
			continue
		}
		tone := cp1258.tones[b]
		r := cp1258.runes[b]
		if tone != noTone && i > 0 {
			before, _ := utf8.DecodeRune(dst[last:])
			if r = cp1258.composed[before][tone]; r != 0 {
				dst = dst[:last]
			}
		}
		if r == 0 {
			return dst[:start], false
		}
		last = len(dst)
		dst = utf8.AppendRune(dst, r)
	}
	return dst, true
}

// EncodeCP1258 is the way back: UTF-8 (NFC or not) to Windows-1258 bytes, a letter with its tone as one byte where there is one, else as two. ok is
// false for everything Windows-1258 cannot say.
func EncodeCP1258(dst, src []byte) (out []byte, ok bool) {
	return encodeRunes(dst, src, func(dst []byte, r rune) ([]byte, bool) {
		if b, ok := cp1258.bytes[r]; ok {
			return append(dst, b), true
		}
		pair, ok := cp1258.decomposed[r]
		return append(dst, pair[0], pair[1]), ok
	})
}
