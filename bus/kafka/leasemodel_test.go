package kafka

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	kafkago "github.com/segmentio/kafka-go"
)

// modelGroup is a consumer group as a broker keeps it: its first member waits for others, all join anew when somebody comes
// or goes, the first of them assigns, whoever is silent is given up.
type modelGroup struct {
	mu         sync.Mutex
	wait       time.Duration // of the first member, for others
	members    map[string]*modelMember
	pending    map[string]string // ids that were given out, with their client ids
	order      []string
	generation int32
	leader     string
	state      string // "empty", "joining", "syncing", "stable"
	deadline   time.Time
	next       int
}

type modelMember struct {
	id, clientID         string
	metadata, assignment []byte
	joined               bool // in the generation that is being made
	waiting              bool // for the end of a join
	answer               *joined
	session              time.Duration
	seen                 time.Time
}

func newModelGroup(wait time.Duration) *modelGroup {
	return &modelGroup{wait: wait, members: map[string]*modelMember{}, pending: map[string]string{}, state: "empty"}
}

// step lets time have its effects. It is called under mu.
func (g *modelGroup) step() {
	for _, id := range slices.Clone(g.order) {
		if m := g.members[id]; !m.waiting && time.Since(m.seen) > m.session {
			g.remove(id)
		}
	}
	if g.state != "joining" {
		return
	}
	late := time.Now().After(g.deadline)
	all := !slices.ContainsFunc(g.order, func(id string) bool { return !g.members[id].joined })
	if first := g.generation == 0 || g.leader == ""; first && !late || !all && !late {
		return
	}
	for _, id := range slices.Clone(g.order) {
		if !g.members[id].joined {
			g.drop(id)
		}
	}
	g.generation++
	g.state = "syncing"
	if _, ok := g.members[g.leader]; !ok && len(g.order) > 0 {
		g.leader = g.order[0]
	}
	for _, m := range g.members {
		m.joined, m.waiting, m.assignment, m.seen = false, false, nil, time.Now()
		m.answer = &joined{generation: g.generation, leader: g.leader, member: m.id}
	}
	if leader := g.members[g.leader]; leader != nil {
		for _, o := range g.order {
			leader.answer.members = append(leader.answer.members, joinedMember{o, g.members[o].metadata})
		}
	}
}

func (g *modelGroup) drop(id string) {
	delete(g.members, id)
	g.order = slices.DeleteFunc(g.order, func(o string) bool { return o == id })
	if g.leader == id {
		g.leader = "gone"
	}
	if len(g.order) == 0 {
		g.state, g.leader = "empty", ""
	}
}

func (g *modelGroup) remove(id string) {
	if g.drop(id); g.state != "empty" {
		g.prepare()
	}
}

func (g *modelGroup) prepare() {
	switch g.state {
	case "joining":
	case "empty":
		g.state, g.deadline = "joining", time.Now().Add(g.wait)
	default:
		g.state, g.deadline = "joining", time.Now().Add(6*time.Second)
	}
}

// until calls is under mu, again and again, until it says that it is done.
func (g *modelGroup) until(ctx context.Context, is func() bool) error {
	for {
		g.mu.Lock()
		g.step()
		done := is()
		g.mu.Unlock()
		if done {
			return nil
		}
		if err := pause(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
}

// link is the connection of one process to the group. While the process is frozen it neither sends nor receives.
type link struct {
	group    *modelGroup
	clientID string
	mu       sync.Mutex
	thaw     chan struct{} // nil: not frozen
}

func (k *link) freeze() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.thaw = make(chan struct{})
}

func (k *link) unfreeze() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.thaw != nil {
		close(k.thaw)
	}
	k.thaw = nil
}

