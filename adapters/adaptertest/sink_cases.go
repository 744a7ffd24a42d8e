package adaptertest

import (
	"errors"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/record"
)

func hasUnique(c SinkCapabilities) bool  { return c.Unique }
func hasNotNull(c SinkCapabilities) bool { return c.NotNull }

// sinkCases are the demands on a sink, in the order in which an author meets them.
func sinkCases() []sinkCase {
	return []sinkCase{
		{"insert and update", nil, insertAndUpdate},
		{"delete", nil, sinkDelete},
		{"text and numbers arrive as they are", nil, sinkValues},
		{"columns that are not named stay", nil, unnamedColumns},
		{"on create", nil, onCreate},
		{"an already filled table is adopted", nil, adoption},
		{"offsets", nil, offsets},
		{"an Apply without changes moves the offsets", nil, offsetsOnly},
		{"a partition that only from names is a condition", nil, condition},
		{"replay is a no-op", nil, replayIsNoOp},
		{"a moved offset refuses the write", nil, movedOffset},
		{"one of two instances wins", nil, concurrentApply},
		{"older never overwrites newer", nil, olderNeverOverwrites},
		{"a replay's generation is newer", nil, generationWins},
		{"a deleted key is not resurrected", nil, noResurrection},
		{"another source's event for a live key", nil, conflicts},
		{"another source cannot delete", nil, foreignDelete},
		{"another source takes a deleted key", nil, freedKey},
		{"a rejected row isolates", hasNotNull, rejectedRow},
		{"a unique violation is parked", hasUnique, uniqueViolation},
		{"key change", hasUnique, sinkKeyChange},
		{"a unique value swapped between two rows", hasUnique, uniqueSwap},
		{"update only", nil, updateOnly},
		{"append only", nil, appendOnly},
		{"delete sets columns", nil, deleteSets},
		{"delete is ignored", nil, deleteIgnored},
		{"two pipelines keep apart", nil, twoPipelines},
		{"an Apply without changes moves its own pipeline", nil, emptyApplies},
		{"capabilities are declared", nil, sinkDeclares},
		{"rows for verify", func(c SinkCapabilities) bool { return c.Reads }, rowsForVerify},
		{"last apply", func(c SinkCapabilities) bool { return c.Sweeps }, lastApply},
		{"sink lifecycle", nil, sinkLifecycle},
		{"sink unreachable", func(c SinkCapabilities) bool { return c.Unreachable }, sinkUnreachable},
	}
}

func (b *sinkBench) want(why string, want map[int64]string) {
	b.Helper()
	if diff := cmp.Diff(want, b.rows()); diff != "" {
		b.Errorf("%s (-want +table; name code status note):\n%s", why, diff)
	}
}

func insertAndUpdate(b *sinkBench) {
	d := b.deliver(plain)
	d.apply(d.put(1, 1, "một", "c1"), d.put(2, 2, "hai", ""))
	b.want("two rows are created", map[int64]string{1: "một c1 moi -", 2: "hai - moi -"})
	d.apply(d.put(1, 3, "một sửa", ""), d.put(3, 4, "ba", "c3"))
	b.want("one is updated, a value to null too", map[int64]string{1: "một sửa - moi -", 2: "hai - moi -", 3: "ba c3 moi -"})
	d.apply(d.put(4, 5, "a", ""), d.put(4, 6, "b", ""), d.put(4, 7, "c", ""))
	if got := b.rows()[4]; got != "c - moi -" {
		b.Errorf("three events of one key in one batch leave %q, want the last", got)
	}
}

func sinkDelete(b *sinkBench) {
	d := b.deliver(plain)
	d.apply(d.put(1, 1, "một", ""), d.put(2, 2, "hai", ""))
	d.apply(d.remove(1, 3))
	b.want("row 1 is deleted", map[int64]string{2: "hai - moi -"})
	d.apply(d.remove(7, 4))
	b.want("deleting what is not there changes nothing", map[int64]string{2: "hai - moi -"})
	d.apply(d.put(3, 5, "ba", ""), d.remove(3, 6), d.remove(2, 7), d.put(2, 8, "hai lại", ""))
	b.want("create and delete, delete and create in one batch", map[int64]string{2: "hai lại - moi -"})
}

