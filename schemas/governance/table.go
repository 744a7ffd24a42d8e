package governance

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas"
	"github.com/lienthong/truc/schemas/match"
)

// A field table describes a dataset to people who do not program: a row for each field, the first row names the columns. The row
// "*" is about the dataset itself; a group, or a list ("con[]"), has a row of its own above the rows of its fields ("con[].hoTen").

// column of a field table.
type column int

const (
	colField column = iota
	colVI
	colEN
	colType
	colRequired
	colLength
	colCodes
	colClass
	colGround
	colSource
	colKey
	colExample
)

// columns are the headings, the first spelling as the template has it. Marks, case and the words in brackets do not matter.
func columns() [][]string {
	return [][]string{
		colField:    {"trường", "field", "thuộc tính", "property", "name"},
		colVI:       {"tên (vi)", "tên", "title (vi)", "title vi", "tiêu đề", "title"},
		colEN:       {"tên (en)", "title (en)", "title en", "tên tiếng anh"},
		colType:     {"kiểu", "type", "kiểu dữ liệu"},
		colRequired: {"bắt buộc", "required"},
		colLength:   {"độ dài", "length"},
		colCodes:    {"danh mục", "code list", "codes"},
		colClass:    {"phân loại", "class", "data class", "loại dữ liệu"},
		colGround:   {"căn cứ", "ground", "legal ground", "căn cứ pháp lý"},
		colSource:   {"nguồn", "source"},
		colKey:      {"khóa", "key"},
		colExample:  {"ví dụ", "example"},
	}
}

// kind of a field.
type kind struct {
	// words name it; the first is the template's.
	words []string
	// definition is that of the shared types, "" when schema says what it is.
	definition string
	schema     object
	text       bool // a length makes sense
}

func kinds() []kind {
	text := func(more ...member) object { return append(object{{"type", "string"}}, more...) }
	return []kind{
		{words: []string{"văn bản", "text", "string", "chuỗi"}, schema: text(), text: true},
		{words: []string{"mã", "code"}, schema: text()},
		{words: []string{"ngày", "date"}, schema: text(member{"format", "date"})},
		{words: []string{"thời điểm", "date-time", "datetime", "time"}, schema: text(member{"format", "date-time"})},
		{words: []string{"số nguyên", "integer", "int"}, schema: object{{"type", "integer"}}},
		{words: []string{"số thập phân", "decimal", "number", "số"}, schema: text(member{"pattern", `^-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,6})?$`})},
		{words: []string{"đúng sai", "boolean", "bool", "có/không"}, schema: object{{"type", "boolean"}}},
		{words: []string{"thư điện tử", "email"}, schema: text(member{"format", "email"}, member{"maxLength", 254})},
		{words: []string{"nhóm", "group", "object", "đối tượng"}},
		{words: []string{"họ tên", "personal name"}, definition: "hoTen"},
		{words: []string{"số định danh", "personal number"}, definition: "soDinhDanh"},
		{words: []string{"ngày không đầy đủ", "partial date"}, definition: "ngayKhongDayDu"},
		{words: []string{"cơ quan", "agency"}, definition: "coQuan"},
		{words: []string{"địa chỉ", "address"}, definition: "diaChi"},
		{words: []string{"giấy tờ", "identity paper"}, definition: "giayTo"},
		{words: []string{"tiền", "money"}, definition: "tien"},
		{words: []string{"mã doanh nghiệp", "enterprise number"}, definition: "maDoanhNghiep"},
	}
}

const sharedTypes = "https://github.com/lienthong/truc/schemas/kieu/1.0.0"

// row is a field of the table.
type row struct {
	number                                       int // from 1, as spreadsheets count
	path                                         string
	vi, en, codes, class, ground, source, sample string
	required, key, group, list                   bool
	kind                                         kind
	least, most                                  int // of characters or entries; most -1 without a bound
}

// tableReader reads a table and collects everything that is wrong with it.
type tableReader struct {
	file  string
	at    map[column]int // where a column stands
	set   *schemas.Set
	found problem.List
	rows  []row
	self  row // the row "*"
}

