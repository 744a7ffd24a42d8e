package alerts

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"
)

// Config describes the alerts of a node.
type Config struct {
	Agency string
	// Node is the name of the machine.
	Node    string
	Targets []Target
	// Sample looks at the node. It must not block for long.
	Sample func(ctx context.Context) Sample
	// Every is how often; 0 means 10 s.
	Every time.Duration
	// Drain is how long what is queued may take when the node ends; 0 means 10 s.
	Drain time.Duration
	// FirstRetry is the pause before a notice is sent a second time, doubled each time; 0 means 1 s.
	FirstRetry time.Duration
	Log        *slog.Logger
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

const (
	// retries of one notice, over about four minutes; then it is given up. What lasts is told again anyway.
	retries       = 8
	longestPause  = 2 * time.Minute
	defaultEvery  = 10 * time.Second
	defaultDrain  = 10 * time.Second
	defaultRetry  = time.Second
	topicOfAlerts = "alerts"
)

// Alerter watches a node and tells its targets.
type Alerter struct {
	cfg     Config
	targets []*target
}

type target struct {
	Target
	watch  *watch
	queue  *queue
	sender sender
}

// New does no I/O.
func New(cfg Config) *Alerter {
	if cfg.Every == 0 {
		cfg.Every = defaultEvery
	}
	if cfg.Drain == 0 {
		cfg.Drain = defaultDrain
	}
	if cfg.FirstRetry == 0 {
		cfg.FirstRetry = defaultRetry
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	a := &Alerter{cfg: cfg}
	for _, t := range cfg.Targets {
		dropped := func() { cfg.Log.Warn("an alert was dropped: too many wait for this target", "target", t.Name) }
		a.targets = append(a.targets, &target{Target: t, watch: newWatch(t.Rules), queue: newQueue(dropped), sender: t.sender(cfg.Now)})
	}
	return a
}

// Run watches until ctx is done, then looks once more, since that may be what ended it, and brings out what is queued.
func (a *Alerter) Run(ctx context.Context) error {
	if len(a.targets) == 0 {
		return nil
	}
	// The router outlives ctx by the time it takes to drain.
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	router, err := a.router() //nolint:contextcheck // the messages carry it
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := router.Run(working); err != nil {
			a.cfg.Log.Error("alerts are not sent any more", "err", err)
		}
	})
	tick := time.NewTicker(a.cfg.Every)
	defer tick.Stop()
	for ctx.Err() == nil {
		a.look(ctx)
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
	a.look(working)
	for _, t := range a.targets {
		_ = t.queue.Close()
	}
	late := time.AfterFunc(a.cfg.Drain, stop)
	defer late.Stop()
	wg.Wait()
	return nil
}

// look queues what a look at the node shows.
func (a *Alerter) look(ctx context.Context) {
	s := a.cfg.Sample(ctx)
	now := a.cfg.Now()
	for _, t := range a.targets {
		for _, n := range t.watch.look(now, &s) {
			a.seal(&n)
			a.cfg.Log.Info("alert", "status", string(n.Status), "event", string(n.Event), "where", n.Where, "target", t.Name)
			if err := t.queue.put(&n); err != nil {
				a.cfg.Log.Error("an alert cannot be written as JSON", "err", err)
			}
		}
	}
}

func (a *Alerter) seal(n *Notice) {
	n.Agency, n.Node = a.cfg.Agency, a.cfg.Node
	n.seal()
}

// router has a handler for each target, so that none waits for another.
func (a *Alerter) router() (*message.Router, error) {
	// Watermill tells at length what it starts and stops, and calls an orderly end an error; what a handler comes to is told here.
	router, err := message.NewRouter(message.RouterConfig{CloseTimeout: time.Second}, watermill.NopLogger{})
	if err != nil {
		return nil, fmt.Errorf("make the router of alerts: %w", err)
	}
	for _, t := range a.targets {
		retry := middleware.Retry{MaxRetries: retries, InitialInterval: a.cfg.FirstRetry, Multiplier: 2, MaxInterval: longestPause, RandomizationFactor: 0.1}
		h := router.AddConsumerHandler(t.Name, topicOfAlerts, t.queue, func(m *message.Message) error {
			err := t.sender.send(m.Context(), m.UUID, m.Payload)
			if err != nil && m.Context().Err() == nil {
				a.cfg.Log.Warn("an alert was not delivered", "target", t.Name, "err", err)
			}
			return err
		})
		h.AddMiddleware(a.giveUp(t.Name), retry.Middleware, middleware.Recoverer)
	}
	return router, nil
}

// giveUp takes a notice that could not be delivered off the queue, so that the next has its turn.
func (a *Alerter) giveUp(name string) message.HandlerMiddleware {
	return func(h message.HandlerFunc) message.HandlerFunc {
		return func(m *message.Message) ([]*message.Message, error) {
			if _, err := h(m); err != nil {
				a.cfg.Log.Error("an alert was given up", "target", name, "id", m.UUID)
			}
			return nil, nil
		}
	}
}

// Answer says how a test of a target went.
type Answer struct {
	Target string `json:"target"`
	Error  string `json:"error,omitempty"`
}

// Test sends a test to every target, once, and says how that went.
func (a *Alerter) Test(ctx context.Context) []Answer {
	out := make([]Answer, len(a.targets))
	var wg sync.WaitGroup
	for i, t := range a.targets {
		wg.Go(func() {
			now := a.cfg.Now().UTC()
			n := Notice{
				Status: Test, Event: "test", Where: t.Name, Since: now, Time: now, Count: 1, VI: Text{"Đây là tin thử của truc.", "Không cần làm gì."}, EN: Text{"This is a test of truc.", "Nothing needs to be done."},
			}
			a.seal(&n)
			body, err := json.Marshal(n)
			if err == nil {
				err = t.sender.send(ctx, n.ID, body)
			}
			if out[i].Target = t.Name; err != nil {
				out[i].Error = err.Error()
			}
		})
	}
	wg.Wait()
	return out
}
