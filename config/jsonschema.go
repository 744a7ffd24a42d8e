package config

import (
	_ "embed"
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

//go:embed keys.txt
var keysFile string

// Adapters are the configuration structs of the adapters that there are, by name: pointers, with the defaults filled in.
type Adapters struct {
	Sources, Sinks map[string]any
}

// JSONSchema is a JSON Schema (draft-07) of the configuration file, for editors. It is read off the structs that the file is
// decoded into, so that it knows the same keys; what only a look at the whole file can tell is left to `truc check`.
func JSONSchema(adapters Adapters) ([]byte, error) {
	w := &schemaWriter{adapters: adapters, says: keyDescriptions(keysFile)}
	root := w.value(reflect.TypeFor[Config](), "")
	root["$schema"] = "http://json-schema.org/draft-07/schema#"
	root["title"] = "truc.yaml"
	out, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write schema: %w", err)
	}
	return append(out, '\n'), nil
}

// keyDescriptions reads the lines of keys.txt.
func keyDescriptions(text string) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(text) {
		path, says, ok := strings.Cut(strings.TrimSpace(line), " = ")
		if ok && !strings.HasPrefix(path, "#") {
			out[path] = says
		}
	}
	return out
}

type schemaWriter struct {
	adapters Adapters
	says     map[string]string
}

type schema = map[string]any

// referenceForm is what stands for a value that comes from outside.
const referenceForm = `^\$\{(env|file):[^}]+\}$`

// form of a value that has one, by path.
func (w *schemaWriter) form(path string) string {
	switch path {
	case "agency", "publish.*.agency":
		return `^[A-Z][0-9]{2}(\.[0-9]{2,3})*$`
	case "registry.url":
		return `^https?://.+/$`
	}
	return ""
}

// required keys, by path.
func (w *schemaWriter) required(path string) []string {
	switch path {
	case "publish.*":
		return []string{"source", "mapping"}
	case "subscribe.*":
		return []string{"agencies", "sink", "mapping"}
	}
	return nil
}

func (w *schemaWriter) value(t reflect.Type, path string) schema {
	s := w.shape(t, path)
	if path == "alerts[]" {
		// Somebody is told: by exactly one way.
		s["oneOf"] = []any{schema{"required": []string{"webhook"}}, schema{"required": []string{"command"}}}
		s["type"] = "object"
	}
	if says := w.says[path]; says != "" {
		s["description"] = says
	}
	return s
}

func (w *schemaWriter) shape(t reflect.Type, path string) schema {
	switch {
	case t == reflect.TypeFor[Source]():
		return w.adapter(w.adapters.Sources, path, schema{
			limitKey: w.value(reflect.TypeFor[Limit](), join(path, limitKey)),
			pauseKey: w.value(reflect.TypeFor[Pause](), join(path, pauseKey)),
		})
	case t == reflect.TypeFor[Sink]():
		return w.adapter(w.adapters.Sinks, path, schema{})
	case t == reflect.TypeFor[TLS]():
		return schema{"anyOf": []any{schema{"type": []string{"boolean", "null"}}, w.object(t, path)}}
	case reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()), t == reflect.TypeFor[time.Duration]():
		return schema{"type": "string"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return w.shape(t.Elem(), path)
	case reflect.Struct:
		return w.object(t, path)
	case reflect.Map:
		return schema{
			"type": []string{"object", "null"}, "additionalProperties": w.value(t.Elem(), join(path, "*")),
			"propertyNames": schema{"pattern": `^[a-z][a-z0-9_]*$`},
		}
	case reflect.Slice:
		list := schema{"type": "array", "items": w.value(t.Elem(), path+"[]")}
		switch path {
		case "bus.kafka.brokers", "subscribe.*.agencies", "alerts[].command":
			list["minItems"] = 1
		case "alerts[].on":
			list["items"] = schema{"anyOf": []any{schema{"enum": AlertEvents()}, schema{"type": "string", "pattern": referenceForm}}}
		}
		return list
	case reflect.Bool:
		return schema{"anyOf": []any{schema{"type": "boolean"}, schema{"type": "string", "pattern": referenceForm}}}
	case reflect.String:
		if path == "bus.kafka.compression" || path == "bus.embedded.compression" {
			return schema{"anyOf": []any{schema{"enum": compressions}, schema{"type": "string", "pattern": referenceForm}}}
		}
		if form := w.form(path); form != "" {
			return schema{"type": "string", "pattern": "(" + form + ")|(" + referenceForm + ")"}
		}
		return schema{"type": []string{"string", "number", "boolean"}} // a text may stand without quotes, whatever YAML takes it for
	default: // numbers
		number := schema{"type": "integer"}
		if t.Kind() == reflect.Float64 || t.Kind() == reflect.Float32 {
			number = schema{"type": "number"}
		}
		return schema{"anyOf": []any{number, schema{"type": "string", "pattern": referenceForm}}}
	}
}

func (w *schemaWriter) object(t reflect.Type, path string) schema {
	var known []string
	fields := map[string]reflect.Value{}
	collect(reflect.New(t).Elem(), fields, &known)
	properties := schema{}
	for _, key := range known {
		properties[key] = w.value(fields[key].Type(), join(path, key))
	}
	s := schema{"type": "object", "properties": properties, "additionalProperties": false}
	if path != "" {
		s["type"] = []string{"object", "null"} // the key alone, with what is inside left out
	}
	if required := w.required(path); required != nil {
		s["required"] = required
		s["type"] = "object"
	}
	return s
}

// adapter is a source or a sink: one adapter's key, with its own configuration below.
func (w *schemaWriter) adapter(configs map[string]any, path string, properties schema) schema {
	var one []any
	for _, name := range sortedNames(configs) {
		t := reflect.TypeOf(configs[name])
		for t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		properties[name] = w.value(t, join(path, name))
		one = append(one, schema{"required": []string{name}})
	}
	return schema{"type": "object", "properties": properties, "additionalProperties": false, "oneOf": one}
}

func sortedNames(m map[string]any) []string {
	var names []string
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}
