package discover

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/lienthong/truc/mapping"
	"github.com/lienthong/truc/mapping/value"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/schemas"
)

// writer turns proposals into a mapping file.
type writer struct {
	dataset   *schemas.Dataset
	leaves    []*leaf
	table     *record.Table
	columns   []*profile
	ids       map[*profile]string
	rows      []record.Row
	opt       Options
	proposals []*Proposal

	b strings.Builder
}

// draft writes the mapping, and takes out of it what does not compile against the table.
func (w *writer) draft() *Draft {
	w.constants()
	w.lacking()
	for range 3 {
		w.b.Reset()
		w.file()
		if !w.demote() {
			break
		}
	}
	d := &Draft{Dataset: w.dataset.ID(), YAML: w.b.String(), Proposals: []Proposal{}, Unused: []string{}, Key: w.key()}
	used := map[string]bool{}
	for _, p := range w.proposals {
		d.Proposals = append(d.Proposals, *p)
		for _, c := range p.Columns {
			used[c] = true
		}
	}
	for _, p := range w.columns {
		if !used[p.column.Name] {
			d.Unused = append(d.Unused, p.column.Name)
		}
	}
	return d
}

// demote turns lines into comments that the compiler refuses; what is missing is known already.
func (w *writer) demote() bool {
	file, problems := mapping.Parse("draft", []byte(w.b.String()), nil)
	if file != nil {
		_, found := mapping.CompileSource(file, w.table, w.dataset, mapping.Env{Set: w.opt.Set, Agency: w.opt.Agency})
		problems = append(problems, found...)
	}
	changed := false
	for _, q := range problems {
		if q.Warning || q.Code == "mapping.missing-property" {
			continue
		}
		_, path, _ := strings.Cut(q.Where, " fields.")
		for _, p := range w.proposals {
			if p.Live && path != "" && placeless(p.Property) == placeless(path) {
				p.Live = false
				p.Confidence = min(p.Confidence, Threshold-0.05)
				p.Todo = append(p.Todo, problem.Text{VI: "chưa biên dịch được: " + q.What.VI, EN: "does not compile: " + q.What.EN})
				changed = true
			}
		}
	}
	return changed
}

// placeless is the path of a property, or of a place in a mapping, without what makes it one in a list.
func placeless(path string) string {
	var out []string
	for s := range strings.SplitSeq(strings.ReplaceAll(path, "[]", ""), ".") {
		if !allDigits(s) && s != "each" && s != "fields" && s != "value" {
			out = append(out, s)
		}
	}
	return strings.Join(out, ".")
}

// constants fills codes that a column's name says: a column so_cmnd holds numbers of papers of the kind CMND.
func (w *writer) constants() {
	for _, p := range slices.Clone(w.proposals) {
		if len(p.Columns) == 0 || p.Confidence < Threshold {
			continue
		}
		parent := p.leaf.path[:len(p.leaf.path)-1]
		node := w.dataset.Root().At(strings.Join(parent, "."))
		if node == nil || len(parent) == 0 {
			continue
		}
		for _, s := range node.Properties {
			path := strings.Join(append(slices.Clone(parent), s.Name), ".")
			i := slices.IndexFunc(w.proposals, func(o *Proposal) bool { return o.Property == path })
			if !s.Required || s.Node.CodeList == "" || i >= 0 {
				continue
			}
			list, err := w.opt.Set.CodeList(s.Node.CodeList)
			if err != nil {
				continue
			}
			spelt := newSpellings(list.Codes())
			for _, word := range split(p.Columns[0]) {
				if code, _, ok := spelt.named(word); ok {
					w.proposals = append(w.proposals, &Proposal{
						Property: path, Columns: []string{}, Expression: fmt.Sprintf("{ const: %q }", code.Code), Confidence: 0.7, Live: true,
						Reasons: []problem.Text{say("tên cột %s nói loại “%s”", "the name of column %[1]s says so", p.Columns[0], code.VI)},
						leaf:    &leaf{path: append(slices.Clone(parent), s.Name), node: s.Node, required: true},
					})
				}
			}
		}
	}
}

