package pipeline

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/record"
)

// modelBus is a Kafka reduced to what recovery depends on: partitions that only grow, producers that a later producer of the
// same id fences off, and answers that can get lost. It outlives the instances (processes) that use it.
type modelBus struct {
	mu     sync.Mutex
	topics map[string][][]bus.Delivered
	epochs map[string]int
	// neverFences takes the mechanism out.
	neverFences bool
}

func newModelBus() *modelBus {
	return &modelBus{topics: map[string][][]bus.Delivered{}, epochs: map[string]int{}}
}

var (
	errCrashed = errors.New("the process is dead")
	errFenced  = &kafka.FencedError{}
)

// instance is the bus as one process sees it, until that process crashes.
type instance struct {
	bus *modelBus
	mu  sync.Mutex
	// crashAfter is how many groups are appended before the process dies; the group at hand is stored or not by storedAtCrash.
	crashAfter    int
	storedAtCrash bool
	dead          bool
	// slow is a topic that takes a while, so that others overtake it.
	slow string
	// beforeFence is called just before this process fences the others off: what they have on its way may still land.
	beforeFence func()
	crashed     chan struct{}
	// queued are groups that were on their way when the process died or was stopped: the network may deliver them later.
	queued []queuedGroup
}

type queuedGroup struct {
	id    string
	epoch int
	tp    kafka.TopicPartition
	msgs  []bus.Message
}

func (b *modelBus) process(crashAfter int, stored bool) *instance {
	return &instance{bus: b, crashAfter: crashAfter, storedAtCrash: stored, crashed: make(chan struct{})}
}

func (i *instance) alive() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.dead {
		return errCrashed
	}
	return nil
}

func (i *instance) EnsureTopics(_ context.Context, specs ...kafka.TopicSpec) error {
	if err := i.alive(); err != nil {
		return err
	}
	i.bus.mu.Lock()
	defer i.bus.mu.Unlock()
	for _, s := range specs {
		if i.bus.topics[s.Name] == nil {
			i.bus.topics[s.Name] = make([][]bus.Delivered, s.Partitions)
		}
	}
	return nil
}

func (i *instance) Describe(_ context.Context, topics ...string) (map[string]kafka.TopicInfo, error) {
	if err := i.alive(); err != nil {
		return nil, err
	}
	i.bus.mu.Lock()
	defer i.bus.mu.Unlock()
	out := map[string]kafka.TopicInfo{}
	for _, t := range topics {
		if parts := i.bus.topics[t]; parts != nil {
			out[t] = kafka.TopicInfo{Name: t, ID: "id-" + t, Partitions: len(parts)}
		}
	}
	return out, nil
}

func (i *instance) Ranges(_ context.Context, tps ...kafka.TopicPartition) (map[kafka.TopicPartition]kafka.Range, error) {
	if err := i.alive(); err != nil {
		return nil, err
	}
	i.bus.mu.Lock()
	defer i.bus.mu.Unlock()
	out := map[kafka.TopicPartition]kafka.Range{}
	for _, tp := range tps {
		out[tp] = kafka.Range{End: int64(len(i.bus.topics[tp.Topic][tp.Partition]))}
	}
	return out, nil
}

func (i *instance) ReadRange(_ context.Context, tp kafka.TopicPartition, from, to int64, fn func(*bus.Delivered) error) error {
	if err := i.alive(); err != nil {
		return err
	}
	i.bus.mu.Lock()
	records := i.bus.topics[tp.Topic][tp.Partition][from:to]
	i.bus.mu.Unlock()
	for n := range records {
		if err := fn(&records[n]); err != nil {
			return err
		}
	}
	return nil
}

