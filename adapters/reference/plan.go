package reference

import (
	"encoding/json"
	"time"

	"github.com/lienthong/truc/record"
)

// position is what a batch carries: what was said of each table, and what is being said.
type position struct {
	Format int `json:"v"`
	// Major is the order of the last plan: they are numbered.
	Major  uint64           `json:"major"`
	Tables map[string]state `json:"tables"`
	Plan   *plan            `json:"plan,omitempty"`
}

const positionFormat = 1

// state is what was said of a table.
type state struct {
	// Run is the last snapshot that came to its end, 0 when none did.
	Run uint32 `json:"run"`
	// Rows are the digests of what was said; Touched of what a plan may have said that was given up in its middle, because
	// another state of the table was started meanwhile.
	Rows    []byte `json:"rows,omitempty"`
	Touched []byte `json:"touched,omitempty"`
}

// plan is what is about to be said of a table. It is on record before its first record leaves, so that the places of its records
// never mean anything else: begun again, it says the same at the same places, and where the table is another one by then, a new
// plan with places of its own begins.
type plan struct {
	Table string `json:"table"`
	// Run is the number of a snapshot, 0 for a difference.
	Run uint32 `json:"run,omitempty"`
	// Content is the state of the table that it leads to.
	Content string `json:"content"`
	// Said counts its records that have left.
	Said int `json:"said"`
	// Touches are the digests of what it says.
	Touches []byte `json:"touches,omitempty"`
}

func (p *position) encode() ([]byte, error) { return json.Marshal(p) }

// difference is what is to be said of a table, in order.
type difference struct {
	records []record.Record
	touches digests
	// vanished counts rows that were said, are not there any more, and were not withdrawn.
	vanished int
}

// between compares what was said with a table. In a snapshot all rows are said.
func between(was state, now *table, run uint32) difference {
	var d difference
	before, touched := unpack(was.Rows), unpack(was.Touched)
	at := time.Now()
	say := func(op record.Op, before, after record.Row) {
		d.records = append(d.records, record.Record{Table: now.Table, Op: op, Before: before, After: after, Time: at})
	}
	for i, one := range now.digests {
		content, said := before.find(one.key)
		_, unsure := touched.find(one.key)
		switch {
		case run > 0:
			say(record.Snapshot, nil, now.Rows[i])
		case said && content == one.content && !unsure:
			continue
		case said || unsure:
			say(record.Update, nil, now.Rows[i])
		default:
			say(record.Create, nil, now.Rows[i])
		}
		d.touches = append(d.touches, one)
	}
	if run > 0 {
		before = nil // what was said before the snapshot, and is not there any more, its end tells
	}
	for _, one := range before.with(touched) {
		if _, there := now.digests.find(one.key); there {
			continue
		}
		place, withdrawn := now.withdrawn.find(one.key)
		switch {
		case withdrawn:
			say(record.Delete, now.gone(now.Withdrawn[place]), nil)
			d.touches = append(d.touches, digest{key: one.key})
		default:
			d.vanished++
		}
	}
	if run > 0 {
		say(record.SnapshotEnd, nil, nil)
	}
	d.touches.sort()
	return d
}

// gone is a row of which only the key is known.
func (t *table) gone(key record.Row) record.Row {
	row := make(record.Row, len(t.Table.Columns))
	for i, c := range t.Table.Key {
		row[c] = key[i]
	}
	return row
}
