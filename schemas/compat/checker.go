package compat

import (
	"errors"
	"net/url"
	"strings"

	santhosh "github.com/santhosh-tekuri/jsonschema/v6"
	jsonkind "github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// checker validates values against one place of a document.
type checker struct {
	schema *santhosh.Schema
	err    error
	unsure *bool // set when a code list was asked for that is not known
}

type noLoader struct{}

func (noLoader) Load(string) (any, error) { return nil, errOutside }

const rootURL = "http://schema.invalid/schema"

// compiler compiles the places of one set.
type compiler struct {
	santhosh *santhosh.Compiler
	err      error
	unsure   *bool
}

// The validator, whose time to compile grows faster than the schema, is kept within a part of a second.
const (
	maxPlaces = 4000
	maxSought = 400_000 // bytes
)

var errFormat = errors.New("does not have the format")

var errLarge = errors.New("the schema has too many subschemas to look for a document")

func newCompiler(s *set) *compiler {
	if len(s.order) > maxPlaces || s.bytes > maxSought {
		return &compiler{err: errLarge}
	}
	c := santhosh.NewCompiler()
	c.UseLoader(noLoader{})
	c.AssertFormat()
	for name, matches := range s.world.Formats {
		c.RegisterFormat(&santhosh.Format{Name: name, Validate: func(v any) error {
			if text, isText := v.(string); isText && !matches(text) {
				return errFormat
			}
			return nil
		}})
	}
	unsure := new(bool)
	if len(s.lists) > 0 {
		c.RegisterVocabulary(s.vocabulary(unsure))
		c.AssertVocabs()
	}
	root := s.places["\x00#"]
	c.DefaultDraft([...]*santhosh.Draft{santhosh.Draft4, santhosh.Draft6, santhosh.Draft7, santhosh.Draft2019, santhosh.Draft2020}[root.draft])
	base := resolve(rootURL, root.base)
	for _, name := range sortedKeys(s.raw) {
		raw := s.raw[name]
		if s.places[name+"\x00#"].draft <= Draft7 {
			raw = aloneBesideRef(raw)
		}
		for _, u := range []string{urlOf(rootURL, name), urlOf(base, name)} {
			var twice *santhosh.ResourceExistsError
			if err := c.AddResource(u, raw); err != nil && !errors.As(err, &twice) {
				return &compiler{err: err}
			}
		}
	}
	return &compiler{santhosh: c, unsure: unsure}
}

// aloneBesideRef leaves out what the older drafts ignore beside a $ref and the validator heeds.
func aloneBesideRef(v any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, 0, len(v))
		for _, e := range v {
			out = append(out, aloneBesideRef(e))
		}
		return out
	case map[string]any:
		_, alone := v["$ref"].(string)
		out := make(map[string]any, len(v))
		for k, e := range v {
			switch k {
			case "const", "contains", "propertyNames", "if", "then", "else", codesKeyword:
				if alone {
					continue
				}
			case "enum", "default", "examples":
				out[k] = e // values, in which a $ref is none
				continue
			}
			if out[k] = e; k != "const" {
				out[k] = aloneBesideRef(e)
			}
		}
		return out
	}
	return v
}

func (c *compiler) checker(at *place) *checker {
	if c.err != nil {
		return &checker{err: c.err}
	}
	fragment := url.URL{Fragment: strings.TrimPrefix(at.pointer, "#")}
	schema, err := c.santhosh.Compile(urlOf(rootURL, at.resource) + fragment.String())
	return &checker{schema: schema, err: err, unsure: c.unsure}
}

func newChecker(at *place) *checker { return newCompiler(at.set).checker(at) }

// plainly judges a value where a place says no more than type, enum and const.
func (p *proof) plainly(b *place, v any) (accepted, known bool) {
	if b.draft == Draft4 || b.object() == nil || b.list != nil {
		return false, false
	}
	accepted = b.allowed()&typesOf(v) == typesOf(v)
	for _, k := range sortedKeys(b.object()) {
		switch value := b.object()[k]; k {
		case "enum":
			if p.enums[b] == nil {
				list, _ := value.([]any)
				p.enums[b] = keysOf(list)
			}
			accepted = accepted && p.enums[b][valueKey(v)]
		case "const":
			accepted = accepted && equal(value, v)
		case "type", "title", "description", "default", "examples":
		default:
			if !strings.HasPrefix(k, "x-") {
				return false, false
			}
		}
	}
	return accepted, accepted // a refusal of 1.0 is left to the validator
}

func urlOf(base, name string) string {
	if name == "" {
		return rootURL
	}
	return resolve(base, name)
}

func (c *checker) ok() bool { return c.err == nil }

// valid says that the place accepts a value, refuses that it does not; neither does so when it cannot be told.
func (c *checker) valid(v any) bool {
	*c.unsure = false
	return c.schema.Validate(v) == nil && !*c.unsure
}

func (c *checker) refuses(v any) bool {
	*c.unsure = false
	return c.schema.Validate(v) != nil && !*c.unsure
}

// refusedAt is the place in the schema that refuses a value.
func (c *checker) refusedAt(v any) string {
	var invalid *santhosh.ValidationError
	if !errors.As(c.schema.Validate(v), &invalid) {
		return "#"
	}
	for len(invalid.Causes) > 0 {
		_, oneOf := invalid.ErrorKind.(*jsonkind.OneOf)
		if _, anyOf := invalid.ErrorKind.(*jsonkind.AnyOf); oneOf || anyOf {
			break // no branch is more to blame than the others
		}
		invalid = invalid.Causes[0]
	}
	_, fragment, _ := strings.Cut(invalid.SchemaURL, "#")
	if plain, err := url.PathUnescape(fragment); err == nil {
		fragment = plain
	}
	for _, word := range invalid.ErrorKind.KeywordPath() {
		fragment += "/" + escape(word)
	}
	return "#" + fragment
}
