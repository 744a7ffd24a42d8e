package kafka

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/lienthong/truc/bus"
)

const (
	// UUIDHeader carries a Watermill message's UUID, under the name that Watermill's own Kafka adapter uses.
	UUIDHeader = "_watermill_message_uuid"
	// PartitionKey is the metadata that becomes the record's key, and comes back from it. Messages of one key keep their
	// order; messages without a key all go to one partition.
	PartitionKey = "partition_key"
)

// fromWatermill turns a message into a record: metadata become headers, a nil payload a tombstone. The record points into the
// message.
func fromWatermill(m *message.Message) bus.Message {
	out := bus.Message{Value: m.Payload, Headers: make([]bus.Header, 0, len(m.Metadata)+1)}
	out.Headers = append(out.Headers, bus.Header{Key: UUIDHeader, Value: []byte(m.UUID)})
	for name, value := range m.Metadata {
		if name == PartitionKey {
			out.Key = []byte(value)
			continue
		}
		out.Headers = append(out.Headers, bus.Header{Key: name, Value: []byte(value)})
	}
	slices.SortFunc(out.Headers[1:], func(a, b bus.Header) int { return strings.Compare(a.Key, b.Key) })
	return out
}

// toWatermill turns a record into a message with memory of its own. Its UUID is the one it was published with, else the id of
// the event, else its place on the topic.
func toWatermill(d *bus.Delivered) *message.Message {
	m := message.NewMessage("", bytes.Clone(d.Value))
	event := ""
	for i := range d.Headers {
		switch h := &d.Headers[i]; h.Key {
		case UUIDHeader:
			m.UUID = string(h.Value)
		case bus.HeaderID:
			event = string(h.Value)
			fallthrough
		default:
			m.Metadata.Set(h.Key, string(h.Value))
		}
	}
	if d.Key != nil {
		m.Metadata.Set(PartitionKey, string(d.Key))
	}
	if m.UUID == "" {
		m.UUID = event
	}
	if m.UUID == "" {
		m.UUID = d.Topic + "/" + strconv.Itoa(int(d.Partition)) + "/" + strconv.FormatInt(d.Offset, 10)
	}
	return m
}
