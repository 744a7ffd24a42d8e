package sqlite

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/record"
)

// reading is a source that a test reads step by step.
type reading struct {
	testing.TB
	source   *Source
	position []byte
	records  []record.Record
}

func openSource(tb testing.TB, c *Config, start adapters.Start) (*reading, error) {
	tb.Helper()
	s := NewSource(c, env("hotich"))
	tb.Cleanup(func() { s.Close() })
	return &reading{TB: tb, source: s, position: start.Position}, s.Open(context.Background(), start)
}

func startAt(position []byte, tables ...string) adapters.Start {
	start := adapters.Start{Position: position}
	for _, t := range tables {
		start.Tables = append(start.Tables, adapters.TableStart{Table: t, Run: 1})
	}
	return start
}

// follow opens tables and reads their snapshots.
func follow(tb testing.TB, a *application, tables ...string) *reading {
	tb.Helper()
	r, err := openSource(tb, a.config(), startAt(nil, tables...))
	if err != nil {
		tb.Fatal(err)
	}
	for ended := 0; ended < len(tables); {
		for _, one := range r.next() {
			if one.Op == record.SnapshotEnd {
				ended++
			}
		}
	}
	return r
}

func (r *reading) next() []record.Record {
	r.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	b, err := r.source.Read(ctx)
	if err != nil {
		r.Fatal(err)
	}
	r.position = b.Position
	r.records = append(r.records, b.Records...)
	return b.Records
}

// rest reads until everything that is in truc_change now has been handed out.
func (r *reading) rest(a *application) []record.Record {
	r.Helper()
	from := len(r.records)
	last := a.query(`SELECT max(id) FROM truc_change WHERE op <> 'R'`)
	for {
		p, err := decodePosition(r.position, "")
		if err != nil {
			r.Fatal(err)
		}
		if strconv.FormatUint(p.ID, 10) == last {
			return r.records[from:]
		}
		r.next()
	}
}

// short writes records as "U 1,a>1,b".
func short(records []record.Record) []string {
	var out []string
	row := func(cells record.Row) string {
		var texts []string
		for _, v := range cells {
			text := string(v.Append(nil))
			if v.IsNull() {
				text = "-"
			}
			texts = append(texts, text)
		}
		return strings.Join(texts, ",")
	}
	for _, r := range records {
		out = append(out, strings.TrimRight(fmt.Sprintf("%s %s>%s", strings.ToUpper(r.Op.String()[:1]), row(r.Before), row(r.After)), " "))
	}
	return out
}

