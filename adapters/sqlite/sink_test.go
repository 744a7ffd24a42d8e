package sqlite

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/record"
)

func openSink(tb testing.TB, a *application) *Sink {
	tb.Helper()
	s := NewSink(a.config(), env("bhyt"))
	tb.Cleanup(func() { s.Close() })
	if err := s.Open(context.Background()); err != nil {
		tb.Fatal(err)
	}
	return s
}

const pipeline = "giao"

func target(table string, columns ...string) *record.Target {
	return &record.Target{Pipeline: pipeline, Table: table, Key: []string{"id"}, Columns: columns}
}

// put is an upsert of a row by its number.
func put(t *record.Target, id, sequence int64, values ...record.Value) record.Change {
	return record.Change{Target: t, Key: record.Row{record.IntValue(id)}, Values: values, Source: "/agencies/H44.15/hotich/x", Sequence: fmt.Sprintf("%032x", sequence)}
}

func remove(t *record.Target, id, sequence int64) record.Change {
	c := put(t, id, sequence)
	c.Delete = true
	return c
}

var part = adapters.TopicPartition{Topic: "hotich.khaisinh.v1.h44.15"}

// apply applies changes at the stored offset.
func apply(tb testing.TB, s *Sink, changes ...record.Change) error {
	tb.Helper()
	from, err := s.Offsets(context.Background(), pipeline, []adapters.TopicPartition{part})
	if err != nil {
		tb.Fatal(err)
	}
	return s.Apply(context.Background(), pipeline, changes, from, adapters.Offsets{part: {Next: from[part].Next + 1}})
}

// rejections writes what was rejected as "1 unique park".
func rejections(tb testing.TB, err error) []string {
	tb.Helper()
	if err == nil {
		return nil
	}
	var rejected *adapters.RejectedError
	if !errors.As(err, &rejected) {
		tb.Fatalf("got %T %v, want a RejectedError", err, err)
	}
	var out []string
	for _, r := range rejected.Rejections {
		park := ""
		if r.Park {
			park = " park"
		}
		if text := r.Err.Error(); strings.Contains(text, "bí mật") || strings.Contains(text, "constraint failed") {
			tb.Errorf("a rejection repeats a value or the driver: %s", text)
		}
		out = append(out, fmt.Sprintf("%d %s%s", r.Index, r.Reason, park))
	}
	return out
}

