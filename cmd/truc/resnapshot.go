package main

import (
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"strings"
	"time"

	"github.com/lienthong/truc/config"
	"github.com/lienthong/truc/pipeline"
)

func resnapshotVerb() verb {
	return verb{
		name: "resnapshot", args: "NAME", least: 1, most: 1, summary: "read the tables of a source, or of one pipeline, again from the start",
		help: `
Mends a gap: the node that runs the source (if none runs, the next that does) raises the epoch, publishes every
row as it is now, and ends by deleting from the topic what vanished meanwhile. Subscribers see updates only.`,
		define: func(fs *flag.FlagSet) action {
			yes := defineYes(fs)
			return func(ctx context.Context, p *program) error { return p.resnapshot(ctx, *yes) }
		},
	}
}

func (p *program) resnapshot(ctx context.Context, yes bool) error {
	n, conn, err := p.openNode(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	source, pipelines, err := n.resnapshotTarget(p.args[0])
	if err != nil {
		return err
	}
	what := fmt.Sprintf("every row of %s will be read and published again", strings.Join(pipelines, ", "))
	if err := p.confirm(ctx, yes, what); err != nil {
		return err
	}
	request := pipeline.Request{ID: rand.Text(), Made: time.Now().UTC(), Resnapshot: pipelines}
	if err := pipeline.PutRequest(ctx, pipeline.KafkaBus{Client: conn.Client}, n.config.Agency, source, request); err != nil {
		return err
	}
	if p.json {
		return p.printJSON(map[string]any{"source": source, "requested": pipelines})
	}
	_, err = fmt.Fprintf(p.stdout, "%s will be read again by the node that runs source %s; truc status shows how far it is\n", strings.Join(pipelines, ", "), source)
	return err
}

// resnapshotTarget resolves the name of a source (all its pipelines) or of one publishing pipeline.
func (n *node) resnapshotTarget(name string) (source string, pipelines []string, err error) {
	for _, p := range n.publishingOf(name) {
		pipelines = append(pipelines, p.name)
	}
	if len(pipelines) > 0 {
		return name, pipelines, nil
	}
	names := n.config.SourceNames()
	for _, p := range n.publish {
		if p.name == name {
			return p.Source, []string{name}, nil
		}
		names = append(names, p.name)
	}
	return "", nil, unknownName("source or publishing pipeline", name, names)
}

// unknownName is a name on the command line that the configuration does not have.
func unknownName(kind, name string, known []string) error {
	fix := "the configuration has: " + strings.Join(known, ", ")
	if k := config.Similar(name, known); k != "" {
		fix = "did you mean " + k + "?"
	}
	return &usageError{what: fmt.Sprintf("the configuration has no %s %q", kind, name), fix: fix}
}
