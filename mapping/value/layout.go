package value

import (
	"fmt"
	"strings"

	"github.com/lienthong/truc/problem"
)

// Layout is a compiled date pattern, safe for concurrent use.
type Layout struct {
	pattern string
	parts   []part
	// precision is what a text of this layout states.
	precision Precision
	// first is the year that two digits of a year count from, 0 when the layout has none.
	first int
	// serial is whether it is ExcelLayout.
	serial bool
}

// part is a literal byte or a run of digits that fills a field.
type part struct {
	field    field
	min, max int  // digits
	literal  byte // when field is literalByte
	first    int  // of a two-digit year
}

type field uint8

const (
	literalByte field = iota
	yearField
	monthField
	dayField
	hourField
	minuteField
	secondField
	milliField
	fieldCount
)

// fields are the tokens of a pattern, longest first.
var fields = []struct {
	token    string
	field    field
	min, max int
}{
	{"yyyy", yearField, 4, 4},
	{"SSS", milliField, 3, 3},
	{"MM", monthField, 2, 2},
	{"dd", dayField, 2, 2},
	{"HH", hourField, 2, 2},
	{"mm", minuteField, 2, 2},
	{"ss", secondField, 2, 2},
	{"M", monthField, 1, 2},
	{"d", dayField, 1, 2},
}

// LayoutError says why a pattern is no layout, and what to write instead.
type LayoutError struct {
	Pattern string
	Why     problem.Text
}

func (e *LayoutError) Error() string {
	return fmt.Sprintf("compile date layout %q: %s", e.Pattern, e.Why)
}

// CompileLayout compiles a pattern of yyyy, MM or M, dd or d, HH (00-23), mm, ss, SSS and literals: "dd/MM/yyyy",
// "yyyyMMddHHmmss", "d/M/yyyy HH:mm", "yyyy-MM-ddTHH:mm". MM takes two digits, M one or two. Digits and separators stand for themselves, so
// that a system that writes an unknown day as zeros is "00/MM/yyyy"; letters other than T stand between apostrophes: "'ngày' dd".
//
// Nothing in "12/05/31" says whether a citizen is 95 or not yet born: a two-digit year is written with the first of the hundred years it may
// be, "dd/MM/yy[1930]" for 1930 to 2029. ExcelLayout is a layout too.
func CompileLayout(pattern string) (*Layout, error) {
	bad := func(why problem.Text) error { return &LayoutError{pattern, why} }
	l := &Layout{pattern: pattern}
	if pattern == ExcelLayout {
		l.serial, l.precision = true, Time
		return l, nil
	}
	var seen [fieldCount]bool
	for rest := pattern; rest != ""; {
		p, n, why := nextParts(rest)
		if !why.Empty() {
			return nil, bad(why)
		}
		rest = rest[n:]
		for _, q := range p {
			if q.first != 0 {
				l.first = q.first
			}
			if q.field != literalByte && seen[q.field] {
				return nil, bad(problem.Say("a field stands in it twice; keep one of them (MM is the month, mm the minute)"))
			}
			seen[q.field] = true
			l.parts = append(l.parts, q)
		}
	}
	for i := 1; i < len(l.parts); i++ {
		if v := l.parts[i-1]; v.min != v.max && l.parts[i].takesDigit() {
			return nil, bad(problem.Say("M or d, of one or two digits, is followed by a digit, so that its end cannot be told; write MM or dd, or put a separator there"))
		}
	}
	needs := []struct {
		field, needs field
		text         problem.Text
	}{
		{yearField, yearField, problem.Say("it has no year; add yyyy")},
		{dayField, monthField, problem.Say("it has a day without a month; add MM")},
		{hourField, dayField, problem.Say("it has an hour without a day; add dd")},
		{minuteField, hourField, problem.Say("it has a minute without an hour; add HH (mm is the minute, MM the month)")},
		{secondField, minuteField, problem.Say("it has a second without a minute; add mm")},
		{milliField, secondField, problem.Say("it has milliseconds without a second; add ss")},
	}
	for _, n := range needs {
		if (seen[n.field] || n.field == n.needs) && !seen[n.needs] {
			return nil, bad(n.text)
		}
	}
	switch {
	case seen[hourField]:
		l.precision = Time
	case seen[dayField]:
		l.precision = Day
	case seen[monthField]:
		l.precision = Month
	default:
		l.precision = Year
	}
	return l, nil
}

