package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/pipeline"
	"github.com/lienthong/truc/problem"
)

// Exit codes. Scripts rely on them: a number is never given another meaning.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2 // the command line, the configuration or a mapping is wrong
	exitNo          = 3 // the answer is no: unequal, incompatible, test failed
	exitUnreachable = 4
	exitGap         = 5 // changes are missing: truc resnapshot
	exitTakenOver   = 6 // another node publishes the source now; starting again would take it back, and so for ever
	exitInterrupted = 130
)

// codeError gives an error an exit code that its type does not tell.
type codeError struct {
	code int
	err  error // nil when everything was said on stdout already
}

func (e *codeError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *codeError) Unwrap() error { return e.err }

// exit says on stderr what went wrong and returns the exit code.
func (p *program) exit(ctx context.Context, err error) int {
	var usage *usageError
	var list problem.List
	var code *codeError
	switch {
	case err == nil:
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		fmt.Fprintln(p.stderr, "truc: interrupted")
	case errors.As(err, &code) && code.err == nil:
	case errors.As(err, &usage):
		p.printUsageError(usage)
	case errors.As(err, &list):
		printProblems(p.stderr, p.languages(), list)
	case code != nil: // its text is the whole message
		fmt.Fprintf(p.stderr, "truc: %v\n", err)
	default:
		fault, ok := fileFault(err)
		if !ok {
			fault = pipeline.Explain(err)
		}
		printProblems(p.stderr, p.languages(), problem.List{fault})
	}
	return exitCode(ctx, err)
}

// exitCode finds the decision in an error.
func exitCode(ctx context.Context, err error) int {
	switch {
	case err == nil:
		return exitDone
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return exitInterrupted
	}
	if e, ok := as[*codeError](err); ok {
		return e.code
	}
	switch {
	case pipeline.IsGap(err), is[*pipeline.DeliveryGapError](err):
		return exitGap
	case pipeline.IsTakenOver(err):
		return exitTakenOver
	case is[*usageError](err), is[problem.List](err), is[problem.Problem](err), is[*adapters.RefusedError](err), is[*kafka.TopicMismatchError](err), is[*kafka.GroupError](err):
		return exitUsage
	case is[*adapters.UnreachableError](err), is[*kafka.UnreachableError](err):
		return exitUnreachable
	}
	return exitFailed
}

func as[E error](err error) (E, bool) {
	var e E
	return e, errors.As(err, &e)
}

func is[E error](err error) bool {
	_, ok := as[E](err)
	return ok
}
