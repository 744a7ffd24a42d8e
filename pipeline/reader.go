package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/record"
)

// ReaderConfig describes the reader of one source and the pipelines it feeds.
type ReaderConfig struct {
	// Agency is the node's own agency; it names the position, the slot and the producer.
	Agency string
	Source string
	// Open builds a new instance of the source; a Source is used for one session only.
	Open      func() (adapters.Source, error)
	Bus       Bus
	Pipelines []Publish
	// Replication of the topics that truc creates; 0 means 1.
	Replication int
	Budget      Budget
	// Pause bounds what a paused source may make its server keep.
	Pause PauseLimit
	// Pace is what Open gives the source; the reader shows it.
	Pace adapters.Pace
	// Lease decides which of several nodes with this configuration reads; nil: this one.
	Lease Lease
	Log   *slog.Logger
	// SaveEvery is the least time between two saved positions; 0 means a second.
	SaveEvery time.Duration
	// Workers translate in parallel; 0 means one less than the cores, at least one.
	Workers int
	// At is called at the named boundaries of the loop, for tests that kill the process there; nil in production.
	At func(point Point)
}

// Point names a boundary in the loops.
type Point string

// The boundaries of the publishing loop, in the order in which a chunk passes them, then those of the delivery.
const (
	PointFenced       Point = "fenced"
	PointRecovered    Point = "recovered"
	PointRead         Point = "read"
	PointTranslated   Point = "translated"
	PointLetter       Point = "letter"
	PointProduced     Point = "produced"
	PointAcknowledged Point = "acknowledged"
	PointSaved        Point = "saved"
	PointSourceAcked  Point = "source-acked"
	PointSwept        Point = "swept"
	PointFetched      Point = "fetched"
	PointApplied      Point = "applied"
	// Those of a replay.
	PointRaised   Point = "raised"
	PointRewound  Point = "rewound"
	PointReplayed Point = "replayed"
)

// Budget says when a pipeline's mapping is plainly wrong: of the last Window records at least Share failed, and there were
// at least Least letters in all.
type Budget struct {
	Window int
	Share  float64
	Least  int
}

// DefaultBudget stops after a thousand letters when every second record fails.
var DefaultBudget = Budget{Window: 2000, Share: 0.5, Least: 1000}

// BudgetError says that a pipeline was stopped because too many of its records fail.
type BudgetError struct {
	Pipeline string
	Letters  int64
	Window   int
}

func (e *BudgetError) Error() string {
	return fmt.Sprintf("publish.%s: most of the last %d records became dead letters (%d open): the mapping does not fit the data; fix: truc dlq list %s, correct the mapping, truc check, start again, then truc dlq retry %s", e.Pipeline, e.Window, e.Letters, e.Pipeline, e.Pipeline)
}

// ErrTakenOver says that another instance has fenced this one off: it publishes now.
var ErrTakenOver = errors.New("another truc has taken this source over: it publishes now, and nothing of this one can land any more")

// Reader runs the publishing loop of one source until it is told to stop or must not go on.
type Reader struct {
	cfg   ReaderConfig
	stats *ReaderStats
	// reset lets the next session begin at a source anew: the last one met a gap while it was to mend one.
	reset bool
}

// NewReader does no I/O.
func NewReader(cfg ReaderConfig) *Reader {
	if cfg.SaveEvery == 0 {
		cfg.SaveEvery = time.Second
	}
	if cfg.Budget == (Budget{}) {
		cfg.Budget = DefaultBudget
	}
	if cfg.Workers == 0 {
		// The core that is left over reads and sends.
		cfg.Workers = max(runtime.GOMAXPROCS(0)-1, 1)
	}
	return &Reader{cfg: cfg, stats: newReaderStats(cfg)}
}

// Stats returns the live counters.
func (r *Reader) Stats() *ReaderStats { return r.stats }

