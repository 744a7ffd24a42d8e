package discover

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

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
}

// CodeEntry is a code found. To is empty when nothing tells what it means.
type CodeEntry struct {
	From string `json:"from"`
	To   string `json:"to,omitempty"`
	Rows int    `json:"rows"`
	// Label names the target, for people.
	Label Text `json:"label,omitzero"`
}

const (
	// longestCode is how long a value may be that passes for a code although no list knows it.
	longestCode = 4
	// longestWord is how long it may be when it is one word that comes again and again.
	longestWord = 12
	// mostCodes is how many unknown values a column of codes may have before they are hidden.
	mostCodes = 30
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

// code judges a column of codes and proposes the table. Names and known spellings are mapped. Numbers are not: in one
// system 1 is a man, in the next a woman, so that a person has to say it.
func (e *evidence) code(p *profile, n *schemas.Node, id string, set *schemas.Set) {
	name := p.table(id)
	list := n.CodeList
	var known []schemas.Code
	for _, value := range n.Enum {
		known = append(known, schemas.Code{Code: value, VI: value, EN: value})
	}
	if l, err := set.CodeList(list); list != "" && err == nil {
		known = l.Codes()
	}
	if p.filled == 0 {
		e.most = 0.5
		e.expression = `code("` + name + `", ` + id + `)`
		e.todo = append(e.todo, say("không có giá trị mẫu: ghi bảng mã", "no values in the sample: write the code table"))
		return
	}
	own := len(known) >= ownList && p.share(func(s string) bool { return hasCode(known, s) || hasCode(known, "0"+s) }) > 0.95
	table := &Codes{Name: name, List: list}
	e.codes = table
	e.expression = `code("` + name + `", ` + id + `)`
	mapped, rows, guessed := 0, 0, false
	for _, text := range p.values() {
		entry := CodeEntry{From: text, Rows: p.texts[text]}
		if shown, ok := decoded(text, p.suspected); ok {
			entry.From = shown
			guessed = guessed || shown != text
		}
		target, ok := named(known, entry.From)
		if !ok && own {
			if target, ok = coded(known, text); !ok {
				target, ok = coded(known, "0"+text)
			}
		}
		switch {
		case ok:
			entry.To, entry.Label = target.Code, Text{target.VI, target.EN}
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
	case table.Hidden > len(table.Entries) && share < 0.5:
		e.codes = nil
		e.because(-0.8, say("các giá trị không giống mã của %s", "the values do not look like codes of %s", listName(list)))
	case share == 1 && own:
		e.most = 0.9
		e.because(0.8, say("mọi giá trị đều có trong %s", "all values are codes of %s", listName(list)))
	case share == 1:
		e.because(1, say("mọi giá trị là tên gọi có trong %s", "all values are names in %s", listName(list)))
	case share > 0:
		e.because(share, say("%d trong %d mã đọc được theo tên gọi; các mã còn lại phải ghi tay", "%d of %d codes read by their names; the others must be written by hand", mapped, len(p.texts)))
	default:
		// The column is no doubt the one; what its codes mean is another question.
		e.because(0.3, say("%d mã, không mã nào tự nói nghĩa: phải ghi tay theo tài liệu của hệ thống", "%d codes, none says by itself what it means: write them by the system's manual", len(p.texts)))
	}
	if share < 1 && e.codes != nil {
		e.todo = append(e.todo, say("điền nghĩa các mã còn thiếu", "fill in what the other codes mean"))
	}
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

// named finds the one entry that a text is a name of, without accents and case where that is still one. A number is no name.
func named(known []schemas.Code, text string) (schemas.Code, bool) {
	if allDigits(text) {
		return schemas.Code{}, false
	}
	for _, same := range []func(a, b string) bool{
		func(a, b string) bool { return a == b },
		func(a, b string) bool { return plain(a) == plain(b) },
	} {
		var found []schemas.Code
		for _, c := range known {
			if same(c.VI, text) || same(c.EN, text) || slices.ContainsFunc(c.Aliases, func(a string) bool { return same(a, text) }) || letters(c.Code) && same(c.Code, text) {
				found = append(found, c)
			}
		}
		if len(found) == 1 {
			return found[0], true
		}
	}
	return schemas.Code{}, false
}

// letters reports a code that says what it means, such as VN.
func letters(code string) bool { return len(code) >= 2 && !hasDigit(code) }
