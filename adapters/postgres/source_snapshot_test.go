package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/tests/servers"
)

// replica is what a subscriber would hold: rows by key, each with the order of what was last said about it.
type replica struct {
	rows map[string]replicaRow
}

type replicaRow struct {
	value string
	order record.Order
}

func newReplica() *replica { return &replica{rows: map[string]replicaRow{}} }

// apply does what a subscriber does with a record of a table (key text, value text).
func (p *replica) apply(r record.Record) {
	key := func(row record.Row) string { return string(row[0].Append(nil)) }
	switch r.Op {
	case record.Truncate:
		clear(p.rows)
	case record.SnapshotEnd:
		for k, row := range p.rows {
			if row.order.Compare(r.Since) < 0 {
				delete(p.rows, k)
			}
		}
	case record.Delete:
		delete(p.rows, key(r.Before))
	default:
		if r.Before != nil {
			delete(p.rows, key(r.Before))
		}
		p.rows[key(r.After)] = replicaRow{string(r.After[1].Append(nil)), r.Order}
	}
}

func (p *replica) contents() map[string]string {
	out := map[string]string{}
	for k, v := range p.rows {
		out[k] = v.value
	}
	return out
}

func (d *database) contents(table string) map[string]string {
	d.t.Helper()
	rows, err := d.Query(context.Background(), "SELECT * FROM "+table)
	if err != nil {
		d.t.Fatal(err)
	}
	out := map[string]string{}
	for rows.Next() {
		v, err := rows.Values()
		if err != nil {
			d.t.Fatal(err)
		}
		out[fmt.Sprint(v[0])] = fmt.Sprint(v[1])
	}
	if rows.Err() != nil {
		d.t.Fatal(rows.Err())
	}
	return out
}

// write changes random rows until stop is closed, then marks the end.
func write(dsn, table string, stop <-chan struct{}) <-chan error {
	done := make(chan error, 1)
	go func() {
		done <- func() error {
			ctx := context.Background()
			conn, err := pgx.Connect(ctx, dsn)
			if err != nil {
				return err
			}
			defer conn.Close(ctx)
			random := rand.New(rand.NewPCG(1, 2))
			for i := 0; ; i++ {
				select {
				case <-stop:
					_, err := conn.Exec(ctx, "INSERT INTO "+table+" VALUES (-1, 'the end')")
					return err
				default:
				}
				time.Sleep(time.Millisecond)
				k := random.IntN(6000)
				var sql string
				switch random.IntN(10) {
				case 0, 1, 2:
					sql = fmt.Sprintf("INSERT INTO %s VALUES (%d, 'i%d') ON CONFLICT (id) DO UPDATE SET v = 'u%d'", table, k, i, i)
				case 3, 4:
					sql = fmt.Sprintf("DELETE FROM %s WHERE id = %d", table, k)
				case 5:
					sql = fmt.Sprintf("UPDATE %s SET id = id + 100000 * (1 - 2 * (id / 100000)) WHERE id %% 100000 = %d AND NOT EXISTS (SELECT FROM %s x WHERE x.id = %d OR x.id = %d)", table, k, table, k+100000, k+200000)
				case 6:
					sql = fmt.Sprintf("UPDATE %s SET v = 'many%d' WHERE id BETWEEN %d AND %d", table, i, k, k+300)
				default:
					sql = fmt.Sprintf("UPDATE %s SET v = 'u%d' WHERE id = %d", table, i, k)
				}
				if _, err := conn.Exec(ctx, sql); err != nil && !strings.Contains(err.Error(), "23505") {
					return err
				}
			}
		}()
	}()
	return done
}

func isEnd(r record.Record) bool {
	return len(r.After) > 1 && string(r.After[1].Bytes) == "the end"
}

