package mapping

import (
	"bytes"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
)

func set(column string, v record.Value) func(record.Row) {
	return func(r record.Row) { r[khaiSinhTable().Index(column)] = v }
}

func TestKeep(t *testing.T) {
	tr := khaiSinhPlan(t).NewTranslator()
	for _, c := range []struct {
		name string
		with []func(record.Row)
		want Verdict
	}{
		{"live", nil, Live},
		{"draft", []func(record.Row){set("trang_thai", record.IntValue(0))}, Filtered},
		{"softly deleted", []func(record.Row){set("da_xoa", record.BoolValue(true))}, Gone},
		{"softly deleted draft", []func(record.Row){set("da_xoa", record.BoolValue(true)), set("trang_thai", record.IntValue(0))}, Gone},
		{"null is not deleted", []func(record.Row){set("da_xoa", record.NullValue)}, Live},
		{"null is not published", []func(record.Row){set("trang_thai", record.NullValue)}, Filtered},
		{"unchanged filter", []func(record.Row){set("trang_thai", record.Value{})}, Unknown},
		{"unchanged elsewhere", []func(record.Row){set("ghi_chu", record.Value{})}, Live},
	} {
		row := khaiSinhRow(t)
		for _, change := range c.with {
			change(row)
		}
		if got := tr.Keep(row); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestKeyIsUnknown(t *testing.T) {
	p := khaiSinhPlan(t)
	tr := p.NewTranslator()
	if got := p.KeyColumns(); !cmp.Equal(got, []int{1, 2}) {
		t.Errorf("KeyColumns = %v", got)
	}
	for name, v := range map[string]record.Value{"unchanged": {}, "null": record.NullValue, "undecodable": record.BytesOf(record.Text, []byte{0x80})} {
		row := khaiSinhRow(t)
		set("quyen", v)(row)
		if key, known := tr.Key([]byte("before"), row); known || string(key) != "before" {
			t.Errorf("%s: key %q, known %v", name, key, known)
		}
	}
}

// oldRow is what a delete carries: everything but the key is null.
func TestKeyOfOldRow(t *testing.T) {
	tr := khaiSinhPlan(t).NewTranslator()
	row := make(record.Row, len(khaiSinhTable().Columns))
	for i := range row {
		row[i] = record.Value{}
	}
	set("so_dk", record.TextValue(`1"2`))(row)
	set("quyen", record.TextValue("q"))(row)
	if key, known := tr.Key(nil, row); !known || string(key) != `["1\"2","q","H44.15"]` {
		t.Errorf("key %s, known %v", key, known)
	}
}

func TestViolations(t *testing.T) {
	tr := khaiSinhPlan(t).NewTranslator()
	for _, c := range []struct {
		name string
		with func(record.Row)
		want []string // pointer rule group
	}{
		{"text that is not TCVN3", set("ho_ten", record.BytesOf(record.Text, []byte{'A', 0x80})), []string{"/nguoiDuocKhaiSinh/hoTen encoding format"}},
		{"no date", set("ngay_dk", record.TextValue("31/02/2020")), []string{"/ngayDangKy date format"}},
		{"no partial date", set("ngay_sinh", record.TextValue("tháng 3")), []string{"/nguoiDuocKhaiSinh/ngaySinh encoding format"}},
		{"unmapped code", set("gioi_tinh", record.IntValue(9)), []string{"/nguoiDuocKhaiSinh/gioiTinh unmapped-code reference"}},
		{"null where required", set("gioi_tinh", record.NullValue), []string{"/nguoiDuocKhaiSinh/gioiTinh required missing"}},
		{"declared null where required", set("ngay_sinh", record.TextValue(" 01/01/1900 ")), []string{"/nguoiDuocKhaiSinh/ngaySinh required missing"}},
		{"schema", set("dan_toc", record.TextValue("1")), []string{"/nguoiDuocKhaiSinh/danToc pattern format"}},
		{"not a number", set("le_phi", record.BytesOf(record.Decimal, []byte("NaN"))), []string{"/lePhi number format"}},
		{"infinity", set("Ngày sửa", record.BytesOf(record.DateTime, []byte("infinity"))), []string{"/capNhat date format"}},
		{"a cell the log does not carry", set("ghi_chu", record.Value{}), []string{"/ghiChu incomplete missing"}},
		{"larger than a record may be", set("ghi_chu", record.BytesOf(record.Text, bytes.Repeat([]byte("a"), MaxDocument+1))), []string{"/ghiChu oversize outlier"}},
		{"two at once", func(r record.Row) {
			set("gioi_tinh", record.IntValue(9))(r)
			set("loai", record.IntValue(7))(r)
		}, []string{"/nguoiDuocKhaiSinh/gioiTinh unmapped-code reference", "/loaiDangKy maximum outlier"}},
	} {
		row := khaiSinhRow(t)
		c.with(row)
		doc, _, violations := tr.Document(nil, row)
		var got []string
		for _, v := range violations {
			got = append(got, v.Pointer+" "+v.Rule+" "+v.Group)
			if v.VI == "" || v.EN == "" || strings.Contains(v.EN, "31/02") {
				t.Errorf("%s: words %q, %q", c.name, v.VI, v.EN)
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s\n%s", c.name, diff, doc)
		}
	}
}

// simple compiles a mapping with one expression for ghiChu over a table of columns a (text), i (int), n (nullable text).
func simple(t *testing.T, extra, expression string) (*Translator, problem.List) {
	t.Helper()
	s := testSet(t)
	d := testDataset(t, s)
	source := "dataset: thu.khaisinh.v1\n" + extra + "fields:\n  so: text(i)\n  quyenSo: '\"q\"'\n  noiDangKy: { const: { ma: H44.15 } }\n" +
		"  nguoiDuocKhaiSinh: { hoTen: '\"A\"', ngaySinh: { const: { giaTri: \"2019\", doChinhXac: nam } }, gioiTinh: { const: \"1\" } }\n  ghiChu: " + expression + "\n"
	f, problems := Parse("m.yaml", []byte(source), nil)
	if f == nil {
		return nil, problems
	}
	table := &record.Table{Name: "t", Columns: []record.Column{
		{Name: "i", Kind: record.Int},
		{Name: "a", Kind: record.Text},
		{Name: "n", Kind: record.Text, Nullable: true},
		{Name: "x", Kind: record.AnyKind},
		{Name: "d", Kind: record.Decimal},
		{Name: "ts", Kind: record.Timestamp},
		{Name: "day", Kind: record.Date},
	}, Identity: []int{0}}
	p, more := CompileSource(f, table, d, Env{Set: s, IdentityFix: "ALTER TABLE t REPLICA IDENTITY FULL"})
	problems = append(problems, more...)
	if p == nil {
		return nil, problems
	}
	return p.NewTranslator(), problems
}

func simpleRow() record.Row {
	return record.Row{
		record.IntValue(7), record.TextValue("  Ho\u0300a   b "), record.NullValue, record.IntValue(3), record.BytesOf(record.Decimal, []byte("2.50")),
		record.BytesOf(record.Timestamp, []byte("2024-02-29T23:30:00Z")), record.BytesOf(record.Date, []byte("2019-03-01")),
	}
}

func TestExpressions(t *testing.T) {
	for _, c := range []struct{ expression, want string }{
		{`a`, "  Hòa   b "}, // NFC always, blanks only by text()
		{`text(a)`, "Hòa b"},
		{`n`, "absent"},
		{`text(n)`, "absent"},
		{`or(n, a)`, "  Hòa   b "},
		{`or(n, "-")`, "-"},
		{`join([n, text(a), text(i)], "/")`, "Hòa b/7"},
		{`join([n], "")`, "absent"},
		{`digits("012 345-678")`, "012345678"},
		{`digits(text(a))`, "absent"},
		{`pad(i, 3)`, "007"},
		{`text(d)`, "2.50"},
		{`text(decimal(d))`, "2.5"},
		{`text(x)`, "3"},
		{`'i == 7 ? "seven" : null'`, "seven"},
		{`'i == 8 ? "eight" : null'`, "absent"},
		{`'d > 2 && d < 3.0 && d == 2.5 ? "between" : "not"'`, "between"},
		{`'n == null || n.startsWith("z") ? "y" : "n"'`, "refused"},
		{`'day < date("02/03/2019", "dd/MM/yyyy") ? "before" : "after"'`, "before"},
		{`text(age(day, ts))`, "5"}, // in Vietnam it is 1 March 2024 already
		{`text(dateTime("1/2/2020 7:05", "d/M/yyyy H:mm"))`, "refused"},
		{`text(dateTime("01/02/2020 07:05", "dd/MM/yyyy HH:mm"))`, "2020-02-01T07:05:00+07:00"},
		{`text(dateTime("01/02/2020 07:05", "dd/MM/yyyy HH:mm", "UTC"))`, "2020-02-01T07:05:00Z"},
		{`text(partialDate("03/1975", ["dd/MM/yyyy", "MM/yyyy"]))`, "1975-03"},
		{`text(i / 2)`, "3"},
		{`string(size(text(a)))`, "5"},
		{`'[i, 1].exists(v, v > 6) ? "some" : "none"'`, "some"},
		{`'i in [1, 7] && !(i in [2]) ? "in" : "out"'`, "in"},
		{`'text(a).matches("^H.a") ? text(a) + "!" : ""'`, "Hòa b!"},
		{`text(ts)`, "2024-02-29T23:30:00Z"},
		{`'ts.getFullYear() == 2024 ? "leap" : ""'`, "leap"},
		{`text(a) + text(9223372036854775807 + i)`, "violation"},
		// A side that decides is enough, whatever becomes of the other.
		{`'9223372036854775807 + i == 1 && i == 8 ? "y" : "n"'`, "n"},
		{`'9223372036854775807 + i == 1 || i == 7 ? "y" : "n"'`, "y"},
		{`'i == 8 && 9223372036854775807 + i == 1 ? "y" : "n"'`, "n"},
		{`'9223372036854775807 + i == 1 && i == 7 ? "y" : "n"'`, "violation"},
	} {
		tr, problems := simple(t, "", c.expression)
		if tr == nil {
			if c.want != "refused" {
				t.Errorf("%s: %v", c.expression, problems)
			}
			continue
		}
		doc, _, violations := tr.Document(nil, simpleRow())
		raw, there := member(doc, "ghiChu")
		got := "absent"
		switch {
		case len(violations) > 0:
			got = "violation"
		case there:
			got = string(appendUnescaped(nil, raw[1:len(raw)-1]))
		}
		if got != c.want {
			t.Errorf("%s = %q, want %q (%v)", c.expression, got, c.want, violations)
		}
	}
}

// A filter that cannot be computed must not make a row disappear: it is kept, and its document is not valid.
func TestFailingFilterIsAViolation(t *testing.T) {
	for _, filter := range []string{"9223372036854775807 + i == 1", "x + 1 > 2", "date(a, \"dd/MM/yyyy\") == day", "x"} {
		tr, problems := simple(t, "only: "+filter+"\n", "a")
		if tr == nil {
			t.Errorf("%s: %v", filter, problems)
			continue
		}
		row := simpleRow()
		row[3] = record.TextValue("z")
		if v := tr.Keep(row); v != Live {
			t.Errorf("%s: %s", filter, v)
		}
		if _, _, violations := tr.Document(nil, row); len(violations) == 0 {
			t.Errorf("%s: no violation", filter)
		}
	}
}

func TestRemarks(t *testing.T) {
	for expression, want := range map[string][]Remark{
		`or(n, a)`:                        nil,
		`or(n, "-")`:                      {{"/ghiChu", "missing", "default"}},
		`or(a, "-")`:                      nil,
		`digits("không có")`:              {{"/ghiChu", "format", "no-digits"}},
		`digits(" ")`:                     nil,
		`'i == 8 ? or(n, "-") : text(a)'`: nil,
	} {
		tr, problems := simple(t, "", expression)
		if tr == nil {
			t.Fatal(problems)
		}
		_, got, _ := tr.Document(nil, simpleRow())
		if len(got) == 0 {
			got = nil
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", expression, diff)
		}
	}
}

func TestKeyOutsideIdentity(t *testing.T) {
	_, problems := simple(t, "", "a")
	if problems != nil {
		t.Fatal(problems)
	}
	s := testSet(t)
	table := khaiSinhTable()
	table.Identity = []int{0}
	_, problems = CompileSource(mustParse(t, "testdata/khai_sinh.yaml"), table, testDataset(t, s), Env{Set: s, IdentityFix: "ALTER TABLE public.khai_sinh REPLICA IDENTITY FULL"})
	want := problem.List{{
		Code: "mapping.key-identity", Where: "testdata/khai_sinh.yaml:9:7 key[0]",
		What: problem.Say("the key [so, quyenSo, noiDangKy.ma] is made of so_dk, quyen, which a delete in table public.khai_sinh does not carry"),
		Fix:  problem.Say("ALTER TABLE public.khai_sinh REPLICA IDENTITY FULL"),
	}}
	if diff := cmp.Diff(want, problems, cmp.Transformer("English", problem.Text.String)); diff != "" {
		t.Error(diff)
	}
}

func TestFingerprint(t *testing.T) {
	s := testSet(t)
	d := testDataset(t, s)
	data, err := os.ReadFile("testdata/khai_sinh.yaml")
	if err != nil {
		t.Fatal(err)
	}
	of := func(source string) string {
		f, problems := Parse("m.yaml", []byte(source), nil)
		if f == nil {
			t.Fatal(problems)
		}
		p, problems := CompileSource(f, khaiSinhTable(), d, Env{Set: s})
		if p == nil {
			t.Fatal(problems)
		}
		return p.Fingerprint()
	}
	base := string(data)
	first := of(base)
	if first != "b5b9f8235dcfe091" {
		t.Errorf("fingerprint %q: with another one every pipeline would seem to have a new mapping", first)
	}
	for _, c := range []struct {
		old, new string
		same     bool
	}{
		{"so: so_dk", "so: 'so_dk'", true},
		{"only: trang_thai == 2", "only: trang_thai==2   # comment", true},
		{"table: public.khai_sinh", "table: public.khai_sinh_2", true},
		{`{ "1": "1", "2": "2", "3": "0" }`, `{ "3": "0", "2": "2", "1": "1" }`, true},
		{"\n", "\r\n", true},
		{"dataset:", "\ufeffdataset:", true},
		{"so: so_dk", "so: quyen", false},
		{"only: trang_thai == 2", "only: trang_thai == 1", false},
		{`"3": "0"`, `"3": "1"`, false},
		{"deleted: da_xoa", "", false},
		{"{ pad: 12 }", "{ pad: 13 }", false},
		{"text: tcvn3", "text: utf-8", false},
		{`"", "01/01/1900"`, `""`, false},
		{"H44.15", "H44.16", false},
		{`], " ")`, `], "  ")`, false},
		{"Asia/Ho_Chi_Minh", "UTC", false},
	} {
		if !strings.Contains(base, c.old) {
			t.Fatalf("no %q", c.old)
		}
		n := 1
		if c.old == "\n" {
			n = -1
		}
		if got := of(strings.Replace(base, c.old, c.new, n)); (got == first) != c.same {
			t.Errorf("%q instead of %q: same %v", c.new, c.old, got == first)
		}
	}
}

// A plan is shared by goroutines; run with -race.
func TestPlanIsShared(t *testing.T) {
	p := khaiSinhPlan(t)
	row := khaiSinhRow(t)
	want, _, _ := p.NewTranslator().Document(nil, row)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			tr := p.NewTranslator()
			for range 50 {
				if got, _, _ := tr.Document(nil, row); string(got) != string(want) {
					t.Errorf("%s", got)
				}
			}
		})
	}
	wg.Wait()
}

