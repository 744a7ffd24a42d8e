package mapping

import (
	"bytes"
	"cmp"
	"math"
	"strconv"
	"strings"
	"unsafe"

	"github.com/lienthong/truc/mapping/value"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/schemas"
)

// kind is the type of a value in the mapping language, static and at run time.
type kind uint8

const (
	// kindAny is static only: the value's kind shows when it is there.
	kindAny kind = iota
	kindNull
	kindBool
	kindInt
	kindFloat
	kindDecimal
	kindText
	kindDate
	kindTime
	// kindDateTime has no zone, kindTimestamp has one (RFC 3339 with any offset).
	kindDateTime
	kindTimestamp
	kindBytes
	// kindJSON is a JSON text taken over as it is.
	kindJSON
	// kindPartial is a date of which less than the day may be known: "1975", "1975-06", "1975-06-12".
	kindPartial
	// kindObject and kindList are parts of a document, as JSON text.
	kindObject
	kindList
	// kindFailed is at run time only: the value could not be made, failure says why.
	kindFailed
)

// String is the word by which messages name the kind.
func (k kind) String() string {
	return [...]string{
		"a value", "null", "true/false", "whole number", "floating-point number", "decimal number", "text", "date", "time of day",
		"date and time without zone", "date and time", "bytes", "JSON", "partial date", "object", "list", "failure",
	}[k]
}

func (k kind) number() bool { return k == kindInt || k == kindFloat || k == kindDecimal }

// inText reports whether the value's content is the bytes of its canonical text.
func (k kind) inText() bool {
	switch k {
	case kindDecimal, kindText, kindDate, kindTime, kindDateTime, kindTimestamp:
		return true
	}
	return false
}

// cell is one value while a row is translated. It has four fields and four words on purpose: a larger one is passed through
// memory, and the processor waits where a whole cell is read of which the fields were just written.
type cell struct {
	// text is a view of the row, of a literal or of the frame's scratch, none of which change while the row is translated; of a
	// failure it says why.
	text string
	num  int64 // bool, whole number, bits of a floating-point number
	kind kind
	// plain says of a text that value.Plain holds: neither text() nor JSON has to look at it again. False says nothing.
	plain bool
}

// failure is why a value cannot be made. It never holds a value of a row; nearly all are made when the mapping is compiled.
// It is a text, the rule before the detail, so that a cell can hold it.
type failure string

func newFailure(rule, detail string) failure { return failure(rule + "\x00" + detail) }

func (f failure) rule() string {
	rule, _, _ := strings.Cut(string(f), "\x00")
	return rule
}

func (f failure) detail() string {
	_, detail, _ := strings.Cut(string(f), "\x00")
	return detail
}

// violation is the failure at the property it happened for.
func (f failure) violation(pointer string) schemas.Violation {
	if f.rule() == ruleIncomplete {
		return schemas.Violation{
			Pointer: pointer, Rule: f.rule(), Group: schemas.GroupMissing,
			VI: "Nhật ký không mang giá trị này và chưa đọc lại được dòng (" + f.detail() + ").",
			EN: "The log does not carry this value and the row was not read again (" + f.detail() + ").",
		}
	}
	return schemas.NewViolation(pointer, f.rule(), f.detail())
}

var null = cell{kind: kindNull}

func failed(f failure) cell           { return cell{kind: kindFailed, text: string(f)} }
func intCell(n int64) cell            { return cell{kind: kindInt, num: n} }
func floatCell(f float64) cell        { return cell{kind: kindFloat, num: int64(math.Float64bits(f))} }
func textCell(b []byte) cell          { return cell{kind: kindText, text: view(b)} }
func (c cell) float() float64         { return math.Float64frombits(uint64(c.num)) }
func (c cell) isTrue() bool           { return c.kind == kindBool && c.num != 0 }
func (c cell) isNull() bool           { return c.kind == kindNull }
func (c cell) isFailed() bool         { return c.kind == kindFailed }
func (c cell) is(k kind) bool         { return c.kind == k }
func bytesCell(k kind, b []byte) cell { return cell{kind: k, text: view(b)} }

// view and bytes pass memory on as it is; nobody writes to what a cell views.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) } //nolint:gosec // a view, as said

func (c cell) bytes() []byte    { return unsafe.Slice(unsafe.StringData(c.text), len(c.text)) } //nolint:gosec // a view, as said
func (c cell) failure() failure { return failure(c.text) }

// isNaN holds for a floating-point or decimal NaN.
func (c cell) isNaN() bool {
	return c.is(kindFloat) && math.IsNaN(c.float()) || c.is(kindDecimal) && c.text == "NaN"
}

func boolCell(b bool) cell {
	if b {
		return cell{kind: kindBool, num: 1}
	}
	return cell{kind: kindBool}
}

// appendText appends the canonical text of a scalar; ok is false for what has none.
func (c cell) appendText(dst []byte) (out []byte, ok bool) {
	switch c.kind {
	case kindBool:
		return strconv.AppendBool(dst, c.num != 0), true
	case kindInt:
		return strconv.AppendInt(dst, c.num, 10), true
	case kindFloat:
		return strconv.AppendFloat(dst, c.float(), 'f', -1, 64), true
	case kindPartial:
		return append(dst, c.text...), true
	}
	if c.kind.inText() {
		return append(dst, c.text...), true
	}
	return dst, false
}

