package mapping

import (
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/schemas"
)

// hostileCells are what a legacy column may hold, by kind: valid, out of bounds, out of the code table, not UTF-8, not JSON
// without escapes.
func hostileCells(column record.Column) *rapid.Generator[record.Value] {
	text := []string{
		"12", "01/2020", "05/03/2020", "02/2020", "2020", "Nguyen Van Mau", "", " ", " a  b ", `"`, `\`, "a\"b\\c", "\x00", "\n", "\x1f", "\x7f", "\xff", "\xb8\xb9", "\xc3", "\xd4n",
		"30/02/2020", "không có", "ạ", "a\u0301", "\u2028", "\ufeff", "😀", "001090000123", "1234567890123", string(make([]byte, 300)), "H44.15", "99", "x",
	}
	var kinds []record.Value
	switch column.Kind {
	case record.Int:
		for _, n := range []int64{0, 1, 2, -1, 9, 1990, 999_999_999_999_999, 1_000_000_000_000_000, -1 << 63, 1<<63 - 1} {
			kinds = append(kinds, record.IntValue(n))
		}
	case record.Bool:
		kinds = append(kinds, record.BoolValue(true), record.BoolValue(false))
	case record.Decimal:
		for _, s := range []string{"12500.50", "0", "-0", "NaN", "Infinity", "1e400", "-1", "123456789012345678901234567890.5"} {
			kinds = append(kinds, record.BytesOf(record.Decimal, []byte(s)))
		}
	case record.DateTime:
		for _, s := range []string{"2020-03-05T08:00:00", "infinity", "0044-03-15T12:00:00 BC", "20200-01-01T00:00:00", "\"", ""} {
			kinds = append(kinds, record.BytesOf(record.DateTime, []byte(s)))
		}
	default:
		for _, s := range text {
			kinds = append(kinds, record.TextValue(s))
		}
	}
	return rapid.SampledFrom(append(kinds, record.NullValue))
}

// A document that its translator has proven value by value is valid to the authority, whatever the row holds.
func TestProvenDocumentsAreValid(t *testing.T) {
	p := khaiSinhPlan(t)
	table := khaiSinhTable()
	tr := p.NewTranslator()
	good := khaiSinhRow(t)
	proven, refused := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		for range 20 {
			row := good.Clone()
			for range rapid.IntRange(0, 6).Draw(t, "changes") {
				i := rapid.IntRange(0, len(row)-1).Draw(t, "column")
				row[i] = hostileCells(table.Columns[i]).Draw(t, "cell")
			}
			doc, _, violations := tr.Document(nil, row)
			authority := p.dataset.Check(doc)
			switch {
			case len(violations) > 0:
				refused++
			case authority != nil || !utf8.Valid(doc):
				t.Fatalf("accepted, but %v\nproven by its parts: %v\ndocument %q", authority, tr.proven, doc)
			case tr.proven:
				proven++
			}
		}
	})
	t.Logf("%d documents proven by their parts, %d refused", proven, refused)
	if proven < 100 || refused < 100 {
		t.Error("the generator proves too little")
	}
}

// Each rule of the schema, broken alone in an otherwise valid document: it is not proven.
func TestBrokenDocumentsAreNotProven(t *testing.T) {
	tr := khaiSinhPlan(t).NewTranslator()
	if _, _, violations := tr.Document(nil, khaiSinhRow(t)); len(violations) > 0 || !tr.proven {
		t.Fatalf("a valid row is not proven by its parts: %v", violations)
	}
	for column, v := range map[string]record.Value{
		"so_dk": record.TextValue("123456789012345678901"), "quyen": record.NullValue, "loai": record.IntValue(6), "dan_toc": record.TextValue("1"),
		"ho_ten": record.TextValue(""), "ngay_sinh": record.NullValue, "cmnd_cha": record.TextValue("1234567890123"),
	} {
		row := khaiSinhRow(t)
		set(column, v)(row)
		doc, _, violations := tr.Document(nil, row)
		if tr.proven || len(violations) == 0 {
			t.Errorf("%s: proven %v, violations %v, document %s", column, tr.proven, violations, doc)
		}
	}
}

// Lists are proven by their elements and their length, partial dates by their text and the word for how precise they are.
func TestListsAndPartialDatesAreProven(t *testing.T) {
	set, err := schemas.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	d, err := set.Dataset("dancu.congdan.v1")
	if err != nil {
		t.Fatal(err)
	}
	file, problems := Parse("m.yaml", []byte(`dataset: dancu.congdan.v1
table: cong_dan
fields:
  soDinhDanh: so
  hoTen: ho_ten
  ngaySinh: partialDate(ngay_sinh, ["dd/MM/yyyy", "MM/yyyy", "yyyy"])
  gioiTinh: { const: "1" }
  quocTich: [{ const: VN }]
  dienThoai: { each: 'split(sdt, ";")', as: s, value: digits(s) }
`), nil)
	if problems.Err() != nil {
		t.Fatal(problems)
	}
	table := &record.Table{Name: "cong_dan", Key: []int{0}, Version: 1}
	for _, name := range []string{"so", "ho_ten", "ngay_sinh", "sdt"} {
		table.Columns = append(table.Columns, record.Column{Name: name, Kind: record.Text})
	}
	p, problems := CompileSource(file, table, d, Env{Set: set, Agency: "H25"})
	if problems.Err() != nil {
		t.Fatal(problems)
	}
	tr := p.NewTranslator()
	for _, c := range []struct {
		born, phones string
		proven       bool
	}{
		{"05/06/1975", "0900000001", true},
		{"06/1975", "0900000001;0900000002;0900000003;0900000004;0900000005", true},
		{"1975", "", true},
		{"1975", "0900000001;0900000002;0900000003;0900000004;0900000005;0900000006", false},
		{"1975", "0900000001;1", false},
	} {
		row := record.Row{record.TextValue("025180000001"), record.TextValue("Nguyễn Thị Mẫu"), record.TextValue(c.born), record.TextValue(c.phones)}
		doc, _, violations := tr.Document(nil, row)
		if tr.proven != c.proven || (len(violations) == 0) != c.proven || (d.Check(doc) == nil) != c.proven {
			t.Errorf("born %q, phones %q: proven %v, violations %v, document %s", c.born, c.phones, tr.proven, violations, doc)
		}
	}
	born := p.root[2].proof
	for text, want := range map[string]bool{"1975": true, "1975-06": true, "1975-06-05": true, "75": false, `1975"`: false, "\xff": false} {
		if got := born.proves(&cell{kind: kindPartial, text: text}, []byte("{}")); got != want {
			t.Errorf("partial date %q: proven %v", text, got)
		}
	}
}