func sinkValues(b *sinkBench) {
	d := b.deliver(plain)
	texts := []string{"", "Nguyễn", "Nguye\u0302\u0303n", "  hai đầu\n", `'; DROP TABLE x; --`, `\N "{}"`, "xuống\ndòng\tcột", "trúc 𠄼 🎋"}
	for i, text := range texts {
		c := d.put(int64(i), int64(i)+1, "", "")
		c.Values[0] = record.TextValue(text)
		d.apply(c)
	}
	big := int64(1)<<62 + 1
	d.apply(d.put(big, 100, "lớn", ""))
	seen := map[int64]string{}
	for _, row := range b.rowsOf(b.fixture.Table) {
		seen[row["id"].Num] = string(row["name"].Bytes)
	}
	for i, text := range texts {
		if seen[int64(i)] != text {
			b.Errorf("text %q arrived as %q", text, seen[int64(i)])
		}
	}
	if _, there := seen[big]; !there {
		b.Errorf("a key beyond 2^53 did not arrive as it is")
	}
}

func (b *sinkBench) insert(row Row) {
	b.Helper()
	if err := b.fixture.Insert(b.ctx, row); err != nil {
		b.Fatalf("the fixture could not insert: %v", err)
	}
}

func agencysOwn(id int64, name string) Row {
	return Row{
		"agency": record.TextValue("H44.15"), "id": record.IntValue(id), "name": filled(name),
		"status": record.TextValue("cu"), "note": record.TextValue("tay"),
	}
}

func unnamedColumns(b *sinkBench) {
	b.insert(agencysOwn(1, "một"))
	d := b.deliver(plain)
	d.apply(d.put(1, 1, "một sửa", "c1"))
	b.want("an update touches only the columns that the mapping names", map[int64]string{1: "một sửa c1 cu tay"})
}

func onCreate(b *sinkBench) {
	d := b.deliver(plain)
	d.apply(d.put(1, 1, "một", ""))
	update := d.put(1, 2, "một sửa", "")
	update.OnCreate = record.Row{record.TextValue("khác")}
	d.apply(update)
	b.want("on_create columns are written when the row is inserted and never again", map[int64]string{1: "một sửa - moi -"})
}

func adoption(b *sinkBench) {
	b.insert(agencysOwn(1, "một"))
	b.insert(agencysOwn(2, "hai"))
	b.insert(agencysOwn(3, "ba"))
	d := b.deliver(plain)
	d.apply(d.put(1, 1, "một sửa", ""), d.remove(2, 2))
	b.want("rows that were there are taken over by key, others stay", map[int64]string{1: "một sửa - cu tay", 3: "ba - cu tay"})
	d.apply(d.put(1, 3, "một lần nữa", ""))
	b.want("an adopted row is an ordinary one from then on", map[int64]string{1: "một lần nữa - cu tay", 3: "ba - cu tay"})
}

func offsets(b *sinkBench) {
	d := b.deliver(plain)
	d.refresh(partition(0), partition(1), partition(2))
	for p, offset := range d.offsets {
		if offset != (adapters.Offset{}) {
			b.Errorf("partition %v was never seen, its offset is %+v, want the zero Offset", p, offset)
		}
	}
	at0, at1 := adapters.Offsets{partition(0): {Next: 0}}, adapters.Offsets{partition(1): {Next: 0}}
	if err := d.sink.Apply(b.ctx, pipeline, []record.Change{d.put(1, 1, "một", "")}, at0, adapters.Offsets{partition(0): {Next: 3, Mark: "first"}}); err != nil {
		b.Fatalf("Apply failed: %v", err)
	}
	if err := d.sink.Apply(b.ctx, pipeline, []record.Change{d.put(2, 2, "hai", "")}, at1, adapters.Offsets{partition(1): {Next: 9_000_000_000}}); err != nil {
		b.Fatalf("Apply of another partition failed: %v", err)
	}
	// A mark is stored and given back as it came; it is no condition.
	unmarked := adapters.Offsets{partition(0): {Next: 3}}
	if err := d.sink.Apply(b.ctx, pipeline, nil, unmarked, adapters.Offsets{partition(0): {Next: 5, Mark: "chủ đề 'một' \\ 2"}}); err != nil {
		b.Fatalf("Apply from an offset without its mark failed: %v", err)
	}
	other := b.deliver(plain)
	other.refresh(partition(0), partition(1), partition(2))
	want := adapters.Offsets{partition(0): {Next: 5, Mark: "chủ đề 'một' \\ 2"}, partition(1): {Next: 9_000_000_000}, partition(2): {}}
	if diff := cmp.Diff(want, other.offsets); diff != "" {
		b.Errorf("another instance sees other offsets (-want +got):\n%s", diff)
	}
}

