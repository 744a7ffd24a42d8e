package value

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// VNI (VNI-Win) writes most toned letters as a base letter and a mark: "aù" is á, "aá" is ấ, "öï" is ự. Both have two cases.
//
// Marks in the order of the tone constants, as their Latin-1 letters: those of a plain vowel, those that put a circumflex under the
// tone, those that put a breve under it.
const (
	vniPlain      = " øûõùï"
	vniCircumflex = "âàåãáä"
	vniBreve      = "êèúüéë"
)

// vniBases are the vowels by their first letter: which rows of vowelRows it begins, and with which marks.
var vniBases = []struct {
	base  rune // as its Latin-1 letter
	row   string
	marks string
}{
	{'a', vowelRows[0], vniPlain},
	{'a', vowelRows[2], vniCircumflex},
	{'a', vowelRows[1], vniBreve},
	{'e', vowelRows[3], vniPlain},
	{'e', vowelRows[4], vniCircumflex},
	{'o', vowelRows[6], vniPlain},
	{'o', vowelRows[7], vniCircumflex},
	{'ô', vowelRows[8], vniPlain},
	{'u', vowelRows[9], vniPlain},
	{'ö', vowelRows[10], vniPlain},
	{'y', vowelRows[11], " øûõù "}, // ỵ is a letter of its own
}

// vniSingles are the letters of one byte: Latin-1 letter, Vietnamese letter.
const vniSingles = "ôơöưñđììíí" + "æỉóĩòịîỵ"

// vniSymbols mean in VNI what they mean in CP1252. The list is short on purpose: the other bytes from 0xA1 to 0xBF are letters of TCVN3,
// and a column of mixed encodings must not pass.
const vniSymbols = "\u00A0°±²³‘’“”‚„•–—…"

// vniTable is what the decoder looks into. Index 0 of bases and marks is "none".
type vniTable struct {
	singles [256]rune
	bases   [256]uint8
	marks   [256]uint8
	pairs   [16][32]rune
	bytes   map[rune][2]byte // a second byte of 0 is none
}

var vni = newVNITable()

func newVNITable() *vniTable {
	t := &vniTable{bytes: map[rune][2]byte{}}
	bases, marks := uint8(0), uint8(0)
	index := func(of *[256]uint8, b byte, last *uint8) uint8 {
		if of[b] == 0 {
			*last++
			of[b] = *last
		}
		return of[b]
	}
	upper := func(b rune) byte { return byte(unicode.ToUpper(b)) }
	for _, v := range vniBases {
		letters, signs := []rune(v.row), []rune(v.marks)
		for tone := range toneCount {
			mark, letter := signs[tone], letters[tone]
			if mark == ' ' {
				continue
			}
			m := index(&t.marks, byte(mark), &marks)
			t.marks[upper(mark)] = m // the base letter says the case: a text in Initcap has "Aù"
			t.pairs[index(&t.bases, byte(v.base), &bases)][m] = letter
			t.pairs[index(&t.bases, upper(v.base), &bases)][m] = unicode.ToUpper(letter)
			t.bytes[letter] = [2]byte{byte(v.base), byte(mark)}
			t.bytes[unicode.ToUpper(letter)] = [2]byte{upper(v.base), upper(mark)}
		}
	}
	singles := []rune(vniSingles)
	for i := 0; i < len(singles); i += 2 {
		b, letter := singles[i], singles[i+1]
		t.singles[b], t.singles[upper(b)] = letter, unicode.ToUpper(letter)
		t.bytes[letter], t.bytes[unicode.ToUpper(letter)] = [2]byte{byte(b)}, [2]byte{upper(b)}
	}
	for _, r := range vniSymbols {
		b, _ := latin1Byte(r)
		t.singles[b], t.bytes[r] = r, [2]byte{b}
	}
	return t
}

// AppendVNI decodes raw VNI bytes to UTF-8 in NFC, in one scan from the left in which the longest form wins: "oâ" is ô, and "ô" alone is ơ.
// ok is false at a byte without a meaning in VNI, and at a mark after a letter that does not take it.
func AppendVNI(dst, src []byte) (out []byte, ok bool) {
	start := len(dst)
	for i := 0; i < len(src); {
		c := src[i]
		if i+1 < len(src) && src[i+1] >= utf8.RuneSelf {
			if r := vni.pairs[vni.bases[c]&15][vni.marks[src[i+1]]&31]; r != 0 {
				dst = utf8.AppendRune(dst, r)
				i += 2
				continue
			}
		}
		i++
		if c < utf8.RuneSelf {
			dst = append(dst, c)
			continue
		}
		r := vni.singles[c]
		if r == 0 {
			return dst[:start], false
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst, true
}

// EncodeVNI is the way back: UTF-8 (NFC or not) to VNI bytes; a mark has the case of its letter. ok is false for everything VNI cannot say.
func EncodeVNI(dst, src []byte) (out []byte, ok bool) {
	return encodeRunes(dst, src, func(dst []byte, r rune) ([]byte, bool) {
		b, ok := vni.bytes[r]
		if ok {
			dst = append(dst, b[0])
		}
		if b[1] != 0 {
			dst = append(dst, b[1])
		}
		return dst, ok
	})
}

// encodeRunes puts every character beyond ASCII of a text, composed first, through a function.
func encodeRunes(dst, src []byte, encode func(dst []byte, r rune) ([]byte, bool)) ([]byte, bool) {
	if !norm.NFC.IsNormal(src) {
		src = norm.NFC.Bytes(src)
	}
	start := len(dst)
	for i := 0; i < len(src); {
		if src[i] < utf8.RuneSelf {
			dst = append(dst, src[i])
			i++
			continue
		}
		r, size := utf8.DecodeRune(src[i:])
		var ok bool
		if dst, ok = encode(dst, r); !ok || r == utf8.RuneError {
			return dst[:start], false
		}
		i += size
	}
	return dst, true
}