func TestRejections(t *testing.T) {
	text := record.TextValue
	for name, c := range map[string]struct {
		schema  []string
		columns []string
		// before is applied first and must succeed.
		before, changes func(t *record.Target) []record.Change
		want            []string
		table           string // what it holds afterwards, if nothing was rejected
	}{
		"check": {
			schema:  []string{`CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT CHECK (length(v) < 5))`},
			changes: func(t *record.Target) []record.Change { return []record.Change{put(t, 1, 1, text("bí mật"))} },
			want:    []string{"0 check"},
		},
		"several at once": {
			schema: []string{`CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT NOT NULL CHECK (length(v) < 5))`},
			changes: func(t *record.Target) []record.Change {
				return []record.Change{put(t, 1, 1, text("bí mật")), put(t, 2, 2, text("tốt")), put(t, 3, 3, record.NullValue)}
			},
			want: []string{"0 check", "2 not-null"},
		},
		"a trigger of the application": {
			schema:  []string{`CREATE TABLE t (id INTEGER PRIMARY KEY, v)`, `CREATE TRIGGER r BEFORE INSERT ON t BEGIN SELECT RAISE(ABORT, 'bí mật'); END`},
			changes: func(t *record.Target) []record.Change { return []record.Change{put(t, 1, 1, text("x"))} },
			want:    []string{"0 check"},
		},
		"type": {
			schema:  []string{`CREATE TABLE t (id INTEGER PRIMARY KEY, v INT) STRICT`},
			changes: func(t *record.Target) []record.Change { return []record.Change{put(t, 1, 1, text("bí mật"))} },
			want:    []string{"0 type"},
		},
		"type of the key": {
			schema: []string{`CREATE TABLE t (id INTEGER PRIMARY KEY, v)`},
			changes: func(t *record.Target) []record.Change {
				c := put(t, 1, 1, text("x"))
				c.Key[0] = text("bí mật")
				return []record.Change{c}
			},
			want: []string{"0 type"},
		},
		"a cell that is not known": {
			schema:  []string{`CREATE TABLE t (id INTEGER PRIMARY KEY, v)`},
			changes: func(t *record.Target) []record.Change { return []record.Change{put(t, 1, 1, record.Value{})} },
			want:    []string{"0 type"},
		},
		"foreign key": {
			schema: []string{`CREATE TABLE p (id INTEGER PRIMARY KEY)`, `CREATE TABLE t (id INTEGER PRIMARY KEY, v REFERENCES p)`},
			changes: func(t *record.Target) []record.Change {
				return []record.Change{put(t, 1, 1, record.NullValue), put(t, 2, 2, record.IntValue(7))}
			},
			want: []string{"1 foreign-key park"},
		},
		"foreign key within the batch": {
			schema: []string{`CREATE TABLE t (id INTEGER PRIMARY KEY, v REFERENCES t)`},
			changes: func(t *record.Target) []record.Change {
				return []record.Change{put(t, 1, 1, record.IntValue(2)), put(t, 2, 2, record.IntValue(3)), put(t, 3, 3, record.NullValue)}
			},
			table: "1 2\n2 3\n3 -",
		},
		"deferred foreign key": {
			schema: []string{`CREATE TABLE p (id INTEGER PRIMARY KEY)`, `CREATE TABLE t (id INTEGER PRIMARY KEY, v REFERENCES p DEFERRABLE INITIALLY DEFERRED)`},
			changes: func(t *record.Target) []record.Change {
				return []record.Change{put(t, 1, 1, record.NullValue), put(t, 2, 2, record.IntValue(7)), put(t, 3, 3, record.NullValue)}
			},
			want: []string{"1 foreign-key park"},
		},
		"deferred foreign key within the batch": {
			schema: []string{`CREATE TABLE t (id INTEGER PRIMARY KEY, v REFERENCES t DEFERRABLE INITIALLY DEFERRED)`},
			changes: func(t *record.Target) []record.Change {
				return []record.Change{put(t, 1, 1, record.IntValue(2)), put(t, 2, 2, record.NullValue)}
			},
			table: "1 2\n2 -",
		},
		"deleting a parent": {
			schema: []string{`CREATE TABLE t (id INTEGER PRIMARY KEY, v REFERENCES t)`},
			before: func(t *record.Target) []record.Change {
				return []record.Change{put(t, 1, 1, record.NullValue), put(t, 2, 2, record.IntValue(1))}
			},
			changes: func(t *record.Target) []record.Change { return []record.Change{remove(t, 1, 3)} },
			want:    []string{"0 foreign-key park"},
		},
		"deleting parent and child": {
			schema: []string{`CREATE TABLE t (id INTEGER PRIMARY KEY, v REFERENCES t)`},
			before: func(t *record.Target) []record.Change {
				return []record.Change{put(t, 1, 1, record.NullValue), put(t, 2, 2, record.IntValue(1))}
			},
			changes: func(t *record.Target) []record.Change { return []record.Change{remove(t, 1, 3), remove(t, 2, 4)} },
			table:   "",
		},
		"swap where null is forbidden": {
			schema: []string{`CREATE TABLE t (id INTEGER PRIMARY KEY, v INT NOT NULL UNIQUE) STRICT`},
			before: func(t *record.Target) []record.Change {
				return []record.Change{put(t, 1, 1, record.IntValue(10)), put(t, 2, 2, record.IntValue(20))}
			},
			changes: func(t *record.Target) []record.Change {
				return []record.Change{put(t, 1, 3, record.IntValue(20)), put(t, 2, 4, record.IntValue(10))}
			},
			table: "1 20\n2 10",
		},
		"swap with somebody outside": {
			schema: []string{`CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT NOT NULL UNIQUE)`},
			before: func(t *record.Target) []record.Change {
				return []record.Change{put(t, 1, 1, text("a")), put(t, 2, 2, text("b")), put(t, 3, 3, text("c"))}
			},
			changes: func(t *record.Target) []record.Change {
				return []record.Change{put(t, 1, 4, text("c")), put(t, 2, 5, text("a"))}
			},
			want: []string{"0 unique park"},
		},
		"an older event of a swap": {
			schema: []string{`CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT UNIQUE)`},
			before: func(t *record.Target) []record.Change {
				return []record.Change{put(t, 1, 1, text("a")), put(t, 2, 2, text("b"))}
			},
			changes: func(t *record.Target) []record.Change {
				return []record.Change{put(t, 1, 3, text("b")), put(t, 1, 5, text("x")), put(t, 2, 4, text("a"))}
			},
			table: "1 x\n2 a",
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := newApplication(t, c.schema...)
			s, tg := openSink(t, a), target("t", "v")
			if c.before != nil {
				if err := apply(t, s, c.before(tg)...); err != nil {
					t.Fatal(err)
				}
			}
			holding := a.query(`SELECT * FROM t ORDER BY id`)
			got := rejections(t, apply(t, s, c.changes(tg)...))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if c.want == nil {
				holding = c.table
			}
			if now := a.query(`SELECT * FROM t ORDER BY id`); now != holding {
				t.Errorf("the table holds\n%s\nwant\n%s", now, holding)
			}
		})
	}
}

