package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/adapters/snapshot"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/tests/servers"
)

// line is a record with its order, to compare two readings of the same log.
func lines(records []record.Record) []string {
	out := show(records)
	for i, r := range records {
		out[i] = fmt.Sprintf("%d/%d tx %d %s", r.Order.Major, r.Order.Minor, r.Tx, out[i])
	}
	return out
}

// Reopened at any position it handed out, the source yields the same records with the same order, also from the middle of
// a transaction, with rows of other tables in between and watermarks of an earlier session in the log.
func TestReopen(t *testing.T) {
	db := newDatabase(t, servers.Postgres(t).Database(t),
		`CREATE TABLE a (id int PRIMARY KEY, v text)`, `CREATE TABLE b (id int PRIMARY KEY)`,
		`CREATE PUBLICATION truc_h44_15_hotich FOR TABLE a, b WITH (publish_via_partition_root = true)`)
	c := open(t, db.dsn, nil, "public.a")
	c.snapshotted(1)
	first := c.position
	db.run(
		// One transaction of several batches, whose rows are interleaved with those of a table nobody asked for.
		`DO $$ BEGIN FOR i IN 1..1300 LOOP INSERT INTO a VALUES (i, 'x' || i); IF i % 3 = 0 THEN INSERT INTO b VALUES (i); END IF; END LOOP; END $$`,
		`UPDATE a SET id = id + 10000 WHERE id <= 5`,
		`DELETE FROM a WHERE id = 10001`,
		`TRUNCATE a, b`,
		`INSERT INTO a VALUES (1, 'last')`,
	)
	isLast := func(r record.Record) bool { return r.After != nil && string(r.After[1].Bytes) == "last" }

	positions, counts, all := [][]byte{first}, []int{0}, []record.Record{}
	for len(all) == 0 || !isLast(all[len(all)-1]) {
		b, err := c.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range b.Records {
			r.Before, r.After = r.Before.Clone(), r.After.Clone()
			all = append(all, r)
		}
		b.Release()
		positions, counts = append(positions, b.Position), append(counts, len(all))
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	want := lines(all)
	inside := 0
	for i, p := range positions[:len(positions)-1] {
		parsed, _, err := parsePosition(p)
		if err != nil {
			t.Fatal(err)
		}
		if uint64(parsed.Confirmed) <= uint64(parsed.LSN) {
			inside++
		}
		again := open(t, db.dsn, p, "public.a")
		got := again.until("the last record", isLast)
		if diff := cmp.Diff(want[counts[i]:], lines(got)); diff != "" {
			t.Errorf("reopened at position %d: %s", i, diff)
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if inside < 2 {
		t.Errorf("%d positions inside a transaction, expected at least 2", inside)
	}
}

func (d *database) text(sql string, args ...any) (s string) {
	d.t.Helper()
	if err := d.QueryRow(context.Background(), sql, args...).Scan(&s); err != nil {
		d.t.Fatalf("%s: %v", sql, err)
	}
	return s
}

func (d *database) confirmed() lsn {
	d.t.Helper()
	return walLocation([]byte(d.text(`SELECT confirmed_flush_lsn::text FROM pg_replication_slots WHERE database = current_database()`)))
}

// eventually waits for something that another process does.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain until " + what)
		}
	}
}

// released waits until the server has noticed that the source was closed.
func (d *database) released() {
	d.t.Helper()
	eventually(d.t, "the slot is released", func() bool {
		return d.text("SELECT count(*)::text FROM pg_replication_slots WHERE active AND database = current_database()") == "0"
	})
}

// The server may forget only what was acknowledged: not what was merely received, and nothing of a transaction before its end.
func TestAck(t *testing.T) {
	db := newDatabase(t, servers.Postgres(t).Database(t), `CREATE TABLE a (id int PRIMARY KEY)`)
	c := open(t, db.dsn, nil, "public.a")
	c.snapshotted(1)
	if err := c.Ack(t.Context(), c.position); err != nil {
		t.Fatal(err)
	}
	start, _, _ := parsePosition(c.position)
	db.run(`INSERT INTO a SELECT generate_series(1, 1200)`)
	first, err := c.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	inside, _, _ := parsePosition(first.Position)
	if inside.Confirmed != start.Confirmed || inside.LSN <= start.Confirmed {
		t.Fatalf("a position inside a transaction confirms %s, the one before it %s", inside.Confirmed, start.Confirmed)
	}
	if err := c.Ack(t.Context(), first.Position); err != nil {
		t.Fatal(err)
	}
	c.take(1200 - len(first.Records))
	time.Sleep(1200 * time.Millisecond) // a status is sent every second
	if got := db.confirmed(); got > start.Confirmed {
		t.Errorf("the server confirms %s, beyond the acknowledged %s", got, start.Confirmed)
	}
	end, _, _ := parsePosition(c.position)
	if err := c.Ack(t.Context(), c.position); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil { // sends the last acknowledgement
		t.Fatal(err)
	}
	eventually(t, "the server knows the last acknowledgement", func() bool { return db.confirmed() == end.Confirmed })
}

