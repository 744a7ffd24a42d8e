// Package mapping reads, type-checks and runs the files that say how the rows of one system become documents of a
// dataset (a source mapping), and how documents become rows (a sink mapping).
//
//	Parse(file)  → *File, or every fault with line and column
//	CompileSource(File, Table, Dataset) → SourcePlan → Translator: row → document
//	CompileSink(File, Dataset, Table)   → SinkPlan → SinkTranslator: event → record.Change
//
// Expressions are CEL. Each is parsed by CEL's own parser and lowered to plan nodes (columns, literals, comparisons,
// logic, truc's functions) that work on cells and append to buffers; what no node covers is checked and run by CEL, with
// the parts that nodes do cover handed in as variables. The tests hold the two to the same results.
package mapping

import (
	"time"

	"github.com/lienthong/truc/schemas"
)

// MaxDocument is how many bytes a published document may have: what a topic of truc takes in one record (4 MiB), less room
// for its key and headers. A text that is larger by itself is a violation of its field, schemas.RuleOversize.
const MaxDocument = 4<<20 - 64<<10

// Env is what a mapping is compiled in.
type Env struct {
	// Set holds the datasets and code lists.
	Set *schemas.Set
	// Agency is the identifier of the node, "H44.15".
	Agency string
	// Now is the clock; nil is time.Now. Nothing in this version of the language reads it.
	Now func() time.Time
	// IdentityFix is the statement that makes deletes carry every column (adapters.TableInfo), for the problem "key needs
	// columns that deletes do not carry".
	IdentityFix string
	// Pseudonyms are the keys of pseudonym(x, "name") by name, of MinPseudonymKey bytes at least. They appear in no message.
	Pseudonyms map[string][]byte
}

// Verdict says what becomes of a row or an event before it is translated.
type Verdict uint8

const (
	// Live rows become documents; live events become upserts.
	Live Verdict = iota
	// Filtered rows fail `only`: they are deletes for whoever saw them before.
	Filtered
	// Gone rows are softly deleted (`deleted`); gone events are deletions.
	Gone
	// Unknown: a cell that decides is Unchanged; the row must be completed first.
	Unknown
)

func (v Verdict) String() string {
	switch v {
	case Live:
		return "live"
	case Filtered:
		return "filtered"
	case Gone:
		return "gone"
	default:
		return "unknown"
	}
}

// Remark is something worth telling about a document that is valid. It never holds a value.
type Remark struct {
	// Pointer is the JSON pointer of the property.
	Pointer string
	// Group is one of the eight error groups: missing, outlier, duplicate, format, reference, contradiction, stale, national.
	Group string
	// Rule is a short, stable word: "default", "truncated".
	Rule string
}

// EventView is what a sink mapping can know of an event besides its document.
type EventView struct {
	// ID, Agency, Sequence and Dataset are ce_id, the agency identifier of ce_source, ce_sequence and "hotich.khaisinh.v1".
	ID, Agency, Sequence, Dataset string
	// Op is "created", "updated", "deleted" or "snapshot".
	Op string
	// Time is ce_time.
	Time time.Time
	// Key is the entity key as the source mapping wrote it (see AppendKey); deletions are applied by it.
	Key []byte
}
