package adaptertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/adapters/memory"
	"github.com/lienthong/truc/record"
)

// secret stands for a password in the configuration of the fixtures.
const secret = "mat-khau-rat-dai"

// brokenSource is a source with one defect, which an author may well make.
type brokenSource struct {
	adapters.Source
	env   adapters.Env
	ended <-chan struct{} // closed when the case is over
	start func(adapters.Start) adapters.Start
	// each changes a record, or drops it; batch changes a whole batch.
	each    func(*record.Record) bool
	batch   func(record.Batch) record.Batch
	opening func(error) error
	reading func(context.Context) context.Context
	ack     func([]byte) error
	// closing answers a Close before the sound source does; nil, false lets that one do it.
	closing func(closed int) (error, bool)
	closed  int
}

func (s *brokenSource) Open(ctx context.Context, at adapters.Start) error {
	if s.start != nil {
		at = s.start(at)
	}
	err := s.Source.Open(ctx, at)
	if s.opening != nil {
		err = s.opening(err)
	}
	return err
}

func (s *brokenSource) Read(ctx context.Context) (record.Batch, error) {
	if s.reading != nil {
		ctx = s.reading(ctx)
	}
	b, err := s.Source.Read(ctx)
	if err != nil {
		return b, err
	}
	if s.each != nil {
		var kept []record.Record
		for _, r := range b.Records {
			if s.each(&r) {
				kept = append(kept, r)
			}
		}
		b.Records = kept
	}
	if s.batch != nil {
		b = s.batch(b)
	}
	return b, nil
}

func (s *brokenSource) Ack(ctx context.Context, position []byte) error {
	if s.ack != nil {
		return s.ack(position)
	}
	return s.Source.Ack(ctx, position)
}

func (s *brokenSource) Close() error {
	s.closed++
	if s.closing != nil {
		if err, done := s.closing(s.closed); done {
			return err
		}
	}
	return s.Source.Close()
}

// replayDenier is a source that says it cannot replay.
type replayDenier struct{ *brokenSource }

func (replayDenier) Replays() bool { return false }

// cells makes a defect that changes every cell of a row.
func cells(change func(record.Value) record.Value) func(*brokenSource) {
	return func(s *brokenSource) {
		s.each = func(r *record.Record) bool {
			for i, v := range r.After {
				r.After[i] = change(v)
			}
			return true
		}
	}
}

// texts makes a defect that changes the bytes of cells of one kind.
func texts(kind record.Kind, change func(string) string) func(*brokenSource) {
	return cells(func(v record.Value) record.Value {
		if v.Kind == kind {
			v.Bytes = []byte(change(string(v.Bytes)))
		}
		return v
	})
}

func records(each func(*record.Record) bool) func(*brokenSource) {
	return func(s *brokenSource) { s.each = each }
}

