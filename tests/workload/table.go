package workload

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/lienthong/truc/record"
)

// Table is the table of citizens, in the schema public.
const Table = "cong_dan"

// CreateTable makes it: 21 columns of plain UTF-8 text and numbers, about 390 bytes a row as COPY writes it. id has an index so
// that ranges of rows can be changed.
const CreateTable = CreateCopy + `;
CREATE INDEX ON cong_dan (id)`

// CreateCopy makes a table for copies of the rows: the same columns and key, and no index more.
const CreateCopy = `CREATE TABLE cong_dan (
	so_dinh_danh text PRIMARY KEY, id bigint NOT NULL, ho_ten text NOT NULL, ngay_sinh text NOT NULL, gioi_tinh text NOT NULL,
	dan_toc int, ton_giao int, quoc_tich text, nhom_mau text, so_cmnd text, noi_sinh text, que_quan text, thuong_tru text,
	thuong_tru_tu text, cha_ho_ten text, me_ho_ten text, hon_nhan text, dien_thoai text, trang_thai int NOT NULL, ghi_chu text,
	sua_luc timestamptz NOT NULL)`

// CreateSink makes the table of a subscriber, for the mapping SinkMapping.
const CreateSink = `CREATE TABLE nguoi_dan (
	so_dinh_danh text PRIMARY KEY, ho_ten text NOT NULL, ngay_sinh text, gioi text, dan_toc text, ton_giao text, nhom_mau text,
	so_cmnd text, noi_sinh text, que_quan text, thuong_tru text, thuong_tru_tu text, cha text, me text, hon_nhan text,
	cap_nhat timestamptz)`

// Columns lists the columns of Table in their order.
func Columns() []string {
	return []string{
		"so_dinh_danh", "id", "ho_ten", "ngay_sinh", "gioi_tinh", "dan_toc", "ton_giao", "quoc_tich", "nhom_mau", "so_cmnd", "noi_sinh",
		"que_quan", "thuong_tru", "thuong_tru_tu", "cha_ho_ten", "me_ho_ten", "hon_nhan", "dien_thoai", "trang_thai", "ghi_chu", "sua_luc",
	}
}

// Patterns is how many different rows there are; they repeat under their own id and number, and a transaction of the loaders
// has as many.
const Patterns = 1000

// Size is how large a row is, about, in bytes as COPY writes it.
type Size int

// The sizes that are measured. Small leaves most addresses and relatives out; Large and Huge have a long note that does not
// compress. Huge is beyond what fits into a page: PostgreSQL stores the note elsewhere (TOAST).
const (
	Small Size = 200
	Usual Size = 390
	Large Size = 1000
	Huge  Size = 16000
)

// pattern is one pattern of rows: the columns but so_dinh_danh, id and sua_luc, in the order of Columns. nil is null.
func pattern(n int, size Size) []any {
	pick := func(of []string, by int) string { return of[n/by%len(of)] }
	family := []string{"Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Vũ", "Đặng", "Bùi", "Đỗ"}
	middle := []string{"Thị Thu", "Văn", "Minh", "Đức", "Ngọc", "Thị"}
	given := []string{"Mẫu", "Thử", "Hương Mẫu", "Tuấn Mẫu", "Hạnh Thử", "Khánh Mẫu"}
	name := func(by int) string { return pick(family, by) + " " + pick(middle, by+1) + " " + pick(given, by+2) }
	day := func(year int) string { return fmt.Sprintf("%02d/%02d/%04d", 1+n%28, 1+n%12, year) }
	born := day(1950 + n%50)
	if n%20 == 7 {
		born = strconv.Itoa(1950 + n%50) // of one in twenty only the year is known
	}
	cmnd := ""
	if n%3 == 0 {
		cmnd = fmt.Sprintf("%09d", 100_000_000+n)
	}
	row := []any{
		name(1), born, []string{"Nam", "Nữ"}[n%2], 1 + n%4, n % 3, "VN", pick([]string{"A", "B", "AB", "O", "O+"}, 1), cmnd,
		"Bệnh viện Sản Nhi Mẫu, phường Mẫu " + strconv.Itoa(1+n%40) + ", tỉnh Phú Thọ", "thôn Thử Nghiệm, xã Mẫu " + strconv.Itoa(1+n%90) + ", tỉnh Phú Thọ",
		"Số " + strconv.Itoa(1+n%200) + " đường Mẫu, phường Thử " + strconv.Itoa(1+n%40) + ", tỉnh Phú Thọ", day(1990 + n%30), name(3), name(5),
		pick([]string{"D", "K", "L"}, 1), fmt.Sprintf("0900 %03d %03d", n%1000, n*7%1000), 1, nil,
	}
	const noiSinh, queQuan, thuongTruTu, cha, ghiChu = 8, 9, 11, 12, 17
	switch size {
	case Small:
		for _, absent := range []int{noiSinh, queQuan, thuongTruTu, cha} {
			row[absent] = nil
		}
	case Usual:
	case Large, Huge:
		row[ghiChu] = noise(n, int(size-Usual))
	}
	return row
}

// noise is a text of hexadecimal digits that has no repetitions to compress.
func noise(n, length int) string {
	var text strings.Builder
	x := uint64(n) + 1
	for text.Len() < length {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		fmt.Fprintf(&text, "%016x", x)
	}
	return text.String()[:length]
}

// Number is the personal number of a row by its id: it agrees with the sex and year of birth of the row's pattern.
func Number(id int) string {
	return fmt.Sprintf("%03d%s%06d", 1+id/1_000_000, middleOf(id%Patterns), id%1_000_000)
}

// middleOf is the century, sex and year in the number of a pattern.
func middleOf(n int) string { return fmt.Sprintf("%d%02d", n%2, 50+n%50) }

// RecordTable is Table as the PostgreSQL source hands it out.
func RecordTable() *record.Table {
	t := &record.Table{Schema: "public", Name: Table, Key: []int{0}, Version: 1}
	for _, name := range Columns() {
		kind := record.Text
		switch name {
		case "id", "dan_toc", "ton_giao", "trang_thai":
			kind = record.Int
		case "sua_luc":
			kind = record.Timestamp
		}
		t.Columns = append(t.Columns, record.Column{Name: name, Kind: kind})
	}
	return t
}

// RecordRow is the row of an id as the PostgreSQL source hands it out.
func RecordRow(id int, size Size) record.Row {
	row := record.Row{record.TextValue(Number(id)), record.IntValue(int64(id))}
	for _, cell := range pattern(id%Patterns, size) {
		switch v := cell.(type) {
		case nil:
			row = append(row, record.NullValue)
		case int:
			row = append(row, record.IntValue(int64(v)))
		case string:
			row = append(row, record.TextValue(v))
		}
	}
	return append(row, record.BytesOf(record.Timestamp, []byte("2026-01-02T03:04:05.678901Z")))
}
