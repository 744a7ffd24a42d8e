package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/lienthong/truc/mapping"
	"github.com/lienthong/truc/pipeline"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas"
	"github.com/lienthong/truc/sheet"
)

// exportOrder is what truc dlq export was asked for.
type exportOrder struct {
	filter *pipeline.LetterFilter
	out    string
	// lang is the language of the titles and of what stands first: "vi" or "en".
	lang      string
	values    bool
	overwrite bool
}

func defineExportLetters(fs *flag.FlagSet) action {
	e := &exportOrder{filter: defineLetterFilter(fs)}
	fs.StringVar(&e.filter.Group, "group", "", "chỉ những thư thuộc nhóm lỗi `GROUP`: missing, format, reference … / only those of this error `GROUP`: missing, format, reference …")
	fs.StringVar(&e.out, "out", "", "ghi ra `FILE`: ds.csv hoặc ds.xlsx / the `FILE` to write: list.csv or list.xlsx")
	fs.BoolVar(&e.values, "values", false, "gọi hồ sơ bằng khóa và hiện giá trị sai: dữ liệu cá nhân / name records by their keys and show the values at fault: personal data")
	fs.BoolVar(&e.overwrite, "yes", false, "ghi đè tệp đã có / write over a file that is there")
	return e.run
}

func (e *exportOrder) run(ctx context.Context, p *program) error {
	e.lang = p.languages()[0].String()
	xlsx, err := e.check()
	if err != nil {
		return err
	}
	n, conn, box, err := p.openBox(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if e.values {
		fmt.Fprintf(p.stderr, "CHÚ Ý: tệp %s chứa khóa và giá trị của hồ sơ, là dữ liệu cá nhân: chỉ giao cho người có trách nhiệm sửa, xóa khi xong việc.\n"+
			"NOTE: the file %[1]s will hold keys and values of records, which are personal data: give it only to those who correct them, and delete it when that is done.\n", e.out)
	}
	// A list that is cut off must not look like a whole one: it gets its name when it is complete. Nobody else may read it.
	f, err := os.CreateTemp(filepath.Dir(e.out), ".truc-*")
	if err != nil {
		return &usageError{what: problem.Say("%s cannot be written: %v", e.out, reasonOf(err)), fix: problem.Say("name a file in a folder that you may write to")}
	}
	defer os.Remove(f.Name())
	defer f.Close()
	l := &list{exportOrder: e, box: box, fields: n.fieldsOf(box), sheet: sheet.New(f, xlsx, "Thư lỗi", []int{16, 28, 26, 18, 44, 44, 44, 44, 18, 8, 40})}
	if err := l.write(ctx, conn); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("write %s: %w", e.out, err)
	}
	if err := os.Rename(f.Name(), e.out); err != nil {
		return fmt.Errorf("write %s: %w", e.out, err)
	}
	if p.json {
		return p.printJSON(map[string]any{"pipeline": box.pipeline, "file": e.out, "letters": l.letters, "rows": l.rows, "values": e.values})
	}
	_, err = fmt.Fprintf(p.stdout, "%s: %d dòng từ %d thư lỗi / %s from %s\n", e.out, l.rows, l.letters, counted(l.rows, "row"), counted(l.letters, "open dead letter"))
	return err
}

// check looks at what was asked for before anything is opened.
func (e *exportOrder) check() (xlsx bool, err error) {
	switch strings.ToLower(filepath.Ext(e.out)) {
	case ".csv":
	case ".xlsx":
		xlsx = true
	default:
		return false, &usageError{what: problem.Say("--out names no .csv or .xlsx file"), fix: problem.Say("truc dlq export NAME --out list.xlsx")}
	}
	if _, err := os.Lstat(e.out); err == nil && !e.overwrite {
		return false, &usageError{what: problem.Say("%s exists already", e.out), fix: problem.Say("name another file, or repeat the command with --yes to write over it")}
	}
	return xlsx, nil
}

func reasonOf(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}

// list writes the rows of one export.
type list struct {
	*exportOrder
	box           letterbox
	fields        fieldBook
	sheet         sheet.Writer
	letters, rows int
}

