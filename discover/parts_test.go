package discover_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lienthong/truc/discover"
	"github.com/lienthong/truc/mapping/value"
	"github.com/lienthong/truc/record"
)

func lines(t *testing.T, d *discover.Draft, want ...string) {
	t.Helper()
	var got []string
	for line := range strings.Lines(d.YAML) {
		got = append(got, strings.TrimPrefix(strings.TrimSpace(line), "- "))
	}
	for _, w := range want {
		if !slices.Contains(got, w) {
			t.Errorf("the draft lacks %q:\n%s", w, d.YAML)
		}
	}
}

// TestPartsOfDocuments: what stands in JSON and XML is matched like columns, by its path and, where that names an object, by
// the column.
func TestPartsOfDocuments(t *testing.T) {
	for name, c := range map[string]struct {
		columns, cell string
		want          []string
	}{
		"an object inside":         {"id,noi_dung", `{"cha":{"hoTen":"Nguyễn Văn Mẫu"},"so":"12"}`, []string{`hoTen: text(json(noi_dung, "cha.hoTen"))`, `so: text(json(noi_dung, "so"))`}},
		"an object by the column":  {"id,cha", `{"hoTen":"Nguyễn Văn Mẫu"}`, []string{`cha:`, `hoTen: text(json(cha, "hoTen"))`}},
		"a number":                 {"id,noi_dung", `{"trangSo":6}`, []string{`trangSo: text(json(noi_dung, "trangSo"))`}},
		"elements":                 {"id,to_khai", `<hs:ToKhai xmlns:hs="urn:x"><hs:NguoiYeuCau><hs:QuanHe>Cha</hs:QuanHe></hs:NguoiYeuCau></hs:ToKhai>`, []string{`quanHe: text(xml(to_khai, "ToKhai/NguoiYeuCau/QuanHe"))`}},
		"an attribute":             {"id,to_khai", `<ToKhai so="12"/>`, []string{`so: text(xml(to_khai, "ToKhai/@so"))`}},
		"a name with a hyphen":     {"id,noi_dung", `{"quyen-so":"01/2024"}`, []string{`quyenSo: text(json(noi_dung, "quyen-so"))`}},
		"a date inside":            {"id,noi_dung", `{"ngayDangKy":"25/06/2020"}`, []string{`ngayDangKy: date(json(noi_dung, "ngayDangKy"), "dd/MM/yyyy")`}},
		"a list of plain values":   {"id,noi_dung", `{"nguoiDuocKhaiSinh":{"quocTichKhac":["Lào","Pháp"]}}`, []string{`quocTichKhac: { each: 'json(noi_dung, "nguoiDuocKhaiSinh.quocTichKhac", "json")', as: s, value: 'code("noi_dung_nguoi_duoc_khai_sinh_quoc_tich_khac", s)' }`}},
		"a list as a whole column": {"id,ghi_chu", `["một", "hai"]`, nil}, // no expression reads it
	} {
		t.Run(name, func(t *testing.T) {
			table, rows := grid(c.columns, people(20, func(i int) []any { return []any{i, c.cell} })...)
			d := describe(t, table, rows, discover.Options{}).Draft
			lines(t, d, c.want...)
			if c.want == nil && strings.Contains(d.YAML, "ghi_chu") {
				t.Errorf("the column itself is proposed:\n%s", d.YAML)
			}
		})
	}
}

// TestRepeatedElements: no path reads an element of XML that stands several times in its parent.
func TestRepeatedElements(t *testing.T) {
	table, rows := grid("id,to_khai", people(20, func(i int) []any { return []any{i, `<a><So>1</So><So>2</So><QuyenSo>3</QuyenSo></a>`} })...)
	d := describe(t, table, rows, discover.Options{}).Draft
	lines(t, d, `quyenSo: text(xml(to_khai, "a/QuyenSo"))`)
	if strings.Contains(d.YAML, "a/So") {
		t.Error(d.YAML)
	}
}

