package pipeline

import (
	"context"
	"encoding/binary"
	"encoding/hex"
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
	scan := func(ctx context.Context, fn func([]byte, uint64) error) error {
		return reader.Rows(ctx, d.target, func(r adapters.SinkRow) error {
			if !r.Found {
				return nil
			}
			return fn(sinkKey(r.Key), sinkContent(r.Values))
		})
	}
	rows := func(ctx context.Context, in *selection) (contents, error) { return keyed(ctx, opt, in, scan) }
	unmapped := int64(0)
	events := func(ctx context.Context, in *selection) (contents, error) {
		unmapped = 0
		x := expectedRows{d: d, bus: b, opt: opt, excluded: excluded, unmapped: &unmapped}
		if d.target.Write != record.UpdateOnly {
			return x.read(ctx, in, topics)
		}
		written, err := keyed(ctx, opt, &selection{}, scan)
		if err != nil {
			return contents{}, err
		}
		x.whole = true // what is absent is counted over all
		expected, err := x.read(ctx, in, topics)
		if err != nil {
			written.close()
			return contents{}, err
		}
		return among(expected, written, &v.Absent), nil
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
		agrees, known, err := compareTotals(ctx, b, topic, opt)
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

// among passes on what is expected of rows that a delivery which only updates has written and the table still has, and counts the
// others as absent. For a key whose row was not there such a delivery writes nothing, not even bookkeeping. What cannot be mapped
// stays: it must show.
func among(expected, written contents, absent *int64) contents {
	var row uint64
	more, begun := true, false
	missing := int64(0)
	return contents{
		close: func() { expected.close(); written.close() },
		next: func() (uint64, uint64, bool, error) {
			for {
				key, content, some, err := expected.next()
				if !some && err == nil {
					*absent = missing
				}
				if err != nil || !some || content == unmappable {
					return key, content, some, err
				}
				for more && (!begun || row < key) {
					begun = true
					if row, _, more, err = written.next(); err != nil {
						return 0, 0, false, err
					}
				}
				if more && row == key {
					return key, content, true, nil
				}
				missing++
			}
		},
	}
}

// expectedRows are what the sink should hold of some topics: the last event of each key, mapped.
type expectedRows struct {
	d        *Delivery
	bus      Bus
	opt      VerifyOptions
	excluded map[uint64]struct{}
	// whole says that the rows are needed beyond what is selected.
	whole bool
	// unmapped counts the events that the mapping does not take.
	unmapped *int64
}

// eventVersion is one event: the hash of its key, its sequence, its place among those read and what it does, the hash of the key of its
// row, and its content.
type eventVersion = [6]uint64

// expectedRow is what one entity makes of a row: the hash of the row's key, the number of the topic, the sequence, the content.
type expectedRow = [5]uint64

// What an event does: the lowest two bits of its place.
const (
	removes = iota // as long as nothing else is said
	writes
	cannotBeMapped
)

// unmappable is the content of an event that cannot be mapped: nothing in the sink equals it. Its letter may be on its way.
const unmappable = 0

// read yields the rows by their keys, and what cannot be mapped by the names of the letters. Should several entities be one row, the
// newest counts.
func (x *expectedRows) read(ctx context.Context, in *selection, topics []string) (contents, error) {
	rows := &sorter[expectedRow]{dir: x.opt.tempDir, limit: x.opt.held}
	for n, topic := range topics {
		if err := x.topic(ctx, in, topic, uint64(n), rows); err != nil {
			rows.close()
			return contents{}, err
		}
	}
	sorted, err := rows.sorted()
	if err != nil {
		rows.close()
		return contents{}, err
	}
	last := lastOfKeys[expectedRow]{from: sorted}
	return contents{close: rows.close, next: func() (uint64, uint64, bool, error) {
		r, more, err := last.next()
		return r[0], r[4], more, err
	}}, nil
}

// topic reads a topic and adds the rows that its live entities make.
func (x *expectedRows) topic(ctx context.Context, in *selection, topic string, number uint64, rows *sorter[expectedRow]) error {
	events := &sorter[eventVersion]{dir: x.opt.tempDir, limit: x.opt.held}
	defer events.close()
	if err := x.events(ctx, in, topic, events); err != nil {
		return err
	}
	sorted, err := events.sorted()
	if err != nil {
		return err
	}
	// Newer wins, as at the sink.
	last := lastOfKeys[eventVersion]{from: sorted}
	for n := 0; ; n++ {
		e, more, err := last.next()
		if err == nil && n%4096 == 0 {
			err = ctx.Err()
		}
		if err != nil || !more {
			return err
		}
		switch e[3] & 3 {
		case removes:
			continue
		case cannotBeMapped:
			*x.unmapped++
		}
		if x.whole || in.wants(e[4]) {
			if err := rows.add(expectedRow{e[4], number, e[1], e[2], e[5]}); err != nil {
				return err
			}
		}
	}
}

// events adds the events of a topic.
func (x *expectedRows) events(ctx context.Context, in *selection, topic string, events *sorter[eventVersion]) error {
	d := x.d
	infos, err := x.bus.Describe(ctx, topic)
	if err != nil {
		return err
	}
	tr := d.cfg.Plan.NewTranslator()
	var parser bus.EventParser
	place := uint64(0)
	for n := range infos[topic].Partitions {
		tp := kafka.TopicPartition{Topic: topic, Partition: int32(n)}
		ranges, err := x.bus.Ranges(ctx, tp)
		if err != nil {
			return err
		}
		r := ranges[tp]
		if r.Start >= r.End {
			continue
		}
		err = x.bus.ReadRange(ctx, tp, r.Start, r.End, func(rec *bus.Delivered) error {
			e, err := d.event(&parser, rec)
			if err != nil {
				return nil //nolint:nilerr // a foreign record has a dead letter; there is no row to expect
			}
			name := letterKey(topic, rec.Key)
			if _, ok := x.excluded[fingerprint(name)]; ok {
				return nil
			}
			var sequence [sequenceSize / 2]byte
			if _, err := hex.Decode(sequence[:], []byte(e.Sequence)); err != nil {
				return fmt.Errorf("sequence of an event on %s: %w", tp, err)
			}
			place += 4
			v := eventVersion{keyHash(name), binary.BigEndian.Uint64(sequence[:8]), binary.BigEndian.Uint64(sequence[8:]), place}
			if e.Data == nil {
				return events.add(v)
			}
			var c record.Change
			at, _ := time.Parse(time.RFC3339Nano, e.Time)
			view := mapping.EventView{ID: e.ID, Op: string(e.Op), Time: at, Agency: e.Agency, Sequence: e.Sequence, Dataset: e.Dataset, Key: e.Key}
			if _, violations := tr.Change(view, e.Data, &c); len(violations) > 0 {
				v[3], v[4], v[5] = place|cannotBeMapped, in.hash(name), unmappable
			} else if !c.Delete {
				v[3], v[4], v[5] = place|writes, in.hash(sinkKey(c.Key)), sinkContent(c.Values)
			}
			return events.add(v)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
