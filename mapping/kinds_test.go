package mapping

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lienthong/truc/record"
)

// TestKindsThatFit: which properties of a document take which kinds of columns as they are.
func TestKindsThatFit(t *testing.T) {
	set := testSet(t)
	d := testDataset(t, set)
	fields := [][2]string{
		{"so", `'"1"'`},
		{"quyenSo", `'"q"'`},
		{"noiDangKy", "{ const: { ma: H44.15 } }"},
		{"nguoiDuocKhaiSinh", `{ hoTen: '"A"', ngaySinh: BORN, gioiTinh: { const: "1" } }`},
	}
	const born = `{ const: { giaTri: "2019", doChinhXac: nam } }`
	properties := []struct{ name, label string }{
		{"ghiChu", "text"},
		{"loaiDangKy", "integer"},
		{"lePhi", "number"},
		{"quaHan", "boolean"},
		{"ngayDangKy", "date"},
		{"capNhat", "date-time"},
		{"ngaySinh", "partial date"},
		{"me", "object"},
		{"nhan", "list"},
	}
	for _, c := range []struct {
		kind       record.Kind
		expression string
		want       string
	}{
		{record.Text, "c", "text"},
		{record.Int, "c", "integer number"},
		{record.Float, "c", "number"},
		{record.Decimal, "c", "integer number"},
		{record.Bool, "c", "boolean"},
		{record.Date, "c", "text date"},
		{record.Time, "c", "text"},
		{record.DateTime, "c", "text"},
		{record.Timestamp, "c", "text date-time"},
		{record.JSON, "c", "partial date object list"},
		{record.Bytes, "c", ""},
		{record.AnyKind, "c", "text integer number boolean date date-time partial date object list"},
		{record.Text, `partialDate(c, "yyyy")`, "partial date"},
		{record.Text, `split(c, ";")`, "list"},
		{record.Text, `address(c)`, ""},
		{record.Text, `null`, "text integer number boolean date date-time partial date object list"},
	} {
		var fit []string
		for _, p := range properties {
			var b strings.Builder
			b.WriteString("dataset: thu.khaisinh.v1\nfields:\n")
			for _, f := range fields {
				of := born
				if p.name == "ngaySinh" {
					of = "'" + c.expression + "'"
				}
				fmt.Fprintf(&b, "  %s: %s\n", f[0], strings.Replace(f[1], "BORN", of, 1))
			}
			if p.name != "ngaySinh" {
				fmt.Fprintf(&b, "  %s: '%s'\n", p.name, c.expression)
			}
			f, problems := Parse("m.yaml", []byte(b.String()), nil)
			if problems != nil {
				t.Fatal(problems)
			}
			table := &record.Table{Name: "t", Columns: []record.Column{{Name: "c", Kind: c.kind, Nullable: true}}}
			if plan, _ := CompileSource(f, table, d, Env{Set: set}); plan != nil {
				fit = append(fit, p.label)
			}
		}
		if diff := cmp.Diff(c.want, strings.Join(fit, " ")); diff != "" {
			t.Errorf("%s %s: %s", c.kind, c.expression, diff)
		}
	}
}
