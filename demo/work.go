package demo

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/lienthong/truc/mapping/value"
)

// Offices are the clerks of both agencies.
type Offices struct {
	rand            *rand.Rand
	haiDuong, hanoi *office
}

const (
	// oldBook is how many pages of the book of 2019 are in the computer when the demo begins.
	oldBook = 20
	// thisYear is the year of new registrations.
	thisYear = 2026
)

// Open lets the clerks in. A book of older registrations is there before truc comes; at a second start it is there already.
func (l *Layout) Open(ctx context.Context) (*Offices, error) {
	const book = 40
	r := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0)) //nolint:gosec // made-up people need no secrecy
	v, err := l.haiDuong(ctx, r)
	if err != nil {
		return nil, err
	}
	h, err := l.hanoiOffice(ctx, r)
	if err != nil {
		return nil, err
	}
	for _, o := range []*office{v, h} {
		for o.next < book {
			if err := o.register(ctx); err != nil {
				return nil, err
			}
		}
	}
	return &Offices{r, v, h}, nil
}

// Work keeps the agencies busy until ctx is done: registrations, corrections, drafts, deletions hard and soft. Early on one
// clerk types a sex code that exists nowhere, and corrects it when mend is closed.
func (f *Offices) Work(ctx context.Context, pause time.Duration, mend <-chan struct{}) error {
	r, v, h := f.rand, f.haiDuong, f.hanoi
	bad, err := v.registerWrongly(ctx)
	if err != nil {
		return ignoreEnd(ctx, err)
	}
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-mend:
			mend = nil
			if err := v.exec(ctx, "UPDATE ht_khaisinh SET gioi_tinh = '2' WHERE id = ?", bad); err != nil {
				return ignoreEnd(ctx, err)
			}
			bad = 0
		case <-tick.C:
			o := v
			if r.IntN(2) == 0 {
				o = h
			}
			if err := o.something(ctx, bad); err != nil {
				return ignoreEnd(ctx, err)
			}
		}
	}
}

func ignoreEnd(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil //nolint:nilerr // the demo was told to end in the middle of a statement
	}
	return err
}

// office is one agency's clerks at work.
type office struct {
	db   *sql.DB
	rand *rand.Rand
	// numbered says that placeholders are $1, $2.
	numbered bool
	table    string
	id       string
	next     int
	insert   func(o *office, n int, draft bool) (string, []any)
	rename   func(o *office, c child) (string, []any)
	approve  string
	remove   []string
}

func (o *office) exec(ctx context.Context, query string, args ...any) error {
	if o.numbered {
		for i := range args {
			query = strings.Replace(query, "?", fmt.Sprintf("$%d", i+1), 1)
		}
	}
	if _, err := o.db.ExecContext(ctx, query, args...); err != nil {
		return fmt.Errorf("write %s: %w", o.table, err)
	}
	return nil
}

func (o *office) register(ctx context.Context) error {
	query, args := o.insert(o, o.next+1, o.rand.IntN(9) == 0)
	if err := o.exec(ctx, query, args...); err != nil {
		return err
	}
	o.next++
	return nil
}

// something is what a clerk does next. The row with the wrong code is left alone until it is corrected.
func (o *office) something(ctx context.Context, leave int) error {
	id := 2 + o.rand.IntN(o.next-1) // the first is the one that is shown at the end
	if id == leave {
		return nil
	}
	switch n := o.rand.IntN(20); {
	case n < 10:
		return o.register(ctx)
	case n < 15:
		query, args := o.rename(o, newChild(o.rand, thisYear))
		return o.exec(ctx, query, append(args, id)...)
	case n < 17:
		return o.exec(ctx, o.approve, id)
	default:
		return o.exec(ctx, o.remove[o.rand.IntN(len(o.remove))], id)
	}
}

