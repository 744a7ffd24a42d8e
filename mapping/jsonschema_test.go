package mapping

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
)

// TestJSONSchemaKeys asks the decoder which keys it knows at each place, and compares them with those of the schema.
func TestJSONSchemaKeys(t *testing.T) {
	data, err := JSONSchema()
	if err != nil {
		t.Fatal(err)
	}
	var root struct {
		Definitions map[string]json.RawMessage `json:"definitions"`
	}
	if err := json.Unmarshal(data, &root); err != nil {
		t.Fatal(err)
	}
	keys := func(definition string, path ...string) []string {
		var s any
		if err := json.Unmarshal(root.Definitions[definition], &s); err != nil {
			t.Fatal(err)
		}
		for _, p := range path {
			switch v := s.(type) {
			case map[string]any:
				s = v[p]
			case []any:
				s = v[p[0]-'0']
			}
		}
		object, ok := s.(map[string]any)
		if !ok {
			t.Fatalf("%s %v is no object", definition, path)
		}
		return slices.Sorted(maps.Keys(object["properties"].(map[string]any)))
	}
	sorted := func(list []string) []string { return slices.Sorted(slices.Values(list)) }
	const head = "dataset: a.b.v1\n"
	const unknown = "zzzzzzzz"
	// known is what the decoder says of an unknown key in a file.
	known := func(text string) []string {
		_, problems := Parse("x.yaml", []byte(strings.ReplaceAll(text, "?", unknown+": 1")), nil)
		for _, p := range problems {
			if p.Code != "mapping.unknown-key" || !strings.Contains(p.What.EN, unknown) {
				continue
			}
			_, list, ok := strings.Cut(p.Fix.EN, "possible are ")
			if !ok {
				t.Fatalf("%s: %v does not name the keys", text, p)
			}
			return sorted(strings.Split(list, ", "))
		}
		t.Fatalf("%s: no unknown key is found: %v", text, problems)
		return nil
	}
	// The decoder names event for both directions; in a source mapping it refuses it.
	for _, c := range []struct {
		place         string
		schema, truth []string
	}{
		{"source", keys("source"), sorted(sourceKeys())},
		{"sink", keys("sink"), sorted(sinkKeys())},
		{"shared", keys("shared"), sorted(sharedKeys())},
		{"column", keys("column"), known(head + "fields: { a: b }\ncolumns: { c: { ? } }")},
		{"codes", keys("codes"), known(head + "fields: { a: b }\ncodes: { c: { ? } }")},
		{"each", keys("each"), known(head + "fields: { a: { each: b, ? } }")},
		{"assigned", append(keys("assigned", "anyOf", "1"), "const"), known(head + "write: upsert\ncolumns: { c: { value: a, ? } }")},
		{"onDelete", keys("onDelete", "anyOf", "1"), known(head + "write: upsert\ncolumns: { c: a }\non_delete: { ? }")},
		{"sourceExample", append(keys("sourceExample"), "event"), known(head + "fields: { a: b }\nexamples: [ { ? } ]")},
		{"error", keys("sourceExample", "properties", "error"), known(head + "fields: { a: b }\nexamples: [ { error: { ? } } ]")},
		{"sinkExample", keys("sinkExample"), known(head + "write: upsert\ncolumns: { c: a }\nexamples: [ { ? } ]")},
		{"event", keys("sinkExample", "properties", "event"), known(head + "write: upsert\ncolumns: { c: a }\nexamples: [ { event: { ? } } ]")},
	} {
		if got := sorted(c.schema); !slices.Equal(got, c.truth) {
			t.Errorf("%s: the schema has %v, the decoder takes %v", c.place, got, c.truth)
		}
	}
	// Each key of a block is taken.
	_, problems := Parse("x.yaml", []byte(head+"fields: { a: { use: s, prefix: p_, when: c, b: d } }\nshapes: { s: { e: f } }"), nil)
	if problems.Err() != nil {
		t.Errorf("block: %v", problems)
	}
	if got := keys("block"); !slices.Equal(got, []string{"prefix", "use", "when"}) {
		t.Errorf("block: the schema has %v", got)
	}
}
