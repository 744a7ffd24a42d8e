package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/bus"
)

// A pause is a standing order on truc.requests: it lies there under a key of its own until somebody resumes, so that it
// outlives restarts and holds for whichever node runs the pipeline.

// pauseFormat is the version of Pause's JSON.
const pauseFormat = 1

// Pause is the order to stand still.
type Pause struct {
	Format int       `json:"v"`
	Since  time.Time `json:"since"`
}

// errPaused ends a session because somebody has paused the pipeline.
var errPaused = errors.New("paused")

func pauseKey(agency, reader string) string { return checkpointKey(agency, reader) + "!paused" }

// PutPause pauses the reader of a source, or a delivery (DeliveryRequests), until Resume. A reader that runs stops within
// seconds: what it has read is published and acknowledged first.
func PutPause(ctx context.Context, b Bus, agency, reader string, since time.Time) error {
	value, err := json.Marshal(Pause{Format: pauseFormat, Since: since.UTC()})
	if err != nil {
		return fmt.Errorf("encode pause: %w", err)
	}
	if err := b.EnsureTopics(ctx, stateTopics(0)...); err != nil {
		return err
	}
	return putOne(ctx, b, requestsPartition, bus.Message{Key: []byte(pauseKey(agency, reader)), Value: value})
}

// Resume ends a pause. It does nothing where there is none.
func Resume(ctx context.Context, b Bus, agency, reader string) error {
	if err := b.EnsureTopics(ctx, stateTopics(0)...); err != nil {
		return err
	}
	return putOne(ctx, b, requestsPartition, bus.Message{Key: []byte(pauseKey(agency, reader))})
}

// Paused returns since when a reader or a delivery is paused; the zero time when it is not.
func Paused(ctx context.Context, b Bus, agency, reader string) (time.Time, error) {
	if err := b.EnsureTopics(ctx, stateTopics(0)...); err != nil {
		return time.Time{}, err
	}
	o, err := readOrders(ctx, b, agency, reader, 0)
	if err != nil || o.pause == nil {
		return time.Time{}, err
	}
	return o.pause.Since, nil
}

// orders are what stands on truc.requests for a reader or a delivery.
type orders struct {
	// open are the requests that were not done yet, by their keys.
	open map[string]Request
	// pause is the standing one; nil where there is none, or where the part that was read says nothing of one.
	pause *Pause
	// resumed says that the last word that was read ends a pause.
	resumed bool
	// next is the offset after the last record read.
	next int64
}

// readOrders reads from an offset on. A request or pause of a newer format than this version knows stays where it is, and is not obeyed.
func readOrders(ctx context.Context, b Bus, agency, reader string, from int64) (orders, error) {
	o := orders{next: from}
	ranges, err := b.Ranges(ctx, requestsPartition)
	if err != nil {
		return o, err
	}
	r := ranges[requestsPartition]
	o.next = r.End
	if from = max(from, r.Start); from >= r.End {
		return o, nil
	}
	prefix, pause := checkpointKey(agency, reader)+"#", pauseKey(agency, reader)
	o.open = map[string]Request{}
	err = b.ReadRange(ctx, requestsPartition, from, r.End, func(d *bus.Delivered) error {
		key := string(d.Key)
		switch {
		case key == pause && d.Value == nil:
			o.pause, o.resumed = nil, true
		case key == pause:
			// One that cannot be read is obeyed, too: standing still harms nobody.
			o.pause, o.resumed = new(Pause), false
			_ = json.Unmarshal(d.Value, o.pause)
		case len(key) > len(prefix) && key[:len(prefix)] == prefix:
			delete(o.open, key)
			var q Request
			if d.Value != nil && json.Unmarshal(d.Value, &q) == nil && q.Format == q.format() {
				o.open[key] = q
			}
		}
		return nil
	})
	return o, err
}

// standStill waits until a pause is over. meanwhile is called now and then. It returns false when ctx is done.
func standStill(ctx context.Context, b Bus, agency, reader string, every time.Duration, meanwhile func()) bool {
	o, err := readOrders(ctx, b, agency, reader, 0)
	for err != nil || o.pause != nil {
		meanwhile()
		if !sleep(ctx, every) {
			return false
		}
		o, err = readOrders(ctx, b, agency, reader, 0)
	}
	return true
}

// PauseLimit says how much log the server of a paused source may keep. The log is what makes a pause lose nothing, and what
// fills the disk of the server.
type PauseLimit struct {
	// Bytes is the limit; 0 means none.
	Bytes int64
	// Resume ends the pause by itself when the limit is passed. Otherwise the source stays paused and warns: what a person has
	// stopped is not published behind their back.
	Resume bool
}

// retentionEvery is how often the server of a paused source is asked what it keeps.
const retentionEvery = 15 * time.Second

// standStill waits until the pause is over, or ctx. The source is closed meanwhile; what its server must keep stays kept.
func (r *Reader) standStill(ctx context.Context) {
	cfg := &r.cfg
	since, err := Paused(ctx, cfg.Bus, cfg.Agency, cfg.Source)
	if err != nil || since.IsZero() {
		return // resumed already; or the bus is away, and the next session says so
	}
	cfg.Log.Warn("source is paused", "source", cfg.Source, "since", since, "fix", "truc resume "+cfg.Source)
	r.stats.setPaused(since, "")
	defer r.stats.retained.Store(-1)
	var asked time.Time
	warned := false
	standStill(ctx, cfg.Bus, cfg.Agency, cfg.Source, cfg.SaveEvery, func() {
		if time.Since(asked) < retentionEvery {
			return
		}
		asked = time.Now()
		n := r.askRetained(ctx)
		r.stats.retained.Store(n)
		if cfg.Pause.Bytes == 0 || n <= cfg.Pause.Bytes {
			r.stats.setPaused(since, "")
			return
		}
		if cfg.Pause.Resume {
			cfg.Log.Warn("the server keeps more for the paused source than it may: it is resumed", "source", cfg.Source, "bytes", n, "limit", cfg.Pause.Bytes)
			if err := Resume(ctx, cfg.Bus, cfg.Agency, cfg.Source); err != nil {
				cfg.Log.Warn("the source cannot be resumed", "source", cfg.Source, "err", err)
			}
			return
		}
		r.stats.setPaused(since, fmt.Sprintf("the server keeps %d bytes of log for the paused source, more than pause.maxRetained allows (%d): its disk fills up; fix: truc resume %s", n, cfg.Pause.Bytes, cfg.Source))
		if !warned {
			warned = true
			cfg.Log.Warn("the server keeps more for the paused source than it may: its disk fills up", "source", cfg.Source, "bytes", n, "limit", cfg.Pause.Bytes, "fix", "truc resume "+cfg.Source)
		}
	})
}

// askRetained asks an instance of the source that is not opened; -1 when it does not tell.
func (r *Reader) askRetained(ctx context.Context) int64 {
	src, err := r.cfg.Open()
	if err != nil {
		return -1
	}
	defer src.Close()
	teller, ok := src.(adapters.Retention)
	if !ok {
		return -1
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	n, err := teller.RetainedBytes(ctx)
	if err != nil {
		r.cfg.Log.Debug("the server does not tell what it keeps for the paused source", "source", r.cfg.Source, "err", err)
		return -1
	}
	return n
}

// PausedRetained is what the server keeps for a source while it is paused, in bytes; -1 when unknown, or when it is not paused.
func (s *ReaderStats) PausedRetained() int64 { return s.retained.Load() }
