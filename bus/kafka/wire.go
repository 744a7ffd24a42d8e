package kafka

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/segmentio/kafka-go/protocol"
)

// maxAnswer bounds what an answer of a broker may take, so that a broken length cannot exhaust memory. A fetch returns at
// least one whole batch, however large; batches beyond this are nothing truc publishes.
const maxAnswer = 256 << 20

var (
	errShortAnswer = errors.New("answer of the broker ends too early")
	errBadAnswer   = errors.New("answer of the broker is malformed")
)

// exchange writes one request in the wire form of Kafka's protocol and reads its answer into buf, which is enlarged when it
// is too small. It is used by requests that do their own encoding (protocol.RawExchanger). The connection carries one
// request at a time, so the correlation id may be any.
func exchange(rw io.ReadWriter, key protocol.ApiKey, version int16, clientID string, flexible bool, body func([]byte) []byte, buf []byte) ([]byte, error) {
	return exchangeLarge(rw, key, version, clientID, flexible, body, nil, buf)
}

// exchangeLarge is exchange for a body that ends with bytes that are there already, and are not copied.
func exchangeLarge(rw io.ReadWriter, key protocol.ApiKey, version int16, clientID string, flexible bool, body func([]byte) []byte, end, buf []byte) ([]byte, error) {
	const correlation = 1
	out := make([]byte, 4, 256)
	out = binary.BigEndian.AppendUint16(out, uint16(key))
	out = binary.BigEndian.AppendUint16(out, uint16(version))
	out = binary.BigEndian.AppendUint32(out, correlation)
	out = appendString(out, clientID)
	if flexible {
		out = append(out, 0)
	}
	out = body(out)
	binary.BigEndian.PutUint32(out, uint32(len(out)-4+len(end)))
	if _, err := rw.Write(out); err != nil {
		return nil, err
	}
	if len(end) > 0 {
		if _, err := rw.Write(end); err != nil {
			return nil, err
		}
	}
	var head [8]byte
	if _, err := io.ReadFull(rw, head[:]); err != nil {
		return nil, err
	}
	size := int(int32(binary.BigEndian.Uint32(head[:]))) - 4
	if size < 0 || size > maxAnswer || binary.BigEndian.Uint32(head[4:]) != correlation {
		return nil, errBadAnswer
	}
	if cap(buf) < size {
		buf = make([]byte, size)
	}
	buf = buf[:size]
	if _, err := io.ReadFull(rw, buf); err != nil {
		return nil, err
	}
	return buf, nil
}

func appendString(dst []byte, s string) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(s)))
	return append(dst, s...)
}

func appendCompactString(dst []byte, s string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)+1))
	return append(dst, s...)
}

// wireReader takes values off an answer. After the first error every further one is zero; err says what happened.
type wireReader struct {
	b   []byte
	err error
}

func (r *wireReader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.b = nil
}

func (r *wireReader) bytes(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.fail(errShortAnswer)
		return nil
	}
	out := r.b[:n:n]
	r.b = r.b[n:]
	return out
}

func (r *wireReader) int8() int8 {
	if b := r.bytes(1); b != nil {
		return int8(b[0])
	}
	return 0
}

func (r *wireReader) int16() int16 {
	if b := r.bytes(2); b != nil {
		return int16(binary.BigEndian.Uint16(b))
	}
	return 0
}

func (r *wireReader) int32() int32 {
	if b := r.bytes(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (r *wireReader) int64() int64 {
	if b := r.bytes(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

func (r *wireReader) uvarint() int {
	v, n := binary.Uvarint(r.b)
	if n <= 0 || v > maxAnswer {
		r.fail(errBadAnswer)
		return 0
	}
	r.b = r.b[n:]
	return int(v)
}

// varint takes Kafka's zig-zag varint. It is on the path of every record, hence the short cut for one byte.
func (r *wireReader) varint() int64 {
	if len(r.b) > 0 && r.b[0] < 0x80 {
		u := r.b[0]
		r.b = r.b[1:]
		return int64(u>>1) ^ -int64(u&1)
	}
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.fail(errBadAnswer)
		return 0
	}
	r.b = r.b[n:]
	return v
}

// skipString passes a string with a two-byte length, which is -1 for null.
func (r *wireReader) skipString() {
	if n := r.int16(); n > 0 {
		r.bytes(int(n))
	}
}

// compactString takes a string with a varint length; null is "".
func (r *wireReader) compactString() string {
	n := r.uvarint()
	if n == 0 {
		return ""
	}
	return string(r.bytes(n - 1))
}

// compactArray takes the length of an array; null is 0.
func (r *wireReader) compactArray() int { return max(0, r.uvarint()-1) }

// tags skips tagged fields.
func (r *wireReader) tags() {
	for range r.uvarint() {
		r.uvarint()
		r.bytes(r.uvarint())
		if r.err != nil {
			return
		}
	}
}

// leaderOf routes a request to the leader of a partition, as far as the transport knows it.
func leaderOf(cluster protocol.Cluster, tp TopicPartition) (protocol.Broker, error) {
	topic, ok := cluster.Topics[tp.Topic]
	if !ok {
		return protocol.Broker{ID: -1}, protocol.NewErrNoTopic(tp.Topic)
	}
	partition, ok := topic.Partitions[tp.Partition]
	if !ok {
		return protocol.Broker{ID: -1}, protocol.NewErrNoPartition(tp.Topic, tp.Partition)
	}
	broker, ok := cluster.Brokers[partition.Leader]
	if !ok {
		return protocol.Broker{ID: -1}, protocol.NewErrNoLeader(tp.Topic, tp.Partition)
	}
	return broker, nil
}

// formatUUID writes a topic id in the common form of UUIDs, which other Kafka tools encode in base64; "" when it is none.
func formatUUID(b []byte) string {
	if len(b) != 16 {
		return ""
	}
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
}
