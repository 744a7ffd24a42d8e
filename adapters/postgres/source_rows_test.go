package postgres

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/adapters/snapshot"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/tests/servers"
)

// What the log carries of the old row, and of a big value that did not change, depends on the replica identity.
func TestIdentities(t *testing.T) {
	big := strings.Repeat("lớn ", 5000)
	tests := map[string]struct {
		table []string
		want  []string
	}{
		"default": {
			[]string{`CREATE TABLE a (id int PRIMARY KEY, so text NOT NULL UNIQUE, v text)`},
			[]string{"update +(1,s2,?)", "update -(1,?,?)+(2,s2,?)", "delete -(2,?,?)"},
		},
		"full": {
			[]string{`CREATE TABLE a (id int PRIMARY KEY, so text NOT NULL UNIQUE, v text)`, `ALTER TABLE a REPLICA IDENTITY FULL`},
			[]string{"update -(1,s1,BIG)+(1,s2,BIG)", "update -(1,s2,BIG)+(2,s2,BIG)", "delete -(2,s2,BIG)"},
		},
		"index": {
			[]string{`CREATE TABLE a (id int PRIMARY KEY, so text NOT NULL UNIQUE, v text)`, `ALTER TABLE a REPLICA IDENTITY USING INDEX a_so_key`},
			[]string{"update -(?,s1,?)+(1,s2,?)", "update +(2,s2,?)", "delete -(?,s2,?)"},
		},
		"index without primary key": {
			[]string{`CREATE TABLE a (id int, so text NOT NULL UNIQUE, v text)`, `ALTER TABLE a REPLICA IDENTITY USING INDEX a_so_key`},
			[]string{"update -(?,s1,?)+(1,s2,?)", "update +(2,s2,?)", "delete -(?,s2,?)"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			db := newDatabase(t, servers.Postgres(t).Database(t), test.table...)
			db.run(`ALTER TABLE a ALTER v SET STORAGE external`)
			if _, err := db.Exec(t.Context(), `INSERT INTO a VALUES (1, 's1', $1)`, big); err != nil {
				t.Fatal(err)
			}
			c := open(t, db.dsn, nil, "public.a")
			first := c.snapshotted(1)[0]
			if string(first.After[2].Bytes) != big {
				t.Error("the snapshot lacks the big value")
			}
			db.run(`UPDATE a SET so = 's2'`, `UPDATE a SET id = 2`, `DELETE FROM a`)
			records := c.take(3)
			if diff := cmp.Diff(test.want, short(records)); diff != "" {
				t.Error(diff)
			}
			for _, r := range records {
				for i, v := range r.Before {
					if (v.Kind != record.Unchanged) != r.Table.Carried(i) {
						t.Errorf("%s: column %d of the old row is %s, Carried says %v", r.Op, i, v.Kind, r.Table.Carried(i))
					}
				}
				if r.Table != first.Table {
					t.Error("snapshot and stream have different tables")
				}
			}
		})
	}
}

// short is show without the table, with BIG for what is long.
func short(records []record.Record) []string {
	lines := show(records)
	for i, line := range lines {
		_, line, _ = strings.Cut(line, " ")
		for {
			a := strings.Index(line, "lớn")
			b := strings.IndexAny(line[max(a, 0):], ",)")
			if a < 0 {
				break
			}
			line = line[:a] + "BIG" + line[a+b:]
		}
		lines[i] = line
	}
	return lines
}

// The changes of partitions come as those of the partitioned table; heirs in the old sense are tables of their own.
func TestPartitionsAndHeirs(t *testing.T) {
	db := newDatabase(t, servers.Postgres(t).Database(t),
		`CREATE TABLE p (nam int, id int, v text, PRIMARY KEY (nam, id)) PARTITION BY LIST (nam)`,
		`CREATE TABLE p24 PARTITION OF p FOR VALUES IN (2024)`, `CREATE TABLE p25 PARTITION OF p FOR VALUES IN (2025)`,
		`CREATE TABLE me (id int PRIMARY KEY)`, `CREATE TABLE con (PRIMARY KEY (id)) INHERITS (me)`,
		`INSERT INTO p VALUES (2025, 1, 'a'), (2024, 1, 'b')`, `INSERT INTO me VALUES (1)`, `INSERT INTO con VALUES (2)`)
	c := open(t, db.dsn, nil, "public.p", "public.me")
	want := []string{"public.p snapshot +(2024,1,b)", "public.p snapshot +(2025,1,a)", "public.p snapshot-end", "public.me snapshot +(1)", "public.me snapshot-end"}
	if diff := cmp.Diff(want, show(c.snapshotted(2))); diff != "" {
		t.Error(diff)
	}
	db.run(`INSERT INTO con VALUES (3)`, `UPDATE p SET v = 'c' WHERE nam = 2024`, `UPDATE p SET nam = 2025, id = 2 WHERE nam = 2024`, `TRUNCATE p`)
	want = []string{"public.p update +(2024,1,c)", "public.p delete -(2024,1,?)", "public.p create +(2025,2,c)", "public.p truncate"}
	if diff := cmp.Diff(want, show(c.take(4))); diff != "" {
		t.Error(diff)
	}
}

