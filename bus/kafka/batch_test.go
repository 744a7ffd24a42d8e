package kafka

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go/compress"
	"pgregory.net/rapid"

	"github.com/lienthong/truc/bus"
)

// encodeBatch encodes messages into one batch as it stands on a partition at an offset.
func encodeBatch(base int64, msgs ...bus.Message) []byte {
	return encodeBatchBy(nil, base, msgs...)
}

func encodeBatchBy(codec compress.Codec, base int64, msgs ...bus.Message) []byte {
	var e batchEncoder
	e.reset(nil)
	for i := range msgs {
		e.add(&msgs[i], 1_700_000_000_000, 1<<30)
	}
	if codec != nil {
		if err := e.compress(codec, &bytes.Buffer{}); err != nil {
			panic(err)
		}
	}
	batch := e.finish(7, 3, 11)[sizePrefix:]
	binary.BigEndian.PutUint64(batch, uint64(base))
	return batch
}

// asDelivered is how a message comes back.
func asDelivered(tp TopicPartition, offset int64, m bus.Message, shared []bus.Header) bus.Delivered {
	d := bus.Delivered{Topic: tp.Topic, Partition: tp.Partition, Offset: offset, UnixMilli: m.UnixMilli, Key: m.Key, Value: m.Value}
	if d.UnixMilli == 0 {
		d.UnixMilli = 1_700_000_000_000
	}
	d.Headers = append(append(d.Headers, shared...), m.Headers...)
	return d
}

func drawBytes(t *rapid.T, label string) []byte {
	if rapid.Bool().Draw(t, label+" is null") {
		return nil
	}
	return rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, label)
}

func drawHeaders(t *rapid.T, label string) []bus.Header {
	headers := make([]bus.Header, rapid.IntRange(0, 4).Draw(t, label))
	for i := range headers {
		headers[i] = bus.Header{Key: rapid.StringN(0, 20, 60).Draw(t, label+" name"), Value: drawBytes(t, label+" value")}
	}
	return headers
}

