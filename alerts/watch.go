package alerts

import (
	"slices"
	"strings"
	"time"
)

const (
	// confirm is how long a fact must hold before it is told, unless it is sure: what mends itself is nobody's trouble.
	confirm = 30 * time.Second
	// settle is how long it must be gone before that is told: what comes and goes is one trouble.
	settle = time.Minute
)

// watch turns facts, which hold or do not, into notices: one when a fact begins to hold, one now and then while it does, one
// when it is over. It belongs to one target and reads no clock of its own.
type watch struct {
	rules    Rules
	moves    map[string]*movement
	troubles map[trouble]*course
}

// trouble names what notices are about.
type trouble struct {
	event Event
	where string
}

// course is how a trouble has gone so far.
type course struct {
	fact
	since, held time.Time
	told        time.Time // when the last notice was made; zero before the first
	count       int
}

func newWatch(r Rules) *watch {
	return &watch{rules: r, moves: map[string]*movement{}, troubles: map[trouble]*course{}}
}

// look compares a sample with what was known before and returns what is to be told.
func (w *watch) look(now time.Time, s *Sample) []Notice {
	for i := range s.Loops {
		l := &s.Loops[i]
		m := w.moves[l.Where]
		if m == nil {
			m = &movement{progress: l.Progress, retained: -1, kept: -1}
			w.moves[l.Where] = m
		}
		m.note(now, l)
		for _, f := range w.rules.facts(now, l, m) {
			w.hold(now, f)
		}
	}
	var out []Notice
	for t, c := range w.troubles {
		switch over := !c.held.Equal(now); {
		case over && c.told.IsZero():
			delete(w.troubles, t) // it was never told, so nobody needs to hear of its end
		case over && now.Sub(c.held) < settle:
		case over:
			delete(w.troubles, t)
			if w.rules.Resolved {
				out = append(out, c.notice(Resolved, now))
			}
		case c.told.IsZero() && !c.sure && now.Sub(c.began()) < confirm:
		case c.told.IsZero():
			out = append(out, c.notice(Firing, now))
		case w.rules.Repeat > 0 && now.Sub(c.told) >= w.rules.Repeat:
			out = append(out, c.notice(Repeated, now))
		}
	}
	slices.SortFunc(out, func(a, b Notice) int { return strings.Compare(a.Where+string(a.Event), b.Where+string(b.Event)) })
	return out
}

// hold notes that a fact holds now.
func (w *watch) hold(now time.Time, f fact) {
	if len(w.rules.On) > 0 && !slices.Contains(w.rules.On, f.event) {
		return
	}
	t := trouble{f.event, f.where}
	c := w.troubles[t]
	if c == nil {
		c = &course{since: now}
		w.troubles[t] = c
	}
	c.fact, c.held = f, now
}

// began is when the trouble began: what took its time to be one began earlier than it was seen.
func (c *course) began() time.Time {
	if !c.fact.since.IsZero() && c.fact.since.Before(c.since) {
		return c.fact.since
	}
	return c.since
}

func (c *course) notice(s Status, now time.Time) Notice {
	c.count++
	c.told = now
	n := Notice{Status: s, Event: c.event, Where: c.where, Since: c.began().UTC(), Time: now.UTC(), Count: c.count, VI: c.vi, EN: c.en, Detail: c.detail}
	if s == Resolved {
		n.VI, n.EN, n.Detail = Text{What: "Đã trở lại bình thường."}, Text{What: "It is well again."}, ""
	}
	return n
}
