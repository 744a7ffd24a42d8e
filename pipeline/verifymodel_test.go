package pipeline

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/mapping"
	"github.com/lienthong/truc/record"
)

// shelf is a bus of which topics can only be read.
type shelf struct {
	Bus
	records map[kafka.TopicPartition][]bus.Delivered
}

func (s *shelf) Describe(_ context.Context, topics ...string) (map[string]kafka.TopicInfo, error) {
	out := map[string]kafka.TopicInfo{}
	for _, topic := range topics {
		n := 0
		for tp := range s.records {
			if tp.Topic == topic {
				n++
			}
		}
		out[topic] = kafka.TopicInfo{ID: "1", Partitions: n}
	}
	return out, nil
}

func (s *shelf) Ranges(_ context.Context, parts ...kafka.TopicPartition) (map[kafka.TopicPartition]kafka.Range, error) {
	out := map[kafka.TopicPartition]kafka.Range{}
	for _, tp := range parts {
		out[tp] = kafka.Range{End: int64(len(s.records[tp]))}
	}
	return out, nil
}

func (s *shelf) ReadRange(_ context.Context, tp kafka.TopicPartition, from, to int64, fn func(*bus.Delivered) error) error {
	for i := from; i < to; i++ {
		if err := fn(&s.records[tp][i]); err != nil {
			return err
		}
	}
	return nil
}

func (s *shelf) put(topic string, partition int, m bus.Message) {
	tp := kafka.TopicPartition{Topic: topic, Partition: int32(partition)}
	s.records[tp] = append(s.records[tp], bus.Delivered{Topic: topic, Partition: tp.Partition, Offset: int64(len(s.records[tp])), Key: m.Key, Value: m.Value, Headers: m.Headers})
}

// read gives what contents yield, and sees that it is in order.
func (c contents) read(t *testing.T) map[uint64]uint64 {
	t.Helper()
	defer c.close()
	out := map[uint64]uint64{}
	last := uint64(0)
	for {
		key, content, more, err := c.next()
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			return out
		}
		if len(out) > 0 && key <= last {
			t.Fatalf("key %x comes behind %x", key, last)
		}
		last, out[key] = key, content
	}
}

// many runs a test with many seeds, and names the one that fails.
func many(t *testing.T, n int, one func(t *testing.T, rnd *rand.Rand, opt VerifyOptions)) {
	t.Helper()
	dir := t.TempDir()
	for range n {
		seed := rand.Uint64()
		rnd := rand.New(rand.NewPCG(seed, 1))
		one(t, rnd, VerifyOptions{Settle: time.Nanosecond, pause: time.Nanosecond, tempDir: dir, held: 1 + rnd.IntN(12)})
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("it leaves %v, %v", left, err)
		}
		if t.Failed() {
			t.Fatalf("with seed %d", seed)
		}
	}
}

// TestComparisonModel: compared in pieces and looked at again and again, two sides give the verdict that two maps give.
func TestComparisonModel(t *testing.T) {
	many(t, 60, func(t *testing.T, rnd *rand.Rand, opt VerifyOptions) {
		key := func(i int) string { return "khóa " + strconv.Itoa(i) }
		left, right := map[string]uint64{}, map[string]uint64{}
		for i := range rnd.IntN(60) {
			content := rnd.Uint64()
			switch rnd.IntN(8) {
			case 0:
				left[key(i)] = content
			case 1:
				right[key(i)] = content
			case 2:
				left[key(i)], right[key(i)] = content, content+1
			default:
				left[key(i)], right[key(i)] = content, content
			}
		}
		reads := 0
		of := func(held map[string]uint64) side {
			return func(ctx context.Context, in *selection) (contents, error) {
				reads++
				if rnd.IntN(2) == 0 && in.named == nil {
					in = &selection{} // the selection saves work, and what is not asked for does no harm
				}
				return keyed(ctx, opt, in, func(_ context.Context, fn func([]byte, uint64) error) error {
					for k, content := range held {
						if rnd.IntN(4) == 0 { // an earlier content
							if err := fn([]byte(k), rnd.Uint64()); err != nil {
								return err
							}
						}
						if err := fn([]byte(k), content); err != nil {
							return err
						}
					}
					return nil
				})
			}
		}
		want := map[string]string{}
		for k, content := range left {
			if r, ok := right[k]; !ok {
				want[KeyHash("t", []byte(k))] = "missing in the R"
			} else if r != content {
				want[KeyHash("t", []byte(k))] = "content differs"
			}
		}
		for k := range right {
			if _, ok := left[k]; !ok {
				want[KeyHash("t", []byte(k))] = "only in the R, not in the L"
			}
		}
		v := Verdict{Left: "L", Right: "R"}
		c := comparison{begin: func(context.Context) error { return nil }, left: of(left), right: of(right), topic: "t", opt: opt}
		if err := c.run(t.Context(), &v); err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, d := range v.Differences {
			got[d.Key] = d.What
		}
		if !maps.Equal(got, want) || v.DifferenceCount != int64(len(want)) || v.Equal != (len(want) == 0) {
			t.Errorf("%d differences %v, want %v", v.DifferenceCount, got, want)
		}
		if v.LeftKeys != int64(len(left)) || v.RightKeys != int64(len(right)) {
			t.Errorf("%d and %d keys, want %d and %d", v.LeftKeys, v.RightKeys, len(left), len(right))
		}
	})
}