// A snapshot taken while the table is written, broken off again and again at whatever position was reached, ends with
// exactly what the table holds. What the subscriber held before, and no longer exists, is swept.
func TestSnapshotWhileWriting(t *testing.T) {
	db := newDatabase(t, servers.Postgres(t).Database(t),
		`CREATE TABLE a (id int PRIMARY KEY, v text)`,
		`INSERT INTO a SELECT i, 'v' || i FROM generate_series(1, 6000) i`,
	)
	stop := make(chan struct{})
	written := write(db.dsn, "a", stop)
	p := newReplica()
	p.rows["77777"] = replicaRow{value: "a row deleted long ago"}
	var position []byte
	var last record.Order
	ended, opened := false, 0
	for finished := false; !finished; opened++ {
		s := build(t, db.dsn, func(c *Config) { c.ChunkRows = 700 })
		if err := s.Open(t.Context(), start(position, "public.a")); err != nil {
			t.Fatal(err)
		}
		// Broken off after some rows of a chunk, some batches of the log, or nothing of a chunk at all.
		rows := 0
		for reads := 0; !finished && (ended || opened > 12 || rows < 300*(opened%4) || reads < 3); reads++ {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			b, err := s.Read(ctx)
			cancel()
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range b.Records {
				if r.Order.Compare(last) <= 0 {
					t.Fatalf("order went from %v to %v", last, r.Order)
				}
				last = r.Order
				p.apply(r)
				if r.Op == record.Snapshot {
					rows++
				}
				if r.Op == record.SnapshotEnd {
					ended = true
					close(stop)
				}
				finished = finished || isEnd(r)
			}
			position = b.Position
			b.Release()
			if err := s.Ack(t.Context(), position); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	if opened < 3 {
		t.Errorf("opened only %d times", opened)
	}
	if diff := cmp.Diff(db.contents("a"), p.contents()); diff != "" {
		t.Error(diff)
	}
}

// Commit order is not visibility order. With a synchronous standby that does not answer, a commit is in the log but no
// query sees it. A chunk read meanwhile holds the old row, and must not be handed out after the new one; not even by a
// source that was reopened after it had read the commit.
func TestSnapshotWaitsForVisibility(t *testing.T) {
	for _, reopen := range []bool{false, true} {
		t.Run(fmt.Sprint("reopen ", reopen), func(t *testing.T) {
			t.Parallel()
			pg := servers.NewPostgres(t)
			db := newDatabase(t, pg.Database(t), `CREATE TABLE a (id int PRIMARY KEY, v text)`, `INSERT INTO a VALUES (1, 'old')`)
			c := open(t, db.dsn, nil, "public.a")
			if reopen {
				c.snapshotted(1)
			}
			db.run(`ALTER SYSTEM SET synchronous_standby_names = 'nobody'`, `SELECT pg_reload_conf()`)
			eventually(t, "the standby is required", func() bool { return db.text("SHOW synchronous_standby_names") == "nobody" })
			writer := newDatabase(t, db.dsn)
			updated := make(chan error, 1)
			go func() {
				_, err := writer.Exec(context.Background(), `UPDATE a SET v = 'new' WHERE id = 1`)
				updated <- err
			}()
			eventually(t, "the commit waits", func() bool {
				return db.text("SELECT count(*)::text FROM pg_stat_activity WHERE wait_event = 'SyncRep'") == "1"
			})
			if got := db.text("SELECT v FROM a"); got != "old" {
				t.Fatalf("a query already sees %s", got)
			}
			if got := show(c.take(1)); got[0] != "public.a update +(1,new)" {
				t.Fatalf("the log shows %v", got)
			}
			if reopen {
				if err := c.Close(); err != nil {
					t.Fatal(err)
				}
				s := build(t, db.dsn)
				if err := s.Open(t.Context(), adapters.Start{Position: c.position, Tables: []adapters.TableStart{{Table: "public.a", Run: 2}}}); err != nil {
					t.Fatal(err)
				}
				c.source = s
			}
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			for {
				b, err := c.Read(ctx)
				if errors.Is(err, context.DeadlineExceeded) {
					break
				}
				if err != nil || len(b.Records) > 0 {
					t.Fatalf("while the commit waits: %v, %v", show(b.Records), err)
				}
			}
			db.run("ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()") // releases those who wait
			if err := <-updated; err != nil {
				t.Fatal(err)
			}
			want := []string{"public.a snapshot +(1,new)", "public.a snapshot-end"}
			if diff := cmp.Diff(want, show(c.snapshotted(1))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A higher run reads a table again, into the running stream; a table added later is read while the others stream.
func TestSnapshotLater(t *testing.T) {
	db := newDatabase(t, servers.Postgres(t).Database(t),
		`CREATE TABLE a (id int PRIMARY KEY, v text)`, `CREATE TABLE b (id int PRIMARY KEY, v text)`,
		`INSERT INTO a VALUES (1, 'x')`, `INSERT INTO b VALUES (1, 'y')`)
	c := open(t, db.dsn, nil, "public.a")
	c.snapshotted(1)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	db.run(`UPDATE a SET v = 'x2'`)
	c = open(t, db.dsn, c.position, "public.a", "public.b")
	want := []string{"public.a update +(1,x2)", "public.b snapshot +(1,y)", "public.b snapshot-end"}
	if diff := cmp.Diff(want, show(c.snapshotted(1))); diff != "" {
		t.Error(diff)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	s := build(t, db.dsn)
	if err := s.Open(t.Context(), adapters.Start{Position: c.position, Tables: []adapters.TableStart{{Table: "public.a", Run: 2}, {Table: "public.b", Run: 1}}}); err != nil {
		t.Fatal(err)
	}
	c.source = s
	want = []string{"public.a snapshot +(1,x2)", "public.a snapshot-end"}
	if diff := cmp.Diff(want, show(c.snapshotted(1))); diff != "" {
		t.Error(diff)
	}
}

// A transaction that wrote to a table before the table was added to the publication is not in the log with these rows. The
// snapshot waits for it, also when the source is reopened meanwhile.
func TestSnapshotWaitsForWriters(t *testing.T) {
	db := newDatabase(t, servers.Postgres(t).Database(t),
		`CREATE TABLE a (id int PRIMARY KEY)`, `CREATE TABLE b (id int PRIMARY KEY, v text)`, `INSERT INTO b VALUES (1, 'x')`)
	c := open(t, db.dsn, nil, "public.a")
	c.snapshotted(1)
	writer := newDatabase(t, db.dsn, `BEGIN`, `INSERT INTO b VALUES (2, 'early')`)
	for range 2 {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		c = open(t, db.dsn, c.position, "public.a", "public.b")
		if got := c.during(200 * time.Millisecond); len(got) > 0 {
			t.Fatalf("while a transaction from before is running: %v", show(got))
		}
	}
	writer.run(`COMMIT`)
	want := []string{"public.b snapshot +(1,x)", "public.b snapshot +(2,early)", "public.b snapshot-end"}
	if diff := cmp.Diff(want, show(c.snapshotted(1))); diff != "" {
		t.Error(diff)
	}
}

// A table goes on under the name the pipelines know it by, while it is read and while it is re-read, when it is renamed or
// moved; its records would reach nobody under another. The next start asks for the new name and misses nothing.
func TestRenameWhileReading(t *testing.T) {
	db := newDatabase(t, servers.Postgres(t).Database(t), `CREATE SCHEMA moi`, `CREATE TABLE a (id int PRIMARY KEY, v text)`,
		`INSERT INTO a SELECT i, 'x' FROM generate_series(1, 200) i`)
	s := build(t, db.dsn, func(c *Config) { c.ChunkRows = 20 })
	if err := s.Open(t.Context(), start(nil, "public.a")); err != nil {
		t.Fatal(err)
	}
	c := &client{source: s, t: t}
	got := c.take(1)
	db.run(`ALTER TABLE a RENAME TO b`, `INSERT INTO b VALUES (-1, 'y')`, `ALTER TABLE b SET SCHEMA moi`, `DELETE FROM moi.b WHERE id = -1`)
	ended, deleted := false, false
	got = append(got, c.until("the end of both", func(r record.Record) bool {
		ended, deleted = ended || r.Op == record.SnapshotEnd, deleted || r.Op == record.Delete
		return ended && deleted
	})...)
	seen := map[string]bool{}
	for _, r := range got {
		if r.Table.String() != "public.a" {
			t.Fatalf("a %s of table %s", r.Op, r.Table)
		}
		if r.After != nil {
			seen[showRow("", r.After)] = true
		}
	}
	if len(seen) != 201 {
		t.Errorf("%d rows seen, expected 201", len(seen))
	}
	view, err := c.Begin(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer view.Close()
	if _, rows, err := view.Fetch(t.Context(), "public.a", []string{"id"}, []record.Row{{record.IntValue(7)}}); err != nil || len(rows) != 1 {
		t.Errorf("re-read %v, %v", rows, err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	db.run(`DELETE FROM moi.b WHERE id = 7`)
	err = build(t, db.dsn).Open(t.Context(), start(c.position, "public.a"))
	if e, ok := errors.AsType[*adapters.RefusedError](err); !ok || !strings.Contains(e.What.EN, "there is no table public.a") {
		t.Fatalf("open by the old name: %v", err)
	}
	c = open(t, db.dsn, c.position, "moi.b")
	got = c.snapshotted(1)
	if first := show(got[:1]); first[0] != "moi.b delete -(7,?)" || len(got) != 201 {
		t.Errorf("by the new name: %d records, first %v", len(got), first)
	}
}

// firstChunk is the chunk reader's first attempt by hand, for a source of one table from which nothing was read yet: low
// watermark and chunk now, the high watermark when the returned function is called.
func (c *client) firstChunk() (high func()) {
	c.t.Helper()
	task, ok := c.machine.Next()
	session, err := c.server.sql(c.t.Context())
	if err != nil || !ok {
		c.t.Fatal(ok, err)
	}
	write := func(m mark) {
		if err := session.mark(c.t.Context(), m.content(c.nonce)); err != nil {
			c.t.Fatal(err)
		}
	}
	write(mark{task: task.ID})
	reader := chunkReader{session: session, rows: 100}
	var chunk *readChunk
	for oid, as := range c.tables {
		if chunk, err = reader.read(c.t.Context(), oid, as, task); err != nil {
			c.t.Fatal(err)
		}
	}
	return func() {
		defer session.close()
		c.chunk.Store(chunk)
		write(mark{task: task.ID, high: true})
	}
}

// Rows of a chunk that was read before the table was emptied do not come back, whatever way it was emptied.
func TestTruncateInWindow(t *testing.T) {
	for _, truncate := range []string{`TRUNCATE a`, `TRUNCATE cha CASCADE`} {
		t.Run(truncate, func(t *testing.T) {
			db := newDatabase(t, servers.Postgres(t).Database(t), `CREATE TABLE cha (id int PRIMARY KEY)`, `CREATE TABLE a (id int PRIMARY KEY, v text, cha int REFERENCES cha)`,
				`INSERT INTO a VALUES (1, 'old'), (2, 'old')`)
			c := open(t, db.dsn, nil, "public.a")
			db.run(`INSERT INTO a VALUES (3, 'old')`) // shows the table before the window
			high := c.firstChunk()
			db.run(truncate, `INSERT INTO a VALUES (2, 'new')`)
			high()
			if diff := cmp.Diff([]string{"create +(3,old,∅)", "truncate", "create +(2,new,∅)", "snapshot-end"}, short(c.snapshotted(1))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A table altered between the read of the first chunk and its high watermark: the log shows its new version before the
// chunk with the old one, whose rows must neither come after newer ones nor tell how to read what follows.
func TestAlterInFirstWindow(t *testing.T) {
	for alter, want := range map[string][]string{
		`ALTER TABLE a ALTER id TYPE text`:                                  {"update +(1,new)", "snapshot +(1,new)", "snapshot-end", "create +(2,y)"},
		`ALTER TABLE a ADD COLUMN w int DEFAULT 7`:                          {"update +(1,new,7)", "snapshot +(1,new,7)", "snapshot-end", "create +(2,y,7)"},
		`ALTER TABLE a REPLICA IDENTITY FULL`:                               {"update -(1,old)+(1,new)", "snapshot +(1,new)", "snapshot-end", "create +(2,y)"},
		`ALTER TABLE a DROP COLUMN u; ALTER TABLE a ADD COLUMN w text`:      {"update +(1,new,∅)", "snapshot +(1,new,∅)", "snapshot-end", "create +(2,y,∅)"},
		`ALTER TABLE a DROP COLUMN u; ALTER TABLE a RENAME COLUMN v TO moi`: {"update +(1,new)", "snapshot +(1,new)", "snapshot-end", "create +(2,y)"},
	} {
		t.Run(alter, func(t *testing.T) {
			db := newDatabase(t, servers.Postgres(t).Database(t), `CREATE TABLE a (id int PRIMARY KEY, v text)`, `INSERT INTO a VALUES (1, 'old')`)
			if strings.Contains(alter, "DROP COLUMN u") {
				db.run(`ALTER TABLE a ADD COLUMN u int`)
			}
			c := open(t, db.dsn, nil, "public.a")
			high := c.firstChunk()
			second := "v"
			if strings.Contains(alter, "RENAME COLUMN v") {
				second = "moi"
			}
			db.run(alter, `UPDATE a SET `+second+` = 'new'`)
			high()
			got := c.snapshotted(1)
			db.run(`INSERT INTO a (id, ` + second + `) VALUES ('2', 'y')`)
			got = append(got, c.take(1)...)
			if diff := cmp.Diff(want, short(got)); diff != "" {
				t.Error(diff)
			}
			for _, r := range got {
				if last := got[len(got)-1].Table; r.Table != last {
					t.Errorf("%s has another version of the table", r.Op)
				}
			}
		})
	}
}

// Columns are added, dropped, renamed and retyped while the table is being snapshotted and read.
func TestAlterWhileReading(t *testing.T) {
	db := newDatabase(t, servers.Postgres(t).Database(t),
		`CREATE TABLE a (id int PRIMARY KEY, v text)`,
		`INSERT INTO a SELECT i, 'v' || i FROM generate_series(1, 3000) i`)
	s := build(t, db.dsn, func(c *Config) { c.ChunkRows = 200 })
	if err := s.Open(t.Context(), start(nil, "public.a")); err != nil {
		t.Fatal(err)
	}
	alter := []string{
		`ALTER TABLE a ADD COLUMN w int DEFAULT 7`,
		`UPDATE a SET v = 'changed' WHERE id % 100 = 0`,
		`ALTER TABLE a ALTER COLUMN w TYPE text USING w || '!'`, // rewrites: looks empty to an older view
		`ALTER TABLE a RENAME COLUMN v TO ten`,
		`INSERT INTO a VALUES (0, 'first', 'one')`,
		`ALTER TABLE a DROP COLUMN ten`,
		`ALTER TABLE a RENAME COLUMN id TO so`,
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn := newDatabase(t, db.dsn)
		for _, sql := range alter {
			time.Sleep(15 * time.Millisecond)
			conn.run(sql)
		}
		conn.run(`INSERT INTO a VALUES (-1, 'the end')`)
	}()
	c := &client{source: s, t: t}
	seen, versions, ends := map[string]bool{}, map[uint64]string{}, 0
	finished := false
	c.until("the end", func(r record.Record) bool {
		finished = finished || isEnd(r)
		if r.Op == record.SnapshotEnd {
			ends++
			return finished && ends > 0
		}
		if len(r.After) != len(r.Table.Columns) {
			t.Fatalf("a row of %d cells in a table of %d columns", len(r.After), len(r.Table.Columns))
		}
		var columns []string
		for i, column := range r.Table.Columns {
			columns = append(columns, column.Name+" "+column.Type)
			if v := r.After[i]; v.Kind > record.Null && v.Kind != column.Kind {
				t.Fatalf("column %s is of kind %s, its value %s", column.Name, column.Kind, v.Kind)
			}
		}
		if r.Table.Key[0] != 0 {
			t.Fatalf("the key is column %d", r.Table.Key[0])
		}
		shape := strings.Join(columns, ", ")
		if known, ok := versions[r.Table.Version]; ok && known != shape {
			t.Fatalf("version %d is %q and %q", r.Table.Version, known, shape)
		}
		versions[r.Table.Version] = shape
		seen[string(r.After[0].Append(nil))] = true
		return finished && ends > 0
	})
	<-done
	if len(seen) != 3002 {
		t.Errorf("%d rows seen, expected 3002", len(seen))
	}
	if len(versions) < 2 {
		t.Errorf("versions %v", versions)
	}
}

// Outside its hours a snapshot looks now and then what is visible, and reads its rows when the hour comes.
func TestSnapshotWaitsForItsHour(t *testing.T) {
	db := newDatabase(t, servers.Postgres(t).Database(t), `CREATE TABLE a (id int PRIMARY KEY, v text)`, `INSERT INTO a SELECT i, 'x' FROM generate_series(1, 30) i`)
	var open atomic.Bool
	s := build(t, db.dsn, func(c *Config) { c.ChunkRows = 10 })
	s.lookEvery = 20 * time.Millisecond
	s.pacer = adapters.NewPacer(adapters.Pace{Opens: func(now time.Time) (bool, time.Time) { return open.Load(), now.Add(time.Hour) }})
	if err := s.Open(t.Context(), start(nil, "public.a")); err != nil {
		t.Fatal(err)
	}
	c := &client{source: s, t: t}
	for i := range 20 {
		db.run(fmt.Sprintf(`INSERT INTO a VALUES (%d, 'y')`, 100+i))
		for _, r := range c.until("a change", func(r record.Record) bool { return r.Op == record.Create }) {
			if r.Op == record.Snapshot {
				t.Fatal("a row of the snapshot came outside its hours")
			}
		}
	}
	for _, r := range c.during(time.Second) {
		if r.Op == record.Snapshot {
			t.Fatal("a row of the snapshot came outside its hours")
		}
	}
	open.Store(true)
	seen := map[string]bool{}
	for _, r := range c.until("the end", func(r record.Record) bool { return r.Op == record.SnapshotEnd }) {
		if r.Op == record.Snapshot {
			seen[showRow("", r.After)] = true
		}
	}
	if len(seen) < 30 {
		t.Errorf("%d rows came in the snapshot, want the 30 that were there", len(seen))
	}
}

// A table that is to be read anew from where the log goes on is a gap all the same when changes are missing in that log: a row
// that it creates and no longer deletes would never leave the topic. Only a start that leaves the log behind mends it.
func TestReadAnewOverAGap(t *testing.T) {
	for name, damage := range map[string]string{
		"unpublished for a time": `ALTER PUBLICATION truc_h44_15_hotich DROP TABLE a; DELETE FROM a; ALTER PUBLICATION truc_h44_15_hotich ADD TABLE a`,
		"created again":          `DROP TABLE a; CREATE TABLE a (id int PRIMARY KEY, v text)`,
	} {
		t.Run(name, func(t *testing.T) {
			db := newDatabase(t, servers.Postgres(t).Database(t), `CREATE TABLE a (id int PRIMARY KEY, v text)`)
			c := open(t, db.dsn, nil, "public.a")
			c.snapshotted(1)
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			db.run(`INSERT INTO a VALUES (1, 'x')`, damage)
			again := adapters.Start{Position: c.position, Tables: []adapters.TableStart{{Table: "public.a", Run: 2}}}
			s := build(t, db.dsn)
			err := s.Open(t.Context(), again)
			if _, ok := errors.AsType[*adapters.GapError](err); !ok {
				t.Fatalf("open: %v, want a gap", err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			again.Position, again.Reset = nil, true
			c.source = build(t, db.dsn)
			if err := c.Open(t.Context(), again); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"public.a snapshot-end"}, show(c.snapshotted(1))); diff != "" {
				t.Error(diff)
			}
		})
	}
}
