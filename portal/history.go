package portal

import (
	"slices"
	"time"

	"github.com/lienthong/truc/pipeline"
)

const (
	samplePeriod = 5 * time.Second
	samples      = 61 // five minutes
	lately       = time.Minute
)

// history is what the counters were during the last minutes, oldest first.
type history struct{ samples []sample }

type sample struct {
	at      time.Time
	counts  map[string]int64
	latency map[string][]uint64
}

// rate is how fast a pipeline has been lately.
type rate struct {
	minute int64   // events of the last minute, or since the node started
	steps  []int64 // events of each sample period, oldest first; at most samples-1
	// within is the number of seconds within which 95 of 100 events of the last minutes arrived, one of
	// pipeline.LatencyBounds; 0 when there were none, -1 when it is beyond all of them.
	within float64
}

func sampleOf(at time.Time, s Status) sample {
	out := sample{at: at, counts: map[string]int64{}, latency: map[string][]uint64{}}
	for _, r := range s.Readers {
		for _, p := range r.Pipelines {
			out.counts[publishKey(r.Source, p.Name)] = total(p.Published)
		}
	}
	for _, d := range s.Deliveries {
		out.counts[deliveryKey(d.Name)] = d.Applied
		out.latency[deliveryKey(d.Name)] = d.Latency
	}
	return out
}

func publishKey(source, name string) string { return "publish." + source + "." + name }
func deliveryKey(name string) string        { return "subscribe." + name }

func total(published map[string]int64) int64 {
	var n int64
	for _, v := range published {
		n += v
	}
	return n
}

// due also holds when the clock was set back.
func (h *history) due(now time.Time) bool {
	if len(h.samples) == 0 {
		return true
	}
	since := now.Sub(h.samples[len(h.samples)-1].at)
	return since >= samplePeriod || since < 0
}

func (h *history) add(at time.Time, s Status) {
	if len(h.samples) == samples {
		h.samples = slices.Delete(h.samples, 0, 1)
	}
	h.samples = append(h.samples, sampleOf(at, s))
}

// rates compares now with what was.
func (h *history) rates(now time.Time, s Status) map[string]rate {
	latest := sampleOf(now, s)
	out := make(map[string]rate, len(latest.counts))
	for key, count := range latest.counts {
		r := rate{minute: count - h.before(now, key, count)}
		for i := 1; i < len(h.samples); i++ {
			r.steps = append(r.steps, max(h.samples[i].counts[key]-h.samples[i-1].counts[key], 0))
		}
		var was []uint64
		if len(h.samples) > 0 {
			was = h.samples[0].latency[key]
		}
		r.within = within(was, latest.latency[key])
		out[key] = r
	}
	return out
}

// before returns what a counter was a minute ago, or first.
func (h *history) before(now time.Time, key string, count int64) int64 {
	for i := range h.samples {
		if now.Sub(h.samples[i].at) <= lately {
			return min(h.samples[i].counts[key], count)
		}
	}
	return count
}

// within returns the bound below which 95 of 100 of the events between two histograms were.
func within(was, is []uint64) float64 {
	var all uint64
	grown := slices.Clone(is)
	for i := range grown {
		if i < len(was) {
			grown[i] -= min(was[i], grown[i])
		}
		all += grown[i]
	}
	if all == 0 {
		return 0
	}
	var sum uint64
	for i, n := range grown {
		sum += n
		if sum*100 >= all*95 && i < len(pipeline.LatencyBounds) {
			return pipeline.LatencyBounds[i]
		}
	}
	return -1
}
