package postgres

import (
	"bytes"
	"encoding/hex"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/lienthong/truc/record"
)

// array is the text of an array parameter under construction: {"a",NULL,"b"}. A column of a batch travels as one.
type array struct{ buf []byte }

func (a *array) next() {
	if len(a.buf) == 0 {
		a.buf = append(a.buf, '{')
	} else {
		a.buf = append(a.buf, ',')
	}
}

func (a *array) integer(n int64) {
	a.next()
	a.buf = strconv.AppendInt(a.buf, n, 10)
}

func (a *array) boolean(b bool) {
	a.next()
	a.buf = strconv.AppendBool(a.buf, b)
}

func (a *array) text(s string) {
	a.next()
	a.buf = appendQuoted(a.buf, s)
}

func (a *array) close() []byte {
	if len(a.buf) == 0 {
		return []byte("{}")
	}
	return append(a.buf, '}')
}

// appendQuoted writes an element of an array in quotes, so that it may be empty, NULL, or hold braces and commas.
func appendQuoted[T ~string | ~[]byte](dst []byte, s T) []byte {
	dst = append(dst, '"')
	start := 0
	for i := range len(s) {
		if c := s[i]; c == '"' || c == '\\' {
			dst = append(dst, s[start:i]...)
			dst = append(dst, '\\')
			start = i
		}
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

// value writes a cell as the column reads it. The server converts, and refuses what does not fit; fits has said before
// that the cell can be sent at all.
func (a *array) value(v record.Value, column *sinkColumn) {
	a.next()
	switch v.Kind {
	case record.Null, record.Unchanged, record.AnyKind:
		a.buf = append(a.buf, "NULL"...)
	case record.Int, record.Bool, record.Float:
		a.buf = appendCell(a.buf, v, column)
	default:
		if column.octets(v) {
			a.buf = append(a.buf, `"\`...)
			a.buf = append(appendCell(a.buf, v, column), '"')
		} else {
			a.buf = appendQuoted(a.buf, v.Bytes)
		}
	}
}

// octets tells whether a cell is written as bytes, not as text.
func (c *sinkColumn) octets(v record.Value) bool {
	return c.codec == asBytes && (v.Kind == record.Text || v.Kind == record.JSON || v.Kind == record.Bytes)
}

// appendCell writes a cell that is not null as the column's type reads it.
func appendCell(dst []byte, v record.Value, column *sinkColumn) []byte {
	switch v.Kind {
	case record.Int:
		return strconv.AppendInt(dst, v.Num, 10)
	case record.Bool:
		if column.codec == asInt || column.codec == asDecimal || column.codec == asFloat {
			return strconv.AppendInt(dst, v.Num, 10)
		}
		return strconv.AppendBool(dst, v.Num != 0)
	case record.Float:
		return appendFloat(dst, v.Float64())
	default:
		if column.octets(v) {
			return hex.AppendEncode(append(dst, `\x`...), v.Bytes)
		}
		return append(dst, v.Bytes...)
	}
}

// appendFloat writes a number as every numeric type reads it: without an exponent, which an integer column would refuse,
// where that is not absurdly long.
func appendFloat(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "NaN"...)
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	case math.Abs(f) < 1e15:
		return strconv.AppendFloat(dst, f, 'f', -1, 64)
	}
	return strconv.AppendFloat(dst, f, 'g', -1, 64)
}

// fits reports whether a cell can be sent to the column at all. What cannot would make the server refuse the whole
// statement, or, for a text that is too long, be cut by a cast without a word.
func (c *sinkColumn) fits(v record.Value, raw bool) bool {
	switch v.Kind {
	case record.Unchanged, record.AnyKind:
		return false
	case record.Text, record.JSON, record.Bytes:
		return c.codec == asBytes || sendable(v.Bytes, raw)
	case record.Null, record.Bool, record.Int, record.Float:
		return true
	default:
		return sendable(v.Bytes, raw)
	}
}

func sendable(b []byte, raw bool) bool {
	return bytes.IndexByte(b, 0) < 0 && (raw || utf8.Valid(b))
}
