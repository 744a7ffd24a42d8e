package pipeline

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/adapters/memory"
	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/record"
)

// keyOf is the entity key of a row of ks, as it stands on the topic.
func (p *press) keyOf(id int) []byte {
	p.t.Helper()
	for key := range p.documents(p.first.Topic) {
		if strings.Contains(key, "KS"+strconv.Itoa(id)+`"`) {
			return []byte(key)
		}
	}
	p.t.Fatalf("the topic has no document of row %d", id)
	return nil
}

// askErasure leaves a request to erase an entity.
func (p *press) askErasure(id string, key []byte, deliveries ...string) {
	p.t.Helper()
	p.request(Request{ID: id, Made: time.Now(), Erase: &Erasure{Pipeline: p.first.Name, Key: KeyDigest(p.first.Topic, key), Reason: "Quyết định 12", Deliveries: deliveries}})
}

func (p *press) erasure(id string) *ErasureResult {
	p.t.Helper()
	r, err := FindErasure(p.t.Context(), p.bus.process(0, false), "H44.15", "hotich", id)
	if err != nil || r == nil {
		p.t.Fatalf("result of the erasure: %v, %v", r, err)
	}
	return r
}

// kill ends a process as SIGKILL does: nothing of it arrives any more but what is on its way.
func (i *instance) kill() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.dead {
		i.dead = true
		close(i.crashed)
	}
}

// TestEraseCrashes: wherever an erasure is cut off, and whatever of it arrives late, the entity has one deletion in the end and
// no letter, and nobody else is touched.
func TestEraseCrashes(t *testing.T) {
	for n := range 36 {
		after, stored, late := n/3, n%3 == 1, n%3 == 2
		p := newPress(t)
		p.fill("ks", 3)
		i := p.bus.process(1<<30, false)
		r := p.reader(i, time.Millisecond, p.first)
		p.run(i, r, complete(r, 1))
		key := p.keyOf(2)
		p.update(2, "") // a letter: the topic still has the document before
		r = p.reader(i, time.Millisecond, p.first)
		p.run(i, r, func() bool { return len(p.letters()) == 1 })
		// A delivery of the node could not write it either.
		box := kafka.TopicPartition{Topic: bus.SinkDLQTopic("H44.15", "nhan")}
		if err := errors.Join(i.EnsureTopics(t.Context(), dlqTopic(box.Topic, 1)),
			putOne(t.Context(), i, box, bus.Message{Key: letterKey(p.first.Topic, key), Value: []byte(`{"v":1,"pipeline":"nhan"}`), Headers: pipelineHeader("nhan")}),
			putOne(t.Context(), i, box, bus.Message{Key: letterKey(p.first.Topic, p.keyOf(1)), Value: []byte(`{"v":1,"pipeline":"nhan"}`), Headers: pipelineHeader("nhan")})); err != nil {
			t.Fatal(err)
		}
		p.askErasure("1", key, "nhan", "khac")

		first := p.bus.process(after, stored)
		r = p.reader(first, time.Millisecond, p.first)
		p.run(first, r, p.done(r))
		second := p.bus.process(1<<30, false)
		if late {
			second.beforeFence = first.wake
		}
		r = p.reader(second, time.Millisecond, p.first)
		p.run(second, r, p.done(r))
		first.wake() // what was on its way arrives behind the fence

		live, events, tombstones := p.contents(p.first.Topic)
		if live[string(key)] || len(live) != 2 || events != 4 || tombstones != 1 {
			t.Errorf("crash after %d groups (stored %v, late %v): %d live, %d events, %d deletions; want 2, 4, 1", after, stored, late, len(live), events, tombstones)
		}
		if n := len(p.letters()); n != 0 {
			t.Errorf("crash after %d groups: %d letters are open", after, n)
		}
		if open, err := CountOpenLetters(t.Context(), second, box.Topic, "nhan"); err != nil || open != 1 {
			t.Errorf("crash after %d groups: %d letters of the delivery are open, want that of the other entity: %v", after, open, err)
		}
		if r := p.erasure("1"); !r.Done || !r.Live || r.Documents != 1 || r.Letters != 1 || r.SinkLetters != 1 || r.Reason != "Quyết định 12" {
			t.Errorf("crash after %d groups: %+v", after, r)
		}
	}
}

