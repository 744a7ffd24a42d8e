// Package adapters is the contract between truc and one kind of system: how changes are read from it (Source), how they
// are applied to it (Sink), and the errors that carry a decision. An adapter is one folder that exports one value,
// `var Adapter`; it is finished when the suite in adaptertest passes. It knows records, nothing downstream.
package adapters

import (
	"context"
	"log/slog"

	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
)

// Source reads the changes of one system, over one connection and one position, for all pipelines that use it.
//
// The pipeline calls Open once, then Read from one goroutine until it fails or Close is called. Ack is called from another
// goroutine while Read runs. A Source is not reopened after Close: the pipeline builds a new one.
type Source interface {
	// Open connects, checks that the saved position still means what it meant (GapError, DivergenceError) and prepares
	// whatever the start asks for. ctx bounds Open only. An unreachable server is an *UnreachableError.
	Open(ctx context.Context, start Start) error
	// Read blocks until there is at least something to say and returns one batch. Records come in strictly growing Order.
	// It returns ctx.Err() when ctx is done and ErrClosed after Close. The batch's memory is valid until its Release,
	// which may be called from any goroutine and after later Reads.
	Read(ctx context.Context) (record.Batch, error)
	// Ack says that everything up to and including the batch with this position is safely on the bus: the source may
	// forget it. It is never called with a position that was not handed out by this Source or given to Open, nor with an older one than before.
	Ack(ctx context.Context, position []byte) error
	// Close ends Read at once and releases what Open took. It may be called twice, and without Open.
	Close() error
}

// Start tells a Source where to begin.
type Start struct {
	// Position is what the last saved batch carried; nil when there is none: every table is then snapshotted. What changes
	// from then on must not be lost should the source be opened with nil again: either its log is kept from the first Open on
	// (a replication slot), or the first batch carries no records, and the position at which reading began. That is saved
	// before anything else is published.
	Position []byte
	// Opened says that the source was opened before, although no position was saved since: a log that was to be kept from
	// then on and is not there any more is a gap.
	Opened bool
	// Reset allows the source to begin anew although it finds a gap or a divergence (`truc resnapshot` after one): Position
	// is nil then, what is left of the old state (a lost slot) is replaced, and every table is snapshotted.
	Reset bool
	// Floor is the highest order known to be on the topics in this epoch, which may be beyond Position, and without one; zero when
	// unknown. A source that finds itself before it, or has something else in its place, has diverged (a restored backup).
	Floor  record.Order
	Tables []TableStart
}

// TableStart is one table to be read.
type TableStart struct {
	// Table as the configuration names it, "public.khai_sinh".
	Table string
	// Run is the number of the snapshot wanted, from 1. A source whose Position says that this run of the table is done
	// streams only; one that has it half done goes on; otherwise it begins the run. SnapshotEnd closes it.
	Run uint32
}

// Replayer is implemented by a source that cannot promise the same records, order and sequences after it is reopened at
// a position (one that polls). Without it, or when it answers true, the promise stands and the conformance suite holds the source to it.
type Replayer interface{ Replays() bool }

// Describer tells what is there: for `discover`, for checking mappings and for typing them. It works before Open.
type Describer interface {
	// Describe returns the named tables, all of them when none is named. A table that does not exist is a *problem.Problem
	// with code "source.unknown-table" that names those that resemble it.
	Describe(ctx context.Context, tables ...string) ([]TableInfo, error)
}

// TableInfo is a table as described.
type TableInfo struct {
	Table *record.Table
	// Rows is an estimate; -1 when unknown.
	Rows int64
	// IdentityFix is the statement that makes Before carry all columns; empty when it does.
	IdentityFix string
	// Relations are the table's foreign keys, in the order of their names; nil where the technology has none.
	Relations []Relation
}

// Relation is a foreign key: the columns of this table that name a row of another.
type Relation struct {
	Columns []string
	// Table is the other table as the configuration would name it, References its columns, aligned with Columns.
	Table      string
	References []string
}

// Checker is the preflight: what is missing on the server for the tables, each with the statement that mends it.
type Checker interface {
	Check(ctx context.Context, tables []string) (problem.List, error)
}

// GapCode is the code of a finding that is a gap: a resnapshot mends it, for which the node must start. Open answers the same
// with a GapError, unless it is told to begin anew.
const GapCode = "source.gap"

// Fetcher re-reads rows, for cells that the log does not carry.
type Fetcher interface {
	// Begin opens one read view that is not older than the given transactions (Record.Tx): it waits until they are visible.
	Begin(ctx context.Context, after []uint64) (View, error)
}

// View is one consistent read view. It is used from one goroutine.
type View interface {
	// Fetch returns the rows of a table whose columns have one of the given values, as record.Row aligned with the table's
	// current columns, and that table. values[i] is aligned with columns. Rows that no longer exist are simply not returned.
	// The rows are the caller's to keep.
	Fetch(ctx context.Context, table string, columns []string, values []record.Row) (*record.Table, []record.Row, error)
	Close() error
}

