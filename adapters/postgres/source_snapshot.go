package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
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
	// markPrefix is that of our logical messages.
	markPrefix = "truc"
	// chunkBytes closes a chunk early: two are in memory at a time, and what batches still view of the one before.
	chunkBytes     = 4 << 20
	chunksInMemory = 3
	// firstFetch is how many rows the first chunk of a table has, whose rows' size is not known yet.
	firstFetch = 100
)

// mark is one of our watermarks.
type mark struct {
	task uint64
	high bool
}

func (m mark) content(nonce string) []byte {
	kind := "low"
	if m.high {
		kind = "high"
	}
	return fmt.Appendf(nil, "%s %d %s", nonce, m.task, kind)
}

// parseMark reads a logical message; nil when it is not a watermark of this session.
func parseMark(m logicalMessage, nonce string) *mark {
	if m.prefix != markPrefix {
		return nil
	}
	f := strings.Split(string(m.content), " ")
	if len(f) != 3 || f[0] != nonce {
		return nil
	}
	task, err := strconv.ParseUint(f[1], 10, 64)
	if err != nil {
		return nil
	}
	return &mark{task: task, high: f[2] == "high"}
}

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

// nextChunk gives the chunk reader something to do when it has nothing. Read calls it.
func (s *source) nextChunk() {
	if s.tasks == nil {
		return
	}
	if task, ok := s.machine.Next(); ok {
		s.tasks <- task // never blocks: there is one task at a time
	} else if !s.machine.Active() {
		close(s.tasks)
		s.tasks = nil
	}
}

// onMark is called at the end of each transaction.
func (s *source) onMark() error {
	m := s.tx.mark
	if m == nil {
		return nil
	}
	at := record.Order{Major: s.tx.order.Major}
	if !m.high {
		s.machine.Low(m.task, at)
		s.position.Tables = nil
		return nil
	}
	// The chunk reader leaves the chunk before it writes the watermark.
	c := s.chunk.Swap(nil)
	if c == nil || c.Task != m.task {
		return fmt.Errorf("%s: a watermark came without its chunk", s.server.name)
	}
	// The chunk is read from the catalog's present, which the log may not have shown yet.
	old := s.relations[c.oid]
	if c.relation != nil {
		switch {
		case old == nil || old.table == nil:
		case sameTable(old.table, c.relation.table):
			c.relation.table, c.Table = old.table, old.table
		default:
			c.relation.table.Version = old.table.Version + 1
		}
	}
	switch verdict := s.machine.High(m.task, at, &c.Chunk); verdict {
	case snapshot.Accepted:
		s.accepted = c.memory
		s.relations[c.oid] = c.relation // the log shows no older version any more: altering waits for the writers
	case snapshot.None:
	default:
		s.log.Debug("snapshot chunk is read again", "source", s.name, "because", verdict.String())
	}
	return nil
}

// drain moves accepted rows into the batch.
func (s *source) drain(b *buffer) error {
	if s.accepted != nil {
		s.accepted.users.Add(1)
		b.chunks = append(b.chunks, s.accepted)
	}
	var err error
	b.records, err = s.machine.Drain(b.records, batchRows, batchBytes, b.cells.row)
	if s.accepted != nil && !s.machine.Draining() {
		s.accepted.done()
		s.accepted = nil
	}
	s.position.Tables = nil
	if err != nil {
		return err
	}
	s.progressLock.Lock()
	defer s.progressLock.Unlock()
	for i := range s.shown {
		p := &s.shown[i]
		t := s.progress[p.Table]
		if t.Rows > 0 && p.Rows == 0 && !p.Done {
			s.log.Info("snapshot has begun", "source", s.name, "table", p.Table, "run", t.Run, "estimate", p.Total)
		}
		if t.Done && !p.Done {
			s.log.Info("snapshot is complete", "source", s.name, "table", p.Table, "run", t.Run, "rows", t.Rows)
		}
		p.Rows, p.Done = t.Rows, t.Done
	}
	return nil
}

