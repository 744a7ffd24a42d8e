package governance

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/lienthong/truc/problem"
)

// field is one place of a document as a schema describes it, with its $refs followed.
type field struct {
	facts    map[string]any // by keyword
	required bool
}

func (f *field) title() problem.Text {
	vi, _ := f.facts["title"].(string)
	en, _ := f.facts["x-title-en"].(string)
	if en == "" {
		en = vi
	}
	return problem.Text{VI: vi, EN: en}
}

// fields are the places of a document by path: "", "noiDangKy.ma", "con[].hoTen".
type fields struct {
	byPath map[string]*field
	key    any // x-khoa
}

const maxFields = 20_000

var errManyFields = errors.New("the schema describes more than 20,000 places; refer to fewer types")

// fieldsOf reads a schema as people do: place by place. What stands under anyOf, oneOf and the like is one fact of its place.
func fieldsOf(t Text) (fields, error) {
	root, err := decode(t.Schema)
	if err != nil {
		return fields{}, fmt.Errorf("read %s: %w", t.Name, err)
	}
	r := reader{out: fields{byPath: map[string]*field{}}, files: map[string]any{}}
	for id, text := range t.Types {
		if r.files[id], err = decode(text); err != nil {
			return fields{}, fmt.Errorf("read %s: %w", id, err)
		}
	}
	m, _ := root.(map[string]any)
	r.out.key = m[keyKeyword]
	id, _ := m["$id"].(string)
	r.files[id] = root
	r.read(root, id, "", nil)
	if len(r.out.byPath) > maxFields {
		return fields{}, errManyFields
	}
	return r.out, nil
}

type reader struct {
	out   fields
	files map[string]any
}

// read adds what a schema in a file says about a place; trail are the $refs followed to it.
func (r *reader) read(v any, file, at string, trail []string) {
	if len(r.out.byPath) > maxFields {
		return
	}
	f := r.out.byPath[at]
	if f == nil {
		f = &field{facts: map[string]any{}}
		r.out.byPath[at] = f
	}
	m, ok := v.(map[string]any)
	if !ok {
		f.facts["schema"] = v
		return
	}
	for keyword, value := range m {
		if slices.Contains([]string{"$schema", "$id", "$ref", "$comment", "definitions", "properties", "required", "items", "allOf", keyKeyword}, keyword) {
			continue
		}
		for n := 2; ; n++ { // a branch of allOf may say another thing of the same
			if before, said := f.facts[keyword]; !said || shown(before) == shown(value) {
				f.facts[keyword] = value
				break
			}
			if remark(keyword) {
				break // what stands nearer to the place was said first
			}
			keyword = fmt.Sprintf("%s (%d)", strings.TrimSuffix(keyword, fmt.Sprintf(" (%d)", n-1)), n)
		}
	}
	if ref, ok := m["$ref"].(string); ok {
		r.follow(ref, file, at, trail)
	}
	if branches, ok := m["allOf"].([]any); ok {
		for _, b := range branches {
			r.read(b, file, at, trail)
		}
	}
	if properties, ok := m["properties"].(map[string]any); ok {
		for name, p := range properties {
			r.read(p, file, strings.TrimPrefix(at+"."+name, "."), trail)
		}
	}
	if names, ok := m["required"].([]any); ok {
		for _, n := range names {
			name, _ := n.(string)
			path := strings.TrimPrefix(at+"."+name, ".")
			if r.out.byPath[path] == nil {
				r.out.byPath[path] = &field{facts: map[string]any{}}
			}
			r.out.byPath[path].required = true
		}
	}
	switch items := m["items"].(type) {
	case map[string]any:
		r.read(items, file, at+"[]", trail)
	case nil:
	default:
		f.facts["items"] = items
	}
}

func (r *reader) follow(ref, file, at string, trail []string) {
	base, err := url.Parse(file)
	if err != nil {
		return
	}
	u, err := base.Parse(ref)
	if err != nil || slices.Contains(trail, u.String()) || len(trail) > 32 {
		return // what contains itself is described once
	}
	trail = append(slices.Clone(trail), u.String())
	name, isDefinition := strings.CutPrefix(u.Fragment, "/definitions/")
	u.Fragment = ""
	target := r.files[u.String()]
	if isDefinition {
		m, _ := target.(map[string]any)
		definitions, _ := m["definitions"].(map[string]any)
		target = definitions[name]
	}
	if target != nil {
		r.read(target, u.String(), at, trail)
	}
}

// shown is a value of a schema on one line.
func shown(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	const most = 120
	if runes := []rune(string(text)); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return string(text)
}

func shownPath(at string) string {
	if at == "" {
		return "#"
	}
	return at
}
