package schemas

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/lienthong/truc/problem"
)

// CodeList is a published list of codes, such as danhmuc.gioitinh. Codes are strings: leading zeros carry meaning.
type CodeList struct {
	ID      string
	Version string
	Title   map[string]string // by language, "vi" and "en"
	// Source names where codes and names were read, in words.
	Source string
	// From and To are the days, as 2006-01-02, from which on and until which the list is in force, To not among them; "" where
	// the list does not say, or does not end.
	From, To string
	// Provisional says why the list must be checked against the act before it is relied on; "" when it need not be.
	Provisional string

	// entries are all that the file has, codes those that are in this version of the list.
	entries, codes []Code
	index          map[string]int
	names          func() *codeNames
}

// Code is one entry of a code list.
type Code struct {
	Code string `json:"code"`
	VI   string `json:"vi"`
	EN   string `json:"en"`
	// Aliases are other spellings seen in sources, for matching by name.
	Aliases []string `json:"aliases,omitempty"`
	// Since is the version of the list in which the code came, "" the first of this major version. Changed is that since which
	// the entry reads as it does, "" Since.
	Since   string `json:"since,omitempty"`
	Changed string `json:"changed,omitempty"`
	// From and To are the days, as 2006-01-02, from which on and until which the code is in force, To not among them; "" as the
	// list. A code that is over stays in the list, since older data has it; ReplacedBy are the codes that follow it.
	From       string   `json:"from,omitempty"`
	To         string   `json:"to,omitempty"`
	ReplacedBy []string `json:"replacedBy,omitempty"`
	// Withdrawn is the version from which on the list does not hold the code: it was a mistake, and was never to be used.
	Withdrawn string `json:"withdrawn,omitempty"`
}

// Has says whether the list holds the code, exactly as written.
func (l *CodeList) Has(code string) bool {
	_, ok := l.index[code]
	return ok
}

// Lookup returns the entry of a code.
func (l *CodeList) Lookup(code string) (Code, bool) {
	i, ok := l.index[code]
	if !ok {
		return Code{}, false
	}
	return l.codes[i], true
}

// Codes returns all entries in the list's order. The slice is shared and must not be changed.
func (l *CodeList) Codes() []Code { return l.codes }

// Withdrawn returns the codes that the list held by mistake, in the list's order.
func (l *CodeList) Withdrawn() []Code {
	var out []Code
	for _, c := range l.entries {
		if c.Withdrawn != "" && !laterVersion(c.Withdrawn, l.Version) {
			out = append(out, c)
		}
	}
	return out
}

// At is the list as it was in a version, "" for this one. False: it is a later version, or of another major one.
func (l *CodeList) At(version string) (*CodeList, bool) {
	if version == "" || version == l.Version {
		return l, true
	}
	if !exactVersion.MatchString(version) || laterVersion(version, l.Version) || laterVersion(l.first(), version) {
		return nil, false
	}
	then := *l
	then.Version = version
	then.hold()
	return &then, len(then.codes) > 0
}

// hold finds out which entries are in the list's version.
func (l *CodeList) hold() {
	l.codes, l.index = nil, make(map[string]int, len(l.entries))
	for _, c := range l.entries {
		if c.Since != "" && laterVersion(c.Since, l.Version) || c.Withdrawn != "" && !laterVersion(c.Withdrawn, l.Version) {
			continue
		}
		l.index[c.Code] = len(l.codes)
		l.codes = append(l.codes, c)
	}
	l.names = sync.OnceValue(func() *codeNames { return namesOf(l) })
}

// first is the first version of the list's major one.
func (l *CodeList) first() string {
	major, _, _ := strings.Cut(l.Version, ".")
	return major + ".0.0"
}

// Read is the version of the list since which the entry reads as it does.
func (l *CodeList) Read(c Code) string {
	return cmp.Or(c.Changed, c.Since, l.first())
}

// laterVersion says whether version a comes after b; both are exact ones.
func laterVersion(a, b string) bool {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(x), len(y)) {
		m, _ := strconv.Atoi(x[i])
		n, _ := strconv.Atoi(y[i])
		if m != n {
			return m > n
		}
	}
	return false
}

type codeListFile struct {
	ID          string            `json:"id"`
	Version     string            `json:"version"`
	Title       map[string]string `json:"title"`
	Source      string            `json:"source"`
	Valid       codeListValid     `json:"valid"`
	Provisional string            `json:"provisional,omitempty"`
	Codes       []Code            `json:"codes"`
}

type codeListValid struct {
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
}

