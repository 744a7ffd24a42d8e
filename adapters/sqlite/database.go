package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/problem"
)

// database is one open file. Transactions are immediate unless they are read-only: a transaction that begins by reading
// and writes later is refused by SQLite when somebody else has written meanwhile.
type database struct {
	*sql.DB
	// where names the file in messages.
	where string
	// path and file are what was opened.
	path string
	file os.FileInfo
}

// moved returns an error when another file, or none, is now where this one was opened: a backup brought back while truc
// runs. What is written into a file that was moved away is lost, and nobody writes there what could be read.
func (d *database) moved() error {
	now, err := os.Stat(d.path)
	switch {
	case err != nil:
		return &adapters.UnreachableError{Where: d.where, Err: errors.New("the file is gone; bring the database back")}
	case !os.SameFile(d.file, now):
		return &adapters.UnreachableError{Where: d.where, Err: errors.New("the file was replaced by another while it was open; it is opened again")}
	}
	return nil
}

// open opens the file of a configuration; it must exist.
func open(ctx context.Context, c *Config) (*database, error) {
	where := "sqlite " + c.Path
	path, err := filepath.Abs(c.Path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", where, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, &adapters.UnreachableError{Where: where, Err: errors.New("there is no such file; correct path: or bring the database there")}
	}
	if info.IsDir() {
		return nil, &adapters.RefusedError{Where: where, What: problem.Say("this is a directory"), Fix: problem.Say("name the database file in path:")}
	}
	slashed := filepath.ToSlash(path)
	if !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed // C:/data/hotich.db
	}
	name := url.URL{Scheme: "file", Path: slashed, RawQuery: url.Values{
		"mode":    {"rw"},
		"_txlock": {"immediate"},
		"_pragma": {"busy_timeout(" + strconv.FormatInt(c.BusyTimeout.Milliseconds(), 10) + ")", "foreign_keys(1)"},
	}.Encode()}
	db, err := sql.Open("sqlite", name.String())
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", where, err)
	}
	d := &database{db, where, path, info}
	var tables int
	if err := db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema`).Scan(&tables); err != nil {
		db.Close()
		return nil, d.explain(ctx, "open", err)
	}
	if err := d.moved(); err != nil { // just now
		db.Close()
		return nil, err
	}
	return d, nil
}

// codeOf is SQLite's extended result code, 0 for errors that are not SQLite's.
func codeOf(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}

// isBusy reports that another program holds the lock.
func isBusy(err error) bool {
	code := codeOf(err) & 0xff
	return code == lib.SQLITE_BUSY || code == lib.SQLITE_LOCKED
}

// explain turns an error of the driver into one that says what it means here. doing is a verb phrase: "read changes".
func (d *database) explain(ctx context.Context, doing string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	unreachable := func(what problem.Text) error {
		return &adapters.UnreachableError{Where: d.where, Err: fmt.Errorf("%s: %s", doing, what)}
	}
	refused := func(what, fix problem.Text) error {
		return &adapters.RefusedError{Where: d.where, What: problem.Say("%s: %s", doing, what), Fix: fix}
	}
	switch codeOf(err) & 0xff {
	case 0:
		return err
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
		return unreachable(problem.Say("another program keeps the file locked; raise busy_timeout: or find it"))
	case lib.SQLITE_CANTOPEN:
		return unreachable(problem.Say("the file cannot be opened; look at the rights of the file and its folder"))
	case lib.SQLITE_FULL:
		return unreachable(problem.Say("the disk is full"))
	case lib.SQLITE_IOERR:
		return unreachable(problem.Say("the disk or network drive does not answer properly (SQLite code %d)", codeOf(err)))
	case lib.SQLITE_READONLY, lib.SQLITE_PERM, lib.SQLITE_AUTH:
		return refused(problem.Say("the file is read-only for truc"), problem.Say("let truc's user write the file and its folder"))
	case lib.SQLITE_NOTADB:
		return refused(problem.Say("the file is no SQLite database, or it is encrypted"), problem.Say("name the right file in path:"))
	case lib.SQLITE_CORRUPT:
		return refused(problem.Say("the database is damaged"), problem.Say("restore it, or repair it with sqlite3's .recover, then truc resnapshot"))
	}
	return &adapters.RefusedError{Where: d.where, What: problem.Say("%s: SQLite refuses the statement (%s)", doing, reasonOf(err)), Fix: problem.Say("compare the table with the mapping: truc check")}
}

// reasonOf is SQLite's own sentence without its prefix. It names tables and columns, never values.
func reasonOf(err error) string {
	_, reason, found := strings.Cut(err.Error(), ": ")
	if !found {
		reason = err.Error()
	}
	return reason
}

// quote makes an identifier safe.
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// literal makes a text constant.
func literal(text string) string { return `'` + strings.ReplaceAll(text, `'`, `''`) + `'` }

// change runs fn in a transaction that may write.
func (d *database) change(ctx context.Context, fn func(*sql.Tx) error) error {
	tx, err := d.BeginTx(ctx, nil)
	if err != nil {
		return d.explain(ctx, "begin", err)
	}
	defer tx.Rollback() // does nothing after Commit
	if err := fn(tx); err != nil {
		return d.explain(ctx, "write", err)
	}
	if err := tx.Commit(); err != nil {
		return d.explain(ctx, "commit", err)
	}
	return nil
}
