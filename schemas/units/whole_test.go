package units

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"
)

const (
	dayBefore Date = 20250630
	mergerDay Date = 20250701
)

// counts are the numbers of docs/administrative-units.md.
type counts struct {
	old, one, several, none int
}

// TestEveryOldCommune: what the resolver says of each commune of 30 June 2025, found by its full address, is what the source
// says.
func TestEveryOldCommune(t *testing.T) {
	c := catalogue(t)
	source := relation(t)
	var n counts
	for i := range c.Units() {
		u := &c.Units()[i]
		island := u.Level == District && source[u.Code] != ""
		if !u.In(dayBefore) || u.Level != Commune && !island {
			continue
		}
		n.old++
		path := c.Path(u, dayBefore)
		r := c.Resolve([]byte(path), dayBefore)
		if r.Unit != u {
			t.Errorf("%s %s: %s %s", u.Code, path, r.Outcome, codesOf(found(r)))
			continue
		}
		if by := c.Resolve([]byte(u.Code), dayBefore); by.Unit != u {
			t.Errorf("%s: by its code it is %+v", u.Code, by.Unit)
		}
		now, sure := r.Unit.On(mergerDay)
		if got := codesOf(now); got != source[u.Code] || !sure {
			t.Errorf("%s %s became %s, by the source %s", u.Code, path, got, source[u.Code])
		}
		switch len(now) {
		case 0:
			n.none++
		case 1:
			n.one++
		default:
			n.several++
		}
	}
	if want := (counts{old: 10040, one: 9569, several: 471}); n != want {
		t.Errorf("%+v, docs/administrative-units.md has %+v", n, want)
	}
	if n.old != len(source) {
		t.Errorf("%d communes, the source speaks of %d", n.old, len(source))
	}
}

func relation(t *testing.T) map[string]string {
	t.Helper()
	f, err := os.Open("testdata/relation.tsv.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for lines := bufio.NewScanner(z); lines.Scan(); {
		from, to, _ := strings.Cut(lines.Text(), "\t")
		out[from] = to
	}
	return out
}

// TestEveryUnitByItsAddress: every unit of some days is found by its full address, in several spellings. Where its address is
// that of another unit too, both are candidates.
func TestEveryUnitByItsAddress(t *testing.T) {
	c := catalogue(t)
	plain := func(s string) string { return s }
	for _, x := range []struct {
		name      string
		at        Date
		spell     func(string) string
		total     int
		ambiguous int
	}{
		{"October 2019", 20191006, plain, 11936, 0},
		{"June 2025", dayBefore, plain, 10794, 0},
		{"today", c.Latest(), plain, 3355, 0},
		{"decomposed capitals", c.Latest(), func(s string) string { return norm.NFD.String(strings.ToUpper(s)) }, 3355, 0},
		{"without commas", c.Latest(), func(s string) string { return strings.ReplaceAll(s, ",", "") }, 3355, 0},
		{"turned round", dayBefore, func(s string) string {
			parts := strings.Split(s, ", ")
			slices.Reverse(parts)
			return strings.Join(parts, ", ")
		}, 10794, 0},
		{"behind a street", dayBefore, func(s string) string { return "Số 12, ngõ 3, đường Nguyễn Văn Mẫu, " + s }, 10794, 0},
	} {
		total, ambiguous, wrong := 0, 0, 0
		for i := range c.Units() {
			u := &c.Units()[i]
			if !u.In(x.at) {
				continue
			}
			total++
			text := x.spell(c.Path(u, x.at))
			r := c.Resolve([]byte(text), x.at)
			switch {
			case r.Unit == u:
			case slices.Contains(r.Candidates, u):
				ambiguous++
				t.Logf("%s: %s: %s", x.name, text, codesOf(r.Candidates))
			default:
				if wrong++; wrong < 20 {
					t.Errorf("%s: %s %q: %s %s", x.name, u.Code, text, r.Outcome, codesOf(found(r)))
				}
			}
		}
		if total != x.total || ambiguous != x.ambiguous || wrong > 0 {
			t.Errorf("%s: %d units, %d ambiguous, %d wrong; want %d and %d", x.name, total, ambiguous, wrong, x.total, x.ambiguous)
		}
	}
}

// TestPage holds docs/administrative-units.md to the data.
func TestPage(t *testing.T) {
	raw, err := os.ReadFile("../../docs/administrative-units.md")
	if err != nil {
		t.Fatal(err)
	}
	c := catalogue(t)
	lines := []string{fmt.Sprintf("of the %d old units", len(relation(t)))}
	for name, at := range map[string]Date{"6 October 2019": 20191006, "30 June 2025": dayBefore, "1 July 2025": mergerDay, "20 September 2026": c.Latest()} {
		n := map[Level]int{}
		for i := range c.Units() {
			if u := &c.Units()[i]; u.In(at) {
				n[u.Level]++
			}
		}
		lines = append(lines, fmt.Sprintf("| %s | %d | %d | %d |", name, n[Province], n[District], n[Commune]))
	}
	one, several := 0, 0
	for _, to := range relation(t) {
		if strings.Contains(to, ",") {
			several++
		} else {
			one++
		}
	}
	vague := 0
	for i := range c.Units() {
		if c.Units()[i].Vague {
			vague++
		}
	}
	lines = append(lines, fmt.Sprintf("| went to one unit | %d |", one), fmt.Sprintf("| were divided among several | %d |", several), fmt.Sprintf("and 2025, %d communes", vague))
	for _, l := range lines {
		if !strings.Contains(string(raw), l) {
			t.Errorf("docs/administrative-units.md lacks %q", l)
		}
	}
}
