package kafka

import (
	"encoding/binary"
	"io"

	"github.com/segmentio/kafka-go/protocol"
)

// produceVersion is the last version before those that name single bad records; Kafka 4 takes 3 and later.
const produceVersion = 7

// produceRequest asks the leader of one partition to append a batch, when all replicas that count have it. kafka-go's own type
// copies the batch into pages of 64 KiB and writes one after the other.
type produceRequest struct {
	clientID string
	tp       TopicPartition
	// batch is what batchEncoder.finish made, its size before it. It belongs to the request until an answer came: when the wait is
	// given up, the transport still writes from it.
	batch []byte
}

// produceResponse is the answer for the one partition.
type produceResponse struct {
	code       int16
	baseOffset int64
}

func (*produceRequest) ApiKey() protocol.ApiKey                 { return protocol.Produce }
func (*produceResponse) ApiKey() protocol.ApiKey                { return protocol.Produce }
func (*produceRequest) Required(map[protocol.ApiKey]int16) bool { return true }

func (q *produceRequest) Broker(cluster protocol.Cluster) (protocol.Broker, error) {
	return leaderOf(cluster, q.tp)
}

func (q *produceRequest) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	answer, err := exchangeLarge(rw, protocol.Produce, produceVersion, q.clientID, false, q.append, q.batch, nil)
	if err != nil {
		return nil, err
	}
	return readProduce(answer)
}

// append writes what stands before the batch.
func (q *produceRequest) append(dst []byte) []byte {
	const null, all = 1<<16 - 1, 1<<16 - 1         // -1
	dst = binary.BigEndian.AppendUint16(dst, null) // no transaction
	dst = binary.BigEndian.AppendUint16(dst, all)  // replicas
	dst = binary.BigEndian.AppendUint32(dst, uint32(brokerTimeout.Milliseconds()))
	dst = binary.BigEndian.AppendUint32(dst, 1)
	dst = appendString(dst, q.tp.Topic)
	dst = binary.BigEndian.AppendUint32(dst, 1)
	return binary.BigEndian.AppendUint32(dst, uint32(q.tp.Partition))
}

func readProduce(answer []byte) (*produceResponse, error) {
	r := &wireReader{b: answer}
	if r.int32() != 1 {
		return nil, errBadAnswer
	}
	r.skipString() // topic
	if r.int32() != 1 {
		return nil, errBadAnswer
	}
	r.int32() // partition
	res := &produceResponse{code: r.int16(), baseOffset: r.int64()}
	r.int64() // time of the append
	r.int64() // log start
	r.int32() // throttled
	if r.err != nil {
		return nil, r.err
	}
	return res, nil
}
