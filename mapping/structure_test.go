package mapping

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lienthong/truc/record"
)

// hoSoTable is a table of dossiers with repeated blocks of columns, lists in texts, and members in JSON.
func hoSoTable() *record.Table {
	c := func(name string, k record.Kind) record.Column {
		return record.Column{Name: name, Kind: k, Type: k.String(), Nullable: true}
	}
	return &record.Table{Schema: "mc", Name: "ho_so", Version: 1, Key: []int{0}, Columns: []record.Column{
		{Name: "so", Kind: record.Text, Type: "text"},
		c("nop_ho_ten", record.Text), c("nop_so_dd", record.Text), c("nop_dc_xa", record.Text), c("nop_dc_thon", record.Text),
		c("uq_ho_ten", record.Text), c("uq_so_dd", record.Text), c("uq_dc_xa", record.Text), c("uq_dc_thon", record.Text),
		c("co_uq", record.Bool), c("sdt", record.Text), c("so_cccd", record.Text), c("loai_gt", record.Int), c("so_hc", record.Text),
		c("tv", record.JSON), c("diem1", record.Int), c("diem2", record.Int), c("nhan", record.Text), c("ghi_chu", record.Text), c("ngay_nop", record.Text),
		c("ho_ten", record.Text),
	}}
}

func hoSoPlan(tb testing.TB, with ...string) *SourcePlan {
	tb.Helper()
	set := testSet(tb)
	d, err := set.Dataset("thu.hoso.v1")
	if err != nil {
		tb.Fatal(err)
	}
	data, err := os.ReadFile("testdata/ho_so.yaml")
	if err != nil {
		tb.Fatal(err)
	}
	f, problems := Parse("ho_so.yaml", []byte(strings.NewReplacer(with...).Replace(string(data))), nil)
	if problems.Err() != nil {
		tb.Fatal(problems)
	}
	p, problems := CompileSource(f, hoSoTable(), d, Env{Set: set, Agency: "H44.15"})
	if problems != nil {
		tb.Fatal(problems)
	}
	return p
}

// hoSoRow is a row of which the columns named are filled, the others null.
func hoSoRow(cells map[string]record.Value) record.Row {
	t := hoSoTable()
	row := make(record.Row, len(t.Columns))
	for i := range row {
		row[i] = record.NullValue
	}
	for name, v := range cells {
		row[t.Index(name)] = v
	}
	return row
}

func textValue(s string) record.Value { return record.TextValue(s) }

func jsonValue(s string) record.Value { return record.BytesOf(record.JSON, []byte(s)) }

