package record

import (
	"encoding/json"
	"strconv"
)

// RowFromJSON makes a row of a table of the members of a JSON object, by the names of the columns: for sources that read
// JSON. A member that is missing is null, one that is no column is left out. The columns are of AnyKind: a string is Text, a
// number Int, or Decimal where it is no int64, true and false are Bool, an object or array is JSON. The row owns its memory or
// shares that of members, which must not be changed.
func RowFromJSON(t *Table, members map[string]json.RawMessage) Row {
	row := make(Row, len(t.Columns))
	for i := range t.Columns {
		row[i] = fromJSON(members[t.Columns[i].Name])
	}
	return row
}

// fromJSON trusts that raw is one valid value without white space around it, as decoding leaves it.
func fromJSON(raw json.RawMessage) Value {
	if len(raw) == 0 {
		return NullValue
	}
	switch raw[0] {
	case 'n':
		return NullValue
	case 't', 'f':
		return BoolValue(raw[0] == 't')
	case '{', '[':
		return BytesOf(JSON, raw)
	case '"':
		var text string
		_ = json.Unmarshal(raw, &text) // it was decoded once, so it is a string
		return TextValue(text)
	}
	if n, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
		return IntValue(n)
	}
	return BytesOf(Decimal, raw)
}
