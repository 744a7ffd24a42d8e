package schemas

import (
	"encoding/json"
	"strings"
	"testing"

	santhosh "github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"
)

// requireSound is the promise of the fast check: what it accepts the authority accepts, and so does any other validator.
func requireSound(t interface {
	Helper()
	Fatalf(string, ...any)
}, d *Dataset, second *santhosh.Schema, doc []byte,
) (accepted bool) {
	t.Helper()
	accepted = d.Accepts(doc)
	if !accepted {
		return false
	}
	if vs := d.Check(doc); vs != nil {
		t.Fatalf("accepted, but %v\ndocument %q\nschema %s", vs, doc, d.Raw())
	}
	if second != nil {
		v, fault := decodeJSON(doc, nil)
		if fault != nil {
			t.Fatalf("accepted, but not JSON: %q", doc)
		}
		if err := second.Validate(v); err != nil {
			t.Fatalf("accepted, but santhosh says %v\ndocument %q\nschema %s", err, doc, d.Raw())
		}
	}
	return true
}

// The fast check is sound on generated schemas and documents, and it is not trivially so.
func TestAcceptsIsSoundOnGeneratedSchemas(t *testing.T) {
	var schemas, fast, documents, valid, accepted, byParts int
	rapid.Check(t, func(t *rapid.T) {
		schema := rootSchemaGen().Draw(t, "schema")
		d, second, ps := compileOnly(schema, testCodes)
		if d == nil {
			for _, p := range ps {
				if p.Code == "schema.compile" || p.Code == "schema.meta-schema" {
					t.Fatalf("a validator refuses what the gate lets through: %v\n%s", p, schema)
				}
			}
			return
		}
		schemas++
		if ok, _ := d.Fast(); ok {
			fast++
		}
		for range 12 {
			doc := mutateGen(documentGen(d.file.root, 4).Draw(t, "document")).Draw(t, "mutated")
			documents++
			if d.Check([]byte(doc)) == nil {
				valid++
			}
			if requireSound(t, d, second, []byte(doc)) {
				accepted++
			}
			if requireSoundParts(t, d, second, []byte(doc)) {
				byParts++
			}
		}
	})
	t.Logf("%d schemas, %d fast; %d documents, %d valid, %d accepted, %d accepted by their parts", schemas, fast, documents, valid, accepted, byParts)
	if fast*3 < schemas || accepted*4 < valid || byParts*4 < valid {
		t.Errorf("the generators prove too little")
	}
}

// Documents of the built-in dataset, mutated, with every property exchanged for every kind of value.
func TestAcceptsIsSoundOnBirths(t *testing.T) {
	d := birth(t)
	second, ps := compileBoth(d)
	if ps.Err() != nil {
		t.Fatal(ps)
	}
	for name, doc := range birthExamples(t, "valid") {
		if !requireSound(t, d, second, doc) {
			t.Errorf("%s: not proven", name)
		}
	}
	for name, doc := range birthExamples(t, "invalid") {
		if d.Accepts(doc) {
			t.Errorf("%s: accepted", name)
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
			raw, err := json.Marshal(doc)
			if err != nil {
				t.Fatalf("%v", err)
			}
			requireSound(t, d, second, raw)
			requireSound(t, d, second, []byte(mutateGen(string(raw)).Draw(t, "mutated")))
		}
	})
}

// changeOne replaces, removes or adds one member somewhere in a document.
func changeOne(t *rapid.T, v any) {
	for {
		m, ok := v.(map[string]any)
		if !ok {
			return
		}
		name := rapid.SampledFrom(keys(m)).Draw(t, "member")
		if inner, ok := m[name].(map[string]any); ok && rapid.Bool().Draw(t, "deeper") && len(inner) > 0 {
			v = inner
			continue
		}
		switch rapid.IntRange(0, 2).Draw(t, "change") {
		case 0:
			delete(m, name)
		case 1:
			m[name+"X"] = m[name]
		default:
			m[name] = rapid.SampledFrom([]any{"", "a", "1", "01", "VN", "2019", "2019-02", "2019-02-30", "nam", "thang", "ngay", "H44.15", "123456789012", "\n", 1, 1.5, true, nil, []any{"VN"}, []any{}, map[string]any{}}).Draw(t, "value")
		}
		return
	}
}

