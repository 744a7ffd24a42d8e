package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/lienthong/truc/pipeline"
	"github.com/lienthong/truc/problem"
)

// shownLetter is a dead letter as it is shown: without anything of the row, unless that was asked for.
type shownLetter struct {
	Pipeline   string                     `json:"pipeline"`
	Key        string                     `json:"key"`
	Time       time.Time                  `json:"time"`
	Reason     string                     `json:"reason"`
	Op         string                     `json:"op,omitempty"`
	Table      string                     `json:"table,omitempty"`
	Topic      string                     `json:"topic,omitempty"`
	Partition  *int32                     `json:"partition,omitempty"`
	Offset     *int64                     `json:"offset,omitempty"`
	Violations []pipeline.LetterViolation `json:"violations"`
	// Since is when the entity got its first letter, Times how many it has got; Time and what stands beside it is the last.
	Since     time.Time                `json:"since"`
	Times     int                      `json:"times"`
	EntityKey string                   `json:"entityKey,omitempty"`
	Row       map[string]pipeline.Cell `json:"row,omitempty"`
}

func shown(o pipeline.OpenLetter, values bool) shownLetter {
	l := o.Letter
	s := shownLetter{Pipeline: l.Pipeline, Key: o.Key, Time: l.Time, Reason: l.Reason, Op: l.Op, Table: l.Table, Topic: l.Topic, Violations: l.Violations, Since: o.Since, Times: o.Times}
	if l.Topic != "" {
		s.Table, s.Partition, s.Offset = l.Target, &l.Partition, &l.Offset
	}
	if s.Violations == nil {
		s.Violations = []pipeline.LetterViolation{}
	}
	if values {
		s.EntityKey, s.Row = string(o.Raw), l.Row
	}
	return s
}

func showLetters(ctx context.Context, p *program, values bool) error {
	_, conn, box, err := p.openBox(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	found, err := box.find(ctx, conn, p.args[1:])
	if err != nil {
		return err
	}
	if p.json && len(found) == 1 {
		return p.printJSON(shown(found[0], values))
	}
	if p.json {
		all := make([]shownLetter, len(found))
		for i := range found {
			all[i] = shown(found[i], values)
		}
		return p.printJSON(all)
	}
	for i := range found {
		if i > 0 {
			fmt.Fprintln(p.stdout)
		}
		if err := p.printLetter(shown(found[i], values)); err != nil {
			return err
		}
	}
	return nil
}

func (p *program) printLetter(l shownLetter) error {
	t := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	line := func(name problem.Text, value string) {
		if value != "" {
			fmt.Fprintf(t, "%s\t%s\n", p.short(name), value)
		}
	}
	line(problem.Say("pipeline"), l.Pipeline)
	line(problem.Say("key"), l.Key)
	line(problem.Say("since"), fmt.Sprintf("%s, %d ×", l.Since.Local().Format("2006-01-02 15:04:05"), l.Times))
	line(problem.Say("reason"), l.Reason)
	line(problem.Say("change"), strings.TrimSpace(l.Op+" "+l.Table))
	if l.Topic != "" {
		line(problem.Say("event"), fmt.Sprintf("%s partition %d offset %d", l.Topic, *l.Partition, *l.Offset))
	}
	for _, v := range l.Violations {
		line(problem.Say("field"), strings.TrimSpace(v.Field+" "+v.Rule))
		for _, lang := range p.languages() {
			fmt.Fprintf(t, "\t%s\n", problem.Text{VI: v.VI, EN: v.EN}.In(lang))
		}
	}
	if l.EntityKey != "" {
		line(problem.Say("entity"), strconv.Quote(l.EntityKey))
	}
	for _, column := range slices.Sorted(maps.Keys(l.Row)) {
		line(problem.Verbatim("  "+column), cellText(l.Row[column]))
	}
	return t.Flush()
}

func cellText(c pipeline.Cell) string {
	switch {
	case c.Size > 0:
		return fmt.Sprintf("(%s, %s)", c.Kind, size(int64(c.Size)))
	case c.Raw != nil:
		return fmt.Sprintf("(%s) %q", c.Kind, c.Raw)
	case c.Kind == "null", c.Kind == "unchanged":
		return "(" + c.Kind + ")"
	}
	return strconv.Quote(c.Text)
}
