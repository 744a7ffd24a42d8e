package mapping

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/lienthong/truc/record"
)

func bytesOf(k record.Kind, s string) record.Value { return record.BytesOf(k, []byte(s)) }

// TestColumnRules: what columns: declares, on each kind of column, alone and together.
func TestColumnRules(t *testing.T) {
	tcvn := func(s string) string { return string(tcvn3(t, s).Bytes) }
	for _, c := range []struct {
		name, rule, expression string
		kind                   record.Kind
		of                     record.Value
		want                   string
	}{
		{"null word", `c: { null: ["", "Không có"] }`, "c", record.Text, record.TextValue(" Không có "), "absent"},
		{"null word, decomposed in the file", "c: { null: [Kho\u0302ng co\u0301] }", "c", record.Text, record.TextValue("Không có"), "absent"},
		{"null word, decomposed in the column", `c: { null: ["Không có"] }`, "c", record.Text, record.TextValue("Kho\u0302ng co\u0301"), "absent"},
		{"null word in an encoding", `c: { text: tcvn3, null: ["Không có"] }`, "c", record.Text, record.TextValue(tcvn("Không có")), "absent"},
		{"null word of bytes", `c: { text: tcvn3, null: ["Không có"] }`, "c", record.Bytes, bytesOf(record.Bytes, tcvn("Không có")), "absent"},
		{"another word", `c: { null: [""] }`, "c", record.Text, record.TextValue("có"), "có"},
		{"null and pad", `c: { null: ["0"], pad: 5 }`, "c", record.Text, record.TextValue("0"), "absent"},
		{"null and pad, another", `c: { null: ["0"], pad: 5 }`, "c", record.Text, record.TextValue(" 79 "), "00079"},
		{"null of a number", `c: { null: ["0"] }`, "text(c)", record.Int, record.IntValue(0), "absent"},
		{"null and pad of a number", `c: { null: ["-1"], pad: 5 }`, "c", record.Int, record.IntValue(-1), "absent"},
		{"pad of a number", `c: { pad: 5 }`, "c", record.Int, record.IntValue(79), "00079"},
		{"pad of a negative number", `c: { pad: 5 }`, "c", record.Int, record.IntValue(-79), "violation number"},
		{"null of a decimal by value", `c: { null: ["0"] }`, "text(c)", record.Decimal, bytesOf(record.Decimal, "0.00"), "absent"},
		{"null of a decimal, written long", `c: { null: ["0.000"] }`, "text(c)", record.Decimal, bytesOf(record.Decimal, "0"), "absent"},
		{"null of a decimal, NaN", `c: { null: ["NaN"] }`, "text(c)", record.Decimal, bytesOf(record.Decimal, "NaN"), "absent"},
		{"null and pad of a decimal", `c: { null: ["0"], pad: 12 }`, "c", record.Decimal, bytesOf(record.Decimal, "1099012345"), "001099012345"},
		{"pad of a decimal with a fraction", `c: { pad: 12 }`, "c", record.Decimal, bytesOf(record.Decimal, "1.5"), "violation number"},
		{"null of a float", `c: { null: ["-9.50"] }`, "text(c)", record.Float, record.FloatValue(-9.5), "absent"},
		{"null of a float, NaN", `c: { null: ["NaN"] }`, "text(c)", record.Float, record.FloatValue(math.NaN()), "absent"},
		{"null of a boolean", `c: { null: ["false"] }`, "text(c)", record.Bool, record.BoolValue(false), "absent"},
		{"null of a date", `c: { null: ["1900-01-01"] }`, "text(c)", record.Date, bytesOf(record.Date, "1900-01-01"), "absent"},
		{"null of a date, infinity", `c: { null: ["infinity"] }`, "text(c)", record.Date, bytesOf(record.Date, "infinity"), "absent"},
		{"infinity that is not declared", `c: { null: ["1900-01-01"] }`, "text(c)", record.Date, bytesOf(record.Date, "infinity"), "violation date"},
		{"null of a date and time", `c: { null: ["1900-01-01"] }`, "text(c)", record.DateTime, bytesOf(record.DateTime, "1900-01-01T00:00:00"), "absent"},
		{"null of a date and time, another hour", `c: { null: ["1900-01-01"] }`, "text(c)", record.DateTime, bytesOf(record.DateTime, "1900-01-01T01:00:00"), "1900-01-01T01:00:00"},
		{"null and zone", `c: { null: ["1900-01-01T00:00:00"], zone: Asia/Ho_Chi_Minh }`, "text(c)", record.DateTime, bytesOf(record.DateTime, "1900-01-01T00:00:00"), "absent"},
		{"zone", `c: { null: ["1900-01-01"], zone: Asia/Ho_Chi_Minh }`, "text(c)", record.DateTime, bytesOf(record.DateTime, "2020-03-05T08:00:00"), "2020-03-05T08:00:00+07:00"},
		{"null of an instant", `c: { null: ["1900-01-01T00:00:00Z"] }`, "text(c)", record.Timestamp, bytesOf(record.Timestamp, "1900-01-01T00:00:00Z"), "absent"},
		{"all of them, by another name", `ma: { from: c, text: tcvn3, null: ["", "Không có"], pad: 4 }`, "ma", record.Text, record.TextValue(tcvn("Đ1 ")), "00Đ1"},
		{"all of them, null", `ma: { from: c, text: tcvn3, null: ["", "Không có"], pad: 4 }`, "ma", record.Text, record.TextValue(tcvn("Không có")), "absent"},
		{"from and zone", `luc: { from: c, zone: UTC }`, "text(luc)", record.DateTime, bytesOf(record.DateTime, "2020-03-05T08:00:00"), "2020-03-05T08:00:00Z"},
		{"default and own rule", "\"*\": { text: tcvn3, null: [\"\"] }\n  c: { pad: 3 }", "c", record.Text, record.TextValue(""), "absent"},
		{"own encoding before the default", "\"*\": { text: tcvn3 }\n  c: { text: utf-8 }", "c", record.Text, record.TextValue("Đ"), "Đ"},
		{"default that a column cannot hold", "\"*\": { null: [\"\", \"-\"], zone: Asia/Ho_Chi_Minh }", "text(c)", record.Int, record.IntValue(0), "0"},
		{"default zone", "\"*\": { null: [\"1900-01-01\"], zone: Asia/Ho_Chi_Minh }", "text(c)", record.DateTime, bytesOf(record.DateTime, "1900-01-01T00:00:00"), "absent"},
		{"of a kind that is not known: number", `c: { null: ["0"], pad: 3 }`, "c", record.AnyKind, record.IntValue(0), "absent"},
		{"of a kind that is not known: bytes", `c: { text: tcvn3, null: ["Không có"] }`, "c", record.AnyKind, bytesOf(record.Bytes, tcvn("Không có")), "absent"},
		{"of a kind that is not known: decimal", `c: { null: ["0"] }`, "text(c)", record.AnyKind, bytesOf(record.Decimal, "0.0"), "absent"},
		{"of a kind that is not known: zone", `c: { zone: UTC }`, "text(c)", record.AnyKind, bytesOf(record.DateTime, "2020-03-05T08:00:00"), "2020-03-05T08:00:00Z"},
	} {
		tr, problems := overColumn(t, record.Column{Name: "c", Kind: c.kind, Nullable: true}, c.rule, c.expression)
		if tr == nil {
			t.Errorf("%s: %q", c.name, problems)
			continue
		}
		if got := resultOf(tr, c.of); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		if got := resultOf(tr, record.NullValue); got != "absent" {
			t.Errorf("%s: null is %q", c.name, got)
		}
	}
}

