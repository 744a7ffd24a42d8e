package pipeline

import (
	"context"
	"hash/maphash"

	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
)

// topicContents are the live keys of a topic; its totals are complete when the last key has been read.
type topicContents struct {
	contents
	totals totals
}

const (
	// invalid is the content of a row without a letter that gives no valid document: it equals nothing on the topic.
	invalid = 0
	// foreign is the content of a key whose last record is not an event of the pipeline: it equals no document.
	foreign = 1
)

// documentContent is what documents are compared by within this process.
func documentContent(document []byte) uint64 { return maphash.Bytes(documentSeed, document) }

// topicState reads a whole topic and keeps the last content of each live key, but for keys to skip. A topic belongs to one
// pipeline: what somebody else put under a key hides what was there, from whoever reads the topic and from compaction.
func topicState(ctx context.Context, b Bus, topic string, partitions int, source string, skip func(key []byte) bool, opt VerifyOptions, in *selection) (*topicContents, error) {
	parts := make([]kafka.TopicPartition, partitions)
	for i := range parts {
		parts[i] = kafka.TopicPartition{Topic: topic, Partition: int32(i)}
	}
	ranges, err := b.Ranges(ctx, parts...)
	if err != nil {
		return nil, err
	}
	type record = [4]uint64 // hash of the key, place and in its lowest bit whether it lives, content, digest
	s := &sorter[record]{dir: opt.tempDir, limit: opt.held}
	out := &topicContents{}
	place := uint64(0)
	for _, tp := range parts {
		r := ranges[tp]
		out.totals.Ends = append(out.totals.Ends, r.End)
		if r.Start >= r.End {
			continue
		}
		err := b.ReadRange(ctx, tp, r.Start, r.End, func(d *bus.Delivered) error {
			if skip(d.Key) {
				return nil
			}
			place += 2
			v := record{in.hash(d.Key), place}
			if d.Value == nil {
				return s.add(v)
			}
			v[1] |= 1
			if e, err := bus.ParseEvent(d); err != nil || e.Source != source {
				v[2], v[3] = foreign, digest(d.Key, foreign)
			} else {
				v[2], v[3] = documentContent(d.Value), digest(d.Key, contentHash(d.Value))
			}
			return s.add(v)
		})
		if err != nil {
			s.close()
			return nil, err
		}
	}
	sorted, err := s.sorted()
	if err != nil {
		s.close()
		return nil, err
	}
	last := lastOfKeys[record]{from: sorted}
	out.close = s.close
	out.next = func() (uint64, uint64, bool, error) {
		for {
			v, more, err := last.next()
			if err != nil || !more {
				return 0, 0, false, err
			}
			if v[1]&1 == 1 {
				out.totals.Keys++
				out.totals.Digest += v[3]
				return v[0], v[2], true, nil
			}
		}
	}
	return out, nil
}
