package kafka

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math/bits"

	"github.com/segmentio/kafka-go/compress"

	"github.com/lienthong/truc/bus"
)

// The layout of a record batch, version 2 (KIP-98): the header below, then the records. The checksum covers everything from
// the attributes on. Before it, a produce request carries the batch's size.
const (
	sizePrefix = 4

	atBatchLength     = 8
	atLeaderEpoch     = 12
	atMagic           = 16
	atCRC             = 17
	atAttributes      = 21
	atLastOffsetDelta = 23
	atFirstTimestamp  = 27
	atMaxTimestamp    = 35
	atProducerID      = 43
	atProducerEpoch   = 51
	atBaseSequence    = 53
	atRecordCount     = 57
	batchHeader       = 61

	// lengthFrom is where the batch length starts to count.
	lengthFrom = 12
	magicV2    = 2

	attributeCompression = 0x07
	attributeControl     = 0x20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// batchEncoder appends messages to one record batch in the wire form of a produce request, size prefix included. Nothing is
// encoded twice, and shared headers are copied as one block.
type batchEncoder struct {
	buf            []byte
	count          int32
	firstTimestamp int64
	maxTimestamp   int64
	codec          int8 // of the records; 0 when they are not compressed
}

// reset starts a new batch in buf, whose content is lost.
func (e *batchEncoder) reset(buf []byte) {
	var header [sizePrefix + batchHeader]byte
	*e = batchEncoder{buf: append(buf[:0], header[:]...)}
}

// size is what the batch takes, without the size prefix.
func (e *batchEncoder) size() int { return len(e.buf) - sizePrefix }

// add appends a message unless the batch would become larger than limit; the first is always appended. now stands for a
// message without time, and for times that a broker refuses: before 1970, and in the future (Kafka 4 takes an hour,
// log.message.timestamp.after.max.ms). The clock of a source must not stop its pipeline; ce_time has what it says.
func (e *batchEncoder) add(m *bus.Message, now int64, limit int) bool {
	timestamp := m.UnixMilli
	if timestamp <= 0 || timestamp > now {
		timestamp = now
	}
	if e.count == 0 {
		e.firstTimestamp, e.maxTimestamp = timestamp, timestamp
	}
	delta := timestamp - e.firstTimestamp
	body := recordBody(m, delta, int64(e.count))
	if e.count > 0 && e.size()+varintSize(int64(body))+body > limit {
		return false
	}
	e.maxTimestamp = max(e.maxTimestamp, timestamp)

	b := bus.AppendVarint(e.buf, int64(body))
	b = append(b, 0) // attributes, unused
	b = bus.AppendVarint(b, delta)
	b = bus.AppendVarint(b, int64(e.count))
	b = appendNullable(b, m.Key)
	b = appendNullable(b, m.Value)
	headers := len(m.Headers)
	if m.Shared != nil {
		headers += m.Shared.Count
	}
	b = bus.AppendVarint(b, int64(headers))
	if m.Shared != nil {
		b = append(b, m.Shared.Encoded...)
	}
	for i := range m.Headers {
		b = bus.AppendHeader(b, m.Headers[i].Key, m.Headers[i].Value)
	}
	e.buf = b
	e.count++
	return true
}

// compress packs the records, unless that would make them larger. in is memory to do it in. No record can be added then.
func (e *batchEncoder) compress(by compress.Codec, in *bytes.Buffer) error {
	in.Reset()
	w := by.NewWriter(in)
	_, err := w.Write(e.buf[sizePrefix+batchHeader:])
	if err := errors.Join(err, w.Close()); err != nil {
		return err
	}
	if in.Len() < len(e.buf)-sizePrefix-batchHeader {
		e.buf = append(e.buf[:sizePrefix+batchHeader], in.Bytes()...)
		e.codec = by.Code()
	}
	return nil
}

// finish writes the header and returns the whole, size prefix included.
func (e *batchEncoder) finish(producerID int64, producerEpoch int16, baseSequence int32) []byte {
	binary.BigEndian.PutUint32(e.buf, uint32(e.size()))
	b := e.buf[sizePrefix:]
	binary.BigEndian.PutUint64(b, 0) // the broker gives the offset
	binary.BigEndian.PutUint32(b[atBatchLength:], uint32(len(b)-lengthFrom))
	binary.BigEndian.PutUint32(b[atLeaderEpoch:], 1<<32-1)
	b[atMagic] = magicV2
	binary.BigEndian.PutUint16(b[atAttributes:], uint16(e.codec)) // create time, not transactional
	binary.BigEndian.PutUint32(b[atLastOffsetDelta:], uint32(e.count-1))
	binary.BigEndian.PutUint64(b[atFirstTimestamp:], uint64(e.firstTimestamp))
	binary.BigEndian.PutUint64(b[atMaxTimestamp:], uint64(e.maxTimestamp))
	binary.BigEndian.PutUint64(b[atProducerID:], uint64(producerID))
	binary.BigEndian.PutUint16(b[atProducerEpoch:], uint16(producerEpoch))
	binary.BigEndian.PutUint32(b[atBaseSequence:], uint32(baseSequence))
	binary.BigEndian.PutUint32(b[atRecordCount:], uint32(e.count))
	binary.BigEndian.PutUint32(b[atCRC:], checksum(b))
	return e.buf
}

// checksum is what a batch's checksum should be.
func checksum(batch []byte) uint32 { return crc32.Checksum(batch[atAttributes:], castagnoli) }

// maxRecordOverhead bounds what a record takes beside its key, value and headers: six varints and the attributes, at their
// largest.
const maxRecordOverhead = 5 + 1 + 10 + 5 + 5 + 5 + 5

// batchSizeBound is what a batch of this one message takes at most, in bytes.
func batchSizeBound(m *bus.Message) int {
	return batchHeader + maxRecordOverhead + len(m.Key) + len(m.Value) + headersSize(m)
}

// recordBody is the size of a record after its length.
func recordBody(m *bus.Message, timestampDelta, offsetDelta int64) int {
	headers := len(m.Headers)
	if m.Shared != nil {
		headers += m.Shared.Count
	}
	return 1 + varintSize(timestampDelta) + varintSize(offsetDelta) + nullableSize(m.Key) + nullableSize(m.Value) +
		varintSize(int64(headers)) + headersSize(m)
}

func headersSize(m *bus.Message) int {
	n := 0
	if m.Shared != nil {
		n = len(m.Shared.Encoded)
	}
	for i := range m.Headers {
		n += varintSize(int64(len(m.Headers[i].Key))) + len(m.Headers[i].Key) + nullableSize(m.Headers[i].Value)
	}
	return n
}

// appendNullable appends bytes with their length; nil is null.
func appendNullable(dst, b []byte) []byte {
	if b == nil {
		return bus.AppendVarint(dst, -1)
	}
	return append(bus.AppendVarint(dst, int64(len(b))), b...)
}

func nullableSize(b []byte) int {
	if b == nil {
		return 1
	}
	return varintSize(int64(len(b))) + len(b)
}

// varintSize is the length of Kafka's zig-zag varint.
func varintSize(n int64) int {
	u := uint64(n)<<1 ^ uint64(n>>63)
	return (bits.Len64(u|1) + 6) / 7
}

// advance adds to a sequence number, which wraps around at 2^31.
func advance(sequence, count int32) int32 {
	return int32((uint32(sequence) + uint32(count)) & 0x7fffffff)
}
