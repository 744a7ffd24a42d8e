package governance

import (
	"slices"
	"strings"
	"testing"
)

// orderly is a dataset that nothing can be said against.
const orderly = `{
  "$schema": "http://json-schema.org/draft-07/schema#",
  "$id": "https://chuan.vidu.example/phuongtien.bienso/1.0.0",
  "title": "Biển số", "x-title-en": "Plate", "x-nguon": "Sổ mẫu", "x-luu-tru": {"thoiHan": "P10Y", "tinhTu": {"vi": "ngày trả biển", "en": "the day it is returned"}, "canCu": "Quy chế mẫu"}, 
  "x-xoa": {"cach": "xoa", "khi": {"vi": "theo yêu cầu của chủ xe", "en": "as the owner asks"}, "canCu": "Quy chế mẫu"}, "x-khoa": ["so"],
  "type": "object", "required": ["so"], "additionalProperties": false,
  "properties": {
    "so": {"title": "Số", "x-title-en": "Number", "x-phan-loai": "cong-khai", "type": "string", "maxLength": 20},
    "chu": {"title": "Chủ", "x-title-en": "Owner", "x-phan-loai": "co-ban", "x-can-cu": "Luật mẫu", "type": "string", "maxLength": 9},
    "mau": {"title": "Màu", "x-title-en": "Colours", "x-phan-loai": "cong-khai", "type": "array", "maxItems": 2, "items": {"type": "string", "enum": ["trang", "vang"]}}
  }
}
`

func newOrderly(t *testing.T) *standards {
	t.Helper()
	s := &standards{t, t.TempDir()}
	s.put(schemaFile, orderly)
	s.put("phuongtien.bienso/v1/README.md", "Biển số\n")
	for i := range leastValid {
		s.put("phuongtien.bienso/v1/examples/valid/"+string(rune('a'+i))+".json", `{"so": "1"}`)
	}
	for i, e := range []struct{ at, rule, document string }{
		{"", "type", `1`},
		{"/so", "required", `{}`},
		{"/x", "additionalProperties", `{"so": "1", "x": 1}`},
		{"/so", "type", `{"so": 1}`},
		{"/so", "maxLength", `{"so": "123456789012345678901"}`},
		{"/chu", "type", `{"so": "1", "chu": 1}`},
		{"/chu", "maxLength", `{"so": "1", "chu": "1234567890"}`},
		{"/mau", "type", `{"so": "1", "mau": "vang"}`},
		{"/mau/0", "enum", `{"so": "1", "mau": ["xanh"]}`},
		{"/mau", "maxItems", `{"so": "1", "mau": ["vang", "vang", "vang"]}`},
	} {
		s.put("phuongtien.bienso/v1/examples/invalid/"+string(rune('a'+i))+".json",
			`{"about": "x", "expect": [{"pointer": "`+e.at+`", "rule": "`+e.rule+`"}], "document": `+e.document+`}`)
	}
	return s
}

