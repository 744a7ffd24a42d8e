package compat

import (
	"cmp"
	"errors"
	"net/url"
	"strings"

	santhosh "github.com/santhosh-tekuri/jsonschema/v6"
)

// checker lets the validator judge values by one place of a document.
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

// maxOpinions is how many documents the validator is asked about, and of how many bytes.
const (
	maxOpinions     = 40
	maxOpinionBytes = 2000
)

// secondOpinion asks the validator about documents where $dynamicRef or $recursiveRef decide, which evaluation takes for $ref.
// Other documents need none.
func secondOpinion(writer, reader *Document) (refuted func(v any) bool, err error) {
	if !writer.dynamic() && !reader.dynamic() {
		return func(any) bool { return true }, nil
	}
	w, r := newChecker(writer.root()), newChecker(reader.root())
	if !w.ok() || !r.ok() {
		return nil, cmp.Or(w.err, r.err)
	}
	asked := 0
	return func(v any) bool {
		if asked++; asked > maxOpinions || len(encode(v)) > maxOpinionBytes {
			return false
		}
		return w.valid(v) && r.refuses(v)
	}, nil
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
