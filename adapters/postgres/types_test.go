package postgres

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/tests/servers"
)

// typeCases are columns, values as SQL, and what they must be. README.md has the same table.
var typeCases = []struct {
	typ, sql string
	want     record.Value
}{
	{"boolean", "true", record.BoolValue(true)},
	{"boolean", "false", record.BoolValue(false)},
	{"smallint", "-32768", record.IntValue(-32768)},
	{"integer", "2147483647", record.IntValue(math.MaxInt32)},
	{"bigint", "-9223372036854775808", record.IntValue(math.MinInt64)},
	{"bigint", "9223372036854775807", record.IntValue(math.MaxInt64)},
	{"oid", "4294967295", record.IntValue(math.MaxUint32)},
	{"real", "0.1", record.FloatValue(0.1)},
	{"double precision", "0.1", record.FloatValue(0.1)},
	{"double precision", "1.7976931348623157e308", record.FloatValue(math.MaxFloat64)},
	{"double precision", "'NaN'", record.FloatValue(math.NaN())},
	{"double precision", "'-Infinity'", record.FloatValue(math.Inf(-1))},
	{"numeric", "12.50", record.BytesOf(record.Decimal, []byte("12.50"))},
	{"numeric(30,10)", "12345678901234567890.5", record.BytesOf(record.Decimal, []byte("12345678901234567890.5000000000"))},
	{"numeric", "'NaN'", record.BytesOf(record.Decimal, []byte("NaN"))},
	{"numeric", "'-Infinity'", record.BytesOf(record.Decimal, []byte("-Infinity"))},
	{"text", "''", record.TextValue("")},
	{"text", "'Nguyễn Thị Hằng'", record.TextValue("Nguyễn Thị Hằng")},
	{"text", `E'back\\slash "quote" \'apostrophe\' {brace},comma\nline'`, record.TextValue("back\\slash \"quote\" 'apostrophe' {brace},comma\nline")},
	{"character varying(50)", "'Phú Thọ  '", record.TextValue("Phú Thọ  ")},
	{"character(5)", "'01'", record.TextValue("01")},
	{`"char"`, "'x'", record.TextValue("x")},
	{"name", "'ten'", record.TextValue("ten")},
	{"bytea", `'\x00ff10'`, record.BytesOf(record.Bytes, []byte{0, 255, 16})},
	{"bytea", `''`, record.BytesOf(record.Bytes, []byte{})},
	{"date", "'1954-05-07'", record.BytesOf(record.Date, []byte("1954-05-07"))},
	{"date", "'infinity'", record.BytesOf(record.Date, []byte("infinity"))},
	{"date", "'0044-03-15 BC'", record.BytesOf(record.Date, []byte("0044-03-15 BC"))},
	{"time", "'15:04:05.000001'", record.BytesOf(record.Time, []byte("15:04:05.000001"))},
	{"time with time zone", "'15:04:05+07'", record.TextValue("15:04:05+07")},
	{"timestamp", "'2026-01-02 03:04:05.678'", record.BytesOf(record.DateTime, []byte("2026-01-02T03:04:05.678"))},
	{"timestamp", "'-infinity'", record.BytesOf(record.DateTime, []byte("-infinity"))},
	{"timestamp", "'0044-03-15 12:00:00 BC'", record.BytesOf(record.DateTime, []byte("0044-03-15T12:00:00 BC"))},
	{"timestamptz", "'2026-01-02 03:04:05.5+07'", record.BytesOf(record.Timestamp, []byte("2026-01-01T20:04:05.5Z"))},
	{"timestamptz", "'infinity'", record.BytesOf(record.Timestamp, []byte("infinity"))},
	{"timestamptz", "'0044-03-15 12:00:00+00 BC'", record.BytesOf(record.Timestamp, []byte("0044-03-15T12:00:00Z BC"))},
	{"uuid", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", record.TextValue("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")},
	{"json", `'{"b":1, "a":[1.0]}'`, record.BytesOf(record.JSON, []byte(`{"b":1, "a":[1.0]}`))},
	{"jsonb", `'{"b":1, "a":[1.0]}'`, record.BytesOf(record.JSON, []byte(`{"a": [1.0], "b": 1}`))},
	{"xml", "'<a>1</a>'", record.TextValue("<a>1</a>")},
	{"interval", "'1 year 2 days 03:04:05'", record.TextValue("1 year 2 days 03:04:05")},
	{"inet", "'10.0.0.1/8'", record.TextValue("10.0.0.1/8")},
	{"bit(3)", "B'101'", record.TextValue("101")},
	{"money", "12.5", record.TextValue("$12.50")},
	{"regclass", "'public.loai'", record.TextValue("public.loai")},
	{"point", "'(1.5,2)'", record.TextValue("(1.5,2)")},
	{"int4range", "'[1,5)'", record.TextValue("[1,5)")},
	{"integer[]", "'{1,NULL,3}'", record.TextValue("{1,NULL,3}")},
	{"date[]", "'{1954-05-07}'", record.TextValue("{1954-05-07}")},
	{"public.gioi_tinh", "'nữ'", record.TextValue("nữ")},
	{"public.dia_chi", "ROW('Hà Nội', 1)", record.TextValue(`("Hà Nội",1)`)},
	{"public.so_nguyen", "7", record.IntValue(7)},
	{"public.so_duong", "8", record.IntValue(8)},
	{"public.ngay", "'2026-01-02'", record.BytesOf(record.Date, []byte("2026-01-02"))},
	{"public.citext", "'AbC'", record.TextValue("AbC")},
	{"public.gioi", "'nam'", record.TextValue("nam")},
}

var typeStatements = []string{
	`CREATE TYPE gioi_tinh AS ENUM ('nam', 'nữ')`,
	`CREATE TYPE dia_chi AS (tinh text, so int)`,
	`CREATE DOMAIN so_nguyen AS int`,
	`CREATE DOMAIN so_duong AS so_nguyen CHECK (VALUE > 0)`,
	`CREATE DOMAIN ngay AS date`,
	`CREATE DOMAIN gioi AS gioi_tinh`,
	`CREATE EXTENSION citext`,
	`CREATE TABLE loai (id int PRIMARY KEY)`,
}

func createTypes(key string) (table, insert string) {
	var columns, values []string
	for i, c := range typeCases {
		columns = append(columns, fmt.Sprintf("c%d %s", i, c.typ))
		values = append(values, c.sql)
	}
	return fmt.Sprintf("CREATE TABLE %s (id int PRIMARY KEY, %s, rong text)", key, strings.Join(columns, ", ")),
		strings.Join(values, ", ") + ", NULL"
}

func checkTypes(t *testing.T, what string, row record.Row) {
	t.Helper()
	for i, c := range typeCases {
		got := row[i+1]
		if !got.Equal(c.want) {
			t.Errorf("%s: %s %s is %s %q, expected %s %q", what, c.typ, c.sql, got.Kind, got.Append(nil), c.want.Kind, c.want.Append(nil))
		}
	}
	if !row[len(row)-1].IsNull() {
		t.Errorf("%s: null is %s", what, row[len(row)-1].Kind)
	}
}

// Every type reads the same in the snapshot, in the stream and in a re-read, whatever the settings of role and database
// would make of it.
func TestTypes(t *testing.T) {
	table, values := createTypes("loai_gia_tri")
	dsn := servers.Postgres(t).Database(t)
	db := newDatabase(t, dsn, append(typeStatements, table, "INSERT INTO loai_gia_tri VALUES (1, "+values+")")...)
	name := db.text("SELECT quote_ident(current_database())")
	for _, setting := range []string{
		"DateStyle = 'SQL, DMY'", "IntervalStyle = 'iso_8601'", "extra_float_digits = -15", "bytea_output = 'escape'",
		"TimeZone = 'Asia/Ho_Chi_Minh'", "search_path = 'public'", "default_transaction_isolation = 'serializable'",
	} {
		db.run("ALTER DATABASE " + name + " SET " + setting)
	}
	c := open(t, dsn, nil, "public.loai_gia_tri")
	snapshot := c.snapshotted(1)
	checkTypes(t, "snapshot", snapshot[0].After)
	db.run("INSERT INTO loai_gia_tri VALUES (2, " + values + ")")
	stream := c.take(1)
	checkTypes(t, "stream", stream[0].After)
	for i, column := range stream[0].Table.Columns {
		if v := stream[0].After[i]; !v.IsNull() && v.Kind != column.Kind {
			t.Errorf("column %s %s is of kind %s, its value %s", column.Name, column.Type, column.Kind, v.Kind)
		}
	}
	view, err := c.Begin(t.Context(), []uint64{stream[0].Tx})
	if err != nil {
		t.Fatal(err)
	}
	defer view.Close()
	for i, tc := range typeCases {
		if tc.typ == "json" || tc.typ == "xml" || tc.typ == "point" || strings.HasSuffix(tc.typ, "[]") {
			continue // without an operator =, or an array of which = ANY would take the elements
		}
		column := fmt.Sprint("c", i)
		_, rows, err := view.Fetch(t.Context(), "public.loai_gia_tri", []string{column}, []record.Row{{stream[0].After[i+1]}})
		if err != nil || len(rows) != 2 {
			t.Errorf("fetch by %s %s: %d rows, %v", tc.typ, tc.sql, len(rows), err)
			continue
		}
		checkTypes(t, "fetch", rows[0])
	}
	_, rows, err := view.Fetch(t.Context(), "public.loai_gia_tri", []string{"id", "c1"}, []record.Row{
		{record.IntValue(1), record.BoolValue(false)}, {record.IntValue(2), record.BoolValue(true)}, {record.IntValue(9), record.NullValue},
	})
	if err != nil || len(rows) != 1 {
		t.Errorf("fetch by two columns: %d rows, %v", len(rows), err)
	}
}

// A database whose encoding is SQL_ASCII holds bytes; they pass unchanged, TCVN3 text included.
func TestEncodings(t *testing.T) {
	server := servers.Postgres(t)
	for encoding, want := range map[string]string{"SQL_ASCII": "\xb5\xb8\xff", "LATIN1": "µ¸ÿ"} {
		t.Run(encoding, func(t *testing.T) {
			admin := newDatabase(t, server.DSN)
			name := "truc_test_" + strings.ToLower(encoding)
			admin.run("CREATE DATABASE " + name + " TEMPLATE template0 ENCODING '" + encoding + "' LC_COLLATE 'C' LC_CTYPE 'C'")
			t.Cleanup(func() {
				eventually(t, "the slot is released", func() bool {
					return admin.text("SELECT count(*)::text FROM pg_replication_slots WHERE active AND database = '"+name+"'") == "0"
				})
				admin.run("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = '"+name+"'", "DROP DATABASE "+name+" WITH (FORCE)")
			})
			dsn := strings.Replace(server.DSN, "/postgres?", "/"+name+"?", 1)
			db := newDatabase(t, dsn, `CREATE TABLE a (id text PRIMARY KEY)`)
			insert := `INSERT INTO a SELECT convert_from('\xb5b8ff', '` + encoding + `') || `
			db.run(insert + `'1'`)
			c := open(t, dsn, nil, "public.a")
			if diff := cmp.Diff(want+"1", string(c.snapshotted(1)[0].After[0].Bytes)); diff != "" {
				t.Error(diff)
			}
			db.run(insert + `'2'`)
			if diff := cmp.Diff(want+"2", string(c.take(1)[0].After[0].Bytes)); diff != "" {
				t.Error(diff)
			}
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}