func FuzzAccepts(f *testing.F) {
	d := birth(f)
	for _, kind := range []string{"valid", "invalid"} {
		for _, doc := range birthExamples(f, kind) {
			f.Add(doc)
		}
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		requireSound(t, d, nil, doc)
		requireSoundParts(t, d, nil, doc)
	})
}

// What the scanner must not prove although a lax reader would take it, each inside an otherwise valid document.
func TestAcceptsLeavesOdditiesToCheck(t *testing.T) {
	d := mustLoad(t, withProperties(`,"a":{},"n":{"type":"integer"},"d":{"type":"number"},"e":{"enum":["x",1]},"p":{"type":"string","pattern":"^x"},"m":{"type":"number","minimum":2},"l":{"type":"string","minLength":2,"maxLength":3}`, ""))
	proven := []string{
		`{"k":"1"}`, `{"k":"","a":{}}`, `{"a":[[],{}],"k":"ạ😀"}`, `{"k":"\"\\\/\b\f\n\r\t"}`, `{"k":"1","n":-12,"d":0.50,"e":1}`, `{"k":"1","e":"x"}`,
		`{"k":"1","z":1,"y":{"z":2},"x":[null,true,false]}`, `{"k":"1","d":123456789012345}`, `{"k":"1234567890abcdef"}`, `{"k":"1","p":"xạ"}`, `{"k":"1","m":2,"l":"\n\n\n"}`, `{"k":"1","l":"ạạạ"}`,
	}
	for _, doc := range proven {
		if !requireSound(t, d, nil, []byte(doc)) {
			t.Errorf("not proven: %s", doc)
		}
	}
	notProven := []string{
		``, `{`, `{}`, ` {"k":"1"}`, `{"k":"1"} `, `{"k":"1"}{}`, `{"k":"1",}`, `{,"k":"1"}`, `{"k" :"1"}`, `{"k":"1","k":"1"}`, `{"k":"1","z":1,"z":1}`, `{"\u006b":"1"}`,
		`{"k":"\u0031"}`, `{"k":"\ud800"}`, `{"k":"\x"}`, "{\"k\":\"\xff\"}", "{\"k\":\"\xc3\"}", "{\"k\":\"\x00\"}", "{\"k\":\"12345678\x1f\"}", "{\"k\":\"1\",\"\xff\":1}", `{"k":"1","n":1.0}`, `{"k":"1","n":1e2}`, `{"k":"1","n":01}`, `{"k":"1","n":-0}`,
		`{"k":"1","n":-}`, `{"k":"1","n":}`, `{"k":"1","n":1.}`, `{"k":"1","d":1.e1}`, `{"k":"1","d":1.5E3}`, `{"k":"1","d":.5}`, `{"k":"1","d":NaN}`, `{"k":"1","d":Infinity}`, `{"k":"1","a":nul}`, `{"k":"1","a":TRUE}`,
		`{"k":"1","a":[1,]}`, `{"k":"1","a":[1 ,2]}`, `{"k":"1","a":[,1]}`, `{"k":"1","e":2}`, `{"k":"1","e":true}`, `{"k":"1","e":{}}`, `{"k":"1","e":[]}`, `{"k":"1","e":1.0}`, `{"k":"1","p":"x\n"}`, `{"k":"1","m":1.5}`, `{"k":"1","m":1}`, `{"k":"1","l":"\n"}`, `{"k":"1","l":"ạ"}`, `{"k":"1","l":"ạạạạ"}`, `{"k":"1","n":1234567890123456}`, "{\"k\":\"\x1f\",\"a\":\"aaaaaaaa\"}", `{"k":1}`, `["k"]`, `"k"`, `null`,
		`{"k":"1","a":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`, "\ufeff" + `{"k":"1"}`,
	}
	for _, doc := range notProven {
		if d.Accepts([]byte(doc)) {
			t.Errorf("proven: %q", doc)
		}
	}
}

