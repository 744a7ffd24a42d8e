package schemas_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/xeipuuv/gojsonschema"
	"go.yaml.in/yaml/v4"

	"github.com/lienthong/truc/adapters/all"
	"github.com/lienthong/truc/config"
	"github.com/lienthong/truc/mapping"
)

// The schemas of the configuration and of mappings are written by those rooms; only this one may judge by them.

func configSchema(t *testing.T) *gojsonschema.Schema {
	t.Helper()
	registry := all.Registry()
	a := config.Adapters{Sources: map[string]any{}, Sinks: map[string]any{}}
	for _, n := range registry.Names(true, false) {
		a.Sources[n] = registry.Config(n)
	}
	for _, n := range registry.Names(false, true) {
		a.Sinks[n] = registry.Config(n)
	}
	return compiled(t)(config.JSONSchema(a))
}

func mappingSchema(t *testing.T) *gojsonschema.Schema {
	t.Helper()
	return compiled(t)(mapping.JSONSchema())
}

func compiled(t *testing.T) func([]byte, error) *gojsonschema.Schema {
	return func(text []byte, err error) *gojsonschema.Schema {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		s, err := gojsonschema.NewSchema(gojsonschema.NewBytesLoader(text))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
}

// faults validates YAML; ok is false when it is no YAML.
func faults(t *testing.T, s *gojsonschema.Schema, text string) (found []string, ok bool) {
	t.Helper()
	var v any
	if yaml.Unmarshal([]byte(text), &v) != nil {
		return nil, false
	}
	data, err := json.Marshal(keyed(v))
	if err != nil {
		return nil, false // .inf and .nan are YAML, and nothing that a schema can judge
	}
	result, err := s.Validate(gojsonschema.NewBytesLoader(data))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range result.Errors() {
		found = append(found, e.String())
	}
	return found, true
}

// keyed makes every key a text, as editors do: null: is one.
func keyed(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			v[k] = keyed(e)
		}
	case []any:
		for i, e := range v {
			v[i] = keyed(e)
		}
	case map[any]any:
		out := map[string]any{}
		for k, e := range v {
			name := fmt.Sprint(k)
			if k == nil {
				name = "null"
			}
			out[name] = keyed(e)
		}
		return out
	}
	return v
}

