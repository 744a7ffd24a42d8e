package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
)

// heartbeat is how often at most a batch without records moves the position.
const heartbeat = time.Second

// Read implements adapters.Source. It decodes what the connection holds, and hands it out when nothing more has arrived
// or the batch is full: there is no timer, a lone change waits for nobody and a flood makes full batches.
func (s *source) Read(ctx context.Context) (record.Batch, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	if err := s.ended(ctx); err != nil {
		return record.Batch{}, err
	}
	if s.repl == nil {
		return record.Batch{}, errors.New("read from a source that is not open")
	}
	// The driver is never given ctx: its own watching costs ten allocations a message, and a cancelled receive would close
	// the connection. A deadline in the past interrupts it and keeps what has arrived.
	stop := context.AfterFunc(ctx, s.wake)
	defer stop()
	b := s.buffers.get()
	batch, err := s.fill(ctx, b)
	if err != nil {
		b.done()
	}
	return batch, err
}

func (s *source) fill(ctx context.Context, b *buffer) (record.Batch, error) {
	for {
		s.nextChunk() // it is read while the one before is handed out
		if s.machine.Draining() {
			if len(b.records) > 0 {
				return s.handOut(b), nil // the log before the chunk, then the chunk
			}
			if err := s.drain(b); err != nil {
				s.failed = err
				return record.Batch{}, err
			}
			if len(b.records) > 0 {
				return s.handOut(b), nil
			}
			continue
		}
		if b.full() || len(b.records) > 0 && s.drained() || s.heartbeatDue(b) {
			return s.handOut(b), nil
		}
		err := s.receive(b) //nolint:contextcheck // what was begun is finished when ctx ends (withCatalog)
		if err == nil {
			continue
		}
		if errors.Is(err, errWoken) {
			s.unwake()
			err = s.ended(ctx)
			if err == nil {
				continue
			}
		} else {
			s.failed = err
			if e := s.ended(ctx); e != nil {
				err = e
			}
		}
		if len(b.records) > 0 {
			return s.handOut(b), nil // the next Read says what happened
		}
		return record.Batch{}, err
	}
}

// ended says why nothing more is to be read: Close, the caller's context, a failure.
func (s *source) ended(ctx context.Context) error {
	if s.isClosed() {
		return adapters.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.failed == nil {
		s.wakeLock.Lock()
		s.failed = s.lost
		s.wakeLock.Unlock()
	}
	return s.failed
}

// wake interrupts a receive that is under way.
func (s *source) wake() {
	s.wakeLock.Lock()
	defer s.wakeLock.Unlock()
	if s.socket != nil {
		s.woken = true
		_ = s.socket.SetReadDeadline(time.Unix(1, 0)) // fails only on a closed socket, which interrupts too
	}
}

func (s *source) unwake() {
	s.wakeLock.Lock()
	defer s.wakeLock.Unlock()
	if s.woken {
		s.woken = false
		_ = s.socket.SetReadDeadline(time.Time{})
	}
}

// drained reports whether everything that has arrived was taken in.
func (s *source) drained() bool {
	return s.in.buffered() == 0
}

// heartbeatDue reports whether the log moved on without records for long enough to say so.
func (s *source) heartbeatDue(b *buffer) bool {
	return len(b.records) == 0 && !s.tx.open && s.position.Confirmed > s.handedOut && time.Since(s.lastBatch) >= heartbeat
}

// handOut closes the batch. Its position may lie inside a transaction: then Confirmed is still the end of the one before.
func (s *source) handOut(b *buffer) record.Batch {
	if n := len(b.records); n > 0 {
		last := b.records[n-1].Order
		s.position.LSN, s.position.Index = lsn(last.Major), last.Minor
	}
	s.handedOut, s.lastBatch = s.position.Confirmed, time.Now()
	return record.Batch{Records: b.records, Position: s.encodePosition(), Done: b.done}
}

// errWoken says that a receive was interrupted: nothing is lost, and somebody has something to say.
var errWoken = errors.New("receive was interrupted")

// receive takes in one message of the connection.
func (s *source) receive(b *buffer) error {
	if data, ok := s.in.take('d'); ok {
		return s.onCopyData(data, b)
	}
	data, ok, err := s.in.takeLarge('d')
	if ok {
		b.owns = true
		err := s.onCopyData(data, b)
		b.owns = false
		return err
	}
	var message pgproto3.BackendMessage
	if err == nil {
		message, err = s.repl.ReceiveMessage(context.Background())
	}
	if err != nil {
		if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
			return errWoken
		}
		return s.server.explain(err)
	}
	switch m := message.(type) {
	case *pgproto3.CopyData:
		err := s.onCopyData(m.Data, b)
		m.Data = nil // the driver keeps m: a row of 40 MB would live on while the next one is received
		return err
	case *pgproto3.ErrorResponse:
		return s.explainStream(pgconn.ErrorResponseToPgError(m))
	case *pgproto3.NoticeResponse, *pgproto3.ParameterStatus:
		return nil
	case *pgproto3.CopyDone, *pgproto3.CommandComplete, *pgproto3.ReadyForQuery:
		return s.server.unreachable(errors.New("the server ended the replication stream"))
	default:
		return fmt.Errorf("%s: unexpected message %T in the replication stream", s.server.name, m)
	}
}

