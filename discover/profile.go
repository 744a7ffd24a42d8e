package discover

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/lienthong/truc/mapping/value"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
)

// profile is what a sample tells of one column.
type profile struct {
	column record.Column
	place  int
	key    bool
	read   []reading
	// words are those that its name was read with, foreign is where its foreign key leads.
	words   *vocabulary
	foreign *reference

	rows, nulls, blanks int
	// kind is the kind of most cells that are not null; of the column, where there are none.
	kind record.Kind
	// texts counts the cells that are not null or blank, by their trimmed text.
	texts map[string]int
	// filled is how many those are.
	filled int
	// encodings are the readings of a text column that is no clean UTF-8 Vietnamese, best first.
	encodings []Encoding
	suspected string
	// mixed are the encodings of a column whose rows are in several.
	mixed []Share

	// document is the notation of a column whose cells are documents, "json" or "xml"; parts and arrays are what is in them.
	document string
	parts    []*profile
	arrays   []*array
	// named counts the keys that pass for names, hidden the others.
	named, hidden int
	// of is the column that this is a part of, path its place there (in an element of a list: below the element), within how
	// many documents have it. number and truth: the JSON values are no texts.
	of            *profile
	path          []string
	within        int
	number, truth bool
	// element: the profile of what stands between separators in that one.
	element *profile
	// many: the part is a list of plain values; member: it belongs to the elements of a list.
	many, member bool
}

// profiles looks at the columns; v reads their names, known are the words that keys in documents may be made of.
func profiles(t *record.Table, rows []record.Row, v, known *vocabulary) []*profile {
	out := make([]*profile, len(t.Columns))
	for i, c := range t.Columns {
		p := &profile{column: c, place: i, key: slices.Contains(t.Key, i), read: v.read(c.Name), rows: len(rows), kind: c.Kind, texts: map[string]int{}}
		kinds := map[record.Kind]int{}
		for _, row := range rows {
			p.add(row[i], kinds)
		}
		for _, k := range slices.Sorted(maps.Keys(kinds)) {
			if kinds[k] > kinds[p.kind] {
				p.kind = k
			}
		}
		if p.kind == record.Text || p.kind == record.Bytes {
			p.encodings, p.suspected = suspect(p.texts)
			if p.mixed = mixed(p.texts); p.mixed != nil {
				p.suspected = "" // no single one is right
			}
		}
		p.documents(rows, known)
		out[i] = p
	}
	alike(out)
	return out
}

// alike gives columns with too few telling texts the suspicion that the others of the table share, where they read well so.
func alike(columns []*profile) {
	shared := ""
	for _, p := range columns {
		// Capitals of a font are its small letters in another case: the encoding is the same.
		family := strings.TrimSuffix(p.suspected, "-hoa")
		if family != "" && shared != "" && family != shared {
			return
		}
		if family != "" {
			shared = family
		}
	}
	d, ok := value.EncodingNamed(shared)
	if !ok {
		return
	}
	for _, p := range columns {
		if p.suspected != "" || p.mixed != nil || p.kind != record.Text && p.kind != record.Bytes {
			continue
		}
		e := tryEncoding(d, p.texts)
		if e.Values > 0 && e.Clean == e.Values && e.Words >= sharedSound && tryEncoding(value.Encodings()[0], p.texts).rank() < e.rank() {
			p.encodings, p.suspected = []Encoding{e}, shared
		}
	}
}

func (p *profile) add(v record.Value, kinds map[record.Kind]int) {
	if v.IsNull() || v.Kind == record.Unchanged {
		p.nulls++
		return
	}
	kinds[v.Kind]++
	text := bytes.TrimSpace(v.Append(nil))
	if len(text) == 0 {
		p.blanks++
		return
	}
	p.texts[string(text)]++
	p.filled++
}

// share is how many of the filled cells have a property, from 0 to 1; 0 without cells.
func (p *profile) share(has func(text string) bool) float64 {
	if p.filled == 0 {
		return 0
	}
	n := 0
	for text, count := range p.texts {
		if has(text) {
			n += count
		}
	}
	return float64(n) / float64(p.filled)
}

// separator is the one that stands in cells between several values, "" when none does.
func (p *profile) separator(of ...string) string {
	i := slices.IndexFunc(of, func(s string) bool {
		return p.share(func(text string) bool { return strings.Contains(text, s) }) > 0.02
	})
	if i < 0 {
		return ""
	}
	return of[i]
}

// separated is the profile of the values between separators.
func (p *profile) separated(separator string) *profile {
	out := *p
	out.texts, out.filled, out.of, out.element = map[string]int{}, 0, nil, p
	for text, n := range p.texts {
		for part := range strings.SplitSeq(text, separator) {
			if part = strings.TrimSpace(part); part != "" {
				out.texts[part] += n
				out.filled += n
			}
		}
	}
	return &out
}

// yes is the value that means yes, where the values are nothing but yes and no.
func (p *profile) yes() string {
	found := ""
	for text := range p.texts {
		switch strings.ToLower(text) {
		case "y", "yes", "true", "t", "1", "c", "có", "co", "x":
			if found != "" {
				return ""
			}
			found = text
		case "n", "no", "false", "f", "0", "k", "không", "khong":
		default:
			return ""
		}
	}
	return found
}

// nothings are what people type into a field that must not be empty.
func nothings() []string {
	return []string{"-", "--", "0", "x", "xx", "xxx", "k", "ko", "không", "không có", "khong", "khong co", "chưa có", "none", "null", "n/a", "na"}
}

