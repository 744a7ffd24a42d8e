package mapping

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lienthong/truc/mapping/value"
	"github.com/lienthong/truc/schemas"
)

const functionPage = "../docs/mapping-functions.md"

// evaluate compiles an expression without columns and runs it; remarks are collected.
func evaluate(tb testing.TB, env Env, expression string) string {
	tb.Helper()
	c, err := newCompiler(&File{Name: "m.yaml"}, env)
	if err != nil {
		tb.Fatal(err)
	}
	n, _ := c.compile(&Expression{CEL: expression})
	if c.problems.Err() != nil {
		return "refused: " + c.problems[0].What.EN
	}
	f := newFrame(nil, c.slots)
	f.next(nil)
	f.remarking = true
	v := n.eval(f)
	var out string
	switch {
	case v.isNull():
		out = "null"
	case v.isFailed():
		out = "violation " + v.failure().rule()
	default:
		raw, ok := v.appendJSON(nil)
		if !ok {
			tb.Fatalf("%s: no JSON", expression)
		}
		out = string(raw)
	}
	for _, r := range f.remarks {
		out += fmt.Sprintf(" [%s %s]", r.Group, r.Rule)
	}
	return out
}

// exampleEnv is what the examples of the reference page run in.
func exampleEnv(tb testing.TB) Env {
	tb.Helper()
	set, err := schemas.Builtin()
	if err != nil {
		tb.Fatal(err)
	}
	return Env{Set: set, Agency: "H44.15", Pseudonyms: map[string][]byte{"vi_du": []byte("khóa ví dụ, không dùng cho dữ liệu thật")}}
}

// TestFunctionExamples runs every example of the reference page.
func TestFunctionExamples(t *testing.T) {
	env := exampleEnv(t)
	for _, f := range functions() {
		if f.vi == "" || f.en == "" || f.usage == "" || (f.moreVI == "") != (f.moreEN == "") {
			t.Errorf("%s has no help", f.name)
		}
		// code and codeOf need a table, zone a column: translate_test.go has them.
		if len(f.examples) == 0 && f.name != "code" && f.name != "codeOf" && f.name != "zone" {
			t.Errorf("%s has no example", f.name)
		}
		for _, x := range f.examples {
			if got := evaluate(t, env, x.call); got != x.result {
				t.Errorf("%s\n got %s\nwant %s", x.call, got, x.result)
			}
		}
	}
}

