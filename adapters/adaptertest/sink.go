package adaptertest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/record"
)

// SinkSpec is what the suite must know of a sink.
type SinkSpec struct {
	// New makes a fresh system with empty standard target tables. It is called once a case and cleans up by tb.Cleanup.
	New          func(tb testing.TB) SinkFixture
	Capabilities SinkCapabilities
	// Patience bounds every call; 20 s when zero.
	Patience time.Duration
	// Leaks are goroutines that belong to the fixture, not to the adapter.
	Leaks []goleak.Option
}

// SinkFixture is one system under test. Its main table has the columns
//
//	agency Text and id Int        the key
//	name   Text, not null
//	code   Text, unique, nullable
//	status Text, nullable         written when the row is created, and by soft deletes
//	note   Text, nullable         named by no target: the agency's own
//
// and its inbox the same columns without key, unique and not-null constraints.
type SinkFixture struct {
	// Sink builds an instance on the fixture's data; several live side by side. It hands env, and with it the logger, on
	// to the adapter.
	Sink func(env adapters.Env) adapters.Sink
	// Table and Inbox are the names of the tables as Target.Table wants them.
	Table, Inbox string
	// Insert adds a row to Table in the system's own way, as the agency's programs do.
	Insert func(ctx context.Context, row Row) error
	// Rows reads a table in the system's own way.
	Rows func(ctx context.Context, table string) ([]Row, error)
	// Unreachable and Secret are as in SourceFixture; Unreachable is nil without the capability.
	Unreachable func(env adapters.Env) adapters.Sink
	Secret      string
}

// SinkCapabilities say what the technology can do, as SourceCapabilities do.
type SinkCapabilities struct {
	// Unique and NotNull: the system enforces such constraints.
	Unique, NotNull bool
	// Reads: the sink is an adapters.SinkReader; without it `truc verify` cannot compare what it holds.
	Reads bool
	// Sweeps: the sink is an adapters.Sweeper; without it nobody notices that it was away for too long.
	Sweeps bool
	// Unreachable: the system can be out of reach.
	Unreachable bool
}

// RunSink runs the suite on a sink, one subtest a case.
func RunSink(t *testing.T, spec SinkSpec) {
	var undeclared []string
	for _, c := range sinkCases() {
		if c.needs == nil || c.needs(spec.Capabilities) {
			t.Run(c.name, func(t *testing.T) { c.runOn(t, spec) })
		} else {
			undeclared = append(undeclared, c.name)
		}
	}
	logUndeclared(t, undeclared)
}

// sinkCase is one demand of the contract.
type sinkCase struct {
	name  string
	needs func(SinkCapabilities) bool
	run   func(b *sinkBench)
}

func (c sinkCase) runOn(tb testing.TB, spec SinkSpec) {
	tb.Helper()
	if spec.Patience == 0 {
		spec.Patience = 20 * time.Second
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*spec.Patience)
	defer cancel()
	b := &sinkBench{TB: tb, ctx: ctx, can: spec.Capabilities, fixture: spec.New(tb), log: &logRecorder{}}
	declares(tb, b.can.Unreachable, b.fixture.Unreachable != nil, "Unreachable", "Unreachable of the fixture")
	goroutines := append([]goleak.Option{goleak.IgnoreCurrent()}, spec.Leaks...)
	defer b.closeAll() // also when the case ends early
	c.run(b)
	b.closeAll()
	b.log.check(tb, b.fixture.Secret)
	cancel()
	if err := goleak.Find(goroutines...); err != nil {
		tb.Errorf("after Close the adapter left goroutines behind; every goroutine needs an owner that waits for it: %v", err)
	}
}

// sinkBench is one case in progress.
type sinkBench struct {
	testing.TB
	ctx     context.Context // of the case, which ends with it
	can     SinkCapabilities
	fixture SinkFixture
	log     *logRecorder
	sinks   []adapters.Sink
}

func (b *sinkBench) env() adapters.Env {
	return adapters.Env{Name: "suite", Agency: "H44.15", Log: b.log.logger()}
}

func (b *sinkBench) closeAll() {
	for _, s := range b.sinks {
		if err := s.Close(); err != nil {
			b.Errorf("Close failed: %v", err)
		}
	}
	b.sinks = nil
}

// Names that the cases use.
const (
	pipeline = "giao_tre_em"
	topic    = "hotich.khaisinh.v1.h44.15"
	phutho   = "/agencies/H44.15/hotich/khaisinh"
	hanoi    = "/agencies/H26.1/hotich/khaisinh"
)

func partition(n int32) adapters.TopicPartition {
	return adapters.TopicPartition{Topic: topic, Partition: n}
}

