package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/lienthong/truc/problem"
)

const defaultServiceUser = "truc"

func systemManager() manager {
	return &systemd{units: "/etc/systemd/system", running: "/run/systemd/system", root: os.Geteuid() == 0, control: systemctl}
}

// systemd keeps services as unit files.
type systemd struct {
	units   string // where an administrator's units are
	running string // is there when systemd runs this machine
	root    bool
	control func(ctx context.Context, p *program, args ...string) error
}

func systemctl(ctx context.Context, p *program, args ...string) error {
	cmd := exec.CommandContext(ctx, "systemctl", args...)
	cmd.Stdout, cmd.Stderr = p.stderr, p.stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("systemctl %s: %w", strings.Join(args, " "), err)
	}
	return nil
}

func (m *systemd) check() error {
	if info, err := os.Stat(m.running); err != nil || !info.IsDir() {
		return refusal("no-systemd", m.running,
			problem.Say("systemd does not run this machine"),
			problem.Say("truc service install --print > truc.service, and copy it to a machine that has systemd"))
	}
	if !m.root {
		return refusal("rights", m.units,
			problem.Say("only root may install or remove a service"),
			problem.Say("repeat it with sudo, or look at it with --print"))
	}
	return nil
}

func (m *systemd) text(s service) string { return unitText(s) }

func (m *systemd) path(name string) string { return filepath.Join(m.units, name+".service") }

func (m *systemd) replaces(s service) (present, same bool, err error) {
	old, err := m.read(s.name)
	if err != nil || old == "" {
		return false, false, err
	}
	return true, old == unitText(s), nil
}

// read gives the text of a unit of ours, "" when there is none.
func (m *systemd) read(name string) (string, error) {
	text, err := os.ReadFile(m.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read unit: %w", err)
	}
	if !strings.HasPrefix(string(text), unitMark) {
		return "", refusal("not-ours", m.path(name),
			problem.Say("there is a unit of that name that truc did not write"),
			problem.Say("choose another --name, or delete the file yourself"))
	}
	return string(text), nil
}

func (m *systemd) install(ctx context.Context, p *program, s service, now bool) error {
	account, err := user.Lookup(s.user)
	if err != nil {
		return refusal("user", "--user "+s.user,
			problem.Say("there is no user %s", s.user),
			problem.Say("useradd --system --no-create-home --shell /usr/sbin/nologin %s", s.user))
	}
	if account.Uid == "0" {
		return refusal("root", "--user "+s.user,
			problem.Say("the node needs no rights of root"),
			problem.Say("useradd --system --no-create-home --shell /usr/sbin/nologin truc; --user truc"))
	}
	for _, folder := range s.folders {
		if err := makeFolder(folder, account); err != nil {
			return err
		}
	}
	// Aside and in one step: systemd may read the folder at any time.
	temporary := m.path(s.name) + ".new"
	if err := os.WriteFile(temporary, []byte(unitText(s)), 0o644); err != nil { //nolint:gosec // units are for everybody to read, secrets are elsewhere
		return fmt.Errorf("write unit: %w", err)
	}
	if err := os.Rename(temporary, m.path(s.name)); err != nil {
		return errors.Join(fmt.Errorf("write unit: %w", err), os.Remove(temporary))
	}
	if now {
		for _, args := range [][]string{{"daemon-reload"}, {"enable", s.name}, {"restart", s.name}} {
			if err := m.control(ctx, p, args...); err != nil {
				return err
			}
		}
		_, err := fmt.Fprintf(p.stdout, "đang chạy / running: %s\n    systemctl status %[1]s\n    journalctl -u %[1]s\n", s.name)
		return err
	}
	_, err = fmt.Fprintf(p.stdout, `đã viết / written: %s
tiếp theo / next:
    sudo -u %s -- %s check -c %s
    systemctl daemon-reload
    systemctl enable --now %s
    journalctl -u %[5]s
`, m.path(s.name), s.user, shellWord(s.binary), shellWord(s.config), s.name)
	return err
}

// makeFolder makes a folder for the user of the service. One that is there is the administrator's business.
func makeFolder(folder string, owner *user.User) error {
	if _, err := os.Stat(folder); err == nil {
		return nil
	}
	uid, _ := strconv.Atoi(owner.Uid)
	gid, _ := strconv.Atoi(owner.Gid)
	if err := errors.Join(os.MkdirAll(folder, 0o750), os.Chown(folder, uid, gid)); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	return nil
}

func (m *systemd) remove(ctx context.Context, p *program, name string, now bool) error {
	text, err := m.read(name)
	if err != nil {
		return err
	}
	if text == "" {
		return refusal("unknown", m.path(name),
			problem.Say("there is no service %s", name),
			problem.Say("look at the units: systemctl list-unit-files 'truc*'"))
	}
	if now {
		if err := m.control(ctx, p, "disable", "--now", name); err != nil {
			return err
		}
	} else if _, err := os.Lstat(filepath.Join(m.units, "multi-user.target.wants", name+".service")); err == nil {
		return refusal("enabled", m.path(name),
			problem.Say("service %s is still enabled", name),
			problem.Say("systemctl disable --now %s, or add --now", name))
	}
	if err := os.Remove(m.path(name)); err != nil {
		return fmt.Errorf("remove unit: %w", err)
	}
	if now {
		if err := m.control(ctx, p, "daemon-reload"); err != nil {
			return err
		}
		_, err = fmt.Fprintf(p.stdout, "đã dừng và gỡ / stopped and removed: %s\n", name)
		return err
	}
	_, err = fmt.Fprintf(p.stdout, "đã gỡ / removed: %s\ntiếp theo / next:\n    systemctl daemon-reload\n", m.path(name))
	return err
}

// shellWord writes a word that is shown as part of a command.
func shellWord(s string) string {
	if strings.ContainsAny(s, " \t'\"\\$&;()<>|*?#~`") {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	return s
}

// asService runs nothing: only Windows starts services its own way.
func asService() (code int, ran bool) { return 0, false }
