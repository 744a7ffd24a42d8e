package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/mapping"
	"github.com/lienthong/truc/record"
)

// Verdict is the outcome of comparing two sides key by key.
type Verdict struct {
	Pipeline string `json:"pipeline"`
	// Left and Right name what was compared: "source", "topic", "sink".
	Left  string `json:"left"`
	Right string `json:"right"`
	// LeftKeys and RightKeys count the live keys of each side.
	LeftKeys  int64 `json:"leftKeys"`
	RightKeys int64 `json:"rightKeys"`
	Equal     bool  `json:"equal"`
	// Excluded counts keys with an open dead letter: they are known to differ, and why.
	Excluded int64 `json:"excluded,omitempty"`
	// Differences are at most MaxDifferences; DifferenceCount counts all.
	Differences     []Difference `json:"differences,omitempty"`
	DifferenceCount int64        `json:"differenceCount,omitempty"`
	// Totals says how the topic compares with the control totals its publisher left; empty when there are none to compare with.
	Totals string `json:"totals,omitempty"`
}

// Difference names one key, hashed, and what is wrong with it.
type Difference struct {
	Key  string `json:"key"`
	What string `json:"what"`
}

// MaxDifferences is how many differing keys a verdict names.
const MaxDifferences = 100

// VerifyOptions bound a verification.
type VerifyOptions struct {
	// Settle is how long a key may differ before it counts: what is on its way arrives meanwhile. 0 means 10 s.
	Settle time.Duration
}

// side yields each live key of one side with a hash of its content. It may be asked several times.
type side func(ctx context.Context, fn func(key []byte, content uint64)) error

// comparison holds two sides against each other. A key that differs is looked at again until it is equal or Settle has
// passed, so that sides which move while they are read are compared at a place that all have passed.
type comparison struct {
	left, right side
	// topic names the key hashes.
	topic string
	opt   VerifyOptions
}

type pairing struct{ left, right uint64 }

func (c *comparison) run(ctx context.Context, v *Verdict) error {
	if c.opt.Settle == 0 {
		c.opt.Settle = 10 * time.Second
	}
	all := func(uint64) bool { return true }
	left, err := c.collect(ctx, c.left, all)
	if err != nil {
		return err
	}
	right, err := c.collect(ctx, c.right, all)
	if err != nil {
		return err
	}
	v.LeftKeys, v.RightKeys = int64(len(left)), int64(len(right))
	suspects := differing(left, right)
	settled := len(left) - present(suspects, left) // keys that both sides have, with one content
	deadline := time.Now().Add(c.opt.Settle)
	for len(suspects) > 0 {
		if !sleep(ctx, 400*time.Millisecond) {
			return ctx.Err()
		}
		in := func(fp uint64) bool { _, ok := suspects[fp]; return ok }
		left, err := c.collect(ctx, c.left, in)
		if err != nil {
			return err
		}
		right, err := c.collect(ctx, c.right, in)
		if err != nil {
			return err
		}
		diff := differing(left, right)
		v.LeftKeys, v.RightKeys = int64(settled+len(left)), int64(settled+len(right))
		settled += len(left) - present(diff, left)
		if len(diff) == 0 {
			break
		}
		if time.Now().After(deadline) {
			return c.name(ctx, v, diff)
		}
		suspects = diff
	}
	v.Equal = true
	return nil
}

func (c *comparison) collect(ctx context.Context, s side, want func(uint64) bool) (map[uint64]uint64, error) {
	out := map[uint64]uint64{}
	err := s(ctx, func(key []byte, content uint64) {
		if fp := fingerprint(key); want(fp) {
			out[fp] = content
		}
	})
	return out, err
}

// present counts the suspects that a side has.
func present(suspects map[uint64]pairing, side map[uint64]uint64) (n int) {
	for fp := range suspects {
		if _, ok := side[fp]; ok {
			n++
		}
	}
	return n
}

func differing(left, right map[uint64]uint64) map[uint64]pairing {
	out := map[uint64]pairing{}
	for fp, l := range left {
		if r, ok := right[fp]; !ok || r != l {
			out[fp] = pairing{l, r}
		}
	}
	for fp, r := range right {
		if _, ok := left[fp]; !ok {
			out[fp] = pairing{0, r}
		}
	}
	return out
}

