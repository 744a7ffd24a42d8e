package sqlite

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
)

// tcvn3 is "Nguyễn Thị Ánh" in TCVN 5712:1993 VN1 bytes (the .VnTime encoding): not valid UTF-8.
const tcvn3 = "NguyÔn ThÞ ¸nh"

func tcvn3Bytes() string {
	var b []byte
	for _, r := range tcvn3 {
		b = append(b, byte(r)) // the runes of Latin-1 stand for their bytes
	}
	return string(b)
}

// Cells keep storage class and octets, whatever the column is declared as, through snapshot and log.
func TestCellsAreExact(t *testing.T) {
	values := []any{
		nil, int64(0), int64(math.MaxInt64), int64(math.MinInt64), int64(1<<53 + 1), 0.1, 1e300, -5e-324, math.Inf(1), 3.0,
		"", "chữ", tcvn3Bytes(), "nul \x00 in the middle", "\xff\xfe", "12", "0012", "1e5", "2020-01-02", "2020-01-02 03:04:05", " ", "x'00'",
		[]byte{},
		[]byte{0, 1, 255},
		[]byte("abc"),
	}
	a := newApplication(t, `CREATE TABLE t (id INTEGER PRIMARY KEY, c, d DATE, ts TIMESTAMP, b BOOLEAN, bl BLOB)`)
	insert := func(from int) {
		for i, v := range values {
			if _, err := a.db.Exec(`INSERT INTO t VALUES (?, ?, ?, ?, ?, ?)`, from+i, v, v, v, v, v); err != nil {
				t.Fatal(err)
			}
		}
	}
	insert(0)
	r := follow(t, a, "t")
	insert(100)
	r.rest(a)
	seen := 0
	for _, one := range r.records {
		if one.After == nil {
			continue
		}
		seen++
		want := valueOf(values[one.After[0].Num%100])
		for _, column := range []int{1, 5} { // columns without conversion
			if got := one.After[column]; !got.Equal(want) {
				t.Errorf("%v: %v %q came for %v %q", one.Op, got.Kind, got.Bytes, want.Kind, want.Bytes)
			}
		}
		// The others convert when the application writes; what it then reads is what must come.
		for column, name := range map[int]string{2: "d", 3: "ts", 4: "b"} {
			var stored any
			if err := a.db.QueryRow(`SELECT +`+name+` FROM t WHERE id = ?`, one.After[0].Num).Scan(&stored); err != nil {
				t.Fatal(err)
			}
			if got := one.After[column]; !got.Equal(valueOf(stored)) {
				t.Errorf("%v of column %s: %v %q came, %T %v is stored", one.Op, name, got.Kind, got.Bytes, stored, stored)
			}
		}
	}
	if seen != 2*len(values) {
		t.Errorf("%d rows came, want %d", seen, 2*len(values))
	}
}

