//go:build linux

package main

import (
	"bytes"
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/lienthong/truc/tests/workload"
)

// delivery measures how fast events become rows of a subscriber's table: an empty one, and one that has all of them in an
// older version. truc translates; Debezium's JDBC sink writes the columns that Debezium's source has read.
func delivery(m *measuring, _ string) {
	rows, rounds := m.rows(300_000), m.rounds(3)
	m.book.KeepRounds(Empty, 0) // a part of them cannot go on without the tables it filled
	m.book.KeepRounds(Filled, 0)
	dsn, conn := m.table(workload.Usual, 0)
	if err := workload.Load(m.ctx, conn, workload.Usual, 0, rows); err != nil {
		m.t.Fatal(err)
	}
	// Both topics hold the rows once; the tools go on, so that later the updates come after them.
	from, dbz := m.newTruc(dsn, workload.Mapping, false), m.newDebezium(dsn, "initial", flat())
	for _, t := range []tool{from, dbz} {
		t.start()
		m.untilWorking(t, "the rows are on its topic", func() bool { return m.end(m.bus, t.topic()) >= int64(rows) })
		time.Sleep(time.Second)
		t.stop()
	}
	type receiver struct {
		t    tool
		dsn  string
		conn *pgx.Conn
	}
	receivers := map[string][]receiver{}
	for range rounds {
		sink := m.pg.Database(m.t)
		r := receiver{m.newSubscriber(from, sink), sink, m.connect(sink)}
		m.execute(r.conn, workload.CreateSink)
		receivers[Truc] = append(receivers[Truc], r)
		sink = m.pg.Database(m.t)
		r = receiver{m.newJDBCSink(dbz, sink), sink, m.connect(sink)}
		m.execute(r.conn, workload.CreateCopy)
		receivers[DebeziumTuned] = append(receivers[DebeziumTuned], r)
	}
	text := m.copyText(conn)
	contestants := []string{Truc, DebeziumTuned, Copy, InsertSelect}
	part := func(measure, prefix string, contestants []string) {
		m.t.Helper()
		m.alternate(measure, rounds, contestants, func(contestant string, round int) {
			switch contestant {
			case Copy, InsertSelect:
				m.record(measure, contestant, round, rows, m.fillByServer(contestant, measure == Filled, text, rows))
				return
			}
			r := receivers[contestant][round]
			table := "nguoi_dan"
			if contestant != Truc {
				table = workload.Table
			}
			m.record(measure, contestant, round, rows, m.deliverOnce(r.t, r.conn, table, prefix, rows))
		})
	}
	part(Empty, "", contestants)
	if err := workload.Update(m.ctx, conn, 0, rows); err != nil {
		m.t.Fatal(err)
	}
	for _, t := range []tool{from, dbz} {
		end := m.end(m.bus, t.topic())
		t.start()
		m.untilWorking(t, "the updates are on its topic", func() bool { return m.end(m.bus, t.topic()) >= end+int64(rows) })
		time.Sleep(time.Second)
		t.stop()
	}
	part(Filled, "Số 1 ", []string{Truc, DebeziumTuned, InsertSelect})
}

// deliverOnce starts a receiver and waits until every row is in its table, in the version whose address begins with prefix. It
// looks for three hundred rows by their keys, and counts when it has found them all: counting costs the server something too. The
// server plans each look anew: a plan made while the table was empty reads the whole table, ever longer, and takes the
// processor from what is measured.
func (m *measuring) deliverOnce(t tool, conn *pgx.Conn, table, prefix string, rows int) map[string]float64 {
	m.t.Helper()
	var sample []string
	numbers := rand.New(rand.NewPCG(1, 2)) // the topic has them in the order of the keys, which no regular step through the ids follows
	for range 300 {
		sample = append(sample, workload.Number(numbers.IntN(rows)))
	}
	m.execute(conn, "SET plan_cache_mode = force_custom_plan")
	slices.Sort(sample)
	sample = slices.Compact(sample)
	distinct := int64(len(sample))
	arrived := "SELECT count(*) FROM " + table + " WHERE thuong_tru LIKE '" + prefix + "Số %'"
	w := watch{started: time.Now(), want: int64(rows)}
	t.start()
	m.untilWorking(t, "every row is delivered", func() bool {
		time.Sleep(30 * time.Millisecond)
		found := ask[int64](m, conn, arrived+" AND so_dinh_danh = ANY($1)", sample)
		if found < distinct {
			return w.see(time.Now(), found*int64(rows)/distinct)
		}
		all := ask[int64](m, conn, arrived)
		return w.see(time.Now(), all)
	})
	u := t.usage()
	t.stop()
	values := w.values(1)
	values[CPU], values[Peak] = u.CPU.Seconds()*1e6/float64(rows), u.Peak
	return values
}

// copyText is the table as COPY writes it.
func (m *measuring) copyText(conn *pgx.Conn) []byte {
	m.t.Helper()
	var text bytes.Buffer
	if _, err := conn.PgConn().CopyTo(m.ctx, &text, "COPY cong_dan TO STDOUT"); err != nil {
		m.t.Fatal(err)
	}
	return text.Bytes()
}

// fillByServer is what the server can do: COPY into the table, or one statement from a staging table that is there already.
func (m *measuring) fillByServer(by string, filled bool, text []byte, rows int) map[string]float64 {
	m.t.Helper()
	conn := m.connect(m.pg.Database(m.t))
	defer conn.Close(context.WithoutCancel(m.ctx))
	load := func(into string) {
		m.t.Helper()
		if _, err := conn.PgConn().CopyFrom(m.ctx, bytes.NewReader(text), "COPY "+into+" FROM STDIN"); err != nil {
			m.t.Fatal(err)
		}
	}
	m.execute(conn, workload.CreateCopy)
	const statement = `INSERT INTO cong_dan SELECT * FROM moi ON CONFLICT (so_dinh_danh) DO UPDATE SET (ho_ten, ngay_sinh, gioi_tinh, dan_toc, ton_giao,
		quoc_tich, nhom_mau, so_cmnd, noi_sinh, que_quan, thuong_tru, thuong_tru_tu, cha_ho_ten, me_ho_ten, hon_nhan, dien_thoai, trang_thai, ghi_chu,
		sua_luc) = (excluded.ho_ten, excluded.ngay_sinh, excluded.gioi_tinh, excluded.dan_toc, excluded.ton_giao, excluded.quoc_tich, excluded.nhom_mau,
		excluded.so_cmnd, excluded.noi_sinh, excluded.que_quan, 'Số 1 ' || excluded.thuong_tru, excluded.thuong_tru_tu, excluded.cha_ho_ten,
		excluded.me_ho_ten, excluded.hon_nhan, excluded.dien_thoai, excluded.trang_thai, excluded.ghi_chu, excluded.sua_luc)`
	if by == InsertSelect {
		m.execute(conn, "CREATE UNLOGGED TABLE moi (LIKE cong_dan)")
		load("moi")
	}
	if filled {
		load(workload.Table)
	}
	started := time.Now()
	if by == Copy {
		load(workload.Table)
	} else {
		m.execute(conn, statement)
	}
	rate := float64(rows) / time.Since(started).Seconds()
	return map[string]float64{Rate: rate, RateStart: rate}
}
