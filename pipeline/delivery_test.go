package pipeline

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/adapters/memory"
	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/record"
)

// uniqueNames makes the sink refuse two rows of one name.
func (w *town) uniqueNames() {
	w.sink = memory.NewStore()
	w.sink.Define(memory.TableSpec{Table: sinkTable, Unique: [][]string{{"ho_ten"}}})
}

// put appends records to a partition, as any producer can.
func (w *town) put(tp kafka.TopicPartition, msgs ...bus.Message) {
	w.t.Helper()
	s, err := w.client.OpenSender(w.t.Context(), kafka.SenderConfig{Unfenced: true, Partitions: []kafka.TopicPartition{tp}})
	if err != nil {
		w.t.Fatal(err)
	}
	defer s.Close()
	if err := produceAndWait(w.t.Context(), s, tp, msgs); err != nil {
		w.t.Fatal(err)
	}
}

// stored is where the sink says the delivery stands on a partition.
func (w *town) stored(partition int32) int64 {
	w.t.Helper()
	tp := adapters.TopicPartition{Topic: w.publish.Topic, Partition: partition}
	sink := memory.NewSink(w.sink, adapters.Env{Name: "bhyt", Log: w.log})
	offsets, err := sink.Offsets(w.t.Context(), "tre_em", []adapters.TopicPartition{tp})
	if err != nil {
		w.t.Fatal(err)
	}
	return offsets[tp].Next
}

func (w *town) sinkLetters() []OpenLetter {
	w.t.Helper()
	letters, err := OpenLetters(w.t.Context(), KafkaBus{w.client}, bus.SinkDLQTopic("H26", "tre_em"), w.publish.Topic, "tre_em")
	if err != nil {
		w.t.Fatal(err)
	}
	return letters
}

// eventHeaders are those of an event of some source.
func eventHeaders(source, kind, sequence string) []bus.Header {
	return []bus.Header{
		{Key: bus.HeaderSpecVersion, Value: []byte("1.0")},
		{Key: bus.HeaderID, Value: []byte("x")},
		{Key: bus.HeaderSource, Value: []byte(source)},
		{Key: bus.HeaderType, Value: []byte(kind)},
		{Key: bus.HeaderSequence, Value: []byte(sequence)},
		{Key: bus.HeaderTime, Value: []byte("yesterday")},
	}
}

// TestPoisonedTopic: whatever somebody else puts on a topic becomes a letter, touches no row, and holds nothing up. Neither
// does it disturb the publisher's recovery.
func TestPoisonedTopic(t *testing.T) {
	w := newTown(t)
	w.change(func(tx *memory.Tx) error { return tx.Insert("ks", row(1, "An", 0)) })
	stop := running(t, w.reader().Run)
	d := w.delivery()
	running(t, d.Run)
	w.arrives("KS1=An")
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	key := []byte(`["KS1","2026","H44.15"]`)
	tp := kafka.TopicPartition{Topic: w.publish.Topic, Partition: kafka.PartitionFor(key, 3)}
	high := strings.Repeat("f", sequenceSize)
	kind := w.publish.Dataset.ID() + ".deleted"
	own := bus.SourceName("H44.15", "hotich", "khaisinh")
	poison := []bus.Message{
		{},
		{Key: []byte("k1"), Value: []byte("{"), Headers: []bus.Header{{Key: "ce_id"}, {Key: "ce_id", Value: []byte{0xff}}, {Key: ""}}},
		{Key: []byte("k2"), Headers: eventHeaders(own, kind, "12")},
		{Key: []byte("k3"), Headers: eventHeaders(own, "khac.v1.deleted", high)},
		{Key: key, Headers: eventHeaders("/agencies/H26/hotich/khaisinh", kind, high)},
		{Key: []byte("k5"), Value: []byte(`{"so":`), Headers: eventHeaders(own+"2", w.publish.Dataset.ID()+".created", high)},
		{Key: []byte("k6"), Value: []byte{}, Headers: eventHeaders(own+"2", w.publish.Dataset.ID()+".created", high)},
	}
	w.put(tp, poison...)
	w.eventually("every one of them has a letter", func() bool { return len(w.sinkLetters()) == len(poison) })
	for _, l := range w.sinkLetters() {
		for _, v := range l.Letter.Violations {
			if strings.Contains(v.EN, high) || strings.Contains(v.EN, "yesterday") {
				t.Errorf("a letter repeats what it was given: %s", v.EN)
			}
		}
	}
	w.change(func(tx *memory.Tx) error { return tx.Update("ks", record.Row{record.IntValue(1)}, row(1, "Bình", 0)) })
	r := w.reader()
	running(t, r.Run)
	w.arrives("KS1=Bình")
	if e := r.Stats().Epoch.Load(); e != 1 {
		t.Errorf("somebody else's sequences raised the epoch to %d", e)
	}
}

