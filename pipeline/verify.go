package pipeline

import (
	"context"
	"fmt"

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
	scan := func(ctx context.Context, fn func([]byte, uint64) error) error {
		translators := scanTranslators{pipe: pi}
		var key, doc []byte
		return scanner.Scan(ctx, p.Table, func(t *record.Table, rows []record.Row) error {
			tr, err := translators.of(t)
			if err != nil {
				return err
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
				content := documentContent(doc)
				if bad > 0 {
					content = invalid // and without a letter: it must show
				}
				if err := fn(key, content); err != nil {
					return err
				}
			}
			return nil
		})
	}
	rows := func(ctx context.Context, in *selection) (contents, error) { return keyed(ctx, opt, in, scan) }
	var state *topicContents // as it was read last
	published := func(ctx context.Context, in *selection) (out contents, err error) {
		if state, err = topicState(ctx, b, p.Topic, p.Partitions, name, skip, opt, in); err != nil {
			return out, err
		}
		return state.contents, nil
	}
	cmp := comparison{begin: begin, left: rows, right: published, topic: p.Topic, opt: opt}
	if err := cmp.run(ctx, &v); err != nil {
		return v, fmt.Errorf("verify publish.%s: %w", p.Name, err)
	}
	if v.Equal && len(excluded) == 0 {
		if err := putTotals(ctx, b, name, p.Topic, state.totals); err != nil {
			return v, fmt.Errorf("leave control totals of publish.%s: %w", p.Name, err)
		}
	}
	return v, nil
}

// lettered are the fingerprints of the keys that have an open letter.
func lettered(ctx context.Context, b Bus, dlq kafka.TopicPartition, pipeline string) (map[uint64]struct{}, error) {
	keys := map[uint64]struct{}{}
	_, err := scanLetters(ctx, b, dlq, pipeline, func(d *bus.Delivered) error {
		if d.Value == nil {
			delete(keys, fingerprint(d.Key))
		} else {
			keys[fingerprint(d.Key)] = struct{}{}
		}
		return nil
	})
	return keys, err
}