func (i *instance) OpenSender(_ context.Context, cfg kafka.SenderConfig) (Sender, error) {
	if err := i.alive(); err != nil {
		return nil, err
	}
	if i.beforeFence != nil && cfg.TransactionalID != "" {
		i.beforeFence()
	}
	i.bus.mu.Lock()
	defer i.bus.mu.Unlock()
	i.bus.epochs[cfg.TransactionalID]++
	return &modelSender{instance: i, id: cfg.TransactionalID, epoch: i.bus.epochs[cfg.TransactionalID], queues: map[kafka.TopicPartition]chan func(){}}, nil
}

// size counts all records.
func (b *modelBus) size() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, parts := range b.topics {
		for _, p := range parts {
			n += len(p)
		}
	}
	return n
}

// append stores a group, unless its producer was fenced off.
func (b *modelBus) append(id string, epoch int, tp kafka.TopicPartition, msgs []bus.Message) (int64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if epoch < b.epochs[id] && !b.neverFences {
		return 0, errFenced
	}
	part := b.topics[tp.Topic][tp.Partition]
	base := int64(len(part))
	for n, m := range msgs {
		d := bus.Delivered{Topic: tp.Topic, Partition: tp.Partition, Offset: base + int64(n), Key: clone(m.Key), Value: clone(m.Value)}
		if m.Shared != nil {
			d.Headers = decodeHeaders(m.Shared)
		}
		for _, h := range m.Headers {
			d.Headers = append(d.Headers, bus.Header{Key: h.Key, Value: clone(h.Value)})
		}
		part = append(part, d)
	}
	b.topics[tp.Topic][tp.Partition] = part
	return base, nil
}

func clone(b []byte) []byte {
	if b == nil {
		return nil
	}
	return append([]byte{}, b...)
}

func decodeHeaders(s *bus.SharedHeaders) []bus.Header {
	out := make([]bus.Header, 0, s.Count)
	in := s.Encoded
	take := func() []byte {
		n, w := binary.Varint(in)
		in = in[w:]
		piece := in[:n]
		in = in[n:]
		return piece
	}
	for range s.Count {
		key := string(take())
		out = append(out, bus.Header{Key: key, Value: clone(take())})
	}
	return out
}

// modelSender has a queue for each partition, as the real one, so that partitions run ahead of each other.
type modelSender struct {
	instance *instance
	id       string
	epoch    int

	mu     sync.Mutex
	queues map[kafka.TopicPartition]chan func()
	err    error
	closed bool
	wg     sync.WaitGroup
}

