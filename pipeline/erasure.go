package pipeline

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
)

// An erasure takes an entity off its topic: a deletion is published in its place, and the dead letters that hold it are closed.
//
//	what is there, on record ─► deletion, if the last event has a document ─► letters closed ─► done, request closed
//
// It runs before a session reads, with the fenced sender, as retries of letters do. What it writes is decided by what is on the
// topic, so that a crash anywhere repeats nothing: where the deletion has arrived, the last event has no document any more.

// Erasure asks a reader to take an entity off the topic of one of its pipelines. It names the entity by KeyDigest, and its result
// by no more than is shown, KeyHash: the key itself must not outlive the erasure on the bus.
type Erasure struct {
	Pipeline string `json:"pipeline"`
	Key      string `json:"key"`
	// Reason is the ground, for those who ask later. It holds no value of a row.
	Reason string `json:"reason"`
	// Deliveries are those of the node whose letters of the entity are closed, too.
	Deliveries []string `json:"deliveries,omitempty"`
}

// ShownKey is the KeyHash of the entity's key.
func (e *Erasure) ShownKey() string { return e.Key[:min(shownDigits, len(e.Key))] }

// ErasureResult says what became of an erasure. It stays on the requests topic, one for each request: who erased what, and why,
// is asked for years later.
type ErasureResult struct {
	Format int `json:"v"`
	// ID is that of the request.
	ID string `json:"id"`
	Erasure
	Topic string `json:"topic"`
	// Asked is when the request was made, Time when this was written.
	Asked time.Time `json:"asked"`
	Time  time.Time `json:"time"`
	// Documents are the events with a document of the entity that stood on the topic. They stand there until it is compacted.
	Documents int64 `json:"documents"`
	// Live says that the last of them was one: a deletion was published.
	Live bool `json:"live"`
	// Letters were open of the publishing pipeline, SinkLetters of the deliveries. They are closed.
	Letters     int64 `json:"letters"`
	SinkLetters int64 `json:"sinkLetters"`
	Done        bool  `json:"done"`
}

const (
	// erasurePrefix begins the keys of results; it cannot begin that of a request.
	erasurePrefix = "erased:"
	// erasureFormat is that of requests to erase. A version that does not know them must not take them for done.
	erasureFormat = 2
	// redeliveryErase marks the deletion that an erasure publishes.
	redeliveryErase = "erase"
)

func erasureKey(agency, reader, id string) string {
	return erasurePrefix + checkpointKey(agency, reader) + "#" + id
}

