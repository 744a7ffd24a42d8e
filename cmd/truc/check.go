package main

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/mapping"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/schemas"
)

// serverTimeout bounds what check asks of one server.
const serverTimeout = 20 * time.Second

func checkVerb() verb {
	return verb{
		name: "check", summary: problem.Text{VI: "tìm mọi chỗ sai trước khi chạy bất cứ thứ gì", EN: "find everything that is wrong before anything runs"},
		help: problem.Text{VI: `
Đọc cấu hình và mọi ánh xạ, đối chiếu kiểu của ánh xạ với bảng và lược đồ, chạy các ví dụ trong ánh xạ, và hỏi từng
máy chủ đã sẵn sàng chưa. Mọi điều được báo một lần, mỗi điều kèm vị trí và việc phải làm. Không thay đổi gì ở đâu.

Mã thoát 2: phải sửa tệp hoặc máy chủ. 5: chỉ thiếu thay đổi, truc resnapshot bù lại. 4: chỉ có máy chủ không trả lời.`, EN: `
Reads the configuration and every mapping, types the mappings against tables and schemas, runs the
examples in the mappings, and asks each server whether it is ready. Everything is reported at once,
each finding with its place and what to do. Nothing is changed anywhere.

Exit code 2: something in the files or on a server must be changed. 5: only changes are missing, truc resnapshot
mends it. 4: only servers did not answer.`},
		define: func(fs *flag.FlagSet) action {
			offline := fs.Bool("offline", false, "không hỏi máy chủ nào / leave the servers out")
			return func(ctx context.Context, p *program) error { return p.check(ctx, *offline) }
		},
	}
}

// unreachable is the code of findings that say nothing about the files: the server may be down today.
const unreachable = "check.unreachable"

func (p *program) check(ctx context.Context, offline bool) error {
	c, problems := p.load()
	var n *node
	if c != nil {
		var l problem.List
		n, l = build(c, p.adapters, slog.New(slog.DiscardHandler))
		problems = append(problems, l...)
	}
	if n != nil {
		problems = append(problems, n.checkAll(ctx, offline)...)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	problems = inOrder(distinct(problems))
	if c != nil {
		problems = redacted(problems, c.Secrets())
	}
	return p.printCheck(c, problems)
}

// checkAll looks at this machine, then asks sources, sinks and bus at the same time. Their findings come in the order of the file.
func (n *node) checkAll(ctx context.Context, offline bool) problem.List {
	machine := n.checkMachine(ctx)
	var checks []func(context.Context) problem.List
	// What is wrong with the configuration of the bus would only come back in other words.
	if !offline && !n.config.Faulty("bus") && !slices.ContainsFunc(machine, func(p problem.Problem) bool { return strings.Contains(p.Where, " bus.") }) {
		checks = append(checks, n.checkBus)
	}
	for _, name := range n.config.SourceNames() {
		checks = append(checks, func(ctx context.Context) problem.List { return n.checkSource(ctx, name, offline) })
	}
	for _, name := range n.config.SinkNames() {
		checks = append(checks, func(ctx context.Context) problem.List { return n.checkSink(ctx, name, offline) })
	}
	checks = append(checks, func(context.Context) problem.List { return n.checkOrphans() }, func(context.Context) problem.List { return n.checkAlerts() },
		func(context.Context) problem.List { return n.checkStandards() })
	found := make([]problem.List, len(checks))
	var wg sync.WaitGroup
	for i, check := range checks {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, serverTimeout)
			defer cancel()
			found[i] = check(ctx)
		})
	}
	wg.Wait()
	return append(machine, slices.Concat(found...)...)
}

