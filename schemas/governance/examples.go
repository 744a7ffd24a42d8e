package governance

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas"
)

// examples makes documents of a field table: valid ones, and for each rule one that breaks it alone. People in them are invented.
type examples struct {
	draft          *draft
	loaded         *schemas.Dataset
	valid, invalid int
}

// document is one whose values are the n-th of their kinds; variant 0 has the table's own examples. Least leaves out what is not
// required.
func (e *examples) document(of string, n int, least bool) object {
	o := object{}
	for _, r := range e.draft.inner(of) {
		if r.required || !least {
			o = append(o, member{r.called(), e.value(r, n, least)})
		}
	}
	return o
}

func (e *examples) value(r row, n int, least bool) any {
	one := func(n int) any {
		if r.group {
			return e.document(r.path, n, least)
		}
		return e.scalar(r, n)
	}
	if !r.list {
		return one(n)
	}
	out := []any{}
	for i := range max(1, r.least) {
		out = append(out, one(n+i))
	}
	return out
}

func (e *examples) scalar(r row, n int) any {
	if n == 0 && r.sample != "" {
		switch {
		case r.kind.words[0] == "số nguyên":
			if i, err := strconv.ParseInt(r.sample, 10, 64); err == nil {
				return i
			}
			return r.sample
		case r.kind.definition == "" && r.kind.words[0] != "đúng sai", r.kind.definition == "hoTen", r.kind.definition == "soDinhDanh", r.kind.definition == "maDoanhNghiep":
			return r.sample
		}
	}
	if r.codes != "" {
		list, err := e.draft.set.CodeList(r.codes)
		if err != nil || len(list.Codes()) == 0 {
			return ""
		}
		return list.Codes()[n%len(list.Codes())].Code
	}
	switch r.kind.definition {
	case "hoTen":
		return []string{"Nguyễn Văn Mẫu", "Trần Thị Thử", "Lê Văn Ví Dụ"}[n%3]
	case "soDinhDanh":
		return fmt.Sprintf("0010990000%02d", n%100)
	case "ngayKhongDayDu":
		return object{{"giaTri", strconv.Itoa(1975 + n%20)}, {"doChinhXac", "nam"}}
	case "coQuan":
		return object{{"ma", fmt.Sprintf("H44.%02d", 15+n%10)}, {"ten", "Cơ quan mẫu"}}
	case "diaChi":
		return object{{"chiTiet", fmt.Sprintf("Số %d đường Mẫu", n+1)}}
	case "giayTo":
		list, err := e.draft.set.CodeList("danhmuc.giayto")
		if err != nil {
			return nil
		}
		return object{{"loai", list.Codes()[0].Code}, {"so", fmt.Sprintf("00109900%04d", n)}}
	case "tien":
		return object{{"soTien", strconv.Itoa(150000 + n)}, {"donViTien", "VND"}}
	case "maDoanhNghiep":
		return fmt.Sprintf("01012345%02d", n%100)
	}
	switch r.kind.words[0] {
	case "ngày":
		return fmt.Sprintf("2026-01-%02d", 1+n%28)
	case "thời điểm":
		return fmt.Sprintf("2026-01-%02dT08:00:00+07:00", 1+n%28)
	case "số nguyên":
		return n + 1
	case "số thập phân":
		return fmt.Sprintf("%d.5", n+1)
	case "đúng sai":
		return n%2 == 0
	case "thư điện tử":
		return fmt.Sprintf("mau%d@coquan.example", n)
	}
	return fitted("Mẫu "+strconv.Itoa(n+1), r)
}

// fitted is a text of a length that the row allows.
func fitted(text string, r row) string {
	runes := []rune(text)
	for !r.list && len(runes) < r.least {
		runes = append(runes, 'x')
	}
	if !r.list && r.most >= 0 && len(runes) > r.most {
		runes = runes[len(runes)-r.most:]
	}
	return string(runes)
}

// samples are the table's own examples that its own rules refuse.
func (e *examples) samples() problem.List {
	text, err := compact(e.document("", 0, false))
	if err != nil {
		return e.draft.table.found // what cannot be written was told
	}
	for _, v := range e.loaded.Check(text) {
		at := placeOf(v.Pointer)
		for _, r := range e.draft.table.rows {
			if strings.TrimSuffix(r.path, "[]") == strings.TrimSuffix(at, "[]") {
				e.draft.table.bad(r.number, colExample, problem.Say("the example does not fit the row: %s", problem.Text{VI: v.VI, EN: v.EN}), problem.Say("correct the example, or the type and length of the row"))
			}
		}
	}
	return e.draft.table.found
}

