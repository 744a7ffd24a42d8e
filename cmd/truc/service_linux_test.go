package main

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lienthong/truc/adapters/all"
	"github.com/lienthong/truc/problem"
)

// unitBed is a machine with systemd that exists in a folder only, and a node in a folder whose name needs quoting.
type unitBed struct {
	*systemd
	t      *testing.T
	node   string
	called []string
	out    strings.Builder
}

func newUnitBed(t *testing.T) *unitBed {
	t.Helper()
	b := &unitBed{t: t, node: filepath.Join(t.TempDir(), "sổ 100% hộ tịch")}
	b.systemd = &systemd{units: t.TempDir(), running: t.TempDir(), root: true, control: func(_ context.Context, _ *program, args ...string) error {
		b.called = append(b.called, strings.Join(args, " "))
		return nil
	}}
	if err := os.MkdirAll(filepath.Join(b.node, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	b.write(filepath.Join(b.node, "truc.yaml"), "agency: H44.15\nregistry: { url: https://chuan.vidu.example/ }\nbus: { embedded: { dir: data } }\n"+
		"sources: { hotich: { sqlite: { path: 'data\\hotich.db' } } }\npublish: { khaisinh: { source: hotich, mapping: khai_sinh.yaml } }\n")
	return b
}

func (b *unitBed) write(path, text string) {
	b.t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

func (b *unitBed) program() *program {
	b.out.Reset()
	return &program{
		stdin: strings.NewReader(""), stdout: &b.out, stderr: &b.out, env: func(string) (string, bool) { return "", false },
		adapters: all.Registry(), configFile: filepath.Join(b.node, "truc.yaml"),
	}
}

func (b *unitBed) install(user string, show, yes, now bool) error {
	return b.program().installService(b.t.Context(), b.systemd, service{name: "truc", user: user}, show, yes, now)
}

func (b *unitBed) unit() string {
	text, _ := os.ReadFile(b.path("truc"))
	return string(text)
}

// refused demands a problem with a code and a remedy, or a usage error where code is "".
func refused(t *testing.T, err error, code string) {
	t.Helper()
	if usage, ok := errors.AsType[*usageError](err); ok && code == "" && !usage.fix.Empty() {
		return
	}
	list, ok := errors.AsType[problem.List](err)
	if !ok || len(list) != 1 || list[0].Code != "service."+code || list[0].Fix.Empty() {
		t.Errorf("got %v, want refusal %q", err, code)
	}
}

func TestServiceLife(t *testing.T) {
	b := newUnitBed(t)
	if err := b.install("nobody", true, false, false); err != nil || b.unit() != "" || !strings.HasPrefix(b.out.String(), unitMark) {
		t.Fatalf("print: %v, unit %q, said %s", err, b.unit(), b.out.String())
	}
	shown := b.out.String()
	refused(t, b.install("nobody", false, false, false), "")
	if b.unit() != "" {
		t.Fatal("installed without being told to go on")
	}
	if err := b.install("nobody", false, true, false); err != nil || b.unit() != shown || len(b.called) > 0 {
		t.Fatalf("install: %v, called %v, unit (-shown +written):\n%s", err, b.called, cmp.Diff(shown, b.unit()))
	}
	for _, next := range []string{"sudo -u nobody -- ", " check -c '" + b.node + "/truc.yaml'", "systemctl enable --now truc"} {
		if !strings.Contains(b.out.String(), next) {
			t.Errorf("what is next lacks %q: %s", next, b.out.String())
		}
	}
	if err := b.install("nobody", false, false, false); err != nil || !strings.Contains(b.out.String(), "just like this") {
		t.Errorf("the same again: %v, %s", err, b.out.String())
	}
	refused(t, b.install("daemon", false, false, false), "") // another needs --yes
	if err := b.install("daemon", false, true, true); err != nil || !strings.Contains(b.unit(), "User=daemon") {
		t.Errorf("replace: %v", err)
	}
	if diff := cmp.Diff([]string{"daemon-reload", "enable truc", "restart truc"}, b.called); diff != "" {
		t.Error(diff)
	}

	wants := filepath.Join(b.units, "multi-user.target.wants")
	if err := errors.Join(os.Mkdir(wants, 0o700), os.Symlink(b.path("truc"), filepath.Join(wants, "truc.service"))); err != nil {
		t.Fatal(err)
	}
	remove := func(name string, yes, now bool) error {
		return b.program().removeService(t.Context(), b.systemd, name, yes, now)
	}
	refused(t, remove("truc", false, true), "")
	refused(t, remove("truc", true, false), "enabled")
	refused(t, remove("khac", true, false), "unknown")
	b.called = nil
	if err := remove("truc", true, true); err != nil || b.unit() != "" {
		t.Errorf("remove: %v", err)
	}
	if diff := cmp.Diff([]string{"disable --now truc", "daemon-reload"}, b.called); diff != "" {
		t.Error(diff)
	}
}

func TestServiceRefused(t *testing.T) {
	for code, hinder := range map[string]func(*unitBed) string{
		"no-systemd": func(b *unitBed) string { b.running += "/none"; return "nobody" },
		"rights":     func(b *unitBed) string { b.root = false; return "nobody" },
		"user":       func(*unitBed) string { return "khong_co" },
		"root":       func(*unitBed) string { return "root" },
		"not-ours":   func(b *unitBed) string { b.write(b.path("truc"), "[Unit]\n"); return "nobody" },
	} {
		t.Run(code, func(t *testing.T) {
			b := newUnitBed(t)
			user := hinder(b)
			before := b.unit()
			refused(t, b.install(user, false, true, false), code)
			if b.unit() != before || len(b.called) > 0 {
				t.Errorf("refused, and yet: unit %q, called %v", b.unit(), b.called)
			}
		})
	}
	b := newUnitBed(t)
	refused(t, b.program().installService(t.Context(), b.systemd, service{name: "a b", user: "nobody"}, true, false, false), "")
}

func TestUnitText(t *testing.T) {
	t.Parallel()
	line := func(s service, want ...string) {
		t.Helper()
		lines := strings.Split(unitText(s), "\n")
		for _, w := range want {
			if !slices.Contains(lines, w) {
				t.Errorf("no line %q in\n%s", w, unitText(s))
			}
		}
	}
	plain := service{name: "truc", binary: "/usr/local/bin/truc", config: "/etc/truc/truc.yaml", user: "truc", agency: "H44.15", folders: []string{"/var/lib/truc/bus"}}
	line(plain, "Type=notify", "ExecStart=/usr/local/bin/truc run -c /etc/truc/truc.yaml", "WorkingDirectory=/etc/truc", "User=truc", "UMask=0077",
		"EnvironmentFile=-/etc/truc/truc.env", "RestartPreventExitStatus=2 5 6", "SuccessExitStatus=130", "ProtectSystem=strict", "ReadWritePaths=-/var/lib/truc/bus",
		"ProtectHome=yes", "PrivateTmp=yes", "NoNewPrivileges=yes")
	strange := service{name: "b", binary: `/opt/t"r\uc/truc`, config: "/home/an/sổ 100%/truc.yaml", user: "an", folders: []string{"/tmp/dữ liệu"}}
	line(strange, `ExecStart="/opt/t\"r\\uc/truc" run -c "/home/an/sổ 100%%/truc.yaml"`, "WorkingDirectory=/home/an/sổ 100%%", `ReadWritePaths="-/tmp/dữ liệu"`,
		"ProtectHome=read-only")
	if strings.Contains(unitText(strange), "PrivateTmp") {
		t.Error("PrivateTmp would hide a data folder in /tmp")
	}
	if text := unitText(service{binary: "/b", config: "/homes/c", folders: nil}); !strings.Contains(text, "ProtectHome=yes") {
		t.Error("/homes is taken for /home")
	}
	b := newUnitBed(t)
	if err := b.install("nobody", true, false, false); err != nil {
		t.Fatal(err)
	}
	// One folder, though bus and database are both in it.
	if want := "\nReadWritePaths=\"-" + strings.ReplaceAll(b.node, "%", "%%") + "/data\"\n"; strings.Count(b.out.String(), "ReadWritePaths") != 1 || !strings.Contains(b.out.String(), want) {
		t.Errorf("want %q in\n%s", want, b.out.String())
	}
}

func TestNotify(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	p := &program{env: func(name string) (string, bool) { return path, name == "NOTIFY_SOCKET" }}
	p.notify("READY=1")
	b := make([]byte, 100)
	if n, err := socket.Read(b); err != nil || string(b[:n]) != "READY=1" {
		t.Errorf("got %q, %v", b[:n], err)
	}
	(&program{env: func(string) (string, bool) { return path + ".gone", true }}).notify("READY=1") // nobody listens
	(&program{env: func(string) (string, bool) { return "", false }}).notify("READY=1")
}
