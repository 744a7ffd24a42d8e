package postgres

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
)

// visibility is a pg_snapshot: which transactions a read sees.
type visibility struct {
	xmin, xmax uint64
	// running are the transactions between xmin and xmax that had not ended, ascending.
	running []uint64
}

// visibility reads the view of the transaction the session is in, or of the present moment.
func (c *session) visibility(ctx context.Context) (*visibility, error) {
	row, err := c.row(ctx, "SELECT pg_current_snapshot()")
	if err != nil {
		return nil, err
	}
	return parseVisibility(row[0])
}

// parseVisibility reads "xmin:xmax:xip,xip".
func parseVisibility(text []byte) (*visibility, error) {
	f := bytes.SplitN(text, []byte(":"), 3)
	if len(f) != 3 {
		return nil, fmt.Errorf("read snapshot: %d parts, expected 3", len(f))
	}
	v := &visibility{}
	numbers := bytes.Split(f[2], []byte(","))
	if len(f[2]) == 0 {
		numbers = nil
	}
	for i, n := range append([][]byte{f[0], f[1]}, numbers...) {
		xid, err := strconv.ParseUint(string(n), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("read snapshot: part %d is not a number", i)
		}
		switch i {
		case 0:
			v.xmin = xid
		case 1:
			v.xmax = xid
		default:
			v.running = append(v.running, xid)
		}
	}
	slices.Sort(v.running)
	return v, nil
}

// sees is pg_visible_in_snapshot for a transaction that has committed. The log gives the low 32 bits of a number whose
// epoch is that of its neighbourhood: no transaction is two billion away.
func (v *visibility) sees(tx uint64) bool {
	xid := v.xmax + uint64(int64(int32(uint32(tx)-uint32(v.xmax))))
	if xid < v.xmin {
		return true
	}
	if xid >= v.xmax {
		return false
	}
	_, running := slices.BinarySearch(v.running, xid)
	return !running
}