// Keys of every form are read by chunks without a row missing or twice.
func TestSnapshotByKey(t *testing.T) {
	const rows = 1300
	numbers := fmt.Sprintf(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)`, rows)
	for name, statements := range map[string][]string{
		"row number":       {`CREATE TABLE t (k INTEGER PRIMARY KEY, v)`, `INSERT INTO t ` + numbers + ` SELECT i * 7 - 4000, 'v' FROM n`},
		"text":             {`CREATE TABLE t (k TEXT PRIMARY KEY, v)`, `INSERT INTO t ` + numbers + ` SELECT 'k' || i, i FROM n`},
		"no case":          {`CREATE TABLE t (k TEXT COLLATE NOCASE PRIMARY KEY, v) WITHOUT ROWID`, `INSERT INTO t ` + numbers + ` SELECT substr('kK', i % 2 + 1, 1) || i, i FROM n`},
		"octets":           {`CREATE TABLE t (k TEXT PRIMARY KEY, v)`, `INSERT INTO t ` + numbers + ` SELECT CAST(CAST(x'a8e6' AS TEXT) || i AS TEXT), i FROM n`},
		"mixed classes":    {`CREATE TABLE t (k PRIMARY KEY, v)`, `INSERT INTO t ` + numbers + ` SELECT CASE i % 4 WHEN 0 THEN i WHEN 1 THEN i + 0.5 WHEN 2 THEN 'k' || i ELSE CAST('b' || i AS BLOB) END, i FROM n`},
		"several columns":  {`CREATE TABLE t (k INT, l TEXT, m REAL, PRIMARY KEY (l, k, m)) WITHOUT ROWID`, `INSERT INTO t ` + numbers + ` SELECT i % 13, i % 7, i / 3.0 FROM n`},
		"null in the key":  {`CREATE TABLE t (k INT, l INT, PRIMARY KEY (k, l))`, `INSERT INTO t ` + numbers + ` SELECT nullif(i % 11, 0), nullif(i, 700) FROM n`},
		"exactly a chunk":  {`CREATE TABLE t (k INTEGER PRIMARY KEY)`, numbers + ` INSERT INTO t SELECT i FROM n LIMIT 500`},
		"generated column": {`CREATE TABLE t (k INTEGER PRIMARY KEY, g INT GENERATED ALWAYS AS (k * 2) UNIQUE)`, numbers + ` INSERT INTO t SELECT i FROM n`},
	} {
		t.Run(name, func(t *testing.T) {
			a := newApplication(t, statements...)
			r := follow(t, a, "t")
			seen := map[string]int{}
			for _, one := range r.records {
				if one.Op == record.Snapshot {
					seen[encodeKey(one.After)]++
				}
			}
			if got, want := strconv.Itoa(len(seen)), a.query(`SELECT count(*) FROM t`); got != want {
				t.Errorf("the snapshot has %s of %s rows", got, want)
			}
			for _, n := range seen {
				if n > 1 {
					t.Fatal("a row came twice")
				}
			}
			progress := r.source.Progress()
			if len(progress) != 1 || !progress[0].Done || progress[0].Rows != progress[0].Total {
				t.Errorf("progress is %+v", progress)
			}
			scanned := 0
			err := r.source.Scan(context.Background(), "t", func(_ *record.Table, rows []record.Row) error { scanned += len(rows); return nil })
			if err != nil || scanned != len(seen) {
				t.Errorf("Scan gave %d of %d rows, %v", scanned, len(seen), err)
			}
		})
	}
}

// A batch ends by bytes too.
func TestLargeRowsMakeSmallBatches(t *testing.T) {
	a := newApplication(t, `CREATE TABLE t (id INTEGER PRIMARY KEY, x)`, `INSERT INTO t VALUES (1, zeroblob(3000000)), (2, zeroblob(3000000)), (3, zeroblob(3000000))`)
	r, err := openSource(t, a.config(), startAt(nil, "t"))
	if err != nil {
		t.Fatal(err)
	}
	r.next() // the position only
	for range 3 {
		if n := len(r.next()); n != 1 {
			t.Errorf("a batch of the snapshot holds %d rows of 3 MB, want one", n)
		}
	}
	r.next() // the SnapshotEnd
	a.exec(`UPDATE t SET x = zeroblob(2000000)`)
	for range 3 {
		if n := len(r.next()); n != 1 {
			t.Errorf("a batch holds %d changes of 5 MB, want one", n)
		}
	}
}

// Ack keeps the change at the position, and nothing before it.
func TestAckPrunes(t *testing.T) {
	a := newApplication(t, `CREATE TABLE t (id INTEGER PRIMARY KEY, x)`)
	r := follow(t, a, "t")
	a.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2600) INSERT INTO t SELECT i, i FROM n`)
	r.rest(a)
	if err := r.source.Ack(context.Background(), r.position); err != nil {
		t.Fatal(err)
	}
	if got := a.query(`SELECT count(*), max(id) FROM truc_change`); got != "1 2601" {
		t.Errorf("after Ack truc_change holds %s, want 1 change, the last", got)
	}
}

// Somebody holds the lock: the source waits and loses nothing, and says so when it cannot even begin.
func TestLockedFile(t *testing.T) {
	ctx := context.Background()
	a := newApplication(t, `PRAGMA journal_mode = DELETE`, `CREATE TABLE t (id INTEGER PRIMARY KEY, x)`)
	a.db.SetMaxOpenConns(1)
	c := a.config()
	c.BusyTimeout = 10 * time.Millisecond
	r, err := openSource(t, c, startAt(nil, "t"))
	if err != nil {
		t.Fatal(err)
	}
	r.next() // the position only
	r.next() // the SnapshotEnd
	tx, err := a.db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(`INSERT INTO t VALUES (1, 'x')`); err != nil {
		t.Fatal(err)
	}
	if err := r.source.Ack(ctx, r.position); err != nil {
		t.Errorf("Ack of a locked file: %v; it is done with the next", err)
	}
	_, err = openSource(t, c, startAt(r.position, "t"))
	var unreachable *adapters.UnreachableError
	if !errors.As(err, &unreachable) {
		t.Errorf("Open of a locked file: %v, want an UnreachableError", err)
	}
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	if _, err := r.source.Read(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Read of a locked file: %v, want to wait", err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if got := r.next(); len(got) != 1 {
		t.Errorf("after the lock %d changes came, want 1", len(got))
	}
}

