package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
)

const (
	// retryGroup is how many letters are tried at a time, retryGroupBytes how much their rows may have taken when the letters
	// were written. A larger row travels alone.
	retryGroup      = 500
	retryGroupBytes = 8 << 20
	// retrySlice is for how many letters the topic is read once, to find out what is newer (10 MB).
	retrySlice = 250_000
)

// retryLetters tries the open letters that somebody asked for again, on the rows as they are now. It runs before the
// session reads, with the fenced sender, so that nothing of the same entity can be under way. What is published carries the
// letter's sequence and a marker; it is refused when the topic holds something newer of the entity: a crash can fall between
// that and the closing of the letter, and a row whose letter has no key may have got one since. A letter is closed when what
// it stood for is acknowledged: nothing would bring it back.
//
// It ends early, between two groups, when ctx is done; the request stays, and the next session goes on.
func (s *session) retryLetters(ctx, work context.Context) error {
	slices.SortFunc(s.retries, func(a, b Request) int { return cmp.Or(a.Made.Compare(b.Made), cmp.Compare(a.ID, b.ID)) })
	for _, q := range s.retries {
		for _, p := range s.pipes {
			if p.Name != q.Retry {
				continue
			}
			r := &retrial{s: s, p: p, t: newTranslator(s)}
			if err := r.run(ctx, work, q); err != nil {
				return fmt.Errorf("retry dead letters of publish.%s: %w", p.Name, err)
			}
		}
	}
	s.retries = nil
	return nil
}

// retrial is one retry of the letters of a pipeline.
type retrial struct {
	s       *session
	p       *pipe
	t       *translator
	fetcher adapters.Fetcher
	result  RetryResult
	// newest is the highest sequence that the topic holds, of the entities it was asked for.
	newest map[uint64]Sequence
	// asked are entities that turned up only when rows were translated, and postponed the letters of these rows: they are
	// tried again when the topic was asked for them.
	asked     map[uint64]Sequence
	postponed []letterPlace
}

func (r *retrial) run(ctx, work context.Context, q Request) error {
	s := r.s
	result, places, err := beginRetry(work, s.cfg.Bus, s.cfg.Agency, s.cfg.Source, r.p.dlq, r.p.Topic, q)
	if err != nil || result.Done {
		return err // done: the process died between this and the closing of the request
	}
	r.result = result
	if err := r.save(work); err != nil {
		return err
	}
	var can bool
	if r.fetcher, can = s.src.(adapters.Fetcher); !can {
		s.cfg.Log.Warn("letters cannot be retried: the source cannot re-read rows; they resolve when their rows change", "source", s.cfg.Source, "pipeline", r.p.Name)
		r.result.Unknown, places = int64(len(places)), nil
	}
	for len(places) > 0 {
		n := min(retrySlice, len(places))
		if err := r.slice(ctx, work, places[:n]); err != nil {
			return err
		}
		places = places[n:]
	}
	r.result.Done = true
	s.cfg.Log.Info("dead letters were tried again", "pipeline", r.p.Name, "letters", r.result.Total, "resolved", r.result.Resolved,
		"gone", r.result.Gone, "newer", r.result.Newer, "still_wrong", r.result.StillWrong(), "unknown", r.result.Unknown)
	return r.save(work)
}

// beginRetry finds the letters that a request means, and its result as far as it is. keyTopic is the one with whose name
// keys are hashed. A retry that was interrupted is gone on with: what it has tried is closed, or stands behind its bound.
func beginRetry(ctx context.Context, b Bus, agency, reader string, dlq kafka.TopicPartition, keyTopic string, q Request) (RetryResult, []letterPlace, error) {
	result := RetryResult{ID: q.ID, Pipeline: q.Retry}
	last, err := LastRetry(ctx, b, agency, reader, q.Retry)
	if err != nil {
		return result, nil, err
	}
	begun := last != nil && last.ID == q.ID
	if begun && last.Done {
		return *last, nil, nil
	}
	places, end, err := openPlaces(ctx, b, dlq, q.Retry)
	if err != nil {
		return result, nil, err
	}
	if begun {
		result = *last
		result.Resumed++
		result.Unknown = 0 // these are still there, and counted again
	} else {
		result.End = end
	}
	places = slices.DeleteFunc(places, func(p letterPlace) bool { return p.offset >= result.End })
	places, err = chosen(ctx, b, dlq, keyTopic, q.Retry, places, LetterFilter{Keys: q.RetryKeys, Reason: q.RetryReason, Field: q.RetryField})
	if !begun {
		result.Total = int64(len(places))
	}
	return result, places, err
}

