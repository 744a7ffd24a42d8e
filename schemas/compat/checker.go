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
}

type noLoader struct{}

func (noLoader) Load(string) (any, error) { return nil, errOutside }

const rootURL = "http://schema.invalid/schema"

// compiler compiles the places of one set.
type compiler struct {
	santhosh *santhosh.Compiler
	err      error
}

func newCompiler(s *set) *compiler {
	c := santhosh.NewCompiler()
	c.UseLoader(noLoader{})
	c.AssertFormat()
	root := s.places["\x00#"]
	c.DefaultDraft([...]*santhosh.Draft{santhosh.Draft4, santhosh.Draft6, santhosh.Draft7, santhosh.Draft2019, santhosh.Draft2020}[root.draft])
	base := resolve(rootURL, root.base)
	for _, name := range sortedKeys(s.raw) {
		for _, u := range []string{urlOf(rootURL, name), urlOf(base, name)} {
			var twice *santhosh.ResourceExistsError
			if err := c.AddResource(u, s.raw[name]); err != nil && !errors.As(err, &twice) {
				return &compiler{err: err}
			}
		}
	}
	return &compiler{santhosh: c}
}

func (c *compiler) checker(at *place) *checker {
	if c.err != nil {
		return &checker{err: c.err}
	}
	fragment := url.URL{Fragment: strings.TrimPrefix(at.pointer, "#")}
	schema, err := c.santhosh.Compile(urlOf(rootURL, at.resource) + fragment.String())
	return &checker{schema: schema, err: err}
}

func newChecker(at *place) *checker { return newCompiler(at.set).checker(at) }

func urlOf(base, name string) string {
	if name == "" {
		return rootURL
	}
	return resolve(base, name)
}

func (c *checker) ok() bool { return c.err == nil }

func (c *checker) valid(v any) bool { return c.schema.Validate(v) == nil }

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
