package pipeline

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/mapping"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/schemas"
)

// Publish is one publishing pipeline: one root table to one topic.
type Publish struct {
	Name string
	// Table as the source knows it.
	Table string
	// Agency whose data it is; the topic carries its slug.
	Agency     string
	Topic      string
	Partitions int
	Dataset    *schemas.Dataset
	// DataSchema is the value of ce_dataschema.
	DataSchema string
	Mapping    *mapping.File
	Env        mapping.Env
	// Deprecated says that the dataset's version comes to its end: each event then tells it. nil: it does not.
	Deprecated *Deprecation
}

// pipe is a publishing pipeline at work in one session of its reader.
type pipe struct {
	Publish
	source string // ce_source
	// fingerprint is that of the mapping.
	fingerprint string
	first       int    // index of its partition 0 in session.parts
	tails       []tail // by partition
	rereads     rereads
	shared      map[bus.Op]*bus.SharedHeaders
	dlq         kafka.TopicPartition
	// limit and dlqLimit are what one message may take on the topic and on that of the letters. Topics that somebody else
	// created may take less than truc's.
	limit, dlqLimit int
	letters         openLetters
	stats           *PublishStats

	mu    sync.Mutex
	plans map[*record.Table]*mapping.SourcePlan
}

func newPipe(p Publish, source string, stats *PublishStats) *pipe {
	name := bus.SourceName(p.Agency, source, p.Name)
	out := &pipe{
		Publish: p,
		source:  name,
		tails:   make([]tail, p.Partitions),
		shared:  map[bus.Op]*bus.SharedHeaders{},
		dlq:     kafka.TopicPartition{Topic: p.Topic + bus.DLQSuffix},
		stats:   stats,
		plans:   map[*record.Table]*mapping.SourcePlan{},
	}
	// The fingerprint does not depend on the table, so that it is known before the first row.
	if plan, _ := mapping.CompileSource(p.Mapping, nil, p.Dataset, p.Env); plan != nil {
		out.fingerprint = plan.Fingerprint()
	}
	for _, op := range []bus.Op{bus.Created, bus.Updated, bus.Deleted, bus.Snapshot} {
		out.shared[op] = bus.NewSharedHeaders(append([]bus.Header{
			{Key: bus.HeaderSpecVersion, Value: []byte("1.0")},
			{Key: bus.HeaderSource, Value: []byte(name)},
			{Key: bus.HeaderType, Value: []byte(p.Dataset.ID() + "." + string(op))},
			{Key: bus.HeaderDataSchema, Value: []byte(p.DataSchema)},
			{Key: bus.HeaderContentType, Value: []byte("application/json")},
		}, p.Deprecated.headers()...)...)
	}
	return out
}

// headerRoom is more than the headers of a message take that are not shared, without the key in ce_subject.
const headerRoom = 512

// fits reports whether the topic takes an event of this size.
func (p *pipe) fits(op bus.Op, key, document int) bool {
	return 2*key+document+len(p.shared[op].Encoded)+headerRoom <= p.limit
}

// plan compiles the mapping for a version of the table, once. A table that changed so that the mapping no longer fits stops
// the reader: going on would publish documents nobody described.
func (p *pipe) plan(t *record.Table) (*mapping.SourcePlan, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if plan := p.plans[t]; plan != nil {
		return plan, nil
	}
	plan, problems := mapping.CompileSource(p.Mapping, t, p.Dataset, p.Env)
	if err := problems.Err(); err != nil {
		return nil, &misfitError{adapters.RefusedError{
			Where: fmt.Sprintf("publish.%s, table %s", p.Name, t),
			What:  problem.Say("the mapping does not fit the table: %v", err),
			Fix:   problem.Say("change the mapping, run truc check, then start again: nothing is lost. If truc check finds nothing, the log holds changes from before the table was altered: truc resnapshot %s", p.Name),
		}}
	}
	p.plans[t] = plan
	return plan, nil
}

// misfitError says that a mapping does not fit a version of its table that the log shows. Where it fits the table as it is now,
// no mapping fits both: the log from before cannot be published any more.
type misfitError struct{ adapters.RefusedError }

func (e *misfitError) Unwrap() error { return &e.RefusedError }

// isPassed reports whether only a log that is passed over helps somebody who asked for a table to be read anew.
func isPassed(err error) bool {
	var misfit *misfitError
	return IsGap(err) || errors.As(err, &misfit)
}

// openLetters knows which entities of a pipeline have an open dead letter, by fingerprint, so that a later valid version
// can close it. A false positive costs one needless tombstone on the dead-letter topic.
type openLetters struct {
	mu  sync.Mutex
	set map[uint64]struct{}
	n   atomic.Int64
}

// maxOpenLetters bounds the set (about 20 MB); a pipeline that passes it is stopped by the error budget, whatever that says.
const maxOpenLetters = 1 << 20

// load reads which keys have an open letter.
func (o *openLetters) load(ctx context.Context, b Bus, dlq kafka.TopicPartition, pipeline string) error {
	_, err := scanLetters(ctx, b, dlq, pipeline, func(d *bus.Delivered) error {
		if d.Value != nil {
			o.add(fingerprint(d.Key))
		} else {
			o.remove(fingerprint(d.Key))
		}
		return nil
	})
	return err
}

func (o *openLetters) add(k uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.set == nil {
		o.set = map[uint64]struct{}{}
	}
	o.set[k] = struct{}{}
	o.n.Store(int64(len(o.set)))
}

func (o *openLetters) remove(k uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.set, k)
	o.n.Store(int64(len(o.set)))
}

// has costs an atomic read while no letter is open.
func (o *openLetters) has(k uint64) bool {
	if o.n.Load() == 0 {
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	_, ok := o.set[k]
	return ok
}
