package snapshot

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/lienthong/truc/record"
)

var testTable = &record.Table{
	Schema: "public", Name: "t", Key: []int{0}, Identity: []int{0}, Version: 1,
	Columns: []record.Column{{Name: "id", Kind: record.Int}, {Name: "v", Kind: record.Int}},
}

const tableName = "public.t"

func rowOf(k, v int) record.Row {
	return record.Row{record.IntValue(int64(k)), record.IntValue(int64(v))}
}

// plainRows are rows that hold cells already.
type plainRows []record.Row

func (r plainRows) Len() int { return len(r) }

func (r plainRows) Read(i int, row record.Row) error {
	copy(row, r[i])
	return nil
}

func cells(n int) record.Row { return make(record.Row, n) }

// with gives a chunk its rows.
func (c *Chunk) with(rows plainRows) *Chunk {
	c.Rows, c.End = rows, nil
	if len(rows) > 0 {
		c.End = cursorText(testTable, rows[len(rows)-1])
	}
	return c
}

func cursorText(_ *record.Table, row record.Row) [][]byte { return [][]byte{row[0].Append(nil)} }

// change is one row change: before and after are keys, 0 where there is none.
type change struct {
	before, after, value int
	truncate             bool
}

// entry is one transaction of the model's log.
type entry struct {
	changes []change
	mark    *watermark
	// visible says that queries see it; the log shows it at once.
	visible bool
}

type watermark struct {
	id      uint64
	high    bool
	session *Machine // those of an earlier one mean nothing
}

// world is a database whose commits are in the log before they are visible, in any order, with one chunk reader and one
// machine; and what a subscriber makes of the records.
type world struct {
	log []*entry
	// lastWriter is the transaction that last touched a key: a row is locked until its writer is visible.
	lastWriter map[int]*entry

	machine  *Machine
	tables   []*Table
	consumed int // entries of the log the machine was told
	furthest int // the most it was ever told, before a restart
	saved    []Table
	savedAt  int

	reader struct {
		task  *Task
		low   bool
		chunk *Chunk
	}
	replica map[int]replicaRow
	// handed are the keys whose rows the snapshot has handed out since the last restart: each comes once.
	handed  map[int]bool
	last    record.Order
	rows    int // a chunk
	accepts int
}

type replicaRow struct {
	value int
	at    record.Order
}

func newWorld(rows int) *world {
	w := &world{lastWriter: map[int]*entry{}, replica: map[int]replicaRow{}, rows: rows, saved: []Table{{Name: tableName, Run: 1}}}
	w.restart()
	return w
}

// restart begins at the saved position with a new machine. What may not be visible yet of the log before is told to it.
func (w *world) restart() {
	w.tables = nil
	for _, t := range w.saved {
		w.tables = append(w.tables, &t)
	}
	w.machine = New(w.tables, cursorText)
	w.consumed = w.savedAt
	w.reader.task, w.reader.chunk, w.reader.low = nil, nil, false
	w.handed = map[int]bool{}
	for i, e := range w.log[:w.consumed] {
		if !e.visible {
			w.machine.Transaction(uint64(i))
		}
	}
}

func (w *world) save() {
	w.saved, w.savedAt = nil, w.consumed
	for _, t := range w.tables {
		w.saved = append(w.saved, *t)
	}
}

// contents is the table as of the log's first n entries; seen limits it to some of them.
func (w *world) contents(n int, seen func(*entry) bool) map[int]int {
	out := map[int]int{}
	for _, e := range w.log[:n] {
		if !seen(e) {
			continue
		}
		for _, c := range e.changes {
			if c.truncate {
				clear(out)
			}
			if c.before != 0 {
				delete(out, c.before)
			}
			if c.after != 0 {
				out[c.after] = c.value
			}
		}
	}
	return out
}

func everything(*entry) bool  { return true }
func (e *entry) isSeen() bool { return e.visible }

