package postgres

import (
	"sync"

	"github.com/lienthong/truc/record"
)

const (
	// A batch closes at this many records or bytes: enough to pay for what a batch costs, small enough to bound memory and latency,
	// and to lie in a processor's second cache together with what is made of it: 500 rows of usual size do not, and go a tenth slower.
	batchRows  = 200
	batchBytes = 400 << 10

	// A table of a thousand columns closes it earlier, by cells.
	batchCells = 64 << 10

	arenaBlock = 256 << 10
	slabBlock  = 8 << 10
)

// buffer holds the memory of one batch: the messages as they came, the rows that view them, the records that hold the rows.
type buffer struct {
	records []record.Record
	bytes   arena
	cells   slab
	// owns says that the message being decoded lies in memory of its own, which lives as long as the rows that view it.
	owns, large bool // large: the batch has such a row
	// chunks are those of a snapshot whose rows the cells view.
	chunks []*chunkMemory
	done   func()
}

// buffers is a pool of them.
type buffers struct{ pool sync.Pool }

func (p *buffers) get() *buffer {
	if b, ok := p.pool.Get().(*buffer); ok {
		return b
	}
	b := &buffer{}
	b.done = func() {
		b.reset()
		p.pool.Put(b)
	}
	return b
}

// keep gives the rest of a message memory that lasts as long as the batch.
func (b *buffer) keep(message []byte) []byte {
	if b.owns {
		b.bytes.used += len(message)
		b.large = true
		return message
	}
	return b.bytes.copy(message)
}

func (b *buffer) full() bool {
	return len(b.records) >= batchRows || b.bytes.used >= batchBytes || b.cells.used >= batchCells
}

// reset forgets the contents and keeps the memory, except what one very big row needed.
func (b *buffer) reset() {
	clear(b.records)
	b.records = b.records[:0]
	for _, m := range b.chunks {
		m.done()
	}
	clear(b.chunks)
	b.chunks = b.chunks[:0]
	if b.bytes.reset(batchBytes) || b.large {
		b.cells.forget()
		b.large = false
	}
	b.cells.reset()
}

// arena copies messages into blocks that do not move.
type arena struct {
	blocks [][]byte
	at     int // the block being filled
	used   int
}

func (a *arena) copy(b []byte) []byte {
	return append(a.room(len(b)), b...)
}

// room is an empty piece of memory for at most n bytes.
func (a *arena) room(n int) []byte {
	a.used += n
	for ; a.at < len(a.blocks); a.at++ {
		block := a.blocks[a.at]
		if m := len(block); cap(block)-m >= n {
			a.blocks[a.at] = block[:m+n]
			return block[m : m : m+n]
		}
	}
	block := make([]byte, n, max(arenaBlock, n))
	a.blocks = append(a.blocks, block)
	return block[0:0:n]
}

// reset keeps about so many bytes of memory. It reports whether it gave some back, which nobody must point into any more.
func (a *arena) reset(keep int) (gaveBack bool) {
	kept := a.blocks[:0]
	for _, b := range a.blocks {
		if cap(b) == arenaBlock && len(kept) <= keep/arenaBlock {
			kept = append(kept, b[:0])
		}
	}
	gaveBack = len(kept) < len(a.blocks)
	clear(a.blocks[len(kept):])
	a.blocks, a.at, a.used = kept, 0, 0
	return gaveBack
}

// slab hands out rows from blocks that do not move.
type slab struct {
	blocks [][]record.Value
	at     int
	used   int
}

// row returns n cells; what they held before is the caller's to overwrite.
func (s *slab) row(n int) record.Row {
	s.used += n
	for ; s.at < len(s.blocks); s.at++ {
		block := s.blocks[s.at]
		if m := len(block); cap(block)-m >= n {
			s.blocks[s.at] = block[:m+n]
			return record.Row(block[m : m+n : m+n])
		}
	}
	block := make([]record.Value, n, max(slabBlock, n))
	s.blocks = append(s.blocks, block)
	return record.Row(block[0:n:n])
}

// forget clears the cells handed out, so that a pooled buffer does not hold on to a row of 40 MB until its cells are used again.
func (s *slab) forget() {
	for _, block := range s.blocks {
		clear(block)
	}
}

func (s *slab) reset() {
	for i := range s.blocks {
		s.blocks[i] = s.blocks[i][:0]
	}
	s.at, s.used = 0, 0
}
