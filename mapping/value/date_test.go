package value_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/lienthong/truc/mapping/value"
)

func layout(t testing.TB, pattern string) *value.Layout {
	l, err := value.CompileLayout(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestLayout(t *testing.T) {
	day := func(y, m, d int) value.DateTime {
		return value.DateTime{Year: y, Month: m, Day: d, Precision: value.Day}
	}
	for _, c := range []struct {
		layout, in string
		want       value.DateTime
	}{
		{"dd/MM/yyyy", "07/06/1975", day(1975, 6, 7)},
		{"dd/MM/yyyy", " 07/06/1975 ", day(1975, 6, 7)},
		{"d/M/yyyy", "7/6/1975", day(1975, 6, 7)},
		{"d/M/yyyy", "17/12/1975", day(1975, 12, 17)},
		{"yyyyMMdd", "20240229", day(2024, 2, 29)},
		{"'ngày' dd 'tháng' MM 'năm' yyyy", "ngày 02 tháng 09 năm 1945", day(1945, 9, 2)},
		{"MM/yyyy", "06/1975", value.DateTime{Year: 1975, Month: 6, Precision: value.Month}},
		{"00/MM/yyyy", "00/06/1975", value.DateTime{Year: 1975, Month: 6, Precision: value.Month}},
		{"yyyy", "1975", value.DateTime{Year: 1975, Precision: value.Year}},
		{"yyyyMMddHHmmss", "19750612235959", value.DateTime{Year: 1975, Month: 6, Day: 12, Hour: 23, Min: 59, Sec: 59, Precision: value.Time}},
		{"yyyy-MM-ddTHH:mm:ss.SSS", "1975-06-12T00:00:01.025", value.DateTime{Year: 1975, Month: 6, Day: 12, Sec: 1, Nano: 25e6, Precision: value.Time}},
		{"HH'h'mm dd/MM/yyyy", "08h30 12/06/1975", value.DateTime{Year: 1975, Month: 6, Day: 12, Hour: 8, Min: 30, Precision: value.Time}},
	} {
		got, ok := layout(t, c.layout).Parse([]byte(c.in))
		if diff := cmp.Diff(c.want, got); !ok || diff != "" {
			t.Errorf("%s of %q: %v %s", c.layout, c.in, ok, diff)
		}
	}
	for _, c := range []struct{ layout, in string }{
		{"dd/MM/yyyy", "30/02/1975"},
		{"dd/MM/yyyy", "00/00/1975"},
		{"dd/MM/yyyy", "29/02/1900"},
		{"dd/MM/yyyy", "01/13/1975"},
		{"dd/MM/yyyy", "7/6/1975"},
		{"dd/MM/yyyy", "07/06/75"},
		{"dd/MM/yyyy", "07/06/19755"},
		{"dd/MM/yyyy", "07-06-1975"},
		{"dd/MM/yyyy", ""},
		{"dd/MM/yyyy", "07/06/0000"},
		{"d/M/yyyy", "/6/1975"},
		{"d/M/yyyy", "007/6/1975"},
		{"MM/yyyy", "00/1975"},
		{"yyyy", "75"},
		{"yyyy", "١٩٧٥"},
		{"yyyyMMddHHmmss", "19750612240000"},
		{"yyyyMMddHHmmss", "19750612236000"},
		{"yyyyMMddHHmmss", "19750612235960"},
		{"00/MM/yyyy", "01/06/1975"},
	} {
		if got, ok := layout(t, c.layout).Parse([]byte(c.in)); ok {
			t.Errorf("%s of %q: got %v; want a refusal", c.layout, c.in, got)
		}
	}
}

func TestCompileLayoutRefuses(t *testing.T) {
	for pattern, want := range map[string]string{
		"":               "add yyyy",
		"dd/MM":          "add yyyy",
		"dd/MM/yy":       "century",
		"DD/MM/YYYY":     `"DD" is not a field`,
		"dd/mm/yyyy":     "add MM",
		"dd/MM/yyyy hh":  `"hh" is not a field`,
		"dd yyyy":        "add MM",
		"MM yyyy HH":     "add dd",
		"dd/MM/yyyy mm":  "add HH",
		"yyyyMMdd HH ss": "add mm",
		"yyyy-MM-dd SSS": "add ss",
		"dMyyyy":         "separator",
		"d1MM/yyyy":      "separator",
		"dd/MM/MM/yyyy":  "twice",
		"dd 'tháng MM":   "not closed",
		"ddd/MM/yyyy":    `"ddd" is not a field`,
		"yyyyy":          "yyyy",
		"dd MMMM yyyy":   `"MMMM" is not a field`,
	} {
		if _, err := value.CompileLayout(pattern); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v; want an error with %q", pattern, err, want)
		}
	}
}

// TestCalendar compares every date that could be written with what package time thinks of it.
func TestCalendar(t *testing.T) {
	slashed := layout(t, "dd/MM/yyyy")
	rapid.Check(t, func(t *rapid.T) {
		y, m, d := rapid.IntRange(0, 9999).Draw(t, "year"), rapid.IntRange(0, 13).Draw(t, "month"), rapid.IntRange(0, 32).Draw(t, "day")
		date := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)
		exists := y > 0 && date.Year() == y && int(date.Month()) == m && date.Day() == d
		two := func(n int) string { return string([]byte{byte('0' + n/10), byte('0' + n%10)}) }
		text := two(d) + "/" + two(m) + "/" + two(y/100) + two(y%100)
		got, ok := slashed.Parse([]byte(text))
		if ok != exists {
			t.Fatalf("%s: got %v, want %v", text, ok, exists)
		}
		if !ok {
			return
		}
		iso := value.AppendISODate(nil, got)
		if want := date.Format(time.DateOnly); string(iso) != want {
			t.Fatalf("got %s, want %s", iso, want)
		}
		if again, ok := value.ParseISODate(iso); !ok || again != got {
			t.Fatalf("%s read back: %v, %v", iso, again, ok)
		}
	})
}

func TestDateTimeAgainstTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seconds := rapid.Int64Range(-62_135_000_000, 253_402_000_000).Draw(t, "seconds")
		instant := time.Unix(seconds, rapid.Int64Range(0, 999_999).Draw(t, "micros")*1000).UTC()
		text := instant.Format("2006-01-02T15:04:05.999999999Z")
		got, utc, ok := value.ParseISODateTime([]byte(text))
		if !ok || !utc {
			t.Fatalf("%s: %v, %v", text, utc, ok)
		}
		offset := rapid.IntRange(-14*60, 14*60).Draw(t, "offset")
		local, ok := got.AddMinutes(offset)
		want := instant.In(time.FixedZone("", offset*60)).Format(time.RFC3339Nano)
		if !ok || string(value.AppendISODateTime(nil, local, offset)) != want {
			t.Fatalf("%s at %d: got %s, %v; want %s", text, offset, value.AppendISODateTime(nil, local, offset), ok, want)
		}
	})
}

func TestCanonicalRefuses(t *testing.T) {
	for _, bad := range []string{"", "infinity", "-infinity", "0044-03-15 BC", "10000-01-01", "1975-6-12", "1975/06/12", "0000-01-01", "1975-02-30"} {
		if got, ok := value.ParseISODate([]byte(bad)); ok {
			t.Errorf("date %q: got %v", bad, got)
		}
	}
	for _, bad := range []string{
		"", "infinity", "-infinity", "1975-06-12", "1975-06-12 08:30:00", "1975-06-12T08:30", "1975-06-12T24:00:00", "1975-06-12T08:30:00.", "1975-06-12T08:30:00.1234567890",
		"1975-06-12T08:30:00+07", "1975-06-12T08:30:00ZZ", "0044-03-15T00:00:00 BC", "1975-06-12T08:30:60",
	} {
		if got, _, ok := value.ParseISODateTime([]byte(bad)); ok {
			t.Errorf("date and time %q: got %v", bad, got)
		}
	}
	if got, utc, ok := value.ParseISODateTime([]byte("1975-06-12T08:30:00.5")); !ok || utc || got.Nano != 500_000_000 {
		t.Errorf("got %v, %v, %v", got, utc, ok)
	}
}

func TestPartial(t *testing.T) {
	layouts := []*value.Layout{layout(t, "dd/MM/yyyy"), layout(t, "MM/yyyy"), layout(t, "yyyy"), layout(t, "yyyyMMddHHmmss")}
	for in, want := range map[string]string{
		"12/06/1975": "1975-06-12 ngay", "06/1975": "1975-06 thang", "1975": "1975 nam", "19750612083000": "1975-06-12 ngay",
		"30/02/1975": "", "00/00/1975": "", "13/1975": "", "75": "", "": "",
	} {
		p, ok := value.ParsePartial(layouts, []byte(in))
		if ok != (want != "") {
			t.Errorf("%q: ok = %v", in, ok)
		}
		if !ok {
			continue
		}
		text := value.AppendPartialValue(nil, p)
		if got := string(text) + " " + p.Precision.String(); got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
		if again, ok := value.ParsePartialISO(text); !ok || again != p {
			t.Errorf("%s read back: %v, %v", text, again, ok)
		}
	}
	for _, bad := range []string{"", "197", "1975-13", "1975-", "1975-06-31", "0000", "1975-6"} {
		if got, ok := value.ParsePartialISO([]byte(bad)); ok {
			t.Errorf("%q: got %v", bad, got)
		}
	}
}

