//go:build linux

package chaos

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/lienthong/truc/tests/nodes"
)

// sizes are faults of what a topic takes and keeps, and of the disk below it.
func sizes() []fault {
	return []fault{
		{name: "topic takes less than before", mechanism: oversize, alone: true, inject: (*office).topicTakesLess},
		{name: "subscriber away for longer than tombstones live", mechanism: reconciled, alone: true, inject: (*office).tombstonesGone},
		{name: "disk of the broker full", mechanism: waits, inject: (*office).brokerDiskFull, smallDisk: true},
	}
}

// set changes settings of a topic.
func (w *world) set(topic string, settings map[string]string) error {
	change := kafka.IncrementalAlterConfigsRequestResource{ResourceType: kafka.ResourceTypeTopic, ResourceName: topic}
	for name, value := range settings {
		change.Configs = append(change.Configs, kafka.IncrementalAlterConfigsRequestConfig{Name: name, Value: value, ConfigOperation: kafka.ConfigOperationSet})
	}
	client, end := w.kafkaClient()
	defer end()
	answer, err := client.IncrementalAlterConfigs(context.Background(), &kafka.IncrementalAlterConfigsRequest{
		Resources: []kafka.IncrementalAlterConfigsRequestResource{change},
	})
	if err != nil {
		return fmt.Errorf("change settings of topic %s: %w", topic, err)
	}
	for _, r := range answer.Resources {
		err = errors.Join(err, r.Error)
	}
	return err
}

// topicTakesLess lowers what the topic takes in one record, or batch of them, while records are under way, and registers a row
// that is larger. It must become a dead letter; when the topic takes as much as before, the operator has it retried.
func (o *office) topicTakesLess() error {
	o.snapshotOver() // which would bring the row, too
	limit := func(bytes string) error { return o.world.set(o.topic, map[string]string{"max.message.bytes": bytes}) }
	if err := limit("6000"); err != nil {
		return err
	}
	o.unfit++
	key := fmt.Sprintf("0.%d", o.unfit)
	note := largeNote + o.unfit
	if err := execute(context.Background(), o.source, fmt.Sprintf("INSERT INTO khai_sinh (so, nguoi_ky, ghi_chu) VALUES ('%s', '%s', '%s')", key, signature(1), noteText(note))); err != nil {
		return err
	}
	o.book.addLate(entry{key, state{there: true, version: 1, note: note}})
	letter := await(settle, func() bool {
		o.pub.tend()
		return containsLetter(o.read(o.topic+".dlq"), key)
	})
	if !letter {
		return silently("a row that its topic does not take has no dead letter: %s", o.pub.node.Log.Tail(3))
	}
	if err := o.flows(); err != nil {
		return err
	}
	if err := limit("4259840"); err != nil {
		return err
	}
	if err := o.told("pub.yaml", "dlq", "retry", "khaisinh"); err != nil {
		return err
	}
	if o.rng.IntN(2) == 0 {
		o.pub.kill()
		o.pub.start()
		o.note("killed after the retry")
	}
	return nil
}

func containsLetter(letters []*nodes.Event, key string) bool {
	for _, e := range letters {
		if e.Payload != nil && strings.Contains(*e.Payload, `"`+key+`"`) {
			return true
		}
	}
	return false
}

// tombstonesGone keeps the subscriber away until the topic has forgotten deletions, and has its sink believe that this took
// half a month. What the topic says is read before any of it is compacted away.
func (o *office) tombstonesGone() error {
	if err := o.flows(); err != nil {
		return err
	}
	o.pause(500*time.Millisecond, time.Second)
	o.sub.kill()
	for range 2 { // the first pass of the cleaner decides when a tombstone may go, the second takes it away
		// Segments end soon now, and what is in those that have ended can be compacted: it is read before that.
		if err := o.world.set(o.topic, map[string]string{"cleanup.policy": "delete", "segment.ms": "200"}); err != nil {
			return err
		}
		time.Sleep(700 * time.Millisecond)
		if err := o.flows(); err != nil {
			return err
		}
		if err := o.world.set(o.topic, map[string]string{"segment.ms": "604800000"}); err != nil {
			return err
		}
		if err := o.flows(); err != nil {
			return err
		}
		o.keep()
		before, _ := o.left()
		if err := o.world.set(o.topic, map[string]string{"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0", "delete.retention.ms": "0"}); err != nil {
			return err
		}
		if !await(10*time.Second, func() bool { now, _ := o.left(); return now < before }) {
			return errors.New("the topic is not compacted")
		}
	}
	var tombstones int
	told := 0
	for _, e := range o.kept {
		if e.Payload == nil {
			told++
		}
	}
	if !await(10*time.Second, func() bool { _, tombstones = o.left(); return tombstones < told }) {
		return errors.New("the topic keeps its tombstones")
	}
	o.note("of %d tombstones the topic has %d", told, tombstones)
	if err := o.world.set(o.topic, map[string]string{"min.cleanable.dirty.ratio": "0.5", "delete.retention.ms": "2592000000"}); err != nil {
		return err
	}
	if err := execute(context.Background(), o.sink, "UPDATE truc.sink_offset SET applied_at = now() - interval '16 days'"); err != nil {
		return err
	}
	o.sub.start()
	return nil
}

// left counts what was kept and is on the topic still.
func (o *office) left() (records, tombstones int) {
	next := o.next()
	for _, e := range o.read(o.topic) {
		if e.Offset >= next[e.Partition] {
			continue
		}
		if records++; e.Payload == nil {
			tombstones++
		}
	}
	return records, tombstones
}