// TestEraseIsNotUndone: what the source sends again after a crash does not bring the entity back.
func TestEraseIsNotUndone(t *testing.T) {
	p := newPress(t)
	p.fill("ks", 2)
	i := p.bus.process(1<<30, false)
	r := p.reader(i, time.Millisecond, p.first)
	p.run(i, r, complete(r, 1))
	key := p.keyOf(2)
	published := func(documents int64) func() bool {
		return func() bool {
			e, err := FindEntity(t.Context(), p.bus.process(0, false), EntityPlace{Agency: "H44.15", Source: "hotich", Publish: p.first}, KeyDigest(p.first.Topic, key))
			return err == nil && e.Documents == documents
		}
	}
	p.update(2, "Bình")
	i = p.bus.process(1<<30, false)
	enough := published(2)
	p.run(i, p.reader(i, time.Hour, p.first), func() bool {
		if enough() {
			i.kill() // the document is on the topic, no position behind it is saved
		}
		return false
	})
	p.askErasure("1", key)
	i = p.bus.process(1<<30, false)
	r = p.reader(i, time.Millisecond, p.first)
	p.run(i, r, p.done(r))
	if live, events, tombstones := p.contents(p.first.Topic); live[string(key)] || events != 4 || tombstones != 1 {
		t.Errorf("live %v, %d events, %d deletions; want that the document sent again was known", live[string(key)], events, tombstones)
	}
	// The deletion is newer than all before it, and counts for no recovery.
	var newest, deletion Sequence
	for _, part := range p.bus.topics[p.first.Topic] {
		for n := range part {
			e, err := bus.ParseEvent(&part[n])
			if err != nil {
				t.Fatal(err)
			}
			switch s, _ := ParseSequence(e.Sequence); {
			case string(e.Key) != string(key):
			case e.Data == nil && e.Redelivery == "erase" && e.Op == bus.Deleted:
				deletion = s
			case s.Compare(newest) > 0:
				newest = s
			}
		}
	}
	if deletion.Compare(newest) <= 0 {
		t.Errorf("the deletion has sequence %s, the last document %s", deletion, newest)
	}
}

// TestErasedOnce: a change of the row after the erasure is a new document, since the row should have been deleted; and it stays,
// although a crash has left the request open.
func TestErasedOnce(t *testing.T) {
	p := newPress(t)
	p.fill("ks", 2)
	i := p.bus.process(1<<30, false)
	r := p.reader(i, time.Millisecond, p.first)
	p.run(i, r, complete(r, 1))
	key := p.keyOf(2)
	p.askErasure("1", key)
	p.update(2, "Bình")
	i = p.bus.process(1<<30, false)
	p.run(i, p.reader(i, time.Hour, p.first), func() bool {
		if p.deletions() == 1 && p.documents(p.first.Topic)[string(key)] != "" {
			i.kill() // no position behind it is saved, so the request is open
		}
		return false
	})
	if open, err := openRequests(t.Context(), p.bus.process(0, false), "H44.15", "hotich"); err != nil || len(open) != 1 {
		t.Fatalf("open requests: %v, %v", open, err)
	}
	i = p.bus.process(1<<30, false)
	r = p.reader(i, time.Millisecond, p.first)
	p.run(i, r, p.done(r))
	if tombstones := p.deletions(); tombstones != 1 || p.documents(p.first.Topic)[string(key)] == "" {
		t.Errorf("%d deletions: what was done is done again", tombstones)
	}
}

// deletions counts those on the topic, also while a reader works.
func (p *press) deletions() int {
	p.bus.mu.Lock()
	defer p.bus.mu.Unlock()
	_, _, tombstones := p.contents(p.first.Topic)
	return tombstones
}

// TestEraseAgain: an entity whose deletion is on the topic gets no second one.
func TestEraseAgain(t *testing.T) {
	p := newPress(t)
	p.fill("ks", 2)
	i := p.bus.process(1<<30, false)
	r := p.reader(i, time.Millisecond, p.first)
	p.run(i, r, complete(r, 1))
	key := p.keyOf(2)
	p.delete("ks", 2)
	p.askErasure("1", key)
	r = p.reader(i, time.Millisecond, p.first)
	p.run(i, r, p.done(r))
	p.askErasure("2", key)
	p.askErasure("3", []byte("nobody"))
	r = p.reader(i, time.Millisecond, p.first)
	p.run(i, r, p.done(r))
	if live, events, _ := p.contents(p.first.Topic); len(live) != 1 || events > 4 {
		t.Errorf("%d live, %d events", len(live), events)
	}
	_, before, _ := p.contents(p.first.Topic)
	p.askErasure("4", key)
	r = p.reader(i, time.Millisecond, p.first)
	p.run(i, r, p.done(r))
	if _, events, _ := p.contents(p.first.Topic); events != before {
		t.Errorf("%d events more, though its deletion was there", events-before)
	}
	all, err := Erasures(t.Context(), i, "H44.15", "hotich")
	if err != nil || len(all) != 4 || all[3].ID != "4" || all[3].Live || all[2].Documents != 0 || all[1].ShownKey() != KeyHash(p.first.Topic, key) {
		t.Errorf("erasures %+v, %v", all, err)
	}
}

