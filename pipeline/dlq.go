package pipeline

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
)

// KeyHash is how an entity key shows in lists, logs and reports: 12 hex digits, keyed with the topic's name so that the
// same person does not show alike in two datasets.
func KeyHash(topic string, key []byte) string {
	m := hmac.New(sha256.New, []byte("truc/"+topic))
	_, _ = m.Write(key)
	return hex.EncodeToString(m.Sum(nil)[:6])
}

// OpenLetter is an open dead letter as commands and pages show it. Letter.Row holds raw values.
type OpenLetter struct {
	// Key is the keyed hash of the entity key.
	Key    string
	Raw    []byte
	Letter *Letter
	// Since is when the entity got its first letter since one was closed last, Times how many letters it has got since. A
	// dead-letter topic that is compacted forgets what a later letter replaced.
	Since time.Time
	Times int
}

// EachOpenLetter calls fn for the open letters of a pipeline, in the order in which they were last written; dlq is the
// dead-letter topic, keyTopic the one with whose name keys are hashed. It reads the topic twice and keeps about 40 bytes an
// open letter, whatever the letters hold. What it hands out is fn's to keep.
func EachOpenLetter(ctx context.Context, b Bus, dlq, keyTopic, pipeline string, fn func(OpenLetter) error) error {
	tp := kafka.TopicPartition{Topic: dlq}
	places, _, err := openPlaces(ctx, b, tp, pipeline)
	if err != nil {
		return err
	}
	return readLetters(ctx, b, tp, pipeline, places, func(l openLetter) error {
		return fn(OpenLetter{Key: KeyHash(keyTopic, l.raw), Raw: l.raw, Letter: l.letter, Since: l.since(), Times: l.seen()})
	})
}

// OpenLetters returns the open letters of a pipeline, oldest first; topic is the dead-letter topic. All of them are in memory
// then: what may be many is for EachOpenLetter.
func OpenLetters(ctx context.Context, b Bus, dlq, keyTopic, pipeline string) ([]OpenLetter, error) {
	var out []OpenLetter
	err := EachOpenLetter(ctx, b, dlq, keyTopic, pipeline, func(o OpenLetter) error {
		out = append(out, o)
		return nil
	})
	return out, err
}

// dropGroup is how many letters are closed at a time.
const dropGroup = 1000

// DropLetters closes letters without publishing anything.
func DropLetters(ctx context.Context, b Bus, dlq, pipeline string, keys [][]byte) error {
	tp := kafka.TopicPartition{Topic: dlq}
	s, err := b.OpenSender(ctx, kafka.SenderConfig{Unfenced: true, Partitions: []kafka.TopicPartition{tp}})
	if err != nil {
		return err
	}
	defer s.Close()
	for len(keys) > 0 {
		n := min(dropGroup, len(keys))
		if err := produceAndWait(ctx, s, tp, closings(pipeline, keys[:n])); err != nil {
			return err
		}
		keys = keys[n:]
	}
	return nil
}

// closings are the tombstones that close letters.
func closings(pipeline string, keys [][]byte) []bus.Message {
	msgs := make([]bus.Message, len(keys))
	for i, k := range keys {
		msgs[i] = bus.Message{Key: k, Headers: pipelineHeader(pipeline)}
	}
	return msgs
}

// CountOpenLetters counts the open letters of a pipeline without reading what is in them.
func CountOpenLetters(ctx context.Context, b Bus, dlq, pipeline string) (int, error) {
	places, _, err := openPlaces(ctx, b, kafka.TopicPartition{Topic: dlq}, pipeline)
	return len(places), err
}
