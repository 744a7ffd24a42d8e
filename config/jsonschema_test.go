package config

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
)

type exampleAdapter struct {
	Path string `yaml:"path"`
	Poll int    `yaml:"poll"`
}

func exampleSchema(t *testing.T) map[string]any {
	t.Helper()
	text, err := JSONSchema(Adapters{Sources: map[string]any{"sqlite": &exampleAdapter{}}, Sinks: map[string]any{"sqlite": &exampleAdapter{}}})
	if err != nil {
		t.Fatal(err)
	}
	var s map[string]any
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestJSONSchemaKeys asks the decoder which keys it knows at each place of the file, and compares them with the schema's.
func TestJSONSchemaKeys(t *testing.T) {
	s := exampleSchema(t)
	at := func(path ...string) map[string]any {
		v := s
		for _, p := range path {
			next := v["properties"]
			if p == "*" {
				v = v["additionalProperties"].(map[string]any)
				continue
			}
			if alternatives, ok := v["anyOf"].([]any); ok { // TLS: true, or an object
				next = alternatives[1].(map[string]any)["properties"]
			}
			v = next.(map[string]any)[p].(map[string]any)
		}
		if alternatives, ok := v["anyOf"].([]any); ok {
			v = alternatives[1].(map[string]any)
		}
		return v["properties"].(map[string]any)
	}
	const unknown = "zzzzzzzz"
	for text, path := range map[string][]string{
		"?":                                {},
		"registry: { ? }":                  {"registry"},
		"bus: { ? }":                       {"bus"},
		"bus: { embedded: { ? } }":         {"bus", "embedded"},
		"bus: { kafka: { ? } }":            {"bus", "kafka"},
		"bus: { kafka: { tls: { ? } } }":   {"bus", "kafka", "tls"},
		"bus: { kafka: { sasl: { ? } } }":  {"bus", "kafka", "sasl"},
		"sources: { a: { limit: { ? } } }": {"sources", "*", "limit"},
		"publish: { a: { ? } }":            {"publish", "*"},
		"subscribe: { a: { ? } }":          {"subscribe", "*"},
		"http: { ? }":                      {"http"},
		"errorBudget: { ? }":               {"errorBudget"},
	} {
		_, problems := load("truc.yaml", []byte(strings.ReplaceAll(text, "?", unknown+": 1")), func(string) (string, bool) { return "", false })
		var known []string
		for _, p := range problems {
			if _, list, ok := strings.Cut(p.Fix.EN, "the keys known here are: "); ok && strings.Contains(p.What.EN, unknown) {
				known = slices.Sorted(slices.Values(strings.Split(list, ", ")))
			}
		}
		if known == nil {
			t.Errorf("%s: the decoder does not name its keys: %v", text, problems)
			continue
		}
		if got := slices.Sorted(maps.Keys(at(path...))); !slices.Equal(got, known) {
			t.Errorf("%s: the schema has %v, the decoder takes %v", text, got, known)
		}
	}
	if got := slices.Sorted(maps.Keys(at("sources", "*"))); !slices.Equal(got, []string{"limit", "pause", "sqlite"}) {
		t.Errorf("a source has %v", got)
	}
	if got := slices.Sorted(maps.Keys(at("sinks", "*"))); !slices.Equal(got, []string{"sqlite"}) {
		t.Errorf("a sink has %v", got)
	}
}

// TestKeysAreDescribed: every key of the file has a line in keys.txt, in both languages, and every line a key.
func TestKeysAreDescribed(t *testing.T) {
	says := keyDescriptions(keysFile)
	used := map[string]bool{}
	var visit func(s map[string]any, path string)
	visit = func(s map[string]any, path string) {
		if path != "" && !strings.HasPrefix(path, "sources.*.sqlite") && !strings.HasPrefix(path, "sinks.*.sqlite") {
			used[path] = true
			if vi, en, ok := strings.Cut(says[path], " / "); !ok || vi == "" || en == "" {
				t.Errorf("%s is not described as: Vietnamese / English", path)
			}
			if s["description"] != says[path] {
				t.Errorf("the schema says of %s: %v", path, s["description"])
			}
		}
		for _, alternative := range asList(s["anyOf"]) {
			if properties, ok := alternative.(map[string]any)["properties"].(map[string]any); ok {
				for k, p := range properties {
					visit(p.(map[string]any), join(path, k))
				}
			}
		}
		if properties, ok := s["properties"].(map[string]any); ok {
			for k, p := range properties {
				visit(p.(map[string]any), join(path, k))
			}
		}
		if names, ok := s["additionalProperties"].(map[string]any); ok {
			visit(names, join(path, "*"))
		}
		if items, ok := s["items"].(map[string]any); ok && items["properties"] != nil {
			visit(items, path+"[]")
		}
	}
	visit(exampleSchema(t), "")
	for path := range says {
		adapter := strings.HasPrefix(path, "sources.*.") || strings.HasPrefix(path, "sinks.*.") // theirs are held in cmd/truc, where they are known
		if !used[path] && !adapter {
			t.Errorf("%s is described and no key", path)
		}
	}
}

func asList(v any) []any {
	list, _ := v.([]any)
	return list
}
