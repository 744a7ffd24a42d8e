package discover

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/lienthong/truc/mapping/value"
	"github.com/lienthong/truc/problem"
)

// Threshold is the confidence from which a proposal is a line of the draft; below it stands there as a comment.
const Threshold = 0.6

const (
	// leastName is how well a name must fit before values are looked at, leastShown how certain a comment must be.
	leastName, leastShown = 0.3, 0.3
	// close is how near the second best may come before the best is no longer certain.
	close = 0.03
)

// Proposal says what could fill a property.
type Proposal struct {
	// Property is the dotted path: nguoiDuocKhaiSinh.hoTen.
	Property string `json:"property"`
	Required bool   `json:"required"`
	// Columns are those of the table that the expression reads.
	Columns    []string `json:"columns"`
	Expression string   `json:"expression"`
	// Confidence is from 0 to 1.
	Confidence float64        `json:"confidence"`
	Reasons    []problem.Text `json:"reasons"`
	// Todo is what a person has to do before the line can be used.
	Todo []problem.Text `json:"todo,omitempty"`
	// Live proposals are lines of the draft; the others are comments.
	Live bool `json:"live"`
	// Others are further columns it could be, the likeliest first.
	Others []Candidate `json:"others,omitempty"`
	Codes  *Codes      `json:"codes,omitempty"`

	leaf         *leaf
	nulls, asked []string
	// parts are the columns, and places in columns, that it was paired with.
	parts []*profile
	// over is the list that the expression is about one element of; element counts those of a list written out, from 1.
	over    string
	element int
}

// Candidate is a column that a property could be made of as well.
type Candidate struct {
	Columns    []string `json:"columns"`
	Expression string   `json:"expression,omitempty"`
	Confidence float64  `json:"confidence"`
}

// pairing is a column (or several) held against a leaf.
type pairing struct {
	columns    []*profile
	leaf       *leaf
	name       float64
	confidence float64
	evidence   evidence
}

// propose pairs columns, and what stands inside them, with the properties of a dataset, each once, the most certain first.
func propose(k *known, table string, columns []*profile, book *codeBook, ids map[*profile]string) []*Proposal {
	m := newMatcher(k, table)
	// The dataset has taught the vocabulary its own words: glued names come apart better now.
	m.understand(columns, k.v)
	var sources []*profile
	for _, p := range columns {
		m.understand(p.parts, k.v)
		if p.document == "" {
			sources = append(sources, p)
		}
		sources = append(sources, p.parts...)
	}
	x := &proposer{m: m, k: k, book: book, ids: ids, used: map[*profile]bool{}}
	out := x.lists(columns)
	open := slices.DeleteFunc(slices.Clone(m.leaves), func(l *leaf) bool { return x.listed(l) })
	filled := map[*leaf]bool{}
	rest := x.pair(m, open, sources, filled)
	rest = append(rest, x.beside(rest, open, sources, filled)...)
	out = append(out, rest...)
	out = append(out, x.split(rest)...)
	order := map[string]int{}
	for i, l := range m.leaves {
		order[l.String()] = i
		if l.must && !filled[l] {
			out = append(out, &Proposal{Property: l.String(), Required: true, leaf: l})
		}
	}
	place := func(p *Proposal) int {
		for i, l := range m.leaves {
			if strings.HasSuffix(p.Property, "[]") && strings.HasPrefix(l.String(), p.Property) {
				return i
			}
		}
		return order[p.Property]
	}
	slices.SortStableFunc(out, func(a, b *Proposal) int {
		return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(len(a.Property), len(b.Property)))
	})
	return out
}

// beside looks once more for names that stand only once in the dataset: they need not name an object that others fill.
func (x *proposer) beside(found []*Proposal, open []*leaf, sources []*profile, filled map[*leaf]bool) []*Proposal {
	m := *x.m
	m.present = map[string]bool{}
	for _, p := range found {
		for _, o := range p.leaf.above {
			m.present[o.path] = m.present[o.path] || p.Live
		}
	}
	weak := map[string]bool{}
	for _, p := range found {
		if p.Confidence < Threshold && p.leaf.only && len(p.leaf.above) > 0 && m.present[p.leaf.above[len(p.leaf.above)-1].path] {
			weak[p.Property] = true
			filled[p.leaf] = false
			for _, q := range p.parts {
				x.used[q] = false
			}
		}
	}
	again := slices.DeleteFunc(slices.Clone(open), func(l *leaf) bool {
		return filled[l] || !l.only || len(l.above) == 0 || !m.present[l.above[len(l.above)-1].path]
	})
	better := x.pair(&m, again, sources, filled)
	for _, p := range found {
		if weak[p.Property] {
			filled[p.leaf] = true
		}
		if weak[p.Property] && slices.ContainsFunc(better, func(b *Proposal) bool { return b.Property == p.Property }) {
			*p = *better[slices.IndexFunc(better, func(b *Proposal) bool { return b.Property == p.Property })]
		}
	}
	return slices.DeleteFunc(better, func(b *Proposal) bool { return weak[b.Property] })
}

