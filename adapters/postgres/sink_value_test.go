package postgres

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/record"
)

// TestSinkValues writes values of every kind to columns of every sort of type, and reads what PostgreSQL made of them.
func TestSinkValues(t *testing.T) {
	b := newBed(t, &record.Target{}, `CREATE SCHEMA bhyt; CREATE TYPE bhyt.mau AS ENUM ('đỏ', 'xanh'); CREATE DOMAIN bhyt.ma AS text CHECK (value ~ '^H');
		CREATE DOMAIN bhyt.anh AS bytea; CREATE DOMAIN bhyt.co AS int; CREATE DOMAIN bhyt.co_nho AS bhyt.co; CREATE DOMAIN bhyt.nhan AS text[]`)
	// The agency's time zone must not change what is written.
	execute(t, b.dsn, `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET timezone = ''Asia/Ho_Chi_Minh''', current_database()); END $$`)
	b.sink = openSink(t, b.dsn)
	of := record.BytesOf
	for _, c := range []struct {
		name, typ string
		in        record.Value
		want      string // as text in a session with the time zone +07
	}{
		{"null", "int", record.NullValue, "-"},
		{"int to smallint", "smallint", record.IntValue(-32768), "-32768"},
		{"int to bigint", "bigint", record.IntValue(math.MinInt64), "-9223372036854775808"},
		{"int to numeric", "numeric(20,2)", record.IntValue(12), "12.00"},
		{"int to text", "text", record.IntValue(12), "12"},
		{"int to boolean", "boolean", record.IntValue(1), "t"},
		{"bool", "boolean", record.BoolValue(true), "t"},
		{"bool to int", "int", record.BoolValue(true), "1"},
		{"bool to numeric", "numeric", record.BoolValue(false), "0"},
		{"bool to text", "text", record.BoolValue(true), "true"},
		{"float", "double precision", record.FloatValue(0.1), "0.1"},
		{"float to int", "int", record.FloatValue(2_000_000), "2000000"},
		{"float huge", "double precision", record.FloatValue(1e300), "1e+300"},
		{"float nan", "real", record.FloatValue(math.NaN()), "NaN"},
		{"float infinity", "double precision", record.FloatValue(math.Inf(-1)), "-Infinity"},
		{"decimal exact", "numeric", of(record.Decimal, []byte("123456789012345678901234567890.10")), "123456789012345678901234567890.10"},
		{"decimal nan", "numeric", of(record.Decimal, []byte("NaN")), "NaN"},
		{"decimal to text", "text", of(record.Decimal, []byte("1.50")), "1.50"},
		{"text", "text", record.TextValue(`{"a,b",NULL,\}` + "\n\t'$1"), `{"a,b",NULL,\}` + "\n\t'$1"},
		{"text empty", "text", record.TextValue(""), ""},
		{"text null", "text", record.TextValue("NULL"), "NULL"},
		{"text varchar", "varchar(6)", record.TextValue("Nguyễn"), "Nguyễn"},
		{"text char", "char(4)", record.TextValue("ab"), "ab  "},
		{"text to date", "date", record.TextValue("2019-06-12"), "2019-06-12"},
		{"text to uuid", "uuid", record.TextValue("6ba7b810-9dad-11d1-80b4-00c04fd430c8"), "6ba7b810-9dad-11d1-80b4-00c04fd430c8"},
		{"text to array", "int[]", record.TextValue("{1,2,NULL}"), "{1,2,NULL}"},
		{"text to text array", "text[]", record.TextValue(`{"a b","\"",NULL}`), `{"a b","\"",NULL}`},
		{"text to range", "int4range", record.TextValue("[1,5)"), "[1,5)"},
		{"text to enum", "bhyt.mau", record.TextValue("đỏ"), "đỏ"},
		{"text to domain", "bhyt.ma", record.TextValue("H44.15"), "H44.15"},
		{"bytes to domain", "bhyt.anh", of(record.Bytes, []byte(`\x41`)), `\x5c783431`},
		{"bool to domain of a domain", "bhyt.co_nho", record.BoolValue(true), "1"},
		{"text to domain of an array", "bhyt.nhan", record.TextValue(`{"a b",NULL}`), `{"a b",NULL}`},
		{"text to inet", "inet", record.TextValue("10.0.0.1"), "10.0.0.1"},
		{"text to box", "box", record.TextValue("(1,1),(0,0)"), "(1,1),(0,0)"},
		{"text to bytea", "bytea", record.TextValue(`a\b`), `\x615c62`},
		{"text to interval", "interval", record.TextValue("1 day 02:00:00"), "1 day 02:00:00"},
		{"bytes", "bytea", of(record.Bytes, []byte{0, 255, '"', '\\'}), `\x00ff225c`},
		{"bytes to text", "text", of(record.Bytes, []byte("abc")), "abc"},
		{"date", "date", of(record.Date, []byte("1899-12-31")), "1899-12-31"},
		{"date infinity", "date", of(record.Date, []byte("infinity")), "infinity"},
		{"date bc", "date", of(record.Date, []byte("0044-03-15 BC")), "0044-03-15 BC"},
		{"date to text", "text", of(record.Date, []byte("1975-06-12")), "1975-06-12"},
		{"time", "time", of(record.Time, []byte("23:59:59.999999")), "23:59:59.999999"},
		{"datetime", "timestamp", of(record.DateTime, []byte("1975-06-12T08:30:00.5")), "1975-06-12 08:30:00.5"},
		{"datetime to date", "date", of(record.DateTime, []byte("1975-06-12T08:30:00.5")), "1975-06-12"},
		{"timestamp", "timestamptz", of(record.Timestamp, []byte("2026-11-23T10:22:00.123456Z")), "2026-11-23 17:22:00.123456+07"},
		{"timestamp infinity", "timestamptz", of(record.Timestamp, []byte("-infinity")), "-infinity"},
		{"timestamp to timestamp", "timestamp", of(record.Timestamp, []byte("2026-11-23T10:22:00Z")), "2026-11-23 10:22:00"},
		{"json", "jsonb", of(record.JSON, []byte(`{"a": "\"x\\"}`)), `{"a": "\"x\\"}`},
		{"json to text", "text", of(record.JSON, []byte(`[1, 2]`)), `[1, 2]`},
		{"json text", "json", of(record.JSON, []byte(`{"a" :1}`)), `{"a" :1}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.TB = t
			table := "bhyt." + strings.ReplaceAll(c.name, " ", "_")
			execute(t, b.dsn, "CREATE TABLE "+table+" (id int PRIMARY KEY, cell "+c.typ+")")
			b.target = &record.Target{Pipeline: "giao", Table: table, Key: []string{"id"}, Columns: []string{"cell"}}
			// Inserted, and updated over another value.
			b.apply(b.put(1, c.in), b.put(2, nil))
			b.apply(b.put(2, c.in))
			b.want("SELECT id, cell FROM "+table, "1 "+c.want, "2 "+c.want)
		})
	}
}

// TestSinkKeyText: whatever text a key comes in, it is the same key to the bookkeeping when it is the same to the table.
func TestSinkKeyText(t *testing.T) {
	b := newBed(t, &record.Target{}, "CREATE SCHEMA bhyt; CREATE DOMAIN bhyt.so AS numeric; CREATE DOMAIN bhyt.so_nho AS bhyt.so")
	of := record.BytesOf
	for _, c := range []struct {
		typ       string
		one, same record.Value
	}{
		{"numeric", of(record.Decimal, []byte("1.50")), of(record.Decimal, []byte("1.5"))},
		{"numeric", record.IntValue(7), of(record.Decimal, []byte("7.000"))},
		{"bhyt.so_nho", of(record.Decimal, []byte("1.50")), of(record.Decimal, []byte("1.5"))},
		{"bigint", record.IntValue(7), record.TextValue("07")},
		{"char(5)", record.TextValue("ab"), record.TextValue("ab  ")},
		{"date", of(record.Date, []byte("2019-06-12")), record.TextValue("12 June 2019")},
		{"timestamptz", of(record.Timestamp, []byte("2019-06-12T00:00:00Z")), of(record.Timestamp, []byte("2019-06-12T00:00:00.000Z"))},
		{"uuid", record.TextValue("6BA7B810-9DAD-11D1-80B4-00C04FD430C8"), record.TextValue("6ba7b8109dad11d180b400c04fd430c8")},
		{"boolean", record.BoolValue(true), record.TextValue("yes")},
	} {
		t.Run(c.typ, func(t *testing.T) {
			b.TB = t
			execute(t, b.dsn, "DROP TABLE IF EXISTS bhyt.khoa; CREATE TABLE bhyt.khoa (a text, b "+c.typ+", name text, PRIMARY KEY (a, b)); TRUNCATE truc.sink_entity")
			b.target = &record.Target{Pipeline: "giao", Table: "bhyt.khoa", Key: []string{"a", "b"}, Columns: []string{"name"}}
			put := func(key record.Value, name string) record.Change {
				change := b.put(0, name)
				change.Key = record.Row{record.TextValue("1:x"), key}
				return change
			}
			older := put(c.same, "cũ")
			b.apply(put(c.one, "mới"))
			b.apply(older)
			b.want("SELECT name FROM bhyt.khoa", "mới")
			// Also within one batch, where fold takes them for two keys.
			older = put(c.same, "cũ")
			b.apply(older, put(c.one, "mới hơn"))
			b.want("SELECT name FROM bhyt.khoa", "mới hơn")
			b.want("SELECT count(*) FROM truc.sink_entity", "1")
		})
	}
}

// TestSinkDomainIsNotCut: a cast to a domain over varchar(n) would shorten the text without a word.
func TestSinkDomainIsNotCut(t *testing.T) {
	b := newBed(t, people(), "CREATE SCHEMA bhyt; CREATE DOMAIN bhyt.ten AS varchar(5); CREATE DOMAIN bhyt.ten_goi AS bhyt.ten NOT NULL; CREATE TABLE bhyt.nguoi (id int PRIMARY KEY, name bhyt.ten_goi, code text)")
	rejections := b.rejected([]record.Change{b.put(1, "Bình", nil), b.put(2, "dài hơn", nil), b.put(3, nil, nil)}, "1 type", "2 not-null")
	noValues(t, rejections, "name longer", "")
	b.apply(b.put(1, "Bình", nil))
	b.want("SELECT name FROM bhyt.nguoi", "Bình")
}

// TestSinkRowsOfDomains: verify gets cells in the kinds of what the domains are made of.
func TestSinkRowsOfDomains(t *testing.T) {
	b := newBed(t, people(), "CREATE SCHEMA bhyt; CREATE DOMAIN bhyt.so AS numeric; CREATE DOMAIN bhyt.anh AS bytea; CREATE TABLE bhyt.nguoi (id bhyt.so PRIMARY KEY, name bhyt.anh, code text)")
	c := b.put(record.BytesOf(record.Decimal, []byte("1.5")), record.BytesOf(record.Bytes, []byte{0, 1}), "c")
	b.apply(c)
	seen := 0
	err := b.sink.Rows(b.ctx, b.target, func(row adapters.SinkRow) error {
		seen++
		want := adapters.SinkRow{Key: c.Key, Values: c.Values, Found: true, Source: c.Source, Sequence: c.Sequence}
		if diff := cmp.Diff(want, row); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		return nil
	})
	if err != nil || seen != 1 {
		t.Errorf("%d rows, %v", seen, err)
	}
}
