package pipeline

import (
	"hash/maphash"

	"github.com/lienthong/truc/bus"
)

// rereads knows which rows of a running snapshot are on the topic already, so that they are not published a second time.
//
// Positions are saved at most once a second. After a crash the source reads the rows beyond the last saved one again, between
// new watermarks: the same rows, under new sequences, which the tail cannot tell from new ones. What can is the document: a
// row whose key has, as its latest event on the topic, a snapshot of the very same document says nothing new.
//
// It is filled while recovery scans the tails, and used by the hand-over alone. Its zero value knows nothing.
type rereads struct {
	// epoch is the one it holds events of: those of an older one are there to be published again, a resnapshot was asked for.
	epoch uint32
	// documents holds, by fingerprint of the key, a hash of the document in the latest event, where that is a snapshot.
	documents map[uint64]uint64
}

// maxRereads bounds the rows remembered of one pipeline (about 40 MB when full). A second's worth of the fastest snapshot
// measured is a quarter of it. Rows beyond it are published again.
const maxRereads = 1 << 20

// documentSeed makes the hashes of documents differ from process to process, so that no content can be made to collide.
var documentSeed = maphash.MakeSeed()

// collect makes it remember events of an epoch, and of any higher one it meets.
func (r *rereads) collect(epoch uint32) { *r = rereads{epoch: epoch, documents: map[uint64]uint64{}} }

// waiting reports whether rows are remembered that were not read again yet.
func (r *rereads) waiting() bool { return len(r.documents) > 0 }

// collects reports whether there is anybody to remember for.
func (r *rereads) collects() bool { return r.documents != nil }

// note takes an event of the pipeline into account, in the order of its partition.
func (r *rereads) note(e *bus.Event, key uint64) {
	s, ok := ParseSequence(e.Sequence)
	if ok && s.Epoch > r.epoch {
		r.collect(s.Epoch)
	}
	if !ok || s.Epoch < r.epoch || e.Op != bus.Snapshot || e.Redelivery != "" {
		r.forget(key)
		return
	}
	if _, known := r.documents[key]; known || len(r.documents) < maxRereads {
		r.documents[key] = maphash.Bytes(documentSeed, e.Data)
	}
}

// forget says that something else became the latest record of a key.
func (r *rereads) forget(key uint64) {
	if r.waiting() {
		delete(r.documents, key)
	}
}

// take reports whether the latest event of the key is a snapshot of this document. The row is then read again, or not the
// same any more: either way it is not waited for any longer.
func (r *rereads) take(key uint64, document []byte) bool {
	if !r.waiting() {
		return false
	}
	hash, known := r.documents[key]
	delete(r.documents, key)
	return known && hash == maphash.Bytes(documentSeed, document)
}

// free forgets everything: the snapshot is complete, or this session writes another epoch.
func (r *rereads) free() { *r = rereads{} }