// nextParts takes the first token of a pattern and returns its parts and its length.
func nextParts(s string) (parts []part, length int, why problem.Text) {
	for _, f := range fields {
		if strings.HasPrefix(s, f.token) {
			// A longer run of the same letter is another token, that we do not have: "ddd", "yyyyy".
			if len(s) > len(f.token) && s[len(f.token)] == f.token[0] {
				break
			}
			return []part{{field: f.field, min: f.min, max: f.max}}, len(f.token), problem.Text{}
		}
	}
	c := s[0]
	switch {
	case c == '\'':
		end := strings.IndexByte(s[1:], '\'')
		if end < 0 {
			return nil, 0, problem.Say("the apostrophe that opens a literal is not closed; add one after it")
		}
		if end == 0 {
			return literals("'"), 2, problem.Text{}
		}
		return literals(s[1 : 1+end]), end + 2, problem.Text{}
	case strings.HasPrefix(s, "yy[") && len(s) >= len("yy[1930]") && allDigits([]byte(s[3:7])) && s[7] == ']' && s[3] != '0':
		return []part{{field: yearField, min: 2, max: 2, first: digits([]byte(s[3:7]))}}, len("yy[1930]"), problem.Text{}
	case strings.HasPrefix(s, "yy") && !strings.HasPrefix(s, "yyy"):
		return nil, 0, problem.Say("two digits of a year do not say the century; write the first year they may mean, yy[1930] for 1930 to 2029")
	case c == 'y' || c == 'Y':
		return nil, 0, problem.Say("the year is written yyyy, or with two digits yy[1930]")
	case c != 'T' && (c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'):
		letter := s[:len(s)-len(strings.TrimLeft(s, s[:1]))]
		return nil, 0, problem.Say("%q is not a field; use yyyy MM M dd d HH mm ss SSS (case matters), and apostrophes around letters that stand for themselves", letter)
	}
	return literals(s[:1]), 1, problem.Text{}
}

func literals(s string) []part {
	parts := make([]part, len(s))
	for i := range parts {
		parts[i].literal = s[i]
	}
	return parts
}

func (p part) takesDigit() bool { return p.field != literalByte || isDigit(p.literal) }

// Serial reports whether the layout is ExcelLayout.
func (l *Layout) Serial() bool { return l.serial }

// DigitsOnly is how many digits a text of the layout has when it has nothing else, 0 otherwise.
func (l *Layout) DigitsOnly() int {
	n := 0
	for _, p := range l.parts {
		if !p.takesDigit() {
			return 0
		}
		n += max(p.min, 1)
	}
	return n
}

// String returns the pattern.
func (l *Layout) String() string { return l.pattern }

// Precision is what a text of this layout states.
func (l *Layout) Precision() Precision { return l.precision }

// Parse reads a text that matches the whole layout (ASCII blanks around it are let pass) and names a day and time that exist: 30/02 and 00/00/1975 are refused.
func (l *Layout) Parse(src []byte) (DateTime, bool) {
	src = trimBlanks(src)
	if l.serial {
		return parseSerial(src)
	}
	t := DateTime{Precision: l.precision}
	i := 0
	for _, p := range l.parts {
		if p.field == literalByte {
			if i >= len(src) || src[i] != p.literal {
				return DateTime{}, false
			}
			i++
			continue
		}
		n := 0
		for n < p.max && i+n < len(src) && isDigit(src[i+n]) {
			n++
		}
		if n < p.min {
			return DateTime{}, false
		}
		v := digits(src[i : i+n])
		i += n
		switch p.field {
		case yearField:
			t.Year = v
			if l.first != 0 {
				t.Year = l.first + (v-l.first%100+100)%100
			}
		case monthField:
			t.Month = v
		case dayField:
			t.Day = v
		case hourField:
			t.Hour = v
		case minuteField:
			t.Min = v
		case secondField:
			t.Sec = v
		case milliField:
			t.Nano = v * 1_000_000
		}
	}
	if i != len(src) || !t.valid() {
		return DateTime{}, false
	}
	return t, true
}
