package mapping

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/schemas"
)

// over evaluates an expression over a column c of no declared kind.
func over(tb testing.TB, env Env, expression string) func(record.Value) (cell, []Remark) {
	tb.Helper()
	c, err := newCompiler(&File{Name: "m.yaml"}, env)
	if err != nil {
		tb.Fatal(err)
	}
	c.bindColumns(&record.Table{Name: "t", Columns: []record.Column{{Name: "c", Kind: record.AnyKind, Nullable: true}}})
	n, _ := c.compile(&Expression{CEL: expression})
	if c.problems.Err() != nil {
		tb.Fatal(c.problems)
	}
	f := newFrame(c.columns, c.slots)
	row := make(record.Row, 1)
	return func(v record.Value) (cell, []Remark) {
		row[0] = v
		f.next(row)
		f.remarking = true
		return n.eval(f), f.remarks
	}
}

func outcome(v cell, remarks []Remark) string {
	var out string
	switch {
	case v.isNull():
		out = "null"
	case v.isFailed():
		out = "violation " + v.failure().rule()
	default:
		raw, ok := v.appendJSON(nil)
		if out = string(raw); !ok {
			out = "no JSON"
		}
	}
	for _, r := range remarks {
		out += " [" + r.Group + " " + r.Rule + "]"
	}
	return out
}