// Run reads, publishes and acknowledges until ctx is done (then it drains, saves and acknowledges what is under way) or
// something happens that trying again cannot mend: a gap, a divergence, a take-over, a refusal, an exhausted error budget.
// Everything else is tried again with growing pauses, each time through recovery. With a lease it does so while it holds it,
// and stands by while another node does.
func (r *Reader) Run(ctx context.Context) error {
	lease := newTenure(ctx, &r.cfg, r.stats)
	defer lease.end() // after the last session has drained
	pause := newBackoff()
	for {
		r.stats.setState(StateStarting, nil)
		started := time.Now()
		held, err := lease.hold(ctx)
		if err == nil {
			err = r.session(held)
		} else {
			held = ctx
		}
		switch {
		case ctx.Err() != nil:
			r.stats.setState(StateStopped, nil)
			if err != nil && !errors.Is(err, context.Canceled) {
				r.cfg.Log.Warn("reader stopped without draining", "source", r.cfg.Source, "err", err)
			}
			return nil
		case held.Err() != nil:
			r.cfg.Log.Warn("another node reads the source now, this one stands by", "source", r.cfg.Source)
			pause.reset()
			continue
		case err == nil:
			continue // a request asked for a new session
		case errors.Is(err, errPaused):
			r.standStill(held)
			pause.reset()
			continue
		case lease.mayGoOn(ctx, err):
			continue
		case permanent(err):
			var fenced *kafka.FencedError
			if errors.As(err, &fenced) {
				err = fmt.Errorf("source %s: %w", r.cfg.Source, ErrTakenOver)
			}
			r.stats.setState(StateFailed, err)
			return err
		}
		if time.Since(started) > time.Minute {
			pause.reset()
		}
		wait := pause.next()
		r.stats.setState(StateRetrying, err)
		r.cfg.Log.Warn("reader failed, trying again", "source", r.cfg.Source, "err", err, "wait", wait.String())
		sleep(held, wait)
	}
}

// permanent reports whether trying again cannot mend an error.
func permanent(err error) bool {
	var (
		gap     *adapters.GapError
		div     *adapters.DivergenceError
		refused *adapters.RefusedError
		busGap  *BusGapError
		budget  *BudgetError
		fenced  *kafka.FencedError
		topic   *kafka.TopicMismatchError
		group   *kafka.GroupError
	)
	return errors.As(err, &group) || errors.As(err, &gap) || errors.As(err, &div) || errors.As(err, &refused) || errors.As(err, &busGap) ||
		errors.As(err, &budget) || errors.As(err, &fenced) || errors.As(err, &topic)
}

// IsGap reports whether only a resnapshot helps.
func IsGap(err error) bool {
	var (
		gap    *adapters.GapError
		div    *adapters.DivergenceError
		busGap *BusGapError
	)
	return errors.As(err, &gap) || errors.As(err, &div) || errors.As(err, &busGap)
}

// IsTakenOver reports whether another instance publishes now: trying again would take the source back from it.
func IsTakenOver(err error) bool {
	var fenced *kafka.FencedError
	return errors.Is(err, ErrTakenOver) || errors.As(err, &fenced)
}

// session is one life of the loop between two recoveries.
type session struct {
	cfg   *ReaderConfig
	stats *ReaderStats

	pipes   []*pipe
	byTable map[string][]*pipe
	// parts are the output partitions of all pipes, in order; groups and marks are aligned with it.
	parts   []kafka.TopicPartition
	counts  []int    // partitions of the topic of parts[i]
	topicID []string // id of the topic of parts[i]
	scanned []int64  // where recovery began to read parts[i]

	sender   Sender
	src      adapters.Source
	epoch    uint32
	saved    *checkpoint
	runs     map[string]uint32
	begun    map[string]uint32 // by table, the epoch in which its run began
	mending  bool              // somebody asked for tables to be read anew
	reset    bool              // and the source has lost what the position stands for: it is opened without
	done     []string          // request keys to close once the first position of this session is saved
	requests int64             // next offset to read on the requests topic
	retries  []Request
	erasures []Request
	// fail ends the session; it is set before anything is produced.
	fail context.CancelCauseFunc

	// positioned is closed when a position of the source is saved. Until then nothing beyond its first batch leaves: a source
	// that is opened without a position begins with the present, and would not tell what vanished since the last time.
	positioned chan struct{}

	free chan *chunk
	// room bounds the row memory under way.
	room *semaphore.Weighted
}

