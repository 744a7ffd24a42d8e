package portal

import (
	"errors"
	"strings"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/pipeline"
)

// Faults: stable words for why something does not run. Each has a remedy in words.go.
const (
	faultGap         = "gap"
	faultDivergence  = "divergence"
	faultBusGap      = "bus-gap"
	faultDeliveryGap = "delivery-gap"
	faultBudget      = "budget"
	faultTakenOver   = "taken-over"
	faultRefused     = "refused"
	faultTopic       = "topic"
	faultUnreachable = "unreachable"
	faultOther       = "other"
)

// faultOf names the kind of an error, "" for none.
func faultOf(err error) string {
	var (
		gap         *adapters.GapError
		divergence  *adapters.DivergenceError
		busGap      *pipeline.BusGapError
		deliveryGap *pipeline.DeliveryGapError
		budget      *pipeline.BudgetError
		refused     *adapters.RefusedError
		topic       *kafka.TopicMismatchError
		away        *adapters.UnreachableError
		broker      *kafka.UnreachableError
	)
	switch {
	case err == nil:
		return ""
	case errors.As(err, &gap):
		return faultGap
	case errors.As(err, &divergence):
		return faultDivergence
	case errors.As(err, &busGap):
		return faultBusGap
	case errors.As(err, &deliveryGap):
		return faultDeliveryGap
	case errors.As(err, &budget):
		return faultBudget
	case pipeline.IsTakenOver(err):
		return faultTakenOver
	case errors.As(err, &refused):
		return faultRefused
	case errors.As(err, &topic):
		return faultTopic
	case errors.As(err, &away), errors.As(err, &broker):
		return faultUnreachable
	}
	return faultOther
}

// Levels of an issue.
const (
	levelBad  = "bad"  // it does not go on without a person
	levelWarn = "warn" // truc tries by itself, or a part waits for a person
	levelNote = "note" // as somebody wanted it
)

// issue is something a person should see, with what to do next.
type issue struct {
	Level, State string
	// Kind names its words in words.go: issue.<Kind>.what and .do.
	Kind   string
	Target string // the name of a source or a pipeline
	Anchor string // the id of its place on the page
	Of     string // "source", "publish", "subscribe" or "registry"
	Since  time.Time
	Count  int64
	// Deprecated is the end of the version of Dataset.
	Dataset    string
	Deprecated *pipeline.Deprecation
	Command    []string
	Message    string // what the pipeline itself said, in English
	// Explained is that in Vietnamese; empty where nobody foresaw it.
	Explained string
}

// States that this version has no constant for, because other parts of truc may add them.
const (
	statePaused  pipeline.State = "paused"
	stateWaiting pipeline.State = "waiting"
)

// slowAfter is the lag, in seconds, from which a running source is shown as slow.
const slowAfter = 60

func issuesOf(s Status) []issue {
	var out []issue
	for i, r := range s.Readers {
		if is, wrong := conditionIssue(r.Condition, r.Fault); wrong {
			is.Of, is.Target, is.Anchor = "source", r.Source, readerID(i)
			is.Command = commandsOf(is.Kind, r.Source, r.Pipelines)
			out = append(out, is)
		} else if r.State == pipeline.StateRunning && r.LagSeconds > slowAfter {
			out = append(out, issue{Level: levelWarn, State: string(r.State), Kind: "slow", Of: "source", Target: r.Source, Anchor: readerID(i), Since: r.Since})
		}
		for k, p := range r.Pipelines {
			if p.DeadLetters.Open > 0 {
				out = append(out, lettersIssue("publish", p.Name, publishID(i, k), "letters", p.DeadLetters.Open))
			}
			if p.Deprecated != nil {
				out = append(out, issue{Level: levelNote, Kind: "deprecated", Of: "publish", Target: p.Name, Anchor: publishID(i, k), Dataset: p.Dataset, Deprecated: p.Deprecated})
			}
		}
	}
	if r := s.Registry; r != nil {
		if is, wrong := conditionIssue(r.Condition, r.Fault); wrong {
			is.Of, is.Target, is.Anchor = "registry", r.Listen, "node"
			is.Command = commandsOf(is.Kind, "", nil)
			out = append(out, is)
		}
	}
	for i, d := range s.Deliveries {
		if is, wrong := conditionIssue(d.Condition, d.Fault); wrong {
			is.Of, is.Target, is.Anchor = "subscribe", d.Name, deliveryID(i)
			is.Command = commandsOf(is.Kind, d.Name, nil)
			out = append(out, is)
		}
		if d.Parked > 0 {
			out = append(out, issue{Level: levelNote, Kind: "parked", Of: "subscribe", Target: d.Name, Anchor: deliveryID(i), Count: d.Parked})
		}
		if d.DeadLetters.Open > 0 {
			out = append(out, lettersIssue("subscribe", d.Name, deliveryID(i), "refused-letters", d.DeadLetters.Open))
		}
		if d.Deprecated != nil {
			out = append(out, issue{Level: levelNote, Kind: "deprecated", Of: "subscribe", Target: d.Name, Anchor: deliveryID(i), Dataset: d.Dataset, Deprecated: d.Deprecated})
		}
	}
	return inOrder(out)
}

// inOrder puts the worst first and keeps the order of the page within a level.
func inOrder(in []issue) []issue {
	var out []issue
	for _, level := range []string{levelBad, levelWarn, levelNote} {
		for _, is := range in {
			if is.Level == level {
				out = append(out, is)
			}
		}
	}
	return out
}

func lettersIssue(of, name, anchor, kind string, open int64) issue {
	return issue{
		Level: levelWarn, Kind: kind, Of: of, Target: name, Anchor: anchor, Count: open,
		Command: []string{"truc dlq list " + quoted(name), "truc dlq retry " + quoted(name)},
	}
}

// conditionIssue tells what is wrong with a state, if anything.
func conditionIssue(c pipeline.Condition, fault string) (issue, bool) {
	is := issue{State: string(c.State), Since: c.Since, Message: c.Error, Kind: fault}
	if what := pipeline.Explain(c.Err()).What; what.VI != what.EN {
		is.Explained = what.VI
	}
	switch c.State {
	case pipeline.StateRunning, pipeline.StateStarting:
		return is, false
	case pipeline.StateRetrying:
		is.Level = levelWarn
		if fault != faultUnreachable {
			is.Kind = "retrying"
		}
	case pipeline.StateStopped:
		is.Level, is.Kind = levelNote, "stopped"
	case pipeline.StateStandby:
		is.Level, is.Kind = levelNote, "standby"
	case statePaused:
		is.Level, is.Kind = levelNote, "paused"
	case stateWaiting:
		is.Level, is.Kind = levelNote, "waiting"
	case pipeline.StateFailed:
		is.Level = levelBad
		if fault == "" || fault == faultUnreachable {
			is.Kind = faultOther
		}
	default: // a state that this page does not know yet
		is.Level, is.Kind = levelNote, "unknown"
	}
	return is, true
}

// commandsOf are what a person types next.
func commandsOf(kind, name string, pipelines []Publish) []string {
	switch kind {
	case faultGap, faultDivergence, faultBusGap, faultDeliveryGap:
		return []string{"truc resnapshot " + quoted(name)}
	case faultBudget:
		out := make([]string, 0, 4)
		retry := "truc dlq retry " + quoted(name)
		for _, p := range pipelines {
			if p.DeadLetters.Open > 0 {
				out = append(out, "truc dlq list "+quoted(p.Name))
				retry = "truc dlq retry " + quoted(p.Name)
				break
			}
		}
		return append(out, "truc check", "truc run", retry)
	case faultRefused, faultTopic, faultOther:
		return []string{"truc check", "truc run"}
	case faultTakenOver, "stopped":
		return []string{"truc run"}
	case faultUnreachable, "retrying":
		return []string{"truc check"}
	case "paused":
		return []string{"truc resume " + quoted(name)}
	}
	return nil
}

// quoted is a name as a shell takes it.
func quoted(name string) string {
	for _, c := range name {
		plain := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.'
		if !plain {
			return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
		}
	}
	return name
}