func (k *link) alive(ctx context.Context) error {
	k.mu.Lock()
	thaw := k.thaw
	k.mu.Unlock()
	if thaw == nil {
		return ctx.Err()
	}
	select {
	case <-thaw:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// call is a request and its answer, each a moment on its way.
func (k *link) call(ctx context.Context, is func() bool) error {
	if err := k.alive(ctx); err != nil {
		return err
	}
	if err := pause(ctx, time.Duration(1+rand.IntN(5))*time.Millisecond); err != nil {
		return err
	}
	if err := k.group.until(ctx, is); err != nil {
		return err
	}
	return k.alive(ctx)
}

func (k *link) join(ctx context.Context, id, _ string, metadata []byte, session, _ time.Duration) (j joined, err error) {
	g := k.group
	first := true
	lost := k.call(ctx, func() bool {
		m := g.members[id]
		switch {
		case first && id == "":
			g.next++
			j.member, err = fmt.Sprintf("%s-%x-%d", k.clientID, rand.Uint32(), g.next), kafkago.MemberIDRequired
			g.pending[j.member] = k.clientID
			return true
		case first && m == nil && g.pending[id] == "":
			err = kafkago.UnknownMemberId
			return true
		case first:
			g.prepare()
			if m == nil {
				delete(g.pending, id)
				m = &modelMember{id: id, clientID: k.clientID}
				g.members[id] = m
				g.order = append(g.order, id)
			}
			m.answer = nil
			m.metadata, m.joined, m.waiting, m.session, m.seen = metadata, true, true, session, time.Now()
			first = false
			return false
		case m == nil:
			err = kafkago.UnknownMemberId
			return true
		case m.answer == nil:
			return false
		}
		j, m.answer = *m.answer, nil
		return true
	})
	if lost != nil {
		return joined{}, lost
	}
	return j, err
}

func (k *link) sync(ctx context.Context, generation int32, id string, assignments map[string][]byte, _ time.Duration) (mine []byte, err error) {
	g := k.group
	lost := k.call(ctx, func() bool {
		switch {
		case g.members[id] == nil:
			err = kafkago.UnknownMemberId
			return true
		case g.state == "joining" || g.generation != generation:
			err = kafkago.RebalanceInProgress
			return true
		case g.state == "syncing" && assignments != nil:
			for o, a := range assignments {
				if m := g.members[o]; m != nil {
					m.assignment = a
				}
			}
			g.state = "stable"
		case g.state == "syncing":
			return false
		}
		g.members[id].seen = time.Now()
		mine = g.members[id].assignment
		return true
	})
	if lost != nil {
		return nil, lost
	}
	return mine, err
}

func (k *link) heartbeat(ctx context.Context, generation int32, id string, _ time.Duration) (err error) {
	g := k.group
	lost := k.call(ctx, func() bool {
		m := g.members[id]
		switch {
		case m == nil:
			err = kafkago.UnknownMemberId
			return true
		case g.generation != generation:
			err = kafkago.IllegalGeneration
			return true
		case g.state == "joining":
			err = kafkago.RebalanceInProgress
		}
		m.seen = time.Now()
		return true
	})
	if lost != nil {
		return lost
	}
	return err
}

func (k *link) leave(ctx context.Context, id string) error {
	return k.call(ctx, func() bool {
		if k.group.members[id] != nil {
			k.group.remove(id)
		}
		return true
	})
}

func (k *link) members(ctx context.Context) (out []groupMember, err error) {
	err = k.call(ctx, func() bool {
		for _, id := range k.group.order {
			m := k.group.members[id]
			out = append(out, groupMember{id, m.clientID, m.assignment})
		}
		return true
	})
	return out, err
}

// modelNode is a process with a reader, as far as the lease goes.
type modelNode struct {
	name  string
	lease *Lease
	link  *link
	stop  func()

	mu       sync.Mutex
	holds    bool
	holder   string // while it stands by
	since    time.Time
	frozen   time.Time // when it was last frozen
	assigned time.Time // since when the group has given it what it holds; zero: not yet
	peers    func() []*modelNode
	trouble  []string
}

func (g *modelGroup) start(name string, gone func(string) bool, peers func() []*modelNode) *modelNode {
	self := Instance{Host: name, PID: 1}
	c := &Client{cfg: Config{}}
	n := &modelNode{name: name, link: &link{group: g, clientID: self.String()}, peers: peers}
	n.lease = c.NewLease(LeaseConfig{Group: "g", Topic: "t", Self: self, Log: discard()})
	n.lease.coordinator = n.link
	n.lease.gone = gone
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = n.lease.Run(ctx) })
	wg.Go(func() { n.work(ctx) })
	n.stop = func() { cancel(); wg.Wait() }
	return n
}

// work holds the lease whenever it can, and watches what must never happen.
func (n *modelNode) work(ctx context.Context) {
	for {
		held, _, err := n.lease.Hold(ctx, func(holder string) {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.holder = holder
		})
		if err != nil {
			return
		}
		var robbed []string
		for _, p := range n.peers() {
			if since, ok := p.sees(); p != n && ok && time.Since(since) > time.Second {
				robbed = append(robbed, fmt.Sprintf("%s begins while %s holds the lease by the group's word", n.name, p.name))
			}
		}
		n.mu.Lock()
		n.trouble = append(n.trouble, robbed...)
		n.holds, n.since, n.holder, n.assigned = true, time.Now(), "", time.Time{}
		n.mu.Unlock()
		select {
		case <-held.Done():
		case <-ctx.Done():
		}
		n.mu.Lock()
		n.holds = false
		if ctx.Err() == nil && !n.assigned.IsZero() && n.frozen.Before(n.since) {
			n.trouble = append(n.trouble, fmt.Sprintf("%s had the lease of the group, was always there, and lost it after %s", n.name, time.Since(n.since)))
		}
		n.mu.Unlock()
	}
}

