package units

import (
	"bufio"
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/lienthong/truc/schemas/match"
)

//go:embed data/units.tsv.gz
var packed []byte

// Catalogue is a list of units with their dates. It is immutable and safe for concurrent use.
type Catalogue struct {
	units  []Unit
	byCode map[string][]*Unit
	byName map[string][]*Unit // by match.Name, and by what provinces are called for short
	latest Date
}

var builtin = sync.OnceValues(func() (*Catalogue, error) { return read(packed) })

// Builtin returns the units that come with truc; they are read once, in some ten milliseconds. An error is a defect of the build.
func Builtin() (*Catalogue, error) { return builtin() }

// shortNames are what provinces are called beside their names, as keys, by code. Codes that were given anew are not among them.
func shortNames() map[string][]string {
	return map[string][]string{
		"01": {"hn"},
		"46": {"thuathienhue", "tthue", "tth", "hue"},
		"77": {"brvt", "vungtaubaria"},
		"79": {"hcm", "tphcm", "tphochiminh", "hochiminhcity", "saigon", "tpsaigon", "sg"},
	}
}

func read(gz []byte) (*Catalogue, error) {
	z, err := gzip.NewReader(bytes.NewReader(gz))
	if err != nil {
		return nil, fmt.Errorf("administrative units: %w", err)
	}
	c := &Catalogue{byCode: map[string][]*Unit{}, byName: map[string][]*Unit{}}
	var into []string
	lines := bufio.NewScanner(z)
	for n := 1; lines.Scan(); n++ {
		f := strings.Split(lines.Text(), "\t")
		if len(f) != 9 {
			return nil, fmt.Errorf("administrative units: line %d has %d fields", n, len(f))
		}
		u := Unit{Code: f[0], Province: f[1], District: f[2], Type: f[3], Name: f[4], Act: f[7]}
		if u.Level = levelOf(u.Code); u.Level == NoLevel {
			return nil, fmt.Errorf("administrative units: line %d: no level has codes like %q", n, u.Code)
		}
		var ok, until bool
		u.From, ok = ParseDate(f[5])
		u.Until, until = ParseDate(f[6])
		if !ok && f[5] != "" || !until && f[6] != "" {
			return nil, fmt.Errorf("administrative units: line %d has a day that is none", n)
		}
		c.latest = max(c.latest, u.From)
		c.units = append(c.units, u)
		into = append(into, f[8])
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("administrative units: %w", err)
	}
	if err := c.link(into); err != nil {
		return nil, err
	}
	c.index()
	return c, nil
}

func (c *Catalogue) link(into []string) error {
	for i := range c.units {
		list, vague := strings.CutPrefix(into[i], "?")
		c.units[i].Vague = vague
		if list == "" {
			continue
		}
		for line := range strings.SplitSeq(list, ",") {
			n, err := strconv.Atoi(line)
			if err != nil || n < 0 || n >= len(c.units) {
				return fmt.Errorf("administrative units: line %d became line %q, which is not there", i+1, line)
			}
			c.units[i].Into = append(c.units[i].Into, &c.units[n])
		}
	}
	return nil
}

func (c *Catalogue) index() {
	short := shortNames()
	var key []byte
	for i := range c.units {
		u := &c.units[i]
		c.byCode[u.Code] = append(c.byCode[u.Code], u)
		key = match.AppendName(key[:0], []byte(u.Name))
		c.byName[string(key)] = append(c.byName[string(key)], u)
		if u.Level != Province {
			continue
		}
		for _, s := range short[u.Code] {
			if s != string(key) {
				c.byName[s] = append(c.byName[s], u)
			}
		}
	}
}

func levelOf(code string) Level {
	if strings.Trim(code, "0123456789") != "" {
		return NoLevel
	}
	switch len(code) {
	case 2:
		return Province
	case 3:
		return District
	case 5:
		return Commune
	}
	return NoLevel
}

// Units are all of them, in no particular order. The slice is shared and must not be changed.
func (c *Catalogue) Units() []Unit { return c.units }

// Latest is the day of the last change that the catalogue knows: codes are given as of this day where no other is asked for.
func (c *Catalogue) Latest() Date { return c.latest }

// ByCode returns the unit that a code was of on a day, nil when it was of none. Between two lists, where the day of a change
// is not known, it is the later one.
func (c *Catalogue) ByCode(code string, at Date) *Unit {
	return newestIn(c.byCode[code], at)
}

func newestIn(of []*Unit, at Date) *Unit {
	var found *Unit
	for _, u := range of {
		if u.In(at) && (found == nil || u.From >= found.From) {
			found = u
		}
	}
	return found
}

// Path writes a unit with those that it is in on a day: "xã Hồng Khê, huyện Bình Giang, tỉnh Hải Dương".
func (c *Catalogue) Path(u *Unit, at Date) string {
	parts := []string{u.Full()}
	for _, code := range []string{u.District, u.Province} {
		if code == "" {
			continue
		}
		if above := c.ByCode(code, at); above != nil {
			parts = append(parts, above.Full())
		}
	}
	return strings.Join(parts, ", ")
}

// On returns the units that have the territory of a unit on a day at or after its first: itself, the one that it became, or
// those among which it was divided. sure is false when the sources do not say which of them it became. On a day before the
// unit was there it is nothing.
func (u *Unit) On(day Date) (units []*Unit, sure bool) {
	sure = true
	var follow func(*Unit)
	follow = func(u *Unit) {
		if u.In(day) {
			if !slices.Contains(units, u) {
				units = append(units, u)
			}
			return
		}
		if u.Until == 0 || day < u.Until {
			return
		}
		sure = sure && !u.Vague
		for _, next := range u.Into {
			follow(next)
		}
	}
	follow(u)
	return units, sure || len(units) == 1 // whichever it became, it is in this one now
}