// TestComparisonOfManySuspects: more keys differ than are picked out while the sides are read; some are equal the next time.
func TestComparisonOfManySuspects(t *testing.T) {
	const n = 2*smallSelection + 1000
	look := 0
	of := func(content func(i int) uint64) side {
		return func(ctx context.Context, in *selection) (contents, error) {
			return keyed(ctx, VerifyOptions{}, in, func(_ context.Context, fn func([]byte, uint64) error) error {
				for i := range n {
					if err := fn(binary.BigEndian.AppendUint32(nil, uint32(i)), content(i)); err != nil {
						return err
					}
				}
				return nil
			})
		}
	}
	c := comparison{
		begin: func(context.Context) error { look++; return nil },
		left:  of(func(int) uint64 { return 1 }),
		right: of(func(i int) uint64 {
			switch {
			case i >= n-500:
				return uint64(look) // equal the first time; what it is later was not asked
			case i < smallSelection+10 && look > 1:
				return 1
			}
			return 2
		}),
		opt: VerifyOptions{Settle: time.Nanosecond},
	}
	var v Verdict
	if err := c.run(t.Context(), &v); err != nil {
		t.Fatal(err)
	}
	if want := int64(n - 500 - smallSelection - 10); v.Equal || v.DifferenceCount != want || v.LeftKeys != n || v.RightKeys != n || len(v.Differences) != MaxDifferences {
		t.Errorf("%d differences of %d and %d keys, %d named; want %d of %d", v.DifferenceCount, v.LeftKeys, v.RightKeys, len(v.Differences), want, n)
	}
}

// TestTopicStateModel: however little is held, a topic gives its last contents, and its totals, as a map of all keys does.
func TestTopicStateModel(t *testing.T) {
	const topic, ours = "t", "/agencies/H44.15/hotich/khaisinh"
	many(t, 200, func(t *testing.T, rnd *rand.Rand, opt VerifyOptions) {
		b := &shelf{records: map[kafka.TopicPartition][]bus.Delivered{{Topic: topic}: nil, {Topic: topic, Partition: 1}: nil}}
		want, sum := map[uint64]uint64{}, map[string]uint64{}
		for i := range rnd.IntN(80) {
			n := rnd.IntN(20)
			m := bus.Message{Key: []byte(strconv.Itoa(n))}
			source := ours
			switch rnd.IntN(5) {
			case 0:
			case 1:
				source = "/agencies/H44.15/hotich/other"
				fallthrough
			default:
				m.Value = []byte(strconv.Itoa(rnd.IntN(3)))
				m.Headers = eventHeaders(source, "hotich.khaisinh.v1.created", fmt.Sprintf("%032x", i))
			}
			b.put(topic, n%2, m)
			if n == 7 {
				continue // it has a letter
			}
			delete(want, keyHash(m.Key))
			delete(sum, string(m.Key))
			switch {
			case m.Value == nil:
			case source == ours:
				want[keyHash(m.Key)], sum[string(m.Key)] = documentContent(m.Value), contentHash(m.Value)
			default:
				want[keyHash(m.Key)], sum[string(m.Key)] = foreign, foreign
			}
		}
		state, err := topicState(t.Context(), b, topic, 2, ours, func(key []byte) bool { return string(key) == "7" }, opt, &selection{})
		if err != nil {
			t.Fatal(err)
		}
		if got := state.read(t); !maps.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		digest := uint64(0)
		for key, content := range sum {
			digest += contentHash([]byte(key), fmt.Appendf(nil, "%d", content))
		}
		if state.totals.Keys != int64(len(sum)) || state.totals.Digest != digest {
			t.Errorf("totals %+v, want %d keys and the digest %d", state.totals, len(sum), digest)
		}
	})
}

