package schemas

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/xeipuuv/gojsonschema"
)

// Check is the authority on a document: gojsonschema as draft-07, and membership of codes in their lists. It returns
// what is wrong, by place; nil means valid. The text must be JSON in UTF-8 without repeated members.
func (d *Dataset) Check(doc []byte) []Violation {
	value, fault := decodeJSON(doc, nil)
	if fault != nil {
		return []Violation{fault.violation()}
	}
	var result *gojsonschema.Result
	validator, err := d.validator()
	if err == nil {
		result, err = validator.Validate(gojsonschema.NewRawLoader(value))
	}
	if err != nil {
		return []Violation{NewViolation("", RuleJSON, "")}
	}
	var violations []Violation
	for _, e := range result.Errors() {
		if v, ok := violationOf(e); ok {
			violations = append(violations, v)
		}
	}
	violations = checkCodes(d.file.root, value, "", violations)
	if len(violations) == 0 && !result.Valid() {
		violations = []Violation{NewViolation("", "allOf", "")} // never silent, whatever the errors were
	}
	return d.word(violations)
}

// word sorts violations by place, drops repetitions and branch failures that a deeper violation explains, and
// names the property each is about.
func (d *Dataset) word(vs []Violation) []Violation {
	slices.SortStableFunc(vs, func(a, b Violation) int {
		if c := strings.Compare(a.Pointer, b.Pointer); c != 0 {
			return c
		}
		return strings.Compare(a.Rule, b.Rule)
	})
	var out []Violation
	for i, v := range vs {
		if i > 0 && v.Pointer == vs[i-1].Pointer && v.Rule == vs[i-1].Rule {
			continue
		}
		if v.Group == GroupContradiction && slices.ContainsFunc(vs, func(o Violation) bool { return explains(o, v) }) {
			continue
		}
		if n := d.root.atPointer(v.Pointer); n != nil {
			v = v.Named(func(lang string) string { return n.Title[lang] })
		}
		out = append(out, v)
	}
	return out
}

// explains says that a violation tells precisely what the failure of branches at b says vaguely.
func explains(a, b Violation) bool {
	return strings.HasPrefix(a.Pointer, b.Pointer+"/") || a.Pointer == b.Pointer && a.Group != GroupContradiction
}

// checkCodes walks a document along the schema and checks every code against its list.
func checkCodes(s *schema, value any, pointer string, vs []Violation) []Violation {
	if s.list != nil {
		if code, ok := value.(string); ok && !s.list.Has(code) {
			vs = append(vs, NewViolation(pointer, RuleCode, s.list.ID))
		}
	}
	if s.target != nil {
		vs = checkCodes(s.target, value, pointer, vs)
	}
	for _, branch := range s.allOf {
		vs = checkCodes(branch, value, pointer, vs)
	}
	switch v := value.(type) {
	case map[string]any:
		for _, m := range s.properties {
			if inner, ok := v[m.name]; ok {
				vs = checkCodes(m.schema, inner, appendPointer(pointer, m.name), vs)
			}
		}
	case []any:
		if s.items == nil {
			break
		}
		for i, inner := range v {
			vs = checkCodes(s.items, inner, pointer+"/"+strconv.Itoa(i), vs)
		}
	}
	return vs
}

// violationOf translates an error of gojsonschema. Its description is never used: it is English, and may hold values.
func violationOf(e gojsonschema.ResultError) (Violation, bool) {
	details := e.Details()
	var rule, property, limit string
	switch e.Type() {
	case "required":
		rule, property = "required", detail(details["property"])
	case "additional_property_not_allowed":
		rule, property = "additionalProperties", detail(details["property"])
	case "invalid_property_name":
		rule, property = "propertyNames", detail(details["property"])
	case "missing_dependency":
		rule, property = "dependencies", detail(details["dependency"])
	case "invalid_type":
		rule, limit = "type", detail(details["expected"])
	case "format":
		rule, limit = "format", detail(details["format"])
	case "pattern":
		rule, limit = "pattern", detail(details["pattern"])
	case "const":
		rule, limit = "const", detail(details["allowed"])
	case "enum":
		rule, limit = "enum", detail(details["allowed"])
	case "string_gte":
		rule, limit = "minLength", detail(details["min"])
	case "string_lte":
		rule, limit = "maxLength", detail(details["max"])
	case "number_gte":
		rule, limit = "minimum", detail(details["min"])
	case "number_gt":
		rule, limit = "exclusiveMinimum", detail(details["min"])
	case "number_lte":
		rule, limit = "maximum", detail(details["max"])
	case "number_lt":
		rule, limit = "exclusiveMaximum", detail(details["max"])
	case "multiple_of":
		rule, limit = "multipleOf", detail(details["multiple"])
	case "array_min_items":
		rule, limit = "minItems", detail(details["min"])
	case "array_max_items":
		rule, limit = "maxItems", detail(details["max"])
	case "array_min_properties":
		rule, limit = "minProperties", detail(details["min"])
	case "array_max_properties":
		rule, limit = "maxProperties", detail(details["max"])
	case "array_no_additional_items":
		rule = "additionalItems"
	case "unique":
		rule = "uniqueItems"
	case "contains":
		rule = "contains"
	case "number_any_of":
		rule = "anyOf"
	case "number_one_of":
		rule = "oneOf"
	case "number_all_of":
		return Violation{}, false // its branches report what failed
	case "number_not":
		rule = "not"
	case "condition_then":
		rule = "then"
	case "condition_else":
		rule = "else"
	case "false":
		rule = "false"
	default:
		rule = e.Type()
	}
	pointer := pointerOf(e.Context())
	if property != "" || rule == "required" || rule == "additionalProperties" {
		pointer = appendPointer(pointer, property)
	}
	return NewViolation(pointer, rule, limit), true
}

// contextSeparator joins the names of a gojsonschema context: a byte that no decoded JSON string can hold, where its
// default, a dot, may stand in a property name.
const contextSeparator = "\xff"

func pointerOf(c *gojsonschema.JsonContext) string {
	pointer := ""
	for _, token := range strings.Split(c.String(contextSeparator), contextSeparator)[1:] { // [0] is the root's own name
		pointer = appendPointer(pointer, token)
	}
	return pointer
}

// detail prints a detail of an error, which stems from the schema, or for a property name from the document.
func detail(v any) string {
	switch t := v.(type) {
	case nil:
		return ""
	case string:
		return t
	case json.Number:
		return t.String()
	}
	return fmt.Sprint(v)
}
