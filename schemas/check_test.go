package schemas

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestCheckNamesPlaceAndRule(t *testing.T) {
	d := mustLoad(t, withProperties(`,"a.b":{"type":"object","properties":{"x/y~z":{"type":"integer","minimum":1,"maximum":3}},"additionalProperties":false,"required":["q"]},
		"ds":{"type":"array","items":{"type":"string","x-danh-muc":"danhmuc.thu"},"uniqueItems":true,"maxItems":3},
		"n":{"type":"number","multipleOf":2,"exclusiveMinimum":0,"exclusiveMaximum":10},
		"o":{"oneOf":[{"type":"string"},{"type":"integer"}]},"no":{"not":{"type":"string"}},
		"if":{"if":{"const":1},"then":false},"dep":{"dependencies":{"p":["r"]}},
		"pn":{"propertyNames":{"maxLength":1}},"mp":{"minProperties":1,"maxProperties":1},
		"c":{"contains":{"const":1}},"t":{"items":[true],"additionalItems":false},"cst":{"const":"c"},"l":{"minLength":2},"never":false,"dt":{"type":"string","format":"date-time"}`, ""))
	tests := []struct {
		doc  string
		want []expectation
	}{
		{`{"k":"1"}`, nil},
		{`{}`, []expectation{{"/k", "required"}}},
		{`{"k":1}`, []expectation{{"/k", "type"}}},
		{`[]`, []expectation{{"", "type"}}},
		{`{"k":"1","a.b":{"x/y~z":4,"w":1}}`, []expectation{{"/a.b/q", "required"}, {"/a.b/w", "additionalProperties"}, {"/a.b/x~1y~0z", "maximum"}}},
		{`{"k":"1","a.b":{"x/y~z":0,"q":1}}`, []expectation{{"/a.b/q", "additionalProperties"}, {"/a.b/x~1y~0z", "minimum"}}},
		{`{"k":"1","ds":["1","2","ạ","1"]}`, []expectation{{"/ds", "maxItems"}, {"/ds", "uniqueItems"}, {"/ds/1", "code"}}},
		{`{"k":"1","n":11}`, []expectation{{"/n", "exclusiveMaximum"}, {"/n", "multipleOf"}}},
		{`{"k":"1","n":-1}`, []expectation{{"/n", "exclusiveMinimum"}, {"/n", "multipleOf"}}},
		{`{"k":"1","o":true}`, []expectation{{"/o", "type"}}},
		{`{"k":"1","no":"x"}`, []expectation{{"/no", "not"}}},
		{`{"k":"1","if":1}`, []expectation{{"/if", "false"}}},
		{`{"k":"1","dep":{"p":1}}`, []expectation{{"/dep/r", "dependencies"}}},
		{`{"k":"1","pn":{"ab":1}}`, []expectation{{"/pn", "maxLength"}, {"/pn/ab", "propertyNames"}}},
		{`{"k":"1","mp":{}}`, []expectation{{"/mp", "minProperties"}}},
		{`{"k":"1","mp":{"a":1,"b":2}}`, []expectation{{"/mp", "maxProperties"}}},
		{`{"k":"1","c":[]}`, []expectation{{"/c", "contains"}}},
		{`{"k":"1","t":[1,2]}`, []expectation{{"/t", "additionalItems"}}},
		{`{"k":"1","cst":"d"}`, []expectation{{"/cst", "const"}}},
		{`{"k":"1","l":"ạ"}`, []expectation{{"/l", "minLength"}}},
		{`{"k":"1","never":1}`, []expectation{{"/never", "false"}}},
		{`{"k":"1","dt":"2019-03-02"}`, []expectation{{"/dt", "format"}}}, // gojsonschema's own date-time takes it
		{`{"k":"1","k":"1"}`, []expectation{{"/k", RuleDuplicateKey}}},
		{`{"k":"1"} {}`, []expectation{{"", RuleJSON}}},
		{`{"k":"1",}`, []expectation{{"", RuleJSON}}},
		{"{\"k\":\"\xff\"}", []expectation{{"", RuleEncoding}}},
		{`{"k":"1","n":1e400}`, []expectation{{"/n", RuleNumber}}},
		{`{"k":"1","n":1e-99999999}`, []expectation{{"/n", RuleNumber}}},
		{`{"k":"1","n":` + strings.Repeat("9", 500) + `}`, []expectation{{"/n", RuleNumber}}},
		{`{"k":"1","z":` + strings.Repeat("[", 70) + strings.Repeat("]", 70) + `}`, []expectation{{"/z" + strings.Repeat("/0", 63), RuleJSON}}},
		{`NaN`, []expectation{{"", RuleJSON}}},
		{``, []expectation{{"", RuleJSON}}},
	}
	for _, tt := range tests {
		vs := d.Check([]byte(tt.doc))
		if diff := cmp.Diff(tt.want, rules(vs)); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", tt.doc, diff)
		}
		for _, v := range vs {
			if _, known := wordings(v.Rule); !known || v.Group == "" || !strings.HasSuffix(v.VI, ".") || !strings.HasSuffix(v.EN, ".") {
				t.Errorf("%s: not worded: %+v", tt.doc, v)
			}
		}
	}
}

