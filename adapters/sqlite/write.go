package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/record"
)

// batch is one Apply in progress, inside its transaction.
type batch struct {
	*Sink
	changes    []record.Change
	now        int64
	rejections []adapters.Rejection
	// suspect is the change since which a deferred foreign key is open; -1 when none is.
	suspect int
}

// apply writes the changes in their order. A change that breaks a unique or foreign key waits until the others are
// written, as one of them may make room for it: a key that moves, two rows that swap a value.
func (b *batch) apply(ctx context.Context) error {
	var waiting []int
	for i := range b.changes {
		err := b.write(ctx, i)
		if err != nil && parks(err) && b.changes[i].Target.Write != record.AppendOnly {
			waiting = append(waiting, i)
			continue
		}
		if err := b.settle(ctx, i, err); err != nil {
			return err
		}
	}
	for {
		still, err := b.retry(ctx, waiting)
		if err != nil {
			return err
		}
		if len(still) == len(waiting) {
			break
		}
		waiting = still
	}
	if len(waiting) > 0 {
		if err := b.vacate(ctx, waiting); err != nil {
			return err
		}
		for _, i := range waiting {
			if err := b.settle(ctx, i, b.write(ctx, i)); err != nil {
				return err
			}
		}
	}
	if b.suspect >= 0 && !slices.ContainsFunc(b.rejections, func(r adapters.Rejection) bool { return r.Index == b.suspect }) {
		b.rejections = append(b.rejections, adapters.Rejection{
			Index: b.suspect, Reason: "foreign-key", Park: true,
			Err: fmt.Errorf("table %s: a deferred foreign key is not fulfilled", b.changes[b.suspect].Target.Table),
		})
	}
	if len(b.rejections) == 0 {
		return nil
	}
	slices.SortFunc(b.rejections, func(x, y adapters.Rejection) int { return x.Index - y.Index })
	return &adapters.RejectedError{Rejections: b.rejections}
}

// retry writes changes that waited and returns those that must wait on.
func (b *batch) retry(ctx context.Context, waiting []int) ([]int, error) {
	var still []int
	for _, i := range waiting {
		err := b.write(ctx, i)
		if err != nil && parks(err) {
			still = append(still, i)
			continue
		}
		if err := b.settle(ctx, i, err); err != nil {
			return nil, err
		}
	}
	return still, nil
}

// settle takes an error that concerns one change for a rejection of it; any other ends the Apply.
func (b *batch) settle(ctx context.Context, i int, err error) error {
	if err == nil {
		return nil
	}
	rejection, ok := rejectionOf(err, b.changes[i].Target.Table)
	if !ok {
		return err
	}
	rejection.Index = i
	b.rejections = append(b.rejections, rejection)
	if b.rolledBack(ctx, err) {
		return &adapters.RejectedError{Rejections: b.rejections}
	}
	return nil
}

// rolledBack reports whether a trigger or constraint has ended the transaction (RAISE(ROLLBACK)): what came before is gone,
// and what came after would be written outside of any. SQLite tells by letting a transaction begin, which Apply rolls back.
func (b *batch) rolledBack(ctx context.Context, err error) bool {
	if codeOf(err)&0xff != lib.SQLITE_CONSTRAINT {
		return false
	}
	_, begun := b.conn.ExecContext(ctx, "BEGIN")
	return begun == nil
}

// write applies one change if it is the newest word on its key.
func (b *batch) write(ctx context.Context, i int) error {
	c := &b.changes[i]
	w, err := b.writer(ctx, c.Target)
	if err != nil {
		return err
	}
	if len(c.Key) != len(c.Target.Key) {
		return errMisaligned
	}
	key := encodeKey(c.Key)
	known, err := readEntity(ctx, b.conn, c.Target.Table, key)
	if err != nil {
		return err
	}
	if wanted, err := decide(c, known); err != nil || !wanted {
		return err
	}
	traced, err := w.write(ctx, c)
	if err != nil || !traced {
		return err
	}
	if err := b.trackDeferred(i); err != nil {
		return err
	}
	return saveEntity(ctx, b.conn, c, key, b.now)
}

// trackDeferred notes which change left a deferred foreign key open: SQLite tells only at COMMIT, and not whose.
func (b *batch) trackDeferred(i int) error {
	return b.conn.Raw(func(c any) error {
		status, ok := c.(sqlite.DBStatus)
		if !ok {
			return nil
		}
		open, _, err := status.Status(sqlite.DBStatusDeferredFKs, false)
		switch {
		case err != nil:
			return err
		case open == 0:
			b.suspect = -1
		case b.suspect < 0:
			b.suspect = i
		}
		return nil
	})
}

// writer holds the prepared statements of one target.
type writer struct {
	update, insert, remove, soft, note *prepared
	// there finds a row by its key.
	there *prepared
	// vacate gives the columns under unique constraints values that no other row has; nil when there are none.
	vacate *prepared
}

// prepared is a statement with its text.
type prepared struct {
	*sql.Stmt
	conn  *sql.Conn
	query string
}

