package discover

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/schemas"
)

// say words a sentence in both languages; an argument that is a text appears in the language of the sentence.
func say(vi, en string, args ...any) problem.Text {
	return problem.Text{VI: spoken(vi, problem.Vietnamese, args), EN: spoken(en, problem.English, args)}
}

func spoken(format string, l problem.Language, args []any) string {
	said := slices.Clone(args)
	for i, a := range said {
		if t, ok := a.(problem.Text); ok {
			said[i] = t.In(l)
		}
	}
	return fmt.Sprintf(format, said...)
}

// evidence is what the values of a column say about a property it might be.
type evidence struct {
	// fit is from -1 (it cannot be) over 0 (nothing to say) to 1 (as it should be).
	fit float64
	// most bounds the confidence, 1 when nothing does.
	most float64
	// expression of the mapping that fills the property; empty when there is none.
	expression string
	// list is the form of the list that the expression is an element of, with %s in its place; empty when it is none.
	list string
	// over is the list that the expression is about one element of.
	over string
	why  []problem.Text
	// nulls are texts to be declared as null for the column; asked are those that a person must judge.
	nulls, asked []string
	codes        *Codes
	// todo says what keeps the expression from being usable as it is.
	todo []problem.Text
}

// judge holds a column against a leaf. id is the column as an expression names it.
func judge(p *profile, l *leaf, id string, book *codeBook) evidence {
	e := evidence{most: 1}
	n := l.node
	if e, ok := judgeElement(p, l, id, book); ok {
		return e
	}
	switch {
	case l.list || p.many:
		return judgeList(p, l, id, book)
	case isPartialDate(n):
		e.date(p, id, true)
	case n.Format == "date":
		e.date(p, id, false)
	case n.Format == "date-time":
		e.instant(p, id)
	case n.CodeList != "" || len(n.Enum) > 0:
		e.code(p, l, id, book)
	case allows(n, "string"):
		e.text(p, l, id)
	case allows(n, "integer"), allows(n, "number"):
		e.number(p, id)
	case allows(n, "boolean"):
		e.truth(p, id)
	default:
		e.most = 0
	}
	return e
}

// judgeList holds a column against a list of plain values: one value, or several with a separator between them.
func judgeList(p *profile, l *leaf, id string, book *codeBook) evidence {
	if l.node.Items == nil || !l.list {
		return evidence{}
	}
	one := *l
	one.node, one.list = l.node.Items, false
	if p.many {
		single := *p
		single.many = false
		e := judge(&single, &one, "s", book)
		e.list = "{ each: '" + p.of.at(p.of.id(id), p.path, "json") + "', as: s, value: %s }"
		return e
	}
	separator := p.separator(";", ",", "|", "\n")
	if separator == "" {
		e := judge(p, &one, id, book)
		e.list = "[%s]"
		return e
	}
	e := judge(p.separated(separator), &one, "s", book)
	e.list = "{ each: 'split(" + id + `, "` + strings.ReplaceAll(separator, "\n", `\n`) + `")', as: s, value: %s }`
	e.why = append(e.why, say("nhiều giá trị cách nhau bằng %q", "several values with %q between them", separator))
	return e
}

func allows(n *schemas.Node, kind string) bool {
	return len(n.Types) == 0 || slices.Contains(n.Types, kind)
}

func (e *evidence) because(fit float64, why problem.Text) {
	e.fit = fit
	e.why = append(e.why, why)
}

// judgeElement holds a column against what an element of a list goes by, its name or its address, where the cells hold several
// of them: every one is an element.
func judgeElement(p *profile, l *leaf, id string, book *codeBook) (evidence, bool) {
	n := len(l.path)
	if n < 2 || !strings.HasSuffix(l.path[n-2], "[]") || !slices.Contains([]string{"hoTen", "ten", "chiTiet"}, l.path[n-1]) || p.member {
		return evidence{}, false
	}
	separator := p.separator(";", "|", "\n")
	if separator == "" {
		return evidence{}, false
	}
	one := *l
	one.path = l.path[n-1:]
	e := judge(p.separated(separator), &one, elementName, book)
	e.over = "split(" + id + `, "` + strings.ReplaceAll(separator, "\n", `\n`) + `")`
	e.why = append(e.why, say("nhiều giá trị cách nhau bằng %q", "several values with %q between them", separator))
	return e, true
}

