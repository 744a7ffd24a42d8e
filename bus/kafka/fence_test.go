package kafka_test

import (
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/tests/servers"
)

// A process was stopped with a request queued; another took over; the first wakes and its request arrives.
func TestNothingOfAPredecessorLandsAfterTheFence(t *testing.T) {
	onEachBroker(t, func(t *testing.T, cfg kafka.Config) {
		c := newClient(t, cfg)
		topic := newTopic(t, c, 2)
		tps := []kafka.TopicPartition{{Topic: topic, Partition: 0}, {Topic: topic, Partition: 1}}
		zombie := openSender(t, c, topic, tps...)
		var want []string
		for round := range 10 {
			v := fmt.Sprint("written by ", round)
			mustBase(t, produce(t, zombie, tps[0], text("k", v)))
			want = append(want, v)

			successor := openSender(t, c, topic, tps...)
			end, err := c.Ranges(testContext(t), tps...)
			if err != nil {
				t.Fatal(err)
			}
			// A partition to which the zombie has written and one to which it has not.
			for _, tp := range tps {
				var fenced *kafka.FencedError
				if o := await(t, produceAnyway(t, zombie, tp)); !errors.As(o.err, &fenced) {
					t.Fatalf("round %d: the zombie's request to %s ended with %v, want FencedError", round, tp, o.err)
				}
			}
			after, err := c.Ranges(testContext(t), tps...)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(end, after); diff != "" {
				t.Fatalf("round %d: partitions grew after the fence: %s", round, diff)
			}
			zombie = successor
		}
		if diff := cmp.Diff(want, values(t, c, tps[0])); diff != "" {
			t.Error(diff)
		}
	})
}

// produceAnyway is produce, also for a sender that is poisoned already.
func produceAnyway(t *testing.T, s *kafka.Sender, tp kafka.TopicPartition) <-chan outcome {
	t.Helper()
	out := make(chan outcome, 2)
	err := s.Produce(testContext(t), tp, []bus.Message{text("k", "zombie")}, func(base int64, err error) { out <- outcome{base, err} })
	if err != nil {
		out <- outcome{-1, err}
	}
	return out
}

// Why the fence is more than a new epoch: on Apache Kafka, a partition learns of an epoch only by a batch or a marker.
func TestEpochAloneDoesNotFence(t *testing.T) {
	c := newClient(t, kafka.Config{Brokers: []string{servers.Kafka(t).Addr}})
	topic := newTopic(t, c, 1)
	tp := kafka.TopicPartition{Topic: topic}
	zombie := openSender(t, c, topic, tp)
	mustBase(t, produce(t, zombie, tp, text("k", "before")))
	successor, err := c.OpenSenderByEpochAlone(testContext(t), kafka.SenderConfig{TransactionalID: topic, Partitions: []kafka.TopicPartition{tp}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = successor.Close() }()
	if o := await(t, produce(t, zombie, tp, text("k", "zombie"))); o.err != nil {
		t.Fatalf("the zombie was fenced by the epoch alone (%v): the fence could be simpler than it is", o.err)
	}
	if diff := cmp.Diff([]string{"before", "zombie"}, values(t, c, tp)); diff != "" {
		t.Error(diff)
	}
}

// The coordinator forgets an id that it does not hear of, however much its producer publishes.
func TestRefreshKeepsTheFenceInForce(t *testing.T) {
	const expiration = 2 * time.Second
	server := servers.NewKafka(t, "transactional.id.expiration.ms=2000", "transaction.remove.expired.transaction.cleanup.interval.ms=200")
	c := newClient(t, kafka.Config{Brokers: []string{server.Addr}})
	topic := newTopic(t, c, 1)
	tp := kafka.TopicPartition{Topic: topic}
	for name, tc := range map[string]struct {
		refresh time.Duration
		lands   bool
	}{
		"refreshed": {refresh: expiration / 8, lands: false},
		"forgotten": {refresh: time.Hour, lands: true},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := kafka.SenderConfig{TransactionalID: topic + name, Partitions: []kafka.TopicPartition{tp}, RefreshEvery: tc.refresh}
			zombie, err := c.OpenSender(testContext(t), cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = zombie.Close() }()
			for begin := time.Now(); time.Since(begin) < 2*expiration+time.Second; time.Sleep(10 * time.Millisecond) {
				mustBase(t, produce(t, zombie, tp, text("k", "v")))
			}
			_ = openSender(t, c, cfg.TransactionalID, tp)
			o := await(t, produceAnyway(t, zombie, tp))
			if landed := o.err == nil; landed != tc.lands {
				t.Errorf("the zombie's request ended with %v, want landed = %v", o.err, tc.lands)
			}
		})
	}
}

// A refresh opens a transaction for a moment, in which the sender goes on.
func TestPublishingGoesOnThroughRefreshes(t *testing.T) {
	onEachBroker(t, func(t *testing.T, cfg kafka.Config) {
		c := newClient(t, cfg)
		topic := newTopic(t, c, 2)
		tps := []kafka.TopicPartition{{Topic: topic, Partition: 0}, {Topic: topic, Partition: 1}}
		s, err := c.OpenSender(testContext(t), kafka.SenderConfig{TransactionalID: topic, Partitions: tps, RefreshEvery: 20 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = s.Close() }()
		var want []string
		for begin, i := time.Now(), 0; time.Since(begin) < time.Second; i++ {
			v := strconv.Itoa(i)
			want = append(want, v)
			for _, tp := range tps {
				produce(t, s, tp, text("k", v))
			}
			time.Sleep(time.Millisecond)
		}
		if err := s.Flush(testContext(t)); err != nil {
			t.Fatal(err)
		}
		for _, tp := range tps {
			if diff := cmp.Diff(want, values(t, c, tp)); diff != "" {
				t.Errorf("%s: %s", tp, diff)
			}
		}
	})
}