func TestBatchComesBackAsItWas(t *testing.T) {
	tp := TopicPartition{"t", 2}
	rapid.Check(t, func(t *rapid.T) {
		shared := drawHeaders(t, "shared")
		block := bus.NewSharedHeaders(shared...)
		base := rapid.Int64Range(0, 1<<40).Draw(t, "base")
		msgs := make([]bus.Message, rapid.IntRange(1, 80).Draw(t, "messages"))
		want := make([]bus.Delivered, len(msgs))
		for i := range msgs {
			msgs[i] = bus.Message{
				Key: drawBytes(t, "key"), Value: drawBytes(t, "value"), Headers: drawHeaders(t, "own"),
				UnixMilli: rapid.Int64Range(1, 1_700_000_000_000).Draw(t, "time"),
			}
			if rapid.Bool().Draw(t, "has shared headers") {
				msgs[i].Shared = block
				want[i] = asDelivered(tp, base+int64(i), msgs[i], shared)
			} else {
				want[i] = asDelivered(tp, base+int64(i), msgs[i], nil)
			}
		}
		d := batchDecoder{tp: tp}
		codec := rapid.SampledFrom([]compress.Compression{compress.None, compress.Gzip, compress.Snappy, compress.Lz4, compress.Zstd}).Draw(t, "codec").Codec()
		got, next, err := d.decode(encodeBatchBy(codec, base, msgs...), base)
		if err != nil {
			t.Fatal(err)
		}
		if next != base+int64(len(msgs)) {
			t.Errorf("next offset = %d", next)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// The sizes that limits are kept by are the true ones.
func TestBatchSizes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := bus.Message{Key: drawBytes(t, "key"), Value: drawBytes(t, "value"), Headers: drawHeaders(t, "own"), Shared: bus.NewSharedHeaders(drawHeaders(t, "shared")...)}
		m.UnixMilli = rapid.Int64Range(1, 1_700_000_000_000).Draw(t, "time")
		var e batchEncoder
		e.reset(nil)
		e.add(&m, 0, 0)
		if bound := batchSizeBound(&m); e.size() > bound {
			t.Errorf("a batch of one message takes %d bytes, bound %d", e.size(), bound)
		}
		limit := rapid.IntRange(0, 5000).Draw(t, "limit")
		for e.add(&m, 0, limit) {
			if e.size() > limit {
				t.Fatalf("batch of %d bytes is over the limit of %d", e.size(), limit)
			}
		}
	})
}

func TestDecodeSkipsAndStops(t *testing.T) {
	message := func(v string) bus.Message { return bus.Message{Key: []byte("k"), Value: []byte(v), UnixMilli: 1} }
	data := encodeBatch(10, message("ten"), message("eleven"), message("twelve"))
	marker := encodeBatch(13, bus.Message{Key: []byte{0, 0, 0, 0}, Value: []byte{0, 0, 0, 0, 0, 0}})
	binary.BigEndian.PutUint16(marker[atAttributes:], attributeControl)
	seal(marker)
	after := encodeBatch(20, message("twenty"))
	badSum := encodeBatch(30, message("thirty"))
	badSum[len(badSum)-1]++
	old := encodeBatch(30, message("thirty"))
	old[atMagic] = 1
	odd := encodeBatch(30, message("thirty"))
	odd[batchHeader] = 0x7f // the record claims to be longer than it is
	seal(odd)

	for name, tc := range map[string]struct {
		batches [][]byte
		cut     int
		from    int64
		want    []string
		next    int64
		err     error
	}{
		"nothing":                      {from: 10, next: 10},
		"from the middle":              {batches: [][]byte{data}, from: 11, want: []string{"eleven", "twelve"}, next: 13},
		"marker only":                  {batches: [][]byte{marker}, from: 13, next: 14},
		"marker and a hole":            {batches: [][]byte{data, marker, after}, from: 10, want: []string{"ten", "eleven", "twelve", "twenty"}, next: 21},
		"batch wholly before":          {batches: [][]byte{data, after}, from: 13, want: []string{"twenty"}, next: 21},
		"cut in the second":            {batches: [][]byte{data, after}, cut: 5, from: 10, want: []string{"ten", "eleven", "twelve"}, next: 13},
		"cut in a header":              {batches: [][]byte{data, after}, cut: len(after) - 9, from: 10, want: []string{"ten", "eleven", "twelve"}, next: 13},
		"checksum after good records":  {batches: [][]byte{data, badSum}, from: 10, want: []string{"ten", "eleven", "twelve"}, next: 13, err: errChecksum},
		"old format":                   {batches: [][]byte{old}, from: 30, next: 30, err: errOldFormat},
		"record longer than its batch": {batches: [][]byte{odd}, from: 30, next: 30, err: errOddRecord},
	} {
		t.Run(name, func(t *testing.T) {
			var fetched []byte
			for _, b := range tc.batches {
				fetched = append(fetched, b...)
			}
			d := batchDecoder{tp: TopicPartition{"t", 0}}
			records, next, err := d.decode(fetched[:len(fetched)-tc.cut], tc.from)
			if !errors.Is(err, tc.err) || next != tc.next {
				t.Errorf("next %d, err %v; want %d, %v", next, err, tc.next, tc.err)
			}
			var got []string
			for _, r := range records {
				got = append(got, string(r.Value))
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What compression would make larger is sent as it is.
func TestCompressionGains(t *testing.T) {
	codec := compress.Lz4.Codec()
	random := make([]byte, 5000)
	for i := range random {
		random[i] = byte(rand.Uint32())
	}
	for name, test := range map[string]struct {
		value []byte
		want  int8
	}{"text": {bytes.Repeat([]byte("Nguyễn Văn Mẫu "), 300), codec.Code()}, "random": {random, 0}} {
		plain, packed := encodeBatch(0, bus.Message{Value: test.value}), encodeBatchBy(codec, 0, bus.Message{Value: test.value})
		if got := int8(packed[atAttributes+1]); got != test.want || len(packed) > len(plain) {
			t.Errorf("%s: codec %d, %d bytes instead of %d; expected codec %d", name, got, len(packed), len(plain), test.want)
		}
	}
}

// seal corrects the checksum after a test has changed a batch.
func seal(batch []byte) { binary.BigEndian.PutUint32(batch[atCRC:], checksum(batch)) }

// Other producers compress.
func TestDecodeCompressed(t *testing.T) {
	for _, codec := range []compress.Compression{compress.Gzip, compress.Snappy, compress.Lz4, compress.Zstd} {
		t.Run(codec.String(), func(t *testing.T) {
			plain := encodeBatch(5, bus.Message{Key: []byte("k"), Value: []byte("v"), UnixMilli: 9})
			body := compressed(t, codec, plain[batchHeader:])
			batch := append(append([]byte{}, plain[:batchHeader]...), body...)
			binary.BigEndian.PutUint32(batch[atBatchLength:], uint32(len(batch)-lengthFrom))
			binary.BigEndian.PutUint16(batch[atAttributes:], uint16(codec))
			seal(batch)
			d := batchDecoder{tp: TopicPartition{"t", 0}}
			got, next, err := d.decode(batch, 5)
			if err != nil || next != 6 {
				t.Fatalf("next %d, err %v", next, err)
			}
			want := []bus.Delivered{{Topic: "t", Offset: 5, UnixMilli: 9, Key: []byte("k"), Value: []byte("v")}}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func compressed(t *testing.T, codec compress.Compression, b []byte) []byte {
	t.Helper()
	var out writerBuffer
	w := codec.Codec().NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out
}

type writerBuffer []byte

func (b *writerBuffer) Write(p []byte) (int, error) {
	*b = append(*b, p...)
	return len(p), nil
}

// FuzzDecode feeds what a broken or hostile broker could send.
func FuzzDecode(f *testing.F) {
	f.Add(encodeBatch(3, bus.Message{Key: []byte("k"), Value: []byte("v"), Headers: []bus.Header{{Key: "h", Value: []byte("w")}}}), int64(3))
	f.Add([]byte{}, int64(0))
	f.Fuzz(func(t *testing.T, fetched []byte, from int64) {
		if len(fetched) > batchHeader {
			seal(fetched) // get past the checksum
		}
		d := batchDecoder{}
		records, next, err := d.decode(fetched, from)
		if next < from {
			t.Errorf("offset went back from %d to %d (%v)", from, next, err)
		}
		for i := range records {
			if records[i].Offset < from {
				t.Errorf("record %d is before %d", records[i].Offset, from)
			}
		}
	})
}

func FuzzReadFetch(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(_ *testing.T, answer []byte) { _, _ = readFetch(answer) })
}

func FuzzReadMetadata(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0})
	f.Fuzz(func(_ *testing.T, answer []byte) { _, _ = readMetadata(answer) })
}

func TestSequenceWrapsAround(t *testing.T) {
	const last = 1<<31 - 1
	for _, tc := range []struct{ sequence, count, want int32 }{{0, 5, 5}, {last, 1, 0}, {last - 2, 5, 2}, {last - 4, 5, 0}} {
		if got := advance(tc.sequence, tc.count); got != tc.want {
			t.Errorf("advance(%d, %d) = %d, want %d", tc.sequence, tc.count, got, tc.want)
		}
	}
}

// The vectors are those of Kafka's own UtilsTest.testMurmur2, and the partitions what its clients make of them.
func TestMurmur2(t *testing.T) {
	for key, want := range map[string]int32{
		"21":                         -973932308,
		"foobar":                     -790332482,
		"a-little-bit-long-string":   -985981536,
		"a-little-bit-longer-string": -1486304829,
		"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
		"abc": 479470107,
	} {
		if got := int32(murmur2([]byte(key))); got != want {
			t.Errorf("murmur2(%q) = %d, want %d", key, got, want)
		}
		if got, want := PartitionFor([]byte(key), 3), (want&0x7fffffff)%3; got != want {
			t.Errorf("PartitionFor(%q, 3) = %d, want %d", key, got, want)
		}
	}
	if nothing, empty := PartitionFor(nil, 7), PartitionFor([]byte{}, 7); nothing != empty {
		t.Errorf("a nil key goes to %d, an empty one to %d", nothing, empty)
	}
}

// benchmarkMessages is a chunk as the pipeline makes it: documents of 600 bytes, six shared headers, three of their own.
func benchmarkMessages(n int) []bus.Message {
	shared := bus.NewSharedHeaders(
		bus.Header{Key: bus.HeaderSpecVersion, Value: []byte("1.0")},
		bus.Header{Key: bus.HeaderSource, Value: []byte("/agencies/H44.15/hotich/khaisinh")},
		bus.Header{Key: bus.HeaderType, Value: []byte("hotich.khaisinh.v1.created")},
		bus.Header{Key: bus.HeaderDataSchema, Value: []byte("https://chuan.phutho.example/schemas/hotich.khaisinh/1.0.0")},
		bus.Header{Key: bus.HeaderContentType, Value: []byte("application/json")},
		bus.Header{Key: bus.HeaderTime, Value: []byte("2026-03-01T08:00:00.000000Z")},
	)
	msgs := make([]bus.Message, n)
	for i := range msgs {
		msgs[i] = bus.Message{
			Key: fmt.Appendf(nil, "KS-%08d", i), Value: make([]byte, 600), Shared: shared, UnixMilli: 1_700_000_000_000,
			Headers: []bus.Header{
				{Key: bus.HeaderID, Value: fmt.Appendf(nil, "%032x", i)},
				{Key: bus.HeaderSequence, Value: fmt.Appendf(nil, "%032x", i)},
				{Key: bus.HeaderSubject, Value: fmt.Appendf(nil, "KS-%08d", i)},
			},
		}
	}
	return msgs
}

func BenchmarkEncode(b *testing.B) {
	msgs := benchmarkMessages(1000)
	var e batchEncoder
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		e.reset(buf)
		for i := range msgs {
			e.add(&msgs[i], 0, 2<<20)
		}
		buf = e.finish(1, 1, 0)
	}
	b.SetBytes(int64(len(buf)))
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(msgs)), "ns/row")
}

func BenchmarkDecode(b *testing.B) {
	msgs := benchmarkMessages(1000)
	batch := encodeBatch(0, msgs...)
	d := batchDecoder{}
	b.SetBytes(int64(len(batch)))
	b.ReportAllocs()
	for b.Loop() {
		if records, _, err := d.decode(batch, 0); err != nil || len(records) != len(msgs) {
			b.Fatal(len(records), err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(msgs)), "ns/row")
}