// sees returns since when the node holds the lease by the group's word, and whether it does and has heard so lately.
func (n *modelNode) sees() (since time.Time, ok bool) {
	l := n.lease
	l.mu.Lock()
	defer l.mu.Unlock()
	n.mu.Lock()
	defer n.mu.Unlock()
	if l.held != nil && l.assigned != 0 && n.assigned.IsZero() {
		n.assigned = time.Now()
	}
	return n.assigned, l.held != nil && l.assigned != 0 && l.certain()
}

// TestLeaseModel starts, kills, freezes, thaws and ends nodes at random, and checks that at no time two hold the lease by the
// group's word, that no node loses it that was always there, and that soon after each event one holds it and the others
// know which.
func TestLeaseModel(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { leaseModel(t, rand.New(rand.NewPCG(seed, 0))) })
		})
	}
}

func leaseModel(t *testing.T, rng *rand.Rand) {
	g := newModelGroup(time.Duration(rng.IntN(2)) * 3 * time.Second)
	var alive, all []*modelNode
	var mu sync.Mutex
	peers := func() []*modelNode {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(alive)
	}
	remove := func(n *modelNode) {
		mu.Lock()
		defer mu.Unlock()
		alive = slices.DeleteFunc(alive, func(o *modelNode) bool { return o == n })
	}
	killed := map[string]bool{} // client ids of processes that have ended, as their machine knows
	gone := func(id string) bool { return killed[id] }
	frozen := map[*modelNode]bool{}
	started := 0
	var log []string
	note := func(format string, args ...any) { log = append(log, fmt.Sprintf(format, args...)) }
	watch := func(d time.Duration) {
		for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			var by []string
			for _, n := range alive {
				if _, ok := n.sees(); ok {
					by = append(by, n.name)
				}
			}
			if len(by) > 1 {
				t.Errorf("%s all hold the lease by the group's word\n%s", by, strings.Join(log, "\n"))
				return
			}
		}
	}
	for range 12 {
		var n *modelNode
		if len(alive) > 0 {
			n = alive[rng.IntN(len(alive))]
		}
		switch event := rng.IntN(6); {
		case n == nil || event == 0 && len(alive) < 4:
			for range 1 + rng.IntN(2) {
				started++
				n = g.start(fmt.Sprintf("n%d", started), gone, peers)
				mu.Lock()
				alive, all = append(alive, n), append(all, n)
				mu.Unlock()
				note("start %s", n.name)
			}
		case event == 1: // kill -9: nothing more is heard of it
			note("kill %s", n.name)
			n.link.freeze()
			remove(n)
			if rng.IntN(2) == 0 {
				killed[n.link.clientID] = true
			}
		case event == 2:
			note("end %s", n.name)
			n.link.unfreeze()
			n.stop()
			remove(n)
		default:
			if frozen[n] {
				note("thaw %s", n.name)
				n.link.unfreeze()
			} else {
				note("freeze %s", n.name)
				n.mu.Lock()
				n.frozen = time.Now()
				n.mu.Unlock()
				n.link.freeze()
			}
			frozen[n] = !frozen[n]
		}
		if rng.IntN(3) > 0 {
			watch(time.Duration(rng.IntN(9000)) * time.Millisecond) // the next event comes in the middle of this one's effects
			continue
		}
		// The silence of one is noticed in 6 s, that of the one that was to assign in another 6, and so on.
		watch(30 * time.Second)
		var holders, waiting []*modelNode
		for _, n := range alive {
			if frozen[n] {
				continue
			}
			n.mu.Lock()
			switch {
			case n.holds:
				holders = append(holders, n)
			default:
				waiting = append(waiting, n)
			}
			n.mu.Unlock()
		}
		if len(holders) != min(1, len(holders)+len(waiting)) {
			t.Errorf("%d hold the lease, %d wait\n%s", len(holders), len(waiting), strings.Join(log, "\n"))
		}
		for _, n := range waiting {
			n.mu.Lock()
			holder := n.holder
			n.mu.Unlock()
			if len(holders) == 1 && holder != holders[0].lease.cfg.Self.Name() {
				t.Errorf("%s waits for %q, and %s holds the lease\n%s", n.name, holder, holders[0].name, strings.Join(log, "\n"))
			}
		}
	}
	for _, n := range all {
		n.link.unfreeze()
		n.stop()
		for _, what := range n.trouble {
			t.Errorf("%s\n%s", what, strings.Join(log, "\n"))
		}
	}
}
