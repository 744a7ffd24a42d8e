package portal

import (
	"testing"
	"time"
)

func applied(n int64, latency ...uint64) Status {
	return Status{Deliveries: []Delivery{{Name: "a", Applied: n, Latency: latency}}}
}

func TestRates(t *testing.T) {
	var h history
	at := noon()
	if r := h.rates(at, applied(7))["subscribe.a"]; r.minute != 0 || len(r.steps) != 0 {
		t.Errorf("without a past: %+v", r)
	}
	for i := range int64(100) { // 10 every 5 seconds, longer than is remembered
		if !h.due(at) {
			t.Fatalf("%d: not due", i)
		}
		h.add(at, applied(i*10))
		if h.due(at.Add(samplePeriod - 1)) {
			t.Fatal("due too early")
		}
		at = at.Add(samplePeriod)
	}
	r := h.rates(at, applied(1000))["subscribe.a"]
	if r.minute != 120 || len(r.steps) != samples-1 || r.steps[0] != 10 || len(h.samples) != samples {
		t.Errorf("%d a minute, %d steps from %d samples", r.minute, len(r.steps), len(h.samples))
	}
	if r := h.rates(at, applied(3))["subscribe.a"]; r.minute != 0 {
		t.Errorf("a counter that fell: %d a minute", r.minute)
	}
	if !h.due(at.Add(-time.Hour)) {
		t.Error("after the clock was set back nothing is remembered for an hour")
	}
}

func TestWithin(t *testing.T) {
	for _, c := range []struct {
		name    string
		was, is []uint64
		want    float64
	}{
		{"none", nil, make([]uint64, 14), 0},
		{"none lately", []uint64{5, 5}, []uint64{5, 5}, 0},
		{"the last ones only", []uint64{0, 0, 1000}, []uint64{100, 0, 1000}, 0.005},
		{"95 of 100", nil, []uint64{0, 95, 5}, 0.01},
		{"94 of 100", nil, []uint64{0, 94, 6}, 0.025},
		{"beyond", nil, []uint64{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3}, -1},
	} {
		if got := within(c.was, c.is); got != c.want {
			t.Errorf("%s: %g, want %g", c.name, got, c.want)
		}
	}
}
