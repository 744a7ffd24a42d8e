// Package adaptertest is the suite an adapter must pass. An adapter is finished when it does: the pipeline relies on
// exactly what is tested here, and on nothing else.
//
//	func TestSource(t *testing.T) {
//	    adaptertest.RunSource(t, adaptertest.SourceSpec{New: newFixture, Capabilities: adaptertest.SourceCapabilities{...}})
//	}
//
// The adapter's own test gives a fixture: a fresh system with two standard tables, and ways to change them that do not go
// through the adapter. A failure says what the contract wants.
package adaptertest

import (
	"context"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/record"
)

// SourceSpec is what the suite must know of a source.
type SourceSpec struct {
	// New makes a fresh system with two empty standard tables. It is called once a case and cleans up by tb.Cleanup.
	New          func(tb testing.TB) SourceFixture
	Capabilities SourceCapabilities
	// Patience is how long the suite waits for records that must come; 20 s when zero.
	Patience time.Duration
	// Rows is the size of the cases that need many rows: choose more than two snapshot chunks. 1200 when zero.
	Rows int
	// Leaks are goroutines that belong to the fixture, not to the adapter.
	Leaks []goleak.Option
}

// SourceFixture is one system under test.
type SourceFixture struct {
	// Source builds an instance on the fixture's data; the suite calls it several times, as restarts of a node do. It hands
	// env, and with it the logger, on to the adapter.
	Source func(env adapters.Env) adapters.Source
	// Tables name the two standard tables (SourceColumns) as Start.Tables wants them. The second is "" without the
	// capability TwoTables.
	Tables [2]string
	// Write runs the changes in the system's own way, as one transaction where it has any. It is called from any goroutine.
	Write func(ctx context.Context, changes ...Change) error
	// Unreachable builds a source for a server that is not there, or a file; Secret is the password in its configuration
	// and must be at least 8 characters, "" where there is none. Nil without the capability.
	Unreachable func(env adapters.Env) adapters.Source
	Secret      string
	// AddColumn adds a nullable Text column while the source may be running. Nil without the capability.
	AddColumn func(ctx context.Context, table, column string) error
}

// BeforeImage is how much of the old row a source carries.
type BeforeImage uint8

const (
	// BeforeFull: updates and deletes carry the whole old row.
	BeforeFull BeforeImage = iota
	// BeforeKey: deletes and key changes carry the columns of Table.Identity, other updates need not carry anything.
	BeforeKey
	// BeforeNone: the source cannot see deletes and key changes at all (one that polls).
	BeforeNone
)

// SourceCapabilities say what the technology can do. Declare what is true of it: the suite holds the adapter to each
// capability declared, and to declaring what it has: the cases of the others do not run, and a line of the log names them.
type SourceCapabilities struct {
	// Kinds of cells beside Int and Text, which every source has.
	Kinds []record.Kind
	// Infinity: Date, DateTime and Timestamp may be "infinity".
	Infinity bool
	Before   BeforeImage
	// InsertOnly: rows are only ever added (a log file).
	InsertOnly bool
	// Unchanged: an update may leave the column "large" out when it does not change it.
	Unchanged bool
	Truncate  bool
	// Transactions: Write is atomic, and a batch may end inside a transaction.
	Transactions bool
	// Snapshot: rows that are there before Open come as Snapshot, closed by a SnapshotEnd. Without it they come as Create.
	Snapshot bool
	// Replays: reopened at a position, the source yields the same records with the same orders. It must agree with adapters.Replayer.
	Replays bool
	// TwoTables: one source reads several tables. A file has one only.
	TwoTables bool
	// AddColumn: columns can be added to a table that is in use.
	AddColumn bool
	// Unreachable: the system can be out of reach.
	Unreachable bool
}

// RunSource runs the suite on a source, one subtest a case.
func RunSource(t *testing.T, spec SourceSpec) {
	var undeclared []string
	for _, c := range sourceCases() {
		if c.needs == nil || c.needs(spec.Capabilities) {
			t.Run(c.name, func(t *testing.T) { c.runOn(t, spec) })
		} else {
			undeclared = append(undeclared, c.name)
		}
	}
	logUndeclared(t, undeclared)
}