// TestListsOfObjects: lists in JSON, numbered columns and separators all fill lists of objects.
func TestListsOfObjects(t *testing.T) {
	members := `{"ds":[{"ten":"Nguyễn Văn Mẫu","soDinhDanh":"001090000123","tyLe":"50"},{"ten":"Trần Thị Thử","tyLe":"50"}]}`
	table, rows := grid("id,thanh_vien,nguoi_dai_dien,chuc_danh", people(20, func(i int) []any { return []any{i, members, "Nguyễn Văn Mẫu; Trần Thị Thử", "Giám đốc"} })...)
	report := describe(t, table, rows, discover.Options{Dataset: "doanhnghiep.doanhnghiep.v1"})
	lines(t, report.Draft, `each: json(thanh_vien, "ds", "json")`, "as: p", "fields:", "ten: text(p.ten)", "soDinhDanh: personId(p.soDinhDanh)", "tyLe: text(p.tyLe)",
		`each: split(nguoi_dai_dien, ";")`, "hoTen: text(p)", "chucDanh: text(chuc_danh)")
	if p := proposal(t, report.Draft, "thanhVien[]"); !p.Live || p.Expression != `json(thanh_vien, "ds", "json")` {
		t.Errorf("the list is proposed as %+v", p)
	}
	if got, _ := json.Marshal(report.Columns[1].Inside); !strings.Contains(string(got), `{"path":"ds[].tyLe","kind":"text","rows":20}`) {
		t.Errorf("inside is %s", got)
	}

	table, rows = grid("id,giay_to_1_so,giay_to_1_noi_cap,giay_to_2_so,giay_to_2_noi_cap", people(20, func(i int) []any {
		return []any{i, fmt.Sprintf("A%07d", i), "Công an tỉnh Mẫu", fmt.Sprintf("B%07d", i), "Cục Mẫu"}
	})...)
	d := describe(t, table, rows, discover.Options{Dataset: "dancu.congdan.v1"}).Draft
	lines(t, d, "so: text(giay_to_1_so)", "noiCap: text(giay_to_1_noi_cap)", "so: text(giay_to_2_so)", "noiCap: text(giay_to_2_noi_cap)")
	if strings.Count(d.YAML, "- so:") != 2 {
		t.Errorf("not two elements:\n%s", d.YAML)
	}
}

// TestAddressParts: house, commune and province make one address of the person they name.
func TestAddressParts(t *testing.T) {
	table, rows := grid("id,me_hoten,me_sonha,me_xa,me_tinh,me_maxa", people(20, func(i int) []any {
		return []any{i, "Trần Thị Thử", fmt.Sprintf("Số %d", i), "Xã Mẫu", "Tỉnh Mẫu", "08707"}
	})...)
	d := describe(t, table, rows, discover.Options{}).Draft
	lines(t, d, `chiTiet: join([text(me_sonha), text(me_xa), text(me_tinh)], ", ")`)
}

// TestKeysThatAreValues: a key of a JSON object may be a person. It comes out only when it is made of words that are known, or
// stands in many rows and half of its words are known.
func TestKeysThatAreValues(t *testing.T) {
	table, rows := grid("id,noi_dung,xu_ly,phan_cong", people(40, func(i int) []any {
		return []any{
			i, `{"hoTen":"Nguyễn Văn Mẫu","maLaXYZ":"1"}`,
			fmt.Sprintf(`{"Nguyễn Văn %[1]d":{"so":"1"},"nguyenvanthu%[1]d":{"so":"1"},"001090%06[1]d":{"so":"2"}}`, i),
			fmt.Sprintf(`{"%s":{"so":"1"},"LeVanQuy":{"so":"%d"}}`, []string{"ttdung", "ttcon", "dkcha"}[i%3], i),
		}
	})...)
	report := describe(t, table, rows, discover.Options{})
	out, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"nguyenvan", "001090", "Văn", "ttdung", "ttcon", "dkcha", "LeVanQuy"} {
		if strings.Contains(string(out), secret) {
			t.Errorf("the key %s is in the report", secret)
		}
	}
	lines(t, report.Draft, `hoTen: text(json(noi_dung, "hoTen"))`)
	if c := report.Columns[3]; c.Hidden != 8 || len(c.Inside) != 0 { // four persons, and the so that stands below each
		t.Errorf("hidden are %d, shown %+v", c.Hidden, c.Inside)
	}
}