// An object all of whose fields are absent is absent.
func TestObjectOfNothingIsAbsent(t *testing.T) {
	tr := khaiSinhPlan(t).NewTranslator()
	row := khaiSinhRow(t)
	for _, column := range []string{"me_ho", "me_dem", "me_ten", "cmnd_me", "me_nam_sinh", "cha_ho_ten"} {
		set(column, record.NullValue)(row)
	}
	doc, _, violations := tr.Document(nil, row)
	if _, there := member(doc, "me"); there || len(violations) > 0 {
		t.Errorf("%s %v", doc, violations)
	}
	if cha, _ := member(doc, "cha"); string(cha) != `{"soDinhDanh":"001090000123"}` {
		t.Errorf("cha = %s", cha)
	}
}

// Nothing on the hot path allocates once the translator's scratch has grown.
func TestTranslateAllocatesNothing(t *testing.T) {
	p := khaiSinhPlan(t)
	tr := p.NewTranslator()
	row := khaiSinhRow(t)
	buf := make([]byte, 0, 4096)
	if n := testing.AllocsPerRun(100, func() { buf, _, _ = tr.Document(buf[:0], row) }); n > 0 {
		t.Errorf("%v allocations a row", n)
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"testdata/khai_sinh.yaml", "testdata/tre_em.yaml"} {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, s := range []string{"a: \"b", "so: x ? \"1\" : \"2\"", "{", "\t", "- a", "fields: {a: {b: *x}}", "dataset: 001", "columns: {\"*\": {text: tcvn3}}\nfields: {a: 'text(x) + '}"} {
		f.Add([]byte(s))
	}
	set := testSet(f)
	d, err := set.Dataset("thu.khaisinh.v1")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		started := time.Now()
		file, problems := Parse("m.yaml", data, nil)
		defer func() {
			if took := time.Since(started); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
		}()
		if file == nil {
			if problems.Err() == nil {
				t.Error("no file and no problem")
			}
			return
		}
		env := Env{Set: set}
		var plan any
		if file.Direction == Source {
			p, l := CompileSource(file, khaiSinhTable(), d, env)
			problems = append(problems, l...)
			if p != nil {
				plan = p
				_, _ = file.RunExamples(khaiSinhTable(), d, env)
				_, _ = file.RunExamples(nil, d, env)
			}
		} else {
			p, l := CompileSink(file, d, treEmTable(), env)
			problems = append(problems, l...)
			if p != nil {
				plan = p
				_, _ = file.RunExamples(treEmTable(), d, env)
			}
		}
		if (plan == nil) != (problems.Err() != nil) {
			t.Errorf("plan %v with problems %v", plan != nil, problems)
		}
		for _, p := range problems {
			for _, raw := range []string{"go-yaml", "ERROR:", "no matching overload", "Syntax error", "undeclared reference"} {
				if strings.Contains(p.What.EN, raw) || strings.Contains(p.Fix.EN, raw) {
					t.Errorf("foreign words: %v", p)
				}
			}
		}
	})
}
