package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/tests/servers"
)

// sinkBed is a sink on a database of its own, and the offset its one partition stands at.
type sinkBed struct {
	testing.TB
	ctx    context.Context
	dsn    string
	sink   *sink
	target *record.Target
	offset int64
	seq    int
}

var bedPartition = adapters.TopicPartition{Topic: "hotich.khaisinh.v1.h44.15", Partition: 0}

// newBed makes a database with the SQL's tables and opens a sink for the target, as the superuser unless told otherwise.
func newBed(tb testing.TB, target *record.Target, sql string) *sinkBed {
	tb.Helper()
	dsn := servers.Postgres(tb).Database(tb)
	if sql != "" {
		execute(tb, dsn, sql)
	}
	return openBed(tb, target, dsn)
}

// renewBed is newBed in a database that a subtest before it has used.
func renewBed(tb testing.TB, dsn string, target *record.Target, sql string) *sinkBed {
	tb.Helper()
	execute(tb, dsn, "DROP SCHEMA IF EXISTS bhyt, truc CASCADE; "+sql)
	return openBed(tb, target, dsn)
}

func openBed(tb testing.TB, target *record.Target, dsn string) *sinkBed {
	tb.Helper()
	if target.Pipeline == "" {
		target.Pipeline = "giao_tre_em"
	}
	b := &sinkBed{TB: tb, ctx: context.Background(), dsn: dsn, target: target, sink: openSink(tb, dsn)}
	if err := b.sink.Open(b.ctx); err != nil {
		tb.Fatal(err)
	}
	return b
}

func openSink(tb testing.TB, dsn string) *sink {
	tb.Helper()
	s, err := newSink(&Config{DSN: dsn}, adapters.Env{Name: "bhyt", Agency: "H44.15"})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Errorf("close: %v", err)
		}
	})
	return s.(*sink)
}

// put is an upsert with the next sequence; cells are strings, ints, nil, or record.Values.
func (b *sinkBed) put(key any, cells ...any) record.Change {
	b.seq++
	c := record.Change{
		Target: b.target, Key: rowOf(key), Source: "/agencies/H44.15/hotich/khaisinh", Sequence: fmt.Sprintf("%032x", b.seq),
	}
	all := rowOf(cells...)
	c.Values, c.OnCreate = all[:len(b.target.Columns)], all[len(b.target.Columns):]
	return c
}

func (b *sinkBed) remove(key any, cells ...any) record.Change {
	b.seq++
	return record.Change{
		Target: b.target, Delete: true, Key: rowOf(key), Values: rowOf(cells...), Source: "/agencies/H44.15/hotich/khaisinh", Sequence: fmt.Sprintf("%032x", b.seq),
	}
}

func rowOf(cells ...any) record.Row {
	r := record.Row{}
	for _, c := range cells {
		switch c := c.(type) {
		case nil:
			r = append(r, record.NullValue)
		case int:
			r = append(r, record.IntValue(int64(c)))
		case string:
			r = append(r, record.TextValue(c))
		case record.Value:
			r = append(r, c)
		}
	}
	return r
}

func (b *sinkBed) try(changes ...record.Change) error {
	from, to := adapters.Offsets{bedPartition: {Next: b.offset}}, adapters.Offsets{bedPartition: {Next: b.offset + 1}}
	err := b.sink.Apply(b.ctx, b.target.Pipeline, changes, from, to)
	if err == nil {
		b.offset++
	}
	return err
}

func (b *sinkBed) apply(changes ...record.Change) {
	b.Helper()
	if err := b.try(changes...); err != nil {
		b.Fatalf("Apply: %v", err)
	}
}

// rejected applies and expects exactly these rejections, as "index reason", parked ones with a +.
func (b *sinkBed) rejected(changes []record.Change, want ...string) []adapters.Rejection {
	b.Helper()
	err := b.try(changes...)
	rejected, ok := errors.AsType[*adapters.RejectedError](err)
	if !ok {
		b.Fatalf("got %v, want a *RejectedError", err)
	}
	var got []string
	for _, r := range rejected.Rejections {
		mark := ""
		if r.Park {
			mark = "+"
		}
		got = append(got, fmt.Sprintf("%d %s%s", r.Index, r.Reason, mark))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		b.Fatalf("rejections (-want +got):\n%s\n%v", diff, err)
	}
	return rejected.Rejections
}

// want compares the lines of a query, cells joined by blanks, null as "-".
func (b *sinkBed) want(query string, want ...string) {
	b.Helper()
	if diff := cmp.Diff(want, answers(b, b.dsn, query)); diff != "" {
		b.Errorf("%s (-want +got):\n%s", query, diff)
	}
}

func answers(tb testing.TB, dsn, query string) []string {
	tb.Helper()
	conn, err := pgx.Connect(context.Background(), dsn)
	if err != nil {
		tb.Fatal(err)
	}
	defer conn.Close(context.Background())
	return answersOn(tb, conn, query)
}

func answersOn(tb testing.TB, conn *pgx.Conn, query string) []string {
	tb.Helper()
	result := conn.PgConn().ExecParams(context.Background(), query, nil, nil, nil, nil).Read()
	if result.Err != nil {
		tb.Fatal(result.Err)
	}
	var out []string
	for _, cells := range result.Rows {
		texts := make([]string, len(cells))
		for i, c := range cells {
			texts[i] = "-"
			if c != nil {
				texts[i] = string(c)
			}
		}
		out = append(out, strings.Join(texts, " "))
	}
	slices.Sort(out)
	return out
}
