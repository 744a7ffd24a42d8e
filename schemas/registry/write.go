package registry

import (
	"context"
	"errors"
	"strconv"
	"time"
)

const (
	maxBatch      = 500     // commands in one append
	maxBatchBytes = 1 << 20 // a command that is larger goes alone
	retryAfter    = 100 * time.Millisecond
)

// command is a decision on its way into the log.
type command struct {
	ctx context.Context
	// reads are what the decision rests on, with the revisions at which it was taken: it does not hold any more when one has
	// changed. writes are what it changes.
	reads  map[string]uint64
	writes []string
	// alone keeps others out of the batch: it depends on, or decides, which schemas there are.
	alone bool
	// entries are what is to be appended; the last one carries by. They are asked for anew at every try.
	entries func(by string, ids *allocation) ([]entry, error)

	by   string
	done chan error    // what became of it, once; errStale: decide again
	seen chan struct{} // closed when the node knows that the last entry is in the log
}

var errStale = errors.New("what was decided on has changed")

// submit takes a decision, and again as long as what it rests on changes before it is in the log. It returns when the
// command is in the log and the node answers accordingly. decide returns nil when nothing is to be written.
func (r *Registry) submit(ctx context.Context, decide func() (*command, error)) error {
	for {
		c, err := decide()
		if err != nil || c == nil {
			return err
		}
		c.ctx, c.done, c.seen = ctx, make(chan error, 1), make(chan struct{})
		c.by = r.node + "-" + strconv.FormatUint(r.commands.Add(1), 36)
		select {
		case r.queue <- c:
		case <-ctx.Done():
			return timedOut()
		}
		select {
		case err = <-c.done:
		case <-ctx.Done():
			return timedOut()
		}
		if !errors.Is(err, errStale) {
			return err
		}
	}
}

func timedOut() error {
	return &Error{codeTimeout, "The operation timed out: the bus did not confirm it in time, and it may still take effect. Ask for the result before trying again"}
}

// write appends what is queued, a batch at a time: everything that came while the batch before was on its way, and what those
// send next who were answered with it.
func (r *Registry) write(ctx context.Context) {
	var waiting []*command
	var soon expected
	for ctx.Err() == nil {
		waiting = r.gather(ctx, waiting, soon)
		b := r.prepare(waiting)
		if waiting = b.later; len(b.commands) == 0 {
			continue
		}
		began := time.Now()
		again := r.append(ctx, b)
		answered := len(b.commands) - len(again)
		waiting = append(again, waiting...)
		now := time.Now()
		soon = expected{len(waiting) + len(r.queue) + answered, now.Add(min(now.Sub(began), r.gathering))}
	}
}

// expected is how many commands there will be, by a time, if everybody who was just answered comes again. A program that
// registers many schemas does so one after the other: to go ahead with what is there would leave the others for the batch after,
// and so on for ever, half of them in each. Waiting for them pays as long as they come again sooner than an append takes; whoever
// comes alone waits for nobody.
type expected struct {
	count int
	by    time.Time
}

// defaultGathering is how long a command may wait for others.
const defaultGathering = 2 * time.Millisecond

// gather adds what is queued to what waits: one command at least, and those that are expected if they come in time.
func (r *Registry) gather(ctx context.Context, waiting []*command, soon expected) []*command {
	var late <-chan time.Time // nil until there is somebody to answer
	for {
		for len(waiting) < 2*maxBatch {
			select {
			case c := <-r.queue:
				waiting = append(waiting, c)
				continue
			default:
			}
			break
		}
		if len(waiting) > 0 {
			if len(waiting) >= min(soon.count, maxBatch) {
				return waiting
			}
			if late == nil {
				timer := time.NewTimer(time.Until(soon.by))
				defer timer.Stop()
				late = timer.C
			}
		}
		select {
		case c := <-r.queue:
			waiting = append(waiting, c)
		case <-late:
			return waiting
		case <-ctx.Done():
			return waiting
		}
	}
}

// batch is what goes into the log together: commands that do not rest on each other.
type batch struct {
	commands []*command
	entries  []entry
	records  []Record // of the entries
	after    int64
	later    []*command
}

