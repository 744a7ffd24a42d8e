package compat

import (
	"sync"

	santhosh "github.com/santhosh-tekuri/jsonschema/v6"
)

// knownFormats are the formats of the drafts, as the validator reads them. Others are no check.
var knownFormats = sync.OnceValue(func() map[string]func(string) bool {
	out := map[string]func(string) bool{}
	for _, name := range []string{
		"json-pointer", "relative-json-pointer", "uuid", "duration", "period", "ipv4", "ipv6", "hostname", "email", "date", "time",
		"date-time", "uri", "iri", "uri-reference", "iri-reference", "uri-template", "semver",
	} {
		c := santhosh.NewCompiler()
		c.AssertFormat()
		if err := c.AddResource(rootURL, map[string]any{"format": name}); err != nil {
			continue
		}
		if schema, err := c.Compile(rootURL); err == nil {
			out[name] = func(text string) bool { return schema.Validate(text) == nil }
		}
	}
	return out
})

// sameFormats says that two worlds have formats of their own under the same names: what they accept is taken to be the same then.
func (w World) sameFormats(other World) bool {
	for name := range w.Formats {
		if other.Formats[name] == nil {
			return false
		}
	}
	return len(w.Formats) == len(other.Formats)
}