// erase does what was asked for, the oldest first. It ends early, between two entities, when ctx is done; the requests stay, and
// the next session goes on.
func (s *session) erase(ctx, work context.Context) error {
	slices.SortFunc(s.erasures, func(a, b Request) int { return cmp.Or(a.Made.Compare(b.Made), cmp.Compare(a.ID, b.ID)) })
	for _, q := range s.erasures {
		for _, p := range s.pipes {
			if p.Name != q.Erase.Pipeline {
				continue
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err := s.eraseEntity(work, p, q); err != nil {
				return fmt.Errorf("erase an entity of publish.%s: %w", p.Name, err)
			}
		}
	}
	s.erasures = nil
	return nil
}

func (s *session) eraseEntity(ctx context.Context, p *pipe, q Request) error {
	result, err := FindErasure(ctx, s.cfg.Bus, s.cfg.Agency, s.cfg.Source, q.ID)
	if err != nil || result != nil && result.Done {
		return err // done: the process died between this and the closing of the request
	}
	if !isDigest(q.Erase.Key) {
		s.cfg.Log.Error("a request to erase names no entity; it is not done", "pipeline", p.Name, "request", q.ID)
		return nil
	}
	held, err := FindEntity(ctx, s.cfg.Bus, EntityPlace{Agency: s.cfg.Agency, Source: s.cfg.Source, Publish: p.Publish, Deliveries: q.Erase.Deliveries}, q.Erase.Key)
	if err != nil {
		return err
	}
	if result == nil {
		result = &ErasureResult{
			ID: q.ID, Erasure: *q.Erase, Topic: p.Topic, Asked: q.Made, Documents: held.Documents, Live: held.Live(),
			Letters: int64(len(held.Letters)), SinkLetters: held.sinkLetters(),
		}
		result.Key = q.Erase.ShownKey()
		if err := s.saveErasure(ctx, result); err != nil {
			return err
		}
	}
	sequence := []byte(held.newest.next().String())
	for _, partition := range held.live {
		tp := kafka.TopicPartition{Topic: p.Topic, Partition: partition}
		deletions := p.tombstones([][]byte{held.Key}, sequence)
		deletions[0].Headers = append(deletions[0].Headers, bus.Header{Key: bus.HeaderRedelivery, Value: []byte(redeliveryErase)})
		if err := produceAndWait(ctx, s.sender, tp, deletions); err != nil {
			return err
		}
		p.rereads.forget(fingerprint(held.Key))
		p.stats.Deleted.Add(1)
	}
	closed := make([]event, len(held.Letters))
	for i, key := range held.Letters {
		closed[i] = event{kind: letterEvent, pipe: p, key: fingerprint(key), msg: bus.Message{Key: key}}
	}
	if len(closed) > 0 {
		if err := s.sendLetters(ctx, p, closed); err != nil {
			return err
		}
	}
	for _, delivery := range q.Erase.Deliveries {
		if keys := held.SinkLetters[delivery]; len(keys) > 0 {
			if err := DropLetters(ctx, s.cfg.Bus, bus.SinkDLQTopic(s.cfg.Agency, delivery), delivery, keys); err != nil {
				return err
			}
		}
	}
	result.Done = true
	if err := s.saveErasure(ctx, result); err != nil {
		return err
	}
	s.cfg.Log.Info("an entity was erased", "pipeline", p.Name, "key", q.Erase.ShownKey(), "request", q.ID, "deletion", result.Live,
		"letters", result.Letters, "sink_letters", result.SinkLetters)
	return nil
}

func (s *session) saveErasure(ctx context.Context, r *ErasureResult) error {
	r.Format, r.Time = 1, time.Now().UTC()
	value, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode the result of an erasure: %w", err)
	}
	return produceAndWait(ctx, s.sender, requestsPartition, []bus.Message{{Key: []byte(erasureKey(s.cfg.Agency, s.cfg.Source, r.ID)), Value: value}})
}

// next is the place directly behind one: newer than it, and not newer than any other change behind it.
func (s Sequence) next() Sequence {
	if s.Order.Minor < math.MaxUint32 {
		s.Order.Minor++
		return s
	}
	s.Order.Major, s.Order.Minor = s.Order.Major+1, 0
	return s
}

// FindErasure returns what became of a request to a reader to erase, nil when it has not begun.
func FindErasure(ctx context.Context, b Bus, agency, reader, id string) (*ErasureResult, error) {
	value, _, err := lastUnderKey(ctx, b, requestsPartition, erasureKey(agency, reader, id))
	if err != nil || value == nil {
		return nil, err
	}
	r := new(ErasureResult)
	if err := json.Unmarshal(value, r); err != nil || r.Format != 1 {
		return nil, fmt.Errorf("the result of the erasure %s on %s is not readable by this version", id, RequestsTopic)
	}
	return r, nil
}

// Erasures returns what a reader has erased, in the order in which it was asked for.
func Erasures(ctx context.Context, b Bus, agency, reader string) ([]ErasureResult, error) {
	infos, err := b.Describe(ctx, RequestsTopic)
	if err != nil || infos[RequestsTopic].ID == "" {
		return nil, err
	}
	ranges, err := b.Ranges(ctx, requestsPartition)
	if err != nil {
		return nil, err
	}
	span := ranges[requestsPartition]
	if span.Start >= span.End {
		return nil, nil
	}
	last := map[string]ErasureResult{}
	prefix := erasureKey(agency, reader, "")
	err = b.ReadRange(ctx, requestsPartition, span.Start, span.End, func(d *bus.Delivered) error {
		key := string(d.Key)
		if !strings.HasPrefix(key, prefix) {
			return nil
		}
		var r ErasureResult
		if d.Value != nil && json.Unmarshal(d.Value, &r) == nil && r.Format == 1 {
			last[key] = r
		}
		return nil
	})
	out := make([]ErasureResult, 0, len(last))
	for _, r := range last {
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b ErasureResult) int { return cmp.Or(a.Asked.Compare(b.Asked), cmp.Compare(a.ID, b.ID)) })
	return out, err
}
