package mapping

import (
	"bytes"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // mappings name zones, and Windows has no zone database
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/lienthong/truc/mapping/value"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/schemas"
)

// vietnam is the zone of times that state none: one zone, no summer time, since 1975.
const vietnam = "Asia/Ho_Chi_Minh"

// column is how the cells of one table column are read: decoded, declared nulls recognised, padded, given a zone.
type column struct {
	index int
	name  string
	typ   typ
	// stored is the kind of the column's values before zone and pad make others of them.
	stored kind
	// encoding is nil for UTF-8.
	encoding *value.Encoding
	// nulls are in the canonical form of stored.
	nulls [][]byte
	pad   int
	zone  *time.Location
	// encodingFailure, dateFailure and the others say why a cell cannot be read.
	encodingFailure, dateFailure, numberFailure, missingFailure failure
}

func newColumn(index int, c record.Column) *column {
	return &column{
		index: index, name: c.Name,
		stored:          kindOf(c.Kind),
		typ:             typ{kind: kindOf(c.Kind), nullable: c.Nullable},
		encodingFailure: newFailure(schemas.RuleEncoding, "utf-8, column "+c.Name),
		dateFailure:     newFailure(schemas.RuleDate, "column "+c.Name),
		numberFailure:   newFailure(schemas.RuleNumber, "column "+c.Name),
		missingFailure:  newFailure(ruleIncomplete, "column "+c.Name),
	}
}

// apply adds what the mapping declares of the column. explicit is false for the default "*", which is silent where it does not fit.
func (c *column) apply(r ColumnRule, explicit bool) (what, fix problem.Text) {
	if r.Text != "" {
		switch c.typ.kind {
		case kindText, kindAny:
			c.encode(r.Text)
		case kindBytes:
			if explicit {
				c.encode(r.Text)
				c.stored, c.typ.kind = kindText, kindText
			}
		default:
			if explicit {
				return problem.Say("column %s is %s: it has no text encoding", c.name, article(c.typ.kind)), problem.Say("remove text from it")
			}
		}
	}
	for _, s := range r.Null {
		word, form := nullWord(c.stored, s)
		switch {
		case word != nil:
			c.nulls = append(c.nulls, word)
			c.typ.nullable = true
		case explicit:
			return problem.Say("column %s is %s: it never holds %q", c.name, article(c.stored), s), problem.Say("write %s, or remove it from null", form)
		}
	}
	if r.Zone != "" {
		if c.typ.kind != kindDateTime && c.typ.kind != kindAny {
			if explicit {
				return problem.Say("column %s is %s: zone is for a date and time without zone", c.name, article(c.typ.kind)), problem.Say(`remove zone from it; for a text write dateTime(%s, "dd/MM/yyyy HH:mm", "%s")`, c.name, r.Zone)
			}
		} else if zone, err := time.LoadLocation(r.Zone); err == nil {
			c.zone = zone
			if c.typ.kind == kindDateTime {
				c.typ.kind = kindTimestamp
			}
		}
	}
	if r.Pad != 0 {
		switch c.typ.kind {
		case kindText, kindInt, kindDecimal, kindAny:
			c.pad, c.typ.kind = r.Pad, kindText
		default:
			return problem.Say("column %s is %s: pad is for texts and whole numbers", c.name, article(c.typ.kind)), problem.Say("remove pad from it")
		}
	}
	return problem.Text{}, problem.Text{}
}

func (c *column) encode(name string) {
	c.encoding = nil
	if e, ok := value.EncodingNamed(name); ok && name != "utf-8" {
		c.encoding = &e
	}
	c.encodingFailure = newFailure(schemas.RuleEncoding, name+", column "+c.name)
}

// nullWord is a text that stands for null in the canonical form of a column's values, nil and the form that it should have when no value is so.
func nullWord(k kind, s string) (word []byte, form problem.Text) {
	b := []byte(s)
	switch k {
	case kindInt:
		if _, ok := wholeNumber(s); !ok {
			return nil, problem.Say("a whole number such as 0")
		}
	case kindDecimal, kindFloat:
		canonical, ok := value.AppendDecimal(nil, b)
		if !ok && s != "NaN" {
			return nil, problem.Say("a number such as 0")
		}
		if ok {
			b = canonical
		}
	case kindBool:
		if s != "true" && s != "false" {
			return nil, problem.Verbatim("true/false")
		}
	case kindDate:
		if _, ok := value.ParseISODate(b); !ok && !infinity(s) {
			return nil, problem.Say("a date as 1900-01-01")
		}
	case kindDateTime:
		if _, ok := value.ParseISODate(b); ok {
			b = append(b, "T00:00:00"...)
		}
		if _, utc, ok := value.ParseISODateTime(b); (!ok || utc) && !infinity(s) {
			return nil, problem.Say("a date and time as 1900-01-01T00:00:00")
		}
	case kindTimestamp:
		if _, utc, ok := value.ParseISODateTime(b); (!ok || !utc) && !infinity(s) {
			return nil, problem.Say("a date and time in UTC as 1900-01-01T00:00:00Z")
		}
	default:
		b = norm.NFC.Bytes(b)
	}
	return b, problem.Text{}
}

