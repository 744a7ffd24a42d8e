package alerts

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/pipeline"
)

// clockwork is a watch whose time the test moves.
type clockwork struct {
	t   *testing.T
	w   *watch
	now time.Time
}

func newClockwork(t *testing.T, change func(*Rules)) *clockwork {
	t.Helper()
	r := DefaultRules()
	if change != nil {
		change(&r)
	}
	return &clockwork{t, newWatch(r), time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)}
}

// pass looks every ten seconds for a while, and returns what was told: "status event where".
func (c *clockwork) pass(d time.Duration, loop func() Loop) (told []string) {
	c.t.Helper()
	for end := c.now.Add(d); c.now.Before(end); c.now = c.now.Add(10 * time.Second) {
		s := Sample{Loops: []Loop{loop()}}
		for _, n := range c.w.look(c.now, &s) {
			told = append(told, fmt.Sprintf("%s %s %s", n.Status, n.Event, n.Where))
			if n.VI.What == "" || n.EN.What == "" || n.Status != Resolved && (n.VI.Do == "" || n.EN.Do == "") {
				c.t.Errorf("a notice says too little: %+v", n)
			}
		}
	}
	return told
}

func well() Loop {
	return Loop{Where: "source hotich", State: pipeline.StateRunning, Retained: 1 << 20, Letters: map[string]int64{"publish.khaisinh": 3}}
}

// TestToldOnceRepeatedResolved is the life of a trouble as its target hears of it.
func TestToldOnceRepeatedResolved(t *testing.T) {
	many := func() Loop {
		l := well()
		l.Letters["publish.khaisinh"] = 101
		return l
	}
	c := newClockwork(t, nil)
	told := c.pass(10*time.Minute, well)
	told = append(told, c.pass(2*time.Hour+5*time.Minute, many)...)
	told = append(told, c.pass(10*time.Minute, well)...)
	want := []string{
		"firing letters publish.khaisinh", "repeated letters publish.khaisinh", "repeated letters publish.khaisinh", "resolved letters publish.khaisinh",
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	c = newClockwork(t, func(r *Rules) { r.Repeat, r.Resolved = 0, false })
	told = append(c.pass(5*time.Hour, many), c.pass(10*time.Minute, well)...)
	if diff := cmp.Diff(want[:1], told); diff != "" {
		t.Errorf("never repeated nor resolved (-want +got):\n%s", diff)
	}
	c = newClockwork(t, func(r *Rules) { r.On = []Event{Gap, Stopped} })
	if told := c.pass(time.Hour, many); told != nil {
		t.Errorf("nobody asked for %v", told)
	}
}

// TestWhatComesAndGoes: a moment above a bound is told to nobody, and what comes and goes is one trouble.
func TestWhatComesAndGoes(t *testing.T) {
	n := 0
	flutter := func(period, high int) func() Loop {
		return func() Loop {
			l := well()
			if n++; n%period < high {
				l.Letters["publish.khaisinh"] = 500
			}
			return l
		}
	}
	c := newClockwork(t, nil)
	if told := c.pass(time.Hour, flutter(6, 2)); told != nil { // 20 s of every minute
		t.Errorf("a moment was told: %v", told)
	}
	c = newClockwork(t, nil)
	if told := c.pass(50*time.Minute, flutter(9, 5)); len(told) != 1 { // 50 s, then 40 s not
		t.Errorf("what comes and goes was told as %v, want once", told)
	}
}

// TestFailuresAreNamed: a loop that has stopped for good is told at once, by what stopped it.
func TestFailuresAreNamed(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want string
	}{
		{&adapters.GapError{Source: "hotich"}, "firing gap source hotich"},
		{&pipeline.BusGapError{Source: "hotich"}, "firing gap source hotich"},
		{&pipeline.DeliveryGapError{}, "firing gap source hotich"},
		{&adapters.DivergenceError{Source: "hotich"}, "firing divergence source hotich"},
		{fmt.Errorf("publish: %w", &pipeline.BudgetError{Pipeline: "khaisinh"}), "firing budget publish.khaisinh"},
		{pipeline.ErrTakenOver, "firing stopped source hotich"},
		{errors.New("anything"), "firing stopped source hotich"},
	} {
		c := newClockwork(t, nil)
		told := c.pass(time.Second, func() Loop {
			l := well()
			l.State, l.Err = pipeline.StateFailed, tc.err
			return l
		})
		if !slices.Equal(told, []string{tc.want}) {
			t.Errorf("%v is told as %v, want %s", tc.err, told, tc.want)
		}
	}
}

