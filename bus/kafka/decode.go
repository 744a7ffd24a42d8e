package kafka

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/segmentio/kafka-go/compress"

	"github.com/lienthong/truc/bus"
)

// maxInflated bounds what a compressed batch may grow to.
const maxInflated = 128 << 20

// CorruptBatchError says that a batch on a partition cannot be read. It names no content.
type CorruptBatchError struct {
	TopicPartition
	Offset int64
	Err    error
}

func (e *CorruptBatchError) Error() string {
	return fmt.Sprintf("read batch at offset %d of %s: %v", e.Offset, e.TopicPartition, e.Err)
}

func (e *CorruptBatchError) Unwrap() error { return e.Err }

var (
	errChecksum   = errors.New("checksum does not match")
	errOldFormat  = errors.New("message format is older than Kafka 0.11")
	errOddRecord  = errors.New("record is malformed")
	errTooLarge   = errors.New("batch is too large when inflated")
	errUnknownZip = errors.New("compression is unknown")
)

// batchDecoder turns the batches of a fetch into records that point into the fetch's memory. It keeps its own memory from
// one fetch to the next.
type batchDecoder struct {
	tp      TopicPartition
	records []bus.Delivered
	headers []bus.Header
	// names holds the header names seen so far, so that the same name is allocated once.
	names map[string]string
}

// maxNames bounds batchDecoder.names: other producers may make up header names.
const maxNames = 256

// decode reads the batches of a fetch from offset from on, and returns their records and the offset after the last batch.
// Control batches (transaction markers) and records before from are left out; the offset moves over them. A fetch may end in
// the middle of a batch, which is then fetched again. With an error come the records and the offset before it.
func (d *batchDecoder) decode(fetched []byte, from int64) ([]bus.Delivered, int64, error) {
	d.records = d.records[:0]
	d.headers = d.headers[:0]
	next := from
	for len(fetched) >= batchHeader {
		size := int(int32(binary.BigEndian.Uint32(fetched[atBatchLength:]))) + lengthFrom
		base := int64(binary.BigEndian.Uint64(fetched))
		if fetched[atMagic] != magicV2 {
			return d.records, next, &CorruptBatchError{d.tp, base, errOldFormat}
		}
		if size < batchHeader {
			return d.records, next, &CorruptBatchError{d.tp, base, errOddRecord}
		}
		if size > len(fetched) {
			break
		}
		batch := fetched[:size]
		fetched = fetched[size:]
		end := base + int64(int32(binary.BigEndian.Uint32(batch[atLastOffsetDelta:]))) + 1
		if end <= next {
			continue
		}
		before := len(d.records)
		if err := d.batch(batch, base, next); err != nil {
			return d.records[:before], next, &CorruptBatchError{d.tp, base, err}
		}
		next = end
	}
	return d.records, next, nil
}

func (d *batchDecoder) batch(batch []byte, base, from int64) error {
	if checksum(batch) != binary.BigEndian.Uint32(batch[atCRC:]) {
		return errChecksum
	}
	attributes := binary.BigEndian.Uint16(batch[atAttributes:])
	if attributes&attributeControl != 0 {
		return nil
	}
	first := int64(binary.BigEndian.Uint64(batch[atFirstTimestamp:]))
	count := int32(binary.BigEndian.Uint32(batch[atRecordCount:]))
	body := batch[batchHeader:]
	if codec := attributes & attributeCompression; codec != 0 {
		var err error
		if body, err = inflate(body, codec); err != nil {
			return err
		}
	}
	r := wireReader{b: body}
	for range count {
		record := wireReader{b: r.bytes(int(r.varint()))}
		if r.err != nil {
			return errOddRecord
		}
		if err := d.record(&record, base, first, from); err != nil {
			return err
		}
	}
	return nil
}

func (d *batchDecoder) record(r *wireReader, base, first, from int64) error {
	r.int8() // attributes, unused
	timestamp := first + r.varint()
	offset := base + r.varint()
	if offset < from {
		return nil
	}
	key := r.nullable()
	value := r.nullable()
	count := r.varint()
	start := len(d.headers)
	before := d.headers[max(0, start-int(min(count, int64(start)))):]
	for i := range count {
		name := r.bytes(int(r.varint()))
		// Records tend to have the headers of the record before them.
		var key string
		if i < int64(len(before)) && before[i].Key == string(name) {
			key = before[i].Key
		} else {
			key = d.name(name)
		}
		d.headers = append(d.headers, bus.Header{Key: key, Value: r.nullable()})
		if r.err != nil {
			break
		}
	}
	if r.err != nil || count < 0 {
		d.headers = d.headers[:start]
		return errOddRecord
	}
	var headers []bus.Header
	if count > 0 {
		headers = d.headers[start:len(d.headers):len(d.headers)]
	}
	d.records = append(d.records, bus.Delivered{
		Topic: d.tp.Topic, Partition: d.tp.Partition, Offset: offset, UnixMilli: timestamp, Key: key, Value: value, Headers: headers,
	})
	return nil
}

func (d *batchDecoder) name(b []byte) string {
	if s, ok := d.names[string(b)]; ok {
		return s
	}
	s := string(b)
	if d.names == nil {
		d.names = make(map[string]string)
	}
	if len(d.names) < maxNames {
		d.names[s] = s
	}
	return s
}

// nullable takes bytes with their length; null is nil, empty is not.
func (r *wireReader) nullable() []byte {
	n := r.varint()
	if n < 0 {
		return nil
	}
	return r.bytes(int(n))
}

func inflate(body []byte, codec uint16) ([]byte, error) {
	if int(codec) >= len(compress.Codecs) {
		return nil, errUnknownZip
	}
	z := compress.Compression(codec).Codec()
	if z == nil {
		return nil, errUnknownZip
	}
	in := z.NewReader(bytes.NewReader(body))
	defer func() { _ = in.Close() }()
	out, err := io.ReadAll(io.LimitReader(in, maxInflated+1))
	if err != nil {
		return nil, fmt.Errorf("inflate: %w", err)
	}
	if len(out) > maxInflated {
		return nil, errTooLarge
	}
	return out, nil
}
