package adaptertest

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/record"
)

func canUpdate(c SourceCapabilities) bool    { return !c.InsertOnly }
func canDelete(c SourceCapabilities) bool    { return !c.InsertOnly && c.Before != BeforeNone }
func canSnapshot(c SourceCapabilities) bool  { return c.Snapshot }
func hasTwoTables(c SourceCapabilities) bool { return c.TwoTables }
func canReplay(c SourceCapabilities) bool    { return c.Replays }

// sourceCases are the demands on a source, in the order in which an author meets them.
func sourceCases() []sourceCase {
	cases := []sourceCase{
		{"snapshot then changes", nil, snapshotThenChanges},
		{"create", nil, create},
		{"update", canUpdate, update},
		{"delete", canDelete, deleteRow},
		{"key change", canDelete, keyChange},
		{"truncate", func(c SourceCapabilities) bool { return c.Truncate }, truncate},
		{"unchanged columns", canUpdate, unchangedColumns},
		{"two tables, one order", hasTwoTables, twoTables},
		{"snapshot of an empty table", canSnapshot, emptyTable},
		{"snapshot end", canSnapshot, snapshotEnd},
		{"rows change between chunks", canSnapshot, changesBetweenChunks},
		{"snapshot while writing", nil, snapshotWhileWriting},
		{"a snapshot waits for its hours, changes do not", canSnapshot, snapshotWaits},
		{"resume in the middle of a snapshot", canSnapshot, resumeMidSnapshot},
		{"a second run snapshots again", canSnapshot, secondRun},
		{"a table added later", func(c SourceCapabilities) bool { return c.Snapshot && c.TwoTables }, tableAddedLater},
		{"a table left out for a while", func(c SourceCapabilities) bool { return c.Snapshot && c.TwoTables && c.Replays }, tableLeftOut},
		{"reset begins anew", canSnapshot, resetBeginsAnew},
		{"reopen at any position", canReplay, reopenAnywhere},
		{"reopen in the middle of a transaction", func(c SourceCapabilities) bool { return c.Replays && c.Transactions }, reopenMidTransaction},
		{"acknowledge half and reopen", canReplay, ackHalfAndReopen},
		{"reopen without a position", nil, reopenAtNil},
		{"replayer agrees", nil, replayerAgrees},
		{"add a column", func(c SourceCapabilities) bool { return c.AddColumn }, addColumn},
		{"acknowledge while reading", nil, ackWhileReading},
	}
	cases = append(cases, valueCases()...)
	return append(cases, lifecycleCases()...)
}

func name(text string) Row { return Row{Name: record.TextValue(rowMark + " " + text)} }

func snapshotThenChanges(b *sourceBench) {
	b.write(Insert(b.table, 1, name("một")), Insert(b.table, 2, name("hai")), Insert(b.table, 3, name("ba")))
	s := b.open(nil)
	s.caughtUp(b.table)
	if got := s.fold(b.table); !cmp.Equal(got, b.written[b.table]) {
		b.Fatalf("after the snapshot the records do not amount to the table (-table +records):\n%s", cmp.Diff(b.written[b.table], got))
	}
	if b.can.Snapshot && len(s.of(b.table, record.Snapshot)) != 3 {
		b.Fatalf("the snapshot of 3 rows has %d Snapshot records", len(s.of(b.table, record.Snapshot)))
	}
	b.write(Insert(b.table, 4, name("bốn")))
	b.write(Insert(b.table, 5, name("năm")))
	s.untilRow(b.table, 5)
	changes := s.of(b.table, record.Create)
	if b.can.Snapshot && len(changes) != 2 {
		b.Fatalf("2 rows were created after the snapshot, %d Create records came", len(changes))
	}
	if got := s.fold(b.table); !cmp.Equal(got, b.written[b.table]) {
		b.Fatalf("the records do not amount to the table (-table +records):\n%s", cmp.Diff(b.written[b.table], got))
	}
}