func offsetsOnly(b *sinkBench) {
	d := b.deliver(plain)
	d.apply()
	d.refresh(partition(0))
	if d.offsets[partition(0)].Next != 1 {
		b.Errorf("an Apply without changes left the offset at %d, want 1: events that the mapping leaves out move it too", d.offsets[partition(0)].Next)
	}
	stale := adapters.Offsets{partition(0): {Next: 0}}
	if err := d.sink.Apply(b.ctx, pipeline, nil, stale, adapters.Offsets{partition(0): {Next: 7}}); !errors.Is(err, adapters.ErrOffsetMoved) {
		b.Errorf("an Apply without changes from a stale offset returned %v, want adapters.ErrOffsetMoved", err)
	}
}

func condition(b *sinkBench) {
	d := b.deliver(plain)
	held := adapters.TopicPartition{Topic: "#generation"}
	try := func(at int64, c record.Change) error {
		from := adapters.Offsets{partition(0): d.offsets[partition(0)], held: {Next: at}}
		to := adapters.Offsets{partition(0): {Next: d.offsets[partition(0)].Next + 1}}
		err := d.sink.Apply(b.ctx, pipeline, []record.Change{c}, from, to)
		if err == nil {
			d.offsets = to
		}
		return err
	}
	if err := try(0, d.put(1, 1, "một", "")); err != nil {
		b.Errorf("Apply on the condition that a partition was never seen failed: %v", err)
	}
	if err := d.sink.Apply(b.ctx, pipeline, nil, adapters.Offsets{held: {}}, adapters.Offsets{held: {Next: 3, Mark: "ba"}}); err != nil {
		b.Fatalf("Apply failed: %v", err)
	}
	for _, at := range []int64{0, 2} {
		if err := try(at, d.put(1, 2, "sai", "")); !errors.Is(err, adapters.ErrOffsetMoved) {
			b.Errorf("Apply on the condition that a partition stands at %d, which stands at 3, returned %v, want adapters.ErrOffsetMoved", at, err)
		}
	}
	b.want("an Apply whose condition does not hold writes nothing", map[int64]string{1: "một - moi -"})
	if err := try(3, d.put(1, 2, "hai", "")); err != nil {
		b.Errorf("Apply on a condition that holds failed: %v", err)
	}
	b.want("an Apply whose condition holds writes", map[int64]string{1: "hai - moi -"})
	d.refresh(held)
	if at := d.offsets[held]; at != (adapters.Offset{Next: 3, Mark: "ba"}) {
		b.Errorf("a partition that was a condition stands at %+v: nothing may be written to it", at)
	}
}

func replayIsNoOp(b *sinkBench) {
	d := b.deliver(plain)
	before := d.offsets
	changes := []record.Change{d.put(1, 1, "một", "c1"), d.put(2, 2, "hai", ""), d.remove(2, 3)}
	d.apply(changes...)
	after := d.offsets
	d.apply(d.put(1, 4, "một sửa", "c1"))
	want := map[int64]string{1: "một sửa c1 moi -"}
	if err := d.sink.Apply(b.ctx, pipeline, changes, before, after); !errors.Is(err, adapters.ErrOffsetMoved) {
		b.Errorf("the same Apply again returned %v, want adapters.ErrOffsetMoved: the stored offsets are no longer those it starts from", err)
	}
	b.want("the same Apply again changes nothing", want)
	d.apply(changes...)
	b.want("the same events at later offsets change nothing: their sequences are not newer", want)
}