// maxUnderWay is how many bytes of rows may be under way in all chunks together. A batch with more travels alone.
const maxUnderWay = 32 << 20

// bigChunk is the size from which a chunk's memory is given back at once.
const bigChunk = maxUnderWay / 4

// session recovers, opens the source and runs the loop. It returns nil when a new session is wanted.
func (r *Reader) session(ctx context.Context) error {
	s := &session{cfg: &r.cfg, stats: r.stats, byTable: map[string][]*pipe{}, reset: r.reset}
	r.reset = false
	for i := range r.cfg.Pipelines {
		p := newPipe(r.cfg.Pipelines[i], r.cfg.Source, r.stats.Publish[r.cfg.Pipelines[i].Name])
		p.first = len(s.parts)
		for n := range p.Partitions {
			s.parts = append(s.parts, kafka.TopicPartition{Topic: p.Topic, Partition: int32(n)})
			s.counts = append(s.counts, p.Partitions)
		}
		s.pipes = append(s.pipes, p)
		s.byTable[p.Table] = append(s.byTable[p.Table], p)
	}
	defer s.close()
	if err := s.recover(ctx); err != nil {
		return err
	}
	r.stats.setState(StateRunning, nil)
	err := s.loop(ctx)
	if err != nil && ctx.Err() == nil && !permanent(err) {
		if fenced := s.fenced(ctx); fenced != nil {
			return fenced
		}
	}
	if s.mending && !s.reset && isPassed(err) {
		// Some gaps show only while the log is read.
		s.cfg.Log.Warn("the log cannot be read on: beginning anew", "source", r.cfg.Source, "err", err)
		r.reset = true
		return nil
	}
	return err
}

// fenced asks whether somebody has taken the source over, and returns the fence. Whoever takes over ends our connection to the
// source, too: the error of that connection may come before anything is refused by the bus, and a new session would fence
// off the successor. The question is a deletion of a request that nobody has made.
func (s *session) fenced(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	question := bus.Message{Key: []byte("fenced/" + checkpointKey(s.cfg.Agency, s.cfg.Source))}
	err := produceAndWait(ctx, s.sender, requestsPartition, []bus.Message{question})
	if fence, ok := errors.AsType[*kafka.FencedError](err); ok {
		return fence
	}
	return nil // ours, or the broker does not say: then recovery finds out
}

func (s *session) close() {
	if s.src != nil {
		_ = s.src.Close()
	}
	if s.sender != nil {
		_ = s.sender.Close()
	}
}

func (s *session) at(p Point) {
	if s.cfg.At != nil {
		s.cfg.At(p)
	}
}

