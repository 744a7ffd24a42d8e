package units

import (
	"bufio"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"
)

func catalogue(tb testing.TB) *Catalogue {
	tb.Helper()
	c, err := Builtin()
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func day(tb testing.TB, s string) Date {
	tb.Helper()
	d, ok := ParseDate(s)
	if !ok {
		tb.Fatalf("%q is no day", s)
	}
	return d
}

func codesOf(units []*Unit) string {
	var codes []string
	for _, u := range units {
		codes = append(codes, u.Code)
	}
	slices.Sort(codes)
	return strings.Join(codes, ",")
}

func sorted(codes string) string {
	list := strings.Split(codes, ",")
	slices.Sort(list)
	return strings.Join(list, ",")
}

func found(r Result) []*Unit {
	if r.Unit != nil {
		return []*Unit{r.Unit}
	}
	return r.Candidates
}

// TestHardAddresses: the answers were written before the resolver.
func TestHardAddresses(t *testing.T) {
	c := catalogue(t)
	f, err := os.Open("testdata/hard.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cases, ambiguous, later := 0, 0, 0
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := lines.Text()
		if strings.HasPrefix(line, "#") {
			continue
		}
		x := strings.Split(line, "\t")
		if len(x) != 7 {
			t.Fatalf("%d fields: %s", len(x), line)
		}
		text, at, want, codes, to, then := x[0], day(t, x[1]), x[2], x[3], x[4], x[5]
		cases++
		for _, spelled := range []string{text, norm.NFD.String(text), "  " + text + " "} {
			got := c.Resolve([]byte(spelled), at)
			if got.Outcome.String() != want || codesOf(found(got)) != sorted(codes) {
				t.Errorf("%q on %s: %s %s, want %s %s", spelled, at, got.Outcome, codesOf(found(got)), want, codes)
			}
			if got.Unit != nil && to != "" {
				if units, _ := got.Unit.On(day(t, to)); codesOf(units) != sorted(then) {
					t.Errorf("%q: on %s it is %s, want %s", text, to, codesOf(units), then)
				}
			}
		}
		if want == "ambiguous" {
			ambiguous++
		}
		if to != "" {
			later++
		}
	}
	if cases < 30 || ambiguous < 10 || later < 10 {
		t.Errorf("%d cases, %d of them ambiguous, %d with a later day", cases, ambiguous, later)
	}
}

// TestSpellings: texts as people write them, and what must not be taken for a unit.
func TestSpellings(t *testing.T) {
	c := catalogue(t)
	for _, x := range []struct{ text, at, outcome, codes, within string }{
		{"TP. Hồ Chí Minh", "2019-05-01", "text", "79", ""},
		{"tphcm", "2019-05-01", "text", "79", ""},
		{"T.P Hải Dương", "2019-05-01", "text", "288", ""},
		{"TT Huế", "2019-05-01", "text", "46", ""},
		{"Thừa Thiên - Huế", "2019-05-01", "text", "46", ""},
		{"TP Huế", "2019-05-01", "text", "474", ""},
		{"TP Huế", "2025-02-01", "text", "46", ""},
		{"xã Tân Xã, huyện Thạch Thất, Hà Nội", "2019-05-01", "text", "10000", ""},
		{"Số 7 Phương Mai, phường Phương Mai, Đống Đa, Hà Nội", "2019-05-01", "text", "00232", ""},
		{"F5, Q3, TPHCM", "2024-01-01", "text", "27151", ""},
		{"Phường 05, Quận 03, Thành phố Hồ Chí Minh, Việt Nam", "2024-01-01", "text", "27151", ""},
		{"72 Lê Thánh Tôn, Quận 1, TP.HCM", "2024-01-01", "text", "760", ""},
		{"phường Cống Vị, quận Ba Đình, Hà Nội", "2026-01-01", "unknown", "", "01"},
		{"phường Ba Đình, quận Ba Đình, Hà Nội", "2026-01-01", "text", "00004", ""},
		{"xã Hồng Khê, huyện Bình Giang, tỉnh Hải Dương", "2026-01-01", "unknown", "", ""},
		{"xã Không Có, huyện Bình Giang, tỉnh Hải Dương", "2024-01-01", "unknown", "", "296"},
		{"xã Hồng Khê, huyện Thanh Hà, tỉnh Hải Dương", "2024-01-01", "unknown", "", "294"},
		{"Đặc khu Lý Sơn, Quảng Ngãi", "2026-01-01", "text", "21548", ""},
		{"Thành phố Đồng Nai", "2026-05-01", "text", "75", ""},
		{"Thành phố Đồng Nai", "2026-04-29", "text", "75", ""},
		{"P. 502 nhà A, phường Trần Hưng Đạo, TP Hải Dương, Hải Dương", "2024-01-01", "text", "10525", ""},
		{"phường Quang Trung, phường Trần Hưng Đạo, TP Hải Dương, Hải Dương", "2024-01-01", "unknown", "", "288"},
		{"Hòa Bình, Hòa Bình", "2019-05-01", "ambiguous", "04825,148", "17"},
		{"Hồng Khê Bình Giang Hải Dương", "2024-01-01", "text", "10978", ""},
		{"xã Hồng Khê, Bình Giang, Hải Dương", "2026-01-01", "unknown", "", ""}, // not phường Hải Dương
		{"1", "2026-01-01", "unknown", "", ""},
		{"", "2026-01-01", "unknown", "", ""},
		{"không rõ", "2026-01-01", "unknown", "", ""},
		{"\xff\xfe", "2026-01-01", "unknown", "", ""},
		{strings.Repeat("phường ", 500), "2026-01-01", "unknown", "", ""},
		{strings.Repeat("số 1, ", 500) + "xã Hồng Khê, Bình Giang, Hải Dương", "2024-01-01", "text", "10978", ""},
	} {
		r := c.Resolve([]byte(x.text), day(t, x.at))
		within := ""
		if r.Within != nil {
			within = r.Within.Code
		}
		if r.Outcome.String() != x.outcome || codesOf(found(r)) != x.codes || within != x.within {
			t.Errorf("%.60q on %s: %s %q within %q", x.text, x.at, r.Outcome, codesOf(found(r)), within)
		}
	}
}

// TestUnitsOfADay counts the units of days, as the acts do.
func TestUnitsOfADay(t *testing.T) {
	c := catalogue(t)
	for _, x := range []struct {
		at                             Date
		provinces, districts, communes int
	}{
		{20191006, 63, 713, 11160},
		{20250630, 63, 696, 10035},
		{20250701, 34, 0, 3321},
		{c.Latest(), 34, 0, 3321},
	} {
		n := map[Level]int{}
		kinds := map[string]int{}
		codes := map[string]bool{}
		for i := range c.Units() {
			if u := &c.Units()[i]; u.In(x.at) {
				n[u.Level]++
				kinds[u.Type]++
				if codes[u.Code] {
					t.Errorf("%s: two units have the code %s", x.at, u.Code)
				}
				codes[u.Code] = true
				for _, above := range []string{u.Province, u.District} {
					if above != "" && c.ByCode(above, x.at) == nil {
						t.Errorf("%s: %s %s is in %s, which is not there", x.at, u.Code, u.Full(), above)
					}
				}
			}
		}
		if n[Province] != x.provinces || n[District] != x.districts || n[Commune] != x.communes {
			t.Errorf("%s: %v", x.at, n)
		}
		if x.at == c.Latest() && (kinds["thành phố"] != 9 || kinds["phường"] != 709 && kinds["phường"] != 710 || kinds["đặc khu"] != 13) {
			t.Errorf("%s: %v", x.at, kinds)
		}
	}
	if got := c.Latest().String(); got != "2026-09-20" {
		t.Errorf("the last change is of %s", got)
	}
}

// TestNothingIsLost: whatever was in force since 2019 has a successor today.
func TestNothingIsLost(t *testing.T) {
	c := catalogue(t)
	vague := 0
	for i := range c.Units() {
		u := &c.Units()[i]
		now, sure := u.On(c.Latest())
		if len(now) == 0 {
			t.Errorf("%s %s (%s to %s) is lost", u.Code, u.Full(), u.From, u.Until)
		}
		if !sure {
			vague++
		}
		if u.Until != 0 && u.Until < u.From {
			t.Errorf("%s %s ends before it begins", u.Code, u.Full())
		}
	}
	if vague != 18 {
		t.Errorf("of %d units the sources do not say what they became", vague)
	}
	// A city that kept its number and gave half of its communes away.
	if now, _ := c.ByCode("474", 20191006).On(dayBefore); codesOf(now) != "474,475" {
		t.Errorf("thành phố Huế became %s", codesOf(now))
	}
	if before, _ := c.ByCode("00004", c.Latest()).On(20190101); before != nil {
		t.Error("a unit is found before it was there")
	}
}

// TestBetweenLists: a change of which the lists do not tell the day. Both names are understood; the code is of the later one.
func TestBetweenLists(t *testing.T) {
	c := catalogue(t)
	for text, kind := range map[string]string{"xã Tân Hưng, TP Hải Dương": "xã", "phường Tân Hưng, TP Hải Dương": "phường", "Tân Hưng, TP Hải Dương, Hải Dương": "phường", "11011": "phường"} {
		if r := c.Resolve([]byte(text), 20200601); r.Unit == nil || r.Unit.Code != "11011" || r.Unit.Type != kind {
			t.Errorf("%s: %s %+v", text, r.Outcome, r.Unit)
		}
	}
}

func TestDates(t *testing.T) {
	for _, s := range []string{"2025-07-01", "2019-02-28"} {
		if d := day(t, s); d.String() != s {
			t.Errorf("%s becomes %s", s, d)
		}
	}
	for _, s := range []string{"", "2025-02-30", "01/07/2025", "2025-7-1"} {
		if _, ok := ParseDate(s); ok {
			t.Errorf("%q is taken for a day", s)
		}
	}
	if s := Date(0).String(); s != "" {
		t.Errorf("no day is %q", s)
	}
}
