package pipeline

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lienthong/truc/adapters/memory"
	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/mapping"
	"github.com/lienthong/truc/record"
)

// patient is a reader that no number of letters stops.
func (p *press) patient(i *instance) *Reader {
	r := p.reader(i, time.Millisecond, p.first)
	r.cfg.Budget = Budget{Window: 10, Share: 1, Least: 1 << 30}
	return r
}

// lettered reports whether the snapshot is through and so many letters are open.
func (p *press) lettered(r *Reader, letters int64) func() bool {
	return func() bool {
		return complete(r, 1)() && p.store.LogLength() == 0 && r.Stats().Publish[p.first.Name].Open.Load() == letters
	}
}

// unnamed inserts rows without a name, first to last.
func (p *press) unnamed(first, last int) {
	p.t.Helper()
	if err := p.store.Transact(func(tx *memory.Tx) error {
		for id := first; id <= last; id++ {
			if err := tx.Insert("ks", row(id, "", 0)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		p.t.Fatal(err)
	}
}

// mapped gives the first pipeline the test's mapping with pieces replaced.
func (p *press) mapped(oldnew ...string) {
	p.t.Helper()
	file, problems := mapping.Parse("ks.yaml", []byte(strings.NewReplacer(oldnew...).Replace(testMapping)), nil)
	if problems.Err() != nil {
		p.t.Fatal(problems)
	}
	p.first.Mapping = file
}

// retry asks for a retry, runs it and returns what it came to.
func (p *press) retry(q Request) *RetryResult {
	p.t.Helper()
	q.Retry = p.first.Name
	p.request(q)
	i := p.bus.process(1<<30, false)
	r := p.reader(i, time.Millisecond, p.first)
	p.run(i, r, p.done(r))
	return p.lastRetry()
}

func (p *press) lastRetry() *RetryResult {
	p.t.Helper()
	result, err := LastRetry(p.t.Context(), p.bus.process(0, false), "H44.15", "hotich", p.first.Name)
	if err != nil || result == nil {
		p.t.Fatalf("result of the retry: %v, %v", result, err)
	}
	result.Time, result.End, result.Format = time.Time{}, 0, 0
	return result
}

// TestRetryInBulk: after the mapping is mended one retry leaves no letter open but those of rows that are wrong themselves,
// whatever has become of the rows meanwhile.
func TestRetryInBulk(t *testing.T) {
	const rows = 1200
	p := newPress(t)
	p.unnamed(1, rows-10)
	change := func(fn func(tx *memory.Tx, key record.Row, id int) error, from, to int) {
		t.Helper()
		if err := p.store.Transact(func(tx *memory.Tx) error {
			for id := from; id <= to; id++ {
				if err := fn(tx, record.Row{record.IntValue(int64(id))}, id); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	change(func(tx *memory.Tx, _ record.Row, id int) error { // wrong under any mapping
		return tx.Insert("ks", row(id, strings.Repeat("x", 1000), 0))
	}, rows-9, rows)
	i := p.bus.process(1<<30, false)
	r := p.patient(i)
	p.run(i, r, p.lettered(r, rows))

	change(func(tx *memory.Tx, key record.Row, _ int) error { return tx.Delete("ks", key) }, 1, 10)
	change(func(tx *memory.Tx, key record.Row, id int) error { return tx.Update("ks", key, row(id, "Bình", 0)) }, 11, 20)
	change(func(tx *memory.Tx, key record.Row, id int) error { return tx.Update("ks", key, row(id, "", 1)) }, 21, 30)
	change(func(tx *memory.Tx, key record.Row, id int) error {
		r := row(id, "", 0)
		r[1] = record.TextValue(fmt.Sprintf("KX%d", id))
		return tx.Update("ks", key, r)
	}, 31, 40)
	p.forgiving()
	want := &RetryResult{ID: "1", Pipeline: "khaisinh", Total: rows, Resolved: rows - 30, Gone: 20, Wrong: map[string]int64{"maxLength /nguoiDuocKhaiSinh/hoTen": 10}, Done: true}
	if diff := cmp.Diff(want, p.retry(Request{ID: "1"})); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
	live, _, _ := p.contents(p.first.Topic)
	if len(live) != rows-30 || !live[`["KX31","2026","H44.15"]`] || live[`["KS31","2026","H44.15"]`] || live[`["KS1","2026","H44.15"]`] {
		t.Errorf("the topic has %d entities, want %d", len(live), rows-30)
	}
	open := p.letters()
	if len(open) != 10 {
		t.Fatalf("%d letters are open, want 10", len(open))
	}
	if open[0].Times != 2 || open[0].Letter.Times != 2 || open[0].Letter.Op != "snapshot" {
		t.Errorf("a letter that stays open does not go on with the old one: %+v", open[0])
	}

	// What is asked for is limited, and what was tried is not tried again by the same request.
	want = &RetryResult{ID: "2", Pipeline: "khaisinh", Total: 1, Wrong: map[string]int64{"maxLength /nguoiDuocKhaiSinh/hoTen": 1}, Done: true}
	if diff := cmp.Diff(want, p.retry(Request{ID: "2", RetryKeys: []string{open[3].Key}, RetryReason: "maxLength", RetryField: "nguoiDuocKhaiSinh"})); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
	want = &RetryResult{ID: "3", Pipeline: "khaisinh", Done: true}
	if diff := cmp.Diff(want, p.retry(Request{ID: "3", RetryReason: "pattern"})); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
}

// TestRetryOfManyWrong: letters that stay open do not exhaust the error budget, or the cure would stop the pipeline.
func TestRetryOfManyWrong(t *testing.T) {
	const rows = 1100
	p := newPress(t)
	p.unnamed(1, rows)
	i := p.bus.process(1<<30, false)
	r := p.patient(i)
	p.run(i, r, p.lettered(r, rows))
	got := p.retry(Request{ID: "1"})
	if got.StillWrong() != rows || !got.Done || len(p.letters()) != rows {
		t.Errorf("result %+v, %d letters open", got, len(p.letters()))
	}
}

// TestRetryGoesOn: a retry that is cut off anywhere is gone on with: nothing is published twice, and every letter is closed.
func TestRetryGoesOn(t *testing.T) {
	const rows = 1100
	for n := range 14 {
		after, stored := n, n%2 == 1
		p := newPress(t)
		if err := p.store.Transact(func(tx *memory.Tx) error { // wrong under any mapping, and tried first
			return tx.Insert("ks", row(1, strings.Repeat("x", 1000), 0))
		}); err != nil {
			t.Fatal(err)
		}
		p.unnamed(2, rows)
		i := p.bus.process(1<<30, false)
		r := p.patient(i)
		p.run(i, r, p.lettered(r, rows))
		p.forgiving()
		p.request(Request{ID: "1", Retry: p.first.Name})
		i = p.bus.process(after, stored)
		r = p.reader(i, time.Millisecond, p.first)
		p.run(i, r, p.done(r))
		i = p.bus.process(1<<30, false)
		r = p.reader(i, time.Millisecond, p.first)
		p.run(i, r, p.done(r))
		open := p.letters()
		if live, events, _ := p.contents(p.first.Topic); len(live) != rows-1 || events != rows-1 || len(open) != 1 || open[0].Times != 2 {
			t.Errorf("crash after %d groups: %d entities from %d events, open %+v", after, len(live), events, open)
		}
		got := p.lastRetry()
		if lost := got.Total - got.Tried(); !got.Done || got.Total != rows || lost < 0 || lost > retryGroup || got.Newer > retryGroup || got.StillWrong() > 1 {
			t.Errorf("crash after %d groups: result %+v", after, got)
		}
	}
}

// TestRetryOfADeletion: a deletion whose old row gave no key is published once the mapping gives one; nothing else would.
func TestRetryOfADeletion(t *testing.T) {
	p := newPress(t)
	p.forgiving()
	p.unnamed(1, 1)
	i := p.bus.process(1<<30, false)
	r := p.reader(i, time.Millisecond, p.first)
	p.run(i, r, complete(r, 1))
	p.mapped("so: so\n", "so: text(ten)\n")
	p.delete("ks", 1)
	r = p.reader(i, time.Millisecond, p.first)
	p.run(i, r, func() bool { return p.done(r)() && len(p.letters()) == 1 })
	if l := p.letters()[0].Letter; l.Op != "delete" || l.Reason != "key" {
		t.Fatalf("the letter is %+v", l)
	}
	if got := p.retry(Request{ID: "1"}); got.StillWrong() != 1 || len(p.letters()) != 1 {
		t.Errorf("under the same mapping: %+v", got)
	}
	p.forgiving()
	if got := p.retry(Request{ID: "2"}); got.Resolved != 1 {
		t.Errorf("result %+v", got)
	}
	if live, _, tombstones := p.contents(p.first.Topic); len(live) != 0 || tombstones != 1 || len(p.letters()) != 0 {
		t.Errorf("live %v, %d tombstones, %d letters open", live, tombstones, len(p.letters()))
	}
}

// TestRetryOfOneRowTwice: two letters without a key stand for one row: it is published once, and both are closed.
func TestRetryOfOneRowTwice(t *testing.T) {
	p := newPress(t)
	p.mapped("so: so\n", "so: text(ten)\n")
	p.unnamed(1, 1)
	i := p.bus.process(1<<30, false)
	r := p.reader(i, time.Millisecond, p.first)
	p.run(i, r, func() bool { return complete(r, 1)() && len(p.letters()) == 1 })
	if err := p.store.Transact(func(tx *memory.Tx) error { return tx.Update("ks", record.Row{record.IntValue(1)}, row(1, "", 0)) }); err != nil {
		t.Fatal(err)
	}
	p.run(i, p.reader(i, time.Millisecond, p.first), func() bool { return len(p.letters()) == 2 })
	latest := max(p.letters()[0].Letter.Sequence, p.letters()[1].Letter.Sequence)
	p.forgiving()
	if got := p.retry(Request{ID: "1"}); got.Resolved != 1 || got.Newer != 1 {
		t.Errorf("result %+v", got)
	}
	if _, events, _ := p.contents(p.first.Topic); events != 1 || len(p.letters()) != 0 {
		t.Errorf("%d events, %d letters open; want 1 and 0", events, len(p.letters()))
	}
	for _, part := range p.bus.topics[p.first.Topic] {
		for _, d := range part {
			if d.Header("ce_sequence") != latest {
				t.Errorf("published at %s, want the place of the latest letter, %s", d.Header("ce_sequence"), latest)
			}
		}
	}
}

// TestUnreadableLetter: a letter somebody else wrote hides no other, and is nobody's but a person's.
func TestUnreadableLetter(t *testing.T) {
	p := newPress(t)
	p.unnamed(1, 1)
	i := p.bus.process(1<<30, false)
	r := p.reader(i, time.Millisecond, p.first)
	p.run(i, r, func() bool { return complete(r, 1)() && len(p.letters()) == 1 })
	if err := putOne(t.Context(), i, kafka.TopicPartition{Topic: p.first.Topic + bus.DLQSuffix}, bus.Message{Key: []byte("x"), Value: []byte(`{"v":2}`)}); err != nil {
		t.Fatal(err)
	}
	p.forgiving()
	got := p.retry(Request{ID: "1"})
	if open := p.letters(); got.Resolved != 1 || got.Unknown != 1 || len(open) != 1 || open[0].Letter.Reason != "unreadable" {
		t.Errorf("result %+v, open %+v", got, open)
	}
}

var errEnough = errors.New("enough")

// TestLettersAreStreamed: whoever has enough ends the reading.
func TestLettersAreStreamed(t *testing.T) {
	p := newPress(t)
	p.unnamed(1, 20)
	i := p.bus.process(1<<30, false)
	r := p.reader(i, time.Millisecond, p.first)
	p.run(i, r, func() bool { return complete(r, 1)() && len(p.letters()) == 20 })
	n := 0
	err := EachOpenLetter(t.Context(), i, p.first.Topic+".dlq", p.first.Topic, p.first.Name, func(OpenLetter) error {
		if n++; n == 3 {
			return errEnough
		}
		return nil
	})
	if !errors.Is(err, errEnough) || n != 3 {
		t.Errorf("%d letters, %v", n, err)
	}
}

// TestRetryGivesAKey: a letter without a key that is tried again, and is wrong in another way now, stands under its key; a
// valid version closes it there.
func TestRetryGivesAKey(t *testing.T) {
	p := newPress(t)
	p.mapped("so: so\n", "so: text(ten)\n")
	p.unnamed(1, 1)
	i := p.bus.process(1<<30, false)
	r := p.reader(i, time.Millisecond, p.first)
	p.run(i, r, func() bool { return complete(r, 1)() && len(p.letters()) == 1 })
	p.mapped()
	p.request(Request{ID: "1", Retry: p.first.Name})
	r = p.reader(i, time.Millisecond, p.first)
	updated := false
	p.run(i, r, func() bool { // in one session: what recovery would read anew must be known already
		if !updated && p.done(r)() {
			if open := p.letters(); len(open) != 1 || open[0].Raw[0] == '@' {
				t.Fatalf("open after the retry: %+v", open)
			}
			p.update(1, "An")
			updated = true
		}
		return updated && p.done(r)() && len(p.letters()) == 0
	})
}

// TestRetryAsksForOtherKeys: the row of a letter without a key was published since, under the key it has now.
func TestRetryAsksForOtherKeys(t *testing.T) {
	p := newPress(t)
	p.mapped("so: so\n", "so: text(ten)\n")
	p.unnamed(1, 1)
	i := p.bus.process(1<<30, false)
	r := p.reader(i, time.Millisecond, p.first)
	p.run(i, r, func() bool { return complete(r, 1)() && len(p.letters()) == 1 })
	p.mapped()
	p.update(1, "An")
	r = p.reader(i, time.Millisecond, p.first)
	p.run(i, r, p.done(r))
	if got := p.retry(Request{ID: "1"}); got.Newer != 1 {
		t.Errorf("result %+v", got)
	}
	if _, events, _ := p.contents(p.first.Topic); events != 1 || len(p.letters()) != 0 {
		t.Errorf("%d events, %d letters open; want 1 and 0", events, len(p.letters()))
	}
}

// TestRetryOfTwoRowsOfOneEntity: whichever row comes first, the topic ends with the later letter's.
func TestRetryOfTwoRowsOfOneEntity(t *testing.T) {
	for range 12 {
		p := newPress(t)
		p.mapped("so: so\n", "so: text(ten)\n")
		if err := p.store.Transact(func(tx *memory.Tx) error {
			for id := range 2 {
				r := row(id+1, "", 0)
				r[1] = record.TextValue("KS")
				if err := tx.Insert("ks", r); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		i := p.bus.process(1<<30, false)
		r := p.reader(i, time.Millisecond, p.first)
		p.run(i, r, func() bool { return complete(r, 1)() && len(p.letters()) == 2 })
		latest := max(p.letters()[0].Letter.Sequence, p.letters()[1].Letter.Sequence)
		p.forgiving()
		p.retry(Request{ID: "1"})
		last := ""
		for _, part := range p.bus.topics[p.first.Topic] {
			for _, d := range part {
				last = d.Header("ce_sequence")
			}
		}
		if last != latest || len(p.letters()) != 0 {
			t.Fatalf("the topic ends with %s, want %s", last, latest)
		}
	}
}

// TestBudgetWindow: a pipeline stops when both bounds are passed, also before the window is full.
func TestBudgetWindow(t *testing.T) {
	b := Budget{Window: 10, Share: 0.5, Least: 4}
	for _, tc := range []struct {
		name, records string // . is good, x is bad
		want          bool
	}{
		{"a bad start", "xxx", false},
		{"a wrong mapping", "xxxx", true},
		{"half of them", ".x.x.x.x", true},
		{"a long life before counts for nothing", "....................xxxx", true},
		{"a few bad ones in a long life", "x....x....x....x....x....x....", false},
		{"bad ones long ago", "xxx..........x.........", false},
		{"not half", "x..x..x..x..", false},
	} {
		var w window
		for _, r := range tc.records {
			if r == 'x' {
				w.bad(b)
			} else {
				w.good(b)
			}
		}
		if got := w.exhausted(b); got != tc.want {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
}

// TestSweepSparesLetters: a row that is there and became a letter has not vanished: a resnapshot under a wrong mapping deletes
// nothing, and the retry afterwards publishes all of it.
func TestSweepSparesLetters(t *testing.T) {
	const rows = 20
	for _, name := range []string{"a field", "the key"} {
		p := newPress(t)
		p.forgiving()
		p.unnamed(1, rows)
		i := p.bus.process(1<<30, false)
		r := p.patient(i)
		p.run(i, r, p.lettered(r, 0))
		if name == "the key" {
			p.mapped("so: so\n", "so: text(ten)\n")
		} else {
			p.mapped() // a name is demanded, and none has one
		}
		p.delete("ks", rows)
		p.request(Request{ID: "1", Resnapshot: []string{p.first.Name}})
		r = p.patient(i)
		p.run(i, r, func() bool { return p.done(r)() && r.Stats().Epoch.Load() == 2 && complete(r, 1)() })
		live, _, tombstones := p.contents(p.first.Topic)
		if n := len(live); n < rows-1 || name == "a field" && tombstones != 1 {
			t.Errorf("%s: %d entities are left of %d, %d tombstones", name, n, rows-1, tombstones)
		}
		p.forgiving()
		if got := p.retry(Request{ID: "2"}); got.Resolved < rows-1 || len(p.letters()) != 0 {
			t.Errorf("%s: result %+v, %d letters", name, got, len(p.letters()))
		}
	}
}
