package discover

import (
	"context"
	"errors"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/record"
)

// MaxRows is how many rows of a table are looked at.
const MaxRows = 1000

// longest is how much of a cell is kept: what a column holds shows in its beginning.
const longest = 1000

// errEnough ends a scan before the last row.
var errEnough = errors.New("enough rows")

// Rows returns the first rows of a table, at most n, as copies that own their memory.
func Rows(ctx context.Context, scanner adapters.Scanner, table string, n int) (*record.Table, []record.Row, error) {
	var found *record.Table
	var sample []record.Row
	err := scanner.Scan(ctx, table, func(t *record.Table, rows []record.Row) error {
		if found != nil && t != found {
			return errEnough // the table was altered meanwhile: one shape is enough
		}
		found = t
		for _, row := range rows[:min(len(rows), n-len(sample))] {
			kept := make(record.Row, len(row))
			for i, v := range row {
				if len(v.Bytes) > longest {
					v.Bytes = v.Bytes[:longest]
				}
				kept[i] = v.Clone()
			}
			sample = append(sample, kept)
		}
		if len(sample) >= n {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return found, sample, err
}
