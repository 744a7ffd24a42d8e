// Command suite runs `go test` with one PostgreSQL and one Apache Kafka for all packages:
//
//	go run ./tests/servers/cmd/suite -race ./...
//
// It prints a line per package, what failed in full, and every test that was skipped with its reason. It fails when a
// test failed and, unless ALLOW_SKIP=1, also when one was skipped: a test that silently does not run proves nothing.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
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

func run(ctx context.Context, out io.Writer, args []string) error {
	variables, stop, err := servers.Environment(ctx)
	defer stop()
	switch {
	case err != nil && servers.IsMissing(err) && servers.SkipAllowed():
		fmt.Fprintln(out, "going on without, since ALLOW_SKIP=1:", err)
	case err != nil:
		return err
	}

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
	r := newReport(out)
	readErr := r.read(events)
	if err := cmd.Wait(); err != nil {
		r.summary()
		return fmt.Errorf("go test: %w", err)
	}
	if readErr != nil {
		return fmt.Errorf("read output of go test: %w", readErr)
	}
	r.summary()
	if len(r.skipped) > 0 && !servers.SkipAllowed() {
		return fmt.Errorf("%d skipped; ALLOW_SKIP=1 permits that", len(r.skipped))
	}
	return nil
}