// TestSuiteFindsBrokenSources runs each case on a source that is broken in the way the case is about.
func TestSuiteFindsBrokenSources(t *testing.T) {
	type defect struct {
		cases  string // that must fail, by "; "
		sparse bool   // on the log that leaves cells out
		big    bool   // with huge batches
		spoil  func(*brokenSource)
	}
	defects := map[string]defect{
		"drops creates": {cases: "create; snapshot then changes; two tables, one order; a snapshot waits for its hours, changes do not", spoil: records(func(r *record.Record) bool { return r.Op != record.Create || idOf(r.Table, r.After)%2 == 0 })},
		"snapshot at any hour": {cases: "a snapshot waits for its hours, changes do not", spoil: records(func(r *record.Record) bool {
			if r.Op == record.Create {
				r.Op = record.Snapshot
			}
			return true
		})},
		"drops updates":         {cases: "update; rows change between chunks", spoil: records(func(r *record.Record) bool { return r.Op != record.Update })},
		"drops deletes":         {cases: "delete; rows change between chunks", spoil: records(func(r *record.Record) bool { return r.Op != record.Delete })},
		"drops truncate":        {cases: "truncate", spoil: records(func(r *record.Record) bool { return r.Op != record.Truncate })},
		"old row missing":       {cases: "update", spoil: records(func(r *record.Record) bool { r.Before = nil; return true })},
		"old key missing":       {cases: "key change", sparse: true, spoil: records(func(r *record.Record) bool { r.Before = dropUnless(r.Op == record.Delete, r.Before); return true })},
		"unknown cells as null": {cases: "delete; key change", sparse: true, spoil: records(func(r *record.Record) bool { nullUnchanged(r.Before); return true })},
		"unchanged as null": {cases: "unchanged columns", sparse: true, spoil: cells(func(v record.Value) record.Value {
			return record.Value{Kind: max(v.Kind, record.Null), Num: v.Num, Bytes: v.Bytes}
		})},
		"undeclared unchanged": {cases: "unchanged columns", spoil: records(func(r *record.Record) bool {
			if i := r.Table.Index(Large); r.Op == record.Update && r.Before[i].Equal(r.After[i]) {
				r.After[i] = record.Value{}
			}
			return true
		})},
		"empty as null":         {cases: "null is not empty", spoil: cells(func(v record.Value) record.Value { return ifEmpty(v, record.NullValue) })},
		"null as empty":         {cases: "null is not empty", spoil: cells(func(v record.Value) record.Value { return ifNull(v, record.TextValue("")) })},
		"composes text":         {cases: "vietnamese text", spoil: texts(record.Text, func(s string) string { return strings.ReplaceAll(s, "e\u0302", "ê") })},
		"trims text":            {cases: "vietnamese text", spoil: texts(record.Text, strings.TrimSpace)},
		"integers as floats":    {cases: "big integers", spoil: cells(func(v record.Value) record.Value { return ifInt(v, int64(float64(v.Num)/2)*2) })},
		"floats as 32 bits":     {cases: "floats", spoil: cells(ifFloat)},
		"decimals as floats":    {cases: "exact decimals", spoil: texts(record.Decimal, throughFloat)},
		"booleans stuck":        {cases: "booleans", spoil: cells(ifBool)},
		"bytes as text":         {cases: "bytes", spoil: texts(record.Bytes, func(s string) string { return strings.ToValidUTF8(s, "?") })},
		"dates from 1970":       {cases: "dates", spoil: texts(record.Date, func(s string) string { return max(s, "1970-01-01") })},
		"no infinite dates":     {cases: "infinite dates", spoil: texts(record.Date, func(s string) string { return strings.TrimPrefix(s, "-") })},
		"times to seconds":      {cases: "times of day", spoil: texts(record.Time, func(s string) string { return s[:8] })},
		"local times as UTC":    {cases: "zone-less dates and times", spoil: texts(record.DateTime, func(s string) string { return strings.Replace(s, "T14", "T07", 1) })},
		"no infinite times":     {cases: "infinite zone-less dates and times", spoil: texts(record.DateTime, func(s string) string { return strings.TrimPrefix(s, "-") })},
		"instants in a zone":    {cases: "instants", spoil: texts(record.Timestamp, func(s string) string { return strings.Replace(s, "T17:00:00Z", "T00:00:00+07:00", 1) })},
		"no infinite instants":  {cases: "infinite instants", spoil: texts(record.Timestamp, func(s string) string { return strings.TrimPrefix(s, "-") })},
		"json numbers as float": {cases: "json", spoil: texts(record.JSON, func(s string) string { return strings.ReplaceAll(s, "12345678901234567890.5", "12345678901234567000") })},
		"orders repeat": {cases: "two tables, one order; snapshot then changes", spoil: records(func(r *record.Record) bool {
			r.Order.Minor = 1
			return true
		})},
		"orders of its own": {cases: "reopen at any position; acknowledge half and reopen; reopen in the middle of a transaction; resume in the middle of a snapshot", spoil: func(s *brokenSource) {
			n := uint64(0)
			s.each = func(r *record.Record) bool {
				n++
				r.Order = record.Order{Major: n}
				r.Since = record.Order{}
				return true
			}
		}},
		"shuffles two tables": {cases: "two tables, one order", spoil: func(s *brokenSource) {
			s.batch = func(b record.Batch) record.Batch {
				for i := 1; i < len(b.Records); i++ {
					x, y := &b.Records[i-1], &b.Records[i]
					if x.Op == record.Create && y.Op == record.Create && x.Table != y.Table {
						x.Order, y.Order = y.Order, x.Order
						*x, *y = *y, *x
					}
				}
				return b
			}
		}},
		"no snapshot end": {cases: "snapshot end; snapshot of an empty table", spoil: records(func(r *record.Record) bool { return r.Op != record.SnapshotEnd })},
		"since at its end": {cases: "snapshot end; a second run snapshots again; a table added later; reset begins anew; resume in the middle of a snapshot", spoil: records(func(r *record.Record) bool {
			if r.Op == record.SnapshotEnd {
				r.Since = r.Order
			}
			return true
		})},
		"since the beginning": {cases: "a second run snapshots again; a table added later", spoil: records(func(r *record.Record) bool { r.Since = record.Order{}; return true })},
		"stale snapshot rows": {cases: "rows change between chunks", spoil: func(s *brokenSource) {
			s.each = func(r *record.Record) bool {
				if r.Op == record.Snapshot { // the row as it was when the snapshot began
					r.After[r.Table.Index(Name)] = record.TextValue(filler(idOf(r.Table, r.After)))
				}
				return true
			}
		}},
		"loses rows of a chunk": {cases: "snapshot end; reopen without a position; snapshot while writing", spoil: records(func(r *record.Record) bool { return r.Op != record.Snapshot || idOf(r.Table, r.After)%17 > 0 })},
		"snapshot starts over": {cases: "resume in the middle of a snapshot", spoil: func(s *brokenSource) {
			s.start = func(at adapters.Start) adapters.Start {
				if i := bytes.Index(at.Position, []byte(`,"cursor"`)); i >= 0 {
					at.Position = append(bytes.Clone(at.Position[:i]), "}}}"...)
				}
				return at
			}
		}},
		"ignores the run": {cases: "a second run snapshots again", spoil: func(s *brokenSource) {
			s.start = func(at adapters.Start) adapters.Start {
				for i := range at.Tables {
					at.Tables[i].Run = 1
				}
				return at
			}
		}},
		"always a new run": {cases: "a table added later", spoil: func(s *brokenSource) {
			s.start = func(at adapters.Start) adapters.Start {
				for i := range at.Tables {
					at.Tables[i].Run += uint32(len(at.Position)) // a higher one whenever it is reopened
				}
				return at
			}
		}},
		"reads on where a table was left": {cases: "a table left out for a while", spoil: func(s *brokenSource) {
			wanted := map[string]bool{}
			s.start = func(at adapters.Start) adapters.Start {
				for _, t := range at.Tables {
					wanted[t.Table] = true
				}
				if len(at.Tables) == 1 && at.Position != nil {
					at.Tables = append(at.Tables, adapters.TableStart{Table: "b.two", Run: 1})
				}
				return at
			}
			s.each = func(r *record.Record) bool { return wanted[r.Table.String()] }
		}},
		"ignores a reset": {cases: "reset begins anew", spoil: func(s *brokenSource) {
			s.start = func(at adapters.Start) adapters.Start {
				if at.Reset {
					at.Tables = nil
				}
				return at
			}
		}},
		"skips a record on reopening": {cases: "reopen at any position; acknowledge half and reopen; reopen in the middle of a transaction", spoil: func(s *brokenSource) {
			skip := 0
			s.start = func(at adapters.Start) adapters.Start {
				if at.Position != nil {
					skip = 1
				}
				return at
			}
			s.each = func(*record.Record) bool { skip--; return skip != 0 }
		}},
		"one batch a transaction": {cases: "reopen in the middle of a transaction; resume in the middle of a snapshot", big: true, spoil: func(*brokenSource) {}},
		"no snapshot without position": {cases: "reopen without a position", spoil: func(s *brokenSource) {
			s.each = func(r *record.Record) bool { return r.Op != record.Snapshot }
		}},
		"old columns for ever": {cases: "add a column", spoil: func(s *brokenSource) {
			s.each = func(r *record.Record) bool {
				if i := r.Table.Index("added"); i >= 0 && r.After != nil {
					r.After[i] = record.NullValue
				}
				return true
			}
		}},
		"version stays": {cases: "add a column", spoil: records(func(r *record.Record) bool { t := *r.Table; t.Version = 1; r.Table = &t; return true })},
		"acknowledging fails": {cases: "acknowledge while reading; acknowledge half and reopen", spoil: func(s *brokenSource) {
			s.ack = func([]byte) error { return errors.New("busy") }
		}},
		"cancel is not seen": {cases: "cancel ends Read at once", spoil: func(s *brokenSource) {
			s.reading = context.WithoutCancel
		}},
		"cancel has its own error": {cases: "cancel ends Read at once", spoil: func(s *brokenSource) {
			s.reading = func(ctx context.Context) context.Context {
				own, cancel := context.WithTimeout(context.WithoutCancel(ctx), 300*time.Millisecond)
				context.AfterFunc(own, cancel)
				return own
			}
		}},
		"Close does not end Read": {cases: "Close ends Read at once", spoil: func(s *brokenSource) {
			s.closing = func(int) (error, bool) { return nil, true }
		}},
		"second Close fails": {cases: "Close twice", spoil: func(s *brokenSource) {
			s.closing = func(n int) (error, bool) { return errors.New("already closed"), n > 1 }
		}},
		"Close needs Open": {cases: "Close without Open", spoil: func(s *brokenSource) {
			opened := false
			s.start = func(at adapters.Start) adapters.Start { opened = true; return at }
			s.closing = func(int) (error, bool) { return errors.New("not open"), !opened }
		}},
		"memory is reused early": {cases: "a batch stays until its Release", spoil: func(s *brokenSource) {
			var previous record.Batch
			s.batch = func(b record.Batch) record.Batch {
				previous.Release()
				previous = b
				return record.Batch{Records: b.Records, Position: b.Position}
			}
		}},
		"unreachable is an ordinary error": {cases: "unreachable server", spoil: func(s *brokenSource) {
			s.opening = hide
		}},
		"error shows the secret": {cases: "unreachable server; unknown table", spoil: func(s *brokenSource) {
			s.opening = func(err error) error {
				if err != nil {
					err = fmt.Errorf("open memory:%s: %w", secret, err)
				}
				return err
			}
		}},
		"log shows the secret": {cases: "create", spoil: func(s *brokenSource) { s.env.Log.Debug("connecting", "dsn", "memory:"+secret) }},
		"log shows a row": {cases: "create", spoil: func(s *brokenSource) {
			s.each = func(r *record.Record) bool { s.env.Log.Debug("read", "row", describeRow(r.After)); return true }
		}},
		"leaks a goroutine":           {cases: "create", spoil: func(s *brokenSource) { go func() { <-s.ended }() }},
		"unknown table is no refusal": {cases: "unknown table", spoil: func(s *brokenSource) { s.opening = hide }},
		"no position":                 {cases: "create", spoil: func(s *brokenSource) { s.batch = func(b record.Batch) record.Batch { b.Position = nil; return b } }},
		"misaligned rows":             {cases: "create", spoil: records(func(r *record.Record) bool { r.After = r.After[:min(1, len(r.After))]; return true })},
		"no time":                     {cases: "create", spoil: records(func(r *record.Record) bool { r.Time = time.Time{}; return true })},
		"another kind than declared":  {cases: "create", spoil: cells(func(v record.Value) record.Value { return ifKind(v, record.Text, record.Bytes) })},
		"says it cannot replay":       {cases: "replayer agrees", spoil: nil},
	}
	found := map[string]bool{}
	var mu sync.Mutex
	for name, d := range defects {
		t.Run(name, func(t *testing.T) {
			for _, c := range named(t, sourceCases(), func(c sourceCase) string { return c.name }, d.cases) {
				result := watch(t, func(tb testing.TB) { c.runOn(tb, brokenSourceSpec(d.spoil, d.sparse, d.big)) })
				if !result.Failed() {
					t.Errorf("the case %q passes a source that %s\n%s", c.name, name, result.text())
				}
				mu.Lock()
				found[c.name] = true
				mu.Unlock()
			}
		})
	}
	for _, c := range sourceCases() {
		if !found[c.name] {
			t.Errorf("no broken source shows that the case %q can fail", c.name)
		}
	}
}