// TestValuesOfColumns: what becomes of cells of each kind, right and wrong, where nobody knew the kind before.
func TestValuesOfColumns(t *testing.T) {
	env := exampleEnv(t)
	text, dec := record.TextValue, func(s string) record.Value { return bytesOf(record.Decimal, s) }
	day := bytesOf(record.Date, "1990-05-01")
	for _, c := range []struct {
		expression string
		of         record.Value
		want       string
	}{
		{`titleCase(c)`, text("  NGUYỄN VĂN MẪU"), `"Nguyễn Văn Mẫu"`},
		{`titleCase(c)`, record.IntValue(1), "violation encoding"},
		{`money(c)`, text(" "), "null"},
		{`money(c)`, record.IntValue(-5), "-5"},
		{`money(c)`, dec("12500.50"), "12500.5"},
		{`money(c)`, dec("NaN"), "violation amount"},
		{`money(c)`, record.FloatValue(1.5), "1.5"},
		{`money(c)`, record.FloatValue(math.Inf(1)), "violation amount"},
		{`money(c)`, day, "violation amount"},
		{`taxCode(c)`, record.IntValue(100000123), `"0100000123" [format repaired]`},
		{`taxCode(c)`, dec("100000123"), `"0100000123" [format repaired]`},
		{`taxCode(c)`, record.FloatValue(100000123), `"0100000123" [format repaired]`},
		{`taxCode(c)`, text("100000123"), "violation tax-code"},
		{`taxCode(c)`, record.IntValue(-100000123), "violation tax-code"},
		{`taxCode(c)`, dec("100000123.5"), "violation tax-code"},
		{`taxCode(c)`, text("\u00a00100000123\u00a0–\u00a0001"), `"0100000123-001"`},
		{`taxCode(c)`, text(""), "null"},
		{`taxCode(c)`, day, "violation tax-code"},
		{`personId(c)`, record.IntValue(1090000123), `"001090000123" [format repaired]`},
		{`personId(c)`, record.IntValue(123456789), "violation person-id"},
		{`personId(c, "remark")`, record.IntValue(123456789), "null [format cmnd]"},
		{`personId(c, "remark")`, text("không có"), "null [format person-id]"},
		{`personId(c, "remark")`, day, "null [format person-id]"},
		{`personId(c)`, text(" "), "null"},
		{`personId("001090000123", c, date("01/05/1990", "dd/MM/yyyy"))`, text("1"), `"001090000123"`},
		{`personId("001090000123", c, date("01/05/1990", "dd/MM/yyyy"))`, record.IntValue(2), `"001090000123" [contradiction sex]`},
		{`personId("001190000123", c, date("01/05/1990", "dd/MM/yyyy"))`, text(" 1 "), `"001190000123" [contradiction sex]`},
		{`personId("001190000123", c, date("01/05/1990", "dd/MM/yyyy"))`, text("0"), `"001190000123"`},
		{`personId("001190000123", c, date("01/05/1990", "dd/MM/yyyy"))`, record.NullValue, `"001190000123"`},
		{`personId("001090000123", "1", c)`, bytesOf(record.Date, "1991-05-01"), `"001090000123" [contradiction birth-year]`},
		{`personId("001290000123", "1", c)`, bytesOf(record.Date, "2090-05-01"), `"001290000123"`},
		{`personId("001090000123", "1", c)`, record.NullValue, `"001090000123"`},
		{`personId("1", "1", c, "remark")`, day, "null [format person-id]"},
		{`lookup("danhmuc.dantoc", c)`, text("01"), `"01"`},
		{`lookup("danhmuc.dantoc", c)`, record.IntValue(10), `"10"`},
		{`lookup("danhmuc.dantoc", c)`, record.IntValue(1), "violation unlisted"},
		{`lookup("danhmuc.dantoc", c)`, text("  kinh "), `"01"`},
		{`lookup("danhmuc.dantoc", c)`, text("Kinh\u0323"), `"01"`},
		{`lookup("danhmuc.dantoc", c)`, text("Thổ"), `"24"`},
		{`lookup("danhmuc.dantoc", c)`, text("khơ-me"), `"05"`},
		{`lookup("danhmuc.dantoc", c)`, text(norm.NFD.String("Ê ĐÊ")), `"12"`},
		{`lookup("danhmuc.dantoc", c)`, text(""), "null"},
		{`lookup("danhmuc.dantoc", c)`, text("\xff"), "violation encoding"},
		{`lookup("danhmuc.dantoc", c)`, day, "violation unlisted"},
		{`address(c)`, text(" Số 5,  \"Mẫu\" "), `{"chiTiet":"Số 5, \"Mẫu\""}`},
		{`address(c)`, text(" "), "null"},
		{`address(c)`, record.IntValue(5), "violation encoding"},
		{`address(c, "tinh")`, text("xã A, huyện B, tỉnh C"), `"tỉnh C"`},
		{`address(c, "conLai")`, text("Số 5, ngõ 2, xã A, huyện B, tỉnh C"), `"Số 5, ngõ 2"`},
		{`pseudonym(c, "vi_du")`, text(norm.NFD.String("  Nguyễn  Mẫu ")), outcomeOf(t, env, `pseudonym("Nguyễn Mẫu", "vi_du")`)},
		{`pseudonym(c, "vi_du")`, record.IntValue(12), outcomeOf(t, env, `pseudonym("12", "vi_du")`)},
		{`pseudonym(c, "vi_du")`, text("  "), "null"},
		{`pseudonym(c, "vi_du")`, bytesOf(record.JSON, "{}"), "violation encoding"},
		{`zone(c, "UTC")`, bytesOf(record.DateTime, "2020-03-05T08:00:00"), `"2020-03-05T08:00:00Z"`},
		{`zone(c, "Asia/Ho_Chi_Minh")`, bytesOf(record.DateTime, "2020-03-05T08:00:00.5"), `"2020-03-05T08:00:00.5+07:00"`},
		{`zone(c, "UTC")`, bytesOf(record.Timestamp, "2020-03-05T08:00:00Z"), "violation date"},
		{`zone(c, "UTC")`, text("2020-03-05T08:00:00"), "violation date"},
		{`date(c, "excel")`, record.IntValue(45292), `"2024-01-01"`},
		{`date(c, "excel")`, record.FloatValue(45292.75), `"2024-01-01"`},
		{`dateTime(c, "excel")`, dec("45292.75"), `"2024-01-01T18:00:00+07:00"`},
		{`partialDate(c, ["excel", "dd/MM/yyyy"])`, text("01/02/2024"), `{"giaTri":"2024-02-01","doChinhXac":"ngay"}`},
		{`partialDate(c, "excel")`, record.IntValue(60), "violation date"},
		{`date(c, "dd/MM/yyyy")`, record.IntValue(45292), "violation date"},
		{`adminUnit(c, date("01/05/2019", "dd/MM/yyyy"))`, text(" 10978 "), `{"thoiDiemDanhMuc":"2026-09-20","maTinh":"31","maXa":"10966","maTinhCu":"30","maHuyenCu":"296","maXaCu":"10978"}`},
		{`adminUnit(c, date("01/05/2019", "dd/MM/yyyy"))`, record.IntValue(24), `{"thoiDiemDanhMuc":"2026-09-20","maTinh":"24","maTinhCu":"24"}`},
		{`adminUnit(c, date("01/05/2026", "dd/MM/yyyy"))`, record.IntValue(24), `{"thoiDiemDanhMuc":"2026-09-20","maTinh":"24"}`},
		{`adminUnit(c, date("01/05/2019", "dd/MM/yyyy"))`, text("huyện Bình Giang, Hải Dương"), `{"thoiDiemDanhMuc":"2026-09-20","maTinh":"31","maTinhCu":"30","maHuyenCu":"296"} [reference ambiguous]`},
		{`adminUnit(c, date("01/05/2019", "dd/MM/yyyy"))`, text("xã Tân Hưng, huyện Bình Giang, Hải Dương"), `{"thoiDiemDanhMuc":"2026-09-20","maTinh":"31","maTinhCu":"30","maHuyenCu":"296"} [reference unlisted]`},
		{`adminUnit(c, date("01/05/2019", "dd/MM/yyyy"))`, text("999"), `{"thoiDiemDanhMuc":"2019-05-01","maHuyenCu":"999"} [reference unlisted]`},
		{`adminUnit(c, date("01/05/2019", "dd/MM/yyyy"))`, text("xã Trung Chính"), `null [reference ambiguous]`},
		{`adminUnit(c, date("01/05/2019", "dd/MM/yyyy"))`, text("28069"), `{"thoiDiemDanhMuc":"2026-09-20","maTinh":"80","maXa":"28072","maTinhCu":"80","maHuyenCu":"804","maXaCu":"28069"}`}, // whichever it became, that one is in 28072
		{`adminUnit(c, date("01/05/2019", "dd/MM/yyyy"))`, text("  "), "null"},
		{`adminUnit(c, date("01/05/2019", "dd/MM/yyyy"))`, text("\xff"), "violation encoding"},
		{`adminUnit(c, date("01/05/2019", "dd/MM/yyyy"))`, record.NullValue, "null"},
		{`adminUnit(c, date("01/05/2019", "dd/MM/yyyy"))`, day, "violation encoding"},
		{`adminUnit("24", c)`, bytesOf(record.Date, "2019-05-01"), `{"thoiDiemDanhMuc":"2026-09-20","maTinh":"24","maTinhCu":"24"}`},
		{`adminUnit("24", c)`, bytesOf(record.DateTime, "2026-05-01T10:00:00"), `{"thoiDiemDanhMuc":"2026-09-20","maTinh":"24"}`},
		{`adminUnit("24", c)`, bytesOf(record.Timestamp, "2025-06-30T18:00:00Z"), `{"thoiDiemDanhMuc":"2026-09-20","maTinh":"24"}`}, // the first of July in Vietnam
		{`adminUnit("24", c)`, record.NullValue, "null [missing undated]"},
		{`adminUnit("24", c)`, text("2019"), "violation date"},
		{`when(c == 1, "a")`, record.IntValue(1), `"a"`},
		{`when(c == 1, "a")`, record.IntValue(2), "null"},
		{`when(c == 1, "a")`, record.NullValue, "null"},
	} {
		if got := outcome(over(t, env, c.expression)(c.of)); got != c.want {
			t.Errorf("%s of %s %q: %s, want %s", c.expression, c.of.Kind, c.of.Bytes, got, c.want)
		}
	}
}

