package main

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/journal"
	"github.com/lienthong/truc/config"
	"github.com/lienthong/truc/portal/registryapi"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas"
	"github.com/lienthong/truc/schemas/registry"
	"github.com/lienthong/truc/schemas/registry/follow"
)

func registryVerb() verb {
	return verb{
		name: "registry", summary: problem.Text{VI: "chạy kho lược đồ: REST tương thích Confluent Schema Registry, cho JSON Schema", EN: "run the schema registry: the REST interface of Confluent Schema Registry, for JSON Schema"},
		help: problem.Text{VI: `
Giữ các phiên bản lược đồ trên chủ đề truc.schemas và trả lời qua HTTP cho đến khi được lệnh dừng. Với --dir, bus nằm ngay
trong tiến trình, dữ liệu trong thư mục đó; nếu không, dùng bus của cấu hình (-c), kể cả Kafka: nhiều nút cùng chạy được, và
ghi ở nút nào cũng vậy. Mức tương thích mặc định là FULL_TRANSITIVE. Xem docs/registry.md.

  truc registry --dir data/registry
  curl http://127.0.0.1:8081/subjects`, EN: `
Keeps versions of schemas on the topic truc.schemas and answers over HTTP until it is told to stop. With --dir the bus is
inside the process, its data in that folder; otherwise the bus of the configuration (-c) is used, Kafka included: several
nodes may run, and each of them takes writes. The default level is FULL_TRANSITIVE. See docs/registry.md.

  truc registry --dir data/registry
  curl http://127.0.0.1:8081/subjects`},
		define: func(fs *flag.FlagSet) action {
			var o registryOptions
			fs.StringVar(&o.listen, "listen", "127.0.0.1:8081", "địa chỉ `ADDRESS` để trả lời HTTP / `ADDRESS` to answer HTTP on")
			fs.StringVar(&o.dir, "dir", "", "thư mục `FOLDER` của bus trong tiến trình / `FOLDER` of a bus inside the process")
			fs.StringVar(&o.follow, "follow", "", "sao chép lược đồ của kho ở `URL` (cấp quốc gia), không ai sửa được tại đây / copy the schemas of the registry at `URL` (the national one), which nobody can change here")
			fs.DurationVar(&o.followEvery, "follow-every", 30*time.Second, "`DURATION` giữa hai lần sao chép / `DURATION` between two copies")
			fs.StringVar(&o.tokenFile, "token-file", "", "tệp `FILE` chứa mã mà người ghi phải trình / `FILE` with the token that writers must show")
			return func(ctx context.Context, p *program) error { return p.registry(ctx, o) }
		},
	}
}

type registryOptions struct {
	listen, dir, tokenFile, follow string
	followEvery                    time.Duration
}

const (
	// registryMemoryGoal is what the garbage collector works towards, unless GOMEMLIMIT says otherwise.
	registryMemoryGoal = 90 << 20
	// maxSchemaRecord bounds a record of truc.schemas: a schema of 1 MiB, quoted.
	maxSchemaRecord = 4 << 20
)

func (p *program) registry(ctx context.Context, o registryOptions) error {
	if limit, set := p.env("GOMEMLIMIT"); !set || limit == "" {
		debug.SetMemoryLimit(registryMemoryGoal)
	}
	token, err := o.token()
	if err != nil {
		return err
	}
	if err := o.mayFollow(); err != nil {
		return err
	}
	var c *config.Config // nil with a bus of its own
	target, replication := config.Bus{Embedded: &config.EmbeddedBus{Dir: o.dir}}, 1
	if o.dir == "" {
		var problems problem.List
		if c, problems = p.load(); problems.Err() != nil {
			return problems
		}
		if target = c.Bus; target.Kafka != nil {
			replication = target.Kafka.Replication
		}
	}
	set, problems := loadDatasets(c)
	if err := problems.Err(); err != nil {
		return problems
	}
	log := p.log(slog.LevelInfo)
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", o.listen)
	if err != nil {
		return problem.Problem{
			Code: "http.listen", Where: "--listen", What: problem.Say("cannot listen on %s: %v", o.listen, errors.Unwrap(err)),
			Fix: problem.Say("name a free address of this machine, or end what listens there"),
		}
	}
	defer listener.Close()
	conn, err := connect(ctx, target, o.dir != "", log)
	if err != nil {
		return err
	}
	defer conn.Close()
	j := journal.New(conn.Client, journal.Config{Topic: bus.SchemasTopic, Replication: replication, MaxRecordBytes: maxSchemaRecord, Log: log})
	if err := j.Ensure(ctx); err != nil {
		return err
	}
	r := registry.New(schemaLog{j}, registry.Options{
		Own: func(s registry.Subject) bool { return set.Has(s.Name) }, Log: log,
	})
	if o.follow != "" {
		following, stop := context.WithCancel(ctx)
		var copying sync.WaitGroup
		defer copying.Wait()
		defer stop()
		copying.Go(func() {
			select {
			case <-r.Ready():
				(&follow.Follower{Registry: r, URL: o.follow, Every: o.followEvery, Log: log}).Run(following)
			case <-following.Done():
			}
		})
	}
	return p.serveRegistry(ctx, r, j, listener, registryapi.Options{
		Version: versionOf(debug.ReadBuildInfo()).Version, Token: token, Dataset: datasetText(set),
	}, log)
}