// TestParkedHoldTheOffset: the stored offset stays behind a change that waits for another, so that a crash brings it back; it
// is healed by the other, or becomes a letter before the offset passes.
func TestParkedHoldTheOffset(t *testing.T) {
	w := newTown(t)
	w.publish = testPublish(t, 1)
	w.uniqueNames()
	w.change(func(tx *memory.Tx) error {
		return errors.Join(tx.Insert("ks", row(1, "An", 0)), tx.Insert("ks", row(2, "Bình", 0)))
	})
	running(t, w.reader().Run)
	d := w.delivery()
	stop := running(t, d.Run)
	w.arrives("KS1=An", "KS2=Bình")
	w.eventually("the offset is stored", func() bool { return w.stored(0) > 0 })
	before := w.stored(0)

	w.change(func(tx *memory.Tx) error { return tx.Update("ks", record.Row{record.IntValue(2)}, row(2, "An", 0)) })
	w.eventually("a change is parked", func() bool { return d.Stats().Parked.Load() == 1 })
	w.change(func(tx *memory.Tx) error { return tx.Insert("ks", row(3, "Chi", 0)) })
	w.arrives("KS1=An", "KS2=Bình", "KS3=Chi")
	if at := w.stored(0); at != before {
		t.Fatalf("offset %d is stored, beyond the parked change at %d", at, before)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	d = w.delivery()
	stop = running(t, d.Run)
	w.eventually("the change is parked again after a restart", func() bool { return d.Stats().Parked.Load() == 1 })
	w.change(func(tx *memory.Tx) error { return tx.Update("ks", record.Row{record.IntValue(1)}, row(1, "Dũng", 0)) })
	w.arrives("KS1=Dũng", "KS2=An", "KS3=Chi")
	w.eventually("the offset moves on", func() bool { return d.Stats().Parked.Load() == 0 && w.stored(0) == before+3 })
	if err := stop(); err != nil {
		t.Fatal(err)
	}

	w.change(func(tx *memory.Tx) error { return tx.Update("ks", record.Row{record.IntValue(3)}, row(3, "An", 0)) })
	d = w.delivery()
	d.cfg.ParkFor = time.Millisecond
	running(t, d.Run)
	w.eventually("what waited too long has a letter", func() bool { return len(w.sinkLetters()) == 1 })
	if l := w.sinkLetters()[0].Letter; l.Reason != "unique" || l.Offset != before+3 {
		t.Errorf("the letter is %+v", l)
	}
	w.eventually("the offset passes", func() bool { return w.stored(0) == before+4 })
	w.change(func(tx *memory.Tx) error { return tx.Update("ks", record.Row{record.IntValue(3)}, row(3, "Chi An", 0)) })
	w.arrives("KS1=Dũng", "KS2=An", "KS3=Chi An")
	w.eventually("a later version closes it", func() bool { return len(w.sinkLetters()) == 0 })
}

// lostLetters is a sender that cannot write, and says so at once or, as a broker does, in its answer.
type lostLetters struct {
	Sender
	answers bool
}

var errLost = errors.New("no letter can be written")

func (l lostLetters) Produce(_ context.Context, _ kafka.TopicPartition, _ []bus.Message, done func(int64, error)) error {
	if l.answers {
		go done(0, errLost)
		return nil
	}
	return errLost
}
func (lostLetters) MessageLimit(string) int { return MaxMessageBytes }

// newWriter is a writer of a delivery at the beginning of a topic with one partition.
func (w *town) newWriter(d *Delivery) *writer {
	tp := adapters.TopicPartition{Topic: w.publish.Topic}
	return &writer{
		d: d, sink: memory.NewSink(w.sink, adapters.Env{Name: "bhyt", Log: w.log}), letters: newSinkLetters(d), ex: d.newExaminer(0),
		generation: generation{number: d.cfg.Generation},
		state:      &sinkState{committed: adapters.Offsets{tp: {}}, read: adapters.Offsets{tp: {}}},
	}
}

// TestOffsetWaitsForTheLetter: while a letter cannot be written, the offset does not pass its event.
func TestOffsetWaitsForTheLetter(t *testing.T) {
	w := newTown(t)
	for _, answers := range []bool{false, true} {
		d := w.delivery()
		d.stats.setParts(1)
		wr := w.newWriter(d)
		wr.letters.sender = lostLetters{answers: answers}
		f := &fetchers{out: make(chan fetched), room: newFetchRoom()}
		tp := adapters.TopicPartition{Topic: w.publish.Topic}
		err := wr.take(t.Context(), fetched{partition: tp, records: []bus.Delivered{{Topic: tp.Topic}}, next: 1}, f)
		if !errors.Is(err, errLost) || w.stored(0) != 0 {
			t.Errorf("got %v, offset %d", err, w.stored(0))
		}
	}
}

// TestBatchesAreBoundedInBytes: a batch ends by bytes too, and what is fetched and not applied yet is bounded over all partitions.
func TestBatchesAreBoundedInBytes(t *testing.T) {
	w := newTown(t)
	d := w.delivery()
	d.stats.setParts(1)
	wr := w.newWriter(d)
	tp := adapters.TopicPartition{Topic: w.publish.Topic}
	f := &fetchers{out: make(chan fetched, 3), room: newFetchRoom()}
	for n := range int64(3) {
		if err := f.room.Acquire(t.Context(), maxApplyBytes/2); err != nil {
			t.Fatal(err)
		}
		f.out <- fetched{partition: tp, next: n + 1, size: maxApplyBytes / 2}
	}
	if err := wr.take(t.Context(), <-f.out, f); err != nil {
		t.Fatal(err)
	}
	if len(f.out) != 1 || wr.state.committed[tp].Next != 2 {
		t.Errorf("a batch took %d of 3 fetches of half a batch's bytes, want 2", 3-len(f.out))
	}

	topic := kafka.TopicSpec{Name: "large", Partitions: 3, MaxMessageBytes: 2 << 20}
	if err := w.client.EnsureTopics(t.Context(), topic); err != nil {
		t.Fatal(err)
	}
	const each = 12
	from := adapters.Offsets{}
	for p := range int32(3) {
		for range each {
			w.put(kafka.TopicPartition{Topic: topic.Name, Partition: p}, bus.Message{Key: []byte("k"), Value: make([]byte, 1<<20)})
		}
		from[adapters.TopicPartition{Topic: topic.Name, Partition: p}] = adapters.Offset{}
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	f = newFetchers(ctx, w.client, from, func() *examiner { return d.newExaminer(0) }, cancel)
	defer f.wait()
	defer cancel(nil)
	held, records := int64(0), 0
	take := func(patience time.Duration) bool {
		select {
		case next := <-f.out:
			held += next.size
			records += len(next.records)
			return true
		case <-time.After(patience):
			return false
		}
	}
	// What must come is waited for, however slow the machine; what must not come gets a short chance.
	for held < fetchRoom/2 && take(20*time.Second) {
	}
	for take(300 * time.Millisecond) {
	}
	if held > fetchRoom || held < fetchRoom/2 {
		t.Errorf("%d bytes were fetched that nobody has applied, want at most %d", held, fetchRoom)
	}
	for records < 3*each {
		f.done(held)
		held = 0
		if !take(20 * time.Second) {
			t.Fatalf("%d of %d records came", records, 3*each)
		}
	}
	f.done(held)
}

// TestParkedAreBoundedInBytes: few large changes fill the room as many small ones do, and they keep nothing but themselves.
func TestParkedAreBoundedInBytes(t *testing.T) {
	var w writer
	fetch := make([]byte, maxParkedBytes/2+1)
	large := delivery{key: fetch[:1:1], change: record.Change{Values: record.Row{record.BytesOf(record.Text, fetch)}}}
	if !w.park(&large) || w.park(&large) {
		t.Errorf("%d changes of half the room are parked, want 1", len(w.parked))
	}
	fetch[0] = 'x'
	if w.parked[0].change.Values[0].Bytes[0] == 'x' || w.parked[0].key[0] == 'x' {
		t.Error("a parked change shares memory with the fetch it came with")
	}
}

// TestLetterIsClosedInARebalance: the change is committed and will not come again, so its letter is closed although the
// partition is taken away just then.
func TestLetterIsClosedInARebalance(t *testing.T) {
	w := newTown(t)
	d := w.delivery()
	letters := newSinkLetters(d)
	defer letters.close()
	if err := letters.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	change := record.Change{Topic: w.publish.Topic, Target: d.target}
	if err := letters.rejected(t.Context(), &change, []byte("k"), "unique", errLost); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := letters.resolve(ctx, []delivery{{change: change, key: []byte("k")}}); err != nil {
		t.Fatal(err)
	}
	if open := w.sinkLetters(); len(open) != 0 || d.Stats().Open.Load() != 0 {
		t.Errorf("%d letters are open", len(open))
	}
}

// TestLetterOutlivesAnOlderEvent: of two events of an entity that come in one batch the later one is refused. That the earlier one
// is applied, or one that was parked long before, says nothing about the later one: its letter stays until something newer comes.
func TestLetterOutlivesAnOlderEvent(t *testing.T) {
	w := newTown(t)
	w.publish = testPublish(t, 1)
	w.change(func(tx *memory.Tx) error { return tx.Insert("ks", row(1, "An", 0)) })
	running(t, w.reader().Run)
	var event []bus.Delivered
	w.eventually("the event is on its topic", func() bool {
		ranges, err := w.client.Ranges(t.Context(), kafka.TopicPartition{Topic: w.publish.Topic})
		if err != nil {
			return false
		}
		for tp, r := range ranges {
			err = KafkaBus{w.client}.ReadRange(t.Context(), tp, r.Start, r.End, func(d *bus.Delivered) error {
				event = cloneDelivered([]bus.Delivered{*d})
				return nil
			})
		}
		return err == nil && len(event) == 1
	})
	later := func(by int64, headers []bus.Header) bus.Delivered {
		r := event[0]
		r.Offset += by
		r.Headers = headers
		return r
	}
	wr := w.newWriter(w.delivery())
	if err := wr.letters.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer wr.letters.close()
	translated := func(records ...bus.Delivered) []delivery {
		events, err := wr.translate(t.Context(), fetched{records: records}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return events
	}
	expect := func(step string, err error, open int) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if letters := w.sinkLetters(); len(letters) != open {
			t.Errorf("%s: %d letters are open, want %d", step, len(letters), open)
		}
	}
	if !wr.park(&translated(later(2, event[0].Headers))[0]) {
		t.Fatal("nothing is parked")
	}
	batch := translated(event[0], later(3, nil)) // a record without headers is no event
	expect("applied before it in its batch", wr.apply(t.Context(), batch), 1)
	expect("parked before it", wr.retryParked(t.Context()), 1)
	expect("itself, tried again", wr.apply(t.Context(), translated(later(3, event[0].Headers))), 0)
	if len(wr.letters.opened) != 0 {
		t.Error("what is done is not forgotten")
	}
}

// TestChangesCarryTheirPlace: generation, source, sequence and offset are what newer-wins and messages go by.
func TestChangesCarryTheirPlace(t *testing.T) {
	w := newTown(t)
	d := w.delivery()
	d.cfg.Generation = 7
	source, sequence := bus.SourceName("H44.15", "hotich", "khaisinh"), strings.Repeat("1", sequenceSize)
	r := bus.Delivered{
		Topic: w.publish.Topic, Partition: 2, Offset: 9, Key: []byte(`["KS1","2026","H44.15"]`),
		Headers: eventHeaders(source, w.publish.Dataset.ID()+".deleted", sequence),
	}
	events, err := w.newWriter(d).translate(t.Context(), fetched{records: []bus.Delivered{r}}, nil)
	if err != nil || len(events) != 1 {
		t.Fatalf("%d changes, %v", len(events), err)
	}
	c := events[0].change
	if c.Generation != 7 || c.Source != source || c.Sequence != sequence || c.Topic != r.Topic || c.Partition != 2 || c.Offset != 9 || !c.Delete {
		t.Errorf("the change is %+v", c)
	}
}

// TestDeliveryGap: a topic that ends before what the sink has read from it stops the delivery by name; a reconcile mends it.
func TestDeliveryGap(t *testing.T) {
	w := newTown(t)
	w.change(func(tx *memory.Tx) error { return tx.Insert("ks", row(1, "An", 0)) })
	running(t, w.reader().Run)
	stop := running(t, w.delivery().Run)
	w.arrives("KS1=An")
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	tp := adapters.TopicPartition{Topic: w.publish.Topic, Partition: 1}
	sink := memory.NewSink(w.sink, adapters.Env{Name: "bhyt", Log: w.log})
	if err := sink.Apply(t.Context(), "tre_em", nil, adapters.Offsets{tp: {Next: w.stored(1)}}, adapters.Offsets{tp: {Next: 999}}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var gap *DeliveryGapError
	if err := w.delivery().Run(ctx); !errors.As(err, &gap) || gap.Partition != 1 {
		t.Fatalf("got %v, want a gap at partition 1", err)
	}
	if err := PutRequest(t.Context(), KafkaBus{w.client}, "H26", DeliveryRequests("tre_em"), Request{ID: "1", Reconcile: true}); err != nil {
		t.Fatal(err)
	}
	running(t, w.delivery().Run)
	w.change(func(tx *memory.Tx) error { return tx.Insert("ks", row(2, "Bình", 0)) })
	w.arrives("KS1=An", "KS2=Bình")
	w.eventually("the offset is one of the topic", func() bool { return w.stored(1) < 999 })
}

// TestReconcileNeedsAllPartitions: what stands on the partitions of another instance would be taken for gone.
func TestReconcileNeedsAllPartitions(t *testing.T) {
	w := newTown(t)
	w.change(func(tx *memory.Tx) error { return tx.Insert("ks", row(1, "An", 0)) })
	running(t, w.reader().Run)
	d := w.delivery()
	stop := running(t, d.Run)
	w.arrives("KS1=An")
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	wr := w.newWriter(d) // has one of three
	ranges, err := w.client.Ranges(t.Context(), kafka.TopicPartition{Topic: w.publish.Topic})
	if err != nil {
		t.Fatal(err)
	}
	wr.state.ranges = ranges
	wr.state.committed[adapters.TopicPartition{Topic: w.publish.Topic}] = adapters.Offset{Next: w.stored(0)}
	if err := wr.reconcileAll(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "1 of the 3 partitions") {
		t.Errorf("got %v, want a refusal", err)
	}
	w.arrives("KS1=An")
}

// appliesCounted counts what is applied without any change.
type appliesCounted struct {
	adapters.Sink
	empty *atomic.Int64
}

func (a appliesCounted) Apply(ctx context.Context, pipeline string, changes []record.Change, from, to adapters.Offsets) error {
	if len(changes) == 0 {
		a.empty.Add(1)
	}
	return a.Sink.Apply(ctx, pipeline, changes, from, to)
}

// TestQuietDeliveryIsThere: a delivery without events tells its sink now and then that it is there; a sink that heard nothing
// for half of a tombstone's life would have to read everything again.
func TestQuietDeliveryIsThere(t *testing.T) {
	w := newTown(t)
	w.change(func(tx *memory.Tx) error { return tx.Insert("ks", row(1, "An", 0)) })
	running(t, w.reader().Run)
	var empty atomic.Int64
	cfg := w.delivery().cfg
	cfg.TouchEvery = 10 * time.Millisecond
	open := cfg.Open
	cfg.Open = func() (adapters.Sink, error) {
		sink, err := open()
		return appliesCounted{sink, &empty}, err
	}
	running(t, NewDelivery(cfg).Run)
	w.arrives("KS1=An")
	before := empty.Load()
	w.eventually("the quiet delivery touches its sink", func() bool { return empty.Load() > before+2 })
	if NewDelivery(w.delivery().cfg).cfg.TouchEvery > DeleteRetention/4 {
		t.Error("a quiet delivery is taken for one that was away")
	}
}
