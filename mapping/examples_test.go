package mapping

import (
	"os"
	"strings"
	"testing"

	"github.com/lienthong/truc/problem"
)

func TestExamplesOfSource(t *testing.T) {
	set := testSet(t)
	d := testDataset(t, set)
	f := mustParse(t, "testdata/khai_sinh.yaml")
	results, problems := f.RunExamples(khaiSinhTable(), d, Env{Set: set, Agency: "H44.15"})
	if problems != nil || len(results) != 4 {
		t.Errorf("typed: %d results, %v", len(results), problems)
	}
	results, problems = f.RunExamples(nil, d, Env{Set: set, Agency: "H44.15"})
	if problems != nil || len(results) != 4 {
		t.Errorf("without a table: %d results, %v", len(results), problems)
	}
}

// TestExamplesThatFail changes one expectation at a time; each must be noticed, in these words.
func TestExamplesThatFail(t *testing.T) {
	set := testSet(t)
	d := testDataset(t, set)
	env := Env{Set: set, Agency: "H44.15"}
	for _, c := range []struct{ mapping, old, new, want string }{
		{"khai_sinh", "trang_thai: 0 }, result: skipped", "trang_thai: 2 }, result: skipped", `"nháp": expected the row to be skipped (only is not true), it is published`},
		{"khai_sinh", "da_xoa: true }", "da_xoa: false }", `"xoá mềm": expected the row to be deleted (deleted is true), it is published`},
		{"khai_sinh", `document: { so: "12"`, `document: { so: "13"`, `"chỉ biết năm sinh": so: expected "13", found "12"`},
		{"khai_sinh", `document: { so: "12"`, `document: { soo: "12"`, `"chỉ biết năm sinh": its document has soo, which the dataset has not`},
		{"khai_sinh", `{ hoTen: Nguyễn Thị Mẫu, ngaySinh: { giaTri`, `{ hoTen: Nguyễn Thị Mẫu, ngaySinh: { giatri`, `its document has nguoiDuocKhaiSinh.ngaySinh.giatri, which the dataset has not`},
		{"khai_sinh", `doChinhXac: nam }, gioiTinh: "2"`, `doChinhXac: ngay }, gioiTinh: "2"`, `"chỉ biết năm sinh": nguoiDuocKhaiSinh.ngaySinh.doChinhXac: expected "ngay", found "nam"`},
		{"khai_sinh", `document: { so: "12"`, `document: { ghiChu: a, so: "12"`, `"chỉ biết năm sinh": ghiChu: expected "a", found nothing`},
		{"khai_sinh", `document: { so: "12", nguoi`, `document: { so: { a: b }, nguoi`, `"chỉ biết năm sinh": so: expected an object, found "12"`},
		{"khai_sinh", `ngaySinh: { giaTri: "2019", doChinhXac: nam }`, `ngaySinh: [a]`, `"chỉ biết năm sinh": nguoiDuocKhaiSinh.ngaySinh: expected ["a"], found {"doChinhXac":"nam","giaTri":"2019"}`},
		{"ho_so", "nhan: [a, b-c]", "nhan: [a]", `"đủ": nhan: expected ["a"], found ["a","b-c"]`},
		{"khai_sinh", "remarks: [default]", "remarks: [no-digits]", `"chỉ biết năm sinh": expected the remark no-digits, found default at loaiDangKy`},
		{"khai_sinh", "rule: unmapped-code", "rule: date", `"mã lạ": expected the error date at nguoiDuocKhaiSinh.gioiTinh, found unmapped-code at nguoiDuocKhaiSinh.gioiTinh`},
		{"khai_sinh", `ngay_sinh: "2019", gioi_tinh: 2`, `ngay_sinh: "x", gioi_tinh: 2`, `"chỉ biết năm sinh": the document is not valid: date at nguoiDuocKhaiSinh.ngaySinh`},
		{"khai_sinh", "ho_ten: A", "ho_ten: 世", `ho_ten: "世" cannot be written in tcvn3`},
		{"khai_sinh", "ho_ten: A", "ho_tenn: A", `table public.khai_sinh has no column "ho_tenn"`},
		{"khai_sinh", "gioi_tinh: 9", "gioi_tinh: chín", `column gioi_tinh holds a whole number, the example gives chín`},
		{"ho_so", "{ loai: cccd, so: ", "{ loai: cccd, soo: ", `"đủ": its document has giayTo[0].soo, which the dataset has not`},
		{"ho_so", "{ loai: cccd, so: ", "{ loai: hc, so: ", `"đủ": giayTo[0].loai: expected "hc", found "cccd"`},
		{"tre_em", "gioi_tinh: F,", "gioi_tinh: M,", `"trẻ dưới 6 tuổi": column gioi_tinh: expected M, found "F"`},
		{"tre_em", "ngay_dk: null", "ngay_dk: 2020-01-01", `2020-01-01 without quotes is read as a date`},
		{"tre_em", "ngay_dk: null", "so_con: 1", `"trẻ dưới 6 tuổi": column so_con is not written`},
		{"tre_em", "2026-01-01T00:00:00Z", "2020-01-01T00:00:00Z", `"đã lớn": expected the event to be skipped (only is not true), it is written`},
		{"tre_em", "2026-01-01T00:00:00Z", "1.1.2020", `"đã lớn": event.time is not RFC 3339`},
		{"tre_em", `document: { so: "12", quyenSo: q1, noiDangKy: { ma: H44.15 }, nguoi`, `document: { so: "12", noiDangKy: { ma: H44.15 }, nguoi`, `its document is not valid`},
	} {
		data, err := os.ReadFile("testdata/" + c.mapping + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(data), c.old) {
			t.Fatalf("no %q", c.old)
		}
		f, problems := Parse("m.yaml", []byte(strings.Replace(string(data), c.old, c.new, 1)), nil)
		table := khaiSinhTable()
		of := d
		switch c.mapping {
		case "tre_em":
			table = treEmTable()
		case "ho_so":
			table = hoSoTable()
			if of, err = set.Dataset("thu.hoso.v1"); err != nil {
				t.Fatal(err)
			}
		}
		_, more := f.RunExamples(table, of, env)
		problems = append(problems, more...)
		if len(problems) != 1 || !strings.Contains(problems[0].What.EN, c.want) {
			t.Errorf("%q: %v, want %s", c.new, problems, c.want)
		}
	}
}

