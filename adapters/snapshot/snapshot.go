// Package snapshot reads whole tables while their log flows, without a lock and without a long transaction. It is the one
// implementation of the idea for every log-based source, and knows no technology.
//
// A table is read in chunks, in the order of its key. The source writes a low watermark into the log, reads a chunk, and
// writes a high watermark. When the log has come to the high watermark, whatever changed between the two is dropped from
// the chunk, because the log has said something at least as new about it; the rest becomes Snapshot records at that very place of the
// log. So every row enters the one stream at a place from which it holds:
//
//	… change · LOW · change k7 · change k9 · HIGH ⟨k1 … k6, k8, k10 …⟩ · change …
//
// That is right only if the chunk is at least as new as the log at LOW. The order in which transactions commit in the log is
// not the order in which they become visible (a commit that waits for a standby is in the log long before any query sees
// it), so each chunk says which transactions its read saw, and it is read again unless it saw all that the log had shown up to LOW.
package snapshot

import (
	"time"

	"github.com/lienthong/truc/record"
)

// Table is how far the snapshot of one table has come. The source saves it with its position after each batch.
type Table struct {
	Name string
	// Run numbers the snapshots of the table, from 1.
	Run uint32
	// Since is the place of the run's first low watermark; zero before it was seen.
	Since record.Order
	// Cursor is the key of the last row that was handed out or dropped, as the source wrote it; nil at the beginning.
	Cursor [][]byte
	// Rows counts the rows handed out.
	Rows int64
	Done bool
}

// Task is one attempt at a chunk: the rows of a table after a cursor.
type Task struct {
	// ID names the attempt in its watermarks; it grows by one with each.
	ID     uint64
	Table  string
	Cursor [][]byte
	// Attempt counts from 1 for each chunk; a source waits a little longer before each.
	Attempt int
}

// Chunk is what one attempt read.
type Chunk struct {
	Task  uint64
	Table *record.Table
	// Rows are in the order of the key; nil when nothing was read.
	Rows Rows
	// End is the key of the last row, as Table.Cursor has it; nil when there is none.
	End [][]byte
	// Last says that no row follows.
	Last bool
	// Sees tells whether the read saw a transaction (Record.Tx). nil means that nothing was read: the attempt failed in a way that another may not.
	Sees func(tx uint64) bool
	// Postponed says that no row was read because none may be now. The attempt only looks what is visible, so that what the log
	// shows in hours of waiting need not be remembered.
	Postponed bool
	Time      time.Time
}

// Rows are kept as the server sent them, and become cells when they are handed out, in the memory of the batch they go with: cells
// take several times the room, and would have to be made anew for every chunk.
type Rows interface {
	Len() int
	// Read writes the cells of row i, one for each column. It is called once at most for each row. The cells view memory
	// that is not written to again.
	Read(i int, row record.Row) error
}

// Verdict is what became of an attempt.
type Verdict uint8

const (
	// None: the watermark belongs to no attempt under way, or is a low one.
	None Verdict = iota
	// Accepted: Drain hands the rows out.
	Accepted
	// NotVisible: a transaction that the log had shown was not yet visible to the read.
	NotVisible
	// Altered: the table's columns changed between the watermarks.
	Altered
	// Overrun: more keys changed between the watermarks than are remembered.
	Overrun
	// Failed: nothing was read.
	Failed
	// Postponed: nothing may be read now.
	Postponed
)

func (v Verdict) String() string {
	return [...]string{"none", "accepted", "not visible yet", "altered meanwhile", "overrun by changes", "failed", "postponed"}[v]
}

// maxTouched bounds the keys remembered of one window. A window is as long as one chunk's read, so that only a single huge
// transaction passes it.
const maxTouched = 100_000

// Machine weaves chunks into a stream. The one goroutine that reads the log tells it all it sees, in the order of the log;
// it does no I/O. At most two chunks are in memory: one is handed out while the next is read.
type Machine struct {
	tables []*Table
	cursor func(*record.Table, record.Row) [][]byte

	last     uint64
	retries  int
	attempt  *attempt
	accepted *accepted
	// decoded holds the transactions the log has shown that are not yet known to be visible to every later read.
	decoded transactions
}

// attempt is the chunk under way.
type attempt struct {
	id    uint64
	table *Table
	// open is true between the watermarks.
	open bool
	// required are the transactions shown before the low watermark: the chunk must have seen them all.
	required transactions
	// touched holds the keys changed between the watermarks; all stands for every key (the table was emptied).
	touched map[string]struct{}
	all     bool
	redo    Verdict
}

// accepted is a chunk that is being handed out: its rows but those that were touched.
type accepted struct {
	*attempt

	chunk *Chunk
	rows  int
	at    record.Order
	next  int // row
}

// New makes a machine for the tables, which are read one after the other in this order. cursor writes a row's key as Table.Cursor has it.
func New(tables []*Table, cursor func(*record.Table, record.Row) [][]byte) *Machine {
	return &Machine{tables: tables, cursor: cursor, decoded: transactions{}}
}

// Active reports whether there is a table left to read.
func (m *Machine) Active() bool { return m.current() != nil }

func (m *Machine) current() *Table {
	for _, t := range m.tables {
		if !t.Done {
			return t
		}
	}
	return nil
}

// Next returns the next chunk to read, if none is being read and one is left. The source reads it elsewhere, while it hands out
// the chunk before and goes on telling the machine of the log.
func (m *Machine) Next() (Task, bool) {
	if m.attempt != nil {
		return Task{}, false
	}
	t, cursor := m.ahead()
	if t == nil {
		return Task{}, false
	}
	m.last++
	m.retries++
	m.attempt = &attempt{id: m.last, table: t}
	return Task{ID: m.last, Table: t.Name, Cursor: cursor, Attempt: m.retries}, true
}

