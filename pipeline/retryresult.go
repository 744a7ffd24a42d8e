package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/lienthong/truc/bus"
)

// RetryResult says what has become of the letters that were tried again. The last one of each pipeline stands on the
// requests topic: while the retry runs it tells how far it is, and after a crash it is gone on with.
type RetryResult struct {
	Format int `json:"v"`
	// ID is that of the request.
	ID       string    `json:"id"`
	Pipeline string    `json:"pipeline"`
	Time     time.Time `json:"time"`
	// Total is how many open letters were meant.
	Total int64 `json:"total"`
	// Resolved were published, or delivered, and closed. Gone were closed because nothing is left to publish: the row was
	// deleted, or is outside the filter now. Newer were closed because the topic, or a later letter of the same row, holds
	// something newer.
	Resolved int64 `json:"resolved"`
	Gone     int64 `json:"gone"`
	Newer    int64 `json:"newer"`
	// Wrong stay open, with what is wrong now, by "rule" or "rule field".
	Wrong map[string]int64 `json:"wrong,omitempty"`
	// Unknown stay open because the letter does not say where its row is: a person has to close them.
	Unknown int64 `json:"unknown"`
	// Resumed counts the interruptions. One that was a kill loses what was counted of the last few hundred letters.
	Resumed int  `json:"resumed,omitempty"`
	Done    bool `json:"done"`
	// End bounds what is meant: letters that were last written before it on the dead-letter topic. Whatever the retry writes
	// stands behind it, so that it tries nothing twice.
	End int64 `json:"end"`
}

// Tried is how many letters were tried so far.
func (r *RetryResult) Tried() int64 {
	return r.Resolved + r.Gone + r.Newer + r.StillWrong() + r.Unknown
}

// StillWrong is how many letters stay open because something is still wrong with them.
func (r *RetryResult) StillWrong() int64 {
	var n int64
	for _, w := range r.Wrong {
		n += w
	}
	return n
}

// maxWrongKinds bounds RetryResult.Wrong.
const maxWrongKinds = 200

// wrong counts a letter that stays open.
func (r *RetryResult) wrong(l *Letter) {
	kind := l.Reason
	if len(l.Violations) > 0 {
		v := &l.Violations[0]
		kind = strings.TrimSpace(v.Rule + " " + FieldPattern(v.Field))
	}
	if r.Wrong == nil {
		r.Wrong = map[string]int64{}
	}
	if _, known := r.Wrong[kind]; !known && len(r.Wrong) >= maxWrongKinds {
		kind = "…"
	}
	r.Wrong[kind]++
}

// retryPrefix begins the keys of results; it cannot begin that of a request.
const retryPrefix = "retried:"

func retryResultKey(agency, reader, pipeline string) string {
	return retryPrefix + checkpointKey(agency, reader) + "#" + pipeline
}

// message is the result as it stands on the requests topic. reader is the name under which the request was made.
func (r *RetryResult) message(agency, reader string) (bus.Message, error) {
	r.Format, r.Time = 1, time.Now().UTC()
	value, err := json.Marshal(r)
	if err != nil {
		return bus.Message{}, fmt.Errorf("encode the result of a retry: %w", err)
	}
	return bus.Message{Key: []byte(retryResultKey(agency, reader, r.Pipeline)), Value: value}, nil
}

// LastRetry returns the result of the last retry of a pipeline's letters, nil when there was none. reader is the source, or
// DeliveryRequests of a delivery.
func LastRetry(ctx context.Context, b Bus, agency, reader, pipeline string) (*RetryResult, error) {
	infos, err := b.Describe(ctx, RequestsTopic)
	if err != nil || infos[RequestsTopic].ID == "" {
		return nil, err
	}
	value, _, err := lastUnderKey(ctx, b, requestsPartition, retryResultKey(agency, reader, pipeline))
	if err != nil || value == nil {
		return nil, err
	}
	r := new(RetryResult)
	if err := json.Unmarshal(value, r); err != nil || r.Format != 1 {
		return nil, nil //nolint:nilerr // one that this version cannot read says nothing to it
	}
	return r, nil
}
