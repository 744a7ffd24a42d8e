package schemas

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"pgregory.net/rapid"
)

// Generators for the differential tests: schemas of the keywords that the fast check covers (and a few that it does
// not), and documents that lean towards them.

var testCodes = &CodeList{ID: "danhmuc.thu", codes: []Code{{Code: "1"}, {Code: "ạ"}}, index: map[string]int{"1": 0, "ạ": 1}}

var (
	propertyNames = []string{"a", "b", "ten", "tên", "a.b", "x/y", "x~y"}
	textValues    = []string{
		"", "a", "ab", "abc", "ạ", "ạạ", "ngay", "1", "01", "123456789012", "12345678901a", "2019-02-28", "2019-02-29", "2024-02-29", "2019-13-01",
		"2019-03-02T10:00:00Z", "2019-03-02T10:00:00+07:00", "2019-03-02", "10:00:00", "a\nb", `q"q`, "\u2028", "😀", "b3b1a8f0-0000-4000-8000-0123456789ab", "\uFFFD",
	}
	numberTexts = []string{"0", "1", "2", "-1", "10", "1.0", "1.5", "-0", "1e0", "1E2", "0.10", "9007199254740993", "9007199254740992", "123456789012345", "1234567890123456", "100000000000000000000", "1e400"}
	patterns    = []string{"^[0-9]{12}$", "^a", "b$", "a|b", "^(a|ab)(c|bcd)?$", "^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$", ".", "^$", "$^", "", "^[^a]*$", `^\pL+$`, "(?i)A", `\b`, "^.{2,3}$", "x*"}
)

func schemaGen(depth int) *rapid.Generator[map[string]any] {
	return rapid.Custom(func(t *rapid.T) map[string]any {
		s := map[string]any{}
		if depth > 0 && rapid.IntRange(0, 9).Draw(t, "ref") == 0 {
			return map[string]any{"$ref": "#/definitions/" + rapid.SampledFrom([]string{"p", "q"}).Draw(t, "target")}
		}
		with := func(name string, oneIn int) bool { return rapid.IntRange(1, oneIn).Draw(t, name) == 1 }
		kinds := rapid.SampledFrom([][]any{nil, {"object"}, {"object"}, {"array"}, {"string"}, {"string"}, {"string", "null"}, {"integer"}, {"number"}, {"boolean"}, {"null"}, {"object", "integer"}}).Draw(t, "types")
		if len(kinds) == 1 {
			s["type"] = kinds[0]
		} else if kinds != nil {
			s["type"] = kinds
		}
		onlyText := len(kinds) > 0 && kinds[0] == "string"
		if onlyText && with("format", 4) {
			s["format"] = rapid.SampledFrom(formatNames).Draw(t, "format name")
		}
		if onlyText && depth < 3 && with("code", 6) {
			s["x-danh-muc"] = "danhmuc.thu"
		}
		if with("pattern", 6) {
			s["pattern"] = rapid.SampledFrom(patterns).Draw(t, "pattern text")
		}
		for _, bound := range []string{"minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum"} {
			if with(bound, 8) {
				s[bound] = rapid.IntRange(0, 3).Draw(t, bound)
			}
		}
		if with("enum", 8) {
			s["enum"] = rapid.SliceOfNDistinct(scalarGen(), 1, 3, sameScalar).Draw(t, "enum values")
		} else if with("const", 12) {
			s["const"] = scalarGen().Draw(t, "const value")
		}
		if depth == 0 {
			return s
		}
		if with("properties", 2) {
			props := map[string]any{}
			for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom(propertyNames), 0, 4, rapid.ID).Draw(t, "names") {
				props[name] = schemaGen(depth-1).Draw(t, name)
			}
			s["properties"] = props
		}
		if with("required", 4) {
			s["required"] = rapid.SliceOfNDistinct(rapid.SampledFrom(propertyNames), 1, 2, rapid.ID).Draw(t, "required names")
		}
		if with("closed", 3) {
			s["additionalProperties"] = rapid.Bool().Draw(t, "open")
		}
		if with("items", 3) {
			s["items"] = schemaGen(depth-1).Draw(t, "items schema")
		}
		for _, name := range []string{"allOf", "anyOf"} {
			if with(name, 8) {
				s[name] = rapid.SliceOfN(schemaGen(depth-1), 1, 2).Draw(t, name)
			}
		}
		if with("uncovered", 40) {
			s["not"] = map[string]any{"type": "null"}
		}
		return s
	})
}

func scalarGen() *rapid.Generator[json.RawMessage] {
	return rapid.Custom(func(t *rapid.T) json.RawMessage {
		switch rapid.IntRange(0, 5).Draw(t, "kind of scalar") {
		case 0, 1, 2:
			raw, _ := json.Marshal(rapid.SampledFrom(textValues).Draw(t, "text"))
			return raw
		case 3, 4:
			return json.RawMessage(rapid.SampledFrom(numberTexts[:len(numberTexts)-1]).Draw(t, "number"))
		}
		return json.RawMessage(rapid.SampledFrom([]string{"true", "false", "null"}).Draw(t, "word"))
	})
}