func TestViolationIsWordedInBothLanguages(t *testing.T) {
	vs := birth(t).Check(birthExamples(t, "invalid")["gioi-tinh-ho-tich.json"])
	want := []Violation{{
		Pointer: "/nguoiDuocKhaiSinh/gioiTinh", Rule: "code", Group: GroupReference,
		VI: "“Giới tính”: Mã không có trong danh mục (danhmuc.gioitinh).", EN: "“Sex”: The code is not in the code list (danhmuc.gioitinh).",
	}}
	if diff := cmp.Diff(want, vs); diff != "" {
		t.Error(diff)
	}
	got := NewViolation("/ten", RuleEncoding, "tcvn3")
	if got.VI != "Văn bản không đúng bảng mã đã khai báo (tcvn3)." || got.Group != GroupFormat {
		t.Errorf("got %+v", got)
	}
	if v := NewViolation("/x", "ruleOfTomorrow", ""); v.VI == "" || v.Group == "" {
		t.Errorf("a rule without wording: %+v", v)
	}
}

// Whatever is put anywhere into a document, no violation repeats it.
func TestViolationsNeverShowValues(t *testing.T) {
	const secret, number = "BIMAT-0012", "98765432.5"
	d := birth(t)
	full := birthExamples(t, "valid")["day-du.json"]
	tried := 0
	for _, value := range []string{quote(secret), number, `["` + secret + `"]`, `{"giaTri":"` + secret + `"}`, quote(strings.Repeat(secret, 300))} {
		for _, doc := range replaceLeaves(full, value) {
			tried++
			for _, v := range d.Check(doc) {
				if text := v.VI + v.EN + v.Pointer; strings.Contains(text, secret) || strings.Contains(text, "98765432") {
					t.Fatalf("a value is shown: %+v", v)
				}
			}
		}
	}
	if tried < 200 {
		t.Errorf("only %d documents were tried", tried)
	}
}

// replaceLeaves returns the document once for each of its strings, with that string replaced.
func replaceLeaves(doc []byte, value string) [][]byte {
	var out [][]byte
	dec := json.NewDecoder(bytes.NewReader(doc))
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return out
		}
		end := int(dec.InputOffset())
		text, isText := token.(string)
		if !isText || end < len(doc) && doc[end] == ':' {
			continue
		}
		from := end - len(quote(text))
		out = append(out, []byte(string(doc[:from])+value+string(doc[end:])))
	}
}

// A dataset is used by many pipelines at once; run with -race.
func TestDatasetIsSafeForConcurrentUse(t *testing.T) {
	d := birth(t)
	valid, invalid := birthExamples(t, "valid")["day-du.json"], birthExamples(t, "invalid")["moi-ma-la.json"]
	want := len(d.Check(invalid))
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 20 {
				if !d.Accepts(valid) || d.Check(valid) != nil || len(d.Check(invalid)) != want {
					t.Error("another verdict under concurrency")
				}
			}
		})
	}
	group.Wait()
}

// decodeJSON reads what encoding/json reads, or refuses it.
func TestDecodeAgreesWithEncodingJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc := mutateGen(rapid.SampledFrom([]string{`{"a":[1,2.5e3,"x",null,true,{"b":"\u00e1"}]}`, `[[],{},""]`, `{"a":{"a":{"a":1}}}`, `"\ud83d\ude00"`, `-0.1`}).Draw(t, "text")).Draw(t, "mutated")
		got, fault := decodeJSON([]byte(doc), nil)
		if fault != nil {
			return
		}
		dec := json.NewDecoder(strings.NewReader(doc))
		dec.UseNumber()
		var want any
		if err := dec.Decode(&want); err != nil {
			t.Fatalf("%q: accepted, encoding/json says %v", doc, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%q: %s", doc, diff)
		}
	})
}
