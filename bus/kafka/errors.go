package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// ErrSenderClosed is what groups get that were still queued when their sender was closed: nothing is known of them.
var ErrSenderClosed = errors.New("sender is closed")

// ErrOffsetUnknown is reported when the broker says that it already has a batch but not where. The group may be on the
// topic: only recovery, which reads the topic back, can tell.
var ErrOffsetUnknown = errors.New("broker has the batch already and does not say at which offset: recovery has to read the topic")

// UnreachableError says that no broker answers.
type UnreachableError struct {
	// Brokers are the addresses that were tried, separated by commas.
	Brokers string
	Err     error
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("reach Kafka at %s: %v; check the address, the network and that the broker runs", e.Brokers, e.Err)
}

func (e *UnreachableError) Unwrap() error { return e.Err }

// AuthenticationError says that a broker does not let this user in.
type AuthenticationError struct {
	Brokers string
	Err     error
}

func (e *AuthenticationError) Error() string {
	return fmt.Sprintf("log in to Kafka at %s: %v; check sasl.mechanism, sasl.user and sasl.password", e.Brokers, e.Err)
}

func (e *AuthenticationError) Unwrap() error { return e.Err }

// FencedError says that another producer with the same transactional id has taken over. This one can never write again.
type FencedError struct {
	TransactionalID string
	Err             error
}

func (e *FencedError) Error() string {
	return fmt.Sprintf("producer %q is fenced: another process has taken over", e.TransactionalID)
}

func (e *FencedError) Unwrap() error { return e.Err }

// TopicMismatchError says that a topic exists with another number of partitions than configured. Keys would move.
type TopicMismatchError struct {
	Topic      string
	Want, Have int
}

func (e *TopicMismatchError) Error() string {
	return fmt.Sprintf("topic %s has %d partitions, %d are configured: set the configuration to %d, or create a new major version of the dataset",
		e.Topic, e.Have, e.Want, e.Have)
}

// LeaderlessError says that nobody leads a partition of a topic, so that it can be neither read nor written.
type LeaderlessError struct {
	Topic     string
	Partition int32
	// Replicas are the ids of the brokers that hold the partition; none where the cluster does not even know the topic yet.
	Replicas []int32
	// Waited is how long.
	Waited time.Duration
}

func (e *LeaderlessError) Error() string {
	return fmt.Sprintf("topic %s partition %d has had no leader for %s (its replicas: brokers %s); start these brokers, or look at their logs",
		e.Topic, e.Partition, e.Waited, e.Brokers())
}

// Brokers lists the replicas: "1, 2", or "none".
func (e *LeaderlessError) Brokers() string {
	if len(e.Replicas) == 0 {
		return "none"
	}
	ids := make([]string, len(e.Replicas))
	for i, id := range e.Replicas {
		ids[i] = strconv.Itoa(int(id))
	}
	return strings.Join(ids, ", ")
}

// TooLargeError says that a message does not fit its topic.
type TooLargeError struct {
	Topic string
	// Index is the message's place in its group; -1 when the broker refused a whole batch.
	Index int
	// Size is what the message (or batch) takes encoded, Limit what the topic accepts (its max.message.bytes), in bytes.
	Size, Limit int
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("message of %d bytes is too large for topic %s, which takes %d: raise the topic's max.message.bytes or make the document smaller",
		e.Size, e.Topic, e.Limit)
}

// OutOfRangeError says that a partition does not hold the offset that was asked for.
type OutOfRangeError struct {
	TopicPartition
	Asked int64
	Have  Range
}

func (e *OutOfRangeError) Error() string {
	return fmt.Sprintf("offset %d of %s is out of range: the partition holds %d to %d", e.Asked, e.TopicPartition, e.Have.Start, e.Have.End)
}

// StorageError says that the broker could not store a batch for a reason of its own, such as a full disk.
type StorageError struct {
	TopicPartition
	Err error
}

func (e *StorageError) Error() string {
	return fmt.Sprintf("broker could not store a batch of %s: %v; look at the broker's log and its free disk space", e.TopicPartition, e.Err)
}

func (e *StorageError) Unwrap() error { return e.Err }

// responseError turns a Kafka error code into an error; nil for 0.
func responseError(code int16) error {
	if code == 0 {
		return nil
	}
	return kafkago.Error(code)
}

// isNetwork reports whether err is the loss of a connection, or that none could be made.
func isNetwork(err error) bool {
	// An answer of the broker has the methods of a net.Error too.
	if code := kafkago.Error(0); errors.As(err, &code) {
		return false
	}
	var netErr net.Error
	return errors.As(err, &netErr) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe) || errors.Is(err, context.DeadlineExceeded)
}

// isTLS reports whether err is a failure of the TLS handshake.
func isTLS(err error) bool {
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	return errors.As(err, &certificate) || errors.As(err, &record) || errors.As(err, &alert)
}

func isAuthentication(err error) bool {
	return errors.Is(err, kafkago.SASLAuthenticationFailed) || errors.Is(err, kafkago.UnsupportedSASLMechanism) || errors.Is(err, kafkago.IllegalSASLState)
}

// isUnknownTopic reports whether the broker, or what is known of the cluster's layout, has no such topic or partition.
func isUnknownTopic(err error) bool {
	return errors.Is(err, kafkago.UnknownTopicOrPartition) || errors.Is(err, kafkago.UnknownTopicID) ||
		errors.Is(err, protocol.ErrNoTopic) || errors.Is(err, protocol.ErrNoPartition)
}

// isRetriable reports whether the same request can succeed later without anybody doing anything. Whether it may be
// repeated is the caller's question.
func isRetriable(err error) bool {
	if isNetwork(err) || isUnknownTopic(err) || errors.Is(err, protocol.ErrNoLeader) {
		return true
	}
	var code kafkago.Error
	if !errors.As(err, &code) {
		return false
	}
	switch code {
	case kafkago.LeaderNotAvailable, kafkago.NotLeaderForPartition, kafkago.RequestTimedOut, kafkago.BrokerNotAvailable,
		kafkago.ReplicaNotAvailable, kafkago.NetworkException, kafkago.GroupLoadInProgress, kafkago.GroupCoordinatorNotAvailable,
		kafkago.NotCoordinatorForGroup, kafkago.NotEnoughReplicas, kafkago.NotEnoughReplicasAfterAppend, kafkago.NotController,
		kafkago.FencedLeaderEpoch, kafkago.UnknownLeaderEpoch, kafkago.OffsetNotAvailable, kafkago.ListenerNotFound,
		kafkago.EligibleLeadersNotAvailable, kafkago.ThrottlingQuotaExceeded, kafkago.ConcurrentTransactions:
		return true
	}
	return false
}