// write appends a transaction of random changes, of rows that no invisible transaction holds.
func (w *world) write(t *rapid.T) {
	e := &entry{}
	now := w.contents(len(w.log), everything)
	free := func(k int) bool {
		writer := w.lastWriter[k]
		return writer == nil || writer.visible || writer == e
	}
	for range rapid.IntRange(1, 3).Draw(t, "changes") {
		k := rapid.IntRange(1, 12).Draw(t, "key")
		if !free(k) {
			continue
		}
		_, exists := now[k]
		c := change{value: len(w.log)*10 + len(e.changes)}
		switch op := rapid.IntRange(0, 3).Draw(t, "op"); {
		case !exists:
			c.after = k
		case op == 0:
			c.before = k
		case op == 1:
			to := rapid.IntRange(1, 12).Draw(t, "to")
			if _, taken := now[to]; taken || !free(to) {
				continue
			}
			c.before, c.after = k, to
		default:
			c.after = k
		}
		if c.before != 0 {
			delete(now, c.before)
			w.lastWriter[c.before] = e
		}
		if c.after != 0 {
			now[c.after] = c.value
			w.lastWriter[c.after] = e
		}
		e.changes = append(e.changes, c)
	}
	w.log = append(w.log, e)
}

// readerStep lets the chunk reader do the next of its four steps.
func (w *world) readerStep() {
	switch {
	case w.reader.task == nil:
		task, ok := w.machine.Next()
		if ok {
			w.reader.task, w.reader.low, w.reader.chunk = &task, false, nil
		}
	case !w.reader.low:
		w.log = append(w.log, &entry{mark: &watermark{id: w.reader.task.ID, session: w.machine}, visible: true})
		w.reader.low = true
	case w.reader.chunk == nil:
		w.reader.chunk = w.read(*w.reader.task)
	default:
		w.log = append(w.log, &entry{mark: &watermark{id: w.reader.task.ID, high: true, session: w.machine}, visible: true})
		w.reader.task = nil
	}
}

func (w *world) read(task Task) *Chunk {
	after := 0
	if task.Cursor != nil {
		after, _ = strconv.Atoi(string(task.Cursor[0]))
	}
	view := w.contents(len(w.log), (*entry).isSeen)
	seen := map[uint64]bool{}
	for i, e := range w.log {
		seen[uint64(i)] = e.visible
	}
	c := &Chunk{Task: task.ID, Table: testTable, Last: true, Time: time.Now(), Sees: func(tx uint64) bool { return seen[tx] }}
	var rows plainRows
	for _, k := range slices.Sorted(maps.Keys(view)) {
		if k <= after {
			continue
		}
		if len(rows) == w.rows {
			c.Last = false
			break
		}
		rows = append(rows, rowOf(k, view[k]))
	}
	return c.with(rows)
}

// streamStep tells the machine the next entry of the log, and applies what comes out.
func (w *world) streamStep(t *rapid.T) {
	if w.consumed == len(w.log) {
		return
	}
	e := w.log[w.consumed]
	at := record.Order{Major: uint64(w.consumed + 1)}
	w.machine.Transaction(uint64(w.consumed))
	w.consumed++
	for _, c := range e.changes {
		at.Minor++
		r := record.Record{Table: testTable, Op: record.Update, Order: at}
		if c.truncate {
			r.Op = record.Truncate
			w.machine.Truncated(tableName)
		} else {
			if c.before != 0 {
				r.Before = record.Row{record.IntValue(int64(c.before)), {}}
			}
			if c.after != 0 {
				r.After = rowOf(c.after, c.value)
			}
			w.machine.Changed(tableName, testTable, r.Before, r.After)
		}
		w.apply(t, r)
	}
	ours := e.mark != nil && e.mark.session == w.machine
	if ours && !e.mark.high {
		w.machine.Low(e.mark.id, at)
	}
	if ours && e.mark.high && w.machine.High(e.mark.id, at, w.reader.chunk) == Accepted {
		w.accepts++
	}
	for w.machine.Draining() {
		if rapid.Bool().Draw(t, "read ahead") {
			w.readerStep()
		}
		records, err := w.machine.Drain(nil, rapid.IntRange(1, 3).Draw(t, "batch"), 1<<20, cells)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			w.apply(t, r)
		}
		if rapid.Bool().Draw(t, "save") {
			w.save()
		}
	}
	w.furthest = max(w.furthest, w.consumed)
	if !w.machine.Active() && w.consumed == w.furthest {
		got := map[int]int{}
		for k, r := range w.replica {
			got[k] = r.value
		}
		if diff := cmp.Diff(w.contents(w.consumed, everything), got); diff != "" {
			t.Fatalf("after entry %d of %d: %s", w.consumed, len(w.log), diff)
		}
	}
}