// writer prepares the statements of a target when it is first met.
func (s *Sink) writer(ctx context.Context, target *record.Target) (*writer, error) {
	if w := s.tables[target]; w != nil {
		return w, nil
	}
	found, err := checkTarget(ctx, s.conn, s.db.where, target)
	if err != nil {
		return nil, err
	}
	for _, p := range found {
		switch p.Code {
		case "sink.unknown-table", "sink.unknown-column", "sink.own-source":
			return nil, &adapters.RefusedError{Where: s.db.where, What: p.What, Fix: p.Fix}
		}
	}
	t, err := readTable(ctx, s.conn, target.Table)
	if err != nil {
		return nil, err
	}
	w := &writer{}
	prepare := func(into **prepared, query string) {
		if err != nil {
			return
		}
		*into = &prepared{conn: s.conn, query: query}
		if (*into).Stmt, err = s.conn.PrepareContext(ctx, query); err != nil {
			*into = nil
		}
	}
	table, where := quote(target.Table), " WHERE "+whereKey(target.Key)
	insert, update := "INSERT INTO ", "UPDATE "
	if t.conflicts {
		// What the schema says to do on a conflict would take rows away or leave this one out, without a word. Not on other
		// tables: it also holds for what their triggers insert.
		insert, update = "INSERT OR ABORT INTO ", "UPDATE OR ABORT "
	}
	prepare(&w.insert, insert+table+valuesOf(target.Key, target.Columns, target.OnCreate))
	if target.Write == record.AppendOnly {
		prepare(&w.note, insert+table+valuesOf(target.Key, target.DeleteSet))
	} else {
		prepare(&w.there, "SELECT 1 FROM "+table+where)
		prepare(&w.update, update+table+" SET "+assignments(target.Columns, target.Key)+where)
		prepare(&w.remove, "DELETE FROM "+table+where)
		prepare(&w.soft, update+table+" SET "+assignments(target.DeleteSet, target.Key)+where)
		if vacant := t.vacant(target); len(vacant) > 0 {
			prepare(&w.vacate, update+table+" SET "+strings.Join(vacant, ", ")+where)
		}
	}
	if err != nil {
		w.close()
		return nil, err
	}
	s.tables[target] = w
	return w, nil
}

func (w *writer) close() {
	for _, stmt := range []*prepared{w.update, w.insert, w.remove, w.soft, w.note, w.there, w.vacate} {
		if stmt != nil {
			stmt.Close()
		}
	}
}

// valuesOf is the part of an INSERT after the table.
func valuesOf(lists ...[]string) string {
	var names []string
	for _, list := range lists {
		for _, name := range list {
			names = append(names, quote(name))
		}
	}
	return " (" + strings.Join(names, ", ") + ") VALUES (?" + strings.Repeat(", ?", len(names)-1) + ")"
}

// assignments sets columns; a target that names none sets its key to itself, to learn whether the row is there.
func assignments(columns, key []string) string {
	if len(columns) == 0 {
		return quote(key[0]) + " = " + quote(key[0])
	}
	set := make([]string, len(columns))
	for i, name := range columns {
		set[i] = quote(name) + " = ?"
	}
	return strings.Join(set, ", ")
}

// write changes the table. It returns false when the change is to leave no trace in the bookkeeping.
func (w *writer) write(ctx context.Context, c *record.Change) (bool, error) {
	target := c.Target
	columns := target.Columns
	if c.Delete {
		columns = target.DeleteSet
	}
	if !c.Delete && len(c.OnCreate) != len(target.OnCreate) || len(c.Values) != len(columns) && !(c.Delete && target.OnDelete != record.DeleteSets) {
		return false, errMisaligned
	}
	switch {
	case c.Delete && target.OnDelete == record.DeleteSets && target.Write == record.AppendOnly:
		_, err := run(ctx, w.note, c.Key, c.Values)
		return true, err
	case c.Delete && target.OnDelete == record.DeleteSets:
		_, err := run(ctx, w.soft, c.Values, c.Key)
		return true, err
	case c.Delete && target.OnDelete == record.DeleteRow && target.Write != record.AppendOnly:
		_, err := run(ctx, w.remove, c.Key)
		return true, err
	case c.Delete:
		return true, nil
	case target.Write != record.AppendOnly:
		if n, err := run(ctx, w.update, c.Values, c.Key); err != nil || n > 0 || target.Write == record.UpdateOnly {
			return n > 0, err
		}
	}
	_, err := run(ctx, w.insert, c.Key, c.Values, c.OnCreate)
	if w.there != nil && err != nil && parks(err) {
		// Was it not updated because a trigger left the update out? Then it is there, and as the application wants it.
		var one int
		if w.there.QueryRowContext(ctx, argumentsOf(c.Key)...).Scan(&one) == nil {
			return true, nil
		}
	}
	return true, err
}

// run executes a statement with the cells of several rows and returns the number of rows it touched.
func run(ctx context.Context, stmt *prepared, rows ...record.Row) (int64, error) {
	var arguments []any
	for _, row := range rows {
		for _, v := range row {
			if v.Kind == record.Unchanged {
				return 0, errMisaligned
			}
			arguments = append(arguments, argumentOf(v))
		}
	}
	result, err := stmt.ExecContext(ctx, arguments...)
	if err != nil {
		if codeOf(err) == lib.SQLITE_ERROR && stmt.compiles(ctx, len(arguments)) {
			return 0, errRow
		}
		return 0, err
	}
	return result.RowsAffected()
}

// compiles tells whether the tables, columns and triggers are there that a statement needs. What fails in one that compiles
// is an expression over the row.
func (s *prepared) compiles(ctx context.Context, arguments int) bool {
	_, err := s.conn.ExecContext(ctx, "EXPLAIN "+s.query, make([]any, arguments)...)
	return err == nil
}

// errRow is a row for which an expression of the table fails: a generated column, an index, a trigger.
var errRow = errors.New("a trigger, generated column or index of the table fails for the row")

// errMisaligned is a change that does not fit its target: a fault of the mapping, not of the row.
var errMisaligned = errors.New("the change does not have the cells that its target names")
