package bench

import (
	"fmt"
	"os"
	"strconv"
	"testing"

	"github.com/lienthong/truc/mapping"
	"github.com/lienthong/truc/mapping/value"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/schemas"
)

// birth is one row of an old civil-status system: its text TCVN3 that was taken for Latin-1 when the data moved to a UTF-8
// database, its dates text. Nobody in it exists.
func birth(tb testing.TB, n int) []any {
	tb.Helper()
	tcvn3 := func(s string) string {
		out, ok := value.EncodeTCVN3Latin1(nil, []byte(s))
		if !ok {
			tb.Fatalf("%q cannot be written in TCVN3", s)
		}
		return string(out)
	}
	pick := func(of []string, by int) string { return of[n/by%len(of)] }
	family := []string{"Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Vũ", "Đặng", "Bùi", "Đỗ"}
	middle := []string{"Thị Thu", "Văn", "Minh", "Đức", "Ngọc", "Thị"}
	given := []string{"Hương", "Tuấn", "Hạnh", "Dũng", "Quỳnh", "Phương", "Khánh"}
	name := func(by int) string {
		return tcvn3(pick(family, by) + " " + pick(middle, by+1) + " " + pick(given, by+2))
	}
	day := func(year int) string { return fmt.Sprintf("%02d/%02d/%04d", 1+n%28, 1+n%12, year) }
	return []any{
		fmt.Sprintf("%02d/2024", 1+n%12), strconv.Itoa(1 + n%200), day(2024), 1 + n%2, name(1), day(2023), 1 + n%3, 1 + n%4,
		tcvn3("Bệnh viện Sản Nhi Mẫu, phường Vĩnh Yên, tỉnh Phú Thọ"), name(2), day(1990 + n%9), fmt.Sprintf("001 190 %06d", n),
		name(3), strconv.Itoa(1980 + n%19), fmt.Sprintf("001 080 %06d", n), name(5), tcvn3("Phó Chủ tịch phường, người được ủy quyền"), 2,
	}
}

// birthTable and birthRow are it as the PostgreSQL source hands them out.
func birthTable() *record.Table {
	t := &record.Table{Schema: "public", Name: "khai_sinh", Key: []int{0}, Version: 1}
	add := func(kind record.Kind, names ...string) {
		for _, name := range names {
			t.Columns = append(t.Columns, record.Column{Name: name, Kind: kind})
		}
	}
	add(record.Int, "id")
	add(record.Text, "so_dk", "quyen", "trang", "ngay_dk")
	add(record.Int, "loai_dk")
	add(record.Text, "ho_ten", "ngay_sinh")
	add(record.Int, "gioi_tinh", "dan_toc")
	add(record.Text, "noi_sinh", "me_ho_ten", "me_ngay_sinh", "me_cccd", "cha_ho_ten", "cha_ngay_sinh", "cha_cccd", "nguoi_ky", "chuc_vu")
	add(record.Int, "trang_thai")
	add(record.Timestamp, "sua_luc")
	return t
}

func birthRow(tb testing.TB, n int) record.Row {
	tb.Helper()
	row := record.Row{record.IntValue(int64(n)), record.TextValue(fmt.Sprintf("%08d", n))}
	for _, cell := range birth(tb, n) {
		switch v := cell.(type) {
		case int:
			row = append(row, record.IntValue(int64(v)))
		case string:
			row = append(row, record.TextValue(v))
		}
	}
	return append(row, record.BytesOf(record.Timestamp, []byte("2026-01-02T03:04:05.678901Z")))
}

// Whose births they are, and what they become.
const (
	birthAgency  = "H44.15"
	birthDataset = "hotich.khaisinh.v1"
)

// birthMapping is testdata/khai_sinh.yaml with the dataset it is for.
func birthMapping(tb testing.TB) (*mapping.File, *schemas.Dataset, mapping.Env) {
	tb.Helper()
	const name = "testdata/khai_sinh.yaml"
	text, err := os.ReadFile(name)
	if err != nil {
		tb.Fatal(err)
	}
	return parse(tb, name, text, birthDataset, birthAgency)
}
