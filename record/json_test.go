package record_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lienthong/truc/record"
)

func TestRowFromJSON(t *testing.T) {
	var members map[string]json.RawMessage
	object := `{"text":"Nguyễn \"Mẫu\"\u0301","empty":"","int":-9223372036854775808,"beyond":9223372036854775808,"decimal": 12.50 ,
		"exponent":1e3,"true":true,"false":false,"null":null,"object":{"a":1},"array":[1,2],"other":"không phải cột"}`
	if err := json.Unmarshal([]byte(object), &members); err != nil {
		t.Fatal(err)
	}
	want := map[string]record.Value{
		"text": record.TextValue("Nguyễn \"Mẫu\"\u0301"), "empty": record.TextValue(""),
		"int": record.IntValue(-9223372036854775808), "beyond": record.BytesOf(record.Decimal, []byte("9223372036854775808")),
		"decimal": record.BytesOf(record.Decimal, []byte("12.50")), "exponent": record.BytesOf(record.Decimal, []byte("1e3")),
		"true": record.BoolValue(true), "false": record.BoolValue(false), "null": record.NullValue, "missing": record.NullValue,
		"object": record.BytesOf(record.JSON, []byte(`{"a":1}`)), "array": record.BytesOf(record.JSON, []byte(`[1,2]`)),
	}
	table := &record.Table{}
	for name := range want {
		table.Columns = append(table.Columns, record.Column{Name: name, Kind: record.AnyKind})
	}
	got := map[string]record.Value{}
	for i, v := range record.RowFromJSON(table, members) {
		got[table.Columns[i].Name] = v
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