// TestFunctionPage holds docs/mapping-functions.md to the list of functions; go test -run TestFunctionPage -update writes it.
func TestFunctionPage(t *testing.T) {
	want := pageOfFunctions()
	if *update {
		if err := os.WriteFile(functionPage, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(functionPage)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, strings.ReplaceAll(string(got), "\r\n", "\n")); diff != "" {
		t.Errorf("%s is not current: go test ./mapping -run TestFunctionPage -update\n%s", functionPage, diff)
	}
}

func pageOfFunctions() string {
	var b strings.Builder
	b.WriteString(pageHead)
	b.WriteString("\n## Bảng mã chữ · Text encodings\n\n" + pageEncodings + "\n| `text:` | | |\n|---|---|---|\n")
	for _, e := range value.Encodings() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", e.Name, e.VI, e.EN)
	}
	b.WriteString(pageColumns)
	b.WriteString("\n## Hàm · Functions\n")
	for _, f := range functions() {
		fmt.Fprintf(&b, "\n### `%s`\n\n%s. ", f.usage, capital(f.vi))
		if f.moreVI != "" {
			b.WriteString(f.moreVI)
		}
		fmt.Fprintf(&b, "\n\n*%s.* ", capital(f.en))
		if f.moreEN != "" {
			fmt.Fprintf(&b, "*%s*", f.moreEN)
		}
		b.WriteString("\n")
		if len(f.examples) > 0 {
			b.WriteString("\n| | |\n|---|---|\n")
		}
		for _, x := range f.examples {
			escape := strings.NewReplacer("|", "\\|").Replace
			fmt.Fprintf(&b, "| `%s` | `%s` |\n", escape(x.call), escape(x.result))
		}
	}
	lines := strings.Split(b.String(), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

func capital(s string) string {
	word := strings.Fields(s)[0]
	if strings.ContainsAny(word, "()") || word == "x" {
		return s
	}
	title, _ := value.AppendTitle(nil, []byte(word))
	return string(title) + s[len(word):]
}

const pageHead = `# Hàm và bảng mã của ngôn ngữ ánh xạ · Functions and encodings of the mapping language

<!-- Generated from mapping/functionlist.go and mapping/value/encoding.go: go test ./mapping -run TestFunctionPage -update -->

Mỗi hàm nhận null thì trả null, trừ khi nói khác. **Lỗi** (violation) làm bản ghi thành thư lỗi; **ghi nhận** (remark, trong ngoặc vuông) vẫn được
xuất bản và được đếm theo nhóm. Kiểu của từng tham số được kiểm tra khi ` + "`truc check`" + `, trước khi có dòng dữ liệu nào.

*A function gives null for null unless it says otherwise. A **violation** makes a dead letter; a **remark** (in brackets) is published and counted by
group. The kind of every value is checked by ` + "`truc check`" + `, before there is a row.*
`

const pageEncodings = `Bảng mã được khai báo, không bao giờ đoán: byte của bảng này cũng hợp lệ ở bảng kia và thành chữ khác. Đọc ra luôn là Unicode dựng sẵn (NFC). Byte không
có nghĩa trong bảng mã đã khai báo là lỗi nêu tên cột. Khi ghi (` + "`text:`" + ` ở ánh xạ đích), ký tự mà bảng mã không viết được là lỗi ` + "`unwritable`" + `, không thành “?”.

*An encoding is declared and never guessed: the bytes of one are valid in another and mean other words. What is read is Unicode NFC. A byte without a
meaning in the declared encoding is a violation that names the column; VISCII alone gives every byte a meaning. When writing (` + "`text:`" + ` of a sink mapping) a
character that the encoding cannot say is the violation ` + "`unwritable`" + `, and no “?”.*
`

const pageColumns = `
## Khai báo cột · What columns declare

| | | |
|---|---|---|
| ` + "`text: tcvn3`" + ` | bảng mã chữ của cột; của cột byte: byte là chữ | the text encoding; of a bytes column: the bytes are text |
| ` + "`null: [\"\", \"01/01/1900\"]`" + ` | các giá trị có nghĩa là “không có”, như cột ghi (sau khi giải mã, bỏ khoảng trắng hai đầu); của cột ngày: 1900-01-01; của cột số: so theo giá trị | values that mean “nothing”, as the column has them (decoded, trimmed); of a date column: 1900-01-01; of a number column: by value |
| ` + "`pad: 12`" + ` | thêm số 0 bên trái; cột số thành chữ | zeros on the left; a number column becomes text |
| ` + "`from: \"Ngày sửa\"`" + ` | tên thật của cột, khi tên ấy không viết được trong biểu thức | the column's real name, where that cannot stand in an expression |
| ` + "`zone: Asia/Ho_Chi_Minh`" + ` | múi giờ của cột ngày giờ không múi giờ | the zone of a date and time without zone |

` + "`null`" + ` được xét trước ` + "`zone`" + ` và ` + "`pad`" + `. *` + "`null`" + ` is looked at before ` + "`zone`" + ` and ` + "`pad`" + `.*

## Mẫu ngày · Date layouts

| | | |
|---|---|---|
| ` + "`yyyy` `MM` `M` `dd` `d` `HH` `mm` `ss` `SSS`" + ` | ` + "`MM`" + ` hai chữ số, ` + "`M`" + ` một hoặc hai; chữ khác đặt trong dấu nháy: ` + "`'ngày' dd`" + ` | ` + "`MM`" + ` two digits, ` + "`M`" + ` one or two; other letters between apostrophes |
| ` + "`00/00/yyyy`" + ` | chữ số trong mẫu là chính nó: hệ thống ghi ngày, tháng không biết là 00 | digits stand for themselves: a system that writes an unknown day or month as 00 |
| ` + "`yy[1930]`" + ` | năm hai chữ số, của 1930 đến 2029; ` + "`yy`" + ` một mình bị từ chối: không nói thế kỷ nào | a year of two digits, of 1930 to 2029; ` + "`yy`" + ` alone is refused: it does not say the century |
| ` + "`excel`" + ` | số ngày của bảng tính (hệ 1900): 45292 là 01/01/2024, phần lẻ là giờ; 0 và 60 bị từ chối | the number of a spreadsheet (1900 system): 45292 is 1 January 2024, the fraction the time; 0 and 60 are refused |
`