func (w *world) apply(t *rapid.T, r record.Record) {
	if r.Op == record.Snapshot {
		key := int(r.After[0].Num)
		if w.handed[key] {
			t.Fatalf("row %d is handed out twice", key)
		}
		w.handed[key] = true
	}
	if r.Order.Compare(w.last) <= 0 {
		// Said before a restart; whoever published it then skips it now.
		if r.Op == record.Snapshot {
			t.Fatalf("snapshot row at %v after %v", r.Order, w.last)
		}
		return
	}
	w.last = r.Order
	if r.Op == record.Truncate {
		clear(w.replica)
	}
	if r.Op == record.SnapshotEnd {
		for k, row := range w.replica {
			if row.at.Compare(r.Since) < 0 {
				delete(w.replica, k)
			}
		}
	}
	if r.Before != nil {
		delete(w.replica, int(r.Before[0].Num))
	}
	if r.After != nil {
		w.replica[int(r.After[0].Num)] = replicaRow{int(r.After[1].Num), r.Order}
	}
}

// Whatever is written meanwhile, whenever commits become visible, wherever it crashes: from the end of the snapshot on, a
// subscriber that started with rubbish holds at each place of the log exactly what the log says.
func TestSnapshotEqualsLog(t *testing.T) {
	accepts := 0
	for range 50 { // rare interleavings count: more than rapid's 100
		rapid.Check(t, func(t *rapid.T) { accepts += checkWorld(t) })
	}
	if accepts == 0 {
		t.Error("no chunk was ever accepted")
	}
}

// checkWorld plays one interleaving and returns how many chunks were accepted.
func checkWorld(t *rapid.T) int {
	w := newWorld(rapid.IntRange(1, 4).Draw(t, "rows a chunk"))
	for k := range 12 {
		if rapid.Bool().Draw(t, "exists") {
			w.log = append(w.log, &entry{changes: []change{{after: k + 1, value: -k}}, visible: true})
		}
	}
	// The slot begins here: what was written before is in the table only. The subscriber holds things that are gone.
	w.savedAt, w.consumed = len(w.log), len(w.log)
	w.replica[99] = replicaRow{}
	w.last = record.Order{Major: uint64(len(w.log))}
	t.Repeat(map[string]func(*rapid.T){
		"write": w.write,
		"truncate": func(t *rapid.T) {
			for _, e := range w.log {
				if !e.visible {
					t.Skip("a lock is held")
				}
			}
			w.log = append(w.log, &entry{changes: []change{{truncate: true}}, visible: rapid.Bool().Draw(t, "visible")})
			e := w.log[len(w.log)-1]
			for k := range 12 {
				w.lastWriter[k+1] = e
			}
		},
		"become visible": func(t *rapid.T) {
			var hidden []*entry
			for _, e := range w.log {
				if !e.visible {
					hidden = append(hidden, e)
				}
			}
			if len(hidden) == 0 {
				t.Skip("all are visible")
			}
			rapid.SampledFrom(hidden).Draw(t, "which").visible = true
		},
		"read chunk": func(t *rapid.T) {
			for range rapid.IntRange(1, 4).Draw(t, "steps") {
				w.readerStep()
			}
		},
		"stream": func(t *rapid.T) {
			for range rapid.IntRange(1, 6).Draw(t, "entries") {
				w.streamStep(t)
			}
		},
		"save": func(*rapid.T) { w.save() },
		"crash": func(t *rapid.T) {
			if rapid.IntRange(0, 3).Draw(t, "really") == 0 {
				w.restart()
			}
		},
	})
	// In the end everything becomes visible, and the snapshot ends.
	for _, e := range w.log {
		e.visible = true
	}
	for range 400 {
		if !w.machine.Active() && w.consumed == len(w.log) {
			return w.accepts
		}
		w.readerStep()
		w.streamStep(t)
	}
	t.Fatalf("the snapshot does not end: %+v", *w.tables[0])
	return 0
}

// machineWithChunk has a chunk of the rows 1 to n whose low watermark the log has shown.
func machineWithChunk(n int) (*Machine, *Chunk) {
	m := New([]*Table{{Name: tableName, Run: 1}}, cursorText)
	task, _ := m.Next()
	c := &Chunk{Task: task.ID, Table: testTable, Last: true, Sees: func(uint64) bool { return true }}
	var rows plainRows
	for k := range n {
		rows = append(rows, rowOf(k+1, 0))
	}
	m.Low(task.ID, record.Order{Major: 10})
	return m, c.with(rows)
}

