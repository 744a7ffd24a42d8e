package sqlite

import (
	"encoding/json"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
)

const positionVersion = 1

// position is what a batch carries: everything up to change ID, and Minor rows of snapshots after it, were handed out.
type position struct {
	Version int `json:"v"`
	// Database is the identity in truc_meta.
	Database string `json:"db"`
	ID       uint64 `json:"id"`
	Minor    uint32 `json:"minor,omitempty"`
	// Tag is the random mark of change ID: a restored backup that has grown past ID has another.
	Tag    string              `json:"tag"`
	Tables map[string]progress `json:"tables"`
}

// progress is how far the snapshot of a table is.
type progress struct {
	Run  uint32 `json:"run"`
	Done bool   `json:"done,omitempty"`
	// Since is where the run began; Cursor is the last key read (encodeKey), "" at first.
	SinceID    uint64 `json:"since"`
	SinceMinor uint32 `json:"sinceMinor,omitempty"`
	Cursor     string `json:"cursor,omitempty"`
}

// next is the order of the next snapshot row.
func (p *position) next() record.Order { return record.Order{Major: p.ID, Minor: p.Minor + 1} }

func (p *position) encode() []byte {
	b, err := json.Marshal(p)
	if err != nil {
		panic(err) // no field can fail
	}
	return b
}

func decodePosition(b []byte, where string) (position, error) {
	var p position
	err := json.Unmarshal(b, &p)
	if err == nil && p.Version > positionVersion {
		return p, &adapters.RefusedError{Where: where, What: problem.Say("the saved position was written by a newer truc (format %d)", p.Version), Fix: problem.Say("use that truc, or a newer one")}
	}
	if err != nil || p.Version != positionVersion {
		return p, &adapters.RefusedError{Where: where, What: problem.Say("the saved position is not one of a SQLite source"), Fix: problem.Say("truc resnapshot")}
	}
	if p.Tables == nil {
		p.Tables = map[string]progress{}
	}
	return p, nil
}
