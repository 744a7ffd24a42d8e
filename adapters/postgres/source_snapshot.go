package postgres

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/adapters/snapshot"
	"github.com/lienthong/truc/record"
)

// markPrefix is that of our logical messages.
const markPrefix = "truc"

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