// snapshotWaits: outside its hours no table is read, and what changes meanwhile comes all the same.
func snapshotWaits(b *sourceBench) {
	evening := time.Date(2026, 3, 1, 19, 0, 0, 0, time.UTC)
	var clock atomic.Int64
	clock.Store(evening.Add(-time.Hour).Unix())
	b.pace = adapters.Pace{
		Now:   func() time.Time { return time.Unix(clock.Load(), 0) },
		Opens: func(now time.Time) (bool, time.Time) { return !now.Before(evening), evening },
	}
	b.write(Insert(b.table, 1, name("một")), Insert(b.table, 2, name("hai")), Insert(b.table, 3, name("ba")))
	s := b.open(nil)
	for id := int64(4); id < 8; id++ {
		b.write(Insert(b.table, id, name("thêm")))
		s.until("a change outside the hours of snapshots", func(r record.Record) bool {
			return r.Op == record.Create && r.Table.String() == b.table && idOf(r.Table, r.After) == id
		})
	}
	// With nothing to say for a while, the hour must be noticed all the same.
	s.quiet(s.spec.Patience / 8)
	if n := len(s.of(b.table, record.Snapshot, record.SnapshotEnd)); n > 0 {
		b.Errorf("%d records of a snapshot came outside its hours", n)
	}
	clock.Store(evening.Unix())
	s.caughtUp(b.table)
	if got := s.fold(b.table); !cmp.Equal(got, b.written[b.table]) {
		b.Errorf("the records do not amount to the table (-table +records):\n%s", cmp.Diff(b.written[b.table], got))
	}
}

// stream opens a source and brings it to the point from which changes come from the log.
func (b *sourceBench) streaming(tables ...string) *stream {
	b.Helper()
	if tables == nil {
		tables = []string{b.table}
	}
	s := b.openAt(start(nil, 1, tables...))
	s.caughtUp(tables...)
	return s
}

// theOne returns the only record of a table with an operation.
func (s *stream) theOne(table string, op record.Op) record.Record {
	s.Helper()
	s.until("the "+op.String(), func(r record.Record) bool { return r.Op == op && r.Table.String() == table })
	found := s.of(table, op)
	if len(found) != 1 {
		s.Fatalf("one %v was made, %d came", op, len(found))
	}
	return found[0]
}

// wantRow compares a row with the cells it must hold; cells that are not named must be null.
func (b *sourceBench) wantRow(what string, r record.Record, row record.Row, id int64, want Row) {
	b.Helper()
	if got := idOf(r.Table, row); got != id {
		b.Errorf("%s has the key of another row", what)
	}
	for i, c := range r.Table.Columns {
		if c.Name == ID {
			continue
		}
		wanted, named := want[c.Name]
		if !named {
			wanted = record.NullValue
		}
		if !row[i].Equal(wanted) {
			b.Errorf("%s: column %s is %v %q, want %v %q", what, c.Name, row[i].Kind, row[i].Append(nil), wanted.Kind, wanted.Append(nil))
		}
	}
}

func create(b *sourceBench) {
	s := b.streaming()
	b.write(Insert(b.table, 1, name("một")))
	if !b.can.Snapshot {
		s.untilRow(b.table, 1)
	}
	r := s.theOne(b.table, record.Create)
	b.wantRow("After of the Create", r, r.After, 1, b.written[b.table][1])
	if r.Table.String() != b.table {
		b.Errorf("the record's table is called %q, the configuration calls it %q", r.Table, b.table)
	}
}

func update(b *sourceBench) {
	b.write(Insert(b.table, 1, Row{Name: filled("cũ"), Note: filled("giữ")}))
	s := b.streaming()
	b.write(Update(b.table, 1, Row{Name: filled("mới")}))
	r := s.theOne(b.table, record.Update)
	b.wantRow("After of the Update, which is always the whole row", r, r.After, 1, b.written[b.table][1])
	if b.can.Before == BeforeFull {
		b.wantRow("Before of the Update", r, r.Before, 1, Row{Name: filled("cũ"), Note: filled("giữ")})
	}
}

func filled(text string) record.Value { return record.TextValue(rowMark + " " + text) }

