package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/record"
)

// totals are control totals: how many live keys a pipeline has on a topic at given ends, and a digest of key and content
// that does not depend on order. A subscriber compares them without access to the publisher.
type totals struct {
	Format int       `json:"v"`
	Source string    `json:"source"`
	Topic  string    `json:"topic"`
	Ends   []int64   `json:"ends"`
	Keys   int64     `json:"keys"`
	Digest uint64    `json:"digest,string"`
	At     time.Time `json:"at"`
}

// digest is what a live key adds to the digest of totals.
func digest(key []byte, content uint64) uint64 {
	return contentHash(key, strconv.AppendUint(nil, content, 10))
}

var totalsPartition = kafka.TopicPartition{Topic: bus.TotalsTopic}

func putTotals(ctx context.Context, b Bus, source, topic string, t totals) error {
	t.Format, t.Source, t.Topic, t.At = 1, source, topic, time.Now().UTC()
	value, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("encode totals: %w", err)
	}
	spec := stateTopics(0)[0]
	spec.Name = bus.TotalsTopic
	if err := b.EnsureTopics(ctx, spec); err != nil {
		return err
	}
	return putOne(ctx, b, totalsPartition, bus.Message{Key: []byte(topic + " " + source), Value: value})
}

// compareTotals recomputes the totals that were left for a topic. known is false when there are none, or when the topic went
// on since: older contents cannot be told from compacted ones.
func compareTotals(ctx context.Context, b Bus, topic string, opt VerifyOptions) (agrees, known bool, err error) {
	infos, err := b.Describe(ctx, bus.TotalsTopic, topic)
	if err != nil || infos[bus.TotalsTopic].ID == "" {
		return false, false, err
	}
	ranges, err := b.Ranges(ctx, totalsPartition)
	if err != nil {
		return false, false, err
	}
	left := map[string]totals{}
	r := ranges[totalsPartition]
	if r.Start >= r.End {
		return false, false, nil
	}
	err = b.ReadRange(ctx, totalsPartition, r.Start, r.End, func(d *bus.Delivered) error {
		if !bytes.HasPrefix(d.Key, []byte(topic+" ")) {
			return nil
		}
		var t totals
		if d.Value != nil && json.Unmarshal(d.Value, &t) == nil && t.Format == 1 {
			left[t.Source] = t
		}
		return nil
	})
	if err != nil {
		return false, false, err
	}
	agrees = true
	for source, t := range left {
		found, err := topicTotals(ctx, b, topic, infos[topic].Partitions, source, opt)
		if err != nil {
			return false, false, err
		}
		if !slices.Equal(found.Ends, t.Ends) {
			continue
		}
		known = true
		agrees = agrees && found.Keys == t.Keys && found.Digest == t.Digest
	}
	return agrees, known, nil
}

// topicTotals are the totals of a topic as it is.
func topicTotals(ctx context.Context, b Bus, topic string, partitions int, source string, opt VerifyOptions) (totals, error) {
	state, err := topicState(ctx, b, topic, partitions, source, func([]byte) bool { return false }, opt, &selection{})
	if err != nil {
		return totals{}, err
	}
	defer state.close()
	for n := 0; ; n++ {
		_, _, more, err := state.next()
		if err == nil && n%4096 == 0 {
			err = ctx.Err()
		}
		if err != nil || !more {
			return state.totals, err
		}
	}
}

// sinkKey makes the key of a sink row comparable with the key of a change.
func sinkKey(key record.Row) []byte { return canonicalRow(key) }

func sinkContent(values record.Row) uint64 { return contentHash(canonicalRow(values)) }

// canonicalRow writes values so that what was written and what a database gives back are the same bytes: a number has no
// trailing zeros, an instant is in UTC to the microsecond, a truth value is 1 or 0.
func canonicalRow(row record.Row) []byte {
	var out []byte
	for _, v := range row {
		out = append(out, 0)
		out = appendCanonical(out, v)
	}
	return out
}

// exactRow writes texts as they are: in a column of texts, "2.39" and "2.390" are two values.
func exactRow(row record.Row) []byte {
	var out []byte
	for _, v := range row {
		if out = append(out, 0); v.Kind == record.Text {
			out = append(out, v.Bytes...)
		} else {
			out = appendCanonical(out, v)
		}
	}
	return out
}

func appendCanonical(dst []byte, v record.Value) []byte {
	switch v.Kind {
	case record.Null, record.Unchanged:
		return append(dst, 1)
	case record.Bool:
		return append(dst, '0'+byte(v.Num))
	default: // by its text
	}
	text := v.Append(nil)
	switch {
	case number(text):
		if r, ok := new(big.Rat).SetString(string(text)); ok {
			if r.IsInt() {
				return append(dst, r.Num().String()...)
			}
			exact := r.FloatString(40)
			return append(dst, strings.TrimRight(exact, "0")...)
		}
	case len(text) >= 19 && text[4] == '-' && (text[10] == 'T' || text[10] == ' '):
		s := strings.Replace(string(text), " ", "T", 1)
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
			if t, err := time.Parse(layout, s); err == nil {
				return t.UTC().Truncate(time.Microsecond).AppendFormat(dst, "2006-01-02T15:04:05.999999")
			}
		}
	}
	return append(dst, text...)
}

// number reports whether a text is a plain decimal number without leading zeros: codes such as "01" are not.
func number(text []byte) bool {
	s := bytes.TrimPrefix(text, []byte("-"))
	if len(s) == 0 || len(s) > 1 && s[0] == '0' && s[1] != '.' {
		return false
	}
	dot := false
	for i, c := range s {
		switch {
		case c >= '0' && c <= '9':
		case c == '.' && !dot && i > 0 && i < len(s)-1:
			dot = true
		default:
			return false
		}
	}
	return true
}