func drained(m *Machine) []string {
	var out []string
	for m.Draining() {
		records, err := m.Drain(nil, 100, 1<<20, cells)
		if err != nil {
			panic(err)
		}
		for _, r := range records {
			line := fmt.Sprint(r.Op, " ", r.Order.Major, "/", r.Order.Minor)
			if r.After != nil {
				line += fmt.Sprint(" ", r.After[0].Num)
			}
			out = append(out, line)
		}
	}
	return out
}

func TestVerdicts(t *testing.T) {
	high := record.Order{Major: 20}
	tests := map[string]struct {
		window func(*Machine, *Chunk)
		want   Verdict
		rows   []string
	}{
		"nothing happened": {func(*Machine, *Chunk) {}, Accepted, []string{"snapshot 20/1 1", "snapshot 20/2 2", "snapshot 20/3 3", "snapshot-end 20/4"}},
		"updated":          {func(m *Machine, _ *Chunk) { m.Changed(tableName, testTable, nil, rowOf(2, 9)) }, Accepted, []string{"snapshot 20/1 1", "snapshot 20/2 3", "snapshot-end 20/3"}},
		"key changed":      {func(m *Machine, _ *Chunk) { m.Changed(tableName, testTable, rowOf(1, 0), rowOf(2, 9)) }, Accepted, []string{"snapshot 20/1 3", "snapshot-end 20/2"}},
		"deleted":          {func(m *Machine, _ *Chunk) { m.Changed(tableName, testTable, rowOf(3, 0), nil) }, Accepted, []string{"snapshot 20/1 1", "snapshot 20/2 2", "snapshot-end 20/3"}},
		"another table":    {func(m *Machine, _ *Chunk) { m.Changed("public.u", testTable, nil, rowOf(2, 9)) }, Accepted, []string{"snapshot 20/1 1", "snapshot 20/2 2", "snapshot 20/3 3", "snapshot-end 20/4"}},
		"truncated":        {func(m *Machine, _ *Chunk) { m.Truncated(tableName) }, Accepted, []string{"snapshot-end 20/1"}},
		"altered":          {func(m *Machine, _ *Chunk) { m.AlteredTable(tableName) }, Altered, nil},
		"altered another":  {func(m *Machine, _ *Chunk) { m.AlteredTable("public.u") }, Accepted, []string{"snapshot 20/1 1", "snapshot 20/2 2", "snapshot 20/3 3", "snapshot-end 20/4"}},
		"key not carried":  {func(m *Machine, _ *Chunk) { m.Changed(tableName, testTable, nil, record.Row{{}, {}}) }, Altered, nil},
		"nothing was read": {func(_ *Machine, c *Chunk) { c.Sees = nil }, Failed, nil},
		"seen only later":  {func(m *Machine, c *Chunk) { m.Transaction(7); c.Sees = func(tx uint64) bool { return tx != 7 } }, Accepted, []string{"snapshot 20/1 1", "snapshot 20/2 2", "snapshot 20/3 3", "snapshot-end 20/4"}},
		"overrun by a flood": {func(m *Machine, _ *Chunk) {
			for k := range maxTouched + 1 {
				m.Changed(tableName, testTable, nil, rowOf(k+1000, 0))
			}
		}, Overrun, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			m, c := machineWithChunk(3)
			test.window(m, c)
			if got := m.High(c.Task, high, c); got != test.want {
				t.Fatalf("verdict %s, expected %s", got, test.want)
			}
			if diff := cmp.Diff(test.rows, drained(m)); diff != "" {
				t.Error(diff)
			}
			task, again := m.Next()
			if again != (test.want != Accepted) || again && task.Attempt != 2 {
				t.Errorf("next task %+v, %v", task, again)
			}
		})
	}
}

// A transaction shown before the low watermark must be visible to the chunk, and stays remembered until a chunk has seen it.
func TestVisibility(t *testing.T) {
	m := New([]*Table{{Name: tableName, Run: 1}}, cursorText)
	m.Transaction(7)
	attempt := func(sees bool) Verdict {
		task, _ := m.Next()
		m.Low(task.ID, record.Order{Major: 10})
		return m.High(task.ID, record.Order{Major: 20}, (&Chunk{Task: task.ID, Table: testTable, Sees: func(uint64) bool { return sees }}).with(plainRows{rowOf(1, 1)}))
	}
	for range 2 {
		if got := attempt(false); got != NotVisible {
			t.Fatalf("verdict %s", got)
		}
	}
	if len(m.decoded) != 1 {
		t.Fatalf("%d blocks of transactions remembered, expected 1", len(m.decoded))
	}
	if got := attempt(true); got != Accepted {
		t.Fatalf("verdict %s", got)
	}
	if len(m.decoded) != 0 {
		t.Errorf("%d blocks of transactions remembered, expected none", len(m.decoded))
	}
}