// bad reports a cell by row and column, as editors and as spreadsheets count.
func (t *tableReader) bad(number int, c column, what, fix problem.Text) {
	at := t.at[c]
	t.found = append(t.found, problem.Problem{
		Code: "governance.table", Where: fmt.Sprintf("%s:%d:%d %s%d (%s)", t.file, number, at+1, letters(at), number, columns()[c][0]), What: what, Fix: fix,
	})
}

// letters name a column as spreadsheets do: A, …, Z, AA.
func letters(i int) string {
	name := ""
	for i++; i > 0; i = (i - 1) / 26 {
		name = string(rune('A'+(i-1)%26)) + name
	}
	return name
}

func folded(s string) string {
	out, _ := match.AppendFolded(nil, []byte(norm.NFC.String(s)))
	return strings.Join(strings.Fields(string(out)), " ")
}

func (t *tableReader) read(cells [][]string) {
	head := slices.IndexFunc(cells, func(r []string) bool {
		return slices.ContainsFunc(r, func(c string) bool { return strings.TrimSpace(c) != "" })
	})
	if head < 0 {
		t.found = problem.List{{Code: "governance.table", Where: t.file, What: problem.Say("the table is empty"), Fix: problem.Say("truc schema new --template prints one to begin with")}}
		return
	}
	t.headings(cells[head], head+1)
	if t.found != nil {
		return
	}
	for i, r := range cells[head+1:] {
		if slices.ContainsFunc(r, func(c string) bool { return strings.TrimSpace(c) != "" }) {
			t.row(r, head+2+i)
		}
	}
	t.groups()
}

func (t *tableReader) headings(cells []string, number int) {
	t.at = map[column]int{}
	for i, cell := range cells {
		name := folded(cell)
		if name == "" {
			continue
		}
		found := slices.IndexFunc(columns(), func(words []string) bool {
			return slices.ContainsFunc(words, func(w string) bool { return folded(w) == name })
		})
		if found < 0 {
			var known []string
			for _, words := range columns() {
				known = append(known, words[0])
			}
			t.found = append(t.found, problem.Problem{
				Code: "governance.table", Where: fmt.Sprintf("%s:%d:%d %s%d", t.file, number, i+1, letters(i), number), What: problem.Say("nobody knows a column %q", cell),
				Fix: problem.Say("the columns are %s; remove the others", strings.Join(known, ", ")), Warning: true,
			})
			continue
		}
		if _, twice := t.at[column(found)]; !twice {
			t.at[column(found)] = i
		}
	}
	for _, c := range []column{colField, colVI, colType} {
		if _, there := t.at[c]; !there {
			t.found = append(t.found, problem.Problem{
				Code: "governance.table", Where: fmt.Sprintf("%s:%d:1", t.file, number), What: problem.Say("the column %q is missing", columns()[c][0]),
				Fix: problem.Say("the first row names the columns; truc schema new --template prints a table to begin with"),
			})
		}
	}
	if t.found.Err() == nil {
		t.found = nil // other columns are the author's own
	}
}

var fieldPath = regexp.MustCompile(`^[a-z][a-zA-Z0-9]*(\[\])?(\.[a-z][a-zA-Z0-9]*(\[\])?)*$`)

func (t *tableReader) row(cells []string, number int) {
	cell := func(c column) string {
		if i, there := t.at[c]; there && i < len(cells) {
			return strings.Join(strings.Fields(norm.NFC.String(cells[i])), " ")
		}
		return ""
	}
	r := row{number: number, path: cell(colField), vi: cell(colVI), en: cell(colEN), codes: cell(colCodes), ground: cell(colGround), source: cell(colSource), sample: cell(colExample), most: -1}
	if r.path == "*" {
		t.self = r
		return
	}
	switch {
	case r.path == "":
		t.bad(number, colField, problem.Say("the row has no field name"), problem.Say("name it, such as hoTen, or empty the row"))
		return
	case !fieldPath.MatchString(r.path):
		t.bad(number, colField, problem.Say("%q is no name of a field", r.path), problem.Say("write it without marks and blanks, like hoTen; a field of a group as noiDangKy.ma, one of a list as con[].hoTen"))
		return
	case slices.ContainsFunc(t.rows, func(o row) bool { return strings.TrimSuffix(o.path, "[]") == strings.TrimSuffix(r.path, "[]") }):
		t.bad(number, colField, problem.Say("the field %s stands in the table twice", r.path), problem.Say("keep one of the two rows"))
		return
	case strings.Count(r.path, ".") > 5:
		t.bad(number, colField, problem.Say("the field lies more than 6 groups deep"), problem.Say("make a dataset of its own of the inner group"))
		return
	}
	r.list = strings.HasSuffix(r.path, "[]")
	if r.vi == "" {
		t.bad(number, colVI, problem.Say("the Vietnamese title is missing"), problem.Say("say what the field is, as a form would"))
	}
	if r.en == "" {
		t.bad(number, colEN, problem.Say("the English title is missing"), problem.Say("say the same in English"))
	}
	r.required, r.key = t.mark(cell(colRequired), number, colRequired), t.mark(cell(colKey), number, colKey)
	r.required = r.required || r.key
	t.kind(&r, cell(colType))
	t.class(&r, cell(colClass))
	t.length(&r, cell(colLength))
	t.rows = append(t.rows, r)
}