func TestExamplesOfSink(t *testing.T) {
	set := testSet(t)
	f := mustParse(t, "testdata/tre_em.yaml")
	results, problems := f.RunExamples(nil, testDataset(t, set), Env{Set: set, Agency: "H26"})
	if problems != nil || len(results) != 3 {
		t.Errorf("%d results, %v", len(results), problems)
	}
}

// Everything that is wrong with a file comes out at once: YAML slips, the reader's faults and the type checker's.
func TestEverythingAtOnce(t *testing.T) {
	set := testSet(t)
	data, err := os.ReadFile("testdata/khai_sinh.yaml")
	if err != nil {
		t.Fatal(err)
	}
	broken := strings.NewReplacer("so: so_dk", "so: so_dkk", "deleted: da_xoa", "deletd: da_xoa", "{ pad: 12 }", "{ pad: 0 }",
		"quaHan: 'loai == 2 || loai == 3'", "quaHan: loai == 2 ? true : false", "lePhi: le_phi", "lePhi: ngay_dk", "quyenSo: quyen", "quyenSo: \"a\" + quyen").Replace(string(data))
	f, problems := Parse("m.yaml", []byte(broken), nil)
	if f == nil {
		t.Fatal(problems)
	}
	_, more := CompileSource(f, khaiSinhTable(), testDataset(t, set), Env{Set: set})
	found := map[string]int{}
	for _, p := range append(append(problem.List{}, problems...), more...) {
		found[p.Code]++
	}
	for code, n := range map[string]int{"mapping.yaml-quote": 2, "mapping.unknown-key": 1, "mapping.wrong-type": 2, "mapping.unknown-column": 1} {
		if found[code] != n {
			t.Errorf("%s: %d, want %d", code, found[code], n)
		}
	}
}