func TestShapesAndLists(t *testing.T) {
	tr := hoSoPlan(t).NewTranslator()
	for _, c := range []struct {
		name  string
		cells map[string]record.Value
		want  string // what stands between so and the end
	}{
		{
			"prefixes, of shapes in shapes too",
			map[string]record.Value{"nop_so_dd": textValue("001090000123"), "nop_dc_xa": textValue("Xa"), "nop_dc_thon": textValue("Thon"), "ho_ten": textValue("B")},
			`{"hoTen":"A","soDinhDanh":"001090000123","diaChi":{"xa":"Xa","thon":"Thon"}}`,
		},
		{"a let has no prefix", map[string]record.Value{"ghi_chu": textValue("x")}, `{"hoTen":"A","ghiChu":"x"}`},
		{
			"a field of the use replaces the shape's",
			map[string]record.Value{"co_uq": record.BoolValue(true), "uq_ho_ten": textValue("C"), "ghi_chu": textValue("x")},
			`{"hoTen":"A","ghiChu":"x"},"nguoiUyQuyen":{"hoTen":"C","ghiChu":"x!x"}`,
		},
		{"absent under a condition that is false", map[string]record.Value{"co_uq": record.BoolValue(false), "uq_ho_ten": textValue("C")}, `{"hoTen":"A"}`},
		{"null is no condition", map[string]record.Value{"uq_ho_ten": textValue("C")}, `{"hoTen":"A"}`},
		{"present without a field is absent", map[string]record.Value{"co_uq": record.BoolValue(true)}, `{"hoTen":"A"}`},
		{"list of texts", map[string]record.Value{"sdt": textValue(" 0900 000 001; ;;0900000002,0900000003")}, `{"hoTen":"A"},"dienThoai":["0900000001","0900000002","0900000003"]`},
		{"elements that are null are dropped", map[string]record.Value{"sdt": textValue("khong co;0900000002")}, `{"hoTen":"A"},"dienThoai":["0900000002"]`},
		{"an empty list is absent", map[string]record.Value{"sdt": textValue(" ; ,")}, `{"hoTen":"A"}`},
		{"nothing left of a list is absent", map[string]record.Value{"sdt": textValue("khong co")}, `{"hoTen":"A"}`},
		{"written out, first", map[string]record.Value{"so_cccd": textValue("1"), "so_hc": textValue("2"), "loai_gt": record.IntValue(1)}, `{"hoTen":"A"},"giayTo":[{"loai":"cccd","so":"1"}]`},
		{"written out, both", map[string]record.Value{"so_cccd": textValue("1"), "so_hc": textValue("2"), "loai_gt": record.IntValue(2)}, `{"hoTen":"A"},"giayTo":[{"loai":"cccd","so":"1"},{"loai":"hc","so":"2"}]`},
		{"values written out", map[string]record.Value{"diem1": record.IntValue(1), "diem2": record.IntValue(2)}, `{"hoTen":"A"},"diem":[1,2]`},
		{
			"objects of a JSON column",
			map[string]record.Value{"tv": jsonValue(`[{"ten":" Trần\u0020 Thử","nam":1990,"vai":["chu","con"]},{"ten":"B","ma":"m","vai":["x"],"xoa":true},{"ten":"C","ma":"m","vai":["x"]},{}]`)},
			`{"hoTen":"A"},"thanhVien":[{"hoTen":"Trần Thử","namSinh":1990,"vaiTro":["chu","con"]},{"hoTen":"C","vaiTro":["m"]}]`,
		},
		{"JSON null", map[string]record.Value{"tv": jsonValue(" null ")}, `{"hoTen":"A"}`},
		{"empty JSON array", map[string]record.Value{"tv": jsonValue(" [ ] ")}, `{"hoTen":"A"}`},
		{"a list as it is", map[string]record.Value{"nhan": textValue(`a - b-c - "d"`)}, `{"hoTen":"A"},"nhan":["a","b-c","\"d\""]`},
	} {
		c.cells["so"] = textValue("7")
		c.cells["nop_ho_ten"] = textValue("A")
		doc, _, violations := tr.Document(nil, hoSoRow(c.cells))
		got := strings.TrimSuffix(strings.TrimPrefix(string(doc), `{"so":"7","nguoiNop":`), "}")
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
		if len(violations) > 0 {
			t.Errorf("%s: %v", c.name, violations)
		}
	}
}

// TestShapeWithCondition: a shape may have a condition of its own, which counts beside the one of its use.
func TestShapeWithCondition(t *testing.T) {
	tr := hoSoPlan(t, "  nguoi:\n", "  nguoi:\n    when: so_dd != null\n", "nguoiNop: { use: nguoi, prefix: nop_ }", "nguoiNop: { hoTen: text(nop_ho_ten) }").NewTranslator()
	for _, c := range []struct {
		uses, has bool
		want      string
	}{
		{true, true, `,"nguoiUyQuyen":{"hoTen":"B","soDinhDanh":"001090000123"}`},
		{true, false, ""},
		{false, true, ""},
	} {
		cells := map[string]record.Value{"so": textValue("7"), "nop_ho_ten": textValue("A"), "co_uq": record.BoolValue(c.uses), "uq_ho_ten": textValue("B")}
		if c.has {
			cells["uq_so_dd"] = textValue("001090000123")
		}
		doc, _, violations := tr.Document(nil, hoSoRow(cells))
		if want := `{"so":"7","nguoiNop":{"hoTen":"A"}` + c.want + "}"; string(doc) != want || len(violations) > 0 {
			t.Errorf("use %v, shape %v: %s, %v; want %s", c.uses, c.has, doc, violations, want)
		}
	}
}