// serverProblem turns what a server (or the way to it) answered into findings.
func serverProblem(err error, where string) problem.List {
	down := problem.Problem{Code: unreachable, Where: where, Fix: problem.Say("start the server, or correct its address; truc check --offline leaves servers out")}
	var a *adapters.UnreachableError
	var k *kafka.UnreachableError
	var c *codeError
	switch {
	case errors.As(err, &a):
		down.What = problem.Verbatim(oneLine(a.Error()))
	case errors.As(err, &k):
		down.What = problem.Verbatim(oneLine(k.Error()))
	case errors.Is(err, context.DeadlineExceeded):
		down.What = problem.Say("the server takes connections and does not answer")
	case errors.As(err, &c) && c.code == exitUnreachable:
		down.What = problem.Verbatim(oneLine(err.Error()))
	default:
		if p, ok := fileFault(err); ok {
			p.Where = where
			return problem.List{p}
		}
		return problemsOf(err, where, "check.refused", problem.Say("correct what the server complains about, then check again"))
	}
	return problem.List{down}
}

// oneLine joins the lines of an error, of which a driver that tried several ways gives one for each, and drops repetitions.
func oneLine(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if !slices.ContainsFunc(lines, func(l string) bool { return strings.HasSuffix(l, line) }) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "; ")
}

// checkSource types the mappings of a source and asks it whether it is ready. Without an answer of the server a mapping is
// checked against its schema alone.
func (n *node) checkSource(ctx context.Context, name string, offline bool) problem.List {
	where := n.config.Where("sources." + name)
	var problems problem.List
	var source adapters.Source
	if !offline && n.sources[name] != nil {
		s, err := n.openSource(name)
		if err != nil {
			problems = append(problems, serverProblem(err, where)...)
		} else {
			defer s.Close()
			source = s
		}
	}
	describer, _ := source.(adapters.Describer)
	known := &tables{server: describer, where: where}
	pipelines := n.publishingOf(name)
	for _, p := range pipelines {
		info, l := known.find(ctx, p.table, n.tableWhere(p))
		problems = append(problems, l...)
		if p.dataset != nil {
			problems = append(problems, n.checkMapping(p.mapping, p.dataset, info)...)
		}
	}
	// Without any table, because its mappings are faulty, the server itself is asked all the same.
	if checker, ok := source.(adapters.Checker); ok && !known.down && len(pipelines) > 0 {
		l, err := checker.Check(ctx, known.found)
		problems = append(problems, placed(l, err, where)...)
	}
	return problems
}

// checkMapping types a mapping against its schema and, where it is known, its table, and runs its examples.
func (n *node) checkMapping(file *mapping.File, dataset *schemas.Dataset, info adapters.TableInfo) problem.List {
	env := n.env(info.IdentityFix)
	var problems problem.List
	if file.Direction == mapping.Source {
		_, problems = mapping.CompileSource(file, info.Table, dataset, env)
	} else {
		_, problems = mapping.CompileSink(file, dataset, info.Table, env)
	}
	if problems.Err() != nil {
		return problems
	}
	_, l := file.RunExamples(info.Table, dataset, env)
	return append(problems, l...)
}

// placed adds where in the configuration the server is named to its findings, and its error to them.
func placed(l problem.List, err error, where string) problem.List {
	out := slices.Clone(l)
	for i := range out {
		if out[i].Where == "" {
			out[i].Where = where
		} else {
			out[i].Where = where + " (" + out[i].Where + ")"
		}
	}
	if err != nil {
		out = append(out, serverProblem(err, where)...)
	}
	return out
}

// checkOrphans types the mappings of pipelines whose source or sink is misnamed: that is no reason to keep their faults back.
func (n *node) checkOrphans() problem.List {
	var problems problem.List
	for _, p := range n.publish {
		if _, ok := n.config.Sources[p.Source]; !ok && p.dataset != nil {
			problems = append(problems, n.checkMapping(p.mapping, p.dataset, adapters.TableInfo{})...)
		}
	}
	for _, s := range n.subscribe {
		if _, ok := n.config.Sinks[s.Sink]; !ok && s.dataset != nil {
			problems = append(problems, n.checkMapping(s.mapping, s.dataset, adapters.TableInfo{})...)
		}
	}
	return problems
}

// tableWhere is where a pipeline's table is named.
func (n *node) tableWhere(p publishing) string {
	if p.Table != "" || p.mapping == nil {
		return n.config.Where("publish." + p.name + ".table")
	}
	return p.mapping.TablePlace()
}

