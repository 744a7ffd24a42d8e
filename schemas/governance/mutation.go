package governance

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// judging are the keywords of which each must be needed by an example: without it an invalid example would pass.
var judging = []string{
	"type", "pattern", "format", "enum", "const", "required", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
	"minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties", "additionalProperties",
	"anyOf", "oneOf", "not", "contains", "propertyNames", "patternProperties", "dependencies", codesKeyword,
}

// Tested is what the examples of a dataset show.
type Tested struct {
	Dataset string `json:"dataset"`
	Valid   int    `json:"valid"`
	Invalid int    `json:"invalid"`
	// Rules is the number of keywords that judge; Unneeded are those that no example needs, as JSON pointers into schema.json.
	Rules    int      `json:"rules"`
	Unneeded []string `json:"unneeded"`
}

// Test runs the examples of a dataset, which the gate does, and takes its judging keywords away one by one: some example must
// notice. Keywords of shared types are their own dataset's business.
func (f *Folder) Test(ctx context.Context, id string) (Tested, error) {
	d, err := f.Dataset(id)
	if err != nil {
		return Tested{}, err
	}
	if _, err := f.Set(); err != nil {
		return Tested{}, err
	}
	t := Tested{Dataset: d.ID, Unneeded: []string{}}
	for at := range f.files {
		switch {
		case strings.HasPrefix(at, d.dir+"/examples/valid/"):
			t.Valid++
		case strings.HasPrefix(at, d.dir+"/examples/invalid/"):
			t.Invalid++
		}
	}
	root, err := decode(d.Working.Schema)
	if err != nil {
		return Tested{}, err
	}
	// Only what the dataset may refer to is judged again and again.
	alone := maps.Clone(f.files)
	maps.DeleteFunc(alone, func(at string, _ []byte) bool {
		m := datasetFile.FindStringSubmatch(at)
		return m != nil && !strings.HasPrefix(at, d.dir+"/") && !strings.HasSuffix(at, "/schema.json") && !strings.Contains(at, "/examples/")
	})
	schema := d.dir + "/schema.json"
	for _, place := range places(root) {
		if err := ctx.Err(); err != nil {
			return Tested{}, err
		}
		t.Rules++
		value := place.schema[place.keyword]
		delete(place.schema, place.keyword)
		without, err := json.Marshal(root)
		place.schema[place.keyword] = value
		if err != nil {
			return Tested{}, err
		}
		alone[schema] = without
		if _, err := f.setOf(alone); err == nil {
			t.Unneeded = append(t.Unneeded, place.pointer)
		}
	}
	return t, nil
}

// rulePlace is a judging keyword in a schema.
type rulePlace struct {
	schema           map[string]any
	keyword, pointer string
}

// places lists the judging keywords of a schema in the order of their pointers.
func places(root any) []rulePlace {
	var out []rulePlace
	var visit func(v any, pointer string)
	visit = func(v any, pointer string) {
		m, ok := v.(map[string]any)
		if !ok {
			return
		}
		for _, keyword := range sortedKeys(m) {
			at := pointer + "/" + keyword
			if slices.Contains(judging, keyword) {
				out = append(out, rulePlace{m, keyword, at})
			}
			if slices.Contains(holdOne, keyword) {
				visit(m[keyword], at)
			}
			if list, ok := m[keyword].([]any); ok && slices.Contains(holdMany, keyword) {
				for i, s := range list {
					visit(s, fmt.Sprintf("%s/%d", at, i))
				}
			}
			if named, ok := m[keyword].(map[string]any); ok && slices.Contains(holdMap, keyword) {
				for _, name := range sortedKeys(named) {
					visit(named[name], at+"/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(name))
				}
			}
		}
	}
	visit(root, "#")
	return out
}