func outcomeOf(tb testing.TB, env Env, expression string) string {
	tb.Helper()
	return outcome(over(tb, env, expression)(record.NullValue))
}

// TestAmbiguousLookup: two entries with one name, and two whose names differ in marks only.
func TestAmbiguousLookup(t *testing.T) {
	list := `{"id":"thu.ten","version":"1.0.0","title":{"vi":"x","en":"x"},"source":"x","codes":[
		{"code":"1","vi":"Mạ","en":"Ma"},{"code":"2","vi":"Mã","en":"Mã"},{"code":"3","vi":"Hoa","en":"Hoa","aliases":["Tàu"]},{"code":"4","vi":"Hán","en":"Hán","aliases":["Tàu"]}]}`
	set := setWith(t, list)
	for in, want := range map[string]string{
		"Mạ": `"1"`, "mã": `"2"`, "MÁ": "violation ambiguous", "Tàu": "violation ambiguous", "hán": `"4"`, "han": `"4"`, "4": `"4"`, "tau": "violation ambiguous", "ma": `"1"`,
	} {
		if got := outcome(over(t, Env{Set: set}, `lookup("thu.ten", c)`)(record.TextValue(in))); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
		got := outcome(over(t, Env{Set: set}, `lookup("thu.ten", c, "remark")`)(record.TextValue(in)))
		if want == "violation ambiguous" && got != "null [reference ambiguous]" {
			t.Errorf("%s with remark: %s", in, got)
		}
	}
}

