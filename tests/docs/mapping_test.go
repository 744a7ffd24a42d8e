package docs

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lienthong/truc/mapping"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/schemas"
)

// TestMappingOfReadme translates a row with the mapping that the README shows.
func TestMappingOfReadme(t *testing.T) {
	text := inLanguage(t, "README.md", "yaml", 1)[0]
	set, err := schemas.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	f, problems := mapping.Parse("README.md", []byte(text), nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	dataset, err := set.Dataset("hotich.khaisinh.v1")
	if err != nil {
		t.Fatal(err)
	}
	table := &record.Table{Name: f.Table, Key: []int{0}, Version: 1}
	row := record.Row{}
	add := func(name string, v record.Value, typ string) {
		table.Columns = append(table.Columns, record.Column{Name: name, Kind: v.Kind, Type: typ, Nullable: true})
		row = append(row, v)
	}
	add("id", record.IntValue(1), "integer")
	for _, cell := range [][2]string{
		{"so_dk", "12"},
		{"quyen_so", "01/2026"},
		{"ngay_dk", "02/03/2026"},
		{"loai_dk", "1"},
		{"ho_ten", "Nguy\xd4n Th\xde M\xc9u"}, // TCVN3
		{"ngay_sinh", "28/02/2026"},
		{"gioi_tinh", "2"},
	} {
		add(cell[0], record.TextValue(cell[1]), "text")
	}
	add("trang_thai", record.IntValue(2), "integer")
	add("da_xoa", record.IntValue(0), "integer")

	plan, problems := mapping.CompileSource(f, table, dataset, mapping.Env{Set: set, Agency: "H25.26"})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	translator := plan.NewTranslator()
	if verdict := translator.Keep(row); verdict != mapping.Live {
		t.Errorf("a registered row that is not deleted is %v, want live", verdict)
	}
	doc, _, violations := translator.Document(nil, row)
	if len(violations) > 0 {
		t.Fatal(violations)
	}
	want := `{"so":"12","quyenSo":"01/2026","ngayDangKy":"2026-03-02","loaiDangKy":"1","noiDangKy":{"ma":"H25.26"},` +
		`"nguoiDuocKhaiSinh":{"hoTen":"Nguyễn Thị Mẫu","ngaySinh":{"giaTri":"2026-02-28","doChinhXac":"ngay"},"gioiTinh":"2"}}`
	if diff := cmp.Diff(want, string(doc)); diff != "" {
		t.Errorf("the document (-want +got):\n%s", diff)
	}
	row[8] = record.IntValue(0)
	if verdict := translator.Keep(row); verdict != mapping.Filtered {
		t.Errorf("a draft is %v, want filtered", verdict)
	}
}
