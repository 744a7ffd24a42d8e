package portal

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lienthong/truc/pipeline"
)

// collector turns the live counters into Prometheus metrics when it is asked, so that the loops know nothing of metrics.
type collector struct {
	node *Node

	ready, paused, standby, replaying, records, published, skipped, filtered, letters, openLetters, resolved, remarks *prometheus.Desc
	lagSeconds, lagEvents, retained, events, applied, parked, latency, busBytes, registryReady, subjects              *prometheus.Desc
}

func newCollector(n *Node) *collector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("truc_"+name, help, labels, nil)
	}
	return &collector{
		node:        n,
		ready:       desc("pipeline_ready", "1 while the pipeline runs.", "pipeline"),
		paused:      desc("pipeline_paused_timestamp_seconds", "Since when a person has paused the pipeline (Unix time); absent while it is not paused.", "pipeline"),
		standby:     desc("source_standby", "1 while another node reads the source and this one stands by.", "source"),
		replaying:   desc("delivery_replaying", "1 while a replay is under way.", "pipeline"),
		records:     desc("source_records_total", "Row changes read from the source.", "source"),
		published:   desc("published_events_total", "Events published, by operation.", "pipeline", "op"),
		skipped:     desc("published_skipped_total", "Events the source sent again that were on the topic already.", "pipeline"),
		filtered:    desc("filtered_rows_total", "Rows outside the mapping's filter.", "pipeline"),
		letters:     desc("dead_letters_total", "Dead letters written, by reason.", "pipeline", "reason"),
		openLetters: desc("dead_letters_open", "Dead letters that nothing has resolved.", "pipeline"),
		resolved:    desc("dead_letters_resolved_total", "Dead letters resolved.", "pipeline"),
		remarks:     desc("remarks_total", "Remarks on published documents.", "pipeline", "field", "group", "rule"),
		lagSeconds:  desc("source_lag_seconds", "Age of the oldest change that was read and is not acknowledged.", "source"),
		lagEvents:   desc("delivery_lag_events", "Events on the topics that were not read yet.", "pipeline"),
		retained:    desc("source_retained_bytes", "Log the source holds back for truc.", "source"),
		events:      desc("delivery_events_total", "Events read by a delivery.", "pipeline"),
		applied:     desc("delivery_applied_total", "Events committed at the sink.", "pipeline"),
		parked:      desc("delivery_parked", "Changes that wait for others because of a unique or foreign key.", "pipeline"),
		latency:     desc("delivery_latency_seconds", "From commit at the source to commit at the sink.", "pipeline"),
		busBytes:    desc("bus_embedded_bytes", "Disk space of the embedded bus, which is never compacted."),

		registryReady: desc("registry_ready", "1 while the schema registry of the node answers; absent where it serves none."),
		subjects:      desc("registry_subjects", "Subjects of the schema registry of the node."),
	}
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		c.ready, c.paused, c.standby, c.replaying, c.records, c.published, c.skipped, c.filtered, c.letters, c.openLetters, c.resolved, c.remarks,
		c.lagSeconds, c.lagEvents, c.retained, c.events, c.applied, c.parked, c.latency, c.busBytes, c.registryReady, c.subjects,
	} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	counter := func(d *prometheus.Desc, v int64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	s := c.node.status(context.Background(), true)
	if s.Bus.Bytes != nil {
		gauge(c.busBytes, float64(*s.Bus.Bytes))
	}
	if r := s.Registry; r != nil {
		gauge(c.registryReady, truth(r.State == pipeline.StateRunning))
		gauge(c.subjects, float64(r.Subjects))
	}
	for _, p := range s.Paused {
		gauge(c.paused, float64(p.Since.Unix()), p.Pipeline)
	}
	for _, r := range s.Readers {
		counter(c.records, r.Records, r.Source)
		gauge(c.lagSeconds, r.LagSeconds, r.Source)
		gauge(c.standby, truth(r.State == pipeline.StateStandby), r.Source)
		if r.RetainedBytes != nil {
			gauge(c.retained, float64(*r.RetainedBytes), r.Source)
		}
		for _, p := range r.Pipelines {
			name := "publish." + p.Name
			gauge(c.ready, truth(r.State == pipeline.StateRunning), name)
			for op, n := range p.Published {
				counter(c.published, n, name, op)
			}
			counter(c.skipped, p.Skipped, name)
			counter(c.filtered, p.Filtered, name)
			c.deadLetters(counter, gauge, name, p.DeadLetters)
			for _, m := range p.Remarks {
				counter(c.remarks, m.Count, name, m.Field, m.Group, m.Rule)
			}
		}
	}
	for i, d := range s.Deliveries {
		name := "subscribe." + d.Name
		gauge(c.ready, truth(d.State == pipeline.StateRunning), name)
		gauge(c.replaying, truth(d.Replay != nil), name)
		counter(c.events, d.Events, name)
		counter(c.applied, d.Applied, name)
		gauge(c.lagEvents, float64(d.Behind), name)
		gauge(c.parked, float64(d.Parked), name)
		c.deadLetters(counter, gauge, name, d.DeadLetters)
		ch <- c.histogram(name, c.node.Deliveries[i].Stats())
	}
}

func (c *collector) deadLetters(counter func(*prometheus.Desc, int64, ...string), gauge func(*prometheus.Desc, float64, ...string), name string, l Letters) {
	for reason, n := range l.Reasons {
		counter(c.letters, n, name, reason)
	}
	gauge(c.openLetters, float64(l.Open), name)
	counter(c.resolved, l.Resolved, name)
}

func (c *collector) histogram(name string, s *pipeline.DeliveryStats) prometheus.Metric {
	counts, sum := s.Latency()
	buckets := map[float64]uint64{}
	var total uint64
	for i, n := range counts {
		total += n
		if i < len(pipeline.LatencyBounds) {
			buckets[pipeline.LatencyBounds[i]] = total
		}
	}
	return prometheus.MustNewConstHistogram(c.latency, total, sum, buckets, name)
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
