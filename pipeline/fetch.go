package pipeline

import (
	"context"
	"sync"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
)

// fetched is what one read of a partition brought, in memory of its own.
type fetched struct {
	partition adapters.TopicPartition
	records   []bus.Delivered
	// next is where the partition is read on, beyond markers too.
	next int64
	// behind is how many records the partition has beyond next.
	behind int64
}

// fetchers read partitions ahead of the writer, a bounded piece each.
type fetchers struct {
	out chan fetched
	wg  sync.WaitGroup
}

// newFetchers starts one goroutine a partition; the first error stops them all.
func newFetchers(ctx context.Context, client *kafka.Client, from adapters.Offsets, fail context.CancelCauseFunc) *fetchers {
	f := &fetchers{out: make(chan fetched, 2)}
	for tp, at := range from {
		f.wg.Go(func() {
			r := client.NewReader(kafka.TopicPartition(tp), at.Next, kafka.ReaderConfig{})
			for {
				records, err := r.Read(ctx)
				if err != nil {
					fail(err)
					return
				}
				select {
				case f.out <- fetched{tp, cloneDelivered(records), r.Offset(), max(r.HighWatermark()-r.Offset(), 0)}:
				case <-ctx.Done():
					return
				}
			}
		})
	}
	return f
}

func (f *fetchers) wait() {
	f.wg.Wait()
}

// cloneDelivered copies records into one piece of memory, because the reader reuses its own at the next read.
func cloneDelivered(in []bus.Delivered) []bus.Delivered {
	size, headers := 0, 0
	for i := range in {
		size += len(in[i].Key) + len(in[i].Value)
		headers += len(in[i].Headers)
		for _, h := range in[i].Headers {
			size += len(h.Value)
		}
	}
	arena := make([]byte, 0, size)
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
