package pipeline

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/adapters/memory"
	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/record"
)

// TestDeliveryRecognisesItsTopic: a topic that was deleted and filled anew, beyond the offsets that the sink has, looks as if
// it had only grown. What stands there below the offsets must not be passed over.
func TestDeliveryRecognisesItsTopic(t *testing.T) {
	w := newTown(t)
	w.change(func(tx *memory.Tx) error {
		return errors.Join(tx.Insert("ks", row(1, "An", 0)), tx.Insert("ks", row(2, "Bình", 0)), tx.Insert("ks", row(3, "Chi", 0)))
	})
	stopReader, stopDelivery := running(t, w.reader().Run), running(t, w.delivery().Run)
	w.arrives("KS1=An", "KS2=Bình", "KS3=Chi")
	if err := errors.Join(stopDelivery(), stopReader()); err != nil {
		t.Fatal(err)
	}
	w.deleteTopic()
	// Meanwhile a row is changed and another deleted; then everything is published anew, several times over.
	w.change(func(tx *memory.Tx) error {
		return errors.Join(tx.Update("ks", record.Row{record.IntValue(1)}, row(1, "An Nhiên", 0)), tx.Delete("ks", record.Row{record.IntValue(2)}))
	})
	if err := w.reader().Run(t.Context()); !IsGap(err) {
		t.Fatalf("the publisher of a topic that was created anew: %v, want a gap", err)
	}
	for _, id := range []string{"1", "2", "3"} {
		if err := PutRequest(t.Context(), KafkaBus{w.client}, "H44.15", "hotich", Request{ID: id, Resnapshot: []string{"khaisinh"}}); err != nil {
			t.Fatal(err)
		}
		stop := running(t, w.reader().Run)
		w.eventually("the request is closed", func() bool {
			open, err := openRequests(t.Context(), KafkaBus{w.client}, "H44.15", "hotich")
			return err == nil && len(open) == 0
		})
		w.eventually("the rows are published anew", func() bool {
			publish, err := VerifyPublish(t.Context(), KafkaBus{w.client}, memory.NewSource(w.source, adapters.Env{Name: "hotich", Log: w.log}, memory.Options{}), "hotich", w.publish, VerifyOptions{Settle: time.Millisecond})
			return err == nil && publish.Equal
		})
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	}
	var gap *DeliveryGapError
	soon, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := w.delivery().Run(soon); !errors.As(err, &gap) || !strings.Contains(err.Error(), "truc resnapshot tre_em") {
		t.Fatalf("the delivery of a topic that was created anew: %v, want a gap and what to do", err)
	}
	if err := PutRequest(t.Context(), KafkaBus{w.client}, "H26", DeliveryRequests("tre_em"), Request{ID: "1", Reconcile: true}); err != nil {
		t.Fatal(err)
	}
	stop := running(t, w.delivery().Run)
	w.arrives("KS1=An Nhiên", "KS3=Chi")
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	// Reconciled, it knows the topic.
	running(t, w.delivery().Run)
	w.change(func(tx *memory.Tx) error { return tx.Insert("ks", row(4, "Dung", 0)) })
	running(t, w.reader().Run)
	w.arrives("KS1=An Nhiên", "KS3=Chi", "KS4=Dung")
}

func (w *town) deleteTopic() {
	w.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(w.broker))
	if err != nil {
		w.t.Fatal(err)
	}
	defer client.Close()
	request := kmsg.NewDeleteTopicsRequest()
	topic := kmsg.NewDeleteTopicsRequestTopic()
	topic.Topic = kmsg.StringPtr(w.publish.Topic)
	request.TopicNames, request.Topics = []string{w.publish.Topic}, append(request.Topics, topic)
	answer, err := request.RequestWith(w.t.Context(), client)
	if err != nil || answer.Topics[0].ErrorCode != 0 {
		w.t.Fatalf("delete topic: %v, %+v", err, answer)
	}
}

// TestDeliveryMark: each way in which a partition is not the one the sink has read is named.
func TestDeliveryMark(t *testing.T) {
	w := newTown(t)
	w.change(func(tx *memory.Tx) error { return tx.Insert("ks", row(1, "An", 0)) })
	running(t, w.reader().Run)
	stop := running(t, w.delivery().Run)
	w.arrives("KS1=An")
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	parts := make([]adapters.TopicPartition, w.publish.Partitions)
	for i := range parts {
		parts[i] = adapters.TopicPartition{Topic: w.publish.Topic, Partition: int32(i)}
	}
	sink := memory.NewSink(w.sink, adapters.Env{Name: "bhyt", Log: w.log})
	if err := sink.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer sink.Close()
	stored, err := sink.Offsets(t.Context(), "tre_em", parts)
	if err != nil {
		t.Fatal(err)
	}
	part := slices.MaxFunc(parts, func(a, b adapters.TopicPartition) int {
		return strings.Compare(parseDeliveryMark(stored[a].Mark).Sequence, parseDeliveryMark(stored[b].Mark).Sequence)
	})
	ranges, err := w.client.Ranges(t.Context(), kafka.TopicPartition(part))
	if err != nil {
		t.Fatal(err)
	}
	ids, err := w.delivery().topicIDs(t.Context(), []kafka.TopicPartition{kafka.TopicPartition(part)})
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(at *adapters.Offset, m *deliveryMark, r *kafka.Range){
		"intact":    func(*adapters.Offset, *deliveryMark, *kafka.Range) {},
		"created":   func(_ *adapters.Offset, m *deliveryMark, _ *kafka.Range) { m.TopicID = "another" },
		"tail lost": func(at *adapters.Offset, _ *deliveryMark, r *kafka.Range) { r.End = at.Next - 1 },
		"overwritten": func(_ *adapters.Offset, m *deliveryMark, _ *kafka.Range) {
			m.Sequence = strings.Repeat("0", sequenceSize)
		},
	} {
		at, r := stored[part], ranges[kafka.TopicPartition(part)]
		m := parseDeliveryMark(at.Mark)
		spoil(&at, &m, &r)
		at.Mark = m.String()
		var gap *DeliveryGapError
		err := w.delivery().recognise(t.Context(), kafka.TopicPartition(part), at, ids[part.Topic], r)
		if got := errors.As(err, &gap); got != (name != "intact") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for m := range maps.Values(stored) {
		if got := parseDeliveryMark(m.Mark).String(); m.Mark != "" && got != m.Mark {
			t.Errorf("mark %q reads as %q", m.Mark, got)
		}
	}
}
