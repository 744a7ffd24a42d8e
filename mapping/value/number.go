package value

import (
	"bytes"
	"unicode/utf8"
)

// AppendDigits keeps the digits 0-9 and drops everything else: "012 345-678" gives "012345678".
func AppendDigits(dst, src []byte) []byte {
	for _, c := range src {
		if isDigit(c) {
			dst = append(dst, c)
		}
	}
	return dst
}

// AppendPad puts zeros on the left until n characters are reached: codes that lost theirs in a number column. What is longer
// stays, and what is empty stays empty: a missing code must not become "000".
func AppendPad(dst, src []byte, n int) []byte {
	if len(src) == 0 {
		return dst
	}
	for i := utf8.RuneCount(src); i < n; i++ {
		dst = append(dst, '0')
	}
	return append(dst, src...)
}

// maxDecimalDigits bounds what an exponent may blow up: "1e999999999" is 12 bytes of input.
const maxDecimalDigits = 400

// AppendDecimal writes a number in its one canonical form: "-12.5", no exponent, no leading or trailing zeros, no "-0". The value
// is exact. It takes an optional sign, digits with at most one point (".5" and "5." too) and an exponent, with ASCII
// blanks around it; thousands separators, decimal commas, NaN and infinities are refused: what a comma means must be declared, not guessed.
func AppendDecimal(dst, src []byte) (out []byte, ok bool) {
	src = trimBlanks(src)
	negative := false
	if len(src) > 0 && (src[0] == '-' || src[0] == '+') {
		negative = src[0] == '-'
		src = src[1:]
	}
	mantissa, exponent := src, 0
	if e := bytes.IndexAny(src, "eE"); e >= 0 {
		if exponent, ok = parseExponent(src[e+1:]); !ok {
			return dst, false
		}
		mantissa = src[:e]
	}
	whole, fraction := mantissa, []byte(nil)
	if p := bytes.IndexByte(mantissa, '.'); p >= 0 {
		whole, fraction = mantissa[:p], mantissa[p+1:]
	}
	if len(whole)+len(fraction) == 0 || !allDigits(whole) || !allDigits(fraction) {
		return dst, false
	}
	for len(fraction) > 0 && fraction[len(fraction)-1] == '0' {
		fraction = fraction[:len(fraction)-1]
	}
	for len(whole) > 0 && whole[0] == '0' {
		whole = whole[1:]
	}
	if len(whole) == 0 && len(bytes.TrimLeft(fraction, "0")) == 0 {
		return append(dst, '0'), true
	}
	if exponent != 0 {
		if n := len(whole) + len(fraction) + abs(exponent); n > maxDecimalDigits {
			return dst, false
		}
	}
	if negative {
		dst = append(dst, '-')
	}
	return appendScaled(dst, whole, fraction, exponent), true
}

// appendScaled writes whole.fraction × 10^exponent.
func appendScaled(dst, whole, fraction []byte, exponent int) []byte {
	digit := func(i int) byte { // i counts from the first digit of whole
		switch {
		case i < 0 || i >= len(whole)+len(fraction):
			return '0'
		case i < len(whole):
			return whole[i]
		default:
			return fraction[i-len(whole)]
		}
	}
	point := len(whole) + exponent // how many digits stand before the point
	first, end := 0, len(whole)+len(fraction)
	for first < end && digit(first) == '0' {
		first++
	}
	for end > first && digit(end-1) == '0' {
		end--
	}
	if point <= first {
		dst = append(dst, '0')
	}
	for i := first; i < point; i++ {
		dst = append(dst, digit(i))
	}
	if end > point {
		dst = append(dst, '.')
		for i := point; i < end; i++ {
			dst = append(dst, digit(i))
		}
	}
	return dst
}

func parseExponent(b []byte) (n int, ok bool) {
	negative := false
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		negative = b[0] == '-'
		b = b[1:]
	}
	if len(b) == 0 || len(b) > 6 || !allDigits(b) {
		return 0, false
	}
	n = digits(b)
	if negative {
		n = -n
	}
	return n, true
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func allDigits(b []byte) bool {
	for _, c := range b {
		if !isDigit(c) {
			return false
		}
	}
	return true
}

// digits reads a short run of digits that has been checked.
func digits(b []byte) int {
	n := 0
	for _, c := range b {
		n = n*10 + int(c-'0')
	}
	return n
}

func trimBlanks(b []byte) []byte {
	for len(b) > 0 && asciiBlank(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && asciiBlank(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}