func movedOffset(b *sinkBench) {
	d, stalled := b.deliver(plain), b.deliver(plain)
	d.apply(d.put(1, 1, "một", ""))
	if err := stalled.try(stalled.put(2, 2, "hai", ""), stalled.put(1, 3, "sai", "")); !errors.Is(err, adapters.ErrOffsetMoved) {
		b.Errorf("Apply from an offset that has moved returned %v, want adapters.ErrOffsetMoved", err)
	}
	b.want("a refused Apply writes nothing", map[int64]string{1: "một - moi -"})
	stalled.refresh(partition(0), partition(1))
	stalled.offsets = adapters.Offsets{partition(0): stalled.offsets[partition(0)], partition(1): {Next: 77}}
	if err := stalled.try(stalled.put(2, 2, "hai", "")); !errors.Is(err, adapters.ErrOffsetMoved) {
		b.Errorf("Apply with one of two offsets wrong returned %v, want adapters.ErrOffsetMoved", err)
	}
	b.want("a refused Apply writes nothing", map[int64]string{1: "một - moi -"})
	stalled.refresh(partition(0))
	if stalled.offsets[partition(0)].Next != 1 {
		b.Errorf("a refused Apply moved an offset to %d", stalled.offsets[partition(0)].Next)
	}
	stalled.apply(stalled.put(2, 2, "hai", ""))
}

func concurrentApply(b *sinkBench) {
	const instances = 4
	var all []*delivery
	for range instances {
		all = append(all, b.deliver(plain))
	}
	for round := range int64(10) {
		for _, d := range all {
			d.refresh(partition(0))
		}
		errs := make([]error, instances)
		var racing sync.WaitGroup
		for i, d := range all {
			racing.Add(1)
			go func() {
				defer racing.Done()
				errs[i] = d.try(d.put(int64(i), round+1, strconv.FormatInt(round, 10), ""))
			}()
		}
		racing.Wait()
		won := 0
		for _, err := range errs {
			switch {
			case err == nil:
				won++
			case !errors.Is(err, adapters.ErrOffsetMoved):
				b.Fatalf("an instance that loses the race gets adapters.ErrOffsetMoved, got %v", err)
			}
		}
		if won != 1 {
			b.Fatalf("%d of %d instances applied from the same offset; exactly one may", won, instances)
		}
	}
}

func olderNeverOverwrites(b *sinkBench) {
	d := b.deliver(plain)
	d.apply(d.put(1, 10, "mới", ""))
	d.apply(d.put(1, 9, "cũ", ""), d.remove(1, 8))
	b.want("an older event of the same source changes nothing", map[int64]string{1: "mới - moi -"})
	d.apply(d.put(2, 21, "mới", ""), d.put(2, 20, "cũ", ""), d.put(3, 31, "mới", ""), d.remove(3, 30))
	b.want("an older event later in the same batch changes nothing", map[int64]string{1: "mới - moi -", 2: "mới - moi -", 3: "mới - moi -"})
	d.apply(d.put(1, 11, "mới hơn", ""))
	b.want("a newer one does", map[int64]string{1: "mới hơn - moi -", 2: "mới - moi -", 3: "mới - moi -"})
}

func generationWins(b *sinkBench) {
	d := b.deliver(plain)
	d.apply(d.put(1, 10, "mới", ""))
	d.apply(inGeneration(1, d.put(1, 5, "phát lại", "")))
	b.want("a replayed event of a higher generation is newer than a higher sequence", map[int64]string{1: "phát lại - moi -"})
	d.apply(d.put(1, 11, "cũ", ""))
	b.want("an event of a lower generation is older", map[int64]string{1: "phát lại - moi -"})
	d.apply(inGeneration(1, d.put(1, 6, "tiếp", "")))
	d.apply(inGeneration(1, d.put(1, 5, "phát lại", "")))
	b.want("within a generation the sequence decides", map[int64]string{1: "tiếp - moi -"})
}