func deleteRow(b *sourceBench) {
	b.write(Insert(b.table, 1, name("một")), Insert(b.table, 2, name("hai")))
	s := b.streaming()
	b.write(Delete(b.table, 1))
	r := s.theOne(b.table, record.Delete)
	b.wantBefore(r, 1, name("một"))
	if got := s.fold(b.table); !cmp.Equal(got, b.written[b.table]) {
		b.Errorf("the records do not amount to the table (-table +records):\n%s", cmp.Diff(b.written[b.table], got))
	}
}

// wantBefore checks the old row of a delete or key change as far as the source carries it.
func (b *sourceBench) wantBefore(r record.Record, id int64, want Row) {
	b.Helper()
	what := "Before of the " + r.Op.String()
	if b.can.Before == BeforeFull {
		b.wantRow(what, r, r.Before, id, want)
		return
	}
	if idOf(r.Table, r.Before) != id {
		b.Errorf("%s has the key of another row", what)
	}
	for i, v := range r.Before {
		if !r.Table.Carried(i) && v.Kind != record.Unchanged {
			b.Errorf("%s: column %s is not in Table.Identity and must be Unchanged, it is %v: a cell that is not known is never null", what, r.Table.Columns[i].Name, v.Kind)
		}
	}
}

func keyChange(b *sourceBench) {
	b.write(Insert(b.table, 1, name("một")))
	s := b.streaming()
	b.write(ChangeKey(b.table, 1, 7))
	b.write(Insert(b.table, 8, nil))
	s.untilRow(b.table, 8)
	if updates := s.of(b.table, record.Update); len(updates) == 1 {
		r := updates[0]
		if r.Before == nil {
			b.Fatalf("an Update that changes the key has no Before; without it the old key would live for ever")
		}
		b.wantBefore(r, 1, name("một"))
		b.wantRow("After of the key change", r, r.After, 7, name("một"))
	} else if len(s.of(b.table, record.Delete)) != 1 {
		b.Fatalf("a key change is one Update with both keys, or a Delete and a Create; %d Updates came", len(updates))
	}
	if got := s.fold(b.table); !cmp.Equal(got, b.written[b.table]) {
		b.Errorf("the records do not amount to the table (-table +records):\n%s", cmp.Diff(b.written[b.table], got))
	}
}

func truncate(b *sourceBench) {
	b.write(Insert(b.table, 1, name("một")), Insert(b.table, 2, name("hai")))
	s := b.streaming()
	b.write(Truncate(b.table))
	b.write(Insert(b.table, 3, name("ba")))
	s.untilRow(b.table, 3)
	if len(s.of(b.table, record.Truncate)) != 1 {
		b.Errorf("the table was truncated once, %d Truncate records came", len(s.of(b.table, record.Truncate)))
	}
	if got := s.fold(b.table); !cmp.Equal(got, b.written[b.table]) {
		b.Errorf("the records do not amount to the table (-table +records):\n%s", cmp.Diff(b.written[b.table], got))
	}
}

func unchangedColumns(b *sourceBench) {
	random := make([]byte, 12_000)
	source := rand.New(rand.NewPCG(1, 0))
	for i := range random {
		random[i] = byte('a' + source.IntN(26)) // hard to compress, so that it is stored apart
	}
	large := record.TextValue(rowMark + string(random))
	b.write(Insert(b.table, 1, Row{Name: filled("cũ"), Large: large}))
	s := b.streaming()
	b.write(Update(b.table, 1, Row{Name: filled("mới")}))
	r := s.theOne(b.table, record.Update)
	got := cell(r.Table, r.After, Large)
	switch {
	case got.Equal(large):
	case got.Kind == record.Unchanged && b.can.Unchanged:
	case got.Kind == record.Unchanged:
		b.Errorf("a cell that the update did not touch is Unchanged; the source does not declare that capability")
	default:
		b.Errorf("a cell that the update did not touch came as %v; it is the value, or Unchanged, never anything else", got.Kind)
	}
	b.write(Update(b.table, 1, Row{Large: filled("ngắn")}), Insert(b.table, 2, nil))
	s.untilRow(b.table, 2)
	if got := s.fold(b.table); !cmp.Equal(got, b.written[b.table]) {
		b.Errorf("the records do not amount to the table")
	}
}

