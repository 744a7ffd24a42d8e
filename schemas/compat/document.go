// Package compat judges whether a new version of a JSON Schema can follow an old one: by the rule table of Confluent
// Schema Registry (strict), or by what documents the two versions really accept (sound).
package compat

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/lienthong/truc/problem"
)

const (
	maxBytes     = 1 << 20
	maxDepth     = 128
	maxExpansion = 50_000
	maxPlacesIn  = 50_000   // subschemas of a schema with its references
	maxURI       = 1000     // bytes of an $id or a $ref, and of what it comes to
	maxPointers  = 16 << 20 // bytes of the JSON pointers of all subschemas
)

// Draft is a JSON Schema dialect.
type Draft uint8

// The drafts that are compared.
const (
	Draft4 Draft = iota
	Draft6
	Draft7
	Draft2019
	Draft2020
)

// String returns the draft as people write it.
func (d Draft) String() string {
	return [...]string{"draft-04", "draft-06", "draft-07", "2019-09", "2020-12"}[d]
}

func draftOf(uri string) (Draft, bool) {
	switch strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(uri, "https"), "http"), "#") {
	case "://json-schema.org/draft-04/schema":
		return Draft4, true
	case "://json-schema.org/draft-06/schema":
		return Draft6, true
	case "", "://json-schema.org/draft-07/schema":
		return Draft7, true
	case "://json-schema.org/draft/2019-09/schema":
		return Draft2019, true
	case "://json-schema.org/draft/2020-12/schema":
		return Draft2020, true
	}
	return 0, false
}

// Document is a parsed JSON Schema with every $ref bound to its target. It is not changed after Parse and may be
// shared between goroutines.
type Document struct {
	draft Draft
	top   *place // see root
	noted sync.Once
	// raw holds the schema and its references by name; "" is the schema itself.
	raw map[string]any
}

// root is the whole schema. What comparing asks of its places is noted when somebody asks for it first, which takes half as long
// as all before: most schemas are the first of their kind, and are parsed to see that they are schemas.
func (d *Document) root() *place {
	d.noted.Do(func() {
		s := d.top.set
		s.note()
		for _, p := range s.order {
			shapeOf(p)
		}
	})
	return d.top
}

// Draft is the dialect that $schema names, draft 7 without one.
func (d *Document) Draft() Draft { return d.draft }

// place is one subschema of a document.
type place struct {
	raw      any // bool or map[string]any
	draft    Draft
	pointer  string // "#/properties/x"
	resource string // the name of the reference the place stands in, "" in the schema itself
	base     string
	children map[string]*place
	target   *place   // of $ref
	judging  []*place // the schemas that judge the same value
	shape    *shape   // its reading by the rule table
	list     *codeList
	set      *set
	notes
}

func (p *place) object() map[string]any {
	m, _ := p.raw.(map[string]any)
	return m
}

func (p *place) child(tokens ...string) *place { return p.children[join(tokens...)] }

func join(tokens ...string) string {
	if len(tokens) == 1 {
		return escape(tokens[0])
	}
	var b strings.Builder
	for i, t := range tokens {
		if i > 0 {
			b.WriteByte('/')
		}
		b.WriteString(escape(t))
	}
	return b.String()
}

func escape(token string) string {
	return strings.ReplaceAll(strings.ReplaceAll(token, "~", "~0"), "/", "~1")
}

// World is what a schema may speak of beside itself. The zero World holds nothing.
type World struct {
	// References are the texts of the schemas that $refs may name, by that name. Nothing is ever fetched.
	References map[string][]byte
	// Codes gives the codes of a version of a code list (x-danh-muc), version "" when the schema names none. Lists that it
	// does not know, and all lists without it, are compared by id and version.
	Codes func(id, version string) (codes []string, known bool)
	// Formats are formats of one's own, or stricter readings of those of the drafts.
	Formats map[string]func(string) bool
}

// Parse reads a JSON Schema. references are the texts of the schemas that its $refs may name, by that name; nothing is
// ever fetched. The error is a problem.Problem, which says what is wrong and where.
func Parse(text []byte, references map[string][]byte) (*Document, error) {
	return World{References: references}.Parse(text)
}