// named picks cases by "; "-separated names.
func named[C any](t *testing.T, cases []C, name func(C) string, list string) []C {
	t.Helper()
	var picked []C
	for _, wanted := range strings.Split(list, "; ") {
		before := len(picked)
		for _, c := range cases {
			if name(c) == wanted {
				picked = append(picked, c)
			}
		}
		if len(picked) == before {
			t.Fatalf("there is no case %q", wanted)
		}
	}
	return picked
}

func brokenSourceSpec(spoil func(*brokenSource), sparse, big bool) SourceSpec {
	spec := SourceSpec{Capabilities: fullCapabilities, Patience: 400 * time.Millisecond, Rows: 250}
	if sparse {
		spec.Capabilities.Before, spec.Capabilities.Unchanged = BeforeKey, true
	}
	options := smallBatches
	if big {
		options = memory.Options{Batch: 10_000, Chunk: 10_000}
	}
	spec.New = func(tb testing.TB) SourceFixture {
		f := memorySource(options, func(table *memory.TableSpec) {
			if sparse {
				table.Table.Identity, table.Sparse = []int{0}, []string{Large}
			}
		})
		f.Secret = secret
		ended := make(chan struct{})
		tb.Cleanup(func() { close(ended) })
		broken := func(build func(adapters.Env) adapters.Source) func(adapters.Env) adapters.Source {
			return func(env adapters.Env) adapters.Source {
				sound := build(env)
				tb.Cleanup(func() { sound.Close() })
				s := &brokenSource{Source: sound, env: env, ended: ended}
				if spoil == nil {
					return replayDenier{s}
				}
				spoil(s)
				return s
			}
		}
		f.Source, f.Unreachable = broken(f.Source), broken(f.Unreachable)
		return f
	}
	return spec
}