// lacking lowers the confidence of what stands in an object that cannot be without something that no column fills: the number
// of an identity paper whose kind is not known. The whole object may have to be left out.
func (w *writer) lacking() {
	for _, l := range w.leaves {
		if !l.required || l.must || slices.ContainsFunc(w.proposals, func(p *Proposal) bool { return p.Property == l.String() && p.Expression != "" }) {
			continue
		}
		object := strings.Join(l.path[:len(l.path)-1], ".") + "."
		for _, p := range w.proposals {
			if strings.HasPrefix(p.Property, object) && p.Confidence > lackingMost {
				p.Confidence = lackingMost
				p.Reasons = append(p.Reasons, say("%s cũng bắt buộc mà chưa có cột nào", "%s is required beside it, and no column fills it", l))
			}
		}
	}
}

// lackingMost bounds the confidence of a part of an object that lacks another.
const lackingMost = 0.85

func (w *writer) line(depth int, format string, args ...any) {
	w.b.WriteString(strings.Repeat("  ", depth))
	w.b.WriteString(problem.Visible(fmt.Sprintf(format, args...))) // a name must not end a comment, or move the cursor
	w.b.WriteByte('\n')
}

// note writes a comment in the languages that were asked for.
func (w *writer) note(depth int, t problem.Text) { w.line(depth, "# %s", w.said(t)) }

// said is a text in the languages that were asked for, side by side.
func (w *writer) said(t problem.Text) string {
	if len(w.opt.Languages) == 0 {
		return both(t)
	}
	var out []string
	for _, l := range w.opt.Languages {
		if said := t.In(l); !slices.Contains(out, said) {
			out = append(out, said)
		}
	}
	return strings.Join(out, " / ")
}

// both is a comment in both languages.
func both(t problem.Text) string { return t.VI + " / " + t.EN }

func (w *writer) file() {
	w.note(0, say("Bản nháp của truc discover: đọc và sửa từng dòng trước khi dùng.", "A draft by truc discover: read and mend every line before use."))
	w.note(0, say("Số là độ tin cậy từ 0 đến 1; dưới %.1f thì dòng chỉ là chú thích.", "Numbers are confidence from 0 to 1; below %.1f a line is a comment only.", Threshold))
	w.line(0, "dataset: %s", w.dataset.ID())
	w.line(0, "table: %s", scalar(w.table.String()))
	w.columnRules()
	w.filters()
	w.codes()
	root := &branch{}
	for _, l := range w.leaves {
		for _, p := range w.proposalsOf(l) {
			root.add(l.path, l, p)
		}
	}
	for _, p := range w.proposals {
		if b := root.at(p.leaf.path); b != nil && p.over != "" && strings.HasSuffix(p.Property, "[]") {
			b.list = p
		}
	}
	if !root.live() {
		w.line(0, "fields: {}")
	} else {
		w.line(0, "fields:")
	}
	w.branch(root, 1, root.live())
}

// proposalsOf are what fills a leaf: one proposal, nil for none, or one for each element of a list.
func (w *writer) proposalsOf(l *leaf) []*Proposal {
	var out []*Proposal
	for _, p := range w.proposals {
		if p.Property == l.String() {
			out = append(out, p)
		}
	}
	if out == nil {
		return []*Proposal{nil}
	}
	return out
}

