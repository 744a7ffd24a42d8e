package openapi

import (
	"reflect"
	"strings"
	"time"
)

// shapes collects the schemas of Go types, as encoding/json writes their values, by the names of the types.
type shapes struct{ schemas object }

func shapeOf[T any](s *shapes) object { return s.of(reflect.TypeFor[T]()) }

// nullable is a schema that null satisfies too.
func nullable(schema object) object { return object{"anyOf": []any{schema, object{"type": "null"}}} }

func (s *shapes) of(t reflect.Type) object {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case t.Kind() == reflect.Pointer:
		return nullable(s.of(t.Elem()))
	}
	switch t.Kind() {
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return object{"type": "integer"}
	case reflect.Float32, reflect.Float64:
		return object{"type": "number"}
	case reflect.Slice, reflect.Array:
		return nullable(listOf(s.of(t.Elem())))
	case reflect.Map:
		return nullable(object{"type": "object", "additionalProperties": s.of(t.Elem())})
	case reflect.Struct:
		if _, known := s.schemas[t.Name()]; !known {
			s.schemas[t.Name()] = nil // it may hold itself
			properties, required := object{}, []string{}
			s.fields(t, properties, &required)
			s.schemas[t.Name()] = object{"type": "object", "properties": properties, "required": required}
		}
		return reference(t.Name())
	}
	return object{"type": "string"}
}

// fields adds those that encoding/json writes, embedded structs' own among them.
func (s *shapes) fields(t reflect.Type, properties object, required *[]string) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct:
			s.fields(f.Type, properties, required)
			continue
		case !f.IsExported() || name == "-":
			continue
		case name == "":
			name = f.Name
		}
		properties[name] = s.of(f.Type)
		if !strings.Contains(options, "omitempty") && !strings.Contains(options, "omitzero") {
			*required = append(*required, name)
		}
	}
}