// logUndeclared says what was not asked of an adapter. It is no skip: nothing is missing on this machine, and a run that
// may not skip anything must be able to pass.
func logUndeclared(tb testing.TB, cases []string) {
	tb.Helper()
	if len(cases) > 0 {
		tb.Logf("not declared: %s", strings.Join(cases, ", "))
	}
}

// declares checks a capability that shows in a fixture or an adapter against its declaration, so that a case cannot fall
// away because a field was forgotten or a method has lost its signature.
func declares(tb testing.TB, declared, present bool, capability, seen string) {
	tb.Helper()
	switch {
	case declared && !present:
		tb.Fatalf("the capability %s is declared, but %s is missing", capability, seen)
	case present && !declared:
		tb.Fatalf("there is %s, but the capability %s is not declared", seen, capability)
	}
}

// sourceCase is one demand of the contract.
type sourceCase struct {
	name string
	// needs tells whether the case is about something the source can do; nil: every source.
	needs func(SourceCapabilities) bool
	run   func(b *sourceBench)
}

func (c sourceCase) runOn(tb testing.TB, spec SourceSpec) {
	tb.Helper()
	if spec.Patience == 0 {
		spec.Patience = 20 * time.Second
	}
	if spec.Rows == 0 {
		spec.Rows = 1200
	}
	b := &sourceBench{TB: tb, spec: spec, can: spec.Capabilities, fixture: spec.New(tb), log: &logRecorder{}, written: map[string]rowsByID{}}
	b.table, b.other = b.fixture.Tables[0], b.fixture.Tables[1]
	declares(tb, b.can.TwoTables, b.other != "", "TwoTables", "a second table of the fixture")
	declares(tb, b.can.AddColumn, b.fixture.AddColumn != nil, "AddColumn", "AddColumn of the fixture")
	declares(tb, b.can.Unreachable, b.fixture.Unreachable != nil, "Unreachable", "Unreachable of the fixture")
	goroutines := append([]goleak.Option{goleak.IgnoreCurrent()}, spec.Leaks...)
	defer b.closeAll() // also when the case ends early
	c.run(b)
	b.closeAll()
	b.log.check(tb, b.fixture.Secret)
	if err := goleak.Find(goroutines...); err != nil {
		tb.Errorf("after Close the adapter left goroutines behind; every goroutine needs an owner that waits for it: %v", err)
	}
}

// sourceBench is one case in progress.
type sourceBench struct {
	testing.TB
	spec    SourceSpec
	can     SourceCapabilities
	fixture SourceFixture
	log     *logRecorder
	// table and other are the names of the standard tables; other may be "".
	table, other string
	// written is what the tables hold by now, by table.
	written map[string]rowsByID
	streams []*stream
	// pace is what the adapter is given.
	pace adapters.Pace
}

func (b *sourceBench) env() adapters.Env {
	return adapters.Env{Name: "suite", Agency: "H44.15", Pace: b.pace, Log: b.log.logger()}
}

// write changes the system and remembers what it holds then.
func (b *sourceBench) write(changes ...Change) {
	b.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), b.spec.Patience)
	defer cancel()
	if err := b.fixture.Write(ctx, changes...); err != nil {
		b.Fatalf("the fixture could not write: %v", err)
	}
	b.remember(changes...)
}

func (b *sourceBench) remember(changes ...Change) {
	for _, c := range changes {
		if b.written[c.Table] == nil {
			b.written[c.Table] = rowsByID{}
		}
		b.written[c.Table].apply(c)
	}
}

// insertMany creates the rows 1 to n, in one transaction each 500.
func (b *sourceBench) insertMany(table string, n int64) {
	b.Helper()
	for id := int64(1); id <= n; {
		var changes []Change
		for ; id <= n && len(changes) < 500; id++ {
			changes = append(changes, Insert(table, id, Row{Name: record.TextValue(filler(id))}))
		}
		b.write(changes...)
	}
}

func (b *sourceBench) closeAll() {
	for _, s := range b.streams {
		s.close()
	}
}
