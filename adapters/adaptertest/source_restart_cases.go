package adaptertest

import (
	"context"
	"fmt"
	"sync"

	"github.com/google/go-cmp/cmp"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/record"
)

// streamTransactions opens a source, makes n transactions of several changes and reads them one by one, so that there
// are positions between them.
func (b *sourceBench) streamTransactions(n int64) *stream {
	b.Helper()
	b.write(Insert(b.table, 1_000, name("gốc")), Insert(b.table, 1_001, name("gốc")))
	s := b.streaming()
	for i := int64(1); i <= n; i++ {
		changes := []Change{Insert(b.table, i, name("a")), Insert(b.table, 100+i, nil)}
		if canUpdate(b.can) {
			changes = append(changes, Update(b.table, 1_000, Row{Note: record.TextValue(filler(i))}))
		}
		if canDelete(b.can) && i > 1 {
			changes = append(changes, Delete(b.table, i-1), ChangeKey(b.table, 100+i-1, 200+i))
		}
		changes = append(changes, Insert(b.table, 300+i, nil))
		b.write(changes...)
		s.untilRow(b.table, 300+i)
	}
	return s
}

// wantSameFrom reopens a source at the end of a batch of an earlier instance and wants what that one handed out after it.
func (b *sourceBench) wantSameFrom(s *stream, end batchEnd) {
	b.Helper()
	again := b.open(end.position)
	want := s.records[end.records:]
	for len(again.records) < len(want) {
		again.read()
	}
	if diff := cmp.Diff(describe(want), describe(again.records[:len(want)])); diff != "" {
		b.Fatalf("reopened at a position, the source must give the same records with the same orders as before (-before +again):\n%s", diff)
	}
	again.close()
}

// describe renders records for comparison: everything but Time, which snapshots take anew, and Tx.
func describe(records []record.Record) []string {
	var out []string
	for _, r := range records {
		out = append(out, fmt.Sprintf("%v %v %v before%v after%v", r.Order, r.Op, r.Table, describeRow(r.Before), describeRow(r.After)))
	}
	return out
}

func describeRow(row record.Row) []string {
	var cells []string
	for _, v := range row {
		cells = append(cells, v.Kind.String()+":"+string(v.Append(nil)))
	}
	return cells
}

func reopenAnywhere(b *sourceBench) {
	s := b.streamTransactions(8)
	s.close()
	for _, end := range s.afterSnapshot() {
		b.wantSameFrom(s, end)
	}
}

// afterSnapshot are the ends of the batches from the end of the snapshot on.
func (s *stream) afterSnapshot() []batchEnd {
	rows := 0
	for i, r := range s.records {
		if r.Op == record.Snapshot || r.Op == record.SnapshotEnd {
			rows = i + 1
		}
	}
	var ends []batchEnd
	for _, end := range s.batches {
		if end.records >= rows {
			ends = append(ends, end)
		}
	}
	return ends
}

func reopenMidTransaction(b *sourceBench) {
	s := b.streaming()
	var big []Change
	for i := range int64(b.spec.Rows) {
		big = append(big, Insert(b.table, 10_000+i, Row{Name: record.TextValue(filler(i))}))
	}
	big = append(big, Insert(b.table, 1, nil))
	b.write(big...)
	s.untilRow(b.table, 1)
	s.close()
	inside := false
	for _, end := range s.afterSnapshot() {
		if end.records == len(s.records) || end.records == 0 || s.records[end.records-1].Op != record.Create {
			continue
		}
		inside = true
		b.wantSameFrom(s, end)
		break
	}
	if !inside {
		b.Fatalf("a transaction of %d rows came in one batch; a batch must be able to end inside a transaction, or memory is not bounded (raise SourceSpec.Rows if your batches are larger)", len(big))
	}
}

func ackHalfAndReopen(b *sourceBench) {
	s := b.streamTransactions(8)
	ends := s.afterSnapshot()
	half := len(ends) / 2
	for _, end := range ends[:half+1] {
		s.ack(end.position)
	}
	s.close()
	b.wantSameFrom(s, ends[half])
	b.wantSameFrom(s, ends[half+(len(ends)-half)/2])

	// What was acknowledged once may be acknowledged again, by the instance that starts there.
	again := b.open(ends[half].position)
	again.ack(ends[half].position)
	for len(again.records) < len(s.records)-ends[half].records {
		again.read()
	}
	again.ack(again.position())
}

func reopenAtNil(b *sourceBench) {
	b.insertMany(b.table, 30)
	s := b.streaming()
	b.write(Insert(b.table, 31, nil))
	s.untilRow(b.table, 31)
	s.close()
	again := b.open(nil)
	again.caughtUp(b.table)
	if got := again.fold(b.table); !cmp.Equal(got, b.written[b.table]) {
		b.Errorf("opened without a position, a source snapshots every table anew (-table +records):\n%s", cmp.Diff(b.written[b.table], got))
	}
	b.write(Insert(b.table, 32, nil))
	again.untilRow(b.table, 32)
}

func replayerAgrees(b *sourceBench) {
	source := b.fixture.Source(b.env())
	defer source.Close()
	replays := true
	if r, ok := source.(adapters.Replayer); ok {
		replays = r.Replays()
	}
	if replays != b.can.Replays {
		b.Errorf("the source says Replays() = %v (true without the method), its capabilities say %v", replays, b.can.Replays)
	}
}

func addColumn(b *sourceBench) {
	b.write(Insert(b.table, 1, name("một")))
	s := b.streaming()
	if err := b.fixture.AddColumn(context.Background(), b.table, "added"); err != nil {
		b.Fatalf("the fixture could not add a column: %v", err)
	}
	with := name("hai")
	with["added"] = filled("cột mới")
	b.write(Insert(b.table, 2, with))
	s.until("a row with the added column", func(r record.Record) bool {
		return r.After != nil && idOf(r.Table, r.After) == 2 && cell(r.Table, r.After, "added").Equal(with["added"])
	})
	first, last := s.records[0].Table, s.records[len(s.records)-1].Table
	if first.Index("added") >= 0 {
		b.Errorf("the Table of older records has changed; a table that was altered is a new *Table")
	}
	if last.Version <= first.Version {
		b.Errorf("the altered table has version %d after %d; versions grow", last.Version, first.Version)
	}
}

// ackWhileReading runs Ack beside Read, as the pipeline does; the race detector watches.
func ackWhileReading(b *sourceBench) {
	s := b.open(nil)
	positions := make(chan []byte, 100)
	var acking sync.WaitGroup
	acking.Add(1)
	go func() {
		defer acking.Done()
		for p := range positions {
			if err := s.source.Ack(context.Background(), p); err != nil {
				b.Errorf("Ack beside Read failed: %v", err)
			}
		}
	}()
	for i := int64(1); i <= 30; i++ {
		b.write(Insert(b.table, i, name("x")))
		s.untilRow(b.table, i)
		positions <- s.position()
	}
	close(positions)
	acking.Wait()
	if got := s.fold(b.table); !cmp.Equal(got, b.written[b.table]) {
		b.Errorf("acknowledging while reading lost changes (-table +records):\n%s", cmp.Diff(b.written[b.table], got))
	}
}
