package servers

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

const postgresPassword = "truc-test"

// PostgresServer is a PostgreSQL that a test may use.
type PostgresServer struct {
	// DSN connects as superuser to the database postgres: "postgres://postgres:…@127.0.0.1:15432/postgres?sslmode=disable".
	DSN string
	// DataDir is the data directory, "" for a server handed in by the environment.
	DataDir string
	// Bin is the directory of pg_recvlogical, pg_dump and so on, "" when there is none on this machine.
	Bin string

	tb      testing.TB
	cluster *cluster // nil for a server handed in by the environment
	private bool
}

// Postgres returns the PostgreSQL that all tests of the process share: the one of TRUC_TEST_POSTGRES, or one started at
// first use with wal_level=logical and fsync=off. A test works in a Database of its own and does not stop it.
func Postgres(tb testing.TB) *PostgresServer {
	tb.Helper()
	notShort(tb)
	if dsn := os.Getenv("TRUC_TEST_POSTGRES"); dsn != "" {
		bin, _ := findPostgres()
		return &PostgresServer{DSN: dsn, Bin: bin, tb: tb}
	}
	c, err := sharedCluster.get(func() (*cluster, error) { return newCluster(context.Background(), nil) })
	if err != nil {
		giveUp(tb, err)
	}
	return &PostgresServer{DSN: c.dsn(), DataDir: c.data(), Bin: c.bin, tb: tb, cluster: c}
}

// NewPostgres starts a PostgreSQL of the test's own, with settings such as "max_replication_slots=2" over those of the
// shared one; it ends with the test. Its data survives Kill, since the file system of the machine does, fsync or not.
func NewPostgres(tb testing.TB, settings ...string) *PostgresServer {
	tb.Helper()
	notShort(tb)
	c, err := newCluster(tb.Context(), settings)
	if err != nil {
		giveUp(tb, err)
	}
	tb.Cleanup(c.close)
	return &PostgresServer{DSN: c.dsn(), DataDir: c.data(), Bin: c.bin, tb: tb, cluster: c, private: true}
}

// NewStandby starts a server that streams from this private one through the physical slot "standby", with settings such
// as "sync_replication_slots=on" of its own; it ends with the test. For the copy of its data this server is stopped and
// started again.
func (s *PostgresServer) NewStandby(tb testing.TB, settings ...string) *PostgresServer {
	tb.Helper()
	primary := s.own("NewStandby")
	if err := execute(tb.Context(), s.DSN, "SELECT pg_create_physical_replication_slot('standby', true)"); err != nil {
		tb.Fatalf("create slot of a standby: %v", err)
	}
	c, err := primary.copy(tb.Context(), settings)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.close)
	return &PostgresServer{DSN: c.dsn(), DataDir: c.data(), Bin: c.bin, tb: tb, cluster: c, private: true}
}

// Database makes a fresh database and returns its DSN. At the end of the test it is dropped together with the replication
// slots in it, whoever is still connected.
func (s *PostgresServer) Database(tb testing.TB) string {
	tb.Helper()
	name := "truc_" + strings.ToLower(rand.Text()[:12])
	ctx, cancel := context.WithTimeout(tb.Context(), startTimeout)
	defer cancel()
	if err := execute(ctx, s.DSN, "CREATE DATABASE "+name); err != nil {
		tb.Fatalf("create database: %v", err)
	}
	tb.Cleanup(func() {
		if s.private && !s.cluster.running() {
			return // the test stopped it; it is thrown away whole
		}
		ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
		defer cancel()
		if err := dropDatabase(ctx, s.DSN, name); err != nil {
			tb.Errorf("drop database: %v", err)
		}
	})
	address, err := url.Parse(s.DSN)
	if err != nil {
		tb.Fatal("the DSN in TRUC_TEST_POSTGRES is not a URL, postgres://user:password@host:port/database")
	}
	address.Path = "/" + name
	return address.String()
}

// Stop shuts a private server down in order (fast shutdown; immediate when a client holds it up for seconds).
func (s *PostgresServer) Stop() {
	s.tb.Helper()
	s.own("Stop").stop()
}

// Kill ends a private server and its backends with SIGKILL; Start recovers it.
func (s *PostgresServer) Kill() {
	s.tb.Helper()
	s.own("Kill").kill()
}

// Start starts a private server again, on the same port and data. It returns when the server answers.
func (s *PostgresServer) Start() {
	s.tb.Helper()
	if err := s.own("Start").start(context.Background()); err != nil {
		s.tb.Fatal(err)
	}
}

func (s *PostgresServer) own(verb string) *cluster {
	s.tb.Helper()
	if !s.private {
		s.tb.Fatalf("%s: other tests share this PostgreSQL, use NewPostgres", verb)
	}
	return s.cluster
}

// cluster is a PostgreSQL that this process runs.
type cluster struct {
	home     *home
	bin      string
	port     int
	settings []string
	process  *process
}

func newCluster(ctx context.Context, settings []string) (*cluster, error) {
	bin, err := findPostgres()
	if err != nil {
		return nil, err
	}
	return newClusterOf(ctx, bin, settings)
}

