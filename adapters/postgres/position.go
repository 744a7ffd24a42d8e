package postgres

import (
	"encoding/json"
	"fmt"
	"math/bits"
	"strconv"

	"github.com/jackc/pglogrepl"

	"github.com/lienthong/truc/record"
)

// positionVersion is the format written; an older binary refuses a newer one.
const positionVersion = 1

// position is what a batch's Position holds, as JSON: where the log is to be resumed, whose log it is, and how far the
// snapshot of each table has come.
type position struct {
	Version int `json:"v"`
	// System is the server's system identifier, made by initdb; Timeline grows with each promotion or point-in-time recovery.
	System   string `json:"system"`
	Timeline int32  `json:"timeline"`
	Slot     string `json:"slot"`
	// LSN and Index are the order of the last record handed out: commit LSN and index in the transaction. The log is sent
	// again from Confirmed, and everything up to and including this order is skipped.
	LSN   lsn    `json:"lsn"`
	Index uint32 `json:"index"`
	// Confirmed is the end of the last transaction that was handed out whole (or of idle log beyond it): what Ack lets the
	// server forget, and where the next transaction begins.
	Confirmed lsn `json:"confirmed"`
	// Tables is a map of tableState by name, already encoded: it changes rarely, positions are written often.
	Tables json.RawMessage `json:"tables"`
}

// tableState is how far the snapshot of one table has come.
type tableState struct {
	// OID tells a table that was dropped and created again from the one that was read.
	OID uint32 `json:"oid"`
	Run uint32 `json:"run"`
	// Since is the commit LSN of the run's first low watermark; 0 before it was seen.
	Since lsn `json:"since,omitempty"`
	// Cursor is the key of the last row read, as PostgreSQL writes it (bytes, since a database need not be UTF-8).
	Cursor [][]byte `json:"cursor,omitempty"`
	Rows   int64    `json:"rows"`
	Done   bool     `json:"done,omitempty"`
	// Published is the publication's stamp of the table; "" in positions of before there was one.
	Published string `json:"published,omitempty"`
}

// lsn is a log sequence number that reads as PostgreSQL shows it, "0/16B3748".
type lsn pglogrepl.LSN

func (l lsn) String() string { return pglogrepl.LSN(l).String() }

func (l lsn) append(b []byte) []byte {
	const digits = "0123456789ABCDEF"
	hex := func(n uint32) {
		first := (bits.Len32(n|1) - 1) / 4
		for i := first; i >= 0; i-- {
			b = append(b, digits[n>>(4*i)&0xf])
		}
	}
	hex(uint32(l >> 32))
	b = append(b, '/')
	hex(uint32(l))
	return b
}

func (l lsn) MarshalText() ([]byte, error) { return l.append(nil), nil }

func (l *lsn) UnmarshalText(b []byte) error {
	v, err := pglogrepl.ParseLSN(string(b))
	if err != nil {
		return fmt.Errorf("read LSN: %w", err)
	}
	*l = lsn(v)
	return nil
}

func (p *position) order() record.Order { return record.Order{Major: uint64(p.LSN), Minor: p.Index} }

// encode writes the JSON by hand: it is written with every batch, and a lone change is a batch. System is digits, Slot has no
// letter that JSON would escape (Config.Validate).
func (p *position) encode() []byte {
	b := make([]byte, 0, 192+len(p.Tables))
	b = append(b, `{"v":`...)
	b = strconv.AppendInt(b, int64(p.Version), 10)
	b = append(append(b, `,"system":"`...), p.System...)
	b = append(b, `","timeline":`...)
	b = strconv.AppendInt(b, int64(p.Timeline), 10)
	b = append(append(b, `,"slot":"`...), p.Slot...)
	b = append(b, `","lsn":"`...)
	b = p.LSN.append(b)
	b = append(b, `","index":`...)
	b = strconv.AppendUint(b, uint64(p.Index), 10)
	b = append(b, `,"confirmed":"`...)
	b = p.Confirmed.append(b)
	b = append(append(b, `","tables":`...), p.Tables...)
	return append(b, '}')
}

func parsePosition(b []byte) (*position, map[string]*tableState, error) {
	var p position
	if err := json.Unmarshal(b, &p); err != nil {
		return nil, nil, fmt.Errorf("read saved position: %w", err)
	}
	if p.Version != positionVersion {
		return nil, nil, fmt.Errorf("read saved position: it has format version %d, this program knows %d; use the newer program that wrote it", p.Version, positionVersion)
	}
	tables := map[string]*tableState{}
	if len(p.Tables) > 0 {
		if err := json.Unmarshal(p.Tables, &tables); err != nil {
			return nil, nil, fmt.Errorf("read saved position: %w", err)
		}
	}
	return &p, tables, nil
}
