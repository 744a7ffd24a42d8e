//go:build linux

package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	kafkago "github.com/segmentio/kafka-go"

	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/tests/nodes"
	"github.com/lienthong/truc/tests/servers"
)

var (
	measureFlag = flag.Bool("peers", false, "measure truc and its peers: the better part of an hour")
	quickFlag   = flag.Bool("quick", false, "a twentieth of the rows and one round: to see that everything works, the figures are worth nothing")
	freshFlag   = flag.Bool("fresh", false, "begin anew instead of going on with a run that was cut short")
	onlyFlag    = flag.String("only", "", "measures to run, separated by commas; all when empty")
	roundsFlag  = flag.Int("rounds", 0, "rounds of every measure; 0: each measure's own")
	rowsFlag    = flag.Int("rows", 0, "rows of the large measures, a multiple of 20,000; 0: 1,000,000")
)

func TestMain(m *testing.M) { os.Exit(nodes.Main(m)) }

// TestMeasure is `make bench-peers`. Every measure is a test of its own: one that fails leaves the others alone, and the page
// says that it failed.
func TestMeasure(t *testing.T) {
	if !*measureFlag {
		return // it measures, and tests nothing: not to be counted as skipped
	}
	ctx, stop := signal.NotifyContext(t.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *onlyFlag != "" {
		for name := range strings.SplitSeq(*onlyFlag, ",") {
			if !slices.ContainsFunc(measures(), func(one measure) bool { return one.name == name }) {
				t.Fatalf("there is no measure %q", name)
			}
		}
	}
	m := newMeasuring(ctx, t)
	minutes := 0.0
	for _, measure := range measures() {
		if m.wanted(measure.name) {
			minutes += measure.minutes
		}
	}
	if !*quickFlag {
		t.Logf("about %.0f minutes; Ctrl-C ends it, and the same command goes on from there", minutes)
	}
	for _, measure := range measures() {
		if !m.wanted(measure.name) {
			continue
		}
		started := time.Now()
		delete(m.book.Failed, measure.name)
		ok := t.Run(measure.name, func(t *testing.T) {
			t.Cleanup(func() {
				if t.Failed() && ctx.Err() == nil {
					m.book.Failed[measure.name] = "it failed; the log of the run says why"
				}
			})
			measure.run(m.with(t), measure.name)
		})
		if ok {
			m.book.Done = append(m.book.Done, measure.name)
		}
		m.save()
		if ctx.Err() != nil {
			t.Fatal("interrupted; the page has what is measured, and the same command goes on from here")
		}
		t.Logf("%s took %s", measure.name, time.Since(started).Round(time.Second))
	}
}

// measuring is what a measure works with.
type measuring struct {
	t      *testing.T
	ctx    context.Context //nolint:containedctx // that of the run, ended by Ctrl-C; t.Context is the one of a measure
	book   *Book
	dir    string // of the raw data in the making
	pages  string // where page and charts go
	pg     *servers.PostgresServer
	broker *servers.KafkaServer
	bus    *kafka.Client
	admin  *kafkago.Client
	serial *int // numbers tools: each has its own agency, topics and slot
}

func newMeasuring(ctx context.Context, t *testing.T) *measuring {
	t.Helper()
	root := filepath.Join("..", "..")
	m := &measuring{t: t, ctx: ctx, dir: filepath.Join(root, "bin", "bench-peers"), pages: filepath.Join(root, "docs"), serial: new(int)}
	if *quickFlag {
		m.dir = filepath.Join(root, "bin", "bench-peers-quick")
		m.pages = m.dir
	}
	book, err := ReadBook(m.results())
	if err != nil {
		t.Fatal(err)
	}
	complete := !slices.ContainsFunc(measures(), func(one measure) bool { return !slices.Contains(book.Done, one.name) })
	if *freshFlag || complete && *onlyFlag == "" || book.Started.IsZero() {
		book = &Book{Started: time.Now().UTC()}
	} else {
		t.Logf("going on with the run of %s; -fresh begins anew", book.Started.Format(time.DateTime))
	}
	for name := range strings.SplitSeq(*onlyFlag, ",") {
		if slices.Contains(book.Done, name) { // asked for by its name
			book.Forget(name)
		}
	}
	if book.Rows == nil {
		book.Rows = map[string]int{}
	}
	if book.Failed == nil {
		book.Failed = map[string]string{}
	}
	book.Quick = *quickFlag
	m.book = book
	// Draining reads the log, and a checkpoint in the middle would hit one contestant and not the other.
	m.pg = servers.NewPostgres(t, "max_replication_slots=60", "max_wal_senders=60", "max_wal_size=32GB", "checkpoint_timeout=1h",
		"shared_buffers=512MB", "autovacuum=off")
	m.broker = servers.NewKafka(t, "log.segment.delete.delay.ms=1000", "file.delete.delay.ms=1000", "message.max.bytes=4000000")
	if m.bus, err = kafka.New(kafka.Config{Brokers: []string{m.broker.Addr}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.bus.Close)
	m.admin = &kafkago.Client{Addr: kafkago.TCP(m.broker.Addr), Transport: &kafkago.Transport{}}
	m.book.Machine = m.machine()
	nodes.Binary(t)
	m.produceRaw(m.rows(2_000_000)) // the broker of an agency was not started a minute ago, and compiles nothing any more
	return m
}

// wanted reports whether a measure is asked for and not there yet.
func (m *measuring) wanted(name string) bool {
	return (*onlyFlag == "" || slices.Contains(strings.Split(*onlyFlag, ","), name)) && !slices.Contains(m.book.Done, name)
}

// with is the same for one measure.
func (m *measuring) with(t *testing.T) *measuring {
	t.Helper()
	one := *m
	one.t = t
	return &one
}

func (m *measuring) results() string { return filepath.Join(m.dir, "results.json") }

// save writes the raw data, and the page of all that is measured so far.
func (m *measuring) save() {
	m.t.Helper()
	if err := m.book.Write(m.results()); err != nil {
		m.t.Fatal(err)
	}
	if err := Render(m.book, m.pages); err != nil {
		m.t.Fatal(err)
	}
}

// record adds a result and saves it.
func (m *measuring) record(measure, contestant string, round, rows int, values map[string]float64) {
	m.t.Helper()
	m.book.Rows[measure] = rows
	m.book.Results = append(m.book.Results, Result{Measure: measure, Contestant: contestant, Round: round, At: time.Now().UTC().Truncate(time.Second), Values: values})
	if err := m.book.Write(m.results()); err != nil {
		m.t.Fatal(err)
	}
	m.t.Logf("round %d, %s: %v", round+1, contestant, values)
}

// left is how many rounds of a measure some contestant has not run yet.
func (m *measuring) left(measure string, rounds int, contestants []string) int {
	done := rounds
	for _, c := range contestants {
		done = min(done, m.book.Rounds(measure, c))
	}
	return rounds - done
}

// alternate runs the rounds of a measure that are not there yet: every contestant once, the order moved on by one each round.
func (m *measuring) alternate(measure string, rounds int, contestants []string, run func(contestant string, round int)) {
	m.t.Helper()
	done := rounds - m.left(measure, rounds, contestants)
	m.book.KeepRounds(measure, done)
	for round := done; round < rounds; round++ {
		for i := range contestants {
			m.alive()
			run(contestants[(i+round)%len(contestants)], round)
		}
	}
}

// alive ends a measure when the run was interrupted.
func (m *measuring) alive() {
	m.t.Helper()
	if m.ctx.Err() != nil {
		m.t.Fatal("interrupted")
	}
}

// rows scales a number of rows that is meant for 1,000,000.
func (m *measuring) rows(n int) int {
	switch {
	case *rowsFlag > 0:
		n = int(float64(n) * float64(*rowsFlag) / 1e6)
	case *quickFlag:
		n /= 20
	}
	return max(n/1000, 1) * 1000
}

// rounds is how often a measure is repeated.
func (m *measuring) rounds(n int) int {
	switch {
	case *roundsFlag > 0:
		return *roundsFlag
	case *quickFlag:
		return 1
	}
	return n
}

// next numbers a tool.
func (m *measuring) next() int {
	*m.serial++
	return *m.serial
}

func (m *measuring) connect(dsn string) *pgx.Conn {
	m.t.Helper()
	conn, err := pgx.Connect(m.ctx, dsn)
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func (m *measuring) execute(conn *pgx.Conn, statement string, args ...any) {
	m.t.Helper()
	if _, err := conn.Exec(m.ctx, statement, args...); err != nil {
		m.t.Fatal(err)
	}
}

func ask[T any](m *measuring, conn *pgx.Conn, question string, args ...any) (answer T) {
	m.t.Helper()
	if err := conn.QueryRow(m.ctx, question, args...).Scan(&answer); err != nil {
		m.t.Fatalf("%s: %v", question, err)
	}
	return answer
}

// until asks every 20 ms until the answer is yes.
func (m *measuring) until(what string, patience time.Duration, yes func() bool) {
	m.t.Helper()
	deadline := time.Now().Add(patience)
	for !yes() {
		m.alive()
		if time.Now().After(deadline) {
			m.t.Fatalf("waited %s in vain for this: %s", patience, what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	n, _ := strconv.Atoi(port)
	return n
}

func (m *measuring) machine() Machine {
	m.t.Helper()
	said := func(program string, args ...string) string {
		out, err := exec.CommandContext(m.ctx, program, args...).CombinedOutput()
		if err != nil {
			return "unknown"
		}
		return strings.TrimSpace(string(out))
	}
	var version string
	conn := m.connect(m.pg.DSN)
	version = ask[string](m, conn, "SHOW server_version")
	version, _, _ = strings.Cut(version, " ")
	java := regexp.MustCompile(`version "([^"]+)"`).FindStringSubmatch(said("java", "-version"))
	if java == nil {
		java = []string{"", "unknown"}
	}
	return Machine{
		Cores: runtime.NumCPU(), MemoryGB: memoryGB(), Go: strings.TrimPrefix(runtime.Version(), "go"), Postgres: version, Kafka: servers.KafkaVersion,
		Debezium: servers.DebeziumVersion, JDBC: servers.DebeziumJDBCVersion, Java: java[1],
		Truc: said("git", "describe", "--tags", "--always"),
	}
}

func memoryGB() int {
	text, _ := os.ReadFile("/proc/meminfo")
	var kib int
	_, _ = fmt.Sscanf(string(text), "MemTotal: %d kB", &kib)
	return (kib + 1<<19) >> 20
}

// database is the name and address parts of a DSN, for tools that do not take it whole.
func database(t *testing.T, dsn string) (host, port, user, password, name string) {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal("parse the DSN of the test's own server")
	}
	password, _ = u.User.Password()
	return u.Hostname(), u.Port(), u.User.Username(), password, strings.TrimPrefix(u.Path, "/")
}