// name finds the keys behind the fingerprints that still differ.
func (c *comparison) name(ctx context.Context, v *Verdict, diff map[uint64]pairing) error {
	v.DifferenceCount = int64(len(diff))
	type found struct {
		key         []byte
		left, right bool
	}
	named := map[uint64]*found{}
	note := func(mark func(*found)) func(key []byte, _ uint64) {
		return func(key []byte, _ uint64) {
			fp := fingerprint(key)
			if _, ok := diff[fp]; !ok {
				return
			}
			f := named[fp]
			if f == nil {
				if len(named) >= MaxDifferences {
					return
				}
				f = &found{key: append([]byte(nil), key...)}
				named[fp] = f
			}
			mark(f)
		}
	}
	if err := c.left(ctx, note(func(f *found) { f.left = true })); err != nil {
		return err
	}
	if err := c.right(ctx, note(func(f *found) { f.right = true })); err != nil {
		return err
	}
	for _, f := range named {
		what := "content differs"
		switch {
		case !f.right:
			what = "missing in the " + v.Right
		case !f.left:
			what = "only in the " + v.Right + ", not in the " + v.Left
		}
		v.Differences = append(v.Differences, Difference{Key: KeyHash(c.topic, f.key), What: what})
	}
	slices.SortFunc(v.Differences, func(a, b Difference) int { return slices.Compare([]byte(a.Key), []byte(b.Key)) })
	return nil
}

// VerifyPublish compares a source's table, translated, with the topic, and leaves control totals on the bus when they agree.
func VerifyPublish(ctx context.Context, b Bus, src adapters.Source, source string, p Publish, opt VerifyOptions) (Verdict, error) {
	v := Verdict{Pipeline: p.Name, Left: "source", Right: "topic"}
	scanner, ok := src.(adapters.Scanner)
	if !ok {
		return v, &adapters.RefusedError{Where: "source " + source, What: "its adapter cannot read a table for comparison", Fix: "use an adapter that can, or compare with the sink alone"}
	}
	name := bus.SourceName(p.Agency, source, p.Name)
	pi := newPipe(p, source, &PublishStats{})
	excluded := map[uint64]struct{}{}
	letters, err := openLettersOf(ctx, b, pi.dlq, p.Name)
	if err != nil {
		return v, err
	}
	for _, l := range letters {
		excluded[fingerprint(l.key)] = struct{}{}
	}
	v.Excluded = int64(len(excluded))
	skip := func(key []byte) bool { _, ok := excluded[fingerprint(key)]; return ok }
	rows := func(ctx context.Context, fn func([]byte, uint64)) error {
		translators := map[*record.Table]*mapping.Translator{}
		var key, doc []byte
		return scanner.Scan(ctx, p.Table, func(t *record.Table, rows []record.Row) error {
			tr := translators[t]
			if tr == nil {
				plan, err := pi.plan(t)
				if err != nil {
					return err
				}
				tr = plan.NewTranslator()
				translators[t] = tr
			}
			for _, row := range rows {
				if tr.Keep(row) != mapping.Live {
					continue
				}
				var known bool
				var bad int
				key, known = tr.Key(key[:0], row)
				out, _, violations := tr.Document(doc[:0], row)
				doc, bad = out, len(violations)
				if !known || skip(key) {
					continue
				}
				content := contentHash(doc)
				if bad > 0 {
					content = 0 // invalid, and without a letter: it must show
				}
				fn(key, content)
			}
			return nil
		})
	}
	var total totals
	published := func(ctx context.Context, fn func([]byte, uint64)) error {
		state, err := topicState(ctx, b, p.Topic, p.Partitions, name, skip)
		if err != nil {
			return err
		}
		total = state.totals
		for key, content := range state.live {
			fn([]byte(key), content)
		}
		return nil
	}
	cmp := comparison{left: rows, right: published, topic: p.Topic, opt: opt}
	if err := cmp.run(ctx, &v); err != nil {
		return v, fmt.Errorf("verify publish.%s: %w", p.Name, err)
	}
	if v.Equal && len(excluded) == 0 {
		if err := putTotals(ctx, b, name, p.Topic, total); err != nil {
			return v, fmt.Errorf("leave control totals of publish.%s: %w", p.Name, err)
		}
	}
	return v, nil
}

// topicContents is what a topic holds, key by key.
type topicContents struct {
	live   map[string]uint64
	totals totals
}

// foreign is the content of a key whose last record is not an event of the pipeline: it equals no document.
const foreign = 1

