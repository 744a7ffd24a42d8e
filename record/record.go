// Package record is what an adapter sees and says: tables, rows, changes and batches of changes.
//
//	source adapter → Batch of Records (rows of a Table) → mapping → document → bus
//	bus → document → mapping → Changes (rows of a Target) → sink adapter
//
// It imports nothing of truc. Everything here is shaped so that the hot path allocates per table, never per cell:
// rows are slices aligned with a shared Table, a Value is a small struct with a view of bytes.
package record

import (
	"cmp"
	"fmt"
	"time"
)

// Table describes one version of a table. It is shared by all rows of that version and never changed after it is
// handed out: a table that was altered is a new *Table with a higher Version.
type Table struct {
	Schema, Name string
	Columns      []Column
	// Key holds the indexes into Columns of the primary key (or of the unique index that stands for it), in key order.
	// Empty when the table has none.
	Key []int
	// Identity holds the indexes of the columns that Before carries in an update that changes the key and in a delete;
	// nil means all columns (PostgreSQL: REPLICA IDENTITY FULL, and every trigger-based source).
	Identity []int
	// Version grows by one each time the columns change while a source is open. The first is 1.
	Version uint64
}

// String gives the name under which configuration and messages know the table: "public.khai_sinh", or "khai_sinh"
// where the technology has no schemas.
func (t *Table) String() string {
	if t.Schema == "" {
		return t.Name
	}
	return t.Schema + "." + t.Name
}

// Index returns the place of a column, or -1.
func (t *Table) Index(column string) int {
	for i := range t.Columns {
		if t.Columns[i].Name == column {
			return i
		}
	}
	return -1
}

// Carried reports whether Before of a delete or key change carries column i.
func (t *Table) Carried(i int) bool {
	if t.Identity == nil {
		return true
	}
	for _, c := range t.Identity {
		if c == i {
			return true
		}
	}
	return false
}

// Column is one column of a Table.
type Column struct {
	Name string
	// Kind is the kind of every non-null Value in this column. AnyKind where the technology types cells, not columns (SQLite).
	Kind Kind
	// Type is the native name, for messages and for a sink's own conversions: "character varying(50)".
	Type     string
	Nullable bool
}

// Row is aligned with Table.Columns (in a Record), or with the column lists of a Target (in a Change).
type Row []Value

// Op is what happened to a row.
type Op uint8

const (
	// Create, Update and Delete come from the log.
	Create Op = iota + 1
	Update
	Delete
	// Snapshot is a row as read from the table, at the place in the log from which it holds.
	Snapshot
	// SnapshotEnd says that every row of the table has been read since Record.Since: whatever key was last seen before
	// that no longer exists. It carries no row.
	SnapshotEnd
	// Truncate says that at this place the table was emptied. It carries no row.
	Truncate
)

func (o Op) String() string {
	switch o {
	case Create:
		return "create"
	case Update:
		return "update"
	case Delete:
		return "delete"
	case Snapshot:
		return "snapshot"
	case SnapshotEnd:
		return "snapshot-end"
	case Truncate:
		return "truncate"
	}
	return fmt.Sprintf("op(%d)", uint8(o))
}

// Order is the place of a change in its source within one epoch: strictly growing over the records of a source, the same
// whenever the same change is read again. For a log, Major is the commit position of the transaction (PostgreSQL: commit
// LSN; SQLite: number of the change) and Minor the index in the transaction, counting every row message received.
type Order struct {
	Major uint64
	Minor uint32
}

// Compare orders as cmp.Compare does.
func (o Order) Compare(p Order) int {
	if c := cmp.Compare(o.Major, p.Major); c != 0 {
		return c
	}
	return cmp.Compare(o.Minor, p.Minor)
}

// Record is a row change as the adapter saw it.
type Record struct {
	Table *Table
	Op    Op
	// Before is nil when the source does not carry the old row. Where it carries only part of it, the other cells are Unchanged.
	Before Row
	// After is nil for Delete, SnapshotEnd and Truncate. A cell the log does not carry (PostgreSQL: unchanged TOAST) is Unchanged.
	After Row
	Order Order
	// Since is set in SnapshotEnd only: the place in the log at which this run of the snapshot began.
	Since Order
	// Tx is the source's transaction number, for Fetcher; 0 where there is none.
	Tx uint64
	// Time is when the change was committed (Snapshot: when the row was read).
	Time time.Time
}

// Batch is what one Read of a source yields. A batch may end inside a transaction, so that memory stays bounded whatever
// the size of the transaction. A batch without records moves the position only (heartbeat).
type Batch struct {
	Records []Record
	// Position is opaque to everybody but the adapter: resume after this whole batch. Never nil. It stays valid after Release.
	Position []byte
	// Done is called by Release; nil is allowed. After it, the memory behind every Row and Value of the batch may be reused.
	Done func()
}

// Release gives the memory of the batch back to the source. Call it once.
func (b Batch) Release() {
	if b.Done != nil {
		b.Done()
	}
}
