package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/mapping"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
)

// VerifyPublish compares a source's table, translated, with the topic, and leaves control totals on the bus when they agree.
func VerifyPublish(ctx context.Context, b Bus, src adapters.Source, source string, p Publish, opt VerifyOptions) (Verdict, error) {
	v := Verdict{Pipeline: p.Name, Left: "source", Right: "topic"}
	scanner, ok := src.(adapters.Scanner)
	if !ok {
		return v, &adapters.RefusedError{Where: "source " + source, What: problem.Say("its adapter cannot read a table for comparison"), Fix: problem.Say("use an adapter that can, or compare with the sink alone")}
	}
	name := bus.SourceName(p.Agency, source, p.Name)
	pi := newPipe(p, source, &PublishStats{})
	var excluded map[uint64]struct{}
	// Letters are opened and closed meanwhile: what is known to differ is asked for again whenever the sides are read.
	begin := func(ctx context.Context) (err error) {
		excluded, err = lettered(ctx, b, pi.dlq, p.Name)
		v.Excluded = int64(len(excluded))
		return err
	}
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
	cmp := comparison{begin: begin, left: rows, right: published, topic: p.Topic, opt: opt}
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

// Verify compares topics, translated, with a sink's table, and each topic with its publisher's control totals. A delivery that
// only updates is compared over the rows that it has written; one that appends is not compared, and the verdict says so.
func (d *Delivery) Verify(ctx context.Context, opt VerifyOptions) (Verdict, error) {
	v := Verdict{Pipeline: d.cfg.Name, Left: "topic", Right: "sink"}
	if d.target.Write == record.AppendOnly {
		v.Skipped = problem.Say("write: append: the table is an inbox with one row an event, which its agency takes out; it has no state to compare")
		return v, nil
	}
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
		return v, &adapters.RefusedError{Where: "subscribe." + d.cfg.Name, What: problem.Say("its sink cannot be read back"), Fix: problem.Say("use an adapter that can")}
	}
	b := KafkaBus{d.cfg.Client}
	topics, err := d.Topics(ctx)
	if err != nil {
		return v, err
	}
	var excluded map[uint64]struct{}
	begin := func(ctx context.Context) (err error) {
		excluded, err = lettered(ctx, b, kafka.TopicPartition{Topic: bus.SinkDLQTopic(d.cfg.Agency, d.cfg.Name)}, d.cfg.Name)
		v.Excluded = int64(len(excluded))
		return err
	}
	unmapped := 0
	events := func(ctx context.Context, fn func([]byte, uint64)) error {
		written, err := d.updated(ctx, reader)
		if err != nil {
			return err
		}
		v.Absent, unmapped = 0, 0
		present := func(key []byte, content uint64) {
			if _, ok := written[fingerprint(key)]; written != nil && !ok {
				v.Absent++
				return
			}
			fn(key, content)
		}
		// Nothing in the sink equals an event that cannot be mapped. Its letter may be on its way.
		strange := func(key []byte) {
			unmapped++
			fn(key, 0)
		}
		for _, topic := range topics {
			if err := d.expected(ctx, b, topic, excluded, present, strange); err != nil {
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
	cmp := comparison{begin: begin, left: events, right: rows, topic: d.target.Table, opt: opt}
	err = cmp.run(ctx, &v)
	if err == nil && unmapped > 0 {
		err = errors.New("an event on the topic cannot be mapped, and no dead letter says so: is the delivery running, with this mapping?")
	}
	if err != nil {
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

// updated are the fingerprints of the keys whose row a delivery that only updates has written and the table still has; nil for
// other deliveries. For a key whose row was not there such a delivery writes nothing, not even bookkeeping.
func (d *Delivery) updated(ctx context.Context, reader adapters.SinkReader) (map[uint64]struct{}, error) {
	if d.target.Write != record.UpdateOnly {
		return nil, nil //nolint:nilnil // all keys
	}
	keys := map[uint64]struct{}{}
	err := reader.Rows(ctx, d.target, func(r adapters.SinkRow) error {
		if r.Found {
			keys[fingerprint(sinkKey(r.Key))] = struct{}{}
		}
		return nil
	})
	return keys, err
}

// expected yields what the sink should hold of one topic: the last event of each key, mapped; those that the mapping does not take
// go to strange, by the names of their letters.
func (d *Delivery) expected(ctx context.Context, b Bus, topic string, excluded map[uint64]struct{}, fn func([]byte, uint64), strange func([]byte)) error {
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
		live, odd := map[string]row{}, map[string]struct{}{}
		last := map[string]string{}
		var parser bus.EventParser
		err = b.ReadRange(ctx, tp, r.Start, r.End, func(rec *bus.Delivered) error {
			e, err := d.event(&parser, rec)
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
			delete(odd, string(rec.Key))
			if e.Data == nil {
				return nil
			}
			var c record.Change
			at, _ := time.Parse(time.RFC3339Nano, e.Time)
			view := mapping.EventView{ID: e.ID, Op: string(e.Op), Time: at, Agency: e.Agency, Sequence: e.Sequence, Dataset: e.Dataset, Key: e.Key}
			if _, violations := tr.Change(view, e.Data, &c); len(violations) > 0 {
				odd[string(rec.Key)] = struct{}{}
				return nil
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
		for key := range odd {
			strange(letterKey(topic, []byte(key)))
		}
	}
	return nil
}

// lettered are the fingerprints of the keys that have an open letter.
func lettered(ctx context.Context, b Bus, dlq kafka.TopicPartition, pipeline string) (map[uint64]struct{}, error) {
	places, _, err := openPlaces(ctx, b, dlq, pipeline)
	keys := make(map[uint64]struct{}, len(places))
	for i := range places {
		keys[places[i].key] = struct{}{}
	}
	return keys, err
}
