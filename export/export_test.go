package export

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	santhosh "github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/lienthong/truc/schemas"
)

// example is a document of a dataset and whether it is valid.
type example struct {
	name     string
	document []byte
	valid    bool
}

// builtinExamples are all examples of a built-in dataset.
func builtinExamples(tb testing.TB, d *schemas.Dataset) []example {
	tb.Helper()
	dir := filepath.Join("..", "schemas", "data", d.Name(), "v"+strings.TrimPrefix(path.Ext(d.ID()), ".v"), "examples")
	names, err := filepath.Glob(filepath.Join(dir, "*", "*.json"))
	if err != nil || len(names) < 2 {
		tb.Fatalf("examples of %s: %d, %v", d.ID(), len(names), err)
	}
	var out []example
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			tb.Fatal(err)
		}
		e := example{name: name, document: text, valid: filepath.Base(filepath.Dir(name)) == "valid"}
		if !e.valid {
			var file struct{ Document json.RawMessage }
			if err := json.Unmarshal(text, &file); err != nil {
				tb.Fatal(err)
			}
			e.document = file.Document
		}
		out = append(out, e)
	}
	return out
}

func builtin(tb testing.TB) *schemas.Set {
	tb.Helper()
	set, err := schemas.Builtin()
	if err != nil {
		tb.Fatal(err)
	}
	return set
}

// odd is a dataset with everything that draft 2020-12 writes otherwise, and with names that meet.
func odd(tb testing.TB) (*schemas.Set, *schemas.Dataset) {
	tb.Helper()
	files := fstest.MapFS{
		"codelists/danhmuc.thu.json": file(`{"id":"danhmuc.thu","version":"2.0.0","title":{"vi":"Thử"},"source":"thử","codes":[{"code":"1","vi":"một"},{"code":"2","vi":"hai"}]}`),
		"types/mot.json": file(`{"$schema":"http://json-schema.org/draft-07/schema#","$id":"https://truc.example/schemas/mot/1.0.0","title":"Một","type":"object","properties":{"sau":{"$ref":"#"}},"additionalProperties":false,
			"definitions":{"ten":{"type":"string","minLength":2},"cay":{"type":"object","properties":{"con":{"type":"array","items":{"$ref":"#/definitions/cay"}},"ten":{"$ref":"../thu.le/1.0.0#/definitions/ten"}},"additionalProperties":false}}}`),
		"thu.le/v1/schema.json": file(`{"$schema":"http://json-schema.org/draft-07/schema#","$id":"https://truc.example/schemas/thu.le/1.0.0","title":"Thử lẻ","x-title-en":"Odd","x-khoa":["so"],"type":"object","required":["so"],
			"properties":{"so":{"type":"string"},"ten":{"$ref":"#/definitions/ten"},"tenHai":{"title":"Tên hai","$ref":"../mot/1.0.0#/definitions/ten"},
				"cay":{"$ref":"../mot/1.0.0#/definitions/cay"},"mot":{"$ref":"../mot/1.0.0"},
				"cap":{"type":"array","items":[{"type":"string"},{"type":"integer"}],"additionalItems":{"type":"boolean"}},
				"dai":{"type":"array","items":{"type":"integer"},"additionalItems":{"type":"boolean"}},
				"ma":{"type":"string","x-danh-muc":"danhmuc.thu"},"maHoacKhong":{"type":["string","null"],"x-danh-muc":"danhmuc.thu","enum":["1","3",null]},"maKhong":{"type":["string","null"],"x-danh-muc":{"id":"danhmuc.thu","version":"2.0.0"}},
				"duLieu":{"enum":[{"items":[{"items":[1]}]}]},"a":{"type":"integer"},"b":{"type":"integer"},"c":{"type":"integer"},
				"tien":{"type":"number"},"mo":{"type":"object","properties":{"co":{"type":"string"}}},"tuDo":{"type":"object"},
				"danhSach":{"type":["array","null"],"items":{"type":["string","null"]}},"canCo":{"type":"object","required":["k"],"properties":{"k":{"type":["string","null"]}},"additionalProperties":false},
				"ho-Ten":{"type":"string"},"hoTen":{"type":"string"}},
			"dependencies":{"a":["b"],"b":{"required":["c"],"properties":{"c":{"minimum":5}}}},
			"additionalProperties":false,"definitions":{"ten":{"type":"string","maxLength":3}}}`),
		"thu.le/v1/examples/valid/tot.json":   file(`{"so":"1","ten":"abc","tenHai":"abcd","cay":{"ten":"a","con":[{"ten":"b"}]},"mot":{"sau":{"sau":{}}},"cap":["x",1,true],"dai":[1,2,3],"ma":"1","maHoacKhong":null,"maKhong":null,"duLieu":{"items":[{"items":[1]}]},"a":1,"b":1,"c":5}`),
		"thu.le/v1/examples/invalid/xau.json": file(`{"about":"quá dài","expect":[{"pointer":"/ten","rule":"maxLength"}],"document":{"so":"1","ten":"abcd"}}`),
	}
	set, err := schemas.Load(fs.FS(files))
	if err != nil {
		tb.Fatal(err)
	}
	d, err := set.Dataset("thu.le.v1")
	if err != nil {
		tb.Fatal(err)
	}
	return set, d
}

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

