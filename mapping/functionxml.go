package mapping

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"

	celast "cel.dev/cel-go/common/ast"

	"github.com/lienthong/truc/problem"
)

// xmlPath is the way from the root element to an element, or to an attribute of it.
type xmlPath struct {
	steps     []xmlStep
	attribute string
}

// xmlStep is an element by its local name; index counts from 1 among those of the name in their parent, 0 is any.
type xmlStep struct {
	name  string
	index int
}

// compileXMLPath reads "HoSo/NguoiDan[2]/@ma".
func compileXMLPath(s string) (xmlPath, bool) {
	var p xmlPath
	for part := range strings.SplitSeq(s, "/") {
		if p.attribute != "" {
			return p, false
		}
		name, index := part, 0
		if at := strings.IndexByte(part, '['); at >= 0 {
			n, err := strconv.ParseUint(strings.TrimSuffix(part[at+1:], "]"), 10, 16)
			if err != nil || n == 0 || !strings.HasSuffix(part, "]") {
				return p, false
			}
			name, index = part[:at], int(n)
		}
		attribute, isAttribute := strings.CutPrefix(name, "@")
		if isAttribute {
			name = attribute
		}
		if name == "" || strings.ContainsAny(name, ":@[]*().\"' \t\n") {
			return p, false
		}
		switch {
		case isAttribute && (index != 0 || len(p.steps) == 0):
			return p, false
		case isAttribute:
			p.attribute = name
		default:
			p.steps = append(p.steps, xmlStep{name, index})
		}
	}
	return p, len(p.steps) > 0 && len(p.steps) <= maxPath
}

type xmlNode struct {
	a    node
	path xmlPath
	kind kind
	fail innerFailures
}

func lowerXML(l *lowering, e celast.Expr, args []celast.Expr) (node, typ) {
	a, t := l.lower(args[0])
	l.wantKind("xml", args[0], t, kindText)
	text, ok := l.constantText("xml", args[1], problem.Say("the path"))
	if !ok {
		return &literalNode{null}, typ{}
	}
	path, ok := compileXMLPath(text)
	if !ok {
		return l.problem(args[1], "bad-path", problem.Say("%q is not a path into XML of at most %d steps", text, maxPath), problem.Say("write the names from the root element on, without prefixes, and places from 1 in brackets: HoSo/NguoiDan[1]/HoTen, HoSo/@ma"))
	}
	k, ok := l.innerKind("xml", args, "text", "int", "decimal", "bool")
	if !ok {
		return &literalNode{null}, typ{}
	}
	return &xmlNode{a, path, k, newInnerFailures(l.source(e))}, typ{kind: k, nullable: true}
}

func (n *xmlNode) eval(f *frame) cell {
	v := n.a.eval(f)
	switch {
	case v.isNull() || v.isFailed():
		return v
	case !v.is(kindText):
		return failed(n.fail.kind)
	case blank(v.bytes()):
		return null
	case len(v.text) > maxInner:
		return failed(n.fail.size)
	}
	w := xmlWalk{path: n.path}
	if err := w.read(v.bytes()); err != nil {
		return failed(n.fail.malformed)
	}
	switch {
	case w.found > 1:
		return failed(n.fail.several)
	case w.nested:
		return failed(n.fail.kind)
	}
	text := bytes.TrimSpace(w.text)
	if w.found == 0 || len(text) == 0 {
		return null
	}
	switch n.kind {
	case kindInt:
		if i, ok := wholeNumber(string(text)); ok {
			return intCell(i)
		}
		return failed(n.fail.number)
	case kindDecimal:
		if c, ok := decimalText(f, text); ok {
			return c
		}
		return failed(n.fail.number)
	case kindBool:
		switch string(text) {
		case "true", "1":
			return boolCell(true)
		case "false", "0":
			return boolCell(false)
		}
		return failed(n.fail.kind)
	}
	start := len(f.scratch)
	f.scratch = append(f.scratch, text...)
	return composed(f, start)
}

// xmlWalk reads a document to its end, so that a broken one gives nothing, and keeps what the path leads to.
type xmlWalk struct {
	path  xmlPath
	depth int
	// matched is how many of the elements that are open are those of the path.
	matched int
	counts  [maxPath]int
	roots   int
	found   int
	nested  bool
	text    []byte
}

var errXML = errors.New("not a well-formed document without a DOCTYPE")

func (w *xmlWalk) read(doc []byte) error {
	doc = bytes.TrimPrefix(bytes.TrimSpace(doc), []byte("\ufeff"))
	d := xml.NewDecoder(bytes.NewReader(doc))
	// The column was decoded already: what the prolog says of an encoding is about the bytes of the past.
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) && w.roots == 1 {
			return nil
		}
		if err != nil {
			return errXML
		}
		switch t := token.(type) {
		case xml.StartElement:
			if w.depth++; w.depth == 1 {
				w.roots++
			}
			if w.depth > maxDepth {
				return errXML
			}
			w.open(t)
		case xml.EndElement:
			if w.depth == w.matched {
				w.matched--
			}
			w.depth--
		case xml.CharData:
			if w.depth == 0 && len(bytes.TrimSpace(t)) > 0 {
				return errXML
			}
			if w.inside() && w.found == 1 && w.path.attribute == "" {
				w.text = append(w.text, t...)
			}
		case xml.Directive:
			return errXML // a DOCTYPE can define entities, and name files and addresses for them
		}
	}
}

// inside reports whether the element that is open is the one that the path leads to.
func (w *xmlWalk) inside() bool { return w.matched == len(w.path.steps) && w.depth == w.matched }

func (w *xmlWalk) open(e xml.StartElement) {
	level := w.depth - 1
	if w.matched == len(w.path.steps) {
		w.nested = w.nested || w.path.attribute == ""
		return
	}
	if w.matched != level || w.path.steps[level].name != e.Name.Local {
		return
	}
	w.counts[level]++
	if step := w.path.steps[level]; step.index != 0 && step.index != w.counts[level] {
		return
	}
	w.matched++
	if w.matched < len(w.path.steps) {
		w.counts[w.matched] = 0
		return
	}
	if w.path.attribute == "" {
		w.found++
		return
	}
	for _, a := range e.Attr {
		if a.Name.Local == w.path.attribute && a.Name.Space != "xmlns" {
			w.found++
			w.text = append(w.text[:0], a.Value...)
		}
	}
}
