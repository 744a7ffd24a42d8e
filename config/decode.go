package config

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/lienthong/truc/problem"
)

// decoder fills Go values from the tree, strictly, and goes on after every problem. It knows structs with yaml tags, maps
// by name, slices, pointers, texts, whole numbers, floats, booleans, time.Duration and encoding.TextUnmarshaler.
type decoder struct {
	file   *file
	report func(spot, problem.Problem)
}

// fromFile is implemented by the few types of this package whose YAML form is not that of a struct.
type fromFile interface{ decode(d *decoder, s spot) }

var (
	durationType = reflect.TypeFor[time.Duration]()
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
	fileType     = reflect.TypeFor[fromFile]()
	wholeNumber  = regexp.MustCompile(`^(0|-?[1-9][0-9]*)$`)
)

// value decodes one spot into v, which is settable.
func (d *decoder) value(s spot, v reflect.Value) {
	switch {
	case v.CanAddr() && v.Addr().Type().Implements(fileType):
		v.Addr().Interface().(fromFile).decode(d, s)
		return
	case v.CanAddr() && v.Addr().Type().Implements(textType):
		d.text(s, v.Addr().Interface().(encoding.TextUnmarshaler))
		return
	case v.Type() == durationType:
		d.duration(s, v)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		d.value(s, v.Elem())
	case reflect.Struct:
		if d.is(s, yaml.MappingNode, problem.Say("a mapping of keys to values"), structureFix(s, v)) {
			d.structure(s, v)
		}
	case reflect.Map:
		if d.is(s, yaml.MappingNode, problem.Say("a mapping of names to values"), problem.Say("write %s: { name: … }", lastKey(s.path))) {
			d.named(s, v)
		}
	case reflect.Slice:
		if d.is(s, yaml.SequenceNode, problem.Say("a list"), d.listFix(s)) {
			d.list(s, v)
		}
	case reflect.String:
		if text, ok := d.scalar(s, problem.Say("a text")); ok && text == "" {
			d.noValue(s, problem.Say("a text"))
		} else if ok {
			v.SetString(text)
		}
	case reflect.Bool:
		d.boolean(s, v)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		d.integer(s, v)
	case reflect.Float32, reflect.Float64:
		d.float(s, v)
	default:
		panic("config: a configuration struct has a field of the unsupported type " + v.Type().String())
	}
}

// is checks the kind of a node. An empty value (`sources:`) is an empty mapping or list.
func (d *decoder) is(s spot, kind yaml.Kind, expected, fix problem.Text) bool {
	if isNull(s.value) {
		return false
	}
	if s.value.Kind != kind {
		d.wrongType(s, expected, fix)
		return false
	}
	return true
}

// structureFix shows how a mapping is written, by its first key, and which other keys there are.
func structureFix(s spot, v reflect.Value) problem.Text {
	var known []string
	collect(v, map[string]reflect.Value{}, &known)
	if len(known) == 0 {
		return problem.Say("write %s: {}", lastKey(s.path))
	}
	if len(known) > 1 {
		return problem.Say("write %s: { %s: … }; the keys known here are: %s", lastKey(s.path), known[0], strings.Join(known, ", "))
	}
	return problem.Say("write %s: { %s: … }", lastKey(s.path), known[0])
}

