package kafka

import (
	"log/slog"
	"math/rand/v2"
	"testing"
)

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestChoose(t *testing.T) {
	for _, c := range []struct {
		name    string
		members []claimant
		want    string
	}{
		{"alone", []claimant{{"b", claim{}}}, "b"},
		{"whoever was given it keeps it", []claimant{{"a", claim{}}, {"b", claim{Assigned: 3, Holds: true}}, {"c", claim{Holds: true}}}, "b"},
		{"the later word of the group counts", []claimant{{"a", claim{Assigned: 3, Holds: true}}, {"b", claim{Assigned: 5, Holds: true}}}, "b"},
		{"whoever reads already goes on", []claimant{{"a", claim{}}, {"b", claim{Holds: true}}}, "b"},
		{"two that read already", []claimant{{"b", claim{Holds: true}}, {"a", claim{Holds: true}}}, "a"},
		{"none", []claimant{{"b", claim{}}, {"a", claim{}}}, "a"},
	} {
		for range 5 {
			rand.Shuffle(len(c.members), func(i, j int) { c.members[i], c.members[j] = c.members[j], c.members[i] })
			if got := choose(c.members); got.id != c.want {
				t.Errorf("%s: %s is chosen, want %s", c.name, got.id, c.want)
			}
		}
	}
}

// TestAssign: every member is told, one holds, and what a stranger says of itself gives it nothing.
func TestAssign(t *testing.T) {
	l := (&Client{}).NewLease(LeaseConfig{Group: "g", Topic: "t", Log: discard()})
	holder := claim{Format: 1, Assigned: 2, Holds: true, Instance: "truc_may-1_7___"}
	out := l.assign(joined{members: []joinedMember{
		{"a", subscribe("t", nil)}, {"b", subscribe("t", []byte("{"))}, {"c", subscribe("t", holder.encode())}, {"d", []byte{0}},
	}})
	for id, part := range out {
		mine, text := readAllotted(part)
		if mine != (id == "c") {
			t.Errorf("%s holds the lease: %t", id, mine)
		}
		if n := decodeNote(text); n.Holder != holder.Instance || n.Members != 4 || holderName(n.Holder) != "may-1:7" {
			t.Errorf("%s is told %+v", id, n)
		}
	}
	if len(out) != 4 {
		t.Errorf("%d of 4 members are told", len(out))
	}
}
