package postgres

import (
	"fmt"
	"testing"

	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/tests/servers"
)

// keyCases are types of keys, and values by a number i.
var keyCases = map[string]string{
	"money":                     `((i - 30) * 1234.56)::numeric::money`,
	"interval":                  `make_interval(days => i * 17, secs => -i * 1.5, months => i % 5)`,
	"timetz":                    `('00:00:00+07'::timetz + make_interval(mins => i))`,
	"time":                      `('00:00:00'::time + make_interval(mins => i))`,
	"varbit":                    `(i::bit(16))::varbit`,
	"bit(16)":                   `i::bit(16)`,
	"jsonb":                     `jsonb_build_object('a', i, 'b"\', 'x')`,
	"int4range":                 `int4range(i, i + 3)`,
	"inet":                      `('10.0.0.0'::inet + i)`,
	"cidr":                      `set_masklen(('10.0.0.0'::inet + i)::cidr, 32)`,
	"text[]":                    `ARRAY['a"\{},', NULL, i::text]`,
	"cp":                        `ROW('a"\(),' , i - 2.5)::cp`,
	`"char"`:                    `chr(i + 40)::"char"`,
	"name":                      `('n' || i)::name`,
	"float4":                    `(i / 7.0)::float4 - 3`,
	"float8":                    `CASE i WHEN 1 THEN 'NaN' WHEN 2 THEN '-Infinity' WHEN 3 THEN '-0' ELSE i / 7.0 END::float8`,
	"numeric":                   `CASE i WHEN 1 THEN 'NaN' WHEN 2 THEN '-Infinity' WHEN 3 THEN 'Infinity' ELSE i / 7.0 END::numeric`,
	"date":                      `CASE i WHEN 1 THEN 'infinity' WHEN 2 THEN '-infinity' WHEN 3 THEN '0044-03-15 BC' ELSE date '0001-01-01' - 20 + i END::date`,
	"timestamp":                 `CASE i WHEN 1 THEN 'infinity' WHEN 2 THEN '-infinity' WHEN 3 THEN '0044-03-15 12:00 BC' ELSE timestamp '10000-01-01' + i * '1 microsecond'::interval END::timestamp`,
	"timestamptz":               `CASE i WHEN 1 THEN 'infinity' WHEN 2 THEN '-infinity' WHEN 3 THEN '0044-03-15 12:00 BC' ELSE timestamptz '10000-01-01' + i * '1 microsecond'::interval END::timestamptz`,
	"bytea":                     `decode(lpad(to_hex(i), 4, '0'), 'hex')`,
	"char(6)":                   `chr(33 + i) || ' '`,
	"boolean":                   `i % 2 = 0`,
	"dl":                        `(ARRAY['z','a','m'])[1 + i % 3]::dl`,
	"macaddr":                   `('08:00:2b:01:02:' || lpad(to_hex(i), 2, '0'))::macaddr`,
	"tsvector":                  `to_tsvector('simple', 'a b''c ' || i)`,
	"pg_lsn":                    `('0/' || to_hex(i))::pg_lsn`,
	"oid":                       `4294967290::oid`,
	"text COLLATE \"vi-x-icu\"": `(ARRAY['đ','d','Đ','ă','a','â','ê','e','ư','u','ơ','o'])[1 + i % 12] || i`,
	"varchar(200)":              `repeat(' ', i % 3) || chr(200 + i) || E'\t'`,
	"oidvector":                 `i::text::oidvector`,

	"xid8": `i::text::xid8`,
	"uuid": `gen_random_uuid()`,
}

// Whatever the type of a key, its chunks leave no row out and repeat none, and the log names the row as the snapshot did.
// Chunks are of three rows, so that nearly every value is once the bound from which the next one goes on.
func TestKeysOfEveryType(t *testing.T) {
	db := newDatabase(t, servers.Postgres(t).Database(t),
		`CREATE SCHEMA "q u.o""te"`, `CREATE TYPE lo AS ENUM ('z', 'a', 'm')`, `CREATE DOMAIN dl AS lo`, `CREATE TYPE cp AS (x text, y numeric)`)
	var tables, full []string
	types := map[string]string{}
	for typ, values := range keyCases {
		name := fmt.Sprintf("Bảng %d. có dấu", len(tables))
		tables, full = append(tables, `q u.o"te.`+name), append(full, `"q u.o""te"."`+name+`"`)
		types[tables[len(tables)-1]] = typ
		db.run(`CREATE TABLE `+full[len(full)-1]+` ("khoá" `+typ+`, b int, PRIMARY KEY ("khoá", b))`,
			`INSERT INTO `+full[len(full)-1]+` SELECT `+values+`, i FROM generate_series(1, 40) i`)
	}
	s := build(t, db.dsn, func(c *Config) { c.ChunkRows, c.Publication = 3, `Xuất "bản" 'x' \` })
	if err := s.Open(t.Context(), start(nil, tables...)); err != nil {
		t.Fatal(err)
	}
	c := &client{source: s, t: t}
	seen := map[string]int{}
	for _, r := range c.snapshotted(len(tables)) {
		if r.Op == record.Snapshot {
			seen[r.Table.String()]++
			seen[r.Table.String()+showRow("", r.After)]++
		}
	}
	for i, table := range tables {
		if seen[table] != 40 {
			t.Errorf("%s: %d rows, expected 40", types[table], seen[table])
		}
		db.run(`UPDATE ` + full[i] + ` SET b = b + 100`)
	}
	for _, r := range c.take(40 * len(tables)) {
		if seen[r.Table.String()+showRow("", r.Before)] != 1 {
			t.Errorf("%s: the log has a key that the snapshot has not, or twice: %s", types[r.Table.String()], showRow("", r.Before))
		}
	}
}
