package main

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// The part of the page that is written here stands between these lines; the rest is written by hand.
const (
	pageBegin = "<!-- peers: written by `make bench-peers`, not by hand -->"
	pageEnd   = "<!-- peers: end -->"
)

// Render writes the page benchmarks.md into a directory, and its charts and the raw data into benchmarks/ beside it.
func Render(b *Book, dir string) error {
	page := filepath.Join(dir, "benchmarks.md")
	text, err := os.ReadFile(page)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = []byte("# Benchmarks\n\n"+pageBegin+"\n"+pageEnd+"\n"), nil
	}
	if err != nil {
		return fmt.Errorf("render page: %w", err)
	}
	before, rest, okBegin := strings.Cut(string(text), pageBegin)
	_, after, okEnd := strings.Cut(rest, pageEnd)
	if !okBegin || !okEnd {
		return fmt.Errorf("render page: %s has no lines %q and %q to write between", page, pageBegin, pageEnd)
	}
	charts := filepath.Join(dir, "benchmarks")
	if err := os.MkdirAll(charts, 0o750); err != nil {
		return fmt.Errorf("render page: %w", err)
	}
	for _, s := range sections() {
		for _, p := range s.pictures {
			path := filepath.Join(charts, p.file)
			chart := p.chart(b, s)
			if len(chart.Bars) == 0 {
				if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
					return fmt.Errorf("remove an old chart: %w", err)
				}
				continue
			}
			if err := os.WriteFile(path, []byte(chart.SVG()), 0o644); err != nil {
				return fmt.Errorf("write chart: %w", err)
			}
		}
	}
	if err := b.Write(filepath.Join(charts, "results.json")); err != nil {
		return err
	}
	if err := os.WriteFile(page, []byte(before+pageBegin+"\n"+Page(b)+pageEnd+after), 0o644); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return nil
}

// Page is what the tool has to say, as Markdown.
func Page(b *Book) string {
	var w strings.Builder
	m := b.Machine
	w.WriteString("\n## Against Kafka Connect with Debezium\n\n")
	if b.Quick {
		w.WriteString("**A trial (`QUICK=1`): few rows, one round. These figures are worth nothing.**\n\n")
	}
	fmt.Fprintf(&w, "Measured %s by `make bench-peers` on %d cores and %d GB that database, broker and tool share; truc %s, Go %s, PostgreSQL %s, Apache Kafka and\n"+
		"Kafka Connect %s on Java %s, Debezium %s (its JDBC sink %s). Raw data: [results.json](benchmarks/results.json).\n"+
		"Median (lowest–highest) of the rounds; a ratio is taken within its round, and its median counts.\n\n",
		b.Started.Format("2006-01-02"), m.Cores, m.MemoryGB, m.Truc, m.Go, m.Postgres, m.Kafka, m.Java, m.Debezium, m.JDBC)
	if rounds := b.Invalid(); len(rounds) > 0 {
		fmt.Fprintf(&w, "**Not valid: in round %v of the inserts Debezium, tuned, made less than %s rows/s. The machine was busy; measure again (`FRESH=1`).**\n\n",
			rounds, number(busy))
	}
	w.WriteString("| target | at least | we aim for | measured | |\n|---|---|---|---|---|\n")
	for _, t := range targets() {
		w.WriteString("| " + t.what + " | " + t.least + " | " + t.aim + " | " + t.verdict(b) + " |\n")
	}
	if control := b.Ratios(Inserts, TrucAgain, Rate, Truc, Rate); len(control) > 0 {
		fmt.Fprintf(&w, "\nControl: the same tool twice in a round, on the same work, came to %s of its own rate. Smaller differences mean nothing.\n", spread(control, times2))
	}
	for _, s := range sections() {
		names := b.Contestants(s.measure)
		if len(names) == 0 {
			if why := b.failed(s.measure); why != "" {
				fmt.Fprintf(&w, "\n### %s\n\nNot measured: %s.\n", s.title, why)
			}
			continue
		}
		fmt.Fprintf(&w, "\n### %s\n\n%s\n", s.title, strings.ReplaceAll(s.text, "{n}", number(float64(b.Rows[s.measure]))))
		if why := b.failed(s.measure); why != "" {
			fmt.Fprintf(&w, "\n**Incomplete: %s.**\n", why)
		}
		for _, p := range s.pictures {
			if c := p.chart(b, s); len(c.Bars) > 0 {
				fmt.Fprintf(&w, "\n![%s](benchmarks/%s)\n", c.Title, p.file)
			}
		}
		w.WriteString("\n| |")
		for _, c := range s.columns {
			w.WriteString(" " + c.title + " |")
		}
		w.WriteString("\n|---|" + strings.Repeat("---|", len(s.columns)) + "\n")
		for _, name := range names {
			w.WriteString("| " + name + " |")
			for _, c := range s.columns {
				w.WriteString(" " + spread(b.Values(s.measure, name, c.value), c.format) + " |")
			}
			w.WriteString("\n")
		}
	}
	w.WriteString(fairness)
	return w.String()
}

// verdict is the last two cells of a target's line.
func (t target) verdict(b *Book) string {
	values := t.value(b)
	if len(values) == 0 {
		return "– | not measured"
	}
	v := Median(values)
	if math.IsNaN(v) {
		return "– | not measured"
	}
	judged := "**not met**"
	switch {
	case t.least == "–" && !t.aimed(v):
		judged = "**aim not met**"
	case t.aimed(v) && t.met(v) && t.aim != "–":
		judged = "met, and the aim"
	case t.met(v):
		judged = "met"
	}
	return spread(values, t.say) + " | " + judged
}

// spread says "median (lowest–highest)", – for nothing.
func spread(values []float64, format func(float64) string) string {
	switch len(values) {
	case 0:
		return "–"
	case 1:
		return format(values[0])
	}
	low, high := format(slices.Min(values)), format(slices.Max(values))
	if low == high {
		return low
	}
	return format(Median(values)) + " (" + low + "–" + high + ")"
}

// number is a whole number with commas: 1,234,567.
func number(v float64) string {
	s := strconv.FormatFloat(v, 'f', 0, 64)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func decimal(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }
