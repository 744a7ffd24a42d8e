package registry

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"
)

// decided is a command as submit makes it.
func (s session) decided(c *command, err error) *command {
	s.t.Helper()
	if err != nil || c == nil {
		s.t.Fatalf("nothing was decided: %v", err)
	}
	c.ctx, c.done, c.seen, c.by = s.ctx(), make(chan error, 1), make(chan struct{}), "test"
	return c
}

func (s session) registering(subject, text string, refs ...Reference) *command {
	s.t.Helper()
	c, _, err := s.decideRegister(s.ctx(), ParseSubject(subject), js(text, refs...), Registration{})
	return s.decided(c, err)
}

func (s session) deleting(subject string, permanent bool) *command {
	s.t.Helper()
	s.mu.RLock()
	defer s.mu.RUnlock()
	c, _, err := s.decideDelete(ParseSubject(subject), s.state.versions(ParseSubject(subject)), permanent)
	return s.decided(c, err)
}

func TestBatches(t *testing.T) {
	for name, c := range map[string]struct {
		commands func(s session) []*command
		together int
	}{
		"two subjects": {func(s session) []*command { return []*command{s.registering("x", `{}`), s.registering("y", `{}`)} }, 2},
		"one subject":  {func(s session) []*command { return []*command{s.registering("x", `{}`), s.registering("x", `true`)} }, 1},
		"one refers, the other deletes": {func(s session) []*command {
			return []*command{s.registering("x", `{"$ref":"a"}`, Reference{"a", "a", 1}), s.deleting("a", false)}
		}, 1},
		"one deletes, the other refers": {func(s session) []*command {
			return []*command{s.deleting("a", false), s.registering("x", `{"$ref":"a"}`, Reference{"a", "a", 1})}
		}, 1},
		"two refer to the same": {func(s session) []*command {
			return []*command{s.registering("x", `{"$ref":"a"}`, Reference{"a", "a", 1}), s.registering("y", `{"items":{"$ref":"a"}}`, Reference{"a", "a", 1})}
		}, 2},
		"one uses the schema that the other forgets": {func(s session) []*command {
			return []*command{s.registering("x", closedA), s.deleting("gone", true)}
		}, 1},
		"one forgets the schema that the other uses": {func(s session) []*command {
			return []*command{s.deleting("gone", true), s.registering("x", closedA)}
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, Options{})
			s.must("a", `{"type":"string"}`, 1, 1)
			s.must("gone", closedA, 2, 1)
			if _, err := s.DeleteSubject(s.ctx(), ParseSubject("gone"), false); err != nil {
				t.Fatal(err)
			}
			commands := c.commands(s)
			b := s.prepare(commands)
			if len(b.commands) != c.together || len(b.later) != len(commands)-c.together {
				t.Errorf("%d together and %d later", len(b.commands), len(b.later))
			}
		})
	}
}

// A decision does not hold when what it rests on has changed.
func TestStale(t *testing.T) {
	for name, c := range map[string]struct {
		decide func(s session) *command
		change func(s session)
	}{
		"a version": {func(s session) *command { return s.registering("x", `{}`) }, func(s session) { s.must("x", `true`, 2, 1) }},
		"the level": {func(s session) *command { return s.registering("x", `{}`) }, func(s session) { s.level("", "NONE") }},
		"the mode": {func(s session) *command { return s.registering("x", `{}`) }, func(s session) {
			if err := s.SetMode(s.ctx(), Subject{Context: "."}, ReadOnly, false); err != nil {
				s.t.Fatal(err)
			}
		}},
		"what is referred to": {func(s session) *command { return s.registering("x", `{"$ref":"a"}`, Reference{"a", "a", 1}) }, func(s session) {
			if _, err := s.DeleteSubject(s.ctx(), ParseSubject("a"), false); err != nil {
				s.t.Fatal(err)
			}
		}},
		"who refers": {func(s session) *command { return s.deleting("a", false) }, func(s session) { s.must("x", `{"$ref":"a"}`, 2, 1, Reference{"a", "a", 1}) }},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, Options{})
			s.must("a", `{"type":"string"}`, 1, 1)
			decided := c.decide(s)
			if b := s.prepare([]*command{decided}); len(b.commands) != 1 {
				t.Fatal("the decision did not hold from the start")
			}
			c.change(s)
			if b := s.prepare([]*command{decided}); len(b.commands) != 0 {
				t.Error("the decision still holds")
			}
			if err := <-decided.done; !errors.Is(err, errStale) {
				t.Error(err)
			}
		})
	}
}

// What was read back after an append of which nobody knew whether it went well is done, and not written again.
func TestSeenMeanwhile(t *testing.T) {
	s := start(t, Options{})
	c := s.registering("a", closedA)
	close(c.seen)
	if b := s.prepare([]*command{c}); len(b.commands) != 0 {
		t.Error("written again")
	}
	if err := <-c.done; err != nil {
		t.Error(err)
	}
}

// A deletion whose acknowledgement was lost has happened, and is not told as a failure.
func TestLostAnswer(t *testing.T) {
	m := newMemory()
	r, _ := open(t, m, Options{})
	s := session{r, t}
	s.must("a", closedA, 1, 1)
	m.mu.Lock()
	m.fault = func() fault { m.fault = nil; return lostAnswer }
	m.mu.Unlock()
	if got, err := s.DeleteSubject(s.ctx(), ParseSubject("a"), false); err != nil || len(got) != 1 {
		t.Error(got, err)
	}
}

// A schema whose version did not make it into the log keeps its id.
func TestSchemaWithoutVersion(t *testing.T) {
	m := newMemory()
	lone := entry{key: key{kind: kindSchema, context: ".", number: 5}, payload: payload{Schema: []byte(`"{}"`)}}.record()
	m.records = append(m.records, &lone)
	r, _ := open(t, m, Options{})
	s := session{r, t}
	_, err := s.Schema(5, Subject{Context: "."})
	s.refused(err, 40403)
	s.must("a", closedA, 6, 1)
	s.must("b", `{}`, 5, 1)
}

// Who was just answered is waited for, if they come in time; who comes alone waits for nobody.
func TestGather(t *testing.T) {
	const soonEnough, never = 30 * time.Millisecond, time.Hour
	for name, c := range map[string]struct {
		waiting, queued, later int // later: after soonEnough, one behind the other
		expected               int
		within                 time.Duration
		want                   int
		waits                  bool
	}{
		"alone":                       {queued: 1, expected: 1, within: never, want: 1},
		"all are there":               {waiting: 1, queued: 3, expected: 4, within: never, want: 4},
		"more than expected":          {queued: 5, expected: 4, within: never, want: 5},
		"the others come":             {waiting: 1, queued: 1, later: 2, expected: 4, within: never, want: 4, waits: true},
		"all come":                    {later: 2, expected: 2, within: never, want: 2, waits: true},
		"the others do not come":      {queued: 2, expected: 4, within: soonEnough, want: 2, waits: true},
		"the time is over":            {queued: 2, later: 2, expected: 4, within: -1, want: 2},
		"nothing was expected":        {queued: 2, later: 2, want: 2},
		"the first comes much later":  {later: 1, expected: 4, within: soonEnough / 2, want: 1, waits: true},
		"no more than a batch has in": {queued: maxBatch, expected: 2 * maxBatch, within: never, want: maxBatch},
	} {
		t.Run(name, func(t *testing.T) {
			r := New(newMemory().end(), Options{})
			for range c.queued {
				r.queue <- &command{}
			}
			var coming sync.WaitGroup
			coming.Go(func() {
				for range c.later {
					time.Sleep(soonEnough)
					r.queue <- &command{}
				}
			})
			began := time.Now()
			got := r.gather(t.Context(), make([]*command, c.waiting), expected{c.expected, began.Add(c.within)})
			if took := time.Since(began); len(got) != c.want || (took >= soonEnough) != c.waits {
				t.Errorf("%d commands after %s, want %d", len(got), took, c.want)
			}
			coming.Wait()
		})
	}
}

// Programs that register one schema after the other go together, all of them in each batch.
func TestTogether(t *testing.T) {
	const clients, each = 4, 10
	m := newMemory()
	m.delay = 30 * time.Millisecond
	r := New(m.end(), Options{})
	r.gathering = time.Second
	run(t, r)
	s := session{r, t}
	s.must("first", closedA, 1, 1)
	before := m.appends
	var wg sync.WaitGroup
	for client := range clients {
		wg.Go(func() {
			for i := range each {
				if _, err := r.Register(s.ctx(), ParseSubject(fmt.Sprintf("s%d", client)), js(fmt.Sprintf(`{"title":"%d"}`, i)), Registration{}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got := m.appends - before; got > each*3/2 { // in two turns it would be each*2
		t.Errorf("%d appends for %d registrations of each client", got, each)
	}
}
