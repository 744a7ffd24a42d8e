package pipeline

import (
	"strings"
	"testing"

	"github.com/lienthong/truc/adapters/memory"
	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/record"
)

// TestDeprecationTravels: what the publisher's standards say of the end of a dataset stands in each event, also in deletions, and
// a subscriber that has no standards but the built-in ones learns of it.
func TestDeprecationTravels(t *testing.T) {
	w := newTown(t)
	w.change(func(tx *memory.Tx) error { return tx.Insert("ks", row(1, "An", 0)) })
	r, d := w.reader(), w.delivery()
	stop := running(t, r.Run)
	running(t, d.Run)
	w.arrives("KS1=An")
	if got := d.Stats().Deprecated(); got != nil || r.Stats().Publish["khaisinh"].Deprecated != nil {
		t.Fatalf("before anybody said so, the subscriber hears %+v", got)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	w.publish.Deprecated = &Deprecation{Date: "2027-01-01", Successor: "hotich.khaisinh.v2"}
	r = w.reader()
	running(t, r.Run)
	w.change(func(tx *memory.Tx) error { return tx.Insert("ks", row(2, "Bình", 0)) })
	w.arrives("KS1=An", "KS2=Bình")
	w.change(func(tx *memory.Tx) error { return tx.Delete("ks", record.Row{record.IntValue(1)}) })
	w.arrives("KS2=Bình")
	if got := d.Stats().Deprecated(); got == nil || *got != *w.publish.Deprecated || r.Stats().Publish["khaisinh"].Deprecated != w.publish.Deprecated {
		t.Errorf("the subscriber hears %+v, the publisher says %+v", got, r.Stats().Publish["khaisinh"].Deprecated)
	}
	told := map[bus.Op]string{}
	for n := range w.publish.Partitions {
		tp := kafka.TopicPartition{Topic: w.publish.Topic, Partition: int32(n)}
		ranges, err := w.client.Ranges(t.Context(), tp)
		if err != nil {
			t.Fatal(err)
		}
		err = KafkaBus{w.client}.ReadRange(t.Context(), tp, ranges[tp].Start, ranges[tp].End, func(m *bus.Delivered) error {
			e, err := bus.ParseEvent(m)
			told[e.Op] = m.Header("ce_deprecated") + " " + m.Header("ce_successor")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for op, want := range map[bus.Op]string{bus.Snapshot: " ", bus.Created: "2027-01-01 hotich.khaisinh.v2", bus.Deleted: "2027-01-01 hotich.khaisinh.v2"} {
		if told[op] != want {
			t.Errorf("%s tells %q, want %q", op, told[op], want)
		}
	}
}

// TestOwnDeprecation: a subscriber's own standards tell before any event does.
func TestOwnDeprecation(t *testing.T) {
	w := newTown(t)
	cfg := w.delivery().cfg
	cfg.Deprecated = &Deprecation{Date: "2027-01-01", Successor: "hotich.khaisinh.v2"}
	d := NewDelivery(cfg)
	if d.Stats().Deprecated() != cfg.Deprecated {
		t.Errorf("it says %+v", d.Stats().Deprecated())
	}
	d.stats.heard.note(&bus.Event{})
	d.stats.heard.note(&bus.Event{Deprecated: "2028-01-01", Successor: "hotich.khaisinh.v2"})
	if got := d.Stats().Deprecated(); got.Date != "2028-01-01" {
		t.Errorf("after an event that puts the day off it says %+v", got)
	}
	for _, e := range []bus.Event{
		{Deprecated: "soon", Successor: "a.b.v2"}, {Deprecated: "2029-01-01", Successor: "\x1b[2J"}, {Deprecated: "2029-01-01", Successor: strings.Repeat("a", 300)}, {Deprecated: "2029-01-01"},
	} {
		if d.stats.heard.note(&e); d.Stats().Deprecated().Date != "2028-01-01" {
			t.Errorf("%+v is believed", e)
		}
	}
}
