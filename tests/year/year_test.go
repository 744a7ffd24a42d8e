//go:build linux

package year

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/lienthong/truc/tests/nodes"
	"github.com/lienthong/truc/tests/servers"
	"github.com/lienthong/truc/tests/workload"
)

// What happens to a thousand people in a year, as docs/scale.md assumes it: 250 changes, of them 14 births and 6 deaths.
const (
	changes = 0.250
	births  = 0.014
	deaths  = 0.006
)

// together is how many people one transaction touches: a clerk's work of some minutes, or a nightly import in pieces.
const together = 20

// The days on which something goes wrong, or somebody is away.
const (
	publisherKilled  = 90
	subscriberLeaves = 180
	subscriberBack   = 210
	bothKilled       = 300
)

func TestYear(t *testing.T) {
	if testing.Short() {
		t.Skip("starts servers")
	}
	people := population(t)
	p := newProvince(t, people)

	began := time.Now()
	publisher, subscriber := p.publish(), p.subscribe()
	p.awaitEqual()
	t.Logf("first load of %d citizens, published and delivered: %s", people, time.Since(began).Round(time.Second/10))

	began = time.Now()
	for day := range 365 {
		switch day {
		case publisherKilled:
			publisher.Kill()
			publisher = p.publish()
		case subscriberLeaves:
			subscriber.Kill()
		case subscriberBack:
			subscriber = p.subscribe()
		case bothKilled:
			publisher.Kill()
			subscriber.Kill()
			publisher, subscriber = p.publish(), p.subscribe()
		}
		p.day(day)
	}
	worked := time.Since(began)
	p.awaitEqual()
	t.Logf("a year of %d changes: written in %s, arrived %s later", p.changed, worked.Round(time.Second/10), (time.Since(began) - worked).Round(time.Second/10))
	for _, config := range []string{"pub.yaml", "sub.yaml"} {
		if got := nodes.Run(t, p.dir, "verify", "-c", config); got.Code != 0 {
			t.Errorf("verify -c %s: %s", config, got)
		}
	}
	t.Logf("highest memory: publisher %d MiB, subscriber %d MiB; %s", publisher.MiB(), subscriber.MiB(), p.sizes())
	const limit = 200
	if m := max(publisher.MiB(), subscriber.MiB()); m > limit {
		t.Errorf("a node took %d MiB; the limit is %d", m, limit)
	}
}

