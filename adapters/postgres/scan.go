package postgres

import (
	"context"
	"errors"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/adapters/snapshot"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
)

// Scan implements adapters.Scanner with the chunks of the snapshot, on a connection of its own: each chunk is one short
// transaction, so a scan of a day holds back neither vacuum nor anybody's ALTER TABLE.
func (s *source) Scan(ctx context.Context, table string, fn func(*record.Table, []record.Row) error) error {
	c, err := s.server.sql(ctx)
	if err != nil {
		return err
	}
	defer c.close() // nothing was written
	found, err := c.find(ctx, []string{table})
	if err != nil {
		return err
	}
	if !found[0].canSelect {
		t, role := found[0].table, quote(s.server.config.User)
		return &adapters.RefusedError{Where: s.server.name, What: problem.Say("role %s may not read table %s", role, t), Fix: problem.Say("GRANT USAGE ON SCHEMA %s TO %s; GRANT SELECT ON %s TO %s", quote(t.Schema), role, quoteTable(t), role)}
	}
	r := &chunkReader{session: c, rows: s.chunkRows}
	task := snapshot.Task{Table: table}
	for {
		chunk, err := r.read(ctx, found[0].oid, found[0].name(), task)
		if errors.Is(err, errMoved) || err == nil && chunk.Sees == nil {
			continue // altered at this very moment: the chunk is read again
		}
		if err != nil {
			return err
		}
		if len(chunk.rows) == 0 {
			return nil
		}
		rows, err := chunk.cells()
		if err != nil {
			return err
		}
		if err := fn(chunk.Table, rows); err != nil {
			return err
		}
		if chunk.Last {
			return nil
		}
		task.Cursor = chunk.End
	}
}

// cells reads all rows.
func (c *readChunk) cells() ([]record.Row, error) {
	var memory slab
	rows := make([]record.Row, len(c.rows))
	for i := range rows {
		rows[i] = memory.row(len(c.Table.Columns))
		if err := c.Read(i, rows[i]); err != nil {
			return nil, err
		}
	}
	return rows, nil
}
