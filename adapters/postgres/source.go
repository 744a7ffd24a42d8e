package postgres

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/adapters/snapshot"
	"github.com/lienthong/truc/record"
)

// source reads one slot of one database for all its tables. Four goroutines touch it: whoever calls Read (the log, the
// relations, the snapshot machine), the reporter (standby status, see source_status.go), the watch (source_watch.go) and,
// while tables are being snapshotted, the chunk reader (source_snapshot.go).
type source struct {
	server    *server
	log       *slog.Logger
	name      string // in the configuration, for messages
	slot      string
	published string // the publication
	failover  bool   // whether the slot is to follow a promotion
	chunkRows int
	pacer     *adapters.Pacer

	// nonce tells this session's watermarks from those of earlier ones, which the log may show again.
	nonce string

	watchEvery, lookEvery time.Duration

	// Of Open, constant afterwards.
	repl    *pgconn.PgConn
	in      *messages
	tables  map[uint32]tableName // wanted tables by OID, as the configuration names them
	wanted  map[string]bool
	stamps  map[uint32]string  // how they are published, see publication.stamp
	stop    context.CancelFunc // ends reporter, watch and chunk reader
	running sync.WaitGroup

	catalogLock sync.Mutex
	catalog     *session

	// Of the goroutine that reads, under reading.
	reading   sync.Mutex
	failed    error // what ended the stream; every later Read returns it
	relations map[uint32]*relation
	buffers   buffers
	tx        transaction
	skip      record.Order // everything up to here was handed out before the source was reopened
	expected  lsn          // the commit that must be seen before any later one; 0: none
	position  position
	states    map[string]*tableState
	handedOut lsn       // Confirmed of the last batch
	lastBatch time.Time // when it was handed out
	machine   *snapshot.Machine
	progress  map[string]*snapshot.Table

	tasks chan snapshot.Task
	// chunk is what the chunk reader has read, left here before the high watermark is written.
	chunk atomic.Pointer[readChunk]
	// accepted is the memory of the chunk that is being handed out.
	accepted *chunkMemory

	acked  atomic.Uint64
	report chan struct{}

	wakeLock sync.Mutex
	socket   net.Conn // of repl
	asking   net.Conn // of catalog, while Read waits for its answer
	woken    bool     // socket has a deadline in the past
	closed   bool
	lost     error // what ended the chunk reader or the watch

	progressLock sync.Mutex
	shown        []adapters.Progress
}

// tableName is what a table was called when the source was opened. It goes on under that name when it is renamed or moved
// to another schema meanwhile: that is the name the pipelines know.
type tableName struct{ schema, name string }

func (n tableName) String() string { return n.schema + "." + n.name }

// transaction is what the log shows between Begin and Commit.
type transaction struct {
	open  bool
	order record.Order // of the last row message received
	xid   uint32
	time  time.Time
	// mark is a watermark of ours that the transaction consists of.
	mark *mark
}

var (
	_ adapters.Source     = (*source)(nil)
	_ adapters.Describer  = (*source)(nil)
	_ adapters.Checker    = (*source)(nil)
	_ adapters.Fetcher    = (*source)(nil)
	_ adapters.Scanner    = (*source)(nil)
	_ adapters.Terminator = (*source)(nil)
	_ adapters.Retention  = (*source)(nil)
	_ adapters.Progresser = (*source)(nil)
)

func newSource(c *Config, env adapters.Env) (*source, error) {
	server, err := newServer(c.DSN, "truc "+env.Name)
	if err != nil {
		return nil, err
	}
	s := &source{
		server: server, log: env.Log, name: env.Name,
		slot: c.Slot, failover: c.Failover, published: c.Publication, chunkRows: c.ChunkRows, pacer: adapters.NewPacer(env.Pace),
		nonce: rand.Text(), watchEvery: watchEvery, lookEvery: lookEvery,
		report: make(chan struct{}, 1),
	}
	if s.slot == "" {
		s.slot = ownName(env)
	}
	if s.published == "" {
		s.published = ownName(env)
	}
	return s, nil
}

// Ack implements adapters.Source: the reporter tells the server what it may forget.
func (s *source) Ack(_ context.Context, saved []byte) error {
	p, _, err := parsePosition(saved)
	if err != nil {
		return err
	}
	for {
		old := s.acked.Load()
		if uint64(p.Confirmed) <= old {
			return nil
		}
		if s.acked.CompareAndSwap(old, uint64(p.Confirmed)) {
			// What is said only at the next second is decoded again after a crash.
			if uint64(p.Confirmed)-old >= 4<<20 {
				s.reportNow()
			}
			return nil
		}
	}
}

// Close implements adapters.Source.
func (s *source) Close() error {
	s.wakeLock.Lock()
	s.closed = true
	if s.stop != nil {
		s.stop()
	}
	if s.asking != nil {
		_ = s.asking.SetDeadline(time.Unix(1, 0)) // fails only on a closed socket
	}
	s.wakeLock.Unlock()
	s.wake()
	s.reading.Lock() // Read and Open have returned
	defer s.reading.Unlock()
	s.release()
	return nil
}

// release gives back what Open took, as far as it came. The caller holds reading.
func (s *source) release() {
	if s.stop != nil {
		s.stop()
	}
	s.running.Wait()
	s.wakeLock.Lock()
	s.socket = nil
	s.wakeLock.Unlock()
	if s.repl != nil {
		_ = hangUp(s.repl) // the reporter has sent the last status
		s.repl = nil
	}
	s.catalogLock.Lock()
	defer s.catalogLock.Unlock()
	_ = s.catalog.close()
	s.catalog = nil
}

// isClosed reports whether Close was called.
func (s *source) isClosed() bool {
	s.wakeLock.Lock()
	defer s.wakeLock.Unlock()
	return s.closed
}

// encodePosition is the position after everything handed out so far.
func (s *source) encodePosition() []byte {
	if s.position.Tables == nil {
		for name, t := range s.progress {
			st := s.states[name]
			st.Since, st.Cursor, st.Rows, st.Done = lsn(t.Since.Major), t.Cursor, t.Rows, t.Done
		}
		b, err := json.Marshal(s.states)
		if err != nil {
			panic("postgres: encode position: " + err.Error()) // maps of numbers, strings and bytes cannot fail
		}
		s.position.Tables = b
	}
	return s.position.encode()
}

// RetainedBytes implements adapters.Retention.
func (s *source) RetainedBytes(ctx context.Context) (int64, error) {
	s.catalogLock.Lock()
	defer s.catalogLock.Unlock()
	c := s.catalog
	if c == nil {
		if s.isClosed() {
			return -1, adapters.ErrClosed
		}
		var err error
		if c, err = s.server.sql(ctx); err != nil {
			return -1, err
		}
		defer c.close()
	}
	rows, err := c.query(ctx, "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::int8 FROM pg_replication_slots WHERE slot_name = $1", []byte(s.slot))
	if err != nil || len(rows) == 0 || rows[0][0] == nil {
		return -1, err
	}
	return int64Of(rows[0][0]), nil
}

// Terminate implements adapters.Terminator: it ends the backend that holds the slot and waits until it is gone.
// A slot of that name in another database of the server is somebody else's: Open says so.
func (s *source) Terminate(ctx context.Context) error {
	c, err := s.server.sql(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	for {
		rows, err := c.query(ctx, "SELECT active_pid, pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = $1 AND database = current_database() AND active_pid IS NOT NULL", []byte(s.slot))
		if err != nil || len(rows) == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func walLocation(b []byte) lsn {
	v, err := pglogrepl.ParseLSN(string(b))
	if err != nil {
		return 0
	}
	return lsn(v)
}
