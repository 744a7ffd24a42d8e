package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"time"

	"github.com/lienthong/truc/alerts"
	"github.com/lienthong/truc/config"
	"github.com/lienthong/truc/pipeline"
	"github.com/lienthong/truc/problem"
)

func alertTestVerb() verb {
	return verb{
		name: "alert test", summary: problem.Text{VI: "gửi thử tới mọi webhook và lệnh trong alerts", EN: "send a test to every webhook and command under alerts"},
		help: problem.Text{VI: `
Gửi một lần và cho biết kết quả: ai phải bị đánh thức ban đêm thì nên thấy một lần vào ban ngày. Không cần nút nào
đang chạy. Mã thoát 1: có nơi không nhận.`, EN: `
Sends once and tells what came of it: whoever is to be woken at night should have seen one by day. It needs
no running node. Exit code 1: one of them did not take it.`},
		define: func(*flag.FlagSet) action { return testAlerts },
	}
}

// alerter makes the alerts of a node; sample looks at it.
func newAlerter(c *config.Config, log *slog.Logger, sample func(context.Context) alerts.Sample) *alerts.Alerter {
	host, err := os.Hostname()
	if err != nil {
		host = "" // it is only for people
	}
	cfg := alerts.Config{Agency: c.Agency, Node: host, Sample: sample, Log: log}
	for i := range c.Alerts {
		a := &c.Alerts[i]
		t := alerts.Target{
			Name: fmt.Sprintf("alerts[%d]", i), Webhook: a.Webhook, Secret: a.Secret, Command: a.Command, Timeout: a.Timeout,
			Rules: alerts.Rules{Stale: a.StaleAfter, Lag: a.LagAfter, RetainedBytes: int64(a.RetainedAbove), OpenLetters: int64(a.LettersAbove), Repeat: a.Repeat, Resolved: a.Resolved},
		}
		for _, event := range a.On {
			t.On = append(t.On, alerts.Event(event))
		}
		cfg.Targets = append(cfg.Targets, t)
	}
	return alerts.New(cfg)
}

// checkAlerts looks for commands that are not there.
func (n *node) checkAlerts() problem.List {
	var problems problem.List
	for i := range n.config.Alerts {
		args := n.config.Alerts[i].Command
		if len(args) == 0 {
			continue
		}
		if _, err := exec.LookPath(args[0]); err != nil {
			problems = append(problems, problem.Problem{
				Code: "alerts.command", Warning: true, Where: n.config.Where(fmt.Sprintf("alerts[%d].command", i)),
				What: problem.Say("%s is no program that this user may run", args[0]), Fix: problem.Say("correct the path, or make the file executable"),
			})
		}
	}
	return problems
}

// watch begins to watch the loops for alerts and returns what ends that, once the loops have ended.
func (n *node) watch(ctx context.Context, l *loops) (end func()) {
	if len(n.config.Alerts) == 0 {
		return func() {}
	}
	watching, stop := context.WithCancel(context.WithoutCancel(ctx)) // the loops drain after ctx is done
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := newAlerter(n.config, n.log, l.sample).Run(watching); err != nil {
			n.log.Error("alerts are not sent", "err", err)
		}
	}()
	return func() {
		stop()
		<-ended
	}
}

// sampleTimeout bounds what a source is asked for an alert.
const sampleTimeout = 2 * time.Second

// sample is the state of the loops as alerts see it.
func (l *loops) sample(ctx context.Context) alerts.Sample {
	var s alerts.Sample
	for _, r := range l.readers {
		s.Loops = append(s.Loops, readerLoop(ctx, r.Stats()))
	}
	for _, d := range l.deliveries {
		st := d.Stats()
		c := st.Condition()
		s.Loops = append(s.Loops, alerts.Loop{
			Where: "subscribe." + st.Name, State: c.State, Err: c.Err(), Progress: st.Applied.Load() + st.Events.Load() + tried(st.Retry.Load()),
			Pending: st.Behind() > 0 || st.Parked.Load() > 0, Retained: -1, Letters: map[string]int64{"subscribe." + st.Name: st.Open.Load()},
		})
	}
	if l.registry != nil {
		c := l.registry.condition()
		s.Loops = append(s.Loops, alerts.Loop{Where: "registry", State: c.State, Err: c.Err(), Retained: -1})
	}
	return s
}

func readerLoop(ctx context.Context, s *pipeline.ReaderStats) alerts.Loop {
	c := s.Condition()
	change, acknowledged := s.LastChange.Load(), s.LastAcknowledged.Load()
	out := alerts.Loop{
		Where: "source " + s.Source, State: c.State, Err: c.Err(), Pending: change != acknowledged, Retained: -1,
		Progress: s.LastSaved.Load() + acknowledged, Letters: map[string]int64{},
	}
	if out.Pending && acknowledged > 0 {
		out.Oldest = time.Unix(0, acknowledged)
	}
	for name, p := range s.Publish {
		out.Letters["publish."+name] = p.Open.Load()
		out.Progress += tried(p.Retry.Load())
	}
	if r := s.Retention(); r != nil && c.State == pipeline.StateRunning {
		ctx, cancel := context.WithTimeout(ctx, sampleTimeout)
		defer cancel()
		if n, err := r.RetainedBytes(ctx); err == nil {
			out.Retained = n
		}
	}
	return out
}

// tried is the progress of a retry, which nothing else moves beside.
func tried(r *pipeline.RetryResult) int64 {
	if r == nil {
		return 0
	}
	return r.Tried()
}

func testAlerts(ctx context.Context, p *program) error {
	c, problems := p.load()
	if err := problems.Err(); err != nil {
		return err
	}
	if len(c.Alerts) == 0 {
		return &usageError{what: problem.Say("nobody is told of anything: there is no alerts: in %s", c.Path), fix: problem.Say("add alerts: [ { webhook: https://… } ], or a command")}
	}
	answers := newAlerter(c, p.log(slog.LevelWarn), nil).Test(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	failed := 0
	for _, a := range answers {
		if a.Error != "" {
			failed++
		}
	}
	if p.json {
		if err := p.printJSON(map[string]any{"tests": answers}); err != nil {
			return err
		}
	} else {
		for _, a := range answers {
			said := "đã nhận / taken"
			if a.Error != "" {
				said = "không nhận được / not taken: " + a.Error
			}
			fmt.Fprintf(p.stdout, "%s: %s\n", a.Target, said)
		}
	}
	if failed > 0 {
		return &codeError{code: exitFailed, err: errors.New(counted(failed, "alert") + " did not arrive")}
	}
	return nil
}