func TestJSONColumn(t *testing.T) {
	env := exampleEnv(t)
	doc := `{"a":{"b":[{"c":"x\u1ec5"},{"c":null}],"n":-12.50,"e":1e2,"big":9223372036854775808,"t":true,"o":{"p":[1, 2]}},"":"", "a.b":1, "d":"e\u0302"}`
	for _, c := range []struct{ path, kind, want string }{
		{"a.b[0].c", "", `"xễ"`},
		{"a.b[1].c", "", "null"},
		{"a.b[2].c", "", "null"},
		{"a.x", "", "null"},
		{"a.b.c", "", "null"},
		{"a[0]", "", "null"},
		{"d", "", `"ê"`},
		{"a.n", "", `"-12.50"`},
		{"a.t", "", `"true"`},
		{"a.b", "", "violation type"},
		{"a", "", "violation type"},
		{"a.n", "decimal", "-12.5"},
		{"a.n", "int", "violation number"},
		{"a.e", "int", "violation number"},
		{"a.e", "decimal", "100"},
		{"a.big", "int", "violation number"},
		{"a.big", "decimal", "9223372036854775808"},
		{"a.t", "bool", "true"},
		{"a.t", "int", "violation type"},
		{"d", "int", "violation type"},
		{"a.o", "json", `{"p":[1, 2]}`},
		{"a.o.p", "json", "[1, 2]"},
		{"a.o.p[1]", "int", "2"},
		{"a.b[0]", "json", `{"c":"x\u1ec5"}`},
	} {
		expression := fmt.Sprintf("json(c, %q)", c.path)
		if c.kind != "" {
			expression = fmt.Sprintf("json(c, %q, %q)", c.path, c.kind)
		}
		for _, k := range []record.Kind{record.Text, record.JSON} {
			if got := outcome(over(t, env, expression)(bytesOf(k, doc))); got != c.want {
				t.Errorf("%s of %s: %s, want %s", expression, k, got, c.want)
			}
		}
	}
	deep := strings.Repeat(`{"a":`, maxDepth+1) + "1" + strings.Repeat("}", maxDepth+1)
	for doc, want := range map[string]string{
		"": "null", "  ": "null", `{"a":"x"`: "violation malformed", `{"a":"x"} {}`: "violation malformed", `{"a":01}`: "violation malformed", `{'a':1}`: "violation malformed",
		`{"a":"` + "\xff" + `"}`: "violation malformed", deep: "violation malformed", `["a"]`: "null", `"a"`: "null", `null`: "null",
		`{"a":"` + strings.Repeat("x", maxInner) + `"}`: "violation oversize", "{\n \"a\" : \"x\" }\n": `"x"`, `{"\u0061":"x"}`: `"x"`, `{"a":1,"a":2}`: `"2"`, `{"a":"\ud800"}`: `"�"`,
	} {
		if got := outcome(over(t, env, `json(c, "a")`)(bytesOf(record.JSON, doc))); got != want {
			t.Errorf("%.40q: %s, want %s", doc, got, want)
		}
	}
	if got := outcome(over(t, env, `json(c, "a")`)(record.IntValue(1))); got != "violation type" {
		t.Error(got)
	}
}

