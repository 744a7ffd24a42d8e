package portal

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/pipeline"
)

// Status is the body of /api/status and of `truc status --json`.
type Status struct {
	Version    string     `json:"version"`
	Agency     string     `json:"agency"`
	Started    time.Time  `json:"started"`
	Bus        BusStatus  `json:"bus"`
	Readers    []Reader   `json:"readers"`
	Deliveries []Delivery `json:"deliveries"`
	Registry   *Registry  `json:"registry,omitempty"`
	// NotReady names each pipeline that is not running, and why.
	NotReady []NotReady `json:"notReady,omitempty"`
	// Paused names each pipeline that a person has paused: it does not run, and that is no fault.
	Paused []Paused `json:"paused,omitempty"`
	// Standby names each pipeline whose source another node reads: this one is ready to take it over, and that is no fault.
	Standby []string `json:"standby,omitempty"`
}

// Paused is a pipeline that stands still because it was told to.
type Paused struct {
	Pipeline string    `json:"pipeline"`
	Since    time.Time `json:"since"`
}

// BusStatus describes the bus.
type BusStatus struct {
	Broker string `json:"broker"`
	// Bytes on disk, of the embedded bus only; it is never compacted.
	Bytes *int64 `json:"bytes,omitempty"`
}

// Registry is the state of the schema registry that the node serves.
type Registry struct {
	// Listen is its address, host:port.
	Listen string `json:"listen"`
	pipeline.Condition
	// Fault is as that of a Reader.
	Fault string `json:"fault,omitempty"`
	// Subjects are those with a version that was not deleted.
	Subjects int `json:"subjects"`
}

// NotReady is a pipeline that is not running.
type NotReady struct {
	Pipeline string         `json:"pipeline"`
	State    pipeline.State `json:"state"`
	Reason   string         `json:"reason,omitempty"`
}

// Reader is the state of a source reader.
type Reader struct {
	Source string `json:"source"`
	pipeline.Condition
	// Fault is a stable word for the kind of what is wrong: gap, divergence, bus-gap, budget, taken-over, refused, topic,
	// unreachable, other; empty while all is well.
	Fault   string `json:"fault,omitempty"`
	Epoch   uint32 `json:"epoch"`
	Records int64  `json:"records"`
	// LagSeconds is the age of the oldest change that was read and is not acknowledged; 0 when there is none.
	LagSeconds    float64             `json:"lagSeconds"`
	RetainedBytes *int64              `json:"retainedBytes,omitempty"`
	LastSaved     *time.Time          `json:"lastSaved,omitempty"`
	Snapshots     []adapters.Progress `json:"snapshots,omitempty"`
	// SnapshotsWaitUntil is when they go on, while it is not their hour.
	SnapshotsWaitUntil *time.Time `json:"snapshotsWaitUntil,omitempty"`
	Pipelines          []Publish  `json:"pipelines"`
}

// Publish is the state of a publishing pipeline.
type Publish struct {
	Name    string `json:"name"`
	Table   string `json:"table"`
	Topic   string `json:"topic"`
	Dataset string `json:"dataset"`
	Mapping string `json:"mapping"`
	// Changed says since when the mapping is another one; absent when no entity stems from the one before.
	Changed *pipeline.MappingChange `json:"mappingChanged,omitempty"`
	// Deprecated says that the dataset's version comes to its end; absent when it does not.
	Deprecated  *pipeline.Deprecation `json:"deprecated,omitempty"`
	Published   map[string]int64      `json:"published"`
	Skipped     int64                 `json:"skipped"`
	Filtered    int64                 `json:"filtered"`
	Swept       int64                 `json:"swept"`
	DeadLetters Letters               `json:"deadLetters"`
	Remarks     []Remark              `json:"remarks,omitempty"`
}

// Letters counts dead letters.
type Letters struct {
	Opened   int64            `json:"opened"`
	Resolved int64            `json:"resolved"`
	Open     int64            `json:"open"`
	Reasons  map[string]int64 `json:"reasons,omitempty"`
}

// Remark counts remarks of a kind.
type Remark struct {
	Field string `json:"field"`
	Group string `json:"group"`
	Rule  string `json:"rule"`
	Count int64  `json:"count"`
}

// Delivery is the state of a delivery.
type Delivery struct {
	Name string `json:"name"`
	pipeline.Condition
	// Fault is as that of a Reader; also delivery-gap.
	Fault   string `json:"fault,omitempty"`
	Table   string `json:"table"`
	Dataset string `json:"dataset"`
	// Deprecated says that the dataset's version comes to its end, as the publishers' events or the node's own standards have it.
	Deprecated  *pipeline.Deprecation `json:"deprecated,omitempty"`
	Partitions  int64                 `json:"partitions"`
	Events      int64                 `json:"events"`
	Applied     int64                 `json:"applied"`
	Behind      int64                 `json:"behind"`
	Parked      int64                 `json:"parked"`
	DeadLetters Letters               `json:"deadLetters"`
	LastApplied *time.Time            `json:"lastApplied,omitempty"`
	// Generation is how often the delivery was replayed; Replay is the one under way.
	Generation uint32                 `json:"generation"`
	Replay     *pipeline.ReplayStatus `json:"replay,omitempty"`
	// Latency counts events by pipeline.LatencyBounds, from commit at the source to commit at the sink.
	Latency []uint64 `json:"-"`
}

