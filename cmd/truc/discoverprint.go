package main

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/lienthong/truc/discover"
	"github.com/lienthong/truc/problem"
)

// printTable writes what was found out about a table. Names are somebody else's data: they are shown, and move no cursor.
func (p *program) printTable(b *strings.Builder, t discover.Table) {
	rows := "?"
	if t.Rows >= 0 {
		rows = strconv.FormatInt(t.Rows, 10)
	}
	fmt.Fprintln(b, p.both(problem.Say("table %s: ~%s rows, looked at %d", problem.Visible(t.Name), rows, t.Sampled)))
	line := func(said problem.Text) { fmt.Fprintf(b, "  %s\n", p.both(said)) }
	if !t.Unread.Empty() {
		line(problem.Say("its rows cannot be read: %s", t.Unread))
		fmt.Fprintf(b, "    %s\n", problem.Visible(p.both(t.UnreadFix)))
	}
	name, kind := 0, 0
	for _, c := range t.Columns {
		name, kind = max(name, utf8.RuneCountInString(problem.Visible(c.Name))), max(kind, utf8.RuneCountInString(problem.Visible(c.Type)))
	}
	for _, c := range t.Columns {
		var facts []string
		for _, f := range columnFacts(c, t.Sampled) {
			facts = append(facts, p.both(f))
		}
		row := "  " + padded(problem.Visible(c.Name), name) + "  " + padded(problem.Visible(c.Type), kind) + "  " + strings.Join(facts, " · ")
		b.WriteString(strings.TrimRight(row, " ") + "\n")
		for _, s := range c.Samples {
			fmt.Fprintf(b, "      %s", strconv.Quote(s.Value))
			if s.Decoded != "" {
				fmt.Fprintf(b, "   → %s", s.Decoded)
			}
			b.WriteByte('\n')
		}
	}
	for _, r := range t.Relations {
		line(problem.Say("foreign key: (%s) → %s (%s)", problem.Visible(strings.Join(r.Columns, ", ")), problem.Visible(r.Table), problem.Visible(strings.Join(r.References, ", "))))
	}
	for i, f := range t.Fits {
		if i == 3 || i > 0 && f.Score < 0.3 {
			break
		}
		line(problem.Say("dataset %s (%s): %.2f, %d of %d required, %d of %d columns", f.Dataset, f.Title, f.Score, f.Filled, f.Required, f.Placed, len(t.Columns)))
	}
	if t.Draft == nil {
		line(problem.Say("no dataset fits"))
		return
	}
	p.printKey(b, t)
}

func (p *program) printKey(b *strings.Builder, t discover.Table) {
	k := t.Draft.Key
	said := []problem.Text{problem.Say("key: %d of %d properties have a column", len(k.Parts), len(k.Parts)+len(k.Open))}
	if len(k.Parts) > 0 && k.Rows > 0 {
		said = append(said, problem.Say("%d of %d sampled rows are unique", k.Unique, k.Rows))
	}
	if len(k.Open) > 0 {
		said = append(said, problem.Say("missing: %s", strings.Join(k.Open, ", ")))
	}
	fmt.Fprintf(b, "  %s\n", p.both(problem.Join(said, "; ")))
	if len(k.NotCarried) > 0 {
		fmt.Fprintf(b, "  %s\n    %s\n", p.both(problem.Say("a deletion does not carry: %s", problem.Visible(strings.Join(k.NotCarried, ", ")))), problem.Visible(t.IdentityFix))
	}
}

func columnFacts(c discover.Column, sampled int) []problem.Text {
	var facts []problem.Text
	if c.Key {
		facts = append(facts, problem.Say("key"))
	}
	if sampled > 0 {
		if empty := c.Nulls + c.Blank; empty > 0 {
			facts = append(facts, problem.Say("%d empty", empty))
		}
		facts = append(facts, problem.Say("%d distinct", c.Distinct))
	}
	if c.Document != "" {
		facts = append(facts, problem.Say("%s, %d parts", c.Document, len(c.Inside)))
	}
	if c.Hidden > 0 {
		facts = append(facts, problem.Say("%d keys that may be data are not shown", c.Hidden))
	}
	if !c.Shape.Empty() && c.Document == "" {
		facts = append(facts, c.Shape)
	}
	if c.Suspected != "" {
		facts = append(facts, problem.Say("suspected: %s", c.Suspected))
	}
	if len(c.Mixed) > 0 {
		var shares []string
		for _, m := range c.Mixed {
			shares = append(shares, fmt.Sprintf("%s %d %%", m.Encoding, m.Percent))
		}
		facts = append(facts, problem.Say("mixed encodings: %s", strings.Join(shares, ", ")))
	}
	for _, e := range c.Encodings {
		facts = append(facts, problem.Verbatim(fmt.Sprintf("%s %d/%d", e.Name, e.Clean, e.Values)))
	}
	return facts
}

// padded fills a text with blanks to a width in characters.
func padded(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s)))
}
