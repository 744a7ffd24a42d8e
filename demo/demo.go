// Package demo lays out three agencies on one machine and keeps them busy, so that `truc demo` shows what truc does with
// nothing to install: the civil-status system of the former Hải Dương (SQLite, TCVN3 text, codes 1/2/3, dates as text, soft
// deletes, drafts, places as they were called in 2019), Hà Nội's (its own columns and codes), and a health insurer that
// fills its table from both. Every person is made up.
package demo

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	_ "modernc.org/sqlite" // the demo plays the agencies, which write their own databases
)

//go:embed files
var files embed.FS

// The databases of the agencies, relative to the demo's folder.
const (
	HaiDuongFile = "haiduong.db"
	HanoiFile    = "hanoi.db"
	InsurerFile  = "bhyt.db"
	ConfigFile   = "truc.yaml"
)

const haiDuongSchema = `CREATE TABLE IF NOT EXISTS ht_khaisinh (
  id         INTEGER PRIMARY KEY,
  so_dk      TEXT NOT NULL,
  quyen_so   TEXT NOT NULL,
  ngay_dk    TEXT,              -- dd/MM/yyyy
  loai_dk    TEXT,
  ho_ten     TEXT,              -- TCVN3
  ngay_sinh  TEXT,              -- dd/MM/yyyy, MM/yyyy or yyyy
  gioi_tinh  TEXT,              -- 1 nam, 2 nữ, 3 không rõ
  noi_sinh   TEXT,              -- TCVN3
  ma_xa      TEXT,              -- the commune of birth by the list of the day of registration; often blank
  ho_ten_me  TEXT,              -- TCVN3
  trang_thai INTEGER NOT NULL,  -- 0 nháp, 2 đã đăng ký
  da_xoa     INTEGER NOT NULL DEFAULT 0
)`

const insurerSchema = `CREATE TABLE IF NOT EXISTS tre_em (
  co_quan      TEXT NOT NULL,
  quyen_so     TEXT NOT NULL,
  so_ks        TEXT NOT NULL,
  ho_ten       TEXT NOT NULL,
  ngay_sinh    TEXT NOT NULL,
  gioi_tinh    TEXT NOT NULL,   -- M, F, U: the insurer's own codes
  so_dinh_danh TEXT,
  ngay_dang_ky TEXT,
  tinh         TEXT,            -- where the child was born: province and commune of today,
  xa           TEXT,
  tinh_cu      TEXT,            -- and as they were on the day of registration
  xa_cu        TEXT,
  tinh_trang   TEXT,            -- the insurer's own; truc sets it once
  so_the       TEXT,            -- the insurer's own; truc never touches it
  PRIMARY KEY (co_quan, quyen_so, so_ks)
);
CREATE TABLE IF NOT EXISTS dan_toc (
  danh_muc TEXT NOT NULL,
  ma       TEXT NOT NULL,
  ten      TEXT NOT NULL,
  PRIMARY KEY (danh_muc, ma)
)`

// Layout is a demo's folder with its databases.
type Layout struct {
	Dir      string
	HaiDuong *sql.DB
	Hanoi    *sql.DB
	// HanoiSystem is what Hà Nội's system runs on: "PostgreSQL" or "SQLite".
	HanoiSystem string
	// hanoi knows how that database wants its statements; server is its PostgreSQL, nil on SQLite.
	hanoi  dialect
	server *postgres
}

// dialect is what differs between the databases Hà Nội may run on.
type dialect struct {
	schema   string
	truth    func(bool) any
	numbered bool // $1 instead of ?
}

var sqliteDialect = dialect{
	schema: `CREATE TABLE IF NOT EXISTS khai_sinh (
  ma           INTEGER PRIMARY KEY,
  so           INTEGER NOT NULL,
  quyen        TEXT NOT NULL,
  ngay_dang_ky TEXT NOT NULL,   -- yyyy-MM-dd
  ho TEXT, dem TEXT, ten TEXT,
  ngay_sinh    TEXT,            -- yyyy-MM-dd
  gioi         TEXT,            -- Nam, Nữ
  so_dinh_danh TEXT,
  xac_nhan     INTEGER NOT NULL -- 1 when confirmed
)`,
	truth: func(b bool) any {
		if b {
			return 1
		}
		return 0
	},
}

