package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/problem"
)

// The SQLSTATEs that the sink tells apart.
const (
	insufficientPrivilege = "42501"
	notNullViolation      = "23502"
	foreignKeyViolation   = "23503"
	uniqueViolation       = "23505"
	checkViolation        = "23514"
	exclusionViolation    = "23P01"
	stringTooLong         = "22001"
	outOfRange            = "22003"
	notInState            = "55000"
)

// ask runs one statement with text parameters and returns its rows. Errors of the server stay as they are, so that callers
// can decide on them; at the boundary of the sink explain turns them into ours.
func (c *sinkConn) ask(ctx context.Context, sql string, args ...[]byte) ([][][]byte, error) {
	r := c.pg.ExecParams(ctx, sql, args, nil, nil, nil).Read()
	if r.Err != nil {
		return nil, c.lost(ctx, r.Err)
	}
	return r.Rows, nil
}

// askRow is ask for a statement that yields exactly one row.
func (c *sinkConn) askRow(ctx context.Context, sql string, args ...[]byte) ([][]byte, error) {
	rows, err := c.ask(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	if len(rows) != 1 {
		return nil, fmt.Errorf("%s: expected one row, got %d", c.server.name, len(rows))
	}
	return rows[0], nil
}

// exec runs statements without parameters.
func (c *sinkConn) exec(ctx context.Context, sql string) error {
	_, err := c.pg.Exec(ctx, sql).ReadAll()
	return c.lost(ctx, err)
}

// run sends statements in one round trip. With the first that fails the rest is not run.
func (c *sinkConn) run(ctx context.Context, b *pgconn.Batch) ([]*pgconn.Result, error) {
	results, err := c.pg.ExecBatch(ctx, b).ReadAll()
	return results, c.lost(ctx, err)
}

// lost types the errors that are not the server's: of the network, and of ctx.
func (c *sinkConn) lost(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*pgconn.PgError](err); ok {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return c.server.unreachable(err)
}

// fault is what a failing statement is the fault of.
type fault uint8

const (
	// faultElsewhere: the server, the network, or not an error of the server at all.
	faultElsewhere fault = iota
	// faultOfChange: some change of the batch; isolate finds out which.
	faultOfChange
	// faultOfTable: the table is not as it was described, or not as the target wants it.
	faultOfTable
)

// raised reports that a function of the agency, most often a trigger, said no by itself: it may choose any SQLSTATE for
// that, also one by which the server says that it is shutting down.
func raised(pg *pgconn.PgError) bool {
	return pg.Routine == "exec_stmt_raise" || strings.HasPrefix(pg.Routine, "PLy_")
}

// faultOf classifies by SQLSTATE. What a trigger raises may have any, so that whatever is not the server's own counts as
// the fault of a change.
func faultOf(err error) fault {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || len(pg.Code) != 5 {
		return faultElsewhere
	}
	if raised(pg) && pg.Code[:2] != "40" { // a serialization failure asks to be tried again, whoever raises it
		return faultOfChange
	}
	switch pg.Code {
	case insufficientPrivilege:
		// The same state says "permission denied" and that a row violates a policy; the message is not to be relied upon.
		if pg.Routine == "ExecWithCheckOptions" {
			return faultOfChange
		}
		return faultElsewhere
	case "25006", "55P03": // read-only transaction (a fail-over), lock timeout
		return faultElsewhere
	case notInState: // a view that cannot be written
		return faultOfTable
	}
	switch pg.Code[:2] {
	case "08", "25", "26", "28", "3D", "40", "53", "55", "57", "58", "F0", "XX":
		return faultElsewhere
	case "42", "3F", "0A":
		return faultOfTable
	}
	return faultOfChange
}

// explain turns an error of the server into one that carries a decision; others are as they should be. Neither detail nor,
// for what arose in an agency's function, the message is passed on: both quote values.
func (s *sink) explain(err error) error {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return err
	}
	switch {
	case pg.Code == "25006":
		return s.server.unreachable(errors.New("the server takes no writes at present (SQLSTATE 25006): it is a standby, or set to read only; the dsn must lead to the primary"))
	case faultOf(err) == faultOfTable:
		return &adapters.RefusedError{
			Where: s.server.name, What: problem.Say("a statement cannot be run (SQLSTATE %s)", pg.Code),
			Fix: problem.Say("run truc check; when it finds nothing, the server's log names the statement, or the trigger in which it stands"),
		}
	case faultOf(err) == faultOfChange:
		return fmt.Errorf("%s: a statement failed with SQLSTATE %s", s.server.name, pg.Code)
	case pg.Code == insufficientPrivilege && pg.Where != "":
		return &adapters.RefusedError{
			Where: s.server.name, What: problem.Say("a trigger or function of the table lacks a privilege (SQLSTATE 42501)"),
			Fix: problem.Say("the server's log names it: grant it to user %s, or let the function be SECURITY DEFINER", s.server.config.User),
		}
	case pg.Where != "", pg.Code[:2] == "55", pg.Code[:2] == "25", pg.Code[:2] == "58", pg.Code[:2] == "XX":
		return s.server.unreachable(fmt.Errorf("the statement was not completed (SQLSTATE %s); the server's log says more", pg.Code))
	}
	return s.server.explain(err)
}