func twoTables(b *sourceBench) {
	s := b.streaming(b.table, b.other)
	for i := int64(1); i <= 20; i++ {
		b.write(Insert(b.table, i, name("a")), Insert(b.other, i, name("b")), Insert(b.table, 100+i, nil))
	}
	s.untilRow(b.table, 120)
	for _, table := range []string{b.table, b.other} {
		if got := s.fold(table); !cmp.Equal(got, b.written[table]) {
			b.Errorf("the records of %s do not amount to the table (-table +records):\n%s", table, cmp.Diff(b.written[table], got))
		}
	}
	var ids []string
	for _, r := range s.records {
		if r.Op == record.Create {
			ids = append(ids, fmt.Sprint(r.Table.String(), " ", idOf(r.Table, r.After)))
		}
	}
	var want []string
	for i := int64(1); i <= 20; i++ {
		want = append(want, fmt.Sprint(b.table, " ", i), fmt.Sprint(b.other, " ", i), fmt.Sprint(b.table, " ", 100+i))
	}
	if b.can.Snapshot && !slices.Equal(ids, want) {
		b.Errorf("changes of two tables did not come in the order in which they were made (-made +came):\n%s", cmp.Diff(want, ids))
	}
}

func emptyTable(b *sourceBench) {
	tables := []string{b.table}
	if b.other != "" {
		tables = append(tables, b.other)
	}
	s := b.streaming(tables...)
	for _, table := range tables {
		if n := len(s.of(table)); n != 1 {
			b.Errorf("the snapshot of an empty table is one SnapshotEnd, %d records came", n)
		}
	}
	last := tables[len(tables)-1]
	b.write(Insert(last, 1, name("một")))
	s.untilRow(last, 1)
}

func snapshotEnd(b *sourceBench) {
	b.insertMany(b.table, int64(b.spec.Rows))
	s := b.streaming()
	b.wantWholeRun(s.of(b.table), nil, int64(b.spec.Rows))
	b.write(Insert(b.table, 100_001, nil))
	s.untilRow(b.table, 100_001)
	if n := len(s.of(b.table, record.SnapshotEnd)); n != 1 {
		b.Errorf("a run ends with one SnapshotEnd, %d came", n)
	}
}

// wantWholeRun checks the records of one run of a table's snapshot: every row once, then SnapshotEnd, and a Since that
// lies after everything before the run and not after anything in it.
func (b *sourceBench) wantWholeRun(run []record.Record, before *record.Order, rows int64) {
	b.Helper()
	seen := map[int64]int{}
	var first, end *record.Record
	for i := range run {
		switch r := &run[i]; r.Op {
		case record.Snapshot:
			if end != nil {
				b.Fatalf("a Snapshot row comes after the SnapshotEnd of its run")
			}
			if first == nil {
				first = r
			}
			seen[idOf(r.Table, r.After)]++
		case record.SnapshotEnd:
			end = r
		case record.Create, record.Update, record.Delete, record.Truncate: // changes of the log between the rows
		}
	}
	if int64(len(seen)) != rows {
		b.Errorf("the snapshot has %d of %d rows", len(seen), rows)
	}
	for id, n := range seen {
		if n > 1 {
			b.Errorf("row %d came %d times in one run", id, n)
			break
		}
	}
	if end == nil {
		b.Fatalf("the run has no SnapshotEnd")
	}
	if first != nil && end.Since.Compare(first.Order) > 0 {
		b.Errorf("Since %v of the SnapshotEnd lies after the first row of the run (%v): the sweep would delete rows that were just read", end.Since, first.Order)
	}
	if before != nil && end.Since.Compare(*before) <= 0 {
		b.Errorf("Since %v of the SnapshotEnd does not lie after what was read before the run (%v): the sweep would keep what vanished", end.Since, *before)
	}
}

