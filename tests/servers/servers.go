// Package servers runs real PostgreSQL and Apache Kafka servers for tests. Only tests import it.
//
//	Postgres(t), Kafka(t)          the servers all tests of a process share: handed in by the environment, or started at first use
//	NewPostgres(t), NewKafka(t)    a server of the test's own, to stop, kill and start again; gone when the test ends
//
// Servers listen on loopback ports of their own, keep their data in a temporary directory, run as an unprivileged user
// when the tests run as root, and die with the test process, also when that panics or is killed.
//
// Environment:
//
//	TRUC_TEST_POSTGRES     DSN (URL form, superuser) of the shared PostgreSQL, started by someone else; wal_level=logical
//	TRUC_TEST_KAFKA        host:port of the shared Kafka, started by someone else
//	TRUC_TEST_PGBIN        directory with initdb and postgres; default: PATH, then /usr/lib/postgresql/*/bin, then the cache
//	TRUC_TEST_PGVERSION    major version to use instead, from /usr/lib/postgresql or truc/postgres-<version> in the user's cache
//	TRUC_TEST_KAFKA_HOME   directory with libs/*.jar; default: truc/kafka-<version> in the user's cache directory
//	ALLOW_SKIP=1           skip a test whose server is not installed, instead of failing it
package servers

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// startTimeout is how long a server may take to answer. Both need seconds; a busy machine with two cores may need more.
const startTimeout = 90 * time.Second

// Main runs the tests of a package, stops the servers they shared and returns the exit code. It is for TestMain:
//
//	func TestMain(m *testing.M) { os.Exit(servers.Main(m)) }
//
// A package that also looks for leaked goroutines does so afterwards, with goleak.Find.
func Main(m *testing.M) int {
	code := m.Run()
	stopShared()
	return code
}

// LeakOption makes goleak overlook the goroutines that own the servers of this process, for checks that run while a
// server is up.
func LeakOption() goleak.Option {
	return goleak.IgnoreAnyFunction("github.com/lienthong/truc/tests/servers.(*process).own")
}

// Environment starts one PostgreSQL and one Kafka and returns the variables ("TRUC_TEST_KAFKA=127.0.0.1:…") by which
// test processes share them, and a function that stops both. What the environment already hands in is left alone.
// With an error it still returns what could be started; IsMissing tells whether the rest is merely not installed.
func Environment(ctx context.Context) (variables []string, stop func(), err error) {
	var (
		both     sync.WaitGroup
		postgres *cluster
		kafka    *broker
		errs     [2]error
	)
	if os.Getenv("TRUC_TEST_POSTGRES") == "" {
		both.Go(func() { postgres, errs[0] = newCluster(ctx, nil) })
	}
	if os.Getenv("TRUC_TEST_KAFKA") == "" {
		both.Go(func() { kafka, errs[1] = newBroker(ctx, nil) })
	}
	both.Wait()

	if postgres != nil {
		variables = append(variables, "TRUC_TEST_POSTGRES="+postgres.dsn())
	}
	if kafka != nil {
		variables = append(variables, "TRUC_TEST_KAFKA="+kafka.addr())
	}
	stop = func() {
		if postgres != nil {
			postgres.close()
		}
		if kafka != nil {
			kafka.close()
		}
	}
	return variables, stop, errors.Join(errs[:]...)
}

// PostgresOf starts one PostgreSQL of another major version and returns the variables by which test processes share it and
// start more of its version, and a function that stops it.
func PostgresOf(ctx context.Context, major int) (variables []string, stop func(), err error) {
	version := strconv.Itoa(major)
	bin, err := postgresOf(version)
	if err != nil {
		return nil, func() {}, err
	}
	c, err := newClusterOf(ctx, bin, nil)
	if err != nil {
		return nil, func() {}, fmt.Errorf("start PostgreSQL %s: %w", version, err)
	}
	return []string{"TRUC_TEST_POSTGRES=" + c.dsn(), "TRUC_TEST_PGVERSION=" + version}, c.close, nil
}

// missingError says that something is not installed and how to get it.
type missingError struct{ what string }

func (e *missingError) Error() string {
	return e.what + "; `make setup` installs it (ALLOW_SKIP=1 skips the tests that need it)"
}

// IsMissing reports whether err says, and says only, that servers are not installed.
func IsMissing(err error) bool {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			if !IsMissing(e) {
				return false
			}
		}
		return true
	}
	var missing *missingError
	return errors.As(err, &missing)
}

// SkipAllowed reports whether ALLOW_SKIP=1 permits to leave out what is not installed.
func SkipAllowed() bool { return os.Getenv("ALLOW_SKIP") == "1" }

// notShort leaves a test that needs a server out of `go test -short`.
func notShort(tb testing.TB) {
	tb.Helper()
	if testing.Short() {
		tb.Skip("needs a server, and this is a short run")
	}
}

// giveUp ends a test that cannot have its server.
func giveUp(tb testing.TB, err error) {
	tb.Helper()
	if IsMissing(err) && SkipAllowed() {
		tb.Skip(err)
	}
	tb.Fatal(err)
}

// once holds a shared server: made by the first test that asks, or the reason why it could not be made.
type once[T any] struct {
	mu     sync.Mutex
	tried  bool
	server T
	err    error
}

func (o *once[T]) get(create func() (T, error)) (T, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.tried {
		o.tried = true
		o.server, o.err = create()
	}
	return o.server, o.err
}

// stop ends the server, if there is one, and forgets it.
func (o *once[T]) stop(end func(T)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.tried && o.err == nil {
		end(o.server)
	}
	var none T
	o.tried, o.server, o.err = false, none, nil
}

// The servers that the tests of this process share: the reason for the package is that they outlive a test.
var (
	sharedCluster once[*cluster]
	sharedBroker  once[*broker]
)

func stopShared() {
	sharedCluster.stop((*cluster).close)
	sharedBroker.stop((*broker).close)
}

// freePort finds a port that nobody listens on. It stays below the range from which systems take the ports of outgoing
// connections, so that a server that was killed finds its port free when it starts again.
func freePort() (int, error) {
	for range 100 {
		port := 15000 + rand.IntN(15000)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return port, l.Close()
		}
	}
	return 0, errors.New("find a free loopback port: none of 100 tried could be bound")
}

// poll calls ready until it returns nil, the process ends or the time is up. It returns why not.
func poll(ctx context.Context, p *process, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-p.done:
			return fmt.Errorf("%s ended while starting: %w\n%s", p.name, p.err, p.logTail())
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %w\n%s", p.name, err, p.logTail())
		}
	}
}

// running reports whether a process was started and has not ended.
func (p *process) running() bool {
	if p == nil {
		return false
	}
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}
