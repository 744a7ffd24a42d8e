package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/adapters/snapshot"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
)

const (
	// chunkBytes closes a chunk early: two are in memory at a time, and what batches still view of the one before.
	chunkBytes     = 4 << 20
	chunksInMemory = 3
	// firstFetch is how many rows the first chunk of a table has, whose rows' size is not known yet.
	firstFetch = 100
)

// readChunk is what the chunk reader hands to Read.
type readChunk struct {
	snapshot.Chunk
	oid      uint32
	relation *relation
	rows     [][]byte // as a row of the log
	memory   *chunkMemory
}

// chunkMemory is what the rows of a chunk lie in. It is used again when neither the chunk nor a batch views it any more: chunks of
// new memory are most of the garbage of a snapshot.
type chunkMemory struct {
	rows  [][]byte
	bytes arena
	users atomic.Int32
	free  chan *chunkMemory // where it goes then; nil: nowhere
}

// memory gives what a chunk needs, with one user.
func (r *chunkReader) memory() *chunkMemory {
	m := &chunkMemory{free: r.free}
	select {
	case m = <-r.free:
	default:
	}
	m.users.Store(1)
	return m
}

func (m *chunkMemory) done() {
	if m.users.Add(-1) > 0 {
		return
	}
	clear(m.rows)
	m.rows = m.rows[:0]
	m.bytes.reset(chunkBytes)
	select {
	case m.free <- m:
	default:
	}
}

// Len and Read implement snapshot.Rows.
func (c *readChunk) Len() int { return len(c.rows) }

func (c *readChunk) Read(i int, row record.Row) error {
	return c.relation.decodeTuple(&input{b: c.rows[i]}, row)
}

// look reads no rows, only what is visible.
func (r *chunkReader) look(ctx context.Context, oid uint32, task snapshot.Task) (*readChunk, error) {
	c := &readChunk{oid: oid}
	c.Task, c.Postponed = task.ID, true
	v, err := r.visibility(ctx)
	if err != nil {
		return nil, err
	}
	c.Sees = v.sees
	return c, nil
}

// chunkReader reads chunks in key order. It remembers how big the rows are, to fetch no more than fit.
type chunkReader struct {
	*session
	rows    int
	table   string
	average int               // bytes a row of table; 0 when unknown
	free    chan *chunkMemory // nil: chunks are never used again
}

// read reads one chunk of a table, which goes by a name that may not be its present one, and what its read saw. When the
// chunk could not be read but another attempt may, the chunk has no Sees.
func (r *chunkReader) read(ctx context.Context, oid uint32, as tableName, task snapshot.Task) (*readChunk, error) {
	if r.table != task.Table {
		r.table, r.average = task.Table, 0
	}
	c := &readChunk{oid: oid}
	c.Task = task.ID
	err := r.inView(ctx, oid, func(t *catalogTable) error { return r.fetch(ctx, t, as, task, c) })
	if errors.Is(err, errMoved) {
		c.Rows, c.rows, c.Sees = nil, nil, nil
		return c, nil
	}
	return c, err
}

// errMoved says that a table was renamed or altered between the look at the catalog and the lock.
var errMoved = errors.New("table was altered at this very moment")

// inView runs fn in a REPEATABLE READ transaction that holds the table against being altered. The lock is the one that any
// SELECT takes; it is taken before the view, because a table that is rewritten (ALTER COLUMN … TYPE) looks empty to a view older than that.
func (c *session) inView(ctx context.Context, oid uint32, fn func(*catalogTable) error) (err error) {
	before, err := c.prepared(ctx, "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1", strconv.AppendUint(nil, uint64(oid), 10))
	if err != nil {
		return err
	}
	if len(before) == 0 {
		return &adapters.RefusedError{Where: c.server.name, What: problem.Say("the table does not exist any more"), Fix: problem.Say("take it out of the configuration, or create it again and truc resnapshot")}
	}
	if _, err := c.query(ctx, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"); err != nil {
		return err
	}
	defer func() {
		if _, e := c.query(ctx, "ROLLBACK"); err == nil {
			err = e
		}
	}()
	name := tableName{string(before[0][0]), string(before[0][1])}
	lock := c.pg.ExecParams(ctx, "LOCK TABLE "+quote(name.schema)+"."+quote(name.name)+" IN ACCESS SHARE MODE", nil, nil, nil, nil).Read().Err
	if pg, ok := errors.AsType[*pgconn.PgError](lock); ok && (pg.Code == "42P01" || pg.Code == "3F000") { // undefined_table, invalid_schema_name
		return errMoved
	}
	if lock != nil {
		return c.explain(ctx, lock)
	}
	bases, err := c.domains(ctx)
	if err != nil {
		return err
	}
	now, err := c.describe(ctx, []uint32{oid}, bases)
	if err != nil {
		return err
	}
	if len(now) == 0 || now[0].name() != name {
		return errMoved
	}
	return fn(now[0])
}