// The log announces the old row of a partitioned table by the table's identity, and fills it by the partition's.
func TestIdentityOfPartitions(t *testing.T) {
	create := []string{
		`CREATE TABLE p (nam int, id int, so text NOT NULL, v text, PRIMARY KEY (nam, id)) PARTITION BY LIST (nam)`,
		`CREATE TABLE "P 24" PARTITION OF p FOR VALUES IN (2024)`,
		`ALTER TABLE "P 24" ALTER v SET STORAGE external`,
		`CREATE UNIQUE INDEX so24 ON "P 24" (so)`,
	}
	for alter, want := range map[string]string{
		`ALTER TABLE p REPLICA IDENTITY FULL`:                         `ALTER TABLE public."P 24" REPLICA IDENTITY FULL`,
		`ALTER TABLE "P 24" REPLICA IDENTITY USING INDEX so24`:        `ALTER TABLE public."P 24" REPLICA IDENTITY DEFAULT`,
		`ALTER TABLE "P 24" REPLICA IDENTITY NOTHING`:                 `ALTER TABLE public."P 24" REPLICA IDENTITY DEFAULT`,
		`ALTER TABLE p REPLICA IDENTITY USING INDEX p_pkey`:           `ALTER TABLE public."P 24" REPLICA IDENTITY FULL`,
		`ALTER TABLE "P 24" REPLICA IDENTITY FULL`:                    "",
		`ALTER TABLE "P 24" REPLICA IDENTITY USING INDEX "P 24_pkey"`: `ALTER TABLE public."P 24" REPLICA IDENTITY DEFAULT`,
	} {
		t.Run(alter, func(t *testing.T) {
			db := newDatabase(t, servers.Postgres(t).Database(t), append(create, alter)...)
			if want != "" {
				err := build(t, db.dsn).Open(t.Context(), start(nil, "public.p"))
				if e, ok := errors.AsType[*adapters.RefusedError](err); !ok || e.Fix.EN != want {
					t.Fatalf("open: %v", err)
				}
				db.run(want)
			}
			c := open(t, db.dsn, nil, "public.p")
			c.snapshotted(1)
			db.run(`INSERT INTO p VALUES (2024, 1, 's1', repeat('lớn ', 5000))`, `UPDATE p SET so = 's2'`, `DELETE FROM p`)
			records := c.take(3)
			if v := records[1].After[3]; v.Kind == record.Null {
				t.Error("a big value that did not change reads as null")
			}
			if got := showRow("-", records[2].Before[:2]); got != "-(2024,1)" {
				t.Errorf("the delete has the key %s", got)
			}
		})
	}
	t.Run("a partition attached later", func(t *testing.T) {
		db := newDatabase(t, servers.Postgres(t).Database(t), append(create, `ALTER TABLE p REPLICA IDENTITY FULL`, `ALTER TABLE "P 24" REPLICA IDENTITY FULL`)...)
		c := open(t, db.dsn, nil, "public.p")
		c.snapshotted(1)
		db.run(
			`CREATE TABLE p25 PARTITION OF p FOR VALUES IN (2025)`, `ALTER TABLE p25 ALTER v SET STORAGE external`,
			`INSERT INTO p VALUES (2024, 1, 's1', repeat('lớn ', 5000)), (2025, 1, 's1', repeat('lớn ', 5000))`,
			`UPDATE p SET so = 's2'`, `UPDATE p SET id = 2`, `DELETE FROM p`)
		want := []string{
			"create +(2024,1,s1,BIG)", "create +(2025,1,s1,BIG)",
			"update -(2024,1,s1,BIG)+(2024,1,s2,BIG)", "update +(2025,1,s2,?)",
			"update -(2024,1,s2,BIG)+(2024,2,s2,BIG)", "update -(2025,1,?,?)+(2025,2,s2,?)",
			"delete -(2024,2,s2,BIG)", "delete -(2025,2,?,?)",
		}
		if diff := cmp.Diff(want, short(c.take(len(want)))); diff != "" {
			t.Error(diff)
		}
		db.run(`CREATE TABLE p26 PARTITION OF p FOR VALUES IN (2026)`, `ALTER TABLE p26 ALTER v SET STORAGE external`,
			`CREATE UNIQUE INDEX so26 ON p26 (nam, id, so)`, `ALTER TABLE p26 REPLICA IDENTITY USING INDEX so26`,
			`INSERT INTO p VALUES (2026, 1, 's1', repeat('lớn ', 5000))`, `UPDATE p SET so = 's2'`)
		if v := c.take(2)[1].After[3]; v.Kind == record.Null {
			t.Error("a big value that did not change reads as null")
		}
		// An identity that hides the key is refused as soon as it is met: a delete that names no key would be lost.
		db.run(`CREATE UNIQUE INDEX so25 ON p25 (so)`, `ALTER TABLE p25 REPLICA IDENTITY USING INDEX so25`,
			`INSERT INTO p VALUES (2025, 1, 's1', '')`, `DELETE FROM p`)
		got, err := c.attempt(5 * time.Second)
		if e, ok := errors.AsType[*adapters.RefusedError](err); !ok || !strings.Contains(e.What.EN, "without its key") {
			t.Errorf("read %v, %v", show(got), err)
		}
	})
}

