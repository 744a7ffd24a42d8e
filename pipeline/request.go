package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
)

// RequestsTopic carries what a person asks of a running reader. A request lies there until the reader has done it, so that
// it does not matter whether a node is running when it is made.
const RequestsTopic = "truc.requests"

// Request asks a reader for something out of the ordinary.
type Request struct {
	Format int       `json:"v"`
	ID     string    `json:"id"`
	Made   time.Time `json:"made"`
	// Resnapshot names pipelines whose tables are to be read again from the start, into a new epoch, ending with a sweep.
	Resnapshot []string `json:"resnapshot,omitempty"`
	// Replay asks a delivery to write again what its topics say.
	Replay *Replay `json:"replay,omitempty"`
	// Reconcile asks a delivery to read its topics again from the start and to delete what is no longer on them.
	Reconcile bool `json:"reconcile,omitempty"`
	// Retry asks for the open dead letters of a pipeline to be tried again on the rows as they are now.
	Retry string `json:"retry,omitempty"`
	// RetryKeys limits Retry to letters with these keyed hashes (KeyHash); empty means all.
	RetryKeys []string `json:"retryKeys,omitempty"`
	// RetryReason and RetryField limit it further, as LetterFilter does.
	RetryReason string `json:"retryReason,omitempty"`
	RetryField  string `json:"retryField,omitempty"`
	// Erase asks for an entity to be taken off the topic of a pipeline.
	Erase *Erasure `json:"erase,omitempty"`
}

// format is the version of the request's JSON: what earlier versions would pass over has a newer one, so that they leave it lying.
func (r *Request) format() int {
	if r.Erase != nil {
		return erasureFormat
	}
	return 1
}

// Replay says what of its topics a delivery writes again, under a generation of its own.
type Replay struct {
	// From leaves out what the bus took before that time; the zero time means all.
	From time.Time `json:"from,omitzero"`
	// Keys limits the replay to entities with these keyed hashes (KeyHash); empty means all.
	Keys []string `json:"keys,omitempty"`
}

// whole reports whether everything is written again, so that what was not is no longer on the topics.
func (r *Replay) whole() bool { return r.From.IsZero() && len(r.Keys) == 0 }

// requestKey keeps requests apart: a second one does not replace the first.
func requestKey(agency, reader, id string) string { return checkpointKey(agency, reader) + "#" + id }

// DeliveryRequests is the name under which a delivery's requests stand, so that a source of the same name is not meant.
func DeliveryRequests(delivery string) string { return "subscribe." + delivery }

// DeliveryRetries is the name under which requests to retry a delivery's letters stand: they do not make it begin anew.
func DeliveryRetries(delivery string) string { return "letters." + delivery }

var requestsPartition = kafka.TopicPartition{Topic: RequestsTopic}

// PutRequest leaves a request for the reader of a source, or for a delivery (DeliveryRequests).
func PutRequest(ctx context.Context, b Bus, agency, reader string, r Request) error {
	r.Format = r.format()
	value, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode request: %w", err)
	}
	if err := b.EnsureTopics(ctx, stateTopics(0)...); err != nil {
		return err
	}
	return putOne(ctx, b, requestsPartition, bus.Message{Key: []byte(requestKey(agency, reader, r.ID)), Value: value})
}

// putOne appends a single record, fencing nobody, and waits for it.
func putOne(ctx context.Context, b Bus, p kafka.TopicPartition, m bus.Message) error {
	s, err := b.OpenSender(ctx, kafka.SenderConfig{Unfenced: true, Partitions: []kafka.TopicPartition{p}})
	if err != nil {
		return err
	}
	defer s.Close()
	return produceAndWait(ctx, s, p, []bus.Message{m})
}

// produceAndWait appends records and returns when they are acknowledged.
func produceAndWait(ctx context.Context, s Sender, p kafka.TopicPartition, msgs []bus.Message) error {
	done := make(chan error, 1)
	if err := s.Produce(ctx, p, msgs, func(_ int64, err error) { done <- err }); err != nil {
		return err
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