// proposer finds what fills the properties of one dataset from one table.
type proposer struct {
	m    *matcher
	k    *known
	book *codeBook
	ids  map[*profile]string
	used map[*profile]bool
	// found are the lists that something fills.
	found []*listProperty
}

// pair gives leaves their columns, each once, the most certain first.
func (x *proposer) pair(m *matcher, leaves []*leaf, columns []*profile, filled map[*leaf]bool) []*Proposal {
	var all []*pairing
	columns = slices.DeleteFunc(slices.Clone(columns), func(p *profile) bool { return x.used[p] })
	for _, l := range leaves {
		together := m.together(l, columns, x.ids)
		for _, p := range columns {
			if together != nil && slices.Contains(together.columns, p) {
				continue // one part of it is not the whole
			}
			if name := m.score(p, l); name >= leastName {
				all = append(all, newPairing([]*profile{p}, l, name, judge(p, l, x.ids[p], x.book)))
			}
		}
		if together != nil {
			all = append(all, together)
		}
	}
	slices.SortStableFunc(all, func(a, b *pairing) int { return cmp.Compare(b.confidence, a.confidence) })
	var out []*Proposal
	for _, c := range all {
		if filled[c.leaf] || c.confidence < leastShown || slices.ContainsFunc(c.columns, func(p *profile) bool { return x.used[p] }) {
			continue
		}
		filled[c.leaf] = true
		for _, p := range c.columns {
			x.used[p] = true
		}
		out = append(out, c.proposal(all, filled, x.used))
	}
	return out
}

const (
	// halfNamed is how well a name must fit where the values are unmistakable, ofValues the confidence that they give then.
	halfNamed, ofValues = 0.4, 0.65
	// leastTelling is how many cells are needed to show it.
	leastTelling = 10
)

var mobileNumber = regexp.MustCompile(`^(\+?84|0)[35789][0-9]{8}$`)

// unmistakable reports values that hardly are anything else: numbers of twelve digits made as personal identification numbers
// are, mobile numbers.
func (p *profile) unmistakable(l *leaf) bool {
	if p.filled < leastTelling {
		return false
	}
	switch l.path[len(l.path)-1] {
	case "soDinhDanh":
		return p.share(func(s string) bool {
			_, _, _, ok := value.AppendPersonID(nil, []byte(s), false)
			return ok && len(s) == 12
		}) >= 0.95
	case "dienThoai":
		return p.share(func(s string) bool {
			return mobileNumber.MatchString(strings.NewReplacer(" ", "", ".", "", "-", "").Replace(s))
		}) >= 0.95
	}
	return false
}

func newPairing(columns []*profile, l *leaf, name float64, e evidence) *pairing {
	c := &pairing{columns: columns, leaf: l, name: name, evidence: e}
	if e.fit >= 0 {
		c.confidence = name * (0.88 + 0.1*e.fit)
	} else {
		c.confidence = name * (0.88 + 0.6*e.fit)
	}
	if columns[0].of != nil && columns[0].within < leastDocuments {
		c.confidence = min(c.confidence, 0.75) // a handful of documents shows little
	}
	if name >= halfNamed && columns[0].unmistakable(l) {
		c.confidence = max(c.confidence, ofValues)
	}
	c.confidence = max(0, min(c.confidence, e.most))
	if e.expression == "" {
		c.confidence = min(c.confidence, 0.5)
	}
	return c
}

