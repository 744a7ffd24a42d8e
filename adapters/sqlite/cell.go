package sqlite

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/lienthong/truc/record"
)

// SQLite types cells, not columns, and has five storage classes. Text is whatever octets the application stored: the old
// Vietnamese encodings are no valid UTF-8 and must survive.

// valueOf turns a cell as the driver scans it into a value that owns its memory.
func valueOf(cell any) record.Value {
	switch c := cell.(type) {
	case int64:
		return record.IntValue(c)
	case float64:
		return record.FloatValue(c)
	case string:
		return record.TextValue(c)
	case []byte:
		return record.BytesOf(record.Bytes, append([]byte{}, c...))
	}
	return record.NullValue
}

// argumentOf turns a value into what is bound to a statement. Decimals, dates and documents are text, as SQLite has no
// such classes; a column of numeric affinity makes a number of a decimal.
func argumentOf(v record.Value) any {
	switch v.Kind {
	case record.Null:
		return nil
	case record.Bool, record.Int:
		return v.Num
	case record.Float:
		return v.Float64()
	case record.Bytes:
		return append([]byte{}, v.Bytes...) // never nil, which would be bound as null
	default:
		return string(v.Bytes)
	}
}

func argumentsOf(row record.Row) []any {
	arguments := make([]any, len(row))
	for i, v := range row {
		arguments[i] = argumentOf(v)
	}
	return arguments
}

// scanRow scans one row of n cells.
func scanRow(rows interface{ Scan(...any) error }, n int) (record.Row, error) {
	cells := make([]any, n)
	into := make([]any, n)
	for i := range cells {
		into[i] = &cells[i]
	}
	if err := rows.Scan(into...); err != nil {
		return nil, err
	}
	return rowOf(cells), nil
}

func rowOf(cells []any) record.Row {
	row := make(record.Row, len(cells))
	for i, c := range cells {
		row[i] = valueOf(c)
	}
	return row
}

// size is about what a row takes in memory.
func size(row record.Row) int {
	n := 0
	for _, v := range row {
		n += len(v.Bytes) + 40
	}
	return n
}

// encodeKey writes key cells as a JSON array of "kind:text", for positions and for the bookkeeping. Different cells never
// give the same text. Octets that are no UTF-8 follow "kind,hex:".
func encodeKey(key record.Row) string {
	cells := make([]string, len(key))
	for i, v := range key {
		text := v.Append(nil)
		if v.Kind == record.Bytes || !utf8.Valid(text) {
			cells[i] = v.Kind.String() + ",hex:" + hex.EncodeToString(text)
		} else {
			cells[i] = v.Kind.String() + ":" + string(text)
		}
	}
	b, err := json.Marshal(cells)
	if err != nil {
		panic(err) // strings always encode
	}
	return string(b)
}

// decodeKey reads what encodeKey wrote.
func decodeKey(encoded string) (record.Row, error) {
	var cells []string
	if err := json.Unmarshal([]byte(encoded), &cells); err != nil {
		return nil, fmt.Errorf("decode key: not a list of cells")
	}
	row := make(record.Row, len(cells))
	for i, cell := range cells {
		head, text, _ := strings.Cut(cell, ":")
		name, isHex := strings.CutSuffix(head, ",hex")
		content := []byte(text)
		var err error
		if isHex {
			content, err = hex.DecodeString(text)
		}
		kind := record.Kind(slices.IndexFunc(kinds(), func(k record.Kind) bool { return k.String() == name }) + 1)
		if kind == 0 || err != nil {
			return nil, fmt.Errorf("decode key: cell %d is malformed", i+1)
		}
		if row[i], err = parse(kind, content); err != nil {
			return nil, fmt.Errorf("decode key: cell %d is malformed", i+1)
		}
	}
	return row, nil
}

// kinds lists the kinds of values, from 1.
func kinds() []record.Kind {
	var all []record.Kind
	for k := record.Null; k < record.AnyKind; k++ {
		all = append(all, k)
	}
	return all
}

func parse(kind record.Kind, text []byte) (record.Value, error) {
	switch kind {
	case record.Null:
		return record.NullValue, nil
	case record.Bool:
		b, err := strconv.ParseBool(string(text))
		return record.BoolValue(b), err
	case record.Int:
		n, err := strconv.ParseInt(string(text), 10, 64)
		return record.IntValue(n), err
	case record.Float:
		f, err := strconv.ParseFloat(string(text), 64)
		return record.FloatValue(f), err
	default:
		return record.BytesOf(kind, text), nil
	}
}