// Parse reads a JSON Schema that belongs to a world. The error is a problem.Problem, which says what is wrong and where.
func (w World) Parse(text []byte) (*Document, error) {
	s := &set{world: w, places: map[string]*place{}, ids: map[string]*place{}, raw: map[string]any{}, lists: map[string]*codeList{}}
	root, err := s.read("", text, Draft7)
	if err != nil {
		return nil, err
	}
	total := len(text)
	for _, name := range sortedKeys(w.References) {
		if total += len(w.References[name]); total > 4*maxBytes {
			return nil, bad("#", problem.Say("the references together are larger than 4 MiB"), problem.Say("refer to fewer schemas"))
		}
		if _, err := s.read(name, w.References[name], root.draft); err != nil {
			return nil, inReference(err, name)
		}
	}
	if err := s.bind(); err != nil {
		return nil, err
	}
	if err := s.finite(); err != nil {
		return nil, err
	}
	return &Document{draft: root.draft, top: root, raw: s.raw}, nil
}

// set is a schema with its references while they are parsed.
type set struct {
	bytes  int // of all texts
	names  int // bytes of all pointers
	world  World
	lists  map[string]*codeList // by key
	places map[string]*place    // by resource, "\x00", pointer
	ids    map[string]*place    // by absolute URI
	order  []*place
	raw    map[string]any
	digest digest // of all texts
}

