package discover_test

import (
	"fmt"
	"testing"

	"github.com/lienthong/truc/discover"
)

// TestReadByFunctions: amounts, tax codes and yes or no are read by the functions that know their forms, where the values bear them out.
func TestReadByFunctions(t *testing.T) {
	for _, c := range []struct {
		name, column, property string
		values                 []any
		want                   string
	}{
		{"amounts with dots", "von_dieu_le", "vonDieuLe.soTien", []any{"1.500.000.000", "20.000.000", "3.000.000"}, "text(money(von_dieu_le))"},
		{"amounts that are words", "von_dieu_le", "vonDieuLe.soTien", []any{"nhiều", "ít", "vừa"}, ""},
		{"tax codes", "ma_so_thue", "maSoDoanhNghiep", []any{"0100000010", "0100000028", "0100000035"}, "taxCode(ma_so_thue)"},
		{"ten digits that are no tax codes", "ma_so_thue", "maSoDoanhNghiep", []any{"0100000000", "0100000001", "0100000003"}, "text(ma_so_thue)"},
		{"yes and no in words", "nganh_chinh", "nganhNghe[].chinh", []any{"Có", "Không", "Không"}, `nganh_chinh == "Có"`},
		{"neither yes nor no", "nganh_chinh", "nganhNghe[].chinh", []any{"Có", "Không", "Chưa rõ"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			table, rows := grid("id,ten_doanh_nghiep,"+c.column, people(30, func(i int) []any {
				return []any{i, fmt.Sprintf("Công ty TNHH Mẫu %d", i), c.values[i%len(c.values)]}
			})...)
			table.Name = "doanh_nghiep"
			d := describe(t, table, rows, discover.Options{Dataset: "doanhnghiep.doanhnghiep.v1"}).Draft
			got := ""
			for _, p := range d.Proposals {
				if p.Property == c.property && p.Live {
					got = p.Expression
				}
			}
			if got != c.want {
				t.Errorf("%s is filled by %q, want %q\n%s", c.property, got, c.want, d.YAML)
			}
		})
	}
}
