package units

import (
	"bytes"
	"slices"
	"sync"

	"github.com/lienthong/truc/schemas/match"
)

// Outcome says how far a code or a text is understood.
type Outcome uint8

const (
	// Unknown: no unit of that day is meant.
	Unknown Outcome = iota
	// Ambiguous: several units may be meant.
	Ambiguous
	// ByText: one unit is meant, by what the text says.
	ByText
	// Exact: one unit is meant, by its code.
	Exact
)

func (o Outcome) String() string {
	return [...]string{"unknown", "ambiguous", "text", "exact"}[o]
}

// Result is what a code or a text means on a day.
type Result struct {
	Outcome Outcome
	// Unit is the unit that is meant, when one is.
	Unit *Unit
	// Candidates are those that may be meant, when there are several.
	Candidates []*Unit
	// Within is the smallest unit that is certain all the same, nil when none is: the district of an unknown commune, the
	// province that all candidates are in.
	Within *Unit
}

// Resolve finds the unit that a code or the text of an address means on a day. A text may leave out the words for kinds of
// units, or abbreviate them, and name units in either order; what stands before the first unit (house, street, hamlet) is
// passed over. Marks and spellings do not matter as long as one unit is meant; where several are, the marks choose among them.
func (c *Catalogue) Resolve(text []byte, at Date) Result {
	text = bytes.TrimSpace(text)
	if len(text) == 0 {
		return Result{}
	}
	if len(bytes.Trim(text, "0123456789")) == 0 {
		if u := c.ByCode(string(text), at); u != nil {
			return Result{Outcome: Exact, Unit: u}
		}
		return Result{}
	}
	r, _ := readings.Get().(*reading)
	defer readings.Put(r)
	r.c, r.at, r.kinds, r.found = c, at, false, r.found[:0]
	r.words.read(text)
	r.marked = slices.ContainsFunc(r.words.tokens, func(t token) bool { return t.marked })
	r.noDistricts = at >= DistrictsEnd
	parts := r.cut(comma, false, false)
	var tried [comma + 1]int // how many parts there were; more words looked at that cut no further bring nothing new
	tried[comma], tried[dash] = len(parts), 1
	best := r.read(parts)
	for _, way := range [...]struct {
		at           separator
		inside, weak bool
	}{{dash, false, false}, {comma, true, false}, {dash, true, false}, {comma, true, true}} {
		if best.reaches(Commune) || way.weak && best.Outcome != Unknown {
			break
		}
		if way.at == dash && !r.words.has(dash) {
			continue
		}
		if parts = r.cut(way.at, way.inside, way.weak); len(parts) > tried[way.at] {
			tried[way.at] = len(parts)
			if other := r.read(parts); other.better(best) {
				best = other
			}
		}
	}
	if best.Outcome == Unknown && best.Within == nil && !r.kinds {
		best = r.read(r.cutByNames())
	}
	return best
}

// readings are used again: each is some kilobytes, and an address is read in microseconds.
var readings = sync.Pool{New: func() any { return new(reading) }}

// DistrictsEnd is the day from which on there are no districts.
const DistrictsEnd Date = 20250701

// reaches reports whether units of a level were found.
func (r Result) reaches(level Level) bool {
	return r.Unit != nil && r.Unit.Level == level || len(r.Candidates) > 0 && r.Candidates[0].Level == level
}

func (r Result) better(than Result) bool {
	if r.Outcome == Unknown {
		return than.Outcome == Unknown && than.Within == nil
	}
	return than.Outcome == Unknown || r.reaches(Commune)
}

// part is a piece of an address that may name a unit.
type part struct {
	name []byte // of the text
	key  []byte
	kind kind // kind.unit is "" when it does not say
}

// reading is an address that is being read.
type reading struct {
	c           *Catalogue
	at          Date
	words       words
	marked      bool // the text has marks, so that they tell
	noDistricts bool
	kinds       bool // some part says what kind of unit it names
	parts       []part
	found       []*Unit // what find returned
	space       [12]part
	keys        [512]byte
}

// cut makes parts of the text: at commas, at hyphens too, and before words for kinds when inside; weak words are those that
// may be part of a name.
func (r *reading) cut(at separator, inside, weak bool) []part {
	w := &r.words
	r.parts = r.space[:0]
	keys := r.keys[:0]
	for i := 0; i < len(w.tokens); {
		end := i + 1
		for end < len(w.tokens) && w.tokens[end].after < at {
			end++
		}
		for start := i; start < end; {
			stop := end
			if inside {
				for stop = start + 1; stop < end; stop++ {
					k, ok := w.kindAt(stop, end)
					if first, is := w.kindAt(start, end); ok && (k.strong || weak) && !(is && start+first.words > stop) {
						break
					}
				}
			}
			keys = r.part(start, stop, keys)
			start = stop
		}
		i = end
	}
	return r.parts
}

// part takes tokens up as a part, unless there is no room: then the first ones are dropped, which are streets and houses.
func (r *reading) part(start, end int, keys []byte) []byte {
	w := &r.words
	p := part{}
	k, ok := w.kindAt(start, end)
	if ok {
		var named bool
		if keys, named = r.named(&p, start+k.words, end, k, keys); named || !r.c.knows(r.whole(start, end)) {
			p.kind, r.kinds = k, true
			return r.add(p, keys)
		}
	}
	keys, _ = r.named(&p, start, end, kind{levels: anyLevel}, keys)
	p.kind.levels = anyLevel
	return r.add(p, keys)
}

// named gives a part its name, and reports whether units of the day are called so.
func (r *reading) named(p *part, start, end int, k kind, keys []byte) ([]byte, bool) {
	p.name = r.words.text[r.words.tokens[start].start:r.words.tokens[end-1].end]
	from := len(keys)
	keys = match.AppendName(keys, p.name)
	p.key = keys[from:len(keys):len(keys)]
	for _, u := range r.c.byName[string(p.key)] {
		if k.levels.has(u.Level) && u.In(r.at) {
			return keys, true
		}
	}
	return keys, false
}

func (r *reading) whole(start, end int) []byte {
	return r.words.text[r.words.tokens[start].start:r.words.tokens[end-1].end]
}

// knows reports whether any unit is called so.
func (c *Catalogue) knows(name []byte) bool {
	var buf [128]byte
	_, ok := c.byName[string(match.AppendName(buf[:0], name))]
	return ok
}

func (r *reading) add(p part, keys []byte) []byte {
	if len(r.parts) == cap(r.space[:]) {
		copy(r.parts, r.parts[1:])
		r.parts = r.parts[:len(r.parts)-1]
	}
	r.parts = append(r.parts, p)
	return keys
}

// cutByNames makes parts of a text that has neither separators nor words for kinds, from its end: the longest run of words
// that is a province, then a district, then a commune.
func (r *reading) cutByNames() []part {
	w := &r.words
	var cuts []part
	end := len(w.tokens)
	var buf [128]byte
	for _, level := range []levels{provinces, districts, communes} {
		for start := max(0, end-6); start < end; start++ {
			p := part{kind: kind{levels: anyLevel}}
			if _, ok := r.named(&p, start, end, kind{levels: level}, buf[:0]); ok {
				p.key = bytes.Clone(p.key)
				cuts = append(cuts, p)
				end = start
				break
			}
		}
	}
	if end > 0 && len(cuts) > 0 {
		p := part{kind: kind{levels: anyLevel}}
		_, _ = r.named(&p, 0, end, kind{}, nil)
		cuts = append(cuts, p)
	}
	slices.Reverse(cuts)
	return cuts
}