// Log written for other tables must not be kept for ever: an idle source moves on, through a position like any other.
func TestIdleAdvance(t *testing.T) {
	db := newDatabase(t, servers.Postgres(t).Database(t), `CREATE TABLE a (id int PRIMARY KEY)`, `CREATE TABLE other (id int PRIMARY KEY)`)
	c := open(t, db.dsn, nil, "public.a")
	c.snapshotted(1)
	before, _, _ := parsePosition(c.position)
	db.run(`INSERT INTO other SELECT generate_series(1, 1000)`)
	wrote := walLocation([]byte(db.text(`SELECT pg_current_wal_lsn()::text`)))
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	for {
		b, err := c.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if len(b.Records) != 0 {
			t.Fatalf("%d records of an idle table", len(b.Records))
		}
		c.position = b.Position
		p, _, _ := parsePosition(b.Position)
		if got := db.confirmed(); got > before.Confirmed {
			t.Fatalf("the server confirms %s, nobody acknowledged more than %s", got, before.Confirmed)
		}
		if p.Confirmed >= wrote {
			break
		}
	}
	if err := c.Ack(ctx, c.position); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the slot moves", func() bool { return db.confirmed() >= wrote })
	if n, err := c.RetainedBytes(ctx); err != nil || n < 0 {
		t.Errorf("retained %d, %v", n, err)
	}
}

func TestReadIsCancelled(t *testing.T) {
	db := newDatabase(t, servers.Postgres(t).Database(t), `CREATE TABLE a (id int PRIMARY KEY)`)
	c := open(t, db.dsn, nil, "public.a")
	c.snapshotted(1)
	for range 3 { // a cancelled Read loses nothing and can be repeated
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		if _, err := c.Read(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("cancelled read: %v", err)
		}
		cancel()
	}
	db.run(`INSERT INTO a VALUES (1)`)
	if got := show(c.take(1)); got[0] != "public.a create +(1)" {
		t.Errorf("after cancelled reads: %v", got)
	}
	ended := make(chan error, 1)
	go func() {
		for {
			b, err := c.Read(context.Background())
			if err != nil {
				ended <- err
				return
			}
			b.Release()
		}
	}()
	time.Sleep(20 * time.Millisecond)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, adapters.ErrClosed) {
		t.Errorf("read ended with %v", err)
	}
	if err := c.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
}

