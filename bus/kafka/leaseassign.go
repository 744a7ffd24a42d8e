package kafka

import (
	"cmp"
	"encoding/json"
	"slices"
)

// leaseProtocol is the name of the way in which the leader of a lease's group decides.
const leaseProtocol = "truc-lease"

// leaseFormat is the version of claim and note.
const leaseFormat = 1

// claim is what a member says of itself when it joins.
type claim struct {
	Format int `json:"v"`
	// Assigned is the generation in which the member was given the lease that it still holds; 0 when it was not.
	Assigned int32 `json:"assigned,omitempty"`
	// Holds says that the member works as the holder, perhaps without the group's word so far.
	Holds    bool   `json:"holds,omitempty"`
	Instance string `json:"instance"`
}

// note is what the leader tells every member.
type note struct {
	Format  int    `json:"v"`
	Holder  string `json:"holder"` // its instance
	Members int    `json:"members"`
}

func (c claim) encode() []byte { return encodeJSON(c) }
func (n note) encode() []byte  { return encodeJSON(n) }

func encodeJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // structs of strings and numbers
	}
	return b
}

// decodeNote takes what it cannot read for nothing.
func decodeNote(b []byte) (n note) {
	_ = json.Unmarshal(b, &n)
	return n
}

// claimant is a member of a generation with its claim.
type claimant struct {
	id string
	claim
}

// choose says which member is given the lease: the one that was given it in the latest generation, so that a standby which
// joins or leaves changes nothing; else one that works already; of several, or of none, the one with the lowest id.
func choose(members []claimant) claimant {
	return slices.MinFunc(members, func(a, b claimant) int {
		return cmp.Or(-cmp.Compare(a.Assigned, b.Assigned), -compareBool(a.Holds, b.Holds), cmp.Compare(a.id, b.id))
	})
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// assign is the leader's decision for every member of a generation.
func (l *Lease) assign(j joined) map[string][]byte {
	members := make([]claimant, len(j.members))
	for i, m := range j.members {
		members[i].id = m.id
		_ = json.Unmarshal(readSubscribed(m.metadata), &members[i].claim) // without a claim it comes last
	}
	holder := choose(members)
	text := note{Format: leaseFormat, Holder: holder.Instance, Members: len(members)}.encode()
	out := make(map[string][]byte, len(members))
	for _, m := range members {
		out[m.id] = allot(l.cfg.Topic, m.id == holder.id, text)
	}
	return out
}
