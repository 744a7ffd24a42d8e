package pipeline

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lienthong/truc/adapters"
)

// LatencyBounds are the upper bounds of the end-to-end latency histogram, in seconds.
var LatencyBounds = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600}

// DeliveryStats are the live counters of a delivery. All of it may be read at any time.
type DeliveryStats struct {
	condition
	Name, Table, Dataset string

	// Events were read; Applied were given to the sink in a committed transaction (newer or not); Deleted of them are deletions.
	Events, Applied, Deleted atomic.Int64
	Opened, Resolved, Open   atomic.Int64
	Parked, Moved            atomic.Int64
	Partitions               atomic.Int64
	// Swept are rows that a replay deleted because no topic has them; Generation is what the sink counts of replays.
	Swept      atomic.Int64
	Generation atomic.Uint32
	// Retry is how far the retry of dead letters is that runs, or ran last, in this process; nil when there was none.
	Retry atomic.Pointer[RetryResult]
	// LastApplied is when the last batch was committed (Unix nanoseconds).
	LastApplied atomic.Int64

	// own is what the node's own standards say of the end of the dataset's version, heard what events do.
	own   *Deprecation
	heard heard

	mu      sync.Mutex
	reasons map[string]int64
	latency []uint64
	sum     float64
	behind  map[adapters.TopicPartition]int64
	replay  *ReplayStatus
}

func newDeliveryStats(name, table, dataset string) *DeliveryStats {
	return &DeliveryStats{Name: name, Table: table, Dataset: dataset, reasons: map[string]int64{}, latency: make([]uint64, len(LatencyBounds)+1)}
}

// Deprecated is what the publishers' events told last of the end of the dataset's version, or else what the node's own standards
// say; nil when neither does.
func (s *DeliveryStats) Deprecated() *Deprecation {
	if d := s.heard.last.Load(); d != nil {
		return d
	}
	return s.own
}

func (s *DeliveryStats) setParts(n int) {
	s.Partitions.Store(int64(n))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.behind = map[adapters.TopicPartition]int64{}
}

func (s *DeliveryStats) setBehind(tp adapters.TopicPartition, n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.behind[tp] = n
}

// Behind is how many events the topics have that were not read yet, as of the last fetch of each partition.
func (s *DeliveryStats) Behind() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	var n int64
	for _, b := range s.behind {
		n += b
	}
	return n
}

func (s *DeliveryStats) lettered(reason string) {
	s.Opened.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reasons[reason]++
}

// Reasons returns how many letters were opened, by reason.
func (s *DeliveryStats) Reasons() map[string]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.reasons)
}

func (s *DeliveryStats) applied(events []delivery) {
	now := time.Now()
	s.Applied.Add(int64(len(events)))
	s.LastApplied.Store(now.UnixNano())
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range events {
		if events[i].change.Delete {
			s.Deleted.Add(1)
		}
		if events[i].at.IsZero() {
			continue
		}
		seconds := max(now.Sub(events[i].at).Seconds(), 0)
		s.sum += seconds
		bucket := 0
		for bucket < len(LatencyBounds) && seconds > LatencyBounds[bucket] {
			bucket++
		}
		s.latency[bucket]++
	}
}

// Latency returns the histogram from commit at the source to commit at the sink: a count for each of LatencyBounds and one
// beyond, not cumulated, and the sum in seconds.
func (s *DeliveryStats) Latency() (counts []uint64, sum float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]uint64(nil), s.latency...), s.sum
}

func (s *DeliveryStats) setGeneration(g *generation) {
	s.Generation.Store(g.number)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.replay = nil
	if g.Phase == replayRewinds || g.Phase == replayRuns {
		s.replay = &ReplayStatus{Since: g.Since, Whole: g.whole()}
	}
}

// Replay is the replay under way; nil when there is none.
func (s *DeliveryStats) Replay() *ReplayStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.replay
}