func noResurrection(b *sinkBench) {
	d := b.deliver(plain)
	d.apply(d.put(1, 5, "một", ""))
	d.apply(d.remove(1, 6))
	d.apply(d.put(1, 5, "một", ""))
	b.want("the bookkeeping keeps deletions: an older create does not bring the row back", map[int64]string{})
	d.apply(d.remove(2, 9), d.put(2, 8, "hai", ""))
	b.want("not within one batch either, nor for a key that was first heard of by its deletion", map[int64]string{})
	again := b.deliver(plain)
	again.apply(again.put(1, 4, "một", ""))
	b.want("another instance knows of the deletion", map[int64]string{})
	again.apply(again.put(1, 7, "một thật", ""))
	b.want("a newer create does bring it back", map[int64]string{1: "một thật - moi -"})
}

func conflicts(b *sinkBench) {
	rejects := b.deliver(plain)
	rejects.apply(rejects.put(1, 50, "phú thọ", ""))

	err := rejects.try(fromHanoi(rejects.put(1, 1, "hà nội", "")))
	rejections := b.rejections(err)
	if len(rejections) != 1 || rejections[0].Reason != "conflict" || rejections[0].Index != 0 || rejections[0].Park {
		b.Errorf("ConflictRejects: got %+v, want one rejection of index 0 with reason \"conflict\", not parked", rejections)
	}
	b.want("ConflictRejects leaves the row", map[int64]string{1: "phú thọ - moi -"})

	ignores := b.deliver(func(t *record.Target) { t.Conflict = record.ConflictIgnores })
	ignores.apply(fromHanoi(ignores.put(1, 900, "hà nội", "")))
	b.want("ConflictIgnores keeps what is there, whatever the sequence: sequences compare only within one source", map[int64]string{1: "phú thọ - moi -"})

	replaces := b.deliver(func(t *record.Target) { t.Conflict = record.ConflictReplaces })
	replaces.apply(fromHanoi(replaces.put(1, 2, "hà nội", "")))
	b.want("ConflictReplaces lets the newcomer take over, whatever the sequence", map[int64]string{1: "hà nội - moi -"})
	replaces.apply(fromHanoi(replaces.put(1, 1, "hà nội cũ", "")))
	b.want("after a take-over the newcomer's sequences count", map[int64]string{1: "hà nội - moi -"})
}

func (b *sinkBench) rejections(err error) []adapters.Rejection {
	b.Helper()
	var rejected *adapters.RejectedError
	if !errors.As(err, &rejected) {
		b.Fatalf("got %T (%v), want an *adapters.RejectedError that names the changes", err, err)
	}
	for _, r := range rejected.Rejections {
		if r.Err == nil {
			b.Fatalf("a rejection of reason %q has no Err; it says what and where, without a value", r.Reason)
		}
		checkText(b, "a rejection", r.Err.Error(), b.fixture.Secret)
	}
	return rejected.Rejections
}

func foreignDelete(b *sinkBench) {
	d := b.deliver(func(t *record.Target) { t.Conflict = record.ConflictReplaces })
	d.apply(d.put(1, 5, "phú thọ", ""))
	d.apply(fromHanoi(d.remove(1, 900)))
	b.want("a source that does not own a key cannot delete it", map[int64]string{1: "phú thọ - moi -"})
	d.apply(d.put(1, 6, "vẫn phú thọ", ""))
	b.want("and the owner's next event counts as before", map[int64]string{1: "vẫn phú thọ - moi -"})
}

func freedKey(b *sinkBench) {
	d := b.deliver(plain)
	d.apply(d.put(1, 5, "phú thọ", ""))
	d.apply(d.remove(1, 6))
	d.apply(fromHanoi(d.put(1, 1, "hà nội", "")))
	b.want("a key whose owner deleted it is free", map[int64]string{1: "hà nội - moi -"})
}