// serveRegistry answers from when the registry is ready until ctx is done.
func (p *program) serveRegistry(ctx context.Context, r *registry.Registry, j *journal.Journal, listener net.Listener, o registryapi.Options, log *slog.Logger) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() {
		err := r.Run(ctx)
		ended <- errors.Join(err, j.Close())
		stop()
	}()
	select {
	case <-r.Ready():
	case <-ctx.Done():
		return <-ended
	}
	server := &http.Server{
		Handler: registryapi.New(r, o), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener) // ends with Shutdown
	}()
	log.Info("the registry is running", "http", "http://"+listener.Addr().String())
	<-ctx.Done()
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	_ = server.Shutdown(closing)
	<-served
	return <-ended
}

// mayFollow refuses what cannot be followed.
func (o registryOptions) mayFollow() error {
	if o.follow == "" {
		return nil
	}
	if u, err := url.Parse(o.follow); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return &usageError{
			what: problem.Say("--follow is not the address of a registry"),
			fix:  problem.Say("give the address at which it answers over HTTP, such as --follow https://luocdo.vidu.example"),
		}
	}
	if o.followEvery < time.Second {
		return &usageError{what: problem.Say("--follow-every %s would keep the other registry busy", o.followEvery), fix: problem.Say("give a second at least; 30s is the default")}
	}
	return nil
}

// token is what writers must show. A registry that other machines can reach has one.
func (o registryOptions) token() (string, error) {
	if o.tokenFile == "" {
		host, _, err := net.SplitHostPort(o.listen)
		if ip := net.ParseIP(host); err == nil && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return "", &usageError{
				what: problem.Say("other machines can reach %s, and anybody could change schemas there", o.listen),
				fix:  problem.Say("write a long secret into a file and name it: --token-file FILE; or listen on 127.0.0.1"),
			}
		}
		return "", nil
	}
	text, err := os.ReadFile(o.tokenFile)
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(text))
	if len(token) < minToken {
		return "", &usageError{
			what: problem.Say("the token in %s has fewer than %d characters", o.tokenFile, minToken),
			fix:  problem.Say("write a long secret into it, such as the output of: openssl rand -hex 24"),
		}
	}
	return token, nil
}

const minToken = 16

// datasetText finds the schemas of datasets, as events name them.
func datasetText(set *schemas.Set) func(id, version string) ([]byte, bool) {
	return func(id, version string) ([]byte, bool) {
		d, err := set.Dataset(id)
		if err != nil || d.Version() != version {
			return nil, false
		}
		return d.Raw(), true
	}
}

// schemaLog is a journal as the memory of a registry.
type schemaLog struct{ journal *journal.Journal }

func (l schemaLog) Append(ctx context.Context, after int64, records []registry.Record) error {
	out := make([]journal.Record, len(records))
	for i, r := range records {
		out[i] = journal.Record(r)
	}
	err := l.journal.Append(ctx, after, out)
	var moved *journal.MovedError
	if errors.As(err, &moved) {
		return &registry.MovedError{End: moved.End}
	}
	return err
}

func (l schemaLog) Follow(ctx context.Context, see func(registry.Batch) error) error {
	var records []registry.Record
	return l.journal.Follow(ctx, func(b journal.Batch) error {
		records = records[:0]
		for _, r := range b.Records {
			records = append(records, registry.Record(r))
		}
		return see(registry.Batch{Records: records, Next: b.Next, End: b.End})
	})
}