// population is TRUC_YEAR_POPULATION, 14,000 without it.
func population(t *testing.T) int {
	t.Helper()
	text := os.Getenv("TRUC_YEAR_POPULATION")
	if text == "" {
		return 14_000
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1000 || n%workload.Patterns != 0 {
		t.Fatalf("TRUC_YEAR_POPULATION=%s is not a multiple of %d", text, workload.Patterns)
	}
	return n
}

// province is a register of citizens and an agency that follows it.
type province struct {
	t            *testing.T
	dir          string
	source, sink *pgxpool.Pool
	rng          *rand.Rand
	born         int // ids given away
	changed      int
	owed         map[string]float64 // fractions of a day's transactions, carried on
}

func newProvince(t *testing.T, people int) *province {
	t.Helper()
	pg, kafka := servers.NewPostgres(t), servers.NewKafka(t)
	p := &province{t: t, dir: t.TempDir(), rng: rand.New(rand.NewPCG(2026, 1)), born: people, owed: map[string]float64{}}
	from, to := pg.Database(t), pg.Database(t)
	p.source, p.sink = pool(t, from), pool(t, to)
	p.exec(p.source, workload.CreateTable)
	p.exec(p.sink, workload.CreateSink)
	conn, err := p.source.Acquire(t.Context())
	if err == nil {
		err = workload.Load(t.Context(), conn.Conn(), workload.Usual, 0, people)
		conn.Release()
	}
	if err == nil {
		err = workload.Write(p.dir)
	}
	if err != nil {
		t.Fatal(err)
	}
	p.exec(p.source, "ANALYZE")
	nodes.Write(t, filepath.Join(p.dir, "pub.yaml"), fmt.Sprintf(`agency: %s
registry: { url: https://chuan.vidu.example/ }
bus: { kafka: { brokers: ["%s"], replication: 1 } }
http: { listen: 127.0.0.1:0 }
sources: { dancu: { postgres: { dsn: %q } } }
publish: { congdan: { source: dancu, mapping: %s } }
`, workload.Agency, kafka.Addr, from, workload.Mapping))
	nodes.Write(t, filepath.Join(p.dir, "sub.yaml"), fmt.Sprintf(`agency: H25.99
registry: { url: https://chuan.vidu.example/ }
bus: { kafka: { brokers: ["%s"], replication: 1 } }
http: { listen: 127.0.0.1:0 }
sinks: { bhyt: { postgres: { dsn: %q } } }
subscribe: { nguoi_dan: { agencies: [%s], sink: bhyt, mapping: %s } }
`, kafka.Addr, to, workload.Agency, workload.SinkMapping))
	return p
}

func (p *province) publish() *nodes.Node { return nodes.Start(p.t, filepath.Join(p.dir, "pub.yaml")) }

func (p *province) subscribe() *nodes.Node { return nodes.Start(p.t, filepath.Join(p.dir, "sub.yaml")) }

// day writes what happens in a day; at weekends only births and deaths.
func (p *province) day(n int) {
	p.t.Helper()
	if n%7 < 5 {
		p.some("moves", (changes-births-deaths)/261, func() {
			p.change(`UPDATE cong_dan SET thuong_tru = 'Số ' || $2::int % 200 || ' đường Mẫu', sua_luc = clock_timestamp() WHERE id = ANY($1)`,
				p.anybody(), p.rng.IntN(1_000_000))
		})
	}
	p.some("births", births/365, func() {
		ids := make([]int, together)
		numbers := make([]string, together)
		for i := range ids {
			ids[i], numbers[i] = p.born, workload.Number(p.born)
			p.born++
		}
		// A child has a row like that of somebody who is there, under a number and a name of its own.
		p.change(`INSERT INTO cong_dan (so_dinh_danh, id, ho_ten, ngay_sinh, gioi_tinh, trang_thai, sua_luc)
			SELECT so, id, 'Nguyễn Thị Mẫu', substr('19' || substr(so, 5, 2), 1, 4), CASE substr(so, 4, 1) WHEN '0' THEN 'Nam' ELSE 'Nữ' END, 1, clock_timestamp()
			FROM unnest($1::bigint[], $2::text[]) AS born (id, so)`, ids, numbers)
	})
	p.some("deaths", deaths/365, func() { p.change(`DELETE FROM cong_dan WHERE id = ANY($1)`, p.anybody()) })
}

// some runs as many transactions as a rate of people a day makes of the province.
func (p *province) some(what string, share float64, transaction func()) {
	p.owed[what] += share * float64(p.born) / together
	for ; p.owed[what] >= 1; p.owed[what]-- {
		transaction()
	}
}

func (p *province) anybody() []int {
	ids := make([]int, together)
	for i := range ids {
		ids[i] = p.rng.IntN(p.born)
	}
	return ids
}

func (p *province) change(statement string, args ...any) {
	p.t.Helper()
	tag, err := p.source.Exec(p.t.Context(), statement, args...)
	if err != nil {
		p.t.Fatalf("%.60s: %v", statement, err)
	}
	p.changed += int(tag.RowsAffected())
}

// digest is what both sides must agree on: how many people there are, and an order-free sum over who lives where.
const digest = `SELECT count(*) || ' people, ' || coalesce(sum(hashtextextended(so_dinh_danh || ' ' || ho_ten || ' ' || coalesce(thuong_tru, ''), 0)::numeric), 0) FROM `

// awaitEqual waits until the subscriber has what the register has.
func (p *province) awaitEqual() {
	p.t.Helper()
	want := ask(p.t, p.source, digest+"cong_dan")
	deadline := time.Now().Add(nodes.Patience + time.Duration(p.born/5000)*time.Second)
	for {
		got := ask(p.t, p.sink, digest+"nguoi_dan")
		if got == want {
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("the subscriber has %s, the register %s", got, want)
		}
		time.Sleep(200*time.Millisecond + time.Duration(p.born/10_000)*time.Millisecond)
	}
}

// sizes says what the tables and truc's bookkeeping take.
func (p *province) sizes() string {
	const all = `SELECT string_agg(relname || ' ' || pg_size_pretty(pg_total_relation_size(oid)), ', ' ORDER BY relname)
		FROM pg_class WHERE relkind = 'r' AND relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace) AND relname NOT LIKE 'pg_%'`
	return "register: " + ask(p.t, p.source, all) + "; subscriber: " + ask(p.t, p.sink, all)
}

func (p *province) exec(on *pgxpool.Pool, statement string) {
	p.t.Helper()
	if _, err := on.Exec(p.t.Context(), statement); err != nil {
		p.t.Fatalf("%.60s: %v", statement, err)
	}
}

func ask(t *testing.T, on *pgxpool.Pool, question string) (answer string) {
	t.Helper()
	if err := on.QueryRow(t.Context(), question).Scan(&answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

func pool(t *testing.T, dsn string) *pgxpool.Pool {
	t.Helper()
	p, err := pgxpool.New(context.WithoutCancel(t.Context()), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}