// appendJSON appends the value as JSON; ok is false for numbers JSON cannot say.
func (c cell) appendJSON(dst []byte) (out []byte, ok bool) {
	switch c.kind {
	case kindText:
		if c.plain {
			return appendQuoted(dst, c.bytes()), true
		}
		return appendJSONString(dst, c.bytes()), true
	case kindInt:
		return strconv.AppendInt(dst, c.num, 10), true
	case kindBool:
		return strconv.AppendBool(dst, c.num != 0), true
	case kindDate, kindTime, kindDateTime, kindTimestamp:
		return appendQuoted(dst, c.bytes()), true
	case kindFloat:
		f := c.float()
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return dst, false
		}
		return strconv.AppendFloat(dst, f, 'f', -1, 64), true
	case kindDecimal:
		return value.AppendDecimal(dst, c.bytes())
	case kindJSON, kindObject, kindList:
		return append(dst, c.text...), true
	case kindPartial:
		dst = append(dst, `{"giaTri":"`...)
		dst = append(dst, c.text...)
		dst = append(dst, `","doChinhXac":"`...)
		return append(append(dst, precisionWords[partialPrecision(c.bytes())]...), `"}`...), true
	}
	return dst, false
}

// precisionWords are the values of doChinhXac.
var precisionWords = [...][]byte{value.Year: []byte(value.Year.String()), value.Month: []byte(value.Month.String()), value.Day: []byte(value.Day.String())}

// partialPrecision is that of a canonical partial date.
func partialPrecision(b []byte) value.Precision {
	switch len(b) {
	case len("1975"):
		return value.Year
	case len("1975-06"):
		return value.Month
	}
	return value.Day
}

// equal is CEL's ==: null equals only null, numbers compare by value across their kinds, other kinds never equal each other.
func equal(a, b cell) bool {
	if a.kind.number() && b.kind.number() {
		order, ok := compareNumbers(a, b)
		return ok && order == 0
	}
	if a.kind != b.kind {
		return false
	}
	switch a.kind {
	case kindNull:
		return true
	case kindBool:
		return a.num == b.num
	case kindTimestamp:
		order, ok := compareInstants(a.bytes(), b.bytes())
		return ok && order == 0
	default:
		return a.text == b.text
	}
}

// compare is CEL's order; ok is false for what has none.
func compare(a, b cell) (order int, ok bool) {
	if a.kind.number() && b.kind.number() {
		return compareNumbers(a, b)
	}
	if a.kind != b.kind {
		return 0, false
	}
	switch a.kind {
	case kindBool:
		return cmp.Compare(a.num, b.num), true
	case kindTimestamp:
		return compareInstants(a.bytes(), b.bytes())
	case kindText, kindDate, kindTime, kindDateTime:
		return strings.Compare(a.text, b.text), true
	}
	return 0, false
}

func compareInstants(a, b []byte) (int, bool) {
	s, ok := instant(a)
	if !ok {
		return 0, false
	}
	t, ok := instant(b)
	return s.Compare(t), ok
}

func compareNumbers(a, b cell) (order int, ok bool) {
	switch {
	case a.is(kindInt) && b.is(kindInt):
		return cmp.Compare(a.num, b.num), true
	case a.is(kindDecimal) || b.is(kindDecimal):
		var bufA, bufB [48]byte
		x, okA := a.appendDecimal(bufA[:0])
		y, okB := b.appendDecimal(bufB[:0])
		return compareDecimals(x, y), okA && okB
	case a.is(kindFloat) && b.is(kindFloat):
		x, y := a.float(), b.float()
		return cmp.Compare(x, y), x == x && y == y // NaN is the one number that differs from itself
	case a.is(kindInt):
		return compareIntFloat(a.num, b.float())
	default:
		order, ok = compareIntFloat(b.num, a.float())
		return -order, ok
	}
}

func compareIntFloat(n int64, f float64) (order int, ok bool) {
	switch {
	case math.IsNaN(f):
		return 0, false
	case f >= math.MaxInt64:
		return -1, true
	case f < math.MinInt64:
		return 1, true
	}
	whole := math.Trunc(f)
	if c := cmp.Compare(n, int64(whole)); c != 0 {
		return c, true
	}
	return cmp.Compare(whole, f), true
}

// appendDecimal appends a number in value.AppendDecimal's canonical form.
func (c cell) appendDecimal(dst []byte) ([]byte, bool) {
	var buf [32]byte
	switch c.kind {
	case kindInt:
		return strconv.AppendInt(dst, c.num, 10), true
	case kindFloat:
		return value.AppendDecimal(dst, strconv.AppendFloat(buf[:0], c.float(), 'e', -1, 64))
	default:
		return value.AppendDecimal(dst, c.bytes())
	}
}

// compareDecimals orders canonical decimals.
func compareDecimals(a, b []byte) int {
	negA, negB := bytes.HasPrefix(a, []byte("-")), bytes.HasPrefix(b, []byte("-"))
	switch {
	case negA && !negB:
		return -1
	case !negA && negB:
		return 1
	case negA:
		return compareDecimals(b[1:], a[1:])
	}
	wholeA, fractionA, _ := bytes.Cut(a, []byte("."))
	wholeB, fractionB, _ := bytes.Cut(b, []byte("."))
	if c := cmp.Compare(len(wholeA), len(wholeB)); c != 0 {
		return c
	}
	if c := bytes.Compare(wholeA, wholeB); c != 0 {
		return c
	}
	return bytes.Compare(fractionA, fractionB)
}

// kindOf is the kind of a column's values.
func kindOf(k record.Kind) kind {
	switch k {
	case record.Null:
		return kindNull
	case record.Bool:
		return kindBool
	case record.Int:
		return kindInt
	case record.Float:
		return kindFloat
	case record.Decimal:
		return kindDecimal
	case record.Text:
		return kindText
	case record.Bytes:
		return kindBytes
	case record.Date:
		return kindDate
	case record.Time:
		return kindTime
	case record.DateTime:
		return kindDateTime
	case record.Timestamp:
		return kindTimestamp
	case record.JSON:
		return kindJSON
	default:
		return kindAny
	}
}
