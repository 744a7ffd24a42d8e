package pipeline

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/bus/kafka"
)

// sinkState is where a delivery stands on its partitions.
type sinkState struct {
	// committed is what the sink has stored; every Apply must start from exactly this.
	committed adapters.Offsets
	// read is the next offset that was not taken yet; beyond committed while changes are parked.
	read     adapters.Offsets
	ranges   map[kafka.TopicPartition]kafka.Range
	topicIDs map[string]string
}

// advance takes a fetched piece into account.
func (s *sinkState) advance(f *fetched) {
	mark := parseDeliveryMark(s.read[f.partition].Mark)
	mark.TopicID = s.topicIDs[f.partition.Topic]
	s.read[f.partition] = adapters.Offset{Next: f.next, Mark: mark.after(f.records).String()}
}

// offsets asks the sink where it stands and compares that with the topics. stale says that deletions may have been missed:
// the sink was away for longer than half of the time tombstones live, or a topic begins after the place where it stopped.
// What cannot be explained by absence is a gap, unless somebody has asked for a reconcile.
func (d *Delivery) offsets(ctx context.Context, sink adapters.Sink, parts []kafka.TopicPartition, asked, away bool) (s *sinkState, stale bool, err error) {
	wanted := make([]adapters.TopicPartition, len(parts))
	for i, p := range parts {
		wanted[i] = adapters.TopicPartition(p)
	}
	committed, err := sink.Offsets(ctx, d.cfg.Name, wanted)
	if err != nil {
		return nil, false, err
	}
	ranges, err := d.cfg.Client.Ranges(ctx, parts...)
	if err != nil {
		return nil, false, err
	}
	ids, err := d.topicIDs(ctx, parts)
	if err != nil {
		return nil, false, err
	}
	s = &sinkState{committed: adapters.Offsets{}, read: adapters.Offsets{}, ranges: ranges, topicIDs: ids}
	for i, p := range parts {
		at, r := committed[wanted[i]], ranges[p]
		s.committed[wanted[i]] = at
		s.read[wanted[i]] = at
		if at.Next == 0 {
			s.read[wanted[i]] = adapters.Offset{Next: r.Start} // whoever begins begins with what there is
		}
		if !asked {
			if err := d.recognise(ctx, p, at, ids[p.Topic], r); err != nil {
				return nil, false, err
			}
		}
		if at.Next > 0 && (at.Next < r.Start || away && at.Next < r.End) {
			stale = true
		}
	}
	return s, stale, nil
}

func (d *Delivery) topicIDs(ctx context.Context, parts []kafka.TopicPartition) (map[string]string, error) {
	ids := map[string]string{}
	for _, p := range parts {
		ids[p.Topic] = ""
	}
	infos, err := d.cfg.Client.Describe(ctx, slices.Collect(maps.Keys(ids))...)
	if err != nil {
		return nil, err
	}
	for topic := range ids {
		ids[topic] = infos[topic].ID
	}
	return ids, nil
}

// wasAway reports whether deletions may have been compacted away since the sink last took events.
func (d *Delivery) wasAway(ctx context.Context, sink adapters.Sink) (bool, error) {
	sweeper, ok := sink.(adapters.Sweeper)
	if !ok {
		return false, nil
	}
	last, err := sweeper.LastApply(ctx, d.cfg.Name)
	return last != 0 && d.cfg.Now().Sub(time.Unix(last, 0)) > DeleteRetention/2, err
}
