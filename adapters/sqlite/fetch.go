package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
)

// Begin implements adapters.Fetcher, on a connection of its own that lasts as long as the view. What a source has handed
// out is committed, so every view is new enough.
func (s *Source) Begin(ctx context.Context, _ []uint64) (adapters.View, error) {
	db, err := open(ctx, s.config)
	if err != nil {
		return nil, err
	}
	// The view outlives this call, so it must not end with its ctx.
	tx, err := db.BeginTx(context.WithoutCancel(ctx), &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, errors.Join(db.explain(ctx, "begin a view", err), db.Close())
	}
	v := &view{db: db, tx: tx}
	// SQLite fixes what a transaction sees at its first read, not at BEGIN.
	if v.known, err = tableNames(ctx, tx); err != nil {
		return nil, errors.Join(db.explain(ctx, "begin a view", err), v.Close())
	}
	return v, nil
}

// view is one read transaction.
type view struct {
	db    *database
	tx    *sql.Tx
	known []string // names of the tables
}

// Close implements adapters.View.
func (v *view) Close() error {
	err := v.tx.Rollback()
	if errors.Is(err, sql.ErrTxDone) {
		err = nil // closed before
	}
	return errors.Join(err, v.db.Close())
}

// Fetch implements adapters.View, with a query for each distinct row of values. They are compared as SQLite compares them
// with the columns, by affinity and collation; null finds null, because a key may hold it.
func (v *view) Fetch(ctx context.Context, name string, columns []string, values []record.Row) (*record.Table, []record.Row, error) {
	doing := "re-read rows of " + name
	t, err := readTable(ctx, v.tx, name)
	if err != nil {
		return nil, nil, v.db.explain(ctx, doing, err)
	}
	if t == nil {
		return nil, nil, v.refuse(problem.Say("there is no table %s", name), suggest(problem.Say("table"), name, v.known))
	}
	for _, column := range columns {
		if t.Index(column) < 0 {
			return nil, nil, v.refuse(problem.Say("table %s has no column %s", name, column), suggest(problem.Say("column"), column, t.columnNames()))
		}
	}
	query := "SELECT " + t.selection() + " FROM " + quote(name) + " WHERE " + whereKey(columns)
	var rows []record.Row
	asked := map[string]bool{}
	for _, row := range values {
		id := encodeKey(row)
		if asked[id] || slices.ContainsFunc(row, isUnchanged) {
			continue
		}
		asked[id] = true
		err := each(ctx, v.tx, func(r *sql.Rows) error {
			found, err := scanRow(r, len(t.Columns))
			rows = append(rows, found)
			return err
		}, query, argumentsOf(row)...)
		if err != nil {
			return nil, nil, v.db.explain(ctx, doing, err)
		}
	}
	return &t.Table, rows, nil
}

// isUnchanged: a cell that is not known is equal to nothing.
func isUnchanged(v record.Value) bool { return v.Kind == record.Unchanged }

func (v *view) refuse(what, fix problem.Text) error {
	return &adapters.RefusedError{Where: v.db.where, What: what, Fix: fix}
}
