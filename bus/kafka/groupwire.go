package kafka

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/segmentio/kafka-go/protocol"
)

// groupRequest is a request to the coordinator of a consumer group, in its last version before the flexible ones, which
// Kafka has had since 2.3. kafka-go's own types send Heartbeat to any broker, misencode the newest SyncGroup, and carry one
// client id for the whole connection, whereas the lease is told apart by it.
type groupRequest struct {
	key             protocol.ApiKey
	version         int16
	clientID, group string
	body            func([]byte) []byte
}

// groupAnswer is the body of an answer.
type groupAnswer struct {
	key  protocol.ApiKey
	body []byte
}

func (q *groupRequest) ApiKey() protocol.ApiKey               { return q.key }
func (q *groupAnswer) ApiKey() protocol.ApiKey                { return q.key }
func (*groupRequest) Required(map[protocol.ApiKey]int16) bool { return true }
func (q *groupRequest) Group() string                         { return q.group }
func (q *groupRequest) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	body, err := exchange(rw, q.key, q.version, q.clientID, false, q.body, nil)
	if err != nil {
		return nil, err
	}
	return &groupAnswer{q.key, body}, nil
}

// coordinator sends requests for one group as one client.
type coordinator struct {
	client          *Client
	clientID, group string
}

func (c coordinator) ask(ctx context.Context, timeout time.Duration, key protocol.ApiKey, version int16, body func([]byte) []byte) (*wireReader, error) {
	answer, err := roundTrip[*groupAnswer](ctx, c.client, timeout, &groupRequest{key, version, c.clientID, c.group, body})
	if err != nil {
		return nil, c.client.unreachable(ctx, err)
	}
	return &wireReader{b: answer.body}, nil
}

// joined is what a member learns when a generation of its group begins.
type joined struct {
	generation     int32
	leader, member string
	// members are all of them, for the leader alone.
	members []joinedMember
}

type joinedMember struct {
	id       string
	metadata []byte
}

// join waits until all members have joined. member is "" the first time; the broker then gives one with
// kafkago.MemberIDRequired, which is returned beside that error.
func (c coordinator) join(ctx context.Context, member, protocolName string, metadata []byte, session, rebalance time.Duration) (joined, error) {
	// The first to join an empty group waits for others, as long as the broker is configured to.
	const patience = 30 * time.Second
	r, err := c.ask(ctx, session+rebalance+patience, protocol.JoinGroup, 5, func(b []byte) []byte {
		b = appendString(b, c.group)
		b = binary.BigEndian.AppendUint32(b, uint32(session.Milliseconds()))
		b = binary.BigEndian.AppendUint32(b, uint32(rebalance.Milliseconds()))
		b = appendString(b, member)
		b = appendNull(b) // group instance
		b = appendString(b, "consumer")
		b = binary.BigEndian.AppendUint32(b, 1)
		b = appendString(b, protocolName)
		return appendBytes(b, metadata)
	})
	if err != nil {
		return joined{}, err
	}
	r.int32() // throttled for
	code := r.int16()
	j := joined{generation: r.int32()}
	r.skipString() // protocol
	j.leader, j.member = r.string(), r.string()
	for range r.array() {
		m := joinedMember{id: r.string()}
		r.skipString() // group instance
		m.metadata = r.blob()
		j.members = append(j.members, m)
	}
	if r.err != nil {
		return joined{}, fmt.Errorf("read answer to JoinGroup: %w", r.err)
	}
	return j, responseError(code)
}

// sync hands out what the leader has decided, which the others pass as none, and returns this member's part.
func (c coordinator) sync(ctx context.Context, generation int32, member string, assignments map[string][]byte, timeout time.Duration) ([]byte, error) {
	r, err := c.ask(ctx, timeout, protocol.SyncGroup, 3, func(b []byte) []byte {
		b = c.appendMember(b, generation, member)
		b = binary.BigEndian.AppendUint32(b, uint32(len(assignments)))
		for id, a := range assignments {
			b = appendBytes(appendString(b, id), a)
		}
		return b
	})
	if err != nil {
		return nil, err
	}
	r.int32() // throttled for
	code := r.int16()
	assignment := r.blob()
	if r.err != nil {
		return nil, fmt.Errorf("read answer to SyncGroup: %w", r.err)
	}
	return assignment, responseError(code)
}

