package discover_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/discover"
	"github.com/lienthong/truc/mapping"
	"github.com/lienthong/truc/mapping/value"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/schemas"
)

// grid makes a table of text columns and its rows; a cell may be an int64.
func grid(names string, rows ...[]any) (*record.Table, []record.Row) {
	t := &record.Table{Name: "ht_khaisinh", Version: 1, Key: []int{0}}
	for _, n := range strings.Split(names, ",") {
		t.Columns = append(t.Columns, record.Column{Name: n, Kind: record.AnyKind, Type: "TEXT", Nullable: true})
	}
	var out []record.Row
	for _, cells := range rows {
		row := make(record.Row, len(cells))
		for i, c := range cells {
			switch c := c.(type) {
			case string:
				row[i] = record.TextValue(c)
			case int:
				row[i] = record.IntValue(int64(c))
			case nil:
				row[i] = record.NullValue
			}
		}
		out = append(out, row)
	}
	return t, out
}

func describe(t *testing.T, table *record.Table, rows []record.Row, opt discover.Options) discover.Table {
	t.Helper()
	set, err := schemas.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	opt.Set = set
	if opt.Dataset == "" {
		opt.Dataset = "hotich.khaisinh.v1"
	}
	report, err := discover.Describe(adapters.TableInfo{Table: table, Rows: int64(len(rows))}, table, rows, opt)
	if err != nil {
		t.Fatal(err)
	}
	checkDraft(t, report.Draft, table, set)
	return report
}

func proposal(t *testing.T, d *discover.Draft, property string) discover.Proposal {
	t.Helper()
	i := slices.IndexFunc(d.Proposals, func(p discover.Proposal) bool { return p.Property == property })
	if i < 0 {
		t.Fatalf("nothing is proposed for %s:\n%s", property, d.YAML)
	}
	return d.Proposals[i]
}

func people(n int, row func(i int) []any) [][]any {
	var out [][]any
	for i := range n {
		out = append(out, row(i))
	}
	return out
}