// save puts the result as far as it is on the bus.
func (r *retrial) save(ctx context.Context) error {
	m, err := r.result.message(r.s.cfg.Agency, r.s.cfg.Source)
	if err != nil {
		return err
	}
	shown := r.result
	shown.Wrong = maps.Clone(r.result.Wrong)
	r.p.stats.Retry.Store(&shown)
	return produceAndWait(ctx, r.s.sender, requestsPartition, []bus.Message{m})
}

// slice tries so many letters as the topic is asked for at once. Rows may belong to other entities by now than their letters
// say: then the topic is asked once more.
func (r *retrial) slice(ctx, work context.Context, places []letterPlace) error {
	r.newest = make(map[uint64]Sequence, len(places))
	for i := range places {
		r.newest[places[i].key] = Sequence{}
	}
	const passes = 3
	for pass := 1; len(places) > 0; pass++ {
		if err := r.s.findNewest(work, r.p, r.newest); err != nil {
			return err
		}
		r.asked, r.postponed = map[uint64]Sequence{}, nil
		if pass == passes {
			r.asked = nil // rows that change their key again and again: what is tried now asks for itself
		}
		if err := r.pass(ctx, work, places); err != nil {
			return err
		}
		slices.SortFunc(r.postponed, func(a, b letterPlace) int { return cmp.Compare(a.offset, b.offset) })
		places, r.newest = r.postponed, r.asked
	}
	return nil
}

// pass reads letters and tries them in groups.
func (r *retrial) pass(ctx, work context.Context, places []letterPlace) error {
	var group []openLetter
	size := 0
	flush := func() error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		err := r.group(work, group)
		group, size = nil, 0
		return err
	}
	err := readLetters(work, r.s.cfg.Bus, r.p.dlq, r.p.Name, places, func(l openLetter) error {
		if len(group) > 0 && (len(group) == retryGroup || size > retryGroupBytes || !slices.Equal(group[0].letter.RowKey, l.letter.RowKey)) {
			if err := flush(); err != nil {
				return err
			}
		}
		size += l.letter.rowSize()
		l.letter.forget()
		group = append(group, l)
		return nil
	})
	if err != nil || len(group) == 0 {
		return err
	}
	return flush()
}

// findNewest fills in the highest sequence that the topic holds of each key.
func (s *session) findNewest(ctx context.Context, p *pipe, keys map[uint64]Sequence) error {
	if len(keys) == 0 {
		return nil
	}
	parts := s.parts[p.first : p.first+p.Partitions]
	ranges, err := s.cfg.Bus.Ranges(ctx, parts...)
	if err != nil {
		return err
	}
	for _, tp := range parts {
		span := ranges[tp]
		if span.Start >= span.End {
			continue
		}
		err := s.cfg.Bus.ReadRange(ctx, tp, span.Start, span.End, func(d *bus.Delivered) error {
			fp := fingerprint(d.Key)
			known, wanted := keys[fp]
			if !wanted {
				return nil
			}
			if e, err := bus.ParseEvent(d); err == nil && e.Source == p.source {
				if seq, ok := ParseSequence(e.Sequence); ok && seq.Compare(known) > 0 {
					keys[fp] = seq
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// markRedelivery gives a retried event the sequence of its letter, so that newer wins at every subscriber, and marks it.
func (e *event) markRedelivery(sequence string) {
	e.redelivery = true
	e.sequence = []byte(sequence)
	if e.kind != publishEvent {
		return
	}
	e.id = appendHex64(append([]byte(sequence), '-'), e.key)
	e.msg.Headers = []bus.Header{
		{Key: bus.HeaderID, Value: e.id},
		{Key: bus.HeaderSubject, Value: e.msg.Key},
		{Key: bus.HeaderTime, Value: e.msg.Headers[2].Value},
		{Key: bus.HeaderSequence, Value: e.sequence},
		{Key: bus.HeaderRedelivery, Value: []byte("retry")},
	}
}
