package kafka

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/describeconfigs"
)

// Compaction is what the settings of a topic say of when a record vanishes that has a successor under its key.
type Compaction struct {
	// Policy is cleanup.policy; "" where the cluster does not let this user see it.
	Policy string
	// MaxLag bounds how long such a record stays (max.compaction.lag.ms); 0: nothing does.
	MaxLag time.Duration
	// DeleteRetention is how long a tombstone stays from then on.
	DeleteRetention time.Duration
}

// Compacts reports whether such records vanish at all.
func (c Compaction) Compacts() bool { return strings.Contains(c.Policy, "compact") }

// Compaction asks for the settings of a topic. A bus that is never compacted says so, whatever its topics are set to.
func (c *Client) Compaction(ctx context.Context, topic string) (Compaction, error) {
	const policy, maxLag, retention = "cleanup.policy", "max.compaction.lag.ms", "delete.retention.ms"
	res, err := roundTrip[*describeconfigs.Response](ctx, c, requestTimeout, &describeconfigs.Request{Resources: []describeconfigs.RequestResource{{
		ResourceType: int8(kafkago.ResourceTypeTopic), ResourceName: topic, ConfigNames: []string{policy, maxLag, retention},
	}}})
	if err != nil {
		return Compaction{}, fmt.Errorf("ask for the settings of topic %s: %w", topic, c.unreachable(ctx, err))
	}
	var out Compaction
	for _, r := range res.Resources {
		for _, e := range r.ConfigEntries {
			ms, err := strconv.ParseInt(e.ConfigValue, 10, 64)
			finite := err == nil && ms > 0 && ms < math.MaxInt64/int64(time.Millisecond)
			switch {
			case e.ConfigName == policy:
				out.Policy = e.ConfigValue
			case e.ConfigName == maxLag && finite:
				out.MaxLag = time.Duration(ms) * time.Millisecond
			case e.ConfigName == retention && finite:
				out.DeleteRetention = time.Duration(ms) * time.Millisecond
			}
		}
	}
	if c.cfg.NeverCompact {
		out = Compaction{Policy: "delete"}
	}
	return out, nil
}