// A key with a generated column is not in the log whole: taken for the key, the rest of it would name several rows.
func TestKeysThatCannotBeUsed(t *testing.T) {
	db := newDatabase(t, servers.Postgres(t).Database(t),
		`CREATE TABLE g (a int, b text NOT NULL UNIQUE, c text GENERATED ALWAYS AS (upper(b)) STORED, PRIMARY KEY (a, c))`,
		`CREATE TABLE h (a int, b text, c text GENERATED ALWAYS AS (upper(b)) STORED, PRIMARY KEY (a, c))`,
		`CREATE TABLE i (a int, b text PRIMARY KEY, c text GENERATED ALWAYS AS (upper(b)) STORED NOT NULL)`,
		`CREATE UNIQUE INDEX i_ac ON i (a, c)`, `ALTER TABLE i ALTER a SET NOT NULL`, `ALTER TABLE i REPLICA IDENTITY USING INDEX i_ac`,
		`CREATE TABLE d (a int PRIMARY KEY DEFERRABLE)`)
	for table, want := range map[string][2]string{
		"public.g": {"generated column", `ALTER TABLE "public"."g" REPLICA IDENTITY USING INDEX g_b_key`},
		"public.h": {"generated column", "make the key of ordinary columns"},
		"public.i": {"generated column", `ALTER TABLE "public"."i" REPLICA IDENTITY USING INDEX i_pkey`},
		"public.d": {"DEFERRABLE", "without DEFERRABLE"},
	} {
		err := build(t, db.dsn).Open(t.Context(), start(nil, table))
		if e, ok := errors.AsType[*adapters.RefusedError](err); !ok || !strings.Contains(e.What.EN, want[0]) || !strings.HasPrefix(e.Fix.EN, want[1]) && !strings.HasSuffix(e.Fix.EN, want[1]) {
			t.Errorf("%s: %v", table, err)
		}
	}
	db.run(`ALTER TABLE "public"."g" REPLICA IDENTITY USING INDEX g_b_key`, `INSERT INTO g VALUES (1, 'x'), (1, 'y')`)
	c := open(t, db.dsn, nil, "public.g")
	if diff := cmp.Diff([]string{"snapshot +(1,x)", "snapshot +(1,y)", "snapshot-end"}, short(c.snapshotted(1))); diff != "" {
		t.Error(diff)
	}
}

