package discover

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/schemas"
)

// Options say what to look for.
type Options struct {
	Set *schemas.Set
	// Dataset to draft for; empty chooses the one that fits best, if one does.
	Dataset string
	// Agency of the node, offered where a document names its agency.
	Agency string
	// Samples puts values of rows into the report.
	Samples bool
	// Languages of the comments in a draft; empty for both.
	Languages []problem.Language
}

// LeastFit is the score from which a dataset fits a table well enough to be drafted unasked.
const LeastFit = 0.4

// Table is what was found out about a table.
type Table struct {
	Name string `json:"name"`
	// Rows is an estimate, -1 when unknown. Sampled of them were looked at.
	Rows    int64 `json:"rows"`
	Sampled int   `json:"sampled"`
	// Unread says why no rows could be looked at, UnreadFix what to do about it.
	Unread    problem.Text `json:"unread,omitzero"`
	UnreadFix problem.Text `json:"unreadFix,omitzero"`
	Key       []string     `json:"key"`
	Columns   []Column     `json:"columns"`
	Relations []Relation   `json:"relations"`
	// IdentityFix is the statement that makes deletions carry every column; empty when they do.
	IdentityFix string `json:"identityFix,omitempty"`
	// Fits are the datasets, the best first.
	Fits []Fit `json:"fits"`
	// Draft is nil when no dataset fits.
	Draft *Draft `json:"draft,omitempty"`
}

// Relation is a foreign key.
type Relation struct {
	Columns    []string `json:"columns"`
	Table      string   `json:"table"`
	References []string `json:"references"`
}

// Column is what was found out about a column.
type Column struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Kind     string `json:"kind"`
	Nullable bool   `json:"nullable"`
	Key      bool   `json:"key"`
	// Nulls, Blank and Distinct count cells of the sample.
	Nulls    int `json:"nulls"`
	Blank    int `json:"blank"`
	Distinct int `json:"distinct"`
	// Shape describes the texts: "12 digits", "letters".
	Shape problem.Text `json:"shape,omitzero"`
	// Suspected is the encoding the texts are most likely in, when that is not UTF-8; Encodings are all plausible ones.
	Suspected string     `json:"suspected,omitempty"`
	Encodings []Encoding `json:"encodings,omitempty"`
	// Mixed are the encodings of a column whose rows are in several, the commonest first: none can be declared for all.
	Mixed []Share `json:"mixed,omitempty"`
	// Document is "json" or "xml" where the cells hold that, Inside what stands in them, and Hidden how many keys may be values
	// and are not shown.
	Document string `json:"document,omitempty"`
	Inside   []Part `json:"inside,omitempty"`
	Hidden   int    `json:"hidden,omitempty"`
	// Samples are values of rows, only when they were asked for.
	Samples []Sample `json:"samples,omitempty"`
}

// Part is a place inside the documents of a column.
type Part struct {
	// Path is as json() and xml() take it; that of an element's property has [] in it: "ds[].ten".
	Path string `json:"path"`
	// Kind is "text", "number", "truth", or "list" for a list of plain values.
	Kind string `json:"kind"`
	// Rows of the sample that have it.
	Rows int `json:"rows"`
}

// Sample is one value, as it is and as a suspected encoding reads it.
type Sample struct {
	Value   string `json:"value"`
	Decoded string `json:"decoded,omitempty"`
}

// Draft is a mapping that could be.
type Draft struct {
	Dataset   string      `json:"dataset"`
	Proposals []Proposal  `json:"proposals"`
	Key       KeyCoverage `json:"key"`
	// Unused are columns that no property takes.
	Unused []string `json:"unused"`
	// YAML is the draft as a mapping file.
	YAML string `json:"yaml"`
}

// Discoverer describes the tables of a source. It keeps what the datasets are called from one table to the next, and is for
// one goroutine.
type Discoverer struct {
	opt Options
	// base are the words of any system, all those of the datasets besides.
	base, all *vocabulary
	known     []*known
	book      *codeBook
}

// known is a dataset with the words that its properties go by.
type known struct {
	dataset *schemas.Dataset
	v       *vocabulary
	leaves  []*leaf
	lists   []*listProperty
}

