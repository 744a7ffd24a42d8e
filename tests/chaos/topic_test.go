//go:build linux

package chaos

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
)

// kafkaClient is a client that does not go through truc, and what ends it. Its connections are its own: one of an earlier fault may
// end at a broker that was restarted since. A transport that is not ended asks the broker for all its topics for ever.
func (w *world) kafkaClient() (*kafka.Client, func()) {
	t := &kafka.Transport{IdleTimeout: time.Second}
	return &kafka.Client{Addr: kafka.TCP(w.kafka.Addr), Timeout: 20 * time.Second, Transport: t}, t.CloseIdleConnections
}

func (w *world) deleteTopics(names ...string) error {
	client, end := w.kafkaClient()
	defer end()
	answer, err := client.DeleteTopics(context.Background(), &kafka.DeleteTopicsRequest{Topics: names})
	if err != nil {
		return fmt.Errorf("delete topics: %w", err)
	}
	for name, err := range answer.Errors {
		if err != nil {
			return fmt.Errorf("delete topic %s: %w", name, err)
		}
	}
	return nil
}

func (w *world) addPartitions(topic string, count int32) error {
	client, end := w.kafkaClient()
	defer end()
	answer, err := client.CreatePartitions(context.Background(), &kafka.CreatePartitionsRequest{
		Topics: []kafka.TopicPartitionsConfig{{Name: topic, Count: count}},
	})
	if err != nil {
		return fmt.Errorf("add partitions: %w", err)
	}
	return answer.Errors[topic]
}

// cutTail takes the last batches away from the file of a partition, as a disk that was restored or a replica that was behind
// would. The broker must be stopped. It reports whether there was anything to cut.
func (w *world) cutTail(topic string, partition, batches int) (bool, error) {
	logs := w.kafka.DataDir
	dir := filepath.Join(logs, fmt.Sprintf("%s-%d", topic, partition))
	segments, err := filepath.Glob(filepath.Join(dir, "*.log"))
	if err != nil || len(segments) == 0 {
		return false, errors.Join(err, fmt.Errorf("no segment in %s", dir))
	}
	last := segments[len(segments)-1]
	text, err := os.ReadFile(last)
	if err != nil {
		return false, err
	}
	var starts []int64
	for at := int64(0); at+12 <= int64(len(text)); {
		length := int64(binary.BigEndian.Uint32(text[at+8:]))
		if length == 0 || at+12+length > int64(len(text)) {
			break // the file is longer than what is in it
		}
		starts = append(starts, at)
		at += 12 + length
	}
	if len(starts) < 2 {
		return false, nil
	}
	if err := os.Truncate(last, starts[max(len(starts)-batches, 1)]); err != nil {
		return false, err
	}
	// What else the broker knows of the tail: it finds out by itself, as after a crash.
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && (strings.HasSuffix(path, "index") || strings.HasSuffix(path, ".snapshot") || entry.Name() == "leader-epoch-checkpoint") {
			return os.Remove(path)
		}
		return err
	})
	for _, name := range []string{".kafka_cleanshutdown", "recovery-point-offset-checkpoint", "replication-offset-checkpoint"} {
		if e := os.Remove(filepath.Join(logs, name)); !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return true, err
}
