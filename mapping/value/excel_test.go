package value_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/truc/mapping/value"
)

func isoOf(l *value.Layout, s string) string {
	d, ok := l.Parse([]byte(s))
	switch {
	case !ok:
		return ""
	case d.Precision == value.Time:
		return strings.TrimSuffix(string(value.AppendISODateTime(nil, d, 0)), "Z")
	}
	return string(value.AppendPartialValue(nil, d.Partial()))
}

// The dates beside the serials are those a spreadsheet shows.
func TestExcelSerials(t *testing.T) {
	l := layout(t, "excel")
	for in, want := range map[string]string{
		"1": "1900-01-01T00:00:00", "59": "1900-02-28T00:00:00", "61": "1900-03-01T00:00:00", "367": "1901-01-01T00:00:00",
		"25569": "1970-01-01T00:00:00", "36526": "2000-01-01T00:00:00", "45292": "2024-01-01T00:00:00", "45351": "2024-02-29T00:00:00",
		"45292.5": "2024-01-01T12:00:00", "45292.75": "2024-01-01T18:00:00", "45292.999999999": "2024-01-01T23:59:59", "45292.3333333333": "2024-01-01T08:00:00",
		"45292.": "2024-01-01T00:00:00", "45292.00001": "2024-01-01T00:00:01", "45292.33333333333333333333": "2024-01-01T08:00:00",
		"2958465": "9999-12-31T00:00:00", "2958465.99999999": "9999-12-31T23:59:59",
		// There is no day 0 and no 29 February 1900; and what is no serial is no date.
		"0": "", "0.5": "", "60": "", "60.5": "", "2958466": "", "99999999": "", "-1": "", "1.2.3": "", "45292,5": "", "": "", ".5": "", "01/01/2024": "", "4e4": "",
		"45292.333333333333333333333": "",
	} {
		if got := isoOf(l, in); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
	if got := isoOf(l, " 45351\t"); got != "2024-02-29T00:00:00" {
		t.Errorf("with blanks around it: %q", got)
	}
	// Every day from 1 March 1900 on, counted by the standard library.
	day := time.Date(1900, 3, 1, 0, 0, 0, 0, time.UTC)
	for n := 61; n < 80000; n += 37 {
		want := day.AddDate(0, 0, n-61).Format("2006-01-02T15:04:05")
		if got := isoOf(l, strconv.Itoa(n)); got != want {
			t.Fatalf("%d is %s, want %s", n, got, want)
		}
	}
}

func TestTwoDigitYears(t *testing.T) {
	for _, c := range []struct{ pattern, in, want string }{
		{"dd/MM/yy[1930]", "12/05/31", "1931-05-12"},
		{"dd/MM/yy[1930]", "12/05/30", "1930-05-12"},
		{"dd/MM/yy[1930]", "12/05/29", "2029-05-12"},
		{"dd/MM/yy[1930]", "12/05/00", "2000-05-12"},
		{"dd/MM/yy[2000]", "12/05/99", "2099-05-12"},
		{"dd/MM/yy[1999]", "12/05/98", "2098-05-12"},
		{"yy[1950]MMdd", "491231", "2049-12-31"},
		{"yy[1950]MMdd", "500101", "1950-01-01"},
		{"dd/MM/yy[1930]", "29/02/00", "2000-02-29"},
		{"dd/MM/yy[1930]", "29/02/31", ""},
		{"dd/MM/yy[1930]", "12/05/1931", ""},
		{"dd/MM/yy[1930]", "12/05/3", ""},
		{"MM/yy[1930]", "05/31", "1931-05"},
	} {
		if got := isoOf(layout(t, c.pattern), c.in); got != c.want {
			t.Errorf("%s: %q is %q, want %q", c.pattern, c.in, got, c.want)
		}
	}
	for pattern, want := range map[string]string{
		"dd/MM/yy": "write the first year they may mean", "dd/MM/yy[19]": "write the first year they may mean", "dd/MM/yy[0930]": "write the first year",
		"dd/MM/yy[1930": "write the first year", "dd/MM/yyy": "yy[1930]", "yyyy yy[1930]": "twice", "excel dd": "is not a field",
	} {
		if _, err := value.CompileLayout(pattern); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", pattern, err, want)
		}
	}
}

// The zeros of an unknown day are declared; a day that never was is refused in whatever layout.
func TestDaysThatAreNot(t *testing.T) {
	layouts := []*value.Layout{layout(t, "dd/MM/yyyy"), layout(t, "00/MM/yyyy"), layout(t, "00/00/yyyy"), layout(t, "yyyy")}
	for in, want := range map[string]string{
		"00/00/1975": "1975", "00/06/1975": "1975-06", "12/06/1975": "1975-06-12", "1975": "1975",
		"30/02/1975": "", "31/04/1975": "", "29/02/1900": "", "00/13/1975": "", "12/00/1975": "", "32/01/1975": "", "00/00/0000": "",
	} {
		p, ok := value.ParsePartial(layouts, []byte(in))
		got := ""
		if ok {
			got = string(value.AppendPartialValue(nil, p))
		}
		if got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
}