func changesBetweenChunks(b *sourceBench) {
	b.insertMany(b.table, int64(b.spec.Rows))
	s := b.open(nil)
	for len(s.of(b.table, record.SnapshotEnd)) == 0 {
		s.read()
		if err := b.writeAtRandom(20); err != nil {
			b.Fatalf("the fixture could not write: %v", err)
		}
	}
	b.write(Insert(b.table, 900_000, nil))
	s.untilRow(b.table, 900_000)
	if got := s.fold(b.table); !cmp.Equal(got, b.written[b.table]) {
		b.Errorf("rows were changed between the batches of the snapshot; what came does not amount to the table. A row read from the table must enter the stream at the place in the log at which it holds (-table +records):\n%s", cmp.Diff(b.written[b.table], got))
	}
}

func snapshotWhileWriting(b *sourceBench) {
	b.insertMany(b.table, int64(b.spec.Rows))
	s := b.open(nil)
	var writing sync.WaitGroup
	writing.Add(1)
	var failed error
	go func() {
		defer writing.Done()
		failed = b.writeAtRandom(b.spec.Rows / 4)
	}()
	if b.can.Snapshot {
		s.caughtUp(b.table)
	}
	writing.Wait()
	if failed != nil {
		b.Fatalf("the fixture could not write: %v", failed)
	}
	b.write(Insert(b.table, 900_000, nil))
	s.untilRow(b.table, 900_000)
	if got := s.fold(b.table); !cmp.Equal(got, b.written[b.table]) {
		b.Errorf("rows were changed while the snapshot was read; what came does not amount to the table. A row read from the table must enter the stream at the place in the log at which it holds (-table +records):\n%s", cmp.Diff(b.written[b.table], got))
	}
}

// writeAtRandom makes n changes of every kind the source can see, each in its own transaction.
func (b *sourceBench) writeAtRandom(n int) error {
	ids := slices.Sorted(maps.Keys(b.written[b.table]))
	next := max(10_000, ids[len(ids)-1]+1)
	random := rand.New(rand.NewPCG(uint64(next), 0))
	for range n {
		i := random.IntN(len(ids))
		c := Insert(b.table, next, Row{Name: record.TextValue(filler(next))})
		switch kind := random.IntN(10); {
		case b.can.InsertOnly || kind < 3 || len(ids) < 10:
			ids = append(ids, next)
		case b.can.Before == BeforeNone || kind < 7:
			c = Update(b.table, ids[i], Row{Name: record.TextValue(filler(-next))})
		case kind < 9:
			c = Delete(b.table, ids[i])
			ids = slices.Delete(ids, i, i+1)
		default:
			c = ChangeKey(b.table, ids[i], next)
			ids[i] = next
		}
		next++
		if err := b.fixture.Write(context.Background(), c); err != nil {
			return err
		}
		b.remember(c)
	}
	return nil
}

func resumeMidSnapshot(b *sourceBench) {
	b.insertMany(b.table, int64(b.spec.Rows))
	s := b.open(nil)
	for len(s.of(b.table, record.Snapshot)) == 0 {
		s.read()
	}
	if len(s.of(b.table, record.SnapshotEnd)) > 0 {
		b.Fatalf("the snapshot of %d rows came in one batch; raise SourceSpec.Rows above two chunks, memory must be bounded", b.spec.Rows)
	}
	first := s.of(b.table, record.Snapshot)
	s.ack(s.position())
	s.close()
	if canUpdate(b.can) {
		b.write(Update(b.table, idOf(first[0].Table, first[0].After), name("đổi")))
	}
	b.write(Insert(b.table, 900_000, name("mới")))

	resumed := b.open(s.position())
	resumed.caughtUp(b.table)
	if got := resumed.records[0].Order; got.Compare(s.last) <= 0 {
		b.Errorf("after resuming, order %v follows %v; orders grow over restarts too", got, s.last)
	}
	again := 0
	for _, r := range resumed.of(b.table, record.Snapshot) {
		if id := idOf(r.Table, r.After); slices.ContainsFunc(first, func(f record.Record) bool { return idOf(f.Table, f.After) == id }) {
			again++
		}
	}
	if again == len(first) {
		b.Errorf("the snapshot began anew instead of going on at the saved chunk")
	}
	end := resumed.of(b.table, record.SnapshotEnd)[0]
	if end.Since.Compare(first[0].Order) > 0 {
		b.Errorf("Since %v of the SnapshotEnd lies after the first row of the run (%v), which was read before the restart: keep the beginning of the run in the position", end.Since, first[0].Order)
	}
	resumed.untilRow(b.table, 900_000)
	rows := s.fold(b.table)
	play(rows, resumed.of(b.table))
	if !cmp.Equal(rows, b.written[b.table]) {
		b.Errorf("both parts together do not amount to the table (-table +records):\n%s", cmp.Diff(b.written[b.table], rows))
	}
}

