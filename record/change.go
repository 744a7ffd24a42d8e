package record

// Target says how the changes of one delivery touch one table. It is shared by all its changes and never changed.
type Target struct {
	// Pipeline is the name of the delivery, under which the sink keeps its offsets.
	Pipeline string
	// Table as the configuration names it: "bhyt.tre_em".
	Table string
	Write Write
	// Key names the columns that identify a row, aligned with Change.Key.
	Key []string
	// Columns are written at every upsert, aligned with Change.Values; they do not repeat Key. Columns that are named
	// nowhere are never touched.
	Columns []string
	// OnCreate are written only when the row is inserted, aligned with Change.OnCreate.
	OnCreate []string
	OnDelete OnDelete
	// DeleteSet are the columns written instead of deleting (OnDelete == DeleteSets), aligned with Change.Values of a Delete.
	DeleteSet []string
	// Conflict says what another source's event for a live key does.
	Conflict Conflict
}

// Write is a sink mapping's `write:`.
type Write uint8

const (
	// Upsert inserts or updates by key.
	Upsert Write = iota
	// UpdateOnly never inserts: an event for a key that is not there changes nothing.
	UpdateOnly
	// AppendOnly adds one row for each event (an inbox table); deletions are rows too if OnDelete says so.
	AppendOnly
)

// OnDelete is a sink mapping's `on_delete:`.
type OnDelete uint8

const (
	// DeleteRow removes the row.
	DeleteRow OnDelete = iota
	// DeleteSets updates the columns of Target.DeleteSet.
	DeleteSets
	// DeleteIgnored leaves the row as it is; the bookkeeping knows of the deletion.
	DeleteIgnored
)

// Conflict is a sink mapping's `conflict:`.
type Conflict uint8

const (
	// ConflictRejects refuses the change (the default): it becomes a dead letter.
	ConflictRejects Conflict = iota
	// ConflictReplaces lets the newcomer take the key over.
	ConflictReplaces
	// ConflictIgnores keeps what is there.
	ConflictIgnores
)

// Change is one event as a sink applies it.
type Change struct {
	Target *Target
	// Delete: Values are aligned with Target.DeleteSet. Otherwise with Target.Columns.
	Delete   bool
	Key      Row
	Values   Row
	OnCreate Row
	// Source is the ce_source of the event; sequences compare only within one source.
	Source string
	// Generation counts deliberate replays of a delivery; newer wins on (Generation, Sequence).
	Generation uint32
	// Sequence is fixed-width and byte-wise ordered.
	Sequence string
	// Topic, Partition and Offset are where the event stands, for messages and for the caller's own bookkeeping.
	Topic     string
	Partition int32
	Offset    int64
}
