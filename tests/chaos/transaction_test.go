//go:build linux

package chaos

import "maps"

// transaction collects statements, and what they make of the clerk's rows once they are committed.
type transaction struct {
	clerk      *clerk
	rows       map[string]row
	last       map[string]int
	statements []statement
	entries    []entry
}

func (c *clerk) begin() *transaction {
	return &transaction{clerk: c, rows: maps.Clone(c.rows), last: maps.Clone(c.last)}
}

// keep is called when the transaction is committed.
func (t *transaction) keep() { t.clerk.rows, t.clerk.last = t.rows, t.last }

// transaction makes up the next one.
func (c *clerk) transaction() ([]statement, []entry, func()) {
	t := c.begin()
	n := 1 + c.rng.IntN(4)
	if c.rng.IntN(40) == 0 {
		n = 300
	}
	for range n {
		t.change()
	}
	return t.statements, t.entries, t.keep
}

func (t *transaction) change() {
	rng := t.clerk.rng
	key := t.pick()
	if key == "" {
		t.insert(t.clerk.newKey())
		return
	}
	switch rng.IntN(20) {
	case 0, 1:
		if len(t.rows) > mostRows {
			t.delete(key)
			return
		}
		t.insert(t.clerk.newKey())
	case 2:
		t.delete(key)
	case 3:
		t.delete(key)
		t.insert(key)
	case 4:
		t.rename(key, t.clerk.newKey())
	case 5, 6:
		t.show(key, t.rows[key].hidden)
	case 7, 8:
		t.update(key, rng.IntN(1_000_000))
	case 9: // taken back before the end
		t.do("SAVEPOINT s")
		t.do("UPDATE khai_sinh SET nguoi_ky = 'Không ký' WHERE so = $1", key)
		t.do("ROLLBACK TO SAVEPOINT s")
	default:
		t.update(key, t.rows[key].note)
	}
}

func (t *transaction) do(sql string, args ...any) {
	t.statements = append(t.statements, statement{sql, args})
}

// pick chooses a row, "" when there is none.
func (t *transaction) pick() string {
	c := t.clerk
	for range 20 {
		key := c.keyOf(1 + c.rng.IntN(max(c.keys, 1)))
		if _, there := t.rows[key]; there {
			return key
		}
	}
	return ""
}

// set writes a row of the clerk's view and what it means for the book.
func (t *transaction) set(key string, r row) {
	t.rows[key], t.last[key] = r, r.version
	t.entries = append(t.entries, entry{key, r.published()})
}

// newer is a version that a key never had: in a restored backup rows are older than what their keys had already.
func (t *transaction) newer(key string, r row) int { return max(r.version, t.last[key]) + 1 }

func (t *transaction) insert(key string) {
	r := row{state: state{there: true, version: t.last[key] + 1, note: t.clerk.rng.IntN(1_000_000)}}
	t.do("INSERT INTO khai_sinh (so, nguoi_ky, ghi_chu) VALUES ($1, $2, $3)", key, signature(r.version), noteText(r.note))
	t.set(key, r)
}

func (t *transaction) update(key string, note int) {
	r := t.rows[key]
	r.version = t.newer(key, r)
	r.left = note == r.note
	if r.left { // the note is not in the log then
		t.do("UPDATE khai_sinh SET nguoi_ky = $2 WHERE so = $1", key, signature(r.version))
	} else {
		r.note = note
		t.do("UPDATE khai_sinh SET nguoi_ky = $2, ghi_chu = $3 WHERE so = $1", key, signature(r.version), noteText(note))
	}
	t.set(key, r)
}

func (t *transaction) delete(key string) {
	t.do("DELETE FROM khai_sinh WHERE so = $1", key)
	delete(t.rows, key)
	t.entries = append(t.entries, entry{key, state{gone: true}})
}

func (t *transaction) show(key string, shown bool) {
	r := t.rows[key]
	r.version = t.newer(key, r)
	r.left = true
	r.hidden = !shown
	t.do("UPDATE khai_sinh SET hien = $2, nguoi_ky = $3 WHERE so = $1", key, shown, signature(r.version))
	t.set(key, r)
}

func (t *transaction) rename(key, to string) {
	r := t.rows[key]
	delete(t.rows, key)
	t.entries = append(t.entries, entry{key, state{gone: true}})
	r.version = t.newer(to, r)
	r.left = true
	t.do("UPDATE khai_sinh SET so = $2, nguoi_ky = $3 WHERE so = $1", key, to, signature(r.version))
	t.set(to, r)
}
