package postgres

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pglogrepl"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
)

// errTruncated says that a message is shorter than it claims: the connection is not speaking pgoutput version 1.
var errTruncated = errors.New("replication message is truncated or malformed")

// input reads a message front to back. After the first read beyond the end everything is zero and bad is set: callers
// check once.
type input struct {
	b   []byte
	bad bool
}

func (in *input) take(n int) []byte {
	if n < 0 || n > len(in.b) {
		in.bad, in.b = true, nil
		return nil
	}
	v := in.b[:n:n]
	in.b = in.b[n:]
	return v
}

func (in *input) byte() byte {
	if v := in.take(1); v != nil {
		return v[0]
	}
	return 0
}

func (in *input) uint16() uint16 {
	if v := in.take(2); v != nil {
		return binary.BigEndian.Uint16(v)
	}
	return 0
}

func (in *input) uint32() uint32 {
	if v := in.take(4); v != nil {
		return binary.BigEndian.Uint32(v)
	}
	return 0
}

func (in *input) uint64() uint64 {
	if v := in.take(8); v != nil {
		return binary.BigEndian.Uint64(v)
	}
	return 0
}

func (in *input) cstring() string {
	for i, c := range in.b {
		if c == 0 {
			s := string(in.b[:i])
			in.b = in.b[i+1:]
			return s
		}
	}
	in.bad, in.b = true, nil
	return ""
}

func (in *input) lsn() pglogrepl.LSN { return pglogrepl.LSN(in.uint64()) }

// postgresEpoch is 2000-01-01, from which PostgreSQL counts microseconds.
var postgresEpoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func (in *input) time() time.Time {
	return postgresEpoch.Add(time.Duration(int64(in.uint64())) * time.Microsecond)
}

func (in *input) err() error {
	if in.bad {
		return errTruncated
	}
	return nil
}

// beginMessage starts a transaction; with protocol version 1 it comes complete, so the commit LSN is known.
type beginMessage struct {
	commit pglogrepl.LSN
	time   time.Time
	xid    uint32
}

func decodeBegin(in *input) (beginMessage, error) {
	m := beginMessage{commit: in.lsn(), time: in.time(), xid: in.uint32()}
	return m, in.err()
}

// commitMessage ends a transaction; end is where the next one can begin.
type commitMessage struct{ commit, end pglogrepl.LSN }

func decodeCommit(in *input) (commitMessage, error) {
	in.byte()
	m := commitMessage{commit: in.lsn(), end: in.lsn()}
	in.time()
	return m, in.err()
}

// relationMessage describes a table as it was when the rows after it were written.
type relationMessage struct {
	id           uint32
	schema, name string
	identity     byte // pg_class.relreplident: d, n, f, i
	columns      []relationColumn
}

type relationColumn struct {
	name     string
	identity bool
	typ      uint32
	modifier int32
}

func decodeRelation(in *input) (relationMessage, error) {
	m := relationMessage{id: in.uint32(), schema: in.cstring(), name: in.cstring(), identity: in.byte()}
	if m.schema == "" {
		m.schema = "pg_catalog"
	}
	n := int(in.uint16())
	for range n {
		flags := in.byte()
		c := relationColumn{name: in.cstring(), identity: flags&1 != 0, typ: in.uint32(), modifier: int32(in.uint32())}
		if in.bad {
			break
		}
		m.columns = append(m.columns, c)
	}
	return m, in.err()
}

// logicalMessage is what pg_logical_emit_message wrote.
type logicalMessage struct {
	prefix  string
	content []byte
}

func decodeLogical(in *input) (logicalMessage, error) {
	in.byte()
	in.lsn()
	m := logicalMessage{prefix: in.cstring()}
	m.content = in.take(int(in.uint32()))
	return m, in.err()
}

func decodeTruncate(in *input) ([]uint32, error) {
	n := in.uint32()
	in.byte()
	if in.bad || uint64(n)*4 > uint64(len(in.b)) {
		return nil, errTruncated
	}
	ids := make([]uint32, n)
	for i := range ids {
		ids[i] = in.uint32()
	}
	return ids, in.err()
}

