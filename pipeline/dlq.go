package pipeline

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"slices"

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
}

// OpenLetters returns the open letters of a pipeline, oldest first; topic is the dead-letter topic.
func OpenLetters(ctx context.Context, b Bus, dlq, keyTopic, pipeline string) ([]OpenLetter, error) {
	letters, err := openLettersOf(ctx, b, kafka.TopicPartition{Topic: dlq}, pipeline)
	if err != nil {
		return nil, err
	}
	out := make([]OpenLetter, len(letters))
	for i, l := range letters {
		out[i] = OpenLetter{Key: KeyHash(keyTopic, l.key), Raw: l.key, Letter: l.letter}
	}
	return out, nil
}

// DropLetters closes letters without publishing anything.
func DropLetters(ctx context.Context, b Bus, dlq, pipeline string, keys [][]byte) error {
	tp := kafka.TopicPartition{Topic: dlq}
	s, err := b.OpenSender(ctx, kafka.SenderConfig{Unfenced: true, Partitions: []kafka.TopicPartition{tp}})
	if err != nil {
		return err
	}
	defer s.Close()
	msgs := make([]bus.Message, len(keys))
	for i, k := range keys {
		msgs[i] = bus.Message{Key: k, Headers: pipelineHeader(pipeline)}
	}
	return produceAndWait(ctx, s, tp, msgs)
}

// openLettersOf reads the letters of a pipeline that no tombstone closed, in the order in which they were opened.
func openLettersOf(ctx context.Context, b Bus, tp kafka.TopicPartition, pipeline string) ([]openLetter, error) {
	infos, err := b.Describe(ctx, tp.Topic)
	if err != nil || infos[tp.Topic].ID == "" {
		return nil, err
	}
	ranges, err := b.Ranges(ctx, tp)
	if err != nil {
		return nil, err
	}
	r := ranges[tp]
	if r.Start >= r.End {
		return nil, nil
	}
	type place struct {
		letter openLetter
		at     int64
	}
	open := map[string]place{}
	err = b.ReadRange(ctx, tp, r.Start, r.End, func(d *bus.Delivered) error {
		if name := d.Header("truc_pipeline"); name != "" && name != pipeline {
			return nil
		}
		if d.Value == nil {
			delete(open, string(d.Key))
			return nil
		}
		l, err := DecodeLetter(d.Value)
		if err != nil {
			return err
		}
		open[string(d.Key)] = place{openLetter{append([]byte(nil), d.Key...), l}, d.Offset}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := make([]openLetter, 0, len(open))
	at := map[string]int64{}
	for k, p := range open {
		out = append(out, p.letter)
		at[k] = p.at
	}
	slices.SortFunc(out, func(a, b openLetter) int { return cmp.Compare(at[string(a.key)], at[string(b.key)]) })
	return out, nil
}
