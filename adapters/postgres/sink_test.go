package postgres

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/tests/servers"
)

// people is the usual target: key id, columns name and code.
func people() *record.Target {
	return &record.Target{Table: "bhyt.nguoi", Key: []string{"id"}, Columns: []string{"name", "code"}}
}

func TestSinkOpensFromManyNodesAtOnce(t *testing.T) {
	dsn := servers.Postgres(t).Database(t)
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		s := openSink(t, dsn)
		wg.Go(func() { errs[i] = s.Open(context.Background()) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if got := answers(t, dsn, "SELECT version FROM truc.sink_format"); !cmp.Equal(got, []string{"2"}) {
		t.Errorf("formats: %v", got)
	}
}

func TestSinkRefusesANewerFormat(t *testing.T) {
	b := newBed(t, people(), "")
	execute(t, b.dsn, "UPDATE truc.sink_format SET version = 99")
	err := b.sink.Open(b.ctx)
	if refused, ok := errors.AsType[*adapters.RefusedError](err); !ok || !strings.Contains(refused.What.EN, "99") {
		t.Errorf("got %v, want a refusal that names the format", err)
	}
}

// TestSinkRaisesTheFirstFormat: bookkeeping from before offsets had marks is brought up to date, and keeps what it knows. Who may
// not alter it is told the statements.
func TestSinkRaisesTheFirstFormat(t *testing.T) {
	b := newBed(t, people(), "")
	tp := adapters.TopicPartition{Topic: "t"}
	if err := b.sink.Apply(b.ctx, "p", nil, adapters.Offsets{tp: {}}, adapters.Offsets{tp: {Next: 7}}); err != nil {
		t.Fatal(err)
	}
	user := "truc_" + strings.ToLower(rand.Text()[:10]) // roles belong to the whole server
	execute(t, b.dsn, "ALTER TABLE truc.sink_offset DROP COLUMN mark; UPDATE truc.sink_format SET version = 1; CREATE ROLE "+user+" LOGIN PASSWORD 'bi-mat'; GRANT USAGE ON SCHEMA truc TO "+user+"; GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA truc TO "+user)
	t.Cleanup(func() { execute(t, b.dsn, "DROP OWNED BY "+user+"; DROP ROLE "+user) })
	other, err := url.Parse(b.dsn)
	if err != nil {
		t.Fatal(err)
	}
	other.User = url.UserPassword(user, "bi-mat")
	err = openSink(t, other.String()).Open(b.ctx)
	if refused, ok := errors.AsType[*adapters.RefusedError](err); !ok || !strings.Contains(refused.Fix.EN, "ADD COLUMN IF NOT EXISTS mark") {
		t.Errorf("as a user who may not alter it: %v, want a refusal with the statements", err)
	}
	s := openSink(t, b.dsn)
	if err := s.Open(b.ctx); err != nil {
		t.Fatal(err)
	}
	got, err := s.Offsets(b.ctx, "p", []adapters.TopicPartition{tp})
	if err != nil || got[tp] != (adapters.Offset{Next: 7}) {
		t.Errorf("offsets %v, %v", got, err)
	}
	if got := answers(t, b.dsn, "SELECT version FROM truc.sink_format"); !cmp.Equal(got, []string{"2"}) {
		t.Errorf("formats: %v", got)
	}
}

// TestSinkPrivileges follows the fixes that the refusals name, one after another, until everything works.
func TestSinkPrivileges(t *testing.T) {
	dsn := servers.Postgres(t).Database(t)
	execute(t, dsn, "CREATE SCHEMA bhyt; CREATE TABLE bhyt.nguoi (id int PRIMARY KEY, name text, code text)")
	user := "truc_" + strings.ToLower(rand.Text()[:10]) // roles belong to the whole server
	execute(t, dsn, fmt.Sprintf("CREATE ROLE %s LOGIN PASSWORD 'bi-mat'", user))
	t.Cleanup(func() { execute(t, dsn, fmt.Sprintf("DROP OWNED BY %[1]s CASCADE; DROP ROLE %[1]s", user)) })
	address, _ := url.Parse(dsn)
	address.User = url.UserPassword(user, "bi-mat")

	s := openSink(t, address.String())
	ctx := context.Background()
	target := people()
	target.Pipeline = "giao"
	change := record.Change{Target: target, Key: rowOf(1), Values: rowOf("An", nil), Source: "s", Sequence: "1"}
	var fixes []string
	for range 5 {
		err := s.Open(ctx)
		if err == nil {
			err = s.Apply(ctx, target.Pipeline, []record.Change{change}, adapters.Offsets{bedPartition: {Next: 0}}, adapters.Offsets{bedPartition: {Next: 1}})
		}
		if err == nil {
			break
		}
		refused, ok := errors.AsType[*adapters.RefusedError](err)
		if !ok || strings.Contains(err.Error(), "bi-mat") {
			t.Fatalf("got %v, want a refusal with the statement that mends it", err)
		}
		fixes = append(fixes, refused.Fix.EN)
		_, sql, found := strings.Cut(refused.Fix.EN, "owner of the database: ")
		if !found {
			sql = refused.Fix.EN
		}
		execute(t, dsn, sql)
	}
	want := []string{
		fmt.Sprintf(`as a superuser or the owner of the database: CREATE SCHEMA "truc" AUTHORIZATION "%s"`, user),
		fmt.Sprintf(`GRANT USAGE ON SCHEMA "bhyt" TO "%[1]s"; GRANT SELECT, UPDATE, DELETE, INSERT ON "bhyt"."nguoi" TO "%[1]s"`, user),
	}
	if diff := cmp.Diff(want, fixes); diff != "" {
		t.Errorf("fixes (-want +got):\n%s", diff)
	}
	if got := answers(t, dsn, "SELECT id, name FROM bhyt.nguoi"); !cmp.Equal(got, []string{"1 An"}) {
		t.Errorf("rows: %v", got)
	}

	address.User = url.UserPassword(user, "sai")
	err := openSink(t, address.String()).Open(ctx)
	if refused, ok := errors.AsType[*adapters.RefusedError](err); !ok || strings.Contains(err.Error(), "sai\"") {
		t.Errorf("wrong password: got %v (%v), want a refusal", err, refused)
	}
}

// TestSinkFirstOffsetRace: a partition nobody has a row for yet is taken by one of two instances, and the other is told so.
func TestSinkFirstOffsetRace(t *testing.T) {
	b := newBed(t, people(), "CREATE SCHEMA bhyt; CREATE TABLE bhyt.nguoi (id int PRIMARY KEY, name text, code text)")
	const instances = 6
	var wg sync.WaitGroup
	errs := make([]error, instances)
	for i := range errs {
		s := openSink(t, b.dsn)
		change := b.put(i, strconv.Itoa(i), nil)
		wg.Go(func() {
			errs[i] = s.Apply(b.ctx, b.target.Pipeline, []record.Change{change}, adapters.Offsets{bedPartition: {Next: 0}}, adapters.Offsets{bedPartition: {Next: 10}})
		})
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, adapters.ErrOffsetMoved):
			t.Errorf("got %v, want ErrOffsetMoved", err)
		}
	}
	if won != 1 {
		t.Errorf("%d instances won", won)
	}
	b.want("SELECT count(*) FROM bhyt.nguoi", "1")
	b.want("SELECT next_offset FROM truc.sink_offset", "10")
}

