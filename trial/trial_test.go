package trial

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"strings"
	"testing"

	"github.com/lienthong/truc/mapping"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/schemas"
)

const births = `dataset: hotich.khaisinh.v1
table: ks
only: trang_thai != 0
deleted: trang_thai == 9
codes: { gioi: { list: danhmuc.gioitinh, map: { "1": "1", "2": "2" } } }
fields:
  so: so
  quyenSo: quyen
  ngayDangKy: date(ngay, "dd/MM/yyyy")
  loaiDangKy: { const: "1" }
  noiDangKy: { ma: { const: H44.15 } }
  nguoiDuocKhaiSinh:
    hoTen: ten
    ngaySinh: partialDate(ngay, "dd/MM/yyyy")
    gioiTinh: code("gioi", gioi)
    noiSinh: or(noi, "không rõ")
    soDinhDanh: dd
`

// scan is a table in memory.
type scan struct {
	table *record.Table
	rows  []record.Row
	// each is called before every group of ten rows.
	each func(read int)
}

func (s *scan) Scan(_ context.Context, _ string, fn func(*record.Table, []record.Row) error) error {
	for i := 0; i < len(s.rows); i += 10 {
		if s.each != nil {
			s.each(i)
		}
		if err := fn(s.table, s.rows[i:min(i+10, len(s.rows))]); err != nil {
			return err
		}
	}
	return nil
}

// birth is a good row, with changes: "ten=…".
func birth(n int, changes ...string) record.Row {
	cells := map[string]string{"so": fmt.Sprintf("s%04d", n), "quyen": "01/2024", "ngay": "05/06/2024", "ten": "Nguyễn Văn Mẫu", "gioi": "1", "noi": "Xã Ví Dụ", "dd": "001090012345"}
	status := int64(1)
	for _, c := range changes {
		name, v, _ := strings.Cut(c, "=")
		if name == "trang_thai" {
			status = int64(v[0] - '0')
			continue
		}
		cells[name] = v
	}
	row := record.Row{record.IntValue(status)}
	for _, name := range columns() {
		if cells[name] == "" {
			row = append(row, record.NullValue)
		} else {
			row = append(row, record.TextValue(cells[name]))
		}
	}
	return row
}

func columns() []string { return []string{"so", "quyen", "ngay", "ten", "gioi", "noi", "dd"} }

func trialOf(t *testing.T, rows []record.Row) (*Run, *scan) {
	t.Helper()
	set, err := schemas.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	dataset, err := set.Dataset("hotich.khaisinh.v1")
	if err != nil {
		t.Fatal(err)
	}
	file, problems := mapping.Parse("ks.yaml", []byte(births), nil)
	if problems.Err() != nil {
		t.Fatal(problems)
	}
	table := &record.Table{Name: "ks", Version: 1, Columns: []record.Column{{Name: "trang_thai", Kind: record.Int}}}
	for _, c := range columns() {
		table.Columns = append(table.Columns, record.Column{Name: c, Kind: record.Text, Nullable: true})
	}
	s := &scan{table: table, rows: rows}
	return &Run{
		Scanner: s, Table: "ks", Dataset: dataset, Dir: t.TempDir(),
		Compile: func(table *record.Table) (*mapping.SourcePlan, error) {
			plan, l := mapping.CompileSource(file, table, dataset, mapping.Env{Set: set})
			return plan, l.Err()
		},
		Hash: func(key []byte) string {
			h := fnv.New64a()
			_, _ = h.Write(key)
			return hex.EncodeToString(h.Sum(nil)[:6])
		},
	}, s
}

func find(r Report, field, rule string) Finding {
	for _, f := range r.Findings {
		if f.Field == field && f.Rule == rule {
			return f
		}
	}
	return Finding{}
}

func is(t *testing.T, what string, got *float64, want float64) {
	t.Helper()
	if got == nil || *got < want-1e-9 || *got > want+1e-9 {
		shown := "nothing"
		if got != nil {
			shown = fmt.Sprint(*got)
		}
		t.Errorf("%s is %s, want %v", what, shown, want)
	}
}

