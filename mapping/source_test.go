package mapping

import (
	"os"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lienthong/truc/mapping/value"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/schemas"
)

// loadSet reads the schemas of testdata once: a set is immutable.
var loadSet = sync.OnceValues(func() (*schemas.Set, error) { return schemas.Load(os.DirFS("testdata/schemas")) })

func testSet(tb testing.TB) *schemas.Set {
	tb.Helper()
	set, err := loadSet()
	if err != nil {
		tb.Fatal(err)
	}
	return set
}

func testDataset(tb testing.TB, set *schemas.Set) *schemas.Dataset {
	tb.Helper()
	d, err := set.Dataset("thu.khaisinh.v1")
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

// khaiSinhTable is a legacy civil-status table of 21 columns.
func khaiSinhTable() *record.Table {
	c := func(name string, k record.Kind, nullable bool) record.Column {
		return record.Column{Name: name, Kind: k, Type: k.String(), Nullable: nullable}
	}
	return &record.Table{Schema: "public", Name: "khai_sinh", Version: 1, Key: []int{0}, Columns: []record.Column{
		c("id", record.Int, false), c("so_dk", record.Text, false), c("quyen", record.Text, false), c("ngay_dk", record.Text, true),
		c("loai", record.Int, true), c("ho_ten", record.Text, false), c("ngay_sinh", record.Text, true), c("gioi_tinh", record.Int, true),
		c("dan_toc", record.Text, true), c("noi_sinh", record.Text, true), c("me_ho", record.Text, true), c("me_dem", record.Text, true),
		c("me_ten", record.Text, true), c("cmnd_me", record.Text, true), c("me_nam_sinh", record.Int, true), c("cha_ho_ten", record.Text, true),
		c("cmnd_cha", record.Text, true), c("le_phi", record.Decimal, true), c("Ngày sửa", record.DateTime, true),
		c("trang_thai", record.Int, false), c("da_xoa", record.Bool, true), c("ghi_chu", record.Text, true),
	}}
}

func tcvn3(tb testing.TB, s string) record.Value {
	tb.Helper()
	b, ok := value.EncodeTCVN3(nil, []byte(s))
	if !ok {
		tb.Fatalf("%q has no TCVN3 form", s)
	}
	return record.BytesOf(record.Text, b)
}

func khaiSinhRow(tb testing.TB) record.Row {
	return record.Row{
		record.IntValue(7), record.TextValue("12"), record.TextValue("01/2020"), record.TextValue("05/03/2020"),
		record.NullValue, tcvn3(tb, "Nguyễn  Thị Mẫu "), record.TextValue("02/2020"), record.IntValue(2),
		record.TextValue("01"), tcvn3(tb, "Phú Thọ"), tcvn3(tb, "Trần"), record.TextValue(""),
		tcvn3(tb, "Hạnh"), record.TextValue("12345678"), record.IntValue(1990), tcvn3(tb, "Nguyễn Văn Thử"),
		record.TextValue("001 090 000 123"), record.BytesOf(record.Decimal, []byte("12500.50")), record.BytesOf(record.DateTime, []byte("2020-03-05T08:00:00")),
		record.IntValue(2), record.BoolValue(false), record.NullValue,
	}
}

func mustParse(tb testing.TB, name string) *File {
	tb.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		tb.Fatal(err)
	}
	f, problems := Parse(name, data, nil)
	if problems != nil {
		tb.Fatal(problems)
	}
	return f
}

func khaiSinhPlan(tb testing.TB) *SourcePlan {
	tb.Helper()
	set := testSet(tb)
	p, problems := CompileSource(mustParse(tb, "testdata/khai_sinh.yaml"), khaiSinhTable(), testDataset(tb, set), Env{Set: set, Agency: "H44.15"})
	if problems != nil {
		tb.Fatal(problems)
	}
	return p
}

func TestDocument(t *testing.T) {
	p := khaiSinhPlan(t)
	tr := p.NewTranslator()
	row := khaiSinhRow(t)
	if v := tr.Keep(row); v != Live {
		t.Fatalf("Keep = %s", v)
	}
	doc, remarks, violations := tr.Document(nil, row)
	want := `{"so":"12","quyenSo":"01/2020","ngayDangKy":"2020-03-05","loaiDangKy":1,"noiDangKy":{"ma":"H44.15"},` +
		`"nguoiDuocKhaiSinh":{"hoTen":"Nguyễn Thị Mẫu","ngaySinh":{"giaTri":"2020-02","doChinhXac":"thang"},"gioiTinh":"2","danToc":"01","noiSinh":"Phú Thọ"},` +
		`"me":{"hoTen":"Trần Hạnh","soDinhDanh":"000012345678","namSinh":1990},"cha":{"hoTen":"Nguyễn Văn Thử","soDinhDanh":"001090000123"},` +
		`"lePhi":12500.5,"capNhat":"2020-03-05T08:00:00+07:00","quaHan":false}`
	if diff := cmp.Diff(want, string(doc)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Remark{{"/loaiDangKy", "missing", "default"}}, remarks); diff != "" {
		t.Error(diff)
	}
	if len(violations) > 0 {
		t.Error(violations)
	}
	key, known := tr.Key(nil, row)
	if !known || string(key) != `["12","01/2020","H44.15"]` {
		t.Errorf("Key = %s, %v", key, known)
	}
	again, ok := KeyOf(nil, p.Key(), doc)
	if !ok || string(again) != string(key) {
		t.Errorf("KeyOf = %s, %v", again, ok)
	}
}

func BenchmarkTranslate(b *testing.B) {
	p := khaiSinhPlan(b)
	tr := p.NewTranslator()
	row := khaiSinhRow(b)
	buf := make([]byte, 0, 4096)
	b.Run("without check", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			tr.frame.next(row)
			tr.frame.remarking = true
			buf, _ = tr.object(buf[:0], p.root, p.required, true)
		}
	})
	b.Run("document", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			buf, _, _ = tr.Document(buf[:0], row)
		}
	})
	b.Run("key", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			buf, _ = tr.Key(buf[:0], row)
		}
	})
}