// loop runs the stages of the walk, each in its own goroutine, connected by short queues: their length is latency.
//
//	read → chunks → translate (workers) → hand over in order → sender → acknowledged in order → position → source.Ack
//
// When ctx is done the reading stops, and what is under way is carried to its end.
func (s *session) loop(ctx context.Context) error {
	const (
		inFlight = 45
		// readAhead is how many chunks may wait for a translator: their rows are most of what a chunk takes.
		readAhead = 3
	)
	s.room = semaphore.NewWeighted(maxUnderWay)
	s.positioned = make(chan struct{})
	if s.saved.Position != nil {
		close(s.positioned)
	}
	s.free = make(chan *chunk, inFlight)
	for range inFlight {
		s.free <- newChunk(len(s.parts))
	}
	work, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	s.fail = cancel
	// A broker that does not answer must not hold up a shutdown for ever.
	stopGrace := context.AfterFunc(ctx, func() {
		t := time.AfterFunc(15*time.Second, func() { cancel(errors.New("draining took longer than 15 s")) })
		context.AfterFunc(work, func() { t.Stop() })
	})
	defer stopGrace()

	if err := s.erase(ctx, work); err != nil {
		return err
	}
	if err := s.retryLetters(ctx, work); err != nil {
		return err
	}
	toTranslate := make(chan *chunk, readAhead)
	toHandOver := make(chan *chunk, inFlight)
	toFinish := make(chan *chunk, inFlight)
	var again bool
	var wg sync.WaitGroup
	stage := func(name string, run func() error) {
		wg.Go(func() {
			if err := run(); err != nil {
				cancel(fmt.Errorf("%s: %w", name, err))
			}
		})
	}
	stage("read", func() error {
		defer close(toTranslate)
		defer close(toHandOver)
		var err error
		again, err = s.read(ctx, work, toTranslate, toHandOver)
		return err
	})
	for range s.cfg.Workers {
		stage("translate", func() error {
			t := newTranslator(s)
			for c := range toTranslate {
				if c.err == nil {
					c.err = t.translate(work, c)
				}
				c.release()
				s.at(PointTranslated)
				close(c.translated)
			}
			return nil
		})
	}
	stage("publish", func() error {
		defer close(toFinish)
		return s.handOverAll(work, toHandOver, toFinish)
	})
	stage("acknowledge", func() error { return s.finishAll(work, toFinish) })
	wg.Wait()
	err := context.Cause(work)
	if err != nil {
		if sendErr := s.sender.Err(); sendErr != nil {
			err = fmt.Errorf("publish: %w", sendErr)
		}
		return err
	}
	if again {
		return nil
	}
	if ctx.Err() == nil {
		return errors.New("the source ended without saying why: this is a defect of its adapter")
	}
	return ctx.Err()
}

// read takes batches from the source until ctx is done, an error, or a request that needs a new session (again).
func (s *session) read(ctx, work context.Context, toTranslate, toHandOver chan<- *chunk) (again bool, err error) {
	reading, stop := context.WithCancel(ctx)
	// A failure further down must wake a Read that waits for changes.
	unhook := context.AfterFunc(work, stop)
	defer unhook()
	var asked atomic.Bool
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	wg.Go(func() {
		if s.awaitRequest(reading) {
			asked.Store(true)
			stop()
		}
	})
	for {
		// What fills the room alone, a row of 40 MB, is through before the next is taken in.
		if s.room.Acquire(work, 1) != nil {
			return false, nil
		}
		s.room.Release(1)
		b, err := s.src.Read(reading)
		switch {
		case err == nil:
		case asked.Load():
			return true, nil
		case reading.Err() != nil:
			return false, nil
		default:
			return false, err
		}
		s.at(PointRead)
		s.stats.read(b)
		if !s.push(work, b, toTranslate, toHandOver) {
			return false, nil
		}
	}
}

// push wraps a batch into a chunk and queues it for translation and, in the same order, for the hand-over.
func (s *session) push(work context.Context, b record.Batch, toTranslate, toHandOver chan<- *chunk) bool {
	size := min(sizeOf(b.Records), maxUnderWay)
	if s.room.Acquire(work, size) != nil {
		b.Release()
		return false
	}
	select {
	case c := <-s.free:
		c.reset(b)
		c.size = size
		toTranslate <- c
		toHandOver <- c
		return true
	case <-work.Done():
		b.Release()
		return false
	}
}

// sizeOf is what the cells of some records take, about.
func sizeOf(records []record.Record) (bytes int64) {
	for i := range records {
		for _, row := range [...]record.Row{records[i].Before, records[i].After} {
			for j := range row {
				bytes += int64(len(row[j].Bytes))
			}
		}
	}
	return bytes
}