// mark reads yes or no.
func (t *tableReader) mark(text string, number int, c column) bool {
	switch folded(text) {
	case "x", "co", "yes", "y", "1", "true", "✓", "bat buoc", "required", "key", "khoa":
		return true
	case "", "khong", "no", "n", "0", "false", "-":
		return false
	}
	t.bad(number, c, problem.Say("%q is neither yes nor no", text), problem.Say("write x, or nothing"))
	return false
}

func (t *tableReader) kind(r *row, text string) {
	var words []string
	for _, k := range kinds() {
		words = append(words, k.words[0])
		if slices.ContainsFunc(k.words, func(w string) bool { return folded(w) == folded(text) }) {
			r.kind = k
		}
	}
	r.group = r.kind.words != nil && r.kind.schema == nil && r.kind.definition == ""
	switch {
	case text == "" && r.codes != "":
		r.kind = kinds()[1]
	case r.kind.words == nil:
		t.bad(r.number, colType, problem.Say("%q is no kind of field", text), problem.Say("write one of: %s", strings.Join(words, ", ")))
	}
	if r.codes == "" {
		if r.kind.words != nil && r.kind.words[0] == "mã" {
			t.bad(r.number, colCodes, problem.Say("a code needs its code list"), problem.Say("name the list, such as danhmuc.gioitinh (truc code list), or write the type văn bản"))
		}
		return
	}
	if _, err := t.set.CodeList(r.codes); err != nil {
		for _, p := range problemsOf(err) {
			t.bad(r.number, colCodes, p.What, p.Fix)
		}
	}
	if k := r.kind.words; k != nil && k[0] != "mã" && k[0] != "văn bản" {
		t.bad(r.number, colCodes, problem.Say("only a code can have a code list"), problem.Say("write the type mã, or empty this cell"))
	}
}

func (t *tableReader) class(r *row, text string) {
	switch folded(text) {
	case "cong khai", "cong-khai", "public":
		r.class = schemas.ClassPublic
	case "co ban", "co-ban", "basic":
		r.class = schemas.ClassBasic
	case "nhay cam", "nhay-cam", "sensitive":
		r.class = schemas.ClassSensitive
	case "":
		if !r.group {
			t.bad(r.number, colClass, problem.Say("nothing says whether this is personal data"), problem.Say("write công khai (not personal), cơ bản (basic) or nhạy cảm (sensitive)"))
		}
	default:
		t.bad(r.number, colClass, problem.Say("%q is no data class", text), problem.Say("write công khai (not personal), cơ bản (basic) or nhạy cảm (sensitive)"))
	}
	if r.ground == "" && !r.group && (r.class == schemas.ClassBasic || r.class == schemas.ClassSensitive) {
		t.bad(r.number, colGround, problem.Say("personal data without its legal ground"), problem.Say("name the act and the article by which it may be shared"))
	}
}

var lengthForm = regexp.MustCompile(`^(?:([0-9]{1,6}) ?[-–] ?)?([0-9]{1,6})$`)

