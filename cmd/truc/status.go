package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/lienthong/truc/pipeline"
	"github.com/lienthong/truc/portal"
	"github.com/lienthong/truc/problem"
)

func statusVerb() verb {
	return verb{
		name: "status", summary: problem.Text{VI: "xem nút đang chạy làm gì", EN: "show what the running node does"},
		help: problem.Text{VI: `
Hỏi nút đang chạy với cấu hình này, tại http.listen của nó. Mã thoát 4: nút không trả lời.`, EN: `
Asks the node that runs with this configuration, at its http.listen. Exit code 4: it does not answer.`},
		define: func(*flag.FlagSet) action {
			return func(ctx context.Context, p *program) error { return p.status(ctx) }
		},
	}
}

func (p *program) status(ctx context.Context) error {
	c, problems := p.load()
	if err := problems.Err(); err != nil {
		return err
	}
	s, err := fetchStatus(ctx, c.HTTP.Listen)
	if err != nil {
		return err
	}
	if p.json {
		return p.printJSON(s)
	}
	return p.printStatus(s, time.Now())
}

// fetchStatus asks the node that listens on an address.
func fetchStatus(ctx context.Context, listen string) (*portal.Status, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	host, port, err := net.SplitHostPort(listen)
	if err != nil || port == "0" {
		return nil, &usageError{what: problem.Say("the node listens on a port that only it knows (%s)", listen), fix: problem.Say("give http.listen a port of its own")}
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	url := "http://" + net.JoinHostPort(host, port) + "/api/status"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", url, err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, &codeError{exitUnreachable, fmt.Errorf("no node answers at %s: start it with truc run, or correct http.listen", url)}
	}
	defer response.Body.Close()
	var s portal.Status
	if response.StatusCode != http.StatusOK || json.NewDecoder(io.LimitReader(response.Body, 64<<20)).Decode(&s) != nil || s.Agency == "" {
		return nil, &codeError{exitUnreachable, fmt.Errorf("what answers at %s is not a truc node: correct http.listen", url)}
	}
	return &s, nil
}