// Keys are ordered and compared as PostgreSQL does it, collations, extensions' types and blank padding included.
func TestSnapshotOfOddKeys(t *testing.T) {
	db := newDatabase(t, servers.Postgres(t).Database(t),
		`CREATE SCHEMA mo_rong`, `CREATE EXTENSION citext SCHEMA mo_rong`,
		`CREATE COLLATION khong_phan_biet (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`,
		`CREATE TYPE loai AS ENUM ('z', 'a', 'm')`,
		`CREATE DOMAIN ma AS text`,
		// The operators of a domain are those of the type under it, which another schema may hold.
		`CREATE DOMAIN ma_h AS mo_rong.citext`, `CREATE DOMAIN ma_hh AS ma_h`,
		`CREATE DOMAIN ma_i AS text COLLATE khong_phan_biet`,
		`CREATE TABLE k1 (id mo_rong.citext PRIMARY KEY)`,
		`CREATE TABLE k2 (id text COLLATE khong_phan_biet PRIMARY KEY)`,
		`CREATE TABLE k3 (l loai, "Tên ""lạ""" char(4), PRIMARY KEY (l, "Tên ""lạ"""))`,
		`CREATE TABLE k4 (t timestamptz, n numeric, b bytea, f float8, d ma, u uuid, PRIMARY KEY (t, n, b, f, d, u))`,
		`INSERT INTO k1 SELECT chr(65 + i % 26 + 32 * (i % 2)) || i FROM generate_series(1, 50) i`,
		`INSERT INTO k2 SELECT chr(65 + i % 26 + 32 * (i % 2)) || E'\\"' || i FROM generate_series(1, 50) i`,
		`INSERT INTO k3 SELECT (ARRAY['z','a','m'])[1 + i % 3]::loai, i FROM generate_series(1, 50) i`,
		`INSERT INTO k4 SELECT now() - i * '1 hour'::interval, 1.50, '\x00ff', 'NaN', 'x', gen_random_uuid() FROM generate_series(1, 50) i`,
		`CREATE DOMAIN loai_d AS loai`, `CREATE TABLE k7 (l loai_d, id int, PRIMARY KEY (l, id))`, `INSERT INTO k7 SELECT (ARRAY['z','a','m'])[1 + i % 3]::loai, i FROM generate_series(1, 50) i`,
		`CREATE TABLE k5 (id ma_hh PRIMARY KEY)`, `INSERT INTO k5 SELECT id FROM k1`,
		`CREATE TABLE k6 (id ma_i COLLATE "C" PRIMARY KEY)`, `INSERT INTO k6 SELECT id FROM k2`,
	)
	s := build(t, db.dsn, func(c *Config) { c.ChunkRows = 7 })
	if err := s.Open(t.Context(), start(nil, "public.k1", "public.k2", "public.k3", "public.k4", "public.k5", "public.k6", "public.k7")); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, r := range (&client{source: s, t: t}).snapshotted(7) {
		if r.Op == record.Snapshot {
			seen[show([]record.Record{r})[0]] = true
		}
	}
	if len(seen) != 350 {
		t.Errorf("%d different rows, expected 350", len(seen))
	}
}

// A row of 20 MB is a row like others, in the snapshot and in the stream.
func TestBigRow(t *testing.T) {
	db := newDatabase(t, servers.Postgres(t).Database(t), `CREATE TABLE a (id int PRIMARY KEY, v text)`,
		`ALTER TABLE a ALTER v SET STORAGE external`,
		`INSERT INTO a SELECT i, 'small' FROM generate_series(1, 150) i`, `INSERT INTO a SELECT i, repeat('x', 20000000) FROM generate_series(151, 153) i`)
	c := open(t, db.dsn, nil, "public.a")
	db.run(`INSERT INTO a VALUES (200, repeat('y', 20000000))`)
	seen := map[int64]int{}
	c.until("all rows", func(r record.Record) bool {
		if r.After != nil {
			seen[r.After[0].Num] = len(r.After[1].Bytes)
		}
		return len(seen) == 154
	})
	for _, id := range []int64{151, 152, 153, 200} {
		if seen[id] != 20_000_000 {
			t.Errorf("row %d has %d bytes", id, seen[id])
		}
	}
}