// Watermarks of an attempt that is not under way mean nothing.
func TestStrayWatermarks(t *testing.T) {
	m, c := machineWithChunk(1)
	m.Low(c.Task+5, record.Order{Major: 11})
	if got := m.High(c.Task+5, record.Order{Major: 12}, c); got != None {
		t.Errorf("verdict %s", got)
	}
	if got := m.High(c.Task, record.Order{Major: 20}, c); got != Accepted {
		t.Fatalf("verdict %s", got)
	}
	if got := m.High(c.Task, record.Order{Major: 21}, c); got != None {
		t.Errorf("a second high watermark: %s", got)
	}
	if got := drained(m); len(got) != 2 {
		t.Error(got)
	}
}

// Keys that differ never meet, whatever their kinds.
func TestKeysAreDistinct(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cell := rapid.Custom(func(t *rapid.T) record.Value {
			switch rapid.IntRange(0, 2).Draw(t, "kind") {
			case 0:
				return record.IntValue(rapid.Int64Range(-2, 2).Draw(t, "n"))
			case 1:
				return record.TextValue(rapid.StringOfN(rapid.RuneFrom([]rune("a\x00\x01\x06")), 0, 3, -1).Draw(t, "text"))
			}
			return record.NullValue
		})
		a := record.Row(rapid.SliceOfN(cell, 3, 3).Draw(t, "a"))
		b := record.Row(rapid.SliceOfN(cell, 3, 3).Draw(t, "b"))
		same := a[0].Equal(b[0]) && a[1].Equal(b[1]) && a[2].Equal(b[2])
		ka, _ := appendKey(nil, a, []int{0, 1, 2})
		kb, _ := appendKey(nil, b, []int{0, 1, 2})
		if (string(ka) == string(kb)) != same {
			t.Fatalf("%v and %v have keys %x and %x", a, b, ka, kb)
		}
	})
}

// In the middle of a chunk the cursor is the last row handed out or dropped, so that a restart begins there.
func TestCursorInTheMiddle(t *testing.T) {
	m, c := machineWithChunk(5)
	m.Changed(tableName, testTable, nil, rowOf(2, 9))
	m.High(c.Task, record.Order{Major: 20}, c)
	table := m.current()
	for _, want := range []struct {
		cursor string
		rows   int64
		done   bool
	}{{"3", 2, false}, {"5", 4, false}, {"", 4, true}} {
		if _, err := m.Drain(nil, 2, 1<<20, cells); err != nil {
			t.Fatal(err)
		}
		got := ""
		if table.Cursor != nil {
			got = string(table.Cursor[0])
		}
		if got != want.cursor || table.Rows != want.rows || table.Done != want.done {
			t.Errorf("cursor %q, %d rows, done %v; expected %+v", got, table.Rows, table.Done, want)
		}
	}
	if m.Draining() {
		t.Error("still draining")
	}
}

// While rows may not be read, an attempt only looks: what it sees need not be remembered, no row comes, and the same chunk is
// asked for again.
func TestPostponed(t *testing.T) {
	m := New([]*Table{{Name: tableName, Run: 1}}, cursorText)
	for round := range uint64(3) {
		task, ok := m.Next()
		if !ok || task.Attempt != 1 {
			t.Fatalf("round %d: task %+v, %v", round, task, ok)
		}
		m.Transaction(1000 + 64*round)
		m.Low(task.ID, record.Order{Major: 10 + 10*round})
		if got := m.High(task.ID, record.Order{Major: 15 + 10*round}, &Chunk{Task: task.ID, Postponed: true, Sees: func(tx uint64) bool { return tx < 1128 }}); got != Postponed {
			t.Fatalf("verdict %v", got)
		}
		if m.Draining() {
			t.Fatal("a postponed chunk hands out rows")
		}
	}
	if len(m.decoded) != 1 {
		t.Errorf("%d blocks of transactions are remembered, want that of 1128 only", len(m.decoded))
	}
}
