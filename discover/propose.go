package discover

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/lienthong/truc/schemas"
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
	Confidence float64 `json:"confidence"`
	Reasons    []Text  `json:"reasons"`
	// Todo is what a person has to do before the line can be used.
	Todo []Text `json:"todo,omitempty"`
	// Live proposals are lines of the draft; the others are comments.
	Live bool `json:"live"`
	// Others are further columns it could be, the likeliest first.
	Others []Candidate `json:"others,omitempty"`
	Codes  *Codes      `json:"codes,omitempty"`

	leaf         *leaf
	nulls, asked []string
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

// propose pairs columns with the properties of a dataset, each once, the most certain first.
func propose(d *schemas.Dataset, table string, columns []*profile, v *vocabulary, set *schemas.Set, ids map[*profile]string) []*Proposal {
	m := newMatcher(d, table, v)
	// The dataset has taught the vocabulary its own words: glued names come apart better now.
	for _, p := range columns {
		p.read = v.read(p.column.Name)
		m.settle(p)
	}
	var all []*pairing
	for _, l := range m.leaves {
		for _, p := range columns {
			if name := m.score(p, l); name >= leastName {
				all = append(all, newPairing([]*profile{p}, l, name, judge(p, l, ids[p], set)))
			}
		}
		if c := m.nameParts(l, columns, ids); c != nil {
			all = append(all, c)
		}
	}
	slices.SortStableFunc(all, func(a, b *pairing) int { return cmp.Compare(b.confidence, a.confidence) })
	used, filled := map[*profile]bool{}, map[*leaf]bool{}
	var out []*Proposal
	for _, c := range all {
		if filled[c.leaf] || c.confidence < leastShown || slices.ContainsFunc(c.columns, func(p *profile) bool { return used[p] }) {
			continue
		}
		filled[c.leaf] = true
		for _, p := range c.columns {
			used[p] = true
		}
		out = append(out, c.proposal(all, filled, used))
	}
	order := map[*leaf]int{}
	for i, l := range m.leaves {
		order[l] = i
		if l.must && !filled[l] {
			out = append(out, &Proposal{Property: l.String(), Required: true, leaf: l})
		}
	}
	slices.SortStableFunc(out, func(a, b *Proposal) int { return cmp.Compare(order[a.leaf], order[b.leaf]) })
	return out
}

func newPairing(columns []*profile, l *leaf, name float64, e evidence) *pairing {
	c := &pairing{columns: columns, leaf: l, name: name, evidence: e}
	if e.fit >= 0 {
		c.confidence = name * (0.88 + 0.1*e.fit)
	} else {
		c.confidence = name * (0.88 + 0.6*e.fit)
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
		Todo: c.evidence.todo, leaf: c.leaf, nulls: c.evidence.nulls, asked: c.evidence.asked,
	}
	for _, column := range c.columns {
		p.Columns = append(p.Columns, column.column.Name)
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
	for _, p := range c.columns {
		out.Columns = append(out.Columns, p.column.Name)
	}
	return out
}

func rounded(x float64) float64 { return float64(int(x*100+0.5)) / 100 }

// nameParts offers family, middle and given name together for a full name.
func (m *matcher) nameParts(l *leaf, columns []*profile, ids map[*profile]string) *pairing {
	if l.path[len(l.path)-1] != "hoTen" {
		return nil
	}
	var parts []*profile
	joined := false
	for _, word := range [][]string{{"ho", "dem"}, {"ho"}, {"dem"}, {"ten"}} {
		if len(parts) == 1 && joined && word[0] != "ten" {
			continue // one column holds both
		}
		// The part may name the object above, as hoMe does.
		best, score := (*profile)(nil), 0.8
		for _, p := range columns {
			if slices.Contains(parts, p) {
				continue
			}
			for _, r := range p.read {
				if s := m.fit(r.words, word, l.owners); s > score {
					best, score = p, s
				}
			}
		}
		if best != nil {
			parts = append(parts, best)
			joined = joined || len(word) == 2
		} else if len(word) == 1 && word[0] != "dem" {
			return nil
		}
	}
	var texts []string
	for _, p := range parts {
		texts = append(texts, "text("+ids[p]+")")
	}
	e := evidence{most: 0.9, fit: 0.5, expression: "join([" + strings.Join(texts, ", ") + `], " ")`}
	e.why = []Text{say("họ, chữ đệm và tên ở các cột riêng", "family, middle and given name stand in columns of their own")}
	return newPairing(parts, l, 0.95, e)
}

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
	return out
}

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

// Fit says how well a table could be a dataset.
type Fit struct {
	Dataset string `json:"dataset"`
	Title   Text   `json:"title"`
	// Score is from 0 to 1: of the required properties that columns would fill, and of the columns that find a place.
	Score float64 `json:"score"`
	// Required of the dataset's required properties, and how many of them a proposal fills.
	Required int `json:"required"`
	Filled   int `json:"filled"`
	// Placed of the table's columns have a property.
	Placed int `json:"placed"`
}

// fitOf weighs the proposals for a dataset.
func fitOf(d *schemas.Dataset, table string, proposals []*Proposal, columns []*profile, v *vocabulary) Fit {
	f := Fit{Dataset: d.ID(), Title: Text{d.Title("vi"), d.Title("en")}}
	placed := map[string]bool{}
	for _, p := range proposals {
		if p.Required {
			f.Required++
		}
		if len(p.Columns) == 0 || p.Confidence < 0.5 {
			continue
		}
		if p.Required {
			f.Filled++
		}
		for _, c := range p.Columns {
			placed[c] = true
		}
	}
	f.Placed = len(placed)
	required := 0.0
	if f.Required > 0 {
		required = float64(f.Filled) / float64(f.Required)
	}
	used := 0.0
	if len(columns) > 0 {
		used = float64(f.Placed) / float64(len(columns))
	}
	f.Score = rounded(0.5*required + 0.3*used + 0.2*sharedWords(d, table, v))
	return f
}

// sharedWords is how much the name of a table has in common with a dataset's.
func sharedWords(d *schemas.Dataset, table string, v *vocabulary) float64 {
	words := map[string]bool{}
	for _, r := range v.read(d.Title("vi") + " " + d.Name()) {
		for _, w := range r.words {
			words[w] = true
		}
	}
	best := 0.0
	for _, r := range v.read(table[strings.LastIndexByte(table, '.')+1:]) {
		common := 0
		for _, w := range r.words {
			if words[w] {
				common++
			}
		}
		if len(r.words) > 0 {
			best = max(best, float64(common)/float64(len(r.words)))
		}
	}
	return best
}

// KeyPart says what fills one property of the key.
type KeyPart struct {
	Property string   `json:"property"`
	Columns  []string `json:"columns"`
}

// KeyCoverage says whether the key of a dataset can be made of the table's columns.
type KeyCoverage struct {
	Parts []KeyPart `json:"parts"`
	// Open are the key properties that nothing fills yet.
	Open []string `json:"open,omitempty"`
	// Unique of Rows rows of the sample have a key of their own, as far as it is filled.
	Unique int `json:"unique"`
	Rows   int `json:"rows"`
	// NotCarried are columns of the key that a deletion in this table does not carry.
	NotCarried []string `json:"notCarried,omitempty"`
}

// cloneVocabulary copies what a dataset may teach: trying one must not teach words that another has not.
func cloneVocabulary(v *vocabulary) *vocabulary {
	return &vocabulary{meanings: v.meanings, longest: v.longest, words: maps.Clone(v.words)}
}
