package pipeline

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"

	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
)

// Entity is what a node holds of one entity on the bus.
type Entity struct {
	// Key is its key; nil where the topic holds nothing under it.
	Key []byte
	// Documents are the records on the topic that hold a document of it.
	Documents int64
	// Letters are the keys of the open letters of the publishing pipeline, SinkLetters those of deliveries, by their names.
	Letters     [][]byte
	SinkLetters map[string][][]byte
	// LetterRecords are all records of letters about it, closed ones too, on the topics of dead letters.
	LetterRecords int64
	// Keyless are the open letters of the publishing pipeline whose rows gave no key: nobody knows whose they are.
	Keyless int64

	live   []int32 // partitions whose last record of it holds a document
	newest Sequence
}

// Live reports whether the last record of the entity holds a document.
func (e *Entity) Live() bool { return len(e.live) > 0 }

func (e *Entity) sinkLetters() (n int64) {
	for _, keys := range e.SinkLetters {
		n += int64(len(keys))
	}
	return n
}

// EntityPlace says where a node may hold an entity.
type EntityPlace struct {
	// Agency is the node's, Source the one that feeds the pipeline.
	Agency, Source string
	Publish        Publish
	Deliveries     []string
}

// shownDigits is how much of a KeyDigest is shown: as much as of a KeyHash.
const shownDigits = 12

// KeyDigest names an entity key without telling it, keyed as KeyHash is, and too long for two keys to share one: 64 hex digits,
// of which KeyHash is the beginning.
func KeyDigest(topic string, key []byte) string {
	return hex.EncodeToString(newDigester(topic).sum(key))
}

func isDigest(text string) bool {
	b, err := hex.DecodeString(text)
	return err == nil && len(b) == sha256.Size
}

// digester computes the digests of many keys.
type digester struct {
	mac hash.Hash
	out []byte
}

func newDigester(topic string) *digester {
	return &digester{mac: hmac.New(sha256.New, []byte("truc/"+topic))}
}

// sum is valid until the next call.
func (d *digester) sum(key []byte) []byte {
	d.mac.Reset()
	_, _ = d.mac.Write(key)
	d.out = d.mac.Sum(d.out[:0])
	return d.out
}

// FindEntity looks for an entity, named by the KeyDigest of its key, on the topic of a pipeline and among the letters of the node.
// It reads these topics whole, and changes nothing.
func FindEntity(ctx context.Context, b Bus, at EntityPlace, digest string) (*Entity, error) {
	wanted, err := hex.DecodeString(digest)
	if err != nil {
		return nil, fmt.Errorf("find an entity by the digest of its key: %w", err)
	}
	d := newDigester(at.Publish.Topic)
	is := func(key []byte) bool { return bytes.Equal(d.sum(key), wanted) }
	e := &Entity{SinkLetters: map[string][][]byte{}}
	if err := e.onTopic(ctx, b, at, is); err != nil {
		return nil, err
	}
	dlq := at.Publish.Topic + bus.DLQSuffix
	if e.Letters, err = e.letters(ctx, b, dlq, at.Publish.Name, is); err != nil {
		return nil, err
	}
	if e.Keyless, err = keyless(ctx, b, dlq, at.Publish.Name); err != nil {
		return nil, err
	}
	of := letterKey(at.Publish.Topic, nil)
	for _, name := range at.Deliveries {
		keys, err := e.letters(ctx, b, bus.SinkDLQTopic(at.Agency, name), name, func(key []byte) bool {
			rest, ours := bytes.CutPrefix(key, of)
			return ours && is(rest)
		})
		if err != nil {
			return nil, err
		}
		if len(keys) > 0 {
			e.SinkLetters[name] = keys
		}
	}
	return e, nil
}

// onTopic reads every partition: a key stays where it was when a topic is given more of them.
func (e *Entity) onTopic(ctx context.Context, b Bus, at EntityPlace, is func(key []byte) bool) error {
	topic, source := at.Publish.Topic, bus.SourceName(at.Publish.Agency, at.Source, at.Publish.Name)
	infos, err := b.Describe(ctx, topic)
	if err != nil {
		return err
	}
	for n := range infos[topic].Partitions {
		tp := kafka.TopicPartition{Topic: topic, Partition: int32(n)}
		ranges, err := b.Ranges(ctx, tp)
		if err != nil {
			return err
		}
		span := ranges[tp]
		if span.Start >= span.End {
			continue
		}
		live := false
		err = b.ReadRange(ctx, tp, span.Start, span.End, func(d *bus.Delivered) error {
			if !is(d.Key) {
				return nil
			}
			if e.Key == nil {
				e.Key = append([]byte{}, d.Key...)
			}
			if live = d.Value != nil; live {
				e.Documents++
			}
			if event, err := bus.ParseEvent(d); err == nil && event.Source == source {
				if s, ok := ParseSequence(event.Sequence); ok && s.Compare(e.newest) > 0 {
					e.newest = s
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		if live {
			e.live = append(e.live, tp.Partition)
		}
	}
	return nil
}

// letters returns the keys of the open letters of a pipeline that are about the entity, and counts all records that are.
func (e *Entity) letters(ctx context.Context, b Bus, dlq, pipeline string, is func(key []byte) bool) (open [][]byte, err error) {
	found := map[string]bool{}
	_, err = scanLetters(ctx, b, kafka.TopicPartition{Topic: dlq}, pipeline, func(d *bus.Delivered) error {
		if !is(d.Key) {
			return nil
		}
		if found[string(d.Key)] = d.Value != nil; d.Value != nil {
			e.LetterRecords++
		}
		return nil
	})
	for key, isOpen := range found {
		if isOpen {
			open = append(open, []byte(key))
		}
	}
	return open, err
}

// keyless counts the open letters of a pipeline that stand under the place of a change, for want of a key.
func keyless(ctx context.Context, b Bus, dlq, pipeline string) (int64, error) {
	open := map[uint64]struct{}{}
	_, err := scanLetters(ctx, b, kafka.TopicPartition{Topic: dlq}, pipeline, func(d *bus.Delivered) error {
		if len(d.Key) == 0 || d.Key[0] != '@' {
			return nil
		}
		if d.Value == nil {
			delete(open, fingerprint(d.Key))
		} else {
			open[fingerprint(d.Key)] = struct{}{}
		}
		return nil
	})
	return int64(len(open)), err
}
