package docsite

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/lienthong/truc/schemas"
)

// both is a text in the two languages of the site.
type both struct{ VI, EN string }

func titled(t map[string]string) both { return both{t["vi"], t["en"]} }

// datasetView is what the page of a dataset shows.
type datasetView struct {
	ID, Version, Source string
	Title, About        both
	Key                 []string
	Retention           *retentionView
	Erasure             *erasureView
	Grounds             []string // of data classes, as rows number them from 1
	Rows                []row
	Personal, Sensitive int
	Valid               []exampleView
	Invalid             []exampleView
	Life                lifeView
}

type retentionView struct {
	Term, From          both
	Ground, Provisional string
}

type erasureView struct {
	How, When                     both
	Property, Ground, Provisional string
}

// row is a property in the table, or one that is part of the one above it.
type row struct {
	Path            string // as documents have it: "thanhVien[].hoTen"
	Name            string
	Depth           int
	Title, About    both
	Type            both
	Limits          []limit
	Required        bool
	Class           both
	ClassKey        string
	Ground          string
	GroundNumber    int
	List            string
	ListVersion     string // "" when whatever there is
	Source          string
	Domain, Element string
	Repeats         bool // a recursive schema comes back to itself here
}

// limit is a bound on a value, in words, or a regular expression.
type limit struct {
	Words both
	Code  string
}

type exampleView struct {
	Name, About, Document string
	Bytes                 int
	Cut                   bool
	Violations            []violationView
	More                  int
}

type violationView struct {
	Pointer, Rule string
	Words         both
}

// What a page shows of an example. Systematic ones have thousands of lines, and they are in the repository for whoever wants them whole.
const (
	shownBytes      = 6000
	shownViolations = 6
)

func viewOf(d *schemas.Dataset) datasetView {
	root := d.Root()
	v := datasetView{
		ID: d.ID(), Version: d.Version(), Source: root.Source, Title: titled(root.Title), About: titled(root.Description), Key: d.KeyProperties(),
		Retention: retentionOf(d.Retention()), Erasure: erasureOf(d.Erasure()),
	}
	v.Rows = rows(nil, root, "", 0, []*schemas.Node{root})
	for i, r := range v.Rows {
		if r.Ground != "" {
			if !slices.Contains(v.Grounds, r.Ground) {
				v.Grounds = append(v.Grounds, r.Ground)
			}
			v.Rows[i].GroundNumber = slices.Index(v.Grounds, r.Ground) + 1
		}
		switch r.ClassKey {
		case schemas.ClassBasic:
			v.Personal++
		case schemas.ClassSensitive:
			v.Sensitive++
		}
	}
	for _, e := range d.Valid() {
		v.Valid = append(v.Valid, shown(e))
	}
	for _, e := range d.Invalid() {
		v.Invalid = append(v.Invalid, shown(e))
	}
	// Those made by hand for one place come first; after them the systematic ones, that have many.
	slices.SortStableFunc(v.Invalid, func(a, b exampleView) int { return min(len(a.Violations), 2) - min(len(b.Violations), 2) })
	return v
}

func rows(out []row, n *schemas.Node, path string, depth int, above []*schemas.Node) []row {
	for _, p := range n.Properties {
		at := strings.TrimPrefix(path+"."+p.Name, ".")
		out = append(out, rowOf(p, at, depth))
		inner, at := inside(p.Node, at)
		if slices.Contains(above, inner) {
			out[len(out)-1].Repeats = true
			continue
		}
		out = rows(out, inner, at, depth+1, append(above[:len(above):len(above)], inner))
	}
	return out
}

// inside steps into the elements of lists.
func inside(n *schemas.Node, path string) (inner *schemas.Node, at string) {
	for n.Items != nil {
		n, path = n.Items, path+"[]"
	}
	return n, path
}

func rowOf(p schemas.Property, path string, depth int) row {
	n, _ := inside(p.Node, "")
	r := row{
		Path: path, Name: p.Name, Depth: depth, Title: titled(p.Node.Title), About: titled(p.Node.Description), Required: p.Required, Type: typeWords(p.Node),
		Class: className(n.Class), ClassKey: n.Class, Ground: n.LegalGround, List: n.CodeList, ListVersion: n.CodeListVersion, Source: p.Node.Source, Domain: p.Node.Dictionary.Domain, Element: p.Node.Dictionary.Element,
	}
	if p.Node.Items != nil {
		r.Limits = append(r.Limits, counted(p.Node.MinItems, p.Node.MaxItems, both{"phần tử", "elements"})...)
	}
	r.Limits = append(r.Limits, limitsOf(n)...)
	return r
}

func limitsOf(n *schemas.Node) []limit {
	var out []limit
	out = append(out, counted(n.MinLength, n.MaxLength, both{"ký tự", "characters"})...)
	if n.Minimum != "" || n.Maximum != "" {
		from, to := or(n.Minimum, "…"), or(n.Maximum, "…")
		out = append(out, limit{Words: both{fmt.Sprintf("từ %s đến %s", from, to), fmt.Sprintf("from %s to %s", from, to)}})
	}
	switch n.Format {
	case "date":
		out = append(out, limit{Words: both{"như 2026-03-14", "like 2026-03-14"}})
	case "date-time":
		out = append(out, limit{Words: both{"có múi giờ, như 2026-03-14T09:15:00+07:00", "with its offset, like 2026-03-14T09:15:00+07:00"}})
	}
	if n.Pattern != "" {
		out = append(out, limit{Code: n.Pattern})
	}
	for _, e := range n.Enum {
		out = append(out, limit{Code: e})
	}
	if n.Const != nil {
		out = append(out, limit{Code: fmt.Sprint(n.Const)})
	}
	return out
}