func (s *modelSender) Produce(_ context.Context, tp kafka.TopicPartition, msgs []bus.Message, done func(int64, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	if err := s.instance.alive(); err != nil {
		return err
	}
	q := s.queues[tp]
	if q == nil {
		q = make(chan func(), 10_000)
		s.queues[tp] = q
		s.wg.Go(func() {
			for run := range q {
				run()
			}
		})
	}
	q <- func() {
		if n := s.instance.bus.size() % 4; n > 0 {
			time.Sleep(time.Duration(n) * 100 * time.Microsecond) // partitions overtake each other
		}
		if tp.Topic == s.instance.slow {
			time.Sleep(3 * time.Millisecond)
		}
		base, err := s.instance.deliver(queuedGroup{s.id, s.epoch, tp, msgs})
		if err != nil {
			s.mu.Lock()
			if s.err == nil {
				s.err = err
			}
			s.mu.Unlock()
		}
		done(base, err)
	}
	return nil
}

// deliver appends a group, or dies before, or dies after.
func (i *instance) deliver(g queuedGroup) (int64, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.dead {
		i.queue(g, 0)
		return 0, errCrashed
	}
	i.crashAfter--
	if i.crashAfter >= 0 {
		return i.bus.append(g.id, g.epoch, g.tp, g.msgs)
	}
	i.dead = true
	close(i.crashed)
	part := 0
	if i.storedAtCrash {
		// A group can travel in several requests, so that a crash leaves any part of it.
		part = (int(g.msgs[0].Key[0]) + i.bus.size()) % (len(g.msgs) + 1)
		_, _ = i.bus.append(g.id, g.epoch, g.tp, g.msgs[:part])
	}
	i.queue(g, part)
	return 0, errCrashed
}

// queue keeps what was on its way when the process died, or not: the zombie decides later.
func (i *instance) queue(g queuedGroup, from int) {
	copied := make([]bus.Message, 0, len(g.msgs))
	for _, m := range g.msgs[from:] {
		m.Key, m.Value = clone(m.Key), clone(m.Value)
		headers := make([]bus.Header, len(m.Headers))
		for h := range m.Headers {
			headers[h] = bus.Header{Key: m.Headers[h].Key, Value: clone(m.Headers[h].Value)}
		}
		m.Headers = headers
		copied = append(copied, m)
	}
	g.msgs = copied
	i.queued = append(i.queued, g)
}

// wake lets what a dead or stopped process had sent arrive now.
func (i *instance) wake() {
	i.mu.Lock()
	queued := i.queued
	i.queued = nil
	i.mu.Unlock()
	for _, g := range queued {
		_, _ = i.bus.append(g.id, g.epoch, g.tp, g.msgs)
	}
}

func (s *modelSender) MessageLimit(string) int { return MaxMessageBytes }

// Flush waits for what is queued now; others may produce meanwhile.
func (s *modelSender) Flush(context.Context) error {
	var reached sync.WaitGroup
	s.mu.Lock()
	if !s.closed {
		for _, q := range s.queues {
			reached.Add(1)
			q <- reached.Done
		}
	}
	s.mu.Unlock()
	reached.Wait()
	return s.Err()
}

func (s *modelSender) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

func (s *modelSender) Close() error {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		if s.err == nil {
			s.err = errors.New("sender is closed")
		}
		for _, q := range s.queues {
			close(q)
		}
	}
	s.mu.Unlock()
	s.wg.Wait()
	return nil
}

// world is a source database whose log is pruned up to what was acknowledged, as a replication slot does.
type world struct {
	mu     sync.Mutex
	table  *record.Table
	log    []record.Record
	pruned int
	// lost is set when a reader asks for what was pruned: something was acknowledged too early.
	lost error
}

func (w *world) open(sizes func() int) adapters.Source { return &worldSource{w: w, sizes: sizes} }

func (w *world) settled() (all bool, lost error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.pruned == len(w.log), w.lost
}

// worldSource reads a world in batches of the sizes it is given.
type worldSource struct {
	w      *world
	sizes  func() int
	next   int
	closed chan struct{}
	once   sync.Once
}

func position(n int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)) }

func (s *worldSource) Open(_ context.Context, start adapters.Start) error {
	s.closed = make(chan struct{})
	if start.Position != nil {
		s.next = int(binary.BigEndian.Uint32(start.Position))
	}
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	if s.next < s.w.pruned {
		s.w.lost = fmt.Errorf("position %d was saved, but the source was told to forget up to %d", s.next, s.w.pruned)
		return s.w.lost
	}
	return nil
}

func (s *worldSource) Read(ctx context.Context) (record.Batch, error) {
	for {
		s.w.mu.Lock()
		n := min(s.sizes(), len(s.w.log)-s.next)
		var records []record.Record
		for _, r := range s.w.log[s.next : s.next+n] {
			r.Before, r.After = r.Before.Clone(), r.After.Clone()
			records = append(records, r)
		}
		s.w.mu.Unlock()
		if n > 0 {
			s.next += n
			return record.Batch{Records: records, Position: position(s.next)}, nil
		}
		select {
		case <-time.After(200 * time.Microsecond):
		case <-ctx.Done():
			return record.Batch{}, ctx.Err()
		case <-s.closed:
			return record.Batch{}, adapters.ErrClosed
		}
	}
}

func (s *worldSource) Ack(_ context.Context, p []byte) error {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	s.w.pruned = max(s.w.pruned, int(binary.BigEndian.Uint32(p)))
	return nil
}

func (s *worldSource) Close() error {
	s.once.Do(func() {
		if s.closed != nil {
			close(s.closed)
		}
	})
	return nil
}
