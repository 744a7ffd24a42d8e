package main

import (
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/pipeline"
	"github.com/lienthong/truc/problem"
)

func dlqVerbs() []verb {
	return []verb{
		{
			name: "dlq list", args: "[NAME]", most: 1, summary: "list the open dead letters, of one pipeline or of all",
			help: `
A dead letter is a record that could not be published or delivered, with the reason. It closes by itself
when a later version of the same entity passes. Keys are shown as short hashes.`,
			define: func(*flag.FlagSet) action { return listLetters },
		},
		{
			name: "dlq show", args: "NAME KEY", least: 2, most: 2, summary: "show one dead letter",
			help: `
KEY is the hash that truc dlq list shows.`,
			define: func(fs *flag.FlagSet) action {
				values := fs.Bool("values", false, "also show the entity key and the row itself: personal data")
				return func(ctx context.Context, p *program) error { return showLetter(ctx, p, *values) }
			},
		},
		{
			name: "dlq retry", args: "NAME [KEY...]", least: 1, most: -1, summary: "try open dead letters again, all of them or some",
			help: `
For a publishing pipeline. The rows are read again as they are now, by the node that runs the pipeline; if
none runs, by the next that does. Nothing is published for an entity of which the topic holds something newer.`,
			define: func(*flag.FlagSet) action { return retryLetters },
		},
		{
			name: "dlq drop", args: "NAME KEY...", least: 2, most: -1, summary: "close dead letters without publishing anything",
			define: func(fs *flag.FlagSet) action {
				yes := defineYes(fs)
				return func(ctx context.Context, p *program) error { return dropLetters(ctx, p, *yes) }
			},
		},
	}
}

// letterbox is where the dead letters of one pipeline are.
type letterbox struct {
	pipeline string
	topic    string
	// keys is the topic with whose name the shown keys are hashed.
	keys string
	// source feeds a publishing pipeline; empty for a delivery.
	source string
}

// letterboxes returns those of the node in the order of the file.
func (n *node) letterboxes() []letterbox {
	var out []letterbox
	for _, p := range n.publish {
		out = append(out, letterbox{p.name, p.topic + bus.DLQSuffix, p.topic, p.Source})
	}
	for _, s := range n.subscribe {
		topic := bus.SinkDLQTopic(n.config.Agency, s.name)
		out = append(out, letterbox{s.name, topic, topic, ""})
	}
	return out
}

// letterbox finds the one of a pipeline.
func (n *node) letterbox(name string) (letterbox, error) {
	all := n.letterboxes()
	var names []string
	for _, b := range all {
		if b.pipeline == name {
			return b, nil
		}
		names = append(names, b.pipeline)
	}
	return letterbox{}, unknownName(problem.Say("pipeline"), name, names)
}

// openNode loads the configuration and opens the bus, for verbs that work on what is there.
func (p *program) openNode(ctx context.Context) (*node, *connection, error) {
	c, problems := p.load()
	if err := problems.Err(); err != nil {
		return nil, nil, err
	}
	n, problems := build(c, p.adapters, p.log(slog.LevelWarn))
	if err := problems.Err(); err != nil {
		return nil, nil, err
	}
	conn, err := connect(ctx, c.Bus, false, n.log)
	return n, conn, err
}

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
	EntityKey  string                     `json:"entityKey,omitempty"`
	Row        map[string]pipeline.Cell   `json:"row,omitempty"`
}