// proposal words a pairing; what else could be at its place makes it less certain.
func (c *pairing) proposal(all []*pairing, filled map[*leaf]bool, used map[*profile]bool) *Proposal {
	p := &Proposal{
		Property: c.leaf.String(), Required: c.leaf.must, Expression: c.evidence.written(), Codes: c.evidence.codes,
		Todo: c.evidence.todo, leaf: c.leaf, parts: c.columns, over: c.evidence.over,
	}
	p.Columns = names(c.columns)
	if c.columns[0].of == nil {
		p.nulls, p.asked = c.evidence.nulls, c.evidence.asked
	}
	switch {
	case c.name >= 0.85:
		p.Reasons = append(p.Reasons, say("tên khớp", "the name matches"))
	case c.name >= 0.6:
		p.Reasons = append(p.Reasons, say("tên gần khớp", "the name nearly matches"))
	default:
		p.Reasons = append(p.Reasons, say("tên giống một phần", "the name matches in part"))
	}
	p.Reasons = append(p.Reasons, c.evidence.why...)
	confidence := c.confidence
	for _, o := range all {
		if o == c || o.confidence < leastShown {
			continue
		}
		sameColumn := slices.ContainsFunc(o.columns, func(x *profile) bool { return slices.Contains(c.columns, x) })
		switch {
		case o.leaf == c.leaf && !sameColumn && !slices.ContainsFunc(o.columns, func(x *profile) bool { return used[x] }):
			// Another column that is still free and could be this property.
			p.Others = append(p.Others, o.candidate())
			if o.confidence > c.confidence-close {
				confidence = min(confidence, 0.55)
			}
		case sameColumn && o.leaf != c.leaf && !filled[o.leaf] && o.confidence > c.confidence-close:
			// The same column could be another property that is still open.
			confidence = min(confidence, 0.55)
			p.Reasons = append(p.Reasons, say("cũng có thể là %s", "it could be %s as well", o.leaf))
		}
	}
	if len(p.Others) > 3 {
		p.Others = p.Others[:3]
	}
	p.Confidence = rounded(confidence)
	p.Live = p.Confidence >= Threshold && p.Expression != ""
	if p.Codes != nil && !slices.ContainsFunc(p.Codes.Entries, func(e CodeEntry) bool { return e.To != "" }) {
		p.Live = false // a table without a line is none
	}
	return p
}

// written is the expression, inside its list if it is an element of one.
func (e *evidence) written() string {
	if e.list == "" || e.expression == "" {
		return e.expression
	}
	return fmt.Sprintf(e.list, "'"+strings.ReplaceAll(e.expression, "'", "''")+"'")
}

func (c *pairing) candidate() Candidate {
	out := Candidate{Expression: c.evidence.written(), Confidence: rounded(c.confidence)}
	out.Columns = names(c.columns)
	return out
}

// names are those of the table's columns, each once.
func names(columns []*profile) []string {
	var out []string
	for _, p := range columns {
		if !slices.Contains(out, p.column.Name) {
			out = append(out, p.column.Name)
		}
	}
	return out
}

func rounded(x float64) float64 { return float64(int(x*100+0.5)) / 100 }

// identifiers gives every column a name that can stand in an expression: its own, or one made of its words.
func identifiers(columns []*profile) map[*profile]string {
	out := map[*profile]string{}
	taken := map[string]bool{}
	for _, p := range columns {
		if isIdentifier(p.column.Name) {
			taken[p.column.Name] = true
			out[p] = p.column.Name
		}
	}
	for _, p := range columns {
		if out[p] != "" {
			continue
		}
		base := strings.Join(split(p.column.Name), "_")
		base = strings.Map(func(r rune) rune {
			if r == '_' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
				return r
			}
			return -1
		}, base)
		if !isIdentifier(base) {
			base = "cot_" + base
		}
		name := base
		for n := 2; taken[name]; n++ {
			name = base + "_" + strconv.Itoa(n)
		}
		taken[name] = true
		out[p] = name
	}
	for _, p := range columns {
		for _, q := range p.parts {
			out[q] = p.at(out[p], q.path, "")
		}
		for _, a := range p.arrays {
			for _, q := range a.members {
				out[q] = elementName + "." + strings.Join(q.path, ".")
			}
		}
	}
	return out
}

// elementName is what the element of a list is called in expressions; it stands before columns of that name.
const elementName = "p"

// isIdentifier reports whether a name can stand in an expression as it is.
func isIdentifier(name string) bool {
	if name == "" || name[0] >= '0' && name[0] <= '9' || slices.Contains(reserved(), name) {
		return false
	}
	return strings.IndexFunc(name, func(r rune) bool {
		return r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	}) < 0
}

// reserved are the words of expressions that no column can be named by.
func reserved() []string {
	return []string{
		"true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let",
		"loop", "package", "namespace", "return", "var", "void", "while", "event",
	}
}
