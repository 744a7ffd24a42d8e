package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	kafkago "github.com/segmentio/kafka-go"
)

// GroupConfig configures RunGroup.
type GroupConfig struct {
	// ID names the group. Its members share the partitions of the topics.
	ID string
	// Topics says what the group reads. It is asked again every RefreshEvery; when the answer changes, the member joins anew.
	Topics func(ctx context.Context) ([]string, error)
	// RefreshEvery defaults to 10 s.
	RefreshEvery time.Duration
	// SessionTimeout is how long the broker waits for a silent member before it gives its partitions to others; default 6 s.
	SessionTimeout time.Duration
	// OnAssigned is called for each generation of the group with the partitions of this member, which may be none. It runs
	// until its context is done, and returns before the next generation starts. When it returns earlier, this member leaves
	// the generation and joins anew after a while.
	OnAssigned func(ctx context.Context, parts []TopicPartition) error
}

const (
	defaultSessionTimeout = 6 * time.Second
	defaultTopicRefresh   = 10 * time.Second
	rejoinBackoff         = time.Second
)

// RunGroup is a member of a consumer group until ctx is done, which is then its error. It commits no offsets. Errors of the
// broker and of OnAssigned are logged and tried again; only a configuration that can never work ends it.
func (c *Client) RunGroup(ctx context.Context, cfg GroupConfig) error {
	if cfg.OnAssigned == nil {
		return errors.New("run group: OnAssigned is missing")
	}
	return c.runGroup(ctx, cfg, func(ctx context.Context, gen *kafkago.Generation) error {
		var parts []TopicPartition
		for topic, assigned := range gen.Assignments {
			for _, a := range assigned {
				parts = append(parts, TopicPartition{topic, int32(a.ID)})
			}
		}
		slices.SortFunc(parts, comparePartitions)
		return cfg.OnAssigned(ctx, parts)
	})
}

// runGroup is RunGroup with kafka-go's own view of a generation, through which offsets are committed.
func (c *Client) runGroup(ctx context.Context, cfg GroupConfig, onAssigned func(context.Context, *kafkago.Generation) error) error {
	if cfg.RefreshEvery <= 0 {
		cfg.RefreshEvery = defaultTopicRefresh
	}
	if cfg.SessionTimeout <= 0 {
		cfg.SessionTimeout = defaultSessionTimeout
	}
	m := &member{client: c, cfg: cfg, log: c.log.With("group", cfg.ID), onAssigned: onAssigned}
	for {
		layout, err := m.awaitTopics(ctx)
		if err != nil {
			return err
		}
		if err := m.run(ctx, layout); err != nil {
			return fmt.Errorf("run group %s: %w", cfg.ID, err)
		}
	}
}

// member is this process in a group.
type member struct {
	client     *Client
	cfg        GroupConfig
	log        *slog.Logger
	onAssigned func(context.Context, *kafkago.Generation) error
}

// awaitTopics returns the partition counts of the group's topics, once there are any.
func (m *member) awaitTopics(ctx context.Context) (map[string]int, error) {
	for {
		layout, err := m.topics(ctx)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			m.log.Warn("topics of the group are not known", "err", err)
		}
		if len(layout) > 0 {
			return layout, nil
		}
		if err := pause(ctx, m.cfg.RefreshEvery); err != nil {
			return nil, err
		}
	}
}

func (m *member) topics(ctx context.Context) (map[string]int, error) {
	names, err := m.cfg.Topics(ctx)
	if err != nil {
		return nil, err
	}
	found, err := m.client.Describe(ctx, names...)
	if err != nil {
		return nil, err
	}
	layout := make(map[string]int, len(found))
	for name, t := range found {
		layout[name] = t.Partitions
	}
	return layout, nil
}

// run joins the group and stays in it until ctx is done or the topics or their partitions have changed.
func (m *member) run(ctx context.Context, layout map[string]int) error {
	group, err := kafkago.NewConsumerGroup(kafkago.ConsumerGroupConfig{
		ID:      m.cfg.ID,
		Brokers: m.client.cfg.Brokers,
		Dialer:  m.client.dialer,
		Topics:  slices.Sorted(maps.Keys(layout)),
		// Heartbeats are frequent because members learn from their answers that others come and go. One that is not answered
		// ends the generation here before the broker gives the partitions away.
		HeartbeatInterval: m.cfg.SessionTimeout / 12,
		Timeout:           m.cfg.SessionTimeout / 2,
		SessionTimeout:    m.cfg.SessionTimeout,
		JoinGroupBackoff:  rejoinBackoff,
		StartOffset:       kafkago.FirstOffset,
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() {
		m.watch(ctx, layout)
		cancel()
	})
	defer watching.Wait()
	defer func() { _ = group.Close() }()
	defer cancel()
	for {
		gen, err := group.Next(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			m.log.Info("joining the group is tried again", "err", err)
			continue
		}
		done := make(chan struct{})
		gen.Start(func(generation context.Context) {
			defer close(done)
			m.serve(ctx, generation, gen)
		})
		<-done
	}
}

// serve runs onAssigned until the generation or the membership ends.
func (m *member) serve(ctx, generation context.Context, gen *kafkago.Generation) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(generation, cancel)()
	if ctx.Err() != nil || generation.Err() != nil {
		return
	}
	m.log.Debug("generation starts", "generation", gen.ID)
	if err := m.onAssigned(ctx, gen); ctx.Err() == nil {
		m.log.Warn("work on the assigned partitions ended, the group is joined anew", "err", err)
		_ = pause(ctx, rejoinBackoff)
	}
}

// watch returns when ctx is done or the topics are no longer what they were.
func (m *member) watch(ctx context.Context, layout map[string]int) {
	for pause(ctx, m.cfg.RefreshEvery) == nil {
		now, err := m.topics(ctx)
		switch {
		case err != nil:
			m.log.Debug("topics of the group are not known", "err", err)
		case !maps.Equal(now, layout):
			m.log.Info("topics of the group have changed", "topics", len(now))
			return
		}
	}
}

func comparePartitions(a, b TopicPartition) int {
	return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
}
