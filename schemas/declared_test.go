package schemas

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDeclarationsAreJudged(t *testing.T) {
	const khi = `"khi":{"vi":"a","en":"b"}`
	for name, tt := range map[string]struct{ members, want string }{
		"for ever":                {`"x-luu-tru":{"thoiHan":"vinh-vien","canCu":"x"}`, ""},
		"ten years":               {`"x-luu-tru":{"thoiHan":"P10Y","tinhTu":{"vi":"a","en":"b"},"tamThoi":"x"}`, ""},
		"no text":                 {`"x-luu-tru":"P10Y"`, "schema.retention"},
		"unknown member":          {`"x-luu-tru":{"thoiHan":"vinh-vien","canCu":"x","lau":true}`, "schema.retention"},
		"a member in capitals":    {`"x-luu-tru":{"thoiHan":"vinh-vien","CanCu":"x"}`, "schema.retention"},
		"a ground that is none":   {`"x-luu-tru":{"thoiHan":"vinh-vien","canCu":"x","tamThoi":7}`, "schema.retention"},
		"erasure, another member": {`"x-xoa":{"cach":"xoa",` + khi + `,"canCu":"x","lau":true}`, "schema.erasure"},
		"erasure, no text":        {`"x-xoa":{"cach":"xoa",` + khi + `,"canCu":"x","tamThoi":7}`, "schema.erasure"},
		"an element, no text":     {`"x-tu-dien":{"mien":"DOM-ORG","phanTu":7}`, "schema.dictionary"},
		"domain, another member":  {`"x-tu-dien":{"mien":"DOM-ORG","lau":true}`, "schema.dictionary"},
		"no duration":             {`"x-luu-tru":{"thoiHan":"10 năm","tinhTu":{"vi":"a","en":"b"},"canCu":"x"}`, "schema.retention"},
		"no day to run from":      {`"x-luu-tru":{"thoiHan":"P10Y","canCu":"x"}`, "schema.retention"},
		"for ever from some day":  {`"x-luu-tru":{"thoiHan":"vinh-vien","tinhTu":{"vi":"a","en":"b"},"canCu":"x"}`, "schema.retention"},
		"day in one language":     {`"x-luu-tru":{"thoiHan":"P10Y","tinhTu":{"vi":"a"},"canCu":"x"}`, "schema.retention"},
		"retention of no ground":  {`"x-luu-tru":{"thoiHan":"vinh-vien"}`, "schema.retention"},
		"deleted":                 {`"x-xoa":{"cach":"xoa",` + khi + `,"canCu":"x"}`, ""},
		"ended":                   {`"x-xoa":{"cach":"ket-thuc","truong":"k",` + khi + `,"tamThoi":"x"}`, ""},
		"another way":             {`"x-xoa":{"cach":"xoa-mem",` + khi + `,"canCu":"x"}`, "schema.erasure"},
		"no occasion":             {`"x-xoa":{"cach":"xoa","canCu":"x"}`, "schema.erasure"},
		"ended in no property":    {`"x-xoa":{"cach":"ket-thuc",` + khi + `,"canCu":"x"}`, "schema.erasure"},
		"deleted in a property":   {`"x-xoa":{"cach":"xoa","truong":"k",` + khi + `,"canCu":"x"}`, "schema.erasure"},
		"ended in an unknown one": {`"x-xoa":{"cach":"ket-thuc","truong":"q",` + khi + `,"canCu":"x"}`, "schema.erasure"},
		"erasure of no ground":    {`"x-xoa":{"cach":"xoa",` + khi + `}`, "schema.erasure"},
		"a domain":                {`"x-tu-dien":{"mien":"DOM-HUMAN"}`, ""},
		"compared":                {`"x-tu-dien":{"mien":"DOM-ORG","phanTu":"x","doiChieu":"thu-cap"}`, ""},
		"unknown domain":          {`"x-tu-dien":{"mien":"DOM-PERSON"}`, "schema.dictionary"},
		"compared with nothing":   {`"x-tu-dien":{"mien":"DOM-ORG","doiChieu":"da-doi-chieu"}`, "schema.dictionary"},
		"compared with anything":  {`"x-tu-dien":{"mien":"DOM-ORG","phanTu":"x","doiChieu":"roi"}`, "schema.dictionary"},
		"a domain as text":        {`"x-tu-dien":"DOM-ORG"`, "schema.dictionary"},
	} {
		_, err := loadSchema(withProperties("", ","+tt.members))
		got := ""
		if err != nil {
			got = codes(err)
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q (%v)", name, got, tt.want, err)
		}
	}
}

// What comes with truc says how long records are kept and how they go; a folder of somebody else need not.
func TestBuiltinDeclares(t *testing.T) {
	for _, d := range builtin(t).Datasets() {
		if d.Retention() == nil || d.Erasure() == nil {
			t.Errorf("%s does not say how long records are kept and how they go", d.ID())
		}
	}
	if err := newLoader().load(Folder{FS: datasetFS(withProperties("", "")), builtin: true}); err == nil || codes(err) != "schema.undeclared" {
		t.Errorf("a built-in dataset that says nothing: %v", err)
	}
	d := birth(t)
	want := &Retention{Term: TermForever, Ground: "Sổ hộ tịch; văn bản chưa đọc", Provisional: d.Retention().Provisional}
	if diff := cmp.Diff(want, d.Retention()); diff != "" || d.Retention().Provisional == "" || d.Erasure().How != EraseDelete || d.Erasure().When["en"] == "" {
		t.Errorf("%s %+v", diff, d.Erasure())
	}
}

// A property has the domain of the object above it unless its type or itself says another one; what was compared is not inherited.
func TestDictionaryIsInherited(t *testing.T) {
	root := birth(t).Root()
	for path, want := range map[string]Dictionary{
		"so":                             {Domain: "DOM-HUMAN"},
		"noiDangKy":                      {Domain: "DOM-ORG"},
		"noiDangKy.ten":                  {Domain: "DOM-ORG"},
		"nguoiDuocKhaiSinh.queQuan":      {Domain: "DOM-ADDRESS"},
		"nguoiDuocKhaiSinh.loaiKhaiSinh": {Domain: "DOM-HUMAN"},
		"me.soDinhDanh":                  {Domain: "DOM-HUMAN", Element: "khóa cá nhân, mẫu ^[0-9]{12}$", Compared: SeenSecondary},
	} {
		if diff := cmp.Diff(want, root.At(path).Dictionary); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
}

func TestExamplesAreShown(t *testing.T) {
	valid, invalid := birth(t).Valid(), birth(t).Invalid()
	if len(valid) != len(birthExamples(t, "valid")) || len(invalid) != len(birthExamples(t, "invalid")) {
		t.Errorf("%d valid and %d invalid examples", len(valid), len(invalid))
	}
	for _, e := range invalid {
		if e.Name == "thieu-so" && (e.About == "" || len(e.Violations) != 1 || e.Violations[0].Pointer != "/so") {
			t.Errorf("%+v", e)
		}
	}
	own := mustLoad(t, withProperties("", ""))
	if v, i := own.Valid(), own.Invalid(); len(v) != 1 || v[0].Name != "a" || string(v[0].Document) != `{"k":"1"}` || len(i) != 1 || i[0].Violations[0].Rule != "required" {
		t.Errorf("of a folder: %+v %+v", v, i)
	}
}
