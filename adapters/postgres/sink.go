package postgres

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/record"
)

// sink writes changes to tables of one database. Every pipeline has a connection of its own, so that pipelines which share
// a sink do not wait for one another.
//
//	fold the batch per key → begin, compare-and-set offsets, decide against the bookkeeping → write → commit
//	                           └ a statement fails → roll back, isolate the bad changes in savepoints → *RejectedError
type sink struct {
	server *server
	schema string // of the bookkeeping
	name   string // of the sink in the configuration
	log    *slog.Logger

	mu        sync.Mutex
	closed    bool
	pipelines map[string]*sinkLane
}

// sinkLane is what one pipeline keeps at a sink.
type sinkLane struct {
	mu   sync.Mutex // held through a call
	conn *sinkConn  // nil until needed, and after it was lost
}

// sinkConn is a connection that writes, with what was learnt over it.
type sinkConn struct {
	*session
	sink *sink
	// raw says that the database does not know its encoding (SQL_ASCII): text need not be UTF-8.
	raw   bool
	plans map[*record.Target]*plan
	// careful counts the batches in which no row is inserted unseen.
	careful int
	// filling says that most keys of the last round were not known.
	filling bool
	// untouched says that none of them was.
	untouched bool
	// steady says that all of them were, and written. hesitant counts the batches for which that does not matter.
	steady   bool
	hesitant int
	// copied and renewals count the rounds that went these ways.
	copied, renewals int
	names            map[string]int32 // ids of the bookkeeping
}

var (
	_ adapters.Sink          = (*sink)(nil)
	_ adapters.SinkDescriber = (*sink)(nil)
	_ adapters.SinkChecker   = (*sink)(nil)
	_ adapters.SinkReader    = (*sink)(nil)
	_ adapters.Sweeper       = (*sink)(nil)
)

func newSink(c *Config, env adapters.Env) (adapters.Sink, error) {
	server, err := newServer(c.DSN, "truc "+env.Name)
	if err != nil {
		return nil, err
	}
	s := &sink{
		server: server, schema: c.Schema, name: env.Name, log: env.Log,
		pipelines: map[string]*sinkLane{},
	}
	if s.schema == "" {
		s.schema = defaults().Schema
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	return s, nil
}

// sinkSettings fix how values are written as text, as sessionSettings do for the source, but leave alone what the agency's
// own triggers, defaults and policies depend on: search_path, time zone, row security. jit would cost more than it saves.
// random_page_cost: the rows of a batch are found by index, 1,000 of them, in pages that are mostly in memory; with the
// default the planner reads a table of up to some 200,000 rows whole for every batch (measured: three times slower).
var sinkSettings = [...][2]string{
	{"client_encoding", "UTF8"},
	{"datestyle", "ISO, YMD"},
	{"intervalstyle", "postgres"},
	{"extra_float_digits", "1"},
	{"bytea_output", "hex"},
	{"jit", "off"},
	{"random_page_cost", "0.2"},
}

// sinkLimits hold unless the dsn says otherwise. A statement that waits for a lock gives up and is retried; a transaction
// whose client stopped (SIGSTOP, a lost network) is ended by the server, so that its locks do not stop a successor.
var sinkLimits = [...][2]string{
	{"statement_timeout", "60s"},
	{"lock_timeout", "10s"},
	{"idle_in_transaction_session_timeout", "30s"},
}

// connect opens a connection that can write.
func (s *sink) connect(ctx context.Context) (*sinkConn, error) {
	config := s.server.config.Copy()
	for _, set := range sinkSettings {
		config.RuntimeParams[set[0]] = set[1]
	}
	for _, set := range sinkLimits {
		if _, given := config.RuntimeParams[set[0]]; !given {
			config.RuntimeParams[set[0]] = set[1]
		}
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = s.server.application
	}
	pg, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, s.server.explain(err)
	}
	c := &sinkConn{session: &session{pg: pg, server: s.server}, sink: s}
	c.forget()
	if c.encoding() == "SQL_ASCII" {
		c.raw = true
		if _, err := c.ask(ctx, "SET client_encoding = 'SQL_ASCII'"); err != nil {
			return nil, errors.Join(s.explain(err), c.close())
		}
	}
	return c, nil
}

