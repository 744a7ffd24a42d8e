package units

import (
	"fmt"
	"time"
)

// Date is a day of the calendar as one number, 20250701, so that days compare as numbers. The zero Date is none.
type Date int32

// DateOf is the day of a time, in the time's own zone.
func DateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date(y*10000 + int(m)*100 + d)
}

// ParseDate reads "2025-07-01". ok is false for a day that the calendar does not have.
func ParseDate(s string) (d Date, ok bool) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil || t.Year() < 1 {
		return 0, false
	}
	return DateOf(t), true
}

// String writes the day as "2025-07-01"; the zero Date is "".
func (d Date) String() string {
	if d == 0 {
		return ""
	}
	return fmt.Sprintf("%04d-%02d-%02d", d/10000, d/100%100, d%100)
}

// AppendDate is String for buffers.
func (d Date) AppendDate(dst []byte) []byte {
	if d == 0 {
		return dst
	}
	y, m, day := int(d/10000), int(d/100%100), int(d%100)
	digit := func(n int) byte { return byte('0' + n%10) }
	return append(dst, digit(y/1000), digit(y/100), digit(y/10), digit(y), '-', digit(m/10), digit(m), '-', digit(day/10), digit(day))
}

// MarshalText writes the day as String does.
func (d Date) MarshalText() ([]byte, error) { return d.AppendDate(nil), nil }
