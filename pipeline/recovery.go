package pipeline

import (
	"bytes"
	"context"
	"fmt"

	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/problem"
)

// tail is what one pipeline is known to have published on one partition: its highest sequence, and the ids at it. Ids are
// needed because several events can share a sequence (a key change is a tombstone and a document) and a crash can fall between them.
type tail struct {
	max []byte
	ids map[string]struct{}
}

// note takes one event of the pipeline into account. Retries and replays carry old sequences on purpose and do not count.
func (t *tail) note(e *bus.Event) {
	if e.Redelivery != "" {
		return
	}
	switch c := bytes.Compare([]byte(e.Sequence), t.max); {
	case c > 0:
		t.max = append(t.max[:0], e.Sequence...)
		t.ids = map[string]struct{}{e.ID: {}}
	case c == 0:
		t.ids[e.ID] = struct{}{}
	}
}

// published reports whether the event with this sequence and id is on the partition already. Sequences are handed to it in
// growing order, as the source sends them, so that everything up to the maximum is there: a partition is a prefix.
func (t *tail) published(sequence, id []byte) bool {
	switch bytes.Compare(sequence, t.max) {
	case -1:
		return true
	case 0:
		_, seen := t.ids[string(id)]
		return seen
	default:
		return false
	}
}

// BusGapError says that a topic no longer holds what the saved position says was acknowledged: its tail was cut off, it was
// created anew, or it was given other partitions. What the source sent since is lost on the bus, and the source has forgotten it.
type BusGapError struct {
	Source, Topic string
	Partition     int32
	Reason        problem.Text
	// From and To bound the offsets that are missing; equal when no range can be named.
	From, To int64
}

func (e *BusGapError) Error() string {
	where := fmt.Sprintf("topic %s partition %d", e.Topic, e.Partition)
	if e.From != e.To {
		where += fmt.Sprintf(", offsets %d to %d", e.From, e.To-1)
	}
	return fmt.Sprintf("bus gap for source %s: %s: %s; fix: find out what happened to the topic, then truc resnapshot %s", e.Source, where, e.Reason, e.Source)
}

// checkMark compares what the position says of a partition with the partition itself.
func checkMark(ctx context.Context, b Bus, source string, m mark, info kafka.TopicInfo, r kafka.Range) error {
	gap := func(reason problem.Text, from, to int64) error {
		return &BusGapError{Source: source, Topic: m.Topic, Partition: m.Partition, Reason: reason, From: from, To: to}
	}
	switch {
	case info.ID == "":
		return gap(problem.Say("the topic is gone"), 0, m.Next)
	case info.ID != m.TopicID:
		return gap(problem.Say("the topic was deleted and created anew since the position was saved"), 0, m.Next)
	case info.Partitions != m.Count:
		return gap(problem.Say("it has %d partitions, and had %d when the position was saved: keys have moved to other partitions", info.Partitions, m.Count), 0, 0)
	case r.End < m.Next:
		return gap(problem.Say("the partition ends before what was acknowledged: its tail was lost"), r.End, m.Next)
	case m.Next == 0 || m.Last == "" || m.Next-1 < r.Start:
		return nil
	}
	found, err := sequenceAt(ctx, b, kafka.TopicPartition{Topic: m.Topic, Partition: m.Partition}, m.Next-1)
	if err != nil {
		return err
	}
	// A compacted record leaves a hole, and only when a later record has its key.
	if found == "" && r.End > m.Next {
		return nil
	}
	if found != m.Last {
		return gap(problem.Say("its last acknowledged record is not the one that was written: the tail was cut off and overwritten"), m.Next-1, m.Next)
	}
	return nil
}

// scanTails reads a partition and notes the events of each pipeline that publishes to its topic. It returns the highest epoch seen.
func scanTails(ctx context.Context, b Bus, p kafka.TopicPartition, from, to int64, pipes []*pipe) (uint32, error) {
	var epoch uint32
	if from >= to {
		return 0, nil
	}
	err := b.ReadRange(ctx, p, from, to, func(d *bus.Delivered) error {
		// A foreign record on the topic is not ours to count; deliveries report it. But it hides what was under its key.
		e, err := bus.ParseEvent(d)
		key := fingerprint(d.Key)
		for _, pipe := range pipes {
			if err != nil || e.Source != pipe.source || e.Dataset != pipe.Dataset.ID() {
				pipe.rereads.forget(key)
				continue
			}
			pipe.tails[p.Partition].note(&e)
			if pipe.rereads.collects() {
				pipe.rereads.note(&e, key)
			}
			if s, ok := ParseSequence(e.Sequence); ok && s.Epoch > epoch {
				epoch = s.Epoch
			}
		}
		return nil
	})
	return epoch, err
}
