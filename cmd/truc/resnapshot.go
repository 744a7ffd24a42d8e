package main

import (
	"context"
	"crypto/rand"
	"flag"
	"slices"
	"strings"
	"time"

	"github.com/lienthong/truc/config"
	"github.com/lienthong/truc/pipeline"
	"github.com/lienthong/truc/problem"
)

func resnapshotVerb() verb {
	return verb{
		name: "resnapshot", args: "NAME", least: 1, most: 1, summary: problem.Text{VI: "đọc lại từ đầu các bảng của một nguồn, hoặc của một luồng", EN: "read the tables of a source, or of one pipeline, again from the start"},
		help: problem.Text{VI: `
Bù những thay đổi bị thiếu: nút chạy nguồn này (nếu không có thì nút khởi động sau) tăng kỷ nguyên, công bố mọi dòng như hiện
có, và cuối cùng xóa khỏi chủ đề những gì đã mất trong lúc đó. Bên nhận chỉ thấy cập nhật.

Với tên của một luồng nhận: đọc lại các chủ đề từ đầu, và xóa ở bảng đích những dòng truc đã ghi mà không chủ đề nào còn.`, EN: `
Mends a gap: the node that runs the source (if none runs, the next that does) raises the epoch, publishes every
row as it is now, and ends by deleting from the topic what vanished meanwhile. Subscribers see updates only.

With the name of a delivery its topics are read again from their start, and rows of the sink that truc wrote and
that no topic has any more are deleted.`},
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
	if n.isDelivery(p.args[0]) {
		return p.reconcile(ctx, n, conn, p.args[0], yes)
	}
	source, pipelines, err := n.resnapshotTarget(p.args[0])
	if err != nil {
		return err
	}
	return p.requestResnapshot(ctx, n, conn, source, pipelines, yes)
}

// requestResnapshot asks the node that runs a source to publish its rows again.
func (p *program) requestResnapshot(ctx context.Context, n *node, conn *connection, source string, pipelines []string, yes bool) error {
	what := problem.Say("every row of %s will be read and published again", strings.Join(pipelines, ", "))
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
	return p.answer(problem.Say("%s will be read again by the node that runs source %s; truc status shows how far it is", strings.Join(pipelines, ", "), source))
}

func (n *node) isDelivery(name string) bool {
	return slices.ContainsFunc(n.subscribe, func(s subscription) bool { return s.name == name })
}

// reconcile asks the node that runs a delivery to read its topics again.
func (p *program) reconcile(ctx context.Context, n *node, conn *connection, name string, yes bool) error {
	if err := p.confirm(ctx, yes, problem.Say("the topics of %s will be read again, and rows of its sink that they no longer have will be deleted", name)); err != nil {
		return err
	}
	request := pipeline.Request{ID: rand.Text(), Made: time.Now().UTC(), Reconcile: true}
	if err := pipeline.PutRequest(ctx, pipeline.KafkaBus{Client: conn.Client}, n.config.Agency, pipeline.DeliveryRequests(name), request); err != nil {
		return err
	}
	if p.json {
		return p.printJSON(map[string]any{"delivery": name, "requested": []string{name}})
	}
	return p.answer(problem.Say("%s will be reconciled by the node that runs it; truc status shows how far it is", name))
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
	for _, s := range n.subscribe {
		names = append(names, s.name)
	}
	return "", nil, unknownName(problem.Say("source or pipeline"), name, names)
}

// unknownName is a name on the command line that the configuration does not have.
func unknownName(kind problem.Text, name string, known []string) error {
	fix := problem.Say("the configuration has: %s", strings.Join(known, ", "))
	if k := config.Similar(name, known); k != "" {
		fix = problem.Say("did you mean %s?", k)
	}
	return &usageError{what: problem.Say("the configuration has no %s %q", kind, name), fix: fix}
}