var plainItem = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/-]*(\.\*)?$`)

// listFix shows the list that a single value was meant to be.
func (d *decoder) listFix(s spot) problem.Text {
	item := "…"
	if n := s.value; n.Kind == yaml.ScalarNode && !d.file.hidden[n] {
		if item = short(n.Value); !plainItem.MatchString(item) {
			item = strconv.Quote(item)
		}
	}
	return problem.Say("write %s: [%s]", lastKey(s.path), item)
}

func lastKey(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

func (d *decoder) wrongType(s spot, expected, fix problem.Text) {
	if fix.Empty() {
		fix = problem.Say("write %s", expected)
	}
	d.report(s, problem.Problem{Code: "config.wrong-type", What: problem.Say("%s was expected, %s was found", expected, d.shown(s.value)), Fix: fix})
}

// shown describes a value for a message: its text, unless it is a secret.
func (d *decoder) shown(n *yaml.Node) problem.Text {
	switch {
	case n.Kind == yaml.MappingNode:
		return problem.Say("a mapping")
	case n.Kind == yaml.SequenceNode:
		return problem.Say("a list")
	case isNull(n):
		return problem.Say("nothing")
	case d.file.hidden[n]:
		return problem.Say("a value (not shown: it holds a secret)")
	}
	return problem.Verbatim(strconv.Quote(short(n.Value)))
}

func (d *decoder) structure(s spot, v reflect.Value) {
	fields := map[string]reflect.Value{}
	var known []string
	collect(v, fields, &known)
	for _, e := range s.entries() {
		field, ok := fields[e.at.Value]
		if !ok {
			d.unknownKey(s, e, known)
			continue
		}
		d.value(e, field)
	}
}

// collect lists the fields of a struct under their keys, embedded structs included.
func collect(v reflect.Value, fields map[string]reflect.Value, known *[]string) {
	for i := range v.NumField() {
		t := v.Type().Field(i)
		key, _, _ := strings.Cut(t.Tag.Get("yaml"), ",")
		switch {
		case t.Anonymous && t.Type.Kind() == reflect.Struct:
			collect(v.Field(i), fields, known)
		case !t.IsExported() || key == "-":
		default:
			if key == "" {
				key = strings.ToLower(t.Name)
			}
			fields[key] = v.Field(i)
			*known = append(*known, key)
		}
	}
}

// unknownKey reports a key that does not belong into the mapping s. A key that stands there already was not meant by it.
func (d *decoder) unknownKey(in, s spot, known []string) {
	fix := problem.Say("remove it; the keys known here are: %s", strings.Join(known, ", "))
	if len(known) == 0 {
		fix = problem.Say("remove it: there are no keys here")
	}
	absent := slices.DeleteFunc(slices.Clone(known), func(k string) bool {
		_, there := in.entry(k)
		return there
	})
	if k := Similar(short(s.at.Value), absent); k != "" {
		fix = problem.Say("write %q", k)
	}
	d.report(s, problem.Problem{Code: "config.unknown-key", What: problem.Say("there is no key %q here", short(s.at.Value)), Fix: fix})
}

func (d *decoder) named(s spot, v reflect.Value) {
	if v.IsNil() {
		v.Set(reflect.MakeMap(v.Type()))
	}
	for _, e := range s.entries() {
		item := reflect.New(v.Type().Elem()).Elem()
		d.value(e, item)
		v.SetMapIndex(reflect.ValueOf(e.at.Value).Convert(v.Type().Key()), item)
	}
}

func (d *decoder) list(s spot, v reflect.Value) {
	items := reflect.MakeSlice(v.Type(), len(s.value.Content), len(s.value.Content))
	for i := range s.value.Content {
		d.value(s.element(i), items.Index(i))
	}
	v.Set(items)
}

// scalar returns the text of a single value; `key:` without one is a problem.
func (d *decoder) scalar(s spot, expected problem.Text) (string, bool) {
	if p, ok := d.file.broken[s.value]; ok {
		d.report(s, p)
		return "", false
	}
	switch {
	case isNull(s.value):
		d.noValue(s, expected)
		return "", false
	case s.value.Kind != yaml.ScalarNode:
		d.wrongType(s, expected, problem.Text{})
		return "", false
	}
	return s.value.Value, true
}

func (d *decoder) noValue(s spot, expected problem.Text) {
	d.report(s, problem.Problem{Code: "config.missing-value", What: problem.Say("the key has no value, %s was expected", expected), Fix: problem.Say("write the value, or remove the key")})
}

// plain is scalar for what is not a text: such a value stands without quotes, unless it came by reference.
func (d *decoder) plain(s spot, expected problem.Text) (string, bool) {
	text, ok := d.scalar(s, expected)
	if ok && s.value.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 && !d.file.hidden[s.value] {
		d.wrongType(s, expected, problem.Say("remove the quotes, and write %s", expected))
		return "", false
	}
	return text, ok
}

func (d *decoder) text(s spot, into encoding.TextUnmarshaler) {
	text, ok := d.scalar(s, problem.Say("a value"))
	if !ok {
		return
	}
	err := into.UnmarshalText([]byte(text))
	if err == nil {
		return
	}
	p := problem.Problem{What: problem.Verbatim(err.Error()), Fix: problem.Say("correct the value")}
	errors.As(err, &p)
	p.Code = "config.bad-value"
	if d.file.hidden[s.value] {
		p.What = problem.Say("the value has the wrong form (not shown: it holds a secret)")
		p.Fix = problem.Say("correct it where it is kept")
	}
	d.report(s, p)
}

func (d *decoder) duration(s spot, v reflect.Value) {
	expected := problem.Say("a duration with its unit, like 500ms, 30s, 5m or 24h")
	text, ok := d.scalar(s, expected)
	if !ok {
		return
	}
	n, err := time.ParseDuration(text)
	if err != nil {
		d.wrongType(s, expected, problem.Text{})
		return
	}
	v.SetInt(int64(n))
}

func (d *decoder) boolean(s spot, v reflect.Value) {
	text, ok := d.plain(s, problem.Say("true or false"))
	switch {
	case !ok:
	case text == "true" || text == "false":
		v.SetBool(text == "true")
	default:
		d.wrongType(s, problem.Say("true or false"), problem.Text{})
	}
}

func (d *decoder) integer(s spot, v reflect.Value) {
	expected := problem.Say("a whole number")
	text, ok := d.plain(s, expected)
	if !ok {
		return
	}
	if !wholeNumber.MatchString(text) {
		d.wrongType(s, expected, problem.Text{})
		return
	}
	if v.CanInt() {
		n, err := strconv.ParseInt(text, 10, v.Type().Bits())
		if err != nil {
			d.outOfRange(s, v.Type().Bits()-1, true)
			return
		}
		v.SetInt(n)
		return
	}
	n, err := strconv.ParseUint(text, 10, v.Type().Bits())
	if err != nil {
		d.outOfRange(s, v.Type().Bits(), false)
		return
	}
	v.SetUint(n)
}

func (d *decoder) outOfRange(s spot, bits int, signed bool) {
	p := problem.Problem{Code: "config.bad-value", What: problem.Say("%s is too large a number", d.shown(s.value)), Fix: problem.Say("write a smaller one")}
	if bits < 63 {
		highest, lowest := uint64(1)<<bits-1, "0"
		if signed {
			lowest = fmt.Sprintf("-%d", highest+1)
		}
		p.What, p.Fix = problem.Say("%s is outside %s to %d", d.shown(s.value), lowest, highest), problem.Say("write a number within")
	}
	d.report(s, p)
}

func (d *decoder) float(s spot, v reflect.Value) {
	expected := problem.Say("a number")
	text, ok := d.plain(s, expected)
	if !ok {
		return
	}
	n, err := strconv.ParseFloat(text, v.Type().Bits())
	if err != nil || n != n || n-n != 0 {
		d.wrongType(s, expected, problem.Text{})
		return
	}
	v.SetFloat(n)
}
