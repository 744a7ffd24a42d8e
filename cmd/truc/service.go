package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/config"
	"github.com/lienthong/truc/problem"
)

// service is a node that the operating system is to run. Paths are absolute.
type service struct {
	name   string
	binary string
	config string
	user   string
	agency string
	// folders are where the node must be able to write.
	folders []string
}

// manager is the part of the operating system that runs services. Both verbs say on stdout what they did and what is to do next.
type manager interface {
	// check finds what makes installing or removing impossible, before anything is asked.
	check() error
	// text is what would be installed; a manager that keeps no text describes it.
	text(s service) string
	// install registers s, in place of an older one; now starts it too.
	install(ctx context.Context, p *program, s service, now bool) error
	// replaces says what of that name is there already: nothing, the same, or another that is ours. Another's is an error.
	replaces(s service) (present, same bool, err error)
	remove(ctx context.Context, p *program, name string, now bool) error
}

func serviceVerbs() []verb {
	name := func(fs *flag.FlagSet) *string {
		return fs.String("name", "truc", "tên `NAME` của dịch vụ; nhiều nút trên một máy cần nhiều tên / `NAME` of the service; several nodes on one machine need several")
	}
	now := func(fs *flag.FlagSet, what string) *bool { return fs.Bool("now", false, what) }
	return []verb{
		{
			name: "service install", summary: problem.Text{VI: "cài nút thành dịch vụ của hệ điều hành", EN: "make the node a service of the operating system"},
			help: problem.Text{VI: `
Linux: viết một unit systemd đã siết quyền. Windows: đăng ký một dịch vụ tự khởi động. Không chạy gì nếu thiếu --now;
lệnh cho biết bước tiếp theo. --print chỉ in ra, không cần quyền gì.`, EN: `
Linux: writes a hardened systemd unit. Windows: registers a service that starts by itself. Without --now nothing is
started; the command says what comes next. --print only shows it and needs no rights.`},
			define: func(fs *flag.FlagSet) action {
				name, user := name(fs), fs.String("user", defaultServiceUser, "nút chạy dưới tài khoản `USER`, phải có sẵn / `USER` that the node runs as; it must exist")
				show, yes := fs.Bool("print", false, "chỉ in những gì sẽ cài, không thay đổi gì / show what would be installed, and change nothing"), defineYes(fs)
				now := now(fs, "chạy luôn, và mỗi khi máy khởi động / start it too, and at every boot")
				return func(ctx context.Context, p *program) error {
					return p.installService(ctx, systemManager(), service{name: *name, user: *user}, *show, *yes, *now)
				}
			},
		},
		{
			name: "service remove", summary: problem.Text{VI: "gỡ dịch vụ; dữ liệu và cấu hình còn nguyên", EN: "remove the service; data and configuration stay"},
			define: func(fs *flag.FlagSet) action {
				name, yes := name(fs), defineYes(fs)
				now := now(fs, "dừng trước nếu đang chạy / stop it first, if it runs")
				return func(ctx context.Context, p *program) error {
					return p.removeService(ctx, systemManager(), *name, *yes, *now)
				}
			},
		},
	}
}

// serviceNames are names that systemd and Windows both take.
var serviceNames = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$`)

func checkServiceName(name string) error {
	if !serviceNames.MatchString(name) {
		return &usageError{
			what: problem.Say("%q cannot be the name of a service", name),
			fix:  problem.Say("use letters, digits, - and _: --name truc-hotich"),
		}
	}
	return nil
}

func (p *program) installService(ctx context.Context, m manager, s service, show, yes, now bool) error {
	if err := checkServiceName(s.name); err != nil {
		return err
	}
	if err := p.fillService(&s); err != nil {
		return err
	}
	if show && p.json {
		return p.printJSON(map[string]string{"name": s.name, "text": m.text(s)})
	}
	if show {
		_, err := fmt.Fprint(p.stdout, m.text(s))
		return err
	}
	if err := m.check(); err != nil {
		return err
	}
	present, same, err := m.replaces(s)
	if err != nil {
		return err
	}
	if same {
		if _, err := fmt.Fprintf(p.stdout, "dịch vụ %s đã có đúng như vậy / service %[1]s is there already, just like this\n", s.name); err != nil {
			return err
		}
		if !now {
			return nil
		}
	} else {
		what := problem.Say("service %s will be installed, running as %s", s.name, s.user)
		if present {
			what = problem.Say("service %s exists and will be replaced", s.name)
		}
		if err := p.confirm(ctx, yes, what); err != nil {
			return err
		}
	}
	return m.install(ctx, p, s, now)
}

func (p *program) removeService(ctx context.Context, m manager, name string, yes, now bool) error {
	if err := checkServiceName(name); err != nil {
		return err
	}
	if err := m.check(); err != nil {
		return err
	}
	if err := p.confirm(ctx, yes, problem.Say("service %s will be removed", name)); err != nil {
		return err
	}
	return m.remove(ctx, p, name, now)
}

// fillService reads from the configuration what the service needs. What is wrong in it otherwise is the business of check;
// it need not be readable to the end here, since secrets may be for the service's eyes only.
func (p *program) fillService(s *service) error {
	path, problems := config.Find(p.configFile, p.env)
	if problems != nil {
		return problems
	}
	c, problems := p.load()
	if c == nil {
		return problems
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("find %s: %w", path, err)
	}
	binary, err := os.Executable()
	if err == nil {
		binary, err = filepath.EvalSymlinks(binary)
	}
	if err != nil {
		return fmt.Errorf("find this program's own file: %w", err)
	}
	s.binary, s.config, s.agency = binary, absolute, c.Agency
	if c.Bus.Embedded != nil {
		s.folders = append(s.folders, c.Bus.Embedded.Dir)
	}
	n, _ := build(c, p.adapters, slog.New(slog.DiscardHandler))
	if n != nil {
		s.folders = append(s.folders, n.folders()...)
	}
	slices.Sort(s.folders)
	s.folders = slices.Compact(s.folders)
	for _, path := range append([]string{s.binary, s.config}, s.folders...) {
		if strings.ContainsFunc(path, unicode.IsControl) { // in a unit, a line of its own
			return &usageError{what: problem.Say("the path %q holds a line break or another control character", path), fix: problem.Say("rename the folder or the file")}
		}
	}
	return nil
}

// folders are where the adapters of a node write.
func (n *node) folders() []string {
	var all []string
	add := func(adapter any, err error) {
		if local, ok := adapter.(adapters.Local); ok && err == nil {
			all = append(all, local.Folders()...)
		}
	}
	for name, open := range n.sources {
		add(open(n.adapterEnv(name)))
	}
	for name, open := range n.sinks {
		add(open(n.adapterEnv(name)))
	}
	return all
}

// refusal is a problem of the machine with both languages in it.
func refusal(code, where string, what, fix problem.Text) error {
	return problem.List{{Code: "service." + code, Where: where, What: what, Fix: fix}}
}