// modernValidator compiles an export with nothing at hand but the export.
func modernValidator(tb testing.TB, text []byte) *santhosh.Schema {
	tb.Helper()
	v, err := santhosh.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		tb.Fatal(err)
	}
	c := santhosh.NewCompiler()
	c.AssertFormat()
	c.UseLoader(santhosh.SchemeURLLoader{})
	if err := c.AddResource("https://truc.example/export", v); err != nil {
		tb.Fatal(err)
	}
	s, err := c.Compile("https://truc.example/export")
	if err != nil {
		tb.Fatalf("%v\n%s", err, text)
	}
	return s
}

func accepts(tb testing.TB, s *santhosh.Schema, document []byte) bool {
	tb.Helper()
	v, err := santhosh.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		tb.Fatal(err)
	}
	return s.Validate(v) == nil
}

// verdicts are whether a document is valid by the schema alone, and with its code lists.
func verdicts(d *schemas.Dataset, document []byte) (bySchema, withCodes bool) {
	bySchema, withCodes = true, true
	for _, v := range d.Check(document) {
		withCodes = false
		bySchema = bySchema && v.Rule == schemas.RuleCode
	}
	return bySchema, withCodes
}

func compareVerdicts(t *testing.T, set *schemas.Set, d *schemas.Dataset, examples []example) {
	t.Helper()
	for _, lists := range []*schemas.Set{nil, set} {
		text, err := JSONSchema(d, nil, lists)
		if err != nil {
			t.Fatal(err)
		}
		s := modernValidator(t, text)
		for _, e := range examples {
			bySchema, withCodes := verdicts(d, e.document)
			want := bySchema
			if lists != nil {
				want = withCodes
			}
			if got := accepts(t, s, e.document); got != want {
				t.Errorf("%s, codes inline %v: 2020-12 says %v, draft-07 %v", e.name, lists != nil, got, want)
			}
		}
	}
}

func TestJSONSchemaGivesTheSameVerdict(t *testing.T) {
	t.Parallel()
	set := builtin(t)
	for _, d := range set.Datasets() {
		compareVerdicts(t, set, d, builtinExamples(t, d))
	}
}

func TestJSONSchemaOfAnOddOne(t *testing.T) {
	t.Parallel()
	set, d := odd(t)
	var examples []example
	for _, document := range []string{
		`{"so":"1"}`, `{"so":1}`, `{}`, `{"so":"1","ten":"abc"}`, `{"so":"1","ten":"abcd"}`, `{"so":"1","tenHai":"a"}`, `{"so":"1","tenHai":"abcd"}`,
		`{"so":"1","cay":{"con":[{"con":[{"ten":"abc"}]}]}}`, `{"so":"1","cay":{"con":[{"con":[{"ten":"abcd"}]}]}}`, `{"so":"1","mot":{"sau":{"sau":{}}}}`, `{"so":"1","mot":{"sau":{"khac":{}}}}`,
		`{"so":"1","cap":["x",1,true]}`, `{"so":"1","cap":[1]}`, `{"so":"1","cap":["x","y"]}`, `{"so":"1","cap":["x",1,1]}`, `{"so":"1","dai":[1,2]}`, `{"so":"1","dai":[1,true]}`,
		`{"so":"1","ma":"1"}`, `{"so":"1","ma":"9"}`, `{"so":"1","maHoacKhong":null}`, `{"so":"1","maHoacKhong":"3"}`, `{"so":"1","maHoacKhong":"1"}`, `{"so":"1","maHoacKhong":"2"}`, `{"so":"1","maKhong":null}`, `{"so":"1","maKhong":"3"}`,
		`{"so":"1","duLieu":{"items":[{"items":[1]}]}}`, `{"so":"1","duLieu":{"prefixItems":[{"items":[1]}]}}`,
		`{"so":"1","a":1}`, `{"so":"1","b":1}`, `{"so":"1","b":1,"c":4}`, `{"so":"1","b":1,"c":5}`, `{"so":"1","a":1,"b":1,"c":5}`, `{"so":"1","a":1,"c":5}`, `{"so":"1","la":1}`,
	} {
		examples = append(examples, example{name: document, document: []byte(document)})
	}
	compareVerdicts(t, set, d, examples)
	text, err := JSONSchema(d, nil, set)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"$schema": "https://json-schema.org/draft/2020-12/schema"`, `"x-danh-muc-phien-ban": "2.0.0"`, `"thu.le-1.0.0.ten": {`, `"mot-1.0.0.ten": {`, `"cay": {`, `"$id": "https://truc.example/schemas/thu.le/1.0.0/2020-12"`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the export has no %s:\n%s", want, text)
		}
	}
}
