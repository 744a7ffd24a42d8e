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

// Notes that are short, and so are in the log always, and that are too large for a topic that was told to take less.
const (
	shortNote = -1
	largeNote = 1_000_000
)

// noteText is long enough, beside the rest of its row, to be stored outside of it: a change of another column does not carry it then.
func noteText(n int) string {
	filling := ""
	switch {
	case n >= largeNote:
		filling = strings.Repeat("𠮷", 1900) // of four bytes each: the standard counts characters, a topic bytes
	case n > shortNote:
		sum := md5.Sum([]byte(strconv.Itoa(n)))
		filling = strings.Repeat(hex.EncodeToString(sum[:]), 60)
	}
	return strconv.Itoa(n) + " " + filling
}

// book is the truth: for each key, what every committed change made of it, in order.
type book struct {
	mu    sync.Mutex
	steps map[string][]state
	// before is how many of the steps were committed before the publisher had a slot: those need not be on the topic one by one.
	before map[string]int
	// again says that an operator had the source read again, because something was missing. until is how many of the steps were
	// committed before it was surely being read again: those need not be on the topic one by one, only what became of them.
	again bool
	until map[string]int
	// cut says that records of the topic were lost, too: what the sink was told cannot be seen on it.
	cut bool
	// refused are keys whose only row no document can be made of: each must have a dead letter.
	refused map[string]bool
}

func (b *book) refuse(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refused[key] = true
}

func (b *book) add(entries []entry) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range entries {
		b.steps[e.key] = append(b.steps[e.key], e.state)
	}
}

// addLate adds what the topic does not tell as a change: a dead letter's retry reads the row as a snapshot does.
func (b *book) addLate(e entry) {
	b.add([]entry{e})
	b.mu.Lock()
	defer b.mu.Unlock()
	b.before[e.key] = len(b.steps[e.key])
}

// beginStream says that from here on every change must be published.
func (b *book) beginStream() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for key, steps := range b.steps {
		b.before[key] = len(steps)
	}
}

// beginAgain says that the source is read again from here on; cut: that records of the topic are lost.
func (b *book) beginAgain(cut bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.again, b.cut, b.until = true, b.cut || cut, map[string]int{}
	for key, steps := range b.steps {
		b.until[key] = len(steps)
	}
}

// loseTail says that the topic does not show any more everything that the sink was told.
func (b *book) loseTail() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cut = true
}

// rewind says that the rows are those of a backup, which is what happened to them last.
func (b *book) rewind(rows map[string]row) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for key, steps := range b.steps {
		now, last := state{gone: true}, steps[len(steps)-1]
		if r, ok := rows[key]; ok {
			now = r.published()
		}
		if now.left = false; now != last {
			b.steps[key] = append(b.steps[key], now)
		}
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

// published is what is published of a row.
func (r row) published() state {
	if r.hidden {
		return state{note: r.note, left: r.left}
	}
	return r.state
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

	// gate is closed while nobody may write.
	gate      *sync.RWMutex
	conn      *pgx.Conn
	connected string // DSN of conn
}

const table = `CREATE TABLE khai_sinh (so text PRIMARY KEY, ngay_dk date NOT NULL DEFAULT '2026-01-05',
  ho_ten text NOT NULL DEFAULT 'Nguyễn Văn Mẫu', nguoi_ky text NOT NULL, ghi_chu text, hien boolean NOT NULL DEFAULT true,
  them text NOT NULL DEFAULT repeat('x', 600), du text DEFAULT '1');
ALTER TABLE khai_sinh ALTER ghi_chu SET STORAGE EXTERNAL, ALTER them SET STORAGE PLAIN;
CREATE TABLE so_cai (clerk int PRIMARY KEY, done int NOT NULL);`

// work changes rows until the context ends. What the server did of a transaction whose answer was lost is looked up.
func (c *clerk) work(ctx context.Context, pause time.Duration) error {
	for ctx.Err() == nil {
		c.gate.RLock()
		statements, entries, after := c.transaction()
		err := c.commit(statements, entries, after, c.rng.IntN(12) > 0)
		c.gate.RUnlock()
		if err != nil {
			return err
		}
		time.Sleep(time.Duration(c.rng.Int64N(int64(pause) + 1)))
	}
	return nil
}

// commit carries a transaction out, or rolls it back, and writes into the book what became of it.
func (c *clerk) commit(statements []statement, entries []entry, after func(), commit bool) (err error) {
	if c.conn == nil || c.conn.IsClosed() || c.connected != c.dsn {
		c.rest()
		if c.conn, err = c.connect(context.Background()); err != nil {
			return err
		}
		c.connected = c.dsn
	}
	if err := c.execute(c.conn, statements, commit); err != nil {
		c.rest()
		if c.conn, err = c.connect(context.Background()); err != nil {
			return err
		}
		var done int
		if err := c.conn.QueryRow(context.Background(), `SELECT done FROM so_cai WHERE clerk = $1`, c.number).Scan(&done); err != nil {
			return fmt.Errorf("look up what became of a transaction: %w", err)
		}
		commit = commit && done == c.done+1
	}
	if commit {
		c.done++
		after()
		c.book.add(entries)
	}
	return nil
}

// rest closes the clerk's connection.
func (c *clerk) rest() {
	if c.conn != nil {
		c.conn.Close(context.Background())
		c.conn = nil
	}
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

func (c *clerk) owns(key string) bool { return strings.HasPrefix(key, strconv.Itoa(c.number)+".") }

func (c *clerk) keyOf(n int) string { return fmt.Sprintf("%d.%d", c.number, n) }

// signature is where a document carries its version.
func signature(version int) string { return "Người ký " + strconv.Itoa(version) }
