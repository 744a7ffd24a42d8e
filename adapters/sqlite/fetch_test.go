package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/record"
)

func begin(tb testing.TB, a *application) adapters.View {
	tb.Helper()
	s := NewSource(a.config(), env("hotich"))
	ctx, cancel := context.WithCancel(context.Background())
	view, err := s.Begin(ctx, nil)
	if err != nil {
		tb.Fatal(err)
	}
	cancel() // bounds Begin only
	tb.Cleanup(func() { view.Close() })
	return view
}

// fetch returns the rows found as "cell,cell", in order.
func fetch(tb testing.TB, view adapters.View, table string, columns []string, values ...record.Row) []string {
	tb.Helper()
	found, rows, err := view.Fetch(context.Background(), table, columns, values)
	if err != nil {
		tb.Fatal(err)
	}
	if found.Name != table {
		tb.Errorf("the rows are of table %s, want %s", found.Name, table)
	}
	var lines []string
	for _, row := range rows {
		if len(row) != len(found.Columns) {
			tb.Fatalf("a row has %d cells, its table %d columns", len(row), len(found.Columns))
		}
		cells := make([]string, len(row))
		for i, v := range row {
			cells[i] = string(v.Append(nil))
		}
		lines = append(lines, strings.Join(cells, ","))
	}
	slices.Sort(lines)
	return lines
}

// A cell of every storage class, as the source hands it out, finds its own row and no other.
func TestFetchByStorageClass(t *testing.T) {
	a := newApplication(t, `CREATE TABLE t (k, v DATE)`)
	for i, c := range []struct {
		cell any
		key  record.Value
	}{
		{nil, record.NullValue},
		{int64(1), record.IntValue(1)},
		{int64(1<<62 + 1), record.IntValue(1<<62 + 1)},
		{0.5, record.FloatValue(0.5)},
		{"1", record.TextValue("1")},
		{"", record.TextValue("")},
		{"'; DROP TABLE t; --", record.TextValue("'; DROP TABLE t; --")},
		{tcvn3Bytes(), record.TextValue(tcvn3Bytes())},
		{[]byte("1"), record.BytesOf(record.Bytes, []byte("1"))},
		{[]byte{}, record.BytesOf(record.Bytes, []byte{})},
	} {
		day := record.BytesOf(record.Date, fmt.Appendf(nil, "2026-01-%02d", i+1))
		if _, err := a.db.Exec(`INSERT INTO t VALUES (?, ?)`, c.cell, argumentOf(day)); err != nil {
			t.Fatal(err)
		}
		view := begin(t, a)
		want := []string{string(c.key.Append(nil)) + "," + string(day.Bytes)}
		if diff := cmp.Diff(want, fetch(t, view, "t", []string{"k"}, record.Row{c.key})); diff != "" {
			t.Errorf("by %v %q (-want +got)\n%s", c.key.Kind, want, diff)
		}
		view.Close()
	}
	if rows := fetch(t, begin(t, a), "t", []string{"k"}, record.Row{{}}); rows != nil {
		t.Errorf("a cell that is not known finds %v", rows)
	}
}

func TestFetchRows(t *testing.T) {
	a := newApplication(t, `CREATE TABLE "đăng ký" (xa TEXT, "số" INT, ten TEXT, PRIMARY KEY (xa, "số")) WITHOUT ROWID`,
		`INSERT INTO "đăng ký" VALUES ('a', 1, 'An'), ('a', 2, 'Bình'), ('b', 1, 'Chi'), ('b', 2, 'Dũng')`)
	key := func(xa string, n int64) record.Row { return record.Row{record.TextValue(xa), record.IntValue(n)} }
	names := []string{"xa", "số"}
	view := begin(t, a)
	a.exec(`DELETE FROM "đăng ký" WHERE xa = 'b'`, `UPDATE "đăng ký" SET ten = 'sửa'`, `ALTER TABLE "đăng ký" ADD COLUMN moi TEXT`)

	if diff := cmp.Diff([]string{"a,1,An", "b,2,Dũng"}, fetch(t, view, "đăng ký", names, key("b", 2), key("a", 1), key("b", 2), key("c", 1))); diff != "" {
		t.Errorf("two columns as of one moment, before others wrote (-want +got)\n%s", diff)
	}
	reversed := []string{"số", "xa"}
	if diff := cmp.Diff([]string{"a,2,Bình"}, fetch(t, view, "đăng ký", reversed, record.Row{record.IntValue(2), record.TextValue("a")})); diff != "" {
		t.Errorf("columns in another order (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{"a,1,An", "a,2,Bình"}, fetch(t, view, "đăng ký", names[:1], record.Row{record.TextValue("a")})); diff != "" {
		t.Errorf("a part of the key (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{"a,1,sửa,"}, fetch(t, begin(t, a), "đăng ký", names, key("a", 1), key("b", 2))); diff != "" {
		t.Errorf("a later view; a row that is gone is not returned (-want +got)\n%s", diff)
	}

	for _, c := range []struct {
		table, column, hint string
	}{
		{"dang_ky", "xa", "đăng ký"},
		{"đăng ký", "ho", "xa"},
		{"truc_change", "id", "đăng ký"},
	} {
		_, _, err := view.Fetch(context.Background(), c.table, []string{c.column}, []record.Row{{record.TextValue("bí mật")}})
		refused, ok := errors.AsType[*adapters.RefusedError](err)
		if !ok || !strings.Contains(refused.Fix.EN, c.hint) || strings.Contains(err.Error(), "bí mật") {
			t.Errorf("%s.%s: got %v, want a refusal that suggests %s", c.table, c.column, err, c.hint)
		}
	}
	for range 2 {
		if err := view.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}

	gone := a.config()
	gone.Path += ".gone"
	_, err := NewSource(gone, env("hotich")).Begin(context.Background(), nil)
	if _, ok := errors.AsType[*adapters.UnreachableError](err); !ok {
		t.Errorf("a file that is not there: %v, want an UnreachableError", err)
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := NewSource(a.config(), env("hotich")).Begin(ended, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Begin with a ctx that has ended: %v", err)
	}
}