func (l *Layout) haiDuong(ctx context.Context, r *rand.Rand) (*office, error) {
	o := &office{
		db: l.HaiDuong, rand: r, table: "ht_khaisinh", id: "id",
		insert: func(o *office, n int, draft bool) (string, []any) {
			// Half of the time the clerks copy the book of 2019, of which some pages are in the computer already.
			year, day, from := thisYear, "15/06/2026", communesOfToday()
			if n <= oldBook || o.rand.IntN(2) == 0 {
				year, day, from = 2019, "14/05/2019", communesOf2019()
			}
			c, place := newChild(o.rand, year), from[o.rand.IntN(len(from))]
			birthday, code := c.legacyBirthday(o.rand), place.code
			if o.rand.IntN(4) == 0 {
				code = ""
			}
			if n == 1 {
				c = child{family: "Nguyễn", middle: "Thị", given: "Mẫu", girl: true}
				place, birthday, draft = from[0], "02/03/2019", false
				code = place.code
			}
			sex := map[bool]string{true: "2", false: "1"}[c.girl]
			if n > 1 && o.rand.IntN(15) == 0 {
				sex = "3"
			}
			status := 2
			if draft {
				status = 0
			}
			return `INSERT INTO ht_khaisinh (id, so_dk, quyen_so, ngay_dk, loai_dk, ho_ten, ngay_sinh, gioi_tinh, noi_sinh, ma_xa, ho_ten_me, trang_thai)
				VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
				[]any{n, strconv.Itoa(n), fmt.Sprintf("01/%d", year), day, "1", legacy(c.name()), birthday, sex, legacy("Trạm y tế " + place.name), code, legacy(newChild(o.rand, year).name()), status}
		},
		rename: func(_ *office, c child) (string, []any) {
			return "UPDATE ht_khaisinh SET ho_ten = ? WHERE id = ?", []any{legacy(c.name())}
		},
		approve: "UPDATE ht_khaisinh SET trang_thai = 2 WHERE id = ?",
		remove:  []string{"UPDATE ht_khaisinh SET da_xoa = 1 WHERE id = ?", "UPDATE ht_khaisinh SET da_xoa = 1 WHERE id = ?", "DELETE FROM ht_khaisinh WHERE id = ?"},
	}
	return o, o.count(ctx)
}

func (l *Layout) hanoiOffice(ctx context.Context, r *rand.Rand) (*office, error) {
	truth := l.hanoi.truth
	o := &office{
		db: l.Hanoi, rand: r, table: "khai_sinh", id: "ma", numbered: l.hanoi.numbered,
		insert: func(o *office, n int, draft bool) (string, []any) {
			c := newChild(o.rand, thisYear)
			sex := map[bool]string{true: "Nữ", false: "Nam"}[c.girl]
			return `INSERT INTO khai_sinh (ma, so, quyen, ngay_dang_ky, ho, dem, ten, ngay_sinh, gioi, so_dinh_danh, xac_nhan)
				VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
				[]any{n, n, "02/2026", "2026-06-15", c.family, c.middle, c.given, fmt.Sprintf("%04d-%02d-%02d", c.year, c.month, c.day), sex, fmt.Sprintf("001%d%02d%06d", map[bool]int{true: 3, false: 2}[c.girl], c.year%100, o.rand.IntN(1_000_000)), truth(!draft)}
		},
		rename: func(_ *office, c child) (string, []any) {
			return "UPDATE khai_sinh SET ho = ?, dem = ?, ten = ? WHERE ma = ?", []any{c.family, c.middle, c.given}
		},
		approve: "UPDATE khai_sinh SET xac_nhan = " + fmt.Sprint(truth(true)) + " WHERE ma = ?",
		remove:  []string{"DELETE FROM khai_sinh WHERE ma = ?"},
	}
	return o, o.count(ctx)
}

// count finds where a second start goes on.
func (o *office) count(ctx context.Context) error {
	var highest sql.NullInt64
	if err := o.db.QueryRowContext(ctx, "SELECT max("+o.id+") FROM "+o.table).Scan(&highest); err != nil {
		return fmt.Errorf("count %s: %w", o.table, err)
	}
	o.next = int(highest.Int64)
	return nil
}

// registerWrongly writes a registration with a sex code that no list knows, and returns its id.
func (o *office) registerWrongly(ctx context.Context) (int, error) {
	query, args := o.insert(o, o.next+1, false)
	args[7] = "9"
	if err := o.exec(ctx, query, args...); err != nil {
		return 0, err
	}
	o.next++
	return o.next, nil
}

// legacy writes text as the old system stores it: TCVN3 bytes. That encoding has no capital letters with tone marks; the
// system's fonts drew lower-case codes as capitals, so its clerks' capitals arrive in lower case.
func legacy(text string) string {
	out, ok := value.EncodeTCVN3(nil, []byte(text))
	if !ok {
		out, _ = value.EncodeTCVN3(nil, []byte(strings.ToLower(text)))
	}
	return string(out)
}
