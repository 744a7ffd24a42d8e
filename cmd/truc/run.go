package main

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/portal"
	"github.com/lienthong/truc/portal/openapi"
	"github.com/lienthong/truc/problem"
)

func runVerb() verb {
	return verb{
		name: "run", summary: problem.Text{VI: "chạy nút: công bố và nhận cho đến khi được lệnh dừng", EN: "run the node: publish and deliver until it is told to stop"},
		help: problem.Text{VI: `
Trước hết kiểm tra mọi thứ như truc check; chỉ chờ những máy chủ không trả lời. Khi nhận Ctrl-C hoặc SIGTERM, nút thôi
đọc, làm xong những gì đang dở, lưu vị trí rồi dừng (mã thoát 130). Luồng nào không được chạy tiếp (thiếu thay đổi, ánh xạ
không còn khớp) thì dừng riêng luồng đó, status và /readyz nói vì sao; khi không còn luồng nào, nút cũng dừng: mã thoát
5 khi thiếu thay đổi, 2 khi phải sửa gì đó.`, EN: `
Checks everything first, as truc check does; only for a server that does not answer it waits. On Ctrl-C or
SIGTERM the node reads no more, carries what is under way to its end, saves its position and stops (exit code
130). A pipeline that must not go on (a gap, a mapping that no longer fits) stops alone, and status and
/readyz say why; when none is left, the node stops too: exit code 5 for a gap, 2 for what must be changed.`},
		define: func(fs *flag.FlagSet) action {
			verbose := fs.Bool("v", false, "ghi nhật ký nhiều hơn / log more")
			return func(ctx context.Context, p *program) error {
				level := slog.LevelInfo
				if *verbose {
					level = slog.LevelDebug
				}
				return p.run(ctx, level)
			}
		},
	}
}

// memoryGoal is what the garbage collector works towards, unless GOMEMLIMIT says otherwise: what a node really holds is
// bounded far below it, but a few columns of 20 MB would leave ten times that in garbage.
const memoryGoal = 140 << 20

func (p *program) run(ctx context.Context, level slog.Level) (err error) {
	if limit, set := p.env("GOMEMLIMIT"); !set || limit == "" {
		debug.SetMemoryLimit(memoryGoal)
	}
	c, problems := p.load()
	if c == nil {
		return problems
	}
	n, l := build(c, p.adapters, p.log(level))
	problems = append(problems, l...)
	if n == nil {
		return problems
	}
	problems = append(problems, n.checkAll(ctx, false)...)
	if ctx.Err() != nil {
		return ctx.Err() // what the servers said was that nobody waited for them any more
	}
	if err := n.tolerate(inOrder(distinct(problems))).Err(); err != nil {
		return err
	}
	// What a person must change is known by now; for a server that is away the node waits, however long.
	p.notify("READY=1\nSTATUS=waiting for the bus")
	defer context.AfterFunc(ctx, func() { p.notify("STOPPING=1\nSTATUS=carrying what is under way to its end") })()
	conn, err := connect(ctx, c.Bus, true, n.log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	l2, err := n.assemble(ctx, conn)
	if err != nil {
		return err
	}
	listener, err := listenOn(ctx, c.HTTP.Listen, "config.listen", c.Where("http.listen"))
	if err != nil {
		return err
	}
	if l2.registry, err = n.registryServer(ctx, conn); err != nil {
		return errors.Join(err, listener.Close())
	}
	if l2.openapi, err = describeInterfaces(listener, l2.registry); err != nil {
		return err
	}
	n.log.Info("truc is running", "agency", c.Agency, "http", "http://"+listener.Addr().String(), "bus", n.broker(conn),
		"readers", len(l2.readers), "deliveries", len(l2.deliveries))
	defer n.watch(ctx, l2)()
	defer n.announce(ctx, conn)()
	p.notify("STATUS=publishing and delivering; truc status says more")
	return l2.run(ctx, listener, n.page(l2, conn, versionOf(debug.ReadBuildInfo()).Version), n.log)
}

// tolerate logs warnings, servers that do not answer and gaps, and returns what prevents the start.
func (n *node) tolerate(problems problem.List) problem.List {
	var fatal problem.List
	for _, p := range problems {
		switch {
		case p.Code == unreachable:
			n.log.Warn("a server does not answer; the node waits for it", "where", p.Where, "what", p.What)
		case p.Code == diskFull: // the start fails by itself if it still is, and the service tries again
			n.log.Warn("the disk is full", "where", p.Where, "what", p.What)
		case p.Code == adapters.GapCode: // the reader knows whether its resnapshot is on the way, and stops if not
			n.log.Warn("changes are missing", "where", p.Where, "what", p.What, "fix", p.Fix)
		case p.Warning:
			n.log.Warn("the configuration works, but", "where", p.Where, "what", p.What, "fix", p.Fix)
		default:
			fatal = append(fatal, p)
		}
	}
	return fatal
}

// listenOn opens a port; where says who named it.
func listenOn(ctx context.Context, address, code, where string) (net.Listener, error) {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, problem.List{{
			Code: code, Where: where, What: problem.Say("cannot listen on %s: %v", address, errors.Unwrap(err)),
			Fix: problem.Say("name a free address of this machine, or end what listens there"),
		}}
	}
	return listener, nil
}

