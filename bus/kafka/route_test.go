package kafka_test

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
)

// A client that creates, writes and reads topics asks the cluster about these alone: about all of them only when somebody
// wants a list.
func TestAsksAboutItsOwnTopics(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "another", "one.more"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	var mu sync.Mutex
	asked := map[string]int{}
	cluster.ControlKey(int16(kmsg.Metadata), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		mu.Lock()
		defer mu.Unlock()
		req := r.(*kmsg.MetadataRequest) //nolint:forcetypeassert // that is the key
		if req.Topics == nil {
			asked["all"]++
		}
		for _, topic := range req.Topics {
			asked[*topic.Topic]++
		}
		return nil, nil, false
	})
	c := newClient(t, kafka.Config{Brokers: cluster.ListenAddrs()})
	specs := []kafka.TopicSpec{{Name: "events", Partitions: 2}, {Name: "letters", Partitions: 1}}
	if err := c.EnsureTopics(testContext(t), specs...); err != nil {
		t.Fatal(err)
	}
	partitions := []kafka.TopicPartition{{Topic: "events"}, {Topic: "events", Partition: 1}, {Topic: "letters"}}
	s := openSender(t, c, "sender", partitions...)
	for _, tp := range partitions {
		mustBase(t, produce(t, s, tp, bus.Message{Key: []byte("k"), Value: []byte("v")}))
		if got := values(t, c, tp); !slices.Equal(got, []string{"v"}) {
			t.Errorf("%s has %q", tp, got)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	for topic := range asked {
		if topic != "events" && topic != "letters" && !strings.HasPrefix(topic, "__") {
			t.Errorf("it asked about %s: %v", topic, asked)
		}
	}
}
