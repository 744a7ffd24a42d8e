package governance

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/lienthong/truc/problem"
)

// State is how far a version has come.
type State string

// The states, in their order. A draft is a working copy of which nothing was decided.
const (
	Draft      State = "draft"
	Proposed   State = "proposed"
	Approved   State = "approved"
	Published  State = "published"
	Deprecated State = "deprecated"
	Retired    State = "retired"
)

// Text is the state in words.
func (s State) Text() problem.Text {
	switch s {
	case Draft:
		return problem.Say("draft")
	case Proposed:
		return problem.Say("proposed")
	case Approved:
		return problem.Say("approved")
	case Published:
		return problem.Text{VI: "đã công bố", EN: "published"} // truc status calls a column so, of events that were sent
	case Deprecated:
		return problem.Say("deprecated")
	case Retired:
		return problem.Say("retired")
	}
	return problem.Verbatim(string(s))
}

// public says that the version was published once: its text never changes any more, and every later version is judged against it.
func (s State) public() bool { return s == Published || s == Deprecated || s == Retired }

// Person decides. Until there are identities it is whom git names as the author.
type Person struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

func (p Person) String() string { return fmt.Sprintf("%s <%s>", p.Name, p.Email) }

// same says that two are one person: one address, however it is written.
func (p Person) same(o Person) bool {
	return strings.EqualFold(strings.TrimSpace(p.Email), strings.TrimSpace(o.Email))
}

// Entry is a line of a dataset's history: one step of one version.
type Entry struct {
	Format  int       `json:"format"` // 1
	State   State     `json:"state"`
	Version string    `json:"version"`
	By      Person    `json:"by"`
	At      time.Time `json:"at"`
	Why     string    `json:"why,omitempty"`
	// SHA256 is the fingerprint of the schema's text, Types those of the shared types it uses, by $id.
	SHA256 string            `json:"sha256"`
	Types  map[string]string `json:"types,omitempty"`
	// Successor is what to use instead of a deprecated version, and Date the day from which it may be retired, as 2006-01-02.
	Successor string `json:"successor,omitempty"`
	Date      string `json:"date,omitempty"`
	// Previous is the fingerprint of the line before: a history that was rewritten does not fit together any more.
	Previous string `json:"previous,omitempty"`
}

const historyFormat = 1

// parseHistory reads a history and proves that its lines hang together.
func parseHistory(where string, text []byte) ([]Entry, problem.List) {
	var entries []Entry
	previous := ""
	for i, line := range bytes.Split(bytes.TrimSuffix(plain(text), []byte("\n")), []byte("\n")) {
		if len(line) == 0 && len(text) == 0 {
			break
		}
		at := fmt.Sprintf("%s:%d:1", where, i+1)
		var e Entry
		dec := json.NewDecoder(bytes.NewReader(line))
		dec.DisallowUnknownFields()
		err := dec.Decode(&e)
		if _, more := dec.Token(); err == nil && !errors.Is(more, io.EOF) {
			err = errors.New("more text follows")
		}
		switch {
		case e.Format > historyFormat:
			return entries, problem.List{{
				Code: "governance.history", Where: at, What: problem.Say("the line was written by a later truc (format %d, this one knows %d)", e.Format, historyFormat),
				Fix: problem.Say("install the newer truc"),
			}}
		case err != nil || e.Format < 1 || e.SHA256 == "" || !known(e.State):
			return entries, problem.List{{
				Code: "governance.history", Where: at, What: problem.Say("the line is no step of a dataset's history"),
				Fix: problem.Say("histories are written by truc schema propose, approve, publish, deprecate and retire: take the file back from version control"),
			}}
		case e.Previous != previous:
			return entries, problem.List{{
				Code: "governance.history", Where: at, What: problem.Say("the line does not follow the one before it: the history was changed, and it may only be added to"),
				Fix: problem.Say("take the file back from version control; after a merge of two branches keep one side and repeat the steps of the other"),
			}}
		}
		entries, previous = append(entries, e), sum(line)
	}
	return entries, nil
}

func known(s State) bool { return s == Proposed || s == Approved || s.public() }

// appendHistory returns a history with steps added.
func appendHistory(text []byte, entries ...Entry) ([]byte, error) {
	out := bytes.TrimSuffix(plain(text), []byte("\n"))
	for _, e := range entries {
		e.Format, e.At = historyFormat, e.At.UTC().Truncate(time.Second)
		if len(out) > 0 {
			e.Previous = sum(out[bytes.LastIndexByte(out, '\n')+1:])
		}
		var line bytes.Buffer
		enc := json.NewEncoder(&line)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(e); err != nil {
			return nil, fmt.Errorf("write history: %w", err)
		}
		if len(out) > 0 {
			out = append(out, '\n')
		}
		out = append(out, bytes.TrimSuffix(line.Bytes(), []byte("\n"))...)
	}
	return append(out, '\n'), nil
}