// TestExpectedRowsModel: what a sink should hold is what newer-wins makes of the events, in whatever order they stand, entity by
// entity and then row by row.
func TestExpectedRowsModel(t *testing.T) {
	w := newTown(t)
	d := w.wrongNames() // takes dates for names, and nothing else
	topics := []string{bus.EventTopic("hotich.khaisinh.v1", "H44.15"), bus.EventTopic("hotich.khaisinh.v1", "H44.16")}
	agencies := []string{"H44.15", "H44.16"}
	tr := d.cfg.Plan.NewTranslator()
	many(t, 200, func(t *testing.T, rnd *rand.Rand, opt VerifyOptions) {
		b := &shelf{records: map[kafka.TopicPartition][]bus.Delivered{}}
		for _, topic := range topics {
			b.records[kafka.TopicPartition{Topic: topic}], b.records[kafka.TopicPartition{Topic: topic, Partition: 1}] = nil, nil
		}
		type entity struct {
			sequence string
			row      uint64
			content  uint64
			odd      bool
		}
		last := []map[string]entity{{}, {}}
		excluded := map[uint64]struct{}{fingerprint(letterKey(topics[0], []byte("5"))): {}}
		for range rnd.IntN(60) {
			n, of := rnd.IntN(12), rnd.IntN(2)
			m := bus.Message{Key: []byte(strconv.Itoa(n))}
			e := entity{sequence: fmt.Sprintf("%016x%016x", rnd.IntN(3), rnd.IntN(40))}
			kind := "deleted"
			if rnd.IntN(4) > 0 {
				kind = "created"
				name := [...]string{"01/02/2020", "03/04/2021", "Nguyễn Văn Mẫu"}[rnd.IntN(3)]
				m.Value = fmt.Appendf(nil, `{"so":"R%d","quyenSo":"2026","nguoiDuocKhaiSinh":{"hoTen":%q}}`, rnd.IntN(10), name)
			}
			source := bus.SourceName(agencies[of], "hotich", "khaisinh")
			if rnd.IntN(10) == 0 {
				source = bus.SourceName("H1", "hotich", "khaisinh") // not an event of this topic
			}
			m.Headers = eventHeaders(source, "hotich.khaisinh.v1."+kind, e.sequence)
			b.put(topics[of], n%2, m)
			was, known := last[of][string(m.Key)]
			if source == bus.SourceName("H1", "hotich", "khaisinh") || of == 0 && n == 5 || known && e.sequence < was.sequence {
				continue
			}
			if m.Value != nil {
				var c record.Change
				_, violations := tr.Change(mapping.EventView{ID: "x", Op: kind, Agency: agencies[of], Sequence: e.sequence, Dataset: d.cfg.Dataset.ID(), Key: m.Key}, m.Value, &c)
				if e.odd = len(violations) > 0; e.odd {
					e.row = keyHash(letterKey(topics[of], m.Key))
				} else {
					e.row, e.content = keyHash(sinkKey(c.Key)), sinkContent(c.Values)
				}
			}
			last[of][string(m.Key)] = e
		}
		want, odd := map[uint64]uint64{}, int64(0)
		for of := range topics {
			newest := map[uint64]string{}
			tied := map[uint64]bool{}
			for _, e := range last[of] {
				if e.row == 0 {
					continue
				}
				if e.odd {
					odd++
				}
				if e.sequence > newest[e.row] {
					newest[e.row], want[e.row] = e.sequence, e.content
				} else if e.sequence == newest[e.row] {
					tied[e.row] = true // nobody says which of them counts
				}
			}
			if len(tied) > 0 {
				return
			}
		}
		unmapped := int64(0)
		x := expectedRows{d: d, bus: b, opt: opt, excluded: excluded, unmapped: &unmapped}
		rows, err := x.read(t.Context(), &selection{}, topics)
		if err != nil {
			t.Fatal(err)
		}
		if got := rows.read(t); !maps.Equal(got, want) || unmapped != odd {
			t.Errorf("got %v and %d that cannot be mapped, want %v and %d", got, unmapped, want, odd)
		}
	})
}

// TestUnseenModel: a reconcile deletes the rows that no event made, or whose last event removed them.
func TestUnseenModel(t *testing.T) {
	many(t, 300, func(t *testing.T, rnd *rand.Rand, opt VerifyOptions) {
		r := &reconcile{seen: sorter[[2]uint64]{dir: opt.tempDir, limit: opt.held}}
		rows := &sorter[[1]uint64]{dir: opt.tempDir, limit: opt.held}
		defer rows.close()
		defer r.seen.close()
		lives := map[uint64]bool{}
		for range rnd.IntN(60) {
			row := rnd.Uint64N(30)
			r.place += 2
			lives[row] = rnd.IntN(3) > 0
			seen := [2]uint64{row, r.place}
			if lives[row] {
				seen[1]++
			}
			if err := r.seen.add(seen); err != nil {
				t.Fatal(err)
			}
		}
		want, live := [][1]uint64(nil), 0
		for row := range uint64(30) {
			if lives[row] {
				live++
			}
			if rnd.IntN(2) == 0 {
				continue
			}
			if err := rows.add([1]uint64{row}); err != nil {
				t.Fatal(err)
			}
			if !lives[row] {
				want = append(want, [1]uint64{row})
			}
		}
		gone, n, found, err := r.unseen(rows)
		if err != nil {
			t.Fatal(err)
		}
		defer gone.close()
		if got := sortedBy(t, gone); !slices.Equal(got, want) || n != len(want) || found != live {
			t.Errorf("%d gone: %v, %d live; want %v, %d", n, got, found, want, live)
		}
	})
}