// forget drops what was learnt about tables: they may have changed.
func (c *sinkConn) forget() {
	c.plans, c.names = map[*record.Target]*plan{}, map[string]int32{}
}

// Open implements adapters.Sink.
func (s *sink) Open(ctx context.Context) error {
	if s.isClosed() {
		return adapters.ErrClosed
	}
	return s.once(ctx, func(c *sinkConn) error { return c.prepareBookkeeping(ctx) })
}

// Close implements adapters.Sink. It waits for a call that is under way; the caller ends that by its ctx.
func (s *sink) Close() error {
	s.mu.Lock()
	s.closed = true
	lanes := slices.Collect(maps.Values(s.pipelines))
	s.pipelines = map[string]*sinkLane{}
	s.mu.Unlock()
	var errs []error
	for _, l := range lanes {
		l.mu.Lock()
		if l.conn != nil {
			errs = append(errs, l.conn.close())
			l.conn = nil
		}
		l.mu.Unlock()
	}
	return errors.Join(errs...)
}

func (s *sink) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// with runs fn on the connection of a pipeline, and leaves it outside of a transaction or gives it up.
func (s *sink) with(ctx context.Context, pipeline string, fn func(*sinkConn) error) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return adapters.ErrClosed
	}
	l := s.pipelines[pipeline]
	if l == nil {
		l = &sinkLane{}
		s.pipelines[pipeline] = l
	}
	s.mu.Unlock()

	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn == nil {
		// Close may have passed by while this call waited for the lane.
		if s.isClosed() {
			return adapters.ErrClosed
		}
		c, err := s.connect(ctx)
		if err != nil {
			return err
		}
		l.conn = c
	}
	err := s.explain(fn(l.conn))
	if err != nil && !l.conn.settle(ctx) {
		_ = l.conn.close() // the error that matters is fn's
		l.conn = nil
	}
	return err
}

// settle ends a transaction that was left open and reports whether the connection can be used again.
func (c *sinkConn) settle(ctx context.Context) bool {
	if c.pg.IsClosed() {
		return false
	}
	if c.pg.TxStatus() == 'I' {
		return true
	}
	_, err := c.pg.Exec(ctx, "ROLLBACK").ReadAll()
	return err == nil
}

// Offsets implements adapters.Sink.
func (s *sink) Offsets(ctx context.Context, pipeline string, partitions []adapters.TopicPartition) (adapters.Offsets, error) {
	var offsets adapters.Offsets
	err := s.with(ctx, pipeline, func(c *sinkConn) (err error) {
		offsets, err = c.offsets(ctx, pipeline, partitions)
		return err
	})
	return offsets, err
}

// Apply implements adapters.Sink.
func (s *sink) Apply(ctx context.Context, pipeline string, changes []record.Change, from, to adapters.Offsets) error {
	move, err := newOffsetMove(pipeline, from, to)
	if err != nil {
		return err
	}
	batches, err := fold(changes)
	if err != nil {
		return err
	}
	return s.with(ctx, pipeline, func(c *sinkConn) error {
		return c.apply(ctx, batches, move)
	})
}

// LastApply implements adapters.Sweeper; 0 when nothing was ever applied.
func (s *sink) LastApply(ctx context.Context, pipeline string) (int64, error) {
	var unix int64
	err := s.once(ctx, func(c *sinkConn) (err error) {
		unix, err = c.lastApply(ctx, pipeline)
		return err
	})
	return unix, err
}

// once runs fn on a connection of its own, for calls from anywhere at any time.
func (s *sink) once(ctx context.Context, fn func(*sinkConn) error) error {
	c, err := s.connect(ctx)
	if err != nil {
		return err
	}
	err = s.explain(fn(c))
	if closing := c.close(); err == nil {
		err = closing
	}
	return err
}