// Every kind of value, and octets that are no UTF-8, arrive as the README says.
func TestValuesInColumns(t *testing.T) {
	a := newApplication(t, `CREATE TABLE t (id INTEGER PRIMARY KEY, loose, n NUMERIC, s TEXT)`)
	s, tg := openSink(t, a), target("t", "loose", "n", "s")
	for i, c := range []struct {
		value record.Value
		want  string // storage class and content in columns without, with numeric and with text affinity
	}{
		{record.BytesOf(record.Decimal, []byte("12.50")), "text 12.50 real 12.5 text 12.50"},
		{record.BytesOf(record.Decimal, []byte("123456789012345678901234567890.1")), "text 123456789012345678901234567890.1 real 1.2345678901234568e+29 text 123456789012345678901234567890.1"},
		{record.IntValue(7), "integer 7 integer 7 text 7"},
		{record.FloatValue(0.5), "real 0.5 real 0.5 text 0.5"},
		{record.BoolValue(true), "integer 1 integer 1 text 1"},
		{record.BytesOf(record.Date, []byte("1945-09-02")), "text 1945-09-02 text 1945-09-02 text 1945-09-02"},
		{record.BytesOf(record.Timestamp, []byte("1945-09-02T07:00:00Z")), "text 1945-09-02T07:00:00Z text 1945-09-02T07:00:00Z text 1945-09-02T07:00:00Z"},
		{record.BytesOf(record.Bytes, []byte{}), "blob  blob  blob "},
		{record.TextValue(tcvn3Bytes()), "text " + tcvn3Bytes() + " text " + tcvn3Bytes() + " text " + tcvn3Bytes()},
	} {
		id := int64(i + 1)
		if err := apply(t, s, put(tg, id, id, c.value, c.value, c.value)); err != nil {
			t.Fatal(err)
		}
		if got := a.query(`SELECT typeof(loose), loose, typeof(n), n, typeof(s), s FROM t WHERE id = ?`, id); got != c.want {
			t.Errorf("%v %q is stored as %q, want %q", c.value.Kind, c.value.Append(nil), got, c.want)
		}
	}
}

