package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/createtopics"
)

// Forever as TopicSpec.Retention keeps records for ever.
const Forever time.Duration = -1

// TopicSpec says how a topic is created. A zero value leaves the setting to the broker.
type TopicSpec struct {
	Name string
	// Partitions is at least 1. Replication 0 is the broker's default.
	Partitions, Replication int
	// Compact keeps the newest record of each key (cleanup.policy=compact), and tombstones for DeleteRetention.
	Compact         bool
	DeleteRetention time.Duration
	// Retention bounds the age of records of a topic that is not compacted; Forever never deletes.
	Retention time.Duration
	// MaxMessageBytes bounds a record batch, hence also a message.
	MaxMessageBytes int
	// MinInsync is how many replicas must have a record before it is acknowledged.
	MinInsync int
}

const (
	leaderPollInterval = 50 * time.Millisecond
	// leaderPatience is for a broker that restarts, or an election: both are over by then, or somebody must see to it.
	leaderPatience = 60 * time.Second
)

// EnsureTopics creates the topics that are missing and returns when all have leaders. A topic that exists with another
// number of partitions fails with *TopicMismatchError, its other settings are left as they are; one that stays without leaders
// fails with *LeaderlessError after a minute.
func (c *Client) EnsureTopics(ctx context.Context, specs ...TopicSpec) error {
	if len(specs) == 0 {
		return nil
	}
	names := make([]string, len(specs))
	for i, s := range specs {
		if s.Partitions < 1 {
			return fmt.Errorf("create topic %s: it needs at least one partition", s.Name)
		}
		names[i] = s.Name
	}
	have, err := c.Describe(ctx, names...)
	if err != nil {
		return fmt.Errorf("create topics: %w", err)
	}
	if err := mismatches(specs, have); err != nil {
		return err
	}
	req := &createtopics.Request{TimeoutMs: int32(requestTimeout.Milliseconds())}
	for _, s := range specs {
		if _, ok := have[s.Name]; !ok {
			req.Topics = append(req.Topics, c.creation(s))
		}
	}
	if len(req.Topics) > 0 {
		if err := c.create(ctx, req); err != nil {
			return err
		}
	}
	return c.awaitLeaders(ctx, specs, names)
}

func mismatches(specs []TopicSpec, have map[string]TopicInfo) error {
	var errs []error
	for _, s := range specs {
		if t, ok := have[s.Name]; ok && t.Partitions != s.Partitions {
			errs = append(errs, &TopicMismatchError{Topic: s.Name, Want: s.Partitions, Have: t.Partitions})
		}
	}
	return errors.Join(errs...)
}

func (c *Client) create(ctx context.Context, req *createtopics.Request) error {
	// The transport waits until it knows what was created.
	names := make([]string, len(req.Topics))
	for i := range req.Topics {
		names[i] = req.Topics[i].Name
	}
	by := c.transportTo(names)
	defer by.CloseIdleConnections()
	for deadline := time.Now().Add(c.leaderPatience); ; {
		res, err := roundTripBy[*createtopics.Response](ctx, c, by, requestTimeout, req)
		if err != nil {
			return fmt.Errorf("create topics: %w", c.unreachable(ctx, err))
		}
		var errs []error
		var again error
		for _, t := range res.Topics {
			switch err := responseError(t.ErrorCode); {
			case err == nil, errors.Is(err, kafkago.TopicAlreadyExists):
			case isRetriable(err):
				again = fmt.Errorf("create topic %s: %w (%s)", t.Name, err, t.ErrorMessage)
			default:
				errs = append(errs, fmt.Errorf("create topic %s: %w (%s)", t.Name, err, t.ErrorMessage))
			}
		}
		if len(errs) > 0 {
			return errors.Join(errs...)
		}
		if again == nil || time.Now().After(deadline) {
			return again
		}
		if err := pause(ctx, leaderPollInterval); err != nil {
			return fmt.Errorf("create topics: %w", err)
		}
	}
}

func (c *Client) creation(s TopicSpec) createtopics.RequestTopic {
	replication := s.Replication
	if replication == 0 {
		replication = -1
	}
	t := createtopics.RequestTopic{Name: s.Name, NumPartitions: int32(s.Partitions), ReplicationFactor: int16(replication)}
	set := func(name, value string) {
		t.Configs = append(t.Configs, createtopics.RequestConfig{Name: name, Value: value})
	}
	milliseconds := func(name string, d time.Duration) {
		switch {
		case d == Forever:
			set(name, "-1")
		case d > 0:
			set(name, strconv.FormatInt(d.Milliseconds(), 10))
		}
	}
	switch {
	case c.cfg.NeverCompact:
		set("cleanup.policy", "delete")
		set("retention.ms", "-1")
		set("retention.bytes", "-1")
	case s.Compact:
		set("cleanup.policy", "compact")
		milliseconds("delete.retention.ms", s.DeleteRetention)
	default:
		set("cleanup.policy", "delete")
		milliseconds("retention.ms", s.Retention)
	}
	if s.MaxMessageBytes > 0 {
		set("max.message.bytes", strconv.Itoa(s.MaxMessageBytes))
	}
	if s.MinInsync > 0 {
		set("min.insync.replicas", strconv.Itoa(s.MinInsync))
	}
	return t
}

// awaitLeaders returns when every partition has a leader. The answer to a creation comes before that.
func (c *Client) awaitLeaders(ctx context.Context, specs []TopicSpec, names []string) error {
	for started := time.Now(); ; {
		found, err := c.metadata(ctx, names)
		if err != nil {
			return fmt.Errorf("await leaders: %w", err)
		}
		have, known := make(map[string]TopicInfo, len(found)), make(map[string]*topicMetadata, len(found))
		for i, t := range found {
			known[t.name] = &found[i]
			if t.err == nil {
				have[t.name] = TopicInfo{Name: t.name, ID: t.id, Partitions: len(t.leaders)}
			}
		}
		if err := mismatches(specs, have); err != nil {
			return err
		}
		without := leaderless(specs, known)
		if without == nil {
			return nil
		}
		if without.Waited = time.Since(started).Round(time.Second); time.Since(started) > c.leaderPatience {
			return without
		}
		if err := pause(ctx, leaderPollInterval); err != nil {
			return fmt.Errorf("await leaders: %w", errors.Join(err, without))
		}
	}
}

// leaderless names the first partition that nobody leads; nil when there is none.
func leaderless(specs []TopicSpec, known map[string]*topicMetadata) *LeaderlessError {
	for _, s := range specs {
		t := known[s.Name]
		if t == nil {
			return &LeaderlessError{Topic: s.Name}
		}
		for n := range int32(s.Partitions) {
			if leader, ok := t.leaders[n]; !ok || leader < 0 {
				return &LeaderlessError{Topic: s.Name, Partition: n, Replicas: t.replicas[n]}
			}
		}
		if t.err != nil {
			return &LeaderlessError{Topic: s.Name, Replicas: t.replicas[0]}
		}
	}
	return nil
}

func isLeaderless(err error) bool { return errors.Is(err, kafkago.LeaderNotAvailable) }