func shown(o pipeline.OpenLetter, values bool) shownLetter {
	l := o.Letter
	s := shownLetter{Pipeline: l.Pipeline, Key: o.Key, Time: l.Time, Reason: l.Reason, Op: l.Op, Table: l.Table, Topic: l.Topic, Violations: l.Violations}
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

func listLetters(ctx context.Context, p *program) error {
	n, conn, err := p.openNode(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	boxes := n.letterboxes()
	if len(p.args) == 1 {
		one, err := n.letterbox(p.args[0])
		if err != nil {
			return err
		}
		boxes = []letterbox{one}
	}
	all := []shownLetter{}
	for _, b := range boxes {
		open, err := pipeline.OpenLetters(ctx, pipeline.KafkaBus{Client: conn.Client}, b.topic, b.keys, b.pipeline)
		if err != nil {
			return err
		}
		for _, o := range open {
			all = append(all, shown(o, false))
		}
	}
	if p.json {
		return p.printJSON(all)
	}
	t := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	if len(all) > 0 {
		fmt.Fprintln(t, "PIPELINE\tKEY\tSINCE\tREASON\tFIELD\tWHAT")
	}
	for _, l := range all {
		v := pipeline.LetterViolation{}
		if len(l.Violations) > 0 {
			v = l.Violations[0]
		}
		what := v.EN
		if more := len(l.Violations) - 1; more > 0 {
			what += fmt.Sprintf(" (and %d more)", more)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", l.Pipeline, l.Key, l.Time.Format(time.RFC3339), l.Reason, v.Field, what)
	}
	fmt.Fprintln(t, counted(len(all), "open dead letter"))
	return t.Flush()
}

// findLetters returns the open letters of a pipeline with the given key hashes, all of them when there are none given.
func (n *node) findLetters(ctx context.Context, conn *connection, b letterbox, keys []string) ([]pipeline.OpenLetter, error) {
	open, err := pipeline.OpenLetters(ctx, pipeline.KafkaBus{Client: conn.Client}, b.topic, b.keys, b.pipeline)
	if err != nil || len(keys) == 0 {
		return open, err
	}
	var found []pipeline.OpenLetter
	for _, k := range keys {
		i := slices.IndexFunc(open, func(o pipeline.OpenLetter) bool { return o.Key == k })
		if i < 0 {
			return nil, &usageError{what: problem.Say("pipeline %s has no open dead letter with the key %q", b.pipeline, k), fix: problem.Say("truc dlq list %s shows those it has", b.pipeline)}
		}
		found = append(found, open[i])
	}
	return found, nil
}

func showLetter(ctx context.Context, p *program, values bool) error {
	n, conn, err := p.openNode(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	box, err := n.letterbox(p.args[0])
	if err != nil {
		return err
	}
	found, err := n.findLetters(ctx, conn, box, p.args[1:])
	if err != nil {
		return err
	}
	l := shown(found[0], values)
	if p.json {
		return p.printJSON(l)
	}
	t := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(t, "%s\t%s\n", name, value)
		}
	}
	line("pipeline", l.Pipeline)
	line("key", l.Key)
	line("since", l.Time.Format(time.RFC3339))
	line("reason", l.Reason)
	line("change", strings.TrimSpace(l.Op+" "+l.Table))
	if l.Topic != "" {
		line("event", fmt.Sprintf("%s partition %d offset %d", l.Topic, *l.Partition, *l.Offset))
	}
	for _, v := range l.Violations {
		line("field", strings.TrimSpace(v.Field+" "+v.Rule))
		fmt.Fprintf(t, "\t%s\n\t%s\n", v.VI, v.EN)
	}
	if l.EntityKey != "" {
		line("entity", strconv.Quote(l.EntityKey))
	}
	for _, column := range slices.Sorted(maps.Keys(l.Row)) {
		line("  "+column, cellText(l.Row[column]))
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

func retryLetters(ctx context.Context, p *program) error {
	n, conn, err := p.openNode(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	box, err := n.letterbox(p.args[0])
	if err != nil {
		return err
	}
	if box.source == "" {
		return &usageError{what: problem.Say("%s is a delivery: its dead letters close when a later version of the entity is delivered", box.pipeline), fix: problem.Say("mend what the letter names, then let the publisher send the entity again; truc dlq drop closes a letter for good")}
	}
	found, err := n.findLetters(ctx, conn, box, p.args[1:])
	if err != nil {
		return err
	}
	if len(found) > 0 {
		request := pipeline.Request{ID: rand.Text(), Made: time.Now().UTC(), Retry: box.pipeline, RetryKeys: p.args[1:]}
		if err := pipeline.PutRequest(ctx, pipeline.KafkaBus{Client: conn.Client}, n.config.Agency, box.source, request); err != nil {
			return err
		}
	}
	if p.json {
		return p.printJSON(map[string]any{"pipeline": box.pipeline, "requested": len(found)})
	}
	_, err = fmt.Fprintf(p.stdout, "%s of %s will be tried again by the node that runs it\n", counted(len(found), "dead letter"), box.pipeline)
	return err
}

func dropLetters(ctx context.Context, p *program, yes bool) error {
	n, conn, err := p.openNode(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	box, err := n.letterbox(p.args[0])
	if err != nil {
		return err
	}
	found, err := n.findLetters(ctx, conn, box, p.args[1:])
	if err != nil {
		return err
	}
	what := problem.Say("%s of %s would be closed, what they hold will not be published until their rows change", counted(len(found), "dead letter"), box.pipeline)
	if err := p.confirm(ctx, yes, what); err != nil {
		return err
	}
	keys := make([][]byte, len(found))
	for i, o := range found {
		keys[i] = o.Raw
	}
	if err := pipeline.DropLetters(ctx, pipeline.KafkaBus{Client: conn.Client}, box.topic, box.pipeline, keys); err != nil {
		return err
	}
	if p.json {
		return p.printJSON(map[string]any{"pipeline": box.pipeline, "dropped": len(found)})
	}
	_, err = fmt.Fprintf(p.stdout, "%s of %s closed\n", counted(len(found), "dead letter"), box.pipeline)
	return err
}