func (s *source) explainStream(err *pgconn.PgError) error {
	if err.Code == "42704" { // undefined_object: the publication, as the log being decoded knows it
		return &adapters.RefusedError{
			Where: s.server.name, What: problem.Say("the log from before publication %s was created (again) cannot be decoded: %s", s.published, err.Message),
			Fix: problem.Say("truc resnapshot %s", s.name),
		}
	}
	return s.server.explain(err)
}

func (s *source) onCopyData(data []byte, b *buffer) error {
	const logHeader, keepalive = 1 + 24, 1 + 17
	switch {
	case len(data) > logHeader && data[0] == pglogrepl.XLogDataByteID:
		return s.onLog(data[logHeader:], b)
	case len(data) == keepalive && data[0] == pglogrepl.PrimaryKeepaliveMessageByteID:
		end := lsn(binary.BigEndian.Uint64(data[1:]))
		if err := s.checkExpected(end, 0); err != nil {
			return err
		}
		s.onKeepalive(end, b)
		if data[keepalive-1] != 0 {
			s.reportNow()
		}
		return nil
	}
	return errTruncated
}

// onKeepalive advances an idle source: the server has decoded up to end and had nothing for us, so that log written for
// other tables need not be kept. Inside a transaction it says nothing about what is still to come of it, and with records
// in hand it would confirm them with a position that does not mention them.
func (s *source) onKeepalive(end lsn, b *buffer) {
	if !s.tx.open && len(b.records) == 0 && !s.machine.Draining() && end > s.position.Confirmed {
		s.position.Confirmed = end
	}
}

// checkExpected is told how far the log was shown, and the commit that stands there, if one does. A backup that was restored
// and written to until its log is longer than the saved position has the same system identifier and timeline, and only its
// history differs: at the place of the commit that was read last, its log has something else. The slot, restored with it,
// still has that place.
func (s *source) checkExpected(shown, commit lsn) error {
	switch {
	case s.expected == 0 || shown < s.expected:
		return nil
	case commit == s.expected:
		s.expected = 0
		return nil
	case shown == s.expected:
		return nil // a keepalive that ends where the commit begins
	}
	return &adapters.DivergenceError{
		Source: s.name, Reason: problem.Say("the server's log does not have the transaction that was read last: a restored backup that has been written to since"),
		Saved: "a commit at LSN " + s.expected.String(), Found: "none there, and the log goes on to LSN " + shown.String(),
	}
}

func (s *source) onLog(data []byte, b *buffer) error {
	in := &input{b: data[1:]}
	switch kind := data[0]; kind {
	case 'I', 'U', 'D':
		return s.onRow(kind, in, b)
	case 'B':
		m, err := decodeBegin(in)
		if err != nil {
			return err
		}
		if err := s.checkExpected(lsn(m.commit), lsn(m.commit)); err != nil {
			return err
		}
		s.tx = transaction{open: true, order: record.Order{Major: uint64(m.commit)}, xid: m.xid, time: m.time}
		s.machine.Transaction(uint64(m.xid))
		return nil
	case 'C':
		m, err := decodeCommit(in)
		if err != nil {
			return err
		}
		s.tx.open = false
		s.position.Confirmed = max(s.position.Confirmed, lsn(m.end))
		return s.onMark()
	case 'R':
		m, err := decodeRelation(in)
		if err != nil {
			return err
		}
		return s.onRelation(m)
	case 'T':
		return s.onTruncate(in, b)
	case 'M':
		m, err := decodeLogical(in)
		if err != nil {
			return err
		}
		s.tx.mark = parseMark(m, s.nonce)
		return nil
	case 'O', 'Y': // origin, type
		return nil
	default:
		return fmt.Errorf("%s: unexpected message %q in the log", s.server.name, kind)
	}
}

// onRow is called for each Insert, Update and Delete. The index grows before anything is filtered, so that a record has
// the same order whatever tables are asked for.
func (s *source) onRow(kind byte, in *input, b *buffer) error {
	if !s.tx.open {
		return errTruncated
	}
	s.tx.order.Minor++
	r := s.relations[in.uint32()]
	if r == nil {
		return errTruncated
	}
	if r.name == "" || s.tx.order.Compare(s.skip) <= 0 {
		return nil
	}
	in.b = b.keep(in.b)
	op, before, after, err := r.decodeChange(kind, in, &b.cells)
	if err != nil {
		return err
	}
	b.records = append(b.records, record.Record{
		Table: r.table, Op: op, Before: before, After: after, Order: s.tx.order, Tx: uint64(s.tx.xid), Time: s.tx.time,
	})
	s.machine.Changed(r.name, r.table, before, after)
	return nil
}

func (s *source) onTruncate(in *input, b *buffer) error {
	ids, err := decodeTruncate(in)
	if err != nil {
		return err
	}
	for _, id := range ids {
		s.tx.order.Minor++
		r := s.relations[id]
		if r == nil || r.name == "" || s.tx.order.Compare(s.skip) <= 0 {
			continue
		}
		b.records = append(b.records, record.Record{Table: r.table, Op: record.Truncate, Order: s.tx.order, Tx: uint64(s.tx.xid), Time: s.tx.time})
		s.machine.Truncated(r.name)
	}
	return nil
}