// edit changes a saved position.
func edit(t *testing.T, saved []byte, change func(map[string]any)) []byte {
	t.Helper()
	var p map[string]any
	if err := json.Unmarshal(saved, &p); err != nil {
		t.Fatal(err)
	}
	change(p)
	out, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestGapsAndDivergences(t *testing.T) {
	gap := func(reason string) func(error) bool {
		return func(err error) bool {
			e, ok := errors.AsType[*adapters.GapError](err)
			return ok && strings.Contains(e.Reason.EN, reason) && strings.HasPrefix(e.From, "LSN ") && strings.HasPrefix(e.To, "LSN ")
		}
	}
	diverged := func(reason string) func(error) bool {
		return func(err error) bool {
			e, ok := errors.AsType[*adapters.DivergenceError](err)
			return ok && strings.Contains(e.Reason.EN, reason) && e.Saved != "" && e.Found != ""
		}
	}
	tests := map[string]struct {
		damage   []string
		position func(map[string]any)
		floor    uint64
		want     func(error) bool
	}{
		"slot dropped":              {damage: []string{`SELECT pg_drop_replication_slot('truc_h44_15_hotich')`}, want: gap("does not exist")},
		"slot created again":        {damage: []string{`SELECT pg_drop_replication_slot('truc_h44_15_hotich')`, `INSERT INTO a VALUES (1)`, `SELECT pg_create_logical_replication_slot('truc_h44_15_hotich', 'pgoutput')`}, want: gap("advanced by somebody else")},
		"slot advanced":             {damage: []string{`INSERT INTO a VALUES (1)`, `SELECT pg_replication_slot_advance('truc_h44_15_hotich', pg_current_wal_lsn())`}, want: gap("advanced by somebody else")},
		"publication dropped":       {damage: []string{`DROP PUBLICATION truc_h44_15_hotich`}, want: gap("publication")},
		"table unpublished":         {damage: []string{`ALTER PUBLICATION truc_h44_15_hotich DROP TABLE a`}, want: gap("removed from publication")},
		"table unpublished a while": {damage: []string{`ALTER PUBLICATION truc_h44_15_hotich DROP TABLE a`, `INSERT INTO a VALUES (1)`, `ALTER PUBLICATION truc_h44_15_hotich ADD TABLE a`}, want: gap("was altered")},
		"inserts only for a while": {damage: []string{
			`ALTER PUBLICATION truc_h44_15_hotich SET (publish = 'insert')`, `INSERT INTO a VALUES (1)`, `DELETE FROM a`,
			`ALTER PUBLICATION truc_h44_15_hotich SET (publish = 'insert, update, delete, truncate')`,
		}, want: gap("was altered")},
		"filtered for a while": {damage: []string{
			`ALTER PUBLICATION truc_h44_15_hotich SET TABLE a WHERE (id > 5)`, `INSERT INTO a VALUES (1)`, `ALTER PUBLICATION truc_h44_15_hotich SET TABLE a`,
		}, want: gap("was altered")},
		"table created again": {damage: []string{`DROP TABLE a`, `CREATE TABLE a (id int PRIMARY KEY)`}, want: func(err error) bool {
			e, ok := errors.AsType[*adapters.GapError](err)
			return ok && strings.Contains(e.Reason.EN, "created again")
		}},
		"other cluster":         {position: func(p map[string]any) { p["system"] = "7000000000000000001" }, want: diverged("another database cluster")},
		"log ends before":       {position: func(p map[string]any) { p["confirmed"] = "FFFF/0" }, want: diverged("before the saved position")},
		"older timeline":        {position: func(p map[string]any) { p["timeline"] = 9 }, want: diverged("older timeline")},
		"published beyond":      {floor: 1 << 60, want: diverged("already published")},
		"written by the future": {position: func(p map[string]any) { p["v"] = 2 }, want: func(err error) bool { return err != nil && strings.Contains(err.Error(), "format version 2") }},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := newDatabase(t, servers.Postgres(t).Database(t), `CREATE TABLE a (id int PRIMARY KEY)`)
			slot := "truc_" + strings.ReplaceAll(strings.ToLower(strings.ReplaceAll(name, " ", "_")), "-", "_")
			named := func(c *Config) { c.Slot = slot }
			s := build(t, db.dsn, named)
			if err := s.Open(t.Context(), start(nil, "public.a")); err != nil {
				t.Fatal(err)
			}
			c := &client{source: s, t: t}
			c.snapshotted(1)
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			db.released()
			for _, sql := range test.damage {
				db.run(strings.ReplaceAll(sql, "'truc_h44_15_hotich'", "'"+slot+"'"))
			}
			saved := c.position
			if test.position != nil {
				saved = edit(t, saved, test.position)
			}
			st := start(saved, "public.a")
			st.Floor.Major = test.floor
			err := build(t, db.dsn, named).Open(t.Context(), st)
			if !test.want(err) {
				t.Fatalf("open: %v", err)
			}
			// And so again the next time: nothing was mended silently.
			if err := build(t, db.dsn, named).Open(t.Context(), st); !test.want(err) {
				t.Fatalf("second open: %v", err)
			}
			again := build(t, db.dsn, named)
			if err := again.Open(t.Context(), adapters.Start{Reset: true, Tables: st.Tables}); err != nil {
				t.Fatalf("reset: %v", err)
			}
			r := &client{source: again, t: t}
			r.snapshotted(1)
			db.run(`INSERT INTO a VALUES (77)`)
			if got := show(r.take(1)); got[0] != "public.a create +(77)" {
				t.Errorf("after reset: %v", got)
			}
		})
	}
}

// A slot whose log the server removed is a gap, and Reset replaces it.
// TestSlotDroppedBeforeFirstPosition: what changed between the first opening and the first saved position is lost with the slot, and
// that must be said; where nobody has opened the source before, there is nothing to miss.
func TestSlotDroppedBeforeFirstPosition(t *testing.T) {
	db := newDatabase(t, servers.Postgres(t).Database(t), `CREATE TABLE a (id int PRIMARY KEY)`)
	c := open(t, db.dsn, nil, "public.a")
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	db.released()
	db.run(`SELECT pg_drop_replication_slot('truc_h44_15_hotich')`, `INSERT INTO a VALUES (1)`)
	again := start(nil, "public.a")
	again.Opened = true
	err := build(t, db.dsn).Open(t.Context(), again)
	if e, ok := errors.AsType[*adapters.GapError](err); !ok || !strings.Contains(e.Reason.EN, "does not exist") {
		t.Errorf("open: %v", err)
	}
	open(t, db.dsn, nil, "public.a").snapshotted(1)
}

