package adaptertest

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"

	"github.com/google/go-cmp/cmp"

	"github.com/lienthong/truc/record"
)

// valueCases send cells of every kind through snapshot and log, where they must come out the same.
func valueCases() []sourceCase {
	kind := func(k record.Kind) func(SourceCapabilities) bool {
		return func(c SourceCapabilities) bool { return slices.Contains(c.Kinds, k) }
	}
	values := func(name, column string, k record.Kind, texts ...string) sourceCase {
		return sourceCase{name, kind(k), func(b *sourceBench) {
			var cells []record.Value
			for _, text := range texts {
				cells = append(cells, record.BytesOf(k, []byte(text)))
			}
			b.roundTrip(column, cells...)
		}}
	}
	infinite := func(name, column string, k record.Kind) sourceCase {
		c := values(name, column, k, "infinity", "-infinity")
		c.needs = func(can SourceCapabilities) bool { return can.Infinity && slices.Contains(can.Kinds, k) }
		return c
	}
	return []sourceCase{
		{"null is not empty", nil, nullIsNotEmpty},
		{"vietnamese text", nil, func(b *sourceBench) {
			b.roundTrip(Name,
				record.TextValue("Nguyễn Thị Ánh Tuyết"),                      // precomposed
				record.TextValue("Nguye\u0302\u0303n Thi\u0323 A\u0301nh"),    // decomposed: kept as it is
				record.TextValue("Đặng Ước, ẤỀỘỮỴ ỳỷỹ"),                       // the far corners of the alphabet
				record.TextValue("  khoảng trắng \t hai đầu\n"),               // nothing is trimmed
				record.TextValue(`dấu "nháy" 'đơn' \gạch chéo ${env:HOME} %`), // nothing is interpreted
				record.TextValue("trúc 𠄼 🎋"))                                  // beyond the basic plane
		}},
		{"big integers", nil, func(b *sourceBench) {
			b.roundTrip("number", record.IntValue(0), record.IntValue(-1), record.IntValue(1<<53+1), record.IntValue(-(1<<53)-1),
				record.IntValue(math.MaxInt64), record.IntValue(math.MinInt64))
		}},
		{"floats", kind(record.Float), func(b *sourceBench) {
			b.roundTrip("ratio", record.FloatValue(0.1), record.FloatValue(-1.5), record.FloatValue(math.MaxFloat64),
				record.FloatValue(math.SmallestNonzeroFloat64), record.FloatValue(1.0/3), record.FloatValue(2))
		}},
		values("exact decimals", "amount", record.Decimal, "12.50", "0.10", "-0.01", "123456789012345678901234567890.123456789", "1000000000000000000000"),
		{"booleans", kind(record.Bool), func(b *sourceBench) {
			b.roundTrip("flag", record.BoolValue(true), record.BoolValue(false))
		}},
		{"bytes", kind(record.Bytes), func(b *sourceBench) {
			all := make([]byte, 256)
			for i := range all {
				all[i] = byte(i)
			}
			b.roundTrip("raw", record.BytesOf(record.Bytes, []byte{}), record.BytesOf(record.Bytes, []byte{0}), record.BytesOf(record.Bytes, all))
		}},
		values("dates", "born", record.Date, "1945-09-02", "1969-12-31", "1900-02-28", "0001-01-01", "2024-02-29", "9999-12-31"),
		infinite("infinite dates", "born", record.Date),
		values("times of day", "clock", record.Time, "00:00:00", "23:59:59.999999", "07:30:00.5"),
		values("zone-less dates and times", "local", record.DateTime, "1945-09-02T14:00:00", "1975-04-30T11:30:00.000001", "2026-11-23T00:00:00"),
		infinite("infinite zone-less dates and times", "local", record.DateTime),
		values("instants", "seen", record.Timestamp, "1945-09-02T07:00:00Z", "1969-12-31T23:59:59.999999Z", "2026-11-23T17:00:00Z"),
		infinite("infinite instants", "seen", record.Timestamp),
		{"json", kind(record.JSON), jsonDocuments},
	}
}

// roundTrip writes each value into a column before Open and again afterwards, and wants it back both times.
func (b *sourceBench) roundTrip(column string, values ...record.Value) {
	b.Helper()
	for i, v := range values {
		b.write(Insert(b.table, int64(i+1), Row{column: v}))
	}
	s := b.streaming()
	for i, v := range values {
		b.write(Insert(b.table, int64(1001+i), Row{column: v}))
	}
	s.untilRow(b.table, int64(1000+len(values)))
	for i, want := range values {
		for _, from := range []struct {
			id   int64
			what string
		}{{int64(i + 1), "the snapshot"}, {int64(1001 + i), "the log"}} {
			got, there := s.cellOf(from.id, column)
			if !there {
				b.Errorf("row %d did not come", from.id)
				continue
			}
			if !got.Equal(want) {
				b.Errorf("column %s from %s: %v %q was written, %v %q came", column, from.what, want.Kind, want.Append(nil), got.Kind, got.Append(nil))
			}
		}
	}
}

// cellOf returns a cell of the first table's row as it came last.
func (s *stream) cellOf(id int64, column string) (record.Value, bool) {
	for _, r := range slices.Backward(s.records) {
		if r.After != nil && r.Table.String() == s.table && idOf(r.Table, r.After) == id {
			return cell(r.Table, r.After, column), true
		}
	}
	return record.Value{}, false
}

func nullIsNotEmpty(b *sourceBench) {
	b.write(Insert(b.table, 1, Row{Name: record.TextValue("")}))
	s := b.streaming()
	b.write(Insert(b.table, 2, Row{Name: record.TextValue("")}))
	s.untilRow(b.table, 2)
	for id := int64(1); id <= 2; id++ {
		if v, _ := s.cellOf(id, Name); v.Kind != record.Text || len(v.Bytes) != 0 {
			b.Errorf("an empty text came as %v %q", v.Kind, v.Append(nil))
		}
		if v, _ := s.cellOf(id, Note); !v.IsNull() {
			b.Errorf("a null came as %v %q", v.Kind, v.Append(nil))
		}
	}
	if !canUpdate(b.can) {
		return
	}
	b.write(Update(b.table, 1, Row{Name: record.NullValue, Note: record.TextValue("")}))
	b.write(Insert(b.table, 3, nil))
	s.untilRow(b.table, 3)
	if v, _ := s.cellOf(1, Name); !v.IsNull() {
		b.Errorf("a cell updated to null came as %v", v.Kind)
	}
	if v, _ := s.cellOf(1, Note); v.Kind != record.Text {
		b.Errorf("a cell updated to empty came as %v", v.Kind)
	}
}

func jsonDocuments(b *sourceBench) {
	texts := []string{`{"ho":"Nguyễn","so":12345678901234567890.5,"rong":null}`, `[]`, `"chữ"`, `null`}
	for i, text := range texts {
		b.write(Insert(b.table, int64(i+1), Row{"doc": record.BytesOf(record.JSON, []byte(text))}))
	}
	s := b.streaming()
	for i, text := range texts {
		v, _ := s.cellOf(int64(i+1), "doc")
		if diff := cmp.Diff(decodeJSON(text), decodeJSON(string(v.Bytes))); v.Kind != record.JSON || diff != "" {
			b.Errorf("a JSON column: %v came, which means something else than what was written (-written +came):\n%s", v.Kind, diff)
		}
	}
}

// decodeJSON keeps numbers exact; systems may change white space and the order of members.
func decodeJSON(text string) any {
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return err.Error()
	}
	return v
}
