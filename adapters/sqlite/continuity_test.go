package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"modernc.org/sqlite"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/record"
)

// until reads until an error comes, or nothing for a while.
func (r *reading) until() error {
	r.Helper()
	for {
		ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
		b, err := r.source.Read(ctx)
		cancel()
		if err != nil {
			return err
		}
		r.position = b.Position
		r.records = append(r.records, b.Records...)
	}
}

func wantGap(t *testing.T, err error) {
	t.Helper()
	var gap *adapters.GapError
	if !errors.As(err, &gap) {
		t.Errorf("got %T %v, want a gap", err, err)
	}
}

// TestCaptureThatWasAwayIsAGap: triggers that were gone for a while and came back, by truc's own commands, have missed
// changes. The reader that goes on afterwards must say so; what was captured before is still handed out.
func TestCaptureThatWasAwayIsAGap(t *testing.T) {
	ctx := context.Background()
	for name, away := range map[string]func(a *application, s *Source){
		"table rebuilt": func(a *application, _ *Source) {
			a.exec(`CREATE TABLE n (id INTEGER PRIMARY KEY, x)`, `INSERT INTO n SELECT * FROM t`, `DROP TABLE t`, `ALTER TABLE n RENAME TO t`)
		},
		"removed": func(a *application, s *Source) {
			if err := s.Remove(ctx, "t"); err != nil {
				a.tb.Fatal(err)
			}
		},
		"one trigger dropped": func(a *application, _ *Source) { a.exec(`DROP TRIGGER truc_t_insert`) },
	} {
		t.Run(name, func(t *testing.T) {
			a := newApplication(t, `CREATE TABLE t (id INTEGER PRIMARY KEY, x)`, `CREATE TABLE u (id INTEGER PRIMARY KEY, x)`)
			r := follow(t, a, "t", "u")
			r.source.Close()
			a.exec(`INSERT INTO t VALUES (1, 'captured')`)
			s := NewSource(a.config(), env("hotich"))
			away(a, s)
			a.exec(`INSERT INTO t VALUES (2, 'missed')`)
			if err := s.Apply(ctx, "t", "u"); err != nil {
				t.Fatal(err)
			}
			a.exec(`INSERT INTO t VALUES (3, 'captured again')`)
			again, err := openSource(t, a.config(), startAt(r.position, "t", "u"))
			if err == nil {
				err = again.until()
			}
			wantGap(t, err)
			for _, one := range again.records {
				if one.After[0].Num > 1 {
					t.Errorf("change %v was handed out beyond the gap", short([]record.Record{one}))
				}
			}
			again.source.Close()

			// The other table alone is whole, and a new run of the first mends it.
			alone, err := openSource(t, a.config(), startAt(r.position, "u"))
			if err != nil {
				t.Fatal(err)
			}
			if err := alone.until(); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a table without a gap: %v", err)
			}
			alone.source.Close()
			anew, err := openSource(t, a.config(), adapters.Start{Reset: true, Tables: []adapters.TableStart{{Table: "t", Run: 2}, {Table: "u", Run: 2}}})
			if err != nil {
				t.Fatal(err)
			}
			if err := anew.until(); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("after a reset: %v", err)
			}
		})
	}
}

// TestTableAddedAgain: a table that was read once, and whose triggers went since, begins anew without a gap.
func TestTableAddedAgain(t *testing.T) {
	a := newApplication(t, `CREATE TABLE t (id INTEGER PRIMARY KEY, x)`, `CREATE TABLE u (id INTEGER PRIMARY KEY, x)`)
	follow(t, a, "t").source.Close()
	a.exec(`DROP TRIGGER truc_t_insert`)
	r := follow(t, a, "u")
	a.exec(`INSERT INTO t VALUES (1, 'a')`)
	r.source.Close()
	again, err := openSource(t, a.config(), startAt(r.position, "t", "u"))
	if err != nil {
		t.Fatal(err)
	}
	if err := again.until(); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the table's snapshot", err)
	}
	if got := short(again.records); len(got) != 2 || got[0] != "S >1,a" {
		t.Errorf("got %v, want the row and the end of the snapshot", got)
	}
}

