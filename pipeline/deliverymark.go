package pipeline

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/problem"
)

// deliveryMark is what a sink keeps beside an offset, so that the delivery finds out whether the partition is still the one
// it has read: an offset means nothing on a topic that was created anew, or lost its tail and was written on, and what stands
// there below the offset would never be delivered.
type deliveryMark struct {
	TopicID string
	// Offset and Sequence are those of the last record read; without one, Sequence is empty.
	Offset   int64
	Sequence string
}

func (m deliveryMark) String() string {
	return m.TopicID + " " + strconv.FormatInt(m.Offset, 10) + " " + m.Sequence
}

func parseDeliveryMark(text string) deliveryMark {
	id, rest, _ := strings.Cut(text, " ")
	offset, sequence, _ := strings.Cut(rest, " ")
	n, err := strconv.ParseInt(offset, 10, 64)
	if err != nil {
		return deliveryMark{TopicID: id}
	}
	return deliveryMark{id, n, sequence}
}

// after is the mark behind some more records.
func (m deliveryMark) after(records []bus.Delivered) deliveryMark {
	if n := len(records); n > 0 {
		m.Offset, m.Sequence = records[n-1].Offset, records[n-1].Header(bus.HeaderSequence)
	}
	return m
}

// recognise compares a partition with what the sink knows of it.
func (d *Delivery) recognise(ctx context.Context, p kafka.TopicPartition, at adapters.Offset, topicID string, r kafka.Range) error {
	gap := func(reason problem.Text) error {
		return &DeliveryGapError{Delivery: d.cfg.Name, Topic: p.Topic, Partition: p.Partition, Reason: reason}
	}
	m := parseDeliveryMark(at.Mark)
	switch {
	case at.Next == 0:
		return nil
	case at.Mark != "" && m.TopicID != topicID:
		return gap(problem.Say("the topic was deleted and created anew, or this is another bus, since the sink took offset %d", at.Next-1))
	case at.Next > r.End:
		return gap(problem.Say("it ends at offset %d, before offset %d that the sink has: the topic lost its tail", r.End, at.Next))
	case m.Sequence == "" || m.Offset < r.Start:
		return nil
	}
	found, err := sequenceAt(ctx, KafkaBus{d.cfg.Client}, p, m.Offset)
	if err != nil {
		return err
	}
	// A compacted record leaves a hole, and only when a later record has its key.
	if found != m.Sequence && (found != "" || r.End <= m.Offset+1) {
		return gap(problem.Say("offset %d holds another record than the one the sink took: the tail of the topic was lost and written anew", m.Offset))
	}
	return nil
}

// sequenceAt reads back one record; "" where there is none.
func sequenceAt(ctx context.Context, b Bus, p kafka.TopicPartition, offset int64) (sequence string, err error) {
	err = b.ReadRange(ctx, p, offset, offset+1, func(d *bus.Delivered) error {
		if d.Offset == offset {
			sequence = d.Header(bus.HeaderSequence)
		}
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("read back %s/%d: %w", p.Topic, p.Partition, err)
	}
	return sequence, nil
}
