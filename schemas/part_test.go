package schemas

import (
	"encoding/json"
	"testing"

	santhosh "github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"
)

// write writes a value as a mapping does, proving it by its parts where they are open, and reports whether all was proven.
func write(dst []byte, v any, part *Part) (out []byte, proven bool) {
	start := len(dst)
	switch v := v.(type) {
	case string:
		dst = append(dst, quote(v)...)
		return dst, part.Text([]byte(v))
	case map[string]any:
		if texts, ok := members(v); ok && len(v) > 0 && len(v)%2 == 0 { // the others by their properties
			last := part.Given(texts[0].Name, texts[1:]...)
			return marshalled(dst, v), last != nil && last.Text(texts[0].Content)
		}
		if !part.Open() {
			break
		}
		dst, proven = append(dst, '{'), true
		var seen uint64
		for i, name := range keys(v) {
			inner, bit := part.Property(name)
			if inner == nil {
				return marshalled(dst[:start], v), part.Value(marshalled(nil, v))
			}
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(append(dst, quote(name)...), ':')
			var ok bool
			dst, ok = write(dst, v[name], inner)
			proven = proven && ok
			seen |= bit
		}
		return append(dst, '}'), proven && seen&part.Required() == part.Required()
	case []any:
		if !part.OpenList() {
			break
		}
		dst, proven = append(dst, '['), part.Length(len(v))
		for i, element := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			var ok bool
			dst, ok = write(dst, element, part.Items())
			proven = proven && ok
		}
		return append(dst, ']'), proven
	}
	dst = marshalled(dst, v)
	return dst, part.Value(dst[start:])
}

// members are the properties of an object of strings.
func members(v map[string]any) (all []Member, ok bool) {
	for _, name := range keys(v) {
		text, ok := v[name].(string)
		if !ok {
			return nil, false
		}
		all = append(all, Member{name, []byte(text)})
	}
	return all, true
}

func marshalled(dst []byte, v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return append(dst, raw...)
}

// requireSoundParts is requireSound of the document as it is written value by value.
func requireSoundParts(t interface {
	Helper()
	Fatalf(string, ...any)
}, d *Dataset, second *santhosh.Schema, doc []byte,
) (accepted bool) {
	t.Helper()
	v, fault := decodeJSON(doc, nil)
	if fault != nil || d.Part() == nil {
		return false
	}
	written, proven := write(nil, v, d.Part())
	if !proven {
		return false
	}
	if vs := d.Check(written); vs != nil {
		t.Fatalf("proven by its parts, but %v\ndocument %q\nschema %s", vs, written, d.Raw())
	}
	if second != nil {
		if err := second.Validate(v); err != nil {
			t.Fatalf("proven by its parts, but santhosh says %v\ndocument %q\nschema %s", err, written, d.Raw())
		}
	}
	return true
}

// What the check of a part refuses although its bytes alone look right.
func TestPartsLeaveOdditiesToCheck(t *testing.T) {
	d := mustLoad(t, withProperties(`,"a":{"type":"object","required":["x"],"properties":{"x":{"type":"string","maxLength":2},"y":{"type":"integer"}},"additionalProperties":false},"b":{"anyOf":[{"type":"object","properties":{"x":{"type":"string"}}},{"type":"string","allOf":[{"minLength":2}]}]},"e":{"type":"object","properties":{"x":{},"y":{}},"allOf":[{"required":["x"]}],"anyOf":[{"required":["y"]},{"required":["x"]}]},"l":{"type":"array","minItems":1,"maxItems":2,"items":{"type":"string","maxLength":1}},"m":{"type":"array","anyOf":[{"maxItems":1}]},"n":{"type":"object","properties":{"a":{"type":"string"}},"anyOf":[{"properties":{"a":{"const":"1"}}}]}`, ""))
	for _, doc := range []string{`{"k":"1"}`, `{"k":"1","a":{"x":"ạạ"}}`, `{"k":"1","a":{"x":"\"\n","y":1}}`, `{"k":"1","b":"ab"}`, `{"k":"1","b":{"x":"1"}}`, `{"k":"1","c":2}`, `{"k":"1","e":{"x":1}}`, `{"k":"1","l":["a","ạ"]}`, `{"k":"1","m":[1]}`, `{"k":"1","n":{"a":"1","b":"2"}}`, `{"k":"1","e":{"x":"1","y":"2"}}`} {
		if !requireSoundParts(t, d, nil, []byte(doc)) {
			t.Errorf("not proven: %s", doc)
		}
	}
	for _, doc := range []string{`{}`, `{"k":"1","a":{}}`, `{"k":"1","a":{"y":1}}`, `{"k":"1","a":{"x":"abc"}}`, `{"k":"1","a":{"x":"a","z":1}}`, `{"k":"1","a":{"x":"a","y":1.5}}`, `{"k":"1","b":"a"}`, `{"k":"1","e":{"y":1}}`, `{"k":"1","e":{}}`, `{"k":"1","l":[]}`, `{"k":"1","l":["a","b","c"]}`, `{"k":"1","l":["ab"]}`, `{"k":"1","l":[1]}`, `{"k":"1","m":[1,2]}`, `{"k":"1","n":{"a":"2","b":"2"}}`, `{"k":"1","e":{"y":"1","w":"1"}}`, `{"k":"1","a":{"x":"a","z":"a"}}`, `{"k":"1","a":{"y":"a","x":"a"}}`, `{"k":["1"]}`, `{"k":"1","b":1}`, `{"k":1}`} {
		if requireSoundParts(t, d, nil, []byte(doc)) {
			t.Errorf("proven: %s", doc)
		}
	}
	if slow := mustLoad(t, withProperties(`,"a":{"not":{}}`, "")); slow.Part() != nil {
		t.Error("a schema that is not covered has parts")
	}
}

func TestPartsAreSoundOnBirths(t *testing.T) {
	d := birth(t)
	for name, doc := range birthExamples(t, "valid") {
		if !requireSoundParts(t, d, nil, doc) {
			t.Errorf("%s: not proven", name)
		}
	}
	full := birthExamples(t, "valid")["day-du.json"]
	rapid.Check(t, func(t *rapid.T) {
		var doc any
		if err := json.Unmarshal(full, &doc); err != nil {
			t.Fatalf("%v", err)
		}
		for range 20 {
			changeOne(t, doc)
			requireSoundParts(t, d, nil, marshalled(nil, doc))
		}
	})
}