// columnRules declares how cells are read: names that are no identifiers, texts that mean null, and, as comments, encodings.
func (w *writer) columnRules() {
	var live, comments []string
	suspected := map[string][]string{}
	telling := 0
	for _, p := range w.columns {
		if p.suspected != "" {
			suspected[p.suspected] = append(suspected[p.suspected], w.ids[p])
		}
		if p.suspected != "" || len(p.encodings) > 0 {
			telling++
		}
	}
	for _, d := range value.Encodings() {
		columns := suspected[d.Name]
		if len(columns) == 0 {
			continue
		}
		comments = append(comments, "# "+w.said(say("TODO nghi là %s ở %d cột: xem truc discover --samples rồi bỏ dấu #", "TODO %s is suspected in %d columns: look at truc discover --samples, then remove the #", d.Name, len(columns))))
		if len(columns) == telling {
			comments = append(comments, fmt.Sprintf(`# "*": { text: %s }`, d.Name))
			continue
		}
		for _, c := range columns {
			comments = append(comments, fmt.Sprintf("# %s: { text: %s }", c, d.Name))
		}
	}
	for _, p := range w.columns {
		if p.mixed == nil {
			continue
		}
		var shares []string
		for _, m := range p.mixed {
			shares = append(shares, fmt.Sprintf("%s %d %%", m.Encoding, m.Percent))
		}
		comments = append(comments,
			"# "+w.said(say("TODO cột %s lẫn nhiều bảng mã: %s. Mỗi cột chỉ khai báo được một bảng mã cho mọi hàng", "TODO the column %s mixes encodings: %s. One encoding is declared for all rows of a column", w.ids[p], strings.Join(shares, ", "))),
			"# "+w.said(say("từng hàng phải được phân biệt ở nguồn: chuyển về một bảng mã, hoặc tách mỗi bảng mã thành một cột rồi viết or(cột, cột)", "the rows must be told apart at the source: recode them, or give each encoding a column of its own and write or(column, column)")),
		)
	}
	for _, p := range w.columns {
		var parts []string
		if id := w.ids[p]; id != p.column.Name && w.uses(p) {
			parts = append(parts, "from: "+scalar(p.column.Name))
		}
		for _, q := range w.proposals {
			if len(q.Columns) != 1 || q.Columns[0] != p.column.Name || !q.Live {
				continue
			}
			if len(q.nulls) > 0 {
				parts = append(parts, "null: "+quotedList(q.nulls))
			}
			if len(q.asked) > 0 {
				comments = append(comments, "# "+w.said(say("TODO nhiều hàng ghi %s: có nghĩa là không biết?", "TODO many rows say %s: does that mean unknown?", q.asked[0])),
					fmt.Sprintf("# %s: { null: %s }", w.ids[p], quotedList(append(slices.Clone(q.nulls), q.asked...))))
			}
		}
		if len(parts) > 0 {
			live = append(live, fmt.Sprintf("%s: { %s }", w.ids[p], strings.Join(parts, ", ")))
		}
	}
	switch {
	case len(live) > 0:
		w.line(0, "columns:")
	case len(comments) > 0:
		w.line(0, "# columns:")
	}
	for _, c := range slices.Concat(comments, live) {
		w.line(1, "%s", c)
	}
}

// uses reports whether the draft's lines, comments included, read a column.
func (w *writer) uses(p *profile) bool {
	return slices.ContainsFunc(w.proposals, func(q *Proposal) bool { return q.Live && slices.Contains(q.Columns, p.column.Name) })
}

// taken reports whether a property most likely is what a column holds, even where its line is a comment yet.
func (w *writer) taken(p *profile) bool {
	return slices.ContainsFunc(w.proposals, func(q *Proposal) bool {
		return q.Confidence >= Threshold && slices.Contains(q.Columns, p.column.Name)
	})
}

// filters offers conditions on columns that tell drafts and deleted rows from the others.
func (w *writer) filters() {
	for _, p := range w.columns {
		if w.taken(p) {
			continue
		}
		for _, f := range []struct{ key, words, vi, en string }{
			{"deleted", " da xoa | xoa | is deleted | deleted | da huy | huy | xoa mem | bi xoa ", "cột này đánh dấu hàng đã xóa?", "does this column mark deleted rows?"},
			{"only", " trang thai | tinh trang | xac nhan | da xac nhan | status | da duyet | duyet | trang thai hs ", "chỉ công bố những hàng nào?", "which rows are to be published?"},
		} {
			if !slices.ContainsFunc(p.read, func(r reading) bool { return strings.Contains(f.words, " "+strings.Join(r.words, " ")+" ") }) {
				continue
			}
			var codes []string
			for _, text := range p.values() {
				if codeLike(text, p.texts[text]) && len(p.texts) <= 10 {
					codes = append(codes, fmt.Sprintf("%s (%d)", text, p.texts[text]))
				}
			}
			w.line(0, "# TODO %s: %s", w.said(problem.Text{VI: f.vi, EN: f.en}), orNone(codes))
			w.line(0, "# %s: %s == %s", f.key, w.ids[p], sampleCode(p))
		}
	}
}

func orNone(list []string) string {
	if len(list) == 0 {
		return "…"
	}
	return strings.Join(list, ", ")
}

func sampleCode(p *profile) string {
	switch p.kind {
	case record.Int:
		return "1"
	case record.Bool:
		return "true"
	default:
		return `"…"`
	}
}

