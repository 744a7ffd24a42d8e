package schemas

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/lienthong/truc/problem"
)

const (
	draft07       = "http://json-schema.org/draft-07/schema"
	maxSchemaSize = 1 << 20
	maxSubschemas = 5000
)

var (
	datasetName  = regexp.MustCompile(`^[a-z][a-z0-9]*(\.[a-z][a-z0-9]*)*$`)
	exactVersion = regexp.MustCompile(`^(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})$`)
)

// schemaFile is one JSON Schema file of a set, a dataset's or a file of shared types.
type schemaFile struct {
	path        string
	raw         []byte
	id          string // $id
	root        *schema
	definitions map[string]*schema
	key         []string // x-khoa
	retention   *Retention
	erasure     *Erasure
	all         []*schema
}

// keywords of draft-07 and how the gate reads them. Annotations that nothing of ours reads map to "".
var keywords = map[string]string{
	"$schema": "root", "$id": "root", "definitions": "root", "x-khoa": "root", "x-luu-tru": "root", "x-xoa": "root",
	"$ref": "ref", "$comment": "", "title": "text", "description": "text", "default": "", "readOnly": "", "writeOnly": "", "examples": "",
	"type": "own", "format": "own", "pattern": "own", "enum": "own", "const": "own", "required": "own",
	"minLength": "own", "maxLength": "own", "minItems": "own", "maxItems": "own", "minimum": "own", "maximum": "own",
	"properties": "own", "additionalProperties": "own", "items": "own", "allOf": "own", "anyOf": "own",
	"oneOf": "beside", "not": "beside", "if": "beside", "then": "beside", "else": "beside", "dependencies": "beside",
	"patternProperties": "inside", "additionalItems": "inside", "contains": "inside", "propertyNames": "inside",
	"multipleOf": "other", "exclusiveMinimum": "other", "exclusiveMaximum": "other", "uniqueItems": "other",
	"minProperties": "other", "maxProperties": "other", "contentMediaType": "", "contentEncoding": "",
}

// parser reads one file and collects everything the gate has against its text. Values of the wrong type are
// passed over here: the meta-schema names them.
type parser struct {
	file     *schemaFile
	names    map[string][]string
	problems problem.List
	patterns int // size of all patterns so far
	// unsafe: a bound was exceeded, nothing may be handed to a validator.
	unsafe bool
}

// parseSchema reads a file. A proven one comes with truc: that the meta-schema allows it is proven by the test of the build.
func parseSchema(path string, raw []byte, proven bool) (*schemaFile, problem.List) {
	f := &schemaFile{path: path, raw: raw, definitions: map[string]*schema{}}
	p := &parser{file: f, names: map[string][]string{}}
	v, fault := decodeJSON(raw, p.names)
	if fault != nil {
		return nil, problem.List{fault.problem(path, raw)}
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, problem.List{{Code: "schema.not-object", Where: path, What: problem.Say("a schema file holds one JSON object"), Fix: problem.Say("write the schema as an object")}}
	}
	if s, _ := m["$schema"].(string); strings.TrimSuffix(s, "#") != draft07 {
		return nil, problem.List{{
			Code: "schema.draft", Where: path + "#/$schema", What: problem.Say("the schema does not declare draft-07, the only draft truc validates"),
			Fix: problem.Say(`write "$schema": "%s#" and use draft-07 keywords only`, draft07),
		}}
	}
	f.id, _ = m["$id"].(string)
	if !strings.HasPrefix(f.id, "https://") || strings.Contains(f.id, "#") {
		p.add("schema.id", "/$id", problem.Say("the schema has no absolute $id"), problem.Say(`write "$id": "https://.../<dataset>/<version>", without a fragment; it is never fetched`))
	}
	for _, k := range list[any](m["x-khoa"]) {
		if s, ok := k.(string); ok {
			f.key = append(f.key, s)
		}
	}
	p.declared(m)
	defs, _ := m["definitions"].(map[string]any)
	for _, name := range p.names["/definitions"] {
		f.definitions[name] = p.schema(defs[name], appendPointer("/definitions", name))
	}
	f.root = p.schema(m, "")
	if !p.unsafe && !proven {
		p.metaSchema(v)
	}
	return f, p.problems
}

func (p *parser) add(code, pointer string, what, fix problem.Text) {
	p.problems = append(p.problems, problem.Problem{Code: code, Where: p.file.path + "#" + pointer, What: what, Fix: fix})
}