// placeOf is a place in a document as the table names it: "/con/0/hoTen" is "con[].hoTen".
func placeOf(pointer string) string {
	out := ""
	for token := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		if _, err := strconv.Atoi(token); err == nil {
			out += "[]"
		} else {
			out += "." + token
		}
	}
	return strings.TrimPrefix(out, ".")
}

// all are the examples by file. A candidate that does not show what it is for, as the validator judges it, is left out.
func (e *examples) all() map[string]any {
	out := map[string]any{}
	for i, c := range []struct {
		name string
		doc  object
	}{
		{"day-du", e.document("", 0, false)},
		{"toi-thieu", e.document("", 0, true)},
		{"khac-1", e.document("", 1, false)},
		{"khac-2", e.document("", 2, false)},
		{"khac-3", e.document("", 3, false)},
		{"toi-thieu-khac", e.document("", 4, true)},
	} {
		text, err := compact(c.doc)
		if err == nil && len(e.loaded.Check(text)) == 0 {
			out[fmt.Sprintf("valid/%d-%s.json", i+1, c.name)] = c.doc
			e.valid++
		}
	}
	whole := e.document("", 0, false)
	seen := map[string]bool{}
	add := func(what string, doc any) {
		text, err := compact(doc)
		if err != nil || seen[string(text)] {
			return
		}
		v := e.loaded.Check(text)
		if len(v) != 1 {
			return
		}
		seen[string(text)] = true
		e.invalid++
		name := fmt.Sprintf("invalid/%s-%s", strings.NewReplacer(".", "-", "[]", "").Replace(firstNonEmpty(what, "tai-lieu")), strings.ToLower(v[0].Rule))
		for n := 2; out[name+".json"] != nil; n++ {
			name = fmt.Sprintf("%s-%d", strings.TrimRight(name, "-0123456789"), n)
		}
		out[name+".json"] = object{
			{"about", v[0].VI + ": " + firstNonEmpty(what, "tài liệu")},
			{"expect", []object{{{"pointer", v[0].Pointer}, {"rule", v[0].Rule}}}},
			{"document", doc},
		}
	}
	add("", "văn bản")
	add("khac", whole.with("thuocTinhLa", "x"))
	e.broken("", whole, func(what string, doc object) { add(what, doc) })
	return out
}

// broken hands out the document with one fault at a time, for each field of a group and those inside it.
func (e *examples) broken(of string, doc object, hand func(what string, doc object)) {
	for _, r := range e.draft.inner(of) {
		name := r.called()
		if r.required {
			hand(r.path, doc.without(name))
		}
		for _, wrong := range e.wrong(r) {
			hand(r.path, doc.with(name, wrong))
		}
		if !r.group {
			continue
		}
		inner, _ := e.value(r, 0, false).(object)
		again := func(inner object) any { return inner }
		if list, isList := e.value(r, 0, false).([]any); isList {
			inner, _ = list[0].(object)
			again = func(inner object) any { return append([]any{inner}, list[1:]...) }
		}
		hand(r.path, doc.with(name, again(inner.with("thuocTinhLa", "x"))))
		e.broken(r.path, inner, func(what string, inner object) { hand(what, doc.with(name, again(inner))) })
	}
}

// wrong are values that a field must refuse, one for each of its rules.
func (e *examples) wrong(r row) []any {
	var out []any
	one := e.scalarWrong(r)
	if !r.list {
		return one
	}
	for _, w := range one {
		out = append(out, []any{w})
	}
	most := r.most
	if most < 0 {
		most = 100
	}
	var many []any
	for i := range most + 1 {
		if r.group {
			many = append(many, e.document(r.path, i, true))
		} else {
			many = append(many, e.scalar(r, i))
		}
	}
	out = append(out, "không phải danh sách", []any{}, many)
	return out
}

func (e *examples) scalarWrong(r row) []any {
	if r.group {
		return []any{"không phải nhóm"}
	}
	switch r.kind.words[0] {
	case "số nguyên":
		return []any{"một", 1.5}
	case "đúng sai":
		return []any{"đúng"}
	}
	out := []any{1, "khong dung dang"}
	if r.codes != "" {
		return []any{1, "khong-co-ma-nay"}
	}
	if r.kind.text {
		most := r.most
		if r.list {
			most = 500
		}
		out = []any{1, strings.Repeat("x", most+1)}
		if r.least > 0 {
			out = append(out, strings.Repeat("x", r.least-1))
		}
	}
	if r.kind.definition == "hoTen" {
		out = []any{1, "", strings.Repeat("x", 151)}
	}
	if r.kind.words[0] == "thư điện tử" {
		out = append(out, strings.Repeat("x", 250)+"@coquan.example")
	}
	return out
}