// Each row spoils one thing of a dataset that is in order, and lint finds that and nothing else.
func TestLint(t *testing.T) {
	const invalid = "phuongtien.bienso/v1/examples/invalid/a.json"
	for name, spoil := range map[string]func(*standards){
		"":                  func(*standards) {},
		"governance.title":  func(s *standards) { s.edit(schemaFile, `, "x-title-en": "Owner"`, ``) },
		"governance.title ": func(s *standards) { s.edit(schemaFile, `"x-title-en": "Plate", `, ``) },
		"governance.class":  func(s *standards) { s.edit(schemaFile, `"Number", "x-phan-loai": "cong-khai"`, `"Number"`) },
		"governance.ground": func(s *standards) { s.edit(schemaFile, `, "x-can-cu": "Luật mẫu"`, ``) },
		"governance.bound": func(s *standards) {
			s.edit(schemaFile, `"string", "maxLength": 9`, `"string"`)
			s.put("phuongtien.bienso/v1/examples/invalid/g.json", s.text(invalid))
		},
		"schema.key": func(s *standards) { s.edit(schemaFile, `, "x-khoa": ["so"]`, ``) },
		"governance.closed": func(s *standards) {
			s.edit(schemaFile, `, "additionalProperties": false`, ``)
			s.put("phuongtien.bienso/v1/examples/invalid/c.json", s.text(invalid))
		},
		"governance.source": func(s *standards) { s.edit(schemaFile, `"x-nguon": "Sổ mẫu", `, ``) },
		"governance.retention": func(s *standards) {
			s.edit(schemaFile, `"x-luu-tru": {"thoiHan": "P10Y", "tinhTu": {"vi": "ngày trả biển", "en": "the day it is returned"}, "canCu": "Quy chế mẫu"}, `, ``)
		},
		"governance.retention ": func(s *standards) {
			s.edit(schemaFile, `"x-xoa": {"cach": "xoa", "khi": {"vi": "theo yêu cầu của chủ xe", "en": "as the owner asks"}, "canCu": "Quy chế mẫu"}, `, ``)
		},
		"governance.level":     func(s *standards) { s.edit(schemaFile, `"x-khoa"`, `"x-tuong-thich": "SOME", "x-khoa"`) },
		"governance.page":      func(s *standards) { s.remove("phuongtien.bienso/v1/README.md") },
		"governance.examples":  func(s *standards) { s.remove("phuongtien.bienso/v1/examples/valid/a.json") },
		"governance.examples ": func(s *standards) { s.remove(invalid) },
		"governance.name": func(s *standards) {
			s.edit(schemaFile, `"properties": {`, `"properties": {"So_Hieu": {"title": "a", "x-title-en": "a", "x-phan-loai": "cong-khai", "type": "null"},`)
		},
		"governance.example": func(s *standards) {
			s.put(invalid, `{"about": "x", "expect": [{"pointer": "/so", "rule": "required"}, {"pointer": "/x", "rule": "additionalProperties"}], "document": {"x": 1}}`)
		},
		"schema.place":           func(s *standards) { s.put("PhuongTien.bienso/v1/schema.json", "{") },
		"schema.place ":          func(s *standards) { s.put("phuongtien.bienso/1/schema.json", "{") },
		"schema.place  ":         func(s *standards) { s.put("phuongtien.bienso/schema.json", "{") },
		"governance.published":   func(s *standards) { s.release(); s.edit(schemaFile, "Biển số", "Biển số xe") },
		"schema.unknown-keyword": func(s *standards) { s.edit(schemaFile, `"x-khoa"`, `"titel": "x", "x-khoa"`) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newOrderly(t)
			spoil(s)
			var codes []string
			for _, p := range s.open().Lint() {
				codes = append(codes, p.Code)
				if p.Where == "" || p.What.Empty() || p.Fix.Empty() {
					t.Errorf("the finding says too little: %+v", p)
				}
			}
			codes = slices.Compact(codes)
			if got := strings.Join(codes, " "); got != strings.TrimSpace(name) {
				t.Errorf("found %q, want %q", got, strings.TrimSpace(name))
			}
		})
	}
}

// A keyword is unneeded when no example would notice that it is gone.
func TestUnneeded(t *testing.T) {
	for name, row := range map[string]struct {
		spoil func(*standards)
		want  string
	}{
		"all are needed": {func(*standards) {}, ""},
		"a length":       {func(s *standards) { s.remove("phuongtien.bienso/v1/examples/invalid/g.json") }, "#/properties/chu/maxLength"},
		"of entries":     {func(s *standards) { s.remove("phuongtien.bienso/v1/examples/invalid/i.json") }, "#/properties/mau/items/enum"},
		"of the root":    {func(s *standards) { s.remove("phuongtien.bienso/v1/examples/invalid/c.json") }, "#/additionalProperties"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newOrderly(t)
			row.spoil(s)
			got, err := s.open().Test(t.Context(), "phuongtien.bienso")
			if err != nil {
				t.Fatal(err)
			}
			unneeded := slices.DeleteFunc(got.Unneeded, func(at string) bool { return at == "#/properties/mau/items/type" }) // enum says it
			if strings.Join(unneeded, " ") != row.want || got.Rules != 11 || got.Valid != leastValid {
				t.Errorf("%+v, want %q", got, row.want)
			}
		})
	}
}
