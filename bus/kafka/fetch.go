package kafka

import (
	"encoding/binary"
	"io"

	"github.com/segmentio/kafka-go/protocol"
)

// fetchVersion is the last version before flexible fields, with everything a reader of one partition needs.
const fetchVersion = 11

// fetchRequest asks the leader of one partition for batches. kafka-go's own type allocates for each header of each record;
// this one leaves the batches as they came (batchDecoder).
type fetchRequest struct {
	clientID string
	tp       TopicPartition
	offset   int64
	cfg      ReaderConfig
	// buf receives the answer when it is large enough. It belongs to the request until an answer came: when the wait is
	// given up, the transport still reads into it.
	buf []byte
}

// fetchResponse is the answer for the one partition. answer is the whole memory, batches a part of it.
type fetchResponse struct {
	code            int16
	throttled       bool
	highWatermark   int64
	logStart        int64
	answer, batches []byte
}

func (*fetchRequest) ApiKey() protocol.ApiKey                 { return protocol.Fetch }
func (*fetchResponse) ApiKey() protocol.ApiKey                { return protocol.Fetch }
func (*fetchRequest) Required(map[protocol.ApiKey]int16) bool { return true }

func (q *fetchRequest) Broker(cluster protocol.Cluster) (protocol.Broker, error) {
	return leaderOf(cluster, q.tp)
}

func (q *fetchRequest) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	answer, err := exchange(rw, protocol.Fetch, fetchVersion, q.clientID, false, q.append, q.buf)
	if err != nil {
		return nil, err
	}
	return readFetch(answer)
}

func (q *fetchRequest) append(dst []byte) []byte {
	const none = 1<<32 - 1                         // -1
	dst = binary.BigEndian.AppendUint32(dst, none) // replica: a consumer
	dst = binary.BigEndian.AppendUint32(dst, uint32(q.cfg.MaxWait.Milliseconds()))
	dst = binary.BigEndian.AppendUint32(dst, uint32(q.cfg.MinBytes))
	dst = binary.BigEndian.AppendUint32(dst, uint32(q.cfg.MaxBytes))
	dst = append(dst, 0)                           // read uncommitted: up to the high watermark
	dst = binary.BigEndian.AppendUint32(dst, 0)    // no session
	dst = binary.BigEndian.AppendUint32(dst, none) // nor one to come
	dst = binary.BigEndian.AppendUint32(dst, 1)
	dst = appendString(dst, q.tp.Topic)
	dst = binary.BigEndian.AppendUint32(dst, 1)
	dst = binary.BigEndian.AppendUint32(dst, uint32(q.tp.Partition))
	dst = binary.BigEndian.AppendUint32(dst, none) // leader epoch: unknown
	dst = binary.BigEndian.AppendUint64(dst, uint64(q.offset))
	dst = binary.BigEndian.AppendUint64(dst, 1<<64-1) // log start: only replicas have one
	dst = binary.BigEndian.AppendUint32(dst, uint32(q.cfg.MaxBytes))
	dst = binary.BigEndian.AppendUint32(dst, 0) // forgotten topics
	return appendString(dst, "")                // rack
}

func readFetch(answer []byte) (*fetchResponse, error) {
	r := &wireReader{b: answer}
	res := &fetchResponse{answer: answer}
	res.throttled = r.int32() > 0
	res.code = r.int16()
	r.int32() // session
	if r.int32() == 0 && r.err == nil {
		return res, nil // an error of the whole request
	}
	r.skipString() // topic
	r.int32()      // partitions: 1
	r.int32()      // partition
	if code := r.int16(); code != 0 {
		res.code = code
	}
	res.highWatermark = r.int64()
	r.int64() // last stable offset
	res.logStart = r.int64()
	r.bytes(16 * max(0, int(r.int32()))) // aborted transactions
	r.int32()                            // preferred replica
	res.batches = r.bytes(max(0, int(r.int32())))
	if r.err != nil {
		return nil, r.err
	}
	return res, nil
}
