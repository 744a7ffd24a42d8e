package discover

import (
	"fmt"
	"strings"

	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas"
)

// Starter writes a mapping to begin with: every property of a dataset as a comment with its title and the expression it
// takes. What is required stands first, marked. Nothing in it is live but the head, so that `truc check` names what is missing.
func Starter(d *schemas.Dataset, table string, sink bool, set *schemas.Set) string {
	s := &starter{set: set, dataset: d, table: table, leaves: leaves(d.Root(), newVocabulary())}
	if sink {
		s.sink()
	} else {
		s.source()
	}
	return s.b.String()
}

type starter struct {
	b       strings.Builder
	set     *schemas.Set
	dataset *schemas.Dataset
	table   string
	leaves  []*leaf
}

func (s *starter) line(format string, args ...any) {
	fmt.Fprintf(&s.b, format+"\n", args...)
}

// comment writes a line that an editor's "toggle comment" makes live.
func (s *starter) comment(depth int, format string, args ...any) {
	s.line(strings.Repeat("  ", depth)+"# "+format, args...)
}

func (s *starter) head(vi, en string) {
	s.line("# %s / %s", vi, en)
	s.line("# Bỏ dấu # ở dòng cần dùng, thay cot bằng tên cột. / Uncomment the lines you need, put the column's name for cot.")
	s.line("dataset: %s   # %s / %s", s.dataset.ID(), s.dataset.Title("vi"), s.dataset.Title("en"))
	s.line("table: %s", scalar(s.table))
}

func (s *starter) source() {
	s.head("Ánh xạ nguồn: hàng của bảng thành tài liệu", "A source mapping: rows become documents")
	s.comment(0, "columns:")
	s.comment(1, `"*": { text: tcvn3 }                # bảng mã văn bản nếu không phải Unicode / text encoding, if not Unicode`)
	s.comment(1, `cot: { null: ["", "01/01/1900"] }   # giá trị nghĩa là không có / texts that mean nothing`)
	s.comment(0, "only: cot == 2                        # chỉ công bố các hàng này / publish these rows only")
	s.comment(0, "deleted: cot == 1                     # hàng xóa mềm / soft deletes")
	s.codes()
	s.line("fields: {}   # bỏ {} khi có dòng đầu tiên / remove {} with the first line")
	root := &branch{}
	for _, l := range s.leaves {
		root.add(l.path, l, nil)
	}
	s.branch(root, 1)
	s.comment(0, "examples:                             # chạy bằng / run by: truc mapping test")
	s.comment(1, "- name: …")
	s.comment(1, "  row: { cot: … }")
	s.comment(1, "  document: { … }")
}

// codes lists the targets of each code list that a required property takes.
func (s *starter) codes() {
	done := map[string]bool{}
	for _, l := range s.leaves {
		list, err := s.set.CodeList(l.node.CodeList)
		if l.node.CodeList == "" || !l.must || err != nil || done[l.node.CodeList] {
			continue
		}
		if len(done) == 0 {
			s.comment(0, "codes:")
		}
		done[l.node.CodeList] = true
		s.comment(1, "%s:", l.path[len(l.path)-1])
		s.comment(2, "list: %s", l.node.CodeList)
		s.comment(2, "map:   # mã của bạn: mã chuẩn / your code: the standard's")
		for i, c := range list.Codes() {
			if i == codesShown {
				s.comment(3, "# … còn %d mã trong %s / %d more codes of %s", len(list.Codes())-i, l.node.CodeList, len(list.Codes())-i, l.node.CodeList)
				break
			}
			s.comment(3, `"…": %s   # %s / %s`, quote(c.Code), c.VI, c.EN)
		}
	}
}

// codesShown is how many codes of a list a starter shows.
const codesShown = 12

func (s *starter) branch(b *branch, depth int) {
	for _, c := range b.children {
		if c.leaf == nil {
			name, list := strings.CutSuffix(c.name, "[]")
			if list {
				s.comment(depth, "%s:   # danh sách: mỗi phần tử một gạch - / a list: a dash - for each element", name)
			} else {
				s.comment(depth, "%s:", name)
			}
			s.branch(c, depth+1)
			continue
		}
		s.comment(depth, "%s: %s   # %s%s", c.name, template(c.leaf), both(problem.Text{VI: c.leaf.node.Title["vi"], EN: c.leaf.node.Title["en"]}), needed(c.leaf))
	}
}

func needed(l *leaf) string {
	switch {
	case l.must:
		return " (bắt buộc / required)"
	case l.required:
		return " (bắt buộc trong đối tượng này / required in this object)"
	}
	return ""
}

// template is an expression of the kind a property takes.
func template(l *leaf) string {
	n := l.node
	switch {
	case l.list:
		return `{ each: 'split(cot, ";")', as: x, value: text(x) }`
	case isPartialDate(n):
		return `partialDate(cot, ["dd/MM/yyyy", "MM/yyyy", "yyyy"])`
	case n.Format == "date":
		return `date(cot, "dd/MM/yyyy")`
	case n.Format == "date-time":
		return `dateTime(cot, "dd/MM/yyyy HH:mm")`
	case n.CodeList != "" || len(n.Enum) > 0:
		return fmt.Sprintf("code(%q, cot)", l.path[len(l.path)-1])
	case allows(n, "string"):
		return "text(cot)"
	case allows(n, "number"):
		return "decimal(cot)"
	}
	return "cot"
}

func (s *starter) sink() {
	s.head("Ánh xạ đích: tài liệu thành hàng của bảng", "A sink mapping: documents become rows")
	s.line("write: upsert   # | update | append")
	var key []string
	for _, k := range s.dataset.KeyProperties() {
		key = append(key, "cot: "+k)
	}
	s.comment(0, "key: { co_quan: event.agency, %s }   # cột làm khóa / the key's columns", strings.Join(key, ", "))
	s.line("columns: {}   # bỏ {} khi có dòng đầu tiên / remove {} with the first line")
	for _, l := range s.leaves {
		path := l.String()
		if isPartialDate(l.node) {
			path += ".giaTri"
		}
		if !strings.Contains(path, "[]") && !l.list {
			s.comment(1, "cot: %s   # %s", path, both(problem.Text{VI: l.node.Title["vi"], EN: l.node.Title["en"]}))
		}
	}
	s.comment(0, "on_create: { cot: { const: … } }       # chỉ ghi khi thêm hàng / written when a row is new")
	s.line("on_delete: delete   # | ignore | { set: { cot: … } }")
}