// rejection words the refusal of one change. It names table, constraint and column, never a value.
func rejection(index int, t *sinkTable, pg *pgconn.PgError, column string) adapters.Rejection {
	r := adapters.Rejection{Index: index}
	if column == "" {
		column = pg.ColumnName
	}
	at := "table " + t.String()
	if column != "" {
		at += ", column " + column
	}
	constraint := ""
	if pg.ConstraintName != "" {
		constraint = " " + pg.ConstraintName
	}
	switch {
	case raised(pg) && pg.Code[:2] != "23" && pg.Code[:2] != "22":
		r.Reason, r.Err = "trigger", fmt.Errorf("%s: a trigger or function of the table refuses the row (SQLSTATE %s)", at, pg.Code)
	case pg.Code == uniqueViolation:
		r.Reason, r.Park, r.Err = "unique", true, fmt.Errorf("%s: another row holds the value that unique constraint%s allows once", at, constraint)
	case pg.Code == foreignKeyViolation:
		r.Reason, r.Park, r.Err = "foreign-key", true, fmt.Errorf("%s: foreign key%s: the row it refers to is missing, or another row still refers to this one", at, constraint)
	case pg.Code == exclusionViolation:
		r.Reason, r.Park, r.Err = "exclusion", true, fmt.Errorf("%s: another row excludes this one by constraint%s", at, constraint)
	case pg.Code == notNullViolation:
		r.Reason, r.Err = "not-null", fmt.Errorf("%s: the column must not be null", at)
	case pg.Code == checkViolation, pg.Code == "44000":
		r.Reason, r.Err = "check", fmt.Errorf("%s: check constraint%s is not met", at, constraint)
	case pg.Code[:2] == "23":
		r.Reason, r.Err = "constraint", fmt.Errorf("%s: constraint%s is not met (SQLSTATE %s)", at, constraint, pg.Code)
	case pg.Code == stringTooLong:
		r.Reason, r.Err = "type", fmt.Errorf("%s: the text is longer than the column", at)
	case pg.Code == outOfRange:
		r.Reason, r.Err = "type", fmt.Errorf("%s: the number is out of the column's range", at)
	case pg.Code[:2] == "22":
		r.Reason, r.Err = "type", fmt.Errorf("%s: the value is not one of the column's type (SQLSTATE %s)", at, pg.Code)
	case pg.Code == insufficientPrivilege:
		r.Reason, r.Err = "policy", fmt.Errorf("%s: a row security policy refuses the row", at)
	case pg.Code[:2] == "54":
		r.Reason, r.Err = "type", fmt.Errorf("%s: the row or its key is larger than the server takes (SQLSTATE %s)", at, pg.Code)
	default:
		r.Reason, r.Err = "trigger", fmt.Errorf("%s: a trigger or function of the table refuses the row (SQLSTATE %s)", at, pg.Code)
	}
	return r
}
