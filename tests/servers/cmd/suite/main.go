// Command suite runs `go test` with one PostgreSQL and one Apache Kafka for all packages:
//
//	go run ./tests/servers/cmd/suite -race ./...
//
// It prints a line per package, what failed in full, and every test that was skipped with its reason. It fails when a
// test failed and, unless ALLOW_SKIP=1, also when one was skipped: a test that silently does not run proves nothing.
//
// Of the packages given, those with tests on PostgreSQL are run again, with these tests, on the other versions that truc
// supports, unless the environment chooses a server. Flags of go test that have a value are written with "=": -run=TestOpen.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"sync"
	"syscall"

	"github.com/lienthong/truc/tests/servers"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Stdout, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "suite:", err)
		os.Exit(1)
	}
}

// run runs the tests given by args on the default version of PostgreSQL, and then what depends on the version on the others.
func run(ctx context.Context, out io.Writer, args []string) error {
	variables, stop, err := servers.Environment(ctx)
	defer stop()
	switch {
	case err != nil && servers.IsMissing(err) && servers.SkipAllowed():
		fmt.Fprintln(out, "going on without, since ALLOW_SKIP=1:", err)
	case err != nil:
		return err
	}
	rounds, err := plan(ctx, args)
	if err != nil {
		return err
	}
	reports := make([]*report, 1+len(rounds))
	errs := make([]error, 1+len(rounds))
	shared := &lines{out: out}
	reports[0] = newReport(shared, "")
	errs[0] = goTest(ctx, reports[0], variables, args)
	// The others wait more than they work: together they take little longer than one.
	var wg sync.WaitGroup
	for i, r := range rounds {
		wg.Go(func() {
			reports[i+1] = newReport(shared, fmt.Sprintf(" on PostgreSQL %d", r.postgres))
			errs[i+1] = r.run(ctx, reports[i+1], variables)
		})
	}
	wg.Wait()
	skipped := 0
	for _, r := range reports {
		r.summary()
		skipped += len(r.skipped)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if skipped > 0 && !servers.SkipAllowed() {
		return fmt.Errorf("%d skipped; ALLOW_SKIP=1 permits that", skipped)
	}
	return nil
}

// round is what runs on one more version of PostgreSQL.
type round struct {
	postgres int
	tests    [][]string // arguments of go test, one run each
}

func (r round) run(ctx context.Context, report *report, variables []string) error {
	others, stop, err := servers.PostgresOf(ctx, r.postgres)
	defer stop()
	if err != nil {
		if servers.IsMissing(err) && servers.SkipAllowed() {
			report.skipped = append(report.skipped, err.Error())
			return nil
		}
		return err
	}
	for _, args := range r.tests {
		// Of a variable that stands twice the later counts.
		err = errors.Join(err, goTest(ctx, report, slices.Concat(variables, others), args))
	}
	return err
}

// goTest runs `go test` once and reads what it says.
func goTest(ctx context.Context, r *report, variables, args []string) error {
	cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-json"}, args...)...)
	// An interrupt goes to go test too, which stops the tests in order.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.Env = append(os.Environ(), variables...)
	cmd.Stderr = os.Stderr
	events, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("read output of go test: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start go test: %w", err)
	}
	readErr := r.read(events)
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("go test%s: %w", r.on, err)
	}
	if readErr != nil {
		return fmt.Errorf("read output of go test%s: %w", r.on, readErr)
	}
	return nil
}

// lines lets several reports write to one stream, a whole line at a time.
type lines struct {
	mu  sync.Mutex
	out io.Writer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.Write(b)
}
