package schemas

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/lienthong/truc/problem"
)

// Each schema here must be refused, quickly, with this code at this place, and with a fix. Several of them kill the
// process when they reach gojsonschema.
func TestGateRefuses(t *testing.T) {
	definitions := func(d string) string { return `,"definitions":{` + d + `}` }
	doubling := func(keyword string, n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `"d%d":{"%s":[{"$ref":"#/definitions/d%d"},{"$ref":"#/definitions/d%d"}]},`, i, keyword, i+1, i+1)
		}
		fmt.Fprintf(&b, `"d%d":{}`, n)
		return b.String()
	}
	doublingInside := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `"d%d":{"properties":{"x":{"allOf":[{"$ref":"#/definitions/d%d"},{"$ref":"#/definitions/d%d"}]}}},`, i, i+1, i+1)
		}
		fmt.Fprintf(&b, `"d%d":{}`, n)
		return b.String()
	}
	tests := []struct {
		name, schema, code, place string
	}{
		{"2020-12", strings.Replace(withProperties("", ""), "http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft/2020-12/schema", 1), "schema.draft", "#/$schema"},
		{"no draft", `{"$id":"https://test.example/thu/1.0.0"}`, "schema.draft", "#/$schema"},
		{"not JSON", `{"$schema":`, "schema.json", "#"},
		{"repeated member", `{"type":"object","type":"string"}`, "schema.json", "#/type"},
		{"not UTF-8", "{\"title\":\"\xff\"}", "schema.json", "#"},
		{"an array", `[]`, "schema.not-object", ""},
		{"larger than 1 MiB", withProperties("", `,"title":"`+strings.Repeat("a", 1<<20)+`"`), "schema.too-large", ""},
		{"deeper than 64", withProperties("", `,"default":`+strings.Repeat("[", 70)+strings.Repeat("]", 70)), "schema.json", "#/default/0"},
		{"many subschemas", withProperties(manyProperties(5001), ""), "schema.too-large", "#/properties/"},
		{"no $id", strings.Replace(withProperties("", ""), "$id", "x-id", 1), "schema.id", "#/$id"},
		{"$id of another dataset", strings.Replace(withProperties("", ""), "/thu/", "/khac/", 1), "schema.id", "#/$id"},
		{"$id of another major", strings.Replace(withProperties("", ""), "1.0.0", "2.0.0", 1), "schema.id", "#/$id"},
		{"nested $id", withProperties(`,"a":{"$id":"https://test.example/x"}`, ""), "schema.nested-id", "#/properties/a/$id"},
		{"nested definitions", withProperties(`,"a":{"definitions":{}}`, ""), "schema.nested-definitions", "#/properties/a/definitions"},
		{"unknown keyword", withProperties(`,"a":{"maxlength":3}`, ""), "schema.unknown-keyword", "#/properties/a/maxlength"},
		{"2019-09 keyword", withProperties("", `,"unevaluatedProperties":false`), "schema.unknown-keyword", "#/unevaluatedProperties"},
		{"unknown format", withProperties(`,"a":{"type":"string","format":"dat"}`, ""), "schema.unknown-format", "#/properties/a/format"},
		{"format without type", withProperties(`,"a":{"format":"date"}`, ""), "schema.format-type", "#/properties/a/format"},
		{"format beside number", withProperties(`,"a":{"type":["string","number"],"format":"date"}`, ""), "schema.format-type", "#/properties/a/format"},
		{"keyword of the wrong type", withProperties(`,"a":{"maxLength":"3"}`, ""), "schema.meta-schema", "#/properties/a/maxLength"},
		{"unknown type", withProperties(`,"a":{"type":"text"}`, ""), "schema.meta-schema", "#/properties/a/type"},
		{"empty enum", withProperties(`,"a":{"enum":[]}`, ""), "schema.meta-schema", "#/properties/a/enum"},
		{"bound as decimal", withProperties(`,"a":{"maxLength":2.0}`, ""), "schema.bound", "#/properties/a/maxLength"},
		{"bound of properties as decimal", withProperties("", `,"maxProperties":2.0`), "schema.bound", "#/maxProperties"},
		{"bounds exchanged", withProperties(`,"a":{"minLength":3,"maxLength":2}`, ""), "schema.bound", "#/properties/a/minLength"},
		{"pattern that is none", withProperties(`,"a":{"pattern":"("}`, ""), "schema.pattern", "#/properties/a/pattern"},
		{"look-ahead", withProperties(`,"a":{"pattern":"(?=a)"}`, ""), "schema.pattern", "#/properties/a/pattern"},
		{"long pattern", withProperties(`,"a":{"pattern":"`+strings.Repeat("a", 513)+`"}`, ""), "schema.pattern", "#/properties/a/pattern"},
		{"exploding pattern", withProperties(`,"a":{"pattern":"((a{30}){30}){30}"}`, ""), "schema.pattern", "#/properties/a/pattern"},
		{"exploding class", withProperties(`,"a":{"pattern":"(\\pL{100}){9}"}`, ""), "schema.pattern", "#/properties/a/pattern"},
		{"exploding property pattern", withProperties(`,"a":{"patternProperties":{"(a{100}){100}":true}}`, ""), "schema.pattern", "#/properties/a/patternProperties/(a{100}){100}"},
		{"$ref sibling", withProperties(`,"a":{"$ref":"#/definitions/b","maxLength":3}`, definitions(`"b":{}`)), "schema.ref-sibling", "#/properties/a/maxLength"},
		{"$ref beside a code list", withProperties(`,"a":{"$ref":"#/definitions/b","x-danh-muc":"danhmuc.thu"}`, definitions(`"b":{"type":"string"}`)), "schema.ref-sibling", "#/properties/a/x-danh-muc"},
		{"$ref to itself", withProperties(`,"a":{"$ref":"#/definitions/b"}`, definitions(`"b":{"$ref":"#/definitions/b"}`)), "schema.endless", "#/definitions/b"},
		{"$ref to the root", withProperties("", `,"allOf":[{"$ref":"#"}]`), "schema.endless", "#"},
		{"$ref circle of three", withProperties(`,"a":{"$ref":"#/definitions/b"}`, definitions(`"b":{"anyOf":[{"$ref":"#/definitions/c"}]},"c":{"not":{"$ref":"#/definitions/d"}},"d":{"if":{"$ref":"#/definitions/b"}}`)), "schema.endless", "#/definitions/b"},
		{"circle through dependencies", withProperties(`,"a":{"$ref":"#/definitions/b"}`, definitions(`"b":{"dependencies":{"x":{"$ref":"#/definitions/b"}}}`)), "schema.endless", "#/definitions/b"},
		{"doubling definitions", withProperties(`,"a":{"$ref":"#/definitions/d0"}`, definitions(doubling("oneOf", 30))), "schema.expansion", ""},
		{"doubling properties", withProperties(`,"a":{"$ref":"#/definitions/d0"}`, definitions(doublingInside(20))), "schema.expansion", ""},
		{"recursion through two branches", withProperties(`,"a":{"$ref":"#/definitions/b"}`, definitions(`"b":{"anyOf":[{"properties":{"x":{"$ref":"#/definitions/b"}}},{"properties":{"x":{"$ref":"#/definitions/b"}}}]}`)), "schema.expansion", "#/definitions/b"},
		{"recursion through items and contains", withProperties(`,"a":{"$ref":"#/definitions/b"}`, definitions(`"b":{"items":{"$ref":"#/definitions/b"},"contains":{"$ref":"#/definitions/b"}}`)), "schema.expansion", "#/definitions/b"},
		{"$ref to a missing definition", withProperties(`,"a":{"$ref":"#/definitions/b"}`, ""), "schema.ref", "#/properties/a/$ref"},
		{"$ref into a property", withProperties(`,"a":{"$ref":"#/properties/k"}`, ""), "schema.ref", "#/properties/a/$ref"},
		{"$ref out of the set", withProperties(`,"a":{"$ref":"https://elsewhere.example/x.json"}`, ""), "schema.ref", "#/properties/a/$ref"},
		{"$ref to a file", withProperties(`,"a":{"$ref":"file:///etc/passwd"}`, ""), "schema.ref", "#/properties/a/$ref"},
		{"unknown code list", withProperties(`,"a":{"type":"string","x-danh-muc":"danhmuc.thi"}`, ""), "schema.unknown-code-list", "#/properties/a/x-danh-muc"},
		{"code without type", withProperties(`,"a":{"x-danh-muc":"danhmuc.thu"}`, ""), "schema.code-type", "#/properties/a/x-danh-muc"},
		{"code under not", withProperties(`,"a":{"not":{"type":"string","x-danh-muc":"danhmuc.thu"}}`, ""), "schema.code-place", "#/properties/a/not/x-danh-muc"},
		{"code under anyOf by $ref", withProperties(`,"a":{"anyOf":[{"$ref":"#/definitions/b"}]}`, definitions(`"b":{"type":"string","x-danh-muc":"danhmuc.thu"}`)), "schema.code-place", "#/definitions/b/x-danh-muc"},
		{"unknown data class", withProperties(`,"a":{"x-phan-loai":"mat"}`, ""), "schema.class", "#/properties/a/x-phan-loai"},
		{"English title that is no text", withProperties(`,"a":{"x-title-en":3}`, ""), "schema.extension", "#/properties/a/x-title-en"},
		{"no key", strings.Replace(withProperties("", ""), `"x-khoa":["k"],`, "", 1), "schema.key", "#/x-khoa"},
		{"key that does not exist", strings.Replace(withProperties("", ""), `["k"]`, `["k","z.y"]`, 1), "schema.key", "#/x-khoa/1"},
		{"key that is not required", strings.Replace(withProperties(`,"a":{"type":"string"}`, ""), `["k"]`, `["a"]`, 1), "schema.key", "#/x-khoa/0"},
		{"key that is an object", strings.Replace(withProperties("", ""), `"k":{"type":"string"}`, `"k":{}`, 1), "schema.key", "#/x-khoa/0"},
		{"example against the schema", withProperties("", `,"maxProperties":0`), "schema.example", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			start := time.Now()
			_, err := loadSchema(tt.schema)
			if took := time.Since(start); took > 2*time.Second {
				t.Errorf("refusal took %v", took)
			}
			var list problem.List
			if !errors.As(err, &list) {
				t.Fatalf("got %v, want a problem.List", err)
			}
			p := list[0]
			if p.Code != tt.code || !strings.Contains(p.Where, tt.place) || p.What.EN == "" || p.Fix.EN == "" {
				t.Errorf("got %s at %s (fix %q), want %s at %s; all: %v", p.Code, p.Where, p.Fix, tt.code, tt.place, list)
			}
			for _, raw := range []string{"jsonschema", "santhosh", "regexp:", "error parsing"} {
				if strings.Contains(p.What.EN, raw) {
					t.Errorf("a validator's words are shown: %q", p.What)
				}
			}
		})
	}
}

