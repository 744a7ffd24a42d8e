package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
)

// event is one line of `go test -json`; see `go doc test2json`.
type event struct {
	Action  string
	Package string
	Test    string
	Elapsed float64
	Output  string
}

// report turns the events of go test into what a person wants to read. Several runs may be read at once, of different packages.
type report struct {
	mu      sync.Mutex
	out     io.Writer
	on      string            // where they ran, " on PostgreSQL 17"; "" for the default servers
	pending map[string][]line // by package: output of tests that have not passed
	passed  int
	failed  int
	skipped []string
}

type line struct{ test, text string }

func newReport(out io.Writer, on string) *report {
	return &report{out: out, on: on, pending: map[string][]line{}}
}

func (r *report) read(events io.Reader) error {
	for decoder := json.NewDecoder(events); ; {
		var e event
		if err := decoder.Decode(&e); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		r.event(e)
	}
}

func (r *report) event(e event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e.Test == "" {
		r.packageEvent(e)
	} else {
		r.testEvent(e)
	}
}

func (r *report) packageEvent(e event) {
	switch e.Action {
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "output":
		r.pending[e.Package] = append(r.pending[e.Package], line{"", e.Output})
	case "pass":
		fmt.Fprintf(r.out, "ok    %7.1fs  %s%s\n", e.Elapsed, e.Package, r.on)
		delete(r.pending, e.Package)
	case "fail":
		var said strings.Builder // in one piece, for other packages report meanwhile
		for _, l := range r.pending[e.Package] {
			said.WriteString(l.text)
		}
		fmt.Fprintf(r.out, "%sFAIL  %7.1fs  %s%s\n", &said, e.Elapsed, e.Package, r.on)
		delete(r.pending, e.Package)
	}
}

func (r *report) testEvent(e event) {
	switch e.Action {
	case "output":
		r.pending[e.Package] = append(r.pending[e.Package], line{e.Test, e.Output})
	case "pass":
		r.passed++
		r.forget(e)
	case "skip":
		r.skipped = append(r.skipped, fmt.Sprintf("%s %s: %s", e.Package, e.Test, r.reason(e)))
		r.forget(e)
	case "fail":
		r.failed++
	}
}

// forget drops the output of a test that passed or was skipped.
func (r *report) forget(e event) {
	kept := r.pending[e.Package][:0]
	for _, l := range r.pending[e.Package] {
		if l.test != e.Test {
			kept = append(kept, l)
		}
	}
	r.pending[e.Package] = kept
}

// reason gives what a skipped test said, without the lines that go test adds.
func (r *report) reason(e event) string {
	var said []string
	for _, l := range r.pending[e.Package] {
		text := strings.TrimSpace(l.text)
		if l.test == e.Test && !strings.HasPrefix(text, "===") && !strings.HasPrefix(text, "--- ") {
			said = append(said, text)
		}
	}
	if len(said) == 0 {
		return "no reason given"
	}
	return strings.Join(said, " ")
}

func (r *report) summary() {
	for _, s := range r.skipped {
		fmt.Fprintf(r.out, "skipped%s: %s\n", r.on, s)
	}
	fmt.Fprintf(r.out, "tests%s: %d passed, %d failed, %d skipped\n", r.on, r.passed, r.failed, len(r.skipped))
}