// New makes a Discoverer. It fails when the dataset that is asked for is none.
func New(opt Options) (*Discoverer, error) {
	d := &Discoverer{opt: opt, base: newVocabulary(), book: newCodeBook(opt.Set)}
	d.all = cloneVocabulary(d.base)
	datasets := opt.Set.Datasets()
	if opt.Dataset != "" {
		one, err := opt.Set.Dataset(opt.Dataset)
		if err != nil {
			return nil, err
		}
		datasets = []*schemas.Dataset{one}
	}
	for _, dataset := range datasets {
		v := cloneVocabulary(d.base)
		k := &known{dataset: dataset, v: v, leaves: leaves(dataset.Root(), v)}
		k.lists = lists(dataset.Root(), v)
		d.known = append(d.known, k)
		maps.Copy(d.all.words, v.words)
	}
	return d, nil
}

// Describe makes the report on one table with a Discoverer of its own.
func Describe(info adapters.TableInfo, t *record.Table, rows []record.Row, opt Options) (Table, error) {
	d, err := New(opt)
	if err != nil {
		return Table{}, err
	}
	return d.Describe(info, t, rows), nil
}

// Describe makes the report on one table. t is the table as the rows have it; rows may be empty.
func (d *Discoverer) Describe(info adapters.TableInfo, t *record.Table, rows []record.Row) Table {
	opt := d.opt
	if t == nil {
		t = info.Table
	}
	out := Table{Name: t.String(), Rows: info.Rows, Sampled: len(rows), IdentityFix: info.IdentityFix, Key: []string{}, Relations: []Relation{}, Fits: []Fit{}}
	for _, k := range t.Key {
		out.Key = append(out.Key, t.Columns[k].Name)
	}
	for _, r := range info.Relations {
		out.Relations = append(out.Relations, Relation{Columns: r.Columns, Table: r.Table, References: r.References})
	}
	columns := profiles(t, rows, d.base, d.all)
	for _, p := range columns {
		out.Columns = append(out.Columns, p.report(opt.Samples))
	}
	for _, r := range info.Relations {
		for _, p := range columns {
			if len(r.Columns) == 1 && len(r.References) == 1 && r.Columns[0] == p.column.Name {
				p.foreign = &reference{r.Table, r.References[0]}
			}
		}
	}
	ids := identifiers(columns)
	proposals := map[string][]*Proposal{}
	for _, k := range d.known {
		found := propose(k, t.Name, columns, d.book, ids)
		proposals[k.dataset.ID()] = found
		out.Fits = append(out.Fits, fitOf(k.dataset, t.Name, found, columns, k.v))
	}
	slices.SortStableFunc(out.Fits, func(a, b Fit) int {
		switch {
		case a.Score > b.Score:
			return -1
		case a.Score < b.Score:
			return 1
		}
		return strings.Compare(a.Dataset, b.Dataset)
	})
	if len(out.Fits) == 0 || opt.Dataset == "" && (out.Fits[0].Score < LeastFit || out.Fits[0].Placed < 3) {
		return out
	}
	best := d.known[slices.IndexFunc(d.known, func(k *known) bool { return k.dataset.ID() == out.Fits[0].Dataset })]
	w := &writer{dataset: best.dataset, leaves: best.leaves, table: t, columns: columns, ids: ids, rows: rows, opt: opt, proposals: proposals[best.dataset.ID()]}
	out.Draft = w.draft()
	return out
}

const samplesShown = 3

func (p *profile) report(samples bool) Column {
	c := Column{
		Name: p.column.Name, Type: p.column.Type, Kind: p.kind.String(), Nullable: p.column.Nullable, Key: p.key,
		Nulls: p.nulls, Blank: p.blanks, Distinct: len(p.texts), Shape: p.shape(), Suspected: p.suspected, Encodings: p.encodings,
	}
	c.Mixed = p.mixed
	c.Document, c.Inside, c.Hidden = p.document, p.insides(), p.hidden
	if !samples {
		return c
	}
	for _, text := range p.values() {
		if len(c.Samples) == samplesShown {
			break
		}
		s := Sample{Value: shown(text)}
		for _, e := range p.encodings {
			if ascii(text) || e.Name == "utf-8" {
				break
			}
			if read, ok := decoded(text, e.Name); ok {
				s.Decoded = e.Name + ": " + shown(read)
				break
			}
		}
		c.Samples = append(c.Samples, s)
	}
	return c
}

// shown is the beginning of a text as a terminal and JSON can show it.
func shown(text string) string {
	const most = 60
	end := 0
	for end < len(text) && end < most {
		_, size := utf8.DecodeRuneInString(text[end:])
		end += size
	}
	return problem.Visible(text[:end])
}