// decodeChange reads an Insert, Update or Delete after its relation id. Its cells are views of in's memory, its rows are
// taken from cells. kind is the message's first byte.
func (r *relation) decodeChange(kind byte, in *input, cells *slab) (op record.Op, before, after record.Row, err error) {
	mark := in.byte()
	switch kind {
	case 'I':
		op = record.Create
	case 'U':
		op = record.Update
	case 'D':
		op = record.Delete
	}
	if mark == 'K' || mark == 'O' {
		if op == record.Create {
			return 0, nil, nil, errTruncated
		}
		before = cells.row(len(r.codecs))
		if err := r.decodeTuple(in, before); err != nil {
			return 0, nil, nil, err
		}
		if mark == 'K' {
			// The columns outside the identity are sent as null and are not.
			for i := range before {
				if !r.identity[i] {
					before[i] = record.Value{}
				}
			}
		} else if r.partitioned {
			r.unfill(before)
		}
		if err := r.checkKey(before); err != nil {
			return 0, nil, nil, err
		}
		if op == record.Delete {
			return op, before, nil, nil
		}
		mark = in.byte()
	}
	if mark != 'N' || op == record.Delete {
		return 0, nil, nil, errTruncated
	}
	after = cells.row(len(r.codecs))
	if err := r.decodeTuple(in, after); err != nil {
		return 0, nil, nil, err
	}
	if before != nil {
		// A big value that did not change is not in the new row, but the old row may carry it.
		for i := range after {
			if after[i].Kind == record.Unchanged && before[i].Kind != record.Null { // what is big is not null
				after[i] = before[i]
			}
		}
	}
	return op, before, after, nil
}

// unfill corrects an old row of a partitioned table. The log announces it by the table's REPLICA IDENTITY and fills it by
// the partition's: under FULL, that of a partition left at DEFAULT (a new one is) has null wherever it is not the key.
func (r *relation) unfill(before record.Row) {
	for i := range before {
		if before[i].Kind != record.Null && !slices.Contains(r.table.Key, i) {
			return
		}
	}
	for i := range before {
		if !slices.Contains(r.table.Key, i) {
			before[i] = record.Value{}
		}
	}
}

// checkKey refuses an old row without its key: a partition has another REPLICA IDENTITY than the table. A key is never null.
func (r *relation) checkKey(before record.Row) error {
	columns := r.table.Identity
	if columns == nil {
		columns = r.table.Key
	}
	for _, c := range columns {
		if before[c].Kind == record.Null {
			return &adapters.RefusedError{
				Where: "table " + r.table.String(), What: problem.Say("the log shows a change of a row without its key: a partition has another REPLICA IDENTITY than the table"),
				Fix: problem.Say("truc check names the partitions and the statements; then truc resnapshot"),
			}
		}
	}
	return nil
}

// decodeTuple is the hottest loop of the adapter: it neither copies nor allocates.
func (r *relation) decodeTuple(in *input, row record.Row) error {
	b := in.b
	if len(b) < 2 {
		return errTruncated
	}
	if n := int(binary.BigEndian.Uint16(b)); n != len(r.codecs) {
		return fmt.Errorf("row of %s has %d columns, expected %d", r.table, n, len(r.codecs))
	}
	b = b[2:]
	for i, codec := range r.codecs {
		if len(b) == 0 {
			return errTruncated
		}
		kind := b[0]
		b = b[1:]
		switch kind {
		case 't':
			if len(b) < 4 {
				return errTruncated
			}
			n := int(binary.BigEndian.Uint32(b))
			if n > len(b)-4 {
				return errTruncated
			}
			cell := b[4 : 4+n : 4+n]
			b = b[4+n:]
			row[i] = record.Value{}
			if err := codec.read(&row[i], cell); err != nil {
				return r.badCell(i, err)
			}
		case 'n':
			row[i] = record.NullValue
		case 'u':
			row[i] = record.Value{}
		default:
			return errTruncated
		}
	}
	in.b = b
	return nil
}

// badCell says where a cell is, never what is in it.
func (r *relation) badCell(i int, err error) error {
	return fmt.Errorf("read column %s of %s as %s: %w", r.table.Columns[i].Name, r.table, r.table.Columns[i].Type, err)
}