func TestFastNamesWhatPreventsIt(t *testing.T) {
	uncovered := map[string]string{
		`{"not":{}}`: "not", `{"oneOf":[{}]}`: "oneOf", `{"if":{}}`: "if", `{"then":{}}`: "then", `{"else":{}}`: "else", `{"dependencies":{"x":["y"]}}`: "dependencies",
		`{"patternProperties":{"a":{}}}`: "patternProperties", `{"additionalItems":{}}`: "additionalItems", `{"contains":{}}`: "contains", `{"propertyNames":{}}`: "propertyNames",
		`{"multipleOf":2}`: "multipleOf", `{"exclusiveMinimum":2}`: "exclusiveMinimum", `{"exclusiveMaximum":2}`: "exclusiveMaximum", `{"uniqueItems":true}`: "uniqueItems",
		`{"minProperties":0}`: "minProperties", `{"maxProperties":5}`: "maxProperties", `{"items":[{}]}`: "items as a list", `{"additionalProperties":{}}`: "additionalProperties",
		`{"const":true}`: "enum or const", `{"enum":[1.5]}`: "enum or const", `{"enum":[[]]}`: "enum or const", `{"minimum":1.5}`: "bound", `{"maximum":1e3}`: "bound",
		`{"type":"string","format":"email"}`: "email", `{"type":"string","format":"uri"}`: "uri", `{"properties":{"a\"b":{}}}`: "escapes",
		`{"required":["x"],"additionalProperties":false}`: "required",
	}
	for schema, want := range uncovered {
		d := mustLoad(t, withProperties(`,"a":`+schema, ""))
		ok, reason := d.Fast()
		if ok || !strings.Contains(reason, want) || !strings.Contains(reason, "/properties/a") {
			t.Errorf("%s: fast %v, reason %q; want one that names %q and the place", schema, ok, reason, want)
		}
		if d.Accepts([]byte(`{"k":"1"}`)) {
			t.Errorf("%s: a document was proven", schema)
		}
	}
	covered := `,"a":{"type":"string","minLength":1,"maxLength":3,"pattern":"a","x-danh-muc":"danhmuc.thu"},"b":{"type":"string","format":"date-time"},"c":{"enum":["a",1]},"d":{"const":1,"minimum":0,"maximum":2},
		"e":{"type":"array","items":{"$ref":"#/definitions/x"},"minItems":1,"maxItems":2},"f":{"allOf":[{}],"anyOf":[true]},"g":{"type":"string","format":"uuid"}`
	d := mustLoad(t, withProperties(covered, `,"additionalProperties":false,"definitions":{"x":{"type":"string","format":"date"}}`))
	if ok, reason := d.Fast(); !ok {
		t.Errorf("not fast: %s", reason)
	}
	if wide := mustLoad(t, withProperties(manyProperties(64), "")); wide.Accepts([]byte(`{"k":"1"}`)) {
		t.Error("an object with 65 properties is proven")
	}
}

func TestAcceptsDoesNotAllocate(t *testing.T) {
	d := birth(t)
	doc := birthExamples(t, "valid")["day-du.json"]
	if n := testing.AllocsPerRun(100, func() { d.Accepts(doc) }); n != 0 {
		t.Errorf("%v allocations a document", n)
	}
}

// benchmarkDocument is a birth of about 600 bytes, the size of the trial in which the target was set.
const benchmarkDocument = `{"so":"105","quyenSo":"02/2021","trangSo":"53","ngayDangKy":"2021-06-18","loaiDangKy":"1","noiDangKy":{"ma":"H26.01.101","ten":"Phường Mẫu"},` +
	`"nguoiKy":"Trần Văn Ký","chucVuNguoiKy":"Phó Chủ tịch","nguoiDuocKhaiSinh":{"hoTen":"Phạm Minh Mẫu","ngaySinh":{"giaTri":"2021-06-01","doChinhXac":"ngay"},"gioiTinh":"1",` +
	`"noiSinh":"Bệnh viện Mẫu","danToc":"01","quocTich":"VN","loaiKhaiSinh":"1"},"me":{"hoTen":"Đỗ Thị Mẹ","ngaySinh":{"giaTri":"1993","doChinhXac":"nam"},` +
	`"soDinhDanh":"001193000002"},"cha":{"hoTen":"Phạm Văn Cha","soDinhDanh":"001090000003"}}`

func BenchmarkAccepts(b *testing.B) {
	d, doc := birth(b), []byte(benchmarkDocument)
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if !d.Accepts(doc) {
			b.Fatal("not proven")
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	d, doc := birth(b), []byte(benchmarkDocument)
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if vs := d.Check(doc); vs != nil {
			b.Fatal(vs)
		}
	}
}