// A table is either a source or a sink of truc, so that nothing goes round in a circle. Other tables of the file are free.
func TestSourceAndSinkInOneFile(t *testing.T) {
	ctx := context.Background()
	a := newApplication(t, `CREATE TABLE own (id INTEGER PRIMARY KEY, v)`, `CREATE TABLE delivered (id INTEGER PRIMARY KEY, v)`, `INSERT INTO own VALUES (1, 'a')`)
	r := follow(t, a, "own")
	s := openSink(t, a)
	if err := apply(t, s, put(target("delivered", "v"), 5, 1, record.TextValue("b"))); err != nil {
		t.Fatal(err)
	}
	a.exec(`INSERT INTO own VALUES (2, 'c')`)
	if diff := cmp.Diff([]string{"C >2,c"}, short(r.rest(a))); diff != "" {
		t.Errorf("the source beside a sink (-want +got)\n%s", diff)
	}

	var refused *adapters.RefusedError
	if err := apply(t, s, put(target("own", "v"), 1, 1, record.TextValue("x"))); !errors.As(err, &refused) {
		t.Errorf("delivering into a table that is shared: %v, want a refusal", err)
	}
	found, err := s.CheckTargets(ctx, []*record.Target{target("own", "v")})
	if err != nil || len(found) != 1 || found[0].Code != "sink.own-source" {
		t.Errorf("CheckTargets says %v, %v", found, err)
	}
	if _, err := openSource(t, a.config(), startAt(nil, "delivered")); !errors.As(err, &refused) {
		t.Errorf("sharing a table that is delivered into: %v, want a refusal", err)
	}
}