// TestReplacedWhileReading: the file, or what is in it, is exchanged under a running source.
func TestReplacedWhileReading(t *testing.T) {
	restore := func(a *application, from string) { // as `.restore` of sqlite3 does
		c, err := a.db.Conn(context.Background())
		if err != nil {
			a.tb.Fatal(err)
		}
		defer c.Close()
		err = c.Raw(func(c any) error {
			b, err := c.(interface {
				NewRestore(string) (*sqlite.Backup, error)
			}).NewRestore(from)
			if err != nil {
				return err
			}
			_, err = b.Step(-1)
			return errors.Join(err, b.Finish())
		})
		if err != nil {
			a.tb.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		exchange func(a *application, backup string)
		wanted   any
	}{
		"another file in its place": {func(a *application, backup string) {
			if err := os.Rename(backup, a.path); err != nil {
				a.tb.Fatal(err)
			}
		}, new(*adapters.UnreachableError)}, // it is opened again, and then compared
		"the file is gone": {func(a *application, _ string) {
			if err := os.Rename(a.path, a.path+".away"); err != nil {
				a.tb.Fatal(err)
			}
		}, new(*adapters.UnreachableError)},
		"an older state restored into it": {restore, new(*adapters.DivergenceError)},
		"an older state that grew": {func(a *application, backup string) {
			restore(a, backup)
			a.exec(`INSERT INTO t VALUES (71, ''), (72, ''), (73, ''), (74, '')`)
		}, new(*adapters.DivergenceError)},
		"another reader's acknowledgement": {func(a *application, _ string) {
			a.exec(`INSERT INTO t VALUES (81, ''), (82, ''), (83, '')`, `DELETE FROM truc_change WHERE id < (SELECT max(id) FROM truc_change)`)
		}, new(*adapters.GapError)},
	} {
		t.Run(name, func(t *testing.T) {
			a := newApplication(t, `CREATE TABLE t (id INTEGER PRIMARY KEY, x)`)
			r := follow(t, a, "t")
			a.exec(`INSERT INTO t VALUES (1, 'a')`)
			r.rest(a)
			backup := filepath.Join(t.TempDir(), "backup.db")
			a.exec("VACUUM INTO " + literal(backup))
			a.exec(`INSERT INTO t VALUES (2, 'b'), (3, 'c')`)
			r.rest(a)
			c.exchange(a, backup)
			r.records = nil
			if err := r.until(); !errors.As(err, c.wanted) {
				t.Errorf("got %T %v and records %v, want %T", err, err, short(r.records), c.wanted)
			}
		})
	}
}

// TestCaptureThatAppearsMeanwhile: between two looks at the schema somebody else made a new capture (the printed
// statements, after a column was added): its first changes are not to be taken for those of a table nobody asked for.
func TestCaptureThatAppearsMeanwhile(t *testing.T) {
	a := newApplication(t, `CREATE TABLE t (id INTEGER PRIMARY KEY, x)`)
	r := follow(t, a, "t")
	a.exec(`INSERT INTO truc_capture (id, tbl, key, columns) SELECT 99, tbl, key, columns FROM truc_capture`,
		`INSERT INTO truc_change (capture, op, a0, a1) VALUES (99, 'I', 7, 'g')`)
	if got := short(r.next()); len(got) != 1 || got[0] != "C >7,g" {
		t.Errorf("got %v, want the change", got)
	}
}

// TestManyNullKeys: rows whose key holds a null come in one go; more than fit there are refused, not left out.
func TestManyNullKeys(t *testing.T) {
	a := newApplication(t, `CREATE TABLE t (id TEXT PRIMARY KEY, x)`,
		fmt.Sprintf(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) INSERT INTO t SELECT NULL, '%s' FROM n`, strings.Repeat("x", 10_000)))
	r, err := openSource(t, a.config(), startAt(nil, "t"))
	if err != nil {
		t.Fatal(err)
	}
	err = r.until()
	var refused *adapters.RefusedError
	if !errors.As(err, &refused) {
		t.Errorf("got %v after %d of 300 rows, want a refusal", err, len(r.records))
	}
}
