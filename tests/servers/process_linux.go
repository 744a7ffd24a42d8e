package servers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// home is the temporary directory of one server and the user that owns it.
type home struct {
	dir string
	// owner is the unprivileged user the server runs as, nil for the present one.
	owner *syscall.Credential
	// lock holds the directory, so that a later run can tell what a killed one left behind.
	lock *os.File
}

func newHome(name string) (*home, error) {
	prefix := "truc-" + name + "-"
	sweep(prefix)
	owner, err := unprivileged()
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", name, err)
	}
	dir, err := os.MkdirTemp("", prefix)
	if err != nil {
		return nil, fmt.Errorf("make directory for %s: %w", name, err)
	}
	h := &home{dir: dir, owner: owner}
	if h.lock, err = os.Open(dir); err == nil {
		err = syscall.Flock(int(h.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	}
	if err == nil {
		err = h.own(dir)
	}
	if err != nil {
		h.remove()
		return nil, fmt.Errorf("prepare directory for %s: %w", name, err)
	}
	return h, nil
}

// sweep removes directories of servers whose process did not live to do it. Errors do not matter: it is a courtesy.
func sweep(prefix string) {
	old, _ := filepath.Glob(filepath.Join(os.TempDir(), prefix+"*"))
	for _, dir := range old {
		// A younger one may be about to be locked.
		if info, err := os.Stat(dir); err != nil || time.Since(info.ModTime()) < time.Minute {
			continue
		}
		f, err := os.Open(dir)
		if err != nil {
			continue
		}
		if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			_ = os.RemoveAll(dir)
		}
		_ = f.Close()
	}
}

// unprivileged finds the user that servers run as when the tests run as root: PostgreSQL refuses root.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, errUID := strconv.ParseUint(u.Uid, 10, 32)
		gid, errGID := strconv.ParseUint(u.Gid, 10, 32)
		if errUID == nil && errGID == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
		}
	}
	return nil, errors.New("the tests run as root and there is neither a user postgres nor nobody to run servers as")
}

// own gives a file of this directory to the user of the server.
func (h *home) own(path string) error {
	if h.owner == nil {
		return nil
	}
	return os.Chown(path, int(h.owner.Uid), int(h.owner.Gid))
}

// write makes a file that the server can read.
func (h *home) write(name, text string) (path string, err error) {
	path = filepath.Join(h.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return "", err
	}
	return path, h.own(path)
}

// share gives the path under which the user of the server can read a directory: itself, or a copy in this home when
// somewhere above it a folder is closed, as the cache of root is.
func (h *home) share(dir, as string) (string, error) {
	if h.owner == nil || isOpen(dir) {
		return dir, nil
	}
	to := filepath.Join(h.dir, as)
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, name)
		if entry.IsDir() {
			return os.Mkdir(target, 0o755)
		}
		if os.Link(path, target) == nil { // symbolic links too
			return nil
		}
		return copyFile(path, target) // another file system
	})
	if err != nil {
		return "", fmt.Errorf("share %s: %w", dir, err)
	}
	return to, nil
}

// isOpen reports whether everybody may go through all folders to dir.
func isOpen(dir string) bool {
	for {
		info, err := os.Stat(dir)
		if err != nil || info.Mode()&0o001 == 0 {
			return false
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return true
		}
		dir = parent
	}
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, info.Mode().Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

func (h *home) remove() {
	_ = os.RemoveAll(h.dir)
	if h.lock != nil {
		_ = h.lock.Close()
	}
}

func (h *home) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = h.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + h.dir, "LC_ALL=C.UTF-8", "TZ=UTC"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if h.owner != nil {
		cmd.SysProcAttr.Credential = h.owner
	}
	return cmd
}

// run runs a program that prepares the server and waits for its end. It keeps its thread until then, for the death signal
// comes when that ends: as those of nodes do, that own theirs.
func (h *home) run(ctx context.Context, program string, args ...string) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	out, err := h.command(ctx, program, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("run %s: %w\n%s", filepath.Base(program), err, bytes.TrimSpace(out))
	}
	return nil
}

// signal is what a process is told; the names say what PostgreSQL and Kafka do at it.
type signal = syscall.Signal