func TestLostSlot(t *testing.T) {
	pg := servers.NewPostgres(t, "max_slot_wal_keep_size=1MB", "max_wal_size=32MB", "wal_keep_size=0")
	db := newDatabase(t, pg.Database(t), `CREATE TABLE a (id int PRIMARY KEY)`, `CREATE TABLE other (id int, v text)`)
	c := open(t, db.dsn, nil, "public.a")
	c.snapshotted(1)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	db.released()
	for range 6 {
		db.run(`INSERT INTO other SELECT i, repeat('x', 1000) FROM generate_series(1, 5000) i`, `SELECT pg_switch_wal()`, `CHECKPOINT`)
	}
	if got := db.text(`SELECT wal_status FROM pg_replication_slots`); got != "lost" {
		t.Fatalf("the slot is %s", got)
	}
	err := build(t, db.dsn).Open(t.Context(), start(c.position, "public.a"))
	if e, ok := errors.AsType[*adapters.GapError](err); !ok || !strings.Contains(e.Reason.EN, "lost") {
		t.Fatalf("open: %v", err)
	}
	s := build(t, db.dsn)
	if err := s.Open(t.Context(), adapters.Start{Reset: true, Tables: start(nil, "public.a").Tables}); err != nil {
		t.Fatal(err)
	}
	(&client{source: s, t: t}).snapshotted(1)
}

// A record has the same order whatever tables are asked for: rows are counted before they are filtered, and watermarks never.
func TestOrderDoesNotDependOnTables(t *testing.T) {
	db := newDatabase(t, servers.Postgres(t).Database(t), `CREATE TABLE a (id int PRIMARY KEY)`, `CREATE TABLE b (id int PRIMARY KEY)`)
	c := open(t, db.dsn, nil, "public.a", "public.b")
	c.snapshotted(2)
	position := c.position
	db.run(`INSERT INTO b VALUES (1), (2); SELECT pg_logical_emit_message(true, 'truc', 'of somebody else'); INSERT INTO a VALUES (1)`,
		`TRUNCATE b, a`, `INSERT INTO a VALUES (9)`)
	last := func(r record.Record) bool { return r.After != nil && r.After[0].Num == 9 }
	of := func(records []record.Record) (out []string) {
		for _, l := range lines(records) {
			if strings.Contains(l, "public.a") {
				out = append(out, l)
			}
		}
		return out
	}
	both := c.until("the last row", last)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	one := open(t, db.dsn, position, "public.a").until("the last row", last)
	if len(one) != 3 || len(both) != 6 {
		t.Errorf("%d and %d records, expected 3 and 6", len(one), len(both))
	}
	if diff := cmp.Diff(of(both), of(one)); diff != "" {
		t.Error(diff)
	}
}

// A keepalive says how far the server has decoded. Inside a transaction, or with records in hand, that confirms nothing.
func TestKeepalive(t *testing.T) {
	tests := map[string]struct {
		inside   bool
		records  int
		draining bool
		end      lsn
		want     lsn
	}{
		"idle":                 {false, 0, false, 200, 200},
		"older":                {false, 0, false, 50, 100},
		"inside a transaction": {true, 0, false, 200, 100},
		"with records in hand": {false, 1, false, 200, 100},
		"with a chunk in hand": {false, 0, true, 200, 100},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := build(t, "host=h")
			s.prepareTables(nil, adapters.Start{}, nil)
			s.position.Confirmed, s.tx.open = 100, test.inside
			if test.draining {
				s.machine = snapshot.New([]*snapshot.Table{{Name: "public.a"}}, cursorOf)
				task, _ := s.machine.Next()
				s.machine.Low(task.ID, record.Order{Major: 1})
				s.machine.High(task.ID, record.Order{Major: 2}, &snapshot.Chunk{Task: task.ID, Table: &record.Table{}, Last: true, Sees: func(uint64) bool { return true }})
			}
			s.onKeepalive(test.end, &buffer{records: make([]record.Record, test.records)})
			if s.position.Confirmed != test.want {
				t.Errorf("confirmed %d, expected %d", s.position.Confirmed, test.want)
			}
		})
	}
}

// TestPredecessorsLastReport: a source that is opened again while the server still takes in what its predecessor reported
// last must not take the place where the server then starts for another history.
func TestPredecessorsLastReport(t *testing.T) {
	db := newDatabase(t, servers.Postgres(t).Database(t), `CREATE TABLE a (id int PRIMARY KEY)`)
	c := open(t, db.dsn, nil, "public.a")
	c.snapshotted(1)
	for i := range 50 {
		db.run(fmt.Sprintf("INSERT INTO a VALUES (%d)", i))
		c.take(1)
		if err := c.Ack(t.Context(), c.position); err != nil {
			t.Fatal(err)
		}
		c.reportNow()
		time.Sleep(time.Duration(i%10) * 100 * time.Microsecond)
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		c = open(t, db.dsn, c.position, "public.a")
	}
}