// TestEraseOfOthers: a request about a pipeline that this node does not have is left to one that has it, and one that names no
// entity holds up nothing.
func TestEraseOfOthers(t *testing.T) {
	p := newPress(t)
	p.fill("ks", 1)
	p.request(Request{ID: "1", Erase: &Erasure{Pipeline: "khac", Key: KeyDigest(p.first.Topic, []byte("x"))}})
	p.request(Request{ID: "2", Erase: &Erasure{Pipeline: p.first.Name, Key: "nobody"}})
	i := p.bus.process(1<<30, false)
	r := p.reader(i, time.Millisecond, p.first)
	p.run(i, r, func() bool {
		open, err := openRequests(t.Context(), p.bus.process(0, false), "H44.15", "hotich")
		return err == nil && len(open) == 1 && complete(r, 1)()
	})
	open, err := openRequests(t.Context(), i, "H44.15", "hotich")
	if q, there := open[requestKey("H44.15", "hotich", "1")]; err != nil || !there || q.Format != 2 {
		t.Errorf("open are %+v, %v", open, err)
	}
}

// TestErase: the row goes from the table of a subscriber, and everything else goes on.
func TestErase(t *testing.T) {
	w := newTown(t)
	w.change(func(tx *memory.Tx) error {
		return errors.Join(tx.Insert("ks", row(1, "An", 0)), tx.Insert("ks", row(2, "Bình", 0)), tx.Insert("ks", row(3, "Chi", 0)))
	})
	running(t, w.reader().Run)
	running(t, w.delivery().Run)
	w.arrives("KS1=An", "KS2=Bình", "KS3=Chi")
	key := w.keyOf("KS2")
	at := EntityPlace{Agency: "H44.15", Source: "hotich", Publish: w.publish}
	digest := KeyDigest(w.publish.Topic, key)
	if e, err := FindEntity(t.Context(), KafkaBus{w.client}, at, digest); err != nil || !e.Live() || e.Documents != 1 || string(e.Key) != string(key) {
		t.Fatalf("before: %+v, %v", e, err)
	}
	src := memory.NewSource(w.source, adapters.Env{Name: "hotich", Log: w.log}, memory.Options{})
	defer src.Close()
	if rows, err := FindSourceRows(t.Context(), src, "hotich", w.publish, key); err != nil || rows != (SourceRows{Live: 1}) {
		t.Errorf("rows in the source: %+v, %v", rows, err)
	}
	if err := PutRequest(t.Context(), KafkaBus{w.client}, "H44.15", "hotich", Request{ID: "1", Made: time.Now(), Erase: &Erasure{Pipeline: "khaisinh", Key: digest}}); err != nil {
		t.Fatal(err)
	}
	w.arrives("KS1=An", "KS3=Chi")
	w.change(func(tx *memory.Tx) error {
		return errors.Join(tx.Delete("ks", record.Row{record.IntValue(2)}), tx.Update("ks", record.Row{record.IntValue(1)}, row(1, "An Nhiên", 0)), tx.Insert("ks", row(4, "Dung", 0)))
	})
	w.arrives("KS1=An Nhiên", "KS3=Chi", "KS4=Dung")
	if publish, subscribe := w.verify(); !publish.Equal || !subscribe.Equal {
		t.Errorf("verify: %+v %+v", publish, subscribe)
	}
	if rows, err := FindSourceRows(t.Context(), src, "hotich", w.publish, key); err != nil || rows != (SourceRows{}) {
		t.Errorf("rows in the source after its deletion: %+v, %v", rows, err)
	}
}

// keyOf is the key on the topic that holds a number.
func (w *town) keyOf(so string) (key []byte) {
	w.t.Helper()
	for n := range w.publish.Partitions {
		tp := kafka.TopicPartition{Topic: w.publish.Topic, Partition: int32(n)}
		ranges, err := w.client.Ranges(w.t.Context(), tp)
		if err != nil {
			w.t.Fatal(err)
		}
		if r := ranges[tp]; r.Start < r.End {
			err = w.client.ReadRange(w.t.Context(), tp, r.Start, r.End, func(d *bus.Delivered) error {
				if strings.Contains(string(d.Key), `"`+so+`"`) {
					key = append([]byte{}, d.Key...)
				}
				return nil
			})
		}
		if err != nil {
			w.t.Fatal(err)
		}
	}
	return key
}
