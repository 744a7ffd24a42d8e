package demo

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // Hà Nội's own system writes its database
)

var postgresDialect = dialect{
	schema: `CREATE TABLE khai_sinh (
  ma           bigint PRIMARY KEY,
  so           bigint NOT NULL,
  quyen        text NOT NULL,
  ngay_dang_ky date NOT NULL,
  ho text, dem text, ten text,
  ngay_sinh    date,
  gioi         text,            -- Nam, Nữ
  so_dinh_danh text,
  xac_nhan     boolean NOT NULL -- true when confirmed
);
ALTER TABLE khai_sinh REPLICA IDENTITY FULL`, // drafts that change are then seen to be drafts before and after
	truth:    func(b bool) any { return b },
	numbered: true,
}

// errNoServer says that no PostgreSQL is installed.
var errNoServer = errors.New("no PostgreSQL server is installed")

// postgres is a PostgreSQL of the demo's own: a cluster in a temporary folder, on loopback, ended and removed with the demo.
type postgres struct {
	dir    string
	dsn    string
	server *exec.Cmd
	ended  chan struct{} // closed when the server has ended
	exit   error         // what it ended with, to be read after ended
}

// startPostgres makes and starts a cluster; errNoServer when there is none to start.
func startPostgres(ctx context.Context) (*postgres, error) {
	bin, err := findPostgres()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "truc-demo-hanoi-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for PostgreSQL: %w", err)
	}
	p := &postgres{dir: dir, ended: make(chan struct{})}
	if err := p.start(ctx, bin); err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

func findPostgres() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			path = real
		}
		return filepath.Dir(path), nil
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 || runtime.GOOS == "windows" {
		return "", errNoServer
	}
	slices.Sort(found)
	return filepath.Dir(found[len(found)-1]), nil
}

func (p *postgres) start(ctx context.Context, bin string) error {
	lower, err := lowerRights(p.dir)
	if err != nil {
		return err
	}
	data := filepath.Join(p.dir, "data")
	var out bytes.Buffer
	initdb := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-D", data, "-U", "hanoi", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
	initdb.Dir, initdb.Stdout, initdb.Stderr = p.dir, &out, &out
	lower(initdb)
	runtime.LockOSThread() // endWithParent is about the thread
	defer runtime.UnlockOSThread()
	endWithParent(initdb)
	if err := initdb.Run(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, bytes.TrimSpace(out.Bytes()))
	}
	port, err := freePort(ctx)
	if err != nil {
		return err
	}
	server := exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-p", strconv.Itoa(port), //nolint:noctx // ended by close, in order
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "wal_level=logical", "-c", "max_slot_wal_keep_size=1GB", "-c", "fsync=off", "-c", "max_wal_senders=4", "-c", "max_replication_slots=4")
	server.Dir = p.dir
	lower(server)
	endWithParent(server)
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // the thread that starts it must live as long as it does
		defer runtime.UnlockOSThread()
		err := server.Start()
		started <- err
		if err == nil {
			p.exit = server.Wait()
			close(p.ended)
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	p.server = server
	p.dsn = fmt.Sprintf("postgres://hanoi@127.0.0.1:%d/postgres", port)
	return p.ready(ctx)
}

// ready waits until the server answers.
func (p *postgres) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	db, err := sql.Open("pgx", p.dsn)
	if err != nil {
		return fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	defer db.Close()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := db.PingContext(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("PostgreSQL did not start: %w", err)
		case <-p.ended:
			return fmt.Errorf("PostgreSQL ended at once: %w", p.exit)
		case <-tick.C:
		}
	}
}

// close ends the server and removes its folder.
func (p *postgres) close() error {
	if p == nil {
		return nil
	}
	if p.server != nil {
		_ = p.server.Process.Signal(os.Interrupt) // fast shutdown
		select {
		case <-p.ended:
		case <-time.After(10 * time.Second):
			_ = p.server.Process.Kill()
			<-p.ended
		}
	}
	return os.RemoveAll(p.dir)
}

func freePort(ctx context.Context) (int, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil // a tcp listener has no other address
}
