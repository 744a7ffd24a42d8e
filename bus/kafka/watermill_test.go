package kafka_test

import (
	"net"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/tests"

	"github.com/lienthong/truc/bus/embedded"
	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/tests/servers"
)

// TestWatermill runs Watermill's own suite over the fronts, test by test: tests.TestPubSub would skip TestReconnect, which
// wants a shell command that restarts the broker and races with itself; TestWatermillReconnect stands for it.
func TestWatermill(t *testing.T) {
	t.Parallel() // it mostly waits
	onEachBroker(t, func(t *testing.T, cfg kafka.Config) {
		client := newClient(t, cfg)
		inGroup := func(t *testing.T, group string) (message.Publisher, message.Subscriber) {
			return fronts(t, client, group)
		}
		shared := func(t *testing.T) (message.Publisher, message.Subscriber) { return inGroup(t, "truc") }
		alone := func(t *testing.T) (message.Publisher, message.Subscriber) { return inGroup(t, watermill.NewUUID()) }
		// The embedded broker passes in full length too, but takes a minute to see fifty members of one group out.
		features := tests.Features{
			ConsumerGroups: true, GuaranteedOrder: true, Persistent: true, NewSubscriberReceivesOldMessages: true, ForceShort: cfg.NeverCompact,
		}
		run := func(name string, test func(t *testing.T, in tests.TestContext)) {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, tests.TestContext{TestID: tests.NewTestID(), Features: features})
			})
		}
		for _, test := range []func(*testing.T, tests.TestContext, tests.PubSubConstructor){
			tests.TestPublishSubscribe, tests.TestConcurrentSubscribe, tests.TestConcurrentSubscribeMultipleTopics, tests.TestResendOnError,
			tests.TestNoAck, tests.TestContinueAfterSubscribeClose, tests.TestConcurrentClose, tests.TestContinueAfterErrors,
			tests.TestPublishSubscribeInOrder, tests.TestPublisherClose, tests.TestTopic, tests.TestMessageCtx, tests.TestSubscribeCtx,
		} {
			run(nameOf(test), func(t *testing.T, in tests.TestContext) { test(t, in, shared) })
		}
		// What a group has had does not come again, so each subscriber is a group of its own here.
		run("TestNewSubscriberReceivesOldMessages", func(t *testing.T, in tests.TestContext) {
			tests.TestNewSubscriberReceivesOldMessages(t, in, alone)
		})
		run("TestConsumerGroups", func(t *testing.T, in tests.TestContext) { tests.TestConsumerGroups(t, in, inGroup) })
	})
}

func nameOf(function any) string {
	full := runtime.FuncForPC(reflect.ValueOf(function).Pointer()).Name()
	return full[strings.LastIndexByte(full, '.')+1:]
}

func fronts(t *testing.T, client *kafka.Client, group string) (message.Publisher, message.Subscriber) {
	t.Helper()
	sub, err := client.NewSubscriber(kafka.SubscriberConfig{Group: group, RedeliverAfter: 10 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	pub := client.NewPublisher(kafka.PublisherConfig{})
	// The suite leaves some of them open.
	t.Cleanup(func() { _, _ = sub.Close(), pub.Close() })
	return pub, sub
}

// TestWatermillReconnect: messages go through although the broker is restarted twice meanwhile; none is lost.
func TestWatermillReconnect(t *testing.T) {
	t.Parallel() // it mostly waits
	t.Run("embedded", func(t *testing.T) {
		dir := t.TempDir()
		b, err := embedded.Start(embedded.Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = b.Close() })
		_, port, err := net.SplitHostPort(b.Addr())
		if err != nil {
			t.Fatal(err)
		}
		reconnect(t, b.ClientConfig(), func() {
			if err := b.Close(); err != nil {
				t.Error(err)
			}
			if b, err = embedded.Start(embedded.Config{Dir: dir, Port: atoi(t, port)}); err != nil {
				t.Fatal(err)
			}
		})
	})
	t.Run("kafka", func(t *testing.T) {
		k := servers.NewKafka(t)
		reconnect(t, kafka.Config{Brokers: []string{k.Addr}}, func() { k.Stop(); k.Start() })
	})
}

func reconnect(t *testing.T, cfg kafka.Config, restart func()) {
	const messages, publishers = 2000, 20
	pub, sub := fronts(t, newClient(t, cfg), "reconnect")
	const topic = "reconnect"
	if err := sub.(message.SubscribeInitializer).SubscribeInitialize(topic); err != nil {
		t.Fatal(err)
	}
	received, err := sub.Subscribe(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	numbers := make(chan int)
	var publishing sync.WaitGroup
	for range publishers {
		publishing.Go(func() {
			for n := range numbers {
				m := message.NewMessage(strconv.Itoa(n), []byte("x"))
				for pub.Publish(topic, m) != nil && t.Context().Err() == nil {
					time.Sleep(10 * time.Millisecond) // whether it is there is not known: it is published again
				}
			}
		})
	}
	publishing.Go(func() {
		defer close(numbers)
		for n := range messages {
			select {
			case numbers <- n:
			case <-t.Context().Done():
				return
			}
		}
	})
	missing := map[string]bool{}
	for n := range messages {
		missing[strconv.Itoa(n)] = true
	}
	late := time.After(4 * time.Minute)
	restartAt := map[int]bool{messages / 2: true, 2 * messages / 3: true} // left to receive
	for len(missing) > 0 {
		select {
		case m := <-received:
			delete(missing, m.UUID)
			m.Ack()
		case <-late:
			t.Fatalf("%d of %d messages did not arrive", len(missing), messages)
		}
		if restartAt[len(missing)] {
			delete(restartAt, len(missing))
			restart()
		}
	}
	publishing.Wait()
}