// TestSinkOffsetsOfSeveralPartitions: one that moved refuses all of them.
func TestSinkOffsetsOfSeveralPartitions(t *testing.T) {
	b := newBed(t, people(), "CREATE SCHEMA bhyt; CREATE TABLE bhyt.nguoi (id int PRIMARY KEY, name text, code text)")
	p0, p1 := bedPartition, adapters.TopicPartition{Topic: bedPartition.Topic, Partition: 1}
	if err := b.sink.Apply(b.ctx, b.target.Pipeline, []record.Change{b.put(1, "a", nil)}, adapters.Offsets{p0: {Next: 0}}, adapters.Offsets{p0: {Next: 5}}); err != nil {
		t.Fatal(err)
	}
	stale := b.sink.Apply(b.ctx, b.target.Pipeline, []record.Change{b.put(2, "b", nil)}, adapters.Offsets{p0: {Next: 0}, p1: {Next: 0}}, adapters.Offsets{p0: {Next: 6}, p1: {Next: 6}})
	if !errors.Is(stale, adapters.ErrOffsetMoved) {
		t.Errorf("got %v", stale)
	}
	b.want("SELECT partition, next_offset FROM truc.sink_offset", "0 5")
	if err := b.sink.Apply(b.ctx, b.target.Pipeline, []record.Change{b.put(2, "b", nil)}, adapters.Offsets{p0: {Next: 5}, p1: {Next: 0}}, adapters.Offsets{p0: {Next: 6}, p1: {Next: 6}}); err != nil {
		t.Fatal(err)
	}
	b.want("SELECT partition, next_offset FROM truc.sink_offset", "0 6", "1 6")
	if err := b.sink.Apply(b.ctx, b.target.Pipeline, nil, adapters.Offsets{p0: {Next: 6}}, adapters.Offsets{p1: {Next: 7}}); err == nil {
		t.Error("from and to of different partitions were taken")
	}
}

