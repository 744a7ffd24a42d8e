package discover

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas"
)

// Codes is a proposed table of codes.
type Codes struct {
	// Name under codes, and List that the targets belong to; empty for the values of an enum.
	Name string `json:"name"`
	List string `json:"list,omitempty"`
	// Entries are the codes found in the column, the commonest first.
	Entries []CodeEntry `json:"entries"`
	// Hidden counts further values that are too long or too many for codes: they are shown with samples only.
	Hidden int `json:"hidden,omitempty"`
	// Lookup is the table of the source that says what the codes mean; nil when none does.
	Lookup *Lookup `json:"lookup,omitempty"`
}

// Lookup is a table of the source that says what codes mean.
type Lookup struct {
	Table string `json:"table"`
	// Code and Label are its columns.
	Code  string `json:"code"`
	Label string `json:"label"`
	// ForeignKey: the column of codes leads there. Otherwise the table is called alike and has all the codes.
	ForeignKey bool `json:"foreignKey"`
	// Encoding is the one that its names were read in; empty when they are UTF-8.
	Encoding string `json:"encoding,omitempty"`
}

// CodeEntry is a code found. To is empty when nothing tells what it means.
type CodeEntry struct {
	From string `json:"from"`
	To   string `json:"to,omitempty"`
	Rows int    `json:"rows"`
	// Label names the target, for people.
	Label problem.Text `json:"label,omitzero"`
	// Called is what the look-up table calls it.
	Called string `json:"called,omitempty"`
	// Confidence that To is right, from 0 to 1.
	Confidence float64 `json:"confidence,omitempty"`
}

const (
	// longestCode is how long a value may be that passes for a code although no list knows it.
	longestCode = 4
	// longestWord is how long it may be when it is one word that comes again and again.
	longestWord = 12
	// mostCodes is how many unknown values a column of codes may have before they are hidden.
	mostCodes = 30
	// mostUnlike is how many codes of nothing known may all differ.
	mostUnlike = 8
	// ownList is the size from which numbers that are all in a list are taken for its own: of a list of three or four, every
	// system has numbers of its own.
	ownList = 20
)

// codeLike reports whether a value that no list knows passes for a code: very short, or one word that stands in several rows
// and is no number. What a person is called, or dialled by, must not come out as a code.
func codeLike(text string, rows int) bool {
	switch n := utf8.RuneCountInString(text); {
	case !readable(text) || n > longestWord || n == 0:
		return false
	case n <= longestCode:
		return true
	}
	return rows >= 3 && !strings.ContainsFunc(text, unicode.IsSpace) && (text[0] < '0' || text[0] > '9')
}

// code judges a column of codes and proposes the table. Names and known spellings are mapped, and so are codes that a look-up
// table of the source explains. Bare numbers are not: in one system 1 is a man, in the next a woman, so that a person has to
// say it.
func (e *evidence) code(p *profile, l *leaf, id string, book *codeBook) {
	name := p.table(id)
	n := l.node
	list := n.CodeList
	var known []schemas.Code
	for _, value := range n.Enum {
		known = append(known, schemas.Code{Code: value, VI: value, EN: value})
	}
	if l, err := book.set.CodeList(list); list != "" && err == nil {
		known = l.Codes()
	}
	spelt := book.spellings(list, known)
	table := &Codes{Name: name, List: list}
	explained := book.lookup(p, l, list, spelt)
	if explained != nil {
		table.explain(explained, book)
	}
	e.expression = `code("` + table.Name + `", ` + id + `)`
	if p.filled == 0 {
		e.codes = table
		if explained == nil {
			e.codes, e.most = nil, 0.5
			e.todo = append(e.todo, say("không có giá trị mẫu: ghi bảng mã", "no values in the sample: write the code table"))
			return
		}
		e.most = 0.7
		e.because(0, table.Lookup.says())
		return
	}
	own := explained == nil && p.foreign == nil && ownCodes(p, known)
	e.codes = table
	mapped, rows, guessed, open := 0, 0, false, 0
	for _, text := range p.values() {
		if explained != nil {
			if target, ok := explained.read(text); ok {
				i := slices.IndexFunc(table.Entries, func(e CodeEntry) bool { return e.From == text })
				table.Entries[i].Rows = p.texts[text]
				if target != nil {
					mapped, rows = mapped+1, rows+p.texts[text]
				} else {
					open++
				}
				continue
			}
		}
		entry := CodeEntry{From: text, Rows: p.texts[text]}
		if shown, ok := decoded(text, p.suspected); ok {
			entry.From = shown
			guessed = guessed || shown != text
		}
		target, sure, ok := spelt.named(entry.From)
		if !ok && own {
			target, ok = coded(known, text)
			sure = 0.9
		}
		switch {
		case ok:
			entry.To, entry.Label, entry.Confidence = target.Code, problem.Text{VI: target.VI, EN: target.EN}, sure
			mapped, rows = mapped+1, rows+entry.Rows
			table.Entries = append(table.Entries, entry)
		case codeLike(entry.From, entry.Rows) && len(p.texts) <= mostCodes:
			table.Entries = append(table.Entries, entry)
		default:
			table.Hidden++
		}
	}
	if guessed {
		e.todo = append(e.todo, say("các mã được đọc theo %s: chỉ đúng khi khai báo bảng mã đó cho cột", "the codes are read as %s: they hold once that encoding is declared for the column", p.suspected))
	}
	share := float64(rows) / float64(p.filled)
	switch {
	case explained != nil:
		e.because(share, table.Lookup.says())
		if !explained.foreign {
			e.most = 0.9
		}
	case table.Hidden > len(table.Entries) && share < 0.5:
		e.codes = nil
		e.because(-0.8, say("các giá trị không giống mã của %s", "the values do not look like codes of %s", listName(list)))
	case share == 1 && own:
		e.most = 0.9
		e.because(0.8, say("mọi giá trị là mã của %s, đủ cả số 0 đầu", "all values are codes of %s with their leading zeros", listName(list)))
	case share == 1:
		e.because(1, say("mọi giá trị là tên gọi có trong %s", "all values are names in %s", listName(list)))
	case share > 0:
		e.because(share, say("%d trong %d mã đọc được theo tên gọi; các mã còn lại phải ghi tay", "%d of %d codes read by their names; the others must be written by hand", mapped, len(p.texts)))
	case len(p.texts) == p.filled && p.filled > mostUnlike:
		e.codes = nil
		e.because(-0.8, say("mỗi hàng một giá trị khác: mã thì lặp lại", "every row has a value of its own: codes repeat"))
	default:
		// The column is no doubt the one; what its codes mean is another question.
		e.because(0.3, say("%d mã, không mã nào tự nói nghĩa: phải ghi tay theo tài liệu của hệ thống", "%d codes, none says by itself what it means: write them by the system's manual", len(p.texts)))
	}
	if share < 1 && e.codes != nil {
		e.todo = append(e.todo, say("điền nghĩa các mã còn thiếu", "fill in what the other codes mean"))
	}
}