// target is the standard target, altered.
func (b *sinkBench) target(alter func(*record.Target)) *record.Target {
	t := &record.Target{
		Pipeline: pipeline, Table: b.fixture.Table,
		Key: []string{"agency", "id"}, Columns: []string{"name", "code"}, OnCreate: []string{"status"},
	}
	if alter != nil {
		alter(t)
	}
	return t
}

func plain(*record.Target) {}

// delivery is one instance of a sink with the offsets it believes in, as a pipeline holds it.
type delivery struct {
	*sinkBench
	sink    adapters.Sink
	target  *record.Target
	offsets adapters.Offsets
}

// deliver opens an instance for partition 0.
func (b *sinkBench) deliver(alter func(*record.Target)) *delivery {
	b.Helper()
	d := &delivery{sinkBench: b, sink: b.open(), target: b.target(alter)}
	d.refresh(partition(0))
	return d
}

func (b *sinkBench) open() adapters.Sink {
	b.Helper()
	s := b.fixture.Sink(b.env())
	b.sinks = append(b.sinks, s)
	if err := s.Open(b.ctx); err != nil {
		b.Fatalf("Open failed: %v", err)
	}
	return s
}

// beside opens the delivery of another pipeline on the same instance and partition.
func (d *delivery) beside(pipeline string) *delivery {
	d.Helper()
	other := &delivery{sinkBench: d.sinkBench, sink: d.sink, target: d.sinkBench.target(func(t *record.Target) { t.Pipeline = pipeline })}
	other.refresh(partition(0))
	return other
}

func (d *delivery) refresh(partitions ...adapters.TopicPartition) {
	d.Helper()
	offsets, err := d.sink.Offsets(d.ctx, d.target.Pipeline, partitions)
	if err != nil {
		d.Fatalf("Offsets failed: %v", err)
	}
	if len(offsets) != len(partitions) {
		d.Fatalf("Offsets gave %d entries for %d partitions; one that was never seen counts as 0 and is in the answer", len(offsets), len(partitions))
	}
	d.offsets = offsets
}

// try applies changes at the offsets the delivery believes in, and moves on when that works.
func (d *delivery) try(changes ...record.Change) error {
	to := adapters.Offsets{}
	for p, offset := range d.offsets {
		to[p] = adapters.Offset{Next: offset.Next + int64(max(1, len(changes)))}
	}
	err := d.sink.Apply(d.ctx, d.target.Pipeline, changes, d.offsets, to)
	if err == nil {
		d.offsets = to
	} else {
		checkText(d, "the error", err.Error(), d.fixture.Secret)
	}
	return err
}

func (d *delivery) apply(changes ...record.Change) {
	d.Helper()
	if err := d.try(changes...); err != nil {
		d.Fatalf("Apply failed: %v", err)
	}
}

// put is an upsert event of Phú Thọ; code "" is null.
func (d *delivery) put(id, sequence int64, name, code string) record.Change {
	c := record.Change{
		Target: d.target, Key: record.Row{record.TextValue("H44.15"), record.IntValue(id)},
		Values:   record.Row{filled(name), record.NullValue},
		OnCreate: record.Row{record.TextValue("moi")},
		Source:   phutho, Sequence: fmt.Sprintf("%032x", sequence), Topic: topic, Offset: sequence,
	}
	if code != "" {
		c.Values[1] = record.TextValue(code)
	}
	return c
}

// remove is a deletion of Phú Thọ.
func (d *delivery) remove(id, sequence int64, set ...record.Value) record.Change {
	c := d.put(id, sequence, "", "")
	c.Delete, c.Values, c.OnCreate = true, set, nil
	return c
}

// fromHanoi makes a change one of another source.
func fromHanoi(c record.Change) record.Change {
	c.Source = hanoi
	return c
}

// inGeneration makes a change one of a deliberate replay.
func inGeneration(generation uint32, c record.Change) record.Change {
	c.Generation = generation
	return c
}

// rows reads the main table: a line for each row, by id.
func (b *sinkBench) rows() map[int64]string {
	b.Helper()
	lines := map[int64]string{}
	for _, row := range b.rowsOf(b.fixture.Table) {
		lines[row["id"].Num] = line(row)
	}
	return lines
}

func (b *sinkBench) rowsOf(table string) []Row {
	b.Helper()
	rows, err := b.fixture.Rows(b.ctx, table)
	if err != nil {
		b.Fatalf("the fixture could not read %s: %v", table, err)
	}
	return rows
}

// line shows a row of the main table without its key: "name code status note", null as "-".
func line(row Row) string {
	out := ""
	for i, column := range []string{"name", "code", "status", "note"} {
		if i > 0 {
			out += " "
		}
		v := row[column]
		text := string(v.Append(nil))
		if v.IsNull() || v.Kind == record.Unchanged {
			text = "-"
		}
		if len(text) > len(rowMark) && text[:len(rowMark)] == rowMark {
			text = text[len(rowMark)+1:]
		}
		out += text
	}
	return out
}