// TestStaleAndLag: what matters is work that is not done, not how long nothing happened.
func TestStaleAndLag(t *testing.T) {
	tick := int64(0)
	for _, tc := range []struct {
		name string
		loop func(c *clockwork) Loop
		want []string
	}{
		{"idle all day", func(*clockwork) Loop { return well() }, nil},
		{"busy all day", func(c *clockwork) Loop {
			l := well()
			tick++
			l.Progress, l.Pending, l.Oldest = tick, true, c.now.Add(-time.Second)
			return l
		}, nil},
		{"nothing moves", func(*clockwork) Loop {
			l := well()
			l.Pending = true
			return l
		}, []string{"firing stale source hotich"}},
		{"the server is away", func(*clockwork) Loop {
			l := well()
			l.State, l.Err = pipeline.StateRetrying, errors.New("away")
			return l
		}, []string{"firing stale source hotich"}},
		{"the log grows and nobody reads it", func(*clockwork) Loop {
			l := well()
			tick++
			l.Retained += tick * 100 << 10
			return l
		}, []string{"firing stale source hotich"}},
		{"moves and does not catch up", func(c *clockwork) Loop {
			l := well()
			tick++
			l.Progress, l.Pending, l.Oldest = tick, true, c.now.Add(-20*time.Minute)
			return l
		}, []string{"firing lag source hotich"}},
		{"a delivery always behind", func(*clockwork) Loop {
			tick++
			return Loop{Where: "subscribe.tre_em", State: pipeline.StateRunning, Pending: true, Progress: tick, Retained: -1}
		}, []string{"firing lag subscribe.tre_em"}},
		{"much log is kept, by a reader that is away now and then", func(*clockwork) Loop {
			l := well()
			tick++
			l.Progress, l.Retained = tick, 11<<30
			if tick%20 > 10 {
				l.State, l.Retained = pipeline.StateStarting, -1
			}
			return l
		}, []string{"firing retained source hotich"}},
		{"paused by a person, and much log is kept meanwhile", func(*clockwork) Loop {
			l := well()
			l.State, l.Pending, l.Retained = pipeline.StatePaused, true, 11<<30
			return l
		}, []string{"firing retained source hotich"}},
		{"stopped by a person", func(*clockwork) Loop {
			l := well()
			l.State, l.Pending = pipeline.StateStopped, true
			return l
		}, nil},
		{"another node reads, after this one had much log kept and was behind", func(c *clockwork) Loop {
			l := well()
			tick++
			l.Progress, l.Retained = tick, 9<<30
			if tick > 3 {
				l.State, l.Retained = pipeline.StateStandby, -1
			}
			return l
		}, nil},
	} {
		c := newClockwork(t, nil)
		tick = 0
		if diff := cmp.Diff(tc.want, c.pass(50*time.Minute, func() Loop { return tc.loop(c) })); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
	// The first change after a quiet night is not behind by a night.
	c := newClockwork(t, nil)
	told := c.pass(10*time.Hour, well)
	night := c.now
	told = append(told, c.pass(10*time.Second, func() Loop {
		l := well()
		l.Pending, l.Oldest = true, night.Add(-10*time.Hour)
		return l
	})...)
	if told = append(told, c.pass(time.Hour, well)...); told != nil {
		t.Errorf("after a quiet night: %v", told)
	}
}

// TestNoticeIsSealed: a notice says all in one line, and what is sent again is known by its id.
func TestNoticeIsSealed(t *testing.T) {
	n := Notice{Status: Firing, Event: Gap, Where: "source hotich", Agency: "H44.15", VI: Text{"Thiếu.", "Đọc lại."}, EN: Text{"Missing.", "Read again."}}
	n.seal()
	if n.Text != "[truc H44.15] FIRING gap source hotich: Thiếu. Đọc lại. / Missing. Read again." || !strings.HasPrefix(n.ID, "truc_") || strings.Contains(n.ID, ".") {
		t.Errorf("%+v", n)
	}
	other := n
	other.Where = "source cu"
	if other.seal(); other.ID == n.ID {
		t.Error("two notices have one id")
	}
}
