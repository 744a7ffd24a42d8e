// Package alerts tells people that a node needs them: by webhook, or by a command of their own.
//
//	loops → sample → facts → watch (once, hourly, resolved) → a bounded queue for each target → router → webhook or command
//
// Nothing of it stands in the way of the loops: they do not know that they are watched, and a target that cannot be reached
// holds up its own queue only. No text holds the value of a row.
package alerts

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// Event is a kind of trouble.
type Event string

// The events. Those of one pipeline that exclude each other have one place: a reader that met a gap is not stopped as well.
const (
	Stopped    Event = "stopped"    // a source or delivery has stopped for good
	Gap        Event = "gap"        // it has stopped because changes are missing
	Divergence Event = "divergence" // it has stopped because the source is not the one it was
	Budget     Event = "budget"     // it has stopped because most records fail
	Stale      Event = "stale"      // there is work, and nothing moves
	Lag        Event = "lag"        // it moves, and does not catch up
	Retained   Event = "retained"   // the source keeps more log than it may
	Letters    Event = "letters"    // more dead letters are open than there may be
)

// Events lists them all.
func Events() []Event {
	return []Event{Stopped, Gap, Divergence, Budget, Stale, Lag, Retained, Letters}
}

// Status is what a notice says of its event.
type Status string

// The statuses. Of one trouble a target hears firing once, repeated while it lasts, resolved once.
const (
	Firing   Status = "firing"
	Repeated Status = "repeated"
	Resolved Status = "resolved"
	Test     Status = "test"
)

// Notice is what a target is sent, as JSON.
type Notice struct {
	Format int `json:"v"`
	// ID is that of this notice: one that is sent again has the same.
	ID     string `json:"id"`
	Status Status `json:"status"`
	Event  Event  `json:"event"`
	Agency string `json:"agency"`
	// Node is the name of the machine.
	Node string `json:"node"`
	// Where is "source hotich", "publish.khaisinh" or "subscribe.tre_em".
	Where string    `json:"where"`
	Since time.Time `json:"since"`
	Time  time.Time `json:"time"`
	// Count is the number of notices about this trouble, this one included.
	Count int  `json:"count"`
	VI    Text `json:"vi"`
	EN    Text `json:"en"`
	// Detail is what the pipeline itself says, in English; empty where it says nothing.
	Detail string `json:"detail,omitempty"`
	// Text is all of it in one line, for chat programs.
	Text string `json:"text"`
}

// Text says what is so and what to do about it.
type Text struct {
	What string `json:"what"`
	Do   string `json:"do"`
}

// seal fills in what follows from the rest.
func (n *Notice) seal() {
	n.Format = 1
	sum := sha256.Sum256(fmt.Appendf(nil, "%s|%s|%s|%s|%s|%d|%s|%d", n.Agency, n.Node, n.Event, n.Where, n.Since.UTC(), n.Count, n.Status, n.Time.UnixNano()))
	n.ID = "truc_" + hex.EncodeToString(sum[:12])
	n.Text = strings.TrimSpace(fmt.Sprintf("[truc %s] %s %s %s: %s %s / %s %s", n.Agency, strings.ToUpper(string(n.Status)), n.Event, n.Where, n.VI.What, n.VI.Do, n.EN.What, n.EN.Do))
}

// Rules say what a target wants to hear of.
type Rules struct {
	// On are the events; empty means all.
	On []Event
	// Stale and Lag are how long nothing may move, and how long something may be behind.
	Stale, Lag time.Duration
	// RetainedBytes and OpenLetters are what there may be of each.
	RetainedBytes int64
	OpenLetters   int64
	// Repeat is how often a trouble that lasts is told again; 0 means never.
	Repeat time.Duration
	// Resolved says that the end of a trouble is told.
	Resolved bool
}

// DefaultRules are those of a target that says nothing.
func DefaultRules() Rules {
	return Rules{Stale: 10 * time.Minute, Lag: 15 * time.Minute, RetainedBytes: 10 << 30, OpenLetters: 100, Repeat: time.Hour, Resolved: true}
}

// Target is whom to tell: exactly one of Webhook and Command is set.
type Target struct {
	// Name stands in logs: "alerts[0]".
	Name string
	Rules
	// Webhook is a URL, which may be a secret itself; Secret signs what is posted there.
	Webhook, Secret string
	// Command is a program with its arguments; it gets the notice as JSON on its standard input.
	Command []string
	// Timeout of one attempt; 0 means 10 s for a webhook, 30 s for a command.
	Timeout time.Duration
}