// TestSinkConnectionLost: a backend that is ended, and a server that dies, are waited for; the same sink goes on after it.
func TestSinkConnectionLost(t *testing.T) {
	server := servers.NewPostgres(t)
	dsn := server.Database(t)
	execute(t, dsn, "CREATE SCHEMA bhyt; CREATE TABLE bhyt.nguoi (id int PRIMARY KEY, name text, code text)")
	b := openBed(t, people(), dsn)
	b.apply(b.put(1, "a", nil))

	change := b.put(2, "b", nil)
	execute(t, dsn, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'truc bhyt'")
	if err := b.try(change); !isUnreachable(err) {
		t.Errorf("backend ended: got %v, want *UnreachableError", err)
	}
	b.apply(change)

	change = b.put(3, "c", nil)
	server.Kill()
	for range 2 {
		if err := b.try(change); !isUnreachable(err) {
			t.Errorf("server killed: got %v, want *UnreachableError", err)
		}
	}
	server.Start()
	b.apply(change)
	b.want("SELECT id FROM bhyt.nguoi", "1", "2", "3")
}

func isUnreachable(err error) bool {
	_, ok := errors.AsType[*adapters.UnreachableError](err)
	return ok
}

// TestSinkStalledPredecessor: an instance that stopped in the middle of a transaction holds the offset; the successor gets
// an error to retry on, and the server ends the stalled transaction.
func TestSinkStalledPredecessor(t *testing.T) {
	dsn := servers.Postgres(t).Database(t)
	execute(t, dsn, "CREATE SCHEMA bhyt; CREATE TABLE bhyt.nguoi (id int PRIMARY KEY, name text, code text)")
	b := openBed(t, people(), dsn+"&lock_timeout=300ms&idle_in_transaction_session_timeout=1500ms")
	b.apply(b.put(1, "a", nil))

	stalled, err := b.sink.connect(b.ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer stalled.close()
	if err := stalled.exec(b.ctx, "BEGIN; UPDATE truc.sink_offset SET next_offset = 77"); err != nil {
		t.Fatal(err)
	}
	change := b.put(2, "b", nil)
	if err := b.try(change); !isUnreachable(err) {
		t.Fatalf("got %v, want *UnreachableError", err)
	}
	deadline := time.Now().Add(20 * time.Second)
	for err = b.try(change); isUnreachable(err) && time.Now().Before(deadline); err = b.try(change) {
	}
	if err != nil {
		t.Fatalf("after the stalled transaction's time: %v", err)
	}
	b.want("SELECT next_offset FROM truc.sink_offset", "2")
}

func TestSinkContextEnds(t *testing.T) {
	b := newBed(t, people(), "CREATE SCHEMA bhyt; CREATE TABLE bhyt.nguoi (id int PRIMARY KEY, name text, code text)")
	b.apply(b.put(1, "a", nil))
	blocker, err := b.sink.connect(b.ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer blocker.close()
	if err := blocker.exec(b.ctx, "BEGIN; LOCK TABLE bhyt.nguoi"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(b.ctx, 200*time.Millisecond)
	defer cancel()
	change := b.put(2, "b", nil)
	err = b.sink.Apply(ctx, b.target.Pipeline, []record.Change{change}, adapters.Offsets{bedPartition: {Next: 1}}, adapters.Offsets{bedPartition: {Next: 2}})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the error of ctx", err)
	}
	if err := blocker.exec(b.ctx, "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	b.apply(change)
	b.want("SELECT id FROM bhyt.nguoi", "1", "2")
}

// TestSinkTableChanges: what was learnt about a table is learnt anew when it does not hold any more.
func TestSinkTableChanges(t *testing.T) {
	b := newBed(t, people(), "CREATE SCHEMA bhyt; CREATE TABLE bhyt.nguoi (id int PRIMARY KEY, name varchar(3), code text)")
	b.apply(b.put(1, "a", nil))
	execute(t, b.dsn, "ALTER TABLE bhyt.nguoi ALTER id TYPE bigint, ALTER name TYPE text")
	b.apply(b.put(record.IntValue(1<<40), "dài hơn ba", nil))
	execute(t, b.dsn, "ALTER TABLE bhyt.nguoi DROP COLUMN code, ADD COLUMN code int")
	b.apply(b.put(2, "b", "7"))

	execute(t, b.dsn, "ALTER TABLE bhyt.nguoi RENAME code TO ma")
	err := b.try(b.put(3, "c", nil))
	if refused, ok := errors.AsType[*adapters.RefusedError](err); !ok || !strings.Contains(refused.What.EN, "code") {
		t.Errorf("column gone: got %v, want a refusal that names it", err)
	}
	execute(t, b.dsn, "ALTER TABLE bhyt.nguoi RENAME ma TO code; ALTER TABLE bhyt.nguoi DROP CONSTRAINT nguoi_pkey")
	err = openBedAgain(b).try(b.put(3, "c", nil))
	if refused, ok := errors.AsType[*adapters.RefusedError](err); !ok || refused.Fix.EN != `CREATE UNIQUE INDEX CONCURRENTLY ON "bhyt"."nguoi" ("id")` {
		t.Errorf("unique index gone: got %v, want the statement that makes it", err)
	}
	execute(t, b.dsn, "DROP TABLE bhyt.nguoi")
	err = b.try(b.put(3, "c", nil))
	if refused, ok := errors.AsType[*adapters.RefusedError](err); !ok || !strings.Contains(refused.What.EN, "no table bhyt.nguoi") {
		t.Errorf("table gone: got %v, want a refusal that names it", err)
	}
	execute(t, b.dsn, "CREATE TABLE bhyt.nguoi (id int PRIMARY KEY, name text, code text)")
	b.apply(b.put(3, "c", nil))
	b.want("SELECT id, name FROM bhyt.nguoi", "3 c")
}

func openBedAgain(b *sinkBed) *sinkBed {
	again := openBed(b.TB, b.target, b.dsn)
	again.offset = b.offset
	return again
}

// encodedBed is a bed in a database of another encoding than UTF-8.
func encodedBed(t *testing.T, encoding string, target *record.Target, sql string) *sinkBed {
	t.Helper()
	server := servers.Postgres(t)
	name := "truc_encoded_" + strings.ToLower(rand.Text()[:10])
	execute(t, server.DSN, fmt.Sprintf("CREATE DATABASE %s ENCODING '%s' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'", name, encoding))
	t.Cleanup(func() { execute(t, server.DSN, "DROP DATABASE "+name+" WITH (FORCE)") })
	address, _ := url.Parse(server.DSN)
	address.Path = "/" + name
	execute(t, address.String(), sql)
	return openBed(t, target, address.String())
}

// TestSinkSQLASCII: a database that does not know its encoding takes the bytes the mapping made (TCVN3).
func TestSinkSQLASCII(t *testing.T) {
	b := encodedBed(t, "SQL_ASCII", people(), "CREATE SCHEMA bhyt; CREATE TABLE bhyt.nguoi (id int PRIMARY KEY, name text, code text)")
	b.apply(b.put(1, "Nguy\xd4n V\xa8n", nil))
	b.want("SELECT encode(name::bytea, 'hex') FROM bhyt.nguoi", "4e677579d46e2056a86e")
}

// TestSinkKeysInAnotherEncoding: keys are kept and read back where a letter has another length than in UTF-8.
func TestSinkKeysInAnotherEncoding(t *testing.T) {
	for encoding, letters := range map[string]string{"WIN1258": "Trần", "LATIN1": "é", "UTF8": "ộ🎋", "SQL_ASCII": "\xd4\xa8"} {
		t.Run(encoding, func(t *testing.T) {
			target := &record.Target{Table: "bhyt.nguoi", Key: []string{"xa", "id"}, Columns: []string{"name"}}
			b := encodedBed(t, encoding, target, "CREATE SCHEMA bhyt; CREATE TABLE bhyt.nguoi (xa text, id int, name text, PRIMARY KEY (xa, id))")
			if encoding == "WIN1258" {
				letters = "Trâ\u0300n" // its tone marks stand alone
			}
			c := b.put(0, "a")
			c.Key = rowOf(letters, 7)
			b.apply(c)
			seen := 0
			err := b.sink.Rows(b.ctx, target, func(row adapters.SinkRow) error {
				seen++
				if !row.Found || string(row.Key[0].Bytes) != letters || row.Key[1].Num != 7 {
					t.Errorf("found %v, key %q %d", row.Found, row.Key[0].Bytes, row.Key[1].Num)
				}
				return nil
			})
			if err != nil || seen != 1 {
				t.Errorf("%d rows, %v", seen, err)
			}
		})
	}
}

// TestSinkNamesAndPartitions: names are taken as the catalog spells them, and a partitioned table is a table.
func TestSinkNamesAndPartitions(t *testing.T) {
	target := &record.Target{Table: `Y tế."Trẻ" em; --`, Key: []string{"Mã số", "năm"}, Columns: []string{`Họ "và" tên`, "select"}}
	b := newBed(t, target, `
		CREATE SCHEMA "Y tế";
		CREATE TABLE "Y tế"."""Trẻ"" em; --" ("Mã số" text, "năm" int, "Họ ""và"" tên" text, "select" text UNIQUE DEFERRABLE, PRIMARY KEY ("Mã số", "năm"));`)
	put := func(key string, year int, cells ...any) record.Change {
		c := b.put(0, cells...)
		c.Key = rowOf(key, year)
		return c
	}
	b.apply(put("a", 2019, "An", "x"), put("a", 2020, "Bình", "y"))
	b.apply(put("a", 2019, "An", "y"), put("a", 2020, "Bình", "x"))
	b.want(`SELECT * FROM "Y tế"."""Trẻ"" em; --"`, "a 2019 An y", "a 2020 Bình x")

	execute(t, b.dsn, `CREATE SCHEMA bhyt; CREATE TABLE bhyt.nguoi (id int, name text, code text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
		CREATE TABLE bhyt.nguoi1 PARTITION OF bhyt.nguoi FOR VALUES FROM (0) TO (10); CREATE TABLE bhyt.nguoi2 PARTITION OF bhyt.nguoi FOR VALUES FROM (10) TO (20);`)
	b.target = people()
	b.target.Pipeline = target.Pipeline
	b.apply(b.put(1, "a", nil), b.put(11, "b", nil))
	b.rejected([]record.Change{b.put(99, "c", nil), b.put(2, "d", nil)}, "0 check")
	b.apply(b.put(1, "a2", nil), b.remove(11))
	b.want("SELECT tableoid::regclass, id, name FROM bhyt.nguoi", "bhyt.nguoi1 1 a2")
}

// TestSinkCommitWithoutAnAnswer: the server dies, or the network does, after the commit landed and before its answer came.
// The next try finds the offsets moved, writes nothing, and the offsets say so.
func TestSinkCommitWithoutAnAnswer(t *testing.T) {
	dsn := servers.Postgres(t).Database(t)
	execute(t, dsn, "CREATE SCHEMA bhyt; CREATE TABLE bhyt.nguoi (id int PRIMARY KEY, name text, code text, written int NOT NULL DEFAULT 1); CREATE TABLE bhyt.viec (id int)")
	execute(t, dsn, `CREATE FUNCTION bhyt.dem() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO bhyt.viec VALUES (new.id); RETURN new; END $$;
		CREATE TRIGGER dem AFTER INSERT OR UPDATE ON bhyt.nguoi FOR EACH ROW EXECUTE FUNCTION bhyt.dem()`)
	address, _ := url.Parse(dsn)
	wire := newDeafWire(t, address.Host)
	address.Host = wire.address
	b := openBed(t, people(), address.String())
	b.apply(b.put(1, "a", nil))

	change := b.put(2, "b", nil)
	wire.deafen.Store(true)
	if err := b.try(change); !isUnreachable(err) {
		t.Fatalf("got %v, want *UnreachableError", err)
	}
	wire.deafen.Store(false)
	if err := b.try(change); !errors.Is(err, adapters.ErrOffsetMoved) {
		t.Fatalf("the commit had landed: got %v, want ErrOffsetMoved", err)
	}
	offsets, err := b.sink.Offsets(b.ctx, b.target.Pipeline, []adapters.TopicPartition{bedPartition})
	if err != nil || offsets[bedPartition].Next != 2 {
		t.Fatalf("offsets %v, %v", offsets, err)
	}
	b.offset = 2
	b.apply(b.put(3, "c", nil))
	b.dsn = dsn
	b.want("SELECT id FROM bhyt.nguoi", "1", "2", "3")
	b.want("SELECT id FROM bhyt.viec", "1", "2", "3")
}

// deafWire is a network on the way to a server: deafened, it carries a COMMIT there, and breaks before it carries the answer back.
type deafWire struct {
	address string
	deafen  atomic.Bool
	sent    atomic.Int64 // pieces that went to the server: about one a round trip, more for a large batch
}

func newDeafWire(t *testing.T, server string) *deafWire {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &deafWire{address: l.Addr().String()}
	var carrying sync.WaitGroup
	t.Cleanup(func() { l.Close(); carrying.Wait() })
	carrying.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			carrying.Go(func() { w.carry(t.Context(), client, server) })
		}
	})
	return w
}

func (w *deafWire) carry(ctx context.Context, client net.Conn, server string) {
	defer client.Close()
	var d net.Dialer
	upstream, err := d.DialContext(ctx, "tcp", server)
	if err != nil {
		return
	}
	defer upstream.Close()
	var deaf atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer client.Close()
		buf := make([]byte, 64<<10)
		for {
			n, err := upstream.Read(buf)
			if err != nil || deaf.Load() {
				return // what was read is the answer to the commit
			}
			if _, err := client.Write(buf[:n]); err != nil {
				return
			}
		}
	}()
	buf := make([]byte, 64<<10)
	for {
		n, err := client.Read(buf)
		if err != nil {
			break
		}
		w.sent.Add(1)
		if w.deafen.Load() && bytes.Contains(buf[:n], []byte("COMMIT\x00")) {
			deaf.Store(true)
		}
		if _, err := upstream.Write(buf[:n]); err != nil {
			break
		}
	}
	upstream.Close()
	<-done
}
