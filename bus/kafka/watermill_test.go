package kafka_test

import (
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/tests"

	"github.com/lienthong/truc/bus/kafka"
)

// TestWatermill runs Watermill's own suite over the fronts.
func TestWatermill(t *testing.T) {
	t.Parallel() // it mostly waits
	onEachBroker(t, func(t *testing.T, cfg kafka.Config) {
		client := newClient(t, cfg)
		inGroup := func(t *testing.T, group string) (message.Publisher, message.Subscriber) {
			sub, err := client.NewSubscriber(kafka.SubscriberConfig{Group: group, RedeliverAfter: 10 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			pub := client.NewPublisher(kafka.PublisherConfig{})
			// The suite leaves some of them open.
			t.Cleanup(func() { _, _ = sub.Close(), pub.Close() })
			return pub, sub
		}
		alone := func(t *testing.T) (message.Publisher, message.Subscriber) { return inGroup(t, watermill.NewUUID()) }
		// The embedded broker passes in full length too, but takes a minute to see fifty members of one group out.
		features := tests.Features{ConsumerGroups: true, GuaranteedOrder: true, Persistent: true, ForceShort: cfg.NeverCompact}
		tests.TestPubSub(t, features, func(t *testing.T) (message.Publisher, message.Subscriber) { return inGroup(t, "truc") }, inGroup)
		t.Run("NewSubscriberReceivesOldMessages", func(t *testing.T) {
			features.NewSubscriberReceivesOldMessages = true
			tests.TestNewSubscriberReceivesOldMessages(t, tests.TestContext{TestID: tests.NewTestID(), Features: features}, alone)
		})
	})
}
