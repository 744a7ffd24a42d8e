package mapping

import (
	"fmt"
	"strings"
	"testing"

	"github.com/lienthong/truc/mapping/value"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/schemas"
)

// TestEncodedColumns reads a name from a column of every encoding, as text and as bytes, and writes it to a column of the same.
func TestEncodedColumns(t *testing.T) {
	set := testSet(t)
	d := testDataset(t, set)
	for _, e := range value.Encodings() {
		name := "Nguyễn Văn Đức"
		if strings.HasSuffix(e.Name, "-hoa") {
			name = strings.ToUpper(name)
		}
		raw, ok := e.Encode(nil, []byte(name))
		if !ok {
			t.Fatal(e.Name)
		}
		for _, k := range []record.Kind{record.Text, record.Bytes} {
			tr, problems := overColumn(t, record.Column{Name: "ten", Kind: k}, "ten: { text: "+e.Name+" }", "ten")
			if tr == nil {
				t.Fatal(problems)
			}
			if got := resultOf(tr, record.BytesOf(k, raw)); got != name {
				t.Errorf("%s, %s: %q", e.Name, k, got)
			}
		}

		f, problems := Parse("m.yaml", []byte("dataset: thu.khaisinh.v1\ntable: t\nkey: { so_ks: so }\ncolumns: { ho_ten: { value: nguoiDuocKhaiSinh.hoTen, text: "+e.Name+" } }\n"), nil)
		if problems != nil {
			t.Fatal(problems)
		}
		p, problems := CompileSink(f, d, nil, Env{Set: set})
		if p == nil {
			t.Fatal(problems)
		}
		var change record.Change
		doc := fmt.Appendf(nil, `{"so":"1","nguoiDuocKhaiSinh":{"hoTen":%q}}`, name)
		if _, violations := p.NewTranslator().Change(EventView{}, doc, &change); len(violations) > 0 || string(change.Values[0].Bytes) != string(raw) {
			t.Errorf("%s: written %q, want %q (%v)", e.Name, change.Values[0].Bytes, raw, violations)
		}
		doc = fmt.Appendf(nil, `{"so":"1","nguoiDuocKhaiSinh":{"hoTen":%q}}`, "漢"+name)
		_, violations := p.NewTranslator().Change(EventView{}, doc, &change)
		switch {
		case e.Name == "utf-8":
		case len(violations) != 1 || violations[0].Rule != schemas.RuleUnwritable || !strings.Contains(violations[0].EN, e.Name+", column ho_ten"):
			t.Errorf("%s: %v", e.Name, violations)
		}
	}
}

// TestMixedEncodings: a column in which some rows are in another encoding than was declared. Where a byte has no meaning it is a violation that
// names the encoding and the column; VISCII alone gives every byte a meaning and cannot tell.
func TestMixedEncodings(t *testing.T) {
	for declared, others := range map[string][]string{
		"utf-8":         {"tcvn3", "vni", "viscii", "cp1258"},
		"tcvn3":         {"vni", "viscii", "utf-8"},
		"tcvn3-latin1":  {"utf-8"},
		"vni":           {"tcvn3", "viscii", "cp1258", "utf-8"},
		"vni-latin1":    {"utf-8"},
		"cp1258":        {"utf-8"},
		"viscii-latin1": {"utf-8"},
	} {
		tr, problems := overColumn(t, record.Column{Name: "ten", Kind: record.Text}, "ten: { text: "+declared+" }", "ten")
		if tr == nil {
			t.Fatal(problems)
		}
		for _, other := range others {
			e, _ := value.EncodingNamed(other)
			raw, _ := e.Encode(nil, []byte("Nguyễn Thị Hương Đức Phường Bồng"))
			_, _, violations := tr.Document(nil, overRow(record.BytesOf(record.Text, raw)))
			if len(violations) != 1 || violations[0].Rule != schemas.RuleEncoding || !strings.Contains(violations[0].EN, "("+declared+", column ten)") {
				t.Errorf("%s in a column declared as %s: %v", other, declared, violations)
			}
		}
	}
}

// overColumn compiles a mapping whose ghiChu is an expression over one column. rule is a line under columns, "" for none.
func overColumn(t *testing.T, c record.Column, rule, expression string) (*Translator, []string) {
	t.Helper()
	s := testSet(t)
	columns := ""
	if rule != "" {
		columns = "columns:\n  " + rule + "\n"
	}
	source := "dataset: thu.khaisinh.v1\n" + columns + "fields:\n  so: '\"1\"'\n  quyenSo: '\"q\"'\n  noiDangKy: { const: { ma: H44.15 } }\n" +
		"  nguoiDuocKhaiSinh: { hoTen: '\"A\"', ngaySinh: { const: { giaTri: \"2019\", doChinhXac: nam } }, gioiTinh: { const: \"1\" } }\n  ghiChu: '" + expression + "'\n"
	f, problems := Parse("m.yaml", []byte(source), nil)
	if f != nil {
		p, more := CompileSource(f, &record.Table{Name: "t", Columns: []record.Column{c, {Name: "other", Kind: record.Text}}}, testDataset(t, s), Env{Set: s})
		problems = append(problems, more...)
		if p != nil && len(problems) == 0 {
			return p.NewTranslator(), nil
		}
	}
	var out []string
	for _, p := range problems {
		out = append(out, strings.TrimPrefix(p.Code, "mapping.")+" | "+p.What+" | "+p.Fix)
	}
	return nil, out
}

func overRow(v record.Value) record.Row { return record.Row{v, record.NullValue} }

// resultOf is ghiChu of a row, or "absent", or the rules that it violates, with the remarks behind it.
func resultOf(tr *Translator, v record.Value) string {
	doc, remarks, violations := tr.Document(nil, overRow(v))
	got := "absent"
	if raw, there := member(doc, "ghiChu"); there {
		got = string(appendUnescaped(nil, raw[1:len(raw)-1]))
	}
	if len(violations) > 0 {
		got = "violation"
		for _, v := range violations {
			got += " " + v.Rule
		}
	}
	for _, r := range remarks {
		got += " [" + r.Group + " " + r.Rule + "]"
	}
	return got
}
