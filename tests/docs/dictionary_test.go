package docs

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lienthong/truc/schemas"
)

var update = flag.Bool("update", false, "write the pages that are made from the code")

const dictionaryPage = "docs/data-dictionary.md"

// TestDictionaryPage holds docs/data-dictionary.md to the annotations in the schemas; go test ./tests/docs -run TestDictionaryPage -update
// writes it.
func TestDictionaryPage(t *testing.T) {
	set, err := schemas.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	want := dictionary(set)
	file := filepath.Join(root, filepath.FromSlash(dictionaryPage))
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(have)); diff != "" {
		t.Errorf("%s is not current: go test ./tests/docs -run TestDictionaryPage -update\n%s", dictionaryPage, diff)
	}
}

// dictionary is the page: what is known of the national dictionary and message structure for every property.
func dictionary(set *schemas.Set) string {
	var b, tables strings.Builder
	counts := map[string]int{}
	for _, d := range set.Datasets() {
		fmt.Fprintf(&tables, "\n### `%s` · %s · %s\n\n| Thuộc tính · Property | Miền · Domain | Phần tử trong từ điển · Element of the dictionary | QCVN 09:2025/BCA | Đối chiếu · Verified |\n|---|---|---|---|---|\n", d.ID(), d.Title("vi"), d.Title("en"))
		properties(d.Root(), "", []*schemas.Node{d.Root()}, func(path string, n *schemas.Node) {
			at := n.Dictionary
			counts[at.Compared]++
			if at.Domain == "" {
				counts["no domain"]++
			}
			place := "`DuLieuTiepNhan`"
			if slices.Contains(d.KeyProperties(), path) {
				place = "`MaDinhDanhDuLieu`, `DuLieuTiepNhan`"
			}
			fmt.Fprintf(&tables, "| `%s` | %s | %s | %s | %s |\n", path, dash(at.Domain), dash(strings.ReplaceAll(at.Element, "|", `\|`)), place, comparedWith(at.Compared))
		})
	}
	total := counts[""] + counts[schemas.SeenSecondary] + counts[schemas.SeenAct]
	fmt.Fprintf(&b, dictionaryHead, total, counts[schemas.SeenAct], counts[schemas.SeenSecondary], counts[""], counts["no domain"],
		total, counts[schemas.SeenAct], counts[schemas.SeenSecondary], counts[""], counts["no domain"])
	b.WriteString(tables.String())
	return b.String()
}

// properties calls visit for every property, with its path as documents have it.
func properties(n *schemas.Node, path string, above []*schemas.Node, visit func(string, *schemas.Node)) {
	for _, p := range n.Properties {
		at, inner := strings.TrimPrefix(path+"."+p.Name, "."), p.Node
		visit(at, p.Node)
		for ; inner.Items != nil; inner = inner.Items {
			at += "[]"
		}
		if !slices.Contains(above, inner) {
			properties(inner, at, append(above[:len(above):len(above)], inner), visit)
		}
	}
}

func comparedWith(compared string) string {
	switch compared {
	case schemas.SeenAct:
		return "rồi · yes"
	case schemas.SeenSecondary:
		return "qua nguồn thứ cấp · secondary source"
	}
	return "chưa · no"
}

func dash(s string) string {
	if s == "" {
		return "—"
	}
	return s
}

const dictionaryHead = `<!-- Generated from x-tu-dien and x-khoa in schemas/data: go test ./tests/docs -run TestDictionaryPage -update -->
# Từ điển dữ liệu dùng chung và QCVN 09 · The shared data dictionary and QCVN 09

Trang này nêu mỗi thuộc tính của các tập dữ liệu ứng với gì trong từ điển dữ liệu dùng chung quốc gia (Quyết định 2439/QĐ-TTg) và trong cấu trúc thông điệp của QCVN 09:2025/BCA. **Gần như toàn bộ chưa được đối chiếu**:
văn bản gốc của hai bên chưa đọc được. Biết được qua nguồn thứ cấp chỉ có tên sáu miền, mẫu của ba khóa (cá nhân, doanh nghiệp, thửa đất), mã địa chỉ số và hệ tọa độ. Miền của các thuộc tính khác do chuẩn này xếp. Trong %d
thuộc tính: %d đã đối chiếu với văn bản, %d qua nguồn thứ cấp, %d chưa; %d chưa biết thuộc miền nào. Cột cuối nói về từ điển; cột QCVN 09 chưa đối chiếu với văn bản ở dòng nào.

This page says what each property of the datasets is in the national shared data dictionary (Decision 2439/QĐ-TTg) and in the message structure of QCVN 09:2025/BCA. **Nearly all of it is not verified**: neither act was at
hand. Known from secondary sources are only the names of the six domains, the forms of three keys (person, enterprise, parcel), the digital address code and the reference systems. The domains of other properties are our
own assignment. Of %d properties %d were compared with the act, %d with a secondary source, %d with nothing; of %d no domain is known. The last column is about the dictionary; the column of QCVN 09 was compared with the act nowhere.

Khi có văn bản: ghi ` + "`phanTu` và `doiChieu: da-doi-chieu` vào `x-tu-dien`" + ` của thuộc tính hoặc kiểu dùng chung, rồi sinh lại trang này. · When an act is at hand: write both into the property or shared type, and generate this page anew.

## Vỏ thông điệp QCVN 09 · The envelope of QCVN 09

Như mã nguồn công khai cài đặt quy chuẩn; chưa đối chiếu với văn bản. · As public source code implements it; not compared with the act.

| QCVN 09:2025/BCA | truc | Ghi chú · Note |
|---|---|---|
| ` + "`NguonDuLieu.IdNguonDuLieu`, `TenNguonDuLieu` | `ce_source` |" + ` mã định danh của cơ quan công bố · the identifier of the publishing agency |
| ` + "`NguonDuLieu.MaLoaiDuLieu` | `ce_type`, `ce_dataschema` |" + ` bảng mã (như G02_001) chưa đọc được: cần bảng chuyển mã · its codes were not seen: a table is needed |
| ` + "`MaDinhDanhDuLieu` | `ce_subject`, `x-khoa` |" + ` khóa của bản ghi · the key of the record |
| ` + "`PhienBan`, `TrangThaiDuLieu.PhienBan` | `ce_sequence` |" + ` chỉ ghi khi lớn hơn · taken only when it is greater |
| ` + "`TrangThaiDuLieu.NgayHieuLuc` | `hieuLucTu` |" + ` nếu tập dữ liệu có · where the dataset has it |
| ` + "`TrangThaiDuLieu.ThoiGianCapNhat` | `ce_time` |" + ` |
| ` + "`DuLieuTiepNhan` |" + ` nội dung sự kiện · the event's document | tên phần tử bên trong chưa đọc được · the names inside were not seen |
| ` + "`DuLieuTiepNhan.PhanPhoi[]` | `tepTin` |" + ` tệp được dẫn chiếu, có mã băm · files by reference, with their hash |

## Từng thuộc tính · Property by property
`
