package registry

import (
	"context"
	"fmt"
)

// Record is one entry of the log. Of the records with one key the last one counts; older ones may vanish. Value nil removes
// the key.
type Record struct {
	Key, Value []byte
	// Place is where the record stands, the one before it somewhere below. Append does not look at it.
	Place int64
}

// Batch is what a log has to tell next. It may hold no record.
type Batch struct {
	Records []Record
	// Next is the place behind the records, End the end of the log as far as it is known.
	Next, End int64
}

// Log is the memory of registries, in one order that all of them see.
type Log interface {
	// Append adds records behind everything that the caller has seen, which is up to after, and returns the place of the
	// first of them. When others have written since, it adds nothing and fails with *MovedError. After any other error the
	// records may be in the log or not, until an Append fails with *MovedError: what is not there by its End never comes.
	Append(ctx context.Context, after int64, records []Record) (first int64, err error)
	// Follow hands the log to see from its beginning, at least one batch at once even if it is empty, until ctx is done or
	// see fails. The records are valid until see returns. What Append put at after itself it may pass over: the caller
	// knows what stands there.
	Follow(ctx context.Context, see func(Batch) error) error
}

// MovedError says that the log holds records that the writer has not seen: everything up to End is to be read first.
type MovedError struct{ End int64 }

func (e *MovedError) Error() string { return fmt.Sprintf("the log goes on to %d", e.End) }
