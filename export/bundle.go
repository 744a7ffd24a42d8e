// Package export renders datasets, and the events of a node, for tools that are not truc: one self-contained JSON Schema 2020-12,
// Go structs, an Open Data Contract, AsyncAPI.
//
//	dataset + the files its $refs lead to → bundle (one tree, refs local) → jsonschema.go, asyncapi.go   golang.go and odcs.go read the typed tree
package export

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/lienthong/truc/schemas"
)

// place is what a $ref of draft-07 leads to in a set: a file by its $id, or one of its definitions.
type place struct{ file, definition string }

// bundle is a dataset's schema with everything its $refs lead to.
type bundle struct {
	files map[string]*object // by $id
	root  place
	// places are what is referred to, the root not among them, in the order in which it is met.
	places []place
}

func newBundle(d *schemas.Dataset) (*bundle, error) {
	b := &bundle{files: map[string]*object{}}
	texts := d.References()
	root, err := b.add(d.Raw())
	if err != nil {
		return nil, err
	}
	for _, text := range texts {
		if _, err := b.add(text); err != nil {
			return nil, err
		}
	}
	b.root = place{file: root}
	return b, b.collect(b.root)
}

func (b *bundle) add(text []byte) (id string, err error) {
	v, err := parse(text)
	if err != nil {
		return "", err
	}
	file, ok := v.(*object)
	if !ok {
		return "", fmt.Errorf("a schema file holds no object")
	}
	id = file.text("$id")
	b.files[id] = file
	return id, nil
}

// at is the schema at a place; that of a file comes without its definitions.
func (b *bundle) at(p place) (any, error) {
	file := b.files[p.file]
	if file == nil {
		return nil, fmt.Errorf("the $ref leads to %s, which is not there", p.file)
	}
	if p.definition == "" {
		root := &object{members: slices.Clone(file.members)}
		root.remove("definitions")
		return root, nil
	}
	definitions, _ := file.get("definitions")
	if o, ok := definitions.(*object); ok {
		if v, ok := o.get(p.definition); ok {
			return v, nil
		}
	}
	return nil, fmt.Errorf("the $ref leads to definition %s of %s, which is not there", p.definition, p.file)
}

// collect finds everything that is referred to from a place on.
func (b *bundle) collect(from place) error {
	v, err := b.at(from)
	if err != nil {
		return err
	}
	var inner []place
	_, err = alter(v, func(o *object) (any, error) {
		if ref := o.text("$ref"); ref != "" {
			p, err := follow(from.file, ref)
			if err != nil {
				return nil, err
			}
			inner = append(inner, p)
		}
		return o, nil
	})
	if err != nil {
		return err
	}
	for _, p := range inner {
		if p == b.root || slices.Contains(b.places, p) {
			continue
		}
		b.places = append(b.places, p)
		if err := b.collect(p); err != nil {
			return err
		}
	}
	return nil
}

// follow reads a $ref of a file.
func follow(file, ref string) (place, error) {
	base, err := url.Parse(file)
	if err != nil {
		return place{}, fmt.Errorf("read $id: %w", err)
	}
	u, err := base.Parse(ref)
	if err != nil {
		return place{}, fmt.Errorf("read $ref: %w", err)
	}
	p := place{definition: strings.TrimPrefix(u.Fragment, "/definitions/")}
	u.Fragment = ""
	p.file = u.String()
	return p, nil
}

// render gives the schema at a place with its $refs rewritten and each subschema, the inner ones first, changed by edit.
func (b *bundle) render(p place, ref func(place) string, edit func(*object) (any, error)) (any, error) {
	v, err := b.at(p)
	if err != nil {
		return nil, err
	}
	return alter(v, func(o *object) (any, error) {
		if r := o.text("$ref"); r != "" {
			target, err := follow(p.file, r)
			if err != nil {
				return nil, err
			}
			o.set("$ref", ref(target))
		}
		return edit(o)
	})
}

// alter copies a schema and hands each of its subschemas to edit, the inner ones first. Values that look like schemas but are
// data, as under enum or default, are left alone.
func alter(v any, edit func(*object) (any, error)) (any, error) {
	o, ok := v.(*object)
	if !ok {
		return v, nil // true or false
	}
	out := &object{members: make([]member, 0, len(o.members))}
	for _, m := range o.members {
		value, err := alterKeyword(m.name, m.value, edit)
		if err != nil {
			return nil, err
		}
		out.members = append(out.members, member{m.name, value})
	}
	return edit(out)
}

func alterKeyword(name string, v any, edit func(*object) (any, error)) (any, error) {
	switch name {
	case "additionalProperties", "additionalItems", "contains", "propertyNames", "not", "if", "then", "else", "items", "allOf", "anyOf", "oneOf":
		list, ok := v.([]any)
		if !ok {
			return alter(v, edit)
		}
		out := make([]any, len(list))
		for i := range list {
			var err error
			if out[i], err = alter(list[i], edit); err != nil {
				return nil, err
			}
		}
		return out, nil
	case "properties", "patternProperties", "definitions", "dependencies":
		all, ok := v.(*object)
		if !ok {
			return v, nil
		}
		out := &object{}
		for _, m := range all.members {
			inner := m.value
			if _, names := inner.([]any); !names { // dependencies on the names of properties
				var err error
				if inner, err = alter(inner, edit); err != nil {
					return nil, err
				}
			}
			out.members = append(out.members, member{m.name, inner})
		}
		return out, nil
	}
	return v, nil
}