// TestNullWordsThatNeverMatch: a word that a column cannot hold would silently do nothing.
func TestNullWordsThatNeverMatch(t *testing.T) {
	for _, c := range []struct {
		kind       record.Kind
		word, want string
	}{
		{record.Int, "", `column c is a whole number: it never holds "" | write a whole number such as 0, or remove it from null`},
		{record.Int, "00", `column c is a whole number: it never holds "00" | write a whole number such as 0, or remove it from null`},
		{record.Decimal, "0,5", `column c is a decimal number: it never holds "0,5" | write a number such as 0, or remove it from null`},
		{record.Bool, "0", `column c is true/false: it never holds "0" | write true/false, or remove it from null`},
		{record.Date, "01/01/1900", `column c is a date: it never holds "01/01/1900" | write a date as 1900-01-01, or remove it from null`},
		{record.DateTime, "1900-01-01T00:00:00Z", `column c is a date and time without a zone: it never holds "1900-01-01T00:00:00Z" | write a date and time as 1900-01-01T00:00:00, or remove it from null`},
		{record.Timestamp, "1900-01-01", `column c is a date and time: it never holds "1900-01-01" | write a date and time in UTC as 1900-01-01T00:00:00Z, or remove it from null`},
	} {
		_, problems := overColumn(t, record.Column{Name: "c", Kind: c.kind, Nullable: true}, `c: { null: ["`+c.word+`"] }`, "text(c)")
		if !slices.Contains(problems, "wrong-type | "+c.want) {
			t.Errorf("%s %q: %s", c.kind, c.word, strings.Join(problems, "\n"))
		}
	}
}
