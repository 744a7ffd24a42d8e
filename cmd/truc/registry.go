package main

import (
	"context"
	"flag"
	"log/slog"
	"net"
	"runtime/debug"
	"strings"
	"time"

	"github.com/lienthong/truc/config"
	"github.com/lienthong/truc/portal/openapi"
	"github.com/lienthong/truc/problem"
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
			fs.DurationVar(&o.followEvery, "follow-every", followEvery, "`DURATION` giữa hai lần sao chép / `DURATION` between two copies")
			fs.StringVar(&o.tokenFile, "token-file", "", "tệp `FILE` chứa mã mà người ghi phải trình / `FILE` with the token that writers must show")
			return func(ctx context.Context, p *program) error { return p.registry(ctx, o) }
		},
	}
}

type registryOptions struct {
	listen, dir, tokenFile, follow string
	followEvery                    time.Duration
}

// followEvery is how often a registry that is followed is copied, if nothing else is said.
const followEvery = 30 * time.Second

// registryMemoryGoal is what the garbage collector works towards, unless GOMEMLIMIT says otherwise.
const registryMemoryGoal = 90 << 20

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
	listener, err := listenOn(ctx, o.listen, "http.listen", "--listen")
	if err != nil {
		return err
	}
	defer listener.Close()
	conn, err := connect(ctx, target, o.dir != "", log)
	if err != nil {
		return err
	}
	defer conn.Close()
	described, err := openapi.Document(openapi.Options{Version: versionOf(debug.ReadBuildInfo()).Version, Registry: "http://" + listener.Addr().String()})
	if err != nil {
		return err
	}
	s := &registryServer{openapi: described, listener: listener, client: conn.Client, replication: replication, set: set, token: token, follow: o.follow, followEvery: o.followEvery, log: log}
	if err := s.run(ctx); err != nil {
		return err
	}
	return ctx.Err()
}

// mayFollow refuses what cannot be followed.
func (o registryOptions) mayFollow() error {
	if o.follow == "" {
		return nil
	}
	if !config.IsWebAddress(o.follow) {
		return &usageError{
			what: problem.Say("--follow is not the address of a registry"),
			fix:  problem.Say("give the address at which it answers over HTTP, such as --follow https://luocdo.vidu.example"),
		}
	}
	if config.SameAddress(o.follow, o.listen) {
		return &usageError{what: problem.Say("--follow %s is this registry itself", o.follow), fix: problem.Say("name the registry of somebody else, or leave out --follow")}
	}
	if o.followEvery < time.Second {
		return &usageError{what: problem.Say("--follow-every %s would keep the other registry busy", o.followEvery), fix: problem.Say("give a second at least; 30s is the default")}
	}
	return nil
}

// token is what writers must show. A registry that other machines can reach has one.
func (o registryOptions) token() (string, error) {
	if o.tokenFile == "" {
		if _, _, err := net.SplitHostPort(o.listen); err == nil && !config.OnLoopback(o.listen) {
			return "", &usageError{
				what: problem.Say("other machines can reach %s, and anybody could change schemas there", o.listen),
				fix:  problem.Say("write a long secret into a file and name it: --token-file FILE; or listen on 127.0.0.1"),
			}
		}
		return "", nil
	}
	text, err := readNamed(o.tokenFile)
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(text))
	if len(token) < config.MinToken {
		return "", &usageError{
			what: problem.Say("the token in %s has fewer than %d characters", o.tokenFile, config.MinToken),
			fix:  problem.Say("write a long secret into it, such as the output of: openssl rand -hex 24"),
		}
	}
	return token, nil
}