// ahead is where to read on: behind the chunk that is being handed out.
func (m *Machine) ahead() (*Table, [][]byte) {
	a := m.accepted
	if a != nil && !a.chunk.Last && a.rows > 0 {
		return a.table, a.chunk.End
	}
	for _, t := range m.tables {
		if !t.Done && !(a != nil && a.chunk.Last && t == a.table) {
			return t, t.Cursor
		}
	}
	return nil, nil
}

// Transaction says that the log shows a transaction from here on.
func (m *Machine) Transaction(tx uint64) {
	if m.current() != nil {
		m.decoded.add(tx)
	}
}

// Changed says that the log shows a change of a row. before may be nil, or carry the identity only.
func (m *Machine) Changed(name string, t *record.Table, before, after record.Row) {
	a := m.window(name)
	if a == nil || a.redo != None || a.all {
		return
	}
	columns := identity(t)
	for _, row := range [...]record.Row{before, after} {
		if row == nil {
			continue
		}
		key, ok := appendKey(nil, row, columns)
		if !ok {
			a.repeat(Altered) // a key the log does not carry: which row it was cannot be told
			return
		}
		if a.touched == nil {
			a.touched = map[string]struct{}{}
		}
		if a.touched[string(key)] = struct{}{}; len(a.touched) > maxTouched {
			a.repeat(Overrun)
			return
		}
	}
}

// Truncated says that the log shows the table being emptied.
func (m *Machine) Truncated(name string) {
	if a := m.window(name); a != nil {
		a.all, a.touched = true, nil
	}
}

// AlteredTable says that the log shows the table with other columns than before.
func (m *Machine) AlteredTable(name string) {
	if a := m.window(name); a != nil {
		a.repeat(Altered)
	}
}

func (m *Machine) window(name string) *attempt {
	if a := m.attempt; a != nil && a.open && a.table.Name == name {
		return a
	}
	return nil
}

func (a *attempt) repeat(v Verdict) { a.redo, a.touched = v, nil }

// Low says that the log shows the low watermark of an attempt, in the transaction at the given place.
func (m *Machine) Low(id uint64, at record.Order) {
	a := m.attempt
	if a == nil || a.id != id {
		return
	}
	a.open = true
	a.required, m.decoded = m.decoded, transactions{}
	if a.table.Since == (record.Order{}) {
		a.table.Since = at
	}
}

// High says that the log shows the high watermark of an attempt, in the transaction at the given place. chunk is what it read.
// Unless the verdict is Accepted (or None), Next gives the chunk out again.
func (m *Machine) High(id uint64, at record.Order, chunk *Chunk) Verdict {
	a := m.attempt
	if a == nil || a.id != id || !a.open || chunk == nil || chunk.Task != id {
		return None
	}
	a.open = false
	verdict := a.redo
	if chunk.Sees == nil {
		verdict = Failed
	} else {
		// What this read saw, every later one sees.
		m.decoded.forget(chunk.Sees)
		a.required.forget(chunk.Sees)
		switch {
		case chunk.Postponed:
			verdict, m.retries = Postponed, 0
		case verdict == None && len(a.required) > 0:
			verdict = NotVisible
		}
	}
	m.decoded.addAll(a.required)
	a.required = nil
	m.attempt = nil
	if verdict != None {
		return verdict
	}
	m.accepted = &accepted{attempt: a, chunk: chunk, at: at}
	if chunk.Rows != nil {
		m.accepted.rows = chunk.Rows.Len()
	}
	m.retries = 0
	return Accepted
}

// Draining reports whether an accepted chunk has records to hand out. Nothing of the log after its high watermark may be
// handed out before them.
func (m *Machine) Draining() bool { return m.accepted != nil }

// Drain appends up to so many records, and not many more than so many bytes, of the accepted chunk: its rows, and after the
// last chunk of a table the SnapshotEnd. The tables' state is then that after these records. cells gives memory for a row of so many columns.
func (m *Machine) Drain(dst []record.Record, rows, bytes int, cells func(int) record.Row) ([]record.Record, error) {
	a := m.accepted
	if a == nil {
		return dst, nil
	}
	if a.all {
		a.next = a.rows
	}
	columns := identity(a.chunk.Table)
	var key []byte
	var last record.Row
	for ; a.next < a.rows && rows > 0 && bytes > 0; a.next++ {
		row := cells(len(a.chunk.Table.Columns))
		if err := a.chunk.Rows.Read(a.next, row); err != nil {
			return dst, err
		}
		last = row
		if len(a.touched) > 0 {
			key, _ = appendKey(key[:0], row, columns)
			if _, ok := a.touched[string(key)]; ok {
				continue
			}
		}
		a.at.Minor++
		a.table.Rows++
		dst = append(dst, record.Record{Table: a.chunk.Table, Op: record.Snapshot, After: row, Order: a.at, Time: a.chunk.Time})
		rows--
		bytes -= size(row)
	}
	switch {
	case a.next < a.rows:
		if last != nil {
			a.table.Cursor = m.cursor(a.chunk.Table, last)
		}
		return dst, nil
	case a.rows > 0:
		a.table.Cursor = a.chunk.End
	}
	if a.chunk.Last {
		if rows <= 0 {
			return dst, nil
		}
		a.at.Minor++
		a.table.Done, a.table.Cursor = true, nil
		dst = append(dst, record.Record{Table: a.chunk.Table, Op: record.SnapshotEnd, Order: a.at, Since: a.table.Since, Time: a.chunk.Time})
		if m.current() == nil {
			m.decoded = transactions{}
		}
	}
	m.accepted = nil
	return dst, nil
}