// describeInterfaces writes the OpenAPI document of a node, which both interfaces serve.
func describeInterfaces(node net.Listener, registry *registryServer) ([]byte, error) {
	o := openapi.Options{Version: versionOf(debug.ReadBuildInfo()).Version, Node: "http://" + node.Addr().String()}
	if registry != nil {
		o.Registry = "http://" + registry.listener.Addr().String()
	}
	text, err := openapi.Document(o)
	if registry != nil {
		registry.openapi = text
	}
	return text, err
}

// registryServer is the schema registry that the configuration wants in this node; nil when it wants none.
func (n *node) registryServer(ctx context.Context, conn *connection) (*registryServer, error) {
	r := n.config.Registry
	if r.Listen == "" {
		return nil, nil
	}
	listener, err := listenOn(ctx, r.Listen, "config.listen", n.config.Where("registry.listen"))
	if err != nil {
		return nil, err
	}
	return &registryServer{
		listener: listener, client: conn.Client, replication: n.replication(), set: n.set, token: r.Token, governance: n.governors(), patient: true,
		follow: r.Follow, followEvery: followEvery, log: n.log,
	}, nil
}

// run works until ctx is done, then drains. A pipeline that must not go on stops alone; when none is left, run returns the
// first reason.
func (l *loops) run(ctx context.Context, listener net.Listener, page *portal.Node, log *slog.Logger) error {
	site := portal.New(page)
	server := &http.Server{Handler: site, ReadHeaderTimeout: 5 * time.Second}
	watching, unwatch := context.WithCancel(context.WithoutCancel(ctx)) // the page shows how the loops end
	defer unwatch()
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		site.Run(watching)
	}()
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener) // ends with Shutdown
	}()
	var mu sync.Mutex
	var first error
	var wg sync.WaitGroup
	work := func(name string, run func(context.Context) error) {
		wg.Go(func() {
			err := run(ctx)
			if err == nil {
				return
			}
			log.Error("stopped for good", "pipeline", name, "err", err)
			mu.Lock()
			defer mu.Unlock()
			if first == nil {
				first = err
			}
		})
	}
	for _, r := range l.readers {
		work("source "+r.Stats().Source, r.Run)
	}
	for _, d := range l.deliveries {
		work("subscribe."+d.Stats().Name, d.Run)
	}
	if l.registry != nil {
		work("registry", l.registry.run)
	}
	wg.Wait()
	unwatch()
	<-watched
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	_ = server.Shutdown(stop)
	<-served
	if first != nil {
		return first
	}
	return ctx.Err()
}
