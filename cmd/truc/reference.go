package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/schemas"
	"github.com/lienthong/truc/schemas/units"
)

// The tables of the adapter reference, as mappings name them.
const (
	codesTable = "danh_muc"
	unitsTable = "don_vi_hanh_chinh"
)

// referenceTables are the standards of a node as tables: the codes of all its lists, those of its own folders among them, and the
// administrative units.
func referenceTables(set *schemas.Set) ([]adapters.ReferenceTable, error) {
	catalogue, err := units.Builtin()
	if err != nil {
		return nil, fmt.Errorf("read the administrative units: %w", err)
	}
	administrative, err := unitRows(catalogue)
	if err != nil {
		return nil, err
	}
	return []adapters.ReferenceTable{codeRows(set), administrative}, nil
}

// referenceTable makes a table of which the first two columns are the key, and those that follow may be null.
func referenceTable(name string, columns ...record.Column) *record.Table {
	t := &record.Table{Name: name, Columns: columns, Key: []int{0, 1}, Identity: []int{0, 1}, Version: 1}
	for i := range t.Columns {
		t.Columns[i].Type, t.Columns[i].Nullable = t.Columns[i].Kind.String(), i > 1
	}
	return t
}

// cells makes a row, or the first columns of one; what is "" is null.
func cells(t *record.Table, texts ...string) record.Row {
	row := make(record.Row, len(texts))
	for i, text := range texts {
		row[i] = record.NullValue
		if text != "" {
			row[i] = record.BytesOf(t.Columns[i].Kind, []byte(text))
		}
	}
	return row
}

func codeRows(set *schemas.Set) adapters.ReferenceTable {
	text := func(name string) record.Column { return record.Column{Name: name, Kind: record.Text} }
	day := func(name string) record.Column { return record.Column{Name: name, Kind: record.Date} }
	out := adapters.ReferenceTable{Table: referenceTable(codesTable, text("danh_muc"), text("ma"), text("phien_ban"), text("ten"), text("ten_tieng_anh"),
		text("ten_khac"), day("hieu_luc_tu"), day("hieu_luc_den"), text("thay_bang"), text("can_cu"), text("tam_thoi"))}
	for _, l := range set.CodeLists() {
		for _, c := range l.Codes() {
			out.Rows = append(out.Rows, cells(out.Table, l.ID, c.Code, l.Read(c), c.VI, c.EN, strings.Join(c.Aliases, "|"),
				cmp.Or(c.From, l.From), cmp.Or(c.To, l.To), strings.Join(c.ReplacedBy, "|"), l.Source, l.Provisional))
		}
		for _, c := range l.Withdrawn() {
			out.Withdrawn = append(out.Withdrawn, cells(out.Table, l.ID, c.Code))
		}
	}
	return out
}

// firstDay is written of units that are older than the first list.
const firstDay = "2019-01-01"

func unitRows(catalogue *units.Catalogue) (adapters.ReferenceTable, error) {
	text := func(name string) record.Column { return record.Column{Name: name, Kind: record.Text} }
	day := func(name string) record.Column { return record.Column{Name: name, Kind: record.Date} }
	out := adapters.ReferenceTable{Table: referenceTable(unitsTable, text("ma"), day("hieu_luc_tu"), text("cap"), text("loai"), text("ten"), text("ten_day_du"),
		text("ma_tinh"), text("ma_huyen"), day("hieu_luc_den"), record.Column{Name: "thanh_don_vi", Kind: record.JSON}, text("can_cu"))}
	type successor struct {
		Code string `json:"ma"`
		From string `json:"tu"`
	}
	all := catalogue.Units()
	for i := range all {
		u := &all[i]
		var into []byte
		if len(u.Into) > 0 {
			var next []successor
			for _, n := range u.Into {
				next = append(next, successor{n.Code, dayOr(n.From, firstDay)})
			}
			var err error
			if into, err = json.Marshal(next); err != nil {
				return out, fmt.Errorf("write what became of an administrative unit: %w", err)
			}
		}
		out.Rows = append(out.Rows, cells(out.Table, u.Code, dayOr(u.From, firstDay), u.Level.String(), unitKind(u), u.Name, u.Full(),
			u.Province, u.District, dayOr(u.Until, ""), string(into), u.Act))
	}
	return out, nil
}

// unitKind is the code of danhmuc.loaidonvihanhchinh, "" for a kind that it does not have.
func unitKind(u *units.Unit) string {
	if u.Level == units.Province && u.Type == "thành phố" {
		return "thanh-pho-truc-thuoc"
	}
	return map[string]string{
		"tỉnh": "tinh", "thành phố": "thanh-pho", "huyện": "huyen", "quận": "quan", "thị xã": "thi-xa",
		"xã": "xa", "phường": "phuong", "thị trấn": "thi-tran", "đặc khu": "dac-khu",
	}[u.Type]
}

func dayOr(d units.Date, none string) string {
	if d == 0 {
		return none
	}
	return string(d.AppendDate(nil))
}