// TestShapesAndListsRead: the columns behind conditions, lists and shapes are among those that a row must be complete in.
func TestShapesAndListsRead(t *testing.T) {
	p := hoSoPlan(t)
	read := map[string]bool{}
	for _, i := range p.Columns() {
		read[p.Table().Columns[i].Name] = true
	}
	for _, c := range p.Table().Columns {
		if want := c.Name != "ngay_nop" && c.Name != "ho_ten"; read[c.Name] != want {
			t.Errorf("%s is read: %v, want %v", c.Name, read[c.Name], want)
		}
	}
}

// Violations and remarks name the element: its place in the list that is published, where what failed keeps its own.
func TestElementsThatFail(t *testing.T) {
	tr := hoSoPlan(t, "value: digits(s)", `value: 'or(digits(s), "000000000")'`).NewTranslator()
	members := hoSoPlan(t, "text(p.ten)", `p.ten.so`).NewTranslator()
	notList := hoSoPlan(t, "each: tv, as: p, when: p.xoa != true", "each: tv, as: p, when: p.xoa").NewTranslator()
	for _, c := range []struct {
		name  string
		tr    *Translator
		cells map[string]record.Value
		want  []string // pointer rule
	}{
		{"the schema's rule", tr, map[string]record.Value{"sdt": textValue("0900000001;12;0900000003")}, []string{"/dienThoai/1 pattern"}},
		{"remarks of elements", tr, map[string]record.Value{"sdt": textValue("0900000001;a;b")}, []string{"/dienThoai/1 no-digits", "/dienThoai/1 default", "/dienThoai/2 no-digits", "/dienThoai/2 default"}},
		{"too many", tr, map[string]record.Value{"sdt": textValue("0900000001;0900000002;0900000003;0900000004")}, []string{"/dienThoai maxItems"}},
		{"a part of a text", members, map[string]record.Value{"tv": jsonValue(`[{"ten":{"so":"A"}},{"ten":"x"},{"ten":{"so":3}}]`)}, []string{"/thanhVien/1/hoTen type", "/thanhVien/2/hoTen type"}},
		{"a condition that is none", notList, map[string]record.Value{"tv": jsonValue(`[{"ten":"A","xoa":true},{"ten":"B","xoa":1},{"ten":"","xoa":true}]`)}, []string{"/thanhVien/1 type", "/thanhVien/2/hoTen minLength"}},
		{"a list inside", tr, map[string]record.Value{"tv": jsonValue(`[{"ten":"A","vai":["x",{"y":1}]},{"ten":"B","vai":5},{"ten":"C","vai":["z",[],"w"]}]`)}, []string{"/thanhVien/0/vaiTro/1 encoding", "/thanhVien/1/vaiTro type", "/thanhVien/2/vaiTro/1 encoding"}},
		{"no array", tr, map[string]record.Value{"tv": jsonValue(`{"ten":"A"}`)}, []string{"/thanhVien type"}},
		{"a number for a list", tr, map[string]record.Value{"tv": jsonValue(`7`)}, []string{"/thanhVien type"}},
		{"broken JSON", tr, map[string]record.Value{"tv": jsonValue(`[{"ten":"A"}`)}, []string{"/thanhVien type"}},
		{"broken JSON within", tr, map[string]record.Value{"tv": jsonValue(`[{"ten":"A"} {"ten":"B"}]`)}, []string{"/thanhVien type"}},
		{"an element that is no JSON", tr, map[string]record.Value{"tv": jsonValue(`[x]`)}, []string{"/thanhVien type"}},
		{"a cell that cannot be read", tr, map[string]record.Value{"sdt": record.BytesOf(record.Text, []byte{0x80})}, []string{"/dienThoai encoding"}},
		{"an element of a written list", tr, map[string]record.Value{"diem1": record.NullValue, "so_hc": record.BytesOf(record.Text, []byte{0x80}), "loai_gt": record.IntValue(2), "so_cccd": textValue("1")}, []string{"/giayTo/1/so encoding"}},
		{"too few are left", tr, map[string]record.Value{"diem2": record.IntValue(2)}, []string{"/diem minItems"}},
	} {
		c.cells["so"], c.cells["nop_ho_ten"] = textValue("7"), textValue("A")
		_, remarks, violations := c.tr.Document(nil, hoSoRow(c.cells))
		var got []string
		for _, v := range violations {
			got = append(got, v.Pointer+" "+v.Rule)
		}
		for _, r := range remarks {
			got = append(got, r.Pointer+" "+r.Rule)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

func TestShapesAndListsWithoutTable(t *testing.T) {
	set := testSet(t)
	d, err := set.Dataset("thu.hoso.v1")
	if err != nil {
		t.Fatal(err)
	}
	f := mustParse(t, "testdata/ho_so.yaml")
	p, problems := CompileSource(f, nil, d, Env{Set: set})
	if problems != nil {
		t.Fatal(problems)
	}
	var names []string
	for _, c := range p.Table().Columns {
		names = append(names, c.Name)
	}
	want := []string{
		"co_uq", "diem1", "diem2", "ghi_chu", "loai_gt", "ngay_nop", "nhan", "nop_dc_thon", "nop_dc_xa", "nop_ho_ten", "nop_so_dd",
		"sdt", "so", "so_cccd", "so_hc", "tv", "uq_dc_thon", "uq_dc_xa", "uq_ho_ten", "uq_so_dd",
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	for name, table := range map[string]*record.Table{"with its table": hoSoTable(), "without": nil} {
		results, problems := f.RunExamples(table, d, Env{Set: set})
		if problems != nil || len(results) != 1 {
			t.Errorf("%s: %d results, %v", name, len(results), problems)
		}
	}
}

func TestSplit(t *testing.T) {
	for _, c := range []struct{ expression, want string }{
		{`split(a, ";")`, `["a, b - c-d","e"]`},
		{`split(a, [";", ",", "-"])`, `["a","b","c","d","e"]`},
		{`split(a, ["-", " - "])`, `["a, b","c","d; ; e"]`},
		{`split(a, "#")`, `["a, b - c-d; ; e"]`},
	} {
		set := testSet(t)
		d, err := set.Dataset("thu.hoso.v1")
		if err != nil {
			t.Fatal(err)
		}
		f, problems := Parse("m.yaml", []byte("dataset: thu.hoso.v1\nfields:\n  so: '\"1\"'\n  nguoiNop: { hoTen: '\"A\"' }\n  nhan: '"+c.expression+"'\n"), nil)
		if problems != nil {
			t.Fatal(problems)
		}
		p, problems := CompileSource(f, nil, d, Env{Set: set})
		if problems != nil {
			t.Errorf("%s: %v", c.expression, problems)
			continue
		}
		doc, _, violations := p.NewTranslator().Document(nil, record.Row{textValue("a, b - c-d; ; e")})
		if got := string(doc); !strings.HasSuffix(got, ":"+c.want+"}") || len(violations) > 0 {
			t.Errorf("%s: %s, %v; want %s", c.expression, got, violations, c.want)
		}
	}
}

func BenchmarkLists(b *testing.B) {
	tr := hoSoPlan(b).NewTranslator()
	row := hoSoRow(map[string]record.Value{
		"so": textValue("7"), "nop_ho_ten": textValue("A"), "co_uq": record.BoolValue(true), "uq_ho_ten": textValue("B"), "sdt": textValue("0900 000 001; 0900000002"),
		"so_cccd": textValue("1"), "loai_gt": record.IntValue(2), "so_hc": textValue("2"), "tv": jsonValue(`[{"ten":"A","vai":["x","y"]},{"ten":"B"}]`),
	})
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf, _, _ = tr.Document(buf[:0], row)
	}
}

// TestFingerprintOfLists: what a list is made of is part of the mapping's meaning.
func TestFingerprintOfLists(t *testing.T) {
	first := hoSoPlan(t).Fingerprint()
	for _, with := range [][]string{
		{"{ each: sdts, as: s, value: digits(s) }", "{ each: 'split(sdt, \";\")', as: s, value: digits(s) }"},
		{"{ each: sdts, as: s, value: digits(s) }", "{ each: sdts, as: s, value: text(s) }"},
		{"when: p.xoa != true, fields", "fields"},
		{"namSinh: p.nam", "namSinh: p.nam2"},
		{"[diem1, diem2]", "[diem2, diem1]"},
	} {
		if got := hoSoPlan(t, with...).Fingerprint(); got == first {
			t.Errorf("%q instead of %q is taken for the same mapping", with[1], with[0])
		}
	}
}