func TestTrial(t *testing.T) {
	r, _ := trialOf(t, []record.Row{
		birth(1), birth(2), birth(3),
		birth(4, "trang_thai=0"), birth(5, "trang_thai=9"),
		birth(6, "ten="),             // missing
		birth(7, "gioi=7"),           // reference
		birth(8, "dd=12"),            // format, of an identifier
		birth(9, "noi="),             // a remark: missing
		birth(10, "so="),             // no key
		birth(1), birth(1, "dd=123"), // two more of the first key
	})
	report, err := r.Do(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if report.Rows != 12 || report.Filtered != 1 || report.Deleted != 1 || report.Live != 10 || report.Valid != 5 || report.Invalid != 5 || report.Remarked != 1 || report.NoKey != 1 || !report.Complete {
		t.Errorf("counted %+v", report)
	}
	if report.DuplicateKeys != 1 || report.DuplicateRows != 2 {
		t.Errorf("duplicates: %d keys, %d rows", report.DuplicateKeys, report.DuplicateRows)
	}
	if f := find(report, "nguoiDuocKhaiSinh.soDinhDanh", "pattern"); f.Count != 2 || !f.Violation || f.Group != schemas.GroupFormat || f.Says.VI == "" {
		t.Errorf("pattern: %+v", f)
	}
	if f := find(report, "nguoiDuocKhaiSinh.noiSinh", "default"); f.Count != 1 || f.Violation {
		t.Errorf("default: %+v", f)
	}
	if len(report.Groups) != 8 {
		t.Errorf("%d groups", len(report.Groups))
	}
	for _, g := range report.Groups {
		want := map[string][3]int{schemas.GroupMissing: {2, 1, 2}, schemas.GroupReference: {1, 0, 1}, schemas.GroupFormat: {2, 0, 2}, schemas.GroupDuplicate: {0, 2, 1}}[g.Group]
		if got := [3]int{int(g.Violations), int(g.Remarks), len(g.Keys)}; got != want {
			t.Errorf("group %s: %v, want %v", g.Group, got, want)
		}
	}
	i := report.Indicators
	is(t, "right", i.Right, 1)
	is(t, "full", i.Full, 0.7)
	is(t, "clean", i.Clean, 0.6) // two of wrong format, one of which is a duplicate, and two more rows beyond the first… less the counted one
	is(t, "consistent", i.Consistent, 0.9)
	is(t, "identifiers", i.Identifiers, 0.5) // no key, two wrong forms, and the other two rows of the key that stands three times
	is(t, "overall", i.Overall, (1+0.7+0.6+0.9)/4)
	if i.Alive != nil {
		t.Errorf("alive is %v, and no rule looks at it", *i.Alive)
	}
}

// TestNoValues: keys are hashes, and nothing of a row is in the report.
func TestNoValues(t *testing.T) {
	var rows []record.Row
	for n := range 40 {
		rows = append(rows, birth(n, "ten=Trần Thị Bí Mật", fmt.Sprintf("dd=09120%d", n), "gioi=8", "noi="))
	}
	r, _ := trialOf(t, append(rows, rows[0]))
	report, err := r.Do(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"Bí Mật", "09120", "s0001", "05/06", "2024-06"} {
		if strings.Contains(string(out), secret) {
			t.Errorf("%q of a row is in the report", secret)
		}
	}
	shown := 0
	r, _ = trialOf(t, rows)
	r.Document = func(doc []byte, violations []schemas.Violation) bool {
		shown++
		if !strings.Contains(string(doc), "Bí Mật") || len(violations) == 0 {
			t.Errorf("the document is %s", doc)
		}
		return shown < 3
	}
	if _, err := r.Do(t.Context()); err != nil || shown != 3 {
		t.Errorf("%d documents, %v", shown, err)
	}
}

func TestRowsAreBounded(t *testing.T) {
	var rows []record.Row
	for n := range 35 {
		rows = append(rows, birth(n))
	}
	for bound, complete := range map[int64]bool{0: true, 35: true, 34: false, 12: false, 100: true} {
		r, _ := trialOf(t, rows)
		r.Rows = bound
		report, err := r.Do(t.Context())
		want := int64(35)
		if bound > 0 {
			want = min(bound, 35)
		}
		if err != nil || report.Rows != want || report.Complete != complete {
			t.Errorf("%d rows asked: %d read, complete %v, %v", bound, report.Rows, report.Complete, err)
		}
	}
}

// TestInterrupted: what was found so far is reported.
func TestInterrupted(t *testing.T) {
	var rows []record.Row
	for n := range 100 {
		rows = append(rows, birth(n, "ten="))
	}
	rows[3] = rows[2]
	ctx, stop := context.WithCancel(t.Context())
	r, s := trialOf(t, rows)
	s.each = func(read int) {
		if read == 50 {
			stop()
		}
	}
	report, err := r.Do(ctx)
	if !errors.Is(err, context.Canceled) || !report.Interrupted || report.Complete || report.Rows < 50 || report.Rows > 51 || report.Invalid < 50 || report.DuplicateRows != 1 || report.Indicators.Full == nil {
		t.Errorf("%v: %+v", err, report)
	}
}

// TestKeysSpill: duplicates are found across the runs on disk, and the file is gone afterwards.
func TestKeysSpill(t *testing.T) {
	dir := t.TempDir()
	k := &keys{dir: dir, limit: 64}
	for i := range 10_000 {
		key := i
		if i%100 == 0 {
			key = 7 // the 100 rows i = 0, 100, ... and the row 7 itself
		}
		if err := k.add(fmt.Appendf(nil, "k%d", key), fmt.Sprintf("%012x", key), 0); err != nil {
			t.Fatal(err)
		}
		if len(k.held) > 64 {
			t.Fatalf("%d keys are held", len(k.held))
		}
	}
	d, err := k.duplicates()
	if err != nil || d.keys != 1 || d.rows != 100 || d.unclean != 100 || d.unnamed != 101 || len(d.first) != 1 || d.first[0] != "000000000007" {
		t.Errorf("%+v, %v", d, err)
	}
	k.close()
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestFieldPaths(t *testing.T) {
	for pointer, want := range map[string]string{"": "", "/a/b": "a.b", "/a/0/b/12": "a[].b[]", "/quocTich/3": "quocTich[]", "/soCMND9": "soCMND9"} {
		if got := field(pointer); got != want {
			t.Errorf("%s is %s, want %s", pointer, got, want)
		}
	}
}
