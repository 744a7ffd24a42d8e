package schemas

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf8"
)

// scan proves one document. Every method takes the place where a value begins and returns the place after it, or
// unproven. Whatever is unusual ends the proof: white space, escapes in names or in texts whose content matters,
// \u, exponents, repeated names, invalid UTF-8.
type scan struct {
	doc []byte
	// names of undeclared properties of the objects that are open, to see a name twice
	names [32]struct{ from, to int }
	open  int
}

const unproven = -1

func (c *checker) accepts(doc []byte) bool {
	s := scan{doc: doc}
	return s.value(c, 0, 0) == len(doc)
}

func (s *scan) at(p int) byte {
	if p < len(s.doc) {
		return s.doc[p]
	}
	return 0
}

func (s *scan) value(c *checker, p, depth int) int {
	var end int
	switch s.at(p) {
	case '"':
		end = s.text(c, p)
	case '{':
		end = s.object(c, p, depth)
	case '[':
		end = s.array(c, p, depth)
	case 't':
		end = s.word(c, p, "true", kindBoolean)
	case 'f':
		end = s.word(c, p, "false", kindBoolean)
	case 'n':
		end = s.word(c, p, "null", kindNull)
	default:
		end = s.number(c, p)
	}
	if end == unproven || c.allOf == nil && c.anyOf == nil {
		return end
	}
	for _, branch := range c.allOf {
		if s.value(branch, p, depth) != end {
			return unproven
		}
	}
	if c.anyOf == nil {
		return end
	}
	open := s.open
	for _, branch := range c.anyOf {
		if s.value(branch, p, depth) == end {
			return end
		}
		s.open = open // a branch that failed half-way may have left names
	}
	return unproven
}

func (c *checker) allows(k jsonKind) bool { return c.kinds == 0 || c.kinds&k != 0 }

func (s *scan) word(c *checker, p int, word string, k jsonKind) int {
	end := p + len(word)
	if end > len(s.doc) || string(s.doc[p:end]) != word || !c.allows(k) || c.limited {
		return unproven
	}
	return end
}

func (s *scan) object(c *checker, p, depth int) int {
	if !c.allows(kindObject) || c.limited || depth >= maxDepth {
		return unproven
	}
	var seen uint64
	next, open := 0, s.open
	for p++; s.at(p) == '"'; p++ {
		p++
		i := c.property(s.doc[p:], next)
		inner := anyValue
		if i >= 0 {
			if seen&(1<<i) != 0 {
				return unproven
			}
			seen |= 1 << i
			next = i + 1
			p += len(c.properties[i].quoted)
			inner = c.properties[i].check
		} else if p = s.undeclared(c, p, open); p == unproven {
			return unproven
		}
		if p = s.value(inner, p, depth+1); p == unproven {
			return unproven
		}
		if s.at(p) != ',' {
			break
		}
	}
	// A comma before the brace would have set p behind itself: then this is not a brace after a value.
	if s.at(p) != '}' || s.doc[p-1] == ',' || seen&c.required != c.required {
		return unproven
	}
	s.open = open
	return p + 1
}

// property finds the declared property at the beginning of rest, looking first where the schema's order expects it.
func (c *checker) property(rest []byte, next int) int {
	for i := next; i < len(c.properties); i++ {
		if q := c.properties[i].quoted; len(rest) >= len(q) && string(rest[:len(q)]) == q {
			return i
		}
	}
	for i := range min(next, len(c.properties)) {
		if q := c.properties[i].quoted; len(rest) >= len(q) && string(rest[:len(q)]) == q {
			return i
		}
	}
	return -1
}

// undeclared reads the name of a property that an open schema does not declare, up to its value.
func (s *scan) undeclared(c *checker, p, open int) int {
	end, escapes, _ := s.quoted(p)
	if c.closed || end == unproven || escapes > 0 || !utf8.Valid(s.doc[p:end]) || s.at(end+1) != ':' || s.open == len(s.names) {
		return unproven
	}
	for _, n := range s.names[open:s.open] {
		if string(s.doc[n.from:n.to]) == string(s.doc[p:end]) {
			return unproven
		}
	}
	s.names[s.open].from, s.names[s.open].to = p, end
	s.open++
	return end + 2
}

func (s *scan) array(c *checker, p, depth int) int {
	if !c.allows(kindArray) || c.limited || depth >= maxDepth {
		return unproven
	}
	items := c.items
	if items == nil {
		items = anyValue
	}
	n := 0
	p++
	if s.at(p) != ']' {
		for {
			if p = s.value(items, p, depth+1); p == unproven {
				return unproven
			}
			n++
			if s.at(p) != ',' {
				break
			}
			p++
		}
	}
	if s.at(p) != ']' || n < c.minItems || c.maxItems >= 0 && n > c.maxItems {
		return unproven
	}
	return p + 1
}