// something is the profile without cells that say there is nothing, and the texts that say so.
func (p *profile) something() (*profile, []string) {
	out := *p
	out.texts, out.filled = map[string]int{}, 0
	var left []string
	for _, text := range p.values() {
		if slices.Contains(nothings(), strings.ToLower(text)) {
			left = append(left, text)
			continue
		}
		out.texts[text] = p.texts[text]
		out.filled += p.texts[text]
	}
	if out.filled == 0 {
		return p, nil
	}
	return &out, left
}

// few tempers a share that few cells show: two that fit and one that does not are no proof of a third that is wrong.
func (p *profile) few(share float64) float64 {
	return (share*float64(p.filled) + 2) / float64(p.filled+2)
}

// sharedSound is the share of Vietnamese words that is enough where other columns of the table have shown the encoding.
const sharedSound = 0.5

// candidateLayouts are tried on texts, the likeliest first: of two that fit alike the first is meant.
func candidateLayouts() []string {
	return []string{
		"dd/MM/yyyy", "d/M/yyyy", "yyyy-MM-dd", "dd-MM-yyyy", "d-M-yyyy", "dd.MM.yyyy", "d.M.yyyy", "yyyyMMdd", "ddMMyyyy", "yyyy/MM/dd", "MM/dd/yyyy",
		"dd/MM/yyyy HH:mm", "dd/MM/yyyy HH:mm:ss", "yyyy-MM-dd HH:mm:ss", "yyyy-MM-ddTHH:mm:ss", "yyyyMMddHHmmss",
		"MM/yyyy", "M/yyyy", "yyyy-MM", "MM-yyyy", "yyyyMM", "yyyy",
	}
}

// dates says how the texts of a column are to be read as dates.
type dates struct {
	layouts []string
	// share of the filled cells that one of the layouts reads.
	share float64
	// ambiguous: with day and month the other way round all texts would be dates as well.
	ambiguous bool
	// epoch is how many cells say 1 January 1900, which systems write for "unknown", and sentinel how they write it.
	epoch    int
	sentinel string
}

// dates finds the fewest layouts that read the texts.
func (p *profile) dates() dates {
	var d dates
	rest := maps.Clone(p.texts)
	read := 0
	for len(rest) > 0 && len(d.layouts) < 4 {
		best, most := "", 0
		for _, pattern := range candidateLayouts() {
			if n := reads(pattern, rest); n > most {
				best, most = pattern, n
			}
		}
		if most == 0 || most*200 < p.filled {
			break
		}
		layout, err := value.CompileLayout(best)
		if err != nil {
			break
		}
		for text, n := range rest {
			t, ok := layout.Parse([]byte(text))
			if !ok || !plausible(t) {
				continue
			}
			if t.Year == 1900 && t.Month <= 1 && t.Day <= 1 {
				d.epoch += n
				d.sentinel = text
			}
			delete(rest, text)
			read += n
		}
		d.layouts = append(d.layouts, best)
	}
	if p.filled > 0 {
		d.share = float64(read) / float64(p.filled)
	}
	// The fullest first, as a reader expects them.
	slices.SortStableFunc(d.layouts, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	if len(d.layouts) > 0 && (d.layouts[0] == "dd/MM/yyyy" || d.layouts[0] == "d/M/yyyy") {
		d.ambiguous = reads("MM/dd/yyyy", p.texts) >= reads(d.layouts[0], p.texts)
	}
	return d
}

// plausible keeps numbers of eight digits, or of four, from passing for dates.
func plausible(t value.DateTime) bool { return t.Year >= 1850 && t.Year <= 2100 }

func reads(pattern string, texts map[string]int) int {
	layout, err := value.CompileLayout(pattern)
	if err != nil {
		return 0
	}
	n := 0
	for text, count := range texts {
		if t, ok := layout.Parse([]byte(text)); ok && plausible(t) {
			n += count
		}
	}
	return n
}

// values returns the distinct texts, the commonest first.
func (p *profile) values() []string {
	return slices.SortedFunc(maps.Keys(p.texts), func(a, b string) int {
		return cmp.Or(cmp.Compare(p.texts[b], p.texts[a]), cmp.Compare(a, b))
	})
}

// shape describes the texts of a column without showing any: "9 digits", "letters", "mixed".
func (p *profile) shape() problem.Text {
	if p.filled == 0 {
		return problem.Text{}
	}
	digits := p.share(allDigits)
	switch {
	case digits == 1:
		least, most := 1<<30, 0
		for text := range p.texts {
			least, most = min(least, len(text)), max(most, len(text))
		}
		return digitsShape(least, most)
	case digits > 0.9:
		return say("phần lớn là chữ số", "mostly digits")
	case p.share(hasDigit) == 0:
		return say("chữ", "letters")
	}
	return say("chữ và số", "letters and digits")
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

func hasDigit(s string) bool {
	return bytes.ContainsAny([]byte(s), "0123456789")
}

// onlyDigits drops everything else.
func onlyDigits(s string) string { return string(value.AppendDigits(nil, []byte(s))) }

// readable reports whether a text can be shown and compared as it is.
func readable(s string) bool { return utf8.ValidString(s) }

func digitsShape(least, most int) problem.Text {
	if least == most {
		return say("%d chữ số", "%d digits", least)
	}
	return say("%d đến %d chữ số", "%d to %d digits", least, most)
}