func (r *Registry) prepare(waiting []*command) batch {
	r.mu.Lock()
	defer r.mu.Unlock()
	b := batch{after: r.next}
	ids := &allocation{state: r.state}
	written := map[string]bool{}
	bytes := 0
	for i, c := range waiting {
		switch {
		case c.wasSeen(): // after an append of which nobody knew whether it went well
			c.done <- nil
			continue
		case c.ctx.Err() != nil: // nobody waits for it any more
			delete(r.under, c.by)
			continue
		case len(b.commands) == maxBatch || bytes > maxBatchBytes:
			b.later = append(b.later, waiting[i:]...)
			return b
		case !r.holds(c):
			c.done <- errStale
			continue
		case c.collides(written), len(b.commands) > 0 && (c.alone || b.commands[0].alone):
			b.later = append(b.later, c)
			continue
		}
		entries, err := c.entries(c.by, ids)
		if err != nil {
			c.done <- err
			continue
		}
		for _, e := range entries {
			record := e.record()
			bytes += len(record.Key) + len(record.Value)
			b.records = append(b.records, record)
		}
		for _, name := range c.writes {
			written[name] = true
		}
		b.commands = append(b.commands, c)
		b.entries = append(b.entries, entries...)
		r.under[c.by] = c
	}
	return b
}

func (c *command) wasSeen() bool {
	select {
	case <-c.seen:
		return true
	default:
		return false
	}
}

func (r *Registry) holds(c *command) bool {
	for name, at := range c.reads {
		if r.state.revisions[name] != at {
			return false
		}
	}
	return true
}

// collides reports whether the command rests on what is changed before it in the same batch.
func (c *command) collides(written map[string]bool) bool {
	for name := range c.reads {
		if written[name] {
			return true
		}
	}
	return false
}

// append writes a batch and returns when the node knows it. It returns the commands that are to be tried again.
func (r *Registry) append(ctx context.Context, b batch) []*command {
	patience, cancel := context.WithTimeout(ctx, appendPatience)
	defer cancel()
	first, err := r.log.Append(patience, b.after, b.records)
	var moved *MovedError
	switch {
	case errors.As(err, &moved):
		err = r.await(ctx, moved.End)
	case err == nil && first == b.after:
		r.know(first, b.entries)
	case err == nil: // something stands between, which Follow brings first
		for _, c := range b.commands {
			select {
			case <-c.seen:
			case <-ctx.Done():
			}
		}
	default:
		r.slog.Warn("schemas cannot be written, trying again", "err", err)
		select {
		case <-time.After(retryAfter):
		case <-ctx.Done():
		}
	}
	return r.settle(b.commands, err == nil || moved != nil)
}

// know takes in entries that stand in the log from first on, one behind the other, directly behind what the node knows: they
// need not be read back. Follow may have brought some of them meanwhile. Where they take several batches of the log's and a
// marker came between, first+i is too low for the last of them, which Follow then brings again: nothing was written behind
// them, so that they say nothing new.
func (r *Registry) know(first int64, entries []entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, e := range entries {
		if first+int64(i) >= r.next {
			r.take(e)
		}
	}
	r.reach(first + int64(len(entries)))
}

// appendPatience bounds one attempt to append; whoever waits for it gives up earlier.
const appendPatience = 30 * time.Second

// settle answers the commands that were seen in the log and returns the others. certain says that the others are not in the log.
func (r *Registry) settle(commands []*command, certain bool) []*command {
	r.mu.Lock()
	defer r.mu.Unlock()
	var again []*command
	for _, c := range commands {
		if c.wasSeen() {
			c.done <- nil
			continue
		}
		if certain {
			delete(r.under, c.by)
		}
		again = append(again, c)
	}
	return again
}

// await returns when the log is read up to a place.
func (r *Registry) await(ctx context.Context, end int64) error {
	for {
		r.mu.RLock()
		next, moved := r.next, r.moved
		r.mu.RUnlock()
		if next >= end {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// allocation gives ids for the entries of one batch.
type allocation struct {
	state *state
	next  map[string]int32
	given map[string]map[digest]int32
}

// id is that of a schema in a context: the one that it has, or a new one.
func (a *allocation) id(context string, d digest) (id int32, isNew bool) {
	sp := a.state.space(context)
	if id, ok := sp.digests[d]; ok {
		return id, false
	}
	if id, ok := a.given[context][d]; ok {
		return id, false
	}
	if a.next == nil {
		a.next, a.given = map[string]int32{}, map[string]map[digest]int32{}
	}
	if a.given[context] == nil {
		a.next[context], a.given[context] = sp.next, map[digest]int32{}
	}
	id = a.next[context]
	a.next[context]++
	a.given[context][d] = id
	return id, true
}