// date judges dates: a whole one, or one that may lack day and month.
func (e *evidence) date(p *profile, id string, partial bool) {
	switch p.kind {
	case record.Date:
		e.expression = id
		if partial {
			e.expression = `partialDate(` + id + `, "yyyy-MM-dd")`
		}
		e.because(1, say("cột kiểu ngày", "the column is a date"))
		return
	case record.DateTime:
		if !partial {
			e.expression = "date(" + id + ")"
			e.because(0.7, say("cột kiểu ngày giờ", "the column is a date with a time"))
			return
		}
		fallthrough
	case record.Timestamp:
		e.most = 0.5
		e.because(0, say("cột kiểu thời điểm: chọn cách đổi ra ngày", "the column is an instant: choose how it becomes a date"))
		return
	case record.Text, record.Int, record.AnyKind, record.Unchanged:
	default:
		e.because(-1, say("kiểu của cột không phải ngày", "the type of the column is no date"))
		return
	}
	read := id
	if p.kind == record.Int || p.member {
		read = "text(" + id + ")"
	}
	if p.filled == 0 {
		e.most = 0.5
		e.todo = append(e.todo, say("không có giá trị mẫu: ghi mẫu ngày của cột", "no values in the sample: write the layout the column has"))
		e.expression = `date(` + read + `, "dd/MM/yyyy")`
		if partial {
			e.expression = `partialDate(` + read + `, ["dd/MM/yyyy", "MM/yyyy", "yyyy"])`
		}
		return
	}
	d := p.dates()
	layouts := d.layouts
	if !partial {
		layouts = slices.DeleteFunc(slices.Clone(layouts), func(l string) bool { return !strings.Contains(l, "d") })
	}
	if len(layouts) == 0 || d.share < 0.5 {
		e.because(-1, say("các giá trị không phải ngày", "the values are no dates"))
		return
	}
	e.because(d.share*2-1, say("%d%% giá trị đọc được theo mẫu %s", "%d%% of the values read as %s", percent(d.share), strings.Join(layouts, ", ")))
	if d.ambiguous {
		e.most = 0.85
		e.why = append(e.why, say("ngày và tháng có thể đổi chỗ: không giá trị nào có ngày lớn hơn 12", "day and month could be the other way round: no value has a day above 12"))
	}
	list := quoted(layouts)
	if partial {
		e.expression = "partialDate(" + read + ", " + list + ")"
	} else {
		e.expression = "date(" + read + ", " + list + ")"
	}
	if p.blanks > 0 {
		e.nulls = append(e.nulls, "")
	}
	if d.epoch > 1 {
		e.asked = append(e.asked, d.sentinel)
	}
}

func quoted(list []string) string {
	if len(list) == 1 {
		return `"` + list[0] + `"`
	}
	return `["` + strings.Join(list, `", "`) + `"]`
}

func percent(share float64) int { return int(share * 100) }

func (e *evidence) instant(p *profile, id string) {
	switch p.kind {
	case record.Timestamp:
		e.expression = id
		e.because(1, say("cột kiểu thời điểm", "the column is an instant"))
	case record.Text:
		d := p.dates()
		layouts := slices.DeleteFunc(slices.Clone(d.layouts), func(l string) bool { return !strings.Contains(l, "H") })
		if len(layouts) == 0 {
			e.most = 0.4
			e.because(-0.5, say("các giá trị không phải thời điểm theo mẫu đã biết", "the values are no times of a known layout"))
			return
		}
		e.expression = "dateTime(" + id + ", " + quoted(layouts) + ")"
		e.because(d.share*2-1, say("%d%% giá trị đọc được theo mẫu %s", "%d%% of the values read as %s", percent(d.share), strings.Join(layouts, ", ")))
	case record.DateTime:
		e.most = 0.5
		e.todo = append(e.todo, say("khai báo múi giờ của cột dưới columns", "declare the column's zone under columns"))
		e.expression = id
	default:
		e.because(-1, say("kiểu của cột không phải thời điểm", "the type of the column is no time"))
	}
}

func (e *evidence) number(p *profile, id string) {
	if p.of != nil && !p.member && p.filled > 0 && p.few(p.share(allDigits)) >= 0.9 {
		e.expression = p.of.at(p.of.id(id), p.path, "int")
		e.because(1, say("các giá trị là số nguyên", "the values are whole numbers"))
		return
	}
	switch p.kind {
	case record.Int:
		e.expression = id
		e.because(1, say("cột kiểu số nguyên", "the column is a whole number"))
	case record.Decimal, record.Float:
		e.expression = id
		e.because(0.8, say("cột kiểu số", "the column is a number"))
	case record.Text:
		share := p.share(func(s string) bool {
			return strings.IndexFunc(s, func(r rune) bool { return (r < '0' || r > '9') && r != '.' && r != '-' }) < 0
		})
		e.expression = "decimal(" + id + ")"
		e.because(share*2-1, say("%d%% giá trị là số", "%d%% of the values are numbers", percent(share)))
	default:
		e.because(-1, say("kiểu của cột không phải số", "the type of the column is no number"))
	}
}

