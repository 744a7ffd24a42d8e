package postgres

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strconv"
	"unsafe"

	"github.com/lienthong/truc/record"
)

// codec says how the text PostgreSQL writes for a type becomes a record.Value. Snapshot and stream both read text and both
// go through read, so that they are equal by construction. README.md has the table.
type codec uint8

const (
	asText codec = iota
	asBool
	asInt
	asFloat
	asDecimal
	asBlankPadded
	asBytes
	asDate
	asTime
	asDateTime
	asTimestamp
	asJSON
)

// codecs by type OID (pg_type.dat; these never change). Whatever is not here is Text as PostgreSQL writes it; domains are
// looked up by their base type.
func codecOf(base uint32) codec {
	switch base {
	case 16:
		return asBool
	case 17:
		return asBytes
	case 20, 21, 23, 26: // int8, int2, int4, oid
		return asInt
	case 114, 3802: // json, jsonb
		return asJSON
	case 700, 701:
		return asFloat
	case 1042:
		return asBlankPadded
	case 1082:
		return asDate
	case 1083:
		return asTime
	case 1114:
		return asDateTime
	case 1184:
		return asTimestamp
	case 1700:
		return asDecimal
	}
	return asText
}

func (c codec) kind() record.Kind {
	return [...]record.Kind{
		asText: record.Text, asBool: record.Bool, asInt: record.Int, asFloat: record.Float, asDecimal: record.Decimal,
		asBlankPadded: record.Text, asBytes: record.Bytes, asDate: record.Date, asTime: record.Time,
		asDateTime: record.DateTime, asTimestamp: record.Timestamp, asJSON: record.JSON,
	}[c]
}

var errBadText = errors.New("text is not of the column's type")

// read reads one cell into v. It works in place: b belongs to the caller's batch, is changed where the canonical text
// differs from PostgreSQL's (it is never longer), and v is a view of it.
func (c codec) read(v *record.Value, b []byte) error {
	switch c {
	case asText:
		v.Kind, v.Bytes = record.Text, b
	case asBool:
		if len(b) != 1 || b[0] != 't' && b[0] != 'f' {
			return errBadText
		}
		*v = record.BoolValue(b[0] == 't')
	case asInt:
		n, ok := parseInt(b)
		if !ok {
			return errBadText
		}
		*v = record.IntValue(n)
	case asFloat:
		f, err := strconv.ParseFloat(view(b), 64)
		if err != nil {
			return errBadText
		}
		*v = record.FloatValue(f)
	case asBlankPadded:
		// The padding of character(n) means nothing in PostgreSQL: neither to comparisons nor to a cast to text.
		v.Kind, v.Bytes = record.Text, bytes.TrimRight(b, " ")
	case asBytes:
		if len(b) < 2 || b[0] != '\\' || b[1] != 'x' {
			return errBadText
		}
		n, err := hex.Decode(b, b[2:])
		if err != nil {
			return errBadText
		}
		v.Kind, v.Bytes = record.Bytes, b[:n]
	case asDateTime:
		v.Kind, v.Bytes = record.DateTime, withT(b)
	case asTimestamp:
		v.Kind, v.Bytes = record.Timestamp, withZ(withT(b))
	default:
		v.Kind, v.Bytes = c.kind(), b
	}
	return nil
}

// view reads bytes as a string without copying, for a call that does not keep it.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) } //nolint:gosec // the string lives no longer than the call it is made for

func parseInt(b []byte) (int64, bool) {
	negative := len(b) > 0 && b[0] == '-'
	if negative {
		b = b[1:]
	}
	if len(b) == 0 || len(b) > 19 {
		return 0, false
	}
	var n uint64
	for _, d := range b {
		d -= '0'
		if d > 9 {
			return 0, false
		}
		n = n*10 + uint64(d)
	}
	// 19 digits fit into 64 bits unsigned, not all of them into 63.
	if negative {
		return -int64(n), n <= 1<<63
	}
	return int64(n), n < 1<<63
}

// withT puts the T between date and time: "2006-01-02 15:04:05" and "0044-03-15 12:00:00 BC", but not "infinity".
func withT(b []byte) []byte {
	if i := bytes.IndexByte(b, ' '); i > 0 {
		b[i] = 'T'
	}
	return b
}

// withZ turns the offset, always +00 in our sessions, into Z.
func withZ(b []byte) []byte {
	i := bytes.LastIndexByte(b, '+')
	if i < 0 || len(b) < i+3 {
		return b
	}
	b[i] = 'Z'
	return append(b[:i+1], b[i+3:]...)
}

// appendParameter writes a value as PostgreSQL reads it in a text parameter: the inverse of codec.read.
func appendParameter(dst []byte, v record.Value) []byte {
	switch v.Kind {
	case record.Bytes:
		return hex.AppendEncode(append(dst, '\\', 'x'), v.Bytes)
	case record.Bool:
		return strconv.AppendBool(dst, v.Num != 0)
	default:
		return v.Append(dst)
	}
}