func TestXMLColumn(t *testing.T) {
	env := exampleEnv(t)
	doc := `<?xml version="1.0" encoding="windows-1258"?><!-- x --><h:HoSo xmlns:h="urn:mau" ma=" H5 " dung="1"><NguoiDan stt="1"><HoTen> Nguy&#7877;n <![CDATA[Văn & Mẫu]]>
</HoTen><So>12</So></NguoiDan><NguoiDan stt="2"><HoTen>Trần Thử</HoTen><Rong/></NguoiDan><Tien>1.50</Tien><Dung>true</Dung><x>e&#x302;</x></h:HoSo>` + "\n"
	for _, c := range []struct{ path, kind, want string }{
		{"HoSo/NguoiDan[1]/HoTen", "", `"Nguyễn Văn & Mẫu"`},
		{"HoSo/NguoiDan[2]/HoTen", "", `"Trần Thử"`},
		{"HoSo/NguoiDan/HoTen", "", "violation ambiguous"},
		{"HoSo/NguoiDan[3]/HoTen", "", "null"},
		{"HoSo/NguoiDan/So", "int", "12"},
		{"HoSo/NguoiDan[2]/Rong", "", "null"},
		{"HoSo/NguoiDan[2]/HoTen[1]", "", `"Trần Thử"`},
		{"HoSo/NguoiDan/HoTen[2]", "", "null"}, // places count within each parent
		{"HoSo/NguoiDan[1]", "", "violation type"},
		{"HoSo", "", "violation type"},
		{"NguoiDan", "", "null"},
		{"HoTen", "", "null"},
		{"HoSo/HoTen", "", "null"},
		{"HoSo/@ma", "", `"H5"`},
		{"HoSo/@dung", "bool", "true"},
		{"HoSo/@khong", "", "null"},
		{"HoSo/NguoiDan/@stt", "", "violation ambiguous"},
		{"HoSo/NguoiDan[2]/@stt", "int", "2"},
		{"HoSo/@h", "", "null"},
		{"HoSo/Tien", "decimal", "1.5"},
		{"HoSo/Tien", "int", "violation number"},
		{"HoSo/x", "decimal", "violation number"},
		{"HoSo/Dung", "bool", "true"},
		{"HoSo/Tien", "bool", "violation type"},
		{"HoSo/x", "", `"ê"`},
	} {
		expression := fmt.Sprintf("xml(c, %q)", c.path)
		if c.kind != "" {
			expression = fmt.Sprintf("xml(c, %q, %q)", c.path, c.kind)
		}
		if got := outcome(over(t, env, expression)(record.TextValue(doc))); got != c.want {
			t.Errorf("%s: %s, want %s", expression, got, c.want)
		}
	}
	for doc, want := range map[string]string{
		"": "null", " \n": "null", "<a>x</a>": `"x"`, "\ufeff<a>x</a>": `"x"`, "<a>x": "violation malformed", "<a>x</b>": "violation malformed", "<a>x</a><a>y</a>": "violation malformed",
		"x": "violation malformed", "<a>x</a> y": "violation malformed", "<a>&nbsp;</a>": "violation malformed", "<a>\x01</a>": "violation malformed",
		`<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>`: "violation malformed", `<!DOCTYPE a><a>x</a>`: "violation malformed",
		`<!DOCTYPE a [<!ENTITY e "x"><!ENTITY f "&e;&e;&e;&e;">]><a>&f;</a>`:   "violation malformed",
		strings.Repeat("<a>", maxDepth+1) + strings.Repeat("</a>", maxDepth+1): "violation malformed",
		"<a>" + strings.Repeat("x", maxInner) + "</a>":                         "violation oversize",
		"<a>x<b>y</b>z</a>": "violation type", "<a><?pi x?>x<!-- y --></a>": `"x"`, `<?xml version="1.0" encoding="UTF-16"?><a>x</a>`: `"x"`,
	} {
		if got := outcome(over(t, env, `xml(c, "a")`)(record.TextValue(doc))); got != want {
			t.Errorf("%.60q: %s, want %s", doc, got, want)
		}
	}
	if got := outcome(over(t, env, `xml(c, "a")`)(record.IntValue(1))); got != "violation type" {
		t.Error(got)
	}
}