// TestComparisonCleansUp: neither an error in the middle of a side nor Ctrl-C leaves a file behind.
func TestComparisonCleansUp(t *testing.T) {
	broken := errors.New("away")
	for name, end := range map[string]func(cancel func()) error{
		"error":  func(func()) error { return broken },
		"cancel": func(cancel func()) error { cancel(); return nil },
		"equal":  func(func()) error { return nil },
	} {
		dir := t.TempDir()
		opt := VerifyOptions{Settle: time.Nanosecond, tempDir: dir, held: 10}
		ctx, cancel := context.WithCancel(t.Context())
		of := func(end func(cancel func()) error) side {
			return func(ctx context.Context, in *selection) (contents, error) {
				return keyed(ctx, opt, in, func(_ context.Context, fn func([]byte, uint64) error) error {
					for i := range 100 {
						if err := fn([]byte(strconv.Itoa(i)), 1); err != nil {
							return err
						}
					}
					return end(cancel)
				})
			}
		}
		c := comparison{begin: func(context.Context) error { return nil }, left: of(func(func()) error { return nil }), right: of(end), opt: opt}
		var v Verdict
		err := c.run(ctx, &v)
		cancel()
		if (err == nil) != (name == "equal") || v.Equal != (name == "equal") {
			t.Errorf("%s: %+v, %v", name, v, err)
		}
		if open := openFilesIn(t, dir); len(open) > 0 {
			t.Errorf("%s: open still: %v", name, open)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%s: it leaves %v, %v", name, left, err)
		}
	}
}

// openFilesIn are the files of this process in a folder, unlinked ones too, where the system tells.
func openFilesIn(t *testing.T, dir string) (open []string) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return nil
	}
	for _, e := range entries {
		if to, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && strings.HasPrefix(to, dir) {
			open = append(open, to)
		}
	}
	return open
}

// TestComparisonIsBounded: the memory of a comparison does not grow with its sides. $TRUC_VERIFY_KEYS is how many keys each has;
// 20000000 take about two minutes of one processor.
func TestComparisonIsBounded(t *testing.T) {
	n, opt, bound := 400_000, VerifyOptions{Settle: time.Nanosecond, tempDir: t.TempDir(), held: 20_000}, uint64(8<<20)
	if text := os.Getenv("TRUC_VERIFY_KEYS"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
		opt.held, bound = 0, 128<<20
	}
	begin, peak := inUse(), uint64(0)
	look := func(i int) {
		if i%(n/8) == 0 {
			peak = max(peak, inUse())
		}
	}
	of := func(missing int) side {
		return func(ctx context.Context, in *selection) (contents, error) {
			c, err := keyed(ctx, opt, in, func(_ context.Context, fn func([]byte, uint64) error) error {
				var key []byte
				for i := range n {
					if missing > 0 && i%missing == 1 {
						continue
					}
					look(i)
					key = strconv.AppendInt(append(key[:0], "khóa "...), int64(i), 10)
					if err := fn(key, uint64(i)); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return c, err
			}
			next, i := c.next, 0
			c.next = func() (uint64, uint64, bool, error) {
				look(i)
				i++
				return next()
			}
			return c, nil
		}
	}
	// A tenth of the keys differs: suspects are many, too.
	c := comparison{begin: func(context.Context) error { return nil }, left: of(10), right: of(0), opt: opt}
	var v Verdict
	if err := c.run(t.Context(), &v); err != nil {
		t.Fatal(err)
	}
	if want := int64((n + 8) / 10); v.Equal || v.DifferenceCount != want || v.RightKeys != int64(n) {
		t.Errorf("%d differences of %d keys, want %d of %d", v.DifferenceCount, v.RightKeys, want, n)
	}
	t.Logf("%d keys, %d different: %d KiB at the most", n, v.DifferenceCount, (peak-begin)>>10)
	if peak-begin > bound {
		t.Errorf("%d bytes are held, want less than %d", peak-begin, bound)
	}
}

// inUse is what the heap holds, without garbage.
func inUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