func TestFilesThatAreNoDatabase(t *testing.T) {
	a := newApplication(t)
	c := a.config()
	c.Path = t.TempDir()
	_, err := openSource(t, c, startAt(nil, "t"))
	var refused *adapters.RefusedError
	if !errors.As(err, &refused) {
		t.Errorf("a directory: %v, want a refusal", err)
	}
	c = a.config()
	c.Path += ".txt"
	if err := os.WriteFile(c.Path, []byte(strings.Repeat("không phải cơ sở dữ liệu\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err = openSource(t, c, startAt(nil, "t")); !errors.As(err, &refused) {
		t.Errorf("a text file: %v, want a refusal", err)
	}
}

func TestDescribe(t *testing.T) {
	a := newApplication(t, `CREATE TABLE loose (k TEXT NOT NULL, l INT, d DATE DEFAULT '', PRIMARY KEY (l, k)) WITHOUT ROWID`,
		`CREATE TABLE firm (id INTEGER PRIMARY KEY, i INT, r REAL, t TEXT NOT NULL, b BLOB, x ANY) STRICT`, `INSERT INTO firm (t) VALUES ('a'), ('b')`)
	s := NewSource(a.config(), env("hotich"))
	if err := s.Apply(context.Background(), "firm"); err != nil {
		t.Fatal(err)
	}
	infos, err := s.Describe(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	want := []adapters.TableInfo{
		{Rows: 2, Table: &record.Table{Name: "firm", Version: 1, Key: []int{0}, Columns: []record.Column{
			{Name: "id", Kind: record.Int, Type: "INTEGER"},
			{Name: "i", Kind: record.Int, Type: "INT", Nullable: true},
			{Name: "r", Kind: record.Float, Type: "REAL", Nullable: true},
			{Name: "t", Kind: record.Text, Type: "TEXT"},
			{Name: "b", Kind: record.Bytes, Type: "BLOB", Nullable: true},
			{Name: "x", Kind: record.AnyKind, Type: "ANY", Nullable: true},
		}}},
		{Table: &record.Table{Name: "loose", Version: 1, Key: []int{1, 0}, Columns: []record.Column{
			{Name: "k", Kind: record.AnyKind, Type: "TEXT"},
			{Name: "l", Kind: record.AnyKind, Type: "INT"},
			{Name: "d", Kind: record.AnyKind, Type: "DATE", Nullable: true},
		}}},
	}
	if diff := cmp.Diff(want, infos); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	a.exec(`CREATE VIEW firms AS SELECT id FROM firm`)
	var p *problem.Problem
	if _, err := s.Describe(context.Background(), "Firms"); !errors.As(err, &p) || p.Code != "source.not-a-table" || p.Fix.EN != "name the table behind it" {
		t.Errorf("a view: %v", err)
	}
	if _, err := s.Describe(context.Background(), "frim"); err == nil {
		t.Error("a table that does not exist is described")
	}
}

func TestConfigProblems(t *testing.T) {
	if l := (&Config{Path: "x", Poll: time.Second, Capture: "auto"}).Validate(); len(l) > 0 {
		t.Errorf("a right configuration has problems: %v", l)
	}
	var got []string
	for _, p := range (&Config{BusyTimeout: -1, Capture: "perhaps"}).Validate() {
		got = append(got, p.Where)
	}
	if diff := cmp.Diff([]string{"path", "busy_timeout", "poll", "capture"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestKeysSurviveEncoding(t *testing.T) {
	value := rapid.Custom(func(t *rapid.T) record.Value {
		switch kind := rapid.SampledFrom(kinds()).Draw(t, "kind"); kind {
		case record.Null:
			return record.NullValue
		case record.Bool:
			return record.BoolValue(rapid.Bool().Draw(t, "bool"))
		case record.Int:
			return record.IntValue(rapid.Int64().Draw(t, "int"))
		case record.Float:
			return record.FloatValue(rapid.Float64().Draw(t, "float"))
		default:
			return record.BytesOf(kind, rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"))
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		key := record.Row(rapid.SliceOf(value).Draw(t, "key"))
		got, err := decodeKey(encodeKey(key))
		if err != nil || !cmp.Equal(append(record.Row{}, key...), got) {
			t.Fatalf("%v came back as %v, %v", key, got, err)
		}
	})
}

func FuzzDecodePosition(f *testing.F) {
	f.Add([]byte(`{"v":1,"db":"x","id":7,"tag":"t","tables":{"t":{"run":1,"since":3,"cursor":"[\"int:4\"]"}}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := decodePosition(b, "sqlite x")
		if err != nil {
			return
		}
		again, err := decodePosition(p.encode(), "")
		if err != nil || !cmp.Equal(p, again) {
			t.Fatalf("%+v came back as %+v, %v", p, again, err)
		}
		for _, one := range p.Tables {
			_, _ = decodeKey(one.Cursor)
		}
	})
}

func FuzzDecodeKey(f *testing.F) {
	f.Add(`["int:4","text:a","text,hex:ff","null:"]`)
	f.Fuzz(func(t *testing.T, s string) {
		key, err := decodeKey(s)
		if err != nil {
			return
		}
		again, err := decodeKey(encodeKey(key))
		if err != nil || !cmp.Equal(key, again) {
			t.Fatalf("%v came back as %v, %v", key, again, err)
		}
	})
}