// TestFunctionsAreTotal: any value of any kind gives a value, null or a violation; texts are Unicode NFC.
func TestFunctionsAreTotal(t *testing.T) {
	env := exampleEnv(t)
	var all []func(record.Value) (cell, []Remark)
	calls := []string{
		`titleCase(c)`, `money(c)`, `money(c, "vi")`, `money(c, "en")`, `taxCode(c)`, `personId(c)`, `personId(c, "remark")`, `personId(c, c, date(c))`,
		`personId("001090000123", c, date(c))`, `lookup("danhmuc.dantoc", c)`, `lookup("danhmuc.dantoc", c, "remark")`, `address(c)`, `address(c, "tinh")`, `address(c, "conLai")`,
		`pseudonym(c, "vi_du")`, `json(c, "a")`, `json(c, "[0].a", "json")`, `json(c, "a", "int")`, `xml(c, "a")`, `xml(c, "a/b", "decimal")`, `when(c == 1, c)`, `zone(c, "UTC")`,
		`date(c, "excel")`, `dateTime(c, ["excel", "dd/MM/yy[1930] HH:mm"])`, `partialDate(c, ["dd/MM/yy[1930]", "00/00/yyyy"])`,
	}
	for _, call := range calls {
		all = append(all, over(t, env, call))
	}
	rapid.Check(t, func(t *rapid.T) {
		content := rapid.OneOf(
			rapid.SliceOfN(rapid.Byte(), 0, 40),
			rapid.Map(rapid.StringOf(rapid.SampledFrom([]rune(`{}[]":,.-/ 0123456789aỄẽđVND<>/&;@tinhxãhuyện`+"\u0301\u00a0"))), func(s string) []byte { return []byte(s) }),
		).Draw(t, "content")
		kind := rapid.SampledFrom([]record.Kind{record.Null, record.Bool, record.Int, record.Float, record.Decimal, record.Text, record.Bytes, record.Date, record.Time, record.DateTime, record.Timestamp, record.JSON}).Draw(t, "kind")
		v := record.Value{Kind: kind, Bytes: content}
		if kind == record.Bool || kind == record.Int || kind == record.Float || kind == record.Null {
			v = record.Value{Kind: kind, Num: rapid.Int64().Draw(t, "num")}
		}
		for i, f := range all {
			got, _ := f(v)
			if got.isFailed() {
				if got.failure().rule() == "" {
					t.Fatalf("%s: a failure without a reason", calls[i])
				}
				continue
			}
			if got.is(kindText) && kind == record.Text && (!utf8.Valid(got.bytes()) || !norm.NFC.IsNormal(got.bytes())) {
				t.Fatalf("%s of %q: %q is not NFC", calls[i], content, got.bytes())
			}
		}
	})
}

func setWith(tb testing.TB, list string) *schemas.Set {
	tb.Helper()
	set, err := schemas.Load(fstest.MapFS{"codelists/thu.ten.json": {Data: []byte(list)}})
	if err != nil {
		tb.Fatal(err)
	}
	return set
}

// TestValueFunctionsAllocateNothing: what runs for every row makes no garbage.
func TestValueFunctionsAllocateNothing(t *testing.T) {
	env := exampleEnv(t)
	for call, v := range map[string]record.Value{
		`titleCase(c)`: record.TextValue("NGUYỄN VĂN MẪU"), `money(c)`: record.TextValue("1.234.567,50 đ"), `taxCode(c)`: record.IntValue(100000123),
		`personId(c, "1", date("01/05/1990", "dd/MM/yyyy"))`: record.IntValue(1090000123), `lookup("danhmuc.dantoc", c)`: record.TextValue("MUONG"),
		`address(c)`: record.TextValue("Số 5, xã A, huyện B, tỉnh C"), `dateTime(c, "excel")`: record.FloatValue(45292.75), `when(c == 1, c)`: record.IntValue(1),
		`zone(c, "Asia/Ho_Chi_Minh")`: bytesOf(record.DateTime, "2020-03-05T08:00:00"),
	} {
		f := over(t, env, call)
		if n := testing.AllocsPerRun(100, func() { f(v) }); n > 0 {
			t.Errorf("%s: %v allocations a row", call, n)
		}
	}
}

// TestLayoutsBesideSerials: a serial of a spreadsheet has seven digits at most, so that eight are no serial.
func TestLayoutsBesideSerials(t *testing.T) {
	tr, problems := overColumn(t, record.Column{Name: "c", Kind: record.Text, Nullable: true}, "", `text(date(c, ["excel", "yyyyMMdd"]))`)
	if tr == nil {
		t.Fatal(problems)
	}
	for cell, want := range map[string]string{"45292": "2024-01-01", "20240102": "2024-01-02"} {
		if got := resultOf(tr, record.TextValue(cell)); got != want {
			t.Errorf("%s: %s, want %s", cell, got, want)
		}
	}
}