// TestEditorSchemasAcceptOurFiles: the demo, the examples, the tests' mappings and the blocks in docs/ are all in order.
func TestEditorSchemasAcceptOurFiles(t *testing.T) {
	configs, mappings := configSchema(t), mappingSchema(t)
	checked := map[string]int{}
	check := func(name, text string) {
		var kind string
		var s *gojsonschema.Schema
		switch {
		case regexp.MustCompile(`(?m)^agency:`).MatchString(text):
			kind, s = "config", configs
			text = strings.ReplaceAll(text, "{{HANOI}}", "sqlite: { path: hanoi.db }")
		case regexp.MustCompile(`(?m)^dataset:`).MatchString(text):
			kind, s = "mapping", mappings
		default:
			return
		}
		found, ok := faults(t, s, text)
		if !ok {
			t.Errorf("%s is no YAML", name)
		}
		for _, f := range found {
			t.Errorf("%s: %s", name, f)
		}
		checked[kind]++
	}
	fence := regexp.MustCompile("(?s)```ya?ml\n(.*?)```")
	for _, root := range []string{"../demo/files", "../examples", "../docs", "../README.md", "../mapping/testdata", "../discover/testdata"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if os.IsNotExist(err) {
				return nil
			}
			if err != nil || d.IsDir() {
				return err
			}
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			switch filepath.Ext(path) {
			case ".yaml":
				check(path, string(data))
			case ".md":
				for _, m := range fence.FindAllStringSubmatch(string(data), -1) {
					check(path, m[1])
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if checked["config"] < 2 || checked["mapping"] < 8 {
		t.Errorf("only %v were checked", checked)
	}
}

// TestEditorSchemasCatch: of the broken mappings of the decoder's own tests, a schema catches every unknown key at a place where
// names are not free, and lets those pass whose fault only the dataset or the table can tell.
func TestEditorSchemasCatch(t *testing.T) {
	s := mappingSchema(t)
	caught, passed := 0, 0
	for cases, file := range map[string]string{"problems_source.txt": "khai_sinh.yaml", "problems_sink.txt": "tre_em.yaml"} {
		sound, err := os.ReadFile("../mapping/testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile("../mapping/testdata/" + cases)
		if err != nil {
			t.Fatal(err)
		}
		for block := range strings.SplitSeq(string(text), "\n\n") {
			from, to, codes := blockOf(block)
			if from == "" || strings.Count(string(sound), from) != 1 {
				continue
			}
			broken := strings.Replace(string(sound), from, to, 1)
			found, ok := faults(t, s, broken)
			if !ok {
				continue
			}
			switch {
			case codes["unknown-key"] && !strings.Contains(block, "did you mean const?"): // a misspelt const is a property of that name
				if len(found) == 0 {
					t.Errorf("%s: the schema does not catch\n%s", cases, block)
				}
				caught++
			case only(codes, "unknown-column", "unknown-function", "unknown-property", "unknown-code", "missing-property"):
				if len(found) > 0 {
					t.Errorf("%s: the schema refuses what it cannot judge: %v\n%s", cases, found, block)
				}
				passed++
			}
		}
	}
	if caught < 5 || passed < 10 {
		t.Errorf("only %d broken mappings were to be caught, %d to be let pass", caught, passed)
	}
	configs := configSchema(t)
	const head = "agency: H44.15\nregistry: { url: https://chuan.vidu.example/ }\nbus: { embedded: { dir: data } }\n"
	for name, text := range map[string]string{
		"unknown key":       head + "agencies: [H44]\n",
		"nested":            strings.Replace(head, "dir: data", "dirs: data", 1),
		"wrong type":        strings.Replace(head, "dir: data", "dir: data, port: [1]", 1),
		"agency":            strings.Replace(head, "H44.15", "h44", 1),
		"url":               strings.Replace(head, "https://chuan.vidu.example/", "chuan.vidu.example", 1),
		"adapter":           head + "sources: { a: { postgre: { dsn: x } } }\n",
		"two adapters":      head + "sources: { a: { postgres: { dsn: x }, sqlite: { path: x } } }\n",
		"adapter's key":     head + "sources: { a: { postgres: { dsn: x, chunk_row: 5 } } }\n",
		"adapter's type":    head + "sources: { a: { postgres: { dsn: x, chunk_rows: many } } }\n",
		"missing mapping":   head + "publish: { a: { source: b } }\n",
		"name":              head + "publish: { Dat: { source: b, mapping: c } }\n",
		"empty list":        head + "subscribe: { a: { agencies: [], sink: b, mapping: c } }\n",
		"text for a struct": head + "http: 8080\n",
		"alert to nobody":   head + "alerts: [ {} ]\n",
		"alert of nothing":  head + "alerts: [ ~ ]\n",
		"alert, no target":  head + "alerts: [ { repeat: 1h } ]\n",
		"alert, two":        head + "alerts: [ { webhook: https://a.example/, command: [x] } ]\n",
		"alert, no command": head + "alerts: [ { command: [] } ]\n",
		"alert's event":     head + "alerts: [ { command: [x], on: [stoped] } ]\n",
	} {
		if found, ok := faults(t, configs, text); !ok || len(found) == 0 {
			t.Errorf("%s: the schema does not catch\n%s", name, text)
		}
	}
	if found, _ := faults(t, configs, head+"sources: { a: { postgres: { dsn: \"${env:X}\", chunk_rows: \"${env:N}\" }, limit: { rows: 2000/s } } }\nbus: { kafka: { brokers: [k:9092], tls: true } }\nalerts: [ { webhook: \"${env:HOOK}\", on: [gap, \"${env:E}\"] }, { command: [x, 5], on: [] } ]\n"); len(found) > 0 {
		t.Errorf("a sound configuration is refused: %v", found)
	}
}

// blockOf reads one case of the decoder's tests: -- what is replaced, ++ by what, and the codes that follow.
func blockOf(block string) (from, to string, codes map[string]bool) {
	codes = map[string]bool{}
	var last *string
	for line := range strings.Lines(block) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "-- "):
			last = &from
			from = line[3:]
		case strings.HasPrefix(line, "++ "), line == "++":
			last = &to
			to = strings.TrimPrefix(strings.TrimPrefix(line, "++"), " ")
		case strings.Contains(line, " | "):
			code, _, _ := strings.Cut(line, " | ")
			codes[strings.TrimSpace(code)] = true
			last = nil
		case last != nil:
			*last += "\n" + line
		}
	}
	return from, to, codes
}

func only(codes map[string]bool, allowed ...string) bool {
	for c := range codes {
		known := false
		for _, a := range allowed {
			known = known || a == c
		}
		if !known {
			return false
		}
	}
	return len(codes) > 0
}
