package postgres

import (
	"errors"
	"fmt"
	"strconv"
	"testing"

	"github.com/lienthong/truc/adapters"
)

// TestSinkRenews: what is renewed leaves the rows and the bookkeeping that looking for every key leaves.
func TestSinkRenews(t *testing.T) {
	var states []string
	for _, renews := range []bool{true, false} {
		b := newBed(t, things(), createThings)
		b.apply(b.fill(0, leastRenewal)...)
		for _, p := range b.conn().plans {
			if p.renewal == nil {
				t.Fatal("the table cannot be renewed")
			}
			if !renews {
				p.renewal = nil
			}
		}
		for range 3 { // the first finds out that all is known
			b.fill(0, 1) // another sequence, and other names
			b.apply(b.fill(0, leastRenewal)...)
		}
		if renewals := b.conn().renewals; renewals == 2 != renews {
			t.Errorf("%d batches were renewed", renewals)
		}
		states = append(states, b.state())
	}
	if states[0] != states[1] {
		t.Errorf("renewed:\n%s\nthe usual way:\n%s", states[0], states[1])
	}
}

// TestSinkRenewsAllOrNothing: what finds not every key, or not every row, is undone and done the usual way.
func TestSinkRenewsAllOrNothing(t *testing.T) {
	for name, spoil := range map[string]func(*sinkBed){
		"an old event": func(b *sinkBed) {
			newer := b.fill(7, 1)
			newer[0].Sequence = fmt.Sprintf("%032x", 1<<40)
			b.apply(newer...)
		},
		"a row the agency deleted": func(b *sinkBed) { execute(t, b.dsn, "DELETE FROM bhyt.vat WHERE so = 4") },
		"a key the bookkeeping does not know": func(b *sinkBed) {
			execute(t, b.dsn, "DELETE FROM truc.sink_entity WHERE key = (SELECT max(key) FROM truc.sink_entity)")
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, things(), createThings)
			b.apply(b.fill(0, leastRenewal)...)
			b.apply(b.fill(0, leastRenewal)...)
			b.apply(b.fill(0, leastRenewal)...)
			if b.conn().renewals != 1 || !b.conn().steady {
				t.Fatal("nothing was renewed")
			}
			spoil(b)
			b.conn().steady = true
			b.apply(b.fill(0, leastRenewal)...)
			if b.conn().renewals != 1 || b.conn().hesitant != hesitation {
				t.Errorf("%d batches were renewed, hesitation %d", b.conn().renewals, b.conn().hesitant)
			}
			b.want("SELECT count(*) FROM bhyt.vat", strconv.Itoa(leastRenewal))
			b.want("SELECT count(*) FROM truc.sink_entity", strconv.Itoa(leastRenewal))
			if name == "an old event" {
				b.want("SELECT count(*) FROM truc.sink_entity WHERE sequence = lpad(to_hex(1::bigint << 40), 32, '0')", "1")
			}
			b.apply(b.fill(0, leastRenewal)...)
			if b.conn().renewals != 1 {
				t.Error("a batch was renewed at once after one that could not be")
			}
		})
	}
}

// TestSinkRenewsNotBeforeTriggers: a trigger would see updates that are undone.
func TestSinkRenewsNotBeforeTriggers(t *testing.T) {
	b := newBed(t, things(), createThings+`CREATE FUNCTION bhyt.thay() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
		CREATE TRIGGER thay AFTER UPDATE ON bhyt.vat EXECUTE FUNCTION bhyt.thay()`)
	for range 4 {
		b.apply(b.fill(0, leastRenewal)...)
	}
	if renewals := b.conn().renewals; renewals != 0 {
		t.Errorf("%d batches were renewed", renewals)
	}
}

// TestSinkRenewalMovesOffsets: who is no longer at the offset writes nothing.
func TestSinkRenewalMovesOffsets(t *testing.T) {
	b := newBed(t, things(), createThings)
	for range 3 {
		b.apply(b.fill(0, leastRenewal)...)
	}
	before := b.state()
	b.offset--
	if err := b.try(b.fill(0, leastRenewal)...); !errors.Is(err, adapters.ErrOffsetMoved) {
		t.Errorf("got %v, want ErrOffsetMoved", err)
	}
	if after := b.state(); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}