func (w *writer) codes() {
	var tables []*Proposal
	live := false
	for _, p := range w.proposals {
		if p.Codes != nil && p.Confidence >= leastShown {
			tables = append(tables, p)
			live = live || p.Live
		}
	}
	if len(tables) == 0 {
		return
	}
	mark := func(live bool) string {
		if live {
			return ""
		}
		return "# "
	}
	if live {
		w.line(0, "codes:")
	} else {
		w.line(0, "# codes:")
	}
	for _, c := range merged(tables) {
		m := mark(c.live)
		if c.Lookup != nil {
			w.note(1, c.Lookup.says())
		}
		w.line(1, "%s%s:", m, c.Name)
		if c.List != "" {
			w.line(2, "%slist: %s", m, c.List)
		}
		w.line(2, "%smap:", m)
		for _, e := range c.Entries {
			switch {
			case e.To == "" && e.Called != "":
				w.line(3, "# TODO %s: \"?\"   # %s", quote(e.From), e.Called)
			case e.To == "":
				w.line(3, "# TODO %s: \"?\"   # %s", quote(e.From), w.said(say("%d hàng mẫu", "%d sampled rows", e.Rows)))
			case e.Called != "":
				w.line(3, "%s%s: %s   # %.2f %s → %s", m, quote(e.From), quote(e.To), e.Confidence, e.Called, w.said(e.Label))
			default:
				w.line(3, "%s%s: %s   # %s", m, quote(e.From), quote(e.To), w.said(e.Label))
			}
		}
		if c.Hidden > 0 {
			w.note(3, say("TODO còn %d giá trị không giống mã, không in ra", "TODO %d more values that look like no codes are not shown", c.Hidden))
		}
	}
}

type mergedCodes struct {
	Codes
	live bool
}

// merged are the code tables, each once: that of a look-up table serves every column that leads to it.
func merged(proposals []*Proposal) []*mergedCodes {
	var out []*mergedCodes
	for _, p := range proposals {
		i := slices.IndexFunc(out, func(c *mergedCodes) bool { return c.Name == p.Codes.Name })
		if i < 0 {
			one := &mergedCodes{Codes: *p.Codes, live: p.Live}
			one.Entries = slices.Clone(p.Codes.Entries)
			out = append(out, one)
			continue
		}
		out[i].live = out[i].live || p.Live
		for _, e := range p.Codes.Entries {
			if !slices.ContainsFunc(out[i].Entries, func(o CodeEntry) bool { return o.From == e.From }) {
				out[i].Entries = append(out[i].Entries, e)
			}
		}
	}
	return out
}

func (w *writer) key() KeyCoverage {
	k := KeyCoverage{Parts: []KeyPart{}, Rows: len(w.rows)}
	var places []int
	for _, property := range w.dataset.KeyProperties() {
		i := slices.IndexFunc(w.proposals, func(p *Proposal) bool { return p.Property == property && p.Live })
		if i < 0 {
			k.Open = append(k.Open, property)
			continue
		}
		p := w.proposals[i]
		k.Parts = append(k.Parts, KeyPart{property, p.Columns})
		for _, name := range p.Columns {
			place := w.table.Index(name)
			if place < 0 {
				continue
			}
			places = append(places, place)
			if !w.table.Carried(place) {
				k.NotCarried = append(k.NotCarried, name)
			}
		}
	}
	if len(places) == 0 {
		return k
	}
	counts := map[string]int{}
	for _, row := range w.rows {
		var key []byte
		for _, place := range places {
			key = append(row[place].Append(key), 0)
		}
		counts[string(key)]++
	}
	for _, n := range counts {
		if n == 1 {
			k.Unique++
		}
	}
	return k
}

var plainScalar = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]*$`)

// scalar writes a YAML text.
func scalar(s string) string {
	if plainScalar.MatchString(s) && !slices.Contains([]string{"true", "false", "null", "yes", "no", "on", "off", "y", "n"}, strings.ToLower(s)) {
		return s
	}
	return quote(s)
}

// quote writes a YAML text in double quotes, with escapes for what a line cannot hold.
func quote(s string) string {
	s = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\t", `\t`, "\n", `\n`, "\r", `\r`).Replace(s)
	var b strings.Builder
	for _, r := range s {
		switch {
		case problem.Visible(string(r)) == string(r):
			b.WriteRune(r)
		case r > 0xFFFF:
			fmt.Fprintf(&b, `\U%08X`, r)
		default:
			fmt.Fprintf(&b, `\u%04X`, r)
		}
	}
	return `"` + b.String() + `"`
}

func quotedList(list []string) string {
	var out []string
	for _, s := range list {
		out = append(out, quote(s))
	}
	return "[" + strings.Join(out, ", ") + "]"
}