func (e *evidence) truth(p *profile, id string) {
	switch p.kind {
	case record.Bool:
		e.expression = id
		e.because(1, say("cột kiểu đúng/sai", "the column is true or false"))
	case record.Int:
		e.expression, e.most = id+" == 1", 0.8
		e.because(p.share(func(s string) bool { return s == "0" || s == "1" })*2-1, say("các giá trị là 0 và 1", "the values are 0 and 1"))
	case record.Text:
		if p.truth {
			e.expression = id
			if !p.member {
				e.expression = p.of.at(p.of.id(id), p.path, "bool")
			}
			e.because(1, say("các giá trị là đúng hoặc sai", "the values are true or false"))
			return
		}
		if yes := p.yes(); yes != "" {
			e.expression, e.most = fmt.Sprintf("%s == %q", id, yes), 0.85
			e.because(0.8, say("các giá trị là có và không", "the values are yes and no"))
			return
		}
		fallthrough
	default:
		e.most = 0.5
		e.todo = append(e.todo, say("ghi phép so sánh cho giá trị đúng", "write the comparison that means true"))
	}
}

// text judges texts, with what the schema says of their form.
func (e *evidence) text(p *profile, l *leaf, id string) {
	n := l.node
	e.expression = "text(" + id + ")"
	switch p.kind {
	case record.JSON, record.Bytes:
		e.because(-0.5, say("kiểu của cột không phải văn bản", "the type of the column is no text"))
		return
	case record.Float, record.Decimal:
		if n.Pattern != "" {
			e.identifier(p, l, id)
			return
		}
		fallthrough
	case record.Date, record.DateTime, record.Timestamp, record.Time, record.Bool:
		e.because(-0.8, say("kiểu của cột không phải văn bản", "the type of the column is no text"))
		return
	default:
	}
	if p.filled == 0 {
		return
	}
	if n.Pattern != "" {
		filled, nothing := p.something()
		e.asked = append(e.asked, nothing...)
		e.identifier(filled, l, id)
		if len(nothing) > 0 {
			e.most = min(e.most, 0.85)
		}
		return
	}
	fits := p.share(func(s string) bool {
		length := utf8.RuneCountInString(s)
		return length >= n.MinLength && (n.MaxLength < 0 || length <= n.MaxLength)
	})
	if fits < 0.9 {
		e.because(fits-1, say("%d%% giá trị có độ dài hợp lệ", "%d%% of the values have an allowed length", percent(fits)))
		return
	}
	digits, letters := p.share(func(s string) bool { return allDigits(onlyDigits(s)) && len(onlyDigits(s))*2 > len(s) }), p.share(func(s string) bool { return !hasDigit(s) })
	name := l.path[len(l.path)-1]
	switch {
	case (name == "hoTen" || strings.HasPrefix(name, "nguoi") || name == "ten") && digits > 0.5:
		e.because(-1, say("các giá trị là số", "the values are numbers"))
	case (name == "hoTen" || strings.HasPrefix(name, "nguoi")) && letters > 0.9:
		words := p.share(func(s string) bool { w := len(strings.Fields(s)); return w >= 2 && w <= 8 })
		e.because(0.4+0.6*words, say("%d%% giá trị có dạng họ tên", "%d%% of the values have the form of a full name", percent(words)))
		if p.share(func(s string) bool { return strings.Contains(s, ";") }) > 0.02 {
			e.most = 0.85
			e.todo = append(e.todo, say("có ô chứa nhiều người cách nhau bằng dấu ;", "some cells hold several people with ; between them"))
		}
		if words < 0.5 {
			e.because(-0.5, say("phần lớn giá trị chỉ có một từ", "most values are a single word"))
		}
	case strings.HasPrefix(name, "so") && letters > 0.9:
		e.because(-0.7, say("các giá trị không có chữ số", "the values have no digits"))
	default:
		e.because(0.4, say("độ dài các giá trị hợp lệ", "the values have an allowed length"))
	}
}
