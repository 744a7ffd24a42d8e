package postgres

import (
	"fmt"
	"testing"

	"github.com/lienthong/truc/record"
)

// TestSinkOldAmongMany: a large batch is encoded while the server decides; what it decides against is left out all the same.
func TestSinkOldAmongMany(t *testing.T) {
	b := newBed(t, people(), "CREATE SCHEMA bhyt; CREATE TABLE bhyt.nguoi (id int PRIMARY KEY, name text, code text)")
	const many = 300
	var old, first, mixed []record.Change
	for i := range many {
		old = append(old, b.put(i, "cũ", nil))
	}
	for i := range many {
		first = append(first, b.put(i, "nay", nil))
	}
	b.apply(first[:many/2]...)
	for i := range many {
		switch i % 3 {
		case 0:
			mixed = append(mixed, old[i])
		case 1:
			mixed = append(mixed, b.put(i, "mới", nil))
		default:
			mixed = append(mixed, b.remove(i))
		}
	}
	b.apply(mixed...)
	b.want("SELECT name, count(*) FROM bhyt.nguoi GROUP BY name", "cũ 50", "mới 100", "nay 50")
	b.want("SELECT deleted, count(*) FROM truc.sink_entity GROUP BY deleted", "f 200", "t 100")
}

// TestSinkAdoptsRows: rows that the agency has already are updated, not inserted, although the bookkeeping does not know them;
// and it is found out once that there are such rows, not with every batch.
func TestSinkAdoptsRows(t *testing.T) {
	b := newBed(t, people(), `CREATE SCHEMA bhyt; CREATE TABLE bhyt.nguoi (id int PRIMARY KEY, name text, code text, tinh text NOT NULL);
		INSERT INTO bhyt.nguoi SELECT n, 'cũ', NULL, 'Phú Thọ' FROM generate_series(1, 9) n`)
	for i := range 3 {
		b.apply(b.put(3*i+1, "mới", nil), b.put(3*i+2, "mới", nil), b.put(3*i+3, "mới", nil))
		lane := b.sink.pipelines[b.target.Pipeline]
		if want := carefulBatches - i; lane.conn.careful != want {
			t.Errorf("after batch %d rows are looked for in %d more batches, want %d", i+1, lane.conn.careful, want)
		}
	}
	b.want("SELECT name, tinh, count(*) FROM bhyt.nguoi GROUP BY name, tinh", "mới Phú Thọ 9")
	b.want("SELECT count(*) FROM truc.sink_entity", "9")
}

// TestSinkInsertsWhatIsNew: keys that nobody knows are inserted with no look at the table first, keys that are known again are not.
func TestSinkInsertsWhatIsNew(t *testing.T) {
	b := newBed(t, people(), "CREATE SCHEMA bhyt; CREATE TABLE bhyt.nguoi (id int PRIMARY KEY, name text, code text)")
	for i, table := range []string{"CREATE TABLE bhyt.a", "CREATE TABLE bhyt.b"} {
		column := []string{"n int DEFAULT 7", "n serial"}[i]
		execute(t, b.dsn, fmt.Sprintf("%s (id int PRIMARY KEY, %s)", table, column))
	}
	err := b.sink.with(b.ctx, "x", func(c *sinkConn) error {
		for name, want := range map[string]bool{"bhyt.nguoi": false, "bhyt.a": false, "bhyt.b": true} {
			described, err := c.describeSink(b.ctx, name)
			if err != nil {
				return err
			}
			if described.traces != want {
				t.Errorf("%s: an insert that fails leaves traces: %v, want %v", name, described.traces, want)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	b.apply(b.put(1, "a", nil), b.put(2, "b", nil))
	b.apply(b.put(3, "c", nil), b.put(2, "bb", nil), b.remove(1))
	b.apply(b.put(1, "aa", nil), b.put(4, "d", nil))
	b.want("SELECT id, name FROM bhyt.nguoi", "1 aa", "2 bb", "3 c", "4 d")
	if careful := b.sink.pipelines[b.target.Pipeline].conn.careful; careful != 0 {
		t.Errorf("nothing failed, and %d batches are to be careful", careful)
	}
}