func rejectedRow(b *sinkBench) {
	d := b.deliver(plain)
	bad := d.put(2, 2, "", "")
	bad.Values[0] = record.NullValue
	batch := []record.Change{d.put(1, 1, "một", ""), bad, d.put(3, 3, "ba", "")}
	rejections := b.rejections(d.try(batch...))
	if len(rejections) != 1 || rejections[0].Index != 1 || rejections[0].Reason != "not-null" || rejections[0].Park {
		b.Fatalf("got %+v, want one rejection of index 1 with reason \"not-null\", not parked", rejections)
	}
	b.want("nothing of a rejected Apply is written", map[int64]string{})
	d.refresh(partition(0))
	if d.offsets[partition(0)].Next != 0 {
		b.Errorf("a rejected Apply moved the offset to %d", d.offsets[partition(0)].Next)
	}
	d.apply(slices.Delete(batch, 1, 2)...)
	b.want("without the bad change the others are applied", map[int64]string{1: "một - moi -", 3: "ba - moi -"})
	d.apply(d.put(2, 4, "hai", ""))
	b.want("a later valid event of the rejected key is applied", map[int64]string{1: "một - moi -", 2: "hai - moi -", 3: "ba - moi -"})
}

func uniqueViolation(b *sinkBench) {
	d := b.deliver(plain)
	d.apply(d.put(1, 1, "một", "c1"))
	waiting := d.put(2, 2, "hai", "c1")
	rejections := b.rejections(d.try(d.put(3, 3, "ba", ""), waiting))
	if len(rejections) != 1 || rejections[0].Index != 1 || rejections[0].Reason != "unique" || !rejections[0].Park {
		b.Fatalf("got %+v, want one rejection of index 1 with reason \"unique\" and Park: it may heal when other changes arrive", rejections)
	}
	b.want("nothing of a rejected Apply is written", map[int64]string{1: "một c1 moi -"})
	d.apply(d.put(3, 3, "ba", ""))
	d.apply(d.remove(1, 4))
	d.apply(waiting)
	b.want("parked until the value is free, it is applied", map[int64]string{2: "hai c1 moi -", 3: "ba - moi -"})
}

func sinkKeyChange(b *sinkBench) {
	d := b.deliver(plain)
	d.apply(d.put(1, 1, "một", "c1"))
	d.apply(d.remove(1, 2), d.put(2, 2, "một", "c1"))
	b.want("a key change is a delete and a create with one sequence", map[int64]string{2: "một c1 moi -"})
	d.apply(d.put(3, 3, "một", "c1"), d.remove(2, 3))
	b.want("from another partition the create may come first in a batch", map[int64]string{3: "một c1 moi -"})
}

func uniqueSwap(b *sinkBench) {
	d := b.deliver(plain)
	d.apply(d.put(1, 1, "một", "c1"), d.put(2, 2, "hai", "c2"), d.put(3, 3, "ba", "c3"))
	d.apply(d.put(1, 4, "một", "c2"), d.put(2, 5, "hai", "c1"))
	b.want("two rows swap a unique value in one batch", map[int64]string{1: "một c2 moi -", 2: "hai c1 moi -", 3: "ba c3 moi -"})
	d.apply(d.put(1, 6, "một", "c1"), d.put(2, 7, "hai", "c3"), d.put(3, 8, "ba", "c2"))
	b.want("three rows pass it round", map[int64]string{1: "một c1 moi -", 2: "hai c3 moi -", 3: "ba c2 moi -"})
}

func updateOnly(b *sinkBench) {
	b.insert(agencysOwn(1, "một"))
	d := b.deliver(func(t *record.Target) { t.Write = record.UpdateOnly })
	d.apply(d.put(1, 1, "một sửa", ""), d.put(2, 2, "hai", ""))
	b.want("write: update changes rows that are there and inserts none", map[int64]string{1: "một sửa - cu tay"})
	d.apply(d.put(1, 3, "lần nữa", ""), d.remove(2, 4))
	b.want("and goes on doing so", map[int64]string{1: "lần nữa - cu tay"})
}

