package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas/governance"
	"github.com/lienthong/truc/sheet"
)

func schemaNewVerb() verb {
	return verb{
		name: "schema new", args: "NAME", most: 1,
		summary: problem.Text{VI: "lập bộ dữ liệu từ một bảng trường, không cần lập trình", EN: "make a dataset of a table of fields, without programming"},
		help: problem.Text{VI: `
Đọc bảng trường (CSV hoặc XLSX: trường, tên vi/en, kiểu, bắt buộc, độ dài, danh mục, phân loại, căn cứ, nguồn, khóa, ví dụ) và
viết lược đồ, ví dụ đúng và sai cho từng quy tắc, và trang giới thiệu, vào thư mục chuẩn. Chỗ sai trong bảng được nêu hết một
lần, theo hàng và cột. Không có --from thì dùng bảng mẫu. --template in bảng mẫu; --out ghi nó thành .csv hoặc .xlsx.

Kiểu: văn bản, mã, ngày, thời điểm, số nguyên, số thập phân, đúng sai, thư điện tử, nhóm, họ tên, số định danh, ngày không
đầy đủ, cơ quan, địa chỉ, giấy tờ, tiền, mã doanh nghiệp. Hàng "*" nói về cả bộ dữ liệu. Trường trong nhóm: noiDangKy.ma; danh sách: con[],
con[].hoTen.`, EN: `
Reads a table of fields (CSV or XLSX: field, title vi/en, type, required, length, code list, class, ground, source, key,
example) and writes the schema, examples for and against each rule, and a page, into the folder of standards. What is wrong
with the table is told all at once, by row and column. Without --from it is the template's table. --template prints that;
--out writes it as .csv or .xlsx.

Types: text, code, date, date-time, integer, decimal, boolean, email, group, personal name, personal number, partial date,
agency, address, identity paper, money, enterprise number. The row "*" is about the dataset itself. A field of a group:
noiDangKy.ma; a list: con[], con[].hoTen.`},
		define: func(fs *flag.FlagSet) action {
			dir := defineDir(fs)
			from := fs.String("from", "", "bảng trường `FILE`, .csv hoặc .xlsx / the table of fields `FILE`, .csv or .xlsx")
			base := fs.String("url", "", "phần đầu của $id `URL`; nếu không nêu: như các bộ dữ liệu khác trong thư mục / `URL` that the $id begins with; without it that of the folder's other datasets")
			template := fs.Bool("template", false, "in bảng mẫu / print a table to begin with")
			out := fs.String("out", "", "ghi bảng mẫu vào `FILE` mới / write the template into a new `FILE`")
			return func(_ context.Context, p *program) error {
				if *template || *out != "" {
					return p.schemaTemplate(*out)
				}
				return p.schemaNew(*dir, *from, *base)
			}
		},
	}
}

func (p *program) schemaTemplate(out string) error {
	var b strings.Builder
	w := sheet.New(&b, strings.EqualFold(filepath.Ext(out), ".xlsx"), "Trường", []int{22, 24, 24, 18, 10, 10, 22, 14, 36, 24, 8, 20})
	for _, row := range governance.Template() {
		if err := w.Row(row...); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	if out != "" {
		if err := writeNew(out, b.String()); err != nil {
			return err
		}
		return p.answer(problem.Say("%s: a row for each field; when it is filled in: truc schema new NAME --from %s", out, out))
	}
	if _, err := fmt.Fprint(p.stdout, b.String()); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}

func (p *program) schemaNew(dir, from, base string) error {
	if len(p.args) != 1 {
		return &usageError{what: problem.Say("truc schema new needs the name of the dataset"), fix: problem.Say("such as truc schema new thuvien.thebandoc --from bang.xlsx; truc schema new --template prints a table to begin with")}
	}
	table, file := governance.Template(), "template"
	if from != "" {
		raw, err := readNamed(from)
		if err != nil {
			return err
		}
		if table, err = sheet.Read(raw); err != nil {
			return unreadableTable(from, err)
		}
		file = filepath.ToSlash(displayed(from))
	}
	f, done, err := p.standards(dir)
	if err != nil {
		return err
	}
	defer done()
	drafted, err := f.Draft(p.args[0], file, base, table)
	if found, several := errors.AsType[problem.List](err); several {
		return inOrder(found)
	}
	if err != nil {
		return err
	}
	if p.json {
		return p.printJSON(drafted)
	}
	for _, name := range drafted.Files {
		if strings.HasSuffix(name, "schema.json") || strings.HasSuffix(name, "README.md") {
			fmt.Fprintf(p.stdout, "  %s\n", name)
		}
	}
	if err := p.answer(problem.Say("%s: %d fields, %d valid and %d invalid examples", drafted.ID, drafted.Fields, drafted.Valid, drafted.Invalid)); err != nil {
		return err
	}
	return p.answer(problem.Say("next: truc schema lint, truc schema test, then truc schema propose %s", drafted.ID))
}

func unreadableTable(name string, err error) error {
	fault := problem.Problem{Code: "governance.table", Where: name}
	if errors.Is(err, sheet.ErrLarge) {
		fault.What, fault.Fix = problem.Say("the table is larger than 16 MiB or 20,000 rows"), problem.Say("keep only the rows that describe fields")
		return fault
	}
	fault.What, fault.Fix = problem.Say("the file is neither a CSV table in UTF-8 nor an XLSX workbook"), problem.Say("save it from the spreadsheet program as .xlsx, or as CSV UTF-8")
	return fault
}