// describer is what sources and sinks have in common here.
type describer interface {
	Describe(ctx context.Context, tables ...string) ([]adapters.TableInfo, error)
}

// tables asks one server for its tables.
type tables struct {
	server describer // nil: not asked, or not able to
	where  string
	found  []string
	// down: the server did not answer; the next table would not be answered either.
	down bool
}

// find describes a table; the info is zero when nothing can be said of it.
func (t *tables) find(ctx context.Context, table, tableWhere string) (adapters.TableInfo, problem.List) {
	if t.server == nil || t.down || table == "" {
		return adapters.TableInfo{}, nil
	}
	infos, err := t.server.Describe(ctx, table)
	var one problem.Problem
	var ref *problem.Problem
	switch {
	case errors.As(err, &one), errors.As(err, &ref):
		return adapters.TableInfo{}, placed(problemsOf(err, "", "", problem.Text{}), nil, tableWhere)
	case err != nil:
		t.down = true
		return adapters.TableInfo{}, serverProblem(err, t.where)
	case len(infos) != 1:
		return adapters.TableInfo{}, nil
	}
	if !slices.Contains(t.found, table) {
		t.found = append(t.found, table)
	}
	return infos[0], nil
}

// checkSink is checkSource for a sink.
func (n *node) checkSink(ctx context.Context, name string, offline bool) problem.List {
	where := n.config.Where("sinks." + name)
	var problems problem.List
	var sink adapters.Sink
	if !offline && n.sinks[name] != nil {
		s, err := n.openSink(name)
		if err != nil {
			problems = append(problems, serverProblem(err, where)...)
		} else {
			defer s.Close()
			sink = s
		}
	}
	describer, _ := sink.(adapters.SinkDescriber)
	known := &tables{server: describer, where: where}
	var targets []*record.Target
	deliveries := n.subscriptionsOf(name)
	for _, s := range deliveries {
		if s.dataset == nil {
			continue
		}
		info, l := known.find(ctx, s.mapping.Table, s.mapping.TablePlace())
		problems = append(problems, l...)
		problems = append(problems, n.checkMapping(s.mapping, s.dataset, info)...)
		if plan, _ := mapping.CompileSink(s.mapping, s.dataset, info.Table, n.env("")); plan != nil && info.Table != nil {
			targets = append(targets, plan.Target(s.name))
		}
	}
	if checker, ok := sink.(adapters.SinkChecker); ok && !known.down && len(deliveries) > 0 {
		l, err := checker.CheckTargets(ctx, targets)
		problems = append(problems, placed(l, err, where)...)
	}
	return problems
}

// checkBus asks the bus for its topics and compares their partitions. An embedded bus that was never started is not started
// for it: check changes nothing.
func (n *node) checkBus(ctx context.Context) problem.List {
	where := n.config.Where("bus")
	if e := n.config.Bus.Embedded; e != nil {
		if _, err := os.Stat(e.Dir); errors.Is(err, os.ErrNotExist) {
			return nil
		}
	}
	conn, err := connect(ctx, n.config.Bus, false, slog.New(slog.DiscardHandler))
	if err != nil {
		return serverProblem(err, where)
	}
	defer conn.Close()
	var names []string
	for _, p := range n.publish {
		if p.topic != "" {
			names = append(names, p.topic)
		}
	}
	if err := conn.Ping(ctx); err != nil {
		return serverProblem(err, where)
	}
	if len(names) == 0 {
		return nil
	}
	topics, err := conn.Describe(ctx, names...)
	if err != nil {
		return serverProblem(err, where)
	}
	var problems problem.List
	for _, p := range n.publish {
		if t, ok := topics[p.topic]; ok && t.Partitions != p.Partitions {
			problems = append(problems, problem.Problem{
				Code: "check.partitions", Where: n.config.Where("publish." + p.name + ".partitions"),
				What: problem.Say("the topic %s has %d partitions, %d are configured: keys would move between partitions and lose their order", p.topic, t.Partitions, p.Partitions),
				Fix:  problem.Say("write partitions: %d", t.Partitions),
			})
		}
	}
	return problems
}