// topicState reads a whole topic and keeps the last content of each live key, but for keys to skip. A topic belongs to one
// pipeline: what somebody else put under a key hides what was there, from whoever reads the topic and from compaction.
func topicState(ctx context.Context, b Bus, topic string, partitions int, source string, skip func(key []byte) bool) (*topicContents, error) {
	s := &topicContents{live: map[string]uint64{}}
	parts := make([]kafka.TopicPartition, partitions)
	for i := range parts {
		parts[i] = kafka.TopicPartition{Topic: topic, Partition: int32(i)}
	}
	ranges, err := b.Ranges(ctx, parts...)
	if err != nil {
		return nil, err
	}
	for _, tp := range parts {
		r := ranges[tp]
		s.totals.Ends = append(s.totals.Ends, r.End)
		if r.Start >= r.End {
			continue
		}
		err := b.ReadRange(ctx, tp, r.Start, r.End, func(d *bus.Delivered) error {
			if skip(d.Key) {
				return nil
			}
			if d.Value == nil {
				delete(s.live, string(d.Key))
				return nil
			}
			content := contentHash(d.Value)
			if e, err := bus.ParseEvent(d); err != nil || e.Source != source {
				content = foreign
			}
			s.live[string(d.Key)] = content
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	for key, content := range s.live {
		s.totals.add([]byte(key), content)
	}
	return s, nil
}

// Verify compares topics, translated, with a sink's table, and each topic with its publisher's control totals.
func (d *Delivery) Verify(ctx context.Context, opt VerifyOptions) (Verdict, error) {
	v := Verdict{Pipeline: d.cfg.Name, Left: "topic", Right: "sink"}
	sink, err := d.cfg.Open()
	if err != nil {
		return v, err
	}
	defer sink.Close()
	if err := sink.Open(ctx); err != nil {
		return v, err
	}
	reader, ok := sink.(adapters.SinkReader)
	if !ok {
		return v, &adapters.RefusedError{Where: "subscribe." + d.cfg.Name, What: "its sink cannot be read back", Fix: "use an adapter that can"}
	}
	b := KafkaBus{d.cfg.Client}
	topics, err := d.Topics(ctx)
	if err != nil {
		return v, err
	}
	excluded := map[uint64]struct{}{}
	letters, err := openLettersOf(ctx, b, kafka.TopicPartition{Topic: bus.SinkDLQTopic(d.cfg.Agency, d.cfg.Name)}, d.cfg.Name)
	if err != nil {
		return v, err
	}
	for _, l := range letters {
		excluded[fingerprint(l.key)] = struct{}{}
	}
	v.Excluded = int64(len(excluded))
	events := func(ctx context.Context, fn func([]byte, uint64)) error {
		for _, topic := range topics {
			if err := d.expected(ctx, b, topic, excluded, fn); err != nil {
				return err
			}
		}
		return nil
	}
	rows := func(ctx context.Context, fn func([]byte, uint64)) error {
		return reader.Rows(ctx, d.target, func(r adapters.SinkRow) error {
			if r.Found {
				fn(sinkKey(r.Key), sinkContent(r.Values))
			}
			return nil
		})
	}
	cmp := comparison{left: events, right: rows, topic: d.target.Table, opt: opt}
	if err := cmp.run(ctx, &v); err != nil {
		return v, fmt.Errorf("verify subscribe.%s: %w", d.cfg.Name, err)
	}
	for _, topic := range topics {
		agrees, known, err := compareTotals(ctx, b, topic)
		if err != nil {
			return v, err
		}
		switch {
		case !known:
		case agrees:
			if v.Totals == "" {
				v.Totals = "equal"
			}
		default:
			v.Totals, v.Equal = "the topic "+topic+" differs from the control totals its publisher left", false
		}
	}
	return v, nil
}

// expected yields what the sink should hold of one topic: the last event of each key, mapped.
func (d *Delivery) expected(ctx context.Context, b Bus, topic string, excluded map[uint64]struct{}, fn func([]byte, uint64)) error {
	infos, err := b.Describe(ctx, topic)
	if err != nil {
		return err
	}
	tr := d.cfg.Plan.NewTranslator()
	type row struct {
		key     []byte
		content uint64
	}
	for n := range infos[topic].Partitions {
		tp := kafka.TopicPartition{Topic: topic, Partition: int32(n)}
		ranges, err := b.Ranges(ctx, tp)
		if err != nil {
			return err
		}
		r := ranges[tp]
		if r.Start >= r.End {
			continue
		}
		live := map[string]row{}
		last := map[string]string{}
		err = b.ReadRange(ctx, tp, r.Start, r.End, func(rec *bus.Delivered) error {
			e, err := d.event(rec)
			if err != nil {
				return nil //nolint:nilerr // a foreign record has a dead letter; there is no row to expect
			}
			if _, ok := excluded[fingerprint(letterKey(topic, rec.Key))]; ok {
				return nil
			}
			// Newer wins, as at the sink.
			if was, ok := last[string(rec.Key)]; ok && e.Sequence < was {
				return nil
			}
			last[string(rec.Key)] = e.Sequence
			delete(live, string(rec.Key))
			if e.Data == nil {
				return nil
			}
			var c record.Change
			at, _ := time.Parse(time.RFC3339Nano, e.Time)
			view := mapping.EventView{ID: e.ID, Op: string(e.Op), Time: at, Agency: e.Agency, Sequence: e.Sequence, Dataset: e.Dataset, Key: e.Key}
			if _, violations := tr.Change(view, e.Data, &c); len(violations) > 0 {
				return errors.New("an event on the topic cannot be mapped, and no dead letter says so: is the delivery running, with this mapping?")
			}
			if !c.Delete {
				live[string(rec.Key)] = row{sinkKey(c.Key), sinkContent(c.Values)}
			}
			return nil
		})
		if err != nil {
			return err
		}
		for _, l := range live {
			fn(l.key, l.content)
		}
	}
	return nil
}