func (c coordinator) heartbeat(ctx context.Context, generation int32, member string, timeout time.Duration) error {
	r, err := c.ask(ctx, timeout, protocol.Heartbeat, 3, func(b []byte) []byte { return c.appendMember(b, generation, member) })
	if err != nil {
		return err
	}
	r.int32() // throttled for
	code := r.int16()
	if r.err != nil {
		return fmt.Errorf("read answer to Heartbeat: %w", r.err)
	}
	return responseError(code)
}

func (c coordinator) appendMember(b []byte, generation int32, member string) []byte {
	b = appendString(b, c.group)
	b = binary.BigEndian.AppendUint32(b, uint32(generation))
	b = appendString(b, member)
	return appendNull(b) // group instance
}

// leave takes any member out of the group, not only oneself.
func (c coordinator) leave(ctx context.Context, member string) error {
	r, err := c.ask(ctx, requestTimeout, protocol.LeaveGroup, 2, func(b []byte) []byte {
		return appendString(appendString(b, c.group), member)
	})
	if err != nil {
		return err
	}
	r.int32() // throttled for
	return responseError(r.int16())
}

// groupMember is a member as the coordinator describes it to anybody.
type groupMember struct {
	id, clientID string
	assignment   []byte
}

// members are those that the group has now; none where there is no such group.
func (c coordinator) members(ctx context.Context) ([]groupMember, error) {
	r, err := c.ask(ctx, requestTimeout, protocol.DescribeGroups, 4, func(b []byte) []byte {
		b = binary.BigEndian.AppendUint32(b, 1)
		b = appendString(b, c.group)
		return append(b, 0) // without what one may do with it
	})
	if err != nil {
		return nil, err
	}
	r.int32() // throttled for
	r.int32() // groups: 1
	code := r.int16()
	for range 4 { // group, state, protocol type, protocol
		r.skipString()
	}
	var members []groupMember
	for range r.array() {
		m := groupMember{id: r.string()}
		r.skipString() // group instance
		m.clientID = r.string()
		r.skipString() // host
		r.blob()       // metadata
		m.assignment = r.blob()
		members = append(members, m)
	}
	if r.err != nil {
		return nil, fmt.Errorf("read answer to DescribeGroups: %w", r.err)
	}
	return members, responseError(code)
}

func appendNull(dst []byte) []byte { return binary.BigEndian.AppendUint16(dst, 1<<16-1) }

func appendBytes(dst, b []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(b)))
	return append(dst, b...)
}

// string takes a string with a two-byte length; null is "".
func (r *wireReader) string() string {
	n := r.int16()
	if n <= 0 {
		return ""
	}
	return string(r.bytes(int(n)))
}

// blob takes bytes with a four-byte length; null is none.
func (r *wireReader) blob() []byte {
	n := r.int32()
	if n <= 0 {
		return nil
	}
	return r.bytes(int(n))
}

// array takes the length of an array with a four-byte length; null is 0.
func (r *wireReader) array() int {
	n := int(r.int32())
	if n > len(r.b) {
		r.fail(errShortAnswer)
		return 0
	}
	return max(0, n)
}

// subscribe is what a member of a consumer group says of itself, and allot what it is given, in the form in which Kafka's own
// tools show them (version 0 of the consumer protocol): partition 0 of a topic, or nothing, with a text of ours.
func subscribe(topic string, claim []byte) []byte {
	b := binary.BigEndian.AppendUint16(nil, 0)
	b = binary.BigEndian.AppendUint32(b, 1)
	b = appendString(b, topic)
	return appendBytes(b, claim)
}

func readSubscribed(b []byte) (claim []byte) {
	r := &wireReader{b: b}
	r.int16()
	for range r.array() {
		r.skipString()
	}
	claim = r.blob()
	if r.err != nil {
		return nil
	}
	return claim
}

func allot(topic string, mine bool, note []byte) []byte {
	b := binary.BigEndian.AppendUint16(nil, 0)
	if mine {
		b = binary.BigEndian.AppendUint32(b, 1)
		b = appendString(b, topic)
		b = binary.BigEndian.AppendUint32(b, 1) // partitions
	}
	b = binary.BigEndian.AppendUint32(b, 0) // none; or number 0
	return appendBytes(b, note)
}

func readAllotted(b []byte) (mine bool, note []byte) {
	r := &wireReader{b: b}
	r.int16()
	for range r.array() {
		r.skipString()
		for range r.array() {
			r.int32()
			mine = true
		}
	}
	note = r.blob()
	return mine && r.err == nil, note
}