func TestCheckTargets(t *testing.T) {
	a := newApplication(t, `CREATE TABLE tre_em (id INT, ho_ten TEXT, bat_buoc TEXT NOT NULL, san TEXT NOT NULL DEFAULT 'x', dai INT NOT NULL GENERATED ALWAYS AS (length(ho_ten)))`)
	s := NewSink(a.config(), env("bhyt"))
	bad := target("tre_em", "hoten", "dai")
	found, err := s.CheckTargets(context.Background(), []*record.Target{bad, target("treem", "x"), target("tre_em", "ho_ten")})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range found {
		got = append(got, p.Code)
		if p.Fix.EN == "" {
			t.Errorf("%s has no remedy", p.Code)
		}
	}
	want := []string{"sink.unknown-column", "sink.generated-column", "sink.missing-column", "sink.unknown-table", "sink.no-unique-key", "sink.missing-column"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for i, hint := range map[int]string{0: "ho_ten", 3: "tre_em", 4: `CREATE UNIQUE INDEX "truc_key_tre_em" ON "tre_em" ("id")`} {
		if !strings.Contains(found[i].Fix.EN, hint) {
			t.Errorf("%s does not suggest %s: %s", found[i].Code, hint, found[i].Fix)
		}
	}
	a.exec(found[4].Fix.EN)
	found, err = s.CheckTargets(context.Background(), []*record.Target{target("tre_em", "ho_ten", "bat_buoc")})
	if err != nil || len(found) > 0 {
		t.Errorf("after the remedies there is still %v, %v", found, err)
	}
}

func TestTargetThatIsNotThere(t *testing.T) {
	a := newApplication(t, `CREATE TABLE t (id INTEGER PRIMARY KEY, v)`)
	s, tg := openSink(t, a), target("t", "v")
	var refused *adapters.RefusedError
	if err := apply(t, s, put(target("x", "v"), 1, 1, record.NullValue)); !errors.As(err, &refused) {
		t.Errorf("an unknown table: %v, want a refusal", err)
	}
	if err := apply(t, s, put(tg, 1, 1, record.NullValue)); err != nil {
		t.Errorf("after a refusal the sink does not go on: %v", err)
	}
	a.exec(`DROP TABLE t`)
	if err := apply(t, s, put(tg, 1, 2, record.NullValue)); !errors.As(err, &refused) {
		t.Errorf("a table that vanished: %v, want a refusal", err)
	}
}

// killedChild names the environment variable that makes the test binary apply until it is killed.
const killedChild = "TRUC_SQLITE_APPLY_UNTIL_KILLED"

// A process killed in Apply leaves rows, bookkeeping and offsets of whole batches.
func TestKilledInApply(t *testing.T) {
	if path := os.Getenv(killedChild); path != "" {
		applyUntilKilled(path)
		return
	}
	a := newApplication(t, `CREATE TABLE t (id INTEGER PRIMARY KEY, v UNIQUE)`)
	for round := range 5 {
		child := exec.Command(os.Args[0], "-test.run=^TestKilledInApply$")
		child.Env = append(os.Environ(), killedChild+"="+a.path)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewReader(out)
		confirmed := int64(-1)
		for range 3 { // batches that are surely through
			line, err := lines.ReadString('\n')
			if err != nil {
				t.Fatalf("the child ended: %v", err)
			}
			if confirmed, err = strconv.ParseInt(strings.TrimSpace(line), 10, 64); err != nil {
				t.Fatalf("the child said %q", line)
			}
		}
		time.Sleep(time.Duration(round) * 3 * time.Millisecond)
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		rest, _ := io.ReadAll(lines)
		_ = child.Wait()
		if words := strings.Fields(string(rest)); len(words) > 0 {
			if n, err := strconv.ParseInt(words[len(words)-1], 10, 64); err == nil {
				confirmed = n
			}
		}
		next := a.query(`SELECT next FROM truc_sink_offset`)
		offset, err := strconv.ParseInt(next, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if offset < confirmed {
			t.Fatalf("the child had confirmed offset %d, stored is %d", confirmed, offset)
		}
		want := fmt.Sprintf("%d %d %d", batchOfChild, offset*batchOfChild, offset*batchOfChild)
		if got := a.query(`SELECT count(*), min(v) + ` + strconv.Itoa(batchOfChild) + `, max(v) + 1 FROM t`); got != want {
			t.Errorf("killed at offset %d the table has rows, lowest and highest value %s, want %s", offset, got, want)
		}
		if got := a.query(`SELECT count(*) FROM truc_sink_entity WHERE sequence = ?`, fmt.Sprintf("%032x", offset)); got != strconv.Itoa(batchOfChild) {
			t.Errorf("killed at offset %d the bookkeeping has %s keys of the last batch, want %d", offset, got, batchOfChild)
		}
	}
}

const batchOfChild = 40

// applyUntilKilled writes batch after batch over the same rows, batch n with the values n*40 … n*40+39, in turn.
func applyUntilKilled(path string) {
	c := defaults()
	c.Path = path
	s, tg, ctx := NewSink(c, env("bhyt")), target("t", "v"), context.Background()
	if err := s.Open(ctx); err != nil {
		panic(err)
	}
	for {
		from, err := s.Offsets(ctx, pipeline, []adapters.TopicPartition{part})
		if err != nil {
			panic(err)
		}
		n := from[part].Next
		var changes []record.Change
		for i := range int64(batchOfChild) {
			changes = append(changes, put(tg, i, n+1, record.IntValue(n*batchOfChild+(i+n)%batchOfChild)))
		}
		if err := s.Apply(ctx, pipeline, changes, from, adapters.Offsets{part: {Next: n + 1}}); err != nil {
			panic(err)
		}
		os.Stdout.WriteString(strconv.FormatInt(n+1, 10) + "\n")
	}
}

// TestFirstFormats: what the first format wrote is brought up to date when it is opened, and keeps what it knows; from then on
// an older truc refuses it, which would misread it.
func TestFirstFormats(t *testing.T) {
	a := newApplication(t, `CREATE TABLE t (id INTEGER PRIMARY KEY, x)`)
	tp := adapters.TopicPartition{Topic: "t"}
	open := func() *Sink {
		s := NewSink(&Config{Path: a.path}, env("bhyt"))
		t.Cleanup(func() { _ = s.Close() })
		if err := s.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := open()
	if err := s.Apply(t.Context(), "p", nil, adapters.Offsets{tp: {}}, adapters.Offsets{tp: {Next: 7}}); err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
	follow(t, a, "t")
	a.exec(`ALTER TABLE truc_sink_offset DROP COLUMN mark`, `UPDATE truc_meta SET value = '1' WHERE name IN ('sink_version', 'capture_version')`)
	got, err := open().Offsets(t.Context(), "p", []adapters.TopicPartition{tp})
	if err != nil || got[tp] != (adapters.Offset{Next: 7}) {
		t.Errorf("offsets %v, %v", got, err)
	}
	follow(t, a, "t")
	for _, name := range []string{"sink_version", "capture_version"} {
		var version string
		if err := a.db.QueryRowContext(t.Context(), `SELECT value FROM truc_meta WHERE name = ?`, name).Scan(&version); err != nil || version != "2" {
			t.Errorf("%s is %q, %v, want 2", name, version, err)
		}
	}
}
