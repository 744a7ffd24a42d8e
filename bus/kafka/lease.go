package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	kafkago "github.com/segmentio/kafka-go"
)

// LeaseConfig configures NewLease.
type LeaseConfig struct {
	// Group names the consumer group whose members share the lease.
	Group string
	// Topic is what the group subscribes to: whoever is given its partition 0 holds the lease. Nothing is read from it.
	Topic string
	// SessionTimeout is how long the broker waits for a silent member before it gives the lease to another; default 6 s.
	SessionTimeout time.Duration
	// Self is this process; the zero Instance means ThisInstance().
	Self Instance
	// Log defaults to the client's.
	Log *slog.Logger
}

// Lease is this process's part in a consumer group of which one member at a time may do something. It keeps two from doing
// it side by side for long, and decides which; that nothing of the earlier one lands after the later one has begun is not
// its business, but the fence's (OpenSender).
//
// Hence the start is quick: when nobody else is in the group, or only processes of this machine that have verifiably ended,
// the lease is held at once, and the group, which would make the first member wait, hears of it meanwhile.
//
// A change of the group's generation does not end the hold of a member that keeps the partition, and it does keep it: the
// member that leads a generation leaves the partition where it was.
type Lease struct {
	cfg         LeaseConfig
	coordinator leaseCoordinator
	self        string // the client id
	log         *slog.Logger
	// gone reports whether the process with a client id has certainly ended.
	gone func(clientID string) bool
	// doubted wakes the heartbeat.
	doubted chan struct{}

	// member and generation are the goroutine's of Run.
	member     string
	generation int32

	mu sync.Mutex
	// held ends when the lease is lost; nil while another holds it or nothing is known yet.
	held   context.Context //nolint:containedctx // it is the lease
	cancel context.CancelFunc
	// term counts the times this process was not a member of the group: what was begun in an earlier one may have been fenced
	// off rightly.
	term int
	// assigned is the generation in which the group gave the lease to this member; 0 when it never did, or took it away.
	assigned int32
	// confirmed is when the last request was sent whose answer confirmed all this.
	confirmed time.Time
	// doubtedAt is when somebody did not believe it any more.
	doubtedAt time.Time
	// waiting says that another holds the lease, holder which as far as is known, others how many more members there are.
	waiting bool
	holder  string
	others  int
	// trouble is what the group cannot be asked for, since troubled; nil while it answers.
	trouble  error
	troubled time.Time
	err      error
	changed  chan struct{} // closed at each change
}

// leaseCoordinator is what a lease asks of its group; coordinator is the real one.
type leaseCoordinator interface {
	join(ctx context.Context, member, protocolName string, metadata []byte, session, rebalance time.Duration) (joined, error)
	sync(ctx context.Context, generation int32, member string, assignments map[string][]byte, timeout time.Duration) ([]byte, error)
	heartbeat(ctx context.Context, generation int32, member string, timeout time.Duration) error
	leave(ctx context.Context, member string) error
	members(ctx context.Context) ([]groupMember, error)
}

// troublePatience is how long a group may not answer, because its coordinator moves or loads, before Hold tells.
const troublePatience = 2 * time.Second

// GroupError says that the coordinator does not let this process take part in a group, and never will as things are.
type GroupError struct {
	Group string
	Err   error
}

func (e *GroupError) Error() string {
	return fmt.Sprintf("take part in consumer group %q: %v; allow this user READ on the group, and let nothing else use its name", e.Group, e.Err)
}

func (e *GroupError) Unwrap() error { return e.Err }

// NewLease prepares a part in a lease; Run takes it.
func (c *Client) NewLease(cfg LeaseConfig) *Lease {
	if cfg.SessionTimeout <= 0 {
		cfg.SessionTimeout = defaultSessionTimeout
	}
	if cfg.Self == (Instance{}) {
		cfg.Self = ThisInstance()
	}
	if cfg.Log == nil {
		cfg.Log = c.log
	}
	return &Lease{
		cfg: cfg, coordinator: coordinator{c, cfg.Self.String(), cfg.Group}, self: cfg.Self.String(), log: cfg.Log.With("group", cfg.Group),
		gone: func(clientID string) bool {
			other, ok := parseInstance(clientID)
			return ok && cfg.Self.gone(other)
		},
		doubted: make(chan struct{}, 1), changed: make(chan struct{}),
	}
}