func (p *parser) schema(v any, pointer string) *schema {
	s := &schema{file: p.file, pointer: pointer, maxLength: -1, maxItems: -1, maxProps: -1}
	p.file.all = append(p.file.all, s)
	if len(p.file.all) == maxSubschemas+1 {
		p.unsafe = true
		p.add("schema.too-large", pointer, problem.Say("the schema has more than %d subschemas", maxSubschemas), problem.Say("split it, or refer to shared definitions"))
	}
	if b, ok := v.(bool); ok {
		s.boolean = &b
		return s
	}
	m, ok := v.(map[string]any)
	if !ok || p.unsafe {
		return s
	}
	order := p.names[pointer]
	if _, isRef := m["$ref"]; isRef {
		p.refSiblings(order, pointer)
	}
	for _, name := range order {
		p.keyword(s, name, m[name], appendPointer(pointer, name))
	}
	s.title = texts(m, "title")
	s.description = texts(m, "description")
	p.typed(s)
	return s
}

func (p *parser) keyword(s *schema, name string, v any, at string) {
	role, known := keywords[name]
	switch {
	case strings.HasPrefix(name, "x-") && role != "root":
		p.extension(s, name, v, at)
		return
	case !known:
		fix := problem.Say("remove it, or prefix it with x- if it is an annotation")
		if near := nearest(name, slices.Collect(maps.Keys(keywords))); len(near) > 0 {
			fix = problem.Say("did you mean %s?", quoteList(near))
		}
		p.add("schema.unknown-keyword", at, problem.Say("%q is not a draft-07 keyword", name), fix)
		return
	case role == "root" && s.pointer != "":
		p.add("schema.nested-"+strings.TrimLeft(name, "$"), at, problem.Say("%s may stand only at the root of a file", name), problem.Say("move it to the root; shared parts belong under definitions there"))
		return
	case role == "other":
		s.other = append(s.other, name)
	case role == "beside" || role == "inside":
		s.other = append(s.other, name)
	}
	switch name {
	case "$ref":
		s.ref, _ = v.(string)
	case "type":
		if t, ok := v.(string); ok {
			s.types = []string{t}
		}
		s.types = append(s.types, list[string](v)...)
	case "format":
		s.format, _ = v.(string)
	case "pattern":
		s.pattern, _ = v.(string)
		p.pattern(s.pattern, at)
	case "enum":
		s.enum, _ = v.([]any)
	case "const":
		s.constant, s.hasConst = v, true
	case "required":
		s.required = list[string](v)
	case "minLength":
		s.minLength = p.count(v, at)
	case "maxLength":
		s.maxLength = p.count(v, at)
	case "minItems":
		s.minItems = p.count(v, at)
	case "maxItems":
		s.maxItems = p.count(v, at)
	case "minProperties":
		s.minProps = p.count(v, at)
	case "maxProperties":
		s.maxProps = p.count(v, at)
	case "minimum":
		s.minimum, _ = v.(json.Number)
	case "maximum":
		s.maximum, _ = v.(json.Number)
	case "properties":
		s.properties = p.members(v, at)
	case "additionalProperties":
		s.additional = p.schema(v, at)
	case "items":
		if several, ok := v.([]any); ok {
			s.inside = append(s.inside, p.schemas(several, at)...)
			s.other = append(s.other, "items as a list")
			break
		}
		s.items = p.schema(v, at)
	case "allOf":
		s.allOf = p.schemas(v, at)
	case "anyOf":
		s.anyOf = p.schemas(v, at)
	case "oneOf":
		s.beside = append(s.beside, p.schemas(v, at)...)
	case "not", "if", "then", "else":
		s.beside = append(s.beside, p.schema(v, at))
	case "additionalItems", "contains", "propertyNames":
		s.inside = append(s.inside, p.schema(v, at))
	case "patternProperties":
		for _, m := range p.members(v, at) {
			p.pattern(m.name, appendPointer(at, m.name))
			s.inside = append(s.inside, m.schema)
		}
	case "dependencies":
		for _, m := range p.members(v, at) {
			s.beside = append(s.beside, m.schema)
		}
	case "definitions", "x-khoa", "x-luu-tru", "x-xoa": // read at the root
	}
}

func (p *parser) extension(s *schema, name string, v any, at string) {
	t, isText := v.(string)
	switch name {
	case "x-danh-muc":
		p.codes(s, v, at)
		return
	case "x-phan-loai":
		s.class = t
		if t != ClassPublic && t != ClassBasic && t != ClassSensitive {
			p.add("schema.class", at, problem.Say("x-phan-loai is not a data class"), problem.Say(`write "cong-khai", "co-ban" or "nhay-cam"`))
		}
	case "x-can-cu":
		s.legalGround = t
	case "x-nguon":
		s.origin = t
	case "x-tu-dien":
		s.dictionary = p.dictionary(v, at)
		return
	case "x-title-en", "x-description-en":
	default:
		return
	}
	if !isText {
		p.add("schema.extension", at, problem.Say("%s is not text", name), problem.Say("write it as a string"))
	}
}

