package value

import (
	"bytes"
	"unicode/utf8"
)

// Fault says what is wrong with a number that has rules.
type Fault uint8

const (
	// NoFault: it is right.
	NoFault Fault = iota
	// WrongForm: it has not the digits it must have.
	WrongForm
	// WrongCheckDigit: it has, and one of them is wrong.
	WrongCheckDigit
)

// AppendTaxCode reads a tax code (the code of an enterprise): ten digits, with three more for a dependent unit, and appends it as 0123456789 or
// 0123456789-001. Blanks, points and hyphens between the digits do not count. lost says how many zeros on the left are missing: a number column
// loses one, and the caller says whether it may be put back.
//
// The tenth digit is 10 − (Σ weight × digit mod 11); where that is ten there is no such code.
func AppendTaxCode(dst, src []byte, numeric bool) (out []byte, lost int, fault Fault) {
	var buf [16]byte
	d, ok := bareDigits(buf[:0], src)
	if !ok {
		return dst, 0, WrongForm
	}
	if numeric && (len(d) == 9 || len(d) == 12) {
		copy(buf[1:], d)
		buf[0] = '0'
		d, lost = buf[:len(d)+1], 1
	}
	if len(d) != 10 && len(d) != 13 || string(d[:2]) == "00" || string(d[2:9]) == "0000000" || len(d) == 13 && string(d[10:]) == "000" {
		return dst, 0, WrongForm
	}
	sum := 0
	for i, weight := range [9]int{31, 29, 23, 19, 17, 13, 7, 5, 3} {
		sum += weight * int(d[i]-'0')
	}
	if check := 10 - sum%11; check != int(d[9]-'0') {
		return dst, 0, WrongCheckDigit
	}
	dst = append(dst, d[:10]...)
	if len(d) == 13 {
		dst = append(append(dst, '-'), d[10:]...)
	}
	return dst, lost, NoFault
}

// bareDigits takes the blanks, points and hyphens out of a number. ok is false when anything else is in it, or more than the room in dst.
func bareDigits(dst, src []byte) ([]byte, bool) {
	for i := 0; i < len(src); {
		r, size := utf8.DecodeRune(src[i:])
		i += size
		switch {
		case r >= '0' && r <= '9':
			if len(dst) == cap(dst) {
				return dst, false
			}
			dst = append(dst, byte(r))
		case r == '-' || r == '.' || r == '\u00A0' || r == '–' || r == '\u200B' || r == '\uFEFF' || r < utf8.RuneSelf && asciiBlank(byte(r)):
		default:
			return dst, false
		}
	}
	return dst, len(dst) > 0
}

// PersonID is what a personal identification number says of its holder.
type PersonID struct {
	// Year of birth.
	Year int
	// Male is the sex in the register.
	Male bool
}

// AppendPersonID reads a personal identification number (số định danh cá nhân): twelve digits, and appends them. Blanks, points and hyphens
// between them do not count. Of a number column up to two zeros on the left are put back, and lost says how many: the number begins with the code of a
// province (001 to 096) or of a country. short is whether it has the nine digits of an identity card (CMND), which is another number.
func AppendPersonID(dst, src []byte, numeric bool) (out []byte, lost int, short, ok bool) {
	var buf [12]byte
	d, ok := bareDigits(buf[:0], src)
	if !ok {
		return dst, 0, false, false
	}
	if numeric && (len(d) == 10 || len(d) == 11) {
		lost = 12 - len(d)
		d = append(bytes.Repeat([]byte{'0'}, lost), d...)
	}
	if len(d) != 12 {
		return dst, 0, len(d) == 9, false
	}
	return append(dst, d...), lost, false, true
}

// ParsePersonID reads what twelve digits say: the fourth is century and sex (0 and 1 for those born 1900 to 1999, a man and a woman; 2 and 3 from 2000 on),
// the next two the year in the century.
func ParsePersonID(id []byte) (PersonID, bool) {
	if len(id) != 12 || !allDigits(id) {
		return PersonID{}, false
	}
	c := int(id[3] - '0')
	return PersonID{Year: 1900 + c/2*100 + digits(id[4:6]), Male: c%2 == 0}, true
}
