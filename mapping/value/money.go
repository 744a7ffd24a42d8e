package value

import (
	"bytes"
	"unicode/utf8"
)

// Grouping says what the point and the comma in an amount of money mean.
type Grouping uint8

const (
	// EitherGrouping takes an amount that means the same number both ways, or a number one way only.
	EitherGrouping Grouping = iota
	// VietnameseGrouping is 1.234.567,50.
	VietnameseGrouping
	// EnglishGrouping is 1,234,567.50.
	EnglishGrouping
)

// AppendMoney reads an amount in đồng as people write it, "1.234.567 đ" or "1,234,567.50 VND", and appends the number in the canonical form of
// AppendDecimal. Thousands stand in groups of three, between points, commas or spaces, or in no groups. ok is false for what is no amount, for
// one in another currency or with words for its scale ("triệu"), and for one that EitherGrouping can read in two ways: "1.234".
func AppendMoney(dst, src []byte, g Grouping) (out []byte, ok bool) {
	start := len(dst)
	// Longer texts are no amounts. The clean text stands in dst for a while, so that nothing is allocated.
	if len(src) > 256 {
		return dst, false
	}
	if dst, ok = AppendText(dst, src); !ok {
		return dst, false
	}
	number, ok := amount(dst[start:])
	dst = dst[:start]
	if !ok {
		return dst, false
	}
	var vi, en [64]byte
	a, okVI := appendGrouped(vi[:0], number, '.', ',')
	b, okEN := appendGrouped(en[:0], number, ',', '.')
	okVI, okEN = okVI && g != EnglishGrouping, okEN && g != VietnameseGrouping
	switch {
	case okVI && okEN && !bytes.Equal(a, b), !okVI && !okEN:
		return dst, false
	case okVI:
		return append(dst, a...), true
	}
	return append(dst, b...), true
}

// amount leaves sign, digits, points, commas and single spaces of a clean amount in đồng, in its place.
func amount(text []byte) ([]byte, bool) {
	text = withoutCurrency(text)
	out := text[:0]
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		switch {
		case r >= '0' && r <= '9', r == '.', r == ',', r == ' ', r == '-' && len(out) == 0:
			out = append(out, byte(r))
		case r == '−' && len(out) == 0:
			out = append(out, '-')
		default:
			return nil, false
		}
		i += size
	}
	return out, len(out) <= 64
}

// withoutCurrency takes the currency from the end or the beginning.
func withoutCurrency(s []byte) []byte {
	for _, name := range []string{"vnđ", "vnd", "đồng", "dong", "đ", "₫"} {
		// A capital of these has as many bytes.
		if n := len(s) - len(name); n >= 0 && bytes.EqualFold(s[n:], []byte(name)) {
			return trimBlanks(s[:n])
		}
		if len(s) >= len(name) && bytes.EqualFold(s[:len(name)], []byte(name)) {
			return trimBlanks(s[len(name):])
		}
	}
	return s
}

// appendGrouped reads a number whose thousands and decimals have these separators.
func appendGrouped(dst, s []byte, thousands, decimal byte) ([]byte, bool) {
	start := len(dst)
	if len(s) > 0 && s[0] == '-' {
		dst, s = append(dst, '-'), trimBlanks(s[1:])
	}
	whole, fraction, hasFraction := s, []byte(nil), false
	if at := bytes.IndexByte(s, decimal); at >= 0 {
		whole, fraction, hasFraction = s[:at], s[at+1:], true
	}
	if hasFraction && (len(fraction) == 0 || !allDigits(fraction)) {
		return dst[:start], false
	}
	separator := byte(0)
	group := 0 // digits since the last separator
	for i, c := range whole {
		switch {
		case isDigit(c):
			dst = append(dst, c)
			group++
		case c == thousands || c == ' ':
			// The first group has one to three digits and is no zero; all separators are the same.
			first := separator == 0
			if first && (group == 0 || group > 3 || whole[i-group] == '0') || !first && (group != 3 || c != separator) {
				return dst[:start], false
			}
			separator, group = c, 0
		default:
			return dst[:start], false
		}
	}
	if separator != 0 && group != 3 || len(whole) == 0 {
		return dst[:start], false
	}
	if hasFraction {
		dst = append(append(dst, '.'), fraction...)
	}
	var buf [80]byte
	canonical, ok := AppendDecimal(buf[:0], dst[start:])
	return append(dst[:start], canonical...), ok
}