func secondRun(b *sourceBench) {
	const rows = 20
	b.insertMany(b.table, rows)
	s := b.streaming()
	s.ack(s.position())
	s.close()

	again := b.openAt(start(s.position(), 2, b.table))
	again.caughtUp(b.table)
	b.wantWholeRun(again.of(b.table), &s.last, rows)
	again.ack(again.position())
	again.close()

	done := b.openAt(start(again.position(), 2, b.table))
	b.write(Insert(b.table, 900, nil))
	done.untilRow(b.table, 900)
	if n := len(done.of(b.table, record.Snapshot, record.SnapshotEnd)); n > 0 {
		b.Errorf("run 2 is done according to the position; reopened there the source read the table again (%d records)", n)
	}
}

func tableAddedLater(b *sourceBench) {
	b.insertMany(b.table, 5)
	b.insertMany(b.other, 5)
	s := b.streaming()
	s.ack(s.position())
	s.close()

	both := b.openAt(start(s.position(), 1, b.table, b.other))
	both.caughtUp(b.other)
	b.write(Insert(b.table, 900, nil), Insert(b.other, 900, nil))
	both.untilRow(b.table, 900)
	both.untilRow(b.other, 900)
	b.wantWholeRun(both.of(b.other), &s.last, 5)
	if n := len(both.of(b.table, record.Snapshot)); n > 0 {
		b.Errorf("a table was added; the one that was there already was read again (%d rows)", n)
	}
	if got := both.fold(b.other); !cmp.Equal(got, b.written[b.other]) {
		b.Errorf("the records of the added table do not amount to it (-table +records):\n%s", cmp.Diff(b.written[b.other], got))
	}
}

func resetBeginsAnew(b *sourceBench) {
	b.insertMany(b.table, 5)
	s := b.streaming()
	s.close()
	anew := b.openAt(adapters.Start{Reset: true, Tables: []adapters.TableStart{{Table: b.table, Run: 2}}})
	anew.caughtUp(b.table)
	b.wantWholeRun(anew.of(b.table), nil, 5)
}

// tableLeftOut takes a table out of the configuration and back in: what changed meanwhile was passed over, so that its run
// begins anew although its number is the same.
func tableLeftOut(b *sourceBench) {
	b.insertMany(b.table, 3)
	b.insertMany(b.other, 3)
	both := b.openAt(start(nil, 1, b.table, b.other))
	both.caughtUp(b.table, b.other)
	both.close()
	one := b.openAt(start(both.position(), 1, b.table))
	b.write(Insert(b.other, 4, nil), Delete(b.other, 1), Insert(b.table, 4, nil))
	one.untilRow(b.table, 4)
	one.close()
	again := b.openAt(start(one.position(), 1, b.table, b.other))
	again.caughtUp(b.other)
	b.wantWholeRun(again.of(b.other), &one.last, 3)
	if got := again.fold(b.other); !cmp.Equal(got, b.written[b.other]) {
		b.Errorf("the records of the table that came back do not amount to it (-table +records):\n%s", cmp.Diff(b.written[b.other], got))
	}
}