// TestNoValues: names, numbers and dates of rows come out only when samples are asked for.
func TestNoValues(t *testing.T) {
	rows := people(30, func(i int) []any {
		return []any{i, fmt.Sprintf("Nguyễn Văn Mẫu%c", 'A'+i%26), fmt.Sprintf("%02d/11/19%02d", i%28+1, 40+i), fmt.Sprintf("0010900%05d", i), fmt.Sprintf("Dân tộc lạ %d", i), fmt.Sprintf("Số %d đường Ví Dụ", i), "1"}
	})
	table, cells := grid("id,ho_ten,ngay_sinh,so_dinh_danh,dan_toc,noi_sinh,gioi_tinh", rows...)
	secret := []string{"Mẫu", "/11/19", "00109", "lạ", "Ví Dụ"}
	shown := func(samples bool) string {
		b, err := json.Marshal(describe(t, table, cells, discover.Options{Samples: samples}))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	out := shown(false)
	for _, s := range secret {
		if strings.Contains(out, s) {
			t.Errorf("%q of a row is in the report", s)
		}
	}
	if out = shown(true); !strings.Contains(out, "Mẫu") || !strings.Contains(out, "/11/19") {
		t.Error("samples were asked for and are not there")
	}
}

// TestSexIsNeverAssumed: numbers stay open, words are read.
func TestSexIsNeverAssumed(t *testing.T) {
	for _, c := range []struct {
		name  string
		codes []string
		want  map[string]string
	}{
		{"numbers", []string{"1", "2"}, map[string]string{"1": "", "2": ""}},
		{"with zero", []string{"0", "1"}, map[string]string{"0": "", "1": ""}},
		{"letters", []string{"M", "F"}, map[string]string{"M": "", "F": ""}},
		{"words", []string{"Nam", "Nữ"}, map[string]string{"Nam": "1", "Nữ": "2"}},
		{"without accents", []string{"NAM", "nu"}, map[string]string{"NAM": "1", "nu": "2"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			table, rows := grid("id,gioi_tinh", people(20, func(i int) []any { return []any{i, c.codes[i%2]} })...)
			d := describe(t, table, rows, discover.Options{}).Draft
			p := proposal(t, d, "nguoiDuocKhaiSinh.gioiTinh")
			if p.Codes == nil || len(p.Codes.Entries) != len(c.want) {
				t.Fatalf("codes %+v, want %v", p.Codes, c.want)
			}
			open := false
			for _, e := range p.Codes.Entries {
				if e.To != c.want[e.From] {
					t.Errorf("%s is taken for %q, want %q", e.From, e.To, c.want[e.From])
				}
				if e.To == "" {
					open = true
					if !strings.Contains(d.YAML, `# TODO "`+e.From+`": "?"`) {
						t.Errorf("no line is left for the code %s:\n%s", e.From, d.YAML)
					}
				}
			}
			if p.Live == open {
				t.Errorf("live is %v:\n%s", p.Live, d.YAML)
			}
		})
	}
}

// TestUncertainIsAComment: two columns that fit alike are both named, and neither is chosen.
func TestUncertainIsAComment(t *testing.T) {
	table, rows := grid("id,ho_ten,ho_va_ten", people(20, func(i int) []any { return []any{i, "Nguyễn Văn Mẫu", "Trần Thị Thử"} })...)
	d := describe(t, table, rows, discover.Options{}).Draft
	p := proposal(t, d, "nguoiDuocKhaiSinh.hoTen")
	if p.Live || p.Confidence >= discover.Threshold || len(p.Others) != 1 {
		t.Errorf("proposed %+v", p)
	}
	for _, line := range []string{"# hoTen: text(ho_ten)", "# hoTen: text(ho_va_ten)"} {
		if !strings.Contains(d.YAML, line) {
			t.Errorf("the draft lacks %q:\n%s", line, d.YAML)
		}
	}
}

// TestValuesContradictNames: a name that fits is not enough when the values cannot be that.
func TestValuesContradictNames(t *testing.T) {
	for column, c := range map[string]struct{ property, value string }{
		"ngay_sinh":    {"nguoiDuocKhaiSinh.ngaySinh", "không nhớ"},
		"ngay_dk":      {"ngayDangKy", "quyển 3"},
		"ho_ten":       {"nguoiDuocKhaiSinh.hoTen", "0912345"},
		"so_dinh_danh": {"nguoiDuocKhaiSinh.soDinhDanh", "12"},
		"quoc_tich":    {"nguoiDuocKhaiSinh.quocTich", "một giá trị dài không phải mã"},
	} {
		table, rows := grid("id,"+column, people(20, func(i int) []any { return []any{i, c.value} })...)
		d := describe(t, table, rows, discover.Options{}).Draft
		for _, p := range d.Proposals {
			if p.Property == c.property && (p.Live || p.Confidence >= discover.Threshold) {
				t.Errorf("%s: proposed with %.2f although its values are no such thing: %+v", column, p.Confidence, p.Reasons)
			}
		}
	}
}

// TestDayAndMonth: without a day above 12 the layout is a guess.
func TestDayAndMonth(t *testing.T) {
	for value, certain := range map[string]bool{"05/06/2020": false, "25/06/2020": true} {
		table, rows := grid("id,ngay_dang_ky", people(20, func(i int) []any { return []any{i, value} })...)
		p := proposal(t, describe(t, table, rows, discover.Options{}).Draft, "ngayDangKy")
		if p.Confidence > 0.9 != certain {
			t.Errorf("%s: confidence %.2f", value, p.Confidence)
		}
	}
}

// TestEncodingIsNotApplied: a suspected encoding is named, and its line is a comment.
func TestEncodingIsNotApplied(t *testing.T) {
	names := []string{"Nguyễn Văn Mẫu", "Trần Thị Ví Dụ", "Lê Hoàng Thử", "Phạm Đức Giả Định", "Hoàng Thị Mẫu", "Đỗ Quốc Thử", "Vũ Thị Hương Mẫu"}
	table, rows := grid("id,ho_ten", people(len(names), func(i int) []any { return []any{i, ""} })...)
	for i, n := range names {
		b, ok := value.EncodeTCVN3(nil, []byte(n))
		if !ok {
			t.Fatal(n)
		}
		rows[i][1] = record.BytesOf(record.Text, b)
	}
	report := describe(t, table, rows, discover.Options{})
	if c := report.Columns[1]; c.Suspected != "tcvn3" || c.Encodings[0].Clean != len(names) {
		t.Errorf("found %+v", c)
	}
	file, _ := mapping.Parse("draft", []byte(report.Draft.YAML), nil)
	for _, r := range file.Columns {
		if r.Text != "" {
			t.Errorf("the draft declares %s for %s", r.Text, r.Name)
		}
	}
	if !strings.Contains(report.Draft.YAML, `# "*": { text: tcvn3 }`) {
		t.Errorf("the draft does not name it:\n%s", report.Draft.YAML)
	}
	report = describe(t, table, rows, discover.Options{Samples: true})
	if s := report.Columns[1].Samples[0]; !strings.HasPrefix(s.Decoded, "tcvn3: ") {
		t.Errorf("the sample is not shown decoded: %+v", s)
	}
}

// TestMixedEncodings: a column whose rows are in several encodings is named with their shares, and none is suspected.
func TestMixedEncodings(t *testing.T) {
	names := []string{"Nguyễn Văn Mẫu", "Trần Thị Ví Dụ", "Lê Hoàng Thử", "Phạm Đức Giả Định", "Hoàng Thị Mẫu", "Đỗ Quốc Thử", "Vũ Thị Hương Mẫu", "Bùi Xuân Mẫu"}
	table, rows := grid("id,ho_ten", people(len(names), func(i int) []any { return []any{i, names[i]} })...)
	for i, n := range names[:5] {
		b, _ := value.EncodeTCVN3(nil, []byte(n))
		rows[i][1] = record.BytesOf(record.Text, b)
	}
	report := describe(t, table, rows, discover.Options{Languages: []problem.Language{problem.English}})
	c := report.Columns[1]
	if len(c.Mixed) != 2 || c.Mixed[0] != (discover.Share{Encoding: "tcvn3", Values: 5, Percent: 62}) || c.Mixed[1].Encoding != "utf-8" || c.Suspected != "" {
		t.Errorf("found %+v", c)
	}
	yaml := report.Draft.YAML
	for _, line := range []string{"the column ho_ten mixes encodings: tcvn3 62 %, utf-8 38 %. One encoding", "told apart at the source"} {
		if !strings.Contains(yaml, line) {
			t.Errorf("the draft lacks %q:\n%s", line, yaml)
		}
	}
}

// TestLanguage: a draft speaks the languages that were asked for.
func TestLanguage(t *testing.T) {
	table, rows := grid("id,ho_ten,gioi_tinh", people(5, func(i int) []any { return []any{i, "Nguyễn Văn Mẫu", i % 2} })...)
	vietnamese, english := []string{"Bản nháp", "bắt buộc", "tên khớp", "hàng mẫu"}, []string{"A draft", "required", "the name matches", "sampled rows"}
	for _, c := range []struct {
		languages  []problem.Language
		has, lacks []string
	}{
		{nil, slices.Concat(vietnamese, english), nil},
		{[]problem.Language{problem.Vietnamese, problem.English}, slices.Concat(vietnamese, english), nil},
		{[]problem.Language{problem.Vietnamese}, vietnamese, english},
		{[]problem.Language{problem.English}, english, vietnamese},
	} {
		yaml := describe(t, table, rows, discover.Options{Languages: c.languages}).Draft.YAML
		for _, s := range c.has {
			if !strings.Contains(yaml, s) {
				t.Errorf("%v: the draft lacks %q:\n%s", c.languages, s, yaml)
			}
		}
		for _, s := range c.lacks {
			if strings.Contains(yaml, s) {
				t.Errorf("%v: the draft says %q", c.languages, s)
			}
		}
	}
}

// TestRequiredIsATodo: what a document must have and no column fills stands in the draft.
func TestRequiredIsATodo(t *testing.T) {
	table, rows := grid("id,ho_ten", people(5, func(i int) []any { return []any{i, "Nguyễn Văn Mẫu"} })...)
	d := describe(t, table, rows, discover.Options{Agency: "H44.15"}).Draft
	for _, line := range []string{"# TODO bắt buộc, chưa có cột nào: so (", "TODO required, no column found: so (", "noiDangKy.ma (", "# ma: { const: H44.15 }"} {
		if !strings.Contains(d.YAML, line) {
			t.Errorf("the draft lacks %q:\n%s", line, d.YAML)
		}
	}
	if !slices.Contains(d.Key.Open, "so") {
		t.Errorf("key %+v", d.Key)
	}
}

// TestStrangeNames: a column that no expression can name gets a name of its own, and a keyword as well.
func TestStrangeNames(t *testing.T) {
	table, rows := grid("id,Họ và tên,in", people(5, func(i int) []any { return []any{i, "Nguyễn Văn Mẫu", "x"} })...)
	d := describe(t, table, rows, discover.Options{}).Draft
	if !strings.Contains(d.YAML, `ho_va_ten: { from: "Họ và tên" }`) || !strings.Contains(d.YAML, "hoTen: text(ho_va_ten)") {
		t.Error(d.YAML)
	}
}

// endless has more rows than anybody should read.
type endless struct {
	table *record.Table
	read  int
}

func (e *endless) Scan(_ context.Context, _ string, fn func(*record.Table, []record.Row) error) error {
	for {
		rows := make([]record.Row, 300)
		for i := range rows {
			e.read++
			rows[i] = record.Row{record.IntValue(int64(e.read)), record.BytesOf(record.Text, make([]byte, 5000))}
		}
		if err := fn(e.table, rows); err != nil {
			return err
		}
	}
}

func TestRowsStopsEarly(t *testing.T) {
	table, _ := grid("id,ho_ten")
	e := &endless{table: table}
	found, rows, err := discover.Rows(t.Context(), e, "x", discover.MaxRows)
	if err != nil || found != table || len(rows) != discover.MaxRows || e.read > discover.MaxRows+300 {
		t.Errorf("%d rows of %d read, %v", len(rows), e.read, err)
	}
	if n := len(rows[0][1].Bytes); n > 1000 {
		t.Errorf("%d bytes of a cell are kept", n)
	}
	broken := errors.New("the line is cut")
	if _, _, err := discover.Rows(t.Context(), failing{broken}, "x", 10); !errors.Is(err, broken) {
		t.Errorf("the error is %v", err)
	}
}

type failing struct{ err error }

func (f failing) Scan(context.Context, string, func(*record.Table, []record.Row) error) error {
	return f.err
}