// Lay writes the configuration, the mappings and the databases into a folder; what is there already is kept. With server,
// Hà Nội's database is a PostgreSQL started for the demo, if one is installed; it is gone afterwards.
func Lay(ctx context.Context, dir string, server bool) (*Layout, error) {
	l := &Layout{Dir: dir, HanoiSystem: "SQLite", hanoi: sqliteDialect}
	if server {
		p, err := startPostgres(ctx)
		switch {
		case err == nil:
			l.HanoiSystem, l.hanoi, l.server = "PostgreSQL", postgresDialect, p
		case ctx.Err() != nil:
			return nil, ctx.Err() // what PostgreSQL said when it was ended is of no interest
		case !errors.Is(err, errNoServer):
			l.HanoiSystem = "SQLite (PostgreSQL is installed, but did not start here)"
		}
	}
	if err := l.writeFiles(); err != nil {
		return nil, errors.Join(fmt.Errorf("lay out demo: %w; name a folder that you may write: --dir DIR", err), l.Close())
	}
	if err := l.openDatabases(ctx); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func (l *Layout) writeFiles() error {
	source, filter := "sqlite: { path: "+HanoiFile+", poll: 50ms }", "only: xac_nhan == 1\n"
	if l.server != nil {
		source, filter = `postgres: { dsn: "`+l.server.dsn+`" }`, "only: xac_nhan\n"
	}
	if err := os.MkdirAll(filepath.Join(l.Dir, "mappings"), 0o750); err != nil {
		return err
	}
	return fs.WalkDir(files, "files", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := files.ReadFile(path)
		if err != nil {
			return err
		}
		text := strings.Replace(string(data), "{{HANOI}}", source, 1)
		if l.server != nil {
			text = strings.Replace(text, "mapping: mappings/hanoi.yaml,", "mapping: mappings/hanoi.yaml, table: public.khai_sinh,", 1)
		}
		if filepath.Base(path) == "hanoi.yaml" {
			text = strings.Replace(text, "only: xac_nhan\n", filter, 1)
		}
		to := filepath.Join(l.Dir, filepath.FromSlash(strings.TrimPrefix(path, "files/")))
		if _, err := os.Stat(to); err == nil {
			return nil
		}
		return os.WriteFile(to, []byte(text), 0o600)
	})
}

func (l *Layout) openDatabases(ctx context.Context) (err error) {
	if l.HaiDuong, err = open(ctx, filepath.Join(l.Dir, HaiDuongFile), haiDuongSchema); err != nil {
		return err
	}
	if l.server != nil {
		if l.Hanoi, err = sql.Open("pgx", l.server.dsn); err == nil {
			_, err = l.Hanoi.ExecContext(ctx, l.hanoi.schema)
		}
	} else {
		l.Hanoi, err = open(ctx, filepath.Join(l.Dir, HanoiFile), l.hanoi.schema)
	}
	if err != nil {
		return fmt.Errorf("create Hà Nội's table: %w", err)
	}
	insurer, err := open(ctx, filepath.Join(l.Dir, InsurerFile), insurerSchema)
	if err != nil {
		return err
	}
	return insurer.Close()
}

func open(ctx context.Context, path, schema string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", "file:"+filepath.ToSlash(path)+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_txlock=immediate")
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", filepath.Base(path), err)
	}
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, schema); err != nil {
		return nil, errors.Join(fmt.Errorf("create tables of %s: %w", filepath.Base(path), err), db.Close())
	}
	return db, nil
}

// Close closes the agencies' databases.
func (l *Layout) Close() error {
	var errs []error
	for _, db := range []*sql.DB{l.HaiDuong, l.Hanoi} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(append(errs, l.server.close())...)
}