func (r *chunkReader) fetch(ctx context.Context, t *catalogTable, as tableName, task snapshot.Task, c *readChunk) error {
	if len(t.table.Key) == 0 {
		return noKey(t)
	}
	v, err := r.visibility(ctx)
	if err != nil {
		return err
	}
	from := t
	t = t.named(as)
	c.Table, c.relation, c.Sees = t.table, t.relation(task.Table), v.sees
	most := min(firstFetch, r.rows)
	if r.average > 0 {
		most = max(1, min(chunkBytes/r.average, r.rows))
	}
	m := r.memory()
	c.memory = m
	var (
		key     [][]byte // of the last row
		skipped bool
		got     int
	)
	key = make([][]byte, len(t.table.Key))
	err = r.following(ctx, from, task.Cursor, most, func(fields [][]byte) error {
		got++
		if m.bytes.used >= chunkBytes {
			skipped = true // rows became much bigger than those before: the next chunk begins here
			return nil
		}
		m.rows = append(m.rows, appendTuple(m.bytes.room(tupleSize(fields)), fields))
		for i, k := range t.table.Key {
			key[i] = append(key[i][:0], fields[k]...)
		}
		return nil
	})
	if err != nil {
		return err
	}
	c.rows = m.rows
	if n := len(c.rows); n > 0 {
		r.average = max(1, m.bytes.used/n)
		// Of the key only: a row may have columns of megabytes.
		end := make(record.Row, len(t.codecs))
		for i, k := range t.table.Key {
			if err := t.codecs[k].read(&end[k], key[i]); err != nil {
				return c.relation.badCell(k, err)
			}
		}
		c.Rows, c.End = c, cursorOf(t.table, end)
	}
	c.Last = got < most && !skipped
	c.Time = time.Now()
	return nil
}

// tupleSize is what appendTuple writes.
func tupleSize(fields [][]byte) int {
	n := 2 + 5*len(fields)
	for _, f := range fields {
		n += len(f)
	}
	return n
}

// appendTuple writes the fields of a query as the log writes a row.
func appendTuple(dst []byte, fields [][]byte) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(fields)))
	for _, f := range fields {
		if f == nil {
			dst = append(dst, 'n')
			continue
		}
		dst = binary.BigEndian.AppendUint32(append(dst, 't'), uint32(len(f)))
		dst = append(dst, f...)
	}
	return dst
}

// following hands over at most so many rows after a key, in its order. Comparison and order are PostgreSQL's own, collation
// included, and what the index of the key is sorted by.
func (r *chunkReader) following(ctx context.Context, t *catalogTable, after [][]byte, most int, fn func([][]byte) error) error {
	var columns, key, operands, bound []string
	for _, c := range t.table.Columns {
		columns = append(columns, quote(c.Name))
	}
	for i, k := range t.table.Key {
		key = append(key, quote(t.table.Columns[k].Name))
		operands = append(operands, t.operands[k])
		bound = append(bound, fmt.Sprintf("$%d::%s", i+1, t.casts[k]))
	}
	sql := "SELECT " + strings.Join(columns, ", ") + " FROM " + t.from()
	if after != nil {
		sql += " WHERE (" + strings.Join(operands, ", ") + ") > (" + strings.Join(bound, ", ") + ")"
	}
	sql += " ORDER BY " + strings.Join(key, ", ") + " LIMIT " + strconv.Itoa(most)
	if t.path == usualPath {
		return r.each(ctx, sql, after, fn)
	}
	// The operators of types that extensions bring are found by the search path; the text of values must not depend on it. A
	// cursor is parsed under one path and read under another. It costs: the server keeps its rows in a file before it sends them.
	if err := r.setPath(ctx, t.path); err != nil {
		return err
	}
	if _, err := r.query(ctx, "DECLARE truc_chunk NO SCROLL CURSOR FOR "+sql, after...); err != nil {
		return err
	}
	if err := r.setPath(ctx, usualPath); err != nil {
		return err
	}
	return r.each(ctx, "FETCH ALL FROM truc_chunk", nil, fn)
}

// usualPath is the search_path of every session.
const usualPath = "pg_catalog"

func (c *session) setPath(ctx context.Context, path string) error {
	_, err := c.query(ctx, "SELECT set_config('search_path', $1, true)", []byte(path))
	return err
}

// from names the table for reading: the rows of a partitioned table are in its partitions, those of a plain table's
// heirs are not its own.
func (t *catalogTable) from() string {
	if t.kind == 'p' {
		return quoteTable(t.table)
	}
	return "ONLY " + quoteTable(t.table)
}

// relation is the table as its rows in the log will have it.
func (t *catalogTable) relation(name string) *relation {
	r := &relation{table: t.table, name: name, codecs: t.codecs, identity: make([]bool, len(t.codecs)), partitioned: t.kind == 'p'}
	for i := range r.identity {
		r.identity[i] = t.table.Carried(i)
	}
	return r
}

// cursorOf writes a row's key as PostgreSQL reads it.
func cursorOf(t *record.Table, row record.Row) [][]byte {
	cursor := make([][]byte, len(t.Key))
	for i, k := range t.Key {
		cursor[i] = appendParameter([]byte{}, row[k])
	}
	return cursor
}