// What each way of writing to a table leaves in the log, the ones that delete without saying so included.
func TestCaptureOfStatements(t *testing.T) {
	for name, c := range map[string]struct {
		statements []string
		want       []string
	}{
		"insert, update, delete": {
			[]string{`INSERT INTO t VALUES (3, 'c')`, `UPDATE t SET u = 'd' WHERE id = 3`, `DELETE FROM t WHERE id = 3`},
			[]string{"C >3,c", "U 3,c>3,d", "D 3,d>"},
		},
		"several rows at once":      {[]string{`UPDATE t SET u = u || 'x'`}, []string{"U 1,a>1,ax", "U 2,b>2,bx"}},
		"delete of all rows":        {[]string{`DELETE FROM t`}, []string{"D 1,a>", "D 2,b>"}},
		"key change":                {[]string{`UPDATE t SET id = 9 WHERE id = 1`}, []string{"U 1,a>9,a"}},
		"replace by key":            {[]string{`REPLACE INTO t VALUES (1, 'x')`}, []string{"U 1,a>1,x"}},
		"replace by unique":         {[]string{`REPLACE INTO t VALUES (5, 'a')`}, []string{"D 1,a>", "C >5,a"}},
		"replace by both":           {[]string{`REPLACE INTO t VALUES (1, 'b')`}, []string{"D 2,b>", "U 1,a>1,b"}},
		"replace of nothing":        {[]string{`REPLACE INTO t VALUES (5, 'e')`}, []string{"C >5,e"}},
		"replace with chosen key":   {[]string{`REPLACE INTO t (u) VALUES ('a')`}, []string{"D 1,a>", "C >3,a"}},
		"update or replace":         {[]string{`UPDATE OR REPLACE t SET u = 'a' WHERE id = 2`}, []string{"D 1,a>", "U 2,b>2,a"}},
		"update or replace the key": {[]string{`UPDATE OR REPLACE t SET id = 1 WHERE id = 2`}, []string{"D 1,a>", "U 2,b>1,b"}},
		"update to itself":          {[]string{`UPDATE OR REPLACE t SET u = u`}, []string{"U 1,a>1,a", "U 2,b>2,b"}},
		"insert or ignore":          {[]string{`INSERT OR IGNORE INTO t VALUES (1, 'x'), (6, 'b'), (7, 'g')`}, []string{"C >7,g"}},
		"ignored, then others": {
			[]string{`INSERT OR IGNORE INTO t VALUES (1, 'x')`, `UPDATE t SET u = 'z' WHERE id = 2`, `INSERT OR IGNORE INTO t VALUES (8, 'a')`, `INSERT INTO t VALUES (4, 'd')`},
			[]string{"U 2,b>2,z", "C >4,d"},
		},
		"ignored update":       {[]string{`UPDATE OR IGNORE t SET u = 'a' WHERE id = 2`, `DELETE FROM t WHERE id = 2`}, []string{"D 2,b>"}},
		"upsert by key":        {[]string{`INSERT INTO t VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET u = excluded.u`}, []string{"U 1,a>1,x"}},
		"upsert by unique":     {[]string{`INSERT INTO t VALUES (5, 'a') ON CONFLICT (u) DO UPDATE SET id = excluded.id`}, []string{"U 1,a>5,a"}},
		"upsert does nothing":  {[]string{`INSERT INTO t VALUES (5, 'a') ON CONFLICT DO NOTHING`, `INSERT INTO t VALUES (6, 'f')`}, []string{"C >6,f"}},
		"cascade":              {[]string{`PRAGMA foreign_keys = ON`, `DELETE FROM parent`}, []string{"D 1,a>"}},
		"recursive triggers":   {[]string{`PRAGMA recursive_triggers = ON`, `REPLACE INTO t VALUES (1, 'b')`}, []string{"D 1,a>", "D 2,b>", "C >1,b"}},
		"key below zero":       {[]string{`INSERT INTO t VALUES (-1, 'm')`, `INSERT INTO t (u) VALUES ('n')`}, []string{"C >-1,m", "C >3,n"}},
		"a failing statement":  {[]string{`INSERT OR ROLLBACK INTO t VALUES (5, 'e')`}, []string{"C >5,e"}},
		"null is not a clash":  {[]string{`REPLACE INTO t VALUES (5, NULL)`, `REPLACE INTO t VALUES (6, NULL)`}, []string{"C >5,-", "C >6,-"}},
		"other case, same key": {[]string{`REPLACE INTO n VALUES ('AB', 1)`}, []string{"D ab,0>", "C >AB,1"}},
	} {
		t.Run(name, func(t *testing.T) {
			a := newApplication(t,
				`CREATE TABLE parent (name TEXT PRIMARY KEY)`, `INSERT INTO parent VALUES ('a')`,
				`CREATE TABLE t (id INTEGER PRIMARY KEY, u TEXT UNIQUE)`, `INSERT INTO t VALUES (1, 'a'), (2, 'b')`,
				`CREATE TABLE n (k TEXT COLLATE NOCASE PRIMARY KEY, v)`, `INSERT INTO n VALUES ('ab', 0)`)
			if name == "cascade" {
				a.exec(`DROP TABLE t`, `CREATE TABLE t (id INTEGER PRIMARY KEY, u TEXT UNIQUE REFERENCES parent ON DELETE CASCADE)`, `INSERT INTO t VALUES (1, 'a')`)
			}
			a.db.SetMaxOpenConns(1) // for the PRAGMAs
			r := follow(t, a, "t", "n")
			a.exec(c.statements...)
			got := short(r.rest(a))
			if name == "recursive triggers" {
				slices.Sort(got[:2]) // the order in which SQLite deletes
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// A Read that is cancelled anywhere leaves nothing behind that the next one meets.
func TestReadIsCancelledAnywhere(t *testing.T) {
	a := newApplication(t, `CREATE TABLE t (id INTEGER PRIMARY KEY, u TEXT)`)
	r, read := follow(t, a, "t"), 0
	for i := range 300 {
		a.exec(fmt.Sprintf(`INSERT INTO t VALUES (%d, 'a')`, i))
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(i)*5*time.Microsecond)
		b, err := r.source.Read(ctx)
		cancel()
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("after %d: %v", i, err)
		}
		if err == nil {
			read, r.position = read+len(b.Records), b.Position
		}
	}
	if read += len(r.rest(a)); read != 300 {
		t.Errorf("%d changes were read, 300 were made", read)
	}
}

// What a statement leaves that fails half-way and keeps its rows is read, and reading goes on after it.
func TestCaptureGoesOnAfterAFailingStatement(t *testing.T) {
	a := newApplication(t, `CREATE TABLE t (id INTEGER PRIMARY KEY, u TEXT UNIQUE)`, `INSERT INTO t VALUES (1, 'a')`)
	r := follow(t, a, "t")
	if _, err := a.db.Exec(`INSERT OR FAIL INTO t VALUES (2, 'b'), (3, 'a')`); err == nil {
		t.Fatal("the statement did not fail")
	}
	got := short(r.rest(a))
	r, err := openSource(t, a.config(), startAt(r.position, "t"))
	if err != nil {
		t.Fatal(err)
	}
	a.exec(`UPDATE t SET u = 'c' WHERE id = 2`)
	if diff := cmp.Diff([]string{"C >2,b", "U 2,b>2,c"}, append(got, short(r.rest(a))...)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// Any sequence of statements: playing the log gives the table.
func TestCaptureEqualsTable(t *testing.T) {
	tables := map[string]string{
		"row number":    `CREATE TABLE t (a INTEGER PRIMARY KEY, b INT UNIQUE, c TEXT, UNIQUE (c, b))`,
		"ordinary key":  `CREATE TABLE t (a INT, b INT UNIQUE, c TEXT, PRIMARY KEY (a))`,
		"two columns":   `CREATE TABLE t (a INT, b INT, c TEXT UNIQUE, PRIMARY KEY (b, a))`,
		"without rowid": `CREATE TABLE t (a INT PRIMARY KEY, b INT, c TEXT UNIQUE ON CONFLICT REPLACE) WITHOUT ROWID`,
	}
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		t.Run(name, func(t *testing.T) {
			a := newApplication(t, tables[name])
			r := follow(t, a, "t")
			model := map[string]record.Row{}
			rapid.Check(t, func(t *rapid.T) {
				for range rapid.IntRange(1, 12).Draw(t, "statements") {
					or := rapid.SampledFrom([]string{"", " OR REPLACE", " OR IGNORE", " OR FAIL"}).Draw(t, "or")
					n := func(label string) int { return rapid.IntRange(-1, 4).Draw(t, label) }
					values := fmt.Sprintf("(%d, %d, 'c%d')", n("a"), n("b"), n("c"))
					statement := rapid.SampledFrom([]string{
						"INSERT" + or + " INTO t VALUES " + values,
						"INSERT" + or + " INTO t VALUES " + values + fmt.Sprintf(", (%d, %d, 'c%d')", n("a"), n("b"), n("c")),
						"UPDATE" + or + fmt.Sprintf(" t SET b = %d WHERE a = %d", n("b"), n("a")),
						"UPDATE" + or + fmt.Sprintf(" t SET a = %d, c = 'c%d' WHERE b = %d", n("a"), n("c"), n("b")),
						"UPDATE" + or + fmt.Sprintf(" t SET a = a + %d", n("a")),
						fmt.Sprintf("DELETE FROM t WHERE b = %d", n("b")),
						"INSERT INTO t VALUES " + values + fmt.Sprintf(" ON CONFLICT DO UPDATE SET b = %d", n("b")),
					}).Draw(t, "statement")
					_, _ = a.db.Exec(statement) // may break a constraint
				}
				for _, change := range r.rest(a) {
					if change.Before != nil {
						key := keyOf(change.Table, change.Before)
						if !cmp.Equal(model[key], change.Before) {
							t.Fatalf("%v: the old row is not what was there: %v", change.Op, short([]record.Record{change}))
						}
						delete(model, key)
					}
					if change.After != nil {
						model[keyOf(change.Table, change.After)] = change.After
					}
				}
				var rows []string
				for _, row := range model {
					rows = append(rows, strings.TrimPrefix(short([]record.Record{{Op: record.Create, After: row}})[0], "C >"))
				}
				slices.Sort(rows)
				found := strings.Split(strings.ReplaceAll(a.query(`SELECT a, b, c FROM t`), " ", ","), "\n")
				slices.Sort(found)
				if diff := cmp.Diff(found, rows); diff != "" && len(rows) > 0 {
					t.Fatalf("the log does not amount to the table (-table +log)\n%s", diff)
				}
			})
		})
	}
}

func keyOf(t *record.Table, row record.Row) string {
	var key record.Row
	for _, i := range t.Key {
		key = append(key, row[i])
	}
	return encodeKey(key)
}

func TestCaptureIsPlannedAppliedAndRemoved(t *testing.T) {
	ctx := context.Background()
	a := newApplication(t, `CREATE TABLE "sổ 'cũ'" (id INTEGER PRIMARY KEY, "ghi ""chú""" TEXT UNIQUE)`, `CREATE TABLE t (id INTEGER PRIMARY KEY)`)
	schema := a.query(`SELECT name, sql FROM sqlite_schema ORDER BY name`)
	c := a.config()
	c.Capture = captureManual
	s := NewSource(c, env("hotich"))

	_, err := openSource(t, c, startAt(nil, "sổ 'cũ'", "t"))
	var refused *adapters.RefusedError
	if !errors.As(err, &refused) || !strings.Contains(refused.Fix.EN, "CREATE TRIGGER") {
		t.Fatalf("capture: manual without triggers: got %v, want a refusal with the statements", err)
	}
	if got := a.query(`SELECT name, sql FROM sqlite_schema ORDER BY name`); got != schema {
		t.Fatalf("capture: manual has changed the database:\n%s", cmp.Diff(schema, got))
	}
	found, err := s.Check(ctx, []string{"sổ 'cũ'", "t"})
	if err != nil || len(found) != 1 || found[0].Code != "source.not-captured" {
		t.Fatalf("Check says %v, %v", found, err)
	}

	plan, err := s.Plan(ctx, "sổ 'cũ'", "t")
	if err != nil {
		t.Fatal(err)
	}
	a.exec(plan...) // as a person would
	if plan, err = s.Plan(ctx, "sổ 'cũ'", "t"); err != nil || len(plan) > 0 {
		t.Fatalf("after the plan was run there is still %q, %v", plan, err)
	}
	r, err := openSource(t, c, startAt(nil, "sổ 'cũ'", "t"))
	if err != nil {
		t.Fatal(err)
	}
	a.exec(`INSERT INTO "sổ 'cũ'" VALUES (1, 'x')`)
	r.next()
	r.rest(a)
	r.source.Close()

	if err := s.Remove(ctx, "t"); err != nil {
		t.Fatal(err)
	}
	if got := a.query(`SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'`); got != "5" {
		t.Errorf("after one of two tables was removed %s triggers are left, want 5", got)
	}
	if err := s.Remove(ctx, "sổ 'cũ'"); err != nil {
		t.Fatal(err)
	}
	a.exec(`DROP TABLE truc_meta`) // it also belongs to a sink
	if got := a.query(`SELECT name, sql FROM sqlite_schema WHERE name <> 'sqlite_sequence' AND name <> 'sqlite_autoindex_truc_meta_1' ORDER BY name`); got != schema {
		t.Errorf("Remove left something behind:\n%s", cmp.Diff(schema, got))
	}
	if err := s.Apply(ctx, "t"); err != nil {
		t.Fatal(err)
	}
	if plan, err = s.Plan(ctx, "t"); err != nil || len(plan) > 0 {
		t.Errorf("after Apply there is still %q, %v", plan, err)
	}
}

func TestColumnsChangeWhileRunning(t *testing.T) {
	a := newApplication(t, `CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT)`, `INSERT INTO t VALUES (1, 'a'), (2, 'b')`)
	r := follow(t, a, "t")
	a.exec(`ALTER TABLE t RENAME COLUMN x TO y`, `UPDATE t SET y = 'c' WHERE id = 1`)
	r.rest(a)
	for r.records[len(r.records)-1].Table.Index("y") < 0 {
		a.exec(`UPDATE t SET y = y || '+' WHERE id = 1`)
		r.rest(a)
	}
	if v := r.records[len(r.records)-1].Table.Version; v != 2 {
		t.Errorf("after a column was renamed the table has version %d, want 2", v)
	}
	r.source.Close()

	// While truc is away a column comes and is filled: the triggers do not know it yet, nothing may be lost.
	a.exec(`ALTER TABLE t ADD COLUMN z TEXT NOT NULL DEFAULT 'no'`, `UPDATE t SET z = 'yes' WHERE id = 2`, `INSERT INTO t VALUES (3, 'd', 'yes'), (4, 'e', 'no')`)
	again, err := openSource(t, a.config(), startAt(r.position, "t"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int64]string{}
	for _, one := range again.rest(a) {
		if i := one.Table.Index("z"); i >= 0 {
			seen[one.After[0].Num] = string(one.After[i].Bytes)
		}
	}
	if diff := cmp.Diff(map[int64]string{2: "yes", 3: "yes"}, seen); diff != "" {
		t.Errorf("rows whose new column was filled while the triggers did not know it (-want +got):\n%s", diff)
	}
	again.source.Close()

	// SQLite refuses to drop a column that a trigger names.
	if _, err := a.db.Exec(`ALTER TABLE t DROP COLUMN z`); err == nil {
		t.Fatal("a captured column can be dropped; the README says it cannot")
	}
	if err := again.source.Remove(context.Background(), "t"); err != nil {
		t.Fatal(err)
	}
	a.exec(`ALTER TABLE t DROP COLUMN z`)
	_, err = openSource(t, a.config(), startAt(again.position, "t"))
	var gap *adapters.GapError
	if !errors.As(err, &gap) {
		t.Errorf("after the capture was removed: got %v, want a gap", err)
	}
}

func TestGapsAndDivergences(t *testing.T) {
	type state struct {
		*application
		r *reading
	}
	restore := func(s state, backup []byte) {
		s.exec(`PRAGMA wal_checkpoint(TRUNCATE)`)
		s.db.Close()
		if err := os.WriteFile(s.path, backup, 0o600); err != nil {
			s.tb.Fatal(err)
		}
		*s.application = *reopenApplication(s.tb, s.path)
	}
	for name, c := range map[string]struct {
		breakIt func(s state, backup []byte)
		wanted  any
		running bool
	}{
		"nothing happened":      {func(state, []byte) {}, nil, false},
		"a trigger was dropped": {func(s state, _ []byte) { s.exec(`DROP TRIGGER truc_t_delete`) }, new(*adapters.GapError), true},
		"the table was rebuilt": {func(s state, _ []byte) {
			s.exec(`CREATE TABLE n (id INTEGER PRIMARY KEY, x)`, `INSERT INTO n SELECT * FROM t`, `DROP TABLE t`, `ALTER TABLE n RENAME TO t`)
		}, new(*adapters.GapError), true},
		"the table was dropped": {func(s state, _ []byte) { s.exec(`DROP TABLE t`) }, new(*adapters.RefusedError), true},
		"changes were deleted":  {func(s state, _ []byte) { s.exec(`DELETE FROM truc_change`) }, new(*adapters.GapError), false},
		"an older backup":       {func(s state, b []byte) { restore(s, b) }, new(*adapters.DivergenceError), false},
		"an older backup that grew": {func(s state, b []byte) {
			restore(s, b)
			s.exec(`INSERT INTO t VALUES (71, ''), (72, ''), (73, ''), (74, '')`)
		}, new(*adapters.DivergenceError), false},
		"another database":             {func(s state, _ []byte) { s.exec(`UPDATE truc_meta SET value = 'x' WHERE name = 'identity'`) }, new(*adapters.DivergenceError), false},
		"written by the first version": {func(s state, _ []byte) { s.exec(`UPDATE truc_meta SET value = '1' WHERE name = 'capture_version'`) }, nil, false},
		"written by a newer version":   {func(s state, _ []byte) { s.exec(`UPDATE truc_meta SET value = '9' WHERE name = 'capture_version'`) }, new(*adapters.RefusedError), false},
	} {
		t.Run(name, func(t *testing.T) {
			a := newApplication(t, `CREATE TABLE t (id INTEGER PRIMARY KEY, x)`)
			s := state{a, follow(t, a, "t")}
			s.exec(`INSERT INTO t VALUES (1, 'a')`, `PRAGMA wal_checkpoint(TRUNCATE)`)
			backup, err := os.ReadFile(a.path)
			if err != nil {
				t.Fatal(err)
			}
			s.exec(`INSERT INTO t VALUES (2, 'b'), (3, 'c')`)
			s.r.rest(a)
			check := func(err error) {
				t.Helper()
				if c.wanted == nil && err != nil || c.wanted != nil && !errors.As(err, c.wanted) {
					t.Errorf("got %T %v, want %T", err, err, c.wanted)
				}
			}
			if !c.running {
				s.r.source.Close()
			}
			c.breakIt(s, backup)
			if c.running {
				ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
				defer cancel()
				_, err := s.r.source.Read(ctx)
				check(err)
				s.r.source.Close()
			}
			_, err = openSource(t, a.config(), startAt(s.r.position, "t"))
			check(err)
			if _, isRefused := c.wanted.(**adapters.RefusedError); c.wanted == nil || isRefused {
				return
			}
			anew, err := openSource(t, a.config(), adapters.Start{Reset: true, Tables: []adapters.TableStart{{Table: "t", Run: 2}}})
			if err != nil {
				t.Fatalf("truc resnapshot cannot mend it: %v", err)
			}
			anew.next()
		})
	}
	t.Run("the topics are ahead", func(t *testing.T) {
		a := newApplication(t, `CREATE TABLE t (id INTEGER PRIMARY KEY, x)`)
		start := startAt(nil, "t")
		start.Floor = record.Order{Major: 77}
		_, err := openSource(t, a.config(), start)
		var diverged *adapters.DivergenceError
		if !errors.As(err, &diverged) {
			t.Errorf("got %v, want a divergence", err)
		}
	})
}

func TestTablesThatCannotBeCaptured(t *testing.T) {
	a := newApplication(t, `CREATE TABLE k (x)`, `CREATE VIEW v AS SELECT 1 AS id`, `CREATE TABLE khai_sinh (id INTEGER PRIMARY KEY)`,
		`CREATE TABLE e (id INTEGER PRIMARY KEY, x)`, `CREATE UNIQUE INDEX ex ON e (lower(x))`)
	found, err := NewSource(a.config(), env("hotich")).Check(context.Background(), []string{"k", "v", "khaisinh", "khai_sinh", "e"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range found {
		if p.Fix.EN == "" || p.Where == "" {
			t.Errorf("%s lacks a place or a remedy", p.Code)
		}
		got = append(got, fmt.Sprint(p.Code, " ", p.Warning))
	}
	if diff := cmp.Diff([]string{"source.no-key false", "source.not-a-table false", "source.unknown-table false", "source.expression-index true"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if !strings.Contains(found[2].Fix.EN, "khai_sinh") {
		t.Errorf("the table that resembles khaisinh is not named: %s", found[2].Fix)
	}
}
