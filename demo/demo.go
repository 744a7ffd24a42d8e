// Package demo lays out three agencies on one machine and keeps them busy, so that `truc demo` shows what truc does with
// nothing to install: the civil-status system of the former Vĩnh Phúc (SQLite, TCVN3 text, codes 1/2/3, dates as text, soft
// deletes, drafts), Hà Nội's (its own columns and codes), and a health insurer that fills its table from both. Every person
// is made up.
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
	VinhPhucFile = "vinhphuc.db"
	HanoiFile    = "hanoi.db"
	InsurerFile  = "bhyt.db"
	ConfigFile   = "truc.yaml"
)

const vinhPhucSchema = `CREATE TABLE IF NOT EXISTS ht_khaisinh (
  id         INTEGER PRIMARY KEY,
  so_dk      TEXT NOT NULL,
  quyen_so   TEXT NOT NULL,
  ngay_dk    TEXT,              -- dd/MM/yyyy
  loai_dk    TEXT,
  ho_ten     TEXT,              -- TCVN3
  ngay_sinh  TEXT,              -- dd/MM/yyyy, MM/yyyy or yyyy
  gioi_tinh  TEXT,              -- 1 nam, 2 nữ, 3 không rõ
  noi_sinh   TEXT,              -- TCVN3
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
  tinh_trang   TEXT,            -- the insurer's own; truc sets it once
  so_the       TEXT,            -- the insurer's own; truc never touches it
  PRIMARY KEY (co_quan, quyen_so, so_ks)
)`

// Layout is a demo's folder with its databases.
type Layout struct {
	Dir      string
	VinhPhuc *sql.DB
	Hanoi    *sql.DB
	// hanoi knows how that database wants its statements.
	hanoi dialect
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

// Lay writes the configuration, the mappings and the databases into a folder; what is there already is kept.
func Lay(ctx context.Context, dir string) (*Layout, error) {
	if err := os.MkdirAll(filepath.Join(dir, "mappings"), 0o750); err != nil {
		return nil, fmt.Errorf("lay out demo: %w", err)
	}
	err := fs.WalkDir(files, "files", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := files.ReadFile(path)
		if err != nil {
			return err
		}
		text := strings.Replace(string(data), "{{HANOI}}", "sqlite: { path: "+HanoiFile+", poll: 50ms }", 1)
		if filepath.Base(path) == "hanoi.yaml" {
			text = strings.Replace(text, "only: xac_nhan\n", "only: xac_nhan == 1\n", 1)
		}
		to := filepath.Join(dir, filepath.FromSlash(strings.TrimPrefix(path, "files/")))
		if _, err := os.Stat(to); err == nil {
			return nil
		}
		return os.WriteFile(to, []byte(text), 0o600)
	})
	if err != nil {
		return nil, fmt.Errorf("lay out demo: %w", err)
	}
	l := &Layout{Dir: dir, hanoi: sqliteDialect}
	if l.VinhPhuc, err = open(ctx, filepath.Join(dir, VinhPhucFile), vinhPhucSchema); err != nil {
		return nil, err
	}
	if l.Hanoi, err = open(ctx, filepath.Join(dir, HanoiFile), sqliteDialect.schema); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	insurer, err := open(ctx, filepath.Join(dir, InsurerFile), insurerSchema)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, insurer.Close()
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
	for _, db := range []*sql.DB{l.VinhPhuc, l.Hanoi} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}
