package schemas

import (
	"encoding/json"
	"regexp"
	"slices"

	"github.com/lienthong/truc/problem"
)

// Retention says how long a record is kept (x-luu-tru). Copies at subscribers are not kept longer than the record at its publisher.
type Retention struct {
	// Term is TermForever, or an ISO 8601 duration of years, months or days: "P10Y".
	Term string `json:"thoiHan"`
	// From says, by language, since when the term runs; empty when it has no end.
	From map[string]string `json:"tinhTu"`
	// Ground is the act by which it is so, Provisional what is not confirmed; at least one of them is there.
	Ground      string `json:"canCu"`
	Provisional string `json:"tamThoi"`
}

// TermForever is the term of records that are never destroyed.
const TermForever = "vinh-vien"

// Erasure says how a record goes (x-xoa).
type Erasure struct {
	// How is EraseDelete or EraseEnd.
	How string `json:"cach"`
	// Property is, for EraseEnd, the property that tells the end, as a dotted path.
	Property string `json:"truong"`
	// When says, by language, what brings it about.
	When map[string]string `json:"khi"`
	// Ground is the act by which it is so, Provisional what is not confirmed; at least one of them is there.
	Ground      string `json:"canCu"`
	Provisional string `json:"tamThoi"`
}

// How a record goes.
const (
	EraseDelete = "xoa"      // it is deleted: a tombstone on the bus, and subscribers delete their row
	EraseEnd    = "ket-thuc" // it stays and tells its end in a property; a tombstone only takes back what was published by mistake
)

// Dictionary says where a property has its place in the national shared data dictionary (x-tu-dien, Decision 2439/QĐ-TTg).
type Dictionary struct {
	// Domain is one of Domains, or "" where none is known.
	Domain string `json:"mien"`
	// Element is what the dictionary has there, in words, or "".
	Element string `json:"phanTu"`
	// Compared says with what it was compared: "" nothing, SeenSecondary a source that quotes the decision, SeenAct the decision.
	Compared string `json:"doiChieu"`
}

// With what an entry of the dictionary was compared.
const (
	SeenSecondary = "thu-cap"
	SeenAct       = "da-doi-chieu"
)

// Domains are those of the shared data dictionary.
func Domains() []string {
	return []string{"DOM-HUMAN", "DOM-ORG", "DOM-ASSET", "DOM-CADASTRE", "DOM-ADDRESS", "DOM-GEO"}
}

// Retention is how long records are kept, nil where the dataset does not say.
func (d *Dataset) Retention() *Retention { return d.file.retention }

// Erasure is how a record goes, nil where the dataset does not say.
func (d *Dataset) Erasure() *Erasure { return d.file.erasure }

var retentionTerm = regexp.MustCompile(`^(` + TermForever + `|P[1-9][0-9]{0,2}[YMD])$`)

// declared reads x-luu-tru and x-xoa at the root.
func (p *parser) declared(root map[string]any) {
	if v, is := root["x-luu-tru"]; is {
		r, ok := strict[Retention](v, "thoiHan", "tinhTu", "canCu", "tamThoi")
		switch {
		case !ok || !retentionTerm.MatchString(r.Term):
			p.add("schema.retention", "/x-luu-tru", problem.Say("x-luu-tru is not of the form it must have"),
				problem.Say(`write {"thoiHan": "vinh-vien" or a duration like "P10Y", "tinhTu"?: {"vi", "en"}, "canCu"?, "tamThoi"?}`))
		case (r.Term == TermForever) != (len(r.From) == 0) || len(r.From) > 0 && !bothLanguages(r.From):
			p.add("schema.retention", "/x-luu-tru/tinhTu", problem.Say("a term that ends runs from some day, and one without end from none"), problem.Say(`write "tinhTu": {"vi", "en"} for a duration, and leave it out for "vinh-vien"`))
		case r.Ground == "" && r.Provisional == "":
			p.add("schema.retention", "/x-luu-tru", groundless(), groundFix())
		default:
			p.file.retention = &r
		}
	}
	if v, is := root["x-xoa"]; is {
		e, ok := strict[Erasure](v, "cach", "truong", "khi", "canCu", "tamThoi")
		switch {
		case !ok || e.How != EraseDelete && e.How != EraseEnd || !bothLanguages(e.When):
			p.add("schema.erasure", "/x-xoa", problem.Say("x-xoa is not of the form it must have"),
				problem.Say(`write {"cach": "xoa" or "ket-thuc", "truong"?: "<property>", "khi": {"vi", "en"}, "canCu"?, "tamThoi"?}`))
		case (e.How == EraseEnd) != (e.Property != ""):
			p.add("schema.erasure", "/x-xoa/truong", problem.Say("a record that ends tells it in a property, and one that is deleted in none"), problem.Say(`write "truong" for "ket-thuc", and leave it out for "xoa"`))
		case e.Ground == "" && e.Provisional == "":
			p.add("schema.erasure", "/x-xoa", groundless(), groundFix())
		default:
			p.file.erasure = &e
		}
	}
}

func groundless() problem.Text {
	return problem.Say("neither its ground nor what is not confirmed is said")
}

func groundFix() problem.Text {
	return problem.Say(`name the act in "canCu", or say in "tamThoi" that it is not confirmed`)
}

func bothLanguages(t map[string]string) bool { return len(t) == 2 && t["vi"] != "" && t["en"] != "" }

// dictionary reads x-tu-dien.
func (p *parser) dictionary(v any, at string) Dictionary {
	d, ok := strict[Dictionary](v, "mien", "phanTu", "doiChieu")
	if !ok || !slices.Contains(Domains(), d.Domain) || !slices.Contains([]string{"", SeenSecondary, SeenAct}, d.Compared) || d.Compared != "" && d.Element == "" {
		p.add("schema.dictionary", at, problem.Say("x-tu-dien is not of the form it must have"),
			problem.Say(`write {"mien": one of %s, "phanTu"?: text, "doiChieu"?: "thu-cap" or "da-doi-chieu", the latter beside "phanTu" only}`, quoteList(Domains())))
	}
	return d
}

// strict reads an object that has no members but these. (encoding/json would take "CACH" for "cach".)
func strict[T any](v any, members ...string) (T, bool) {
	var out T
	m, ok := v.(map[string]any)
	for name := range m {
		ok = ok && slices.Contains(members, name)
	}
	raw, err := json.Marshal(m)
	return out, ok && err == nil && json.Unmarshal(raw, &out) == nil
}

// declares judges what only a dataset must say. Those that come with truc must say how long records are kept and how they go.
func (d *Dataset) declares(builtin bool) problem.List {
	var ps problem.List
	if e := d.file.erasure; e != nil && e.Property != "" && d.root.At(e.Property) == nil {
		ps = append(ps, problem.Problem{
			Code: "schema.erasure", Where: d.file.path + "#/x-xoa/truong", What: problem.Say("the property %q does not exist", e.Property),
			Fix: problem.Say("name a declared property by its dotted path"),
		})
	}
	if builtin && (d.file.retention == nil || d.file.erasure == nil) {
		ps = append(ps, problem.Problem{
			Code: "schema.undeclared", Where: d.file.path, What: problem.Say("the dataset does not say how long records are kept and how they go"),
			Fix: problem.Say("write x-luu-tru and x-xoa at its root; schemas/README.md explains them"),
		})
	}
	return ps
}