// Progress implements adapters.Progresser.
func (s *source) Progress() []adapters.Progress {
	s.progressLock.Lock()
	defer s.progressLock.Unlock()
	return slices.Clone(s.shown)
}

// rememberWaiting lets the first chunk wait for the transactions that are running now, because the log does not tell all
// of them whole. One that wrote to a table before the table was added to the publication shows nothing of that, however
// late it commits: a chunk that does not see it would lose those rows. And one that an earlier session has read from the
// log may still wait for its synchronous standby, invisible to every query. Which of the running ones these are cannot
// be told. The log goes on meanwhile.
func (s *source) rememberWaiting(ctx context.Context) error {
	if !s.machine.Active() {
		return nil
	}
	// A transaction of our own, so that the look at the server that follows reaches beyond every older one.
	if err := s.catalog.mark(ctx, []byte(s.nonce+" opened")); err != nil {
		return err
	}
	v, err := s.catalog.visibility(ctx)
	if err != nil {
		return err
	}
	for _, xid := range v.running {
		s.machine.Transaction(xid & 0xffffffff)
	}
	if n := len(v.running); n > 0 {
		s.log.Info("the snapshot waits for the transactions that are running now (pg_stat_activity, pg_prepared_xacts)", "source", s.name, "transactions", n)
	}
	return nil
}

// mark writes a watermark: transactional, because the log shows others only with the next write; and waiting for no standby.
func (c *session) mark(ctx context.Context, content []byte) error {
	_, err := c.prepared(ctx, "SELECT set_config('synchronous_commit', 'local', false), pg_logical_emit_message(true, $1, convert_from($2::bytea, 'SQL_ASCII'))",
		[]byte(markPrefix), content)
	return err
}

// readChunks is the chunk reader: it runs while there are tables to snapshot, on a connection of its own.
func (s *source) readChunks(ctx context.Context, tasks <-chan snapshot.Task) {
	if err := s.chunkLoop(ctx, tasks); err != nil && ctx.Err() == nil {
		s.lose(err)
	}
}

func (s *source) chunkLoop(ctx context.Context, tasks <-chan snapshot.Task) error {
	c, err := s.server.sql(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	oids := map[string]uint32{}
	for oid, as := range s.tables {
		oids[as.String()] = oid
	}
	reader := chunkReader{session: c, rows: s.pacer.Chunk(s.chunkRows), free: make(chan *chunkMemory, chunksInMemory)}
	for {
		var task snapshot.Task
		select {
		case <-ctx.Done():
			return nil
		case t, ok := <-tasks:
			if !ok {
				return nil
			}
			task = t
		}
		if task.Attempt > 1 {
			// A commit that waits for its standby may take any time; do not load the server meanwhile.
			pause := min(10*time.Millisecond<<min(task.Attempt-2, 10), time.Second)
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(pause):
			}
		}
		postponed, err := s.keepPace(ctx)
		if err != nil {
			return nil
		}
		if err := c.mark(ctx, mark{task: task.ID}.content(s.nonce)); err != nil {
			return err
		}
		var chunk *readChunk
		if oid := oids[task.Table]; postponed {
			chunk, err = reader.look(ctx, oid, task)
		} else {
			chunk, err = reader.read(ctx, oid, s.tables[oid], task)
		}
		if err != nil {
			return fmt.Errorf("snapshot table %s: %w", task.Table, err)
		}
		s.pacer.Took(len(chunk.rows))
		s.chunk.Store(chunk)
		if err := c.mark(ctx, mark{task: task.ID, high: true}.content(s.nonce)); err != nil {
			return err
		}
	}
}

// lookEvery is how often a chunk that waits for its hour looks what is visible.
const lookEvery = time.Minute

// keepPace waits until the next chunk may be read. It returns early, and says so, when that takes long.
func (s *source) keepPace(ctx context.Context) (postponed bool, err error) {
	began := time.Now()
	for wait := s.pacer.Delay(); wait > 0; wait = s.pacer.Delay() {
		if time.Since(began) >= s.lookEvery {
			return true, nil
		}
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-time.After(wait):
		}
	}
	return false, nil
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