// sameScalar is equal for values that an enum may not hold both: 1 and 1.0, or numbers that are one float.
func sameScalar(v json.RawMessage) string {
	if f, err := strconv.ParseFloat(string(v), 64); err == nil {
		return strconv.FormatFloat(f+0, 'g', -1, 64)
	}
	return string(v)
}

func rootSchemaGen() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		s := schemaGen(3).Draw(t, "schema")
		if _, isRef := s["$ref"]; isRef {
			s = map[string]any{}
		}
		s["$schema"], s["$id"] = draft07+"#", "https://test.example/thu/1.0.0"
		s["definitions"] = map[string]any{"p": schemaGen(1).Draw(t, "p"), "q": schemaGen(0).Draw(t, "q")}
		raw, err := json.Marshal(s)
		if err != nil {
			panic(err)
		}
		return string(raw)
	})
}

// documentGen makes a document for a schema: mostly what the schema asks for, sometimes something else.
func documentGen(s *schema, depth int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		for range 8 { // follow one branch
			switch {
			case s.target != nil:
				s = s.target
			case len(s.anyOf) > 0 && rapid.Bool().Draw(t, "branch"):
				s = rapid.SampledFrom(s.anyOf).Draw(t, "anyOf branch")
			}
		}
		if rapid.IntRange(0, 11).Draw(t, "stray") == 0 {
			return strayGen().Draw(t, "stray value")
		}
		types := s.types
		if len(types) == 0 {
			types = []string{"object", "array", "string", "number"}
		}
		switch rapid.SampledFrom(types).Draw(t, "type") {
		case "object":
			if depth == 0 {
				return "{}"
			}
			var members []string
			for _, m := range s.properties {
				if rapid.IntRange(0, 4).Draw(t, "with") > 0 {
					members = append(members, quote(m.name)+":"+documentGen(m.schema, depth-1).Draw(t, m.name))
				}
			}
			for _, name := range s.required {
				if rapid.IntRange(0, 4).Draw(t, "with required") > 0 && !strings.Contains(strings.Join(members, ""), quote(name)) {
					members = append(members, quote(name)+":"+strayGen().Draw(t, "value"))
				}
			}
			if rapid.IntRange(0, 5).Draw(t, "extra") == 0 {
				members = append(members, quote(rapid.SampledFrom(propertyNames).Draw(t, "extra name"))+":"+strayGen().Draw(t, "extra value"))
			}
			members = rapid.Permutation(members).Draw(t, "order")
			return "{" + strings.Join(members, ",") + "}"
		case "array":
			n := rapid.IntRange(0, 3).Draw(t, "length")
			items := make([]string, 0, n)
			for range n {
				if s.items == nil || depth == 0 {
					items = append(items, strayGen().Draw(t, "item"))
					continue
				}
				items = append(items, documentGen(s.items, depth-1).Draw(t, "item"))
			}
			return "[" + strings.Join(items, ",") + "]"
		case "string":
			if in := stringsOnly(s.enum); len(in) > 0 && rapid.Bool().Draw(t, "from enum") {
				return quote(rapid.SampledFrom(in).Draw(t, "enum"))
			}
			return quote(rapid.SampledFrom(textValues).Draw(t, "text"))
		case "integer", "number":
			return rapid.SampledFrom(numberTexts).Draw(t, "number")
		case "boolean":
			return "true"
		}
		return "null"
	})
}

// strays are values that no schema asks for, and what is not JSON at all.
var strays = []string{
	`null`, `true`, `0`, `-0`, `1.0`, `1e2`, `""`, `"a"`, `"\u0061"`, `"\ud800"`, "\"\xff\"", `"\n"`, `[]`, `{}`, `{"a":1,"a":2}`, `{"\u0061":1}`,
	`[1,]`, `01`, `1.`, `NaN`, `"`, `tru`, ` 1`, `{"z":{"z":1},"y":[1,"ạ"]}`, "\"\x01\"", `"\x"`, `{"a":1,}`, `{,}`, `[,]`,
}

func strayGen() *rapid.Generator[string] { return rapid.SampledFrom(strays) }

// insertions are what mutations put into documents.
var insertions = []string{"", "a", `"`, `\`, `\n`, ",", "}", "{", "1", "0", "\x80", "\x00", " ", ":", "ạ", `"a":1,`}

// mutateGen changes a few bytes of a document, in ways that stay near JSON.
func mutateGen(doc string) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		for range rapid.IntRange(0, 2).Draw(t, "mutations") {
			if doc == "" {
				break
			}
			at := rapid.IntRange(0, len(doc)-1).Draw(t, "place")
			to := min(len(doc), at+rapid.IntRange(0, 3).Draw(t, "cut"))
			put := rapid.SampledFrom(insertions).Draw(t, "put")
			doc = doc[:at] + put + doc[to:]
		}
		return doc
	})
}

func quote(s string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		panic(fmt.Sprintf("encode text: %v", err))
	}
	return strings.TrimSuffix(b.String(), "\n")
}
