package pipeline

import (
	"time"

	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/mapping"
)

// DeleteRetention is how long tombstones live on event topics: a subscriber away for less than half of it has missed no deletion.
const DeleteRetention = 30 * 24 * time.Hour

// MaxMessageBytes is what a topic of truc takes in one record; what is larger becomes a dead letter that points at the row.
const MaxMessageBytes = mapping.MaxDocument + 64<<10

func stateTopics(replication int) []kafka.TopicSpec {
	spec := kafka.TopicSpec{Partitions: 1, Replication: replication, Compact: true, MaxMessageBytes: MaxMessageBytes, DeleteRetention: DeleteRetention, Retention: -1}
	positions, requests := spec, spec
	positions.Name, requests.Name = bus.PositionsTopic, RequestsTopic
	return []kafka.TopicSpec{positions, requests}
}

func eventTopic(name string, partitions, replication int) kafka.TopicSpec {
	return kafka.TopicSpec{Name: name, Partitions: partitions, Replication: replication, Compact: true, DeleteRetention: DeleteRetention, Retention: -1, MaxMessageBytes: MaxMessageBytes}
}

func dlqTopic(name string, replication int) kafka.TopicSpec {
	return kafka.TopicSpec{Name: name, Partitions: 1, Replication: replication, Compact: true, DeleteRetention: DeleteRetention, Retention: -1, MaxMessageBytes: MaxMessageBytes}
}