func parseCodeList(where string, raw []byte) (*CodeList, problem.List) {
	if _, err := decodeJSON(raw, nil); err != nil {
		return nil, problem.List{err.problem(where, raw)}
	}
	var f codeListFile
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&f); err != nil {
		return nil, problem.List{{
			Code: "schema.code-list", Where: where,
			What: problem.Say("the file is not a code list: a member is unknown or has the wrong type"),
			Fix:  problem.Say(`write {"id", "version", "title": {"vi", "en"}, "source", "valid"?: {"from"?, "to"?}, "provisional"?, "codes": [{"code", "vi", "en", "aliases"?, "since"?, "changed"?, "from"?, "to"?, "replacedBy"?, "withdrawn"?}]}, all of them text`),
		}}
	}
	var ps problem.List
	bad := func(place string, what, fix problem.Text) {
		ps = append(ps, problem.Problem{Code: "schema.code-list", Where: where + "#" + place, What: what, Fix: fix})
	}
	if !datasetName.MatchString(f.ID) {
		bad("/id", problem.Say("the id of a code list is lower-case words joined by dots"), problem.Say(`name it like "danhmuc.gioitinh"`))
	}
	if !exactVersion.MatchString(f.Version) {
		bad("/version", problem.Say("the version is not major.minor.patch"), problem.Say(`write it like "1.0.0"`))
	}
	if f.Source == "" {
		bad("/source", problem.Say("the list does not say where it comes from"), problem.Say("name the act or document; if it is not verified, say so in provisional"))
	}
	for member, day := range map[string]string{"/valid/from": f.Valid.From, "/valid/to": f.Valid.To} {
		if _, err := time.Parse(time.DateOnly, day); err != nil && day != "" {
			bad(member, problem.Say("%q is no day", day), problem.Say(`write it like "2025-11-15"`))
		}
	}
	if f.Valid.From != "" && f.Valid.To != "" && f.Valid.To <= f.Valid.From {
		bad("/valid/to", problem.Say("the list ends before it begins"), problem.Say("correct one of the two days"))
	}
	if len(f.Codes) == 0 {
		bad("/codes", problem.Say("the list holds no code"), problem.Say("list at least one code"))
	}
	l := &CodeList{
		ID: f.ID, Version: f.Version, Title: f.Title, Source: f.Source, From: f.Valid.From, To: f.Valid.To, Provisional: f.Provisional,
		entries: f.Codes,
	}
	seen := make(map[string]bool, len(f.Codes))
	for i, c := range f.Codes {
		switch {
		case c.Code == "" || c.VI == "":
			bad(fmt.Sprintf("/codes/%d", i), problem.Say("an entry needs at least code and vi"), problem.Say("write both"))
		case seen[c.Code]:
			bad(fmt.Sprintf("/codes/%d/code", i), problem.Say("the code stands in the list twice"), problem.Say("remove one of the two entries"))
		}
		seen[c.Code] = true
	}
	if len(ps) == 0 {
		l.judgeHistory(bad)
		l.hold()
		if len(l.codes) == 0 && len(ps) == 0 {
			bad("/codes", problem.Say("the list holds no code"), problem.Say("list at least one code"))
		}
	}
	return l, ps
}

// judgeHistory reports what entries say wrongly of the versions and days that they are of.
func (l *CodeList) judgeHistory(bad func(place string, what, fix problem.Text)) {
	for i, c := range l.entries {
		at, since := func(member string) string { return fmt.Sprintf("/codes/%d/%s", i, member) }, cmp.Or(c.Since, l.first())
		for _, v := range []struct{ member, version string }{{"since", c.Since}, {"changed", c.Changed}, {"withdrawn", c.Withdrawn}} {
			switch {
			case v.version == "":
			case !exactVersion.MatchString(v.version):
				bad(at(v.member), problem.Say("the version is not major.minor.patch"), problem.Say(`write it like "1.0.0"`))
				return
			case laterVersion(v.version, l.Version):
				bad(at(v.member), problem.Say("%s comes after the version of the list, %s", v.version, l.Version), problem.Say("raise the version of the list: a change of a list is a version of it"))
			case v.member != "since" && !laterVersion(v.version, since):
				bad(at(v.member), problem.Say("%s is not after the version in which the code came, %s", v.version, since), problem.Say("correct one of the two versions"))
			}
		}
		for _, d := range []struct{ member, day string }{{"from", c.From}, {"to", c.To}} {
			if _, err := time.Parse(time.DateOnly, d.day); err != nil && d.day != "" {
				bad(at(d.member), problem.Say("%q is no day", d.day), problem.Say(`write it like "2025-11-15"`))
			}
		}
		if c.From != "" && c.To != "" && c.To <= c.From {
			bad(at("to"), problem.Say("the code ends before it begins"), problem.Say("correct one of the two days"))
		}
		for _, code := range c.ReplacedBy {
			if !slices.ContainsFunc(l.entries, func(o Code) bool { return o.Code == code && o.Code != c.Code }) {
				bad(at("replacedBy"), problem.Say("the list has no other code %q", code), problem.Say("name codes of this list"))
			}
		}
	}
}
