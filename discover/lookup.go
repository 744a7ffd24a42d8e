package discover

import (
	"context"
	"errors"
	"slices"
	"strings"
	"unicode"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/mapping/value"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/schemas"
)

// A look-up table says what a system's own codes mean: DM_DANTOC (MA, TEN). What it says is no guess, so that the code columns
// that lead to it get their code tables written.

const (
	// mostLookupColumns and mostLookupRows bound what passes for a look-up table.
	mostLookupColumns, mostLookupRows = 10, MaxRows
	// leastNamed is the share of a look-up table's rows that must be names in a dataset's code list, covered the share of a
	// column's cells that must be codes of the table.
	leastNamed, covered = 0.5, 0.95
)

// lookup is a small table that may say what codes mean.
type lookup struct {
	name    string
	id      string
	columns []record.Column
	// cells are the texts of the rows, trimmed; absent ones are empty.
	cells [][]string
	// unique are the columns that could hold the codes: no two rows have the same.
	unique []int
}

// reference is a foreign key of one column.
type reference struct{ table, column string }

// mayBeLookup reports whether a table is small enough to be one that says what codes mean, so that its rows are worth reading.
func mayBeLookup(info adapters.TableInfo) bool {
	n := len(info.Table.Columns)
	return n >= 2 && n <= mostLookupColumns && info.Rows <= mostLookupRows
}

// learn takes a table for one that may say what the codes of others mean. rows are all of it; a table of more than MaxRows
// rows is none.
func (d *Discoverer) learn(t *record.Table, rows []record.Row) {
	if t == nil || len(rows) == 0 || len(rows) >= mostLookupRows || len(t.Columns) < 2 || len(t.Columns) > mostLookupColumns {
		return
	}
	name := t.String()
	l := &lookup{name: name, columns: t.Columns, id: strings.Join(split(name[strings.LastIndexByte(name, '.')+1:]), "_")}
	if bare := name[strings.LastIndexByte(name, '.')+1:]; isIdentifier(bare) {
		l.id = bare
	}
	for _, row := range rows {
		cells := make([]string, len(t.Columns))
		for i := range cells {
			if !row[i].IsNull() {
				cells[i] = strings.TrimSpace(string(row[i].Append(nil)))
			}
		}
		l.cells = append(l.cells, cells)
	}
	for i := range t.Columns {
		seen := map[string]bool{}
		for _, cells := range l.cells {
			if cells[i] != "" {
				seen[cells[i]] = true
			}
		}
		if len(seen) == len(l.cells) {
			l.unique = append(l.unique, i)
		}
	}
	d.book.lookups = append(d.book.lookups, l)
}

// LearnFrom reads the small tables of a source. One whose rows may not be read teaches nothing.
func (d *Discoverer) LearnFrom(ctx context.Context, describer adapters.Describer, scanner adapters.Scanner) error {
	infos, err := describer.Describe(ctx)
	if err != nil {
		return err
	}
	for _, info := range infos {
		if !mayBeLookup(info) {
			continue
		}
		t, rows, err := Rows(ctx, scanner, info.Table.String(), mostLookupRows)
		var refused *adapters.RefusedError
		if errors.As(err, &refused) {
			continue
		}
		if err != nil {
			return err
		}
		d.learn(t, rows)
	}
	return nil
}

// codeBook knows the published code lists by the names in them, and the look-up tables of the source.
type codeBook struct {
	set     *schemas.Set
	lookups []*lookup
	spelt   map[string]*spellings
	matched map[matchKey]*match
}

type matchKey struct {
	l    *lookup
	list string
}

func newCodeBook(set *schemas.Set) *codeBook {
	return &codeBook{set: set, spelt: map[string]*spellings{}, matched: map[matchKey]*match{}}
}

// spellings are the names and aliases of a code list, by how closely a text must resemble them.
type spellings struct {
	codes  []schemas.Code
	levels []map[string][]int
}

// spellingLevels are the ways to compare names with the confidence that each deserves: as written, without accents and case,
// and by letters alone with one i for i and y.
func spellingLevels() []struct {
	key        func(string) string
	confidence float64
} {
	return []struct {
		key        func(string) string
		confidence float64
	}{
		{func(s string) string { return s }, 0.98},
		{plain, 0.95},
		{lettersOnly, 0.85},
	}
}

func lettersOnly(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == 'y':
			return 'i'
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			return r
		}
		return -1
	}, plain(s))
}

func newSpellings(codes []schemas.Code) *spellings {
	s := &spellings{codes: codes}
	for _, level := range spellingLevels() {
		index := map[string][]int{}
		for i, c := range codes {
			names := append([]string{c.VI, c.EN}, c.Aliases...)
			if letters(c.Code) {
				names = append(names, c.Code)
			}
			for _, name := range names {
				if key := level.key(name); key != "" && !slices.Contains(index[key], i) {
					index[key] = append(index[key], i)
				}
			}
		}
		s.levels = append(s.levels, index)
	}
	return s
}

// named finds the one entry that a text is a name of, and how sure that is. A number is no name; a name of several entries is
// none of them.
func (s *spellings) named(text string) (schemas.Code, float64, bool) {
	if allDigits(text) || text == "" {
		return schemas.Code{}, 0, false
	}
	for i, level := range spellingLevels() {
		if found := s.levels[i][level.key(text)]; len(found) == 1 {
			return s.codes[found[0]], level.confidence, true
		}
	}
	return schemas.Code{}, 0, false
}