func (s *set) read(name string, text []byte, draft Draft) (*place, error) {
	if len(text) > maxBytes {
		return nil, bad("#", problem.Say("the schema is larger than %d bytes", maxBytes), problem.Say("split it and use references"))
	}
	if at := tooDeep(text); at >= 0 {
		return nil, bad("#", problem.Say("the schema is nested more than %d levels deep at byte %d", maxDepth, at), problem.Say("put the inner parts into definitions and refer to them by $ref"))
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var raw any
	if err := dec.Decode(&raw); err != nil {
		return nil, bad("#", problem.Say("the schema is not JSON: %v", err), problem.Say("write one JSON object, true or false"))
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, bad("#", problem.Say("more text follows the schema"), problem.Say("write one JSON object, true or false"))
	}
	if m, ok := raw.(map[string]any); ok {
		if uri, given := m["$schema"]; given {
			uri, _ := uri.(string)
			if draft, ok = draftOf(uri); !ok {
				return nil, bad("#/$schema", problem.Say("$schema names no draft that can be compared"), problem.Say("use draft 4, 6, 7, 2019-09 or 2020-12"))
			}
		}
	}
	s.raw[name] = raw
	s.bytes += len(text)
	return s.walk(raw, draft, name, "#", name)
}

// tooDeep returns the offset at which the nesting passes maxDepth, -1 when it never does.
func tooDeep(text []byte) int {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return i
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return -1
}

var (
	oneSchema = []string{
		"not", "if", "then", "else", "additionalProperties", "additionalItems", "items", "contains",
		"propertyNames", "unevaluatedProperties", "unevaluatedItems",
	}
	schemaLists = []string{"allOf", "anyOf", "oneOf", "prefixItems", "items"}
	schemaMaps  = []string{
		"properties", "patternProperties", "definitions", "$defs", "dependentSchemas", "dependencies",
	}
	wholeNumbers = []string{
		"minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "minContains", "maxContains",
	}
)

// walk makes the places of a schema and of all schemas in it.
func (s *set) walk(raw any, draft Draft, resource, pointer, base string) (*place, error) {
	p := &place{raw: raw, draft: draft, resource: resource, pointer: pointer, base: base, set: s}
	s.places[resource+"\x00"+pointer] = p
	s.order = append(s.order, p)
	if len(s.order) > maxPlacesIn {
		return nil, bad("#", problem.Say("the schema has more than %d subschemas", maxPlacesIn), problem.Say("split it and use references"))
	}
	if s.names += len(resource) + len(pointer); s.names > maxPointers {
		return nil, bad("#", problem.Say("the names on the way to the subschemas take more than %d bytes", maxPointers), problem.Say("use shorter names or fewer levels"))
	}
	m, isObject := raw.(map[string]any)
	if !isObject {
		if _, isBool := raw.(bool); !isBool {
			return nil, bad(pointer, problem.Say("this is no schema"), problem.Say("write one JSON object, true or false"))
		}
		return p, nil
	}
	if err := wellFormed(m, pointer); err != nil {
		return nil, err
	}
	if err := s.name(p, m); err != nil {
		return nil, err
	}
	p.list = s.listOf(m)
	add := func(v any, tokens ...string) error {
		key := join(tokens...)
		c, err := s.walk(v, draft, resource, pointer+"/"+key, p.base)
		if p.children == nil { // most places have none
			p.children = map[string]*place{}
		}
		p.children[key] = c
		return err
	}
	for _, k := range oneSchema {
		v, given := m[k]
		if _, tuple := v.([]any); !given || tuple && k == "items" {
			continue
		}
		if err := add(v, k); err != nil {
			return nil, err
		}
	}
	for _, k := range schemaLists {
		list, isList := m[k].([]any)
		if m[k] != nil && !isList && k != "items" {
			return nil, bad(pointer+"/"+k, problem.Say("this is no list"), problem.Say("write a list of schemas"))
		}
		for i, v := range list {
			if err := add(v, k, strconv.Itoa(i)); err != nil {
				return nil, err
			}
		}
	}
	for _, k := range schemaMaps {
		members, isMap := m[k].(map[string]any)
		if m[k] != nil && !isMap {
			return nil, bad(pointer+"/"+k, problem.Say("this is no object"), problem.Say("write an object of schemas"))
		}
		for _, name := range sortedKeys(members) {
			if _, names := members[name].([]any); names && k == "dependencies" {
				continue
			}
			if err := add(members[name], k, name); err != nil {
				return nil, err
			}
		}
	}
	return p, nil
}

// wellFormed refuses keyword values that comparing could only guess at.
func wellFormed(m map[string]any, pointer string) error {
	for _, k := range wholeNumbers {
		if v, given := m[k]; given {
			if n := decimal(v); n == nil || !n.IsInt() || n.Sign() < 0 {
				return bad(pointer+"/"+k, problem.Say("this is no whole number"), problem.Say("write 0, 1, 2, …"))
			}
		}
	}
	for _, k := range []string{"minimum", "maximum", "multipleOf"} {
		if v, given := m[k]; given && (decimal(v) == nil || k == "multipleOf" && decimal(v).Sign() <= 0) {
			return notComparable(pointer + "/" + k)
		}
	}
	for _, k := range []string{"exclusiveMinimum", "exclusiveMaximum"} {
		if _, flag := m[k].(bool); m[k] != nil && !flag && decimal(m[k]) == nil {
			return notComparable(pointer + "/" + k)
		}
	}
	types := []any{m["type"]}
	if list, many := m["type"].([]any); many {
		types = list
	}
	for _, t := range types {
		if name, _ := t.(string); m["type"] != nil && !slices.Contains(typeNames, name) {
			return bad(pointer+"/type", problem.Say("this is no type"), problem.Say("use one of %s", strings.Join(typeNames, ", ")))
		}
	}
	if v, given := m["enum"]; given {
		if _, isList := v.([]any); !isList {
			return bad(pointer+"/enum", problem.Say("this is no list"), problem.Say("write a list of values"))
		}
	}
	return nil
}

var typeNames = []string{"array", "boolean", "integer", "null", "number", "object", "string"}

// name registers the URIs under which a place can be referred to.
func (s *set) name(p *place, m map[string]any) error {
	for _, k := range []string{"id", "$id", "$ref", "$dynamicRef", "$recursiveRef"} {
		if uri, _ := m[k].(string); len(uri) > maxURI {
			return tooLong(p, k)
		}
	}
	key := "$id"
	if p.draft == Draft4 {
		key = "id"
	}
	_, hasRef := m["$ref"]
	if id, ok := m[key].(string); ok && (!hasRef || p.draft >= Draft2019) {
		abs := resolve(p.base, id)
		if len(abs) > maxURI {
			return tooLong(p, key)
		}
		if !strings.HasPrefix(id, "#") {
			p.base = strings.TrimSuffix(abs, "#")
			abs = p.base
		}
		s.ids[abs] = p
	}
	if p.pointer == "#" {
		s.ids[p.resource] = p
	}
	for _, k := range []string{"$anchor", "$dynamicAnchor"} {
		if anchor, ok := m[k].(string); ok && p.draft >= Draft2019 {
			s.ids[p.base+"#"+anchor] = p
		}
	}
	if anchor, ok := m["$recursiveAnchor"].(bool); ok && anchor {
		s.ids[p.base+"#"] = p
	}
	return nil
}

func tooLong(p *place, keyword string) error {
	return bad(p.pointer+"/"+keyword, problem.Say("this identifier has more than %d bytes, alone or after that of the schema around it", maxURI), problem.Say("shorten it"))
}

func resolve(base, ref string) string {
	b, err := url.Parse(base)
	if err != nil {
		return ref
	}
	u, err := b.Parse(ref)
	if err != nil {
		return ref
	}
	return u.String()
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