// text proves a string with everything the schema says about it.
func (s *scan) text(c *checker, p int) int {
	end, escapes, ascii := s.quoted(p + 1)
	if end == unproven || !c.allows(kindString) {
		return unproven
	}
	raw := s.doc[p+1 : end]
	if !ascii && !utf8.Valid(raw) {
		return unproven
	}
	if escapes > 0 && c.needsText() || !c.textFits(raw, escapes) {
		return unproven
	}
	return end + 1
}

// textFits proves what the schema says about the content of a string. Each escape in it is two bytes for one character.
func (c *checker) textFits(raw []byte, escapes int) bool {
	// Most texts are within bounds by their bytes alone.
	if c.minLength > 0 && (len(raw)-escapes)/utf8.UTFMax < c.minLength && utf8.RuneCount(raw)-escapes < c.minLength {
		return false
	}
	if c.maxLength >= 0 && len(raw)-escapes > c.maxLength && utf8.RuneCount(raw)-escapes > c.maxLength {
		return false
	}
	if c.limited && !contains(c.strings, raw) {
		return false
	}
	if c.list != nil {
		if _, ok := c.list.index[string(raw)]; !ok {
			return false
		}
	}
	if c.pattern != nil && !c.pattern.match(raw) {
		return false
	}
	switch c.format {
	case "date":
		return isDate(raw)
	case "date-time":
		return isDateTime(raw)
	case "uuid":
		return isUUID(raw)
	}
	return true
}

func contains(all []string, b []byte) bool {
	for _, s := range all {
		if s == string(b) {
			return true
		}
	}
	return false
}

// quoted reads from behind an opening quote to the closing one, and counts simple escapes.
func (s *scan) quoted(p int) (end, escapes int, ascii bool) {
	const (
		ones = 0x0101010101010101
		high = 0x8080808080808080
	)
	var beyond uint64
	for p+8 <= len(s.doc) {
		// Eight bytes at a time: the lowest marked byte is a quote, a backslash or a control character.
		w := binary.LittleEndian.Uint64(s.doc[p:])
		quote, backslash := w^('"'*ones), w^('\\'*ones)
		marked := ((quote-ones)&^quote | (backslash-ones)&^backslash | (w-' '*ones)&^w) & high
		if marked == 0 {
			beyond |= w & high
			p += 8
			continue
		}
		n := bits.TrailingZeros64(marked) &^ 7
		beyond |= w & high & (1<<n - 1)
		p += n / 8
		switch {
		case s.doc[p] == '"':
			return p, escapes, beyond == 0
		case s.doc[p] != '\\' || !simpleEscape(s.at(p+1)):
			return unproven, 0, false
		}
		escapes++
		p += 2
	}
	for ; p < len(s.doc); p++ {
		switch b := s.doc[p]; {
		case b == '"':
			return p, escapes, beyond == 0
		case b == '\\' && simpleEscape(s.at(p+1)):
			escapes++
			p++
		case b < ' ' || b == '\\':
			return unproven, 0, false
		default:
			beyond |= uint64(b) & 0x80
		}
	}
	return unproven, 0, false
}

func simpleEscape(b byte) bool {
	switch b {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return true
	}
	return false
}

// number proves whole numbers of at most 15 digits, and decimals where only the type matters.
func (s *scan) number(c *checker, p int) int {
	from, negative := p, s.at(p) == '-'
	if negative {
		p++
	}
	first := p
	var n int64
	for isDigit(s.at(p)) && p-first < 16 {
		n = n*10 + int64(s.doc[p]-'0')
		p++
	}
	if p == first || p-first > 15 || s.doc[first] == '0' && (p-first > 1 || negative) {
		return unproven
	}
	if s.at(p) == '.' {
		return s.decimals(c, p+1, from)
	}
	if negative {
		n = -n
	}
	if b := s.at(p) | 0x20; b == 'e' || !c.allows(kindInteger) || n < c.min || n > c.max || c.limited && !slices.Contains(c.integers, n) {
		return unproven
	}
	return p
}

func (s *scan) decimals(c *checker, p, from int) int {
	first := p
	for isDigit(s.at(p)) {
		p++
	}
	if b := s.at(p) | 0x20; p == first || p-from > 32 || b == 'e' || !c.allows(kindNumber) || c.limited || c.bounded {
		return unproven
	}
	return p
}
