package adapters

import (
	"errors"
	"fmt"
	"strings"

	"github.com/lienthong/truc/problem"
)

// ErrClosed is returned by Read after Close.
var ErrClosed = errors.New("adapter is closed")

// ErrOffsetMoved is returned by Sink.Apply when the stored offsets are not those the caller started from: another instance
// has written meanwhile. Decision: forget everything in flight, ask for the offsets again.
var ErrOffsetMoved = errors.New("offsets at the sink have moved: another instance delivers this partition")

// UnreachableError says that a server cannot be reached or broke off. Decision: wait and try again.
type UnreachableError struct {
	// Where names the server without credentials: "postgres 10.0.0.5:5432/hotich".
	Where string
	Err   error
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("%s is unreachable: %v", e.Where, e.Err)
}
func (e *UnreachableError) Unwrap() error { return e.Err }

// GapError says that changes between the saved position and what the source still has are lost. Decision: stop the
// reader, name the range, let a person run `truc resnapshot`.
type GapError struct {
	Source string
	// From and To bound what is missing, in the source's own words: "LSN 0/16B3748", "change 1002".
	From, To string
	Reason   problem.Text
}

func (e *GapError) Error() string {
	return fmt.Sprintf("gap in source %s: %s; missing from %s to %s; fix: truc resnapshot %s", e.Source, e.Reason, e.From, e.To, e.Source)
}

// DivergenceError says that the source is not the one the position was saved for: another system, another timeline, a
// restored backup. Decision: as for a gap.
type DivergenceError struct {
	Source string
	Reason problem.Text
	Saved  string
	Found  string
}

func (e *DivergenceError) Error() string {
	return fmt.Sprintf("divergence in source %s: %s; saved %s, found %s; fix: make sure that this is the right database, then truc resnapshot %s", e.Source, e.Reason, e.Saved, e.Found, e.Source)
}

// RefusedError says that the configuration cannot work with what is there: a table without a key, wal_level, a missing
// privilege. Decision: stop, it will not mend itself; Fix says what to do.
type RefusedError struct {
	Where     string
	What, Fix problem.Text
}

func (e *RefusedError) Error() string { return fmt.Sprintf("%s: %s; fix: %s", e.Where, e.What, e.Fix) }

// RejectedError names the changes of one Apply that the sink cannot take. Nothing of the Apply was written.
type RejectedError struct {
	Rejections []Rejection
}

// Rejection is one change that was refused.
type Rejection struct {
	// Index into the changes given to Apply.
	Index int
	// Reason is a short, stable word for metrics and dead letters: "unique", "foreign-key", "not-null", "check", "type", "conflict".
	Reason string
	// Park says that the refusal may heal when other changes arrive (unique and foreign keys): retry within a bound.
	Park bool
	// Err says what and where (constraint, column), never a value.
	Err error
}

func (e *RejectedError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d change(s) rejected by the sink", len(e.Rejections))
	for i, r := range e.Rejections {
		if i == 3 {
			b.WriteString("; …")
			break
		}
		fmt.Fprintf(&b, "; %s: %v", r.Reason, r.Err)
	}
	return b.String()
}
