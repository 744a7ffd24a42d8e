package discover

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/lienthong/truc/record"
)

const (
	// mostDocuments of a column are taken apart, mostPaths of its paths are kept, deepest is how far down they go.
	mostDocuments, mostPaths, deepest = 300, 200, 6
	// mostElements of a list are looked at.
	mostElements = 50
	// leastDocuments and leastOften say when a key is a name: it stands in several rows, and in half of those that have the
	// object above it, and half of its words are known. Other keys may be values, those of an object that is keyed by persons:
	// of them only those count that are made of known words throughout.
	leastDocuments, leastOften = 5, 0.5
)

// part is a place inside the documents of a column: an object, a list or a value.
type part struct {
	name string
	// documents have it; seen is the last one counted.
	documents, seen int
	// objects and lists count the documents in which it is one; texts are the plain values.
	objects, lists int
	texts          map[string]int
	filled         int
	kinds          map[string]int
	// repeated: an element of XML that stands several times in its parent, which no path can read.
	repeated bool
	members  map[string]*part
	element  *part
}

func (n *part) member(name string) *part {
	if n.members == nil {
		n.members = map[string]*part{}
	}
	if n.members[name] == nil {
		n.members[name] = &part{name: name}
	}
	return n.members[name]
}

func (n *part) count(document int) {
	if n.seen != document {
		n.documents, n.seen = n.documents+1, document
	}
}

func (n *part) value(text, kind string) {
	if text = strings.TrimSpace(text); text == "" {
		return
	}
	if n.texts == nil {
		n.texts, n.kinds = map[string]int{}, map[string]int{}
	}
	n.texts[text]++
	n.kinds[kind]++
	n.filled++
}

// addJSON takes a JSON value apart.
func (n *part) addJSON(v any, document, depth int) {
	n.count(document)
	if depth > deepest {
		return
	}
	switch v := v.(type) {
	case map[string]any:
		n.objects++
		for name, inner := range v {
			if n.members[name] == nil && len(n.members) >= mostPaths {
				continue
			}
			n.member(name).addJSON(inner, document, depth+1)
		}
	case []any:
		n.lists++
		if n.element == nil {
			n.element = &part{}
		}
		for _, inner := range v[:min(len(v), mostElements)] {
			n.element.addJSON(inner, document, depth+1)
		}
	case string:
		n.value(v, "text")
	case json.Number:
		n.value(v.String(), "number")
	case bool:
		n.value(map[bool]string{true: "true", false: "false"}[v], "bool")
	}
}

var errDoctype = errors.New("a document type is not read")

// addXML takes an XML text apart: elements and attributes by their local names.
func (n *part) addXML(text []byte, document int) error {
	d := xml.NewDecoder(bytes.NewReader(text))
	type open struct {
		at    *part
		text  strings.Builder
		inner bool
		names map[string]bool
	}
	stack := []*open{{at: n, names: map[string]bool{}}}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			n.count(document)
			return nil
		}
		if err != nil {
			return err
		}
		top := stack[len(stack)-1]
		switch token := token.(type) {
		case xml.StartElement:
			name := token.Name.Local
			top.inner = true
			if len(stack) > deepest+1 || top.at.members[name] == nil && len(top.at.members) >= mostPaths {
				if err := d.Skip(); err != nil {
					return err
				}
				continue
			}
			m := top.at.member(name)
			m.count(document)
			m.repeated = m.repeated || top.names[name]
			top.names[name] = true
			for _, a := range token.Attr {
				if a.Name.Space == "xmlns" || a.Name.Local == "xmlns" {
					continue
				}
				attribute := m.member("@" + a.Name.Local)
				attribute.count(document)
				attribute.value(a.Value, "text")
			}
			stack = append(stack, &open{at: m, names: map[string]bool{}})
		case xml.EndElement:
			if top.inner {
				top.at.objects++
			} else {
				top.at.value(top.text.String(), "text")
			}
			stack = stack[:len(stack)-1]
		case xml.CharData:
			top.text.Write(token)
		case xml.Directive:
			return errDoctype
		}
	}
}

// keys counts the different keys below.
func (n *part) keys() int {
	count := len(n.members)
	for _, m := range n.members {
		count += m.keys()
	}
	if n.element != nil {
		count += n.element.keys()
	}
	return count
}

// key is how a name in a document looks; longer runs of digits are numbers of something.
var key = regexp.MustCompile(`^@?[A-Za-z_][A-Za-z0-9_-]{0,39}$`)

var number = regexp.MustCompile(`[0-9]{4}`)

// names are the members whose keys are names. Those of XML are, but for rare ones.
func (p *profile) names(n *part, v *vocabulary) []*part {
	var out []*part
	often := 0
	for _, name := range slices.Sorted(maps.Keys(n.members)) {
		m := n.members[name]
		if m.documents*2 > n.documents {
			often++
		}
		many := m.documents >= leastDocuments && float64(m.documents) >= leastOften*float64(n.documents)
		if key.MatchString(name) && !number.MatchString(name) && (many && (p.document == "xml" || v.knowsHalf(name)) || v.knows(name)) {
			out = append(out, m)
		}
	}
	// An object of many keys of which hardly any stands in most rows is a table of its own.
	if len(n.members) > 12 && often*8 < len(n.members) {
		return nil
	}
	return out
}

