package discover

import (
	"bytes"
	"context"
	"errors"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/record"
)

// MaxRows is how many rows of a table are looked at.
const MaxRows = 1000

// longest is how much of a cell is kept: what a column holds shows in its beginning. A document is of use only as a whole:
// of a cell that begins as one, longestDocument is kept.
const longest, longestDocument = 1000, 16 << 10

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
			own := make(record.Row, len(row))
			for i, v := range row {
				v.Bytes = v.Bytes[:min(len(v.Bytes), kept(v.Bytes))]
				own[i] = v.Clone()
			}
			sample = append(sample, own)
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

// kept is how many bytes of a cell are kept.
func kept(cell []byte) int {
	if text := bytes.TrimLeft(cell[:min(len(cell), longest)], " \t\r\n"); len(text) > 0 && bytes.IndexByte([]byte("{[<"), text[0]) >= 0 {
		return longestDocument
	}
	return longest
}
