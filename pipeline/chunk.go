package pipeline

import (
	"sync/atomic"
	"time"

	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/record"
)

// eventKind says what the hand-over does with an event.
type eventKind uint8

const (
	publishEvent eventKind = iota
	letterEvent
	// sweepEvent asks for tombstones over what was last seen before a sequence.
	sweepEvent
	// completeEvent says that a snapshot is: it ends with a sweep.
	completeEvent
)

// event is one thing to be put on the bus, made from a record by one pipeline.
type event struct {
	kind eventKind
	pipe *pipe
	// part indexes session.parts (publishEvent).
	part     int
	sequence []byte
	id       []byte
	key      uint64 // fingerprint of the entity key
	msg      bus.Message
	op       bus.Op
	// reason is why a letter was written.
	reason string
	// redelivery marks a retried letter: it carries an old sequence and is published whatever the tail says.
	redelivery bool
	// before bounds a sweep: keys last seen earlier have vanished.
	before Sequence
}

// chunk is a batch on its way: the unit of translation, of acknowledgement and of the position. Its buffers are reused, so
// that the hot path allocates per chunk and not per row.
type chunk struct {
	// batch is there until it is translated: from then on nothing views the memory of the source.
	batch record.Batch
	// rows counts its records, read is the time of the last one, position where the source resumes behind them.
	rows     int
	read     time.Time
	position []byte
	// completed are the pipelines of which a snapshot ends in it.
	completed []*pipe
	// size is what the batch takes of session.room.
	size   int64
	events []event
	// arena holds the bytes of keys, documents and header values; headers the varying headers of the messages.
	arena   []byte
	headers []bus.Header
	groups  []group
	err     error
	// translated is closed when events is complete or err is set.
	translated chan struct{}
	// pending counts groups that are not acknowledged yet, plus one until the chunk is handed over completely.
	pending atomic.Int32
	// acknowledged is closed when pending falls to zero.
	acknowledged chan struct{}
	// waiting says that behind it there are still rows to be read again (rereads).
	waiting bool
	// marks is where the acknowledged groups ended, one entry per output partition (count 0: nothing written).
	marks []written
}

// group collects the messages of one chunk for one output partition.
type group struct {
	msgs []bus.Message
	// sent counts those that were given to the sender; it reads them where they are.
	sent int
	last []byte
}

// written is the outcome of the last group of a chunk on a partition.
type written struct {
	next int64
	last string
}

func newChunk(parts int) *chunk {
	return &chunk{groups: make([]group, parts), marks: make([]written, parts)}
}

// reset makes a chunk ready for its next batch. Buffers that a single huge row has blown up are dropped, so that one 20 MB
// cell does not stay in memory for ever.
func (c *chunk) reset(b record.Batch) {
	const keep = 1 << 20
	c.batch, c.rows, c.position, c.completed = b, len(b.Records), b.Position, c.completed[:0]
	if c.rows > 0 {
		c.read = b.Records[c.rows-1].Time
	}
	c.events = c.events[:0]
	if cap(c.arena) > keep {
		c.arena = nil
	}
	c.arena = c.arena[:0]
	c.headers = c.headers[:0]
	c.err = nil
	c.translated = make(chan struct{})
	c.acknowledged = make(chan struct{})
	c.pending.Store(1)
	for i := range c.groups {
		clear(c.groups[i].msgs)
		c.groups[i].msgs = c.groups[i].msgs[:0]
		c.groups[i].sent, c.groups[i].last = 0, nil
		c.marks[i] = written{}
	}
}

// release gives the memory of the rows back to the source.
func (c *chunk) release() {
	c.batch.Release()
	c.batch = record.Batch{}
}

// done takes one from pending.
func (c *chunk) done() {
	if c.pending.Add(-1) == 0 {
		close(c.acknowledged)
	}
}