func manyProperties(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"p%d":true`, i)
	}
	return b.String()
}

func TestGateReportsEverythingAtOnce(t *testing.T) {
	_, err := loadSchema(withProperties(`,"a":{"format":"dat"},"b":{"maxlenght":1},"c":{"minLength":"x"}`, ""))
	want := "schema.unknown-format schema.format-type schema.unknown-keyword schema.meta-schema"
	if got := codes(err); got != want {
		t.Errorf("got %s, want %s: %v", got, want, err)
	}
	if !strings.Contains(err.Error(), `did you mean "maxLength"`) {
		t.Errorf("no suggestion for the mistyped keyword in: %v", err)
	}
}

// Ordinary recursion, through one property or items, is allowed and works in all three checks.
func TestGateAllowsTrees(t *testing.T) {
	d := mustLoad(t, withProperties(`,"con":{"type":"array","items":{"$ref":"#/definitions/nut"}}`,
		`,"definitions":{"nut":{"type":"object","properties":{"ten":{"type":"string","maxLength":2},"trai":{"$ref":"#/definitions/nut"},"phai":{"$ref":"#/definitions/nut"}},"additionalProperties":false}}`))
	good, bad := `{"k":"1","con":[{"ten":"a","trai":{"phai":{"ten":"b"}}}]}`, `{"k":"1","con":[{"ten":"a","trai":{"phai":{"ten":"bbb"}}}]}`
	if !d.Accepts([]byte(good)) || d.Check([]byte(good)) != nil {
		t.Errorf("refused %s: %v", good, d.Check([]byte(good)))
	}
	if vs := d.Check([]byte(bad)); d.Accepts([]byte(bad)) || len(vs) != 1 || vs[0].Pointer != "/con/0/trai/phai/ten" {
		t.Errorf("got %v for %s", vs, bad)
	}
	if n := d.Root().Property("con").Node.Items; n.At("trai.phai.trai.ten") == nil {
		t.Error("the typed tree does not follow recursion")
	}
}

// Nothing is fetched, neither by our own resolution nor, should that fail, by the validators.
func TestNothingIsFetched(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		_, _ = w.Write([]byte(`{}`))
	}))
	defer server.Close()
	schema := withProperties(`,"a":{"$ref":"`+server.URL+`/x.json"}`, "")
	if _, err := loadSchema(schema); codes(err) != "schema.ref" {
		t.Errorf("got %v, want schema.ref", err)
	}
	f, ps := parseSchema("test.json", []byte(schema), false)
	if ps.Err() != nil {
		t.Fatal(ps)
	}
	if _, err := f.compileSanthosh(); !strings.Contains(fmt.Sprint(err), errOutsideSet.Error()) {
		t.Errorf("santhosh: %v", err)
	}
	if _, err := f.compileGoJSONSchema(); !errors.Is(err, errOutsideSet) {
		t.Errorf("gojsonschema: %v", err)
	}
	if ps := newDataset(f).compile(); codes(ps) != "schema.compile" {
		t.Errorf("a $ref out of the set was compiled: %v", ps)
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

func TestExamplesAreExecuted(t *testing.T) {
	tests := []struct{ name, file, text, want string }{
		{"valid one that is not", "thu/v1/examples/valid/a.json", `{"k":1}`, `has the violations type at "/k"`},
		{"invalid one that is valid", "thu/v1/examples/invalid/b.json", `{"expect":[{"pointer":"/k","rule":"type"}],"document":{"k":"1"}}`, "has the violations none"},
		{"another violation", "thu/v1/examples/invalid/b.json", `{"expect":[{"pointer":"/k","rule":"type"}],"document":{}}`, `required at "/k"`},
		{"no expectation", "thu/v1/examples/invalid/b.json", `{"document":{}}`, "not of the form"},
		{"unknown member", "thu/v1/examples/invalid/b.json", `{"expects":[],"document":{}}`, "not of the form"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fsys := datasetFS(withProperties("", ""))
			fsys[tt.file] = &fstest.MapFile{Data: []byte(tt.text)}
			_, err := loadFS(fsys)
			if codes(err) != "schema.example" || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), tt.file) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	t.Run("missing", func(t *testing.T) {
		fsys := datasetFS(withProperties("", ""))
		delete(fsys, "thu/v1/examples/valid/a.json")
		if _, err := loadFS(fsys); codes(err) != "schema.example" {
			t.Errorf("got %v", err)
		}
	})
	// gojsonschema compares numbers as floats, santhosh exactly: subscribers would read the standard differently.
	t.Run("validators disagree", func(t *testing.T) {
		fsys := datasetFS(withProperties(`,"n":{"const":9007199254740993}`, ""))
		fsys["thu/v1/examples/valid/a.json"] = &fstest.MapFile{Data: []byte(`{"k":"1","n":9007199254740992}`)}
		if _, err := loadFS(fsys); codes(err) != "schema.example" || !strings.Contains(err.Error(), "disagree") {
			t.Errorf("got %v", err)
		}
	})
}

func TestSetIsClosed(t *testing.T) {
	one := datasetFS(withProperties("", ""))
	if _, err := loadAll(one, one); codes(err) != "schema.twice schema.twice" {
		t.Errorf("two directories with the same things: %v", err)
	}
	misplaced := fstest.MapFS{"Thu/v1/schema.json": {Data: []byte(withProperties("", ""))}}
	if _, err := loadAll(misplaced); codes(err) != "schema.place" {
		t.Errorf("a dataset name with a capital: %v", err)
	}
	set, err := Load(one)
	if err != nil {
		t.Fatal(err)
	}
	if got := len(set.Datasets()); got != len(builtin(t).Datasets())+1 {
		t.Errorf("%d datasets in a set with one more", got)
	}
	// A schema of a further directory may refer to the built-in types.
	with := datasetFS(withProperties(`,"a":{"$ref":"https://github.com/lienthong/truc/schemas/kieu/1.0.0#/definitions/soDinhDanh"}`, ""))
	set, err = Load(with)
	if err != nil {
		t.Fatal(err)
	}
	d, err := set.Dataset("thu.v1")
	if err != nil {
		t.Fatal(err)
	}
	if vs := d.Check([]byte(`{"k":"1","a":"12"}`)); len(vs) != 1 || vs[0].Rule != "pattern" {
		t.Errorf("got %v, want the shared pattern to fail", vs)
	}
}

func TestCodeListFiles(t *testing.T) {
	tests := map[string]string{
		`{"id":"danhmuc.a","version":"1","source":"s","codes":[{"code":"1","vi":"một"}]}`:                             "#/version",
		`{"id":"danhmuc.a","version":"1.0.0","codes":[{"code":"1","vi":"một"}]}`:                                      "#/source",
		`{"id":"danhmuc.a","version":"1.0.0","source":"s","codes":[]}`:                                                "#/codes",
		`{"id":"danhmuc.a","version":"1.0.0","source":"s","codes":[{"code":"1","vi":"một"},{"code":"1","vi":"hai"}]}`: "#/codes/1/code",
		`{"id":"danhmuc.a","version":"1.0.0","source":"s","codes":[{"code":1,"vi":"một"}]}`:                           "danhmuc.a.json",
		`{"id":"danhmuc.a","version":"1.0.0","source":"s","codes":[{"code":"1","vi":"một","name":"x"}]}`:              "danhmuc.a.json",
		`{"id":"Danh mục","version":"1.0.0","source":"s","codes":[{"code":"1","vi":"một"}]}`:                          "#/id",
		`{"id":"danhmuc.a","version":"1.0.0","source":"s","codes":[{"code":"1","vi":""}]}`:                            "#/codes/0",
		`{"id":"danhmuc.a","id":"danhmuc.b","version":"1.0.0","source":"s","codes":[{"code":"1","vi":"một"}]}`:        "#/id",
	}
	for text, place := range tests {
		_, err := loadAll(fstest.MapFS{"codelists/danhmuc.a.json": {Data: []byte(text)}})
		var list problem.List
		if !errors.As(err, &list) || !strings.Contains(list[0].Where, place) || list[0].Fix.EN == "" {
			t.Errorf("%s: got %v, want a problem at %s", text, err, place)
		}
	}
}
