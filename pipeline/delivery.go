package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/mapping"
	"github.com/lienthong/truc/problem"
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
	// Deprecated is what the node's own standards say of the end of the dataset's version; nil when nothing. Events may tell too.
	Deprecated *Deprecation
	// Plan is the mapping as compiled when the delivery was built; Replan compiles it against the table as it is now, at
	// every connection to the sink. Replan may be nil.
	Plan   *mapping.SinkPlan
	Replan func(table *record.Table) (*mapping.SinkPlan, error)
	// Open builds a new instance of the sink.
	Open   func() (adapters.Sink, error)
	Client *kafka.Client
	// Generation is the least that changes carry. The sink counts on from there: each deliberate replay raises it.
	Generation  uint32
	Replication int
	// BatchSize is how many events go into one transaction at the sink, at most; 0 means 5000. A delivery that keeps up takes
	// what there is.
	BatchSize int
	// ParkFor is how long a violated unique or foreign key may wait for other events to heal it; 0 means 30 s.
	ParkFor time.Duration
	// RefreshEvery is how often new topics are looked for; 0 means 5 s.
	RefreshEvery time.Duration
	// TouchEvery is how often a delivery that has nothing to do tells its sink that it is there; 0 means an hour.
	TouchEvery time.Duration
	Log        *slog.Logger
	At         func(point Point)
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// maxParked and maxParkedBytes bound the changes that wait for others.
const (
	maxParked      = 1000
	maxParkedBytes = 8 << 20
)

// touchEvery is how often a delivery that has nothing to do tells its sink that it is there: without that, a quiet topic would
// look like an absence longer than tombstones live.
const touchEvery = time.Hour

// DeliveryGapError says that a partition does not hold what the sink is known to have read from it.
type DeliveryGapError struct {
	Delivery, Topic string
	Partition       int32
	Reason          problem.Text
}

func (e *DeliveryGapError) Error() string {
	return fmt.Sprintf("gap in subscribe.%s at topic %s partition %d: %s; fix: truc resnapshot %s reads the topic again from its start and deletes what is no longer on it", e.Delivery, e.Topic, e.Partition, e.Reason, e.Delivery)
}

// Delivery runs the delivering loop until it is told to stop or must not go on.
type Delivery struct {
	cfg    DeliveryConfig
	target *record.Target
	stats  *DeliveryStats
	// asked says that somebody has asked for something since the partitions were last begun.
	asked atomic.Bool
}