// Run takes part until ctx is done, and then leaves the group, so that another is given the lease at once. It returns early
// only with a *GroupError, which Hold returns too.
func (l *Lease) Run(ctx context.Context) error {
	defer l.depart(ctx)
	err := l.look(ctx)
	for attempt := 0; ; attempt++ {
		if err == nil {
			attempt = 0
			err = l.takePart(ctx)
		}
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, kafkago.RebalanceInProgress), errors.Is(err, kafkago.IllegalGeneration):
			err = nil // join again, as the same member
			continue
		case errors.Is(err, kafkago.UnknownMemberId), errors.Is(err, kafkago.FencedInstanceID):
			l.log.Info("the group has given this process up, it joins anew")
			l.member = ""
		case errors.Is(err, kafkago.GroupAuthorizationFailed), errors.Is(err, kafkago.InconsistentGroupProtocol):
			err = &GroupError{Group: l.cfg.Group, Err: err}
			l.set(func() { l.err = err })
			return err
		}
		if attempt == 0 {
			l.log.Debug("the group does not answer, it is asked again", "err", err)
		}
		l.fail(err)
		if pause(ctx, backoff(attempt)) != nil {
			return nil
		}
		if err = l.look(ctx); err != nil && !isRetriable(err) {
			l.log.Warn("the group's coordinator refuses to answer, it is asked again", "err", err)
		}
	}
}

// look asks who is in the group, and decides what holds until the group has: without others the lease is held.
func (l *Lease) look(ctx context.Context) error {
	asked := time.Now()
	members, err := l.coordinator.members(ctx)
	if err != nil {
		return err
	}
	others, holder := 0, ""
	for _, m := range members {
		switch {
		case m.id == l.member:
			continue
		case m.clientID == l.self, l.gone(m.clientID):
			// It would be waited for until its session is over. That it cannot be removed costs no more than that.
			if err := l.coordinator.leave(ctx, m.id); err != nil {
				l.log.Debug("a member that has ended cannot be removed", "member", m.clientID, "err", err)
			}
			continue
		}
		others++
		if mine, _ := readAllotted(m.assignment); mine || holder == "" {
			holder = m.clientID
		}
	}
	// A member that the group has given up knows nothing of what the group decided since.
	lost := l.member == ""
	l.set(func() {
		l.confirm(asked)
		l.others = others
		if lost {
			l.term++
			l.assigned = 0
		}
		switch {
		case others == 0:
			l.grant()
		case lost:
			l.revoke(holder)
		}
	})
	return nil
}

// takePart joins the group and stays in its generation until that ends.
func (l *Lease) takePart(ctx context.Context) error {
	j, err := l.join(ctx)
	if err != nil {
		return err
	}
	var assignments map[string][]byte
	if j.leader == j.member {
		assignments = l.assign(j)
	}
	asked := time.Now()
	mine, err := l.coordinator.sync(ctx, j.generation, j.member, assignments, l.cfg.SessionTimeout+requestTimeout)
	if err != nil {
		return err
	}
	l.generation = j.generation
	l.take(asked, mine)
	return l.beat(ctx)
}

func (l *Lease) join(ctx context.Context) (joined, error) {
	for {
		j, err := l.coordinator.join(ctx, l.member, leaseProtocol, subscribe(l.cfg.Topic, l.claim().encode()), l.cfg.SessionTimeout, l.cfg.SessionTimeout)
		if j.member != "" {
			l.member = j.member
		}
		if !errors.Is(err, kafkago.MemberIDRequired) {
			return j, err
		}
	}
}

// take does what the leader of the generation has decided.
func (l *Lease) take(asked time.Time, part []byte) {
	mine, text := readAllotted(part)
	note := decodeNote(text)
	l.set(func() {
		l.confirm(asked)
		l.others = max(note.Members-1, 0)
		if mine {
			l.assigned = l.generation
			l.grant()
			return
		}
		l.assigned = 0
		l.revoke(note.Holder)
	})
}

