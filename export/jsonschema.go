package export

import (
	"fmt"
	"path"
	"strings"

	"github.com/lienthong/truc/schemas"
)

const draft2020 = "https://json-schema.org/draft/2020-12/schema"

// JSONSchema is the schema of a dataset in draft 2020-12, with all that it refers to under $defs: a file that a validator
// needs nothing else for. It gives the verdict of the original where formats are asserted; in 2020-12 a validator may take
// them for notes unless it is told otherwise. With lists the codes of each code list stand in the schema as an enum, as they
// are today; without, codes are left to the list, as in the original. A version that comes to its end is deprecated: end is nil
// for others.
func JSONSchema(d *schemas.Dataset, end *Ending, lists *schemas.Set) ([]byte, error) {
	b, err := newBundle(d)
	if err != nil {
		return nil, err
	}
	names := b.shortNames()
	ref := func(p place) string {
		if p == b.root {
			return "#"
		}
		return "#/$defs/" + names[p]
	}
	edit := func(o *object) (any, error) {
		if lists != nil {
			if err := inlineCodes(o, lists); err != nil {
				return nil, err
			}
		}
		return modern(o), nil
	}
	v, err := b.render(b.root, ref, edit)
	if err != nil {
		return nil, err
	}
	root := v.(*object)
	root.set("$schema", draft2020)
	root.set("$id", root.text("$id")+"/2020-12") // another text than the original's must not go by its name
	root.remove("definitions")
	if end != nil {
		root.set("deprecated", true)
		root.set(endKeyword, end.object())
	}
	if len(b.places) > 0 {
		defs := &object{}
		for _, p := range b.places {
			def, err := b.render(p, ref, edit)
			if err != nil {
				return nil, err
			}
			if o, ok := def.(*object); ok && p.definition == "" {
				o.remove("$schema")
				o.remove("$id")
			}
			defs.set(names[p], def)
		}
		root.set("$defs", defs)
	}
	return indented(root)
}

// shortNames names what is referred to: by the definition, and where two have one name by the file too.
func (b *bundle) shortNames() map[place]string {
	times := map[string]int{}
	for _, p := range b.places {
		times[p.definition]++
	}
	out := map[place]string{}
	for _, p := range b.places {
		out[p] = p.definition
		if times[p.definition] > 1 || p.definition == "" {
			out[p] = longName(p)
		}
	}
	return out
}

// longName is unique among all schemas: "kieu-1.0.0.hoTen".
func longName(p place) string {
	version, name := path.Base(p.file), path.Base(path.Dir(p.file))
	return strings.TrimSuffix(name+"-"+version+"."+p.definition, ".")
}

// modern turns one schema object of draft-07, whose inner schemas are turned already, into one of 2020-12.
func modern(o *object) *object {
	out := &object{}
	list := false
	for _, m := range o.members {
		if m.name == "items" {
			_, list = m.value.([]any)
		}
	}
	for _, m := range o.members {
		switch {
		case m.name == "items" && list:
			out.set("prefixItems", m.value)
		case m.name == "additionalItems" && list:
			out.set("items", m.value)
		case m.name == "additionalItems": // draft-07 looks at it beside a list only
		case m.name == "dependencies":
			splitDependencies(m.value, out)
		default:
			out.members = append(out.members, m)
		}
	}
	return out
}

func splitDependencies(v any, into *object) {
	all, ok := v.(*object)
	if !ok {
		return
	}
	required, dependent := &object{}, &object{}
	for _, m := range all.members {
		if _, names := m.value.([]any); names {
			required.set(m.name, m.value)
		} else {
			dependent.set(m.name, m.value)
		}
	}
	if len(required.members) > 0 {
		into.set("dependentRequired", required)
	}
	if len(dependent.members) > 0 {
		into.set("dependentSchemas", dependent)
	}
}

// inlineCodes puts the codes of a schema's code list beside the name of the list.
func inlineCodes(o *object, lists *schemas.Set) error {
	id, version := codeListOf(o)
	if id == "" {
		return nil
	}
	list, err := lists.CodeList(id)
	if err != nil {
		return fmt.Errorf("find code list: %w", err)
	}
	list, there := list.At(version)
	if !there {
		return fmt.Errorf("find code list: there is no %s %s", id, version)
	}
	o.set("x-danh-muc-phien-ban", list.Version)
	codes := make([]any, 0, len(list.Codes())+1)
	for _, c := range list.Codes() {
		codes = append(codes, c.Code)
	}
	if types, _ := o.get("type"); nullable(types) {
		codes = append(codes, nil)
	}
	if _, has := o.get("enum"); !has {
		o.set("enum", codes)
		return nil
	}
	all, _ := o.get("allOf")
	before, _ := all.([]any)
	o.set("allOf", append(before[:len(before):len(before)], of("enum", codes)))
	return nil
}

// codeListOf is the list that x-danh-muc names: {"id", "version"}, or an id, and then version is "".
func codeListOf(o *object) (id, version string) {
	v, _ := o.get("x-danh-muc")
	if inner, ok := v.(*object); ok {
		return inner.text("id"), inner.text("version")
	}
	id, _ = v.(string)
	return id, ""
}

func nullable(types any) bool {
	list, _ := types.([]any)
	for _, t := range list {
		if t == "null" {
			return true
		}
	}
	return types == "null"
}
