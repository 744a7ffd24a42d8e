package pipeline

import (
	"testing"

	"github.com/lienthong/truc/record"
)

// A reconcile must not take the end of one row for that of another, nor a number for another because of how it is written.
func TestHashesOfRows(t *testing.T) {
	text := func(s string) record.Row { return record.Row{record.TextValue("01/2026"), record.TextValue(s)} }
	decimal := func(s string) record.Row {
		return record.Row{record.TextValue("01/2026"), {Kind: record.Decimal, Bytes: []byte(s)}}
	}
	lives := map[uint64]bool{}
	event := func(key record.Row, live bool) {
		for _, hash := range eventHashes(key) {
			lives[hash] = live
		}
	}
	for _, key := range []string{"2.390", "2.39", "7", "12.50", "x1"} {
		event(text(key), true)
	}
	event(record.Row{record.TextValue("01/2026"), record.IntValue(5)}, true)
	event(text("2.39"), false)
	event(text("x1"), false)
	for _, tc := range []struct {
		name string
		row  record.Row
		want bool
	}{
		{"a text whose end nobody told", text("2.390"), true},
		{"the text that ended", text("2.39"), false},
		{"a text that nobody wrote, equal as a number", text("7.0"), false},
		{"a number, written as the sink writes it", decimal("12.5"), true},
		{"a number of the same digits", decimal("7"), true},
		{"a number that nobody wrote", decimal("8"), false},
		{"a text that is no number, ended", text("x1"), false},
		{"a number of the event, a text of the sink", text("5"), true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := lives[rowHash(tc.row)]; got != tc.want {
				t.Errorf("got %t, want %t", got, tc.want)
			}
		})
	}
}