// codes reads which code list a schema names: {"id", "version"}, or the id of a list whose version does not matter.
func (p *parser) codes(s *schema, v any, at string) {
	m, isObject := v.(map[string]any)
	if !isObject {
		s.codeList, _ = v.(string)
	} else if len(m) == 2 {
		s.codeList, _ = m["id"].(string)
		s.codeListVersion, _ = m["version"].(string)
	}
	if s.codeList == "" || isObject && !exactVersion.MatchString(s.codeListVersion) {
		s.codeList = ""
		p.add("schema.extension", at, problem.Say("x-danh-muc names no code list"), problem.Say(`write {"id": "danhmuc.gioitinh", "version": "1.0.0"}, or the id alone to take whatever version is there`))
	}
}

// refSiblings refuses keywords beside $ref, because draft-07 and gojsonschema silently ignore them.
func (p *parser) refSiblings(order []string, pointer string) {
	for _, name := range order {
		switch {
		case name == "$ref", name == "title", name == "description", name == "$comment":
		case strings.HasPrefix(name, "x-") && name != "x-danh-muc":
		case pointer == "" && keywords[name] == "root":
		default:
			p.add("schema.ref-sibling", appendPointer(pointer, name), problem.Say("%s stands beside $ref, where draft-07 ignores it", name),
				problem.Say(`put the $ref into "allOf": [{"$ref": ...}] and keep the keyword beside allOf`))
		}
	}
}

// typed checks what holds between keywords of one subschema.
func (p *parser) typed(s *schema) {
	onlyText := len(s.types) > 0
	for _, t := range s.types {
		onlyText = onlyText && (t == "string" || t == "null")
	}
	if s.format != "" && !slices.Contains(formatNames, s.format) {
		p.add("schema.unknown-format", s.pointer+"/format", problem.Say("format %q is not one that is checked", s.format),
			problem.Say("use one of %s, or pattern", quoteList(formatNames)))
	}
	if s.format != "" && !onlyText {
		p.add("schema.format-type", s.pointer+"/format", problem.Say("format stands without type string, where the validators differ on other types"), problem.Say(`add "type": "string" beside it`))
	}
	for _, b := range []struct {
		name     string
		min, max int
	}{{"Length", s.minLength, s.maxLength}, {"Items", s.minItems, s.maxItems}, {"Properties", s.minProps, s.maxProps}} {
		if b.max >= 0 && b.min > b.max {
			p.add("schema.bound", s.pointer+"/min"+b.name, problem.Say("min%s is above max%s", b.name, b.name), problem.Say("exchange or correct the two bounds"))
		}
	}
	if s.codeList != "" && !onlyText {
		p.add("schema.code-type", s.pointer+"/x-danh-muc", problem.Say("a code stands without type string, and codes are strings"), problem.Say(`add "type": "string" beside it`))
	}
}

func (p *parser) count(v any, at string) int {
	n, isNumber := v.(json.Number)
	i, ok := small(n)
	if isNumber && (!ok || i < 0 || i > 1<<30) {
		p.add("schema.bound", at, problem.Say("the bound is not a small whole number"), problem.Say("write a whole number without decimals or exponent, from 0 to 2^30"))
		return 0
	}
	return int(i)
}

func (p *parser) members(v any, at string) []member {
	m, _ := v.(map[string]any)
	var out []member
	for _, name := range p.names[at] {
		if _, isArray := m[name].([]any); isArray { // dependencies on property names
			continue
		}
		out = append(out, member{name, p.schema(m[name], appendPointer(at, name))})
	}
	return out
}

func (p *parser) schemas(v any, at string) []*schema {
	var out []*schema
	for i, item := range list[any](v) {
		out = append(out, p.schema(item, fmt.Sprintf("%s/%d", at, i)))
	}
	return out
}

func texts(m map[string]any, name string) map[string]string {
	t := map[string]string{}
	if vi, ok := m[name].(string); ok {
		t["vi"] = vi
	}
	if en, ok := m["x-"+name+"-en"].(string); ok {
		t["en"] = en
	}
	return t
}

func list[T any](v any) []T {
	items, _ := v.([]any)
	out := make([]T, 0, len(items))
	for _, item := range items {
		if t, ok := item.(T); ok {
			out = append(out, t)
		}
	}
	return out
}