func appendOnly(b *sinkBench) {
	d := b.deliver(func(t *record.Target) {
		t.Table, t.Write, t.OnDelete, t.DeleteSet = b.fixture.Inbox, record.AppendOnly, record.DeleteSets, []string{"status"}
	})
	before := d.offsets
	changes := []record.Change{d.put(1, 1, "một", "c1"), d.put(1, 2, "một sửa", "c1"), d.remove(1, 3, record.TextValue("huy"))}
	d.apply(changes...)
	if err := d.sink.Apply(b.ctx, pipeline, changes, before, d.offsets); !errors.Is(err, adapters.ErrOffsetMoved) {
		b.Errorf("the same Apply again returned %v, want adapters.ErrOffsetMoved", err)
	}
	d.apply(changes...)
	d.apply(d.put(1, 4, "lại", ""))
	var lines []string
	for _, row := range b.rowsOf(b.fixture.Inbox) {
		lines = append(lines, line(row))
	}
	slices.Sort(lines)
	want := []string{"- - huy -", "lại - moi -", "một c1 moi -", "một sửa c1 moi -"}
	if diff := cmp.Diff(want, lines); diff != "" {
		b.Errorf("an inbox gets one row an event, each exactly once (-want +table; name code status note):\n%s", diff)
	}
}

func deleteSets(b *sinkBench) {
	d := b.deliver(func(t *record.Target) { t.OnDelete, t.DeleteSet = record.DeleteSets, []string{"status"} })
	d.apply(d.put(1, 1, "một", ""))
	d.apply(d.remove(1, 2, record.TextValue("huy")), d.remove(9, 3, record.TextValue("huy")))
	b.want("on_delete: set updates the row, and inserts none", map[int64]string{1: "một - huy -"})
	d.apply(d.put(1, 1, "một cũ", ""))
	b.want("an older event does not revive it", map[int64]string{1: "một - huy -"})
	d.apply(d.put(1, 4, "một lại", ""))
	b.want("a newer one does; the row was there, so it is no creation", map[int64]string{1: "một lại - huy -"})
}

func deleteIgnored(b *sinkBench) {
	d := b.deliver(func(t *record.Target) { t.OnDelete = record.DeleteIgnored })
	d.apply(d.put(1, 1, "một", ""))
	d.apply(d.remove(1, 3))
	b.want("on_delete: ignore leaves the row", map[int64]string{1: "một - moi -"})
	d.apply(d.put(1, 2, "cũ", ""))
	b.want("but the bookkeeping knows of the deletion: an older event changes nothing", map[int64]string{1: "một - moi -"})
}

func twoPipelines(b *sinkBench) {
	d := b.deliver(plain)
	other := d.beside("giao_khac")
	d.apply(d.put(1, 1, "một", ""))
	other.refresh(partition(0))
	if other.offsets[partition(0)].Next != 0 {
		b.Errorf("one pipeline's offsets are seen by another that reads the same partition")
	}
	other.apply(fromHanoi(other.put(2, 2, "hai", "")))
	b.want("two pipelines on one sink each apply from their own offsets", map[int64]string{1: "một - moi -", 2: "hai - moi -"})
}

func emptyApplies(b *sinkBench) {
	d := b.deliver(plain)
	other := d.beside("giao_khac")
	d.apply()
	other.apply()
	d.apply(d.put(1, 1, "một", ""))
	d.apply()
	other.apply(fromHanoi(other.put(2, 1, "hai", "")))
	for _, of := range []struct {
		*delivery
		applies int64
	}{{d, 3}, {other, 2}} {
		of.refresh(partition(0))
		if at := of.offsets[partition(0)].Next; at != of.applies {
			b.Errorf("pipeline %s stands at %d, want %d: an Apply, also one without changes, moves the offsets of the pipeline it is given and of no other",
				of.target.Pipeline, at, of.applies)
		}
	}
}

func sinkDeclares(b *sinkBench) {
	sink := b.open()
	_, reads := sink.(adapters.SinkReader)
	declares(b, b.can.Reads, reads, "Reads", "the adapters.SinkReader")
	_, sweeps := sink.(adapters.Sweeper)
	declares(b, b.can.Sweeps, sweeps, "Sweeps", "the adapters.Sweeper")
}

