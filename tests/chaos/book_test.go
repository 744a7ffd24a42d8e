//go:build linux

package chaos

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// state is what is published of a key after a change: nothing, or a document with a version and a note.
type state struct {
	there   bool
	version int
	note    int
	// left says that the log leaves the note out: it was not changed.
	left bool
	// gone says that there is no row; a row that is hidden is there, and so is its note.
	gone bool
}

func (s state) String() string {
	switch {
	case s.gone:
		return "deleted"
	case !s.there:
		return "hidden"
	}
	return fmt.Sprintf("version %d%s", s.version, map[bool]string{true: "'"}[s.left])
}

// noteText is long enough, beside the rest of its row, to be stored outside of it: a change of another column does not carry it then.
func noteText(n int) string {
	sum := md5.Sum([]byte(strconv.Itoa(n)))
	return strconv.Itoa(n) + " " + strings.Repeat(hex.EncodeToString(sum[:]), 60)
}

// book is the truth: for each key, what every committed change made of it, in order.
type book struct {
	mu    sync.Mutex
	steps map[string][]state
	// before is how many of the steps were committed before the publisher had a slot: those need not be on the topic one by one.
	before map[string]int
}

func (b *book) add(entries []entry) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range entries {
		b.steps[e.key] = append(b.steps[e.key], e.state)
	}
}

// beginStream says that from here on every change must be published.
func (b *book) beginStream() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for key, steps := range b.steps {
		b.before[key] = len(steps)
	}
}

func (b *book) changes() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for key, steps := range b.steps {
		n += len(steps) - b.before[key]
	}
	return n
}

// live is what must be there in the end.
func (b *book) live() map[string]state {
	b.mu.Lock()
	defer b.mu.Unlock()
	live := map[string]state{}
	for key, steps := range b.steps {
		if last := steps[len(steps)-1]; last.there {
			live[key] = last
		}
	}
	return live
}

// entry is one change of a transaction, for the book.
type entry struct {
	key   string
	state state
}

// row is a clerk's view of a row of the table.
type row struct {
	state
	hidden bool // is in the table, and not to be published
}

// clerk changes rows that no other clerk changes, so that the order of their changes is the order of its transactions.
type clerk struct {
	number int
	dsn    string
	rng    *rand.Rand
	book   *book
	rows   map[string]row
	last   map[string]int // highest version a key ever had
	keys   int
	done   int // transactions known to be committed
}

const table = `CREATE TABLE khai_sinh (so text PRIMARY KEY, ngay_dk date NOT NULL DEFAULT '2026-01-05',
  ho_ten text NOT NULL DEFAULT 'Nguyễn Văn Mẫu', nguoi_ky text NOT NULL, ghi_chu text, hien boolean NOT NULL DEFAULT true,
  them text NOT NULL DEFAULT repeat('x', 600));
ALTER TABLE khai_sinh ALTER ghi_chu SET STORAGE EXTERNAL, ALTER them SET STORAGE PLAIN;
CREATE TABLE so_cai (clerk int PRIMARY KEY, done int NOT NULL);`

// work changes rows until the context ends. What the server did of a transaction whose answer was lost is looked up.
func (c *clerk) work(ctx context.Context, pause time.Duration) error {
	conn, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { conn.Close(context.Background()) }()
	for ctx.Err() == nil {
		statements, entries, after := c.transaction()
		commit := c.rng.IntN(12) > 0
		if err := c.execute(conn, statements, commit); err != nil {
			conn.Close(context.Background())
			if conn, err = c.connect(context.Background()); err != nil {
				return err
			}
			var done int
			if err := conn.QueryRow(context.Background(), `SELECT done FROM so_cai WHERE clerk = $1`, c.number).Scan(&done); err != nil {
				return fmt.Errorf("look up what became of a transaction: %w", err)
			}
			commit = commit && done == c.done+1
		}
		if commit {
			c.done++
			after()
			c.book.add(entries)
		}
		time.Sleep(time.Duration(c.rng.Int64N(int64(pause) + 1)))
	}
	return nil
}

// connect waits for the server.
func (c *clerk) connect(ctx context.Context) (*pgx.Conn, error) {
	for deadline := time.Now().Add(time.Minute); ; {
		attempt, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		conn, err := pgx.Connect(attempt, c.dsn)
		cancel()
		if err == nil {
			return conn, nil
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("clerk %d: connect: %w", c.number, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (c *clerk) execute(conn *pgx.Conn, statements []statement, commit bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	b := &pgx.Batch{}
	b.Queue("BEGIN")
	b.Queue("UPDATE so_cai SET done = $2 WHERE clerk = $1", c.number, c.done+1)
	for _, s := range statements {
		b.Queue(s.sql, s.args...)
	}
	b.Queue(map[bool]string{true: "COMMIT", false: "ROLLBACK"}[commit])
	return conn.SendBatch(ctx, b).Close()
}

type statement struct {
	sql  string
	args []any
}

// fill registers the first rows.
func (c *clerk) fill(ctx context.Context, n int) error {
	conn, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "INSERT INTO so_cai VALUES ($1, 0)", c.number); err != nil {
		return err
	}
	t := c.begin()
	for range n {
		t.insert(c.newKey())
	}
	if err := c.execute(conn, t.statements, true); err != nil {
		return err
	}
	c.done++
	t.keep()
	c.book.add(t.entries)
	return nil
}

func (c *clerk) newKey() string {
	c.keys++
	return c.keyOf(c.keys)
}

func (c *clerk) keyOf(n int) string { return fmt.Sprintf("%d.%d", c.number, n) }

// signature is where a document carries its version.
func signature(version int) string { return "Người ký " + strconv.Itoa(version) }