// beat keeps the membership alive. It is frequent because its answers tell that others come and go.
func (l *Lease) beat(ctx context.Context) error {
	every := time.NewTicker(l.cfg.SessionTimeout / 12)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-every.C:
		case <-l.doubted:
		}
		asked := time.Now()
		err := l.coordinator.heartbeat(ctx, l.generation, l.member, l.cfg.SessionTimeout/2)
		switch {
		case err == nil:
			l.set(func() { l.confirm(asked) })
		case isRetriable(err):
			// The broker may be restarting, and its members with their generation are still what they were.
			l.log.Debug("the heartbeat is not answered", "err", err)
			l.fail(err)
		default:
			return err
		}
	}
}

// depart leaves the group.
func (l *Lease) depart(ctx context.Context) {
	l.set(func() {
		l.revoke("")
		l.waiting = false
	})
	if l.member == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err := l.coordinator.leave(ctx, l.member); err != nil {
		l.log.Debug("the group cannot be left, it notices by itself", "err", err)
	}
}

// Hold waits until this process holds the lease and the group has lately said so. The context that it returns ends when the
// lease is lost; term is higher after this process was away from the group, in which time others may have held it. While
// another holds the lease, waiting is called with its name, perhaps more than once. When the group cannot be asked for a
// while, Hold returns why; it may be called again.
func (l *Lease) Hold(ctx context.Context, waiting func(holder string)) (held context.Context, term int, err error) {
	for {
		l.mu.Lock()
		held, term, err = l.held, l.term, l.err
		certain, others, holder, changed := l.certain(), l.waiting, l.holder, l.changed
		trouble := l.trouble
		if time.Since(l.troubled) < troublePatience {
			trouble = nil
		}
		l.mu.Unlock()
		switch {
		case err != nil:
			return nil, term, err
		case held != nil && certain:
			return held, term, nil
		case !certain && trouble != nil:
			return nil, term, fmt.Errorf("ask the consumer group that leases the source: %w", trouble)
		case others:
			waiting(holderName(holder))
		}
		select {
		case <-ctx.Done():
			return nil, term, ctx.Err()
		case <-changed:
		}
	}
}

// Certain reports whether the lease is held as far as the group has said within the session timeout. Whoever is about to
// fence others off asks this first: after a longer silence another may rightly have begun.
func (l *Lease) Certain() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.held != nil && l.certain()
}

func (l *Lease) certain() bool {
	return !l.confirmed.IsZero() && time.Since(l.confirmed) < l.cfg.SessionTimeout
}

// Doubt makes Hold wait until the group has been asked again.
func (l *Lease) Doubt() {
	l.set(func() { l.confirmed, l.doubtedAt = time.Time{}, time.Now() })
	select {
	case l.doubted <- struct{}{}:
	default:
	}
}

// Shared reports whether the group had other members when it was last heard of.
func (l *Lease) Shared() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.others > 0
}

// set changes what Hold looks at, and wakes it.
func (l *Lease) set(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
	close(l.changed)
	l.changed = make(chan struct{})
}

// confirm, grant and revoke are called by set.
func (l *Lease) confirm(asked time.Time) {
	l.trouble = nil
	if asked.After(l.doubtedAt) {
		l.confirmed = asked
	}
}

// fail notes that the group cannot be asked.
func (l *Lease) fail(err error) {
	l.set(func() {
		if l.trouble == nil {
			l.troubled = time.Now()
		}
		l.trouble = err
	})
}

func (l *Lease) grant() {
	l.waiting, l.holder = false, ""
	if l.held == nil {
		l.held, l.cancel = context.WithCancel(context.Background())
		l.log.Info("this process holds the lease")
	}
}

func (l *Lease) revoke(holder string) {
	l.waiting, l.holder = true, holder
	if l.held != nil {
		l.cancel()
		l.held, l.cancel = nil, nil
		l.log.Info("this process no longer holds the lease", "holder", holderName(holder))
	}
}

func (l *Lease) claim() claim {
	l.mu.Lock()
	defer l.mu.Unlock()
	return claim{Format: leaseFormat, Assigned: l.assigned, Holds: l.held != nil, Instance: l.self}
}

func holderName(clientID string) string {
	if i, ok := parseInstance(clientID); ok {
		return i.Name()
	}
	return clientID
}
