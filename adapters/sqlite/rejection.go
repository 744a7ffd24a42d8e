package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	lib "modernc.org/sqlite/lib"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/record"
)

// rejectionOf says whether an error is about one change, and how it is reported. No text holds a value: SQLite names the
// columns of a constraint; what a trigger of the application says is not repeated.
func rejectionOf(err error, table string) (adapters.Rejection, bool) {
	switch {
	case errors.Is(err, errConflict):
		return adapters.Rejection{Reason: "conflict", Err: fmt.Errorf("table %s: %w", table, err)}, true
	case errors.Is(err, errRow):
		return adapters.Rejection{Reason: "check", Err: fmt.Errorf("table %s: %w", table, err)}, true
	case errors.Is(err, errMisaligned):
		return adapters.Rejection{Reason: "type", Err: fmt.Errorf("table %s: %w", table, err)}, true
	}
	reject := func(reason, what string) (adapters.Rejection, bool) {
		return adapters.Rejection{Reason: reason, Park: parks(err), Err: fmt.Errorf("table %s: %s", table, what)}, true
	}
	switch codeOf(err) {
	case lib.SQLITE_CONSTRAINT_UNIQUE, lib.SQLITE_CONSTRAINT_PRIMARYKEY, lib.SQLITE_CONSTRAINT_ROWID:
		return reject("unique", "another row already has this value of "+constrained(err))
	case lib.SQLITE_CONSTRAINT_FOREIGNKEY:
		return reject("foreign-key", "a row that this one refers to, or that refers to this one, stands against it")
	case lib.SQLITE_CONSTRAINT_NOTNULL:
		return reject("not-null", constrained(err)+" must not be null")
	case lib.SQLITE_CONSTRAINT_CHECK:
		return reject("check", "the row breaks the rule CHECK "+constrained(err))
	case lib.SQLITE_CONSTRAINT_TRIGGER:
		return reject("check", "a trigger of the application refuses the row")
	case lib.SQLITE_CONSTRAINT_DATATYPE, lib.SQLITE_MISMATCH:
		return reject("type", "a value is not of the type of its column")
	case lib.SQLITE_TOOBIG:
		return reject("type", "a value is larger than SQLite allows")
	}
	return adapters.Rejection{}, false
}

// parks reports whether a refusal may heal when other changes arrive.
func parks(err error) bool {
	switch codeOf(err) {
	case lib.SQLITE_CONSTRAINT_UNIQUE, lib.SQLITE_CONSTRAINT_PRIMARYKEY, lib.SQLITE_CONSTRAINT_ROWID, lib.SQLITE_CONSTRAINT_FOREIGNKEY:
		return true
	}
	return false
}

// constrained takes the columns, or the rule, out of "constraint failed: UNIQUE constraint failed: t.a, t.b (2067)".
func constrained(err error) string {
	text := err.Error()
	if i := strings.LastIndex(text, "failed: "); i >= 0 {
		text = text[i+len("failed: "):]
	}
	if i := strings.LastIndex(text, " ("); i >= 0 {
		text = text[:i]
	}
	return text
}

// vacate takes the unique values away from the rows that waiting changes are about to write, as their values may only go
// round among themselves. Whoever cannot be written then is rejected, and the transaction rolled back.
func (b *batch) vacate(ctx context.Context, waiting []int) error {
	for _, i := range waiting {
		c := &b.changes[i]
		w, err := b.writer(ctx, c.Target)
		if err != nil {
			return err
		}
		if c.Delete || w.vacate == nil {
			continue
		}
		if _, err := run(ctx, w.vacate, c.Key); err != nil {
			rejection, constraint := rejectionOf(err, c.Target.Table)
			if !constraint {
				return err
			}
			if b.rolledBack(ctx, err) {
				rejection.Index = i
				return &adapters.RejectedError{Rejections: append(b.rejections, rejection)}
			}
		}
	}
	return nil
}

// vacant lists assignments that give each written column under a unique constraint a value no other row has.
func (t *table) vacant(target *record.Target) []string {
	var set []string
	for _, index := range t.unique {
		for _, c := range index {
			if !slices.Contains(target.Columns, c.name) {
				continue
			}
			column := t.Columns[t.Index(c.name)]
			value := "'truc ' || hex(randomblob(16))"
			if declared := strings.ToUpper(column.Type); strings.Contains(declared, "INT") || strings.Contains(declared, "REAL") || strings.Contains(declared, "NUM") {
				value = "random()"
			}
			if column.Nullable {
				value = "NULL"
			}
			assignment := quote(c.name) + " = " + value
			if !slices.Contains(set, assignment) {
				set = append(set, assignment)
			}
		}
	}
	return set
}