// A chunk holds so many bytes and one row, even where big rows follow small ones.
func TestChunkIsBounded(t *testing.T) {
	db := newDatabase(t, servers.Postgres(t).Database(t), `CREATE TABLE a (id int PRIMARY KEY, v text)`,
		`INSERT INTO a SELECT i, 'small' FROM generate_series(1, 150) i`, `INSERT INTO a SELECT i, repeat('x', 1000000) FROM generate_series(151, 170) i`)
	c, err := build(t, db.dsn).server.sql(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	tables, err := c.find(t.Context(), []string{"public.a"})
	if err != nil {
		t.Fatal(err)
	}
	reader := chunkReader{session: c, rows: 2000}
	task := snapshot.Task{Table: "public.a"}
	rows, chunks := 0, 0
	for last := false; !last; chunks++ {
		chunk, err := reader.read(t.Context(), tables[0].oid, tables[0].name(), task)
		if err != nil {
			t.Fatal(err)
		}
		size := 0
		cells, err := chunk.cells()
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range cells {
			size += len(row[1].Bytes)
			rows++
			if row[0].Num != int64(rows) {
				t.Fatalf("row %d is number %d", row[0].Num, rows)
			}
		}
		if size > chunkBytes+1_000_000 {
			t.Errorf("a chunk of %d bytes", size)
		}
		if last = chunk.Last; !last {
			task.Cursor = chunk.End
		}
	}
	if rows != 170 || chunks < 4 {
		t.Errorf("%d rows in %d chunks", rows, chunks)
	}
}

// A re-read sees every transaction it is asked to, and notices a table rewritten under it.
func TestFetch(t *testing.T) {
	db := newDatabase(t, servers.Postgres(t).Database(t), `CREATE TABLE a (id int PRIMARY KEY, v text)`, `CREATE TABLE b (id int PRIMARY KEY, a int)`,
		`INSERT INTO b SELECT i, i % 3 FROM generate_series(1, 9) i`)
	c := open(t, db.dsn, nil, "public.a")
	c.snapshotted(1)
	other := newDatabase(t, db.dsn, `BEGIN`, `INSERT INTO a VALUES (1, 'x')`)
	xid := other.text(`SELECT (pg_current_xact_id()::text::bigint & 4294967295)::text`)
	var tx uint64
	for _, d := range xid {
		tx = tx*10 + uint64(d-'0')
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	if _, err := c.Begin(ctx, []uint64{tx}); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("a view before the transaction has ended: %v", err)
	}
	cancel()
	opened := make(chan adapters.View, 1)
	go func() {
		v, err := c.Begin(t.Context(), []uint64{tx})
		if err != nil {
			t.Error(err)
		}
		opened <- v
	}()
	time.Sleep(50 * time.Millisecond)
	other.run(`COMMIT`)
	view := <-opened
	defer view.Close()
	table, rows, err := view.Fetch(t.Context(), "public.a", []string{"id"}, []record.Row{{record.IntValue(1)}, {record.IntValue(2)}})
	if err != nil || len(rows) != 1 || showRow("", rows[0]) != "(1,x)" || table.String() != "public.a" {
		t.Errorf("fetched %v, %v", rows, err)
	}
	if _, rows, err = view.Fetch(t.Context(), "public.b", []string{"a"}, []record.Row{{record.IntValue(1)}}); err != nil || len(rows) != 3 {
		t.Errorf("fetched %d related rows, %v", len(rows), err)
	}
	_, _, err = view.Fetch(t.Context(), "public.a", []string{"khong_co"}, nil)
	if _, ok := errors.AsType[*adapters.RefusedError](err); !ok {
		t.Errorf("fetch by an unknown column: %v", err)
	}
	late, err := c.Begin(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer late.Close()
	view.Close() // it holds the tables it has read against being altered
	db.run(`ALTER TABLE a ALTER id TYPE bigint`)
	_, _, err = late.Fetch(t.Context(), "public.a", []string{"id"}, []record.Row{{record.IntValue(1)}})
	if _, ok := errors.AsType[*adapters.UnreachableError](err); !ok {
		t.Errorf("a table rewritten after the view began: %v", err)
	}
}

func TestVisibilityOfNumbers(t *testing.T) {
	v, err := parseVisibility([]byte("4294967290:4294967300:4294967292,4294967297"))
	if err != nil {
		t.Fatal(err)
	}
	for tx, want := range map[uint64]bool{
		5: false, 4: false, // 4294967301 and 4294967300, after the wrap
		3: true, 1: false, 0: true, // 4294967299, running, 4294967296
		4294967292: false, 4294967293: true, 4294967289: true, 4294967000: true,
	} {
		if got := v.sees(tx); got != want {
			t.Errorf("transaction %d: %v, expected %v", tx, got, want)
		}
	}
	for _, bad := range []string{"", "1:2", "a:b:", "1:2:x"} {
		if _, err := parseVisibility([]byte(bad)); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}