func (t *tableReader) length(r *row, text string) {
	if text == "" {
		if r.kind.text && r.codes == "" && !r.list {
			t.bad(r.number, colLength, problem.Say("the text has no largest length"), problem.Say("write how many characters it has at most, such as 50, or at least and at most, 1-50"))
		}
		return
	}
	parts := lengthForm.FindStringSubmatch(text)
	switch {
	case parts == nil:
		t.bad(r.number, colLength, problem.Say("%q is no length", text), problem.Say("write how many characters it has at most, such as 50, or at least and at most, 1-50"))
		return
	case !r.kind.text && !r.list || r.codes != "":
		t.bad(r.number, colLength, problem.Say("only a text or a list has a length"), problem.Say("empty this cell"))
		return
	}
	r.most, _ = strconv.Atoi(parts[2])
	r.least = 1
	if parts[1] != "" {
		r.least, _ = strconv.Atoi(parts[1])
	}
	if r.least > r.most || r.most == 0 {
		t.bad(r.number, colLength, problem.Say("the least length is above the largest"), problem.Say("exchange or correct the two"))
	}
}

// groups demands that what a field stands in is a group, and that there is a key that can be one.
func (t *tableReader) groups() {
	for _, r := range t.rows {
		i := strings.LastIndexByte(r.path, '.')
		if i < 0 {
			continue
		}
		above := slices.IndexFunc(t.rows, func(o row) bool { return o.path == r.path[:i] })
		switch {
		case above < 0:
			t.bad(r.number, colField, problem.Say("the group %s has no row", r.path[:i]), problem.Say("add a row %s of the type nhóm, with its titles", r.path[:i]))
		case !t.rows[above].group:
			t.bad(t.rows[above].number, colType, problem.Say("%s has fields, and is no group", r.path[:i]), problem.Say("write the type nhóm"))
		case r.key && (strings.Contains(r.path, "[]") || !t.rows[above].required):
			t.bad(r.number, colKey, problem.Say("a key lies in no list, and in no group that may be missing"), problem.Say("take another field as key, or require the group"))
		}
	}
	for _, r := range t.rows {
		if r.group && !slices.ContainsFunc(t.rows, func(o row) bool { return strings.HasPrefix(o.path, r.path+".") }) {
			t.bad(r.number, colType, problem.Say("the group has no fields"), problem.Say("add rows %s.…, or write another type", r.path))
		}
	}
	if !slices.ContainsFunc(t.rows, func(r row) bool { return r.key }) && len(t.rows) > 0 {
		t.bad(t.rows[0].number, colKey, problem.Say("no field is the key, by which the entities are told apart"), problem.Say("mark the field or fields with x in the column khóa"))
	}
	if len(t.rows) == 0 {
		t.found = append(t.found, problem.Problem{Code: "governance.table", Where: t.file, What: problem.Say("the table has no fields"), Fix: problem.Say("truc schema new --template prints one to begin with")})
	}
}

// Template is a field table to begin with.
func Template() [][]string {
	var head []string
	for _, words := range columns() {
		head = append(head, words[0])
	}
	const law = "Luật 91/2025/QH15 và Nghị định 356/2025/NĐ-CP"
	return [][]string{
		head,
		{"*", "Thẻ bạn đọc", "Library card", "", "", "", "", "", "", "Sổ bạn đọc của thư viện", "", ""},
		{"soThe", "Số thẻ", "Card number", "văn bản", "x", "1-20", "", "cơ bản", law, "Sổ bạn đọc", "x", "TV-0001"},
		{"hoTen", "Họ và tên", "Full name", "họ tên", "x", "", "", "cơ bản", law, "Sổ bạn đọc", "", "Nguyễn Văn Mẫu"},
		{"gioiTinh", "Giới tính", "Sex", "mã", "", "", "danhmuc.gioitinh", "cơ bản", law, "Sổ bạn đọc", "", ""},
		{"ngayCap", "Ngày cấp", "Date of issue", "ngày", "x", "", "", "công khai", "", "Sổ bạn đọc", "", ""},
		{"noiCap", "Nơi cấp", "Issued by", "cơ quan", "", "", "", "công khai", "", "Sổ bạn đọc", "", ""},
		{"sachMuon[]", "Sách đang mượn", "Books on loan", "nhóm", "", "1-10", "", "", "", "Phiếu mượn", "", ""},
		{"sachMuon[].ten", "Tên sách", "Title of the book", "văn bản", "x", "1-200", "", "cơ bản", law, "Phiếu mượn", "", ""},
		{"sachMuon[].hanTra", "Hạn trả", "Due on", "ngày", "", "", "", "công khai", "", "Phiếu mượn", "", ""},
	}
}
