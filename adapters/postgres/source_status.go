package postgres

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/jackc/pglogrepl"
)

// reporter tells the server once a second, and when asked, what it may forget. It is a goroutine of its own because a
// reader that is held up downstream would answer no keepalive and be cut off after wal_sender_timeout.
func (s *source) reporter(ctx context.Context) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			s.sendStatus() // so that what was acknowledged last is not held until the next start
			return
		case <-ticker.C:
		case <-s.report:
		}
		if !s.sendStatus() {
			return // the connection is broken: Read finds out why
		}
	}
}

func (s *source) reportNow() {
	select {
	case s.report <- struct{}{}:
	default:
	}
}

// sendStatus sends a standby status update (CopyData 'r'). Written, flushed and applied positions are all the acknowledged
// one: the server frees up to the flushed one, and answers with keepalives, which let an idle source advance, only while the
// others lag behind what it sent. It writes to the socket itself: pglogrepl's function goes through a buffer that the
// driver also uses when it closes a broken connection under Read.
func (s *source) sendStatus() bool {
	const body = 1 + 8 + 8 + 8 + 8 + 1
	b := make([]byte, 0, 1+4+body)
	b = append(b, 'd')
	b = binary.BigEndian.AppendUint32(b, 4+body)
	b = append(b, pglogrepl.StandbyStatusUpdateByteID)
	acked := s.acked.Load()
	for range 3 {
		b = binary.BigEndian.AppendUint64(b, acked)
	}
	b = binary.BigEndian.AppendUint64(b, uint64(time.Since(postgresEpoch).Microseconds()))
	b = append(b, 0)
	conn := s.repl.Conn()
	if err := conn.SetWriteDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return false
	}
	_, err := conn.Write(b)
	return err == nil
}