// TestRareKeys: a key of known words counts in one row, too, with little confidence; another needs many rows.
func TestRareKeys(t *testing.T) {
	table, rows := grid("id,noi_dung", people(40, func(i int) []any {
		if i == 7 {
			return []any{i, `{"quyenSo":"01/2024","trangSoX":"6"}`}
		}
		return []any{i, nil}
	})...)
	d := describe(t, table, rows, discover.Options{}).Draft
	if p := proposal(t, d, "quyenSo"); !p.Live || p.Confidence > 0.75 {
		t.Errorf("proposed %+v", p)
	}
	if strings.Contains(d.YAML, "trangSoX") {
		t.Error(d.YAML)
	}
}

// TestNumberByItsValues: the so of a person is an identification number where the values are such, and nothing else.
func TestNumberByItsValues(t *testing.T) {
	for number, live := range map[string]bool{"001090000123": true, "12": false} {
		table, rows := grid("id,cha_hoten,cha_so", people(20, func(i int) []any { return []any{i, "Nguyễn Văn Mẫu", number} })...)
		d := describe(t, table, rows, discover.Options{Dataset: "dancu.congdan.v1"}).Draft
		if strings.Contains(d.YAML, " soDinhDanh: personId(cha_so)") != live {
			t.Errorf("%s:\n%s", number, d.YAML)
		}
	}
}

// TestFamilyOfFonts: a font of capitals and one of small letters are the same encoding, which columns with few words share.
func TestFamilyOfFonts(t *testing.T) {
	names := []string{"Nguyễn Văn Mẫu", "Trần Thị Ví Dụ", "Lê Hoàng Thử", "Phạm Đức Giả Định", "Hoàng Thị Mẫu", "Đỗ Quốc Thử", "Vũ Thị Hương Mẫu"}
	table, rows := grid("id,ho_ten,me_ho_ten,quoc_tich", people(len(names), func(i int) []any { return []any{i, "", "", ""} })...)
	for i := range rows {
		for place, name := range map[int]string{1: names[i], 2: names[i], 3: "Việt Nam"} {
			d, _ := value.EncodingNamed(map[int]string{1: "tcvn3-hoa", 2: "tcvn3", 3: "tcvn3"}[place])
			if place == 1 {
				name = strings.ToUpper(name)
			}
			b, ok := d.Encode(nil, []byte(name))
			if !ok {
				t.Fatal(name)
			}
			rows[i][place] = record.BytesOf(record.Text, b)
		}
	}
	report := describe(t, table, rows, discover.Options{})
	if c := report.Columns[3]; report.Columns[1].Suspected != "tcvn3-hoa" || c.Suspected != "tcvn3" {
		t.Errorf("suspected are %q and %q", report.Columns[1].Suspected, c.Suspected)
	}
}

// TestPlaceholders: cells that say there is nothing do not tell against a column, and are asked about.
func TestPlaceholders(t *testing.T) {
	table, rows := grid("id,email", people(20, func(i int) []any {
		if i%2 == 0 {
			return []any{i, "không"}
		}
		return []any{i, fmt.Sprintf("mau%d@vidu.example", i)}
	})...)
	d := describe(t, table, rows, discover.Options{Dataset: "dancu.congdan.v1"}).Draft
	lines(t, d, "email: text(email)", `# email: { null: ["không"] }`)
	if p := proposal(t, d, "email"); p.Confidence > 0.85 {
		t.Errorf("confidence %.2f", p.Confidence)
	}
}

// TestLongDocuments: of a document more is kept than of a text, and not everything.
func TestLongDocuments(t *testing.T) {
	table, _ := grid("id,noi_dung")
	e := &documents{table: table, cell: `{"a":"` + strings.Repeat("x", 5000) + `","so":"1"}`}
	_, rows, err := discover.Rows(t.Context(), e, "x", 5)
	if err != nil || len(rows[0][1].Bytes) != len(e.cell) {
		t.Errorf("%d bytes are kept of %d, %v", len(rows[0][1].Bytes), len(e.cell), err)
	}
	e.cell = `{"a":"` + strings.Repeat("x", 1<<20)
	if _, rows, _ = discover.Rows(t.Context(), e, "x", 5); len(rows[0][1].Bytes) > 16<<10 {
		t.Errorf("%d bytes are kept", len(rows[0][1].Bytes))
	}
}

// documents has one cell again and again.
type documents struct {
	table *record.Table
	cell  string
}

func (d *documents) Scan(_ context.Context, _ string, fn func(*record.Table, []record.Row) error) error {
	return fn(d.table, slices.Repeat([]record.Row{{record.IntValue(1), record.TextValue(d.cell)}}, 10))
}