func newClusterOf(ctx context.Context, bin string, settings []string) (*cluster, error) {
	h, err := newHome("postgres")
	if err != nil {
		return nil, err
	}
	if bin, err = shareProgram(h, bin); err != nil {
		h.remove()
		return nil, err
	}
	c := &cluster{home: h, bin: bin, settings: settings}
	if err := c.initialise(ctx); err != nil {
		h.remove()
		return nil, err
	}
	return c.launch(ctx)
}

// copy makes a standby of a cluster.
func (c *cluster) copy(ctx context.Context, settings []string) (*cluster, error) {
	h, err := newHome("postgres")
	if err != nil {
		return nil, err
	}
	standby := &cluster{home: h, bin: c.bin, settings: append([]string{
		fmt.Sprintf("primary_conninfo=host=127.0.0.1 port=%d user=postgres password=%s dbname=postgres", c.port, postgresPassword),
		"primary_slot_name=standby", "hot_standby_feedback=on",
	}, settings...)}
	// Data at rest is a backup without a label.
	c.stop()
	err = h.run(ctx, "cp", "-a", c.data(), standby.data())
	if err := errors.Join(err, c.start(ctx)); err != nil {
		h.remove()
		return nil, err
	}
	slots, _ := filepath.Glob(filepath.Join(standby.data(), "pg_replslot", "*"))
	for _, slot := range slots {
		err = errors.Join(err, os.RemoveAll(slot)) // those of the primary: a base backup does not have them either
	}
	signal := filepath.Join(standby.data(), "standby.signal")
	if err := errors.Join(err, os.WriteFile(signal, nil, 0o600), h.own(signal)); err != nil {
		h.remove()
		return nil, fmt.Errorf("make a standby: %w", err)
	}
	return standby.launch(ctx)
}

// launch starts a cluster for the first time, on a port of its own; one that does not start is thrown away.
func (c *cluster) launch(ctx context.Context) (_ *cluster, err error) {
	// A port that was free when it was looked for may be taken by the time PostgreSQL binds it.
	for range 3 {
		if c.port, err = freePort(); err != nil {
			break
		}
		if err = c.start(ctx); err == nil {
			return c, nil
		}
	}
	c.close()
	return nil, err
}

func (c *cluster) initialise(ctx context.Context) error {
	password, err := c.home.write("password", postgresPassword)
	if err != nil {
		return fmt.Errorf("write password of PostgreSQL: %w", err)
	}
	return c.home.run(ctx, filepath.Join(c.bin, "initdb"), "-D", c.data(), "-U", "postgres", "--pwfile="+password,
		"--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
}

func (c *cluster) data() string { return filepath.Join(c.home.dir, "data") }

func (c *cluster) dsn() string {
	return fmt.Sprintf("postgres://postgres:%s@127.0.0.1:%d/postgres?sslmode=disable", postgresPassword, c.port)
}

func (c *cluster) start(ctx context.Context) error {
	if c.running() {
		return errors.New("start PostgreSQL: it is running")
	}
	args := []string{"-D", c.data(), "-p", strconv.Itoa(c.port)}
	for _, setting := range append([]string{
		"listen_addresses=127.0.0.1",
		"unix_socket_directories=", // one way in is enough, and the path of a socket must be short
		"wal_level=logical",
		"max_replication_slots=20",
		"max_wal_senders=20",
		"max_connections=200",
		"fsync=off", // only a crash of the machine would matter
		"timezone=UTC",
		"jit=off",
		"log_line_prefix=%m [%p] %d ",
	}, c.settings...) {
		args = append(args, "-c", setting)
	}
	// SIGQUIT is PostgreSQL's immediate shutdown: backends and shared memory go too.
	p, err := c.home.start("PostgreSQL", quit, filepath.Join(c.bin, "postgres"), args...)
	if err != nil {
		return err
	}
	c.process = p
	err = poll(ctx, p, func(ctx context.Context) error { return execute(ctx, c.dsn(), "SELECT 1") })
	if err != nil {
		p.kill()
	}
	return err
}

func (c *cluster) running() bool { return c.process.running() }

func (c *cluster) stop() {
	if c.running() {
		c.process.stop(10*time.Second, interrupt, quit)
	}
}

func (c *cluster) kill() {
	if c.running() {
		c.process.kill()
	}
}

// close ends the server and removes its data.
func (c *cluster) close() {
	if c.running() {
		c.process.stop(5*time.Second, quit)
	}
	c.home.remove()
}

func execute(ctx context.Context, dsn, statement string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer conn.Close(context.Background())
	_, err = conn.Exec(ctx, statement)
	return err
}

// dropDatabase drops a database and, before it, the logical replication slots that would keep it.
func dropDatabase(ctx context.Context, dsn, name string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer conn.Close(context.Background())
	for {
		_, err = conn.Exec(ctx, `SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE database = $1 AND active`, name)
		if err == nil {
			_, err = conn.Exec(ctx, `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = $1`, name)
		}
		if err == nil {
			_, err = conn.Exec(ctx, "DROP DATABASE "+name+" WITH (FORCE)")
		}
		if err == nil {
			return nil
		}
		// A walsender that was told to go takes a moment to let go of its slot.
		select {
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}