// spellings are those of a code list.
func (b *codeBook) spellings(list string, codes []schemas.Code) *spellings {
	if list == "" {
		return newSpellings(codes)
	}
	if b.spelt[list] == nil {
		b.spelt[list] = newSpellings(codes)
	}
	return b.spelt[list]
}

// match is how a look-up table reads as a code list.
type match struct {
	// names is the column of the names, encoding the one they are read in, "utf-8" for as they are.
	names    int
	encoding string
	// share of the rows are names in the list.
	share float64
	// labels are the names, targets what they are in the list; nil where they are nothing, or several things.
	labels  []string
	targets []*schemas.Code
	certain []float64
}

// match reads a look-up table as a code list: in the column, and the text encoding, of which most are names in the list.
func (b *codeBook) match(l *lookup, list string, s *spellings) *match {
	key := matchKey{l, list}
	if m, ok := b.matched[key]; ok && list != "" {
		return m
	}
	best := &match{}
	for i := range l.columns {
		for _, e := range value.Encodings() {
			m := &match{names: i, encoding: e.Name}
			found := 0
			for _, cells := range l.cells {
				label, ok := decoded(cells[i], e.Name)
				var target *schemas.Code
				certain := 0.0
				if ok {
					if c, sure, ok := s.named(label); ok {
						target, certain = &c, sure
						found++
					}
				}
				m.labels, m.targets, m.certain = append(m.labels, label), append(m.targets, target), append(m.certain, certain)
			}
			if m.share = float64(found) / float64(len(l.cells)); m.share > best.share {
				best = m
			}
		}
	}
	b.matched[key] = best
	return best
}

// found is a look-up table that says what the codes of a column mean.
type found struct {
	lookup *lookup
	match  *match
	// codes is the column of the codes.
	codes int
	// foreign: a foreign key leads to it. Otherwise its name does, and the codes of the column are all in it.
	foreign bool
}

// lookup finds the table that says what the codes of a column mean: where its foreign key leads, or the one that is called like
// the column or the property and has its codes. Two that say different things are none.
func (b *codeBook) lookup(p *profile, l *leaf, list string, s *spellings) *found {
	var out *found
	for _, t := range b.lookups {
		foreign := p.foreign != nil && sameTable(p.foreign.table, t.name)
		if p.foreign != nil && !foreign || !foreign && !called(t, p, l) {
			continue
		}
		m := b.match(t, list, s)
		if m.share < leastNamed {
			continue
		}
		for _, c := range t.unique {
			if c == m.names || foreign && !strings.EqualFold(t.columns[c].Name, p.foreign.column) || !foreign && !t.covers(p, c) {
				continue
			}
			f := &found{t, m, c, foreign}
			if out != nil && !out.agrees(f, p) {
				return nil
			}
			if out == nil {
				out = f
			}
		}
	}
	return out
}

func sameTable(a, b string) bool {
	return a == b || a[strings.LastIndexByte(a, '.')+1:] == b[strings.LastIndexByte(b, '.')+1:]
}

// covers reports whether the cells of a column are codes of the table.
func (t *lookup) covers(p *profile, column int) bool {
	codes := map[string]bool{}
	for _, cells := range t.cells {
		codes[cells[column]] = true
	}
	return p.filled > 0 && p.share(func(s string) bool { return codes[s] }) >= covered
}

// agrees reports whether two tables say the same of the codes that a column has.
func (f *found) agrees(o *found, p *profile) bool {
	for text := range p.texts {
		a, _ := f.read(text)
		b, _ := o.read(text)
		if (a == nil) != (b == nil) || a != nil && a.Code != b.Code {
			return false
		}
	}
	return true
}

// read says what a code means; nil for nothing that the list knows. ok is false when the table does not have the code.
func (f *found) read(code string) (target *schemas.Code, ok bool) {
	i := slices.IndexFunc(f.lookup.cells, func(cells []string) bool { return cells[f.codes] == code })
	if i < 0 {
		return nil, false
	}
	return f.match.targets[i], true
}

// called reports whether a look-up table is called like the column or the property: what is left of its name without the words
// that any look-up table may have is in theirs.
func called(t *lookup, p *profile, l *leaf) bool {
	for _, r := range t.reads(p) {
		var own []string
		for _, w := range r.words {
			if !ofLookups(w) {
				own = append(own, w)
			}
		}
		if len(own) == 0 {
			continue
		}
		in := func(words []string) bool {
			return !slices.ContainsFunc(own, func(w string) bool { return !slices.Contains(words, w) })
		}
		if slices.ContainsFunc(p.read, func(c reading) bool { return in(c.words) }) || slices.ContainsFunc(l.names, in) {
			return true
		}
	}
	return false
}

// reads are the ways to understand the name of the table, by the words that the column was read with.
func (t *lookup) reads(p *profile) []reading {
	name := t.name[strings.LastIndexByte(t.name, '.')+1:]
	if p.words == nil {
		return nil
	}
	return p.words.read(name)
}

// ofLookups are words that the name of any look-up table may have.
func ofLookups(word string) bool {
	return slices.Contains([]string{"dm", "danh", "muc", "category", "list", "tbl", "table", "dict", "code", "lookup", "ma", "loai", "type", "ten", "catalog", "ref", "tu", "dien", "sys", "bang", "lst", "cat", "id"}, word)
}
