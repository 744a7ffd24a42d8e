package pipeline

import (
	"strings"
	"testing"
	"time"

	"github.com/lienthong/truc/adapters/memory"
	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/mapping"
	"github.com/lienthong/truc/record"
)

// update gives a row of ks a name.
func (p *press) update(id int, name string) {
	p.t.Helper()
	if err := p.store.Transact(func(tx *memory.Tx) error {
		return tx.Update("ks", record.Row{record.IntValue(int64(id))}, row(id, name, 0))
	}); err != nil {
		p.t.Fatal(err)
	}
}

// letters are the open letters of the first pipeline.
func (p *press) letters() []OpenLetter {
	p.t.Helper()
	out, err := OpenLetters(p.t.Context(), p.bus.process(0, false), p.first.Topic+bus.DLQSuffix, p.first.Topic, p.first.Name)
	if err != nil {
		p.t.Fatal(err)
	}
	return out
}

func (p *press) request(q Request) {
	p.t.Helper()
	if err := PutRequest(p.t.Context(), p.bus.process(1<<30, false), "H44.15", "hotich", q); err != nil {
		p.t.Fatal(err)
	}
}

// done reports whether no request is open and everything is read.
func (p *press) done(r *Reader) func() bool {
	return func() bool {
		open, err := openRequests(p.t.Context(), p.bus.process(0, false), "H44.15", "hotich")
		return err == nil && len(open) == 0 && p.store.LogLength() == 0 && r.Stats().Recovered.Load() > 0
	}
}

// forgiving makes a mapping that takes rows without a name.
func (p *press) forgiving() {
	p.t.Helper()
	file, problems := mapping.Parse("ks.yaml", []byte(strings.Replace(testMapping, "text(ten)", `or(text(ten), "Chưa đặt tên")`, 1)), nil)
	if problems.Err() != nil {
		p.t.Fatal(problems)
	}
	p.first.Mapping = file
}

// TestRetryIsRefused: the topic holds something newer of the entity, whose letter a crash left open.
func TestRetryIsRefused(t *testing.T) {
	p := newPress(t)
	p.fill("ks", 1)
	p.update(1, "")
	i := p.bus.process(1<<30, false)
	r := p.reader(i, time.Millisecond, p.first)
	p.run(i, r, func() bool { return complete(r, 1)() && len(p.letters()) == 1 })
	open := p.letters()[0]
	p.update(1, "Bình")
	r = p.reader(i, time.Millisecond, p.first)
	p.run(i, r, func() bool { return p.done(r)() && len(p.letters()) == 0 })
	_, before, _ := p.contents(p.first.Topic)

	value, err := open.Letter.encode()
	if err != nil {
		t.Fatal(err)
	}
	dlq := kafka.TopicPartition{Topic: p.first.Topic + bus.DLQSuffix}
	if err := putOne(t.Context(), i, dlq, bus.Message{Key: open.Raw, Value: value, Headers: pipelineHeader(p.first.Name)}); err != nil {
		t.Fatal(err)
	}
	p.request(Request{ID: "1", Retry: p.first.Name})
	r = p.reader(i, time.Millisecond, p.first)
	p.run(i, r, p.done(r))
	if _, events, _ := p.contents(p.first.Topic); events != before {
		t.Errorf("the topic holds %d events more: an older one was published behind a newer one", events-before)
	}
	if n := len(p.letters()); n != 0 {
		t.Errorf("%d letters are open: the entity is on the topic as it is", n)
	}
}

// TestRetryCrashes: wherever a retry is cut off, the row reaches the topic: its letter is closed only then.
func TestRetryCrashes(t *testing.T) {
	for n := range 24 {
		after, stored := n/2, n%2 == 1
		p := newPress(t)
		if err := p.store.Transact(func(tx *memory.Tx) error { return tx.Insert("ks", row(1, "", 0)) }); err != nil {
			t.Fatal(err)
		}
		i := p.bus.process(1<<30, false)
		r := p.reader(i, time.Millisecond, p.first)
		p.run(i, r, func() bool { return complete(r, 1)() && len(p.letters()) == 1 })
		p.forgiving()
		p.request(Request{ID: "1", Retry: p.first.Name})
		i = p.bus.process(after, stored)
		i.slow = p.first.Topic
		r = p.reader(i, time.Millisecond, p.first)
		p.run(i, r, p.done(r))
		i = p.bus.process(1<<30, false)
		r = p.reader(i, time.Millisecond, p.first)
		p.run(i, r, p.done(r))
		if live, events, _ := p.contents(p.first.Topic); len(live) != 1 || events != 1 || len(p.letters()) != 0 {
			t.Errorf("crash after %d groups: %d events, %d letters open; want 1 and 0", after, events, len(p.letters()))
		}
	}
}

// TestRetryPassesTheTail: a retried event has an old sequence, and is published whatever came later.
func TestRetryPassesTheTail(t *testing.T) {
	p := &pipe{tails: make([]tail, 1)}
	p.tails[0].note(&bus.Event{ID: "b", Sequence: strings.Repeat("9", sequenceSize)})
	e := event{pipe: p, sequence: []byte(strings.Repeat("1", sequenceSize)), id: []byte("a"), redelivery: true}
	if e.isPublished() {
		t.Error("a retry was taken for something that is on the topic")
	}
}

// TestRetryKeepsTheSequence: a letter that is tried in a later epoch, and fails again, keeps its place in the old one.
func TestRetryKeepsTheSequence(t *testing.T) {
	p := newPress(t)
	if err := p.store.Transact(func(tx *memory.Tx) error { return tx.Insert("ks", row(1, "", 0)) }); err != nil {
		t.Fatal(err)
	}
	i := p.bus.process(1<<30, false)
	r := p.reader(i, time.Millisecond, p.first, p.other)
	p.run(i, r, func() bool { return complete(r, 2)() && len(p.letters()) == 1 })
	before := p.letters()[0].Letter.Sequence
	p.request(Request{ID: "1", Resnapshot: []string{p.other.Name}})
	r = p.reader(i, time.Millisecond, p.first, p.other)
	p.run(i, r, func() bool { return p.done(r)() && r.Stats().Epoch.Load() == 2 })
	p.request(Request{ID: "2", Retry: p.first.Name})
	r = p.reader(i, time.Millisecond, p.first, p.other)
	p.run(i, r, p.done(r))
	if open := p.letters(); len(open) != 1 || open[0].Letter.Sequence != before {
		t.Errorf("the letter is %+v, want it at %s", open, before)
	}
}