func (l *list) write(ctx context.Context, conn *connection) error {
	header := []string{"Bản ghi", "Trường", "Đường dẫn", "Nhóm lỗi", "Sai ở đâu", "Cần làm gì", "What is wrong", "What to do", "Từ ngày", "Số lần"}
	if l.lang == "en" {
		header = []string{"Record", "Field", "Path", "Error group", "What is wrong", "What to do", "Sai ở đâu", "Cần làm gì", "Since", "Times"}
	}
	if l.values {
		header = append(header, map[string]string{"vi": "Giá trị trong hồ sơ", "en": "Value in the record"}[l.lang])
	}
	if err := l.sheet.Row(header...); err != nil {
		return err
	}
	err := l.box.each(ctx, conn, *l.filter, func(o pipeline.OpenLetter) error {
		l.letters++
		for _, v := range faults(o.Letter) {
			l.rows++
			if err := l.sheet.Row(l.row(&o, &v)...); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return l.sheet.Close()
}

func (l *list) row(o *pipeline.OpenLetter, v *pipeline.LetterViolation) []string {
	doVI, doEN := remedy(o.Letter.Reason, v.Rule, v.Group)
	group, groupEN := groupName(v.Group)
	texts := []string{v.VI, doVI, v.EN, doEN}
	if l.lang == "en" {
		group, texts = groupEN, []string{v.EN, doEN, v.VI, doVI}
	}
	row := append([]string{o.Key, l.fields.title(v.Field, l.lang), v.Field, group}, texts...)
	row = append(row, o.Since.Local().Format("2006-01-02 15:04"), strconv.Itoa(o.Times))
	if l.values {
		row[0] = recordName(o)
		row = append(row, l.fields.values(o.Letter, v.Field))
	}
	return row
}

// recordName names a record for those who may know it: by its entity key, or where it has none by the key of its row.
func recordName(o *pipeline.OpenLetter) string {
	if len(o.Raw) > 0 && o.Raw[0] != '@' {
		return string(o.Raw)
	}
	return cellList(o.Letter, o.Letter.RowKey)
}

func cellList(l *pipeline.Letter, columns []string) string {
	var out []string
	for _, c := range columns {
		if cell, ok := l.Row[c]; ok {
			out = append(out, c+" = "+shorten(cellText(cell)))
		}
	}
	return strings.Join(out, "; ")
}

// maxShownValue is how many characters of a value a list shows.
const maxShownValue = 500

func shorten(text string) string {
	if r := []rune(text); len(r) > maxShownValue {
		return string(r[:maxShownValue]) + "…"
	}
	return text
}

// fieldBook knows the fields of a pipeline's dataset: their titles, and the columns that they are made of.
type fieldBook struct {
	dataset *schemas.Dataset
	mapping *mapping.File // nil for a delivery: its letters carry no row
}

func (n *node) fieldsOf(box letterbox) fieldBook {
	if i := slices.IndexFunc(n.publish, func(p publishing) bool { return p.name == box.pipeline }); i >= 0 && box.source != "" {
		return fieldBook{n.publish[i].dataset, n.publish[i].mapping}
	}
	if i := slices.IndexFunc(n.subscribe, func(s subscription) bool { return s.name == box.pipeline }); i >= 0 {
		return fieldBook{dataset: n.subscribe[i].dataset}
	}
	return fieldBook{}
}

// title names a field as its schema does, with what it belongs to: "Người được khai sinh › Họ tên".
func (b fieldBook) title(pointer, lang string) string {
	if b.dataset == nil || pointer == "" {
		return ""
	}
	at := b.dataset.Root()
	var titles []string
	for token := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		switch p := at.Property(token); {
		case p != nil:
			at = p.Node
			titles = append(titles, firstOf(at.Title[lang], at.Title["vi"], token))
		case at.Items != nil:
			at = at.Items
			if i, err := strconv.Atoi(token); err == nil {
				token = strconv.Itoa(i + 1) // people count from one
			}
			titles = append(titles, token)
		default:
			return strings.Join(append(titles, token), " › ")
		}
	}
	return strings.Join(titles, " › ")
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

var (
	celText = regexp.MustCompile(`"(\\.|[^"\\])*"|'(\\.|[^'\\])*'`)
	celName = regexp.MustCompile(`[\pL_][\pL\pN_]*`)
)

// values shows the cells that the mapping makes a field of.
func (b fieldBook) values(l *pipeline.Letter, pointer string) string {
	if b.mapping == nil || b.mapping.Fields == nil || l.Row == nil {
		return ""
	}
	field := b.mapping.Fields
	for token := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		i := slices.IndexFunc(field.Fields, func(f mapping.Field) bool { return f.Name == token })
		if i < 0 {
			break // made by one expression, or not at all
		}
		field = &field.Fields[i]
	}
	var columns []string
	lets := map[string]bool{}
	var read func(e *mapping.Expression)
	read = func(e *mapping.Expression) {
		for _, name := range celName.FindAllString(celText.ReplaceAllString(e.CEL, ""), -1) {
			for _, rule := range b.mapping.Columns {
				if rule.Name == name && rule.From != "" {
					name = rule.From
				}
			}
			if _, ok := l.Row[name]; ok && !slices.Contains(columns, name) {
				columns = append(columns, name)
			}
			for i := range b.mapping.Let {
				if let := &b.mapping.Let[i]; let.Name == name && !lets[name] {
					lets[name] = true
					read(&let.Value)
				}
			}
		}
	}
	if field != b.mapping.Fields {
		eachExpression(field, read)
	} else if l.Reason == "key" {
		columns = l.RowKey
	}
	return cellList(l, columns)
}

// eachExpression calls fn for the expressions of a field and of what is below it.
func eachExpression(f *mapping.Field, fn func(*mapping.Expression)) {
	if f.Value != nil {
		fn(f.Value)
	}
	for i := range f.Fields {
		eachExpression(&f.Fields[i], fn)
	}
}