// form is the notation of a column's documents: "json", "xml", or none.
func (p *profile) form(cells [][]byte) string {
	if len(cells) == 0 {
		return ""
	}
	braces, angles := 0, 0
	for _, c := range cells {
		switch c[0] {
		case '{', '[':
			braces++
		case '<':
			angles++
		}
	}
	switch most := len(cells) * 8 / 10; {
	case p.kind == record.JSON || braces > most:
		return "json"
	case angles > most:
		return "xml"
	}
	return ""
}

// documents takes the cells of a column apart that hold JSON or XML, and lists what stands inside as profiles of their own.
func (p *profile) documents(rows []record.Row, v *vocabulary) {
	if p.kind != record.JSON && p.kind != record.Text {
		return
	}
	var cells [][]byte
	for _, row := range rows {
		if text := bytes.TrimSpace(row[p.place].Bytes); len(text) > 0 && !row[p.place].IsNull() && len(cells) < mostDocuments {
			cells = append(cells, text)
		}
	}
	form := p.form(cells)
	if form == "" {
		return
	}
	p.document = form
	root := &part{}
	for i, c := range cells {
		if !utf8.Valid(c) {
			continue
		}
		if form == "xml" {
			_ = root.addXML(c, i+1) // what stands before a fault is a beginning all the same
			continue
		}
		var parsed any
		d := json.NewDecoder(bytes.NewReader(c))
		d.UseNumber()
		if d.Decode(&parsed) == nil {
			root.addJSON(parsed, i+1, 0)
		}
	}
	p.inside(root, nil, v)
	p.hidden = root.keys() - p.named
}

// inside lists the values and lists below a place.
func (p *profile) inside(n *part, path []string, v *vocabulary) {
	if n.repeated || len(p.parts)+len(p.arrays) >= mostPaths {
		return
	}
	if n.element != nil && n.lists > 0 {
		p.array(n, path, v)
	}
	if n.filled > 0 && len(path) > 0 {
		p.parts = append(p.parts, p.partOf(n, path))
	}
	for _, m := range p.names(n, v) {
		p.named++
		p.inside(m, append(slices.Clone(path), m.name), v)
	}
}

// partOf is the profile of a value inside.
func (p *profile) partOf(n *part, path []string) *profile {
	q := &profile{column: p.column, place: p.place, rows: p.rows, kind: record.Text, texts: n.texts, filled: n.filled, path: path, of: p, within: n.documents}
	if q.texts == nil {
		q.texts = map[string]int{}
	}
	q.nulls = max(0, p.rows-n.documents)
	q.number, q.truth = n.kinds["number"] == n.filled && n.filled > 0, n.kinds["bool"] == n.filled && n.filled > 0
	return q
}

// array is a list inside the documents of a column.
type array struct {
	column *profile
	path   []string
	// members are the values of its elements, where those are objects.
	members []*profile
}

func (p *profile) array(n *part, path []string, v *vocabulary) {
	if len(path) == 0 && p.kind != record.JSON {
		return // a text that is a list as a whole: no expression reads it
	}
	e := n.element
	if e.filled > 0 {
		q := p.partOf(e, path)
		q.many = true
		p.parts = append(p.parts, q)
		return
	}
	a := &array{column: p, path: path}
	var visit func(n *part, below []string)
	visit = func(n *part, below []string) {
		if n.filled > 0 && len(below) > 0 {
			q := p.partOf(n, below)
			q.member = true
			a.members = append(a.members, q)
		}
		for _, m := range p.names(n, v) {
			p.named++
			if isIdentifier(m.name) {
				visit(m, append(slices.Clone(below), m.name))
			}
		}
	}
	visit(e, nil)
	if len(a.members) > 0 {
		p.arrays = append(p.arrays, a)
	}
}

// at is how an expression gets at a place in a column that it knows as id.
func (p *profile) at(id string, path []string, kind string) string {
	if kind != "" {
		kind = `, "` + kind + `"`
	}
	if p.document == "xml" {
		return "xml(" + id + `, "` + strings.Join(path, "/") + `"` + kind + ")"
	}
	return "json(" + id + `, "` + strings.Join(path, ".") + `"` + kind + ")"
}

// id is the column in an expression that reads a part of it.
func (p *profile) id(expression string) string {
	_, after, _ := strings.Cut(expression, "(")
	id, _, _ := strings.Cut(after, ",")
	return id
}

// table is the name of a column's code table: the column, or the place inside it.
func (p *profile) table(id string) string {
	base := p
	if p.element != nil {
		base = p.element
	}
	if base.of == nil && p.element == nil {
		return id
	}
	return strings.Join(split(base.column.Name+" "+strings.Join(base.path, " ")), "_")
}

// insides lists what stands in the documents of a column.
func (p *profile) insides() []Part {
	var out []Part
	add := func(q *profile, path []string, below string) {
		kind := "text"
		switch {
		case q.many:
			kind = "list"
		case q.number:
			kind = "number"
		case q.truth:
			kind = "truth"
		}
		separator := "."
		if p.document == "xml" {
			separator = "/"
		}
		out = append(out, Part{strings.Join(path, separator) + below, kind, q.within})
	}
	for _, q := range p.parts {
		add(q, q.path, "")
	}
	for _, a := range p.arrays {
		for _, q := range a.members {
			add(q, a.path, "[]."+strings.Join(q.path, "."))
		}
	}
	return out
}
