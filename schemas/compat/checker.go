package compat

import (
	"errors"
	"net/url"
	"strings"

	santhosh "github.com/santhosh-tekuri/jsonschema/v6"
)

// checker validates values against one place of a document.
type checker struct {
	schema *santhosh.Schema
	err    error
}

type noLoader struct{}

func (noLoader) Load(string) (any, error) { return nil, errOutside }

const rootURL = "http://schema.invalid/schema"

func newChecker(at *place) *checker {
	if at.set == nil {
		return &checker{err: errOutside}
	}
	c := santhosh.NewCompiler()
	c.UseLoader(noLoader{})
	c.AssertFormat()
	c.DefaultDraft([...]*santhosh.Draft{santhosh.Draft4, santhosh.Draft6, santhosh.Draft7, santhosh.Draft2019, santhosh.Draft2020}[at.draft])
	base := rootURL
	if m, ok := at.set.raw[""].(map[string]any); ok {
		for _, k := range []string{"$id", "id"} {
			if id, ok := m[k].(string); ok && !strings.HasPrefix(id, "#") {
				base = resolve(rootURL, id)
			}
		}
	}
	for _, name := range sortedKeys(at.set.raw) {
		for _, u := range []string{urlOf(rootURL, name), urlOf(base, name)} {
			if err := c.AddResource(u, at.set.raw[name]); err != nil {
				var twice *santhosh.ResourceExistsError
				if !errors.As(err, &twice) {
					return &checker{err: err}
				}
			}
		}
	}
	fragment := url.URL{Fragment: strings.TrimPrefix(at.pointer, "#")}
	schema, err := c.Compile(urlOf(rootURL, at.resource) + fragment.String())
	return &checker{schema: schema, err: err}
}

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
		invalid = invalid.Causes[0]
	}
	_, fragment, _ := strings.Cut(invalid.SchemaURL, "#")
	for _, word := range invalid.ErrorKind.KeywordPath() {
		fragment += "/" + escape(word)
	}
	return "#" + fragment
}
