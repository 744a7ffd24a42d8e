package main

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// meter shows on a terminal how far a verb is, on one line that it writes over; elsewhere it shows nothing.
type meter struct {
	w     io.Writer // nil off a terminal
	last  time.Time
	width int
}

// newMeter is made before the configuration is read: afterwards stderr is no longer the terminal itself.
func newMeter(stderr io.Writer) *meter {
	if !isTerminal(stderr) {
		return &meter{}
	}
	return &meter{w: stderr}
}

func (m *meter) show(format string, args ...any) {
	const often = 200 * time.Millisecond
	if m.w == nil || time.Since(m.last) < often {
		return
	}
	m.last = time.Now()
	line := fmt.Sprintf(format, args...)
	fmt.Fprintf(m.w, "\r%s%s", line, strings.Repeat(" ", max(0, m.width-utf8.RuneCountInString(line))))
	m.width = utf8.RuneCountInString(line)
}

// done takes the line away.
func (m *meter) done() {
	if m.w != nil && m.width > 0 {
		fmt.Fprintf(m.w, "\r%s\r", strings.Repeat(" ", m.width))
		m.width = 0
	}
}
