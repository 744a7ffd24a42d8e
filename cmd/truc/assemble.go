package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/config"
	"github.com/lienthong/truc/mapping"
	"github.com/lienthong/truc/pipeline"
	"github.com/lienthong/truc/portal"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
)

// loops are the pipelines of a node, ready to run or to be verified.
type loops struct {
	readers    []*pipeline.Reader
	deliveries []*pipeline.Delivery
	// registry is the schema registry of the node; nil when it serves none.
	registry *registryServer
	// openapi describes the node's HTTP interfaces.
	openapi []byte
}

// assemble makes the loops of a node that was built without problems. Sinks are asked for their tables, so that what is
// written has the right types; one that does not answer now is written to as the mapping alone says.
func (n *node) assemble(ctx context.Context, conn *connection) (*loops, error) {
	l := &loops{}
	for _, source := range n.config.SourceNames() {
		feeds := n.publishingOf(source)
		if len(feeds) == 0 {
			continue
		}
		cfg := pipeline.ReaderConfig{
			Agency: n.config.Agency, Source: source, Bus: pipeline.KafkaBus{Client: conn.Client},
			Open:        func() (adapters.Source, error) { return n.openSource(source) },
			Replication: n.replication(), Budget: n.budget(), Log: n.log, Pause: pauseLimit(n.config.Sources[source].Pause), Pace: n.pace(source),
		}
		if n.config.Bus.Kafka != nil { // the embedded bus has one process
			cfg.Lease = conn.NewLease(kafka.LeaseConfig{Group: pipeline.LeaseGroup(n.config.Agency, source), Topic: pipeline.RequestsTopic, Log: n.log})
		}
		for _, p := range feeds {
			cfg.Pipelines = append(cfg.Pipelines, n.pipelineOf(p))
		}
		l.readers = append(l.readers, pipeline.NewReader(cfg))
	}
	var problems problem.List
	for _, s := range n.subscribe {
		plan, found, err := n.planDelivery(ctx, s)
		if err != nil {
			return nil, err
		}
		problems = append(problems, found...)
		if found.Err() != nil {
			continue
		}
		l.deliveries = append(l.deliveries, pipeline.NewDelivery(pipeline.DeliveryConfig{
			Agency: n.config.Agency, Name: s.name, Agencies: s.Agencies, Dataset: s.dataset, Deprecated: n.endings()[s.dataset.ID()+"@"+s.dataset.Version()], Plan: plan, Client: conn.Client,
			Open: func() (adapters.Sink, error) { return n.openSink(s.Sink) },
			Replan: func(table *record.Table) (*mapping.SinkPlan, error) {
				plan, problems := mapping.CompileSink(s.mapping, s.dataset, table, n.env(""))
				return plan, problems.Err()
			},
			Generation: s.Generation, Replication: n.replication(), Log: n.log,
		}))
	}
	return l, problems.Err()
}

func pauseLimit(p config.Pause) pipeline.PauseLimit {
	return pipeline.PauseLimit{Bytes: int64(p.MaxRetained), Resume: p.Then == config.ThenResume}
}

func (n *node) pipelineOf(p publishing) pipeline.Publish {
	return pipeline.Publish{
		Name: p.name, Table: p.table, Agency: p.Agency, Topic: p.topic, Partitions: p.Partitions,
		Dataset: p.dataset, DataSchema: p.dataset.SchemaURL(n.config.Registry.URL), Mapping: p.mapping, Env: n.env(""),
		Deprecated: n.endings()[p.dataset.ID()+"@"+p.dataset.Version()],
	}
}

// planDelivery compiles the mapping of a delivery against its table.
func (n *node) planDelivery(ctx context.Context, s subscription) (*mapping.SinkPlan, problem.List, error) {
	sink, err := n.openSink(s.Sink)
	if err != nil {
		return nil, nil, err
	}
	defer sink.Close()
	var table *record.Table
	if d, ok := sink.(adapters.SinkDescriber); ok {
		asking, cancel := context.WithTimeout(ctx, serverTimeout)
		defer cancel()
		infos, err := d.Describe(asking, s.mapping.Table)
		var down *adapters.UnreachableError
		switch {
		case ctx.Err() != nil:
			return nil, nil, ctx.Err()
		case errors.As(err, &down), errors.Is(err, context.DeadlineExceeded):
			n.log.Warn("the sink does not answer, its columns are not known", "pipeline", s.name, "err", err)
		case err != nil:
			return nil, problemsOf(err, s.mapping.TablePlace(), "sink.refused", problem.Say("correct what the server complains about, then start again")), nil
		case len(infos) == 1:
			table = infos[0].Table
		}
	}
	plan, problems := mapping.CompileSink(s.mapping, s.dataset, table, n.env(""))
	return plan, problems, nil
}

func (n *node) replication() int {
	if k := n.config.Bus.Kafka; k != nil {
		return k.Replication
	}
	return 1
}

// broker names the bus for people.
func (n *node) broker(conn *connection) string {
	if k := n.config.Bus.Kafka; k != nil {
		return strings.Join(k.Brokers, ",")
	}
	return conn.address
}

// page is the node as the portal shows it.
func (n *node) page(l *loops, conn *connection, version string) *portal.Node {
	p := &portal.Node{
		OpenAPI: l.openapi,
		Version: version, Agency: n.config.Agency, Started: time.Now(), Broker: n.broker(conn),
		Readers: l.readers, Deliveries: l.deliveries, Redact: replacerOf(n.config.Secrets()).Replace,
	}
	if l.registry != nil {
		p.Registry = l.registry.status
	}
	if conn.broker != nil {
		p.BusBytes = conn.broker.Size
	}
	return p
}