const (
	terminate = syscall.SIGTERM // Kafka: shut down in order
	interrupt = syscall.SIGINT  // PostgreSQL: fast shutdown
	quit      = syscall.SIGQUIT // PostgreSQL: immediate shutdown
	kill      = syscall.SIGKILL
	thaw      = syscall.SIGCONT
)

// process is a running server.
type process struct {
	name string
	cmd  *exec.Cmd
	log  string
	done chan struct{} // closed when it has ended
	err  error         // how it ended, once done is closed
}

// start starts a server, its output in the file log of its directory. last is the signal it gets when this process dies.
func (h *home) start(name string, last signal, program string, args ...string) (*process, error) {
	p := &process{name: name, log: filepath.Join(h.dir, "log"), done: make(chan struct{})}
	out, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open log of %s: %w", name, err)
	}
	defer out.Close()
	p.cmd = h.command(context.Background(), program, args...)
	p.cmd.SysProcAttr.Pdeathsig = last
	p.cmd.Stdout, p.cmd.Stderr = out, out

	started := make(chan error)
	go p.own(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return p, nil
}

// own starts the process and waits for its end, all on one thread: the death signal comes when the thread that started
// the process ends, not when the program does.
func (p *process) own(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := p.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	p.err = p.cmd.Wait()
	if p.err == nil {
		p.err = errors.New("exit status 0")
	}
	close(p.done)
}

func (p *process) pid() int { return p.cmd.Process.Pid }

func (p *process) signal(s signal) { _ = p.cmd.Process.Signal(s) }

// stop sends each signal in turn until one has ended the process within the time given to each.
func (p *process) stop(patience time.Duration, signals ...signal) {
	for _, s := range signals {
		p.signal(s)
		select {
		case <-p.done:
			return
		case <-time.After(patience):
		}
	}
	p.kill()
}

// freeze stops the process (SIGSTOP) and returns when none of its threads runs any more: each stops when it next sees
// the signal, and until then a busy server may still answer.
func (p *process) freeze() {
	p.signal(syscall.SIGSTOP)
	for p.anyThreadRuns() {
		time.Sleep(time.Millisecond)
	}
}

func (p *process) anyThreadRuns() bool {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", p.cmd.Process.Pid))
	return slices.ContainsFunc(threads, func(path string) bool {
		_, _, state, ok := readStat(path)
		return ok && state != "T" && state != "t" && state != "Z" && state != "X"
	})
}

// kill ends the process and all its descendants at once, as a power cut would. The process cannot react: it is stopped
// before its descendants are looked for, and they are gone when kill returns. Process groups would not do, since the
// backends of PostgreSQL lead groups of their own.
func (p *process) kill() {
	p.freeze()
	family := descendants(p.cmd.Process.Pid)
	for _, pid := range family {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	p.signal(syscall.SIGKILL)
	<-p.done
	for _, pid := range family {
		for alive(pid) {
			time.Sleep(time.Millisecond)
		}
	}
}

// logTail gives the end of what the server printed.
func (p *process) logTail() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}

// descendants lists the children of a process, their children, and so on.
func descendants(root int) []int {
	children := map[int][]int{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		if pid, parent, _, ok := readStat(path); ok {
			children[parent] = append(children[parent], pid)
		}
	}
	var all []int
	for next := children[root]; len(next) > 0; next = next[1:] {
		all = append(all, next[0])
		next = append(slices.Clone(next), children[next[0]]...)
	}
	return all
}

// alive reports whether a process still runs; one that only waits to be reaped does not.
func alive(pid int) bool {
	_, _, state, ok := readStat(fmt.Sprintf("/proc/%d/stat", pid))
	return ok && state != "Z" && state != "X"
}

// readStat reads "pid (name) state parent …" (proc_pid_stat(5)); the name may hold spaces and brackets.
func readStat(path string) (pid, parent int, state string, ok bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, 0, "", false
	}
	front, back, found := strings.Cut(string(text), " (")
	if !found {
		return 0, 0, "", false
	}
	fields := strings.Fields(back[strings.LastIndex(back, ")")+1:])
	if len(fields) < 2 {
		return 0, 0, "", false
	}
	pid, errPID := strconv.Atoi(front)
	parent, errParent := strconv.Atoi(fields[1])
	return pid, parent, fields[0], errPID == nil && errParent == nil
}