// counted words a bound on lengths, nothing when there is none.
func counted(least, most int, of both) []limit {
	switch {
	case most < 0 && least == 0:
		return nil
	case most < 0:
		return []limit{{Words: both{fmt.Sprintf("ít nhất %d %s", least, of.VI), fmt.Sprintf("at least %d %s", least, of.EN)}}}
	case least == 0:
		return []limit{{Words: both{fmt.Sprintf("nhiều nhất %d %s", most, of.VI), fmt.Sprintf("at most %d %s", most, of.EN)}}}
	case least == most:
		return []limit{{Words: both{fmt.Sprintf("%d %s", most, of.VI), fmt.Sprintf("%d %s", most, of.EN)}}}
	}
	return []limit{{Words: both{fmt.Sprintf("%d đến %d %s", least, most, of.VI), fmt.Sprintf("%d to %d %s", least, most, of.EN)}}}
}

func typeWords(n *schemas.Node) both {
	if n.Items != nil {
		inner := typeWords(n.Items)
		return both{"danh sách: " + inner.VI, "list: " + inner.EN}
	}
	switch n.Format {
	case "date":
		return both{"ngày", "day"}
	case "date-time":
		return both{"thời điểm", "time"}
	}
	if n.CodeList != "" {
		return both{"mã", "code"}
	}
	var out both
	for i, name := range n.Types {
		word, known := map[string]both{
			"string": {"chuỗi", "text"}, "integer": {"số nguyên", "whole number"}, "number": {"số", "number"}, "boolean": {"đúng hoặc sai", "true or false"},
			"object": {"đối tượng", "object"}, "array": {"danh sách", "list"}, "null": {"null", "null"},
		}[name]
		if !known {
			word = both{name, name}
		}
		if i > 0 {
			out = both{out.VI + ", ", out.EN + ", "}
		}
		out = both{out.VI + word.VI, out.EN + word.EN}
	}
	if out.VI == "" {
		out = both{"bất kỳ", "any"}
	}
	if n.Format != "" {
		out = both{fmt.Sprintf("%s (%s)", out.VI, n.Format), fmt.Sprintf("%s (%s)", out.EN, n.Format)}
	}
	return out
}

func className(class string) both {
	switch class {
	case schemas.ClassPublic:
		return both{"công khai", "not personal"}
	case schemas.ClassBasic:
		return both{"cơ bản", "basic"}
	case schemas.ClassSensitive:
		return both{"nhạy cảm", "sensitive"}
	}
	return both{}
}

func retentionOf(r *schemas.Retention) *retentionView {
	if r == nil {
		return nil
	}
	v := &retentionView{Term: both{"vĩnh viễn", "for ever"}, From: titled(r.From), Ground: r.Ground, Provisional: r.Provisional}
	if n, unit, ok := duration(r.Term); ok {
		v.Term = both{fmt.Sprintf("%d %s", n, unit.VI), fmt.Sprintf("%d %s", n, unit.EN)}
	}
	return v
}

// duration reads "P10Y".
func duration(term string) (n int, unit both, ok bool) {
	if len(term) < 3 || term[0] != 'P' {
		return 0, both{}, false
	}
	n, err := strconv.Atoi(term[1 : len(term)-1])
	unit, known := map[byte]both{'Y': {"năm", "years"}, 'M': {"tháng", "months"}, 'D': {"ngày", "days"}}[term[len(term)-1]]
	return n, unit, err == nil && known
}

func erasureOf(e *schemas.Erasure) *erasureView {
	if e == nil {
		return nil
	}
	v := &erasureView{How: both{"xóa: bản ghi mất đi ở bên công bố, trên trục và ở mọi bên nhận", "deleted: it goes at its publisher, on the bus and at every subscriber"}, When: titled(e.When), Property: e.Property, Ground: e.Ground, Provisional: e.Provisional}
	if e.How == schemas.EraseEnd {
		v.How = both{"kết thúc, không xóa: bản ghi còn lại và nói điều đó ở", "ended, not deleted: the record stays and says so in"}
	}
	return v
}

func shown(e schemas.Example) exampleView {
	v := exampleView{Name: e.Name, About: e.About, Bytes: len(e.Document)}
	var b bytes.Buffer
	if json.Indent(&b, e.Document, "", "  ") != nil {
		b.Reset()
		b.Write(e.Document)
	}
	v.Document = strings.TrimSpace(b.String())
	if len(v.Document) > shownBytes {
		end := strings.LastIndexByte(v.Document[:shownBytes], '\n')
		if end < 0 {
			end = len(strings.ToValidUTF8(v.Document[:shownBytes], ""))
		}
		v.Document, v.Cut = v.Document[:end], true
	}
	for i, w := range e.Violations {
		if i == shownViolations {
			v.More = len(e.Violations) - i
			break
		}
		v.Violations = append(v.Violations, violationView{Pointer: w.Pointer, Rule: w.Rule, Words: both{w.VI, w.EN}})
	}
	return v
}

func or(s, instead string) string {
	if s == "" {
		return instead
	}
	return s
}
