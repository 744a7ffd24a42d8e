package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/tests/servers"
)

// database is a fresh database with a connection for the test's own statements.
type database struct {
	*pgx.Conn
	t   testing.TB
	dsn string
}

func newDatabase(t testing.TB, dsn string, statements ...string) *database {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	d := &database{Conn: conn, t: t, dsn: dsn}
	d.run(statements...)
	return d
}

func (d *database) run(statements ...string) {
	d.t.Helper()
	for _, sql := range statements {
		if _, err := d.Exec(context.Background(), sql); err != nil {
			d.t.Fatalf("%s: %v", sql, err)
		}
	}
}

// client drives a source the way the pipeline does.
type client struct {
	*source
	t        testing.TB
	position []byte
}

func build(t testing.TB, dsn string, adjust ...func(*Config)) *source {
	t.Helper()
	c := defaults()
	c.DSN = dsn
	for _, f := range adjust {
		f(c)
	}
	env := adapters.Env{Name: "hotich", Agency: "H44.15", Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))}
	s, err := newSource(c, env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func start(position []byte, tables ...string) adapters.Start {
	st := adapters.Start{Position: position}
	for _, t := range tables {
		st.Tables = append(st.Tables, adapters.TableStart{Table: t, Run: 1})
	}
	return st
}

// open opens a source at a position, with run 1 of each table.
func open(t testing.TB, dsn string, position []byte, tables ...string) *client {
	t.Helper()
	s := build(t, dsn)
	if err := s.Open(t.Context(), start(position, tables...)); err != nil {
		t.Fatal(err)
	}
	return &client{source: s, t: t, position: position}
}

// until reads until the predicate holds for a record, and returns everything read, in memory of its own.
func (c *client) until(what string, stop func(record.Record) bool) []record.Record {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var all []record.Record
	for {
		b, err := c.Read(ctx)
		if err != nil {
			c.t.Fatalf("waiting for %s after %d records: %v", what, len(all), err)
		}
		c.position = b.Position
		done := false
		for _, r := range b.Records {
			if n := len(all); n > 0 && all[n-1].Order.Compare(r.Order) >= 0 {
				c.t.Fatalf("order went from %v to %v", all[n-1].Order, r.Order)
			}
			r.Before, r.After = r.Before.Clone(), r.After.Clone()
			all = append(all, r)
			done = done || stop(r)
		}
		b.Release()
		if done {
			return all
		}
	}
}

// during reads what comes within a time.
func (c *client) during(d time.Duration) []record.Record {
	c.t.Helper()
	all, err := c.attempt(d)
	if err != nil {
		c.t.Fatalf("read: %v", err)
	}
	return all
}

// attempt reads until it fails or the time is over, which is no failure.
func (c *client) attempt(d time.Duration) (all []record.Record, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	for {
		b, err := c.Read(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		c.position = b.Position
		for _, r := range b.Records {
			r.Before, r.After = r.Before.Clone(), r.After.Clone()
			all = append(all, r)
		}
		b.Release()
	}
}

// take reads n records.
func (c *client) take(n int) []record.Record {
	c.t.Helper()
	return c.until(fmt.Sprint(n, " records"), func(record.Record) bool { n--; return n <= 0 })
}

// snapshotted reads until so many tables are complete.
func (c *client) snapshotted(tables int) []record.Record {
	c.t.Helper()
	return c.until("the end of the snapshot", func(r record.Record) bool {
		if r.Op == record.SnapshotEnd {
			tables--
		}
		return tables == 0
	})
}

// show writes records as one line each: table op before → after.
func show(records []record.Record) []string {
	var lines []string
	for _, r := range records {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %s%s", r.Table, r.Op, showRow("-", r.Before), showRow("+", r.After))))
	}
	return lines
}

func showRow(sign string, row record.Row) string {
	if row == nil {
		return ""
	}
	var cells []string
	for _, v := range row {
		switch v.Kind {
		case record.Null:
			cells = append(cells, "∅")
		case record.Unchanged:
			cells = append(cells, "?")
		default:
			text := string(v.Append(nil))
			if len(text) > 40 {
				text = fmt.Sprintf("%s…%d", text[:8], len(text))
			}
			cells = append(cells, text)
		}
	}
	return sign + "(" + strings.Join(cells, ",") + ")"
}

func TestStream(t *testing.T) {
	db := newDatabase(t, servers.Postgres(t).Database(t),
		`CREATE TABLE khai_sinh (id int PRIMARY KEY, ho_ten text, ghi_chu text)`,
		`CREATE TABLE khac (id int PRIMARY KEY)`,
	)
	c := open(t, db.dsn, nil, "public.khai_sinh")
	c.snapshotted(1)
	db.run(
		`INSERT INTO khai_sinh VALUES (1, 'Nguyễn Văn An', NULL), (2, '', 'x')`,
		`INSERT INTO khac VALUES (1)`,
		`UPDATE khai_sinh SET ho_ten = 'Nguyễn Văn Bình' WHERE id = 1`,
		`UPDATE khai_sinh SET id = 3 WHERE id = 2`,
		`DELETE FROM khai_sinh WHERE id = 3`,
		`TRUNCATE khai_sinh`,
	)
	want := []string{
		"public.khai_sinh create +(1,Nguyễn Văn An,∅)",
		"public.khai_sinh create +(2,,x)",
		"public.khai_sinh update +(1,Nguyễn Văn Bình,∅)",
		"public.khai_sinh update -(2,?,?)+(3,,x)",
		"public.khai_sinh delete -(3,?,?)",
		"public.khai_sinh truncate",
	}
	got := c.take(len(want))
	if diff := cmp.Diff(want, show(got)); diff != "" {
		t.Error(diff)
	}
	for _, r := range got {
		if r.Tx == 0 || time.Since(r.Time).Abs() > time.Minute {
			t.Errorf("%s has transaction %d, time %v", r.Op, r.Tx, r.Time)
		}
	}
	if a, b := got[0].Order, got[1].Order; a.Major != b.Major || a.Minor != 1 || b.Minor != 2 {
		t.Errorf("rows of one transaction have orders %v and %v", a, b)
	}
}

// The status page asks how far a snapshot is while the source opens: with -race, that is seen to be safe.
func TestProgressWhileOpening(t *testing.T) {
	db := newDatabase(t, servers.Postgres(t).Database(t), `CREATE TABLE khai_sinh (so int PRIMARY KEY)`)
	s := build(t, db.dsn)
	opened, asked := make(chan struct{}), make(chan []adapters.Progress)
	go func() {
		for {
			select {
			case <-opened:
				asked <- s.Progress()
				return
			default:
				s.Progress()
			}
		}
	}()
	err := s.Open(t.Context(), start(nil, "public.khai_sinh"))
	close(opened)
	if got := <-asked; err != nil || len(got) != 1 {
		t.Errorf("progress after opening: %v, %v", got, err)
	}
}

func TestSnapshot(t *testing.T) {
	db := newDatabase(t, servers.Postgres(t).Database(t),
		`CREATE TABLE khai_sinh (so int, nam int, ho_ten text, PRIMARY KEY (nam, so))`,
		`INSERT INTO khai_sinh SELECT i, 2000 + i % 3, 'tên ' || i FROM generate_series(1, 5000) i`,
		`CREATE TABLE trong (id int PRIMARY KEY)`,
	)
	c := open(t, db.dsn, nil, "public.khai_sinh", "public.trong")
	got := c.snapshotted(2)
	if len(got) != 5002 {
		t.Fatalf("%d records, expected 5000 rows and 2 ends", len(got))
	}
	if last := got[5000]; last.Op != record.SnapshotEnd || last.Since.Major == 0 || last.Since.Compare(got[0].Order) >= 0 {
		t.Errorf("the end is %s since %v, the first row at %v", last.Op, last.Since, got[0].Order)
	}
	if diff := cmp.Diff([]adapters.Progress{{Table: "public.khai_sinh", Rows: 5000, Total: -1, Done: true}, {Table: "public.trong", Total: -1, Done: true}}, c.Progress()); diff != "" {
		t.Error(diff)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(t.Context()); !errors.Is(err, adapters.ErrClosed) {
		t.Errorf("read after close: %v", err)
	}
}
