package pipeline

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
)

// Lease decides which of several nodes with the same configuration runs the reader of a source. It is *kafka.Lease, whose
// methods say more. That nothing of a former holder lands is the work of the fence: the lease decides who fences, and when.
type Lease interface {
	Run(ctx context.Context) error
	Hold(ctx context.Context, waiting func(holder string)) (held context.Context, term int, err error)
	Certain() bool
	Doubt()
	Shared() bool
}

// LeaseGroup names the consumer group that leases the reader of a source.
func LeaseGroup(agency, source string) string {
	return "truc-" + bus.Slug(agency) + "-source-" + source
}

// errUncertain ends a session that cannot be sure any more to be the holder's.
var errUncertain = errors.New("the consumer group that leases the source has not answered for a while: another node may have been given it")

// tenure is a reader's use of its lease. Without a lease the reader is always the holder.
type tenure struct {
	cfg   *ReaderConfig
	stats *ReaderStats
	leave context.CancelFunc
	left  sync.WaitGroup
	unite func() // ends the context that the last hold returned

	// lease and term are those of the last hold.
	lease context.Context //nolint:containedctx // it is compared: another one means that the lease was lost meanwhile
	term  int
	// robbed is how often sessions were fenced off although the lease was held, since a time.
	robbed int
	since  time.Time
}

// newTenure begins to take part in the lease.
func newTenure(ctx context.Context, cfg *ReaderConfig, stats *ReaderStats) *tenure {
	t := &tenure{cfg: cfg, stats: stats, unite: func() {}}
	// A node that is told to stop keeps the lease until its session has drained.
	joined, leave := context.WithCancel(context.WithoutCancel(ctx))
	t.leave = leave
	if cfg.Lease != nil {
		t.left.Go(func() { _ = cfg.Lease.Run(joined) }) // hold says why it ended
	}
	return t
}

// end gives the lease up; another node has it at once.
func (t *tenure) end() {
	t.unite()
	t.leave()
	t.left.Wait()
}

// hold waits for the lease. The context ends with ctx and with the lease.
func (t *tenure) hold(ctx context.Context) (context.Context, error) {
	if t.cfg.Lease == nil {
		return ctx, nil
	}
	lease, term, err := t.cfg.Lease.Hold(ctx, t.standBy)
	if err != nil {
		return nil, err
	}
	t.stats.setState(StateStarting, nil)
	t.unite()
	t.lease, t.term = lease, term
	held, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(lease, cancel)
	t.unite = func() {
		stop()
		cancel()
	}
	return held, nil
}

func (t *tenure) standBy(holder string) {
	if t.stats.setStandby(holder) {
		t.cfg.Log.Info("standing by: another node reads the source", "source", t.cfg.Source, "holder", holder)
	}
}

// A holder takes its source back from other members of its group so often within a while.
const (
	takeBacks       = 3
	takeBacksWithin = time.Minute
)

// mayGoOn decides about a session that was fenced off. Mostly the group, when it is asked, has given the lease to another
// node, or had missed this one for a while: its answer counts, here and in the next hold. When it still says that this
// process holds the lease, then either another member fenced before it learned that the lease is not its own, as two that
// start at the same moment do: the holder fences once more. Or somebody outside the group has taken over, another version
// or a node with other names, and the two would rob each other without end.
func (t *tenure) mayGoOn(ctx context.Context, err error) bool {
	if _, fenced := errors.AsType[*kafka.FencedError](err); !fenced || t.cfg.Lease == nil {
		return false
	}
	t.cfg.Lease.Doubt()
	lease, term, err := t.cfg.Lease.Hold(ctx, t.standBy)
	if err != nil || lease != t.lease || term != t.term {
		return true
	}
	if time.Since(t.since) > takeBacksWithin {
		t.robbed, t.since = 0, time.Now()
	}
	t.robbed++
	return t.cfg.Lease.Shared() && t.robbed <= takeBacks
}

// whileCertain returns a context for fencing: it ends when the group has not confirmed the lease for so long that another node
// may have been given it, and may have fenced already. done ends it, and says so in place of an error that came of it.
func whileCertain(ctx context.Context, lease Lease) (fencing context.Context, done func(error) error) {
	if lease == nil {
		return ctx, func(err error) error { return err }
	}
	fencing, cancel := context.WithCancelCause(ctx)
	var watching sync.WaitGroup
	watching.Go(func() {
		for sleep(fencing, 100*time.Millisecond) {
			if !lease.Certain() {
				cancel(errUncertain)
			}
		}
	})
	return fencing, func(err error) error {
		if err != nil && errors.Is(context.Cause(fencing), errUncertain) {
			err = errUncertain
		}
		cancel(nil)
		watching.Wait()
		return err
	}
}