// Status collects the state of the node. The request bounds what is asked of the sources.
func (n *Node) Status(req *http.Request) Status { return n.status(req.Context(), true) }

// status does without what a source must be asked for unless it is to be thorough.
func (n *Node) status(ctx context.Context, thorough bool) Status {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	s := Status{Version: n.Version, Agency: n.Agency, Started: n.Started, Bus: BusStatus{Broker: n.Broker}, Readers: []Reader{}, Deliveries: []Delivery{}}
	if thorough && n.BusBytes != nil {
		if size, err := n.BusBytes(); err == nil {
			s.Bus.Bytes = &size
		}
	}
	for _, r := range n.Readers {
		out := readerStatus(ctx, r.Stats(), thorough)
		out.Error = n.redacted(out.Error)
		s.Readers = append(s.Readers, out)
		for _, p := range out.Pipelines {
			s.stands("publish."+p.Name, out.Condition)
		}
	}
	for _, d := range n.Deliveries {
		out := deliveryStatus(d.Stats())
		out.Error = n.redacted(out.Error)
		s.Deliveries = append(s.Deliveries, out)
		s.stands("subscribe."+out.Name, out.Condition)
	}
	if n.Registry != nil {
		out := n.Registry()
		out.Fault, out.Error = faultOf(out.Err()), n.redacted(out.Error)
		s.Registry = &out
		s.stands("registry", out.Condition)
	}
	return s
}

// stands notes a pipeline that does not run. One that was paused is as it should be, until that leads to harm.
func (s *Status) stands(name string, c pipeline.Condition) {
	if c.State == pipeline.StatePaused {
		s.Paused = append(s.Paused, Paused{name, c.Since})
		if c.Warning == "" {
			return
		}
	}
	if c.State == pipeline.StateStandby {
		s.Standby = append(s.Standby, name)
		return
	}
	if c.State != pipeline.StateRunning {
		s.NotReady = append(s.NotReady, NotReady{name, c.State, c.Error + c.Warning})
	}
}

func (n *Node) redacted(text string) string {
	if n.Redact == nil {
		return text
	}
	return n.Redact(text)
}

func readerStatus(ctx context.Context, s *pipeline.ReaderStats, thorough bool) Reader {
	condition := s.Condition()
	out := Reader{
		Source: s.Source, Condition: condition, Fault: faultOf(condition.Err()), Epoch: s.Epoch.Load(), Records: s.Records.Load(),
		LagSeconds: lag(s.LastChange.Load(), s.LastAcknowledged.Load()), LastSaved: instant(s.LastSaved.Load()), Snapshots: s.Progress(),
	}
	if r := s.Retention(); thorough && r != nil && out.State == pipeline.StateRunning {
		if n, err := r.RetainedBytes(ctx); err == nil && n >= 0 {
			out.RetainedBytes = &n
		}
	}
	if until := s.WaitsUntil(); !until.IsZero() && out.State == pipeline.StateRunning {
		out.SnapshotsWaitUntil = &until
	}
	if n := s.PausedRetained(); n >= 0 && out.State == pipeline.StatePaused {
		out.RetainedBytes = &n
	}
	for _, name := range slices.Sorted(maps.Keys(s.Publish)) {
		p := s.Publish[name]
		pub := Publish{
			Name: p.Name, Table: p.Table, Topic: p.Topic, Dataset: p.Dataset, Mapping: p.Mapping(), Changed: p.Changed(), Deprecated: p.Deprecated,
			Published: map[string]int64{"created": p.Created.Load(), "updated": p.Updated.Load(), "deleted": p.Deleted.Load(), "snapshot": p.Snapshot.Load()},
			Skipped:   p.Skipped.Load(), Filtered: p.Filtered.Load(), Swept: p.Swept.Load(),
			DeadLetters: Letters{p.Opened.Load(), p.Resolved.Load(), p.Open.Load(), p.Reasons()},
		}
		for r, n := range p.Remarks() {
			pub.Remarks = append(pub.Remarks, Remark{r.Field, r.Group, r.Rule, n})
		}
		slices.SortFunc(pub.Remarks, func(a, b Remark) int { return slices.Compare([]byte(a.Field+a.Rule), []byte(b.Field+b.Rule)) })
		out.Pipelines = append(out.Pipelines, pub)
	}
	return out
}

func deliveryStatus(s *pipeline.DeliveryStats) Delivery {
	condition := s.Condition()
	latency, _ := s.Latency()
	return Delivery{
		Name: s.Name, Condition: condition, Fault: faultOf(condition.Err()), Latency: latency, Table: s.Table, Dataset: s.Dataset, Deprecated: s.Deprecated(), Partitions: s.Partitions.Load(),
		Events: s.Events.Load(), Applied: s.Applied.Load(), Behind: s.Behind(), Parked: s.Parked.Load(),
		DeadLetters: Letters{s.Opened.Load(), s.Resolved.Load(), s.Open.Load(), s.Reasons()}, LastApplied: instant(s.LastApplied.Load()),
		Generation: s.Generation.Load(), Replay: s.Replay(),
	}
}

func lag(change, acknowledged int64) float64 {
	if change == acknowledged || change == 0 {
		return 0
	}
	since := acknowledged
	if since == 0 {
		since = change
	}
	return max(time.Since(time.Unix(0, since)).Seconds(), 0)
}

func instant(nanos int64) *time.Time {
	if nanos == 0 {
		return nil
	}
	t := time.Unix(0, nanos).UTC()
	return &t
}