func rowsForVerify(b *sinkBench) {
	d := b.deliver(plain)
	reader, ok := d.sink.(adapters.SinkReader)
	if !ok {
		b.Fatalf("the sink is no adapters.SinkReader, as it declares")
	}
	b.insert(agencysOwn(50, "không của truc"))
	d.apply(d.put(1, 1, "một", "c1"), d.put(2, 2, "hai", ""), d.put(3, 3, "ba", ""))
	d.apply(d.remove(2, 4), inGeneration(2, d.put(3, 5, "ba sửa", "")))
	got := map[string]adapters.SinkRow{}
	err := reader.Rows(b.ctx, d.target, func(row adapters.SinkRow) error {
		row.Key, row.Values = row.Key.Clone(), row.Values.Clone()
		got[string(row.Key[0].Bytes)+"/"+strconv.FormatInt(row.Key[1].Num, 10)] = row
		return nil
	})
	if err != nil {
		b.Fatalf("Rows failed: %v", err)
	}
	one, three := d.put(1, 1, "một", "c1"), inGeneration(2, d.put(3, 5, "ba sửa", ""))
	want := map[string]adapters.SinkRow{}
	for key, c := range map[string]record.Change{"H44.15/1": one, "H44.15/3": three} {
		want[key] = adapters.SinkRow{Key: c.Key, Values: c.Values, Found: true, Source: c.Source, Generation: c.Generation, Sequence: c.Sequence}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		b.Errorf("Rows gives the live rows that truc wrote, with their bookkeeping, and no others (-want +got):\n%s", diff)
	}
	stop := errors.New("enough")
	if err := reader.Rows(b.ctx, d.target, func(adapters.SinkRow) error { return stop }); !errors.Is(err, stop) {
		b.Errorf("Rows returned %v after its function failed, want that error", err)
	}
}

func lastApply(b *sinkBench) {
	d := b.deliver(plain)
	sweeper, ok := d.sink.(adapters.Sweeper)
	if !ok {
		b.Fatalf("the sink is no adapters.Sweeper, as it declares")
	}
	if unix, err := sweeper.LastApply(b.ctx, pipeline); err != nil || unix != 0 {
		b.Errorf("LastApply before anything was applied is %d, %v; want 0", unix, err)
	}
	began := time.Now().Add(-time.Minute).Unix() // the server's clock may differ a little
	d.apply(d.put(1, 1, "một", ""))
	unix, err := sweeper.LastApply(b.ctx, pipeline)
	if err != nil || unix < began || unix > time.Now().Add(time.Minute).Unix() {
		b.Errorf("LastApply is %d, %v; want about now", unix, err)
	}
}

func sinkLifecycle(b *sinkBench) {
	if err := b.fixture.Sink(b.env()).Close(); err != nil {
		b.Errorf("Close without Open failed: %v", err)
	}
	d := b.deliver(plain)
	d.apply(d.put(1, 1, "một", ""))
	for range 2 {
		if err := d.sink.Close(); err != nil {
			b.Errorf("Close failed: %v", err)
		}
	}
	again := b.deliver(plain)
	if again.offsets[partition(0)].Next != 1 {
		b.Errorf("after a restart the offset is %d, want 1", again.offsets[partition(0)].Next)
	}
	again.apply(again.put(1, 2, "một sửa", ""))
	b.want("a new instance goes on", map[int64]string{1: "một sửa - moi -"})
}

func sinkUnreachable(b *sinkBench) {
	sink := b.fixture.Unreachable(b.env())
	err := sink.Open(b.ctx)
	var typed *adapters.UnreachableError
	if !errors.As(err, &typed) {
		b.Fatalf("a server that is not there gives an *adapters.UnreachableError, so that the pipeline waits and tries again; got %T: %v", err, err)
	}
	checkText(b, "the error", err.Error(), b.fixture.Secret)
	if err := sink.Close(); err != nil {
		b.Errorf("Close after a failed Open failed: %v", err)
	}
}
