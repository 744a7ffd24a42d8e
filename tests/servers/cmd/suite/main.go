// Command suite runs `go test` with one PostgreSQL and one Apache Kafka for all packages:
//
//	go run ./tests/servers/cmd/suite -race ./...
//
// It prints a line per package, what failed in full, and every test that was skipped with its reason. It fails when a
// test failed and, unless ALLOW_SKIP=1, also when one was skipped: a test that silently does not run proves nothing.
//
// Of the packages given, those with tests on PostgreSQL are run again, with these tests, on the other versions that truc
// supports, unless the environment chooses a server. The race detector is left out where it has nothing to see; plan.go says
// of both which and why. Flags of go test that have a value are written with "=": -run=TestOpen.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
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

// run runs the tests given by args, as many packages at once as keep the processors busy: since tests also wait, those are one
// more than there are processors.
func run(ctx context.Context, out io.Writer, args []string) error {
	variables, stop, err := servers.Environment(ctx)
	defer stop()
	switch {
	case err != nil && servers.IsMissing(err) && servers.SkipAllowed():
		fmt.Fprintln(out, "going on without, since ALLOW_SKIP=1:", err)
	case err != nil:
		return err
	}
	processors := runtime.NumCPU()
	jobs, err := plan(ctx, args, processors)
	if err != nil {
		return err
	}
	versions, stop, err := start(ctx, &lines{out: out}, variables, jobs)
	defer stop()
	if err != nil {
		return err
	}
	errs := make([]error, len(jobs))
	places := make(chan struct{}, processors+1)
	var wg sync.WaitGroup
	for i, j := range jobs {
		v := versions[j.postgres]
		if v.missing {
			continue
		}
		for range j.places {
			places <- struct{}{}
		}
		wg.Go(func() {
			errs[i] = goTest(ctx, v.report, slices.Concat(v.variables, j.variables), j.args)
			for range j.places {
				<-places
			}
		})
	}
	wg.Wait()
	skipped := 0
	for _, postgres := range slices.Sorted(maps.Keys(versions)) {
		r := versions[postgres].report
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

// version is a version of PostgreSQL: how test processes find its server, and what is reported of the tests on it.
type version struct {
	variables []string
	report    *report
	missing   bool // it is not installed, and need not be
}

// start starts a PostgreSQL of each version that the jobs want; with an error, stop stops those that run.
func start(ctx context.Context, out io.Writer, variables []string, jobs []job) (versions map[int]*version, stop func(), err error) {
	versions = map[int]*version{}
	var stops []func()
	stop = func() {
		for _, stop := range stops {
			stop()
		}
	}
	for _, j := range jobs {
		if versions[j.postgres] != nil {
			continue
		}
		v := &version{variables: variables, report: newReport(out, "")}
		versions[j.postgres] = v
		if j.postgres == 0 {
			continue
		}
		v.report.on = fmt.Sprintf(" on PostgreSQL %d", j.postgres)
		others, end, err := servers.PostgresOf(ctx, j.postgres)
		stops = append(stops, end)
		switch {
		case err != nil && servers.IsMissing(err) && servers.SkipAllowed():
			v.missing, v.report.skipped = true, []string{err.Error()}
		case err != nil:
			return nil, stop, err
		}
		v.variables = slices.Concat(variables, others) // of a variable that stands twice the later counts
	}
	return versions, stop, nil
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