// infinity holds for the dates that PostgreSQL puts behind every other.
func infinity(s string) bool { return s == "infinity" || s == "-infinity" }

// load reads a cell.
func (c *column) load(f *frame) cell {
	v := &f.row[c.index]
	out := cell{kind: kindOf(v.Kind), num: v.Num, text: view(v.Bytes)}
	switch v.Kind {
	case record.Null:
		return null
	case record.Unchanged, record.AnyKind:
		// The pipeline completes rows before it translates them; publishing one in part would lose what is not there.
		return failed(c.missingFailure)
	case record.Text, record.Bytes:
		if v.Kind == record.Text || c.stored == kindText || c.stored == kindAny && c.encoding != nil {
			if out = c.text(f, v.Bytes); out.isFailed() {
				return out
			}
		}
	default: // as they are
	}
	if c.nulls != nil && c.declaredNull(out) {
		return null
	}
	switch v.Kind {
	case record.Date:
		if _, ok := value.ParseISODate(v.Bytes); !ok {
			return failed(c.dateFailure)
		}
	case record.DateTime, record.Timestamp:
		t, _, ok := value.ParseISODateTime(v.Bytes)
		if !ok {
			return failed(c.dateFailure)
		}
		if c.zone != nil && v.Kind == record.DateTime {
			start := len(f.scratch)
			f.scratch = appendZoned(f.scratch, t, c.zone)
			out = bytesCell(kindTimestamp, f.since(start))
		}
	default: // checked where they are used
	}
	if c.pad != 0 {
		return c.padded(f, out)
	}
	return out
}

func (c *column) text(f *frame, b []byte) cell {
	start := len(f.scratch)
	if c.encoding != nil {
		var ok bool
		if f.scratch, ok = c.encoding.Decode(f.scratch, b); !ok {
			return failed(c.encodingFailure)
		}
		out := textCell(f.since(start))
		out.plain = value.Plain(out.bytes())
		return out
	}
	if value.Plain(b) {
		return cell{kind: kindText, plain: true, text: view(b)}
	}
	if !utf8.Valid(b) {
		return failed(c.encodingFailure)
	}
	if norm.NFC.IsNormal(b) {
		return textCell(b)
	}
	f.scratch = append(f.scratch, norm.NFC.Bytes(b)...)
	return textCell(f.since(start))
}

func (c *column) declaredNull(v cell) bool {
	var buf [64]byte
	content := v.bytes()
	switch {
	case v.is(kindDecimal) || v.is(kindFloat):
		// The word was made canonical; 0.00 is 0.
		if canonical, ok := v.appendDecimal(buf[:0]); ok {
			content = canonical
		} else if v.isNaN() {
			content = []byte("NaN")
		}
	case !v.kind.inText():
		var ok bool
		if content, ok = v.appendText(buf[:0]); !ok {
			return false
		}
	}
	content = bytes.TrimSpace(content)
	for _, n := range c.nulls {
		if bytes.Equal(content, n) {
			return true
		}
	}
	return false
}

func (c *column) padded(f *frame, v cell) cell {
	var buf [32]byte
	var digits []byte
	switch v.kind {
	case kindText:
		digits = bytes.TrimSpace(v.bytes())
	case kindInt:
		if v.num < 0 {
			return failed(c.numberFailure)
		}
		digits = strconv.AppendInt(buf[:0], v.num, 10)
	case kindDecimal:
		var ok bool
		if digits, ok = value.AppendDecimal(buf[:0], v.bytes()); !ok || bytes.ContainsAny(digits, "-.") {
			return failed(c.numberFailure)
		}
	default:
		return failed(c.numberFailure)
	}
	start := len(f.scratch)
	f.scratch = value.AppendPad(f.scratch, digits, c.pad)
	return textCell(f.since(start))
}

// article puts a kind into a sentence.
func article(k kind) problem.Text {
	switch k {
	case kindText:
		return problem.Say("text")
	case kindBytes:
		return problem.Say("bytes")
	case kindJSON:
		return problem.Say("JSON")
	case kindAny:
		return problem.Say("anything")
	case kindNull:
		return problem.Say("null")
	case kindBool:
		return problem.Say("true/false")
	case kindObject:
		return problem.Say("an object")
	case kindInt:
		return problem.Say("a whole number")
	case kindFloat:
		return problem.Say("a floating-point number")
	case kindDecimal:
		return problem.Say("a decimal number")
	case kindDate:
		return problem.Say("a date")
	case kindTime:
		return problem.Say("a time of day")
	case kindDateTime:
		return problem.Say("a date and time without a zone")
	case kindTimestamp:
		return problem.Say("a date and time")
	case kindPartial:
		return problem.Say("a partial date")
	case kindList:
		return problem.Say("a list")
	}
	return problem.Verbatim(k.String())
}

// identifier reports whether a column name can stand in an expression.
func identifier(name string) bool {
	if name == "" || reservedWord(name) {
		return false
	}
	return strings.IndexFunc(name, func(r rune) bool {
		return r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	}) < 0 && (name[0] < '0' || name[0] > '9')
}

// reservedWord reports whether CEL keeps a word for itself.
func reservedWord(s string) bool {
	switch s {
	case "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import",
		"let", "loop", "package", "namespace", "return", "var", "void", "while":
		return true
	}
	return false
}