func (p *program) printStatus(s *portal.Status, now time.Time) error {
	t := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	lines := func(indent string, text problem.Text) {
		for _, l := range p.languages() {
			fmt.Fprintf(t, "%s%s\n", indent, text.In(l))
		}
	}
	head := problem.Say("agency %s, truc %s, up %s, bus %s", s.Agency, s.Version, ago(now, s.Started), s.Bus.Broker)
	if s.Bus.Bytes != nil {
		head = problem.Say("%s (embedded, %s on disk)", head, size(*s.Bus.Bytes))
	}
	lines("", head)
	if r := s.Registry; r != nil {
		lines("", problem.Say("schema registry at http://%s: %s since %s, %d subjects", r.Listen, stateText(r.State), ago(now, r.Since), r.Subjects))
		p.printReason(t, r.Condition)
	}
	for _, r := range s.Readers {
		source := problem.Say("source %s: %s since %s, epoch %d, lag %.1f s", r.Source, stateText(r.State), ago(now, r.Since), r.Epoch, r.LagSeconds)
		if r.RetainedBytes != nil {
			source = problem.Say("%s, %s retained at the source", source, size(*r.RetainedBytes))
		}
		fmt.Fprintln(t)
		lines("", source)
		if r.State == pipeline.StateStandby {
			lines("  ", standby(r.Holder))
		}
		p.printReason(t, r.Condition)
		for _, g := range r.Snapshots {
			if !g.Done {
				lines("  ", problem.Say("snapshot of %s: %s%s", g.Table, progress(g.Rows, g.Total), waiting(r.SnapshotsWaitUntil)))
			}
		}
		p.headings(t, "  ", problem.Say("pipeline"), problem.Say("table"), problem.Say("topic"), problem.Say("published"), problem.Say("deleted"), problem.Say("filtered"), problem.Say("letters"), problem.Say("resolved"))
		for _, p := range r.Pipelines {
			published := p.Published["created"] + p.Published["updated"] + p.Published["snapshot"]
			fmt.Fprintf(t, "  %s\t%s\t%s\t%d\t%d\t%d\t%d\t%d\n", p.Name, p.Table, p.Topic, published, p.Published["deleted"], p.Filtered, p.DeadLetters.Open, p.DeadLetters.Resolved)
		}
		for _, p := range r.Pipelines {
			if c := p.Changed; c != nil {
				lines("  ", problem.Say("%s: mapping %s since %s; what had no event since then is as mapping %s or an earlier one made it: truc resnapshot %s publishes it anew",
					p.Name, p.Mapping, c.Since.Format(time.RFC3339), c.Before, p.Name))
			}
			if p.Deprecated != nil {
				lines("  ", ending(p.Name, p.Dataset, p.Deprecated))
			}
		}
	}
	if len(s.Deliveries) > 0 {
		fmt.Fprintln(t)
		p.headings(t, "  ", problem.Say("delivery"), problem.Say("table"), problem.Say("dataset"), problem.Say("state"), problem.Say("applied"), problem.Say("behind"), problem.Say("parked"), problem.Say("letters"), problem.Say("resolved"))
	}
	for _, d := range s.Deliveries {
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s\t%d\t%d\t%d\t%d\t%d\n", d.Name, d.Table, d.Dataset, stateText(d.State).In(p.languages()[0]), d.Applied, d.Behind, d.Parked, d.DeadLetters.Open, d.DeadLetters.Resolved)
	}
	for _, d := range s.Deliveries {
		p.printReason(t, d.Condition)
		if d.Deprecated != nil {
			lines("  ", ending(d.Name, d.Dataset, d.Deprecated))
		}
		if d.State == pipeline.StatePaused {
			lines("  ", problem.Say("%s: paused since %s", d.Name, d.Since.Local().Format(time.DateTime)))
		}
		if d.Replay != nil {
			lines("  ", problem.Say("%s: replay %d since %s, %d events behind", d.Name, d.Generation, d.Replay.Since.Local().Format(time.DateTime), d.Behind))
		}
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}

// ending says that the dataset of a pipeline comes to its end.
func ending(pipe, dataset string, d *pipeline.Deprecation) problem.Text {
	return problem.Say("%s: the version of %s comes to its end: from %s on nobody may look after it, and %s takes its place", pipe, dataset, d.Date, d.Successor)
}

func (p *program) printReason(w io.Writer, c pipeline.Condition) {
	if why := c.Error + c.Warning; why != "" {
		fmt.Fprintf(w, "  %s: %s\n", p.short(stateText(c.State)), strings.ReplaceAll(why, "\n", "\n    "))
	}
}

// stateText names the state of a loop.
func stateText(s pipeline.State) problem.Text {
	switch s {
	case pipeline.StateStarting:
		return problem.Say("starting")
	case pipeline.StateRunning:
		return problem.Say("running")
	case pipeline.StateRetrying:
		return problem.Say("retrying")
	case pipeline.StateFailed:
		return problem.Say("failed")
	case pipeline.StateStopped:
		return problem.Say("stopped")
	case pipeline.StatePaused:
		return problem.Say("paused")
	case pipeline.StateStandby:
		return problem.Say("standby")
	}
	return problem.Verbatim(string(s))
}

// standby says what a node that stands by waits for.
func standby(holder string) problem.Text {
	if holder == "" {
		return problem.Say("another node reads this source; this one takes over by itself when that one ends or falls silent")
	}
	return problem.Say("%s reads this source; this node takes over by itself when that one ends or falls silent", holder)
}

func progress(rows, total int64) problem.Text {
	if total <= 0 {
		return problem.Say("%d rows", rows)
	}
	return problem.Say("%d of about %d rows, %d %%", rows, total, min(100*rows/total, 100))
}

// waiting says until when the snapshots of a source wait, in the zone in which their hours are meant.
func waiting(until *time.Time) problem.Text {
	if until == nil {
		return problem.Text{}
	}
	return problem.Say(", waiting until %s", until.Format("15:04"))
}

func ago(now, then time.Time) string {
	return now.Sub(then).Round(time.Second).String()
}

// size writes bytes for people.
func size(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	value, suffix := float64(n)/unit, 0
	for value >= unit && suffix < 3 {
		value, suffix = value/unit, suffix+1
	}
	return fmt.Sprintf("%.1f %ciB", value, "KMGT"[suffix])
}
