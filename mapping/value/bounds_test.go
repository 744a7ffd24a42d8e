package value_test

import (
	"strings"
	"testing"

	"github.com/lienthong/truc/mapping/value"
)

// TestBounds holds what may be read to its first and last: each pair is the last that is taken and the first that is not.
func TestBounds(t *testing.T) {
	decimal := func(s string) bool { _, ok := value.AppendDecimal(nil, []byte(s)); return ok }
	english := func(s string) bool { _, ok := value.AppendMoney(nil, []byte(s), value.EnglishGrouping); return ok }
	instant := func(s string) bool { _, _, ok := value.ParseISODateTime([]byte(s)); return ok }
	serial := func(s string) bool { _, ok := layout(t, value.ExcelLayout).Parse([]byte(s)); return ok }
	taxCode := func(s string) bool {
		_, _, fault := value.AppendTaxCode(nil, []byte(s), false)
		return fault == value.NoFault
	}
	personID := func(s string) bool { _, _, _, ok := value.AppendPersonID(nil, []byte(s), false); return ok }
	says := func(s string) bool { _, ok := value.ParsePersonID([]byte(s)); return ok }
	for _, c := range []struct {
		what        string
		read        func(string) bool
		taken, left string
	}{
		{"large exponent", decimal, "1e399", "1e400"},
		{"small exponent", decimal, "1e-399", "1e-400"},
		{"digits of an exponent", decimal, "1e000001", "1e0000001"},
		{"text of an amount", english, "1" + strings.Repeat(" ", 253) + "đ", "1" + strings.Repeat(" ", 254) + "đ"},
		{"digits of an amount", english, strings.Repeat("9", 64), strings.Repeat("9", 65)},
		{"first group", english, "123,456", "1234,567"},
		{"group before a separator", english, "1,234", ",234"},
		{"zero before a separator", english, "0.234", "0,234"},
		{"later group", english, "1,234,567", "1,2345,678"},
		{"last group", english, "1,234", "1,2345"},
		{"fraction of a second", instant, "2024-01-02T03:04:05.123456789", "2024-01-02T03:04:05.1234567890"},
		{"last serial", serial, "2958465", "2958466"},
		{"digits of a serial", serial, "0045292", "00045292"},
		{"fraction of a serial", serial, "1." + strings.Repeat("5", 20), "1." + strings.Repeat("5", 21)},
		{"check digit", taxCode, "0123456787", "0123456788"},
		{"check digit of ten", taxCode, "0777777771", "0990000090"},
		{"personal number", personID, "001090000123", "00109000012"},
		{"digits that say something", says, "001090000123", "0010900001234"},
	} {
		if !c.read(c.taken) {
			t.Errorf("%s: %q is not taken", c.what, c.taken)
		}
		if c.read(c.left) {
			t.Errorf("%s: %q is taken", c.what, c.left)
		}
	}
}

// TestYearsOfAnInstant: what a zone moves beyond the years 1 to 9999 is no date any more.
func TestYearsOfAnInstant(t *testing.T) {
	first := value.DateTime{Year: 1, Month: 1, Day: 1, Precision: value.Time}
	last := value.DateTime{Year: 9999, Month: 12, Day: 31, Hour: 23, Min: 59, Precision: value.Time}
	for _, c := range []struct {
		at      value.DateTime
		minutes int
		ok      bool
	}{{first, 0, true}, {first, -1, false}, {last, 0, true}, {last, 1, false}} {
		if got, ok := c.at.AddMinutes(c.minutes); ok != c.ok {
			t.Errorf("%v moved by %d minutes = %v, %v", c.at, c.minutes, got, ok)
		}
	}
}
