package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/mapping"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/schemas"
)

// DeliveryConfig describes a delivery: the topics of one dataset, from some agencies, to one sink table.
type DeliveryConfig struct {
	// Agency is the node's own; it names the group and the dead letters.
	Agency string
	Name   string
	// Agencies are patterns: "H44.15", "H26.*" (all below), "*".
	Agencies []string
	Dataset  *schemas.Dataset
	Plan     *mapping.SinkPlan
	// Open builds a new instance of the sink.
	Open   func() (adapters.Sink, error)
	Client *kafka.Client
	// Generation counts deliberate replays.
	Generation  uint32
	Replication int
	// BatchSize is how many events go into one transaction at the sink, at most; 0 means 1000.
	BatchSize int
	// ParkFor is how long a violated unique or foreign key may wait for other events to heal it; 0 means 30 s.
	ParkFor time.Duration
	// RefreshEvery is how often new topics are looked for; 0 means 5 s.
	RefreshEvery time.Duration
	Log          *slog.Logger
	At           func(point Point)
}

// maxParked bounds the changes that wait for others.
const maxParked = 1000

// DeliveryGapError says that a partition does not hold what the sink has not seen yet, or that the sink was away for so
// long that it may have missed deletions.
type DeliveryGapError struct {
	Delivery, Topic string
	Partition       int32
	Reason          string
}

func (e *DeliveryGapError) Error() string {
	return fmt.Sprintf("gap in subscribe.%s at topic %s partition %d: %s; fix: truc resnapshot %s reads the topic again from its start and deletes what is no longer on it", e.Delivery, e.Topic, e.Partition, e.Reason, e.Delivery)
}

// Delivery runs the delivering loop until it is told to stop or must not go on.
type Delivery struct {
	cfg    DeliveryConfig
	target *record.Target
	stats  *DeliveryStats
}

// NewDelivery does no I/O.
func NewDelivery(cfg DeliveryConfig) *Delivery {
	if cfg.BatchSize == 0 {
		cfg.BatchSize = 1000
	}
	if cfg.ParkFor == 0 {
		cfg.ParkFor = 30 * time.Second
	}
	if cfg.RefreshEvery == 0 {
		cfg.RefreshEvery = 5 * time.Second
	}
	target := cfg.Plan.Target(cfg.Name)
	return &Delivery{cfg: cfg, target: target, stats: newDeliveryStats(cfg.Name, target.Table, cfg.Dataset.ID())}
}

// Stats returns the live counters.
func (d *Delivery) Stats() *DeliveryStats { return d.stats }

// Topics lists the event topics the delivery covers at this moment.
func (d *Delivery) Topics(ctx context.Context) ([]string, error) {
	return coveredTopics(ctx, d.cfg.Client, d.cfg.Dataset.ID(), d.cfg.Agencies)
}

func coveredTopics(ctx context.Context, c *kafka.Client, dataset string, patterns []string) ([]string, error) {
	all, err := c.Topics(ctx)
	if err != nil {
		return nil, err
	}
	var covered []string
	for _, t := range all {
		slug, ok := bus.AgencyOfTopic(dataset, t)
		if !ok {
			continue
		}
		for _, p := range patterns {
			if bus.MatchAgency(p, slug) {
				covered = append(covered, t)
				break
			}
		}
	}
	return covered, nil
}

// Run delivers until ctx is done or something happens that trying again cannot mend.
func (d *Delivery) Run(ctx context.Context) error {
	pause := newBackoff()
	for {
		d.stats.setState(StateStarting, nil)
		started := time.Now()
		err := d.session(ctx)
		if ctx.Err() != nil {
			d.stats.setState(StateStopped, nil)
			return nil
		}
		if permanentDelivery(err) {
			d.stats.setState(StateFailed, err)
			return err
		}
		if time.Since(started) > time.Minute {
			pause.reset()
		}
		wait := pause.next()
		d.stats.setState(StateRetrying, err)
		d.cfg.Log.Warn("delivery failed, trying again", "pipeline", d.cfg.Name, "err", err, "wait", wait.String())
		if !sleep(ctx, wait) {
			d.stats.setState(StateStopped, nil)
			return nil
		}
	}
}

func permanentDelivery(err error) bool {
	var (
		gap     *DeliveryGapError
		refused *adapters.RefusedError
		topic   *kafka.TopicMismatchError
	)
	return errors.As(err, &gap) || errors.As(err, &refused) || errors.As(err, &topic)
}

// session opens the sink and takes part in the group that shares the partitions, until something fails.
func (d *Delivery) session(ctx context.Context) error {
	sink, err := d.cfg.Open()
	if err != nil {
		return err
	}
	defer sink.Close()
	if err := sink.Open(ctx); err != nil {
		return err
	}
	letters := newSinkLetters(d)
	defer letters.close()
	if err := letters.open(ctx); err != nil {
		return err
	}
	group, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	err = d.cfg.Client.RunGroup(group, kafka.GroupConfig{
		ID:           "truc-" + bus.Slug(d.cfg.Agency) + "-" + d.cfg.Name,
		Topics:       d.Topics,
		RefreshEvery: d.cfg.RefreshEvery,
		OnAssigned: func(gen context.Context, parts []kafka.TopicPartition) error {
			err := d.generation(gen, sink, letters, parts)
			if err != nil && gen.Err() == nil && !errors.Is(err, adapters.ErrOffsetMoved) {
				cancel(err) // the sink or the bus is in trouble: begin again from the sink's own offsets
			}
			return err
		},
	})
	if cause := context.Cause(group); cause != nil {
		return cause
	}
	return err
}

