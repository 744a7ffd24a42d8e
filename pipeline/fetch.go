package pipeline

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
)

// fetched is what one read of a partition brought, in memory of its own.
type fetched struct {
	partition adapters.TopicPartition
	records   []bus.Delivered
	// examined is aligned with records, which then lack what is not needed any more; nil where nobody has looked at them.
	examined []examined
	// next is where the partition is read on, beyond markers too.
	next int64
	// behind is how many records the partition has beyond next.
	behind int64
	// size is what the records take of fetchers.room.
	size int64
}

const (
	// fetchRoom bounds the bytes that were fetched and not applied yet, over all partitions. A record with more travels alone.
	fetchRoom = 16 << 20
	// A fetch asks for a fair share of as much, within bounds: a national delivery reads hundreds of partitions at once.
	leastFetch, mostFetch = 64 << 10, 1 << 20
)

// fetchers read partitions ahead of the writer, a bounded piece each, and examine what they have read: while one batch is written,
// the next are made, on as many cores as there are partitions. Nothing is decided there: when the offsets turn out to have moved,
// what was made is dropped with its fetchers.
type fetchers struct {
	out  chan fetched
	room *semaphore.Weighted
	wg   sync.WaitGroup
}

// newFetchers starts one goroutine a partition, each with an examiner of its own; the first error stops them all.
func newFetchers(ctx context.Context, client *kafka.Client, from adapters.Offsets, newExaminer func() *examiner, fail context.CancelCauseFunc) *fetchers {
	f := &fetchers{out: make(chan fetched, 2), room: newFetchRoom()}
	cfg := kafka.ReaderConfig{MaxBytes: min(max(fetchRoom/max(len(from), 1), leastFetch), mostFetch)}
	for tp, at := range from {
		x := newExaminer()
		f.wg.Go(func() {
			r := client.NewReader(kafka.TopicPartition(tp), at.Next, cfg)
			for {
				records, err := r.ReadOn(ctx) // a replay is complete when its offsets are passed, also where the last ones are markers
				if err != nil {
					fail(err)
					return
				}
				size := min(sizeOfDelivered(records), fetchRoom)
				if f.room.Acquire(ctx, size) != nil {
					return
				}
				piece := fetched{partition: tp, next: r.Offset(), behind: max(r.HighWatermark()-r.Offset(), 0), size: size}
				piece.examine(x, records)
				select {
				case f.out <- piece:
				case <-ctx.Done():
					return
				}
			}
		})
	}
	return f
}

// examine makes changes of records, and keeps of these what is needed still: their places and keys, and the headers of those
// that become letters, and of the last.
func (f *fetched) examine(x *examiner, records []bus.Delivered) {
	f.examined = make([]examined, len(records))
	f.records = make([]bus.Delivered, len(records))
	size := 0
	for i := range records {
		size += len(records[i].Key)
	}
	keys := make([]byte, 0, size)
	for i := range records {
		r := records[i]
		f.examined[i].event, f.examined[i].bad = x.examine(&r)
		if r.Key != nil {
			start := len(keys)
			keys = append(keys, r.Key...)
			r.Key = keys[start:len(keys):len(keys)]
		}
		r.Value = nil
		if f.examined[i].bad == nil && i < len(records)-1 {
			r.Headers = nil
		} else {
			r.Headers = cloneDelivered([]bus.Delivered{r})[0].Headers
		}
		f.records[i], f.examined[i].event.key = r, r.Key
	}
}

func (f *fetchers) wait() {
	f.wg.Wait()
}

func newFetchRoom() *semaphore.Weighted { return semaphore.NewWeighted(fetchRoom) }

// done gives back the room of what was applied.
func (f *fetchers) done(size int64) { f.room.Release(size) }

// sizeOfDelivered is what the contents of some records take.
func sizeOfDelivered(in []bus.Delivered) (bytes int64) {
	for i := range in {
		bytes += int64(len(in[i].Key) + len(in[i].Value))
		for _, h := range in[i].Headers {
			bytes += int64(len(h.Value))
		}
	}
	return bytes
}

// cloneDelivered copies records into one piece of memory, because the reader reuses its own at the next read.
func cloneDelivered(in []bus.Delivered) []bus.Delivered {
	headers := 0
	for i := range in {
		headers += len(in[i].Headers)
	}
	arena := make([]byte, 0, sizeOfDelivered(in))
	keep := func(b []byte) []byte {
		if b == nil {
			return nil
		}
		start := len(arena)
		arena = append(arena, b...)
		return arena[start:len(arena):len(arena)]
	}
	slab := make([]bus.Header, 0, headers)
	out := make([]bus.Delivered, len(in))
	for i, d := range in {
		first := len(slab)
		for _, h := range d.Headers {
			slab = append(slab, bus.Header{Key: h.Key, Value: keep(h.Value)})
		}
		d.Key, d.Value, d.Headers = keep(d.Key), keep(d.Value), slab[first:len(slab):len(slab)]
		out[i] = d
	}
	return out
}
