package schemas

import (
	"bytes"
	"encoding/json"
	"fmt"
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

	codes []Code
	index map[string]int
	names func() *codeNames
}

// Code is one entry of a code list.
type Code struct {
	Code string `json:"code"`
	VI   string `json:"vi"`
	EN   string `json:"en"`
	// Aliases are other spellings seen in sources, for matching by name.
	Aliases []string `json:"aliases,omitempty"`
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
			Fix:  problem.Say(`write {"id", "version", "title": {"vi", "en"}, "source", "valid"?: {"from"?, "to"?}, "provisional"?, "codes": [{"code", "vi", "en", "aliases"?}]}, all of them text`),
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
		codes: f.Codes, index: make(map[string]int, len(f.Codes)),
	}
	l.names = sync.OnceValue(func() *codeNames { return namesOf(l) })
	for i, c := range f.Codes {
		switch _, twice := l.index[c.Code]; {
		case c.Code == "" || c.VI == "":
			bad(fmt.Sprintf("/codes/%d", i), problem.Say("an entry needs at least code and vi"), problem.Say("write both"))
		case twice:
			bad(fmt.Sprintf("/codes/%d/code", i), problem.Say("the code stands in the list twice"), problem.Say("remove one of the two entries"))
		}
		l.index[c.Code] = i
	}
	return l, ps
}