// Scanner reads a whole table as it is now, for `truc verify`. It works before Open and beside a running reader.
type Scanner interface {
	// Scan calls fn with the rows of the table in groups, in bounded memory, without a lock and without a long transaction:
	// each group is consistent in itself, the whole need not be. Rows are valid until fn returns.
	Scan(ctx context.Context, table string, fn func(t *record.Table, rows []record.Row) error) error
}

// Terminator ends a predecessor that still holds the source (PostgreSQL: the backend that is active on the slot). It is
// called after the predecessor was fenced off the bus, before Open.
type Terminator interface {
	Terminate(ctx context.Context) error
}

// Retention tells what the source keeps for truc, for status and metrics. It is called at any time before Close. While truc is
// paused the source is not opened: then the server is asked on a connection of its own.
type Retention interface {
	// RetainedBytes is how much log the source holds back because it was not acknowledged; -1 when unknown.
	RetainedBytes(ctx context.Context) (int64, error)
}

// Progresser tells how far the running snapshots are.
type Progresser interface {
	Progress() []Progress
}

// Progress is the state of one table's snapshot. Total is an estimate, -1 when unknown.
type Progress struct {
	Table       string
	Rows, Total int64
	Done        bool
}

// Sink applies changes to one system. One goroutine a pipeline calls it; several pipelines may share a Sink, and read the
// same partitions, each by its own name and from its own offsets.
type Sink interface {
	// Open connects and creates truc's own bookkeeping where it is missing. An unreachable server is an *UnreachableError.
	Open(ctx context.Context) error
	// Offsets returns where a pipeline stands: an entry for each partition, the zero Offset where nothing was applied yet.
	// It is called at every assignment.
	Offsets(ctx context.Context, pipeline string, partitions []TopicPartition) (Offsets, error)
	// Apply writes changes, bookkeeping and offsets in one transaction. The Next of the stored offsets must equal that of from
	// (a partition never seen counts as 0), or nothing is written and ErrOffsetMoved is returned: somebody else owns the partition. to
	// has no partition that from has not; one that only from has is a condition: it must still stand there when the transaction
	// commits, several instances may have it at once, and nothing is written to it. changes may be empty. A change that is not newer than what the bookkeeping knows of
	// its key is skipped. *RejectedError names changes that cannot be applied; then nothing was written and the caller tries again without them.
	// pipeline is the name under which the offsets are kept; it equals Target.Pipeline of every change.
	Apply(ctx context.Context, pipeline string, changes []record.Change, from, to Offsets) error
	// Close may be called twice, and without Open.
	Close() error
}

// TopicPartition names a partition of a topic.
type TopicPartition struct {
	Topic     string
	Partition int32
}

// Offset is where a pipeline stands in a partition.
type Offset struct {
	// Next is the next offset to read.
	Next int64
	// Mark is what the pipeline wants to find again beside it, so that it knows the partition from another of that name. It
	// means nothing to the sink, and is no condition of Apply.
	Mark string
}

// Offsets are where a pipeline stands in its partitions.
type Offsets map[TopicPartition]Offset

// SinkDescriber describes a sink's table, for checking and typing a sink mapping. It works before Open.
type SinkDescriber interface {
	Describe(ctx context.Context, tables ...string) ([]TableInfo, error)
}

// SinkChecker is the preflight of a sink for the targets that will be written.
type SinkChecker interface {
	CheckTargets(ctx context.Context, targets []*record.Target) (problem.List, error)
}

// SinkReader lets `truc verify` read what a sink holds: every row truc wrote, with its bookkeeping.
type SinkReader interface {
	// Rows calls fn for each row of the target's table that truc's bookkeeping knows as live for the pipeline, in no
	// particular order and in bounded memory. A key that the bookkeeping holds and the table does not is reported with
	// found == false and nil cells beyond the key. A row of the table that the bookkeeping does not know is not reported.
	// key and values are aligned with Target.Key and Target.Columns and valid until fn returns.
	Rows(ctx context.Context, target *record.Target, fn func(row SinkRow) error) error
}

// SinkRow is one row as a sink holds it.
type SinkRow struct {
	Key, Values record.Row
	Found       bool
	Source      string
	Generation  uint32
	Sequence    string
}

// Sweeper lets a reconcile delete what an absent sink never heard the deletion of.
type Sweeper interface {
	// LastApply is when the pipeline last applied something; the zero Time when never. Seconds since the Unix epoch.
	LastApply(ctx context.Context, pipeline string) (unix int64, err error)
}

// Env is what an adapter is given besides its own configuration.
type Env struct {
	// Name of the source or sink in the configuration.
	Name string
	// Agency identifier of the node, "H44.15".
	Agency string
	// Dir is the folder against which relative paths of the configuration are meant: that of the file. Empty: the working directory.
	Dir string
	// Pace spares a source; a sink has none.
	Pace Pace
	Log  *slog.Logger
	// Reference gives the standards of the node as tables, for the adapter reference. nil: there are none.
	Reference func() ([]ReferenceTable, error)
}

// ReferenceTable is a table that comes with the program or its configuration.
type ReferenceTable struct {
	// Table has a key. Rows are aligned with its columns, each key once; they are shared and never changed.
	Table *record.Table
	Rows  []record.Row
	// Withdrawn are keys, aligned with Table.Key, of rows that were there by mistake.
	Withdrawn []record.Row
}
