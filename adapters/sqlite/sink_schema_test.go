package sqlite

import (
	"errors"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/record"
)

// TestWhatTheSchemaDoesOnConflict: a table may say what an insert does when it violates a constraint; and a trigger may end
// the transaction. Neither may take a row away, leave one out, or make half of a batch stand.
func TestWhatTheSchemaDoesOnConflict(t *testing.T) {
	for name, c := range map[string]struct {
		schema []string
		want   []string
	}{
		"unique replaces":    {[]string{`CREATE TABLE t (id INTEGER PRIMARY KEY, v UNIQUE ON CONFLICT REPLACE)`}, []string{"1 unique park"}},
		"unique ignores":     {[]string{`CREATE TABLE t (id INTEGER PRIMARY KEY, v UNIQUE ON CONFLICT IGNORE)`}, []string{"1 unique park"}},
		"unique rolls back":  {[]string{`CREATE TABLE t (id INTEGER PRIMARY KEY, v UNIQUE ON CONFLICT ROLLBACK)`}, []string{"1 unique park"}},
		"trigger rolls back": {[]string{`CREATE TABLE t (id INTEGER PRIMARY KEY, v)`, `CREATE TRIGGER r BEFORE INSERT ON t WHEN NEW.id = 3 BEGIN SELECT RAISE(ROLLBACK, 'bí mật'); END`}, []string{"1 check"}},
		"trigger fails":      {[]string{`CREATE TABLE t (id INTEGER PRIMARY KEY, v)`, `CREATE TRIGGER r AFTER INSERT ON t WHEN NEW.id = 3 BEGIN SELECT RAISE(FAIL, 'bí mật'); END`}, []string{"1 check"}},
	} {
		t.Run(name, func(t *testing.T) {
			a := newApplication(t, c.schema...)
			s, tg := openSink(t, a), target("t", "v")
			if err := apply(t, s, put(tg, 1, 1, record.TextValue("a"))); err != nil {
				t.Fatal(err)
			}
			batch := []record.Change{put(tg, 2, 2, record.TextValue("b")), put(tg, 3, 3, record.TextValue("a")), put(tg, 4, 4, record.TextValue("d"))}
			if diff := cmp.Diff(c.want, rejections(t, apply(t, s, batch...))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if got := a.query(`SELECT id, v FROM t`); got != "1 a" {
				t.Errorf("after the rejection the table holds %q, want the row of before alone", got)
			}
			if got := a.query(`SELECT count(*) FROM truc_sink_entity`) + a.query(`SELECT next FROM truc_sink_offset`); got != "11" {
				t.Errorf("after the rejection the bookkeeping has %s keys and offset, want 1 and 1", got)
			}
			if err := apply(t, s, batch[0], batch[2]); err != nil {
				t.Fatal(err)
			}
			if got := a.query(`SELECT id, v FROM t ORDER BY id`); got != "1 a\n2 b\n4 d" {
				t.Errorf("without the bad change the table holds %q", got)
			}
		})
	}
}

// TestTriggerThatIgnoresUpdates: an update that a trigger leaves out is no reason to insert the row again.
func TestTriggerThatIgnoresUpdates(t *testing.T) {
	a := newApplication(t, `CREATE TABLE t (id INTEGER PRIMARY KEY, v)`, `CREATE TRIGGER r BEFORE UPDATE ON t WHEN NEW.v IS OLD.v BEGIN SELECT RAISE(IGNORE); END`)
	s, tg := openSink(t, a), target("t", "v")
	for i := range int64(2) {
		if got := rejections(t, apply(t, s, put(tg, 1, 1+i, record.TextValue("a")))); got != nil {
			t.Errorf("write %d of the same: %v", i+1, got)
		}
	}
	if got := a.query(`SELECT sequence LIKE '%2' FROM truc_sink_entity`); got != "1" {
		t.Error("the bookkeeping does not know of the second event")
	}
}

// TestRowThatBreaksAnExpression: what goes wrong in a generated column or a trigger while a row is written is about that row.
func TestRowThatBreaksAnExpression(t *testing.T) {
	for name, schema := range map[string][]string{
		"generated column": {`CREATE TABLE t (id INTEGER PRIMARY KEY, v, g AS (json_extract(v, '$.a')) STORED)`},
		"trigger":          {`CREATE TABLE t (id INTEGER PRIMARY KEY, v)`, `CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT json_extract(NEW.v, '$.a'); END`},
		"index":            {`CREATE TABLE t (id INTEGER PRIMARY KEY, v)`, `CREATE INDEX i ON t (json_extract(v, '$.a'))`},
	} {
		t.Run(name, func(t *testing.T) {
			a := newApplication(t, schema...)
			s, tg := openSink(t, a), target("t", "v")
			got := rejections(t, apply(t, s, put(tg, 1, 1, record.TextValue(`{"a":1}`)), put(tg, 2, 2, record.TextValue(`{bí mật`))))
			if diff := cmp.Diff([]string{"1 check"}, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// TestSinkFileReplaced: what is written into a file that was moved away is lost; the sink must open the one in its place.
func TestSinkFileReplaced(t *testing.T) {
	a := newApplication(t, `CREATE TABLE t (id INTEGER PRIMARY KEY, v)`)
	s, tg := openSink(t, a), target("t", "v")
	if err := apply(t, s, put(tg, 1, 1, record.TextValue("a"))); err != nil {
		t.Fatal(err)
	}
	backup := a.path + ".backup"
	a.exec("VACUUM INTO " + literal(backup))
	if err := apply(t, s, put(tg, 2, 2, record.TextValue("b"))); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Rename(backup, a.path), os.Remove(a.path+"-wal"), os.Remove(a.path+"-shm")); err != nil {
		t.Fatal(err)
	}
	from := adapters.Offsets{part: {Next: 2}}
	err := s.Apply(t.Context(), pipeline, []record.Change{put(tg, 3, 3, record.TextValue("c"))}, from, adapters.Offsets{part: {Next: 3}})
	var unreachable *adapters.UnreachableError
	if !errors.As(err, &unreachable) && !errors.Is(err, adapters.ErrOffsetMoved) {
		t.Fatalf("got %v, want an error that leads to the file in its place", err)
	}
	// What the pipeline does then: ask where the file stands, and deliver from there.
	now, err := s.Offsets(t.Context(), pipeline, []adapters.TopicPartition{part})
	if err != nil || now[part].Next != 1 {
		t.Fatalf("offsets %v, %v; want those of the backup", now, err)
	}
	for id := int64(2); id <= 3; id++ {
		if err := apply(t, s, put(tg, id, id, record.TextValue("x"))); err != nil {
			t.Fatal(err)
		}
	}
	if got := reopenApplication(t, a.path).query(`SELECT id, v FROM t`); got != "1 a\n2 x\n3 x" {
		t.Errorf("the file in its place holds %q", got)
	}
}
