package pipeline

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
)

// letterPlace is where the open letter of a key stands, and what is known of it without reading it.
type letterPlace struct {
	key    uint64 // fingerprint
	offset int64
	// first is the time of the first letter since one was closed last (Unix seconds, 0 unknown), times how many there are.
	first, times uint32
}

// openLetter is a letter with its key.
type openLetter struct {
	letterPlace
	raw    []byte
	letter *Letter
}

// since is when the entity got its first letter since one was closed last, as far as is known.
func (l *openLetter) since() time.Time {
	since := l.letter.Time
	if first := time.Unix(int64(l.first), 0).UTC(); l.first > 0 && first.Before(since) {
		since = first
	}
	if s := l.letter.Since; s != nil && s.Before(since) {
		since = *s
	}
	return since
}

// seen is how many letters the entity has got since then.
func (l *openLetter) seen() int { return max(int(l.times), l.letter.Times) }

// scanLetters hands out every record of a pipeline on a dead-letter topic, those that open letters and those that close
// them, and returns the offset behind the last.
func scanLetters(ctx context.Context, b Bus, tp kafka.TopicPartition, pipeline string, fn func(*bus.Delivered) error) (end int64, err error) {
	infos, err := b.Describe(ctx, tp.Topic)
	if err != nil || infos[tp.Topic].ID == "" {
		return 0, err
	}
	ranges, err := b.Ranges(ctx, tp)
	if err != nil {
		return 0, err
	}
	r := ranges[tp]
	if r.Start >= r.End {
		return r.End, nil
	}
	return r.End, b.ReadRange(ctx, tp, r.Start, r.End, func(d *bus.Delivered) error {
		if !isLetterOf(d, pipeline) {
			return nil
		}
		return fn(d)
	})
}

func isLetterOf(d *bus.Delivered, pipeline string) bool {
	name := d.Header("truc_pipeline")
	return name == "" || name == pipeline
}

// openPlaces finds the open letters of a pipeline, in the order in which they were last written, without reading what is in
// them: a dead-letter topic may hold more than memory does. end is the offset behind the last record.
func openPlaces(ctx context.Context, b Bus, tp kafka.TopicPartition, pipeline string) (places []letterPlace, end int64, err error) {
	type place struct {
		offset       int64
		first, times uint32
	}
	open := map[uint64]place{}
	end, err = scanLetters(ctx, b, tp, pipeline, func(d *bus.Delivered) error {
		fp := fingerprint(d.Key)
		if d.Value == nil {
			delete(open, fp)
			return nil
		}
		p, known := open[fp]
		if !known {
			p.first = uint32(max(d.UnixMilli/1000, 0))
		}
		p.offset, p.times = d.Offset, p.times+1
		open[fp] = p
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	places = make([]letterPlace, 0, len(open))
	for fp, p := range open {
		places = append(places, letterPlace{fp, p.offset, p.first, p.times})
	}
	slices.SortFunc(places, func(a, b letterPlace) int { return cmp.Compare(a.offset, b.offset) })
	return places, end, nil
}

// readLetters hands out the letters at some places, which are in order. One that compaction has taken meanwhile is passed
// over: there is a later record of its key.
func readLetters(ctx context.Context, b Bus, tp kafka.TopicPartition, pipeline string, places []letterPlace, fn func(openLetter) error) error {
	if len(places) == 0 {
		return nil
	}
	return b.ReadRange(ctx, tp, places[0].offset, places[len(places)-1].offset+1, func(d *bus.Delivered) error {
		for len(places) > 0 && places[0].offset < d.Offset {
			places = places[1:]
		}
		if len(places) == 0 || places[0].offset != d.Offset || d.Value == nil || !isLetterOf(d, pipeline) {
			return nil
		}
		l, err := DecodeLetter(d.Value)
		if err != nil {
			// Somebody else wrote it, or a later version: it must not hide the others.
			l = &Letter{Pipeline: pipeline, Reason: "unreadable", Time: time.UnixMilli(d.UnixMilli).UTC(), Violations: []LetterViolation{{Rule: "unreadable", VI: "Không đọc được thư này.", EN: err.Error()}}}
		}
		return fn(openLetter{places[0], append([]byte(nil), d.Key...), l})
	})
}