// NewDelivery does no I/O.
func NewDelivery(cfg DeliveryConfig) *Delivery {
	if cfg.BatchSize == 0 {
		cfg.BatchSize = 5000
	}
	if cfg.ParkFor == 0 {
		cfg.ParkFor = 30 * time.Second
	}
	if cfg.RefreshEvery == 0 {
		cfg.RefreshEvery = 5 * time.Second
	}
	if cfg.TouchEvery == 0 {
		cfg.TouchEvery = touchEvery
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	target := cfg.Plan.Target(cfg.Name)
	stats := newDeliveryStats(cfg.Name, target.Table, cfg.Dataset.ID())
	stats.own = cfg.Deprecated
	return &Delivery{cfg: cfg, target: target, stats: stats}
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
			return nil //nolint:nilerr // whatever a session says that was told to stop
		}
		if errors.Is(err, errPaused) {
			if !d.standStill(ctx) {
				d.stats.setState(StateStopped, nil)
				return nil
			}
			pause.reset()
			continue
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
	if err := d.bus().EnsureTopics(ctx, stateTopics(d.cfg.Replication)...); err != nil {
		return err
	}
	// Before the sink is touched: a paused delivery leaves it alone.
	if since, err := Paused(ctx, d.bus(), d.cfg.Agency, d.orders()); err != nil {
		return err
	} else if !since.IsZero() {
		return errPaused
	}
	sink, err := d.cfg.Open()
	if err != nil {
		return err
	}
	defer sink.Close()
	if err := sink.Open(ctx); err != nil {
		return err
	}
	if err := d.replan(ctx, sink); err != nil {
		return err
	}
	letters := newSinkLetters(d)
	defer letters.close()
	if err := letters.open(ctx); err != nil {
		return err
	}
	group, cancel := context.WithCancelCause(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		d.watchOrders(group, cancel)
	}()
	defer func() { cancel(nil); <-watched }()
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

// errBeginAnew ends a pass over the partitions because somebody asked for something, or it was done.
var errBeginAnew = errors.New("the delivery begins anew")

func (d *Delivery) at(p Point) {
	if d.cfg.At != nil {
		d.cfg.At(p)
	}
}

func (d *Delivery) bus() Bus { return KafkaBus{d.cfg.Client} }

func (d *Delivery) orders() string { return DeliveryRequests(d.cfg.Name) }

// ordersEvery is how often a delivery looks whether somebody wants something.
const ordersEvery = 500 * time.Millisecond

// watchOrders ends the session when the delivery is paused, and notes when something is asked for.
func (d *Delivery) watchOrders(ctx context.Context, end context.CancelCauseFunc) {
	from := int64(0)
	for sleep(ctx, ordersEvery) {
		o, err := readOrders(ctx, d.bus(), d.cfg.Agency, d.orders(), from)
		if err != nil {
			continue // the bus is away; whoever delivers notices
		}
		if o.pause != nil {
			end(errPaused)
			return
		}
		if len(o.open) > 0 {
			d.asked.Store(true) // the first time perhaps what is being done already: that is gone on with
		}
		from = o.next
	}
}

// standStill waits until the pause is over. It takes part in nothing meanwhile; the offsets stay where they are.
func (d *Delivery) standStill(ctx context.Context) bool {
	since, err := Paused(ctx, d.bus(), d.cfg.Agency, d.orders())
	if err != nil || since.IsZero() {
		return ctx.Err() == nil
	}
	d.cfg.Log.Warn("delivery is paused", "pipeline", d.cfg.Name, "since", since, "fix", "truc resume "+d.cfg.Name)
	d.stats.setPaused(since, "")
	return standStill(ctx, d.bus(), d.cfg.Agency, d.orders(), ordersEvery, func() {})
}

// replan compiles the mapping anew: the table may have changed, or not have been known when the node started.
func (d *Delivery) replan(ctx context.Context, sink adapters.Sink) error {
	describer, ok := sink.(adapters.SinkDescriber)
	if !ok || d.cfg.Replan == nil {
		return nil
	}
	infos, err := describer.Describe(ctx, d.target.Table)
	if err != nil || len(infos) != 1 {
		return err
	}
	plan, err := d.cfg.Replan(infos[0].Table)
	if err != nil {
		return &adapters.RefusedError{Where: "subscribe." + d.cfg.Name, What: problem.Say("the mapping does not fit the table: %v", err), Fix: problem.Say("change the mapping or the table, run truc check, then start again; nothing is lost meanwhile")}
	}
	d.cfg.Plan, d.target = plan, plan.Target(d.cfg.Name)
	return nil
}

// event reads a record of one of the delivery's topics. A topic belongs to one agency: nobody speaks for another on it.
func (d *Delivery) event(p *bus.EventParser, r *bus.Delivered) (bus.Event, error) {
	e, err := p.Parse(r)
	if err != nil {
		return e, err
	}
	if e.Dataset != d.cfg.Dataset.ID() {
		return e, &bus.NotEventError{Missing: bus.HeaderType}
	}
	if slug, ok := bus.AgencyOfTopic(e.Dataset, r.Topic); !ok || bus.Slug(e.Agency) != slug {
		return e, &bus.NotEventError{Missing: bus.HeaderSource}
	}
	return e, nil
}

// generation delivers the partitions this member was given.
func (d *Delivery) generation(ctx context.Context, sink adapters.Sink, letters *sinkLetters, parts []kafka.TopicPartition) error {
	for {
		err := d.deliver(ctx, sink, letters, parts)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // whatever a delivery says that was told to stop
		}
		if errors.Is(err, errBeginAnew) {
			continue
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
	w := &writer{d: d, sink: sink, letters: letters, ex: d.newExaminer(0)}
	if err := w.begin(ctx, parts); err != nil {
		return err
	}
	reading, stop := context.WithCancelCause(ctx)
	f := newFetchers(reading, d.cfg.Client, w.state.read, func() *examiner { return d.newExaminer(w.generation.number) }, stop)
	defer f.wait()
	defer stop(nil)
	d.stats.setState(StateRunning, nil)
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	touch := time.NewTicker(d.cfg.TouchEvery)
	defer touch.Stop()
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
			if err := w.retryLetters(ctx); err != nil {
				return err
			}
			if d.asked.Load() {
				return errBeginAnew
			}
			if err := w.finishReplay(ctx); err != nil {
				return err
			}
		case <-touch.C:
			if err := w.apply(ctx, nil); err != nil {
				return err
			}
		case first := <-f.out:
			if err := w.take(ctx, first, f); err != nil {
				return err
			}
		}
	}
}

// begin finds out where the sink stands, and does what is asked for before anything is delivered.
func (w *writer) begin(ctx context.Context, parts []kafka.TopicPartition) error {
	d := w.d
	d.asked.Store(false)
	o, err := readOrders(ctx, d.bus(), d.cfg.Agency, d.orders(), 0)
	if err != nil {
		return err
	}
	if o.pause != nil {
		return errPaused
	}
	away, err := d.wasAway(ctx, w.sink)
	if err != nil {
		return err
	}
	if err := w.loadGeneration(ctx, away); err != nil {
		return err
	}
	var reconciles []string
	// A topic that is not the one the sink has read is no gap for who reads it again from its start.
	mending := w.generation.rewinds() && w.generation.whole()
	for key, q := range o.open {
		if q.Reconcile {
			reconciles = append(reconciles, key)
		}
		mending = mending || q.Reconcile || q.Replay != nil && q.Replay.whole()
	}
	var stale bool
	if w.state, stale, err = d.offsets(ctx, w.sink, parts, mending, away || w.generation.Stale); err != nil {
		return err
	}
	if stale || w.generation.Stale || len(reconciles) > 0 {
		if err := w.reconcileAll(ctx, reconciles); err != nil {
			return err
		}
	}
	return w.beginReplay(ctx, o.open)
}
