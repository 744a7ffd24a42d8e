package portal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"html/template"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// view is the page in one language at one moment, in fragments that can be replaced one by one.
type view struct {
	boot      string
	format    format
	templates *template.Template
	fragments []fragment
	byID      map[string]int
	old       *view // the one before, while this is made

	layout layout
}

// fragment is an element of the page with an id. What changes often stands in its cells; the rest is its shape, and an open
// page gets that again only when it changed: what a reader has unfolded, selected or focused stays.
type fragment struct {
	id    string
	shape string // with hole where a cell's content goes
	mark  string // of the shape
	cells []cell
	data  any // of a fragment without times: what is made of the same is the same
}

type cell struct{ key, html string }

// hole stands in a shape for the content of a cell. What is escaped never looks like it.
const hole = "<!---->"

// message is an event of the stream: fragments whose shape is new, and the cells that are. A page ignores a shape it has.
type message struct {
	Boot   string                       `json:"boot"` // changes with every start of the node
	At     string                       `json:"at"`   // for people
	Shapes map[string]shape             `json:"shapes,omitempty"`
	Cells  map[string]map[string]string `json:"cells,omitempty"`
}

type shape struct {
	Mark string `json:"mark"`
	HTML string `json:"html"`
}

// since returns the event that brings a page from one view to this, and whether that is more than the time. From nil it is
// the whole.
func (v *view) since(old *view) (event []byte, changed bool) {
	m := message{Boot: v.boot, At: v.layout.At, Shapes: map[string]shape{}, Cells: map[string]map[string]string{}}
	for _, f := range v.fragments {
		var was map[string]string
		i, known := 0, false
		if old != nil {
			i, known = old.byID[f.id]
		}
		if known && old.fragments[i].mark == f.mark {
			was = old.fragments[i].contents()
		} else {
			m.Shapes[f.id] = shape{f.mark, string(f.html())}
			if old != nil {
				continue
			}
		}
		for _, c := range f.cells {
			if text, same := was[c.key]; same && text == c.html {
				continue
			}
			if m.Cells[f.id] == nil {
				m.Cells[f.id] = map[string]string{}
			}
			m.Cells[f.id][c.key] = c.html
		}
	}
	var b bytes.Buffer
	b.WriteString("data: ")
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // it is no HTML, and half as long
	if err := e.Encode(m); err != nil {
		return nil, false // strings only: it does not happen
	}
	b.WriteByte('\n')
	return b.Bytes(), len(m.Shapes)+len(m.Cells) > 0
}

func (f *fragment) contents() map[string]string {
	out := make(map[string]string, len(f.cells))
	for _, c := range f.cells {
		out[c.key] = c.html
	}
	return out
}

// html fills the cells into the shape.
func (f *fragment) html() template.HTML {
	var b strings.Builder
	rest := f.shape
	for _, c := range f.cells {
		before, after, _ := strings.Cut(rest, hole)
		b.WriteString(before)
		b.WriteString(c.html)
		rest = after
	}
	b.WriteString(rest)
	return template.HTML(strings.Replace(b.String(), noMark, ` data-mark="`+f.mark+`"`, 1)) //nolint:gosec // made by templates, which escaped what is not theirs
}

// noMark is where a template leaves room for the mark of its fragment.
const noMark = ` data-mark=""`

// piece is what the template of a fragment gets: its data, and what makes cells.
type piece struct {
	ID     string
	V      any
	format format
	cells  []cell
	timed  bool // it says how long ago something was
}

// Live puts an element into a fragment whose content changes often; each key stands once in a fragment.
func (p *piece) Live(key string, v any) template.HTML {
	var text string
	switch v := v.(type) {
	case template.HTML:
		text = string(v)
	case string:
		text = template.HTMLEscapeString(v)
	}
	p.cells = append(p.cells, cell{key, text})
	return template.HTML(`<span data-live="` + template.HTMLEscapeString(key) + `">` + hole + `</span>`) //nolint:gosec // a key of a template
}

// When is a cell with a time: as the clock said, and how long ago that is.
func (p *piece) When(key string, t time.Time) template.HTML {
	p.timed = true
	return p.Live(key, template.HTML(fmt.Sprintf(`<time datetime="%s">%s</time> <span class="ago rel">· %s</span>`, //nolint:gosec // numbers and our own words
		t.UTC().Format(time.RFC3339), p.format.stamp(t), p.format.ago(t))))
}

// add renders a fragment and appends it.
func (v *view) add(name, id string, data any) template.HTML {
	if f, same := v.kept(id, data); same {
		v.byID[id] = len(v.fragments)
		v.fragments = append(v.fragments, *f)
		return f.html()
	}
	p := &piece{ID: id, V: data, format: v.format}
	var b bytes.Buffer
	if err := v.templates.ExecuteTemplate(&b, name, p); err != nil {
		// A template and its data are one program: the tests render every part of it.
		b.Reset()
		b.WriteString(`<p role="alert">this part of the page cannot be shown</p>`)
		p.cells = nil
	}
	f := fragment{id: id, shape: b.String(), cells: p.cells}
	if !p.timed {
		f.data = data
	}
	h := fnv.New64a()
	h.Write(b.Bytes())
	f.mark = strconv.FormatUint(h.Sum64(), 36)
	v.byID[id] = len(v.fragments)
	v.fragments = append(v.fragments, f)
	return f.html()
}

// kept finds the fragment in the view before, if nothing about it changed: of hundreds of pipelines most are at rest.
func (v *view) kept(id string, data any) (*fragment, bool) {
	if v.old == nil {
		return nil, false
	}
	i, known := v.old.byID[id]
	if !known || v.old.fragments[i].data == nil || !reflect.DeepEqual(v.old.fragments[i].data, data) {
		return nil, false
	}
	return &v.old.fragments[i], true
}
