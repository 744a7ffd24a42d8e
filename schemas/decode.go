package schemas

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/lienthong/truc/problem"
)

const (
	maxDepth = 64 // of documents and schemas
	// Numbers beyond these bounds make math/big (and gojsonschema with it) slow, or fail where gojsonschema does not look.
	maxNumberLength = 400
	maxExponent     = 300
)

// decodeError names the place in a JSON text that is not acceptable.
type decodeError struct {
	pointer string
	rule    string // RuleJSON, RuleEncoding, RuleDuplicateKey, RuleNumber
	offset  int64
}

func (e *decodeError) violation() Violation { return NewViolation(e.pointer, e.rule, "") }

func (e *decodeError) problem(path string, text []byte) problem.Problem {
	offset := e.offset
	var syntax *json.SyntaxError
	switch {
	case e.rule == RuleEncoding:
		offset = validUpTo(text)
	case offset == 0 && errors.As(json.Unmarshal(text, new(json.RawMessage)), &syntax):
		offset = max(syntax.Offset-1, 0)
	}
	line, column := position(text, offset)
	v := e.violation()
	return problem.Problem{
		Code: "schema.json", Where: fmt.Sprintf("%s:%d:%d #%s", path, line, column, e.pointer),
		What: problem.Say("%s, at byte %d", problem.Text{VI: strings.TrimSuffix(v.VI, "."), EN: strings.TrimSuffix(v.EN, ".")}, offset),
		Fix:  problem.Say("write JSON in UTF-8 without repeated members, at most 64 levels deep"),
	}
}

// decodeJSON reads one JSON text into maps, slices, strings, bools, nil and json.Number. It is stricter than
// encoding/json: invalid UTF-8, repeated members, anything after the value, depth and absurd numbers are errors.
// When names is not nil it receives the member names of every object, by pointer, in the order of the text.
func decodeJSON(text []byte, names map[string][]string) (any, *decodeError) {
	if !utf8.Valid(text) {
		return nil, &decodeError{rule: RuleEncoding}
	}
	// The token decoder below is laxer than the grammar in places; this is the grammar.
	if !json.Valid(text) {
		return nil, &decodeError{rule: RuleJSON}
	}
	d := decoder{dec: json.NewDecoder(bytes.NewReader(text)), names: names}
	d.dec.UseNumber()
	v, err := d.value()
	if err != nil {
		return nil, err
	}
	if _, e := d.dec.Token(); !errors.Is(e, io.EOF) {
		return nil, d.fail(RuleJSON)
	}
	return v, nil
}

type decoder struct {
	dec   *json.Decoder
	path  []string
	names map[string][]string
}

func (d *decoder) fail(rule string) *decodeError {
	return &decodeError{pointer: d.pointer(), rule: rule, offset: d.dec.InputOffset()}
}

func (d *decoder) pointer() string {
	p := ""
	for _, token := range d.path {
		p = appendPointer(p, token)
	}
	return p
}

func (d *decoder) value() (any, *decodeError) {
	token, err := d.dec.Token()
	if err != nil {
		return nil, d.fail(RuleJSON)
	}
	switch t := token.(type) {
	case json.Delim:
		if len(d.path) >= maxDepth {
			return nil, d.fail(RuleJSON)
		}
		if t == '{' {
			return d.object()
		}
		return d.array()
	case json.Number:
		if !bounded(string(t)) {
			return nil, d.fail(RuleNumber)
		}
		return t, nil
	}
	return token, nil
}

func (d *decoder) object() (any, *decodeError) {
	object := map[string]any{}
	var order []string
	for d.dec.More() {
		token, err := d.dec.Token()
		name, isString := token.(string)
		if err != nil || !isString {
			return nil, d.fail(RuleJSON)
		}
		d.path = append(d.path, name)
		if _, twice := object[name]; twice {
			return nil, d.fail(RuleDuplicateKey)
		}
		v, fault := d.value()
		if fault != nil {
			return nil, fault
		}
		d.path = d.path[:len(d.path)-1]
		object[name] = v
		order = append(order, name)
	}
	if _, err := d.dec.Token(); err != nil {
		return nil, d.fail(RuleJSON)
	}
	if d.names != nil {
		d.names[d.pointer()] = order
	}
	return object, nil
}

func (d *decoder) array() (any, *decodeError) {
	array := []any{}
	for d.dec.More() {
		d.path = append(d.path, strconv.Itoa(len(array)))
		v, fault := d.value()
		if fault != nil {
			return nil, fault
		}
		d.path = d.path[:len(d.path)-1]
		array = append(array, v)
	}
	if _, err := d.dec.Token(); err != nil {
		return nil, d.fail(RuleJSON)
	}
	return array, nil
}

// bounded says whether a number is one that every part of the validation can hold.
func bounded(number string) bool {
	if len(number) > maxNumberLength {
		return false
	}
	if i := strings.IndexAny(number, "eE"); i >= 0 {
		if e, err := strconv.Atoi(number[i+1:]); err != nil || e > maxExponent || e < -maxExponent {
			return false
		}
	}
	f, err := strconv.ParseFloat(number, 64)
	return err == nil && !math.IsInf(f, 0)
}
