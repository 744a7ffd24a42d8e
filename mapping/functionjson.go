package mapping

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"

	celast "cel.dev/cel-go/common/ast"
	"golang.org/x/text/unicode/norm"

	"github.com/lienthong/truc/mapping/value"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas"
)

// maxPath bounds the steps of a path into a document in a column.
const maxPath = 32

// maxInner bounds a document in a column: what is larger is read by a view.
const maxInner = 1 << 20

// jsonStep is a member by name, or an element by its place from 0 when name is empty.
type jsonStep struct {
	name  string
	index int
}

// jsonPath compiles "a.b[0].c".
func jsonPath(s string) ([]jsonStep, bool) {
	var out []jsonStep
	for rest := s; rest != ""; {
		if rest[0] == '[' {
			end := strings.IndexByte(rest, ']')
			if end < 0 {
				return nil, false
			}
			n, err := strconv.ParseUint(rest[1:end], 10, 16)
			if err != nil {
				return nil, false
			}
			out, rest = append(out, jsonStep{index: int(n)}), rest[end+1:]
			continue
		}
		if len(out) > 0 {
			if rest[0] != '.' {
				return nil, false
			}
			rest = rest[1:]
		}
		end := strings.IndexAny(rest, ".[]")
		if end < 0 {
			end = len(rest)
		}
		if end == 0 || strings.TrimSpace(rest[:end]) != rest[:end] || rest[:end] == "$" || rest[:end] == "*" {
			return nil, false
		}
		out, rest = append(out, jsonStep{name: rest[:end]}), rest[end:]
	}
	return out, len(out) > 0 && len(out) <= maxPath
}

// innerFailures say why a field of a document in a column cannot be read.
type innerFailures struct{ malformed, kind, number, size, several failure }

func newInnerFailures(detail string) innerFailures {
	return innerFailures{
		malformed: newFailure(schemas.RuleMalformed, detail), kind: newFailure(ruleType, detail), number: newFailure(schemas.RuleNumber, detail),
		size: newFailure(schemas.RuleOversize, detail), several: newFailure(schemas.RuleAmbiguous, detail),
	}
}

// innerKind reads the argument that says what a field holds; text when there is none.
func (l *lowering) innerKind(fn string, args []celast.Expr, words ...string) (kind, bool) {
	if len(args) < 3 {
		return kindText, true
	}
	word, ok := l.constantText(fn, args[2], problem.Say("the kind"))
	if !ok {
		return kindText, false
	}
	for _, w := range words {
		if w == word {
			return map[string]kind{"text": kindText, "int": kindInt, "decimal": kindDecimal, "bool": kindBool, "json": kindJSON}[w], true
		}
	}
	l.problem(args[2], "wrong-arguments", problem.Say("%s(): %q is no kind of value", fn, word), problem.Say("write one of: %s", strings.Join(words, ", ")))
	return kindText, false
}

type jsonNode struct {
	a    node
	path []jsonStep
	kind kind
	fail innerFailures
}

func lowerJSON(l *lowering, e celast.Expr, args []celast.Expr) (node, typ) {
	a, t := l.lower(args[0])
	l.wantKind("json", args[0], t, kindText, kindJSON)
	text, ok := l.constantText("json", args[1], problem.Say("the path"))
	if !ok {
		return &literalNode{null}, typ{}
	}
	path, ok := jsonPath(text)
	if !ok {
		return l.problem(args[1], "bad-path", problem.Say("%q is not a path into JSON of at most %d steps", text, maxPath), problem.Say("write names with points between them, and places from 0 in brackets: a.b[0].c"))
	}
	k, ok := l.innerKind("json", args, "text", "int", "decimal", "bool", "json")
	if !ok {
		return &literalNode{null}, typ{}
	}
	return &jsonNode{a, path, k, newInnerFailures(l.source(e))}, typ{kind: k, nullable: true}
}

// eval reads the whole document before it answers: half of a cut one is no answer.
func (n *jsonNode) eval(f *frame) cell {
	v := n.a.eval(f)
	switch {
	case v.isNull() || v.isFailed():
		return v
	case !v.is(kindText) && !v.is(kindJSON):
		return failed(n.fail.kind)
	case blank(v.bytes()):
		return null
	case len(v.text) > maxInner:
		return failed(n.fail.size)
	case !json.Valid(v.bytes()) || !utf8.Valid(v.bytes()):
		return failed(n.fail.malformed)
	}
	s := scanner{text: v.bytes()}
	if !s.value(nil, nil) { // too deep
		return failed(n.fail.malformed)
	}
	raw := bytes.TrimSpace(v.bytes())
	for _, step := range n.path {
		var ok bool
		if step.name != "" {
			raw, ok = member(raw, step.name)
		} else {
			raw, ok = element(raw, step.index)
		}
		if !ok {
			return null
		}
	}
	return n.convert(f, raw)
}

func (n *jsonNode) convert(f *frame, raw []byte) cell {
	first := raw[0]
	number := first == '-' || first >= '0' && first <= '9'
	switch {
	case first == 'n':
		return null
	case n.kind == kindJSON:
		return bytesCell(kindJSON, raw)
	case n.kind == kindText && first == '"':
		start := len(f.scratch)
		f.scratch = appendUnescaped(f.scratch, raw[1:len(raw)-1])
		return composed(f, start)
	case n.kind == kindText && (number || first == 't' || first == 'f'):
		return textCell(raw)
	case n.kind == kindBool && (first == 't' || first == 'f'):
		return boolCell(first == 't')
	case n.kind == kindInt && number:
		if i, ok := wholeNumber(string(raw)); ok {
			return intCell(i)
		}
		return failed(n.fail.number)
	case n.kind == kindDecimal && number:
		return bytesCell(kindDecimal, raw)
	}
	return failed(n.fail.kind)
}

// composed is the text from start of the scratch on, in NFC.
func composed(f *frame, start int) cell {
	if text := f.since(start); !norm.NFC.IsNormal(text) {
		f.scratch = append(f.scratch[:start], norm.NFC.Bytes(text)...)
	}
	return textCell(f.since(start))
}

// element returns an element of a valid JSON array by its place.
func element(array []byte, index int) (raw []byte, ok bool) {
	s := scanner{text: array}
	if len(array) == 0 || array[0] != '[' {
		return nil, false
	}
	for s.at = 1; ; index-- {
		s.blank()
		start := s.at
		if !s.value(nil, nil) {
			return nil, false
		}
		if index == 0 {
			return array[start:s.at], true
		}
		s.blank()
		if s.at >= len(array) || array[s.at] != ',' {
			return nil, false
		}
		s.at++
	}
}

// decimalText reads a number that stands as text in a document.
func decimalText(f *frame, b []byte) (cell, bool) {
	start := len(f.scratch)
	var ok bool
	if f.scratch, ok = value.AppendDecimal(f.scratch, b); !ok {
		f.scratch = f.scratch[:start]
		return cell{}, false
	}
	return bytesCell(kindDecimal, f.since(start)), true
}
