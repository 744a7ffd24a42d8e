package main

import (
	"context"
	"flag"
	"strings"
	"time"

	"github.com/lienthong/truc/pipeline"
	"github.com/lienthong/truc/problem"
)

func pauseVerbs() []verb {
	return []verb{
		{
			name: "pause", args: "NAME", least: 1, most: 1, summary: problem.Text{VI: "cho một nguồn hoặc một luồng nhận đứng yên đến khi có lệnh chạy tiếp", EN: "let a source or a delivery stand still until it is resumed"},
			help: problem.Text{VI: `
Lệnh nằm trên bus: có hiệu lực trong vài giây với nút chạy NAME, trên bất cứ máy nào, kể cả sau khi khởi động lại. Không
mất gì: máy chủ của nguồn tạm dừng giữ lại nhật ký (truc status cho biết bao nhiêu, pause.maxRetained trong cấu hình đặt
ngưỡng), luồng nhận tạm dừng giữ nguyên vị trí. Luồng công bố chỉ tạm dừng riêng được khi nguồn không có luồng nào khác:
các luồng của một nguồn chung một bộ đọc và một vị trí.`, EN: `
The order lies on the bus: it holds for the node that runs NAME within seconds, on whatever machine, and over
restarts. Nothing is lost: a paused source's server keeps its log (truc status shows how much, pause.maxRetained
in the configuration bounds it), a paused delivery keeps its offsets. A publishing pipeline can be paused alone
only where it is all that is read from its source: the pipelines of a source share one reader and one position.`},
			define: func(*flag.FlagSet) action {
				return func(ctx context.Context, p *program) error { return p.pause(ctx, true) }
			},
		},
		{
			name: "resume", args: "NAME", least: 1, most: 1, summary: problem.Text{VI: "cho nguồn hoặc luồng nhận đã tạm dừng chạy tiếp từ chỗ cũ", EN: "let a paused source or delivery go on where it was"},
			help: problem.Text{VI: `
Chạy tiếp từ đúng chỗ đã dừng. Những gì được yêu cầu trong lúc đó (resnapshot, replay, dlq retry) được làm ngay.`, EN: `
Goes on from exactly where it stopped. What was asked for meanwhile (resnapshot, replay, dlq retry) is done now.`},
			define: func(*flag.FlagSet) action {
				return func(ctx context.Context, p *program) error { return p.pause(ctx, false) }
			},
		},
	}
}

// pause pauses or resumes what the argument names.
func (p *program) pause(ctx context.Context, stop bool) error {
	n, conn, err := p.openNode(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	name := p.args[0]
	t, err := n.pauseTarget(name)
	if err != nil {
		return err
	}
	bus := pipeline.KafkaBus{Client: conn.Client}
	since, err := pipeline.Paused(ctx, bus, n.config.Agency, t.orders)
	if err != nil {
		return err
	}
	changed := since.IsZero() == stop
	switch {
	case changed && stop:
		since = time.Now().UTC().Truncate(time.Second)
		err = pipeline.PutPause(ctx, bus, n.config.Agency, t.orders, since)
	case changed:
		err = pipeline.Resume(ctx, bus, n.config.Agency, t.orders)
	}
	if err != nil {
		return err
	}
	if p.json {
		out := map[string]any{"name": t.name, "kind": t.kind, "paused": stop, "changed": changed}
		if stop {
			out["since"] = since
		}
		return p.printJSON(out)
	}
	return p.answer(t.said(stop, changed, since))
}

// pauseTarget is what can be paused: a source with all its pipelines, or a delivery.
type pauseTarget struct {
	name, kind string // kind: source, delivery
	orders     string // under which its orders stand
	pipelines  []string
}

func (n *node) pauseTarget(name string) (pauseTarget, error) {
	if n.isDelivery(name) {
		return pauseTarget{name: name, kind: "delivery", orders: pipeline.DeliveryRequests(name)}, nil
	}
	source, pipelines, err := n.resnapshotTarget(name)
	if err != nil {
		return pauseTarget{}, err
	}
	var all []string
	for _, p := range n.publishingOf(source) {
		all = append(all, p.name)
	}
	if len(pipelines) < len(all) {
		return pauseTarget{}, &usageError{
			what: problem.Say("%s cannot be paused alone: %s share the reader and the position of source %s, and it would hold up or lose the others", name, strings.Join(all, ", "), source),
			fix:  problem.Say("truc pause %s pauses all of them; or take publish.%s out of the configuration and restart: when it comes back its table is read anew, and nothing is lost", source, name),
		}
	}
	return pauseTarget{name: source, kind: "source", orders: source, pipelines: all}, nil
}

// said is what the command answers to people.
func (t pauseTarget) said(stop, changed bool, since time.Time) problem.Text {
	at := since.Local().Format("2006-01-02 15:04:05")
	switch {
	case !stop && !changed:
		return problem.Say("%s is not paused; nothing was changed", t.name)
	case !stop:
		return problem.Say("%s goes on where it stopped", t.name)
	case !changed:
		return problem.Say("%s has been paused since %s; nothing was changed", t.name, at)
	case t.kind == "source":
		return problem.Say("source %s (%s) is paused within seconds, and stays so over restarts, until truc resume %s; its server keeps its log meanwhile: watch it with truc status, the disk can fill up",
			t.name, strings.Join(t.pipelines, ", "), t.name)
	}
	return problem.Say("delivery %s is paused within seconds, and stays so over restarts, until truc resume %s; after more than 15 days it reads its topics again from the start", t.name, t.name)
}