func TestAgeAt(t *testing.T) {
	for _, c := range []struct {
		birth, at string
		years     int
		ok        bool
	}{
		{"1975-06-12", "2025-06-11", 49, true},
		{"1975-06-12", "2025-06-12", 50, true},
		{"1975", "2025-12-30", 49, true},
		{"1975", "2025-12-31", 50, true},
		{"1975-06", "2025-06-29", 49, true},
		{"1975-06", "2025-06-30", 50, true},
		{"2000-02-29", "2021-02-28", 20, true},
		{"2000-02-29", "2021-03-01", 21, true},
		{"2000-02", "2021-02-28", 20, true},
		{"2001-02", "2024-02-28", 23, true},
		{"2025-06-12", "2025-06-12", 0, true},
		{"2025-06-12", "2025-06-11", 0, false},
		{"2025", "2025-01-01", 0, true},
		{"2025-06", "2025-05-31", 0, false},
		{"2025-06", "2025-06-01", 0, true},
		{"2026", "2025-12-31", 0, false},
	} {
		birth, ok := value.ParsePartialISO([]byte(c.birth))
		if !ok {
			t.Fatal(c.birth)
		}
		at, ok := value.ParseISODate([]byte(c.at))
		if !ok {
			t.Fatal(c.at)
		}
		if years, ok := value.AgeAt(birth, at); years != c.years || ok != c.ok {
			t.Errorf("born %s, on %s: got %d, %v; want %d, %v", c.birth, c.at, years, ok, c.years, c.ok)
		}
	}
}

// TestAgeIsALowerBound: whatever the day within what is known was, the age is not less, and for the latest day it is equal.
func TestAgeIsALowerBound(t *testing.T) {
	day := rapid.Custom(func(t *rapid.T) time.Time {
		return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 12000).Draw(t, "day"))
	})
	dt := func(d time.Time) value.DateTime {
		return value.DateTime{Year: d.Year(), Month: int(d.Month()), Day: d.Day(), Precision: value.Day}
	}
	rapid.Check(t, func(t *rapid.T) {
		born, at := dt(day.Draw(t, "born")), dt(day.Draw(t, "at"))
		exact, ok := value.AgeAt(born.Partial(), at)
		if !ok {
			return
		}
		for _, p := range []value.Partial{{Year: born.Year, Precision: value.Year}, {Year: born.Year, Month: born.Month, Precision: value.Month}} {
			if got, ok := value.AgeAt(p, at); !ok || got > exact || got < exact-1 {
				t.Fatalf("born %v known as %v at %v: got %d, %v; exactly %d", born, p, at, got, ok, exact)
			}
		}
	})
}

func FuzzLayout(f *testing.F) {
	f.Add("dd/MM/yyyy", []byte("12/06/1975"))
	f.Add("yyyyMMddHHmmss", []byte("19750612083000"))
	f.Add("d 'ngày' M yyyy", []byte("1 ngày 2 2003"))
	f.Fuzz(func(t *testing.T, pattern string, src []byte) {
		l, err := value.CompileLayout(pattern)
		if err != nil {
			return
		}
		if d, ok := l.Parse(src); ok {
			text := value.AppendPartialValue(nil, d.Partial())
			if _, ok := value.ParsePartialISO(text); !ok {
				t.Fatalf("%q of %q gives %s", pattern, src, text)
			}
		}
	})
}

func FuzzISO(f *testing.F) {
	f.Add([]byte("1975-06-12T08:30:00.5Z"))
	f.Add([]byte("1975-06"))
	f.Fuzz(func(t *testing.T, src []byte) {
		if d, utc, ok := value.ParseISODateTime(src); ok && utc {
			if _, err := time.Parse(time.RFC3339Nano, string(src)); err != nil {
				t.Fatalf("%q: %v, %v", src, d, err)
			}
		}
		if p, ok := value.ParsePartialISO(src); ok && string(value.AppendPartialValue(nil, p)) != string(src) {
			t.Fatalf("%q: %v", src, p)
		}
	})
}

func BenchmarkLayoutParse(b *testing.B) {
	l, src, dst := layout(b, "dd/MM/yyyy"), []byte("12/06/1975"), make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		d, _ := l.Parse(src)
		dst = value.AppendISODate(dst[:0], d)
	}
}

func BenchmarkISODateTime(b *testing.B) {
	src, dst := []byte("1975-06-12T20:30:00.123456Z"), make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		d, _, _ := value.ParseISODateTime(src)
		d, _ = d.AddMinutes(420)
		dst = value.AppendISODateTime(dst[:0], d, 420)
	}
}