// hide takes the type off an error.
func hide(err error) error {
	if err == nil {
		return nil
	}
	return errors.New(err.Error())
}

func dropUnless(keep bool, row record.Row) record.Row {
	if keep {
		return row
	}
	return nil
}

func nullUnchanged(row record.Row) {
	for i := range row {
		row[i].Kind = max(row[i].Kind, record.Null)
	}
}

func ifEmpty(v, then record.Value) record.Value {
	if v.Kind == record.Text && len(v.Bytes) == 0 {
		return then
	}
	return v
}

func ifNull(v, then record.Value) record.Value {
	if v.IsNull() {
		return then
	}
	return v
}

func ifInt(v record.Value, n int64) record.Value {
	if v.Kind == record.Int && v.Num > 1<<40 {
		v.Num = n
	}
	return v
}

func ifFloat(v record.Value) record.Value {
	if v.Kind == record.Float {
		return record.FloatValue(float64(float32(v.Float64())))
	}
	return v
}

func ifBool(v record.Value) record.Value {
	if v.Kind == record.Bool {
		return record.BoolValue(true)
	}
	return v
}

func ifKind(v record.Value, kind, then record.Kind) record.Value {
	if v.Kind == kind {
		v.Kind = then
	}
	return v
}

func throughFloat(s string) string {
	f, _ := new(big.Float).SetString(s)
	n, _ := f.Float64()
	return fmt.Sprint(n)
}