// ownCodes reports whether a column holds the codes of a list themselves. Numbers are, when the list is long and they have its
// leading zeros: 10 may be anything, and 01 beside 10 is what the list writes.
func ownCodes(p *profile, known []schemas.Code) bool {
	if len(known) < ownList {
		return false
	}
	zero := func(s string) bool { return strings.HasPrefix(s, "0") && len(s) > 1 }
	if slices.ContainsFunc(known, func(c schemas.Code) bool { return zero(c.Code) }) && p.share(zero) == 0 {
		return false
	}
	return p.share(func(s string) bool { return hasCode(known, s) }) > 0.95
}

// explain fills the table with what a look-up table says: all of its codes, as rows may have them tomorrow.
func (c *Codes) explain(f *found, book *codeBook) {
	c.Name = f.lookup.id
	for _, o := range book.lookups {
		if o != f.lookup && o.id == c.Name { // the same name in another schema of the database
			c.Name = strings.Join(split(f.lookup.name), "_")
		}
	}
	c.Lookup = &Lookup{Table: f.lookup.name, Code: f.lookup.columns[f.codes].Name, Label: f.lookup.columns[f.match.names].Name, ForeignKey: f.foreign}
	if f.match.encoding != "utf-8" {
		c.Lookup.Encoding = f.match.encoding
	}
	for i, cells := range f.lookup.cells {
		entry := CodeEntry{From: cells[f.codes], Called: shown(f.match.labels[i])}
		if t := f.match.targets[i]; t != nil {
			entry.To, entry.Label, entry.Confidence = t.Code, problem.Text{VI: t.VI, EN: t.EN}, f.match.certain[i]
		}
		c.Entries = append(c.Entries, entry)
	}
}

// says tells where the meanings come from.
func (l *Lookup) says() problem.Text {
	if l.ForeignKey {
		return say("nghĩa của mã lấy từ bảng %s (%s, %s) qua khóa ngoại", "the codes are explained by the table %s (%s, %s), where a foreign key leads", l.Table, l.Code, l.Label)
	}
	return say("nghĩa của mã lấy từ bảng %s (%s, %s), trùng tên và đủ mã; không có khóa ngoại", "the codes are explained by the table %s (%s, %s), which is called alike and has them all; no foreign key says so", l.Table, l.Code, l.Label)
}

func listName(list string) string {
	if list == "" {
		return "enum"
	}
	return list
}

func hasCode(known []schemas.Code, code string) bool {
	_, ok := coded(known, code)
	return ok
}

func coded(known []schemas.Code, code string) (schemas.Code, bool) {
	i := slices.IndexFunc(known, func(c schemas.Code) bool { return c.Code == code })
	if i < 0 {
		return schemas.Code{}, false
	}
	return known[i], true
}

// letters reports a code that says what it means, such as VN.
func letters(code string) bool { return len(code) >= 2 && !hasDigit(code) }