// generation delivers the partitions this member was given.
func (d *Delivery) generation(ctx context.Context, sink adapters.Sink, letters *sinkLetters, parts []kafka.TopicPartition) error {
	for {
		err := d.deliver(ctx, sink, letters, parts)
		if ctx.Err() != nil {
			return nil
		}
		if !errors.Is(err, adapters.ErrOffsetMoved) {
			return err
		}
		// Either another instance still writes these partitions, or our own last commit landed although its answer did
		// not: the sink knows, so ask it again.
		d.stats.Moved.Add(1)
		if !sleep(ctx, 200*time.Millisecond) {
			return nil
		}
	}
}

func (d *Delivery) deliver(ctx context.Context, sink adapters.Sink, letters *sinkLetters, parts []kafka.TopicPartition) error {
	d.stats.setParts(len(parts))
	if len(parts) == 0 {
		d.stats.setState(StateRunning, nil)
		<-ctx.Done()
		return ctx.Err()
	}
	state, err := d.offsets(ctx, sink, parts)
	if err != nil {
		return err
	}
	if err := d.noteAbsence(ctx, sink, state); err != nil {
		return err
	}
	reading, stop := context.WithCancelCause(ctx)
	f := newFetchers(reading, d.cfg.Client, state.committed, stop)
	defer f.wait()
	defer stop(nil)
	w := &writer{d: d, sink: sink, letters: letters, state: state, tr: d.cfg.Plan.NewTranslator()}
	d.stats.setState(StateRunning, nil)
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-reading.Done():
			return context.Cause(reading)
		case <-tick.C:
			if len(w.parked) > 0 {
				if err := w.retryParked(ctx); err != nil {
					return err
				}
			}
		case first := <-f.out:
			if err := w.take(ctx, first, f); err != nil {
				return err
			}
		}
	}
}

// sinkState is where a delivery stands on its partitions.
type sinkState struct {
	// committed is what the sink has stored; every Apply must start from exactly this.
	committed adapters.Offsets
	// read is the next offset that was not taken yet; beyond committed while changes are parked.
	read   adapters.Offsets
	ranges map[kafka.TopicPartition]kafka.Range
}

func (d *Delivery) offsets(ctx context.Context, sink adapters.Sink, parts []kafka.TopicPartition) (*sinkState, error) {
	asked := make([]adapters.TopicPartition, len(parts))
	for i, p := range parts {
		asked[i] = adapters.TopicPartition(p)
	}
	committed, err := sink.Offsets(ctx, d.cfg.Name, asked)
	if err != nil {
		return nil, err
	}
	ranges, err := d.cfg.Client.Ranges(ctx, parts...)
	if err != nil {
		return nil, err
	}
	s := &sinkState{committed: adapters.Offsets{}, read: adapters.Offsets{}, ranges: ranges}
	for i, p := range parts {
		at := committed[asked[i]]
		s.committed[asked[i]] = at
		s.read[asked[i]] = at
		gap := func(reason string) error {
			return &DeliveryGapError{Delivery: d.cfg.Name, Topic: p.Topic, Partition: p.Partition, Reason: reason}
		}
		switch r := ranges[p]; {
		case at > r.End:
			return nil, gap(fmt.Sprintf("it ends at offset %d, before offset %d that the sink has: the topic was created anew or lost its tail", r.End, at))
		case at > 0 && at < r.Start:
			return nil, gap(fmt.Sprintf("it begins at offset %d, after offset %d where the sink stopped: what lies between was removed", r.Start, at))
		}
	}
	return s, nil
}

// noteAbsence refuses to go on as if nothing had happened when the sink was away for longer than half of the time
// tombstones live: deletions may have been compacted away, at any offset.
func (d *Delivery) noteAbsence(ctx context.Context, sink adapters.Sink, s *sinkState) error {
	sweeper, ok := sink.(adapters.Sweeper)
	if !ok {
		return nil
	}
	last, err := sweeper.LastApply(ctx, d.cfg.Name)
	if err != nil || last == 0 || time.Since(time.Unix(last, 0)) < DeleteRetention/2 {
		return err
	}
	for tp, at := range s.committed {
		if at > 0 && at < s.ranges[kafka.TopicPartition(tp)].End {
			return &DeliveryGapError{Delivery: d.cfg.Name, Topic: tp.Topic, Partition: tp.Partition, Reason: fmt.Sprintf("the sink last took events on %s; deletions are kept for %d days", time.Unix(last, 0).UTC().Format(time.DateOnly), int(DeleteRetention.Hours()/24))}
		}
	}
	return nil
}
