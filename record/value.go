package record

import (
	"math"
	"strconv"
)

// Kind tells how a Value is to be read.
type Kind uint8

const (
	// Unchanged is a cell that the log does not carry; it is not null, it is unknown. The zero Value is Unchanged, so that a
	// cell that was forgotten can never pass for data.
	Unchanged Kind = iota
	// Null is SQL's null.
	Null
	// Bool has Num 0 or 1.
	Bool
	// Int has Num.
	Int
	// Float has Num = the bits of a float64 (NaN and the infinities included).
	Float
	// Decimal has Bytes = the exact number as the database wrote it ("12.50"); also "NaN", "Infinity", "-Infinity". Integers beyond int64 are Decimal.
	Decimal
	// Text has Bytes in the database's own encoding as declared (UTF-8 unless the mapping says otherwise), not validated.
	Text
	// Bytes has Bytes = the raw octets.
	Bytes
	// Date has Bytes = "2006-01-02"; also "infinity", "-infinity", and a trailing " BC".
	Date
	// Time has Bytes = "15:04:05.999999".
	Time
	// DateTime is a zone-less date and time, Bytes = "2006-01-02T15:04:05.999999"; infinity and BC as for Date.
	DateTime
	// Timestamp is an instant, Bytes = "2006-01-02T15:04:05.999999Z", always in UTC; infinity and BC as for Date.
	Timestamp
	// JSON has Bytes = a JSON text.
	JSON
	// AnyKind is a kind of columns only, never of a Value: cells of this column may be of any kind.
	AnyKind
)

var kindNames = [...]string{"unchanged", "null", "bool", "int", "float", "decimal", "text", "bytes", "date", "time", "datetime", "timestamp", "json", "any"}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "kind(" + strconv.Itoa(int(k)) + ")"
}

// Value is one cell. It is small and flat on purpose: a row of interfaces costs an allocation a cell.
// Bytes is a view into the batch's memory and must not be kept or changed.
type Value struct {
	Kind  Kind
	Num   int64
	Bytes []byte
}

// NullValue is SQL's null.
var NullValue = Value{Kind: Null}

// IntValue makes an Int.
func IntValue(n int64) Value { return Value{Kind: Int, Num: n} }

// BoolValue makes a Bool.
func BoolValue(b bool) Value {
	if b {
		return Value{Kind: Bool, Num: 1}
	}
	return Value{Kind: Bool}
}

// FloatValue makes a Float.
func FloatValue(f float64) Value {
	return Value{Kind: Float, Num: int64(math.Float64bits(f))}
}

// TextValue makes a Text.
func TextValue(s string) Value { return Value{Kind: Text, Bytes: []byte(s)} }

// BytesOf makes a Value of a kind that lives in Bytes: Decimal, Text, Bytes, Date, Time, DateTime, Timestamp, JSON.
func BytesOf(k Kind, b []byte) Value { return Value{Kind: k, Bytes: b} }

// Float64 reads a Float.
func (v Value) Float64() float64 { return math.Float64frombits(uint64(v.Num)) }

// IsNull reports whether the cell is null. Unchanged is not null.
func (v Value) IsNull() bool { return v.Kind == Null }

// Append writes the canonical text of the value, as documented at its Kind; nothing for Null and Unchanged.
func (v Value) Append(dst []byte) []byte {
	switch v.Kind {
	case Unchanged, Null, AnyKind:
		return dst
	case Bool:
		return strconv.AppendBool(dst, v.Num != 0)
	case Int:
		return strconv.AppendInt(dst, v.Num, 10)
	case Float:
		return strconv.AppendFloat(dst, v.Float64(), 'g', -1, 64)
	default:
		return append(dst, v.Bytes...)
	}
}

// Equal reports whether two cells are the same in kind and content. Two Unchanged cells are equal.
func (v Value) Equal(w Value) bool {
	if v.Kind != w.Kind {
		return false
	}
	switch v.Kind {
	case Unchanged, Null, AnyKind:
		return true
	case Bool, Int, Float:
		return v.Num == w.Num
	default:
		return string(v.Bytes) == string(w.Bytes)
	}
}

// Clone returns a copy that owns its memory, for whoever keeps a value beyond Release.
func (v Value) Clone() Value {
	if v.Bytes != nil {
		v.Bytes = append([]byte(nil), v.Bytes...)
	}
	return v
}

// Clone returns a copy of the row that owns its memory; nil stays nil.
func (r Row) Clone() Row {
	if r == nil {
		return nil
	}
	out := make(Row, len(r))
	for i, v := range r {
		out[i] = v.Clone()
	}
	return out
}
